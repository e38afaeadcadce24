// The console as a person meets it: what the screens show in every mode, and that the terminal comes back.
#include "config.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

// The list and the pages behind it, at one size and in one mode.
static void check_pages(const struct rig_options *o, const char *mode, bool with_styles)
{
    static const struct {
        const char *keys, *page, *ready;
    } steps[] = {
        {"", "runs", "dpo-wide-beta"},
        {"jjjj", "runs-down", ">"},
        {"\r", "curves", "[2 Curves]"},
        {"3", "samples", "fox"},
        {"4", "log", "[4 Log]"},
        {"?", "help", "Keys and commands"},
    };
    struct rig r;
    char name[64];
    rig_start(&r, o);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        rig_send(&r, steps[i].keys);
        snprintf(name, sizeof name, "%s-%s.txt", steps[i].page, mode);
        rig_expect(&r, name, with_styles, steps[i].ready);
    }
    rig_send(&r, "qqq"); // the help, the page, the console
    assert_int_equal(rig_end(&r), 0);
}

// The line of a run whose policy answers as it learns.
static void check_online(int width, int height, const char *name)
{
    struct rig r;
    char *dir = fixture_online(300);
    rig_start(&r, &(struct rig_options){.project = dir, .width = width, .height = height});
    rig_wait(&r, "rloo-1");
    rig_send(&r, "\r");
    rig_expect(&r, name, false, "decode 12.13 k tok/s, rollouts 54 % of step");
    rig_quit(&r);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void speed_of_sampling_stands_in_the_run_s_screen(void **state)
{
    check_online(80, 24, "curves-online-80x24.txt");
    check_online(200, 50, "curves-online-200x50.txt");
}

static void screens_are_as_kept_80x24_braille_256(void **state)
{
    check_pages(&(struct rig_options){.project = project, .width = 80, .height = 24, .background = "dark"},
                "80x24-braille-256", true);
}

static void screens_are_as_kept_80x24_ascii_mono(void **state)
{
    check_pages(&(struct rig_options){.project = project, .width = 80, .height = 24, .locale = "C", .no_color = true},
                "80x24-ascii-mono", true);
}

static void screens_are_as_kept_80x24_block_8(void **state)
{
    check_pages(&(struct rig_options){.project = project, .width = 80, .height = 24, .term = "linux"}, "80x24-block-8",
                true);
}

static void a_tiny_terminal_says_what_it_needs(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 30, .height = 5});
    rig_wait(&r, "need 40x12, have 30x5");
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
}

static void cursor_keys_of_both_modes_and_alt_digits_work(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "\033[B");
    rig_wait(&r, "> f rm-1");
    rig_send(&r, "\033OB");
    rig_wait(&r, "> e dpo-hot");
    rig_send(&r, "\033OA");
    rig_wait(&r, "> f rm-1");
    rig_send(&r, "\0334");
    rig_wait(&r, "[4 Log]");
    rig_send(&r, "\033");
    rig_wait(&r, "[1 Runs]");
    rig_quit(&r);
}

static void the_prompt_finds_commands_by_a_few_letters(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":samp");
    rig_wait(&r, "What the model writes.");
    rig_send(&r, "\r");
    rig_wait(&r, "[3 Samples]");
    rig_send(&r, ":nosuchthing\r");
    rig_wait(&r, "There is no command nosuchthing");
    rig_send(&r, ":runs\t\r");
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":sort margin\r");
    rig_wait(&r, "> g dpo-next");
    rig_quit(&r);
}

static void rewards_of_tokens_can_be_switched_off_and_on(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":open dpo-1\r3");
    rig_wait(&r, "by up to 1.200");
    rig_wait(&r, "<end>");
    rig_send(&r, "t");
    for (int i = 0; (rig_shows(&r, "<end>") || rig_shows(&r, "by up to")) && i < 100; i++)
        rig_read(&r, 0.1);
    assert_false(rig_shows(&r, "<end>") || rig_shows(&r, "by up to"));
    rig_send(&r, ":heat\r");
    rig_wait(&r, "<end>");
    rig_quit(&r);
}

