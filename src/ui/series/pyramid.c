#include "config.h"

#include "ui/series/pyramid.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { LEAF_BITS = 5 };
_Static_assert(1 << LEAF_BITS == PYRAMID_LEAF, "nodes are found by shifting");

struct span span_join(struct span a, struct span b)
{
    return (struct span){b.min < a.min ? b.min : a.min, b.max > a.max ? b.max : a.max};
}

struct span span_add(struct span a, float value)
{
    if (!isfinite(value))
        return a;
    return (struct span){value < a.min ? value : a.min, value > a.max ? value : a.max};
}

void pyramid_fini(struct pyramid *p)
{
    for (int k = 0; k < PYRAMID_LEVELS; k++)
        free(p->level[k]);
    *p = (struct pyramid){0};
}

// A whole leaf goes up through all levels; nodes that are not whole are never asked for.
static void push_leaf(struct pyramid *p, uint32_t leaf)
{
    for (int k = 0, shift = 0; k < PYRAMID_LEVELS; k++, shift += LEAF_BITS) {
        uint32_t node = leaf >> shift;
        if (node >= p->cap[k]) {
            // Growth by an eighth: many long series are kept, doubling would waste up to half of them.
            p->cap[k] += p->cap[k] / 8 + 4;
            p->level[k] = mem_realloc(p->level[k], p->cap[k], sizeof *p->level[k]);
        }
        bool begins = (leaf & ((1u << shift) - 1)) == 0;
        p->level[k][node] = begins ? p->tail : span_join(p->level[k][node], p->tail);
    }
}

void pyramid_add(struct pyramid *p, float value)
{
    p->tail = span_add(p->n % PYRAMID_LEAF == 0 ? SPAN_EMPTY : p->tail, value);
    p->n++;
    if (p->n % PYRAMID_LEAF == 0)
        push_leaf(p, p->n / PYRAMID_LEAF - 1);
}

void pyramid_add_leaf(struct pyramid *p, const float *values)
{
    struct span all = SPAN_EMPTY;
    for (int i = 0; i < PYRAMID_LEAF; i++)
        all = span_add(all, values[i]);
    p->tail = all;
    p->n += PYRAMID_LEAF;
    push_leaf(p, p->n / PYRAMID_LEAF - 1);
}

void pyramid_truncate(struct pyramid *p, uint32_t n)
{
    BUG_IF(n % PYRAMID_LEAF != 0 || n > p->n);
    p->n = n;
    // The last node of each upper level may cover points that are gone: join what is left of its children.
    uint32_t n_children = n / PYRAMID_LEAF;
    for (int k = 1; k < PYRAMID_LEVELS; k++) {
        uint32_t node = n_children / PYRAMID_LEAF;
        if (n_children % PYRAMID_LEAF != 0) {
            p->level[k][node] = SPAN_EMPTY;
            for (uint32_t i = node * PYRAMID_LEAF; i < n_children; i++)
                p->level[k][node] = span_join(p->level[k][node], p->level[k - 1][i]);
            node++;
        }
        n_children = node;
    }
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
