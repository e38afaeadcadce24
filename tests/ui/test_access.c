// How one may be at the console: only reading, without the line of keys, from an alert to its line.
#include "config.h"

#include <math.h>
#include <signal.h>
#include <sys/stat.h>

#include "testing.h"

#include "base/file.h"
#include "base/json.h"
#include "ui/fixture.h"
#include "ui/rig.h"

// Names and bytes of all that the project holds; what SQLite makes beside a database that is read (-shm, an empty
// -wal) is no content.
static char *contents(void)
{
    char line[256];
    struct str command = {0}, all = {0};
    str_addf(&command,
             "cd '%s' && find . ! -name '*-shm' -type f \\( ! -name '*-wal' -o -size +0 \\) -print0 | LC_ALL=C sort -z "
             "| xargs -0 cksum",
             project);
    FILE *f = popen(str_text(&command), "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        str_add(&all, line);
    assert_int_equal(pclose(f), 0);
    str_fini(&command);
    assert_true(all.len > 0);
    return str_take(&all);
}

static void reading_changes_no_byte_and_says_why(void **state)
{
    static const char *const lines[] = {":tag +x\r",   ":note x\r",   ":pin\r",         ":archive\r",
                                        ":undo\r",     ":pause\r",    ":set lr 1e-5\r", ":resume\r",
                                        ":rename x\r", ":remove x\r", ":checkpoint\r",  ":stop\r"};
    const char *args[] = {"--read-only", NULL};
    char *before = contents();
    struct rig r;
    rig_start(
        &r, &(struct rig_options){.project = project, .width = 120, .height = 30, .keeps_session = true, .args = args});
    rig_wait(&r, "read-only");
    rig_wait(&r, "> g dpo-next");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        rig_send(&r, lines[i]);
        rig_wait(&r, "this console only reads it");
        rig_send(&r, "\033");
        rig_wait_gone(&r, "this console only reads it");
    }
    struct str write = {0};
    str_addf(&write, ":snapshot %s/screen.txt\r", project);
    rig_send(&r, str_text(&write));
    rig_wait(&r, "name one elsewhere");
    rig_send(&r, "2");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    rig_quit(&r);
    char *after = contents();
    assert_string_equal(before, after);
    free(before);
    free(after);
    str_fini(&write);
}

// Also where the project is only read: this is the person's.
static void lines_and_errors_are_kept_beside_the_project(void **state)
{
    const char *args[] = {"--read-only", NULL};
    char folder[] = "/tmp/attune-state-XXXXXX", *bytes = NULL;
    size_t n = 0;
    assert_non_null(mkdtemp(folder));
    struct rig_options options = {
        .project = project, .width = 100, .height = 30, .keeps_session = true, .state = folder, .args = args};
    struct rig r;
    rig_start(&r, &options);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":sort loss\r");
    rig_settle(&r, 0.3);
    rig_send(&r, ":tag +x\r");
    rig_wait(&r, "this console only reads it");
    rig_quit(&r);
    char *history = path_join(folder, "attune/history"), *log = path_join(folder, "attune/console.log");
    assert_ok(file_read(history, 1000, &bytes, &n, e));
    assert_string_equal(bytes, "sort loss\ntag +x\n");
    free(bytes);
    assert_ok(file_read(log, 10000, &bytes, &n, e));
    assert_non_null(strstr(bytes, project));
    assert_non_null(strstr(bytes, ": tag changes the project"));
    free(bytes);
    rig_start(&r, &options);
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":\022"); // Ctrl-r: an earlier line
    rig_wait(&r, ":tag +x");
    rig_quit(&r);
    assert_ok(file_remove_tree(folder, e));
    free(history);
    free(log);
}

