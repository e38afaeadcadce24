// One pass over the vocabulary sums it by chunks, as the head does. From that follow both the draw, which looks into one
// chunk only, and the token's log-probability; a temperature takes one pass more.
//
// What is cut has weights, exp((logit - top) / temperature), with their sums by block. Top-k and top-p do not sort the
// vocabulary. Weights are in (0, 1]; their first bits (exponent and four bits of the mantissa) number buckets in the order
// of the weights. Counting them finds the bucket that the cut goes through, and only that bucket is sorted. What is surely
// left out is kept from counting by a threshold.
#include "config.h"

#include "cpu/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cpu/backend_cpu.h"

enum {
    LANES = 16,
    BLOCK = 256,       // weights that are summed together
    BUCKET_SHIFT = 19, // of the 32 bits of a float
    N_BUCKETS = (127 << 4) + 1,
};

// Not for ThreadSanitizer: it instruments the choice of the clone, which the loader makes before its runtime stands.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORIZED
#endif

struct candidate {
    int32_t id;
    float weight;
};

struct sampler {
    size_t vocab;
    float *weights;    // (vocab) rounded up to LANES, zero behind the end
    double *sums;      // of blocks of weights
    struct candidate *kept, *edge; // (vocab) each, once something is left out
    int *counts;       // (N_BUCKETS)
    double *masses;    // (N_BUCKETS)
    float *maxima;     // (vocab / LANES) rounded up by BLOCK / LANES
    size_t n_kept;     // of `kept`, after a draw from them
    const struct cpu_kernels *k;
    struct log_sum *chunks; // (vocab / HEAD_CHUNK + 1)
    float *moments;         // of each chunk, where the entropy is wanted
};

struct sampler *sampler_new(int vocab_size, const struct cpu_kernels *k)
{
    struct sampler *s = mem_alloc(1, sizeof *s);
    s->vocab = (size_t)vocab_size;
    s->weights = mem_alloc(s->vocab + BLOCK, sizeof *s->weights);
    s->sums = mem_alloc(s->vocab / BLOCK + 1, sizeof *s->sums);
    s->chunks = mem_alloc(s->vocab / HEAD_CHUNK + 1, sizeof *s->chunks);
    s->moments = mem_alloc(s->vocab / HEAD_CHUNK + 1, sizeof *s->moments);
    s->k = k;
    return s;
}

static void make_room_to_cut(struct sampler *s)
{
    if (s->kept)
        return;
    s->kept = mem_alloc(s->vocab, sizeof *s->kept);
    s->edge = mem_alloc(s->vocab, sizeof *s->edge);
    s->counts = mem_alloc(N_BUCKETS, sizeof *s->counts);
    s->masses = mem_alloc(N_BUCKETS, sizeof *s->masses);
    s->maxima = mem_alloc((s->vocab / BLOCK + 1) * LANES, sizeof *s->maxima);
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    free(s->weights);
    free(s->sums);
    free(s->kept);
    free(s->edge);
    free(s->counts);
    free(s->masses);
    free(s->maxima);
    free(s->chunks);
    free(s->moments);
    free(s);
}

// Sixteen floats at a time, with whatever vector instructions the CPU has; the same sums with all of them.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t whole_lanes __attribute__((vector_size(LANES * sizeof(float))));

// mask ? a : b
#define SELECT(mask, a, b) ((lanes)(((mask) & (whole_lanes)(a)) | (~(mask) & (whole_lanes)(b))))

// The next LANES of x, filled up with `fill` behind the end.
#define LOAD(v, x, i, n, fill)                                                                                         \
    do {                                                                                                               \
        if ((i) + LANES <= (n))                                                                                        \
            memcpy(&(v), (x) + (i), sizeof(v));                                                                        \
        else                                                                                                           \
            for (size_t l_ = 0; l_ < LANES; l_++)                                                                      \
                (v)[l_] = (i) + l_ < (n) ? (x)[(i) + l_] : (fill);                                                     \
    } while (0)

VECTORIZED static bool all_finite(const float *x, size_t n)
{
    lanes check = {0}, v;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        memcpy(&v, x + i, sizeof v);
        check += v - v; // not zero, but NaN, of what is not finite
    }
    float sum = 0;
    for (int l = 0; l < LANES; l++)
        sum += check[l];
    for (; i < n; i++)
        sum += x[i] - x[i];
    return sum == 0;
}

