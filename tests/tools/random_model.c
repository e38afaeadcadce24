// A model folder of any size with random weights in bf16, for measurements: random_model CONFIG.json OUT
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cpu/cpu.h"
#include "model/model_parts.h"
#include "model/names.h"
#include "model/st_types.h"

enum { TABLE = 1 << 16 }; // normal numbers that are drawn from: a large model has too many to compute each

static void fill(uint16_t *out, const struct tensor *t, const uint16_t *table, uint32_t seed)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    struct rng r = rng_make(7, RNG_INIT, seed);
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0) // four of 16 bits
            bits = (uint64_t)(rng_uniform(&r) * 0x1p53) ^ (uint64_t)i * 0x9e3779b97f4a7c15;
        out[i] = tensor_is_norm(t->kind) ? bf16_from_f32(1) : t->rows == 1 ? 0 : table[bits >> i % 4 * 16 & (TABLE - 1)];
    }
}

static int write_weights(const struct model *m, const char *dir, struct err *e)
{
    char *path = path_join(dir, "model.safetensors");
    struct st_spec *specs = mem_alloc((size_t)m->n_tensors, sizeof *specs);
    uint16_t *table = mem_alloc(TABLE, sizeof *table);
    struct st_writer *w = NULL;
    struct rng r = rng_make(3, RNG_INIT, 0);
    for (int i = 0; i < TABLE; i++)
        table[i] = bf16_from_f32((float)(0.02 * rng_normal(&r)));
    for (int i = 0; i < m->n_tensors; i++) {
        const struct tensor *t = &m->tensors[i];
        struct str name = {0};
        names_full(m->arch.family, names_row(m->arch.family, t->kind), t->layer, false, &name);
        specs[i] = (struct st_spec){str_take(&name), ST_BF16, t->rows == 1 ? 1 : 2, {t->rows, t->cols}};
        if (t->rows == 1)
            specs[i].dims[0] = t->cols;
    }
    int code = st_writer_open(&w, path, specs, (size_t)m->n_tensors, NULL, e);
    for (int i = 0; i < m->n_tensors && !code; i++) {
        const size_t n = (size_t)m->tensors[i].rows * (size_t)m->tensors[i].cols;
        uint16_t *values = mem_alloc(n, sizeof *values);
        fill(values, &m->tensors[i], table, (uint32_t)i);
        code = st_writer_add(w, values, n * sizeof *values, e);
        free(values);
    }
    code = code ? code : st_writer_commit(w, e);
    for (int i = 0; i < m->n_tensors; i++)
        free((char *)specs[i].name);
    free(specs);
    free(table);
    free(path);
    return code;
}

int main(int argc, char **argv)
{
    struct err fault = {0};
    struct backend *backend;
    struct model *m;
    json_t *config;
    if (argc != 3) {
        fprintf(stderr, "usage: %s CONFIG.json OUT\n", argv[0]);
        return 2;
    }
    char *to = path_join(argv[2], "config.json");
    const struct backend_ops *ops = backend_find("cpu");
    int code = json_read(argv[1], 1 << 20, &config, &fault);
    if (!code)
        code = ops->open(&backend, &(struct backend_options){.n_threads = 1}, &fault);
    if (!code)
        code = model_alloc(&m, config, argv[1], ops, backend, LOAD_FROZEN, &fault);
    if (!code)
        code = file_make_dirs(argv[2], &fault);
    if (!code)
        code = json_write(to, config, &fault);
    if (!code)
        code = write_weights(m, argv[2], &fault);
    if (code)
        fprintf(stderr, "%s\n", fault.text);
    return code ? 1 : 0;
}
