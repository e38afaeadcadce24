// States of runs, and whether the process behind one is there still.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/run_db.h"

enum { HEARTBEAT_MS = 30000 };

static const char *const state_names[] = {"queued", "starting", "running", "paused", "stopped", "done", "failed", "dead"};

const char *run_state_name(enum run_state state)
{
    return state_names[state];
}

bool run_state_from_name(const char *name, enum run_state *out)
{
    for (int i = 0; i <= RUN_DEAD; i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum run_state)i;
            return true;
        }
    return false;
}

bool run_state_is_live(enum run_state state)
{
    return state == RUN_STARTING || state == RUN_RUNNING || state == RUN_PAUSED;
}

// Field 22 of /proc/PID/stat, in clock ticks since boot; 0 when there is no such process, or only its remains
// (a zombie that nobody waits for), -1 when that cannot be known here.
static int64_t process_start(int pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return kill(pid, 0) != 0 && errno == ESRCH ? 0 : -1;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *field = strrchr(text, ')'); // the name before it may hold blanks and brackets
    char state;
    long long start;
    if (!field || sscanf(field + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
                         &state, &start) != 2)
        return -1;
    return state == 'Z' || state == 'X' ? 0 : start;
}

static void host_name(char *out, size_t size)
{
    if (gethostname(out, size) != 0)
        text_copy(out, size, "unknown");
    out[size - 1] = 0;
}

void run_status_of_process(struct run_status *s, int pid)
{
    s->pid = pid;
    s->pid_start = process_start(pid);
    host_name(s->host, sizeof s->host);
}

void run_status_self(struct run_status *s)
{
    run_status_of_process(s, (int)getpid());
}

static bool beats_on(const struct run_status *s, struct run_beat *beat)
{
    const double now_s = clock_seconds();
    const bool is_first = beat->heartbeat_ms == 0;
    const bool beats = is_first ? clock_wall_ms() - s->heartbeat_ms < HEARTBEAT_MS : s->heartbeat_ms != beat->heartbeat_ms;
    if (is_first || beats)
        *beat = (struct run_beat){s->heartbeat_ms, beats ? now_s : -INFINITY};
    return now_s - beat->seen_s < HEARTBEAT_MS / 1000.0;
}

bool run_status_is_alive(const struct run_status *s)
{
    return run_status_lives_on(s, &(struct run_beat){0});
}

bool run_status_lives_on(const struct run_status *s, struct run_beat *beat)
{
    char here[sizeof s->host];
    host_name(here, sizeof here);
    int64_t start = strcmp(here, s->host) == 0 ? process_start(s->pid) : -1;
    if (start < 0 || s->pid_start < 0)
        return start != 0 && beats_on(s, beat);
    return start > 0 && start == s->pid_start;
}
