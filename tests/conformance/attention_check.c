// Attention over packed segments and over caches. The backward is held against finite differences of the
// double reference.
#include "config.h"

#include "conformance.h"

struct attention_case {
    const char *what;
    int n_segments, t;
    struct attn_segment segments[6];
    struct attn_shape shape;
};

static const struct attention_case cases[] = {
    {"one row", 1, 1, {{0, 1, 0, 0}}, {1, 1, 8, 0.35f, 0, 0}},
    {"two texts", 2, 7, {{0, 4, 0, 0}, {4, 3, 0, 0}}, {2, 1, 4, 0.5f, 0, 0}},
    {"a prompt and two answers", 3, 90, {{0, 33, 0, 0}, {33, 31, 0, 33}, {64, 26, 0, 33}}, {4, 2, 8, 0.35f, 0, 0}},
    {"two prompts with answers, one a part of the prompt", 6, 150,
     {{0, 20, 0, 0}, {20, 10, 0, 20}, {30, 40, 0, 12}, {70, 65, 0, 0}, {135, 5, 70, 65}, {140, 10, 70, 65}},
     {2, 2, 12, 0.3f, 0, 0}},
    {"a sliding window", 3, 90, {{0, 40, 0, 0}, {40, 30, 0, 40}, {70, 20, 0, 40}}, {2, 1, 6, 0.4f, 9, 0}},
    {"long", 1, 200, {{0, 200, 0, 0}}, {2, 2, 16, 0.25f, 0, 0}},
    {"long window", 1, 200, {{0, 200, 0, 0}}, {3, 1, 33, 0.2f, 70, 0}},
    {"capped scores", 3, 90, {{0, 33, 0, 0}, {33, 31, 0, 33}, {64, 26, 0, 33}}, {4, 2, 8, 0.9f, 0, 1.5f}},
    {"capped scores in a window", 1, 100, {{0, 100, 0, 0}}, {2, 1, 6, 0.9f, 30, 2}},
};

// The row of the batch that a segment's position p is in.
static int row_of(const struct attn_segment *s, int p)
{
    return p < s->prefix_len ? s->prefix_start + p : s->start + p - s->prefix_len;
}

static void reference(const struct attention_case *c, const double *q, const double *k, const double *v, double *out,
                      double *lse)
{
    const struct attn_shape *a = &c->shape;
    int d = a->head_dim, group = a->n_heads / a->n_kv_heads;
    for (int n = 0; n < c->n_segments; n++) {
        const struct attn_segment *s = &c->segments[n];
        for (int i = 0; i < s->len; i++)
            for (int h = 0; h < a->n_heads; h++) {
                int last = s->prefix_len + i, low = a->window && last >= a->window ? last - a->window + 1 : 0;
                const double *query = q + ((s->start + i) * a->n_heads + h) * d;
                double *to = out + ((s->start + i) * a->n_heads + h) * d, sum = 0;
                memset(to, 0, (size_t)d * sizeof *to);
                for (int p = low; p <= last; p++) {
                    int at = (row_of(s, p) * a->n_kv_heads + h / group) * d;
                    double score = 0;
                    for (int x = 0; x < d; x++)
                        score += query[x] * k[at + x];
                    score *= a->scale;
                    double weight = exp(a->cap > 0 ? a->cap * tanh(score / a->cap) : score);
                    sum += weight;
                    for (int x = 0; x < d; x++)
                        to[x] += weight * v[at + x];
                }
                for (int x = 0; x < d; x++)
                    to[x] /= sum;
                lse[(s->start + i) * a->n_heads + h] = log(sum);
            }
    }
}

static double *widen(const float *x, size_t n)
{
    double *y = calloc(n + 1, sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i];
    return y;
}

struct host {
    size_t nq, nk;
    double *q, *k, *v, *dout, *out, *lse;
};

static double objective(const struct attention_case *c, struct host *h)
{
    double sum = 0;
    reference(c, h->q, h->k, h->v, h->out, h->lse);
    for (size_t i = 0; i < h->nq; i++)
        sum += h->out[i] * h->dout[i];
    return sum;
}

// Central differences at some elements of one input.
static void expect_slopes(const struct attention_case *c, struct host *h, double *input, size_t n, const float *got,
                          const char *what)
{
    size_t step = n / 12 + 1;
    for (size_t i = 0; i < n; i += step) {
        double at = input[i];
        input[i] = at + 1e-4;
        double up = objective(c, h);
        input[i] = at - 1e-4;
        double down = objective(c, h);
        input[i] = at;
        double slope = (up - down) / 2e-4;
        if (!(fabs(got[i] - slope) <= 2e-5 * (1 + fabs(slope))))
            fail_msg("%s: %s[%zu]: got %.9g, differences say %.9g", c->what, what, i, (double)got[i], slope);
    }
}

