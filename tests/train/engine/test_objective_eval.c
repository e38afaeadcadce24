// The golden rows of tests/golden/objectives go through `attune-engine objective-eval` (and one of each objective through
// `attune objectives eval`) and come out the same.
#include "config.h"

#include "testing.h"

#include <glob.h>

#include "base/json.h"
#include "launch/engine.h"

static json_t *golden_rows(void)
{
    char *pattern = test_source("tests/golden/objectives/*.json");
    json_t *all = json_array(), *rows;
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        assert_ok(json_read(found.gl_pathv[i], 1 << 24, &rows, e));
        json_array_extend(all, rows);
        json_decref(rows);
    }
    globfree(&found);
    free(pattern);
    assert_true(json_array_size(all) > 0);
    return all;
}

// A group of the golden files is a list of objects; on a line of the command it is an object of arrays.
static void add_line(struct str *text, const json_t *group, const json_t *longest)
{
    json_t *line = json_object(), *seq, *value;
    const char *key;
    size_t i;
    json_array_foreach(group, i, seq) {
        json_object_foreach(seq, key, value) {
            json_t *array = json_object_get(line, key);
            if (!array) {
                array = json_array();
                json_object_set_new(line, key, array);
            }
            while (json_array_size(array) < i)
                json_array_append_new(array, json_integer(0));
            json_array_append(array, value);
        }
    }
    json_object_foreach(line, key, value)
        while (json_array_size(value) < json_array_size(group))
            json_array_append_new(value, json_integer(0));
    if (longest)
        json_object_set(line, "longest", (json_t *)longest);
    char *dump = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17));
    str_addf(text, "%s\n", dump);
    free(dump);
    json_decref(line);
}

static void input_of(const json_t *row, struct str *text, struct str *state)
{
    json_t *group, *value;
    size_t i;
    json_array_foreach(json_object_get(row, "groups"), i, group)
        add_line(text, group, json_object_get(row, "longest"));
    json_array_foreach(json_object_get(row, "state"), i, value)
        str_addf(state, "%s%.17g", i ? "," : "", json_number_value(value));
}

static void number_text(const json_t *row, const char *key, char *out, size_t size)
{
    snprintf(out, size, "%lld", (long long)json_integer_value(json_object_get(row, key)));
}

static void compare_numbers(const json_t *row, const char *what, const json_t *want, const json_t *have)
{
    if (json_is_array(want)) {
        assert_int_equal(json_array_size(have), json_array_size(want));
        for (size_t i = 0; i < json_array_size(want); i++)
            compare_numbers(row, what, json_array_get(want, i), json_array_get(have, i));
    } else {
        const double a = json_number_value(want), b = json_number_value(have);
        const double close = json_object_get(row, "advantage") ? 1e-6 : 1e-12; // of tokens, in single precision
        if (!json_is_number(have) || !(fabs(a - b) <= close * (1 + fabs(a))))
            fail_msg("%s is %.17g, not %.17g, in %s", what, b, a, json_dumps(row, 0));
    }
}

// What the settings do not need is not printed: it must be zeros.
static void compare_slopes(const json_t *row, const char *key, const json_t *want, const json_t *have)
{
    json_t *group, *value;
    size_t i, k;
    if (have) {
        compare_numbers(row, key, want, have);
        return;
    }
    json_array_foreach(want, i, group)
        json_array_foreach(group, k, value)
            assert_true(json_number_value(value) == 0);
}

static void compare(const json_t *row, const json_t *answer)
{
    static const char *const keys[] = {"d_logp", "d_score", "d_kl", "d_rival", "d_value", "advantage", "return", "reward"};
    const json_t *metrics = json_object_get(row, "metrics"), *want;
    const char *key;
    if ((want = json_object_get(row, "loss")))
        compare_numbers(row, "the loss", want, json_object_get(answer, "losses"));
    if ((want = json_object_get(row, "mean_loss")))
        compare_numbers(row, "the mean loss", want, json_object_get(answer, "loss"));
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if ((want = json_object_get(row, keys[k])))
            compare_slopes(row, keys[k], want, json_object_get(answer, keys[k]));
    json_object_foreach((json_t *)metrics, key, want)
        compare_numbers(row, key, want, json_object_get(json_object_get(answer, "metrics"), key));
}

