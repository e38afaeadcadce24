// Chat templates against Jinja's renders (tests/golden/make_chat_golden.py), and their recognition.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "text/chat_template.h"
#include "text/chat_template_table.h"

static const struct chat_template *by_name(const char *name)
{
    const struct chat_template *t = NULL;
    assert_ok(chat_template_by_name(&t, name, e));
    return t;
}

// The render, or NULL when the template refuses.
static char *render(const struct chat_template *t, const json_t *messages, bool generation, const char *bos,
                    const char *eos)
{
    int n = (int)json_array_size(messages);
    struct message *list = mem_alloc((size_t)n, sizeof *list);
    for (int i = 0; i < n; i++) {
        const json_t *m = json_array_get(messages, (size_t)i);
        list[i] = (struct message){json_string_value(json_object_get(m, "role")),
                                   json_string_value(json_object_get(m, "content"))};
    }
    struct str out = {0};
    struct err fault = {0};
    int code = chat_template_render(t, list, n, generation, bos, eos, &out, &fault);
    free(list);
    if (code) {
        assert_int_equal(code, ERR_INPUT);
        str_fini(&out);
        return NULL;
    }
    str_add(&out, "");
    return str_take(&out);
}

static void assert_render(const char *what, char *got, const char *want)
{
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("%s: got \"%s\", want \"%s\"", what, got ? got : "(refused)", want ? want : "(refused)");
    free(got);
}

