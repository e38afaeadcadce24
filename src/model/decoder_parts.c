#include "config.h"

#include "model/decoder_parts.h"

struct widths parts_widths(const struct arch *a, int rank)
{
    return (struct widths){
        .c = (size_t)a->d_model,
        .attn = (size_t)a->n_heads * (size_t)a->head_dim,
        .kv = (size_t)a->n_kv_heads * (size_t)a->head_dim,
        .ff = (size_t)a->d_ff,
        .embed = (size_t)a->d_embed,
        .rank = (size_t)rank,
        .heads = (size_t)a->n_heads,
        .kv_heads = (size_t)a->n_kv_heads,
        .qk_norm = a->qk_norm,
        .post_norms = a->post_norms,
        .gated = a->gated_mlp,
        .post_norm = !a->pre_norm,
        .means = a->norm == NORM_LAYER,
        .projected = a->d_embed != a->d_model,
    };
}

void parts_init(struct parts *p, struct model *m)
{
    const struct arch *a = &m->arch;
    *p = (struct parts){.m = m, .ops = m->ops, .b = m->backend, .w = parts_widths(a, m->lora_weights ? m->lora.rank : 0)};
    for (int kind = 0; kind < N_ATTN_KINDS; kind++)
        p->shapes[kind] = (struct attn_shape){
            .n_heads = a->n_heads,
            .n_kv_heads = a->n_kv_heads,
            .head_dim = a->head_dim,
            .scale = a->attn_scale,
            .cap = a->attn_cap,
            .window = kind == ATTN_SLIDING ? a->sliding_window : 0,
        };
}

int parts_max_positions(const struct parts *p)
{
    const struct model *m = p->m;
    return m->rope_tables ? m->n_rope_positions : m->arch.max_positions;
}

void *carve_bytes(struct carve *c, size_t rows, size_t row_bytes)
{
    size_t n, end;
    if (__builtin_mul_overflow(rows, row_bytes, &n) || __builtin_add_overflow(n, (size_t)63, &n) ||
        __builtin_add_overflow(c->used, n & ~(size_t)63, &end)) {
        c->overflow = true;
        return NULL;
    }
    void *at = c->base ? c->base + c->used : NULL;
    c->used = end;
    return at;
}

float *carve_floats(struct carve *c, size_t rows, size_t cols)
{
    return carve_bytes(c, rows, cols * sizeof(float));
}

int layer_acts_list(struct layer_acts *a, const struct widths *w, struct layer_act *list, int *n_exact)
{
    const size_t means = w->means, norms = w->post_norms;
    const size_t heads = w->qk_norm ? w->heads : 0, kv_heads = w->qk_norm ? w->kv_heads : 0;
    const struct layer_act exact[] = {{&a->mean1, means}, {&a->mean2, means}, {&a->rstd1, 1}, {&a->rstd2, 1},
                                      {&a->rstd_q, heads}, {&a->rstd_k, kv_heads}, {&a->rstd3, norms}, {&a->rstd4, norms},
                                      {&a->lse, w->heads}};
    const struct layer_act rest[] = {{&a->q, w->attn}, {&a->k, w->kv}, {&a->v, w->kv}, {&a->att, w->attn},
                                     {&a->raw_q, w->qk_norm ? w->attn : 0}, {&a->raw_k, w->qk_norm ? w->kv : 0},
                                     {&a->mid, w->c},
                                     {&a->gate, w->gated ? w->ff : 0}, {&a->up, w->ff}, {&a->sum, w->post_norm ? w->c : 0},
                                     {&a->attn_out, norms * w->c}, {&a->mlp_out, norms * w->c}};
    int n = 0;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (exact[i].width)
            list[n++] = exact[i];
    *n_exact = n;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (rest[i].width)
            list[n++] = rest[i];
    return n;
}

void carve_layer(struct carve *c, struct layer_acts *a, const struct widths *w, size_t t, size_t *rest)
{
    struct layer_act list[LAYER_ACTS];
    int n_exact;
    *a = (struct layer_acts){.x = a->x};
    const int n = layer_acts_list(a, w, list, &n_exact);
    for (int i = 0; i < n; i++) {
        if (i == n_exact)
            *rest = c->used;
        *list[i].at = carve_floats(c, t, list[i].width);
    }
}

