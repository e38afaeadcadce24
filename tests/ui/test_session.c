// What the console keeps from one time to the next, and what it says on return.
#include "config.h"

#include <signal.h>

#include "testing.h"

#include "base/json.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static void begin(struct rig *r)
{
    rig_start(r, &(struct rig_options){.project = project, .width = 100, .height = 30, .keeps_session = true});
}

static void forget(void)
{
    char *path = path_join(project, "console.json");
    remove(path);
    free(path);
}

static void page_run_selection_window_and_smoothing_are_there_again(void **state)
{
    struct rig r;
    struct str left = {0}, back = {0};
    forget();
    begin(&r);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":sort name\r");
    rig_wait_gone(&r, ":sort");
    rig_send(&r, ":open dpo-1\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "]");
    rig_send(&r, "++y");
    rig_settle(&r, 0.5);
    rig_text(&r, true, &left);
    rig_kill(&r, SIGHUP); // a terminal that vanishes takes nothing along
    assert_int_equal(rig_end(&r), 0);
    begin(&r);
    rig_wait(&r, "[2 Curves]");
    rig_wait(&r, "Since ");
    rig_wait(&r, "nothing ended, no new alert.");
    rig_send(&r, "\007"); // no such key: only takes the message away
    rig_settle(&r, 0.5);
    rig_text(&r, true, &back);
    rig_same(str_text(&left), str_text(&back));
    rig_send(&r, "1");
    rig_wait(&r, "[1 Runs]");
    rig_settle(&r, 0.3);
    rig_text(&r, true, &back);
    assert_non_null(strstr(str_text(&back), "NAME"));
    rig_quit(&r);
    str_fini(&left);
    str_fini(&back);
}

static void a_form_that_was_not_finished_is_there_again(void **state)
{
    struct rig r;
    forget();
    begin(&r);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "a");
    rig_wait(&r, "attune train");
    rig_send(&r, ":edit steps 4321\r");
    rig_wait(&r, "--steps 4321");
    rig_send(&r, ":edit objective ipo\r");
    rig_wait(&r, "--objective ipo");
    rig_kill(&r, SIGHUP);
    assert_int_equal(rig_end(&r), 0);
    begin(&r);
    rig_wait(&r, "--objective ipo");
    rig_wait(&r, "--steps 4321");
    rig_quit(&r);
}

// An objective with fewer settings has fewer rows: the cursor stays on its own.
static void another_objective_leaves_the_cursor_on_the_form(void **state)
{
    struct rig r;
    forget();
    begin(&r);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":new ppo\r");
    rig_wait(&r, "--objective ppo");
    for (int i = 0; i < 8; i++)
        rig_send(&r, "\033[6~"); // a page down
    rig_wait(&r, "> grace");
    rig_send(&r, "q");
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":new sft\r");
    rig_wait(&r, "--objective sft");
    rig_wait(&r, "> grace");
    rig_send(&r, "k");
    rig_wait(&r, "> stop-early");
    rig_quit(&r);
}

// Kept as if two runs had lived then, one of them with nothing to say, and another were unknown.
static void on_return_one_line_says_what_happened(void **state)
{
    static const char kept[] = "{\"version\": 1, \"at_ms\": 1799990000000, \"page\": \"Log\", \"run\": \"rm-1\","
                               " \"runs\": {\"live\": [\"dpo-1\", \"rm-1\", \"kto-9\"], \"alerts\": {}, \"last_id\": 6}}";
    char *path = path_join(project, "console.json");
    struct rig r;
    assert_ok(file_write(path, kept, strlen(kept), e));
    begin(&r);
    rig_wait(&r, "[4 Log]");
    rig_wait(&r, "Since 05:13 (2 h ago): ");
    rig_quit(&r);
    free(path);
}

// The sample is another one, or the terminal larger: a text is never scrolled out of sight.
static void a_sample_is_not_scrolled_beyond_its_text(void **state)
{
    static const char kept[] = "{\"version\": 1, \"page\": \"Samples\", \"run\": \"dpo-1\", \"pages\": {\"Samples\":"
                               " {\"plain\": false, \"run\": \"dpo-1\", \"sample\": -1, \"scroll\": 900}}}";
    char *path = path_join(project, "console.json");
    struct rig r;
    assert_ok(file_write(path, kept, strlen(kept), e));
    begin(&r);
    rig_wait(&r, "[3 Samples]");
    rig_wait(&r, "Tell me about the fox by the river.");
    rig_quit(&r);
    free(path);
}

static void a_damaged_file_is_put_aside_and_said(void **state)
{
    static const char kept[] = "{\"version\": 1, \"page\": ";
    char *path = path_join(project, "console.json"), *aside = path_join(project, "console.json.damaged");
    struct rig r;
    char *bytes;
    size_t n_bytes;
    assert_ok(file_write(path, kept, strlen(kept), e));
    begin(&r);
    rig_wait(&r, "What the console kept of the last time is not used");
    rig_wait(&r, "> g dpo-next");
    rig_quit(&r);
    assert_ok(file_read(aside, 1000, &bytes, &n_bytes, e));
    assert_string_equal(bytes, kept);
    assert_true(file_exists(path)); // a new one
    free(bytes);
    remove(aside);
    free(path);
    free(aside);
}

static void a_member_of_another_kind_is_left_out_with_a_word(void **state)
{
    static const char kept[] = "{\"version\": 7, \"page\": \"Curves\", \"run\": [1], \"selected\": \"all\", \"news\": 4, "
                               "\"pages\": {\"Curves\": {\"smooth\": 44, \"full\": true, \"x\": -3}, \"Runs\": [], "
                               "\"None\": {}}}";
    char *path = path_join(project, "console.json");
    struct rig r;
    assert_ok(file_write(path, kept, strlen(kept), e));
    begin(&r);
    rig_wait(&r, "[2 Curves]");
    rig_wait(&r, "of the page Curves is not used, the rest is");
    rig_quit(&r);
    free(path);
}

static void leaving_by_q_q_comes_back_to_the_page(void **state)
{
    struct rig r;
    forget();
    begin(&r);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    begin(&r);
    rig_wait(&r, "[4 Log]");
    rig_quit(&r);
}

// Not only at the end: a machine that stops takes away a few seconds.
static void it_is_written_while_the_console_runs(void **state)
{
    char *path = path_join(project, "console.json");
    struct rig r;
    json_t *kept = NULL;
    forget();
    begin(&r);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    for (int i = 0; i < 300 && !file_exists(path); i++)
        rig_settle(&r, 0.1);
    rig_kill(&r, SIGKILL);
    assert_int_equal(rig_end(&r), -SIGKILL);
    assert_ok(json_read(path, 1 << 20, &kept, e));
    assert_string_equal(json_string_value(json_object_get(kept, "page")), "Log");
    json_decref(kept);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_run_selection_window_and_smoothing_are_there_again),
        cmocka_unit_test(a_form_that_was_not_finished_is_there_again),
        cmocka_unit_test(another_objective_leaves_the_cursor_on_the_form),
        cmocka_unit_test(on_return_one_line_says_what_happened),
        cmocka_unit_test(a_sample_is_not_scrolled_beyond_its_text),
        cmocka_unit_test(a_damaged_file_is_put_aside_and_said),
        cmocka_unit_test(a_member_of_another_kind_is_left_out_with_a_word),
        cmocka_unit_test(leaving_by_q_q_comes_back_to_the_page),
        cmocka_unit_test(it_is_written_while_the_console_runs),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
