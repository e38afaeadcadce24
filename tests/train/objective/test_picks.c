// Which of a prompt's answers are learnt from, in which order, with which labels.
#include "config.h"

#include "testing.h"

#include "objective_batch.h"
#include "train/objective/stable.h"

enum { MOST = 64 };
static int32_t tokens[MOST];
static float surprising[MOST];
static struct said said[MOST];
static int taken[MOST];
static double labels[MOST];

// n answers of one token each, all different.
static void say(const double *scores, int n)
{
    for (int i = 0; i < n; i++) {
        tokens[i] = i;
        surprising[i] = -1;
        said[i] = (struct said){.n = 1, .ended = true, .score = scores[i], .tokens = &tokens[i], .logp = &surprising[i]};
    }
}

static int picked(const char *objective, const char *settings, int n, uint32_t prompt)
{
    json_t *values = settings ? json_loads(settings, 0, NULL) : NULL;
    struct objective_run r = configured(objective, values);
    struct rng rng = rng_make(3, RNG_TEST, prompt);
    const int m = r.objective->online->pick(&r, said, n, &rng, taken, labels);
    json_decref(values);
    return m;
}

static void the_best_and_the_worst(void **state)
{
    say((double[]){1, 3, 3, 0}, 4);
    assert_int_equal(picked("online-dpo", NULL, 4, 0), 2);
    assert_true(taken[0] == 1 && taken[1] == 3 && labels[0] == 1 && labels[1] == 0);
    assert_int_equal(picked("best-of-n", NULL, 4, 0), 1);
    assert_int_equal(taken[0], 1);
    assert_int_equal(picked("inpo", NULL, 4, 0), 2);
    assert_true(taken[0] == 1 && taken[1] == 3);
    static const char *const of_pairs[] = {"online-dpo", "inpo", "sppo", "dno", "xpo", "rso", "slic-rank"};
    say((double[]){2, 2}, 2); // a tie
    for (size_t i = 0; i < sizeof of_pairs / sizeof *of_pairs; i++)
        assert_int_equal(picked(of_pairs[i], NULL, 2, 0), 0);
}

// Of the better half the one that the policy finds most surprising, of the worse half the one that it finds least so.
static void what_is_said_seldom_is_chosen(void **state)
{
    say((double[]){5, 4, 1, 0}, 4);
    surprising[1] = -3;
    surprising[3] = -0.25f;
    assert_int_equal(picked("online-dpo", "{\"pair-choice\": \"divpo\", \"pool\": 0.5}", 4, 0), 2);
    assert_true(taken[0] == 1 && taken[1] == 3 && labels[0] == 1 && labels[1] == 0);
}

