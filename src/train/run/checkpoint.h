// Checkpoints: folders checkpoints/step-N of a run. Each holds the model as a Hugging Face (or PEFT) folder and,
// in state.safetensors and state.json, all that resuming needs: the trainable weights in f32, AdamW's moments, the
// step (from which data order, learning rate and random numbers follow), live values and what the run was made of.
// A value network's are in state.value.safetensors beside them.
//
// A folder is filled as step-N.tmp and renamed when everything in it is on the disk: it is whole or not there.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "train/learn/trainer.h"

struct checkpoint_facts { // what must be the same when a run is continued
    const char *objective, *model_key, *data_hash;
};
struct text_rules;

// Writes step-N, then removes old ones. settings: all of the run's as they are now. rules: how its text
// becomes tokens (NULL: of no text).
// *name_out: "step-N" on the heap.
int checkpoint_write(const struct trainer *t, const char *run_dir, const struct checkpoint_facts *facts,
                     const json_t *settings, const struct text_rules *rules, enum save_dtype dtype, int keep,
                     char **name_out, struct err *e);
// All but the newest `keep` and the one that best.json names.
void checkpoint_remove_old(const char *run_dir, int keep);

// The newest checkpoint's folder (heap) and step; NULL when there is none. Leftovers of an interrupted write
// are removed.
char *checkpoint_latest(const char *run_dir, int64_t *step);

// Puts the checkpoint's state into the trainer, whose model has been loaded as at the start of the run.
// *settings: those that were saved. ERR_STATE when it belongs to other data or another model.
int checkpoint_restore(struct trainer *t, const char *dir, const struct checkpoint_facts *facts, json_t **settings,
                       struct err *e);
// The same with another run's, for a run that goes on from there with other settings: only the model must be the same. With
// another objective what that keeps from step to step and its value network begin anew, with other data, batch size or seed
// the order of the data.
int checkpoint_fork(struct trainer *t, const char *dir, const struct checkpoint_facts *facts, struct err *e);

// SHA-256 over names and content of the folder's files that make up the model (not state.* and eval.json), and the bytes of
// the whole folder. ERR_NOT_FOUND when it is gone.
int checkpoint_digest(const char *dir, char sha256[65], int64_t *bytes, struct err *e);
