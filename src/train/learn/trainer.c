#include "config.h"

#include "train/learn/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

// Micro-batches of fewer targets have slower products: making logits again costs less.
enum { LEAST_TARGETS = 256 };

int trainer_new(struct trainer **out, const struct trainer_options *o, struct model *m, const struct dataset *data,
                struct err *e)
{
    struct trainer *t = mem_alloc(1, sizeof *t);
    int most = 1;
    t->options = *o;
    t->model = m;
    t->data = data;
    for (int i = 0; i < data->n_groups; i++)
        most = data->groups[i].n_seqs > most ? data->groups[i].n_seqs : most;
    t->max_seqs = most * o->batch_size;
    t->groups = mem_alloc((size_t)o->batch_size, sizeof *t->groups);
    t->first = mem_alloc((size_t)o->batch_size + 1, sizeof *t->first);
    t->seqs = mem_alloc((size_t)t->max_seqs, sizeof *t->seqs);
    data_order_init(&t->order, data->n_groups, o->seed);
    int code = decoder_new(&t->decoder, m, o->recompute, e);
    if (!code && (o->keep_reference || (objective_needs(&o->objective).reads & READ_KL)))
        code = live_reference_new(&t->reference, m, e);
    if (!code)
        code = packed_init(&t->packed, data, o->max_batch_tokens, objective_needs(&o->objective).networks, e);
    if (!code && !(objective_needs(&o->objective).networks & NETWORK_SCORE)) { // which reads no logits
        const int kept = decoder_kept_targets(t->decoder);
        t->most_targets = kept >= LEAST_TARGETS ? kept : 0;
    }
    if (!code)
        code = optimizer_init(&t->optimizer, m, e);
    if (!code && o->optimizer.l1 > 0)
        code = optimizer_keep_start(&t->optimizer, e);
    if (code) {
        trainer_free(t);
        return code;
    }
    *out = t;
    return 0;
}

void trainer_set_stage(struct trainer *t, const int *groups, int n, int64_t first_step)
{
    data_order_fini(&t->order);
    data_order_init(&t->order, n, t->options.seed);
    t->stage_groups = groups;
    t->stage_begins = first_step * t->options.batch_size;
}

static int trainer_group_at(struct trainer *t, int64_t index)
{
    const int at = data_order_at(&t->order, index - t->stage_begins);
    return t->stage_groups ? t->stage_groups[at] : at;
}

int trainer_add_value(struct trainer *t, struct model *m, struct err *e)
{
    return value_new(&t->value, m, t->options.recompute, t->options.max_batch_tokens, e);
}

void trainer_free(struct trainer *t)
{
    if (!t)
        return;
    if (t->optimizer.model)
        optimizer_fini(&t->optimizer);
    packed_fini(&t->packed);
    decoder_free(t->decoder);
    live_reference_free(t->reference);
    value_free(t->value);
    data_order_fini(&t->order);
    free(t->groups);
    free(t->first);
    free(t->seqs);
    free(t);
}

int forward_groups(struct decoder *d, struct packed *p, const struct dataset *data, const int *groups, int n,
                   int max_batch_tokens, const struct reading *r, struct seq *seqs, struct tally *tally, struct err *e)
{
    for (int at = 0; at < n;) {
        const int taken = pack_groups(p, data, groups + at, n - at, max_batch_tokens, r->needs.networks);
        int code = decoder_forward(d, &p->batch, false, e);
        if (!code)
            code = numbers_read(d, p, data, groups + at, taken, r, seqs, tally, e);
        if (code)
            return code;
        for (int g = at; g < at + taken; g++)
            seqs += data->groups[groups[g]].n_seqs;
        at += taken;
    }
    return 0;
}

static void batch_facts(struct objective_run *r, const struct dataset *data, const int *groups, int n, int *first)
{
    r->n_groups = n;
    r->n_tokens = 0;
    int at = 0;
    for (int g = 0; g < n; g++) {
        const struct ds_group *group = &data->groups[groups[g]];
        first[g] = at;
        at += group->n_seqs;
        for (int i = 0; i < group->n_seqs; i++)
            r->n_tokens += data->seqs[group->first_seq + i].mismatched ? 0 : data->seqs[group->first_seq + i].n;
    }
    first[n] = at;
}

static void evaluate_group(const struct objective_run *r, struct seq *seqs, int n, struct tally *tally)
{
    double extra[OBJECTIVE_MAX_METRICS] = {0};
    const double loss = objective_loss(r, seqs, n, extra);
    tally_group(tally, r, seqs, n, loss, extra);
}

void score_groups(struct objective_run *r, const struct dataset *data, const int *groups, int n, struct seq *seqs,
                  int *first, struct tally *tally)
{
    batch_facts(r, data, groups, n, first);
    if (r->objective->prepare)
        r->objective->prepare(r, seqs, first, n);
    for (int g = 0; g < n; g++)
        evaluate_group(r, seqs + first[g], first[g + 1] - first[g], tally);
}

