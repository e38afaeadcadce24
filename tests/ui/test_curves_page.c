// The keys of the page of curves, in the real program: what each does is read off the screen.
#include "config.h"

#include "testing.h"

#include <unistd.h>

#include "base/file.h"
#include "ui/fixture.h"
#include "ui/rig.h"

// As if nobody had looked at the project before.
static int forget(void **state)
{
    char *kept = path_join(project, "console.json");
    unlink(kept);
    free(kept);
    return 0;
}

static void open_run_of(struct rig *r, const char *name, const struct rig_options *o)
{
    struct str keys = {0};
    rig_start(r, o);
    rig_wait(r, "[1 Runs]");
    str_addf(&keys, ":open %s\r", name);
    rig_send(r, str_text(&keys));
    rig_wait(r, "[2 Curves]");
    str_fini(&keys);
}

static void open_run(struct rig *r, const char *name, int width, int height)
{
    open_run_of(r, name, &(struct rig_options){.project = project, .width = width, .height = height});
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

// The axis' numbers under the charts.
static void foot_of(struct rig *r, struct str *out)
{
    struct str all = {0};
    rig_settle(r, 0.3);
    rig_text(r, false, &all);
    const char *at = strstr(str_text(&all), "└");
    assert_non_null(at);
    str_addn(out, at, strcspn(at, "\n"));
    str_fini(&all);
}

// A window that followed the newest step and is held stays where it had come to.
static void a_window_that_is_held_stays_where_it_is(void **state)
{
    struct rig r;
    struct str following = {0}, held = {0};
    open_run(&r, "dpo-1", 80, 24);
    WALK(&r, {"", "whole run"}, {"+", "follow"});
    foot_of(&r, &following);
    WALK(&r, {"F", "zoomed"});
    foot_of(&r, &held);
    assert_string_equal(str_text(&held), str_text(&following));
    rig_quit(&r);
    str_fini(&following);
    str_fini(&held);
}

static void keys_of_one_run(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 80, 24);
    WALK(&r, {"", "whole run"}, {"]", "EMA 0.9"}, {"]", "EMA 0.95"}, {"[", "EMA 0.9 "}, {":smooth 0\r", "raw"},
         {":smooth 2\r", "smooth: 2 is not from 0"}, {":smooth 0.5\r", "EMA 0.5"},
         {":smooth mean 50\r", "mean 50 "}, {"]", "mean 100 "}, {"[", "mean 50 "}, {":smooth gaussian 20\r", "Gaussian 20 "},
         {":smooth mean x\r", "smooth mean: x is no number of steps"}, {":smooth 0.5\r", "EMA 0.5"}, {"+", "follow"},
         {"<", "zoomed"},
         {"0", "whole run"}, {"F", "The whole run is shown"}, {"y", "y log"}, {"y", "y symlog"}, {"a", "clip 1%"},
         {":clip 0 5\r", "clip 0% below 5% above"}, {":clip 60 50\r", "together less than 100"},
         {"a", "y symlog  whole run"},
         {"x", "Only steps are known"}, {"\r", "smoothed"}, {".", "step 2000"}, {"g", "step 6"},
         {":cursor 1000\r", "step 1000"}, {"q", "whole run"}, {"q", "rewards"}, {"\t", "whole run"},
         {":metric kl\r", "KL to the reference"}, {":metric nothing\r", "No chart shows nothing"},
         {"t", "Only one run is shown"}, {":guides nothing\r", "guides: off, lines or dots"},
         {"|", "\u2524\u2500\u2500"}, {":guides dots\r", "\u00b7   \u00b7   \u00b7"}, {"q", "[1 Runs]"});
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
}

// What is typed first replaces what a question offers, so this one offers nothing: a value alone would lose its name.
static void a_fork_is_asked_for_in_whole_words(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 80, 24);
    rig_send(&r, "f");
    rig_wait(&r, "fork dpo-1 with (lr=1e-5 ...)>");
    assert_false(rig_shows(&r, "> lr="));
    WALK(&r, {"2e-5\r", "\"2e-5\" is no NAME=VALUE"}, {"flr=x", "(lr=1e-5 ...)> lr=x"});
    rig_send(&r, "\033");
    rig_wait_gone(&r, "with (");
    rig_send(&r, "qq");
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

