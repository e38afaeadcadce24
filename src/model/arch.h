// What a Hugging Face config.json says of a decoder, reduced to what the forward pass needs to know.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/notes.h"
#include "model/backend.h"

enum arch_family { ARCH_LLAMA, ARCH_MISTRAL, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA2, ARCH_GEMMA3, ARCH_GPT2,
                   ARCH_OPT }; // config "model_type"
enum norm_kind { NORM_RMS, NORM_LAYER };
enum rope_scaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_DYNAMIC, ROPE_LLAMA3, ROPE_YARN };
// Layers of one model may attend in two ways ("layer_types"), each with rotary settings of its own.
enum attn_kind { ATTN_FULL, ATTN_SLIDING, N_ATTN_KINDS };
enum { ARCH_MAX_LAYERS = 4096 };

// Rotary settings, from "rope_parameters" or the older "rope_theta" and "rope_scaling".
struct rope {
    double theta;
    enum rope_scaling scaling;
    double factor;             // how much longer than the original length
    int original_positions;    // llama3, yarn
    double low_freq, high_freq; // llama3
    double beta_fast, beta_slow; // yarn
    bool truncate;             // yarn: the ramp's ends are whole dimensions
    double on_cos_sin;         // yarn: "attention_factor", as given or from the factor; else 1
};

struct arch {
    enum arch_family family;
    int vocab_size, n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff;
    int d_embed;       // width of the token embedding; differs from d_model only in OPT with projections
    int max_positions; // longest sequence
    enum norm_kind norm;
    float norm_eps;
    bool pre_norm;        // norm before attention and MLP (all but OPT-350m)
    bool final_norm;
    bool qk_norm;         // an RMS norm over each head's query and key, before they are rotated
    bool post_norms;      // a norm over what attention and MLP give, before it is added to the residual (Gemma)
    bool norm_plus_one;   // files hold the weights of norms minus 1 (Gemma); in memory they are whole
    float embed_scale;    // of the token embedding where it enters; 1 but for Gemma
    float attn_scale;     // of the scores, usually 1/sqrt(head_dim)
    float attn_cap, head_cap; // scores and logits x become cap tanh(x / cap); 0: none
    enum activation act;  // of the MLP; gated: act(gate) * up
    bool gated_mlp;
    bool qkv_bias, out_bias, mlp_bias;
    bool tied;            // the head is the token embedding
    bool learned_positions;
    int position_offset;  // OPT stores position p in row p + 2
    bool rope;
    struct rope ropes[N_ATTN_KINDS];
    int sliding_window;   // in tokens, of the layers that are ATTN_SLIDING
    uint64_t sliding_layers[ARCH_MAX_LAYERS / 64]; // bit per layer
    int eos_ids[8], n_eos;
};

static inline enum attn_kind arch_attn_kind(const struct arch *a, int layer)
{
    return a->sliding_layers[layer / 64] >> (layer % 64) & 1 ? ATTN_SLIDING : ATTN_FULL;
}

// Reads config.json's object; ERR_UNSUPPORTED names the member that asks for what Attune does not do. notes: members
// that nobody knows; may be NULL.
int arch_from_config(struct arch *a, const json_t *config, const char *where, struct notes *notes, struct err *e);
const char *arch_family_name(enum arch_family family);

// The angle speeds: inv_freq (head_dim / 2) and the factor on cos and sin (1 but for YaRN).
void rope_frequencies(const struct rope *r, int head_dim, float *inv_freq, float *factor);
bool rope_same(const struct rope *a, const struct rope *b);
const char *rope_scaling_name(enum rope_scaling scaling); // "default", "linear", ...
// Parameters without and with embeddings and head.
int64_t arch_n_params(const struct arch *a);
int64_t arch_n_linear(const struct arch *a); // of these, in linear layers, heads apart
