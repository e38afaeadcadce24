#include "config.h"

#include "ui/plot/plot.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/plot/trace.h"

// Characters with their plain counterparts.
enum sign {
    SIGN_TICK,
    SIGN_AXIS,
    SIGN_CORNER,
    SIGN_BASE,
    SIGN_FOOT,
    SIGN_CHECKPOINT,
    SIGN_CONTROL,
    SIGN_CURSOR,
    SIGN_BAD,
    SIGN_FORK,
    SIGN_GUIDE,
    SIGN_N
};

static uint32_t sign(const struct canvas *c, enum sign s)
{
    static const uint32_t utf8[SIGN_N] = {0x2524, 0x2502, 0x2514, 0x2500, 0x2534, 0x25c6,
                                          0x250a, 0x254e, 0xd7,   0x2442, 0xb7};
    static const char plain[SIGN_N] = {'+', '|', '+', '-', '+', '^', ':', '|', 'x', 'Y', '.'};
    return c->utf8 ? utf8[s] : (uint32_t)plain[s];
}

void plot_visible(const struct plot *p, const struct plot_line *line, uint32_t *first, uint32_t *end)
{
    *first = series_find(line->series, x_map_step(line->map, p->x0));
    *end = series_find(line->series, nextafter(x_map_step(line->map, p->x1), INFINITY));
    if (*end < *first)
        *end = *first;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// The range without the outermost values on each side, from up to 1024 points of each line at even
// distances: which points those are does not depend on anything but the range.
static struct span clipped_span(const struct plot *p)
{
    enum { PER_LINE = 1024 };
    float *values = mem_alloc((size_t)p->n_lines * PER_LINE, sizeof *values);
    size_t n = 0;
    for (int k = 0; k < p->n_lines; k++) {
        uint32_t first, end;
        plot_visible(p, &p->lines[k], &first, &end);
        uint32_t stride = (end - first) / PER_LINE + 1;
        for (uint32_t i = first; i < end; i += stride) {
            float value = series_value(p->lines[k].series, i);
            if (isfinite(value))
                values[n++] = value;
        }
    }
    struct span span = SPAN_EMPTY;
    if (n > 0) {
        qsort(values, n, sizeof *values, by_value);
        const size_t low = (size_t)((double)n * p->clip.low / 100), high = (size_t)((double)n * p->clip.high / 100);
        span = (struct span){values[low], values[n - 1 - high]};
    }
    free(values);
    return span;
}

// The range of the smoothed curve alone: one column from edge to edge.
static struct span smoothed_span(const struct plot *p, const struct plot_line *line)
{
    double edges[2] = {x_map_step(line->map, p->x0), nextafter(x_map_step(line->map, p->x1), INFINITY)};
    struct series_column column;
    series_columns(line->series, true, edges, 1, &column);
    return column.span;
}

static struct span drawn_span(const struct plot *p, const struct plot_line *line)
{
    const struct series *const parts[] = {line->series, line->low, line->high};
    const bool smooth_only = p->lines_only && p->weight > 0 && series_is_smooth(line->series);
    struct span span = smooth_only ? smoothed_span(p, line) : SPAN_EMPTY;
    for (int i = smooth_only; i < 3; i++) {
        if (!parts[i] || parts[i]->n == 0)
            continue;
        uint32_t first, end;
        plot_visible(p, &(struct plot_line){.series = parts[i], .map = line->map}, &first, &end);
        span = span_join(span, series_span(parts[i], first, end));
    }
    return span;
}

struct span plot_span(const struct plot *p)
{
    struct span span = SPAN_EMPTY;
    if (p->clip.low > 0 || p->clip.high > 0)
        return clipped_span(p);
    for (int k = 0; k < p->n_lines; k++)
        span = span_join(span, drawn_span(p, &p->lines[k]));
    return span;
}

void plot_range(const struct plot *p, struct plot_result *out)
{
    const struct span span = p->range ? *p->range : plot_span(p);
    for (int k = 0; k < p->n_lines; k++) {
        const struct series *s = p->lines[k].series;
        uint32_t first, end;
        plot_visible(p, &p->lines[k], &first, &end);
        out->n_points += end - first;
        for (uint32_t i = 0; i < s->n_bad; i++)
            out->n_bad += s->bad[i] >= first && s->bad[i] < end;
        out->smoothing = out->smoothing || (p->weight > 0 && !series_is_smooth(s));
    }
    if (fmax(fabs(span.min), fabs(span.max)) <= p->noise) {
        axis_fit(&out->y, SCALE_LINEAR, 0, 1);
        out->y.low = fmin(out->y.low, span.min);
    } else {
        axis_fit(&out->y, p->scale, span.min, span.max);
    }
    for (int k = 0; k < p->n_lines && !p->lines_only; k++) {
        uint32_t first, end;
        plot_visible(p, &p->lines[k], &first, &end);
        out->n_outside += series_outside(p->lines[k].series, first, end, (float)out->y.low, (float)out->y.high);
    }
}

bool plot_is_x_log(const struct plot *p)
{
    return p->x_log && p->x1 > 1.01 * fmax(p->x0, TRACE_LOG_FLOOR);
}

// ---- curves ----

static bool is_on(enum dash dash, int x, int dot_x)
{
    // Lengths in cells, so that they look alike in all glyph modes.
    int i = x / dot_x;
    switch (dash) {
    case DASH_LONG:
        return i % 4 != 3;
    case DASH_DOTS:
        return i % 2 == 0;
    case DASH_MIXED:
        return i % 6 != 3 && i % 6 != 5;
    default:
        return true;
    }
}

struct scratch {
    struct trace_span *spans, *more;
    struct series_column *columns;
    double *edges;
};

static void draw_curve(const struct plot_line *line, bool smoothed, bool faint, int owner, const struct trace_view *v,
                       struct raster *r, struct scratch *w)
{
    trace_curve(line->series, smoothed, line->map, v, w->spans, w->columns, w->edges);
    for (int x = 0; x < v->width; x++) {
        if (w->spans[x].low > w->spans[x].high || (!faint && !is_on(line->dash, x, r->dot_x)))
            continue;
        int low = (int)lrintf(w->spans[x].low), high = (int)lrintf(w->spans[x].high);
        raster_column(r, x, v->height - 1 - high, v->height - 1 - low, owner, faint);
    }
}

// From the lower edge to the upper one, where both are there.
static void draw_band(const struct plot *p, const struct plot_line *line, int owner, const struct trace_view *v,
                      struct raster *r, struct scratch *w)
{
    const bool smoothed = p->weight > 0 && series_is_smooth(line->low) && series_is_smooth(line->high);
    trace_curve(line->low, smoothed, line->map, v, w->spans, w->columns, w->edges);
    trace_curve(line->high, smoothed, line->map, v, w->more, w->columns, w->edges);
    for (int x = 0; x < v->width; x++) {
        if (w->spans[x].low > w->spans[x].high || w->more[x].low > w->more[x].high)
            continue;
        raster_shade(r, x, v->height - 1 - (int)lrintf(w->more[x].high), v->height - 1 - (int)lrintf(w->spans[x].low),
                     owner);
    }
}

bool plot_shows_raw(const struct plot *p, const struct plot_line *line)
{
    return !p->lines_only && !line->low && !line->dim && (p->n_lines <= 4 || line->raised);
}

static void draw_curves(const struct plot *p, const struct trace_view *v, struct raster *r, struct scratch *w)
{
    // The raised line comes last: it owns the cells it shares.
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < p->n_lines; k++) {
            const struct plot_line *line = &p->lines[k];
            if (line->raised != (pass == 1) || line->series->n == 0)
                continue;
            bool smoothed = p->weight > 0 && series_is_smooth(line->series);
            if (line->low && line->low->n > 0)
                draw_band(p, line, k, v, r, w);
            if (smoothed && plot_shows_raw(p, line))
                draw_curve(line, false, true, k, v, r, w);
            draw_curve(line, smoothed, false, k, v, r, w);
        }
    }
}