// Comparing: groups, differences, small multiples, settings, the best, ranges.
static void keys_that_compare_runs(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":open dpo-1\r", "[2 Curves]"}, {"B", "Only one run is shown"}, {"d", "Only one run is shown"},
         {"1:select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"},
         {"B", "3 runs in 2 groups by seed: mean, with one standard deviation."}, {"", "by seed, sd"},
         {"B", "95 % interval"},
         {"", "by seed, 95 %"}, {"B", "with one standard error"}, {"", "by seed, se"},
         {"B", "with the least and the most"}, {"B", "median, with the quartiles"}, {"", "by seed, quartiles"},
         {"B", "the mean alone"}, {"B", "Each run for itself"},
         {":group objective\r", "by objective, mean"}, {":bands sd\r", "by objective, sd"},
         {":group colour\r", "no run here has a setting colour"},
         {":bands wide\r", "sd, interval, se or quartiles"}, {":group off\r", "x step"},
         {"D", "Each run minus c dpo-wide-beta (P pins another)."},
         {"", "rewards/margins minus c"}, {":pin b\r", "b dpo-1 is pinned"}, {"", "rewards/margins minus b"},
         {":pin zz\r", "zz is not shown here"},
         {"D", "The runs themselves"}, {"V", "each run alone, one scale"}, {"q", "rewards: rewards/margins"},
         {"d", "settings that differ"},
         {"", "beta"}, {"d", "accuracy: rewards/accuracies"},
         {":best rewards/margins\r", "Best by rewards/margins: d dpo-2"},
         {":best nothing\r", "no run here has a metric nothing"},
         {":best completions/mean_length\r", "is more of completions/mean_length better, or less"},
         {":best min:completions/mean_length\r", "Best by completions/mean_length"}, {":raise none\r", "whole run"});
    WALK(&r, {".", "step 1240"}, {"v", "Left and Right take the range's other end"},
         {":range 400 800\r", "steps 400-800"}, {"", "slope/100"}, {"", "minus pinned"},
         {":range 7\r", "two steps are wanted"}, {"+", "zoomed"}, {":range off\r", "step 800"}, {"q0", "whole run"},
         {"X", "x log step"}, {"X", "x step"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
}

// Rows of the table of values in their order: "c b d".
static void order_is(struct rig *r, const char *first, const char *then)
{
    for (int tries = 0; tries < 300; tries++) {
        struct str text = {0};
        rig_text(r, false, &text);
        const char *table = strstr(str_text(&text), "minus first"), *a = table ? strstr(table, first) : NULL;
        const bool is_so = a && strstr(a, then) && !(strstr(table, then) < a);
        str_fini(&text);
        if (is_so)
            return;
        rig_read(r, 0.1);
    }
    fail_msg("%s does not stand above %s", first, then);
}

static void curves_by_another_metric(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 100, 30);
    WALK(&r, {":x kl\r", "The x axis is kl."}, {"", "x kl"}, {"\r", "smoothed"}, {".", "kl 3."}, {"", "whole run"},
         {"v", "by kl there are none"}, {"q+", "zoomed"}, {"0", "whole run"}, {"X", "By kl the axis is linear"},
         {"X", "whole run"}, {":x nothing\r", "no run here has a metric nothing"},
         {":x epochs\r", "not how many epochs"}, {":x tokens\r", "has not recorded what tokens is made from"},
         {"", "x kl"}, {":x wall\r", "by the clock since the first"},
         {":x step\r", "counts steps"}, {"x", "The x axis is kl."});
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
}

