#include "config.h"

#include "corpus/row.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

bool row_refuse(struct row *r, const char *format, ...)
{
    if (r->reason[0])
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(r->reason, sizeof r->reason, format, args);
    va_end(args);
    return false;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

static const char *checked_text(struct row *r, const json_t *value, const char *name)
{
    if (!json_is_string(value)) {
        row_refuse(r, "\"%s\" is %s, must be a text", name, type_name(value));
        return NULL;
    }
    const char *text = json_string_value(value);
    if (strlen(text) != json_string_length(value)) {
        row_refuse(r, "\"%s\" holds a NUL character", name);
        return NULL;
    }
    return text;
}

const char *row_text(struct row *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value) {
        row_refuse(r, "the field \"%s\" is missing", key);
        return NULL;
    }
    return checked_text(r, value, key);
}

const char *row_text_or_empty(struct row *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value) ? "" : checked_text(r, value, key);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n\v\f")] == '\0';
}

// The three roles behind the names that collections use; NULL for others (tools, functions).
static const char *role_of(const char *name)
{
    static const struct {
        const char *name, *role;
    } roles[] = {
        {"user", "user"},        {"human", "user"},      {"prompter", "user"},    {"Human", "user"},
        {"assistant", "assistant"}, {"gpt", "assistant"}, {"model", "assistant"}, {"chatgpt", "assistant"},
        {"bot", "assistant"},    {"Assistant", "assistant"}, {"system", "system"},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    }
    return NULL;
}

bool row_add_turn(struct row *r, struct turn_list *list, const char *role, const char *text)
{
    if (list->n == ROW_MAX_TURNS)
        return row_refuse(r, "more than %d messages", ROW_MAX_TURNS);
    list->items[list->n++] = (struct turn){role, text};
    return true;
}

// Text parts joined; pictures and sounds are not for a language model of text.
static const char *joined_parts(struct row *r, const json_t *parts, const char *name, size_t index)
{
    struct str joined = {0};
    const json_t *part;
    size_t i;
    json_array_foreach(parts, i, part) {
        const json_t *type = json_object_get(part, "type");
        const json_t *value = json_object_get(part, json_object_get(part, "text") ? "text" : "value");
        const char *text = NULL;
        if (!json_is_object(part) || !json_is_string(type) || strcmp(json_string_value(type), "text") != 0 || !value)
            row_refuse(r, "message %zu of \"%s\" has a part that is not text", index + 1, name);
        else
            text = checked_text(r, value, "text");
        if (!text) {
            str_fini(&joined);
            return NULL;
        }
        str_add(&joined, text);
    }
    const char *text = arena_strdup(&r->corpus->arena, str_text(&joined));
    str_fini(&joined);
    return text;
}

static bool add_message(struct row *r, const json_t *message, const char *name, size_t index, struct turn_list *out)
{
    if (!json_is_object(message))
        return row_refuse(r, "message %zu of \"%s\" is %s, must be an object", index + 1, name, type_name(message));
    bool sharegpt = json_object_get(message, "from") != NULL;
    const char *label = row_text(r, message, sharegpt ? "from" : "role");
    const char *role = label ? role_of(label) : NULL;
    if (label && !role)
        return row_refuse(r, "message %zu of \"%s\" has the role \"%.40s\"; only system, user and assistant can be used",
                          index + 1, name, label);
    const json_t *content = json_object_get(message, sharegpt ? "value" : "content");
    const char *text = NULL;
    if (role && json_is_array(content))
        text = joined_parts(r, content, name, index);
    else if (role)
        text = row_text(r, message, sharegpt ? "value" : "content");
    return text && row_add_turn(r, out, role, text);
}

bool row_messages(struct row *r, const json_t *list, const char *name, struct turn_list *out)
{
    if (!list)
        return row_refuse(r, "the field \"%s\" is missing", name);
    if (json_is_object(list))
        return add_message(r, list, name, 0, out);
    if (!json_is_array(list))
        return row_refuse(r, "\"%s\" is %s, must be a list of messages", name, type_name(list));
    const json_t *message;
    size_t i;
    json_array_foreach(list, i, message) {
        if (!add_message(r, message, name, i, out))
            return false;
    }
    return true;
}

// The next "\n\nHuman:" or "\n\nAssistant:" from `at`; n when there is none.
static size_t next_speaker(const char *text, size_t n, size_t at, const char **role, size_t *label_bytes)
{
    static const char human[] = "\n\nHuman:", assistant[] = "\n\nAssistant:";
    while (at < n) {
        const char *found = memmem(text + at, n - at, "\n\n", 2);
        if (!found)
            break;
        at = (size_t)(found - text);
        if (n - at >= sizeof human - 1 && memcmp(found, human, sizeof human - 1) == 0) {
            *role = "user";
            *label_bytes = sizeof human - 1;
            return at;
        }
        if (n - at >= sizeof assistant - 1 && memcmp(found, assistant, sizeof assistant - 1) == 0) {
            *role = "assistant";
            *label_bytes = sizeof assistant - 1;
            return at;
        }
        at++;
    }
    return n;
}