struct layer_acts layer_acts_from(const struct layer_acts *a, const struct widths *w, size_t row)
{
    struct layer_act list[LAYER_ACTS];
    struct layer_acts from = *a;
    int n_exact;
    const int n = layer_acts_list(&from, w, list, &n_exact);
    from.x += row * w->c;
    for (int i = 0; i < n; i++)
        *list[i].at += row * list[i].width;
    return from;
}

void carve_scratch(struct carve *c, struct part_scratch *s, const struct widths *w, size_t t, bool backward)
{
    s->normed = carve_floats(c, t, w->c > w->embed ? w->c : w->embed);
    s->act = carve_floats(c, t, w->ff);
    s->low = w->rank ? carve_floats(c, t, w->rank) : NULL;
    s->low_grad = w->rank && backward ? carve_floats(c, t, w->rank) : NULL;
}

// To multiply with.
static struct stored weight_of(const struct parts *p, const struct tensor *t)
{
    struct stored w = t->as;
    if (p->packed)
        w.packed = p->packed[t - p->m->tensors];
    return w;
}

void part_linear(const struct parts *p, float *y, const float *x, enum tensor_kind kind, int layer, int t, float beta)
{
    const struct model *m = p->m;
    const struct tensor *w = model_tensor(m, kind, layer);
    // In the table of kinds a layer's bias follows its weight.
    const float *bias = kind < N_LAYER_TENSORS ? model_weight(m, kind + 1, layer) : NULL;
    p->ops->linear(p->b, y, x, weight_of(p, w), bias, t, w->cols, w->rows, 1, beta);
    const struct lora_pair *pair = m->adapter_on ? model_lora(m, kind, layer) : NULL;
    if (!pair)
        return;
    p->ops->linear(p->b, p->s.low, x, stored_f32(m->lora_weights + pair->a), NULL, t, pair->in, pair->rank, 1, 0);
    p->ops->linear(p->b, y, p->s.low, stored_f32(m->lora_weights + pair->b), NULL, t, pair->rank, pair->out,
                   pair->factor, 1);
}

void part_norm(const struct parts *p, float *y, float *mean, float *rstd, const float *x, enum tensor_kind kind, int layer,
               int t)
{
    const struct model *m = p->m;
    const float *w = model_weight(m, kind, layer);
    if (m->arch.norm == NORM_RMS)
        p->ops->rmsnorm(p->b, y, rstd, x, w, m->arch.norm_eps, t, m->arch.d_model);
    else
        p->ops->layernorm(p->b, y, mean, rstd, x, w, model_weight(m, kind + 1, layer), m->arch.norm_eps, t,
                          m->arch.d_model);
}

void part_embed(const struct parts *p, float *out, float *wide, const int32_t *tokens, const int32_t *positions, int t)
{
    const struct model *m = p->m;
    const struct stored wte = model_stored(m, T_TOKEN_EMBED, -1), wpe = model_stored(m, T_POSITION_EMBED, -1);
    if (!p->w.projected) {
        p->ops->embed(p->b, out, wte, wpe, tokens, positions, t, m->arch.d_model);
        if (m->arch.embed_scale != 1)
            p->ops->scale(p->b, out, m->arch.embed_scale, (size_t)t * p->w.c);
        return;
    }
    p->ops->embed(p->b, wide, wte, (struct stored){0}, tokens, positions, t, m->arch.d_embed);
    part_linear(p, out, wide, T_PROJECT_IN, -1, t, 0);
    if (wpe.at) {
        p->ops->embed(p->b, p->s.normed, wpe, (struct stored){0}, positions, positions, t, m->arch.d_model);
        p->ops->add(p->b, out, out, p->s.normed, (size_t)t * p->w.c);
    }
}

void *part_place(const struct parts *p, const struct layer_acts *a, const float *piece)
{
    if (piece == a->x)
        return a->kept_x;
    return a->kept ? (char *)a->kept + (size_t)(piece - a->rest) * dtype_bytes(part_type(p)) : NULL;
}

// x is held for longer than its products where it is kept.
void part_release_input(const struct parts *p, const struct layer_acts *a, const float *in)
{
    if (in != a->x || !a->kept_x)
        p->ops->release(p->b, in);
}