static void runs_as_a_scatter_and_as_boxes(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"},
         {":scatter kl rewards/margins@max\r", "rewards/margins@max by kl, 3 runs"},
         {":scatter kl\r", "two metrics are wanted"},
         {":scatter kl nothing\r", "no run here has a metric or setting nothing"},
         {":box loss beta\r", "loss by beta, 3 runs"}, {"", "beta 0.1 (n 2)"},
         {":box loss kl\r", "no run here has a setting kl"}, {"q", "rewards: rewards/margins"},
         {":scatter beta loss\r", "loss by beta, 3 runs"},
         {":scatter off\r", "rewards: rewards/margins"},
         {":color-by beta\r", "Colours and dashes by beta."}, {":color-by shade\r", "no run here has a setting shade"},
         {":color-by off\r", "its own colour"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
}

// The file of a picture, whole: what is in it says what was drawn.
static void picture_has(const char *path, const char *const *wanted, int n)
{
    char *text = NULL;
    size_t size = 0;
    assert_ok(file_read(path, 1 << 24, &text, &size, e));
    for (int i = 0; i < n; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("%s has no %s", path, wanted[i]);
    free(text);
}

#define PICTURE_HAS(path, ...) \
    picture_has(path, (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

// Small multiples of groups: a panel a value, the runs of it over one another; as a picture too.
static void groups_have_a_chart_each(void **state)
{
    struct rig r;
    char *path = path_join(project, "groups.svg");
    struct str keys = {0};
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"},
         {":group beta\r", "by beta, sd"},
         {"V", "each group alone, one scale"}, {"", "beta 0.1, 2 runs"}, {"", "beta 0.3, 1 run"});
    str_addf(&keys, ":picture %s\r", path);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "groups.svg was written");
    PICTURE_HAS(path, ">beta 0.1, 2 runs: ", ">beta 0.3, 1 run: ", ">dpo-2<");
    WALK(&r, {":group off\r", "rewards: rewards/margins"}, {"V", "each run alone, one scale"}, {"", "dpo-wide-beta"});
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
    str_fini(&keys);
    free(path);
}

// Where a curve crosses what was said to be too much; the project keeps it.
static void a_range_says_when_a_budget_is_crossed(void **state)
{
    struct rig r;
    const struct rig_options o = {.project = project, .width = 160, .height = 40, .keeps_session = true};
    open_run_of(&r, "dpo-1", &o);
    WALK(&r, {":metric kl\r", "KL to the reference"}, {":budget much\r", "a value of this chart is wanted"},
         {":budget 0.5\r", "says where KL to the reference crosses 0.5"}, {":range 10 2000\r", "crosses 0.5000 at step "},
         {"\r", "at 0.5000"}, {":budget 500\r", "never crosses 500"}, {":budget off\r", "has no budget"});
    rig_wait_gone(&r, "crosses");
    WALK(&r, {":budget 0.5\r", "crosses 0.5000 at step "});
    rig_send(&r, "1q");
    assert_int_equal(rig_end(&r), 0);
    open_run_of(&r, "dpo-1", &o);
    WALK(&r, {":range 10 2000\r", "crosses 0.5000 at step "});
    rig_send(&r, "1q");
    assert_int_equal(rig_end(&r), 0);
}

// W writes what is on the screen, and the next console begins with it.
static void a_scatter_is_written_and_kept(void **state)
{
    struct rig r;
    const struct rig_options o = {.project = project, .width = 120, .height = 40, .keeps_session = true};
    char *scatter = path_join(project, "scatter.svg"), *boxes = path_join(project, "boxes.svg"),
         *text = path_join(project, "boxes.txt");
    struct str keys = {0};
    rig_start(&r, &o);
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"},
         {":scatter kl rewards/margins@max\r", "rewards/margins@max by kl, 3 runs"});
    str_addf(&keys, ":picture %s\r", scatter);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "scatter.svg was written");
    PICTURE_HAS(scatter, "<title>rewards/margins@max by kl, 3 runs</title>", "<circle", ">b</text>", ">dpo-wide-beta</text>",
                "</svg>");
    WALK(&r, {":box loss beta\r", "loss by beta, 3 runs"});
    str_clear(&keys);
    str_addf(&keys, ":picture %s\r", boxes);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "boxes.svg was written");
    PICTURE_HAS(boxes, "<title>loss by beta, 3 runs</title>", ">beta 0.1 (n 2)</text>", "<polygon", "<circle");
    str_clear(&keys);
    str_addf(&keys, ":picture %s\r", text);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "boxes.txt was written");
    PICTURE_HAS(text, "loss by beta, 3 runs", "beta 0.1 (n 2)");
    rig_send(&r, "1q");
    assert_int_equal(rig_end(&r), 0);
    rig_start(&r, &o);
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {"2", "loss by beta, 3 runs"}, {":box off\r", "rewards: rewards/margins"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    str_fini(&keys);
    free(scatter);
    free(boxes);
    free(text);
}

static void heat_map_and_parallel_axes(void **state)
{
    struct rig r;
    const struct rig_options o = {.project = project, .width = 120, .height = 40, .keeps_session = true};
    char *heat = path_join(project, "heat.svg"), *parallel = path_join(project, "parallel.svg");
    struct str keys = {0};
    rig_start(&r, &o);
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"},
         {":heat-map nothing\r", "no run here has a metric nothing"}, {":heat-map marg\t", ":heat-map rewards/margins"},
         {"\r", "rewards/margins over steps, 3 runs"},
         {"", "steps, the last one 2000"}, {"", "\u2588\u2588"});
    str_addf(&keys, ":picture %s\r", heat);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "heat.svg was written");
    PICTURE_HAS(heat, "<title>rewards/margins over steps, 3 runs</title>", "thin\" points", "steps 0 to 2000");
    WALK(&r, {":parallel beta\r", "two or more settings and metrics"},
         {":parallel beta shade\r", "no run here has a metric or setting shade"},
         {":parallel objective beta kl rewards/margins@max\r", "objective beta kl rewards/margins@max, 3 runs"},
         {"", "dpo"});
    str_clear(&keys);
    str_addf(&keys, ":picture %s\r", parallel);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "parallel.svg was written");
    PICTURE_HAS(parallel, ">beta</text>", ">dpo</text>", ">kl</text>", "<circle");
    rig_send(&r, "1q");
    assert_int_equal(rig_end(&r), 0);
    rig_start(&r, &o);
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {"2", "objective beta kl rewards/margins@max, 3 runs"}, {"q", "rewards: rewards/margins"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    str_fini(&keys);
    free(heat);
    free(parallel);
}

