// One column of a row group: its pages unpacked and decoded to levels and values.
#include "config.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/str.h"
#include "corpus/parquet/encodings.h"
#include "corpus/parquet/thrift.h"

enum codec { CODEC_NONE, CODEC_SNAPPY, CODEC_GZIP, CODEC_LZO, CODEC_BROTLI, CODEC_LZ4, CODEC_ZSTD, CODEC_LZ4_RAW };
enum page_type { PAGE_DATA, PAGE_INDEX, PAGE_DICTIONARY, PAGE_DATA_V2 };
enum encoding {
    ENCODING_PLAIN, ENCODING_PLAIN_DICTIONARY = 2, ENCODING_RLE, ENCODING_BIT_PACKED, ENCODING_DELTA_BINARY,
    ENCODING_DELTA_LENGTHS, ENCODING_DELTA_PREFIXES, ENCODING_DICTIONARY, ENCODING_BYTE_STREAM_SPLIT,
};
struct page {
    enum page_type type;
    int64_t n_unpacked, n_packed, n_values;
    int64_t encoding, def_encoding, rep_encoding;
    int64_t def_bytes, rep_bytes; // version 2
    bool packed, has_crc;
    uint32_t crc;
};
// Where the decoding stands, for words about what is wrong.
struct at {
    struct parquet *p;
    const struct pq_node *node;
    struct pq_column *column;
    int32_t codec;
    size_t n_values; // that the column says it has
};

static int damaged(const struct at *a, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "cannot read %s: row group %zu, column \"%s\": %s; the file is damaged: copy it again",
                   a->p->path, a->p->at_group + 1, a->node->name, what);
}

// Of a reader that returned false: its own error where it set one.
static int failed(const struct at *a, const char *what, struct err *fault, struct err *e)
{
    if (!fault->code)
        return damaged(a, what, e);
    return err_set(e, fault->code, "%s", fault->text);
}

static void read_page_members(struct thrift *t, struct page *page)
{
    struct thrift_field f;
    const enum page_type type = page->type;
    for (thrift_struct(t, &f); thrift_field(t, &f);) {
        if (f.id == 1)
            page->n_values = thrift_int(t, &f);
        else if (f.id == (type == PAGE_DATA_V2 ? 4 : 2))
            page->encoding = thrift_int(t, &f);
        else if (type == PAGE_DATA && f.id == 3)
            page->def_encoding = thrift_int(t, &f);
        else if (type == PAGE_DATA && f.id == 4)
            page->rep_encoding = thrift_int(t, &f);
        else if (type == PAGE_DATA_V2 && f.id == 5)
            page->def_bytes = thrift_int(t, &f);
        else if (type == PAGE_DATA_V2 && f.id == 6)
            page->rep_bytes = thrift_int(t, &f);
        else if (type == PAGE_DATA_V2 && f.id == 7)
            page->packed = thrift_bool(t, &f);
        else
            thrift_skip(t, f.type);
    }
}

static bool read_page_header(struct pq_bytes *b, struct page *page)
{
    struct thrift t = {.at = b->at, .end = b->end};
    struct thrift_field f;
    int64_t type = -1;
    *page = (struct page){.packed = true};
    for (thrift_struct(&t, &f); thrift_field(&t, &f);) {
        if (f.id == 1) {
            type = thrift_int(&t, &f);
            page->type = type >= 0 && type <= 3 ? (enum page_type)type : PAGE_INDEX;
        } else if (f.id == 2) {
            page->n_unpacked = thrift_int(&t, &f);
        } else if (f.id == 3) {
            page->n_packed = thrift_int(&t, &f);
        } else if (f.id == 4) {
            page->crc = (uint32_t)thrift_int(&t, &f);
            page->has_crc = true;
        } else if (f.type == THRIFT_STRUCT && ((f.id == 5 && type == PAGE_DATA) || (f.id == 7 && type == PAGE_DICTIONARY) ||
                                               (f.id == 8 && type == PAGE_DATA_V2))) {
            read_page_members(&t, page);
        } else {
            thrift_skip(&t, f.type);
        }
    }
    b->at = t.at;
    return !t.bad && type >= 0 && page->n_packed >= 0 && page->n_packed <= b->end - b->at && page->n_unpacked >= 0 &&
           page->n_unpacked <= INT32_MAX && page->n_values >= 0 && page->def_bytes >= 0 && page->rep_bytes >= 0;
}

