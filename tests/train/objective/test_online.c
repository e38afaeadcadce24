// Every objective of the table that learns from the policy's own answers: golden advantages, losses and derivatives, finite
// differences, saturation, and identities between them.
#include "config.h"

#include "objective_batch.h"

#include <math.h>

#include "train/objective/metrics.h"

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
            take(at(group, k), "sampler_logp", t->numbers[i][FIRST_COLUMN + TOKEN_SAMPLER_LOGP]);
            take(at(group, k), "reference", t->numbers[i][FIRST_COLUMN + TOKEN_REFERENCE]);
            take(at(group, k), "old_value", t->numbers[i][FIRST_COLUMN + TOKEN_OLD_VALUE]);
        }
    }
}

static void compare(const json_t *row, const char *key, const struct told *t, int i, int g, const float *singles,
                    const double *doubles)
{
    const json_t *want = at(at(json_object_get(row, key), g), i - t->b.first[g]);
    for (int k = 0; want && k < t->b.seqs[i].n; k++) {
        const double have = singles ? (double)singles[k] : doubles[k], wanted = json_number_value(at(want, k));
        if (!(fabs(have - wanted) <= 1e-6 * (1 + fabs(wanted))))
            fail_msg("%s of token %d of answer %d of group %d is %.9g, not %.9g, in %s", key, k, i - t->b.first[g], g,
                     have, wanted, json_dumps(row, 0));
    }
}

static void compare_number(const json_t *row, const char *what, double have, double want)
{
    if (!(fabs(have - want) <= 1e-6 * (1 + fabs(want))))
        fail_msg("%s is %.9g, not %.9g, in %s", what, have, want, json_dumps(row, 0));
}

static void compare_measures(const json_t *row, const struct objective_run *r, const struct tally *tally)
{
    struct metric_list list = {0};
    const char *key;
    json_t *want;
    tally_metrics(tally, r, false, &list);
    json_object_foreach(json_object_get((json_t *)row, "metrics"), key, want)
        compare_number(row, key, metric_value(&list, key), json_number_value(want));
    if (json_object_get(row, "mean_loss"))
        compare_number(row, "the loss", metric_value(&list, "loss"), json_number_value(json_object_get(row, "mean_loss")));
}

static void compare_row(const json_t *row)
{
    static struct told t;
    const json_t *losses = json_object_get(row, "loss"), *x;
    struct objective_run r =
        configured(json_string_value(json_object_get(row, "objective")), json_object_get(row, "settings"));
    struct tally tally = {0};
    size_t k;
    json_array_foreach(json_object_get(row, "state"), k, x)
        r.state[k] = json_number_value(x);
    r.longest = (int)json_integer_value(json_object_get(row, "longest"));
    read_row(row, &t);
    judge(&r, &t);
    for (int g = 0; g < t.b.n; g++) {
        double metrics[OBJECTIVE_MAX_METRICS] = {0};
        const double loss = group_loss(&r, &t.b, g, metrics);
        tally_group(&tally, &r, t.b.seqs + t.b.first[g], t.b.first[g + 1] - t.b.first[g], loss, metrics);
        if (losses)
            compare_number(row, "the loss of a group", loss, json_number_value(at(losses, g)));
        for (int i = t.b.first[g]; i < t.b.first[g + 1]; i++) {
            compare(row, "reward", &t, i, g, t.said[i].reward, NULL);
            compare(row, "advantage", &t, i, g, t.said[i].advantage, NULL);
            compare(row, "return", &t, i, g, t.said[i].returns, NULL);
            compare(row, "d_logp", &t, i, g, NULL, t.slopes[i][0]);
            compare(row, "d_value", &t, i, g, NULL, t.slopes[i][1]);
        }
    }
    compare_measures(row, &r, &tally);
    json_array_foreach(json_object_get(row, "state_after"), k, x)
        compare_number(row, "what is remembered", r.state[k], json_number_value(x));
}

static size_t compare_file(const char *name)
{
    json_t *rows, *row;
    char *path = test_source(name);
    size_t i;
    assert_ok(json_read(path, 1 << 24, &rows, e));
    json_array_foreach(rows, i, row)
        compare_row(row);
    json_decref(rows);
    free(path);
    return i;
}

