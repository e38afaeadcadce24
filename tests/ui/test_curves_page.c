// The keys of the page of curves, in the real program: what each does is read off the screen.
#include "config.h"

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"

static char *project;

static int set_up(void **state)
{
    project = fixture_project(300);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(project, e));
    free(project);
    return 0;
}

static void open_run(struct rig *r, const char *name, int width, int height)
{
    struct str keys = {0};
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = height});
    rig_wait(r, "[1 Runs]");
    str_addf(&keys, ":open %s\r", name);
    rig_send(r, str_text(&keys));
    rig_wait(r, "[2 Curves]");
    str_fini(&keys);
}

// Keys, and what must stand on the screen after them.
struct step {
    const char *keys, *shows;
};

static void walk(struct rig *r, const struct step *steps, int n)
{
    for (int i = 0; i < n; i++) {
        rig_send(r, steps[i].keys);
        rig_wait(r, steps[i].shows);
    }
}
#define WALK(r, ...)                                                                                                   \
    walk(r, (const struct step[]){__VA_ARGS__}, sizeof((struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void keys_of_one_run(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 80, 24);
    WALK(&r, {"", "whole run"}, {"]", "EMA 0.9"}, {"]", "EMA 0.95"}, {"[", "EMA 0.9 "}, {":smooth 0\r", "raw"},
         {":smooth 2\r", "smooth: 2 is not from 0"}, {":smooth 0.5\r", "EMA 0.5"}, {"+", "follow"}, {"<", "zoomed"},
         {"0", "whole run"}, {"F", "The whole run is shown"}, {"y", "y log"}, {"y", "y symlog"}, {"a", "clip 1%"},
         {"x", "Only steps are known"}, {"\r", "smoothed"}, {".", "step 2000"}, {"g", "step 6"},
         {":cursor 1000\r", "step 1000"}, {"q", "whole run"}, {"q", "rewards"}, {"\t", "whole run"},
         {":metric kl\r", "KL to the reference"}, {":metric nothing\r", "No chart shows nothing"},
         {"t", "Only one run is shown"}, {"q", "[1 Runs]"});
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
}

static void several_runs_in_one_chart(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 30});
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"}, {"", "b dpo-1"},
         {"", "d dpo-2"}, {"t", "b dpo-1 is on top"}, {"t", "d dpo-2 is on top"}, {":raise c\r", "whole run"},
         {":raise nobody\r", "nobody is not shown"}, {"\r", "minus first"});
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
}

// The focus of a chart alone stays when the page is left and comes back.
static void the_page_remembers(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 80, 24);
    WALK(&r, {":metric accuracy\r", "accuracy"}, {"\r", "smoothed"}, {"4", "[4 Log]"}, {"2", "smoothed"});
    rig_wait(&r, "accuracy");
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_one_run),
        cmocka_unit_test(several_runs_in_one_chart),
        cmocka_unit_test(the_page_remembers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
