// What the model says now: responses sampled for held-out prompts, their length, and how far they have moved
// from the reference: kl = mean over responses of log pi - log pi_ref, which estimates the KL divergence per
// sequence because the responses are drawn from pi (temperature 1, no top-k or top-p).
#pragma once

#include "text/stop_texts.h"
#include "base/err.h"
#include "corpus/corpus.h"
#include "text/tokenizer.h"
#include "train/data/dataset.h"
#include "train/objective/metrics.h"
#include "train/online/rollouts.h"
#include "train/run/recorder.h"
#include "train/learn/trainer.h"

struct prober;

struct probe_options {
    const struct dataset_options *text; // tokenizer, template, lengths
    const struct corpus *corpus;        // where the prompts are
    const bool *use;                    // per example: may be asked; NULL: all
    int n_prompts, max_tokens;
    uint64_t seed;
    bool styles; // count the demo's styles
    // Of online runs: the samples' scores, with what there is to say of them; NULL: nobody scores.
    int (*score)(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e);
    void *with;
    const struct stop_texts *stops; // where answers end as well; NULL: nowhere else
    bool kl;     // there is a reference that means something: the trainer keeps it
};
// Takes the first n_prompts different prompts.
int prober_new(struct prober **out, struct trainer *t, const struct probe_options *o, struct err *e);
void prober_free(struct prober *p); // NULL is fine
// Adds kl, completions/mean_length (of online runs eval/..., beside that of what is learnt from), eval/reward and style
// shares to *out; some samples go to the recorder (may be NULL).
int probe(struct prober *p, struct recorder *r, struct metric_list *out, struct err *e);