static void advantages_and_losses_are_golden(void **state)
{
    assert_true(compare_file("tests/golden/objectives/online.json") > 100);
}

static void trl_computes_the_same(void **state)
{
    assert_true(compare_file("tests/golden/objectives/trl_online.json") > 30);
}

static float of_grid(double x)
{
    return (float)(rint(x * 0x1p16) / 0x1p16);
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
                x[FIRST_COLUMN + TOKEN_OLD_LOGP][k] = of_grid(-3 * rng_uniform(rng));
                x[FIRST_COLUMN + TOKEN_SAMPLER_LOGP][k] =
                    x[FIRST_COLUMN + TOKEN_OLD_LOGP][k] + of_grid(0.5 * rng_normal(rng));
                x[FIRST_COLUMN + TOKEN_REFERENCE][k] = of_grid(-3 * rng_uniform(rng));
                x[FIRST_COLUMN + TOKEN_OLD_VALUE][k] = of_grid(rng_normal(rng));
                x[LOGP][k] = x[FIRST_COLUMN + TOKEN_OLD_LOGP][k] + of_grid(far * rng_normal(rng));
                x[VALUE][k] = x[FIRST_COLUMN + TOKEN_OLD_VALUE][k] + of_grid(far * rng_normal(rng));
            }
        }
    }
}

// What is bounded: where a share of these moves, the loss has a corner.
static double bounded(const struct objective_run *r, const double *metrics)
{
    double sum = 0;
    for (int m = 0; r->objective->metrics[m]; m++)
        sum += strstr(r->objective->metrics[m], "clip") ? (m + 1) * metrics[m] : 0;
    return sum;
}

// at_bounds: changes where a token or an answer comes to a bound.
static double all_losses(const struct objective_run *r, struct told *t, double *at_bounds)
{
    double sum = 0;
    *at_bounds = 0;
    for (int g = 0; g < t->b.n; g++) {
        double metrics[OBJECTIVE_MAX_METRICS] = {0};
        sum += group_loss(r, &t->b, g, metrics);
        *at_bounds += (g + 1) * bounded(r, metrics);
    }
    return sum;
}

// By *x, in steps of h, from four points. false: a bound lies between them.
static bool slope_at(const struct objective_run *r, struct told *t, float *x, float h, double *slope)
{
    static const double weights[] = {1, -8, 8, -1};
    const float was = *x;
    double corner = 0;
    bool smooth = true;
    *slope = 0;
    for (int k = 0; k < 4; k++) {
        double at_bounds = 0;
        *x = was + (float)(k < 2 ? k - 2 : k - 1) * h;
        *slope += weights[k] * all_losses(r, t, &at_bounds) / (12 * (double)h);
        smooth = smooth && (k == 0 || at_bounds == corner);
        corner = at_bounds;
    }
    *x = was;
    return smooth;
}

// Numbers and steps are multiples of 2^-16, which single precision has. Advantages stay what they are.
static void check_derivatives(const char *name, const char *given, struct rng *rng)
{
    static struct told t;
    static double slopes[MAX_SEQS][2][MOST_TOKENS];
    json_t *settings = json_loads(given, 0, NULL);
    int n_bounded = 0, n = 0;
    for (int round = 0; round < 5; round++) {
        struct objective_run r = configured(name, settings);
        double slope, unused;
        random_told(rng, &t, 0.1);
        judge(&r, &t);
        all_losses(&r, &t, &unused);
        memcpy(slopes, t.slopes, sizeof slopes);
        for (int i = 0; i < t.b.first[t.b.n]; i++)
            for (int which = 0; which < (t.b.seqs[i].tokens.value ? 2 : 1); which++)
                for (int k = 0; k < t.b.seqs[i].n; k++, n++) {
                    if (!slope_at(&r, &t, &t.numbers[i][which == 0 ? LOGP : VALUE][k], 0x1p-11f, &slope))
                        n_bounded++;
                    else if (!(fabs(slopes[i][which][k] - slope) <= 1e-7 * (1 + fabs(slope))))
                        fail_msg("%s %s: %s of token %d of answer %d is %.9g, by differences %.9g", name, given,
                                 which ? "d_value" : "d_logp", k, i, slopes[i][which][k], slope);
                }
    }
    if (n_bounded > n / 5)
        fail_msg("%s %s: %d of %d tokens stand at a bound", name, given, n_bounded, n);
    json_decref(settings);
}