const float *part_attn_input(const struct parts *p, int layer, const struct layer_acts *a, int t)
{
    const size_t n = (size_t)t * p->w.c;
    if (p->w.post_norm) {
        if (!a->kept_x)
            p->ops->hold(p->b, a->x, n, false, NULL);
        return a->x;
    }
    p->ops->hold(p->b, p->s.normed, n, true, NULL);
    part_norm(p, p->s.normed, a->mean1, a->rstd1, a->x, T_ATTN_NORM_W, layer, t);
    return p->s.normed;
}

const float *part_mlp_input(const struct parts *p, int layer, const struct layer_acts *a, int t)
{
    p->ops->hold(p->b, p->s.normed, (size_t)t * p->w.c, !p->w.post_norm, NULL); // where it is also the residual
    if (p->w.post_norm)
        part_norm(p, p->s.normed, a->mean1, a->rstd1, a->mid, T_ATTN_NORM_W, layer, t);
    else
        part_norm(p, p->s.normed, a->mean2, a->rstd2, a->mid, T_MLP_NORM_W, layer, t);
    return p->s.normed;
}

void part_activate(const struct parts *p, const struct layer_acts *a, int t)
{
    size_t n = (size_t)t * p->w.ff;
    p->ops->hold(p->b, p->s.act, n, true, NULL);
    if (a->gate)
        p->ops->gated(p->b, p->s.act, a->gate, a->up, n, p->m->arch.act);
    else
        p->ops->act(p->b, p->s.act, a->up, n, p->m->arch.act);
}

void part_rotate(const struct parts *p, int layer, float *x, const int32_t *positions, int t, int n_heads, bool inverse)
{
    const struct model *m = p->m;
    const enum attn_kind kind = arch_attn_kind(&m->arch, layer);
    if (m->rope_tables)
        p->ops->rope(p->b, x, m->rope_cos[kind], m->rope_sin[kind], positions, t, n_heads, m->arch.head_dim, inverse);
}

// What attention reads. Where the layer keeps it, nobody reads what it was before it was rounded.
static void hold_for_attention(const struct parts *p, const struct layer_acts *a, const float *x, int t, size_t width)
{
    p->ops->hold(p->b, x, (size_t)t * width, a->kept, part_place(p, a, x));
}

bool part_is_adapted(const struct parts *p, enum tensor_kind kind, int layer)
{
    return p->m->adapter_on && model_lora(p->m, kind, layer);
}

// Those of products with an adapter, which adds to them, or without. Rotated ones are written later.
static void hold_results(const struct parts *p, int layer, const struct layer_acts *a, int t, bool adapted)
{
    if (part_is_adapted(p, T_V_W, layer) == adapted)
        hold_for_attention(p, a, a->v, t, p->w.kv);
    if (!p->m->rope_tables && part_is_adapted(p, T_Q_W, layer) == adapted)
        hold_for_attention(p, a, a->q, t, p->w.attn);
    if (!p->m->rope_tables && part_is_adapted(p, T_K_W, layer) == adapted)
        hold_for_attention(p, a, a->k, t, p->w.kv);
}

void part_qkv(const struct parts *p, int layer, const struct layer_acts *a, const int32_t *positions, int t)
{
    const struct arch *arch = &p->m->arch;
    const float *in = part_attn_input(p, layer, a, t);
    hold_results(p, layer, a, t, false);
    part_linear(p, a->raw_q ? a->raw_q : a->q, in, T_Q_W, layer, t, 0);
    part_linear(p, a->raw_k ? a->raw_k : a->k, in, T_K_W, layer, t, 0);
    part_linear(p, a->v, in, T_V_W, layer, t, 0);
    part_release_input(p, a, in);
    hold_results(p, layer, a, t, true);
    if (a->raw_q) { // each head is a row of its own
        p->ops->rmsnorm(p->b, a->q, a->rstd_q, a->raw_q, model_weight(p->m, T_Q_NORM_W, layer), arch->norm_eps,
                        t * arch->n_heads, arch->head_dim);
        p->ops->rmsnorm(p->b, a->k, a->rstd_k, a->raw_k, model_weight(p->m, T_K_NORM_W, layer), arch->norm_eps,
                        t * arch->n_kv_heads, arch->head_dim);
    }
    if (p->m->rope_tables) {
        hold_for_attention(p, a, a->q, t, p->w.attn);
        hold_for_attention(p, a, a->k, t, p->w.kv);
    }
    part_rotate(p, layer, a->q, positions, t, arch->n_heads, false);
    part_rotate(p, layer, a->k, positions, t, arch->n_kv_heads, false);
    // What is kept of them for the backward is what the forward goes on with: its softmax is then the same.
    const enum dtype type = part_type(p);
    if (type != DTYPE_F32) {
        p->ops->round_to(p->b, a->q, type, (size_t)t * p->w.attn);
        p->ops->round_to(p->b, a->k, type, (size_t)t * p->w.kv);
        p->ops->round_to(p->b, a->v, type, (size_t)t * p->w.kv);
    }
}

