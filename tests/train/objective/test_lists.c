// Objectives and metrics of lists: what must hold whatever the numbers are.
#include "config.h"

#include "testing.h"

#include <math.h>

#include "objective_batch.h"
#include "train/objective/metrics.h"
#include "train/objective/stable.h"
#include "train/objective/ranking.h"

enum { MOST = 6 };

// Of 2 to MOST responses; labels from few values, so that ties are usual.
static int random_list(struct rng *rng, struct seq *s)
{
    const int n = 2 + (int)rng_below(rng, MOST - 1);
    random_group(rng, s, n);
    for (int i = 0; i < n; i++)
        s[i].label = 0.5 * (double)rng_below(rng, 4);
    return n;
}

static struct objective_run with(const char *name, const char *key, const char *value)
{
    json_t *values = key ? json_pack("{s:s}", key, value) : NULL;
    struct objective_run r = configured(name, values);
    json_decref(values);
    return r;
}

static void the_order_of_a_list_does_not_matter(void **state)
{
    struct rng rng = rng_make(11, RNG_TEST, 0);
    for (const struct objective *const *o = objectives; *o; o++)
        for (int round = 0; round < 50 && ((*o)->data & DATA_LIST) && !((*o)->data & DATA_BINARY); round++) {
            struct objective_run r = configured((*o)->name, NULL);
            struct seq s[MOST], moved[MOST];
            uint32_t order[MOST];
            const int n = random_list(&rng, s);
            for (int i = 0; i < n; i++) {
                order[i] = (uint32_t)i;
                if (round % 3 == 0) // an untrained model: all rewards are equal
                    s[i].ref = s[i].logp;
            }
            rng_shuffle(&rng, order, (size_t)n);
            for (int i = 0; i < n; i++)
                moved[i] = s[order[i]];
            const double loss = evaluate(&r, s, n);
            assert_close(evaluate(&r, moved, n), loss, 1e-12 * (1 + fabs(loss)));
            for (int i = 0; i < n; i++)
                assert_close(moved[i].d_logp, s[order[i]].d_logp, 1e-12 * (1 + fabs(loss)));
        }
}

static void equal_labels_teach_no_order(void **state)
{
    static const struct {
        const char *name, *key, *value;
    } cases[] = {
        {"plackett-luce", NULL, NULL},
        {"lipo-lambda", NULL, NULL},
        {"lipo-lambda", "list-loss", "pair-logistic"},
        {"lipo-lambda", "list-loss", "pair-hinge"},
        {"rrhf", "sft-weight", "0"},
        {"pro", "sft-weight", "0"},
    };
    struct rng rng = rng_make(12, RNG_TEST, 0);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct objective_run r = with(cases[c].name, cases[c].key, cases[c].value);
        struct seq s[MOST];
        const int n = random_list(&rng, s);
        for (int i = 0; i < n; i++)
            s[i].label = 2;
        assert_close(evaluate(&r, s, n), 0, 0);
        for (int i = 0; i < n; i++)
            assert_close(s[i].d_logp, 0, 0);
    }
}

// Two that are equally good before one that is worse: two comparisons, and none between the equal ones.
static void ties_of_plackett_luce_are_separate_comparisons(void **state)
{
    struct objective_run r = configured("plackett-luce", NULL), dpo = configured("dpo", NULL);
    struct seq s[3] = {{.logp = -4, .ref = -6, .n = 3, .label = 2}, {.logp = -9, .ref = -5, .n = 3, .label = 2},
                       {.logp = -7, .ref = -7.5, .n = 3, .label = 1}};
    struct seq first[2] = {s[0], s[2]}, second[2] = {s[1], s[2]};
    assert_close(evaluate(&r, s, 3), evaluate(&dpo, first, 2) + evaluate(&dpo, second, 2), 1e-14);
    assert_close(s[0].d_logp, first[0].d_logp, 1e-15);
    assert_close(s[2].d_logp, first[1].d_logp + second[1].d_logp, 1e-15);
}

static void expect_equal(struct objective_run *a, struct objective_run *b, double tolerance)
{
    struct rng rng = rng_make(13, RNG_TEST, 0);
    for (int round = 0; round < 50; round++) {
        struct seq s[2], t[2];
        random_group(&rng, s, 2);
        memcpy(t, s, sizeof s);
        const double loss = evaluate(b, t, 2);
        assert_close(evaluate(a, s, 2), loss, tolerance * (1 + fabs(loss)));
        for (int i = 0; i < 2; i++)
            assert_close(s[i].d_logp, t[i].d_logp, tolerance);
    }
}

