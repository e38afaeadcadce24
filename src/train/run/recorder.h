// Metrics, samples, events and checkpoints on their way into run.db, on a thread of its own: recording never
// makes a step wait for the disk.
//
// Concurrency: the trainer's thread puts messages by value into a bounded ring; the recorder thread takes all that
// are there, writes them in one transaction, and writes the status with them. It alone uses the run_writer after
// recorder_start. When the ring is full (the disk stalls for long) the trainer waits rather than lose anything.
// A write that fails sticks: recorder_check() reports it, and the run ends with it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/labels.h"
#include "train/objective/metrics.h"

struct recorder;

// Takes `writer`; status is what the heartbeat writes until it changes.
int recorder_start(struct recorder **out, struct run_writer *writer, const struct run_status *status,
                   const char *run_dir, struct err *e);
// Writes what is left and the status, closes the writer. The first failure of all is reported here once more.
int recorder_stop(struct recorder *r, struct err *e);

void recorder_metrics(struct recorder *r, int64_t step, const struct metric_list *list);
// control_id: of the control that this event reports as applied, else 0; it enters the status in the same
// transaction, so that after a crash a control was either applied with its event or not at all.
void recorder_event(struct recorder *r, int64_t step, const char *level, const char *kind, int64_t control_id,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));
// Takes prompt, response and credits (heap); sets the time.
void recorder_sample(struct recorder *r, const struct run_sample *sample);
// Takes prompt, response and tokens (heap); sets the time.
void recorder_rollout(struct recorder *r, const struct run_rollout *rollout);
// A pair that people are asked about. Takes its texts and tokens (heap); sets the time. Its number is known once it is
// flushed.
void recorder_offer(struct recorder *r, const struct asked_pair *pair);
void recorder_close_pair(struct recorder *r, int64_t id, enum pair_state state, int64_t step); // as run_writer_close_pair
// `name` is the folder under checkpoints/; its files are hashed here, not in the trainer's thread.
void recorder_checkpoint(struct recorder *r, int64_t step, const char *name);
void recorder_status(struct recorder *r, const struct run_status *status); // control_id is kept by the recorder
// Waits until everything put so far is committed.
int recorder_flush(struct recorder *r, struct err *e);
int recorder_check(struct recorder *r, struct err *e);
