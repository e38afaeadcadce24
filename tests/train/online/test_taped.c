// An update that takes what sampling has computed: it makes no forward of its own, where that would be the same, and what is
// learnt is the same bit for bit.
#include "config.h"

#include "fixture.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "train/online/rollout_parts.h"

enum { VOCAB = 6, SAMPLES = 4, PROMPTS = 2, LENGTH = 4, SEED = 3, STEPS = 4, LAYERS = 2 };

struct school {
    struct backend_ops ops; // the cpu's, counting
    struct backend *backend;
    struct dataset prompts;
    struct trainer *trainer;
    struct model *model;
    struct rollouts *rollouts;
    int n_sampled, n_tied; // rounds of answers so far; the first ones teach nothing of their first prompt
};

static int n_attentions; // forwards of texts and prompts, layer by layer

static void counted(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                    const struct attn_segment *segments, int n_segments, int longest, int t, const struct attn_shape *shape)
{
    n_attentions++;
    backend_find("cpu")->attention(b, out, lse, q, k, v, segments, n_segments, longest, t, shape);
}

static int score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    struct school *w = with;
    const bool tied = w->n_sampled++ < w->n_tied;
    for (int i = 0; i < b->data.n_seqs; i++)
        b->scores[i] = tied && i < SAMPLES ? 1 : b->data.tokens[b->data.seqs[i].first] + 0.1 * i;
    return 0;
}

struct row {
    const char *what, *objective;
    int passes, minibatches, max_batch_tokens, ahead, n_tied, n_stop;
    float temperature, top_p;
    bool recompute, adapter, dynamic, bf16;
    int n_forwards; // of updates, that a tape saves
};

static void begin(struct school *w, const struct row *row)
{
    struct settings settings;
    struct run_tables tables;
    const struct objective *o;
    struct group_source *source;
    const struct backend_options options = {.n_threads = 1, .precision = row->bf16 ? PRECISION_BF16 : PRECISION_F32};
    static const int32_t stops[] = {1, 2, 3, 4};
    *w = (struct school){.ops = *backend_find("cpu"), .n_tied = row->n_tied};
    w->ops.attention = counted;
    assert_ok(w->ops.open(&w->backend, &options, e));
    w->prompts.groups = mem_alloc(PROMPTS, sizeof *w->prompts.groups);
    for (int i = 0; i < PROMPTS; i++)
        w->prompts.groups[i] = (struct ds_group){.prompt = dataset_add_tokens(&w->prompts, (int32_t[]){0, 2, i}, 3),
                                                 .n_prompt = 3};
    w->prompts.n_groups = PROMPTS;
    assert_ok(objective_find(&o, row->objective, e));
    run_settings_init(&settings, &tables, o);
    const struct rollout_options how = {.prompts = &w->prompts, .batch_size = PROMPTS, .samples = SAMPLES, .max_length = 8,
                                        .seed = SEED, .sampling = {.max_new_tokens = LENGTH, .temperature = row->temperature,
                                                                   .top_p = row->top_p, .stop_ids = stops, .n_stop = row->n_stop,
                                                                   .keep_sets = row->top_p < 1},
        .ahead = row->ahead, .dynamic = row->dynamic, .machine = options, .score = score, .with = w};
    struct trainer_options t = {.optimizer = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8}, .total_steps = STEPS,
                                .schedule = schedule_kind("constant"), .batch_size = PROMPTS, .passes = row->passes,
                                .minibatches = row->minibatches, .max_batch_tokens = row->max_batch_tokens, .longest = LENGTH,
                                .seed = SEED, .recompute = row->recompute, .keep_reference = true};
    objective_configure(&t.objective, o, &settings);
    t.objective.is_cut = row->top_p < 1;
    t.objective.inv_temperature = 1 / row->temperature;
    rollouts_new(&source, &how);
    json_t *config = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "model_type", "llama",
                               "vocab_size", VOCAB, "hidden_size", 16, "num_hidden_layers", LAYERS, "num_attention_heads", 2,
                               "num_key_value_heads", 2, "intermediate_size", 16, "max_position_embeddings", 8,
                               "initializer_range", 0.3, "tie_word_embeddings", 0);
    assert_ok(model_new(&w->model, config, &w->ops, w->backend, 5, e));
    json_decref(config);
    if (row->adapter)
        assert_ok(model_add_lora(w->model, 2, 4, "all-linear", 7, e));
    assert_ok(model_set_trainable(w->model, row->adapter ? TRAIN_ADAPTER : TRAIN_ALL, e));
    assert_ok(trainer_new(&w->trainer, &t, w->model, source, e));
    assert_ok(rollouts_attach(source, w->trainer, e));
    w->rollouts = rollouts_of(source);
    settings_fini(&settings);
}

