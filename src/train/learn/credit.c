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

double credit_beta(const struct objective_run *r)
{
    for (int i = 0; r->objective->params[i].name; i++)
        if (strcmp(r->objective->params[i].name, "beta") == 0 && r->values[i] > 0)
            return r->values[i];
    return 1;
}
