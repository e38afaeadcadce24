// Whole runs whose policy answers: killed in a rollout, in an update and between passes they end with the same weights and
// answers; every objective of that kind trains; what cannot be is refused before there is a run.
#include "config.h"

#include "whole.h"

#include "cpu/cpu.h"

static char *reward_model; // a folder

static int set_up(void **state)
{
    struct str path = {0};
    make_world(state);
    add_run("rm", "rm", "steps=9 probe-every=0");
    run_to_end("rm");
    char *dir = run_dir("rm");
    str_addf(&path, "%s/checkpoints/step-9", dir);
    free(dir);
    reward_model = str_take(&path);
    return 0;
}

static int tear_down(void **state)
{
    free(reward_model);
    return remove_world(state);
}

static void add(const char *name, const char *objective, const char *extra)
{
    struct str all = {0};
    str_addf(&all, "reward-model=%s max-new-tokens=6 max-length=64 %s", reward_model, extra);
    if (strcmp(objective, "ppo-ptx") == 0)
        str_addf(&all, " ptx-data=%s", world.pairs_path);
    add_run(name, objective, str_text(&all));
    str_fini(&all);
}

// All answers of a run as one text, oldest first.
static char *answers_of(const char *name, int *n_rows)
{
    struct run_reader *r;
    struct run_rollout *rows;
    struct str all = {0};
    char *dir = run_dir(name);
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_rollouts(r, 0, 100000, &rows, n_rows, e));
    for (int i = *n_rows - 1; i >= 0; i--) {
        str_addf(&all, "%lld %lld %d %d %.17g %.17g %s|%s:", (long long)rows[i].step, (long long)rows[i].prompt_number,
                 rows[i].sample, rows[i].ended, rows[i].score, rows[i].logp, rows[i].prompt, rows[i].response);
        for (int k = 0; k < rows[i].n_tokens; k++)
            str_addf(&all, " %d", rows[i].tokens[k]);
        str_addc(&all, '\n');
    }
    run_rollouts_free(rows, *n_rows);
    run_reader_close(r);
    free(dir);
    return str_take(&all);
}

