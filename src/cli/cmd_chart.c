// attune chart METRIC: one chart of one or several runs, as text.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/look.h"
#include "cli/plots.h"

static const char *const glyph_names[] = {"auto", "braille", "block", "ascii", NULL};
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
    {0},
};

static int run(int argc, char **argv);

const struct command command_chart = {
    .name = "chart",
    .synopsis = "attune chart [RUN] METRIC... [--runs A,B] [--size 80x24] [--ascii] [--json]",
    .summary = "Draws a metric of one or several runs as text.",
    .help = "RUN is a run or several with commas between them; without it the newest one is drawn. METRIC is a metric "
            "(\"attune show RUN --metrics all\" lists them) or the title of one of the console's charts, such as loss, "
            "rewards, accuracy. With --json: the points, and the smoothed ones.\n\n"
            "  attune chart rewards\n  attune chart kl --runs dpo-1,dpo-2 --smooth 0.9 --ascii\n"
            "  attune chart loss --smooth gaussian:20\n"
            "  attune chart eval/loss --runs a-1,a-2,a-3,b-1,b-2,b-3 --group seed --band interval\n"
            "  attune chart kl --runs dpo-1,dpo-2 --minus dpo-1",
    .options = options,
    .json = true,
    .run = run,
    .more_options = plots_options,
};

static json_t *line_to_json(const struct plot_line *line, const char *name)
{
    const struct series *s = line->series;
    json_t *points = json_array(), *smoothed = json_array();
    struct smoother walk;
    smoother_init(&walk, s->smooth_kind == SMOOTH_EMA ? s->weight : 0, s->unit > 0 ? s->unit : 1);
    for (uint32_t i = 0; i < s->n; i++) {
        double value = series_value(s, i);
        json_array_append_new(points, json_pack("[I, o]", (json_int_t)series_step(s, i), look_json_number(value)));
        if (s->weight > 0)
            json_array_append_new(smoothed, look_json_number(s->smooth_kind == SMOOTH_EMA
                                                                  ? smoother_add(&walk, (double)series_step(s, i), value)
                                                                  : series_smoothed(s, i)));
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

static int draw(struct plots *p, const struct args *a, const char *metric, struct err *e)
{
    int width = 0, height = 0;
    int code = plots_size(settings_text(&a->settings, "size"), "columns and lines", 20, 6, 1000, &width, &height, e);
    if (!code)
        code = plots_choose(p, metric, 1, e);
    p->curves.lines_only = true;
    if (!code)
        code = plots_read(p, a, e);
    if (code)
        return code;
    if (args_json(a)) {
        print_json(&p->curves);
        return 0;
    }
    const enum glyphs glyphs = plots_glyphs(a);
    struct canvas canvas;
    canvas_init(&canvas, width, height, glyphs, glyphs != GLYPHS_ASCII);
    curves_draw_chart(&p->curves, &p->curves.charts[0], &canvas, canvas_area(&canvas), false, true);
    plots_print(&canvas);
    canvas_fini(&canvas);
    return 0;
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

static int draw_all(struct args *a, struct store *s, struct err *e)
{
    const char *runs = args_text(a, "runs");
    int first = 0, code = 0;
    for (int i = 0; i == 0 || (i + first < a->n_words && !code); i++) {
        struct plots p;
        plots_init(&p);
        code = plots_list(&p, s, e);
        if (!code && i == 0 && !runs && a->n_words > 1 && names_runs(&p.list, a->words[0]))
            runs = a->words[first++];
        if (!code && args_json(a) && a->n_words - first > 1)
            code = err_set(e, ERR_USAGE, "--json prints one chart at a time");
        if (!code && runs)
            code = plots_add_runs(&p, runs, e);
        if (!code)
            code = draw(&p, a, a->words[i + first], e);
        plots_fini(&p);
    }
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_chart, argc, argv, 1, -1, draw_all);
}
