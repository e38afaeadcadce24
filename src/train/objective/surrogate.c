#include "config.h"

#include "train/objective/surrogate.h"

#include <math.h>

#include "train/objective/correction.h"

static const double FARTHEST = 20; // of log rho

struct point {
    double loss, slope; // by the log-ratio
    bool low, high;     // it is bounded on that side
};

// The loss of one ratio with the advantage a.
static struct point point_of(const struct surrogate *how, double log_ratio, double a)
{
    const bool far = fabs(log_ratio) > FARTHEST;
    const double at = far ? copysign(FARTHEST, log_ratio) : log_ratio, rho = exp(at);
    const double most = 1 + how->high, least = 1 - how->low;
    if (how->clipping == CLIP_NONE)
        return (struct point){-a * log_ratio, -a, false, false};
    if (how->clipping == CLIP_WEIGHT) {
        if (rho <= most)
            return (struct point){-a * rho, far ? 0 : -a * rho, false, false};
        return (struct point){-a * most * (1 + log_ratio - log(most)), -a * most, false, true};
    }
    if (a > 0 && rho > most)
        return (struct point){-a * most, 0, false, true};
    if (a < 0 && rho < least)
        return (struct point){-a * least, 0, true, false};
    return (struct point){-a * rho, far ? 0 : -a * rho, false, false};
}

// Of answers of the present batch: what a token of this one counts, so that the mean over groups is the mean that is wanted.
static double weight_of(const struct objective_run *r, enum mean_over mean, const struct seq *s, int n)
{
    switch (mean) {
    case MEAN_TOKENS:
        return r->n_groups / r->n_tokens;
    case MEAN_ANSWERS:
        return 1.0 / ((double)n * s->n);
    case MEAN_LONGEST:
        return 1.0 / ((double)n * (r->longest > 0 ? r->longest : s->n));
    case MEAN_SUMS:
        break;
    }
    return 1.0 / n;
}

struct seen {
    double n, policy, squares, low, high, ratio, ratio_squares, least, most;
};

static void see(struct seen *m, double log_ratio, const struct point *p)
{
    const double far = log_ratio > FARTHEST ? FARTHEST : log_ratio, rho = exp(far);
    m->least = m->n == 0 || rho < m->least ? rho : m->least;
    m->most = m->n == 0 || rho > m->most ? rho : m->most;
    m->n++;
    m->squares += log_ratio * log_ratio;
    m->ratio += rho;
    m->ratio_squares += rho * rho;
    m->low += p->low;
    m->high += p->high;
}

// share: what one of them counts, so that the mean over groups is a mean over all tokens, or over answers.
static void report(const struct seen *m, double share, double *metrics)
{
    if (!metrics || m->n == 0)
        return;
    metrics[0] = m->policy;
    metrics[1] = 0.5 * m->squares * share;
    metrics[2] = m->low * share;
    metrics[3] = m->high * share;
    metrics[4] = m->ratio * share;
    metrics[5] = m->ratio_squares * share; // metrics.h makes the effective share of the whole batch of it
    metrics[6] = m->least;
    metrics[7] = m->most;
}

// Token by token. Of an answer that is corrected as a whole all tokens count the same.
static double of_tokens(const struct surrogate *how, const struct correction *c, struct seq *s, double weight,
                        struct seen *seen)
{
    const struct token_numbers *x = &s->tokens;
    const double whole = c->by == CORRECT_SEQUENCES ? correction_of_answer(c, s) : 1;
    double loss = 0;
    for (int t = 0; t < s->n; t++) {
        const double moved = (double)x->logp[t] - (double)x->columns[TOKEN_OLD_LOGP][t];
        const double a = (double)x->columns[TOKEN_ADVANTAGE][t];
        struct point p = point_of(how, moved, a);
        if (how->clipping == CLIP_NONE) // of log pi itself, not of how it has moved: the same slope
            p.loss = -a * (double)x->logp[t];
        const double counts = weight * whole * correction_of_token(c, s, t);
        loss += counts * p.loss;
        x->d_logp[t] += counts * p.slope;
        see(seen, moved, &p);
    }
    return loss;
}

// The answer as a whole, which counts as its tokens would: its advantage is the same at all of them.
static double of_answer(const struct surrogate *how, const struct correction *c, struct seq *s, double weight,
                        struct seen *seen)
{
    const struct token_numbers *x = &s->tokens;
    const double share = how->ratio == RATIO_ANSWER_MEAN ? 1.0 / s->n : 1;
    double moved = 0;
    for (int t = 0; t < s->n; t++)
        moved += share * ((double)x->logp[t] - (double)x->columns[TOKEN_OLD_LOGP][t]);
    const struct point p = point_of(how, moved, (double)x->columns[TOKEN_ADVANTAGE][0]);
    const double all = (how->ratio == RATIO_ANSWER_MEAN ? weight * s->n : weight) * correction_of_answer(c, s);
    for (int t = 0; t < s->n; t++)
        x->d_logp[t] += all * share * p.slope;
    see(seen, moved, &p);
    return all * p.loss;
}

// k3 of Schulman's note on approximating KL divergences; its gradient is that of a penalty of the sampled tokens. Where the
// reference is so much likelier that exp would leave all bounds, a straight line with the slope that it has there goes on:
// it still draws back.
static double kl_of(const struct surrogate *how, struct seq *s, double weight)
{
    const struct token_numbers *x = &s->tokens;
    double loss = 0;
    for (int t = 0; t < s->n; t++) {
        const double raw = (double)x->columns[TOKEN_REFERENCE][t] - (double)x->logp[t];
        const double d = raw > FARTHEST ? FARTHEST : raw;
        loss += weight * how->kl * (expm1(d) + exp(d) * (raw - d) - raw);
        x->d_logp[t] += weight * how->kl * -expm1(d);
    }
    return loss;
}

double surrogate_loss(const struct objective_run *r, const struct surrogate *how, struct seq *s, int n, double *metrics)
{
    struct seen seen = {0};
    double loss = 0;
    for (int i = 0; i < n; i++) {
        const double weight = weight_of(r, how->mean, &s[i], n);
        seen.policy += how->ratio == RATIO_TOKEN ? of_tokens(how, &r->correction, &s[i], weight, &seen)
                                                 : of_answer(how, &r->correction, &s[i], weight, &seen);
        if (how->kl > 0)
            loss += kl_of(how, &s[i], weight);
    }
    report(&seen, how->ratio == RATIO_TOKEN ? r->n_groups / r->n_tokens : 1 / seen.n, metrics);
    return loss + seen.policy;
}

double value_loss(const struct objective_run *r, double clip, double coef, struct seq *s, int n, double *metrics)
{
    const double weight = r->n_groups / r->n_tokens;
    double loss = 0, clipped = 0;
    for (int i = 0; i < n; i++) {
        const struct token_numbers *x = &s[i].tokens;
        for (int t = 0; t < s[i].n; t++) {
            const double v = (double)x->value[t], goal = (double)x->columns[TOKEN_RETURN][t];
            const double moved = v - (double)x->columns[TOKEN_OLD_VALUE][t];
            const bool outside = clip > 0 && fabs(moved) > clip;
            const double held = outside ? v - moved + copysign(clip, moved) : v;
            const bool is_clipped = (held - goal) * (held - goal) > (v - goal) * (v - goal);
            const double off = is_clipped ? held - goal : v - goal;
            loss += weight * 0.5 * off * off;
            x->d_value[t] += is_clipped ? 0 : weight * coef * off;
            clipped += is_clipped;
        }
    }
    metrics[0] = loss;
    metrics[1] = clipped * weight;
    return coef * loss;
}
