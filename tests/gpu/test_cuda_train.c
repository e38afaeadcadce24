// Whole models on the sources of the cuda backend, compiled for the host, beside the cpu backend: gradients, sampling,
// and training of tiny models of several families. The cpu's gradients are checked against differences of a plain decoder in
// double precision (tests/unit/test_decoder_gradient.c), so that these follow.
#include "config.h"

#include "../train/fixture.h"

#include <pthread.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "golden_decoder.h"
#include "model/generate.h"
#include "train/online/rollouts.h"
#include "train/run/checkpoint.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
size_t cuda_host_allocations(void);
void cuda_host_driver(int version, int n_devices, int major);

static struct golden golden;

static int set_up(void **state)
{
    golden_open(&golden);
    return 0;
}

static int tear_down(void **state)
{
    golden_close(&golden);
    return 0;
}

static double largest_of(const float *x, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

// ---- gradients ----

// What a forward and a backward of the golden batch leave: all that is said and felt.
struct numbers {
    float logprobs[64], scores[16];
    float *grads;
    size_t n;
};

enum { WHOLE, ADAPTER };

// An adapter as if it had been trained: its b is zero in a new one.
static void fill_adapter(struct model *m)
{
    struct rng rng = rng_make(5, RNG_TEST, 1);
    float *values = mem_alloc(m->n_lora_floats, sizeof *values);
    for (size_t i = 0; i < m->n_lora_floats; i++)
        values[i] = (float)(0.2 * rng_normal(&rng));
    m->ops->upload(m->backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
    free(values);
}

static void compute(const struct backend_ops *ops, enum precision precision, const json_t *one, int what, struct numbers *out)
{
    struct backend *b;
    struct decoder *d;
    struct pack pack;
    struct param_block blocks[2];
    *out = (struct numbers){.grads = NULL};
    assert_ok(ops->open(&b, &(struct backend_options){.n_threads = 1, .precision = precision}, e));
    struct model *m = golden_model(one, "weights", ops, b);
    const bool scored = model_tensor(m, T_SCORE_W, -1) != NULL;
    if (what == ADAPTER) {
        assert_ok(model_add_lora(m, 3, 6, "all-linear", 3, e));
        fill_adapter(m);
    }
    assert_ok(model_set_trainable(m, what == ADAPTER ? TRAIN_ADAPTER : TRAIN_ALL, e));
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, true, e));
    assert_ok(decoder_logprobs(d, &pack.batch, out->logprobs, NULL, NULL, e));
    if (scored)
        assert_ok(decoder_scores(d, &pack.batch, out->scores, e));
    assert_ok(decoder_backward(d, &pack.batch, golden.coef, scored ? golden.score_coef : NULL, e));
    const int n_blocks = model_param_blocks(m, blocks);
    for (int i = 0; i < n_blocks; i++) {
        out->grads = mem_realloc(out->grads, out->n + blocks[i].n, sizeof *out->grads);
        ops->download(b, out->grads + out->n, blocks[i].grads, blocks[i].n * sizeof *out->grads);
        out->n += blocks[i].n;
    }
    assert_ok(ops->sync(b, e));
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
    ops->close(b);
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

// Where each tensor's gradients begin, for a bound of its own size; the last is the end of all.
static int tensor_starts(const json_t *one, int what, size_t *starts)
{
    struct backend *b;
    const struct backend_ops *cpu = backend_find("cpu");
    int n = 0;
    assert_ok(cpu->open(&b, &(struct backend_options){.n_threads = 1}, e));
    struct model *m = golden_model(one, "weights", cpu, b);
    if (what == ADAPTER)
        assert_ok(model_add_lora(m, 3, 6, "all-linear", 3, e));
    for (int t = 0; what == WHOLE && t < m->n_tensors; t++)
        starts[n++] = m->tensors[t].offset;
    for (int i = 0; what == ADAPTER && i < m->arch.n_layers * N_LAYER_TENSORS; i++)
        if (m->lora_pairs[i].in > 0) {
            starts[n++] = m->lora_pairs[i].a;
            starts[n++] = m->lora_pairs[i].b;
        }
    starts[n++] = what == WHOLE ? m->n_floats : m->n_lora_floats;
    qsort(starts, (size_t)n, sizeof *starts, by_size);
    model_free(m);
    cpu->close(b);
    return n;
}

// Within `bound` of the largest element of each tensor; *worst: how near it came.
static void expect_gradients(const char *name, int what, const json_t *one, const struct numbers *got, const struct numbers *want,
                             double bound, double *worst)
{
    size_t starts[512];
    int n = tensor_starts(one, what, starts);
    assert_int_equal(got->n, want->n);
    if (starts[n - 1] < want->n) // a score head beside the adapter
        starts[n++] = want->n;
    for (int t = 0; t + 1 < n; t++) {
        double largest = largest_of(want->grads + starts[t], starts[t + 1] - starts[t]);
        largest = largest < 1e-6 ? 1 : largest; // zero in exact arithmetic, as a key's bias
        for (size_t i = starts[t]; i < starts[t + 1]; i++) {
            const double apart = fabs((double)got->grads[i] - (double)want->grads[i]) / largest;
            if (!(apart <= bound))
                fail_msg("%s%s, tensor %d, element %zu: gradient %.9g, on the cpu %.9g", name, what == ADAPTER ? " (adapter)" : "", t,
                         i - starts[t], (double)got->grads[i], (double)want->grads[i]);
            *worst = fmax(*worst, apart);
        }
    }
}

// Sums of 37 products or fewer in another order, and other expf: a few units of 6e-8 at each of some dozen steps.
static void gradients_are_those_of_the_cpu(void **state)
{
    const json_t *one;
    size_t i;
    double worst = 0, worst_said = 0;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        for (int what = WHOLE; what <= ADAPTER; what++) {
            struct numbers got, want;
            compute(backend_find("cpu"), PRECISION_F32, one, what, &want);
            compute(&backend_cuda, PRECISION_F32, one, what, &got);
            for (int k = 0; k < golden.n_targets; k++) {
                assert_close(got.logprobs[k], want.logprobs[k], 2e-6 * (1 + fabs((double)want.logprobs[k])));
                worst_said = fmax(worst_said, fabs((double)got.logprobs[k] - (double)want.logprobs[k]));
            }
            for (int k = 0; k < golden.n_seqs; k++)
                assert_close(got.scores[k], want.scores[k], 5e-6 * (1 + fabs((double)want.scores[k])));
            expect_gradients(json_string_value(json_object_get(one, "name")), what, one, &got, &want, 1e-5, &worst);
            free(got.grads), free(want.grads);
        }
    print_message("          gradients within %.2g of each tensor's largest, log-probabilities within %.2g\n", worst, worst_said);
}

// bf16 keeps 8 bits: products of rounded numbers, of which some dozen follow each other. Measured against f32 on the same
// backend, for the bits that are lost are the same on both.
static void gradients_in_bf16_are_near_those_in_f32(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct numbers exact, rounded;
        double apart = 0, size = 0;
        compute(&backend_cuda, PRECISION_F32, one, WHOLE, &exact);
        compute(&backend_cuda, PRECISION_BF16, one, WHOLE, &rounded);
        for (size_t k = 0; k < exact.n; k++) {
            apart += pow((double)exact.grads[k] - (double)rounded.grads[k], 2);
            size += pow((double)exact.grads[k], 2);
        }
        if (!(sqrt(apart / size) > 1e-4 && sqrt(apart / size) < 0.03))
            fail_msg("%s: gradients in bf16 are off by %g of their length", json_string_value(json_object_get(one, "name")),
                     sqrt(apart / size));
        free(exact.grads), free(rounded.grads);
    }
}

