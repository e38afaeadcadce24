#include "config.h"

#include "ui/plot/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/plot/trace.h"

enum { MARGIN = 14, GAP = 18, LINE = 17, LETTER = 14, SWATCH = 18 }; // pixels

static const struct pen grid_pen = {COLOR_MUTED, DASH_SOLID, true, 1}, axis_pen = {COLOR_MUTED, DASH_SOLID, false, 1};

static double text_width(const char *text)
{
    return FONT_ADVANCE * (double)utf8_text_columns(text, strlen(text));
}

static void put_text(struct painter *p, double x, double y, enum text_side side, uint8_t color, bool bold, const char *text)
{
    p->ops->text(p, (struct point){x, y}, side, color, bold, text);
}

void picture_text(struct painter *p, double x, double y, double width, uint8_t color, bool bold, const char *text)
{
    const int columns = (int)(width / FONT_ADVANCE);
    if ((int)utf8_text_columns(text, strlen(text)) <= columns) {
        put_text(p, x, y, TEXT_LEFT, color, bold, text);
        return;
    }
    size_t n = 0, total = strlen(text);
    for (int used = 0; n < total;) {
        uint32_t code;
        const size_t bytes = utf8_decode(text + n, total - n, &code);
        used += code == UTF8_BAD ? 1 : utf8_columns(code);
        if (used > columns - 2)
            break;
        n += bytes;
    }
    struct str cut = {0};
    str_addf(&cut, "%.*s..", (int)n, text);
    if (columns > 2)
        put_text(p, x, y, TEXT_LEFT, color, bold, str_text(&cut));
    str_fini(&cut);
}

static void put_line(struct painter *p, double x0, double y0, double x1, double y1, struct pen pen)
{
    const struct point ends[] = {{x0, y0}, {x1, y1}};
    p->ops->line(p, ends, 2, pen);
}

// ---- curves ----

struct stroke {
    struct point *points;
    int n, cap;
};

static void add_point(struct stroke *s, double x, double y)
{
    MEM_GROW(s->points, s->n, s->cap);
    s->points[s->n++] = isfinite(y) ? (struct point){x, y} : (struct point){NAN, 0};
}

// From (dots, dots above the foot) to pixels. What lies far outside stays outside, but no further than painters can count.
static void add_place(struct stroke *s, const struct trace_view *v, const struct box *field, double x, double value)
{
    add_point(s, field->x + x, isfinite(value) ? field->y + field->height - fmin(fmax(trace_y(v, value), -1e4), 2e4) : NAN);
}

static double point_x(const struct plot_line *line, const struct trace_view *v, uint32_t i)
{
    return fmin(fmax(trace_x(v, x_map_value(line->map, (double)series_step(line->series, i))), -1e4), 2e4);
}

static double curve_value(const struct plot_line *line, bool smoothed, uint32_t i)
{
    return smoothed ? series_smoothed(line->series, i) : series_value(line->series, i);
}

// The curve through every point; of a pixel's column with more than two, its first, lowest, highest and last, which looks
// the same.
static void follow_curve(const struct plot_line *line, bool smoothed, const struct trace_view *v, const struct box *field,
                         struct stroke *out)
{
    struct series_column *columns = mem_alloc((size_t)v->width, sizeof *columns);
    double *edges = mem_alloc((size_t)v->width + 1, sizeof *edges);
    trace_edges(v, line->map, edges);
    series_columns(line->series, smoothed, edges, v->width, columns);
    out->n = 0;
    if (columns[0].first > 0) // from what is left of the window
        add_place(out, v, field, point_x(line, v, columns[0].first - 1), curve_value(line, smoothed, columns[0].first - 1));
    for (int i = 0; i < v->width; i++) {
        const struct series_column *c = &columns[i];
        if (c->first == c->end)
            continue;
        add_place(out, v, field, point_x(line, v, c->first), c->first_value);
        if (c->end - c->first > 2 && c->span.min <= c->span.max) {
            add_place(out, v, field, i, c->span.min);
            add_place(out, v, field, i, c->span.max);
        }
        if (c->end - c->first > 1)
            add_place(out, v, field, point_x(line, v, c->end - 1), c->last_value);
    }
    const uint32_t after = columns[v->width - 1].end;
    if (after < line->series->n)
        add_place(out, v, field, point_x(line, v, after), curve_value(line, smoothed, after));
    free(columns);
    free(edges);
}

