// A run of the store, from its settings to its last checkpoint: `attune-engine run`.
//
//   run_load.c     what it is made of: backend, tokenizer, data, model, reference
//   run_rules.c    how its text becomes tokens
//   run_singles.c  what it says about good and bad responses
//   run_say.c      what it says of itself meanwhile
//   run_online.c   runs whose policy answers prompts
//   feedback.h     runs that ask people which answer is better
//   stages.c       runs that change their reference on the way
//   loop.c         what people ask of it between two steps
//   run.c          steps, evaluation, checkpoints, the end
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "model/backend.h"
#include "store/store.h"
#include "text/stop_texts.h"
#include "train/run/best.h"
#include "train/run/checkpoint.h"
#include "train/run/control.h"
#include "train/learn/evaluate.h"
#include "train/run/params.h"
#include "train/run/probe.h"
#include "train/run/recorder.h"
#include "train/run/stages.h"
#include "train/learn/trainer.h"

struct run {
    double started; // clock of the process's start
    struct store *store;
    char *name, *dir;
    const struct objective *objective; // NULL: an experiment that trains nothing itself, such as a recipe's
    const struct experiment_kind *kind; // of those; else NULL
    json_t *plan;                       // and what they are to do (recipe_run.h, sweep_run.h)
    struct run_tables tables;
    struct settings settings;
    struct run_status status;
    struct recorder *recorder;
    struct controls controls;
    bool paused, asked_to_stop; // by people, or by what went wrong

    const struct backend_ops *ops;
    struct backend *backend;
    struct err no_gpu; // code: why auto took none
    struct tokenizer *tokenizer;
    struct corpus *corpus, *eval_corpus; // eval_corpus NULL: a share of corpus
    struct corpus *texts_corpus; // of objectives that imitate as well; else NULL
    bool *held_out, *trained;            // per example of corpus; NULL: none held out
    struct text_rules rules;
    struct dataset_options text;
    struct dataset train, eval; // eval.n_groups 0: none
    struct dataset texts;       // of texts_corpus
    struct model *model;
    bool is_new_model;
    struct needs needs; // of the objective as the run was loaded, for which all is ready
    char model_key[80];
    int64_t total_steps;
    struct stages stages; // n 0: none
    struct rewards *rewards; // of online objectives
    struct stop_texts *stops; // where their answers end; NULL: at the model's own end alone
    struct group_source *feedback; // of a run whose reward is a person: the trainer's source; else NULL
    struct trainer *trainer;
    struct evaluator evaluator;
    struct prober *prober;
    struct best best;
    struct notes doubts; // about what is asked for

    double seconds_per_step, tokens_per_s; // smoothed
    int64_t saved_step, evaluated_step, probed_step; // -1: not yet
    char *last_checkpoint;
    char *parent;        // the run from whose checkpoint this one goes on, which was put into its folder; NULL: none
    int64_t parent_step;
};

// Everything up to a trainer at step 0 (no checkpoint restored yet).
int run_load(struct run *r, struct err *e);
void run_unload(struct run *r);
// A progress_fn of the run: says what is loaded, and ends it when somebody asks to stop.
bool run_loading(void *run, const char *what, int done, int all);
// Says whose reference log-probabilities the run has taken; frees `from`, NULL is fine.
void run_report_borrowed(const struct run *r, char *from);
// Optimizer settings and objective values from the settings, at the start and after a live change.
struct trainer_options run_trainer_options(const struct run *r);
// The rules that the run has written down, or those of its settings and data, which it then does.
int run_open_rules(struct run *r, struct err *e);
// ERR_INPUT: the tokenizer's and the model's vocabulary are not the same.
int run_check_vocabulary(const struct run *r, const struct dataset *d, struct err *e);
// Events about data that is read response by response.
void run_report_singles(struct run *r);
// An answer as a person reads it; heap.
char *run_text_of(const struct run *r, const struct dataset *d, const struct ds_seq *s);
// What the engine does now, for the person.
void run_phase(struct run *r, enum run_state state, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Runs it to its end. Returns when the run is done, stopped (0) or has failed.
int run_main(const char *project, const char *name, double started, struct err *e);
