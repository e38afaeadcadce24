// Experiments of two runs that are merged (paft): the parts are runs like others, killed and resumed the whole ends with the
// same bits, and what people ask of the experiment reaches its parts.
#include "config.h"

#include "whole.h"

#include <signal.h>
#include <unistd.h>

#include "model/merge_folder.h"
#include "model/safetensors.h"
#include "train/run/checkpoint.h"

static struct run_status status_of(const char *name)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct run_status status = {.state = RUN_QUEUED};
    if (run_reader_open(&r, dir, NULL) == 0) {
        if (run_reader_status(r, &status, NULL))
            status.state = RUN_QUEUED;
        run_reader_close(r);
    }
    free(dir);
    return status;
}

static bool exists(const char *name)
{
    struct store *s;
    struct run_info info;
    assert_ok(store_open(&s, project, false, e));
    const bool found = store_find_run(s, name, &info, NULL) == 0;
    if (found)
        run_info_fini(&info);
    store_close(s);
    return found;
}

static int64_t wait_for(const char *name, int64_t step)
{
    for (int i = 0; i < 20000 && status_of(name).step < step; i++)
        wait_ms(2);
    return status_of(name).step;
}

// A run that was killed is found dead once its process is gone; parts are children of the experiment's process or of nobody.
static void kill_part(const char *name)
{
    const struct run_status s = status_of(name);
    if (run_state_is_live(s.state) && s.pid > 0)
        kill(s.pid, SIGKILL);
    for (int i = 0; i < 2000 && run_state_is_live(status_of(name).state); i++)
        wait_ms(2);
}

// What an engine records reaches the file a moment later.
static void expect_events(const char *name, const char *kind, const char *part, int n)
{
    for (int i = 0; i < 1000 && count_events(name, kind, part) < n; i++)
        wait_ms(2);
    assert_int_equal(count_events(name, kind, part), n);
}

static double newest(const char *name, const char *key)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    double value = NAN;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_latest(r, &key, 1, &value, e));
    run_reader_close(r);
    free(dir);
    return value;
}

// The result is what attune model merge makes of the two runs' checkpoints.
static void the_result_is_the_merge_of_its_parts(void **state)
{
    struct merge_result merged;
    add_run("whole", "paft", "l1=0.2 density=0.5 keep=1");
    run_to_end("whole");
    assert_int_equal(status_of("whole.sft").state, RUN_DONE);
    assert_int_equal(status_of("whole.dpo").state, RUN_DONE);
    assert_int_equal(status_of("whole").state, RUN_DONE);
    assert_int_equal(status_of("whole").step, 60);
    char *sft = run_dir("whole.sft"), *dpo = run_dir("whole.dpo"), *out = path_join(world.dir, "by-hand");
    char *a = path_join(sft, "checkpoints/step-60"), *b = path_join(dpo, "checkpoints/step-60");
    const char *const inputs[] = {a, b};
    const struct merge_job job = {.base = world.model_dir, .inputs = inputs, .out = out, .dtype = MERGE_F32,
                                  .options = {.method = MERGE_TIES, .n = 2, .weights = {1, 1}, .lambda = 1, .density = 0.5,
                                              .drop = 0.5, .seed = 1}};
    assert_ok(merge_folders(&job, &merged, e));
    char *dir = run_dir("whole"), *left = path_join(dir, "merged"), *path = path_join(out, "model.safetensors");
    struct st_file *x, *y;
    char *have = path_join(dir, "checkpoints/step-60/model.safetensors");
    assert_ok(st_open(&x, have, e));
    assert_ok(st_open(&y, path, e));
    assert_int_equal(x->n_tensors, y->n_tensors);
    for (size_t i = 0; i < x->n_tensors; i++) {
        const struct st_tensor *t = st_find(y, x->tensors[i].name);
        assert_non_null(t);
        assert_memory_equal(t->bytes, x->tensors[i].bytes, t->n_bytes);
    }
    st_close(x);
    st_close(y);
    assert_false(file_exists(left));
    assert_close(newest("whole", "merge/sparsity"), merge_sparsity(&merged.report.result), 1e-12);
    assert_close(newest("whole", "merge/sft/sparsity"), newest("whole.sft", "sparsity"), 1e-12);
    assert_close(newest("whole", "eval/dpo/rewards/accuracies"), newest("whole.dpo", "eval/rewards/accuracies"), 1e-12);
    assert_true(isfinite(newest("whole", "eval/rewards/margins")) && isfinite(newest("whole", "eval/sft/rewards/margins")));
    char *paths[] = {sft, dpo, out, a, b, dir, left, path, have};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        free(paths[i]);
}

