// A project folder with runs in every state, made through the store's own writers; the same bytes of content each time.
#pragma once

#include <stdint.h>

#include "store/run_db.h"
#include "store/store.h"

enum { FIXTURE_CLOCK = 1800000000 }; // what ATTUNE_CLOCK is: 2027-01-15 08:00:00 UTC

// The folder that a program's tests work on; fixture_set_up makes fixture_project(300).
extern char *project;
int fixture_set_up(void **state);
int fixture_tear_down(void **state); // of any project

// Seven runs: done, done, running, paused, failed, dead, queued; n_points metric points each. The live ones belong to
// the calling process. Returns the folder (heap).
char *fixture_project(int n_points);
// One live run "rloo-1", whose policy answers prompts as it learns.
char *fixture_online(int n_points);
// n live runs "live-1" ... with n_points points of three metrics each and their open writers, for load.
char *fixture_live(int n, int n_points, struct run_writer **writers);
// n runs "many-1" ... that are done.
char *fixture_many(int n, int n_points);
// One more point of each of the three metrics, and the status at that step.
void fixture_step(struct run_writer *w, int run, int64_t step);
