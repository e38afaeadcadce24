// attune bench objectives: runs what can learn from the pairs, one after the other, and prints how they compare. The runs
// are ordinary ones of the project: what is finished already is used again, what was interrupted goes on.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/bench.h"
#include "cli/follow.h"
#include "cli/objective_text.h"
#include "cli/piped.h"
#include "cli/start.h"

static const struct param options[] = {
    {.name = "objectives", .type = PARAM_TEXT, .fallback = "", .help = "Only these, separated by commas; empty: all."},
    {.name = "markdown", .type = PARAM_BOOL, .fallback = "no", .help = "Prints the table in Markdown."},
    {.name = "set", .type = PARAM_TEXT, .fallback = "",
     .help = "Another way to give an option: --set lr=1e-5. May be repeated."},
    {0},
};

static struct engine_description *description;
static const struct param *tables[2];
static int run(int argc, char **argv);

static int more_options(int argc, char **argv, const struct param *const **out, struct err *e)
{
    int code = description ? 0 : engine_describe(&description, e);
    tables[0] = code ? NULL : description->params;
    *out = tables;
    return code;
}

const struct command command_bench_objectives = {
    .name = "bench objectives",
    .synopsis = "attune bench objectives --model DIR --data FILE [--steps N] [OPTION]...",
    .summary = "Compares objectives: the same pairs, start and number of steps for each.",
    .help = "Trains with every objective that learns from preference pairs (100 steps unless --steps says otherwise), one "
            "after the other, as runs of the project named bench-OBJECTIVE that the console can overlay. All are judged by "
            "one measure, the held-out pairs' log-probabilities before and after, not by the reward that each defines for "
            "itself.\n\n"
            "Ctrl-C ends it; the same command goes on where it was. Runs that are finished and have the same settings are "
            "used again; one that failed is tried again when \"attune archive\" has taken it from the list.\n"
            "  attune bench objectives --model ./SmolLM2-135M --data pairs.jsonl --steps 50 --lr 1e-5\n"
            "  attune bench objectives --model . --data p.jsonl --objectives dpo,dpop,simpo --json",
    .options = options,
    .json = true,
    .run = run,
    .more_options = more_options,
};

static const struct {
    const char *name, *value;
} usual[] = {{"steps", "100"}, {"save-every", "0"}, {"keep", "1"}, {"probe-prompts", "64"}};

static int prepare_settings(struct args *a, struct err *e)
{
    struct settings *s = &a->settings;
    if (!*settings_text(s, "model") || !*settings_text(s, "data"))
        return err_set(e, ERR_USAGE,
                       "--model and --data are needed: the model that every run starts from, and preference pairs");
    if (settings_given(s, "eval-data"))
        return err_set(e, ERR_USAGE,
                       "--eval-data: the held-out pairs are taken from --data, the same for all; see --eval-share");
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        int code = settings_given(s, usual[i].name) ? 0 : settings_set(s, usual[i].name, usual[i].value, e);
        if (code)
            return code;
    }
    if (settings_int(s, "steps") == 0)
        return err_set(e, ERR_USAGE, "--steps: give a number, the same for all objectives");
    const int code = piped_open(a, false, e);
    engine_resolve_paths(s);
    return code;
}

// The settings of one objective's run, complete.
static int settings_for(const struct args *a, const struct engine_objective *o, const struct bench_data *d,
                        json_t **all, struct err *e)
{
    json_t *given = json_object();
    json_t *mine = settings_to_json(&a->settings, false);
    for (const struct param *p = description->params; p->name; p++)
        if (json_object_get(mine, p->name))
            json_object_set(given, p->name, json_object_get(mine, p->name));
    json_decref(mine);
    json_object_set_new(given, "data", json_string(d->train));
    json_object_set_new(given, "eval-data", json_string(d->held_out));
    // A pair is two responses of its own to them.
    if (objective_group_of(objective_json(description, o)) == OBJECTIVES_BINARY)
        json_object_set_new(given, "batch-size", json_integer(2 * settings_int(&a->settings, "batch-size")));
    json_object_del(given, "max-rows"); // the split has seen to it
    int code = start_settings(description, o, given, all, e);
    json_decref(given);
    return code;
}

// The run that has these settings already; NULL when there is none.
static int find_run(struct store *s, const char *objective, const json_t *settings, char **name, struct err *e)
{
    struct run_info *runs = NULL;
    int n = 0, code = store_runs(s, &runs, &n, e);
    *name = NULL;
    if (code)
        return code;
    for (int i = 0; i < n && !*name; i++)
        if (strcmp(runs[i].objective, objective) == 0 && text_starts(runs[i].name, "bench-") &&
            json_equal(runs[i].settings, settings))
            *name = mem_strdup(runs[i].name);
    run_infos_free(runs, n);
    return 0;
}

// bench-dpo, or bench-dpo-2, ... when that is taken by other settings.
static int add_run(struct store *s, const char *objective, const json_t *settings, char **name, struct err *e)
{
    struct err fault = {0};
    int code = ERR_STATE;
    for (int i = 1; code == ERR_STATE && i < 1000; i++) {
        struct str wanted = {0};
        str_addf(&wanted, i == 1 ? "bench-%s" : "bench-%s-%d", objective, i);
        fault = (struct err){0};
        code = store_add_run(s, str_text(&wanted), objective, json_string_value(json_object_get(settings, "model")),
                             json_string_value(json_object_get(settings, "data")), settings, name, &fault);
        str_fini(&wanted);
    }
    if (code && e)
        *e = fault;
    return code;
}

