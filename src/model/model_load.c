// Loading a Hugging Face folder: every tensor of our table must be found with the right shape, and every tensor
// of the files must be known; what would be ignored silently could change what the model computes.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/model_parts.h"
#include "model/names.h"
#include "model/quantized.h"
#include "model/st_types.h"

enum { MAX_JSON = 256 << 20 };

// "LlamaForSequenceClassification"; "" when the config does not say it.
static const char *made_for(const json_t *config)
{
    const char *name = json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
    return name ? name : "";
}

// ---- one tensor ----

static const struct st_tensor *find_named(const struct model *m, const struct shards *s, const struct name_row *row,
                                          int layer, const struct st_file **file, struct str *name)
{
    names_full(m->arch.family, row, layer, true, name);
    const struct st_tensor *found = weight_shards_find(s, str_text(name), file);
    if (found)
        return found;
    names_full(m->arch.family, row, layer, false, name);
    found = weight_shards_find(s, str_text(name), file);
    if (!found && row->kind == T_TOKEN_EMBED && m->arch.tied) // one matrix, stored under its other name
        found = weight_shards_find(s, "lm_head.weight", file);
    return found;
}

static int check_shape(const struct st_file *f, const struct st_tensor *t, const struct tensor *want,
                       const struct name_row *row, struct err *e)
{
    int64_t rows = want->rows, cols = want->cols;
    if (row->part >= 0) // a third of the fused one
        *(want->rows == 1 ? &cols : &rows) *= 3;
    bool fits;
    if (want->kind == T_SCORE_W && t->n_dims == 2 && t->dims[0] > 1)
        return err_set(e, ERR_UNSUPPORTED, "%s: \"score.weight\" has %lld rows: the model tells %lld classes apart; a "
                       "reward model has one number for an answer (num_labels 1)", f->path, (long long)t->dims[0],
                       (long long)t->dims[0]);
    if (want->rows == 1 && want->kind != T_SCORE_W)
        fits = t->n_dims == 1 && t->dims[0] == cols;
    else if (row->transposed)
        fits = t->n_dims == 2 && t->dims[0] == cols && t->dims[1] == rows;
    else
        fits = t->n_dims == 2 && t->dims[0] == rows && t->dims[1] == cols;
    if (fits)
        return 0;
    struct str shape = {0};
    for (int i = 0; i < t->n_dims; i++)
        str_addf(&shape, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    int code = err_set(e, ERR_INPUT, "%s: tensor \"%.200s\" has the shape (%s), but config.json asks for (%lld, %lld)%s",
                       f->path, t->name, str_text(&shape), (long long)rows, (long long)cols,
                       row->transposed ? " transposed" : "");
    str_fini(&shape);
    return code;
}

// From the file's layout into (rows, cols).
static void arrange(float *out, const float *in, const struct tensor *t, const struct name_row *row)
{
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols;
    if (t->rows == 1) {
        memcpy(out, in + (row->part > 0 ? (size_t)row->part * cols : 0), cols * sizeof *out);
        return;
    }
    if (!row->transposed) {
        memcpy(out, in, rows * cols * sizeof *out);
        return;
    }
    size_t width = row->part >= 0 ? 3 * rows : rows, start = row->part > 0 ? (size_t)row->part * rows : 0;
    for (size_t i = 0; i < cols; i++)
        for (size_t o = 0; o < rows; o++)
            out[o * cols + i] = in[i * width + start + o];
}

// A new reward model reads the end token: where the base pads with it, transformers would read the one before.
static void forget_padding(struct model *m)
{
    const json_t *pad = json_object_get(m->config, "pad_token_id");
    for (int i = 0; i < m->arch.n_eos; i++)
        if (json_is_integer(pad) && json_integer_value(pad) == m->arch.eos_ids[i]) {
            json_object_set_new(m->config, "pad_token_id", json_null());
            return;
        }
}

// transformers' classifiers of whole sequences read the last token that is not padding, wherever it is.
static void find_padding(struct model *m)
{
    const json_t *pad = json_object_get(m->config, "pad_token_id");
    if (model_tensor(m, T_SCORE_W, 0) && !m->scores_tokens && json_is_integer(pad) && json_integer_value(pad) >= 0 &&
        json_integer_value(pad) < m->arch.vocab_size)
        m->pad_id = (int)json_integer_value(pad);
}

// The numbers of a tensor of the file as f32 in our layout: heap, NULL with *e.
static float *arranged_f32(const struct model *m, const struct tensor *t, const struct name_row *row,
                           const struct st_file *file, const struct st_tensor *found, struct err *e)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    const bool as_it_is = !row->transposed && row->part < 0;
    float *raw = mem_try_alloc(found->n_elements, sizeof *raw, "a tensor that is loaded", e), *out = raw;
    if (!raw || st_to_f32(file, found, raw, e))
        goto failed;
    if (!as_it_is) {
        if (!(out = mem_try_alloc(n, sizeof *out, "a tensor that is loaded", e)))
            goto failed;
        arrange(out, raw, t, row);
        free(raw);
    }
    for (size_t i = 0; m->arch.norm_plus_one && tensor_is_norm(t->kind) && i < n; i++)
        out[i] += 1;
    return out;
failed:
    free(raw);
    return NULL;
}

