// Checkpoints side by side, with real models that answer: what is asked, in which order, and what is shown.
#include "config.h"

#include <math.h>
#include <signal.h>

#include "testing.h"

#include "base/json.h"
#include "ui/compare_page.h"
#include "ui/side_by_side.h"

static void checkpoints_answer_as_the_command_does(void **state)
{
    struct rig r;
    char a[24], b[24];
    compare_beginning(demo, "1", question, a);
    compare_beginning(changed, "1", question, b);
    compare_two_sides(&r, 100, 30);
    rig_wait(&r, a);
    rig_wait(&r, b);
    rig_send(&r, "r"); // with the next seed
    compare_beginning(demo, "2", question, a);
    rig_wait(&r, "seed 2");
    rig_wait(&r, a);
    rig_quit(&r);
}

static void a_side_that_cannot_answer_says_why_and_others_go_on(void **state)
{
    struct rig r;
    char *reward = test_source("share/attune/models/demo-reward"), a[24];
    struct str line = {0};
    compare_start(&r, 100, 30);
    str_addf(&line, "side %s", reward);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "A demo-reward");
    rig_command(&r, "side dpo-1@100");
    rig_wait(&r, "B dpo-1@100");
    compare_ask(&r, question);
    rig_wait(&r, "judges");
    compare_beginning(demo, "1", question, a);
    rig_wait(&r, a);
    rig_command(&r, "side nowhere");
    rig_wait(&r, "there is no run and no model folder nowhere");
    rig_command(&r, "side dpo-1@7");
    rig_wait(&r, "keeps no checkpoint of step 7; there are: 200, 100");
    rig_quit(&r);
    str_fini(&line);
    free(reward);
}

static void prompts_of_a_file_are_gone_through(void **state)
{
    struct rig r;
    struct str line = {0};
    compare_two_sides(&r, 100, 30);
    str_addf(&line, "prompts %s/prompts.txt", project);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "Prompt 1 of 3");
    rig_wait(&r, "The owl said:");
    rig_send(&r, "jj");
    rig_wait(&r, "The bear said:");
    rig_send(&r, "k");
    rig_wait(&r, "The hen said:");
    rig_resize(&r, 200, 50); // there is room for the list
    rig_wait(&r, "Prompts  3");
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "6");
    rig_wait(&r, "2 B The hen said:");
    rig_send(&r, "u");
    rig_wait(&r, "2   The hen said:");
    // The same file, which has other prompts by now: order and marks are of them.
    rig_command(&r, "order votes");
    rig_wait(&r, "prompts.txt by votes");
    char *path = path_join(project, "prompts.txt");
    struct str more = {0};
    for (int i = 1; i <= 40; i++)
        str_addf(&more, "The crow number %d said:\n", i);
    assert_ok(file_write(path, str_text(&more), more.len, e));
    rig_command(&r, str_text(&line));
    rig_wait(&r, "Prompt 1 of 40");
    rig_send(&r, "G");
    rig_wait(&r, "Prompt 40 of 40");
    rig_wait(&r, "40   The crow number 40 said:");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "6");
    rig_wait(&r, "40 B The crow number 40 said:");
    rig_quit(&r);
    str_fini(&more);
    free(path);
    str_fini(&line);
}

static void the_checkpoints_of_a_run_are_gone_through_in_place(void **state)
{
    struct rig r;
    compare_two_sides(&r, 100, 30);
    rig_send(&r, "["); // before the oldest one: what the run began from, as the list has it
    rig_wait(&r, "A demo");
    rig_send(&r, "[");
    rig_wait(&r, "demo is what run dpo-1 began from");
    rig_send(&r, "]");
    rig_wait(&r, "A dpo-1@100");
    rig_send(&r, "\t]");
    rig_wait(&r, "dpo-1@200 is the newest checkpoint");
    rig_send(&r, "[");
    rig_wait(&r, "B dpo-1@100");
    rig_wait(&r, "(100 %)"); // the same model with the same seed says the same
    rig_send(&r, "]");
    rig_wait(&r, "B dpo-1@200");
    rig_quit(&r);
}

static void tokens_show_how_they_are_read(void **state)
{
    struct rig r;
    compare_two_sides(&r, 120, 30);
    rig_send(&r, "\033[C"); // Right
    rig_wait(&r, "1/");
    rig_wait(&r, "before"); // the demo, which is the run's reference and its first checkpoint: nothing changed
    rig_wait(&r, "log-ratio 0");
    rig_wait(&r, "entropy");
    rig_wait(&r, "under B");
    rig_send(&r, "t");
    rig_command(&r, "tokens other");
    rig_command(&r, "tokens wrong");
    rig_wait(&r, "text, reference, entropy or other");
    rig_quit(&r);
}

