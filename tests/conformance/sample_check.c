// Draws from rows of logits: what is left by sorting all of it, the draw by its place in the distribution function, and the
// log-probabilities, in doubles.
#include "config.h"

#include "conformance.h"

struct ranked {
    int id;
    double p;
};

static int by_probability(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->p != y->p ? (x->p > y->p ? -1 : 1) : x->id - y->id;
}

// p(v) becomes the distribution that the row draws from.
static void plain_distribution(const struct sample_row *row, const float *logits, int v, double *p)
{
    const double temperature = row->temperature > 0 ? (double)row->temperature : 1;
    struct ranked *r = calloc((size_t)v, sizeof *r);
    double top = -INFINITY, all = 0, sum = 0;
    int keep = row->temperature == 0 ? 1 : row->top_k > 0 && row->top_k < v ? row->top_k : v, n = 0;
    for (int i = 0; i < v; i++)
        top = fmax(top, logits[i]);
    for (int i = 0; i < v; i++)
        r[i] = (struct ranked){i, exp((logits[i] - top) / temperature)};
    qsort(r, (size_t)v, sizeof *r, by_probability);
    for (int i = 0; i < keep; i++)
        all += r[i].p;
    const double enough = row->temperature == 0 || row->top_p >= 1 ? INFINITY : (double)row->top_p * all;
    while (n < keep && sum < enough && r[n].p >= (double)row->min_p)
        sum += r[n++].p;
    memset(p, 0, (size_t)v * sizeof *p);
    for (int i = 0; i < n; i++)
        p[r[i].id] = r[i].p / sum;
    free(r);
}

static void check_row(const struct sample_row *row, const float *logits, int v, int32_t token, float logprob, float drawn,
                      const uint32_t *set)
{
    double *p = calloc((size_t)v, sizeof *p), below = 0, all = 0;
    plain_distribution(row, logits, v, p);
    assert_in_range(token, 0, v - 1);
    for (int i = 0; i < token; i++)
        below += p[i];
    assert_true(row->uniform > below - 1e-5 && row->uniform < below + p[token] + 1e-5);
    for (int i = 0; i < v; i++)
        all += exp((double)logits[i] - logits[token]);
    assert_true(fabs((double)logprob + log(all)) <= 3e-6 * (1 + log(all)));
    for (int i = 0; row->keep && i < v; i++)
        assert_true((set[i / 32] >> i % 32 & 1) == (p[i] > 0));
    assert_true(!row->keep || fabs((double)drawn - log(p[token])) <= 3e-6 * (1 - log(p[token])));
    free(p);
}

static void check_entropy(const struct sample_row *row, const float *logits, int v, float said)
{
    const struct sample_row whole = {.temperature = row->temperature > 0 ? row->temperature : 1, .top_p = 1};
    double *p = calloc((size_t)v, sizeof *p), sum = 0;
    plain_distribution(&whole, logits, v, p);
    for (int i = 0; i < v; i++)
        sum -= p[i] > 0 ? p[i] * log(p[i]) : 0;
    assert_true(fabs((double)said - sum) <= 3e-6 * (1 + sum));
    free(p);
}

static uint64_t check_vocabulary(struct bench *t, int v)
{
    enum { N = 14, ROWS = 3 };
    const size_t words = sampled_set_words(v);
    struct sample_row rows[N];
    int32_t tokens[N];
    uint32_t *sets = calloc(N * words, sizeof *sets);
    float *logits = bench_random(t, (size_t)(ROWS * v), 4, 1), *host = bench_read(t, logits, (size_t)(ROWS * v));
    float *numbers = bench_zeros(t, 3 * N), *device_sets = bench_zeros(t, N * words);
    int32_t *ids = bench_ints(t, (const int32_t[N]){0}, N);
    for (int i = 0; i < N; i++)
        rows[i] = (struct sample_row){.logits = i % ROWS, .temperature = i % 7 == 6 ? 0 : i % 2 ? 1 : 0.7f,
                                      .top_k = i % 7 == 1 ? 5 : i % 7 == 5 ? v : 0,
                                      .top_p = i % 7 == 2 || i % 7 == 4 ? 0.9f : 1,
                                      .min_p = i % 7 == 3 || i % 7 == 4 ? 0.05f : 0,
                                      .uniform = (i + 0.37) / N, .keep = i % 5 != 4, .entropy = i % 3 != 1};
    struct sample_row *on_device = t->ops->alloc(t->b, sizeof rows, "rows", NULL);
    t->ops->upload(t->b, on_device, rows, sizeof rows);
    t->ops->sample(t->b, &(struct sampled){ids, numbers, numbers + N, (uint32_t *)(void *)device_sets, numbers + 2 * N},
                   logits, v, on_device, N);
    t->ops->download(t->b, tokens, ids, sizeof tokens);
    t->ops->download(t->b, sets, device_sets, N * words * sizeof *sets);
    float *said = bench_read(t, numbers, 3 * N);
    uint64_t hash = bench_hash(t, numbers, 3 * N);
    for (int i = 0; i < N; i++) {
        check_row(&rows[i], host + (size_t)(i % ROWS) * (size_t)v, v, tokens[i], said[i], said[N + i],
                  sets + (size_t)i * words);
        if (rows[i].entropy)
            check_entropy(&rows[i], host + (size_t)(i % ROWS) * (size_t)v, v, said[2 * N + i]);
        else
            assert_true(said[2 * N + i] == 0);
        hash = hash * 31 + (uint64_t)tokens[i];
    }
    bench_free(t, 5, logits, numbers, device_sets, ids, on_device);
    free(host), free(said), free(sets);
    return hash;
}

uint64_t check_sample(struct bench *t)
{
    static const int vocabularies[] = {1, 31, 32, 33, 256, 257, 385, 2111, 13000};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++)
        hash = hash * 31 + check_vocabulary(t, vocabularies[i]);
    return hash;
}