// ---- sampling ----

static void golden_sample(const struct backend_ops *ops, struct backend *b, const json_t *one, bool adapter,
                          const struct gen_options *o, struct model **m, struct gen_sample **samples)
{
    struct gen_prompt prompts[8];
    int n = 0;
    *m = golden_model(one, "weights", ops, b);
    if (adapter) {
        assert_ok(model_add_lora(*m, 3, 6, "all-linear", 3, e));
        fill_adapter(*m);
    }
    for (int i = 0; i < golden.n_groups; i++)
        prompts[i] = (struct gen_prompt){golden.groups[i].prompt, golden.groups[i].n_prompt, 2};
    assert_ok(generate(*m, prompts, golden.n_groups, o, NULL, NULL, samples, &n, e));
    assert_int_equal(n, 2 * golden.n_groups);
}

// The forward of the whole text says of each token what decoding said.
static void expect_forward(struct model *m, const struct gen_sample *samples)
{
    struct pack_group groups[8] = {{0}};
    struct pack pack;
    struct decoder *d;
    float said[256];
    int n = 0;
    for (int i = 0; i < golden.n_groups; i++) {
        groups[i] = golden.groups[i];
        groups[i].n_responses = 2;
        for (int k = 0; k < 2; k++) {
            groups[i].responses[k] = samples[2 * i + k].tokens;
            groups[i].n_response[k] = samples[2 * i + k].n_tokens;
        }
    }
    pack_init(&pack, groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, said, NULL, NULL, e));
    for (int i = 0; i < 2 * golden.n_groups; i++)
        for (int t = 0; t < samples[i].n_tokens; t++)
            assert_close(samples[i].logprobs[t], said[n++], 1e-5);
    assert_int_equal(n, pack.batch.n_targets);
    decoder_free(d);
    pack_fini(&pack);
}

