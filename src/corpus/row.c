#include "config.h"

#include "corpus/row.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
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

const char *row_type_name(const json_t *value)
{
    const char *number;
    if (json_is_unreadable(value, &number))
        return number;
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

const char *row_checked_text(struct row *r, const json_t *value, const char *name)
{
    if (!json_is_string(value)) {
        row_refuse(r, "\"%s\" is %s, must be a text", name, row_type_name(value));
        return NULL;
    }
    const char *text = json_string_value(value);
    if (strlen(text) != json_string_length(value)) {
        row_refuse(r, "\"%s\" holds a NUL character", name);
        return NULL;
    }
    return text;
}

const json_t *row_member(const json_t *object, const char *path)
{
    const json_t *direct = json_object_get(object, path);
    const char *point = direct ? NULL : strchr(path, '.');
    char head[64];
    if (!point || !text_copy(head, sizeof head, path) || point - path >= (int)sizeof head)
        return direct;
    head[point - path] = '\0';
    const json_t *inner = json_object_get(object, head);
    int64_t index;
    if (json_is_array(inner)) { // "messages.0.content"
        char number[24];
        const char *rest = strchr(point + 1, '.');
        if (!text_copy(number, sizeof number, point + 1))
            return NULL;
        number[strcspn(number, ".")] = '\0';
        const json_t *item = text_to_i64(number, &index) && index >= 0 ? json_array_get(inner, (size_t)index) : NULL;
        return rest ? row_member(item, rest + 1) : item;
    }
    return row_member(inner, point + 1);
}

const char *row_text(struct row *r, const json_t *object, const char *key)
{
    const json_t *value = row_member(object, key);
    if (!value) {
        row_refuse(r, "the field \"%s\" is missing", key);
        return NULL;
    }
    return row_checked_text(r, value, key);
}

const char *row_text_or_empty(struct row *r, const json_t *object, const char *key)
{
    const json_t *value = row_member(object, key);
    return !value || json_is_null(value) ? "" : row_checked_text(r, value, key);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n\v\f")] == '\0';
}

bool row_add_turn(struct row *r, struct turn_list *list, const char *role, const char *text)
{
    if (list->n == ROW_MAX_TURNS)
        return row_refuse(r, "more than %d messages", ROW_MAX_TURNS);
    list->items[list->n++] = (struct turn){.role = role, .text = text};
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
    const bool result = strcmp(last->role, "tool") == 0 || strcmp(last->role, "function") == 0;
    if (strcmp(last->role, "user") != 0 && !result)
        return row_refuse(r, "the prompt does not end with a message of the user");
    if (!result && is_blank(last->text))
        return row_refuse(r, "the last message of the user is empty");
    return true; // whether a system message may come later, or two of the user, its template says
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
        if (is_blank(responses[i].text) && !responses[i].json) // a call may say nothing
            return row_refuse(r, "%s is empty", answer_name(r, i));
    }
    if (r->corpus->kind == DATA_PAIR && strcmp(responses[0].text, responses[1].text) == 0 &&
        strcmp(responses[0].json ? responses[0].json : "", responses[1].json ? responses[1].json : "") == 0)
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

// The row's system text as the first message; a plain prompt then is what the user says.
static bool with_system(struct row *r, bool *is_chat, const struct turn_list *prompt, struct turn_list *out)
{
    *out = *prompt;
    if (!r->system || !*r->system)
        return true;
    if (prompt->n && strcmp(prompt->items[0].role, "system") == 0)
        return strcmp(prompt->items[0].text, r->system) == 0 || row_refuse(r, "it has two system texts that differ");
    if (!*is_chat && (prompt->n != 1 || is_blank(prompt->items[0].text)))
        return row_refuse(r, "it has a system text, but no prompt");
    if (prompt->n == ROW_MAX_TURNS)
        return row_refuse(r, "more than %d messages", ROW_MAX_TURNS);
    *is_chat = true;
    out->items[0] = (struct turn){.role = "system", .text = r->system};
    memcpy(out->items + 1, prompt->items, (size_t)prompt->n * sizeof *prompt->items);
    out->n = prompt->n + 1;
    return true;
}

bool row_emit(struct row *r, bool is_chat, const struct turn_list *given, const struct response *responses, int n)
{
    struct turn_list with, *prompt = &with;
    if (r->reason[0] || !with_system(r, &is_chat, given, &with))
        return false;
    if (r->reason[0] || !check_prompt(r, is_chat, prompt) || !check_responses(r, responses, n))
        return false;
    struct corpus *c = r->corpus;
    struct turn *turns = arena_alloc(&c->arena, (size_t)prompt->n * sizeof *turns);
    struct response *answers = arena_alloc(&c->arena, (size_t)(n ? n : 1) * sizeof *answers);
    for (int i = 0; i < prompt->n; i++)
        turns[i] = (struct turn){.role = prompt->items[i].role, .text = arena_strdup(&c->arena, prompt->items[i].text),
                                 .json = prompt->items[i].json};
    for (int i = 0; i < n; i++)
        answers[i] = (struct response){.text = arena_strdup(&c->arena, responses[i].text), .score = responses[i].score,
                                       .json = responses[i].json};
    MEM_GROW(c->examples, c->n_examples, r->cap_examples);
    c->examples[c->n_examples++] = (struct example){
        .line = r->line, .is_chat = is_chat, .turns = turns, .n_turns = prompt->n, .responses = answers, .n_responses = n,
        .tools = r->tools};
    return true;
}

bool row_emit_text(struct row *r, const char *prompt, const struct response *responses, int n)
{
    struct turn_list list = {.n = 1};
    list.items[0] = (struct turn){.role = "user", .text = prompt};
    return row_emit(r, false, &list, responses, n);
}
