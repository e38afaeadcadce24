// Reading: map, check the whole header, then hand out pointers into the map.
#include "config.h"

#include "model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/st_types.h"

enum { MAX_HEADER = 100000000 }; // the format's own limit

static const struct dtype_row {
    const char *name;
    enum st_dtype dtype;
    unsigned bits;
} dtypes[] = {
    {"F64", ST_F64, 64},     {"F32", ST_F32, 32},     {"F16", ST_F16, 16},     {"BF16", ST_BF16, 16},
    {"I64", ST_I64, 64},     {"I32", ST_I32, 32},     {"I16", ST_I16, 16},     {"I8", ST_I8, 8},
    {"U64", ST_U64, 64},     {"U32", ST_U32, 32},     {"U16", ST_U16, 16},     {"U8", ST_U8, 8},
    {"BOOL", ST_BOOL, 8},    {"F8_E5M2", ST_F8_E5M2, 8}, {"F8_E4M3", ST_F8_E4M3, 8}, {"F8_E8M0", ST_F8_E8M0, 8},
    {"F6_E2M3", ST_F6_E2M3, 6}, {"F6_E3M2", ST_F6_E3M2, 6}, {"F4", ST_F4, 4},    {"C64", ST_C64, 64},
};

const char *st_dtype_name(enum st_dtype dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return "?";
}

size_t st_dtype_bytes(enum st_dtype dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].bits / 8;
    return 0;
}

