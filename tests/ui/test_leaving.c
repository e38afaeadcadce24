// Leaving the console while it is at work: a run that is being checked is not lost without a word.
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "testing.h"

#include "base/clock.h"
#include "ui/fixture.h"
#include "ui/rig.h"

// An engine that checks runs only once the file "go" is there, and then says no where `verdict` is "exit 2".
static void set_engine(const char *verdict)
{
    struct str script = {0};
    char *wrapper = path_join(project, "slow-engine"), *engine = test_build("attune-engine"), *go = path_join(project, "go"),
         *asked = path_join(project, "asked");
    str_addf(&script, "#!/bin/sh\nif [ \"$1\" = check ]; then\n: >'%s'\nwhile [ ! -e '%s' ]; do sleep 0.05; done\n%s\nfi\n"
             "exec '%s' \"$@\"\n", asked, go, verdict, engine);
    assert_ok(file_write(wrapper, str_text(&script), script.len, e));
    assert_int_equal(chmod(wrapper, 0755), 0);
    setenv("ATTUNE_ENGINE", wrapper, 1);
    str_fini(&script);
    free(wrapper);
    free(engine);
    free(go);
    free(asked);
}

static void let_go(void)
{
    char *go = path_join(project, "go");
    assert_ok(file_write(go, "", 0, e));
    free(go);
}

// The form is filled in and launched, and the engine has been asked.
static void launch(struct rig *r)
{
    static const char row[] = "{\"prompt\": \"Say\", \"chosen\": \" a\", \"rejected\": \" b\"}\n";
    char *data = path_join(project, "few.jsonl"), *model = test_source("share/attune/models/demo"),
         *asked = path_join(project, "asked");
    struct str rows = {0}, line = {0};
    for (int i = 0; i < 40; i++)
        str_add(&rows, row);
    assert_ok(file_write(data, str_text(&rows), rows.len, e));
    rig_start(r, &(struct rig_options){.project = project, .width = 100, .height = 24});
    rig_wait(r, "> g dpo-next");
    rig_send(r, "a");
    rig_wait(r, "must be given");
    str_addf(&line, "edit model %s", model);
    rig_command(r, str_text(&line));
    str_clear(&line);
    str_addf(&line, "edit data %s", data);
    rig_command(r, str_text(&line));
    rig_wait(r, "few.jsonl");
    rig_command(r, "edit name late");
    rig_command(r, "edit steps 2"); // letters are commands on its row
    rig_wait(r, "> steps");
    rig_send(r, "\033[21~"); // F10
    rig_wait(r, "Checking model, data and memory");
    for (int i = 0; i < 300 && !file_exists(asked); i++)
        rig_read(r, 0.1);
    assert_true(file_exists(asked));
    str_fini(&rows);
    str_fini(&line);
    free(data);
    free(model);
    free(asked);
}

static bool is_there(const char *name)
{
    struct store *s;
    struct run_info *infos;
    int n = 0;
    bool found = false;
    assert_ok(store_open(&s, project, false, e));
    assert_ok(store_runs(s, &infos, &n, e));
    for (int i = 0; i < n; i++) {
        found = found || strcmp(infos[i].name, name) == 0;
        run_info_fini(&infos[i]);
    }
    free(infos);
    store_close(s);
    return found;
}

// Its engine writes into the project until then.
static void wait_for_end(const char *name)
{
    struct str dir = {0};
    struct run_status status = {0};
    str_addf(&dir, "%s/runs/%s", project, name);
    for (double until = clock_seconds() + 60; clock_seconds() < until && status.state != RUN_DONE;) {
        struct run_reader *reader = NULL;
        if (run_reader_open(&reader, str_text(&dir), NULL) == 0)
            run_reader_status(reader, &status, NULL);
        run_reader_close(reader);
        usleep(50000);
    }
    assert_int_equal(status.state, RUN_DONE);
    str_fini(&dir);
}

static void q_waits_for_the_run_that_is_checked(void **state)
{
    struct rig r;
    set_engine(":");
    launch(&r);
    rig_send(&r, "qq");
    rig_wait(&r, "A new run is being checked, and starts then; the console closes after that.");
    let_go();
    assert_int_equal(rig_end(&r), 0);
    assert_true(is_there("late"));
    wait_for_end("late");
}

static void who_does_not_want_to_wait_says_so(void **state)
{
    struct rig r;
    set_engine(":");
    launch(&r);
    rig_send(&r, "qq");
    rig_wait(&r, "Close it at once");
    rig_send(&r, "n");
    rig_wait(&r, "Nothing was done");
    rig_send(&r, "q");
    rig_wait(&r, "Close it at once");
    rig_send(&r, "y");
    assert_int_equal(rig_end(&r), 0);
    assert_false(is_there("late"));
    let_go();
}

static void a_check_that_fails_keeps_the_console_open(void **state)
{
    struct rig r;
    set_engine("echo 'it has no weights' >&2; exit 2");
    launch(&r);
    rig_send(&r, "qq");
    rig_wait(&r, "Close it at once");
    let_go();
    rig_wait(&r, "it has no weights");
    rig_wait_gone(&r, "Close it at once");
    rig_quit(&r);
    assert_false(is_there("late"));
}

static void a_terminal_that_vanishes_does_not_take_the_run_along(void **state)
{
    struct rig r;
    set_engine(":");
    launch(&r);
    rig_kill(&r, SIGHUP);
    rig_settle(&r, 1.5); // longer than it waits for what may be lost
    rig_kill(&r, SIGHUP); // a shell sends it on
    let_go();
    assert_int_equal(rig_end(&r), 0);
    assert_true(is_there("late"));
    wait_for_end("late");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(q_waits_for_the_run_that_is_checked, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_want_to_wait_says_so, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_check_that_fails_keeps_the_console_open, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_terminal_that_vanishes_does_not_take_the_run_along, fixture_set_up,
                                        fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
