// Drawing tokens from logits: a row is a block, each thread has a sampler of its own.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cpu/sampler.h"

struct sample_job {
    struct backend *b;
    const struct sampled *out;
    const float *logits;
    int v;
    const struct sample_row *rows;
};

static void sample_task(void *data, int block, int thread)
{
    const struct sample_job *j = data;
    const struct sample_row *row = &j->rows[block];
    struct sampler_pick p = {.set = row->keep ? j->out->sets + (size_t)block * sampled_set_words(j->v) : NULL};
    if (!sampler_pick(j->b->samplers[thread], row, j->logits + (size_t)row->logits * (size_t)j->v, &p))
        p.token = -1, p.logprob = p.drawn = p.entropy = NAN;
    j->out->tokens[block] = p.token;
    j->out->logprobs[block] = p.logprob;
    if (row->keep)
        j->out->drawn[block] = p.drawn;
    if (row->entropy)
        j->out->entropy[block] = p.entropy;
}

void cpu_samplers_free(struct backend *b)
{
    for (int i = 0; b->samplers && i < b->n_threads; i++)
        sampler_free(b->samplers[i]);
    free(b->samplers);
    b->samplers = NULL;
}

void cpu_sample(struct backend *b, const struct sampled *out, const float *logits, int v, const struct sample_row *rows,
                int n)
{
    struct sample_job job = {b, out, logits, v, rows};
    if (!b->samplers || b->sampled_vocab != v) {
        cpu_samplers_free(b);
        b->samplers = mem_alloc((size_t)b->n_threads, sizeof *b->samplers);
        for (int i = 0; i < b->n_threads; i++)
            b->samplers[i] = sampler_new(v, b->k);
        b->sampled_vocab = v;
    }
    cpu_run(b, n, (double)n * v * 4, sample_task, &job);
}
