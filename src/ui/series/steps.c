#include "config.h"

#include "ui/series/steps.h"

#include <stdlib.h>

#include "base/mem.h"

static uint32_t n_blocks(uint32_t n)
{
    return n / STEP_BLOCK + (n % STEP_BLOCK != 0);
}

void steps_fini(struct steps *s)
{
    for (uint32_t b = 0; b < n_blocks(s->n); b++)
        free(s->blocks[b].offsets);
    free(s->blocks);
    *s = (struct steps){0};
}

static uint32_t offset_at(const struct step_block *b, uint32_t k)
{
    return b->offsets ? b->offsets[k] : k * b->stride;
}

void steps_add(struct steps *s, int64_t step)
{
    BUG_IF(step < 0 || step > STEP_MAX);
    uint32_t k = s->n % STEP_BLOCK;
    if (k == 0) {
        uint32_t b = s->n / STEP_BLOCK;
        if (b >= s->cap_blocks) {
            s->cap_blocks = s->cap_blocks ? s->cap_blocks + s->cap_blocks / 2 : 4;
            s->blocks = mem_realloc(s->blocks, s->cap_blocks, sizeof *s->blocks);
        }
        s->blocks[b] = (struct step_block){.first = (uint32_t)step};
        s->n++;
        return;
    }
    struct step_block *b = &s->blocks[s->n / STEP_BLOCK];
    BUG_IF(step <= steps_at(s, s->n - 1));
    uint32_t offset = (uint32_t)(step - b->first);
    if (k == 1 && !b->offsets) {
        b->stride = offset;
    } else if (!b->offsets && offset != (uint64_t)k * b->stride) {
        uint32_t *offsets = mem_alloc(STEP_BLOCK, sizeof *offsets);
        for (uint32_t i = 0; i < k; i++)
            offsets[i] = offset_at(b, i);
        b->offsets = offsets;
    }
    if (b->offsets)
        b->offsets[k] = offset;
    s->n++;
}

int64_t steps_at(const struct steps *s, uint32_t i)
{
    const struct step_block *b = &s->blocks[i / STEP_BLOCK];
    return (int64_t)b->first + offset_at(b, i % STEP_BLOCK);
}

uint32_t steps_find(const struct steps *s, double step)
{
    // The last block that begins before `step` holds the answer, or the answer is the start of the next one.
    uint32_t low = 0, high = n_blocks(s->n);
    if (high > 2) { // mostly it is where it would be if all were even
        const double first = s->blocks[0].first, part = (step - first) / (s->blocks[high - 1].first - first);
        const uint32_t guess = part > 0 && part < 1 ? (uint32_t)(part * (high - 1)) : 0;
        if (s->blocks[guess].first < step)
            low = guess + 1;
        if (s->blocks[guess + 1].first >= step)
            high = guess + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((double)s->blocks[middle].first < step)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    const struct step_block *b = &s->blocks[low - 1];
    uint32_t start = (low - 1) * STEP_BLOCK;
    uint32_t k0 = 0, k1 = s->n - start < STEP_BLOCK ? s->n - start : STEP_BLOCK;
    if (!b->offsets && k1 > 1) { // one of the two around the place where it would be
        const double place = (step - b->first) / b->stride;
        k0 = place < k1 ? (uint32_t)place : k1;
        k1 = k0 + 2 < k1 ? k0 + 2 : k1;
    }
    while (k0 < k1) {
        uint32_t middle = k0 + (k1 - k0) / 2;
        if ((double)b->first + offset_at(b, middle) < step)
            k0 = middle + 1;
        else
            k1 = middle;
    }
    return start + k0;
}

uint32_t steps_even(const struct steps *s, uint32_t i, double dx, uint32_t most)
{
    uint32_t end = i;
    while (end < s->n && end - i < most) {
        const struct step_block *b = &s->blocks[end / STEP_BLOCK];
        const uint32_t k = end % STEP_BLOCK;
        if (b->offsets || b->stride != dx || (k == 0 && (double)(steps_at(s, end) - steps_at(s, end - 1)) != dx))
            break;
        end += STEP_BLOCK - k;
    }
    end = end < s->n ? end : s->n;
    return end - i < most ? end - i : most;
}

void steps_truncate(struct steps *s, uint32_t n)
{
    for (uint32_t b = n_blocks(n); b < n_blocks(s->n); b++)
        free(s->blocks[b].offsets);
    if (n < s->n)
        s->n = n;
}

size_t steps_bytes(const struct steps *s)
{
    size_t bytes = s->cap_blocks * sizeof *s->blocks;
    for (uint32_t b = 0; b < n_blocks(s->n); b++)
        bytes += s->blocks[b].offsets ? STEP_BLOCK * sizeof *s->blocks[b].offsets : 0;
    return bytes;
}
