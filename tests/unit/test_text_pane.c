// Texts in panes: lines, scrolling, a new width, styles, search, and what must not reach a terminal.
#include "config.h"

#include "testing.h"

#include "ui/term/text_pane.h"

static char *drawn(struct text_pane *p, int width, int height)
{
    struct canvas c;
    struct str s = {0};
    canvas_init(&c, width, height, GLYPHS_BRAILLE, true);
    text_pane_draw(p, &c, (struct rect){0, 0, width, height});
    canvas_save(&c, false, &s);
    canvas_fini(&c);
    return str_take(&s);
}

static void shows(struct text_pane *p, int width, int height, const char *wanted)
{
    char *got = drawn(p, width, height);
    assert_string_equal(got, wanted);
    free(got);
}

static void set(struct text_pane *p, const char *text)
{
    text_pane_clear(p);
    text_pane_add(p, STYLE(COLOR_DEFAULT), text, strlen(text));
}

static void lines_are_broken_and_scrolled(void **state)
{
    struct text_pane p = {0};
    shows(&p, 6, 2, "\n\n");
    set(&p, "one two three\nfour\n\nfive");
    assert_int_equal(text_pane_lines(&p, 8), 5);
    shows(&p, 8, 3, "one two\nthree\nfour\n");
    assert_int_equal(text_pane_below(&p), 2);
    assert_int_equal(text_pane_page(&p), 2);
    assert_true(text_pane_scroll(&p, 1));
    shows(&p, 8, 3, "three\nfour\n\n");
    assert_true(text_pane_scroll(&p, 100));
    assert_false(text_pane_scroll(&p, 1));
    shows(&p, 8, 3, "four\n\nfive\n");
    assert_int_equal(text_pane_below(&p), 0);
    assert_true(text_pane_scroll_to(&p, -5));
    assert_int_equal(text_pane_top(&p), 0);
    shows(&p, 8, 9, "one two\nthree\nfour\n\nfive\n\n\n\n\n");
    assert_false(text_pane_scroll(&p, 1));
    for (int width = 0; width < 4; width++) // any size is fine
        for (int height = 0; height < 3; height++)
            free(drawn(&p, width ? width : 1, height ? height : 1));
    text_pane_fini(&p);
}

static void a_new_width_keeps_what_is_read(void **state)
{
    struct text_pane p = {0};
    struct str s = {0};
    for (int i = 0; i < 200; i++)
        str_addf(&s, "word%03d ", i);
    set(&p, str_text(&s));
    free(drawn(&p, 8, 4));
    text_pane_scroll_to(&p, 100);
    for (int width = 8; width <= 80; width += 8) {
        char *got = drawn(&p, width, 4);
        assert_non_null(strstr(got, "word100"));
        free(got);
    }
    free(drawn(&p, 1000, 4));
    assert_int_equal(text_pane_top(&p), 0); // all of it is seen
    set(&p, "other");
    assert_int_equal(text_pane_top(&p), 0);
    str_fini(&s);
    text_pane_fini(&p);
}

static void the_first_drawing_may_begin_further_down(void **state)
{
    struct text_pane p = {0};
    set(&p, "one\ntwo\nthree\n");
    text_pane_begin_here(&p);
    text_pane_add(&p, STYLE(COLOR_DEFAULT), "four\nfive\nsix", 13);
    shows(&p, 8, 2, "four\nfive\n");
    text_pane_scroll(&p, -1);
    shows(&p, 8, 2, "three\nfour\n"); // only the first one
    shows(&p, 8, 6, "one\ntwo\nthree\nfour\nfive\nsix\n");
    set(&p, "");
    text_pane_begin_here(&p);
    shows(&p, 8, 1, "\n");
    text_pane_fini(&p);
}

