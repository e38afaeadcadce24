#include "config.h"

#include "ui/label_tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

int verdict_side(enum verdict v)
{
    return !verdict_is_graded(v) ? 0 : v < 0 ? -1 : v > 0;
}

enum verdict verdict_turned(enum verdict v, bool swapped)
{
    return swapped && verdict_is_graded(v) ? (enum verdict)-(int)v : v;
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

static struct label_other *other_of(struct label_tally *t, const char *name)
{
    for (int i = 0; i < t->n_others; i++)
        if (strcmp(t->others[i].name, name) == 0)
            return &t->others[i];
    if (t->n_others == LABEL_OTHERS)
        return NULL;
    struct label_other *o = &t->others[t->n_others++];
    text_copy(o->name, sizeof o->name, name);
    return o;
}

void label_tally_of(struct label_tally *out, const struct label_vote *votes, int n, int n_items, const char *const *names, int n_names)
{
    const struct label_vote **own = mem_alloc((size_t)n_items + 1, sizeof *own);
    *out = (struct label_tally){.n_items = n_items};
    for (int i = 0; i < n; i++)
        if (votes[i].who == 0 && votes[i].occasion == 0) {
            own[votes[i].item] = &votes[i];
            count_own(out, &votes[i]);
        }
    for (int i = 0; i < n; i++) {
        const struct label_vote *v = &votes[i], *mine = own[v->item];
        if (!mine || v == mine)
            continue;
        if (v->who == 0) {
            compare_two(mine->verdict, v->verdict, &out->n_again, &out->n_again_same, &out->n_again_side, &out->n_again_sided);
        } else if (v->occasion == 0 && v->who < n_names) {
            struct label_other *o = other_of(out, names[v->who]);
            if (o)
                compare_two(mine->verdict, v->verdict, &o->n, &o->n_same, &o->n_side, &o->n_sided);
        }
    }
    measure_time(out, votes, n);
    free(own);
}