// NaN and infinite values: a cross at the foot of the field, in the line's colour.
static void draw_bad(const struct plot *p, struct canvas *c, struct rect field, const struct trace_view *v, int dot_x)
{
    for (int k = 0; k < p->n_lines; k++) {
        const struct plot_line *line = &p->lines[k];
        for (uint32_t i = 0; i < line->series->n_bad; i++) {
            double step = (double)series_step(line->series, line->series->bad[i]);
            double x = trace_x(v, x_map_value(line->map, step));
            if (x > -0.5 && x < v->width - 0.5)
                canvas_put(c, field.x + (int)lrint(x) / dot_x, field.y + field.height - 1, sign(c, SIGN_BAD),
                           STYLE(line->color, .attr = ATTR_BOLD));
        }
    }
}

// The letter stands right of the line's last point, or on it at the edge; letters that would meet move up or down.
static void draw_letters(const struct plot *p, struct canvas *c, struct rect field, const struct trace_view *v,
                         int dot_x, int dot_y)
{
    bool *taken = mem_alloc((size_t)field.width * (size_t)field.height, sizeof *taken);
    for (int k = p->n_lines - 1; k >= 0; k--) {
        const struct plot_line *line = &p->lines[k];
        uint32_t first, end;
        plot_visible(p, line, &first, &end);
        while (end > first && !isfinite(series_value(line->series, end - 1)))
            end--;
        if (first == end || line->letter == 0)
            continue;
        bool smoothed = p->weight > 0 && series_is_smooth(line->series);
        double value = smoothed ? series_smoothed(line->series, end - 1) : series_value(line->series, end - 1);
        double x = trace_x(v, x_map_value(line->map, (double)series_step(line->series, end - 1)));
        int column = (int)lrint(fmin(fmax(x, 0), v->width - 1)) / dot_x + 1;
        column = column >= field.width ? field.width - 1 : column;
        double y = fmin(fmax(trace_y(v, value), 0), v->height - 1);
        int row = (v->height - 1 - (int)lrint(y)) / dot_y;
        for (int away = 0; away < 2 * field.height; away++) {
            int there = row + (away % 2 ? 1 : -1) * ((away + 1) / 2);
            if (there < 0 || there >= field.height || taken[there * field.width + column])
                continue;
            taken[there * field.width + column] = true;
            canvas_put(c, field.x + column, field.y + there, (uint32_t)line->letter,
                       STYLE(line->color, .attr = ATTR_BOLD));
            break;
        }
    }
    free(taken);
}

