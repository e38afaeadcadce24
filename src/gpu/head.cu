// The head, forward: log-probabilities of the targets, and what else objectives ask of a row's logits. For some rows and a
// chunk of the vocabulary at a time, a product makes the tile of logits (and the reference's), and a block for each row adds
// it to what the row's chunks before have come to; a thread for each row says at the end what was asked.
#include "gpu/head.cuh"

enum { SAY_THREADS = 64, KEEP_BYTES = 128 << 20 };

// What is known of a row after some chunks.
struct row_sums {
    struct log_sum all, set, ref;
    float target; // its logit
};

struct head_job {
    struct head_in in;
    struct head_out out;
    int first, n;        // the tile's rows
    int token, n_tokens; // and its part of the vocabulary
    struct tile logits, ref;
    struct row_sums *sums; // (n)
    whole *rivals;         // (n, in.n_rivals), keys in falling order, 0 where there is none
};

// The largest key below `last` of what the thread looks at: tokens of the tile but the target, and the rivals until now.
__device__ static whole next_rival(const struct head_job *j, const whole *list, const float *line, int target, whole last)
{
    const int n_before = j->token ? j->in.n_rivals : 0;
    whole best = 0;
    for (int i = (int)threadIdx.x; i < j->n_tokens + n_before; i += LOGIT_THREADS) {
        const int token = j->token + i;
        const whole key = i >= j->n_tokens ? list[i - j->n_tokens] : token == target ? 0 : key_of(line[i], token);
        if (key < last)
            best = larger(best, key);
    }
    return best;
}

__device__ static void pick_rivals(const struct head_job *j, whole *list, const float *line, int target)
{
    SHARED(whole, best, [HEAD_MAX_RIVALS]);
    const int k = j->in.n_rivals;
    whole mine = next_rival(j, list, line, target, ~(whole)0);
    for (int i = 0; i < k; i++) {
        const whole top = block_max(mine);
        if (threadIdx.x == 0)
            best[i] = top;
        if (mine == top && top) // no two tokens have the same key
            mine = next_rival(j, list, line, target, top);
    }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < k; i += LOGIT_THREADS)
        list[i] = best[i];
}

// Products to logits, in place.
__device__ static void settle(const struct head_job *j, float *line)
{
    for (int i = (int)threadIdx.x; i < j->n_tokens; i += LOGIT_THREADS)
        line[i] = settled(line[i], j->in.cap, j->in.inv_temperature);
}

// Puts a row's logits where the backward finds them.
__device__ static void keep(const struct head_job *j, const float *line, int row)
{
    for (int i = (int)threadIdx.x; i < j->n_tokens; i += LOGIT_THREADS) {
        const int token = j->token + i;
        const size_t stretch = (size_t)(token / HEAD_STRETCH);
        j->out.kept[(stretch * j->in.n + row) * HEAD_STRETCH + token % HEAD_STRETCH] = line[i];
    }
}

__global__ static void head_tile_kernel(struct head_job j)
{
    SHARED(uint32_t, set, [LOGIT_WORDS]);
    const int at = (int)blockIdx.x, row = j.first + at, target = j.in.targets[row];
    float *line = j.logits.at + (size_t)at * j.logits.ld, *ref_line = j.out.kl ? j.ref.at + (size_t)at * j.ref.ld : NULL;
    struct row_sums s = {nothing_summed(), nothing_summed(), nothing_summed(), 0};
    if (j.token)
        s = j.sums[at];
    settle(&j, line);
    if (ref_line)
        settle(&j, ref_line);
    __syncthreads();
    if (j.out.kept)
        keep(&j, line, row);
    add_chunk(&s.all, line, j.n_tokens, 1, NULL, j.out.entropy || j.out.sum_squares ? SUM_MOMENTS : SUM_ALONE, NULL);
    if (ref_line)
        add_chunk(&s.ref, ref_line, j.n_tokens, 1, NULL, SUM_CROSS, line);
    if (j.out.set_logprobs && j.in.set_starts) {
        const int begin = j.in.set_starts[row], n = j.in.set_starts[row + 1] - begin;
        set_of_chunk(set, j.in.set_ids + begin, n, j.token, j.n_tokens);
        add_chunk(&s.set, line, j.n_tokens, 1, set, SUM_ALONE, NULL);
    }
    if (j.out.rivals)
        pick_rivals(&j, j.rivals + (size_t)at * j.in.n_rivals, line, target);
    if (target >= j.token && target < j.token + j.n_tokens)
        s.target = line[target - j.token];
    if (threadIdx.x == 0)
        j.sums[at] = s;
}

