// Who wins: rates with intervals over prompts, at equal length, in sequence, and strengths of several.
#include "testing.h"

#include "golden_stats.h"

#include "base/rng.h"
#include "stats/bradley_terry.h"
#include "stats/histogram.h"
#include "stats/sequential.h"
#include "stats/win_rate.h"
#include "stats/win_slices.h"

static struct win_vote *votes_of(const json_t *one, int *n)
{
    const json_t *share = json_object_get(one, "share"), *cluster = json_object_get(one, "cluster"),
                 *gap = json_object_get(one, "gap");
    *n = (int)json_array_size(share);
    struct win_vote *votes = calloc((size_t)*n + 1, sizeof *votes);
    for (size_t i = 0; i < (size_t)*n; i++)
        votes[i] = (struct win_vote){.share = golden_at(share, i), .length_gap = gap ? golden_at(gap, i) : 0,
                                     .cluster = cluster ? (int)golden_at(cluster, i) : (int)i};
    return votes;
}

static void check_win_rate(const json_t *one)
{
    int n;
    struct win_vote *votes = votes_of(one, &n);
    const double level = golden_member(one, "level");
    const struct win_rate w = win_rate_of(votes, n, level);
    assert_golden(w.rate, golden_member(one, "rate"));
    assert_golden(w.std_error, golden_member(one, "std_error"));
    assert_golden(w.interval.low, golden_member(one, "low"));
    assert_golden(w.interval.high, golden_member(one, "high"));
    assert_int_equal(w.wins + w.ties + w.losses, n);
    assert_close((w.wins + 0.5 * w.ties) / n, w.rate, 1e-12);
    const json_t *draws = json_object_get(one, "bootstrap"), *c = json_object_get(one, "controlled");
    const struct interval b = win_rate_bootstrap(votes, n, level, (int)golden_at(draws, 0), (uint64_t)golden_at(draws, 1));
    assert_golden(b.low, golden_at(draws, 2));
    assert_golden(b.high, golden_at(draws, 3));
    const struct win_rate_length l = win_rate_length_controlled(votes, n, level);
    if (c) {
        assert_int_equal(l.state, LENGTH_CONTROLLED);
        assert_golden(l.intercept, golden_member(c, "intercept"));
        assert_golden(l.effect, golden_member(c, "effect"));
        assert_golden(l.std_error, golden_member(c, "std_error"));
        assert_golden(l.effect_std_error, golden_member(c, "effect_std_error"));
        assert_golden(l.rate, golden_member(c, "rate"));
        assert_golden(l.interval.low, golden_member(c, "low"));
        assert_golden(l.interval.high, golden_member(c, "high"));
        assert_golden(l.effect_p, golden_member(c, "effect_p"));
    } else {
        assert_true(l.state != LENGTH_CONTROLLED && isnan(l.rate) && isnan(l.interval.low));
    }
    free(votes);
}

static void win_rates_agree_with_statsmodels(void **state)
{
    const json_t *one;
    size_t i, n_controlled = 0;
    json_array_foreach(golden_of("win_rate"), i, one) {
        check_win_rate(one);
        n_controlled += json_object_get(one, "controlled") != NULL;
    }
    assert_int_equal(n_controlled, 5);
}

static void win_rates_of_little_are_honest(void **state)
{
    struct win_vote votes[12];
    for (int i = 0; i < 12; i++)
        votes[i] = (struct win_vote){1, i, i / 4};
    struct win_rate w = win_rate_of(votes, 0, 0.95);
    assert_true(isnan(w.rate) && w.interval.low == 0 && w.interval.high == 1);
    w = win_rate_of(votes, 4, 0.95); // one prompt says nothing of others
    assert_true(w.rate == 1 && w.n_clusters == 1 && w.interval.low == 0 && w.interval.high == 1);
    w = win_rate_of(votes, 12, 0.95); // three prompts, all won: not certain
    assert_true(w.interval.low < 0.5 && w.interval.high == 1);
    assert_int_equal(win_rate_length_controlled(votes, 2, 0.95).state, LENGTH_TOO_FEW);
    assert_int_equal(win_rate_length_controlled(votes, 8, 0.95).state, LENGTH_TOO_FEW); // two prompts
    assert_int_equal(win_rate_length_controlled(votes, 12, 0.95).state, LENGTH_SEPARATES);
    for (int i = 0; i < 12; i++) // the longer always wins
        votes[i] = (struct win_vote){i % 2, i % 2 ? 30 : -30, i};
    assert_int_equal(win_rate_length_controlled(votes, 12, 0.95).state, LENGTH_SEPARATES);
    votes[3].share = 0; // but once
    votes[4].share = 1;
    assert_int_equal(win_rate_length_controlled(votes, 12, 0.95).state, LENGTH_CONTROLLED);
    for (int i = 0; i < 12; i++)
        votes[i].length_gap = 5;
    assert_int_equal(win_rate_length_controlled(votes, 12, 0.95).state, LENGTH_CONSTANT);
    const struct interval b = win_rate_bootstrap(votes, 1, 0.95, 100, 1);
    assert_true(b.low == 0 && b.high == 1);
}

