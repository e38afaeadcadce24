#include "config.h"

#include "cli/export_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/plots.h"
#include "export/export.h"
#include "ui/curves/curves_picture.h"
#include "ui/curves/curves_summary.h"
#include "ui/plot/picture.h"

static const char *const themes[] = {"auto", "light", "dark", NULL};
const struct param export_data_options[] = {
    {.name = "svg", .type = PARAM_PATH, .fallback = "",
     .help = "Writes the runs' curves as a picture of lines; - prints it."},
    {.name = "png", .type = PARAM_PATH, .fallback = "", .help = "Writes them as a picture of pixels."},
    {.name = "csv", .type = PARAM_PATH, .fallback = "", .help = "Writes a table of what was recorded; - prints it."},
    {.name = "jsonl", .type = PARAM_PATH, .fallback = "", .help = "Writes it as lines of JSON."},
    {.name = "tensorboard", .type = PARAM_PATH, .fallback = "",
     .help = "Writes a folder of event files that TensorBoard opens, one folder a run."},
    {.name = "what", .type = PARAM_CHOICE, .fallback = "metrics", .choices = export_names, .help = "What the table is of."},
    {.name = "metrics", .type = PARAM_TEXT, .fallback = "",
     .help = "Metrics, separated by commas; of pictures also titles of the console's charts. Without it tables have all "
             "metrics, and pictures the first six charts; \"all\" draws all."},
    {.name = "wide", .type = PARAM_BOOL, .fallback = "no", .help = "A row for each step with a column for each metric."},
    {.name = "size", .type = PARAM_TEXT, .fallback = "",
     .help = "Pixels of the picture, such as 1200x700; else as the charts need."},
    {.name = "columns", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 12,
     .help = "Charts beside one another; 0: as many as fit."},
    {.name = "multiples", .type = PARAM_BOOL, .fallback = "no",
     .help = "A chart for each run and metric instead of runs over one another, with --group for each group; those of a "
             "metric have one scale."},
    {.name = "scatter", .type = PARAM_TEXT, .fallback = "",
     .help = "Draws each run as a point instead: X,Y are two metrics (their newest values, or kl@min, reward@max) or "
             "settings."},
    {.name = "box", .type = PARAM_TEXT, .fallback = "",
     .help = "Draws boxes of the runs' newest values instead: METRIC,SETTING, such as eval/loss,beta."},
    {.name = "heat-map", .type = PARAM_TEXT, .fallback = "",
     .help = "Draws a row of shades for each run instead: METRIC over the steps, dark where it is high."},
    {.name = "parallel", .type = PARAM_TEXT, .fallback = "",
     .help = "Draws a line for each run through axes of settings and metrics instead: lr,beta,kl@max."},
    {.name = "theme", .type = PARAM_CHOICE, .fallback = "auto", .choices = themes,
     .help = "Ground and colours; auto is light, and an SVG changes with what the one who looks at it prefers."},
    {0},
};

static const char *const targets[] = {"svg", "png", "csv", "jsonl", "tensorboard"};
enum { TARGET_SVG, TARGET_PNG, TARGET_CSV, TARGET_JSONL, TARGET_TENSORBOARD, N_TARGETS };
enum { USUAL_CHARTS = 6, USUAL_WIDTH = 1060 };

bool export_data_wanted(const struct args *a)
{
    for (int i = 0; i < N_TARGETS; i++)
        if (args_text(a, targets[i]))
            return true;
    return false;
}

// ---- pictures ----

static enum theme theme_of(const struct args *a)
{
    const char *name = settings_text(&a->settings, "theme");
    return strcmp(name, "dark") == 0 ? THEME_DARK : strcmp(name, "light") == 0 ? THEME_LIGHT : THEME_AUTO;
}

static int save(const char *path, const struct str *bytes, struct err *e)
{
    if (strcmp(path, "-") != 0)
        return file_write(path, str_text(bytes), bytes->len, e);
    if (isatty(STDOUT_FILENO) && memcmp(str_text(bytes), "\x89PNG", 4) == 0)
        return err_set(e, ERR_USAGE, "a PNG is nothing for a terminal: give a file's name");
    if (fwrite(str_text(bytes), 1, bytes->len, stdout) != bytes->len || fflush(stdout) != 0)
        return err_errno(e, "cannot write the picture");
    return 0;
}

// Charts, or one number a run instead of them.
static int choose(struct plots *p, const struct args *a, struct err *e)
{
    static const struct {
        const char *option;
        enum summary kind;
    } known[] = {{"scatter", SUMMARY_SCATTER}, {"box", SUMMARY_BOX}, {"heat-map", SUMMARY_HEAT},
                 {"parallel", SUMMARY_PARALLEL}};
    const char *of = NULL;
    enum summary kind = SUMMARY_NONE;
    int n = args_text(a, "metrics") || settings_bool(&a->settings, "multiples");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (args_text(a, known[i].option)) {
            of = args_text(a, known[i].option);
            kind = known[i].kind;
            n++;
        }
    if (of && n > 1)
        return err_set(
            e, ERR_USAGE,
            "--scatter, --box, --heat-map, --parallel and the charts of --metrics and --multiples exclude each other");
    int code = plots_choose(p, args_text(a, "metrics"), USUAL_CHARTS, e);
    if (!code && of)
        code = curves_summarize(&p->curves, kind, of, e);
    p->n_charts = of ? 0 : p->n_charts;
    return code;
}

