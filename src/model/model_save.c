// Saving: the names and layouts of the family, every tensor in the model's order, config.json with what changed, the
// tokenizer's files beside. A folder is written as DIR.tmp and renamed, so that it is there whole or not at all.
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/model_parts.h"
#include "model/names.h"

enum { MAX_TOKENIZER_FILE = 512 << 20 };

// A tensor of the file: one of ours, or (GPT-2) q, k and v put together.
struct saved {
    char *name;
    const struct tensor *t;
    const struct name_row *row;
};

static int list_saved(const struct model *m, struct saved **out)
{
    struct saved *list = mem_alloc((size_t)m->n_tensors, sizeof *list);
    int n = 0;
    struct str name = {0};
    for (int i = 0; i < m->n_tensors; i++) {
        const struct name_row *row = names_row(m->arch.family, m->tensors[i].kind);
        if (row->part > 0)
            continue; // goes with part 0
        names_full(m->arch.family, row, m->tensors[i].layer, false, &name);
        list[n++] = (struct saved){mem_strdup(str_text(&name)), &m->tensors[i], row};
    }
    str_fini(&name);
    *out = list;
    return n;
}

static struct st_spec spec_of(const struct saved *s, enum st_dtype dtype)
{
    int64_t rows = s->t->rows, cols = s->t->cols, parts = s->row->part == 0 ? 3 : 1;
    if (rows == 1 && s->t->kind != T_SCORE_W)
        return (struct st_spec){s->name, dtype, 1, {cols * parts}};
    if (s->row->transposed)
        return (struct st_spec){s->name, dtype, 2, {cols, rows * parts}};
    return (struct st_spec){s->name, dtype, 2, {rows, cols}};
}

// A tensor as f32, with the adapter's share of it when that is merged.
static int read_tensor(const struct model *m, const struct tensor *t, bool merged, float *host, struct err *e)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    if (!merged || !model_lora(m, t->kind, t->layer))
        return model_read(m, t, 0, t->rows, host, e);
    float *w = m->ops->alloc(m->backend, n * sizeof *w, "a tensor that is merged", e);
    if (!w)
        return ERR_LIMIT;
    m->ops->convert(m->backend, w, DTYPE_F32, tensor_exact(m, t), n);
    lora_add_product(m, t, w);
    m->ops->download(m->backend, host, w, n * sizeof *host);
    m->ops->free(m->backend, w);
    return m->ops->sync(m->backend, e);
}

// The values of a tensor in the file's layout; heap, *n of them. NULL with *e.
static float *values_of(const struct model *m, const struct saved *s, bool merged, size_t *n, struct err *e)
{
    size_t rows = (size_t)s->t->rows, cols = (size_t)s->t->cols, each = rows * cols;
    const size_t parts = s->row->part == 0 ? 3 : 1;
    const bool as_it_is = parts == 1 && !s->row->transposed; // the largest ones are: no second place for them
    *n = each * parts;
    float *out = mem_alloc(*n, sizeof *out), *one = as_it_is ? out : mem_alloc(each, sizeof *one);
    for (size_t part = 0; part < parts; part++) {
        enum tensor_kind kind = s->t->kind + (enum tensor_kind)(2 * part); // T_Q_W, T_K_W, T_V_W: weight, bias, weight, ...
        if (read_tensor(m, model_tensor(m, kind, s->t->layer), merged, one, e)) {
            if (!as_it_is)
                free(one);
            free(out);
            return NULL;
        }
        if (as_it_is)
            break;
        if (rows == 1)
            memcpy(out + part * cols, one, each * sizeof *one);
        else if (!s->row->transposed)
            memcpy(out, one, each * sizeof *one);
        else
            for (size_t o = 0; o < rows; o++)
                for (size_t i = 0; i < cols; i++)
                    out[i * rows * parts + part * rows + o] = one[o * cols + i];
    }
    for (size_t i = 0; m->arch.norm_plus_one && tensor_is_norm(s->t->kind) && i < *n; i++)
        out[i] -= 1;
    if (!as_it_is)
        free(one);
    return out;
}
_Static_assert(T_K_W == T_Q_W + 2 && T_V_W == T_Q_W + 4 && T_K_B == T_Q_B + 2 && T_V_B == T_Q_B + 4,
               "values_of walks q, k, v in steps of two");

static int save_weights(const struct model *m, const char *dir, enum st_dtype dtype, bool merged, struct err *e)
{
    struct saved *list;
    int n = list_saved(m, &list);
    struct st_spec *specs = mem_alloc((size_t)n, sizeof *specs);
    for (int i = 0; i < n; i++)
        specs[i] = spec_of(&list[i], dtype);
    char *path = path_join(dir, "model.safetensors");
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    struct st_writer *w = NULL;
    int code = st_writer_open(&w, path, specs, (size_t)n, metadata, e);
    for (int i = 0; i < n && !code; i++) {
        size_t count;
        float *values = values_of(m, &list[i], merged, &count, e);
        code = values ? st_writer_add_f32(w, values, count, dtype, e) : e ? e->code : ERR_LIMIT;
        free(values);
    }
    if (!code)
        code = st_writer_commit(w, e);
    else
        st_writer_abort(w);
    json_decref(metadata);
    free(path);
    free(specs);
    for (int i = 0; i < n; i++)
        free(list[i].name);
    free(list);
    return code;
}

enum purpose { FOR_TEXT, FOR_SCORES, FOR_TOKEN_SCORES };

