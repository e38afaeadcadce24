// Reading PEFT's adapters, one way for all who take them: adapter_config.json by a table of its members, the tensors of
// adapter_model.safetensors by module. A module is named as transformers has it in the whole model:
// "model.layers.0.self_attn.q_proj".
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/notes.h"
#include "model/safetensors.h"

#define ADAPTER_BASE_PRECISION "attune.base_precision" // a member of the file's metadata

struct adapter {
    const char *dir; // borrowed
    char *where;     // DIR/adapter_config.json
    json_t *config;
    struct st_file *file;
    int rank;        // of modules without one of their own
    double alpha;
    bool rslora;     // factor alpha / sqrt(rank) instead of alpha / rank
    bool scores, scores_tokens; // it is a reward model's, of whole answers or of tokens
    bool everywhere; // each target module has matrices in every layer: no layers or modules are excepted
    struct adapter_pattern *patterns; // of "rank_pattern" and "alpha_pattern", in their order
    size_t n_patterns;
    bool *used;      // a tensor of the file: somebody has asked for it
};

// ERR_UNSUPPORTED names the setting that asks for what Attune does not do.
int adapter_open(struct adapter *a, const char *dir, struct notes *notes, struct err *e);
void adapter_close(struct adapter *a); // zeroed is fine
bool adapter_is_folder(const char *dir);
// The folder of the model that it adapts: as written, else relative to the adapter's folder. Heap; NULL with *e.
char *adapter_base(const char *dir, struct err *e);

// The two matrices of a module: a (rank, in), b (out, rank), and the factor on their product. pair->a NULL where the
// adapter leaves the module alone. ERR_INPUT when they do not fit each other or the config.
struct adapter_pair {
    const struct st_tensor *a, *b;
    int rank;
    double factor;
};
int adapter_find(const struct adapter *a, const char *module, struct adapter_pair *pair, struct err *e);
// The reward head, (1, width); NULL when there is none.
const struct st_tensor *adapter_score(const struct adapter *a);
// What the file says of the base's weights while it was trained ("nf4", "int8"); NULL: nothing.
const char *adapter_base_precision(const struct adapter *a);
// Whether "target_modules" names the module; true where it is a pattern, which the tensors answer.
bool adapter_targets(const struct adapter *a, const char *module);
// ERR_UNSUPPORTED unless adapter_find or adapter_score gave all of its tensors; names those that they did not.
int adapter_all_used(const struct adapter *a, struct err *e);
