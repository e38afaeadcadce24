// The safetensors container: an 8-byte little-endian length, a JSON header, then the bytes. Nothing in it is
// trusted: header size, JSON, dtypes, shapes, offsets (in bounds, no gap, no overlap) are all checked before
// any use. Format and limits: huggingface/safetensors, checked against its own test vectors.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum st_dtype { ST_F64, ST_F32, ST_F16, ST_BF16, ST_I64, ST_I32, ST_I16, ST_I8, ST_U64, ST_U32, ST_U16, ST_U8, ST_BOOL,
                // what we only step over
                ST_F8_E5M2, ST_F8_E4M3, ST_F8_E8M0, ST_F6_E2M3, ST_F6_E3M2, ST_F4, ST_C64 };

struct st_tensor {
    char *name;
    enum st_dtype dtype;
    int n_dims;
    int64_t dims[8];
    size_t n_elements;
    const unsigned char *bytes; // into the mapped file
    size_t n_bytes;
};

struct st_file {
    char *path;
    struct st_tensor *tensors; // by name, sorted
    size_t n_tensors;
    json_t *metadata; // object of texts, or NULL
    void *map;
    size_t map_bytes;
};

int st_open(struct st_file **out, const char *path, struct err *e); // maps the file
void st_close(struct st_file *f);
// The bytes of the tensor are not needed until they are read again: the memory that holds the file's pages may be used
// for something else.
void st_forget_pages(const struct st_file *f, const struct st_tensor *t);
const struct st_tensor *st_find(const struct st_file *f, const char *name);
// Elements as f32, whatever float dtype they are stored in.
int st_to_f32(const struct st_file *f, const struct st_tensor *t, float *out, struct err *e);

// Writing: the list of tensors first, then the bytes in that order, through an atomic file.
struct st_writer;
struct st_spec {
    const char *name;
    enum st_dtype dtype;
    int n_dims;
    int64_t dims[8];
};
int st_writer_open(struct st_writer **out, const char *path, const struct st_spec *specs, size_t n, const json_t *metadata,
                   struct err *e);
int st_writer_add(struct st_writer *w, const void *bytes, size_t n_bytes, struct err *e);
// Rounds. ERR_NUMERIC names the tensor of which a finite number would become infinite.
int st_writer_add_f32(struct st_writer *w, const float *values, size_t n, enum st_dtype dtype, struct err *e);
int st_writer_commit(struct st_writer *w, struct err *e); // frees w
void st_writer_abort(struct st_writer *w);                // NULL is fine
// ERR_NUMERIC names the tensor and the place of the first number that is not finite as f32.
int st_check_finite(const struct st_file *f, const struct st_tensor *t, struct err *e);