static void golden_rows_come_out_of_the_engine(void **state)
{
    json_t *rows = golden_rows(), *row, *answer;
    size_t i;
    json_array_foreach(rows, i, row) {
        struct str text = {0}, before = {0};
        char *settings = json_dumps(json_object_get(row, "settings"), 0);
        char seed[32], step[32];
        input_of(row, &text, &before);
        number_text(row, "seed", seed, sizeof seed);
        number_text(row, "step", step, sizeof step);
        const char *const args[] = {"objective-eval", "--objective", json_string_value(json_object_get(row,
                                                                                                       "objective")),
            "--settings", settings, "--state", str_text(&before), "--seed", seed, "--step", step, NULL};
        assert_ok(engine_call_with(args, str_text(&text), text.len, &answer, e));
        compare(row, answer);
        json_decref(answer);
        str_fini(&text);
        str_fini(&before);
        free(settings);
    }
    json_decref(rows);
}

// What `attune objectives eval` prints for a row.
static json_t *ask_attune(const json_t *row, const char *input)
{
    struct str line = {0}, state = {0}, text = {0}, printed = {0};
    const char *key;
    json_t *value, *answer;
    char *attune = test_build("attune"), bytes[4096];
    size_t n;
    input_of(row, &text, &state);
    assert_ok(file_write(input, str_text(&text), text.len, e));
    str_addf(&line, "%s objectives eval %s", attune, json_string_value(json_object_get(row, "objective")));
    json_object_foreach(json_object_get((json_t *)row, "settings"), key, value)
        str_addf(&line, " --set %s=%s", key, json_string_value(value));
    str_addf(&line, " --state '%s' %s", str_text(&state), input);
    FILE *out = popen(str_text(&line), "r");
    while ((n = fread(bytes, 1, sizeof bytes, out)) > 0)
        str_addn(&printed, bytes, n);
    if (pclose(out) != 0)
        fail_msg("%s failed", str_text(&line));
    assert_ok(json_parse(str_text(&printed), printed.len, "attune", &answer, e));
    str_fini(&line);
    str_fini(&state);
    str_fini(&text);
    str_fini(&printed);
    free(attune);
    return answer;
}

static void a_golden_row_of_each_objective_comes_out_of_attune(void **state)
{
    json_t *rows = golden_rows(), *row, *seen = json_object();
    char *folder = test_folder(), *input = path_join(folder, "groups.jsonl");
    size_t i;
    json_array_foreach(rows, i, row) {
        const char *name = json_string_value(json_object_get(row, "objective"));
        if (json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        json_t *answer = ask_attune(row, input);
        compare(row, answer);
        json_decref(answer);
    }
    assert_ok(file_remove_tree(folder, e));
    free(input);
    free(folder);
    json_decref(seen);
    json_decref(rows);
}

// d2o: the bad response comes first, samples of the reference after it.
static void samples_count_as_good_ones(void **state)
{
    static const char group[] = "{\"logp\": [-12, -15], \"ref\": [-14, -20], \"n\": [6, 8]}\n";
    const char *const args[] = {"objective-eval", "--objective", "d2o", NULL};
    json_t *answer;
    assert_ok(engine_call_with(args, group, sizeof group - 1, &answer, e));
    const json_t *metrics = json_object_get(answer, "metrics");
    assert_close(json_number_value(json_object_get(metrics, "logps/rejected")), -12, 0);
    assert_close(json_number_value(json_object_get(metrics, "logps/chosen")), -15, 0);
    json_decref(answer);
}

int main(void)
{
    char *engine = test_build("attune-engine");
    setenv("ATTUNE_ENGINE", engine, 1);
    free(engine);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_rows_come_out_of_the_engine),
        cmocka_unit_test(a_golden_row_of_each_objective_comes_out_of_attune),
        cmocka_unit_test(samples_count_as_good_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