// ---- around the curves ----

const char *guides_name(enum guides g)
{
    static const char *const names[GUIDES_N] = {"off", "lines", "dots"};
    return names[g];
}

// At one of the axis' numbers; curves, marks and the cursor are drawn over it.
static void draw_guide(enum guides guides, struct canvas *c, struct rect field, int row)
{
    const int every = guides == GUIDES_DOTS ? 4 : 1;
    for (int x = every - 1; x < field.width && guides != GUIDES_OFF; x += every)
        canvas_put(c, field.x + x, row, every == 1 ? sign(c, SIGN_BASE) : sign(c, SIGN_GUIDE), STYLE(COLOR_MUTED));
}

static void draw_y_axis(const struct plot_result *out, struct canvas *c, struct rect field, int columns,
                        const struct trace_view *v, const struct ticks *ticks, int dot_y, enum guides guides)
{
    for (int y = 0; y < field.height; y++)
        canvas_put(c, field.x - 1, field.y + y, sign(c, SIGN_AXIS), STYLE(COLOR_MUTED));
    for (int i = 0; i < ticks->n; i++) {
        double dot = trace_y(v, ticks->at[i].value);
        if (dot < -0.5 || dot > v->height - 0.5)
            continue;
        int row = field.y + (v->height - 1 - (int)lrint(fmin(fmax(dot, 0), v->height - 1))) / dot_y;
        canvas_text_right(c, field.x - 1 - columns, row, columns, STYLE(COLOR_MUTED), ticks->at[i].label);
        canvas_put(c, field.x - 1, row, sign(c, SIGN_TICK), STYLE(COLOR_MUTED));
        draw_guide(guides, c, field, row);
    }
}