// w = exp((x - top) * factor), and the sum of each BLOCK of them. The exponential is 2^k p(r) with the minimax
// polynomial of Cephes' expf; its error is below 2e-7 of the value. From exp(-87) down it is zero.
VECTORIZED static void exponentials(float *w, double *sums, const float *x, float top, float factor, size_t n)
{
    const lanes lowest = (lanes){0} - 87.0f;
    for (size_t at = 0; at < n; at += BLOCK) {
        lanes block = {0}, y;
        for (size_t i = at; i < n && i < at + BLOCK; i += LANES) {
            LOAD(y, x, i, n, -INFINITY);
            y = (y - top) * factor;
            whole_lanes counts = y > lowest;
            y = SELECT(counts, y, lowest);
            whole_lanes k = __builtin_convertvector(y * 1.44269504f - 0.5f, whole_lanes); // towards zero: the nearest
            lanes whole = __builtin_convertvector(k, lanes);
            lanes r = y - whole * 0.693359375f + whole * 2.12194440e-4f;
            lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
            p = p * r + 8.3334519073e-3f;
            p = p * r + 4.1665795894e-2f;
            p = p * r + 1.6666665459e-1f;
            p = p * r + 5.0000001201e-1f;
            p = p * r * r + r + 1.0f;
            y = p * (lanes)((k + 127) << 23);
            y = (lanes)((whole_lanes)y & counts);
            memcpy(w + i, &y, sizeof y);
            block += y;
        }
        double sum = 0;
        for (int l = 0; l < LANES; l++)
            sum += block[l];
        sums[at / BLOCK] = sum;
    }
}

static double total(const struct sampler *s)
{
    double sum = 0;
    for (size_t i = 0; i * BLOCK < s->vocab; i++)
        sum += s->sums[i];
    return sum;
}

static int bucket_of(float weight)
{
    uint32_t bits;
    memcpy(&bits, &weight, sizeof bits);
    return (int)(bits >> BUCKET_SHIFT);
}