static void end(struct school *w)
{
    trainer_free(w->trainer);
    model_free(w->model);
    dataset_fini(&w->prompts);
    w->ops.close(w->backend);
}

// All updates. Returns how many forwards of whole texts they took, the reference's and prompts among them.
static int train(struct school *w, float **weights, size_t *n)
{
    struct step_result r;
    n_attentions = 0;
    for (int step = 0; step < STEPS; step++)
        assert_ok(trainer_step(w->trainer, &r, e));
    *n = model_n_trained(w->model);
    *weights = mem_alloc(*n, sizeof **weights);
    assert_ok(model_get_trained(w->model, *weights, e));
    assert_int_equal(n_attentions % LAYERS, 0);
    return n_attentions / LAYERS;
}

static const struct row rows[] = {
    {"an update a batch", "rloo", 1, 1, 4096, 0, 0, 1, 1, 1, false, false, false, false, 4},
    {"in micro-batches of a prompt each", "rloo", 1, 1, 12, 0, 0, 1, 1, 1, false, false, false, false, 8},
    {"of a cut vocabulary", "grpo", 1, 1, 4096, 0, 0, 1, 1, 0.8f, false, false, false, false, 4},
    {"at another temperature", "grpo", 1, 1, 4096, 0, 0, 1, 0.7f, 1, false, false, false, false, 4},
    {"of an adapter", "rloo", 1, 1, 4096, 0, 0, 1, 1, 1, false, true, false, false, 4},
    {"of pairs that are picked", "online-dpo", 1, 1, 4096, 0, 0, 1, 1, 1, false, false, false, false, 4},
    {"before the weights have moved", "grpo", 2, 1, 4096, 0, 0, 1, 1, 1, false, false, false, false, 2},
    {"of an adapter before it has moved", "grpo", 2, 1, 4096, 0, 0, 1, 1, 1, false, true, false, false, 2},
    {"with others' prompts, for which there is room", "grpo", 1, 1, 12, 0, 1, 4, 1, 1, false, false, true, false, 8},
    {"not of prompts for which there is no more room", "grpo", 1, 1, 12, 0, 1, 1, 1, 1, false, false, true, false, 7},
    {"not of a part of a batch", "grpo", 1, 2, 4096, 0, 0, 1, 1, 1, false, false, false, false, 0},
    {"not with recomputation", "rloo", 1, 1, 4096, 0, 0, 1, 1, 1, true, false, false, false, 0},
    {"not of what another policy said", "rloo", 1, 1, 4096, 1, 0, 1, 1, 1, false, false, false, false, 0},
    {"not of a cut one at another temperature", "grpo", 1, 1, 4096, 0, 0, 1, 0.7f, 0.8f, false, false, false, false, 0},
    {"not in bf16", "rloo", 1, 1, 4096, 0, 0, 1, 1, 1, false, false, false, true, 0},
};

static void updates_take_what_sampling_has_made(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct school with, without;
        float *took, *made;
        size_t n_took, n_made;
        begin(&with, &rows[i]);
        begin(&without, &rows[i]);
        tape_free(without.rollouts->sampler.tape);
        without.rollouts->sampler.tape = NULL;
        const int fewer = train(&with, &took, &n_took), more = train(&without, &made, &n_made);
        if (more - fewer != rows[i].n_forwards)
            fail_msg("%s: %d forwards saved, not %d", rows[i].what, more - fewer, rows[i].n_forwards);
        assert_int_equal(n_took, n_made);
        assert_memory_equal(took, made, n_took * sizeof *took);
        free(took), free(made);
        end(&with), end(&without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_take_what_sampling_has_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
