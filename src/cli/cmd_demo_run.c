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
     .help = "How long to tune with DPO; preference matching makes half as many steps."},
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .group = "demo",
     .help = "How strongly DPO holds the model to what it was."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .group = "demo",
     .help = "The name of the DPO run, and with -matching behind it of the other; else their objectives with a number."},
    {0},
};

static int run_run(int argc, char **argv);
static int run_open(int argc, char **argv);

const struct command command_demo_run = {
    .changes = true,
    .name = "demo run",
    .synopsis = "attune demo run [--steps N] [--beta X]",
    .summary = "Tunes the demo's model with DPO and with preference matching, and compares both with what people prefer.",
    .help = "The pairs come from stated preferences, so that it is known what tuning must arrive at: \"attune demo "
            "truth\" explains.",
    .options = options,
    .json = true,
    .run = run_run,
};

const struct command command_demo_open = {
    .name = "demo open",
    .synopsis = "attune demo open [--steps N] [--beta X]",
    .summary = "Opens the console on the demo; the first time it starts DPO and preference matching side by side.",
    .options = options,
    .run = run_open,
};

// Both runs; their names are on the heap, also of those that could not start.
static int start(const struct args *a, struct store *s, char *names[ENGINE_DEMO_RUNS], struct err *e)
{
    struct engine_description *d = NULL;
    const char *own = args_text(a, "name");
    int code = engine_describe(&d, e);
    for (int i = 0; i < ENGINE_DEMO_RUNS && !code; i++) {
        struct str name = {0};
        json_t *given = engine_demo_settings(i, settings_int(&a->settings, "steps"), settings_float(&a->settings, "beta"));
        if (own && *own)
            str_addf(&name, "%s%s", own, i ? "-matching" : "");
        code = start_run(s, d, engine_demo_objectives[i], str_text(&name),
                         "the demo: endings of stories that people prefer 60 to 40", given, &names[i], NULL, e);
        json_decref(given);
        str_fini(&name);
    }
    engine_description_free(d);
    return code;
}

// What a style's share was at first, or in the end: the mean over the last three probes.
static double end_of(struct run_reader *r, const char *style, bool first)
{
    enum { LAST = 3 };
    struct str key = {0};
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0;
    double value = NAN;
    str_addf(&key, "style/%s", style);
    if (run_reader_points(r, str_text(&key), &cursor, &points, &n, NULL) == 0 && n > 0) {
        const int from = first ? 0 : n > LAST ? n - LAST : 0, to = first ? 1 : n;
        value = 0;
        for (int i = from; i < to; i++)
            value += points[i].value / (to - from);
    }
    free(points);
    str_fini(&key);
    return value;
}

// The measured shares of the styles beside the closed forms.
static void compare(struct look looks[ENGINE_DEMO_RUNS], double beta)
{
    double reference[DEMO_N_STYLES], kl[DEMO_N_STYLES], matching[DEMO_N_STYLES];
    static const char *const titles[] = {"ENDING", "CORPUS", "BEFORE", "DPO", "ITS LIMIT", "PM-RLHF", "PEOPLE"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    struct print_table t;
    demo_shares_reference(reference);
    demo_shares_kl(beta, kl);
    demo_shares_matching(matching);
    print_table_init(&t, "lrrrrrr");
    for (int i = 0; i < COLUMNS; i++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[i]);
    for (int i = 0; i < DEMO_N_STYLES; i++) {
        const char *name = demo_styles[i].name;
        double columns[] = {reference[i], end_of(looks[0].reader, name, true), end_of(looks[0].reader, name, false), kl[i],
                            end_of(looks[1].reader, name, false), matching[i]};
        print_table_cell(&t, -1, "%s", name);
        for (int c = 0; c < COLUMNS - 1; c++)
            if (isnan(columns[c]))
                print_table_cell(&t, -1, "-");
            else
                print_table_cell(&t, c == 2 || c == 4 ? PRINT_BOLD : -1, "%.1f %%", 100 * columns[c]);
    }
    printf("\nHow the stories end: in the corpus, in samples before and after tuning with DPO\n"
           "(whose limit at beta %g is known) and with preference matching, and as people choose\n", beta);
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

// Follows both to their ends; with `json` what came out of each, by its objective.
static int follow_both(struct look looks[ENGINE_DEMO_RUNS], bool json, struct err *e)
{
    json_t *all = json_object();
    int code = 0;
    for (int i = 0; i < ENGINE_DEMO_RUNS && !code; i++) {
        bool detached = false;
        if (!json)
            code = follow_to_end(&looks[i], false, e);
        else if ((code = follow_run(&looks[i], stderr, true, &detached, e)) == 0)
            json_object_set_new(all, engine_demo_objectives[i], follow_summary_json(&looks[i], e));
    }
    if (json && !code)
        look_print_json(all);
    else
        json_decref(all);
    return code;
}

static int run_run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look looks[ENGINE_DEMO_RUNS] = {0};
    char *names[ENGINE_DEMO_RUNS] = {0};
    int status = 0;
    if (!args_open(&a, &command_demo_run, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, true, &s, &e);
    if (!code)
        code = start(&a, s, names, &e);
    for (int i = 0; i < ENGINE_DEMO_RUNS && !code; i++)
        code = look_open(&looks[i], s, names[i], &e);
    if (!code)
        code = follow_both(looks, args_json(&a), &e);
    if (!code && !args_json(&a)) {
        compare(looks, settings_float(&a.settings, "beta"));
        say_console(store_dir(s));
    }
    if (code)
        status = args_fail(&a, &e);
    for (int i = 0; i < ENGINE_DEMO_RUNS; i++) {
        look_close(&looks[i]);
        free(names[i]);
    }
    store_close(s);
    args_close(&a);
    return status;
}

static int run_open(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct run_info *runs = NULL;
    char *names[ENGINE_DEMO_RUNS] = {0};
    int status = 0, n = 0;
    if (!args_open(&a, &command_demo_open, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, true, &s, &e);
    if (!code)
        code = store_runs(s, &runs, &n, &e);
    if (!code && n == 0)
        code = start(&a, s, names, &e);
    run_infos_free(runs, n);
    char *dir = s ? store_project_dir(store_dir(s)) : NULL;
    store_close(s);
    if (!code) {
        struct ui_options ui = {.project = dir, .run = names[0], .beside = names[1]}; // those just started, else the list
        code = ui_console(&ui, &e);
    }
    if (code)
        status = args_fail(&a, &e);
    free(dir);
    for (int i = 0; i < ENGINE_DEMO_RUNS; i++)
        free(names[i]);
    args_close(&a);
    return status;
}
