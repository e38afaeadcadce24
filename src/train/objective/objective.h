// An objective: what a batch of responses teaches. One file and one row of the table in table.c each.
//
// An objective sees numbers, not tensors: of every response its summed log-probability under the policy and
// under the reference, its length and its label; of a reward model the score. It returns the loss of one group
// (a prompt's responses) and the derivative by each log-probability or score. The trainer averages over the
// batch's groups and sends the derivatives through the model, where dlogits_t = d_logp (onehot_t - softmax_t).
//
// All maths is in double and in forms that stay finite for any finite input.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/param.h"
#include "base/rng.h"

// What a loss takes beside the summed log-probabilities of the responses, by kind; all zero: nothing.
struct needs {
    unsigned reads;    // enum objective_read, or-ed
    unsigned networks; // enum objective_network, or-ed
    unsigned groups;   // enum objective_groups, or-ed
    unsigned columns;  // enum objective_column, or-ed
    bool batch_first;  // prepare() sees the whole batch's numbers before the first loss (costs one more forward pass)
};
// What the head says of tokens.
enum objective_read {
    READ_TOKEN_STATS = 1, // entropy and accuracy per token are logged
    READ_KL = 2,          // seq.kl and d_kl; the reference runs beside the policy in every step
    READ_SUM_SQUARES = 4, // seq.sum_squares
    READ_RIVAL = 8,       // seq.rival and d_rival
};
// What stands beside the policy.
enum objective_network {
    NETWORK_REFERENCE = 1,   // seq.ref: log-probabilities under the model that the run started from
    NETWORK_SCORE = 2,       // seq.score: a reward head on the response's last token; d_score is the output
    NETWORK_TOKEN_SCORE = 4, // with NETWORK_SCORE: the head reads every token of a response, and score is their mean
    NETWORK_VALUE = 8,       // seq.value and d_value: a value network of its own reads the prompt
    NETWORK_TOKEN_VALUE = 16, // with NETWORK_VALUE: it reads each token of a response before it is said: seq.tokens.value
};
// What is in a group, where it is not just the responses of an example.
enum objective_groups {
    GROUPS_TIES = 1,        // pairs without a better answer stay: the loss reads labels as shares of votes
    GROUPS_BAD = 2,         // bad responses alone: it learns what not to say
    GROUPS_MISMATCH = 4,    // the last response belongs to another prompt; only prepare() sees it
    GROUPS_OWN_ANSWERS = 8, // after the data's responses come samples of the model that the run started from
    GROUPS_COMPARISON = 16, // the prompt shows both responses, the two "responses" are the letters of the answer
};
// Numbers that somebody has computed before: of a group, or of tokens.
enum objective_column {
    COLUMN_PROMPT_ODDS = 1, // seq.prompt_odds: of a classifier of the prompts
    COLUMN_TOKENS = 2,      // seq.tokens: the loss sees a response's tokens and sends something back to each
    COLUMN_SETS = 4,        // with COLUMN_TOKENS: what passes there is said of the distribution that tokens were drawn from
};

// What may be known of each token of a response when it comes from its source.
enum token_column {
    TOKEN_OLD_LOGP,  // under the policy that said it, then; among the tokens that it was drawn from, as struct
                     // token_numbers.logp
    TOKEN_REFERENCE, // the same under the reference
    TOKEN_REWARD, TOKEN_OLD_VALUE, TOKEN_ADVANTAGE, TOKEN_RETURN,
    TOKEN_FULL_LOGP, TOKEN_FULL_REFERENCE, // the first two over the whole vocabulary
    TOKEN_SAMPLER_LOGP,                    // the first one as the sampler had it
    N_TOKEN_COLUMNS
};
// A response's tokens (seq.n of each), with COLUMN_TOKENS.
struct token_numbers {
    const float *logp;                     // under the policy; with COLUMN_SETS among the tokens that were left to draw from
    const float *full_logp;                // under the policy, over the whole vocabulary
    const float *value;                    // of the value network, with NETWORK_TOKEN_VALUE
    const float *columns[N_TOKEN_COLUMNS]; // of the source; NULL where it has none
    double *d_logp, *d_value;              // zero before loss(), which adds dL/d(...)
};