static void the_hint_line_goes_and_stays_away(void **state)
{
    struct rig r;
    const struct rig_options options = {.project = project, .width = 100, .height = 30, .keeps_session = true};
    rig_start(&r, &options);
    rig_wait(&r, "q quit");
    rig_send(&r, ":hints off\r");
    rig_wait_gone(&r, "q quit");
    rig_send(&r, ":hints perhaps\r");
    rig_wait(&r, "hints: on or off, not perhaps");
    rig_quit(&r);
    rig_start(&r, &options);
    rig_wait(&r, "> g dpo-next");
    rig_settle(&r, 0.3);
    assert_false(rig_shows(&r, "q quit"));
    rig_send(&r, ":hints on\r");
    rig_wait(&r, "q quit");
    rig_quit(&r);
}

static void a_key_leads_from_an_alert_to_its_line(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30});
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "!");
    rig_wait(&r, "dpo-next has no alert");
    rig_send(&r, "j"); // the dead run
    rig_wait(&r, "> f");
    rig_send(&r, "!");
    rig_wait(&r, "[4 Log]");
    rig_wait(&r, "is gone without a word");
    rig_settle(&r, 0.5);
    struct str text = {0};
    rig_text(&r, false, &text);
    const char *at = strstr(str_text(&text), "\n>");
    assert_non_null(at);
    assert_non_null(strstr(at, "is gone without a word"));
    str_fini(&text);
    rig_quit(&r);
}

static void top_is_drawn_over_itself_until_q(void **state)
{
    const char *args[] = {"top", "--every", "0.2", NULL};
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30, .args = args});
    rig_wait(&r, "processors");
    rig_wait(&r, "No run lives on this machine"); // its /proc has no processes
    rig_wait(&r, "q ends");
    const size_t before = r.bytes;
    for (int i = 0; i < 50 && r.bytes < before + 200; i++)
        rig_read(&r, 0.2);
    assert_true(r.bytes >= before + 200); // again, without a key
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
}

// What is wrong with a run that lives is told to the program, and that the program failed is said.
static void a_program_is_called_for_an_alert(void **state)
{
    struct run_writer *w[1];
    char *online = fixture_live(1, 50, w);
    char *bell = path_join(online, "bell"), *rung = path_join(online, "rung");
    struct str script = {0};
    str_addf(&script, "#!/bin/sh\ncat >'%s.tmp'\nmv '%s.tmp' '%s'\nexit 3\n", rung, rung, rung);
    assert_ok(file_write(bell, str_text(&script), script.len, e));
    assert_int_equal(chmod(bell, 0700), 0);
    const char *args[] = {"--fresh", "--on-alert", bell, NULL};
    struct rig r;
    json_t *told = NULL;
    rig_start(&r, &(struct rig_options){.project = online, .width = 100, .height = 30, .args = args});
    rig_wait(&r, "live-1");
    rig_settle(&r, 0.5);
    assert_false(file_exists(rung));
    assert_ok(run_writer_begin(w[0], e));
    assert_ok(run_writer_metric(w[0], "loss", 51, NAN, e));
    assert_ok(run_writer_commit(w[0], e));
    rig_wait(&r, "ended with status 3");
    rig_quit(&r);
    assert_ok(json_read(rung, 10000, &told, e));
    assert_string_equal(json_string_value(json_object_get(told, "run")), "live-1");
    assert_string_equal(json_string_value(json_object_get(told, "alert")), "nonfinite");
    assert_true(json_string_length(json_object_get(told, "text")) > 0);
    assert_string_equal(json_string_value(json_object_get(told, "project")), online);
    json_decref(told);
    run_writer_close(w[0]);
    assert_ok(file_remove_tree(online, e));
    str_fini(&script);
    free(bell);
    free(rung);
    free(online);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_changes_no_byte_and_says_why),
        cmocka_unit_test(lines_and_errors_are_kept_beside_the_project),
        cmocka_unit_test(the_hint_line_goes_and_stays_away),
        cmocka_unit_test(a_key_leads_from_an_alert_to_its_line),
        cmocka_unit_test(a_program_is_called_for_an_alert),
        cmocka_unit_test(top_is_drawn_over_itself_until_q),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
