#include "config.h"

#include "model/arch.h"

#include <math.h>
#include <string.h>

#include "model/arch_reader.h"

static const struct family_row {
    const char *model_type;
    enum arch_family family;
} families[] = {
    {"llama", ARCH_LLAMA}, {"mistral", ARCH_MISTRAL}, {"qwen2", ARCH_QWEN2}, {"qwen3", ARCH_QWEN3},
    {"gemma2", ARCH_GEMMA2}, {"gemma3_text", ARCH_GEMMA3}, {"gpt2", ARCH_GPT2}, {"opt", ARCH_OPT},
};

const char *arch_family_name(enum arch_family family)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i].family == family)
            return families[i].model_type;
    return "?";
}

static void unsupported(struct reader *r, const char *what)
{
    reader_fail(r, ERR_UNSUPPORTED, "%s: %s is not supported", r->where, what);
}

// ---- families ----

static void read_activation(struct reader *r, struct arch *a, const char *key, const char *fallback)
{
    static const struct {
        const char *name;
        enum activation act;
    } rows[] = {{"silu", ACT_SILU},           {"swish", ACT_SILU},       {"gelu", ACT_GELU_ERF},
                {"gelu_new", ACT_GELU_TANH},  {"gelu_fast", ACT_GELU_TANH}, {"gelu_pytorch_tanh", ACT_GELU_TANH},
                {"relu", ACT_RELU}};
    const char *name = reader_text(r, key, fallback);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) {
            a->act = rows[i].act;
            return;
        }
    if (!r->code)
        r->code = err_set(r->e, ERR_UNSUPPORTED, "%s: the activation \"%.60s\" is not supported", r->where, name);
}

// ---- kinds of layers ----

static void set_sliding(struct arch *a, int layer)
{
    a->sliding_layers[layer / 64] |= (uint64_t)1 << (layer % 64);
}

// "layer_types", where it is there: one word a layer.
static bool read_layer_types(struct reader *r, struct arch *a)
{
    const json_t *types = json_object_get(r->config, "layer_types"), *item;
    size_t i;
    if (!types || json_is_null(types))
        return false;
    if (!json_is_array(types) || json_array_size(types) != (size_t)a->n_layers)
        reader_fail(r, ERR_INPUT, "%s: \"layer_types\" must be a list of %d texts, one a layer", r->where, a->n_layers);
    for (i = 0; !r->code && i < json_array_size(types); i++) {
        item = json_array_get(types, i);
        const char *type = json_is_string(item) ? json_string_value(item) : "?";
        if (strcmp(type, "sliding_attention") == 0)
            set_sliding(a, (int)i);
        else if (strcmp(type, "full_attention") != 0)
            reader_fail(r, ERR_UNSUPPORTED, "%s: a layer of the type \"%.40s\" (layer_types) is not supported",
                        r->where, type);
    }
    return true;
}

static bool any_sliding(const struct arch *a)
{
    for (int layer = 0; layer < a->n_layers; layer++)
        if (arch_attn_kind(a, layer) == ATTN_SLIDING)
            return true;
    return false;
}

// Which layers see a window only. In Mistral all of them do when there is one, in Qwen those that "layer_types" names or,
// before there was that, those from max_window_layers on; in Llama none.
static void read_windows(struct reader *r, struct arch *a)
{
    const bool qwen = a->family == ARCH_QWEN2 || a->family == ARCH_QWEN3, listed = read_layer_types(r, a);
    if (a->family == ARCH_MISTRAL || (qwen && reader_flag(r, "use_sliding_window", false)))
        a->sliding_window =
            (int)reader_whole(r, "sliding_window", json_object_get(r->config, "sliding_window") ? 0 : 4096, 1,
                              MAX_POSITIONS); // null: none; absent: as in transformers
    const int64_t first = qwen ? reader_whole(r, "max_window_layers", 28, 0, INT32_MAX) : 0;
    if (r->code)
        return;
    if (listed && !a->sliding_window && any_sliding(a))
        reader_fail(r, ERR_UNSUPPORTED, "%s: \"layer_types\" has layers of sliding attention, but %s", r->where,
                    a->family == ARCH_LLAMA ? "a llama model has none" : "there is no sliding window");
    for (int64_t layer = first; !listed && a->sliding_window && layer < a->n_layers; layer++)
        set_sliding(a, (int)layer);
    for (int layer = 0; listed && a->family == ARCH_MISTRAL && a->sliding_window && layer < a->n_layers; layer++)
        if (arch_attn_kind(a, layer) != ATTN_SLIDING)
            unsupported(r, "a sliding window on a part of the layers of a mistral model (layer_types)");
    if (!any_sliding(a))
        a->sliding_window = 0;
}

