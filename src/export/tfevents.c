#include "config.h"

#include "export/tfevents.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "export/crc32c.h"

struct tfevents {
    struct file_out *file;
    struct str summary; // of the event that is being made
};

// ---- protobuf's wire format ----

enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

static void add_varint(struct str *s, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        str_addc(s, (char)(value | 0x80));
    str_addc(s, (char)value);
}

static void add_little(struct str *s, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_addc(s, (char)(value >> 8 * i));
}

static void add_key(struct str *s, int field, enum wire wire)
{
    add_varint(s, (uint64_t)field << 3 | wire);
}

static void add_double(struct str *s, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(s, field, WIRE_64);
    add_little(s, bits, 8);
}

static void add_bytes(struct str *s, int field, const char *bytes, size_t n)
{
    add_key(s, field, WIRE_BYTES);
    add_varint(s, n);
    str_addn(s, bytes, n);
}

static void add_string(struct str *s, int field, const char *text)
{
    struct str valid = {0}; // a string field holds UTF-8
    str_add_visible(&valid, text, strlen(text), true);
    add_bytes(s, field, str_text(&valid), valid.len);
    str_fini(&valid);
}

// *inner as a message in a field; *inner is empty again.
static void add_message(struct str *s, int field, struct str *inner)
{
    add_bytes(s, field, str_text(inner), inner->len);
    str_fini(inner);
}

// ---- what TensorBoard's messages hold; field numbers of event.proto, summary.proto, tensor.proto and plugin_data.proto
// ----

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5, SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRING = 8, SHAPE_DIM = 2, DIM_SIZE = 1, DT_FLOAT = 1, DT_STRING = 7 };
enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { HPARAMS_SESSION_START = 3, SESSION_HPARAMS = 1, SESSION_GROUP = 4, SESSION_START = 5 };
enum { MAP_KEY = 1, MAP_VALUE = 2, JSON_NUMBER = 2, JSON_STRING_ = 3, JSON_BOOL = 4 };

void tfevents_scalar(struct tfevents *t, const char *tag, double value)
{
    struct str one = {0};
    const float kept = (float)value;
    uint32_t bits;
    memcpy(&bits, &kept, sizeof bits);
    add_string(&one, VALUE_TAG, tag);
    add_key(&one, VALUE_SIMPLE, WIRE_32);
    add_little(&one, bits, 4);
    add_message(&t->summary, SUMMARY_VALUE, &one);
}

static void add_plugin(struct str *value, const char *name, struct str *content)
{
    struct str plugin = {0}, metadata = {0};
    add_string(&plugin, PLUGIN_NAME, name);
    if (content)
        add_message(&plugin, PLUGIN_CONTENT, content);
    add_message(&metadata, METADATA_PLUGIN, &plugin);
    add_message(value, VALUE_METADATA, &metadata);
}

void tfevents_text(struct tfevents *t, const char *tag, const char *text)
{
    struct str one = {0}, tensor = {0}, shape = {0}, dim = {0};
    add_key(&dim, DIM_SIZE, WIRE_VARINT);
    add_varint(&dim, 1);
    add_message(&shape, SHAPE_DIM, &dim);
    add_key(&tensor, TENSOR_DTYPE, WIRE_VARINT);
    add_varint(&tensor, DT_STRING);
    add_message(&tensor, TENSOR_SHAPE, &shape);
    add_string(&tensor, TENSOR_STRING, text);
    add_string(&one, VALUE_TAG, tag);
    add_message(&one, VALUE_TENSOR, &tensor);
    add_plugin(&one, "text", NULL);
    add_message(&t->summary, SUMMARY_VALUE, &one);
}

// false: it is nothing that a column could show.
static bool add_json(struct str *s, const json_t *value)
{
    if (json_is_boolean(value)) {
        add_key(s, JSON_BOOL, WIRE_VARINT);
        add_varint(s, json_is_true(value));
    } else if (json_is_number(value)) {
        add_double(s, JSON_NUMBER, json_number_value(value));
    } else if (json_string_length(value) > 0) {
        add_string(s, JSON_STRING_, json_string_value(value));
    } else {
        return false;
    }
    return true;
}

void tfevents_hparams(struct tfevents *t, const json_t *settings, const char *run, double start_s)
{
    struct str session = {0}, content = {0}, one = {0}, tensor = {0};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings, name, value) {
        struct str entry = {0}, inner = {0};
        if (add_json(&inner, value)) {
            add_string(&entry, MAP_KEY, name);
            add_message(&entry, MAP_VALUE, &inner);
            add_message(&session, SESSION_HPARAMS, &entry);
        }
        str_fini(&inner);
    }
    add_string(&session, SESSION_GROUP, run);
    add_double(&session, SESSION_START, start_s);
    add_message(&content, HPARAMS_SESSION_START, &session);
    add_key(&tensor, TENSOR_DTYPE, WIRE_VARINT);
    add_varint(&tensor, DT_FLOAT);
    add_bytes(&tensor, TENSOR_SHAPE, "", 0); // a tensor that says nothing
    add_string(&one, VALUE_TAG, "_hparams_/session_start_info");
    add_message(&one, VALUE_TENSOR, &tensor);
    add_plugin(&one, "hparams", &content);
    add_message(&t->summary, SUMMARY_VALUE, &one);
}

// ---- records ----

static int write_record(struct tfevents *t, const struct str *event, struct err *e)
{
    struct str record = {0};
    add_little(&record, event->len, 8);
    add_little(&record, crc32c_masked(record.data, 8), 4);
    str_addn(&record, str_text(event), event->len);
    add_little(&record, crc32c_masked(str_text(event), event->len), 4);
    const int code = record.truncated ? err_set(e, ERR_LIMIT, "an event is too large")
                                      : file_out_write(t->file, record.data, record.len, e);
    str_fini(&record);
    return code;
}

int tfevents_open(struct tfevents **out, const char *path, double wall_s, struct err *e)
{
    struct tfevents *t = mem_alloc(1, sizeof *t);
    struct str event = {0};
    int code = file_out_open(&t->file, path, e);
    add_double(&event, EVENT_WALL_TIME, wall_s);
    add_string(&event, EVENT_FILE_VERSION, "brain.Event:2");
    if (!code)
        code = write_record(t, &event, e);
    str_fini(&event);
    if (code)
        tfevents_abort(t);
    else
        *out = t;
    return code;
}

int tfevents_end(struct tfevents *t, double wall_s, int64_t step, struct err *e)
{
    struct str event = {0};
    if (t->summary.len == 0)
        return 0;
    add_double(&event, EVENT_WALL_TIME, wall_s);
    add_key(&event, EVENT_STEP, WIRE_VARINT);
    add_varint(&event, (uint64_t)step);
    add_message(&event, EVENT_SUMMARY, &t->summary);
    const int code = write_record(t, &event, e);
    str_fini(&event);
    return code;
}

int tfevents_commit(struct tfevents *t, struct err *e)
{
    const int code = file_out_commit(t->file, e);
    str_fini(&t->summary);
    free(t);
    return code;
}

void tfevents_abort(struct tfevents *t)
{
    if (!t)
        return;
    file_out_abort(t->file);
    str_fini(&t->summary);
    free(t);
}
