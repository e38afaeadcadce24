// The machine's state for the strip at the top, read every other second while a run lives here; else nothing wakes for it.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/machine.h"
#include "ui/ui_internal.h"

enum { PERIOD_S = 2, LEAST_COLUMNS = 90 };

struct machine_job {
    struct machine_reader *reader; // the first one makes it: opening a driver's library takes its time
    struct machine found;
};

static int machine_work(void *arg, struct err *e)
{
    struct machine_job *j = arg;
    if (!j->reader)
        j->reader = machine_reader_new(NULL, NULL);
    machine_read(j->reader, &j->found);
    return 0;
}

static void machine_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct machine_job *j = arg;
    ui->machine_reader = j->reader;
    if (ui->machine)
        *ui->machine = j->found;
    ui->reading_machine = false;
    free(j);
}

// A run of this machine, by what its engine said of itself.
static bool lives_here(const struct ui *ui)
{
    struct run_status self;
    run_status_self(&self);
    for (int i = 0; i < ui->runs.n; i++) {
        const struct run_status *s = &ui->runs.rows[i]->status;
        if (ui->runs.rows[i]->reader && run_state_is_live(s->state) && strcmp(s->host, self.host) == 0)
            return true;
    }
    return false;
}

void machine_tick(struct ui *ui, double now_s)
{
    if (!ui->has_screen || ui->frozen || ui->reading_machine || now_s < ui->machine_s)
        return;
    ui->machine_s = now_s + PERIOD_S;
    if (ui->runs.n_live == 0 || ui->canvas.width < LEAST_COLUMNS || !lives_here(ui)) {
        free(ui->machine);
        ui->machine = NULL;
        return;
    }
    if (!ui->machine) {
        ui->machine = mem_alloc(1, sizeof *ui->machine);
        ui->machine->cpu = NAN;
    }
    struct machine_job *j = mem_alloc(1, sizeof *j);
    j->reader = ui->machine_reader;
    ui->reading_machine = true;
    job_start(ui, machine_work, machine_done, j);
}
