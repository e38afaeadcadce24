#include "config.h"

#include "export/tfevents_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "export/crc32c.h"

enum { MOST_RECORD_BYTES = 64 << 20, MOST_TAG_BYTES = 500, MOST_SETTINGS = 10000 };

// ---- protobuf's wire format ----

struct bytes {
    const unsigned char *at, *end;
};
struct field {
    int number;
    uint64_t value;     // varint; the bits of a fixed one
    struct bytes inner; // of what has a length
    enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 } wire;
};

static bool take_varint(struct bytes *b, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && b->at < b->end; shift += 7) {
        const unsigned char c = *b->at++;
        *out |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool take_fixed(struct bytes *b, int n, uint64_t *out)
{
    if (b->end - b->at < n)
        return false;
    *out = 0;
    for (int i = 0; i < n; i++)
        *out |= (uint64_t)*b->at++ << 8 * i;
    return true;
}

// The next field. False at the end; *good false where what comes is none.
static bool take_field(struct bytes *b, struct field *f, bool *good)
{
    uint64_t key, n;
    *f = (struct field){0};
    if (b->at >= b->end || !*good)
        return false;
    *good = take_varint(b, &key) && key >> 3 > 0 && key >> 3 < 1 << 29;
    if (!*good)
        return false;
    f->number = (int)(key >> 3);
    f->wire = key & 7;
    switch (key & 7) {
    case WIRE_VARINT:
        *good = take_varint(b, &f->value);
        break;
    case WIRE_64:
        *good = take_fixed(b, 8, &f->value);
        break;
    case WIRE_32:
        *good = take_fixed(b, 4, &f->value);
        break;
    case WIRE_BYTES:
        *good = take_varint(b, &n) && n <= (uint64_t)(b->end - b->at);
        if (*good) {
            f->inner = (struct bytes){b->at, b->at + n};
            b->at += n;
        }
        break;
    default:
        *good = false;
    }
    return *good;
}

static double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double as_float(uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

// Text up to `most` bytes, as UTF-8; false: it is longer.
static bool text_of(struct bytes b, char *out, size_t size)
{
    const size_t n = (size_t)(b.end - b.at);
    if (n >= size || memchr(b.at, 0, n))
        return false;
    memcpy(out, b.at, n);
    out[n] = '\0';
    return true;
}

// ---- TensorBoard's messages: field numbers of event.proto, summary.proto, tensor.proto and plugin_data.proto ----

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_SUMMARY = 5, SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { TENSOR_DTYPE = 1, TENSOR_CONTENT = 4, TENSOR_FLOATS = 5, TENSOR_DOUBLES = 6, DT_FLOAT = 1, DT_DOUBLE = 2 };
enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum {
    HPARAMS_SESSION_START = 3,
    SESSION_HPARAMS = 1,
    MAP_KEY = 1,
    MAP_VALUE = 2,
    JSON_NUMBER = 2,
    JSON_STRING_ = 3,
    JSON_BOOL = 4
};

// The one number of a tensor; NaN with *has false where it holds another thing.
static bool tensor_scalar(struct bytes b, double *value, bool *good)
{
    struct field f;
    uint64_t type = 0, bits = 0;
    int64_t n_floats = 0, n_doubles = 0;
    double number = NAN;
    struct bytes raw = {0};
    while (take_field(&b, &f, good)) {
        if (f.number == TENSOR_DTYPE && f.wire == WIRE_VARINT)
            type = f.value;
        else if (f.number == TENSOR_CONTENT && f.wire == WIRE_BYTES)
            raw = f.inner;
        else if (f.number == TENSOR_FLOATS || f.number == TENSOR_DOUBLES) {
            const bool is_float = f.number == TENSOR_FLOATS;
            struct bytes packed = f.inner;
            int64_t *n = is_float ? &n_floats : &n_doubles;
            for (bool more = f.wire != WIRE_BYTES; more || packed.at < packed.end; more = false, ++*n) {
                if (f.wire == WIRE_BYTES && !take_fixed(&packed, is_float ? 4 : 8, &f.value)) {
                    *good = false;
                    return false;
                }
                number = is_float ? as_float(f.value) : as_double(f.value);
            }
        }
    }
    const int width = type == DT_FLOAT ? 4 : type == DT_DOUBLE ? 8 : 0;
    if (width && raw.end - raw.at == width && take_fixed(&raw, width, &bits)) {
        *value = width == 4 ? as_float(bits) : as_double(bits);
        return *good;
    }
    *value = number;
    return *good && ((type == DT_FLOAT && n_floats == 1) || (type == DT_DOUBLE && n_doubles == 1));
}

static json_t *json_of(struct bytes b, bool *good)
{
    json_t *value = NULL;
    struct field f;
    while (take_field(&b, &f, good)) {
        char *text = NULL;
        json_decref(value);
        value = NULL;
        if (f.number == JSON_NUMBER && f.wire == WIRE_64 && isfinite(as_double(f.value))) {
            const double number = as_double(f.value);
            value =
                number == floor(number) && fabs(number) < 1e15 ? json_integer((json_int_t)number) : json_real(number);
        } else if (f.number == JSON_BOOL && f.wire == WIRE_VARINT) {
            value = json_boolean(f.value != 0);
        } else if (f.number == JSON_STRING_ && f.wire == WIRE_BYTES) {
            text = mem_strndup((const char *)f.inner.at, (size_t)(f.inner.end - f.inner.at));
            value = json_any_text(text);
        }
        free(text);
    }
    return value;
}

static void read_setting(struct bytes b, json_t *into, bool *good)
{
    struct field f;
    char key[128] = "";
    json_t *value = NULL;
    while (take_field(&b, &f, good)) {
        if (f.number == MAP_KEY && f.wire == WIRE_BYTES && !text_of(f.inner, key, sizeof key))
            key[0] = '\0';
        if (f.number == MAP_VALUE && f.wire == WIRE_BYTES) {
            json_decref(value);
            value = json_of(f.inner, good);
        }
    }
    if (*good && key[0] && value && json_object_size(into) < MOST_SETTINGS)
        json_object_set(into, key, value); // a key that is no UTF-8 is left out
    json_decref(value);
}

// What of metadata is HPARAMS' own: settings that a session starts with.
static void read_metadata(struct bytes b, json_t *into, bool *good)
{
    struct field f, g;
    while (into && take_field(&b, &f, good)) {
        char name[32] = "";
        struct bytes plugin = f.inner, content = {0};
        if (f.number != METADATA_PLUGIN || f.wire != WIRE_BYTES)
            continue;
        while (take_field(&plugin, &g, good)) {
            if (g.number == PLUGIN_NAME && g.wire == WIRE_BYTES && !text_of(g.inner, name, sizeof name))
                name[0] = '\0';
            if (g.number == PLUGIN_CONTENT && g.wire == WIRE_BYTES)
                content = g.inner;
        }
        if (strcmp(name, "hparams") != 0)
            continue;
        while (take_field(&content, &g, good)) {
            struct bytes session = g.inner;
            struct field h;
            while (g.number == HPARAMS_SESSION_START && g.wire == WIRE_BYTES && take_field(&session, &h, good))
                if (h.number == SESSION_HPARAMS && h.wire == WIRE_BYTES)
                    read_setting(h.inner, into, good);
        }
    }
}

struct moment {
    double wall_s;
    int64_t step;
};

static int read_value(struct bytes b, struct moment m, const struct tfevents_sink *sink, bool *good, struct err *e)
{
    struct field f;
    char tag[MOST_TAG_BYTES + 1] = "";
    double value = NAN;
    bool has = false;
    while (take_field(&b, &f, good)) {
        if (f.number == VALUE_TAG && f.wire == WIRE_BYTES && !text_of(f.inner, tag, sizeof tag))
            *good = false;
        else if (f.number == VALUE_SIMPLE && f.wire == WIRE_32) {
            value = as_float(f.value);
            has = true;
        } else if (f.number == VALUE_TENSOR && f.wire == WIRE_BYTES)
            has |= tensor_scalar(f.inner, &value, good);
        else if (f.number == VALUE_METADATA && f.wire == WIRE_BYTES)
            read_metadata(f.inner, sink->settings, good);
    }
    if (!*good || !has || !tag[0])
        return 0;
    if (!utf8_is_valid(tag, strlen(tag))) {
        *good = false;
        return 0;
    }
    return sink->scalar(sink->arg, tag, m.step, m.wall_s, value, e);
}

static int read_event(struct bytes b, const struct tfevents_sink *sink, bool *good, struct err *e)
{
    struct moment m = {0};
    struct bytes all = b;
    struct field f, g;
    int code = 0;
    while (take_field(&b, &f, good)) { // time and step may stand behind what they are of
        if (f.number == EVENT_WALL_TIME && f.wire == WIRE_64)
            m.wall_s = as_double(f.value);
        if (f.number == EVENT_STEP && f.wire == WIRE_VARINT)
            m.step = (int64_t)f.value;
    }
    *good = *good && m.step >= 0;
    while (!code && take_field(&all, &f, good)) {
        struct bytes summary = f.inner;
        while (!code && f.number == EVENT_SUMMARY && f.wire == WIRE_BYTES && take_field(&summary, &g, good))
            if (g.number == SUMMARY_VALUE && g.wire == WIRE_BYTES)
                code = read_value(g.inner, m, sink, good, e);
    }
    return code;
}

// ---- records ----

struct records {
    FILE *file;
    const char *path;
    long long at;
    unsigned char *bytes;
};

static uint32_t little_32(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

// 1: a record of *n bytes, 0: the end.
static int next_record(struct records *r, size_t *n, struct err *e)
{
    unsigned char head[12], tail[4];
    const size_t got = fread(head, 1, sizeof head, r->file);
    if (got == 0 && feof(r->file))
        return 0;
    if (ferror(r->file))
        return err_errno(e, "cannot read %s", r->path);
    if (got < sizeof head)
        return err_set(
            e, ERR_INPUT,
            "%s ends within a record, at byte %lld; if it is being written still, import it when its run is over",
            r->path, r->at);
    const uint64_t bytes = little_32(head) | (uint64_t)little_32(head + 4) << 32;
    if (crc32c_masked(head, 8) != little_32(head + 8))
        return err_set(
            e, ERR_INPUT,
            "%s is damaged or no event file of TensorBoard's: a length at byte %lld does not fit its checksum", r->path,
            r->at);
    if (bytes > MOST_RECORD_BYTES)
        return err_set(e, ERR_LIMIT, "%s: the record at byte %lld has %llu bytes, more than %d are not read", r->path,
                       r->at, (unsigned long long)bytes, MOST_RECORD_BYTES);
    r->bytes = mem_realloc(r->bytes, bytes + 1, 1);
    if (fread(r->bytes, 1, bytes, r->file) != bytes || fread(tail, 1, 4, r->file) != 4)
        return err_set(
            e, ERR_INPUT,
            "%s ends within the record at byte %lld; if it is being written still, import it when its run is over",
            r->path, r->at);
    if (crc32c_masked(r->bytes, bytes) != little_32(tail))
        return err_set(e, ERR_INPUT, "%s is damaged: the record at byte %lld does not fit its checksum", r->path,
                       r->at);
    *n = bytes;
    return 1;
}

int tfevents_read(const char *path, const struct tfevents_sink *sink, struct err *e)
{
    struct records r = {.file = fopen(path, "re"), .path = path};
    size_t n = 0;
    int code = r.file ? 1 : err_errno(e, "cannot read %s", path);
    while (code > 0 && (code = next_record(&r, &n, e)) > 0) {
        bool good = true;
        const int failed = read_event((struct bytes){r.bytes, r.bytes + n}, sink, &good, e);
        if (failed)
            code = failed;
        else if (!good)
            code = err_set(e, ERR_INPUT, "%s: the record at byte %lld is no event of TensorBoard's", path, r.at);
        r.at += (long long)n + 16;
    }
    free(r.bytes);
    if (r.file)
        fclose(r.file);
    return code;
}
