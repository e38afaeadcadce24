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

int value_new(struct value_net **out, struct model *m, bool recompute, int max_batch_tokens, struct err *e)
{
    struct value_net *v = mem_alloc(1, sizeof *v);
    v->model = m;
    reserve(v, (size_t)max_batch_tokens, 64);
    int code = decoder_new(&v->decoder, m, recompute, e);
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

int value_read(struct value_net *v, const struct dataset *data, const int *groups, int n, int max_batch_tokens,
               bool keep, struct seq *seqs, struct err *e)
{
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
    for (int g = 0; g < n; g++) {
        double sum = 0;
        for (int i = 0; i < data->groups[groups[g]].n_seqs; i++)
            sum += (seqs++)->d_value;
        v->coef[g] = (float)(sum * share);
    }
    return decoder_send(v->decoder, &v->batch, &(struct decoder_slopes){.score = v->coef}, e);
}
