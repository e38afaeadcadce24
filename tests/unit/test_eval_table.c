// The table of evaluations: its columns, its order, and what is marked as the best of what.
#include "config.h"

#include "testing.h"

#include "ui/runs/eval_table.h"

// Rows "RUN STEP PROMPTS RM reward kl", a value that is "-" was not measured.
static json_t *list_of(const char *const *rows)
{
    static const char *const names[] = {"reward", "kl/exact", "pm_divergence"};
    json_t *list = json_array();
    for (; *rows; rows++) {
        char run[16], prompts[16], judge[16], values[3][16];
        int step;
        assert_int_equal(
            sscanf(*rows, "%15s %d %15s %15s %15s %15s %15s", run, &step, prompts, judge, values[0], values[1], values[2]),
            7);
        json_t *measures = json_object();
        for (int i = 0; i < 3; i++)
            if (values[i][0] != '-')
                json_object_set_new(measures, names[i], json_pack("{s:f}", "value", atof(values[i])));
        json_array_append_new(list, json_pack("{s:s, s:i, s:{s:s, s:s}, s:o}", "run", run, "step", step, "how", "prompts",
                                              prompts, "reward_model", judge, "measures", measures));
    }
    return list;
}

static struct eval_table *table_of(const char *const *rows)
{
    return eval_table_new(list_of(rows));
}

static void assert_order(const struct eval_table *t, const char *want)
{
    struct str got = {0};
    for (int i = 0; i < t->n; i++)
        str_addf(&got, "%s%s%lld", i ? " " : "", t->rows[i].run, (long long)t->rows[i].step);
    assert_string_equal(str_text(&got), want);
    str_fini(&got);
}

static void sort(struct eval_table *t, const char *by, bool reversed)
{
    struct eval_order order = {.reversed = reversed};
    text_copy(order.by, sizeof order.by, by);
    eval_table_sort(t, &order);
}

// "reward" of the rows in their order: the best ones as '*'.
static void assert_best(const struct eval_table *t, const char *measure, const char *want)
{
    const int column = eval_table_find(t, measure) - EVAL_MEASURES;
    struct str got = {0};
    assert_true(column >= 0);
    for (int i = 0; i < t->n; i++)
        str_addc(&got, eval_table_is_best(t, i, column) ? '*' : '.');
    assert_string_equal(str_text(&got), want);
    str_fini(&got);
}

static const char *const rows[] = {"b 10 p j 1.5 3 0.4", "b 30 p j 2.5 2 0.6", "a 20 p j 0.5 - 0.2",
                                   "a 40 p k 9 1 0.1",   "a 40 q j 7 5 0.3",   NULL};

static void the_best_is_that_of_what_was_measured_alike(void **state)
{
    struct eval_table *t = table_of(rows);
    assert_best(t, "reward", ".*...");        // 9 is another judge's, 7 is of other prompts
    assert_best(t, "pm_divergence", "..*.."); // less is better
    assert_best(t, "kl/exact", ".....");      // neither is
    sort(t, "reward", false);
    assert_order(t, "a40 a40 b30 b10 a20");
    assert_best(t, "reward", "..*.."); // it goes with its row
    eval_table_free(t);
}

static void equal_ones_are_both_the_best_and_a_lone_one_is_not(void **state)
{
    static const char *const two[] = {"b 10 p j 2 3 -", "b 30 p j 2 2 0.6", "b 50 p j -1 2 -", NULL};
    struct eval_table *t = table_of(two);
    assert_best(t, "reward", "**.");
    assert_best(t, "pm_divergence", "...");
    eval_table_free(t);
}

static void sets_are_numbered_by_their_size(void **state)
{
    static const char *const three[] = {"b 1 q j 2 3 1", "b 2 p j 2 2 1", "b 3 p k 2 2 1", "b 4 r j 1 1 1", NULL};
    const int want[] = {2, 1, 1, 3}; // the judge is no matter of the set
    struct eval_table *t = table_of(three);
    assert_int_equal(t->n_sets, 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(t->rows[i].set, want[i]);
    eval_table_free(t);
}

static void order_is_the_best_first_and_what_is_missing_last(void **state)
{
    struct eval_table *t = table_of(rows);
    assert_order(t, "b10 b30 a20 a40 a40"); // as listed
    sort(t, "run", true);
    assert_order(t, "a40 a40 a20 b30 b10");
    sort(t, "pm_divergence", false);
    assert_order(t, "a40 a20 a40 b10 b30");
    sort(t, "kl/exact", false); // the largest, where none is better
    assert_order(t, "a40 b10 b30 a40 a20");
    sort(t, "kl/exact", true);
    assert_order(t, "a40 b30 b10 a40 a20");
    sort(t, "step", false);
    assert_order(t, "b10 a20 b30 a40 a40");
    sort(t, "gone", false); // a measure that no row has any more
    assert_order(t, "b10 b30 a20 a40 a40");
    eval_table_free(t);
}

static bool is_a(void *arg, const char *run)
{
    ++*(int *)arg;
    return strcmp(run, "a") == 0;
}

static void what_is_selected_stands_before_the_rest(void **state)
{
    int asked = 0;
    struct eval_table *t = table_of(rows);
    struct eval_order order = {.by = "step", .is_first = is_a, .arg = &asked};
    eval_table_sort(t, &order);
    assert_int_equal(asked, 5);
    assert_order(t, "a20 a40 a40 b10 b30");
    order.reversed = true;
    eval_table_sort(t, &order);
    assert_order(t, "a40 a40 a20 b30 b10");
    eval_table_free(t);
}

static void columns_that_few_have_stand_behind(void **state)
{
    static const char *const few[] = {"b 1 p j 2 3 1", "b 2 p j 2 2 -", "b 3 p j 2 2 -", NULL};
    struct eval_table *t = table_of(rows);
    assert_int_equal(t->n_columns, 3);
    assert_int_equal(eval_table_find(t, "pm_divergence"), EVAL_MEASURES);
    assert_int_equal(eval_table_find(t, "reward"), EVAL_MEASURES + 1);
    assert_int_equal(eval_table_find(t, "pm div"), EVAL_MEASURES); // by its title, too
    eval_table_free(t);
    t = table_of(few);
    assert_int_equal(eval_table_find(t, "reward"), EVAL_MEASURES);
    assert_int_equal(eval_table_find(t, "pm_divergence"), EVAL_MEASURES + 2);
    assert_int_equal(eval_table_find(t, "win_rate"), -1);
    eval_table_free(t);
}

static void a_row_is_found_again_in_another_list(void **state)
{
    static const char *const later[] = {"c 5 p j 0 0 0", "a 40 q j 8 5 0.3", "a 40 p k 9 1 0.1", NULL};
    struct eval_table *t = table_of(rows);
    json_t *own = json_deep_copy(t->rows[4].evaluation), *gone = json_deep_copy(t->rows[0].evaluation);
    eval_table_free(t);
    t = table_of(later);
    assert_int_equal(eval_table_row_of(t, own), 1); // measured again, the same way
    assert_int_equal(eval_table_row_of(t, gone), -1);
    json_decref(own);
    json_decref(gone);
    eval_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_that_of_what_was_measured_alike),
        cmocka_unit_test(equal_ones_are_both_the_best_and_a_lone_one_is_not),
        cmocka_unit_test(sets_are_numbered_by_their_size),
        cmocka_unit_test(order_is_the_best_first_and_what_is_missing_last),
        cmocka_unit_test(what_is_selected_stands_before_the_rest),
        cmocka_unit_test(columns_that_few_have_stand_behind),
        cmocka_unit_test(a_row_is_found_again_in_another_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