static void draw_x_axis(const struct plot *p, struct canvas *c, struct rect field, const struct trace_view *v,
                        int dot_x)
{
    int y = field.y + field.height;
    canvas_put(c, field.x - 1, y, sign(c, SIGN_CORNER), STYLE(COLOR_MUTED));
    for (int x = 0; x < field.width; x++)
        canvas_put(c, field.x + x, y, sign(c, SIGN_BASE), STYLE(COLOR_MUTED));
    struct ticks ticks;
    int max = field.width / 10;
    if (v->x_log)
        axis_ticks_log(p->x0, p->x1, max, x_kind_is_time(p->x_kind), &ticks);
    else if (p->x_kind >= X_EPOCHS)
        axis_ticks(&(struct axis){SCALE_LINEAR, p->x0, p->x1, 1}, max, &ticks);
    else if (x_kind_is_time(p->x_kind))
        axis_ticks_time(p->x0, p->x1, max, &ticks);
    else
        axis_ticks_count(p->x0, p->x1, max, &ticks);
    int free_from = field.x;
    for (int i = 0; i < ticks.n; i++) {
        double dot = trace_x(v, ticks.at[i].value);
        if (dot < -0.5 || dot > v->width - 0.5)
            continue;
        int columns = (int)strlen(ticks.at[i].label);
        int x = field.x + (int)lrint(fmin(fmax(dot, 0), v->width - 1)) / dot_x;
        // The label stands right of its tick, or left of it when there is no room; the corner is a tick of its own.
        int at = x == field.x ? x : x + 1 + columns <= field.x + field.width ? x + 1 : x - columns;
        canvas_put(c, x, y, sign(c, SIGN_FOOT), STYLE(COLOR_MUTED));
        if (at < free_from)
            continue;
        canvas_text(c, at, y, -1, STYLE(COLOR_MUTED), ticks.at[i].label);
        free_from = at + columns + 1;
    }
}

static bool is_label(const struct canvas *c, int x, int y)
{
    const struct cell *there = canvas_cell(c, x, y);
    const uint32_t code = there ? there->code[0] : ' ';
    return code == '.' || code == ':' || (code < 128 && isalnum((int)code));
}

// The column of the axis closest to x that has no digit of a label; the left one of two, where the label's tick is.
static int beside_label(const struct canvas *c, struct rect field, int x)
{
    const int y = field.y + field.height, end = field.x + field.width;
    for (int away = 0; away < field.width; away++) {
        if (x - away >= field.x && !is_label(c, x - away, y))
            return x - away;
        if (x + away < end && !is_label(c, x + away, y))
            return x + away;
    }
    return x;
}

static void draw_marks(const struct plot *p, struct canvas *c, struct rect field, const struct trace_view *v, int dot_x)
{
    for (int i = 0; i < p->n_marks; i++) {
        const struct plot_mark *m = &p->marks[i];
        double dot = trace_x(v, x_map_value(m->map, m->step));
        if (!(dot > -0.5 && dot < v->width - 0.5))
            continue;
        int x = field.x + (int)lrint(dot) / dot_x, foot = field.y + field.height;
        if (m->kind == MARK_CHECKPOINT) {
            if (!is_label(c, x, foot))
                canvas_put(c, x, foot, sign(c, SIGN_CHECKPOINT), STYLE(COLOR_MUTED));
            continue;
        }
        struct style style = STYLE(m->kind == MARK_TROUBLE ? COLOR_BAD : m->kind == MARK_FORK ? COLOR_ACCENT : COLOR_WARN);
        for (int y = 0; y < field.height; y++)
            canvas_put(c, x, field.y + y, sign(c, SIGN_CONTROL), style);
        canvas_put(c, beside_label(c, field, x), foot,
                   m->kind == MARK_TROUBLE ? '!'
                   : m->kind == MARK_FORK  ? sign(c, SIGN_FORK)
                                           : '*',
                   style);
    }
}

static void draw_upright(struct canvas *c, struct rect field, const struct trace_view *v, double at, int dot_x,
                         enum sign what)
{
    double dot = isnan(at) ? NAN : trace_x(v, at);
    if (!(dot > -0.5 && dot < v->width - 0.5))
        return;
    int x = field.x + (int)lrint(dot) / dot_x;
    for (int y = 0; y < field.height; y++)
        canvas_put(c, x, field.y + y, sign(c, what), STYLE(COLOR_ACCENT));
}

