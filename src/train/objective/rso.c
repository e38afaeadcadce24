// Pairs of what the starting model says, ranked by the reward: RSO, which first draws from its answers as if from the best
// policy, and SLiC's sample-and-rank.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/corpus.h"
#include "train/objective/margin.h"
#include "train/objective/picks.h"
#include "train/objective/policy_gradient.h"

static double reference_alone(const double *values, int k, int n)
{
    return 1;
}

// Pairs stand one after the other, the better answer first: 1 0 1 0 ... Ties are left out. Answers `from` (m of them) in
// their order.
static int rank_pairs(const struct said *said, const int *from, int m, int *taken, double *labels)
{
    int n = 0;
    for (int i = 0; i + 1 < m; i += 2) {
        const double a = said[from[i]].score, b = said[from[i + 1]].score;
        if (a == b)
            continue;
        taken[n] = from[i + (a < b)];
        taken[n + 1] = from[i + (a > b)];
        labels[n] = 1;
        labels[n + 1] = 0;
        n += 2;
    }
    return n;
}

static void shuffle(struct rng *rng, int *items, int n)
{
    for (int i = n - 1; i > 0; i--) {
        const int k = (int)rng_below(rng, (uint64_t)i + 1), swap = items[i];
        items[i] = items[k];
        items[k] = swap;
    }
}

// ---- RSO ----

static const char *const losses[] = {"sigmoid-norm", "hinge-norm", "hinge", NULL};
enum { SIGMOID_NORM, HINGE_NORM, HINGE };
enum { SAMPLES, ACCEPTED, BETA, GAMMA, LOSS };
static const struct param rso_params[] = {
    [SAMPLES] = PG_SAMPLES("64", 2),
    [ACCEPTED] = {.name = "accepted", .type = PARAM_INT, .fallback = "8", .min = 2, .max = MOST_SAMPLES, .unit = "answers",
                  .group = "objective",
                  .help = "How many of the samples are kept by rejection sampling, two a pair; at most all."},
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.5", .min = 1e-4, .max = 1e6, .live = true,
              .group = "objective",
              .help = "Of the policy that answers are drawn as if from, ref * exp(score / beta): small keeps the best "
                      "alone, large samples as they come."},
    [GAMMA] = {.name = "gamma", .type = PARAM_FLOAT, .fallback = "0.05", .min = 1e-4, .max = 100, .live = true,
               .group = "objective",
               .help = "What the difference of log-ratios is multiplied by in the loss (DPO's beta)."},
    [LOSS] = {.name = "pair-loss", .type = PARAM_CHOICE, .fallback = "sigmoid-norm", .choices = losses, .group = "objective",
              .help = "DPO's logistic loss, the hinge on the same margin, or the hinge on log-probabilities without a "
                      "reference (SLiC's)."},
    {0}};

// Liu et al. 2023, algorithm 1, over what is left (n of them, in their order): accepted ones move to out. The bar is the
// highest score left when a sweep begins.
static int sweep(const struct said *said, int *left, int *n, double beta, int most, struct rng *rng, int *out)
{
    double best = -INFINITY;
    int kept = 0, n_out = 0;
    for (int i = 0; i < *n; i++)
        best = fmax(best, said[left[i]].score);
    for (int i = 0; i < *n; i++) {
        const bool in = n_out < most && rng_uniform(rng) < exp((said[left[i]].score - best) / beta);
        if (in)
            out[n_out++] = left[i];
        else
            left[kept++] = left[i];
    }
    *n = kept;
    return n_out;
}

// The algorithm is over a set: what was sampled more than once is in it once.
static int different_ones(const struct said *said, int n, int *out)
{
    int n_out = 0;
    for (int i = 0; i < n; i++) {
        bool known = false;
        for (int k = 0; k < n_out && !known; k++)
            known = said[out[k]].n == said[i].n &&
                    memcmp(said[out[k]].tokens, said[i].tokens, (size_t)said[i].n * sizeof *said[i].tokens) == 0;
        if (!known)
            out[n_out++] = i;
    }
    return n_out;
}

static int pick_rso(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                    double *labels)
{
    int *left = mem_alloc((size_t)n, sizeof *left), *accepted = mem_alloc((size_t)n, sizeof *accepted), m = 0;
    int n_left = different_ones(said, n, left);
    const int wanted = (int)r->values[ACCEPTED] < n_left ? (int)r->values[ACCEPTED] : n_left;
    while (m < wanted) // a sweep takes one of the best at least
        m += sweep(said, left, &n_left, r->values[BETA], wanted - m, rng, accepted + m);
    shuffle(rng, accepted, m);
    const int picked = rank_pairs(said, accepted, m, taken, labels);
    free(left);
    free(accepted);
    return picked;
}

