#include "config.h"

#include "model/names.h"

#include <string.h>

static const struct name_row llama[] = {
    {T_ATTN_NORM_W, "layers.%d.input_layernorm.weight", false, -1},
    {T_Q_W, "layers.%d.self_attn.q_proj.weight", false, -1},
    {T_Q_B, "layers.%d.self_attn.q_proj.bias", false, -1},
    {T_K_W, "layers.%d.self_attn.k_proj.weight", false, -1},
    {T_K_B, "layers.%d.self_attn.k_proj.bias", false, -1},
    {T_V_W, "layers.%d.self_attn.v_proj.weight", false, -1},
    {T_V_B, "layers.%d.self_attn.v_proj.bias", false, -1},
    {T_O_W, "layers.%d.self_attn.o_proj.weight", false, -1},
    {T_O_B, "layers.%d.self_attn.o_proj.bias", false, -1},
    {T_Q_NORM_W, "layers.%d.self_attn.q_norm.weight", false, -1},
    {T_K_NORM_W, "layers.%d.self_attn.k_norm.weight", false, -1},
    {T_MLP_NORM_W, "layers.%d.post_attention_layernorm.weight", false, -1},
    {T_GATE_W, "layers.%d.mlp.gate_proj.weight", false, -1},
    {T_GATE_B, "layers.%d.mlp.gate_proj.bias", false, -1},
    {T_UP_W, "layers.%d.mlp.up_proj.weight", false, -1},
    {T_UP_B, "layers.%d.mlp.up_proj.bias", false, -1},
    {T_DOWN_W, "layers.%d.mlp.down_proj.weight", false, -1},
    {T_DOWN_B, "layers.%d.mlp.down_proj.bias", false, -1},
    {T_TOKEN_EMBED, "embed_tokens.weight", false, -1},
    {T_FINAL_NORM_W, "norm.weight", false, -1},
    {0},
};

static const struct name_row gemma[] = {
    {T_ATTN_NORM_W, "layers.%d.input_layernorm.weight", false, -1},
    {T_Q_W, "layers.%d.self_attn.q_proj.weight", false, -1},
    {T_K_W, "layers.%d.self_attn.k_proj.weight", false, -1},
    {T_V_W, "layers.%d.self_attn.v_proj.weight", false, -1},
    {T_O_W, "layers.%d.self_attn.o_proj.weight", false, -1},
    {T_Q_NORM_W, "layers.%d.self_attn.q_norm.weight", false, -1},
    {T_K_NORM_W, "layers.%d.self_attn.k_norm.weight", false, -1},
    {T_ATTN_POST_NORM_W, "layers.%d.post_attention_layernorm.weight", false, -1},
    {T_MLP_NORM_W, "layers.%d.pre_feedforward_layernorm.weight", false, -1},
    {T_MLP_POST_NORM_W, "layers.%d.post_feedforward_layernorm.weight", false, -1},
    {T_GATE_W, "layers.%d.mlp.gate_proj.weight", false, -1},
    {T_UP_W, "layers.%d.mlp.up_proj.weight", false, -1},
    {T_DOWN_W, "layers.%d.mlp.down_proj.weight", false, -1},
    {T_TOKEN_EMBED, "embed_tokens.weight", false, -1},
    {T_FINAL_NORM_W, "norm.weight", false, -1},
    {0},
};

static const struct name_row gpt2[] = {
    {T_ATTN_NORM_W, "h.%d.ln_1.weight", false, -1},
    {T_ATTN_NORM_B, "h.%d.ln_1.bias", false, -1},
    {T_Q_W, "h.%d.attn.c_attn.weight", true, 0},
    {T_Q_B, "h.%d.attn.c_attn.bias", false, 0},
    {T_K_W, "h.%d.attn.c_attn.weight", true, 1},
    {T_K_B, "h.%d.attn.c_attn.bias", false, 1},
    {T_V_W, "h.%d.attn.c_attn.weight", true, 2},
    {T_V_B, "h.%d.attn.c_attn.bias", false, 2},
    {T_O_W, "h.%d.attn.c_proj.weight", true, -1},
    {T_O_B, "h.%d.attn.c_proj.bias", false, -1},
    {T_MLP_NORM_W, "h.%d.ln_2.weight", false, -1},
    {T_MLP_NORM_B, "h.%d.ln_2.bias", false, -1},
    {T_UP_W, "h.%d.mlp.c_fc.weight", true, -1},
    {T_UP_B, "h.%d.mlp.c_fc.bias", false, -1},
    {T_DOWN_W, "h.%d.mlp.c_proj.weight", true, -1},
    {T_DOWN_B, "h.%d.mlp.c_proj.bias", false, -1},
    {T_TOKEN_EMBED, "wte.weight", false, -1},
    {T_POSITION_EMBED, "wpe.weight", false, -1},
    {T_FINAL_NORM_W, "ln_f.weight", false, -1},
    {T_FINAL_NORM_B, "ln_f.bias", false, -1},
    {0},
};