static void lists_of_two_are_the_pair_objectives(void **state)
{
    struct objective_run dpo = configured("dpo", NULL), list = configured("plackett-luce", NULL);
    expect_equal(&list, &dpo, 1e-13);
    list = with("lipo-lambda", "list-loss", "pair-logistic");
    dpo = with("dpo", "beta", "0.05");
    expect_equal(&list, &dpo, 1e-13);
    list = configured("infonca", NULL);
    dpo = with("dpo", "beta", "0.01");
    expect_equal(&list, &dpo, 1e-13);
    list = with("nca", "beta", "0.1");
    struct objective_run pair = with("nca-pair", "beta", "0.1");
    expect_equal(&list, &pair, 1e-13);
    // exo takes the better response with 1 - e: so does the softmax of (1, 0) / alpha with alpha = 1 / log((1 - e) / e)
    list = with("exo-rw", "alpha", "0.45511961331341866");
    json_t *values = json_pack("{s:s, s:s}", "beta", "0.5", "label-smoothing", "0.1");
    pair = configured("exo", values);
    json_decref(values);
    expect_equal(&list, &pair, 1e-12);
}

// Delta is a constant of the loss: with ranks held from one place, the loss elsewhere has the old weight.
static void lambda_weights_are_held(void **state)
{
    struct objective_run r = with("lipo-lambda", "beta", "1");
    struct seq s[2] = {{.logp = -5, .ref = -8, .n = 3, .label = 1}, {.logp = -7, .ref = -8, .n = 3, .label = 0}};
    double none[OBJECTIVE_MAX_METRICS];
    const double weight = fabs(1 / log(2) - 1 / log(3));
    assert_close(evaluate(&r, s, 2), weight * softplus(-2), 1e-15);
    r.objective->hold(&r, s, 2);
    s[0].label = 0.5; // without hold the ranks stay, while the gains are the labels' of now
    s[1].logp = 3;    // and the order of the rewards has changed
    assert_close(r.objective->loss(&r, s, 2, none), (sqrt(2) - 1) * weight * softplus(8), 1e-13);
    const double slope = s[0].d_logp;
    assert_close(slope, -(sqrt(2) - 1) * weight * sigmoid(8), 1e-13);
}

static void lambda_teaches_an_untrained_model(void **state)
{
    struct objective_run r = configured("lipo-lambda", NULL);
    struct seq s[4] = {{.logp = -5, .ref = -5, .n = 3, .label = 0.2}, {.logp = -7, .ref = -7, .n = 3, .label = 0.9},
                       {.logp = -2, .ref = -2, .n = 1, .label = 0.5}, {.logp = -8, .ref = -8, .n = 3, .label = 0.5}};
    assert_true(evaluate(&r, s, 4) > 0);
    assert_true(s[1].d_logp < 0 && s[0].d_logp > 0);
    assert_close(s[2].d_logp, s[3].d_logp, 0);
}

// Labels beyond all measure: the weights stop growing, nothing overflows.
static void wild_scores_stay_finite(void **state)
{
    static const double labels[] = {-1e300, -1e4, 0, 710, 1e4, 1e300};
    for (const struct objective *const *o = objectives; *o; o++) {
        if (!((*o)->data & DATA_LIST) || (*o)->data & DATA_BINARY)
            continue;
        struct objective_run r = configured((*o)->name, NULL);
        struct seq s[MOST];
        for (int i = 0; i < MOST; i++)
            s[i] = (struct seq){.logp = -100 * i, .ref = -1e4, .n = 1 + i, .label = labels[i]};
        const double loss = evaluate(&r, s, MOST);
        if (!isfinite(loss))
            fail_msg("%s: the loss is %g", (*o)->name, loss);
        for (int i = 0; i < MOST; i++)
            assert_true(isfinite(s[i].d_logp));
    }
}