// A checkpoint every 9 updates, a batch of answers every 4: most lie between two passes.
static void killed_runs_answer_and_learn_the_same(void **state)
{
    static const struct {
        const char *objective, *extra, *weights;
        int samples;
    } rows[] = {
        {"ppo", "samples=2 passes=2 minibatches=2 value-lr=0.003 kl-target=0.5", "model.safetensors", 2},
        {"conditional-pm-rlhf", "samples=3 passes=4 alpha=0.01 lora-rank=2", "adapter_model.safetensors", 3},
        {"ppo-ptx", "samples=2 passes=2 minibatches=2 value-lr=0.003 ptx-coef=1 ptx-batch=3", "model.safetensors", 2},
        {"nash-md", "samples=4 passes=4 lora-rank=2", "adapter_model.safetensors", 4},
        {"inpo", "samples=3 passes=2 minibatches=2 top-k=20", "model.safetensors", 3},
        {"ppo", "samples=2 passes=2 rollout-ahead=1 value-lr=0.003", "model.safetensors", 2},
        {"grpo",
         "samples=3 passes=4 rollout-ahead=3 lora-rank=2 beta=0 top-k=5 is-correction=token",
         "adapter_model.safetensors", 3},
        {"rloo", "samples=2 minibatches=2 rollout-ahead=2 precision=bf16", "model.safetensors", 2},
        {"grpo", "samples=4 minibatches=4 top-p=0.8 temperature=1.3 mask-truncated=yes", "model.safetensors", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rng rng = rng_make(23, RNG_TEST, (uint32_t)i);
        char alone[20], killed[20], extra[160];
        int n, m;
        snprintf(alone, sizeof alone, "alone-%zu", i);
        snprintf(killed, sizeof killed, "killed-%zu", i);
        snprintf(extra, sizeof extra, "threads=2 %s", rows[i].extra);
        add(alone, rows[i].objective, rows[i].extra);
        add(killed, rows[i].objective, extra);
        run_to_end(alone);
        assert_true(harass(killed, &rng, 5) >= 2);
        run_to_end(killed);
        assert_true(count_events(killed, "resume", "continued from") >= 1);
        assert_same_run(alone, killed, rows[i].weights);
        char *a = answers_of(alone, &n), *b = answers_of(killed, &m);
        assert_true(n >= 60 / 4 * 4 * rows[i].samples && n == m);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
}

static void every_objective_that_answers_trains(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++) {
        if (!(*o)->online)
            continue;
        char name[40];
        snprintf(name, sizeof name, "trains-%s", (*o)->name);
        add(name, (*o)->name, "samples=2 steps=2 eval-every=0");
        run_to_end(name);
        for (const char *const *key = (*o)->metrics; key && *key; key++)
            if (!strstr(*key, "val")) // of a value network, which a parameter decides on
                assert_true(isfinite(metric_at(name, *key, 2)));
        assert_true(isfinite(metric_at(name, "reward", 2)) && isfinite(metric_at(name, "eval/reward", 2)));
        if ((*o)->online->judge)
            // on-policy, bit for bit
            assert_true(metric_at(name, "ratio/max", 1) == 1 && metric_at(name, "ratio/min", 1) == 1);
        else
            assert_true(isfinite(metric_at(name, "grad_norm", 2)));
    }
}

// Cut and warm: before its first update a batch has ratios of exactly 1, and the sampler's numbers are the trainer's;
// penalties are over the whole vocabulary all the same.
static void ratios_are_of_what_was_drawn_from(void **state)
{
    static const char *const ways[] = {"top-p=0.7 temperature=1.4", "top-k=5", "min-p=0.05 temperature=0.6",
                                       "temperature=2"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct str extra = {0};
        char name[20];
        snprintf(name, sizeof name, "drawn-%zu", i);
        str_addf(&extra, "samples=4 steps=4 passes=2 eval-every=0 probe-every=0 %s", ways[i]);
        add(name, "grpo", str_text(&extra));
        run_to_end(name);
        for (int step = 1; step <= 3; step += 2) {
            assert_true(metric_at(name, "ratio/max", step) == 1 && metric_at(name, "ratio/min", step) == 1);
            assert_close(metric_at(name, "rollout/kl", step), 0, 1e-5);
        }
        assert_true(metric_at(name, "ratio/max", 2) != 1);
        assert_close(metric_at(name, "objective/kl", 1), 0, 1e-4); // the policy is the reference still
        str_fini(&extra);
    }
}

// What the sampler has said is what reading its answers once more says: a cut that leaves everything, at a temperature, is
// read.
static void the_sampler_says_what_reading_says(void **state)
{
    static const char *const facts[] = {"entropy", "objective/entropy", "objective/kl", "loss"};
    add("said", "grpo", "samples=4 steps=1 eval-every=0 probe-every=0 temperature=1.4");
    add("read", "grpo", "samples=4 steps=1 eval-every=0 probe-every=0 temperature=1.4 top-k=320");
    run_to_end("said");
    run_to_end("read");
    assert_true(metric_at("said", "entropy", 1) > 1 && metric_at("said", "objective/entropy", 1) > 1);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        assert_close(metric_at("said", facts[i], 1), metric_at("read", facts[i], 1), 1e-4);
}

// The same run without weights that make up for the sampler's arithmetic, with those of tokens, and with sequences left out.
static void weigh(const char *name, const char *settings, bool *differs)
{
    static const char *const ways[] = {"", "is-correction=token", "is-correction=sequence is-cap=1.00000001 is-mode=mask"};
    double loss[3];
    for (int i = 0; i < 3; i++) {
        struct str extra = {0};
        char run[24];
        snprintf(run, sizeof run, "%s-%d", name, i);
        str_addf(&extra, "samples=4 steps=1 eval-every=0 probe-every=0 %s %s", settings, ways[i]);
        add(run, "grpo", str_text(&extra));
        run_to_end(run);
        loss[i] = metric_at(run, "loss/policy_avg", 1);
        const double least = metric_at(run, "sampling/importance_sampling_ratio/min", 1);
        const double most = metric_at(run, "sampling/importance_sampling_ratio/max", 1);
        const double ess = metric_at(run, "sampling/importance_sampling_ratio/ess", 1);
        const double beyond = metric_at(run, "sampling/importance_sampling_ratio/truncated", 1);
        *differs = metric_at(run, "sampling/sampling_logp_difference/max", 1) > 0;
        assert_true((metric_at(run, "rollout/kl", 1) != 0) == *differs);
        assert_true(*differs ? least < 1 && most > 1 && ess < 1 : least == 1 && most == 1 && ess == 1);
        assert_true((beyond > 0) == (*differs && i == 2));
        str_fini(&extra);
    }
    assert_true((loss[0] != loss[1]) == *differs && (loss[0] != loss[2]) == *differs && (loss[1] != loss[2]) == *differs);
}

// Our own kernels decode with the bits of the training forward, other products do not: that is measured, and the weights
// that make up for it change the loss. Where nothing differs they change no bit.
static void other_arithmetic_is_measured_and_weighed(void **state)
{
    struct cpu_probe cpu;
    bool differs;
    cpu_probe(&cpu);
    weigh("own", "", &differs);
    assert_true(!differs || strcmp(cpu.level, "generic") == 0);
    weigh("bf16", "precision=bf16", &differs);
    if (!differs)
        print_message("bf16 is multiplied by our own kernels here, whose decoding has no other bits\n");
    setenv("ATTUNE_CPU", "generic", 1); // OpenBLAS
    weigh("blas", "", &differs);
    unsetenv("ATTUNE_CPU");
    assert_true(differs);
}

// With the score of a reward model nobody trained nothing is learnt but the answers are as they were: the loss is the
// objective's own.
static void the_reward_is_the_reward_models(void **state)
{
    int n;
    add("scored", "rloo", "samples=2 steps=1 beta=0 eval-every=0 probe-every=0");
    run_to_end("scored");
    struct run_reader *r;
    struct run_rollout *rows;
    char *dir = run_dir("scored");
    double sum = 0;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_rollouts(r, 0, 1000, &rows, &n, e));
    assert_int_equal(n, 8);
    for (int i = 0; i < n; i++)
        sum += rows[i].score / n;
    assert_close(metric_at("scored", "reward", 1), sum, 1e-12);
    run_rollouts_free(rows, n);
    run_reader_close(r);
    free(dir);
}