static void derivatives_are_slopes(void **state)
{
    static const char *const more[][2] = {
        {"pm-rlhf", "{\"estimator\": \"gae\"}"},      {"conditional-pm-rlhf", "{\"estimator\": \"gae\"}"},
        {"grpo", "{\"loss-mean\": \"tokens\", \"beta\": 2}"},
        {"grpo", "{\"clipping\": \"weight\", \"loss-mean\": \"longest\"}"},
        {"grpo", "{\"is-correction\": \"token\", \"beta\": 1}"},
        {"rloo", "{\"is-correction\": \"sequence\", \"is-mode\": \"mask\"}"},
        {"gspo", "{\"beta\": 0.5, \"clip-low\": 0.2}"},    {"gspo", "{\"clipping\": \"weight\", \"loss-mean\": \"tokens\"}"},
    };
    struct rng rng = rng_make(41, RNG_TEST, 0);
    for (const struct objective *const *o = objectives; *o; o++)
        if ((*o)->online && (*o)->online->judge)
            check_derivatives((*o)->name, "{}", &rng);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        check_derivatives(more[i][0], more[i][1], &rng);
}

static void extremes_stay_finite(void **state)
{
    struct rng rng = rng_make(43, RNG_TEST, 0);
    static struct told t;
    double unused;
    for (const struct objective *const *o = objectives; *o; o++)
        for (int round = 0; (*o)->online && (*o)->online->judge && round < 20; round++) {
            struct objective_run r = configured((*o)->name, NULL);
            random_told(&rng, &t, 1e4);
            for (int i = 0; i < t.b.first[t.b.n]; i++)
                t.b.seqs[i].score *= 1e4;
            judge(&r, &t);
            for (int i = 0; i < t.b.first[t.b.n] && round % 2; i++) // what no whitening makes small
                for (int k = 0; k < t.b.seqs[i].n; k++)
                    t.said[i].advantage[k] = i % 2 ? 1e4f : -1e4f;
            if (!isfinite(all_losses(&r, &t, &unused)))
                fail_msg("%s: a loss is not finite", (*o)->name);
            for (int i = 0; i < t.b.first[t.b.n]; i++)
                for (int k = 0; k < t.b.seqs[i].n; k++)
                    assert_true(isfinite(t.slopes[i][0][k]) && isfinite(t.slopes[i][1][k]));
        }
}

