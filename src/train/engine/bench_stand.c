#include "config.h"

#include "train/engine/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/generator.h"
#include "train/online/rollouts.h"
#include "train/run/open_model.h"
#include "train/run/run.h"

// The head's cases recompute, so that they show what the head itself needs, without logits that it keeps.
const struct bench_case bench_cases[] = {
    {"dpo-15m", "DPO, Llama 15M, 8 pairs of 128 + 128 tokens", "dpo", "llama",
     288, 6, 6, 768, 32000, 8, 128, 128, 2, .recompute = false},
    {"sft-15m", "SFT, Llama 15M, 8 texts of 128 + 128 tokens", "sft", "llama",
     288, 6, 6, 768, 32000, 8, 128, 128, 1, .recompute = false},
    {"sft-124m", "SFT, GPT-2 124M, B=4 T=64", "sft", "gpt2", 768, 12, 12, 3072, 50257, 4, 1, 64, 1, .recompute = false},
    {"decode-15m", "sampling, Llama 15M, 64 streams, 16 + 64 tokens", NULL, "llama",
     288, 6, 6, 768, 32000, 64, 16, 64, 1, .recompute = false},
    {"decode-110m", "sampling, Llama 110M, 64 streams, 16 + 64 tokens", NULL, "llama",
     768, 12, 12, 2048, 32000, 64, 16, 64, 1, .recompute = false},
    {"rloo-15m", "RLOO, Llama 15M, 8 prompts x 8, 64 + 64 tokens", "rloo", "llama",
     288, 6, 6, 768, 32000, 8, 64, 64, 8, .recompute = false},
    {"head-32k", "SFT, one layer, vocabulary 32 000", "sft", "llama", 64, 1, 2, 128, 32000, 8, 8, 256, 1, .recompute = true},
    {"head-152k", "SFT, one layer, vocabulary 152 000", "sft", "llama", 64, 1, 2, 128, 152000, 8, 8, 256, 1, .recompute = true},
    {"start-15m", "SFT, Llama 15M, 200 texts", "sft", "llama",
     288, 6, 6, 768, 32000, 8, 128, 128, 1, .start = true},
    // What a GPU is measured with (docs/gpu.md).
    {"dpo-124m", "DPO, GPT-2 124M, 16 pairs of 256 + 256 tokens", "dpo", "gpt2",
     768, 12, 12, 3072, 50257, 16, 256, 256, 2, .large = true},
    {"dpo-1.3b", "DPO, OPT-1.3B, 8 pairs of 256 + 256 tokens", "dpo", "opt",
     2048, 24, 32, 8192, 50272, 8, 256, 256, 2, .large = true, .untied = true},
    {"dpo-1.3b-real", "DPO, OPT-1.3B, 32 pairs of real lengths", "dpo", "opt",
     2048, 24, 32, 8192, 50272, 32, 93, 93, 2, .large = true, .untied = true, .spread = 0.8},
    {"lora-7b", "DPO, Llama-2-7B, LoRA 16, 4 pairs of 256 + 256 tokens", "dpo", "llama",
     4096, 32, 32, 11008, 32000, 4, 256, 256, 2, .large = true, .untied = true, .lora_rank = 16},
    {"decode-1.3b", "sampling, OPT-1.3B, 64 streams, 128 + 128 tokens", NULL, "opt",
     2048, 24, 32, 8192, 50272, 64, 128, 128, 1, .large = true, .untied = true},
    {"rloo-1.3b", "RLOO, OPT-1.3B, 16 prompts x 4, 128 + 128 tokens", "rloo", "opt",
     2048, 24, 32, 8192, 50272, 16, 128, 128, 4, .large = true, .untied = true},
    {"start-1.3b", "SFT, OPT-1.3B, 200 texts", "sft", "opt",
     2048, 24, 32, 8192, 50272, 8, 128, 128, 1, .large = true, .untied = true, .start = true},
    // Their like in small, for a look whether all of it works.
    {"small-real", "DPO, OPT of 50 k weights, 2 pairs of many lengths", "dpo", "opt",
     32, 2, 2, 64, 300, 2, 6, 6, 2, .large = true, .untied = true, .spread = 0.8},
    {"small-lora", "DPO, Llama of 50 k weights, LoRA 4, 2 pairs", "dpo", "llama",
     32, 2, 2, 64, 300, 2, 6, 6, 2, .large = true, .untied = true, .lora_rank = 4},
    {"small-decode", "sampling, OPT of 50 k weights, 8 streams, 6 + 12 tokens", NULL, "opt",
     32, 2, 2, 64, 300, 8, 6, 12, 1, .large = true, .untied = true},
    {"small-rloo", "RLOO, OPT of 50 k weights, 2 prompts x 4, 6 + 6 tokens", "rloo", "opt",
     32, 2, 2, 64, 300, 2, 6, 6, 4, .large = true, .untied = true},
    {"small-start", "SFT, OPT of 50 k weights, 200 texts", "sft", "opt",
     32, 2, 2, 64, 300, 2, 64, 64, 1, .large = true, .untied = true, .start = true},
    {0}};

