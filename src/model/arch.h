// What a Hugging Face config.json says of a decoder, reduced to what the forward pass needs to know.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/backend.h"

enum arch_family { ARCH_LLAMA, ARCH_MISTRAL, ARCH_QWEN2, ARCH_GPT2, ARCH_OPT }; // config "model_type"
enum norm_kind { NORM_RMS, NORM_LAYER };
enum rope_scaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_DYNAMIC, ROPE_LLAMA3, ROPE_YARN };

struct arch {
    enum arch_family family;
    int vocab_size, n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff;
    int d_embed;       // width of the token embedding; differs from d_model only in OPT with projections
    int max_positions; // longest sequence
    enum norm_kind norm;
    float norm_eps;
    bool pre_norm;        // norm before attention and MLP (all but OPT-350m)
    bool final_norm;
    enum activation act;  // of the MLP; gated: silu(gate) * up
    bool gated_mlp;
    bool qkv_bias, out_bias, mlp_bias;
    bool tied;            // the head is the token embedding
    bool learned_positions;
    int position_offset;  // OPT stores position p in row p + 2
    bool rope;
    float rope_theta;
    enum rope_scaling rope_scaling;
    float rope_factor, rope_low_freq, rope_high_freq, rope_attention_factor, rope_beta_fast, rope_beta_slow;
    int rope_original_positions;
    int sliding_window;   // 0: none
    int bos_id, eos_ids[8], n_eos, pad_id; // -1 where absent
};

// Reads config.json's object; ERR_UNSUPPORTED names the member that asks for what Attune does not do.
int arch_from_config(struct arch *a, const json_t *config, const char *where, struct err *e);
const char *arch_family_name(enum arch_family family);

// The angle speeds: inv_freq (head_dim / 2) and the factor on cos and sin (1 but for YaRN).
void arch_rope_frequencies(const struct arch *a, float *inv_freq, float *factor);
// Parameters without and with embeddings and head.
int64_t arch_n_params(const struct arch *a);
