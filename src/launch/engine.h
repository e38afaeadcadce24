// The other program, attune-engine, seen from the console and the commands: what it offers and how a run is
// started. The engine is $ATTUNE_ENGINE, or stands beside this program, or in $PATH. All of this may be called
// from any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/param.h"
#include "store/store.h"

// What `attune-engine describe` prints, as tables.
struct engine_objective {
    const char *name, *title, *summary, *paper, *data_needs, *pitfalls; // borrowed from json; pitfalls may be NULL
    const char *entropy_weight; // the parameter by which its implicit reward takes log pi, where that is not beta; ""
    bool needs_reference;
    bool of_runs;         // it trains other runs and merges them
    struct param *params;
};
struct engine_description {
    json_t *json;          // the whole answer: {"version", "objectives": [...], "params": [...], "backends": [...], ...}
    struct param *params;  // of every run: model, data, lr, steps, seed, lora, ...
    struct engine_objective *objectives;
    int n_objectives;
};
int engine_describe(struct engine_description **out, struct err *e);
void engine_description_free(struct engine_description *d); // NULL is fine
const struct engine_objective *engine_find_objective(const struct engine_description *d, const char *name);

// Makes the paths among the settings independent of the working folder: a file or folder that is there becomes
// absolute; what is not there but belongs to Attune's own data ("models/demo") is found there. Call before the
// settings go into the store. A reward command that names a file of this folder is run in it, wherever the engine stands.
void engine_resolve_paths(struct settings *s);

// What the demo gives its DPO run, as one object, a new reference: `attune demo run` and the console's d start the same.
json_t *engine_demo_settings(int run, int64_t steps, double beta);
enum { ENGINE_DEMO_RUNS = 2 }; // DPO, and preference matching beside it
extern const char *const engine_demo_objectives[ENGINE_DEMO_RUNS];
enum { ENGINE_DEMO_STEPS = 100 };

// What the engine would refuse in a run of these settings (all of them, paths resolved), before there is one: model
// folder, data, text, device, adapters, memory. It reads headers and the data's first rows: a fraction of a second.
// memory: what it would take, {"bytes", "mapped", "available", "lines", "warnings"}, a new reference; NULL: nobody asks.
int engine_check_run(const char *objective, const json_t *settings, json_t **memory, struct err *e);
// What engine_check_run says, and what the run will take of time: {"memory": as above, "cost": {"rows", "steps", "tokens"
// (of a step), "seconds", "at_most": these tokens and seconds are the most that it can be}, "device": where it would compute
// now, for people, "no_gpu": why it will use no GPU}. rows and steps are null for data so large that only a part was looked
// at. It takes about a second.
int engine_plan_run(const char *objective, const json_t *settings, json_t **plan, struct err *e);
// The same of training a model alone, for settings that have no data.
int engine_memory(const char *objective, const json_t *settings, json_t **memory, struct err *e);

// ---- recipes (train/run/recipe.h) ----
// Attune's own and those of PROJECT/recipes, as outlines with "name", "path", "shipped", or "problem" where one cannot be
// read.
int engine_recipes(const char *project_dir, json_t **out, struct err *e); // project_dir may be NULL
// The file of a recipe: a name of the list, or a path. Heap.
int engine_recipe_find(const char *project_dir, const char *word, char **path, struct err *e);
enum recipe_question { RECIPE_CHECK, RECIPE_PLAN, RECIPE_OUTLINE };
// changes: texts stage.key=value, may be NULL.
int engine_recipe(const char *path, const json_t *changes, enum recipe_question what, json_t **out, struct err *e);
// A change that gives an input; a path that is there becomes absolute. A new reference.
json_t *engine_recipe_input(const char *name, const char *value);
// Checks it whole, adds it as a run and starts that. name NULL: the recipe's with a number. *name_out on the heap, also when
// only the engine failed.
int engine_recipe_start(struct store *s, const char *path, const json_t *changes, const char *name, char **name_out,
                        struct err *e);