static inline struct needs needs_both(struct needs a, struct needs b)
{
    return (struct needs){a.reads & b.reads, a.networks & b.networks, a.groups & b.groups, a.columns & b.columns,
                          a.batch_first && b.batch_first};
}
static inline struct needs needs_without(struct needs a, struct needs b)
{
    return (struct needs){a.reads & ~b.reads, a.networks & ~b.networks, a.groups & ~b.groups, a.columns & ~b.columns,
                          a.batch_first && !b.batch_first};
}
static inline bool needs_any(struct needs n)
{
    return n.reads || n.networks || n.groups || n.columns || n.batch_first;
}

enum { OBJECTIVE_MAX_PARAMS = 24, OBJECTIVE_MAX_STATE = 8, OBJECTIVE_MAX_METRICS = 16 };

// One response. Pairs: [0] chosen, [1] rejected. Numbers that the objective does not need are zero.
struct seq {
    double logp, ref;   // sums over the response's tokens, its end included
    double tail;        // what ld-alpha took from logp: logp + tail is the plain sum
    double score;
    double label;       // of the data: pairs 1 and 0 (or shares of votes), single ones 1 good and 0 bad, lists scores
    int n;              // response tokens
    bool mismatched;    // the response of another prompt (GROUPS_MISMATCH)
    double kl;          // sum over tokens of KL(reference || policy) over the whole vocabulary
    double sum_squares; // sum over tokens of log sum_v pi(v)^2
    double rival;       // sum over tokens of softplus(logit of the token - logit of a drawn rival): CRINGE's contrast
    double value;       // of the value network at the prompt's end
    double prompt_odds; // log-odds that answers to this prompt are good, of a classifier (bco); 0: even
    double prepared;    // set by prepare() or hold(): what the loss takes as a constant
    struct token_numbers tokens;
    // set by loss(): dL/d(...) of this group's loss
    double d_logp, d_score, d_kl, d_rival, d_value;
    double reward;      // implicit or explicit reward, for logging
};

// Options that every objective of single pairs has (weighting.h); zero: off.
struct weighting {
    bool wpo;
    double tail_cut; // 1 - ld-alpha
};

// How what was sampled is weighed, of objectives with the policy's own answers (correction.h); zero: not at all.
enum correction_by { CORRECT_NOTHING, CORRECT_TOKENS, CORRECT_SEQUENCES };
struct correction {
    enum correction_by by;
    bool mask; // what is beyond the cap counts nothing; else it counts the cap
    double cap; // 0: the objective has no such weights
};

// An objective at work: its parameter values and what it remembers.
struct objective_run {
    const struct objective *objective;
    double values[OBJECTIVE_MAX_PARAMS]; // in the order of objective->params; BOOL as 0 and 1, CHOICE as index
    struct weighting options;
    struct correction correction;
    double state[OBJECTIVE_MAX_STATE];   // moves between steps (running means, ...); part of checkpoints
    // The present batch, set before prepare() and loss(), the same for every way of cutting it in pieces:
    int n_groups;
    double n_tokens; // response tokens
    bool is_cut;     // answers are drawn from what a cut (top-k, top-p, min-p) has left
    float inv_temperature; // log-probabilities are those of the logits times this: 1 / temperature of what was said; 0: 1
    int longest; // tokens that an answer of the policy may have; 0: none is sampled
    uint64_t seed;
    int64_t step;
    double prepared; // set by prepare(): one more constant, of the whole batch
    bool held_out; // an evaluation: state is as training left it, and prepare() does not move it
};

// An answer of the policy, as it was when it was said: arrays of its n tokens.
struct said {
    int n;
    bool ended;   // by its own end; else it was cut off
    double score; // what it earned as a whole, of the rewards
    const int32_t *tokens;
    const float *logp, *ref, *value;     // under the policy, the reference (whole vocabulary), the value network; NULL: none
    float *reward, *advantage, *returns; // to be set by judge()
};
// What an objective has that learns from what the policy says meanwhile (on-policy). The prompts of the data are
// answered `samples` times each, a parameter of its own; then, once for all updates that are made of a batch of answers:
struct online {
    // What each token earned and what it is worth: the columns TOKEN_REWARD, TOKEN_ADVANTAGE and TOKEN_RETURN that loss()
    // will see. Group g's answers are said[first[g]] .. said[first[g + 1] - 1]. NULL with pick: the loss looks at whole
    // answers.
    void (*judge)(struct objective_run *r, struct said *said, const int *first, int n_groups);
    // Of objectives that learn from some answers of a prompt, as if data had had them: which of the n, in which order, and
    // with which labels; rng is of this prompt. Returns how many, at most n; 0: this prompt teaches nothing.
    // NULL: all are learnt from.
    int (*pick)(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken, double *labels);
    int n_picked, more; // how many it returns, where it does not return 0: n_picked, and any multiple of `more` (0: none)
    bool by_order; // pick asks no more than which answer is better: a person can say it
    // Which share the reference has in saying the k-th of n answers: it is drawn token by token from
    // pi^(1 - share) ref^share, normalized. NULL: 0, the policy alone.
    double (*reference_says)(const double *values, int k, int n);
    bool mixed; // some are the policy's own answers and some are not: pick tells them by their numbers
    // seq.ref of what is picked: this share of log ref, and the rest of log pi of when it was said. NULL: 1, the reference.
    double (*anchor)(const double *values);
};

