#include "config.h"

#include "model/decoder_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { LOGIT_CHUNK_BYTES = 16 << 20 };

static bool is_sound(const struct token_set *s, int32_t target, int vocab)
{
    bool has_target = s->n == 0;
    for (int i = 0; i < s->n; i++) {
        if (s->ids[i] < 0 || s->ids[i] >= vocab || (i && s->ids[i] <= s->ids[i - 1]))
            return false;
        has_target = has_target || s->ids[i] == target;
    }
    return has_target;
}

static int check_batch(const struct decoder *d, const struct seq_batch *batch, struct err *e)
{
    const struct parts *p = &d->parts;
    int vocab = p->m->arch.vocab_size, n_positions = parts_max_positions(p);
    BUG_IF(batch->n_tokens <= 0 || batch->n_segments <= 0 || batch->n_targets < 0 || batch->n_seqs < 0);
    for (int i = 0; i < batch->n_tokens; i++) {
        if (batch->tokens[i] < 0 || batch->tokens[i] >= vocab)
            return err_set(e, ERR_INPUT,
                           "token %d is outside of the model's vocabulary of %d: the tokenizer does not belong to this "
                           "model",
                           (int)batch->tokens[i], vocab);
        if (batch->positions[i] < 0 || batch->positions[i] >= n_positions)
            return err_set(e, ERR_INPUT, "a text has more than the %d tokens that the model can take: shorten it",
                           n_positions);
    }
    for (int i = 0; i < batch->n_targets; i++) {
        BUG_IF(batch->target_rows[i] < 0 || batch->target_rows[i] >= batch->n_tokens);
        if (batch->target_ids[i] < 0 || batch->target_ids[i] >= vocab)
            return err_set(e, ERR_INPUT,
                           "token %d is outside of the model's vocabulary of %d: the tokenizer does not belong to this "
                           "model",
                           (int)batch->target_ids[i], vocab);
    }
    for (int i = 0; batch->sets && i < batch->n_targets; i++)
        if (!is_sound(&batch->sets[i], batch->target_ids[i], vocab))
            return err_set(e, ERR_INPUT, "what token %d was drawn from does not hold it, or is no set of tokens in rising "
                           "order: the answers are damaged, or of another model", (int)batch->target_ids[i]);
    for (int i = 0; i < batch->n_seqs; i++)
        BUG_IF(batch->seqs[i].last_row < 0 || batch->seqs[i].last_row >= batch->n_tokens);
    for (int i = 0; batch->score_rows && i < batch->n_scores; i++)
        BUG_IF(batch->score_rows[i] < 0 || batch->score_rows[i] >= batch->n_tokens);
    return 0;
}

static void upload_ids(struct decoder *d, const struct seq_batch *batch)
{
    const struct parts *p = &d->parts;
    const struct decoder_sizes *n = &d->given;
    const int32_t first = p->m->arch.position_offset, last = d->n_tokens - 1;
    decoder_upload(d, d->tokens, batch->tokens, n->tokens, d->n_tokens, 0);
    for (int i = 0; i < d->n_tokens; i++)
        d->host_ids[i] = first + (i < n->tokens ? batch->positions[i] : 0);
    p->ops->upload(p->b, d->positions, d->host_ids, (size_t)d->n_tokens * sizeof *d->host_ids);
    if (n->targets) {
        decoder_upload(d, d->target_rows, batch->target_rows, n->targets, d->n_targets, last);
        decoder_upload(d, d->target_ids, batch->target_ids, n->targets, d->n_targets, 0);
    }
    struct attn_segment *segments = (struct attn_segment *)(void *)d->host_ids;
    memcpy(segments, batch->segments, (size_t)n->segments * sizeof *segments);
    decoder_fill_segments(d, segments);
    p->ops->upload(p->b, d->segments, segments, (size_t)d->n_segments * sizeof *segments);
}

