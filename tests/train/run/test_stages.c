// Runs whose reference changes on the way (sdpo), and the proximal step that keeps changes sparse (l1).
#include "config.h"

#include "whole.h"

#include <signal.h>
#include <unistd.h>

#include "train/run/stages.h"

// ---- chunks ----

static struct dataset pairs_with_margins(const double *margins, int n)
{
    struct dataset d = {.n_groups = n, .n_seqs = 2 * n};
    d.groups = calloc((size_t)n, sizeof *d.groups);
    d.refs = calloc((size_t)n * 2, sizeof *d.refs);
    for (int g = 0; g < n; g++) {
        d.groups[g] = (struct ds_group){.first_seq = 2 * g, .n_seqs = 2};
        d.refs[2 * g] = margins[g] - 20;
        d.refs[2 * g + 1] = -20;
    }
    return d;
}

static void chunks_share_data_and_steps_in_proportion(void **state)
{
    const double margins[7] = {1, -2, 3, 0.5, 3, -7, 2};
    static const int easy[7] = {2, 4, 6, 0, 3, 1, 5};
    struct dataset d = pairs_with_margins(margins, 7);
    struct stages s;
    assert_ok(stages_init(&s, &d, 3, false, 30, e));
    for (int g = 0; g < 7; g++)
        assert_int_equal(s.groups[g], g);
    assert_int_equal(s.first[0], 0);
    assert_int_equal(s.first[1], 2);
    assert_int_equal(s.first[2], 4);
    assert_int_equal(s.first[3], 7);
    assert_int_equal(s.begins[1], 9); // round(30 * 2 / 7)
    assert_int_equal(s.begins[2], 17);
    assert_int_equal(s.begins[3], 30);
    for (int64_t step = 0; step <= 30; step++)
        assert_int_equal(stages_at(&s, step), step < 9 ? 0 : step < 17 ? 1 : 2);
    bool *wanted = stages_wanted(&s, 1, 7, 1, 1);
    for (int g = 0; g < 7; g++)
        assert_int_equal(wanted[g], g == 2 || g == 3);
    free(wanted);
    stages_fini(&s);
    assert_ok(stages_init(&s, &d, 2, true, 4, e));
    for (int g = 0; g < 7; g++)
        assert_int_equal(s.groups[g], easy[g]);
    stages_fini(&s);
    struct err fault = {0};
    assert_int_equal(stages_init(&s, &d, 8, false, 30, &fault), ERR_USAGE);
    assert_int_equal(stages_init(&s, &d, 3, false, 2, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "3 stages"));
    for (int n = 1; n <= 7; n++) // as few steps as can be: one for each stage
        for (int64_t steps = n; steps < 20; steps++) {
            assert_ok(stages_init(&s, &d, n, false, steps, e));
            for (int t = 0; t < n; t++)
                assert_true(s.begins[t + 1] > s.begins[t]);
            assert_int_equal(s.begins[n], steps);
            stages_fini(&s);
        }
    free(d.groups);
    free(d.refs);
}

// ---- whole runs ----

static void one_stage_is_dpo(void **state)
{
    add_run("plain", "dpo", "");
    add_run("one", "sdpo", "stages=1");
    run_to_end("plain");
    run_to_end("one");
    assert_same_run("plain", "one", "model.safetensors");
}

// At a stage's first step policy and reference are the same model: the margin is zero and the loss log 2.
static void each_stage_starts_from_its_own_reference(void **state)
{
    static const char *const orders[] = {"file", "easy-first"};
    for (int i = 0; i < 2; i++) {
        char name[20], extra[60], text[200];
        snprintf(name, sizeof name, "staged-%d", i);
        snprintf(extra, sizeof extra, "stages=3 order=%s%s", orders[i], i ? " lora-rank=2" : "");
        add_run(name, "sdpo", extra);
        run_to_end(name);
        assert_int_equal(count_events(name, "stage", NULL), 3);
        const int64_t last = step_of_event(name, "stage", text, sizeof text);
        assert_non_null(strstr(text, "stage 3 of 3"));
        assert_true(last > 35 && last < 45);
        assert_close(metric_at(name, "stage", 1), 1, 0);
        assert_close(metric_at(name, "stage", last - 1), 2, 0);
        assert_close(metric_at(name, "stage", last), 3, 0);
        assert_close(metric_at(name, "loss", 1), log(2), 1e-9);
        assert_close(metric_at(name, "loss", last), log(2), 1e-9);
        assert_close(metric_at(name, "rewards/margins", last), 0, 1e-9);
        assert_true(fabs(metric_at(name, "loss", last - 1) - log(2)) > 1e-6);
        assert_true(fabs(metric_at(name, "loss", 60) - log(2)) > 1e-6);
    }
}

