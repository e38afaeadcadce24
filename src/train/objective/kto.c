// Kahneman-Tversky Optimization, and APO-zero for single responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"
#include "train/objective/stable.h"

enum { BETA, LOSS, DESIRABLE, UNDESIRABLE };
enum { KTO, APO_ZERO };

static const char *const losses[] = {"kto", "apo-zero", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [LOSS] =
        {.name = "loss",
         .type = PARAM_CHOICE,
         .fallback = "kto",
         .choices = losses,
         .group = "objective",
         .help = "kto compares with the policy's own distance from the reference; apo-zero takes that distance as zero "
                 "and needs no answers to other prompts."},
    [DESIRABLE] = {.name = "desirable-weight",
                   .type = PARAM_FLOAT,
                   .fallback = "1",
                   .min = 0,
                   .max = 1000,
                   .live = true,
                   .group = "objective",
                   .help = "Weight of good responses; raise it when there are fewer good ones than bad ones."},
    [UNDESIRABLE] = {.name = "undesirable-weight",
                     .type = PARAM_FLOAT,
                     .fallback = "1",
                     .min = 0,
                     .max = 1000,
                     .live = true,
                     .group = "objective",
                     .help = "Weight of bad responses; raise it when there are fewer bad ones than good ones."},
    {0}};
static const char *const metrics[] = {"kl_estimate", NULL};

// z0: how far the policy has moved on answers to other prompts, over the whole batch, never below zero; a constant of
// the step.
static void kto_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < first[n_groups]; i++)
        if (seqs[i].mismatched) {
            sum += seqs[i].logp - seqs[i].ref;
            n++;
        }
    for (int i = 0; i < first[n_groups]; i++)
        seqs[i].prepared = n ? fmax(sum / n, 0) : 0;
}

// L = w (1 - sigmoid(u)) = w sigmoid(-u) with u = beta (a - z0) of a good response, beta (z0 - a) of a bad one;
// dL/du = -w sigmoid(u) sigmoid(-u).
static double loss_of_one(const struct objective_run *r, struct seq *s)
{
    const bool good = s->label > 0.5;
    const double beta = r->values[BETA], weight = r->values[good ? DESIRABLE : UNDESIRABLE];
    const double a = s->logp - s->ref, z0 = r->values[LOSS] == KTO ? s->prepared : 0;
    const double u = good ? beta * (a - z0) : beta * (z0 - a);
    const double slope = -weight * sigmoid(u) * sigmoid(-u);
    s->reward = beta * a;
    s->d_logp = good ? beta * slope : -beta * slope;
    return weight * sigmoid(-u);
}

// Data make groups of one response (and one of another prompt); where there are more, each counts by itself.
static double kto_loss(const struct objective_run *r, struct seq *s, int n, double *extra)
{
    double loss = 0;
    for (int i = 0; i < n; i++)
        if (!s[i].mismatched)
            loss += loss_of_one(r, &s[i]);
    extra[0] = r->values[LOSS] == KTO ? s->prepared : 0;
    return loss;
}

static void kto_needs(const double *values, struct needs *n)
{
    if (values[LOSS] != KTO) { // no estimate of the KL
        n->groups = 0;
        n->batch_first = false;
    }
}

const struct objective objective_kto = {
    .name = "kto",
    .title = "Kahneman-Tversky Optimization",
    .summary = "Learns from single responses that are marked good or bad; the first choice where there are no pairs. "
               "Pairs are read as a good and a bad response each.",
    .paper = "Ethayarajh et al. 2024, arXiv:2402.01306; apo-zero: D'Oosterlinck et al. 2024, arXiv:2408.06266",
    .formula = "a = log pi(y | x) - log ref(y | x); z0 = max(0, mean over the batch of a of answers to other prompts)\n"
               "loss = wd * (1 - sigmoid(beta * (a - z0))) of a good response     wd: desirable-weight\n"
               "loss = wu * (1 - sigmoid(beta * (z0 - a))) of a bad one           wu: undesirable-weight\n"
               "apo-zero: z0 = 0",
    .pitfalls =
        "z0 (kl_estimate; TRL logs it as kl, which here is measured by probes) is rough, often clamped to 0, and needs "
        "batches of 4 prompts or more. Every prompt keeps one "
        "answer to another prompt for the whole run, drawn with the seed, where TRL shifts the batch's answers by one: "
        "both are uniform draws of another prompt's answer, ours also where prompts repeat. With unequal numbers "
        "of good and bad responses set the weights so that wd * good / (wu * bad) lies between 1 and 4/3. The loss "
        "flattens for responses that the policy is sure of, so mislabelled ones are soon ignored.",
    .data = DATA_BINARY | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE, .groups = GROUPS_MISMATCH},
    .params = params,
    .metrics = metrics,
    .needs_now = kto_needs,
    .prepare = kto_prepare,
    .loss = kto_loss,
};
