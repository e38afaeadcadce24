#include "config.h"

#include "train/online/rollouts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "train/online/rollout_parts.h"

enum { MOST_ROUNDS = 8 }; // of prompts that are drawn for one batch
static const char batch_file[] = "state.rollouts.safetensors";

static void facts_of_sampling(const struct rollouts *r, const struct rollout_batch *b, double waited,
                              struct metric_list *facts)
{
    double n_tokens = 0;
    for (int i = 0; i < b->data.n_seqs; i++)
        n_tokens += b->data.seqs[i].n;
    metric_add(facts, "rollout/sample_s", b->sample_s);
    metric_add(facts, "rollout/wait_s", waited); // that training stood still
    metric_add(facts, "rollout/tokens_per_s", n_tokens / b->sample_s);
    metric_add(facts, "rollout/staleness", (double)(r->trainer->step - b->step));
}

// A batch of prompts, answered, scored and judged.
static int draw(struct rollouts *r, int64_t position, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    const double began = clock_seconds();
    struct rollout_batch *drawn = b;
    int code = r->ahead ? rollout_ahead_await(r->ahead, position, &drawn, e)
                        : rollout_say(&r->sampler, position, r->source.batch_size, b, e);
    if (code)
        return code;
    const double waited = clock_seconds() - began;
    if (!r->ahead)
        b->step = r->trainer->step;
    code = rollout_measure(r, drawn, e);
    if (!code)
        code = r->o.score(r->o.with, drawn, facts, e);
    if (code) {
        if (!r->ahead) // else it comes again
            rollout_batch_fini(b);
        return code;
    }
    if (r->ahead)
        rollout_ahead_take(r->ahead, b);
    rollout_judge(r, b);
    rollout_facts(r, b, facts);
    facts_of_sampling(r, b, waited, facts);
    free(b->own);
    b->own = NULL;
    return 0;
}

// What is learnt from of a batch that was drawn; returns how many groups.
static int leave_useful(struct rollouts *r, struct rollout_batch *b)
{
    if (r->o.dynamic) {
        bool *keep = mem_alloc((size_t)b->data.n_groups + 1, sizeof *keep);
        for (int g = 0; g < b->data.n_groups; g++)
            keep[g] = rollout_has_spread(b, g);
        rollout_select(b, keep);
        free(keep);
    }
    rollout_pick(r, b);
    return b->data.n_groups;
}

// The places of n tokens behind those of `at` others, on the same tape.
static void append_taped(struct taped *to, size_t at, const struct taped *from, size_t n)
{
    if (!to->tape)
        return;
    BUG_IF(from->tape != to->tape || from->number != to->number);
    to->rows = mem_realloc(to->rows, at + n, sizeof *to->rows);
    to->logits = mem_realloc(to->logits, at + n, sizeof *to->logits);
    for (size_t i = 0; i < n; i++) {
        to->rows[at + i] = from->rows[i];
        to->logits[at + i] = from->logits[i];
    }
}

// The groups of `more` behind those of `to`, up to the batch's size; `more` is used up.
static void append(struct rollouts *r, struct rollout_batch *to, struct rollout_batch *more)
{
    struct dataset *d = &to->data;
    const struct dataset *from = &more->data;
    const int room = r->source.batch_size - d->n_groups, n = from->n_groups < room ? from->n_groups : room;
    int n_seqs = 0;
    for (int g = 0; g < n; g++)
        n_seqs += from->groups[g].n_seqs;
    const size_t all = (size_t)(d->n_seqs + n_seqs) + 1, at = d->n_tokens;
    dataset_add_tokens(d, from->tokens, from->n_tokens);
    for (int c = 0; c < N_TOKEN_COLUMNS; c++) {
        d->token_columns[c] = mem_realloc(d->token_columns[c], d->n_tokens, sizeof *d->token_columns[c]);
        for (size_t i = 0; i < from->n_tokens; i++)
            d->token_columns[c][at + i] = from->token_columns[c][i];
    }
    append_taped(&d->taped, at, &from->taped, from->n_tokens);
    for (size_t i = 0; i < from->n_set_tokens; i++) {
        const int32_t *ids;
        const size_t n_ids = dataset_set(from, i, &ids);
        if (n_ids)
            dataset_put_set(d, at + i, ids, n_ids);
    }
    d->groups = mem_realloc(d->groups, (size_t)r->source.batch_size + 1, sizeof *d->groups);
    d->seqs = mem_realloc(d->seqs, all, sizeof *d->seqs);
    to->ended = mem_realloc(to->ended, all, sizeof *to->ended);
    to->scores = mem_realloc(to->scores, all, sizeof *to->scores);
    if (from->refs)
        d->refs = mem_realloc(d->refs, all, sizeof *d->refs);
    for (int g = 0; g < n; g++) {
        struct ds_group group = from->groups[g];
        for (int k = 0; k < group.n_seqs; k++) {
            const int old = from->groups[g].first_seq + k, now = d->n_seqs + k;
            d->seqs[now] = from->seqs[old];
            d->seqs[now].first += at;
            to->ended[now] = more->ended[old];
            to->scores[now] = more->scores[old];
            if (from->refs)
                d->refs[now] = from->refs[old];
        }
        group.prompt += at;
        group.first_seq = d->n_seqs;
        d->n_seqs += group.n_seqs;
        d->groups[d->n_groups++] = group;
    }
    rollout_batch_fini(more);
}