// The cursor, and the range between it and its other end: along the foot of the field.
static void draw_cursor(const struct plot *p, struct canvas *c, struct rect field, const struct trace_view *v, int dot_x)
{
    draw_upright(c, field, v, p->cursor, dot_x, SIGN_CURSOR);
    if (isnan(p->cursor) || !p->has_range)
        return;
    draw_upright(c, field, v, p->other_end, dot_x, SIGN_CURSOR);
    double from = trace_x(v, fmin(p->cursor, p->other_end)), to = trace_x(v, fmax(p->cursor, p->other_end));
    const int first = (int)lrint(fmin(fmax(from, 0), v->width - 1)) / dot_x;
    const int last = (int)lrint(fmin(fmax(to, -1), v->width - 1)) / dot_x;
    canvas_restyle(c, (struct rect){field.x + first, field.y + field.height, last - first + 1, 1},
                   STYLE(COLOR_ACCENT, .attr = ATTR_REVERSE));
}

enum legend { LEGEND_NAMES, LEGEND_NUMBERS, LEGEND_SHORT };

// " c chosen 0.5237", " c 0.5237" or " c 0.523". Returns the columns it takes.
static int draw_entry(const struct plot_line *line, enum legend legend, struct canvas *c, int x, int y, bool measure)
{
    const char *label = legend == LEGEND_NAMES ? line->label : "", *value = line->value ? line->value : "";
    char text[160];
    // A decimal fraction may lose digits at its end, but never what stands behind them (k, M, e-5).
    bool cut = legend == LEGEND_SHORT && strchr(value, '.') && strspn(value, "-.0123456789") == strlen(value);
    snprintf(text, sizeof text, "%s%.100s%s%.*s", line->letter ? " " : "", label, *label && *value ? " " : "",
             cut ? 5 : 20, value);
    int columns = 1 + (line->letter != 0) + (int)utf8_text_columns(text, strlen(text));
    if (measure)
        return columns;
    canvas_put(c, x, y, ' ', STYLE(line->color));
    if (line->letter)
        canvas_put(c, x + 1, y, (uint32_t)line->letter, STYLE(line->color, .attr = ATTR_BOLD));
    canvas_text(c, x + 1 + (line->letter != 0), y, -1, STYLE(line->color), text);
    return columns;
}

// Into the upper edge: the legend right of the title, as much of it as there is room for; at the right end what the
// scale is, and where there is room left the smoothing.
static void draw_head(const struct plot *p, const struct plot_result *out, struct canvas *c, struct rect area)
{
    char note[48] = "", name[32];
    int x = area.x + 4 + (int)utf8_text_columns(p->title, strlen(p->title)), right = area.x + area.width - 2;
    if (out->y.scale != SCALE_LINEAR)
        snprintf(note, sizeof note, " %s ", scale_name(out->y.scale));
    if (note[0] && right - (int)strlen(note) > x) {
        right -= (int)strlen(note);
        canvas_text(c, right, area.y, -1, STYLE(COLOR_MUTED), note);
    }
    enum legend legend = LEGEND_NAMES;
    for (; legend < LEGEND_SHORT; legend++) {
        int all = 0;
        for (int k = 0; k < p->n_lines; k++)
            all += p->lines[k].series->n > 0 ? draw_entry(&p->lines[k], legend, c, 0, 0, true) : 0;
        if (x + all < right)
            break;
    }
    for (int k = 0; k < p->n_lines; k++) {
        if (p->lines[k].series->n == 0 || (!p->lines[k].letter && !p->lines[k].value))
            continue;
        if (x + draw_entry(&p->lines[k], legend, c, 0, 0, true) >= right) {
            canvas_text(c, x, area.y, right - x, STYLE(COLOR_MUTED), "..");
            return;
        }
        x += draw_entry(&p->lines[k], legend, c, x, area.y, false);
    }
    if (x > area.x + 4)
        canvas_put(c, x, area.y, ' ', STYLE(COLOR_MUTED));
    if (p->weight > 0)
        snprintf(note, sizeof note, " %s ",
                 out->smoothing ? "smoothing..." : smooth_name(name, sizeof name, p->smooth_kind, p->weight));
    if (p->weight > 0 && x + 1 + (int)strlen(note) < right)
        canvas_text(c, right - (int)strlen(note), area.y, -1, STYLE(COLOR_MUTED), note);
}

