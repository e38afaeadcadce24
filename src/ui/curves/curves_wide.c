#include "config.h"

#include "ui/curves/curves_wide.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ui/curves/summary_value.h"

static struct style style_of(const struct curves *c, int run)
{
    return STYLE(COLOR_SERIES + curves_color(c, run) % N_SERIES_COLORS, .attr = ATTR_BOLD);
}

// ---- heat map ----

static void fill_row(const struct series *s, const struct heat_map *m, double *cells)
{
    double before = NAN;
    for (int k = 0; k < m->n_columns; k++) {
        const double from = m->last_step * k / m->n_columns, to = m->last_step * (k + 1) / m->n_columns;
        const uint32_t first = series_find(s, nextafter(from, INFINITY)), end = series_find(s, nextafter(to, INFINITY));
        double sum = 0;
        int n = 0;
        for (uint32_t i = k == 0 ? 0 : first; i < end; i++) {
            const double value = series_value(s, i);
            sum += isfinite(value) ? value : 0;
            n += isfinite(value) != 0;
        }
        if (end > first || (k == 0 && end > 0))
            before = n ? sum / n : INFINITY;
        // What is measured now and then stands until the next time; behind the end there is nothing.
        cells[k] = s->n && from < (double)series_step(s, s->n - 1) ? before : NAN;
    }
}

void curves_heat_map(const struct curves *c, int n_columns, struct heat_map *out)
{
    *out = (struct heat_map){
        .n_columns = n_columns < HEAT_COLUMNS ? n_columns : HEAT_COLUMNS, .low = INFINITY, .high = -INFINITY};
    for (int i = 0; i < c->n_runs; i++) {
        const struct metric *m = c->data[i] ? run_data_metric(c->data[i], c->summary_y) : NULL;
        if (m && m->series.n)
            out->last_step = fmax(out->last_step, (double)series_step(&m->series, m->series.n - 1));
    }
    for (int i = 0; i < c->n_runs; i++) {
        const struct metric *m = c->data[i] ? run_data_metric(c->data[i], c->summary_y) : NULL;
        out->has[i] = m && m->series.n > 0 && out->last_step > 0;
        if (out->has[i])
            fill_row(&m->series, out, out->cells[i]);
        for (int k = 0; k < out->n_columns && out->has[i]; k++)
            if (isfinite(out->cells[i][k])) {
                out->low = fmin(out->low, out->cells[i][k]);
                out->high = fmax(out->high, out->cells[i][k]);
            }
    }
}

int heat_level(const struct heat_map *m, double value)
{
    if (!isfinite(value))
        return -1;
    const int level = m->high > m->low ? (int)((value - m->low) / (m->high - m->low) * HEAT_LEVELS) : 0;
    return level < HEAT_LEVELS ? level : HEAT_LEVELS - 1;
}

void curves_draw_heat(const struct curves *c, struct canvas *canvas, struct rect in)
{
    static const uint32_t shades[] = {0xb7, 0x2591, 0x2592, 0x2593, 0x2588}, plain[] = {'.', ':', '+', '*', '#'};
    struct heat_map m;
    char low[16], high[16];
    const int names = in.width >= 70 ? 24 : in.width / 3;
    int y = in.y;
    curves_heat_map(c, in.width - names - 2, &m);
    const uint32_t *glyphs = canvas->utf8 ? shades : plain;
    for (int i = 0; i < c->n_runs && y + 2 < in.y + in.height; i++) {
        if (!m.has[i])
            continue;
        canvas_put(canvas, in.x + 1, y, (uint32_t)c->rows[i]->letter, style_of(c, i));
        canvas_text(canvas, in.x + 3, y, names - 4, STYLE(COLOR_DEFAULT), c->rows[i]->info.name);
        for (int k = 0; k < m.n_columns; k++) {
            const int level = heat_level(&m, m.cells[i][k]);
            if (level >= 0)
                canvas_put(canvas, in.x + names + k, y, glyphs[level], STYLE(COLOR_ACCENT));
            else if (!isnan(m.cells[i][k]))
                canvas_put(canvas, in.x + names + k, y, 'x', STYLE(COLOR_BAD));
        }
        y++;
    }
    canvas_textf(canvas, in.x + names, y, -1, STYLE(COLOR_MUTED), "0");
    canvas_textf(canvas, in.x + names + 8, y, -1, STYLE(COLOR_MUTED), "steps, the last one %.0f", m.last_step);
    int x = canvas_textf(canvas, in.x + names, y + 1, -1, STYLE(COLOR_MUTED), "%s ", axis_number(low, sizeof low, m.low));
    for (int k = 0; k < HEAT_LEVELS; k++)
        canvas_put(canvas, x++, y + 1, glyphs[k], STYLE(COLOR_ACCENT));
    canvas_textf(canvas, x, y + 1, -1, STYLE(COLOR_MUTED), " %s", axis_number(high, sizeof high, m.high));
}

// ---- parallel coordinates ----

static void place_texts(const struct curves *c, struct parallel_axis *a)
{
    for (int i = 0; i < c->n_runs; i++) {
        char text[300];
        int k = 0;
        run_setting_text(c->rows[i], a->name, text, sizeof text);
        text[sizeof a->texts[0] - 1] = '\0';
        while (k < a->n_texts && strcmp(a->texts[k], text) != 0)
            k++;
        if (!text[0])
            continue;
        if (k == a->n_texts)
            text_copy(a->texts[a->n_texts++], sizeof a->texts[0], text);
        a->place[i] = k;
    }
    for (int i = 0; i < c->n_runs; i++)
        a->place[i] = a->n_texts > 1 ? a->place[i] / (a->n_texts - 1) : a->place[i] + 0.5;
}

