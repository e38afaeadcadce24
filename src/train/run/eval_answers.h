// Answers to held-out prompts, and what models say of them: what evaluations are made of.
//
// Log-probabilities are those of the forward pass at temperature 1, whatever the answers were drawn with; policy and
// reference go through the same pass, so that a model is exactly as far from itself as nothing.
#pragma once

#include "model/decoder.h"
#include "model/generator.h"
#include "train/data/dataset.h"
#include "train/learn/reference.h" // progress_fn

struct eval_progress {
    progress_fn tell; // may be NULL; false: ERR_INTERRUPTED
    void *arg;
};

// The first `most` different prompts of a corpus as tokens.
struct eval_prompts {
    const struct example **examples; // (n) in the corpus
    int32_t **tokens;
    int *n_tokens;
    int n;
    int n_left_out; // that the template refuses or that leave no room for an answer
    char hash[65];  // SHA-256 over the tokens
};
// use: per example, NULL: all. longest: tokens that the model can hold. ERR_INPUT when there is none.
int eval_prompts_take(struct eval_prompts *p, const struct corpus *c, const bool *use, const struct dataset_options *text,
                      int most, int longest, struct err *e);
void eval_prompts_fini(struct eval_prompts *p);

struct eval_answers {
    struct dataset data; // a group a prompt, `samples` answers each
    int samples;
    bool *ended;  // (n_seqs) by its own end; else it was cut off
    char **texts; // (n_seqs)
    // (n_seqs) sums over an answer's tokens, NULL: not measured
    double *logp;    // log pi
    double *entropy; // of pi's distribution before each token
    double *ref;     // log ref
    double *k3;      // ref / pi - 1 - log(ref / pi): an estimate of KL(pi || ref) that is never negative
    double *kl;      // KL(pi || ref) over the whole vocabulary; NULL also where the two cannot be compared so
    double *scores[2]; // by two judges
};

// Answer number k to prompt number p is a function of (seed, p, k) and the model.
int eval_answers_draw(struct eval_answers *a, struct model *m, const struct eval_prompts *p, const struct tokenizer *t,
                      int samples, const struct gen_options *options, const struct eval_progress *progress, struct err *e);
void eval_answers_fini(struct eval_answers *a);
// Fills logp and entropy and, with a reference (of the same backend and vocabulary; NULL: none), ref, k3 and kl.
int eval_answers_measure(struct eval_answers *a, struct model *policy, struct model *reference, int max_batch_tokens,
                         const struct eval_progress *progress, struct err *e);
// Fills scores[judge] by a reward model, whose folder is `name`.
int eval_answers_score(struct eval_answers *a, int judge, struct model *m, const char *name, int max_batch_tokens,
                       const struct eval_progress *progress, struct err *e);
