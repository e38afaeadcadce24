// The training step on a tiny model: it learns, and what it computes depends neither on threads nor on how a
// batch is cut.
#include "config.h"

#include "fixture.h"

#include "base/rng.h"
#include "train/run/checkpoint.h"

// Allocations of the thread that counts: sanitizers tell of them, else glibc's own entry points do the work.
static _Thread_local bool counting;
static int n_allocations;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void *, size_t),
                                              void (*given_back)(const volatile void *));

static void count_allocation(const volatile void *p, size_t n)
{
    n_allocations += counting;
}

static void count_free(const volatile void *p)
{
}

static void install_counter(void)
{
    __sanitizer_install_malloc_and_free_hooks(count_allocation, count_free);
}
#else
static void install_counter(void)
{
}

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void *malloc(size_t n)
{
    n_allocations += counting;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    n_allocations += counting;
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    n_allocations += counting;
    return __libc_realloc(p, n);
}
#endif

static struct world world;

static double train(struct bench *b, int steps)
{
    struct step_result r = {0};
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
    return r.loss;
}

static void sft_learns_the_chosen_texts_by_heart(void **state)
{
    struct bench b;
    struct step_result first;
    bench_make(&b, &world, &(struct bench_options){.objective = "sft", .steps = 150});
    assert_ok(trainer_step(b.trainer, &first, e));
    assert_true(first.loss > 4); // log 320 = 5.8 for an untrained model
    assert_true(train(&b, 149) < 0.5);
    bench_free(&b);
}

static void dpo_raises_held_out_margin_and_accuracy(void **state)
{
    struct bench b;
    struct metric_list before, after;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = "lr=0.003", .steps = 60});
    bench_evaluate(&b, &before);
    assert_close(metric_value(&before, "eval/loss"), log(2), 1e-6);
    assert_close(metric_value(&before, "eval/rewards/margins"), 0, 1e-6);
    train(&b, 60);
    bench_evaluate(&b, &after);
    assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.9);
    assert_true(metric_value(&after, "eval/rewards/margins") > 0.5);
    assert_true(metric_value(&after, "eval/loss") < 0.5);
    bench_free(&b);
}

static void rm_ranks_held_out_pairs(void **state)
{
    struct bench b;
    struct metric_list after;
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .settings = "lr=0.003", .steps = 80});
    train(&b, 80);
    bench_evaluate(&b, &after);
    assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.9);
    bench_free(&b);
}

// The same batch whole and in small pieces: the same loss and gradient but for rounding.
static void micro_batches_do_not_change_the_step(void **state)
{
    static const char *const objectives_here[] = {"sft", "dpo", "rm", "kto", "bco", "dro-v", "d2o"};
    for (size_t i = 0; i < sizeof objectives_here / sizeof *objectives_here; i++) {
        struct bench whole, pieces;
        struct step_result a, b;
        struct bench_options o = {.objective = objectives_here[i], .steps = 4, .settings = "batch-size=12 lr=0.001"};
        bench_make(&whole, &world, &o);
        o.settings = "batch-size=12 lr=0.001 max-batch-tokens=40";
        bench_make(&pieces, &world, &o);
        for (int step = 0; step < 4; step++) {
            assert_ok(trainer_step(whole.trainer, &a, e));
            assert_ok(trainer_step(pieces.trainer, &b, e));
            assert_int_equal(a.n_tokens, b.n_tokens);
            assert_close(b.loss, a.loss, 2e-4 * fabs(a.loss));
            assert_close(b.grad_norm, a.grad_norm, 2e-3 * a.grad_norm);
        }
        bench_free(&whole);
        bench_free(&pieces);
    }
}

static void compare_bitwise(const struct bench_options *first, const struct bench_options *second)
{
    struct bench a, b;
    size_t n, m;
    bench_make(&a, &world, first);
    bench_make(&b, &world, second);
    train(&a, first->steps);
    train(&b, second->steps);
    float *x = bench_weights(&a, &n), *y = bench_weights(&b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n * sizeof *x);
    free(x);
    free(y);
    bench_free(&a);
    bench_free(&b);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static const char *const objectives_here[] = {"sft", "dpo", "rm", "kto", "bco", "dro-v", "d2o"};
    for (size_t i = 0; i < sizeof objectives_here / sizeof *objectives_here; i++)
        compare_bitwise(&(struct bench_options){.objective = objectives_here[i], .steps = 6, .threads = 1},
                        &(struct bench_options){.objective = objectives_here[i], .steps = 6, .threads = 3});
}

