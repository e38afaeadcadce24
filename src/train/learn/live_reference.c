#include "config.h"

#include "train/learn/live_reference.h"

#include <stdlib.h>

#include "base/mem.h"

struct live_reference {
    struct model *policy;
    struct model *copy; // NULL: the policy with its adapter off, or
    float *start;       // with the weights that its adapter came with; while entered: those of the policy
    struct decoder *decoder;
    bool entered, adapter_was_on;
};

// An adapter that was loaded says something from the first step on; a new one's product is zero.
static int keep_start(struct live_reference *r, struct err *e)
{
    const struct model *m = r->policy;
    const size_t n_bytes = m->n_lora_floats * sizeof(float);
    if (!m->lora_weights || !m->lora_file)
        return 0;
    r->start = m->ops->alloc(m->backend, n_bytes, "the adapter as it came", e);
    if (!r->start)
        return ERR_LIMIT;
    float *host = mem_alloc(m->n_lora_floats, sizeof *host);
    m->ops->download(m->backend, host, m->lora_weights, n_bytes);
    m->ops->upload(m->backend, r->start, host, n_bytes);
    free(host);
    return m->ops->sync(m->backend, e);
}

static void swap_start(struct live_reference *r)
{
    float *now = r->policy->lora_weights;
    r->policy->lora_weights = r->start;
    r->start = now;
}

int live_reference_new(struct live_reference **out, struct model *policy, struct err *e)
{
    struct live_reference *r = mem_alloc(1, sizeof *r);
    r->policy = policy;
    int code = 0;
    if (policy->is_of_file && !policy->lora_weights) // then its file is the reference, and needs no memory of its own
        code = model_load(&r->copy, policy->dir, policy->ops, policy->backend, LOAD_FROZEN, e);
    else if (!policy->lora_weights)
        code = model_copy(&r->copy, policy, 0, e);
    if (!code)
        code = keep_start(r, e);
    if (!code)
        code = decoder_new(&r->decoder, r->copy ? r->copy : policy, false, e);
    if (code) {
        live_reference_free(r);
        return code;
    }
    *out = r;
    return 0;
}

void live_reference_free(struct live_reference *r)
{
    if (!r)
        return;
    BUG_IF(r->entered);
    decoder_free(r->decoder);
    if (r->start)
        r->policy->ops->free(r->policy->backend, r->start);
    model_free(r->copy);
    free(r);
}

struct decoder *live_reference_enter(struct live_reference *r)
{
    BUG_IF(r->entered);
    r->entered = true;
    r->adapter_was_on = r->policy->adapter_on;
    if (r->start)
        swap_start(r);
    else if (!r->copy)
        r->policy->adapter_on = false;
    return r->decoder;
}

void live_reference_leave(struct live_reference *r)
{
    BUG_IF(!r->entered);
    r->entered = false;
    if (r->start)
        swap_start(r);
    r->policy->adapter_on = r->adapter_was_on;
}

struct model *live_reference_model(struct live_reference *r)
{
    return r->copy ? r->copy : r->policy;
}

int live_reference_forward(struct live_reference *r, const struct seq_batch *batch, struct decoder **decoder,
                           struct err *e)
{
    *decoder = live_reference_enter(r);
    int code = decoder_forward(*decoder, batch, false, e);
    live_reference_leave(r);
    return code;
}
