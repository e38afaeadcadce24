// Whole runs of the program attune-engine: killed at any moment and resumed they end with the same bits as the run
// left alone; controls are marked and repeated; a full disk leaves the last checkpoint whole.
#include "config.h"

#include "whole.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/run_db.h"
#include "store/store.h"
#include "train/run/checkpoint.h"

static void killed_runs_end_with_the_bits_of_the_run_left_alone(void **state)
{
    static const struct {
        const char *objective, *extra, *weights;
    } rows[] = {{"dpo", "", "model.safetensors"},
                {"sft", "reduction=sequence", "model.safetensors"},
                {"beta-dpo", "max-batch-tokens=40", "model.safetensors"}, // running numbers, random choices
                {"dpo", "lora-rank=2", "adapter_model.safetensors"},
                {"tdpo2", "wpo=yes", "model.safetensors"}, // a live reference
                {"npo", "retain-kl=1 lora-rank=2", "adapter_model.safetensors"},
                {"bco", "", "model.safetensors"},
                {"dro-v", "value-lr=0.003", "model.safetensors"},
                {"dro-v", "value-lr=0.003 lora-rank=2", "adapter_model.safetensors"},
                {"d2o", "samples=2 sample-max-tokens=6", "model.safetensors"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rng rng = rng_make(17, RNG_TEST, (uint32_t)i);
        char alone[20], killed[20], extra[80];
        snprintf(alone, sizeof alone, "alone-%zu", i);
        snprintf(killed, sizeof killed, "killed-%zu", i);
        // The other one with another number of threads as well.
        snprintf(extra, sizeof extra, "threads=2 %s", rows[i].extra);
        add_run(alone, rows[i].objective, rows[i].extra);
        add_run(killed, rows[i].objective, extra);
        run_to_end(alone);
        assert_true(harass(killed, &rng, 4) >= 2);
        run_to_end(killed);
        assert_true(count_events(killed, "resume", "continued from") >= 1);
        assert_same_run(alone, killed, rows[i].weights);
        if (strcmp(rows[i].objective, "dro-v") == 0)
            assert_same_file(alone, killed, "checkpoints/step-60/state.value.safetensors");
    }
}

static double lr_at(const char *name, int64_t step)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct metric_point *points;
    int64_t cursor = 0;
    int n;
    double value = NAN;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, "lr", &cursor, &points, &n, e));
    for (int i = 0; i < n; i++)
        if (points[i].step == step)
            value = points[i].value;
    free(points);
    run_reader_close(r);
    free(dir);
    return value;
}

// A change made while the run runs is marked with its step, and another run that finds the mark repeats it there,
// also when it is killed after that.
static void changes_are_marked_and_repeated_when_resuming(void **state)
{
    char text[200], *dir;
    struct rng rng = rng_make(23, RNG_TEST, 9);
    add_run("changed", "dpo", "schedule=constant warmup=0");
    // Posted while nothing runs, in the middle of the way: a pause is then void, a change is not.
    dir = run_dir("changed");
    pid_t pid = start("changed", 0);
    for (int i = 0; newest_step(dir) < 9; i++) {
        if (i == 30000)
            fail_msg("no checkpoint after 30 s");
        wait_ms(1);
    }
    kill(pid, SIGKILL);
    assert_int_equal(finish(pid), -SIGKILL);
    const int64_t killed_at = newest_step(dir);
    free(dir);
    post("changed", CONTROL_PAUSE, "", "");
    post("changed", CONTROL_SET, "lr", "0.0005");
    post("changed", CONTROL_SET, "steps", "5"); // not live
    run_to_end("changed");
    const int64_t step = step_of_event("changed", "set", text, sizeof text);
    assert_int_equal(step, killed_at + 1);
    assert_string_equal(text, "lr = 0.0005 (was 0.003)");
    assert_int_equal(count_events("changed", "control", "refused"), 1);
    assert_close(lr_at("changed", step - 1), 0.003, 1e-12);
    assert_close(lr_at("changed", step), 0.0005, 1e-12);
    assert_close(lr_at("changed", 60), 0.0005, 1e-12);

    add_run("repeated", "dpo", "schedule=constant warmup=0");
    dir = run_dir("repeated");
    struct run_writer *w;
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_event(w, 1, step, "info", "set", text, e));
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    harass("repeated", &rng, 3);
    run_to_end("repeated");
    assert_same_run("changed", "repeated", "model.safetensors");
    free(dir);
}

