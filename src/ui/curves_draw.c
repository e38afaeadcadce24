// How curves are laid out: a line that says what is shown, the grid of charts (or one), and a line or table of values.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/str.h"
#include "ui/curves.h"

static double shown_value(const struct curves *c, const struct chart *chart, const struct plot_line *line, uint32_t i)
{
    return c->weight > 0 && !chart->exact && series_is_smooth(line->series) ? series_smoothed(line->series, i)
                                                                            : series_value(line->series, i);
}

static int marks_of(const struct curves *c, struct plot_mark *marks, int max)
{
    int run = curves_raised(c), n = 0;
    const struct run_data *d = c->n_runs > 0 ? c->data[run] : NULL;
    if (!d || !curves_has_map(c, run, c->x_kind))
        return 0;
    // The newest ones when there are more than can be told apart.
    for (int i = d->n_checkpoints > max / 2 ? d->n_checkpoints - max / 2 : 0; i < d->n_checkpoints; i++)
        marks[n++] = (struct plot_mark){d->checkpoints[i], curves_map(c, run), MARK_CHECKPOINT};
    for (int i = d->n_changes > max / 2 ? d->n_changes - max / 2 : 0; i < d->n_changes; i++)
        marks[n++] = (struct plot_mark){(double)d->changes[i].step, curves_map(c, run),
                                        d->changes[i].is_trouble ? MARK_TROUBLE : MARK_CONTROL};
    return n;
}

static void empty_text(const struct curves *c, const struct plot_line *lines, int n_lines, char *out, size_t size)
{
    bool points = false, live = false, unread = false;
    for (int i = 0; i < n_lines; i++)
        points = points || lines[i].series->n > 0;
    for (int i = 0; i < c->n_runs; i++)
        unread = unread || c->rows[i]->looked_s < 0 || (c->rows[i]->reader && !c->is_read);
    for (int i = 0; i < c->n_runs; i++)
        live = live || c->rows[i]->status.state == RUN_QUEUED || run_state_is_live(c->rows[i]->status.state);
    text_copy(out, size,
              points ? "no points in this window: 0 shows all"
              : unread ? "reading ..."
              : live ? "waiting for the first point"
                     : "nothing was recorded");
}

void curves_plot(const struct curves *c, const struct chart *chart, bool names, struct curves_plot *out)
{
    int n = curves_lines(c, chart, out->lines);
    for (int k = 0; k < n; k++) {
        uint32_t i;
        if (curves_point(c, &out->lines[k], &i))
            out->lines[k].value = axis_number(out->values[k], sizeof out->values[k], shown_value(c, chart, &out->lines[k], i));
        // In a grid the names of several runs stand above all charts.
        if (c->n_runs > 1 && !names)
            out->lines[k].label = "";
    }
    empty_text(c, out->lines, n, out->empty, sizeof out->empty);
    text_copy(out->title, sizeof out->title, chart->title);
    if (c->n_runs > 1 && strcmp(chart->overlay, chart->title) != 0)
        snprintf(out->title, sizeof out->title, "%s: %s", chart->title, chart->overlay);
    out->plot = (struct plot){.title = out->title,
                              .empty = out->empty,
                              .lines = out->lines,
                              .n_lines = n,
                              .marks = out->marks,
                              .n_marks = marks_of(c, out->marks, CURVES_MARKS),
                              .x_kind = c->x_kind,
                              .scale = chart->scale,
                              .noise = chart_noise(chart),
                              .clip = chart->clip,
                              .weight = chart->exact ? 0 : c->weight,
                              .cursor = NAN,
                              .lines_only = c->lines_only};
    curves_window(c, &out->plot.x0, &out->plot.x1);
    if (c->has_cursor && c->n_runs > 0)
        out->plot.cursor = x_map_value(curves_map(c, curves_raised(c)), c->cursor);
}

void curves_draw_chart(struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area,
                       bool focused, bool names)
{
    struct curves_plot made;
    struct plot_result result;
    curves_plot(c, chart, names, &made);
    made.plot.focused = focused;
    if (c->n_runs > 1 && area.width < 50) // the values of the runs need the room
        made.plot.title = chart->overlay;
    plot_draw(&made.plot, canvas, area, &result);
    if (focused)
        c->field_columns = result.field.width;
}

// ---- around the charts ----

// What is left of the names still names something: "1" and "2" of "dpo-1" and "dpo-2" do not.
static bool says_something(const struct curves *c, size_t skipped)
{
    for (int i = 0; i < c->n_runs; i++) {
        const char *rest = c->rows[i]->info.name + skipped;
        if (strlen(rest) < 3 || (*rest >= '0' && *rest <= '9'))
            return false;
    }
    return true;
}