static void controls_are_posted_to_the_store(void **state)
{
    struct rig r;
    struct store *s;
    struct control controls[8];
    assert_ok(store_open(&s, project, false, e));
    int64_t before = store_last_control(s, "dpo-wide-beta");
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":open dpo-wide-beta\r4");
    rig_wait(&r, "[4 Log]");
    rig_send(&r, "p");
    rig_wait(&r, "pauses after this step");
    rig_send(&r, "c");
    rig_wait(&r, "writes a checkpoint after this step");
    rig_send(&r, "s");
    rig_wait(&r, "Stop dpo-wide-beta? It writes a checkpoint first.");
    rig_send(&r, "n");
    rig_wait(&r, "Nothing was done.");
    rig_send(&r, "s");
    rig_wait(&r, "Stop dpo-wide-beta?");
    rig_send(&r, "y");
    rig_wait(&r, "writes a checkpoint and stops");
    rig_quit(&r);
    struct err fault = {0};
    int n = store_controls_after(s, "dpo-wide-beta", before, controls, 8, &fault);
    assert_int_equal(n, 3);
    assert_int_equal(controls[0].kind, CONTROL_PAUSE);
    assert_int_equal(controls[1].kind, CONTROL_CHECKPOINT);
    assert_int_equal(controls[2].kind, CONTROL_STOP);
    store_close(s);
}

// What is pasted is no key: "q" would leave, "s" stop, "D" remove. In a field it is text, on one line, and runs nothing.
static void a_paste_is_text_in_a_field_and_nothing_elsewhere(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, "\033[200~sqDyd\r\nq\033[201~");
    rig_wait(&r, "What was pasted (8 bytes) was not taken");
    rig_wait(&r, "> g dpo-next");
    rig_send(&r, ":\033[200~log\n");
    rig_send(&r, " and more\033[20");
    rig_send(&r, "1~");
    rig_wait(&r, ":log  and more");
    rig_send(&r, "\033");
    rig_wait_gone(&r, ":log  and more"); // an Escape with a letter at once would be another key
    rig_send(&r, ":open dpo-wide-beta\rs");
    rig_wait(&r, "y / n");
    rig_send(&r, "\033[200~y\033[201~");
    rig_wait(&r, "Stop dpo-wide-beta?");
    rig_send(&r, "n");
    rig_wait(&r, "Nothing was done.");
    rig_quit(&r);
}

// Text whose characters have marks, vowel signs and joiners, as a sample; every line ends where the frame stands, and a
// screen that was drawn piece by piece is the one that is painted anew.
static void scripts_of_the_world_keep_their_cells(void **state)
{
    static const char text[] = "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u093e \u0ba4\u0bae\u0bbf\u0bb4\u0bcd "
                               "\u0e20\u0e32\u0e29\u0e32\u0e17\u0e35\u0e48 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 "
                               "\u1112\u1161\u11ab\u1100\u1173\u11af \U0001f468\u200d\U0001f469\u200d\U0001f467 "
                               "\U0001f1e9\U0001f1ea \u2764\ufe0f \U0001f44d\U0001f3fd end";
    static const char hindi[] = "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u093e \u0ba4\u0bae\u0bbf\u0bb4\u0bcd "
                                "\u0e20\u0e32\u0e29\u0e32\u0e17\u0e35\u0e48";
    struct run_writer *w;
    char *dir = fixture_live(1, 3, &w);
    struct rig r;
    struct str before = {0}, after = {0};
    for (int i = 0; i < 12; i++) {
        struct run_sample sample = {.at_ms = 1, .step = i + 1, .prompt = "Say it.",
                                    .response = (char *)(i % 2 ? text : "plain text"), .reward = NAN};
        assert_ok(run_writer_sample(w, &sample, e));
    }
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24});
    rig_wait(&r, "> a live-1");
    rig_send(&r, "3");
    rig_wait(&r, "[3 Samples]");
    rig_wait(&r, hindi);
    for (int i = 0; i < 5; i++) {
        rig_send(&r, "j");
        rig_settle(&r, 0.2);
    }
    rig_settle(&r, 0.5);
    rig_text(&r, false, &before);
    rig_send(&r, "\014");
    rig_settle(&r, 0.5);
    rig_text(&r, false, &after);
    assert_string_equal(str_text(&before), str_text(&after));
    rig_send(&r, "j");
    rig_wait(&r, "DE");
    for (int y = 0; y < 24; y++) {
        VTermScreenCell first, last;
        vterm_screen_get_cell(r.screen, (VTermPos){.row = y, .col = 0}, &first);
        vterm_screen_get_cell(r.screen, (VTermPos){.row = y, .col = 79}, &last);
        assert_int_equal(first.chars[0] == 0x2502, last.chars[0] == 0x2502); // both edges of the frame, or neither
    }
    rig_quit(&r);
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    str_fini(&before);
    str_fini(&after);
}

