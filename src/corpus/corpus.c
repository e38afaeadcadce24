#include "config.h"

#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"
#include "corpus/fields.h"
#include "corpus/map.h"
#include "corpus/records.h"
#include "corpus/row.h"
#include "corpus/shapes.h"

// Stated maxima: a whole file (unpacked) and one row of it.
static const size_t max_file_bytes = (size_t)4 << 30;
static const size_t max_row_bytes = (size_t)16 << 20;
enum { RECOGNIZE_ROWS = 100 }; // so many rows decide on the shape

const char *data_kind_name(enum data_kind kind)
{
    switch (kind) {
    case DATA_SFT:
        return "texts to imitate";
    case DATA_PAIR:
        return "preference pairs";
    case DATA_BINARY:
        return "answers marked good or bad";
    case DATA_LIST:
        return "ranked lists";
    case DATA_PROMPT:
        return "prompts";
    }
    return "unknown";
}

struct load {
    struct corpus *corpus;
    struct records records;
    struct row row;
    size_t cap_refused;
    const char *map; // NULL: none
    struct fields *fields;
};

static void refuse(struct load *l, int64_t line, const char *reason)
{
    struct corpus *c = l->corpus;
    MEM_GROW(c->refused, c->n_refused, l->cap_refused);
    c->refused[c->n_refused++] = (struct refused_row){line, arena_strdup(&c->arena, reason)};
}

// What is wrong with the bytes of a row before they are JSON; NULL when nothing is.
static const char *damage_of(const struct record *record)
{
    if (record->damage)
        return record->damage;
    if (record->n_bytes > max_row_bytes)
        return "the row is longer than 16 MiB";
    if (!utf8_is_valid(record->bytes, record->n_bytes))
        return "the row is not valid UTF-8";
    return NULL;
}

