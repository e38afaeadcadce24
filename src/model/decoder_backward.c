// The backward pass. `dres` is the gradient of the residual stream, from the last layer's output down to the
// embedding. Gradients of weights are added to what is there; frozen weights cost nothing, and nothing is
// computed below the lowest layer that has something to train.
#include "config.h"

#include "model/decoder_internal.h"

#include "base/err.h"

static bool trains(const struct parts *p, enum tensor_kind kind, int layer)
{
    const struct model *m = p->m;
    return model_grad(m, kind, layer) || (m->adapter_on && m->lora_grads && model_lora(m, kind, layer));
}

// Of y = x w^T + bias + s (x a^T) b^T. dx = beta dx + ..., not computed when NULL; it may be x itself, which is
// used up first.
static void linear_backward(const struct parts *p, float *dx, const float *dy, const float *x, enum tensor_kind kind,
                            int layer, int t, float beta)
{
    const struct model *m = p->m;
    const struct tensor *w = model_tensor(m, kind, layer);
    float *dw = model_grad(m, kind, layer);
    if (dw)
        p->ops->linear_dw(p->b, dw, kind < N_LAYER_TENSORS ? model_grad(m, kind + 1, layer) : NULL, dy, x, t, w->cols,
                          w->rows, 1);
    const struct lora_pair *pair = m->adapter_on ? model_lora(m, kind, layer) : NULL;
    float *low = p->s.low, *low_grad = p->s.low_grad;
    const int rank = pair ? pair->rank : 0;
    const float factor = pair ? pair->factor : 0;
    if (pair && (dx || m->lora_grads)) {
        p->ops->linear_dx(p->b, low_grad, dy, stored_f32(m->lora_weights + pair->b), t, rank, pair->out, factor, 0);
        if (m->lora_grads) {
            p->ops->linear(p->b, low, x, stored_f32(m->lora_weights + pair->a), NULL, t, pair->in, rank, 1, 0);
            p->ops->linear_dw(p->b, m->lora_grads + pair->b, NULL, dy, low, t, rank, pair->out, factor);
            p->ops->linear_dw(p->b, m->lora_grads + pair->a, NULL, low_grad, x, t, pair->in, rank, 1);
        }
    }
    if (!dx)
        return;
    if (dx == x)
        p->ops->release(p->b, x);
    p->ops->linear_dx(p->b, dx, dy, w->as, t, w->cols, w->rows, 1, beta);
    if (pair)
        p->ops->linear_dx(p->b, dx, low_grad, stored_f32(m->lora_weights + pair->a), t, pair->in, rank, 1, 1);
}

static void norm_backward(const struct parts *p, float *dx, const float *dy, const float *x, const float *mean,
                          const float *rstd, enum tensor_kind kind, int layer, int t, bool accumulate)
{
    const struct model *m = p->m;
    const float *w = model_weight(m, kind, layer);
    float *dw = model_grad(m, kind, layer);
    if (m->arch.norm == NORM_RMS)
        p->ops->rmsnorm_backward(p->b, dx, dw, dy, x, w, rstd, t, m->arch.d_model, accumulate);
    else
        p->ops->layernorm_backward(p->b, dx, dw, model_grad(m, kind + 1, layer), dy, x, w, mean, rstd, t,
                                   m->arch.d_model, accumulate);
}

// dx: the gradient of what the norm over heads gives, (rows, head_dim), and then of what it was given.
static void head_norm_backward(const struct parts *p, float *dx, const float *x, const float *rstd, enum tensor_kind kind,
                               int layer, int rows)
{
    p->ops->rmsnorm_backward(p->b, dx, model_grad(p->m, kind, layer), dx, x, model_weight(p->m, kind, layer), rstd, rows,
                             p->m->arch.head_dim, false);
}

// A gradient of t rows that the products of the next linear layer read, before it is written (see hold() of the backend).
static void hold(const struct parts *p, const float *dy, int t, size_t width, bool products_only)
{
    p->ops->hold(p->b, dy, (size_t)t * width, products_only, NULL);
}

// Of a layer whose gradient is held, which nobody reads after its products.
static void held_backward(const struct parts *p, float *dx, const float *dy, const float *x, enum tensor_kind kind,
                          int layer, int t, float beta)
{
    linear_backward(p, dx, dy, x, kind, layer, t, beta);
    p->ops->release(p->b, dy);
}

// The gradients of queries and keys, before what writes them last.
static void hold_qk(const struct decoder *d, int t)
{
    hold(&d->parts, d->dq, t, d->parts.w.attn, true);
    hold(&d->parts, d->dk, t, d->parts.w.kv, true);
}

