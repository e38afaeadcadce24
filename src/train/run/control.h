// What people ask of a run while it runs: rows of the store, and signals. The trainer polls between steps.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct controls {
    struct store *store;
    const char *run;
    int64_t last_id;    // controls up to it were applied
    int64_t started_ms; // pause, resume, stop and checkpoint from before it were for an earlier engine
    double next_poll;
    // Changes that were applied after the checkpoint that this engine continues from: the same again, at the
    // same steps, so that a resumed run is the run left alone.
    struct replay {
        int64_t step;
        char key[64], value[64];
    } *replays;
    int n_replays, next_replay;
};

void controls_init(struct controls *c, struct store *s, const char *run, int64_t last_id, int64_t started_ms);
void controls_fini(struct controls *c);
// Reads the changes with a step above `after_step` from the run's recorded events.
int controls_load_replays(struct controls *c, const char *run_dir, int64_t after_step, struct err *e);
// The next change to make before `step`, or NULL.
const struct replay *controls_next_replay(struct controls *c, int64_t step);
// Somebody has changed `key` anew: what was changed earlier, at later steps, is not repeated over it.
void controls_forget_replays(struct controls *c, const char *key);
// The next control, if there is one; asks the store at most every 50 ms. Returns false when there is none.
bool controls_poll(struct controls *c, struct control *out);
// Whether a stop waits to be polled: for long work before the first step.
bool controls_hold_stop(const struct controls *c);

// The text of the event that records a change, and its reading.
void control_set_text(char *out, size_t size, const char *key, const char *value, const char *was);
bool control_set_parse(const char *text, char key[64], char value[64]);

// SIGTERM and SIGINT ask the run to stop with a checkpoint.
void signals_watch(void);
bool signals_asked_to_stop(void);