static bool unpack_gzip(const uint8_t *packed, size_t n_packed, uint8_t *out, size_t n)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed, .avail_in = (unsigned)n_packed, .next_out = out,
                  .avail_out = (unsigned)n};
    if (inflateInit2(&z, 15 + 32) != Z_OK)
        return false;
    int code;
    while ((code = inflate(&z, Z_NO_FLUSH)) == Z_STREAM_END && z.avail_in && z.avail_out) // members one after the other
        inflateReset(&z);
    inflateEnd(&z);
    return code == Z_STREAM_END && z.avail_out == 0;
}

static int unpack_bytes(const struct at *a, struct pq_bytes packed, size_t n, struct pq_bytes *out, struct err *e)
{
    const size_t n_packed = (size_t)(packed.end - packed.at);
    size_t length = 0;
    *out = packed;
    if (a->codec == CODEC_NONE)
        return n == n_packed ? 0 : damaged(a, "a page has two sizes", e);
    uint8_t *bytes = pq_alloc(a->p, n, 1, e);
    bool good = false;
    if (!bytes)
        return ERR_LIMIT;
    *out = (struct pq_bytes){bytes, bytes + n};
    if (n == 0)
        return 0;
    if (a->codec == CODEC_SNAPPY)
        good = snappy_uncompressed_length((const char *)packed.at, n_packed, &length) == SNAPPY_OK && length == n &&
               snappy_uncompress((const char *)packed.at, n_packed, (char *)bytes, &length) == SNAPPY_OK;
    else if (a->codec == CODEC_GZIP)
        good = unpack_gzip(packed.at, n_packed, bytes, n);
    else
        good = ZSTD_decompress(bytes, n, packed.at, n_packed) == n;
    return good ? 0 : damaged(a, "a page cannot be unpacked", e);
}

static int width_of(int max)
{
    int width = 0;
    while (max >> width)
        width++;
    return width;
}

// n levels of at most `max`, appended.
static bool read_levels(struct pq_bytes *b, bool bit_packed, int max, uint8_t *out, size_t n)
{
    uint32_t piece[1024];
    const int width = width_of(max);
    struct pq_bytes rest = *b;
    uint32_t *all = n <= 1024 ? piece : malloc(n * sizeof *all);
    bool good = all && (bit_packed ? pq_bit_packed(&rest, width, all, n) : pq_hybrid(&rest, width, all, n));
    for (size_t i = 0; good && i < n; i++) {
        good = all[i] <= (uint32_t)max;
        out[i] = (uint8_t)all[i];
    }
    if (all != piece)
        free(all);
    *b = rest;
    return good;
}

// Levels of a page of version 1: behind their length, or in the older packed form.
static bool read_levels_v1(struct pq_bytes *b, int64_t encoding, int max, uint8_t *out, size_t n)
{
    uint32_t length;
    if (encoding == ENCODING_BIT_PACKED)
        return read_levels(b, true, max, out, n);
    if (encoding != ENCODING_RLE || !pq_u32(b, &length) || length > (size_t)(b->end - b->at))
        return false;
    struct pq_bytes levels = {b->at, b->at + length};
    b->at += length;
    return read_levels(&levels, false, max, out, n);
}

static int read_indexes(const struct at *a, struct pq_bytes *b, struct pq_value *out, size_t n, struct err *e)
{
    const struct pq_column *c = a->column;
    if (!c->dictionary)
        return damaged(a, "a page needs a dictionary that is not there", e);
    if (n == 0)
        return 0;
    uint32_t *indexes = pq_alloc(a->p, n, sizeof *indexes, e);
    if (!indexes)
        return ERR_LIMIT;
    const int width = b->at < b->end ? *b->at++ : 33;
    if (width > 32 || !pq_hybrid(b, width, indexes, n))
        return damaged(a, "the numbers of a dictionary's words end too early", e);
    for (size_t i = 0; i < n; i++) {
        if (indexes[i] >= c->n_dictionary)
            return damaged(a, "a number is beyond the dictionary", e);
        out[i] = c->dictionary[indexes[i]];
    }
    return 0;
}

