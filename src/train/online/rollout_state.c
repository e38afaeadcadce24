// Batches in a checkpoint, one a file: what is not used up yet, and what was said ahead.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/safetensors.h"
#include "train/online/rollout_parts.h"

enum { GROUP_WORDS = 6, SEQ_WORDS = 4 }; // prompt, n_prompt, first_seq, n_seqs, example, n_dropped; first, n, response,
                                         // ended
static const char *const column_names[N_TOKEN_COLUMNS] = {
    [TOKEN_OLD_LOGP] = "old_logp",     [TOKEN_REFERENCE] = "reference", [TOKEN_REWARD] = "reward",
    [TOKEN_OLD_VALUE] = "old_value", [TOKEN_ADVANTAGE] = "advantage", [TOKEN_RETURN] = "return",
    [TOKEN_FULL_LOGP] = "full_logp", [TOKEN_FULL_REFERENCE] = "full_reference", [TOKEN_SAMPLER_LOGP] = "sampler_logp"};

static void group_words(const struct ds_group *g, int64_t w[GROUP_WORDS])
{
    const int64_t words[GROUP_WORDS] = {(int64_t)g->prompt, g->n_prompt, g->first_seq, g->n_seqs, g->example, g->n_dropped};
    memcpy(w, words, sizeof words);
}

int rollout_write(const struct rollout_batch *b, const char *dir, const char *name, struct err *e)
{
    const struct dataset *d = &b->data;
    struct st_spec specs[6 + N_TOKEN_COLUMNS] = {
        {.name = "tokens", .dtype = ST_I32, .n_dims = 1, .dims = {(int64_t)d->n_tokens}},
        {.name = "groups", .dtype = ST_I64, .n_dims = 2, .dims = {d->n_groups, GROUP_WORDS}},
        {.name = "answers", .dtype = ST_I64, .n_dims = 2, .dims = {d->n_seqs, SEQ_WORDS}},
        {.name = "numbers", .dtype = ST_F64, .n_dims = 2, .dims = {3, d->n_seqs}}, // label, score, ref
    };
    int n_specs = 4;
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        specs[n_specs++] =
            (struct st_spec){.name = column_names[c], .dtype = ST_F32, .n_dims = 1, .dims = {(int64_t)d->n_tokens}};
    const size_t n_set_ids = d->n_set_tokens ? d->set_starts[d->n_set_tokens] : 0;
    if (n_set_ids) {
        specs[n_specs++] =
            (struct st_spec){.name = "set_sizes", .dtype = ST_I64, .n_dims = 1, .dims = {(int64_t)d->n_set_tokens}};
        specs[n_specs++] = (struct st_spec){.name = "set_ids", .dtype = ST_I32, .n_dims = 1, .dims = {(int64_t)n_set_ids}};
    }
    struct st_writer *w;
    char *path = path_join(dir, name);
    int code = st_writer_open(&w, path, specs, (size_t)n_specs, NULL, e);
    free(path);
    if (code)
        return code;
    code = st_writer_add(w, d->tokens, d->n_tokens * sizeof *d->tokens, e);
    for (int g = 0; g < d->n_groups && !code; g++) {
        int64_t words[GROUP_WORDS];
        group_words(&d->groups[g], words);
        code = st_writer_add(w, words, sizeof words, e);
    }
    for (int i = 0; i < d->n_seqs && !code; i++) {
        const int64_t words[SEQ_WORDS] = {(int64_t)d->seqs[i].first, d->seqs[i].n, d->seqs[i].response, b->ended[i]};
        code = st_writer_add(w, words, sizeof words, e);
    }
    for (int k = 0; k < 3 && !code; k++)
        for (int i = 0; i < d->n_seqs && !code; i++) {
            const double numbers[3] = {d->seqs[i].label, b->scores[i], d->refs ? d->refs[i] : 0};
            code = st_writer_add(w, &numbers[k], sizeof numbers[k], e);
        }
    for (int c = 0; c < N_TOKEN_COLUMNS && !code; c++)
        code = st_writer_add(w, d->token_columns[c], d->n_tokens * sizeof *d->token_columns[c], e);
    for (size_t i = 0; i < d->n_set_tokens && n_set_ids && !code; i++) {
        const int64_t size = (int64_t)(d->set_starts[i + 1] - d->set_starts[i]);
        code = st_writer_add(w, &size, sizeof size, e);
    }
    if (n_set_ids && !code)
        code = st_writer_add(w, d->set_ids, n_set_ids * sizeof *d->set_ids, e);
    if (code) {
        st_writer_abort(w);
        return code;
    }
    return st_writer_commit(w, e);
}

static const struct st_tensor *part(const struct st_file *f, const char *name, enum st_dtype dtype, size_t n)
{
    const struct st_tensor *t = st_find(f, name);
    return t && t->dtype == dtype && (n == 0 || t->n_elements == n) ? t : NULL;
}

