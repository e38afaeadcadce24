#include "config.h"

#include "train/run/control.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_db.h"

void controls_init(struct controls *c, struct store *s, const char *run, int64_t last_id, int64_t started_ms)
{
    *c = (struct controls){.store = s, .run = run, .last_id = last_id, .started_ms = started_ms};
}

void controls_fini(struct controls *c)
{
    free(c->replays);
    *c = (struct controls){0};
}

void control_set_text(char *out, size_t size, const char *key, const char *value, const char *was)
{
    snprintf(out, size, "%s = %s (was %s)", key, value, was);
}

bool control_set_parse(const char *text, char key[64], char value[64])
{
    return sscanf(text, "%63s = %63s (was", key, value) == 2;
}

void controls_forget_replays(struct controls *c, const char *key)
{
    int n = c->next_replay;
    for (int i = c->next_replay; i < c->n_replays; i++)
        if (strcmp(c->replays[i].key, key) != 0)
            c->replays[n++] = c->replays[i];
    c->n_replays = n;
}

// Events stand in the order in which they were recorded. Steps go back where a run was continued from a checkpoint: a
// change made then replaces those of the same setting that an earlier life had made at the same or later steps.
int controls_load_replays(struct controls *c, const char *run_dir, int64_t after_step, struct err *e)
{
    struct run_reader *reader;
    struct run_event *events = NULL;
    int n = 0, cap = 0;
    int code = run_reader_open(&reader, run_dir, e);
    if (code)
        return code;
    code = run_reader_events(reader, 0, &events, &n, e);
    for (int i = 0; !code && i < n; i++) {
        struct replay r = {.step = events[i].step};
        if (strcmp(events[i].kind, "set") != 0 || r.step <= after_step || !control_set_parse(events[i].text, r.key, r.value))
            continue;
        MEM_GROW(c->replays, c->n_replays, cap);
        int at, kept = 0;
        for (int k = 0; k < c->n_replays; k++)
            if (c->replays[k].step < r.step || strcmp(c->replays[k].key, r.key) != 0)
                c->replays[kept++] = c->replays[k];
        // By step; those of one step in the order in which they were recorded.
        for (at = kept; at > 0 && c->replays[at - 1].step > r.step; at--)
            c->replays[at] = c->replays[at - 1];
        c->replays[at] = r;
        c->n_replays = kept + 1;
    }
    run_events_free(events, n);
    run_reader_close(reader);
    return code;
}

const struct replay *controls_next_replay(struct controls *c, int64_t step)
{
    if (c->next_replay == c->n_replays || c->replays[c->next_replay].step > step)
        return NULL;
    return &c->replays[c->next_replay++];
}

bool controls_poll(struct controls *c, struct control *out)
{
    const double now = clock_seconds();
    if (now < c->next_poll)
        return false;
    // A store that is busy for a moment is asked again soon; controls wait in it.
    while (store_controls_after(c->store, c->run, c->last_id, out, 1, NULL) == 1) {
        c->last_id = out->id;
        if (out->kind == CONTROL_SET || out->at_ms >= c->started_ms)
            return true;
    }
    c->next_poll = now + 0.05;
    return false;
}

bool controls_hold_stop(const struct controls *c)
{
    struct control next;
    for (int64_t id = c->last_id; store_controls_after(c->store, c->run, id, &next, 1, NULL) == 1; id = next.id)
        if (next.kind == CONTROL_STOP && next.at_ms >= c->started_ms)
            return true;
    return false;
}

static volatile sig_atomic_t stop_asked;

static void on_stop(int number)
{
    stop_asked = 1;
}

void signals_watch(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); // the terminal that started us may go
}

bool signals_asked_to_stop(void)
{
    return stop_asked;
}
