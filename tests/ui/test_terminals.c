// What a terminal is, in all its kinds: descriptions, locales, answers, mouse, clipboard, job control; and that one that
// goes away hurts no run.
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static void begin(struct rig *r, const struct rig_options *o)
{
    struct rig_options all = *o;
    all.project = project;
    all.width = o->width ? o->width : 80;
    all.height = o->height ? o->height : 24;
    rig_start(r, &all);
    rig_wait(r, "g dpo-next");
}

// ---- descriptions, locales (Q22) ----

static bool has_beyond_ascii(struct rig *r)
{
    struct str shown = {0};
    bool found = false;
    rig_text(r, false, &shown);
    for (size_t i = 0; i < shown.len; i++)
        found = found || (unsigned char)shown.data[i] > 0x7e;
    str_fini(&shown);
    return found;
}

static bool has_colour(struct rig *r)
{
    struct str shown = {0};
    rig_text(r, true, &shown);
    const bool found = strstr(str_text(&shown), " fg") || strstr(str_text(&shown), " bg");
    str_fini(&shown);
    return found;
}

static void every_kind_of_terminal_gets_what_it_can_show_q22(void **state)
{
    static const struct {
        const char *term, *locale;
        bool no_color, ascii, colour, asked;
    } cases[] = {
        {"screen-256color", NULL, false, false, true, true}, {"screen-256color", "C", false, true, true, true},
        {"screen-256color", NULL, true, false, false, true}, {"linux", NULL, false, false, true, false},
        {"linux", "C", true, true, false, false},            {"vt100", NULL, false, false, false, false},
        {"vt100", "C", false, true, false, false},           {"screen", "POSIX", false, true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, &(struct rig_options){.term = cases[i].term, .locale = cases[i].locale, .no_color = cases[i].no_color});
        r.wants_raw = true;
        rig_send(&r, "2");
        rig_wait(&r, "[2 Curves]");
        rig_settle(&r, 0.3);
        if (has_beyond_ascii(&r) == cases[i].ascii)
            fail_msg("%s, %s: ASCII is %s", cases[i].term, cases[i].locale ? cases[i].locale : "UTF-8",
                     cases[i].ascii ? "not all" : "all");
        if (has_colour(&r) != cases[i].colour)
            fail_msg("%s, NO_COLOR %d: colour is %s", cases[i].term, cases[i].no_color,
                     cases[i].colour ? "missing" : "there");
        rig_send(&r, ":mouse on\r");
        rig_settle(&r, 0.3);
        assert_int_equal(rig_shows(&r, "not known to have one"), !cases[i].asked);
        rig_quit(&r);
    }
}

static void without_a_terminal_that_can_it_is_an_error_in_words_q22(void **state)
{
    static const char *const terms[] = {"dumb", ""};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        struct rig r;
        rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24, .term = terms[i]});
        rig_wait(&r, terms[i][0] ? "TERM is dumb" : "TERM is not set");
        rig_wait(&r, "commands instead"); // what to do
        assert_int_equal(rig_end(&r), 8);
    }
}

// ---- what it says of itself ----

static void the_background_is_taken_from_its_answer(void **state)
{
    struct rig r;
    struct str shown = {0};
    begin(&r, &(struct rig_options){0});
    rig_send(&r, "\033]11;rgb:ffff/ffff/ffff\033\\");
    for (int i = 0; i < 100; i++) {
        rig_read(&r, 0.1);
        rig_text(&r, true, &shown);
        if (strstr(str_text(&shown), "fg25"))
            break;
    }
    assert_non_null(strstr(str_text(&shown), "fg25")); // the accent of light backgrounds
    // In pieces, as a slow link brings it, it is still no key: l, o, g and q would do something.
    rig_send(&r, "\033]11;rgb:1e1e/1");
    rig_settle(&r, 0.2);
    rig_send(&r, "e1e/1e1e\a");
    for (int i = 0; i < 100 && !strstr(str_text(&shown), "fg75"); i++) {
        rig_read(&r, 0.1);
        rig_text(&r, true, &shown);
    }
    assert_non_null(strstr(str_text(&shown), "fg75"));
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "\033[?2026;2$y\033[?62;4c");
    rig_settle(&r, 0.2);
    r.wants_raw = true;
    rig_send(&r, "2");
    rig_wait(&r, "[2 Curves]");
    rig_settle(&r, 0.2);
    const char *first = strstr(str_text(&r.raw), "\033[?2026h"), *last = strstr(str_text(&r.raw), "\033[?2026l");
    assert_true(first && last && first < last); // a large frame is shown at once
    rig_quit(&r);
    str_fini(&shown);
}

