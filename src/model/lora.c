// Low-rank adapters and PEFT's files for them. GPT-2's fused c_attn: PEFT has one `a` for q, k and v together and
// one `b` of three parts; here the three linears share the same `a` and their `b` stand one after the other, so
// that the file is exact.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/model_parts.h"
#include "model/names.h"
#include "model/quantized.h"

static const enum tensor_kind linears[] = {T_Q_W, T_K_W, T_V_W, T_O_W, T_GATE_W, T_UP_W, T_DOWN_W};
enum { N_LINEARS = sizeof linears / sizeof *linears };

static const char *usual_targets(enum arch_family family)
{
    return family == ARCH_GPT2 ? "c_attn" : "q_proj,v_proj";
}

// The module of a linear layer; false when this architecture has none of the kind (no gate).
static bool module_name(const struct arch *a, enum tensor_kind kind, char *out, size_t size)
{
    if (kind == T_GATE_W && !a->gated_mlp)
        return false;
    names_module(names_row(a->family, kind), out, size);
    return true;
}

int lora_read_targets(const struct arch *a, const char *targets, unsigned *out, struct err *e)
{
    *out = 0;
    if (!*targets)
        targets = usual_targets(a->family);
    char *list = mem_strdup(targets), *rest = NULL;
    int code = 0;
    for (char *item = strtok_r(list, ", ", &rest); item && !code; item = strtok_r(NULL, ", ", &rest)) {
        bool known = false;
        for (int i = 0; i < N_LINEARS; i++) {
            char module[64];
            if (!module_name(a, linears[i], module, sizeof module))
                continue;
            if (strcmp(item, "all-linear") == 0 || strcmp(item, module) == 0) {
                *out |= 1u << linears[i];
                known = true;
            }
        }
        if (!known) {
            struct str have = {0};
            char last[64] = "";
            for (int i = 0; i < N_LINEARS; i++) {
                char module[64];
                if (!module_name(a, linears[i], module, sizeof module))
                    continue;
                if (strcmp(module, last) != 0)
                    str_addf(&have, "%s%s", have.len ? ", " : "", module);
                text_copy(last, sizeof last, module);
            }
            code = err_set(e, ERR_USAGE, "there is no module \"%.60s\" for an adapter; this model has %s (or all-linear)",
                           item, str_text(&have));
            str_fini(&have);
        }
    }
    free(list);
    return code;
}

double lora_n_params(const struct arch *a, int rank, unsigned targets)
{
    const double c = a->d_model, q = (double)a->n_heads * a->head_dim, kv = (double)a->n_kv_heads * a->head_dim, f = a->d_ff;
    const struct {
        enum tensor_kind kind;
        double in, out;
    } rows[] = {{T_Q_W, c, q},    {T_K_W, c, kv}, {T_V_W, c, kv},  {T_O_W, q, c},
                {T_GATE_W, c, f}, {T_UP_W, c, f}, {T_DOWN_W, f, c}};
    double sum = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (targets & 1u << rows[i].kind && (rows[i].kind != T_GATE_W || a->gated_mlp))
            sum += rank * (rows[i].in + rows[i].out);
    return sum * a->n_layers;
}

// The pairs of a new adapter: all alike.
static void make_pairs(struct model *m)
{
    m->lora_pairs = mem_alloc((size_t)m->arch.n_layers * N_LAYER_TENSORS, sizeof *m->lora_pairs);
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS; i++)
            if (model_tensor(m, linears[i], layer) && m->lora.targets & 1u << linears[i])
                m->lora_pairs[layer * N_LAYER_TENSORS + (int)linears[i]] =
                    (struct lora_pair){.rank = m->lora.rank, .factor = m->lora.alpha / (float)m->lora.rank};
}

// Places the pairs, of known ranks, in the block; the shared `a` of a fused module once.
static int alloc_pairs(struct model *m, struct err *e)
{
    size_t n = 0;
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS; i++) {
            const struct tensor *t = model_tensor(m, linears[i], layer);
            struct lora_pair *pair = &m->lora_pairs[layer * N_LAYER_TENSORS + (int)linears[i]];
            const size_t rank = (size_t)pair->rank;
            if (!rank)
                continue;
            pair->in = t->cols;
            pair->out = t->rows;
            if (names_row(m->arch.family, linears[i])->part > 0) {
                pair->a = m->lora_pairs[layer * N_LAYER_TENSORS + (int)T_Q_W].a;
            } else {
                pair->a = n;
                n += rank * (size_t)t->cols;
            }
            pair->b = n;
            n += rank * (size_t)t->rows;
        }
    m->n_lora_floats = n;
    m->lora_weights = m->ops->alloc(m->backend, n * sizeof(float), "the adapter", e);
    return m->lora_weights ? 0 : ERR_LIMIT;
}

