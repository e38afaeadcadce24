// The project folder and attune.db: what people make (runs and their settings, controls, notes). Few small
// writes: rollback journal, synchronous=FULL, BEGIN IMMEDIATE, busy timeout. Every process may write it.
// What a run produces stands in its own runs/NAME/run.db (store/run_db.h), written by its engine alone.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// One thread at a time uses a store; every thread that wants one opens its own.
struct store;

// The project folder: `given` (--project) when not NULL, else $ATTUNE_PROJECT, else the nearest folder upwards
// that holds attune.db, else $XDG_DATA_HOME/attune (~/.local/share/attune). On the heap.
char *store_project_dir(const char *given);

// Opens (and with `create` makes) the project folder's attune.db; brings an older schema up to date in one
// transaction. ERR_UNSUPPORTED for a store from a newer Attune, ERR_INPUT for a file that is none.
int store_open(struct store **out, const char *project_dir, bool create, struct err *e);
void store_close(struct store *s); // NULL is fine
const char *store_dir(const struct store *s);
int store_check(struct store *s, struct err *e); // reads the whole file: ERR_INPUT with what is damaged

struct run_info {
    int64_t id;
    char *name;       // unique; also the folder runs/NAME
    char *objective, *model, *data;
    json_t *settings; // all settings of the run as one object
    int64_t created_ms;
    char *note;
    int64_t parent;   // id of the run from whose checkpoint it goes on; 0: it begins at step 0
    char *parent_name; // NULL without one
    int64_t parent_step; // of that checkpoint: the run's own first step is the one after it
    char *tags;         // "hh,sweep": in order, one comma between two; "" none
    bool pinned;        // stands on top of lists
    bool hidden;        // in the archive: not on the list, its files stay
    int64_t trashed_ms; // when it came to the trash; 0: it is not there
};
void run_info_fini(struct run_info *r);
// A sweep, a recipe: it trains nothing itself, and its runs are called NAME.PART. It has a checkpoint only
// where one of these is its result.
bool run_info_is_experiment(const struct run_info *r);
void run_infos_free(struct run_info *runs, int n);

// name: NULL or "" makes one from the objective ("dpo-1", "dpo-2", ...). Creates runs/NAME. *name_out on the heap.
int store_add_run(struct store *s, const char *name, const char *objective, const char *model, const char *data,
                  const json_t *settings, char **name_out, struct err *e);
// A run that goes on from step `step` of `parent`; without a name it is called after the parent ("dpo-1-fork-1").
int store_add_fork(struct store *s, const char *name, const char *objective, const char *model, const char *data,
                   const json_t *settings, const char *parent, int64_t step, char **name_out, struct err *e);
enum run_shelf { SHELF_LIST, SHELF_ARCHIVE, SHELF_TRASH };
int store_runs_on(struct store *s, enum run_shelf shelf, struct run_info **out, int *n, struct err *e); // oldest first
int store_runs(struct store *s, struct run_info **out, int *n, struct err *e); // those on the list, oldest first
// ERR_NOT_FOUND names near ones, and the trash
int store_find_run(struct store *s, const char *name, struct run_info *out, struct err *e);
int store_update_settings(struct store *s, const char *name, const json_t *settings, struct err *e);
int store_set_note(struct store *s, const char *name, const char *note, struct err *e);
char *store_run_dir(const struct store *s, const char *name); // on the heap

// Controls: what a person asks of a run. The engine applies them between steps, in the order of their ids, and
// records an event with the step at which each took effect.
enum control_kind { CONTROL_PAUSE, CONTROL_RESUME, CONTROL_STOP, CONTROL_CHECKPOINT, CONTROL_SET };
struct control {
    int64_t id, at_ms;
    enum control_kind kind;
    char key[64], value[64]; // CONTROL_SET: a live parameter and its new value
};
int store_post_control(struct store *s, const char *run, enum control_kind kind, const char *key, const char *value,
                       struct err *e);
// Those with id > after; returns how many were written to out (at most max).
int store_controls_after(struct store *s, const char *run, int64_t after, struct control *out, int max, struct err *e);
// Takes over into `settings` what was changed by the controls with *last < id <= applied, and moves *last there.
// An engine has taken up all controls up to control_id of its status.
int store_changed_settings(struct store *s, const char *run, int64_t *last, int64_t applied, json_t *settings,
                           struct err *e);
int64_t store_last_control(struct store *s, const char *run); // 0 when there is none
