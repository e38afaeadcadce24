// The list of runs as it was chosen to be seen: fields by name, wanted metrics, filter, order, groups, and what is kept of
// the choice.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "store/run_edits.h"
#include "ui/runs/run_fields.h"
#include "ui/runs/runs_table.h"

struct world {
    char *dir;
    struct store *store;
    struct run_list list;
    struct runs_table table;
};

static void add_run(struct world *w, const char *name, const char *objective, double beta, const double *grad, int n)
{
    char *made = NULL;
    struct run_writer *writer;
    json_t *settings = json_pack("{s:f, s:s, s:b}", "beta", beta, "optimizer", n > 2 ? "adamw" : "sgd", "flash", 1);
    assert_ok(store_add_run(w->store, name, objective, "/models/tiny", "/data/pairs.jsonl", settings, &made, e));
    json_decref(settings);
    char *dir = store_run_dir(w->store, name);
    assert_ok(run_writer_open(&writer, dir, e));
    assert_ok(run_writer_begin(writer, e));
    for (int i = 0; i < n; i++) {
        assert_ok(run_writer_metric(writer, "grad_norm", 100 * (i + 1), grad[i], e));
        assert_ok(run_writer_metric(writer, "loss", 100 * (i + 1), grad[i] / 10, e));
    }
    struct run_status status = {.state = RUN_DONE, .step = 100 * n, .total_steps = 400};
    assert_ok(run_writer_status(writer, &status, e));
    assert_ok(run_writer_commit(writer, e));
    run_writer_close(writer);
    free(dir);
    free(made);
}

static void open_world(struct world *w)
{
    static const double a[] = {3, 1, 2, 4}, b[] = {5, 7}, c[] = {2, 9, 6};
    w->dir = test_folder();
    assert_ok(store_open(&w->store, w->dir, true, e));
    add_run(w, "dpo-a", "dpo", 0.1, a, 4);
    add_run(w, "dpo-b", "dpo", 0.3, b, 2);
    add_run(w, "ipo-c", "ipo", 0.1, c, 3);
    run_list_init(&w->list, w->store);
    runs_table_init(&w->table);
}

static void close_world(struct world *w)
{
    runs_table_fini(&w->table);
    run_list_fini(&w->list);
    store_close(w->store);
    assert_ok(file_remove_tree(w->dir, e));
    free(w->dir);
}

static struct runs_look look_with(const char *filter, const char *columns, const char *sort, const char *group)
{
    struct runs_look look = {0};
    text_copy(look.filter, sizeof look.filter, filter);
    text_copy(look.columns, sizeof look.columns, columns);
    text_copy(look.sort, sizeof look.sort, sort);
    text_copy(look.group, sizeof look.group, group);
    return look;
}

// The rows' names in order, after everything that is wanted was read.
static void shows(struct world *w, const struct runs_look *look, const char *names)
{
    struct str found = {0};
    struct err fault = {0};
    assert_ok(runs_table_set(&w->table, look, e));
    for (int i = 0; i < 2; i++) {
        run_list_read(&w->list, &fault);
        assert_int_equal(fault.code, 0);
        runs_table_update(&w->table, &w->list);
    }
    run_list_read(&w->list, &fault);
    runs_table_update(&w->table, &w->list);
    for (int i = 0; i < w->table.n; i++)
        str_addf(&found, "%s%s", i ? " " : "", w->table.rows[i]->info.name);
    assert_string_equal(str_text(&found), names);
    str_fini(&found);
}

static void filtered(struct world *w, const char *filter, const char *names)
{
    struct runs_look look = look_with(filter, "", "", "");
    shows(w, &look, names);
}

static void filters_know_settings_metrics_and_the_run_itself(void **state)
{
    struct world w;
    open_world(&w);
    filtered(&w, "", "ipo-c dpo-b dpo-a"); // the newest first
    filtered(&w, "objective=dpo", "dpo-b dpo-a");
    filtered(&w, "beta=0.1", "ipo-c dpo-a");
    filtered(&w, "cfg.beta>0.2", "dpo-b");
    filtered(&w, "optimizer:adam flash=yes", "ipo-c dpo-a");
    filtered(&w, "loss>0.45", "ipo-c dpo-b");
    filtered(&w, "grad_norm>5", "ipo-c dpo-b"); // the newest value
    filtered(&w, "grad_norm@max>=7", "ipo-c dpo-b");
    filtered(&w, "grad_norm@max>7", "ipo-c");
    filtered(&w, "grad_norm@min<2", "dpo-a");
    filtered(&w, "grad_norm@best<=1", "dpo-a"); // less is better
    filtered(&w, "grad_norm@first=2", "ipo-c");
    filtered(&w, "grad_norm@200=1", "dpo-a");
    filtered(&w, "grad_norm@250>=7", "ipo-c dpo-b"); // the last one before it
    filtered(&w, "state=done progress<1", "ipo-c dpo-b");
    filtered(&w, "tiny", "ipo-c dpo-b dpo-a");
    filtered(&w, "model:/models/tiny data=pairs.jsonl", "ipo-c dpo-b dpo-a");
    filtered(&w, "has:grad_norm", "ipo-c dpo-b dpo-a");
    filtered(&w, "age<1h -age>1h", "ipo-c dpo-b dpo-a");
    filtered(&w, "state:live", "");
    close_world(&w);
}

