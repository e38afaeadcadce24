// What somebody meets who does not know the console yet: keys that have nothing to do say so, digits turn pages where
// nothing is there to be judged, and what an engine printed for a terminal is shown as it was meant.
#include "config.h"

#include <sys/stat.h>

#include "testing.h"

#include "base/clock.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static void begin(struct rig *r, int width, int height)
{
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = height});
    rig_wait(r, "> g dpo-next");
}

static void digits_turn_pages_where_nothing_is_judged(void **state)
{
    struct rig r;
    begin(&r, 80, 24);
    rig_send(&r, "5");
    rig_wait(&r, "[5 Compare]");
    rig_send(&r, "8");
    rig_wait(&r, "8 (vote) has nothing to do here just now");
    rig_wait(&r, "1-7 pages");
    rig_send(&r, "r");
    rig_wait(&r, "No model is here yet");
    rig_send(&r, "6");
    rig_wait(&r, "[6 Label]");
    rig_wait(&r, "1-7 pages");
    rig_send(&r, "9");
    rig_wait(&r, "9 (cannot judge) has nothing to do here just now");
    rig_send(&r, "e");
    rig_wait(&r, "No pair is here");
    rig_send(&r, "7");
    rig_wait(&r, "[7 Data]");
    rig_send(&r, "6");
    rig_wait(&r, "[6 Label]");
    rig_send(&r, "5");
    rig_wait(&r, "[5 Compare]");
    rig_send(&r, "1");
    rig_wait(&r, "[1 Runs]");
    rig_quit(&r);
}

static void a_vote_that_cannot_be_turns_no_page(void **state)
{
    struct rig r;
    struct str line = {0};
    char *model = test_source("share/attune/models/demo");
    begin(&r, 80, 24);
    rig_send(&r, "5");
    rig_wait(&r, "[5 Compare]");
    str_addf(&line, "compare %s %s", model, model);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "B demo");
    rig_command(&r, "ask Once upon a time"); // from here on a digit is a vote, whether they have answered or not
    rig_send(&r, "1");
    for (int i = 0; i < 300 && !rig_shows(&r, "Vote when both") && !rig_shows(&r, "the same text"); i++)
        rig_read(&r, 0.1);
    assert_true(rig_shows(&r, "Vote when both") || rig_shows(&r, "the same text"));
    assert_true(rig_shows(&r, "[5 Compare]"));
    rig_quit(&r);
    str_fini(&line);
    free(model);
}

static void a_key_without_work_says_so(void **state)
{
    struct rig r;
    begin(&r, 100, 30);
    rig_send(&r, "h");
    rig_wait(&r, "h (left) has nothing to do here just now");
    rig_send(&r, "y");
    rig_wait(&r, "y does nothing on this page");
    rig_send(&r, "k");
    rig_wait(&r, "k (up): there is nothing more above");
    rig_send(&r, "\t");
    rig_wait(&r, "Tab (next) has nothing to do here just now");
    rig_send(&r, "3"); // of a run that has not begun
    rig_wait(&r, "[3 Samples]");
    rig_send(&r, "y");
    rig_wait(&r, "y does nothing on this page");
    rig_send(&r, "\033[6~");
    rig_wait(&r, "PgDn (page down): there is nothing more below");
    rig_send(&r, "t");
    rig_wait(&r, "Rewards of tokens are hidden where there are some");
    rig_send(&r, "4k");
    rig_wait(&r, "k (up): there is nothing more above");
    rig_send(&r, "W");
    rig_wait(&r, "Long lines are cut at the edge.");
    rig_send(&r, "2|");
    rig_wait(&r, "Guides: lines.");
    rig_send(&r, ".");
    rig_wait(&r, "The chart has no points yet that a cursor could read.");
    rig_send(&r, "0");
    rig_wait(&r, "0 (whole run) has nothing to do here just now");
    rig_quit(&r);
}

