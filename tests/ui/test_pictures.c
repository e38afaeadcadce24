// Curves as pictures in terminals that say that they show them; the terminal's side is played by the test.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

#define KITTY_SAYS "\033_Gi=31;OK\033\\\033[6;20;10t\033[?62;c"

static int count(struct rig *r, const char *what)
{
    int n = 0;
    for (size_t at = 0, size = strlen(what); at + size <= r->raw.len; at++)
        n += memcmp(r->raw.data + at, what, size) == 0;
    return n;
}

// The terminal answers what it is asked behind a frame; not, where the way is to be slow.
static const char *answer; // NULL: none
static size_t heard; // of r->raw

static bool listen(struct rig *r, double seconds)
{
    const bool any = rig_read(r, seconds);
    const char *question = r->raw.len > heard ? memmem(r->raw.data + heard, r->raw.len - heard, "\033[c", 3) : NULL;
    if (question && answer)
        rig_send(r, answer);
    heard = question ? (size_t)(question + 3 - r->raw.data) : heard;
    return any;
}

static void settle(struct rig *r, double quiet_seconds)
{
    while (listen(r, quiet_seconds))
        continue;
}

static void forget(struct rig *r)
{
    settle(r, 0.5);
    str_clear(&r->raw);
    heard = 0;
}

static void expect(struct rig *r, const char *what, bool is_there)
{
    for (int i = 0; i < 100 && is_there && !count(r, what); i++)
        listen(r, 0.1);
    settle(r, 0.3);
    if (is_there != (count(r, what) > 0))
        fail_msg("\"%s\" was %s%s", what + 1, is_there ? "not sent" : "sent",
                 rig_shows(r, "slow link") ? ", the link is slow" : "");
}

// Answers as soon as it is asked; a machine that was too busy for that is asked again.
static void begin(struct rig *r, const char *dir, const char *says)
{
    for (int tries = 0; tries < 8; tries++) {
        rig_start(r, &(struct rig_options){.project = dir, .width = 100, .height = 30, .term = "rxvt-unicode-256color"});
        r->wants_raw = true;
        answer = NULL;
        for (int i = 0; i < 300 && !count(r, "\033[c"); i++)
            rig_read(r, 0.1);
        heard = r->raw.len;
        answer = strstr(says, "[?62") ? says : NULL;
        rig_send(r, says);
        rig_wait(r, "[1 Runs]");
        rig_settle(r, 0.3);
        if (!rig_shows(r, "slow link"))
            return;
        rig_quit(r);
    }
    fail_msg("the link stays slow");
}

static void as_kitty_it_gets_pictures_while_they_are_wanted(void **state)
{
    struct rig r;
    begin(&r, project, "\033[?62;c");
    expect(&r, "\033_Gi=31,s=1,v=1,a=q", true); // asked once it says that it passes over what it does not know
    assert_int_equal(count(&r, "\033_Gi=31"), 1);
    rig_send(&r, KITTY_SAYS);
    rig_send(&r, ":open dpo-1\r");
    rig_wait(&r, "[2 Curves]");
    expect(&r, "\033_Ga=T", false); // cells are what it begins with
    rig_send(&r, ":pictures\r");
    rig_wait(&r, "This terminal says that it shows kitty's pictures");
    rig_send(&r, ":pictures sixel\r");
    rig_wait(&r, "does not say that it shows these");
    expect(&r, "\033_Ga=T", false);
    rig_send(&r, ":pictures auto\r");
    rig_wait(&r, "kitty's, cells of 10 x 20 pixels");
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    expect(&r, "\033_Ga=T,f=100,t=d,i=7004,", true); // two by two charts
    forget(&r);
    rig_send(&r, "Zx"); // says something, and the charts are as they were
    rig_wait(&r, "Only steps are known");
    expect(&r, "\033_Ga=", false);
    forget(&r);
    rig_send(&r, "]"); // smoothed otherwise
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    forget(&r);
    rig_send(&r, ":"); // a list lies over the page
    expect(&r, "\033_Ga=d,d=I,i=7001,", true);
    expect(&r, "\033_Ga=T", false);
    rig_send(&r, "\033");
    expect(&r, "\033_Ga=T,f=100,t=d,i=7004,", true);
    forget(&r);
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    expect(&r, "\033_Ga=d,d=I,i=7004,", true);
    forget(&r);
    rig_send(&r, "2");
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    forget(&r);
    rig_send(&r, "\014"); // all is painted: pictures too
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    rig_send(&r, ":pictures off\r");
    rig_wait(&r, "pictures off");
    rig_wait(&r, "\u2524"); // an axis
    rig_send(&r, ":pictures odd\r");
    rig_wait(&r, "pictures: off, auto, kitty or sixel, not odd");
    rig_quit(&r);
}

