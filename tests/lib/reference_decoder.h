// A decoder in plain double loops, one text at a time: the independent check of the real one's values and, by
// finite differences, of its gradients. Same weights block (as double), no packing, no sharing, no tiles.
#pragma once

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

struct reference {
    const struct model *m;
    double *weights;   // the model's block
    double *lora;      // the adapter's block or NULL
    double *inv_freq[N_ATTN_KINDS], rope_factor[N_ATTN_KINDS];
};

static inline void reference_init(struct reference *r, const struct model *m)
{
    *r = (struct reference){.m = m};
    float *host = mem_alloc(m->n_floats + m->n_lora_floats, sizeof *host);
    m->ops->download(m->backend, host, m->weights, m->n_floats * sizeof *host);
    r->weights = mem_alloc(m->n_floats, sizeof *r->weights);
    for (size_t i = 0; i < m->n_floats; i++)
        r->weights[i] = host[i];
    if (m->lora_weights) {
        m->ops->download(m->backend, host, m->lora_weights, m->n_lora_floats * sizeof *host);
        r->lora = mem_alloc(m->n_lora_floats, sizeof *r->lora);
        for (size_t i = 0; i < m->n_lora_floats; i++)
            r->lora[i] = host[i];
    }
    free(host);
    float speed[1024], factor;
    for (int kind = 0; m->arch.rope && kind < N_ATTN_KINDS; kind++) {
        rope_frequencies(&m->arch.ropes[kind], m->arch.head_dim, speed, &factor);
        r->inv_freq[kind] = mem_alloc((size_t)m->arch.head_dim / 2, sizeof **r->inv_freq);
        for (int i = 0; i < m->arch.head_dim / 2; i++)
            r->inv_freq[kind][i] = speed[i];
        r->rope_factor[kind] = factor;
    }
}

static inline void reference_fini(struct reference *r)
{
    free(r->weights);
    free(r->lora);
    for (int kind = 0; kind < N_ATTN_KINDS; kind++)
        free(r->inv_freq[kind]);
}

static inline const double *ref_weight(const struct reference *r, enum tensor_kind kind, int layer)
{
    const struct tensor *t = model_tensor(r->m, kind, layer);
    return t ? r->weights + t->offset : NULL;
}

static inline void ref_linear(const struct reference *r, double *y, const double *x, enum tensor_kind kind, int layer, int t)
{
    const struct tensor *w = model_tensor(r->m, kind, layer);
    const double *bias = kind < N_LAYER_TENSORS ? ref_weight(r, kind + 1, layer) : NULL;
    const struct lora_pair *pair = r->lora ? model_lora(r->m, kind, layer) : NULL;
    double scale = pair ? (double)pair->factor : 0;
    for (int row = 0; row < t; row++)
        for (int o = 0; o < w->rows; o++) {
            double sum = bias ? bias[o] : 0;
            for (int i = 0; i < w->cols; i++)
                sum += x[row * w->cols + i] * r->weights[w->offset + (size_t)(o * w->cols + i)];
            for (int k = 0; pair && k < pair->rank; k++) {
                double low = 0;
                for (int i = 0; i < w->cols; i++)
                    low += x[row * w->cols + i] * r->lora[pair->a + (size_t)(k * w->cols + i)];
                sum += scale * low * r->lora[pair->b + (size_t)(o * pair->rank + k)];
            }
            y[row * w->rows + o] = sum;
        }
}

static inline void ref_norm_of(const struct reference *r, double *y, const double *x, enum tensor_kind kind, int layer,
                               int t, int c, bool rms)
{
    const double *w = ref_weight(r, kind, layer), *bias = rms ? NULL : ref_weight(r, kind + 1, layer);
    for (int row = 0; row < t; row++, x += c, y += c) {
        double mean = 0, square = 0;
        for (int i = 0; i < c && !rms; i++)
            mean += x[i] / c;
        for (int i = 0; i < c; i++)
            square += (x[i] - mean) * (x[i] - mean) / c;
        for (int i = 0; i < c; i++)
            y[i] = (x[i] - mean) / sqrt(square + (double)r->m->arch.norm_eps) * w[i] + (rms ? 0 : bias[i]);
    }
}

