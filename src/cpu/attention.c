// Causal attention over packed segments, forward: tiles of query rows against tiles of keys with the
// running softmax of Milakov & Gimelshein 2018 (as in FlashAttention), so that no (T, T) exists.
// A block is one tile of rows of one head; rows depend on nobody else.
#include "config.h"

#include "cpu/attention.h"

#include <math.h>
#include <string.h>

enum { ROWS = 64 }; // of queries, in a tile

struct tile {
    int segment, row; // rows row .. row + ROWS of the segment
};

struct attention_job {
    struct backend *b;
    float *out, *lse;
    const float *q, *k, *v;
    const struct attn_segment *segments;
    const struct attn_shape *shape;
    const struct tile *tiles;
};

void attn_pieces(struct attn_piece piece[2], const struct attn_segment *s)
{
    piece[0] = (struct attn_piece){s->prefix_start, 0, s->prefix_len};
    piece[1] = (struct attn_piece){s->start, s->prefix_len, s->len};
}

void attn_visible(int *first, int *end, int position, int key_position, int n_keys, int window)
{
    int last = position - key_position + 1;
    *end = last < 0 ? 0 : cpu_min(last, n_keys);
    int low = window > 0 ? last - window : 0;
    *first = low < 0 ? 0 : cpu_min(low, *end);
}

void attn_fold_row(struct backend *b, const struct attn_shape *shape, float *scores, const struct attn_running *running,
                   int i, float *out, int position, int key_position, int n_keys)
{
    const struct cpu_kernels *k = b->k;
    float *top = &running->top[i], *sum = &running->sum[i];
    int first, end;
    attn_visible(&first, &end, position, key_position, n_keys, shape->window);
    memset(scores, 0, (size_t)first * sizeof *scores);
    memset(scores + end, 0, (size_t)(n_keys - end) * sizeof *scores);
    if (first == end)
        return;
    if (shape->cap > 0)
        k->soft_cap(scores + first, shape->cap, (size_t)(end - first));
    float high = k->max(scores + first, (size_t)(end - first));
    if (!(high <= *top)) {
        float shrink = expf(*top - high);
        *sum *= shrink;
        k->scale(out, shrink, (size_t)shape->head_dim);
        *top = high;
    }
    *sum += k->exp_sum(scores + first, *top, (size_t)(end - first));
}

static void attention_task(void *data, int block, int thread)
{
    const struct attention_job *j = data;
    const struct attn_shape *shape = j->shape;
    int head = block % shape->n_heads, kv_head = head / (shape->n_heads / shape->n_kv_heads), d = shape->head_dim;
    const struct tile tile = j->tiles[block / shape->n_heads];
    const struct attn_segment *s = &j->segments[tile.segment];
    int n_rows = cpu_min(ROWS, s->len - tile.row), width = shape->n_heads * d, kv_width = shape->n_kv_heads * d;
    int position = s->prefix_len + tile.row;
    size_t at = (size_t)(s->start + tile.row) * (size_t)width + (size_t)head * (size_t)d;
    float *out = j->out + at;
    float scores[ROWS * ATTN_KEYS], top[ROWS], sum[ROWS] = {0};
    for (int r = 0; r < n_rows; r++) {
        top[r] = -INFINITY;
        memset(out + (size_t)r * (size_t)width, 0, (size_t)d * sizeof *out);
    }
    const struct attn_running running = {top, sum};
    struct attn_piece pieces[2];
    attn_pieces(pieces, s);
    for (int p = 0; p < 2; p++) {
        for (int key = 0; key < pieces[p].n; key += ATTN_KEYS) {
            int n_keys = cpu_min(ATTN_KEYS, pieces[p].n - key), key_position = pieces[p].position + key;
            n_keys = cpu_min(n_keys, position + n_rows - key_position); // later ones nobody here sees
            if (n_keys <= 0)
                break;
            if (shape->window > 0 && key_position + n_keys <= position - shape->window + 1)
                continue;
            size_t kv_at = (size_t)(pieces[p].start + key) * (size_t)kv_width + (size_t)kv_head * (size_t)d;
            cpu_gemm_block(j->b, &(struct gemm){.trans_b = true, .m = n_rows, .n = n_keys, .k = d,
                                                .alpha = shape->scale, .a = j->q + at, .lda = width, .b = j->k + kv_at,
                                                .ldb = kv_width, .c = scores, .ldc = ATTN_KEYS}, thread);
            for (int r = 0; r < n_rows; r++)
                attn_fold_row(j->b, shape, scores + r * ATTN_KEYS, &running, r, out + (size_t)r * (size_t)width,
                              position + r, key_position, n_keys);
            cpu_gemm_block(j->b, &(struct gemm){.m = n_rows, .n = d, .k = n_keys, .alpha = 1, .beta = 1, .a = scores,
                                                .lda = ATTN_KEYS, .b = j->v + kv_at, .ldb = kv_width, .c = out,
                                                .ldc = width}, thread);
        }
    }
    for (int r = 0; r < n_rows; r++) {
        j->b->k->scale(out + (size_t)r * (size_t)width, 1 / sum[r], (size_t)d);
        j->lse[(size_t)(s->start + tile.row + r) * (size_t)shape->n_heads + (size_t)head] = top[r] + logf(sum[r]);
    }
}

double attn_pairs(const struct attn_segment *segments, int n_segments)
{
    double pairs = 0;
    for (int i = 0; i < n_segments; i++)
        pairs += (double)segments[i].len * (segments[i].prefix_len + 0.5 * segments[i].len);
    return pairs;
}

void cpu_attention(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                   const struct attn_segment *segments, int n_segments, int longest, int t, const struct attn_shape *shape)
{
    size_t n_tiles = 0;
    for (int i = 0; i < n_segments; i++)
        n_tiles += (size_t)cpu_blocks((size_t)segments[i].len, ROWS);
    struct tile *tiles = (struct tile *)(void *)cpu_scratch(b, n_tiles * sizeof *tiles / sizeof(float));
    if (!tiles)
        return;
    n_tiles = 0;
    for (int i = 0; i < n_segments; i++)
        for (int row = 0; row < segments[i].len; row += ROWS)
            tiles[n_tiles++] = (struct tile){i, row};
    struct attention_job job = {b, out, lse, q, k, v, segments, shape, tiles};
    cpu_run(b, (int)n_tiles * shape->n_heads,
            attn_pairs(segments, n_segments) * shape->n_heads * (shape->head_dim + 8) / 8, attention_task, &job);
}