static int by_weight(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

// Keeps the first of `from` in the order of weights (equal ones by id): at most max_count, and no more than are
// needed to reach max_mass. They stay in the order of ids. Returns how many; *mass is their sum.
static size_t cut(struct sampler *s, struct candidate *from, size_t n, size_t max_count, double max_mass, double *mass)
{
    memset(s->counts, 0, N_BUCKETS * sizeof *s->counts);
    memset(s->masses, 0, N_BUCKETS * sizeof *s->masses);
    for (size_t i = 0; i < n; i++) {
        int bucket = bucket_of(from[i].weight);
        s->counts[bucket]++;
        s->masses[bucket] += from[i].weight;
    }
    int edge = N_BUCKETS - 1;
    size_t count = 0;
    double sum = 0;
    while (edge > 0 && count + (size_t)s->counts[edge] < max_count && sum + s->masses[edge] < max_mass) {
        count += (size_t)s->counts[edge];
        sum += s->masses[edge--];
    }
    size_t n_edge = 0, n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (bucket_of(from[i].weight) == edge)
            s->edge[n_edge++] = from[i];
    qsort(s->edge, n_edge, sizeof *s->edge, by_weight);
    struct candidate last = {-1, INFINITY};
    for (size_t i = 0; i < n_edge && count < max_count && sum < max_mass; i++, count++) {
        last = s->edge[i];
        sum += last.weight;
    }
    for (size_t i = 0; i < n; i++) {
        int bucket = bucket_of(from[i].weight);
        if (bucket > edge || (bucket == edge && by_weight(&from[i], &last) <= 0))
            from[n_kept++] = from[i];
    }
    *mass = sum;
    return n_kept;
}

// The largest of each BLOCK / LANES weights (every sixteenth of a block), vocab / LANES of them rounded up.
VECTORIZED static void maxima(float *out, const float *w, size_t n)
{
    for (size_t at = 0; at < n; at += BLOCK) {
        lanes top = {0}, v;
        for (size_t i = at; i < n && i < at + BLOCK; i += LANES) {
            LOAD(v, w, i, n, 0);
            top = SELECT(v > top, v, top);
        }
        memcpy(out + at / BLOCK * LANES, &top, sizeof top);
    }
}

VECTORIZED static double mass_from(const float *w, float threshold, size_t n)
{
    lanes sum = {0}, v;
    for (size_t i = 0; i < n; i += LANES) {
        LOAD(v, w, i, n, 0);
        sum += (lanes)((whole_lanes)v & (v >= threshold));
    }
    double total_mass = 0;
    for (int l = 0; l < LANES; l++)
        total_mass += sum[l];
    return total_mass;
}

// A weight under which nothing can be among the top_k: so many of the maxima of different weights are above it.
static float top_k_threshold(struct sampler *s, int top_k)
{
    size_t n = (s->vocab + BLOCK - 1) / BLOCK * LANES, count = 0;
    maxima(s->maxima, s->weights, s->vocab);
    memset(s->counts, 0, N_BUCKETS * sizeof *s->counts);
    for (size_t i = 0; i < n; i++)
        s->counts[bucket_of(s->maxima[i])]++;
    int bucket = N_BUCKETS - 1;
    while (bucket > 0 && (count += (size_t)s->counts[bucket]) < (size_t)top_k)
        bucket--;
    uint32_t bits = (uint32_t)bucket << BUCKET_SHIFT;
    float threshold;
    memcpy(&threshold, &bits, sizeof threshold);
    return threshold;
}

// One from which up the weights hold surely more than the share top_p of `mass`.
static float top_p_threshold(const struct sampler *s, float top_p, double mass)
{
    double enough = mass * ((double)top_p + 1e-4); // sums in single precision are far closer than that
    for (float threshold = 0.25f; threshold > 1e-9f; threshold /= 4)
        if (mass_from(s->weights, threshold, s->vocab) >= enough)
            return threshold;
    return 0;
}

static int32_t draw_from_kept(struct sampler *s, const struct sample_row *how)
{
    size_t n = 0, i = 0, kept = 0;
    double mass = total(s), sum = 0;
    make_room_to_cut(s);
    const float threshold = how->top_k > 0 ? top_k_threshold(s, how->top_k)
                      : how->top_p < 1 ? top_p_threshold(s, how->top_p, mass)
                                             : how->min_p; // the likeliest has the weight 1
    for (i = 0; i < s->vocab; i++)
        if (s->weights[i] >= threshold && s->weights[i] > 0)
            s->kept[n++] = (struct candidate){(int32_t)i, s->weights[i]};
    if (how->top_k > 0)
        n = cut(s, s->kept, n, (size_t)how->top_k, INFINITY, &mass);
    if (how->top_p < 1)
        n = cut(s, s->kept, n, n, mass * (double)how->top_p, &mass);
    if (how->min_p > 0) {
        mass = 0;
        for (i = 0; i < n; i++)
            if (s->kept[i].weight >= how->min_p) {
                mass += s->kept[i].weight;
                s->kept[kept++] = s->kept[i];
            }
        n = kept;
    }
    s->n_kept = n;
    const double target = how->uniform * mass;
    for (i = 0; i + 1 < n && (sum += s->kept[i].weight) <= target; i++)
        ;
    return s->kept[i].id;
}

static double log_sum(const struct sampler *s, int n_chunks)
{
    double top, sum;
    return cpu_log_sum(s->chunks, sizeof *s->chunks, n_chunks, &top, &sum);
}

static size_t chunk_of(const struct sampler *s, int chunk)
{
    const size_t left = s->vocab - (size_t)chunk * HEAD_CHUNK;
    return left < HEAD_CHUNK ? left : HEAD_CHUNK;
}

// Sums the vocabulary by chunks at a temperature, as the head does, with their moments where these are wanted. Returns how
// many; 0 when a logit is not finite.
static int sum_chunks(struct sampler *s, const float *logits, float inv_temperature, bool moments)
{
    float line[HEAD_CHUNK];
    const int n_chunks = cpu_blocks(s->vocab, HEAD_CHUNK);
    for (int c = 0; c < n_chunks; c++) {
        const size_t n = chunk_of(s, c);
        memcpy(line, logits + (size_t)c * HEAD_CHUNK, n * sizeof *line);
        if (!all_finite(line, n))
            return 0;
        if (inv_temperature != 1)
            s->k->scale(line, inv_temperature, n);
        s->chunks[c] = moments ? cpu_moment_chunk(s->k, line, (int)n, &s->moments[c]) : cpu_sum_chunk(s->k, line, (int)n);
    }
    return n_chunks;
}

static float entropy(const struct sampler *s, int n_chunks)
{
    double top, sum, moment = 0;
    cpu_log_sum(s->chunks, sizeof *s->chunks, n_chunks, &top, &sum);
    for (int c = 0; c < n_chunks; c++)
        moment += cpu_moment(&s->chunks[c], s->moments[c], top);
    return cpu_entropy(sum, moment);
}

// The first token at which the running sum of all passes its share `uniform`, by the sums of chunks: only the weights of one
// chunk are looked at.
static int32_t draw_from_all(struct sampler *s, const float *logits, int n_chunks, float inv_temperature, double uniform)
{
    float line[HEAD_CHUNK];
    double top, sum, before = 0, factor;
    int chunk = 0;
    cpu_log_sum(s->chunks, sizeof *s->chunks, n_chunks, &top, &sum);
    const double target = uniform * sum;
    for (;; chunk++) {
        factor = exp(s->chunks[chunk].top - top);
        if (chunk == n_chunks - 1 || before + factor * s->chunks[chunk].sum > target)
            break;
        before += factor * s->chunks[chunk].sum;
    }
    while (factor * s->chunks[chunk].sum == 0) // only behind the last weight of all, by rounding
        factor = exp(s->chunks[--chunk].top - top);
    const size_t first = (size_t)chunk * HEAD_CHUNK, n = chunk_of(s, chunk);
    memcpy(line, logits + first, n * sizeof *line);
    if (inv_temperature != 1)
        s->k->scale(line, inv_temperature, n);
    s->k->exp_sum(line, s->chunks[chunk].top, n);
    size_t pick = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == 0)
            continue;
        pick = i;
        before += factor * line[i];
        if (before > target)
            break;
    }
    return (int32_t)(first + pick);
}

