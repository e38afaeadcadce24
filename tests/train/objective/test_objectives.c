// Every row of the table of objectives: golden numbers, finite differences, identities, saturation, and that a
// person can read what each offers. What those that learn from the policy's own answers compute, test_online checks.
#include "config.h"

#include "testing.h"

#include <dirent.h>
#include <stddef.h>

#include "base/json.h"
#include "base/rng.h"
#include "corpus/corpus.h"
#include "objective_batch.h"
#include "train/objective/objective.h"
#include "train/objective/schedule.h"
#include "train/objective/stable.h"

// Then test_online looks at it.
static bool sees_tokens(const struct objective *o)
{
    return o->needs.columns & COLUMN_TOKENS;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

// How the numbers of struct seq are called in JSON, and where their derivatives go.
static const struct field {
    const char *name, *slope;
    size_t at, slope_at;
} fields[] = {
    {"logp", "d_logp", offsetof(struct seq, logp), offsetof(struct seq, d_logp)},
    {"score", "d_score", offsetof(struct seq, score), offsetof(struct seq, d_score)},
    {"kl", "d_kl", offsetof(struct seq, kl), offsetof(struct seq, d_kl)},
    {"rival", "d_rival", offsetof(struct seq, rival), offsetof(struct seq, d_rival)},
    {"value", "d_value", offsetof(struct seq, value), offsetof(struct seq, d_value)},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static double *at(struct seq *s, size_t offset)
{
    return (double *)(void *)((char *)s + offset);
}

// Of all files of numbers that are there.
static json_t *golden_rows(void)
{
    json_t *all = json_array(), *rows;
    char *dir = test_source("tests/golden/objectives");
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));)
        if (text_ends(entry->d_name, ".json")) {
            char *path = path_join(dir, entry->d_name);
            assert_ok(json_read(path, 1 << 24, &rows, e));
            json_array_extend(all, rows);
            json_decref(rows);
            free(path);
        }
    closedir(d);
    free(dir);
    return all;
}

static struct batch batch_of(const json_t *groups)
{
    struct batch b = {.n = (int)json_array_size(groups)};
    assert_true(b.n > 0 && b.n <= MAX_GROUPS);
    for (int g = 0; g < b.n; g++) {
        const json_t *group = json_array_get(groups, (size_t)g), *q;
        size_t i;
        b.first[g + 1] = b.first[g];
        json_array_foreach(group, i, q) {
            struct seq *s = &b.seqs[b.first[g + 1]++];
            assert_true(b.first[g + 1] <= MAX_SEQS);
            s->ref = number(q, "ref");
            s->tail = number(q, "tail");
            s->label = number(q, "label");
            s->sum_squares = number(q, "sum_squares");
            s->prompt_odds = number(q, "prompt_odds");
            s->mismatched = number(q, "mismatched") != 0;
            s->n = (int)number(q, "n");
            for (int f = 0; f < N_FIELDS; f++)
                *at(s, fields[f].at) = number(q, fields[f].name);
        }
    }
    return b;
}

static void compare_slopes(const json_t *row, struct batch *b, const struct field *f)
{
    const json_t *slopes = json_object_get(row, f->slope);
    for (int g = 0; slopes && g < b->n; g++)
        for (int i = b->first[g]; i < b->first[g + 1]; i++) {
            const double want =
                json_number_value(json_array_get(json_array_get(slopes, (size_t)g), (size_t)(i - b->first[g])));
            const double have = *at(&b->seqs[i], f->slope_at);
            if (!(fabs(have - want) <= 1e-12 * (1 + fabs(want))))
                fail_msg("%s of response %d is %.17g, not %.17g, in %s", f->slope, i, have, want, json_dumps(row, 0));
        }
}

