#include "config.h"

#include "ui/curves_picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/picture.h"

const struct painter_ops *curves_painter(const char *path)
{
    return text_ends(path, ".svg") ? &painter_svg : text_ends(path, ".png") ? &painter_png : NULL;
}

static void say_whose(const struct curves *c, bool one_exact, struct str *title, struct str *note)
{
    if (c->n_runs == 1)
        str_addf(title, "%s  %s", c->rows[0]->info.name, c->rows[0]->info.objective);
    else
        str_addf(title, "%d runs", c->n_runs);
    str_addf(note, "x %s", x_kind_name(c->x_kind));
    if (c->weight > 0 && !one_exact)
        str_addf(note, ", EMA %.3g%s", c->weight, c->lines_only ? "" : " (raw faint)");
}

static int fitting_height(const struct curves_look *look, int n, int n_keys)
{
    int columns = look->columns ? look->columns : look->width / 350;
    columns = columns < 1 ? 1 : columns > 4 ? 4 : columns;
    const int rows = (n + columns - 1) / columns, height = 40 + (look->titled ? 24 : 0) + (n_keys ? 40 : 0) + rows * (n == 1 ? 400 : 250);
    return height > PICTURE_LARGEST ? PICTURE_LARGEST : height;
}

int curves_picture(const struct curves *c, int first, int n, const struct painter_ops *ops, const struct curves_look *look,
                   struct str *out, struct err *e)
{
    struct curves_plot *made = mem_alloc((size_t)n + 1, sizeof *made);
    struct plot *plots = mem_alloc((size_t)n + 1, sizeof *plots);
    struct picture_key keys[CURVES_RUNS];
    struct str title = {0}, note = {0};
    const int n_keys = c->n_runs > 1 ? c->n_runs : 0;
    for (int i = 0; i < n; i++) {
        curves_plot(c, &c->charts[first + i], n_keys == 0, &made[i]);
        plots[i] = made[i].plot;
    }
    for (int i = 0; i < n_keys; i++)
        keys[i] = (struct picture_key){c->rows[i]->info.name, c->rows[i]->letter,
                                       (uint8_t)(COLOR_SERIES + c->rows[i]->index % N_SERIES_COLORS),
                                       (enum dash)(c->rows[i]->index % DASH_N)};
    if (look->titled)
        say_whose(c, n == 1 && c->charts[first].exact, &title, &note);
    const struct picture picture = {.title = str_text(&title), .note = str_text(&note), .plots = plots, .n_plots = n,
                                    .keys = keys, .n_keys = n_keys, .columns = look->columns};
    struct painter p = {.ops = ops, .out = out, .theme = look->theme, .width = look->width,
                        .height = look->height ? look->height : fitting_height(look, n, n_keys), .embedded = look->embedded};
    const int code = picture_paint(&picture, &p, e);
    str_fini(&title);
    str_fini(&note);
    free(plots);
    free(made);
    return code;
}

void curves_picture_plain(const struct curves *c, int chart, const struct curves_look *look, struct str *out)
{
    struct curves_plot *made = mem_alloc(1, sizeof *made);
    curves_plot(c, &c->charts[chart], c->n_runs == 1, made);
    const struct picture picture = {.title = "", .note = "", .plots = &made->plot, .n_plots = 1, .columns = 1};
    struct painter p = {.ops = &painter_svg, .out = out, .theme = look->theme, .width = look->width, .height = look->height,
                        .embedded = look->embedded};
    struct err fault = {0};
    if (picture_paint(&picture, &p, &fault) && !out->truncated) // a text that is too long says so itself
        BUG("a picture in a page failed: %s", fault.text);
    free(made);
}
