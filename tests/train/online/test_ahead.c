// Answers that are sampled ahead of training: whose weights said them, that their log-probabilities are of those weights,
// and that nothing depends on which side is faster.
#include "config.h"

#include "fixture.h"

#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "cpu/cpu.h"
#include "train/online/rollouts.h"

enum { VOCAB = 6, SAMPLES = 8, LENGTH = 3, STEPS = 12, PASSES = 2, SEED = 3 };

struct school {
    const struct backend_ops *ops;
    struct backend *backend;
    struct dataset prompts;
    struct trainer *trainer;
    struct model *model;
    int ahead;
    enum precision precision;
    double slow_s;          // scoring takes so long
    int n_kept;             // batches
    // Batch b as it came, and as the policy would have said it before update `step`.
    int64_t step_of[STEPS];
    int32_t came[STEPS][SAMPLES][LENGTH], said[STEPS][STEPS][SAMPLES][LENGTH];
    float came_logp[STEPS][SAMPLES][LENGTH], said_logp[STEPS][STEPS][SAMPLES][LENGTH];
};

static void pause_for(double s)
{
    const struct timespec t = {.tv_nsec = (long)(s * 1e9)};
    nanosleep(&t, NULL);
}

static int score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    const struct school *w = with;
    for (int i = 0; i < b->data.n_seqs; i++)
        b->scores[i] = b->data.tokens[b->data.seqs[i].first] + 0.1 * b->data.tokens[b->data.seqs[i].first + 1];
    pause_for(w->slow_s);
    return 0;
}

static void keep(void *with, const struct rollout_batch *b, int64_t step)
{
    struct school *w = with;
    assert_true(b->first_prompt == w->n_kept && step == PASSES * w->n_kept + 1);
    w->step_of[w->n_kept] = b->step;
    for (int i = 0; i < SAMPLES; i++)
        for (int t = 0; t < LENGTH; t++) {
            const size_t at = b->data.seqs[i].first + (size_t)t;
            assert_int_equal(b->data.seqs[i].n, LENGTH);
            w->came[w->n_kept][i][t] = b->data.tokens[at];
            w->came_logp[w->n_kept][i][t] = b->data.token_columns[TOKEN_SAMPLER_LOGP][at];
            if (w->precision == PRECISION_F32)
                assert_true(b->data.token_columns[TOKEN_SAMPLER_LOGP][at] == b->data.token_columns[TOKEN_OLD_LOGP][at]);
        }
    w->n_kept++;
}

static struct model *make_model(const struct school *w)
{
    struct model *m;
    json_t *config = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "model_type", "llama",
                               "vocab_size", VOCAB, "hidden_size", 16, "num_hidden_layers", 1, "num_attention_heads", 2,
                               "num_key_value_heads", 2, "intermediate_size", 16, "max_position_embeddings", 8,
                               "initializer_range", 0.3, "tie_word_embeddings", 0);
    assert_ok(model_new(&m, config, w->ops, w->backend, 5, e));
    json_decref(config);
    return m;
}

static void begin(struct school *w, int ahead, bool adapter, double slow_s, int max_length, enum precision precision)
{
    struct settings settings;
    struct run_tables tables;
    const struct objective *o;
    struct group_source *source;
    const struct backend_options options = {.n_threads = 1, .precision = precision};
    *w = (struct school){.ops = backend_find("cpu"), .ahead = ahead, .slow_s = slow_s, .precision = precision};
    assert_ok(w->ops->open(&w->backend, &options, e));
    w->prompts.groups = mem_alloc(1, sizeof *w->prompts.groups);
    w->prompts.groups[0] = (struct ds_group){.prompt = dataset_add_tokens(&w->prompts, (int32_t[]){0, 2}, 2), .n_prompt = 2};
    w->prompts.n_groups = 1;
    assert_ok(objective_find(&o, "grpo", e));
    run_settings_init(&settings, &tables, o);
    assert_ok(settings_set(&settings, "beta", "0", e));
    const struct rollout_options how = {.prompts = &w->prompts, .batch_size = 1, .samples = SAMPLES,
                                        .max_length = max_length, .seed = SEED, .sampling = {.max_new_tokens = LENGTH,
                                                                                             .temperature = 1,
        .top_p = 1}, .ahead = ahead, .machine = options, .score = score, .keep = keep, .with = w};
    struct trainer_options t = {.optimizer = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8},
                                .schedule = schedule_kind("constant"), .total_steps = STEPS, .batch_size = 1,
                                .max_batch_tokens = 4096, .longest = LENGTH, .passes = PASSES, .seed = SEED};
    objective_configure(&t.objective, o, &settings);
    rollouts_new(&source, &how);
    w->model = make_model(w);
    if (adapter)
        assert_ok(model_add_lora(w->model, 2, 4, "all-linear", 7, e));
    assert_ok(model_set_trainable(w->model, adapter ? TRAIN_ADAPTER : TRAIN_ALL, e));
    assert_ok(trainer_new(&w->trainer, &t, w->model, source, e));
    assert_ok(rollouts_attach(source, w->trainer, e));
    settings_fini(&settings);
}

