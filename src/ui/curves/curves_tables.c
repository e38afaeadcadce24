// The tables of the page of curves: values at the cursor, what a range amounts to, in which settings runs differ.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/curves/curves.h"
#include "ui/runs/run_text.h"
#include "ui/series/range_stats.h"

enum { CELL = 13 };

static void put_number(struct canvas *c, int x, int y, double value, bool signed_)
{
    char text[24], number[16];
    axis_number(number, sizeof number, value);
    snprintf(text, sizeof text, "%s%s", signed_ && value > 0 ? "+" : "", number);
    canvas_text_right(c, x, y, CELL - 1, STYLE(COLOR_DEFAULT), text);
}

static void put_name(struct canvas *c, const struct plot_line *line, const char *name, int x, int y, int columns)
{
    char letter[2] = {line->letter, 0};
    canvas_text(c, x, y, -1, STYLE(line->color, .attr = ATTR_BOLD), letter);
    canvas_text(c, x + 2, y, columns, STYLE(line->color), name);
}

static void range_of(const struct curves *c, double *from, double *to)
{
    *from = fmin(c->cursor, c->other_end);
    *to = fmax(c->cursor, c->other_end);
}

// Of the lines that were asked about last.
struct range_memo {
    struct range_known {
        const struct series *series;
        uint32_t first, end, rewinds;
        uint64_t poll; // of what is made of several runs: it may have been made anew in the same place
        struct range_stats stats;
    } known[RASTER_LINES];
    int next;
};

struct range_memo *curves_range_memo_new(void)
{
    return mem_alloc(1, sizeof(struct range_memo));
}

static struct range_stats stats_of(const struct curves *c, const struct series *s)
{
    struct range_memo *m = c->range_memo;
    double from, to;
    range_of(c, &from, &to);
    const uint32_t first = series_find(s, from), end = series_find(s, nextafter(to, INFINITY));
    const uint64_t poll = c->mode == MODE_RUNS ? 0 : c->derived_poll;
    for (int i = 0; i < RASTER_LINES; i++) {
        const struct range_known *k = &m->known[i];
        if (k->poll == poll && k->series == s && k->first == first && k->end == end && k->rewinds == s->n_rewinds &&
            end > first)
            return k->stats;
    }
    struct range_known *k = &m->known[m->next++ % RASTER_LINES];
    *k = (struct range_known){s, first, end, s->n_rewinds, poll, range_stats(s, from, to)};
    return k->stats;
}

// What a range amounts to, as a row of numbers; those of both signs have a "+" before their head.
static const char *const range_heads[] = {"slope/100", "+change", "least", "most", "mean", "sd", "area"};
enum { RANGE_COLUMNS = sizeof range_heads / sizeof *range_heads };

static void range_row(const struct range_stats *r, double *out)
{
    const double row[RANGE_COLUMNS] = {100 * r->slope, r->last - r->first, r->min, r->max, r->mean, r->sd, r->area};
    memcpy(out, row, sizeof row);
}

static void draw_heads(struct canvas *c, const char *const *heads, int n, int at, int y, int right)
{
    for (int k = 0; k < n && at + CELL * (k + 1) <= right; k++)
        canvas_text_right(c, at + CELL * k, y, CELL - 1, STYLE(COLOR_MUTED), heads[k] + (heads[k][0] == '+'));
}

// The chart's budget stands before the others.
static void draw_range_heads(const struct chart *chart, struct canvas *canvas, int at, int y, int right)
{
    char number[16], head[24];
    if (chart->has_budget && at + CELL <= right) {
        snprintf(head, sizeof head, "at %s", axis_number(number, sizeof number, chart->budget));
        canvas_text_right(canvas, at, y, CELL - 1, STYLE(COLOR_ACCENT), head);
    }
    draw_heads(canvas, range_heads, RANGE_COLUMNS, at + (chart->has_budget ? CELL : 0), y, right);
}

static double crossing_of(const struct curves *c, const struct chart *chart, const struct series *s)
{
    double from, to;
    range_of(c, &from, &to);
    return range_crossing(s, from, to, chart->budget);
}

