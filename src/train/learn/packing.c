#include "config.h"

#include "train/learn/packing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/tape.h"
#include "train/objective/objective.h"

int group_tokens(const struct dataset *d, int group, bool with_last)
{
    const struct ds_group *g = &d->groups[group];
    int n = g->n_prompt;
    for (int i = 0; i < g->n_seqs; i++)
        n += d->seqs[g->first_seq + i].n_context + d->seqs[g->first_seq + i].n - !with_last;
    return n;
}

static int group_targets(const struct dataset *d, int group, bool without_mismatched)
{
    const struct ds_group *g = &d->groups[group];
    int n = 0;
    for (int i = 0; i < g->n_seqs; i++)
        if (!without_mismatched || !d->seqs[g->first_seq + i].mismatched)
            n += d->seqs[g->first_seq + i].n;
    return n;
}

int packed_init(struct packed *p, const struct dataset *d, int max_tokens, unsigned networks, struct err *e)
{
    const bool with_last = networks & NETWORK_SCORE;
    int widest = 1, most_seqs = 1, most_targets = 1, fewest = max_tokens;
    *p = (struct packed){0};
    for (int i = 0; i < d->n_groups; i++) {
        int tokens = group_tokens(d, i, with_last), targets = group_targets(d, i, false);
        widest = tokens > widest ? tokens : widest;
        fewest = tokens < fewest ? tokens : fewest;
        most_seqs = d->groups[i].n_seqs > most_seqs ? d->groups[i].n_seqs : most_seqs;
        most_targets = targets > most_targets ? targets : most_targets;
    }
    int most_groups = max_tokens / (fewest > 0 ? fewest : 1) + 1;
    p->max_tokens = max_tokens > widest ? max_tokens : widest;
    p->max_seqs = most_groups * most_seqs;
    p->max_segments = p->max_seqs + most_groups;
    // Every response has at most one target more than it has rows.
    p->max_targets = p->max_tokens + p->max_seqs;
    if (p->max_targets < most_targets)
        p->max_targets = most_targets;
    size_t tokens = (size_t)p->max_tokens, targets = (size_t)p->max_targets, seqs = (size_t)p->max_seqs;
    struct {
        void **to;
        size_t n, size;
    } rows[] = {{(void **)&p->tokens, tokens, sizeof *p->tokens},
                {(void **)&p->positions, tokens, sizeof *p->positions},
                {(void **)&p->target_rows, targets, sizeof *p->target_rows},
                {(void **)&p->target_ids, targets, sizeof *p->target_ids},
                {(void **)&p->segments, (size_t)p->max_segments, sizeof *p->segments},
                {(void **)&p->spans, seqs, sizeof *p->spans},
                {(void **)&p->sets, targets, sizeof *p->sets},
                {(void **)&p->set_logprobs, targets, sizeof *p->set_logprobs},
                {(void **)&p->set_coef, targets, sizeof *p->set_coef},
                {(void **)&p->logprobs, targets, sizeof *p->logprobs},
                {(void **)&p->entropy, targets, sizeof *p->entropy},
                {(void **)&p->is_top, targets, sizeof *p->is_top},
                {(void **)&p->sum_squares, targets, sizeof *p->sum_squares},
                {(void **)&p->gaps, targets, sizeof *p->gaps},
                {(void **)&p->kl, targets, sizeof *p->kl},
                {(void **)&p->draws, targets, sizeof *p->draws},
                {(void **)&p->coef, targets, sizeof *p->coef},
                {(void **)&p->gap_coef, targets, sizeof *p->gap_coef},
                {(void **)&p->kl_coef, targets, sizeof *p->kl_coef},
                {(void **)&p->weights, targets, sizeof *p->weights},
                {(void **)&p->taken_rows, tokens, sizeof *p->taken_rows},
                {(void **)&p->taken_logits, targets, sizeof *p->taken_logits},
                {(void **)&p->score_rows, targets, sizeof *p->score_rows},
                {(void **)&p->scores, targets, sizeof *p->scores},
                {(void **)&p->score_coef, targets, sizeof *p->score_coef},
                {(void **)&p->places, seqs, sizeof *p->places}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(*rows[i].to = mem_try_alloc(rows[i].n, rows[i].size, "a packed batch", e))) {
            packed_fini(p);
            return ERR_LIMIT;
        }
    return 0;
}

void packed_fini(struct packed *p)
{
    free(p->tokens);
    free(p->positions);
    free(p->target_rows);
    free(p->target_ids);
    free(p->segments);
    free(p->spans);
    free(p->sets);
    free(p->set_logprobs);
    free(p->set_coef);
    free(p->logprobs);
    free(p->entropy);
    free(p->is_top);
    free(p->sum_squares);
    free(p->gaps);
    free(p->kl);
    free(p->draws);
    free(p->coef);
    free(p->gap_coef);
    free(p->kl_coef);
    free(p->weights);
    free(p->taken_rows);
    free(p->taken_logits);
    free(p->score_rows);
    free(p->scores);
    free(p->score_coef);
    free(p->places);
    free(p->token_numbers);
    free(p->token_slopes);
    *p = (struct packed){0};
}

