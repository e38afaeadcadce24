// The head, backward. For some rows and a part of the vocabulary at a time: the tile of logits becomes the tile of their
// slopes, a block for each row, which is multiplied into dx and dw. Logits that the forward has not kept are made again.
// Sums over the vocabulary and over pieces of rows are taken in their order, by the products' accumulation.
#include "gpu/head.cuh"

struct slopes_job {
    struct head_in in;
    struct head_slopes slopes;
    int first, n;        // the tile's rows
    int token, n_tokens; // and its part of the vocabulary
    struct tile logits, ref;
};

// What the loss feels of one row, all times the temperature's inverse.
struct row_slopes {
    float logprob, gap, set, kl;
    bool has_set;
};

__device__ static struct row_slopes slopes_of(const struct slopes_job *j, int row)
{
    const struct head_slopes *s = &j->slopes;
    const float temper = j->in.inv_temperature;
    struct row_slopes r;
    r.set = s->set_logprob ? s->set_logprob[row] * temper : 0;
    r.has_set = r.set != 0 && j->in.set_starts && j->in.set_starts[row] != j->in.set_starts[row + 1];
    r.logprob = s->logprob ? s->logprob[row] * temper : 0;
    if (!r.has_set) { // the whole vocabulary is its set
        r.logprob += r.set;
        r.set = 0;
    }
    r.gap = s->gap ? s->gap[row] * temper : 0;
    r.kl = s->kl ? s->kl[row] * temper : 0;
    return r;
}

__global__ static void slopes_kernel(struct slopes_job j)
{
    SHARED(uint32_t, set, [LOGIT_WORDS]);
    const int at = (int)blockIdx.x, row = j.first + at;
    const struct row_slopes r = slopes_of(&j, row);
    const float cap = j.in.cap, temper = j.in.inv_temperature, lse = j.slopes.lse[row];
    const float set_lse = r.has_set ? j.slopes.set_lse[row] : 0, ref_lse = r.kl != 0 ? j.slopes.ref_lse[row] : 0;
    const int target = j.in.targets[row], rival = r.gap != 0 ? j.slopes.rivals[row] : -1;
    float *line = j.logits.at + (size_t)at * j.logits.ld;
    const float *ref_line = r.kl != 0 ? j.ref.at + (size_t)at * j.ref.ld : NULL;
    if (r.has_set) { // the same for all threads
        const int begin = j.in.set_starts[row];
        set_of_chunk(set, j.in.set_ids + begin, j.in.set_starts[row + 1] - begin, j.token, j.n_tokens);
    }
    for (int i = (int)threadIdx.x; i < j.n_tokens; i += (int)blockDim.x) {
        const float logit = j.slopes.kept ? line[i] : settled(line[i], cap, temper);
        float d = (r.kl - r.logprob) * expf(logit - lse);
        if (ref_line) // first, so that a model has no slope towards itself
            d -= r.kl * expf(settled(ref_line[i], cap, temper) - ref_lse);
        if (r.has_set && is_in(set, i))
            d -= r.set * expf(logit - set_lse);
        if (j.token + i == target)
            d += r.logprob + r.gap + r.set;
        if (j.token + i == rival)
            d -= r.gap;
        if (cap > 0) {
            const float share = logit / (cap * temper); // the tanh of before
            d *= 1 - share * share;
        }
        line[i] = d;
    }
}

struct backward_rooms {
    void *own, *ref, *x, *ref_x, *rounded;
    size_t bytes;
};
static void *take(char *base, struct backward_rooms *r, size_t bytes)
{
    char *at = base ? base + r->bytes : NULL;
    r->bytes += gpu_head_room(bytes);
    return at;
}

// With base NULL it only counts. ld: of own tiles, and of kept logits.
static struct backward_rooms lay_out(const struct backend *b, const struct slopes_job *j, char *base, int n, int ld)
{
    struct backward_rooms r = {NULL, NULL, NULL, NULL, NULL, 0};
    const size_t tile = (size_t)n * ld, x = gpu_head_rounded_bytes(b, (size_t)n * j->in.c);
    const bool kl = j->slopes.kl != NULL;
    r.own = take(base, &r, j->slopes.kept ? 0 : tile * sizeof(float));
    r.ref = take(base, &r, kl ? tile * sizeof(float) : 0);
    r.x = take(base, &r, x);
    r.ref_x = take(base, &r, kl ? x : 0);
    r.rounded = take(base, &r, gpu_head_rounded_bytes(b, tile));
    return r;
}

