// The tiled head against whole logits in doubles: first alone, then with all that objectives ask of it.
#include "config.h"

#include "conformance.h"

enum { N_OUT = 10, N_SLOPES = 4 };
enum { LOGPROB, LSE, ENTROPY, IS_TOP, SQUARES, GAP, SET_LOGPROB, SET_LSE, KL, REF_LSE };
static const char *const names[N_OUT] = {"head logprobs", "head lse", "head entropy", "head is_top",
                                         "head sum_squares", "head gaps", "head set_logprobs", "head set_lse",
                                         "head kl", "head ref_lse"};
static const double bounds[N_OUT] = {3e-6, 3e-6, 1e-5, 0, 1e-5, 3e-6, 3e-6, 3e-6, 1e-5, 3e-6};

// One check's shape, memory of the device, and host copies.
struct check {
    int n, c, v, n_rivals; // n_rivals 0: the head alone
    float inv_temperature, cap;
    float *x, *w, *ref_x, *ref_w, *draws, *slopes[N_SLOPES], *out[N_OUT], *dx, *dw;
    int32_t *targets, *rivals, *set_starts, *set_ids;
    float *hx, *hw, *hrx, *hrw, *hdraws, *hslopes[N_SLOPES];
    int32_t *ids, *starts, *in_sets; // of the host
    double *want[N_OUT], *want_dx, *want_dw;
    int32_t *want_rivals;
};

static double *doubles(size_t n)
{
    double *p = calloc(n + 1, sizeof *p);
    assert_non_null(p);
    return p;
}

// Sets of the target alone, of every third token and the target, of all tokens, of some hundred in a row, and none.
static void make_sets(struct bench *t, struct check *k)
{
    k->starts = calloc((size_t)k->n + 1, sizeof *k->starts);
    k->in_sets = calloc((size_t)k->n * (size_t)k->v + 1, sizeof *k->in_sets);
    int n = 0;
    for (int i = 0; i < k->n; i++) {
        const int target = k->ids[i], kind = i % 5;
        for (int v = 0; v < k->v && kind != 4; v++)
            if (v == target || kind == 2 || (kind == 1 && v % 3 == 0) || (kind == 3 && v >= target && v < target + 300))
                k->in_sets[n++] = v;
        k->starts[i + 1] = n;
    }
    k->set_starts = bench_ints(t, k->starts, (size_t)k->n + 1);
    k->set_ids = bench_ints(t, k->in_sets, (size_t)n);
}

static bool is_left(const struct check *k, int i, int v)
{
    bool found = k->starts[i] == k->starts[i + 1];
    for (int at = k->starts[i]; at < k->starts[i + 1] && !found; at++)
        found = k->in_sets[at] == v;
    return found;
}

static void make(struct bench *t, struct check *k)
{
    size_t n = (size_t)k->n, nx = n * (size_t)k->c, nw = (size_t)k->v * (size_t)k->c;
    k->hx = bench_read(t, k->x = bench_random(t, nx, 1, 1), nx);
    k->hw = bench_read(t, k->w = bench_random(t, nw, 1, 2), nw);
    k->hrx = bench_read(t, k->ref_x = bench_random(t, nx, 1, 7), nx);
    k->hrw = bench_read(t, k->ref_w = bench_random(t, nw, 1, 8), nw);
    float *unit = bench_read(t, k->draws = bench_random(t, n, 0.499f, 9), n);
    for (size_t i = 0; i < n; i++)
        unit[i] += 0.5f;
    t->ops->upload(t->b, k->draws, unit, n * sizeof *unit);
    k->hdraws = unit;
    for (uint32_t i = 0; i < N_SLOPES; i++)
        k->hslopes[i] = bench_read(t, k->slopes[i] = bench_random(t, n, 1, 3 + 10 * i), n);
    k->ids = calloc(n + 1, sizeof *k->ids);
    for (int i = 0; i < k->n; i++)
        k->ids[i] = i % 5 == 4 ? k->v - 1 : (i * 37) % k->v;
    k->targets = bench_ints(t, k->ids, n);
    k->rivals = bench_ints(t, k->ids, n);
    make_sets(t, k);
    for (int i = 0; i < N_OUT; i++) {
        k->out[i] = bench_zeros(t, n);
        k->want[i] = doubles(n);
    }
    k->dx = bench_random(t, nx, 1, 4);
    k->dw = bench_random(t, nw, 1, 5);
    k->want_dx = doubles(nx);
    k->want_dw = doubles(nw);
    float *dw = bench_read(t, k->dw, nw);
    for (size_t i = 0; i < nw; i++)
        k->want_dw[i] = dw[i];
    free(dw);
    k->want_rivals = calloc(n + 1, sizeof *k->want_rivals);
}

