#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/safetensors.h"
#include "model/st_types.h"

struct st_writer {
    struct file_out *out;
    char *path;
    char **names;   // of the tensors, in order, to name them in errors
    uint64_t *ends; // and where their bytes end
    size_t n;
    uint64_t n_expected, n_written;
};

static uint64_t bytes_of(const struct st_spec *s)
{
    uint64_t bytes = st_dtype_bytes(s->dtype);
    for (int d = 0; d < s->n_dims; d++)
        bytes *= (uint64_t)s->dims[d];
    return bytes;
}

static json_t *header_of(const struct st_spec *specs, size_t n, const json_t *metadata, uint64_t *data_bytes)
{
    json_t *header = json_object();
    if (metadata)
        json_object_set(header, "__metadata__", (json_t *)metadata);
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bytes = bytes_of(&specs[i]);
        json_t *shape = json_array();
        for (int d = 0; d < specs[i].n_dims; d++)
            json_array_append_new(shape, json_integer(specs[i].dims[d]));
        json_object_set_new(header, specs[i].name,
                            json_pack("{s:s, s:o, s:[I,I]}", "dtype", st_dtype_name(specs[i].dtype), "shape", shape,
                                      "data_offsets", (json_int_t)at, (json_int_t)(at + bytes)));
        at += bytes;
    }
    *data_bytes = at;
    return header;
}

int st_writer_open(struct st_writer **out, const char *path, const struct st_spec *specs, size_t n, const json_t *metadata,
                   struct err *e)
{
    uint64_t data_bytes;
    json_t *header = header_of(specs, n, metadata, &data_bytes);
    struct str text = {0};
    char *dumped = json_dumps(header, JSON_COMPACT);
    str_add(&text, dumped);
    free(dumped);
    json_decref(header);
    while ((8 + text.len) % 64) // the data begins aligned, as other writers do it
        str_addc(&text, ' ');
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)text.len >> (8 * i));

    struct st_writer *w = mem_alloc(1, sizeof *w);
    w->n_expected = data_bytes;
    w->path = mem_strdup(path);
    w->names = mem_alloc(n + 1, sizeof *w->names);
    w->ends = mem_alloc(n + 1, sizeof *w->ends);
    for (size_t i = 0; i < n; i++) {
        w->names[i] = mem_strdup(specs[i].name);
        w->ends[i] = (i ? w->ends[i - 1] : 0) + bytes_of(&specs[i]);
    }
    w->n = n;
    int code = file_out_open(&w->out, path, e);
    if (!code)
        code = file_out_write(w->out, length, 8, e);
    if (!code)
        code = file_out_write(w->out, text.data, text.len, e);
    str_fini(&text);
    if (code) {
        st_writer_abort(w);
        return code;
    }
    *out = w;
    return 0;
}

int st_writer_add(struct st_writer *w, const void *bytes, size_t n_bytes, struct err *e)
{
    w->n_written += n_bytes;
    BUG_IF(w->n_written > w->n_expected);
    return file_out_write(w->out, bytes, n_bytes, e);
}

static void free_writer(struct st_writer *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->names[i]);
    free(w->names);
    free(w->ends);
    free(w->path);
    free(w);
}

// A number that is finite, but would not be once it is rounded.
static int refuse_large(const struct st_writer *w, float value, enum st_dtype dtype, struct err *e)
{
    size_t i = 0;
    while (i + 1 < w->n && w->ends[i] <= w->n_written)
        i++;
    return err_set(e, ERR_NUMERIC, "cannot write %s: the tensor \"%.200s\" holds %g, which %s cannot hold: write it as %s",
                   w->path, w->n ? w->names[i] : "", (double)value, dtype == ST_F16 ? "float16" : "bfloat16",
                   dtype == ST_F16 ? "bf16 or f32" : "f32");
}

int st_writer_add_f32(struct st_writer *w, const float *values, size_t n, enum st_dtype dtype, struct err *e)
{
    if (dtype == ST_F32)
        return st_writer_add(w, values, n * sizeof *values, e);
    uint16_t rounded[4096];
    while (n) {
        size_t take = n < 4096 ? n : 4096;
        for (size_t i = 0; i < take; i++) {
            rounded[i] = dtype == ST_BF16 ? bf16_from_f32(values[i]) : f16_from_f32(values[i]);
            if ((rounded[i] & 0x7fff) == (dtype == ST_BF16 ? 0x7f80 : 0x7c00) && isfinite(values[i]))
                return refuse_large(w, values[i], dtype, e);
        }
        int code = st_writer_add(w, rounded, take * 2, e);
        if (code)
            return code;
        values += take;
        n -= take;
    }
    return 0;
}

int st_writer_commit(struct st_writer *w, struct err *e)
{
    BUG_IF(w->n_written != w->n_expected);
    int code = file_out_commit(w->out, e);
    free_writer(w);
    return code;
}

void st_writer_abort(struct st_writer *w)
{
    if (!w)
        return;
    file_out_abort(w->out);
    free_writer(w);
}