struct objective {
    const char *name;     // "dpo": --objective dpo
    const char *title;    // "Direct Preference Optimization"
    const char *summary;  // one sentence: what it does and when to use it
    const char *paper;    // "Rafailov et al. 2023, arXiv:2305.18290"
    const char *formula;  // as plain text
    const char *pitfalls; // what to watch for
    unsigned data;        // accepted enum data_kind, or-ed; with DATA_BINARY all are read response by response. DATA_PROMPT
                          // alone: it takes the prompts, which rows of every kind have
    struct needs needs;   // under any values; batch_first follows from prepare
    bool of_runs;         // it trains other runs and merges them (paft_run.h); the loss judges what comes out
    const struct online *online; // NULL: it learns from answers that are there
    bool imitates;        // texts as well, beside what it learns from answers, with the weight of its parameter ptx-coef
    bool rewards;         // labels are rewards, which are standardized: 0 is their mean; else 0.5 parts good from bad
    bool log_odds;        // of pairs: sigmoid(reward - reward) is the probability that the first is better
    const char *entropy_weight; // the parameter by which the implicit reward takes log pi, less beta log ref; NULL: beta too
    const struct param *params;  // ends with a row without name; at most OBJECTIVE_MAX_PARAMS
    // What loss() reports beside the usual ones; NULL-terminated; may be NULL. Of a batch the mean over its groups is
    // logged, of names that end in /max or /min the largest or the least.
    const char *const *metrics;
    // Takes away what is not needed under these values; NULL: all always is.
    void (*needs_now)(const double *values, struct needs *n);
    // READ_RIVAL: among how many of the likeliest other tokens the rival is drawn.
    int (*n_rivals)(const double *values);
    // Whole-batch statistics into state and seq.prepared, once, before the first loss() of a batch.
    // Group g holds seqs[first[g]] .. seqs[first[g + 1] - 1]. NULL: none.
    void (*prepare)(struct objective_run *r, struct seq *seqs, const int *first, int n_groups);
    // Constants of one group that follow from its own numbers but carry no gradient (gates, weights), into
    // seq.prepared; before its loss(). NULL: none.
    void (*hold)(const struct objective_run *r, struct seq *seqs, int n);
    // The loss of one group of n responses; sets d_logp, d_score, ... and reward of each. metrics has room for
    // one number per row of `metrics`.
    double (*loss)(const struct objective_run *r, struct seq *seqs, int n, double *metrics);
};

extern const struct objective *const objectives[]; // NULL-terminated
// ERR_USAGE names the nearest ones.
int objective_find(const struct objective **out, const char *name, struct err *e);
struct needs objective_needs(const struct objective_run *r);
// hold() and loss() of one group whose batch is prepared, under its options. Derivatives that the objective does not
// set are zero.
double objective_loss(const struct objective_run *r, struct seq *seqs, int n, double *metrics);

// The rows that the objective has beside its own `params`; may be an empty table. Settings hold both.
const struct param *objective_options(const struct objective *o);
// The value of the objective's parameter of that name, which it must have.
double objective_value(const struct objective_run *r, const char *name);
// Values from settings that hold the objective's rows; again after a live change.
void objective_configure(struct objective_run *r, const struct objective *o, const struct settings *s);
// "preference pairs", "texts to imitate or preference pairs": for messages. Static storage per thread.
const char *objective_data_text(const struct objective *o);
// ERR_USAGE unless the objective can learn from data of this kind (enum data_kind).
int objective_check_data(const struct objective *o, unsigned data_kind, const char *where, struct err *e);
