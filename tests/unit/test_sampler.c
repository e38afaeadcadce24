// From logits to tokens: against plain softmax in double, full sorting, and the chi-square statistic.
#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "cpu/sampler.h"

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

static int32_t pick(struct sampler *s, struct sample_row how, const float *logits, double u, float *logprob)
{
    int32_t token = -1;
    float value;
    how.uniform = u;
    assert_true(sampler_pick(s, &how, logits, &token, logprob ? logprob : &value));
    return token;
}

static const struct sample_row plain = {.temperature = 1, .top_p = 1}, greedy_row = {.top_p = 1};

static void greedy_takes_the_lowest_of_the_most_likely(void **state)
{
    struct sampler *s = sampler_new(300);
    float logits[300] = {0};
    assert_int_equal(pick(s, greedy_row, logits, 0.9, NULL), 0);
    logits[299] = logits[41] = logits[40] = 2;
    assert_int_equal(pick(s, greedy_row, logits, 0.9, NULL), 40);
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
            struct sample_row o = {.temperature = greedy ? 0 : 0.7f, .top_k = n / 2, .top_p = 0.9f};
            struct sampler *s = sampler_new(n);
            for (int k = 0; k < 20; k++) {
                int32_t token = pick(s, o, logits, k / 20.0, &logprob);
                assert_in_range(token, 0, n - 1);
                assert_close(logprob, log(p[token]), 2e-6);
            }
            sampler_free(s);
            free(p);
            free(logits);
        }
}

static void drop_unlikely(double *p, int n, double min_p)
{
    double top = 0, sum = 0;
    for (int i = 0; i < n; i++)
        top = p[i] > top ? p[i] : top;
    for (int i = 0; i < n; i++)
        sum += p[i] = p[i] >= min_p * top ? p[i] : 0;
    for (int i = 0; i < n; i++)
        p[i] /= sum;
}

// The draw inverts the distribution function: over a fine grid of uniform numbers each token comes as often as it
// is likely, to the grid's resolution. This sees every kept token and every one left out.
static void check_grid(int n, double spread, double temperature, int top_k, double top_p, double min_p)
{
    int grid = n < 1000 ? 4000 : 1000;
    float *logits = random_logits(n, spread, (uint32_t)(n + top_k));
    double *p = softmax(logits, n, (float)temperature);
    cut_by_sorting(p, n, top_k, (float)top_p);
    drop_unlikely(p, n, min_p);
    const struct sample_row o = {.temperature = (float)temperature, .top_k = top_k, .top_p = (float)top_p, .min_p = (float)min_p};
    struct sampler *s = sampler_new(n);
    int *count = mem_alloc((size_t)n, sizeof *count);
    for (int k = 0; k < grid; k++)
        count[pick(s, o, logits, (k + 0.5) / grid, NULL)]++;
    for (int i = 0; i < n; i++)
        if (!(fabs(count[i] - p[i] * grid) <= 1.1))
            fail_msg("n %d, temperature %g, top-k %d, top-p %g, min-p %g: token %d came %d times of %g", n, temperature, top_k,
                     top_p, min_p, i, count[i], p[i] * grid);
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
        check_grid(n, 2, 1, 0, 1, 0);
        check_grid(n, 2, 0.5, 0, 1, 0);
        check_grid(n, 2, 1.5, 3, 1, 0);
        check_grid(n, 2, 1, n - 1, 1, 0);
        check_grid(n, 2, 1, 0, 0.5, 0);
        check_grid(n, 2, 0.8, 0, 0.95, 0);
        check_grid(n, 2, 1, 10, 0.7, 0);
        check_grid(n, 2, 1, 0, 1e-6, 0);
        check_grid(n, 0, 1, 5, 1, 0); // all the same: the lowest ids stay
        check_grid(n, 0, 1, 0, 0.3, 0);
        check_grid(n, 40, 1, 20, 0.99, 0); // most weights vanish
        check_grid(n, 4, 1, 0, 1, 0.05);
        check_grid(n, 4, 0.7, 50, 0.9, 0.2);
        check_grid(n, 4, 1.5, 0, 0.95, 1); // the likeliest alone
    }
}

static void random_draws_pass_chi_square(void **state)
{
    enum { N = 24, DRAWS = 40000 };
    float *logits = random_logits(N, 1, 77);
    double *p = softmax(logits, N, 1), chi = 0;
    struct sampler *s = sampler_new(N);
    int count[N] = {0};
    struct rng r = rng_make(9, RNG_TEST, 5);
    for (int k = 0; k < DRAWS; k++)
        count[pick(s, plain, logits, rng_uniform(&r), NULL)]++;
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
    static const struct sample_row rows[] = {{0, 1, 0, 1, 0, 0}, {0, 1, 2, 1, 0, 0}, {0, 1, 0, 0.9f, 0, 0}, {0, 1, 0, 1, 0.1f, 0}};
    for (size_t i = 0; i < 4; i++) {
        struct sampler *s = sampler_new(600);
        assert_in_range(pick(s, rows[i], logits, 1 - 0x1p-53, NULL), 1, 2);
        assert_int_equal(pick(s, rows[i], logits, 0, NULL), 0);
        sampler_free(s);
    }
}

static void logits_that_are_not_finite_are_refused(void **state)
{
    static const float strange[] = {NAN, INFINITY, -INFINITY};
    struct sampler *s = sampler_new(37);
    for (size_t i = 0; i < 3; i++)
        for (int at = 0; at < 37; at += 18) {
            float logits[37] = {0}, logprob;
            int32_t token;
            logits[at] = strange[i];
            assert_false(sampler_pick(s, &plain, logits, &token, &logprob));
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