static uint64_t check_case(struct bench *t, const struct attention_case *c, bool slopes)
{
    const struct attn_shape *a = &c->shape;
    size_t nq = (size_t)(c->t * a->n_heads * a->head_dim), nk = (size_t)(c->t * a->n_kv_heads * a->head_dim);
    size_t n_lse = (size_t)(c->t * a->n_heads);
    float *q = bench_random(t, nq, 2, 1), *k = bench_random(t, nk, 2, 2), *v = bench_random(t, nk, 1, 3);
    float *dout = bench_random(t, nq, 1, 4), *out = bench_random(t, nq, 1, 5), *lse = bench_zeros(t, n_lse);
    float *dq = bench_random(t, nq, 1, 6), *dk = bench_random(t, nk, 1, 7), *dv = bench_random(t, nk, 1, 8);
    int32_t *rows = bench_ints(t, &c->segments[0].start, 4 * (size_t)c->n_segments);
    const struct attn_segment *segments = (const struct attn_segment *)(const void *)rows;
    int longest = 0;
    for (int i = 0; i < c->n_segments; i++)
        longest = c->segments[i].len > longest ? c->segments[i].len : longest;
    t->ops->attention(t->b, out, lse, q, k, v, segments, c->n_segments, longest, c->t, a);
    t->ops->attention_backward(t->b, dq, dk, dv, dout, out, lse, q, k, v, segments, c->n_segments, longest, c->t, a);
    uint64_t hash = bench_hash(t, out, nq) + 3 * bench_hash(t, lse, n_lse) + 5 * bench_hash(t, dq, nq) +
                    7 * bench_hash(t, dk, nk) + 11 * bench_hash(t, dv, nk);
    float *hq = bench_read(t, q, nq), *hk = bench_read(t, k, nk), *hv = bench_read(t, v, nk);
    float *hd = bench_read(t, dout, nq), *hdq = bench_read(t, dq, nq), *hdk = bench_read(t, dk, nk);
    float *hdv = bench_read(t, dv, nk);
    struct host h = {nq, nk, widen(hq, nq), widen(hk, nk), widen(hv, nk), widen(hd, nq),
                     calloc(nq + 1, sizeof(double)), calloc(n_lse + 1, sizeof(double))};
    reference(c, h.q, h.k, h.v, h.out, h.lse);
    bench_expect(t, c->what, out, h.out, nq, 3e-6);
    bench_expect(t, "attention lse", lse, h.lse, n_lse, 3e-6);
    if (slopes) {
        expect_slopes(c, &h, h.q, nq, hdq, "dq");
        expect_slopes(c, &h, h.k, nk, hdk, "dk");
        expect_slopes(c, &h, h.v, nk, hdv, "dv");
    }
    bench_free(t, 10, q, k, v, dout, out, lse, dq, dk, dv, rows);
    free(hq), free(hk), free(hv), free(hd), free(hdq), free(hdk), free(hdv);
    free(h.q), free(h.k), free(h.v), free(h.dout), free(h.out), free(h.lse);
    return hash;
}

uint64_t check_attention(struct bench *t)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        hash = hash * 31 + check_case(t, &cases[i], true);
    return hash;
}

