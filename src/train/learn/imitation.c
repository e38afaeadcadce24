#include "config.h"

#include "train/learn/imitation.h"

#include <stdlib.h>

#include "base/mem.h"
#include "train/data/order.h"
#include "train/learn/numbers.h"
#include "train/learn/packing.h"

struct imitation {
    struct imitation_options o;
    struct data_order order;
    struct packed packed;
    int *groups;      // (batch_size)
    struct seq *seqs; // (batch_size)
};

int imitation_new(struct imitation **out, const struct imitation_options *o, struct err *e)
{
    struct imitation *im = mem_alloc(1, sizeof *im);
    im->o = *o;
    im->groups = mem_alloc((size_t)o->batch_size, sizeof *im->groups);
    im->seqs = mem_alloc((size_t)o->batch_size, sizeof *im->seqs);
    data_order_init(&im->order, o->texts->n_groups, o->seed);
    int code = packed_init(&im->packed, o->texts, o->max_batch_tokens, 0, e);
    if (code) {
        imitation_free(im);
        return code;
    }
    im->packed.most_targets = o->most_targets;
    *out = im;
    return 0;
}

void imitation_free(struct imitation *im)
{
    if (!im)
        return;
    packed_fini(&im->packed);
    data_order_fini(&im->order);
    free(im->groups);
    free(im->seqs);
    free(im);
}

int imitation_backward(struct imitation *im, struct decoder *d, int64_t step, double weight, double *loss, struct err *e)
{
    const struct dataset *texts = im->o.texts;
    const struct reading reading = {.needs = {0}}; // at temperature 1, whatever answers are drawn at
    const int n = im->o.batch_size;
    double n_tokens = 0;
    int code = 0;
    for (int i = 0; i < n; i++) {
        im->groups[i] = data_order_at(&im->order, (step - 1) * n + i);
        n_tokens += texts->seqs[texts->groups[im->groups[i]].first_seq].n;
    }
    *loss = 0;
    for (int at = 0, taken; !code && at < n; at += taken) {
        taken = pack_groups(&im->packed, texts, im->groups + at, n - at, im->o.max_batch_tokens, 0);
        code = decoder_forward(d, &im->packed.batch, true, e);
        if (!code)
            code = numbers_read(d, &im->packed, texts, im->groups + at, taken, &reading, im->seqs, NULL, e);
        for (int i = 0; !code && i < taken; i++) {
            im->seqs[i].d_logp = -1;
            *loss -= im->seqs[i].logp / n_tokens;
        }
        if (!code)
            code = numbers_send(d, &im->packed, im->seqs, reading.needs, weight / n_tokens, e);
    }
    return code;
}