static bool read_rle_booleans(struct pq_bytes *b, struct pq_value *out, size_t n, struct parquet *p, struct err *e)
{
    uint32_t length;
    uint32_t *bits = pq_alloc(p, n, sizeof *bits, e);
    if (!bits || !pq_u32(b, &length) || length > (size_t)(b->end - b->at))
        return false;
    struct pq_bytes run = {b->at, b->at + length};
    if (!pq_hybrid(&run, 1, bits, n))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct pq_value){.bits = bits[i]};
    return true;
}

static int read_values(const struct at *a, int64_t encoding, struct pq_bytes *b, struct pq_value *out, size_t n,
                       struct err *e)
{
    const struct pq_node *node = a->node;
    const bool whole = node->type == TYPE_INT32 || node->type == TYPE_INT64;
    struct err fault = {0};
    bool good = false;
    switch (encoding) {
    case ENCODING_PLAIN:
        good = pq_plain(b, node, out, n);
        break;
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_DICTIONARY:
        return read_indexes(a, b, out, n, e);
    case ENCODING_RLE:
        good = node->type == TYPE_BOOLEAN && read_rle_booleans(b, out, n, a->p, &fault);
        break;
    case ENCODING_DELTA_BINARY:
        good = whole && pq_delta(b, node, out, n);
        break;
    case ENCODING_DELTA_LENGTHS:
        good = node->type == TYPE_BYTES && pq_delta_lengths(a->p, b, out, n, &fault);
        break;
    case ENCODING_DELTA_PREFIXES:
        good = (node->type == TYPE_BYTES || node->type == TYPE_FIXED) && pq_delta_prefixes(a->p, b, node, out, n, &fault);
        break;
    case ENCODING_BYTE_STREAM_SPLIT:
        good = node->type != TYPE_BOOLEAN && node->type != TYPE_INT96 && pq_byte_stream_split(a->p, b, node, out, n, &fault);
        break;
    default:
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: column \"%s\" has the encoding %lld, which is not known here; "
                       "write the file again with the usual ones", a->p->path, node->name, (long long)encoding);
    }
    return good ? 0 : failed(a, "its values end too early or are not in their encoding", &fault, e);
}

static int read_dictionary(const struct at *a, const struct page *page, struct pq_bytes body, struct err *e)
{
    struct pq_column *c = a->column;
    struct pq_bytes bytes;
    if (c->dictionary || (page->encoding != ENCODING_PLAIN && page->encoding != ENCODING_PLAIN_DICTIONARY) ||
        a->node->type == TYPE_BOOLEAN)
        return damaged(a, "its dictionary is not what it should be", e);
    int code = unpack_bytes(a, body, (size_t)page->n_unpacked, &bytes, e);
    if (code)
        return code;
    if ((uint64_t)page->n_values > (uint64_t)page->n_unpacked) // each has a byte at least
        return damaged(a, "its dictionary ends too early", e);
    c->n_dictionary = (size_t)page->n_values;
    c->dictionary = pq_alloc(a->p, c->n_dictionary, sizeof *c->dictionary, e);
    if (!c->dictionary)
        return ERR_LIMIT;
    return pq_plain(&bytes, a->node, c->dictionary, c->n_dictionary) ? 0 : damaged(a, "its dictionary ends too early", e);
}

// The levels in front of a page's values: `bytes` are left behind them.
static int read_page_levels(const struct at *a, const struct page *page, struct pq_bytes body, struct pq_bytes *bytes,
                            struct err *e)
{
    struct pq_column *c = a->column;
    const size_t n = (size_t)page->n_values;
    const int max_def = a->node->def, max_rep = a->node->rep;
    bool good = true;
    if (page->type == PAGE_DATA) {
        int code = unpack_bytes(a, body, (size_t)page->n_unpacked, bytes, e);
        if (code)
            return code;
        if (max_rep)
            good = read_levels_v1(bytes, page->rep_encoding, max_rep, c->rep + c->n_levels, n);
        if (good && max_def)
            good = read_levels_v1(bytes, page->def_encoding, max_def, c->def + c->n_levels, n);
        return good ? 0 : damaged(a, "the levels of a page are not what they should be", e);
    }
    const int64_t levels = page->rep_bytes + page->def_bytes;
    if (page->rep_bytes > body.end - body.at || page->def_bytes > body.end - body.at - page->rep_bytes ||
        levels > page->n_unpacked)
        return damaged(a, "the levels of a page are longer than the page", e);
    struct pq_bytes rep = {body.at, body.at + page->rep_bytes}, def = {rep.end, rep.end + page->def_bytes};
    if (max_rep)
        good = read_levels(&rep, false, max_rep, c->rep + c->n_levels, n);
    if (good && max_def)
        good = read_levels(&def, false, max_def, c->def + c->n_levels, n);
    if (!good)
        return damaged(a, "the levels of a page are not what they should be", e);
    body.at = def.end;
    if (!page->packed) {
        *bytes = body;
        return 0;
    }
    return unpack_bytes(a, body, (size_t)(page->n_unpacked - levels), bytes, e);
}

