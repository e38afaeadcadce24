#include "config.h"

#include "train/run/run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"
#include "store/run_best.h"

// ---- the store ----

int part_find(struct part *p, const struct run *r, const char *suffix, const char *objective, struct err *e)
{
    struct run_info info, whole;
    struct str name = {0};
    *p = (struct part){.objective = objective};
    str_addf(&name, "%s.%s", r->name, suffix);
    p->name = str_take(&name);
    p->dir = store_run_dir(r->store, p->name);
    int code = run_name_check(p->name, e);
    if (!code)
        code = store_find_run(r->store, r->name, &whole, e);
    if (code)
        return code;
    const int found = store_find_run(r->store, p->name, &info, e);
    if (found && found != ERR_NOT_FOUND)
        code = found;
    else if (!found && (strcmp(info.objective, objective) != 0 || info.created_ms < whole.created_ms))
        code = err_set(e, ERR_STATE,
                       "there is a run %s already that is no part of %s: start this experiment under another name",
                       p->name, r->name);
    p->exists = !found;
    if (!found)
        run_info_fini(&info);
    run_info_fini(&whole);
    return code;
}

int part_add(struct part *p, const struct run *r, const json_t *settings, struct err *e)
{
    char *made = NULL;
    struct str note = {0};
    const char *model = json_string_value(json_object_get(settings, "model")),
               *data = json_string_value(json_object_get(settings, "data"));
    int code = store_add_run(r->store, p->name, p->objective, model, data, settings, &made, e);
    str_addf(&note, "part of %s", r->name);
    if (!code)
        code = store_set_note(r->store, p->name, str_text(&note), e);
    p->exists = !code;
    str_fini(&note);
    free(made);
    return code;
}

void part_close(struct part *p)
{
    run_reader_close(p->reader);
    free(p->name);
    free(p->dir);
    *p = (struct part){0};
}

// ---- the process ----

int part_start(struct part *p, const struct run *r, struct err *e)
{
    char *log = path_join(p->dir, "engine.log");
    const char *project = store_dir(r->store), *program = path_program();
    int code = file_make_dirs(p->dir, e);
    const int log_fd = code ? -1 : open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (!code && (log_fd < 0 || null_fd < 0))
        code = err_errno(e, "cannot write %s", log);
    const pid_t pid = code ? 0 : fork();
    if (!code && pid == 0) { // nothing but calls that are safe in a child of a program with threads
        setsid();
        dup2(null_fd, STDIN_FILENO);
        dup2(log_fd, STDOUT_FILENO);
        dup2(log_fd, STDERR_FILENO);
        execl(program, program, "run", "--project", project, "--run", p->name, (char *)NULL);
        _exit(127);
    }
    if (!code && pid < 0)
        code = err_errno(e, "cannot start the engine of run %s", p->name);
    if (!code) {
        p->pid = pid;
        p->was_started = true;
    }
    if (log_fd >= 0)
        close(log_fd);
    if (null_fd >= 0)
        close(null_fd);
    free(log);
    return code;
}

int part_look(struct part *p, struct err *e)
{
    // Before its words are read: what it wrote last is then among them.
    const bool ended = p->pid && waitpid(p->pid, NULL, WNOHANG) == p->pid;
    struct err fault = {0};
    int code = p->reader ? 0 : run_reader_open(&p->reader, p->dir, &fault);
    if (!code)
        code = run_reader_status(p->reader, &p->status, &fault);
    if (code && code != ERR_NOT_FOUND) {
        *e = fault;
        return code;
    }
    if (ended)
        p->pid = 0;
    if (p->pid && p->status.pid != p->pid)
        return 1; // it has not said anything yet
    return p->pid || run_state_is_live(p->status.state);
}

void part_ask_to_stop(struct part *p, struct run *r)
{
    // One that has not said anything yet finds a control that is newer than its start only by chance: the signal is
    // certain.
    if (p->pid)
        kill(p->pid, SIGTERM);
    else if (run_state_is_live(p->status.state))
        store_post_control(r->store, p->name, CONTROL_STOP, "", "", NULL);
}

int part_fault(const struct part *p, struct err *e)
{
    if (p->status.state == RUN_FAILED)
        return err_set(e, p->status.failure, "run %s failed: %s", p->name, p->status.message);
    return err_set(e, ERR_STATE,
                   "the engine of run %s is gone without a word (killed, or out of memory?) at step %lld; its log is "
                   "%s/engine.log",
                   p->name, (long long)p->status.step, p->dir);
}

int part_checkpoint(const struct part *p, char **dir, struct err *e)
{
    int64_t step;
    struct run_best best;
    struct str path = {0};
    if (run_best_read(p->dir, &best, NULL) == 0) {
        str_addf(&path, "%s/checkpoints/step-%lld", p->dir, (long long)best.step);
        *dir = str_take(&path);
        if (file_is_dir(*dir))
            return 0;
        free(*dir);
    }
    *dir = checkpoint_latest(p->dir, &step);
    if (*dir)
        return 0;
    return err_set(e, ERR_STATE, "run %s is done, but its checkpoint is not there any more: there is nothing to go on with",
                   p->name);
}

int part_link_result(const struct part *p, struct run *r, struct err *e)
{
    struct str name = {0}, path = {0}, to = {0};
    char *dir = NULL;
    int code = part_checkpoint(p, &dir, e);
    str_addf(&name, "step-%lld", (long long)r->status.step);
    str_addf(&path, "%s/checkpoints", r->dir);
    if (!code)
        code = file_make_dirs(str_text(&path), e);
    str_addf(&path, "/%s", str_text(&name));
    if (!code)
        str_addf(&to, "../../%s/checkpoints/%s", p->name, path_base(dir));
    unlink(str_text(&path)); // of a life that was killed here
    if (!code && symlink(str_text(&to), str_text(&path)) != 0)
        code = err_errno(e, "cannot make the link %s", str_text(&path));
    if (!code)
        recorder_checkpoint(r->recorder, r->status.step, str_text(&name));
    free(dir);
    str_fini(&name);
    str_fini(&path);
    str_fini(&to);
    return code;
}
