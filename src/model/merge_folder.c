#include "config.h"

#include "model/merge_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/merge_source.h"
#include "model/names.h"
#include "model/st_types.h"

// The base's tensors in the order of their names without prefix, so that a tensor's number depends neither on shards
// nor on how the base was saved.
struct base_tensor {
    const struct st_tensor *t;
    const struct st_file *file;
};

struct merge {
    const struct merge_job *job;
    struct arch arch;
    json_t *config;
    struct shards base;
    struct base_tensor *tensors;
    size_t n_tensors, largest;
    struct merge_source sources[MERGE_MAX_INPUTS];
    double *deltas[MERGE_MAX_INPUTS];
    float *values, *scratch; // of the largest tensor
};

// ---- the base ----

static bool is_float(enum st_dtype d)
{
    return d == ST_F32 || d == ST_F16 || d == ST_BF16 || d == ST_F64;
}

static int by_name(const void *a, const void *b)
{
    const struct base_tensor *x = a, *y = b;
    return strcmp(merge_bare_name(x->t->name), merge_bare_name(y->t->name));
}

// Masks and tables of angles stay out of the result, as does a head that is the embedding: nobody reads them.
static bool is_wanted(const struct merge *m, const char *name)
{
    if (strcmp(name, "lm_head.weight") == 0)
        return !m->arch.tied;
    return strcmp(name, "score.weight") == 0 || !names_is_harmless(name);
}