static void what_nobody_has_is_named(void **state)
{
    struct world w;
    struct str near = {0};
    struct err fault = {0};
    open_world(&w);
    filtered(&w, "lss<1", "");
    assert_string_equal(runs_table_unknown(&w.table, &w.list, &near), "lss");
    assert_non_null(strstr(str_text(&near), "loss"));
    filtered(&w, "loss<9", "ipo-c dpo-b dpo-a");
    assert_null(runs_table_unknown(&w.table, &w.list, &near));
    struct runs_look look = look_with("loss<", "", "", "");
    assert_int_equal(runs_table_set(&w.table, &look, &fault), ERR_USAGE);
    assert_string_equal(w.table.look.filter, "loss<9"); // as before
    look = look_with("", "loss@often", "", "");
    assert_int_equal(runs_table_set(&w.table, &look, &fault), ERR_USAGE);
    look = look_with("", "entropy@best", "", "");
    assert_int_equal(runs_table_set(&w.table, &look, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "entropy@min or entropy@max"));
    str_fini(&near);
    close_world(&w);
}

static void order_is_that_of_the_field_with_pinned_runs_on_top(void **state)
{
    struct world w;
    open_world(&w);
    struct runs_look look = look_with("", "", "grad_norm@max", "");
    shows(&w, &look, "dpo-a dpo-b ipo-c");
    look.descending = true;
    shows(&w, &look, "ipo-c dpo-b dpo-a");
    look = look_with("", "", "name", "");
    shows(&w, &look, "dpo-a dpo-b ipo-c");
    look = look_with("", "", "rewards/margins", ""); // nobody has it: the newest first
    shows(&w, &look, "ipo-c dpo-b dpo-a");
    assert_ok(store_edit(w.store, &(struct run_edit){"dpo-a", ATTRIBUTE_PINNED, "1"}, 1, e));
    w.list.next_list_s = 0;
    shows(&w, &look, "dpo-a ipo-c dpo-b");
    assert_ok(store_edit(w.store, &(struct run_edit){"dpo-b", ATTRIBUTE_ARCHIVED, "1"}, 1, e));
    shows(&w, &look, "dpo-a ipo-c");
    look.archived = true;
    shows(&w, &look, "dpo-b");
    close_world(&w);
}

static void groups_have_mean_and_standard_deviation(void **state)
{
    struct world w;
    double mean, sd;
    open_world(&w);
    struct runs_look look = look_with("", "grad_norm@max,beta", "", "objective");
    shows(&w, &look, "dpo-b dpo-a ipo-c");
    assert_int_equal(w.table.n_groups, 2);
    assert_string_equal(w.table.groups[0].name, "dpo");
    assert_int_equal(w.table.groups[0].n, 2);
    assert_int_equal(w.table.groups[1].first, 2);
    assert_int_equal(run_group_mean(&w.table, &w.table.groups[0], "grad_norm@max", &mean, &sd), 2);
    assert_close(mean, 5.5, 1e-12);
    assert_close(sd, 2.1213203435596424, 1e-12); // sqrt(((4 - 5.5)^2 + (7 - 5.5)^2) / 1)
    assert_int_equal(run_group_mean(&w.table, &w.table.groups[1], "grad_norm@max", &mean, &sd), 1);
    assert_close(mean, 9, 0);
    assert_true(isnan(sd));
    assert_int_equal(run_group_mean(&w.table, &w.table.groups[0], "optimizer", &mean, &sd), 0);
    assert_true(isnan(mean));
    look = look_with("", "", "", "beta"); // by their size, not as texts
    shows(&w, &look, "ipo-c dpo-a dpo-b");
    assert_string_equal(w.table.groups[0].name, "0.100");
    close_world(&w);
}