// A point without neighbours makes no line: it is a dot.
static void draw_lone(struct painter *p, const struct stroke *s, const struct pen *pen)
{
    for (int i = 0; i < s->n; i++) {
        const bool before = i > 0 && !isnan(s->points[i - 1].x), after = i + 1 < s->n && !isnan(s->points[i + 1].x);
        if (!isnan(s->points[i].x) && !before && !after)
            p->ops->dot(p, s->points[i], pen->width + 0.6, pen->color, pen->faint);
    }
}

static void draw_curve(struct painter *p, const struct plot_line *line, bool smoothed, bool faint,
                       const struct trace_view *v, const struct box *field, struct stroke *s)
{
    const struct pen pen = {line->dim ? COLOR_MUTED : line->color, faint ? DASH_SOLID : line->dash, faint,
                            faint ? 1 : line->raised ? 2.2 : 1.6};
    follow_curve(line, smoothed, v, field, s);
    p->ops->line(p, s->points, s->n, pen);
    draw_lone(p, s, &pen);
}

// From the lower edge to the upper one, wherever both are there: an outline for each stretch without a gap.
static void draw_band(struct painter *p, const struct plot *plot, const struct plot_line *line, const struct trace_view *v,
                      const struct box *field, struct stroke *s)
{
    struct series_column *columns = mem_alloc((size_t)v->width, sizeof *columns);
    struct trace_span *low = mem_alloc((size_t)v->width, sizeof *low), *high = mem_alloc((size_t)v->width, sizeof *high);
    double *edges = mem_alloc((size_t)v->width + 1, sizeof *edges);
    const bool smoothed = plot->weight > 0 && series_is_smooth(line->low) && series_is_smooth(line->high);
    const double foot = field->y + field->height;
    trace_curve(line->low, smoothed, line->map, v, low, columns, edges);
    trace_curve(line->high, smoothed, line->map, v, high, columns, edges);
    for (int x = 0, end; x < v->width; x = end + 1) {
        for (end = x; end < v->width && low[end].low <= low[end].high && high[end].low <= high[end].high; end++)
            ;
        s->n = 0;
        for (int i = x; i < end; i++)
            add_point(s, field->x + i, foot - fmin(fmax(high[i].high, -1e4), 2e4));
        for (int i = end - 1; i >= x; i--)
            add_point(s, field->x + i, foot - fmin(fmax(low[i].low, -1e4), 2e4));
        if (s->n > 2)
            p->ops->area(p, s->points, s->n, line->dim ? COLOR_MUTED : line->color);
    }
    free(columns);
    free(low);
    free(high);
    free(edges);
}

static bool is_smoothed(const struct plot *plot, const struct plot_line *line)
{
    return plot->weight > 0 && series_is_smooth(line->series);
}

static void draw_curves(struct painter *p, const struct plot *plot, const struct trace_view *v, const struct box *field)
{
    struct stroke s = {0};
    for (int pass = 0; pass < 3; pass++) { // bands and raw values, lines, the raised line
        for (int k = 0; k < plot->n_lines; k++) {
            const struct plot_line *line = &plot->lines[k];
            const bool smoothed = is_smoothed(plot, line);
            if (line->series->n == 0)
                continue;
            if (pass == 0 && line->low && line->low->n > 0)
                draw_band(p, plot, line, v, field, &s);
            if (pass == 0 && smoothed && plot_shows_raw(plot, line))
                draw_curve(p, line, false, true, v, field, &s);
            else if (pass > 0 && line->raised == (pass == 2))
                draw_curve(p, line, smoothed, false, v, field, &s);
        }
    }
    free(s.points);
}