int model_add_lora(struct model *m, int rank, float alpha, const char *targets, uint64_t seed, struct err *e)
{
    unsigned kinds;
    if (m->lora_weights)
        return err_set(e, ERR_STATE, "the model has an adapter already: merge it first (attune export)");
    int code = lora_read_targets(&m->arch, targets, &kinds, e);
    if (code)
        return code;
    m->lora = (struct lora_config){rank, alpha, kinds};
    make_pairs(m);
    code = alloc_pairs(m, e);
    if (code)
        return code;
    float *host = mem_alloc(m->n_lora_floats, sizeof *host);
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS; i++) {
            const struct lora_pair *pair = model_lora(m, linears[i], layer);
            if (!pair || names_row(m->arch.family, linears[i])->part > 0)
                continue;
            // Kaiming-uniform with a = sqrt(5), as PEFT: U(-1/sqrt(in), 1/sqrt(in)); b stays zero.
            struct rng r = rng_make(seed, RNG_LORA, (uint32_t)(layer * N_LAYER_TENSORS + (int)linears[i]));
            double bound = 1 / sqrt(pair->in);
            for (size_t j = 0; j < (size_t)rank * (size_t)pair->in; j++)
                host[pair->a + j] = (float)((2 * rng_uniform(&r) - 1) * bound);
        }
    m->ops->upload(m->backend, m->lora_weights, host, m->n_lora_floats * sizeof *host);
    free(host);
    model_adapter_changed(m);
    return m->ops->sync(m->backend, e);
}

// w(out, in) += factor * b(out, rank) a(rank, in)
void lora_add_product(const struct model *m, const struct tensor *t, float *w)
{
    const struct lora_pair *pair = model_lora(m, t->kind, t->layer);
    if (pair)
        m->ops->linear_dx(m->backend, w, m->lora_weights + pair->b, stored_f32(m->lora_weights + pair->a), pair->out,
                          pair->in, pair->rank, pair->factor, 1);
}

int model_merge_lora(struct model *m, struct err *e)
{
    if (!m->lora_weights)
        return 0;
    BUG_IF(m->frozen);
    for (int i = 0; i < m->n_tensors; i++)
        lora_add_product(m, &m->tensors[i], m->weights + m->tensors[i].offset);
    model_weights_changed(m);
    int code = m->ops->sync(m->backend, e);
    m->ops->free(m->backend, m->lora_weights);
    m->ops->free(m->backend, m->lora_grads);
    free(m->lora_pairs);
    json_decref(m->lora_file);
    m->lora_file = NULL;
    m->lora_weights = m->lora_grads = NULL;
    m->lora_pairs = NULL;
    m->n_lora_floats = 0;
    m->lora = (struct lora_config){0};
    return code;
}

// ---- PEFT's files ----

// "model.layers.0.self_attn.q_proj"
static void full_module(const struct model *m, enum tensor_kind kind, int layer, struct str *out)
{
    struct str plain = {0};
    names_full(m->arch.family, names_row(m->arch.family, kind), layer, false, &plain);
    str_clear(out);
    str_addn(out, plain.data, plain.len - strlen(".weight"));
    str_fini(&plain);
}

// "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
static void peft_name(const struct model *m, enum tensor_kind kind, int layer, char which, struct str *out)
{
    struct str module = {0};
    full_module(m, kind, layer, &module);
    str_clear(out);
    str_addf(out, "base_model.model.%s.lora_%c.weight", str_text(&module), which);
    str_fini(&module);
}

struct entry {
    char *name;
    size_t offset;
    int rows, cols;
    bool is_score;
};

// What the file holds, in order; heap. A fused module is one `b` of three parts.
static int list_entries(const struct model *m, struct entry **out)
{
    struct entry *list = mem_alloc((size_t)m->arch.n_layers * N_LINEARS * 2 + 1, sizeof *list);
    int n = 0;
    struct str name = {0};
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS; i++) {
            const struct lora_pair *pair = model_lora(m, linears[i], layer);
            if (!pair)
                continue;
            int part = names_row(m->arch.family, linears[i])->part;
            if (part > 0)
                continue;
            peft_name(m, linears[i], layer, 'A', &name);
            list[n++] = (struct entry){mem_strdup(str_text(&name)), pair->a, pair->rank, pair->in, false};
            peft_name(m, linears[i], layer, 'B', &name);
            list[n++] = (struct entry){mem_strdup(str_text(&name)), pair->b, part == 0 ? 3 * pair->out : pair->out,
                                       pair->rank, false};
        }
    const struct tensor *score = model_tensor(m, T_SCORE_W, 0);
    if (score)
        list[n++] = (struct entry){mem_strdup("base_model.model.score.weight"), score->offset, 1, score->cols, true};
    str_fini(&name);
    *out = list;
    return n;
}

