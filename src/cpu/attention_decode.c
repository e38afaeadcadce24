// Attention of one new row per stream to its prompt's keys and its own. A block is one stream and one
// key/value head.
#include "config.h"

#include "cpu/attention.h"

#include <string.h>

struct decode_job {
    const struct cpu_kernels *k;
    float *out;
    const float *q;
    const float *keys, *values;
    const struct kv_rows *rows;
    const struct attn_shape *shape;
    float *scores; // (n_threads, max_keys)
    size_t max_keys;
};

struct key_run {
    const float *k, *v;
    int n;
};

static void decode_task(void *data, int block, int thread)
{
    const struct decode_job *j = data;
    const struct attn_shape *shape = j->shape;
    int stream = block / shape->n_kv_heads, kv_head = block % shape->n_kv_heads;
    int group = shape->n_heads / shape->n_kv_heads;
    size_t d = (size_t)shape->head_dim, kv_width = (size_t)shape->n_kv_heads * d;
    const struct kv_rows *mine = &j->rows[stream];
    const size_t shared = (size_t)mine->shared * kv_width, own = (size_t)mine->own * kv_width;
    const struct key_run runs[2] = {{j->keys + shared, j->values + shared, mine->n_shared},
                                    {j->keys + own, j->values + own, mine->n_own}};
    int n_keys = mine->n_shared + mine->n_own;
    int first = shape->window > 0 && n_keys > shape->window ? n_keys - shape->window : 0;
    float *scores = j->scores + (size_t)thread * j->max_keys;
    for (int head = kv_head * group; head < (kv_head + 1) * group; head++) {
        size_t at = ((size_t)stream * (size_t)shape->n_heads + (size_t)head) * d;
        float *out = j->out + at;
        memset(out, 0, d * sizeof *out);
        if (n_keys == 0)
            continue;
        for (int r = 0, key = 0; r < 2; r++)
            for (int i = 0; i < runs[r].n; i++, key++)
                if (key >= first)
                    scores[key] = shape->scale * j->k->dot(j->q + at, runs[r].k + (size_t)i * kv_width +
                                                                          (size_t)kv_head * d, d);
        size_t n_seen = (size_t)(n_keys - first);
        if (shape->cap > 0)
            j->k->soft_cap(scores + first, shape->cap, n_seen);
        float top = j->k->max(scores + first, n_seen);
        float sum = j->k->exp_sum(scores + first, top, n_seen);
        for (int r = 0, key = 0; r < 2; r++)
            for (int i = 0; i < runs[r].n; i++, key++)
                if (key >= first)
                    j->k->axpy(out, scores[key] / sum, runs[r].v + (size_t)i * kv_width + (size_t)kv_head * d, d);
    }
}

void cpu_attention_decode(struct backend *b, float *out, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape)
{
    size_t all_keys = 0;
    for (int i = 0; i < n; i++) {
        BUG_IF(rows[i].n_shared + rows[i].n_own > most_keys);
        all_keys += (size_t)rows[i].n_shared + (size_t)rows[i].n_own;
    }
    const size_t max_keys = most_keys > 0 ? (size_t)most_keys : 1;
    float *scores = cpu_scratch(b, (size_t)b->n_threads * max_keys);
    if (!scores)
        return;
    struct decode_job job = {b->k, out, q, k, v, rows, shape, scores, max_keys};
    cpu_run(b, n * shape->n_kv_heads, (double)all_keys * shape->n_heads * shape->head_dim / 2, decode_task, &job);
}