static const struct name_row opt[] = {
    {T_ATTN_NORM_W, "layers.%d.self_attn_layer_norm.weight", false, -1},
    {T_ATTN_NORM_B, "layers.%d.self_attn_layer_norm.bias", false, -1},
    {T_Q_W, "layers.%d.self_attn.q_proj.weight", false, -1},
    {T_Q_B, "layers.%d.self_attn.q_proj.bias", false, -1},
    {T_K_W, "layers.%d.self_attn.k_proj.weight", false, -1},
    {T_K_B, "layers.%d.self_attn.k_proj.bias", false, -1},
    {T_V_W, "layers.%d.self_attn.v_proj.weight", false, -1},
    {T_V_B, "layers.%d.self_attn.v_proj.bias", false, -1},
    {T_O_W, "layers.%d.self_attn.out_proj.weight", false, -1},
    {T_O_B, "layers.%d.self_attn.out_proj.bias", false, -1},
    {T_MLP_NORM_W, "layers.%d.final_layer_norm.weight", false, -1},
    {T_MLP_NORM_B, "layers.%d.final_layer_norm.bias", false, -1},
    {T_UP_W, "layers.%d.fc1.weight", false, -1},
    {T_UP_B, "layers.%d.fc1.bias", false, -1},
    {T_DOWN_W, "layers.%d.fc2.weight", false, -1},
    {T_DOWN_B, "layers.%d.fc2.bias", false, -1},
    {T_TOKEN_EMBED, "embed_tokens.weight", false, -1},
    {T_POSITION_EMBED, "embed_positions.weight", false, -1},
    {T_PROJECT_IN, "project_in.weight", false, -1},
    {T_PROJECT_OUT, "project_out.weight", false, -1},
    {T_FINAL_NORM_W, "final_layer_norm.weight", false, -1},
    {T_FINAL_NORM_B, "final_layer_norm.bias", false, -1},
    {0},
};

// The same in every family, without a prefix.
static const struct name_row heads[] = {
    {T_HEAD_W, "lm_head.weight", false, -1},
    {T_SCORE_W, "score.weight", false, -1},
    {0},
};

static const struct name_row *find(const struct name_row *rows, enum tensor_kind kind)
{
    for (; rows->name; rows++)
        if (rows->kind == kind)
            return rows;
    return NULL;
}

const struct name_row *names_row(enum arch_family family, enum tensor_kind kind)
{
    if (kind == T_HEAD_W || kind == T_SCORE_W)
        return find(heads, kind);
    static const struct name_row *const tables[] = {
        [ARCH_LLAMA] = llama, [ARCH_MISTRAL] = llama, [ARCH_QWEN2] = llama, [ARCH_QWEN3] = llama,
        [ARCH_GEMMA2] = gemma, [ARCH_GEMMA3] = gemma, [ARCH_GPT2] = gpt2, [ARCH_OPT] = opt};
    const struct name_row *row = find(tables[family], kind);
    if (!row)
        BUG("family %s has no tensor of kind %d", arch_family_name(family), (int)kind);
    return row;
}

void names_full(enum arch_family family, const struct name_row *row, int layer, bool bare, struct str *out)
{
    bool is_head = row->kind == T_HEAD_W || row->kind == T_SCORE_W;
    str_clear(out);
    if (!is_head && family == ARCH_OPT)
        str_add(out, bare ? "decoder." : "model.decoder.");
    else if (!is_head && !bare)
        str_add(out, family == ARCH_GPT2 ? "transformer." : "model.");
    const char *mark = strstr(row->name, "%d");
    if (mark) {
        str_addn(out, row->name, (size_t)(mark - row->name));
        str_addf(out, "%d", layer);
        str_add(out, mark + 2);
    } else {
        str_add(out, row->name);
    }
}

void names_module(const struct name_row *row, char *out, size_t size)
{
    const char *end = strrchr(row->name, '.'), *start = end;
    while (start > row->name && start[-1] != '.')
        start--;
    size_t n = (size_t)(end - start);
    if (n >= size)
        n = size - 1;
    memcpy(out, start, n);
    out[n] = '\0';
}

bool names_is_harmless(const char *name)
{
    return text_ends(name, ".attn.bias") || text_ends(name, ".attn.masked_bias") || text_ends(name, "rotary_emb.inv_freq") ||
           strcmp(name, "lm_head.weight") == 0 || strcmp(name, "score.weight") == 0;
}
