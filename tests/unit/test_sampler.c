// From logits to tokens: against plain softmax in double, full sorting, and the chi-square statistic.
#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "cpu/backend_cpu.h"
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

static const struct cpu_kernels *kernels;

static int set_up(void **state)
{
    assert_ok(cpu_level(&kernels, e));
    return 0;
}

static int32_t pick(struct sampler *s, struct sample_row how, const float *logits, double u, float *logprob)
{
    struct sampler_pick p = {.token = -1};
    how.uniform = u;
    assert_true(sampler_pick(s, &how, logits, &p));
    if (logprob)
        *logprob = p.logprob;
    return p.token;
}

static const struct sample_row plain = {.temperature = 1, .top_p = 1}, greedy_row = {.top_p = 1};

static void greedy_takes_the_lowest_of_the_most_likely(void **state)
{
    struct sampler *s = sampler_new(300, kernels);
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
            struct sampler *s = sampler_new(n, kernels);
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
    const struct sample_row o = {
        .temperature = (float)temperature, .top_k = top_k, .top_p = (float)top_p, .min_p = (float)min_p};
    struct sampler *s = sampler_new(n, kernels);
    int *count = mem_alloc((size_t)n, sizeof *count);
    for (int k = 0; k < grid; k++)
        count[pick(s, o, logits, (k + 0.5) / grid, NULL)]++;
    for (int i = 0; i < n; i++)
        if (!(fabs(count[i] - p[i] * grid) <= 1.1))
            fail_msg("n %d, temperature %g, top-k %d, top-p %g, min-p %g: token %d came %d times of %g", n, temperature,
                     top_k, top_p, min_p, i, count[i], p[i] * grid);
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
    struct sampler *s = sampler_new(N, kernels);
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

// What is left is what sorting leaves, a drawn token is among it, tokens come as often as `drawn` says, and nothing else
// changes what is drawn.
static void check_what_is_left(int n, double spread, double temperature, int top_k, double top_p, double min_p)
{
    enum { DRAWS = 20000 };
    float *logits = random_logits(n, spread, (uint32_t)(n + top_k));
    double *p = softmax(logits, n, (float)temperature), chi = 0;
    cut_by_sorting(p, n, top_k, (float)top_p);
    drop_unlikely(p, n, min_p);
    struct sampler *s = sampler_new(n, kernels);
    const struct sample_row how = {.temperature = (float)temperature, .top_k = top_k, .top_p = (float)top_p,
                                   .min_p = (float)min_p};
    uint32_t *set = mem_alloc(sampled_set_words(n), sizeof *set);
    int *count = mem_alloc((size_t)n, sizeof *count), n_left = 0, freedom = -1;
    double *said = mem_alloc((size_t)n, sizeof *said), rest = 0, rest_said = 0, all = 0;
    struct rng r = rng_make(9, RNG_TEST, (uint32_t)n);
    for (int k = 0; k < DRAWS; k++) {
        struct sample_row row = how;
        struct sampler_pick pick_ = {.set = set};
        row.uniform = rng_uniform(&r);
        assert_true(sampler_pick(s, &row, logits, &pick_));
        assert_true(set[pick_.token / 32] >> pick_.token % 32 & 1);
        assert_close(pick_.drawn, log(p[pick_.token]), 3e-6);
        said[pick_.token] = exp((double)pick_.drawn);
        count[pick_.token]++;
        if (k < 50)
            assert_int_equal(pick(s, how, logits, row.uniform, NULL), pick_.token);
    }
    for (int v = 0; v < n; v++) {
        const bool is_left = set[v / 32] >> v % 32 & 1;
        if (is_left != (p[v] > 0))
            fail_msg("n %d, temperature %g, top-k %d, top-p %g, min-p %g: token %d of probability %g is %s", n, temperature,
                     top_k, top_p, min_p, v, p[v], is_left ? "left" : "not left");
        n_left += is_left;
        all += said[v];
        if (said[v] * DRAWS < 10) { // rare ones together
            rest += count[v];
            rest_said += said[v] * DRAWS;
            continue;
        }
        freedom++;
        chi += pow(count[v] - said[v] * DRAWS, 2) / (said[v] * DRAWS);
    }
    assert_true(n_left > 0 && all <= 1 + 1e-5);
    if (rest_said > 10) {
        freedom++;
        chi += pow(rest - rest_said, 2) / rest_said;
    }
    if (!(chi <= freedom + 4 * sqrt(2 * freedom) + 4))
        fail_msg("n %d, temperature %g, top-k %d, top-p %g, min-p %g: chi-square %g of %d degrees of freedom", n,
                 temperature, top_k, top_p, min_p, chi, freedom);
    free(logits), free(p), free(set), free(count), free(said);
    sampler_free(s);
}

static void what_is_left_is_what_was_drawn_from(void **state)
{
    static const int sizes[] = {1, 17, 32, 257, 800};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int n = sizes[i];
        check_what_is_left(n, 2, 1, 0, 1, 0);
        check_what_is_left(n, 2, 0.7, 0, 1, 0);
        check_what_is_left(n, 2, 1, 5, 1, 0);
        check_what_is_left(n, 2, 0.7, 0, 0.9, 0);
        check_what_is_left(n, 2, 1.3, 40, 0.8, 0.02);
        check_what_is_left(n, 2, 1, 0, 1e-6, 0); // one
        check_what_is_left(n, 1, 1, n, 1, 0);    // all
    }
}

