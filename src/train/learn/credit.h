// Which token earned what: the implicit reward of a token is beta (log pi(y_t) - log pi_ref(y_t)), and their sum over a
// response is DPO's implicit reward of it ("from r to Q", Rafailov et al. 2024, arXiv:2404.12358). Where an objective weighs
// entropy by itself (alpha), it is alpha log pi(y_t) - beta log pi_ref(y_t) for the same reason.
#pragma once

#include "base/err.h"
#include "model/decoder.h"
#include "train/learn/packing.h"
#include "train/objective/objective.h"

// The group's tokens' log-probabilities, those of its responses one after the other: out has room for all. `p` was made
// for `data` without needs.
int credit_logprobs(struct decoder *d, struct packed *p, const struct dataset *data, int group, float *out,
                    struct err *e);
struct credit_weights {
    double policy, reference; // of log pi and of log pi_ref
};
// The objective's beta for both; 1 where it has none: rewards are then log-ratios in nats.
struct credit_weights credit_weights(const struct objective_run *r);
static inline double credit_of(struct credit_weights w, double logp, double ref)
{
    return w.reference * (logp - ref) + (w.policy - w.reference) * logp;
}
