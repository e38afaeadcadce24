// The page of a data set, and the way from it to the form and back: what is shown, filtered, found, sorted and written.
#include "config.h"

#include "testing.h"

#include "base/mem.h"
#include "corpus/corpus.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static char *folder, *data;

// A bell and an escape sequence among them; rows that are there twice, say the opposite, and that are refused.
static const char *const fixed[] = {
    "{\"prompt\": \"Why is the sky blue?\", \"chosen\": \"Because of the air.\", \"rejected\": \"It is not blue at "
    "all, it is a lie.\", \"note\": 1}",
    "{\"prompt\": \"why is  the sky blue?\", \"chosen\": \"because of the air.\", \"rejected\": \"It is not blue at "
    "all, it is a lie.\"}",
    "{\"prompt\": \"Why is the sky blue?\", \"chosen\": \"It is not blue at all, it is a lie.\", \"rejected\": "
    "\"Because of the air.\"}",
    "{\"prompt\": \"Say \\u001b[31mred\\u0007 please\", \"chosen\": \"red\", \"rejected\": \"\\u001b[2J\"}",
    "{\"prompt\": \"same\", \"chosen\": \"one\", \"rejected\": \"one\"}",
    "{\"prompt\": \"empty\", \"chosen\": \"\", \"rejected\": \"one\"}",
};

static int set_up(void **state)
{
    struct str text = {0};
    project = fixture_project(50);
    folder = test_folder();
    data = path_join(folder, "pairs.jsonl");
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        str_addf(&text, "%s\n", fixed[i]);
    for (int i = 0; i < 300; i++)
        str_addf(&text,
                 "{\"prompt\": \"Question %d of many\", \"chosen\": \"The answer is %d, and that is all.\", "
                 "\"rejected\": \"%0*d\"}\n",
                 i, i * 7, 1 + i % 60, i);
    assert_ok(file_write(data, str_text(&text), text.len, e));
    str_fini(&text);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(project, e));
    assert_ok(file_remove_tree(folder, e));
    free(project);
    free(folder);
    free(data);
    return 0;
}

static void say(struct rig *r, const char *format, const char *arg)
{
    struct str line = {0};
    str_addf(&line, format, arg);
    rig_send(r, str_text(&line));
    str_fini(&line);
}

static void open_page(struct rig *r, const struct rig_options *o)
{
    rig_start(r, o);
    rig_wait(r, "[1 Runs]");
    say(r, ":data %s\r", data);
    rig_wait(r, "304 of 304 rows");
}

// Keys that come before the page has read anything of the set that was just named.
static void keys_behind_another_set_wait_for_it(void **state)
{
    struct rig r;
    char *other = path_join(folder, "few.jsonl");
    assert_ok(file_write(other, fixed[0], strlen(fixed[0]), e));
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_send(&r, "/\"Question 7 of\"\r");
    rig_wait(&r, "Question 7 of many");
    say(&r, ":data %s\rnNGzoD", other);
    rig_wait(&r, "few.jsonl");
    rig_send(&r, ":filter none\r");
    rig_wait(&r, "1 of 1 rows");
    say(&r, ":data %s\rGnn", data);
    rig_wait(&r, "304 of 304 rows");
    rig_quit(&r);
    free(other);
}

// The path is another one every time: it is looked for and not kept.
static void the_page_says_what_is_in_the_file(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "pairs.jsonl");
    rig_wait(&r, "Why is the sky blue?");
    rig_wait(&r, "opp");
    rig_send(&r, "\t");
    rig_wait(&r, "306 rows read, 304 examples");
    rig_wait(&r, "2 (0.7 %) refused");
    rig_wait(&r, "say the opposite of another one");
    rig_wait(&r, "who always takes the longer one is right in");
    for (int i = 0; i < 200 && !rig_shows(&r, "once through it"); i++) { // the engine says later what a batch is
        rig_send(&r, "G");
        rig_settle(&r, 0.1);
    }
    rig_wait(&r, "not read: note");
    rig_wait(&r, "once through it at batch size 16: 19 steps");
    rig_send(&r, "\t");
    rig_wait(&r, "line 5: chosen and rejected are the same text");
    rig_send(&r, "\t");
    rig_wait(&r, "GAP");
    rig_quit(&r);
}

// The folder is another one every time.
static void mask_folder(struct str *shown)
{
    char *at = strstr(shown->data, "/pairs.jsonl");
    while (at && at > shown->data && at[-1] != ' ' && at[-1] != '~' && at[-1] != '\n')
        *--at = '-';
}

