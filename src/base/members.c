#include "config.h"

#include "base/members.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const struct member_row *find(const struct member_row *const *tables, const char *name)
{
    for (; *tables; tables++)
        for (const struct member_row *row = *tables; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static bool is_value(const json_t *value, const char *word, size_t n)
{
    char *end, text[64];
    text_copy(text, n + 1 < sizeof text ? n + 1 : sizeof text, word);
    if (json_is_boolean(value))
        return strcmp(text, json_is_true(value) ? "true" : "false") == 0;
    if (json_is_object(value))
        return json_object_size(value) == 0 && strcmp(text, "{}") == 0;
    if (json_is_array(value))
        return json_array_size(value) == 0 && strcmp(text, "[]") == 0;
    if (json_is_string(value))
        return strcmp(text, json_string_value(value)) == 0;
    const double number = strtod(text, &end);
    return json_is_number(value) && *text && !*end && json_number_value(value) == number;
}

static bool is_neutral(const json_t *value, const char *neutral)
{
    for (const char *at = neutral; *at; at += *at == ' ') {
        const size_t n = strcspn(at, " ");
        if (is_value(value, at, n))
            return true;
        at += n;
    }
    return false;
}

static int refuse(const json_t *value, const char *name, const char *where, struct err *e)
{
    const char *number = NULL;
    char *text = json_is_unreadable(value, &number) ? mem_strdup(number ? number : "?")
                                                    : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    int code = err_set(e, ERR_UNSUPPORTED, "%s: \"%s\" is %.120s%s, which changes the result in a way that Attune does not "
                       "have", where, name, text ? text : "?", text && strlen(text) > 120 ? "..." : "");
    free(text);
    return code;
}

int members_check(const json_t *object, const struct member_row *const *tables, const char *where, struct notes *notes,
                  struct err *e)
{
    enum { MAX_NAMED = 8 };
    struct str unknown = {0};
    const char *name;
    json_t *value;
    size_t n_unknown = 0;
    int code = 0;
    json_object_foreach((json_t *)object, name, value) {
        const struct member_row *row = find(tables, name);
        if (json_is_null(value) || (row && row->use != MEMBER_NEUTRAL))
            continue;
        if (row && !is_neutral(value, row->neutral)) {
            code = refuse(value, name, where, e);
            break;
        }
        if (!row && n_unknown++ < MAX_NAMED) {
            str_add(&unknown, n_unknown > 1 ? ", \"" : "\"");
            str_add_visible(&unknown, name, strlen(name) < 60 ? strlen(name) : 60, false);
            str_add(&unknown, "\"");
        }
    }
    if (n_unknown > MAX_NAMED)
        str_addf(&unknown, " and %zu more", n_unknown - MAX_NAMED);
    if (!code && n_unknown)
        notes_add(notes, "%s: %s %s not known to Attune and %s not read", where, str_text(&unknown),
                  n_unknown == 1 ? "is" : "are", n_unknown == 1 ? "was" : "were");
    str_fini(&unknown);
    return code;
}
