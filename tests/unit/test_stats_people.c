// Who judges: agreement, biases, and the model of annotators and pairs.
#include "testing.h"

#include "golden_stats.h"

#include "stats/agreement.h"
#include "stats/annotators.h"
#include "stats/bias.h"

static void agreement_agrees_with_others(void **state)
{
    static const char *const weights[] = {"nominal", "linear", "quadratic"};
    static const char *const levels[] = {"nominal", "ordinal", "interval"};
    const json_t *one;
    size_t i;
    json_array_foreach(golden_of("agreement"), i, one) {
        int n, n_values;
        double *ratings = golden_array(json_object_get(one, "ratings"), &n),
               *values = golden_array(json_object_get(one, "values"), &n_values);
        const int units = (int)golden_member(one, "n_units"), raters = (int)golden_member(one, "n_raters");
        char key[40];
        assert_int_equal(n, units * raters);
        for (int k = 0; k < 3; k++) {
            snprintf(key, sizeof key, "kappa_%s", weights[k]);
            const struct agreement_two t = agreement_of_two(ratings, units, raters, 0, 1, (enum agreement_weight)k);
            assert_golden(t.kappa, golden_member(one, key));
            assert_golden(t.percent, golden_member(one, "percent_two"));
            snprintf(key, sizeof key, "gwet_%s", weights[k]);
            assert_golden(agreement_gwet(ratings, units, raters, values, n_values, (enum agreement_weight)k),
                          golden_member(one, key));
            snprintf(key, sizeof key, "alpha_%s", levels[k]);
            assert_golden(agreement_alpha(ratings, units, raters, (enum alpha_level)k), golden_member(one, key));
        }
        assert_golden(agreement_percent(ratings, units, raters), golden_member(one, "percent"));
        free(values);
        free(ratings);
    }
}

static void agreement_is_nothing_where_it_is_undefined(void **state)
{
    const double alone[] = {1, NAN, NAN, 0, 1, NAN}, same[] = {1, 1, 1, 1, 1, 1}, scale[] = {0, 1};
    const struct agreement_two none = agreement_of_two(alone, 3, 2, 0, 1, AGREE_NOMINAL),
                               all = agreement_of_two(same, 3, 2, 0, 1, AGREE_QUADRATIC);
    assert_true(none.n == 0 && isnan(none.percent) && isnan(none.kappa));
    assert_true(all.n == 3 && all.percent == 1 && isnan(all.kappa));
    assert_true(isnan(agreement_alpha(alone, 3, 2, ALPHA_ORDINAL)) && isnan(agreement_alpha(same, 3, 2, ALPHA_NOMINAL)));
    assert_true(isnan(agreement_percent(alone, 3, 2)) && isnan(agreement_alpha(alone, 0, 0, ALPHA_NOMINAL)));
    assert_close(agreement_gwet(same, 3, 2, scale, 2, AGREE_NOMINAL), 1, 1e-12); // what AC was made for
}

static void biases_are_counted(void **state)
{
    //                                    share  gap  seconds b_first
    const struct bias_judgement j[] = {{1, 10, 2, false}, {0, 5, 10, true}, {0.5, 7, 1, false}, {0, -3, NAN, false},
                                       {1, 0, 3, true}, {0.9, 4, 2.9, false}};
    const struct bias side = bias_of_side(j, 6, 0.95), length = bias_of_length(j, 6, 0.95),
                      speed = bias_of_speed(j, 6, 3, 0.95);
    assert_true(side.n == 5 && side.k == 3); // the first two and the last
    assert_true(length.n == 4 && length.k == 3);
    assert_true(speed.n == 5 && speed.k == 3 && speed.p == 1);
    assert_close(length.share, 0.75, 1e-12);
    assert_close(side.p, 1, 1e-12);
    assert_close(length.p, 0.625, 1e-12);
    assert_close(length.interval.low, 0.19412044968, 1e-9);
    const struct bias none = bias_of_side(j, 0, 0.95);
    assert_true(none.p == 1 && isnan(none.share) && none.interval.low == 0 && none.interval.high == 1);
}

static void correlation_agrees_with_scipy(void **state)
{
    int n;
    double *x = golden_array(json_object_get(golden_of("correlation"), "x"), &n),
           *y = golden_array(json_object_get(golden_of("correlation"), "y"), &n);
    assert_golden(correlation(x, y, n), golden_member(golden_of("correlation"), "r"));
    const double left[] = {1, 1, 0, 0}, mine[] = {1, 0, 1, 0};
    assert_close(correlation(left, mine, 4), 0, 1e-15);
    assert_close(correlation(left, left, 4), 1, 1e-15);
    assert_true(isnan(correlation(left, left, 2)) && isnan(correlation(left, left, 0)));
    free(x);
    free(y);
}

