// The steps at which a metric was recorded: strictly increasing, mostly evenly spaced. Blocks of 256 keep only their
// first step and stride while the spacing inside is even (about 0.1 bytes a point), else one 32-bit offset a point.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { STEP_BLOCK = 256 };
#define STEP_MAX 4294967294LL // steps are 0 .. STEP_MAX

struct step_block {
    uint32_t first, stride; // stride counts from the second point on
    uint32_t *offsets;      // (STEP_BLOCK) from first, or NULL while evenly spaced
};

struct steps {
    struct step_block *blocks;
    uint32_t n, cap_blocks; // n points
};

void steps_fini(struct steps *s);
void steps_add(struct steps *s, int64_t step); // larger than the last one, at most STEP_MAX
int64_t steps_at(const struct steps *s, uint32_t i);
uint32_t steps_find(const struct steps *s, double step); // the first i with steps_at(i) >= step, or n
// How many points from i > 0 on, at most `most`, are each dx after the one before.
uint32_t steps_even(const struct steps *s, uint32_t i, double dx, uint32_t most);
void steps_truncate(struct steps *s, uint32_t n);
size_t steps_bytes(const struct steps *s);