static int bad(const struct st_file *f, struct err *e, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int bad(const struct st_file *f, struct err *e, const char *format, ...)
{
    char why[500];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return err_set(e, ERR_INPUT, "%s is not a valid safetensors file: %s", f->path, why);
}

static int map_file(struct st_file *f, struct err *e)
{
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot open %s", f->path);
    struct stat st;
    int code = 0;
    if (fstat(fd, &st) < 0)
        code = err_errno(e, "cannot read %s", f->path);
    else if (!S_ISREG(st.st_mode))
        code = bad(f, e, "it is not a regular file");
    else if (st.st_size < 8)
        code = bad(f, e, "it has only %lld bytes", (long long)st.st_size);
    if (!code) {
        f->map_bytes = (size_t)st.st_size;
        f->map = mmap(NULL, f->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (f->map == MAP_FAILED) {
            f->map = NULL;
            code = err_errno(e, "cannot map %s", f->path);
        }
    }
    close(fd);
    return code;
}

// Reads a list of non-negative whole numbers; returns how many, or -1.
static int read_numbers(const json_t *array, int64_t *out, int max)
{
    if (!json_is_array(array) || json_array_size(array) > (size_t)max)
        return -1;
    int n = (int)json_array_size(array);
    for (int i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, (size_t)i);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return -1;
        out[i] = json_integer_value(value);
    }
    return n;
}

static int read_tensor(struct st_file *f, const char *name, const json_t *info, size_t data_start, struct err *e)
{
    struct st_tensor *t = &f->tensors[f->n_tensors];
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    int64_t range[2];
    const struct dtype_row *row = NULL;
    for (size_t i = 0; dtype && i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, dtype) == 0)
            row = &dtypes[i];
    if (!row)
        return bad(f, e, "tensor \"%.200s\" has the unknown dtype \"%.40s\"", name, dtype ? dtype : "");
    t->n_dims = read_numbers(json_object_get(info, "shape"), t->dims, 8);
    if (t->n_dims < 0)
        return bad(f, e, "tensor \"%.200s\" has no valid shape of at most 8 dimensions", name);
    if (read_numbers(json_object_get(info, "data_offsets"), range, 2) != 2)
        return bad(f, e, "tensor \"%.200s\" has no valid data_offsets", name);
    size_t data_bytes = f->map_bytes - data_start, bits;
    t->n_elements = 1;
    for (int i = 0; i < t->n_dims; i++)
        if (!mem_mul(t->n_elements, (size_t)t->dims[i], &t->n_elements))
            return bad(f, e, "the shape of tensor \"%.200s\" is too large", name);
    if (!mem_mul(t->n_elements, row->bits, &bits))
        return bad(f, e, "the shape of tensor \"%.200s\" is too large", name);
    if (range[0] > range[1] || (size_t)range[1] > data_bytes)
        return bad(f, e, "tensor \"%.200s\" lies outside of the file (it may be cut short: copy it again)", name);
    if (bits % 8 || bits / 8 != (size_t)(range[1] - range[0]))
        return bad(f, e, "tensor \"%.200s\" has %lld bytes where its shape needs %zu", name,
                   (long long)(range[1] - range[0]), bits / 8);
    t->name = mem_strdup(name);
    t->dtype = row->dtype;
    t->bytes = (const unsigned char *)f->map + data_start + range[0];
    t->n_bytes = bits / 8;
    f->n_tensors++;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->n_bytes < y->n_bytes ? -1 : x->n_bytes > y->n_bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

// The data must be covered from the first byte to the last, without gap and overlap.
static int check_cover(struct st_file *f, size_t data_start, struct err *e)
{
    qsort(f->tensors, f->n_tensors, sizeof *f->tensors, by_place);
    const unsigned char *at = (const unsigned char *)f->map + data_start,
                        *end = (const unsigned char *)f->map + f->map_bytes;
    for (size_t i = 0; i < f->n_tensors; i++) {
        if (f->tensors[i].bytes != at)
            return bad(f, e, "tensor \"%.200s\" does not follow the one before it (a gap or an overlap)",
                       f->tensors[i].name);
        at += f->tensors[i].n_bytes;
    }
    if (at != end)
        return bad(f, e, "%zu bytes stand after the last tensor", (size_t)(end - at));
    qsort(f->tensors, f->n_tensors, sizeof *f->tensors, by_name);
    return 0;
}

static int check_metadata(struct st_file *f, const json_t *metadata, struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return bad(f, e, "__metadata__ is not an object");
    json_object_foreach((json_t *)metadata, key, value)
        if (!json_is_string(value))
            return bad(f, e, "__metadata__ holds \"%.100s\", which is not a text", key);
    return 0;
}

static int read_header(struct st_file *f, struct err *e)
{
    const unsigned char *bytes = f->map;
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | bytes[i];
    if (n > MAX_HEADER)
        return bad(f, e, "its header claims %llu bytes, more than the format allows", (unsigned long long)n);
    if (n > f->map_bytes - 8)
        return bad(f, e, "its header is longer than the file (it may be cut short: copy it again)");
    if (!utf8_is_valid((const char *)bytes + 8, n))
        return bad(f, e, "its header is not UTF-8");
    json_t *header;
    struct err why;
    if (json_parse((const char *)bytes + 8, n, "header", &header, &why))
        return bad(f, e, "%s", why.text);
    if (!json_is_object(header)) {
        json_decref(header);
        return bad(f, e, "its header is not a JSON object");
    }
    size_t data_start = 8 + (size_t)n;
    const char *name;
    json_t *info;
    f->tensors = mem_alloc(json_object_size(header) + 1, sizeof *f->tensors);
    int code = 0;
    json_object_foreach(header, name, info) {
        if (strcmp(name, "__metadata__") == 0) {
            code = check_metadata(f, info, e);
            if (!code)
                f->metadata = json_incref(info);
        } else {
            code = read_tensor(f, name, info, data_start, e);
        }
        if (code)
            break;
    }
    json_decref(header);
    return code ? code : check_cover(f, data_start, e);
}

int st_open(struct st_file **out, const char *path, struct err *e)
{
    struct st_file *f = mem_alloc(1, sizeof *f);
    f->path = mem_strdup(path);
    int code = map_file(f, e);
    if (!code)
        code = read_header(f, e);
    if (code) {
        st_close(f);
        return code;
    }
    *out = f;
    return 0;
}

void st_forget_pages(const struct st_file *f, const struct st_tensor *t)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), from = (size_t)(t->bytes - (const unsigned char *)f->map);
    const size_t first = (from + page - 1) / page * page, end = (from + t->n_bytes) / page * page; // whole pages alone
    if (first < end)
        madvise((char *)f->map + first, end - first, MADV_DONTNEED);
}

void st_close(struct st_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_tensors; i++)
        free(f->tensors[i].name);
    free(f->tensors);
    json_decref(f->metadata);
    if (f->map)
        munmap(f->map, f->map_bytes);
    free(f->path);
    free(f);
}

