// Evaluations of checkpoints: which are found, in which order, what is compared with what.
#include "config.h"

#include "testing.h"

#include "store/eval_file.h"
#include "store/eval_names.h"

static char *dir;

static int set_up(void **state)
{
    dir = test_folder();
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    return 0;
}

static char *checkpoint(int step)
{
    struct str name = {0};
    str_addf(&name, "%s/checkpoints/step-%d", dir, step);
    assert_ok(file_make_dirs(str_text(&name), e));
    return str_take(&name);
}

static void put(int step, int seed, double reward)
{
    char *folder = checkpoint(step);
    json_t *one =
        json_pack("{s:{s:s, s:i}, s:{s:{s:f}}}", "how", "prompts", "p", "seed", seed, "measures", "reward", "value", reward);
    assert_ok(eval_file_put(folder, one, e));
    json_decref(one);
    free(folder);
}

static void those_of_a_run_are_listed_by_steps(void **state)
{
    json_t *rows = json_array();
    put(1000, 1, 0.5);
    put(20, 1, 0.25);
    put(20, 2, 0.125);
    free(checkpoint(3)); // nobody measured it
    char *elsewhere = path_join(dir, "checkpoints/step-9.tmp");
    assert_ok(file_make_dirs(elsewhere, e));
    free(elsewhere);
    assert_ok(eval_file_list(dir, "run", rows, e));
    assert_int_equal(json_array_size(rows), 3);
    const double rewards[] = {0.25, 0.125, 0.5};
    const int steps[] = {20, 20, 1000};
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(rows, i);
        assert_int_equal(json_integer_value(json_object_get(row, "step")), steps[i]);
        assert_string_equal(json_string_value(json_object_get(row, "run")), "run");
        assert_close(eval_number(row, "reward", "value"), rewards[i], 0);
    }
    json_decref(rows);
}

static void a_damaged_file_hides_no_other(void **state)
{
    json_t *rows = json_array();
    struct err fault = {0};
    put(1, 1, 1);
    put(3, 1, 3);
    char *folder = checkpoint(2), *path = path_join(folder, EVAL_FILE);
    assert_ok(file_write(path, "{\"format\": 1}", 13, e));
    assert_int_equal(eval_file_list(dir, "run", rows, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "step-2/eval.json holds no evaluations"));
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
    free(folder);
    free(path);
}

static void the_stamp_changes_with_the_files(void **state)
{
    const uint64_t none = eval_file_stamp(dir);
    put(1, 1, 1);
    const uint64_t one = eval_file_stamp(dir);
    assert_true(one != none);
    assert_true(one == eval_file_stamp(dir));
    free(checkpoint(2)); // a checkpoint that is not measured
    assert_true(one == eval_file_stamp(dir));
    put(1, 1, 2); // as long as before, in its place
    const uint64_t again = eval_file_stamp(dir);
    assert_true(again != one);
    put(2, 1, 1);
    assert_true(eval_file_stamp(dir) != again);
}

struct how {
    const char *prompts, *judge, *reference;
    int samples, seed;
    double beta;
};

static json_t *measured(struct how h)
{
    json_t *temperature = h.seed == 1 ? json_real(1) : json_integer(1); // the same number
    return json_pack("{s:{s:s, s:i, s:o, s:i, s:f, s:s, s:s?}}", "how", "prompts", h.prompts, "samples", h.samples,
                     "temperature", temperature, "seed", h.seed, "beta", h.beta, "reward_model", h.judge, "reference",
                     h.reference);
}

static void only_what_was_measured_alike_is_compared(void **state)
{
    static const struct {
        struct how how;
        bool prompts, reward, wins, divergence, length;
    } others[] = {
        {{"p", "r", "m", 2, 7, 0.1}, true, true, true, true, true}, // another seed
        {{"p", "r", "m", 2, 1, 0.3}, true, true, true, false, true},
        {{"p", "q", "m", 2, 1, 0.1}, true, false, false, false, true},
        {{"p", "r", NULL, 2, 1, 0.1}, true, true, false, true, true},
        {{"p", "r", "m", 3, 1, 0.1}, false, false, false, false, false},
        {{"o", "r", "m", 2, 1, 0.1}, false, false, false, false, false},
    };
    const struct eval_name reward = eval_name_of("reward"), wins = eval_name_of("win_rate"), length = eval_name_of("length"),
                           divergence = eval_name_of("pm_divergence");
    json_t *a = measured((struct how){"p", "r", "m", 2, 1, 0.1});
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        json_t *b = measured(others[i].how);
        assert_int_equal(eval_same_prompts(a, b), others[i].prompts);
        assert_int_equal(eval_comparable(a, b, &reward), others[i].reward);
        assert_int_equal(eval_comparable(a, b, &wins), others[i].wins);
        assert_int_equal(eval_comparable(a, b, &divergence), others[i].divergence);
        assert_int_equal(eval_comparable(a, b, &length), others[i].length);
        json_decref(b);
    }
    json_decref(a);
}

static void a_measure_says_which_way_is_better(void **state)
{
    assert_int_equal(eval_name_of("pm_divergence").better, -1);
    assert_int_equal(eval_name_of("reward").better, 1);
    assert_int_equal(eval_name_of("win_rate").better, 1);
    assert_int_equal(eval_name_of("style/tv").better, -1);
    assert_int_equal(eval_name_of("kl/exact").better, 0);
    assert_int_equal(eval_name_of("length").better, 0);
    assert_string_equal(eval_name_of("style/gentle").title, "gentle");
    assert_string_equal(eval_name_of("of/tomorrow").title, "of/tomorrow");
    assert_int_equal(eval_name_of("of/tomorrow").better, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_of_a_run_are_listed_by_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_file_hides_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_stamp_changes_with_the_files, set_up, tear_down),
        cmocka_unit_test(only_what_was_measured_alike_is_compared),
        cmocka_unit_test(a_measure_says_which_way_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
