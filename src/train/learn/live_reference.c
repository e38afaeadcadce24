#include "config.h"

#include "train/learn/live_reference.h"

#include <stdlib.h>

#include "base/mem.h"

struct live_reference {
    struct model *policy;
    struct model *copy; // NULL: the policy with its adapter off
    struct decoder *decoder;
    bool entered, adapter_was_on;
};

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
    decoder_free(r->decoder);
    model_free(r->copy);
    free(r);
}

struct decoder *live_reference_enter(struct live_reference *r)
{
    BUG_IF(r->entered);
    r->entered = true;
    r->adapter_was_on = r->policy->adapter_on;
    if (!r->copy)
        r->policy->adapter_on = false;
    return r->decoder;
}

void live_reference_leave(struct live_reference *r)
{
    BUG_IF(!r->entered);
    r->entered = false;
    r->policy->adapter_on = r->adapter_was_on;
}

int live_reference_forward(struct live_reference *r, const struct seq_batch *batch, struct decoder **decoder,
                           struct err *e)
{
    *decoder = live_reference_enter(r);
    int code = decoder_forward(*decoder, batch, false, e);
    live_reference_leave(r);
    return code;
}
