// What a compare chooses from, read on threads of their own: the checkpoints of all runs, a file of prompts, votes.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/run_best.h"
#include "ui/compare/compare_lists.h"
#include "ui/ui_internal.h"

// ---- checkpoints ----

struct checkpoints_job {
    char *project, **names, **dirs, **models; // of the runs, the newest first
    int n;
    struct checkpoint_list *list;
};

static char *reference_of(const char *model)
{
    char *shared = *model && *model != '/' && !file_exists(model) ? path_share(model) : NULL;
    if (shared && file_exists(shared))
        return shared;
    free(shared);
    return *model ? mem_strdup(model) : NULL;
}

static void add_run(struct checkpoint_list *l, const char *name, const char *dir, const char *model)
{
    struct run_reader *r = NULL;
    struct run_checkpoint *list = NULL;
    struct run_best best;
    int n = 0;
    if (run_reader_open(&r, dir, NULL))
        return; // it has not begun, or is damaged: its own page says so
    const bool has_best = run_best_read(dir, &best, NULL) == 0;
    run_reader_checkpoints(r, &list, &n, NULL);
    for (int i = n - 1; i >= 0; i--) {
        char *folder = path_join(dir, list[i].path);
        if (!file_is_dir(folder)) { // pruned
            free(folder);
            continue;
        }
        MEM_GROW(l->rows, l->n, l->cap);
        struct checkpoint_choice *c = &l->rows[l->n++];
        *c = (struct checkpoint_choice){
            .model = {.folder = folder, .run = mem_strdup(name), .step = list[i].step, .reference = reference_of(model)},
            .is_last = l->n == 1 || strcmp(l->rows[l->n - 2].model.run, name) != 0,
            .is_best = has_best && best.step == list[i].step};
        struct str label = {0};
        str_addf(&label, "%s@%lld", name, (long long)list[i].step);
        text_copy(c->model.label, sizeof c->model.label, str_text(&label));
        str_fini(&label);
    }
    run_checkpoints_free(list, n);
    run_reader_close(r);
}

// Whether it is on the list already: a checkpoint of the project, or the base of a newer run.
static bool is_listed(const struct checkpoint_list *l, const char *project, const char *folder)
{
    const size_t n = strlen(project);
    char run[128] = "";
    long long step = -1;
    const bool is_inside = strncmp(folder, project, n) == 0 && folder[n] == '/' &&
                           sscanf(folder + n, "/runs/%127[^/]/checkpoints/step-%lld", run, &step) == 2;
    for (int i = 0; i < l->n; i++) {
        const struct compare_model *m = &l->rows[i].model;
        if (m->run ? is_inside && m->step == step && strcmp(m->run, run) == 0 : strcmp(m->folder, folder) == 0)
            return true;
    }
    return false;
}

// Behind the run's own checkpoints; it may have none yet.
static void add_base(struct checkpoint_list *l, const char *project, const char *name, const char *model)
{
    char *folder = run_base_folder(model);
    int at = l->n;
    if (folder && !is_listed(l, project, folder)) {
        for (int i = 0; i < l->n; i++)
            at = l->rows[i].model.run && strcmp(l->rows[i].model.run, name) == 0 ? i + 1 : at;
        MEM_GROW(l->rows, l->n, l->cap);
        memmove(l->rows + at + 1, l->rows + at, (size_t)(l->n - at) * sizeof *l->rows);
        l->rows[at] = (struct checkpoint_choice){.model = compare_model_of_folder(folder), .is_base = true};
        l->n++;
    }
    free(folder);
}

static int checkpoints_work(void *arg, struct err *e)
{
    struct checkpoints_job *j = arg;
    char *project = realpath(j->project, NULL);
    j->list = mem_alloc(1, sizeof *j->list);
    for (int i = 0; i < j->n; i++)
        add_run(j->list, j->names[i], j->dirs[i], j->models[i]);
    for (int i = 0; i < j->n; i++) // runs that began from the same model mostly stand together
        if (*j->models[i] && (i == 0 || strcmp(j->models[i], j->models[i - 1]) != 0))
            add_base(j->list, project ? project : j->project, j->names[i], j->models[i]);
    free(project);
    return 0;
}

static void checkpoints_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct checkpoints_job *j = arg;
    checkpoint_list_free(ui->checkpoints);
    ui->checkpoints = j->list;
    ui->reading_checkpoints = false;
    ui->more = true; // the view may go on
    for (int i = 0; i < j->n; i++) {
        free(j->names[i]);
        free(j->dirs[i]);
        free(j->models[i]);
    }
    free(j->project);
    free(j->names);
    free(j->dirs);
    free(j->models);
    free(j);
}

