// The rules about a run's health: each fires on what it is for, and keeps still on runs that go well.
#include "config.h"

#include "testing.h"

#include "ui/runs/health.h"

static struct health h;
static struct str why;

static int begin(void **state)
{
    health_init(&h);
    str_clear(&why);
    return 0;
}

static int end(void **state)
{
    str_fini(&why);
    return 0;
}

static void assert_says(const char *part)
{
    if (!strstr(str_text(&why), part))
        fail_msg("\"%s\" does not say \"%s\"", str_text(&why), part);
}

// 100 steps of a DPO run: the margin rises to `margin`, the chosen reward goes to `chosen`; beta 0.1.
static void train(double margin, double chosen)
{
    h.beta = 0.1;
    for (int i = 1; i <= 100; i++) {
        health_add(&h, HEALTH_LOSS, i, 0.69 - 0.001 * i);
        health_add(&h, HEALTH_GRAD_NORM, i, 1.5);
        health_add(&h, HEALTH_MARGIN, i, margin * i / 100);
        health_add(&h, HEALTH_CHOSEN, i, chosen * i / 100);
        health_add(&h, HEALTH_STEP_S, i, 0.5);
    }
}

static void a_run_that_goes_well_has_no_alert(void **state)
{
    int n = -1;
    train(2, 0.5);
    health_add(&h, HEALTH_LENGTH, 0, 100);
    health_add(&h, HEALTH_LENGTH, 100, 130);
    health_add(&h, HEALTH_EVAL_MARGIN, 50, 0.8);
    health_add(&h, HEALTH_EVAL_ACCURACY, 50, 0.70);
    health_add(&h, HEALTH_EVAL_MARGIN, 100, 1.6);
    health_add(&h, HEALTH_EVAL_ACCURACY, 100, 0.69); // within what chance does
    assert_null(health_worst(&h, &why, &n));
    assert_int_equal(n, 0);
    assert_int_equal(why.len, 0);
}

static void nothing_recorded_is_no_alert(void **state)
{
    assert_null(health_worst(&h, &why, NULL));
    h.idle_s = 1e6; // and no step time to compare with
    assert_null(health_worst(&h, &why, NULL));
}

static void nonfinite_names_the_first_metric_and_step(void **state)
{
    train(1, 0);
    assert_false(health_nonfinite(&h, &why));
    health_add(&h, HEALTH_LOSS, 101, NAN);
    health_add(&h, HEALTH_GRAD_NORM, 99, INFINITY);
    assert_true(health_nonfinite(&h, &why));
    assert_says("grad_norm");
    assert_says("step 99");
    begin(NULL);
    health_add(&h, HEALTH_EVAL_ACCURACY, 1, NAN); // not one of the three
    assert_false(health_nonfinite(&h, &why));
}

static void stall_waits_for_five_steps_and_ten_seconds(void **state)
{
    train(1, 0);
    h.idle_s = 9.9;
    assert_false(health_stall(&h, &why));
    h.idle_s = 10;
    assert_true(health_stall(&h, &why));
    assert_says("10 s");
    begin(NULL);
    health_add(&h, HEALTH_STEP_S, 1, 60);
    h.idle_s = 299;
    assert_false(health_stall(&h, &why));
    h.idle_s = 300;
    assert_true(health_stall(&h, &why));
}

static void chosen_drop_needs_a_rising_margin_and_ten_nats(void **state)
{
    train(2, -0.8); // 8 nats at the end
    assert_false(health_chosen_drop(&h, &why));
    begin(NULL);
    train(2, -1.5);
    assert_true(health_chosen_drop(&h, &why));
    assert_says("13 nats");
    begin(NULL);
    train(-2, -1.5); // the margin falls: another trouble
    assert_false(health_chosen_drop(&h, &why));
    begin(NULL);
    train(2, -1.5);
    h.beta = 0; // rewards are no log-probabilities: a reward model
    assert_false(health_chosen_drop(&h, &why));
    begin(NULL);
    health_add(&h, HEALTH_CHOSEN, 1, -4); // 40 nats before anything is learnt: these are no log-ratios
    train(2, -5);
    assert_false(health_chosen_drop(&h, &why));
}

