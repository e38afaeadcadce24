#include "config.h"

#include "train/control.h"

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
        // By step; those of one step in the order in which they were recorded.
        int at = c->n_replays++;
        for (; at > 0 && c->replays[at - 1].step > r.step; at--)
            c->replays[at] = c->replays[at - 1];
        c->replays[at] = r;
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
