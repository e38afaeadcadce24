// The order in which training sees the groups.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The order of training: the group at position `index` of the endless sequence of epochs. Each epoch is a
// permutation that depends on the seed and its number alone.
struct data_order {
    uint32_t *permutation;
    int n;
    int64_t epoch; // that the permutation is of; -1: none yet
    uint64_t seed;
};
void data_order_init(struct data_order *o, int n, uint64_t seed);
void data_order_fini(struct data_order *o);
int data_order_at(struct data_order *o, int64_t index);
// Sets reached[g] of the groups that the first `positions` of an order of n give; part: the groups that it is an order of,
// NULL: all.
void data_order_reach(int n, uint64_t seed, int64_t positions, const int *part, bool *reached);
