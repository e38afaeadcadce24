#include "config.h"

#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/model_parts.h"

// ---- the table of tensors ----

bool tensor_in_block(const struct model *m, const struct tensor *t)
{
    return !m->frozen || t->rows == 1;
}

static void add(struct model *m, enum tensor_kind kind, int layer, int rows, int cols)
{
    struct tensor *t = &m->tensors[m->n_tensors];
    *t = (struct tensor){.kind = kind, .layer = layer, .rows = rows, .cols = cols, .offset = m->n_floats};
    t->decay = rows > 1 || kind == T_SCORE_W;
    m->index[(layer < 0 ? m->arch.n_layers : layer) * N_TENSOR_KINDS + kind] = m->n_tensors++;
    if (!tensor_in_block(m, t))
        return;
    m->n_floats += ((size_t)rows * (size_t)cols + 15) & ~(size_t)15;
}

static void add_if(bool present, struct model *m, enum tensor_kind kind, int layer, int rows, int cols)
{
    if (present)
        add(m, kind, layer, rows, cols);
}

static void add_layer(struct model *m, int layer)
{
    const struct arch *a = &m->arch;
    int c = a->d_model, q = a->n_heads * a->head_dim, kv = a->n_kv_heads * a->head_dim, f = a->d_ff;
    bool norm_bias = a->norm == NORM_LAYER;
    add(m, T_ATTN_NORM_W, layer, 1, c);
    add_if(norm_bias, m, T_ATTN_NORM_B, layer, 1, c);
    add(m, T_Q_W, layer, q, c);
    add_if(a->qkv_bias, m, T_Q_B, layer, 1, q);
    add(m, T_K_W, layer, kv, c);
    add_if(a->qkv_bias, m, T_K_B, layer, 1, kv);
    add(m, T_V_W, layer, kv, c);
    add_if(a->qkv_bias, m, T_V_B, layer, 1, kv);
    add_if(a->qk_norm, m, T_Q_NORM_W, layer, 1, a->head_dim);
    add_if(a->qk_norm, m, T_K_NORM_W, layer, 1, a->head_dim);
    add(m, T_O_W, layer, c, q);
    add_if(a->out_bias, m, T_O_B, layer, 1, c);
    add_if(a->post_norms, m, T_ATTN_POST_NORM_W, layer, 1, c);
    add(m, T_MLP_NORM_W, layer, 1, c);
    add_if(norm_bias, m, T_MLP_NORM_B, layer, 1, c);
    add_if(a->gated_mlp, m, T_GATE_W, layer, f, c);
    add_if(a->gated_mlp && a->mlp_bias, m, T_GATE_B, layer, 1, f);
    add(m, T_UP_W, layer, f, c);
    add_if(a->mlp_bias, m, T_UP_B, layer, 1, f);
    add(m, T_DOWN_W, layer, c, f);
    add_if(a->mlp_bias, m, T_DOWN_B, layer, 1, c);
    add_if(a->post_norms, m, T_MLP_POST_NORM_W, layer, 1, c);
}

static void make_table(struct model *m, bool with_score)
{
    const struct arch *a = &m->arch;
    int c = a->d_model, n_places = (a->n_layers + 1) * N_TENSOR_KINDS;
    m->tensors = mem_alloc((size_t)n_places, sizeof *m->tensors);
    m->index = mem_alloc((size_t)n_places, sizeof *m->index);
    for (int i = 0; i < n_places; i++)
        m->index[i] = -1;
    add(m, T_TOKEN_EMBED, -1, a->vocab_size, a->d_embed);
    add_if(a->learned_positions, m, T_POSITION_EMBED, -1, a->max_positions + a->position_offset, c);
    add_if(a->d_embed != c, m, T_PROJECT_IN, -1, c, a->d_embed);
    for (int layer = 0; layer < a->n_layers; layer++)
        add_layer(m, layer);
    add_if(a->final_norm, m, T_FINAL_NORM_W, -1, 1, c);
    add_if(a->final_norm && a->norm == NORM_LAYER, m, T_FINAL_NORM_B, -1, 1, c);
    add_if(a->d_embed != c, m, T_PROJECT_OUT, -1, a->d_embed, c);
    add_if(!a->tied, m, T_HEAD_W, -1, a->vocab_size, a->d_embed);
    add_if(with_score, m, T_SCORE_W, -1, 1, a->d_embed);
}

