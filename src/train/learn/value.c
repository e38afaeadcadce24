#include "config.h"

#include "train/learn/value.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void reserve(struct value_net *v, size_t n_tokens, size_t n_prompts)
{
    if (n_tokens > v->cap_tokens) {
        v->cap_tokens = n_tokens + n_tokens / 2;
        v->tokens = mem_realloc(v->tokens, v->cap_tokens, sizeof *v->tokens);
        v->positions = mem_realloc(v->positions, v->cap_tokens, sizeof *v->positions);
    }
    if (n_prompts > v->cap_prompts) {
        v->cap_prompts = n_prompts + n_prompts / 2;
        v->segments = mem_realloc(v->segments, v->cap_prompts, sizeof *v->segments);
        v->spans = mem_realloc(v->spans, v->cap_prompts, sizeof *v->spans);
        v->scores = mem_realloc(v->scores, v->cap_prompts, sizeof *v->scores);
        v->coef = mem_realloc(v->coef, v->cap_prompts, sizeof *v->coef);
    }
}

int value_new(struct value_net **out, struct model *m, const struct value_options *o, struct err *e)
{
    struct value_net *v = mem_alloc(1, sizeof *v);
    v->model = m;
    v->of_tokens = o->tokens;
    reserve(v, (size_t)o->max_batch_tokens, 64);
    int code = decoder_new(&v->decoder, m, o->recompute, e);
    if (!code && v->of_tokens)
        code = packed_init(&v->packed, o->data, o->max_batch_tokens, 0, e);
    if (!code)
        code = optimizer_init(&v->optimizer, m, e);
    if (code) {
        value_free(v);
        return code;
    }
    *out = v;
    return 0;
}

void value_free(struct value_net *v)
{
    if (!v)
        return;
    if (v->optimizer.model)
        optimizer_fini(&v->optimizer);
    decoder_free(v->decoder);
    packed_fini(&v->packed);
    model_free(v->model);
    free(v->tokens);
    free(v->positions);
    free(v->segments);
    free(v->spans);
    free(v->scores);
    free(v->coef);
    free(v);
}

// As many of the groups' prompts as fit, at least one; returns how many.
static int pack_prompts(struct value_net *v, const struct dataset *data, const int *groups, int n, int max_tokens)
{
    struct seq_batch *b = &v->batch;
    int taken = 0, n_tokens = 0;
    for (; taken < n && (taken == 0 || n_tokens + data->groups[groups[taken]].n_prompt <= max_tokens); taken++)
        n_tokens += data->groups[groups[taken]].n_prompt;
    reserve(v, (size_t)n_tokens, (size_t)taken);
    *b = (struct seq_batch){.tokens = v->tokens, .positions = v->positions, .segments = v->segments, .seqs = v->spans};
    for (int i = 0; i < taken; i++) {
        const struct ds_group *g = &data->groups[groups[i]];
        v->segments[b->n_segments++] = (struct attn_segment){b->n_tokens, g->n_prompt, 0, 0};
        memcpy(v->tokens + b->n_tokens, data->tokens + g->prompt, (size_t)g->n_prompt * sizeof *v->tokens);
        for (int k = 0; k < g->n_prompt; k++)
            v->positions[b->n_tokens + k] = k;
        b->n_tokens += g->n_prompt;
        v->spans[b->n_seqs++] = (struct seq_span){.last_row = b->n_tokens - 1};
    }
    return taken;
}

// What the state is worth in which each token is said: the score of the row that predicts it.
static int read_tokens(struct value_net *v, const struct dataset *data, const int *groups, int n, int max_batch_tokens,
                       bool keep, struct seq *seqs, struct err *e)
{
    struct packed *p = &v->packed;
    packed_start_tokens(p, data, groups, n);
    for (int at = 0; at < n;) {
        const int taken = pack_groups(p, data, groups + at, n - at, max_batch_tokens, 0);
        BUG_IF(keep && taken < n); // the policy's micro-batch is no smaller
        p->batch.score_rows = p->target_rows;
        p->batch.n_scores = p->batch.n_targets;
        int code = decoder_forward(v->decoder, &p->batch, keep, e);
        if (!code)
            code = decoder_scores(v->decoder, &p->batch, p->scores, e);
        if (code)
            return code;
        for (int k = 0; k < p->batch.n_seqs; k++) {
            struct token_numbers *t = &seqs[p->places[k]].tokens;
            float *value;
            packed_take_tokens(p, p->spans[k].n_targets, &value, &t->d_value);
            memcpy(value, p->scores + p->spans[k].first_target, (size_t)p->spans[k].n_targets * sizeof *value);
            t->value = value;
        }
        for (int g = at; g < at + taken; g++)
            seqs += data->groups[groups[g]].n_seqs;
        at += taken;
    }
    return 0;
}

int value_read(struct value_net *v, const struct dataset *data, const int *groups, int n, int max_batch_tokens,
               bool keep, struct seq *seqs, struct err *e)
{
    if (v->of_tokens)
        return read_tokens(v, data, groups, n, max_batch_tokens, keep, seqs, e);
    for (int at = 0; at < n;) {
        const int taken = pack_prompts(v, data, groups + at, n - at, keep ? INT_MAX : max_batch_tokens);
        int code = decoder_forward(v->decoder, &v->batch, keep, e);
        if (!code)
            code = decoder_scores(v->decoder, &v->batch, v->scores, e);
        if (code)
            return code;
        for (int g = 0; g < taken; g++)
            for (int i = 0; i < data->groups[groups[at + g]].n_seqs; i++)
                (seqs++)->value = v->scores[g];
        at += taken;
    }
    return 0;
}

int value_send(struct value_net *v, const struct dataset *data, const int *groups, int n, const struct seq *seqs,
               double share, struct err *e)
{
    struct packed *p = &v->packed;
    for (int k = 0; v->of_tokens && k < p->batch.n_seqs; k++) {
        const double *slopes = seqs[p->places[k]].tokens.d_value;
        for (int i = 0; i < p->spans[k].n_targets; i++)
            p->score_coef[p->spans[k].first_target + i] = (float)(slopes[i] * share);
    }
    if (v->of_tokens)
        return decoder_send(v->decoder, &p->batch, &(struct decoder_slopes){.score = p->score_coef}, e);
    for (int g = 0; g < n; g++) {
        double sum = 0;
        for (int i = 0; i < data->groups[groups[g]].n_seqs; i++)
            sum += (seqs++)->d_value;
        v->coef[g] = (float)(sum * share);
    }
    return decoder_send(v->decoder, &v->batch, &(struct decoder_slopes){.score = v->coef}, e);
}