void part_hold_attention(const struct parts *p, const struct layer_acts *a, int t, bool products_only)
{
    p->ops->hold(p->b, a->att, (size_t)t * p->w.attn, products_only || a->kept, part_place(p, a, a->att));
}

// The attention's inputs and result, where the layer does not keep them.
static void release_attention(const struct parts *p, const struct layer_acts *a)
{
    const float *const held[] = {a->q, a->k, a->v, a->att};
    for (size_t i = 0; !a->kept && i < sizeof held / sizeof *held; i++)
        p->ops->release(p->b, held[i]);
}

void part_mid(const struct parts *p, int layer, const struct layer_acts *a, int t)
{
    const size_t n = (size_t)t * p->w.c;
    if (p->w.post_norms) {
        part_linear(p, a->attn_out, a->att, T_O_W, layer, t, 0);
        part_norm(p, p->s.normed, NULL, a->rstd3, a->attn_out, T_ATTN_POST_NORM_W, layer, t);
        p->ops->add(p->b, a->mid, a->x, p->s.normed, n);
    } else {
        p->ops->copy(p->b, a->mid, a->x, n * sizeof(float));
        part_linear(p, a->mid, a->att, T_O_W, layer, t, 1);
    }
    release_attention(p, a);
    const float *in = part_mlp_input(p, layer, a, t);
    if (a->gate)
        part_linear(p, a->gate, in, T_GATE_W, layer, t, 0);
    part_linear(p, a->up, in, T_UP_W, layer, t, 0);
    p->ops->release(p->b, in);
}

void part_out(const struct parts *p, int layer, const struct layer_acts *a, float *out, int t)
{
    if (p->w.post_norms) {
        part_activate(p, a, t);
        part_linear(p, a->mlp_out, p->s.act, T_DOWN_W, layer, t, 0);
        p->ops->release(p->b, p->s.act);
        part_norm(p, p->s.normed, NULL, a->rstd4, a->mlp_out, T_MLP_POST_NORM_W, layer, t);
        p->ops->add(p->b, out, a->mid, p->s.normed, (size_t)t * p->w.c);
        return;
    }
    // In post-norm s.normed still is the MLP's input, to which its output is added.
    float *sum = p->w.post_norm ? a->sum : out;
    p->ops->copy(p->b, sum, p->w.post_norm ? p->s.normed : a->mid, (size_t)t * p->w.c * sizeof(float));
    part_activate(p, a, t);
    part_linear(p, sum, p->s.act, T_DOWN_W, layer, t, 1);
    p->ops->release(p->b, p->s.act);
    if (p->w.post_norm)
        part_norm(p, out, a->mean2, a->rstd2, sum, T_MLP_NORM_W, layer, t);
}

void carve_final(struct carve *c, struct final_acts *f, const struct parts *p, size_t n)
{
    *f = (struct final_acts){0};
    f->x = f->normed = carve_floats(c, n, p->w.c);
    if (p->m->arch.final_norm) {
        if (p->w.means)
            f->mean = carve_floats(c, n, 1);
        f->rstd = carve_floats(c, n, 1);
        f->normed = carve_floats(c, n, p->w.c);
    }
    f->out = p->w.projected ? carve_floats(c, n, p->w.embed) : f->normed;
}

void part_final(const struct parts *p, const struct final_acts *f, const float *x, const int32_t *rows, int n)
{
    p->ops->gather_rows(p->b, f->x, x, rows, n, p->m->arch.d_model);
    if (p->m->arch.final_norm)
        part_norm(p, f->normed, f->mean, f->rstd, f->x, T_FINAL_NORM_W, -1, n);
    if (p->w.projected)
        part_linear(p, f->out, f->normed, T_PROJECT_OUT, -1, n, 0);
}

struct stored part_head_weight(const struct parts *p)
{
    return weight_of(p, model_tensor(p->m, p->m->arch.tied ? T_TOKEN_EMBED : T_HEAD_W, -1));
}
