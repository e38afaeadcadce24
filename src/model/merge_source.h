// A model that is merged, as the change of its base's tensors: a whole model (its tensor minus the base's) or an
// adapter of PEFT (factor * B A of its module). Between the files of merging: not for others.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "model/adapter.h"
#include "model/arch.h"
#include "model/model_parts.h"
#include "model/safetensors.h"

struct merge_source {
    const char *dir; // borrowed
    bool is_adapter;
    struct shards files;     // of a whole model
    struct adapter adapter;  // of an adapter
    const struct arch *base; // borrowed
    bool transposed;         // the base stores its matrices as (in, out): GPT-2
};

// base: of which architecture a whole model must be. ERR_USAGE names the first member that differs.
int merge_source_open(struct merge_source *s, const char *dir, const struct arch *base, struct err *e);
void merge_source_close(struct merge_source *s); // zeroed is fine
// config.json of a whole model as an architecture.
int merge_read_arch(struct arch *a, json_t **config, const char *dir, struct err *e);

// A tensor's name without the "model." or "transformer." in front that some files have and others have not.
const char *merge_bare_name(const char *name);
// The tensor of that name; with or without that prefix. NULL when there is none.
const struct st_tensor *merge_find(const struct shards *s, const char *name, const struct st_file **file);
// The change of one tensor of the base, whose values are `base`, in the base's layout into delta; scratch holds as many
// floats. Zero for what the adapter does not touch.
int merge_source_delta(struct merge_source *s, const struct st_tensor *t, const float *base, float *scratch,
                       double *delta, struct err *e);
// ERR_INPUT when the source holds a tensor that no tensor of the base asked for.
int merge_source_all_used(const struct merge_source *s, const struct shards *base, struct err *e);
