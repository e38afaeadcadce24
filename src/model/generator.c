#include "config.h"

#include "model/generator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/gen_sample.h"
#include "model/generate.h"
#include "model/generator_parts.h"

enum {
    PREFILL_TOKENS = 2048, // of the prompts in one forward; a longer prompt runs alone
    PACK_TOKENS = 8,       // of a stream, still to come, for which packing the weights is worth its time
    PACK_HALVES = 8,       // streams for which it is worth that of weights in bf16 and f16, which it makes twice as large
    SEATS_WORTH = 64,      // free places for streams that are worth a forward of prompts while others decode
};

// ---- memory ----

static void lay_out(struct generator *g, struct carve *c)
{
    struct parts *p = &g->parts;
    size_t rest;
    g->drawn_tokens = carve_bytes(c, g->rows, sizeof(int32_t)); // and what else is said of them, in one piece
    g->logprobs = carve_floats(c, g->rows, 1);
    g->entropy = carve_floats(c, g->rows, 1);
    g->drawn = carve_floats(c, g->set_rows, 1);
    g->sets = carve_bytes(c, g->set_rows, sampled_set_words(p->m->arch.vocab_size) * sizeof *g->sets);
    g->plan_block = carve_bytes(c, 1, gen_lay_plan(&g->plan, NULL, g->rows, g->rows));
    g->x = carve_floats(c, g->rows, p->w.c);
    carve_layer(c, &g->acts, &p->w, g->rows, &rest);
    g->acts.x = g->x;
    carve_scratch(c, &p->s, &p->w, g->rows, false);
    g->wide = p->w.projected ? carve_floats(c, g->rows, p->w.embed) : NULL;
    carve_final(c, &g->final, p, g->logit_rows);
    g->logits = carve_floats(c, g->logit_rows, (size_t)p->m->arch.vocab_size);
    g->second_x = g->second.model ? carve_floats(c, g->rows, p->w.c) : NULL;
    g->second_logits = g->second.model ? carve_floats(c, g->logit_rows, (size_t)p->m->arch.vocab_size) : NULL;
    g->second_parts.s = p->s;
}

static bool keeps_sets(const struct generator *g, int n_streams)
{
    for (int i = 0; i < n_streams; i++)
        if (g->streams[i].job->r.options.keep_sets)
            return true;
    return false;
}

static bool keeps_entropy(const struct stream *streams, int n)
{
    for (int i = 0; i < n; i++)
        if (streams[i].job->r.options.keep_entropy)
            return true;
    return false;
}

// Where something stands behind the tokens that were drawn, in bytes: there, and in the host's copy.
static size_t behind_tokens(const struct generator *g, const void *at)
{
    return (size_t)((const char *)at - (const char *)g->drawn_tokens);
}

static const void *said(const struct generator *g, const void *at)
{
    return g->host_said + behind_tokens(g, at);
}

// Nothing in the block outlives a step: it may be made anew between two.
static int make_room(struct generator *g, size_t rows, struct err *e)
{
    const size_t vocab = (size_t)g->parts.m->arch.vocab_size, most = GENERATE_LOGIT_BYTES / sizeof(float) / vocab;
    const size_t set_rows = !keeps_sets(g, g->n_streams) ? 0 : rows < GENERATE_MAX_STREAMS ? rows : GENERATE_MAX_STREAMS;
    struct carve count = {0};
    if (rows <= g->rows && set_rows <= g->set_rows)
        return 0;
    rows = rows < g->rows ? g->rows : rows;
    g->set_rows = set_rows < g->set_rows ? g->set_rows : set_rows;
    g->parts.ops->free(g->parts.b, g->block);
    g->block = NULL;
    g->rows = rows;
    g->logit_rows = most < 1 ? 1 : most > rows ? rows : most;
    lay_out(g, &count);
    if (count.overflow)
        return err_set(e, ERR_LIMIT, "sampling needs more memory than can be addressed");
    g->block = g->parts.ops->alloc(g->parts.b, count.used, "the activations of sampling", e);
    if (!g->block) {
        g->rows = 0;
        return ERR_LIMIT;
    }
    struct carve place = {.base = g->block};
    lay_out(g, &place);
    free(g->host_plan_block);
    g->host_plan_block = mem_alloc(gen_lay_plan(&g->host_plan, NULL, rows, rows), 1); // what is between its parts goes along
    g->host_said = mem_realloc(g->host_said, behind_tokens(g, g->plan_block), 1);
    g->shares = mem_realloc(g->shares, rows, sizeof *g->shares);
    return 0;
}

