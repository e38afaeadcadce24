// A device and a model on it: for runs, and for the commands that ask a model.
#pragma once

#include "base/err.h"
#include "model/model.h"

// device: "cpu", "cuda:1", "cuda" for one of several GPUs that is free (gpu/cards.h), or "auto" for the first backend that
// opens; precision: "f32", "tf32" or "bf16".
int engine_open_backend(const struct backend_ops **ops, struct backend **backend, const char *device,
                        const char *precision, int threads, struct err *e);
// The same. passed_over: why auto did not take what it prefers; code 0: it did, or was not asked to choose.
int engine_open_device(const struct backend_ops **ops, struct backend **backend, const char *device, const char *precision,
                       int threads, struct err *passed_over, struct err *e);
// Of another backend of this process, on the device that it computes on.
struct backend_options engine_backend_options(const char *precision, int threads);
// A model folder, or a config .json for a new model. how: as for model_load. key: names its weights (for caches); NULL when
// nobody asks, who then need not wait for the hash of a large model.
int engine_load_model(struct model **out, const char *path, const struct backend_ops *ops, struct backend *backend,
                      unsigned how, uint64_t seed, char key[80], struct err *e);
