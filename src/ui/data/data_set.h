// A data set as the page shows it: its rows in an order, those that pass a filter. Knows nothing of the screen and of
// threads.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/filter.h"
#include "corpus/survey.h"

// Where it comes from, and how it is read.
struct data_source {
    char *path, *map, *label_from; // map, label_from: as corpus_reading; "" none
    char *tokenizer;               // a folder whose tokenizer counts; "": lengths stay characters
    char *held_out;                // another file, whose prompts are looked for; "": none
};
struct data_source data_source_copy(const struct data_source *s); // NULL members become ""
void data_source_fini(struct data_source *s);
bool data_source_equal(const struct data_source *a, const struct data_source *b);

struct data_set {
    struct data_source from;
    struct corpus *corpus; // NULL: nothing was read yet
    struct survey *survey; // of the same rows
    bool is_part;          // the first rows alone, the others are being read
    bool is_cut;           // there are more than are ever read
    bool counting;         // tokens are being counted; until then lengths are characters
    struct err fault;      // why it cannot be read
    char tokenizer_fault[240], held_out_fault[240];
    uint64_t version; // changes whenever something above does
};
void data_set_fini(struct data_set *d);

// A value of row i under a field of the filters:
//   prompt chosen rejected response system file label (good, bad) side (the chosen answer is longer, shorter, equal; tie)
//   flag (same, opposite, prompt, tie, shared)
//   row line turns answers score share prompt-length chosen-length rejected-length response-length gap
struct data_item {
    const struct data_set *set;
    size_t row;
};
bool data_field(const void *item, const char *field, int i, struct filter_value *out); // a filter_get
extern const char *const data_fields[]; // their names, ends with NULL

// What rows can be sorted by; the first is the file's order.
extern const char *const data_orders[]; // ends with NULL

// The rows that pass, in order; made in pieces.
struct data_rows {
    uint32_t *rows; // of the corpus, (n)
    size_t n;
    size_t n_all;     // rows of the corpus
    size_t looked_at; // of them
    bool is_done;
    struct filter *filter; // NULL: all
    int order;             // of data_orders
    bool is_up;            // the smallest first; of the file's order it is so always
    uint64_t version;      // of the set that they are of
};
// Begins anew. Takes the filter.
void data_rows_begin(struct data_rows *r, const struct data_set *d, struct filter *filter, int order, bool is_up);
// Goes on until clock_seconds() is `until_s`; true when all rows were looked at and the order is made.
bool data_rows_continue(struct data_rows *r, const struct data_set *d, double until_s);
void data_rows_fini(struct data_rows *r);