enum { MOST_TOKENS = 1024, LARGE_BATCH_TOKENS = 8192 }; // of a text of real lengths; what a GPU computes at once

struct bench_stand {
    const struct bench_case *c;
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *model;
    struct dataset data;
    struct trainer *trainer; // NULL: of cases that learn nothing
    int n_asked;             // prompts that were sampled from
    uint64_t free_before;    // bytes of the device before there was a model
};

const struct bench_case *bench_case_find(const char *name)
{
    for (const struct bench_case *c = bench_cases; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

bool bench_case_samples(const struct bench_case *c)
{
    return !c->objective || strcmp(c->objective, "rloo") == 0;
}

json_t *bench_case_config(const struct bench_case *c)
{
    const int positions = c->spread > 0 ? MOST_TOKENS : c->prompt + c->response;
    if (strcmp(c->family, "opt") == 0)
        return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:b, s:b}", "model_type", "opt", "vocab_size", c->vocab,
                         "hidden_size", c->d_model, "word_embed_proj_dim", c->d_model, "num_hidden_layers", c->n_layers,
                         "num_attention_heads", c->n_heads, "ffn_dim", c->d_ff, "max_position_embeddings", 2048,
                         "activation_function", "relu", "do_layer_norm_before", 1, "tie_word_embeddings", !c->untied);
    if (strcmp(c->family, "gpt2") == 0)
        return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "model_type", "gpt2", "vocab_size", c->vocab,
                         "n_embd", c->d_model, "n_layer", c->n_layers, "n_head", c->n_heads, "n_positions",
                         positions < 1024 ? 1024 : positions, "n_inner", c->d_ff, "layer_norm_epsilon", 1e-5,
                         "activation_function", "gelu_new");
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:s, s:b}", "model_type", "llama", "vocab_size",
                     c->vocab, "hidden_size", c->d_model, "num_hidden_layers", c->n_layers, "num_attention_heads",
                     c->n_heads,
                     "num_key_value_heads", c->n_heads, "intermediate_size", c->d_ff, "max_position_embeddings", positions,
                     "rms_norm_eps", 1e-5, "rope_theta", 10000.0, "hidden_act", "silu", "tie_word_embeddings", !c->untied);
}

static int length_of(const struct bench_case *c, int median, struct rng *r)
{
    if (c->spread <= 0)
        return median;
    const double n = median * exp(c->spread * rng_normal(r));
    return n < 2 ? 2 : n > MOST_TOKENS / 2 ? MOST_TOKENS / 2 : (int)n;
}

