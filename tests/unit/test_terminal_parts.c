// What the console and a terminal say to each other: answers, the mouse, the clipboard, how long the way is; and the
// machine.
#include "config.h"

#include <math.h>

#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ui/term/clipboard.h"
#include "ui/term/keys.h"
#include "ui/term/kitty.h"
#include "ui/term/link.h"
#include "ui/machine.h"
#include "ui/term/terminal.h"

static enum terminal_said say(struct terminal *t, const char *bytes)
{
    int key;
    const size_t n = strlen(bytes);
    for (size_t part = 1; part < n; part++) // any beginning of an answer waits for the rest
        assert_int_equal(key_decode(bytes, part, false, &key), 0);
    assert_int_equal(key_decode(bytes, n, false, &key), n);
    assert_int_equal(key, KEY_REPLY_);
    return terminal_reply(t, bytes, n);
}

static void answers_are_understood_and_are_no_keys(void **state)
{
    struct terminal t = {.n_open = 1};
    assert_int_equal(say(&t, "\033]11;rgb:ffff/ffff/ffff\033\\"), SAID_BACKGROUND);
    assert_int_equal(t.background, BACKGROUND_LIGHT);
    assert_int_equal(say(&t, "\033]11;rgb:1e1e/1e1e/1e1e\a"), SAID_BACKGROUND);
    assert_int_equal(t.background, BACKGROUND_DARK);
    assert_int_equal(say(&t, "\033]11;nothing\a"), SAID_NOTHING);
    assert_int_equal(say(&t, "\033[?2026;2$y"), SAID_SYNCHRONIZES);
    assert_true(t.synchronizes);
    assert_int_equal(say(&t, "\033[?62;22c"), SAID_PONG);
    assert_false(t.sixel);
    assert_int_equal(t.n_open, 0);
    assert_int_equal(say(&t, "\033[?64;1;4;22c"), SAID_PONG);
    assert_true(t.sixel);
    assert_int_equal(say(&t, "\033P1+r\033\\"), SAID_NOTHING);
    assert_string_equal(terminal_picture_questions(&t), KITTY_QUESTION "\033[16t\033[c");
    assert_int_equal(say(&t, KITTY_ANSWER "\033\\"), SAID_PICTURES);
    assert_true(t.kitty);
    assert_int_equal(say(&t, "\033[6;20;10t"), SAID_PICTURES);
    assert_int_equal(t.cell_height, 20);
    assert_int_equal(t.cell_width, 10);
    assert_int_equal(say(&t, "\033[6;0;10t"), SAID_NOTHING); // no size of a cell
    assert_int_equal(say(&t, "\033[6;9999;9999t"), SAID_NOTHING);
    assert_int_equal(t.cell_height, 20);
    struct terminal none = {0};
    assert_int_equal(say(&none, "\033_Gi=31;ENOTSUPPORTED\033\\"), SAID_NOTHING);
    assert_false(none.kitty);
    none.n_open = 1;
    assert_int_equal(say(&none, "\033[?1;2;4c"), SAID_PONG); // tmux, which would take the question for a title
    assert_true(none.sixel);
    assert_string_equal(terminal_picture_questions(&none), "");
    assert_int_equal(say(&none, "\033[?2026;0$y"), SAID_NOTHING); // it does not know the mode
    assert_false(none.synchronizes);
}

static void keys_that_look_like_the_beginning_of_an_answer_stay_keys(void **state)
{
    int key;
    assert_int_equal(key_decode("\033]", 2, true, &key), 2);
    assert_int_equal(key, ']' | KEY_ALT_);
    assert_int_equal(key_decode("\033P", 2, true, &key), 2);
    assert_int_equal(key, 'P' | KEY_ALT_);
    assert_false(key_is_begun("\033]", 2));
    assert_true(key_is_begun("\033]11;rg", 7));
    assert_false(key_is_begun("\033[", 2));
    assert_false(key_is_begun("\033\0a", 3)); // Alt with Ctrl-Space, as it is also sent
    assert_false(key_is_begun("\033[\0", 3));
    assert_true(key_is_begun("\033[<35", 5));
    assert_true(key_is_begun("\033[6;1", 5));
}