// Sixteen prompts that differ, five votes on each.
static void intervals_hold_the_rate_as_often_as_they_say(void **state)
{
    enum { N = 2000, PROMPTS = 16, EACH = 5 };
    struct rng r = rng_make(5, RNG_TEST, 0);
    int covers = 0, naive = 0;
    for (int i = 0; i < N; i++) {
        struct win_vote votes[PROMPTS * EACH];
        double likely = 0;
        for (int k = 0; k < PROMPTS * EACH; k++) {
            likely = k % EACH ? likely : 1 / (1 + exp(-rng_normal(&r))); // a mean of 1/2
            votes[k] = (struct win_vote){rng_uniform(&r) < likely, 0, k / EACH};
        }
        const struct win_rate w = win_rate_of(votes, PROMPTS * EACH, 0.95);
        const struct interval votes_alone = binomial_wilson(w.wins, w.n, 0.95);
        covers += w.interval.low <= 0.5 && 0.5 <= w.interval.high;
        naive += votes_alone.low <= 0.5 && 0.5 <= votes_alone.high;
    }
    print_message("          intervals over prompts hold the rate in %d of %d, those over votes in %d\n", covers, N, naive);
    assert_true(covers > 0.935 * N && covers < 0.97 * N);
    assert_true(naive < 0.9 * N);
}

static void sequences_agree_with_numpy(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(golden_of("sequential"), i, one) {
        int n;
        struct win_vote *votes = votes_of(one, &n);
        const struct sequential s = sequential_of(votes, n, golden_member(one, "alpha"));
        assert_golden_relative(s.e_a, golden_member(one, "e_a"));
        assert_golden_relative(s.e_b, golden_member(one, "e_b"));
        assert_golden_relative(s.e_max, golden_member(one, "e_max"));
        assert_int_equal(s.decided_at, (int64_t)golden_member(one, "decided_at"));
        assert_golden(s.rate.low, golden_member(one, "low"));
        assert_golden(s.rate.high, golden_member(one, "high"));
        free(votes);
    }
}

static void a_prompt_counts_once_in_a_sequence(void **state)
{
    struct win_vote votes[60];
    for (int i = 0; i < 60; i++) // ten prompts, six votes each, all for A
        votes[i] = (struct win_vote){1, 0, i / 6};
    const struct sequential few = sequential_of(votes, 60, 0.05);
    assert_int_equal(few.wins, 10);
    votes[1].share = votes[7].share = 0; // second votes
    const struct sequential same = sequential_of(votes, 60, 0.05);
    assert_true(same.wins == 10 && same.losses == 0 && same.e_a == few.e_a);
    for (int i = 0; i < 60; i++)
        votes[i].cluster = i;
    const struct sequential all = sequential_of(votes, 60, 0.05);
    assert_int_equal(all.wins + all.losses, 60);
    assert_true(all.decided_at > 0 && all.decided_for == 1 && all.e_a > few.e_a);
}

static void what_is_missing_is_foreseen(void **state)
{
    struct sequential s, later;
    sequential_start(&s, 0.05);
    assert_true(isinf(sequential_needed(&s)));
    static const double ten[] = {1, 0, 1, 0.5, 1, 0, 1, 1, 0, 1};
    for (int i = 0; i < 20; i++)
        sequential_add(&s, ten[i % 10]);
    const double needed = sequential_needed(&s);
    assert_true(!s.decided_at && needed > 60 && needed < 200);
    later = s;
    for (int i = 20; !later.decided_at; i++) // as it went on
        sequential_add(&later, ten[i % 10]);
    assert_true(fabs((double)later.decided_at - needed) <= 10);
    assert_true(sequential_needed(&later) == (double)later.decided_at);
    sequential_start(&s, 0.05);
    sequential_add(&s, 1);
    sequential_add(&s, 0);
    assert_true(isinf(sequential_needed(&s))); // even
}

