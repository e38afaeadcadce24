#include "config.h"

#include "cli/plots.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const scale_names[] = {"linear", "log", "symlog", NULL};
static const char *const axis_names[] = {"step", "time", "tokens", "epochs", NULL};
static const char *const x_scale_names[] = {"linear", "log", NULL};
static const struct param options[] = {
    {.name = "smooth",
     .type = PARAM_TEXT,
     .fallback = "0",
     .help = "0 to 0.999: the weight of the average over earlier points, 0 draws the points as they are; mean:STEPS or "
             "gaussian:STEPS smooths over so many steps around each."},
    {.name = "x", .type = PARAM_CHOICE, .fallback = "step", .choices = axis_names,
     .help = "What the horizontal axis counts."},
    {.name = "y", .type = PARAM_CHOICE, .fallback = "linear", .choices = scale_names,
     .help = "The scale of the vertical axis."},
    {.name = "clip", .type = PARAM_BOOL, .fallback = "no",
     .help = "Leaves the outermost hundredth out of the vertical range."},
    {.name = "x-scale", .type = PARAM_CHOICE, .fallback = "linear", .choices = x_scale_names,
     .help = "The scale of the horizontal axis."},
    {.name = "group",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "Draws runs with the same value of this setting as their mean with a band; seed: runs that are alike but "
             "for it."},
    {.name = "band",
     .type = PARAM_CHOICE,
     .fallback = "sd",
     .choices = band_words,
     .help = "Around the means: one standard deviation or error, the 95 % interval of the mean, the least and the most, "
             "nothing; quartiles: around the median."},
    {.name = "minus", .type = PARAM_TEXT, .fallback = "", .help = "Draws each of the other runs minus this one."},
    {.name = "from", .type = PARAM_FLOAT, .fallback = "", .help = "Where the horizontal axis begins."},
    {.name = "to", .type = PARAM_FLOAT, .fallback = "", .help = "Where it ends."},
    {0},
};

int plots_options(int argc, char **argv, const struct param *const **tables, struct err *e)
{
    static const struct param *const all[] = {options, NULL};
    *tables = all;
    return 0;
}

void plots_init(struct plots *p)
{
    *p = (struct plots){0};
    curves_init(&p->curves);
}

void plots_fini(struct plots *p)
{
    curves_fini(&p->curves);
    run_list_fini(&p->list);
}

int plots_list(struct plots *p, struct store *s, struct err *e)
{
    run_list_init(&p->list, s);
    run_list_poll(&p->list, clock_seconds(), true, e);
    return e->code;
}

// ---- runs ----

static int add_row(struct plots *p, struct run_row *row, struct err *e)
{
    for (int i = 0; i < p->n_rows; i++)
        if (p->rows[i] == row)
            return 0;
    if (p->n_rows == CURVES_RUNS)
        return err_set(e, ERR_USAGE, "at most %d runs fit into one chart", CURVES_RUNS);
    p->rows[p->n_rows++] = row;
    return 0;
}

static int add_run(struct plots *p, const char *name, struct err *e)
{
    struct run_row *row = run_list_find(&p->list, name), *parts[CURVES_RUNS];
    if (!row) {
        struct run_info none = {0};
        int code = store_find_run(p->list.store, name, &none, e); // its message names near ones
        run_info_fini(&none);
        return code ? code : err_set(e, ERR_NOT_FOUND, "run %s is hidden", name);
    }
    int code = add_row(p, row, e);
    const int n = run_list_parts(&p->list, row, parts, CURVES_RUNS - 1);
    for (int i = 0; i < n && !code; i++)
        code = add_row(p, parts[i], e);
    return code;
}

int plots_add_runs(struct plots *p, const char *names, struct err *e)
{
    char *copy = mem_strdup(names), *rest = copy, *name;
    int code = 0;
    while (!code && (name = strsep(&rest, ",")))
        code = add_run(p, name, e);
    free(copy);
    return code;
}

// ---- charts ----

static void move_chart(struct curves *c, int from, int to)
{
    const struct chart moved = c->charts[from];
    memmove(&c->charts[to + 1], &c->charts[to], (size_t)(from - to) * sizeof moved);
    c->charts[to] = moved;
}