static double rso_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const int kind = (int)r->values[LOSS];
    double loss = 0;
    for (int i = 0; i < n; i += 2) {
        const struct margin m = margin_of(s + i, r->values[GAMMA], kind == HINGE ? SCORE_LOGP : SCORE_RATIO);
        const struct curve c = kind == SIGMOID_NORM ? curve_logistic(m.z, 0) : curve_hinge(m.z);
        loss += margin_send(s + i, m, (struct curve){c.loss * 2 / n, c.slope * 2 / n});
    }
    return loss;
}

static const struct online rso = {.pick = pick_rso, .n_picked = 2, .more = 2, .reference_says = reference_alone};

const struct objective objective_rso = {
    .name = "rso",
    .title = "Statistical Rejection Sampling Optimization",
    .summary = "Samples many answers of the starting model, keeps some as if they had been drawn from the best policy, and "
               "learns from pairs of these as DPO does: pairs from where the policy is to go, without leaving where it "
               "comes from.",
    .paper = "Liu et al. 2023, arXiv:2309.06657",
    .formula = "`samples` answers of the reference; in sweeps each is accepted with probability exp((score - highest left) "
               "/ beta), until `accepted` are; of equal answers one counts. They are paired at random, the higher score is "
               "chosen, ties are left out\n" FORMULA_RATIOS
               "z = gamma * (a - b); hinge: z = gamma * (log pi(chosen) - log pi(rejected))\n"
               "loss = -log sigmoid(z) (sigmoid-norm), or max(0, 1 - z); the mean over the prompt's pairs",
    .pitfalls = "Nothing is sampled from the policy: what the reference never says is never learnt. beta is in the unit of "
                "the scores; where it is far below their spread all sweeps take the best alone, one after the other, and "
                "the pairs are near ties. The paper samples at temperature 0.7 with top-k 40, once, before training.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE},
    .online = &rso,
    .log_odds = true,
    .params = rso_params,
    .loss = rso_loss,
};

// ---- SLiC, sample and rank ----

enum { SLIC_SAMPLES, DELTA, LAMBDA };
static const struct param slic_params[] = {
    [SLIC_SAMPLES] = PG_SAMPLES("8", 2),
    [DELTA] = {.name = "delta", .type = PARAM_FLOAT, .fallback = "1", .min = 1e-3, .max = 1000, .unit = "nats", .live = true,
               .group = "objective",
               .help = "How many nats more likely the better answer shall be before a pair teaches nothing more."},
    [LAMBDA] = {.name = "lambda", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,
                .group = "objective",
                .help = "Weight of imitating the better answer, the regularizer that stands in for a reference model."},
    {0}};

static int pick_slic(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    int *all = mem_alloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = i;
    shuffle(rng, all, n);
    const int picked = rank_pairs(said, all, n, taken, labels);
    free(all);
    return picked;
}

static double slic_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    for (int i = 0; i < n; i += 2) {
        const struct margin m = margin_of(s + i, 1, SCORE_LOGP);
        const struct curve c = curve_hinge(m.z - r->values[DELTA] + 1);
        loss += margin_send(s + i, m, (struct curve){c.loss * 2 / n, c.slope * 2 / n});
        loss += imitate_chosen(s + i, r->values[LAMBDA] * 2 / n);
    }
    return loss;
}

static const struct online slic_rank = {.pick = pick_slic, .n_picked = 2, .more = 2, .reference_says = reference_alone};

const struct objective objective_slic_rank = {
    .name = "slic-rank",
    .title = "Sequence Likelihood Calibration (SLiC-HF, sample and rank)",
    .summary = "Samples answers of the starting model, ranks random pairs of them by the reward, and calibrates the policy "
               "by a hinge on their log-probabilities, with imitation of the better one.",
    .paper = "Zhao et al. 2023, arXiv:2305.10425",
    .formula = "`samples` answers of the reference, paired at random; chosen, rejected: the higher score, the lower; "
               "ties are left out\n"
               "loss = max(0, delta - log pi(chosen) + log pi(rejected)) - lambda * log pi(chosen), the mean over the "
               "prompt's pairs",
    .pitfalls = "Log-probabilities are sums, so the shorter answer has a head start that has nothing to do with quality. "
                "The paper's regularizer imitates the fine-tuning targets; prompts have none here, so the better answer "
                "takes their place, as in slic.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE}, // which says the answers
    .online = &slic_rank,
    .params = slic_params,
    .loss = slic_loss,
};
