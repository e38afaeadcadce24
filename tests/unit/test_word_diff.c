// What two texts share, word by word.
#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/word_diff.h"

// The text with what is not shared in [brackets].
static char *marked(const struct word_diff *d, int side, const char *text)
{
    struct str s = {0};
    for (int i = 0; i < d->n_pieces[side]; i++) {
        const struct word_piece *p = &d->pieces[side][i];
        str_add(&s, p->shared ? "" : "[");
        str_addn(&s, text, p->n_bytes);
        str_add(&s, p->shared ? "" : "]");
        text += p->n_bytes;
    }
    assert_int_equal(*text, 0); // the pieces are all of it
    return s.data ? str_take(&s) : mem_strdup("");
}

static void check(const char *a, const char *b, const char *marked_a, const char *marked_b, int n_shared)
{
    struct word_diff d;
    word_diff_make(&d, a, strlen(a), b, strlen(b));
    char *x = marked(&d, 0, a), *y = marked(&d, 1, b);
    assert_string_equal(x, marked_a);
    assert_string_equal(y, marked_b);
    assert_int_equal(d.n_shared, n_shared);
    free(x);
    free(y);
    word_diff_fini(&d);
}

static void what_differs_is_found_between_what_is_shared(void **state)
{
    check("the fox ran home", "the owl flew home", "the [fox ran ]home", "the [owl flew ]home", 2);
    check("a b c d", "b c x d", "[a ]b c d", "b c [x ]d", 3);
    check("same words", "same words", "same words", "same words", 2);
    check("one", "two", "[one]", "[two]", 0);
    check("", "two words", "", "[two words]", 0);
    check("", "", "", "", 0);
}

static void blanks_and_punctuation_are_no_part_of_words(void **state)
{
    check("  Stop, fox!", "Stop fox\n", "  Stop[, ]fox[!]", "Stop fox\n", 2);
    check("don't go-between", "don't go", "don't [go-between]", "don't [go]", 1);
    check("\xc3\xa9t\xc3\xa9 ici", "\xc3\xa9t\xc3\xa9 l\xc3\xa0", "\xc3\xa9t\xc3\xa9 [ici]",
          "\xc3\xa9t\xc3\xa9 [l\xc3\xa0]", 1);
    check("\xe2\x80\x9cYes\xe2\x80\x9d", "Yes", "[\xe2\x80\x9c]Yes[\xe2\x80\x9d]", "Yes", 1);
}

static void scripts_without_spaces_are_compared_by_character(void **state)
{
    check("\xe7\x8b\x90\xe3\x81\xaf\xe5\xb7\x9d", "\xe7\x8b\x90\xe3\x81\x8c\xe5\xb7\x9d",
          "\xe7\x8b\x90[\xe3\x81\xaf]\xe5\xb7\x9d", "\xe7\x8b\x90[\xe3\x81\x8c]\xe5\xb7\x9d", 2);
}

static void broken_bytes_are_words_like_others(void **state)
{
    check("a \xff b", "a \xfe b", "a [\xff ]b", "a [\xfe ]b", 2);
    check("\x1b[0m", "\x1b[1m", "\x1b[[0m]", "\x1b[[1m]", 2);
}

static void the_common_beginning_is_counted(void **state)
{
    struct word_diff d;
    word_diff_make(&d, "once upon a time", 16, "once upon the hill", 18);
    assert_int_equal(d.n_same_start, 2);
    assert_int_equal(d.n_words[0], 4);
    assert_false(d.too_long);
    word_diff_fini(&d);
}

// The whole table, the plain way.
static int longest(const char *a, int n_a, const char *b, int n_b)
{
    static int t[64][64];
    for (int i = 0; i <= n_a; i++)
        for (int j = 0; j <= n_b; j++)
            t[i][j] = !i || !j                    ? 0
                      : a[i - 1] == b[j - 1]      ? t[i - 1][j - 1] + 1
                      : t[i - 1][j] > t[i][j - 1] ? t[i - 1][j]
                                                  : t[i][j - 1];
    return t[n_a][n_b];
}

static void no_longer_subsequence_is_missed(void **state)
{
    struct rng r = rng_make(1, RNG_TEST, 0);
    for (int round = 0; round < 3000; round++) {
        char letters[2][64], text[2][130] = {"", ""}, shared[2][64];
        int n[2], n_shared[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            n[side] = (int)rng_below(&r, 40);
            for (int i = 0; i < n[side]; i++) {
                letters[side][i] = (char)('a' + rng_below(&r, 4));
                text[side][2 * i] = letters[side][i];
                text[side][2 * i + 1] = ' ';
                text[side][2 * i + 2] = 0;
            }
        }
        struct word_diff d;
        word_diff_make(&d, text[0], strlen(text[0]), text[1], strlen(text[1]));
        assert_int_equal(d.n_shared, longest(letters[0], n[0], letters[1], n[1]));
        for (int side = 0; side < 2; side++) {
            const char *at = text[side];
            for (int i = 0; i < d.n_pieces[side]; at += d.pieces[side][i++].n_bytes)
                for (size_t k = 0; d.pieces[side][i].shared && k < d.pieces[side][i].n_bytes; k += 2)
                    shared[side][n_shared[side]++] = at[k];
        }
        assert_int_equal(n_shared[0], d.n_shared);
        assert_int_equal(n_shared[1], d.n_shared);
        assert_memory_equal(shared[0], shared[1], (size_t)n_shared[0]); // the same words, in the same order
        word_diff_fini(&d);
    }
}

static void texts_that_are_too_long_keep_their_ends(void **state)
{
    enum { N = 9000 };
    struct str a = {0}, b = {0};
    struct word_diff d;
    for (int i = 0; i < N; i++) {
        str_addf(&a, "%d ", i == 0 ? 7 : i);
        str_addf(&b, "%d ", i == 0 ? 7 : i == N - 1 ? i : -i - N);
    }
    word_diff_make(&d, a.data, a.len, b.data, b.len);
    assert_true(d.too_long);
    assert_int_equal(d.n_words[0], N);
    assert_int_equal(d.n_shared, 2);
    word_diff_fini(&d);
    str_fini(&a);
    str_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_found_between_what_is_shared),
        cmocka_unit_test(blanks_and_punctuation_are_no_part_of_words),
        cmocka_unit_test(scripts_without_spaces_are_compared_by_character),
        cmocka_unit_test(broken_bytes_are_words_like_others),
        cmocka_unit_test(the_common_beginning_is_counted),
        cmocka_unit_test(no_longer_subsequence_is_missed),
        cmocka_unit_test(texts_that_are_too_long_keep_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
