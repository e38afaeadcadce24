#include "config.h"

#include "ui/series/x_map.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

const char *x_kind_name(enum x_kind kind)
{
    static const char *const names[] = {"step", "time", "wall", "tokens", "epochs", "metric"};
    return names[kind];
}

bool x_kind_is_time(enum x_kind kind)
{
    return kind == X_TIME || kind == X_WALL;
}

void x_map_fini(struct x_map *m)
{
    free(m->steps);
    free(m->values);
    *m = (struct x_map){0};
}

static void push(struct x_map *m, double step, double value)
{
    if (m->n >= m->cap) {
        m->cap = m->cap ? m->cap + m->cap / 4 : 64;
        m->steps = mem_realloc(m->steps, m->cap, sizeof *m->steps);
        m->values = mem_realloc(m->values, m->cap, sizeof *m->values);
    }
    m->steps[m->n] = step;
    m->values[m->n++] = value;
}

void x_map_mark(struct x_map *m, double step, double hour_s, bool is_now)
{
    m->n -= m->ends_now;
    while (m->n > 0 && m->steps[m->n - 1] > step)
        m->n--;
    if (m->n > 0) // clocks are set back at times
        hour_s = fmax(hour_s, m->values[m->n - 1]);
    if (m->n > 1 && m->steps[m->n - 2] == step) // of all that happened at a step the first and the last
        m->n--;
    push(m, step, hour_s);
    m->ends_now = is_now;
}

void x_map_line(struct x_map *m, double steps, double low, double high)
{
    m->n = 0;
    push(m, 0, low);
    push(m, steps, high);
}

void x_map_update(struct x_map *m, const struct series *step_s, const struct series *tokens_per_s)
{
    bool shrank = m->used > step_s->n ||
                  (m->n > 0 && m->used > 0 && m->steps[m->n - 1] != (double)series_step(step_s, m->used - 1));
    if (shrank) {
        m->n = m->used = 0;
        m->last_rate = 0;
    }
    if (m->n == 0 && step_s->n > 0)
        push(m, (double)series_step(step_s, 0) - fmin(1, (double)series_step(step_s, 0)), 0);
    for (; m->used < step_s->n; m->used++) {
        double step = (double)series_step(step_s, m->used), rate = series_value(step_s, m->used);
        if (tokens_per_s) {
            // The rate was recorded at the same step, or is the nearest one that was.
            float speed = tokens_per_s->n > 0 ? series_value(tokens_per_s, series_nearest(tokens_per_s, step)) : NAN;
            rate *= speed;
        }
        if (!isfinite(rate) || rate <= 0)
            rate = m->last_rate;
        m->last_rate = rate;
        double before = m->steps[m->n - 1], value = m->values[m->n - 1] + (step - before) * rate;
        if (step > before)
            push(m, step, value);
        else
            m->steps[m->n - 1] = step; // step 0: nothing has passed yet
    }
}

// Through (from, to) at x, going on with the outer slopes beyond the ends.
static double through(const double *from, const double *to, uint32_t n, double x)
{
    uint32_t low = 1, high = n - 1; // the segment low-1 .. low
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (from[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    double width = from[low] - from[low - 1];
    return width > 0 ? to[low - 1] + (x - from[low - 1]) * (to[low] - to[low - 1]) / width : to[low];
}

double x_map_value(const struct x_map *m, double step)
{
    return m && m->n >= 2 ? m->origin + through(m->steps, m->values, m->n, step) : step;
}

double x_map_step(const struct x_map *m, double value)
{
    return m && m->n >= 2 ? through(m->values, m->steps, m->n, value - m->origin) : value;
}