// cos and then sin of one kind of layers, (n positions, half) each.
static void fill_rope(const struct arch *a, enum attn_kind kind, int n, float *table)
{
    const int half = a->head_dim / 2;
    float *speed = mem_alloc((size_t)half, sizeof *speed), factor, *sin_table = table + (size_t)n * (size_t)half;
    rope_frequencies(&a->ropes[kind], a->head_dim, speed, &factor);
    for (int p = 0; p < n; p++)
        for (int i = 0; i < half; i++) {
            float angle = (float)p * speed[i]; // in f32, as the reference implementation has it
            table[(size_t)p * (size_t)half + (size_t)i] = cosf(angle) * factor;
            sin_table[(size_t)p * (size_t)half + (size_t)i] = sinf(angle) * factor;
        }
    free(speed);
}

static int make_rope(struct model *m, struct err *e)
{
    const struct arch *a = &m->arch;
    m->n_rope_positions = a->max_positions;
    const int n_tables = rope_same(&a->ropes[ATTN_FULL], &a->ropes[ATTN_SLIDING]) ? 1 : N_ATTN_KINDS;
    const size_t n = (size_t)m->n_rope_positions * (size_t)(a->head_dim / 2), all = 2 * n * (size_t)n_tables;
    float *tables = mem_try_alloc(all, sizeof *tables, "the table of rotary positions", e);
    if (!tables)
        return ERR_LIMIT;
    for (int kind = 0; kind < n_tables; kind++)
        fill_rope(a, (enum attn_kind)kind, m->n_rope_positions, tables + 2 * n * (size_t)kind);
    m->rope_tables = m->ops->alloc(m->backend, all * sizeof *tables, "the table of rotary positions", e);
    if (m->rope_tables)
        m->ops->upload(m->backend, m->rope_tables, tables, all * sizeof *tables);
    for (int kind = 0; m->rope_tables && kind < N_ATTN_KINDS; kind++) {
        m->rope_cos[kind] = m->rope_tables + (kind < n_tables ? 2 * n * (size_t)kind : 0);
        m->rope_sin[kind] = m->rope_cos[kind] + n;
    }
    free(tables);
    return m->rope_tables ? 0 : ERR_LIMIT;
}

// The block of weights, and the rounded copies of its matrices where the backend wants such.
static int make_block(struct model *m, struct err *e)
{
    const enum dtype type = m->ops->weights_type(m->backend);
    m->weights = m->ops->alloc(m->backend, m->n_floats * sizeof(float), "the model's weights", e);
    if (m->weights && !m->frozen && type != DTYPE_F32)
        m->rounded = m->ops->alloc(m->backend, m->n_floats * dtype_bytes(type), "the model's rounded weights", e);
    if (!m->weights || (!m->frozen && type != DTYPE_F32 && !m->rounded))
        return ERR_LIMIT;
    for (int i = 0; i < m->n_tensors; i++) {
        struct tensor *t = &m->tensors[i];
        if (m->rounded && t->rows > 1)
            t->as = stored_from((struct stored){m->rounded, type, NULL}, t->offset);
        else if (tensor_in_block(m, t))
            t->as = stored_f32(m->weights + t->offset);
    }
    return 0;
}

int model_alloc(struct model **out, const json_t *config, const char *where, const struct backend_ops *ops,
                struct backend *backend, unsigned how, struct err *e)
{
    const bool with_score = how & LOAD_SCORE;
    struct model *m = mem_alloc(1, sizeof *m);
    m->ops = ops;
    m->backend = backend;
    m->adapter_on = true;
    m->frozen = how & LOAD_FROZEN;
    m->base_type = how & LOAD_NF4 ? DTYPE_NF4 : how & LOAD_INT8 ? DTYPE_INT8 : DTYPE_F32;
    int code = arch_from_config(&m->arch, config, where, &m->notes, e);
    if (!code) {
        m->config = json_deep_copy(config);
        const char *made_for = json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
        m->scores_tokens = with_score && made_for && text_ends(made_for, "ForTokenClassification");
        make_table(m, with_score);
        m->pad_id = -1;
        if (m->arch.rope && m->arch.max_positions > MODEL_MAX_POSITIONS)
            m->arch.max_positions = MODEL_MAX_POSITIONS;
    }
    if (!code && !(how & LOAD_HEADERS))
        code = make_block(m, e);
    if (!code && !(how & LOAD_HEADERS) && m->arch.rope)
        code = make_rope(m, e);
    if (code) {
        model_free(m);
        return code;
    }
    *out = m;
    return 0;
}

