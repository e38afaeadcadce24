// Training on the sources of the cuda backend, compiled for the host, beside the cpu backend: tiny models of several families
// learn for fifty steps, by SFT, DPO, an adapter and PPO, with the losses that the cpu has; and what holds of the cuda backend alone.
#include "config.h"

#include "../train/fixture.h"

#include "base/json.h"
#include "base/mem.h"
#include "golden_decoder.h"
#include "train/online/rollouts.h"
#include "train/run/checkpoint.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
size_t cuda_host_allocations(void);

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

// ---- training ----

enum { STEPS = 50, N_PAIRS = 16 };

static void make_world(struct world *w, const char *family)
{
    world_make(w, family);
    world_pairs(w, N_PAIRS); // references of all are computed: most of the time of a test with more
}

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

// An update divides by the gradient's size: eps keeps it from making much of what is rounding alone, and the rate is
// small where a preference soon is certain.
static const struct lesson lessons[] = {
    {"llama", "sft", "batch-size=1 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"gpt2", "dpo", "batch-size=1 lr=0.001 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"opt", "sft", "batch-size=1 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"qwen3", "dpo", "batch-size=1 lr=0.001 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"gemma2", "sft", "batch-size=1 lr=0.003 eps=1e-4", 0, PRECISION_F32, 1e-5},
    {"llama", "dpo", "batch-size=1 lr=0.02 eps=1e-5", 4, PRECISION_F32, 1e-5},
    {"llama", "sft", "batch-size=1 lr=0.003 eps=1e-4", 0, PRECISION_BF16, 1e-2},
};

static void tiny_models_learn_as_on_the_cpu(void **state)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        struct world w;
        make_world(&w, lessons[i].family);
        check_lesson(&lessons[i], &w);
        world_remove(&w);
    }
}

// Blocks, warps and lanes in another order: sums are taken in an order of their own, so the weights have the same bits.
static void any_order_of_threads_gives_the_same_weights(void **state)
{
    struct world w;
    float *first = NULL;
    make_world(&w, "llama");
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
    make_world(&w, "gpt2");
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

enum { N_SAMPLES = 2, N_NEW = 4, MOST_SAID = N_SAMPLES * N_NEW };

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
    const struct rollout_options how = {.prompts = &s->prompts, .batch_size = 1, .samples = N_SAMPLES, .max_length = 32, .seed = 3,
                                        .sampling = {.max_new_tokens = N_NEW, .temperature = 1, .top_p = 1},
                                        .score = score, .keep = keep, .with = s};
    struct trainer_options t = {.optimizer = {.lr = 0.003, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-4},
                                .schedule = schedule_kind("constant"), .total_steps = STEPS, .batch_size = 1,
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
    static const char *const names[] = {"ppo"};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_models_learn_as_on_the_cpu),
        cmocka_unit_test(any_order_of_threads_gives_the_same_weights),
        cmocka_unit_test(a_run_that_is_resumed_has_the_same_bits),
        cmocka_unit_test(answers_are_learnt_from_as_on_the_cpu),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