// n votes, looked at after each: whether it stops, and for whom; *covers: whether the interval held `mean` at the end.
static double experiment(struct rng *r, int n, double win, double tie, bool *covers)
{
    struct sequential s;
    sequential_start(&s, 0.05);
    for (int i = 0; i < n; i++) {
        const double u = rng_uniform(r);
        sequential_add(&s, u < win ? 1 : u < win + tie ? 0.5 : 0);
        if (covers)
            sequential_interval(&s);
        else if (s.decided_at)
            break;
    }
    if (covers)
        *covers = s.rate.low <= win + tie / 2 && win + tie / 2 <= s.rate.high;
    return s.decided_for;
}

static void looking_at_every_vote_stops_falsely_at_most_one_time_in_twenty(void **state)
{
    enum { N = 10000, VOTES = 200 };
    struct rng r = rng_make(1, RNG_TEST, 0);
    int false_stops = 0;
    for (int i = 0; i < N; i++)
        false_stops += !isnan(experiment(&r, VOTES, i % 2 ? 0.5 : 0.4, i % 2 ? 0 : 0.2, NULL));
    print_message("          %d of %d experiments without a difference stopped\n", false_stops, N);
    assert_true(false_stops <= N / 20);
    assert_true(false_stops > N / 200); // it does look
}

// Prompts on which one or the other is much better, with several votes each.
static void votes_of_one_prompt_are_no_independent_evidence(void **state)
{
    enum { N = 1000, PROMPTS = 30, EACH = 6 };
    struct rng r = rng_make(4, RNG_TEST, 0);
    int stops = 0, naive = 0;
    for (int i = 0; i < N; i++) {
        struct win_vote votes[PROMPTS * EACH];
        struct sequential all;
        sequential_start(&all, 0.05);
        for (int j = 0; j < PROMPTS * EACH; j++) {
            if (j % EACH == 0)
                votes[j].share = rng_uniform(&r) < 0.5;
            const double mostly = votes[j / EACH * EACH].share;
            votes[j] = (struct win_vote){rng_uniform(&r) < 0.9 ? mostly : 1 - mostly, 0, j / EACH};
            sequential_add(&all, votes[j].share);
        }
        naive += all.decided_at > 0;
        stops += sequential_of(votes, PROMPTS * EACH, 0.05).decided_at > 0;
    }
    print_message("          false stops: %d of %d, with all votes taken for independent %d\n", stops, N, naive);
    assert_true(stops <= N / 20);
    assert_true(naive > N / 10);
}

static void differences_are_found(void **state)
{
    struct rng r = rng_make(2, RNG_TEST, 0);
    int found = 0, wrong = 0;
    for (int i = 0; i < 500; i++) {
        const double who = experiment(&r, 300, 0.6, 0.1, NULL);
        found += who == 1;
        wrong += who == 0;
    }
    print_message("          60 %% wins, 10 %% ties, 300 votes: found in %d of 500, the wrong way in %d\n", found, wrong);
    assert_true(found >= 475);
    assert_true(wrong <= 5);
}

static void confidence_sequences_hold_the_mean(void **state)
{
    struct rng r = rng_make(3, RNG_TEST, 0);
    int missed = 0;
    for (int i = 0; i < 400; i++) {
        bool covers;
        experiment(&r, 100, 0.3 + 0.4 * (i % 2), 0.15, &covers);
        missed += !covers;
    }
    assert_true(missed <= 20); // 5 % of 400; the running intersection of all looks
}

static struct bt_vote *bt_votes(const json_t *one, int *n)
{
    const json_t *a = json_object_get(one, "a");
    *n = (int)json_array_size(a);
    struct bt_vote *votes = calloc((size_t)*n, sizeof *votes);
    for (size_t i = 0; i < (size_t)*n; i++)
        votes[i] = (struct bt_vote){(int)golden_at(a, i), (int)golden_at(json_object_get(one, "b"), i),
                                    golden_at(json_object_get(one, "share"), i),
                                    (int)golden_at(json_object_get(one, "cluster"), i)};
    return votes;
}

static void strengths_agree_with_statsmodels(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(golden_of("bradley_terry"), i, one) {
        int n;
        struct bt_vote *votes = bt_votes(one, &n);
        struct bt_fit f;
        struct interval beats;
        const double level = golden_member(one, "level");
        assert_ok(bt_fit(&f, (int)golden_member(one, "n_players"), votes, n, level, e));
        for (int p = 0; p < f.n_players; p++) {
            assert_golden(f.players[p].strength, golden_at(json_object_get(one, "strength"), (size_t)p));
            assert_golden(f.players[p].std_error, golden_at(json_object_get(one, "std_error"), (size_t)p));
        }
        assert_int_equal(f.is_held, json_is_true(json_object_get(one, "held")));
        assert_int_equal(f.n_groups, 1);
        const json_t *want = json_object_get(one, "beats");
        assert_golden(bt_beats(&f, 0, 1, level, &beats), golden_at(want, 0));
        assert_golden(beats.low, golden_at(want, 1));
        assert_golden(beats.high, golden_at(want, 2));
        bt_fini(&f);
        free(votes);
    }
}