// For n rows and n_draws draws, the same in both places.
static void lay_plan(struct generator *g, int n, int n_draws)
{
    gen_lay_plan(&g->plan, g->plan_block, (size_t)n, (size_t)n_draws);
    gen_lay_plan(&g->host_plan, g->host_plan_block, (size_t)n, (size_t)n_draws);
}

// ---- packed weights ----

static void use_packed(struct generator *g)
{
    g->parts.packed = packed_weights_are_of(&g->packed, g->parts.m) ? g->packed.of : NULL;
    g->second_parts.packed = g->second.model == g->parts.m ? g->parts.packed : NULL;
}

static void pack_weights(struct generator *g)
{
    const int least = part_head_weight(&g->parts).type == DTYPE_F32 ? 1 : PACK_HALVES;
    bool worth = false;
    for (int i = 0; i < g->n_streams && !worth; i++) {
        const struct stream *s = &g->streams[i];
        worth = s->job->max_new - s->job->samples[s->sample].n_tokens >= PACK_TOKENS;
    }
    if (worth && g->n_streams >= least)
        packed_weights_make(&g->packed, g->parts.m);
    use_packed(g);
}

// What is trained needs its memory for that, and its weights are about to change.
static void unpack_weights(struct generator *g)
{
    const struct model *m = g->parts.m;
    if (m->grads || m->lora_grads)
        packed_weights_fini(&g->packed, m);
    use_packed(g);
}

// ---- jobs ----

static void append(struct gen_job **list, struct gen_job *job)
{
    while (*list)
        list = &(*list)->next;
    job->next = NULL;
    *list = job;
}

static bool unlink_job(struct gen_job **list, struct gen_job *job)
{
    while (*list && *list != job)
        list = &(*list)->next;
    if (!*list)
        return false;
    *list = job->next;
    return true;
}

static void end_job(struct generator *g, struct gen_job *job, bool whole)
{
    unlink_job(&g->waiting, job);
    unlink_job(&g->live, job);
    if (job->r.on_end)
        job->r.on_end(job->r.arg, job->samples, whole);
    else
        gen_samples_free(job->samples, job->r.n_samples);
    free(job);
    if (!generator_is_busy(g))
        unpack_weights(g);
}

static int check_prompt(const struct generator *g, const struct gen_request *r, struct err *e)
{
    const int vocab = g->parts.m->arch.vocab_size, n_positions = parts_max_positions(&g->parts);
    const struct gen_options *o = &r->options;
    BUG_IF(o->second != 0 && !(g->second.model && o->second > 0 && o->second <= 1));
    BUG_IF(o->max_new_tokens < 0 || o->temperature < 0 || o->top_k < 0 || !(o->top_p > 0) ||
           !(o->min_p >= 0 && o->min_p <= 1));
    if (r->n_prompt <= 0)
        return err_set(e, ERR_INPUT, "prompt %u is empty: it needs at least one token, such as the begin-of-text token",
                       r->number + 1);
    if (r->n_prompt > n_positions)
        return err_set(e, ERR_INPUT, "prompt %u has %d tokens, the model can take %d: shorten it", r->number + 1,
                       r->n_prompt, n_positions);
    for (int j = 0; j < r->n_prompt; j++)
        if (r->prompt[j] < 0 || r->prompt[j] >= vocab)
            return err_set(e, ERR_INPUT, "token %d of prompt %u is outside of the model's vocabulary of %d: the tokenizer "
                           "does not belong to this model", (int)r->prompt[j], r->number + 1, vocab);
    return 0;
}

int generator_submit(struct generator *g, const struct gen_request *r, struct gen_job **out, struct err *e)
{
    int code = check_prompt(g, r, e);
    if (code)
        return code;
    struct gen_job *job = mem_alloc(1, sizeof *job);
    const int left = parts_max_positions(&g->parts) - r->n_prompt;
    job->r = *r;
    job->max_new = left < r->options.max_new_tokens ? left : r->options.max_new_tokens;
    job->samples = gen_samples_new(r, job->max_new, g->tape != NULL, e);
    if (!job->samples) {
        free(job);
        return ERR_LIMIT;
    }
    const bool nothing = r->n_samples == 0 || job->max_new == 0; // the prompt fills the model's longest sequence
    if (out)
        *out = nothing ? NULL : job;
    append(&g->waiting, job);
    if (nothing)
        end_job(g, job, true);
    return 0;
}

bool generator_is_busy(const struct generator *g)
{
    return g->waiting || g->live;
}

// Gives a stream's memory back.
static void leave(struct generator *g, struct stream *s)
{
    kv_cache_give(&g->cache, s->own);
    if (--s->seat->n_users == 0) {
        kv_cache_give(&g->cache, s->seat->first);
        free(s->seat);
    }
}

