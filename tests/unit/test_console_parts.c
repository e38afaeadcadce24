// The parts of the console that need no terminal: the command table, keys, the canvas, a line being edited.
#include "config.h"

#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "ui/term/canvas.h"
#include "ui/runs/heat.h"
#include "ui/commands.h"
#include "ui/key_file.h"
#include "ui/term/keys.h"
#include "ui/term/line_edit.h"
#include "ui/runs/run_text.h"
#include "ui/term/words.h"

// ---- the table ----

static bool is_on(const struct command_row *r, int page)
{
    return r->pages >> page & 1;
}

static void every_command_has_a_name_a_title_and_help(void **state)
{
    bool seen[CMD_N] = {0};
    for (const struct command_row *r = command_rows; r->id; r++) {
        seen[r->id] = true;
        assert_true(r->name && *r->name && !strchr(r->name, ' '));
        assert_true(r->title && *r->title && strlen(r->title) <= 16);
        size_t n = r->help ? strlen(r->help) : 0;
        if (n < 10 || r->help[n - 1] != '.')
            fail_msg("the help of %s is no sentence", r->name);
        assert_true(r->pages && !(r->pages & ~(unsigned)IN_ALL));
    }
    for (int id = CMD_NONE + 1; id < CMD_N; id++)
        if (!seen[id])
            fail_msg("command number %d has no row", id);
}

static void keys_and_names_are_unique_on_each_page(void **state)
{
    for (int page = 0; page < PAGE_N; page++) {
        for (const struct command_row *a = command_rows; a->id; a++) {
            if (!is_on(a, page))
                continue;
            assert_ptr_equal(command_by_name(a->name, (enum page)page), a);
            for (const char *k = a->keys; *k;) {
                size_t n = strcspn(k, " ");
                int key = key_from_name(k, (unsigned)n);
                if (!key)
                    fail_msg("%s: there is no key %.*s", a->name, (int)n, k);
                if (command_by_key(key, (enum page)page) != a)
                    fail_msg("page %d: the key %.*s of %s is taken by %s", page, (int)n, k, a->name,
                             command_by_key(key, (enum page)page)->name);
                k += n + (k[n] == ' ');
            }
        }
    }
}

static void every_page_has_help_and_a_way_out_on_its_hint_line(void **state)
{
    for (int page = 0; page < PAGE_N; page++) {
        bool out = false, help = page == PAGE_HELP;
        for (const struct command_row *r = command_rows; r->id; r++) {
            out |= is_on(r, page) && r->hint && (r->id == CMD_QUIT || r->id == CMD_BACK);
            help |= is_on(r, page) && r->hint && r->id == CMD_HELP;
        }
        assert_true(out && help);
    }
}