static void check_annotators(const json_t *one)
{
    const json_t *who = json_object_get(one, "annotator");
    const int n = (int)json_array_size(who);
    struct annotator_vote *votes = calloc((size_t)n, sizeof *votes);
    for (size_t i = 0; i < (size_t)n; i++)
        votes[i] = (struct annotator_vote){(int)golden_at(who, i), (int)golden_at(json_object_get(one, "pair"), i),
                                           golden_at(json_object_get(one, "share"), i)};
    struct annotator_fit f;
    assert_ok(annotators_fit(&f, (int)golden_member(one, "n_annotators"), (int)golden_member(one, "n_pairs"), votes, n, e));
    assert_true(f.converged);
    for (int i = 0; i < f.n_annotators; i++)
        assert_golden(f.ability[i], golden_at(json_object_get(one, "ability"), (size_t)i));
    assert_golden(f.spread, golden_member(one, "spread"));
    for (int j = 0; j < f.n_pairs; j++) {
        assert_golden(f.pairs[j].share, golden_at(json_object_get(one, "pair_share"), (size_t)j));
        assert_golden(f.pairs[j].margin, golden_at(json_object_get(one, "margin"), (size_t)j));
        assert_golden(f.pairs[j].p_b, golden_at(json_object_get(one, "p_b"), (size_t)j));
        assert_golden(f.pairs[j].interval.low, golden_at(json_object_get(one, "low"), (size_t)j));
        assert_golden(f.pairs[j].interval.high, golden_at(json_object_get(one, "high"), (size_t)j));
    }
    annotator_fit_fini(&f);
    free(votes);
}

static void annotators_agree_with_another_optimizer(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(golden_of("annotators"), i, one)
        check_annotators(one);
}

static void annotators_of_little_stay_at_the_prior(void **state)
{
    const struct annotator_vote alone[] = {{0, 0, 1}, {0, 1, 0}, {0, 2, 1}};
    struct annotator_fit f;
    assert_ok(annotators_fit(&f, 1, 4, alone, 3, e));
    assert_close(f.ability[0], 1, 1e-9);
    assert_close(f.spread, 2, 1e-9);
    assert_close(f.pairs[0].share, 1 - f.pairs[1].share, 1e-12);
    assert_close(f.pairs[3].share, 0.5, 1e-12); // nobody has seen it
    assert_true(f.pairs[0].share > 0.6 && f.pairs[0].share < 0.8);
    assert_true(f.pairs[0].interval.low < f.pairs[0].share && f.pairs[0].share < f.pairs[0].interval.high);
    annotator_fit_fini(&f);

    struct annotator_vote same[200]; // four people who always say B
    for (int i = 0; i < 200; i++)
        same[i] = (struct annotator_vote){i % 4, i / 4, 1};
    assert_ok(annotators_fit(&f, 4, 50, same, 200, e));
    assert_true(f.converged && f.pairs[0].share > 0.9 && f.pairs[0].share < 1 && f.spread < 10);
    assert_close(f.pairs[0].share, f.pairs[49].share, 1e-12);
    annotator_fit_fini(&f);
    assert_ok(annotators_fit(&f, 0, 0, NULL, 0, e));
    assert_true(f.converged);
    annotator_fit_fini(&f);
}

static void votes_of_who_guesses_count_less(void **state)
{
    struct annotator_vote votes[240];
    int n = 0;
    for (int j = 0; j < 60; j++) { // three who agree, and one who says the opposite half of the time
        for (int i = 0; i < 3; i++)
            votes[n++] = (struct annotator_vote){i, j, j % 2};
        votes[n++] = (struct annotator_vote){3, j, (j / 2) % 2};
    }
    struct annotator_fit f;
    assert_ok(annotators_fit(&f, 4, 60, votes, n, e));
    assert_true(f.ability[3] < 0.3 && f.ability[0] > 1 && f.ability[0] == f.ability[1]);
    const double with = f.pairs[3].share, against = f.pairs[1].share; // B by three; by the fourth or not
    assert_true(with > 0.85 && against > 0.85 && with - against < 0.05);
    annotator_fit_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement_agrees_with_others),
        cmocka_unit_test(agreement_is_nothing_where_it_is_undefined),
        cmocka_unit_test(biases_are_counted),
        cmocka_unit_test(correlation_agrees_with_scipy),
        cmocka_unit_test(annotators_agree_with_another_optimizer),
        cmocka_unit_test(annotators_of_little_stay_at_the_prior),
        cmocka_unit_test(votes_of_who_guesses_count_less),
    };
    return cmocka_run_group_tests(tests, golden_stats_open, golden_stats_close);
}