void generator_cancel(struct generator *g, struct gen_job *job)
{
    int n = 0;
    for (int i = 0; i < g->n_streams; i++)
        if (g->streams[i].job == job)
            leave(g, &g->streams[i]);
        else
            g->streams[n++] = g->streams[i];
    g->n_streams = n;
    end_job(g, job, false);
}

static int fail(struct generator *g, int code)
{
    while (g->live)
        generator_cancel(g, g->live);
    while (g->waiting)
        generator_cancel(g, g->waiting);
    return code;
}

static void generator_free(struct generator *g)
{
    while (g->live)
        generator_cancel(g, g->live);
    while (g->waiting)
        generator_cancel(g, g->waiting);
    kv_cache_fini(&g->cache);
    packed_weights_fini(&g->packed, g->parts.m);
    g->parts.ops->free(g->parts.b, g->block);
    free(g->host_plan_block);
    free(g->host_said);
    free(g->shares);
    free(g);
}

int generator_of(struct generator **out, struct model *m, struct err *e)
{
    struct generator *g = m->generator;
    if (!g) {
        g = m->generator = mem_alloc(1, sizeof *g);
        m->generator_free = generator_free;
        parts_init(&g->parts, m);
        kv_cache_init(&g->cache, &g->parts, g->parts.m->arch.n_layers);
    } else if (!generator_is_busy(g)) { // an adapter may have come or gone: other scratch
        const size_t rank = g->parts.w.rank;
        struct part_scratch s = g->parts.s;
        parts_init(&g->parts, m);
        g->parts.s = s;
        if (g->parts.w.rank != rank)
            g->rows = 0;
    }
    *out = g;
    return 0;
}

void generator_set_second(struct generator *g, const struct gen_second *second)
{
    BUG_IF(generator_is_busy(g) || (second && g->tape));
    const bool had = g->second.model;
    g->second = second ? *second : (struct gen_second){0};
    if (g->second.model) {
        parts_init(&g->second_parts, g->second.model);
        BUG_IF(g->second_parts.w.rank > g->parts.w.rank); // they share scratch
        g->second_parts.s = g->parts.s;
    }
    if (had == (second != NULL))
        return;
    g->rows = 0; // other memory
    kv_cache_fini(&g->cache);
    kv_cache_init(&g->cache, &g->parts, g->parts.m->arch.n_layers * (second ? 2 : 1));
}

void generator_set_tape(struct generator *g, struct tape *tape)
{
    BUG_IF(generator_is_busy(g) || (tape && (g->second.model || tape->model != g->parts.m)));
    g->tape = tape;
    g->on_tape = false;
}

// ---- tokens ----

// Whether its newest token ends it.
static bool is_stop(const struct gen_options *o, const struct gen_sample *s)
{
    for (int i = 0; i < o->n_stop; i++)
        if (o->stop_ids[i] == s->tokens[s->n_tokens - 1])
            return true;
    return o->ends && o->ends(o->ends_arg, s->tokens, s->n_tokens);
}

// What the sample's newest token was drawn from; its place among the drawn ones is `at`.
static int keep_set(const struct generator *g, struct gen_sample *s, int at, struct err *e)
{
    const int vocab = g->parts.m->arch.vocab_size;
    const uint32_t *sets = said(g, g->sets);
    return gen_sample_keep(s, ((const float *)said(g, g->drawn))[at], sets + (size_t)at * sampled_set_words(vocab),
                           vocab, e);
}

// Takes the drawn tokens of `streams` (n of them) to their samples. live[i]: there is more to come.
static int take_tokens(struct generator *g, struct stream *streams, int n, bool *live, struct err *e)
{
    const struct parts *p = &g->parts;
    const void *end = g->logprobs + n; // one download: the device is waited for once
    if (keeps_entropy(streams, n))
        end = g->entropy + n;
    if (g->set_rows && keeps_sets(g, g->n_streams))
        end = g->sets + (size_t)n * sampled_set_words(p->m->arch.vocab_size);
    p->ops->download(p->b, g->host_said, g->drawn_tokens, behind_tokens(g, end));
    const int32_t *tokens = said(g, g->drawn_tokens);
    const float *logprobs = said(g, g->logprobs), *entropy = said(g, g->entropy);
    int code = p->ops->sync(p->b, e);
    for (int i = 0; i < n && !code; i++) {
        struct stream *s = &streams[i];
        struct gen_sample *sample = &s->job->samples[s->sample];
        const int32_t token = tokens[i];
        if (token < 0)
            return err_set(e, ERR_NUMERIC, "the model's output is not finite: its weights are damaged or training diverged");
        sample->tokens[sample->n_tokens] = token;
        sample->logprobs[sample->n_tokens++] = logprobs[i];
        if (s->job->r.options.keep_entropy)
            sample->entropy += (double)entropy[i];
        if (s->job->r.options.keep_sets && (code = keep_set(g, sample, i, e)) != 0)
            break;
        sample->stopped = is_stop(&s->job->r.options, sample);
        s->position++;
        live[i] = !sample->stopped && sample->n_tokens < s->job->max_new;
        if (!s->job->stopped && s->job->r.on_token && !s->job->r.on_token(s->job->r.arg, s->sample, token, logprobs[i]))
            s->job->stopped = true;
    }
    return code;
}

