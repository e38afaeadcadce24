// What is asked of the curves without changing them: which runs stand for what, the window, values.
#include "config.h"

#include <math.h>

#include "base/str.h"
#include "ui/curves/curves.h"

int curves_raised(const struct curves *c)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->rows[i]->info.id == c->raised)
            return i;
    return 0;
}

int curves_pinned(const struct curves *c)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->rows[i]->info.id == c->pinned)
            return i;
    return 0;
}

const struct run_row *curves_parent(const struct curves *c, int run)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->rows[run]->info.parent && c->rows[i]->info.id == c->rows[run]->info.parent)
            return c->rows[i];
    return NULL;
}

bool curves_has_map(const struct curves *c, int run, enum x_kind kind)
{
    if (kind == X_STEP)
        return true;
    const struct run_data *d = c->data[run];
    if (kind == X_METRIC)
        return d && c->x_line.n == 2 && run_data_metric(d, c->x_metric);
    if (kind == X_WALL)
        return d && d->wall.n >= 2 && d->wall.steps[d->wall.n - 1] > d->wall.steps[0];
    return d && (kind == X_TIME ? d->time.n : kind == X_EPOCHS ? d->epochs.n : d->tokens.n) >= 2;
}

const struct x_map *curves_map(const struct curves *c, int run)
{
    if (c->x_kind == X_STEP || !c->data[run])
        return NULL;
    return c->x_kind == X_METRIC   ? &c->x_line
           : c->x_kind == X_EPOCHS ? &c->data[run]->epochs
           : c->x_kind == X_TIME   ? &c->data[run]->time
           : c->x_kind == X_WALL   ? &c->data[run]->wall
                                   : &c->data[run]->tokens;
}

double curves_last_step(const struct curves *c, int run)
{
    double last = 0;
    for (int i = 0; c->data[run] && i < c->data[run]->n_metrics; i++) {
        const struct series *s = &c->data[run]->metrics[i]->series;
        if (s->n > 0)
            last = fmax(last, (double)series_step(s, s->n - 1));
    }
    return last;
}

// The whole so far: an end that grows in steps, so that not every point moves the picture, up to the planned end.
static double whole_end(const struct curves *c)
{
    double end = 0, planned = 0;
    for (int i = 0; i < c->n_runs; i++) {
        if (!curves_has_map(c, i, c->x_kind))
            continue;
        end = fmax(end, x_map_value(curves_map(c, i), curves_last_step(c, i)));
        planned = fmax(planned, (double)c->rows[i]->status.total_steps);
    }
    double rounded = axis_round_end(end);
    return c->x_kind == X_STEP && planned >= end && planned > 0 && planned < rounded ? planned : rounded;
}

void curves_window(const struct curves *c, double *x0, double *x1)
{
    if (c->x_kind == X_METRIC && c->fit) {
        *x0 = c->x_line.n == 2 ? c->x_line.values[0] : 0;
        *x1 = c->x_line.n == 2 ? c->x_line.values[1] : 1;
        return;
    }
    if (c->fit) {
        *x0 = 0;
        *x1 = whole_end(c);
        return;
    }
    *x0 = c->x0;
    *x1 = c->x1;
    if (!c->follow || c->x_kind == X_METRIC) // which has no newest end
        return;
    // The window moves in eighths of itself, so that not every point moves the picture.
    double last = 0, width = c->x1 - c->x0;
    for (int i = 0; i < c->n_runs; i++)
        if (curves_has_map(c, i, c->x_kind))
            last = fmax(last, x_map_value(curves_map(c, i), curves_last_step(c, i)));
    *x1 = ceil(last / (width / 8) + 1e-9) * (width / 8);
    *x0 = *x1 - width;
    if (!(*x0 < *x1)) { // kept by hand: narrower than what can be told apart there
        *x0 = 0;
        *x1 = whole_end(c);
    }
}

const char *curves_x_name(const struct curves *c)
{
    return c->x_kind == X_METRIC ? c->x_metric : x_kind_name(c->x_kind);
}

double curves_cursor_step(const struct curves *c)
{
    return c->has_cursor && c->x_kind != X_METRIC ? c->cursor : -1;
}

void curves_describe_cursor(const struct curves *c, struct str *out)
{
    char number[16];
    if (c->x_kind == X_METRIC)
        str_addf(out, "%s %s", c->x_metric, axis_number(number, sizeof number, x_map_value(&c->x_line, c->cursor)));
    else
        str_addf(out, "step %.0f", c->cursor);
}

bool curves_point(const struct curves *c, const struct plot_line *line, uint32_t *i)
{
    if (line->series->n == 0)
        return false;
    *i = c->has_cursor ? series_nearest(line->series, c->cursor) : line->series->n - 1;
    // The cursor reads no values where a run has none.
    double last = (double)series_step(line->series, line->series->n - 1);
    return !c->has_cursor || c->cursor <= last + series_spacing(line->series);
}

double curves_shown_value(const struct curves *c, const struct chart *chart, const struct plot_line *line, uint32_t i)
{
    return c->weight > 0 && !chart->exact && series_is_smooth(line->series) ? series_smoothed(line->series, i)
                                                                            : series_value(line->series, i);
}