static void a_reward_model_scores_what_is_said(void **state)
{
    struct rig r;
    char *reward = test_source("share/attune/models/demo-reward");
    struct str line = {0};
    compare_two_sides(&r, 120, 30);
    str_addf(&line, "reward %s", reward);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "rm ");
    rig_quit(&r);
    str_fini(&line);
    free(reward);
}

static void ask_all_of(struct rig *r, const char *lines, int width, int height)
{
    struct str line = {0};
    char *reward = test_source("share/attune/models/demo-reward"), *path = path_join(project, "many.txt");
    assert_ok(file_write(path, lines, strlen(lines), e));
    compare_two_sides(r, width, height);
    rig_command(r, "length 20");
    str_addf(&line, "reward %s", reward);
    rig_command(r, str_text(&line));
    rig_wait(r, "rm ");
    str_clear(&line);
    str_addf(&line, "prompts %s", path);
    rig_command(r, str_text(&line));
    rig_wait(r, "many.txt");
    free(path);
    free(reward);
    str_fini(&line);
}

// All are asked; then they come by how much rewards differ, which the histogram counts.
static void prompts_come_where_rewards_differ_most(void **state)
{
    static const char *const prompts[] = {"The owl said:", "The hen said:", "The bear said:", "A fox ran", "One day"};
    struct rig r;
    ask_all_of(&r, "The owl said:\nThe hen said:\nThe bear said:\nA fox ran\nOne day\n", 200, 50);
    rig_send(&r, "O");
    rig_wait(&r, "(A asks the rest)");
    rig_send(&r, "A");
    rig_wait(&r, "All prompts were asked");
    rig_send(&r, "H");
    rig_wait(&r, "A - B on 5 prompts: mean ");
    rig_send(&r, "H:order scores\r");
    rig_wait(&r, "known of 5 of 5 prompts");
    rig_send(&r, "g");
    rig_wait(&r, "many.txt by scores");
    double last = INFINITY; // what the page shows of each, in its order
    for (int i = 0; i < 5; i++) {
        double best[2] = {NAN, NAN};
        struct str shown = {0}, place = {0};
        str_addf(&place, "Prompt %d of 5", i + 1);
        rig_wait(&r, str_text(&place));
        rig_settle(&r, 0.3);
        rig_text(&r, false, &shown);
        const char *at = shown.data;
        for (int k = 0; k < 2 && at; k++) {
            at = strstr(at, " rm ");
            best[k] = at ? atof(at + 4) : NAN;
            at = at ? at + 4 : NULL;
        }
        const double gap = fabs(best[0] - best[1]);
        assert_true(gap <= last + 1e-3); // numbers are shown rounded
        last = gap;
        str_fini(&shown);
        str_fini(&place);
        rig_send(&r, "j");
    }
    rig_command(&r, "order file");
    rig_wait(&r, "order of the file");
    for (int i = 0; i < 5; i++)
        assert_true(rig_shows(&r, prompts[i]));
    rig_command(&r, "order length");
    rig_wait(&r, "file, scores or votes, not length");
    rig_quit(&r);
}

static void answers_are_written_and_nothing_is_written_over(void **state)
{
    struct rig r;
    struct str line = {0};
    char *path = path_join(project, "out.jsonl"), *text;
    size_t n;
    json_t *want = compare_answer_of(demo, "1", question), *row;
    compare_two_sides(&r, 100, 30);
    str_addf(&line, "write %s", path);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "2 answers were written");
    assert_ok(file_read(path, 1 << 20, &text, &n, e));
    assert_ok(json_parse(text, strcspn(text, "\n"), path, &row, e));
    assert_string_equal(json_string_value(json_object_get(row, "answer")), json_string_value(json_object_get(want, "text")));
    assert_string_equal(json_string_value(json_object_get(row, "model")), "dpo-1@100");
    assert_int_equal(json_array_size(json_object_get(row, "tokens")), json_integer_value(json_object_get(want, "n_tokens")));
    rig_command(&r, str_text(&line));
    rig_wait(&r, "already: choose another");
    rig_quit(&r);
    json_decref(row);
    json_decref(want);
    str_fini(&line);
    free(path);
    free(text);
}

static void what_runs_wrote_stands_side_by_side(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30});
    rig_wait(&r, "dpo-1");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "S");
    rig_wait(&r, "It slept well.");
    rig_wait(&r, "It slept badly.");
    rig_quit(&r);
}