static json_t *parse_row(const struct record *record, char *reason, size_t size)
{
    json_error_t fault;
    json_t *value = json_decode(record->bytes, record->n_bytes, &fault);
    if (!value)
        snprintf(reason, size, "not valid JSON: %.150s (line %lld, column %d of it)", fault.text,
                 (long long)record->line + fault.line - 1, fault.column);
    else if (!json_is_object(value))
        snprintf(reason, size, "the row is not an object with named fields");
    if (value && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

// A row as the shapes see it.
static json_t *mapped(const char *map, json_t *row)
{
    if (!map || !row)
        return row;
    json_t *other = map_apply(map, row);
    json_decref(row);
    return other;
}

// The shape that most of the first rows have; the more particular one when two have as many.
static const struct shape *recognize(struct records records, const char *map)
{
    size_t votes[64] = {0};
    struct record record;
    for (int n = 0; n < RECOGNIZE_ROWS && records_next(&records, &record); n++) {
        char reason[400];
        json_t *row = mapped(map, damage_of(&record) ? NULL : parse_row(&record, reason, sizeof reason));
        size_t i = 0;
        while (row && shapes[i].name && !shape_fits(&shapes[i], row))
            i++;
        if (row && shapes[i].name)
            votes[i]++;
        json_decref(row);
    }
    size_t best = 0;
    for (size_t i = 0; shapes[i].name; i++) {
        if (votes[i] > votes[best])
            best = i;
    }
    return votes[best] ? &shapes[best] : NULL;
}

static void load_text(struct load *l, const struct record *record)
{
    char *text = arena_strndup(&l->corpus->arena, record->bytes, record->n_bytes);
    if (strlen(text) != record->n_bytes)
        row_refuse(&l->row, "the text holds a NUL character");
    else
        row_emit_text(&l->row, "", &(struct response){.text = text, .score = 1}, 1);
}

// What the assistant may call, kept as the row has it.
static void take_tools(struct row *r, const json_t *object)
{
    const json_t *tools = json_object_get(object, "tools");
    if (!tools)
        tools = json_object_get(json_object_get(object, "input"), "tools");
    r->tools = NULL;
    if (json_is_string(tools) && json_string_length(tools) > 2) { // some collections keep the list as a text
        r->tools = arena_strdup(&r->corpus->arena, json_string_value(tools));
    } else if (json_array_size(tools) > 0) {
        char *text = json_dumps(tools, JSON_COMPACT | JSON_REAL_PRECISION(17));
        r->tools = text ? arena_strdup(&r->corpus->arena, text) : NULL;
        free(text);
    }
}

static void load_rows(struct load *l, const struct shape *shape, size_t limit)
{
    struct corpus *c = l->corpus;
    struct record record;
    while ((limit == 0 || c->n_rows < limit) && records_next(&l->records, &record)) {
        c->n_rows++;
        l->row.line = record.line;
        l->row.reason[0] = '\0';
        const char *damage = damage_of(&record);
        if (damage) {
            row_refuse(&l->row, "%s", damage);
        } else if (!shape) {
            load_text(l, &record);
        } else {
            json_t *value = mapped(l->map, parse_row(&record, l->row.reason, sizeof l->row.reason));
            if (value)
                take_tools(&l->row, value);
            if (value && !shape_read(shape, &l->row, value) && !l->row.reason[0])
                BUG("a reader refused a row of %s without a reason", shape->name);
            if (value)
                fields_note(l->fields, value, l->row.reason[0]);
            json_decref(value);
        }
        if (l->row.reason[0])
            refuse(l, record.line, l->row.reason);
    }
    if (shape && shape->finish)
        shape->finish(&l->row);
}

static bool ends_in_txt(const char *path)
{
    size_t n = strlen(path);
    if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0)
        n -= 3;
    return n > 4 && strncasecmp(path + n - 4, ".txt", 4) == 0;
}

static int no_shape(const struct records *records, const char *path, struct err *e)
{
    struct records again = *records;
    struct record record;
    if (!records_next(&again, &record))
        return err_set(e, ERR_INPUT, "cannot use %s as data: it holds no rows", path);
    const char *damage = damage_of(&record);
    char reason[400];
    json_t *row = damage ? NULL : parse_row(&record, reason, sizeof reason);
    if (!row)
        return err_set(e, ERR_INPUT, "cannot use %s as data (read as %s): %s:%lld: %s", path,
                       records_form_name(records->form), path, (long long)record.line, damage ? damage : reason);
    struct str names = {0};
    const char *key, *meant = NULL, *typed = NULL;
    json_t *value;
    json_object_foreach(row, key, value)
    {
        if (!meant && (meant = shape_meant(NULL, row, key)))
            typed = key;
        if (names.len < 300) {
            str_add(&names, names.len ? ", " : "");
            str_add_visible(&names, key, strnlen(key, 60), false);
        }
    }
    int code = err_set(e, ERR_INPUT,
                       "cannot use %s as data: its fields (%s) are none of the known shapes%s%s%s%.60s%s; pairs need for "
                       "example \"prompt\", \"chosen\" and \"rejected\", texts need \"text\" or \"messages\"; --map "
                       "prompt=MEMBER,chosen=MEMBER,... says which member is what",
                       path, str_text(&names), meant ? "; did you mean \"" : "", meant ? meant : "",
                       meant ? "\" by \"" : "", meant ? typed : "", meant ? "\"?" : "");
    str_fini(&names);
    json_decref(row);
    return code;
}

static int parse_as(struct corpus **out, const char *path, const char *bytes, size_t n_bytes, size_t limit,
                    const struct corpus_reading *how, struct err *e)
{
    int code = how->map ? map_check(how->map, e) : 0;
    if (code)
        return code;
    struct corpus *c = mem_alloc(1, sizeof *c);
    struct load load = {.corpus = c, .row = {.corpus = c, .label_from = how->label_from}, .fields = fields_new(),
                        .map = how->map && *how->map ? how->map : NULL};
    c->path = mem_strdup(path);
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, bytes, n_bytes);
    sha256_hex(&hash, c->hash);

    bool plain = ends_in_txt(path);
    records_start(&load.records, bytes, n_bytes, plain);
    const struct shape *shape = plain ? NULL : recognize(load.records, load.map);
    if (!plain && !shape) {
        code = no_shape(&load.records, path, e);
        goto out;
    }
    c->kind = shape ? shape->kind : DATA_SFT;
    c->transcripts = shape && shape->transcripts;
    c->shape = shape                    ? shape->name
               : load.records.separator ? "plain texts parted by <|endoftext|>"
                                        : "plain texts parted by blank lines";
    load_rows(&load, shape, limit);
    if (shape)
        fields_finish(load.fields, c, shape, how->label_from);
    if (c->n_examples == 0 && c->n_refused == 0)
        code = err_set(e, ERR_INPUT, "cannot use %s as data: it holds no rows", path);
    else if (c->n_examples == 0)
        code = err_set(e, ERR_INPUT, "no row of %s can be used (recognized as %s); the first is refused: %s:%lld: %s",
                       path, c->shape, path, (long long)c->refused[0].line, c->refused[0].reason);
out:
    fields_free(load.fields);
    if (code)
        corpus_free(c);
    else
        *out = c;
    return code;
}