static void a_cache_says_what_a_forward_says_and_draws_as_the_cpu(void **state)
{
    static const struct gen_options ways[] = {{.max_new_tokens = 12, .temperature = 1, .top_p = 1, .seed = 42},
                                              {.max_new_tokens = 12, .temperature = 0, .top_p = 1, .seed = 42},
                                              {.max_new_tokens = 12, .temperature = 0.6f, .top_k = 9, .top_p = 0.9f, .seed = 7}};
    const struct backend_ops *const both[] = {backend_find("cpu"), &backend_cuda};
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        const size_t way = i % 3; // each way with several families
        struct gen_sample *samples[2];
        struct model *models[2];
        struct backend *b[2];
        for (int k = 0; k < 2; k++) {
            assert_ok(both[k]->open(&b[k], &(struct backend_options){.n_threads = 1}, e));
            golden_sample(both[k], b[k], one, i % 2, &ways[way], &models[k], &samples[k]);
        }
        expect_forward(models[1], samples[1]);
        for (int k = 0; k < 2 * golden.n_groups; k++) {
            assert_int_equal(samples[1][k].n_tokens, samples[0][k].n_tokens);
            assert_memory_equal(samples[1][k].tokens, samples[0][k].tokens, (size_t)samples[0][k].n_tokens * sizeof(int32_t));
        }
        for (int k = 0; k < 2; k++) {
            generate_free(samples[k], 2 * golden.n_groups);
            model_free(models[k]);
            both[k]->close(b[k]);
        }
    }
}

// ---- training ----

enum { STEPS = 50 };

struct lesson {
    const char *family, *objective, *settings;
    int lora_rank;
    enum precision precision;
    double bound; // of the losses: of what the cpu has and 0.1, for some go to zero
};

static void train(const struct backend_ops *ops, const struct lesson *l, const struct world *w, int n, double *losses)
{
    struct bench b;
    struct step_result r;
    bench_make(&b, w, &(struct bench_options){.objective = l->objective, .settings = l->settings, .steps = STEPS,
                                              .lora_rank = l->lora_rank, .ops = ops, .precision = l->precision});
    for (int i = 0; i < n; i++) {
        assert_ok(trainer_step(b.trainer, &r, e));
        losses[i] = r.loss;
    }
    bench_free(&b);
}

