// What an exported folder says of itself: README.md, and the chat template that the model was trained with where its
// tokenizer has another one or none.
#include "config.h"

#include "train/engine/model_card.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "train/data/text_rules.h"

enum { MOST = 8 << 20 };

static json_t *read_object(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    json_t *value = NULL;
    if (file_exists(path) && json_read(path, MOST, &value, NULL))
        value = NULL;
    free(path);
    return value;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void add_training(struct str *s, const json_t *state)
{
    static const char *const shown[] = {"lr", "beta", "batch-size", "epochs", "lora-rank", "seed"};
    const json_t *settings = json_object_get(state, "settings");
    str_addf(s, "## Training\n\nObjective `%s`, %lld steps.", text_of(state, "objective"),
             (long long)json_integer_value(json_object_get(state, "step")));
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const json_t *value = json_object_get(settings, shown[i]);
        if (json_is_integer(value))
            str_addf(s, " %s %lld.", shown[i], (long long)json_integer_value(value));
        else if (json_is_real(value))
            str_addf(s, " %s %g.", shown[i], json_real_value(value));
    }
    str_add(s, "\n\n");
}

static void add_text(struct str *s, const json_t *rules)
{
    const json_t *template = json_object_get(rules, "chat_template");
    const char *system = text_of(rules, "system");
    str_add(s, "## How its text was written\n\n");
    if (json_is_object(template))
        str_addf(s, "* Conversations: the chat template %s (`chat_template.jinja`).\n",
                 json_is_true(json_object_get(rules, "own_template")) ? "of its tokenizer" : text_of(template, "name"));
    else
        str_add(s, "* Conversations: none; there is no chat template.\n");
    str_addf(s, "* Plain prompts: %s.\n", json_is_true(json_object_get(rules, "strings_as_messages"))
                                              ? "as a user's message" : "as they stand, without a template");
    str_addf(s, "* Special tokens written in plain texts: %s.\n",
             json_is_true(json_object_get(rules, "special_tokens")) ? "those tokens" : "ordinary text");
    if (*system)
        str_addf(s, "* System message of conversations without one: %s\n", system);
    str_addf(s, "* At most %lld tokens, of them %lld of prompt.\n\n",
             (long long)json_integer_value(json_object_get(rules, "max_length")),
             (long long)json_integer_value(json_object_get(rules, "max_prompt_length")));
    str_add(s, "`text_rules.json` has all of it; `attune score`, `sample` and `credit` go by it.\n");
}

// The tokenizer that comes with the model must write conversations as training did.
static int write_template(const char *out, const json_t *rules, struct err *e)
{
    const char *text = json_string_value(json_object_get(json_object_get(rules, "chat_template"), "text"));
    if (!text || json_is_true(json_object_get(rules, "own_template")))
        return 0;
    char *path = path_join(out, "chat_template.jinja");
    int code = file_write(path, text, strlen(text), e);
    free(path);
    return code;
}

int model_card_write(const char *from, const char *out, struct err *e)
{
    struct str s = {0};
    json_t *state = read_object(from, "state.json"), *rules = read_object(from, TEXT_RULES_FILE);
    char *path = path_join(out, "README.md");
    int code = 0;
    str_addf(&s, "---\nlibrary_name: transformers\ntags: [attune]\n---\n\n# %s\n\nTuned on preferences with Attune %s.\n\n",
             path_base(out), PACKAGE_VERSION);
    if (state)
        add_training(&s, state);
    if (rules)
        add_text(&s, rules);
    if (state || rules)
        code = file_write(path, str_text(&s), s.len, e);
    if (!code && rules)
        code = write_template(out, rules, e);
    json_decref(state);
    json_decref(rules);
    free(path);
    str_fini(&s);
    return code;
}
