// A run as the commands see it: its row in the store and, when an engine has taken it up, its run.db.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/args.h"
#include "store/run_db.h"
#include "store/store.h"

// The project that the arguments name; `create` for commands that make runs.
int look_project(const struct args *a, bool create, struct store **out, struct err *e);
// Runs `work` on the project that the arguments name, and returns the exit status.
int look_command(const struct command *c, int argc, char **argv, int min_words, int max_words,
                 int (*work)(struct args *a, struct store *s, struct err *e));

struct look {
    struct run_info info;
    char *dir;
    struct run_reader *reader; // NULL: no engine yet
    struct run_status status;  // RUN_QUEUED then
};
int look_open(struct look *l, struct store *s, const char *name, struct err *e);
int look_refresh(struct look *l, struct err *e); // reads the status; opens run.db as soon as it is there
void look_close(struct look *l);                 // zeroed is fine

// The newest values of the metrics that lists show.
enum { LOOK_LOSS, LOOK_MARGIN, LOOK_ACCURACY, LOOK_KL, LOOK_N_METRICS };
extern const char *const look_metrics[LOOK_N_METRICS];

json_t *look_to_json(const struct look *l, const char *const *keys, const double *values, int n_keys);
// Its best checkpoint as best.json has it, null where there is none; a new reference.
json_t *look_best_json(const struct look *l);
// Text as a JSON string, broken bytes as U+FFFD; a number, null when it is not finite.
json_t *look_json_text(const char *text);
json_t *look_json_number(double value);
void look_print_json(json_t *value); // to stdout; frees it
