// Every objective of the table that learns from the policy's own answers: golden advantages, losses and derivatives, finite
// differences, saturation, and identities between them.
#include "config.h"

#include "objective_batch.h"

#include <math.h>

enum { MOST_TOKENS = 8, N_ARRAYS = 11 };
enum { LOGP, VALUE, FIRST_COLUMN }; // then the columns of a source

// A batch with numbers of tokens, in the order of its answers.
struct told {
    struct batch b;
    struct said said[MAX_SEQS];
    float numbers[MAX_SEQS][N_ARRAYS][MOST_TOKENS];
    double slopes[MAX_SEQS][2][MOST_TOKENS];
};

static void point(struct told *t, bool value)
{
    for (int i = 0; i < t->b.first[t->b.n]; i++) {
        struct seq *s = &t->b.seqs[i];
        float(*x)[MOST_TOKENS] = t->numbers[i];
        s->tokens = (struct token_numbers){.logp = x[LOGP], .value = value ? x[VALUE] : NULL, .d_logp = t->slopes[i][0],
                                           .d_value = value ? t->slopes[i][1] : NULL};
        for (int c = 0; c < N_TOKEN_COLUMNS; c++)
            s->tokens.columns[c] = x[FIRST_COLUMN + c];
        t->said[i] = (struct said){.n = s->n, .ended = true, .score = s->score, .logp = x[FIRST_COLUMN + TOKEN_OLD_LOGP],
                                   .ref = x[FIRST_COLUMN + TOKEN_REFERENCE], .value = x[FIRST_COLUMN + TOKEN_OLD_VALUE],
                                   .reward = x[FIRST_COLUMN + TOKEN_REWARD], .advantage = x[FIRST_COLUMN + TOKEN_ADVANTAGE],
                                   .returns = x[FIRST_COLUMN + TOKEN_RETURN]};
    }
}

static void judge(struct objective_run *r, struct told *t)
{
    prepare(r, &t->b);
    point(t, objective_needs(r).networks & NETWORK_VALUE);
    if (r->objective->online->judge)
        r->objective->online->judge(r, t->said, t->b.first, t->b.n);
}

static const json_t *at(const json_t *array, int i)
{
    return json_array_get(array, (size_t)i);
}

static void take(const json_t *answer, const char *key, float *to)
{
    const json_t *numbers = json_object_get(answer, key);
    for (int k = 0; k < (int)json_array_size(numbers); k++)
        to[k] = (float)json_number_value(at(numbers, k));
}

static void read_row(const json_t *row, struct told *t)
{
    const json_t *groups = json_object_get(row, "groups");
    *t = (struct told){.b.n = (int)json_array_size(groups)};
    for (int g = 0; g < t->b.n; g++) {
        const json_t *group = at(groups, g);
        t->b.first[g + 1] = t->b.first[g];
        for (int k = 0; k < (int)json_array_size(group); k++) {
            const int i = t->b.first[g + 1]++;
            t->b.seqs[i] = (struct seq){.n = (int)json_array_size(json_object_get(at(group, k), "logp")),
                                        .score = json_number_value(json_object_get(at(group, k), "score"))};
            assert_true(t->b.seqs[i].n <= MOST_TOKENS);
            take(at(group, k), "logp", t->numbers[i][LOGP]);
            take(at(group, k), "value", t->numbers[i][VALUE]);
            take(at(group, k), "old_logp", t->numbers[i][FIRST_COLUMN + TOKEN_OLD_LOGP]);
            take(at(group, k), "reference", t->numbers[i][FIRST_COLUMN + TOKEN_REFERENCE]);
            take(at(group, k), "old_value", t->numbers[i][FIRST_COLUMN + TOKEN_OLD_VALUE]);
        }
    }
}

static void compare(const json_t *row, const char *key, const struct told *t, int i, int g, const float *singles, const double *doubles)
{
    const json_t *want = at(at(json_object_get(row, key), g), i - t->b.first[g]);
    for (int k = 0; want && k < t->b.seqs[i].n; k++) {
        const double have = singles ? (double)singles[k] : doubles[k], wanted = json_number_value(at(want, k));
        if (!(fabs(have - wanted) <= 1e-6 * (1 + fabs(wanted))))
            fail_msg("%s of token %d of answer %d of group %d is %.9g, not %.9g, in %s", key, k, i - t->b.first[g], g, have, wanted,
                     json_dumps(row, 0));
    }
}

