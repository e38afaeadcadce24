// What the reference says of the data, computed once: kept on disk by model and data, and in part where it was stopped.
#include "config.h"

#include "fixture.h"

#include "train/learn/reference.h"

static struct world world;

static double train(struct bench *b, int steps)
{
    struct step_result r = {0};
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
    return r.loss;
}

static void references_are_kept_on_disk_by_model_and_data(void **state)
{
    struct bench b;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 20});
    char *path = path_join(world.dir, "reference.bin");
    struct reference_options o = {.path = path, .model_key = "one", .max_batch_tokens = 256};
    double *first = malloc((size_t)b.train.n_seqs * sizeof *first);
    bool *half = calloc((size_t)b.train.n_groups, 1);
    for (int i = 0; i < b.train.n_groups / 2; i++)
        half[i] = true;
    assert_ok(reference_fill(&b.train, half, b.model, &o, e));
    assert_true(isfinite(b.train.refs[0]));
    assert_true(isnan(b.train.refs[b.train.n_seqs - 1]));
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    memcpy(first, b.train.refs, (size_t)b.train.n_seqs * sizeof *first);
    train(&b, 5); // the model is another now; what is in the file is not
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    assert_memory_equal(first, b.train.refs, (size_t)b.train.n_seqs * sizeof *first);
    o.model_key = "two";
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    assert_true(fabs(b.train.refs[0] - first[0]) > 1e-4);
    assert_ok(file_write(path, "damaged", 7, e)); // a damaged cache is no reason to fail
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    free(first);
    free(half);
    free(path);
    bench_free(&b);
}

struct patience {
    int calls, most, first_all;
};

static bool stop_later(void *arg, const char *what, int done, int all)
{
    struct patience *p = arg;
    if (p->calls == 0)
        p->first_all = all;
    return p->calls++ < p->most;
}

static void references_of_a_stopped_computation_are_kept(void **state)
{
    struct bench b;
    struct patience p = {.most = 1};
    struct err fault = {0};
    world_pairs(&world, 160);
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 20});
    const size_t bytes = (size_t)b.train.n_seqs * sizeof(double);
    char *path = path_join(world.dir, "stopped.bin"), *whole_path = path_join(world.dir, "whole.bin");
    struct reference_options o = {.path = whole_path, .model_key = "one", .max_batch_tokens = 256};
    double *whole = malloc(bytes);
    assert_true(b.train.n_groups > 64);
    // In the same batches: OpenBLAS, where it is used, gives a row other bits in another batch.
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    memcpy(whole, b.train.refs, bytes);
    o.path = path;
    o.progress = stop_later;
    o.arg = &p;
    assert_int_equal(reference_fill(&b.train, NULL, b.model, &o, &fault), ERR_INTERRUPTED);
    assert_int_equal(p.first_all, b.train.n_groups);
    p = (struct patience){.most = 100};
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    assert_int_equal(p.first_all, b.train.n_groups - 64); // the first piece was there already
    assert_memory_equal(whole, b.train.refs, bytes);
    free(whole);
    free(whole_path);
    free(path);
    bench_free(&b);
    world_pairs(&world, 80);
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_kept_on_disk_by_model_and_data),
        cmocka_unit_test(references_of_a_stopped_computation_are_kept),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
