// The page of evaluations: what it shows of checkpoints that were measured, how it is sorted, and that it follows the files.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "store/eval_file.h"
#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

struct measured {
    const char *run;
    int step;
    const char *prompts;
    double divergence, wins, reward, kl, entropy, length; // negative entropy: none was measured
};

static const struct measured evaluations[] = {
    {"dpo-1", 1000, "3fa9c1", 0.412, 0.531, 0.251, 1.62, 2.91, 61.2},
    {"dpo-1", 2000, "3fa9c1", 0.387, 0.588, 0.402, 3.87, 2.44, 70.9},
    {"dpo-wide-beta", 1000, "3fa9c1", 0.405, 0.517, 0.198, 0.812, 3.02, 59.8},
    {"dpo-2", 500, "3fa9c1", 0.501, 0.562, 0.377, 2.95, -1, 66.0},
    {"dpo-2", 500, "77e0b2", 0.298, 0.601, 0.911, 2.71, 2.6, 12.5},
};

static json_t *interval(double value, double half)
{
    return json_pack("{s:f, s:f, s:f}", "value", value, "low", value - half, "high", value + half);
}

static void put_in(const char *dir, const struct measured *m)
{
    struct str folder = {0}, judge = {0};
    str_addf(&folder, "%s/runs/%s/checkpoints/step-%d", dir, m->run, m->step);
    str_addf(&judge, "%s/runs/rm-1/checkpoints/step-77", dir);
    assert_ok(file_make_dirs(str_text(&folder), e));
    json_t *measures = json_pack(
        "{s:o, s:o, s:o, s:o, s:{s:f}, s:o, s:{s:f}, s:{s:f}, s:{s:f}}", "reward", interval(m->reward, 0.09), "win_rate",
        interval(m->wins, 0.06), "pm_divergence", interval(m->divergence, 0.05), "kl/exact", interval(m->kl, 0.3),
        "kl/exact/token", "value", m->kl / m->length, "length", interval(m->length, 4), "distinct/1", "value",
        0.2 + m->wins / 10, "style/tv", "value", 0.3 - m->wins / 10, "style/gentle", "value", m->wins / 2);
    if (m->entropy >= 0)
        json_object_set_new(measures, "entropy", json_pack("{s:f}", "value", m->entropy));
    json_t *one =
        json_pack("{s:{s:s, s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:s, s:s}, s:{s:s, s:s, s:s}, s:o}", "how", "prompts",
                  m->prompts, "rows", 128, "samples", 2, "max_tokens", 128, "temperature", 1.0, "top_p", 1.0, "seed", 1,
                  "beta", 0.1, "reference", "m", "reward_model", "j", "of", "data", "/data/held-out.jsonl", "reference",
                  "/models/stories260K", "reward_model", str_text(&judge), "measures", measures);
    assert_non_null(one);
    assert_ok(eval_file_put(str_text(&folder), one, e));
    json_decref(one);
    str_fini(&folder);
    str_fini(&judge);
}

static int set_up(void **state)
{
    project = fixture_project(50);
    for (size_t i = 0; i < sizeof evaluations / sizeof *evaluations; i++)
        put_in(project, evaluations + i);
    return 0;
}

static void open_page(struct rig *r, const struct rig_options *o, const char *ready)
{
    rig_start(r, o);
    rig_wait(r, "[1 Runs]");
    rig_send(r, "E");
    rig_wait(r, ready);
}

static void check_page(const struct rig_options *o, const char *mode, bool with_styles)
{
    struct rig r;
    char name[64];
    open_page(&r, o, "dpo-wide-");
    snprintf(name, sizeof name, "evals-%s.txt", mode);
    rig_expect(&r, name, with_styles, "dpo-wide-");
    rig_send(&r, "?");
    snprintf(name, sizeof name, "evals-help-%s.txt", mode);
    rig_expect(&r, name, with_styles, "Keys and commands of the evaluations");
    rig_send(&r, "q");
    rig_wait(&r, "dpo-wide-");
    rig_quit(&r);
}

static void screens_are_as_kept_80x24_braille_256(void **state)
{
    check_page(&(struct rig_options){.project = project, .width = 80, .height = 24, .background = "dark"},
               "80x24-braille-256", true);
}

