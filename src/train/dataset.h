// The examples of a corpus as tokens: groups of one prompt and its responses, ready to be packed.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "corpus/corpus.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "train/objectives/objective.h"

struct ds_seq {
    size_t first; // in tokens
    int n;
    double label;
    int response;    // its number in the example; -1: it is none of its responses
    bool mismatched; // an answer to another prompt: see mismatch.h
};
struct ds_group {
    size_t prompt; // in tokens
    int n_prompt;  // at least 1: its last row predicts the first response token
    int first_seq, n_seqs;
    uint32_t example; // in the corpus
    bool flipped;     // of a comparison: the chosen response is shown as B
};
struct dataset {
    int32_t *tokens;
    size_t n_tokens, cap_tokens;
    struct ds_group *groups;
    int n_groups, cap_groups;
    struct ds_seq *seqs;
    int n_seqs, cap_seqs;
    double *refs;  // (n_seqs) log-probabilities under the reference, NaN where not computed; NULL: not needed
    double *prompt_odds; // (n_groups) for seq.prompt_odds; NULL: not needed
    int n_cut;     // groups with a truncated prompt or response
    int n_ties;    // pairs left out because neither answer is better (skip_ties)
    int n_lost;    // responses that lists do without: alike after truncation, or with control tokens
    int n_dropped; // examples left out: empty, alike after truncation, with control tokens, refused by the template
    char first_refusal[300]; // why the chat template refused an example, of the first; "" when none was
    char hash[65]; // SHA-256 over tokens, groups and labels: data, tokenizer, template and truncation together
};

struct dataset_options {
    const struct tokenizer *tokenizer;
    struct chat_template *chat;       // for examples that are messages; whoever made these options frees it
    bool chat_always;                 // plain prompts, too, become a user's message
    int max_length, max_prompt_length;
    int max_responses; // 0: all; 1 takes the first (SFT on pairs: the chosen one)
    bool to_score;     // not learnt from: lists keep responses that are alike or contradict each other
    bool skip_ties;    // leave out pairs without a better answer: they would teach an arbitrary order
    bool singly;       // each response is a group of its own: pairs and lists read as feedback on single responses
    bool bad_only;     // with singly: only responses whose label is below 0.5
    bool mismatched;   // every group gets an answer to another prompt, drawn with `seed`
    bool compare;      // pairs as comparisons (comparison.h): the responses are letters, that of the chosen one first
    uint64_t seed;
    bool both_orders;  // with compare: every pair twice, A against B and the other way round; else once, by the seed
};

// Sets how examples become groups for an objective with these needs: the members from max_responses to seed.
void dataset_options_for(struct dataset_options *o, const struct objective *objective, unsigned needs, uint64_t seed);

// use[i]: which examples to take (NULL: all), and at most `limit` groups (0: all; with both_orders pairs of groups).
// ERR_INPUT when nothing is left.
int dataset_build(struct dataset *d, const struct corpus *c, const bool *use, int limit,
                  const struct dataset_options *o, struct err *e);
void dataset_fini(struct dataset *d);
// After its groups, responses or tokens were changed.
void dataset_rehash(struct dataset *d);

// Mean and standard deviation of all responses' labels; the spread of equal labels is taken as 1.
struct moments {
    double mean, spread;
};
struct moments dataset_label_moments(const struct dataset *d);
// Labels become rewards in units of the spread around the mean. The hash stays that of the data.
void dataset_standardize(struct dataset *d, const struct moments *m);

// The template for these settings: by name, or "auto": the tokenizer's own, else plain.
int dataset_chat_template(struct chat_template **out, const char *name, const struct tokenizer *t, struct err *e);
// Prompt tokens of one example on their own (for sampling), on the heap.
int dataset_prompt_tokens(const struct dataset_options *o, const struct example *x, int32_t **ids, int *n,
                          struct err *e);
// Ids that end a response: eos and the template's end of turn; returns how many (at most max).
int dataset_stop_ids(const struct dataset_options *o, int32_t *ids, int max);