void ui_look_for_checkpoints(struct ui *ui)
{
    const struct run_list *l = &ui->runs;
    if (ui->reading_checkpoints)
        return;
    struct checkpoints_job *j = mem_alloc(1, sizeof *j);
    j->n = l->n;
    j->project = mem_strdup(store_dir(ui->store));
    j->names = mem_alloc((size_t)l->n + 1, sizeof *j->names);
    j->dirs = mem_alloc((size_t)l->n + 1, sizeof *j->dirs);
    j->models = mem_alloc((size_t)l->n + 1, sizeof *j->models);
    for (int i = 0; i < l->n; i++) {
        const struct run_info *info = &l->rows[l->n - 1 - i]->info;
        j->names[i] = mem_strdup(info->name);
        j->dirs[i] = store_run_dir(ui->store, info->name);
        j->models[i] = mem_strdup(info->model ? info->model : "");
    }
    ui->reading_checkpoints = true;
    job_start(ui, checkpoints_work, checkpoints_done, j);
}

bool ui_reads_checkpoints(struct ui *ui)
{
    return ui->reading_checkpoints;
}

const struct checkpoint_list *ui_checkpoints(struct ui *ui)
{
    return ui->checkpoints;
}

// ---- prompts ----

struct prompts_job {
    char *path;
    struct prompt_set *set;
};

static int prompts_work(void *arg, struct err *e)
{
    struct prompts_job *j = arg;
    return prompt_set_read(&j->set, j->path, e);
}

static void prompts_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct prompts_job *j = arg;
    if (code) {
        ui_say_error(ui, "%s", e->text);
    } else {
        j->set->serial = ui->prompts ? ui->prompts->serial + 1 : 1;
        prompt_set_free(ui->prompts);
        ui->prompts = j->set;
        if (j->set->n_with_tools)
            ui_say(ui, "%d prompts; %d conversations with tools are left out: nobody here calls any.", j->set->n,
                   j->set->n_with_tools);
    }
    ui->more = true;
    free(j->path);
    free(j);
}

void ui_look_for_prompts(struct ui *ui, const char *path)
{
    struct prompts_job *j = mem_alloc(1, sizeof *j);
    j->path = mem_strdup(path);
    job_start(ui, prompts_work, prompts_done, j);
}

const struct prompt_set *ui_prompts(struct ui *ui)
{
    return ui->prompts;
}

// ---- votes ----

struct wins_job {
    char *project;
    int64_t number;
    struct win_cut cut;
    bool is_cut; // else as usual
    struct win_table *table;
};

static int wins_work(void *arg, struct err *e)
{
    struct wins_job *j = arg;
    return win_table_read(&j->table, j->project, j->is_cut ? &j->cut : NULL, e);
}

static void wins_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct wins_job *j = arg;
    if (j->number != ui->wins_asked) { // a newer one is on its way, or was faster
        win_table_free(code ? NULL : j->table);
    } else if (code) {
        ui_say_error(ui, "%s", e->text);
        if (j->is_cut && ui->wins_cut) { // votes are shown all the same
            free(ui->wins_cut);
            ui->wins_cut = NULL;
            ui_look_for_wins(ui);
        }
    } else {
        win_table_free(ui->wins);
        ui->wins = j->table;
    }
    ui->more = true;
    free(j->project);
    free(j);
}

void ui_look_for_wins(struct ui *ui)
{
    struct wins_job *j = mem_alloc(1, sizeof *j);
    j->project = mem_strdup(store_dir(ui->store));
    j->number = ++ui->wins_asked;
    j->is_cut = ui->wins_cut != NULL;
    if (j->is_cut)
        j->cut = *ui->wins_cut;
    job_start(ui, wins_work, wins_done, j);
}

void ui_cut_wins(struct ui *ui, const struct win_cut *cut)
{
    free(ui->wins_cut);
    ui->wins_cut = mem_alloc(1, sizeof *ui->wins_cut);
    *ui->wins_cut = *cut;
    ui_look_for_wins(ui);
}

const struct win_table *ui_wins(struct ui *ui)
{
    return ui->wins;
}

void compare_jobs_fini(struct ui *ui)
{
    checkpoint_list_free(ui->checkpoints);
    prompt_set_free(ui->prompts);
    win_table_free(ui->wins);
    free(ui->wins_cut);
}
