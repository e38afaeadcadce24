#include "config.h"

#include "ui/curves/curves_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

// ---- values ----

// The metric of "kl@max", and after which '@'.
static const char *split(const char *name, char *key, size_t size)
{
    const char *at = strrchr(name, '@');
    const bool is_word = at && (strcmp(at, "@min") == 0 || strcmp(at, "@max") == 0 || strcmp(at, "@last") == 0);
    snprintf(key, size, "%.*s", (int)(is_word ? at - name : (long)strlen(name)), name);
    return is_word ? at + 1 : "last";
}

double curves_summary_value(const struct curves *c, int run, const char *name)
{
    char key[96], text[300];
    const char *which = split(name, key, sizeof key);
    const struct metric *m = c->data[run] ? run_data_metric(c->data[run], key) : NULL;
    double value;
    if (!m)
        return text_to_double(run_setting_text(c->rows[run], key, text, sizeof text), &value) ? value : NAN;
    const struct span span = series_span(&m->series, 0, m->series.n);
    if (span.min > span.max)
        return NAN;
    if (strcmp(which, "last") != 0)
        return strcmp(which, "min") == 0 ? span.min : span.max;
    for (uint32_t i = m->series.n; i-- > 0;)
        if (isfinite(series_value(&m->series, i)))
            return series_value(&m->series, i);
    return NAN;
}

bool curves_summary_wants(const struct curves *c, const char *key)
{
    char x[96], y[96];
    split(c->summary_x, x, sizeof x);
    split(c->summary_y, y, sizeof y);
    return c->summary != SUMMARY_NONE && (strcmp(key, x) == 0 || strcmp(key, y) == 0);
}

bool curves_summary_knows(const struct curves *c, const char *name, bool may_be_metric)
{
    char key[96];
    split(name, key, sizeof key);
    for (int i = 0; i < c->n_runs && may_be_metric; i++)
        if (c->data[i] && run_data_metric(c->data[i], key))
            return true;
    return curves_has_setting(c, may_be_metric ? key : name);
}

// ---- drawing ----

static int column_of(const struct axis *a, struct rect field, double value)
{
    return field.x + (int)lrint(axis_place(a, value) * (field.width - 1));
}

static struct style style_of(const struct curves *c, int run)
{
    return STYLE(COLOR_SERIES + curves_color(c, run) % N_SERIES_COLORS, .attr = ATTR_BOLD);
}

// Numbers under a field.
static void draw_feet(const struct axis *a, struct canvas *c, struct rect field)
{
    struct ticks ticks;
    const int y = field.y + field.height;
    int free_from = field.x;
    axis_ticks(a, field.width / 10, &ticks);
    canvas_hline(c, field.x, y, field.width, STYLE(COLOR_MUTED));
    for (int i = 0; i < ticks.n; i++) {
        const int x = column_of(a, field, ticks.at[i].value), columns = (int)strlen(ticks.at[i].label);
        const int at = x + 1 + columns <= field.x + field.width ? x + 1 : x - columns;
        canvas_put(c, x, y, c->utf8 ? 0x2534 : '+', STYLE(COLOR_MUTED));
        if (at < free_from)
            continue;
        canvas_text(c, at, y, -1, STYLE(COLOR_MUTED), ticks.at[i].label);
        free_from = at + columns + 1;
    }
}

static struct span span_of(const struct curves *c, const double *values)
{
    struct span span = SPAN_EMPTY;
    for (int i = 0; i < c->n_runs; i++)
        span = span_add(span, (float)values[i]);
    return span;
}

