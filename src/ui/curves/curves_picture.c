#include "config.h"

#include "ui/curves/curves_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/curves/summary_picture.h"
#include "ui/plot/picture.h"
#include "ui/view.h"

enum { WIDEST = 6 }; // panels beside one another where a run has a column

const struct painter_ops *curves_painter(const char *path)
{
    return text_ends(path, ".svg") ? &painter_svg : text_ends(path, ".png") ? &painter_png : NULL;
}

static void say_whose(const struct curves *c, bool one_exact, struct str *title, struct str *note)
{
    char smoothing[32];
    if (c->n_runs == 1)
        str_addf(title, "%s  %s", c->rows[0]->info.name, c->rows[0]->info.objective);
    else
        str_addf(title, "%d runs", c->n_runs);
    if (c->multiples && c->n_runs > 1)
        str_addf(title, ", each %salone, one scale a metric", c->mode == MODE_GROUPS ? "group " : "");
    else if (c->mode == MODE_GROUPS)
        str_addf(title, ", by %s, mean and %s", c->group_by, band_name(c->band));
    str_addf(note, "x %s%s", curves_x_name(c), c->x_log && c->x_kind < X_EPOCHS ? " log" : "");
    if (c->weight > 0 && !one_exact)
        str_addf(note, ", %s%s", smooth_name(smoothing, sizeof smoothing, c->smooth_kind, c->weight),
                 c->lines_only ? "" : " (raw faint)");
}

static int fitting_height(const struct curves_look *look, int n, int n_keys)
{
    int columns = look->columns ? look->columns : look->width / 350;
    columns = columns < 1 ? 1 : columns > 4 && !look->columns ? 4 : columns;
    const int rows = (n + columns - 1) / columns,
              height = 40 + (look->titled ? 24 : 0) + (n_keys ? 40 : 0) + rows * (n == 1 ? 400 : 250);
    return height > PICTURE_LARGEST ? PICTURE_LARGEST : height;
}

// What stands in a picture: plots that point into `made`, on scales of their own or of `ranges`.
struct panels {
    struct curves_plot *made;
    struct plot *plots;
    struct span *ranges;
    int n, columns;
};

static void add_panel(struct panels *p)
{
    p->plots[p->n] = p->made[p->n].plot;
    p->n++;
}

// A row of panels for each chart, one a run, all with the same scale. One chart alone leaves runs out that have nothing of
// it; below one another they stay, so that each run has its column.
static void add_multiples(const struct curves *c, int first, int n, struct panels *p)
{
    for (int i = first; i < first + n; i++) {
        const struct chart *chart = &c->charts[i];
        int runs[CURVES_RUNS], n_runs = curves_alone(c, chart, runs, &p->ranges[i - first]);
        const bool in_groups = c->mode == MODE_GROUPS, in_columns = n > 1 && !in_groups;
        for (int k = 0; k < c->n_runs && in_columns; k++)
            runs[k] = k;
        n_runs = in_columns ? c->n_runs : n_runs;
        for (int k = 0; k < n_runs; k++) {
            struct curves_plot *made = &p->made[p->n];
            curves_plot_alone(c, chart, runs[k], &p->ranges[i - first], made);
            char whose[CURVES_TITLE];
            text_copy(whose, sizeof whose, made->title);
            snprintf(made->title, sizeof made->title, "%.*s: %s", CURVES_TITLE / 2, whose, chart->overlay);
            add_panel(p);
        }
        p->columns = n > 1 && n_runs <= WIDEST ? n_runs : 0;
    }
}

int curves_picture(const struct curves *c, int first, int n, const struct painter_ops *ops, const struct curves_look *look,
                   struct str *out, struct err *e)
{
    if (c->summary != SUMMARY_NONE)
        return summary_picture(c, ops, look, out, e);
    const bool multiples = c->multiples && c->n_runs > 1;
    const size_t most = (size_t)(multiples ? n * c->n_runs : n) + 1;
    struct panels panels = {.made = mem_alloc(most, sizeof *panels.made), .plots = mem_alloc(most, sizeof *panels.plots),
                            .ranges = mem_alloc((size_t)n + 1, sizeof *panels.ranges)};
    struct picture_key keys[CURVES_RUNS];
    struct str title = {0}, note = {0};
    // Groups are named in each plot, and so is a run that has one to itself.
    const int n_keys = c->n_runs > 1 && c->mode != MODE_GROUPS && !multiples ? c->n_runs : 0;
    if (multiples)
        add_multiples(c, first, n, &panels);
    for (int i = 0; i < n && !multiples; i++) {
        curves_plot(c, &c->charts[first + i], n_keys == 0, &panels.made[i]);
        add_panel(&panels);
    }
    for (int i = 0; i < n_keys; i++)
        keys[i] = (struct picture_key){c->rows[i]->info.name, c->rows[i]->letter,
                                       (uint8_t)(COLOR_SERIES + curves_color(c, i) % N_SERIES_COLORS),
                                       (enum dash)(curves_color(c, i) % DASH_N)};
    if (look->titled)
        say_whose(c, n == 1 && c->charts[first].exact, &title, &note);
    struct curves_look placed = *look;
    placed.columns = look->columns ? look->columns : panels.columns;
    const struct picture picture = {.title = str_text(&title), .note = str_text(&note), .plots = panels.plots,
                                    .n_plots = panels.n, .keys = keys, .n_keys = n_keys, .columns = placed.columns};
    struct painter p = {.ops = ops, .out = out, .theme = look->theme, .width = look->width,
                        .height = look->height ? look->height : fitting_height(&placed, panels.n, n_keys),
                        .embedded = look->embedded};
    const int code = picture_paint(&picture, &p, e);
    str_fini(&title);
    str_fini(&note);
    free(panels.plots);
    free(panels.made);
    free(panels.ranges);
    return code;
}