// The styles of the line that holds the text, as rig_text has them behind it.
static char *styles_of(struct rig *r, const char *text)
{
    struct str shown = {0};
    rig_text(r, true, &shown);
    const char *at = strstr(str_text(&shown), text);
    assert_non_null(at);
    at = strchr(at, '\n') + 1;
    size_t n = 0;
    while (at[n] == '\t')
        n += strcspn(at + n, "\n") + 1;
    char *styles = strndup(at, n);
    str_fini(&shown);
    return styles;
}

static void what_an_engine_printed_has_its_colours(void **state)
{
    static const char printed[] = "plain line\n"
                                  "\033[1;31mfailed\033[0m here, \033[32mwell\033[39m there\n"
                                  "\033[4munder\033[24m and \033[38;5;208mfar\033[m\n"
                                  " 10%|#   |\r 50%|##  |\r\033[K100%|####|\n"
                                  "a \033[2J sequence of others\r\n";
    struct rig r;
    char *path = path_join(project, "runs/dpo-next/engine.log"), *styles;
    assert_ok(file_write(path, printed, strlen(printed), e));
    begin(&r, 80, 24);
    rig_send(&r, "4vv");
    rig_wait(&r, "own output");
    rig_wait(&r, "failed here, well there"); // no sign of a sequence between the words
    rig_wait(&r, "under and far");
    rig_wait(&r, " 100%|####|");
    assert_false(rig_shows(&r, "50%"));
    assert_false(rig_shows(&r, "[K"));
    rig_wait(&r, "[2J sequence of others"); // shown, and not obeyed
    styles = styles_of(&r, "failed here");
    assert_true(text_starts(styles, "\t1-6 fg") && strstr(styles, "bold") && strstr(styles, "\t14-17 fg"));
    assert_null(strchr(strchr(strchr(styles, '\n') + 1, '\n') + 1, '\t')); // these two alone
    free(styles);
    styles = styles_of(&r, "under and far");
    assert_true(text_starts(styles, "\t1-5 underline") && !strchr(styles, 'f'));
    free(styles);
    rig_send(&r, "/well there\r"); // found across what was a sequence
    rig_wait(&r, ">failed here");
    rig_quit(&r);
    free(path);
}

// On one line of the screen.
static bool line_has(struct rig *r, const char *first, const char *second)
{
    struct str shown = {0};
    rig_text(r, false, &shown);
    const char *at = strstr(str_text(&shown), first), *then = at ? strstr(at, second) : NULL;
    const bool has = then && then < strchr(at, '\n');
    str_fini(&shown);
    return has;
}

// Checking a run takes the engine seconds with a large model; meanwhile the console says so and goes on.
static void a_run_is_checked_beside_the_console(void **state)
{
    struct rig r;
    struct str script = {0}, line = {0};
    char *wrapper = path_join(project, "slow-engine"), *engine = test_build("attune-engine"),
         *model = test_source("share/attune/models/demo"), *data = path_join(project, "few.jsonl");
    static const char row[] = "{\"prompt\": \"Say\", \"chosen\": \" a\", \"rejected\": \" b\"}\n";
    struct str rows = {0};
    for (int i = 0; i < 40; i++)
        str_add(&rows, row);
    assert_ok(file_write(data, str_text(&rows), rows.len, e));
    str_addf(&script, "#!/bin/sh\n[ \"$1\" != check ] || sleep 3\nexec '%s' \"$@\"\n", engine);
    assert_ok(file_write(wrapper, str_text(&script), script.len, e));
    assert_int_equal(chmod(wrapper, 0755), 0);
    setenv("ATTUNE_ENGINE", wrapper, 1);
    begin(&r, 80, 24);
    rig_send(&r, "a");
    rig_wait(&r, "must be given");
    rig_send(&r, model); // typed from the root on, where the cursor is: no field is looked for
    rig_send(&r, "\r");
    rig_wait_gone(&r, "find a field");
    str_addf(&line, "edit data %s", data);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "few.jsonl");
    rig_command(&r, "edit label-smooth 0.1");
    rig_wait(&r, "no setting label-smooth here. Near it: label-smoothing");
    rig_command(&r, "edit steps 2");
    rig_wait(&r, "> steps");
    rig_command(&r, "launch");
    rig_wait(&r, "Checking model, data and memory");
    rig_send(&r, "\033[A"); // served meanwhile
    rig_wait_gone(&r, "> steps");
    assert_true(rig_shows(&r, "[New run]"));
    rig_command(&r, "launch");
    rig_wait(&r, "still being checked");
    rig_wait(&r, "[1 Runs]");
    rig_wait(&r, "dpo-3");
    assert_false(rig_shows(&r, "dpo-4")); // once
    for (int i = 0; i < 300 && !line_has(&r, "dpo-3 ", " done "); i++) // its folder is removed behind it
        rig_read(&r, 0.1);
    assert_true(line_has(&r, "dpo-3 ", " done "));
    rig_quit(&r);
    unsetenv("ATTUNE_ENGINE");
    str_fini(&script);
    str_fini(&line);
    str_fini(&rows);
    free(wrapper);
    free(engine);
    free(model);
    free(data);
}