static void end(struct school *w)
{
    trainer_free(w->trainer);
    model_free(w->model);
    dataset_fini(&w->prompts);
    w->ops->close(w->backend);
}

static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    assert_true(whole);
    *(struct gen_sample **)arg = samples;
}

// What the policy would say now to prompt number b.
static void ask(struct school *w, int b)
{
    struct generator *g;
    struct gen_job *job;
    struct gen_sample *samples = NULL;
    const struct gen_request q = {.prompt = w->prompts.tokens, .n_prompt = 2, .n_samples = SAMPLES, .number = (uint32_t)b,
                                  .options = {.max_new_tokens = LENGTH, .temperature = 1, .top_p = 1, .seed = SEED},
                                  .on_end = on_end, .arg = &samples};
    assert_ok(generator_of(&g, w->model, e));
    assert_ok(generator_submit(g, &q, &job, e));
    while (generator_is_busy(g))
        assert_ok(generator_step(g, e));
    for (int i = 0; i < SAMPLES; i++)
        for (int t = 0; t < LENGTH; t++) {
            w->said[w->trainer->step][b][i][t] = samples[i].tokens[t];
            w->said_logp[w->trainer->step][b][i][t] = samples[i].logprobs[t];
        }
    gen_samples_free(samples, SAMPLES);
}

// All updates; the weights at the end into `weights`, heap.
static size_t train(struct school *w, bool with_asking, float **weights)
{
    for (int step = 1; step <= STEPS; step++) {
        struct step_result r;
        for (int b = 0; with_asking && b < STEPS / PASSES; b++)
            ask(w, b);
        assert_ok(trainer_step(w->trainer, &r, e));
        const double behind = metric_value(&r.metrics, "rollout/staleness");
        const int batch = (step - 1) / PASSES;
        if (step % PASSES == 1)
            assert_true(behind == PASSES * (batch < w->ahead ? batch : w->ahead));
        if (step % PASSES == 1 && w->precision == PRECISION_F32) // of another policy the ratio is another: it is counted
                                                                 // from who said it
            assert_true((metric_value(&r.metrics, "ratio/max") == 1) == (behind == 0));
    }
    const size_t n = model_n_trained(w->model);
    *weights = mem_alloc(n, sizeof **weights);
    assert_ok(model_get_trained(w->model, *weights, e));
    return n;
}

static void batches_are_of_the_weights_that_they_name(void **state)
{
    static const struct {
        int ahead;
        bool adapter;
        enum precision precision;
    } rows[] = {{0, false, PRECISION_F32}, {1, false, PRECISION_F32}, {3, false, PRECISION_F32}, {0, true, PRECISION_F32},
                {1, true, PRECISION_F32}, {3, true, PRECISION_F32}, {1, false, PRECISION_BF16}, {2, true, PRECISION_BF16}};
    static struct school w;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float *weights;
        int n_others = 0;
        begin(&w, rows[i].ahead, rows[i].adapter, 0, 8, rows[i].precision);
        train(&w, true, &weights);
        assert_int_equal(w.n_kept, STEPS / PASSES);
        for (int b = 0; b < w.n_kept; b++) {
            const int64_t step = w.step_of[b];
            assert_true(step == PASSES * (b > w.ahead ? b - w.ahead : 0));
            assert_memory_equal(w.came[b], w.said[step][b], sizeof w.came[b]);
            assert_memory_equal(w.came_logp[b], w.said_logp[step][b], sizeof w.came_logp[b]);
            n_others += memcmp(w.came_logp[b], w.said_logp[PASSES * b][b], sizeof w.came_logp[b]) != 0;
        }
        assert_int_equal(n_others, w.ahead ? w.n_kept - 1 : 0);
        free(weights);
        end(&w);
    }
}

static void nothing_depends_on_who_is_faster(void **state)
{
    static struct school w;
    float *first = NULL;
    for (int i = 0; i < 3; i++) {
        float *weights;
        begin(&w, 2, false, 0.01 * i, 8, PRECISION_F32);
        const size_t n = train(&w, false, &weights);
        if (first)
            assert_memory_equal(weights, first, n * sizeof *first);
        free(i ? weights : NULL);
        first = i ? first : weights;
        end(&w);
    }
    free(first);
}

static void what_fails_there_is_told_here(void **state)
{
    static struct school w;
    struct step_result r;
    struct err fault;
    begin(&w, 1, false, 0, 2, PRECISION_F32); // no room for an answer
    assert_int_equal(trainer_step(w.trainer, &r, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "leaves no room for an answer"));
    end(&w);
}

// A run may end while answers are under way.
static void it_can_be_left_at_once(void **state)
{
    static struct school w;
    struct step_result r;
    for (int i = 0; i < 5; i++) {
        begin(&w, ROLLOUT_MOST_AHEAD, i % 2, 0, 8, PRECISION_F32);
        assert_ok(i ? trainer_step(w.trainer, &r, e) : 0);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_of_the_weights_that_they_name),
        cmocka_unit_test(nothing_depends_on_who_is_faster),
        cmocka_unit_test(what_fails_there_is_told_here),
        cmocka_unit_test(it_can_be_left_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