// NaN and infinite values: a cross at the foot, in the line's colour.
static void draw_bad(struct painter *p, const struct plot *plot, const struct trace_view *v, const struct box *field)
{
    for (int k = 0; k < plot->n_lines; k++) {
        const struct plot_line *line = &plot->lines[k];
        for (uint32_t i = 0; i < line->series->n_bad; i++) {
            const double x = point_x(line, v, line->series->bad[i]);
            if (x < 0 || x > field->width)
                continue;
            const double left = field->x + x - 3, foot = field->y + field->height - 2;
            put_line(p, left, foot, left + 6, foot - 6, (struct pen){line->color, DASH_SOLID, false, 1.6});
            put_line(p, left, foot - 6, left + 6, foot, (struct pen){line->color, DASH_SOLID, false, 1.6});
        }
    }
}

// Right of each line's last point; letters that would meet move up or down.
static void draw_letters(struct painter *p, const struct plot *plot, const struct trace_view *v, const struct box *field)
{
    struct point taken[RASTER_LINES];
    int n = 0;
    for (int k = plot->n_lines - 1; k >= 0; k--) {
        const struct plot_line *line = &plot->lines[k];
        uint32_t first, end;
        plot_visible(plot, line, &first, &end);
        while (end > first && !isfinite(series_value(line->series, end - 1)))
            end--;
        if (first == end || !line->letter)
            continue;
        const double height = trace_y(v, curve_value(line, is_smoothed(plot, line), end - 1));
        const double x = fmin(field->x + point_x(line, v, end - 1) + 4, p->width - FONT_ADVANCE - 1);
        const double at = field->y + field->height - fmin(fmax(height, 0), field->height) + 4;
        double y = at;
        for (int away = 1; away < 64; away++) {
            bool free_here = true;
            for (int i = 0; i < n; i++)
                free_here = free_here && !(fabs(taken[i].x - x) < 8 && fabs(taken[i].y - y) < 11);
            if (free_here)
                break;
            y = at + (away % 2 ? -1 : 1) * 4.0 * ((away + 1) / 2);
        }
        taken[n++] = (struct point){x, y};
        put_text(p, x, y, TEXT_LEFT, line->color, true, (char[]){line->letter, '\0'});
    }
}

// ---- around the curves ----

static void draw_y_axis(struct painter *p, const struct ticks *ticks, const struct trace_view *v, const struct box *field)
{
    for (int i = 0; i < ticks->n; i++) {
        const double y = field->y + field->height - trace_y(v, ticks->at[i].value);
        if (y < field->y - 0.5 || y > field->y + field->height + 0.5)
            continue;
        put_line(p, field->x, round(y) + 0.5, field->x + field->width, round(y) + 0.5, grid_pen);
        put_text(p, field->x - 6, y + 4, TEXT_RIGHT, COLOR_MUTED, false, ticks->at[i].label);
    }
    put_line(p, field->x - 0.5, field->y, field->x - 0.5, field->y + field->height, axis_pen);
}

static void draw_x_axis(struct painter *p, const struct plot *plot, const struct trace_view *v, const struct box *field)
{
    struct ticks ticks;
    const int max = (int)(field->width / 80);
    const double foot = field->y + field->height;
    if (v->x_log)
        axis_ticks_log(plot->x0, plot->x1, max, x_kind_is_time(plot->x_kind), &ticks);
    else if (plot->x_kind >= X_EPOCHS)
        axis_ticks(&(struct axis){SCALE_LINEAR, plot->x0, plot->x1, 1}, max, &ticks);
    else if (x_kind_is_time(plot->x_kind))
        axis_ticks_time(plot->x0, plot->x1, max, &ticks);
    else
        axis_ticks_count(plot->x0, plot->x1, max, &ticks);
    put_line(p, field->x - 0.5, foot + 0.5, field->x + field->width, foot + 0.5, axis_pen);
    for (int i = 0; i < ticks.n; i++) {
        const double x = trace_x(v, ticks.at[i].value);
        if (x < -0.5 || x > field->width + 0.5)
            continue;
        const double half = text_width(ticks.at[i].label) / 2;
        put_line(p, field->x + x, foot, field->x + x, foot + 4, axis_pen);
        put_text(p, field->x + fmin(fmax(x, 0), field->width + LETTER - half), foot + LINE - 1, TEXT_MIDDLE,
                 COLOR_MUTED, false, ticks.at[i].label);
    }
}