static void screens_are_as_kept_80x24_ascii_mono(void **state)
{
    check_page(&(struct rig_options){.project = project, .width = 80, .height = 24, .locale = "C", .no_color = true},
               "80x24-ascii-mono", true);
}

static void screens_are_as_kept_at_every_size(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 120, .height = 40}, "dpo-wide-");
    rig_wait(&r, "mem 3.1/16G"); // the machine is read a little later
    rig_expect_grid(&r, "evals", "dpo-wide-");
    rig_quit(&r);
}

static void help_is_as_kept_at_every_size(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 120, .height = 40}, "dpo-wide-");
    rig_wait(&r, "mem 3.1/16G");
    rig_send(&r, "?");
    rig_expect_grid(&r, "evals-help", "Keys and commands of the evaluations");
    rig_quit(&r);
}

static int line_of(struct rig *r, const char *text)
{
    struct str shown = {0};
    int line = 0;
    rig_wait(r, text); // evaluations come as the runs are read
    rig_text(r, false, &shown);
    const char *at = strstr(str_text(&shown), text);
    for (const char *p = str_text(&shown); p < at; p++)
        line += *p == '\n';
    str_fini(&shown);
    return line;
}

static void it_is_sorted_by_a_column_the_best_first_and_the_other_way_round(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24}, "> d dpo-2");
    rig_send(&r, "o"); // the chosen column is the first measure: less is better
    rig_wait(&r, "> d dpo-2          500   2   0.298");
    assert_true(line_of(&r, "0.298") < line_of(&r, "0.387*"));
    assert_true(line_of(&r, "0.387*") < line_of(&r, "0.501"));
    rig_send(&r, "o");
    rig_wait(&r, "> d dpo-2          500   1   0.501");
    assert_true(line_of(&r, "0.501") < line_of(&r, "0.298"));
    rig_send(&r, ":sort reward\r"); // more is better
    rig_wait(&r, "reward, mean score of the answers; more is better: 0.911");
    assert_true(line_of(&r, "0.911") < line_of(&r, "0.402"));
    assert_true(line_of(&r, "0.402") < line_of(&r, "0.198"));
    rig_send(&r, ":sort entropy\r"); // what was not measured is last, whichever way
    rig_wait(&r, "entropy, of the distribution");
    assert_int_equal(line_of(&r, "  d dpo-2          500   1"), 6);
    rig_send(&r, "o");
    rig_wait(&r, "> b dpo-1         2000"); // 2.44
    assert_int_equal(line_of(&r, "  d dpo-2          500   1"), 6);
    rig_send(&r, ":sort step\r");
    rig_wait(&r, "> d dpo-2          500   1");
    rig_send(&r, ":sort nothing\r");
    rig_wait(&r, "sort: there is no column nothing");
    rig_quit(&r);
}

static void columns_that_are_not_seen_come_into_view(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24}, "PM DIV");
    assert_false(rig_shows(&r, "gentle"));
    for (int i = 0; i < 12; i++)
        rig_send(&r, "\033[C");
    rig_wait(&r, "style/gentle, share among answers with a style: 0.281");
    assert_false(rig_shows(&r, "PM DIV"));
    rig_send(&r, "hhhhhhhhh");
    rig_wait(&r, "PM DIV");
    rig_send(&r, "hh");
    rig_wait(&r, "The step of the checkpoint that was measured.");
    rig_quit(&r);
}

static void intervals_are_shown_where_there_is_room_or_when_asked_for(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24}, "PM DIV");
    assert_false(rig_shows(&r, "0.451..0.551"));
    rig_send(&r, "i");
    rig_wait(&r, "0.451..0.551");
    rig_resize(&r, 160, 24);
    rig_send(&r, "i");
    rig_wait_gone(&r, "0.451..0.551");
    rig_quit(&r);
    open_page(&r, &(struct rig_options){.project = project, .width = 160, .height = 24}, "0.451..0.551");
    rig_quit(&r);
}