static void strengths_of_strangers_are_not_compared(void **state)
{
    const struct bt_vote votes[] = {{0, 1, 1, 0}, {1, 0, 1, 1}, {0, 1, 1, 2}, {2, 3, 0.5, 3}};
    struct bt_fit f;
    struct interval i;
    assert_ok(bt_fit(&f, 5, votes, 4, 0.95, e));
    assert_int_equal(f.n_groups, 3); // the fifth has met nobody
    assert_false(f.is_held);
    assert_close(f.players[0].strength, log(2) / 2, 1e-12);
    assert_close(f.players[0].strength + f.players[1].strength, 0, 1e-12);
    assert_close(f.players[2].strength, 0, 1e-12);
    assert_true(isnan(bt_beats(&f, 0, 2, 0.95, &i)) && i.low == 0 && i.high == 1);
    assert_close(bt_beats(&f, 0, 1, 0.95, &i), 2.0 / 3, 1e-12);
    bt_fini(&f);
    assert_ok(bt_fit(&f, 2, votes, 1, 0.95, e)); // one vote
    assert_true(f.is_held && f.players[0].strength > 0 && isnan(f.players[0].std_error));
    assert_close(bt_beats(&f, 0, 1, 0.95, &i), 0.75, 1e-9);
    assert_true(i.low == 0 && i.high == 1);
    bt_fini(&f);
    assert_ok(bt_fit(&f, 0, NULL, 0, 0.95, e));
    bt_fini(&f);
    struct err e = {0};
    assert_int_equal(bt_fit(&f, 501, NULL, 0, 0.95, &e), ERR_LIMIT);
}

// Two that are far apart, one close to the first, and one that nobody has met: what is asked next is what is known least.
static void doubtful_orders_come_first(void **state)
{
    struct bt_vote votes[80];
    struct bt_fit f;
    struct interval i;
    int n, count = 0;
    for (int k = 0; k < 40; k++) {
        votes[count++] = (struct bt_vote){0, 1, k % 10 ? 1 : 0, k};
        votes[count++] = (struct bt_vote){0, 2, k % 20 < 11 ? 1 : 0, k};
    }
    assert_ok(bt_fit(&f, 4, votes, count, 0.95, e));
    struct bt_pair *list = bt_doubts(&f, 0.95, &n);
    assert_int_equal(n, 6);
    for (int k = 0; k < 3; k++) { // who never met: those with the fewest votes first
        assert_true(list[k].doubt == 0.5 && isnan(list[k].beats) && (list[k].a == 3 || list[k].b == 3));
        assert_true(k == 0 || list[k].n >= list[k - 1].n);
    }
    assert_true(list[3].a == 0 && list[3].b == 2);
    const double variance = f.covariance[0] + f.covariance[2 * 4 + 2] - 2 * f.covariance[2];
    assert_close(list[3].doubt, 0.5 * erfc((f.players[0].strength - f.players[2].strength) / sqrt(2 * variance)), 1e-12);
    assert_true(list[3].doubt > 0.1 && list[3].doubt < 0.5 && list[4].doubt < list[3].doubt && list[5].doubt < 0.001);
    assert_close(list[3].beats, bt_beats(&f, 0, 2, 0.95, &i), 1e-15);
    assert_true(list[4].a == 2 && list[4].b == 1 && list[5].a == 0 && list[5].b == 1);
    free(list);
    bt_fini(&f);
    assert_ok(bt_fit(&f, 0, NULL, 0, 0.95, e));
    list = bt_doubts(&f, 0.95, &n);
    assert_int_equal(n, 0);
    free(list);
    bt_fini(&f);
}

