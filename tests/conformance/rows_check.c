// Embeddings, gathering, scattering, rotary positions.
#include "config.h"

#include "conformance.h"

enum { VOCAB = 50, POSITIONS = 40 };

static uint64_t check_embed(struct bench *t, int rows, int c)
{
    size_t n = (size_t)rows * (size_t)c, n_wte = (size_t)VOCAB * (size_t)c, n_wpe = (size_t)POSITIONS * (size_t)c;
    int32_t *ids = calloc((size_t)rows + 1, sizeof *ids), *places = calloc((size_t)rows + 1, sizeof *places);
    for (int i = 0; i < rows; i++) {
        ids[i] = i * i % VOCAB; // repeats
        places[i] = i % POSITIONS;
    }
    int32_t *tokens = bench_ints(t, ids, (size_t)rows), *positions = bench_ints(t, places, (size_t)rows);
    float *wte = bench_random(t, n_wte, 1, 1), *wpe = bench_random(t, n_wpe, 1, 2), *out = bench_zeros(t, n);
    float *hte = bench_read(t, wte, n_wte), *hpe = bench_read(t, wpe, n_wpe);
    double *want = calloc(n + n_wte + n_wpe + 1, sizeof *want);
    t->ops->embed(t->b, out, stored_f32(wte), stored_f32(wpe), tokens, positions, rows, c);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++)
            want[r * c + i] = (double)hte[ids[r] * c + i] + hpe[places[r] * c + i];
    bench_expect(t, "embed", out, want, n, 1e-7);
    t->ops->gather_rows(t->b, out, wte, tokens, rows, c);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++)
            want[r * c + i] = hte[ids[r] * c + i];
    bench_expect(t, "gather_rows", out, want, n, 0);

    float *hout = bench_read(t, out, n);
    t->ops->embed_backward(t->b, wte, wpe, out, tokens, positions, rows, c);
    t->ops->scatter_add_rows(t->b, wte, out, positions, rows, c);
    for (size_t i = 0; i < n_wte; i++)
        want[i] = hte[i];
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++) {
            want[ids[r] * c + i] += hout[r * c + i];
            want[places[r] * c + i] += hout[r * c + i];
        }
    bench_expect(t, "embed_backward dwte", wte, want, n_wte, 1e-5);
    for (size_t i = 0; i < n_wpe; i++)
        want[i] = hpe[i];
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++)
            want[places[r] * c + i] += hout[r * c + i];
    bench_expect(t, "embed_backward dwpe", wpe, want, n_wpe, 1e-5);
    uint64_t hash = bench_hash(t, wte, n_wte) + 3 * bench_hash(t, wpe, n_wpe);
    bench_free(t, 5, tokens, positions, wte, wpe, out);
    free(ids), free(places), free(hte), free(hpe), free(hout), free(want);
    return hash;
}

static uint64_t check_rope(struct bench *t, int rows, int n_heads, int d)
{
    size_t width = (size_t)n_heads * (size_t)d, n = (size_t)rows * width, n_angles = (size_t)POSITIONS * (size_t)d / 2;
    int32_t *places = calloc((size_t)rows + 1, sizeof *places);
    float *angles = calloc(2 * n_angles + 1, sizeof *angles);
    for (int i = 0; i < rows; i++)
        places[i] = (i * 7) % POSITIONS;
    for (size_t i = 0; i < n_angles; i++) {
        angles[i] = (float)cos(0.37 * (double)i);
        angles[n_angles + i] = (float)sin(0.37 * (double)i);
    }
    int32_t *positions = bench_ints(t, places, (size_t)rows);
    float *table = bench_zeros(t, 2 * n_angles), *x = bench_random(t, n, 1, 1), *hx = bench_read(t, x, n);
    t->ops->upload(t->b, table, angles, 2 * n_angles * sizeof *table);
    double *want = calloc(n + 1, sizeof *want);
    for (int inverse = 0; inverse < 2; inverse++) {
        t->ops->rope(t->b, x, table, table + n_angles, positions, rows, n_heads, d, inverse);
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < n_heads; h++)
                for (int i = 0; i < d / 2; i++) {
                    size_t at = (size_t)r * width + (size_t)(h * d + i), angle = (size_t)(places[r] * (d / 2) + i);
                    double co = angles[angle], si = angles[n_angles + angle], a = hx[at], b = hx[at + (size_t)d / 2];
                    // turning back must give the start again
                    want[at] = inverse ? a : a * co - b * si;
                    want[at + (size_t)d / 2] = inverse ? b : b * co + a * si;
                }
        bench_expect(t, inverse ? "rope back" : "rope", x, want, n, 1e-6);
    }
    uint64_t hash = bench_hash(t, x, n);
    bench_free(t, 3, positions, table, x);
    free(places), free(angles), free(hx), free(want);
    return hash;
}