static int picture(struct store *s, const struct args *a, const char *path, const struct painter_ops *painter, struct err *e)
{
    struct curves_look look = {.width = USUAL_WIDTH, .theme = theme_of(a), .titled = true,
                               .columns = (int)settings_int(&a->settings, "columns")};
    struct str bytes = {.max = (size_t)256 << 20};
    struct plots p;
    int code = 0;
    if (painter == &painter_png && look.theme == THEME_AUTO)
        look.theme = THEME_LIGHT;
    if (args_text(a, "size"))
        code = plots_size(args_text(a, "size"), "pixels", PICTURE_SMALLEST, PICTURE_SMALLEST, PICTURE_LARGEST, &look.width,
                          &look.height, e);
    if (code)
        return code;
    plots_init(&p);
    code = plots_list(&p, s, e);
    for (int i = 0; i < a->n_words && !code; i++)
        code = plots_add_runs(&p, a->words[i], e);
    if (!code)
        code = choose(&p, a, e);
    p.curves.multiples = settings_bool(&a->settings, "multiples");
    if (!code && p.curves.multiples && args_text(a, "minus"))
        code = err_set(e, ERR_USAGE, "--multiples shows each run as it is, --minus makes lines of two: choose one");
    if (!code)
        code = plots_read(&p, a, e);
    if (!code)
        code = curves_picture(&p.curves, 0, p.n_charts, painter, &look, &bytes, e);
    if (!code)
        code = save(path, &bytes, e);
    plots_fini(&p);
    str_fini(&bytes);
    return code;
}

// ---- tables ----

// "a,b" and "c" as a, b, c; the texts are those of *copy.
static int split(char *copy, const char **out, int n)
{
    for (char *one; (one = strsep(&copy, ","));)
        if (*one)
            out[n++] = one;
    return n;
}

static int names_in(const struct args *a)
{
    int n = 0;
    for (int i = 0; i < a->n_words; i++)
        for (const char *c = a->words[i]; *c; c++)
            n += *c == ',';
    return n + a->n_words;
}

// A metric that no run has is a slip of the pen: an empty table would not say so.
static int check_key(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct str *missing = arg;
    char **names = NULL;
    int n = 0, code = run_reader_keys(r, &names, &n, e);
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], str_text(missing)) == 0)
            str_clear(missing);
        free(names[i]);
    }
    free(names);
    return code;
}

static int check_keys(const struct export_wish *w, struct err *e)
{
    int code = 0;
    for (int k = 0; k < w->n_keys && !code; k++) {
        struct str missing = {0};
        str_add(&missing, w->keys[k]);
        code = export_each(w, check_key, &missing, e);
        if (!code && missing.len > 0)
            code =
                err_set(e, ERR_NOT_FOUND,
                        "no metric \"%s\" was recorded by these runs; \"attune show RUN --metrics all\" lists metrics",
                        w->keys[k]);
        str_fini(&missing);
    }
    return code;
}

static int data(struct store *s, const struct args *a, int target, const char *path, json_t *written, struct err *e)
{
    const char *metrics = settings_text(&a->settings, "metrics");
    const int n_names = names_in(a);
    const char **runs = mem_alloc((size_t)n_names + 1, sizeof *runs);
    const char **keys = mem_alloc(strlen(metrics) + 2, sizeof *keys);
    char **copies = mem_alloc((size_t)a->n_words + 1, sizeof *copies), *keys_copy = mem_strdup(metrics);
    struct export_wish w = {.store = s, .runs = runs, .keys = keys, .wide = settings_bool(&a->settings, "wide")};
    for (int i = 0; i < a->n_words; i++)
        w.n_runs = split(copies[i] = mem_strdup(a->words[i]), runs, w.n_runs);
    if (strcmp(metrics, "all") != 0)
        w.n_keys = split(keys_copy, keys, 0);
    int code = check_keys(&w, e), n_runs = 0, what = 0;
    while (strcmp(export_names[what], settings_text(&a->settings, "what")) != 0)
        what++;
    int64_t n_rows = 0;
    if (!code && target == TARGET_TENSORBOARD) {
        code = export_tensorboard(&w, path, &n_runs, e);
        json_object_set_new(written, "runs", json_integer(n_runs));
    } else if (!code) {
        code = export_table(&w, (enum export_what)what, target == TARGET_CSV ? TABLE_CSV : TABLE_JSONL, path, &n_rows, e);
        json_object_set_new(written, "rows", json_integer(n_rows));
    }
    for (int i = 0; i < a->n_words; i++)
        free(copies[i]);
    free(copies);
    free(keys_copy);
    free(runs);
    free(keys);
    return code;
}

static void say(const json_t *written)
{
    const char *name;
    json_t *n;
    printf("%s", json_string_value(json_object_get(written, "path")));
    json_object_foreach((json_t *)written, name, n) if (json_is_integer(n))
        printf(": %lld %s", (long long)json_integer_value(n),
               json_integer_value(n) == 1 && strcmp(name, "runs") == 0 ? "run"
               : json_integer_value(n) == 1                            ? "row"
                                                                       : name);
    putchar('\n');
}

int export_data(const struct args *a, struct err *e)
{
    struct store *s = NULL;
    json_t *list = json_array();
    int code = look_project(a, false, &s, e);
    for (int i = 0; i < N_TARGETS && !code; i++) {
        const char *path = args_text(a, targets[i]);
        if (!path)
            continue;
        json_t *written = json_pack("{s:o, s:s}", "path", look_json_text(path), "as", targets[i]);
        if (i == TARGET_SVG || i == TARGET_PNG)
            code = picture(s, a, path, i == TARGET_SVG ? &painter_svg : &painter_png, e);
        else
            code = data(s, a, i, path, written, e);
        if (!code && !args_json(a) && strcmp(path, "-") != 0)
            say(written);
        json_array_append_new(list, written);
    }
    if (!code && args_json(a))
        look_print_json(json_incref(list));
    json_decref(list);
    store_close(s);
    return code;
}
