// The palette, the help that is the same table, and a person's own keys.
#include "config.h"

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"

static void begin(struct rig *r, const char *keys)
{
    rig_start(r, &(struct rig_options){.project = project, .width = 80, .height = 24, .keys = keys});
    rig_wait(r, "> g dpo-next");
}

static void arguments_are_completed(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_send(&r, ":open po-1");
    rig_wait(&r, "open RUN");
    rig_send(&r, "\t");
    rig_wait(&r, ":open dpo-1");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, ":metric marg\t");
    rig_wait(&r, ":metric rewards/margins");
    rig_send(&r, "\025colors d\t\r"); // Ctrl-u empties the line
    rig_wait_gone(&r, ":colors");
    rig_send(&r, "1");
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":sort acu\t");
    rig_wait(&r, ":sort accuracy");
    rig_quit(&r);
}

static void files_are_completed_by_tab(void **state)
{
    struct rig r;
    struct str keys = {0};
    begin(&r, NULL);
    str_addf(&keys, ":snapshot %s/attu", project);
    rig_send(&r, str_text(&keys));
    rig_send(&r, "\t");
    rig_wait(&r, "attune.db");
    rig_quit(&r);
    str_fini(&keys);
}

static void a_number_alone_goes_there(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_send(&r, ":6\r");
    rig_wait(&r, "> b dpo-1");
    rig_send(&r, ":999\r");
    rig_wait(&r, "> a sft-base");
    rig_send(&r, ":go 0\r");
    rig_wait(&r, "go: 0 is no line");
    rig_send(&r, ":6\r");
    rig_wait(&r, "> b dpo-1");
    rig_send(&r, "2");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, ":1000\r");
    rig_wait(&r, "╎"); // the cursor
    rig_quit(&r);
}

static void lines_come_back_by_ctrl_r(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_send(&r, ":sort loss\r");
    rig_wait_gone(&r, ":sort");
    rig_send(&r, ":sort name\r");
    rig_wait_gone(&r, ":sort");
    rig_send(&r, ":\022");
    rig_wait(&r, ":sort name");
    rig_send(&r, "\022");
    rig_wait(&r, ":sort loss");
    rig_send(&r, "\016");
    rig_wait(&r, ":sort name");
    rig_quit(&r);
}

static void help_finds_and_runs_commands(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_send(&r, "2");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "?");
    rig_wait(&r, "Keys and commands of the curves");
    rig_send(&r, "/log sc\r");
    rig_wait(&r, "1 with \"log sc\"");
    rig_wait(&r, "y-scale");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    rig_wait(&r, "log");
    rig_send(&r, "?/glyphs\r");
    rig_wait(&r, "with \"glyphs\"");
    rig_send(&r, "\r"); // it must be told which: the prompt asks
    rig_wait(&r, ":glyphs");
    rig_wait(&r, "braille|block|ascii");
    rig_send(&r, "as\t\r");
    rig_wait_gone(&r, ":glyphs");
    rig_wait(&r, "+--");
    rig_quit(&r);
}

// Keys are answers while they are asked for, and do nothing else.
static void keys_are_taught(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_send(&r, ":teach\r");
    rig_wait(&r, "which one is \"open\"? Open a run's curves");
    rig_send(&r, "\r");
    rig_wait(&r, "Right.  Key 2 of");
    rig_wait(&r, "\"select\"?");
    rig_send(&r, "a");
    rig_wait(&r, "No: a is \"new\"; select is Space.");
    rig_wait(&r, "\"new\"?");
    rig_send(&r, "a");
    rig_wait(&r, "Right.  Key 4 of");
    assert_true(rig_shows(&r, "[1 Runs]")); // no run was opened, no form either
    rig_send(&r, "\033");
    rig_wait(&r, "2 of 3 keys at once.");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    rig_quit(&r);
}

static void keys_of_ones_own_work_and_are_shown(void **state)
{
    static const char keys[] = "# mine\n[everywhere]\nhelp = Ctrl-g ?\n[runs]\nstop = X\nselect = i Space # as mine\n";
    char *path = path_join(project, "keys.conf");
    struct rig r;
    assert_ok(file_write(path, keys, strlen(keys), e));
    begin(&r, path);
    rig_wait(&r, "i select");
    rig_send(&r, "\007");
    rig_wait(&r, "Keys and commands of the list of runs");
    rig_wait(&r, "i Space");
    rig_quit(&r);
    free(path);
}

static void a_wrong_line_is_named_and_changes_nothing(void **state)
{
    static const char keys[] = "[runs]\nselect = i\nstop = a\n";
    char *path = path_join(project, "keys.conf");
    struct rig r;
    assert_ok(file_write(path, keys, strlen(keys), e));
    begin(&r, path);
    rig_wait(&r, "Until then");
    rig_wait(&r, "the key a of stop");
    rig_wait(&r, "Space select");
    rig_quit(&r);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_completed),
        cmocka_unit_test(files_are_completed_by_tab),
        cmocka_unit_test(a_number_alone_goes_there),
        cmocka_unit_test(lines_come_back_by_ctrl_r),
        cmocka_unit_test(help_finds_and_runs_commands),
        cmocka_unit_test(keys_are_taught),
        cmocka_unit_test(keys_of_ones_own_work_and_are_shown),
        cmocka_unit_test(a_wrong_line_is_named_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