static int read_data(const struct at *a, const struct page *page, struct pq_bytes body, struct err *e)
{
    struct pq_column *c = a->column;
    const size_t n = (size_t)page->n_values;
    struct pq_bytes bytes;
    if (n > a->n_values - c->n_levels)
        return damaged(a, "its pages hold more values than it says", e);
    int code = read_page_levels(a, page, body, &bytes, e);
    if (code)
        return code;
    size_t n_there = a->node->def ? 0 : n;
    for (size_t i = 0; a->node->def && i < n; i++)
        n_there += c->def[c->n_levels + i] == a->node->def;
    code = read_values(a, page->encoding, &bytes, c->values + c->n_values, n_there, e);
    c->n_levels += n;
    c->n_values += n_there;
    return code;
}

static int check_codec(const struct at *a, struct err *e)
{
    static const char *const names[] = {"none", "snappy", "gzip", "LZO", "brotli", "LZ4", "zstd", "LZ4"};
    if (a->codec == CODEC_NONE || a->codec == CODEC_SNAPPY || a->codec == CODEC_GZIP || a->codec == CODEC_ZSTD)
        return 0;
    const char *name = a->codec > 0 && a->codec <= CODEC_LZ4_RAW ? names[a->codec] : "something unknown";
    return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is packed with %s; write it again with zstd, snappy or gzip "
                   "(df.to_parquet(\"FILE\", compression=\"zstd\") in Python)", a->p->path, name);
}

int pq_load_column(struct parquet *p, const struct pq_group *g, int leaf, struct err *e)
{
    const struct pq_chunk *chunk = &g->chunks[leaf];
    struct pq_column *c = &p->columns[leaf];
    const struct at a = {p, &p->nodes[p->leaf_nodes[leaf]], c, chunk->codec, (size_t)chunk->n_values};
    int code = check_codec(&a, e);
    if (code)
        return code;
    if (a.node->rep == 0 && chunk->n_values != g->n_rows)
        return damaged(&a, "it has another number of rows than its group", e);
    const size_t n = (size_t)chunk->n_values;
    uint8_t *bytes = pq_alloc(p, (size_t)chunk->n_bytes, 1, e);
    c->def = a.node->def && bytes ? pq_alloc(p, n, 1, e) : NULL;
    c->rep = a.node->rep && bytes ? pq_alloc(p, n, 1, e) : NULL;
    c->values = bytes ? pq_alloc(p, n, sizeof *c->values, e) : NULL;
    if (!bytes || !c->values || (a.node->def && !c->def) || (a.node->rep && !c->rep))
        return ERR_LIMIT;
    code = pq_read_at(p, (uint64_t)chunk->offset, (size_t)chunk->n_bytes, bytes, e);
    struct pq_bytes left = {bytes, bytes + chunk->n_bytes};
    while (!code && c->n_levels < n) {
        struct page page;
        if (!read_page_header(&left, &page))
            return damaged(&a, "a page's header is not what it should be", e);
        struct pq_bytes body = {left.at, left.at + page.n_packed};
        left.at = body.end;
        if (page.has_crc && crc32(0, body.at, (unsigned)page.n_packed) != page.crc)
            return damaged(&a, "the checksum of a page is another", e);
        if (page.type == PAGE_DICTIONARY)
            code = read_dictionary(&a, &page, body, e);
        else if (page.type == PAGE_DATA || page.type == PAGE_DATA_V2)
            code = read_data(&a, &page, body, e);
    }
    return code;
}
