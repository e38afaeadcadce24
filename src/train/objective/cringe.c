// CRINGE: good texts are imitated; in bad ones every token is contrasted with one that the model would rather have
// said. And its pairwise form, whose gate closes when the chosen response is ahead.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/objective.h"
#include "train/objective/stable.h"

enum { ALPHA, K, BIAS, TAU, GATE_GRADIENT };

#define CRINGE_ROWS                                                                                                    \
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1000, .live = true,             \
               .group = "objective", .help = "Weight of the contrast in bad responses, beside imitating good ones."}, \
    [K] = {.name = "k", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 64, .live = true, .unit = "tokens",       \
           .group = "objective",                                                                                       \
           .help = "The token to contrast with is drawn among so many of the likeliest others; 1 takes the likeliest."}
static const struct param params[] = {CRINGE_ROWS, {0}};
static const struct param pair_params[] = {
    CRINGE_ROWS,
    [BIAS] = {.name = "gate-bias", .type = PARAM_FLOAT, .fallback = "0", .min = -10000, .max = 10000, .live = true,
              .unit = "nats", .group = "objective",
              .help = "How far the chosen response may be ahead, in log-probability, when the gate is half open."},
    [TAU] = {.name = "gate-tau", .type = PARAM_FLOAT, .fallback = "10", .min = 0.001, .max = 10000, .live = true,
             .unit = "nats", .group = "objective",
             .help = "How gently the gate closes: over about so many nats of the margin around the bias."},
    [GATE_GRADIENT] = {.name = "gate-gradient", .type = PARAM_BOOL, .fallback = "no", .group = "objective",
                       .help = "Let the gradient flow through the gate as well, instead of taking it as a weight."},
    {0}};
static const char *const metrics_here[] = {"loss/imitation", "loss/contrast", NULL};
static const char *const pair_metrics[] = {"loss/imitation", "loss/contrast", "gate", NULL};

static int rivals(const double *values)
{
    return (int)values[K];
}

// The trainer averages over groups: with this every token of the batch counts alike.
static double per_token(const struct objective_run *r)
{
    return r->n_groups / r->n_tokens;
}

// Adds one response's part to parts[2], which are of good and of bad ones, and sets its slope.
static void add_part(const struct objective_run *r, struct seq *s, bool good, double *parts)
{
    const double share = per_token(r), alpha = r->values[ALPHA] * share;
    parts[0] -= good ? share * s->logp : 0;
    parts[1] += good ? 0 : alpha * s->rival;
    s->d_logp = good ? -share : 0;
    s->d_rival = good ? 0 : alpha;
    s->reward = s->logp;
}

static double cringe_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    metrics[0] = metrics[1] = 0;
    for (int i = 0; i < n; i++)
        add_part(r, &s[i], s[i].label >= 0.5, metrics);
    return metrics[0] + metrics[1];
}

static double gate(const struct objective_run *r, const struct seq *s)
{
    return sigmoid((r->values[BIAS] - (s[0].logp - s[1].logp)) / r->values[TAU]);
}

static void pairwise_hold(const struct objective_run *r, struct seq *s, int n)
{
    s[0].prepared = gate(r, s);
}

static double pairwise_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const bool through = r->values[GATE_GRADIENT] != 0;
    const double g = through ? gate(r, s) : s[0].prepared;
    double parts[2] = {0};
    for (int i = 0; i < n; i++)
        add_part(r, &s[i], i == 0, parts);
    const double inner = parts[0] + parts[1];
    // d sigmoid((b - M) / tau) / dM = -g (1 - g) / tau with M = log pi(chosen) - log pi(rejected)
    const double by_margin = through ? -inner * g * (1 - g) / r->values[TAU] : 0;
    for (int i = 0; i < n; i++) {
        s[i].d_logp *= g;
        s[i].d_rival *= g;
    }
    s[0].d_logp += by_margin;
    s[1].d_logp -= by_margin;
    metrics[0] = g * parts[0];
    metrics[1] = g * parts[1];
    metrics[2] = g;
    return g * inner;
}

const struct objective objective_cringe = {
    .name = "cringe",
    .title = "CRINGE",
    .summary = "Imitates good responses, and in bad ones raises at every token another one that the model finds "
               "likely; learns from thumbs up and down without a reference.",
    .paper = "Adolphs et al. 2022, arXiv:2211.05826",
    .formula = "good: loss = -sum_t log pi(y_t) / N        N: the batch's tokens (per group)\n"
               "bad: loss = alpha * sum_t log(1 + exp(l(y_t) - l(s_t))) / N, l: logits, s_t drawn by softmax among "
               "the k largest logits beside y_t",
    .pitfalls = "Nothing holds the model to its start: watch kl and the samples, and stop early. Every token of a "
                "bad response is blamed, also those that were fine. Pairs are read response by response. The draw "
                "for k above 1 follows seed and step.",
    .data = DATA_PAIR | DATA_BINARY,
    .needs = {.reads = READ_RIVAL},
    .params = params,
    .metrics = metrics_here,
    .n_rivals = rivals,
    .loss = cringe_loss,
};

const struct objective objective_pairwise_cringe = {
    .name = "pairwise-cringe",
    .title = "Pairwise CRINGE",
    .summary = "CRINGE for preference pairs: a soft gate lets a pair teach as long as its chosen response is not "
               "clearly ahead.",
    .paper = "Xu et al. 2023, arXiv:2312.16682",
    .formula = "M = log pi(chosen) - log pi(rejected), g = sigmoid((gate-bias - M) / gate-tau)\n"
               "loss = g * (-sum_t log pi(chosen_t) + alpha * sum_t log(1 + exp(l(rejected_t) - l(s_t)))) / N, N and "
               "s_t as in cringe",
    .pitfalls = "No public code of it was found: the gate's exact form, whether it carries gradient (gate-gradient) "
                "and the usual gate-bias and gate-tau were not checked against one. M is a sum over tokens, so pairs "
                "of different length start far from each other: see the metric gate before choosing bias and tau. A "
                "gate near 0 means that nothing is learnt.",
    .data = DATA_PAIR,
    .needs = {.reads = READ_RIVAL},
    .params = pair_params,
    .metrics = pair_metrics,
    .n_rivals = rivals,
    .hold = pairwise_hold,
    .loss = pairwise_loss,
};