// The quantized matrix of a frozen model. The pages of the file that were read for it are given back.
static int place_quantized(struct model *m, struct tensor *t, const struct name_row *row, const struct st_file *file,
                           const struct st_tensor *found, struct err *e)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols, bytes = quantized_bytes(m->base_type, n);
    float *values = arranged_f32(m, t, row, file, found, e);
    char *room = values ? mem_try_alloc(bytes, 1, "a weight that is quantized", e) : NULL;
    if (room && (t->own = m->ops->alloc(m->backend, bytes, "a quantized weight", e))) {
        quantize(room, m->base_type, values, n);
        m->ops->upload(m->backend, t->own, room, bytes);
        t->as = (struct stored){t->own, m->base_type, NULL};
    }
    free(values);
    free(room);
    st_forget_pages(file, found);
    return t->own ? 0 : ERR_LIMIT;
}

// What is left of a matrix that is quantized, where it is to be changed.
static int quantize_in_place(float *values, enum dtype type, size_t n, struct err *e)
{
    char *room = mem_try_alloc(quantized_bytes(type, n), 1, "a weight that is quantized", e);
    if (!room)
        return ERR_LIMIT;
    quantize(room, type, values, n);
    dequantize(values, room, type, 0, n);
    free(room);
    return 0;
}

// A matrix of a frozen model: in the file where it may stay there, else in memory of its own, in the file's type or in the
// one that the backend multiplies.
static int place_frozen(struct model *m, struct tensor *t, const struct name_row *row, const struct st_file *file,
                        const struct st_tensor *found, struct err *e)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    const enum dtype wanted = m->ops->weights_type(m->backend);
    const enum dtype have = found->dtype == ST_BF16 ? DTYPE_BF16 : found->dtype == ST_F16 ? DTYPE_F16 : DTYPE_F32;
    const bool as_it_is = !row->transposed && row->part < 0 && found->dtype != ST_F64;
    const bool fits = have == DTYPE_BF16 || wanted == DTYPE_F32;
    if (as_it_is && fits && (uintptr_t)found->bytes % dtype_bytes(have) == 0) {
        const void *at = m->ops->map(m->backend, found->bytes, found->n_bytes);
        t->as = (struct stored){at, have, NULL};
        if (at)
            return 0;
        if (!(t->own = m->ops->alloc(m->backend, found->n_bytes, "a weight", e)))
            return ERR_LIMIT;
        m->ops->upload(m->backend, t->own, found->bytes, found->n_bytes);
        t->as = (struct stored){t->own, have, NULL};
        return 0;
    }
    const enum dtype type = have == DTYPE_BF16 || wanted == DTYPE_BF16 ? DTYPE_BF16 : DTYPE_F32;
    float *values = arranged_f32(m, t, row, file, found, e);
    if (!values || !(t->own = m->ops->alloc(m->backend, n * dtype_bytes(type), "a weight", e))) {
        free(values);
        return ERR_LIMIT;
    }
    uint16_t *halves = (uint16_t *)(void *)values; // each is read before its place is written
    for (size_t i = 0; type == DTYPE_BF16 && i < n; i++)
        halves[i] = bf16_from_f32(values[i]);
    m->ops->upload(m->backend, t->own, values, n * dtype_bytes(type));
    t->as = (struct stored){t->own, type, NULL};
    free(values);
    return 0;
}