static void place_runs(const struct curves *c, struct parallel_axis *a)
{
    double values[CURVES_RUNS];
    bool is_text = false;
    for (int i = 0; i < c->n_runs; i++) {
        char text[300];
        values[i] = curves_summary_value(c, i, a->name);
        a->place[i] = NAN;
        is_text = is_text || (isnan(values[i]) && run_setting_text(c->rows[i], a->name, text, sizeof text)[0]);
    }
    if (is_text) {
        place_texts(c, a);
        return;
    }
    const struct span span = curves_summary_span(c, values);
    axis_fit(&a->axis, SCALE_LINEAR, span.min, span.max);
    for (int i = 0; i < c->n_runs; i++)
        a->place[i] = axis_place(&a->axis, values[i]);
}

int curves_parallel_axes(const struct curves *c, struct parallel_axis *out)
{
    int n = 0;
    for (const char *word = c->summary_axes; *word && n < PARALLEL_MOST;) {
        const size_t length = strcspn(word, " ");
        out[n] = (struct parallel_axis){0};
        snprintf(out[n].name, sizeof out[n].name, "%.*s", (int)length, word);
        place_runs(c, &out[n++]);
        word += length + strspn(word + length, " ");
    }
    return n;
}

int parallel_labels(const struct parallel_axis *a, int max, double *places, char labels[][40])
{
    struct ticks ticks = {0};
    if (a->n_texts == 0)
        axis_ticks(&a->axis, max < 2 ? 2 : max, &ticks);
    const int n = a->n_texts ? a->n_texts : ticks.n;
    for (int i = 0; i < n; i++) {
        places[i] = !a->n_texts      ? axis_place(&a->axis, ticks.at[i].value)
                    : a->n_texts > 1 ? (double)i / (a->n_texts - 1)
                                     : 0.5;
        text_copy(labels[i], 40, a->n_texts ? a->texts[i] : ticks.at[i].label);
    }
    return n;
}

bool curves_parallel_has(const struct parallel_axis *axes, int n, int run)
{
    int has = 0;
    for (int i = 0; i < n; i++)
        has += !isnan(axes[i].place[run]);
    return has >= 2;
}

// Straight lines from axis to axis; where a run has no place on one its line goes on at the next.
static void trace_run(struct raster *r, const struct parallel_axis *axes, const int *columns, int n, int run, int left)
{
    int before = -1;
    for (int k = 0; k < n; k++) {
        if (isnan(axes[k].place[run]))
            continue;
        const double y1 = (1 - axes[k].place[run]) * (r->height - 1);
        const int x1 = (columns[k] - left) * r->dot_x;
        if (before >= 0) {
            const double y0 = (1 - axes[before].place[run]) * (r->height - 1);
            const int x0 = (columns[before] - left) * r->dot_x;
            for (int x = x0; x < x1; x++) {
                const double at = y0 + (y1 - y0) * (x - x0) / (x1 - x0), next = y0 + (y1 - y0) * (x + 1 - x0) / (x1 - x0);
                raster_column(r, x, (int)lrint(at), (int)lrint(next), run, false);
            }
        }
        before = k;
    }
}

static void draw_axis(const struct curves *c, const struct parallel_axis *a, struct canvas *canvas, struct rect field, int x,
                      int room)
{
    double places[CURVES_RUNS + TICKS_MAX];
    char labels[CURVES_RUNS + TICKS_MAX][40];
    const int n = parallel_labels(a, field.height / 3, places, labels);
    canvas_text(canvas, x, field.y - 1, room, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), a->name);
    canvas_vline(canvas, x, field.y, field.height, STYLE(COLOR_MUTED));
    for (int i = 0; i < n; i++)
        canvas_text(canvas, x + 2, field.y + (int)lrint((1 - places[i]) * (field.height - 1)), room - 3, STYLE(COLOR_MUTED),
                    labels[i]);
    for (int i = 0; i < c->n_runs; i++)
        if (!isnan(a->place[i]))
            canvas_put(canvas, x, field.y + (int)lrint((1 - a->place[i]) * (field.height - 1)), (uint32_t)c->rows[i]->letter,
                       style_of(c, i));
}

void curves_draw_parallel(const struct curves *c, struct canvas *canvas, struct rect in)
{
    struct parallel_axis axes[PARALLEL_MOST];
    struct raster_line lines[RASTER_LINES] = {0};
    struct raster raster;
    int columns[PARALLEL_MOST];
    const int n = curves_parallel_axes(c, axes), tail = in.width / 6 < 16 ? in.width / 6 : 16; // for the last one's labels
    const struct rect field = {in.x + 1, in.y + 1, in.width - 2, in.height - 1};
    if (field.width < 10 * n || field.height < 4 || n < 2)
        return;
    for (int k = 0; k < n; k++)
        columns[k] = field.x + (field.width - tail) * k / (n - 1);
    raster_init(&raster, field.width, field.height, canvas->glyphs);
    for (int i = 0; i < c->n_runs; i++) {
        lines[i] = (struct raster_line){.letter = c->rows[i]->letter,
                                        .style = STYLE(COLOR_SERIES + curves_color(c, i) % N_SERIES_COLORS)};
        trace_run(&raster, axes, columns, n, i, field.x);
    }
    raster_paint(&raster, canvas, field.x, field.y, lines);
    raster_fini(&raster);
    for (int k = 0; k < n; k++)
        draw_axis(c, &axes[k], canvas, field, columns[k], k + 1 < n ? columns[k + 1] - columns[k] - 1 : tail);
}
