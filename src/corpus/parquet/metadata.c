// The footer: schema and row groups, checked so far that the rest need not doubt them.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "corpus/parquet/file.h"
#include "corpus/parquet/thrift.h"

static int damaged(const struct parquet *p, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "cannot read %s: its Parquet footer is damaged: %s", p->path, what);
}

static int32_t read_unit(struct thrift *t)
{
    static const int32_t units[] = {0, 1000, 1000000, 1000000000};
    struct thrift_field f;
    int32_t unit = 0;
    for (thrift_struct(t, &f); thrift_field(t, &f); thrift_skip(t, f.type))
        unit = f.id <= 3 ? units[f.id] : 0;
    return unit;
}

// The members of a logical type that matter here: {scale, precision}, {is UTC, unit}, {bits, is signed}.
static void read_logical_members(struct thrift *t, struct pq_node *n)
{
    struct thrift_field f;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        if (n->meaning == MEANS_DECIMAL && f.id == 1)
            n->scale = (int32_t)thrift_int(t, &f);
        else if ((n->meaning == MEANS_TIME || n->meaning == MEANS_TIMESTAMP) && f.id == 1)
            n->utc = thrift_bool(t, &f);
        else if ((n->meaning == MEANS_TIME || n->meaning == MEANS_TIMESTAMP) && f.id == 2 && f.type == THRIFT_STRUCT)
            n->unit = read_unit(t);
        else if (n->meaning == MEANS_UNSIGNED && f.id == 2)
            n->meaning = thrift_bool(t, &f) ? MEANS_NOTHING : MEANS_UNSIGNED;
        else
            thrift_skip(t, f.type);
    }
}

static void read_logical_type(struct thrift *t, struct pq_node *n)
{
    static const enum meaning meanings[] = {
        [1] = MEANS_TEXT, [2] = MEANS_MAP, [3] = MEANS_LIST, [4] = MEANS_TEXT, [5] = MEANS_DECIMAL, [6] = MEANS_DATE,
        [7] = MEANS_TIME, [8] = MEANS_TIMESTAMP, [10] = MEANS_UNSIGNED, [12] = MEANS_JSON, [14] = MEANS_UUID,
        [15] = MEANS_FLOAT16};
    struct thrift_field f;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        n->meaning = (size_t)f.id < sizeof meanings / sizeof *meanings ? meanings[f.id] : MEANS_NOTHING;
        if (f.type == THRIFT_STRUCT)
            read_logical_members(t, n);
        else
            thrift_skip(t, f.type);
    }
}

// The older way of saying the same; the logical type, where there is one, says more.
static void take_converted_type(struct pq_node *n, int64_t type)
{
    static const enum meaning meanings[] = {
        [0] = MEANS_TEXT, [1] = MEANS_MAP, [2] = MEANS_MAP, [3] = MEANS_LIST, [4] = MEANS_TEXT, [5] = MEANS_DECIMAL,
        [6] = MEANS_DATE, [7] = MEANS_TIME, [8] = MEANS_TIME, [9] = MEANS_TIMESTAMP, [10] = MEANS_TIMESTAMP,
        [11] = MEANS_UNSIGNED, [12] = MEANS_UNSIGNED, [13] = MEANS_UNSIGNED, [14] = MEANS_UNSIGNED, [19] = MEANS_JSON};
    if (type < 0 || (size_t)type >= sizeof meanings / sizeof *meanings)
        return;
    n->meaning = meanings[type];
    n->unit = type == 7 || type == 9 ? 1000 : type == 8 || type == 10 ? 1000000 : 0;
    n->utc = type == 9 || type == 10;
}