static inline void ref_norm(const struct reference *r, double *y, const double *x, enum tensor_kind kind, int layer, int t)
{
    ref_norm_of(r, y, x, kind, layer, t, r->m->arch.d_model, r->m->arch.norm == NORM_RMS);
}

static inline void ref_rope(const struct reference *r, double *x, int layer, int t, int n_heads)
{
    int d = r->m->arch.head_dim, half = d / 2;
    enum attn_kind kind = arch_attn_kind(&r->m->arch, layer);
    for (int row = 0; row < t; row++)
        for (int h = 0; h < n_heads; h++)
            for (int i = 0; i < half; i++) {
                double *a = x + (row * n_heads + h) * d + i, *b = a + half, angle = row * r->inv_freq[kind][i];
                double cs = cos(angle) * r->rope_factor[kind], sn = sin(angle) * r->rope_factor[kind], old = *a;
                *a = old * cs - *b * sn;
                *b = *b * cs + old * sn;
            }
}

static inline double ref_cap(double x, double cap)
{
    return cap > 0 ? cap * tanh(x / cap) : x;
}

static inline void ref_attention(const struct reference *r, double *out, const double *q, const double *k, const double *v,
                                 int layer, int t)
{
    const struct arch *a = &r->m->arch;
    const int window = arch_attn_kind(a, layer) == ATTN_SLIDING ? a->sliding_window : 0;
    int d = a->head_dim, group = a->n_heads / a->n_kv_heads;
    double *p = mem_alloc((size_t)t, sizeof *p);
    for (int i = 0; i < t; i++)
        for (int h = 0; h < a->n_heads; h++) {
            int first = window && i + 1 > window ? i + 1 - window : 0;
            double top = -INFINITY, sum = 0;
            for (int j = first; j <= i; j++) {
                p[j] = 0;
                for (int l = 0; l < d; l++)
                    p[j] += q[(i * a->n_heads + h) * d + l] * k[(j * a->n_kv_heads + h / group) * d + l] *
                            (double)a->attn_scale;
                p[j] = ref_cap(p[j], (double)a->attn_cap);
                top = fmax(top, p[j]);
            }
            for (int j = first; j <= i; j++)
                sum += p[j] = exp(p[j] - top);
            for (int l = 0; l < d; l++) {
                double o = 0;
                for (int j = first; j <= i; j++)
                    o += p[j] / sum * v[(j * a->n_kv_heads + h / group) * d + l];
                out[(i * a->n_heads + h) * d + l] = o;
            }
        }
    free(p);
}

static inline double ref_activate(enum activation kind, double x)
{
    switch (kind) {
    case ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x / 1.41421356237309504880));
    case ACT_RELU:
        return x > 0 ? x : 0;
    case ACT_SILU:
        return x / (1 + exp(-x));
    }
    abort();
}

static inline void ref_mlp(const struct reference *r, double *y, const double *x, int layer, int t)
{
    const struct arch *a = &r->m->arch;
    size_t n = (size_t)t * (size_t)a->d_ff;
    double *up = mem_alloc(2 * n, sizeof *up), *gate = up + n;
    ref_linear(r, up, x, T_UP_W, layer, t);
    if (a->gated_mlp)
        ref_linear(r, gate, x, T_GATE_W, layer, t);
    for (size_t i = 0; i < n; i++)
        up[i] = a->gated_mlp ? ref_activate(a->act, gate[i]) * up[i] : ref_activate(a->act, up[i]);
    ref_linear(r, y, up, T_DOWN_W, layer, t);
    free(up);
}

