// What several products read (the contract's hold()): where products take bf16, its rounded copy is written by the operation
// that makes it, or by the first product that reads it, and serves the others. A copy has a slot of scratch; where all are
// taken, products round for themselves.
#include "gpu/product.cuh"

static struct held *find(struct backend *b, const float *x)
{
    for (int i = 0; i < N_HELD; i++)
        if (b->held[i].x == x)
            return &b->held[i];
    return NULL;
}

// The free slot that is just large enough, else the largest one, which then grows: slots keep to their sizes.
static struct held *free_slot(struct backend *b, size_t bytes)
{
    struct held *best = NULL;
    size_t room = 0;
    for (int i = 0; i < N_HELD; i++) {
        const size_t has = b->scratch_bytes[SCRATCH_HELD + i];
        if (b->held[i].x)
            continue;
        if (!best || (room < bytes ? has > room : has >= bytes && has < room)) {
            best = &b->held[i];
            room = has;
        }
    }
    return best;
}

void gpu_hold(struct backend *b, const float *x, size_t n, bool products_only)
{
    if (gpu_product_type(b) == DTYPE_F32 || n == 0)
        return;
    struct held *h = find(b, x);
    if (!h)
        h = free_slot(b, n * sizeof(uint16_t));
    if (!h)
        return;
    uint16_t *copy = (uint16_t *)gpu_scratch(b, (enum scratch_slot)(SCRATCH_HELD + (h - b->held)), n * sizeof *copy);
    *h = copy ? held{x, n, copy, products_only, false} : held{};
}

void gpu_release(struct backend *b, const float *x)
{
    struct held *h = find(b, x);
    if (h)
        *h = held{};
}

struct twin gpu_twin(struct backend *b, float *y, size_t n)
{
    struct held *h = find(b, y);
    if (!h || h->n != n)
        return twin{y, NULL};
    h->is_there = true;
    return twin{h->products_only ? NULL : y, h->copy};
}

const void *gpu_held_copy(struct backend *b, const float *x, size_t n)
{
    struct held *h = find(b, x);
    if (!h || n > h->n)
        return NULL;
    if (!h->is_there)
        gpu_convert(b, h->copy, DTYPE_BF16, stored_f32(x), h->n);
    h->is_there = true;
    return h->copy;
}
