#include "config.h"

#include "ui/label/label_tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "stats/agreement.h"
#include "stats/binomial.h"

int verdict_side(enum verdict v)
{
    return !verdict_is_graded(v) ? 0 : v < 0 ? -1 : v > 0;
}

enum verdict verdict_turned(enum verdict v, bool swapped)
{
    return swapped && verdict_is_graded(v) ? (enum verdict) - (int)v : v;
}

static bool is_answer(enum verdict v)
{
    return v != VERDICT_SKIP && v != VERDICT_FLAG;
}

static void count_own(struct label_tally *t, const struct label_vote *v)
{
    const enum verdict shown = verdict_turned(v->verdict, v->swapped);
    const int side = verdict_side(shown);
    t->counts[shown - VERDICT_MUCH_A]++;
    t->n_skipped += shown == VERDICT_SKIP;
    t->n_flagged += shown == VERDICT_FLAG;
    t->n_done += shown != VERDICT_SKIP;
    t->n_sided += side != 0;
    t->n_left += side < 0;
    if (side && v->length_gap) {
        t->n_length++;
        t->n_longer += (verdict_side(v->verdict) < 0) == (v->length_gap > 0);
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Time that a person took; what is shown a second time takes time as well.
static void measure_time(struct label_tally *t, const struct label_vote *votes, int n)
{
    double *s = mem_alloc((size_t)n + 1, sizeof *s), sum = 0;
    for (int i = 0; i < n; i++) {
        if (votes[i].who != 0 || !is_answer(votes[i].verdict) || !isfinite(votes[i].seconds))
            continue;
        s[t->n_timed++] = votes[i].seconds;
        sum += fmin(votes[i].seconds, LABEL_IDLE_S);
        t->n_fast += votes[i].seconds < LABEL_FAST_S;
    }
    const int m = t->n_timed;
    qsort(s, (size_t)m, sizeof *s, ascending);
    t->median_s = m == 0 ? NAN : m % 2 ? s[m / 2] : (s[m / 2 - 1] + s[m / 2]) / 2;
    t->p90_s = m == 0 ? NAN : s[(int)ceil(0.9 * m) - 1];
    t->per_hour = sum > 0 ? 3600 * m / sum : NAN;
    free(s);
}

static void compare_two(enum verdict a, enum verdict b, int *n, int *same, int *side, int *sided)
{
    if (!is_answer(a) || !is_answer(b))
        return;
    ++*n;
    *same += a == b;
    if (verdict_side(a) && verdict_side(b)) {
        ++*sided;
        *side += verdict_side(a) == verdict_side(b);
    }
}

static void compare_votes(struct label_tally *t, const struct label_vote *votes, int n)
{
    const struct label_vote **own = mem_alloc((size_t)t->n_items + 1, sizeof *own);
    for (int i = 0; i < n; i++)
        if (votes[i].who == 0 && votes[i].occasion == 0)
            own[votes[i].item] = &votes[i];
    for (int i = 0; i < n; i++) {
        const struct label_vote *v = &votes[i], *mine = own[v->item];
        if (!mine || v == mine)
            continue;
        if (v->who == 0) {
            compare_two(mine->verdict, v->verdict, &t->n_again, &t->n_again_same, &t->n_again_side, &t->n_again_sided);
        } else if (v->occasion == 0 && v->who <= t->n_others) {
            struct label_other *o = &t->others[v->who - 1];
            compare_two(mine->verdict, v->verdict, &o->n, &o->n_same, &o->n_side, &o->n_sided);
        }
    }
    free(own);
}

// The pairs that more than one has graded, as a matrix (units, raters) for the coefficients.
static double *overlap(const struct label_tally *t, const struct label_vote *votes, int n, int *n_units)
{
    const int n_raters = t->n_others + 1;
    int *unit = mem_alloc((size_t)t->n_items + 1, sizeof *unit); // votes of an item, then its row + 1
    *n_units = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n && pass == 0; i++)
            unit[votes[i].item] +=
                votes[i].occasion == 0 && votes[i].who < n_raters && verdict_is_graded(votes[i].verdict);
        for (int i = 0; i < t->n_items && pass == 1; i++)
            unit[i] = unit[i] > 1 ? ++*n_units : 0;
    }
    double *ratings = mem_alloc((size_t)*n_units * (size_t)n_raters + 1, sizeof *ratings);
    for (int i = 0; i < *n_units * n_raters; i++)
        ratings[i] = NAN;
    for (int i = 0; i < n; i++)
        if (unit[votes[i].item] && votes[i].occasion == 0 && votes[i].who < n_raters &&
            verdict_is_graded(votes[i].verdict))
            ratings[(unit[votes[i].item] - 1) * n_raters + votes[i].who] = votes[i].verdict;
    free(unit);
    return ratings;
}

static void measure_agreement(struct label_tally *t, const struct label_vote *votes, int n)
{
    int n_units;
    double *ratings = overlap(t, votes, n, &n_units);
    t->alpha = agreement_alpha(ratings, n_units, t->n_others + 1, ALPHA_ORDINAL);
    for (int i = 0; i < t->n_others; i++)
        t->others[i].kappa = agreement_of_two(ratings, n_units, t->n_others + 1, 0, i + 1, AGREE_QUADRATIC).kappa;
    free(ratings);
}

void label_tally_of(struct label_tally *out, const struct label_vote *votes, int n, int n_items,
                    const char *const *names, int n_names)
{
    *out =
        (struct label_tally){.n_items = n_items, .n_others = n_names - 1 < LABEL_OTHERS ? n_names - 1 : LABEL_OTHERS};
    for (int i = 0; i < out->n_others; i++)
        text_copy(out->others[i].name, sizeof out->others[i].name, names[i + 1]);
    for (int i = 0; i < n; i++)
        if (votes[i].who == 0 && votes[i].occasion == 0)
            count_own(out, &votes[i]);
    out->p_left = binomial_test(out->n_left, out->n_sided, 0.5);
    out->p_longer = binomial_test(out->n_longer, out->n_length, 0.5);
    compare_votes(out, votes, n);
    measure_agreement(out, votes, n);
    measure_time(out, votes, n);
}
