// attune demo run, attune demo open: the demo's tuning without a screen, and in the console.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/follow.h"
#include "cli/print.h"
#include "cli/start.h"
#include "demo/demo.h"
#include "ui/ui.h"

static const struct param options[] = {
    {.name = "steps", .type = PARAM_INT, .fallback = "100", .min = 1, .max = 100000, .unit = "steps", .group = "demo",
     .help = "How long to tune."},
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .group = "demo",
     .help = "How strongly the model is held to what it was."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .group = "demo", .help = "The run's name; else dpo with a number."},
    {0},
};

static int run_run(int argc, char **argv);
static int run_open(int argc, char **argv);

const struct command command_demo_run = {
    .name = "demo run",
    .synopsis = "attune demo run [--steps N] [--beta X]",
    .summary = "Tunes the demo's model with DPO, and compares it with what people prefer.",
    .help = "The pairs come from stated preferences, so that it is known what tuning must arrive at: \"attune demo "
            "truth\" explains.",
    .options = options,
    .json = true,
    .run = run_run,
};

const struct command command_demo_open = {
    .name = "demo open",
    .synopsis = "attune demo open [--steps N] [--beta X]",
    .summary = "Opens the console on the demo; the first time it starts a run.",
    .options = options,
    .run = run_open,
};

static int start(const struct args *a, struct store *s, char **name, struct err *e)
{
    struct engine_description *d = NULL;
    int code = engine_describe(&d, e);
    if (code)
        return code;
    json_t *given = engine_demo_settings(settings_int(&a->settings, "steps"), settings_float(&a->settings, "beta"));
    code = start_run(s, d, "dpo", args_text(a, "name"), "the demo: endings of stories that people prefer 60 to 40", given,
                     name, NULL, e);
    json_decref(given);
    engine_description_free(d);
    return code;
}

static double end_of(struct run_reader *r, const char *style, bool first)
{
    struct str key = {0};
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0;
    double value = NAN;
    str_addf(&key, "style/%s", style);
    if (run_reader_points(r, str_text(&key), &cursor, &points, &n, NULL) == 0 && n > 0)
        value = points[first ? 0 : n - 1].value;
    free(points);
    str_fini(&key);
    return value;
}

// The measured shares of the styles beside the closed forms.
static void compare(struct look *l, double beta)
{
    double reference[DEMO_N_STYLES], kl[DEMO_N_STYLES], matching[DEMO_N_STYLES];
    static const char *const titles[] = {"ENDING", "CORPUS", "BEFORE", "AFTER", "DPO'S LIMIT", "PEOPLE"};
    struct print_table t;
    demo_shares_reference(reference);
    demo_shares_kl(beta, kl);
    demo_shares_matching(matching);
    print_table_init(&t, "lrrrrr");
    for (int i = 0; i < 6; i++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[i]);
    for (int i = 0; i < DEMO_N_STYLES; i++) {
        const char *name = demo_styles[i].name;
        double columns[] = {reference[i], end_of(l->reader, name, true), end_of(l->reader, name, false), kl[i], matching[i]};
        print_table_cell(&t, -1, "%s", name);
        for (int c = 0; c < 5; c++)
            if (isnan(columns[c]))
                print_table_cell(&t, -1, "-");
            else
                print_table_cell(&t, c == 2 ? PRINT_BOLD : -1, "%.1f %%", 100 * columns[c]);
    }
    printf("\nHow the stories end: in the corpus, in samples before and after tuning,\n"
           "where DPO arrives in the end at beta %g, and as people would choose\n", beta);
    print_table_end(&t, stdout, print_width(stdout));
}

// As this program was started: with its path where it isn't in $PATH.
static void say_console(const char *project)
{
    struct str s = {0};
    str_add_quoted(&s, program_invocation_name);
    str_add(&s, " --project ");
    str_add_quoted(&s, project);
    printf("\nThe console on this project: %s\n", str_text(&s));
    str_fini(&s);
}

static int run_run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    char *name = NULL;
    int status = 0;
    if (!args_open(&a, &command_demo_run, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, true, &s, &e);
    if (!code)
        code = start(&a, s, &name, &e);
    if (!code)
        code = look_open(&l, s, name, &e);
    if (!code)
        code = follow_to_end(&l, args_json(&a), &e);
    if (!code && !args_json(&a)) {
        compare(&l, settings_float(&a.settings, "beta"));
        say_console(store_dir(s));
    }
    if (code)
        status = args_fail(&a, &e);
    look_close(&l);
    store_close(s);
    free(name);
    args_close(&a);
    return status;
}

static int run_open(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct run_info *runs = NULL;
    char *name = NULL;
    int status = 0, n = 0;
    if (!args_open(&a, &command_demo_open, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, true, &s, &e);
    if (!code)
        code = store_runs(s, &runs, &n, &e);
    if (!code && n == 0)
        code = start(&a, s, &name, &e);
    run_infos_free(runs, n);
    char *dir = s ? store_project_dir(store_dir(s)) : NULL;
    store_close(s);
    if (!code) {
        struct ui_options ui = {.project = dir, .run = name}; // the run that was just started, else the list
        code = ui_console(&ui, &e);
    }
    if (code)
        status = args_fail(&a, &e);
    free(dir);
    free(name);
    args_close(&a);
    return status;
}