static void only_terminals_that_answer_are_asked(void **state)
{
    static const char *const yes[] = {"xterm", "xterm-256color", "screen-256color", "tmux", "foot", "alacritty"};
    static const char *const no[] = {"linux", "vt100", "vt220", "dumb", "ansi", "cons25", ""};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(terminal_is_known(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(terminal_is_known(no[i]));
    assert_false(terminal_is_known(NULL));
}

static void the_mouse_is_one_number(void **state)
{
    static const struct {
        const char *bytes;
        enum mouse_act act;
        int x, y;
    } cases[] = {
        {"\033[<0;1;1M", MOUSE_PRESS, 0, 0}, {"\033[<0;80;24m", MOUSE_RELEASE, 79, 23},
        {"\033[<64;10;5M", MOUSE_WHEEL_UP, 9, 4},
        {"\033[<65;1024;1024M", MOUSE_WHEEL_DOWN, 1023, 1023}, {"\033[<2;3;4M", MOUSE_OTHER, 2, 3},
    };
    struct mouse m;
    int key;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(key_decode(cases[i].bytes, strlen(cases[i].bytes), false, &key), strlen(cases[i].bytes));
        assert_true(key_mouse(key, &m));
        assert_int_equal(m.act, cases[i].act);
        assert_int_equal(m.x, cases[i].x);
        assert_int_equal(m.y, cases[i].y);
    }
    static const char *const broken[] = {"\033[<0;0;1M", "\033[<0;1M", "\033[<;;M", "\033[<0;99999;1M"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_int_equal(key_decode(broken[i], strlen(broken[i]), false, &key), strlen(broken[i]));
        assert_int_equal(key, KEY_NONE_);
    }
    assert_false(key_mouse('j', &m));
    assert_false(key_mouse('j' | KEY_ALT_, &m));
    assert_false(key_mouse(KEY_F12_, &m));
}

// ---- the clipboard ----

static void expect_sequence(const char *text, enum multiplexer within, const char *want)
{
    struct str out = {0};
    assert_true(clipboard_sequence(text, strlen(text), within, &out));
    assert_string_equal(str_text(&out), want);
    str_fini(&out);
}

static void text_goes_to_the_clipboard_as_base64(void **state)
{
    expect_sequence("", MULTIPLEXER_NONE, "\033]52;c;\a");
    expect_sequence("f", MULTIPLEXER_NONE, "\033]52;c;Zg==\a");
    expect_sequence("fo", MULTIPLEXER_NONE, "\033]52;c;Zm8=\a");
    expect_sequence("foobar", MULTIPLEXER_NONE, "\033]52;c;Zm9vYmFy\a");
    expect_sequence("\xff\xfe\xfd", MULTIPLEXER_NONE, "\033]52;c;//79\a");
    expect_sequence("f", MULTIPLEXER_TMUX, "\033]52;c;Zg==\a\033Ptmux;\033\033]52;c;Zg==\a\033\\");
    expect_sequence("f", MULTIPLEXER_SCREEN, "\033P\033]52;c;Zg==\a\033\\");
}

// Every byte value comes back, and no piece for GNU screen is longer than it takes.
static void what_is_copied_can_be_read_back(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct rng r = rng_make(5, RNG_TEST, 2);
    char text[2000];
    struct str out = {0}, code = {0}, back = {0};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)rng_below(&r, 256);
    assert_true(clipboard_sequence(text, sizeof text, MULTIPLEXER_SCREEN, &out));
    for (const char *at = str_text(&out); *at;) {
        assert_memory_equal(at, "\033P", 2);
        const char *end = strstr(at, "\033\\");
        assert_non_null(end);
        assert_true(end - at <= 768);
        str_addn(&code, at + 2, (size_t)(end - at) - 2);
        at = end + 2;
    }
    const char *base = str_text(&code) + strlen("\033]52;c;");
    for (; base[0] != '\a'; base += 4) {
        uint32_t all = 0;
        int n = 0;
        for (int i = 0; i < 4; i++) {
            const char *at = base[i] == '=' ? NULL : strchr(digits, base[i]);
            all = all << 6 | (uint32_t)(at ? at - digits : 0);
            n += at != NULL;
        }
        for (int i = 0; i < n - 1; i++)
            str_addc(&back, (char)(all >> (16 - 8 * i)));
    }
    assert_int_equal(back.len, sizeof text);
    assert_memory_equal(back.data, text, sizeof text);
    str_fini(&out);
    str_fini(&code);
    str_fini(&back);
}

