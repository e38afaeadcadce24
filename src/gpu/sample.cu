// Drawing tokens from logits, a block for each row. Top-k, top-p and min-p keep the first tokens in the order of logits, so
// a cut is the key of the last one left; it is found digit by digit from counts, or from weights in fixed point, whose sums
// do not depend on their order. Log-probabilities are summed as the head sums them.
#include "gpu/log_sums.cuh"

#include <float.h>

enum { DIGIT = 8, N_DIGITS = 1 << DIGIT };
static_assert((int)N_DIGITS == (int)LOGIT_THREADS, "a thread for each digit");

// One row while it is drawn from.
struct draw {
    const float *logits;
    int v;
    float top, factor; // weights are exp((logit - top) factor)
    float least;       // and at least this
    whole edge;        // what has a lower key is left out
};

// In steps of 2^-40: sums over any vocabulary are whole numbers.
__device__ static whole mass_of(const struct draw *d, int i)
{
    const float weight = expf((d->logits[i] - d->top) * d->factor);
    return weight >= d->least ? (whole)(weight * 1099511627776.0f) : 0;
}

__device__ static bool is_left(const struct draw *d, int i)
{
    return key_of(d->logits[i], i) >= d->edge && expf((d->logits[i] - d->top) * d->factor) >= d->least;
}

// Of the lanes of a warp up to this one.
__device__ static whole running_sum(whole x)
{
    for (int distance = 1; distance < WARP; distance *= 2) {
        const whole before = __shfl_up_sync(ALL_LANES, x, distance);
        x += (int)threadIdx.x % WARP >= distance ? before : 0;
    }
    return x;
}

// The first place of held[0..LOGIT_THREADS) at which the running sum passes *target, which becomes what is left of it there.
// Each warp finds it for itself.
__device__ static int place_of(const whole *held, whole *target)
{
    enum { EACH = LOGIT_THREADS / (int)WARP };
    const int lane = (int)threadIdx.x % WARP;
    whole own = 0;
    for (int i = 0; i < EACH; i++)
        own += held[lane * EACH + i];
    const whole until = running_sum(own);
    const unsigned passed = __ballot_sync(ALL_LANES, until > *target);
    const int from = passed ? __ffs((int)passed) - 1 : WARP - 1;
    int place = from * EACH;
    *target -= __shfl_sync(ALL_LANES, until - own, from);
    while (place < from * EACH + EACH - 1 && held[place] <= *target)
        *target -= held[place++];
    return place;
}

// The key of the last of the fewest tokens, in the order of keys, that are `limit` together: so many, or so much mass.
__device__ static whole edge_of(const struct draw *d, bool by_mass, whole limit)
{
    SHARED(whole, held, [N_DIGITS]); // the largest digit first
    whole found = 0, target = limit - 1;
    for (int shift = 64 - DIGIT; shift >= 0; shift -= DIGIT) {
        held[threadIdx.x] = 0;
        __syncthreads();
        for (int i = (int)threadIdx.x; i < d->v; i += LOGIT_THREADS) {
            const whole key = key_of(d->logits[i], i);
            if (key >= d->edge && (shift == 64 - DIGIT || key >> (shift + DIGIT) == found))
                atomicAdd(&held[N_DIGITS - 1 - (key >> shift & (N_DIGITS - 1))], by_mass ? mass_of(d, i) : (whole)1);
        }
        __syncthreads();
        found = found << DIGIT | (whole)(N_DIGITS - 1 - place_of(held, &target));
        __syncthreads(); // before the counts of the next digit
    }
    return found;
}

__device__ static whole mass_left(const struct draw *d)
{
    whole sum = 0;
    for (int i = (int)threadIdx.x; i < d->v; i += LOGIT_THREADS)
        sum += is_left(d, i) ? mass_of(d, i) : 0;
    return block_sum(sum);
}

__device__ static void cut(struct draw *d, const struct sample_row *how)
{
    const int count = how->temperature < FLT_MIN ? 1 : how->top_k;
    if (count > 0 && count < d->v)
        d->edge = edge_of(d, false, (whole)count);
    if (how->top_p < 1 && count != 1) {
        const whole enough = (whole)ceil((double)how->top_p * (double)mass_left(d));
        d->edge = edge_of(d, true, enough ? enough : 1);
    }
    d->least = how->min_p < 1 ? how->min_p : 1; // the likeliest has the weight 1
}

