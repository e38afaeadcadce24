// Starting the engine of a run, and waiting until it has said something in run.db.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/manner.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "launch/spawn.h"
#include "store/run_db.h"

enum { POLL_MS = 10, PATIENCE_S = 60 };

static int refuse_live(const char *run, const char *run_dir, struct err *e)
{
    struct run_reader *r = NULL;
    struct run_status status;
    struct err fault = {0};
    int code = run_reader_open(&r, run_dir, &fault);
    if (code == ERR_NOT_FOUND)
        return 0;
    if (!code)
        code = run_reader_status(r, &status, &fault);
    run_reader_close(r);
    if (code) {
        if (e)
            *e = fault;
        return code;
    }
    if (run_state_is_live(status.state))
        return err_set(e, ERR_STATE, "run %s is %s already (process %d on %s, step %lld)", run,
                       run_state_name(status.state), status.pid, status.host, (long long)status.step);
    if (status.state == RUN_DONE)
        return status.message[0] ? err_set(e, ERR_STATE, "run %s is done after %lld steps: %s", run, (long long)status.step,
                                           status.message)
                                 : err_set(e, ERR_STATE, "run %s is done: all its steps (%lld) were made", run,
                                           (long long)status.total_steps);
    return 0;
}

// Why an engine that is gone is gone: its last words in the log.
static int report_death(const char *run, int log_fd, long log_start, const char *log_path, struct err *e)
{
    char *text = spawn_error_text(log_fd, log_start);
    int code = *text ? err_set(e, ERR_FAIL, "run %s could not start: %s", run, text)
                     : err_set(e, ERR_FAIL, "the engine of run %s ended without a word (out of memory?); its log is %s", run,
                               log_path);
    free(text);
    return code;
}

// 1: the engine with this pid has reported itself, 0: not yet, negative: it has failed.
static int look(const char *run, const char *run_dir, struct run_status *self, struct run_reader **r, struct err *e)
{
    struct run_status status;
    if (!*r && run_reader_open(r, run_dir, NULL) != 0)
        return 0;
    if (run_reader_status(*r, &status, NULL) != 0 || status.pid != self->pid)
        return 0;
    if (status.state == RUN_FAILED && status.step == 0) // later it did work: who follows it says how it ended
        return err_set(e, status.failure, "run %s failed: %s", run, status.message);
    return status.state == RUN_DEAD ? 0 : 1; // its death is found, and its words are read, by the caller
}

static int wait_for_report(const char *run, const char *run_dir, int pid, int log_fd, long log_start,
                           const char *log_path, struct err *e)
{
    struct run_reader *r = NULL;
    struct run_status self = {.pid = pid};
    double deadline = clock_seconds() + PATIENCE_S;
    int found = 0, code = 0;
    run_status_of_process(&self, pid);
    for (;;) {
        bool alive = run_status_is_alive(&self); // before the look: what it wrote last is then seen
        found = look(run, run_dir, &self, &r, e);
        if (found != 0)
            break;
        if (!alive) {
            code = report_death(run, log_fd, log_start, log_path, e);
            break;
        }
        if (clock_seconds() > deadline) {
            code = err_set(e, ERR_STATE, "the engine of run %s (process %d) has said nothing for %d seconds; its log is %s",
                           run, pid, PATIENCE_S, log_path);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000L * 1000L}, NULL);
    }
    run_reader_close(r);
    return found < 0 ? found : code;
}

static int ask_about(const char *command, const char *more, const char *objective, const json_t *settings,
                     json_t **answer, struct err *e)
{
    char *text = json_dumps(settings, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const char *const call[] = {command, "--objective", objective, "--settings", text, more, NULL};
    int code = text ? engine_call(call, answer, e) : err_set(e, ERR_FAIL, "the settings are no JSON text");
    free(text);
    return code;
}

int engine_check_run(const char *objective, const json_t *settings, json_t **memory, struct err *e)
{
    json_t *answer = NULL;
    int code = ask_about("check", NULL, objective, settings, &answer, e);
    if (memory)
        *memory = json_incref(json_object_get(answer, "memory"));
    json_decref(answer);
    return code;
}

int engine_plan_run(const char *objective, const json_t *settings, json_t **plan, struct err *e)
{
    return ask_about("check", "--time", objective, settings, plan, e);
}

int engine_memory(const char *objective, const json_t *settings, json_t **memory, struct err *e)
{
    return ask_about("memory", NULL, objective, settings, memory, e);
}

int engine_start(struct store *s, const char *run, struct err *e)
{
    int refused = manner_may_change("starting an engine", e);
    if (refused)
        return refused;
    struct run_info info;
    int code = store_find_run(s, run, &info, e);
    if (code)
        return code;
    run_info_fini(&info);
    char *run_dir = store_run_dir(s, run), *log_path = path_join(run_dir, "engine.log"), *engine = NULL;
    int log_fd = -1, null_fd = -1, pid = 0;
    code = refuse_live(run, run_dir, e);
    if (!code && !(engine = engine_path(e)))
        code = e ? e->code : ERR_NOT_FOUND;
    if (!code) {
        log_fd = open(log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (log_fd < 0 || null_fd < 0)
            code = err_errno(e, "cannot write %s", log_path);
    }
    if (!code) {
        const char *const argv[] = {engine, "run", "--project", store_dir(s), "--run", run, NULL};
        const int fds[3] = {null_fd, log_fd, log_fd};
        long log_start = (long)lseek(log_fd, 0, SEEK_END);
        code = spawn(argv, fds, store_dir(s), true, &pid, e);
        if (!code)
            code = wait_for_report(run, run_dir, pid, log_fd, log_start, log_path, e);
    }
    if (log_fd >= 0)
        close(log_fd);
    if (null_fd >= 0)
        close(null_fd);
    free(engine);
    free(log_path);
    free(run_dir);
    return code;
}
