// Causal attention, backward: probabilities come again from the scores and lse, tile by tile. A block is one
// key/value head of one family (a prompt and the segments that continue it): it alone writes that family's
// dk and dv, walking segments, heads, rows and keys in order.
#include "config.h"

#include "cpu/attention.h"

#include <string.h>

enum { ROWS = 32 }; // of queries, in a tile

struct backward_job {
    struct backend *b;
    float *dq, *dk, *dv;
    const float *dout, *out, *lse, *q, *k, *v;
    const struct attn_segment *segments;
    int n_segments;
    const struct attn_shape *shape;
    const int32_t *family; // (n_segments), numbered in order of their first segments
};

// The rows of one tile of queries, for one head.
struct query_tile {
    int n_rows, position;
    size_t at; // of the first row and head in q, dq, out, dout
    float lse[ROWS], delta[ROWS];
};

static void backward_keys(const struct backward_job *j, const struct query_tile *t, size_t kv_at, int key_position,
                          int n_keys, int thread)
{
    const struct attn_shape *shape = j->shape;
    const struct cpu_kernels *k = j->b->k;
    int d = shape->head_dim, width = shape->n_heads * d, kv_width = shape->n_kv_heads * d;
    float p[ROWS * ATTN_KEYS], ds[ROWS * ATTN_KEYS];
    cpu_gemm_block(j->b, &(struct gemm){.trans_b = true, .m = t->n_rows, .n = n_keys, .k = d, .alpha = shape->scale,
                                        .a = j->q + t->at, .lda = width, .b = j->k + kv_at, .ldb = kv_width, .c = p,
                                        .ldc = ATTN_KEYS}, thread);
    cpu_gemm_block(j->b, &(struct gemm){.trans_b = true, .m = t->n_rows, .n = n_keys, .k = d, .alpha = 1,
                                        .a = j->dout + t->at, .lda = width, .b = j->v + kv_at, .ldb = kv_width,
                                        .c = ds, .ldc = ATTN_KEYS}, thread);
    for (int r = 0; r < t->n_rows; r++) {
        float *p_row = p + r * ATTN_KEYS, *ds_row = ds + r * ATTN_KEYS;
        int first, end;
        attn_visible(&first, &end, t->position + r, key_position, n_keys, shape->window);
        size_t n = (size_t)(end - first);
        float capped[ATTN_KEYS];
        if (shape->cap > 0) {
            k->soft_cap(p_row + first, shape->cap, n);
            memcpy(capped, p_row + first, n * sizeof *capped);
        }
        k->exp_scaled(p_row + first, t->lse[r], 1, n);
        k->softmax_backward(ds_row + first, p_row + first, t->delta[r], shape->scale, n);
        if (shape->cap > 0)
            k->soft_cap_backward(ds_row + first, capped, shape->cap, n);
        memset(p_row, 0, (size_t)first * sizeof *p_row);
        memset(ds_row, 0, (size_t)first * sizeof *ds_row);
        memset(p_row + end, 0, (size_t)(n_keys - end) * sizeof *p_row);
        memset(ds_row + end, 0, (size_t)(n_keys - end) * sizeof *ds_row);
    }
    cpu_gemm_block(j->b, &(struct gemm){.m = t->n_rows, .n = d, .k = n_keys, .alpha = 1, .beta = 1, .a = ds,
                                        .lda = ATTN_KEYS, .b = j->k + kv_at, .ldb = kv_width, .c = j->dq + t->at,
                                        .ldc = width}, thread);
    cpu_gemm_block(j->b, &(struct gemm){.trans_a = true, .m = n_keys, .n = d, .k = t->n_rows, .alpha = 1, .beta = 1,
                                        .a = ds, .lda = ATTN_KEYS, .b = j->q + t->at, .ldb = width,
                                        .c = j->dk + kv_at, .ldc = kv_width}, thread);
    cpu_gemm_block(j->b, &(struct gemm){.trans_a = true, .m = n_keys, .n = d, .k = t->n_rows, .alpha = 1, .beta = 1,
                                        .a = p, .lda = ATTN_KEYS, .b = j->dout + t->at, .ldb = width,
                                        .c = j->dv + kv_at, .ldc = kv_width}, thread);
}