static void free_entries(struct entry *list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i].name);
    free(list);
}

static int upload(struct model *m, const struct adapter *a, const struct st_tensor *t, float *to, struct err *e)
{
    float *values = mem_try_alloc(t->n_elements, sizeof *values, "a matrix of the adapter", e);
    int code = values ? st_check_finite(a->file, t, e) : ERR_LIMIT;
    if (!code)
        code = st_to_f32(a->file, t, values, e);
    if (!code)
        m->ops->upload(m->backend, to, values, t->n_elements * sizeof *values);
    free(values);
    return code;
}

// The ranks and factors of one module, which may be three linears of ours.
static int plan_module(struct model *m, const struct adapter *a, enum tensor_kind kind, int layer, struct err *e)
{
    const struct tensor *t = model_tensor(m, kind, layer);
    const int n_parts = names_row(m->arch.family, kind)->part == 0 ? 3 : 1;
    struct adapter_pair pair;
    struct str module = {0};
    full_module(m, kind, layer, &module);
    int code = adapter_find(a, str_text(&module), &pair, e);
    const bool wanted = adapter_targets(a, str_text(&module));
    if (!code && pair.a && !wanted)
        code = err_set(e, ERR_INPUT,
                       "%s holds matrices of \"%s\", which \"target_modules\" of adapter_config.json does not name",
                       a->file->path, str_text(&module));
    if (!code && !pair.a && wanted && json_is_array(json_object_get(a->config, "target_modules")) && a->everywhere)
        code = err_set(e, ERR_INPUT,
                       "%s holds no tensor \"base_model.model.%s.lora_A.weight\", which adapter_config.json asks for",
                       a->file->path, str_text(&module));
    if (!code && pair.a && (pair.a->dims[1] != t->cols || pair.b->dims[0] != (int64_t)t->rows * n_parts))
        code = err_set(e, ERR_INPUT, "%s: the matrices of \"%s\" do not fit the base's (%d, %d)", a->file->path,
                       str_text(&module), t->rows * n_parts, t->cols);
    for (int part = 0; !code && pair.a && part < n_parts; part++) { // T_Q_W, T_K_W, T_V_W stand two apart
        m->lora_pairs[layer * N_LAYER_TENSORS + (int)kind + 2 * part] =
            (struct lora_pair){.rank = pair.rank, .factor = (float)pair.factor};
        m->lora.targets |= 1u << ((int)kind + 2 * part);
    }
    if (!code && pair.a && pair.rank > m->lora.rank)
        m->lora.rank = pair.rank;
    str_fini(&module);
    return code;
}

static int load_module(struct model *m, const struct adapter *a, enum tensor_kind kind, int layer, struct err *e)
{
    const struct lora_pair *pair = model_lora(m, kind, layer);
    struct adapter_pair found;
    struct str module = {0};
    full_module(m, kind, layer, &module);
    int code = adapter_find(a, str_text(&module), &found, e);
    if (!code)
        code = upload(m, a, found.a, m->lora_weights + pair->a, e);
    if (!code) // the three b of a fused module stand one after the other
        code = upload(m, a, found.b, m->lora_weights + pair->b, e);
    str_fini(&module);
    return code;
}

// The score head of the adapter in place of the base's.
static int load_score(struct model *m, const struct adapter *a, struct err *e)
{
    const struct st_tensor *t = adapter_score(a);
    const struct tensor *score = model_tensor(m, T_SCORE_W, 0);
    if (!t || !score) // nobody asked for it
        return 0;
    if (t->n_dims != 2 || t->dims[0] != 1 || t->dims[1] != score->cols)
        return err_set(e, ERR_INPUT, "%s: tensor \"%s\" does not have the shape (1, %d)", a->file->path, t->name,
                       score->cols);
    return upload(m, a, t, m->weights + score->offset, e);
}