const struct st_tensor *st_find(const struct st_file *f, const char *name)
{
    struct st_tensor key = {.name = (char *)name};
    return f->n_tensors ? bsearch(&key, f->tensors, f->n_tensors, sizeof key, by_name) : NULL;
}

int st_to_f32(const struct st_file *f, const struct st_tensor *t, float *out, struct err *e)
{
    const unsigned char *p = t->bytes;
    switch (t->dtype) {
    case ST_F32:
        memcpy(out, p, t->n_bytes);
        return 0;
    case ST_BF16:
        for (size_t i = 0; i < t->n_elements; i++) {
            uint16_t half;
            memcpy(&half, p + 2 * i, 2);
            out[i] = f32_from_bf16(half);
        }
        return 0;
    case ST_F16:
        for (size_t i = 0; i < t->n_elements; i++) {
            uint16_t half;
            memcpy(&half, p + 2 * i, 2);
            out[i] = f32_from_f16(half);
        }
        return 0;
    case ST_F64:
        for (size_t i = 0; i < t->n_elements; i++) {
            double wide;
            memcpy(&wide, p + 8 * i, 8);
            out[i] = (float)wide;
        }
        return 0;
    default:
        return err_set(e, ERR_UNSUPPORTED, "%s: tensor \"%.200s\" has dtype %s; weights must be F32, F16, BF16 or F64 "
                       "(quantized models must be converted first)", f->path, t->name, st_dtype_name(t->dtype));
    }
}

// Whether n bytes hold a number whose exponent is all ones, eight bytes at a time: adding one to such an exponent carries
// into the sign's place. mask: the exponents of the numbers in eight bytes; one: the last place of each. The rest of the
// bytes is looked at by the caller.
static bool has_full_exponent(const unsigned char *p, size_t n, uint64_t mask, uint64_t one)
{
    uint64_t carried[4] = {0}, x[4];
    for (; n >= sizeof x; n -= sizeof x, p += sizeof x) {
        memcpy(x, p, sizeof x);
        for (int i = 0; i < 4; i++)
            carried[i] |= (x[i] & mask) + one;
    }
    return (carried[0] | carried[1] | carried[2] | carried[3]) & ~mask; // what is below an exponent is zero
}

// The masks of has_full_exponent; false for types that it does not know.
static bool exponents_of(enum st_dtype type, uint64_t *mask, uint64_t *one)
{
    *mask = type == ST_BF16 ? 0x7f807f807f807f80 : type == ST_F16 ? 0x7c007c007c007c00 : 0x7f8000007f800000;
    *one = type == ST_BF16 ? 0x0080008000800080 : type == ST_F16 ? 0x0400040004000400 : 0x0080000000800000;
    return type == ST_BF16 || type == ST_F16 || type == ST_F32;
}

int st_check_finite(const struct st_file *f, const struct st_tensor *t, struct err *e)
{
    enum { PIECE = 16384 };
    float values[PIECE];
    const size_t each = t->n_elements ? t->n_bytes / t->n_elements : 0;
    uint64_t mask, one;
    const bool quick = exponents_of(t->dtype, &mask, &one);
    for (size_t first = 0, n; first < t->n_elements; first += n) {
        struct st_tensor piece = *t;
        n = t->n_elements - first < PIECE ? t->n_elements - first : PIECE;
        piece.n_elements = n;
        piece.n_bytes = n * each;
        piece.bytes += first * each;
        if (quick && piece.n_bytes % 32 == 0 && !has_full_exponent(piece.bytes, piece.n_bytes, mask, one))
            continue;
        int code = st_to_f32(f, &piece, values, e);
        if (code)
            return code;
        size_t at = 0;
        while (at < n && isfinite(values[at]))
            at++;
        if (at == n)
            continue;
        return err_set(e, ERR_NUMERIC, "%s: element %zu of tensor \"%.200s\" is %s: the weights are damaged, or they come "
                       "from a training that diverged", f->path, first + at, t->name,
                       t->dtype == ST_F64 && isinf(values[at]) ? "larger than f32 holds"
                       : isnan(values[at])                     ? "not a number (NaN)"
                                                               : "infinite");
    }
    return 0;
}
