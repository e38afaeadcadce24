#include "config.h"

#include "model/arch.h"

#include <math.h>
#include <string.h>

#include "base/json.h"

// Limits that no real model reaches; they keep products of sizes far from overflow.
enum { MAX_WIDTH = 1 << 20, MAX_VOCAB = 1 << 24, MAX_LAYERS = 4096, MAX_POSITIONS = 1 << 27 };

static const struct family_row {
    const char *model_type;
    enum arch_family family;
} families[] = {
    {"llama", ARCH_LLAMA}, {"mistral", ARCH_MISTRAL}, {"qwen2", ARCH_QWEN2}, {"gpt2", ARCH_GPT2}, {"opt", ARCH_OPT},
};

const char *arch_family_name(enum arch_family family)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i].family == family)
            return families[i].model_type;
    return "?";
}

// One reader for the members of a config: remembers the first error, so that a long list of members reads well.
struct reader {
    const json_t *config;
    const char *where;
    struct err *e;
    int code;
};

static int64_t whole(struct reader *r, const char *key, int64_t fallback, int64_t min, int64_t max)
{
    int64_t value = fallback;
    if (!r->code && fallback == INT64_MIN && !json_is_integer(json_object_get(r->config, key)))
        r->code = err_set(r->e, ERR_INPUT, "%s: \"%s\" is missing or not a whole number", r->where, key);
    if (!r->code)
        r->code = json_get_int(r->config, key, fallback, min, max, &value, r->where, r->e);
    return value;
}

static int needed(struct reader *r, const char *key, int64_t max)
{
    return (int)whole(r, key, INT64_MIN, 1, max);
}

static double real(struct reader *r, const char *key, double fallback)
{
    double value = fallback;
    if (!r->code)
        r->code = json_get_double(r->config, key, fallback, &value, r->where, r->e);
    return value;
}

static bool flag(struct reader *r, const char *key, bool fallback)
{
    bool value = fallback;
    if (!r->code)
        r->code = json_get_bool(r->config, key, fallback, &value, r->where, r->e);
    return value;
}

static const char *text(struct reader *r, const char *key, const char *fallback)
{
    const char *value = fallback;
    if (!r->code)
        r->code = json_get_text(r->config, key, fallback, &value, r->where, r->e);
    return value;
}

static void unsupported(struct reader *r, const char *what)
{
    if (!r->code)
        r->code = err_set(r->e, ERR_UNSUPPORTED, "%s: %s is not supported", r->where, what);
}

static void read_activation(struct reader *r, struct arch *a, const char *key, const char *fallback)
{
    static const struct {
        const char *name;
        enum activation act;
    } rows[] = {{"silu", ACT_SILU},           {"swish", ACT_SILU},       {"gelu", ACT_GELU_ERF},
                {"gelu_new", ACT_GELU_TANH},  {"gelu_fast", ACT_GELU_TANH}, {"gelu_pytorch_tanh", ACT_GELU_TANH},
                {"relu", ACT_RELU}};
    const char *name = text(r, key, fallback);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) {
            a->act = rows[i].act;
            return;
        }
    if (!r->code)
        r->code = err_set(r->e, ERR_UNSUPPORTED, "%s: the activation \"%.60s\" is not supported", r->where, name);
}