static void self_play_counts_wins(void **state)
{
    say((double[]){0, 2, -1}, 3);
    assert_int_equal(picked("sppo", NULL, 3, 0), 2);
    assert_true(taken[0] == 1 && taken[1] == 2);
    assert_close(labels[0], (0.5 + sigmoid(2) + sigmoid(3)) / 3, 1e-12); // itself included
    assert_close(labels[1], (0.5 + sigmoid(-1) + sigmoid(-3)) / 3, 1e-12);
    assert_int_equal(picked("dno", NULL, 3, 0), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(taken[i], i);
    assert_close(labels[0], (sigmoid(-2) + sigmoid(1)) / 2, 1e-12); // the others alone
    assert_close(labels[1], (sigmoid(2) + sigmoid(3)) / 2, 1e-12);
}

static void opponents_are_no_pupils(void **state)
{
    struct objective_run nash = configured("nash-md", NULL), xpo = configured("xpo", NULL), rso = configured("rso", NULL);
    for (int k = 0; k < 4; k++)
        assert_close(nash.objective->online->reference_says(nash.values, k, 4), k < 2 ? 0 : 0.5, 0);
    assert_close(xpo.objective->online->reference_says(xpo.values, 0, 2), 0, 0);
    assert_close(xpo.objective->online->reference_says(xpo.values, 1, 2), 1, 0);
    assert_close(rso.objective->online->reference_says(rso.values, 0, 64), 1, 0);
    say((double[]){1, 0, 0.5, 2}, 4);
    assert_int_equal(picked("nash-md", NULL, 4, 0), 2);
    assert_true(taken[0] == 0 && taken[1] == 1);
    assert_close(labels[0], (sigmoid(0.5) + sigmoid(-1)) / 2 - 0.5, 1e-12);
    assert_close(labels[1], (sigmoid(-0.5) + sigmoid(-2)) / 2 - 0.5, 1e-12);
    say((double[]){0, 1}, 2); // the policy's answer stands first, also where it lost
    assert_int_equal(picked("xpo", NULL, 2, 0), 2);
    assert_true(taken[0] == 0 && labels[0] == 0 && taken[1] == 1 && labels[1] == 1);
}

// Pairs stand one after the other, the better one first; an answer is in one of them at most.
static void check_pairs(int n)
{
    bool seen[MOST] = {0};
    for (int i = 0; i < n; i += 2) {
        assert_true(labels[i] == 1 && labels[i + 1] == 0);
        assert_true(said[taken[i]].score > said[taken[i + 1]].score);
        for (int k = i; k < i + 2; k++) {
            assert_false(seen[taken[k]]);
            seen[taken[k]] = true;
        }
    }
}

static void ranked_samples_are_paired_at_random(void **state)
{
    double scores[9];
    int differ = 0, first[8];
    for (int i = 0; i < 9; i++)
        scores[i] = i;
    say(scores, 9);
    for (uint32_t prompt = 0; prompt < 20; prompt++) {
        assert_int_equal(picked("slic-rank", NULL, 9, prompt), 8);
        check_pairs(8);
        differ += prompt > 0 && memcmp(first, taken, sizeof first) != 0;
        memcpy(first, taken, sizeof first);
    }
    assert_true(differ > 15);
}

// One is accepted in the first sweep with probability exp((score - best) / beta); the best always is.
static void rejection_sampling_accepts_as_it_should(void **state)
{
    enum { PROMPTS = 4000 };
    static const double scores[4] = {0, -0.5, -1, -2};
    int together[4] = {0};
    say(scores, 4);
    // Two are accepted: the first one of a sweep over the others in their order, or else the best of a later sweep. The best
    // is always the first.
    for (uint32_t prompt = 0; prompt < PROMPTS; prompt++) {
        assert_int_equal(picked("rso", "{\"accepted\": 2, \"beta\": 0.5}", 4, prompt), 2);
        assert_int_equal(taken[0], 0);
        together[taken[1]]++;
    }
    // then 1, now the best, joins
    const double p1 = exp(-1), p2 = exp(-2), p3 = exp(-4), none = (1 - p1) * (1 - p2) * (1 - p3);
    const double want[4] = {0, p1 + none, (1 - p1) * p2, (1 - p1) * (1 - p2) * p3};
    for (int i = 0; i < 4; i++)
        assert_close(together[i] / (double)PROMPTS, want[i], 4 * sqrt(want[i] * (1 - want[i]) / PROMPTS) + 1e-12);
    // Large beta: all as they come. What was sampled twice counts once; there are then too few for four.
    say((double[]){1, 2, 3, 4, 4}, 5);
    tokens[4] = 3;
    assert_int_equal(picked("rso", "{\"accepted\": 5, \"beta\": 1e6}", 5, 1), 4);
    check_pairs(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_and_the_worst),
        cmocka_unit_test(what_is_said_seldom_is_chosen),
        cmocka_unit_test(self_play_counts_wins),
        cmocka_unit_test(opponents_are_no_pupils),
        cmocka_unit_test(ranked_samples_are_paired_at_random),
        cmocka_unit_test(rejection_sampling_accepts_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