static void draw_range_row(const struct curves *c, const struct chart *chart, const struct series *s, struct canvas *canvas,
                           int at, int y, int right)
{
    double row[RANGE_COLUMNS];
    if (chart->has_budget && at + CELL <= right) {
        char text[24];
        const double step = crossing_of(c, chart, s);
        snprintf(text, sizeof text, isnan(step) ? "never" : "step %.0f", step);
        canvas_text_right(canvas, at, y, CELL - 1, STYLE(isnan(step) ? COLOR_MUTED : COLOR_WARN), text);
    }
    at += chart->has_budget ? CELL : 0;
    const struct range_stats r = stats_of(c, s);
    range_row(&r, row);
    for (int k = 0; k < RANGE_COLUMNS && at + CELL * (k + 1) <= right && r.n > 0; k++)
        put_number(canvas, at + CELL * k, y, row[k], k < 2);
}

// The pinned run's line among them: what differences are taken from. Of one run's parts it is the first.
static int pinned_line(const struct curves *c, const struct plot_line *lines, int n)
{
    for (int k = 0; k < n && c->n_runs > 1; k++)
        if (lines[k].letter == c->rows[curves_pinned(c)]->letter)
            return k;
    return 0;
}

// What fits over a column of a metric's name: its end.
static const char *tail_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash && strlen(key) >= CELL ? slash + 1 : key;
}

static struct span window_span(const struct curves *c, const struct plot_line *line)
{
    double x0, x1;
    curves_window(c, &x0, &x1);
    return series_span(line->series, series_find(line->series, x_map_step(line->map, x0)),
                       series_find(line->series, x_map_step(line->map, nextafter(x1, INFINITY))));
}

static void draw_value_row(const struct curves *c, const struct chart *chart, const struct plot_line *line, double base,
                           struct canvas *canvas, int at, int y, int right)
{
    uint32_t i;
    if (!curves_point(c, line, &i))
        return;
    const double value = curves_shown_value(c, chart, line, i);
    const struct span span = window_span(c, line);
    const bool any = span.min <= span.max;
    const double values[] = {series_value(line->series, i), value, value - base, any ? span.min : NAN, any ? span.max : NAN};
    char step[24];
    if (c->x_kind == X_METRIC)
        axis_number(step, sizeof step, x_map_value(line->map, (double)series_step(line->series, i)));
    else
        snprintf(step, sizeof step, "%lld", (long long)series_step(line->series, i));
    if (at + CELL <= right)
        canvas_text_right(canvas, at, y, CELL - 1, STYLE(COLOR_DEFAULT), step);
    for (int k = 0; k < 5 && at + CELL * (k + 2) <= right; k++)
        if (k != 2 || !isnan(base))
            put_number(canvas, at + CELL * (k + 1), y, values[k], k == 2);
}

// ---- their order ----

const char *const sort_words[] = {"off", "name", "value", "smoothed", "least", "most", NULL};

// What a line is sorted by; NaN where it has nothing there.
static double sort_value(const struct curves *c, const struct chart *chart, const struct plot_line *line)
{
    uint32_t i;
    if (c->sort == SORT_LEAST || c->sort == SORT_MOST) {
        const struct span span = window_span(c, line);
        return span.min > span.max ? NAN : c->sort == SORT_LEAST ? span.min : span.max;
    }
    if (!curves_point(c, line, &i))
        return NAN;
    return c->sort == SORT_VALUE ? series_value(line->series, i) : curves_shown_value(c, chart, line, i);
}

static bool comes_before(const struct curves *c, const struct chart *chart, const struct plot_line *a,
                         const struct plot_line *b)
{
    if (c->sort == SORT_NAME)
        return c->sort_up ? strcmp(a->label, b->label) < 0 : strcmp(a->label, b->label) > 0;
    const double x = sort_value(c, chart, a), y = sort_value(c, chart, b);
    if (isnan(x) || isnan(y))
        return isnan(y) && !isnan(x); // what has no value is last both ways
    return c->sort_up ? x < y : x > y;
}

// The lines of a table, and which of them differences are taken from.
static int table_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines, int *pinned)
{
    const int n = curves_lines(c, chart, lines);
    *pinned = pinned_line(c, lines, n);
    const struct series *base = n > 0 ? lines[*pinned].series : NULL;
    for (int i = 1; i < n && c->sort != SORT_NONE; i++)
        for (int k = i; k > 0 && comes_before(c, chart, &lines[k], &lines[k - 1]); k--) {
            const struct plot_line swapped = lines[k];
            lines[k] = lines[k - 1];
            lines[k - 1] = swapped;
        }
    for (int k = 0; k < n; k++)
        *pinned = lines[k].series == base ? k : *pinned;
    return n;
}

