// Where a prompt ends among the tokens of prompt and answer, against Hugging Face's offsets (tests/golden/text).
#include "config.h"

#include "testing.h"

#include <jansson.h>

#include "base/json.h"
#include "text/tokenizer.h"

static void compare(const char *name, const char *dir, const json_t *rows)
{
    struct tokenizer *t;
    size_t i;
    const json_t *row;
    assert_ok(tokenizer_load(&t, dir, e));
    json_array_foreach(rows, i, row) {
        const char *prompt = json_string_value(json_array_get(row, 0)), *answer = json_string_value(json_array_get(row, 1));
        const json_t *ids = json_array_get(row, 2);
        const size_t before = (size_t)json_integer_value(json_array_get(row, 3));
        const struct encode_options o = {.parse_special = true, .cut = strlen(prompt)};
        struct str both = {0};
        int32_t *got;
        size_t n, n_before, k = 0;
        str_addf(&both, "%s%s", prompt, answer);
        assert_ok(tokenizer_encode_cut(t, str_text(&both), both.len, &o, &got, &n, &n_before, e));
        while (k < n && k < json_array_size(ids) && got[k] == json_integer_value(json_array_get(ids, k)))
            k++;
        if (k != n || k != json_array_size(ids))
            fail_msg("%s, pair %zu (\"%s\" + \"%s\"): token %zu differs", name, i, prompt, answer, k);
        if (n_before != before)
            fail_msg("%s, pair %zu (\"%s\" + \"%s\"): %zu tokens are the prompt's, not %zu", name, i, prompt, answer, before,
                     n_before);
        free(got);
        str_fini(&both);
    }
    tokenizer_free(t);
}

static json_t *golden(void)
{
    char *path = test_source("tests/golden/text/boundary.json");
    json_t *all;
    assert_ok(json_read(path, 16 << 20, &all, e));
    free(path);
    return all;
}

static void prompts_end_where_the_offsets_say(void **state)
{
    json_t *all = golden(), *rows;
    const char *name;
    json_object_foreach(json_object_get(all, "own"), name, rows) {
        char *dir = test_source(name);
        compare(name, dir, rows);
        free(dir);
    }
    json_decref(all);
}

static void prompts_of_real_tokenizers_as_well(void **state)
{
    json_t *all = golden(), *rows;
    const char *name;
    int n = 0;
    json_object_foreach(json_object_get(all, "real"), name, rows) {
        char *dir = test_asset(name);
        if (dir) {
            compare(name, dir, rows);
            n++;
        }
        free(dir);
    }
    json_decref(all);
    if (n == 0)
        skip();
}

// Special tokens in places that are plain are text; elsewhere, and without such places, they are tokens.
static void special_tokens_are_text_where_it_says_so(void **state)
{
    static const char text[] = "<|eos|>the well<|eos|>";
    char *dir = test_source("tests/data/tokenizer-bytes");
    const struct text_span plain = {0, 7};
    const struct encode_options all = {.parse_special = true}, some = {.parse_special = true, .plain = &plain, .n_plain = 1};
    struct tokenizer *t;
    int32_t *ids;
    size_t n, before;
    assert_ok(tokenizer_load(&t, dir, e));
    const int32_t eos = tokenizer_token_id(t, "<|eos|>");
    assert_ok(tokenizer_encode_cut(t, text, strlen(text), &all, &ids, &n, &before, e));
    assert_int_equal(ids[0], eos);
    assert_int_equal(ids[n - 1], eos);
    free(ids);
    assert_ok(tokenizer_encode_cut(t, text, strlen(text), &some, &ids, &n, &before, e));
    assert_int_not_equal(ids[0], eos);
    assert_int_equal(ids[n - 1], eos);
    free(ids);
    tokenizer_free(t);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_end_where_the_offsets_say),
        cmocka_unit_test(prompts_of_real_tokenizers_as_well),
        cmocka_unit_test(special_tokens_are_text_where_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
