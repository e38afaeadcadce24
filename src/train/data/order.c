#include "config.h"

#include "train/data/order.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

void data_order_init(struct data_order *o, int n, uint64_t seed)
{
    *o = (struct data_order){mem_alloc((size_t)n, sizeof *o->permutation), n, -1, seed};
}

void data_order_fini(struct data_order *o)
{
    free(o->permutation);
    *o = (struct data_order){0};
}

int data_order_at(struct data_order *o, int64_t index)
{
    const int64_t epoch = index / o->n;
    if (epoch != o->epoch) {
        struct rng r = rng_make(o->seed, RNG_SHUFFLE, (uint32_t)epoch);
        for (int i = 0; i < o->n; i++)
            o->permutation[i] = (uint32_t)i;
        rng_shuffle(&r, o->permutation, (size_t)o->n);
        o->epoch = epoch;
    }
    return (int)o->permutation[index % o->n];
}

void data_order_reach(int n, uint64_t seed, int64_t positions, const int *part, bool *reached)
{
    struct data_order order;
    data_order_init(&order, n, seed);
    for (int64_t i = 0; i < positions && i < n; i++) { // an epoch gives every one
        const int at = data_order_at(&order, i);
        reached[part ? part[at] : at] = true;
    }
    data_order_fini(&order);
}
