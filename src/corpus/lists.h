// Ranked lists: what a corpus of them holds, and pairs made of them.
#pragma once

#include "base/param.h"
#include "corpus/corpus.h"

struct list_summary {
    size_t n_responses;
    int shortest, longest; // responses of a list
    size_t n_pairs, n_ties; // pairs of responses of one list with different scores, and with equal ones
    size_t n_with_ties;     // lists that have a tie
};
void lists_summarize(const struct corpus *c, struct list_summary *out);

// Which pairs of a list: none, the best against the worst, every two with different scores, or one of a good answer that is
// rare and a bad one that is common (diversity.h; by their words, since no model is at hand).
enum list_pairs { LIST_PAIRS_NO, LIST_PAIRS_BEST_WORST, LIST_PAIRS_ALL, LIST_PAIRS_DIVPO };
extern const char *const list_pairs_names[]; // in this order, for a parameter's choices; NULL-terminated
enum list_pairs list_pairs_named(const char *name);

struct list_pairing {
    enum list_pairs which;
    double share; // of LIST_PAIRS_DIVPO: how much of each end of a list the two answers may be from
};
// What the parameters pairs-from-lists and pairs-share say.
struct list_pairing list_pairing_from(const struct settings *s);
#define LIST_PAIRING_PARAMS(turns)                                                                                         \
    {.name = "pairs-from-lists", .type = PARAM_CHOICE, .fallback = "no", .choices = list_pairs_names, .group = "data",     \
     .help = turns " ranked lists into pairs: the best against the worst response; all with different scores; or divpo, "  \
                   "of the better ones the one with the rarest words against the one of the worse with the commonest."},   \
    {.name = "pairs-share", .type = PARAM_FLOAT, .fallback = "0.25", .min = 0.01, .max = 0.5, .group = "data",             \
     .help = "With pairs-from-lists divpo: the share of a list's responses that are its better ones, and as many its "     \
             "worse ones; at least one."}

// Turns a corpus of lists into one of pairs (chosen 1, rejected 0), which keep their list's prompt and line. Of several
// best or worst responses the first counts; two of the same text make no pair. Other corpora stay as they are.
void lists_to_pairs(struct corpus *c, struct list_pairing how);
