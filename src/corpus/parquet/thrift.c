#include "config.h"

#include "corpus/parquet/thrift.h"

enum { MAX_DEPTH = 24 };

static uint8_t byte(struct thrift *t)
{
    if (t->at >= t->end)
        t->bad = true;
    return t->bad ? 0 : *t->at++;
}

static uint64_t varint(struct thrift *t)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const uint8_t b = byte(t);
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return t->bad ? 0 : value;
    }
    t->bad = true;
    return 0;
}

static int64_t zigzag(struct thrift *t)
{
    const uint64_t u = varint(t);
    return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

void thrift_struct(struct thrift *t, struct thrift_field *f)
{
    *f = (struct thrift_field){0};
    if (++t->depth > MAX_DEPTH)
        t->bad = true;
}

bool thrift_field(struct thrift *t, struct thrift_field *f)
{
    const uint8_t head = byte(t);
    if (t->bad || head == 0) {
        t->depth--;
        return false;
    }
    const int64_t id = head >> 4 ? f->id + (head >> 4) : zigzag(t);
    t->bad = t->bad || id < 0 || id > 32767;
    f->id = t->bad ? 0 : (int)id;
    f->type = head & 15;
    return !t->bad;
}

static void skip_bytes(struct thrift *t, uint64_t n)
{
    if (n > (uint64_t)(t->end - t->at))
        t->bad = true;
    else
        t->at += n;
}

static void skip_elements(struct thrift *t, uint64_t n, enum thrift_type type)
{
    if (n > (uint64_t)(t->end - t->at)) // each has a byte at least
        t->bad = true;
    for (uint64_t i = 0; i < n && !t->bad; i++) {
        if (type == THRIFT_TRUE || type == THRIFT_FALSE)
            byte(t);
        else
            thrift_skip(t, type);
    }
}

static uint64_t list_head(struct thrift *t, enum thrift_type *of)
{
    const uint8_t head = byte(t);
    *of = head & 15;
    return head >> 4 == 15 ? varint(t) : head >> 4;
}

void thrift_skip(struct thrift *t, enum thrift_type type)
{
    struct thrift_field f;
    enum thrift_type of;
    uint64_t n;
    if (t->depth > MAX_DEPTH)
        t->bad = true;
    if (t->bad)
        return;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        return;
    case THRIFT_BYTE:
        byte(t);
        return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        varint(t);
        return;
    case THRIFT_DOUBLE:
        skip_bytes(t, 8);
        return;
    case THRIFT_BINARY:
        skip_bytes(t, varint(t));
        return;
    case THRIFT_LIST:
    case THRIFT_SET:
        t->depth++;
        n = list_head(t, &of);
        skip_elements(t, n, of);
        t->depth--;
        return;
    case THRIFT_MAP:
        n = varint(t);
        t->bad = t->bad || n > (uint64_t)(t->end - t->at);
        if (n && !t->bad) {
            const uint8_t types = byte(t);
            t->depth++;
            for (uint64_t i = 0; i < n && !t->bad; i++) {
                skip_elements(t, 1, types >> 4);
                skip_elements(t, 1, types & 15);
            }
            t->depth--;
        }
        return;
    case THRIFT_STRUCT:
        thrift_struct(t, &f);
        while (thrift_field(t, &f))
            thrift_skip(t, f.type);
        return;
    }
    t->bad = true;
}

int64_t thrift_int(struct thrift *t, const struct thrift_field *f)
{
    if (f->type == THRIFT_BYTE)
        return (int8_t)byte(t);
    if (f->type >= THRIFT_I16 && f->type <= THRIFT_I64)
        return zigzag(t);
    t->bad = true;
    return 0;
}

bool thrift_bool(struct thrift *t, const struct thrift_field *f)
{
    t->bad = t->bad || (f->type != THRIFT_TRUE && f->type != THRIFT_FALSE);
    return f->type == THRIFT_TRUE;
}

const char *thrift_binary(struct thrift *t, const struct thrift_field *f, size_t *n)
{
    const uint64_t length = f->type == THRIFT_BINARY ? varint(t) : 0;
    const char *at = (const char *)t->at;
    t->bad = t->bad || f->type != THRIFT_BINARY;
    skip_bytes(t, length);
    *n = t->bad ? 0 : (size_t)length;
    return t->bad ? "" : at;
}

size_t thrift_list(struct thrift *t, const struct thrift_field *f, enum thrift_type of)
{
    enum thrift_type is;
    const uint64_t n = f->type == THRIFT_LIST ? list_head(t, &is) : 0;
    t->bad = t->bad || f->type != THRIFT_LIST || (n && is != of) || n > (uint64_t)(t->end - t->at);
    return t->bad ? 0 : (size_t)n;
}
