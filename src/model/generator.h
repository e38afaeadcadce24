// Sampling with continuous batching. All streams of all jobs decode together as one batch of rows; streams that end leave
// it at once, and waiting jobs join between two tokens. A prompt's keys and values are computed once and shared by its
// samples. A token is a pure function of (seed, number, sample, position), the prompt and the model: never of who samples
// beside it, or when.
//
// A generator belongs to its model, with its cache, and lives as long. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/model.h"

struct gen_options {
    int max_new_tokens;
    float temperature; // 0: greedy
    int top_k;         // 0: off
    float top_p;       // 1: off
    float min_p;       // tokens less likely than this share of the likeliest are left out; 0: off
    uint64_t seed;
    const int32_t *stop_ids; // ends a stream, and is part of its tokens
    int n_stop;
    // Whether a stream ends with the newest of the n tokens that it has made; NULL: no such rule. They are part of it.
    bool (*ends)(const void *arg, const int32_t *tokens, int n);
    const void *ends_arg;
    bool keep_sets; // samples say what each token was drawn from
    bool keep_entropy; // and how undecided the model was
    // The share of the generator's second network (generator_set_second) in what is said: every token is drawn from
    // pi^(1 - share) second^share, normalized, before temperature and cut. 0: the model alone.
    float second;
};
struct gen_sample {
    int prompt, sample;
    int32_t *tokens; // what was generated, without the prompt
    float *logprobs; // of each token under what says it (the model, a mixture) at temperature 1, before top-k, top-p and
                     // min-p
    // With keep_sets: each token's log-probability under what it was drawn from, temperature and cut included, and the
    // tokens that were left by the cut, in rising order: those of token i are set_ids[set_starts[i]] .. set_ids[set_starts[i
    // + 1] - 1] (none: the whole vocabulary). Else NULL.
    float *drawn_logprobs;
    size_t *set_starts; // (n_tokens + 1)
    int32_t *set_ids;
    size_t cap_set_ids; // the generator's
    // With a tape (generator_set_tape): the row of its prompt's first token, the others follow; for each token its row,
    // and the row of logits that it was drawn from. -1: it is not there (of the last token nothing is computed). Else
    // rows are NULL.
    int32_t prompt_row, *rows, *logit_rows;
    double entropy; // with keep_entropy: the sum over its tokens, of the whole vocabulary at the temperature
    int n_tokens;
    bool stopped;    // by a stop id or `ends`; else by max_new_tokens or the model's longest sequence
};

struct gen_request {
    const int32_t *prompt; // borrowed until the job has ended, as are the stop ids
    int n_prompt, n_samples;
    uint32_t number;       // of the prompt among those of its seed
    int first_sample;      // the number of the first of n_samples among those of its prompt
    struct gen_options options;
    // May be NULL. on_token: false stops this job. on_end: after the last sample, or when it was stopped; the samples are
    // then the caller's (gen_samples_free), n_samples of them.
    bool (*on_token)(void *arg, int sample, int32_t token, float logprob);
    void (*on_end)(void *arg, struct gen_sample *samples, bool whole);
    void *arg;
};

struct generator;
struct gen_job;

// The model's own; made when it is first asked for.
int generator_of(struct generator **out, struct model *m, struct err *e);
// Another network of the same architecture that has a say in jobs with `second`: its weights are in place between enter and
// leave, which may be NULL. NULL: there is none any more. Not while the generator is busy; borrowed until then.
struct gen_second {
    struct model *model;
    void (*enter)(void *arg);
    void (*leave)(void *arg);
    void *arg;
};
void generator_set_second(struct generator *g, const struct gen_second *second);
struct tape;
// From now on what is computed of the model stays on this tape, as far as it has room. NULL: no more. Not while the
// generator is busy, nor with a second network; borrowed until then.
void generator_set_tape(struct generator *g, struct tape *tape);
// Takes a job into the queue. *out may be used until on_end; NULL when that has come already. ERR_INPUT when the prompt
// cannot be.
int generator_submit(struct generator *g, const struct gen_request *r, struct gen_job **out, struct err *e);
void generator_cancel(struct generator *g, struct gen_job *job); // on_end comes at once
bool generator_is_busy(const struct generator *g);
// Lets waiting jobs join, and makes a token for every stream. An error ends all jobs.
int generator_step(struct generator *g, struct err *e);

void gen_samples_free(struct gen_sample *samples, int n); // NULL is fine