static void one_after_the_other_makes_the_same(void **state)
{
    add_run("serial", "paft", "l1=0.2 density=0.5 keep=1 parallel=no");
    run_to_end("serial");
    assert_same_run("whole", "serial", "model.safetensors");
    assert_same_run("whole.dpo", "serial.dpo", "model.safetensors");
}

// The experiment's engine, one part and then the other are killed on the way.
static void killed_experiments_end_with_the_same_bits(void **state)
{
    add_run("killed", "paft", "l1=0.2 density=0.5 keep=1");
    pid_t pid = start("killed", 0);
    assert_true(wait_for("killed.dpo", 10) >= 10);
    kill(pid, SIGKILL);
    finish(pid);
    kill_part("killed.sft");
    pid = start("killed", 0);
    assert_true(wait_for("killed.sft", 20) >= 20);
    kill(pid, SIGKILL);
    finish(pid);
    kill_part("killed.dpo");
    run_to_end("killed");
    assert_same_run("whole", "killed", "model.safetensors");
    assert_same_run("whole.sft", "killed.sft", "model.safetensors");
}

static void a_part_that_dies_is_said_and_resuming_goes_on(void **state)
{
    add_run("dies", "paft", "l1=0.2 density=0.5 keep=1");
    pid_t pid = start("dies", 0);
    assert_true(wait_for("dies.dpo", 5) >= 5);
    kill_part("dies.dpo");
    assert_int_equal(finish(pid), err_exit_status(ERR_STATE));
    assert_int_equal(status_of("dies").state, RUN_FAILED);
    assert_int_equal(count_events("dies", "end", "dies.dpo is gone without a word"), 1);
    assert_false(run_state_is_live(status_of("dies.sft").state)); // nobody would watch it
    run_to_end("dies");
    assert_same_run("whole", "dies", "model.safetensors");
}

static void pause_set_and_stop_reach_the_parts(void **state)
{
    add_run("steered", "paft", "steps=4000 save-every=0 eval-every=0 probe-every=0");
    pid_t pid = start("steered", 0);
    assert_true(wait_for("steered.dpo", 3) >= 3 && wait_for("steered.sft", 3) >= 3);
    post("steered", CONTROL_SET, "lr", "0.0001");
    post("steered", CONTROL_SET, "beta", "0.3");
    post("steered", CONTROL_SET, "density", "0.9"); // is not live
    post("steered", CONTROL_PAUSE, "", "");
    for (int i = 0;
         i < 5000 && (status_of("steered.sft").state != RUN_PAUSED || status_of("steered.dpo").state != RUN_PAUSED);
         i++)
        wait_ms(2);
    assert_int_equal(status_of("steered.sft").state, RUN_PAUSED);
    assert_int_equal(status_of("steered.dpo").state, RUN_PAUSED);
    expect_events("steered", "set", NULL, 2);
    expect_events("steered", "control", "refused", 1);
    expect_events("steered.sft", "set", "lr = 0.0001", 1);
    expect_events("steered.sft", "set", NULL, 1);
    expect_events("steered.dpo", "set", NULL, 2);
    const int64_t at = status_of("steered.dpo").step;
    post("steered", CONTROL_RESUME, "", "");
    assert_true(wait_for("steered.dpo", at + 2) >= at + 2);
    post("steered", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("steered").state, RUN_STOPPED);
    assert_int_equal(status_of("steered.sft").state, RUN_STOPPED);
    assert_int_equal(status_of("steered.dpo").state, RUN_STOPPED);
    char *dir = run_dir("steered.dpo");
    assert_true(newest_step(dir) >= at + 2); // with a checkpoint to go on from
    free(dir);
}