// What all names begin with, up to a hyphen: where there is no room it says nothing ("bench-").
static size_t common_prefix(const struct curves *c)
{
    const char *first = c->rows[0]->info.name;
    size_t n = strlen(first);
    for (int i = 1; i < c->n_runs; i++) {
        size_t k = 0;
        while (k < n && c->rows[i]->info.name[k] == first[k])
            k++;
        n = k;
    }
    while (n > 0 && (first[n - 1] != '-' || !says_something(c, n)))
        n--;
    return n;
}

static void draw_runs(const struct curves *c, struct canvas *canvas, struct rect line, int right)
{
    enum { MORE = 4 }; // "+12 "
    int x = line.x + 1, raised = curves_raised(c), needed = 0;
    for (int i = 0; i < c->n_runs; i++)
        needed += (int)strlen(c->rows[i]->info.name) + 4;
    const size_t skipped = c->n_runs > 1 && x + needed > right ? common_prefix(c) : 0;
    for (int i = 0; i < c->n_runs && c->n_runs > 1; i++) {
        const struct run_row *r = c->rows[i];
        const char *name = r->info.name + skipped;
        struct style style =
            STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS, .attr = i == raised ? ATTR_BOLD | ATTR_UNDERLINE : 0);
        const int columns = (int)strlen(name) + 2, more = i + 1 < c->n_runs ? MORE : 0;
        if (x + columns + more > right) {
            if (x < right)
                canvas_textf(canvas, x, line.y, right - x, STYLE(COLOR_MUTED), "+%d", c->n_runs - i);
            return;
        }
        canvas_put(canvas, x, line.y, (uint32_t)r->letter,
                   STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS, .attr = ATTR_BOLD));
        x = canvas_text(canvas, x + 2, line.y, -1, style, name) + 2;
    }
}

static void draw_settings(const struct curves *c, struct canvas *canvas, struct rect line)
{
    struct str s = {0};
    if (c->n_shown < c->n_charts && !c->full)
        str_addf(&s, "charts %d-%d of %d  ", c->first_shown + 1, c->first_shown + c->n_shown, c->n_charts);
    str_addf(&s, "x %s", x_kind_name(c->x_kind));
    if (c->weight > 0)
        str_addf(&s, "  EMA %.3g", c->weight);
    else
        str_add(&s, "  raw");
    if (c->focus < c->n_charts) {
        if (c->charts[c->focus].scale != SCALE_LINEAR)
            str_addf(&s, "  y %s", scale_name(c->charts[c->focus].scale));
        if (c->charts[c->focus].clip)
            str_add(&s, "  clip 1%");
    }
    str_add(&s, c->fit ? "  whole run" : c->follow ? "  follow" : "  zoomed (0: all)");
    int width = (int)s.len < line.width - 2 ? (int)s.len : line.width - 2;
    canvas_text(canvas, line.x + line.width - 1 - width, line.y, width, STYLE(COLOR_MUTED), str_text(&s));
    draw_runs(c, canvas, line, line.x + line.width - 2 - width);
    str_fini(&s);
}

// Where the cursor is, and what was changed last before it, or last of all; trouble with reading goes first. True when
// it is bad news.
static bool last_change(const struct curves *c, struct str *s)
{
    const struct run_data *d = c->n_runs > 0 ? c->data[curves_raised(c)] : NULL;
    if (!d)
        return false;
    if (c->has_cursor) {
        str_addf(s, "step %.0f", c->cursor);
        if (d->time.n >= 2) {
            char time[32];
            str_addf(s, "  after %s", human_seconds(time, sizeof time, x_map_value(&d->time, c->cursor)));
        }
        str_add(s, "  ");
    }
    const struct run_change *last = NULL;
    for (int i = 0; i < d->n_changes; i++)
        if (!c->has_cursor || (double)d->changes[i].step <= c->cursor)
            last = &d->changes[i];
    if (d->trouble[0])
        str_add(s, d->trouble);
    else if (last)
        str_addf(s, "%c step %lld: %s", last->is_trouble ? '!' : '*', (long long)last->step, last->text);
    return d->trouble[0] || (last && last->is_trouble);
}

