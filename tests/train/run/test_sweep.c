// Sweeps: one training with several values, so many at once; what is beaten is stopped, what fails or is taken out is left
// out, and a sweep that was stopped goes on from there.
#include "config.h"

#include "whole.h"

#include <math.h>
#include <unistd.h>

#include "train/run/sweep_rule.h"

// ---- the rule ----

struct curves {
    struct sweep_point points[4][8];
    struct sweep_curve list[4];
};

// Values at steps 0, 10, 20, ...
static void put(struct curves *c, int which, int n, const double *values)
{
    for (int i = 0; i < n; i++)
        c->points[which][i] = (struct sweep_point){10 * i, values[i]};
    c->list[which] = (struct sweep_curve){c->points[which], n};
}

static void a_run_is_beaten_when_its_best_is_worse_than_the_median_of_means(void **state)
{
    struct curves c;
    put(&c, 0, 3, (double[]){9, 6, 3});    // mean 6
    put(&c, 1, 3, (double[]){9, 4, 2});    // mean 5
    put(&c, 2, 3, (double[]){9, 8, 7});    // best 7
    put(&c, 3, 2, (double[]){9, 1});       // not as far
    assert_true(sweep_is_beaten(c.list, 4, 2, 2, false, 2));  // 7 > (5 + 6) / 2
    assert_false(sweep_is_beaten(c.list, 4, 2, 2, false, 3)); // within its grace
    assert_false(sweep_is_beaten(c.list, 4, 0, 2, false, 2)); // 3 < (5 + 8) / 2
    put(&c, 2, 3, (double[]){9, 8, 5.75});
    assert_true(sweep_is_beaten(c.list, 4, 2, 2, false, 2)); // 5.75 > 5.5, which neither best (3, 2) nor the fourth (mean 5)
                                                             // would say
    put(&c, 2, 3, (double[]){9, 8, 5.25});
    assert_false(sweep_is_beaten(c.list, 4, 2, 2, false, 2)); // beaten by their bests, not by their means
    put(&c, 2, 3, (double[]){9, 5, 8});
    assert_false(sweep_is_beaten(c.list, 4, 2, 2, false, 2)); // it was good once
    put(&c, 2, 4, (double[]){9, 8, 7, 1});
    assert_true(sweep_is_beaten(c.list, 4, 2, 2, false, 2)); // as it was then
}

static void more_is_better_where_the_metric_says_so(void **state)
{
    struct curves c;
    put(&c, 0, 2, (double[]){0.5, 0.9});
    put(&c, 1, 2, (double[]){0.5, 0.8});
    put(&c, 2, 2, (double[]){0.5, 0.6});
    assert_true(sweep_is_beaten(c.list, 3, 2, 1, true, 1)); // 0.6 < (0.7 + 0.65) / 2
    assert_false(sweep_is_beaten(c.list, 3, 0, 1, true, 1));
    assert_false(sweep_is_beaten(c.list, 3, 2, 1, false, 1));
    assert_false(sweep_is_beaten(c.list, 2, 1, 1, true, 1)); // beside one other nothing is said
}

static void what_is_no_number_is_the_worst(void **state)
{
    struct curves c;
    put(&c, 0, 2, (double[]){1, 0.9});
    put(&c, 1, 2, (double[]){1, 0.8});
    put(&c, 2, 2, (double[]){NAN, NAN});
    assert_true(sweep_is_beaten(c.list, 3, 2, 1, false, 1));
    assert_false(sweep_is_beaten(c.list, 3, 0, 1, false, 1)); // the mean of one other is infinite
    assert_false(sweep_is_better(NAN, 1, true));
    assert_true(sweep_is_better(1, NAN, true));
    assert_false(sweep_is_better(NAN, NAN, false));
}

// ---- whole sweeps ----

static struct run_status status_of(const char *name)
{
    struct run_reader *r;
    struct run_status status = {.state = RUN_QUEUED};
    char *dir = run_dir(name);
    if (run_reader_open(&r, dir, NULL) == 0) {
        if (run_reader_status(r, &status, NULL))
            status.state = RUN_QUEUED;
        run_reader_close(r);
    }
    free(dir);
    return status;
}

struct sweep {
    const char *name, *by;
    int at_most;
    bool stop_early;
    const char *parts[4]; // "a lr=0.003 steps=40"; NULL: no more
};

static void add_sweep(const struct sweep *w)
{
    struct store *s;
    char *made = NULL;
    json_t *parts = json_array();
    for (int i = 0; i < 4 && w->parts[i]; i++) {
        json_t *settings =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "model", world.model_dir, "data", world.pairs_path,
                      "batch-size", "4", "lr", "0.003", "steps", "40", "eval-every", "10", "threads", "1");
        char *list = strdup(w->parts[i]), *save = NULL, *name = strtok_r(list, " ", &save);
        for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
            char *value = strchr(word, '=');
            *value++ = '\0';
            json_object_set_new(settings, word, json_string(value));
        }
        json_object_set_new(settings, "probe-every", json_string("0"));
        json_object_set_new(settings, "eval-data", json_string(world.pairs_path)); // what is learnt by heart is better there
        json_array_append_new(parts, json_pack("{s:s, s:o}", "name", name, "settings", settings));
        free(list);
    }
    json_t *settings =
        json_pack("{s:s, s:{s:s, s:o, s:i, s:s*, s:b, s:i}}", "sweep", "lr", "plan", "objective", "dpo", "parts", parts,
                  "at-most", w->at_most, "by", w->by, "stop-early", w->stop_early, "grace", 2);
    assert_ok(store_open(&s, project, true, e));
    assert_ok(store_add_run(s, w->name, "sweep", world.model_dir, world.pairs_path, settings, &made, e));
    store_close(s);
    json_decref(settings);
    free(made);
}

