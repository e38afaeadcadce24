// An objective: what a batch of responses teaches. One file and one row of the table in objectives.c each.
//
// An objective sees numbers, not tensors: of every response its summed log-probability under the policy and
// under the reference, its length and its label; of a reward model the score. It returns the loss of one group
// (a prompt's responses) and the derivative by each log-probability or score. The trainer averages over the
// batch's groups and sends the derivatives through the model, where dlogits_t = d_logp (onehot_t - softmax_t).
//
// All maths is in double and in forms that stay finite for any finite input.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/param.h"

enum objective_need {
    NEED_REFERENCE = 1,   // seq.ref: log-probabilities under the model that the run started from
    NEED_SCORE = 2,       // seq.score: a reward head on the response's last token; d_score is the output
    NEED_TOKEN_STATS = 4, // entropy and accuracy per token are logged
    NEED_BATCH = 8,       // prepare() sees the whole batch's numbers first (costs one more forward pass)
};

enum { OBJECTIVE_MAX_PARAMS = 16, OBJECTIVE_MAX_STATE = 8, OBJECTIVE_MAX_METRICS = 8 };

// One response. Pairs: [0] chosen, [1] rejected.
struct seq {
    double logp, ref; // sums over the response's tokens, its end included
    double score;
    double label;     // from the data: pairs 1 and 0, binary feedback 1 good and 0 bad, lists the score
    int n;            // response tokens
    // set by loss()
    double d_logp, d_score; // dL/dlogp, dL/dscore of this group's loss
    double reward;          // implicit or explicit reward, for logging
};

// An objective at work: its parameter values and what it remembers.
struct objective_run {
    const struct objective *objective;
    double values[OBJECTIVE_MAX_PARAMS]; // in the order of objective->params; BOOL as 0 and 1, CHOICE as index
    double state[OBJECTIVE_MAX_STATE];   // moves between steps (running means, ...); part of checkpoints
    // The present batch, set before prepare() and loss(), the same for every way of cutting it in pieces:
    int n_groups;
    double n_tokens; // response tokens
    uint64_t seed;
    int64_t step;
};

struct objective {
    const char *name;     // "dpo": --objective dpo
    const char *title;    // "Direct Preference Optimization"
    const char *summary;  // one sentence: what it does and when to use it
    const char *paper;    // "Rafailov et al. 2023, arXiv:2305.18290"
    const char *formula;  // as plain text
    const char *pitfalls; // what to watch for
    unsigned data;        // accepted enum data_kind, or-ed
    unsigned needs;       // enum objective_need, or-ed
    const struct param *params;  // ends with a row without name; at most OBJECTIVE_MAX_PARAMS
    const char *const *metrics;  // what loss() reports beside the usual ones; NULL-terminated; may be NULL
    // The needs under these values, when they depend on them; NULL: always `needs`.
    unsigned (*needs_now)(const double *values);
    // Whole-batch statistics into state, before the first loss() of a batch (NEED_BATCH). Group g holds
    // seqs[first[g]] .. seqs[first[g + 1] - 1]. NULL: none.
    void (*prepare)(struct objective_run *r, const struct seq *seqs, const int *first, int n_groups);
    // The loss of one group of n responses; sets d_logp or d_score and reward of each. metrics has room for
    // one number per row of `metrics`, averaged over groups by the caller.
    double (*loss)(const struct objective_run *r, struct seq *seqs, int n, double *metrics);
};

extern const struct objective *const objectives[]; // NULL-terminated
// ERR_USAGE lists the names.
int objective_find(const struct objective **out, const char *name, struct err *e);
unsigned objective_needs(const struct objective_run *r);

// Values from settings that hold the objective's rows; again after a live change.
void objective_configure(struct objective_run *r, const struct objective *o, const struct settings *s);
// "preference pairs", "texts to imitate or preference pairs": for messages. Static storage per thread.
const char *objective_data_text(const struct objective *o);
// ERR_USAGE unless the objective can learn from data of this kind (enum data_kind).
int objective_check_data(const struct objective *o, unsigned data_kind, const char *where, struct err *e);
