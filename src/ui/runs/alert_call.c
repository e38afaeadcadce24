#include "config.h"

#include "ui/runs/alert_call.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "ui/runs/run_text.h"
#include "ui/term/words.h"

extern char **environ;

enum { MOST_AT_ONCE = 8, PATIENCE_S = 30, LAST_S = 2 };

struct alert_calls {
    char *program, *project;
    struct words done; // "run alert": each is called for once
    struct words live; // runs that were seen alive: their end is news
    struct call {
        pid_t pid;
        double until_s;
    } calls[MOST_AT_ONCE];
    int n;
    char trouble[400];
    bool has_trouble;
};

int alert_calls_new(struct alert_calls **out, const char *program, const char *project, struct err *e)
{
    if (strchr(program, '/') && access(program, X_OK) != 0)
        return err_set(e, ERR_NOT_FOUND, "--on-alert %s: %s", program, strerror(errno));
    struct alert_calls *c = mem_alloc(1, sizeof *c);
    c->program = mem_strdup(program);
    c->project = mem_strdup(project);
    *out = c;
    return 0;
}

static void trouble(struct alert_calls *c, const char *what)
{
    snprintf(c->trouble, sizeof c->trouble, "the program for alerts, %.200s, %s", c->program, what);
    c->has_trouble = true;
}

const char *alert_calls_trouble(struct alert_calls *c)
{
    if (!c || !c->has_trouble)
        return NULL;
    c->has_trouble = false;
    return c->trouble;
}

static bool holds(const struct words *w, const char *text)
{
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->texts[i], text) == 0)
            return true;
    return false;
}

// Those that have ended, and those that have had their time; with their own children.
static void reap(struct alert_calls *c, double now_s)
{
    for (int i = 0; i < c->n;) {
        int status = 0;
        const pid_t ended = waitpid(c->calls[i].pid, &status, WNOHANG);
        const bool late = ended == 0 && now_s >= c->calls[i].until_s;
        if (late) {
            kill(-c->calls[i].pid, SIGKILL);
            waitpid(c->calls[i].pid, NULL, 0);
            trouble(c, "took longer than 30 s and was ended");
        } else if (ended > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
            char text[80];
            snprintf(text, sizeof text, WIFEXITED(status) ? "ended with status %d" : "was ended by signal %d",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
            trouble(c, text);
        }
        if (late || ended != 0)
            c->calls[i] = c->calls[--c->n];
        else
            i++;
    }
}

// The text stands in a file without a name: a program that does not read it holds nobody up.
static int input_with(const char *text)
{
    const int fd = memfd_create("alert", MFD_CLOEXEC);
    const size_t n = strlen(text);
    if (fd >= 0 && (write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void call(struct alert_calls *c, const char *json, double now_s)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, normal;
    char *argv[] = {c->program, NULL};
    pid_t pid;
    const int in = input_with(json);
    if (in < 0) {
        trouble(c, "could not be given its input");
        return;
    }
    sigemptyset(&none);
    sigemptyset(&normal);
    sigaddset(&normal, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&how);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &normal);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int failed = posix_spawnp(&pid, c->program, &files, &how, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    close(in);
    if (failed)
        trouble(c, strerror(failed));
    else
        c->calls[c->n++] = (struct call){pid, now_s + PATIENCE_S};
}

static char *say(const struct alert_calls *c, const struct run_row *r, const char *alert, const char *text)
{
    json_t *o = json_pack("{s:o, s:s, s:o, s:s, s:I, s:I, s:o, s:I}", "run", json_any_text(r->info.name), "alert",
                          alert, "text", json_any_text(text), "state", run_state_name(r->status.state), "step",
                          (json_int_t)r->status.step, "total_steps", (json_int_t)r->status.total_steps, "project",
                          json_any_text(c->project), "at_ms", (json_int_t)clock_wall_ms());
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return line;
}

static void consider(struct alert_calls *c, const struct run_row *r, const char *alert, const char *text, double now_s)
{
    struct str key = {0};
    str_addf(&key, "%s %s", r->info.name, alert);
    if (c->n < MOST_AT_ONCE && !holds(&c->done, str_text(&key))) {
        char *json = say(c, r, alert, text);
        words_add(&c->done, str_text(&key));
        if (json)
            call(c, json, now_s);
        free(json);
    }
    str_fini(&key);
}

void alert_calls_look(struct alert_calls *c, const struct run_list *l, double now_s)
{
    if (!c)
        return;
    reap(c, now_s);
    for (int i = 0; i < l->n; i++) {
        const struct run_row *r = l->rows[i];
        const bool lives = run_state_is_live(r->status.state);
        bool was_live = false;
        if (!lives && !c->live.n)
            continue;
        was_live = holds(&c->live, r->info.name);
        if (lives && !was_live)
            words_add(&c->live, r->info.name);
        if (r->alert && (lives || was_live)) // of runs that ended long ago nobody is called
            consider(c, r, r->alert->name, r->alert_text, now_s);
        if (was_live && (r->status.state == RUN_DEAD || r->status.state == RUN_FAILED)) {
            struct str text = {0};
            run_describe(r, &text);
            consider(c, r, run_state_name(r->status.state), str_text(&text), now_s);
            str_fini(&text);
        }
    }
}

void alert_calls_free(struct alert_calls *c)
{
    if (!c)
        return;
    const double until = clock_seconds() + LAST_S;
    for (; c->n > 0 && clock_seconds() < until; nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL))
        reap(c, clock_seconds());
    for (int i = 0; i < c->n; i++) {
        kill(-c->calls[i].pid, SIGKILL);
        waitpid(c->calls[i].pid, NULL, 0);
    }
    words_fini(&c->done);
    words_fini(&c->live);
    free(c->program);
    free(c->project);
    free(c);
}