static void read_node(struct thrift *t, struct pq_node *n)
{
    struct thrift_field f;
    int64_t converted = -1, type = -1, repetition = 0, children = 0;
    struct pq_node logical = {0};
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        size_t length;
        const char *name;
        switch (f.id) {
        case 1:
            type = thrift_int(t, &f);
            break;
        case 2:
            n->type_length = (int32_t)thrift_int(t, &f);
            break;
        case 3:
            repetition = thrift_int(t, &f);
            break;
        case 4:
            name = thrift_binary(t, &f, &length);
            if (!n->name && !memchr(name, '\0', length) && utf8_is_valid(name, length))
                n->name = mem_strndup(name, length);
            break;
        case 5:
            children = thrift_int(t, &f);
            break;
        case 6:
            converted = thrift_int(t, &f);
            break;
        case 7:
            n->scale = (int32_t)thrift_int(t, &f);
            break;
        case 10:
            if (f.type == THRIFT_STRUCT)
                read_logical_type(t, &logical);
            else
                thrift_skip(t, f.type);
            break;
        default:
            thrift_skip(t, f.type);
        }
    }
    take_converted_type(n, converted);
    if (logical.meaning != MEANS_NOTHING) {
        n->meaning = logical.meaning;
        n->unit = logical.unit;
        n->utc = logical.utc;
        n->scale = logical.meaning == MEANS_DECIMAL ? logical.scale : n->scale;
    }
    t->bad = t->bad || !n->name || repetition < 0 || repetition > 2 || children < 0 || children > PARQUET_MAX_NODES ||
             (children == 0 && (type < 0 || type > 7)) ||
             (type == TYPE_FIXED && (n->type_length < 1 || n->type_length > 1 << 20)) || n->scale < 0 || n->scale > 200;
    n->type = type < 0 ? TYPE_BOOLEAN : (enum physical_type)type;
    n->repetition = (enum repetition)repetition;
    n->n_children = (int)children;
}

static void read_schema(struct parquet *p, struct thrift *t, const struct thrift_field *f)
{
    const size_t n = thrift_list(t, f, THRIFT_STRUCT);
    if (p->nodes || n == 0 || n > PARQUET_MAX_NODES) {
        t->bad = true;
        return;
    }
    p->nodes = mem_alloc(n, sizeof *p->nodes);
    for (p->n_nodes = 0; (size_t)p->n_nodes < n && !t->bad; p->n_nodes++)
        read_node(t, &p->nodes[p->n_nodes]);
}

// What a meaning is said of must be able to have it; else the values are what they are.
static void check_meaning(struct pq_node *n)
{
    const bool int32 = n->type == TYPE_INT32, int64 = n->type == TYPE_INT64;
    bool fits = true;
    switch (n->meaning) {
    case MEANS_TEXT:
    case MEANS_JSON:
        fits = n->type == TYPE_BYTES;
        break;
    case MEANS_UNSIGNED:
        fits = int32 || int64;
        break;
    case MEANS_DECIMAL:
        fits = int32 || int64 || ((n->type == TYPE_BYTES || n->type == TYPE_FIXED) && n->type_length <= 16);
        break;
    case MEANS_DATE:
        fits = int32;
        break;
    case MEANS_TIME:
    case MEANS_TIMESTAMP:
        fits = (int32 || int64) && n->unit;
        break;
    case MEANS_FLOAT16:
        fits = n->type == TYPE_FIXED && n->type_length == 2;
        break;
    case MEANS_UUID:
        fits = n->type == TYPE_FIXED && n->type_length == 16;
        break;
    case MEANS_NOTHING:
        break;
    case MEANS_LIST:
    case MEANS_MAP:
        fits = false;
    }
    if (!fits)
        n->meaning = MEANS_NOTHING;
}

