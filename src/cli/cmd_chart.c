// attune chart METRIC: one chart of one or several runs, as text.
#include "config.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "ui/curves.h"

static const char *const glyph_names[] = {"auto", "braille", "block", "ascii", NULL};
static const char *const scale_names[] = {"linear", "log", "symlog", NULL};
static const char *const axis_names[] = {"step", "time", "tokens", NULL};
static const char *const x_scale_names[] = {"linear", "log", NULL};
static const char *const band_names[] = {"mean", "range", "sd", "interval", NULL}; // as enum band
static const struct param options[] = {
    {.name = "runs",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "The runs, separated by commas; without it the newest one."},
    {.name = "size", .type = PARAM_TEXT, .fallback = "80x24", .help = "Columns and lines of the chart."},
    {.name = "glyphs",
     .type = PARAM_CHOICE,
     .fallback = "auto",
     .choices = glyph_names,
     .help = "What curves are drawn with."},
    {.name = "ascii", .type = PARAM_BOOL, .fallback = "no", .help = "The same as --glyphs ascii."},
    {.name = "smooth",
     .type = PARAM_FLOAT,
     .fallback = "0",
     .min = 0,
     .max = 0.999,
     .help = "Weight of the average over earlier points; 0 draws the points as they are."},
    {.name = "x",
     .type = PARAM_CHOICE,
     .fallback = "step",
     .choices = axis_names,
     .help = "What the horizontal axis counts."},
    {.name = "y",
     .type = PARAM_CHOICE,
     .fallback = "linear",
     .choices = scale_names,
     .help = "The scale of the vertical axis."},
    {.name = "clip",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Leaves the outermost hundredth out of the vertical range."},
    {.name = "x-scale",
     .type = PARAM_CHOICE,
     .fallback = "linear",
     .choices = x_scale_names,
     .help = "The scale of the horizontal axis."},
    {.name = "group",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "Draws runs with the same value of this setting as their mean with a band; seed: runs that are alike but for it."},
    {.name = "band",
     .type = PARAM_CHOICE,
     .fallback = "sd",
     .choices = band_names,
     .help = "Around the means: one standard deviation, the 95 % interval of the mean, the least and the most, nothing."},
    {.name = "minus", .type = PARAM_TEXT, .fallback = "", .help = "Draws each of the other runs minus this one."},
    {.name = "from", .type = PARAM_FLOAT, .fallback = "", .help = "Where the horizontal axis begins."},
    {.name = "to", .type = PARAM_FLOAT, .fallback = "", .help = "Where it ends."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_chart = {
    .name = "chart",
    .synopsis = "attune chart [RUN] METRIC... [--runs A,B] [--size 80x24] [--ascii] [--json]",
    .summary = "Draws a metric of one or several runs as text.",
    .help = "RUN is a run or several with commas between them; without it the newest one is drawn. METRIC is a metric (\"attune show RUN --metrics all\" lists them) or the title of one of the console's "
            "charts, such as "
            "loss, rewards, accuracy. With --json: the points, and the smoothed ones.\n\n"
            "  attune chart rewards\n  attune chart kl --runs dpo-1,dpo-2 --smooth 0.9 --ascii\n"
            "  attune chart eval/loss --runs a-1,a-2,a-3,b-1,b-2,b-3 --group seed --band interval\n"
            "  attune chart kl --runs dpo-1,dpo-2 --minus dpo-1",
    .options = options,
    .json = true,
    .run = run,
};

static int parse_size(const char *text, int *width, int *height, struct err *e)
{
    char *end;
    long w = strtol(text, &end, 10), h = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end || w < 20 || w > 1000 || h < 6 || h > 1000)
        return err_set(e, ERR_USAGE, "--size %s: columns and lines are wanted, such as 80x24, from 20x6 to 1000x1000",
                       text);
    *width = (int)w;
    *height = (int)h;
    return 0;
}

static int find_rows(struct run_list *l, const char *names, struct run_row **rows, int *n, struct err *e)
{
    *n = 0;
    if (!names || !*names) {
        if (l->n == 0)
            return err_set(e, ERR_NOT_FOUND, "there are no runs in this project yet");
        rows[(*n)++] = l->rows[l->n - 1];
        return 0;
    }
    char *copy = mem_strdup(names), *rest = copy, *name;
    int code = 0;
    while (!code && (name = strsep(&rest, ","))) {
        struct run_row *row = run_list_find(l, name);
        struct run_info none = {0};
        if (!row) {
            code = store_find_run(l->store, name, &none, e); // its message names near ones
            run_info_fini(&none);
            if (!code)
                code = err_set(e, ERR_NOT_FOUND, "run %s is hidden", name);
        } else if (*n == CURVES_RUNS) {
            code = err_set(e, ERR_USAGE, "--runs: at most %d runs fit into one chart", CURVES_RUNS);
        } else {
            rows[(*n)++] = row;
        }
    }
    free(copy);
    return code;
}

// Makes `what`, a chart's title or a metric, the only chart that is read and drawn.
static int choose_chart(struct curves *c, const char *what, struct err *e)
{
    bool changed;
    curves_poll(c, 0, &changed); // learns which metrics there are
    for (int i = 0; i < c->n_charts; i++) {
        if (strcmp(c->charts[i].title, what) == 0) {
            c->focus = i;
            return 0;
        }
    }
    for (int i = 0; i < c->n_runs; i++) {
        if (!c->data[i] || !run_data_metric(c->data[i], what))
            continue;
        struct chart *chart = &c->charts[0];
        *chart = (struct chart){.n_parts = 1};
        text_copy(chart->title, sizeof chart->title, what);
        text_copy(chart->overlay, sizeof chart->overlay, what);
        text_copy(chart->parts[0].key, sizeof chart->parts[0].key, what);
        return 0;
    }
    return err_set(e, ERR_NOT_FOUND,
                   "no metric \"%s\" was recorded by %s%s; \"attune show RUN --metrics all\" lists metrics", what,
                   c->rows[0]->info.name, c->n_runs > 1 ? " or the others" : "");
}

static json_t *line_to_json(const struct plot_line *line, const char *name)
{
    const struct series *s = line->series;
    json_t *points = json_array(), *smoothed = json_array();
    struct smoother walk;
    smoother_init(&walk, s->weight, s->unit > 0 ? s->unit : 1);
    for (uint32_t i = 0; i < s->n; i++) {
        double value = series_value(s, i);
        json_array_append_new(points, json_pack("[I, o]", (json_int_t)series_step(s, i), look_json_number(value)));
        if (s->weight > 0)
            json_array_append_new(smoothed, look_json_number(smoother_add(&walk, (double)series_step(s, i), value)));
    }
    json_t *o = json_pack("{s:o, s:o}", "name", look_json_text(name), "points", points);
    if (s->weight > 0)
        json_object_set(o, "smoothed", smoothed);
    json_decref(smoothed);
    return o;
}

static void print_json(const struct curves *c)
{
    const struct chart *chart = &c->charts[c->focus];
    struct plot_line lines[RASTER_LINES];
    int n = curves_lines(c, chart, lines);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list,
                              line_to_json(&lines[i], lines[i].label[0] ? lines[i].label : c->rows[0]->info.name));
    look_print_json(json_pack("{s:o, s:s, s:o}", "chart", look_json_text(chart->title), "x", "step", "lines", list));
}

static enum glyphs choose_glyphs(const struct args *a)
{
    const char *name = settings_text(&a->settings, "glyphs");
    if (settings_bool(&a->settings, "ascii") || strcmp(name, "ascii") == 0)
        return GLYPHS_ASCII;
    if (strcmp(name, "block") == 0)
        return GLYPHS_BLOCK;
    if (strcmp(name, "braille") == 0)
        return GLYPHS_BRAILLE;
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? GLYPHS_BRAILLE : GLYPHS_ASCII;
}

static void print_chart(struct curves *c, const struct args *a, int width, int height)
{
    enum glyphs glyphs = choose_glyphs(a);
    struct canvas canvas;
    struct str text = {0};
    canvas_init(&canvas, width, height, glyphs, glyphs != GLYPHS_ASCII);
    curves_draw_chart(c, &c->charts[c->focus], &canvas, canvas_area(&canvas), false, true);
    canvas_save(&canvas, false, &text);
    fputs(str_text(&text), stdout);
    str_fini(&text);
    canvas_fini(&canvas);
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
        return err_set(e, ERR_USAGE, "%s needs several runs: --runs A,B,...", group ? "--group" : "--minus");
    c->mode = group ? MODE_GROUPS : MODE_DELTA;
    if (group && !text_copy(c->group_by, sizeof c->group_by, group))
        return err_set(e, ERR_USAGE, "--group: no setting has so long a name");
    if (group && !curves_has_setting(c, group))
        return err_set(e, ERR_USAGE, "--group %s: none of these runs has such a setting", group);
    for (int i = 0; i < BAND_N; i++)
        if (strcmp(settings_text(&a->settings, "band"), band_names[i]) == 0)
            c->band = (enum band)i;
    for (int i = 0; i < c->n_runs && minus; i++)
        if (strcmp(c->rows[i]->info.name, minus) == 0)
            c->pinned = c->rows[i]->info.id;
    return minus && !c->pinned ? err_set(e, ERR_NOT_FOUND, "--minus %s: it is none of the runs that are drawn", minus) : 0;
}

static int chart(struct curves *c, const struct args *a, const char *metric, struct err *e)
{
    int width = 0, height = 0;
    int code = parse_size(settings_text(&a->settings, "size"), &width, &height, e);
    if (!code)
        code = choose_mode(c, a, e);
    if (!code)
        code = choose_chart(c, metric, e);
    if (code)
        return code;
    for (int i = 0; i < 3; i++)
        if (strcmp(settings_text(&a->settings, "x"), axis_names[i]) == 0)
            c->x_kind = (enum x_kind)i;
    c->full = true;
    c->lines_only = true;
    c->x_log = strcmp(settings_text(&a->settings, "x-scale"), "log") == 0;
    c->weight = settings_float(&a->settings, "smooth");
    // The chart is fixed now: what a live run records meanwhile must not make the charts anew.
    c->keep_charts = true;
    bool changed;
    while (!curves_poll(c, clock_seconds() + 1, &changed))
        ;
    for (int i = 0; i < c->n_runs; i++) {
        if (c->data[i]->trouble[0])
            return err_set(e, ERR_INPUT, "run %s: %s", c->rows[i]->info.name, c->data[i]->trouble);
        if (!curves_has_map(c, i, c->x_kind))
            return err_set(e, ERR_NOT_FOUND, "run %s has not recorded what --x %s is made from (step_s, tokens_per_s)",
                           c->rows[i]->info.name, axis_names[c->x_kind]);
    }
    for (int i = 0; i < 3; i++)
        if (strcmp(settings_text(&a->settings, "y"), scale_names[i]) == 0)
            c->charts[c->focus].scale = (enum scale)i;
    c->charts[c->focus].clip = settings_bool(&a->settings, "clip");
    code = choose_window(c, a, e);
    if (!code && args_json(a))
        print_json(c);
    else if (!code)
        print_chart(c, a, width, height);
    return code;
}

// The first of several words may name the runs: "dpo-1 loss rewards", "dpo-1,dpo-2 kl".
static bool names_runs(const struct run_list *list, const char *word)
{
    const size_t n = strcspn(word, ",");
    for (int i = 0; i < list->n; i++) {
        const char *name = list->rows[i]->info.name;
        if (strncmp(name, word, n) == 0 && name[n] == '\0')
            return true;
    }
    return false;
}

static int draw_all(struct run_list *list, const struct args *a, struct err *e)
{
    const char *runs = args_text(a, "runs");
    struct run_row *rows[CURVES_RUNS];
    int n = 0, first = 0;
    if (!runs && a->n_words > 1 && names_runs(list, a->words[0]))
        runs = a->words[first++];
    int code = find_rows(list, runs, rows, &n, e);
    if (!code && args_json(a) && a->n_words - first > 1)
        code = err_set(e, ERR_USAGE, "--json prints one chart at a time");
    for (int i = first; i < a->n_words && !code; i++) {
        struct curves curves;
        curves_init(&curves);
        curves_show(&curves, rows, n);
        code = chart(&curves, a, a->words[i], e);
        curves_fini(&curves);
    }
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct run_list list = {0};
    int status = 0;
    if (!args_open(&a, &command_chart, argc, argv, 1, -1, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code) {
        run_list_init(&list, s);
        run_list_poll(&list, clock_seconds(), true, &e);
        code = e.code;
    }
    if (!code)
        code = draw_all(&list, &a, &e);
    if (code)
        status = args_fail(&a, &e);
    run_list_fini(&list);
    store_close(s);
    args_close(&a);
    return status;
}