// "LlamaForCausalLM", "LlamaForSequenceClassification" and "LlamaForTokenClassification".
static const char *architecture_name(enum arch_family family, enum purpose purpose)
{
    static const char *const names[][3] = {
        [ARCH_LLAMA] = {"LlamaForCausalLM", "LlamaForSequenceClassification", "LlamaForTokenClassification"},
        [ARCH_MISTRAL] = {"MistralForCausalLM", "MistralForSequenceClassification", "MistralForTokenClassification"},
        [ARCH_QWEN2] = {"Qwen2ForCausalLM", "Qwen2ForSequenceClassification", "Qwen2ForTokenClassification"},
        [ARCH_QWEN3] = {"Qwen3ForCausalLM", "Qwen3ForSequenceClassification", "Qwen3ForTokenClassification"},
        [ARCH_GEMMA2] = {"Gemma2ForCausalLM", "Gemma2ForSequenceClassification", "Gemma2ForTokenClassification"},
        [ARCH_GEMMA3] = {"Gemma3ForCausalLM", "Gemma3TextForSequenceClassification", "Gemma3TextForTokenClassification"},
        [ARCH_GPT2] = {"GPT2LMHeadModel", "GPT2ForSequenceClassification", "GPT2ForTokenClassification"},
        [ARCH_OPT] = {"OPTForCausalLM", "OPTForSequenceClassification", "OPTForTokenClassification"},
    };
    return names[family][purpose];
}

static int save_config(const struct model *m, const char *dir, enum save_dtype dtype, struct err *e)
{
    static const char *const dtypes[] = {"float32", "bfloat16", "float16"};
    const bool score = model_tensor(m, T_SCORE_W, 0) != NULL;
    const enum purpose purpose = !score ? FOR_TEXT : m->scores_tokens ? FOR_TOKEN_SCORES : FOR_SCORES;
    json_t *config = json_deep_copy(m->config);
    json_object_set_new(config, "torch_dtype", json_string(dtypes[dtype])); // up to transformers 4
    json_object_set_new(config, "dtype", json_string(dtypes[dtype]));       // from 5 on
    json_object_set_new(config, "architectures", json_pack("[s]", architecture_name(m->arch.family, purpose)));
    if (score) {
        json_object_set_new(config, "num_labels", json_integer(1));
        json_object_set_new(config, "id2label", json_pack("{s:s}", "0", "LABEL_0"));
        json_object_set_new(config, "label2id", json_pack("{s:i}", "LABEL_0", 0));
    }
    char *path = path_join(dir, "config.json");
    int code = json_write(path, config, e);
    free(path);
    json_decref(config);
    return code;
}

static int copy_file(const char *from_dir, const char *to_dir, const char *name, struct err *e)
{
    char *from = path_join(from_dir, name), *to = path_join(to_dir, name), *bytes;
    size_t n;
    int code = 0;
    if (file_exists(from)) {
        code = file_read(from, MAX_TOKENIZER_FILE, &bytes, &n, e);
        if (!code) {
            code = file_write(to, bytes, n, e);
            free(bytes);
        }
    }
    free(from);
    free(to);
    return code;
}

int model_copy_tokenizer(const char *from, const char *dir, struct err *e)
{
    static const char *const names[] = {"tokenizer.json",     "tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json",  "vocab.json",            "merges.txt",
                                        "chat_template.jinja", "generation_config.json", "text_rules.json"};
    int code = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++)
        code = copy_file(from, dir, names[i], e);
    return code;
}

static int fill_folder(const struct model *m, const char *dir, enum save_dtype dtype, bool whole, struct err *e)
{
    static const enum st_dtype st[] = {ST_F32, ST_BF16, ST_F16};
    int code = file_make_dirs(dir, e);
    if (!code && m->lora_weights && !whole) {
        code = lora_save(m, dir, e);
    } else {
        if (!code)
            code = save_weights(m, dir, st[dtype], whole, e);
        if (!code)
            code = save_config(m, dir, dtype, e);
    }
    return code || !m->tokenizer_dir ? code : model_copy_tokenizer(m->tokenizer_dir, dir, e);
}

int model_folder_commit(const char *temporary, const char *dir, struct err *e)
{
    int code = file_sync_dir(temporary, e);
    if (!code)
        code = file_remove_tree(dir, e);
    if (!code && rename(temporary, dir) < 0)
        code = err_errno(e, "cannot move the saved model to %s", dir);
    if (!code) {
        char *parent = path_dir(dir);
        code = file_sync_dir(parent, e);
        free(parent);
    }
    return code;
}

static int save(const struct model *m, const char *dir, enum save_dtype dtype, bool whole, struct err *e)
{
    struct str temporary = {0};
    str_addf(&temporary, "%s.tmp", dir);
    int code = file_remove_tree(str_text(&temporary), e);
    if (!code)
        code = fill_folder(m, str_text(&temporary), dtype, whole, e);
    if (!code)
        code = model_folder_commit(str_text(&temporary), dir, e);
    if (code)
        file_remove_tree(str_text(&temporary), NULL);
    str_fini(&temporary);
    return code;
}

int model_save(const struct model *m, const char *dir, enum save_dtype dtype, struct err *e)
{
    return save(m, dir, dtype, false, e);
}

int model_save_whole(const struct model *m, const char *dir, enum save_dtype dtype, struct err *e)
{
    return save(m, dir, dtype, true, e);
}
