// One model's weights in another, and one model twice.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/model_parts.h"

int model_take(struct model *into, const struct model *from, struct err *e)
{
    BUG_IF(into->frozen);
    for (int i = 0; i < into->n_tensors; i++) {
        const struct tensor *to = &into->tensors[i], *t = model_tensor(from, to->kind, to->layer);
        if (!t && to->kind == T_SCORE_W)
            continue;
        BUG_IF(!t || t->rows != to->rows || t->cols != to->cols);
        float *w = into->weights + to->offset;
        into->ops->convert(into->backend, w, DTYPE_F32, tensor_exact(from, t), (size_t)t->rows * (size_t)t->cols);
        lora_add_product(from, t, w);
    }
    model_weights_changed(into);
    return into->ops->sync(into->backend, e);
}

int model_copy(struct model **out, const struct model *from, unsigned how, struct err *e)
{
    struct model *m = NULL;
    BUG_IF(from->lora_weights != NULL || from->frozen);
    int code = model_alloc(&m, from->config, "config.json", from->ops, from->backend, how, e);
    if (!code)
        code = model_take(m, from, e);
    if (code) {
        model_free(m);
        return code;
    }
    m->scores_tokens = from->scores_tokens;
    *out = m;
    return 0;
}

// ---- a model that is asked while it is trained ----

static int adapter_twin(struct model **out, const struct model *of, struct backend *backend, struct err *e)
{
    struct model *m = mem_alloc(1, sizeof *m);
    const size_t n_bytes = of->n_lora_floats * sizeof(float);
    *m = *of;
    m->backend = backend;
    m->is_adapter_twin = true;
    m->grads = m->lora_grads = m->score_grads = NULL;
    m->generator = NULL;
    m->lora_weights = m->ops->alloc(backend, n_bytes, "the adapter of the policy that answers", e);
    if (!m->lora_weights) {
        model_free(m);
        return ERR_LIMIT;
    }
    *out = m;
    return 0;
}

int model_twin(struct model **out, const struct model *of, struct backend *backend, struct err *e)
{
    if (of->lora_weights)
        return adapter_twin(out, of, backend, e);
    BUG_IF(of->frozen);
    return model_alloc(out, of->config, "config.json", of->ops, backend, 0, e);
}

static float *trained(const struct model *m)
{
    return m->lora_weights ? m->lora_weights : m->weights;
}

size_t model_n_trained(const struct model *m)
{
    return m->lora_weights ? m->n_lora_floats : m->n_floats;
}

int model_get_trained(const struct model *m, float *host, struct err *e)
{
    m->ops->download(m->backend, host, trained(m), model_n_trained(m) * sizeof *host);
    return m->ops->sync(m->backend, e);
}

int model_put_trained(struct model *m, const float *host, struct err *e)
{
    m->ops->upload(m->backend, trained(m), host, model_n_trained(m) * sizeof *host);
    if (m->lora_weights)
        model_adapter_changed(m);
    else
        model_weights_changed(m);
    return m->ops->sync(m->backend, e);
}