// A key that a person has learnt on one page does the same on the others: who moves to the right with l must not be asked
// for a learning rate. Rows may leave such a key out on a page; they may not give it another meaning.
static void keys_mean_the_same_on_every_page(void **state)
{
    static const struct {
        const char *key;
        enum command_id ids[4]; // what it may be
    } shared[] = {
        {"j", {CMD_DOWN}}, {"k", {CMD_UP}}, {"h", {CMD_LEFT}}, {"l", {CMD_RIGHT}}, {"g", {CMD_FIRST}}, {"G", {CMD_LAST}},
        {"/", {CMD_FIND}}, {"n", {CMD_FIND_NEXT}}, {"N", {CMD_FIND_PREVIOUS}}, {"\\", {CMD_FILTER}}, {"u", {CMD_UNDO}},
        {"U", {CMD_REDO}}, {":", {CMD_PROMPT}}, {"?", {CMD_HELP}}, {"F1", {CMD_HELP}}, {"q", {CMD_BACK, CMD_QUIT}},
        {"Esc", {CMD_BACK}}, {"z", {CMD_FULL, CMD_OPEN}}, {"Y", {CMD_COPY_TEXT}}, {"Z", {CMD_FREEZE}},
        {"{", {CMD_PAGE_PREVIOUS}}, {"}", {CMD_PAGE_NEXT}}, {"Tab", {CMD_NEXT_PANE}},
        {"Shift-Tab", {CMD_PREVIOUS_PANE}}, {"Ctrl-l", {CMD_REDRAW}},
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        for (int page = 0; page < PAGE_N; page++) {
            const int key = key_from_name(shared[i].key, (unsigned)strlen(shared[i].key));
            const struct command_row *r = command_by_key(key, (enum page)page);
            bool is_allowed = !r;
            for (int k = 0; k < 4 && r; k++)
                is_allowed |= r->id == shared[i].ids[k];
            if (!is_allowed)
                fail_msg("page %d: the key %s is that of %s", page, shared[i].key, r->name);
        }
    for (int page = 0; page < PAGE_N; page++) { // w is writing, whatever a page has to write
        const struct command_row *r = command_by_key('w', (enum page)page);
        if (r && !text_starts(r->help, "Write") && !text_starts(r->help, "Save"))
            fail_msg("page %d: the key w is that of %s", page, r->name);
    }
}

static void search_finds_by_beginning_part_and_letters(void **state)
{
    const struct command_row *found[5];
    assert_true(command_search("smoo", PAGE_CURVES, found, 5) >= 3);
    assert_string_equal(found[0]->name, "smooth");
    assert_true(command_search("zin", PAGE_CURVES, found, 5) >= 1);
    assert_string_equal(found[0]->name, "zoom-in");
    assert_int_equal(command_search("smoo", PAGE_RUNS, found, 5), 0);
    assert_int_equal(command_search("qqqqq", PAGE_RUNS, found, 5), 0);
    assert_null(command_by_name("s", PAGE_RUNS)); // several begin so
}

// By its key, by the palette and by -e: the table is one, so this is that every row of every page can be named and found.
static void every_command_is_reached_in_three_ways_q17(void **state)
{
    const struct command_row *found[COMMAND_MAX_ROWS];
    for (int page = 0; page < PAGE_N; page++) {
        int n_rows = 0;
        for (const struct command_row *r = command_rows; r->id; r++) {
            if (!is_on(r, page))
                continue;
            n_rows++;
            assert_ptr_equal(command_by_name(r->name, (enum page)page), r); // -e, and ":" with the whole name
            assert_true(command_search(r->name, (enum page)page, found, COMMAND_MAX_ROWS) > 0);
            assert_ptr_equal(found[0], r); // the palette's first offer
            if (*r->keys)
                assert_ptr_equal(
                    command_by_key(key_from_name(r->keys, (unsigned)strcspn(r->keys, " ")), (enum page)page), r);
        }
        assert_int_equal(command_search("", (enum page)page, found, COMMAND_MAX_ROWS), n_rows); // nothing is left out
        // of help's page (view_help.c)
        assert_true(n_rows < 160);
    }
}

static void letters_fit_words_by_beginning_part_and_order(void **state)
{
    struct words w = {0};
    static const char *const texts[] = {"rewards/margins", "loss", "rewards/chosen", "eval/rewards/margins", "lr"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        words_add(&w, texts[i]);
    words_filter(&w, "");
    assert_int_equal(w.n, 5);
    assert_string_equal(w.texts[0], "rewards/margins");
    words_filter(&w, "Re");
    assert_int_equal(w.n, 3);
    assert_string_equal(w.texts[0], "rewards/chosen"); // the shortest that begins so
    assert_string_equal(w.texts[2], "eval/rewards/margins");
    assert_int_equal(words_common(&w), 0);
    words_filter(&w, "rma");
    assert_int_equal(w.n, 2);
    words_filter(&w, "xyz");
    assert_int_equal(w.n, 0);
    words_add_about(&w, "lr", "setting"); // what it is goes where the word goes
    words_add(&w, "l");
    words_filter(&w, "l");
    assert_string_equal(w.texts[0], "l");
    assert_string_equal(words_about(&w, 0), "");
    assert_string_equal(words_about(&w, 1), "setting");
    words_fini(&w);
}

// ---- keys of one's own ----

static void keys_of_ones_own_are_checked_line_by_line(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"zoom-in = +\n", "keys.conf:1: which page is this for?"},
        {"[curve]\n", "keys.conf:1: there is no page curve; did you mean curves?"},
        {"[curves]\n\nzoom-inn = i\n",
         "keys.conf:3: there is no command zoom-inn on the page curves; did you mean zoom-in?"},
        {"[curves]\nzoom-in = Crtl-a\n", "keys.conf:2: there is no key Crtl-a for zoom-in"},
        {"[curves]\nzoom-in\n", "keys.conf:2: \"zoom-in\" is neither"},
        {"[everywhere]\nquit = Ctrl-c\n", "keys.conf:2: Ctrl-c cannot be given to quit"},
        {"[curves]\nzoom-in = x\n", "keys.conf:2: on the page curves the key x of zoom-in is that of x-axis"},
        {"[everywhere]\nzoom-in = i\n[curves]\nfit = i\n",
         "keys.conf:2: on the page curves the key i of zoom-in is that of fit"},
        {"[label]\nflag-pair = i\n", "keys.conf:2: there is no command flag-pair on the page label"},
        {"[compare]\nswap = b\n", "keys.conf:2: on the page compare the key b of swap is that of blind"},
        {"[data]\ntrain = y\nsort = y\n", "keys.conf:3: on the page data the key y of sort is that of train"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err fault = {0};
        assert_int_equal(key_file_take(cases[i].text, "keys.conf", &fault), ERR_INPUT);
        if (!text_starts(fault.text, cases[i].fault))
            fail_msg("%s\nand not: %s", fault.text, cases[i].fault);
        assert_string_equal(command_by_key('+', PAGE_CURVES)->name, "zoom-in"); // nothing was taken
        assert_null(command_by_key('i', PAGE_CURVES));
    }
}

static void every_page_can_have_keys_of_ones_own(void **state)
{
    struct str printed = {0};
    key_file_print(&printed);
    for (int page = 0; page < PAGE_N; page++) {
        struct str section = {0};
        str_addf(&section, "[%s]\n", key_page_name((enum page)page));
        assert_non_null(strstr(str_text(&printed), str_text(&section)));
        str_fini(&section);
    }
    assert_ok(key_file_take("[label]\nleft-better = a\n[compare]\nblind = Ctrl-b\n[data]\nfilter = f\n", "keys.conf", e));
    assert_string_equal(command_by_key('a', PAGE_LABEL)->name, "left-better");
    assert_string_equal(command_by_key(2, PAGE_COMPARE)->name, "blind");
    assert_string_equal(command_by_key('f', PAGE_DATA)->name, "filter");
    command_bind(NULL);
    str_fini(&printed);
}

static void keys_of_ones_own_change_places(void **state)
{
    assert_ok(key_file_take("\t[curves]  \r\nzoom-in = y +  # a word\ny-scale =\nmetric = Hash\n# "
                            "all\n[everywhere]\nhelp=F1 h\nleft = Left\n",
                            "keys.conf", e));
    assert_string_equal(command_by_key('y', PAGE_CURVES)->name, "zoom-in");
    assert_string_equal(command_by_key('#', PAGE_CURVES)->name, "metric");
    assert_string_equal(command_by_key('h', PAGE_LOG)->name, "help");
    assert_null(command_by_key('=', PAGE_CURVES));
    struct str first = {0}, second = {0};
    key_file_print(&first);
    assert_non_null(strstr(str_text(&first), "zoom-in = y + "));
    assert_ok(key_file_take(str_text(&first), "printed", e)); // what is printed is such a file
    key_file_print(&second);
    assert_string_equal(str_text(&first), str_text(&second));
    command_bind(NULL);
    assert_string_equal(command_by_key('y', PAGE_CURVES)->name, "y-scale");
    str_fini(&first);
    str_fini(&second);
}

// ---- keys ----

static void keys_of_every_usual_terminal_are_understood(void **state)
{
    static const struct {
        const char *bytes;
        int key;
    } cases[] = {
        {"j", 'j'}, {"\r", KEY_ENTER_}, {"\n", KEY_ENTER_}, {"\t", KEY_TAB_}, {"\177", KEY_BACKSPACE_},
        {"\b", KEY_BACKSPACE_},
        {"\033[A", KEY_UP_}, {"\033OA", KEY_UP_}, {"\033[1;5C", KEY_RIGHT_}, {"\033[H", KEY_HOME_}, {"\033[1~", KEY_HOME_},
        {"\033[7~", KEY_HOME_}, {"\033[4~", KEY_END_}, {"\033[5~", KEY_PGUP_}, {"\033[6~", KEY_PGDN_},
        {"\033[3~", KEY_DELETE_},
        {"\033[Z", KEY_BACKTAB_}, {"\033OP", KEY_F0_ + 1}, {"\033[11~", KEY_F0_ + 1}, {"\033[[A", KEY_F0_ + 1},
        {"\033[21~", KEY_F0_ + 10}, {"\0331", '1' | KEY_ALT_}, {"\033j", 'j' | KEY_ALT_}, {"\xc3\xa9", 0xe9},
        {"\xe2\x82\xac", 0x20ac},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int key;
        size_t n = strlen(cases[i].bytes);
        assert_int_equal(key_decode(cases[i].bytes, n, false, &key), n);
        assert_int_equal(key, cases[i].key);
        for (size_t part = 1; part < n; part++) // any beginning of it waits for the rest
            assert_int_equal(key_decode(cases[i].bytes, part, false, &key), 0);
    }
    int key;
    assert_int_equal(key_decode("\033", 1, true, &key), 1);
    assert_int_equal(key, KEY_ESCAPE_);
    char name[16];
    assert_string_equal(key_name(key_from_name("Ctrl-l", 6), name, sizeof name), "Ctrl-l");
    assert_string_equal(key_name(key_from_name("Alt-3", 5), name, sizeof name), "Alt-3");
    assert_string_equal(key_name(key_from_name("F10", 3), name, sizeof name), "F10");
    static const char *const none[] = {"F1/", "F1.", "F1:", "F13", "F99", "F0", "Fx"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(key_from_name(none[i], (unsigned)strlen(none[i])), KEY_NONE_);
    assert_int_equal(key_from_name("F", 1), 'F');
}

static void what_is_scrolled_keeps_its_cursor_and_fills_its_place(void **state)
{
    static const struct {
        int top, cursor, n, visible, is;
    } cases[] = {{0, 0, 10, 4, 0},  {0, 5, 10, 4, 2},  {7, 3, 10, 4, 3},  {9, 9, 10, 4, 6}, {3, 5, 6, 10, 0},
                 {900, -1, 10, 4, 6}, {2, -1, 10, 4, 2}, {-5, -1, 10, 4, 0}, {5, 0, 0, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(scroll_top(cases[i].top, cases[i].cursor, cases[i].n, cases[i].visible), cases[i].is);
}

static void any_bytes_decode_to_an_end(void **state)
{
    struct rng r = rng_make(3, RNG_TEST, 1);
    for (int round = 0; round < 2000; round++) {
        char *bytes = mem_alloc(64, 1); // its own block: a sanitizer sees reads past it
        size_t n = 1 + rng_below(&r, 63), at = 0;
        char *exact = mem_alloc(n, 1);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(rng_below(&r, 3) ? (rng_below(&r, 2) ? 27 : '[') : rng_below(&r, 256));
        memcpy(exact, bytes, n);
        while (at < n) {
            int key;
            size_t used = key_decode(exact + at, n - at, true, &key);
            assert_true(used > 0 && used <= n - at);
            at += used;
        }
        free(exact);
        free(bytes);
    }
}

// ---- canvas ----

static void expect(const struct canvas *c, const char *want)
{
    struct str shown = {0};
    canvas_save(c, false, &shown);
    assert_string_equal(str_text(&shown), want);
    str_fini(&shown);
}

static void nothing_reaches_the_canvas_as_control(void **state)
{
    struct canvas c;
    canvas_init(&c, 20, 2, GLYPHS_BRAILLE, true);
    canvas_text(&c, 0, 0, -1, STYLE(COLOR_DEFAULT), "a\033[31m\007\xff\xc2\x9b" "b");
    canvas_put(&c, 0, 1, 7, STYLE(COLOR_DEFAULT));
    canvas_put(&c, 1, 1, 0x9b, STYLE(COLOR_DEFAULT));
    for (int x = 0; x < 20; x++)
        for (int y = 0; y < 2; y++)
            assert_true(canvas_cell(&c, x, y)->code[0] >= 32 && canvas_cell(&c, x, y)->code[0] != 0x9b);
    expect(&c, "a^[[31m^G\xef\xbf\xbd\\x9bb\n\xef\xbf\xbd\xef\xbf\xbd\n");
    canvas_fini(&c);
}

static void wide_and_combining_characters_keep_their_columns(void **state)
{
    struct canvas c;
    canvas_init(&c, 6, 1, GLYPHS_BRAILLE, true);
    canvas_text(&c, 0, 0, -1, STYLE(COLOR_DEFAULT), "\xe7\x8b\x90" "e\xcc\x81" "x");
    expect(&c, "\xe7\x8b\x90" "e\xcc\x81" "x\n");
    assert_int_equal(canvas_cell(&c, 0, 0)->columns, 2);
    assert_int_equal(canvas_cell(&c, 1, 0)->columns, 0);
    canvas_put(&c, 1, 0, '|', STYLE(COLOR_DEFAULT)); // half of it overwritten: the other half is blank
    expect(&c, " |e\xcc\x81" "x\n");
    canvas_clear(&c);
    canvas_put(&c, 5, 0, 0x72d0, STYLE(COLOR_DEFAULT)); // no room for both halves
    assert_int_equal(canvas_cell(&c, 5, 0)->columns, 1);
    canvas_fini(&c);
    canvas_init(&c, 6, 1, GLYPHS_ASCII, false);
    canvas_text(&c, 0, 0, -1, STYLE(COLOR_DEFAULT), "\xe7\x8b\x90\xe2\x94\x82x");
    expect(&c, "??|x\n");
    canvas_fini(&c);
}

static void drawing_outside_of_the_clip_is_dropped(void **state)
{
    struct canvas c;
    canvas_init(&c, 8, 4, GLYPHS_BRAILLE, true);
    struct rect old = canvas_clip(&c, (struct rect){2, 1, 3, 2});
    for (int y = -3; y < 9; y++)
        canvas_text(&c, -5, y, -1, STYLE(COLOR_DEFAULT), "abcdefghijklmnopqrstuvw");
    canvas_box(&c, (struct rect){-4, -4, 40, 40}, STYLE(COLOR_MUTED), "title");
    canvas_spark(&c, -3, 1, 50, (double[]){1, NAN, 3}, 3, STYLE(COLOR_DEFAULT));
    canvas_unclip(&c, old);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 8; x++)
            if (x < 2 || x > 4 || y < 1 || y > 2)
                assert_int_equal(canvas_cell(&c, x, y)->code[0], ' ');
    canvas_fini(&c);
}

static void text_is_cut_and_broken_at_its_width(void **state)
{
    struct canvas c;
    canvas_init(&c, 10, 4, GLYPHS_BRAILLE, true);
    assert_int_equal(canvas_text(&c, 0, 0, 5, STYLE(COLOR_DEFAULT), "abcdefgh"), 5);
    canvas_text_right(&c, 0, 1, 8, STYLE(COLOR_DEFAULT), "xyz");
    expect(&c, "abcd~\n     xyz\n\n\n");
    canvas_clear(&c);
    const char *text = "one two three\nfour 12345678901234";
    assert_int_equal(canvas_paragraph(&c, (struct rect){0, 0, 9, 2}, 1, STYLE(COLOR_DEFAULT), text, strlen(text)), 5);
    expect(&c, "three\nfour\n\n\n");
    canvas_fini(&c);
}

static int column_style(const struct canvas *c, int x, int y)
{
    return canvas_cell(c, x, y)->style.fg;
}

static void pieces_of_a_paragraph_keep_their_styles_over_line_ends_and_split_characters(void **state)
{
    // The second piece begins inside of a character, which belongs to the first; a control byte is shown as two.
    const char *text = "ab \xe7\x8b\x90 cd\x1b";
    const struct canvas_span spans[] = {{4, STYLE(COLOR_GOOD)}, {4, STYLE(COLOR_BAD)}, {1, STYLE(COLOR_WARN)}};
    struct canvas c;
    canvas_init(&c, 6, 3, GLYPHS_BRAILLE, true);
    assert_int_equal(canvas_paragraph_spans(&c, (struct rect){0, 0, 6, 3}, 0, spans, 3, text, strlen(text)), 2);
    expect(&c, "ab \xe7\x8b\x90\ncd^[\n\n");
    assert_int_equal(column_style(&c, 3, 0), COLOR_GOOD);
    assert_int_equal(column_style(&c, 0, 1), COLOR_BAD);
    assert_int_equal(column_style(&c, 1, 1), COLOR_WARN);
    assert_int_equal(column_style(&c, 3, 1), COLOR_WARN);
    canvas_fini(&c);
}

static void heat_has_five_levels_that_differ_without_colour(void **state)
{
    assert_int_equal(heat_of(-1, 2), HEAT_MUCH_LESS);
    assert_int_equal(heat_of(-0.3, 2), HEAT_LESS);
    assert_int_equal(heat_of(0.1, 2), HEAT_SAME);
    assert_int_equal(heat_of(0.9, 2), HEAT_MORE);
    assert_int_equal(heat_of(2, 2), HEAT_MUCH_MORE);
    assert_int_equal(heat_of(0, 0), HEAT_SAME);
    for (int a = 0; a < N_HEATS; a++)
        for (int b = 0; b < a; b++)
            assert_int_not_equal(heat_style((enum heat)a).attr, heat_style((enum heat)b).attr);
}

static void rewards_that_do_not_cover_a_response_leave_the_rest_plain(void **state)
{
    struct run_credit credits[] = {{2, 1}, {0, -1}};
    struct run_sample sample = {.response = "abcd", .credits = credits, .n_credits = 2};
    struct canvas c;
    canvas_init(&c, 12, 1, GLYPHS_BRAILLE, true);
    assert_int_equal(heat_paragraph(&c, canvas_area(&c), &sample), 1);
    expect(&c, "abcd\n");
    assert_int_equal(column_style(&c, 1, 0), COLOR_GOOD);
    assert_int_equal(column_style(&c, 2, 0), COLOR_DEFAULT);
    credits[0].n_bytes = 4;
    canvas_clear(&c);
    heat_paragraph(&c, canvas_area(&c), &sample);
    expect(&c, "abcd<end>\n");
    assert_int_equal(column_style(&c, 4, 0), COLOR_BAD);
    canvas_fini(&c);
}

// ---- a line being edited ----

static void press(struct line_edit *l, const int *keys, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(line_edit_key(l, keys[i]));
}

static void a_line_is_edited_by_whole_characters(void **state)
{
    struct line_edit l = {0};
    press(&l, (int[]){'a', 0xe9, 0x72d0, 'b'}, 4);
    assert_string_equal(str_text(&l.text), "a\xc3\xa9\xe7\x8b\x90" "b");
    press(&l, (int[]){KEY_LEFT_, KEY_BACKSPACE_, 'x'}, 3);
    assert_string_equal(str_text(&l.text), "a\xc3\xa9xb");
    press(&l, (int[]){KEY_HOME_, KEY_DELETE_, KEY_DELETE_}, 3);
    assert_string_equal(str_text(&l.text), "xb");
    press(&l, (int[]){KEY_END_, 21}, 2);
    assert_string_equal(str_text(&l.text), "");
    press(&l, (int[]){KEY_BACKSPACE_, KEY_LEFT_, KEY_DELETE_, KEY_RIGHT_}, 4);
    assert_false(line_edit_key(&l, KEY_F0_ + 2));
    line_edit_fini(&l);
}

static void what_is_pasted_is_one_clean_line(void **state)
{
    static const struct {
        const char *pasted;
        size_t n;
        const char *becomes; // behind "a" and before "z"
    } rows[] = {
        {"b", 1, "b"},
        {"one\r\ntwo\tthree\n", 16, "one two three"},
        {"\n  /a folder/x.jsonl \n", 21, "  /a folder/x.jsonl "}, // blanks are text, ends of lines are not
        {"x\x1b[31mred\x07\0y", 12, "x[31mredy"},
        {"\xc3\xa9\xff\xe4\xb8\xad", 6, "\xc3\xa9\xe4\xb8\xad"},
        {"\n\n", 2, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct line_edit l = {0};
        char want[64];
        line_edit_set(&l, "az");
        press(&l, (int[]){KEY_LEFT_}, 1);
        assert_true(line_edit_paste(&l, rows[i].pasted, rows[i].n));
        snprintf(want, sizeof want, "a%sz", rows[i].becomes);
        assert_string_equal(str_text(&l.text), want);
        press(&l, (int[]){'!'}, 1); // the cursor stands behind what was pasted
        snprintf(want, sizeof want, "a%s!z", rows[i].becomes);
        assert_string_equal(str_text(&l.text), want);
        line_edit_fini(&l);
    }
    struct line_edit l = {0};
    char *much = mem_alloc(1 << 20, 1);
    memset(much, 'x', 1 << 20);
    line_edit_offer(&l, "0.1");
    assert_false(line_edit_paste(&l, much, 1 << 20));
    assert_string_equal(str_text(&l.text), "0.1"); // all or nothing
    assert_true(line_edit_paste(&l, "5", 1));
    assert_string_equal(str_text(&l.text), "5"); // an offer gives way to it, as to a key
    line_edit_fini(&l);
    free(much);
}

static void an_offered_line_is_replaced_by_typing_and_edited_by_other_keys(void **state)
{
    struct line_edit l = {0};
    line_edit_offer(&l, "0.1");
    press(&l, (int[]){'2', '5'}, 2);
    assert_string_equal(str_text(&l.text), "25");
    line_edit_offer(&l, "0.1");
    press(&l, (int[]){KEY_BACKSPACE_, '3'}, 2);
    assert_string_equal(str_text(&l.text), "0.3");
    line_edit_offer(&l, "0.1");
    press(&l, (int[]){KEY_HOME_, '1'}, 2);
    assert_string_equal(str_text(&l.text), "10.1");
    line_edit_offer(&l, "model= data="); // names that wait for values stay, and are filled from the first on
    press(&l, (int[]){'m', KEY_END_, 'd'}, 3);
    assert_string_equal(str_text(&l.text), "model=m data=d");
    line_edit_offer(&l, "lr=");
    press(&l, (int[]){'1'}, 1);
    assert_string_equal(str_text(&l.text), "lr=1");
    line_edit_fini(&l);
}

static void assert_number(double value, int width, const char *want)
{
    char text[32];
    assert_string_equal(number_text(text, sizeof text, value, width), want);
}

static void numbers_stay_within_their_column(void **state)
{
    assert_number(0.5123, 6, "0.512");
    assert_number(-1.1e-6, 5, "-1e-6");
    assert_number(1.234e-5, 6, "1.2e-5");
    assert_number(-1.234e-12, 5, "0");
    assert_number(-123.456, 5, "-123");
    assert_number(3e7, 5, "3.0e7");
    assert_number(NAN, 5, "-");
    assert_number(-INFINITY, 5, "-inf");
    for (double value = 1e-9; value < 1e12; value *= 3.7) {
        char text[32];
        assert_true(strlen(number_text(text, sizeof text, -value, 6)) <= 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_a_name_a_title_and_help),
        cmocka_unit_test(keys_and_names_are_unique_on_each_page),
        cmocka_unit_test(every_page_has_help_and_a_way_out_on_its_hint_line),
        cmocka_unit_test(keys_mean_the_same_on_every_page),
        cmocka_unit_test(search_finds_by_beginning_part_and_letters),
        cmocka_unit_test(every_command_is_reached_in_three_ways_q17),
        cmocka_unit_test(letters_fit_words_by_beginning_part_and_order),
        cmocka_unit_test(keys_of_ones_own_are_checked_line_by_line),
        cmocka_unit_test(every_page_can_have_keys_of_ones_own),
        cmocka_unit_test(keys_of_ones_own_change_places),
        cmocka_unit_test(keys_of_every_usual_terminal_are_understood),
        cmocka_unit_test(what_is_scrolled_keeps_its_cursor_and_fills_its_place),
        cmocka_unit_test(any_bytes_decode_to_an_end),
        cmocka_unit_test(nothing_reaches_the_canvas_as_control),
        cmocka_unit_test(wide_and_combining_characters_keep_their_columns),
        cmocka_unit_test(drawing_outside_of_the_clip_is_dropped),
        cmocka_unit_test(text_is_cut_and_broken_at_its_width),
        cmocka_unit_test(pieces_of_a_paragraph_keep_their_styles_over_line_ends_and_split_characters),
        cmocka_unit_test(heat_has_five_levels_that_differ_without_colour),
        cmocka_unit_test(rewards_that_do_not_cover_a_response_leave_the_rest_plain),
        cmocka_unit_test(a_line_is_edited_by_whole_characters),
        cmocka_unit_test(what_is_pasted_is_one_clean_line),
        cmocka_unit_test(an_offered_line_is_replaced_by_typing_and_edited_by_other_keys),
        cmocka_unit_test(numbers_stay_within_their_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