// N(0, spread) for matrices, residual projections scaled by 1/sqrt(2 n_layers) (GPT-2), norms 1, biases 0.
static void init_tensor(struct model *m, int i, uint64_t seed, double spread, float *scratch)
{
    const struct tensor *t = &m->tensors[i];
    size_t n = (size_t)t->rows * (size_t)t->cols;
    struct rng r = rng_make(seed, RNG_INIT, (uint32_t)i);
    const bool norm = tensor_is_norm(t->kind);
    if (t->kind == T_O_W || t->kind == T_DOWN_W)
        spread /= sqrt(2.0 * m->arch.n_layers);
    if (t->kind == T_SCORE_W || (!norm && t->rows == 1))
        return; // zero already
    for (size_t j = 0; j < n; j++)
        scratch[j] = norm ? 1 : (float)(spread * rng_normal(&r));
    m->ops->upload(m->backend, m->weights + t->offset, scratch, n * sizeof *scratch);
}

int model_new(struct model **out, const json_t *config, const struct backend_ops *ops, struct backend *backend,
              uint64_t seed, struct err *e)
{
    static const char where[] = "the new model's config";
    struct model *m;
    double spread;
    int code = json_get_double(config, "initializer_range", 0.02, &spread, where, e);
    if (!code && !(spread > 0 && spread <= 1))
        code = err_set(e, ERR_INPUT, "%s: \"initializer_range\" is %g, must be above 0 and at most 1", where, spread);
    if (!code)
        code = model_alloc(&m, config, where, ops, backend, 0, e);
    if (code)
        return code;
    size_t largest = 0;
    for (int i = 0; i < m->n_tensors; i++) {
        size_t n = (size_t)m->tensors[i].rows * (size_t)m->tensors[i].cols;
        largest = n > largest ? n : largest;
    }
    float *scratch = mem_alloc(largest, sizeof *scratch);
    for (int i = 0; i < m->n_tensors; i++)
        init_tensor(m, i, seed, spread, scratch);
    free(scratch);
    model_weights_changed(m);
    code = ops->sync(backend, e);
    if (code) {
        model_free(m);
        return code;
    }
    *out = m;
    return 0;
}

void model_weights_changed(struct model *m)
{
    m->is_of_file = false; // its loader knows better
    m->n_changes++;
    for (int i = 0; m->rounded && i < m->n_tensors; i++) {
        const struct tensor *t = &m->tensors[i];
        if (t->rows > 1)
            m->ops->convert(m->backend, (char *)m->rounded + t->offset * dtype_bytes(t->as.type), t->as.type,
                            stored_f32(m->weights + t->offset), (size_t)t->rows * (size_t)t->cols);
    }
    m->ops->weights_changed(m->backend);
}

void model_adapter_changed(struct model *m)
{
    m->n_adapter_changes++;
    m->ops->weights_changed(m->backend);
}

static void free_of_backend(struct model *m)
{
    for (int i = 0; i < m->n_tensors; i++)
        m->ops->free(m->backend, m->tensors[i].own);
    m->ops->free(m->backend, m->rounded);
    m->ops->free(m->backend, m->weights);
    m->ops->free(m->backend, m->grads);
    m->ops->free(m->backend, m->score_grads);
    m->ops->free(m->backend, m->lora_weights);
    m->ops->free(m->backend, m->lora_grads);
    m->ops->free(m->backend, m->rope_tables);
}

void model_free(struct model *m)
{
    if (!m)
        return;
    if (m->generator)
        m->generator_free(m->generator);
    if (m->is_adapter_twin) {
        m->ops->free(m->backend, m->lora_weights);
        free(m);
        return;
    }
    if (m->ops) // there is none behind headers
        free_of_backend(m);
    if (m->files)
        weight_shards_close(m->files);
    free(m->files);
    free(m->lora_pairs);
    json_decref(m->lora_file);
    free(m->tensors);
    free(m->index);
    json_decref(m->config);
    notes_fini(&m->notes);
    free(m->dir);
    free(m->tokenizer_dir);
    free(m->base_dir);
    free(m);
}

// ---- access ----

const struct tensor *model_tensor(const struct model *m, enum tensor_kind kind, int layer)
{
    int place = (kind >= N_LAYER_TENSORS ? m->arch.n_layers : layer) * N_TENSOR_KINDS + (int)kind;
    return m->index[place] < 0 ? NULL : &m->tensors[m->index[place]];
}

struct stored model_stored(const struct model *m, enum tensor_kind kind, int layer)
{
    const struct tensor *t = model_tensor(m, kind, layer);
    return t ? t->as : (struct stored){0};
}

float *model_weight(const struct model *m, enum tensor_kind kind, int layer)
{
    const struct tensor *t = model_tensor(m, kind, layer);
    BUG_IF(t && !tensor_in_block(m, t));
    return t ? m->weights + t->offset : NULL;
}