static void read_llama(struct reader *r, struct arch *a)
{
    a->d_model = reader_needed(r, "hidden_size", MAX_WIDTH);
    a->n_layers = reader_needed(r, "num_hidden_layers", ARCH_MAX_LAYERS);
    a->n_heads = reader_needed(r, "num_attention_heads", MAX_WIDTH);
    a->n_kv_heads = (int)reader_whole(r, "num_key_value_heads", a->n_heads, 1, MAX_WIDTH);
    a->d_ff = reader_needed(r, "intermediate_size", MAX_WIDTH);
    const int usual_length = a->family == ARCH_LLAMA ? 2048 : a->family == ARCH_MISTRAL ? 4096 * 32 : 32768;
    a->max_positions = (int)reader_whole(r, "max_position_embeddings", usual_length, 1, MAX_POSITIONS);
    const int usual_head = r->code ? 1 : a->family == ARCH_QWEN3 ? 128 : a->d_model / a->n_heads;
    a->head_dim = (int)reader_whole(r, "head_dim", usual_head, 1, MAX_WIDTH);
    a->norm = NORM_RMS;
    a->norm_eps = (float)reader_real(r, "rms_norm_eps", 1e-6);
    a->pre_norm = a->final_norm = a->gated_mlp = a->rope = true;
    a->qk_norm = a->family == ARCH_QWEN3;
    read_activation(r, a, "hidden_act", "silu");
    if (a->act != ACT_SILU && a->act != ACT_GELU_TANH)
        unsupported(r, "a gated MLP with an activation other than silu and gelu_pytorch_tanh");
    const bool has_bias = a->family == ARCH_LLAMA || a->family == ARCH_QWEN3;
    a->out_bias = has_bias && reader_flag(r, "attention_bias", false);
    a->qkv_bias = a->out_bias || a->family == ARCH_QWEN2;
    a->mlp_bias = a->family == ARCH_LLAMA && reader_flag(r, "mlp_bias", false);
    // Hugging Face: tied by default only in families whose config class says so; all of these say no.
    a->tied = reader_flag(r, "tie_word_embeddings", false);
    if (!r->code)
        read_windows(r, a);
    read_rope(r, a);
}

// A member that is absent means its usual value, and null that there is none (0).
static double real_or_none(struct reader *r, const char *key, double usual)
{
    const json_t *value = json_object_get(r->config, key);
    const double got = json_is_null(value) ? 0 : reader_real(r, key, usual);
    if (!(got >= 0) || got > 1e9)
        reader_fail(r, ERR_INPUT, "%s: \"%s\" is %g, must be above 0", r->where, key, got);
    return got;
}

// Every second layer has a window (Gemma 2), or all but every sixth (Gemma 3), unless "layer_types" says otherwise.
static void read_gemma_windows(struct reader *r, struct arch *a)
{
    int64_t pattern = a->family == ARCH_GEMMA2 ? 2 : 6;
    if (a->family == ARCH_GEMMA3) {
        pattern = reader_whole(r, "sliding_window_pattern", pattern, 1, ARCH_MAX_LAYERS);
        // What transformers notes for itself; "layer_types" stands beside it and counts.
        if (reader_whole(r, "_sliding_window_pattern", pattern, 1, ARCH_MAX_LAYERS) != pattern &&
            !reader_has(r, "layer_types"))
            reader_fail(r, ERR_UNSUPPORTED, "%s: \"_sliding_window_pattern\" says another pattern of windows than is usual, "
                        "and \"layer_types\" is missing, which would say which layers are meant", r->where);
    }
    a->sliding_window = (int)real_or_none(r, "sliding_window", 4096);
    const bool listed = !r->code && read_layer_types(r, a);
    for (int layer = 0; !r->code && !listed && layer < a->n_layers; layer++)
        if ((layer + 1) % pattern)
            set_sliding(a, layer);
    if (!r->code && any_sliding(a) && !a->sliding_window)
        reader_fail(r, ERR_UNSUPPORTED, "%s: there are layers of sliding attention, but no \"sliding_window\"", r->where);
}