// What is imitated beside the answers is what sft would imitate: the same texts in the same order, and, where nothing else
// weighs, the same gradient.
static void texts_are_imitated_as_by_sft(void **state)
{
    static const double coef = 1e5;
    add("imitates", "ppo-ptx", "samples=2 steps=1 ptx-coef=1e5 clip=0 eval-every=0 probe-every=0 eval-share=0");
    add_run("sft", "sft", "steps=1 clip=0 max-length=64 eval-every=0 probe-every=0 eval-share=0");
    run_to_end("imitates");
    run_to_end("sft");
    assert_close(metric_at("imitates", "ptx_loss", 1), metric_at("sft", "loss", 1), 1e-6);
    assert_close(metric_at("imitates", "grad_norm", 1) / coef, metric_at("sft", "grad_norm", 1), 1e-3);
    assert_close(metric_at("imitates", "loss", 1) / coef, metric_at("sft", "loss", 1), 1e-3);
    add_run("no-texts", "ppo-ptx", "samples=2 steps=1 reward-model=/nowhere");
    assert_int_equal(finish(start("no-texts", 0)), err_exit_status(ERR_USAGE));
}

// Two batches of four prompts: numbers 0 to 7 of training, each with all its samples.
static void batches_go_on_through_the_prompts(void **state)
{
    struct run_reader *r;
    struct run_rollout *rows;
    int n, seen[8] = {0};
    add("goes-on", "rloo", "samples=2 steps=2 eval-every=0 probe-every=0");
    run_to_end("goes-on");
    char *dir = run_dir("goes-on");
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_rollouts(r, 0, 1000, &rows, &n, e));
    assert_int_equal(n, 16);
    for (int i = 0; i < n; i++) {
        assert_true(rows[i].prompt_number >= 0 && rows[i].prompt_number < 8);
        assert_int_equal(rows[i].step, 1 + rows[i].prompt_number / 4);
        seen[rows[i].prompt_number] |= 1 << rows[i].sample;
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(seen[i], 3);
    run_rollouts_free(rows, n);
    run_reader_close(r);
    free(dir);
}

