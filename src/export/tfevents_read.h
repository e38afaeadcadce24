// Reads an event file of TensorBoard's (tfevents.h says what it is): scalars as either generation of writers has them,
// and the settings that the HPARAMS page shows. Nothing in the file is believed: both checksums of each record are
// compared, every length stays within its record.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

struct tfevents_sink {
    // A scalar; tag is borrowed. 0, or a negative ERR_ with *e, which ends the reading.
    int (*scalar)(void *arg, const char *tag, int64_t step, double wall_s, double value, struct err *e);
    void *arg;
    json_t *settings; // an object that hyperparameters are put into; NULL: they are passed over
};
// ERR_INPUT says at which byte the file is not what it should be.
int tfevents_read(const char *path, const struct tfevents_sink *sink, struct err *e);