static void compare_row(const json_t *row)
{
    struct objective_run r =
        configured(json_string_value(json_object_get(row, "objective")), json_object_get(row, "settings"));
    const json_t *state = json_object_get(row, "state"), *metrics = json_object_get(row, "metrics"), *value;
    struct batch b = batch_of(json_object_get(row, "groups"));
    double sums[OBJECTIVE_MAX_METRICS] = {0};
    const char *key;
    size_t k;
    json_array_foreach(state, k, value)
        r.state[k] = json_number_value(value);
    r.seed = (uint64_t)number(row, "seed");
    r.step = (int64_t)number(row, "step");
    prepare(&r, &b);
    for (int g = 0; g < b.n; g++) {
        double extra[OBJECTIVE_MAX_METRICS] = {0};
        const double want = json_number_value(json_array_get(json_object_get(row, "loss"), (size_t)g));
        const double have = group_loss(&r, &b, g, extra);
        if (!(fabs(have - want) <= 1e-12 * (1 + fabs(want))))
            fail_msg("the loss is %.17g, not %.17g, in %s", have, want, json_dumps(row, 0));
        for (int m = 0; m < OBJECTIVE_MAX_METRICS; m++)
            sums[m] += extra[m] / b.n;
    }
    for (int f = 0; f < N_FIELDS; f++)
        compare_slopes(row, &b, &fields[f]);
    json_object_foreach((json_t *)metrics, key, value)
    {
        int m = 0;
        while (r.objective->metrics[m] && strcmp(r.objective->metrics[m], key) != 0)
            m++;
        assert_non_null(r.objective->metrics[m]);
        assert_close(sums[m], json_number_value(value), 1e-12 * (1 + fabs(json_number_value(value))));
    }
}

static void objectives_match_golden_numbers(void **state)
{
    json_t *rows = golden_rows(), *row;
    size_t index;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, index, row)
        if (!sees_tokens(configured(json_string_value(json_object_get(row, "objective")), NULL).objective)) // test_online
            compare_row(row);
    json_decref(rows);
}

// Central differences of the loss by each number that the model makes; what prepare() and hold() set stays.
static void check_slopes(const struct objective_run *r, struct batch *b, int g)
{
    double metrics[OBJECTIVE_MAX_METRICS];
    const int n = b->first[g + 1] - b->first[g];
    struct seq *s = b->seqs + b->first[g], moved[MAX_SEQS];
    group_loss(r, b, g, metrics);
    for (int i = 0; i < n; i++)
        for (int f = 0; f < N_FIELDS; f++) {
            const double h = 1e-5;
            double ends[2];
            for (int down = 0; down < 2; down++) {
                memcpy(moved, s, (size_t)n * sizeof *s);
                *at(&moved[i], fields[f].at) += down ? -h : h;
                ends[down] = r->objective->loss(r, moved, n, metrics);
            }
            const double slope = (ends[0] - ends[1]) / (2 * h), have = *at(&s[i], fields[f].slope_at);
            if (!(fabs(have - slope) <= 1e-6 * (1 + fabs(slope))))
                fail_msg("%s: %s of response %d is %.9g, by differences %.9g", r->objective->name, fields[f].slope, i,
                         have, slope);
        }
}

static void derivatives_agree_with_finite_differences(void **state)
{
    struct rng rng = rng_make(3, RNG_TEST, 0);
    for (const struct objective *const *o = objectives; *o; o++)
        for (int round = 0; !sees_tokens(*o) && round < 50; round++) {
            struct objective_run r = configured((*o)->name, NULL);
            struct batch b;
            r.seed = (uint64_t)round;
            r.step = 1;
            random_batch(*o, &rng, &b);
            prepare(&r, &b);
            for (int g = 0; g < b.n; g++)
                check_slopes(&r, &b, g);
        }
}

static void extreme_margins_stay_finite(void **state)
{
    static const double extremes[] = {-1e4, -710, -40, 0, 40, 710, 1e4};
    for (const struct objective *const *o = objectives; *o; o++)
        for (size_t i = 0; !sees_tokens(*o) && i < sizeof extremes / sizeof *extremes; i++) {
            struct objective_run r = configured((*o)->name, NULL);
            struct seq s[8];
            int n = group_size(*o) + ((*o)->needs.groups & GROUPS_MISMATCH ? 1 : 0) +
                    ((*o)->needs.groups & GROUPS_OWN_ANSWERS ? 3 : 0);
            for (int k = 0; k < n; k++)
                s[k] = (struct seq){.logp = k ? -1e5 : -1e5 + 10 * extremes[i], .ref = -1e5,
                                    .score = k ? 0 : extremes[i], .label = k == 0, .n = 3};
            s[n - 1].mismatched = n > 1 && ((*o)->needs.groups & GROUPS_MISMATCH);
            double loss = evaluate(&r, s, n);
            if (!isfinite(loss))
                fail_msg("%s: the loss at %g is %g", (*o)->name, extremes[i], loss);
            for (int k = 0; k < n; k++)
                for (int f = 0; f < N_FIELDS; f++)
                    assert_true(isfinite(*at(&s[k], fields[f].slope_at)) && isfinite(s[k].reward));
        }
    assert_close(softplus(1e4), 1e4, 0);
    assert_close(softplus(-1e4), 0, 0);
    assert_close(sigmoid(-40), 4.248354255291589e-18, 1e-30);
}

