// Work that may take seconds (starting an engine) on a thread of its own, so that the console never waits. A job owns its
// argument until it has ended; then the console's thread takes both back in jobs_collect.
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/ui_internal.h"

struct job {
    struct job *next;
    job_work work;
    job_done done;
    void *arg;
    pthread_t thread;
    const char *due; // what would be lost with the console: "A new run is being checked"; NULL: nothing
    int wake_fd;
    int code;
    struct err fault;
    atomic_bool has_ended;
};

static void *work(void *arg)
{
    struct job *j = arg;
    j->code = j->work(j->arg, &j->fault);
    int wake = j->wake_fd;
    atomic_store(&j->has_ended, true); // from here on j belongs to the console's thread
    ssize_t n = write(wake, "j", 1);
    (void)n;
    return NULL;
}

void job_start_due(struct ui *ui, const char *due, job_work function, job_done done, void *arg)
{
    struct job *j = mem_alloc(1, sizeof *j);
    *j = (struct job){.work = function, .done = done, .arg = arg, .due = due, .wake_fd = ui->wake_fd[1]};
    if (pthread_create(&j->thread, NULL, work, j) != 0) {
        j->code = err_errno(&j->fault, "cannot start a thread");
        done(ui, arg, j->code, &j->fault);
        free(j);
        return;
    }
    j->next = ui->jobs;
    ui->jobs = j;
}

void job_start(struct ui *ui, job_work function, job_done done, void *arg)
{
    job_start_due(ui, NULL, function, done, arg);
}

static void end_job(struct ui *ui, struct job **at)
{
    struct job *j = *at;
    *at = j->next;
    pthread_join(j->thread, NULL);
    j->done(ui, j->arg, j->code, &j->fault);
    free(j);
    ui->dirty = true; // what it found is to be seen at once
}

void jobs_collect(struct ui *ui)
{
    for (struct job **at = &ui->jobs; *at;) {
        if (atomic_load(&(*at)->has_ended))
            end_job(ui, at);
        else
            at = &(*at)->next;
    }
}

const char *jobs_due(const struct ui *ui)
{
    for (const struct job *j = ui->jobs; j; j = j->next)
        if (j->due)
            return j->due;
    return NULL;
}

// A job that does not end in time is left to itself.
void jobs_wait(struct ui *ui, double seconds)
{
    double until = clock_seconds() + seconds;
    while (ui->jobs && clock_seconds() < until) {
        jobs_collect(ui);
        if (ui->jobs)
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

void ui_work(struct ui *ui, const char *due, int (*function)(void *arg, struct err *e),
             void (*done)(struct ui *ui, void *arg, int code, const struct err *e), void *arg)
{
    job_start_due(ui, due, function, done, arg);
}
