// The examples of a corpus as tokens: groups of one prompt and its responses, ready to be packed.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "corpus/corpus.h"
#include "train/objective/objective.h"
#include "train/data/text_rules.h"

struct ds_seq {
    size_t first; // in tokens: the first one to be learnt; n_context others stand right before it
    int n;
    int n_context; // tokens of the prompt that this response does not share with the others: it meets them elsewhere
    double label;
    int response;    // its number in the example; -1: it is none of its responses
    bool mismatched; // an answer to another prompt: see mismatch.h
};
struct ds_group {
    size_t prompt; // in tokens: what all responses share (with dataset_options.prompts: all of it)
    int n_prompt;  // at least 1: the row before a response's first token predicts it
    size_t ask;    // the prompt as it is when the model answers it (n_ask; 0: not kept, see dataset_options.asks)
    int n_ask;
    int n_dropped; // tokens that were cut off the prompt's beginning
    int first_seq, n_seqs;
    uint32_t example; // in the corpus
    bool cut;         // the prompt or a response is shortened
    bool flipped;     // of a comparison: the chosen response is shown as B
};
// Where a tape (model/tape.h) has what was computed of each token, and the logits that it was drawn from: (n_tokens), -1:
// it has not. Good for what the tape had at `number`; tape NULL: there is none.
struct taped {
    const struct tape *tape;
    uint64_t number;
    int32_t *rows, *logits;
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
    float *token_columns[N_TOKEN_COLUMNS]; // (n_tokens) for seq.tokens.columns; NULL: not there
    // What tokens were drawn from (COLUMN_SETS): token i from set_ids[set_starts[i]] .. set_ids[set_starts[i + 1] - 1], in
    // rising order; none: from the whole vocabulary. Known of the first n_set_tokens, the others have none; see
    // dataset_put_set.
    size_t *set_starts; // (n_set_tokens + 1); NULL: no token has one
    int32_t *set_ids;
    size_t n_set_tokens, cap_set_tokens, cap_set_ids;
    struct taped taped;
    int n_cut;     // groups with a shortened prompt or response
    int n_ties;    // pairs left out because neither answer is better (skip_ties)
    int n_lost;    // responses that lists do without: empty or alike after truncation
    int n_plain_specials; // examples with something in a message that looks like a special token
    struct ds_left_out {
        uint32_t example;
        char *reason;  // "an answer is empty", or what the chat template says
    } *left_out;       // in their order
    int n_left_out, cap_left_out;
    char hash[65]; // SHA-256 over tokens, groups and labels: data, tokenizer, template and truncation together
};

struct dataset_options {
    const struct text_rules *rules;
    int max_responses; // 0: all; 1 takes the first (SFT on pairs: the chosen one)
    bool to_score;     // not learnt from: lists keep responses that are alike or contradict each other
    bool skip_ties;    // leave out pairs without a better answer: they would teach an arbitrary order
    bool singly;       // each response is a group of its own: pairs and lists read as feedback on single responses
    bool bad_only;     // with singly: only responses whose label is below 0.5
    bool prompts;      // the prompts alone: groups without responses, which the policy will answer
    bool asks;         // the prompts alone are kept beside the groups: to be answered, or to tell them apart
    bool mismatched;   // every group gets an answer to another prompt, drawn with `seed`
    bool compare;      // pairs as comparisons (comparison.h): the responses are letters, that of the chosen one first
    uint64_t seed;
    bool both_orders;  // with compare: every pair twice, A against B and the other way round; else once, by the seed
};

// dataset_build.c
// Sets how examples become groups for an objective with these needs: the members from max_responses to seed.
void dataset_options_for(struct dataset_options *o, const struct objective *objective, struct needs needs, uint64_t seed);

// use[i]: which examples to take (NULL: all), and at most `limit` groups (0: all; with both_orders pairs of groups).
// ERR_INPUT when nothing is left.
int dataset_build(struct dataset *d, const struct corpus *c, const bool *use, int limit,
                  const struct dataset_options *o, struct err *e);
void dataset_fini(struct dataset *d);
// Says on standard error how much was shortened, and what was left out and why, for commands that answer row by row.
// c: what it was built of.
void dataset_say_left_out(const struct dataset *d, const struct corpus *c);
// What was left out becomes refused rows of what it was built of.
void dataset_refuse_left_out(const struct dataset *d, struct corpus *c);
// After its groups, responses or tokens were changed.
void dataset_rehash(struct dataset *d);
// Adds tokens and returns where they begin.
size_t dataset_add_tokens(struct dataset *d, const int32_t *ids, size_t n);
// Token number `token`, behind all that have one, was drawn from these n.
void dataset_put_set(struct dataset *d, size_t token, const int32_t *ids, size_t n);
// How many tokens it was drawn from, and they; 0: the whole vocabulary.
size_t dataset_set(const struct dataset *d, size_t token, const int32_t **ids);
// The group's responses share n_prompt tokens and no more; what they shared beyond becomes context of each.
void dataset_share_less(struct dataset *d, struct ds_group *g, int n_prompt);

// Mean and standard deviation of all responses' labels; the spread of equal labels is taken as 1.
struct moments {
    double mean, spread;
};
struct moments dataset_label_moments(const struct dataset *d);
// Labels become rewards in units of the spread around the mean. The hash stays that of the data.
void dataset_standardize(struct dataset *d, const struct moments *m);

// Prompt tokens of one example on their own (for sampling), on the heap.
int dataset_prompt_tokens(const struct dataset_options *o, const struct example *x, int32_t **ids, int *n,
                          struct err *e);
