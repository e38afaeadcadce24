// From logits to tokens: against plain softmax in double, full sorting, and the chi-square statistic.
#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/sampler.h"

static float *random_logits(int n, double spread, uint32_t sub)
{
    struct rng r = rng_make(3, RNG_TEST, sub);
    float *logits = mem_alloc((size_t)n, sizeof *logits);
    for (int i = 0; i < n; i++)
        logits[i] = (float)(spread * rng_normal(&r));
    return logits;
}

// Probabilities at a temperature.
static double *softmax(const float *logits, int n, double temperature)
{
    double *p = mem_alloc((size_t)n, sizeof *p), top = logits[0], sum = 0;
    for (int i = 0; i < n; i++)
        top = fmax(top, logits[i]);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((logits[i] - top) / temperature);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
    return p;
}

struct ranked {
    int id;
    double p;
};

static int by_probability(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->p != y->p)
        return x->p > y->p ? -1 : 1;
    return x->id - y->id;
}

// Zeroes what top-k and then top-p leave out and normalizes the rest, by sorting everything.
static void cut_by_sorting(double *p, int n, int top_k, double top_p)
{
    struct ranked *r = mem_alloc((size_t)n, sizeof *r);
    for (int i = 0; i < n; i++)
        r[i] = (struct ranked){i, p[i]};
    qsort(r, (size_t)n, sizeof *r, by_probability);
    int keep = top_k > 0 && top_k < n ? top_k : n;
    double mass = 0, sum = 0;
    for (int i = 0; i < keep; i++)
        mass += r[i].p;
    int kept = 0;
    while (kept < keep && sum < mass * top_p)
        sum += r[kept++].p;
    memset(p, 0, (size_t)n * sizeof *p);
    for (int i = 0; i < kept; i++)
        p[r[i].id] = r[i].p / sum;
    free(r);
}

static int32_t pick(struct sampler *s, const float *logits, double u, float *logprob)
{
    int32_t token = -1;
    float value;
    assert_ok(sampler_pick(s, logits, u, &token, logprob ? logprob : &value, e));
    return token;
}

static void greedy_takes_the_lowest_of_the_most_likely(void **state)
{
    struct sampler *s = sampler_new(300, &(struct sampler_options){.temperature = 0, .top_p = 1});
    float logits[300] = {0};
    assert_int_equal(pick(s, logits, 0.9, NULL), 0);
    logits[299] = logits[41] = logits[40] = 2;
    assert_int_equal(pick(s, logits, 0.9, NULL), 40);
    sampler_free(s);
}

static void logprob_is_the_models_whatever_the_options(void **state)
{
    static const int sizes[] = {1, 2, 15, 16, 17, 255, 256, 257, 32000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int greedy = 0; greedy < 2; greedy++) {
            int n = sizes[i];
            float *logits = random_logits(n, 4, (uint32_t)n), logprob;
            double *p = softmax(logits, n, 1);
            struct sampler_options o = {.temperature = greedy ? 0 : 0.7f, .top_k = n / 2, .top_p = 0.9f};
            struct sampler *s = sampler_new(n, &o);
            for (int k = 0; k < 20; k++) {
                int32_t token = pick(s, logits, k / 20.0, &logprob);
                assert_in_range(token, 0, n - 1);
                assert_close(logprob, log(p[token]), 2e-6);
            }
            sampler_free(s);
            free(p);
            free(logits);
        }
}

