// How curves are laid out: a line that says what is shown, the grid of charts (or one), and a line or table of values.
#include "config.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/str.h"
#include "ui/curves/curves.h"
#include "ui/curves/curves_summary.h"
#include "ui/plot/plot_pictures.h"

static int marks_of(const struct curves *c, struct plot_mark *marks, int max)
{
    int run = curves_raised(c), n = 0;
    if (c->x_kind == X_METRIC)
        return 0; // what happened at a step has no place on it
    const struct run_data *d = c->n_runs > 0 && curves_has_map(c, run, c->x_kind) ? c->data[run] : NULL;
    const int each = (max - CURVES_RUNS) / 2;
    // The newest ones when there are more than can be told apart.
    for (int i = d && d->n_checkpoints > each ? d->n_checkpoints - each : 0; d && i < d->n_checkpoints; i++)
        marks[n++] = (struct plot_mark){d->checkpoints[i], curves_map(c, run), MARK_CHECKPOINT};
    for (int i = d && d->n_changes > each ? d->n_changes - each : 0; d && i < d->n_changes; i++)
        marks[n++] = (struct plot_mark){(double)d->changes[i].step, curves_map(c, run),
                                        d->changes[i].is_trouble ? MARK_TROUBLE : MARK_CONTROL};
    // Over the checkpoint that they begin at.
    for (int i = 0; i < c->n_runs; i++)
        if (c->rows[i]->info.parent && curves_has_map(c, i, c->x_kind))
            marks[n++] = (struct plot_mark){(double)c->rows[i]->info.parent_step, curves_map(c, i), MARK_FORK};
    return n;
}

static void empty_text(const struct curves *c, const struct plot_line *lines, int n_lines, char *out, size_t size)
{
    bool points = false, live = false, unread = false;
    for (int i = 0; i < n_lines; i++)
        points = points || lines[i].series->n > 0;
    for (int i = 0; i < c->n_runs; i++)
        unread = unread || c->rows[i]->looked_s < 0 || (c->rows[i]->has_db && !c->is_read);
    for (int i = 0; i < c->n_runs; i++)
        live = live || c->rows[i]->status.state == RUN_QUEUED || run_state_is_live(c->rows[i]->status.state);
    text_copy(out, size,
              points ? "no points in this window: 0 shows all"
              : unread ? "reading ..."
              : live ? "waiting for the first point"
                     : "nothing was recorded");
}

static void fill_title(const struct curves *c, const struct chart *chart, int width, char *title)
{
    const char *minus = c->mode == MODE_DELTA && c->n_runs > 1 ? " minus " : "";
    char pinned[3] = {minus[0] ? c->rows[curves_pinned(c)]->letter : 0};
    if (c->n_runs < 2 || strcmp(chart->overlay, chart->title) == 0 || text_starts(chart->overlay, "measured/"))
        snprintf(title, CURVES_TITLE, "%s%s%s", chart->title, minus, pinned);
    else if (width >= 50)
        snprintf(title, CURVES_TITLE, "%s: %s%s%s", chart->title, chart->overlay, minus, pinned);
    else // the values of the runs need the room
        snprintf(title, CURVES_TITLE, "%s%s%s", chart->overlay, minus, pinned);
}

// Everything about a plot but its lines and texts.
static struct plot plot_of(const struct curves *c, const struct chart *chart, bool focused)
{
    struct plot p = {.x_kind = c->x_kind,
                     .x_log = c->x_log && c->x_kind < X_EPOCHS,
                     .guides = c->guides,
                     .scale = chart->scale,
                     .noise = chart_noise(chart),
                     .clip = chart->clip,
                     .smooth_kind = c->smooth_kind,
                     .weight = chart->exact ? 0 : c->weight,
                     .cursor = NAN,
                     .focused = focused,
                     .lines_only = c->lines_only};
    if (c->zoom.title[0] && strcmp(c->zoom.title, chart->title) == 0)
        p.range = &c->zoom.values;
    curves_window(c, &p.x0, &p.x1);
    if (c->has_cursor && c->n_runs > 0) {
        p.cursor = x_map_value(curves_map(c, curves_raised(c)), c->cursor);
        p.has_range = c->has_range;
        p.other_end = x_map_value(curves_map(c, curves_raised(c)), c->other_end);
    }
    return p;
}