static void an_adapter_on_an_adapter_is_refused(void **state)
{
    struct str extra = {0};
    add_run("adapter", "dpo", "lora-rank=2 steps=3 eval-every=0 probe-every=0");
    run_to_end("adapter");
    char *dir = run_dir("adapter");
    str_addf(&extra, "lora-rank=2 steps=3 tokenizer=%s model=%s/checkpoints/step-3", world.tokenizer_dir, dir);
    add_run("stacked", "dpo", str_text(&extra));
    assert_int_equal(finish(start("stacked", 0)), err_exit_status(ERR_USAGE));
    assert_int_equal(count_events("stacked", "end", "attune export"), 1);
    // All weights can be trained from there.
    str_addf(&extra, " lora-rank=0");
    add_run("whole-again", "dpo", str_text(&extra));
    run_to_end("whole-again");
    str_fini(&extra);
    free(dir);
}

static void wait_for_state(const char *name, enum run_state wanted)
{
    char *dir = run_dir(name);
    for (int i = 0; i < 10000; i++) {
        struct run_reader *r;
        struct run_status status = {0};
        bool there = false;
        if (run_reader_open(&r, dir, NULL) == 0) {
            there = run_reader_status(r, &status, NULL) == 0 && status.state == wanted;
            run_reader_close(r);
        }
        if (there) {
            free(dir);
            return;
        }
        wait_ms(2);
    }
    fail_msg("run %s did not become %s", name, run_state_name(wanted));
}

static void runs_pause_go_on_and_stop_with_a_checkpoint(void **state)
{
    add_run("paused", "sft", "steps=100000 save-every=0 eval-every=0 probe-every=0");
    pid_t pid = start("paused", 0);
    wait_for_state("paused", RUN_RUNNING);
    post("paused", CONTROL_PAUSE, "", "");
    wait_for_state("paused", RUN_PAUSED);
    wait_ms(100); // a step takes a few of them
    post("paused", CONTROL_RESUME, "", "");
    wait_for_state("paused", RUN_RUNNING);
    assert_int_equal(step_of_event("paused", "resume", NULL, 0), step_of_event("paused", "pause", NULL, 0));
    post("paused", CONTROL_CHECKPOINT, "", "");
    for (int i = 0; count_events("paused", "checkpoint", NULL) < 1; i++) {
        if (i == 15000)
            fail_msg("no checkpoint after 30 s");
        wait_ms(2);
    }
    post("paused", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    wait_for_state("paused", RUN_STOPPED);
    const int64_t stopped_at = step_of_event("paused", "stop", NULL, 0);
    char *dir = run_dir("paused");
    assert_int_equal(newest_step(dir), stopped_at);
    free(dir);
    // And by a signal, from there on.
    pid = start("paused", 0);
    wait_for_state("paused", RUN_RUNNING);
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
    wait_for_state("paused", RUN_STOPPED);
    assert_true(step_of_event("paused", "stop", NULL, 0) >= stopped_at);
}

static void a_full_disk_leaves_the_last_checkpoint_whole(void **state)
{
    char *dir, *folder, before[65], after[65];
    int64_t bytes, step;
    int failed = 0;
    add_run("whole", "sft", "");
    run_to_end("whole");
    add_run("full", "sft", "");
    dir = run_dir("full");
    for (int fault = 3; fault < 400; fault += fault / 3 + 1) {
        const int64_t had = newest_step(dir);
        if (had >= 60)
            break;
        char *last = checkpoint_latest(dir, &step);
        if (last)
            assert_ok(checkpoint_digest(last, before, &bytes, e));
        const int status = finish(start("full", fault));
        if (status == 0) { // it got to the end before that write
            free(last);
            break;
        }
        failed++;
        wait_for_state("full", RUN_FAILED);
        folder = checkpoint_latest(dir, &step);
        assert_true(step >= had);
        if (last && step == had) {
            assert_ok(checkpoint_digest(folder, after, &bytes, e));
            assert_string_equal(before, after);
        }
        free(folder);
        free(last);
    }
    assert_true(failed >= 3);
    assert_true(count_events("full", "end", "No space left") >= 1);
    run_to_end("full");
    assert_same_run("whole", "full", "model.safetensors");
    free(dir);
}

static void a_run_that_cannot_go_on_stands_at_the_step_it_reached(void **state)
{
    char *path = path_join(world.dir, "here-today.jsonl"), *bytes, *dir;
    struct str extra = {0};
    struct run_reader *r;
    struct run_status status;
    size_t n;
    assert_ok(file_read(world.pairs_path, 1 << 20, &bytes, &n, e));
    assert_ok(file_write(path, bytes, n, e));
    str_addf(&extra, "steps=4 eval-every=0 probe-every=0 data=%s", path);
    add_run("left", "sft", str_text(&extra));
    run_to_end("left");
    assert_ok(file_remove_tree(path, e));
    assert_int_not_equal(finish(start("left", 0)), 0);
    dir = run_dir("left");
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_status(r, &status, e));
    assert_int_equal(status.state, RUN_FAILED);
    assert_int_equal(status.step, 4);
    assert_int_equal(status.total_steps, 4);
    run_reader_close(r);
    str_fini(&extra);
    free(bytes);
    free(path);
    free(dir);
}