static void backward_rows(const struct backward_job *j, const struct attn_segment *s, int row, int head,
                          int thread)
{
    const struct attn_shape *shape = j->shape;
    int d = shape->head_dim, kv_head = head / (shape->n_heads / shape->n_kv_heads);
    size_t width = (size_t)shape->n_heads * (size_t)d, kv_width = (size_t)shape->n_kv_heads * (size_t)d;
    struct query_tile t = {.n_rows = cpu_min(ROWS, s->len - row), .position = s->prefix_len + row,
                           .at = (size_t)(s->start + row) * width + (size_t)head * (size_t)d};
    for (int r = 0; r < t.n_rows; r++) {
        size_t at = t.at + (size_t)r * width;
        t.lse[r] = j->lse[(size_t)(s->start + row + r) * (size_t)shape->n_heads + (size_t)head];
        t.delta[r] = j->b->k->dot(j->dout + at, j->out + at, (size_t)d);
        memset(j->dq + at, 0, (size_t)d * sizeof(float));
    }
    struct attn_piece pieces[2];
    attn_pieces(pieces, s);
    for (int p = 0; p < 2; p++) {
        for (int key = 0; key < pieces[p].n; key += ATTN_KEYS) {
            int n_keys = cpu_min(ATTN_KEYS, pieces[p].n - key), key_position = pieces[p].position + key;
            n_keys = cpu_min(n_keys, t.position + t.n_rows - key_position); // later ones nobody here sees
            if (n_keys <= 0)
                break;
            if (shape->window > 0 && key_position + n_keys <= t.position - shape->window + 1)
                continue;
            size_t kv_at = (size_t)(pieces[p].start + key) * kv_width + (size_t)kv_head * (size_t)d;
            backward_keys(j, &t, kv_at, key_position, n_keys, thread);
        }
    }
}

static void backward_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    const struct attn_shape *shape = j->shape;
    int family = block / shape->n_kv_heads, kv_head = block % shape->n_kv_heads;
    int group = shape->n_heads / shape->n_kv_heads, d = shape->head_dim;
    size_t kv_width = (size_t)shape->n_kv_heads * (size_t)d;
    for (int i = 0; i < j->n_segments; i++) {
        const struct attn_segment *s = &j->segments[i];
        if (j->family[i] != family)
            continue;
        for (int r = 0; r < s->len; r++) {
            size_t at = (size_t)(s->start + r) * kv_width + (size_t)kv_head * (size_t)d;
            memset(j->dk + at, 0, (size_t)d * sizeof(float));
            memset(j->dv + at, 0, (size_t)d * sizeof(float));
        }
    }
    for (int i = 0; i < j->n_segments; i++) {
        const struct attn_segment *s = &j->segments[i];
        if (j->family[i] != family)
            continue;
        for (int head = kv_head * group; head < (kv_head + 1) * group; head++)
            for (int row = 0; row < s->len; row += ROWS)
                backward_rows(j, s, row, head, thread);
    }
}

static bool overlaps(const struct attn_segment *s, int start, int len)
{
    return s->start < start + len && start < s->start + s->len;
}

// Segments that share rows of keys, directly or through others, get the same number.
static int find_families(int32_t *family, const struct attn_segment *segments, int n)
{
    for (int i = 0; i < n; i++)
        family[i] = i;
    for (int i = 0; i < n; i++) {
        if (segments[i].prefix_len <= 0)
            continue;
        for (int s = 0; s < n; s++) {
            int from = family[s], to = family[i];
            if (from == to || !overlaps(&segments[s], segments[i].prefix_start, segments[i].prefix_len))
                continue;
            int low = cpu_min(from, to), high = from + to - low;
            for (int x = 0; x < n; x++)
                if (family[x] == high)
                    family[x] = low;
        }
    }
    int n_families = 0;
    for (int i = 0; i < n; i++)
        family[i] = family[i] == i ? n_families++ : family[family[i]];
    return n_families;
}

void cpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                            const float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_segments, int longest, int t,
                            const struct attn_shape *shape)
{
    int32_t *family = (int32_t *)(void *)cpu_scratch(b, (size_t)n_segments);
    if (!family)
        return;
    int n_families = find_families(family, segments, n_segments);
    struct backward_job job = {b, dq, dk, dv, dout, out, lse, q, k, v, segments, n_segments, shape, family};
    cpu_run(b, n_families * shape->n_kv_heads,
            attn_pairs(segments, n_segments) * shape->n_heads * (shape->head_dim + 8) / 3, backward_task, &job);
}