static inline void ref_layer(const struct reference *r, double *x, int layer, int t)
{
    const struct arch *a = &r->m->arch;
    size_t n = (size_t)t * (size_t)a->d_model, nq = (size_t)(t * a->n_heads * a->head_dim);
    double *h = mem_alloc(2 * n + 4 * nq, sizeof *h), *y = h + n, *q = y + n, *k = q + nq, *v = k + nq, *o = v + nq;
    memcpy(h, x, n * sizeof *h);
    if (a->pre_norm)
        ref_norm(r, h, x, T_ATTN_NORM_W, layer, t);
    ref_linear(r, q, h, T_Q_W, layer, t);
    ref_linear(r, k, h, T_K_W, layer, t);
    ref_linear(r, v, h, T_V_W, layer, t);
    if (a->qk_norm) {
        ref_norm_of(r, q, q, T_Q_NORM_W, layer, t * a->n_heads, a->head_dim, true);
        ref_norm_of(r, k, k, T_K_NORM_W, layer, t * a->n_kv_heads, a->head_dim, true);
    }
    if (a->rope) {
        ref_rope(r, q, layer, t, a->n_heads);
        ref_rope(r, k, layer, t, a->n_kv_heads);
    }
    ref_attention(r, o, q, k, v, layer, t);
    ref_linear(r, y, o, T_O_W, layer, t);
    if (a->post_norms)
        ref_norm(r, y, y, T_ATTN_POST_NORM_W, layer, t);
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
    if (!a->pre_norm)
        ref_norm(r, x, x, T_ATTN_NORM_W, layer, t);
    memcpy(h, x, n * sizeof *h);
    if (a->pre_norm)
        ref_norm(r, h, x, T_MLP_NORM_W, layer, t);
    ref_mlp(r, y, h, layer, t);
    if (a->post_norms)
        ref_norm(r, y, y, T_MLP_POST_NORM_W, layer, t);
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
    if (!a->pre_norm)
        ref_norm(r, x, x, T_MLP_NORM_W, layer, t);
    free(h);
}

// The logits of every row: (t, vocab_size); heap. The last row's score into *score when not NULL.
static inline double *reference_logits(const struct reference *r, const int32_t *ids, int t, double *score)
{
    const struct arch *a = &r->m->arch;
    int c = a->d_model, e = a->d_embed, vocab = a->vocab_size;
    double *x = mem_alloc((size_t)(t * c), sizeof *x), *wide = mem_alloc((size_t)(t * e), sizeof *wide);
    double *logits = mem_alloc((size_t)(t * vocab), sizeof *logits);
    const double *wte = ref_weight(r, T_TOKEN_EMBED, -1), *wpe = ref_weight(r, T_POSITION_EMBED, -1);
    for (int i = 0; i < t * e; i++)
        wide[i] = wte[ids[i / e] * e + i % e] * (double)a->embed_scale;
    if (e != c)
        ref_linear(r, x, wide, T_PROJECT_IN, -1, t);
    else
        memcpy(x, wide, (size_t)(t * c) * sizeof *x);
    for (int i = 0; i < t * c && wpe; i++)
        x[i] += wpe[(i / c + a->position_offset) * c + i % c];
    for (int layer = 0; layer < a->n_layers; layer++)
        ref_layer(r, x, layer, t);
    if (a->final_norm)
        ref_norm(r, x, x, T_FINAL_NORM_W, -1, t);
    if (e != c)
        ref_linear(r, wide, x, T_PROJECT_OUT, -1, t);
    const double *hidden = e != c ? wide : x;
    if (score)
        ref_linear(r, score, hidden + (t - 1) * e, T_SCORE_W, -1, 1);
    const double *head = ref_weight(r, a->tied ? T_TOKEN_EMBED : T_HEAD_W, -1);
    for (int i = 0; i < t * vocab; i++)
        for (int l = 0; l < e; l++)
            logits[i] += hidden[i / vocab * e + l] * head[i % vocab * e + l];
    for (int i = 0; i < t * vocab; i++)
        logits[i] = ref_cap(logits[i], (double)a->head_cap);
    free(wide);
    free(x);
    return logits;
}

static inline double ref_log_sum_exp(const double *x, int n)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        top = fmax(top, x[i]);
    for (int i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}

// Log-probabilities of ids[1..t-1] into logprobs (t - 1), and the last row's score into *score when not NULL.
static inline void reference_text(const struct reference *r, const int32_t *ids, int t, double *logprobs, double *score)
{
    const int vocab = r->m->arch.vocab_size;
    double *logits = reference_logits(r, ids, t, score);
    for (int i = 0; i + 1 < t; i++)
        logprobs[i] = logits[i * vocab + ids[i + 1]] - ref_log_sum_exp(logits + i * vocab, vocab);
    free(logits);
}