// Twice as many groups as a step takes, so that batches differ; prompts alone where answers are sampled.
static void make_data(struct dataset *d, const struct bench_case *c)
{
    struct rng r = rng_make(1, RNG_TEST, 0);
    const int n = 2 * c->groups, responses = bench_case_samples(c) ? 0 : c->responses;
    const int most = c->spread > 0 ? MOST_TOKENS / 2 : c->prompt > c->response ? c->prompt : c->response;
    const size_t room = (size_t)n * (size_t)(1 + responses) * (size_t)most;
    *d = (struct dataset){.tokens = mem_alloc(room, sizeof *d->tokens),
                          .groups = mem_alloc((size_t)n, sizeof *d->groups), .n_groups = n,
                          .seqs = mem_alloc((size_t)n * (size_t)responses + 1, sizeof *d->seqs),
                          .refs = mem_alloc((size_t)n * (size_t)responses + 1, sizeof *d->refs)};
    for (int g = 0; g < n; g++) {
        d->groups[g] = (struct ds_group){.prompt = d->n_tokens, .n_prompt = length_of(c, c->prompt, &r), .first_seq = d->n_seqs,
                                         .n_seqs = responses};
        d->n_tokens += (size_t)d->groups[g].n_prompt;
        for (int k = 0; k < responses; k++, d->n_seqs++) {
            const int length = length_of(c, c->response, &r);
            d->seqs[d->n_seqs] = (struct ds_seq){.first = d->n_tokens, .n = length, .label = k == 0};
            d->refs[d->n_seqs] = -10.0 * length;
            d->n_tokens += (size_t)length;
        }
    }
    for (size_t i = 0; i < d->n_tokens; i++)
        d->tokens[i] = (int32_t)rng_below(&r, (uint64_t)c->vocab);
}

// What an answer is worth does not matter, as long as it is not the same for all.
static int score_answers(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    for (int i = 0; i < b->data.n_seqs; i++)
        b->scores[i] = b->data.tokens[b->data.seqs[i].first] % 7;
    return 0;
}

static int start_trainer(struct bench_stand *s, const struct settings *settings, const struct trainer_options *o,
                         struct err *e)
{
    const bool samples = bench_case_samples(s->c);
    struct group_source *source;
    if (samples) {
        struct rollout_options rollouts = {.prompts = &s->data, .max_length = s->c->prompt + s->c->response,
                                           .score = score_answers};
        rollout_options_read(&rollouts, settings);
        rollouts_new(&source, &rollouts);
    } else {
        group_source_of_dataset(&source, &s->data, o->batch_size, o->seed);
    }
    int code = trainer_new(&s->trainer, o, s->model, source, e);
    if (!code && samples)
        code = rollouts_attach(source, s->trainer, e);
    return code;
}

static void set_number(struct settings *s, const char *name, int value)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    settings_set(s, name, text, NULL);
}

static int open_trainer(struct bench_stand *s, struct err *e)
{
    const struct bench_case *c = s->c;
    const struct objective *objective;
    struct run_tables tables;
    struct settings settings;
    int code = objective_find(&objective, c->objective, e);
    if (!code && c->lora_rank)
        code = model_add_lora(s->model, c->lora_rank, 2 * c->lora_rank, "all-linear", 1, e);
    if (!code)
        code = model_set_trainable(s->model, c->lora_rank ? TRAIN_ADAPTER : TRAIN_ALL, e);
    if (code)
        return code;
    run_settings_init(&settings, &tables, objective);
    set_number(&settings, "batch-size", c->groups);
    if (c->large)
        set_number(&settings, "max-batch-tokens", LARGE_BATCH_TOKENS);
    settings_set(&settings, "recompute", c->recompute ? "yes" : "no", NULL);
    if (bench_case_samples(c)) {
        set_number(&settings, "samples", c->responses);
        set_number(&settings, "max-new-tokens", c->response);
        set_number(&settings, "beta", 0); // no reference beside it
    }
    const struct run r = {.objective = objective, .settings = settings, .total_steps = 1000};
    const struct trainer_options options = run_trainer_options(&r);
    code = start_trainer(s, &settings, &options, e);
    settings_fini(&settings);
    return code;
}