static void dpo_depends_on_log_ratios_alone(void **state)
{
    struct rng rng = rng_make(5, RNG_TEST, 0);
    struct objective_run r = configured("dpo", NULL);
    for (int round = 0; round < 100; round++) {
        struct seq s[2], moved[2];
        random_group(&rng, s, 2);
        memcpy(moved, s, sizeof s);
        moved[0].logp += 7;
        moved[0].ref += 7;
        assert_close(evaluate(&r, s, 2), evaluate(&r, moved, 2), 1e-12);
        assert_close(s[0].d_logp, -s[1].d_logp, 0);
    }
    struct seq same[2] = {{.logp = -9, .ref = -9, .n = 4}, {.logp = -5, .ref = -5, .n = 2}};
    assert_close(evaluate(&r, same, 2), log(2), 1e-15);
}

// At the optimum of the smoothed loss the model believes the chosen response with probability 1 - e.
static void label_smoothing_has_its_optimum_at_one_minus_e(void **state)
{
    json_t *values = json_pack("{s:f}", "label-smoothing", 0.2);
    struct objective_run r = configured("dpo", values);
    struct seq s[2] = {{.logp = log(0.8 / 0.2) / 0.1, .n = 4}, {.n = 2}};
    evaluate(&r, s, 2);
    assert_close(s[0].d_logp, 0, 1e-15);
    json_decref(values);
}

static void votes_move_the_optimum_of_the_reward_model(void **state)
{
    struct objective_run r = configured("rm", NULL);
    struct seq s[2] = {{.score = 1.5, .label = 1, .n = 3}, {.score = -0.5, .n = 4}};
    assert_close(evaluate(&r, s, 2), softplus(-2), 1e-15); // all votes: the plain loss
    for (int i = 1; i < 10; i++) {
        const double share = i / 10.0;
        struct seq at[2] = {{.score = log(share / (1 - share)), .label = share, .n = 3}, {.label = 1 - share, .n = 3}};
        evaluate(&r, at, 2);
        assert_close(at[0].d_score, 0, 1e-15);
        assert_close(at[1].d_score, 0, 1e-15);
    }
}

static void a_preference_model_does_not_care_which_response_is_named_first(void **state)
{
    struct rng rng = rng_make(12, RNG_TEST, 0);
    struct objective_run r = configured("preference-model", NULL);
    for (int round = 0; round < 50; round++) {
        struct seq s[2], turned[2];
        random_group(&rng, s, 2);
        s[0].label = rng_below(&rng, 5) / 4.0;
        s[1].label = 1 - s[0].label;
        turned[0] = s[1];
        turned[1] = s[0];
        assert_close(evaluate(&r, s, 2), evaluate(&r, turned, 2), 1e-13);
        assert_close(s[0].d_logp, turned[1].d_logp, 1e-13);
    }
}

// One token each: the levels agree; a list of two: a pair.
static void reward_models_agree_where_they_must(void **state)
{
    struct rng rng = rng_make(9, RNG_TEST, 0);
    json_t *by_sum = json_pack("{s:s}", "reduction", "sum");
    struct objective_run rm = configured("rm", NULL), token = configured("rm-token", NULL),
                         sum = configured("rm-token", by_sum), list = configured("rm-list", NULL);
    struct objective_run *const same[] = {&token, &sum, &list};
    for (int round = 0; round < 50; round++) {
        struct seq s[2], other[2];
        random_group(&rng, s, 2);
        s[0].n = s[1].n = 1;
        memcpy(other, s, sizeof s);
        const double want = evaluate(&rm, s, 2);
        for (int i = 0; i < 3; i++) {
            assert_close(evaluate(same[i], other, 2), want, 1e-15);
            assert_close(other[0].d_score, s[0].d_score, 1e-15);
            assert_close(other[1].d_score, s[1].d_score, 1e-15);
        }
    }
    json_decref(by_sum);
}

static void reference_free_needs_no_reference(void **state)
{
    json_t *values = json_pack("{s:b}", "reference-free", 1);
    struct objective_run free_run = configured("dpo", values), plain = configured("dpo", NULL);
    assert_int_equal(objective_needs(&plain).networks, NETWORK_REFERENCE);
    assert_false(needs_any(objective_needs(&free_run)));
    json_decref(values);
}

