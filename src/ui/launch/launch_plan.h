// What the run in the form would take, as a person reads it before it is started: a page of its own over the form.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "ui/term/canvas.h"

struct launch_plan {
    bool is_asked, is_there; // the answer is waited for; it is there
    json_t *answer;          // as engine_plan_run; NULL where it is refused
    struct err fault;
    char like[80];      // a run like it that was done; "" none
    double like_step_s; // the median time of its steps; 0: not known
    int n_runs, at_most;     // of a sweep; 1: a single run
};
void launch_plan_fini(struct launch_plan *p);
// Seconds of one run's steps, from a run like it or else from the engine's guess; 0: not known.
double launch_plan_seconds(const struct launch_plan *p);
// command: the run as a command line. top: lines above the window; returns how many they can be and are.
int launch_plan_draw(const struct launch_plan *p, const char *command, int top, struct canvas *c, struct rect area);
// Without a frame; returns how many lines there are in all.
int launch_plan_draw_lines(const struct launch_plan *p, const char *command, int top, struct canvas *c, struct rect area);
