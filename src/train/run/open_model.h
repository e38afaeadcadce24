// A device and a model on it: for runs, and for the commands that ask a model.
#pragma once

#include "base/err.h"
#include "model/model.h"

// device: "cpu", or "auto" for the first that opens; precision: "f32", "tf32" or "bf16".
int engine_open_backend(const struct backend_ops **ops, struct backend **backend, const char *device,
                        const char *precision, int threads, struct err *e);
struct backend_options engine_backend_options(const char *precision, int threads);
// A model folder, or a config .json for a new model. how: as for model_load. key: names its weights (for caches); NULL when
// nobody asks, who then need not wait for the hash of a large model.
int engine_load_model(struct model **out, const char *path, const struct backend_ops *ops, struct backend *backend,
                      unsigned how, uint64_t seed, char key[80], struct err *e);
