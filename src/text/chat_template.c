#include "config.h"

#include "text/chat_template.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "text/jinja/jinja.h"

struct chat_template {
    char *name, *text, *tool_text; // the Jinja they were made of
    struct jinja *plain;
    struct jinja *tool_use; // for requests with tools; NULL: the same
};

// Each is a file NAME.jinja in share/attune/templates. Where a template exists with and without checks of the order of
// roles, "-strict" is the one with.
static const char *const names[] = {
    "alpaca", "amberchat", "chatglm3", "chatglm4", "chatml", "chatml-strict", "command-r", "deepseek-v2", "gemma",
    "gemma-no-bos", "gemma-system", "glm-edge", "granite-3.0", "hh", "llama-2", "llama-2-strict", "llama-3",
    "llama-3-open", "llama-3-strict", "llama-3.1", "megrez", "minicpm", "mistral", "mistral-nemo", "mistral-strict",
    "mistral-v1", "mistral-v3", "mistral-v7", "monarch", "openchat", "openchat-strict", "orion", "phi-3",
    "phi-3-medium", "phi-3-small", "phi-3-small-strict", "phi-3-strict", "phi-3-vision", "phi-4", "plain", "qwen2",
    "qwen2.5", "qwen3", "saiga", "smollm2", "solar", "vicuna", "vicuna-1.1", "vicuna-orca", "zephyr", "zephyr-strict",
    NULL,
};

int chat_template_open(struct chat_template **out, const char *name, const char *plain, const char *tool_use,
                       struct err *e)
{
    struct chat_template *t = mem_alloc(1, sizeof *t);
    struct str title = {0};
    str_addf(&title, "chat template %s", name);
    t->name = mem_strdup(name);
    t->text = mem_strdup(plain);
    t->tool_text = tool_use ? mem_strdup(tool_use) : NULL;
    int code = jinja_parse(&t->plain, title.data, plain, strlen(plain), e);
    str_add(&title, " (tool_use)");
    if (!code && tool_use)
        code = jinja_parse(&t->tool_use, title.data, tool_use, strlen(tool_use), e);
    str_fini(&title);
    if (code)
        chat_template_free(t);
    else
        *out = t;
    return code;
}

int chat_template_parse(struct chat_template **out, const char *name, const char *jinja, struct err *e)
{
    return chat_template_open(out, name, jinja, NULL, e);
}

int chat_template_of(struct chat_template **out, const struct tokenizer *t, struct err *e)
{
    const char *plain = tokenizer_chat_template(t);
    if (!plain)
        return err_set(e, ERR_NOT_FOUND, "the tokenizer has no chat template");
    return chat_template_open(out, "of the tokenizer", plain, tokenizer_tool_template(t), e);
}

int chat_template_by_name(struct chat_template **out, const char *name, struct err *e)
{
    const char *const *known = names;
    while (*known && strcmp(*known, name) != 0)
        known++;
    if (!*known) {
        struct str list = {0};
        for (known = names; *known; known++)
            str_addf(&list, "%s%s", known == names ? "" : ", ", *known);
        int code =
            err_set(e, ERR_NOT_FOUND, "there is no chat template \"%.60s\"; known are %s", name, str_text(&list));
        str_fini(&list);
        return code;
    }
    struct str file = {0};
    str_addf(&file, "templates/%s.jinja", name);
    char *path = path_share(file.data), *text = NULL;
    size_t n;
    int code = file_read(path, JINJA_TEMPLATE_MAX, &text, &n, e);
    if (!code)
        code = chat_template_parse(out, name, text, e);
    free(text);
    free(path);
    str_fini(&file);
    return code;
}

const char *const *chat_template_names(void)
{
    return names;
}

const char *chat_template_name(const struct chat_template *t)
{
    return t->name;
}

void chat_template_free(struct chat_template *t)
{
    if (!t)
        return;
    free(t->name);
    free(t->text);
    free(t->tool_text);
    jinja_free(t->plain);
    jinja_free(t->tool_use);
    free(t);
}

const char *chat_template_text(const struct chat_template *t)
{
    return t->text;
}

const char *chat_template_tool_text(const struct chat_template *t)
{
    return t->tool_text;
}

static void add(json_t *context, const char *name, const json_t *value)
{
    json_object_set(context, name, (json_t *)value); // borrowed: only the count of its users changes
}

int chat_template_render(const struct chat_template *t, const struct chat_request *r, const struct tokenizer *k,
                         struct str *out, struct err *e)
{
    if (json_array_size(r->messages) == 0)
        return err_set(e, ERR_INPUT, "a conversation without messages cannot be rendered");
    json_t *context = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)tokenizer_special_tokens(k), name, value)
        add(context, name, value);
    json_object_foreach((json_t *)r->variables, name, value)
        add(context, name, value);
    add(context, "messages", r->messages);
    add(context, "tools", r->tools ? r->tools : json_null());
    add(context, "documents", r->documents ? r->documents : json_null());
    add(context, "add_generation_prompt", r->add_generation_prompt ? json_true() : json_false());
    const bool with_tools = r->tools && !json_is_null(r->tools);
    int code = jinja_render(with_tools && t->tool_use ? t->tool_use : t->plain, context, r->now, NULL, out, e);
    json_decref(context);
    return code;
}