static void drop(struct bench *t, struct check *k)
{
    bench_free(t, 9, k->x, k->w, k->ref_x, k->ref_w, k->draws, k->targets, k->rivals, k->dx, k->dw);
    bench_free(t, 2, k->set_starts, k->set_ids);
    free(k->starts), free(k->in_sets);
    for (int i = 0; i < N_SLOPES; i++) {
        bench_free(t, 1, k->slopes[i]);
        free(k->hslopes[i]);
    }
    for (int i = 0; i < N_OUT; i++) {
        bench_free(t, 1, k->out[i]);
        free(k->want[i]);
    }
    free(k->hx), free(k->hw), free(k->hrx), free(k->hrw), free(k->hdraws), free(k->ids);
    free(k->want_dx), free(k->want_dw), free(k->want_rivals);
}

static void plain_logits(const struct check *k, double *logits, const float *x, const float *w, double *lse)
{
    double sum = 0;
    for (int v = 0; v < k->v; v++) {
        logits[v] = 0;
        for (int j = 0; j < k->c; j++)
            logits[v] += (double)x[j] * w[v * k->c + j];
        if (k->cap > 0)
            logits[v] = k->cap * tanh(logits[v] / k->cap);
        logits[v] *= k->inv_temperature;
        sum += exp(logits[v]);
    }
    *lse = log(sum);
}

// The n_rivals largest beside the target, one after the other; then the one under which the draw falls.
static int32_t plain_rival(const struct check *k, const double *logits, int i)
{
    int32_t best[HEAD_MAX_RIVALS];
    int n_best = 0;
    double all = 0, below = 0;
    for (; n_best < k->n_rivals && n_best < k->v - 1; n_best++) {
        int32_t top = -1;
        for (int32_t v = 0; v < k->v; v++) {
            bool taken = v == k->ids[i];
            for (int b = 0; b < n_best; b++)
                taken = taken || best[b] == v;
            if (!taken && (top < 0 || logits[v] > logits[top]))
                top = v;
        }
        best[n_best] = top;
        all += exp(logits[top]);
    }
    for (int b = 0; b < n_best; b++) {
        below += exp(logits[best[b]]);
        if (k->hdraws[i] * all < below)
            return best[b];
    }
    return n_best ? best[0] : k->ids[i];
}

static void plain_row(struct check *k, int i, double *logits, double *ref)
{
    const float *x = k->hx + (size_t)i * (size_t)k->c, *rx = k->hrx + (size_t)i * (size_t)k->c;
    const int target = k->ids[i];
    double lse, ref_lse, top = -INFINITY, squares = 0, left = 0;
    bool *in_set = calloc((size_t)k->v, sizeof *in_set);
    plain_logits(k, logits, x, k->hw, &lse);
    plain_logits(k, ref, rx, k->hrw, &ref_lse);
    const int32_t rival = k->n_rivals ? plain_rival(k, logits, i) : target;
    k->want_rivals[i] = rival;
    k->want[LSE][i] = lse;
    k->want[REF_LSE][i] = ref_lse;
    k->want[LOGPROB][i] = logits[target] - lse;
    k->want[GAP][i] = logits[target] - logits[rival];
    for (int v = 0; v < k->v; v++)
        left += (in_set[v] = is_left(k, i, v)) ? exp(logits[v]) : 0;
    k->want[SET_LSE][i] = log(left);
    k->want[SET_LOGPROB][i] = logits[target] - log(left);
    for (int v = 0; v < k->v; v++) {
        const double p = exp(logits[v] - lse), q = exp(ref[v] - ref_lse);
        top = fmax(top, logits[v]);
        squares += p * p;
        k->want[ENTROPY][i] -= p * (logits[v] - lse);
        k->want[KL][i] += q * ((ref[v] - ref_lse) - (logits[v] - lse));
        double d = k->hslopes[0][i] * ((v == target) - p);
        if (k->n_rivals)
            d += k->hslopes[1][i] * (p - q) + k->hslopes[2][i] * ((v == target) - (v == rival)) +
                 k->hslopes[3][i] * ((v == target) - (in_set[v] ? exp(logits[v] - k->want[SET_LSE][i]) : 0));
        if (k->cap > 0)
            d *= 1 - pow(logits[v] / k->inv_temperature / k->cap, 2);
        for (int j = 0; j < k->c; j++) {
            k->want_dx[i * k->c + j] += d * k->inv_temperature * k->hw[v * k->c + j];
            k->want_dw[v * k->c + j] += d * k->inv_temperature * x[j];
        }
    }
    k->want[IS_TOP][i] = logits[target] >= top;
    k->want[SQUARES][i] = log(squares);
    free(in_set);
}