int lora_load(struct model *m, const struct adapter *a, struct err *e)
{
    int code = 0;
    m->lora = (struct lora_config){.alpha = (float)a->alpha};
    m->lora_pairs = mem_alloc((size_t)m->arch.n_layers * N_LAYER_TENSORS, sizeof *m->lora_pairs);
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS && !code; i++)
            if (model_tensor(m, linears[i], layer) && names_row(m->arch.family, linears[i])->part <= 0)
                code = plan_module(m, a, linears[i], layer, e);
    if (!code)
        code = load_score(m, a, e);
    if (!code)
        code = adapter_all_used(a, e);
    if (!code && !m->lora.rank)
        code = err_set(e, ERR_INPUT, "%s holds no matrices of an adapter", a->file->path);
    if (!code)
        code = alloc_pairs(m, e);
    for (int layer = 0; layer < m->arch.n_layers; layer++)
        for (int i = 0; i < N_LINEARS && !code; i++)
            if (model_lora(m, linears[i], layer) && names_row(m->arch.family, linears[i])->part <= 0)
                code = load_module(m, a, linears[i], layer, e);
    if (code)
        return code;
    m->lora_file = json_deep_copy(a->config);
    m->scores_tokens = m->scores_tokens || a->scores_tokens;
    model_adapter_changed(m);
    return m->ops->sync(m->backend, e);
}

// An adapter that answered may go on as a reward model's, and the other way round.
static json_t *score_as_now(const struct model *m, json_t *config)
{
    const bool scores = model_tensor(m, T_SCORE_W, 0) != NULL;
    if (scores == (json_array_size(json_object_get(config, "modules_to_save")) > 0))
        return config;
    json_object_set_new(config, "task_type",
                        json_string(!scores ? "CAUSAL_LM" : m->scores_tokens ? "TOKEN_CLS" : "SEQ_CLS"));
    json_object_set_new(config, "modules_to_save", scores ? json_pack("[s]", "score") : json_null());
    return config;
}

static json_t *adapter_config(const struct model *m)
{
    const char *base = m->base_dir ? m->base_dir : m->dir ? m->dir : "";
    if (m->lora_file) { // with its ranks and patterns
        json_t *same = json_deep_copy(m->lora_file);
        json_object_set_new(same, "base_model_name_or_path", json_string(base));
        return score_as_now(m, same);
    }
    json_t *modules = json_array();
    char last[64] = "";
    for (int i = 0; i < N_LINEARS; i++) {
        char module[64];
        if (!(m->lora.targets & 1u << linears[i]))
            continue;
        module_name(&m->arch, linears[i], module, sizeof module);
        if (strcmp(module, last) != 0)
            json_array_append_new(modules, json_string(module));
        text_copy(last, sizeof last, module);
    }
    bool score = model_tensor(m, T_SCORE_W, 0) != NULL;
    json_t *config = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:s, s:b, s:b, s:o}", "peft_type", "LORA", "task_type",
                               !score ? "CAUSAL_LM" : m->scores_tokens ? "TOKEN_CLS" : "SEQ_CLS",
                               "base_model_name_or_path", base, "r", m->lora.rank,
                               "lora_alpha", (double)m->lora.alpha, "lora_dropout", 0.0, "bias", "none", "fan_in_fan_out",
                               m->arch.family == ARCH_GPT2, "inference_mode", 1, "target_modules", modules);
    if (score)
        json_object_set_new(config, "modules_to_save", json_pack("[s]", "score"));
    return config;
}

int lora_save(const struct model *m, const char *dir, struct err *e)
{
    struct entry *entries;
    int n = list_entries(m, &entries);
    struct st_spec *specs = mem_alloc((size_t)n, sizeof *specs);
    for (int i = 0; i < n; i++)
        specs[i] = (struct st_spec){entries[i].name, ST_F32, 2, {entries[i].rows, entries[i].cols}};
    char *path = path_join(dir, "adapter_model.safetensors");
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    if (dtype_is_quantized(m->base_type)) // whoever loads it here gets the base that it was trained on; others step over it
        json_object_set_new(metadata, ADAPTER_BASE_PRECISION, json_string(quantized_name(m->base_type)));
    struct st_writer *w = NULL;
    int code = st_writer_open(&w, path, specs, (size_t)n, metadata, e);
    for (int i = 0; i < n && !code; i++) {
        size_t count = (size_t)entries[i].rows * (size_t)entries[i].cols;
        float *values = mem_alloc(count, sizeof *values);
        m->ops->download(m->backend, values, (entries[i].is_score ? m->weights : m->lora_weights) + entries[i].offset,
                         count * sizeof *values);
        code = st_writer_add_f32(w, values, count, ST_F32, e);
        free(values);
    }
    if (!code)
        code = st_writer_commit(w, e);
    else
        st_writer_abort(w);
    json_decref(metadata);
    free(path);
    free(specs);
    free_entries(entries, n);
    if (code)
        return code;
    path = path_join(dir, "adapter_config.json");
    json_t *config = adapter_config(m);
    code = json_write(path, config, e);
    json_decref(config);
    free(path);
    return code;
}