static void read_rope_scaling(struct reader *r, struct arch *a)
{
    const json_t *scaling = json_object_get(r->config, "rope_scaling");
    a->rope_scaling = ROPE_PLAIN;
    a->rope_factor = a->rope_attention_factor = 1;
    if (r->code || !json_is_object(scaling))
        return;
    struct reader s = {.config = scaling, .where = r->where, .e = r->e};
    const char *type = text(&s, "rope_type", NULL);
    if (!type)
        type = text(&s, "type", "default");
    a->rope_factor = (float)real(&s, "factor", 1);
    a->rope_low_freq = (float)real(&s, "low_freq_factor", 1);
    a->rope_high_freq = (float)real(&s, "high_freq_factor", 4);
    a->rope_original_positions =
        (int)whole(&s, "original_max_position_embeddings", a->max_positions, 1, MAX_POSITIONS);
    a->rope_beta_fast = (float)real(&s, "beta_fast", 32);
    a->rope_beta_slow = (float)real(&s, "beta_slow", 1);
    a->rope_attention_factor = (float)real(&s, "attention_factor", 0);
    if (strcmp(type, "default") == 0)
        a->rope_scaling = ROPE_PLAIN;
    else if (strcmp(type, "linear") == 0)
        a->rope_scaling = ROPE_LINEAR;
    else if (strcmp(type, "dynamic") == 0)
        a->rope_scaling = ROPE_DYNAMIC;
    else if (strcmp(type, "llama3") == 0)
        a->rope_scaling = ROPE_LLAMA3;
    else if (strcmp(type, "yarn") == 0)
        a->rope_scaling = ROPE_YARN;
    else
        s.code = err_set(r->e, ERR_UNSUPPORTED, "%s: rope_scaling of type \"%.40s\" is not supported", r->where, type);
    if (!s.code && (!(a->rope_factor >= 1) || !(a->rope_high_freq > a->rope_low_freq)))
        s.code = err_set(r->e, ERR_INPUT, "%s: rope_scaling has an impossible factor", r->where);
    r->code = s.code;
}

static void read_llama(struct reader *r, struct arch *a)
{
    a->d_model = needed(r, "hidden_size", MAX_WIDTH);
    a->n_layers = needed(r, "num_hidden_layers", MAX_LAYERS);
    a->n_heads = needed(r, "num_attention_heads", MAX_WIDTH);
    a->n_kv_heads = (int)whole(r, "num_key_value_heads", a->n_heads, 1, MAX_WIDTH);
    a->d_ff = needed(r, "intermediate_size", MAX_WIDTH);
    a->max_positions = (int)whole(r, "max_position_embeddings", 2048, 1, MAX_POSITIONS);
    a->head_dim = (int)whole(r, "head_dim", r->code ? 1 : a->d_model / a->n_heads, 1, MAX_WIDTH);
    a->norm = NORM_RMS;
    a->norm_eps = (float)real(r, "rms_norm_eps", 1e-6);
    a->pre_norm = a->final_norm = a->gated_mlp = a->rope = true;
    read_activation(r, a, "hidden_act", "silu");
    if (a->act != ACT_SILU)
        unsupported(r, "a gated MLP with an activation other than silu");
    bool bias = flag(r, "attention_bias", false);
    a->qkv_bias = bias || a->family == ARCH_QWEN2;
    a->out_bias = bias && a->family == ARCH_LLAMA;
    a->mlp_bias = flag(r, "mlp_bias", false);
    // Hugging Face: tied by default only in families whose config class says so; all three say no.
    a->tied = flag(r, "tie_word_embeddings", false);
    a->rope_theta = (float)real(r, "rope_theta", 10000);
    const json_t *window = json_object_get(r->config, "sliding_window");
    bool window_on = a->family == ARCH_MISTRAL || flag(r, "use_sliding_window", false);
    if (a->family != ARCH_LLAMA && window_on && json_is_integer(window))
        a->sliding_window = (int)whole(r, "sliding_window", 0, 1, MAX_POSITIONS);
    if (a->family == ARCH_QWEN2 && a->sliding_window && whole(r, "max_window_layers", a->n_layers, 0, MAX_LAYERS) < a->n_layers)
        unsupported(r, "a sliding window on a part of the layers (max_window_layers)");
    if (real(r, "partial_rotary_factor", 1) != 1)
        unsupported(r, "rotating a part of each head (partial_rotary_factor)");
    if (!r->code && !(a->rope_theta > 1))
        r->code = err_set(r->e, ERR_INPUT, "%s: \"rope_theta\" must be larger than 1", r->where);
    if (!r->code && a->head_dim % 2)
        r->code = err_set(r->e, ERR_INPUT, "%s: \"head_dim\" is %d, must be even", r->where, a->head_dim);
    read_rope_scaling(r, a);
}

