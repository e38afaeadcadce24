// Calibration and agreement of rewards, and the metrics of a batch, against numbers worked out by hand.
#include "config.h"

#include "testing.h"

#include "base/rng.h"
#include "train/objective/agreement.h"
#include "train/objective/calibration.h"
#include "train/objective/metrics.h"
#include "train/objective/objective.h"

struct pair {
    double margin, share;
};

static double error_of(const struct pair *pairs, int n)
{
    struct calibration c = {0};
    for (int i = 0; i < n; i++)
        calibration_add(&c, pairs[i].margin, pairs[i].share);
    return calibration_error(&c);
}

#define ERROR_OF(...)                                                                                              \
    error_of((const struct pair[]){__VA_ARGS__},                                                                   \
             (int)(sizeof((const struct pair[]){__VA_ARGS__}) / sizeof(struct pair)))

static void hand_made_numbers(void **state)
{
    const double three = log(3), nine = log(9); // p = 0.75 and 0.9, but for rounding
    // Says 3/4, is right three times of four.
    assert_close(ERROR_OF({three, 1}, {three, 1}, {three, 1}, {-three, 1}), 0, 1e-12);
    // Says 3/4 and is always right, always wrong, right one time of two.
    assert_close(ERROR_OF({three, 1}), 0.25, 1e-12);
    assert_close(ERROR_OF({-three, 1}), 0.75, 1e-12);
    assert_close(ERROR_OF({three, 1}, {-three, 1}), 0.25, 1e-12);
    // Two bins (and their mirrors): 3/4 said twice and right once, 0.95 said three times and right each time.
    const double sure = log(19);
    assert_close(ERROR_OF({three, 1}, {-three, 1}, {sure, 1}, {sure, 1}, {sure, 1}), (2 * 0.25 + 3 * 0.05) / 5, 1e-12);
    // Predictions of one bin are averaged before they are compared: 0.72 and 0.78 against 3 votes of 4 each.
    assert_close(ERROR_OF({log(0.72 / 0.28), 0.75}, {log(0.78 / 0.22), 0.75}), 0, 1e-12);
    // Shares of votes are targets; undecided about a tie is right.
    assert_close(ERROR_OF({three, 0.75}, {nine, 0.9}, {0, 0.5}), 0, 1e-12);
    assert_close(ERROR_OF({0, 1}), 0, 1e-12); // one half, and one of its two sides wins
}

static void order_says_nothing(void **state)
{
    struct rng rng = rng_make(2, RNG_TEST, 0);
    struct pair pairs[200], turned[200];
    for (int i = 0; i < 200; i++)
        pairs[i] = (struct pair){3 * rng_normal(&rng), rng_below(&rng, 5) / 4.0};
    for (int i = 0; i < 200; i++) { // from the end, each seen from its other side
        turned[i] = pairs[199 - i];
        turned[i].margin = -turned[i].margin;
        turned[i].share = 1 - turned[i].share;
    }
    assert_true(error_of(pairs, 200) > 0.05);
    assert_close(error_of(pairs, 200), error_of(turned, 200), 1e-12);
}

static void extremes_stay_in_their_bins(void **state)
{
    assert_close(ERROR_OF({1e4, 1}), 0, 0);
    assert_close(ERROR_OF({-1e4, 1}), 1, 0);
    assert_close(ERROR_OF({INFINITY, 1}), 0, 0);
    assert_true(isnan(calibration_error(&(struct calibration){0})));
}

// What is drawn with the stated probabilities is calibrated, up to chance; stated three times as surely it is not.
static void a_calibrated_source_has_a_small_error(void **state)
{
    struct rng rng = rng_make(4, RNG_TEST, 0);
    struct calibration right = {0}, boasting = {0};
    for (int i = 0; i < 40000; i++) {
        const double margin = 2 * rng_normal(&rng), p = 1 / (1 + exp(-margin));
        const double happened = rng_uniform(&rng) < p;
        calibration_add(&right, margin, happened);
        calibration_add(&boasting, 3 * margin, happened);
    }
    assert_true(calibration_error(&right) < 0.01);
    assert_true(calibration_error(&boasting) > 0.1);
}

static void agreement_is_counted_inside_of_prompts(void **state)
{
    // Three prompts with 2, 3 and 2 responses; one score is missing.
    const double a[] = {1, 0, 3, 2, 1, 5, 5}, b[] = {2, 1, 1, 2, NAN, 4, 3}, labels[] = {1, 0, 3, 2, 1, 0, 1};
    const int first[] = {0, 2, 5, 7};
    const struct agreement r = agreement_of(a, b, labels, first, 3);
    assert_int_equal(r.n_responses, 6);
    assert_int_equal(r.n_pairs, 3);
    assert_close(r.ranked_alike, (1 + 0 + 0.5) / 3, 1e-12);
    // Differences (1, 1), (1, -1), (0, 1): their products sum to nothing.
    assert_close(r.margin_correlation, 0, 1e-12);
    assert_int_equal(r.n_labelled, 3);
    assert_close(r.accuracy[0], (1 + 1 + 0.5) / 3, 1e-12);
    assert_close(r.accuracy[1], (1 + 0 + 0) / 3.0, 1e-12);
    // Scores (1,2) (0,1) (3,1) (2,2) (5,4) (5,3): means 8/3 and 13/6.
    const double xy = 44 - 6 * (8 / 3.0) * (13 / 6.0), xx = 64 - 6 * 64 / 9.0, yy = 35 - 6 * 169 / 36.0;
    assert_close(r.correlation, xy / sqrt(xx * yy), 1e-12);
    // A model agrees with itself whatever its scale and offset, and with its opposite in nothing.
    double same[7], opposite[7];
    for (int i = 0; i < 7; i++) {
        same[i] = 3 * a[i] - 7;
        opposite[i] = -a[i];
    }
    assert_close(agreement_of(a, same, labels, first, 2).ranked_alike, 1, 0);
    assert_close(agreement_of(a, same, labels, first, 3).correlation, 1, 1e-12);
    assert_close(agreement_of(a, opposite, labels, first, 2).ranked_alike, 0, 0);
    assert_close(agreement_of(a, opposite, labels, first, 3).margin_correlation, -1, 1e-12);
    const double flat[7] = {0};
    assert_true(isnan(agreement_of(a, flat, labels, first, 3).correlation));
}