// Decoding one row with its prompt's cache apart must give the last row of the whole text's attention.
static uint64_t check_decode_case(struct bench *t, int n_shared, int n_own, const struct attn_shape *a)
{
    int n = n_shared + n_own, width = a->n_heads * a->head_dim, kv_width = a->n_kv_heads * a->head_dim;
    size_t nq = (size_t)(n * width), nk = (size_t)(n * kv_width);
    float *q = bench_random(t, nq, 2, 1), *k = bench_random(t, nk, 2, 2), *v = bench_random(t, nk, 1, 3);
    float *out = bench_random(t, 2 * (size_t)width, 1, 4), *query = bench_zeros(t, 2 * (size_t)width);
    float *got_lse = bench_random(t, 2 * (size_t)a->n_heads, 1, 5);
    float *hq = bench_read(t, q, nq), *hk = bench_read(t, k, nk), *hv = bench_read(t, v, nk);
    double *dq = widen(hq, nq), *dk = widen(hk, nk), *dv = widen(hv, nk), *want = calloc(nq + 1, sizeof *want);
    double *lse = calloc((size_t)(n * a->n_heads) + 1, sizeof *lse);
    struct attention_case whole = {"decode", 1, n, {{0, n, 0, 0}}, *a};
    reference(&whole, dq, dk, dv, want, lse);
    for (int i = 0; i < 2; i++)
        t->ops->copy(t->b, query + i * width, q + (n - 1) * width, (size_t)width * sizeof *q);
    const struct kv_rows host[2] = {{0, n_shared, n_shared, n_own}, {0, n_shared, n_shared, n_own}};
    int32_t *rows = bench_ints(t, (const int32_t *)host, 8);
    t->ops->attention_decode(t->b, out, got_lse, query, k, v, (const struct kv_rows *)rows, 2, n, a);
    bench_expect(t, "attention_decode", out, want + (n - 1) * width, (size_t)width, 3e-6);
    bench_expect(t, "attention_decode, second", out + width, want + (n - 1) * width, (size_t)width, 3e-6);
    for (int i = 0; i < 2; i++)
        bench_expect(t, "attention_decode, lse", got_lse + i * a->n_heads, lse + (n - 1) * a->n_heads, (size_t)a->n_heads,
                     3e-6);
    uint64_t hash = bench_hash(t, out, 2 * (size_t)width);
    bench_free(t, 7, q, k, v, out, got_lse, query, rows);
    free(hq), free(hk), free(hv), free(dq), free(dk), free(dv), free(want), free(lse);
    return hash;
}

// Every row of a text as a stream of its own, with the keys up to it: the whole text's attention. alone: no two share a
// prompt, so that backends have many small blocks to give out.
static uint64_t check_decode_rows(struct bench *t, int n, const struct attn_shape *a, bool alone)
{
    const size_t nq = (size_t)(n * a->n_heads * a->head_dim), nk = (size_t)(n * a->n_kv_heads * a->head_dim);
    float *q = bench_random(t, nq, 2, 1), *k = bench_random(t, nk, 2, 2), *v = bench_random(t, nk, 1, 3);
    float *out = bench_random(t, nq, 1, 4), *got_lse = bench_random(t, (size_t)(n * a->n_heads), 1, 5);
    float *hq = bench_read(t, q, nq), *hk = bench_read(t, k, nk), *hv = bench_read(t, v, nk);
    double *dq = widen(hq, nq), *dk = widen(hk, nk), *dv = widen(hv, nk), *want = calloc(nq + 1, sizeof *want);
    double *lse = calloc((size_t)(n * a->n_heads) + 1, sizeof *lse);
    const struct attention_case whole = {"decode", 1, n, {{0, n, 0, 0}}, *a};
    reference(&whole, dq, dk, dv, want, lse);
    struct kv_rows host[64];
    assert_in_range(n, 0, 64);
    for (int i = 0; i < n; i++)
        host[i] = (struct kv_rows){alone ? i : 0, 0, 0, i + 1};
    int32_t *rows = bench_ints(t, (const int32_t *)host, (size_t)n * 4);
    t->ops->attention_decode(t->b, out, got_lse, q, k, v, (const struct kv_rows *)rows, n, n, a);
    bench_expect(t, "attention_decode, rows", out, want, nq, 3e-6);
    bench_expect(t, "attention_decode, rows' lse", got_lse, lse, (size_t)(n * a->n_heads), 3e-6);
    const uint64_t hash = bench_hash(t, out, nq);
    bench_free(t, 6, q, k, v, out, got_lse, rows);
    free(hq), free(hk), free(hv), free(dq), free(dk), free(dv), free(want), free(lse);
    return hash;
}

uint64_t check_decode(struct bench *t)
{
    const struct attn_shape heads = {10, 5, 8, 0.35f, 0, 0};
    const struct attn_shape plain = {4, 2, 8, 0.35f, 0, 0}, window = {3, 1, 17, 0.3f, 20, 1.5f};
    static const int shared[] = {0, 1, 31, 33, 255}, own[] = {1, 2, 33, 64};
    uint64_t hash = 0;
    for (int s = 0; s < 5; s++)
        for (int o = 0; o < 4; o++)
            hash = hash * 31 + check_decode_case(t, shared[s], own[o], &plain) +
                   3 * check_decode_case(t, shared[s], own[o], &window);
    check_decode_rows(t, 0, &heads, true); // nobody decodes: nothing happens
    return hash * 31 + check_decode_rows(t, 20, &heads, false) + 3 * check_decode_rows(t, 20, &heads, true);
}
