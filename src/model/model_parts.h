// Between the files of the model: not for others.
#pragma once

#include "model/adapter.h"
#include "model/model.h"
#include "model/safetensors.h"

// A model with its table, zeroed weights and rotary table; a frozen one's matrices are yet to be found.
int model_alloc(struct model **out, const json_t *config, const char *where, const struct backend_ops *ops,
                struct backend *backend, unsigned how, struct err *e);
// Whether a tensor stands in the block of weights.
bool tensor_in_block(const struct model *m, const struct tensor *t);
// Its numbers as they are, not rounded to compute with.
struct stored tensor_exact(const struct model *m, const struct tensor *t);

// The weight files of a folder: one, or the shards that its index names.
struct shards {
    struct st_file **files;
    int n;
    json_t *map; // of the index: in which file each tensor is, whatever else holds one of that name; NULL: one file
};
int weight_shards_open(struct shards *s, const char *dir, struct notes *notes, struct err *e); // notes may be NULL
void weight_shards_close(struct shards *s);
const struct st_tensor *weight_shards_find(const struct shards *s, const char *name, const struct st_file **file);

// Whether the files hold a head that is not the token embedding, although the config says that the two are one:
// transformers then takes the stored head.
int weight_shards_own_head(const struct shards *s, enum arch_family family, bool *own, struct err *e);

// Adapter folders in PEFT's format.
int lora_load(struct model *m, const struct adapter *a, struct err *e);
// w(rows, cols), f32: the adapter's change of a tensor is added, where there is one.
void lora_add_product(const struct model *m, const struct tensor *t, float *w);
int lora_save(const struct model *m, const char *dir, struct err *e); // into an existing folder


// Saving: the tokenizer's files of one folder into another, and the rename that makes a whole folder of a temporary one.
int model_copy_tokenizer(const char *from, const char *dir, struct err *e);
int model_folder_commit(const char *temporary, const char *dir, struct err *e);
