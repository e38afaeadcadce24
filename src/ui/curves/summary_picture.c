#include "config.h"

#include "ui/curves/summary_picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/curves/curves_summary.h"
#include "ui/curves/curves_wide.h"
#include "ui/plot/picture.h"

enum { LINE = 17, BOX_ROW = 46, NAMES = 210, SCATTER_HEIGHT = 480 }; // pixels

static const struct pen axis_pen = {COLOR_MUTED, DASH_SOLID, false, 1}, grid_pen = {COLOR_MUTED, DASH_SOLID, true, 1};

static uint8_t color_of(const struct curves *c, int run)
{
    return (uint8_t)(COLOR_SERIES + curves_color(c, run) % N_SERIES_COLORS);
}

static void line(struct painter *p, double x0, double y0, double x1, double y1, struct pen pen)
{
    const struct point ends[] = {{x0, y0}, {x1, y1}};
    p->ops->line(p, ends, 2, pen);
}

static double across(const struct axis *a, const struct box *field, double value)
{
    return field->x + axis_place(a, value) * field->width;
}

static double upward(const struct axis *a, const struct box *field, double value)
{
    return field->y + (1 - axis_place(a, value)) * field->height;
}

// The horizontal axis with its numbers, and lines up from them.
static void draw_feet(struct painter *p, const struct axis *a, const struct box *field)
{
    struct ticks ticks;
    const double foot = field->y + field->height;
    axis_ticks(a, (int)fmin(fmax(field->width / 90, 2), TICKS_MAX), &ticks);
    for (int i = 0; i < ticks.n; i++) {
        const double x = across(a, field, ticks.at[i].value);
        line(p, x, field->y, x, foot, grid_pen);
        p->ops->text(p, (struct point){x, foot + LINE - 2}, TEXT_MIDDLE, COLOR_MUTED, false, ticks.at[i].label);
    }
    line(p, field->x, foot, field->x + field->width, foot, axis_pen);
}

// A run as a dot with its letter.
static void draw_run(struct painter *p, const struct curves *c, int run, struct point at)
{
    const char letter[] = {c->rows[run]->letter, 0};
    p->ops->dot(p, at, 4, color_of(c, run), false);
    p->ops->text(p, (struct point){at.x + 6, at.y - 4}, TEXT_LEFT, color_of(c, run), true, letter);
}

static void draw_scatter(struct painter *p, const struct curves *c, struct box area)
{
    double x[CURVES_RUNS], y[CURVES_RUNS];
    struct axis ax, ay;
    struct ticks ticks;
    curves_summary_points(c, x, y);
    const struct span sx = curves_summary_span(c, x), sy = curves_summary_span(c, y);
    axis_fit(&ax, SCALE_LINEAR, sx.min, sx.max);
    axis_fit(&ay, SCALE_LINEAR, sy.min, sy.max);
    picture_text(p, area.x, area.y + 12, area.width, COLOR_MUTED, false, c->summary_y);
    p->ops->text(p, (struct point){area.x + area.width, area.y + area.height - 1}, TEXT_RIGHT, COLOR_MUTED, false,
                 c->summary_x);
    area.y += LINE + 4;
    area.height -= 3 * LINE + 4;
    axis_ticks(&ay, (int)fmin(fmax(area.height / 40, 2), TICKS_MAX), &ticks);
    const double labels = FONT_ADVANCE * ticks.columns + 8;
    const struct box field = {area.x + labels, area.y, area.width - labels - 20, area.height};
    draw_feet(p, &ax, &field);
    for (int i = 0; i < ticks.n; i++) {
        const double at = upward(&ay, &field, ticks.at[i].value);
        line(p, field.x, at, field.x + field.width, at, grid_pen);
        p->ops->text(p, (struct point){field.x - 6, at + 4}, TEXT_RIGHT, COLOR_MUTED, false, ticks.at[i].label);
    }
    line(p, field.x, field.y, field.x, field.y + field.height, axis_pen);
    for (int i = 0; i < c->n_runs; i++)
        if (!isnan(x[i]))
            draw_run(p, c, i, (struct point){across(&ax, &field, x[i]), upward(&ay, &field, y[i])});
}