// Starts or continues the run and waits for its end.
static int follow(struct store *s, struct look *l, struct err *e)
{
    bool detached = false;
    int code = 0;
    if (l->status.state == RUN_DONE || l->status.state == RUN_FAILED)
        return 0;
    if (!run_state_is_live(l->status.state)) {
        code = engine_start(s, l->info.name, e);
        if (code) // it says so in its row; the others go on
            return code == ERR_INTERRUPTED ? code : look_refresh(l, e);
    }
    code = follow_run(l, stderr, false, &detached, e);
    if (!code && (detached || l->status.state == RUN_STOPPED))
        code = err_set(e, ERR_INTERRUPTED, "interrupted: %s %s; the same command goes on where it was", l->info.name,
                       detached ? "finishes by itself" : "was stopped");
    return code;
}

static char *trouble_of(const struct look *l)
{
    struct str s = {0};
    if (l->status.state == RUN_FAILED)
        str_addf(&s, "run %s failed at step %lld: %s", l->info.name, (long long)l->status.step, l->status.message);
    else
        str_addf(&s, "run %s is %s; \"attune log %s\" says more", l->info.name, run_state_name(l->status.state),
                 l->info.name);
    return str_take(&s);
}

static int bench_one(struct bench_report *r, struct store *s, const struct args *a, const struct engine_objective *o,
                     struct bench_row *row, struct err *e)
{
    json_t *settings = NULL;
    struct look l = {0};
    int code = settings_for(a, o, r->split, &settings, e);
    if (!code)
        code = find_run(s, o->name, settings, &row->run, e);
    if (!code && !row->run)
        code = add_run(s, o->name, settings, &row->run, e);
    json_decref(settings);
    if (!code)
        code = look_open(&l, s, row->run, e);
    if (!code)
        code = follow(s, &l, e);
    if (!code && l.status.state != RUN_DONE)
        row->trouble = trouble_of(&l);
    else if (!code)
        code = bench_measure(row, &l, r->split, r->start, r->settings, e);
    look_close(&l);
    return code;
}

static bool has_need(const struct engine_objective *o, const char *name)
{
    const json_t *needs = json_object_get(objective_json(description, o), "needs");
    for (size_t i = 0; i < json_array_size(needs); i++)
        if (strcmp(json_string_value(json_array_get(needs, i)), name) == 0)
            return true;
    return false;
}

static bool learns_from_pairs(const struct engine_objective *o)
{
    const json_t *kinds = json_object_get(objective_json(description, o), "data");
    for (size_t i = 0; i < json_array_size(kinds); i++)
        if (strcmp(json_string_value(json_array_get(kinds, i)), "preference pairs") == 0)
            return true;
    return false;
}

// The objectives that are asked for, in the order of the table.
static int choose(const char *names, struct bench_row *rows, int *n, struct err *e)
{
    char *copy = mem_strdup(names), *save = NULL;
    bool *wanted = mem_alloc((size_t)description->n_objectives, sizeof *wanted);
    int code = 0;
    for (char *name = strtok_r(copy, ", ", &save); name && !code; name = strtok_r(NULL, ", ", &save)) {
        const struct engine_objective *o = NULL;
        code = start_find_objective(description, name, &o, e);
        if (!code)
            wanted[o - description->objectives] = true;
    }
    *n = 0;
    for (int i = 0; i < description->n_objectives && !code; i++)
        if (!*names || wanted[i])
            rows[(*n)++] = (struct bench_row){.objective = description->objectives[i].name,
                                              .title = description->objectives[i].title};
    free(wanted);
    free(copy);
    return code;
}

static int bench_all(struct bench_report *r, struct store *s, const struct args *a, struct err *e)
{
    int code = 0;
    for (int i = 0; i < r->n_rows && !code; i++) {
        const struct engine_objective *o = engine_find_objective(description, r->rows[i].objective);
        struct str why = {0};
        fprintf(stderr, "%d/%d %s: %s\n", i + 1, r->n_rows, o->name, o->title);
        r->rows[i].compares = has_need(o, "comparison");
        if (learns_from_pairs(o)) {
            code = bench_one(r, s, a, o, &r->rows[i], e);
        } else {
            str_addf(&why, "learns from %s, not from pairs", o->data_needs);
            r->rows[i].trouble = str_take(&why);
        }
    }
    return code;
}

static int bench(struct args *a, struct store *s, struct err *e)
{
    struct settings *settings = &a->settings;
    struct bench_data split = {0};
    struct bench_scores start = {0};
    struct bench_report r = {.settings = settings, .split = &split, .start = &start,
                             .rows = mem_alloc((size_t)description->n_objectives, sizeof *r.rows)};
    int code = choose(settings_text(settings, "objectives"), r.rows, &r.n_rows, e);
    if (!code)
        code = bench_split(&split, s, settings, e);
    if (!code) {
        fprintf(stderr, "scoring %d held-out pairs under the model that all start from\n", split.n_held_out);
        code = bench_score(&start, settings_text(settings, "model"), &split, settings, NULL, e);
    }
    r.model = settings_text(settings, "model");
    r.data = settings_text(settings, "data");
    if (!code)
        code = bench_all(&r, s, a, e);
    if (!code && args_json(a))
        look_print_json(bench_json(&r));
    else if (!code)
        bench_print(stdout, &r, settings_bool(settings, "markdown"));
    for (int i = 0; i < r.n_rows; i++) {
        free(r.rows[i].run);
        free(r.rows[i].trouble);
    }
    free(r.rows);
    bench_scores_fini(&start);
    bench_data_fini(&split);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, &command_bench_objectives, argc, argv, 0, 0, &status))
        return status;
    int code = prepare_settings(&a, &e);
    if (!code)
        code = look_project(&a, true, &s, &e);
    if (!code)
        code = bench(&a, s, &e);
    if (code)
        status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