// Takes the streams that ended out of the list, keeping the order, and ends jobs that have no more.
static void drop_ended(struct generator *g, const bool *live)
{
    int n = 0;
    for (int i = 0; i < g->n_streams; i++)
        if (live[i]) {
            g->streams[n++] = g->streams[i];
        } else {
            leave(g, &g->streams[i]);
            g->streams[i].job->n_ended++;
        }
    g->n_streams = n;
    for (struct gen_job *job = g->live, *next; job; job = next) {
        next = job->next;
        if (job->stopped)
            generator_cancel(g, job);
        else if (job->n_ended == job->r.n_samples)
            end_job(g, job, true);
    }
    if (g->waiting && g->waiting->stopped) // some of its samples had begun
        generator_cancel(g, g->waiting);
}

// ---- prompts ----

// Says what the prompts of streams [first, end) are, once for each seat, whose streams stand together, and from which of
// their last rows each stream draws. Returns how many there are.
static int plan_prompts(struct generator *g, int first, int end, int *logit_row)
{
    const struct gen_plan *plan = &g->host_plan;
    int n = 0, n_segments = 0;
    for (int i = first; i < end; i++) {
        const struct stream *s = &g->streams[i];
        const int n_prompt = s->seat->n_prompt;
        if (i == first || s->seat != g->streams[i - 1].seat) {
            for (int j = 0; j < n_prompt; j++) {
                plan->tokens[n + j] = s->job->r.prompt[j];
                plan->positions[n + j] = j + g->parts.m->arch.position_offset;
                plan->put_ids[n + j] = (int32_t)s->seat->first + j;
            }
            plan->segments[n_segments] = (struct attn_segment){n, n_prompt, 0, 0};
            n += n_prompt;
            plan->row_ids[n_segments++] = n - 1;
        }
        logit_row[i - first] = n_segments - 1;
    }
    return n_segments;
}

// Runs the n tokens of the prompts of streams [first, end) in one forward and draws their first tokens.
static int prefill_piece(struct generator *g, int first, int end, int n, bool *live, struct err *e)
{
    const struct stream *streams = g->streams + first;
    int logit_row[GENERATE_MAX_STREAMS];
    lay_plan(g, n, end - first);
    const int n_segments = plan_prompts(g, first, end, logit_row);
    gen_send_plan(g, streams, end - first, logit_row, end - first);
    gen_take_place(g, n, n_segments);
    gen_run(g, gen_speakers(streams, end - first), n, n_segments, 0);
    gen_draw(g, n_segments, streams, end - first, logit_row);
    const int code = take_tokens(g, g->streams + first, end - first, live + first, e);
    if (!code)
        gen_tell_place(g, streams, end - first, logit_row);
    return code;
}

// The prompts of the streams from `first` on, in pieces of bounded size.
static int prefill(struct generator *g, int first, struct err *e)
{
    bool live[GENERATE_MAX_STREAMS];
    int code = 0;
    for (int i = 0; i < first; i++)
        live[i] = true;
    while (first < g->n_streams && !code) {
        size_t n = 0;
        int end = first;
        while (end < g->n_streams && (n == 0 || n + (size_t)g->streams[end].seat->n_prompt <= PREFILL_TOKENS)) {
            const struct seat *seat = g->streams[end].seat;
            n += (size_t)seat->n_prompt;
            while (end < g->n_streams && g->streams[end].seat == seat)
                end++;
        }
        code = make_room(g, n < (size_t)(end - first) ? (size_t)(end - first) : n, e);
        if (!code)
            code = prefill_piece(g, first, end, (int)n, live, e);
        first = end;
    }
    if (!code)
        drop_ended(g, live);
    return code;
}

