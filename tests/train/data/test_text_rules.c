// Texts to tokens: what a template writes is all there is in chats, and an answer ends once.
#include "config.h"

#include "fixture.h"

static const char *const tokenizers[] = {"tests/data/tokenizer-spm", "tests/data/tokenizer-bytes"};

// A copy of a tokenizer's folder with a chat template of its own.
static struct tokenizer *with_template(const char *from, const char *template)
{
    static const char *const files[] = {"tokenizer.json", "tokenizer_config.json"};
    char *dir = test_folder(), *source = test_source(from), *bytes, *path;
    struct tokenizer *t;
    size_t n;
    for (int i = 0; i < 2; i++) {
        char *a = path_join(source, files[i]), *b = path_join(dir, files[i]);
        assert_ok(file_read(a, 1 << 24, &bytes, &n, e));
        assert_ok(file_write(b, bytes, n, e));
        free(bytes);
        free(a);
        free(b);
    }
    path = path_join(dir, "chat_template.jinja");
    assert_ok(file_write(path, template, strlen(template), e));
    assert_ok(tokenizer_load(&t, dir, e));
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(source);
    free(dir);
    return t;
}

static char *template_text(const char *name)
{
    struct str s = {0};
    char *text;
    size_t n;
    str_addf(&s, "templates/%s.jinja", name);
    char *path = path_share(str_text(&s));
    assert_ok(file_read(path, 1 << 20, &text, &n, e));
    str_fini(&s);
    free(path);
    return text;
}

static const struct turn asked = {.role = "user", .text = "Who's there?"};
static const struct example talk = {.is_chat = true, .turns = &asked, .n_turns = 1};
static const struct response said = {.text = "The boats."};

static void render(const struct text_rules *r, bool answered, struct str *out)
{
    json_t *messages = json_pack("[{s:s, s:s}]", "role", "user", "content", asked.text);
    if (answered)
        json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "assistant", "content", said.text));
    const struct chat_request request = {.messages = messages, .add_generation_prompt = !answered};
    assert_ok(chat_template_render(r->chat, &request, r->tokenizer, out, e));
    json_decref(messages);
}

// apply_chat_template(tokenize=True): the template's text and nothing added; an answer's tokens are those of the whole
// text up to and with the first special token behind it, else eos follows.
static void templates_of_a_tokenizer_write_all_there_is(void **state)
{
    for (const char *const *name = chat_template_names(); *name; name++)
        for (size_t k = 0; k < 2; k++) {
            char *jinja = template_text(*name);
            struct tokenizer *t = with_template(tokenizers[k], jinja);
            struct text_rules r;
            struct encoded x;
            struct str prompt = {0}, whole = {0};
            int32_t *ids;
            size_t n, shared = 0;
            test_rules(&r, t, "auto", 512, 256);
            assert_true(r.own_template);
            render(&r, false, &prompt);
            assert_ok(tokenizer_encode(t, str_text(&prompt), prompt.len, false, true, &ids, &n, e));
            assert_ok(text_rules_encode(&r, &talk, NULL, &x, e));
            if (x.n != n || memcmp(x.ids, ids, n * sizeof *ids) != 0)
                fail_msg("%s: the prompt alone has %zu tokens, not %zu", *name, x.n, n);
            encoded_fini(&x);
            free(ids);
            render(&r, true, &whole);
            assert_ok(text_rules_encode(&r, &talk, &said, &x, e));
            if (text_starts(str_text(&whole), str_text(&prompt))) {
                assert_ok(tokenizer_encode(t, str_text(&whole), whole.len, false, true, &ids, &n, e));
                while (shared < n && shared < x.n && ids[shared] == x.ids[shared])
                    shared++;
                const bool ends_by_eos = shared == n && x.n == n + 1 && x.ids[n] == tokenizer_eos(t);
                const bool ends_by_template = shared == x.n && tokenizer_is_special(t, x.ids[x.n - 1]);
                if (!ends_by_eos && !ends_by_template)
                    fail_msg("%s: %zu of %zu tokens are those of the template, which writes %zu", *name, shared, x.n, n);
                free(ids);
            }
            int ends = 0;
            for (size_t i = x.n_before; i < x.n; i++)
                ends += tokenizer_is_special(t, x.ids[i]);
            assert_int_equal(ends, 1);
            encoded_fini(&x);
            str_fini(&prompt);
            str_fini(&whole);
            text_rules_fini(&r);
            tokenizer_free(t);
            free(jinja);
        }
}

