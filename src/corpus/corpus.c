#include "config.h"

#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/str.h"
#include "corpus/fields.h"
#include "corpus/map.h"
#include "corpus/row.h"
#include "corpus/shapes.h"
#include "corpus/source.h"
#include "corpus/tidy.h"

enum { RECOGNIZE_ROWS = 100 }; // so many rows decide on the shape

char *example_turns_json(const struct example *x)
{
    if (!x->is_chat)
        return NULL;
    json_t *list = json_array();
    for (int i = 0; i < x->n_turns; i++) {
        const struct turn *t = &x->turns[i];
        json_t *whole = t->json ? json_loads(t->json, 0, NULL) : NULL;
        json_array_append_new(list, whole ? whole : json_pack("{s:s, s:s}", "role", t->role, "content", t->text));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

char *example_prompt_text(const struct example *x)
{
    struct str s = {0};
    if (x->n_turns == 1)
        return mem_strdup(x->turns[0].text ? x->turns[0].text : "");
    for (int i = 0; i < x->n_turns; i++)
        str_addf(&s, "%s%s: %s", i ? "\n" : "", x->turns[i].role ? x->turns[i].role : "user",
                 x->turns[i].text ? x->turns[i].text : "");
    return str_take(&s);
}

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
    struct source *source;
    const char *file; // that the current row comes from, as refused_row.file
    struct row row;
    const char *map; // NULL: none
    struct fields *fields;
};

static void refuse(struct load *l, int64_t line, const char *reason, bool cut)
{
    struct corpus *c = l->corpus;
    MEM_GROW(c->refused, c->n_refused, c->cap_refused);
    c->refused[c->n_refused++] = (struct refused_row){line, arena_strdup(&c->arena, reason), l->file, cut};
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
static int recognize(struct source *source, const char *map, const struct shape **out, struct err *e)
{
    size_t votes[64] = {0};
    struct source_row row;
    int more = 0;
    for (int n = 0; n < RECOGNIZE_ROWS && (more = source_next(source, &row, e)) > 0; n++) {
        row.object = mapped(map, row.object);
        struct row unread = {0};
        row_tidy(&unread, row.object);
        size_t i = 0;
        while (row.object && shapes[i].name && !shape_fits(&shapes[i], row.object))
            i++;
        if (row.object && shapes[i].name)
            votes[i]++;
        json_decref(row.object);
    }
    if (more < 0)
        return more;
    size_t best = 0;
    for (size_t i = 0; shapes[i].name; i++) {
        if (votes[i] > votes[best])
            best = i;
    }
    *out = votes[best] ? &shapes[best] : NULL;
    return source_rewind(source, e);
}

static void load_text(struct load *l, const struct source_row *row)
{
    char *text = arena_strndup(&l->corpus->arena, row->text, row->n_text);
    if (strlen(text) != row->n_text)
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

// The file of the current row, where there are several.
static const char *file_of_row(struct load *l)
{
    const char *name = path_base(source_file(l->source));
    if (source_n_files(l->source) == 1)
        return NULL;
    return l->file && strcmp(l->file, name) == 0 ? l->file : arena_strdup(&l->corpus->arena, name);
}

static int load_rows(struct load *l, const struct shape *shape, size_t limit, struct err *e)
{
    struct corpus *c = l->corpus;
    struct source_row row;
    int more = 0;
    while ((limit == 0 || c->n_rows < limit) && (more = source_next(l->source, &row, e)) > 0) {
        const size_t n_before = c->n_examples;
        c->n_rows++;
        l->file = l->row.file = file_of_row(l);
        l->row.line = row.line;
        l->row.reason[0] = '\0';
        if (row.damage) {
            row_refuse(&l->row, "%s", row.damage);
        } else if (!shape) {
            load_text(l, &row);
        } else {
            row.object = mapped(l->map, row.object);
            take_tools(&l->row, row.object);
            if (!row_tidy(&l->row, row.object) || !row_take_system(&l->row, row.object) ||
                (!l->map && row_refuse_media(&l->row, row.object)))
                ;
            else if (!shape_read(shape, &l->row, row.object) && !l->row.reason[0])
                BUG("a reader refused a row of %s without a reason", shape->name);
            fields_note(l->fields, row.object, l->row.reason[0]);
        }
        json_decref(row.object);
        for (size_t i = n_before; i < c->n_examples; i++)
            c->examples[i].file = l->file;
        if (l->row.reason[0])
            refuse(l, row.line, l->row.reason, row.cut);
    }
    if (more >= 0 && shape && shape->finish)
        shape->finish(&l->row);
    return more < 0 ? more : 0;
}

static int no_shape(struct source *source, const char *path, const char *map, struct err *e)
{
    struct source_row first;
    int more = source_next(source, &first, e);
    if (more < 0)
        return more;
    if (more == 0)
        return err_set(e, ERR_INPUT, "cannot use %s as data: it holds no rows", path);
    if (!first.object)
        return err_set(e, ERR_INPUT, "cannot use %s as data (read as %s): %s:%lld: %s", path, source_form(source),
                       source_file(source), (long long)first.line, first.damage);
    json_t *row = first.object;
    char missing[200];
    if (map && map_missing(map, row, missing, sizeof missing)) {
        json_decref(row);
        return err_set(e, ERR_USAGE, "map names the member %s, which the first row of %s does not have", missing, path);
    }
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

// Takes the source.
static int load_source(struct corpus **out, const char *path, struct source *source, size_t limit,
                       const struct corpus_reading *how, struct err *e)
{
    struct corpus *c = mem_alloc(1, sizeof *c);
    struct load load = {.corpus = c, .source = source, .row = {.corpus = c, .label_from = how->label_from},
                        .map = how->map && *how->map ? how->map : NULL, .fields = fields_new()};
    const struct shape *shape = NULL;
    const bool plain = source_is_text(source);
    c->path = mem_strdup(path);
    c->unit = source_unit(source);
    struct sha256 hash;
    sha256_init(&hash);
    int code = how->map ? map_check(how->map, e) : 0;
    if (!code)
        code = source_hash(source, &hash, e);
    sha256_hex(&hash, c->hash);
    if (!code && !plain)
        code = recognize(source, load.map, &shape, e);
    if (!code && !plain && !shape)
        code = no_shape(source, path, load.map, e);
    if (code)
        goto out;
    if (how->label_from && *how->label_from && !(shape && shape_has_label(shape, how->label_from))) {
        code = err_set(e, ERR_USAGE, "label-from says \"%.40s\", and %s (%s) has %s%s%s", how->label_from, path,
                       shape ? shape->name : "plain texts", shape && shape->other ? "the labels better and " : "",
                       shape && shape->other ? shape->other : shape && shape->labels ? "the labels " : "no choice of labels",
                       shape && shape->labels ? shape->labels : "");
        goto out;
    }
    c->kind = shape ? shape->kind : DATA_SFT;
    c->transcripts = shape && shape->transcripts;
    c->shape = shape                      ? shape->name
               : source_separator(source) ? "plain texts parted by <|endoftext|>"
                                          : "plain texts parted by blank lines";
    code = load_rows(&load, shape, limit, e);
    if (code)
        goto out;
    if (shape)
        fields_finish(load.fields, c, shape, how->label_from);
    if (c->n_examples == 0 && c->n_refused == 0 && c->n_rows > 0)
        code =
            err_set(e, ERR_INPUT, "cannot use %s as data (recognized as %s): none of its %zu rows makes an example%s",
                    path, c->shape, c->n_rows,
                    shape && shape->kind == DATA_LIST ? "; a list needs two answers with scores or ranks" : "");
    else if (c->n_examples == 0 && c->n_refused == 0)
        code = err_set(e, ERR_INPUT, "cannot use %s as data: it holds no rows", path);
    else if (c->n_examples == 0)
        code = err_set(e, ERR_INPUT, "no row of %s can be used (recognized as %s); the first is refused: %s:%s%lld: %s",
                       path, c->shape, c->refused[0].file ? c->refused[0].file : path,
                       strcmp(c->unit, "row") == 0 ? "row " : "", (long long)c->refused[0].line, c->refused[0].reason);
out:
    fields_free(load.fields);
    source_close(source);
    if (code)
        corpus_free(c);
    else
        *out = c;
    return code;
}

int corpus_parse(struct corpus **out, const char *path, const char *bytes, size_t n_bytes, size_t limit, struct err *e)
{
    struct source *source;
    int code = source_open_bytes(&source, path, bytes, n_bytes, e);
    return code ? code : load_source(out, path, source, limit, &(struct corpus_reading){0}, e);
}

int corpus_load(struct corpus **out, const char *path, size_t limit, struct err *e)
{
    return corpus_load_as(out, path, limit, &(struct corpus_reading){0}, e);
}

int corpus_load_as(struct corpus **out, const char *path, size_t limit, const struct corpus_reading *how, struct err *e)
{
    struct source *source;
    int code = source_open(&source, path, e);
    return code ? code : load_source(out, path, source, limit, how, e);
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