static void wrong_data_is_refused_before_the_run_starts(void **state)
{
    char *path = path_join(world.dir, "votes.jsonl");
    const char *rows = "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": true}\n"
                       "{\"prompt\": \"c\", \"completion\": \"d\", \"label\": false}\n";
    struct str extra = {0};
    assert_ok(file_write(path, rows, strlen(rows), e));
    str_addf(&extra, "data=%s", path);
    add_run("votes", "dpo", str_text(&extra));
    assert_int_equal(finish(start("votes", 0)), err_exit_status(ERR_USAGE));
    assert_int_equal(count_events("votes", "end", "learns from"), 1);
    str_fini(&extra);
    free(path);
}

// What the data are read as, and whether good and bad ones are in balance.
static void single_responses_are_announced(void **state)
{
    char *path = path_join(world.dir, "good-and-bad.jsonl");
    struct str rows = {0}, extra = {0};
    for (int i = 0; i < 16; i++)
        str_addf(&rows, "{\"prompt\": \"Day %d\", \"completion\": \" is bright\", \"label\": %s}\n", i,
                 i % 4 ? "false" : "true");
    assert_ok(file_write(path, str_text(&rows), rows.len, e));
    add_run("as-votes", "kto", "steps=2 eval-share=0 probe-every=0");
    run_to_end("as-votes");
    assert_int_equal(
        count_events("as-votes", "data", "pairs are read as good and bad responses: 80 pairs, 160 examples"), 1);
    assert_int_equal(count_events("as-votes", "data", "-weight"), 0); // as many of both
    str_addf(&extra, "steps=2 eval-share=0 probe-every=0 data=%s", path);
    add_run("uneven", "kto", str_text(&extra));
    run_to_end("uneven");
    assert_int_equal(count_events("uneven", "data", "4 good and 12 bad responses"), 1);
    assert_int_equal(count_events("uneven", "data", "try desirable-weight 3.3"), 1);
    str_addf(&extra, " desirable-weight=3.3");
    add_run("even", "kto", str_text(&extra));
    run_to_end("even");
    assert_int_equal(count_events("even", "data", "try desirable-weight"), 0);
    add_run("only-bad", "d2o", "steps=2 eval-share=0 probe-every=0 samples=1 sample-max-tokens=4");
    run_to_end("only-bad");
    assert_int_equal(count_events("only-bad", "data", "of pairs only the bad responses are read: 80 pairs, 80 examples"), 1);
    add_run("weighed", "bco", "steps=2 eval-share=0 probe-every=0 udm=yes");
    run_to_end("weighed");
    assert_int_equal(count_events("weighed", "data", "a classifier tells 50 %"), 1);
    // A value network cannot start from weights that do not exist yet.
    str_clear(&extra);
    str_addf(&extra, "steps=2 model=%s tokenizer=%s", world.config_path, world.tokenizer_dir);
    add_run("valueless", "dro-v", str_text(&extra));
    assert_int_equal(finish(start("valueless", 0)), err_exit_status(ERR_USAGE));
    assert_int_equal(count_events("valueless", "end", "value network"), 1);
    str_fini(&rows);
    str_fini(&extra);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_end_with_the_bits_of_the_run_left_alone),
        cmocka_unit_test(changes_are_marked_and_repeated_when_resuming),
        cmocka_unit_test(an_adapter_on_an_adapter_is_refused),
        cmocka_unit_test(runs_pause_go_on_and_stop_with_a_checkpoint),
        cmocka_unit_test(a_full_disk_leaves_the_last_checkpoint_whole),
        cmocka_unit_test(a_run_that_cannot_go_on_stands_at_the_step_it_reached),
        cmocka_unit_test(wrong_data_is_refused_before_the_run_starts),
        cmocka_unit_test(single_responses_are_announced),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