static void every_objective_explains_itself_and_has_golden_rows(void **state)
{
    json_t *rows = golden_rows(), *row;
    int n = 0;
    for (const struct objective *const *at = objectives; *at; at++, n++) {
        const struct objective *o = *at;
        size_t index, n_golden = 0;
        assert_true(o->name && o->title && o->summary && o->paper && o->formula && o->pitfalls && o->loss);
        assert_true(strlen(o->summary) > 30 && strlen(o->pitfalls) > 30 && strstr(o->formula, "="));
        assert_true(o->data != 0);
        if (o->data == DATA_PROMPT) // which rows of every kind have
            assert_ok(objective_check_data(o, DATA_PAIR, "data.jsonl", e));
        else
            assert_int_not_equal(objective_check_data(o, ~o->data & 31 & -(~o->data & 31), "data.jsonl", NULL), 0);
        for (const struct param *p = o->params; p->name; p++) {
            struct err fault = {0};
            if (!p->help || strlen(p->help) < 20 || !p->group)
                fail_msg("%s: --%s has no help or no group", o->name, p->name);
            if (p->fallback && param_check(p, p->fallback, &fault))
                fail_msg("%s: the default of --%s is refused: %s", o->name, p->name, fault.text);
            if (p->type == PARAM_FLOAT || p->type == PARAM_INT)
                assert_true(p->min < p->max);
        }
        json_array_foreach(rows, index, row)
            n_golden += strcmp(json_string_value(json_object_get(row, "objective")), o->name) == 0;
        if (n_golden == 0)
            fail_msg("%s has no golden rows in tests/golden/objectives/", o->name);
    }
    assert_true(n >= 3);
    json_decref(rows);
}

static void wrong_data_is_refused_with_both_kinds_named(void **state)
{
    const struct objective *o;
    struct err fault = {0};
    assert_ok(objective_find(&o, "dpo", e));
    assert_int_equal(objective_check_data(o, DATA_BINARY, "votes.jsonl", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "votes.jsonl"));
    assert_non_null(strstr(fault.text, data_kind_name(DATA_PAIR)));
    assert_non_null(strstr(fault.text, data_kind_name(DATA_BINARY)));
    assert_int_equal(objective_find(&o, "dop", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "dpo"));
}

// Eight steps of which two warm up, each factor worked out by hand: cos(pi k / 6) of the cosine is known.
static void schedules_have_their_factor_at_every_step(void **state)
{
    const double root = sqrt(3) / 2;
    const double cosine[] = {0.5, 1, 1, 0.55 + 0.45 * root, 0.55 + 0.45 * 0.5, 0.55, 0.55 - 0.45 * 0.5, 0.55 - 0.45 * root};
    const double linear[] = {0.5, 1, 1, 5.0 / 6, 4.0 / 6, 3.0 / 6, 2.0 / 6, 1.0 / 6},
                 constant[] = {0.5, 1, 1, 1, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++) {
        assert_close(schedule_factor(schedule_kind("cosine"), i + 1, 2, 8), cosine[i], 1e-12);
        assert_close(schedule_factor(schedule_kind("linear"), i + 1, 2, 8), linear[i], 1e-12);
        assert_close(schedule_factor(schedule_kind("constant"), i + 1, 2, 8), constant[i], 1e-12);
    }
    assert_int_equal(schedule_warmup_steps(0.25, 8), 2);
    assert_int_equal(schedule_warmup_steps(1, 8), 1); // from 1 on it is a number of steps
    assert_int_equal(schedule_warmup_steps(3, 8), 3);
    assert_int_equal(schedule_warmup_steps(0, 8), 0);
    assert_int_equal(schedule_warmup_steps(9, 8), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objectives_match_golden_numbers),
        cmocka_unit_test(derivatives_agree_with_finite_differences),
        cmocka_unit_test(extreme_margins_stay_finite),
        cmocka_unit_test(dpo_depends_on_log_ratios_alone),
        cmocka_unit_test(label_smoothing_has_its_optimum_at_one_minus_e),
        cmocka_unit_test(votes_move_the_optimum_of_the_reward_model),
        cmocka_unit_test(a_preference_model_does_not_care_which_response_is_named_first),
        cmocka_unit_test(reward_models_agree_where_they_must),
        cmocka_unit_test(reference_free_needs_no_reference),
        cmocka_unit_test(every_objective_explains_itself_and_has_golden_rows),
        cmocka_unit_test(wrong_data_is_refused_with_both_kinds_named),
        cmocka_unit_test(schedules_have_their_factor_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
