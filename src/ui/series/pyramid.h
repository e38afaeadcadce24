// Smallest and largest value over any range of a growing row of floats in O(log n): nodes over 32, 32^2, 32^3, ...
// points. Non-finite values are left out.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { PYRAMID_LEAF = 32, PYRAMID_LEVELS = 4 };

struct span {
    float min, max; // min > max: nothing finite
};
#define SPAN_EMPTY ((struct span){INFINITY, -INFINITY})

struct pyramid {
    uint32_t n; // points
    struct span tail; // over the last n % PYRAMID_LEAF points
    struct span *level[PYRAMID_LEVELS];
    uint32_t cap[PYRAMID_LEVELS];
};

static inline struct span span_join(struct span a, struct span b)
{
    return (struct span){b.min < a.min ? b.min : a.min, b.max > a.max ? b.max : a.max};
}

static inline struct span span_add(struct span a, float value)
{
    if (!isfinite(value))
        return a;
    return (struct span){value < a.min ? value : a.min, value > a.max ? value : a.max};
}

void pyramid_fini(struct pyramid *p);
void pyramid_add(struct pyramid *p, float value);
void pyramid_add_leaves(struct pyramid *p, const struct span *leaves, uint32_t n); // at the beginning of a leaf
void pyramid_truncate(struct pyramid *p, uint32_t n); // n a multiple of PYRAMID_LEAF
// Over the points of leaves first .. end-1 (leaf i: points 32 i .. 32 i + 31), all of them whole.
struct span pyramid_leaves(const struct pyramid *p, uint32_t first, uint32_t end);
size_t pyramid_bytes(const struct pyramid *p);
