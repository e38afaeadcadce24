// Rounded copies (the contract's hold() and recall()): where products take bf16, that of what several operations read is
// written by the one that makes its numbers, by a norm or an activation that reads them, or by the first product, and serves
// the others. It stands where the caller keeps it, else in a slot of scratch; where all are taken, products round for
// themselves.
#include "gpu/product.cuh"

// x may have two: in a slot what is written next, in a place what is read until then.
static struct held *find(struct backend *b, const float *x)
{
    for (int i = 0; i < N_HELD; i++)
        if (b->held[i].x == x)
            return &b->held[i];
    return NULL;
}

static struct held *find_written(struct backend *b, const float *x, size_t n)
{
    for (int i = 0; i < N_HELD; i++)
        if (b->held[i].x == x && b->held[i].is_there && n <= b->held[i].n)
            return &b->held[i];
    return NULL;
}

// The free slot that is just large enough, else the largest one, which then grows: slots keep to their sizes.
static struct held *free_slot(struct backend *b, size_t bytes)
{
    struct held *best = NULL;
    size_t room = 0;
    for (int i = 0; i < N_SLOTS; i++) {
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

// That of x, or a free one.
static struct held *place_of(struct backend *b, const float *x)
{
    struct held *free = NULL;
    for (struct held *h = b->held + N_SLOTS; h < b->held + N_HELD; h++) {
        if (h->x == x)
            return h;
        if (!h->x && !free)
            free = h;
    }
    return free;
}

static void hold_in_slot(struct backend *b, const float *x, size_t n, bool rounded)
{
    struct held *h = find(b, x);
    if (!h || h >= b->held + N_SLOTS)
        h = free_slot(b, n * sizeof(uint16_t));
    if (!h)
        return;
    uint16_t *copy = (uint16_t *)gpu_scratch(b, (enum scratch_slot)(SCRATCH_HELD + (h - b->held)), n * sizeof *copy);
    *h = copy ? held{x, n, copy, rounded, false} : held{};
}

void gpu_hold(struct backend *b, const float *x, size_t n, bool rounded, void *copy)
{
    if (gpu_product_type(b) == DTYPE_F32 || n == 0)
        return;
    struct held *h = copy ? place_of(b, x) : NULL;
    if (h)
        *h = held{x, n, (uint16_t *)copy, rounded, false};
    else if (!copy)
        hold_in_slot(b, x, n, rounded);
}

// Where there is no room to remember it, x is written.
void gpu_recall(struct backend *b, float *x, const void *copy, size_t n)
{
    struct held *h = place_of(b, x);
    if (h)
        *h = held{x, n, (uint16_t *)copy, true, true};
    else
        gpu_convert(b, x, DTYPE_F32, stored{copy, DTYPE_BF16, NULL}, n);
}

void gpu_release(struct backend *b, const float *x)
{
    for (int i = 0; i < N_HELD; i++)
        if (b->held[i].x == x)
            b->held[i] = held{};
}

struct twin gpu_twin(struct backend *b, float *y, size_t n)
{
    struct held *h = find(b, y);
    if (!h || h->n != n)
        return twin{y, NULL};
    h->is_there = true;
    return twin{h->rounded ? NULL : y, h->copy};
}

uint16_t *gpu_place_alone(struct backend *b, const float *y, size_t n)
{
    const struct held *h = find(b, y);
    return h && h->rounded && h->n == n ? h->copy : NULL;
}

const void *gpu_held_copy(struct backend *b, const float *x, size_t n)
{
    struct held *h = find_written(b, x, n);
    if (h)
        return h->copy;
    h = find(b, x);
    if (!h || n > h->n)
        return NULL;
    gpu_convert(b, h->copy, DTYPE_BF16, stored_f32(x), h->n);
    h->is_there = true;
    return h->copy;
}

bool gpu_has_copy(struct backend *b, const float *x, size_t n, const void *copy)
{
    const struct held *h = find_written(b, x, n);
    return h && h->copy == copy;
}

bool gpu_is_rounded(struct backend *b, const float *x, size_t n)
{
    const struct held *h = find_written(b, x, n);
    return h && h->rounded;
}

struct stored gpu_stored(struct backend *b, const float *x, size_t n)
{
    const struct held *h = find_written(b, x, n);
    return h && h->rounded ? stored{h->copy, DTYPE_BF16, NULL} : stored_f32(x);
}

struct source gpu_source(struct backend *b, const float *x, size_t n)
{
    struct source s = {gpu_stored(b, x, n), NULL};
    struct held *h = find(b, x);
    if (h && h >= b->held + N_SLOTS && h->n == n && !h->is_there) {
        s.copy = h->copy;
        h->is_there = true;
    }
    return s;
}

const uint16_t *gpu_rounded(struct backend *b, const float *x, size_t n, enum scratch_slot slot)
{
    if (const void *copy = gpu_held_copy(b, x, n))
        return (const uint16_t *)copy;
    uint16_t *made = (uint16_t *)gpu_scratch(b, slot, n * sizeof *made);
    if (made)
        gpu_convert(b, made, DTYPE_BF16, stored_f32(x), n);
    return made;
}