// The job's tile of slopes into dx and dw.
static void add_gradients(struct backend *b, const struct slopes_job *j, float *dx, float *dw, const void *x,
                          const void *weights, void *rounded)
{
    const enum dtype type = gpu_head_type(b);
    const int c = j->in.c, ld = j->logits.ld;
    const void *d = gpu_head_rounded(b, rounded, j->logits.at, (size_t)j->n * ld);
    const struct product into_dx = {j->n, c, j->n_tokens, type, {d, ld, false}, {weights, c, false},
                                    dx + (size_t)j->first * c, c, NULL, 1, j->token > 0 ? 1.0f : 0.0f};
    gpu_multiply(b, &into_dx);
    if (!dw)
        return;
    const struct product into_dw = {j->n_tokens, c, j->n, type, {d, ld, true}, {x, c, false}, dw + (size_t)j->token * c, c,
                                    NULL, 1, 1};
    gpu_multiply(b, &into_dw);
}

static void backward_rows(struct backend *b, struct slopes_job *j, float *dx, float *dw, const struct backward_rooms *rooms,
                          int ld)
{
    const struct head_in *in = &j->in;
    const size_t from = (size_t)j->first * in->c, n = (size_t)j->n * in->c;
    const void *x = gpu_head_rounded(b, rooms->x, in->x + from, n);
    const void *ref_x = j->slopes.kl ? gpu_head_rounded(b, rooms->ref_x, in->ref_x + from, n) : NULL;
    const int step = j->slopes.kept ? (int)HEAD_STRETCH : (int)LOGIT_CHUNK;
    j->ref = {(float *)rooms->ref, ld};
    for (j->token = 0; j->token < in->v && !b->failed; j->token += step) {
        j->n_tokens = in->v - j->token < step ? in->v - j->token : step;
        j->logits = {(float *)rooms->own, ld};
        if (j->slopes.kl)
            gpu_head_products(b, j->ref, ref_x, gpu_head_weights(b, in->ref_w, j->token, j->n_tokens, in->c), j->n,
                              j->n_tokens, in->c);
        const void *weights = gpu_head_weights(b, in->w, j->token, j->n_tokens, in->c); // for both products
        if (j->slopes.kept)
            j->logits.at = j->slopes.kept + (size_t)j->token * in->n + (size_t)j->first * HEAD_STRETCH;
        else
            gpu_head_products(b, j->logits, x, weights, j->n, j->n_tokens, in->c);
        GPU_RUN(b, slopes_kernel, j->n, gpu_row_threads(j->n_tokens), 0, *j);
        if (weights)
            add_gradients(b, j, dx, dw, x, weights, rooms->rounded);
    }
}

void gpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in, const struct head_slopes *slopes)
{
    const int most = in->n < HEAD_ROWS ? in->n : (int)HEAD_ROWS;
    const int ld = slopes->kept ? (int)HEAD_STRETCH : in->v < LOGIT_CHUNK ? (in->v + 7) / 8 * 8 : (int)LOGIT_CHUNK;
    struct slopes_job j = {*in, *slopes, 0, 0, 0, 0, {NULL, 0}, {NULL, 0}};
    if (in->n <= 0 || in->v <= 0)
        return;
    char *scratch = (char *)gpu_scratch(b, SCRATCH_HEAD, lay_out(b, &j, NULL, most, ld).bytes);
    if (!scratch)
        return;
    const struct backward_rooms rooms = lay_out(b, &j, scratch, most, ld);
    for (; j.first < in->n; j.first += most) {
        j.n = in->n - j.first < most ? in->n - j.first : most;
        backward_rows(b, &j, dx, dw, &rooms, ld);
    }
}
