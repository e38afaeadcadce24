#include "config.h"

#include "cli/control.h"
#include "cli/print.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

// It waits for its turn in a sweep that is at work, which hears that it is to be left out.
static bool waits_in_sweep(struct store *s, const struct look *l)
{
    bool waits = false;
    for (const char *dot = strchr(l->info.name, '.'); dot && l->status.state == RUN_QUEUED && !waits;
         dot = strchr(dot + 1, '.')) {
        struct look sweep = {0};
        char *name = mem_strndup(l->info.name, (size_t)(dot - l->info.name));
        waits = look_open(&sweep, s, name, NULL) == 0 && strcmp(sweep.info.objective, "sweep") == 0 &&
                run_state_is_live(sweep.status.state);
        look_close(&sweep);
        free(name);
    }
    return waits;
}

int control_post(struct store *s, struct look *l, enum control_kind kind, const char *key, const char *value,
                 int64_t *id, struct err *e)
{
    const char *name = l->info.name;
    if (kind == CONTROL_STOP && waits_in_sweep(s, l)) {
        *id = 0; // no engine takes it up; the sweep's hears it
        return store_post_control(s, name, kind, key, value, e);
    }
    if (!run_state_is_live(l->status.state)) {
        if (l->status.state == RUN_DONE)
            return err_set(e, ERR_STATE, "run %s is done", name);
        return err_set(e, ERR_STATE, "run %s is %s, no engine would read this; \"attune resume %s\" continues it", name,
                       run_state_name(l->status.state), name);
    }
    int code = store_post_control(s, name, kind, key, value, e);
    if (!code)
        *id = store_last_control(s, name);
    return code;
}

int control_wait(struct look *l, int64_t id, bool ended, double seconds, struct err *e)
{
    double deadline = clock_seconds() + seconds;
    for (;;) {
        int code = look_refresh(l, e);
        if (code)
            return code;
        bool live = run_state_is_live(l->status.state);
        if (l->status.state == RUN_DEAD || l->status.state == RUN_FAILED)
            return err_set(e, ERR_STATE, "run %s %s at step %lld%s%s", l->info.name,
                           l->status.state == RUN_DEAD ? "died" : "failed", (long long)l->status.step,
                           l->status.message[0] ? ": " : "", l->status.message);
        if (!live || (!ended && l->status.control_id >= id))
            return 0;
        if (clock_seconds() > deadline)
            return err_set(e, ERR_STATE, "run %s has not reacted for %.0f s; it is at: %s", l->info.name, seconds,
                           l->status.phase[0] ? l->status.phase : run_state_name(l->status.state));
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
}

int control_each(struct args *a, enum control_kind kind, const char *said)
{
    struct store *s = NULL;
    struct err e = {0};
    int status = 0, code = look_project(a, false, &s, &e);
    if (code)
        status = args_fail(a, &e);
    for (int i = 0; !code && i < a->n_words; i++) {
        struct look l = {0};
        int64_t id = 0;
        int one = look_open(&l, s, a->words[i], &e);
        if (!one)
            one = control_post(s, &l, kind, NULL, NULL, &id, &e);
        if (one)
            status = args_fail(a, &e); // the others are asked all the same
        else
            print_said("%s: %s\n", l.info.name, id ? said : "is taken out of the queue of its sweep");
        look_close(&l);
    }
    store_close(s);
    return status;
}
