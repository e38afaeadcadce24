// Attention of one new row per stream to its prompt's keys and its own. What a row gets has the bits that attention.c gives
// the same row of a whole text: the same tiles of keys, the same products and sums in the same order (with our own kernels).
//
// A block is a bundle of streams beside each other that share their prompt, and some key/value heads: the rows of a head's
// queries go through the prompt's keys together. It first asks for the keys and values of its streams, in the order of
// memory: what one head reads of a row is short, and the next row is far away, which the processor would not foresee.
#include "config.h"

#include "cpu/attention.h"

#include <math.h>
#include <string.h>

enum {
    BUNDLE_ROWS = 16,        // of queries, about: enough for full register tiles, few enough for blocks for everybody
    AHEAD_FLOATS = 96 << 10, // of keys and values that a block asks for: they fit into the second cache
    LEAST_BLOCKS = 8,        // a thread, for heads to be taken together: threads are not equally fast
    LINE_FLOATS = 16,        // of the cache
};

struct decode_job {
    struct backend *b;
    float *out, *lse;
    const float *q;
    const float *keys, *values;
    const struct kv_rows *rows;
    const struct attn_shape *shape;
    const int *bundles; // the first stream of each, and the end of the last
    float *scratch;     // (n_threads, per_thread)
    size_t per_thread;
    int n_heads, n_head_blocks; // key/value heads of a block, blocks of a bundle
};

// Rows of queries on their way through the keys of one key/value head.
struct decode_rows {
    int n, group;         // group rows a stream
    float *q, *out;       // (n, head_dim)
    float *scores;        // (n, ATTN_KEYS)
    struct attn_running running; // (n) of each
};

static size_t row_floats(const struct attn_shape *shape)
{
    return 2 * (size_t)shape->head_dim + ATTN_KEYS + 2;
}

// scores = scale q keys^T
static void score_keys(const struct decode_job *j, const struct decode_rows *r, int first, int n, const float *keys,
                       int n_keys, int ld, int thread)
{
    const struct cpu_kernels *k = j->b->k;
    const int d = j->shape->head_dim;
    const struct gemm g = {.trans_b = true, .m = n, .n = n_keys, .k = d, .alpha = j->shape->scale, .a = r->q + first * d,
                           .lda = d, .b = keys, .ldb = ld, .c = r->scores + first * ATTN_KEYS, .ldc = ATTN_KEYS};
    if (k->gemm)
        k->gemm(&g, j->b->gemm_scratch + (size_t)thread * GEMM_SCRATCH);
    else // a library's elements may depend on who else is in the product: streams are not to depend on their neighbours
        for (int i = 0; i < n; i++)
            for (int key = 0; key < n_keys; key++)
                g.c[i * ATTN_KEYS + key] = g.alpha * k->dot(g.a + i * d, keys + (size_t)key * (size_t)ld, (size_t)d);
}

// out += scores values
static void add_values(const struct decode_job *j, const struct decode_rows *r, int first, int n, const float *values,
                       int n_keys, int ld, int thread)
{
    const struct cpu_kernels *k = j->b->k;
    const int d = j->shape->head_dim;
    const struct gemm g = {.m = n, .n = d, .k = n_keys, .alpha = 1, .beta = 1, .a = r->scores + first * ATTN_KEYS,
                           .lda = ATTN_KEYS, .b = values, .ldb = ld, .c = r->out + first * d, .ldc = d};
    if (k->gemm)
        k->gemm(&g, j->b->gemm_scratch + (size_t)thread * GEMM_SCRATCH);
    else
        for (int i = 0; i < n; i++)
            for (int key = 0; key < n_keys; key++)
                k->axpy(g.c + i * d, g.a[i * ATTN_KEYS + key], values + (size_t)key * (size_t)ld, (size_t)d);
}

// Takes rows first .. first + n through the piece's keys; streams: those of the rows.
static void pass_keys(const struct decode_job *j, const struct decode_rows *r, int first, int n,
                      const struct kv_rows *streams, struct attn_piece piece, int kv_head, int thread)
{
    const struct attn_shape *shape = j->shape;
    const int d = shape->head_dim, ld = shape->n_kv_heads * d;
    for (int key = 0; key < piece.n; key += ATTN_KEYS) {
        const int n_keys = cpu_min(ATTN_KEYS, piece.n - key), key_position = piece.position + key;
        const size_t at = (size_t)(piece.start + key) * (size_t)ld + (size_t)kv_head * (size_t)d;
        bool seen = false;
        for (int i = 0; i < n && !seen; i += r->group) {
            const int position = streams[i / r->group].n_shared + streams[i / r->group].n_own - 1;
            seen = shape->window == 0 || key_position + n_keys > position - shape->window + 1;
        }
        if (!seen)
            continue;
        score_keys(j, r, first, n, j->keys + at, n_keys, ld, thread);
        for (int i = 0; i < n; i++) {
            const struct kv_rows *s = &streams[i / r->group];
            attn_fold_row(j->b, shape, r->scores + (first + i) * ATTN_KEYS, &r->running, first + i, r->out + (first + i) * d,
                          s->n_shared + s->n_own - 1, key_position, n_keys);
        }
        add_values(j, r, first, n, j->values + at, n_keys, ld, thread);
    }
}

// Rows of keys or values, n_floats of each, into the second cache.
static void ask_for_rows(const float *at, int n_rows, size_t ld, int n_floats)
{
    for (int r = 0; r < n_rows; r++, at += ld)
        for (int i = 0; i < n_floats; i += LINE_FLOATS)
            __builtin_prefetch(at + i, 0, 2);
}

