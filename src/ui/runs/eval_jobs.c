// What the page of evaluations shows, made on a thread of its own: the eval.json of all checkpoints, read and compared when
// one has changed.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/eval_file.h"
#include "ui/runs/eval_table.h"
#include "ui/ui_internal.h"

struct look_job {
    char **names, **dirs; // of the runs, the newest first
    int n;
    uint64_t stamp;   // of what was read last
    struct eval_table *table; // NULL: that is still so
    struct err fault; // the first file that could not be read
};

static int look_work(void *arg, struct err *e)
{
    struct look_job *j = arg;
    uint64_t stamp = (uint64_t)j->n + 1;
    for (int i = 0; i < j->n; i++) // runs that come and go move all others, and so change the sum
        stamp = stamp * 0x100000001b3u + eval_file_stamp(j->dirs[i]);
    if (stamp == j->stamp)
        return 0;
    j->stamp = stamp;
    json_t *list = json_array();
    for (int i = 0; i < j->n; i++)
        eval_file_list(j->dirs[i], j->names[i], list, j->fault.code ? NULL : &j->fault);
    j->table = eval_table_new(list);
    return 0;
}

static void look_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct look_job *j = arg;
    if (j->table) {
        eval_table_free(ui->evals);
        ui->evals = j->table;
        ui->evals_stamp = j->stamp;
        ui->evals_fault = j->fault;
        ui->more = true; // the view may go on
    }
    ui->reading_evals = false;
    for (int i = 0; i < j->n; i++) {
        free(j->names[i]);
        free(j->dirs[i]);
    }
    free(j->names);
    free(j->dirs);
    free(j);
}

void ui_look_for_evals(struct ui *ui)
{
    const struct run_list *l = &ui->runs;
    if (ui->reading_evals || ui->frozen)
        return;
    struct look_job *j = mem_alloc(1, sizeof *j);
    *j = (struct look_job){.n = l->n, .stamp = ui->evals_stamp};
    j->names = mem_alloc((size_t)l->n + 1, sizeof *j->names);
    j->dirs = mem_alloc((size_t)l->n + 1, sizeof *j->dirs);
    for (int i = 0; i < l->n; i++) {
        j->names[i] = mem_strdup(l->rows[l->n - 1 - i]->info.name);
        j->dirs[i] = store_run_dir(ui->store, j->names[i]);
    }
    ui->reading_evals = true;
    job_start(ui, look_work, look_done, j);
}

uint64_t ui_evals_stamp(struct ui *ui)
{
    return ui->evals_stamp;
}

struct eval_table *ui_evals(struct ui *ui, const char **trouble)
{
    *trouble = ui->evals_fault.code ? ui->evals_fault.text : NULL;
    return ui->evals;
}
