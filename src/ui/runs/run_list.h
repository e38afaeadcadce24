// The runs of the project as the console knows them: read from the store and from each run.db, in one place, so that
// the list, the curves and the strip at the top agree. Only the console's one thread uses it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/run_db.h"
#include "store/store.h"
#include "ui/runs/health.h"
#include "ui/runs/run_wants.h"

// What the list and the run's own line show; NaN while a run has not recorded one.
enum run_value { VALUE_LOSS, VALUE_MARGIN, VALUE_ACCURACY, VALUE_KL, VALUE_LENGTH, VALUE_LR, VALUE_DECODE, VALUE_N };
const char *run_value_key(enum run_value value); // "rewards/margins"

struct run_row {               // its address is stable while the run is in the list
    struct run_info info;
    int index;                 // from the run's id: letter and colour follow from it and never change
    char letter;               // 'a'..'p', again from 'a' after 16
    bool selected;             // for overlay
    struct run_list *list;
    bool has_db;               // the engine has made run.db
    struct run_reader *reader; // open or not: run_row_reader has it for whoever reads
    int64_t n_opened;
    double used_s;             // when somebody asked for the reader last
    int64_t stamp;             // of the files of run.db, as they were before the last look
    struct run_status status;  // state RUN_QUEUED while there is no run.db
    int64_t version;           // of run.db; a view that read at this version has seen everything
    struct run_extra *extras;  // (list->wants.n) what is wanted beside `values`; NULL: not read yet
    int64_t extras_version;    // run.db's version that they know
    double values[VALUE_N];
    double sampling_share;     // of the time of the last steps; NaN where nothing is sampled to learn from
    json_t *settings;          // as they are now: info.settings with what was changed while the run ran
    int64_t control_id;        // the last change in them
    struct course spark;       // of the margin (of the loss where there is none)
    int64_t spark_cursor;      // point read last
    bool spark_is_margin, spark_is_behind; // is_behind: more of it is to be read
    struct health health;
    int64_t health_cursor[HEALTH_METRICS], health_version; // run.db's version that the health knows
    int64_t seen_step;
    double seen_step_s;        // when seen_step was met first, or the run began to train again
    const struct health_rule *alert; // NULL: all is well
    char alert_text[240];
    double looked_s;           // when the status was read last; negative: not yet
    int n_waiting;             // pairs of answers that it wants judged by whoever sits here
    bool is_missing;           // its folder was deleted
    char trouble[200];         // why run.db cannot be read; "" when all is well
};

struct run_list {
    struct store *store;
    struct run_row **rows;  // oldest first
    int n;
    struct run_row **left;  // rows that are on the list no more, until run_list_let_go
    int n_left, left_cap;
    int n_live;
    int n_unread, n_behind; // rows that nobody has looked at yet; those of which more is to be read
    int n_open;             // readers
    enum run_shelf shelf;   // which runs these are
    struct run_wants wants;
    uint64_t generation;    // changes whenever anything in here changed
    double next_list_s;     // when the store is asked again for new runs
    int64_t store_stamp;    // changes when attune.db does
    int next_row;           // where the next poll goes on when the last one ran out of time
    double health_until_s;  // no more points are read for the health of runs after this
    bool no_health;         // nobody asks for alerts
    bool want_spark;        // a view shows sparklines: read what they need
    bool (*hurries)(void);  // a person waits for something else: a poll ends after the row it is at; NULL: never
};

void run_list_init(struct run_list *l, struct store *s); // keeps the pointer, does not own the store
void run_list_fini(struct run_list *l);
// Looks for new runs (at most once a second) and for changes of each, for about 5 ms; `all` looks at everything now. While
// n_unread or n_behind are not 0 there is more to do at once.
// Returns true when something changed. Errors of one run are kept in its row; *e is the store's (untouched when well).
bool run_list_poll(struct run_list *l, double now_s, bool all, struct err *e);
// A row that leaves the list stays where it is until everybody who shows rows has taken those of now; then this frees it.
void run_list_let_go(struct run_list *l);
// Everything that is wanted, to its end: for commands, which have the time.
void run_list_read(struct run_list *l, struct err *e);
// Which runs these are, from the next poll on.
void run_list_show(struct run_list *l, enum run_shelf shelf);
// Reads these values beside the usual ones (ui/runs/run_wants.h), of every run.
void run_list_want(struct run_list *l, const char *const *names, int n);
// The run's database, opened when it is not; NULL with nothing said where there is none or it cannot be read: the next look
// says why. Few of many stay open, so nobody keeps the pointer.
struct run_reader *run_row_reader(struct run_row *r);
struct run_row *run_list_find(const struct run_list *l, const char *name); // NULL when there is none
void run_list_select(struct run_list *l, const char *name); // for overlay; one that is not there is left
int run_list_selected(const struct run_list *l, struct run_row **out, int max);
// The trainings that one run is made of: "paft-1.sft" and "paft-1.dpo" of "paft-1". They have the curves, it has none
// before they are merged.
int run_list_parts(const struct run_list *l, const struct run_row *run, struct run_row **out, int max);