static void swap_residual(struct decoder *d)
{
    float *swap = d->dres;
    d->dres = d->dnext;
    d->dnext = swap;
}

// dres: gradient of the layer's output in, of `mid` out; held where a product reads it next.
static void mlp_backward(struct decoder *d, int layer, int t)
{
    const struct parts *p = &d->parts;
    const struct layer_acts *a = &d->layers[layer];
    size_t n = (size_t)t * p->w.ff;
    if (p->w.post_norm) {
        hold(p, d->dnext, t, p->w.c, false);
        norm_backward(p, d->dnext, d->dres, a->sum, a->mean2, a->rstd2, T_MLP_NORM_W, layer, t, false);
        swap_residual(d);
    }
    if (trains(p, T_DOWN_W, layer))
        part_activate(p, a, t);
    const float *dout = d->dres;
    if (p->w.post_norms) {
        hold(p, d->dnext, t, p->w.c, true);
        norm_backward(p, d->dnext, d->dres, a->mlp_out, NULL, a->rstd4, T_MLP_POST_NORM_W, layer, t, false);
        dout = d->dnext;
    }
    linear_backward(p, p->s.act, dout, p->s.act, T_DOWN_W, layer, t, 0);
    p->ops->release(p->b, dout);
    hold(p, a->up, t, p->w.ff, true);
    if (a->gate)
        hold(p, a->gate, t, p->w.ff, true);
    if (a->gate)
        p->ops->gated_backward(p->b, a->gate, a->up, p->s.act, a->gate, a->up, n, p->m->arch.act);
    else
        p->ops->act_backward(p->b, a->up, p->s.act, a->up, n, p->m->arch.act);
    const float *in = p->s.normed;
    if (trains(p, T_UP_W, layer) || (a->gate && trains(p, T_GATE_W, layer)))
        in = part_mlp_input(p, layer, a, t);
    // In post-norm the MLP's input is also its residual, whose gradient is in dres already.
    float *din = p->w.post_norm ? d->dres : d->dnext;
    linear_backward(p, din, a->up, in, T_UP_W, layer, t, p->w.post_norm ? 1 : 0);
    if (a->gate)
        linear_backward(p, din, a->gate, in, T_GATE_W, layer, t, 1);
    p->ops->release(p->b, a->up);
    p->ops->release(p->b, a->gate);
    p->ops->release(p->b, in);
    if (!p->w.post_norms) // else the attention's norm reads it
        hold(p, p->w.post_norm ? d->dnext : d->dres, t, p->w.c, false);
    if (p->w.post_norm) {
        norm_backward(p, d->dnext, d->dres, a->mid, a->mean1, a->rstd1, T_ATTN_NORM_W, layer, t, false);
        swap_residual(d);
    } else {
        norm_backward(p, d->dres, d->dnext, a->mid, a->mean2, a->rstd2, T_MLP_NORM_W, layer, t, true);
    }
}

// dres: gradient of `mid` in, of the layer's input out unless nothing below needs it.
static void attention_backward(struct decoder *d, int layer, bool need_dx)
{
    const struct parts *p = &d->parts;
    const struct model *m = p->m;
    const struct layer_acts *a = &d->layers[layer];
    int t = d->n_tokens;
    const float *dout = d->dres;
    if (p->w.post_norms) {
        hold(p, d->dnext, t, p->w.c, true);
        norm_backward(p, d->dnext, d->dres, a->attn_out, NULL, a->rstd3, T_ATTN_POST_NORM_W, layer, t, false);
        dout = d->dnext;
    }
    if (!part_is_adapted(p, T_O_W, layer)) // else the adapter adds to it
        hold(p, d->datt, t, p->w.attn, true);
    linear_backward(p, d->datt, dout, a->att, T_O_W, layer, t, 0);
    p->ops->release(p->b, dout);
    const bool rotated = m->rope_tables, normed = a->raw_q;
    hold(p, d->dv, t, p->w.kv, true);
    if (!rotated && !normed)
        hold_qk(d, t);
    p->ops->attention_backward(p->b, d->dq, d->dk, d->dv, d->datt, a->att, a->lse, a->q, a->k, a->v, d->segments,
                               d->n_segments, d->longest, t, part_shape(p, layer));
    p->ops->release(p->b, d->datt);
    if (rotated && !normed)
        hold_qk(d, t);
    part_rotate(p, layer, d->dq, d->positions, t, m->arch.n_heads, true);
    part_rotate(p, layer, d->dk, d->positions, t, m->arch.n_kv_heads, true);
    if (normed) {
        hold_qk(d, t);
        head_norm_backward(p, d->dq, a->raw_q, a->rstd_q, T_Q_NORM_W, layer, t * m->arch.n_heads);
        head_norm_backward(p, d->dk, a->raw_k, a->rstd_k, T_K_NORM_W, layer, t * m->arch.n_kv_heads);
    }
    const float *in = p->w.post_norm ? a->x : p->s.normed;
    if (trains(p, T_Q_W, layer) || trains(p, T_K_W, layer) || trains(p, T_V_W, layer))
        in = part_attn_input(p, layer, a, t);
    float *din = !need_dx ? NULL : p->w.post_norm ? d->dres : d->dnext;
    held_backward(p, din, d->dq, in, T_Q_W, layer, t, p->w.post_norm ? 1 : 0);
    held_backward(p, din, d->dk, in, T_K_W, layer, t, 1);
    held_backward(p, din, d->dv, in, T_V_W, layer, t, 1);
    part_release_input(p, a, in);
    if (need_dx && !p->w.post_norm && !p->w.post_norms)
        hold(p, d->dres, t, p->w.c, false); // for the layer below
    if (need_dx && !p->w.post_norm)
        norm_backward(p, d->dres, d->dnext, a->x, a->mean1, a->rstd1, T_ATTN_NORM_W, layer, t, true);
}