static void greedy_draws_from_its_token_alone(void **state)
{
    float logits[70] = {[40] = 2, [41] = 2, [69] = 1};
    uint32_t set[3];
    struct sampler *s = sampler_new(70, kernels);
    struct sampler_pick p = {.set = set};
    const struct sample_row cut = {.top_k = 7, .top_p = 0.5f}, *rows[] = {&greedy_row, &cut};
    for (int i = 0; i < 2; i++) {
        memset(set, 0xff, sizeof set);
        assert_true(sampler_pick(s, rows[i], logits, &p));
        assert_int_equal(p.token, 40);
        assert_true(p.drawn == 0);
        assert_true(set[0] == 0 && set[1] == 1u << 8 && set[2] == 0);
    }
    sampler_free(s);
}

static void the_last_of_uniform_numbers_is_a_likely_token(void **state)
{
    float logits[600];
    for (int i = 0; i < 600; i++)
        logits[i] = i < 3 ? 1 : -1000; // vanish
    static const struct sample_row rows[] = {{.temperature = 1, .top_p = 1}, {.temperature = 1, .top_k = 2, .top_p = 1},
                                             {.temperature = 1, .top_p = 0.9f},
                                             {.temperature = 1, .top_p = 1, .min_p = 0.1f}};
    for (size_t i = 0; i < 4; i++) {
        struct sampler *s = sampler_new(600, kernels);
        assert_in_range(pick(s, rows[i], logits, 1 - 0x1p-53, NULL), 1, 2);
        assert_int_equal(pick(s, rows[i], logits, 0, NULL), 0);
        sampler_free(s);
    }
}

static void logits_that_are_not_finite_are_refused(void **state)
{
    static const float strange[] = {NAN, INFINITY, -INFINITY};
    struct sampler *s = sampler_new(37, kernels);
    for (size_t i = 0; i < 3; i++)
        for (int at = 0; at < 37; at += 18) {
            float logits[37] = {0};
            struct sampler_pick p = {0};
            logits[at] = strange[i];
            assert_false(sampler_pick(s, &plain, logits, &p));
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
        cmocka_unit_test(what_is_left_is_what_was_drawn_from),
        cmocka_unit_test(greedy_draws_from_its_token_alone),
        cmocka_unit_test(the_last_of_uniform_numbers_is_a_likely_token),
        cmocka_unit_test(logits_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
