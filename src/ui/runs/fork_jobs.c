// Forking a run from the console, on a thread of its own: the engine is asked about the settings, and started.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/ui_internal.h"

struct fork_job {
    char *dir, *run, *objective, *name; // objective, name: NULL
    int64_t at, step;
    json_t *changes;
    char *made;
};

static void fork_job_free(struct fork_job *j)
{
    free(j->dir);
    free(j->run);
    free(j->objective);
    free(j->name);
    free(j->made);
    json_decref(j->changes);
    free(j);
}

static int fork_work(void *arg, struct err *e)
{
    struct fork_job *j = arg;
    struct store *s;
    const struct fork_request q = {
        .run = j->run, .at = j->at, .name = j->name, .objective = j->objective, .changes = j->changes};
    int code = store_open(&s, j->dir, false, e);
    if (code)
        return code;
    code = engine_fork(s, &q, &j->made, &j->step, e);
    if (!code)
        code = engine_start(s, j->made, e);
    store_close(s);
    return code;
}

// Both branches are drawn from now on.
static void fork_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct fork_job *j = arg;
    struct err ignored = {0};
    if (j->made) {
        ui->runs.next_list_s = 0;
        run_list_poll(&ui->runs, clock_seconds(), true, &ignored);
        run_list_select(&ui->runs, j->run);
        run_list_select(&ui->runs, j->made);
    }
    if (code && j->made)
        ui_say_error(ui, "%s did not start: %s", j->made, e->text);
    else if (code)
        ui_say_error(ui, "%s", text_starts(e->text, "--") ? e->text + 2 : e->text);
    else
        ui_say(ui, "%s goes on from step %lld of %s.", j->made, (long long)j->step, j->run);
    ui->more = true;
    fork_job_free(j);
}

// One NAME=VALUE: a setting, or objective, name and at. False: it is none.
static bool take_word(struct fork_job *j, char *word)
{
    char *value = strchr(word, '=');
    if (!value || value == word)
        return false;
    *value++ = '\0';
    if (strcmp(word, "objective") == 0) {
        free(j->objective);
        j->objective = mem_strdup(value);
        return *value;
    }
    if (strcmp(word, "name") == 0) {
        free(j->name);
        j->name = mem_strdup(value);
        return *value;
    }
    if (strcmp(word, "at") == 0)
        return text_to_i64(value, &j->at) && j->at >= 0;
    return *value && json_object_set_new(j->changes, word, json_string(value)) == 0;
}

void ui_fork(struct ui *ui, const char *run, int64_t at, const char *changes)
{
    struct fork_job *j = mem_alloc(1, sizeof *j);
    *j = (struct fork_job){
        .dir = mem_strdup(store_dir(ui->store)), .run = mem_strdup(run), .at = at, .changes = json_object()};
    char *list = mem_strdup(changes), *rest = list, *word;
    while ((word = strsep(&rest, " "))) {
        char *whole = mem_strdup(word);
        const bool is_well = !*word || take_word(j, word);
        if (!is_well) {
            ui_say_error(ui, "fork: \"%s\" is no NAME=VALUE, such as lr=1e-5, objective=ipo, at=300 or name=colder", whole);
            free(whole);
            free(list);
            fork_job_free(j);
            return;
        }
        free(whole);
    }
    free(list);
    ui_say(ui, "Forking %s ...", run);
    job_start_due(ui, "A run is being forked", fork_work, fork_done, j);
}
