// Every objective of the table that takes pairs, without naming one: it trains from the command line and logs what it
// says it logs, and how a batch is cut changes nothing. Then those that look at the whole batch.
#include "config.h"

#include "fixture.h"

#include "base/rng.h"
#include "corpus/corpus.h"
#include "store/run_db.h"
#include "store/store.h"

static struct world world;
static char *project;

// The metric's points at steps 1 and 2 are there and finite.
static void check_logged(struct run_reader *r, const char *objective, const char *key)
{
    struct metric_point *points;
    int64_t cursor = 0;
    int n, found = 0;
    assert_ok(run_reader_points(r, key, &cursor, &points, &n, e));
    for (int i = 0; i < n; i++)
        found += points[i].step >= 1 && isfinite(points[i].value);
    free(points);
    if (found != 2)
        fail_msg("%s: %s has %d finite points, not 2", objective, key, found);
}

static void train_from_the_command_line(const struct objective *o)
{
    struct str line = {0}, trained = {0}; // the run that makes steps: the experiment itself makes none
    struct store *s;
    struct run_reader *r;
    char *attune = test_build("attune"), *said = path_join(world.dir, "said.txt"), *bytes;
    size_t n;
    str_addf(&line,
             "%s train --project %s --objective %s --name %s --model %s --data %s --steps 2 --batch-size 4 --eval-every 0 "
             "--probe-every 0 --threads 1 >%s 2>&1 </dev/null",
             attune, project, o->name, o->name, world.model_dir, world.pairs_path, said);
    if (system(str_text(&line)) != 0) {
        assert_ok(file_read(said, 1 << 20, &bytes, &n, e));
        fail_msg("%s does not train: %s", o->name, bytes);
    }
    assert_ok(store_open(&s, project, false, e));
    str_addf(&trained, "%s%s", o->name, o->of_runs ? ".dpo" : "");
    char *dir = store_run_dir(s, str_text(&trained));
    store_close(s);
    assert_ok(run_reader_open(&r, dir, e));
    check_logged(r, o->name, "loss");
    check_logged(r, o->name, "grad_norm");
    for (const char *const *key = o->metrics; key && *key; key++)
        check_logged(r, o->name, *key);
    run_reader_close(r);
    free(dir);
    free(attune);
    free(said);
    str_fini(&line);
    str_fini(&trained);
}

static void all_that_take_pairs_train_from_the_command_line(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++)
        if ((*o)->data & DATA_PAIR)
            train_from_the_command_line(*o);
}

// Models that have moved away from their reference: at the start some losses have a corner.
static void move_references(struct bench *b)
{
    struct rng rng = rng_make(31, RNG_TEST, 0);
    for (int i = 0; b->train.refs && i < b->train.n_seqs; i++)
        b->train.refs[i] += rng_normal(&rng);
}

static void compare_metrics(const char *objective, const struct metric_list *a, const struct metric_list *b)
{
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        const double x = a->items[i].value, y = metric_value(b, a->items[i].key);
        if (strcmp(a->items[i].key, "step_s") == 0 || strcmp(a->items[i].key, "tokens_per_s") == 0)
            continue;
        if (!(fabs(x - y) <= 2e-3 * (1e-2 + fabs(x))))
            fail_msg("%s: %s is %.9g of the whole batch, %.9g in pieces", objective, a->items[i].key, x, y);
    }
}

static void micro_batches_change_no_objective(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++) {
        struct bench benches[2];
        struct step_result steps[2];
        if (!((*o)->data & DATA_PAIR))
            continue;
        for (int i = 0; i < 2; i++) {
            const char *settings = i ? "batch-size=10 lr=0.001 max-batch-tokens=30" : "batch-size=10 lr=0.001";
            bench_make(&benches[i], &world,
                       &(struct bench_options){.objective = (*o)->name, .steps = 3, .settings = settings});
            move_references(&benches[i]);
        }
        for (int step = 0; step < 3; step++) {
            for (int i = 0; i < 2; i++)
                assert_ok(trainer_step(benches[i].trainer, &steps[i], e));
            compare_metrics((*o)->name, &steps[0].metrics, &steps[1].metrics);
        }
        const double *kept = benches[0].trainer->options.objective.state, *cut = benches[1].trainer->options.objective.state;
        for (int i = 0; i < OBJECTIVE_MAX_STATE; i++)
            assert_close(cut[i], kept[i], 1e-3 * (1e-2 + fabs(kept[i])));
        bench_free(&benches[0]);
        bench_free(&benches[1]);
    }
}