static void check_lesson(const struct lesson *l, const struct world *w)
{
    double cpu[STEPS], cuda[STEPS], worst = 0;
    train(backend_find("cpu"), l, w, STEPS, cpu);
    train(&backend_cuda, l, w, STEPS, cuda);
    for (int i = 0; i < STEPS; i++)
        worst = fmax(worst, fabs(cuda[i] - cpu[i]) / (0.1 + cpu[i]));
    print_message("          %-6s %-4s %s%s: loss %.4g to %.4g, within %.2g\n", l->family, l->objective,
                  l->precision == PRECISION_BF16 ? "bf16" : "f32", l->lora_rank ? " LoRA" : "", cuda[0], cuda[STEPS - 1], worst);
    assert_true(cuda[STEPS - 1] < 0.9 * cuda[0]); // it learns
    if (!(worst <= l->bound))
        fail_msg("losses are off by %g of the cpu's", worst);
    assert_int_equal(cuda_host_allocations(), 0);
}

static const struct lesson lessons[] = {
    {"llama", "sft", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"gpt2", "dpo", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"opt", "sft", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"qwen3", "dpo", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"gemma2", "sft", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"llama", "dpo", "batch-size=2 lr=0.01 eps=1e-4", 4, PRECISION_F32, 1e-5},
    {"llama", "sft", "batch-size=2 lr=0.003 eps=1e-4", 0, PRECISION_BF16, 1e-2},
};

static void tiny_models_learn_as_on_the_cpu(void **state)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        struct world w;
        world_make(&w, lessons[i].family);
        check_lesson(&lessons[i], &w);
        world_remove(&w);
    }
}

// Blocks, warps and lanes in another order: sums are taken in an order of their own, so the weights have the same bits.
static void any_order_of_threads_gives_the_same_weights(void **state)
{
    struct world w;
    float *first = NULL;
    world_make(&w, "llama");
    for (int order = 0; order < N_ORDERS; order++) {
        struct bench b;
        struct step_result r;
        size_t n;
        cuda_host_order((enum cuda_host_order)order, 5);
        bench_make(&b, &w, &(struct bench_options){.objective = "dpo", .settings = "batch-size=2", .steps = 3, .ops = &backend_cuda});
        for (int i = 0; i < 3; i++)
            assert_ok(trainer_step(b.trainer, &r, e));
        float *weights = bench_weights(&b, &n);
        bench_free(&b);
        if (first)
            assert_memory_equal(weights, first, n * sizeof *weights);
        free(first ? weights : NULL);
        first = first ? first : weights;
    }
    cuda_host_order(ORDER_UP, 0);
    free(first);
    world_remove(&w);
}

static void make_dpo(struct bench *b, const struct world *w)
{
    bench_make(b, w, &(struct bench_options){.objective = "dpo", .settings = "batch-size=2", .steps = 6, .ops = &backend_cuda});
}

static void a_run_that_is_resumed_has_the_same_bits(void **state)
{
    const struct checkpoint_facts facts = {"dpo", "model", "data"};
    struct world w;
    struct bench b;
    struct step_result r;
    json_t *settings = json_object(), *again = NULL;
    char *name = NULL, *folder;
    int64_t step;
    size_t n;
    world_make(&w, "gpt2");
    char *dir = path_join(w.dir, "run");
    make_dpo(&b, &w);
    for (int i = 0; i < 6; i++) {
        assert_ok(trainer_step(b.trainer, &r, e));
        if (i == 2)
            assert_ok(checkpoint_write(b.trainer, dir, &facts, settings, NULL, SAVE_F32, 1, &name, e));
    }
    float *whole = bench_weights(&b, &n);
    bench_free(&b);
    make_dpo(&b, &w);
    assert_non_null(folder = checkpoint_latest(dir, &step));
    assert_ok(checkpoint_restore(b.trainer, folder, &facts, &again, e));
    assert_int_equal(b.trainer->step, 3);
    for (int i = 0; i < 3; i++)
        assert_ok(trainer_step(b.trainer, &r, e));
    float *resumed = bench_weights(&b, &n);
    bench_free(&b);
    assert_memory_equal(whole, resumed, n * sizeof *whole);
    json_decref(settings);
    json_decref(again);
    free(whole), free(resumed), free(name), free(folder), free(dir);
    world_remove(&w);
}