static void a_run_whose_folder_is_gone_is_missing(void **state)
{
    struct run_writer *w;
    char *dir = fixture_live(1, 3, &w), *folder = path_join(dir, "runs/live-1");
    struct rig r;
    run_writer_close(w);
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24});
    rig_wait(&r, "> a live-1");
    rig_wait(&r, "running");
    assert_ok(file_remove_tree(folder, e));
    rig_wait(&r, "missing");
    rig_wait(&r, "its folder runs/live-1 is gone: D removes it");
    assert_false(rig_shows(&r, "queued"));
    rig_quit(&r);
    assert_ok(file_remove_tree(dir, e));
    free(folder);
    free(dir);
}

static void the_log_says_that_an_engine_was_killed(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, ":open rm-1\r4");
    rig_wait(&r, "[4 Log]");
    rig_wait(&r, "the engine, process");
    rig_quit(&r);
}

static void signals_give_the_terminal_back(void **state)
{
    static const struct {
        int number, status;
    } cases[] = {{SIGTERM, 0}, {SIGHUP, 0}, {SIGINT, 0}, {SIGSEGV, -SIGSEGV}, {SIGABRT, -SIGABRT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct termios after;
        const tcflag_t fresh = ICANON | ECHO | ISIG; // as every new pseudo-terminal has it
        rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
        int terminal = dup(r.fd); // stays when the rig closes its own
        rig_wait(&r, "[1 Runs]");
        rig_kill(&r, cases[i].number);
        double until = 100;
        while (!r.has_ended && until-- > 0)
            rig_read(&r, 0.1);
        bool is_back = !rig_shows(&r, "[1 Runs]"); // the other screen is shown again
        assert_int_equal(rig_end(&r), cases[i].status);
        assert_true(is_back);
        assert_int_equal(tcgetattr(terminal, &after), 0);
        assert_int_equal(after.c_lflag & fresh, fresh);
        close(terminal);
    }
}

static void a_missing_terminal_is_an_error_in_words(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24, .term = "dumb"});
    rig_wait(&r, "attune: ");
    rig_wait(&r, "dumb");
    assert_true(rig_end(&r) > 0);
}

static void a_terminal_without_a_description_is_taken_for_xterm(void **state)
{
    static const char *const terms[] = {"xterm-kitty-none", "ghostty-none", "no-such-terminal"};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        struct rig r;
        rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24, .term = terms[i]});
        rig_wait(&r, "This machine does not know the terminal");
        rig_wait(&r, "xterm-256color"); // where the line breaks depends on the name
        rig_wait(&r, terms[i]);
        rig_send(&r, "j");
        rig_wait(&r, "> f rm-1");
        assert_false(rig_shows(&r, "does not know")); // said once
        rig_quit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speed_of_sampling_stands_in_the_run_s_screen),
        cmocka_unit_test(screens_are_as_kept_80x24_braille_256),
        cmocka_unit_test(screens_are_as_kept_80x24_ascii_mono),
        cmocka_unit_test(screens_are_as_kept_80x24_block_8),
        cmocka_unit_test(a_tiny_terminal_says_what_it_needs),
        cmocka_unit_test(cursor_keys_of_both_modes_and_alt_digits_work),
        cmocka_unit_test(the_prompt_finds_commands_by_a_few_letters),
        cmocka_unit_test(rewards_of_tokens_can_be_switched_off_and_on),
        cmocka_unit_test(controls_are_posted_to_the_store),
        cmocka_unit_test(signals_give_the_terminal_back),
        cmocka_unit_test(a_missing_terminal_is_an_error_in_words),
        cmocka_unit_test(a_terminal_without_a_description_is_taken_for_xterm),
        cmocka_unit_test(a_paste_is_text_in_a_field_and_nothing_elsewhere),
        cmocka_unit_test(scripts_of_the_world_keep_their_cells),
        cmocka_unit_test(a_run_whose_folder_is_gone_is_missing),
        cmocka_unit_test(the_log_says_that_an_engine_was_killed),
    };
    return run_side_by_side(4, tests, sizeof tests / sizeof *tests, fixture_set_up, fixture_tear_down);
}