// With room for the logits they are there, and the backward makes the same of them.
static void check_kept(struct bench *t, struct check *k, const struct head_in *in, struct head_out *out,
                       struct head_slopes *slopes, const double *logits)
{
    const size_t n = head_kept_floats((size_t)k->n, (size_t)k->v), nx = (size_t)k->n * (size_t)k->c;
    const size_t nw = (size_t)k->v * (size_t)k->c;
    double *want = doubles(n);
    for (int i = 0; i < k->n; i++)
        for (int v = 0; v < k->v; v++)
            want[((size_t)(v / HEAD_STRETCH) * (size_t)k->n + (size_t)i) * HEAD_STRETCH + (size_t)(v % HEAD_STRETCH)] =
                logits[(size_t)i * (size_t)k->v + (size_t)v];
    const uint64_t dx = bench_hash(t, k->dx, nx), dw = bench_hash(t, k->dw, nw);
    uint64_t numbers = 0, again = 0;
    for (int i = 0; i <= KL; i++)
        numbers = numbers * 3 + bench_hash(t, k->out[i], (size_t)k->n);
    out->kept = slopes->kept = bench_zeros(t, n);
    bench_free(t, 1, k->dw);
    k->dw = bench_random(t, nw, 1, 5);
    t->ops->head(t->b, out, in);
    bench_expect(t, "kept logits", out->kept, want, n, 1e-5);
    t->ops->head_backward(t->b, k->dx, k->dw, in, slopes);
    for (int i = 0; i <= KL; i++)
        again = again * 3 + bench_hash(t, k->out[i], (size_t)k->n);
    assert_true(again == numbers);
    bench_expect(t, "head_backward dx of kept logits", k->dx, k->want_dx, nx, 1e-5);
    bench_expect(t, "head_backward dw of kept logits", k->dw, k->want_dw, nw, 1e-5);
    assert_true(!t->exact || (bench_hash(t, k->dx, nx) == dx && bench_hash(t, k->dw, nw) == dw));
    bench_free(t, 1, out->kept);
    free(want);
}

// Rows without a set, and those whose set is all there is, have the bits of the whole vocabulary.
static void check_whole(struct bench *t, const struct check *k)
{
    float *all = bench_read(t, k->out[LOGPROB], (size_t)k->n), *set = bench_read(t, k->out[SET_LOGPROB], (size_t)k->n);
    for (int i = 0; i < k->n; i++)
        if (i % 5 == 4 || i % 5 == 2)
            assert_memory_equal(&all[i], &set[i], sizeof *all);
        else if (i % 5 == 0)
            assert_true(set[i] == 0);
    free(all);
    free(set);
}

static uint64_t check_capped(struct bench *t, int n, int c, int v, float inv_temperature, int n_rivals, float cap)
{
    struct check k = {.n = n, .c = c, .v = v, .inv_temperature = inv_temperature, .n_rivals = n_rivals, .cap = cap};
    const bool more = n_rivals > 0;
    make(t, &k);
    struct head_in in = {.x = k.x, .w = stored_f32(k.w), .targets = k.targets, .n = n, .c = c, .v = v,
                         .inv_temperature = inv_temperature, .cap = cap};
    struct head_out out = {.logprobs = k.out[LOGPROB], .lse = k.out[LSE], .entropy = k.out[ENTROPY],
                           .is_top = k.out[IS_TOP]};
    struct head_slopes slopes = {.lse = k.out[LSE], .logprob = k.slopes[0]};
    if (more) {
        in.ref_x = k.ref_x, in.ref_w = stored_f32(k.ref_w), in.n_rivals = n_rivals, in.draws = k.draws;
        out.sum_squares = k.out[SQUARES], out.rivals = k.rivals, out.gaps = k.out[GAP];
        out.kl = k.out[KL], out.ref_lse = k.out[REF_LSE];
        in.set_starts = k.set_starts, in.set_ids = k.set_ids;
        out.set_logprobs = k.out[SET_LOGPROB], out.set_lse = k.out[SET_LSE];
        slopes.set_logprob = k.slopes[3], slopes.set_lse = k.out[SET_LSE];
        slopes.kl = k.slopes[1], slopes.ref_lse = k.out[REF_LSE], slopes.gap = k.slopes[2], slopes.rivals = k.rivals;
    }
    t->ops->head(t->b, &out, &in);
    t->ops->head_backward(t->b, k.dx, k.dw, &in, &slopes);
    double *logits = doubles((size_t)(n + 1) * (size_t)v), *ref = doubles((size_t)v);
    for (int i = 0; i < n; i++)
        plain_row(&k, i, logits + (size_t)i * (size_t)v, ref);
    free(ref);
    uint64_t hash = 0;
    for (int i = 0; i < (more ? N_OUT : IS_TOP + 1); i++) {
        bench_expect(t, names[i], k.out[i], k.want[i], (size_t)n, bounds[i]);
        hash = hash * 3 + bench_hash(t, k.out[i], (size_t)n);
    }
    if (more)
        check_whole(t, &k);
    int32_t *rivals = calloc((size_t)n + 1, sizeof *rivals);
    t->ops->download(t->b, rivals, k.rivals, (size_t)n * sizeof *rivals);
    assert_ok(t->ops->sync(t->b, e));
    assert_memory_equal(rivals, k.want_rivals, (size_t)n * sizeof *rivals);
    free(rivals);
    size_t nx = (size_t)n * (size_t)c, nw = (size_t)v * (size_t)c;
    bench_expect(t, "head_backward dx", k.dx, k.want_dx, nx, 1e-5);
    bench_expect(t, "head_backward dw", k.dw, k.want_dw, nw, 1e-5);
    hash = hash * 31 + 5 * bench_hash(t, k.dx, nx) + 7 * bench_hash(t, k.dw, nw);
    check_kept(t, &k, &in, &out, &slopes, logits);
    free(logits);
    drop(t, &k);
    return hash;
}

