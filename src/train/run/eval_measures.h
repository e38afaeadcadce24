// What an evaluation says: named numbers with 95 % intervals, made of measured answers.
//
//   reward, reward/std           of the answers, under the judge
//   win_rate                     against the reference's answers to the same prompts: all pairs of a prompt, ties count half
//   pm_divergence                as the paper defines it (pm_divergence.h), over the pairs of answers to a prompt
//   eval/pm                      what its published code logs under that name
//   gold/...                     the first three under the second judge
//   kl/k1, kl/k3, kl/exact       KL(policy || reference) of whole answers, in nats: the mean of log pi - log ref, the
//                                estimate that is never negative, and the sum over the whole vocabulary at each token
//   .../token                    the same over tokens: sum of all answers / tokens of all answers
//   entropy/sampled, entropy     per token: -log pi of what was drawn; of the whole distribution
//   perplexity                   the paper's: the mean over answers of (product of p)^(-1/length)
//   data/perplexity              of the data's own answers (of pairs the chosen ones), over all their tokens
//   length, truncated            tokens with the one that ends; the share of answers that were cut off
//   distinct/1, /2, /3           different n-grams of tokens / all n-grams
//   style/NAME, style/none       shares of the demo's styles: among the answers that have one, and of those that have none
//   style/tv, style/kl           how far these are from exp(utility), normalized: total variation, KL(shares || truth)
//
// Intervals know that answers to one prompt belong together: means and ratios are taken over prompts (normal),
// win_rate, truncated and styles by Wilson with as many trials as prompts.
#pragma once

#include "train/objective/ngrams.h"
#include "train/objective/statistics.h"
#include "train/run/eval_answers.h"

enum { EVAL_MAX_MEASURES = 64 };
struct eval_measures {
    struct eval_measure {
        char name[32];
        struct estimate of;
    } items[EVAL_MAX_MEASURES];
    int n;
};
void eval_measures_add(struct eval_measures *m, const char *name, struct estimate of);

struct eval_question {
    const struct eval_answers *answers, *reference; // reference: its answers to the same prompts, scored; NULL: none
    double beta;   // of pm_divergence
    bool styles;
};
void eval_measures_make(struct eval_measures *m, const struct eval_question *q);
// Of the data's answers: adds data/perplexity. logp: sums (n), lengths: tokens (n).
void eval_measures_data(struct eval_measures *m, const double *logp, const double *lengths, int n);
