// attune runs: the list of runs.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/human.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"

static int run(int argc, char **argv);

const struct command command_runs = {
    .name = "runs",
    .synopsis = "attune runs [--json]",
    .summary = "Lists the runs of the project with their state and newest numbers.",
    .help = "Loss, reward margin, reward accuracy and KL are those of the newest training step. Runs that \"attune "
            "remove\" took from the list are not shown.",
    .json = true,
    .run = run,
};

static int state_style(enum run_state state)
{
    switch (state) {
    case RUN_STARTING:
    case RUN_RUNNING:
        return PRINT_GOOD;
    case RUN_PAUSED:
        return PRINT_WARN;
    case RUN_FAILED:
    case RUN_DEAD:
        return PRINT_BAD;
    default:
        return -1;
    }
}

static void add_row(struct print_table *t, const struct look *l, const double *values)
{
    char text[64];
    const struct run_status *s = &l->status;
    print_table_cell(t, PRINT_BOLD, "%s", l->info.name);
    print_table_cell(t, -1, "%s", l->info.objective);
    print_table_cell(t, state_style(s->state), "%s", run_state_name(s->state));
    if (s->total_steps > 0)
        print_table_cell(t, -1, "%lld/%lld", (long long)s->step, (long long)s->total_steps);
    else
        print_table_cell(t, -1, "-");
    for (int i = 0; i < LOOK_N_METRICS; i++)
        print_table_cell(t, -1, "%s", print_number(text, sizeof text, values[i]));
    bool live = run_state_is_live(s->state);
    print_table_cell(t, -1, "%s", live && s->tokens_per_s > 0 ? human_count(text, sizeof text, s->tokens_per_s) : "-");
    print_table_cell(t, -1, "%s", live && s->seconds_left > 0 ? human_seconds(text, sizeof text, s->seconds_left) : "-");
    print_table_cell(t, PRINT_DIM, "%s", print_time(text, sizeof text, l->info.created_ms));
}

static void add_heading(struct print_table *t)
{
    static const char *const titles[] = {"NAME", "OBJECTIVE", "STATE", "STEP", "LOSS", "MARGIN",
                                         "ACCURACY", "KL", "TOKENS/S", "LEFT", "CREATED"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        print_table_cell(t, PRINT_DIM, "%s", titles[i]);
}

static int list(struct store *s, bool json, struct err *e)
{
    struct run_info *infos = NULL;
    int n = 0, code = store_runs(s, &infos, &n, e);
    if (code)
        return code;
    struct print_table table;
    json_t *array = json_array();
    print_table_init(&table, "lllrrrrrrrl");
    if (isatty(STDOUT_FILENO)) { // programs get all
        table.align = "Lllrrrrrrrl";
        table.spare = "-----5432-1";
    }
    add_heading(&table);
    for (int i = 0; i < n; i++) {
        struct look l;
        struct err fault = {0};
        double values[LOOK_N_METRICS] = {NAN, NAN, NAN, NAN};
        int bad = look_open(&l, s, infos[i].name, &fault);
        if (!bad && l.reader)
            bad = run_reader_latest(l.reader, look_metrics, LOOK_N_METRICS, values, &fault);
        if (bad) { // one damaged run must not hide the others
            fprintf(stderr, "attune runs: %s\n", fault.text);
            continue;
        }
        if (json)
            json_array_append_new(array, look_to_json(&l, look_metrics, values, LOOK_N_METRICS));
        else
            add_row(&table, &l, values);
        look_close(&l);
    }
    if (json)
        look_print_json(json_incref(array));
    else if (n == 0)
        printf("There are no runs in %s yet. \"attune train --help\" says how to start one.\n", store_dir(s));
    print_table_end(&table, json || n == 0 ? NULL : stdout, print_width(stdout));
    json_decref(array);
    run_infos_free(infos, n);
    return 0;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, &command_runs, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = list(s, args_json(&a), &e);
    if (code)
        status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