static void recomputing_activations_gives_the_same_bits(void **state)
{
    compare_bitwise(&(struct bench_options){.objective = "dpo", .steps = 6},
                    &(struct bench_options){.objective = "dpo", .steps = 6, .settings = "recompute=yes"});
}

// A bound on the targets of a micro-batch cuts it, and the logits that are kept then are as good as those made again.
static void keeping_logits_gives_the_same_bits(void **state)
{
    enum { STEPS = 6, FEW = 40 };
    struct bench kept, again, uncut;
    struct step_result r[3];
    bench_make(&kept, &world, &(struct bench_options){.objective = "dpo", .steps = STEPS});
    bench_make(&again, &world, &(struct bench_options){.objective = "dpo", .steps = STEPS, .settings = "recompute=yes"});
    bench_make(&uncut, &world, &(struct bench_options){.objective = "dpo", .steps = STEPS});
    assert_true(kept.trainer->most_targets >= 256 && kept.trainer->most_targets == again.trainer->most_targets);
    kept.trainer->most_targets = again.trainer->most_targets = FEW;
    for (int i = 0; i < STEPS; i++) {
        assert_ok(trainer_step(kept.trainer, &r[0], e));
        assert_true(kept.trainer->packed.batch.n_targets <= FEW);
        assert_ok(trainer_step(again.trainer, &r[1], e));
        assert_ok(trainer_step(uncut.trainer, &r[2], e));
        assert_true(uncut.trainer->packed.batch.n_targets > FEW);
        assert_true(r[0].loss == r[1].loss && r[0].grad_norm == r[1].grad_norm);
        assert_close(r[0].loss, r[2].loss, 1e-4);
        assert_close(r[0].grad_norm, r[2].grad_norm, 1e-3 * r[2].grad_norm);
    }
    bench_free(&kept);
    bench_free(&again);
    bench_free(&uncut);
}

static void nothing_is_allocated_in_a_step(void **state)
{
    static const char *const objectives_here[] = {"sft", "dpo", "rm", "kto", "bco", "dro-v", "d2o", "beta-dpo",
                                                  "aot-unpaired", "tdpo2", "cringe"};
    for (size_t i = 0; i < sizeof objectives_here / sizeof *objectives_here; i++) {
        struct bench b;
        struct step_result r;
        bench_make(&b, &world, &(struct bench_options){.objective = objectives_here[i], .steps = 60, .threads = 2});
        json_t *begin;
        assert_ok(trainer_save_source(b.trainer, world.dir, &begin, e));
        train(&b, 15);
        b.trainer->step = 0; // the same batches again: there is room for each of them
        assert_ok(trainer_restore_source(b.trainer, begin, world.dir, e));
        json_decref(begin);
        n_allocations = 0;
        counting = true;
        int code = trainer_step(b.trainer, &r, NULL);
        for (int k = 0; k < 14 && !code; k++)
            code = trainer_step(b.trainer, &r, NULL);
        counting = false;
        assert_int_equal(code, 0);
        assert_int_equal(n_allocations, 0);
        bench_free(&b);
    }
}

static void a_step_that_is_not_finite_leaves_the_weights(void **state)
{
    struct bench b;
    struct step_result r;
    struct err fault = {0};
    size_t n;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 10});
    train(&b, 2);
    const float bad = NAN;
    float *norm = model_weight(b.model, T_FINAL_NORM_W, 0), kept;
    b.ops->download(b.backend, &kept, norm, sizeof kept);
    float *before = bench_weights(&b, &n);
    b.ops->upload(b.backend, norm, &bad, sizeof bad);
    b.ops->weights_changed(b.backend);
    assert_int_equal(trainer_step(b.trainer, &r, &fault), ERR_NUMERIC);
    assert_non_null(strstr(fault.text, "step 3"));
    assert_int_equal(b.trainer->step, 2);
    b.ops->upload(b.backend, norm, &kept, sizeof kept);
    float *after = bench_weights(&b, &n);
    assert_memory_equal(before, after, n * sizeof *before);
    assert_close(optimizer_grad_norm(&b.trainer->optimizer), 0, 0);
    free(before);
    free(after);
    bench_free(&b);
}

