#include "config.h"

#include "train/learn/optimizer.h"

#include <math.h>
#include <stdlib.h>

int optimizer_init(struct optimizer *o, struct model *m, struct err *e)
{
    *o = (struct optimizer){.model = m};
    o->n_blocks = model_param_blocks(m, o->blocks);
    for (int b = 0; b < o->n_blocks; b++) {
        const size_t bytes = o->blocks[b].n * sizeof(float);
        o->m[b] = m->ops->alloc(m->backend, bytes, "the optimizer's first moments", e);
        if (!o->m[b] || !(o->v[b] = m->ops->alloc(m->backend, bytes, "the optimizer's second moments", e))) {
            optimizer_fini(o);
            return ERR_LIMIT;
        }
        o->n_ranges[b] = model_param_ranges(m, b, &o->ranges[b]);
    }
    return 0;
}

void optimizer_fini(struct optimizer *o)
{
    for (int b = 0; b < o->n_blocks; b++) {
        o->model->ops->free(o->model->backend, o->m[b]);
        o->model->ops->free(o->model->backend, o->v[b]);
        o->model->ops->free(o->model->backend, o->start[b]);
        free(o->ranges[b]);
    }
    *o = (struct optimizer){0};
}

int optimizer_keep_start(struct optimizer *o, struct err *e)
{
    struct model *m = o->model;
    for (int b = 0; b < o->n_blocks; b++) {
        const size_t bytes = o->blocks[b].n * sizeof(float);
        o->start[b] = m->ops->alloc(m->backend, bytes, "the starting weights", e);
        if (!o->start[b])
            return ERR_LIMIT;
        m->ops->copy(m->backend, o->start[b], o->blocks[b].weights, bytes);
    }
    return m->ops->sync(m->backend, e);
}

// Numbers that stand between tensors for alignment: zero for ever.
static size_t padding_of(const struct model *m, const struct param_block *block)
{
    size_t used = 0;
    if (block->weights != m->weights)
        return 0;
    for (int i = 0; i < m->n_tensors; i++)
        used += (size_t)m->tensors[i].rows * (size_t)m->tensors[i].cols;
    return block->n - used;
}

// The proximal step of lr * l1 * |theta - start|_1: changes that do not pay for themselves are exactly zero. With an
// adapter the trained numbers are its own two matrices, a and b, and so is the change.
static void shrink(struct optimizer *o, double threshold)
{
    double l1 = 0, n = 0, n_small = 0;
    for (int b = 0; b < o->n_blocks; b++) {
        const struct param_block *block = &o->blocks[b];
        const struct shrunk s =
            o->model->ops->shrink(o->model->backend, block->weights, o->start[b], (float)threshold, block->n);
        const size_t padding = padding_of(o->model, block);
        l1 += s.l1;
        n += (double)(block->n - padding);
        n_small += (double)(s.n_small - padding);
    }
    o->l1_norm = l1;
    o->sparsity = n > 0 ? n_small / n : 0;
}

int optimizer_sum_grads(struct optimizer *o, const struct ranks *r, struct err *e)
{
    int code = 0;
    for (int b = 0; b < o->n_blocks && !code; b++)
        code = ranks_sum(r, o->model->ops, o->model->backend, o->blocks[b].grads, o->blocks[b].n, e);
    return code;
}

double optimizer_grad_norm(const struct optimizer *o)
{
    double sum = 0;
    for (int b = 0; b < o->n_blocks; b++)
        sum += o->model->ops->sum_squares(o->model->backend, o->blocks[b].grads, o->blocks[b].n);
    return sqrt(sum);
}

void optimizer_zero_grads(struct optimizer *o)
{
    for (int b = 0; b < o->n_blocks; b++)
        o->model->ops->zero(o->model->backend, o->blocks[b].grads, o->blocks[b].n * sizeof(float));
}

void optimizer_step(struct optimizer *o, const struct optimizer_settings *s, double norm)
{
    const struct backend_ops *ops = o->model->ops;
    o->t++;
    struct adamw step = {.lr = (float)s->lr, .beta1 = (float)s->beta1, .beta2 = (float)s->beta2, .eps = (float)s->eps,
                         .correction1 = (float)(1 - pow(s->beta1, (double)o->t)),
                         .correction2 = (float)(1 - pow(s->beta2, (double)o->t)),
                         .grad_scale = s->clip > 0 && norm > s->clip ? (float)(s->clip / norm) : 1};
    for (int b = 0; b < o->n_blocks; b++) {
        const struct param_block *block = &o->blocks[b];
        for (int i = 0; i < o->n_ranges[b]; i++) {
            const struct param_range *r = &o->ranges[b][i];
            step.weight_decay = r->decay ? (float)s->weight_decay : 0;
            ops->adamw(o->model->backend, block->weights + r->begin, block->grads + r->begin, o->m[b] + r->begin,
                       o->v[b] + r->begin, r->end - r->begin, &step);
        }
    }
    if (s->l1 > 0)
        shrink(o, s->lr * s->l1);
    if (o->model->grads)
        model_weights_changed(o->model);
    else // a twin may be reading what stands beside it
        model_adapter_changed(o->model);
}