// One line a curve: its value as it is, smoothed, and against the first one, at the cursor or at the end.
static void draw_values(const struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area)
{
    struct plot_line lines[RASTER_LINES];
    int n = curves_lines(c, chart, lines);
    int name = area.width >= 100 ? 32 : 20, at = area.x + 3 + name;
    static const char *const heads[] = {"step", "value", "smoothed", "minus first", "least", "most"};
    for (int k = 0; k < 6 && at + 13 * (k + 1) <= area.x + area.width; k++)
        canvas_text_right(canvas, at + 13 * k, area.y, 12, STYLE(COLOR_MUTED), heads[k]);
    double first = NAN;
    for (int k = 0; k < n && k + 1 < area.height; k++) {
        int y = area.y + 1 + k;
        uint32_t i;
        char letter[2] = {lines[k].letter, 0};
        canvas_text(canvas, area.x + 1, y, -1, STYLE(lines[k].color, .attr = ATTR_BOLD), letter);
        canvas_text(canvas, area.x + 3, y, name, STYLE(lines[k].color),
                    lines[k].label[0] ? lines[k].label : chart->title);
        if (!curves_point(c, &lines[k], &i))
            continue;
        double x0, x1, value = shown_value(c, chart, &lines[k], i);
        curves_window(c, &x0, &x1);
        struct span span = series_span(lines[k].series, series_find(lines[k].series, x_map_step(lines[k].map, x0)),
                                       series_find(lines[k].series, x_map_step(lines[k].map, nextafter(x1, INFINITY))));
        bool any = span.min <= span.max;
        double values[] = {
            0, series_value(lines[k].series, i), value, value - first, any ? span.min : NAN, any ? span.max : NAN};
        for (int j = 0; j < 6 && at + 13 * (j + 1) <= area.x + area.width; j++) {
            char text[24] = "";
            if (j == 0)
                snprintf(text, sizeof text, "%lld", (long long)series_step(lines[k].series, i));
            else if (j != 3 || k > 0)
                axis_number(text, sizeof text, values[j]);
            if (j == 3 && k > 0 && values[j] > 0) {
                char number[16];
                snprintf(text, sizeof text, "+%s", axis_number(number, sizeof number, values[j]));
            }
            canvas_text_right(canvas, at + 13 * j, y, 12, STYLE(COLOR_DEFAULT), text);
        }
        if (k == 0)
            first = value;
    }
}

static void draw_full(struct curves *c, struct canvas *canvas, struct rect area)
{
    const struct chart *chart = &c->charts[c->focus];
    struct plot_line lines[RASTER_LINES];
    int n = curves_lines(c, chart, lines);
    int rows = n + 1 < area.height / 3 ? n + 1 : area.height / 3;
    struct rect values = area.height >= 14 ? rect_cut_bottom(&area, rows) : (struct rect){0};
    curves_draw_chart(c, chart, canvas, area, true, values.height == 0);
    if (values.height > 1)
        draw_values(c, chart, canvas, values);
}

static void draw_grid(struct curves *c, struct canvas *canvas, struct rect area)
{
    c->grid_columns = area.width >= 150 ? 3 : area.width >= 70 ? 2 : 1;
    c->grid_rows = area.height >= 36 ? area.height / 13 : area.height / 8;
    c->grid_rows = c->grid_rows < 1 ? 1 : c->grid_rows > 4 ? 4 : c->grid_rows;
    // Fewer charts than places: the charts grow.
    while (c->grid_rows > 1 && (c->grid_rows - 1) * c->grid_columns >= c->n_charts)
        c->grid_rows--;
    while (c->grid_columns > 1 && c->grid_rows * (c->grid_columns - 1) >= c->n_charts)
        c->grid_columns--;
    int places = c->grid_rows * c->grid_columns;
    int first_before = c->first_shown, n_before = c->n_shown;
    c->first_shown = c->focus / places * places;
    c->n_shown = c->n_charts - c->first_shown < places ? c->n_charts - c->first_shown : places;
    c->needs_poll = c->needs_poll || first_before != c->first_shown || n_before != c->n_shown;
    for (int i = 0; i < c->n_shown; i++) {
        int row = i / c->grid_columns, column = i % c->grid_columns;
        int y0 = area.height * row / c->grid_rows, y1 = area.height * (row + 1) / c->grid_rows;
        int x0 = area.width * column / c->grid_columns, x1 = area.width * (column + 1) / c->grid_columns;
        struct rect r = {area.x + x0, area.y + y0, x1 - x0, y1 - y0};
        curves_draw_chart(c, &c->charts[c->first_shown + i], canvas, r, c->first_shown + i == c->focus, false);
    }
}

void curves_draw(struct curves *c, struct canvas *canvas, struct rect area)
{
    if (c->n_charts == 0 || area.height < 3)
        return;
    struct rect head = area.height >= 8 ? rect_cut_top(&area, 1) : (struct rect){0};
    struct str last = {0};
    bool is_bad = last_change(c, &last);
    int lines = canvas_paragraph(canvas, (struct rect){0, 0, area.width - 2, 0}, 0, STYLE(COLOR_DEFAULT), str_text(&last), last.len);
    lines = !is_bad ? 1 : lines > 3 ? 3 : lines;
    struct rect foot = area.height >= 12 && last.len > 0 ? rect_cut_bottom(&area, lines) : (struct rect){0};
    if (c->full)
        draw_full(c, canvas, area);
    else
        draw_grid(c, canvas, area);
    if (head.height)
        draw_settings(c, canvas, head);
    if (foot.height)
        canvas_paragraph(canvas, rect_inset(foot, 1, 0), 0, STYLE(is_bad ? COLOR_BAD : COLOR_MUTED), str_text(&last), last.len);
    str_fini(&last);
}
