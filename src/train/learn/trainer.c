#include "config.h"

#include "train/learn/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"

// Micro-batches of fewer targets have slower products: making logits again costs less.
enum { LEAST_TARGETS = 256 };

// How many minibatches the present batch is cut in: a source may have given fewer groups than there were to be.
static int cuts_of_batch(const struct trainer *t)
{
    const int most = t->options.minibatches ? t->options.minibatches : 1;
    return t->batch.n && t->batch.n < most ? t->batch.n : most;
}

static int parts_of_batch(const struct trainer *t)
{
    return cuts_of_batch(t) * (t->options.passes ? t->options.passes : 1);
}

int trainer_new(struct trainer **out, const struct trainer_options *o, struct model *m, struct group_source *source,
                struct err *e)
{
    struct trainer *t = mem_alloc(1, sizeof *t);
    const struct dataset *data = source->data;
    int most = 1;
    t->options = *o;
    t->model = m;
    t->source = source;
    t->data = data;
    BUG_IF(o->minibatches > 1 && o->batch_size % o->minibatches);
    for (int i = 0; i < data->n_groups; i++)
        most = data->groups[i].n_seqs > most ? data->groups[i].n_seqs : most;
    t->max_seqs = most * o->batch_size;
    t->groups = mem_alloc((size_t)o->batch_size, sizeof *t->groups);
    t->first = mem_alloc((size_t)o->batch_size + 1, sizeof *t->first);
    t->pass_order = mem_alloc((size_t)o->batch_size, sizeof *t->pass_order);
    t->seqs = mem_alloc((size_t)t->max_seqs, sizeof *t->seqs);
    meeting_init(&t->meeting, &t->options.ranks);
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

// ---- where the batches come from ----

static int next_batch(struct trainer *t, struct err *e)
{
    t->at_part = 0;
    t->batch.n = 0; // when there is none, the last one does not come again
    int code = t->source->ops->next(t->source, &t->batch, e);
    if (code)
        return code;
    BUG_IF(t->batch.n > t->options.batch_size);
    t->data = t->batch.data;
    return 0;
}

// The groups of the next update. The first pass takes the batch in its order, later ones in permutations of their own.
static int next_minibatch(struct trainer *t, int *n, struct err *e)
{
    int code = t->batch.n && t->at_part < parts_of_batch(t) ? 0 : next_batch(t, e);
    if (code)
        return code;
    const int cuts = cuts_of_batch(t);
    const int pass = t->at_part / cuts, cut = t->at_part % cuts;
    const int first = t->batch.n * cut / cuts, end = t->batch.n * (cut + 1) / cuts;
    for (int i = 0; i < t->batch.n; i++)
        t->pass_order[i] = i;
    if (pass > 0) { // by the update that the pass begins with
        struct rng r = rng_make(t->options.seed, RNG_SHUFFLE, (uint32_t)(t->step - cut));
        r.index = (uint64_t)pass << 32;
        for (int i = t->batch.n - 1; i > 0; i--) {
            const int k = (int)rng_below(&r, (uint64_t)i + 1), swap = t->pass_order[i];
            t->pass_order[i] = t->pass_order[k];
            t->pass_order[k] = swap;
        }
    }
    for (int i = first; i < end; i++)
        t->groups[i - first] = t->batch.groups[t->pass_order[i]];
    *n = end - first;
    return 0;
}

int trainer_save_source(const struct trainer *t, const char *dir, json_t **out, struct err *e)
{
    const struct group_source_ops *ops = t->source->ops;
    const bool within = t->batch.n && t->at_part > 0 && t->at_part < parts_of_batch(t);
    int code = ops->write ? ops->write(t->source, dir, within, e) : 0;
    if (code)
        return code;
    *out = json_pack("{s:s, s:i, s:o}", "name", ops->name, "part", within ? t->at_part : 0, "state",
                     ops->save(t->source, within && !ops->write));
    return 0;
}

int trainer_restore_source(struct trainer *t, const json_t *saved, const char *dir, struct err *e)
{
    const char *name = json_string_value(json_object_get(saved, "name"));
    int64_t part;
    if (!name || strcmp(name, t->source->ops->name) != 0)
        return err_set(e, ERR_STATE, "the checkpoint's groups came from \"%.40s\", here they come from \"%s\"",
                       name ? name : "?", t->source->ops->name);
    t->batch.n = 0;
    int code = json_get_int(saved, "part", 0, 0, parts_of_batch(t) - 1, &part, "the state of the data", e);
    if (!code)
        code = t->source->ops->restore(t->source, json_object_get(saved, "state"), dir, e);
    t->batch.n = 0;
    if (!code && part > 0 && t->source->ops->read) {
        code = t->source->ops->read(t->source, dir, &t->batch, e);
        t->data = code ? t->data : t->batch.data;
    } else if (!code && part > 0) {
        code = next_batch(t, e);
    }
    if (!code)
        t->at_part = (int)part;
    return code;
}

int trainer_add_value(struct trainer *t, struct model *m, struct err *e)
{
    const struct value_options o = {.recompute = t->options.recompute, .max_batch_tokens = t->options.max_batch_tokens,
                                    .data = t->data,
                                    .tokens = objective_needs(&t->options.objective).networks & NETWORK_TOKEN_VALUE};
    return value_new(&t->value, m, &o, e);
}

int trainer_add_texts(struct trainer *t, const struct dataset *texts, int batch_size, struct err *e)
{
    const struct imitation_options o = {.texts = texts, .batch_size = batch_size,
                                        .max_batch_tokens = t->options.max_batch_tokens,
                                        .most_targets = t->most_targets, .seed = t->options.seed};
    BUG_IF(t->options.ranks.size > 1);
    return imitation_new(&t->imitation, &o, e);
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
    imitation_free(t->imitation);
    group_source_close(t->source);
    meeting_fini(&t->meeting);
    free(t->groups);
    free(t->first);
    free(t->pass_order);
    free(t->seqs);
    free(t);
}

int forward_groups(struct decoder *d, struct packed *p, const struct dataset *data, const int *groups, int n,
                   int max_batch_tokens, const struct reading *r, struct seq *seqs, struct tally *tally, struct err *e)
{
    if (r->needs.columns & COLUMN_TOKENS)
        packed_start_tokens(p, data, groups, n);
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

// Groups at .. end of the batch, as many as fit.
static int micro_batch(struct trainer *t, int at, int end, struct tally *tally, int64_t *n_tokens, int *taken,
                       struct err *e)
{
    const int *groups = t->groups + at;
    struct seq *seqs = t->seqs + t->first[at];
    struct objective_run *r = &t->options.objective;
    const struct reading reading = reading_for(r, t->reference);
    struct packed *p = &t->packed;
    p->without_mismatched = true;
    p->most_targets = t->most_targets;
    *taken = pack_groups(p, t->data, groups, end - at, t->options.max_batch_tokens, reading.needs.networks);
    *n_tokens += p->batch.n_tokens;
    if (reading.needs.columns & COLUMN_TOKENS)
        packed_start_tokens(p, t->data, groups, *taken);
    struct taken from;
    int code = packed_is_taped(p, t->data, &from) ? decoder_take(t->decoder, &p->batch, &from, e)
                                                  : decoder_forward(t->decoder, &p->batch, true, e);
    if (!code)
        code = numbers_read(t->decoder, p, t->data, groups, *taken, &reading, seqs, tally, e);
    if (!code && t->value)
        code = value_read(t->value, t->data, groups, *taken, t->options.max_batch_tokens, true, seqs, e);
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

// Objectives that look at the whole batch first: one more forward pass without a backward, over the own groups of n.
static int prepare(struct trainer *t, int n, int own, int own_end, struct err *e)
{
    struct objective_run *r = &t->options.objective;
    struct tally none = {0};
    t->packed.without_mismatched = false;
    t->packed.most_targets = 0;
    const struct reading reading = reading_for(r, t->reference);
    int code = forward_groups(t->decoder, &t->packed, t->data, t->groups + own, own_end - own,
                              t->options.max_batch_tokens, &reading, t->seqs + t->first[own], NULL, e);
    code = ranks_agree(&t->meeting, code, &none, NULL, e);
    if (!code)
        code = ranks_gather_seqs(&t->meeting, t->seqs, t->first, n, e);
    if (!code)
        r->objective->prepare(r, t->seqs, t->first, n);
    return code;
}

// Adds the texts' gradient to the objective's, and their loss with its weight.
static int imitate(struct trainer *t, int64_t step, int n, double *texts_loss, struct tally *tally, struct err *e)
{
    const double weight = objective_value(&t->options.objective, "ptx-coef");
    int code = imitation_backward(t->imitation, t->decoder, step, weight, texts_loss, e);
    tally->loss += weight * *texts_loss * n; // of a mean over n groups
    return code;
}

// How all ranks' parts went, and the gradients of all of them.
static int meet(struct trainer *t, int code, struct tally *tally, int64_t *n_tokens, struct err *e)
{
    if (!code && t->options.ranks.size > 1)
        code = t->model->ops->sync(t->model->backend, e); // alone, the step's own wait tells
    code = ranks_agree(&t->meeting, code, tally, n_tokens, e);
    if (code || !isfinite(tally->loss))
        return code;
    code = optimizer_sum_grads(&t->optimizer, &t->options.ranks, e);
    return code || !t->value ? code : optimizer_sum_grads(&t->value->optimizer, &t->options.ranks, e);
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

// What is known of an update beside its objective's own numbers.
static void tell(const struct trainer *t, double value_norm, double texts_loss, struct step_result *r)
{
    struct metric_list *m = &r->metrics;
    for (int i = 0; t->batch.facts && t->at_part == 1 && i < t->batch.facts->n; i++)
        metric_add(m, t->batch.facts->items[i].key, t->batch.facts->items[i].value);
    metric_add(m, "grad_norm", r->grad_norm);
    if (t->value)
        metric_add(m, "value_grad_norm", value_norm);
    if (t->imitation)
        metric_add(m, "ptx_loss", texts_loss);
    metric_add(m, "lr", r->lr);
    if (t->options.optimizer.l1 > 0) {
        metric_add(m, "sparsity", t->optimizer.sparsity);
        metric_add(m, "l1_norm", t->optimizer.l1_norm);
    }
    metric_add(m, "step_s", r->seconds);
    metric_add(m, "tokens_per_s", (double)r->n_tokens / r->seconds);
}

int trainer_step(struct trainer *t, struct step_result *r, struct err *e)
{
    const double began = clock_seconds();
    int n = 0;
    const int64_t step = t->step + 1;
    struct objective_run *objective = &t->options.objective;
    struct tally tally = {0};
    double texts_loss = 0;
    double state[OBJECTIVE_MAX_STATE];
    memcpy(state, objective->state, sizeof state);
    *r = (struct step_result){.step = step};
    int code = next_minibatch(t, &n, e);
    if (code)
        return code;
    batch_facts(objective, t->data, t->groups, n, t->first);
    objective->longest = t->options.longest;
    objective->seed = t->options.seed;
    objective->step = step;
    const int own = ranks_first(&t->options.ranks, n, t->options.ranks.rank),
              own_end = ranks_first(&t->options.ranks, n, t->options.ranks.rank + 1);
    code = objective_needs(objective).batch_first ? prepare(t, n, own, own_end, e) : 0;
    const bool prepared = !code;
    for (int at = own, taken; !code && at < own_end && isfinite(tally.loss); at += taken)
        code = micro_batch(t, at, own_end, &tally, &r->n_tokens, &taken, e);
    if (!code && t->imitation && isfinite(tally.loss))
        code = imitate(t, step, n, &texts_loss, &tally, e);
    if (prepared) // else all ranks know
        code = meet(t, code, &tally, &r->n_tokens, e);
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
    t->at_part++;
    r->seconds = clock_seconds() - began;
    tally_metrics(&tally, objective, false, &r->metrics);
    tell(t, value_norm, texts_loss, r);
    return 0;
}