// Groups at .. of the batch's n, as many as fit.
static int micro_batch(struct trainer *t, int at, int n, struct tally *tally, int64_t *n_tokens, int *taken,
                       struct err *e)
{
    const int *groups = t->groups + at;
    struct seq *seqs = t->seqs + t->first[at];
    struct objective_run *r = &t->options.objective;
    const struct reading reading = reading_for(r, t->reference);
    struct packed *p = &t->packed;
    p->without_mismatched = true;
    p->most_targets = t->most_targets;
    *taken = pack_groups(p, t->data, groups, n - at, t->options.max_batch_tokens, reading.needs.networks);
    *n_tokens += p->batch.n_tokens;
    int code = decoder_forward(t->decoder, &p->batch, true, e);
    if (!code)
        code = numbers_read(t->decoder, p, t->data, groups, *taken, &reading, seqs, tally, e);
    if (!code && t->value)
        code = value_read(t->value, t->data, groups, *taken, 0, true, seqs, e);
    if (code)
        return code;
    for (int g = 0, k = 0; g < *taken; g++) {
        const int n_seqs = t->data->groups[groups[g]].n_seqs;
        evaluate_group(r, seqs + k, n_seqs, tally);
        k += n_seqs;
    }
    if (!isfinite(tally->loss))
        return 0; // the caller says so; there is nothing to send back
    code = numbers_send(t->decoder, p, seqs, reading.needs, 1.0 / r->n_groups, e);
    return code || !t->value ? code : value_send(t->value, t->data, groups, *taken, seqs, 1.0 / r->n_groups, e);
}

// Objectives that look at the whole batch first: one more forward pass without a backward.
static int prepare(struct trainer *t, int n, struct err *e)
{
    struct objective_run *r = &t->options.objective;
    t->packed.without_mismatched = false;
    t->packed.most_targets = 0;
    const struct reading reading = reading_for(r, t->reference);
    int code = forward_groups(t->decoder, &t->packed, t->data, t->groups, n, t->options.max_batch_tokens, &reading,
                              t->seqs, NULL, e);
    if (!code)
        r->objective->prepare(r, t->seqs, t->first, n);
    return code;
}

static void zero_grads(struct trainer *t)
{
    optimizer_zero_grads(&t->optimizer);
    if (t->value)
        optimizer_zero_grads(&t->value->optimizer);
}

// Both networks, each clipped by the norm of its own gradients.
static void update(struct trainer *t, double factor, double norm, double value_norm)
{
    struct optimizer_settings now = t->options.optimizer;
    now.lr *= factor;
    optimizer_step(&t->optimizer, &now, norm);
    if (t->value) {
        now.lr = objective_value(&t->options.objective, "value-lr") * factor;
        now.l1 = 0; // what becomes sparse is the policy
        optimizer_step(&t->value->optimizer, &now, value_norm);
    }
}

int trainer_step(struct trainer *t, struct step_result *r, struct err *e)
{
    const double began = clock_seconds();
    const int n = t->options.batch_size;
    const int64_t step = t->step + 1;
    struct objective_run *objective = &t->options.objective;
    struct tally tally = {0};
    double state[OBJECTIVE_MAX_STATE];
    memcpy(state, objective->state, sizeof state);
    *r = (struct step_result){.step = step};
    for (int i = 0; i < n; i++)
        t->groups[i] = trainer_group_at(t, t->step * n + i);
    batch_facts(objective, t->data, t->groups, n, t->first);
    objective->seed = t->options.seed;
    objective->step = step;
    int code = objective_needs(objective).batch_first ? prepare(t, n, e) : 0;
    for (int at = 0, taken; !code && at < n && isfinite(tally.loss); at += taken)
        code = micro_batch(t, at, n, &tally, &r->n_tokens, &taken, e);
    r->loss = tally.loss / n;
    r->grad_norm = !code && isfinite(tally.loss) ? optimizer_grad_norm(&t->optimizer) : NAN;
    const double value_norm = t->value && !code && isfinite(tally.loss) ? optimizer_grad_norm(&t->value->optimizer) : 0;
    if (!code)
        code = t->model->ops->sync(t->model->backend, e);
    if (!code && !isfinite(r->loss))
        code = err_set(e, ERR_NUMERIC, "the loss of step %lld is %g: lower the learning rate, or look at the data",
                       (long long)step, r->loss);
    if (!code && !isfinite(r->grad_norm + value_norm))
        code = err_set(e, ERR_NUMERIC, "the gradients of step %lld are not finite: lower the learning rate",
                       (long long)step);
    if (code) {
        zero_grads(t);
        memcpy(objective->state, state, sizeof state);
        return code;
    }
    const int64_t warmup = schedule_warmup_steps(t->options.warmup, t->options.total_steps);
    const double factor = schedule_factor(t->options.schedule, step, warmup, t->options.total_steps);
    r->lr = t->options.optimizer.lr * factor;
    update(t, factor, r->grad_norm, value_norm);
    code = t->model->ops->sync(t->model->backend, e);
    if (code)
        return code;
    t->step = step;
    r->seconds = clock_seconds() - began;
    tally_metrics(&tally, objective, false, &r->metrics);
    metric_add(&r->metrics, "grad_norm", r->grad_norm);
    if (t->value)
        metric_add(&r->metrics, "value_grad_norm", value_norm);
    metric_add(&r->metrics, "lr", r->lr);
    if (t->options.optimizer.l1 > 0) {
        metric_add(&r->metrics, "sparsity", t->optimizer.sparsity);
        metric_add(&r->metrics, "l1_norm", t->optimizer.l1_norm);
    }
    metric_add(&r->metrics, "step_s", r->seconds);
    metric_add(&r->metrics, "tokens_per_s", (double)r->n_tokens / r->seconds);
    return 0;
}
