#include "config.h"

#include "train/run/feedback_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void feedback_pairs_fini(struct feedback_pairs *t)
{
    free(t->list);
    free(t->votes);
    *t = (struct feedback_pairs){0};
}

// The place of the pair, or of the first one after it.
static int place_of(const struct feedback_pairs *t, int64_t id)
{
    int low = 0, high = t->n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (t->list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// One that was offered before a rewind and is offered again has its old number: it may stand before others.
static void insert(struct feedback_pairs *t, int at, const struct feedback_pair *p)
{
    MEM_GROW(t->list, t->n, t->cap);
    memmove(t->list + at + 1, t->list + at, (size_t)(t->n - at) * sizeof *t->list);
    t->list[at] = *p;
    t->n++;
    for (int i = 0; i < t->n_votes; i++)
        t->votes[i].pair += t->votes[i].pair >= at;
}

static int add_refs(struct feedback_pairs *t, struct run_reader *r, const struct pair_ref *refs, int n, bool used,
                    struct err *e)
{
    for (int i = 0; i < n; i++) {
        struct asked_pair whole;
        const int at = place_of(t, refs[i].id);
        if (at < t->n && t->list[at].id == refs[i].id)
            continue;
        int code = run_reader_pair(r, refs[i].id, &whole, e);
        if (code)
            return code;
        struct feedback_pair p = {.id = whole.id, .step = whole.step, .used = used};
        text_copy(p.hash, sizeof p.hash, whole.hash);
        insert(t, at, &p);
        asked_pair_fini(&whole);
    }
    return 0;
}

int feedback_pairs_read(struct feedback_pairs *t, const char *run_dir, struct err *e)
{
    struct run_reader *r;
    struct pair_ref *open = NULL, *taken = NULL;
    int n_open = 0, n_taken = 0;
    int code = run_reader_open(&r, run_dir, e);
    if (code)
        return code;
    code = run_reader_open_pairs(r, &open, &n_open, e);
    if (!code)
        code = run_reader_taken_pairs(r, &taken, &n_taken, e);
    if (!code)
        code = add_refs(t, r, taken, n_taken, true, e);
    if (!code)
        code = add_refs(t, r, open, n_open, false, e);
    free(open);
    free(taken);
    run_reader_close(r);
    return code;
}

// ---- what people say ----

static void count_vote(struct feedback_pairs *t, const struct feedback_vote *v, int sign)
{
    struct feedback_pair *p = &t->list[v->pair];
    p->n_votes += sign;
    p->n_flags += v->verdict == VERDICT_FLAG ? sign : 0;
    p->grades += verdict_is_graded(v->verdict) ? sign * (double)v->verdict : 0;
}

static void forget_vote(struct feedback_pairs *t, int64_t judgement)
{
    for (int i = 0; i < t->n_votes; i++)
        if (t->votes[i].id == judgement) {
            count_vote(t, &t->votes[i], -1);
            t->votes[i] = t->votes[--t->n_votes];
            return;
        }
}

void feedback_pairs_hear(struct feedback_pairs *t, const struct judgement *j)
{
    const int at = place_of(t, j->pair);
    if (j->supersedes)
        forget_vote(t, j->supersedes);
    if (j->verdict == VERDICT_UNDO || j->verdict == VERDICT_SKIP || j->occasion > 0)
        return;
    if (at == t->n || t->list[at].id != j->pair || strcmp(t->list[at].hash, j->hash) != 0)
        return;
    const struct feedback_vote v = {j->id, at, j->verdict};
    MEM_GROW(t->votes, t->n_votes, t->cap_votes);
    t->votes[t->n_votes++] = v;
    count_vote(t, &v, 1);
}

bool feedback_pair_waits(const struct feedback_pair *p)
{
    return !p->used && p->n_votes == 0;
}

bool feedback_pair_teaches(const struct feedback_pair *p)
{
    return p->n_flags == 0 && p->grades != 0;
}

struct feedback_counts feedback_pairs_count(const struct feedback_pairs *t)
{
    struct feedback_counts c = {0};
    for (int i = 0; i < t->n; i++) {
        const struct feedback_pair *p = &t->list[i];
        c.waiting += feedback_pair_waits(p);
        c.fresh += !p->used && feedback_pair_teaches(p);
        c.stored += p->used && feedback_pair_teaches(p);
    }
    return c;
}

// ---- tokens ----

enum { FORMAT = 1, MOST_TOKENS = 1 << 21 };
struct packed_head { // before the tokens of the prompt and of the answers
    int32_t format, example, n_prompt, n_dropped, n[2], ended[2];
    double refs[2];
};

void feedback_pack(const struct rollout_batch *b, int group, struct asked_pair *out)
{
    const struct dataset *d = &b->data;
    const struct ds_group *g = &d->groups[group];
    const struct ds_seq *s = &d->seqs[g->first_seq];
    struct packed_head head = {.format = FORMAT, .example = (int32_t)g->example, .n_prompt = g->n_prompt,
                               .n_dropped = g->n_dropped};
    for (int k = 0; k < 2; k++) {
        head.n[k] = s[k].n;
        head.ended[k] = b->ended[g->first_seq + k];
        head.refs[k] = d->refs ? d->refs[g->first_seq + k] : 0;
    }
    const size_t n_tokens = (size_t)g->n_prompt + (size_t)s[0].n + (size_t)s[1].n;
    out->n_token_bytes = sizeof head + n_tokens * sizeof *d->tokens;
    char *at = out->tokens = mem_alloc(out->n_token_bytes, 1);
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    memcpy(at, d->tokens + g->prompt, (size_t)g->n_prompt * sizeof *d->tokens);
    at += (size_t)g->n_prompt * sizeof *d->tokens;
    for (int k = 0; k < 2; k++) {
        memcpy(at, d->tokens + s[k].first, (size_t)s[k].n * sizeof *d->tokens);
        at += (size_t)s[k].n * sizeof *d->tokens;
    }
}

// Nothing of a file is trusted.
static bool is_sound(const struct packed_head *h, const int32_t *tokens, size_t n, int vocab_size)
{
    const int32_t sizes[] = {h->n_prompt, h->n[0], h->n[1]};
    size_t all = 0;
    for (int i = 0; i < 3; i++) {
        if (sizes[i] < 1 || sizes[i] > MOST_TOKENS)
            return false;
        all += (size_t)sizes[i];
    }
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= vocab_size)
            return false;
    return all == n && h->format == FORMAT && h->example >= 0 && h->n_dropped >= 0;
}

static void add_group(struct rollout_batch *b, const struct packed_head *h, const int32_t *tokens, const double scores[2])
{
    struct dataset *d = &b->data;
    const size_t first = dataset_add_tokens(d, tokens, (size_t)h->n_prompt + (size_t)h->n[0] + (size_t)h->n[1]);
    const size_t n_seqs = (size_t)d->n_seqs + 2, answers = first + (size_t)h->n_prompt;
    d->groups = mem_realloc(d->groups, (size_t)d->n_groups + 1, sizeof *d->groups);
    d->seqs = mem_realloc(d->seqs, n_seqs, sizeof *d->seqs);
    d->refs = mem_realloc(d->refs, n_seqs, sizeof *d->refs);
    b->ended = mem_realloc(b->ended, n_seqs, sizeof *b->ended);
    b->scores = mem_realloc(b->scores, n_seqs, sizeof *b->scores);
    d->groups[d->n_groups++] = (struct ds_group){.prompt = first, .n_prompt = h->n_prompt, .n_dropped = h->n_dropped,
                                                 .cut = h->n_dropped > 0, .first_seq = d->n_seqs, .n_seqs = 2,
                                                 .example = (uint32_t)h->example};
    for (int k = 0; k < 2; k++, d->n_seqs++) {
        d->seqs[d->n_seqs] = (struct ds_seq){.first = answers + (k ? (size_t)h->n[0] : 0), .n = h->n[k], .response = k};
        d->refs[d->n_seqs] = h->refs[k];
        b->ended[d->n_seqs] = h->ended[k] != 0;
        b->scores[d->n_seqs] = scores[k];
    }
}

int feedback_unpack(struct rollout_batch *b, const struct asked_pair *p, const double scores[2], int vocab_size,
                    struct err *e)
{
    struct packed_head head = {0};
    const size_t n = p->n_token_bytes > sizeof head ? (p->n_token_bytes - sizeof head) / sizeof(int32_t) : 0;
    int32_t *tokens = mem_alloc(n + 1, sizeof *tokens);
    if (n) {
        memcpy(&head, p->tokens, sizeof head);
        memcpy(tokens, (const char *)p->tokens + sizeof head, n * sizeof *tokens);
    }
    const bool sound = n && is_sound(&head, tokens, n, vocab_size);
    if (sound)
        add_group(b, &head, tokens, scores);
    free(tokens);
    if (sound)
        return 0;
    return err_set(e, ERR_INPUT, "pair %lld of the run does not hold the tokens of its answers: run.db is damaged, or of "
                                 "another model", (long long)p->id);
}
