// What the form for a new run asks of the engine, on threads of their own: what a run would take, and starting runs or a
// sweep.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/ui_internal.h"

// ---- what it would take ----

struct plan_job {
    char *objective, *like_dir;
    json_t *settings;
    struct launch_plan plan;
    uint64_t number;
};

static int by_value(const void *a, const void *b)
{
    const double x = ((const struct metric_point *)a)->value, y = ((const struct metric_point *)b)->value;
    return x < y ? -1 : x > y;
}

// The median of a run's step times; 0: it has none.
static double median_step_s(const char *run_dir)
{
    struct run_reader *r = NULL;
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0;
    double median = 0;
    if (run_reader_open(&r, run_dir, NULL) == 0 && run_reader_points(r, "step_s", &cursor, &points, &n, NULL) == 0 &&
        n > 0) {
        qsort(points, (size_t)n, sizeof *points, by_value);
        median = points[n / 2].value;
    }
    free(points);
    run_reader_close(r);
    return median;
}

static int plan_work(void *arg, struct err *e)
{
    struct plan_job *j = arg;
    if (j->like_dir)
        j->plan.like_step_s = median_step_s(j->like_dir);
    return engine_plan_run(j->objective, j->settings, &j->plan.answer, e);
}

static void plan_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct plan_job *j = arg;
    if (j->number == ui->plan_number) {
        launch_plan_fini(&ui->plan);
        ui->plan = j->plan;
        ui->plan.is_there = true;
        if (code)
            ui->plan.fault = *e;
        j->plan = (struct launch_plan){0};
        ui->more = true; // the view may go on
    }
    launch_plan_fini(&j->plan);
    json_decref(j->settings);
    free(j->objective);
    free(j->like_dir);
    free(j);
}

// Of the runs that were done: the newest one whose steps are as long as these will be.
static const struct run_row *run_like(const struct run_list *l, const char *objective, const json_t *settings)
{
    static const char *const same[] = {"model",     "batch-size",     "max-length", "lora-rank",
                                       "precision", "device",         "threads",    "recompute",
                                       "samples",   "max-new-tokens", "data",       "base-precision"};
    for (int i = l->n - 1; i >= 0; i--) {
        const struct run_row *r = l->rows[i];
        bool is_like = r->status.state == RUN_DONE && strcmp(r->info.objective, objective) == 0;
        for (size_t k = 0; k < sizeof same / sizeof *same && is_like; k++) {
            const json_t *here = json_object_get(settings, same[k]), *there = json_object_get(r->info.settings, same[k]);
            is_like = here == there || json_equal(here, there);
        }
        if (is_like)
            return r;
    }
    return NULL;
}

void ui_ask_plan(struct ui *ui, const char *objective, json_t *settings, int n_runs, int at_most)
{
    struct plan_job *j = mem_alloc(1, sizeof *j);
    const struct run_row *like = run_like(&ui->runs, objective, settings);
    j->objective = mem_strdup(objective);
    j->settings = settings;
    j->number = ++ui->plan_number;
    j->plan = (struct launch_plan){.is_asked = true, .n_runs = n_runs, .at_most = at_most};
    if (like) {
        text_copy(j->plan.like, sizeof j->plan.like, like->info.name);
        j->like_dir = store_run_dir(ui->store, like->info.name);
    }
    launch_plan_fini(&ui->plan);
    ui->plan.is_asked = true;
    job_start(ui, plan_work, plan_done, j);
}

const struct launch_plan *ui_plan(struct ui *ui)
{
    return &ui->plan;
}

// ---- its memory alone, which follows what is typed ----

struct memory_job {
    char *objective;
    json_t *settings, *plan;
};

static int memory_work(void *arg, struct err *e)
{
    struct memory_job *j = arg;
    return engine_memory(j->objective, j->settings, &j->plan, e);
}

static void memory_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct memory_job *j = arg;
    json_decref(ui->memory);
    ui->memory = code ? NULL : j->plan;
    ui->asking_memory = false;
    ui->has_memory = true;
    ui->more = true; // the view may go on
    json_decref(j->settings);
    free(j->objective);
    free(j);
}

bool ui_is_asking_memory(struct ui *ui)
{
    return ui->asking_memory;
}

void ui_ask_memory(struct ui *ui, const char *objective, json_t *settings)
{
    struct memory_job *j = mem_alloc(1, sizeof *j);
    *j = (struct memory_job){.objective = mem_strdup(objective), .settings = settings};
    ui->asking_memory = true;
    job_start(ui, memory_work, memory_done, j);
}

bool ui_take_memory(struct ui *ui, const json_t **plan)
{
    const bool has = ui->has_memory;
    ui->has_memory = false;
    *plan = ui->memory;
    return has;
}