void decoder_layer(struct decoder *d, int layer, float *out)
{
    const struct parts *p = &d->parts;
    const struct layer_acts *a = &d->layers[layer];
    int t = d->n_tokens;
    part_qkv(p, layer, a, d->positions, t);
    part_hold_attention(p, a, t, !d->keeps);
    p->ops->attention(p->b, a->att, a->lse, a->q, a->k, a->v, d->segments, d->n_segments, d->longest, t,
                      part_shape(p, layer));
    part_mid(p, layer, a, t);
    if (out)
        part_out(p, layer, a, out, t);
}

// Nothing of the last batch is inside any more; there is room for this one, and its numbers are uploaded.
static int begin(struct decoder *d, const struct seq_batch *batch, bool keep, struct err *e)
{
    d->kept = d->have_logprobs = d->have_gaps = d->have_sets = d->have_scores = false;
    d->reference = NULL;
    d->tape = NULL;
    d->kept_logits = NULL;
    d->set_starts = d->set_ids = NULL;
    d->n_tokens = d->given.tokens = 0;
    int code = check_batch(d, batch, e);
    if (code)
        return code;
    parts_init(&d->parts, d->parts.m); // an adapter may have come or gone
    const struct decoder_sizes sizes = decoder_size(d, batch);
    code = decoder_layout(d, &sizes, keep, e);
    if (!code)
        upload_ids(d, batch);
    return code;
}

static void run_layers(struct decoder *d)
{
    const struct parts *p = &d->parts;
    const int n_layers = p->m->arch.n_layers;
    part_embed(p, d->layers[0].x, d->wide, d->tokens, d->positions, d->n_tokens);
    for (int layer = 0; layer < n_layers; layer++) {
        if (d->is_packed)
            decoder_hold(d, layer);
        decoder_layer(d, layer, layer + 1 < n_layers ? d->layers[layer + 1].x : d->out);
        if (d->is_packed)
            decoder_pack(d, layer);
    }
}

int decoder_forward(struct decoder *d, const struct seq_batch *batch, bool keep, struct err *e)
{
    const int code = begin(d, batch, keep, e);
    if (code)
        return code;
    if (!decoder_replay(d, &(struct decoder_calls){.part = DECODER_FORWARD})) {
        run_layers(d);
        decoder_recorded(d);
    }
    d->kept = keep;
    return 0;
}

// The batch's rows of one array of the tape.
static void take_rows(const struct decoder *d, float *to, const float *from, size_t width, int t)
{
    d->parts.ops->gather_rows(d->parts.b, to, from, d->taken_rows, t, (int)width);
}

int decoder_take(struct decoder *d, const struct seq_batch *batch, const struct taken *from, struct err *e)
{
    const struct parts *p = &d->parts;
    const struct tape *tape = from->tape;
    const int t = batch->n_tokens;
    BUG_IF(d->recompute || d->packed || tape->model != p->m);
    for (int i = 0; i < t; i++)
        BUG_IF(from->rows[i] < 0 || (size_t)from->rows[i] >= tape->n_rows);
    for (int i = 0; tape->logits && i < batch->n_targets; i++)
        BUG_IF(from->logits[i] < 0 || (size_t)from->logits[i] >= tape->n_logits);
    const int code = begin(d, batch, true, e);
    if (code)
        return code;
    p->ops->upload(p->b, d->taken_rows, from->rows, (size_t)t * sizeof *from->rows);
    for (int layer = 0; layer < p->m->arch.n_layers; layer++) {
        struct layer_act to[LAYER_ACTS], with[LAYER_ACTS];
        struct layer_acts taped = tape->layers[layer];
        int n_exact;
        const int n = layer_acts_list(&d->layers[layer], &p->w, to, &n_exact);
        layer_acts_list(&taped, &p->w, with, &n_exact);
        take_rows(d, d->layers[layer].x, taped.x, p->w.c, t);
        for (int i = 0; i < n; i++)
            take_rows(d, *to[i].at, *with[i].at, to[i].width, t);
    }
    take_rows(d, d->out, tape->out, p->w.c, t);
    if (tape->logits && batch->n_targets) {
        p->ops->upload(p->b, d->taken_logits, from->logits, (size_t)batch->n_targets * sizeof *from->logits);
        d->tape = tape;
    }
    d->kept = true;
    return 0;
}