static void draw_scatter(const struct curves *c, struct canvas *canvas, struct rect in)
{
    double x[CURVES_RUNS], y[CURVES_RUNS];
    struct axis ax, ay;
    struct ticks ticks;
    for (int i = 0; i < c->n_runs; i++) {
        x[i] = curves_summary_value(c, i, c->summary_x);
        y[i] = curves_summary_value(c, i, c->summary_y);
        x[i] = isnan(y[i]) ? NAN : x[i];
        y[i] = isnan(x[i]) ? NAN : y[i];
    }
    const struct span sx = span_of(c, x), sy = span_of(c, y);
    axis_fit(&ax, SCALE_LINEAR, sx.min, sx.max);
    axis_fit(&ay, SCALE_LINEAR, sy.min, sy.max);
    axis_ticks(&ay, in.height > 12 ? 7 : in.height / 2, &ticks);
    const struct rect field = {in.x + ticks.columns + 1, in.y, in.width - ticks.columns - 1, in.height - 1};
    if (field.width < 12 || field.height < 3)
        return;
    canvas_vline(canvas, field.x - 1, field.y, field.height, STYLE(COLOR_MUTED));
    for (int i = 0; i < ticks.n; i++)
        canvas_text_right(canvas, in.x, field.y + (int)lrint((1 - axis_place(&ay, ticks.at[i].value)) * (field.height - 1)),
                          ticks.columns, STYLE(COLOR_MUTED), ticks.at[i].label);
    draw_feet(&ax, canvas, field);
    // Runs that meet stand beside each other: the letters are what tells them apart.
    for (int i = 0; i < c->n_runs; i++) {
        int at = isnan(x[i]) ? field.x + field.width : column_of(&ax, field, x[i]);
        const int row = isnan(y[i]) ? 0 : field.y + (int)lrint((1 - axis_place(&ay, y[i])) * (field.height - 1));
        while (at < field.x + field.width && canvas_cell(canvas, at, row)->code[0] != ' ')
            at++;
        if (at < field.x + field.width)
            canvas_put(canvas, at, row, (uint32_t)c->rows[i]->letter, style_of(c, i));
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// "|----[====#====]----|" over the values, with what it amounts to before it.
static void draw_box(struct canvas *canvas, const struct axis *a, struct rect field, int y, double *values, int n, int x)
{
    const bool utf8 = canvas->utf8;
    char median[16], low[16], high[16];
    qsort(values, (size_t)n, sizeof *values, ascending);
    const double q1 = blend_quantile(values, n, 0.25), q2 = blend_quantile(values, n, 0.5);
    const double q3 = blend_quantile(values, n, 0.75);
    const int first = column_of(a, field, values[0]), last = column_of(a, field, values[n - 1]);
    for (int k = first; k <= last; k++)
        canvas_put(canvas, k, y, utf8 ? 0x2500 : '-', STYLE(COLOR_MUTED));
    canvas_put(canvas, first, y, utf8 ? 0x251c : '|', STYLE(COLOR_DEFAULT));
    canvas_put(canvas, last, y, utf8 ? 0x2524 : '|', STYLE(COLOR_DEFAULT));
    for (int k = column_of(a, field, q1); k <= column_of(a, field, q3); k++)
        canvas_put(canvas, k, y, utf8 ? 0x2550 : '=', STYLE(COLOR_DEFAULT));
    canvas_put(canvas, column_of(a, field, q2), y, utf8 ? 0x2503 : '#', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
    canvas_textf(canvas, x, y + 1, field.x - x - 1, STYLE(COLOR_MUTED), "%s (%s..%s)",
                 axis_number(median, sizeof median, q2), axis_number(low, sizeof low, q1),
                 axis_number(high, sizeof high, q3));
}

static void draw_boxes(const struct curves *c, struct canvas *canvas, struct rect in)
{
    double values[CURVES_RUNS], some[CURVES_RUNS];
    char setting[CURVES_RUNS][300];
    struct axis axis;
    for (int i = 0; i < c->n_runs; i++) {
        values[i] = curves_summary_value(c, i, c->summary_y);
        run_setting_text(c->rows[i], c->summary_x, setting[i], sizeof setting[i]);
    }
    const struct span span = span_of(c, values);
    axis_fit(&axis, SCALE_LINEAR, span.min, span.max);
    const int names = in.width >= 70 ? 32 : in.width / 3;
    const struct rect field = {in.x + names, in.y, in.width - names, in.height - 1};
    int y = field.y;
    if (field.width < 12)
        return;
    draw_feet(&axis, canvas, field);
    for (int i = 0; i < c->n_runs; i++) {
        int n = 0;
        bool is_first = true;
        for (int k = 0; k < i; k++)
            is_first = is_first && strcmp(setting[k], setting[i]) != 0;
        if (!is_first || y + 2 > field.y + field.height)
            continue;
        for (int k = i; k < c->n_runs; k++) {
            if (strcmp(setting[k], setting[i]) != 0 || isnan(values[k]))
                continue;
            some[n++] = values[k];
            canvas_put(canvas, column_of(&axis, field, values[k]), y + 1, (uint32_t)c->rows[k]->letter, style_of(c, k));
        }
        canvas_textf(canvas, in.x + 1, y, names - 2, STYLE(COLOR_DEFAULT), "%s %.100s (n %d)", c->summary_x,
                     setting[i][0] ? setting[i] : "-", n);
        if (n > 0)
            draw_box(canvas, &axis, field, y, some, n, in.x + 1);
        y += field.height >= 3 * c->n_runs ? 3 : 2;
    }
}

void curves_draw_summary(const struct curves *c, struct canvas *canvas, struct rect area)
{
    char title[240];
    int n = 0;
    for (int i = 0; i < c->n_runs; i++)
        n += !isnan(curves_summary_value(c, i, c->summary_y)) &&
             (c->summary == SUMMARY_BOX || !isnan(curves_summary_value(c, i, c->summary_x)));
    snprintf(title, sizeof title, "%s by %s, %d %s", c->summary_y, c->summary_x, n, text_plural(n, "run", "runs"));
    const struct rect in = canvas_box(canvas, area, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), title);
    if (in.height < 4 || in.width < 24)
        return;
    if (n == 0)
        canvas_text(canvas, in.x + 1, in.y + in.height / 2, in.width - 2, STYLE(COLOR_MUTED),
                    c->is_read ? "no run here has both" : "reading ...");
    else if (c->summary == SUMMARY_SCATTER)
        draw_scatter(c, canvas, in);
    else
        draw_boxes(c, canvas, in);
}