static void read_gemma(struct reader *r, struct arch *a)
{
    const bool two = a->family == ARCH_GEMMA2;
    a->d_model = reader_needed(r, "hidden_size", MAX_WIDTH);
    a->n_layers = reader_needed(r, "num_hidden_layers", ARCH_MAX_LAYERS);
    a->n_heads = reader_needed(r, "num_attention_heads", MAX_WIDTH);
    a->n_kv_heads = (int)reader_whole(r, "num_key_value_heads", 4, 1, MAX_WIDTH);
    a->d_ff = reader_needed(r, "intermediate_size", MAX_WIDTH);
    a->max_positions = (int)reader_whole(r, "max_position_embeddings", two ? 8192 : 131072, 1, MAX_POSITIONS);
    a->head_dim = (int)reader_whole(r, "head_dim", 256, 1, MAX_WIDTH);
    a->norm = NORM_RMS;
    a->norm_eps = (float)reader_real(r, "rms_norm_eps", 1e-6);
    a->pre_norm = a->final_norm = a->post_norms = a->norm_plus_one = a->gated_mlp = a->rope = true;
    a->qk_norm = !two;
    a->tied = reader_flag(r, "tie_word_embeddings", true);
    a->attn_cap = (float)real_or_none(r, "attn_logit_softcapping", two ? 50 : 0);
    a->head_cap = (float)real_or_none(r, "final_logit_softcapping", two ? 30 : 0);
    if (!two && a->attn_cap != 0)
        unsupported(r, "a Gemma 3 model with \"attn_logit_softcapping\"");
    const double scalar = real_or_none(r, "query_pre_attn_scalar", 256);
    read_activation(r, a, "hidden_activation", "gelu_pytorch_tanh");
    if (a->act != ACT_GELU_TANH)
        unsupported(r, "a Gemma model with an activation other than gelu_pytorch_tanh");
    if (!r->code && scalar == 0)
        reader_fail(r, ERR_INPUT, "%s: \"query_pre_attn_scalar\" is missing", r->where);
    if (r->code)
        return;
    a->attn_scale = (float)(1 / sqrt(scalar));
    a->embed_scale = (float)sqrt(a->d_model);
    read_gemma_windows(r, a);
    read_rope(r, a);
}

static void read_gpt2(struct reader *r, struct arch *a)
{
    a->d_model = reader_needed(r, "n_embd", MAX_WIDTH);
    a->n_layers = reader_needed(r, "n_layer", ARCH_MAX_LAYERS);
    a->n_heads = a->n_kv_heads = reader_needed(r, "n_head", MAX_WIDTH);
    a->max_positions =
        (int)reader_whole(r, "n_positions", reader_whole(r, "n_ctx", 1024, 1, MAX_POSITIONS), 1, MAX_POSITIONS);
    a->d_ff = (int)reader_whole(r, "n_inner", 4 * (int64_t)a->d_model, 1, MAX_WIDTH);
    a->norm = NORM_LAYER;
    a->norm_eps = (float)reader_real(r, "layer_norm_epsilon", 1e-5);
    a->pre_norm = a->final_norm = a->learned_positions = true;
    a->qkv_bias = a->out_bias = a->mlp_bias = true;
    a->tied = reader_flag(r, "tie_word_embeddings", true);
    read_activation(r, a, "activation_function", "gelu_new");
    if (!r->code)
        a->head_dim = a->d_model / a->n_heads;
}

static void read_opt(struct reader *r, struct arch *a)
{
    a->d_model = reader_needed(r, "hidden_size", MAX_WIDTH);
    a->n_layers = reader_needed(r, "num_hidden_layers", ARCH_MAX_LAYERS);
    a->n_heads = a->n_kv_heads = reader_needed(r, "num_attention_heads", MAX_WIDTH);
    a->d_ff = reader_needed(r, "ffn_dim", MAX_WIDTH);
    a->max_positions = (int)reader_whole(r, "max_position_embeddings", 2048, 1, MAX_POSITIONS);
    a->d_embed = (int)reader_whole(r, "word_embed_proj_dim", a->d_model, 1, MAX_WIDTH);
    a->norm = NORM_LAYER;
    a->norm_eps = 1e-5f; // torch's default, which OPT uses
    a->pre_norm = reader_flag(r, "do_layer_norm_before", true);
    a->final_norm = a->pre_norm && !reader_flag(r, "_remove_final_layer_norm", false);
    a->learned_positions = true;
    a->position_offset = 2;
    a->qkv_bias = a->out_bias = a->mlp_bias = reader_flag(r, "enable_bias", true);
    a->tied = reader_flag(r, "tie_word_embeddings", true);
    read_activation(r, a, "activation_function", "relu");
    if (!r->code)
        a->head_dim = a->d_model / a->n_heads;
}