// The first token at which the running mass of what is left passes its share `uniform`: the piece of the vocabulary first,
// then by warps, all of which look at the same.
__device__ static int draw_token(const struct draw *d, double uniform)
{
    SHARED(whole, held, [LOGIT_THREADS]);
    const int lane = (int)threadIdx.x % WARP, step = (int)LOGIT_THREADS * (int)WARP;
    const int piece = (d->v + step - 1) / step * WARP; // whole warps, so that these need not ask where it ends
    held[threadIdx.x] = 0;
    __syncthreads();
    for (int i = (int)threadIdx.x; i - lane < d->v; i += LOGIT_THREADS) {
        const whole mass = warp_sum(i < d->v && is_left(d, i) ? mass_of(d, i) : (whole)0);
        if (lane == 0)
            atomicAdd(&held[i / piece], mass);
    }
    __syncthreads();
    const whole total = block_sum(held[threadIdx.x]); // of which the likeliest has 2^40
    whole target = (whole)(uniform * (double)total);
    target = target < total ? target : total - 1;
    for (int i = place_of(held, &target) * piece + lane;; i += WARP) {
        const whole until = running_sum(i < d->v && is_left(d, i) ? mass_of(d, i) : 0);
        const unsigned passed = __ballot_sync(ALL_LANES, until > target);
        if (passed)
            return i - lane + __ffs((int)passed) - 1;
        target -= __shfl_sync(ALL_LANES, until, WARP - 1);
    }
}

// Over the row, or what is left of it, as the head takes its chunks.
__device__ static struct log_sum sum_row(const struct draw *d, float factor, const uint32_t *set, enum log_sum_kind kind)
{
    struct log_sum s = nothing_summed();
    for (int first = 0; first < d->v; first += LOGIT_CHUNK)
        add_chunk(&s, d->logits + first, d->v - first < LOGIT_CHUNK ? d->v - first : (int)LOGIT_CHUNK, factor,
                  set ? set + first / 32 : NULL, kind, NULL);
    return s;
}

// A warp's tokens are a word.
__device__ static void put_set(uint32_t *set, const struct draw *d)
{
    const int lane = (int)threadIdx.x % WARP;
    for (int i = (int)threadIdx.x; i - lane < d->v; i += LOGIT_THREADS) {
        const unsigned bits = __ballot_sync(ALL_LANES, i < d->v && is_left(d, i));
        if (lane == 0)
            set[i / 32] = bits;
    }
    __syncthreads();
}

__device__ static bool all_finite(const float *logits, int v)
{
    bool bad = false;
    for (int i = (int)threadIdx.x; i < v; i += LOGIT_THREADS)
        bad = bad || !isfinite(logits[i]);
    return !__syncthreads_or(bad);
}

struct said {
    int32_t token;
    float logprob, drawn, entropy;
};

__device__ static void say(const struct sampled *out, const struct sample_row *how, const struct said *s)
{
    const size_t row = blockIdx.x;
    if (threadIdx.x != 0)
        return;
    out->tokens[row] = s->token;
    out->logprobs[row] = s->logprob;
    if (how->keep)
        out->drawn[row] = s->drawn;
    if (how->entropy)
        out->entropy[row] = s->entropy;
}

__global__ static void sample_kernel(struct sampled out, const float *logits, int v, size_t words,
                                     const struct sample_row *rows)
{
    const struct sample_row how = rows[blockIdx.x];
    struct draw d = {logits + (size_t)how.logits * v, v, 0, 1, 0, 0};
    struct said s = {-1, NAN, NAN, NAN};
    if (!all_finite(d.logits, v)) { // all of the block leave
        say(&out, &how, &s);
        return;
    }
    if (how.temperature >= FLT_MIN) // below, its inverse is no number, and nothing but the likeliest is left
        d.factor = 1 / how.temperature;
    const struct log_sum all = sum_row(&d, 1, NULL, SUM_ALONE);
    d.top = all.top;
    cut(&d, &how);
    s.token = draw_token(&d, how.uniform);
    s.logprob = (float)(d.logits[s.token] - log_of(&all));
    if (how.entropy) {
        const struct log_sum tempered = sum_row(&d, d.factor, NULL, SUM_MOMENTS);
        s.entropy = entropy_of(&tempered);
    }
    if (how.keep) {
        uint32_t *set = out.sets + blockIdx.x * words;
        put_set(set, &d);
        const struct log_sum left = sum_row(&d, d.factor, set, SUM_ALONE);
        s.drawn = (float)(d.logits[s.token] * d.factor - log_of(&left));
    }
    say(&out, &how, &s);
}

void gpu_sample(struct backend *b, const struct sampled *out, const float *logits, int v, const struct sample_row *rows,
                int n)
{
    GPU_RUN(b, sample_kernel, n, LOGIT_THREADS, 0, *out, logits, v, sampled_set_words(v), rows);
}
