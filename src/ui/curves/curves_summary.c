#include "config.h"

#include "ui/curves/curves_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ui/curves/curves_wide.h"

// ---- what it is of ----

static bool is_axis(const struct curves *c, const char *wanted)
{
    char name[96], key[96];
    for (const char *word = c->summary_axes; *word;) {
        const size_t n = strcspn(word, " ");
        snprintf(name, sizeof name, "%.*s", (int)n, word);
        summary_split(name, key, sizeof key);
        if (strcmp(key, wanted) == 0)
            return true;
        word += n + strspn(word + n, " ");
    }
    return false;
}

bool curves_summary_wants(const struct curves *c, const char *key)
{
    char x[96], y[96];
    if (c->summary == SUMMARY_PARALLEL)
        return is_axis(c, key);
    if (c->summary == SUMMARY_HEAT)
        return strcmp(key, c->summary_y) == 0;
    summary_split(c->summary_x, x, sizeof x);
    summary_split(c->summary_y, y, sizeof y);
    return c->summary != SUMMARY_NONE && (strcmp(key, x) == 0 || strcmp(key, y) == 0);
}

static bool knows(const struct curves *c, const char *name, bool may_be_metric)
{
    char key[96];
    summary_split(name, key, sizeof key);
    for (int i = 0; i < c->n_runs && may_be_metric; i++)
        if (c->data[i] && run_data_metric(c->data[i], key))
            return true;
    return curves_has_setting(c, may_be_metric ? key : name);
}

static int take_heat(struct curves *c, const char *metric, struct err *e)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->data[i] && run_data_metric(c->data[i], metric) && text_copy(c->summary_y, sizeof c->summary_y, metric)) {
            c->summary = SUMMARY_HEAT;
            return 0;
        }
    return err_set(e, ERR_NOT_FOUND, "heat-map: no run here has a metric %s", metric);
}

static int take_axes(struct curves *c, const char *of, struct err *e)
{
    char axes[sizeof c->summary_axes] = "", name[96];
    int n = 0;
    for (const char *word = of + strspn(of, " ,"); *word; n++) {
        const size_t length = strcspn(word, " ,");
        if (length >= sizeof name || strlen(axes) + length + 2 > sizeof axes || n == PARALLEL_MOST)
            return err_set(e, ERR_USAGE, "parallel: at most %d metrics and settings stand beside one another",
                           PARALLEL_MOST);
        snprintf(name, sizeof name, "%.*s", (int)length, word);
        if (!knows(c, name, true))
            return err_set(e, ERR_NOT_FOUND, "parallel: no run here has a metric or setting %s", name);
        snprintf(axes + strlen(axes), sizeof axes - strlen(axes), "%s%s", n ? " " : "", name);
        word += length + strspn(word + length, " ,");
    }
    if (n < 2)
        return err_set(
            e, ERR_USAGE,
            "parallel: two or more settings and metrics are wanted, such as: parallel lr beta kl@max (or off), not %s", of);
    memcpy(c->summary_axes, axes, sizeof axes);
    c->summary = SUMMARY_PARALLEL;
    return 0;
}

int curves_summarize(struct curves *c, enum summary kind, const char *of, struct err *e)
{
    const bool is_box = kind == SUMMARY_BOX;
    char first[96], second[96], more;
    if (kind == SUMMARY_HEAT || kind == SUMMARY_PARALLEL)
        return kind == SUMMARY_HEAT ? take_heat(c, of, e) : take_axes(c, of, e);
    if (sscanf(of, "%95[^ ,]%*[ ,]%95[^ ,] %c", first, second, &more) != 2)
        return err_set(e, ERR_USAGE,
                       is_box ? "box: a metric and a setting are wanted, such as: box eval/loss beta (or off), not %s"
                              : "scatter: two metrics are wanted, such as: scatter kl reward@max (or off), not %s", of);
    const char *x = is_box ? second : first, *y = is_box ? first : second;
    const char *unknown = !knows(c, y, true) ? y : !knows(c, x, !is_box) ? x : NULL;
    if (unknown)
        return err_set(e, ERR_NOT_FOUND, "%s: no run here has a %s %s", is_box ? "box" : "scatter",
                       is_box && unknown == x ? "setting" : "metric or setting", unknown);
    c->summary = kind;
    text_copy(c->summary_x, sizeof c->summary_x, x);
    text_copy(c->summary_y, sizeof c->summary_y, y);
    return 0;
}