static void parts_have_their_styles(void **state)
{
    struct text_pane p = {0};
    struct canvas c;
    const char *text = "ab\033cd\xc3\xa4z";
    // The second part ends within the a with dots, which then is part of it whole; an escape takes two columns.
    const struct canvas_span spans[] = {{2, STYLE(COLOR_GOOD)}, {4, STYLE(COLOR_BAD)}, {0, STYLE(COLOR_WARN)}};
    text_pane_add(&p, STYLE(COLOR_MUTED), "x", 1);
    text_pane_add_spans(&p, spans, 3, text, strlen(text));
    canvas_init(&c, 20, 2, GLYPHS_BRAILLE, true);
    text_pane_draw(&p, &c, canvas_area(&c));
    static const enum color wanted[] = {COLOR_MUTED, COLOR_GOOD, COLOR_GOOD, COLOR_BAD, COLOR_BAD,
                                        COLOR_BAD,   COLOR_BAD,  COLOR_BAD,  COLOR_WARN};
    static const uint32_t codes[] = {'x', 'a', 'b', '^', '[', 'c', 'd', 0xe4, 'z'};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(canvas_cell(&c, i, 0)->code[0], codes[i]);
        assert_int_equal(canvas_cell(&c, i, 0)->style.fg, wanted[i]);
    }
    canvas_fini(&c);
    text_pane_fini(&p);
}

static void search_goes_round_and_into_sight(void **state)
{
    struct text_pane p = {0};
    struct str s = {0};
    for (int i = 0; i < 100; i++)
        str_addf(&s, "%s\n", i == 3 || i == 50 || i == 97 ? "a Needle here" : "hay");
    set(&p, str_text(&s));
    free(drawn(&p, 20, 10));
    assert_int_equal(text_pane_find_next(&p, 1), 0);
    assert_int_equal(text_pane_find(&p, "nEEdle"), 3);
    text_pane_scroll_to(&p, 20);
    assert_int_equal(text_pane_find_next(&p, 1), 2); // not one that was read already
    static const int around[] = {3, 1, 2};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(text_pane_find_next(&p, 1), around[i]);
        char *got = drawn(&p, 20, 10);
        assert_non_null(strstr(got, "Needle"));
        free(got);
    }
    assert_int_equal(text_pane_find_next(&p, -1), 1);
    assert_int_equal(text_pane_find_next(&p, -1), 3);
    struct canvas c;
    canvas_init(&c, 20, 10, GLYPHS_BRAILLE, true);
    text_pane_draw(&p, &c, canvas_area(&c));
    bool marked = false;
    for (int y = 0; y < 10; y++)
        if (canvas_cell(&c, 2, y)->code[0] == 'N') {
            marked = true;
            assert_false(canvas_cell(&c, 1, y)->style.attr & ATTR_REVERSE);
            assert_true(canvas_cell(&c, 2, y)->style.attr & ATTR_REVERSE);
            assert_true(canvas_cell(&c, 7, y)->style.attr & ATTR_REVERSE);
            assert_false(canvas_cell(&c, 8, y)->style.attr & ATTR_REVERSE);
        }
    assert_true(marked);
    canvas_fini(&c);
    set(&p, "needle needle"); // what is searched stays
    assert_int_equal(text_pane_found(&p), 2);
    assert_int_equal(text_pane_find(&p, ""), 0);
    set(&p, "a\033b");
    assert_int_equal(text_pane_find(&p, "\033"), 1); // as it is seen
    str_fini(&s);
    text_pane_fini(&p);
}

static void a_long_text_is_drawn_fast_and_whole(void **state)
{
    struct text_pane p = {0};
    struct str s = {0};
    while (s.len < 4 << 20)
        str_add(&s, "some words of a very long answer ");
    str_add(&s, "END");
    set(&p, str_text(&s));
    free(drawn(&p, 80, 20));
    text_pane_scroll_to(&p, 1 << 30);
    char *got = drawn(&p, 80, 20);
    assert_non_null(strstr(got, "END"));
    free(got);
    assert_false(p.cut);
    str_fini(&s);
    text_pane_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_broken_and_scrolled),
        cmocka_unit_test(a_new_width_keeps_what_is_read),
        cmocka_unit_test(the_first_drawing_may_begin_further_down),
        cmocka_unit_test(parts_have_their_styles),
        cmocka_unit_test(search_goes_round_and_into_sight),
        cmocka_unit_test(a_long_text_is_drawn_fast_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