// Nothing of a file is trusted: every place must lie within the tokens, every answer in its group.
static bool is_sound(const struct rollouts *r, const struct dataset *d)
{
    const int vocab = r->trainer->model->arch.vocab_size;
    int at = 0;
    for (size_t i = 0; i < d->n_tokens; i++)
        if (d->tokens[i] < 0 || d->tokens[i] >= vocab)
            return false;
    for (int g = 0; g < d->n_groups; g++) {
        const struct ds_group *x = &d->groups[g];
        if (x->n_prompt < 1 || x->prompt > d->n_tokens || (size_t)x->n_prompt > d->n_tokens - x->prompt ||
            x->first_seq != at || x->n_seqs < 1 || x->n_seqs > r->o.samples || x->n_prompt > r->o.max_length)
            return false;
        at += x->n_seqs;
    }
    for (int i = 0; i < d->n_seqs; i++) {
        const struct ds_seq *s = &d->seqs[i];
        if (s->n < 1 || s->n > r->o.sampling.max_new_tokens || s->first > d->n_tokens ||
            (size_t)s->n > d->n_tokens - s->first)
            return false;
    }
    return at == d->n_seqs && d->n_groups <= r->source.batch_size;
}

// What tokens were drawn from; that a set is sound the decoder sees.
static bool take_sets(const struct st_file *f, struct dataset *d)
{
    const struct st_tensor *sizes = part(f, "set_sizes", ST_I64, 0), *ids = part(f, "set_ids", ST_I32, 0);
    size_t at = 0;
    if (!sizes || !ids)
        return !sizes && !ids;
    if (sizes->n_elements > d->n_tokens)
        return false;
    int32_t *all = mem_alloc(ids->n_elements + 1, sizeof *all);
    memcpy(all, ids->bytes, ids->n_bytes);
    bool sound = true;
    for (size_t i = 0; i < sizes->n_elements && sound; i++) {
        int64_t n;
        memcpy(&n, sizes->bytes + i * sizeof n, sizeof n);
        sound = n >= 0 && (uint64_t)n <= ids->n_elements - at;
        if (sound && n > 0)
            dataset_put_set(d, i, all + at, (size_t)n);
        at += sound ? (size_t)n : 0;
    }
    free(all);
    return sound && at == ids->n_elements;
}

static bool take(const struct rollouts *r, const struct st_file *f, struct rollout_batch *b)
{
    struct dataset *d = &b->data;
    const struct st_tensor *tokens = part(f, "tokens", ST_I32, 0), *groups = part(f, "groups", ST_I64, 0),
                           *answers = part(f, "answers", ST_I64, 0);
    if (!tokens || !groups || !answers || groups->n_elements % GROUP_WORDS || answers->n_elements % SEQ_WORDS ||
        groups->n_elements > INT32_MAX || answers->n_elements > INT32_MAX || groups->n_elements == 0)
        return false;
    const size_t n_answers = answers->n_elements / SEQ_WORDS;
    const struct st_tensor *numbers = part(f, "numbers", ST_F64, 3 * n_answers);
    d->n_tokens = d->cap_tokens = tokens->n_elements;
    d->n_groups = d->cap_groups = (int)(groups->n_elements / GROUP_WORDS);
    d->n_seqs = d->cap_seqs = (int)n_answers;
    if (!numbers || n_answers == 0 || d->n_tokens == 0)
        return false;
    d->tokens = mem_alloc(d->n_tokens, sizeof *d->tokens);
    memcpy(d->tokens, tokens->bytes, tokens->n_bytes);
    d->groups = mem_alloc((size_t)d->n_groups, sizeof *d->groups);
    d->seqs = mem_alloc(n_answers, sizeof *d->seqs);
    d->refs = mem_alloc(n_answers, sizeof *d->refs);
    b->ended = mem_alloc(n_answers, sizeof *b->ended);
    b->scores = mem_alloc(n_answers, sizeof *b->scores);
    for (int g = 0; g < d->n_groups; g++) {
        int64_t w[GROUP_WORDS];
        memcpy(w, groups->bytes + (size_t)g * sizeof w, sizeof w);
        d->groups[g] = (struct ds_group){.prompt = (size_t)w[0], .n_prompt = (int)w[1], .first_seq = (int)w[2],
                                         .n_seqs = (int)w[3], .example = (uint32_t)w[4], .n_dropped = (int)w[5],
                                         .cut = w[5] > 0};
    }
    for (size_t i = 0; i < n_answers; i++) {
        int64_t w[SEQ_WORDS];
        double x[3];
        memcpy(w, answers->bytes + i * sizeof w, sizeof w);
        for (size_t k = 0; k < 3; k++)
            memcpy(&x[k], numbers->bytes + (k * n_answers + i) * sizeof *x, sizeof *x);
        d->seqs[i] = (struct ds_seq){.first = (size_t)w[0], .n = (int)w[1], .response = (int)w[2], .label = x[0]};
        b->ended[i] = w[3] != 0;
        b->scores[i] = x[1];
        d->refs[i] = x[2];
    }
    for (int c = 0; c < N_TOKEN_COLUMNS; c++) {
        const struct st_tensor *t = part(f, column_names[c], ST_F32, d->n_tokens);
        if (!t)
            return false;
        d->token_columns[c] = mem_alloc(d->n_tokens, sizeof *d->token_columns[c]);
        memcpy(d->token_columns[c], t->bytes, t->n_bytes);
    }
    return is_sound(r, d) && take_sets(f, d);
}

int rollout_read(const struct rollouts *r, struct rollout_batch *b, const char *dir, const char *name, struct err *e)
{
    struct st_file *f;
    char *path = path_join(dir, name);
    *b = (struct rollout_batch){0};
    int code = st_open(&f, path, e);
    if (!code) {
        if (!take(r, f, b))
            code = err_set(e, ERR_INPUT, "%s does not hold the answers of a batch: it is damaged, or of another model",
                           path);
        st_close(f);
    }
    free(path);
    if (code)
        rollout_batch_fini(b);
    return code;
}
