#include "config.h"

#include "corpus/parquet/encodings.h"

#include <string.h>

bool pq_varint(struct pq_bytes *b, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && b->at < b->end; shift += 7) {
        const uint8_t byte = *b->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static size_t left(const struct pq_bytes *b)
{
    return (size_t)(b->end - b->at);
}

static uint64_t little_endian(const uint8_t *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

bool pq_u32(struct pq_bytes *b, uint32_t *out)
{
    if (left(b) < 4)
        return false;
    *out = (uint32_t)little_endian(b->at, 4);
    b->at += 4;
    return true;
}

// The number of `width` bits (0 to 64) that begins at bit `bit` of the bytes, lowest bits first.
static uint64_t unpack(const uint8_t *bytes, size_t bit, int width)
{
    uint64_t value = 0;
    for (int got = 0; got < width;) {
        const int offset = (int)((bit + (size_t)got) & 7), take = 8 - offset < width - got ? 8 - offset : width - got;
        const uint64_t part = (uint64_t)(bytes[(bit + (size_t)got) >> 3] >> offset) & ((1u << take) - 1);
        value |= part << got;
        got += take;
    }
    return value;
}

bool pq_hybrid(struct pq_bytes *b, int width, uint32_t *out, size_t n)
{
    if (width < 0 || width > 32)
        return false;
    for (size_t done = 0; done < n;) {
        uint64_t head;
        if (!pq_varint(b, &head))
            return false;
        const uint64_t count = head >> 1;
        if (head & 1) { // groups of eight
            const uint64_t room = left(b), bytes = count > room ? room : count * (uint64_t)width;
            const size_t values = count > (n - done) / 8 ? n - done : (size_t)count * 8;
            if ((values * (size_t)width + 7) / 8 > room)
                return false;
            for (size_t i = 0; i < values; i++)
                out[done + i] = (uint32_t)unpack(b->at, i * (size_t)width, width);
            b->at += bytes > room ? room : bytes; // some writers cut the last group
            done += values;
        } else {
            const size_t size = (size_t)(width + 7) / 8, values = count > n - done ? n - done : (size_t)count;
            if (left(b) < size)
                return false;
            const uint64_t value = little_endian(b->at, size);
            if (width < 32 && value >> width)
                return false;
            for (size_t i = 0; i < values; i++)
                out[done + i] = (uint32_t)value;
            b->at += size;
            done += values;
        }
    }
    return true;
}

bool pq_bit_packed(struct pq_bytes *b, int width, uint32_t *out, size_t n)
{
    const size_t bytes = (n * (size_t)width + 7) / 8;
    if (left(b) < bytes)
        return false;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t bit = i * (size_t)width; bit < (i + 1) * (size_t)width; bit++)
            out[i] = out[i] << 1 | (b->at[bit >> 3] >> (7 - (bit & 7)) & 1);
    }
    b->at += bytes;
    return true;
}

static uint64_t unzigzag(uint64_t u)
{
    return (u >> 1) ^ (0 - (u & 1));
}

bool pq_delta_binary(struct pq_bytes *b, uint64_t *out, size_t n)
{
    uint64_t block, miniblocks, total, number;
    if (!pq_varint(b, &block) || !pq_varint(b, &miniblocks) || !pq_varint(b, &total) || !pq_varint(b, &number))
        return false;
    if (total != n || block == 0 || block > 1 << 20 || miniblocks == 0 || miniblocks > block || block % miniblocks ||
        block / miniblocks % 8)
        return false;
    const size_t per = (size_t)(block / miniblocks);
    uint64_t value = unzigzag(number);
    if (n)
        out[0] = value;
    for (size_t done = 1; done < n;) {
        uint64_t least;
        if (!pq_varint(b, &least) || left(b) < miniblocks)
            return false;
        least = unzigzag(least);
        const uint8_t *widths = b->at;
        b->at += miniblocks;
        for (uint64_t m = 0; m < miniblocks && done < n; m++) {
            const size_t bytes = per / 8 * widths[m];
            if (widths[m] > 64 || left(b) < bytes)
                return false;
            for (size_t i = 0; i < per && done < n; i++) {
                value += least + unpack(b->at, i * widths[m], widths[m]);
                out[done++] = value;
            }
            b->at += bytes;
        }
    }
    return true;
}

