// The list of runs as a person works with it: filters while they are typed, columns, groups, tags, the archive, the trash,
// and what is taken back; and / on every page.
#include "config.h"

#include <unistd.h>

#include "testing.h"

#include "store/run_edits.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static int set_up(void **state)
{
    project = fixture_project(60);
    return 0;
}

static void start(struct rig *r, int width, int height)
{
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = height});
    rig_wait(r, "> g dpo-next");
}

static void quit(struct rig *r)
{
    rig_send(r, "q");
    assert_int_equal(rig_end(r), 0);
}

static void gone(struct rig *r, const char *text)
{
    rig_wait_gone(r, text);
}

static void the_list_follows_a_filter_as_it_is_typed(void **state)
{
    struct rig r;
    start(&r, 80, 24);
    rig_send(&r, "\\");
    rig_wait(&r, "filter>");
    rig_send(&r, "objective=dpo");
    rig_wait(&r, "5 of 7");
    gone(&r, "sft-base");
    rig_send(&r, " loss<");
    rig_wait(&r, "at character 20: a value is missing after loss<");
    rig_send(&r, "0.6");
    rig_wait(&r, "3 of 7");
    gone(&r, "dpo-hot");
    rig_send(&r, "\033"); // as it was before
    rig_wait(&r, "sft-base");
    gone(&r, "of 7");
    rig_send(&r, "\\state:live -paused\r");
    rig_wait(&r, "1 of 7");
    rig_wait(&r, "> c dpo-wide-beta");
    rig_send(&r, ":filter lss>0\r");
    rig_wait(&r, "no run has lss; did you mean loss");
    rig_wait(&r, "No run passes the filter.");
    rig_send(&r, ":filter (\r");
    rig_wait(&r, "the filter, at character 2: a word or FIELD=VALUE is missing at the end");
    rig_send(&r, "\\\025\r"); // emptied
    rig_wait(&r, "sft-base");
    gone(&r, "No run passes");
    quit(&r);
}

static void columns_are_chosen_and_groups_have_means(void **state)
{
    struct rig r;
    start(&r, 80, 24);
    rig_send(&r, ":columns objective,beta,loss,margin@max,kl@trend\r");
    rig_wait(&r, "MARGIN MAX");
    rig_send(&r, ":sort beta\r");
    rig_wait(&r, "sort beta+");
    rig_send(&r, "B");
    rig_wait(&r, "group by>");
    rig_send(&r, "objective\r");
    rig_wait(&r, "objective dpo  n=5");
    rig_wait(&r, "standard deviation");
    rig_expect(&r, "runs-groups-80x24.txt", false, "1.919");
    rig_resize(&r, 200, 50);
    rig_expect(&r, "runs-groups-200x50.txt", false, "objective sft");
    rig_send(&r, ":group\r\025\r");
    gone(&r, "standard deviation");
    rig_send(&r, ":columns usual\r");
    rig_wait(&r, "STATE");
    quit(&r);
}

static void the_chooser_shows_and_hides_columns(void **state)
{
    struct rig r;
    start(&r, 120, 24);
    rig_send(&r, "f");
    rig_wait(&r, "type to narrow>");
    rig_send(&r, "beta");
    rig_wait(&r, "setting");
    rig_send(&r, " ");
    rig_send(&r, "\177\177\177\177" "rewards/chosen");
    rig_wait(&r, "No run has a field of that name."); // dpo-next has no metrics yet
    rig_send(&r, "\033");
    gone(&r, "type to narrow>");
    rig_send(&r, ":open dpo-1\rqf");
    rig_wait(&r, "type to narrow>");
    rig_send(&r, "rewards/ch\033[C "); // the course of it is two further on
    rig_wait(&r, "best");
    rig_send(&r, "\r");
    rig_wait(&r, "CHOSEN BEST");
    rig_resize(&r, 60, 24);
    rig_wait(&r, "not fit");
    rig_send(&r, "f\022"); // Ctrl-r: the usual ones
    gone(&r, "CHOSEN BEST");
    quit(&r);
}

static void words_of_people_are_kept_and_taken_back(void **state)
{
    struct rig r;
    struct store *s;
    struct run_info run;
    start(&r, 80, 24);
    rig_send(&r, ":open dpo-1\rqm");
    rig_wait(&r, "tags of dpo-1 (+add -remove)>");
    rig_send(&r, "+hh sweep\r");
    rig_wait(&r, "hh,sweep");
    rig_send(&r, "Mgood margins\r");
    rig_wait(&r, "good margins");
    rig_send(&r, "P");
    rig_wait(&r, "> bP dpo-1");
    rig_send(&r, "\033OQdpo-one\r"); // F2
    rig_wait(&r, "> bP dpo-one");
    rig_send(&r, ":filter tag=hh\r");
    rig_wait(&r, "1 of 7");
    rig_send(&r, ":filter\r\025\r");
    rig_wait(&r, "sft-base");
    assert_ok(store_open(&s, project, false, e));
    assert_ok(store_find_run(s, "dpo-one", &run, e));
    assert_string_equal(run.tags, "hh,sweep");
    assert_string_equal(run.note, "good margins");
    assert_true(run.pinned);
    run_info_fini(&run);
    rig_send(&r, "u");
    rig_wait(&r, "Taken back: dpo-one is named dpo-1.");
    rig_send(&r, "U");
    rig_wait(&r, "Done again: dpo-1 is named dpo-one.");
    rig_send(&r, "uuuu");
    rig_wait(&r, "Taken back: dpo-1 has no tags.");
    rig_send(&r, "u");
    rig_wait(&r, "there is no change of a run to undo");
    store_close(s);
    quit(&r);
}

