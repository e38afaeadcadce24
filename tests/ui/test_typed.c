// What is typed behind ":" and which bytes come together: nothing of it is passed over in silence.
#include "config.h"

#include "testing.h"

#include "ui/commands.h"
#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

static const struct {
    enum page page;
    const char *name, *title;
} pages[] = {
    {PAGE_RUNS, "runs", "[1 Runs]"}, {PAGE_CURVES, "curves", "[2 Curves]"}, {PAGE_SAMPLES, "samples", "[3 Samples]"},
    {PAGE_LOG, "log", "[4 Log]"}, {PAGE_COMPARE, "compare-page", "[5 Compare]"}, {PAGE_LABEL, "label", "[6 Label]"},
    {PAGE_DATA, "data", "[7 Data]"}, {PAGE_RECIPES, "recipes", "[Recipes]"}, {PAGE_EVALS, "evaluations", "[Evaluations]"},
    {PAGE_HELP, "help", "[Help]"},
};

static void begin(struct rig *r, int width)
{
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = 24});
    rig_wait(r, "> g dpo-next");
}

// A command of the table that takes nothing says so when something follows it, and does nothing.
static void what_a_command_does_not_take_is_refused(void **state)
{
    struct rig r;
    int n = 0;
    begin(&r, 120);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const enum page page = pages[i].page;
        rig_command(&r, "runs");
        rig_wait(&r, "[1 Runs]");
        rig_command(&r, pages[i].name);
        rig_wait(&r, pages[i].title);
        for (const struct command_row *row = command_rows; row->id; row++) {
            char line[80], said[120];
            if (!(row->pages >> page & 1) || row->arg || command_by_name(row->name, page) != row)
                continue;
            snprintf(line, sizeof line, "%s nothing", row->name);
            snprintf(said, sizeof said, "%s takes nothing behind its name", row->name);
            rig_command(&r, line);
            rig_wait(&r, said);
            n++;
        }
        assert_true(rig_shows(&r, pages[i].title));
    }
    assert_true(n > 200);
    rig_quit(&r);
}

// A file with one pair; heap.
static char *pair_to_judge(void)
{
    static const char row[] = "{\"prompt\": \"Which of the two?\", \"chosen\": \" this\", \"rejected\": \" that\"}\n";
    char *file = path_join(project, "two.jsonl");
    assert_ok(file_write(file, row, strlen(row), e));
    return file;
}

// Where digits are judgements or values the strip says what turns pages there.
static void the_strip_promises_what_its_numbers_do(void **state)
{
    struct rig r;
    struct str line = {0};
    char *file = pair_to_judge();
    begin(&r, 80);
    assert_true(rig_shows(&r, "attune  [1 Runs]"));
    for (size_t i = 0; i < sizeof pages / sizeof *pages - 1; i++) { // nothing is there to be judged yet
        rig_command(&r, "runs");
        rig_wait(&r, "[1 Runs]");
        rig_command(&r, pages[i].name);
        rig_wait(&r, pages[i].title);
        rig_wait_gone(&r, "Alt-N: "); // while pairs are looked for it is there
        rig_send(&r, "4");
        rig_wait(&r, "[4 Log]");
    }
    str_addf(&line, "label %s", file);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "Which of the two?");
    rig_wait(&r, "Alt-N: ");
    assert_false(rig_shows(&r, "attune"));
    rig_send(&r, "\0334");
    rig_wait(&r, "[4 Log]");
    rig_wait(&r, "attune");
    rig_command(&r, "new");
    rig_wait(&r, "[New run]");
    rig_wait(&r, "Alt-N: ");
    rig_quit(&r);
    str_fini(&line);
    free(file);
}

// A slow link brings Esc and the next key at once, as a terminal sends Alt and a key; few keys have an Alt of their own.
static void esc_and_a_key_in_one_packet_are_two_keys(void **state)
{
    struct rig r;
    begin(&r, 80);
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    rig_send(&r, "\033j"); // back to the list, and down
    rig_wait(&r, "> f rm-1");
    rig_send(&r, ":samples");
    rig_wait(&r, ":samples");
    rig_send(&r, "\033j"); // out of the prompt
    rig_wait(&r, "> e dpo-hot");
    rig_send(&r, ":x\0331"); // also what is Alt and a digit elsewhere
    rig_wait_gone(&r, ":x");
    rig_send(&r, "5");
    rig_wait(&r, "[5 Compare]");
    rig_send(&r, "\0333"); // this one is bound
    rig_wait(&r, "[3 Samples]");
    rig_send(&r, "\033:runs\r");
    rig_wait(&r, "[1 Runs]");
    rig_wait(&r, "> e dpo-hot");
    rig_quit(&r);
}

static void tab_leaves_room_for_the_argument(void **state)
{
    struct rig r;
    begin(&r, 80);
    rig_send(&r, ":op\tx");
    rig_wait(&r, ":open x");
    rig_send(&r, "\025label dpo-n\t");
    rig_wait(&r, ":label dpo-next");
    rig_send(&r, "\025quit\tx"); // which takes nothing
    rig_wait(&r, ":quitx");
    rig_quit(&r);
}

// The pairs of a file, from whichever page.
static void label_takes_what_is_to_be_judged(void **state)
{
    struct rig r;
    struct str line = {0};
    char *file = pair_to_judge();
    begin(&r, 80);
    str_addf(&line, "label %s", file);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "[6 Label]");
    rig_wait(&r, "Which of the two?");
    rig_command(&r, "label nowhere.jsonl");
    rig_wait(&r, "nowhere.jsonl");
    rig_quit(&r);
    str_fini(&line);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_command_does_not_take_is_refused),
        cmocka_unit_test(the_strip_promises_what_its_numbers_do),
        cmocka_unit_test(esc_and_a_key_in_one_packet_are_two_keys),
        cmocka_unit_test(tab_leaves_room_for_the_argument),
        cmocka_unit_test(label_takes_what_is_to_be_judged),
    };
    return run_side_by_side(4, tests, sizeof tests / sizeof *tests, fixture_set_up, fixture_tear_down);
}