// ---- learning from its own answers ----

enum { N_SAMPLES = 4, N_NEW = 6, MOST_SAID = 16 * N_SAMPLES * N_NEW };

struct school {
    const struct backend_ops *ops;
    struct backend *backend;
    struct dataset prompts;
    struct trainer *trainer;
    struct model *model;
    int32_t said[STEPS][MOST_SAID]; // every batch's tokens
    double score[STEPS];            // mean
    int n_batches;
};

// The share of even tokens.
static int score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    for (int i = 0; i < b->data.n_seqs; i++) {
        const struct ds_seq *s = &b->data.seqs[i];
        b->scores[i] = 0;
        for (int t = 0; t < s->n; t++)
            b->scores[i] += (b->data.tokens[s->first + (size_t)t] % 2 == 0) / (double)s->n;
    }
    return 0;
}

static void keep(void *with, const struct rollout_batch *b, int64_t step)
{
    struct school *s = with;
    int n = 0;
    for (int i = 0; i < b->data.n_seqs; i++) {
        s->score[s->n_batches] += b->scores[i] / b->data.n_seqs;
        for (int t = 0; t < b->data.seqs[i].n; t++)
            s->said[s->n_batches][n++] = b->data.tokens[b->data.seqs[i].first + (size_t)t];
    }
    s->n_batches++;
}

static void begin(struct school *s, const struct backend_ops *ops, const char *objective, int golden_case)
{
    struct settings settings;
    struct run_tables tables;
    const struct objective *o;
    struct group_source *source;
    struct model *value;
    *s = (struct school){.ops = ops};
    assert_ok(ops->open(&s->backend, &(struct backend_options){.n_threads = 1}, e));
    s->prompts.groups = mem_alloc((size_t)golden.n_groups, sizeof *s->prompts.groups);
    for (int i = 0; i < golden.n_groups; i++) {
        const struct pack_group *g = &golden.groups[i];
        s->prompts.groups[s->prompts.n_groups++] =
            (struct ds_group){.prompt = dataset_add_tokens(&s->prompts, g->prompt, (size_t)g->n_prompt), .n_prompt = g->n_prompt};
    }
    assert_ok(objective_find(&o, objective, e));
    run_settings_init(&settings, &tables, o);
    const struct rollout_options how = {.prompts = &s->prompts, .batch_size = 2, .samples = N_SAMPLES, .max_length = 32, .seed = 3,
                                        .sampling = {.max_new_tokens = N_NEW, .temperature = 1, .top_p = 1},
                                        .score = score, .keep = keep, .with = s};
    struct trainer_options t = {.optimizer = {.lr = 0.003, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-4},
                                .schedule = schedule_kind("constant"), .total_steps = STEPS, .batch_size = 2,
                                .max_batch_tokens = 4096, .longest = N_NEW, .seed = 3};
    objective_configure(&t.objective, o, &settings);
    const struct needs needs = objective_needs(&t.objective);
    t.keep_reference = needs.networks & NETWORK_REFERENCE;
    rollouts_new(&source, &how);
    s->model = golden_model(json_array_get(json_object_get(golden.file, "cases"), (size_t)golden_case), "weights", ops, s->backend);
    assert_ok(model_set_trainable(s->model, TRAIN_ALL, e));
    assert_ok(trainer_new(&s->trainer, &t, s->model, source, e));
    if (needs.networks & NETWORK_VALUE) {
        assert_ok(model_copy(&value, s->model, LOAD_SCORE, e));
        assert_ok(model_set_trainable(value, TRAIN_ALL, e));
        assert_ok(trainer_add_value(s->trainer, value, e));
    }
    assert_ok(rollouts_attach(source, s->trainer, e));
    settings_fini(&settings);
}