void curves_draw_values(const struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area)
{
    const char *const x = c->x_kind == X_METRIC ? tail_of(c->x_metric) : "step";
    const char *const heads[] = {x, "value", "smoothed", "minus first", "least", "most"};
    struct plot_line lines[RASTER_LINES];
    int pinned;
    const int n = table_lines(c, chart, lines, &pinned), name = area.width >= 100 ? 32 : 20;
    const int at = area.x + 3 + name, right = area.x + area.width;
    if (c->has_range)
        draw_range_heads(chart, canvas, at, area.y, right);
    else
        draw_heads(canvas, heads, 6, at, area.y, right);
    if (!c->has_range && c->n_runs > 1 && c->pinned && at + CELL * 4 <= right)
        canvas_text_right(canvas, at + CELL * 3, area.y, CELL - 1, STYLE(COLOR_MUTED), "minus pinned");
    uint32_t i;
    const double base = n > 0 && curves_point(c, &lines[pinned], &i) ? curves_shown_value(c, chart, &lines[pinned], i) : NAN;
    for (int k = 0; k < n && k + 1 < area.height; k++) {
        put_name(canvas, &lines[k], lines[k].label[0] ? lines[k].label : chart->title, area.x + 1, area.y + 1 + k, name);
        if (c->has_range)
            draw_range_row(c, chart, lines[k].series, canvas, at, area.y + 1 + k, right);
        else
            draw_value_row(c, chart, &lines[k], k == pinned ? NAN : base, canvas, at, area.y + 1 + k, right);
    }
}

// ---- for who hears it ----

// "loss: 0.654 at step 60; in the window least 0.611, most 0.71"
static void tell_line(const struct curves *c, const struct chart *chart, const struct plot_line *line, struct str *out)
{
    char value[32], least[32], most[32];
    uint32_t i;
    str_addf(out, "%s: ", line->label[0] ? line->label : chart->title);
    if (!curves_point(c, line, &i)) {
        str_add(out, "nothing here.\n");
        return;
    }
    const struct span span = window_span(c, line);
    str_addf(out, "%s at step %lld", number_text(value, sizeof value, series_value(line->series, i), 8),
             (long long)series_step(line->series, i));
    if (span.min <= span.max)
        str_addf(out, "; in the window least %s, most %s", number_text(least, sizeof least, span.min, 8),
                 number_text(most, sizeof most, span.max, 8));
    str_add(out, ".\n");
}

bool curves_tell(const struct curves *c, struct str *out)
{
    struct plot_line lines[RASTER_LINES];
    if (c->focus >= c->n_charts)
        return false;
    const struct chart *chart = &c->charts[c->focus];
    const int n = curves_lines(c, chart, lines);
    str_addf(out, "Chart %d of %d, %s.\n", c->focus + 1, c->n_charts, chart->title);
    for (int k = 0; k < n; k++)
        tell_line(c, chart, &lines[k], out);
    return true;
}

// ---- linked over the charts ----

int curves_linked_lines(const struct curves *c)
{
    struct plot_line lines[RASTER_LINES];
    const int n = c->focus < c->n_charts ? curves_lines(c, &c->charts[c->focus], lines) : 0;
    return n + 2 + (c->has_range ? n + 1 : 0);
}

// The value of the same line in another chart at the cursor.
static double value_elsewhere(const struct curves *c, const struct chart *chart, const struct plot_line *line)
{
    struct plot_line lines[RASTER_LINES];
    uint32_t i;
    const int n = curves_lines(c, chart, lines);
    for (int k = 0; k < n; k++)
        if (lines[k].letter == line->letter && curves_point(c, &lines[k], &i))
            return curves_shown_value(c, chart, &lines[k], i);
    return NAN;
}

static const struct run_data *data_of(const struct curves *c, const struct plot_line *line)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->n_runs == 1 || c->rows[i]->letter == line->letter)
            return c->data[i];
    return NULL;
}

// After which time, and how many tokens.
static void draw_when(const struct curves *c, const struct plot_line *line, struct canvas *canvas, int at, int y, int right)
{
    const struct run_data *d = c->x_kind == X_METRIC ? NULL : data_of(c, line);
    char text[32];
    if (d && d->time.n >= 2 && at + CELL <= right)
        canvas_text_right(canvas, at, y, CELL - 1, STYLE(COLOR_DEFAULT),
                          human_seconds(text, sizeof text, x_map_value(&d->time, c->cursor)));
    if (d && d->tokens.n >= 2 && at + 2 * CELL <= right)
        put_number(canvas, at + CELL, y, x_map_value(&d->tokens, c->cursor), false);
}