static void margin_no_acc_compares_with_the_best_evaluation(void **state)
{
    static const double margins[] = {0.1, 0.5, 0.9, 1.4}, accuracies[] = {0.5, 0.66, 0.65, 0.62};
    for (int i = 0; i < 4; i++) {
        assert_false(health_margin_no_acc(&h, &why));
        health_add(&h, HEALTH_EVAL_MARGIN, i * 10, margins[i]);
        health_add(&h, HEALTH_EVAL_ACCURACY, i * 10, accuracies[i]);
    }
    assert_true(health_margin_no_acc(&h, &why));
    assert_says("from 0.5 to 1.4");
    health_add(&h, HEALTH_EVAL_MARGIN, 40, 1.5);
    health_add(&h, HEALTH_EVAL_ACCURACY, 40, 0.67); // a new best
    assert_false(health_margin_no_acc(&h, &why));
}

static void len_drift_needs_three_long_points_in_a_row(void **state)
{
    static const double lengths[] = {100, 160, 140, 151, 170};
    for (int i = 0; i < 5; i++)
        health_add(&h, HEALTH_LENGTH, i, lengths[i]);
    assert_false(health_len_drift(&h, &why));
    health_add(&h, HEALTH_LENGTH, 5, 200);
    assert_true(health_len_drift(&h, &why));
    assert_says("2.0 times");
}

static void the_gravest_rule_speaks(void **state)
{
    int n = 0;
    train(2, -1.5);
    health_add(&h, HEALTH_LOSS, 101, NAN);
    const struct health_rule *worst = health_worst(&h, &why, &n);
    assert_string_equal(worst->name, "nonfinite");
    assert_int_equal(n, 2);
    assert_says("loss is not finite at step 101");
    assert_null(strstr(str_text(&why), "nats"));
}

// The mean of a course's means is the mean of all, and its ends are where the run began and is.
static void a_course_keeps_its_ends_at_any_length(void **state)
{
    struct course c = {0};
    assert_true(isnan(course_begin(&c, 0.25)) && isnan(course_end(&c, 0.25)));
    course_add(&c, NAN);
    assert_int_equal(c.n, 0);
    course_add(&c, 7);
    assert_true(fabs(course_end(&c, 0.25) - 7) <= 0);
    for (int n = 2; n <= 100000; n++)
        course_add(&c, 7);
    assert_true(c.n > COURSE_POINTS / 2 - 1 && c.n <= COURSE_POINTS);
    assert_true(fabs(course_begin(&c, 1) - 7) <= 1e-12);
    c = (struct course){0};
    for (int n = 0; n < 64000; n++)
        course_add(&c, n);
    assert_true(fabs(course_begin(&c, 0.25) - 8000) <= 1000);
    assert_true(fabs(course_end(&c, 0.25) - 56000) <= 1000);
}

// ---- runs whose policy answers ----

// 40 batches whose metric goes evenly from one value to another.
static void answers(enum health_metric metric, double from, double to)
{
    for (int i = 1; i <= 40; i++)
        health_add(&h, metric, i, from + (to - from) * i / 40);
}

static void answers_that_go_well_have_no_alert(void **state)
{
    answers(HEALTH_REWARD, 0, 1);
    answers(HEALTH_WATCHED, 0, 0.8);
    answers(HEALTH_KL, 0, 12);
    answers(HEALTH_ENTROPY, 1, 0.6);
    answers(HEALTH_ZERO_STD, 0.1, 0.3);
    answers(HEALTH_CLIP_LOW, 0, 0.1);
    answers(HEALTH_CLIP_HIGH, 0, 0.1);
    answers(HEALTH_TRUNCATED, 0.1, 0.2);
    answers(HEALTH_EXPLAINED, -1, 0.7); // a value network begins with knowing nothing
    assert_null(health_worst(&h, &why, NULL));
}