static void check_same_batch(const struct decoder *d, const struct seq_batch *batch)
{
    BUG_IF(d->given.tokens != batch->n_tokens || d->given.targets != batch->n_targets ||
           d->given.scores != seq_batch_scores(batch));
}

// What was asked for of the head's numbers, in one download: they stand one kind after the other.
static void read_numbers(struct decoder *d, const struct head_reads *r)
{
    const struct parts *p = &d->parts;
    const size_t n = (size_t)d->n_targets, given = (size_t)d->given.targets;
    float *const to[] = {[HEAD_LOGPROBS] = r->logprobs, [HEAD_ENTROPY] = r->entropy, [HEAD_IS_TOP] = r->is_top,
                         [HEAD_SUM_SQUARES] = r->sum_squares, [HEAD_GAPS] = r->gaps, [HEAD_KL] = r->kl,
                         [HEAD_SET_LOGPROBS] = r->set_logprobs};
    size_t n_kinds = 0;
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        n_kinds = to[i] ? i + 1 : n_kinds;
    if (n_kinds * n > d->n_host_numbers) {
        d->n_host_numbers = n_kinds * n;
        d->host_numbers = mem_realloc(d->host_numbers, d->n_host_numbers, sizeof *d->host_numbers);
    }
    p->ops->download(p->b, d->host_numbers, d->head_numbers, n_kinds * n * sizeof *d->host_numbers);
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        if (to[i])
            memcpy(to[i], d->host_numbers + i * n, given * sizeof *d->host_numbers);
}

static float *number(const struct decoder *d, const float *host, enum head_number which)
{
    return host ? decoder_head_number(d, which) : NULL;
}

// The reference's final rows, which its block keeps.
static void put_reference(struct decoder *d, struct decoder *reference, struct head_in *in)
{
    BUG_IF(reference->n_tokens != d->n_tokens || reference->n_targets != d->n_targets || reference->n_scores != d->n_scores);
    part_final(&reference->parts, &reference->target, reference->out, reference->target_rows, d->n_targets);
    in->ref_x = reference->target.out;
    in->ref_w = part_head_weight(&reference->parts);
}

// Room for the logits of n targets, where a backward follows and they are few enough. It goes without as well.
static void keep_logits(struct decoder *d, int n)
{
    const size_t bytes = head_kept_floats((size_t)n, (size_t)d->parts.m->arch.vocab_size) * sizeof(float);
    const bool wanted = d->kept && !d->recompute && n <= decoder_kept_targets(d);
    struct err fault;
    d->kept_logits = NULL;
    if (wanted && !decoder_reserve(d, &d->logit_block, &d->logit_bytes, bytes, "logits", &fault))
        d->kept_logits = (float *)(void *)d->logit_block;
}

// The sets of the targets in one upload: where each begins, and their tokens.
static int upload_sets(struct decoder *d, const struct seq_batch *batch, struct err *e)
{
    const struct parts *p = &d->parts;
    const size_t n = (size_t)d->n_targets, given = (size_t)batch->n_targets;
    size_t n_ids = 0;
    for (size_t i = 0; batch->sets && i < given; i++)
        n_ids += (size_t)batch->sets[i].n;
    d->set_starts = d->set_ids = NULL;
    if (n_ids == 0)
        return 0;
    if (n_ids > INT32_MAX)
        return err_set(e, ERR_LIMIT, "the tokens of a batch were drawn from %zu others, which is too many for one batch: "
                       "fewer tokens a batch, or a stricter top-p, top-k or min-p, give less", n_ids);
    const size_t bytes = (n + 1 + n_ids) * sizeof(int32_t);
    if (decoder_reserve(d, &d->set_block, &d->set_bytes, bytes, "the sets that tokens were drawn from", e))
        return ERR_LIMIT;
    int32_t *host = mem_try_alloc(n + 1 + n_ids, sizeof *host, "the sets that tokens were drawn from", e),
            *ids = host + n + 1;
    if (!host)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        const struct token_set none = {0}, *s = i < given ? &batch->sets[i] : &none;
        host[i + 1] = host[i] + s->n;
        if (s->n)
            memcpy(ids + host[i], s->ids, (size_t)s->n * sizeof *ids);
    }
    p->ops->upload(p->b, d->set_block, host, bytes);
    free(host);
    d->set_starts = (const int32_t *)(const void *)d->set_block;
    d->set_ids = d->set_starts + n + 1;
    return 0;
}