static void lora_trains_the_adapter_alone_and_saves_it_for_peft(void **state)
{
    struct bench b;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = "lr=0.02", .steps = 30, .lora_rank = 4});
    const size_t n = b.model->n_floats;
    float *before = malloc(n * sizeof *before), *after = malloc(n * sizeof *after);
    struct metric_list metrics;
    b.ops->download(b.backend, before, b.model->weights, n * sizeof *before);
    train(&b, 30);
    b.ops->download(b.backend, after, b.model->weights, n * sizeof *after);
    assert_memory_equal(before, after, n * sizeof *before);
    bench_evaluate(&b, &metrics);
    assert_true(metric_value(&metrics, "eval/rewards/margins") > 0.1);

    char *dir = path_join(world.dir, "adapter"), *weights = path_join(dir, "adapter_model.safetensors"),
         *config = path_join(dir, "adapter_config.json");
    assert_ok(model_save(b.model, dir, SAVE_F32, e));
    assert_true(file_exists(weights) && file_exists(config));
    // Loaded again it says the same, and its base without it what the reference said.
    struct model *again;
    struct decoder *decoder;
    struct packed packed;
    struct seq a[8], c[8];
    const int groups[] = {0, 1, 2};
    assert_ok(model_load(&again, dir, b.ops, b.backend, 0, e));
    assert_ok(decoder_new(&decoder, again, false, e));
    assert_ok(packed_init(&packed, &b.train, 512, 0, e));
    assert_ok(forward_groups(b.trainer->decoder, &packed, &b.train, groups, 3, 512, &(struct reading){0}, a, NULL, e));
    assert_ok(forward_groups(decoder, &packed, &b.train, groups, 3, 512, &(struct reading){0}, c, NULL, e));
    for (int i = 0; i < 6; i++)
        assert_close(c[i].logp, a[i].logp, 1e-4);
    again->adapter_on = false;
    assert_ok(forward_groups(decoder, &packed, &b.train, groups, 3, 512, &(struct reading){0}, c, NULL, e));
    for (int i = 0; i < 6; i++)
        assert_close(c[i].logp, b.train.refs[i], 1e-4);
    packed_fini(&packed);
    decoder_free(decoder);
    model_free(again);
    free(before);
    free(after);
    free(dir);
    free(weights);
    free(config);
    bench_free(&b);
}

// ---- an objective that looks at the whole batch: the mean log-probability is its baseline ----

static int n_prepared;

static void baseline_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    double sum = 0;
    for (int i = first[0]; i < first[n_groups]; i++)
        sum += seqs[i].logp;
    r->state[0] = sum / first[n_groups];
    n_prepared++;
}

static double baseline_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double above = s[0].logp - r->state[0];
    s[0].d_logp = 2 * above;
    s[1].d_logp = 0;
    s[0].reward = s[1].reward = 0;
    metrics[0] = above;
    return above * above;
}

static void batch_objectives_see_all_groups_however_they_are_cut(void **state)
{
    static const char *const names[] = {"above", NULL};
    const struct objective baseline = {.name = "baseline", .data = DATA_PAIR, .metrics = names,
                                       .prepare = baseline_prepare, .loss = baseline_loss};
    double losses[2], norms[2], seen[2];
    for (int i = 0; i < 2; i++) {
        struct bench b;
        struct step_result r;
        const char *settings = i ? "batch-size=10 max-batch-tokens=30" : "batch-size=10";
        bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 1, .settings = settings});
        b.trainer->options.objective.objective = &baseline;
        n_prepared = 0;
        assert_ok(trainer_step(b.trainer, &r, e));
        assert_int_equal(n_prepared, 1);
        losses[i] = r.loss;
        norms[i] = r.grad_norm;
        seen[i] = metric_value(&r.metrics, "above");
        bench_free(&b);
    }
    assert_true(losses[0] > 0);
    assert_close(losses[1], losses[0], 1e-4 * losses[0]);
    assert_close(norms[1], norms[0], 1e-3 * norms[0]);
    assert_close(seen[1], seen[0], 1e-4 * (1 + fabs(seen[0])));
}