static void evaluations_touch_no_state(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++) {
        struct bench b;
        struct step_result r;
        struct metric_list first, again;
        double before[OBJECTIVE_MAX_STATE];
        if (!((*o)->data & DATA_PAIR))
            continue;
        bench_make(&b, &world, &(struct bench_options){.objective = (*o)->name, .steps = 2});
        assert_ok(trainer_step(b.trainer, &r, e));
        memcpy(before, b.trainer->options.objective.state, sizeof before);
        bench_evaluate(&b, &first);
        bench_evaluate(&b, &again);
        assert_memory_equal(before, b.trainer->options.objective.state, sizeof before);
        assert_true(isfinite(metric_value(&first, "eval/loss")));
        assert_true(metric_value(&first, "eval/loss") == metric_value(&again, "eval/loss"));
        bench_free(&b);
    }
}

static void a_failed_step_is_not_remembered(void **state)
{
    const float bad = NAN;
    struct bench b;
    struct step_result r;
    struct err fault = {0};
    double before[OBJECTIVE_MAX_STATE];
    bench_make(&b, &world, &(struct bench_options){.objective = "beta-dpo", .steps = 3});
    assert_ok(trainer_step(b.trainer, &r, e));
    memcpy(before, b.trainer->options.objective.state, sizeof before);
    b.ops->upload(b.backend, model_weight(b.model, T_FINAL_NORM_W, 0), &bad, sizeof bad);
    b.ops->weights_changed(b.backend);
    assert_int_equal(trainer_step(b.trainer, &r, &fault), ERR_NUMERIC);
    assert_memory_equal(before, b.trainer->options.objective.state, sizeof before);
    bench_free(&b);
}

// The loss of a batch is the mean over its pairs that the paper means: for the filter of beta-dpo over those that are
// kept.
static void the_filter_of_beta_dpo_gives_the_mean_over_kept_pairs(void **state)
{
    struct bench b;
    struct step_result r;
    bench_make(&b, &world, &(struct bench_options){.objective = "beta-dpo", .settings = "batch-size=10 max-batch-tokens=40",
                                                   .steps = 2});
    assert_ok(trainer_step(b.trainer, &r, e));
    assert_close(metric_value(&r.metrics, "mask_count"), 8, 1e-12);
    assert_close(r.loss, log(2), 1e-5); // every pair's, at the start
    assert_ok(trainer_step(b.trainer, &r, e));
    assert_true(metric_value(&r.metrics, "gap_std") > 0);
    assert_true(metric_value(&r.metrics, "beta_used") > 0);
    bench_free(&b);
}

// Those that see the whole batch learn what dpo learns.
static void batch_objectives_raise_the_held_out_margin(void **state)
{
    static const char *const names[] = {"beta-dpo", "aot", "aot-unpaired"};
    for (int i = 0; i < 3; i++) {
        struct bench b;
        struct step_result r;
        struct metric_list after;
        bench_make(&b, &world, &(struct bench_options){.objective = names[i], .settings = "lr=0.003 beta=0.1", .steps = 40});
        for (int step = 0; step < 40; step++)
            assert_ok(trainer_step(b.trainer, &r, e));
        bench_evaluate(&b, &after);
        assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.9);
        assert_true(metric_value(&after, "eval/rewards/margins") > 0.3);
        bench_free(&b);
    }
}

static int make_world(void **state)
{
    char *engine = test_build("attune-engine");
    setenv("ATTUNE_ENGINE", engine, 1);
    free(engine);
    world_make(&world, "llama");
    project = path_join(world.dir, "project");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    free(project);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_take_pairs_train_from_the_command_line),
        cmocka_unit_test(micro_batches_change_no_objective),
        cmocka_unit_test(evaluations_touch_no_state),
        cmocka_unit_test(a_failed_step_is_not_remembered),
        cmocka_unit_test(the_filter_of_beta_dpo_gives_the_mean_over_kept_pairs),
        cmocka_unit_test(batch_objectives_raise_the_held_out_margin),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