static int load_tensor(struct model *m, const struct shards *s, struct tensor *t, unsigned how, struct err *e)
{
    const struct name_row *row = names_row(m->arch.family, t->kind);
    const struct st_file *file = NULL;
    struct str name = {0};
    const struct st_tensor *found = find_named(m, s, row, t->layer, &file, &name);
    int code = 0;
    if (!found && t->kind == T_SCORE_W) {
        const char *is = made_for(m->config);
        str_fini(&name);
        if (text_ends(is, "Classification")) // it should have one, and zeros would score everything alike
            return err_set(e, ERR_INPUT,
                           "config.json says that the model is a %.60s, but the weights hold no \"score.weight\"", is);
        forget_padding(m);
        return 0; // a model without a reward head gets one that is zero
    }
    if (!found)
        code = err_set(e, ERR_INPUT, "the weights hold no tensor \"%s\", which config.json asks for", str_text(&name));
    str_fini(&name);
    if (!code)
        code = check_shape(file, found, t, row, e);
    if (code || how & LOAD_HEADERS)
        return code;
    if ((code = st_check_finite(file, found, e)))
        return code;
    const bool is_quantized = dtype_is_quantized(m->base_type) && tensor_is_linear(t->kind);
    if (!tensor_in_block(m, t))
        return is_quantized ? place_quantized(m, t, row, file, found, e) : place_frozen(m, t, row, file, found, e);
    float *values = arranged_f32(m, t, row, file, found, e);
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    if (!values)
        return e ? e->code : ERR_LIMIT;
    if (is_quantized)
        code = quantize_in_place(values, m->base_type, n, e);
    if (!code)
        m->ops->upload(m->backend, m->weights + t->offset, values, n * sizeof *values);
    free(values);
    return code;
}

// ---- nothing may be left over ----

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_all_known(const struct model *m, const struct shards *s, struct err *e)
{
    char **known = mem_alloc((size_t)m->n_tensors * 2, sizeof *known);
    size_t n = 0;
    struct str name = {0};
    for (int i = 0; i < m->n_tensors; i++)
        for (int bare = 0; bare < 2; bare++) {
            names_full(m->arch.family, names_row(m->arch.family, m->tensors[i].kind), m->tensors[i].layer, bare, &name);
            known[n++] = mem_strdup(str_text(&name));
        }
    qsort(known, n, sizeof *known, compare_names);
    int code = 0;
    for (int i = 0; i < s->n && !code; i++)
        for (size_t j = 0; j < s->files[i]->n_tensors && !code; j++) {
            const char *held = s->files[i]->tensors[j].name;
            if (!names_is_harmless(held) && !bsearch(&held, known, n, sizeof *known, compare_names))
                code = err_set(e, ERR_UNSUPPORTED,
                               "%s holds the tensor \"%.200s\", which a plain %s model does not have: this variant is not "
                               "supported", s->files[i]->path, held, arch_family_name(m->arch.family));
        }
    for (size_t i = 0; i < n; i++)
        free(known[i]);
    free(known);
    str_fini(&name);
    return code;
}

// ---- folders ----

// What the files say of the head, and the config otherwise.
enum head { HEAD_AS_SAID, HEAD_OF_ITS_OWN, HEAD_MISSING };

// A tied model with a head of its own is an untied one, also when it is saved. A reward model as transformers saves it has
// no head at all: it is loaded as a tied one, whose head nobody may read.
static int find_head(json_t *config, const struct shards *s, const char *where, enum head *head, struct err *e)
{
    struct arch a;
    const struct st_file *file;
    bool own = false;
    int code = arch_from_config(&a, config, where, NULL, e);
    if (!code && a.tied)
        code = weight_shards_own_head(s, a.family, &own, e);
    else if (!code && text_ends(made_for(config), "Classification") && !weight_shards_find(s, "lm_head.weight", &file))
        *head = HEAD_MISSING;
    if (own)
        *head = HEAD_OF_ITS_OWN;
    if (!code && *head != HEAD_AS_SAID)
        json_object_set_new(config, "tie_word_embeddings", json_boolean(*head == HEAD_MISSING));
    return code;
}

static int load_base(struct model **out, const char *dir, const struct backend_ops *ops, struct backend *backend,
                     unsigned how, struct err *e)
{
    char *path = path_join(dir, "config.json");
    json_t *config = NULL;
    struct model *m = NULL;
    struct shards s = {0};
    struct notes notes = {0};
    enum head head = HEAD_AS_SAID;
    struct arch known; // a model that cannot be meant is told of before its weights are asked for
    int code = json_read(path, MAX_JSON, &config, e);
    if (!code)
        code = arch_from_config(&known, config, path, NULL, e);
    if (!code)
        code = weight_shards_open(&s, dir, &notes, e); // before memory is taken for a model whose weights are not there
    if (!code)
        code = find_head(config, &s, path, &head, e);
    if (!code && head == HEAD_MISSING && !(how & LOAD_SCORE))
        code = err_set(e, ERR_UNSUPPORTED, "it is a reward model (%s) without a language model's head: it can score "
                       "answers, but neither write nor be tuned as a policy", made_for(config));
    if (!code)
        code = model_alloc(&m, config, path, ops, backend, how, e);
    if (!code && head == HEAD_MISSING) // and so it is saved
        json_object_set_new(m->config, "tie_word_embeddings", json_false());
    if (!code && head == HEAD_OF_ITS_OWN)
        notes_add(&m->notes, "%s says that the head is the token embedding (tie_word_embeddings), but the weights hold "
                  "another head: it is used, as transformers does", path);
    if (!code)
        code = check_all_known(m, &s, e);
    for (int i = 0; !code && i < m->n_tensors; i++)
        code = load_tensor(m, &s, &m->tensors[i], how, e);
    if (!code) {
        find_padding(m);
        m->dir = mem_strdup(dir);
        m->tokenizer_dir = mem_strdup(dir);
    }
    if (!code && !(how & LOAD_HEADERS)) {
        model_weights_changed(m);
        m->is_of_file = true;
        code = ops->sync(backend, e);
    }
    if (!code && (m->frozen || how & LOAD_HEADERS)) { // matrices may lie there
        m->files = mem_alloc(1, sizeof *m->files);
        *m->files = s;
        s = (struct shards){0};
    }
    if (!code)
        notes_append(&m->notes, &notes);
    notes_fini(&notes);
    weight_shards_close(&s);
    json_decref(config);
    free(path);
    if (code) {
        model_free(m);
        return code;
    }
    *out = m;
    return 0;
}

