// The pieces of a decoder that training, scoring and sampling share, written once for all families in terms
// of backend_ops and `struct arch`. A layer is (pre-norm; "post" is OPT-350m's order):
//
//     in  = norm1(x)                    post: in  = x
//     mid = x + attention(in) wo        post: mid = x + attention(in) wo;    mlp_in = norm1(mid)
//     mlp_in = norm2(mid)
//     out = mid + mlp(mlp_in)           post: sum = mlp_in + mlp(mlp_in);    out = norm2(sum)
//
// Gemma norms what attention and MLP give once more before it is added: mid = x + norm3(...), out = mid + norm4(...).
//
// Norm outputs and the activated MLP row are not kept for the backward: they are made again from what is,
// elementwise, which is cheap beside the products and saves a quarter of the memory.
//
// All pointers are device memory. C = d_model, A = n_heads * head_dim, KV = n_kv_heads * head_dim, F = d_ff,
// E = d_embed, R = rank of the adapter.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/backend.h"
#include "model/model.h"

struct widths {
    size_t c, attn, kv, ff, embed, rank, heads, kv_heads;
    bool gated, post_norm, means, projected; // means: layer norm keeps them; projected: E differs from C
    bool qk_norm, post_norms;
};

// What a layer's backward needs of its forward, for T rows.
struct layer_acts {
    float *x;              // (T, C) input
    float *mean1, *rstd1;  // (T)
    float *q, *k, *v;      // (T, A), (T, KV), (T, KV); q and k normed and rotated
    float *raw_q, *raw_k;  // (T, A), (T, KV): before their norm; NULL without one
    float *rstd_q, *rstd_k; // (T, heads), (T, kv_heads): of each head; NULL without that norm
    float *lse;            // (T, n_heads)
    float *att;            // (T, A)
    float *mid;            // (T, C)
    float *mean2, *rstd2;  // (T)
    float *gate, *up;      // (T, F); gate NULL unless gated
    float *sum;            // (T, C), post-norm only, else NULL
    float *attn_out, *mlp_out; // (T, C): what Gemma norms before it is added; else NULL
    float *rstd3, *rstd4;      // (T) of those norms
    // Where the backward is to find x, and what carve_layer makes from `rest` on, in the part_type; NULL: where they are.
    void *kept_x, *kept;
    const float *rest;
};

// One of a layer's members but x, and the numbers that a row has in it.
struct layer_act {
    float **at;
    size_t width;
};
enum { LAYER_ACTS = 21 };
// Those that a layer of these widths has, into list (LAYER_ACTS), in the order of memory: first the *n_exact small ones that
// must be exact (means, lse), then the others, of which q, k, v and att come first. Returns how many.
int layer_acts_list(struct layer_acts *a, const struct widths *w, struct layer_act *list, int *n_exact);
// The same from a row on.
struct layer_acts layer_acts_from(const struct layer_acts *a, const struct widths *w, size_t row);

// What every layer may overwrite.
struct part_scratch {
    float *normed; // (T, max(C, E))
    float *act;    // (T, F)
    float *low;    // (T, R)
    float *low_grad; // (T, R), backward only
};

struct parts {
    struct model *m;
    const struct backend_ops *ops;
    struct backend *b;
    struct widths w;
    struct attn_shape shapes[N_ATTN_KINDS]; // by kind of layer
    struct part_scratch s;
    const void *const *packed; // (n_tensors) of matrices laid out for linear(), or NULL each; NULL: none are
};

static inline const struct attn_shape *part_shape(const struct parts *p, int layer)
{
    return &p->shapes[arch_attn_kind(&p->m->arch, layer)];
}

// Everything but the scratch, which the caller carves out of its own block.
void parts_init(struct parts *p, struct model *m);
struct widths parts_widths(const struct arch *a, int rank);
// One past the highest position that the model can take.
int parts_max_positions(const struct parts *p);

// The type in which layers keep what their backward needs, and weights are multiplied.
static inline enum dtype part_type(const struct parts *p)
{
    return p->ops->weights_type(p->b);
}

// Carving a block of memory in two passes: with base NULL it only counts. Pieces are aligned to 64 bytes.
struct carve {
    char *base;
    size_t used;
    bool overflow;
};
void *carve_bytes(struct carve *c, size_t rows, size_t row_bytes);
float *carve_floats(struct carve *c, size_t rows, size_t cols);
// All but x, as layer_acts_list has them; *rest: where those begin that need not be exact.
void carve_layer(struct carve *c, struct layer_acts *a, const struct widths *w, size_t t, size_t *rest);
void carve_scratch(struct carve *c, struct part_scratch *s, const struct widths *w, size_t t, bool backward);

bool part_is_adapted(const struct parts *p, enum tensor_kind kind, int layer); // an adapter adds to the product
// y(T, out) = beta y + x w^T + bias, and the adapter's share.
void part_linear(const struct parts *p, float *y, const float *x, enum tensor_kind kind, int layer, int t, float beta);
// y(T, C) = norm(x); mean is used by layer norm only.
void part_norm(const struct parts *p, float *y, float *mean, float *rstd, const float *x, enum tensor_kind kind, int layer,
               int t);
// out(T, C), from tokens and positions (with the family's offset); wide(T, E) is used when projected.
void part_embed(const struct parts *p, float *out, float *wide, const int32_t *tokens, const int32_t *positions, int t);

// A layer in four steps; the caller does the attention between the first two.
void part_qkv(const struct parts *p, int layer, const struct layer_acts *a, const int32_t *positions, int t);
// Before attention writes a->att for part_mid(). products_only: nothing else reads it.
void part_hold_attention(const struct parts *p, const struct layer_acts *a, int t, bool products_only);
// Where the layer keeps a piece of it for the backward, NULL: where it is.
void *part_place(const struct parts *p, const struct layer_acts *a, const float *piece);
void part_mid(const struct parts *p, int layer, const struct layer_acts *a, int t);              // att -> mid, gate, up
void part_out(const struct parts *p, int layer, const struct layer_acts *a, float *out, int t);  // out may be a->x
// The two inputs of products that are not kept, into s.normed (or a->x itself), and s.act from gate and up: held, until the
// caller has multiplied them and lets the input go.
const float *part_attn_input(const struct parts *p, int layer, const struct layer_acts *a, int t);
void part_release_input(const struct parts *p, const struct layer_acts *a, const float *in);
const float *part_mlp_input(const struct parts *p, int layer, const struct layer_acts *a, int t);
// Rotates x(T, n_heads * head_dim) in place by the layer's kind of angles; nothing without rotary positions.
void part_rotate(const struct parts *p, int layer, float *x, const int32_t *positions, int t, int n_heads, bool inverse);
void part_activate(const struct parts *p, const struct layer_acts *a, int t);

// Hidden rows to what the head reads: final norm, then OPT's projection.
struct final_acts {
    float *x;           // (N, C) gathered rows
    float *mean, *rstd; // (N)
    float *normed;      // (N, C); x itself without a final norm
    float *out;         // (N, E) for the head or the score head; normed itself without projection
};
void carve_final(struct carve *c, struct final_acts *f, const struct parts *p, size_t n);
void part_final(const struct parts *p, const struct final_acts *f, const float *x, const int32_t *rows, int n);
struct stored part_head_weight(const struct parts *p); // (V, E)