// The texts and marks of a plot whose n lines are in *out already.
static void fill_plot(const struct curves *c, const struct chart *chart, int n, bool focused, struct curves_plot *out)
{
    for (int k = 0; k < n; k++) {
        uint32_t i;
        if (curves_point(c, &out->lines[k], &i))
            out->lines[k].value =
                axis_number(out->values[k], sizeof out->values[k], curves_shown_value(c, chart, &out->lines[k], i));
    }
    empty_text(c, out->lines, n, out->empty, sizeof out->empty);
    out->plot = plot_of(c, chart, focused);
    out->plot.title = out->title;
    out->plot.empty = out->empty;
    out->plot.lines = out->lines;
    out->plot.n_lines = n;
    out->plot.marks = out->marks;
    out->plot.n_marks = marks_of(c, out->marks, CURVES_MARKS);
}

static void draw_plot(struct curves *c, const struct plot *p, int chart, struct canvas *canvas, struct rect area)
{
    struct plot_result result;
    plot_draw(p, canvas, area, &result);
    if (c->pictures && plot_pictures_add(c->pictures, p, &result))
        canvas_fill(canvas, result.field, ' ', STYLE(COLOR_DEFAULT));
    if (p->focused)
        c->field_columns = result.field.width;
    if (result.field.width > 0 && c->n_fields < GRID_MOST * GRID_MOST)
        c->fields[c->n_fields++] = (struct chart_field){chart, result.field, result.y};
}

static void make_plot(const struct curves *c, const struct chart *chart, int width, bool focused, bool names,
                      struct curves_plot *out)
{
    const int n = curves_lines(c, chart, out->lines);
    // In a grid the names of several runs stand above all charts.
    for (int k = 0; k < n && c->n_runs > 1 && !names && c->mode != MODE_GROUPS; k++)
        out->lines[k].label = "";
    fill_title(c, chart, width, out->title);
    fill_plot(c, chart, n, focused, out);
}

void curves_plot(const struct curves *c, const struct chart *chart, bool names, struct curves_plot *out)
{
    make_plot(c, chart, INT_MAX, false, names, out);
}

void curves_draw_chart(struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area,
                       bool focused, bool names)
{
    struct curves_plot made;
    make_plot(c, chart, area.width, focused, names, &made);
    draw_plot(c, &made.plot, (int)(chart - c->charts), canvas, area);
}

// Which runs share a panel of small multiples: those of a group, else each has its own.
static void panels_of(const struct curves *c, int *group, int *size)
{
    if (c->mode == MODE_GROUPS) {
        curves_groups(c, group, size);
        return;
    }
    for (int i = 0; i < c->n_runs; i++) {
        group[i] = i;
        size[i] = 1;
    }
}

int curves_alone(const struct curves *c, const struct chart *chart, int *runs, struct span *range)
{
    struct plot_line lines[RASTER_LINES];
    struct plot p = plot_of(c, chart, false);
    int group[CURVES_RUNS], size[CURVES_RUNS], n = 0, n_lines = 0;
    bool is_there[CURVES_RUNS] = {false};
    panels_of(c, group, size);
    for (int i = 0; i < c->n_runs; i++) {
        if (!curves_line_of(c, chart, i, &lines[n_lines]))
            continue;
        n_lines++;
        if (!is_there[group[i]])
            runs[n++] = group[i];
        is_there[group[i]] = true;
    }
    p.lines = lines;
    p.n_lines = n_lines;
    *range = plot_span(&p);
    return n;
}

// "beta 0.1, 2 runs"; of runs that are alike but for the seed the name of the first.
static void name_group(const struct curves *c, int run, int size, char *out)
{
    char value[120];
    const char *text = run_setting_text(c->rows[run], c->group_by, value, sizeof value);
    if (strcmp(c->group_by, GROUP_SEEDS) == 0)
        snprintf(out, CURVES_TITLE, "%s, %d %s", c->rows[run]->info.name, size, text_plural(size, "run", "runs"));
    else
        snprintf(out, CURVES_TITLE, "%s %s, %d %s", c->group_by, text[0] ? text : "-", size,
                 text_plural(size, "run", "runs"));
}