static bool has_tokenizer(const char *dir)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.json.gz", "merges.txt", "merges.txt.gz"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++) {
        char *path = path_join(dir, names[i]);
        found = file_exists(path);
        free(path);
    }
    return found;
}

char *model_find_tokenizer(const char *dir)
{
    char *base = !has_tokenizer(dir) && adapter_is_folder(dir) ? adapter_base(dir, NULL) : NULL;
    if (base && has_tokenizer(base))
        return base;
    free(base);
    return mem_strdup(dir);
}

const struct st_file *model_file(const struct model *m, int i)
{
    return m->files && i < m->files->n ? m->files->files[i] : NULL;
}

unsigned model_load_as(enum dtype base_type)
{
    return base_type == DTYPE_NF4 ? LOAD_NF4 : base_type == DTYPE_INT8 ? LOAD_INT8 : 0;
}

// Of an adapter that says on which base it was trained, that one.
static int base_as_trained(const struct adapter *a, unsigned *how, struct err *e)
{
    const char *name = adapter_base_precision(a);
    if (!name || *how & (LOAD_INT8 | LOAD_NF4))
        return 0;
    const enum dtype type = quantized_type(name);
    if (!dtype_is_quantized(type))
        return err_set(e, ERR_UNSUPPORTED, "%s was trained on a base whose weights are stored as \"%.40s\" (its metadata says so); "
                       "Attune knows int8 and nf4", a->file->path, name);
    *how |= model_load_as(type);
    return 0;
}

int model_load(struct model **out, const char *dir, const struct backend_ops *ops, struct backend *backend, unsigned how,
               struct err *e)
{
    if (!file_is_dir(dir))
        return err_set(e, ERR_NOT_FOUND, "there is no model folder %s", dir);
    const bool adapts = adapter_is_folder(dir);
    struct adapter adapter = {0};
    struct notes notes = {0};
    char *base = NULL;
    struct model *m = NULL;
    int code = adapts ? adapter_open(&adapter, dir, &notes, e) : 0;
    if (!code && adapts && !(base = adapter_base(dir, e)))
        code = e ? e->code : ERR_NOT_FOUND;
    if (!code && adapts)
        code = base_as_trained(&adapter, &how, e);
    if (!code)
        code = load_base(&m, base ? base : dir, ops, backend, how, e);
    if (!code && adapts) {
        notes_append(&m->notes, &notes);
        if (!(how & LOAD_HEADERS))
            code = lora_load(m, &adapter, e);
        m->base_dir = mem_strdup(base);
        free(m->dir);
        m->dir = mem_strdup(dir);
        free(m->tokenizer_dir);
        m->tokenizer_dir = model_find_tokenizer(dir);
    }
    adapter_close(&adapter);
    notes_fini(&notes);
    free(base);
    if (code) {
        model_free(m);
        return err_prefix(e, "cannot load the model %s: ", dir);
    }
    *out = m;
    return 0;
}

bool model_folder_has_score(const char *dir)
{
    char *path = path_join(dir, "config.json");
    json_t *config = NULL;
    bool found = false;
    if (json_read(path, 1 << 20, &config, NULL) == 0) {
        const char *name = json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
        found = name && (text_ends(name, "ForSequenceClassification") || text_ends(name, "ForTokenClassification"));
        json_decref(config);
    }
    free(path);
    path = path_join(dir, "adapter_config.json");
    if (!found && json_read(path, 1 << 20, &config, NULL) == 0) {
        const char *task = json_string_value(json_object_get(config, "task_type"));
        found = task && (strcmp(task, "SEQ_CLS") == 0 || strcmp(task, "TOKEN_CLS") == 0);
        json_decref(config);
    }
    free(path);
    return found;
}
