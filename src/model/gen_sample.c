#include "config.h"

#include "model/gen_sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void gen_samples_free(struct gen_sample *samples, int n)
{
    for (int i = 0; samples && i < n; i++) {
        free(samples[i].tokens);
        free(samples[i].logprobs);
        free(samples[i].drawn_logprobs);
        free(samples[i].set_starts);
        free(samples[i].set_ids);
        free(samples[i].rows);
        free(samples[i].logit_rows);
    }
    free(samples);
}

static bool make_sample(struct gen_sample *s, size_t room, bool keep_sets, bool on_tape, struct err *e)
{
    static const char what[] = "the sampled tokens";
    if (!(s->tokens = mem_try_alloc(room, sizeof *s->tokens, what, e)) ||
        !(s->logprobs = mem_try_alloc(room, sizeof *s->logprobs, what, e)))
        return false;
    if (on_tape && (!(s->rows = mem_try_alloc(room, sizeof *s->rows, what, e)) ||
                    !(s->logit_rows = mem_try_alloc(room, sizeof *s->logit_rows, what, e))))
        return false;
    return !keep_sets || ((s->drawn_logprobs = mem_try_alloc(room, sizeof *s->drawn_logprobs, what, e)) &&
                          (s->set_starts = mem_try_alloc(room, sizeof *s->set_starts, what, e)));
}

struct gen_sample *gen_samples_new(const struct gen_request *r, int max_new, bool on_tape, struct err *e)
{
    struct gen_sample *samples = mem_try_alloc((size_t)r->n_samples + 1, sizeof *samples, "the samples", e);
    for (int i = 0; samples && i < r->n_samples; i++) {
        samples[i] = (struct gen_sample){.prompt = (int)r->number, .sample = i};
        if (!make_sample(&samples[i], (size_t)max_new + 1, r->options.keep_sets, on_tape, e)) {
            gen_samples_free(samples, i + 1);
            return NULL;
        }
    }
    return samples;
}

static int make_room(struct gen_sample *s, size_t n, struct err *e)
{
    if (n <= s->cap_set_ids)
        return 0;
    const size_t cap = n * 2;
    int32_t *ids = mem_try_alloc(cap, sizeof *ids, "the tokens that a sample was drawn from", e);
    if (!ids)
        return ERR_LIMIT;
    if (s->set_ids)
        memcpy(ids, s->set_ids, s->cap_set_ids * sizeof *ids);
    free(s->set_ids);
    s->set_ids = ids;
    s->cap_set_ids = cap;
    return 0;
}

int gen_sample_keep(struct gen_sample *s, float drawn, const uint32_t *set, int vocab, struct err *e)
{
    const int token = s->n_tokens - 1;
    const size_t words = sampled_set_words(vocab), first = s->set_starts[token];
    size_t n = 0;
    for (size_t w = 0; w < words; w++)
        n += (size_t)__builtin_popcount(set[w]);
    if (n == (size_t)vocab)
        n = 0;
    s->drawn_logprobs[token] = drawn;
    s->set_starts[token + 1] = first + n;
    const int code = make_room(s, first + n, e);
    for (size_t w = 0, to = first; !code && n > 0 && w < words; w++)
        for (uint32_t bits = set[w]; bits; bits &= bits - 1)
            s->set_ids[to++] = (int32_t)(32 * w) + __builtin_ctz(bits);
    return code;
}