__device__ static void say_rival(const struct head_job *j, const struct row_sums *s, const whole *list, int row)
{
    const int k = j->in.n_rivals;
    double all = 0, below = 0;
    whole drawn = list[0];
    for (int i = 0; i < k && list[i]; i++)
        all += exp((double)logit_of_key(list[i]) - logit_of_key(list[0]));
    for (int i = 0; i < k && list[i]; i++) {
        below += exp((double)logit_of_key(list[i]) - logit_of_key(list[0]));
        if (j->in.draws[row] * all < below) {
            drawn = list[i];
            break;
        }
    }
    j->out.rivals[row] = drawn ? token_of_key(drawn) : j->in.targets[row];
    j->out.gaps[row] = drawn ? s->target - logit_of_key(drawn) : 0;
}

// KL = E_ref[ref - logit] - lse(ref) + lse: equal logits give exactly 0, and rounding nothing below it.
__device__ static void say_reference(const struct head_job *j, const struct row_sums *s, int row)
{
    const double ref_lse = log_of(&s->ref), kl = s->ref.moment / s->ref.sum - ref_lse + log_of(&s->all);
    j->out.ref_lse[row] = (float)ref_lse;
    j->out.kl[row] = kl < 0 ? 0 : (float)kl; // NaN stays
}

__device__ static void say_set(const struct head_job *j, const struct row_sums *s, int row)
{
    const bool whole_vocabulary = !j->in.set_starts || j->in.set_starts[row] == j->in.set_starts[row + 1];
    const double lse = log_of(whole_vocabulary ? &s->all : &s->set);
    j->out.set_logprobs[row] = (float)(s->target - lse);
    j->out.set_lse[row] = (float)lse;
}

__global__ static void head_say_kernel(struct head_job j)
{
    const int at = (int)(blockIdx.x * SAY_THREADS + threadIdx.x), row = j.first + at;
    if (at >= j.n)
        return;
    const struct row_sums s = j.sums[at];
    const double lse = log_of(&s.all);
    j.out.logprobs[row] = (float)(s.target - lse);
    j.out.lse[row] = (float)lse;
    if (j.out.entropy)
        j.out.entropy[row] = entropy_of(&s.all);
    if (j.out.is_top)
        j.out.is_top[row] = s.target >= s.all.top;
    if (j.out.sum_squares)
        j.out.sum_squares[row] = (float)(log(s.all.squares) - 2 * log(s.all.sum));
    if (j.out.set_logprobs)
        say_set(&j, &s, row);
    if (j.out.rivals)
        say_rival(&j, &s, j.rivals + (size_t)at * j.in.n_rivals, row);
    if (j.out.kl)
        say_reference(&j, &s, row);
}

// ---- products ----