static void killed_in_any_stage_ends_with_the_same_bits(void **state)
{
    static const struct {
        const char *objective, *extra, *weights;
    } rows[] = {{"sdpo", "stages=4", "model.safetensors"},
                {"sdpo", "stages=2 order=easy-first lora-rank=2", "adapter_model.safetensors"},
                {"sft", "l1=0.3", "model.safetensors"},
                {"sft", "l1=0.3 lora-rank=2 probe-every=0", "adapter_model.safetensors"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rng rng = rng_make(29, RNG_TEST, (uint32_t)i);
        char alone[20], killed[20], extra[80];
        snprintf(alone, sizeof alone, "alone-%zu", i);
        snprintf(killed, sizeof killed, "killed-%zu", i);
        snprintf(extra, sizeof extra, "threads=2 %s", rows[i].extra);
        add_run(alone, rows[i].objective, rows[i].extra);
        add_run(killed, rows[i].objective, extra);
        run_to_end(alone);
        assert_true(harass(killed, &rng, 4) >= 1);
        run_to_end(killed);
        assert_same_run(alone, killed, rows[i].weights);
    }
}

// The weights that a stage's reference came from are gone: without what was kept of them the run cannot go on, and says so.
static void a_reference_that_is_gone_is_said(void **state)
{
    struct rng rng = rng_make(3, RNG_TEST, 1);
    add_run("forgets", "sdpo", "stages=2 save-every=1 keep=1000");
    char *dir = run_dir("forgets"), *kept = path_join(dir, "reference-train-stage-2.bin");
    pid_t pid = start("forgets", 0);
    while (newest_step(dir) < 33)
        wait_ms(1 + (int)rng_below(&rng, 3));
    kill(pid, SIGKILL);
    finish(pid);
    assert_true(file_exists(kept));
    assert_ok(file_remove_tree(kept, e));
    assert_int_equal(finish(start("forgets", 0)), err_exit_status(ERR_STATE));
    assert_int_equal(count_events("forgets", "end", "reference-train-stage-2.bin"), 1);
    free(dir);
    free(kept);
}

static void too_many_stages_are_refused(void **state)
{
    add_run("many", "sdpo", "stages=50 steps=20");
    assert_int_equal(finish(start("many", 0)), err_exit_status(ERR_USAGE));
    assert_int_equal(count_events("many", "end", "cannot be cut into 50 stages"), 1);
}

// ---- the proximal step ----

static double count_moved(const struct bench *b, const float *before, double *l1)
{
    size_t n, moved = 0;
    float *after = bench_weights(b, &n);
    *l1 = 0;
    for (size_t i = 0; i < n; i++) {
        moved += after[i] != before[i];
        *l1 += fabs((double)after[i] - (double)before[i]);
    }
    free(after);
    return (double)moved;
}

static void l1_leaves_weights_where_they_began(void **state)
{
    static const struct {
        const char *settings;
        int rank;
    } rows[] = {{"l1=0 lr=0.001", 0}, {"l1=0.5 lr=0.001", 0}, {"l1=1000 lr=0.001", 0}, {"l1=0.5 lr=0.001", 2}};
    double moved[4], l1[4];
    for (int i = 0; i < 4; i++) {
        struct bench b;
        struct step_result r;
        size_t n;
        bench_make(&b, &world,
                   &(struct bench_options){.objective = "sft", .settings = rows[i].settings, .steps = 5,
                                           .lora_rank = rows[i].rank});
        float *before = bench_weights(&b, &n);
        for (int step = 0; step < 5; step++)
            assert_ok(trainer_step(b.trainer, &r, e));
        moved[i] = count_moved(&b, before, &l1[i]);
        assert_int_equal(isnan(metric_value(&r.metrics, "sparsity")), i == 0);
        if (i > 0 && rows[i].rank == 0) {
            const double all = (double)arch_n_params(&b.model->arch);
            assert_close(metric_value(&r.metrics, "l1_norm"), l1[i], 1e-9 * (1 + l1[i]));
            // moved by less than 1e-8: hardly any
            assert_close(metric_value(&r.metrics, "sparsity"), 1 - moved[i] / all, 1e-3);
        }
        free(before);
        bench_free(&b);
    }
    assert_true(moved[1] < 0.9 * moved[0] && moved[1] > 0);
    assert_true(l1[1] < l1[0]);
    assert_close(moved[2], 0, 0);
    assert_close(l1[2], 0, 0);
    assert_true(moved[3] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_share_data_and_steps_in_proportion),
        cmocka_unit_test(one_stage_is_dpo),
        cmocka_unit_test(each_stage_starts_from_its_own_reference),
        cmocka_unit_test(killed_in_any_stage_ends_with_the_same_bits),
        cmocka_unit_test(a_reference_that_is_gone_is_said),
        cmocka_unit_test(too_many_stages_are_refused),
        cmocka_unit_test(l1_leaves_weights_where_they_began),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
