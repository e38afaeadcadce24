// Views that are kept, and opened by somebody else: what is shown is read off the screen, and bad files change nothing.
#include "config.h"

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"

static char *other;

static int set_up(void **state)
{
    project = fixture_project(300);
    other = fixture_project(300);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(project, e));
    assert_ok(file_remove_tree(other, e));
    free(project);
    free(other);
    return 0;
}

static void begin(struct rig *r, const char *dir, const char *file)
{
    rig_start(r, &(struct rig_options){.project = dir, .width = 120, .height = 30,
                                       .args = (const char *const[]){"--fresh", file ? "--view" : NULL, file, NULL}});
}

static void say(struct rig *r, const char *line, const char *shows)
{
    rig_send(r, line);
    rig_wait(r, shows);
}

static char *command(const char *format, const char *path)
{
    struct str s = {0};
    str_addf(&s, format, path);
    return str_take(&s);
}

static void a_view_is_kept_and_opened_elsewhere(void **state)
{
    struct rig r;
    char *path = path_join(project, "for-you.json"), *export = command(":view export %s\r", path);
    begin(&r, project, NULL);
    rig_wait(&r, "[1 Runs]");
    say(&r, ":select dpo-1\r:select dpo-2\r:open dpo-wide-beta\r", "rewards: rewards/margins");
    say(&r, ":smooth 0.6\r", "EMA 0.6");
    say(&r, ":layout reward\r", "KL to the reference");
    say(&r, "\\!length\r", "\\!length:");
    say(&r, "X", "x log step");
    say(&r, ":pin d\r", "d dpo-2 is pinned");
    say(&r, "D", "minus d");
    say(&r, ":view save kl-talk\r", "The view is kept as kl-talk");
    say(&r, export, "has the view");
    // Everything otherwise, and back.
    say(&r, "D:smooth 0\rX:layout all\r", "raw");
    say(&r, "1:select-all\r:open sft-base\r", "sft-base");
    say(&r, ":view kl-talk\r", "EMA 0.6");
    rig_wait(&r, "b dpo-1");
    rig_wait(&r, "minus d");
    rig_wait(&r, "x log step");
    rig_wait(&r, "\\!length:");
    assert_false(rig_shows(&r, "sft-base"));
    say(&r, ":view nothing\r", "none is kept as nothing");
    say(&r, ":view save ../up\r", "../up");
    assert_false(rig_shows(&r, "is kept as"));
    rig_quit(&r);
    begin(&r, other, path); // somebody else's copy of the project
    rig_wait(&r, "[2 Curves]");
    rig_wait(&r, "EMA 0.6");
    rig_wait(&r, "b dpo-1");
    rig_wait(&r, "minus d");
    rig_wait(&r, "x log step");
    rig_wait(&r, "\\!length:");
    rig_quit(&r);
    free(export);
    free(path);
}

static void what_is_no_view_is_refused_before_anything_is_shown(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{", "bad.json"},
        {"{}", "it is no view of Attune's console"},
        {"[1]", "it is no view of Attune's console"},
        {"{\"attune_view\":7}", "a newer Attune may open it"},
        {"{\"attune_view\":1,\"page\":\"Moon\"}", "\"page\" is none of"},
        {"{\"attune_view\":1,\"page\":\"Curves\",\"run\":3}", "are not all there"},
        {"{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"\",\"selected\":[1],\"looks\":{}}", "no name of a run"},
        {"{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"elsewhere\",\"selected\":[\"away\"],\"looks\":{}}",
         "none of its runs"},
        {"{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"dpo-1\",\"selected\":[],\"looks\":{\"smooth\":7}}",
         "its \"smooth\" is nothing"},
        {"{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"dpo-1\",\"selected\":[],\"looks\":{\"x\":\"moons\"}}",
         "its \"x\" is nothing"},
    };
    char *path = path_join(project, "bad.json"), *open = command(":view %s\r", path);
    struct rig r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(file_write(path, cases[i].text, strlen(cases[i].text), e));
        begin(&r, project, path);
        r.wants_raw = true;
        while (!r.has_ended)
            rig_read(&r, 0.1);
        struct str said = {0}; // a terminal breaks lines with returns
        str_add(&said, str_text(&r.raw));
        assert_int_not_equal(rig_end(&r), 0);
        if (!strstr(str_text(&said), cases[i].says))
            fail_msg("%s: it says %s", cases[i].text, str_text(&said));
        str_fini(&said);
    }
    // In the console it is an error, and what is shown stays.
    begin(&r, project, NULL);
    rig_wait(&r, "[1 Runs]");
    say(&r, ":open dpo-2\r", "[2 Curves]");
    say(&r, ":smooth 0.5\r", "EMA 0.5");
    say(&r, open, "its \"x\" is nothing that the page Curves can show");
    assert_true(rig_shows(&r, "EMA 0.5"));
    assert_true(rig_shows(&r, "dpo-2"));
    rig_quit(&r);
    free(open);
    free(path);
}

// A file of somebody else may hold any numbers: a window that no two steps fit into is the whole run.
static void a_window_without_width_is_the_whole_run(void **state)
{
    static const char text[] = "{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"dpo-1\",\"selected\":[],\"looks\":{"
                               "\"smooth\":0.7,\"whole\":false,\"follow\":true,\"from\":0,\"to\":1e-14}}";
    char *path = path_join(project, "narrow.json");
    struct rig r;
    assert_ok(file_write(path, text, strlen(text), e));
    begin(&r, project, path);
    rig_wait(&r, "EMA 0.7");
    rig_send(&r, "F++--.");
    rig_wait(&r, "EMA 0.7");
    rig_quit(&r);
    free(path);
}

// One axis is no parallel axes: between which would a line go?
static void one_axis_alone_is_left_out(void **state)
{
    static const char text[] =
        "{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"dpo-1\",\"selected\":[\"dpo-2\"],\"looks\":{"
        "\"smooth\":0.7,\"summary\":\"parallel\",\"summary_axes\":\"beta \"}}";
    char *path = path_join(project, "one-axis.json");
    struct rig r;
    assert_ok(file_write(path, text, strlen(text), e));
    begin(&r, project, path);
    rig_wait(&r, "EMA 0.7");
    rig_wait(&r, "loss"); // curves
    rig_quit(&r);
    free(path);
}

// Runs that are not here are named, and the rest is shown.
static void runs_that_are_missing_are_said(void **state)
{
    static const char text[] = "{\"attune_view\":1,\"page\":\"Curves\",\"run\":\"dpo-1\",\"selected\":[\"dpo-2\","
                               "\"away-1\"],\"looks\":{\"smooth\":0.7}}";
    char *path = path_join(project, "part.json");
    struct rig r;
    assert_ok(file_write(path, text, strlen(text), e));
    begin(&r, project, path);
    rig_wait(&r, "Not in this project: away-1");
    rig_wait(&r, "EMA 0.7");
    rig_wait(&r, "d dpo-2");
    rig_quit(&r);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_kept_and_opened_elsewhere),
        cmocka_unit_test(what_is_no_view_is_refused_before_anything_is_shown),
        cmocka_unit_test(a_window_without_width_is_the_whole_run),
        cmocka_unit_test(one_axis_alone_is_left_out),
        cmocka_unit_test(runs_that_are_missing_are_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
