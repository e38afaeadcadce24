// beta-DPO: beta follows how far the pairs of a batch are told apart, and pairs that are told apart unusually much or
// little are left out at random.
#include "config.h"

#include "base/rng.h"
#include "corpus/corpus.h"
#include "train/objective/batch_order.h"
#include "train/objective/margin.h"

enum { BETA, ALPHA, KEEP_SHARE, MOMENTUM };
enum { GAP_MEAN, GAP_STD };          // objective_run.state: running over the batches
enum { M_GAP_MEAN, M_GAP_STD, M_BETA, M_MASK_COUNT };

static const struct param params[] = {
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .live = true,
              .group = "objective",
              .help = "The beta of a batch whose pairs are told apart as much as the running mean says; rewards are "
                      "logged with it."},
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.6", .min = 0, .max = 100, .unit = "per nat",
               .live = true, .group = "objective",
               .help = "How much beta grows with the batch's mean margin above the running one; 0: beta stays."},
    [KEEP_SHARE] = {.name = "keep-share", .type = PARAM_FLOAT, .fallback = "0.8", .min = 0.01, .max = 1, .live = true,
                    .group = "objective",
                    .help = "The share of a batch's pairs that the filter keeps, drawn by how usual their margins "
                            "are; 1: all."},
    [MOMENTUM] = {.name = "momentum", .type = PARAM_FLOAT, .fallback = "0.9", .min = 0, .max = 0.9999, .live = true,
                  .group = "objective",
                  .help = "How much of the running mean and deviation of margins is kept at every step."},
    {0}};
static const char *const metrics_here[] = {
    [M_GAP_MEAN] = "gap_mean", [M_GAP_STD] = "gap_std", [M_BETA] = "beta_used", [M_MASK_COUNT] = "mask_count", NULL};

static double gap(const struct seq *s)
{
    return s[0].logp - s[0].ref - (s[1].logp - s[1].ref);
}

// Running mean and (unbiased) deviation of the gaps. The first batch finds zeros there, as the authors' code does.
static void follow(struct objective_run *r, const struct seq *seqs, const int *first, int n_groups)
{
    const double keep = r->values[MOMENTUM];
    double mean = 0, squares = 0;
    for (int g = 0; g < n_groups; g++)
        mean += gap(seqs + first[g]) / n_groups;
    for (int g = 0; g < n_groups; g++)
        squares += (gap(seqs + first[g]) - mean) * (gap(seqs + first[g]) - mean);
    const double deviation = n_groups > 1 ? sqrt(squares / (n_groups - 1)) : 0;
    r->state[GAP_MEAN] = keep * r->state[GAP_MEAN] + (1 - keep) * mean;
    r->state[GAP_STD] = keep * r->state[GAP_STD] + (1 - keep) * deviation;
}

// Draws `kept` pairs without replacement with probabilities in proportion to w = exp(-((gap - mean) / std)^2 / 2):
// those with the largest log w - log E, where E is exponential (Efraimidis and Spirakis 2006; logarithms, since w may
// be 0 in double). Without a deviation all weigh alike. prepared of the chosen response: the pair's weight in the
// mean of the batch, 0 when left out.
static void filter(const struct objective_run *r, struct seq *seqs, const int *first, int n_groups, int kept)
{
    struct rng rng = rng_make(r->seed, RNG_OBJECTIVE, (uint32_t)r->step);
    const double deviation = r->state[GAP_STD];
    for (int g = 0; g < n_groups; g++) {
        const double off = deviation > 0 ? (gap(seqs + first[g]) - r->state[GAP_MEAN]) / deviation : 0;
        seqs[first[g]].prepared = -0.5 * off * off - log(-log(1 - rng_uniform(&rng)));
    }
    batch_order(seqs, first, n_groups, 0);
    for (int k = 0; k < n_groups; k++)
        seqs[first[batch_order_at(seqs, first, k, 0)]].prepared = k < n_groups - kept ? 0 : (double)n_groups / kept;
}

// r->prepared: this batch's beta.
static void beta_dpo_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    const double share = r->held_out ? 1 : r->values[KEEP_SHARE]; // an evaluation judges every pair
    const int kept = (int)fmax(1, floor(n_groups * share + 1e-9));
    double mean = 0;
    if (!r->held_out)
        follow(r, seqs, first, n_groups);
    filter(r, seqs, first, n_groups, kept);
    for (int g = 0; g < n_groups; g++)
        if (seqs[first[g]].prepared > 0)
            mean += gap(seqs + first[g]) / kept;
    r->prepared = fmax(1e-3, r->values[BETA] * (1 + r->values[ALPHA] * (mean - r->state[GAP_MEAN])));
}

static double beta_dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double weight = s[0].prepared;
    struct margin m = margin_of(s, r->prepared, SCORE_RATIO);
    const struct curve c = curve_logistic(m.z, 0);
    for (int i = 0; i < 2; i++)
        s[i].reward = r->values[BETA] * (s[i].logp - s[i].ref);
    metrics[M_GAP_MEAN] = r->state[GAP_MEAN];
    metrics[M_GAP_STD] = r->state[GAP_STD];
    metrics[M_BETA] = r->prepared;
    metrics[M_MASK_COUNT] = weight > 0 ? r->n_groups : 0; // the mean over the groups is their number
    return margin_send(s, m, (struct curve){weight * c.loss, weight * c.slope});
}

const struct objective objective_beta_dpo = {
    .name = "beta-dpo",
    .title = "DPO with dynamic beta",
    .summary = "DPO whose beta follows each batch: larger where pairs are already told apart, smaller where they are "
               "not; and a filter that leaves out unusual pairs. For data of mixed quality.",
    .paper = "Wu et al. 2024, arXiv:2407.08639",
    .formula = FORMULA_RATIOS
               "m = a - b; running mean m0 and deviation s0 over the batches\n"
               "kept: keep-share of the batch, drawn by exp(-((m - m0) / s0)^2 / 2)\n"
               "beta' = max(0.001, beta * (1 + alpha * (mean of m over kept - m0)))\n"
               "loss = mean over kept of -log sigmoid(beta' * m)",
    .pitfalls = "m is in nats of whole responses: with long ones it differs by tens from the running mean, and beta' "
                "jumps between its floor and many times beta; lower alpha then, and watch beta_used. The running "
                "numbers start at zero, so the first ten steps lag behind. Take batches of 16 and more; a batch of 1 "
                "has no deviation and keeps its pair. mask_count is the number of pairs that were kept. Every step "
                "costs one more forward pass.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .metrics = metrics_here,
    .prepare = beta_dpo_prepare,
    .loss = beta_dpo_loss,
};