static uint64_t check_shape(struct bench *t, int n, int c, int v, float inv_temperature, int n_rivals)
{
    return check_capped(t, n, c, v, inv_temperature, n_rivals, 0);
}

// A model against itself is exactly nothing apart, and neither has a slope.
static void check_same(struct bench *t)
{
    enum { N = 40, C = 17, V = 1000 };
    struct check k = {.n = N, .c = C, .v = V, .inv_temperature = 1, .n_rivals = 1};
    const double zeros[N * C] = {0};
    make(t, &k);
    struct head_in in = {.x = k.x, .w = stored_f32(k.w), .targets = k.targets, .n = N, .c = C, .v = V, .inv_temperature = 1,
                         .ref_x = k.x, .ref_w = stored_f32(k.w)};
    t->ops->head(t->b, &(struct head_out){.logprobs = k.out[LOGPROB], .lse = k.out[LSE], .kl = k.out[KL],
                                          .ref_lse = k.out[REF_LSE]}, &in);
    t->ops->head_backward(t->b, k.dx, NULL, &in, &(struct head_slopes){.lse = k.out[LSE], .kl = k.slopes[1],
                                                                      .ref_lse = k.out[REF_LSE]});
    bench_expect(t, "kl of a model to itself", k.out[KL], zeros, N, 0);
    bench_expect(t, "slope of kl of a model to itself", k.dx, zeros, N * C, 0);
    drop(t, &k);
}

uint64_t check_head(struct bench *t)
{
    uint64_t hash = 1;
    check_same(t);
    for (int more = 0; more < 2; more++) {
        hash = hash * 31 + check_shape(t, 0, 8, 10, 1, more);
        hash = hash * 31 + check_shape(t, 1, 1, 1, 1, more);
        hash = hash * 31 + check_shape(t, 31, 33, 257, 1, more);
        hash = hash * 31 + check_shape(t, 33, 8, 1025, 0.5f, 3 * more);
        hash = hash * 31 + check_shape(t, 130, 7, 2111, 2, 10 * more);
        hash = hash * 31 + check_shape(t, 300, 9, 515, 1, 64 * more);
    }
    hash = hash * 31 + check_capped(t, 33, 40, 1025, 1, 0, 3) + 3 * check_capped(t, 70, 9, 2111, 1, 10, 1.5f);
    hash = hash * 31 + check_capped(t, 33, 12, 515, 1.4f, 0, 2) + 3 * check_capped(t, 40, 9, 1111, 0.6f, 3, 2);
    hash = hash * 31 + check_shape(t, 32, 16, 256, 1 / 0.7f, 1) + 3 * check_shape(t, 257, 16, 32, 1, 1);
    return hash * 31 + check_shape(t, 9, 5, 3, 1, 7); // fewer others than were asked for
}

uint64_t check_large_head(struct bench *t)
{
    uint64_t hash = check_shape(t, 2100, 70, 800, 1, 2);    // a second piece of rows, a short last stretch of tokens
    hash = hash * 31 + check_shape(t, 300, 200, 800, 1, 0);  // both sides of all products packed
    return hash * 31 + check_shape(t, 7, 3, 6400, 1, 20);    // tokens of several tiles, however large these are
}