// ---- sweeps (train/run/sweep_run.h): one training with several values of some settings ----
extern const struct param engine_sweep_params[]; // at-most, by, stop-early, grace
// Whether its values can be listed with commas, all but those of texts.
bool engine_may_list(const struct param *p);
// A value or a list of values, each checked; *n: how many.
int engine_list_check(const struct param *p, const char *text, int *n, struct err *e);
struct engine_sweep {
    const char *objective, *name; // name NULL or "": the objective's with a number
    const json_t *settings;       // what all have in common, as given
    const json_t *lists;          // {"beta": "0.1,0.3", ...}: every combination is a run
    int64_t at_most, grace;
    const char *by; // ""
    bool stop_early;
};
// {"objective", "parts": [{"name", "settings"}, ...], ...}: what the store keeps of it.
int engine_sweep_plan(const struct engine_description *d, const struct engine_sweep *sweep, json_t **plan, struct err *e);
// Checks it, adds it as a run and starts that. *name_out on the heap, also when only the engine failed. memory: that of its
// first run, as of engine_check_run; may be NULL.
int engine_sweep_start(struct store *s, const struct engine_description *d, const struct engine_sweep *sweep,
                       char **name_out, json_t **memory, struct err *e);

// ---- presets: settings under a name, kept with the project ----
int engine_presets(const char *project_dir, char ***names, int *n, struct err *e); // in order; heap
void engine_presets_free(char **names, int n);
int engine_preset_load(const char *project_dir, const char *name, char **objective, json_t **settings, struct err *e);
// Writes over one of that name.
int engine_preset_save(const char *project_dir, const char *name, const char *objective, const json_t *settings,
                       struct err *e);
int engine_preset_remove(const char *project_dir, const char *name, struct err *e);

// Starts `attune-engine run` for a run of the store: own session, no terminal, output to runs/NAME/engine.log.
// Returns once the engine has reported itself in run.db or has failed (its message then is the error).
// Also continues a stopped, failed or dead run from its newest checkpoint. ERR_STATE when it is live already.
int engine_start(struct store *s, const char *run, struct err *e);

// ---- forks: runs that go on from a checkpoint of another with other settings ----
struct fork_request {
    const char *run;        // which one is forked
    int64_t at;             // its newest checkpoint at or before this step; negative: its newest
    const char *name;       // NULL: the run's, with a number
    const char *objective;  // NULL: the run's
    const json_t *changes;  // settings by name, as typed values or as texts; NULL: none
};
// Adds the fork to the store, with the checkpoint in its folder: weights, moments of the optimizer and place in the data go
// on, under the settings that were in force there but for the changes. Step and total steps count on, so learning rates
// follow their schedule, and the reference is the first run's. Not started yet (engine_start). Everything is checked before
// there is a run. *name_out on the heap.
int engine_fork(struct store *s, const struct fork_request *q, char **name_out, int64_t *step, struct err *e);

// Runs `attune-engine ARGS...` and collects its standard output as one JSON value; its error text becomes *e.
// With a status that is not 0 the text of its standard error is *e, and the code is what the status means.
int engine_call(const char *const *args, json_t **out, struct err *e);
// The same for a command that reads all of its standard input before it answers.
int engine_call_with(const char *const *args, const char *input, size_t n_bytes, json_t **out, struct err *e);
// Runs `attune ARGS...`, this very program, without a terminal; its error text becomes *e.
int program_call(const char *const *args, struct err *e);
// A child whose output is read line by line (sampling): the caller polls fd, then engine_child_end.
struct engine_child {
    int pid, in_fd, out_fd;
    int err_fd; // collects its error text
};
// Gets what an engine that ended well had to say beside its answer ("warning: ..." lines); NULL: nobody listens. Set
// before the first engine is asked.
extern void (*engine_said)(const char *text);
int engine_child_start(struct engine_child *c, const char *const *args, struct err *e);
void engine_child_say(const struct engine_child *c, const char *input, size_t n); // what it cannot take is its own error
// one write; -1 with errno, never SIGPIPE
ssize_t engine_child_write(const struct engine_child *c, const char *input, size_t n);
int engine_child_end(struct engine_child *c, bool kill_it, struct err *e); // waits; its error text becomes *e
