// Votes of the project on page Compare, without a model that answers: win rates in parts, and who is compared next.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "testing.h"

#include "store/labels.h"
#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

static char *rows;

static void vote(struct store *s, int number, const char *prompt, const char *model_a, const char *model_b, bool a_wins)
{
    char text[80], answer[32];
    bool again;
    snprintf(text, sizeof text, "%s number %d", prompt, number);
    snprintf(answer, sizeof answer, "answer %d", number);
    struct asked_pair p = {
        .prompt = text, .a = answer, .b = "another", .model = (char *)model_a, .model_b = (char *)model_b};
    struct judgement j = {.verdict = a_wins ? VERDICT_A : VERDICT_B, .annotator = "me", .seconds = NAN};
    asked_pair_hash(&p);
    assert_ok(labels_add(s, NULL, &p, &j, false, &again, e));
}

// Folders of models: their names in votes are their paths.
static char *folder(const char *name)
{
    char *path = path_join(project, name), *file = path_join(path, "config.json");
    assert_ok(file_make_dirs(path, e));
    assert_ok(file_write(file, "{}", 2, e));
    free(file);
    return path;
}

static int set_up(void **state)
{
    struct store *s;
    struct str text = {0};
    project = fixture_project(30);
    rows = path_join(project, "rows.jsonl");
    char *one = folder("fable-1"), *two = folder("fable-2"), *three = folder("fable-3");
    assert_ok(store_open(&s, project, false, e));
    // One beats two by far and three just so; of foxes always, of owls hardly.
    for (int i = 0; i < 40; i++)
        vote(s, i, i < 20 ? "Tell of a fox" : "Write about an owl", one, two, i < 20 || i % 4 == 0);
    for (int i = 100; i < 120; i++)
        vote(s, i, "What is a bear", one, three, i < 111);
    store_close(s);
    for (int i = 0; i < 40; i++)
        str_addf(&text, "{\"prompt\": \"%s number %d\", \"topic\": \"%s\"}\n",
                 i < 20 ? "Tell of a fox" : "Write about an owl", i, i % 2 ? "odd" : "even");
    assert_ok(file_write(rows, text.data, text.len, e));
    str_fini(&text);
    free(one);
    free(two);
    free(three);
    return 0;
}

static int tear_down(void **state)
{
    free(rows);
    return fixture_tear_down(state);
}

static void open_votes(struct rig *r)
{
    rig_start(r, &(struct rig_options){.project = project, .width = 160, .height = 40});
    rig_wait(r, "[1 Runs]");
    rig_send(r, "5");
    rig_wait(r, "[5 Compare]");
    rig_send(r, "V");
    rig_wait(r, "Votes in this project");
    rig_wait(r, "least certain (M compares them)");
}

static void leave(struct rig *r)
{
    rig_send(r, "\x1b");
    rig_wait_gone(r, "Votes in this project");
    rig_send(r, "\x1b");
    rig_wait(r, "[1 Runs]");
    rig_send(r, "q");
    assert_int_equal(rig_end(r), 0);
}

static void say(struct rig *r, const char *before, const char *path, const char *after)
{
    struct str keys = {0};
    str_addf(&keys, "%s%s%s", before, path, after);
    rig_send(r, str_text(&keys));
    str_fini(&keys);
}

static void win_rates_are_cut_by_words(void **state)
{
    struct rig r;
    open_votes(&r);
    rig_wait(&r, "by the prompt's length");
    rig_send(&r, ":slices words 3\r");
    rig_wait(&r, "by words");
    rig_wait(&r, "\"about\": 25 %");
    rig_wait(&r, "others: 100 %"); // the rest has a name as well
    rig_wait(&r, "of 20");
    leave(&r);
}

static void win_rates_are_cut_by_how_prompts_begin(void **state)
{
    struct rig r;
    open_votes(&r);
    rig_send(&r, ":slices beginning 4\r");
    rig_wait(&r, "\"write about\": 25 %");
    rig_wait(&r, "\"tell of\": 100 %");
    leave(&r);
}

static void win_rates_are_cut_by_a_member_of_the_prompts_rows(void **state)
{
    struct rig r;
    open_votes(&r);
    rig_send(&r, ":slices words 3\r");
    rig_wait(&r, "others: 100 %");
    say(&r, ":slices topic ", rows, "\r");
    rig_wait(&r, "by topic  even: 75 %");
    rig_wait(&r, "odd: 50 %");
    rig_wait_gone(&r, "others");
    leave(&r);
}

// It is said, and the votes stay.
static void what_cannot_cut_them_is_said(void **state)
{
    struct rig r;
    open_votes(&r);
    say(&r, ":slices shade ", rows, "\r");
    rig_wait(&r, "no row of");
    rig_wait(&r, "by the prompt's length");
    rig_send(&r, ":slices shade\r");
    rig_wait(&r, "Name the file of the prompts");
    rig_send(&r, ":slices words 1\r");
    rig_wait(&r, "no number of slices from 2 to 20");
    leave(&r);
}

static void the_least_certain_two_come_next(void **state)
{
    struct rig r;
    char *one = path_join(project, "fable-1"), *two = path_join(project, "fable-2"), *three = path_join(project, "fable-3");
    struct str wanted = {0};
    rig_start(&r, &(struct rig_options){.project = project, .width = 160, .height = 40});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, "5VM"); // before anything was read: it follows by itself
    rig_wait(&r, "Least certain: ");
    str_addf(&wanted, "%s against %s: 55 %%", one, three);
    rig_wait(&r, str_text(&wanted));
    rig_send(&r, "V"); // the answers, with the two as sides
    rig_wait(&r, "A fable-1");
    rig_wait(&r, "B fable-3");
    rig_wait_gone(&r, "fable-2");
    rig_send(&r, "q");
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
    str_fini(&wanted);
    free(one);
    free(two);
    free(three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_certain_two_come_next),
        cmocka_unit_test(win_rates_are_cut_by_words),
        cmocka_unit_test(win_rates_are_cut_by_how_prompts_begin),
        cmocka_unit_test(win_rates_are_cut_by_a_member_of_the_prompts_rows),
        cmocka_unit_test(what_cannot_cut_them_is_said),
    };
    return run_side_by_side(5, tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
