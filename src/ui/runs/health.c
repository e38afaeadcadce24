#include "config.h"

#include "ui/runs/health.h"

#include <math.h>
#include <stddef.h>

static const char *const keys[HEALTH_METRICS] = {
    [HEALTH_LOSS] = "loss", [HEALTH_GRAD_NORM] = "grad_norm", [HEALTH_MARGIN] = "rewards/margins",
    [HEALTH_CHOSEN] = "rewards/chosen", [HEALTH_LENGTH] = "completions/mean_length",
    [HEALTH_EVAL_MARGIN] = "eval/rewards/margins", [HEALTH_EVAL_ACCURACY] = "eval/rewards/accuracies",
    [HEALTH_STEP_S] = "step_s",
    [HEALTH_REWARD] = "reward", [HEALTH_WATCHED] = "eval/rewards/watched/mean", [HEALTH_KL] = "objective/kl",
    [HEALTH_ENTROPY] = "entropy", [HEALTH_ZERO_STD] = "frac_reward_zero_std", [HEALTH_CLIP_LOW] = "clip_ratio/low_mean",
    [HEALTH_CLIP_HIGH] = "clip_ratio/high_mean", [HEALTH_TRUNCATED] = "completions/clipped_ratio",
    [HEALTH_EXPLAINED] = "val/explained_variance",
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
    *h = (struct health){.broken_step = -1, .first_chosen = NAN, .first_length = NAN, .last_length = NAN,
                         .eval_margin = NAN, .eval_accuracy = NAN, .best_accuracy = NAN, .margin_at_best = NAN};
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
        if (isnan(h->first_chosen))
            h->first_chosen = value;
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
    case HEALTH_REWARD:
        course_add(&h->reward, value);
        break;
    case HEALTH_WATCHED:
        course_add(&h->watched, value);
        break;
    case HEALTH_KL:
        course_add(&h->kl, value);
        break;
    case HEALTH_ENTROPY:
        course_add(&h->entropy, value);
        break;
    case HEALTH_ZERO_STD:
        course_add(&h->zero_std, value);
        break;
    case HEALTH_CLIP_LOW:
        course_add(&h->clip_low, value);
        break;
    case HEALTH_CLIP_HIGH:
        course_add(&h->clip_high, value);
        break;
    case HEALTH_TRUNCATED:
        course_add(&h->truncated, value);
        break;
    case HEALTH_EXPLAINED:
        course_add(&h->explained, value);
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
    // Log-ratios begin at 0; where rewards do not (there is no reference, or its weight is another), they are no nats lost.
    if (h->beta <= 0 || h->margin.n < 8 || !(fabs(h->first_chosen) <= h->beta))
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
    str_addf(
        why,
        "held-out margin rose from %.3g to %.3g while accuracy fell from %.3f to %.3f: it learns easy pairs by heart",
        h->margin_at_best, h->eval_margin, h->best_accuracy, h->eval_accuracy);
    return true;
}

bool health_len_drift(const struct health *h, struct str *why)
{
    if (h->n_long < LONG_POINTS)
        return false;
    str_addf(why, "answers are %.0f tokens long, %.1f times those at the start", h->last_length,
             h->last_length / h->first_length);
    return true;
}

// ---- runs whose policy answers ----

enum { ENOUGH = 8 }; // batches before a rule says anything

// Over-optimization (Gao et al. 2022): what is optimized goes on rising where what it stands for does not. Where answers are
// only compared with each other there is no reward that could rise: the watched one alone says it.
bool health_rm_divergence(const struct health *h, struct str *why)
{
    double best = -INFINITY;
    for (int i = 0; i < h->watched.n; i++)
        best = fmax(best, h->watched.mean[i]);
    const double from = course_begin(&h->reward, 0.25), to = course_end(&h->reward, 0.25),
                 now = course_end(&h->watched, 0.25);
    const bool has_reward = h->reward.n > 0;
    const double rise = best - (h->watched.n > 0 ? h->watched.mean[0] : NAN);
    if (h->watched.n < 4 || !(best - now > 0.25 * fmax(rise, 0.05)))
        return false;
    if (has_reward && (h->reward.n < ENOUGH || !(to > from)))
        return false;
    if (!has_reward) {
        str_addf(why, "the watched reward fell from %.3g to %.3g: what answers are compared by is over-optimized", best,
                 now);
        return true;
    }
    str_addf(why,
             "the reward rose from %.3g to %.3g while the watched one fell from %.3g to %.3g: it is over-optimized",
             from, to, best, now);
    return true;
}

bool health_kl_budget(const struct health *h, struct str *why)
{
    static const double BUDGET = 20; // nats an answer
    const double now = course_end(&h->kl, 0.1);
    if (h->kl.n < ENOUGH || !(now > BUDGET))
        return false;
    str_addf(why, "answers are %.0f nats from the reference, more than %.0f; more beta or less lr holds them", now, BUDGET);
    return true;
}

bool health_entropy_floor(const struct health *h, struct str *why)
{
    const double first = course_begin(&h->entropy, 0.1), now = course_end(&h->entropy, 0.1);
    if (h->kl.n + h->reward.n < ENOUGH || !(now < 0.3 * first))
        return false;
    str_addf(why, "entropy fell from %.3g to %.3g nats a token: the policy says less and less different things", first, now);
    return true;
}

bool health_value_lost(const struct health *h, struct str *why)
{
    const double now = course_end(&h->explained, 0.25);
    if (h->explained.n < 3 * ENOUGH || !(now < 0))
        return false;
    str_addf(why, "the value network explains %.2f of the returns, less than their mean would; give it more value-lr", now);
    return true;
}

bool health_clip_frac(const struct health *h, struct str *why)
{
    const double now = course_end(&h->clip_low, 0.1) + course_end(&h->clip_high, 0.1);
    if (h->clip_low.n < ENOUGH || !(now > 0.3))
        return false;
    str_addf(why, "%.0f %% of a batch is clipped: fewer passes, or less lr", 100 * now);
    return true;
}

bool health_zero_std(const struct health *h, struct str *why)
{
    const double now = course_end(&h->zero_std, 0.25);
    if (h->zero_std.n < ENOUGH || !(now > 0.5))
        return false;
    str_addf(why, "%.0f %% of the prompts have answers that all earn the same: they teach nothing (dynamic-sampling)",
             100 * now);
    return true;
}

bool health_truncated(const struct health *h, struct str *why)
{
    const double now = course_end(&h->truncated, 0.25);
    if (h->truncated.n < ENOUGH || !(now > 0.5))
        return false;
    str_addf(why, "%.0f %% of the answers are cut off before they end; more max-new-tokens, or a missing-end-penalty",
             100 * now);
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
    {"rm_divergence", "over", health_rm_divergence,
     "The reward rises, or answers are compared, while the watched one has lost a quarter of its gain: over-optimization."},
    {"kl_budget", "KL", health_kl_budget, "Sampled answers are more than 20 nats from the reference."},
    {"entropy_floor", "flat", health_entropy_floor, "The policy's entropy is below 0.3 of what it was at the start."},
    {"value_lost", "value", health_value_lost, "The value network explains less of the returns than their mean would."},
    {"clip_frac", "clip", health_clip_frac, "More than 30 % of a batch is beyond the bounds of clipping."},
    {"zero_std", "same", health_zero_std, "The answers to more than half of the prompts all earn the same."},
    {"truncated", "cut", health_truncated, "More than half of the sampled answers are cut off before they end."},
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