static void values_at_the_cursor_are_sorted(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "[1 Runs]");
    WALK(&r, {":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins"}, {"\r", "minus first"},
         {":sort name\r", "Values by name, the first letter first."});
    order_is(&r, "b dpo-1", "d dpo-2");
    WALK(&r, {":sort name\r", "the last letter first"});
    order_is(&r, "d dpo-2", "b dpo-1");
    WALK(&r, {":sort most\r", "Values by most, the greatest first."}, {":sort size\r", "sort: name, value"},
         {"o", "sort values by"}, {"off\r", "stand as the curves do"});
    order_is(&r, "c dpo-wide-beta", "b dpo-1");
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
}

// A rectangle in one chart: all show its part of the axis, that chart its values too; a press alone chooses the chart.
static void the_mouse_drags_a_rectangle(void **state)
{
    struct rig r;
    open_run(&r, "dpo-1", 120, 40);
    WALK(&r, {"", "whole run"}, {"\033[<0;30;10M\033[<32;40;14M\033[<0;50;14m", "zoomed (0: all)"});
    rig_wait_gone(&r, "2k");
    WALK(&r, {"0", "whole run"}, {"\033[<0;30;10M\033[<0;30;10m", "whole run"},
         {"\033[<0;90;28M\033[<0;90;28m\r", "smoothed"});
    rig_send(&r, "qqq");
    assert_int_equal(rig_end(&r), 0);
}

// Which charts there are: layouts and the filter, kept by the project for the next console.
static void the_project_keeps_layout_and_filter(void **state)
{
    struct rig r;
    char *kept = path_join(project, "console.json");
    const struct rig_options o = {.project = project, .width = 120, .height = 30, .keeps_session = true};
    open_run_of(&r, "dpo-1", &o);
    WALK(&r, {"L", "Layout: preference."}, {"", "preference  x step"}, {":layout throughput\r", "learning rate"},
         {":layout odd\r", "there is none called odd"}, {":layout reward\r", "KL to the reference"},
         {"\\length\r", "\\length: 1 of"}, {"", "response length"}, {"\\\025nothing\r", "No chart passes the filter"},
         {"\\\025!kl\r", "\\!kl:"}, {":layout dpo-pm\r", "no DPO run with one of preference matching"},
         {"", "PM divergence are measured"}, {":layout preference\r", "preference"}, {"x", "Only steps"},
         {":smooth gaussian 30\r", "Gaussian 30"}, {":layout all\r\\\025\r", "whole run"},
         {":grid 2x1\r", "charts 5-6 of"}, {":grid 9x1\r", "from 1x1 to 8x8"},
         {":layout preference\r\\\025!kl\r", "\\!kl:"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    assert_true(file_exists(kept));
    rig_start(&r, &o); // where it was left
    rig_wait(&r, "[2 Curves]");
    WALK(&r, {"", "\\!kl:"}, {"", "preference"}, {"", "Gaussian 30"}, {"", "charts 3-4 of"});
    rig_send(&r, ":grid auto\r");
    rig_wait_gone(&r, "charts 3-4 of");
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    assert_ok(file_write(kept, "{damaged", 8, e)); // is as if there were none
    open_run_of(&r, "dpo-1", &o);
    WALK(&r, {"", "EMA 0.8"});
    rig_send(&r, "qq");
    assert_int_equal(rig_end(&r), 0);
    free(kept);
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
        cmocka_unit_test_setup(keys_of_one_run, forget),
        cmocka_unit_test_setup(a_window_that_is_held_stays_where_it_is, forget),
        cmocka_unit_test_setup(a_fork_is_asked_for_in_whole_words, forget),
        cmocka_unit_test_setup(several_runs_in_one_chart, forget),
        cmocka_unit_test_setup(keys_that_compare_runs, forget),
        cmocka_unit_test_setup(the_project_keeps_layout_and_filter, forget),
        cmocka_unit_test_setup(the_page_remembers, forget),
        cmocka_unit_test_setup(curves_by_another_metric, forget),
        cmocka_unit_test_setup(runs_as_a_scatter_and_as_boxes, forget),
        cmocka_unit_test_setup(groups_have_a_chart_each, forget),
        cmocka_unit_test_setup(a_range_says_when_a_budget_is_crossed, forget),
        cmocka_unit_test_setup(a_scatter_is_written_and_kept, forget),
        cmocka_unit_test_setup(heat_map_and_parallel_axes, forget),
        cmocka_unit_test_setup(values_at_the_cursor_are_sorted, forget),
        cmocka_unit_test_setup(the_mouse_drags_a_rectangle, forget),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
