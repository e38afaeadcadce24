#include "config.h"

#include "train/run/loop.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

// What the objective would need with the present settings must have been made ready when the run was loaded.
static bool is_ready(const struct run *r)
{
    struct objective_run now = {0};
    objective_configure(&now, r->objective, &r->settings);
    return r->objective->of_runs || !needs_any(needs_without(objective_needs(&now), r->needs));
}

static int change(struct run *r, const struct run_work *work, void *with, const char *key, const char *value,
                  struct err *e)
{
    const struct param *p = settings_find(&r->settings, key);
    if (p && !p->live)
        return err_set(e, ERR_USAGE, "%s cannot be changed while a run runs", key);
    char *was = p ? mem_strdup(settings_text(&r->settings, key)) : NULL;
    int code = settings_set(&r->settings, key, value, e); // also says that there is no such setting
    if (!code && !is_ready(r)) {
        code = err_set(e, ERR_USAGE, "%s %s takes what this run was not loaded with, such as the reference's "
                                     "log-probabilities, since it began with %s: begin a new run with it", key, value, was);
        settings_set(&r->settings, key, was, NULL);
    }
    free(was);
    if (!code)
        work->changed(r, with, key, value);
    return code;
}

static void apply_set(struct run *r, const struct run_work *work, void *with, const struct control *c)
{
    const int64_t step = r->status.step + 1; // the first that feels it
    struct err fault = {0};
    char text[400], was[80] = "";
    if (settings_find(&r->settings, c->key))
        text_copy(was, sizeof was, settings_text(&r->settings, c->key));
    if (change(r, work, with, c->key, c->value, &fault)) {
        recorder_event(r->recorder, step, "warn", "control", c->id, "refused: %s", fault.text);
        return;
    }
    controls_forget_replays(&r->controls, c->key);
    control_set_text(text, sizeof text, c->key, c->value, was);
    recorder_event(r->recorder, step, "info", "set", c->id, "%s%s", text, work->with_runs ? " (passed on to its runs)" : "");
}

static int replay_changes(struct run *r, const struct run_work *work, void *with, struct err *e)
{
    for (const struct replay *c; (c = controls_next_replay(&r->controls, r->status.step + 1));) {
        int code = change(r, work, with, c->key, c->value, e);
        if (code)
            return code;
    }
    return 0;
}

static int obey_one(struct run *r, const struct run_work *work, void *with, const struct control *c, struct err *e)
{
    const char *along = work->with_runs ? ", with its runs" : "";
    const int64_t step = r->status.step;
    switch (c->kind) {
    case CONTROL_SET:
        apply_set(r, work, with, c);
        break;
    case CONTROL_CHECKPOINT:
        recorder_event(r->recorder, step, "info", "control", c->id, "%s asked for",
                       work->with_runs ? "checkpoints of its runs were" : "a checkpoint was");
        return work->checkpoint(r, with, e);
    case CONTROL_STOP:
        recorder_event(r->recorder, step, "info", "stop", c->id, "stopped by request%s", along);
        r->asked_to_stop = true;
        work->told(r, with, CONTROL_STOP);
        break;
    case CONTROL_PAUSE:
    case CONTROL_RESUME:
        r->paused = c->kind == CONTROL_PAUSE;
        recorder_event(r->recorder, step, "info", r->paused ? "pause" : "resume", c->id, "%s%s",
                       r->paused ? "paused" : "went on", along);
        work->told(r, with, c->kind);
        break;
    }
    return 0;
}

static int obey(struct run *r, const struct run_work *work, void *with, struct err *e)
{
    struct control c;
    int code = replay_changes(r, work, with, e);
    while (!code && !r->asked_to_stop)
        if (signals_asked_to_stop()) {
            recorder_event(r->recorder, r->status.step, "info", "stop", 0, "stopped by a signal");
            r->asked_to_stop = true;
            work->told(r, with, CONTROL_STOP);
        } else if (controls_poll(&r->controls, &c)) {
            code = obey_one(r, work, with, &c, e);
        } else {
            break;
        }
    return code;
}

int run_loop(struct run *r, const struct run_work *work, void *with, struct err *e)
{
    int code = 0;
    for (bool done = false; !code && !done;) {
        code = obey(r, work, with, e);
        if (!code)
            code = work->advance(r, with, &done, e);
        if (!code)
            code = recorder_check(r->recorder, e);
    }
    return code;
}
