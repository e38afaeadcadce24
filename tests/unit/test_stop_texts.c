// Texts at which an answer ends: their notation, and when a token completes one.
#include "testing.h"

#include "text/stop_texts.h"

static struct tokenizer *tokenizer;

static int set_up(void **state)
{
    char *dir = test_source("share/attune/models/demo");
    const int code = tokenizer_load(&tokenizer, dir, NULL);
    free(dir);
    return code;
}

static int tear_down(void **state)
{
    tokenizer_free(tokenizer);
    return 0;
}

// After how many tokens of the text it ends; 0: it goes on.
static int ends_after(const char *list, const char *text, int *n_tokens)
{
    struct stop_texts *s;
    int32_t *ids;
    size_t n;
    int found = 0;
    assert_ok(stop_texts_read(&s, list, tokenizer, e));
    assert_ok(tokenizer_encode(tokenizer, text, strlen(text), false, false, &ids, &n, e));
    for (int i = 1; i <= (int)n && !found; i++)
        found = stop_texts_end(s, ids, i) ? i : 0;
    if (n_tokens)
        *n_tokens = (int)n;
    free(ids);
    stop_texts_free(s);
    return found;
}

static void an_answer_ends_with_the_token_that_completes_one(void **state)
{
    int n, before;
    const int at = ends_after("the river", "They went to the river and sang.", &n);
    assert_true(at > 0 && at < n);
    assert_int_equal(ends_after("the river", "They went to the", &before), 0);
    assert_true(at > before); // not with its first word
    assert_int_equal(ends_after("the river", "They went to the rivulet", NULL), 0);
    assert_int_equal(ends_after("the sea,the river", "They went to the river and sang.", NULL), at);
    assert_int_equal(ends_after(".\\,", "Yes., no", NULL), ends_after("\\,", "Yes., no", NULL));
}

static void bad_lists_are_refused(void **state)
{
    static const char *const bad[] = {",", "a,", ",a", "a,,b", "\\", "a\\x", "ab\\"};
    struct stop_texts *s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err fault = {0};
        assert_int_equal(stop_texts_read(&s, bad[i], tokenizer, &fault), ERR_USAGE);
        assert_null(s);
    }
    assert_ok(stop_texts_read(&s, "", tokenizer, e));
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ends_with_the_token_that_completes_one),
        cmocka_unit_test(bad_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