static bool attention_trains(const struct parts *p, int layer)
{
    return trains(p, T_Q_W, layer) || trains(p, T_K_W, layer) || trains(p, T_V_W, layer) || trains(p, T_O_W, layer);
}

static bool layer_trains(const struct parts *p, int layer)
{
    return attention_trains(p, layer) || trains(p, T_UP_W, layer) || trains(p, T_DOWN_W, layer) ||
           (p->w.gated && trains(p, T_GATE_W, layer));
}

// Gradient of rows that part_final took from the residual stream, added to dres.
static void final_backward(struct decoder *d, const struct final_acts *f, const struct final_acts *g,
                           const int32_t *rows, int n)
{
    const struct parts *p = &d->parts;
    if (p->w.projected)
        linear_backward(p, g->normed, g->out, f->normed, T_PROJECT_OUT, -1, n, 0);
    if (p->m->arch.final_norm)
        norm_backward(p, g->x, g->normed, f->x, f->mean, f->rstd, T_FINAL_NORM_W, -1, n, false);
    p->ops->scatter_add_rows(p->b, d->dres, g->x, rows, n, p->m->arch.d_model);
}

// Coefficient rows: of logprob, gap, kl, set_logprob.
static const float *upload_coef(struct decoder *d, int row, const float *host)
{
    float *device = d->coef + (size_t)row * (size_t)d->n_targets;
    if (!host)
        return NULL;
    decoder_upload(d, device, host, d->given.targets, d->n_targets, 0);
    return device;
}

static struct head_slopes upload_slopes(struct decoder *d, const struct decoder_slopes *slopes)
{
    return (struct head_slopes){.lse = d->lse, .logprob = upload_coef(d, 0, slopes->logprob),
                                .gap = upload_coef(d, 1, slopes->gap), .rivals = d->rivals,
                                .kl = upload_coef(d, 2, slopes->kl), .ref_lse = decoder_head_number(d, HEAD_REF_LSE),
                                .set_logprob = upload_coef(d, 3, slopes->set_logprob),
                                .set_lse = decoder_head_number(d, HEAD_SET_LSE),
                                .kept = d->kept_logits};
}

static void head_backward(struct decoder *d, const struct seq_batch *batch, const struct head_slopes *slopes)
{
    const struct parts *p = &d->parts;
    struct head_in in = decoder_head_in(d, batch);
    in.set_starts = d->set_starts;
    in.set_ids = d->set_ids;
    if (slopes->kl) {
        in.ref_x = d->reference->target.out;
        in.ref_w = part_head_weight(&d->reference->parts);
    }
    p->ops->head_backward(p->b, d->dtarget.out, model_grad(p->m, p->m->arch.tied ? T_TOKEN_EMBED : T_HEAD_W, -1), &in,
                          slopes);
    final_backward(d, &d->target, &d->dtarget, d->target_rows, d->n_targets);
}

static void score_backward(struct decoder *d)
{
    const struct parts *p = &d->parts;
    int n = d->n_scores;
    linear_backward(p, d->dscored.out, d->score_coef, d->scored.out, T_SCORE_W, -1, n, 0);
    final_backward(d, &d->scored, &d->dscored, d->score_rows, n);
}