// The draw inverts the distribution function: over a fine grid of uniform numbers each token comes as often as it
// is likely, to the grid's resolution. This sees every kept token and every one left out.
static void check_grid(int n, double spread, double temperature, int top_k, double top_p)
{
    int grid = n < 1000 ? 4000 : 1000;
    float *logits = random_logits(n, spread, (uint32_t)(n + top_k));
    double *p = softmax(logits, n, (float)temperature);
    cut_by_sorting(p, n, top_k, (float)top_p);
    struct sampler_options o = {(float)temperature, top_k, (float)top_p};
    struct sampler *s = sampler_new(n, &o);
    int *count = mem_alloc((size_t)n, sizeof *count);
    for (int k = 0; k < grid; k++)
        count[pick(s, logits, (k + 0.5) / grid, NULL)]++;
    for (int i = 0; i < n; i++)
        if (!(fabs(count[i] - p[i] * grid) <= 1.1))
            fail_msg("n %d, temperature %g, top-k %d, top-p %g: token %d came %d times of %g", n, temperature, top_k, top_p,
                     i, count[i], p[i] * grid);
    free(count);
    sampler_free(s);
    free(p);
    free(logits);
}

static void draws_follow_the_distribution(void **state)
{
    static const int sizes[] = {1, 2, 17, 256, 257, 700, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n = sizes[i];
        check_grid(n, 2, 1, 0, 1);
        check_grid(n, 2, 0.5, 0, 1);
        check_grid(n, 2, 1.5, 3, 1);
        check_grid(n, 2, 1, n - 1, 1);
        check_grid(n, 2, 1, 0, 0.5);
        check_grid(n, 2, 0.8, 0, 0.95);
        check_grid(n, 2, 1, 10, 0.7);
        check_grid(n, 2, 1, 0, 1e-6);
        check_grid(n, 0, 1, 5, 1); // all the same: the lowest ids stay
        check_grid(n, 0, 1, 0, 0.3);
        check_grid(n, 40, 1, 20, 0.99); // most weights vanish
    }
}

static void random_draws_pass_chi_square(void **state)
{
    enum { N = 24, DRAWS = 40000 };
    float *logits = random_logits(N, 1, 77);
    double *p = softmax(logits, N, 1), chi = 0;
    struct sampler *s = sampler_new(N, &(struct sampler_options){1, 0, 1});
    int count[N] = {0};
    struct rng r = rng_make(9, RNG_TEST, 5);
    for (int k = 0; k < DRAWS; k++)
        count[pick(s, logits, rng_uniform(&r), NULL)]++;
    for (int i = 0; i < N; i++)
        chi += pow(count[i] - p[i] * DRAWS, 2) / (p[i] * DRAWS);
    assert_true(chi < 49.7); // 23 degrees of freedom: one in a thousand is beyond
    assert_true(chi > 7.5);  // and one in a thousand under
    sampler_free(s);
    free(p);
    free(logits);
}

static void the_last_of_uniform_numbers_is_a_likely_token(void **state)
{
    float logits[600];
    for (int i = 0; i < 600; i++)
        logits[i] = i < 3 ? 1 : -1000; // vanish
    static const struct sampler_options options[] = {{1, 0, 1}, {1, 2, 1}, {1, 0, 0.9f}};
    for (size_t i = 0; i < 3; i++) {
        struct sampler *s = sampler_new(600, &options[i]);
        assert_in_range(pick(s, logits, 1 - 0x1p-53, NULL), 1, 2);
        assert_int_equal(pick(s, logits, 0, NULL), 0);
        sampler_free(s);
    }
}

static void logits_that_are_not_finite_are_refused(void **state)
{
    static const float strange[] = {NAN, INFINITY, -INFINITY};
    struct sampler *s = sampler_new(37, &(struct sampler_options){1, 0, 1});
    for (size_t i = 0; i < 3; i++)
        for (int at = 0; at < 37; at += 18) {
            float logits[37] = {0}, logprob;
            int32_t token;
            struct err fault = {0};
            logits[at] = strange[i];
            assert_int_equal(sampler_pick(s, logits, 0.5, &token, &logprob, &fault), ERR_NUMERIC);
        }
    sampler_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_lowest_of_the_most_likely),
        cmocka_unit_test(logprob_is_the_models_whatever_the_options),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(random_draws_pass_chi_square),
        cmocka_unit_test(the_last_of_uniform_numbers_is_a_likely_token),
        cmocka_unit_test(logits_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
