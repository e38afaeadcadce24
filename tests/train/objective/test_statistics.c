// Divergences, intervals and shares, against numbers that were worked out elsewhere.
#include "config.h"

#include "testing.h"

#include "train/objective/pm_divergence.h"
#include "train/objective/ngrams.h"
#include "train/objective/statistics.h"

// The first five worked out with 50 digits elsewhere; the others are the closed form's limits.
static void pm_divergence_is_that_of_the_paper(void **state)
{
    static const struct {
        double d, e, want, bound;
    } rows[] = {
        {0, 0, 0, 0},
        {2, 0.405465, 0.19382442, 1e-8},
        {-30, 0.405465, 0.91629067, 1e-8},
        {800, 1, 0.31326169, 1e-8},
        {-800, 1, 1.31326169, 1e-8},
        {800, -800, 800, 0},
        {0, 800, 400 - 0.6931471805599453, 1e-10},
        {800, 800, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_close(pm_divergence(rows[i].d, rows[i].e), rows[i].want, rows[i].bound);
}

static void pm_divergence_knows_no_order_of_the_two(void **state)
{
    static const double values[] = {-800, -30, -2, -0.3, 0, 1e-9, 0.7, 5, 40, 800};
    enum { N = sizeof values / sizeof *values };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double one = pm_divergence(values[i], values[j]), other = pm_divergence(-values[i], -values[j]);
            assert_true(isfinite(one) && one >= 0);
            assert_close(one, other, 1e-12 * (1 + one));
            assert_true(i != j || one == 0);
        }
}

// The same sum with probabilities, where they can be written down.
static void pm_divergence_is_a_kl(void **state)
{
    for (double p = 0.1; p < 0.95; p += 0.2)
        for (double q = 0.15; q < 0.95; q += 0.1) {
            const double two[] = {p, 1 - p}, other[] = {q, 1 - q};
            assert_close(pm_divergence(log(p / (1 - p)), log(q / (1 - q))), shares_kl(two, other, 2), 1e-12);
        }
}

static void the_published_quantity_is_another(void **state)
{
    assert_close(pm_squared_gap(2, 0.5), 2.25, 1e-15);
    assert_close(pm_squared_gap(-3, 1), 16, 1e-15);
}

// Means and their errors by hand: 1, 2, 3, 6 have mean 3 and variance 14 / 3.
static void means_have_normal_intervals(void **state)
{
    const double values[] = {1, 2, 3, 6};
    const struct estimate m = estimate_mean(values, 4), one = estimate_mean(values, 1), none = estimate_mean(values, 0);
    assert_close(standard_deviation(values, 4), 2.160246899469287, 1e-14);
    assert_close(m.value, 3, 0);
    assert_close(m.low, 3 - 2.1170030603370606, 1e-12);
    assert_close(m.high, 3 + 2.1170030603370606, 1e-12);
    assert_close(one.value, 1, 0);
    assert_true(isnan(one.low) && isnan(none.value));
}

// Wilson's: 8 of 10 (0.490, 0.943) and 0 of 20 (0, 0.161), as in the tables of Newcombe 1998 and Brown, Cai & DasGupta 2001.
static void shares_have_wilsons_intervals(void **state)
{
    const struct estimate eight = estimate_share(0.8, 10), none = estimate_share(0, 20), all = estimate_share(1, 20);
    assert_close(eight.low, 0.4901624715366418, 1e-12);
    assert_close(eight.high, 0.9433178485456248, 1e-12);
    assert_close(none.low, 0, 0);
    assert_close(none.high, 0.16112515805281938, 1e-12);
    assert_close(all.low, 1 - none.high, 1e-12);
    assert_close(all.high, 1, 0);
    assert_true(isnan(estimate_share(0.5, 0).low));
}

// Sums 1, 4, 3 of 2, 2, 4 things: 8 / 8, residuals -1, 2, -1.
static void ratios_have_intervals_of_their_residuals(void **state)
{
    const double sums[] = {1, 4, 3}, counts[] = {2, 2, 4};
    const struct estimate r = estimate_ratio(sums, counts, 3);
    assert_close(r.value, 1, 1e-15);
    assert_close(r.high - r.value, 1.959963984540054 * sqrt(3) / sqrt(3) / (8.0 / 3), 1e-12);
    assert_close(r.value - r.low, r.high - r.value, 1e-12);
    assert_true(isnan(estimate_ratio(sums, counts, 0).value));
}

static void distances_of_shares(void **state)
{
    const double p[] = {0.5, 0.5, 0}, q[] = {0.25, 0.25, 0.5};
    assert_close(total_variation(p, q, 3), 0.5, 1e-15);
    assert_close(shares_kl(p, q, 3), 0.6931471805599453, 1e-15);
    assert_true(isinf(shares_kl(q, p, 3)));
    assert_close(total_variation(p, p, 3), 0, 0);
}

// "1 2 1 2" and "2 1 7": no n-gram reaches from one into the other.
static void different_ngrams_are_counted(void **state)
{
    const int32_t tokens[] = {1, 2, 1, 2, 2, 1, 7};
    const size_t ends[] = {4, 7};
    assert_close(distinct_ngrams(tokens, ends, 2, 1), 3.0 / 7, 1e-15);
    assert_close(distinct_ngrams(tokens, ends, 2, 2), 3.0 / 5, 1e-15);
    assert_close(distinct_ngrams(tokens, ends, 2, 3), 3.0 / 3, 1e-15);
    const size_t short_ends[] = {1, 2};
    assert_true(isnan(distinct_ngrams(tokens, short_ends, 2, 2)));
}

// Against NLTK's sentence_bleu with its smoothing method 1 and as many orders as the text is long, each text against the
// others.
static void self_bleu_is_nltks(void **state)
{
    static const struct {
        int32_t tokens[20];
        size_t ends[3];
        int n;
        double want;
    } rows[] = {
        {{1, 2, 3, 4, 5, 1, 2, 3, 4, 6, 7, 2, 3, 4, 5, 5, 5, 1}, {5, 11, 18}, 3, 0.587194791059196},
        {{1, 2, 1, 2, 9}, {2, 4, 5}, 3, 2.0 / 3},
        {{1, 2, 3, 1, 2, 3}, {3, 6}, 2, 1},
        {{4, 4, 4, 4, 1, 4, 4, 4, 1, 4, 1, 4, 4, 4, 4}, {5, 7, 15}, 3, 0.4585934989001785},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_close(self_bleu(rows[i].tokens, rows[i].ends, rows[i].n), rows[i].want, 1e-12);
    const int32_t same[] = {1, 2, 3, 4, 5, 1, 2, 3, 4, 5};
    const size_t ends[] = {5, 10}, none[] = {0, 5};
    assert_close(self_bleu(same, ends, 2), 1, 1e-12);
    const size_t two_empty[] = {0, 0, 5};
    assert_close(self_bleu(same, none, 2), 0, 0);
    assert_close(self_bleu(same, two_empty, 3), 2.0 / 3, 1e-12);
    assert_true(isnan(self_bleu(same, ends, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pm_divergence_is_that_of_the_paper),
        cmocka_unit_test(pm_divergence_knows_no_order_of_the_two),
        cmocka_unit_test(pm_divergence_is_a_kl),
        cmocka_unit_test(the_published_quantity_is_another),
        cmocka_unit_test(means_have_normal_intervals),
        cmocka_unit_test(shares_have_wilsons_intervals),
        cmocka_unit_test(ratios_have_intervals_of_their_residuals),
        cmocka_unit_test(distances_of_shares),
        cmocka_unit_test(self_bleu_is_nltks),
        cmocka_unit_test(different_ngrams_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
