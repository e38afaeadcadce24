#include "config.h"

#include "train/engine/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "train/run/open_model.h"
#include "train/run/run.h"

// The head's cases recompute, so that they show what the head itself needs, without logits that it keeps.
const struct bench_case bench_cases[] = {
    {"dpo-15m", "DPO, Llama 15M, 8 pairs of 128 + 128 tokens", "dpo", "llama",
     288, 6, 6, 768, 32000, 8, 128, 128, 2, false},
    {"sft-15m", "SFT, Llama 15M, 8 texts of 128 + 128 tokens", "sft", "llama",
     288, 6, 6, 768, 32000, 8, 128, 128, 1, false},
    {"sft-124m", "SFT, GPT-2 124M, B=4 T=64", "sft", "gpt2", 768, 12, 12, 3072, 50257, 4, 1, 64, 1, false},
    {"head-32k", "SFT, one layer, vocabulary 32 000", "sft", "llama", 64, 1, 2, 128, 32000, 8, 8, 256, 1, true},
    {"head-152k", "SFT, one layer, vocabulary 152 000", "sft", "llama", 64, 1, 2, 128, 152000, 8, 8, 256, 1, true},
    {0}};

struct bench_stand {
    const struct bench_case *c;
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *model;
    struct dataset data;
    struct trainer *trainer;
};

const struct bench_case *bench_case_find(const char *name)
{
    for (const struct bench_case *c = bench_cases; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static json_t *config_of(const struct bench_case *c)
{
    const int positions = c->prompt + c->response;
    if (strcmp(c->family, "gpt2") == 0)
        return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "model_type", "gpt2", "vocab_size", c->vocab,
                         "n_embd", c->d_model, "n_layer", c->n_layers, "n_head", c->n_heads, "n_positions",
                         positions < 1024 ? 1024 : positions, "n_inner", c->d_ff, "layer_norm_epsilon", 1e-5,
                         "activation_function", "gelu_new");
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:s, s:b}", "model_type", "llama", "vocab_size",
                     c->vocab, "hidden_size", c->d_model, "num_hidden_layers", c->n_layers, "num_attention_heads", c->n_heads,
                     "num_key_value_heads", c->n_heads, "intermediate_size", c->d_ff, "max_position_embeddings", positions,
                     "rms_norm_eps", 1e-5, "rope_theta", 10000.0, "hidden_act", "silu", "tie_word_embeddings", 1);
}

// Twice as many groups as a step takes, so that batches differ.
static void make_data(struct dataset *d, const struct bench_case *c)
{
    struct rng r = rng_make(1, RNG_TEST, 0);
    const int n = 2 * c->groups;
    const size_t each = (size_t)c->prompt + (size_t)c->responses * (size_t)c->response;
    *d = (struct dataset){.tokens = mem_alloc((size_t)n * each, sizeof *d->tokens), .n_tokens = (size_t)n * each,
                          .groups = mem_alloc((size_t)n, sizeof *d->groups), .n_groups = n,
                          .seqs = mem_alloc((size_t)n * (size_t)c->responses, sizeof *d->seqs),
                          .refs = mem_alloc((size_t)n * (size_t)c->responses, sizeof *d->refs)};
    for (size_t i = 0; i < d->n_tokens; i++)
        d->tokens[i] = (int32_t)rng_below(&r, (uint64_t)c->vocab);
    for (int g = 0; g < n; g++) {
        const size_t first = (size_t)g * each;
        d->groups[g] = (struct ds_group){.prompt = first, .n_prompt = c->prompt, .first_seq = d->n_seqs,
                                         .n_seqs = c->responses};
        for (int k = 0; k < c->responses; k++, d->n_seqs++) {
            d->seqs[d->n_seqs] = (struct ds_seq){.first = first + (size_t)c->prompt + (size_t)k * (size_t)c->response,
                                                   .n = c->response, .label = k == 0};
            d->refs[d->n_seqs] = -10.0 * c->response;
        }
    }
}

static int start_trainer(struct bench_stand *s, const struct trainer_options *o, struct err *e)
{
    struct group_source *source;
    group_source_of_dataset(&source, &s->data, o->batch_size, o->seed);
    return trainer_new(&s->trainer, o, s->model, source, e);
}

int bench_stand_open(struct bench_stand **out, const struct bench_case *c, const char *precision, int threads, struct err *e)
{
    struct bench_stand *s = mem_alloc(1, sizeof *s);
    const struct objective *objective;
    struct run_tables tables;
    struct settings settings;
    json_t *config = config_of(c);
    s->c = c;
    int code = objective_find(&objective, c->objective, e);
    if (!code)
        code = engine_open_backend(&s->ops, &s->backend, "cpu", precision, threads, e);
    if (!code)
        code = model_new(&s->model, config, s->ops, s->backend, 1, e);
    if (!code)
        code = model_set_trainable(s->model, TRAIN_ALL, e);
    json_decref(config);
    if (!code) {
        char number[16];
        snprintf(number, sizeof number, "%d", c->groups);
        run_settings_init(&settings, &tables, objective);
        settings_set(&settings, "batch-size", number, NULL);
        settings_set(&settings, "recompute", c->recompute ? "yes" : "no", NULL);
        struct run r = {.objective = objective, .settings = settings, .total_steps = 1000};
        struct trainer_options options = run_trainer_options(&r);
        make_data(&s->data, c);
        code = start_trainer(s, &options, e);
        settings_fini(&settings);
    }
    if (code) {
        bench_stand_close(s);
        return code;
    }
    *out = s;
    return 0;
}

void bench_stand_close(struct bench_stand *s)
{
    if (!s)
        return;
    trainer_free(s->trainer);
    dataset_fini(&s->data);
    model_free(s->model);
    if (s->backend)
        s->ops->close(s->backend);
    free(s);
}

int bench_stand_step(struct bench_stand *s, double *seconds, struct err *e)
{
    struct step_result r;
    int code = trainer_step(s->trainer, &r, e);
    *seconds = r.seconds;
    return code;
}

double bench_stand_tokens(const struct bench_stand *s)
{
    const struct bench_case *c = s->c;
    return (double)c->groups * (c->prompt + (double)c->responses * (c->response - 1));
}

double bench_stand_flops(const struct bench_stand *s)
{
    const struct bench_case *c = s->c;
    double body = 0; // weights of the layers' matrices
    for (int i = 0; i < s->model->n_tensors; i++)
        if (s->model->tensors[i].layer >= 0 && s->model->tensors[i].rows > 1)
            body += (double)s->model->tensors[i].rows * s->model->tensors[i].cols;
    const double rows = c->response - 1, targets = (double)c->groups * c->responses * c->response;
    const double pairs = c->groups * (c->prompt * (c->prompt + 1) / 2.0 +
                                      c->responses * (rows * c->prompt + rows * (rows + 1) / 2.0));
    return 6 * (body * bench_stand_tokens(s) + (double)c->vocab * c->d_model * targets) +
           12.0 * c->n_layers * c->d_model * pairs;
}