static void draw_box(struct painter *p, const struct axis *a, const struct box *field, double y, const struct summary_box *b)
{
    const double half = 8, x0 = across(a, field, b->least), q1 = across(a, field, b->q1), q2 = across(a, field, b->median),
                 q3 = across(a, field, b->q3), x1 = across(a, field, b->most);
    const struct pen pen = {COLOR_DEFAULT, DASH_SOLID, false, 1.2};
    const struct point box[] = {{q1, y - half}, {q3, y - half}, {q3, y + half}, {q1, y + half}, {q1, y - half}};
    line(p, x0, y, q1, y, pen);
    line(p, q3, y, x1, y, pen);
    line(p, x0, y - half / 2, x0, y + half / 2, pen);
    line(p, x1, y - half / 2, x1, y + half / 2, pen);
    p->ops->area(p, box, 4, COLOR_DEFAULT);
    p->ops->line(p, box, 5, pen);
    line(p, q2, y - half, q2, y + half, (struct pen){COLOR_ACCENT, DASH_SOLID, false, 2.5});
}

static void draw_boxes(struct painter *p, const struct curves *c, struct box area)
{
    struct summary_box boxes[CURVES_RUNS];
    struct span span = SPAN_EMPTY;
    struct axis axis;
    const int n = curves_summary_boxes(c, boxes);
    const double names = fmin(NAMES, area.width / 3);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < boxes[i].n; k++)
            span = span_add(span, (float)boxes[i].values[k]);
    axis_fit(&axis, SCALE_LINEAR, span.min, span.max);
    const struct box field = {area.x + names, area.y, area.width - names - 20, area.height - 2 * LINE};
    const double row = field.height / n;
    draw_feet(p, &axis, &field);
    p->ops->text(p, (struct point){area.x + area.width, area.y + area.height - 1}, TEXT_RIGHT, COLOR_MUTED, false,
                 c->summary_y);
    for (int i = 0; i < n; i++) {
        const double y = field.y + row * i + row * 0.35;
        char numbers[64], median[16], low[16], high[16];
        picture_text(p, area.x, y + 2, names - 8, COLOR_DEFAULT, true, boxes[i].name);
        if (boxes[i].n == 0)
            continue;
        snprintf(numbers, sizeof numbers, "%s (%s..%s)", axis_number(median, sizeof median, boxes[i].median),
                 axis_number(low, sizeof low, boxes[i].q1), axis_number(high, sizeof high, boxes[i].q3));
        picture_text(p, area.x, y + 2 + LINE, names - 8, COLOR_MUTED, false, numbers);
        draw_box(p, &axis, &field, y, &boxes[i]);
        for (int k = 0; k < boxes[i].n; k++)
            draw_run(p, c, boxes[i].runs[k], (struct point){across(&axis, &field, boxes[i].values[k]), y + row * 0.42});
    }
}

// A row a run; shades are layers of one thin colour over one another, so that every painter has them.
static void draw_heat(struct painter *p, const struct curves *c, struct box area)
{
    struct heat_map m;
    char text[80], low[16], high[16];
    const double names = fmin(NAMES, area.width / 3);
    const struct box field = {area.x + names, area.y, area.width - names, area.height - 2 * LINE};
    int n = 0, at = 0;
    curves_heat_map(c, HEAT_COLUMNS, &m);
    for (int i = 0; i < c->n_runs; i++)
        n += m.has[i];
    for (int i = 0; i < c->n_runs; i++) {
        if (!m.has[i])
            continue;
        const double row = field.height / n, top = field.y + row * at++, bottom = top + fmax(row - 2, 1);
        picture_text(p, area.x, (top + bottom) / 2 + 4, names - 8, color_of(c, i), true, c->rows[i]->info.name);
        for (int level = 0; level < HEAT_LEVELS; level++)
            for (int k = 0, end; k < m.n_columns; k = end) {
                const bool is_dark = heat_level(&m, m.cells[i][k]) >= level;
                for (end = k + 1; end < m.n_columns && (heat_level(&m, m.cells[i][end]) >= level) == is_dark;)
                    end++;
                const double x0 = field.x + field.width * k / m.n_columns, x1 = field.x + field.width * end / m.n_columns;
                const struct point cell[] = {{x0, top}, {x1, top}, {x1, bottom}, {x0, bottom}};
                if (is_dark)
                    p->ops->area(p, cell, 4, COLOR_ACCENT);
            }
    }
    snprintf(text, sizeof text, "light %s to dark %s", axis_number(low, sizeof low, m.low),
             axis_number(high, sizeof high, m.high));
    p->ops->text(p, (struct point){field.x, field.y + field.height + LINE}, TEXT_LEFT, COLOR_MUTED, false, text);
    snprintf(text, sizeof text, "steps 0 to %.0f", m.last_step);
    p->ops->text(p, (struct point){field.x + field.width, field.y + field.height + LINE}, TEXT_RIGHT, COLOR_MUTED, false,
                 text);
}