// Each letter that is typed behind / goes through all lines once, and not for each of them again.
static void a_long_output_is_searched_while_one_types(void **state)
{
    enum { N = 32000 };
    struct rig r;
    struct str printed = {0};
    char *path = path_join(project, "runs/dpo-next/engine.log");
    for (int i = 0; i < N; i++)
        str_add(&printed, "a\n");
    str_add(&printed, "needle here\nb\nneedle there\n");
    assert_ok(file_write(path, str_text(&printed), printed.len, e));
    begin(&r, 80, 24);
    rig_send(&r, "4vv");
    rig_wait(&r, "needle there");
    for (const char *c = "/needle th"; *c; c++)
        rig_send(&r, (char[]){*c, 0});
    rig_send(&r, "\r");
    rig_wait(&r, "1 of 1 that match needle th");
    rig_wait(&r, ">needle there");
    rig_send(&r, "/\025needle\r"); // from there on, round the end
    rig_wait(&r, "2 of 2 that match needle");
    rig_send(&r, "N");
    rig_wait(&r, ">needle here");
    rig_quit(&r);
    str_fini(&printed);
    free(path);
}

// Esc gives the whole of a line back, however long it is.
static void a_long_value_is_as_before_after_esc(void **state)
{
    enum { N = 2000 };
    struct rig r;
    struct str path = {0}, line = {0};
    char *copy = path_join(project, "copy.txt"), *text = NULL;
    size_t n = 0;
    str_add(&path, "/data/");
    while (path.len < N)
        str_add(&path, "long-");
    begin(&r, 80, 24);
    rig_send(&r, "a");
    rig_wait(&r, "must be given");
    str_addf(&line, "edit data %s", str_text(&path));
    rig_command(&r, str_text(&line));
    rig_wait(&r, "> data");
    rig_send(&r, "\rx\033");
    str_clear(&line);
    str_addf(&line, "copy-text %s", copy);
    rig_settle(&r, 0.3); // Esc is a key when nothing follows it
    rig_command(&r, str_text(&line));
    rig_wait(&r, "bytes are in");
    assert_ok(file_read(copy, 1 << 20, &text, &n, e));
    const char *at = strstr(text, str_text(&path));
    assert_non_null(at);
    assert_int_not_equal(at[path.len], 'x');
    rig_quit(&r);
    free(text);
    free(copy);
    str_fini(&path);
    str_fini(&line);
}

static void a_sweeps_parts_are_told_apart_in_a_narrow_list(void **state)
{
    static const char *const names[] = {"preferences-sweep-1.beta-0.05", "preferences-sweep-1.beta-0.5"};
    struct rig r;
    struct store *s;
    char *name;
    assert_ok(store_open(&s, project, false, e));
    for (int i = 0; i < 2; i++) {
        json_t *settings = json_pack("{s:f}", "beta", 0.05);
        assert_ok(store_add_run(s, names[i], "dpo", "m", "d", settings, &name, e));
        json_decref(settings);
        free(name);
    }
    store_close(s);
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "beta-0.05 ");
    rig_wait(&r, "beta-0.5 ");
    rig_quit(&r);
}