// Levels, leaves and the ends of subtrees; the node behind the subtree, or -1.
static int lay_out(struct parquet *p, int at, int def, int rep, int depth)
{
    struct pq_node *n = &p->nodes[at];
    if (depth > PARQUET_MAX_DEPTH)
        return -1;
    n->def = def + (at > 0 && n->repetition != REQUIRED);
    n->rep = rep + (at > 0 && n->repetition == REPEATED);
    n->first_leaf = p->n_leaves;
    int next = at + 1;
    if (n->n_children == 0 && at > 0) {
        check_meaning(n);
        p->leaf_nodes[p->n_leaves++] = at;
    }
    for (int i = 0; i < n->n_children; i++) {
        if (next >= p->n_nodes)
            return -1;
        next = lay_out(p, next, n->def, n->rep, depth + 1);
        if (next < 0)
            return -1;
    }
    n->end = next;
    n->end_leaf = p->n_leaves;
    return next;
}

static void read_chunk_metadata(struct thrift *t, struct pq_chunk *c)
{
    struct thrift_field f;
    int64_t dictionary = 0, type = -1;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        switch (f.id) {
        case 1:
            type = thrift_int(t, &f);
            break;
        case 4:
            c->codec = (int32_t)thrift_int(t, &f);
            break;
        case 5:
            c->n_values = thrift_int(t, &f);
            break;
        case 7:
            c->n_bytes = thrift_int(t, &f);
            break;
        case 9:
            c->offset = thrift_int(t, &f);
            break;
        case 11:
            dictionary = thrift_int(t, &f);
            break;
        default:
            thrift_skip(t, f.type);
        }
    }
    if (dictionary >= 4 && dictionary < c->offset) // the dictionary stands before the data
        c->offset = dictionary;
    t->bad = t->bad || type < 0 || type > 7;
    c->type = t->bad ? TYPE_BOOLEAN : (enum physical_type)type;
}

struct group_faults {
    bool elsewhere, encrypted;
};

static void read_chunk(struct thrift *t, struct pq_chunk *c, struct group_faults *faults)
{
    struct thrift_field f;
    bool known = false;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        if (f.id == 3 && f.type == THRIFT_STRUCT) {
            read_chunk_metadata(t, c);
            known = true;
        } else {
            faults->elsewhere = faults->elsewhere || f.id == 1;
            faults->encrypted = faults->encrypted || f.id == 8 || f.id == 9;
            thrift_skip(t, f.type);
        }
    }
    t->bad = t->bad || (!known && !faults->encrypted);
}

static void read_group(struct parquet *p, struct thrift *t, struct pq_group *g, struct group_faults *faults)
{
    struct thrift_field f;
    g->n_rows = -1;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        if (f.id == 1 && !g->chunks) {
            const size_t n = thrift_list(t, &f, THRIFT_STRUCT);
            t->bad = t->bad || n != (size_t)p->n_leaves;
            g->chunks = t->bad ? NULL : mem_alloc(n ? n : 1, sizeof *g->chunks);
            for (size_t i = 0; i < n && !t->bad; i++)
                read_chunk(t, &g->chunks[i], faults);
        } else if (f.id == 3) {
            g->n_rows = thrift_int(t, &f);
        } else {
            thrift_skip(t, f.type);
        }
    }
    t->bad = t->bad || !g->chunks || g->n_rows < 0;
}

static void read_groups(struct parquet *p, struct thrift *t, const struct thrift_field *f, struct group_faults *faults)
{
    const size_t n = thrift_list(t, f, THRIFT_STRUCT);
    if (p->groups || n > PARQUET_MAX_GROUPS) {
        t->bad = true;
        return;
    }
    p->groups = mem_alloc(n ? n : 1, sizeof *p->groups);
    for (; p->n_groups < n && !t->bad; p->n_groups++)
        read_group(p, t, &p->groups[p->n_groups], faults);
}