// Where the template is not the tokenizer's, its beginning is the tokenizer's habit; plain texts have it once.
static void a_text_begins_once(void **state)
{
    char *dir = test_source("tests/data/tokenizer-spm");
    struct tokenizer *t;
    struct text_rules r;
    struct encoded x;
    assert_ok(tokenizer_load(&t, dir, e));
    const int32_t bos = tokenizer_bos(t);
    struct str marked = {0};
    str_addf(&marked, "%s the boats", tokenizer_token(t, bos));
    const struct turn turns[] = {{.role = "user", .text = "the boats"}, {.role = "user", .text = str_text(&marked)},
                                 {.role = "user", .text = ""}};
    test_rules(&r, t, "auto", 512, 256);
    for (int i = 0; i < 3; i++) {
        const struct example plain = {.turns = &turns[i], .n_turns = 1};
        assert_ok(text_rules_encode(&r, &plain, &said, &x, e));
        assert_true(x.n_before >= 1);
        assert_int_equal(x.ids[0], bos);
        assert_int_not_equal(x.ids[1], bos);
        assert_int_equal(x.ids[x.n - 1], tokenizer_eos(t));
        assert_int_not_equal(x.ids[x.n - 2], tokenizer_eos(t));
        encoded_fini(&x);
    }
    text_rules_fini(&r);
    test_rules(&r, t, "hh", 512, 256);
    assert_ok(text_rules_encode(&r, &talk, &said, &x, e));
    assert_int_equal(x.ids[0], bos);
    encoded_fini(&x);
    text_rules_fini(&r);
    str_fini(&marked);
    tokenizer_free(t);
    free(dir);
}

static void what_is_written_down_is_read_back(void **state)
{
    char *dir = test_folder(), *jinja = template_text("chatml");
    struct tokenizer *t = with_template(tokenizers[0], jinja), *other = with_template(tokenizers[1], jinja);
    struct text_rules r, again;
    struct err fault = {0};
    struct encoded a, b;
    const struct text_rules_options o = {.chat_template = "auto", .system = "Be \"kind\".", .fallback = "plain",
                                         .max_length = 99, .max_prompt_length = 33, .now = 12345};
    assert_false(text_rules_read(&again, t, dir, &fault));
    assert_int_equal(fault.code, 0);
    assert_ok(text_rules_open(&r, t, &o, e));
    assert_ok(text_rules_write(&r, dir, e));
    assert_true(text_rules_read(&again, t, dir, &fault));
    assert_string_equal(again.system, r.system);
    assert_int_equal(again.max_length, 99);
    assert_int_equal(again.max_prompt_length, 33);
    assert_int_equal(again.now, 12345);
    assert_false(again.special_tokens);
    assert_true(again.own_template);
    assert_ok(text_rules_encode(&r, &talk, &said, &a, e));
    assert_ok(text_rules_encode(&again, &talk, &said, &b, e));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.ids, b.ids, a.n * sizeof *a.ids);
    encoded_fini(&a);
    encoded_fini(&b);
    text_rules_fini(&again);
    assert_false(text_rules_read(&again, other, dir, &fault));
    assert_int_equal(fault.code, ERR_STATE);
    assert_non_null(strstr(fault.text, "another tokenizer"));
    text_rules_fini(&r);
    tokenizer_free(t);
    tokenizer_free(other);
    assert_ok(file_remove_tree(dir, e));
    free(jinja);
    free(dir);
}