static void rankings_count_ordered_pairs_and_gains(void **state)
{
    struct ranking r;
    const struct seq reversed[3] = {{.reward = -1, .logp = -3, .label = 3}, {.reward = 0, .logp = -2, .label = 2},
                                    {.reward = 4, .logp = -1, .label = 1}};
    assert_true(ranking_of(reversed, 3, &r));
    assert_close(r.chosen, -1, 0);
    assert_close(r.rejected, 4, 0);
    assert_close(r.logp_chosen, -3, 0);
    assert_close(r.accuracy, 0, 0);
    assert_close(r.ndcg, (2 / log(4) + 1 / log(3)) / (2 / log(2) + 1 / log(3)), 1e-15);

    // ties among labels and among rewards: of five ordered pairs three are right and one is a tie
    const struct seq tied[4] = {{.reward = 2, .label = 1}, {.reward = 1, .label = 5}, {.reward = 3, .label = 5},
                                {.reward = 1, .label = 4}};
    assert_true(ranking_of(tied, 4, &r));
    assert_close(r.chosen, 2, 0);
    assert_close(r.rejected, 2, 0);
    assert_close(r.accuracy, 2.5 / 5, 1e-15); // 5 before 1: wrong, right; 5 before 4: tie, right; 4 before 1: wrong
    const double shared = (1 / log(4) + 1 / log(5)) / 2;
    assert_close(r.ndcg, (4 * shared + 4 / log(2) + 3 * shared) / (4 / log(2) + 4 / log(3) + 3 / log(4)), 1e-15);

    struct seq same[3] = {{.reward = 2, .label = 1}, {.reward = 1, .label = 1},
                          {.reward = 9, .label = 0, .mismatched = true}};
    assert_false(ranking_of(same, 3, &r)); // the third answers another prompt
    same[1].label = 0;
    assert_true(ranking_of(same, 3, &r));
    assert_close(r.accuracy, 1, 0);
    assert_false(ranking_of(same, 1, &r));
}

// A batch of lists of different length, one of them without order.
static void tallies_average_over_groups_that_have_an_order(void **state)
{
    struct objective_run r = configured("plackett-luce", NULL);
    const struct seq pair[2] = {{.reward = 0, .label = 0, .n = 1}, {.reward = 4, .label = 1, .n = 1}};
    const struct seq list[3] = {{.reward = -1, .label = 3, .n = 1}, {.reward = 0, .label = 2, .n = 1},
                                {.reward = 4, .label = 1, .n = 1}};
    const struct seq even[2] = {{.reward = 7, .label = 1, .n = 1}, {.reward = 3, .label = 1, .n = 1}};
    struct tally t = {0};
    struct metric_list m = {.n = 0};
    const double extra[OBJECTIVE_MAX_METRICS] = {0};
    tally_group(&t, &r, pair, 2, 1, extra);
    tally_group(&t, &r, list, 3, 2, extra);
    tally_group(&t, &r, even, 2, 0, extra);
    tally_metrics(&t, &r, true, &m);
    assert_close(metric_value(&m, "eval/loss"), 1, 0);
    assert_close(metric_value(&m, "eval/rewards/chosen"), 1.5, 0);
    assert_close(metric_value(&m, "eval/rewards/rejected"), 2, 0);
    assert_close(metric_value(&m, "eval/rewards/margins"), -0.5, 0);
    assert_close(metric_value(&m, "eval/rewards/accuracies"), 0.5, 0);
    assert_close(metric_value(&m, "eval/rewards/ndcg"), (2 / log(4) + 1 / log(3)) / (2 / log(2) + 1 / log(3)), 1e-15);
}

// Scores of any size: a list of two that is ranked 3 to 1 by log-odds is told rightly, whatever its scores and order.
static void calibration_of_lists_counts_their_order(void **state)
{
    struct objective_run r = configured("plackett-luce", NULL);
    const double three = log(3), extra[OBJECTIVE_MAX_METRICS] = {0};
    const struct seq lists[][2] = {{{.reward = three, .label = 8.5, .n = 1}, {.reward = 0, .label = 3, .n = 1}},
                                   {{.reward = 0, .label = -2, .n = 1}, {.reward = three, .label = -1, .n = 1}},
                                   {{.reward = 5, .label = 0, .n = 1}, {.reward = 5, .label = 0, .n = 1}}};
    struct tally t = {0};
    struct metric_list m = {.n = 0};
    for (int i = 0; i < 3; i++)
        tally_group(&t, &r, lists[i], 2, 0, extra);
    tally_metrics(&t, &r, true, &m);
    assert_close(metric_value(&m, "eval/rewards/ece"), 2 * 0.25 / 3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_a_list_does_not_matter),
        cmocka_unit_test(equal_labels_teach_no_order),
        cmocka_unit_test(ties_of_plackett_luce_are_separate_comparisons),
        cmocka_unit_test(lists_of_two_are_the_pair_objectives),
        cmocka_unit_test(lambda_weights_are_held),
        cmocka_unit_test(lambda_teaches_an_untrained_model),
        cmocka_unit_test(wild_scores_stay_finite),
        cmocka_unit_test(rankings_count_ordered_pairs_and_gains),
        cmocka_unit_test(tallies_average_over_groups_that_have_an_order),
        cmocka_unit_test(calibration_of_lists_counts_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