static void draw_parallel(struct painter *p, const struct curves *c, struct box area)
{
    struct parallel_axis axes[PARALLEL_MOST];
    const int n = curves_parallel_axes(c, axes);
    const struct box field = {area.x + 8, area.y + LINE + 8, area.width - 100, area.height - LINE - 20};
    if (n < 2)
        return;
    for (int i = 0; i < c->n_runs; i++) {
        struct point points[PARALLEL_MOST];
        int n_points = 0;
        for (int k = 0; k < n; k++)
            if (!isnan(axes[k].place[i]))
                points[n_points++] =
                    (struct point){field.x + field.width * k / (n - 1), field.y + (1 - axes[k].place[i]) * field.height};
        p->ops->line(p, points, n_points,
                     (struct pen){color_of(c, i), (enum dash)(curves_color(c, i) % DASH_N), false, 1.6});
        for (int k = 0; k < n_points; k++)
            draw_run(p, c, i, points[k]);
    }
    for (int k = 0; k < n; k++) {
        double places[CURVES_RUNS + TICKS_MAX];
        char labels[CURVES_RUNS + TICKS_MAX][40];
        const double x = field.x + field.width * k / (n - 1), room = k + 1 < n ? field.width / (n - 1) - 10 : 92;
        const int n_labels = parallel_labels(&axes[k], 8, places, labels);
        line(p, x, field.y, x, field.y + field.height, axis_pen);
        picture_text(p, x, area.y + 12, room, COLOR_DEFAULT, true, axes[k].name);
        for (int i = 0; i < n_labels; i++)
            picture_text(p, x + 16, field.y + (1 - places[i]) * field.height + 4, room - 16, COLOR_MUTED, false, labels[i]);
    }
}

static int fitting_height(const struct curves *c)
{
    struct summary_box boxes[CURVES_RUNS];
    if (c->summary == SUMMARY_HEAT)
        return 130 + 30 * c->n_runs;
    return c->summary == SUMMARY_PARALLEL  ? SCATTER_HEIGHT
           : c->summary == SUMMARY_SCATTER ? SCATTER_HEIGHT
                                           : 130 + BOX_ROW * curves_summary_boxes(c, boxes);
}

int summary_picture(const struct curves *c, const struct painter_ops *ops, const struct curves_look *look, struct str *out,
                    struct err *e)
{
    char title[480];
    struct picture_key keys[CURVES_RUNS];
    struct box area;
    if (curves_summary_title(c, title, sizeof title) == 0)
        return err_set(e, ERR_STATE, "%s: no run here has what it is of", title);
    for (int i = 0; i < c->n_runs; i++)
        keys[i] = (struct picture_key){c->rows[i]->info.name, c->rows[i]->letter, color_of(c, i), DASH_SOLID};
    const struct picture head = {.title = title,
                                 .note =
                                     c->summary == SUMMARY_HEAT ? "means of the points of each cell" : "one number a run",
                                 .keys = keys,
                                 .n_keys = c->n_runs};
    const int height = look->height ? look->height : fitting_height(c);
    struct painter p = {.ops = ops, .out = out, .theme = look->theme, .width = look->width,
                        .height = height < PICTURE_SMALLEST ? PICTURE_SMALLEST : height, .embedded = look->embedded};
    const int code = picture_begin(&head, &p, &area, e);
    if (code)
        return code;
    if (c->summary == SUMMARY_SCATTER)
        draw_scatter(&p, c, area);
    else if (c->summary == SUMMARY_HEAT)
        draw_heat(&p, c, area);
    else if (c->summary == SUMMARY_PARALLEL)
        draw_parallel(&p, c, area);
    else
        draw_boxes(&p, c, area);
    return ops->end(&p, e);
}