static void a_run_that_went_back_to_a_checkpoint_has_its_new_course(void **state)
{
    struct world w;
    struct run_writer *writer;
    open_world(&w);
    struct runs_look look = look_with("name=dpo-b", "grad_norm@max", "", "");
    shows(&w, &look, "dpo-b");
    assert_close(run_field_number(w.table.rows[0], "grad_norm@max"), 7, 0);
    char *dir = store_run_dir(w.store, "dpo-b");
    assert_ok(run_writer_open(&writer, dir, e));
    assert_ok(run_writer_rewind(writer, 100, e));
    assert_ok(run_writer_begin(writer, e));
    assert_ok(run_writer_metric(writer, "grad_norm", 150, 6, e));
    assert_ok(run_writer_commit(writer, e));
    run_writer_close(writer);
    free(dir);
    shows(&w, &look, "dpo-b");
    assert_close(run_field_number(w.table.rows[0], "grad_norm@max"), 6, 0);
    close_world(&w);
}

static void the_choice_is_kept_as_json(void **state)
{
    struct runs_look look = look_with("tag:hh \"a b\"", "beta,kl@trend", "kl", "objective"), again, empty = {0};
    look.descending = look.archived = true;
    json_t *value = runs_look_to_json(&look);
    memset(&again, 0x55, sizeof again);
    runs_look_from_json(&again, value);
    json_decref(value);
    assert_string_equal(again.filter, look.filter);
    assert_string_equal(again.columns, look.columns);
    assert_string_equal(again.sort, look.sort);
    assert_string_equal(again.group, look.group);
    assert_true(again.descending && again.archived);
    value = json_pack("{s:i, s:[], s:s}", "filter", 3, "columns", "descending", "yes"); // somebody's hand
    runs_look_from_json(&again, value);
    json_decref(value);
    assert_string_equal(again.filter, "");
    assert_string_equal(again.columns, "");
    assert_false(again.descending);
    runs_look_from_json(&again, NULL);
    assert_memory_equal(&again, &empty, sizeof again);
}

static void few_files_stay_open(void **state)
{
    enum { N = 70 };
    struct world w;
    static const double grad[] = {1, 2};
    char name[20];
    open_world(&w);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "many-%d", i);
        add_run(&w, name, "dpo", 0.1, grad, 2);
    }
    struct runs_look look = look_with("grad_norm@max=2", "", "", "");
    struct err fault = {0};
    assert_ok(runs_table_set(&w.table, &look, e));
    run_list_read(&w.list, &fault);
    runs_table_update(&w.table, &w.list);
    run_list_read(&w.list, &fault);
    runs_table_update(&w.table, &w.list);
    assert_int_equal(w.table.n, N);
    assert_true(w.list.n_open <= 48);
    int n_open = 0;
    for (int i = 0; i < w.list.n; i++)
        n_open += w.list.rows[i]->reader != NULL;
    assert_int_equal(n_open, w.list.n_open);
    struct run_row *closed = NULL;
    for (int i = 0; i < w.list.n && !closed; i++)
        closed = w.list.rows[i]->reader ? NULL : w.list.rows[i];
    assert_non_null(closed);
    assert_non_null(run_row_reader(closed)); // whoever wants to read can
    close_world(&w);
}

// Whoever still shows it is handling a key when the list is read again.
static void a_row_that_leaves_stays_until_nobody_shows_it(void **state)
{
    struct world w;
    open_world(&w);
    assert_true(run_list_poll(&w.list, 1, true, NULL));
    struct run_row *row = run_list_find(&w.list, "dpo-b");
    assert_non_null(row);
    assert_non_null(run_row_reader(row));
    const int n_open = w.list.n_open;
    assert_ok(store_edit(w.store, &(struct run_edit){"dpo-b", ATTRIBUTE_TRASHED, "1"}, 1, e));
    assert_true(run_list_poll(&w.list, 3, true, NULL));
    assert_null(run_list_find(&w.list, "dpo-b"));
    assert_int_equal(w.list.n_left, 1);
    assert_ptr_equal(w.list.left[0], row);
    assert_string_equal(row->info.name, "dpo-b");
    assert_non_null(row->reader);
    run_list_let_go(&w.list);
    assert_int_equal(w.list.n_left, 0);
    assert_int_equal(w.list.n_open, n_open - 1);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_know_settings_metrics_and_the_run_itself),
        cmocka_unit_test(what_nobody_has_is_named),
        cmocka_unit_test(order_is_that_of_the_field_with_pinned_runs_on_top),
        cmocka_unit_test(groups_have_mean_and_standard_deviation),
        cmocka_unit_test(a_run_that_went_back_to_a_checkpoint_has_its_new_course),
        cmocka_unit_test(the_choice_is_kept_as_json),
        cmocka_unit_test(few_files_stay_open),
        cmocka_unit_test(a_row_that_leaves_stays_until_nobody_shows_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