enum dtype gpu_head_type(const struct backend *b)
{
    return b->precision == PRECISION_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

size_t gpu_head_rounded_bytes(const struct backend *b, size_t n)
{
    const enum dtype type = gpu_head_type(b);
    return type == DTYPE_F32 ? 0 : n * dtype_bytes(type);
}

const void *gpu_head_rounded(struct backend *b, void *room, const float *x, size_t n)
{
    const enum dtype type = gpu_head_type(b);
    if (type == DTYPE_F32)
        return x;
    gpu_convert(b, room, type, stored_f32(x), n);
    return room;
}

const void *gpu_head_weights(struct backend *b, struct stored w, int token, int n_tokens, int c)
{
    const enum dtype type = gpu_head_type(b);
    const struct stored part = stored_from(w, (size_t)token * c);
    if (part.type == type)
        return part.at;
    void *converted = gpu_scratch(b, SCRATCH_W, (size_t)n_tokens * c * dtype_bytes(type));
    if (converted)
        gpu_convert(b, converted, type, part, (size_t)n_tokens * c);
    return converted;
}

void gpu_head_products(struct backend *b, struct tile tile, const void *rows, const void *weights, int n_rows, int n_tokens,
                       int c)
{
    const struct product p = {n_rows, n_tokens, c, gpu_head_type(b), {rows, c, false}, {weights, c, true}, tile.at, tile.ld,
                              NULL, 1, 0};
    if (weights)
        gpu_multiply(b, &p);
}

// ---- the operation ----

// Where the job's rooms lie in its scratch, and where rows are rounded; with base NULL it only counts.
struct head_rooms {
    void *x, *ref_x;
    size_t bytes;
};
static void *take(char *base, struct head_rooms *r, size_t bytes)
{
    char *at = base ? base + r->bytes : NULL;
    r->bytes += gpu_head_room(bytes);
    return at;
}

static struct head_rooms lay_out(const struct backend *b, struct head_job *j, char *base, int n)
{
    struct head_rooms r = {NULL, NULL, 0};
    const int ld = j->in.v < LOGIT_CHUNK ? (j->in.v + 7) / 8 * 8 : (int)LOGIT_CHUNK;
    const size_t tile = (size_t)n * ld * sizeof(float), rounded = gpu_head_rounded_bytes(b, (size_t)n * j->in.c);
    const bool kl = j->out.kl != NULL;
    j->logits = {(float *)take(base, &r, tile), ld};
    j->ref = {(float *)take(base, &r, kl ? tile : 0), ld};
    r.x = take(base, &r, rounded);
    r.ref_x = take(base, &r, kl ? rounded : 0);
    j->sums = (struct row_sums *)take(base, &r, (size_t)n * sizeof *j->sums);
    j->rivals = (whole *)take(base, &r, j->out.rivals ? (size_t)n * j->in.n_rivals * sizeof *j->rivals : 0);
    return r;
}

static void head_rows(struct backend *b, struct head_job *j, const struct head_rooms *rooms)
{
    const struct head_in *in = &j->in;
    const size_t from = (size_t)j->first * in->c, n = (size_t)j->n * in->c;
    const void *x = gpu_head_rounded(b, rooms->x, in->x + from, n);
    const void *ref_x = j->out.kl ? gpu_head_rounded(b, rooms->ref_x, in->ref_x + from, n) : NULL;
    for (j->token = 0; j->token < in->v; j->token += LOGIT_CHUNK) {
        j->n_tokens = in->v - j->token < LOGIT_CHUNK ? in->v - j->token : (int)LOGIT_CHUNK;
        gpu_head_products(b, j->logits, x, gpu_head_weights(b, in->w, j->token, j->n_tokens, in->c), j->n, j->n_tokens,
                          in->c);
        if (j->out.kl)
            gpu_head_products(b, j->ref, ref_x, gpu_head_weights(b, in->ref_w, j->token, j->n_tokens, in->c), j->n,
                              j->n_tokens, in->c);
        GPU_RUN(b, head_tile_kernel, j->n, LOGIT_THREADS, 0, *j);
    }
    GPU_RUN(b, head_say_kernel, gpu_blocks((size_t)j->n, SAY_THREADS), SAY_THREADS, 0, *j);
}

// In bf16 the product is faster than the memory that it would save reading.
size_t gpu_head_keeps(const struct backend *b)
{
    return b->precision == PRECISION_BF16 ? 0 : (size_t)KEEP_BYTES;
}

void gpu_head(struct backend *b, const struct head_out *out, const struct head_in *in)
{
    struct head_job j = {*in, *out, 0, in->n < HEAD_ROWS ? in->n : (int)HEAD_ROWS, 0, 0, {NULL, 0}, {NULL, 0}, NULL, NULL};
    const int most = j.n;
    if (in->n <= 0)
        return;
    if (in->logits) { // they would have other bits: decodes_as_it_trains()
        gpu_fail(b, ERR_FAIL, "logits that are known already are not those that the head makes on a GPU");
        return;
    }
    if (out->rivals && (in->n_rivals < 1 || in->n_rivals > HEAD_MAX_RIVALS)) {
        gpu_fail(b, ERR_FAIL, "a head of %d rivals; there are 1 to %d", in->n_rivals, HEAD_MAX_RIVALS);
        return;
    }
    char *scratch = (char *)gpu_scratch(b, SCRATCH_HEAD, lay_out(b, &j, NULL, most).bytes);
    if (!scratch)
        return;
    const struct head_rooms rooms = lay_out(b, &j, scratch, most);
    for (; j.first < in->n; j.first += most) {
        j.n = in->n - j.first < most ? in->n - j.first : most;
        head_rows(b, &j, &rooms);
    }
}