void packed_start_tokens(struct packed *p, const struct dataset *d, const int *groups, int n)
{
    size_t all = 0;
    for (int i = 0; i < n; i++)
        all += (size_t)group_targets(d, groups[i], false);
    if (all > p->cap_token_numbers) {
        p->cap_token_numbers = all + all / 2;
        p->token_numbers = mem_realloc(p->token_numbers, 2 * p->cap_token_numbers, sizeof *p->token_numbers);
        p->token_slopes = mem_realloc(p->token_slopes, p->cap_token_numbers, sizeof *p->token_slopes);
    }
    p->n_token_numbers = 0;
}

void packed_take_tokens(struct packed *p, int n, float **numbers, double **slopes)
{
    BUG_IF(p->n_token_numbers + (size_t)n > p->cap_token_numbers);
    *numbers = p->token_numbers + 2 * p->n_token_numbers;
    *slopes = p->token_slopes + p->n_token_numbers;
    p->n_token_numbers += (size_t)n;
}

// Tokens first .. first + n of the data.
static void pack_rows(struct packed *p, const struct dataset *d, size_t first, int n, int first_position)
{
    struct seq_batch *b = &p->batch;
    for (int i = 0; i < n; i++) {
        p->taken_rows[b->n_tokens] = d->taped.tape ? d->taped.rows[first + (size_t)i] : -1;
        p->tokens[b->n_tokens] = d->tokens[first + (size_t)i];
        p->positions[b->n_tokens++] = first_position + i;
    }
}

// place: of the group's first response.
static void pack_group(struct packed *p, const struct dataset *d, int group, bool with_last, int place)
{
    struct seq_batch *b = &p->batch;
    const struct ds_group *g = &d->groups[group];
    const int prompt = b->n_tokens;
    p->segments[b->n_segments++] = (struct attn_segment){prompt, g->n_prompt, 0, 0};
    pack_rows(p, d, g->prompt, g->n_prompt, 0);
    for (int k = 0; k < g->n_seqs; k++) {
        const struct ds_seq *s = &d->seqs[g->first_seq + k];
        if (p->without_mismatched && s->mismatched)
            continue;
        const int rows = s->n_context + s->n - !with_last, start = b->n_tokens, first = start + s->n_context;
        if (rows > 0)
            p->segments[b->n_segments++] = (struct attn_segment){start, rows, prompt, g->n_prompt};
        pack_rows(p, d, s->first - (size_t)s->n_context, rows, g->n_prompt);
        p->places[b->n_seqs] = place + k;
        p->spans[b->n_seqs++] = (struct seq_span){b->n_targets, s->n, start + rows - 1};
        for (int i = 0; i < s->n; i++) {
            p->target_rows[b->n_targets] = i + s->n_context == 0 ? prompt + g->n_prompt - 1 : first + i - 1;
            p->score_rows[b->n_targets] = first + i;
            struct token_set *set = &p->sets[b->n_targets];
            *set = (struct token_set){0};
            set->n = (int)dataset_set(d, s->first + (size_t)i, &set->ids);
            p->taken_logits[b->n_targets] = d->taped.tape ? d->taped.logits[s->first + (size_t)i] : -1;
            p->target_ids[b->n_targets++] = d->tokens[s->first + (size_t)i];
        }
    }
}

static bool has_room(const struct packed *p, const struct dataset *d, int group, int max_tokens, bool with_last)
{
    const int targets = p->batch.n_targets;
    if (p->batch.n_tokens + group_tokens(d, group, with_last) > max_tokens)
        return false;
    return !p->most_targets || targets > p->most_targets ||
           targets + group_targets(d, group, p->without_mismatched) <= p->most_targets;
}

int pack_groups(struct packed *p, const struct dataset *d, const int *groups, int n, int max_tokens, unsigned networks)
{
    const bool with_last = networks & NETWORK_SCORE;
    p->batch = (struct seq_batch){.tokens = p->tokens, .positions = p->positions, .segments = p->segments,
                                  .target_rows = p->target_rows, .target_ids = p->target_ids, .seqs = p->spans,
                                  .sets = d->set_starts ? p->sets : NULL};
    int taken = 0, place = 0;
    for (; taken < n; place += d->groups[groups[taken++]].n_seqs) {
        if (taken && !has_room(p, d, groups[taken], max_tokens, with_last))
            break;
        pack_group(p, d, groups[taken], with_last, place);
    }
    if (networks & NETWORK_TOKEN_SCORE) {
        p->batch.score_rows = p->score_rows;
        p->batch.n_scores = p->batch.n_targets;
    }
    return taken;
}

bool packed_is_taped(const struct packed *p, const struct dataset *d, struct taken *out)
{
    const struct tape *tape = d->taped.tape;
    if (!tape_is_good(tape, d->taped.number))
        return false;
    for (int i = 0; i < p->batch.n_tokens; i++)
        if (p->taken_rows[i] < 0)
            return false;
    for (int i = 0; tape->logits && i < p->batch.n_targets; i++)
        if (p->taken_logits[i] < 0)
            return false;
    *out = (struct taken){tape, p->taken_rows, p->taken_logits};
    return true;
}