static void a_slow_way_is_said_and_costs_frames(void **state)
{
    struct run_writer *w[4];
    char *dir = fixture_live(4, 50, w);
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24});
    rig_wait(&r, "> d live-4");
    rig_settle(&r, 0.6); // the answer to what was asked at the start comes late
    rig_send(&r, "\033[?62c");
    for (int64_t step = 51; !rig_shows(&r, "slow link"); step++) {
        if (step > 300)
            fail_msg("the way of 0.6 s is not noticed");
        fixture_step(w[0], 0, step);
        rig_settle(&r, 0.1);
    }
    rig_quit(&r);
    for (int i = 0; i < 4; i++)
        run_writer_close(w[i]);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// ---- mouse and clipboard ----

// The first cells of a text on the screen.
static void press(struct rig *r, const char *text)
{
    struct str shown = {0}, report = {0};
    rig_wait(r, text);
    rig_text(r, false, &shown);
    const char *line = str_text(&shown), *at = strstr(line, text);
    int y = 1;
    assert_non_null(at);
    for (const char *c = line; c < at; c++)
        if (*c == '\n') {
            y++;
            line = c + 1;
        }
    str_addf(&report, "\033[<0;%d;%dM", 1 + (int)utf8_text_columns(line, (size_t)(at - line)), y);
    rig_send(r, str_text(&report));
    str_fini(&shown);
    str_fini(&report);
}

static void the_mouse_chooses_opens_and_presses_hints(void **state)
{
    struct rig r;
    begin(&r, &(struct rig_options){0});
    rig_send(&r, "\033[<0;10;5M\033[<0;10;5m"); // third run: the strip and the head stand above
    rig_wait(&r, "> e dpo-hot");
    rig_send(&r, "\033[<65;10;5M");
    rig_wait(&r, "> b dpo-1");
    rig_send(&r, "\033[<0;10;8M"); // the line under the cursor: opens
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "\033[<64;40;12M");
    rig_wait(&r, "follow"); // zoomed to the newest half
    press(&r, "4 Log");
    rig_wait(&r, "[4 Log]");
    rig_send(&r, "1");
    rig_wait(&r, "[1 Runs]");
    press(&r, "Enter open");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, ":mou");
    rig_wait(&r, ":mou");
    rig_wait(&r, "mouse on|off");
    press(&r, "mouse on|off");
    rig_wait(&r, "mouse on|off ");
    r.wants_raw = true;
    rig_send(&r, "off\r");
    for (int i = 0; i < 400 && !strstr(str_text(&r.raw), "\033[?1002l"); i++)
        rig_read(&r, 0.05);
    assert_non_null(strstr(str_text(&r.raw), "\033[?1002l"));
    rig_quit(&r);
}

static void what_is_copied_goes_to_the_terminal_or_a_file(void **state)
{
    struct rig r;
    begin(&r, &(struct rig_options){0});
    r.wants_raw = true;
    rig_send(&r, "Y");
    rig_wait(&r, "8 bytes were given to the terminal's clipboard");
    assert_non_null(strstr(str_text(&r.raw), "\033]52;c;ZHBvLW5leHQ=\a")); // dpo-next
    struct str line = {0};
    char *path = path_join(project, "copied.txt"), *bytes;
    size_t n_bytes;
    rig_send(&r, "4");
    rig_wait(&r, "[4 Log]");
    str_addf(&line, ":copy-text %s\r", path);
    rig_send(&r, str_text(&line));
    rig_wait(&r, "bytes are in");
    assert_ok(file_read(path, 1 << 20, &bytes, &n_bytes, e));
    assert_non_null(strstr(bytes, "[4 Log]")); // the screen, where a page has nothing of its own
    rig_quit(&r);
    free(bytes);
    free(path);
    str_fini(&line);
}

// Where a terminal takes nothing, Y writes a file.
static void what_is_copied_goes_to_the_file_that_was_named(void **state)
{
    struct rig r;
    char *path = path_join(project, "clipboard"), *bytes;
    size_t n_bytes;
    begin(&r, &(struct rig_options){.args = (const char *const[]){"--copy-file", path, NULL}});
    r.wants_raw = true;
    rig_send(&r, "Y");
    rig_wait(&r, "8 bytes are in");
    assert_ok(file_read(path, 100, &bytes, &n_bytes, e));
    assert_string_equal(bytes, "dpo-next");
    assert_null(strstr(str_text(&r.raw), "\033]52"));
    rig_quit(&r);
    free(bytes);
    free(path);
}