// Running means and the like, whatever they are.
static void checkpoints_keep_an_objectives_state(void **state)
{
    const double values[] = {0.1, NAN, INFINITY, -1e-310, -0.0};
    const struct checkpoint_facts facts = {"sft", "model", "data"};
    struct bench b;
    json_t *settings = json_object(), *again = NULL;
    char *name = NULL, *dir = path_join(world.dir, "stateful");
    int64_t step;
    bench_make(&b, &world, &(struct bench_options){.objective = "sft", .steps = 4});
    memcpy(b.trainer->options.objective.state, values, sizeof values);
    assert_ok(checkpoint_write(b.trainer, dir, &facts, settings, NULL, SAVE_F32, 1, &name, e));
    memset(b.trainer->options.objective.state, 0, sizeof b.trainer->options.objective.state);
    char *folder = checkpoint_latest(dir, &step);
    assert_non_null(folder);
    assert_ok(checkpoint_restore(b.trainer, folder, &facts, &again, e));
    const double *state_now = b.trainer->options.objective.state;
    assert_true(state_now[0] == 0.1 && isnan(state_now[1]) && isinf(state_now[2]) && state_now[3] == -1e-310);
    assert_true(signbit(state_now[4]) && state_now[5] == 0);
    json_decref(settings);
    json_decref(again);
    free(name);
    free(dir);
    free(folder);
    bench_free(&b);
}

static int make_world(void **state)
{
    install_counter();
    world_make(&world, "llama");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

// ---- batches of a source ----

static float *weights_after(int batch_size, int minibatches, int n_updates, size_t *n)
{
    struct bench b;
    struct step_result r;
    char settings[64];
    snprintf(settings, sizeof settings, "batch-size=%d lr=0.005", batch_size);
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = settings, .steps = 20});
    b.trainer->options.minibatches = minibatches;
    for (int i = 0; i < n_updates; i++) {
        assert_ok(trainer_step(b.trainer, &r, e));
        assert_int_equal(r.step, i + 1); // updates are counted, whatever they are made of
    }
    float *weights = bench_weights(&b, n);
    bench_free(&b);
    return weights;
}

// A batch in two halves is two batches; the position in the data is that of the batches, not of the updates.
static void minibatches_are_batches_of_their_own(void **state)
{
    size_t n, m;
    float *whole = weights_after(4, 1, 6, &n), *halves = weights_after(8, 2, 6, &m);
    assert_int_equal(n, m);
    assert_memory_equal(whole, halves, n * sizeof *whole);
    free(whole);
    free(halves);
}

static void passes_go_over_a_batch_again(void **state)
{
    struct bench b;
    struct step_result r;
    int seen[3][8];
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = "batch-size=8 lr=0.001", .steps = 20});
    b.trainer->options.minibatches = 2;
    b.trainer->options.passes = 3;
    for (int pass = 0; pass < 3; pass++)
        for (int half = 0; half < 2; half++) {
            assert_ok(trainer_step(b.trainer, &r, e));
            memcpy(seen[pass] + 4 * half, b.trainer->groups, 4 * sizeof(int));
            assert_int_equal(group_source_position(b.trainer->source), 8);
        }
    for (int pass = 1; pass < 3; pass++) {
        assert_memory_not_equal(seen[0], seen[pass], sizeof seen[0]); // in another order
        for (int i = 0; i < 8; i++) {
            int n = 0;
            for (int k = 0; k < 8; k++)
                n += seen[pass][k] == seen[0][i];
            assert_int_equal(n, 1);
        }
    }
    assert_ok(trainer_step(b.trainer, &r, e));
    assert_int_equal(group_source_position(b.trainer->source), 16);
    bench_free(&b);
}