static void renders_agree_with_jinja(void **state)
{
    char *path = test_source("tests/golden/chat_templates.json");
    json_t *golden;
    assert_ok(json_read(path, 16 << 20, &golden, e));
    const json_t *talks = json_object_get(golden, "conversations"), *row;
    size_t i;
    int n = 0;
    json_array_foreach(json_object_get(golden, "templates"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const struct chat_template *t = by_name(name);
        for (size_t k = 0; k < json_array_size(talks); k++)
            for (size_t g = 0; g < 2; g++) {
                const json_t *want = json_array_get(json_array_get(json_object_get(row, "renders"), k), g);
                assert_render(name, render(t, json_array_get(talks, k), g, "<B>", "<E>"), json_string_value(want));
                n++;
            }
    }
    assert_true(n > 1600);
    json_decref(golden);
    free(path);
}

static const struct message talk[] = {{"user", "One"}, {"assistant", "Two"}, {"user", "Three"}};

static void hh_and_plain_are_what_they_say(void **state)
{
    struct str s = {0};
    assert_ok(chat_template_render(by_name("hh"), talk, 3, true, "<s>", "</s>", &s, e));
    assert_string_equal(s.data, "\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\n\nAssistant:");
    str_clear(&s);
    assert_ok(chat_template_render(by_name("plain"), talk, 3, true, "<s>", "</s>", &s, e));
    assert_string_equal(s.data, "One\nTwo\nThree\n");
    str_fini(&s);
}

static void every_template_ends_a_turn_and_continues_its_prompt(void **state)
{
    int n = 0;
    for (const char *const *name = chat_template_names(); *name; name++, n++) {
        const struct chat_template *t = by_name(*name);
        assert_string_equal(chat_template_name(t), *name);
        assert_null(strpbrk(chat_template_end_of_turn(t), BOS EOS));
        struct str prompt = {0}, whole = {0};
        assert_ok(chat_template_render(t, talk, 1, true, "<s>", "</s>", &prompt, e));
        assert_ok(chat_template_render(t, talk, 2, false, "<s>", "</s>", &whole, e));
        if (!text_starts(whole.data, prompt.data)) // training relies on it
            fail_msg("%s: \"%s\" does not begin with \"%s\"", *name, whole.data, prompt.data);
        str_fini(&prompt);
        str_fini(&whole);
    }
    assert_true(n > 45);
    assert_string_equal(chat_template_end_of_turn(by_name("chatml")), "<|im_end|>\n");
    assert_string_equal(chat_template_end_of_turn(by_name("zephyr")), "\n");
    struct err fault = {0};
    const struct chat_template *t;
    assert_int_equal(chat_template_by_name(&t, "nobody's", &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "chatml"));
}

static void what_a_template_forbids_is_an_error(void **state)
{
    static const struct message twice[] = {{"user", "a"}, {"user", "b"}}, system[] = {{"system", "a"}, {"user", "b"}};
    static const struct message tool[] = {{"tool", "a"}};
    struct str s = {0};
    struct err fault = {0};
    assert_int_equal(chat_template_render(by_name("llama-2"), twice, 2, true, "", "", &s, &fault), ERR_INPUT);
    assert_int_equal(chat_template_render(by_name("gemma"), system, 2, true, "", "", &s, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "system"));
    assert_int_equal(chat_template_render(by_name("chatml"), tool, 1, true, "", "", &s, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "tool"));
    assert_int_equal(chat_template_render(by_name("chatml"), talk, 0, true, "", "", &s, &fault), ERR_INPUT);
    assert_int_equal(s.len, 0);
}

// Ways of writing the same template, and a small difference that changes it.
static void recognition_sees_through_spelling_only(void **state)
{
    static const char *const same[] = {
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
        "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
        "{#- ours -#}\n{%- for message in messages -%}\n  {{- \"<|im_start|>\"+message.role +\"\\n\"+ "
        "message[\"content\"]+"
        "'<|im_end|>'+'\n' -}}\n{%- endfor -%}\n{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- "
        "endif "
        "-%}",
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
        "{% for message in messages %}\n    {{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
        "'<|im_end|>' + "
        "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    };
    const struct chat_template *t;
    for (int i = 0; i < 2; i++) {
        assert_ok(chat_template_recognize(&t, same[i], e));
        assert_string_equal(chat_template_name(t), "chatml");
    }
    struct err fault = {0};
    assert_int_equal(chat_template_recognize(&t, same[2], &fault), ERR_UNSUPPORTED); // it prints four spaces
    assert_non_null(strstr(fault.text, "--chat-template"));
    assert_int_equal(chat_template_recognize(&t, "", &fault), ERR_UNSUPPORTED);
    assert_int_equal(chat_template_recognize(&t, "{% for", &fault), ERR_INPUT);
    assert_int_equal(chat_template_recognize(&t, "{{ 'a", &fault), ERR_INPUT);
}

// Every text of the assets is either recognized and then renders as Jinja does, or refused.
static void assets_are_recognized_or_refused(void **state)
{
    char *path = test_asset("conformance/jinja/llama_cpp_chat_templates.json");
    if (!path)
        skip();
    json_t *cases;
    assert_ok(json_read(path, 16 << 20, &cases, e));
    size_t i;
    int n = 0;
    const json_t *c;
    json_array_foreach(cases, i, c) {
        const struct chat_template *t;
        struct err fault = {0};
        const char *name = json_string_value(json_object_get(c, "name"));
        int code = chat_template_recognize(&t, json_string_value(json_object_get(c, "chat_template")), &fault);
        if (code) {
            assert_int_equal(code, ERR_UNSUPPORTED);
            continue;
        }
        const char *verdict = json_string_value(json_object_get(c, "python_jinja2")), *want = NULL;
        if (strcmp(verdict, "agrees") == 0)
            want = json_string_value(json_object_get(c, "expected_llama_cpp_jinja"));
        else if (strcmp(verdict, "differs") == 0)
            want = json_string_value(json_object_get(c, "python_jinja2_output"));
        const json_t *context = json_object_get(c, "context");
        assert_render(name, render(t, json_object_get(context, "messages"),
                                   json_is_true(json_object_get(context, "add_generation_prompt")),
                                   json_string_value(json_object_get(context, "bos_token")),
                                   json_string_value(json_object_get(context, "eos_token"))),
                      want);
        n++;
    }
    assert_true(n >= 26);
    json_decref(cases);
    free(path);
}

static void tokenizers_of_the_assets_are_recognized(void **state)
{
    static const struct {
        const char *file, *name;
    } files[] = {{"tokenizers/phi-3/tokenizer_config.json", "phi-3"},
                 {"tokenizers/qwen3/tokenizer_config.json", "qwen3"},
                 {"tokenizers/smollm2/chat_template.jinja", "smollm2"}};
    for (int i = 0; i < 3; i++) {
        char *path = test_asset(files[i].file), *text;
        if (!path)
            skip();
        const struct chat_template *t;
        size_t n;
        assert_ok(file_read(path, 1 << 20, &text, &n, e));
        json_t *config = NULL;
        if (text_ends(path, ".json"))
            assert_ok(json_parse(text, n, path, &config, e));
        const char *jinja = config ? json_string_value(json_object_get(config, "chat_template")) : text;
        assert_ok(chat_template_recognize(&t, jinja, e));
        assert_string_equal(chat_template_name(t), files[i].name);
        json_decref(config);
        free(text);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_agree_with_jinja),
        cmocka_unit_test(hh_and_plain_are_what_they_say),
        cmocka_unit_test(every_template_ends_a_turn_and_continues_its_prompt),
        cmocka_unit_test(what_a_template_forbids_is_an_error),
        cmocka_unit_test(recognition_sees_through_spelling_only),
        cmocka_unit_test(assets_are_recognized_or_refused),
        cmocka_unit_test(tokenizers_of_the_assets_are_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