static void read_token_ids(struct reader *r, struct arch *a)
{
    const json_t *eos = json_object_get(r->config, "eos_token_id");
    if (json_is_integer(eos))
        a->eos_ids[a->n_eos++] = (int)reader_whole(r, "eos_token_id", -1, -1, MAX_VOCAB);
    for (size_t i = 0; json_is_array(eos) && i < json_array_size(eos) && a->n_eos < 8; i++)
        if (json_is_integer(json_array_get(eos, i)))
            a->eos_ids[a->n_eos++] = (int)json_integer_value(json_array_get(eos, i));
}

static void check(struct reader *r, const struct arch *a)
{
    if (r->code)
        return;
    if (a->n_heads % a->n_kv_heads)
        r->code = err_set(r->e, ERR_INPUT, "%s: %d attention heads cannot share %d key/value heads", r->where, a->n_heads,
                          a->n_kv_heads);
    else if (!a->rope && a->d_model % a->n_heads)
        r->code = err_set(r->e, ERR_INPUT, "%s: the width %d is not a multiple of the %d heads", r->where, a->d_model,
                          a->n_heads);
    else if ((int64_t)a->n_heads * a->head_dim > MAX_WIDTH)
        r->code = err_set(r->e, ERR_INPUT, "%s: attention is %lld wide, more than is possible", r->where,
                          (long long)a->n_heads * a->head_dim);
}

int arch_from_config(struct arch *out, const json_t *config, const char *where, struct notes *notes, struct err *e)
{
    struct reader r = {.config = config, .where = where, .notes = notes, .e = e};
    struct arch a = {0};
    if (!json_is_object(config))
        return err_set(e, ERR_INPUT, "%s: not a JSON object", where);
    const char *type = reader_text(&r, "model_type", "");
    size_t i = 0;
    while (i < sizeof families / sizeof *families && strcmp(families[i].model_type, type) != 0)
        i++;
    if (!r.code && i == sizeof families / sizeof *families)
        return err_set(e, ERR_UNSUPPORTED, "%s: model_type \"%.60s\" is not supported; supported are llama (also SmolLM2), "
                       "mistral, qwen2, qwen3, gemma2, gemma3_text, gpt2 and opt", where, type);
    if (r.code)
        return r.code;
    a.family = families[i].family;
    r.code = members_check(config, arch_members(a.family), where, notes, e);
    a.vocab_size = reader_needed(&r, "vocab_size", MAX_VOCAB);
    if (a.family == ARCH_GPT2)
        read_gpt2(&r, &a);
    else if (a.family == ARCH_OPT)
        read_opt(&r, &a);
    else if (a.family == ARCH_GEMMA2 || a.family == ARCH_GEMMA3)
        read_gemma(&r, &a);
    else
        read_llama(&r, &a);
    if (!a.d_embed)
        a.d_embed = a.d_model;
    read_token_ids(&r, &a);
    check(&r, &a);
    if (!a.embed_scale)
        a.embed_scale = 1;
    if (!r.code && !a.attn_scale)
        a.attn_scale = (float)(1 / sqrt((double)a.head_dim));
    if (!r.code)
        *out = a;
    return r.code;
}

int64_t arch_n_linear(const struct arch *a)
{
    const int64_t c = a->d_model, attn = (int64_t)a->n_heads * a->head_dim, kv = (int64_t)a->n_kv_heads * a->head_dim;
    const int64_t layer = c * attn * 2 + c * kv * 2 + c * a->d_ff * (a->gated_mlp ? 3 : 2);
    return layer * a->n_layers + (a->d_embed != a->d_model ? 2 * c * a->d_embed : 0);
}

int64_t arch_n_params(const struct arch *a)
{
    int64_t c = a->d_model, attn = (int64_t)a->n_heads * a->head_dim, kv = (int64_t)a->n_kv_heads * a->head_dim;
    int64_t norm = a->norm == NORM_LAYER ? 2 * c : c, layer = 2 * norm;
    if (a->qkv_bias)
        layer += attn + 2 * kv;
    if (a->out_bias)
        layer += c;
    if (a->qk_norm)
        layer += 2 * a->head_dim;
    if (a->post_norms)
        layer += 2 * c;
    if (a->mlp_bias)
        layer += (int64_t)a->d_ff * (a->gated_mlp ? 2 : 1) + c;
    int64_t whole_model = (int64_t)a->vocab_size * a->d_embed * (a->tied ? 1 : 2) + (a->final_norm ? norm : 0);
    if (a->learned_positions)
        whole_model += (int64_t)(a->max_positions + a->position_offset) * c;
    return layer * a->n_layers + whole_model + arch_n_linear(a);
}