static void draw_foot(const struct plot_result *out, struct canvas *c, struct rect area)
{
    char text[80] = "";
    if (out->n_outside > 0)
        snprintf(text, sizeof text, " %u outside ", out->n_outside);
    if (out->n_bad > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), " %u not finite ", out->n_bad);
    int columns = (int)strlen(text);
    if (columns > 0 && columns + 4 <= area.width)
        canvas_text(c, area.x + area.width - 2 - columns, area.y + area.height - 1, -1,
                    STYLE(out->n_bad ? COLOR_BAD : COLOR_MUTED), text);
}

static void draw_field(const struct plot *p, struct canvas *c, struct rect inside, struct plot_result *out)
{
    struct ticks ticks;
    int rows = inside.height - 1;
    axis_ticks(&out->y, rows > 12 ? 7 : (rows + 1) / 2, &ticks);
    int columns = ticks.columns < 5 ? 5 : ticks.columns;
    int width = inside.width - columns - 1;
    if (width < 4)
        return;
    out->field = (struct rect){inside.x + columns + 1, inside.y, width, rows};
    struct raster r;
    raster_init(&r, width, rows, c->glyphs);
    struct trace_view v = {r.width, r.height, p->x0,
                           p->x1,   &out->y,  plot_is_x_log(p)};
    struct scratch w = {mem_alloc((size_t)r.width, sizeof *w.spans), mem_alloc((size_t)r.width, sizeof *w.more),
                        mem_alloc((size_t)r.width, sizeof *w.columns), mem_alloc((size_t)r.width + 1, sizeof *w.edges)};
    draw_curves(p, &v, &r, &w);
    struct raster_line lines[RASTER_LINES];
    for (int k = 0; k < p->n_lines; k++)
        lines[k] = (struct raster_line){p->lines[k].letter ? p->lines[k].letter : '*',
                                        STYLE(p->lines[k].dim ? COLOR_MUTED : p->lines[k].color,
                                              .attr = p->lines[k].raised ? ATTR_BOLD : 0),
                                        STYLE(p->lines[k].low && !p->lines[k].dim ? p->lines[k].color : COLOR_MUTED)};
    draw_x_axis(p, c, out->field, &v, r.dot_x);
    draw_y_axis(out, c, out->field, columns, &v, &ticks, r.dot_y, p->guides);
    draw_marks(p, c, out->field, &v, r.dot_x);
    draw_cursor(p, c, out->field, &v, r.dot_x);
    raster_paint(&r, c, out->field.x, out->field.y, lines);
    draw_bad(p, c, out->field, &v, r.dot_x);
    draw_letters(p, c, out->field, &v, r.dot_x, r.dot_y);
    free(w.spans);
    free(w.more);
    free(w.columns);
    free(w.edges);
    raster_fini(&r);
}

void plot_draw(const struct plot *p, struct canvas *c, struct rect area, struct plot_result *out)
{
    BUG_IF(p->n_lines > RASTER_LINES || !(p->x0 < p->x1));
    *out = (struct plot_result){0};
    struct rect inside = canvas_box(
        c, area, STYLE(p->focused ? COLOR_ACCENT : COLOR_MUTED, .attr = p->focused ? ATTR_BOLD : 0), p->title);
    struct rect old = canvas_clip(c, area);
    plot_range(p, out);
    if (inside.width >= 12 && inside.height >= 3) {
        if (out->n_points > 0)
            draw_field(p, c, inside, out);
        else
            canvas_text(c, inside.x + 1, inside.y + inside.height / 2, inside.width - 2, STYLE(COLOR_MUTED), p->empty);
        draw_head(p, out, c, area);
        draw_foot(out, c, area);
    }
    canvas_unclip(c, old);
}
