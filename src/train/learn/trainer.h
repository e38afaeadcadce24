// One training step: groups -> forward -> log-probabilities -> objective -> coefficients -> backward -> clip ->
// optimizer. The trainer knows nothing of runs, stores and screens (run.c does).
//
// Owner: the thread that drives the backend. After the first steps nothing is allocated in a step.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/decoder.h"
#include "model/model.h"
#include "train/learn/imitation.h"
#include "train/learn/packing.h"
#include "train/learn/group_source.h"
#include "train/data/dataset.h"
#include "train/learn/live_reference.h"
#include "train/objective/metrics.h"
#include "train/learn/numbers.h"
#include "train/objective/objective.h"
#include "train/learn/optimizer.h"
#include "train/learn/ranks.h"
#include "train/objective/schedule.h"
#include "train/learn/value.h"

struct trainer_options {
    struct objective_run objective; // configured
    struct optimizer_settings optimizer;
    enum schedule_kind schedule;
    double warmup;
    int64_t total_steps;
    int batch_size, max_batch_tokens;
    int longest;     // tokens of an answer that the source samples; 0: it samples none
    int minibatches; // that a batch of the source is cut in, an update each; 0 is 1
    int passes;      // over each batch; 0 is 1
    uint64_t seed;
    bool recompute;
    struct ranks ranks; // zero: one
    bool keep_reference; // a live reference is wanted even where the objective needs none
};

struct trainer {
    struct trainer_options options; // lr, weight_decay, clip and objective values may change between steps
    struct model *model;
    struct decoder *decoder;
    struct live_reference *reference; // NULL when nobody needs it
    struct value_net *value;          // of objectives with NETWORK_VALUE, else NULL
    struct imitation *imitation;      // of objectives that imitate texts as well, else NULL
    struct group_source *source;
    struct group_batch batch; // of the source, which the next updates are made of
    int at_part;               // of the batch's minibatches * passes: the next one
    const struct dataset *data; // of the present batch
    struct optimizer optimizer;
    struct packed packed;
    int64_t step;     // updates made so far
    int *groups;      // of the present minibatch
    struct seq *seqs; // of the present batch, for objectives that look at all of it
    int *first;       // where each group's responses begin in it, and their end
    int *pass_order;  // of a later pass over the batch
    int max_seqs;
    struct meeting meeting; // of the ranks
    int most_targets; // of a micro-batch, for their logits to be kept; 0: any number
};

struct step_result {
    int64_t step;
    double loss, grad_norm, lr;
    int64_t n_tokens; // computed rows
    double seconds;
    struct metric_list metrics;
};

// model: trainable, with a score head when the objective needs one, and still the reference. Takes the source, also when it
// fails.
int trainer_new(struct trainer **out, const struct trainer_options *o, struct model *m, struct group_source *source,
                struct err *e);
// Before the first step of an objective with NETWORK_VALUE. Takes the model, also when it fails: trainable, with a score
// head.
int trainer_add_value(struct trainer *t, struct model *m, struct err *e);
// Before the first step of an objective that imitates texts beside what it learns (objective.imitates); with one rank alone.
int trainer_add_texts(struct trainer *t, const struct dataset *texts, int batch_size, struct err *e);
void trainer_free(struct trainer *t); // NULL is fine

// Where training is in its data, and back there: the same updates follow. dir: of the checkpoint, for what a source keeps in
// files.
int trainer_save_source(const struct trainer *t, const char *dir, json_t **out, struct err *e);
int trainer_restore_source(struct trainer *t, const json_t *saved, const char *dir, struct err *e);

// ERR_NUMERIC when the loss or the gradients are not finite: the weights and what the
// objective remembers are then as before the step. With several ranks all fail when one does up to
// where they meet; one that fails later (or has no batch) must end, which the others then hear at their next meeting.
int trainer_step(struct trainer *t, struct step_result *r, struct err *e);

// Forward passes alone over groups of any dataset: what evaluation, reference and scoring use.
// Fills seqs (in the order of groups and their responses); token statistics are added to *tally when not NULL.
int forward_groups(struct decoder *d, struct packed *p, const struct dataset *data, const int *groups, int n,
                   int max_batch_tokens, const struct reading *r, struct seq *seqs, struct tally *tally, struct err *e);
// The objective's losses of groups whose numbers are in seqs, taken as one batch; adds to *tally.
void score_groups(struct objective_run *r, const struct dataset *data, const int *groups, int n, struct seq *seqs,
                  int *first, struct tally *tally);