struct head_in decoder_head_in(const struct decoder *d, const struct seq_batch *batch)
{
    const struct arch *a = &d->parts.m->arch;
    return (struct head_in){.x = d->target.out, .w = part_head_weight(&d->parts), .targets = d->target_ids,
                            .n = d->n_targets, .c = a->d_embed, .v = a->vocab_size, .cap = a->head_cap,
                            .logits = d->tape ? d->tape->logits : NULL, .logit_rows = d->taken_logits,
                            .inv_temperature = batch->inv_temperature != 0 ? batch->inv_temperature : 1};
}

// The calls of decoder_head, for what it has uploaded.
static void run_head(struct decoder *d, const struct seq_batch *batch, const struct head_reads *r)
{
    const struct parts *p = &d->parts;
    part_final(p, &d->target, d->out, d->target_rows, d->n_targets);
    struct head_in in = decoder_head_in(d, batch);
    struct head_out out = {.kept = d->kept_logits, .logprobs = decoder_head_number(d, HEAD_LOGPROBS), .lse = d->lse,
                           .entropy = number(d, r->entropy, HEAD_ENTROPY), .is_top = number(d, r->is_top, HEAD_IS_TOP),
                           .sum_squares = number(d, r->sum_squares, HEAD_SUM_SQUARES),
                           .gaps = number(d, r->gaps, HEAD_GAPS), .kl = number(d, r->kl, HEAD_KL),
                           .set_logprobs = number(d, r->set_logprobs, HEAD_SET_LOGPROBS)};
    if (r->set_logprobs) {
        out.set_lse = decoder_head_number(d, HEAD_SET_LSE);
        in.set_starts = d->set_starts;
        in.set_ids = d->set_ids;
    }
    if (r->gaps) {
        out.rivals = d->rivals;
        in.n_rivals = r->n_rivals;
        in.draws = decoder_head_number(d, HEAD_DRAWS);
    }
    if (r->kl) {
        out.ref_lse = decoder_head_number(d, HEAD_REF_LSE);
        put_reference(d, r->reference, &in);
    }
    p->ops->head(p->b, &out, &in);
}

static struct decoder_calls head_calls(const struct decoder *d, const struct seq_batch *batch, const struct head_reads *r)
{
    const bool with[] = {r->entropy, r->is_top, r->sum_squares, r->gaps, r->kl, r->set_logprobs};
    struct decoder_calls calls = {.part = DECODER_HEAD, .n_rivals = r->gaps ? r->n_rivals : 0,
                                  .inv_temperature = decoder_head_in(d, batch).inv_temperature,
                                  .reference = r->kl ? r->reference : NULL};
    for (unsigned i = 0; i < sizeof with / sizeof *with; i++)
        calls.with |= (unsigned)with[i] << i;
    return calls;
}

int decoder_head(struct decoder *d, const struct seq_batch *batch, const struct head_reads *r, struct err *e)
{
    const struct parts *p = &d->parts;
    check_same_batch(d, batch);
    BUG_IF((r->kl && !r->reference) || (r->gaps && !r->draws));
    if (batch->n_targets == 0)
        return 0;
    const int code = r->set_logprobs ? upload_sets(d, batch, e) : 0;
    if (code)
        return code;
    keep_logits(d, d->n_targets);
    if (r->gaps)
        decoder_upload(d, decoder_head_number(d, HEAD_DRAWS), r->draws, batch->n_targets, d->n_targets, 0);
    const struct decoder_calls calls = head_calls(d, batch, r);
    if (!decoder_replay(d, &calls)) {
        run_head(d, batch, r);
        decoder_recorded(d);
    }
    read_numbers(d, r);
    d->have_logprobs = true;
    d->have_gaps = r->gaps;
    d->have_sets = r->set_logprobs;
    d->reference = r->kl ? r->reference : NULL;
    return p->ops->sync(p->b, e);
}

