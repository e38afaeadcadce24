#include "config.h"

#include "train/objective/correction.h"

#include <math.h>
#include <string.h>

static const double FARTHEST = 20; // of a log-ratio

static const char *const levels[] = {"none", "token", "sequence", NULL}; // in the order of enum correction_by
static const char *const modes[] = {"truncate", "mask", NULL};
static const struct param params[] = {
    {.name = "is-correction", .type = PARAM_CHOICE, .fallback = "none", .choices = levels, .group = "objective",
     .help = "Weigh what was sampled by how likely the trainer's arithmetic finds it, over what the sampler's did: each "
             "token, or the answer as a whole (sequence). In f32 with our own kernels both are the same; rollout/kl says "
             "how far they are apart."},
    {.name = "is-mode", .type = PARAM_CHOICE, .fallback = "truncate", .choices = modes, .group = "objective",
     .help = "What becomes of a weight beyond is-cap: it is held there, or what it belongs to is not learnt from (mask)."},
    {.name = "is-cap", .type = PARAM_FLOAT, .fallback = "2", .min = 1, .max = 1e6, .live = true, .group = "objective",
     .help = "The largest weight of is-correction."},
    {0}};
static const struct param none[] = {{0}};

const struct param *correction_params(const struct objective *o)
{
    return o->online && o->online->judge ? params : none;
}

struct correction correction_from(const struct objective *o, const struct settings *s)
{
    struct correction c = {.by = CORRECT_NOTHING};
    if (correction_params(o) == none)
        return c;
    for (int i = 0; levels[i]; i++)
        if (strcmp(levels[i], settings_text(s, "is-correction")) == 0)
            c.by = (enum correction_by)i;
    c.mask = strcmp(settings_text(s, "is-mode"), "mask") == 0;
    c.cap = settings_float(s, "is-cap");
    return c;
}

static double log_ratio(const struct seq *s, int t)
{
    const struct token_numbers *x = &s->tokens;
    return (double)x->columns[TOKEN_OLD_LOGP][t] - (double)x->columns[TOKEN_SAMPLER_LOGP][t];
}

static double bounded(const struct correction *c, double log_ratio)
{
    const double ratio = exp(fmin(log_ratio, FARTHEST));
    return ratio <= c->cap ? ratio : c->mask ? 0 : c->cap;
}

double correction_of_token(const struct correction *c, const struct seq *s, int t)
{
    return c->by == CORRECT_TOKENS ? bounded(c, log_ratio(s, t)) : 1;
}

double correction_of_answer(const struct correction *c, const struct seq *s)
{
    double sum = 0, moved = 0;
    if (c->by == CORRECT_NOTHING)
        return 1;
    for (int t = 0; t < s->n; t++) {
        moved += log_ratio(s, t);
        sum += correction_of_token(c, s, t);
    }
    return c->by == CORRECT_SEQUENCES ? bounded(c, moved) : sum / s->n;
}