int bench_stand_open(struct bench_stand **out, const struct bench_case *c, const struct bench_place *place, struct err *e)
{
    struct bench_stand *s = mem_alloc(1, sizeof *s);
    json_t *config = bench_case_config(c);
    s->c = c;
    int code = engine_open_backend(&s->ops, &s->backend, place->device, place->precision, place->threads, e);
    s->free_before = code ? 0 : s->ops->memory_free(s->backend);
    if (!code)
        code = c->large ? bench_model(&s->model, config, c->lora_rank > 0, s->ops, s->backend, e)
                        : model_new(&s->model, config, s->ops, s->backend, 1, e);
    json_decref(config);
    if (!code) {
        make_data(&s->data, c);
        code = c->objective ? open_trainer(s, e) : 0;
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

static void forget(void *arg, struct gen_sample *samples, bool whole)
{
    gen_samples_free(samples, *(const int *)arg);
}

// Answers to as many prompts as a step takes, without an end of their own.
static int sample_answers(struct bench_stand *s, struct err *e)
{
    int n_samples = s->c->responses;
    struct generator *g;
    int code = generator_of(&g, s->model, e);
    for (int i = 0; i < s->c->groups && !code; i++) {
        const struct ds_group *prompt = &s->data.groups[(s->n_asked + i) % s->data.n_groups];
        const struct gen_request q = {.prompt = s->data.tokens + prompt->prompt, .n_prompt = prompt->n_prompt,
                                      .n_samples = n_samples, .number = (uint32_t)(s->n_asked + i),
                                      .options = {.max_new_tokens = s->c->response, .temperature = 1, .top_p = 1, .seed = 1},
                                      .on_end = forget, .arg = &n_samples};
        code = generator_submit(g, &q, NULL, e);
    }
    while (!code && generator_is_busy(g))
        code = generator_step(g, e);
    s->n_asked += s->c->groups;
    return code;
}

int bench_stand_step(struct bench_stand *s, struct bench_step *out, struct err *e)
{
    struct step_result r;
    if (!s->trainer) {
        const double began = clock_seconds();
        const int code = sample_answers(s, e);
        out->seconds = out->sampling = clock_seconds() - began;
        return code;
    }
    const int code = trainer_step(s->trainer, &r, e);
    *out = (struct bench_step){.seconds = r.seconds};
    for (int i = 0; i < r.metrics.n && !code; i++)
        if (strcmp(r.metrics.items[i].key, "rollout/sample_s") == 0)
            out->sampling = r.metrics.items[i].value;
    return code;
}

// Of a step, on the average over the data: rows that are computed, targets, pairs of query and key.
struct work {
    double rows, targets, pairs;
};
static struct work work_of(const struct bench_stand *s)
{
    const struct bench_case *c = s->c;
    const struct dataset *d = &s->data;
    const bool samples = bench_case_samples(c);
    struct work w = {0};
    for (int g = 0; g < d->n_groups; g++) {
        const double prompt = d->groups[g].n_prompt;
        w.rows += prompt;
        w.pairs += prompt * (prompt + 1) / 2;
        for (int k = 0; k < c->responses; k++) {
            const double response = samples ? c->response : d->seqs[d->groups[g].first_seq + k].n, rows = response - 1;
            w.rows += rows;
            w.targets += response;
            w.pairs += rows * prompt + rows * (rows + 1) / 2;
        }
    }
    const double steps = (double)d->n_groups / c->groups;
    return (struct work){w.rows / steps, w.targets / steps, w.pairs / steps};
}

double bench_stand_tokens(const struct bench_stand *s)
{
    const struct bench_case *c = s->c;
    return bench_case_samples(c) ? (double)c->groups * c->responses * c->response : work_of(s).rows;
}

double bench_stand_bytes(const struct bench_stand *s)
{
    const uint64_t now = s->ops->memory_free(s->backend);
    return s->free_before > now ? (double)(s->free_before - now) : 0;
}

double bench_stand_flops(const struct bench_stand *s)
{
    const struct bench_case *c = s->c;
    const struct work w = work_of(s);
    double body = 0; // weights of the layers' matrices
    for (int i = 0; i < s->model->n_tensors; i++)
        if (s->model->tensors[i].layer >= 0 && s->model->tensors[i].rows > 1)
            body += (double)s->model->tensors[i].rows * s->model->tensors[i].cols;
    const double each = c->lora_rank ? 4 : 6; // frozen weights have no gradient of their own
    const double learning = each * (body * w.rows + (double)c->vocab * c->d_model * w.targets) +
                            12.0 * c->n_layers * c->d_model * w.pairs;
    const double forward = learning / (each / 2);
    // The forward of an update that takes what was computed in sampling is that of sampling.
    const bool twice = c->objective && !(bench_case_samples(c) && rollouts_are_taken(s->trainer->source));
    return (c->objective ? learning - forward : 0) + (bench_case_samples(c) ? forward : 0) + (twice ? forward : 0);
}