int corpus_parse(struct corpus **out, const char *path, const char *bytes, size_t n_bytes, size_t limit, struct err *e)
{
    return parse_as(out, path, bytes, n_bytes, limit, &(struct corpus_reading){0}, e);
}

int corpus_load(struct corpus **out, const char *path, size_t limit, struct err *e)
{
    return corpus_load_as(out, path, limit, &(struct corpus_reading){0}, e);
}

int corpus_load_as(struct corpus **out, const char *path, size_t limit, const struct corpus_reading *how, struct err *e)
{
    char *bytes;
    size_t n_bytes;
    int code = file_read(path, max_file_bytes, &bytes, &n_bytes, e);
    if (code)
        return code;
    code = parse_as(out, path, bytes, n_bytes, limit, how, e);
    free(bytes);
    return code;
}

void corpus_free(struct corpus *c)
{
    if (!c)
        return;
    arena_fini(&c->arena);
    free(c->path);
    free(c->examples);
    free(c->refused);
    free(c);
}

// The key that decides on an example's side: its prompt, or its answer when there is no prompt.
static uint64_t split_key(const struct example *x)
{
    struct sha256 hash;
    sha256_init(&hash);
    bool blank = x->n_turns == 1 && x->turns[0].text[0] == '\0';
    for (int i = 0; i < x->n_turns; i++) {
        sha256_add(&hash, x->turns[i].role, strlen(x->turns[i].role) + 1); // with the NUL, as a boundary
        sha256_add(&hash, x->turns[i].text, strlen(x->turns[i].text) + 1);
    }
    if (blank && x->n_responses)
        sha256_add(&hash, x->responses[0].text, strlen(x->responses[0].text));
    char hex[65];
    sha256_hex(&hash, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

// [0, 1), by seed, stream and content.
static double place_of(const struct example *x, uint64_t seed, enum rng_stream stream)
{
    uint32_t bits[4];
    rng_block(seed, (uint64_t)stream << 32, split_key(x), bits);
    return (double)((uint64_t)bits[0] << 21 | bits[1] >> 11) * 0x1p-53;
}

void corpus_split(const struct corpus *c, double share, uint64_t seed, bool *held_out)
{
    for (size_t i = 0; i < c->n_examples; i++)
        held_out[i] = place_of(&c->examples[i], seed, RNG_SPLIT) < share;
}

void corpus_part(const struct corpus *c, int part, uint64_t seed, bool *use)
{
    for (size_t i = 0; i < c->n_examples; i++)
        use[i] = use[i] && (place_of(&c->examples[i], seed, RNG_PART) < 0.5) == (part == 1);
}
