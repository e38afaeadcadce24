#include "config.h"

#include "ui/health.h"

#include <math.h>
#include <stddef.h>

static const char *const keys[HEALTH_METRICS] = {
    [HEALTH_LOSS] = "loss", [HEALTH_GRAD_NORM] = "grad_norm", [HEALTH_MARGIN] = "rewards/margins",
    [HEALTH_CHOSEN] = "rewards/chosen", [HEALTH_LENGTH] = "completions/mean_length",
    [HEALTH_EVAL_MARGIN] = "eval/rewards/margins", [HEALTH_EVAL_ACCURACY] = "eval/rewards/accuracies",
    [HEALTH_STEP_S] = "step_s",
};

const char *health_metric_key(enum health_metric metric)
{
    return keys[metric];
}

// A length counts as drifted from this factor on, and only when it stays so: single means of a few samples jump.
static const double long_factor = 1.5;
enum { LONG_POINTS = 3 };

void health_init(struct health *h)
{
    *h = (struct health){.broken_step = -1, .first_length = NAN, .last_length = NAN, .eval_margin = NAN, .eval_accuracy = NAN,
                         .best_accuracy = NAN, .margin_at_best = NAN};
    for (int i = 0; i < HEALTH_METRICS; i++) {
        h->step[i] = -1;
        h->last[i] = NAN;
    }
}

static void add_length(struct health *h, double value)
{
    if (!isfinite(value))
        return;
    if (isnan(h->first_length))
        h->first_length = value;
    h->last_length = value;
    h->n_long = value > long_factor * h->first_length ? h->n_long + 1 : 0;
}

static void add_accuracy(struct health *h, double value)
{
    if (!isfinite(value))
        return;
    h->eval_accuracy = value;
    if (isnan(h->best_accuracy) || value > h->best_accuracy) {
        h->best_accuracy = value;
        h->margin_at_best = h->eval_margin;
    }
}

void health_add(struct health *h, enum health_metric metric, int64_t step, double value)
{
    h->step[metric] = step;
    h->last[metric] = value;
    bool must_be_finite = metric == HEALTH_LOSS || metric == HEALTH_GRAD_NORM || metric == HEALTH_MARGIN;
    if (must_be_finite && !isfinite(value) && (h->broken_step < 0 || step < h->broken_step)) {
        h->broken_step = step;
        h->broken = metric;
    }
    switch (metric) {
    case HEALTH_MARGIN:
        course_add(&h->margin, value);
        break;
    case HEALTH_CHOSEN:
        course_add(&h->chosen, value);
        break;
    case HEALTH_STEP_S:
        course_add(&h->step_s, value);
        break;
    case HEALTH_LENGTH:
        add_length(h, value);
        break;
    case HEALTH_EVAL_MARGIN:
        h->eval_margin = value;
        break;
    case HEALTH_EVAL_ACCURACY:
        add_accuracy(h, value);
        break;
    default:
        break;
    }
}

bool health_nonfinite(const struct health *h, struct str *why)
{
    if (h->broken_step < 0)
        return false;
    str_addf(why, "%s is not finite at step %lld", keys[h->broken], (long long)h->broken_step);
    return true;
}

bool health_stall(const struct health *h, struct str *why)
{
    double usual = course_end(&h->step_s, 0.5);
    if (isnan(usual) || h->idle_s < fmax(10, 5 * usual))
        return false;
    str_addf(why, "no step for %.0f s, where one took %.2g s", h->idle_s, usual);
    return true;
}

// Likelihood displacement: Razin et al., "Unintentional Unalignment" (2024). 10 nats: the chosen answers have become
// 20 000 times less likely than under the reference, which no preference for their content asks for.
bool health_chosen_drop(const struct health *h, struct str *why)
{
    if (h->beta <= 0 || h->margin.n < 8)
        return false;
    double nats = course_end(&h->chosen, 0.25) / h->beta;
    double from = course_begin(&h->margin, 0.25), to = course_end(&h->margin, 0.25);
    if (!(nats < -10) || !(to > from))
        return false;
    str_addf(why, "chosen answers lost %.0f nats while the margin rose; less lr or more beta holds them", -nats);
    return true;
}

bool health_margin_no_acc(const struct health *h, struct str *why)
{
    if (!(h->eval_margin > h->margin_at_best) || !(h->eval_accuracy < h->best_accuracy - 0.02))
        return false;
    str_addf(why, "held-out margin rose from %.3g to %.3g while accuracy fell from %.3f to %.3f: it learns easy pairs by heart",
             h->margin_at_best, h->eval_margin, h->best_accuracy, h->eval_accuracy);
    return true;
}

bool health_len_drift(const struct health *h, struct str *why)
{
    if (h->n_long < LONG_POINTS)
        return false;
    str_addf(why, "answers are %.0f tokens long, %.1f times those at the start", h->last_length, h->last_length / h->first_length);
    return true;
}

const struct health_rule health_rules[] = {
    {"nonfinite", "NaN", health_nonfinite, "The loss, the gradient or the margin is no longer a number."},
    {"stall", "stall", health_stall, "No step for 10 seconds and five times as long as a step usually takes."},
    {"chosen_drop", "chosen", health_chosen_drop,
     "The margin rises, but chosen answers are more than 10 nats less likely than under the reference."},
    {"margin_no_acc", "acc-", health_margin_no_acc,
     "The held-out margin rises while the held-out accuracy is 0.02 below its best: pairs are learnt by heart."},
    {"len_drift", "len+", health_len_drift,
     "Sampled answers are half as long again as at the start, three times in a row."},
    {NULL, NULL, NULL, NULL},
};

const struct health_rule *health_worst(const struct health *h, struct str *why, int *n)
{
    const struct health_rule *worst = NULL;
    struct str unused = {0};
    int fired = 0;
    for (const struct health_rule *r = health_rules; r->name; r++) {
        if (!r->fires(h, worst ? &unused : why))
            continue;
        if (!worst)
            worst = r;
        fired++;
    }
    str_fini(&unused);
    if (n)
        *n = fired;
    return worst;
}