// Times of answers, and numbers whose last digits are the processor's: all of a side's line behind its tokens.
static void mask_numbers(struct str *shown)
{
    bool within = false;
    for (char *line = shown->data; line && *line;) {
        char *end = strchr(line, '\n');
        const size_t n = end ? (size_t)(end - line) : strlen(line);
        if (*line == '\t') { // styles of the line above
            line = end ? end + 1 : NULL;
            continue;
        }
        within = (within && n > 3 && line[1] >= 'A' && line[1] <= 'D' && line[3] == ' ') ||
                 (n > 20 && memmem(line, n, "first s", 7));
        for (size_t i = 13; within && line[1] != ' ' && i < n; i++)
            line[i] = '#';
        line = end ? end + 1 : NULL;
    }
}

static void the_page_is_as_kept_at_every_size(void **state)
{
    struct rig r;
    compare_start(&r, 80, 24);
    rig_command(&r, "compare dpo-1@100 dpo-1@200");
    rig_wait(&r, "dpo-1@100");
    rig_command(&r, "temperature 0"); // the likeliest token, on every processor
    rig_command(&r, "length 40");
    compare_ask(&r, question);
    rig_wait_gone(&r, "tok ...");
    r.mask = mask_numbers;
    rig_expect_grid(&r, "compare", "He had a");
    rig_quit(&r);
}

// Sides, question and temperature are there again, and so are the answers.
static void what_was_compared_is_there_the_next_time(void **state)
{
    struct rig r;
    compare_two_sides(&r, 100, 30);
    rig_command(&r, "temperature 0");
    rig_wait(&r, "T 0 ");
    rig_kill(&r, SIGHUP);
    assert_int_equal(rig_end(&r), 0);
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30, .keeps_session = true});
    rig_wait(&r, "[5 Compare]");
    rig_wait(&r, "B dpo-1@200");
    rig_wait(&r, "T 0 ");
    rig_wait(&r, question);
    rig_wait(&r, "A and B share");
    rig_quit(&r);
}

// A run that began from a checkpoint adds no base: that one is on the list.
static void add_run_from_a_checkpoint(void)
{
    struct store *s;
    json_t *settings = json_object();
    char *name, *from = path_join(project, "runs/dpo-1/checkpoints/step-200");
    assert_ok(store_open(&s, project, true, e));
    assert_ok(store_add_run(s, "later", "dpo", from, "", settings, &name, e));
    store_close(s);
    json_decref(settings);
    free(name);
    free(from);
}

static void what_runs_began_from_is_offered(void **state)
{
    struct rig r;
    struct str screen = {0}, typed = {0};
    add_run_from_a_checkpoint();
    compare_start(&r, 80, 24);
    rig_send(&r, "a");
    rig_wait(&r, "Which model is A?");
    rig_wait(&r, "models/demo"); // its folder, as far as there is room
    rig_text(&r, false, &screen);
    const char *first = strstr(str_text(&screen), "base model");
    assert_true(first && !strstr(first + 1, "base model"));
    assert_true(strstr(str_text(&screen), "dpo-1@200") < first && strstr(str_text(&screen), "dpo-1@100") < first);
    str_fini(&screen);
    str_addf(&typed, "%s-r\t", demo);
    rig_send(&r, str_text(&typed)); // a path, completed
    rig_wait(&r, "models/demo-reward/");
    rig_send(&r, "\025base\r");
    str_fini(&typed);
    rig_wait(&r, "A demo");
    rig_command(&r, "side dpo-1@200");
    rig_wait(&r, "B dpo-1@200");
    rig_send(&r, "["); // it is no run's
    rig_wait(&r, "demo is no run's checkpoint");
    compare_ask(&r, question);
    rig_wait(&r, "A and B share");
    rig_command(&r, "compare later@base dpo-1@base");
    rig_wait(&r, "A step-200");
    rig_wait(&r, "B demo");
    rig_quit(&r);
}

int main(void)
{
    setenv("USER", "tester", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_page_is_as_kept_at_every_size, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(checkpoints_answer_as_the_command_does, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(a_side_that_cannot_answer_says_why_and_others_go_on, compare_set_up,
                                        compare_tear_down),
        cmocka_unit_test_setup_teardown(prompts_of_a_file_are_gone_through, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(the_checkpoints_of_a_run_are_gone_through_in_place, compare_set_up,
                                        compare_tear_down),
        cmocka_unit_test_setup_teardown(tokens_show_how_they_are_read, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(a_reward_model_scores_what_is_said, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(prompts_come_where_rewards_differ_most, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(answers_are_written_and_nothing_is_written_over, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(what_runs_wrote_stands_side_by_side, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(what_runs_began_from_is_offered, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(what_was_compared_is_there_the_next_time, compare_set_up, compare_tear_down),
    };
    return run_side_by_side(4, tests, sizeof tests / sizeof *tests, NULL, NULL);
}
