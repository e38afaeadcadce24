// Packed batches for tests of the decoder: groups of a prompt and its responses, the prompt shared (once in the
// batch) or not (each response as a text of its own).
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/decoder.h"

enum { PACK_MAX_RESPONSES = 16 };

struct pack_group {
    const int32_t *prompt;
    int n_prompt;
    const int32_t *responses[PACK_MAX_RESPONSES];
    int n_response[PACK_MAX_RESPONSES];
    int n_responses;
};

struct pack {
    struct seq_batch batch;
    int32_t *tokens, *positions, *target_rows, *target_ids;
    struct attn_segment *segments;
    struct seq_span *seqs;
};

static inline void pack_add_rows(struct pack *p, const int32_t *ids, int n, int position)
{
    for (int i = 0; i < n; i++) {
        p->tokens[p->batch.n_tokens] = ids[i];
        p->positions[p->batch.n_tokens++] = position + i;
    }
}

// The last token of a response predicts nothing that is wanted, but stands in the batch for the score.
static inline void pack_init(struct pack *p, const struct pack_group *groups, int n_groups, bool shared)
{
    int n_tokens = 0, n_targets = 0, n_seqs = 0;
    for (int g = 0; g < n_groups; g++)
        for (int r = 0; r < groups[g].n_responses; r++) {
            n_tokens += groups[g].n_prompt + groups[g].n_response[r];
            n_targets += groups[g].n_response[r];
            n_seqs++;
        }
    *p = (struct pack){0};
    p->tokens = mem_alloc((size_t)n_tokens, sizeof(int32_t));
    p->positions = mem_alloc((size_t)n_tokens, sizeof(int32_t));
    p->target_rows = mem_alloc((size_t)n_targets + 1, sizeof(int32_t));
    p->target_ids = mem_alloc((size_t)n_targets + 1, sizeof(int32_t));
    p->segments = mem_alloc((size_t)(2 * n_seqs + n_groups), sizeof *p->segments);
    p->seqs = mem_alloc((size_t)n_seqs + 1, sizeof *p->seqs);
    struct seq_batch *b = &p->batch;
    for (int g = 0; g < n_groups; g++) {
        const struct pack_group *group = &groups[g];
        int prompt_start = b->n_tokens;
        if (shared) {
            p->segments[b->n_segments++] = (struct attn_segment){b->n_tokens, group->n_prompt, 0, 0};
            pack_add_rows(p, group->prompt, group->n_prompt, 0);
        }
        for (int r = 0; r < group->n_responses; r++) {
            int n = group->n_response[r], start = b->n_tokens;
            if (!shared) {
                prompt_start = start;
                pack_add_rows(p, group->prompt, group->n_prompt, 0);
            }
            int first = b->n_tokens;
            pack_add_rows(p, group->responses[r], n, group->n_prompt);
            p->segments[b->n_segments++] =
                shared ? (struct attn_segment){first, n, prompt_start, group->n_prompt}
                       : (struct attn_segment){start, group->n_prompt + n, 0, 0};
            p->seqs[b->n_seqs++] = (struct seq_span){b->n_targets, n, b->n_tokens - 1};
            for (int i = 0; i < n; i++) {
                p->target_rows[b->n_targets] = i == 0 ? prompt_start + group->n_prompt - 1 : first + i - 1;
                p->target_ids[b->n_targets++] = group->responses[r][i];
            }
        }
    }
    b->tokens = p->tokens;
    b->positions = p->positions;
    b->segments = p->segments;
    b->target_rows = p->target_rows;
    b->target_ids = p->target_ids;
    b->seqs = p->seqs;
}

static inline void pack_fini(struct pack *p)
{
    free(p->tokens);
    free(p->positions);
    free(p->target_rows);
    free(p->target_ids);
    free(p->segments);
    free(p->seqs);
}