static void slices_hold_whole_prompts_of_about_equal_number(void **state)
{
    // Ten prompts of lengths 1 2 3 3 3 4 5 6 7 8; the one of length 1 has three votes, the three of length 3 are kept
    // together.
    static const double length[] = {1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 1, 1}, share[] = {1, 0, 1, 1, 0.5, 0, 0, 1, 1, 1, 1, 0};
    static const int cluster[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0};
    struct win_vote votes[12];
    struct win_slice out[WIN_SLICES_MOST];
    for (int i = 0; i < 12; i++)
        votes[i] = (struct win_vote){share[i], 0, cluster[i]};
    assert_int_equal(win_slices_by_quantile(votes, length, 12, 3, 0.95, out), 3);
    assert_true(out[0].from == 1 && out[0].to == 2 && out[1].from == 3 && out[1].to == 4 && out[2].from == 5 &&
                out[2].to == 8);
    assert_true(out[0].rate.n == 4 && out[0].rate.n_clusters == 2 && out[1].rate.n == 4 && out[2].rate.n == 4);
    assert_close(out[0].rate.rate, 0.5, 1e-12);
    assert_close(out[1].rate.rate, 2.5 / 4, 1e-12);
    assert_close(out[2].rate.rate, 0.75, 1e-12);
    static const double many_of_one[] = {1, 1, 1, 1, 1, 1, 2, 3, 4};
    struct win_vote often[9] = {0};
    for (int i = 6; i < 9; i++)
        often[i].cluster = i;
    assert_int_equal(win_slices_by_quantile(often, many_of_one, 9, 2, 0.95, out), 2); // four prompts, whatever their votes
    assert_true(out[0].to == 2 && out[0].rate.n == 7 && out[1].rate.n == 2);
    assert_int_equal(win_slices_by_quantile(votes, length, 1, 3, 0.95, out), 1);
    assert_true(out[0].from == 1 && out[0].to == 1 && out[0].rate.n == 1);
    for (int i = 0; i < 12; i++)
        votes[i].cluster = i;
    const double same[12] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    assert_int_equal(win_slices_by_quantile(votes, same, 12, 4, 0.95, out), 1); // nothing to cut
    assert_int_equal(out[0].rate.n, 12);
    assert_int_equal(win_slices_by_quantile(votes, same, 0, 4, 0.95, out), 0);
    const int names[12] = {0, 0, 1, -1, 1, 1, -1, -1, -1, -1, -1, -1};
    win_slices_by_name(votes, names, 12, 3, 0.95, out);
    assert_true(out[0].rate.n == 2 && out[1].rate.n == 3 && out[2].rate.n == 0 && isnan(out[2].rate.rate));
    assert_close(out[1].rate.rate, 0.5, 1e-12);
    const struct win_rate want = win_rate_of((struct win_vote[]){votes[2], votes[4], votes[5]}, 3, 0.95);
    assert_true(want.interval.low == out[1].rate.interval.low && want.interval.high == out[1].rate.interval.high);
}

static void histograms_stand_around_zero(void **state)
{
    int counts[5];
    static const double values[] = {-1, -0.61, -0.59, -0.2, 0, 0.19, 0.21, 1, NAN, INFINITY};
    assert_close(histogram_around_zero(values, 10, 5, counts), 0.4, 1e-12); // edges at -0.6, -0.2, 0.2, 0.6
    assert_true(counts[0] == 2 && counts[1] == 1 && counts[2] == 3 && counts[3] == 1 && counts[4] == 1);
    static const double none[] = {0, 0, NAN};
    assert_close(histogram_around_zero(none, 3, 3, counts), 0, 0);
    assert_true(counts[0] == 0 && counts[1] == 2 && counts[2] == 0);
    assert_close(histogram_around_zero(none, 0, 3, counts), 0, 0);
    assert_int_equal(counts[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(win_rates_agree_with_statsmodels),
        cmocka_unit_test(win_rates_of_little_are_honest),
        cmocka_unit_test(intervals_hold_the_rate_as_often_as_they_say),
        cmocka_unit_test(sequences_agree_with_numpy),
        cmocka_unit_test(a_prompt_counts_once_in_a_sequence),
        cmocka_unit_test(what_is_missing_is_foreseen),
        cmocka_unit_test(looking_at_every_vote_stops_falsely_at_most_one_time_in_twenty),
        cmocka_unit_test(votes_of_one_prompt_are_no_independent_evidence),
        cmocka_unit_test(differences_are_found),
        cmocka_unit_test(confidence_sequences_hold_the_mean),
        cmocka_unit_test(strengths_agree_with_statsmodels),
        cmocka_unit_test(strengths_of_strangers_are_not_compared),
        cmocka_unit_test(doubtful_orders_come_first),
        cmocka_unit_test(slices_hold_whole_prompts_of_about_equal_number),
        cmocka_unit_test(histograms_stand_around_zero),
    };
    return cmocka_run_group_tests(tests, golden_stats_open, golden_stats_close);
}
