// Batches whose sizes repeat, and their calls as recordings. Where a backend records and layers are so small that launching
// a kernel takes longer than the kernel does, a batch is computed with more rows, targets, scores and segments than it has,
// so that few sizes come again and again: rows that nobody attends to, in segments of their own, and targets and scores of
// the last row, whose coefficients are zero.
#include "config.h"

#include "model/decoder_internal.h"

#include <string.h>

enum {
    FILL_ROWS = 64,      // of a segment of rows that nobody asked for
    FEWEST_SEGMENTS = 8, // and its rows at most, before they double
};
// Rows times a layer's weights up to which calls are recorded: each of the some 50 kernels of a layer, forward and backward,
// then has 6 * 2^34 / 50 = 2e9 operations on average, which take 4 us at 500 TFLOP/s; a launch takes the host about 3.
static const double MOST_WORK = (double)((size_t)1 << 34);

// At most a quarter more: multiples of an eighth to a quarter of it.
static int rounded_up(int n)
{
    int step = 4;
    while (n > 8 * step)
        step *= 2;
    return (n + step - 1) / step * step;
}

static int doubled_up(int n, int fewest)
{
    int most = fewest;
    while (most < n)
        most *= 2;
    return most;
}

// The most rows of a batch for which launches take longest.
static int most_repeated(const struct widths *w)
{
    return (int)(MOST_WORK / ((double)w->c * (double)(2 * w->attn + 2 * w->kv + (w->gated ? 3 : 2) * w->ff)));
}

int decoder_most_rows(const struct arch *a, int n_tokens)
{
    const struct widths w = parts_widths(a, 0);
    const int most = most_repeated(&w), n = rounded_up(n_tokens < most ? n_tokens : most);
    return n > n_tokens ? n : n_tokens;
}

static struct decoder_sizes sizes_of(const struct seq_batch *batch)
{
    struct decoder_sizes n = {batch->n_tokens, batch->n_targets, seq_batch_scores(batch), batch->n_segments, 0};
    for (int i = 0; i < batch->n_segments; i++)
        n.longest = batch->segments[i].len > n.longest ? batch->segments[i].len : n.longest;
    return n;
}

struct decoder_sizes decoder_size(struct decoder *d, const struct seq_batch *batch)
{
    const struct parts *p = &d->parts;
    struct decoder_sizes n = d->given = sizes_of(batch);
    d->repeats = p->ops->records(p->b) && n.tokens <= most_repeated(&p->w);
    if (!d->repeats)
        return n;
    const int most_kept = decoder_kept_targets(d), n_targets = rounded_up(n.targets);
    n.targets = n.targets <= most_kept && n_targets > most_kept ? most_kept : n_targets;
    n.tokens = rounded_up(n.tokens);
    n.scores = rounded_up(n.scores);
    n.segments = doubled_up(n.segments + (n.tokens - d->given.tokens + FILL_ROWS - 1) / FILL_ROWS, FEWEST_SEGMENTS);
    n.longest = doubled_up(n.longest, FILL_ROWS);
    return n;
}

void decoder_fill_segments(const struct decoder *d, struct attn_segment *segments)
{
    int row = d->given.tokens;
    for (int i = d->given.segments; i < d->n_segments; i++) {
        const int left = d->n_tokens - row;
        segments[i] = (struct attn_segment){.start = row, .len = left < FILL_ROWS ? left : FILL_ROWS};
        row += segments[i].len;
    }
}

void decoder_upload(struct decoder *d, void *to, const void *host, int n, int filled, int32_t filler)
{
    const struct parts *p = &d->parts;
    if (filled > n) {
        memcpy(d->host_ids, host, (size_t)n * sizeof *d->host_ids);
        for (int i = n; i < filled; i++)
            d->host_ids[i] = filler;
        host = d->host_ids;
    }
    p->ops->upload(p->b, to, host, (size_t)filled * sizeof filler);
}

bool decoder_replay(const struct decoder *d, const struct decoder_calls *calls)
{
    const struct parts *p = &d->parts;
    const struct model *m = p->m;
    const struct decoder *r = calls->reference;
    struct {
        const void *model, *block, *kept_logits, *sets, *weights, *rounded, *grads, *adapter, *adapter_grads, *score_grads;
        const void *reference, *reference_head;
        int32_t part, with, n_rivals, keeps, adapter_on, tokens, targets, scores, segments, longest;
        float inv_temperature;
    } key;
    if (!d->repeats)
        return false;
    memset(&key, 0, sizeof key); // compared as bytes
    key.model = m;
    key.block = d->block;
    key.kept_logits = d->kept_logits;
    key.sets = d->set_starts;
    key.weights = m->weights, key.rounded = m->rounded, key.grads = m->grads;
    key.adapter = m->lora_weights, key.adapter_grads = m->lora_grads, key.score_grads = m->score_grads;
    key.reference = r ? r->block : NULL;
    key.reference_head = r ? part_head_weight(&r->parts).at : NULL;
    key.part = calls->part, key.with = calls->with, key.n_rivals = calls->n_rivals;
    key.inv_temperature = calls->inv_temperature;
    key.keeps = d->keeps, key.adapter_on = m->adapter_on;
    key.tokens = d->n_tokens, key.targets = d->n_targets, key.scores = d->n_scores;
    key.segments = d->n_segments, key.longest = d->longest;
    return p->ops->replay(p->b, &key, sizeof key);
}

void decoder_recorded(const struct decoder *d)
{
    if (d->repeats)
        d->parts.ops->recorded(d->parts.b);
}