// In the middle of a batch, and between two.
static void a_source_goes_back_to_where_it_was_saved(void **state)
{
    for (int save_at = 3; save_at <= 4; save_at++) {
        struct bench b[2];
        struct step_result r;
        for (int k = 0; k < 2; k++) {
            bench_make(&b[k], &world,
                       &(struct bench_options){.objective = "dpo", .settings = "batch-size=8 lr=0.001", .steps = 20});
            b[k].trainer->options.minibatches = 2;
            b[k].trainer->options.passes = 2;
        }
        for (int i = 0; i < save_at; i++)
            assert_ok(trainer_step(b[0].trainer, &r, e));
        json_t *saved;
        assert_ok(trainer_save_source(b[0].trainer, world.dir, &saved, e));
        b[1].trainer->step = save_at;
        assert_ok(trainer_restore_source(b[1].trainer, saved, world.dir, e));
        for (int i = 0; i < 6; i++) {
            assert_ok(trainer_step(b[0].trainer, &r, e));
            assert_ok(trainer_step(b[1].trainer, &r, e));
            assert_memory_equal(b[0].trainer->groups, b[1].trainer->groups, 4 * sizeof(int));
        }
        struct err fault = {0};
        json_object_set_new(saved, "name", json_string("rollouts"));
        assert_int_equal(trainer_restore_source(b[1].trainer, saved, world.dir, &fault), ERR_STATE);
        json_decref(saved);
        bench_free(&b[0]);
        bench_free(&b[1]);
    }
}

// ---- waits for the device ----

static struct backend_ops counted;
static const struct backend_ops *real;
static int n_downloads, n_waits;

static void counting_download(struct backend *b, void *host, const void *from, size_t bytes)
{
    n_downloads++;
    real->download(b, host, from, bytes);
}

static int counting_sync(struct backend *b, struct err *e)
{
    n_waits++;
    return real->sync(b, e);
}

static double counting_sum_squares(struct backend *b, const float *x, size_t n)
{
    n_waits++;
    return real->sum_squares(b, x, n);
}

// A micro-batch downloads once, what the head said; a step waits for the norm of its gradients and for its end.
static void a_step_waits_as_seldom_as_it_can(void **state)
{
    static const char *const names[] = {"dpo", "simpo", "sft", "rm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bench b;
        struct step_result r;
        bench_make(&b, &world, &(struct bench_options){.objective = names[i], .settings = "batch-size=4", .steps = 3});
        real = b.model->ops;
        counted = *real;
        counted.download = counting_download;
        counted.sync = counting_sync;
        counted.sum_squares = counting_sum_squares;
        b.model->ops = &counted;
        n_downloads = n_waits = 0;
        assert_ok(trainer_step(b.trainer, &r, e));
        assert_int_equal(n_downloads, 1);
        assert_int_equal(n_waits, 4); // the read of the head, the norm, what went wrong before the update, its end
        b.model->ops = real;
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sft_learns_the_chosen_texts_by_heart),
        cmocka_unit_test(dpo_raises_held_out_margin_and_accuracy),
        cmocka_unit_test(rm_ranks_held_out_pairs),
        cmocka_unit_test(micro_batches_do_not_change_the_step),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(recomputing_activations_gives_the_same_bits),
        cmocka_unit_test(keeping_logits_gives_the_same_bits),
        cmocka_unit_test(nothing_is_allocated_in_a_step),
        cmocka_unit_test(a_step_that_is_not_finite_leaves_the_weights),
        cmocka_unit_test(lora_trains_the_adapter_alone_and_saves_it_for_peft),
        cmocka_unit_test(batch_objectives_see_all_groups_however_they_are_cut),
        cmocka_unit_test(checkpoints_keep_an_objectives_state),
        cmocka_unit_test(minibatches_are_batches_of_their_own),
        cmocka_unit_test(passes_go_over_a_batch_again),
        cmocka_unit_test(a_source_goes_back_to_where_it_was_saved),
        cmocka_unit_test(a_step_waits_as_seldom_as_it_can),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