// As many samples of the first waiting job as fit become streams. Returns how many.
static int seat_some(struct generator *g)
{
    struct gen_job *job = g->waiting;
    struct seat *seat = mem_alloc(1, sizeof *seat);
    *seat = (struct seat){.n_prompt = job->r.n_prompt};
    if (!kv_cache_take(&g->cache, (size_t)seat->n_prompt, &seat->first)) {
        free(seat);
        return 0;
    }
    for (size_t own; job->n_started < job->r.n_samples && g->n_streams < GENERATE_MAX_STREAMS &&
                     kv_cache_take(&g->cache, (size_t)job->max_new, &own); seat->n_users++)
        g->streams[g->n_streams++] = (struct stream){job, job->n_started++, job->r.n_prompt - 1, seat, own};
    const int n = seat->n_users;
    if (n == 0) {
        kv_cache_give(&g->cache, seat->first);
        free(seat);
    }
    if (job->n_started == job->r.n_samples) {
        g->waiting = job->next;
        append(&g->live, job);
    }
    return n;
}

// Rows of the cache for what waits, within its bound; at least for one stream of the first job.
static int reserve(struct generator *g, struct err *e)
{
    const size_t most = GENERATE_CACHE_BYTES / kv_cache_token_bytes(&g->parts.w, g->cache.n_layers);
    const struct gen_job *first = g->waiting;
    size_t rows = (size_t)first->r.n_prompt + (size_t)first->max_new, all = 0;
    for (const struct gen_job *job = first; job && all < most; job = job->next)
        all += (size_t)job->r.n_prompt + (size_t)job->max_new * (size_t)(job->r.n_samples - job->n_started);
    all = all < most ? all : most;
    return kv_cache_reserve(&g->cache, rows > all ? rows : all, e);
}

static int admit(struct generator *g, struct err *e)
{
    const int before = g->n_streams, free_places = GENERATE_MAX_STREAMS - before;
    int code = 0, n_waiting = 0;
    for (const struct gen_job *job = g->waiting; job && n_waiting <= free_places; job = job->next)
        n_waiting += job->r.n_samples - job->n_started;
    if (!g->waiting || (before && n_waiting > free_places && free_places < SEATS_WORTH))
        return 0;
    if (!before)
        code = reserve(g, e);
    while (!code && g->waiting && g->n_streams < GENERATE_MAX_STREAMS && seat_some(g) > 0)
        ;
    return code || g->n_streams == before ? code : prefill(g, before, e);
}

// ---- one token more for every stream ----

// Rows of a forward of n streams. Where calls are recorded, there are few different numbers of them; the rows behind the
// streams are the last one's once more, and nobody draws from them.
static int decoded_rows(const struct generator *g, int n)
{
    int rows = 1;
    if (!g->parts.ops->records(g->parts.b))
        return n;
    while (rows < n && rows < 8)
        rows *= 2;
    return rows < n ? (n + 7) / 8 * 8 : rows;
}

// Says what row i of a forward has: the newest token of a stream. Returns how many keys it attends to.
static int plan_token(struct generator *g, int i, const struct stream *s)
{
    const struct gen_plan *plan = &g->host_plan;
    const struct gen_sample *sample = &s->job->samples[s->sample];
    const int own = s->position - s->seat->n_prompt;
    plan->tokens[i] = sample->tokens[sample->n_tokens - 1];
    plan->positions[i] = s->position + g->parts.m->arch.position_offset;
    plan->put_ids[i] = (int32_t)s->own + own;
    plan->kv_rows[i] = (struct kv_rows){(int32_t)s->seat->first, s->seat->n_prompt, (int32_t)s->own, own + 1};
    return s->position + 1;
}

static int decode(struct generator *g, struct err *e)
{
    const int n = g->n_streams, rows = decoded_rows(g, n);
    bool live[GENERATE_MAX_STREAMS];
    int most_keys = 1;
    int code = make_room(g, (size_t)rows, e);
    if (code)
        return code;
    pack_weights(g);
    lay_plan(g, rows, rows);
    for (int i = 0; i < rows; i++) {
        const int last = i < n ? i : n - 1, keys = plan_token(g, i, &g->streams[last]);
        g->host_plan.row_ids[i] = last;
        most_keys = keys > most_keys ? keys : most_keys;
    }
    gen_send_plan(g, g->streams, n, NULL, rows);
    gen_take_place(g, rows, rows);
    gen_decode(g, n, rows, most_keys);
    code = take_tokens(g, g->streams, n, live, e);
    if (code)
        return code;
    gen_tell_place(g, g->streams, n, NULL);
    drop_ended(g, live);
    return 0;
}

int generator_step(struct generator *g, struct err *e)
{
    use_packed(g);
    int code = admit(g, e);
    if (!code && g->n_streams)
        code = decode(g, e);
    return code ? fail(g, code) : 0;
}