// What a template does not write must not be passed over.
static void members_that_the_template_does_not_write_refuse_the_row(void **state)
{
    static const char calls[] = "{\"tool_calls\": [{\"type\": \"function\", \"function\": {\"name\": \"look\", "
                                "\"arguments\": {\"at\": \"x\"}}}]}";
    const struct response call = {.text = "Looking.", .json = calls}, thought = {.text = "So.", .json =
                                                                                   "{\"reasoning_content\": \"hm\"}"};
    static const char writes_both[] =
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.reasoning_content }}{{ "
        "m.content }}{% for c in m.tool_calls %}[{{ c.function.name }} {{ c.function.arguments | tojson }}]{% endfor %}{% "
        "endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
    char *dir = test_source(tokenizers[1]);
    struct tokenizer *plain, *full = with_template(tokenizers[1], writes_both);
    struct text_rules r;
    struct encoded x;
    struct err fault = {0};
    struct example with_tools = talk;
    with_tools.tools = "[{\"name\": \"look\"}]";
    assert_ok(tokenizer_load(&plain, dir, e));
    test_rules(&r, plain, "chatml", 512, 256);
    assert_int_equal(text_rules_encode(&r, &talk, &call, &x, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "\"tool_calls\""));
    assert_int_equal(text_rules_encode(&r, &talk, &thought, &x, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "\"reasoning_content\""));
    assert_int_equal(text_rules_encode(&r, &with_tools, &said, &x, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "\"tools\""));
    text_rules_fini(&r);
    test_rules(&r, full, "auto", 512, 256);
    assert_ok(text_rules_encode(&r, &with_tools, &call, &x, e));
    char *text;
    size_t n;
    assert_ok(tokenizer_decode(full, x.ids, x.n, true, &text, &n, e));
    assert_non_null(strstr(text, "Looking.[look {\"at\": \"x\"}]"));
    free(text);
    encoded_fini(&x);
    text_rules_fini(&r);
    tokenizer_free(plain);
    tokenizer_free(full);
    free(dir);
}

static char *text_of(const struct tokenizer *t, const struct text_rules *r, const struct example *x,
                     const struct response *a)
{
    struct encoded ids;
    char *text;
    size_t n;
    assert_ok(text_rules_encode(r, x, a, &ids, e));
    assert_ok(tokenizer_decode(t, ids.ids, ids.n, true, &text, &n, e));
    encoded_fini(&ids);
    return text;
}

// "reasoning_content" of a row is what another template calls "thinking".
static void thoughts_have_the_name_that_the_template_reads(void **state)
{
    static const char thinks[] = "{% for m in messages %}<{{ m.role }}>{% if m.thinking %}({{ m.thinking }}){% endif %}"
                                 "{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
    static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
    struct tokenizer *t = with_template(tokenizers[1], thinks);
    struct text_rules r;
    test_rules(&r, t, "auto", 512, 256);
    for (int i = 0; i < 3; i++) {
        struct str json = {0};
        str_addf(&json, "{\"%s\": \"hm\"}", names[i]);
        const struct response thought = {.text = "So.", .json = str_text(&json)};
        char *text = text_of(t, &r, &talk, &thought);
        if (!strstr(text, "<assistant>(hm)So."))
            fail_msg("%s: \"%s\"", names[i], text);
        free(text);
        str_fini(&json);
    }
    text_rules_fini(&r);
    tokenizer_free(t);
}

// It opens, though it cannot render what has none; such rows are refused with its word.
static void a_template_that_needs_tools_is_for_rows_that_have_them(void **state)
{
    static const char needs[] = "{% for t in tools %}[{{ t.function.name }}]{% endfor %}{% for m in messages %}<{{ m.role "
                                "}}>{{ m.content }}|{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
    struct tokenizer *t = with_template(tokenizers[1], needs);
    struct text_rules r;
    struct encoded x;
    struct err fault = {0};
    struct example with_tools = talk;
    with_tools.tools = "[{\"type\": \"function\", \"function\": {\"name\": \"look\"}}]";
    test_rules(&r, t, "auto", 512, 256);
    assert_string_equal(r.behind, "|");
    char *text = text_of(t, &r, &with_tools, &said);
    assert_non_null(strstr(text, "[look]<"));
    free(text);
    assert_int_equal(text_rules_encode(&r, &talk, &said, &x, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "NoneType"));
    text_rules_fini(&r);
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_of_a_tokenizer_write_all_there_is),
        cmocka_unit_test(a_text_begins_once),
        cmocka_unit_test(what_is_written_down_is_read_back),
        cmocka_unit_test(members_that_the_template_does_not_write_refuse_the_row),
        cmocka_unit_test(thoughts_have_the_name_that_the_template_reads),
        cmocka_unit_test(a_template_that_needs_tools_is_for_rows_that_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
