#include "config.h"

#include "train/learn/own_answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "model/generate.h"

// The file: magic, key (64 hex digits), then per group that has its answers the group's number and per answer its
// length and tokens, all int32.
static const char magic[16] = "attune-samples-1";
enum { KEY_BYTES = 64, HEAD_BYTES = 16 + KEY_BYTES };

struct drawn {
    int32_t **tokens; // (n_groups): per answer its length and tokens; NULL where not drawn yet
    size_t *n;        // int32s there
};

static void drawn_fini(struct drawn *a, int n_groups)
{
    for (int i = 0; i < n_groups; i++)
        free(a->tokens[i]);
    free(a->tokens);
    free(a->n);
}

static void file_key(char key[65], const struct dataset *d, const struct own_answers_options *o)
{
    struct sha256 s;
    const uint64_t how[4] = {(uint64_t)o->per_prompt, (uint64_t)o->max_tokens, (uint64_t)o->max_length, o->seed};
    sha256_init(&s);
    sha256_add(&s, o->model_key, strlen(o->model_key));
    sha256_add(&s, d->hash, 64);
    sha256_add(&s, how, sizeof how);
    sha256_hex(&s, key);
}

// How many of the `left` int32s at `at` are one group's answers of at most `longest` tokens; 0 when they are none.
static size_t answers_at(const int32_t *at, size_t left, int per_prompt, int longest, int vocab)
{
    size_t n = 0;
    for (int k = 0; k < per_prompt; k++) {
        if (n >= left || at[n] < 1 || at[n] > longest || (size_t)at[n] >= left - n)
            return 0;
        for (int32_t i = 1; i <= at[n]; i++)
            if (at[n + (size_t)i] < 0 || at[n + (size_t)i] >= vocab)
                return 0;
        n += 1 + (size_t)at[n];
    }
    return n;
}

// A file that does not fit, or its part behind a fault, is only a reason to draw again.
static void read_file(struct drawn *a, const struct dataset *d, int vocab, const struct own_answers_options *o,
                      const char key[65])
{
    const size_t answer = 1 + (size_t)o->max_tokens, group_words = 1 + (size_t)o->per_prompt * answer;
    char *bytes;
    size_t n;
    if (!o->path ||
        file_read(o->path, HEAD_BYTES + (size_t)d->n_groups * group_words * sizeof(int32_t), &bytes, &n, NULL))
        return;
    if (n >= HEAD_BYTES && memcmp(bytes, magic, sizeof magic) == 0 && memcmp(bytes + 16, key, KEY_BYTES) == 0) {
        size_t left = (n - HEAD_BYTES) / sizeof(int32_t);
        int32_t *words = mem_alloc(left + 1, sizeof *words), *at = words;
        memcpy(words, bytes + HEAD_BYTES, left * sizeof *words);
        while (left > 1) {
            const int32_t group = at[0];
            if (group < 0 || group >= d->n_groups || a->tokens[group])
                break;
            const int room = o->max_length - d->groups[group].n_ask;
            const size_t now = answers_at(at + 1, left - 1, o->per_prompt, room < o->max_tokens ? room : o->max_tokens,
                                          vocab);
            if (now == 0)
                break;
            a->tokens[group] = mem_alloc(now, sizeof *words);
            memcpy(a->tokens[group], at + 1, now * sizeof *words);
            a->n[group] = now;
            at += 1 + now;
            left -= 1 + now;
        }
        free(words);
    }
    free(bytes);
}

static int write_file(const struct drawn *a, int n_groups, const char *path, const char key[65], struct err *e)
{
    struct file_out *out;
    int code = file_out_open(&out, path, e);
    if (code)
        return code;
    code = file_out_write(out, magic, sizeof magic, e);
    if (!code)
        code = file_out_write(out, key, KEY_BYTES, e);
    for (int32_t i = 0; i < n_groups && !code; i++) {
        if (!a->tokens[i])
            continue;
        code = file_out_write(out, &i, sizeof i, e);
        if (!code)
            code = file_out_write(out, a->tokens[i], a->n[i] * sizeof **a->tokens, e);
    }
    if (code) {
        file_out_abort(out);
        return code;
    }
    return file_out_commit(out, e);
}

static void keep(struct drawn *a, int group, const struct gen_sample *samples, int n, int room)
{
    size_t all = 0;
    for (int k = 0; k < n; k++)
        all += 1 + (size_t)(samples[k].n_tokens < room ? samples[k].n_tokens : room);
    int32_t *to = a->tokens[group] = mem_alloc(all, sizeof *to);
    a->n[group] = all;
    for (int k = 0; k < n; k++) {
        const int now = samples[k].n_tokens < room ? samples[k].n_tokens : room;
        *to++ = now;
        memcpy(to, samples[k].tokens, (size_t)now * sizeof *to);
        to += now;
    }
}

