// Loading a Hugging Face folder: every tensor of our table must be found with the right shape, and every tensor
// of the files must be known; what would be ignored silently could change what the model computes.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/members.h"
#include "base/sha256.h"
#include "model/model_parts.h"
#include "model/names.h"

enum { MAX_JSON = 256 << 20, MAX_SHARDS = 4096 };

// ---- shards ----

// Of "__metadata__" one member says how matrices are stored; the rest is anybody's.
static int check_layout(const struct st_file *f, struct err *e)
{
    static const struct member_row members[] = {{"format", MEMBER_NEUTRAL, "pt np mlx"}, {0}};
    static const struct member_row *const tables[] = {members, NULL};
    return members_check(f->metadata, tables, f->path, NULL, e);
}

static int open_one(struct shards *s, const char *dir, const char *name, struct err *e)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(path_base(s->files[i]->path), name) == 0)
            return 0;
    if (s->n == MAX_SHARDS)
        return err_set(e, ERR_LIMIT, "%s has more than %d weight files", dir, MAX_SHARDS);
    if (strchr(name, '/'))
        return err_set(e, ERR_INPUT, "the weight index of %s names \"%.200s\", which is not in that folder", dir, name);
    char *path = path_join(dir, name);
    s->files = mem_realloc(s->files, (size_t)s->n + 1, sizeof *s->files);
    int code = st_open(&s->files[s->n], path, e);
    if (!code)
        code = check_layout(s->files[s->n++], e);
    free(path);
    return code;
}

static int open_indexed(struct shards *s, const char *dir, const char *index, struct notes *notes, struct err *e)
{
    static const struct member_row members[] = {{"weight_map", MEMBER_USED, NULL}, {"metadata", MEMBER_HARMLESS, NULL}, {0}};
    static const struct member_row *const tables[] = {members, NULL};
    json_t *json;
    int code = json_read(index, MAX_JSON, &json, e);
    if (code)
        return code;
    const json_t *map = json_object_get(json, "weight_map");
    const char *key;
    json_t *value;
    code = members_check(json, tables, index, notes, e);
    if (!code && !json_is_object(map))
        code = err_set(e, ERR_INPUT, "%s has no \"weight_map\" object", index);
    else if (!code)
        json_object_foreach((json_t *)map, key, value) {
            code = json_is_string(value) ? open_one(s, dir, json_string_value(value), e)
                                         : err_set(e, ERR_INPUT, "%s: the file of \"%.200s\" is not a text", index, key);
            if (code)
                break;
        }
    if (!code)
        s->map = json_incref((json_t *)map);
    json_decref(json);
    return code;
}

int weight_shards_open(struct shards *s, const char *dir, struct notes *notes, struct err *e)
{
    *s = (struct shards){0};
    char *index = path_join(dir, "model.safetensors.index.json"), *single = path_join(dir, "model.safetensors");
    char *pickled = path_join(dir, "pytorch_model.bin");
    int code;
    if (file_exists(single))
        code = open_one(s, dir, "model.safetensors", e);
    else if (file_exists(index))
        code = open_indexed(s, dir, index, notes, e);
    else if (file_exists(pickled))
        code = err_set(e, ERR_UNSUPPORTED,
                       "%s has its weights in pytorch_model.bin, which can run code when it is read; convert it to "
                       "model.safetensors (save_pretrained does)", dir);
    else
        code = err_set(e, ERR_NOT_FOUND, "%s has no model.safetensors and no model.safetensors.index.json", dir);
    free(index);
    free(single);
    free(pickled);
    if (code)
        weight_shards_close(s);
    return code;
}

void weight_shards_close(struct shards *s)
{
    for (int i = 0; i < s->n; i++)
        st_close(s->files[i]);
    free(s->files);
    json_decref(s->map);
    *s = (struct shards){0};
}

const struct st_tensor *weight_shards_find(const struct shards *s, const char *name, const struct st_file **file)
{
    const char *only = json_string_value(json_object_get(s->map, name));
    for (int i = 0; i < s->n; i++) {
        const struct st_tensor *t =
            only && strcmp(path_base(s->files[i]->path), only) != 0 ? NULL : st_find(s->files[i], name);
        if (t) {
            *file = s->files[i];
            return t;
        }
    }
    return NULL;
}

int weight_shards_own_head(const struct shards *s, enum arch_family family, bool *own, struct err *e)
{
    const struct st_file *head_file, *embed_file;
    const struct st_tensor *head = weight_shards_find(s, "lm_head.weight", &head_file), *embed = NULL;
    struct str name = {0};
    for (int bare = 0; bare < 2 && !embed; bare++) {
        names_full(family, names_row(family, T_TOKEN_EMBED), -1, bare, &name);
        embed = weight_shards_find(s, str_text(&name), &embed_file);
    }
    str_fini(&name);
    *own = false;
    if (!head || !embed)
        return 0;
    *own = true;
    if (head->n_elements != embed->n_elements)
        return 0; // whoever loads it says which shape is wrong
    if (head->dtype == embed->dtype) {
        *own = memcmp(head->bytes, embed->bytes, head->n_bytes) != 0;
        return 0;
    }
    const size_t n = head->n_elements;
    float *values = mem_try_alloc(2 * n, sizeof *values, "a head and an embedding to compare", e);
    int code = values ? st_to_f32(head_file, head, values, e) : ERR_LIMIT;
    if (!code)
        code = st_to_f32(embed_file, embed, values + n, e);
    if (!code)
        *own = memcmp(values, values + n, n * sizeof *values) != 0;
    free(values);
    return code;
}

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
        return err_set(e, ERR_UNSUPPORTED, "%s: \"score.weight\" has %lld rows: the model tells %lld classes apart; a reward model "
                       "has one number for an answer (num_labels 1)", f->path, (long long)t->dims[0], (long long)t->dims[0]);
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