static struct chart chart_of(const char *metric)
{
    struct chart chart = {.n_parts = 1};
    text_copy(chart.title, sizeof chart.title, metric);
    text_copy(chart.overlay, sizeof chart.overlay, metric);
    text_copy(chart.parts[0].key, sizeof chart.parts[0].key, metric);
    return chart;
}

// A chart's title, or a metric, which then has a chart to itself.
static int choose_one(struct plots *p, const char *what, struct err *e)
{
    struct curves *c = &p->curves;
    for (int i = p->n_charts; i < c->n_charts; i++)
        if (strcmp(c->charts[i].title, what) == 0) {
            move_chart(c, i, p->n_charts++);
            return 0;
        }
    for (int i = 0; i < c->n_runs; i++) {
        if (!c->data[i] || !run_data_metric(c->data[i], what))
            continue;
        c->charts = mem_realloc(c->charts, (size_t)c->n_charts + 1, sizeof *c->charts);
        c->charts[c->n_charts++] = chart_of(what);
        move_chart(c, c->n_charts - 1, p->n_charts++);
        return 0;
    }
    return err_set(e, ERR_NOT_FOUND,
                   "no metric \"%s\" was recorded by %s%s; \"attune show RUN --metrics all\" lists metrics", what,
                   c->rows[0]->info.name, c->n_runs > 1 ? " or the others" : "");
}

// An experiment that trained nothing itself is left out: its parts have the curves, and its steps, which are those of all of
// them together, would only stretch the axis.
static bool is_only_its_parts(const struct plots *p, int i)
{
    struct run_row *parts[CURVES_RUNS];
    const struct curves *c = &p->curves;
    return run_list_parts(&p->list, c->rows[i], parts, CURVES_RUNS) > 0 &&
           !(c->data[i] && run_data_metric(c->data[i], "loss"));
}

static void show_recorded(struct plots *p)
{
    struct curves *c = &p->curves;
    struct run_row *rows[CURVES_RUNS];
    bool changed;
    int n = 0;
    curves_show(c, p->rows, p->n_rows);
    curves_poll(c, 0, &changed); // learns which metrics there are
    for (int i = 0; i < c->n_runs; i++)
        if (!is_only_its_parts(p, i))
            rows[n++] = c->rows[i];
    if (n > 0 && n < c->n_runs) {
        curves_show(c, rows, n);
        curves_poll(c, 0, &changed);
    }
}

int plots_choose(struct plots *p, const char *charts, int most, struct err *e)
{
    struct curves *c = &p->curves;
    if (p->list.n == 0)
        return err_set(e, ERR_NOT_FOUND, "there are no runs in this project yet");
    if (p->n_rows == 0)
        p->rows[p->n_rows++] = p->list.rows[p->list.n - 1];
    show_recorded(p);
    c->keep_charts = true;       // what a live run records meanwhile must not make the charts anew
    if (charts && strcmp(charts, "all") != 0) {
        char *copy = mem_strdup(charts), *rest = copy, *what;
        int code = 0;
        while (!code && (what = strsep(&rest, ",")))
            code = choose_one(p, what, e);
        free(copy);
        return code;
    }
    p->n_charts = charts || c->n_charts < most ? c->n_charts : most;
    return 0;
}

// ---- reading ----