// An answer ends with the token that completes a stop text, and has ended then.
static void answers_end_at_stop_texts(void **state)
{
    struct run_reader *r;
    struct run_rollout *rows;
    int n, n_stopped = 0;
    add("stops", "rloo", "samples=4 steps=4 max-new-tokens=24 stop=e,n eval-every=0 probe-every=0");
    run_to_end("stops");
    char *dir = run_dir("stops");
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_rollouts(r, 0, 1000, &rows, &n, e));
    assert_int_equal(n, 64);
    for (int i = 0; i < n; i++) {
        const size_t before = strcspn(rows[i].response, "en");
        n_stopped += rows[i].response[before] != '\0';
        if (rows[i].response[before])
            assert_true(rows[i].ended);
        assert_true(strlen(rows[i].response + before) < 20); // nothing but the rest of that token
    }
    assert_true(n_stopped > n / 2);
    run_rollouts_free(rows, n);
    run_reader_close(r);
    free(dir);
    add("bad-stop", "rloo", "samples=2 steps=1 stop=a,,b");
    assert_int_equal(finish(start("bad-stop", 0)), err_exit_status(ERR_USAGE));
}

static void what_cannot_be_is_refused(void **state)
{
    add_run("no-reward", "rloo", "samples=2 steps=1");
    assert_int_equal(finish(start("no-reward", 0)), err_exit_status(ERR_USAGE));
    add_run("no-model", "rloo", "samples=2 steps=1 reward-model=/nowhere");
    assert_int_not_equal(finish(start("no-model", 0)), 0);
    struct str plain = {0}; // a model without a reward head would have every answer earn 0
    str_addf(&plain, "samples=2 steps=1 reward-model=%s", world.model_dir);
    add_run("no-head", "rloo", str_text(&plain));
    assert_int_equal(finish(start("no-head", 0)), err_exit_status(ERR_USAGE));
    str_fini(&plain);
    add("two-ways", "grpo", "samples=2 steps=1 rollout-ahead=1 dynamic-sampling=yes");
    assert_int_equal(finish(start("two-ways", 0)), err_exit_status(ERR_USAGE));
    add_run("alone", "ppo", "samples=1 steps=1 rewards=preference:/nowhere");
    assert_int_equal(finish(start("alone", 0)), err_exit_status(ERR_USAGE));
    add("masked-opponents", "nash-md", "samples=2 steps=1 mask-truncated=yes");
    assert_int_equal(finish(start("masked-opponents", 0)), err_exit_status(ERR_USAGE));
    add("no-reference-ahead", "xpo", "samples=2 steps=1 rollout-ahead=1");
    assert_int_equal(finish(start("no-reference-ahead", 0)), err_exit_status(ERR_USAGE));
    add("no-room", "rloo", "samples=2 steps=1 max-new-tokens=64");
    assert_int_not_equal(finish(start("no-room", 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_answer_and_learn_the_same),
        cmocka_unit_test(every_objective_that_answers_trains),
        cmocka_unit_test(ratios_are_of_what_was_drawn_from),
        cmocka_unit_test(the_sampler_says_what_reading_says),
        cmocka_unit_test(texts_are_imitated_as_by_sft),
        cmocka_unit_test(other_arithmetic_is_measured_and_weighed),
        cmocka_unit_test(batches_go_on_through_the_prompts),
        cmocka_unit_test(answers_end_at_stop_texts),
        cmocka_unit_test(the_reward_is_the_reward_models),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