void curves_plot_alone(const struct curves *c, const struct chart *chart, int run, const struct span *range,
                       struct curves_plot *out)
{
    int group[CURVES_RUNS] = {0}, size[CURVES_RUNS] = {0}, n = 0;
    panels_of(c, group, size);
    for (int i = 0; i < c->n_runs; i++)
        if (group[i] == run && curves_line_of(c, chart, i, &out->lines[n]))
            n++;
    if (size[run] == 1) // the title says whose it is
        out->lines[0].label = "";
    if (c->mode == MODE_GROUPS)
        name_group(c, run, size[run], out->title);
    else
        text_copy(out->title, sizeof out->title, c->rows[run]->info.name);
    fill_plot(c, chart, n, false, out);
    if (!out->plot.range) // else a zoom's
        out->plot.range = range;
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

// The runs by letter and name, those of a group as their first one with how many there are.
static void draw_runs(const struct curves *c, struct canvas *canvas, struct rect line, int right)
{
    enum { MORE = 4 }; // "+12 "
    int x = line.x + 1, raised = curves_raised(c), needed = 0, group[CURVES_RUNS], size[CURVES_RUNS];
    const bool in_groups = c->mode == MODE_GROUPS;
    curves_groups(c, group, size);
    for (int i = 0; i < c->n_runs; i++)
        needed += in_groups && group[i] != i ? 0 : (int)strlen(c->rows[i]->info.name) + (in_groups ? 10 : 4);
    const size_t skipped = c->n_runs > 1 && x + needed > right ? common_prefix(c) : 0;
    for (int i = 0; i < c->n_runs && c->n_runs > 1; i++) {
        const struct run_row *r = c->rows[i];
        char name[160];
        if (in_groups && group[i] != i)
            continue;
        if (in_groups)
            snprintf(name, sizeof name, "%s (n %d)", r->info.name + skipped, size[i]);
        else
            text_copy(name, sizeof name, r->info.name + skipped);
        struct style style = STYLE(COLOR_SERIES + curves_color(c, i) % N_SERIES_COLORS,
                                   .attr = (in_groups ? group[raised] : raised) == i ? ATTR_BOLD | ATTR_UNDERLINE : 0);
        const int columns = (int)strlen(name) + 2, more = i + 1 < c->n_runs ? MORE : 0;
        if (x + columns + more > right) {
            if (x < right)
                canvas_textf(canvas, x, line.y, right - x, STYLE(COLOR_MUTED), "+%d", c->n_runs - i);
            return;
        }
        canvas_put(canvas, x, line.y, (uint32_t)r->letter,
                   STYLE(COLOR_SERIES + curves_color(c, i) % N_SERIES_COLORS, .attr = ATTR_BOLD));
        x = canvas_text(canvas, x + 2, line.y, -1, style, name) + 2;
    }
}

static void draw_settings(const struct curves *c, struct canvas *canvas, struct rect line)
{
    struct str s = {0};
    if (c->n_shown > 0 && c->n_shown < c->n_charts && !c->full && !c->multiples)
        str_addf(&s, "charts %d-%d of %d  ", c->first_shown + 1, c->first_shown + c->n_shown, c->n_charts);
    if (c->layout && c->layout->keys)
        str_addf(&s, "%s  ", c->layout->title);
    if (c->filter[0])
        str_addf(&s, "\\%s: %d of %d  ", c->filter, c->n_charts, c->n_all);
    if (c->mode == MODE_GROUPS && c->n_runs > 1)
        str_addf(&s, "by %s, %s  ", c->group_by, band_name(c->band));
    // What is as always gives way to the names of the runs.
    const bool tight = line.width < 100 && c->n_runs > 1;
    if (!tight || c->x_log || c->x_kind != X_STEP)
        str_addf(&s, "x %s%s  ", c->x_log && c->x_kind < X_EPOCHS ? "log " : "", curves_x_name(c));
    char smoothing[32];
    if (c->weight > 0)
        str_add(&s, smooth_name(smoothing, sizeof smoothing, c->smooth_kind, c->weight));
    else
        str_add(&s, "raw");
    if (c->focus < c->n_charts) {
        if (c->charts[c->focus].scale != SCALE_LINEAR)
            str_addf(&s, "  y %s", scale_name(c->charts[c->focus].scale));
        const struct clip clip = c->charts[c->focus].clip;
        if (clip.low != clip.high)
            str_addf(&s, "  clip %g%% below %g%% above", clip.low, clip.high);
        else if (clip.low > 0)
            str_addf(&s, "  clip %g%%", clip.low);
    }
    str_add(&s, c->fit && tight ? "" : c->fit ? "  whole run" : c->follow ? "  follow" : "  zoomed (0: all)");
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
        curves_describe_cursor(c, s);
        if (d->time.n >= 2 && c->x_kind != X_METRIC) {
            char time[32];
            str_addf(s, "  after %s", human_seconds(time, sizeof time, x_map_value(&d->time, c->cursor)));
        }
        str_add(s, "  ");
    }
    const struct run_change *last = NULL;
    for (int i = 0; i < d->n_changes; i++)
        if (curves_cursor_step(c) < 0 || (double)d->changes[i].step <= c->cursor)
            last = &d->changes[i];
    if (d->trouble[0])
        str_add(s, d->trouble);
    else if (last)
        str_addf(s, "%c step %lld: %s", last->is_trouble ? '!' : '*', (long long)last->step, last->text);
    else if (c->rows[curves_raised(c)]->info.parent_name)
        str_addf(s, "fork of %s at step %lld", c->rows[curves_raised(c)]->info.parent_name,
                 (long long)c->rows[curves_raised(c)]->info.parent_step);
    return d->trouble[0] || (last && last->is_trouble);
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
        curves_draw_values(c, chart, canvas, values);
}