static void end(struct school *s)
{
    trainer_free(s->trainer);
    model_free(s->model);
    dataset_fini(&s->prompts);
    s->ops->close(s->backend);
}

// Tokens are drawn from nearly the same probabilities: those of both are the same unless a draw falls between them.
static void answers_are_learnt_from_as_on_the_cpu(void **state)
{
    static const char *const names[] = {"ppo", "grpo"};
    static struct school schools[2];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        double worst = 0;
        for (int i = 0; i < 2; i++)
            begin(&schools[i], i ? &backend_cuda : backend_find("cpu"), names[k], (int)k);
        for (int step = 0; step < STEPS; step++) {
            struct step_result r[2];
            for (int i = 0; i < 2; i++)
                assert_ok(trainer_step(schools[i].trainer, &r[i], e));
            worst = fmax(worst, fabs(r[0].loss - r[1].loss) / (1 + fabs(r[0].loss)));
        }
        print_message("          %s: losses within %.2g, mean score %.3g to %.3g\n", names[k], worst, schools[1].score[0],
                      schools[1].score[STEPS - 1]);
        assert_memory_equal(schools[0].said, schools[1].said, sizeof schools[0].said);
        assert_true(schools[1].score[STEPS - 1] > schools[1].score[0] + 0.1);
        assert_true(worst <= 1e-5);
        for (int i = 0; i < 2; i++)
            end(&schools[i]);
    }
}

// ---- other threads, other devices ----

struct asked {
    struct model *m;
    float logprobs[64];
};

static void *ask(void *with)
{
    struct asked *a = with;
    struct decoder *d;
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, a->m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, a->logprobs, NULL, NULL, e));
    decoder_free(d);
    pack_fini(&pack);
    return NULL;
}

// What samples ahead of training is such a twin, on a stream of its own and in a thread of its own; every thread begins on the
// first device.
static void a_twin_in_another_thread_says_the_same(void **state)
{
    const struct backend_options second = {.device = 1};
    struct backend *own, *other;
    struct asked a = {0}, b = {0};
    pthread_t thread;
    cuda_host_driver(13000, 2, 9);
    assert_ok(backend_cuda.open(&own, &second, e));
    assert_string_equal(backend_cuda.device(own), "cuda:1, host 1");
    assert_ok(backend_cuda.open(&other, &second, e));
    a.m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", &backend_cuda, own);
    assert_ok(model_add_lora(a.m, 3, 6, "all-linear", 3, e));
    fill_adapter(a.m);
    assert_ok(model_set_trainable(a.m, TRAIN_ADAPTER, e));
    assert_ok(model_twin(&b.m, a.m, other, e));
    float *trained = mem_alloc(model_n_trained(a.m), sizeof *trained);
    assert_ok(model_get_trained(a.m, trained, e));
    assert_ok(model_put_trained(b.m, trained, e));
    assert_int_equal(pthread_create(&thread, NULL, ask, &b), 0);
    pthread_join(thread, NULL);
    ask(&a);
    assert_true(isfinite(a.logprobs[0]) && a.logprobs[0] < 0);
    assert_memory_equal(a.logprobs, b.logprobs, sizeof a.logprobs);
    free(trained);
    model_free(b.m);
    model_free(a.m);
    backend_cuda.close(other);
    backend_cuda.close(own);
    cuda_host_driver(13000, 1, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_cpu),
        cmocka_unit_test(gradients_in_bf16_are_near_those_in_f32),
        cmocka_unit_test(a_cache_says_what_a_forward_says_and_draws_as_the_cpu),
        cmocka_unit_test(tiny_models_learn_as_on_the_cpu),
        cmocka_unit_test(any_order_of_threads_gives_the_same_weights),
        cmocka_unit_test(a_run_that_is_resumed_has_the_same_bits),
        cmocka_unit_test(answers_are_learnt_from_as_on_the_cpu),
        cmocka_unit_test(a_twin_in_another_thread_says_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