static void more_than_terminals_take_is_refused(void **state)
{
    struct str out = {0};
    char *text = mem_alloc(CLIPBOARD_MAX + 1, 1);
    assert_true(clipboard_sequence(text, CLIPBOARD_MAX, MULTIPLEXER_NONE, &out));
    assert_true(out.len <= 100000 + 8);
    str_clear(&out);
    assert_false(clipboard_sequence(text, CLIPBOARD_MAX + 1, MULTIPLEXER_NONE, &out));
    assert_int_equal(out.len, 0);
    str_fini(&out);
    free(text);
}

// ---- the way to the terminal ----

static double after_trips(struct link *l, double *now, double trip_s, int n)
{
    for (int i = 0; i < n; i++) {
        *now = fmax(*now + 0.1, l->next_s);
        if (l->answers)
            assert_true(link_wants_question(l, *now));
        link_asked(l, *now);
        assert_false(link_wants_question(l, *now + 100));
        link_answered(l, *now += trip_s);
    }
    return link_period(l, *now);
}

static void a_long_way_means_fewer_frames_and_a_short_one_all(void **state)
{
    struct link l = {0};
    double now = 1;
    assert_false(link_wants_question(&l, 100)); // it never answered
    assert_true(after_trips(&l, &now, 0.03, 3) == 0);
    assert_true(after_trips(&l, &now, 0.5, 8) == 2);
    assert_true(after_trips(&l, &now, 0.3, 12) == 1);
    assert_true(after_trips(&l, &now, 0.2, 12) == 1);  // between the two limits it stays as it was
    assert_true(after_trips(&l, &now, 0.01, 12) == 0);
    assert_true(after_trips(&l, &now, 0.2, 12) == 0);
}

static void an_answer_that_does_not_come_slows_and_is_given_up(void **state)
{
    struct link l = {0};
    double now = 1;
    after_trips(&l, &now, 0.02, 2);
    now = l.next_s;
    link_asked(&l, now);
    assert_true(link_period(&l, now + 0.1) == 0);
    assert_true(link_period(&l, now + 1) == 2);
    assert_true(link_period(&l, now + 21) == 0); // another terminal, perhaps: it is asked again
    assert_true(link_wants_question(&l, now + 21));
}

// ---- the machine ----

static void write_proc(const char *dir, const char *stat, const char *meminfo)
{
    char *a = path_join(dir, "stat"), *b = path_join(dir, "meminfo");
    assert_ok(file_write(a, stat, strlen(stat), e));
    assert_ok(file_write(b, meminfo, strlen(meminfo), e));
    free(a);
    free(b);
}

