// Every row of the table of objectives: golden numbers, finite differences, identities, saturation, and that a
// person can read what each offers.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/rng.h"
#include "corpus/corpus.h"
#include "train/objectives/objective.h"
#include "train/objectives/stable.h"

static struct objective_run configured(const char *name, const json_t *values)
{
    const struct objective *o;
    struct settings s;
    struct objective_run r = {.n_groups = 1};
    assert_ok(objective_find(&o, name, e));
    const struct param *const tables[] = {o->params, NULL};
    settings_init(&s, tables);
    if (values)
        assert_ok(settings_from_json(&s, values, e));
    objective_configure(&r, o, &s);
    settings_fini(&s);
    return r;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static double evaluate(struct objective_run *r, struct seq *s, int n)
{
    double metrics[OBJECTIVE_MAX_METRICS];
    r->n_tokens = 0;
    for (int i = 0; i < n; i++)
        r->n_tokens += i == 0 || (r->objective->data & DATA_SFT) == 0 ? s[i].n : 0;
    return r->objective->loss(r, s, n, metrics);
}

static json_t *golden_rows(void)
{
    char *path = test_source("tests/golden/objectives.json");
    json_t *rows;
    assert_ok(json_read(path, 1 << 24, &rows, e));
    free(path);
    return rows;
}

static void objectives_match_golden_numbers(void **state)
{
    json_t *rows = golden_rows(), *row;
    size_t index;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, index, row) {
        struct objective_run r = configured(json_string_value(json_object_get(row, "objective")),
                                            json_object_get(row, "settings"));
        const json_t *seqs = json_object_get(row, "seqs");
        struct seq s[8] = {0};
        int n = (int)json_array_size(seqs);
        for (int i = 0; i < n; i++) {
            const json_t *q = json_array_get(seqs, (size_t)i);
            s[i] = (struct seq){.logp = number(q, "logp"), .ref = number(q, "ref"), .score = number(q, "score"),
                                .label = number(q, "label"), .n = (int)number(q, "n")};
        }
        assert_close(evaluate(&r, s, n), number(row, "loss"), 1e-12 * (1 + fabs(number(row, "loss"))));
        const json_t *d_logp = json_object_get(row, "d_logp"), *d_score = json_object_get(row, "d_score");
        assert_true(d_logp || d_score);
        for (int i = 0; i < n; i++) {
            if (d_logp)
                assert_close(s[i].d_logp, json_number_value(json_array_get(d_logp, (size_t)i)), 1e-12);
            if (d_score)
                assert_close(s[i].d_score, json_number_value(json_array_get(d_score, (size_t)i)), 1e-12);
        }
    }
    json_decref(rows);
}

static void random_group(struct rng *rng, struct seq *s, int n)
{
    for (int i = 0; i < n; i++)
        s[i] = (struct seq){.logp = -1 - 30 * rng_uniform(rng), .ref = -1 - 30 * rng_uniform(rng),
                            .score = 3 * rng_normal(rng), .label = n == 1 || i == 0, .n = 1 + (int)rng_below(rng, 40)};
}

static int group_size(const struct objective *o)
{
    return o->data & DATA_PAIR ? 2 : o->data & DATA_LIST ? 4 : 1;
}

// Central differences of the loss by each log-probability and score.
static void derivatives_agree_with_finite_differences(void **state)
{
    struct rng rng = rng_make(3, RNG_TEST, 0);
    for (const struct objective *const *o = objectives; *o; o++) {
        struct objective_run r = configured((*o)->name, NULL);
        for (int round = 0; round < 200; round++) {
            struct seq s[4], up[4], down[4];
            int n = group_size(*o);
            random_group(&rng, s, n);
            evaluate(&r, s, n);
            for (int i = 0; i < n; i++)
                for (int by_score = 0; by_score < 2; by_score++) {
                    const double h = 1e-5;
                    memcpy(up, s, sizeof s);
                    memcpy(down, s, sizeof s);
                    *(by_score ? &up[i].score : &up[i].logp) += h;
                    *(by_score ? &down[i].score : &down[i].logp) -= h;
                    double slope = (evaluate(&r, up, n) - evaluate(&r, down, n)) / (2 * h);
                    assert_close(by_score ? s[i].d_score : s[i].d_logp, slope, 1e-6);
                }
        }
    }
}

static void extreme_margins_stay_finite(void **state)
{
    static const double extremes[] = {-1e4, -710, -40, 0, 40, 710, 1e4};
    for (const struct objective *const *o = objectives; *o; o++)
        for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
            struct objective_run r = configured((*o)->name, NULL);
            struct seq s[4];
            int n = group_size(*o);
            for (int k = 0; k < n; k++)
                s[k] = (struct seq){.logp = k ? -1e5 : -1e5 + 10 * extremes[i], .ref = -1e5,
                                    .score = k ? 0 : extremes[i], .label = k == 0, .n = 3};
            double loss = evaluate(&r, s, n);
            if (!isfinite(loss))
                fail_msg("%s: the loss at %g is %g", (*o)->name, extremes[i], loss);
            for (int k = 0; k < n; k++)
                assert_true(isfinite(s[k].d_logp) && isfinite(s[k].d_score) && isfinite(s[k].reward));
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

static void reference_free_needs_no_reference(void **state)
{
    json_t *values = json_pack("{s:b}", "reference-free", 1);
    struct objective_run free_run = configured("dpo", values), plain = configured("dpo", NULL);
    assert_int_equal(objective_needs(&plain), NEED_REFERENCE);
    assert_int_equal(objective_needs(&free_run), 0);
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
        assert_true(!(o->needs & NEED_BATCH) == !o->prepare);
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
            fail_msg("%s has no golden rows in tests/golden/objectives.json", o->name);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objectives_match_golden_numbers),
        cmocka_unit_test(derivatives_agree_with_finite_differences),
        cmocka_unit_test(extreme_margins_stay_finite),
        cmocka_unit_test(dpo_depends_on_log_ratios_alone),
        cmocka_unit_test(label_smoothing_has_its_optimum_at_one_minus_e),
        cmocka_unit_test(reference_free_needs_no_reference),
        cmocka_unit_test(every_objective_explains_itself_and_has_golden_rows),
        cmocka_unit_test(wrong_data_is_refused_with_both_kinds_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