// Until the process listens to SIGTERM, which it does before it knows what it is to run.
static void wait_until_it_listens(pid_t pid)
{
    char path[40], line[200];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    for (int i = 0; i < 200000; i++) {
        unsigned long long caught = 0;
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            sscanf(line, "SigCgt: %llx", &caught);
        if (f)
            fclose(f);
        if (caught >> (SIGTERM - 1) & 1)
            return;
    }
    fail_msg("it does not listen to signals");
}

// An experiment was killed and its parts went on; the next life is to be stopped before it has looked at them.
static void a_stop_reaches_parts_that_an_earlier_life_has_left(void **state)
{
    add_run("left", "paft", "steps=100000 save-every=0 eval-every=0 probe-every=0");
    pid_t pid = start("left", 0);
    assert_true(wait_for("left.dpo", 3) >= 3 && wait_for("left.sft", 3) >= 3);
    kill(pid, SIGKILL);
    finish(pid);
    pid = start("left", 0);
    wait_until_it_listens(pid);
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("left").state, RUN_STOPPED);
    assert_int_equal(status_of("left.sft").state, RUN_STOPPED);
    assert_int_equal(status_of("left.dpo").state, RUN_STOPPED);
}

static void what_cannot_be_merged_is_refused(void **state)
{
    struct str extra = {0};
    add_run("taken.sft", "dpo", "");
    wait_ms(5);
    add_run("taken", "paft", "");
    assert_int_equal(finish(start("taken", 0)), err_exit_status(ERR_STATE));
    assert_int_equal(count_events("taken", "end", "taken.sft already"), 1);
    assert_false(exists("taken.dpo"));
    add_run("tuned", "dpo", "lora-rank=2 steps=2 eval-every=0 probe-every=0");
    run_to_end("tuned");
    char *dir = run_dir("tuned");
    str_addf(&extra, "model=%s/checkpoints/step-2 tokenizer=%s", dir, world.tokenizer_dir);
    add_run("on-adapter", "paft", str_text(&extra));
    assert_int_equal(finish(start("on-adapter", 0)), err_exit_status(ERR_USAGE));
    assert_false(exists("on-adapter.sft"));
    str_clear(&extra);
    str_addf(&extra, "model=%s tokenizer=%s", world.config_path, world.tokenizer_dir);
    add_run("on-nothing", "paft", str_text(&extra));
    assert_int_equal(finish(start("on-nothing", 0)), err_exit_status(ERR_USAGE));
    free(dir);
    str_fini(&extra);
}

// Adapters are merged into a whole model.
static void adapters_merge_as_well(void **state)
{
    add_run("low", "paft", "lora-rank=2 merge=dare-ties drop=0.25 steps=12 eval-every=0 probe-every=0");
    run_to_end("low");
    char *dir = run_dir("low"), *path = path_join(dir, "checkpoints/step-12/model.safetensors");
    assert_true(file_exists(path));
    // only some layers are touched
    assert_true(newest("low", "merge/sparsity") > 0.1 && newest("low", "merge/sparsity") < 1);
    free(dir);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_result_is_the_merge_of_its_parts),
        cmocka_unit_test(one_after_the_other_makes_the_same),
        cmocka_unit_test(killed_experiments_end_with_the_same_bits),
        cmocka_unit_test(a_part_that_dies_is_said_and_resuming_goes_on),
        cmocka_unit_test(pause_set_and_stop_reach_the_parts),
        cmocka_unit_test(a_stop_reaches_parts_that_an_earlier_life_has_left),
        cmocka_unit_test(what_cannot_be_merged_is_refused),
        cmocka_unit_test(adapters_merge_as_well),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