static void the_archive_and_the_trash(void **state)
{
    struct rig r;
    char *kept = path_join(project, "runs/dpo-hot"), *thrown = path_join(project, "trash/dpo-hot");
    start(&r, 80, 24);
    rig_send(&r, ":open rm-1\rqA");
    rig_wait(&r, "in the archive; V shows it");
    gone(&r, "f rm-1");
    rig_send(&r, "V");
    rig_wait(&r, "> f rm-1");
    rig_wait(&r, "archive");
    rig_send(&r, "A");
    rig_wait(&r, "The archive is empty.");
    rig_send(&r, "V");
    rig_wait(&r, "dpo-wide-beta");
    rig_send(&r, ":open dpo-wide-beta\rqD");
    rig_wait(&r, "dpo-wide-beta is running: stop it first");
    rig_send(&r, ":open dpo-hot\rqD");
    rig_wait(&r, "type dpo-hot to remove it, ");
    rig_send(&r, "dpo\r");
    rig_wait(&r, "\"dpo\" is not dpo-hot: nothing was removed");
    rig_send(&r, "D");
    rig_wait(&r, "type dpo-hot to remove it, ");
    rig_send(&r, "dpo-hot\r");
    rig_wait(&r, "in the trash");
    assert_true(file_is_dir(thrown));
    assert_false(file_exists(kept));
    rig_send(&r, "u");
    rig_wait(&r, "Taken back: dpo-hot is out of the trash.");
    assert_true(file_is_dir(kept));
    rig_send(&r, " :open sft-base\rq D");
    rig_wait(&r, "type 2 to remove so many runs, ");
    rig_send(&r, "\033");
    gone(&r, "type 2 to");
    rig_send(&r, "*");
    free(kept);
    free(thrown);
    quit(&r);
}

static void find_goes_through_every_list(void **state)
{
    struct rig r;
    start(&r, 80, 24);
    rig_send(&r, "/b"); // the cursor follows
    rig_wait(&r, "> c dpo-wide-beta");
    rig_send(&r, "\033");
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "/dpo\r");
    rig_wait(&r, "1 of 5 that match dpo");
    rig_send(&r, "n");
    rig_wait(&r, "> e dpo-hot");
    rig_send(&r, "N");
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "/loss>1e9\r");
    rig_wait(&r, "Nothing here matches loss>1e9");
    rig_send(&r, ":open dpo-1\r/rewards/mar\r");
    rig_wait(&r, "that match rewards/mar");
    rig_send(&r, "3/river\r");
    rig_wait(&r, "that match river");
    rig_send(&r, "/reward>2\r");
    rig_wait(&r, "that match reward>2");
    rig_send(&r, "4/checkpoint\r");
    rig_wait(&r, "that match checkpoint");
    rig_send(&r, "?/snapshot\r");
    rig_wait(&r, "1 with \"snapshot\"");
    rig_send(&r, "qq/nosuchthing\r"); // the first q shows all of the help again
    rig_wait(&r, "Nothing here matches nosuchthing");
    rig_send(&r, "q");
    quit(&r);
}

// The clock of the machine is set back and forth by six hours between two visits: runs stay in the order in which they were
// begun, none is younger than nothing, and what was computed with ages follows the clock.
static void a_clock_that_jumps_leaves_the_list_as_it_is_q21(void **state)
{
    static const struct {
        const char *clock, *filter;
    } visits[] = {{"1799978400", ":filter age>=0 age<60\r"},
                  {"1800021600", ":filter age>20000\r"},
                  {"1799978400", ":filter age<60\r"}};
    struct rig r;
    for (size_t i = 0; i < sizeof visits / sizeof *visits; i++) {
        rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 24, .clock = visits[i].clock});
        rig_wait(&r, "> g dpo-next");
        rig_send(&r, visits[i].filter);
        rig_wait(&r, "7 of 7");
        rig_wait(&r, "> g dpo-next");
        rig_send(&r, ":filter age<0\r");
        rig_wait(&r, "0 of 7");
        quit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_follows_a_filter_as_it_is_typed),
        cmocka_unit_test(columns_are_chosen_and_groups_have_means),
        cmocka_unit_test(the_chooser_shows_and_hides_columns),
        cmocka_unit_test(words_of_people_are_kept_and_taken_back),
        cmocka_unit_test(the_archive_and_the_trash),
        cmocka_unit_test(find_goes_through_every_list),
        cmocka_unit_test(a_clock_that_jumps_leaves_the_list_as_it_is_q21),
    };
    return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