// Checkpoints at the foot; what was changed or went wrong as a line across.
static void draw_marks(struct painter *p, const struct plot *plot, const struct trace_view *v, const struct box *field)
{
    for (int i = 0; i < plot->n_marks; i++) {
        const struct plot_mark *m = &plot->marks[i];
        const double x = trace_x(v, x_map_value(m->map, m->step)), foot = field->y + field->height;
        if (!(x >= -0.5 && x <= field->width + 0.5))
            continue;
        if (m->kind == MARK_CHECKPOINT) {
            const struct point diamond[] = {{field->x + x, foot - 4}, {field->x + x + 4, foot}, {field->x + x, foot + 4},
                                            {field->x + x - 4, foot}, {field->x + x, foot - 4}};
            p->ops->line(p, diamond, 5, axis_pen);
            continue;
        }
        const uint8_t color = m->kind == MARK_TROUBLE ? COLOR_BAD : m->kind == MARK_FORK ? COLOR_ACCENT : COLOR_WARN;
        put_line(p, field->x + x, field->y, field->x + x, foot, (struct pen){color, DASH_DOTS, false, 1});
        put_text(p, field->x + x + 3, field->y + 10, TEXT_LEFT, color, true,
                 m->kind == MARK_TROUBLE ? "!" : m->kind == MARK_FORK ? "Y" : "*");
    }
}

// A stroke as the line is drawn, its letter, and what it is. Returns the width that it takes; p NULL: only that.
static double draw_key(struct painter *p, double x, double y, const struct picture_key *key, const char *value)
{
    char letter[] = {key->letter, '\0'};
    const double at = x + SWATCH + 4, beside = at + text_width(letter) + (*letter && (*key->name || *value) ? 5 : 0);
    if (p) {
        put_line(p, x, y - 4, x + SWATCH, y - 4, (struct pen){key->color, key->dash, false, 2.2});
        put_text(p, at, y, TEXT_LEFT, key->color, true, letter);
        put_text(p, beside, y, TEXT_LEFT, COLOR_DEFAULT, false, key->name);
        put_text(p, beside + text_width(key->name) + (*key->name && *value ? 6 : 0), y, TEXT_LEFT, COLOR_MUTED, false,
                 value);
    }
    return beside - x + text_width(key->name) + (*key->name && *value ? 6 : 0) + text_width(value);
}

struct entry {
    struct picture_key key;
    const char *value;
};

// Entries in rows of `width` pixels, at most max_rows; what does not fit is counted. Returns the rows; p NULL: only that.
static int draw_entries(struct painter *p, double x, double y, double width, int max_rows, const struct entry *entries,
                        int n)
{
    int row = 0;
    double at = 0;
    for (int i = 0; i < n; i++) {
        char more[16];
        snprintf(more, sizeof more, "+%d", n - i);
        const bool last_row = row + 1 == max_rows;
        const double wide = draw_key(NULL, 0, 0, &entries[i].key, entries[i].value);
        const double reserve = last_row && i + 1 < n ? text_width(more) + 8 : 0;
        if (at > 0 && at + wide + reserve > width) {
            if (last_row) {
                if (p)
                    put_text(p, x + at, y + row * LINE, TEXT_LEFT, COLOR_MUTED, false, more);
                break;
            }
            row++;
            at = 0;
        }
        if (p)
            draw_key(p, x + at, y + row * LINE, &entries[i].key, entries[i].value);
        at += wide + 14;
    }
    return n ? row + 1 : 0;
}

static int entries_of(const struct plot *plot, bool names, struct entry *out)
{
    int n = 0;
    for (int k = 0; k < plot->n_lines; k++) {
        const struct plot_line *line = &plot->lines[k];
        if (line->series->n == 0 || (!line->letter && !line->value))
            continue;
        out[n++] = (struct entry){{names ? line->label : "", line->letter, line->color, line->dash},
                                  line->value ? line->value : ""};
    }
    return n;
}

// ---- one plot ----