int decoder_logprobs(struct decoder *d, const struct seq_batch *batch, float *logprobs, float *entropy, float *is_top,
                     struct err *e)
{
    return decoder_head(d, batch, &(struct head_reads){.logprobs = logprobs, .entropy = entropy, .is_top = is_top}, e);
}

// The row of a sequence that the score head reads: its last one that is not padding.
static int scored_row(const struct parts *p, const struct seq_batch *batch, int seq)
{
    const int last = batch->seqs[seq].last_row;
    const struct attn_segment *s = batch->segments;
    int row = last;
    if (p->m->pad_id < 0 || batch->tokens[last] != p->m->pad_id)
        return last;
    while (s->start > last || s->start + s->len <= last)
        s++;
    while (row >= s->start && batch->tokens[row] == p->m->pad_id)
        row--;
    if (row >= s->start)
        return row;
    for (row = s->prefix_start + s->prefix_len - 1; row >= s->prefix_start; row--)
        if (batch->tokens[row] != p->m->pad_id)
            return row;
    return last;
}

int decoder_scores(struct decoder *d, const struct seq_batch *batch, float *scores, struct err *e)
{
    const struct parts *p = &d->parts;
    check_same_batch(d, batch);
    const int given = seq_batch_scores(batch), n = d->n_scores;
    const struct tensor *w = model_tensor(p->m, T_SCORE_W, -1);
    if (!w)
        return err_set(e, ERR_STATE, "the model has no score head: train a reward model first (objective rm)");
    if (n == 0)
        return 0;
    for (int i = 0; i < n; i++)
        d->host_ids[i] = i >= given ? d->n_tokens - 1 : batch->score_rows ? batch->score_rows[i] : scored_row(p, batch, i);
    p->ops->upload(p->b, d->score_rows, d->host_ids, (size_t)n * sizeof(int32_t));
    part_final(p, &d->scored, d->out, d->score_rows, n);
    part_linear(p, d->scores, d->scored.out, T_SCORE_W, -1, n, 0);
    p->ops->download(p->b, scores, d->scores, (size_t)given * sizeof(float));
    d->have_scores = true;
    return p->ops->sync(p->b, e);
}

int decoder_logits(struct decoder *d, const int32_t *rows, int n, float *logits, struct err *e)
{
    const struct parts *p = &d->parts;
    const struct arch *a = &p->m->arch;
    for (int i = 0; i < n; i++)
        BUG_IF(rows[i] < 0 || rows[i] >= d->given.tokens);
    size_t vocab = (size_t)a->vocab_size, chunk = LOGIT_CHUNK_BYTES / sizeof(float) / vocab;
    if (chunk < 1)
        chunk = 1;
    if (chunk > (size_t)n)
        chunk = (size_t)n;
    struct final_acts final;
    int32_t *device_rows = NULL;
    float *device_logits = NULL;
    d->kept_logits = NULL; // their memory is used for these
    struct carve c = {0};
    for (int pass = 0; pass < 2; pass++) {
        device_rows = carve_bytes(&c, chunk, sizeof(int32_t));
        carve_final(&c, &final, p, chunk);
        device_logits = carve_floats(&c, chunk, vocab);
        if (pass == 0 && decoder_reserve(d, &d->logit_block, &d->logit_bytes, c.used, "logits", e))
            return ERR_LIMIT;
        if (pass == 0)
            c = (struct carve){.base = d->logit_block};
    }
    for (int at = 0; at < n; at += (int)chunk) {
        int m = n - at < (int)chunk ? n - at : (int)chunk;
        p->ops->upload(p->b, device_rows, rows + at, (size_t)m * sizeof(int32_t));
        part_final(p, &final, d->out, device_rows, m);
        p->ops->linear(p->b, device_logits, final.out, part_head_weight(p), NULL, m, a->d_embed, a->vocab_size, 1, 0);
        if (a->head_cap > 0)
            p->ops->soft_cap(p->b, device_logits, a->head_cap, (size_t)m * vocab);
        p->ops->download(p->b, logits + (size_t)at * vocab, device_logits, (size_t)m * vocab * sizeof(float));
    }
    return p->ops->sync(p->b, e);
}
