// Bradley-Terry reward model: a linear head on the last token of each response.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objectives/objective.h"
#include "train/objectives/stable.h"

enum { MARGIN, CENTRING };

static const struct param params[] = {
    [MARGIN] = {.name = "margin", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 100, .live = true,
                .group = "objective",
                .help = "How much higher the chosen score is asked to be, times the difference of the pair's labels "
                        "(1 for plain pairs)."},
    [CENTRING] = {.name = "centring", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 10, .live = true,
                  .group = "objective",
                  .help = "Weight of the square of the two scores' sum, which keeps scores around zero; 0.01 is usual."},
    {0}};

// L = -log sigmoid(m) + c (rw + rl)^2 with m = rw - rl - margin (label_w - label_l);
// dL/drw = -sigmoid(-m) + 2c(rw + rl), dL/drl = sigmoid(-m) + 2c(rw + rl).
static double rm_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double m = s[0].score - s[1].score - r->values[MARGIN] * (s[0].label - s[1].label);
    const double centre = r->values[CENTRING], sum = s[0].score + s[1].score;
    s[0].d_score = -sigmoid(-m) + 2 * centre * sum;
    s[1].d_score = sigmoid(-m) + 2 * centre * sum;
    for (int i = 0; i < n; i++)
        s[i].reward = s[i].score;
    return softplus(-m) + centre * sum * sum;
}

const struct objective objective_rm = {
    .name = "rm",
    .title = "Bradley-Terry reward model",
    .summary = "Learns a score for responses such that the chosen one of a pair scores higher; the judge of later "
               "online training.",
    .paper = "Bradley and Terry 1952; margin: Touvron et al. 2023, arXiv:2307.09288; centring: Eisenstein et al. "
             "2023, arXiv:2312.09244",
    .formula = "m = score(chosen) - score(rejected) - margin * (label(chosen) - label(rejected))\n"
               "loss = -log sigmoid(m) + centring * (score(chosen) + score(rejected))^2",
    .pitfalls = "Scores mean something only relative to each other: subtract their mean on a fixed set before use. "
                "Held-out accuracy peaks early; more than an epoch or two overfits.",
    .data = DATA_PAIR,
    .needs = NEED_SCORE,
    .params = params,
    .loss = rm_loss,
};