static void the_page_is_as_kept_at_every_size(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "mem 3.1/16G"); // the machine is read a little later
    r.mask = mask_folder;
    rig_expect_grid(&r, "data", "304 of 304");
    rig_quit(&r);
}

static void control_bytes_of_data_do_not_reach_the_terminal(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_send(&r, "jjj\r");
    rig_wait(&r, "row 4 of 304");
    rig_wait(&r, "Say ^[[31mred^G please");
    rig_wait(&r, "^[[2J");
    rig_send(&r, "q");
    rig_wait(&r, "GAP");
    rig_quit(&r);
}

static void rows_are_filtered_found_and_sorted(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_send(&r, "\\gap>40 question\r");
    rig_wait(&r, "filter gap>40 question");
    rig_wait_gone(&r, "304 of 304 rows");
    rig_send(&r, ":filter none\r");
    rig_wait(&r, "304 of 304 rows");
    rig_send(&r, "/\"Question 123 \"\r");
    rig_wait(&r, ">     128");
    rig_send(&r, "/\"question 12\"\r");
    rig_wait(&r, ">     129");
    rig_send(&r, "NN");
    rig_wait(&r, ">     127");
    rig_send(&r, ":sort gap\r");
    rig_wait(&r, "by gap, largest first");
    rig_send(&r, "D");
    rig_wait(&r, "3 of 304 rows");
    rig_send(&r, "\\nosuch=1\r");
    rig_wait(&r, "No row has a value \"nosuch\"");
    rig_send(&r, "\\gap>\r");
    rig_wait(&r, "the filter, at character");
    rig_quit(&r);
}

static void the_rows_that_are_shown_are_written(void **state)
{
    struct rig r;
    struct corpus *c;
    char *out = path_join(folder, "some.jsonl");
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_send(&r, "\\side=shorter -flag:same\r");
    rig_wait(&r, "filter side=shorter");
    rig_wait_gone(&r, "304 of 304 rows");
    say(&r, ":write %s\r", out);
    rig_wait(&r, "written to");
    say(&r, ":write %s\r", out);
    rig_wait(&r, "is there already");
    rig_quit(&r);
    assert_ok(corpus_load(&c, out, 0, e));
    assert_string_equal(c->examples[0].turns[0].text, "Why is the sky blue?");
    for (size_t i = 0; i < c->n_examples; i++)
        assert_true(strlen(c->examples[i].responses[0].text) < strlen(c->examples[i].responses[1].text));
    corpus_free(c);
    free(out);
}

static void the_form_takes_the_data_and_shows_it_again(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_send(&r, "t");
    rig_wait(&r, "[New run]");
    rig_wait(&r, "$ attune train");
    rig_wait(&r, "pairs.jsonl");
    rig_send(&r, ":edit data /no/such/file.jsonl\r");
    rig_wait(&r, "there is no file or folder /no/such/file.jsonl");
    rig_send(&r, "\033[18~"); // F7
    rig_wait(&r, "[7 Data]");
    rig_wait(&r, "/no/such/file.jsonl");
    rig_send(&r, "q");
    rig_wait(&r, "[New run]");
    rig_send(&r, "\033");
    rig_wait_gone(&r, "[New run]");
    rig_send(&r, "1q");
    assert_int_equal(rig_end(&r), 0);
}

static void what_cannot_be_read_is_said(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":data /no/such/file.jsonl\r");
    rig_wait(&r, "/no/such/file.jsonl");
    rig_wait(&r, "cannot open /no/such/file.jsonl");
    rig_resize(&r, 40, 12);
    rig_wait(&r, "cannot open /no/such/file.jsonl");
    rig_quit(&r);
}

static void any_size_is_drawn(void **state)
{
    struct rig r;
    static const int sizes[][2] = {{200, 50}, {140, 30}, {139, 18}, {60, 15}, {40, 12}, {41, 13}, {300, 100}, {80, 24}};
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rig_resize(&r, sizes[i][0], sizes[i][1]);
        rig_send(&r, "\t");
        rig_settle(&r, 0.1);
        rig_send(&r, "\r");
        rig_settle(&r, 0.1);
        rig_send(&r, "\r");
        rig_wait(&r, "Data]");
    }
    rig_quit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_what_is_in_the_file),
        cmocka_unit_test(keys_behind_another_set_wait_for_it),
        cmocka_unit_test(the_page_is_as_kept_at_every_size),
        cmocka_unit_test(control_bytes_of_data_do_not_reach_the_terminal),
        cmocka_unit_test(rows_are_filtered_found_and_sorted),
        cmocka_unit_test(the_rows_that_are_shown_are_written),
        cmocka_unit_test(the_form_takes_the_data_and_shows_it_again),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(any_size_is_drawn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
