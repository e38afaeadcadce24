// What the tensors of a family are called in Hugging Face files, and how their layout differs from ours.
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "model/model.h"

struct name_row {
    enum tensor_kind kind;
    const char *name; // after the prefix; "%d" stands for the layer
    bool transposed;  // stored (in, out): GPT-2's Conv1D
    int part;         // this third (0, 1, 2) of a fused q, k, v; -1: whole
};
const struct name_row *names_row(enum arch_family family, enum tensor_kind kind);
// "model.layers.3.self_attn.q_proj.weight"; bare: without the "model." in front, as base models are saved.
void names_full(enum arch_family family, const struct name_row *row, int layer, bool bare, struct str *out);
// The module part as PEFT targets it ("q_proj", "c_attn").
void names_module(const struct name_row *row, char *out, size_t size);
// Tensors that files hold and nobody needs (masks, rotary tables).
bool names_is_harmless(const char *name);
