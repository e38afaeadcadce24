#include "config.h"

#include "train/run/paft_parts.h"

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

static const struct {
    const char *suffix, *objective;
} kinds[N_PARTS] = {[PART_SFT] = {".sft", "sft"}, [PART_DPO] = {".dpo", "dpo"}};

const char *part_objective(int which)
{
    return kinds[which].objective;
}

// ---- settings ----

// Threads change no result: two engines at once share what one would take.
static int64_t threads_of(const struct settings *s)
{
    int64_t all = settings_int(s, "threads");
    if (all == 0)
        all = sysconf(_SC_NPROCESSORS_ONLN);
    if (!settings_bool(s, "parallel"))
        return settings_int(s, "threads");
    return all > 1 ? all / N_PARTS : 1;
}

// Whatever the part's objective has as well is the experiment's; changes are merged in f32 whatever is saved in the
// end.
static int part_settings(const struct run *r, int which, json_t **out, struct err *e)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings own;
    char number[32];
    int code = objective_find(&o, kinds[which].objective, e);
    if (code)
        return code;
    run_settings_init(&own, &tables, o);
    for (size_t i = 0; i < r->settings.n_items && !code; i++) {
        const char *name = r->settings.items[i].param->name;
        if (settings_find(&own, name) && *r->settings.items[i].text)
            code = settings_set(&own, name, r->settings.items[i].text, e);
    }
    snprintf(number, sizeof number, "%lld", (long long)threads_of(&r->settings));
    if (!code)
        code = settings_set(&own, "threads", number, e);
    if (!code)
        code = settings_set(&own, "dtype", "f32", e);
    if (!code && which == PART_SFT && settings_float(&r->settings, "sft-lr") > 0)
        code = settings_set(&own, "lr", settings_text(&r->settings, "sft-lr"), e);
    if (!code)
        *out = settings_to_json(&own, true);
    settings_fini(&own);
    return code;
}

// ---- the store ----

static int add(struct part *p, const struct run *r, int which, struct err *e)
{
    json_t *settings;
    char *made = NULL;
    struct str note = {0};
    int code = part_settings(r, which, &settings, e);
    if (code)
        return code;
    code = store_add_run(r->store, p->name, kinds[which].objective, settings_text(&r->settings, "model"),
                         settings_text(&r->settings, "data"), settings, &made, e);
    str_addf(&note, "part of %s", r->name);
    if (!code)
        code = store_set_note(r->store, p->name, str_text(&note), e);
    str_fini(&note);
    free(made);
    json_decref(settings);
    return code;
}

int part_open(struct part *p, const struct run *r, int which, struct err *e)
{
    struct run_info info, whole;
    struct str name = {0};
    *p = (struct part){0};
    str_addf(&name, "%s%s", r->name, kinds[which].suffix);
    p->name = str_take(&name);
    p->dir = store_run_dir(r->store, p->name);
    int code = store_find_run(r->store, r->name, &whole, e);
    if (code)
        return code;
    const int found = store_find_run(r->store, p->name, &info, e);
    if (found == ERR_NOT_FOUND)
        code = add(p, r, which, e);
    else if (found)
        code = found;
    else if (strcmp(info.objective, kinds[which].objective) != 0 || info.created_ms < whole.created_ms)
        code = err_set(e, ERR_STATE,
                       "there is a run %s already that is no part of %s: start this experiment under another name",
                       p->name, r->name);
    if (!found)
        run_info_fini(&info);
    run_info_fini(&whole);
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
    *dir = checkpoint_latest(p->dir, &step);
    if (*dir)
        return 0;
    return err_set(e, ERR_STATE, "run %s is done, but its checkpoint is not there any more: there is nothing to merge",
                   p->name);
}
