// The groups, responses and tokens themselves; dataset_build.c makes them of examples.
#include "config.h"

#include "train/data/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

size_t dataset_add_tokens(struct dataset *d, const int32_t *ids, size_t n)
{
    size_t first = d->n_tokens;
    if (d->n_tokens + n > d->cap_tokens) {
        d->cap_tokens = (d->n_tokens + n) * 2;
        d->tokens = mem_realloc(d->tokens, d->cap_tokens, sizeof *d->tokens);
    }
    if (n)
        memcpy(d->tokens + first, ids, n * sizeof *ids);
    d->n_tokens += n;
    return first;
}

void dataset_put_set(struct dataset *d, size_t token, const int32_t *ids, size_t n)
{
    BUG_IF(token < d->n_set_tokens || token >= d->n_tokens);
    if (token + 2 > d->cap_set_tokens) {
        const bool is_first = !d->set_starts;
        d->cap_set_tokens = (token + 2) * 2;
        d->set_starts = mem_realloc(d->set_starts, d->cap_set_tokens, sizeof *d->set_starts);
        if (is_first)
            d->set_starts[0] = 0;
    }
    const size_t first = d->set_starts[d->n_set_tokens];
    for (; d->n_set_tokens < token; d->n_set_tokens++)
        d->set_starts[d->n_set_tokens + 1] = first;
    if (first + n > d->cap_set_ids) {
        d->cap_set_ids = (first + n) * 2;
        d->set_ids = mem_realloc(d->set_ids, d->cap_set_ids, sizeof *d->set_ids);
    }
    if (n)
        memcpy(d->set_ids + first, ids, n * sizeof *ids);
    d->set_starts[++d->n_set_tokens] = first + n;
}

size_t dataset_set(const struct dataset *d, size_t token, const int32_t **ids)
{
    if (token >= d->n_set_tokens)
        return 0;
    *ids = d->set_ids + d->set_starts[token];
    return d->set_starts[token + 1] - d->set_starts[token];
}

void dataset_share_less(struct dataset *d, struct ds_group *g, int n_prompt)
{
    const size_t tail = g->prompt + (size_t)n_prompt, n_tail = (size_t)(g->n_prompt - n_prompt);
    for (int k = 0; k < g->n_seqs; k++) {
        struct ds_seq *s = &d->seqs[g->first_seq + k];
        const size_t own = s->first - (size_t)s->n_context, n_own = (size_t)(s->n_context + s->n);
        int32_t *all = mem_alloc(n_tail + n_own, sizeof *all);
        memcpy(all, d->tokens + tail, n_tail * sizeof *all);
        memcpy(all + n_tail, d->tokens + own, n_own * sizeof *all);
        s->n_context += (int)n_tail;
        s->first = dataset_add_tokens(d, all, n_tail + n_own) + (size_t)s->n_context;
        free(all);
    }
    g->n_prompt = n_prompt;
}

void dataset_rehash(struct dataset *d)
{
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, d->tokens, d->n_tokens * sizeof *d->tokens);
    for (int i = 0; i < d->n_groups; i++) {
        const struct ds_group *g = &d->groups[i];
        int64_t row[4] = {(int64_t)g->prompt, g->n_prompt, g->first_seq, g->n_seqs};
        sha256_add(&s, row, sizeof row);
    }
    for (int i = 0; i < d->n_seqs; i++) {
        int64_t row[3] = {(int64_t)d->seqs[i].first, d->seqs[i].n, d->seqs[i].n_context};
        sha256_add(&s, row, sizeof row);
        sha256_add(&s, &d->seqs[i].label, sizeof d->seqs[i].label);
    }
    sha256_hex(&s, d->hash);
}

struct moments dataset_label_moments(const struct dataset *d)
{
    struct moments m = {0};
    double squares = 0;
    for (int i = 0; i < d->n_seqs; i++) {
        const double above = d->seqs[i].label - m.mean;
        m.mean += above / (i + 1);
        squares += above * (d->seqs[i].label - m.mean);
    }
    m.spread = squares > 0 ? sqrt(squares / d->n_seqs) : 1;
    return m;
}

void dataset_standardize(struct dataset *d, const struct moments *m)
{
    for (int i = 0; i < d->n_seqs; i++)
        d->seqs[i].label = (d->seqs[i].label - m->mean) / m->spread;
}

void dataset_fini(struct dataset *d)
{
    for (int i = 0; i < d->n_left_out; i++)
        free(d->left_out[i].reason);
    free(d->left_out);
    free(d->prompt_odds);
    for (int k = 0; k < N_TOKEN_COLUMNS; k++)
        free(d->token_columns[k]);
    free(d->set_starts);
    free(d->set_ids);
    free(d->taped.rows);
    free(d->taped.logits);
    free(d->tokens);
    free(d->groups);
    free(d->seqs);
    free(d->refs);
    *d = (struct dataset){0};
}

void dataset_say_left_out(const struct dataset *d, const struct corpus *c)
{
    if (d->n_cut)
        fprintf(stderr, "%d %s shortened: longer than the model or the rules of its run allow\n", d->n_cut,
                text_plural(d->n_cut, "row is", "rows are"));
    if (d->n_left_out)
        fprintf(stderr, "%d %s left out; line %lld: %s\n", d->n_left_out, text_plural(d->n_left_out, "row is", "rows are"),
                (long long)c->examples[d->left_out[0].example].line, d->left_out[0].reason);
}

void dataset_refuse_left_out(const struct dataset *d, struct corpus *c)
{
    for (int i = 0; i < d->n_left_out; i++) {
        const struct example *x = &c->examples[d->left_out[i].example];
        corpus_refuse(c, x->line, x->file, d->left_out[i].reason);
    }
}
