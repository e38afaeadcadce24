// Sets of pairs that people judge: taken once from a file or from what somebody compared, and kept in attune.db, so
// that order, sides and what comes twice are the same after a restart, and for every annotator. A set's pairs are pairs
// that people brought (labels.h): the same texts in two sets are the same pair, judged once.
#pragma once

#include "store/labels.h"

// Why one answer is better: letters that a judgement may carry ("ad"), in the order of the table.
struct label_reason {
    char letter;
    const char *name;
};
extern const struct label_reason label_reasons[]; // ends with letter 0

struct label_set {
    int64_t id, n, created_ms; // n: its pairs
    char *name, *source;       // source: the file that it came from, "" for none
    char *guideline;           // what annotators are to go by; "" none
    uint64_t seed;
    double repeats; // the share of pairs that come a second time with their sides exchanged
    double overlap; // the share of pairs that all annotators judge; each other one is judged by one of them. 1: all are
};
void label_set_fini(struct label_set *s);
void label_sets_free(struct label_set *list, int n);

enum { LABEL_SET_MOST = 1000000 };
// Makes a set of these pairs, all or nothing; of *set name, source, guideline, seed, repeats and overlap are read, and id is
// set. Texts that stand in it twice are kept once. shares (n): what the source says for A, NaN where it says nothing;
// NULL: of none. known (n): of attention checks 1 where A is better, 0 where B is, of all others NaN; NULL: there are none.
// The pairs' hashes are set. ERR_STATE where there is a set of that name.
int label_set_add(struct store *s, struct label_set *set, struct asked_pair *pairs, const double *shares,
                  const double *known, int n, struct err *e);
// One pair more at the end of a set, which is made where there is none of the name. What is in it already stays as it
// is.
int label_set_append(struct store *s, const char *name, struct asked_pair *pair, double share, struct err *e);
int label_set_set_guideline(struct store *s, int64_t set, const char *text, struct err *e);
int label_sets(struct store *s, struct label_set **out, int *n, struct err *e); // the newest first
int label_set_find(struct store *s, const char *name, struct label_set *out,
                   struct err *e); // ERR_NOT_FOUND names near ones

struct label_item {
    int64_t pair; // as judgement.pair has it
    double share;
    double known; // NaN: no attention check
};
int label_set_items(struct store *s, int64_t set, struct label_item **out, int *n, struct err *e); // by number, 1 ...
int label_pair(struct store *s, int64_t pair, struct asked_pair *out,
               struct err *e); // that a person brought; its texts
// ---- who has which pair of a set that is shared out (label_claims.c) ----
// A claim lasts so long at most: one whose end is further away is of before the clock was set back, and holds nothing.
enum { LABEL_LEASE_MS = 10 * 60 * 1000 };
struct label_claim {
    int64_t pair, until_ms;
    char annotator[64];
};
// Reserves those of these pairs that nobody else has for the annotator, till then; what is the annotator's already goes on.
int label_claim(struct store *s, int64_t set, const int64_t *pairs, int n, const char *annotator, int64_t now_ms,
                int64_t until_ms, struct err *e);
int label_claims(struct store *s, int64_t set, int64_t now_ms, struct label_claim **out, int *n, struct err *e); // that hold
int label_claims_release(struct store *s, int64_t set, const char *annotator, struct err *e);

// As labels_since, of the pairs of a set.
int label_set_since(struct store *s, int64_t set, int64_t *cursor, struct judgement **out, int *n, struct err *e);

// Whether B is shown first of the k-th pair (from 0) that an annotator sees: of each eight in a row four are, which
// ones follows from the seed.
bool label_side(uint64_t seed, uint64_t k);
// A seed of the annotator's own.
uint64_t label_seed(uint64_t seed, const char *annotator);
