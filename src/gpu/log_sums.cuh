// What head and sampler share: the log-sum-exp of a row's logits, or of a set of them, by chunks of the vocabulary, and the
// order of its tokens. Both take the same chunks with the same threads: what a sampler says of a token is, bit for bit,
// what the head says of the same logits.
#pragma once

#include "gpu/backend_cuda.cuh"

enum { LOGIT_THREADS = 256, LOGIT_CHUNK = 8 * HEAD_STRETCH, LOGIT_WORDS = LOGIT_CHUNK / 32 };
static_assert(LOGIT_CHUNK % 32 == 0, "a chunk's part of a set is whole words");

typedef unsigned long long whole; // the 64 bits that atomics and shuffles take

__device__ static inline whole larger(whole a, whole b)
{
    return a > b ? a : b;
}
__device__ static inline float larger(float a, float b)
{
    return fmaxf(a, b);
}

// The largest of a block of LOGIT_THREADS, in every thread. All threads call it.
template <class number>
__device__ static inline number block_max(number x)
{
    enum { N_WARPS = LOGIT_THREADS / (int)WARP };
    SHARED(number, tops, [N_WARPS]);
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        x = larger(x, __shfl_xor_sync(ALL_LANES, x, distance));
    __syncthreads(); // the call before has been read
    if (threadIdx.x % WARP == 0)
        tops[threadIdx.x / WARP] = x;
    __syncthreads();
    for (int i = 0; i < N_WARPS; i++)
        x = larger(x, tops[i]);
    return x;
}

// Tokens in the order of their logits, equal ones by their numbers: the first has the largest key. NaN comes last, and has
// the key of no token.
__device__ static inline whole key_of(float logit, int token)
{
    const uint32_t bits = __float_as_uint(logit + 0.0f); // -0 is 0
    if (logit != logit)
        return 0;
    return (whole)(bits & 0x80000000 ? ~bits : bits | 0x80000000) << 32 | ~(uint32_t)token;
}
__device__ static inline int token_of_key(whole key)
{
    return (int)~(uint32_t)key;
}
__device__ static inline float logit_of_key(whole key)
{
    const uint32_t bits = (uint32_t)(key >> 32);
    return float_of_bits(bits & 0x80000000 ? bits & 0x7fffffff : ~bits);
}

__device__ static inline bool is_in(const uint32_t *set, int i) // NULL: everything
{
    return !set || (set[i / 32] >> i % 32 & 1);
}

struct log_sum {
    float top;
    double sum;     // of exp(logit - top)
    double moment;  // of exp(logit - top) (logit - top); with another row, of exp(logit - top) (logit - other)
    double squares; // of exp(logit - top)^2
};
enum log_sum_kind { SUM_ALONE, SUM_MOMENTS, SUM_CROSS }; // the sum has the same bits with all of them

__device__ static inline struct log_sum nothing_summed(void)
{
    return log_sum{-INFINITY, 0, 0, 0};
}
__device__ static inline double log_of(const struct log_sum *s)
{
    return s->top + log(s->sum);
}
__device__ static inline float entropy_of(const struct log_sum *s)
{
    return (float)(log(s->sum) - s->moment / s->sum);
}

// Puts sums of two tops together, a's then being those of both.
__device__ static inline void join(struct log_sum *a, const struct log_sum *b, enum log_sum_kind kind)
{
    const float top = fmaxf(a->top, b->top);
    const double down_a = a->top == top ? 0 : (double)a->top - top, down_b = b->top == top ? 0 : (double)b->top - top;
    const double of_a = exp(down_a), of_b = exp(down_b);
    double moment_a = a->moment, moment_b = b->moment;
    if (kind == SUM_MOMENTS) { // moments are about the top
        moment_a += down_a * a->sum;
        moment_b += down_b * b->sum;
    }
    a->moment = (of_a > 0 ? of_a * moment_a : 0) + (of_b > 0 ? of_b * moment_b : 0);
    a->squares = of_a * of_a * a->squares + of_b * of_b * b->squares;
    a->sum = of_a * a->sum + of_b * b->sum;
    a->top = top;
}

// Adds n logits of one chunk, times factor, or those of them that are in the set. All threads of a block of LOGIT_THREADS
// call it and get the same.
__device__ static inline void add_chunk(struct log_sum *s, const float *line, int n, float factor, const uint32_t *set,
                                        enum log_sum_kind kind, const float *other)
{
    float top = -INFINITY, sum = 0, moment = 0, squares = 0;
    for (int i = (int)threadIdx.x; i < n; i += LOGIT_THREADS)
        if (is_in(set, i))
            top = fmaxf(top, line[i] * factor);
    top = block_max(top);
    for (int i = (int)threadIdx.x; i < n; i += LOGIT_THREADS) {
        if (!is_in(set, i))
            continue;
        const float logit = line[i] * factor, below = logit - top, e = expf(below);
        sum += e;
        if (kind == SUM_MOMENTS)
            moment += e * fmaxf(below, -200); // exp(-inf) * -inf counts as zero
        else if (kind == SUM_CROSS)
            moment += e * (logit - other[i]);
        squares += e * e;
    }
    struct log_sum chunk = {top, block_sum(sum), 0, 0};
    if (kind != SUM_ALONE) {
        chunk.moment = block_sum(moment);
        chunk.squares = block_sum(squares);
    }
    join(s, &chunk, kind);
}

// The place of the first of ids[0..n), which rise, that is not below `least`.
__device__ static inline int first_from(const int32_t *ids, int n, int least)
{
    int low = 0;
    while (low < n) {
        const int middle = low + (n - low) / 2;
        if (ids[middle] < least)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

// The bits of those of ids[0..n) that lie in a chunk that begins at `first`: each word by one thread. All threads call it,
// once in a kernel.
__device__ static inline void set_of_chunk(uint32_t *set, const int32_t *ids, int n, int first, int n_tokens)
{
    for (int word = (int)threadIdx.x; word * 32 < n_tokens; word += (int)blockDim.x) {
        const int from = first + word * 32;
        uint32_t bits = 0;
        for (int i = first_from(ids, n, from); i < n && ids[i] < from + 32; i++)
            bits |= 1u << (ids[i] - from);
        set[word] = bits;
    }
    __syncthreads();
}
