#include "config.h"

#include "train/run/experiment.h"

#include <time.h>

#include "base/str.h"
#include "train/run/loop.h"

// ---- steering ----

static void stop_all(struct experiment *x)
{
    x->r->asked_to_stop = true;
    for (int i = 0; i < x->n; i++)
        part_ask_to_stop(&x->parts[i], x->r);
}

static void pass_on(struct run *r, void *with, enum control_kind kind)
{
    struct experiment *x = with;
    if (kind == CONTROL_STOP) {
        stop_all(x);
        return;
    }
    for (int i = 0; i < x->n; i++)
        if (x->parts[i].pid || run_state_is_live(x->parts[i].status.state))
            store_post_control(r->store, x->parts[i].name, kind, "", "", NULL);
}

static int pass_on_checkpoint(struct run *r, void *with, struct err *e)
{
    pass_on(r, with, CONTROL_CHECKPOINT);
    return 0;
}

// A change goes to the parts that know the setting as one that may change; what only judges the result stays here.
static void pass_on_setting(struct run *r, void *with, const char *key, const char *value)
{
    struct experiment *x = with;
    for (int i = 0; i < x->n; i++) {
        const struct objective *o;
        struct run_tables tables;
        struct settings own;
        if (objective_find(&o, x->parts[i].objective, NULL))
            continue;
        run_settings_init(&own, &tables, o);
        if (settings_find(&own, key) && x->parts[i].exists && x->parts[i].status.state != RUN_DONE)
            store_post_control(r->store, x->parts[i].name, CONTROL_SET, key, value, NULL);
        settings_fini(&own);
    }
}

// ---- watching ----

static int start(struct experiment *x, int i, struct err *e)
{
    struct run *r = x->r;
    struct part *p = &x->parts[i];
    int code = x->ops->prepare(x, i, e);
    if (!code)
        code = part_start(p, r, e);
    if (!code)
        recorder_event(r->recorder, r->status.step, "info", "part", 0, "%s (%s) was started as process %d", p->name,
                       p->objective, (int)p->pid);
    return code;
}

static int note_done(struct experiment *x, int i, struct err *e)
{
    struct part *p = &x->parts[i];
    const bool first = !p->recorded;
    p->recorded = true;
    if (first)
        recorder_event(x->r->recorder, x->r->status.step, "info", "part", 0, "%s is done after %lld %s", p->name,
                       (long long)p->status.step, text_plural(p->status.step, "step", "steps"));
    return first && x->ops->done ? x->ops->done(x, i, e) : 0;
}

// It was started, works no more, and is not done: that ends the experiment, unless this goes on without it.
static int note_rest(struct experiment *x, int i, struct err *e)
{
    struct part *p = &x->parts[i];
    struct run *r = x->r;
    if (!r->asked_to_stop && x->ops->rested && x->ops->rested(x, i)) {
        p->left_out = true;
        return 0;
    }
    if (p->status.state != RUN_STOPPED)
        return part_fault(p, e);
    if (!r->asked_to_stop)
        recorder_event(r->recorder, r->status.step, "info", "stop", 0, "%s was stopped: so is its experiment", p->name);
    x->stopped = true;
    return 0;
}

// How many parts work; negative: an error.
static int count_working(struct experiment *x, struct err *e)
{
    int n = 0;
    for (int i = 0; i < x->n; i++) {
        const int works = part_look(&x->parts[i], e);
        if (works < 0)
            return works;
        x->parts[i].works = works;
        n += works;
    }
    return n;
}

// One look at all: *busy when something still works. A part that has ended in any other way than done ends the
// experiment, or is left out of it.
static int look(struct experiment *x, bool *busy, struct err *e)
{
    struct run *r = x->r;
    int n = count_working(x, e);
    *busy = n > 0;
    int code = n < 0 ? n : x->ops->watch ? x->ops->watch(x, e) : 0;
    for (int i = 0; i < x->n && !code; i++) {
        struct part *p = &x->parts[i];
        if (p->works || p->left_out)
            continue;
        if (p->status.state == RUN_DONE) {
            code = note_done(x, i, e);
        } else if (p->was_started) {
            code = note_rest(x, i, e);
        } else if (!r->asked_to_stop && !r->paused && !x->stopped && n < x->at_most) {
            code = start(x, i, e);
            *busy = true;
            n++;
        } else {
            x->stopped |= r->asked_to_stop;
            *busy |= r->paused && !r->asked_to_stop;
        }
    }
    return code;
}

// Done when all parts are, or when all of them have come to rest after a stop or a failure.
static int advance(struct run *r, void *with, bool *done, struct err *e)
{
    struct experiment *x = with;
    struct err ignored;
    bool busy = true;
    int code = look(x, &busy, x->failure ? &ignored : &x->fault);
    if (code && x->failure) { // said already: wait for what still works
        busy = false;
        for (int i = 0; i < x->n; i++)
            busy |= part_look(&x->parts[i], &ignored) == 1;
    } else if (code) {
        x->failure = code;
        busy = true;
    }
    if ((x->failure || x->stopped) && !r->asked_to_stop)
        stop_all(x);
    x->ops->report(x);
    if (busy)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    *done = !busy;
    return 0;
}

int experiment_train(struct experiment *x, struct err *e)
{
    static const struct run_work looking = {.advance = advance, .changed = pass_on_setting, .told = pass_on,
                                            .checkpoint = pass_on_checkpoint, .with_runs = true};
    struct err ignored;
    for (int i = 0; i < x->n; i++) { // what an earlier life has left working hears people from the first
        const int works = part_look(&x->parts[i], e);
        if (works < 0)
            return works;
    }
    x->ops->report(x);
    int code = run_loop(x->r, &looking, x, e);
    if (code && !x->r->asked_to_stop)
        stop_all(x);
    for (bool busy = code != 0; busy;) { // nothing may go on alone
        busy = false;
        for (int i = 0; i < x->n; i++)
            busy |= part_look(&x->parts[i], &ignored) == 1;
        if (busy)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (x->failure)
        *e = x->fault;
    return x->failure ? x->failure : code;
}