// The same among `kept`, which stand in the order of their ids.
static float logprob_of_kept(struct sampler *s, const float *logits, int32_t token, float inv_temperature)
{
    float line[HEAD_CHUNK], own = 0;
    int n_chunks = 0;
    for (size_t i = 0; i < s->n_kept;) {
        const int32_t chunk = s->kept[i].id / HEAD_CHUNK;
        int n = 0;
        for (; i < s->n_kept && s->kept[i].id / HEAD_CHUNK == chunk; i++, n++) {
            line[n] = logits[s->kept[i].id] * inv_temperature;
            if (s->kept[i].id == token)
                own = line[n];
        }
        s->chunks[n_chunks++] = cpu_sum_chunk(s->k, line, n);
    }
    return (float)(own - log_sum(s, n_chunks));
}

static void put_set(uint32_t *set, const struct sampler *s)
{
    memset(set, 0, sampled_set_words((int)s->vocab) * sizeof *set);
    for (size_t i = 0; i < s->n_kept; i++)
        set[s->kept[i].id / 32] |= 1u << s->kept[i].id % 32;
}

// From the likeliest alone (temperature 0), or from what top-k, top-p and min-p leave.
static int32_t draw_from_cut(struct sampler *s, const struct sample_row *how, const float *logits, int n_chunks,
                             float inv_temperature)
{
    double top, sum;
    cpu_log_sum(s->chunks, sizeof *s->chunks, n_chunks, &top, &sum);
    if (how->temperature > 0) {
        exponentials(s->weights, s->sums, logits, (float)top, inv_temperature, s->vocab);
        return draw_from_kept(s, how);
    }
    int32_t token = 0;
    while (logits[token] != (float)top)
        token++;
    make_room_to_cut(s);
    s->kept[0].id = token;
    s->n_kept = 1;
    return token;
}

static void put_whole_set(uint32_t *set, const struct sampler *s)
{
    memset(set, 0xff, sampled_set_words((int)s->vocab) * sizeof *set);
    if (s->vocab % 32)
        set[s->vocab / 32] = (1u << s->vocab % 32) - 1;
}

bool sampler_pick(struct sampler *s, const struct sample_row *how, const float *logits, struct sampler_pick *p)
{
    const float inv_temperature = how->temperature > 0 ? 1 / how->temperature : 1;
    const bool cuts = how->temperature == 0 || how->top_k > 0 || how->top_p < 1 || how->min_p > 0;
    // At the temperature for the entropy and for a draw from all, at 1 for the log-probability and for a cut.
    const int n_chunks = sum_chunks(s, logits, cuts && !how->entropy ? 1 : inv_temperature, how->entropy);
    if (n_chunks == 0)
        return false;
    if (how->entropy)
        p->entropy = entropy(s, n_chunks);
    if (cuts && how->entropy && inv_temperature != 1)
        sum_chunks(s, logits, 1, false);
    if (!cuts) {
        p->token = draw_from_all(s, logits, n_chunks, inv_temperature, how->uniform);
        p->drawn = p->logprob = (float)(logits[p->token] * inv_temperature - log_sum(s, n_chunks));
        if (inv_temperature != 1) {
            sum_chunks(s, logits, 1, false);
            p->logprob = (float)(logits[p->token] - log_sum(s, n_chunks));
        }
    } else {
        p->token = draw_from_cut(s, how, logits, n_chunks, inv_temperature);
        p->logprob = (float)(logits[p->token] - log_sum(s, n_chunks));
    }
    if (p->set && cuts) {
        p->drawn = logprob_of_kept(s, logits, p->token, inv_temperature);
        put_set(p->set, s);
    } else if (p->set) {
        put_whole_set(p->set, s);
    }
    return true;
}