// Room for one round of answers at their longest; of further ones what is left.
static void start_tape(struct rollouts *r, int64_t position)
{
    const struct rollout_sampler *s = &r->sampler;
    const size_t answers = (size_t)s->o->samples * (size_t)s->o->batch_size;
    size_t n_prompts = 0;
    if (!s->tape)
        return;
    for (int i = 0; i < s->o->batch_size; i++)
        n_prompts += (size_t)s->o->prompts->groups[data_order_at(&r->sampler.order, position + i)].n_prompt;
    tape_start(s->tape, n_prompts + answers * (size_t)s->o->sampling.max_new_tokens,
               (size_t)s->o->batch_size + answers * (size_t)s->o->sampling.max_new_tokens);
}

static int next_rollouts(struct group_source *s, struct group_batch *out, struct err *e)
{
    struct rollouts *r = (struct rollouts *)s;
    struct rollout_batch batch = {0};
    struct metric_list facts = {0};
    int64_t position = r->position;
    int n_useful = 0, rounds = 0, code = 0;
    start_tape(r, position);
    while (!code && n_useful < s->batch_size && rounds < MOST_ROUNDS && (n_useful == 0 || r->o.dynamic)) {
        struct rollout_batch more = {0};
        struct metric_list said = {0};
        code = draw(r, position, &more, &said, e);
        if (code)
            break;
        position += s->batch_size;
        if (r->ahead) // it is taken, and does not come again
            r->position = position;
        if (rounds++ == 0)
            facts = said; // of what the policy says unasked; the other rounds are a choice of prompts
        if (r->o.keep)
            r->o.keep(r->o.with, &more, r->trainer->step + 1);
        if (leave_useful(r, &more) > 0 && n_useful > 0)
            append(r, &batch, &more);
        else if (n_useful == 0) {
            rollout_batch_fini(&batch);
            batch = more;
        } else {
            rollout_batch_fini(&more);
        }
        n_useful = batch.data.n_groups;
    }
    if (!code && n_useful == 0)
        code = err_set(
            e, ERR_STATE, "of the answers to %d prompts none can be learnt from: they %s", rounds * s->batch_size,
            r->o.ended_only
                ? "were all cut off (more max-new-tokens let them end), or all earn the same"
                : "earn the same, all to each prompt: another reward, or more temperature, tells them apart");
    if (code) {
        rollout_batch_fini(&batch);
        return code;
    }
    rollout_batch_fini(&r->batch);
    r->batch = batch;
    r->position = position;
    r->facts = facts;
    if (r->o.dynamic)
        metric_add(&r->facts, "rollout/rounds", rounds);
    *out = (struct group_batch){&r->batch.data, r->groups, n_useful, &r->facts};
    return 0;
}

static json_t *save_rollouts(const struct group_source *s, bool before_last)
{
    const struct rollouts *r = (const struct rollouts *)s;
    json_t *saved = json_pack("{s:I}", "position", (json_int_t)r->position);
    if (r->ahead)
        json_object_set_new(saved, "ahead", rollout_ahead_save(r->ahead));
    return saved;
}

static int restore_rollouts(struct group_source *s, const json_t *saved, const char *dir, struct err *e)
{
    struct rollouts *r = (struct rollouts *)s;
    int code = json_get_int(saved, "position", 0, 0, INT64_MAX, &r->position, "the state of the data", e);
    return code || !r->ahead ? code : rollout_ahead_restore(r->ahead, json_object_get(saved, "ahead"), dir, e);
}

static int write_batches(struct group_source *s, const char *dir, bool in_batch, struct err *e)
{
    struct rollouts *r = (struct rollouts *)s;
    int code = in_batch ? rollout_write(&r->batch, dir, batch_file, e) : 0;
    return code || !r->ahead ? code : rollout_ahead_write(r->ahead, dir, e);
}

