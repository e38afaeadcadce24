// Chat templates: those of share/attune/templates against golden renders (tests/golden/make_chat_golden.py), and what
// a template knows of the tokenizer and the request.
#include "config.h"

#include "testing.h"

#include <dirent.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/chat_template.h"

static struct chat_template *by_name(const char *name)
{
    struct chat_template *t = NULL;
    assert_ok(chat_template_by_name(&t, name, e));
    return t;
}

static struct chat_template *parsed(const char *jinja)
{
    struct chat_template *t = NULL;
    assert_ok(chat_template_parse(&t, "test", jinja, e));
    return t;
}

// The render, or NULL when the template refuses. bos and eos: what a tokenizer would say.
static char *render(const struct chat_template *t, const json_t *messages, bool generation, const char *bos,
                    const char *eos)
{
    json_t *tokens = json_pack("{ss,ss}", "bos_token", bos, "eos_token", eos);
    const struct chat_request request = {
        .messages = messages, .add_generation_prompt = generation, .variables = tokens};
    struct str out = {0};
    struct err fault = {0};
    int code = chat_template_render(t, &request, NULL, &out, &fault);
    json_decref(tokens);
    if (code) {
        assert_int_equal(code, ERR_INPUT);
        assert_int_equal(out.len, 0);
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

static void named_templates_render_as_they_should(void **state)
{
    char *path = test_source("tests/golden/chat_templates.json");
    json_t *golden;
    assert_ok(json_read(path, 16 << 20, &golden, e));
    const json_t *talks = json_object_get(golden, "conversations"), *row;
    size_t i;
    int n = 0;
    json_array_foreach(json_object_get(golden, "templates"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        struct chat_template *t = by_name(name);
        for (size_t k = 0; k < json_array_size(talks); k++)
            for (size_t g = 0; g < 2; g++) {
                const json_t *want = json_array_get(json_array_get(json_object_get(row, "renders"), k), g);
                assert_render(name, render(t, json_array_get(talks, k), g, "<B>", "<E>"), json_string_value(want));
                n++;
            }
        chat_template_free(t);
    }
    assert_true(n > 1600);
    json_decref(golden);
    free(path);
}

static json_t *talk(int n)
{
    json_t *messages = json_pack("[{ss,ss},{ss,ss},{ss,ss}]", "role", "user", "content", "One", "role", "assistant",
                                 "content", "Two", "role", "user", "content", "Three");
    while ((int)json_array_size(messages) > n)
        json_array_remove(messages, json_array_size(messages) - 1);
    return messages;
}

static void hh_and_plain_are_what_they_say(void **state)
{
    struct chat_template *hh = by_name("hh"), *plain = by_name("plain");
    json_t *messages = talk(3);
    assert_render("hh", render(hh, messages, true, "<s>", "</s>"),
                  "\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\n\nAssistant:");
    assert_render("plain", render(plain, messages, true, "<s>", "</s>"), "One\nTwo\nThree\n");
    json_decref(messages);
    chat_template_free(hh);
    chat_template_free(plain);
}

static void every_name_has_its_file_and_continues_its_prompt(void **state)
{
    int n = 0, n_files = 0;
    json_t *prompt = talk(1), *whole = talk(2), *tool = json_pack("[{ss,ss}]", "role", "tool", "content", "x");
    for (const char *const *name = chat_template_names(); *name; name++, n++) {
        struct chat_template *t = by_name(*name);
        assert_string_equal(chat_template_name(t), *name);
        assert_true(n == 0 || strcmp(name[-1], *name) < 0);
        char *before = render(t, prompt, true, "<s>", "</s>"), *after = render(t, whole, false, "<s>", "</s>");
        if (!before || !after || !text_starts(after, before)) // training relies on it
            fail_msg("%s: \"%s\" does not begin with \"%s\"", *name, after, before);
        free(before);
        free(after);
        assert_null(render(t, tool, true, "", ""));
        chat_template_free(t);
    }
    char *folder = test_source("share/attune/templates");
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        n_files += strlen(entry->d_name) > 6 && text_ends(entry->d_name, ".jinja");
    closedir(dir);
    free(folder);
    assert_int_equal(n, n_files);
    assert_true(n > 45);
    json_decref(prompt);
    json_decref(whole);
    json_decref(tool);
    struct err fault = {0};
    struct chat_template *t;
    assert_int_equal(chat_template_by_name(&t, "../../../etc/passwd", &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "chatml"));
}

static void what_a_template_forbids_is_an_error_with_its_line(void **state)
{
    struct str s = {0};
    struct err fault = {0};
    struct chat_template *t = parsed("{% for m in messages %}\n{% if m.role == 'user' %}\n"
                                     "{{ raise_exception('no ' + m.role) }}{% endif %}{% endfor %}");
    json_t *messages = talk(1), *none = json_array();
    struct chat_request request = {.messages = messages};
    assert_int_equal(chat_template_render(t, &request, NULL, &s, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "test:3:"));
    assert_non_null(strstr(fault.text, "no user"));
    request.messages = none;
    assert_int_equal(chat_template_render(t, &request, NULL, &s, &fault), ERR_INPUT);
    assert_int_equal(s.len, 0);
    assert_int_equal(chat_template_parse(&t, "bad", "a\n{% for x %}", &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "bad:2:"));
    chat_template_free(t);
    json_decref(messages);
    json_decref(none);
}

// tools and documents are there and none, as transformers has them; variables go before special tokens.
static void a_template_knows_the_request(void **state)
{
    struct chat_template *t = parsed("{{ tools }}|{{ documents }}|{{ add_generation_prompt }}|{{ enable_thinking }}|"
                                     "{{ bos_token is defined }}|{{ strftime_now('%d %b %Y %H:%M') }}");
    json_t *messages = talk(1), *tools = json_pack("[i]", 7), *variables = json_pack("{sb}", "enable_thinking", 0);
    struct chat_request request = {.messages = messages};
    struct str s = {0};
    assert_ok(chat_template_render(t, &request, NULL, &s, e));
    assert_string_equal(s.data, "None|None|False||False|01 Jan 1970 00:00");
    str_clear(&s);
    request = (struct chat_request){.messages = messages, .tools = tools, .add_generation_prompt = true,
                                    .variables = variables, .now = 1700000000};
    assert_ok(chat_template_render(t, &request, NULL, &s, e));
    assert_string_equal(s.data, "[7]|None|True|False|False|14 Nov 2023 22:13");
    str_fini(&s);
    chat_template_free(t);
    json_decref(messages);
    json_decref(tools);
    json_decref(variables);
}

static void a_tokenizer_brings_its_templates_and_tokens(void **state)
{
    char *dir = test_folder(), *from = test_source("tests/data/tokenizer-spm/tokenizer.json"), *text;
    char *to = path_join(dir, "tokenizer.json"), *config = path_join(dir, "tokenizer_config.json");
    size_t n;
    static const char settings[] =
        "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"</s>\", \"pad_token\": \"</s>\", \"image_token\": "
        "\"<i>\", \"extra_special_tokens\": {\"boi\": \"<b>\"}, \"chat_template\": ["
        "{\"name\": \"tool_use\", \"template\": \"T{{ tools[0] }}\"},"
        "{\"name\": \"default\", \"template\": \"{{ bos_token }}{{ messages[0].content }}{{ pad_token }}"
        "{{ mask_token }}{{ image_token }}{{ boi }}\"}]}";
    assert_ok(file_read(from, 1 << 20, &text, &n, e));
    assert_ok(file_write(to, text, n, e));
    assert_ok(file_write(config, settings, strlen(settings), e));
    struct tokenizer *k;
    assert_ok(tokenizer_load(&k, dir, e));
    struct chat_template *t;
    assert_ok(chat_template_of(&t, k, e));
    json_t *messages = talk(1), *tools = json_pack("[s]", "x");
    struct chat_request request = {.messages = messages};
    struct str s = {0};
    assert_ok(chat_template_render(t, &request, k, &s, e));
    assert_string_equal(s.data, "<s>One</s><i><b>");
    request.tools = tools;
    assert_ok(chat_template_render(t, &request, k, &s, e));
    assert_string_equal(s.data, "<s>One</s><i><b>Tx");
    chat_template_free(t);
    tokenizer_free(k);
    assert_ok(file_write(config, "{}", 2, e));
    assert_ok(tokenizer_load(&k, dir, e));
    struct err fault = {0};
    assert_int_equal(chat_template_of(&t, k, &fault), ERR_NOT_FOUND);
    tokenizer_free(k);
    str_fini(&s);
    json_decref(messages);
    json_decref(tools);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    free(from);
    free(text);
    free(to);
    free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_templates_render_as_they_should),
        cmocka_unit_test(hh_and_plain_are_what_they_say),
        cmocka_unit_test(every_name_has_its_file_and_continues_its_prompt),
        cmocka_unit_test(what_a_template_forbids_is_an_error_with_its_line),
        cmocka_unit_test(a_template_knows_the_request),
        cmocka_unit_test(a_tokenizer_brings_its_templates_and_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
