#include "config.h"

#include "model/generate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/kv_cache.h"

struct asked;

// One prompt's job.
struct part {
    struct asked *all;
    int prompt, first, n; // its samples in the answer
    struct gen_job *job;  // NULL once it has ended
};

struct asked {
    struct gen_sample *samples;
    gen_on_token on_token;
    void *arg;
    bool stopped;
};

static bool on_token(void *arg, int sample, int32_t token, float logprob)
{
    const struct part *part = arg;
    struct asked *all = part->all;
    if (!all->stopped && all->on_token && !all->on_token(all->arg, part->prompt, sample, token, logprob))
        all->stopped = true;
    return !all->stopped;
}

static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    struct part *part = arg;
    part->job = NULL;
    if (whole)
        memcpy(part->all->samples + part->first, samples, (size_t)part->n * sizeof *samples);
    if (whole)
        free(samples);
    else
        gen_samples_free(samples, part->n);
}

int generate(struct model *m, const struct gen_prompt *prompts, int n_prompts, const struct gen_options *options,
             gen_on_token listener, void *arg, struct gen_sample **out, int *n_out, struct err *e)
{
    struct generator *g;
    struct part *parts = mem_alloc((size_t)n_prompts + 1, sizeof *parts);
    struct asked all = {.on_token = listener, .arg = arg};
    int64_t n = 0;
    int code = generator_of(&g, m, e);
    for (int i = 0; i < n_prompts; i++) {
        parts[i] = (struct part){&all, i, (int)n, prompts[i].n_samples, NULL};
        n += prompts[i].n_samples;
    }
    if (!code && n > INT32_MAX)
        code = err_set(e, ERR_LIMIT, "%lld samples are too many for one call", (long long)n);
    if (!code && !(all.samples = mem_try_alloc((size_t)n + 1, sizeof *all.samples, "the samples", e)))
        code = ERR_LIMIT;
    for (int i = 0; i < n_prompts && !code; i++) {
        const struct gen_request r = {.prompt = prompts[i].tokens, .n_prompt = prompts[i].n_tokens,
                                      .n_samples = prompts[i].n_samples, .number = (uint32_t)i, .options = *options,
                                      .on_token = on_token, .on_end = on_end, .arg = &parts[i]};
        code = generator_submit(g, &r, &parts[i].job, e);
    }
    while (!code && generator_is_busy(g)) {
        code = generator_step(g, e);
        if (!code && all.stopped)
            code = err_set(e, ERR_INTERRUPTED, "sampling was stopped");
    }
    for (int i = 0; code && i < n_prompts; i++)
        if (parts[i].job)
            generator_cancel(g, parts[i].job);
    free(parts);
    if (code) {
        gen_samples_free(all.samples, (int)(all.samples ? n : 0));
        return code;
    }
    *out = all.samples;
    *n_out = (int)n;
    return 0;
}

size_t generate_plan(const struct arch *a, int n_streams, int n_tokens)
{
    const struct widths w = parts_widths(a, 0);
    size_t n;
    if (n_streams > GENERATE_MAX_STREAMS)
        n_streams = GENERATE_MAX_STREAMS;
    if (!mem_mul((size_t)n_streams * (size_t)n_tokens, kv_cache_token_bytes(&w, a->n_layers), &n) ||
        n > GENERATE_CACHE_BYTES)
        n = GENERATE_CACHE_BYTES;
    return n + GENERATE_LOGIT_BYTES;
}

void generate_free(struct gen_sample *samples, int n)
{
    gen_samples_free(samples, n);
}