static void draw_linked_heads(const struct curves *c, struct canvas *canvas, struct rect area, int at, int others,
                              int *charts)
{
    static const char *const first[] = {"value", "smoothed", "minus first"};
    const int right = area.x + area.width;
    struct str where = {0};
    curves_describe_cursor(c, &where);
    canvas_textf(canvas, area.x + 1, area.y, at - area.x - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "at %s: %s",
                 str_text(&where), c->n_runs > 1 ? c->charts[c->focus].overlay : c->charts[c->focus].title);
    str_fini(&where);
    draw_heads(canvas, first, 3, at, area.y, right);
    if (c->pinned)
        canvas_text_right(canvas, at + CELL * 2, area.y, CELL - 1, STYLE(COLOR_MUTED), "minus pinned");
    for (int k = 0; k < others; k++) {
        const struct chart *chart = &c->charts[charts[k]];
        canvas_text_right(canvas, at + CELL * (3 + k), area.y, CELL - 1, STYLE(COLOR_MUTED), tail_of(chart->overlay));
    }
    static const char *const when[] = {"after", "tokens"};
    draw_heads(canvas, when, 2, at + CELL * (3 + others), area.y, right);
}

void curves_draw_linked(const struct curves *c, struct canvas *canvas, struct rect area)
{
    struct plot_line lines[RASTER_LINES];
    int charts[16], others = 0;
    if (c->focus >= c->n_charts)
        return;
    const struct chart *chart = &c->charts[c->focus];
    int pinned;
    const int n = table_lines(c, chart, lines, &pinned), at = area.x + 40, right = area.x + area.width;
    // One run's parts have letters of their own in each chart: nothing to be linked by.
    for (int i = c->first_shown; i < c->first_shown + c->n_shown && i < c->n_charts && c->n_runs > 1; i++)
        if (i != c->focus && others < 16 && at + CELL * (3 + others + 3) <= right)
            charts[others++] = i;
    canvas_hline(canvas, area.x, area.y, area.width, STYLE(COLOR_MUTED));
    draw_linked_heads(c, canvas, area, at, others, charts);
    uint32_t i;
    const double base = n > 0 && curves_point(c, &lines[pinned], &i) ? curves_shown_value(c, chart, &lines[pinned], i) : NAN;
    for (int k = 0; k < n && k + 1 < area.height; k++) {
        const int y = area.y + 1 + k;
        put_name(canvas, &lines[k], lines[k].label[0] ? lines[k].label : chart->title, area.x + 1, y, 36);
        if (curves_point(c, &lines[k], &i)) {
            const double value = curves_shown_value(c, chart, &lines[k], i);
            put_number(canvas, at, y, series_value(lines[k].series, i), false);
            put_number(canvas, at + CELL, y, value, false);
            if (k != pinned)
                put_number(canvas, at + CELL * 2, y, value - base, true);
        }
        for (int o = 0; o < others; o++)
            put_number(canvas, at + CELL * (3 + o), y, value_elsewhere(c, &c->charts[charts[o]], &lines[k]), false);
        draw_when(c, &lines[k], canvas, at + CELL * (3 + others), y, right);
    }
    double from, to;
    range_of(c, &from, &to);
    const int top = area.y + n + 1;
    if (!c->has_range || top >= area.y + area.height)
        return;
    canvas_textf(canvas, area.x + 1, top, at - area.x - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "steps %.0f-%.0f", from,
                 to);
    draw_range_heads(chart, canvas, at, top, right);
    for (int k = 0; k < n && top + 1 + k < area.y + area.height; k++) {
        put_name(canvas, &lines[k], lines[k].label[0] ? lines[k].label : chart->title, area.x + 1, top + 1 + k, 36);
        draw_range_row(c, chart, lines[k].series, canvas, at, top + 1 + k, right);
    }
}

void curves_describe_range(const struct curves *c, struct str *out)
{
    struct plot_line lines[RASTER_LINES];
    char number[16];
    double from, to, row[RANGE_COLUMNS];
    const int n = c->focus < c->n_charts ? curves_lines(c, &c->charts[c->focus], lines) : 0;
    int k = 0;
    for (int i = 0; i < n; i++)
        k = lines[i].raised ? i : k;
    range_of(c, &from, &to);
    str_addf(out, "steps %.0f-%.0f", from, to);
    if (n == 0)
        return;
    const struct range_stats r = stats_of(c, lines[k].series);
    range_row(&r, row);
    str_addf(out, "  %s%s%u points", lines[k].label, lines[k].label[0] ? ": " : "", r.n);
    if (c->charts[c->focus].has_budget) {
        const double step = crossing_of(c, &c->charts[c->focus], lines[k].series);
        str_addf(out, isnan(step) ? "  never crosses %s" : "  crosses %s at step %.0f",
                 axis_number(number, sizeof number, c->charts[c->focus].budget), step);
    }
    for (int i = 0; i < RANGE_COLUMNS && r.n > 0; i++) {
        const bool is_signed = range_heads[i][0] == '+' || i == 0;
        str_addf(out, "  %s %s%s", range_heads[i] + (range_heads[i][0] == '+'), is_signed && row[i] > 0 ? "+" : "",
                 axis_number(number, sizeof number, row[i]));
    }
}

