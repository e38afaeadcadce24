// What the files of judgements share.
#pragma once

#include "store/labels.h"
#include "store/store_internal.h"

// Begins a transaction whose commit has outlived a power cut when it returns.
int labels_begin(struct store *s, struct err *e);
// The row of a pair, made where the project does not know it yet. run_id 0: a pair that was brought. In a transaction.
int labels_judged_id(struct store *s, int64_t run_id, const struct asked_pair *p, int64_t *id, struct err *e);

// Rows of judgements j of pairs p, ready to be stepped, as a list; *cursor becomes the last one's id. `run`: their
// run's name.
#define JUDGEMENT_COLUMNS                                                                                              \
    "j.id, ifnull(p.number, p.id), j.at_ms, p.hash, j.annotator, j.verdict, j.swapped, j.seconds, j.note, "            \
    "j.supersedes, "                                                                                                   \
    "j.occasion, j.reasons, j.is_final, length(p.a) - length(p.b), p.id, j.act"
int labels_read_rows(struct store *s, sqlite3_stmt *rows, const char *run, int64_t *cursor, struct judgement **out,
                     int *n, struct err *e);