// The cursor stays with its recipe while another one comes before it; one that is gone is not another one's start.
static void a_recipe_stays_chosen_while_the_list_changes(void **state)
{
    struct rig r;
    static const char recipe[] = "# One stage.\n[a]\nobjective = sft\nmodel = $model\ndata = $data\n";
    char *folder = path_join(project, "recipes"), *first = path_join(folder, "aaa.conf"),
         *mine = path_join(folder, "mmm.conf");
    assert_ok(file_make_dirs(folder, e));
    assert_ok(file_write(mine, recipe, strlen(recipe), e));
    begin(&r, 80, 24);
    rig_send(&r, "R");
    rig_wait(&r, "[Recipes]");
    rig_command(&r, "find mmm");
    rig_wait(&r, "> mmm");
    assert_ok(file_write(first, recipe, strlen(recipe), e));
    rig_send(&r, "C"); // its copy is refused, and the list is read again
    rig_wait(&r, "aaa");
    assert_true(rig_shows(&r, "> mmm"));
    rig_send(&r, "s"); // a start that is refused leaves what was typed for the next one
    rig_wait(&r, "> model= data=");
    rig_send(&r, "nowhere\005nothing\r");
    rig_wait(&r, "there is no file or folder"); // nowhere; the line may be wrapped before it
    assert_true(rig_shows(&r, "[Recipes]"));
    rig_send(&r, "s");
    rig_wait(&r, "> model=nowhere data=nothing");
    rig_send(&r, "\033");
    rig_wait_gone(&r, "start with");
    assert_ok(file_remove_tree(mine, e));
    rig_send(&r, "C");
    rig_wait(&r, "The recipe mmm is gone");
    rig_quit(&r);
    free(folder);
    free(first);
    free(mine);
}

// The names of a recipe's inputs and the paths behind them are completed; one that is missing is named before anything is
// started.
static void a_recipe_asks_for_its_inputs(void **state)
{
    static const char recipe[] = "# One stage.\n[a]\nobjective = sft\nmodel = $model\ndata = $data\n";
    struct rig r;
    struct str typed = {0};
    char *folder = path_join(project, "recipes"), *mine = path_join(folder, "mine.conf"),
         *data = path_join(project, "sole.jsonl");
    assert_ok(file_make_dirs(folder, e));
    assert_ok(file_write(mine, recipe, strlen(recipe), e));
    assert_ok(file_write(data, "{}\n", 3, e));
    begin(&r, 200, 30);
    rig_send(&r, "R");
    rig_wait(&r, "[Recipes]");
    rig_command(&r, "find mine");
    rig_wait(&r, "> mine");
    rig_send(&r, "s");
    rig_wait(&r, "> model= data=");
    str_addf(&typed, "%s/so\t", project);
    rig_send(&r, str_text(&typed));
    rig_wait(&r, "sole.jsonl data=");
    rig_send(&r, "\r");
    rig_wait(&r, "start: the recipe needs data: s asks again, and data=... gives it");
    rig_send(&r, ":start da\t");
    rig_wait(&r, ":start data=");
    rig_send(&r, str_text(&typed));
    rig_wait(&r, "sole.jsonl");
    rig_send(&r, " \t"); // what is left
    rig_wait(&r, "sole.jsonl model=");
    rig_quit(&r);
    str_fini(&typed);
    free(folder);
    free(mine);
    free(data);
}

