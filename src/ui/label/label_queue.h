// What the files of the desk share: the pairs of its source, what has been said of them, and which comes next.
#pragma once

#include "base/filter.h"
#include "store/run_db.h"
#include "ui/label/label_desk.h"

struct queue_item {
    int64_t pair, number;
    double share; // for A
    uint64_t lot; // its place by lot
    double p_b;   // that B is better, by the annotators' model; of is_fitted
    bool waits;   // of a run: it is open and nobody has answered
    bool passed;  // skipped since this order was chosen
    bool for_all;  // all annotators judge it; else one of them
    bool is_others;        // another one has it at the moment
    int64_t mine_until_ms; // when the claim of this annotator ends; 0: there is none
    bool is_check; // its answer is known; it comes as any other
    bool is_out;  // does not pass the filter
    // of what stands, made anew by queue_count:
    const struct judgement *own[2]; // by occasion
    int n_others;
    bool is_answered;                    // by another annotator
    double least, most;                  // opinions of others and of the source: -3 .. 3, positive for B
    bool is_settled, is_for_a, is_for_b; // annotators' votes: one is the last word, finds A better, finds B better
};
struct queue {
    enum label_kind kind;
    char name[128], annotator[64];
    struct label_set set;      // LABEL_OF_SET
    struct run_reader *reader; // LABEL_OF_RUN; NULL: its engine has not begun
    uint64_t seed;             // the annotator's
    enum label_order order;
    struct queue_item *items;
    int n, cap;
    int *by_pair, n_indexed; // places in the order of .pair
    struct judgement *said;  // every row there is, in the order of the store
    bool *stands;
    int n_said, cap_said, cap_stands;
    int64_t cursor;
    bool has_checks;
    int n_fresh; // own judgements of occasion 0 that stand, and the one held
    bool is_fitted;
    int n_fitted; // rows of `said` that the fit knows
    struct label_ability abilities[LABEL_OTHERS + 1];
    int n_abilities;
    struct filter *filter; // NULL: all pass; the desk's
    int held; // the item whose judgement is on its way to the disk: it waits no more; -1: none
};
void queue_fini(struct queue *q);
void queue_begin(struct queue *q, struct store *s, struct run_reader *r, enum label_kind kind, const char *name);
// Reads what is new of pairs and judgements, and counts again.
int queue_read(struct queue *q, struct store *s, struct err *e);
int queue_find(const struct queue *q, int64_t pair); // its place; -1
bool queue_is_own(const struct queue *q, const struct judgement *j);

// Whether the item waits for this annotator now, as `occasion`.
bool queue_waits(const struct queue *q, int item, int occasion);
struct queue_place {
    int item, occasion; // item -1: nothing waits
    bool swapped;
};
struct queue_place queue_next(const struct queue *q);
// On which sides: as it was when it was judged, exchanged when it comes again, else by the annotator's seed.
bool queue_side(const struct queue *q, int item, int occasion);
int queue_waiting(const struct queue *q);
// Into *out (label_show.c): what the judgements add up to, the annotator's newest ones, and others' of a pair
// (out->swapped is set).
void queue_show_tally(const struct queue *q, struct label_shown *out);
void queue_show_past(const struct queue *q, struct label_shown *out);
void queue_show_votes(const struct queue *q, int64_t pair, struct label_shown *out);
// Fits the annotators' model to the votes there are (label_fit.c): p_b of the items, and abilities.
int queue_fit(struct queue *q, struct err *e);
