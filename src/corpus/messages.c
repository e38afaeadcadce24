// Message objects of chats: what of them is read, what is carried along for the chat template, and what is refused.
#include "config.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "corpus/row.h"

// What the members of a message mean. Others are metadata of a collection, which no template reads.
enum use {
    USE_READ,    // role and content under their names
    USE_CARRIED, // changes what a template writes: goes along with the message, when it is not empty
    USE_REFUSED, // not text: the row is refused, when it is not empty
};
static const struct {
    const char *name;
    enum use use;
} members[] = {
    {"role", USE_READ},          {"from", USE_READ},           {"content", USE_READ},
    {"value", USE_READ},         {"tool_calls", USE_CARRIED},  {"tool_call_id", USE_CARRIED},
    {"function_call", USE_CARRIED}, {"name", USE_CARRIED},     {"reasoning_content", USE_CARRIED},
    {"reasoning", USE_CARRIED},  {"thinking", USE_CARRIED},    {"tool_plan", USE_CARRIED},
    {"tools", USE_CARRIED},      {"documents", USE_CARRIED},   {"prefix", USE_CARRIED},
    {"images", USE_REFUSED},     {"image", USE_REFUSED},       {"audio", USE_REFUSED},
    {"audios", USE_REFUSED},     {"videos", USE_REFUSED},      {"video", USE_REFUSED},
};

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || json_is_false(value) || (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

bool row_refuse_media(struct row *r, const json_t *object)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *value = members[i].use == USE_REFUSED ? json_object_get(object, members[i].name) : NULL;
        if (value && !is_empty(value))
            return !row_refuse(r, "it has \"%s\", and models here read text alone (leave the member out, or use map, where "
                                  "the texts say all)", members[i].name);
    }
    return false;
}

// The roles behind the names that collections use; NULL for names that no template has.
const char *message_role(const char *name)
{
    static const struct {
        const char *name, *role;
    } roles[] = {
        {"user", "user"},        {"human", "user"},      {"prompter", "user"},    {"Human", "user"},
        {"assistant", "assistant"}, {"gpt", "assistant"}, {"model", "assistant"}, {"chatgpt", "assistant"},
        {"bot", "assistant"},    {"Assistant", "assistant"}, {"system", "system"}, {"tool", "tool"},
        {"observation", "tool"}, {"function", "function"}, {"developer", "developer"},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    }
    return NULL;
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
            row_refuse(r, "message %zu of \"%s\" has a part that is not text (%.40s)", index + 1, name,
                       json_is_string(type) ? json_string_value(type) : "of no type");
        else
            text = row_checked_text(r, value, "text");
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

// The message as JSON when it has members to carry; "" when the row is refused, NULL when there are none.
static const char *carried(struct row *r, const json_t *message, const char *name, size_t index)
{
    json_t *whole = json_object();
    const char *key;
    json_t *value;
    const char *text = NULL;
    json_object_foreach((json_t *)message, key, value) {
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            if (strcmp(members[i].name, key) != 0 || members[i].use == USE_READ || is_empty(value))
                continue;
            if (members[i].use == USE_REFUSED)
                row_refuse(r, "message %zu of \"%s\" has \"%s\", which is not text", index + 1, name, key);
            json_object_set(whole, key, value);
        }
    }
    if (json_object_size(whole)) {
        char *dumped = json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(17));
        text = dumped ? arena_strdup(&r->corpus->arena, dumped) : NULL;
        free(dumped);
    }
    json_decref(whole);
    return r->reason[0] ? "" : text;
}

static bool add_message(struct row *r, const json_t *message, const char *name, size_t index, struct turn_list *out)
{
    if (!json_is_object(message))
        return row_refuse(r, "message %zu of \"%s\" is %s, must be an object", index + 1, name, row_type_name(message));
    bool sharegpt = json_object_get(message, "from") != NULL;
    const char *label = row_text(r, message, sharegpt ? "from" : "role");
    const char *role = label ? message_role(label) : NULL;
    if (label && !role)
        return row_refuse(r, "message %zu of \"%s\" has the role \"%.40s\"; known are system, developer, user, assistant, "
                             "tool and function", index + 1, name, label);
    const char *key = sharegpt ? "value" : "content", *json = role ? carried(r, message, name, index) : NULL;
    const json_t *content = json_object_get(message, key);
    const char *text = NULL;
    if (role && json_is_array(content))
        text = joined_parts(r, content, name, index);
    else if (role && json && json_is_null(content)) // a call says nothing beside it
        text = "";
    else if (role)
        text = row_text(r, message, key);
    if (!text || r->reason[0] || !row_add_turn(r, out, role, text))
        return false;
    out->items[out->n - 1].json = json;
    return true;
}

bool row_messages(struct row *r, const json_t *list, const char *name, struct turn_list *out)
{
    if (!list)
        return row_refuse(r, "the field \"%s\" is missing", name);
    if (json_is_object(list))
        return add_message(r, list, name, 0, out);
    if (!json_is_array(list))
        return row_refuse(r, "\"%s\" is %s, must be a list of messages", name, row_type_name(list));
    const json_t *message;
    size_t i;
    json_array_foreach(list, i, message) {
        if (!add_message(r, message, name, i, out))
            return false;
    }
    return true;
}

const char *dialogue_key(const json_t *object)
{
    return row_member(object, "messages") ? "messages" : row_member(object, "conversations") ? "conversations" : NULL;
}
