// Models of the large cases: weights that a block of random numbers is repeated for on the device, because drawing each would
// take longer than all that is measured. Speed does not depend on values.
#include "config.h"

#include "train/engine/bench.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/model_parts.h"

// A prime, so that rows of matrices do not repeat.
enum { BLOCK = 1048573 };

struct filling {
    const struct backend_ops *ops;
    struct backend *backend;
    float *random, *ones; // device memory: BLOCK numbers, and as many as the longest vector has
};

static void fill_matrix(const struct filling *f, const struct tensor *t, float *to)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    for (size_t at = 0; at < n; at += BLOCK)
        f->ops->copy(f->backend, to + at, f->random, (n - at < BLOCK ? n - at : BLOCK) * sizeof *to);
}

// In memory of its own, in the type that products want.
static int place_matrix(const struct filling *f, struct tensor *t, struct err *e)
{
    const size_t n = (size_t)t->rows * (size_t)t->cols;
    const enum dtype type = f->ops->weights_type(f->backend);
    t->own = f->ops->alloc(f->backend, n * dtype_bytes(type), "a weight", e);
    if (!t->own)
        return ERR_LIMIT;
    for (size_t at = 0; at < n; at += BLOCK)
        f->ops->convert(f->backend, (char *)t->own + at * dtype_bytes(type), type, stored_f32(f->random),
                        n - at < BLOCK ? n - at : BLOCK);
    t->as = (struct stored){t->own, type, NULL};
    return 0;
}

static int fill(const struct filling *f, struct model *m, struct err *e)
{
    int code = 0;
    for (int i = 0; i < m->n_tensors && !code; i++) {
        struct tensor *t = &m->tensors[i];
        if (!tensor_in_block(m, t))
            code = place_matrix(f, t, e);
        else if (t->rows > 1)
            fill_matrix(f, t, m->weights + t->offset);
        else if (tensor_is_norm(t->kind))
            f->ops->copy(f->backend, m->weights + t->offset, f->ones, (size_t)t->cols * sizeof *m->weights);
    }
    return code;
}

static int longest_vector(const struct model *m)
{
    int n = 1;
    for (int i = 0; i < m->n_tensors; i++)
        n = m->tensors[i].rows == 1 && m->tensors[i].cols > n ? m->tensors[i].cols : n;
    return n;
}

static int open_filling(struct filling *f, int n_ones, struct err *e)
{
    struct rng r = rng_make(1, RNG_TEST, 1);
    float *host = mem_alloc(BLOCK > n_ones ? BLOCK : (size_t)n_ones, sizeof *host);
    f->random = f->ops->alloc(f->backend, BLOCK * sizeof *host, "random weights", e);
    f->ones = f->random ? f->ops->alloc(f->backend, (size_t)n_ones * sizeof *host, "random weights", e) : NULL;
    if (f->ones) {
        for (int i = 0; i < BLOCK; i++)
            host[i] = (float)(0.02 * rng_normal(&r));
        f->ops->upload(f->backend, f->random, host, BLOCK * sizeof *host);
        for (int i = 0; i < n_ones; i++)
            host[i] = 1;
        f->ops->upload(f->backend, f->ones, host, (size_t)n_ones * sizeof *host);
    }
    free(host);
    return f->ones ? 0 : ERR_LIMIT;
}

int bench_model(struct model **out, const json_t *config, bool frozen, const struct backend_ops *ops, struct backend *backend,
                struct err *e)
{
    struct filling f = {.ops = ops, .backend = backend};
    struct model *m;
    int code = model_alloc(&m, config, "the case's config", ops, backend, frozen ? LOAD_FROZEN : 0, e);
    if (code)
        return code;
    code = open_filling(&f, longest_vector(m), e);
    if (!code)
        code = fill(&f, m, e);
    if (!code) {
        model_weights_changed(m);
        code = ops->sync(backend, e);
    }
    ops->free(backend, f.random);
    ops->free(backend, f.ones);
    if (code) {
        model_free(m);
        return code;
    }
    *out = m;
    return 0;
}