void curves_picture_plain(const struct curves *c, int chart, const struct curves_look *look, struct str *out)
{
    struct curves_plot *made = mem_alloc(1, sizeof *made);
    curves_plot(c, &c->charts[chart], c->n_runs == 1 || c->mode == MODE_GROUPS, made);
    const struct picture picture = {.title = "", .note = "", .plots = &made->plot, .n_plots = 1, .columns = 1};
    struct painter p = {.ops = &painter_svg, .out = out, .theme = look->theme, .width = look->width, .height = look->height,
                        .embedded = look->embedded};
    struct err fault = {0};
    if (picture_paint(&picture, &p, &fault) && !out->truncated) // a text that is too long says so itself
        BUG("a picture in a page failed: %s", fault.text);
    free(made);
}

// ---- what the screen shows ----

// The charts of the screen: the one that fills it, or those of the grid; before there was a screen, as in a script, the
// first.
static void shown_charts(const struct curves *c, int *first, int *n)
{
    enum { UNSEEN = 6 };
    const bool one = c->full || (c->multiples && c->n_runs > 1);
    *first = one ? c->focus : c->first_shown;
    *first = *first < c->n_charts ? *first : 0; // a filter may have taken charts away since they were drawn
    *n = one ? 1 : c->n_shown > 0 ? c->n_shown : UNSEEN;
    *n = *n < c->n_charts - *first ? *n : c->n_charts - *first;
}

// As on the screen, with more room: of the charts that are read.
static int text_picture(const struct curves *c, int first, int n, struct str *bytes)
{
    enum { WIDTH = 120, LINES_OF_A_ROW = 14 };
    struct curves shown = *c; // drawing remembers a layout, which is not the screen's
    struct canvas canvas;
    shown.pictures = NULL;
    shown.charts = &c->charts[first];
    shown.n_charts = n;
    shown.focus = c->focus - first;
    canvas_init(&canvas, WIDTH, 3 + (n == 1 ? 2 : (n + 1) / 2) * LINES_OF_A_ROW, GLYPHS_BRAILLE, true);
    curves_draw(&shown, &canvas, canvas_area(&canvas));
    canvas_save(&canvas, false, bytes);
    canvas_fini(&canvas);
    return 0;
}

int curves_screen_picture(struct view *v, const char *path, struct str *bytes, struct err *e)
{
    const struct curves *c = v->state;
    const struct painter_ops *painter = curves_painter(path);
    const struct curves_look look = {
        .width = 1060, .theme = painter == &painter_png ? THEME_LIGHT : THEME_AUTO, .titled = true};
    int first, n;
    shown_charts(c, &first, &n);
    if (n == 0 && c->summary == SUMMARY_NONE)
        return err_set(e, ERR_STATE, "Nothing is drawn here yet");
    if (text_ends(path, ".txt"))
        return text_picture(c, first, n, bytes);
    if (!painter)
        return err_set(e, ERR_USAGE, "%s: the name of a picture ends in .svg, .png or .txt", path);
    return curves_picture(c, first, n, painter, &look, bytes, e);
}

int curves_screen_metrics(struct view *v, const char **keys, int max)
{
    const struct curves *c = v->state;
    int first, n, n_keys = 0;
    shown_charts(c, &first, &n);
    for (int i = first; i < first + n; i++) {
        const struct chart *chart = &c->charts[i];
        for (int k = 0; k < (c->n_runs == 1 ? chart->n_parts : 1) && n_keys < max; k++)
            keys[n_keys++] = c->n_runs == 1 ? chart->parts[k].key : chart->overlay;
    }
    return n_keys;
}