// The first tile of each stream's own keys and values.
static void ask_for_streams(const struct decode_job *j, const struct kv_rows *streams, int n_streams, int kv_head, int n_heads)
{
    const int d = j->shape->head_dim;
    const size_t ld = (size_t)j->shape->n_kv_heads * (size_t)d;
    for (int i = 0; i < n_streams; i++) {
        const size_t at = (size_t)streams[i].own * ld + (size_t)kv_head * (size_t)d;
        const int n_rows = cpu_min(streams[i].n_own, ATTN_KEYS);
        ask_for_rows(j->keys + at, n_rows, ld, n_heads * d);
        ask_for_rows(j->values + at, n_rows, ld, n_heads * d);
    }
}

static void decode_head(const struct decode_job *j, int first, int n_streams, int kv_head, int thread)
{
    const struct attn_shape *shape = j->shape;
    const int group = shape->n_heads / shape->n_kv_heads, d = shape->head_dim, n = n_streams * group;
    const size_t bytes = (size_t)(group * d) * sizeof(float);
    const struct kv_rows *streams = &j->rows[first];
    float *at = j->scratch + (size_t)thread * j->per_thread;
    struct decode_rows r = {.n = n, .group = group, .q = at, .out = at + n * d, .scores = at + 2 * n * d};
    r.running = (struct attn_running){r.scores + n * ATTN_KEYS, r.scores + n * ATTN_KEYS + n};
    for (int i = 0; i < n_streams; i++)
        memcpy(r.q + i * group * d,
               j->q + ((size_t)(first + i) * (size_t)shape->n_heads + (size_t)(kv_head * group)) * (size_t)d, bytes);
    memset(r.out, 0, (size_t)(n * d) * sizeof *r.out);
    for (int i = 0; i < n; i++) {
        r.running.top[i] = -INFINITY;
        r.running.sum[i] = 0;
    }
    pass_keys(j, &r, 0, n, streams, (struct attn_piece){streams->shared, 0, streams->n_shared}, kv_head, thread);
    for (int i = 0; i < n_streams; i++)
        pass_keys(j, &r, i * group, group, &streams[i],
                  (struct attn_piece){streams[i].own, streams[i].n_shared, streams[i].n_own}, kv_head, thread);
    for (int i = 0; i < n; i++) {
        const size_t row = (size_t)(first + i / group), head = (size_t)(kv_head * group + i % group);
        if (r.running.sum[i] > 0) // no keys at all: zero
            j->b->k->scale(r.out + i * d, 1 / r.running.sum[i], (size_t)d);
        j->lse[row * (size_t)shape->n_heads + head] = r.running.top[i] + logf(r.running.sum[i]);
    }
    for (int i = 0; i < n_streams; i++)
        memcpy(j->out + ((size_t)(first + i) * (size_t)shape->n_heads + (size_t)(kv_head * group)) * (size_t)d,
               r.out + i * group * d, bytes);
}

static void decode_task(void *data, int block, int thread)
{
    const struct decode_job *j = data;
    const int bundle = block / j->n_head_blocks, kv_head = block % j->n_head_blocks * j->n_heads;
    const int first = j->bundles[bundle], n_streams = j->bundles[bundle + 1] - first;
    const int n_heads = cpu_min(j->n_heads, j->shape->n_kv_heads - kv_head);
    ask_for_streams(j, &j->rows[first], n_streams, kv_head, n_heads);
    for (int h = 0; h < n_heads; h++)
        decode_head(j, first, n_streams, kv_head + h, thread);
}

// Cuts the streams in bundles by what they share alone.
static int make_bundles(int *bundles, const struct kv_rows *rows, int n, int most)
{
    int n_bundles = 0;
    for (int i = 0; i < n; i++)
        if (i == 0 || i - bundles[n_bundles - 1] == most || rows[i].shared != rows[i - 1].shared ||
            rows[i].n_shared != rows[i - 1].n_shared)
            bundles[n_bundles++] = i;
    bundles[n_bundles] = n;
    return n_bundles;
}

// Heads that lie beside each other in memory are taken together, where what they read stays in the cache, and blocks are
// left for everybody.
static void cut_heads(struct decode_job *j, int n_bundles, int most_streams)
{
    const int n = j->shape->n_kv_heads, fit = AHEAD_FLOATS / (2 * ATTN_KEYS * j->shape->head_dim * most_streams);
    const int spare = (int)((int64_t)n_bundles * n / (LEAST_BLOCKS * j->b->n_threads));
    j->n_heads = cpu_max(cpu_min(cpu_min(fit, spare), n), 1);
    j->n_head_blocks = cpu_blocks((size_t)n, (size_t)j->n_heads);
}

void cpu_attention_decode(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape)
{
    const int group = shape->n_heads / shape->n_kv_heads, most = cpu_max(BUNDLE_ROWS / group, 1);
    const size_t per_thread = (size_t)(most * group) * row_floats(shape);
    size_t all_keys = 0;
    if (n == 0)
        return;
    for (int i = 0; i < n; i++) {
        BUG_IF(rows[i].n_shared + rows[i].n_own > most_keys);
        all_keys += (size_t)rows[i].n_shared + (size_t)rows[i].n_own;
    }
    float *scratch = cpu_scratch(b, (size_t)b->n_threads * per_thread + (size_t)n + 1);
    if (!scratch)
        return;
    int *bundles = (int *)(void *)(scratch + (size_t)b->n_threads * per_thread);
    const int n_bundles = make_bundles(bundles, rows, n, most);
    struct decode_job job = {b, out, lse, q, k, v, rows, shape, bundles, scratch, per_thread, 0, 0};
    cut_heads(&job, n_bundles, cpu_blocks((size_t)n, (size_t)n_bundles));
    cpu_run(b, n_bundles * job.n_head_blocks, (double)all_keys * shape->n_heads * shape->head_dim / 2, decode_task, &job);
}
