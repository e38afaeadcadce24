#include "config.h"

#include "ui/series/pyramid.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LEAF_BITS = 5 };
_Static_assert(1 << LEAF_BITS == PYRAMID_LEAF, "nodes are found by shifting");

void pyramid_fini(struct pyramid *p)
{
    for (int k = 0; k < PYRAMID_LEVELS; k++)
        free(p->level[k]);
    *p = (struct pyramid){0};
}

static void put_nodes(struct pyramid *p, int k, uint32_t node, const struct span *spans, uint32_t n)
{
    if (node + n > p->cap[k]) {
        // Growth by an eighth: many long series are kept, doubling would waste up to half of them.
        while (node + n > p->cap[k])
            p->cap[k] += p->cap[k] / 8 + 4;
        p->level[k] = mem_realloc(p->level[k], p->cap[k], sizeof *p->level[k]);
    }
    memcpy(p->level[k] + node, spans, n * sizeof *spans);
}

// Each node above that becomes whole by a leaf. Nodes that are not whole are never asked for.
static void push_up(struct pyramid *p, uint32_t leaf)
{
    for (int k = 1, shift = LEAF_BITS; k < PYRAMID_LEVELS && ((leaf + 1) & ((1u << shift) - 1)) == 0;
         k++, shift += LEAF_BITS) {
        const uint32_t node = leaf >> shift;
        const struct span *children = p->level[k - 1] + (size_t)node * PYRAMID_LEAF;
        struct span span = SPAN_EMPTY;
        for (int i = 0; i < PYRAMID_LEAF; i++)
            span = span_join(span, children[i]);
        put_nodes(p, k, node, &span, 1);
    }
}

void pyramid_add(struct pyramid *p, float value)
{
    p->tail = span_add(p->n % PYRAMID_LEAF == 0 ? SPAN_EMPTY : p->tail, value);
    p->n++;
    if (p->n % PYRAMID_LEAF == 0) {
        put_nodes(p, 0, p->n / PYRAMID_LEAF - 1, &p->tail, 1);
        push_up(p, p->n / PYRAMID_LEAF - 1);
    }
}

void pyramid_add_leaves(struct pyramid *p, const struct span *leaves, uint32_t n)
{
    const uint32_t first = p->n / PYRAMID_LEAF;
    BUG_IF(p->n % PYRAMID_LEAF != 0);
    put_nodes(p, 0, first, leaves, n);
    for (uint32_t i = PYRAMID_LEAF - 1 - first % PYRAMID_LEAF; i < n; i += PYRAMID_LEAF)
        push_up(p, first + i);
    p->n += n * PYRAMID_LEAF;
}

void pyramid_truncate(struct pyramid *p, uint32_t n)
{
    BUG_IF(n % PYRAMID_LEAF != 0 || n > p->n);
    p->n = n;
}

struct span pyramid_leaves(const struct pyramid *p, uint32_t first, uint32_t end)
{
    struct span s = SPAN_EMPTY;
    for (int k = 0; first < end; k++) {
        if (k == PYRAMID_LEVELS - 1) {
            while (first < end)
                s = span_join(s, p->level[k][first++]);
            break;
        }
        while (first < end && first % PYRAMID_LEAF != 0)
            s = span_join(s, p->level[k][first++]);
        while (first < end && end % PYRAMID_LEAF != 0)
            s = span_join(s, p->level[k][--end]);
        first /= PYRAMID_LEAF;
        end /= PYRAMID_LEAF;
    }
    return s;
}

size_t pyramid_bytes(const struct pyramid *p)
{
    size_t bytes = 0;
    for (int k = 0; k < PYRAMID_LEVELS; k++)
        bytes += p->cap[k] * sizeof *p->level[k];
    return bytes;
}