static void read_gpt2(struct reader *r, struct arch *a)
{
    a->d_model = needed(r, "n_embd", MAX_WIDTH);
    a->n_layers = needed(r, "n_layer", MAX_LAYERS);
    a->n_heads = a->n_kv_heads = needed(r, "n_head", MAX_WIDTH);
    a->max_positions = (int)whole(r, "n_positions", whole(r, "n_ctx", 1024, 1, MAX_POSITIONS), 1, MAX_POSITIONS);
    a->d_ff = (int)whole(r, "n_inner", 4 * (int64_t)a->d_model, 1, MAX_WIDTH);
    a->norm = NORM_LAYER;
    a->norm_eps = (float)real(r, "layer_norm_epsilon", 1e-5);
    a->pre_norm = a->final_norm = a->learned_positions = true;
    a->qkv_bias = a->out_bias = a->mlp_bias = true;
    a->tied = flag(r, "tie_word_embeddings", true);
    read_activation(r, a, "activation_function", "gelu_new");
    if (!flag(r, "scale_attn_weights", true) || flag(r, "scale_attn_by_inverse_layer_idx", false))
        unsupported(r, "attention that is not scaled by 1/sqrt(head_dim)");
    if (!r->code)
        a->head_dim = a->d_model / a->n_heads;
}

static void read_opt(struct reader *r, struct arch *a)
{
    a->d_model = needed(r, "hidden_size", MAX_WIDTH);
    a->n_layers = needed(r, "num_hidden_layers", MAX_LAYERS);
    a->n_heads = a->n_kv_heads = needed(r, "num_attention_heads", MAX_WIDTH);
    a->d_ff = needed(r, "ffn_dim", MAX_WIDTH);
    a->max_positions = (int)whole(r, "max_position_embeddings", 2048, 1, MAX_POSITIONS);
    a->d_embed = (int)whole(r, "word_embed_proj_dim", a->d_model, 1, MAX_WIDTH);
    a->norm = NORM_LAYER;
    a->norm_eps = 1e-5f; // torch's default, which OPT uses
    a->pre_norm = flag(r, "do_layer_norm_before", true);
    a->final_norm = a->pre_norm && !flag(r, "_remove_final_layer_norm", false);
    a->learned_positions = true;
    a->position_offset = 2;
    a->qkv_bias = a->out_bias = a->mlp_bias = flag(r, "enable_bias", true);
    a->tied = flag(r, "tie_word_embeddings", true);
    read_activation(r, a, "activation_function", "relu");
    if (!flag(r, "layer_norm_elementwise_affine", true))
        unsupported(r, "layer norms without weights (layer_norm_elementwise_affine false)");
    if (!r->code)
        a->head_dim = a->d_model / a->n_heads;
}