// One piece: its groups answer together, with random numbers of the piece's own.
static int draw_piece(struct drawn *a, const struct dataset *d, const int *groups, int n, uint32_t piece,
                      struct model *m, const struct own_answers_options *o, struct err *e)
{
    struct rng rng = rng_make(o->seed, RNG_SELF, piece);
    struct gen_options options = {.max_new_tokens = o->max_tokens,
                                  .temperature = 1,
                                  .top_p = 1,
                                  .seed = rng_u64(&rng),
                                  .stop_ids = o->stop,
                                  .n_stop = o->n_stop};
    struct gen_prompt *prompts = mem_alloc((size_t)n, sizeof *prompts);
    struct gen_sample *samples = NULL;
    int n_samples = 0;
    for (int i = 0; i < n; i++) {
        const struct ds_group *g = &d->groups[groups[i]];
        prompts[i] = (struct gen_prompt){d->tokens + g->ask, g->n_ask, o->per_prompt};
    }
    int code = generate(m, prompts, n, &options, NULL, NULL, &samples, &n_samples, e);
    for (int i = 0; i < n && !code; i++)
        keep(a, groups[i], samples + (size_t)i * (size_t)o->per_prompt, o->per_prompt,
             o->max_length - prompts[i].n_tokens);
    if (!code)
        generate_free(samples, n_samples);
    free(prompts);
    return code;
}

// Groups answer in fixed pieces of AT_ONCE, wherever an earlier attempt ended; what is there is kept every SAVE_S
// seconds.
static int draw(struct drawn *a, const struct dataset *d, const bool *wanted, const char key[65], struct model *m,
                const struct own_answers_options *o, struct err *e)
{
    enum { AT_ONCE = 16, SAVE_S = 15 };
    double saved = clock_seconds();
    bool fresh = false;
    int code = 0;
    for (int at = 0; at < d->n_groups && !code; at += AT_ONCE) {
        int groups[AT_ONCE], n = 0;
        bool known = true;
        for (int i = at; i < at + AT_ONCE && i < d->n_groups; i++)
            if (!wanted || wanted[i]) {
                groups[n++] = i;
                known = known && a->tokens[i];
            }
        if (known)
            continue;
        for (int i = 0; i < n; i++) {
            free(a->tokens[groups[i]]);
            a->tokens[groups[i]] = NULL;
        }
        if (o->progress && !o->progress(o->arg, "answering the prompts", at, d->n_groups))
            code = err_set(e, ERR_INTERRUPTED, "stopped while the model answered the prompts");
        else
            code = draw_piece(a, d, groups, n, (uint32_t)(at / AT_ONCE), m, o, e);
        fresh = true;
        if (!code && o->path && clock_seconds() - saved > SAVE_S) {
            code = write_file(a, d->n_groups, o->path, key, e);
            saved = clock_seconds();
        }
    }
    if (code == ERR_INTERRUPTED && o->path)
        write_file(a, d->n_groups, o->path, key, NULL); // best effort: a stop stays a stop
    if (!code && o->path && fresh)
        code = write_file(a, d->n_groups, o->path, key, e);
    return code;
}

// What the model was asked beyond that which all responses share.
static int context_of(const struct ds_group *g)
{
    return g->n_ask - g->n_prompt;
}

// The dataset with the answers behind each group's responses.
static void put_in(struct dataset *d, const struct drawn *a, int per_prompt)
{
    size_t n_tokens = d->n_tokens;
    int n_seqs = 0;
    for (int i = 0; i < d->n_groups; i++) {
        n_seqs += d->groups[i].n_seqs + (a->tokens[i] ? per_prompt : 0);
        if (a->tokens[i])
            n_tokens += a->n[i] - (size_t)per_prompt + (size_t)per_prompt * (size_t)context_of(&d->groups[i]);
    }
    struct ds_seq *seqs = mem_alloc((size_t)n_seqs, sizeof *seqs), *out = seqs;
    d->tokens = mem_realloc(d->tokens, n_tokens, sizeof *d->tokens);
    for (int i = 0; i < d->n_groups; i++) {
        struct ds_group *g = &d->groups[i];
        const struct ds_seq *own = d->seqs + g->first_seq;
        g->first_seq = (int)(out - seqs);
        for (int k = 0; k < g->n_seqs; k++)
            *out++ = own[k];
        const int32_t *at = a->tokens[i];
        for (int k = 0; at && k < per_prompt; k++, g->n_seqs++) {
            const int n_context = context_of(g);
            memcpy(d->tokens + d->n_tokens, d->tokens + g->ask + g->n_prompt, (size_t)n_context * sizeof *at);
            d->n_tokens += (size_t)n_context;
            *out++ = (struct ds_seq){.first = d->n_tokens, .n = *at, .n_context = n_context, .label = 1,
                                     .response = -1};
            memcpy(d->tokens + d->n_tokens, at + 1, (size_t)*at * sizeof *at);
            d->n_tokens += (size_t)*at;
            at += 1 + *at;
        }
    }
    free(d->seqs);
    d->seqs = seqs;
    d->n_seqs = d->cap_seqs = n_seqs;
    d->cap_tokens = n_tokens;
    dataset_rehash(d);
}

int own_answers_add(struct dataset *d, const bool *wanted, struct model *m, const struct own_answers_options *o,
                    struct err *e)
{
    const int n = d->n_groups;
    struct drawn a = {mem_alloc((size_t)n, sizeof *a.tokens), mem_alloc((size_t)n, sizeof *a.n)};
    char key[65];
    file_key(key, d, o);
    read_file(&a, d, m->arch.vocab_size, o, key);
    int code = draw(&a, d, wanted, key, m, o, e);
    if (!code)
        put_in(d, &a, o->per_prompt);
    drawn_fini(&a, n);
    return code;
}