static int check_chunks(const struct parquet *p, struct err *e)
{
    for (size_t g = 0; g < p->n_groups; g++) {
        for (int i = 0; i < p->n_leaves; i++) {
            const struct pq_chunk *c = &p->groups[g].chunks[i];
            if (p->groups[g].n_rows == 0) // nothing was written for it
                continue;
            if (c->offset < 4 || c->n_bytes < 0 || (uint64_t)c->offset > p->size ||
                (uint64_t)c->n_bytes > p->size - (uint64_t)c->offset)
                return damaged(p, "a column lies outside of the file; it was cut, or it was changed", e);
            if (c->type != p->nodes[p->leaf_nodes[i]].type || c->n_values < 0)
                return damaged(p, "a column is of another type than its schema says", e);
        }
    }
    return 0;
}

static int parse(struct parquet *p, const uint8_t *bytes, size_t n, struct err *e)
{
    struct thrift t = {.at = bytes, .end = bytes + n};
    struct thrift_field f;
    struct group_faults faults = {0};
    for (thrift_struct(&t, &f); thrift_field(&t, &f);) {
        if ((f.id == 2 && p->leaf_nodes) || (f.id == 4 && p->groups)) { // each stands there once
            t.bad = true;
        } else if (f.id == 2) {
            read_schema(p, &t, &f);
            p->leaf_nodes = mem_alloc((size_t)p->n_nodes + 1, sizeof *p->leaf_nodes);
            if (!t.bad && lay_out(p, 0, 0, 0, 0) != p->n_nodes)
                t.bad = true;
        } else if (f.id == 4 && p->leaf_nodes) {
            read_groups(p, &t, &f, &faults);
        } else {
            faults.encrypted = faults.encrypted || f.id == 8;
            thrift_skip(&t, f.type);
        }
    }
    if (faults.encrypted)
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is encrypted; write it again without encryption", p->path);
    if (t.bad || !p->groups || !p->leaf_nodes)
        return damaged(p, "its metadata end too early or are not what they should be", e);
    if (faults.elsewhere)
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it keeps its columns in other files; give those instead",
                       p->path);
    for (int i = 0; i < p->n_leaves; i++)
        if (p->nodes[p->leaf_nodes[i]].def > 255)
            return damaged(p, "it nests too deep", e);
    return check_chunks(p, e);
}

// Two columns of one name: which of them a row has, nobody could say.
static int check_names(const struct parquet *p, struct err *e)
{
    const struct pq_node *end = p->nodes + p->nodes->end;
    for (const struct pq_node *a = p->nodes + 1; a < end; a = p->nodes + a->end)
        for (const struct pq_node *b = p->nodes + a->end; b < end; b = p->nodes + b->end)
            if (strcmp(a->name, b->name) == 0)
                return err_set(e, ERR_INPUT,
                               "cannot read %s: two of its columns are called \"%.60s\": rename one of them", p->path,
                               a->name);
    return 0;
}

int pq_read_metadata(struct parquet *p, struct err *e)
{
    uint8_t head[4], tail[8];
    if (p->size < 12)
        return err_set(e, ERR_INPUT, "cannot read %s: it is too short to be a Parquet file", p->path);
    int code = pq_read_at(p, 0, 4, head, e);
    if (!code)
        code = pq_read_at(p, p->size - 8, 8, tail, e);
    if (code)
        return code;
    if (memcmp(tail + 4, "PARE", 4) == 0)
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is encrypted; write it again without encryption", p->path);
    if (memcmp(head, "PAR1", 4) != 0 || memcmp(tail + 4, "PAR1", 4) != 0)
        return err_set(e, ERR_INPUT, "cannot read %s: it does not end as Parquet files do (PAR1): it was cut; copy it again",
                       p->path);
    const uint32_t n = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 | (uint32_t)tail[3] << 24;
    if (n > p->size - 12 || n > PARQUET_MAX_FOOTER)
        return damaged(p, "it says that it is larger than the file", e);
    uint8_t *footer = mem_alloc(n ? n : 1, 1);
    code = pq_read_at(p, p->size - 8 - n, n, footer, e);
    if (!code)
        code = parse(p, footer, n, e);
    if (!code)
        code = check_names(p, e);
    free(footer);
    return code;
}
