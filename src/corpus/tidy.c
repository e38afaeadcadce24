#include "config.h"

#include "corpus/tidy.h"

#include <string.h>

#include "base/json.h"

static bool is_message(const json_t *value)
{
    return json_is_object(value) && (json_object_get(value, "role") || json_object_get(value, "from")) &&
           (json_object_get(value, "content") || json_object_get(value, "value"));
}

static bool holds_messages(const json_t *value)
{
    const json_t *inner = json_object_get(value, "messages");
    return is_message(value) || is_message(json_array_get(value, 0)) || is_message(json_array_get(inner, 0));
}

static bool is_list_of_texts(const json_t *value)
{
    const json_t *item;
    size_t i;
    json_array_foreach(value, i, item)
        if (!json_is_string(item))
            return false;
    return json_array_size(value) > 0;
}

static json_t *decoded(const json_t *value)
{
    json_error_t fault;
    const char *text = json_string_value(value);
    return text && (*text == '[' || *text == '{') ? json_decode(text, json_string_length(value), &fault) : NULL;
}

// "[{'role': 'user', ...}]": how Python prints a list, and how pandas writes one into a CSV file.
static bool is_printed_by_python(const char *text)
{
    text += *text == '[';
    return strncmp(text, "{'role':", 8) == 0 || strncmp(text, "{'from':", 8) == 0 || strncmp(text, "{'content':", 11) == 0 ||
           strncmp(text, "{'value':", 9) == 0;
}

bool row_tidy(struct row *r, json_t *object)
{
    const char *key;
    json_t *value;
    void *next;
    if (!json_is_object(object))
        return true;
    json_object_foreach_safe(object, next, key, value) {
        if (json_is_null(value) && strcmp(key, "parent_id") != 0) { // the root of a tree has none, and says so
            json_object_del(object, key);
            continue;
        }
        json_t *inside = decoded(value);
        if (inside && holds_messages(inside)) {
            json_object_set_new(object, key, inside);
            continue;
        }
        json_decref(inside);
        if (json_is_string(value) && is_printed_by_python(json_string_value(value)))
            return row_refuse(
                r, "\"%.60s\" is a list of messages as Python prints it: write JSON (json.dumps) or Parquet instead",
                key);
    }
    // Several good and several bad answers, from a table of texts.
    json_t *good = decoded(json_object_get(object, "chosen")), *bad = decoded(json_object_get(object, "rejected"));
    if (is_list_of_texts(good) && is_list_of_texts(bad)) {
        json_object_set(object, "chosen", good);
        json_object_set(object, "rejected", bad);
    }
    json_decref(good);
    json_decref(bad);
    return true;
}

bool row_take_system(struct row *r, const json_t *object)
{
    static const char *const keys[] = {"system_prompt", "system"};
    r->system = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !(r->system && *r->system); i++) {
        const char *text = json_object_get(object, keys[i]) ? row_text(r, object, keys[i]) : "";
        if (!text)
            return false;
        r->system = text;
    }
    return true;
}