// But one, where there is room for none.
static int at_most(int wanted, int room)
{
    return wanted <= room ? wanted : room < 1 ? 1 : room;
}

// As many rows and columns as were asked for or there is room for, and no more than n charts need.
static void divide(struct curves *c, struct rect area, int n)
{
    c->grid_columns = area.width >= 150 ? 3 : area.width >= 70 ? 2 : 1;
    c->grid_rows = area.height >= 36 ? area.height / 13 : area.height / 8;
    c->grid_rows = c->grid_rows < 1 ? 1 : c->grid_rows > 4 ? 4 : c->grid_rows;
    if (c->rows_wanted) {
        c->grid_rows = at_most(c->rows_wanted, area.height / CHART_ROWS_LEAST);
        c->grid_columns = at_most(c->columns_wanted, area.width / CHART_COLUMNS_LEAST);
    }
    // Fewer charts than places: the charts grow.
    while (c->grid_rows > 1 && (c->grid_rows - 1) * c->grid_columns >= n)
        c->grid_rows--;
    while (c->grid_columns > 1 && c->grid_rows * (c->grid_columns - 1) >= n)
        c->grid_columns--;
}

static struct rect place_of(const struct curves *c, struct rect area, int i)
{
    int row = i / c->grid_columns, column = i % c->grid_columns;
    int y0 = area.height * row / c->grid_rows, y1 = area.height * (row + 1) / c->grid_rows;
    int x0 = area.width * column / c->grid_columns, x1 = area.width * (column + 1) / c->grid_columns;
    return (struct rect){area.x + x0, area.y + y0, x1 - x0, y1 - y0};
}

static void draw_grid(struct curves *c, struct canvas *canvas, struct rect area)
{
    divide(c, area, c->n_charts);
    int places = c->grid_rows * c->grid_columns;
    int first_before = c->first_shown, n_before = c->n_shown;
    c->first_shown = c->focus / places * places;
    c->n_shown = c->n_charts - c->first_shown < places ? c->n_charts - c->first_shown : places;
    c->needs_poll = c->needs_poll || first_before != c->first_shown || n_before != c->n_shown;
    for (int i = 0; i < c->n_shown; i++)
        curves_draw_chart(c, &c->charts[c->first_shown + i], canvas, place_of(c, area, i), c->first_shown + i == c->focus,
                          false);
}

// The focused chart once for each run that has it, on the page of the grid that has the raised one.
static void draw_multiples(struct curves *c, struct canvas *canvas, struct rect area)
{
    const struct chart *chart = &c->charts[c->focus];
    struct rect head = rect_cut_top(&area, 1);
    struct span range;
    int runs[CURVES_RUNS], group[CURVES_RUNS], size[CURVES_RUNS], raised = 0;
    const int n = curves_alone(c, chart, runs, &range);
    panels_of(c, group, size);
    const int wanted = group[curves_raised(c)];
    for (int i = 0; i < n; i++)
        raised = runs[i] == wanted ? i : raised;
    divide(c, area, n);
    const int places = c->grid_rows * c->grid_columns, first = raised / places * places;
    canvas_textf(canvas, head.x + 1, head.y, head.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD),
                 "%s, each %s alone, one scale%s",
                 chart->overlay, c->mode == MODE_GROUPS ? "group" : "run", n > places ? " (t: the next ones)" : "");
    for (int i = 0; i < places && first + i < n; i++) {
        struct curves_plot made;
        curves_plot_alone(c, chart, runs[first + i], &range, &made);
        made.plot.focused = runs[first + i] == wanted;
        draw_plot(c, &made.plot, c->focus, canvas, place_of(c, area, i));
    }
}