// ---- job control and ends (Q20) ----

static bool is_raw(int terminal)
{
    struct termios now;
    return tcgetattr(terminal, &now) == 0 && !(now.c_lflag & (ICANON | ECHO));
}

static void it_stops_and_comes_back_with_the_whole_screen_q20(void **state)
{
    struct rig r;
    struct str before = {0}, after = {0};
    begin(&r, &(struct rig_options){0});
    rig_wait(&r, "queued");
    rig_wait(&r, "dead");
    rig_settle(&r, 0.5);
    rig_text(&r, true, &before);
    assert_true(is_raw(r.fd));
    r.wants_raw = true;
    kill(r.pid, SIGTSTP); // no shell is there to stop it for: it gives the terminal away and takes it back at once
    for (int i = 0; i < 400 && !(strstr(str_text(&r.raw), "\033[?2004h") && strstr(str_text(&r.raw), "\033[?1002h")); i++)
        rig_read(&r, 0.05);
    assert_non_null(strstr(str_text(&r.raw), "\033[?2004l"));
    assert_non_null(strstr(str_text(&r.raw), "\033[?1002l"));
    assert_non_null(strstr(str_text(&r.raw), "\033[?1002h"));
    vterm_input_write(r.vt, "wall: the machine goes down", 27); // what others write meanwhile
    kill(r.pid, SIGCONT);
    for (int i = 0; i < 200; i++) {
        rig_read(&r, 0.05);
        rig_text(&r, true, &after);
        if (strcmp(str_text(&before), str_text(&after)) == 0)
            break;
    }
    rig_same(str_text(&before), str_text(&after));
    for (int i = 0; i < 100 && !is_raw(r.fd); i++)
        rig_read(&r, 0.05);
    assert_true(is_raw(r.fd));
    // Text of others in between is painted over by Ctrl-l.
    vterm_input_write(r.vt, "\033[5;5Hwall", 10);
    assert_true(rig_shows(&r, "wall"));
    rig_send(&r, "\014");
    rig_wait_gone(&r, "wall");
    rig_quit(&r);
    str_fini(&before);
    str_fini(&after);
}

// The engine has a session of its own, so nothing that the terminal sends when it goes reaches it; here a stand-in of a run.
static void a_terminal_that_vanishes_ends_the_console_alone_q20(void **state)
{
    struct rig r;
    begin(&r, &(struct rig_options){0});
    const pid_t pid = r.pid;
    int status;
    close(r.fd);
    r.fd = -1;
    double until = clock_seconds() + 20;
    pid_t gone = 0;
    while (gone == 0 && clock_seconds() < until) {
        gone = waitpid(pid, &status, WNOHANG);
        usleep(20000);
    }
    if (gone == 0)
        kill(pid, SIGKILL);
    vterm_free(r.vt);
    assert_int_equal(gone, pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void the_terminal_gets_back_what_was_switched_on_q20(void **state)
{
    static const int signals[] = {SIGTERM, SIGSEGV};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct rig r;
        begin(&r, &(struct rig_options){0});
        r.wants_raw = true;
        rig_kill(&r, signals[i]);
        for (int t = 0; t < 100 && !r.has_ended; t++)
            rig_read(&r, 0.1);
        assert_non_null(strstr(str_text(&r.raw), "\033[?1002l")); // the mouse
        assert_non_null(strstr(str_text(&r.raw), "\033[?2004l")); // marks of pastes
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_terminal_gets_what_it_can_show_q22),
        cmocka_unit_test(without_a_terminal_that_can_it_is_an_error_in_words_q22),
        cmocka_unit_test(the_background_is_taken_from_its_answer),
        cmocka_unit_test(a_slow_way_is_said_and_costs_frames),
        cmocka_unit_test(the_mouse_chooses_opens_and_presses_hints),
        cmocka_unit_test(what_is_copied_goes_to_the_terminal_or_a_file),
        cmocka_unit_test(what_is_copied_goes_to_the_file_that_was_named),
        cmocka_unit_test(it_stops_and_comes_back_with_the_whole_screen_q20),
        cmocka_unit_test(a_terminal_that_vanishes_ends_the_console_alone_q20),
        cmocka_unit_test(the_terminal_gets_back_what_was_switched_on_q20),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