void curves_summary_points(const struct curves *c, double *x, double *y)
{
    for (int i = 0; i < c->n_runs; i++) {
        x[i] = curves_summary_value(c, i, c->summary_x);
        y[i] = curves_summary_value(c, i, c->summary_y);
        x[i] = isnan(y[i]) ? NAN : x[i];
        y[i] = isnan(x[i]) ? NAN : y[i];
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_box(const struct curves *c, const char *setting, struct summary_box *box)
{
    double sorted[CURVES_RUNS];
    memcpy(sorted, box->values, sizeof sorted);
    qsort(sorted, (size_t)box->n, sizeof *sorted, ascending);
    char value[101];
    text_copy(value, sizeof value, setting[0] ? setting : "-");
    snprintf(box->name, sizeof box->name, "%s %s (n %d)", c->summary_x, value, box->n);
    if (box->n == 0)
        return;
    box->least = sorted[0];
    box->most = sorted[box->n - 1];
    box->q1 = blend_quantile(sorted, box->n, 0.25);
    box->median = blend_quantile(sorted, box->n, 0.5);
    box->q3 = blend_quantile(sorted, box->n, 0.75);
}

int curves_summary_boxes(const struct curves *c, struct summary_box *out)
{
    char setting[CURVES_RUNS][300];
    int n = 0;
    for (int i = 0; i < c->n_runs; i++) {
        bool is_first = true;
        run_setting_text(c->rows[i], c->summary_x, setting[i], sizeof setting[i]);
        for (int k = 0; k < i; k++)
            is_first = is_first && strcmp(setting[k], setting[i]) != 0;
        if (is_first)
            out[n++] = (struct summary_box){.runs = {i}};
    }
    for (int b = 0; b < n; b++) {
        const char *of = setting[out[b].runs[0]];
        for (int k = out[b].runs[0]; k < c->n_runs; k++) {
            const double value = strcmp(setting[k], of) == 0 ? curves_summary_value(c, k, c->summary_y) : NAN;
            if (isnan(value))
                continue;
            out[b].runs[out[b].n] = k;
            out[b].values[out[b].n++] = value;
        }
        fill_box(c, of, &out[b]);
    }
    return n;
}

int curves_summary_title(const struct curves *c, char *out, size_t size)
{
    struct parallel_axis axes[PARALLEL_MOST];
    const int n_axes = c->summary == SUMMARY_PARALLEL ? curves_parallel_axes(c, axes) : 0;
    int n = 0;
    for (int i = 0; i < c->n_runs && n_axes; i++)
        n += curves_parallel_has(axes, n_axes, i);
    for (int i = 0; i < c->n_runs && c->summary == SUMMARY_HEAT; i++) {
        const struct metric *m = c->data[i] ? run_data_metric(c->data[i], c->summary_y) : NULL;
        n += m && m->series.n > 0;
    }
    if (c->summary == SUMMARY_HEAT)
        snprintf(out, size, "%s over steps, %d %s", c->summary_y, n, text_plural(n, "run", "runs"));
    else if (c->summary == SUMMARY_PARALLEL)
        snprintf(out, size, "%s, %d %s", c->summary_axes, n, text_plural(n, "run", "runs"));
    if (c->summary == SUMMARY_HEAT || c->summary == SUMMARY_PARALLEL)
        return n;
    for (int i = 0; i < c->n_runs; i++)
        n += !isnan(curves_summary_value(c, i, c->summary_y)) &&
             (c->summary == SUMMARY_BOX || !isnan(curves_summary_value(c, i, c->summary_x)));
    snprintf(out, size, "%s by %s, %d %s", c->summary_y, c->summary_x, n, text_plural(n, "run", "runs"));
    return n;
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

static void draw_scatter(const struct curves *c, struct canvas *canvas, struct rect in)
{
    double x[CURVES_RUNS], y[CURVES_RUNS];
    struct axis ax, ay;
    struct ticks ticks;
    curves_summary_points(c, x, y);
    const struct span sx = curves_summary_span(c, x), sy = curves_summary_span(c, y);
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

// "|----[====#====]----|" over the values, with what it amounts to before it.
static void draw_box(struct canvas *canvas, const struct axis *a, struct rect field, int y, const struct summary_box *box,
                     int x)
{
    const bool utf8 = canvas->utf8;
    char median[16], low[16], high[16];
    const int first = column_of(a, field, box->least), last = column_of(a, field, box->most);
    for (int k = first; k <= last; k++)
        canvas_put(canvas, k, y, utf8 ? 0x2500 : '-', STYLE(COLOR_MUTED));
    canvas_put(canvas, first, y, utf8 ? 0x251c : '|', STYLE(COLOR_DEFAULT));
    canvas_put(canvas, last, y, utf8 ? 0x2524 : '|', STYLE(COLOR_DEFAULT));
    for (int k = column_of(a, field, box->q1); k <= column_of(a, field, box->q3); k++)
        canvas_put(canvas, k, y, utf8 ? 0x2550 : '=', STYLE(COLOR_DEFAULT));
    canvas_put(canvas, column_of(a, field, box->median), y, utf8 ? 0x2503 : '#', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
    canvas_textf(canvas, x, y + 1, field.x - x - 1, STYLE(COLOR_MUTED), "%s (%s..%s)",
                 axis_number(median, sizeof median, box->median), axis_number(low, sizeof low, box->q1),
                 axis_number(high, sizeof high, box->q3));
}

static void draw_boxes(const struct curves *c, struct canvas *canvas, struct rect in)
{
    struct summary_box boxes[CURVES_RUNS];
    struct span span = SPAN_EMPTY;
    struct axis axis;
    const int n = curves_summary_boxes(c, boxes), names = in.width >= 70 ? 32 : in.width / 3;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < boxes[i].n; k++)
            span = span_add(span, (float)boxes[i].values[k]);
    axis_fit(&axis, SCALE_LINEAR, span.min, span.max);
    const struct rect field = {in.x + names, in.y, in.width - names, in.height - 1};
    int y = field.y;
    if (field.width < 12)
        return;
    draw_feet(&axis, canvas, field);
    for (int i = 0; i < n && y + 2 <= field.y + field.height; i++) {
        const struct summary_box *box = &boxes[i];
        for (int k = 0; k < box->n; k++)
            canvas_put(canvas, column_of(&axis, field, box->values[k]), y + 1, (uint32_t)c->rows[box->runs[k]]->letter,
                       style_of(c, box->runs[k]));
        canvas_text(canvas, in.x + 1, y, names - 2, STYLE(COLOR_DEFAULT), box->name);
        if (box->n > 0)
            draw_box(canvas, &axis, field, y, box, in.x + 1);
        y += field.height >= 3 * c->n_runs ? 3 : 2;
    }
}

void curves_draw_summary(const struct curves *c, struct canvas *canvas, struct rect area)
{
    char title[480];
    const int n = curves_summary_title(c, title, sizeof title);
    const struct rect in = canvas_box(canvas, area, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), title);
    if (in.height < 4 || in.width < 24)
        return;
    if (n == 0)
        canvas_text(canvas, in.x + 1, in.y + in.height / 2, in.width - 2, STYLE(COLOR_MUTED),
                    c->is_read ? "no run here has what it is of" : "reading ...");
    else if (c->summary == SUMMARY_SCATTER)
        draw_scatter(c, canvas, in);
    else if (c->summary == SUMMARY_HEAT)
        curves_draw_heat(c, canvas, in);
    else if (c->summary == SUMMARY_PARALLEL)
        curves_draw_parallel(c, canvas, in);
    else
        draw_boxes(c, canvas, in);
}
