// JSON lines, JSON arrays and plain texts as rows; records.h finds where they begin and end.
#include "config.h"

#include "corpus/source_kinds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "corpus/records.h"

struct json_rows {
    struct records records;
    char damage[400];
};

// What is wrong with the bytes of a row before they are JSON; NULL when nothing is.
static const char *damage_of(const struct record *record)
{
    if (record->damage)
        return record->damage;
    if (record->n_bytes > SOURCE_MAX_ROW_BYTES)
        return "the row is longer than 16 MiB";
    if (!utf8_is_valid(record->bytes, record->n_bytes))
        return "the row is not valid UTF-8";
    return NULL;
}

static int next(void *state, struct source_row *out, struct err *e)
{
    struct json_rows *s = state;
    struct record record;
    json_error_t fault;
    if (!records_next(&s->records, &record))
        return 0;
    out->line = record.line;
    out->damage = damage_of(&record);
    out->cut = record.at_end;
    if (out->damage)
        return 1;
    if (s->records.form == RECORDS_TEXTS) {
        out->text = record.bytes;
        out->n_text = record.n_bytes;
        return 1;
    }
    out->object = json_decode(record.bytes, record.n_bytes, &fault);
    if (json_is_object(out->object))
        return 1;
    if (out->object)
        snprintf(s->damage, sizeof s->damage, "the row is not an object with named fields");
    else
        snprintf(s->damage, sizeof s->damage, "not valid JSON: %.150s (line %lld, column %d of it)", fault.text,
                 (long long)record.line + fault.line - 1, fault.column);
    // A last line without its end.
    out->cut = !out->object && json_error_code(&fault) == json_error_premature_end_of_input &&
               record.bytes + record.n_bytes == s->records.bytes + s->records.n_bytes;
    json_decref(out->object);
    out->object = NULL;
    out->damage = s->damage;
    return 1;
}

static const struct source_ops json_ops[] = {
    [RECORDS_LINES] = {.name = "JSON lines", .unit = "line", .next = next, .close = free},
    [RECORDS_OBJECTS] = {.name = "JSON objects", .unit = "line", .next = next, .close = free},
    [RECORDS_ARRAY] = {.name = "a JSON array", .unit = "line", .next = next, .close = free},
    [RECORDS_TEXTS] = {.name = "plain text", .unit = "line", .next = next, .close = free},
};

void source_open_records(void **state, const struct source_ops **ops, const char *bytes, size_t n, bool plain_text)
{
    struct json_rows *s = mem_alloc(1, sizeof *s);
    records_start(&s->records, bytes, n, plain_text);
    *ops = &json_ops[s->records.form];
    *state = s;
}

const char *source_records_separator(const void *state)
{
    return ((const struct json_rows *)state)->records.separator;
}