// ---- settings ----

static bool differs(const struct curves *c, const char *name)
{
    char a[300], b[300];
    for (int i = 1; i < c->n_runs; i++)
        if (strcmp(run_setting_text(c->rows[0], name, a, sizeof a), run_setting_text(c->rows[i], name, b, sizeof b)) != 0)
            return true;
    return false;
}

// The names of the settings that differ, each once; at most max. Returns how many there are.
static int find_differences(const struct curves *c, const char **names, int max)
{
    static const char *const first[] = {"objective", "model", "data"};
    int n = 0;
    for (size_t i = 0; i < 3 && c->n_runs > 1; i++)
        if (differs(c, first[i]))
            names[n++] = first[i];
    // Those that all have before those of some objective alone.
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < c->n_runs; i++) {
            const char *name;
            json_t *value;
            json_object_foreach(c->rows[i]->settings, name, value) {
                bool known = strcmp(name, "model") == 0 || strcmp(name, "data") == 0 || strcmp(name, "objective") == 0,
                     in_all = true;
                for (int k = 0; k < c->n_runs; k++) {
                    const bool has = json_object_get(c->rows[k]->settings, name) != NULL;
                    known = known || (k < i && has);
                    in_all = in_all && has;
                }
                if (!known && in_all == (pass == 0) && n < max && differs(c, name))
                    names[n++] = name;
            }
        }
    return n;
}

enum { MAX_DIFFERENCES = 200 };

int curves_diff_lines(const struct curves *c)
{
    const char *names[MAX_DIFFERENCES];
    const int n = find_differences(c, names, MAX_DIFFERENCES);
    return 2 + (n > 0 ? n : 1) + 1;
}

void curves_draw_diff(const struct curves *c, struct canvas *canvas, struct rect area)
{
    const char *names[MAX_DIFFERENCES];
    const int n = find_differences(c, names, MAX_DIFFERENCES);
    struct rect in = canvas_box(canvas, area, STYLE(COLOR_MUTED), "settings that differ");
    if (in.height < 2 || in.width < 20)
        return;
    if (n == 0) {
        canvas_text(canvas, in.x + 1, in.y, in.width - 2, STYLE(COLOR_MUTED), "none: the runs have the same settings");
        return;
    }
    const int name = in.width >= 60 ? 22 : 14, room = in.width - name - 2;
    const int cell = room / c->n_runs < 9 ? 9 : room / c->n_runs > 20 ? 20 : room / c->n_runs;
    const int shown = room / cell < c->n_runs ? room / cell : c->n_runs;
    for (int i = 0; i < shown; i++) {
        const struct run_row *row = c->rows[i];
        const struct style style = STYLE(COLOR_SERIES + curves_color(c, i) % N_SERIES_COLORS, .attr = ATTR_BOLD);
        canvas_put(canvas, in.x + 1 + name + cell * i, in.y, (uint32_t)row->letter, style);
        canvas_text(canvas, in.x + 3 + name + cell * i, in.y, cell - 3, style, row->info.name);
    }
    if (shown < c->n_runs)
        canvas_textf(canvas, in.x + 1, in.y, name - 1, STYLE(COLOR_MUTED), "+%d runs", c->n_runs - shown);
    for (int k = 0; k < n && k + 1 < in.height; k++) {
        const int y = in.y + 1 + k;
        if (k + 2 == in.height && k + 1 < n) {
            canvas_textf(canvas, in.x + 1, y, in.width - 2, STYLE(COLOR_MUTED), "+%d more", n - k);
            return;
        }
        canvas_text(canvas, in.x + 1, y, name - 1, STYLE(COLOR_MUTED), names[k]);
        for (int i = 0; i < shown; i++) {
            char text[300];
            run_setting_text(c->rows[i], names[k], text, sizeof text);
            canvas_text_end(canvas, in.x + 1 + name + cell * i, y, cell - 1, STYLE(COLOR_DEFAULT), text[0] ? text : "-");
        }
    }
}