static void selected_runs_stand_first_and_the_cursor_stays(void **state)
{
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24}, "> d dpo-2");
    assert_true(line_of(&r, "d dpo-2") < line_of(&r, "b dpo-1"));
    rig_send(&r, "G");
    rig_wait(&r, "> b dpo-1         2000");
    rig_send(&r, " ");
    rig_wait(&r, "\u25a0b dpo-1");
    rig_wait(&r, "b dpo-1         2000");
    assert_true(line_of(&r, "b dpo-1         1000") < line_of(&r, "b dpo-1         2000"));
    assert_true(line_of(&r, "b dpo-1         2000") < line_of(&r, "d dpo-2"));
    rig_wait(&r, "dpo-1 step 2000");
    rig_send(&r, "\r"); // and it is the run that the other pages show
    rig_wait(&r, "[2 Curves]");
    rig_wait(&r, "b dpo-1 done");
    rig_quit(&r);
}

static void a_new_evaluation_appears(void **state)
{
    struct rig r;
    char *dir = fixture_project(20);
    open_page(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24},
              "No checkpoint of these runs has been measured yet");
    rig_wait(&r, "attune eval --run dpo-next");
    put_in(dir, evaluations + 1);
    rig_wait(&r, "b dpo-1 2000");
    assert_false(rig_shows(&r, "0.387*")); // alone it is the best of nothing
    put_in(dir, evaluations);
    rig_wait(&r, "0.387*");
    struct str path = {0};
    str_addf(&path, "%s/runs/dpo-1/checkpoints/step-1000/eval.json", dir);
    assert_ok(file_write(str_text(&path), "[", 1, e));
    rig_wait(&r, "step-1000/eval.json"); // told above the table, and nothing else is lost
    rig_wait(&r, "b dpo-1 2000");
    rig_quit(&r);
    assert_ok(file_remove_tree(dir, e));
    str_fini(&path);
    free(dir);
}

// What is looked for is typed while a job reads the files anew: it looks through the table that is there.
static void matches_are_those_of_the_files_as_they_are(void **state)
{
    enum { ALL = 12, GONE = 3 };
    struct rig r;
    char *dir = fixture_project(20);
    struct measured one = evaluations[0];
    for (int i = 1; i <= ALL; i++) {
        one.step = 100 * i;
        put_in(dir, &one);
    }
    open_page(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24}, "b dpo-1  100");
    rig_send(&r, "/dpo");
    for (int i = 1; i <= GONE; i++) {
        struct str path = {0};
        str_addf(&path, "%s/runs/dpo-1/checkpoints/step-%d00/eval.json", dir, i);
        remove(str_text(&path));
        const double until_s = clock_seconds() + 1.3; // it looks every second
        while (clock_seconds() < until_s && !r.has_ended) {
            rig_send(&r, "-\177-\177");
            rig_read(&r, 0.002);
        }
        str_fini(&path);
    }
    rig_send(&r, "\r");
    rig_wait(&r, "of 9 that match dpo");
    rig_quit(&r);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// It looks for files every second; while none has changed nothing is written.
static void a_page_that_nothing_happens_on_is_silent(void **state)
{
    enum { SECONDS = 3 };
    struct rig r;
    open_page(&r, &(struct rig_options){.project = project, .width = 80, .height = 24}, "> d dpo-2");
    rig_settle(&r, 1.2);
    const size_t bytes = r.bytes;
    const double end = clock_seconds() + SECONDS;
    while (clock_seconds() < end)
        rig_read(&r, end - clock_seconds());
    assert_int_equal(r.bytes - bytes, 0);
    rig_quit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_are_as_kept_at_every_size),
        cmocka_unit_test(help_is_as_kept_at_every_size),
        cmocka_unit_test(screens_are_as_kept_80x24_braille_256),
        cmocka_unit_test(screens_are_as_kept_80x24_ascii_mono),
        cmocka_unit_test(it_is_sorted_by_a_column_the_best_first_and_the_other_way_round),
        cmocka_unit_test(columns_that_are_not_seen_come_into_view),
        cmocka_unit_test(intervals_are_shown_where_there_is_room_or_when_asked_for),
        cmocka_unit_test(selected_runs_stand_first_and_the_cursor_stays),
        cmocka_unit_test(a_new_evaluation_appears),
        cmocka_unit_test(matches_are_those_of_the_files_as_they_are),
        cmocka_unit_test(a_page_that_nothing_happens_on_is_silent),
    };
    return run_side_by_side(5, tests, sizeof tests / sizeof *tests, set_up, fixture_tear_down);
}