// Of answers that are only compared there is no reward.
static void over_optimization_of_comparisons_is_seen_in_the_watched_reward(void **state)
{
    static const double watched[] = {0, 0.5, 1, 1, 0.95, 0.5, 0.4, 0.4};
    for (int i = 0; i < 5; i++)
        health_add(&h, HEALTH_WATCHED, i, watched[i]);
    assert_false(health_rm_divergence(&h, &why));
    for (int i = 5; i < 8; i++)
        health_add(&h, HEALTH_WATCHED, i, watched[i]);
    assert_true(health_rm_divergence(&h, &why));
    assert_says("fell from 1 to 0.4: what answers are compared by is over-optimized");
}

static void over_optimization_is_a_watched_reward_that_falls(void **state)
{
    answers(HEALTH_REWARD, 0, 2);
    answers(HEALTH_WATCHED, 0, 1);
    assert_false(health_rm_divergence(&h, &why));
    answers(HEALTH_WATCHED, 1, 0.2);
    assert_true(health_rm_divergence(&h, &why));
    assert_says("over-optimized");
    health_init(&h);
    answers(HEALTH_REWARD, 2, 0); // both fall: another trouble
    answers(HEALTH_WATCHED, 1, 0);
    assert_false(health_rm_divergence(&h, &why));
}

static void each_alert_of_answers_fires_on_its_own_metric(void **state)
{
    static const struct {
        enum health_metric metric;
        double well, badly;
        bool (*fires)(const struct health *h, struct str *why);
    } rows[] = {{HEALTH_KL, 19, 25, health_kl_budget},           {HEALTH_ZERO_STD, 0.45, 0.6, health_zero_std},
                {HEALTH_CLIP_LOW, 0.25, 0.4, health_clip_frac},  {HEALTH_TRUNCATED, 0.4, 0.7, health_truncated},
                {HEALTH_EXPLAINED, 0.1, -0.2, health_value_lost}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int bad = 0; bad < 2; bad++) {
            const double value = bad ? rows[i].badly : rows[i].well;
            health_init(&h);
            answers(HEALTH_CLIP_HIGH, 0, 0);
            answers(rows[i].metric, value, value);
            assert_int_equal(rows[i].fires(&h, &why), bad);
        }
    health_init(&h);
    answers(HEALTH_REWARD, 0, 1);
    answers(HEALTH_ENTROPY, 1, 0.4);
    assert_false(health_entropy_floor(&h, &why));
    answers(HEALTH_ENTROPY, 0.4, 0.1);
    assert_true(health_entropy_floor(&h, &why));
    assert_says("entropy fell");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_that_goes_well_has_no_alert, begin, end),
        cmocka_unit_test_setup_teardown(nothing_recorded_is_no_alert, begin, end),
        cmocka_unit_test_setup_teardown(nonfinite_names_the_first_metric_and_step, begin, end),
        cmocka_unit_test_setup_teardown(stall_waits_for_five_steps_and_ten_seconds, begin, end),
        cmocka_unit_test_setup_teardown(chosen_drop_needs_a_rising_margin_and_ten_nats, begin, end),
        cmocka_unit_test_setup_teardown(margin_no_acc_compares_with_the_best_evaluation, begin, end),
        cmocka_unit_test_setup_teardown(len_drift_needs_three_long_points_in_a_row, begin, end),
        cmocka_unit_test_setup_teardown(the_gravest_rule_speaks, begin, end),
        cmocka_unit_test_setup_teardown(a_course_keeps_its_ends_at_any_length, begin, end),
        cmocka_unit_test_setup_teardown(answers_that_go_well_have_no_alert, begin, end),
        cmocka_unit_test_setup_teardown(over_optimization_is_a_watched_reward_that_falls, begin, end),
        cmocka_unit_test_setup_teardown(over_optimization_of_comparisons_is_seen_in_the_watched_reward, begin, end),
        cmocka_unit_test_setup_teardown(each_alert_of_answers_fires_on_its_own_metric, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