static int index_of(const char *const *names, const char *name)
{
    int i = 0;
    while (names[i + 1] && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static int choose_window(struct curves *c, const struct args *a, struct err *e)
{
    curves_window(c, &c->x0, &c->x1);
    if (settings_text(&a->settings, "from")[0])
        c->x0 = settings_float(&a->settings, "from");
    if (settings_text(&a->settings, "to")[0])
        c->x1 = settings_float(&a->settings, "to");
    c->fit = c->follow = false;
    if (!(c->x0 < c->x1))
        return err_set(e, ERR_USAGE, "the chart would begin at %g and end at %g: --from must be less than --to", c->x0,
                       c->x1);
    return 0;
}

// How several runs become lines.
static int choose_mode(struct curves *c, const struct args *a, struct err *e)
{
    const char *group = args_text(a, "group"), *minus = args_text(a, "minus");
    if (!group && !minus)
        return 0;
    if (group && minus)
        return err_set(e, ERR_USAGE, "--group and --minus exclude each other");
    if (c->n_runs < 2)
        return err_set(e, ERR_USAGE, "%s needs several runs", group ? "--group" : "--minus");
    c->mode = group ? MODE_GROUPS : MODE_DELTA;
    if (group && !text_copy(c->group_by, sizeof c->group_by, group))
        return err_set(e, ERR_USAGE, "--group: no setting has so long a name");
    if (group && !curves_has_setting(c, group))
        return err_set(e, ERR_USAGE, "--group %s: none of these runs has such a setting", group);
    c->band = (enum band)index_of(band_words, settings_text(&a->settings, "band"));
    for (int i = 0; i < c->n_runs && minus; i++)
        if (strcmp(c->rows[i]->info.name, minus) == 0)
            c->pinned = c->rows[i]->info.id;
    return minus && !c->pinned ? err_set(e, ERR_NOT_FOUND, "--minus %s: it is none of the runs that are drawn", minus) : 0;
}

int plots_read(struct plots *p, const struct args *a, struct err *e)
{
    struct curves *c = &p->curves;
    const enum scale scale = (enum scale)index_of(scale_names, settings_text(&a->settings, "y"));
    c->x_kind = (enum x_kind)index_of(axis_names, settings_text(&a->settings, "x"));
    c->x_log = strcmp(settings_text(&a->settings, "x-scale"), "log") == 0;
    if (smooth_read(settings_text(&a->settings, "smooth"), &c->smooth_kind, &c->weight, e))
        return e->code;
    c->n_charts = p->n_charts;
    c->focus = 0;
    for (int i = 0; i < c->n_charts; i++) {
        c->charts[i].scale = scale;
        c->charts[i].clip = settings_bool(&a->settings, "clip") ? (struct clip){1, 1} : (struct clip){0};
    }
    if (choose_mode(c, a, e))
        return e->code;
    bool changed;
    while (!curves_poll(c, clock_seconds() + 1, &changed))
        ;
    for (int i = 0; i < c->n_runs; i++) {
        if (c->data[i]->trouble[0])
            return err_set(e, ERR_INPUT, "run %s: %s", c->rows[i]->info.name, c->data[i]->trouble);
        if (!curves_has_map(c, i, c->x_kind))
            return err_set(e, ERR_NOT_FOUND,
                           "run %s has not recorded what --x %s is made from (step_s, tokens_per_s; of epochs their "
                           "number, where none of steps was given)",
                           c->rows[i]->info.name, axis_names[c->x_kind]);
    }
    return choose_window(c, a, e);
}

// ---- text ----

int plots_size(const char *text, const char *unit, int min_width, int min_height, int max, int *width, int *height,
               struct err *e)
{
    char *end;
    const long w = strtol(text, &end, 10), h = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end || w < min_width || w > max || h < min_height || h > max)
        return err_set(e, ERR_USAGE, "--size %s: %s are wanted, such as %s, from %dx%d to %dx%d", text, unit,
                       max > 1000 ? "1200x700" : "80x24", min_width, min_height, max, max);
    *width = (int)w;
    *height = (int)h;
    return 0;
}

enum glyphs plots_glyphs(const struct args *a)
{
    const char *name = settings_find(&a->settings, "glyphs") ? settings_text(&a->settings, "glyphs") : "auto";
    if (settings_bool(&a->settings, "ascii") || strcmp(name, "ascii") == 0)
        return GLYPHS_ASCII;
    if (strcmp(name, "block") == 0)
        return GLYPHS_BLOCK;
    if (strcmp(name, "braille") == 0)
        return GLYPHS_BRAILLE;
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? GLYPHS_BRAILLE : GLYPHS_ASCII;
}

void plots_print(struct canvas *c)
{
    struct str text = {0};
    canvas_save(c, false, &text);
    fputs(str_text(&text), stdout);
    str_fini(&text);
}