static int compare_row(const json_t *row)
{
    static struct told t;
    const json_t *state = json_object_get(row, "state"), *x;
    struct objective_run r = configured(json_string_value(json_object_get(row, "objective")), json_object_get(row, "settings"));
    size_t k;
    json_array_foreach(state, k, x)
        r.state[k] = json_number_value(x);
    r.longest = (int)json_integer_value(json_object_get(row, "longest"));
    read_row(row, &t);
    judge(&r, &t);
    for (size_t s = 0; s < json_array_size(state); s++) // of what was judged: the loss looks at what is then
        r.state[s] = json_number_value(json_array_get(state, s));
    for (int g = 0; g < t.b.n; g++) {
        double metrics[OBJECTIVE_MAX_METRICS] = {0};
        const double loss = group_loss(&r, &t.b, g, metrics), want = json_number_value(at(json_object_get(row, "loss"), g));
        if (!(fabs(loss - want) <= 1e-6 * (1 + fabs(want))))
            fail_msg("the loss of group %d is %.9g, not %.9g, in %s", g, loss, want, json_dumps(row, 0));
        for (int i = t.b.first[g]; i < t.b.first[g + 1]; i++) {
            compare(row, "advantage", &t, i, g, t.said[i].advantage, NULL);
            compare(row, "return", &t, i, g, t.said[i].returns, NULL);
            compare(row, "d_logp", &t, i, g, NULL, t.slopes[i][0]);
            compare(row, "d_value", &t, i, g, NULL, t.slopes[i][1]);
        }
    }
    return 1;
}

static void advantages_and_losses_are_golden(void **state)
{
    json_t *rows, *row;
    char *path = test_source("tests/golden/objectives/online.json");
    size_t i;
    int n = 0;
    assert_ok(json_read(path, 1 << 24, &rows, e));
    json_array_foreach(rows, i, row)
        n += compare_row(row);
    assert_true(n > 30);
    json_decref(rows);
    free(path);
}

// Three prompts, four answers each. far: how far log-probabilities and values have moved.
static void random_told(struct rng *rng, struct told *t, double far)
{
    *t = (struct told){.b.n = 3};
    for (int g = 0; g < t->b.n; g++) {
        t->b.first[g + 1] = t->b.first[g] + 4;
        for (int i = t->b.first[g]; i < t->b.first[g + 1]; i++) {
            t->b.seqs[i] = (struct seq){.n = 1 + (int)rng_below(rng, MOST_TOKENS), .score = rng_normal(rng)};
            for (int k = 0; k < t->b.seqs[i].n; k++) {
                float(*x)[MOST_TOKENS] = t->numbers[i];
                x[FIRST_COLUMN + TOKEN_OLD_LOGP][k] = (float)(-3 * rng_uniform(rng));
                x[FIRST_COLUMN + TOKEN_REFERENCE][k] = (float)(-3 * rng_uniform(rng));
                x[FIRST_COLUMN + TOKEN_OLD_VALUE][k] = (float)rng_normal(rng);
                x[LOGP][k] = x[FIRST_COLUMN + TOKEN_OLD_LOGP][k] + (float)(far * rng_normal(rng));
                x[VALUE][k] = x[FIRST_COLUMN + TOKEN_OLD_VALUE][k] + (float)(far * rng_normal(rng));
            }
        }
    }
}

static double all_losses(const struct objective_run *r, struct told *t)
{
    double metrics[OBJECTIVE_MAX_METRICS], sum = 0;
    for (int g = 0; g < t->b.n; g++)
        sum += group_loss(r, &t->b, g, metrics);
    return sum;
}

// Steps are of single precision: central differences of 2^-7, where no token stands near a bound.
static void derivatives_are_slopes(void **state)
{
    struct rng rng = rng_make(41, RNG_TEST, 0);
    static struct told t;
    static double slopes[MAX_SEQS][2][MOST_TOKENS];
    for (const struct objective *const *o = objectives; *o; o++)
        for (int round = 0; (*o)->online && (*o)->online->judge && round < 10; round++) {
            struct objective_run r = configured((*o)->name, NULL);
            const float h = 0x1p-7f;
            int n_off = 0, n = 0;
            random_told(&rng, &t, 0.1);
            judge(&r, &t);
            all_losses(&r, &t);
            memcpy(slopes, t.slopes, sizeof slopes);
            for (int i = 0; i < t.b.first[t.b.n]; i++)
                for (int which = 0; which < (t.b.seqs[i].tokens.value ? 2 : 1); which++)
                    for (int k = 0; k < t.b.seqs[i].n; k++) {
                        float *x = &t.numbers[i][which == 0 ? LOGP : VALUE][k], was = *x;
                        double ends[2];
                        for (int down = 0; down < 2; down++) {
                            *x = down ? was - h : was + h;
                            ends[down] = all_losses(&r, &t);
                        }
                        const double step = (double)(was + h) - (double)(was - h), slope = (ends[0] - ends[1]) / step;
                        *x = was;
                        n++;
                        n_off += fabs(slopes[i][which][k] - slope) > 1e-2 * (0.01 + fabs(slope));
                    }
            if (n_off > n / 4) // within a step of a bound both sides differ
                fail_msg("%s: %d of %d derivatives are not the slopes", (*o)->name, n_off, n);
        }
}

