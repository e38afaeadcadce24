// What an annotator's judgements of one source add up to.
#pragma once

#include "store/labels.h"

enum { LABEL_FAST_S = 3, LABEL_IDLE_S = 60, LABEL_OTHERS = 8 };
// A judgement that stands.
struct label_vote {
    int item, who; // the pair's and the annotator's place; who 0: the person at the desk
    int occasion;
    enum verdict verdict; // of A and B
    bool swapped;
    double seconds;
    int64_t length_gap; // of A minus B, in characters
};
struct label_tally {
    int n_items;                               // pairs of the source
    int n_done, n_skipped, n_flagged;          // of occasion 0; done: all but the skipped ones
    int counts[VERDICT_UNDO - VERDICT_MUCH_A]; // by verdict as it was shown: [0] left much better, ...
    int n_left, n_sided;                       // left answer preferred; either preferred
    int n_longer, n_length;                    // the longer one preferred; either, of different lengths
    double p_left, p_longer;                   // exact binomial tests of these two against 1/2
    int n_fast, n_timed;                       // less than LABEL_FAST_S; with a known time
    int n_again, n_again_same, n_again_side,
        n_again_sided;      // second looks; of the same grade; the same side, of those with sides
    double median_s, p90_s; // NaN: unknown
    double per_hour;        // at the mean time, of which LABEL_IDLE_S at most counts
    struct label_other {
        char name[64];
        int n, n_same, n_side, n_sided; // pairs that both judged; the same grade; the same side, of those with sides
        double kappa;                   // Cohen's, of graded verdicts with quadratic weights; NaN: undefined
    } others[LABEL_OTHERS];
    int n_others;
    double alpha; // Krippendorff's, ordinal, of all annotators' graded verdicts; NaN: nothing overlaps
};
// names (n_names): of annotators, by `who`; the first LABEL_OTHERS besides the first are compared. Deterministic.
void label_tally_of(struct label_tally *out, const struct label_vote *votes, int n, int n_items,
                    const char *const *names, int n_names);
// -1, 0 or 1; only graded verdicts have a side.
int verdict_side(enum verdict v);
// As it looks with the sides exchanged.
enum verdict verdict_turned(enum verdict v, bool swapped);