static void the_machine_is_read_from_proc(void **state)
{
    char *dir = test_folder();
    struct machine m;
    write_proc(dir, "cpu  100 0 100 700 100 0 0 0 0 0\n", "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 6291456 kB\n");
    struct machine_reader *r = machine_reader_new(dir, "no-such-library.so");
    machine_read(r, &m);
    assert_true(isnan(m.cpu)); // one reading is no rate
    assert_int_equal(m.n_gpus, 0);
    assert_true(m.memory == 8ull << 30 && m.memory_used == 2ull << 30);
    write_proc(dir, "cpu  150 0 125 715 110 0 0 0 0 0\n", "nothing\n");
    machine_read(r, &m);
    assert_true(fabs(m.cpu - 0.75) < 1e-12); // 75 of 100 ticks
    assert_true(m.memory == 0);
    write_proc(dir, "", "");
    machine_read(r, &m);
    assert_true(isnan(m.cpu));
    machine_reader_free(r);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void a_card_is_asked_through_its_library(void **state)
{
    char *library = test_build("tests/unit/fake_nvml.so");
    struct machine m;
    struct str text = {0};
    if (!file_exists(library)) {
        print_message("          skipped: %s was not built\n", library);
        skip();
    }
    struct machine_reader *r = machine_reader_new("/nonexistent", library);
    machine_read(r, &m);
    assert_int_equal(m.n_gpus, 2); // the third of its cards is lost
    assert_true(m.gpus[0].use == 0.97 && m.gpus[0].watts == 412);
    assert_true(m.gpus[0].memory == 80ull << 30 && m.gpus[0].memory_used == 61ull << 30);
    assert_true(isnan(m.gpus[1].use) && isnan(m.gpus[1].watts)); // it says nothing but its memory
    machine_text(&m, 80, &text);
    assert_string_equal(str_text(&text), "gpu0 97% 61/80G 412W 63C  gpu1 1.0/80G");
    uint64_t memory;
    str_clear(&text);
    machine_cards_of(&m, 77, &text, &memory);
    assert_string_equal(str_text(&text), "0,1");
    assert_true(memory == 3ull << 30); // what is not available is not added
    str_clear(&text);
    machine_cards_of(&m, 78, &text, &memory);
    assert_string_equal(str_text(&text), "");
    assert_true(memory == 0);
    machine_reader_free(r);
    str_fini(&text);
    free(library);
}

static void as_much_of_the_machine_is_said_as_fits(void **state)
{
    struct machine m = {.cpu = 0.874, .memory = 16ull << 30, .memory_used = 3ull << 30, .n_gpus = 1,
                        .gpus = {{.use = 1, .memory = 24ull << 30, .memory_used = 512ull << 20, .watts = NAN,
                                  .celsius = 70}}};
    static const struct {
        int columns;
        const char *want;
    } cases[] = {
        {80, "gpu 100% 0.5/24G 70C  cpu 87%  mem 3.0/16G"}, {42, "gpu 100% 0.5/24G 70C  cpu 87%  mem 3.0/16G"},
        {41, "gpu 100% 0.5/24G 70C  cpu 87%"}, {20, "gpu 100% 0.5/24G 70C"}, {19, ""}, {0, ""}, {-5, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = {0};
        machine_text(&m, cases[i].columns, &text);
        assert_string_equal(str_text(&text), cases[i].want);
        str_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_understood_and_are_no_keys),
        cmocka_unit_test(keys_that_look_like_the_beginning_of_an_answer_stay_keys),
        cmocka_unit_test(only_terminals_that_answer_are_asked),
        cmocka_unit_test(the_mouse_is_one_number),
        cmocka_unit_test(text_goes_to_the_clipboard_as_base64),
        cmocka_unit_test(what_is_copied_can_be_read_back),
        cmocka_unit_test(more_than_terminals_take_is_refused),
        cmocka_unit_test(a_long_way_means_fewer_frames_and_a_short_one_all),
        cmocka_unit_test(an_answer_that_does_not_come_slows_and_is_given_up),
        cmocka_unit_test(the_machine_is_read_from_proc),
        cmocka_unit_test(a_card_is_asked_through_its_library),
        cmocka_unit_test(as_much_of_the_machine_is_said_as_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