// Rows to places that do not repeat; the others stay.
static uint64_t check_put(struct bench *t, int rows, int c)
{
    const size_t n = (size_t)rows * (size_t)c, places = 2 * (size_t)rows + 1;
    int32_t *host = calloc((size_t)rows + 1, sizeof *host);
    for (int i = 0; i < rows; i++)
        host[i] = 2 * (rows - i) - 1;
    float *from = bench_random(t, n, 1, 3), *to = bench_random(t, places * (size_t)c, 1, 4);
    float *hf = bench_read(t, from, n), *ht = bench_read(t, to, places * (size_t)c);
    int32_t *ids = bench_ints(t, host, rows);
    double *want = calloc(places * (size_t)c + 1, sizeof *want);
    for (size_t i = 0; i < places * (size_t)c; i++)
        want[i] = (double)ht[i];
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < c; k++)
            want[host[i] * c + k] = (double)hf[i * c + k];
    t->ops->put_rows(t->b, to, from, ids, rows, c);
    bench_expect(t, "put_rows", to, want, places * (size_t)c, 0);
    uint64_t hash = bench_hash(t, to, places * (size_t)c);
    bench_free(t, 3, from, to, ids);
    free(host), free(hf), free(ht), free(want);
    return hash;
}

// Rows with no share stay, with all of it become the other's, both bit for bit.
static uint64_t check_mix(struct bench *t, int rows, int c)
{
    static const float some[] = {0, 0.25f, 1, 0.9f, 0};
    const size_t n = (size_t)rows * (size_t)c;
    float *y = bench_random(t, n, 1, 5), *x = bench_random(t, n, 1, 6), *hy = bench_read(t, y, n), *hx = bench_read(t, x, n);
    float *shares = calloc((size_t)rows + 1, sizeof *shares);
    double *want = calloc(n + 1, sizeof *want);
    for (int i = 0; i < rows; i++)
        shares[i] = some[i % 5];
    for (size_t i = 0; i < n; i++) {
        const double share = (double)some[(int)(i / (size_t)c) % 5];
        want[i] = (1 - share) * (double)hy[i] + share * (double)hx[i];
    }
    t->ops->mix_rows(t->b, y, x, shares, rows, c);
    bench_expect(t, "mix_rows", y, want, n, 1e-6);
    float *mixed = bench_read(t, y, n);
    for (size_t i = 0; i < n; i++) {
        const float share = some[(int)(i / (size_t)c) % 5];
        if ((share == 0 && mixed[i] != hy[i]) || (share == 1 && mixed[i] != hx[i]))
            fail_msg("mix_rows changes what has no share in it");
    }
    uint64_t hash = bench_hash(t, y, n);
    bench_free(t, 2, x, y);
    free(shares), free(want), free(hx), free(hy), free(mixed);
    return hash;
}

uint64_t check_rows(struct bench *t)
{
    static const int rows[] = {0, 1, 31, 33, 257}, widths[] = {1, 32, 63, 257};
    uint64_t hash = 0;
    for (int r = 0; r < 5; r++) {
        for (int c = 0; c < 4; c++)
            hash = hash * 31 + check_embed(t, rows[r], widths[c]) + 3 * check_put(t, rows[r], widths[c]) +
                   5 * check_mix(t, rows[r], widths[c]);
        hash = hash * 31 + check_rope(t, rows[r], 3, 8) + check_rope(t, rows[r], 2, 66);
    }
    return hash;
}