// However far the reference is away, the term that holds to it draws towards it, and no less from farther.
static void a_far_reference_draws_back(void **state)
{
    static const float away[] = {0.5f, 5, 19, 20, 21, 100, 1e4f};
    json_t *settings = json_loads("{\"beta\": 1}", 0, NULL);
    struct objective_run r = configured("grpo", settings);
    struct rng rng = rng_make(61, RNG_TEST, 0);
    static struct told t;
    double unused, before = 0, loss_before = -INFINITY;
    random_told(&rng, &t, 0);
    for (int i = 0; i < t.b.first[t.b.n]; i++)
        t.b.seqs[i].score = 0; // nothing else draws
    judge(&r, &t);
    for (size_t k = 0; k < sizeof away / sizeof *away; k++) {
        t.numbers[0][FIRST_COLUMN + TOKEN_REFERENCE][0] = t.numbers[0][LOGP][0] + away[k];
        const double loss = all_losses(&r, &t, &unused);
        assert_true(t.slopes[0][0][0] < 0 && t.slopes[0][0][0] <= before && loss > loss_before);
        before = t.slopes[0][0][0];
        loss_before = loss;
    }
    t.numbers[0][FIRST_COLUMN + TOKEN_REFERENCE][0] = t.numbers[0][LOGP][0] - 100; // where the reference hardly goes
    all_losses(&r, &t, &unused);
    assert_close(t.slopes[0][0][0], 1.0 / (4 * t.b.seqs[0].n), 1e-12);
    json_decref(settings);
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

// Advantages, losses and derivatives.
static void same_losses(const char *a, const char *a_settings, const char *b, const char *b_settings, double close)
{
    struct rng rng = rng_make(67, RNG_TEST, 0);
    static struct told x, y;
    double unused;
    json_t *of_a = json_loads(a_settings, 0, NULL), *of_b = json_loads(b_settings, 0, NULL);
    for (int round = 0; round < 20; round++) {
        struct objective_run ra = configured(a, of_a), rb = configured(b, of_b);
        random_told(&rng, &x, 0.3);
        y = x;
        ra.longest = rb.longest = MOST_TOKENS;
        judge(&ra, &x);
        judge(&rb, &y);
        assert_close(all_losses(&ra, &x, &unused), all_losses(&rb, &y, &unused), close);
        for (int i = 0; i < x.b.first[x.b.n]; i++)
            for (int k = 0; k < x.b.seqs[i].n; k++)
                assert_close(x.slopes[i][0][k], y.slopes[i][0][k], close);
    }
    json_decref(of_a);
    json_decref(of_b);
}

static void objectives_are_others_with_their_parameters(void **state)
{
    same_losses("dr-grpo", "{}", "grpo", "{\"scale-rewards\": \"none\", \"beta\": 0, \"loss-mean\": \"longest\"}", 0);
    same_losses("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3}", "rloo", "{\"beta\": 0.3}", 0);
    same_losses("conditional-pm-rlhf", "{\"alpha\": 0}", "pm-rlhf", "{}", 0);
    same_losses("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3, \"estimator\": \"gae\", \"whiten\": false}", "ppo",
                "{\"beta\": 0.3, \"whiten\": false}", 0);
    same_losses("pm-rlhf", "{\"beta\": 0}", "rloo", "{\"beta\": 0}", 0);
}

static void conditional_matching_has_both_at_its_ends(void **state)
{
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3}", "rloo", "{\"beta\": 0.3}");
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 0, \"beta\": 0.3}", "pm-rlhf", "{\"beta\": 0.3}");
    same_advantages("conditional-pm-rlhf", "{\"alpha\": 1, \"beta\": 0.3, \"estimator\": \"gae\"}", "ppo",
                    "{\"beta\": 0.3}");
}

static void nothing_moved_is_a_ratio_of_one(void **state)
{
    struct rng rng = rng_make(53, RNG_TEST, 0);
    static struct told t;
    for (const struct objective *const *o = objectives; *o; o++) {
        if (!(*o)->online || !(*o)->online->judge)
            continue;
        struct objective_run r = configured((*o)->name, NULL);
        struct tally tally = {0};
        struct metric_list list = {0};
        random_told(&rng, &t, 0);
        judge(&r, &t);
        for (int g = 0; g < t.b.n; g++) {
            double metrics[OBJECTIVE_MAX_METRICS] = {0};
            const double loss = group_loss(&r, &t.b, g, metrics);
            tally_group(&tally, &r, t.b.seqs + t.b.first[g], t.b.first[g + 1] - t.b.first[g], loss, metrics);
        }
        tally_metrics(&tally, &r, false, &list);
        assert_close(metric_value(&list, "ratio/mean"), 1, 1e-15);
        assert_true(metric_value(&list, "ratio/min") == 1 && metric_value(&list, "ratio/max") == 1);
        assert_close(metric_value(&list, "ratio/ess"), 1, 1e-15);
        assert_true(metric_value(&list, "policy/approxkl_avg") == 0 && metric_value(&list, "clip_ratio/low_mean") == 0 &&
                    metric_value(&list, "clip_ratio/high_mean") == 0);
        for (int i = 0; strcmp(r.objective->name, "rloo") == 0 && i < t.b.first[t.b.n]; i++)
            for (int k = 0; k < t.b.seqs[i].n; k++)
                assert_true(t.slopes[i][0][k] == -(double)t.said[i].advantage[0] / 4);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantages_and_losses_are_golden),          cmocka_unit_test(derivatives_are_slopes),
        cmocka_unit_test(extremes_stay_finite),
        cmocka_unit_test(conditional_matching_has_both_at_its_ends),
        cmocka_unit_test(nothing_moved_is_a_ratio_of_one),           cmocka_unit_test(beta_adapts_to_its_target),
        cmocka_unit_test(objectives_are_others_with_their_parameters), cmocka_unit_test(a_far_reference_draws_back),
        cmocka_unit_test(trl_computes_the_same),                   
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