struct stored tensor_exact(const struct model *m, const struct tensor *t)
{
    return tensor_in_block(m, t) ? stored_f32(m->weights + t->offset) : t->as;
}

int model_read(const struct model *m, const struct tensor *t, int first, int n, float *host, struct err *e)
{
    const size_t cols = (size_t)t->cols, count = (size_t)n * cols;
    const struct stored exact = tensor_exact(m, t);
    const size_t skipped = dtype_is_quantized(exact.type) ? (size_t)first * cols : 0; // read along: they begin in a group's middle
    const struct stored from = skipped ? exact : stored_from(exact, (size_t)first * cols);
    float *wide = NULL;
    if (from.type != DTYPE_F32) {
        if (!(wide = m->ops->alloc(m->backend, (skipped + count) * sizeof *wide, "a tensor that is read", e)))
            return ERR_LIMIT;
        m->ops->convert(m->backend, wide, DTYPE_F32, from, skipped + count);
    }
    m->ops->download(m->backend, host, wide ? wide + skipped : from.at, count * sizeof *host);
    m->ops->free(m->backend, wide);
    return m->ops->sync(m->backend, e);
}

float *model_grad(const struct model *m, enum tensor_kind kind, int layer)
{
    const struct tensor *t = model_tensor(m, kind, layer);
    if (!t)
        return NULL;
    if (kind == T_SCORE_W && m->score_grads)
        return m->score_grads;
    return m->grads ? m->grads + t->offset : NULL;
}

const struct lora_pair *model_lora(const struct model *m, enum tensor_kind kind, int layer)
{
    if (!m->lora_pairs || kind >= N_LAYER_TENSORS)
        return NULL;
    const struct lora_pair *pair = &m->lora_pairs[layer * N_LAYER_TENSORS + (int)kind];
    return pair->in ? pair : NULL;
}

// ---- what is trained ----

int model_set_trainable(struct model *m, enum trainable what, struct err *e)
{
    const struct tensor *score = model_tensor(m, T_SCORE_W, 0);
    if (what == TRAIN_ADAPTER && !m->lora_weights)
        return err_set(e, ERR_STATE, "there is no adapter to train: add one first (lora-rank)");
    BUG_IF(what == TRAIN_ALL && m->frozen);
    if (what == TRAIN_ALL && !m->grads) {
        m->grads = m->ops->alloc(m->backend, m->n_floats * sizeof(float), "the gradients", e);
        if (!m->grads)
            return ERR_LIMIT;
    }
    if (what == TRAIN_ADAPTER && !m->lora_grads) {
        m->lora_grads = m->ops->alloc(m->backend, m->n_lora_floats * sizeof(float), "the adapter's gradients", e);
        if (!m->lora_grads)
            return ERR_LIMIT;
    }
    if (what == TRAIN_ADAPTER && score && !m->score_grads) {
        m->score_grads = m->ops->alloc(m->backend, (size_t)score->cols * sizeof(float), "the score head's gradients", e);
        if (!m->score_grads)
            return ERR_LIMIT;
    }
    return 0;
}

int model_param_blocks(const struct model *m, struct param_block blocks[2])
{
    int n = 0;
    if (m->grads)
        blocks[n++] = (struct param_block){m->weights, m->grads, m->n_floats, "model"};
    else if (m->lora_grads)
        blocks[n++] = (struct param_block){m->lora_weights, m->lora_grads, m->n_lora_floats, "adapter"};
    if (m->score_grads) {
        const struct tensor *score = model_tensor(m, T_SCORE_W, 0);
        blocks[n++] =
            (struct param_block){m->weights + score->offset, m->score_grads, (size_t)score->cols, "score"};
    }
    return n;
}

int model_param_ranges(const struct model *m, int block, struct param_range **out)
{
    struct param_block blocks[2];
    int n_blocks = model_param_blocks(m, blocks);
    BUG_IF(block < 0 || block >= n_blocks);
    struct param_range *ranges = mem_alloc((size_t)m->n_tensors + 1, sizeof *ranges);
    int n = 0;
    if (strcmp(blocks[block].name, "model") != 0) {
        ranges[n++] = (struct param_range){0, blocks[block].n, true};
    } else {
        for (int i = 0; i < m->n_tensors; i++) { // tensors stand in the order of their offsets
            size_t end = i + 1 < m->n_tensors ? m->tensors[i + 1].offset : m->n_floats;
            if (n && ranges[n - 1].decay == m->tensors[i].decay)
                ranges[n - 1].end = end;
            else
                ranges[n++] = (struct param_range){m->tensors[i].offset, end, m->tensors[i].decay};
        }
    }
    *out = ranges;
    return n;
}
