#include "config.h"

#include "export/run_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_wanted(const char *key, const char *const *keys, int n_keys)
{
    for (int i = 0; i < n_keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return n_keys == 0;
}

// A step that is not after the one before: the run went back to a checkpoint, and what followed that is forgotten.
static void forget(struct run_metric *m, int n_read)
{
    for (int i = 0; i < n_read; i++) {
        while (m->n > 0 && m->points[m->n - 1].step >= m->points[i].step)
            m->n--;
        m->points[m->n++] = m->points[i];
    }
}

int run_metrics_load(struct run_metrics *m, struct run_reader *r, const char *const *keys, int n_keys, struct err *e)
{
    char **names = NULL;
    int n = 0;
    *m = (struct run_metrics){0};
    int code = run_reader_keys(r, &names, &n, e);
    m->of = mem_alloc((size_t)n + 1, sizeof *m->of);
    for (int i = 0; i < n; i++) {
        if (code || !is_wanted(names[i], keys, n_keys)) {
            free(names[i]);
            continue;
        }
        struct run_metric *one = &m->of[m->n++];
        int64_t cursor = 0;
        int n_read = 0;
        one->key = names[i];
        code = run_reader_points(r, one->key, &cursor, &one->points, &n_read, e);
        if (!code)
            forget(one, n_read);
    }
    free(names);
    if (code)
        run_metrics_fini(m);
    return code;
}

void run_metrics_fini(struct run_metrics *m)
{
    for (int i = 0; i < m->n; i++) {
        free(m->of[i].key);
        free(m->of[i].points);
    }
    free(m->of);
    *m = (struct run_metrics){0};
}

bool run_metrics_next(struct run_metrics *m, int64_t *step)
{
    bool found = false;
    for (int i = 0; i < m->n; i++) {
        const struct run_metric *one = &m->of[i];
        if (one->at < one->n && (!found || one->points[one->at].step < *step)) {
            *step = one->points[one->at].step;
            found = true;
        }
    }
    for (int i = 0; i < m->n && found; i++)
        if (m->of[i].at < m->of[i].n && m->of[i].points[m->of[i].at].step == *step)
            m->of[i].at++;
    return found;
}

bool run_metrics_value(const struct run_metrics *m, int i, int64_t step, double *value)
{
    const struct run_metric *one = &m->of[i];
    if (one->at == 0 || one->points[one->at - 1].step != step)
        return false;
    *value = one->points[one->at - 1].value;
    return true;
}

struct run_clock run_metrics_clock(const struct run_metrics *m)
{
    struct run_clock c = {0};
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->of[i].key, "step_s") == 0)
            c.step_s = &m->of[i];
    return c;
}

double run_clock_at(struct run_clock *c, int64_t step)
{
    const struct run_metric *m = c->step_s;
    while (m && c->at < m->n && m->points[c->at].step <= step) {
        const struct metric_point *p = &m->points[c->at++];
        if (isfinite(p->value) && p->value >= 0)
            c->last = p->value;
        // Steps that were not recorded took as long as the next one that was.
        c->seconds += (double)(p->step - c->step) * c->last;
        c->step = p->step;
    }
    return c->seconds;
}