static int open_base(struct merge *m, struct err *e)
{
    const char *dir = m->job->base;
    char *adapter = path_join(dir, "adapter_config.json");
    int code = 0;
    if (!file_is_dir(dir))
        code = err_set(e, ERR_NOT_FOUND, "there is no model folder %s for the base", dir);
    else if (file_exists(adapter))
        code = err_set(e, ERR_USAGE, "the base %s is an adapter: make a whole model of it first (attune export)", dir);
    if (!code)
        code = merge_read_arch(&m->arch, &m->config, dir, e);
    if (!code)
        code = weight_shards_open(&m->base, dir, NULL, e);
    free(adapter);
    size_t cap = 0;
    for (int i = 0; !code && i < m->base.n; i++)
        for (size_t j = 0; j < m->base.files[i]->n_tensors && !code; j++) {
            const struct st_tensor *t = &m->base.files[i]->tensors[j];
            if (!is_wanted(m, t->name))
                continue;
            MEM_GROW(m->tensors, m->n_tensors, cap);
            m->tensors[m->n_tensors++] = (struct base_tensor){t, m->base.files[i]};
            m->largest = t->n_elements > m->largest ? t->n_elements : m->largest;
            if (!is_float(t->dtype))
                code =
                    err_set(e, ERR_UNSUPPORTED, "%s: tensor \"%.200s\" has dtype %s: quantized models cannot be merged",
                            m->base.files[i]->path, t->name, st_dtype_name(t->dtype));
        }
    if (!code && m->n_tensors == 0)
        code = err_set(e, ERR_INPUT, "the base %s holds no weights", dir);
    if (!code)
        qsort(m->tensors, m->n_tensors, sizeof *m->tensors, by_name);
    return code;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// An adapter says which model it adapts; where that is a folder here it must hold the base's weights.
static int check_adapter_base(struct merge *m, const char *adapter, struct err *e)
{
    char *dir = adapter_base(adapter, NULL);
    struct shards s = {0};
    int code = 0;
    if (dir && !same_folder(dir, m->job->base)) {
        code = weight_shards_open(&s, dir, NULL, e);
        for (size_t i = 0; !code && i < m->n_tensors; i++) {
            const struct base_tensor *b = &m->tensors[i];
            const struct st_file *file;
            const struct st_tensor *t = merge_find(&s, b->t->name, &file);
            bool same = t && t->n_elements == b->t->n_elements;
            if (same)
                code = st_to_f32(file, t, m->values, e);
            if (same && !code)
                code = st_to_f32(b->file, b->t, m->scratch, e);
            if (!code && !(same && memcmp(m->values, m->scratch, t->n_elements * sizeof *m->values) == 0))
                code = err_set(e, ERR_USAGE,
                               "%s adapts the model %s, whose tensor \"%.200s\" is not that of the base %s: adapters "
                               "can be merged over their own base only",
                               adapter, dir, b->t->name, m->job->base);
        }
    }
    weight_shards_close(&s);
    free(dir);
    return code;
}

static int open_inputs(struct merge *m, struct err *e)
{
    const int n = m->job->options.n;
    int code = 0;
    m->values = mem_try_alloc(m->largest, sizeof *m->values, "the base's largest tensor", e);
    if (!m->values || !(m->scratch = mem_try_alloc(m->largest, sizeof *m->scratch, "an input's largest tensor", e)))
        return ERR_LIMIT;
    for (int i = 0; i < n && !code; i++) {
        code = merge_source_open(&m->sources[i], m->job->inputs[i], &m->arch, e);
        if (!code && m->sources[i].is_adapter)
            code = check_adapter_base(m, m->job->inputs[i], e);
        if (!code &&
            !(m->deltas[i] = mem_try_alloc(m->largest, sizeof **m->deltas, "the change of the largest tensor", e)))
            code = ERR_LIMIT;
    }
    return code;
}

static void close_merge(struct merge *m)
{
    for (int i = 0; i < MERGE_MAX_INPUTS; i++) {
        merge_source_close(&m->sources[i]);
        free(m->deltas[i]);
    }
    weight_shards_close(&m->base);
    json_decref(m->config);
    free(m->tensors);
    free(m->values);
    free(m->scratch);
}

// ---- the result ----

static enum st_dtype saved_as(const struct merge *m, const struct base_tensor *b)
{
    static const enum st_dtype dtypes[] = {[MERGE_F32] = ST_F32, [MERGE_BF16] = ST_BF16, [MERGE_F16] = ST_F16};
    if (m->job->dtype != MERGE_AS_BASE)
        return dtypes[m->job->dtype];
    return b->t->dtype == ST_F64 ? ST_F32 : b->t->dtype;
}

static int merge_one(struct merge *m, size_t number, struct st_writer *w, struct merge_result *r, struct err *e)
{
    const struct base_tensor *b = &m->tensors[number];
    const struct merge_options *o = &m->job->options;
    const size_t n = b->t->n_elements;
    int code = st_to_f32(b->file, b->t, m->values, e);
    for (int i = 0; i < o->n && !code; i++)
        code = merge_source_delta(&m->sources[i], b->t, m->values, m->scratch, m->deltas[i], e);
    if (code)
        return code;
    merge_tensor(o, (uint32_t)number, m->deltas, n, &r->report);
    for (size_t j = 0; j < n; j++)
        m->values[j] = (float)((double)m->values[j] + m->deltas[0][j]);
    r->n_params += (int64_t)n;
    return st_writer_add_f32(w, m->values, n, saved_as(m, b), e);
}

static int write_weights(struct merge *m, const char *dir, struct merge_result *r, struct err *e)
{
    struct st_spec *specs = mem_alloc(m->n_tensors, sizeof *specs);
    for (size_t i = 0; i < m->n_tensors; i++) {
        const struct st_tensor *t = m->tensors[i].t;
        specs[i] = (struct st_spec){.name = t->name, .dtype = saved_as(m, &m->tensors[i]), .n_dims = t->n_dims};
        memcpy(specs[i].dims, t->dims, sizeof t->dims);
    }
    char *path = path_join(dir, "model.safetensors");
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    struct st_writer *w = NULL;
    int code = st_writer_open(&w, path, specs, m->n_tensors, metadata, e);
    for (size_t i = 0; i < m->n_tensors && !code; i++)
        code = merge_one(m, i, w, r, e);
    for (int i = 0; i < m->job->options.n && !code; i++)
        code = merge_source_all_used(&m->sources[i], &m->base, e);
    if (!code)
        code = st_writer_commit(w, e);
    else
        st_writer_abort(w);
    json_decref(metadata);
    free(path);
    free(specs);
    r->n_tensors = (int)m->n_tensors;
    r->memory = m->largest * (2 * sizeof *m->values + (size_t)m->job->options.n * sizeof **m->deltas);
    return code;
}

static int write_config(struct merge *m, const char *dir, struct err *e)
{
    static const char *const names[] = {[MERGE_F32] = "float32", [MERGE_BF16] = "bfloat16", [MERGE_F16] = "float16"};
    char *path = path_join(dir, "config.json");
    if (m->job->dtype != MERGE_AS_BASE) {
        json_object_set_new(m->config, "torch_dtype", json_string(names[m->job->dtype])); // up to transformers 4
        json_object_set_new(m->config, "dtype", json_string(names[m->job->dtype]));       // from 5 on
    }
    int code = json_write(path, m->config, e);
    free(path);
    return code;
}

// The tokenizer is the base's; where it has none, that of the first input with one.
static int write_tokenizer(struct merge *m, const char *dir, struct err *e)
{
    const char *from = m->job->tokenizer ? m->job->tokenizer : m->job->base;
    for (int i = -1; i < m->job->options.n && !m->job->tokenizer; i++) {
        const char *now = i < 0 ? m->job->base : m->job->inputs[i];
        char *json = path_join(now, "tokenizer.json"), *merges = path_join(now, "merges.txt");
        const bool there = file_exists(json) || file_exists(merges);
        free(json);
        free(merges);
        if (there) {
            from = now;
            break;
        }
    }
    return model_copy_tokenizer(from, dir, e);
}

int merge_folders(const struct merge_job *job, struct merge_result *r, struct err *e)
{
    struct merge m = {.job = job};
    struct str temporary = {0};
    *r = (struct merge_result){0};
    int code = merge_check(&job->options, e);
    if (!code && file_exists(job->out))
        code = err_set(e, ERR_USAGE, "%s exists already: choose another folder or remove it", job->out);
    if (!code)
        code = open_base(&m, e);
    if (!code)
        code = open_inputs(&m, e);
    str_addf(&temporary, "%s.tmp", job->out);
    const char *dir = str_text(&temporary);
    if (!code)
        code = file_remove_tree(dir, e);
    if (!code && (code = file_make_dirs(dir, e)) == 0) {
        code = write_weights(&m, dir, r, e);
        if (!code)
            code = write_config(&m, dir, e);
        if (!code)
            code = write_tokenizer(&m, dir, e);
        if (!code)
            code = model_folder_commit(dir, job->out, e);
        if (code)
            file_remove_tree(dir, NULL);
    }
    close_merge(&m);
    str_fini(&temporary);
    return code;
}