// Bytes of a value of fixed size; 0 for those that say their length.
static size_t fixed_size(const struct pq_node *node)
{
    static const size_t sizes[] = {
        [TYPE_INT32] = 4, [TYPE_INT64] = 8, [TYPE_INT96] = 12, [TYPE_FLOAT] = 4, [TYPE_DOUBLE] = 8, [TYPE_FIXED] = 0};
    return node->type == TYPE_FIXED ? (size_t)node->type_length : sizes[node->type];
}

static struct pq_value fixed_value(const struct pq_node *node, const uint8_t *at, size_t size)
{
    struct pq_value value = {.n = (uint32_t)size};
    if (node->type == TYPE_FIXED || node->type == TYPE_INT96)
        value.at = at;
    else if (node->type == TYPE_INT32)
        value.bits = (uint64_t)(int64_t)(int32_t)(uint32_t)little_endian(at, 4);
    else
        value.bits = little_endian(at, size);
    return value;
}

bool pq_plain(struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n)
{
    if (node->type == TYPE_BOOLEAN) {
        if (left(b) < (n + 7) / 8)
            return false;
        for (size_t i = 0; i < n; i++)
            out[i] = (struct pq_value){.bits = b->at[i >> 3] >> (i & 7) & 1};
        b->at += (n + 7) / 8;
        return true;
    }
    if (node->type == TYPE_BYTES) {
        for (size_t i = 0; i < n; i++) {
            uint32_t length;
            if (!pq_u32(b, &length) || left(b) < length)
                return false;
            out[i] = (struct pq_value){.at = b->at, .n = length};
            b->at += length;
        }
        return true;
    }
    const size_t size = fixed_size(node);
    if (left(b) / size < n)
        return false;
    for (size_t i = 0; i < n; i++, b->at += size)
        out[i] = fixed_value(node, b->at, size);
    return true;
}

bool pq_delta(struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n)
{
    uint64_t *numbers = (uint64_t *)(void *)out; // in place, from the end: a value is larger than its number
    if (!pq_delta_binary(b, numbers, n))
        return false;
    for (size_t i = n; i-- > 0;) {
        const uint64_t bits = numbers[i];
        out[i] = (struct pq_value){.bits = node->type == TYPE_INT32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)bits : bits};
    }
    return true;
}

bool pq_delta_lengths(struct parquet *p, struct pq_bytes *b, struct pq_value *out, size_t n, struct err *e)
{
    uint64_t *lengths = pq_alloc(p, n, sizeof *lengths, e);
    if (!lengths || !pq_delta_binary(b, lengths, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (lengths[i] > left(b) || lengths[i] > UINT32_MAX)
            return false;
        out[i] = (struct pq_value){.at = b->at, .n = (uint32_t)lengths[i]};
        b->at += lengths[i];
    }
    return true;
}

bool pq_delta_prefixes(struct parquet *p, struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n,
                       struct err *e)
{
    uint64_t *prefixes = pq_alloc(p, n, sizeof *prefixes, e);
    if (!prefixes || !pq_delta_binary(b, prefixes, n) || !pq_delta_lengths(p, b, out, n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const size_t before = i ? out[i - 1].n : 0, length = (size_t)prefixes[i] + out[i].n;
        if (prefixes[i] > before || length > UINT32_MAX || (node->type == TYPE_FIXED && length != (size_t)node->type_length))
            return false;
        if (prefixes[i] == 0)
            continue;
        uint8_t *whole = pq_alloc(p, length, 1, e);
        if (!whole)
            return false;
        memcpy(whole, out[i - 1].at, (size_t)prefixes[i]);
        memcpy(whole + prefixes[i], out[i].at, out[i].n);
        out[i] = (struct pq_value){.at = whole, .n = (uint32_t)length};
    }
    for (size_t i = 0; node->type == TYPE_FIXED && i < n; i++)
        if (out[i].n != (uint32_t)node->type_length)
            return false;
    return true;
}

bool pq_byte_stream_split(struct parquet *p, struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n,
                          struct err *e)
{
    const size_t size = fixed_size(node);
    if (size == 0 || left(b) / size < n)
        return false;
    uint8_t *whole = pq_alloc(p, n, size, e);
    if (!whole)
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < size; k++)
            whole[i * size + k] = b->at[k * n + i];
        out[i] = fixed_value(node, whole + i * size, size);
    }
    b->at += n * size;
    return true;
}