static int load_tensor(struct model *m, const struct shards *s, const struct tensor *t, struct err *e)
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
            return err_set(e, ERR_INPUT, "config.json says that the model is a %.60s, but the weights hold no \"score.weight\"", is);
        forget_padding(m);
        return 0; // a model without a reward head gets one that is zero
    }
    if (!found)
        code = err_set(e, ERR_INPUT, "the weights hold no tensor \"%s\", which config.json asks for", str_text(&name));
    str_fini(&name);
    if (!code)
        code = check_shape(file, found, t, row, e);
    if (code)
        return code;
    size_t n = (size_t)t->rows * (size_t)t->cols;
    float *raw = mem_try_alloc(found->n_elements + n, sizeof *raw, "a tensor that is loaded", e);
    if (!raw)
        return ERR_LIMIT;
    code = st_to_f32(file, found, raw, e);
    if (!code)
        code = st_check_finite(file->path, found, raw, e);
    if (!code) {
        float *arranged = raw;
        if (row->transposed || row->part >= 0) {
            arranged = raw + found->n_elements;
            arrange(arranged, raw, t, row);
        }
        for (size_t i = 0; m->arch.norm_plus_one && tensor_is_norm(t->kind) && i < n; i++)
            arranged[i] += 1;
        m->ops->upload(m->backend, m->weights + t->offset, arranged, n * sizeof *raw);
    }
    free(raw);
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

// What the model computes depends on its config as much as on its weights (rotary base, norm's epsilon; rank and
// alpha of an adapter): both are hashed.
static void hash_json(struct sha256 *hash, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text)
        sha256_add(hash, text, strlen(text) + 1);
    free(text);
}

static void hash_base(struct model *m, const struct shards *s, const json_t *config)
{
    struct sha256 hash;
    sha256_init(&hash);
    for (int i = 0; i < s->n; i++)
        sha256_add(&hash, s->files[i]->map, s->files[i]->map_bytes);
    hash_json(&hash, config);
    sha256_hex(&hash, m->hash);
}

// The base's hash becomes that of the base under this adapter.
static int hash_adapter(struct model *m, const char *dir, const json_t *adapter, struct err *e)
{
    char *path = path_join(dir, "adapter_model.safetensors"), weights[65];
    struct sha256 hash;
    int code = sha256_file(path, weights, e);
    free(path);
    if (code)
        return code;
    sha256_init(&hash);
    sha256_add(&hash, m->hash, 64);
    sha256_add(&hash, weights, 64);
    hash_json(&hash, adapter);
    sha256_hex(&hash, m->hash);
    return 0;
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
                     bool with_score, struct err *e)
{
    char *path = path_join(dir, "config.json");
    json_t *config = NULL;
    struct model *m = NULL;
    struct shards s = {0};
    struct notes notes = {0};
    enum head head = HEAD_AS_SAID;
    int code = json_read(path, MAX_JSON, &config, e);
    if (!code)
        code = weight_shards_open(&s, dir, &notes, e); // before memory is taken for a model whose weights are not there
    if (!code)
        code = find_head(config, &s, path, &head, e);
    if (!code && head == HEAD_MISSING && !with_score)
        code = err_set(e, ERR_UNSUPPORTED, "it is a reward model (%s) without a language model's head: it can score answers, but "
                       "neither write nor be tuned as a policy", made_for(config));
    if (!code)
        code = model_alloc(&m, config, path, ops, backend, with_score, e);
    if (!code && head == HEAD_MISSING) // and so it is saved
        json_object_set_new(m->config, "tie_word_embeddings", json_false());
    if (!code && head == HEAD_OF_ITS_OWN)
        notes_add(&m->notes, "%s says that the head is the token embedding (tie_word_embeddings), but the weights hold another "
                  "head: it is used, as transformers does", path);
    if (!code)
        code = check_all_known(m, &s, e);
    for (int i = 0; !code && i < m->n_tensors; i++)
        code = load_tensor(m, &s, &m->tensors[i], e);
    if (!code) {
        hash_base(m, &s, config);
        find_padding(m);
        m->dir = mem_strdup(dir);
        m->tokenizer_dir = mem_strdup(dir);
        ops->weights_changed(backend);
        code = ops->sync(backend, e);
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

int model_load(struct model **out, const char *dir, const struct backend_ops *ops, struct backend *backend,
               bool with_score, struct err *e)
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
    if (!code)
        code = load_base(&m, base ? base : dir, ops, backend, with_score, e);
    if (!code && adapts) {
        notes_append(&m->notes, &notes);
        code = lora_load(m, &adapter, e);
        if (!code)
            code = hash_adapter(m, dir, adapter.config, e);
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
