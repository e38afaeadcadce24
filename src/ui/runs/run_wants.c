#include "config.h"

#include "ui/runs/run_wants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { PIECE = 2048 };

int run_metric_better(const char *key)
{
    static const struct {
        const char *part;
        int better;
    } names[] = {{"loss", -1}, {"perplexity", -1}, {"grad_norm", -1}, {"margin", 1}, {"accurac", 1},
                 {"win", 1},   {"reward", 1},      {"score", 1},      {"kl", -1}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(key, names[i].part))
            return names[i].better;
    return 0;
}

int run_want_parse(const char *name, struct run_want *out, struct err *e)
{
    static const struct {
        const char *name, *key;
    } short_names[] = {
        {"margin", "rewards/margins"}, {"accuracy", "rewards/accuracies"}, {"length", "completions/mean_length"}};
    const char *at = strrchr(name, '@'), *what = at ? at + 1 : "";
    *out = (struct run_want){.kind = WANT_LAST};
    if (!text_copy(out->name, sizeof out->name, name) || name == at)
        return err_set(e, ERR_USAGE, "\"%.60s\" is not the name of a metric", name);
    text_copy(out->key, sizeof out->key, name);
    if (at)
        out->key[at - name] = '\0';
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcmp(out->key, short_names[i].name) == 0)
            text_copy(out->key, sizeof out->key, short_names[i].key);
    const int better = run_metric_better(out->key);
    if (strcmp(what, "first") == 0)
        out->kind = WANT_FIRST;
    else if (strcmp(what, "trend") == 0)
        out->kind = WANT_TREND;
    else if (strcmp(what, "min") == 0 || (strcmp(what, "best") == 0 && better < 0))
        out->kind = WANT_MIN;
    else if (strcmp(what, "max") == 0 || (strcmp(what, "best") == 0 && better > 0))
        out->kind = WANT_MAX;
    else if (strcmp(what, "best") == 0)
        return err_set(e, ERR_USAGE, "nobody knows whether more or less of %s is better: write %s@min or %s@max", out->key,
                       out->key, out->key);
    else if (text_to_i64(what, &out->step) && out->step >= 0)
        out->kind = WANT_AT;
    else if (at && strcmp(what, "last") != 0)
        return err_set(e, ERR_USAGE, "\"%.60s\": behind the @ stands last, best, min, max, first, trend or a step", name);
    return 0;
}

bool run_wants_same(const struct run_wants *w, const char *const *names, int n)
{
    bool same = n == w->n;
    for (int i = 0; i < n && same; i++)
        same = strcmp(w->list[i].name, names[i]) == 0;
    return same;
}

struct run_extra run_extra_none(void)
{
    return (struct run_extra){.value = NAN, .last_step = -1};
}

static void take(const struct run_want *w, struct run_extra *x, const struct metric_point *p)
{
    const bool none = isnan(x->value);
    switch (w->kind) {
    case WANT_LAST:
        x->value = p->value;
        break;
    case WANT_FIRST:
        x->value = none ? p->value : x->value;
        break;
    case WANT_MIN:
        x->value = none || p->value < x->value ? p->value : x->value;
        break;
    case WANT_MAX:
        x->value = none || p->value > x->value ? p->value : x->value;
        break;
    case WANT_AT:
        x->value = p->step <= w->step ? p->value : x->value;
        break;
    case WANT_TREND:
        course_add(&x->course, p->value);
        x->value = p->value;
        break;
    }
    x->last_step = p->step;
}

static int read_pieces(const struct run_want *w, struct run_extra *x, struct run_reader *r, double until_s, bool *whole,
                       struct err *e)
{
    for (;;) {
        struct metric_point *points;
        int n, code = run_reader_points_some(r, w->key, &x->cursor, PIECE, &points, &n, e);
        if (code)
            return code;
        x->is_known = x->is_known || n > 0;
        // Continued from an earlier checkpoint: what came after it counts no more, and is not in the file any more.
        const bool again = n > 0 && points[0].step <= x->last_step;
        for (int i = 0; i < n && !again; i++)
            take(w, x, &points[i]);
        free(points);
        if (again)
            *x = run_extra_none();
        else if (n < PIECE)
            return 0;
        if (clock_seconds() > until_s) {
            *whole = false;
            return 0;
        }
    }
}

int run_extras_read(const struct run_wants *w, struct run_extra *extras, struct run_reader *r, double until_s, bool *whole,
                    struct err *e)
{
    int code = 0;
    *whole = true;
    for (int i = 0; i < w->n && !code; i++) {
        const struct run_want *want = &w->list[i];
        struct run_extra *x = &extras[i];
        if (want->kind == WANT_LAST) {
            const char *key = want->key;
            code = run_reader_latest(r, &key, 1, &x->value, e);
            x->is_known = !isnan(x->value);
        } else {
            code = read_pieces(want, x, r, until_s, whole, e);
        }
    }
    return code;
}