static void draw_foot(struct painter *p, const struct plot_result *result, const struct box *area)
{
    char text[80] = "";
    if (result->n_outside > 0)
        snprintf(text, sizeof text, "%u outside", result->n_outside);
    if (result->n_bad > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u not finite", *text ? ", " : "", result->n_bad);
    if (*text)
        put_text(p, area->x + area->width, area->y + area->height - 1, TEXT_RIGHT,
                 result->n_bad ? COLOR_BAD : COLOR_MUTED, false, text);
}

static void draw_field(struct painter *p, const struct plot *plot, const struct plot_result *result, struct box field)
{
    struct ticks ticks;
    axis_ticks(&result->y, (int)fmin(fmax(field.height / 34, 2), 9), &ticks);
    const double labels = FONT_ADVANCE * (ticks.columns < 4 ? 4 : ticks.columns) + 8;
    field.x += labels;
    field.width -= labels + LETTER;
    if (field.width < 40)
        return;
    // The first and the last column of "dots" are the edges of the field.
    const struct trace_view v = {(int)field.width + 1, (int)field.height + 1, plot->x0, plot->x1, &result->y,
                                 plot_is_x_log(plot)};
    field.width = v.width - 1;
    field.height = v.height - 1;
    draw_y_axis(p, &ticks, &v, &field);
    draw_x_axis(p, plot, &v, &field);
    p->ops->clip(p, field.x, field.y - 1, field.width + 1, field.height + 2);
    draw_curves(p, plot, &v, &field);
    p->ops->unclip(p);
    draw_marks(p, plot, &v, &field);
    draw_bad(p, plot, &v, &field);
    draw_letters(p, plot, &v, &field);
}

static void draw_plot(struct painter *p, const struct plot *plot, bool names, struct box area)
{
    struct plot_result result = {0};
    struct entry entries[RASTER_LINES];
    char note[48] = "";
    plot_range(plot, &result);
    if (result.y.scale != SCALE_LINEAR)
        snprintf(note, sizeof note, "%s", scale_name(result.y.scale));
    const double noted = *note ? text_width(note) + 10 : 0;
    picture_text(p, area.x, area.y + 12, area.width - noted, COLOR_DEFAULT, true, plot->title);
    put_text(p, area.x + area.width, area.y + 12, TEXT_RIGHT, COLOR_MUTED, false, note);
    const int n = entries_of(plot, names, entries);
    const int rows = draw_entries(p, area.x, area.y + LINE + 12, area.width, 2, entries, n);
    const double top = LINE + rows * LINE + 8;
    const bool has_foot = result.n_bad || result.n_outside;
    const struct box field = {area.x, area.y + top, area.width, area.height - top - LINE - 4 - (has_foot ? LINE - 2 : 0)};
    if (field.height < 30)
        return;
    if (result.n_points > 0)
        draw_field(p, plot, &result, field);
    else
        put_text(p, area.x + area.width / 2, field.y + field.height / 2, TEXT_MIDDLE, COLOR_MUTED, false, plot->empty);
    draw_foot(p, &result, &area);
}

// ---- the whole ----

static int columns_for(const struct picture *picture, double width)
{
    if (picture->columns > 0)
        return picture->columns < picture->n_plots ? picture->columns : picture->n_plots;
    int columns = (int)(width / 340);
    columns = columns < 1 ? 1 : columns > 4 ? 4 : columns;
    // Fewer plots than places: no empty column, and rows of even length.
    const int rows = (picture->n_plots + columns - 1) / columns;
    return rows > 0 ? (picture->n_plots + rows - 1) / rows : 1;
}

static double draw_head(const struct picture *picture, struct painter *p, const struct box *area)
{
    struct entry *entries = mem_alloc((size_t)picture->n_keys + 1, sizeof *entries);
    for (int i = 0; i < picture->n_keys; i++)
        entries[i] = (struct entry){picture->keys[i], ""};
    double y = area->y;
    if (*picture->title || *picture->note) {
        const double noted = text_width(picture->note), titled = text_width(picture->title);
        const bool beside = titled + noted + 20 <= area->width;
        picture_text(p, area->x, y + 12, area->width, COLOR_DEFAULT, true, picture->title);
        if (beside)
            put_text(p, area->x + area->width, y + 12, TEXT_RIGHT, COLOR_MUTED, false, picture->note);
        else if (*picture->note)
            picture_text(p, area->x, (y += LINE) + 12, area->width, COLOR_MUTED, false, picture->note);
        y += LINE + 2;
    }
    y += LINE * draw_entries(p, area->x, y + 12, area->width, 6, entries, picture->n_keys);
    free(entries);
    return y > area->y ? y - area->y + 6 : 0;
}

int picture_begin(const struct picture *picture, struct painter *p, struct box *rest, struct err *e)
{
    BUG_IF(p->width < PICTURE_SMALLEST || p->height < PICTURE_SMALLEST || p->width > PICTURE_LARGEST ||
           p->height > PICTURE_LARGEST);
    const int code = p->ops->begin(p, *picture->title ? picture->title : picture->n_plots ? picture->plots[0].title : "", e);
    if (code)
        return code;
    *rest = (struct box){MARGIN, MARGIN, p->width - 2 * MARGIN, p->height - 2 * MARGIN};
    const double head = draw_head(picture, p, rest);
    rest->y += head;
    rest->height -= head;
    return 0;
}

int picture_paint(const struct picture *picture, struct painter *p, struct err *e)
{
    struct box area;
    const int code = picture_begin(picture, p, &area, e);
    if (code)
        return code;
    const int columns = columns_for(picture, area.width),
              rows = picture->n_plots ? (picture->n_plots + columns - 1) / columns : 0;
    for (int i = 0; i < picture->n_plots; i++) {
        const double width = (area.width - GAP * (columns - 1)) / columns, height = (area.height - GAP * (rows - 1)) / rows;
        const struct box cell = {floor(area.x + i % columns * (width + GAP)), floor(area.y + i / columns * (height + GAP)),
                                 floor(width), floor(height)};
        draw_plot(p, &picture->plots[i], picture->n_keys == 0, cell);
    }
    return p->ops->end(p, e);
}

// ---- a field alone ----

static void draw_guides(struct painter *p, const struct plot *plot, const struct plot_result *drawn, int n_ticks,
                        const struct trace_view *v)
{
    struct ticks ticks;
    axis_ticks(&drawn->y, n_ticks, &ticks);
    for (int i = 0; i < ticks.n; i++) {
        const double y = round(p->height - trace_y(v, ticks.at[i].value)) + 0.5;
        put_line(p, 0, y, p->width, y,
                 (struct pen){COLOR_MUTED, plot->guides == GUIDES_DOTS ? DASH_DOTS : DASH_SOLID, true, 1});
    }
}

// The cursor, and what lies between it and the range's other end.
static void draw_cursor(struct painter *p, const struct plot *plot, const struct trace_view *v)
{
    const double at = trace_x(v, plot->cursor), other = plot->has_range ? trace_x(v, plot->other_end) : at;
    const struct pen pen = {COLOR_ACCENT, DASH_SOLID, false, 1};
    const double from = fmin(fmax(fmin(at, other), -2), p->width + 2), to = fmin(fmax(fmax(at, other), -2), p->width + 2);
    const struct point area[] = {{from, 0}, {to, 0}, {to, p->height}, {from, p->height}};
    if (to > from)
        p->ops->area(p, area, 4, COLOR_ACCENT);
    put_line(p, from, 0, from, p->height, pen);
    put_line(p, to, 0, to, p->height, pen);
}

int picture_paint_field(const struct plot *plot, const struct plot_result *drawn, int n_ticks, struct painter *p,
                        struct err *e)
{
    const int code = p->ops->begin(p, plot->title, e);
    if (code)
        return code;
    const struct box field = {0, 0, p->width, p->height};
    const struct trace_view v = {p->width, p->height, plot->x0, plot->x1, &drawn->y, plot_is_x_log(plot)};
    if (plot->guides != GUIDES_OFF)
        draw_guides(p, plot, drawn, n_ticks, &v);
    if (!isnan(plot->cursor))
        draw_cursor(p, plot, &v);
    draw_curves(p, plot, &v, &field);
    draw_marks(p, plot, &v, &field);
    draw_bad(p, plot, &v, &field);
    draw_letters(p, plot, &v, &field);
    return p->ops->end(p, e);
}