static void extremes_stay_finite(void **state)
{
    struct rng rng = rng_make(43, RNG_TEST, 0);
    static struct told t;
    for (const struct objective *const *o = objectives; *o; o++)
        for (int round = 0; (*o)->online && (*o)->online->judge && round < 20; round++) {
            struct objective_run r = configured((*o)->name, NULL);
            random_told(&rng, &t, 1e4);
            for (int i = 0; i < t.b.first[t.b.n]; i++)
                t.b.seqs[i].score *= 1e4;
            judge(&r, &t);
            if (!isfinite(all_losses(&r, &t)))
                fail_msg("%s: a loss is not finite", (*o)->name);
            for (int i = 0; i < t.b.first[t.b.n]; i++)
                for (int k = 0; k < t.b.seqs[i].n; k++)
                    assert_true(isfinite(t.slopes[i][0][k]) && isfinite(t.slopes[i][1][k]));
        }
}

static void same_advantages(const char *a, const char *a_settings, const char *b, const char *b_settings)
{
    struct rng rng = rng_make(47, RNG_TEST, 0);
    static struct told x, y;
    for (int round = 0; round < 20; round++) {
        json_t *of_a = json_loads(a_settings, 0, NULL), *of_b = json_loads(b_settings, 0, NULL);
        struct objective_run ra = configured(a, of_a), rb = configured(b, of_b);
        random_told(&rng, &x, 0.1);
        y = x;
        judge(&ra, &x);
        judge(&rb, &y);
        for (int i = 0; i < x.b.first[x.b.n]; i++)
            for (int k = 0; k < x.b.seqs[i].n; k++)
                assert_close((double)x.said[i].advantage[k], (double)y.said[i].advantage[k], 1e-6);
        json_decref(of_a);
        json_decref(of_b);
    }
}

static void conditional_matching_has_both_at_its_ends(void **state)
{
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3}", "rloo", "{\"beta\": 0.3}");
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 0, \"beta\": 0.3}", "pm-rlhf", "{\"beta\": 0.3}");
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3, \"estimator\": \"gae\"}", "ppo", "{\"beta\": 0.3}");
    same_advantages("dr-grpo", "{}", "grpo", "{\"scale-rewards\": \"none\"}");
}

static void nothing_moved_is_a_ratio_of_one(void **state)
{
    struct rng rng = rng_make(53, RNG_TEST, 0);
    static struct told t;
    double metrics[OBJECTIVE_MAX_METRICS];
    struct objective_run r = configured("rloo", NULL);
    random_told(&rng, &t, 0);
    judge(&r, &t);
    group_loss(&r, &t.b, 0, metrics);
    for (int m = 4; m < 8; m++) // mean, least, most, and the effective share
        assert_true(metrics[m] == 1);
    for (int i = 0; i < t.b.first[1]; i++)
        for (int k = 0; k < t.b.seqs[i].n; k++)
            assert_close(t.slopes[i][0][k], -(double)t.said[i].advantage[0] / 4, 1e-12);
}

// Ziegler et al.: a batch at twice the target moves beta by the bound, 0.2, times the answers over the horizon.
static void beta_adapts_to_its_target(void **state)
{
    struct rng rng = rng_make(59, RNG_TEST, 0);
    static struct told t;
    json_t *settings = json_loads("{\"kl-target\": 1, \"kl-horizon\": 120}", 0, NULL);
    struct objective_run r = configured("ppo", settings);
    random_told(&rng, &t, 0);
    for (int i = 0; i < 12; i++) {
        t.b.seqs[i].n = 1;
        t.numbers[i][FIRST_COLUMN + TOKEN_OLD_LOGP][0] = -1;
        t.numbers[i][FIRST_COLUMN + TOKEN_REFERENCE][0] = -3;
    }
    judge(&r, &t);
    assert_close(r.state[0], 0.2 * 12 / 120, 1e-12);
    json_decref(settings);
}

// Which answers are learnt from, of four with scores 1, 3, 3, 0.
static void the_best_and_the_worst_are_picked(void **state)
{
    static const double scores[4] = {1, 3, 3, 0};
    struct said said[4] = {{0}};
    int taken[4];
    double labels[4];
    for (int i = 0; i < 4; i++)
        said[i].score = scores[i];
    struct objective_run pairs = configured("online-dpo", NULL), best = configured("best-of-n", NULL);
    assert_int_equal(pairs.objective->online->pick(&pairs, said, 4, taken, labels), 2);
    assert_true(taken[0] == 1 && taken[1] == 3 && labels[0] == 1 && labels[1] == 0);
    assert_int_equal(best.objective->online->pick(&best, said, 4, taken, labels), 1);
    assert_int_equal(taken[0], 1);
    assert_int_equal(pairs.objective->online->pick(&pairs, said + 1, 2, taken, labels), 0); // a tie
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantages_and_losses_are_golden),          cmocka_unit_test(derivatives_are_slopes),
        cmocka_unit_test(extremes_stay_finite),                      cmocka_unit_test(conditional_matching_has_both_at_its_ends),
        cmocka_unit_test(the_best_and_the_worst_are_picked),         cmocka_unit_test(nothing_moved_is_a_ratio_of_one),           cmocka_unit_test(beta_adapts_to_its_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