static void read_token_ids(struct reader *r, struct arch *a)
{
    a->bos_id = (int)whole(r, "bos_token_id", -1, -1, MAX_VOCAB);
    a->pad_id = (int)whole(r, "pad_token_id", -1, -1, MAX_VOCAB);
    const json_t *eos = json_object_get(r->config, "eos_token_id");
    if (json_is_integer(eos))
        a->eos_ids[a->n_eos++] = (int)whole(r, "eos_token_id", -1, -1, MAX_VOCAB);
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

int arch_from_config(struct arch *out, const json_t *config, const char *where, struct err *e)
{
    struct reader r = {.config = config, .where = where, .e = e};
    struct arch a = {0};
    if (!json_is_object(config))
        return err_set(e, ERR_INPUT, "%s: not a JSON object", where);
    const char *type = text(&r, "model_type", "");
    size_t i = 0;
    while (i < sizeof families / sizeof *families && strcmp(families[i].model_type, type) != 0)
        i++;
    if (!r.code && i == sizeof families / sizeof *families)
        return err_set(e, ERR_UNSUPPORTED, "%s: model_type \"%.60s\" is not supported; supported are llama (also SmolLM2), "
                       "mistral, qwen2, gpt2 and opt", where, type);
    if (r.code)
        return r.code;
    a.family = families[i].family;
    a.vocab_size = needed(&r, "vocab_size", MAX_VOCAB);
    if (a.family == ARCH_GPT2)
        read_gpt2(&r, &a);
    else if (a.family == ARCH_OPT)
        read_opt(&r, &a);
    else
        read_llama(&r, &a);
    if (!a.d_embed)
        a.d_embed = a.d_model;
    read_token_ids(&r, &a);
    check(&r, &a);
    if (!r.code)
        *out = a;
    return r.code;
}

// YaRN (Peng et al. 2023): interpolate slow angles, keep fast ones, blend between by a ramp over dimensions.
static void yarn(const struct arch *a, float *inv_freq, float *factor)
{
    int half = a->head_dim / 2;
    double base = a->rope_theta, length = a->rope_original_positions, two_pi = 6.283185307179586;
    double low = floor(a->head_dim * log(length / (a->rope_beta_fast * two_pi)) / (2 * log(base)));
    double high = ceil(a->head_dim * log(length / (a->rope_beta_slow * two_pi)) / (2 * log(base)));
    low = fmax(low, 0);
    high = fmin(high, a->head_dim - 1);
    if (low == high)
        high += 0.001;
    for (int i = 0; i < half; i++) {
        double ramp = fmin(fmax((i - low) / (high - low), 0), 1);
        double plain = pow(base, -2.0 * i / a->head_dim);
        inv_freq[i] = (float)(plain / a->rope_factor * ramp + plain * (1 - ramp));
    }
    *factor = a->rope_attention_factor > 0 ? a->rope_attention_factor : (float)(0.1 * log(a->rope_factor) + 1);
}

// Llama 3.1: wavelengths over the original length are divided by the factor, short ones kept, between blended.
static double llama3(const struct arch *a, double inv_freq)
{
    double wavelength = 6.283185307179586 / inv_freq, length = a->rope_original_positions;
    if (wavelength < length / a->rope_high_freq)
        return inv_freq;
    if (wavelength > length / a->rope_low_freq)
        return inv_freq / a->rope_factor;
    double smooth = (length / wavelength - a->rope_low_freq) / (a->rope_high_freq - a->rope_low_freq);
    return (1 - smooth) * inv_freq / a->rope_factor + smooth * inv_freq;
}

void arch_rope_frequencies(const struct arch *a, float *inv_freq, float *factor)
{
    *factor = 1;
    if (a->rope_scaling == ROPE_YARN) {
        yarn(a, inv_freq, factor);
        return;
    }
    for (int i = 0; i < a->head_dim / 2; i++) {
        double speed = pow(a->rope_theta, -2.0 * i / a->head_dim);
        if (a->rope_scaling == ROPE_LINEAR)
            speed /= a->rope_factor;
        else if (a->rope_scaling == ROPE_LLAMA3)
            speed = llama3(a, speed);
        // ROPE_DYNAMIC changes nothing up to the original length, which is the longest that is trained here.
        inv_freq[i] = (float)speed;
    }
}

int64_t arch_n_params(const struct arch *a)
{
    int64_t c = a->d_model, attn = (int64_t)a->n_heads * a->head_dim, kv = (int64_t)a->n_kv_heads * a->head_dim;
    int64_t norm = a->norm == NORM_LAYER ? 2 * c : c;
    int64_t layer = 2 * norm + c * attn * 2 + c * kv * 2 + c * a->d_ff * (a->gated_mlp ? 3 : 2);
    if (a->qkv_bias)
        layer += attn + 2 * kv;
    if (a->out_bias)
        layer += c;
    if (a->mlp_bias)
        layer += (int64_t)a->d_ff * (a->gated_mlp ? 2 : 1) + c;
    int64_t whole_model = (int64_t)a->vocab_size * a->d_embed * (a->tied ? 1 : 2) + (a->final_norm ? norm : 0);
    if (a->learned_positions)
        whole_model += (int64_t)(a->max_positions + a->position_offset) * c;
    if (a->d_embed != a->d_model)
        whole_model += 2 * c * a->d_embed;
    return layer * a->n_layers + whole_model;
}
