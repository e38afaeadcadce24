// One model's weights in another.
#include "config.h"

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