static const char *trimmed(struct row *r, const char *text, size_t n)
{
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    while (n && strchr(" \t\r\n", text[0])) {
        text++;
        n--;
    }
    return arena_strndup(&r->corpus->arena, text, n);
}

bool row_transcript(struct row *r, const char *text, size_t n, const char *name, struct turn_list *out)
{
    const char *role = NULL, *next_role = NULL;
    size_t label = 0, next_label = 0;
    size_t at = next_speaker(text, n, 0, &role, &label);
    if (at != 0 || n == 0)
        return row_refuse(r, "\"%s\" does not begin with \"\\n\\nHuman:\"", name);
    while (at < n) {
        size_t body = at + label;
        size_t end = next_speaker(text, n, body, &next_role, &next_label);
        const char *said = trimmed(r, text + body, end - body);
        struct turn *last = out->n ? &out->items[out->n - 1] : NULL;
        if (last && strcmp(last->role, role) == 0) { // the same speaker twice: templates want them to alternate
            struct str both = {0};
            str_addf(&both, "%s\n\n%s", last->text, said);
            last->text = arena_strdup(&r->corpus->arena, str_text(&both));
            str_fini(&both);
        } else if (!row_add_turn(r, out, role, said)) {
            return false;
        }
        at = end;
        role = next_role;
        label = next_label;
    }
    return true;
}

static bool check_prompt(struct row *r, bool is_chat, const struct turn_list *prompt)
{
    if (prompt->n == 0)
        return row_refuse(r, "there is no prompt");
    if (!is_chat)
        return true;
    const struct turn *last = &prompt->items[prompt->n - 1];
    if (strcmp(last->role, "user") != 0)
        return row_refuse(r, "the prompt does not end with a message of the user");
    if (is_blank(last->text))
        return row_refuse(r, "the last message of the user is empty");
    for (int i = 1; i < prompt->n; i++) {
        if (strcmp(prompt->items[i].role, "system") == 0)
            return row_refuse(r, "message %d is a system message; only the first can be", i + 1);
    }
    return true;
}

static const char *answer_name(const struct row *r, int i)
{
    if (r->corpus->kind == DATA_PAIR)
        return i == 0 ? "the chosen answer" : "the rejected answer";
    return r->corpus->kind == DATA_LIST ? "one of the answers" : "the answer";
}

static bool check_responses(struct row *r, const struct response *responses, int n)
{
    for (int i = 0; i < n; i++) {
        if (is_blank(responses[i].text))
            return row_refuse(r, "%s is empty", answer_name(r, i));
    }
    if (r->corpus->kind == DATA_PAIR && strcmp(responses[0].text, responses[1].text) == 0)
        return row_refuse(r, "chosen and rejected are the same text");
    if (r->corpus->kind != DATA_LIST)
        return true;
    if (n < 2)
        return row_refuse(r, "a ranked list needs two answers at least, this has %d", n);
    bool differ = false;
    for (int i = 1; i < n; i++)
        differ = differ || responses[i].score != responses[0].score;
    return differ || row_refuse(r, "all answers have the same score");
}

bool row_emit(struct row *r, bool is_chat, const struct turn_list *prompt, const struct response *responses, int n)
{
    if (r->reason[0] || !check_prompt(r, is_chat, prompt) || !check_responses(r, responses, n))
        return false;
    struct corpus *c = r->corpus;
    struct turn *turns = arena_alloc(&c->arena, (size_t)prompt->n * sizeof *turns);
    struct response *answers = arena_alloc(&c->arena, (size_t)(n ? n : 1) * sizeof *answers);
    for (int i = 0; i < prompt->n; i++)
        turns[i] = (struct turn){prompt->items[i].role, arena_strdup(&c->arena, prompt->items[i].text)};
    for (int i = 0; i < n; i++)
        answers[i] = (struct response){arena_strdup(&c->arena, responses[i].text), responses[i].score};
    MEM_GROW(c->examples, c->n_examples, r->cap_examples);
    c->examples[c->n_examples++] = (struct example){
        .line = r->line, .is_chat = is_chat, .turns = turns, .n_turns = prompt->n, .responses = answers, .n_responses = n};
    return true;
}

bool row_emit_text(struct row *r, const char *prompt, const struct response *responses, int n)
{
    struct turn_list list = {.n = 1};
    list.items[0] = (struct turn){"user", prompt};
    return row_emit(r, false, &list, responses, n);
}