static void as_a_terminal_with_sixels_it_gets_them(void **state)
{
    struct rig r;
    struct str shown = {0};
    begin(&r, project, "\033[?62;4;22c");
    rig_settle(&r, 0.3);
    rig_send(&r, ":pictures auto\r");
    rig_wait(&r, "does not say how many pixels a cell has");
    rig_send(&r, "\033[6;20;10t");
    rig_send(&r, ":open dpo-1\r");
    expect(&r, "\033P0;1;0q\"1;1;", true);
    forget(&r);
    rig_send(&r, "x");
    rig_wait(&r, "Only steps are known");
    expect(&r, "\033P0;1;0q", false);
    forget(&r);
    rig_send(&r, "1"); // text takes their place
    rig_wait(&r, "[1 Runs]");
    expect(&r, "\033P0;1;0q", false);
    rig_text(&r, false, &shown);
    rig_send(&r, "2");
    expect(&r, "\033P0;1;0q", true);
    str_fini(&shown);
    rig_quit(&r);
}

static void a_silent_terminal_gets_none_and_no_question(void **state)
{
    static const char *const says[] = {"", "\033[?6c", "\033[?1;2c"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct rig r;
        begin(&r, project, says[i]);
        rig_send(&r, ":pictures auto\r");
        rig_wait(&r, "does not say that it shows pictures");
        rig_send(&r, ":open dpo-1\r");
        rig_wait(&r, "[2 Curves]");
        expect(&r, "\033_G", false);
        expect(&r, "\033P0;1;0q", false);
        rig_quit(&r);
    }
}

// New data asks for at most one picture of a chart a second, and a slow way for none.
static void data_waits_and_a_slow_link_has_none(void **state)
{
    struct run_writer *w[1];
    char *dir = fixture_live(1, 50, w);
    struct rig r;
    begin(&r, dir, "\033[?62;c");
    rig_send(&r, KITTY_SAYS ":open live-1\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, ":pictures auto\r");
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    forget(&r);
    const double from = clock_seconds();
    int64_t step = 51;
    for (; clock_seconds() < from + 4; step++) {
        fixture_step(w[0], 0, step);
        settle(&r, 0.05);
    }
    const int n = count(&r, "\033_Ga=T,f=100,t=d,i=7001,");
    if (n < 1 || n > (int)(clock_seconds() - from) + 1)
        fail_msg("%d pictures in %.1f s", n, clock_seconds() - from);
    answer = NULL;
    for (; !rig_shows(&r, "slow link"); step++) { // what it is asked behind a frame is not answered
        if (step > 600)
            fail_msg("the way is not found slow");
        fixture_step(w[0], 0, step);
        rig_settle(&r, 0.1);
    }
    expect(&r, "\033_Ga=d,d=I,i=7001,", true);
    forget(&r);
    for (int i = 0; i < 10; i++, step++) {
        fixture_step(w[0], 0, step);
        rig_settle(&r, 0.1);
    }
    expect(&r, "\033_Ga=T", false);
    rig_quit(&r);
    run_writer_close(w[0]);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// The setting is the project's, and leaving takes what is shown away.
static void the_project_keeps_the_setting(void **state)
{
    const struct rig_options o = {
        .project = project, .width = 100, .height = 30, .term = "rxvt-unicode-256color", .keeps_session = true};
    struct rig r;
    rig_start(&r, &o);
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":open dpo-1\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, ":pictures kitty\r");
    rig_wait(&r, "does not say that it shows these");
    rig_quit(&r);
    rig_start(&r, &o);
    r.wants_raw = true;
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "\033[?62;c" KITTY_SAYS);
    expect(&r, "\033_Ga=T,f=100,t=d,i=7001,", true);
    str_clear(&r.raw);
    rig_send(&r, "\003\003\033[?62;c");
    for (int i = 0; i < 100 && !r.has_ended; i++)
        rig_read(&r, 0.1);
    assert_int_equal(count(&r, "\033_Ga=d,d=A"), 1);
    assert_int_equal(rig_end(&r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_kitty_it_gets_pictures_while_they_are_wanted),
        cmocka_unit_test(as_a_terminal_with_sixels_it_gets_them),
        cmocka_unit_test(a_silent_terminal_gets_none_and_no_question),
        cmocka_unit_test(data_waits_and_a_slow_link_has_none),
        cmocka_unit_test(the_project_keeps_the_setting),
    };
    return run_side_by_side(5, tests, sizeof tests / sizeof *tests, fixture_set_up, fixture_tear_down);
}
