// Commands that act on the run under the cursor: each is a row in the store that the engine takes up between two steps,
// or a new start of the engine. Nothing here waits for the engine.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/ui_internal.h"

// What the engine offers; asked once, and waited for. NULL with *e.
static const struct engine_description *description_of(struct ui *ui, struct err *e)
{
    if (!ui->description)
        engine_describe(&ui->description, e);
    return ui->description;
}

struct start_job {
    char *dir, *name;
};

// A thread has its own connection to the store.
static int start_work(void *arg, struct err *e)
{
    struct start_job *j = arg;
    struct store *s;
    int code = store_open(&s, j->dir, false, e);
    if (code)
        return code;
    code = engine_start(s, j->name, e);
    store_close(s);
    return code;
}

static void start_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct start_job *j = arg;
    if (code)
        ui_say_error(ui, "%s did not start: %s", j->name, e->text);
    else
        ui_say(ui, "%s has started.", j->name);
    ui->runs.next_list_s = 0;
    free(j->dir);
    free(j->name);
    free(j);
}

static void start_run(struct ui *ui, const char *name)
{
    struct start_job *j = mem_alloc(1, sizeof *j);
    j->dir = mem_strdup(store_dir(ui->store));
    j->name = mem_strdup(name);
    ui_say(ui, "Starting %s ...", name);
    job_start_due(ui, "A run is being started", start_work, start_done, j);
}

void ui_start_new_run(struct ui *ui, const char *name)
{
    struct err fault = {0};
    ui_choose_run(ui, name);
    ui->runs.next_list_s = 0;
    run_list_poll(&ui->runs, clock_seconds(), false, &fault);
    ui_open_run(ui, name, PAGE_RUNS);
    start_run(ui, name);
}

static void post(struct ui *ui, struct run_row *r, enum control_kind kind, const char *key, const char *value,
                 const char *said)
{
    struct err fault = {0};
    if (store_post_control(ui->store, r->info.name, kind, key, value, &fault))
        ui_say_error(ui, "%s", fault.text);
    else
        ui_say(ui, "%s: %s", r->info.name, said);
}

// It waits for its turn in a sweep that is at work, which hears that it is to be left out.
static bool waits_in_sweep(struct ui *ui, const struct run_row *r)
{
    char name[sizeof ui->run_name];
    for (const char *dot = strchr(r->info.name, '.'); dot && r->status.state == RUN_QUEUED; dot = strchr(dot + 1, '.')) {
        snprintf(name, sizeof name, "%.*s", (int)(dot - r->info.name), r->info.name);
        const struct run_row *sweep = run_list_find(&ui->runs, name);
        if (sweep && strcmp(sweep->info.objective, "sweep") == 0 && run_state_is_live(sweep->status.state))
            return true;
    }
    return false;
}

static bool is_live(struct ui *ui, struct run_row *r, const char *wish)
{
    if (run_state_is_live(r->status.state))
        return true;
    ui_say_error(ui, "%s is %s and cannot be %s%s", r->info.name, run_state_name(r->status.state), wish,
                 r->status.state == RUN_DONE ? "" : "; r goes on with it");
    return false;
}

