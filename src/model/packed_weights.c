#include "config.h"

#include "model/packed_weights.h"

#include <stdlib.h>

#include "base/mem.h"

enum { LINE = 64 };

static bool is_linear(const struct model *m, const struct tensor *t)
{
    const enum tensor_kind head = m->arch.tied ? T_TOKEN_EMBED : T_HEAD_W;
    return t->rows > 1 && (t->layer >= 0 || t->kind == T_PROJECT_IN || t->kind == T_PROJECT_OUT || t->kind == head);
}

static size_t packed_bytes(const struct model *m, const struct tensor *t)
{
    const size_t n = is_linear(m, t) ? m->ops->packed_bytes(m->backend, t->as, t->cols, t->rows) : 0;
    return (n + LINE - 1) / LINE * LINE;
}

bool packed_weights_are_of(const struct packed_weights *p, const struct model *m)
{
    return p->n_changes == m->n_changes;
}

void packed_weights_fini(struct packed_weights *p, const struct model *m)
{
    m->ops->free(m->backend, p->block);
    free(p->of);
    *p = (struct packed_weights){0};
}

static bool make_room(struct packed_weights *p, const struct model *m)
{
    const uint64_t available = mem_available(); // 0: unknown
    size_t bytes = 0;
    for (int i = 0; i < m->n_tensors; i++)
        bytes += packed_bytes(m, &m->tensors[i]);
    if (bytes == 0 || (available > 0 && bytes > available / PACKED_SHARE))
        return false;
    p->block = m->ops->alloc(m->backend, bytes, "weights laid out for sampling", NULL);
    p->bytes = bytes;
    return p->block != NULL;
}

void packed_weights_make(struct packed_weights *p, const struct model *m)
{
    const bool current = packed_weights_are_of(p, m);
    if (current && (p->of || p->refused))
        return;
    if (!p->block && !make_room(p, m)) {
        p->refused = true;
        p->n_changes = m->n_changes;
        return;
    }
    if (!p->of)
        p->of = mem_alloc((size_t)m->n_tensors, sizeof *p->of);
    char *at = p->block;
    for (int i = 0; i < m->n_tensors; i++) {
        const struct tensor *t = &m->tensors[i];
        const size_t bytes = packed_bytes(m, t);
        if (bytes == 0)
            continue;
        m->ops->pack_weights(m->backend, at, t->as, t->cols, t->rows);
        p->of[i] = at;
        at += bytes;
    }
    p->n_changes = m->n_changes;
}

double packed_weights_plan(const struct arch *a)
{
    return 4 * (double)arch_n_params(a);
}
