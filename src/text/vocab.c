#include "config.h"

#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

uint64_t bytes_hash(const char *bytes, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a, then a mix so that the low bits depend on all bytes
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return h ^ (h >> 29);
}

void bytes_map_fini(struct bytes_map *m)
{
    free(m->slots);
    *m = (struct bytes_map){0};
}

static struct bytes_slot *slot_of(const struct bytes_map *m, const char *bytes, size_t n)
{
    size_t i = bytes_hash(bytes, n) & m->mask;
    while (m->slots[i].bytes && (m->slots[i].n != n || memcmp(m->slots[i].bytes, bytes, n) != 0))
        i = (i + 1) & m->mask;
    return &m->slots[i];
}

int32_t bytes_map_get(const struct bytes_map *m, const char *bytes, size_t n)
{
    if (!m->slots)
        return -1;
    const struct bytes_slot *slot = slot_of(m, bytes, n);
    return slot->bytes ? slot->value : -1;
}

static void grow(struct bytes_map *m)
{
    struct bytes_map bigger = {.mask = m->slots ? m->mask * 2 + 1 : 1023, .n = m->n};
    bigger.slots = mem_alloc(bigger.mask + 1, sizeof *bigger.slots);
    for (size_t i = 0; m->slots && i <= m->mask; i++)
        if (m->slots[i].bytes)
            *slot_of(&bigger, m->slots[i].bytes, m->slots[i].n) = m->slots[i];
    free(m->slots);
    *m = bigger;
}

bool bytes_map_set(struct bytes_map *m, const char *bytes, size_t n, int32_t value)
{
    if (!m->slots || m->n * 2 > m->mask)
        grow(m);
    struct bytes_slot *slot = slot_of(m, bytes, n);
    bool is_new = !slot->bytes;
    m->n += is_new;
    *slot = (struct bytes_slot){is_new ? bytes : slot->bytes, (uint32_t)n, value};
    return is_new;
}

void vocab_fini(struct vocab *v)
{
    bytes_map_fini(&v->model);
    bytes_map_fini(&v->added);
    free(v->tokens);
    arena_fini(&v->arena);
    *v = (struct vocab){0};
}

int vocab_add(struct vocab *v, const char *text, size_t n, int64_t id, bool added, const char *where, struct err *e)
{
    if (id < 0 || id >= VOCAB_MAX)
        return err_set(e, ERR_INPUT, "%s: token \"%.80s\" has id %lld, must be 0 to %d", where, text, (long long)id,
                       VOCAB_MAX - 1);
    if (id >= v->cap) {
        int32_t cap = v->cap ? v->cap : 1024;
        while (cap <= id)
            cap *= 2;
        v->tokens = mem_realloc(v->tokens, (size_t)cap, sizeof *v->tokens);
        memset(v->tokens + v->cap, 0, (size_t)(cap - v->cap) * sizeof *v->tokens);
        v->cap = cap;
    }
    struct vocab_token *token = &v->tokens[id];
    if (!token->text)
        *token = (struct vocab_token){arena_strndup(&v->arena, text, n), (uint32_t)n};
    else if (token->n_bytes != n || memcmp(token->text, text, n) != 0)
        return err_set(e, ERR_INPUT, "%s: id %lld is given to \"%.80s\" and to \"%.80s\"", where, (long long)id,
                       token->text, text);
    if (id >= v->n)
        v->n = (int32_t)id + 1;
    struct bytes_map *map = added ? &v->added : &v->model;
    bytes_map_set(map, token->text, n, (int32_t)id);
    return 0;
}