static void embed_backward(struct decoder *d, int t)
{
    const struct parts *p = &d->parts;
    const struct arch *a = &p->m->arch;
    float *dwte = model_grad(p->m, T_TOKEN_EMBED, -1), *dwpe = model_grad(p->m, T_POSITION_EMBED, -1);
    if (a->embed_scale != 1)
        p->ops->scale(p->b, d->dres, a->embed_scale, (size_t)t * p->w.c);
    if (!p->w.projected) {
        p->ops->embed_backward(p->b, dwte, dwpe, d->dres, d->tokens, d->positions, t, a->d_model);
        return;
    }
    if (dwpe)
        p->ops->embed_backward(p->b, NULL, dwpe, d->dres, d->tokens, d->positions, t, a->d_model);
    p->ops->embed(p->b, d->wide, model_stored(p->m, T_TOKEN_EMBED, -1), (struct stored){0}, d->tokens, d->positions, t,
                  a->d_embed);
    linear_backward(p, d->wide, d->dres, d->wide, T_PROJECT_IN, -1, t, 0);
    p->ops->embed_backward(p->b, dwte, NULL, d->wide, d->tokens, d->positions, t, a->d_embed);
}

// The calls of decoder_send, for what it has uploaded; head: NULL without targets that feel something.
static void run_backward(struct decoder *d, const struct seq_batch *batch, const struct head_slopes *head, bool scores)
{
    const struct parts *p = &d->parts;
    const struct model *m = p->m;
    const int n_layers = m->arch.n_layers, t = d->n_tokens;
    p->ops->zero(p->b, d->dres, (size_t)t * p->w.c * sizeof(float));
    if (head)
        head_backward(d, batch, head);
    if (scores)
        score_backward(d);

    bool embeddings = model_grad(m, T_TOKEN_EMBED, -1) != NULL;
    int lowest = 0;
    while (!embeddings && lowest < n_layers && !layer_trains(p, lowest))
        lowest++;
    if (!p->w.post_norm && !p->w.post_norms)
        hold(p, d->dres, t, p->w.c, false);
    for (int layer = n_layers - 1; layer >= lowest; layer--) {
        if (d->is_packed)
            decoder_unpack(d, layer);
        if (d->recompute)
            decoder_layer(d, layer, p->w.post_norm || p->w.post_norms ? d->dnext : NULL);
        bool need_dx = embeddings || layer > lowest;
        mlp_backward(d, layer, t);
        if (need_dx || attention_trains(p, layer))
            attention_backward(d, layer, need_dx);
        if (d->is_packed)
            decoder_release(d, layer);
    }
    p->ops->release(p->b, d->dres);
    if (embeddings)
        embed_backward(d, t);
}

int decoder_send(struct decoder *d, const struct seq_batch *batch, const struct decoder_slopes *s, struct err *e)
{
    const bool head = (s->logprob || s->gap || s->kl || s->set_logprob) && batch->n_targets;
    const bool scores = s->score && d->n_scores;
    BUG_IF(!d->kept || d->given.tokens != batch->n_tokens || d->given.targets != batch->n_targets ||
           d->given.scores != seq_batch_scores(batch));
    BUG_IF((head && !d->have_logprobs) || (head && s->gap && !d->have_gaps) || (head && s->kl && !d->reference) ||
           (head && s->set_logprob && !d->have_sets) ||
           (s->score && !d->have_scores));
    d->kept = false; // gradients overwrite activations
    struct head_slopes slopes = {0};
    if (head)
        slopes = upload_slopes(d, s);
    if (scores)
        decoder_upload(d, d->score_coef, s->score, d->given.scores, d->n_scores, 0);
    const struct decoder_calls calls = {
        .part = DECODER_BACKWARD, .inv_temperature = decoder_head_in(d, batch).inv_temperature,
        .with = (unsigned)head | (unsigned)scores << 1 | (unsigned)!!s->logprob << 2 | (unsigned)!!s->gap << 3 |
                (unsigned)!!s->kl << 4 | (unsigned)!!s->set_logprob << 5,
        .reference = head && s->kl ? d->reference : NULL};
    if (!decoder_replay(d, &calls)) {
        run_backward(d, batch, head ? &slopes : NULL, scores);
        decoder_recorded(d);
    }
    return 0;
}

int decoder_backward(struct decoder *d, const struct seq_batch *batch, const float *coef, const float *score_coef,
                     struct err *e)
{
    return decoder_send(d, batch, &(struct decoder_slopes){.logprob = coef, .score = score_coef}, e);
}