static bool is_live(const char *name)
{
    return run_state_is_live(status_of(name).state);
}

static void so_many_work_at_once_and_the_best_is_the_result(void **state)
{
    add_sweep(&(struct sweep){"both", "eval/loss", 2, false, {"a lr=1e-9 steps=400", "b steps=400", "c", "d"}});
    const pid_t pid = start("both", 0);
    int most = 0;
    for (int i = 0; i < 20000 && status_of("both").state != RUN_DONE && status_of("both").state != RUN_FAILED; i++) {
        const int n = is_live("both.a") + is_live("both.b") + is_live("both.c") + is_live("both.d");
        most = n > most ? n : most;
        wait_ms(3);
    }
    assert_int_equal(finish(pid), 0);
    assert_int_equal(most, 2);
    const char *const names[] = {"both.a", "both.b", "both.c", "both.d"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(status_of(names[i]).state, RUN_DONE);
    assert_int_equal(status_of("both").step, 880);
    char *dir = run_dir("both"), *link = path_join(dir, "checkpoints/step-880"), to[200] = "";
    assert_true(readlink(link, to, sizeof to - 1) > 0);
    // what is learnt is better than what is not
    assert_true(text_starts(to, "../../both.") && !text_starts(to, "../../both.a"));
    assert_non_null(strstr(status_of("both").message, "is best by eval/loss"));
    free(link);
    free(dir);
}

// The third does not learn: the two before it were better on average than it ever was. Of the fourth nothing is measured, so
// that it is not beaten, however far it gets.
static void what_is_beaten_is_stopped_and_stays_so_when_the_sweep_goes_on(void **state)
{
    add_sweep(&(struct sweep){"early", "eval/loss", 1, true, {"a", "b", "c lr=1e-12 steps=1000000",
                                "d steps=1000000 eval-every=1000000"}});
    pid_t pid = start("early", 0);
    for (int i = 0; i < 20000 && status_of("early.d").step < 5; i++)
        wait_ms(3);
    assert_int_equal(status_of("early.c").state, RUN_STOPPED);
    assert_int_equal(count_events("early", "part", "early.c is beaten"), 1);
    const int64_t step = status_of("early.c").step;
    post("early", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("early").state, RUN_STOPPED);
    assert_int_equal(status_of("early.d").state, RUN_STOPPED);
    pid = start("early", 0);
    const int64_t d = status_of("early.d").step;
    for (int i = 0; i < 20000 && (status_of("early.d").step <= d || !is_live("early.d")); i++)
        wait_ms(3);
    assert_true(status_of("early.d").step > d);
    post("early.d", CONTROL_STOP, "", ""); // by hand: the sweep goes on without it, and is done
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("early.c").step, step);
    assert_int_equal(status_of("early.c").state, RUN_STOPPED);
    assert_int_equal(status_of("early").state, RUN_DONE);
    assert_int_equal(count_events("early", "part", "early.d is skipped"), 1);
}

static void what_fails_or_is_taken_out_of_the_queue_is_left_out(void **state)
{
    add_sweep(&(struct sweep){"some", NULL, 1, false, {"a steps=300", "b data=/no/such/file", "c"}});
    const pid_t pid = start("some", 0);
    for (int i = 0; i < 20000 && status_of("some.a").step < 2; i++)
        wait_ms(3);
    post("some.c", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("some.a").state, RUN_DONE);
    assert_int_equal(status_of("some.b").state, RUN_FAILED);
    assert_int_equal(status_of("some.c").state, RUN_QUEUED);
    assert_int_equal(status_of("some").state, RUN_DONE);
    assert_string_equal(status_of("some").message, "1 of 3 runs done");
    assert_int_equal(count_events("some", "part", "some.b is failed"), 1);
    assert_int_equal(count_events("some", "part", "some.c is skipped"), 1);
}

static void a_sweep_of_which_nothing_was_done_has_failed(void **state)
{
    add_sweep(&(struct sweep){"none", NULL, 2, false, {"a data=/no/such/file", "b data=/no/such/file"}});
    assert_int_not_equal(finish(start("none", 0)), 0);
    assert_int_equal(status_of("none").state, RUN_FAILED);
    assert_non_null(strstr(status_of("none").message, "none of the 2 runs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_beaten_when_its_best_is_worse_than_the_median_of_means),
        cmocka_unit_test(more_is_better_where_the_metric_says_so),
        cmocka_unit_test(what_is_no_number_is_the_worst),
        cmocka_unit_test(so_many_work_at_once_and_the_best_is_the_result),
        cmocka_unit_test(what_is_beaten_is_stopped_and_stays_so_when_the_sweep_goes_on),
        cmocka_unit_test(what_fails_or_is_taken_out_of_the_queue_is_left_out),
        cmocka_unit_test(a_sweep_of_which_nothing_was_done_has_failed),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
