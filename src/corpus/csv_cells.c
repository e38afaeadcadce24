// What a cell of a table is. CSV has texts only, and a text that looks like a number may well be one: the answer "4" to
// "2 + 2". So a cell stays a text, as it is, but in the columns that are never texts. There a whole cell that is a
// number, true or false, a JSON list or object is that, and an empty one is null: nobody voted. A list of messages is
// one wherever it stands.
#include "config.h"

#include "corpus/source_kinds.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"

// Names of columns: of numbers, booleans, lists and objects; "*" stands for anything.
static const char *const typed_columns[] = {
    "share", "votes", "annotator*", "label", "labels", "kto_tag", "choice", "preference", "preference_strength",
    "overall_preference", "better_response_id", "safer_response_id", "winner_model_*", "winner_tie", "is_*", "*_is_*",
    "rank", "ranks", "score", "scores", "score_*", "*_score", "rating", "ratings", "helpfulness", "correctness",
    "coherence", "complexity", "verbosity", "deleted", "parent_id", "completions", "generations", "answers", "responses",
    "messages", "conversations", "conversation", "conversation_*", "*_messages", "trajectory", "history", "turns", "tools",
    "info", "summaries", NULL};

static bool matches(const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    const size_t n = strlen(name), before = star ? (size_t)(star - pattern) : 0, after = star ? strlen(star + 1) : 0;
    const char *inner = star ? strchr(star + 1, '*') : NULL;
    if (!star)
        return strcmp(pattern, name) == 0;
    if (inner) { // "*_is_*"
        const char *found = memmem(name, n, star + 1, (size_t)(inner - star - 1));
        return found != NULL;
    }
    return n > before + after && strncmp(name, pattern, before) == 0 && strcmp(name + n - after, star + 1) == 0;
}

static bool is_typed(const char *column)
{
    for (size_t i = 0; typed_columns[i]; i++)
        if (matches(typed_columns[i], column))
            return true;
    return false;
}

static bool is_message_list(const json_t *value)
{
    const json_t *first = json_array_get(value, 0);
    return json_object_size(first) >= 2 && (json_object_get(first, "role") || json_object_get(first, "from"));
}

json_t *csv_cell(const char *column, const char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n;
    const bool typed = is_typed(column);
    json_t *value = NULL;
    json_error_t fault;
    while (at < end && isspace((unsigned char)*at))
        at++;
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    const size_t length = (size_t)(end - at);
    if (typed && length == 0)
        return json_null();
    if (typed && length == 4 && strncasecmp(at, "true", 4) == 0) // True: as Python writes it
        return json_true();
    if (typed && length == 5 && strncasecmp(at, "false", 5) == 0)
        return json_false();
    if (length && (*at == '[' || (typed && (*at == '{' || *at == '-' || isdigit((unsigned char)*at)))))
        value = json_decode(at, length, &fault);
    if (value && (typed || is_message_list(value)))
        return value;
    json_decref(value);
    return json_stringn(bytes, n);
}