// Layout or filter let nothing through.
static void draw_none(const struct curves *c, struct canvas *canvas, struct rect area)
{
    struct str s = {0};
    if (c->filter[0])
        str_addf(&s, "No chart passes the filter \"%s\": \\ changes it.", c->filter);
    else
        str_addf(&s, "None of the metrics of the layout %s were recorded: L shows the next layout.",
                 c->layout ? c->layout->title : "");
    canvas_paragraph(canvas, rect_inset(area, 2, 1), 0, STYLE(COLOR_MUTED), str_text(&s), s.len);
    str_fini(&s);
}

// What a layout lacks that a person can add.
static void add_hint(const struct curves *c, struct str *s)
{
    bool measured = false;
    for (int i = 0; i < c->n_charts; i++)
        measured = measured || chart_has(&c->charts[i], "measured/pm_divergence");
    if (c->layout && c->layout->hint && !measured)
        str_addf(s, "%s%s", s->len ? "  " : "", c->layout->hint);
}

// The tables that stand beside the charts, where there is room for them.
static void draw_tables(struct curves *c, struct canvas *canvas, struct rect *area)
{
    if (c->diff && c->n_runs > 1) {
        const int lines = curves_diff_lines(c);
        struct rect r = area->width >= 140 ? rect_cut_right(area, area->width / 3)
                                           : rect_cut_bottom(area, lines < area->height / 2 ? lines : area->height / 2);
        curves_draw_diff(c, canvas, r);
    }
    if (c->has_cursor && !c->full && area->width >= 120 && area->height >= 28) {
        const int lines = curves_linked_lines(c);
        curves_draw_linked(c, canvas, rect_cut_bottom(area, lines < area->height / 3 ? lines : area->height / 3));
    }
}

// The rectangle that the mouse is dragging.
static void draw_drag(const struct curves *c, struct canvas *canvas)
{
    const struct chart_drag *d = &c->drag;
    if (d->is_on && curves_drag_is_wide(d))
        canvas_restyle(canvas, curves_drag_cells(d), STYLE(COLOR_ACCENT, .attr = ATTR_REVERSE));
}

void curves_draw(struct curves *c, struct canvas *canvas, struct rect area)
{
    c->n_fields = 0;
    c->area = area;
    if ((c->n_charts == 0 && c->n_all == 0) || area.height < 3)
        return;
    struct rect head = area.height >= 8 ? rect_cut_top(&area, 1) : (struct rect){0};
    struct str last = {0};
    bool is_bad = last_change(c, &last);
    if (c->has_range) {
        str_clear(&last);
        curves_describe_range(c, &last);
        is_bad = false;
    }
    add_hint(c, &last);
    int lines = canvas_paragraph(canvas, (struct rect){0, 0, area.width - 2, 0}, 0, STYLE(COLOR_DEFAULT), str_text(&last),
                                 last.len);
    lines = !is_bad && !c->has_range ? 1 : lines > 3 ? 3 : lines;
    struct rect foot = area.height >= 12 && last.len > 0 ? rect_cut_bottom(&area, lines) : (struct rect){0};
    draw_tables(c, canvas, &area);
    if (c->summary != SUMMARY_NONE)
        curves_draw_summary(c, canvas, area);
    else if (c->n_charts == 0)
        draw_none(c, canvas, area);
    else if (c->multiples && c->n_runs > 1)
        draw_multiples(c, canvas, area);
    else if (c->full)
        draw_full(c, canvas, area);
    else
        draw_grid(c, canvas, area);
    draw_drag(c, canvas);
    if (head.height)
        draw_settings(c, canvas, head);
    if (foot.height)
        canvas_paragraph(canvas, rect_inset(foot, 1, 0), 0, STYLE(is_bad ? COLOR_BAD : COLOR_MUTED), str_text(&last),
                         last.len);
    str_fini(&last);
}
