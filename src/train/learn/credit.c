#include "config.h"

#include "train/learn/credit.h"

#include <string.h>

int credit_logprobs(struct decoder *d, struct packed *p, const struct dataset *data, int group, float *out,
                    struct err *e)
{
    pack_groups(p, data, &group, 1, p->max_tokens, 0);
    int code = decoder_forward(d, &p->batch, false, e);
    if (!code)
        code = decoder_logprobs(d, &p->batch, p->logprobs, NULL, NULL, e);
    if (!code)
        memcpy(out, p->logprobs, (size_t)p->batch.n_targets * sizeof *out);
    return code;
}

struct credit_weights credit_weights(const struct objective_run *r)
{
    const struct objective *o = r->objective;
    if (o->entropy_weight)
        return (struct credit_weights){objective_value(r, o->entropy_weight), objective_value(r, "beta")};
    for (int i = 0; o->params[i].name; i++)
        if (strcmp(o->params[i].name, "beta") == 0 && r->values[i] > 0)
            return (struct credit_weights){r->values[i], r->values[i]};
    return (struct credit_weights){1, 1};
}