static int read_batch(struct group_source *s, const char *dir, struct group_batch *out, struct err *e)
{
    struct rollouts *r = (struct rollouts *)s;
    struct rollout_batch b;
    int code = rollout_read(r, &b, dir, batch_file, e);
    if (code)
        return code;
    rollout_batch_fini(&r->batch);
    r->batch = b;
    *out = (struct group_batch){&r->batch.data, r->groups, r->batch.data.n_groups, NULL};
    return 0;
}

static void close_rollouts(struct group_source *s)
{
    struct rollouts *r = (struct rollouts *)s;
    rollout_ahead_free(r->ahead);
    rollout_batch_fini(&r->batch);
    dataset_fini(&r->sizes);
    data_order_fini(&r->sampler.order);
    tape_free(r->sampler.tape);
    free(r->groups);
    free(r);
}

static const struct group_source_ops ops = {.name = "rollouts", .next = next_rollouts, .save = save_rollouts,
                                            .restore = restore_rollouts, .write = write_batches, .read = read_batch,
                                            .close = close_rollouts};

// Two groups: the largest that may come, all answers at their longest to the longest prompt, and the smallest.
static void make_sizes(struct rollouts *r)
{
    const struct rollout_options *o = &r->o;
    struct dataset *d = &r->sizes;
    int longest = 1, shortest = o->prompts->groups[0].n_prompt;
    for (int g = 0; g < o->prompts->n_groups; g++) {
        const int n = o->prompts->groups[g].n_prompt;
        longest = n > longest ? n : longest;
        shortest = n < shortest ? n : shortest;
    }
    d->groups = mem_alloc(2, sizeof *d->groups);
    d->seqs = mem_alloc((size_t)o->samples + 1, sizeof *d->seqs);
    for (int k = 0; k < o->samples; k++)
        d->seqs[d->n_seqs++] = (struct ds_seq){.n = o->sampling.max_new_tokens};
    d->groups[d->n_groups++] = (struct ds_group){.n_prompt = longest, .n_seqs = o->samples};
    d->groups[d->n_groups++] = (struct ds_group){.n_prompt = shortest, .first_seq = d->n_seqs, .n_seqs = 1};
    d->seqs[d->n_seqs++] = (struct ds_seq){.n = 1};
}

void rollouts_new(struct group_source **out, const struct rollout_options *o)
{
    struct rollouts *r = mem_alloc(1, sizeof *r);
    r->o = *o;
    r->groups = mem_alloc((size_t)o->batch_size, sizeof *r->groups);
    for (int i = 0; i < o->batch_size; i++)
        r->groups[i] = i;
    data_order_init(&r->sampler.order, o->prompts->n_groups, o->seed);
    make_sizes(r);
    r->source = (struct group_source){&ops, &r->sizes, o->batch_size};
    *out = &r->source;
}

struct rollouts *rollouts_of(struct group_source *s)
{
    BUG_IF(s->ops != &ops);
    return (struct rollouts *)s;
}

// Else little of a tape would be of use.
static bool takes_whole_batches(const struct trainer *t)
{
    return t->options.minibatches <= 1 && !t->options.recompute && t->options.ranks.size <= 1;
}

bool rollouts_are_taken(struct group_source *s)
{
    const struct tape *tape = rollouts_of(s)->sampler.tape;
    return tape && tape->rows > 0;
}

int rollouts_attach(struct group_source *s, struct trainer *t, struct err *e)
{
    struct rollouts *r = rollouts_of(s);
    struct rollout_sampler *by = &r->sampler;
    BUG_IF(r->o.ahead && r->o.dynamic);
    r->trainer = t;
    by->o = &r->o;
    by->model = t->model;
    by->decoder = t->decoder;
    by->packed = &t->packed;
    by->objective = &t->options.objective;
    by->reference = t->reference;
    by->max_batch_tokens = t->options.max_batch_tokens;
    by->is_cut = t->options.objective.is_cut;
    by->inv_temperature = t->options.objective.inv_temperature;
    by->decodes_as_it_trains = by->model->ops->decodes_as_it_trains(by->model->backend);
    by->progress = r->o.progress;
    by->with = r->o.with;
    if (!r->o.ahead && takes_whole_batches(t) && rollout_says_all(by))
        by->tape = tape_new(t->model);
    return r->o.ahead ? rollout_ahead_new(&r->ahead, r, e) : 0;
}
