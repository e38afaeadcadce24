// The language of filters, one for everything that is listed: runs, rows of data, samples, labels, log lines, help.
//
//     dpo                 a word: somewhere in the main texts; "two words"; dpo*-s? as a whole, with * and ?; /reg.?ex/
//     tag:hh              the field holds it          objective=dpo,ipo   it is one of them (also dpo|ipo); != none of them
//     loss<0.6            < <= > >= with a number: 1e-5, 20k, 1.5M, 5%, 90s, 30m, 2h, 7d
//     has:kl              there is such a value       -tag:debug  !x  NOT x   the opposite
//     a b   a AND b   a OR b   a | b   ( ... )        AND binds more closely than OR
//
// Letters match in either case. What is between quotes is taken as it stands.
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct filter; // never changes but for what filter_unknown needs: one thread at a time uses it

// One value of an item: a text, a number, or both.
struct filter_value {
    const char *text; // borrowed until the next question; NULL: only a number
    double number;    // NaN: only a text
};
// The i-th value (from 0) that `item` has under `field`; false: no more. A field may have several, such as tags. `field`
// NULL: the item's main texts, which words look through.
typedef bool (*filter_get)(const void *item, const char *field, int i, struct filter_value *out);

enum { FILTER_MAX_BYTES = 2000 }; // of its text

// An empty text is a filter that everything passes. ERR_USAGE: what is wrong, at which character, and what to write.
int filter_parse(struct filter **out, const char *text, struct err *e);
void filter_free(struct filter *f); // NULL is fine
bool filter_is_empty(const struct filter *f); // also of NULL
const char *filter_text(const struct filter *f); // as it was given; "" of NULL
bool filter_matches(struct filter *f, filter_get get, const void *item); // NULL passes everything

// The i-th name of a field that it asks for, and NULL after the last: what must be read before it can be answered.
const char *filter_field(const struct filter *f, int i);
// The first field that no item has had in any filter_matches so far; NULL: each was there, or nothing was asked yet.
const char *filter_unknown(const struct filter *f);

// A text that is one number as filters have them, with its unit; false otherwise.
bool filter_number(const char *text, double *out);
// Whether the whole of `text` is as `pattern` says: * any characters, ? any one. Letters in either case.
bool filter_glob(const char *pattern, const char *text);