// ---- runs ----

struct runs_job {
    struct {
        char *objective, *name;
        json_t *settings;
    } runs[NEW_RUNS_MOST];
    int n;
};

static int runs_work(void *arg, struct err *e)
{
    struct runs_job *j = arg;
    int code = 0;
    for (int i = 0; i < j->n && !code; i++)
        code = engine_check_run(j->runs[i].objective, j->runs[i].settings, NULL, e);
    return code;
}

static int add_and_start(struct ui *ui, const struct runs_job *j, int i, struct err *e)
{
    const json_t *settings = j->runs[i].settings;
    const char *model = json_string_value(json_object_get(settings, "model"));
    const char *data = json_string_value(json_object_get(settings, "data"));
    char *name = NULL;
    const int code = store_add_run(ui->store, j->runs[i].name, j->runs[i].objective, model ? model : "", data ? data : "",
                                   settings, &name, e);
    if (!code)
        ui_start_new_run(ui, name);
    free(name);
    return code;
}

static void runs_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct runs_job *j = arg;
    struct err fault = {0};
    ui->starting_runs = false;
    ui->message[0] = '\0'; // that they are being checked
    ui->dirty = true;
    for (int i = 0; i < j->n && !code; i++) {
        code = add_and_start(ui, j, i, &fault);
        ui->has_started |= !code;
    }
    if (code)
        ui_say_error(ui, "%s", fault.code ? fault.text : e->text);
    for (int i = 0; i < j->n; i++) {
        free(j->runs[i].objective);
        free(j->runs[i].name);
        json_decref(j->runs[i].settings);
    }
    free(j);
}

void ui_start_runs(struct ui *ui, const struct new_run *runs, int n)
{
    if (ui->starting_runs) {
        for (int i = 0; i < n; i++)
            json_decref(runs[i].settings);
        ui_say(ui, "A run is still being checked: it starts by itself.");
        return;
    }
    struct runs_job *j = mem_alloc(1, sizeof *j);
    for (; j->n < n; j->n++) {
        j->runs[j->n].objective = mem_strdup(runs[j->n].objective);
        j->runs[j->n].name = mem_strdup(runs[j->n].name);
        j->runs[j->n].settings = runs[j->n].settings;
    }
    ui->starting_runs = true;
    ui_say(ui, "Checking model, data and memory; then it starts ...");
    job_start_due(ui, "A new run is being checked, and starts then", runs_work, runs_done, j);
}

bool ui_take_started(struct ui *ui)
{
    const bool has = ui->has_started;
    ui->has_started = false;
    return has;
}

// ---- a sweep ----

struct sweep_job {
    char *dir, *objective, *wanted, *by, *name;
    json_t *settings, *lists;
    struct engine_sweep sweep;
    const struct engine_description *description; // stays as long as the console
};

static int sweep_work(void *arg, struct err *e)
{
    struct sweep_job *j = arg;
    struct store *s;
    int code = store_open(&s, j->dir, true, e);
    if (code)
        return code;
    code = engine_sweep_start(s, j->description, &j->sweep, &j->name, NULL, e);
    store_close(s);
    return code;
}

static void sweep_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct sweep_job *j = arg;
    ui->runs.next_list_s = 0;
    if (code) {
        ui_say_error(ui, "%s", e->text);
    } else {
        ui_say(ui, "%s has started; its runs are on the list as well, s on one of them leaves it out.", j->name);
        ui_choose_run(ui, j->name);
    }
    json_decref(j->settings);
    json_decref(j->lists);
    free(j->dir);
    free(j->objective);
    free(j->wanted);
    free(j->by);
    free(j->name);
    free(j);
}

void ui_start_sweep(struct ui *ui, const struct engine_sweep *sweep, json_t *settings, json_t *lists)
{
    struct sweep_job *j = mem_alloc(1, sizeof *j);
    *j = (struct sweep_job){.dir = mem_strdup(store_dir(ui->store)), .objective = mem_strdup(sweep->objective),
                            .wanted = mem_strdup(sweep->name), .by = mem_strdup(sweep->by), .settings = settings,
                            .lists = lists,
                            .sweep = *sweep, .description = ui->description};
    j->sweep.objective = j->objective;
    j->sweep.name = j->wanted;
    j->sweep.by = j->by;
    j->sweep.settings = settings;
    j->sweep.lists = lists;
    ui_say(ui, "Checking and starting ...");
    ui->show(ui, PAGE_RUNS);
    job_start_due(ui, "A sweep is being checked, and starts then", sweep_work, sweep_done, j);
}