// ---- what a batch amounts to ----

static struct metric_list tallied(const char *name, struct seq (*groups)[2], int n_groups, int n_seqs, const double *losses)
{
    struct tally t = {0};
    struct objective_run r = {0};
    struct metric_list m = {0};
    const double extra[OBJECTIVE_MAX_METRICS] = {0};
    assert_ok(objective_find(&r.objective, name, e));
    for (int g = 0; g < n_groups; g++)
        tally_group(&t, &r, groups[g], n_seqs, losses[g], extra);
    tally_metrics(&t, &r, false, &m);
    return m;
}

static void metrics_of_pairs_are_means_over_pairs(void **state)
{
    const double losses[] = {1, 2, 6};
    struct seq pairs[][2] = {{{.logp = -1, .reward = 3, .label = 1}, {.logp = -2, .reward = 1}},
                             {{.logp = -3, .reward = -1, .label = 1}, {.logp = -4, .reward = 4}},
                             {{.logp = -5, .reward = 2, .label = 1}, {.logp = -9, .reward = 2}}};
    const struct metric_list m = tallied("dpo", pairs, 3, 2, losses);
    assert_close(metric_value(&m, "loss"), 3, 1e-12);
    assert_close(metric_value(&m, "rewards/chosen"), 4.0 / 3, 1e-12);
    assert_close(metric_value(&m, "rewards/rejected"), 7.0 / 3, 1e-12);
    assert_close(metric_value(&m, "rewards/margins"), -1, 1e-12);
    assert_close(metric_value(&m, "logps/chosen"), -3, 1e-12);
    assert_close(metric_value(&m, "logps/rejected"), -5, 1e-12);
    assert_close(metric_value(&m, "rewards/accuracies"), 1.5 / 3, 1e-12); // what is not told apart counts half
}

// Good ones above zero and bad ones below it are told; zero says nothing, which is half.
static void metrics_of_single_responses_are_means_over_each_kind(void **state)
{
    const double losses[] = {1, 2, 3, 4, 5};
    struct seq singles[][2] = {{{.logp = -1, .reward = 3, .label = 1}}, {{.logp = -2, .reward = 0, .label = 1}},
                               {{.logp = -3, .reward = -4}}, {{.logp = -4, .reward = -3}}, {{.logp = -8, .reward = 1}}};
    const struct metric_list m = tallied("kto", singles, 5, 1, losses);
    assert_close(metric_value(&m, "loss"), 3, 1e-12);
    assert_close(metric_value(&m, "rewards/chosen"), 1.5, 1e-12);
    assert_close(metric_value(&m, "rewards/rejected"), -2, 1e-12);
    assert_close(metric_value(&m, "rewards/margins"), 3.5, 1e-12);
    assert_close(metric_value(&m, "logps/chosen"), -1.5, 1e-12);
    assert_close(metric_value(&m, "logps/rejected"), -5, 1e-12);
    assert_close(metric_value(&m, "rewards/accuracies"), 3.5 / 5, 1e-12);
    assert_close(metric_value(&m, "count/chosen"), 2, 0);
    assert_close(metric_value(&m, "count/rejected"), 3, 0);
    const struct metric_list good = tallied("kto", singles, 2, 1, losses);
    assert_true(isnan(metric_value(&good, "rewards/margins")) && isnan(metric_value(&good, "rewards/rejected")));
}

// What is said of tokens is a mean over tokens, of all responses but those of other prompts.
static void metrics_of_tokens_are_means_over_tokens(void **state)
{
    struct tally t = {.entropy = 30, .top = 5};
    struct objective_run r = {0};
    struct metric_list m = {0};
    const double extra[OBJECTIVE_MAX_METRICS] = {0};
    const struct seq seqs[] = {{.n = 4}, {.n = 6}, {.n = 90, .mismatched = true}};
    assert_ok(objective_find(&r.objective, "sft", e));
    for (int i = 0; i < 3; i++)
        tally_group(&t, &r, &seqs[i], 1, 1, extra);
    tally_metrics(&t, &r, true, &m);
    assert_close(metric_value(&m, "eval/entropy"), 3, 1e-12);
    assert_close(metric_value(&m, "eval/mean_token_accuracy"), 0.5, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made_numbers),
        cmocka_unit_test(order_says_nothing),
        cmocka_unit_test(extremes_stay_in_their_bins),
        cmocka_unit_test(a_calibrated_source_has_a_small_error),
        cmocka_unit_test(agreement_is_counted_inside_of_prompts),
        cmocka_unit_test(metrics_of_pairs_are_means_over_pairs),
        cmocka_unit_test(metrics_of_single_responses_are_means_over_each_kind),
        cmocka_unit_test(metrics_of_tokens_are_means_over_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
