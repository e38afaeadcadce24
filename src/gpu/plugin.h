// The cuda backend is a plugin, attune-cuda.so, so that one program runs with a GPU, without one, and without any of
// NVIDIA's libraries.
#pragma once

#include "model/backend.h"

// Loads the plugin, once. On failure *e says why there is none, without a place or an advice to act on: it goes
// into sentences.
int cuda_plugin(const struct backend_ops **out, struct err *e);