// Tab goes on with a path, or with a word that the command knows, as behind ":".
static void tab_completes_answers(void **state)
{
    struct rig r;
    struct str line = {0};
    static const char *const names[] = {"few-1.jsonl", "few-2.jsonl", "sole.jsonl"};
    for (int i = 0; i < 3; i++) {
        char *path = path_join(project, names[i]);
        assert_ok(file_write(path, "{}\n", 3, e));
        free(path);
    }
    begin(&r, 80, 24);
    rig_send(&r, "6O");
    rig_wait(&r, "pairs of which run, set or file>");
    str_addf(&line, "%s/f\t", project);
    rig_send(&r, str_text(&line));
    rig_wait(&r, "/few-"); // what both begin with
    rig_send(&r, "\t");
    rig_wait(&r, "2 to choose from");
    rig_wait(&r, "/few-2.jsonl");
    rig_send(&r, "2");
    rig_wait_gone(&r, "2 to choose from");
    rig_send(&r, "\t");
    rig_wait(&r, "/few-2.jsonl");
    rig_send(&r, "\033");
    rig_wait_gone(&r, "pairs of which");
    rig_send(&r, "1o");
    rig_wait(&r, "sort by");
    rig_send(&r, "marg\t");
    rig_wait(&r, "> margin");
    rig_send(&r, "\033");
    rig_wait_gone(&r, "sort by");
    rig_quit(&r);
    str_fini(&line);
}

// At 80x24 it is longer than the screen: it is scrolled, and its command is copied as one line.
static void a_dry_run_is_read_and_copied_whole(void **state)
{
    struct rig r;
    struct str line = {0};
    char *engine = test_build("attune-engine"), *model = test_source("share/attune/models/demo"), *copied = NULL,
         *data = path_join(project, "few.jsonl"), *file = path_join(project, "copied.txt");
    static const char rows[] = "{\"prompt\": \"Say\", \"chosen\": \" a\", \"rejected\": \" b\"}\n"
                               "{\"prompt\": \"Say\", \"chosen\": \" c\", \"rejected\": \" d\"}\n";
    size_t n = 0;
    assert_ok(file_write(data, rows, sizeof rows - 1, e));
    setenv("ATTUNE_ENGINE", engine, 1);
    begin(&r, 80, 24);
    rig_send(&r, "a");
    rig_wait(&r, "must be given");
    str_addf(&line, "edit model %s", model);
    rig_command(&r, str_text(&line));
    str_clear(&line);
    str_addf(&line, "edit data %s", data);
    rig_command(&r, str_text(&line));
    rig_command(&r, "edit steps 2");
    rig_command(&r, "edit eval-share 0");
    rig_command(&r, "edit eval-every 0");
    rig_command(&r, "edit label-smoothing 0.125");
    rig_command(&r, "edit seed 4711");
    rig_send(&r, "\033[15~"); // F5
    rig_wait(&r, "memory  about");
    rig_wait(&r, "Down: more");
    rig_wait(&r, "ok      model, data");
    str_clear(&line);
    str_addf(&line, "copy-text %s", file);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "bytes are in");
    assert_ok(file_read(file, 1 << 16, &copied, &n, e));
    assert_true(text_starts(copied, "attune train --objective dpo --model /"));
    assert_non_null(strstr(copied, "--label-smoothing 0.125"));
    assert_null(strchr(copied, '\n'));
    rig_send(&r, "G");
    rig_wait(&r, "Up: the beginning");
    rig_wait(&r, "for speed, taken only where four times as much is free:"); // not of what must be there
    rig_wait(&r, strrchr(copied, ' ')); // its last word
    rig_wait_gone(&r, "ok      model, data");
    rig_send(&r, "k");
    rig_wait(&r, "Down: more");
    rig_send(&r, "g");
    rig_wait(&r, "ok      model, data");
    rig_send(&r, "\033[15~"); // again: back in the form
    rig_wait_gone(&r, "What it would take");
    rig_quit(&r);
    unsetenv("ATTUNE_ENGINE");
    str_fini(&line);
    free(copied);
    free(file);
    free(data);
    free(model);
    free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(digits_turn_pages_where_nothing_is_judged, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_vote_that_cannot_be_turns_no_page, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_key_without_work_says_so, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(what_an_engine_printed_has_its_colours, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_sweeps_parts_are_told_apart_in_a_narrow_list, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_long_output_is_searched_while_one_types, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_long_value_is_as_before_after_esc, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_recipe_stays_chosen_while_the_list_changes, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_recipe_asks_for_its_inputs, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(tab_completes_answers, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_dry_run_is_read_and_copied_whole, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_run_is_checked_beside_the_console, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
