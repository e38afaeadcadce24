#include "config.h"

#include "model/tape.h"

#include <stdlib.h>

#include "base/mem.h"

enum { TAPE_SHARE = 4 }; // at most 1/TAPE_SHARE of the memory that is free is taken for it

struct tape *tape_new(struct model *m)
{
    struct parts p;
    parts_init(&p, m);
    if (part_type(&p) != DTYPE_F32 || p.ops->records(p.b) || !p.ops->decodes_as_it_trains(p.b))
        return NULL;
    struct tape *t = mem_alloc(1, sizeof *t);
    t->model = m;
    t->w = p.w;
    t->layers = mem_alloc((size_t)m->arch.n_layers, sizeof *t->layers);
    return t;
}

static unsigned changes_of(const struct model *m)
{
    return m->n_changes + m->n_adapter_changes; // both only grow
}

static void give_back(struct tape *t)
{
    t->model->ops->free(t->model->backend, t->block);
    t->block = NULL;
    t->logits = NULL;
    t->rows = t->logit_rows = t->bytes = 0;
}

void tape_free(struct tape *t)
{
    if (!t)
        return;
    give_back(t);
    free(t->layers);
    free(t);
}

static void lay_out(struct tape *t, struct carve *c, size_t rows, size_t logit_rows)
{
    const struct arch *a = &t->model->arch;
    size_t rest;
    for (int i = 0; i < a->n_layers; i++) {
        t->layers[i].x = carve_floats(c, rows, t->w.c);
        carve_layer(c, &t->layers[i], &t->w, rows, &rest);
    }
    t->out = carve_floats(c, rows, t->w.c);
    t->logits = logit_rows ? carve_floats(c, logit_rows, (size_t)a->vocab_size) : NULL;
}

static bool make_room(struct tape *t, size_t rows, size_t logit_rows)
{
    const uint64_t available = mem_available(); // 0: unknown
    struct carve count = {0};
    lay_out(t, &count, rows, logit_rows);
    if (count.overflow || rows > INT32_MAX || logit_rows > INT32_MAX)
        return false;
    if (available > 0 && count.used > available / TAPE_SHARE)
        return false;
    t->block = t->model->ops->alloc(t->model->backend, count.used, "what sampling computes, for the update", NULL);
    if (!t->block)
        return false;
    struct carve place = {.base = t->block};
    lay_out(t, &place, rows, logit_rows);
    t->rows = rows;
    t->logit_rows = logit_rows;
    t->bytes = count.used;
    return true;
}

void tape_start(struct tape *t, size_t rows, size_t logit_rows)
{
    t->n_rows = t->n_logits = 0;
    t->n_changes = changes_of(t->model);
    t->number++;
    if (rows <= t->rows && (logit_rows <= t->logit_rows || !t->logits))
        return;
    give_back(t);
    if (!make_room(t, rows, logit_rows))
        make_room(t, rows, 0);
}

bool tape_take(struct tape *t, size_t rows, size_t logit_rows, struct tape_place *at)
{
    if (rows > t->rows - t->n_rows || (t->logits && logit_rows > t->logit_rows - t->n_logits))
        return false;
    *at = (struct tape_place){t->n_rows, t->n_logits};
    t->n_rows += rows;
    t->n_logits += logit_rows;
    return true;
}

bool tape_is_good(const struct tape *t, uint64_t number)
{
    return t && number > 0 && number == t->number && t->n_changes == changes_of(t->model);
}

double tape_plan(const struct arch *a, double rows, double logit_rows)
{
    const struct widths w = parts_widths(a, 0);
    struct layer_acts acts = {0};
    struct layer_act list[LAYER_ACTS];
    int n_exact;
    double layer = (double)w.c;
    const int n = layer_acts_list(&acts, &w, list, &n_exact);
    for (int i = 0; i < n; i++)
        layer += (double)list[i].width;
    return sizeof(float) * (rows * (a->n_layers * layer + (double)w.c) + logit_rows * a->vocab_size);
}