static const struct param *find_param(const struct engine_description *d, const char *objective, const char *name)
{
    const struct engine_objective *o = engine_find_objective(d, objective);
    for (const struct param *p = o ? o->params : NULL; p && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    for (const struct param *p = d->params; p && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static void list_live(const struct param *p, struct str *names)
{
    for (; p && p->name; p++)
        if (p->live)
            str_addf(names, "%s%s", names->len ? ", " : "", p->name);
}

static void set_value(struct ui *ui, struct run_row *r, const char *name, const char *value)
{
    struct err fault = {0};
    const struct engine_description *d = description_of(ui, &fault);
    if (!d) {
        ui_say_error(ui, "%s", fault.text);
        return;
    }
    const struct param *p = find_param(d, r->info.objective, name);
    if (!p || !p->live) {
        struct str names = {0};
        const struct engine_objective *o = engine_find_objective(d, r->info.objective);
        list_live(o ? o->params : NULL, &names);
        list_live(d->params, &names);
        ui_say_error(ui, "%s %s while a run runs. These can be changed: %s", name,
                     p ? "cannot be changed" : "is no setting to change", str_text(&names));
        str_fini(&names);
        return;
    }
    if (param_check(p, value, &fault)) {
        ui_say_error(ui, "%s", text_starts(fault.text, "--") ? fault.text + 2 : fault.text);
        return;
    }
    struct str said = {0};
    str_addf(&said, "%s will be %s from the next step on.", name, value);
    post(ui, r, CONTROL_SET, name, value, str_text(&said));
    str_fini(&said);
}

// "lr 1e-5"
static void set_from_text(struct ui *ui, struct run_row *r, const char *arg)
{
    char name[64];
    size_t n = strcspn(arg, " =");
    const char *value = arg + n + strspn(arg + n, " =");
    if (n == 0 || n >= sizeof name || !*value) {
        ui_say_error(ui, "set: a setting's name and its new value, such as: set lr 1e-5");
        return;
    }
    memcpy(name, arg, n);
    name[n] = '\0';
    set_value(ui, r, name, value);
}

static const char *value_now(const struct run_row *r, const char *name, char *out, size_t size)
{
    const json_t *value = json_object_get(r->settings, name);
    if (strcmp(name, "lr") == 0 && !json_is_number(value) && !json_is_string(value))
        snprintf(out, size, "%g", r->values[VALUE_LR]);
    else if (json_is_string(value))
        text_copy(out, size, json_string_value(value));
    else if (json_is_number(value))
        snprintf(out, size, "%g", json_number_value(value));
    else
        out[0] = '\0';
    return out;
}

static void set_or_ask(struct ui *ui, struct run_row *r, enum command_id id, const char *name, const char *arg)
{
    char now[64], label[128];
    if (!is_live(ui, r, "changed"))
        return;
    if (arg) {
        set_value(ui, r, name, arg);
        return;
    }
    snprintf(label, sizeof label, "%s of %s", name, r->info.name);
    ui_ask(ui, id, label, value_now(r, name, now, sizeof now));
}

static void resume(struct ui *ui, struct run_row *r)
{
    if (r->trouble[0]) {
        ui_say_error(ui, "%s cannot go on: %s", r->info.name, r->trouble);
        return;
    }
    switch (r->status.state) {
    case RUN_PAUSED:
        post(ui, r, CONTROL_RESUME, "", "", "goes on.");
        break;
    case RUN_STARTING:
    case RUN_RUNNING:
        ui_say(ui, "%s runs already.", r->info.name);
        break;
    case RUN_DONE:
        ui_say(ui, "%s is done: C makes a new run with its settings.", r->info.name);
        break;
    default:
        start_run(ui, r->info.name);
    }
}

static void pause_or_go_on(struct ui *ui, struct run_row *r)
{
    if (r->status.state == RUN_PAUSED)
        post(ui, r, CONTROL_RESUME, "", "", "goes on.");
    else if (is_live(ui, r, "paused"))
        post(ui, r, CONTROL_PAUSE, "", "", "pauses after this step. p goes on.");
}

// Stopping ends what took hours, so it is asked; the answer is about the run that the question named.
static void stop(struct ui *ui, struct run_row *r, const char *arg)
{
    char question[160];
    struct run_row *named = arg ? run_list_find(&ui->runs, arg) : r;
    if (!named) {
        ui_say_error(ui, "There is no run %s", arg);
        return;
    }
    if (waits_in_sweep(ui, named)) {
        post(ui, named, CONTROL_STOP, NULL, NULL, "is taken out of the queue of its sweep");
        return;
    }
    if (!is_live(ui, named, "stopped"))
        return;
    if (arg || !(ui->has_screen || ui->talks)) {
        post(ui, named, CONTROL_STOP, "", "", "writes a checkpoint and stops. r goes on with it.");
        return;
    }
    snprintf(question, sizeof question, "Stop %.100s? It writes a checkpoint first.", r->info.name);
    ui_confirm(ui, CMD_STOP, r->info.name, question);
}

bool run_takes(struct ui *ui, enum command_id id)
{
    const struct run_row *r = ui_run(ui);
    const bool live = r && run_state_is_live(r->status.state);
    switch (id) {
    case CMD_PAUSE:
    case CMD_CHECKPOINT:
    case CMD_SET:
    case CMD_SET_LR:
    case CMD_SET_BETA:
        return live;
    case CMD_STOP:
        return live || (r && waits_in_sweep(ui, r));
    case CMD_RESUME:
        return r && (r->status.state == RUN_PAUSED || (!live && r->status.state != RUN_DONE));
    default:
        return true;
    }
}

enum view_result run_control(struct ui *ui, enum command_id id, const char *arg)
{
    struct run_row *r = ui_run(ui);
    switch (id) {
    case CMD_PAUSE:
    case CMD_STOP:
    case CMD_RESUME:
    case CMD_CHECKPOINT:
    case CMD_SET:
    case CMD_SET_LR:
    case CMD_SET_BETA:
        break;
    default:
        return VIEW_IGNORED;
    }
    if (!r) {
        ui_say(ui, "There is no run yet: a starts one.");
        return VIEW_CHANGED;
    }
    if (id == CMD_PAUSE)
        pause_or_go_on(ui, r);
    else if (id == CMD_STOP)
        stop(ui, r, arg);
    else if (id == CMD_RESUME)
        resume(ui, r);
    else if (id == CMD_CHECKPOINT && is_live(ui, r, "asked for a checkpoint"))
        post(ui, r, CONTROL_CHECKPOINT, "", "", "writes a checkpoint after this step.");
    else if (id == CMD_SET_LR)
        set_or_ask(ui, r, id, "lr", arg);
    else if (id == CMD_SET_BETA)
        set_or_ask(ui, r, id, "beta", arg);
    else if (id == CMD_SET && arg)
        set_from_text(ui, r, arg);
    else if (id == CMD_SET && is_live(ui, r, "changed"))
        ui_ask(ui, id, "set (NAME VALUE)", "");
    return VIEW_CHANGED;
}
