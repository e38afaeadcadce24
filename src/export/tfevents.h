// An event file as TensorBoard reads it: records framed as in TensorFlow's TFRecord (length, its masked CRC-32C, bytes,
// theirs), each an Event of event.proto in protobuf's wire format. The first one names the version, "brain.Event:2".
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct tfevents; // a file that is being written

// NAME of the file stays absent until commit. wall_s: seconds since 1970.
int tfevents_open(struct tfevents **out, const char *path, double wall_s, struct err *e);
// One event of a step: scalars are added to it, then it is ended.
void tfevents_scalar(struct tfevents *t, const char *tag, double value); // as float; NaN and infinite are kept
void tfevents_text(struct tfevents *t, const char *tag, const char *text);
// What the HPARAMS page shows of a run: numbers, booleans and texts of `settings`.
void tfevents_hparams(struct tfevents *t, const json_t *settings, const char *run, double start_s);
int tfevents_end(struct tfevents *t, double wall_s, int64_t step, struct err *e);
int tfevents_commit(struct tfevents *t, struct err *e); // frees t, also on failure
void tfevents_abort(struct tfevents *t);                // NULL is fine
