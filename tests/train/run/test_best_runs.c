// Whole runs that keep the best checkpoint by a held-out metric (keep-best), and end for lack of a better one (patience).
#include "config.h"

#include "whole.h"

#include "base/json.h"
#include "store/run_best.h"

// Of the held-out pairs every fourth is the other way round: their loss falls until the margin says so, and rises as it
// grows further.
#define OVERFITTING "lr=0.003 schedule=constant warmup=0 eval-every=4 probe-every=0 keep=1 eval-data=%s "
static char *eval_path;

static void make_held_out(void)
{
    char *bytes, *save = NULL;
    size_t n;
    struct str out = {0};
    int i = 0;
    assert_ok(file_read(world.pairs_path, 1 << 20, &bytes, &n, e));
    for (char *line = strtok_r(bytes, "\n", &save); line && i < 8; line = strtok_r(NULL, "\n", &save), i++) {
        json_t *row;
        assert_ok(json_parse(line, strlen(line), "pairs", &row, e));
        json_t *chosen = json_incref(json_object_get(row, "chosen"));
        json_t *rejected = json_incref(json_object_get(row, "rejected"));
        if (i % 4 == 0) {
            json_object_set(row, "chosen", rejected);
            json_object_set(row, "rejected", chosen);
        }
        char *text = json_dumps(row, JSON_COMPACT);
        str_addf(&out, "%s\n", text);
        free(text);
        json_decref(chosen);
        json_decref(rejected);
        json_decref(row);
    }
    assert_int_equal(i, 8);
    eval_path = path_join(world.dir, "held-out.jsonl");
    assert_ok(file_write(eval_path, str_text(&out), out.len, e));
    str_fini(&out);
    free(bytes);
}

static void add_overfitting(const char *name, const char *more)
{
    struct str extra = {0};
    str_addf(&extra, OVERFITTING "%s", eval_path, more);
    add_run(name, "dpo", str_text(&extra));
    str_fini(&extra);
}

struct course {
    int64_t steps[64];
    double values[64];
    int n;
};
static struct course course_of(const char *name, const char *key)
{
    struct course c = {0};
    for (int64_t step = 0; step <= 60; step++)
        if (!isnan(metric_at(name, key, step))) {
            c.steps[c.n] = step;
            c.values[c.n++] = metric_at(name, key, step);
        }
    return c;
}

// The first of the least (sign 1) or largest (-1) values; *end: where so many in a row were no better, or the last.
static int best_of(const struct course *c, double sign, int patience, int *end)
{
    int best = 0, i = 1;
    for (; i < c->n; i++) {
        if (sign * c->values[i] < sign * c->values[best])
            best = i;
        else if (patience && i - best >= patience)
            break;
    }
    *end = i < c->n ? i : c->n - 1;
    return best;
}

static struct run_best read_best(const char *name)
{
    char *dir = run_dir(name);
    struct run_best b;
    assert_ok(run_best_read(dir, &b, e));
    free(dir);
    return b;
}

// Which steps of a run have checkpoints: "0 24".
static void assert_checkpoints(const char *name, int64_t a, int64_t b)
{
    char *dir = run_dir(name);
    for (int64_t step = 0; step <= 60; step++) {
        struct str path = {0};
        str_addf(&path, "%s/checkpoints/step-%lld", dir, (long long)step);
        if (file_is_dir(str_text(&path)) != (step == a || step == b))
            fail_msg("%s: the checkpoint of step %lld is%s there", name, (long long)step,
                     step == a || step == b ? " not" : "");
        str_fini(&path);
    }
    free(dir);
}

static struct run_status status_of(const char *name)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct run_status s;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_status(r, &s, e));
    run_reader_close(r);
    free(dir);
    return s;
}

// What a run without keep-best goes through says which checkpoint another keeps, and where a third ends.
static void the_best_stays_and_patience_ends_the_run(void **state)
{
    char extra[80];
    int best, end;
    add_overfitting("plain", "");
    run_to_end("plain");
    const struct course c = course_of("plain", "eval/loss");
    assert_int_equal(c.n, 16);
    best = best_of(&c, 1, 0, &end);
    assert_true(best >= 2 && best <= 11); // it falls and it rises
    assert_true(c.values[15] > 1.05 * c.values[best]);
    assert_checkpoints("plain", 60, 60);

    add_overfitting("kept", "keep-best=eval/loss");
    run_to_end("kept");
    assert_same_run("plain", "kept", "model.safetensors"); // to watch changes nothing
    struct run_best b = read_best("kept");
    assert_int_equal(b.step, c.steps[best]);
    assert_true(b.value == c.values[best]);
    assert_string_equal(b.metric, "eval/loss");
    assert_checkpoints("kept", c.steps[best], 60);
    assert_int_equal(count_events("kept", "best", "the best so far"), best);
    assert_string_equal(status_of("kept").message, "");

    for (int patience = 1; patience <= 3; patience += 2) {
        char name[20], path[80], part[80];
        snprintf(name, sizeof name, "patient-%d", patience);
        snprintf(extra, sizeof extra, "keep-best=eval/loss patience=%d", patience);
        add_overfitting(name, extra);
        run_to_end(name);
        best = best_of(&c, 1, patience, &end);
        assert_true(c.steps[end] < 60);
        const struct run_status s = status_of(name);
        assert_int_equal(s.state, RUN_DONE);
        assert_int_equal(s.step, c.steps[end]);
        assert_int_equal(read_best(name).step, c.steps[best]);
        assert_checkpoints(name, c.steps[best], c.steps[end]);
        snprintf(part, sizeof part, "eval/loss was best at step %lld", (long long)c.steps[best]);
        assert_non_null(strstr(s.message, part));
        assert_int_equal(count_events(name, "end", part), 1);
        for (int i = 0; i <= end; i++)
            assert_true(metric_at(name, "eval/loss", c.steps[i]) == c.values[i]);
        assert_true(isnan(metric_at(name, "loss", c.steps[end] + 1)));
        snprintf(path, sizeof path, "checkpoints/step-%lld/model.safetensors", (long long)c.steps[best]);
        assert_same_file(name, "kept", path);
    }

    // The other way round the beginning is the worst; and of the margin more is better.
    add_overfitting("largest", "keep-best=max:eval/loss");
    run_to_end("largest");
    best = best_of(&c, -1, 0, &end);
    assert_int_equal(read_best("largest").step, c.steps[best]);
    const struct course margins = course_of("plain", "eval/rewards/margins");
    add_overfitting("margin", "keep-best=eval/rewards/margins");
    run_to_end("margin");
    best = best_of(&margins, -1, 0, &end);
    assert_true(best > 0);
    assert_int_equal(read_best("margin").step, margins.steps[best]);
}

// Improvements of no more than min-delta are none.
static void little_is_no_improvement(void **state)
{
    const struct course c = course_of("plain", "eval/loss");
    int last = 0, waited = 0, i;
    const int best = best_of(&c, 1, 0, &i);
    const double delta = 0.75 * (c.values[0] - c.values[best]); // what comes after the first ones is too little
    char extra[100];
    for (i = 1; i < c.n && waited < 3; i++) {
        waited = c.values[last] - c.values[i] > delta ? 0 : waited + 1;
        last = waited ? last : i;
    }
    snprintf(extra, sizeof extra, "keep-best=eval/loss patience=3 min-delta=%.17g", delta);
    add_overfitting("choosy", extra);
    run_to_end("choosy");
    assert_int_equal(status_of("choosy").step, c.steps[i - 1]);
    assert_int_equal(read_best("choosy").step, c.steps[last]);
    assert_true(last > 0 && last < best);
}

static void killed_runs_know_the_same_best_and_end_at_the_same_step(void **state)
{
    static const char *const rows[] = {"keep-best=eval/loss patience=3 save-every=3", "keep-best=eval/loss",
                                       "keep-best=min:eval/loss patience=2 lora-rank=2 lr=0.02"};
    int kills = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rng rng = rng_make(41, RNG_TEST, (uint32_t)i);
        char alone[20], killed[20], extra[100], path[80];
        const char *weights = strstr(rows[i], "lora") ? "adapter_model.safetensors" : "model.safetensors";
        snprintf(alone, sizeof alone, "alone-%zu", i);
        snprintf(killed, sizeof killed, "killed-%zu", i);
        snprintf(extra, sizeof extra, "threads=2 %s", rows[i]);
        add_overfitting(alone, rows[i]);
        add_overfitting(killed, extra);
        run_to_end(alone);
        kills += harass(killed, &rng, 6);
        run_to_end(killed);
        const int64_t end = status_of(alone).step, best = read_best(alone).step;
        assert_int_equal(status_of(killed).step, end);
        assert_int_equal(status_of(killed).state, RUN_DONE);
        assert_string_equal(status_of(killed).message, status_of(alone).message);
        assert_same_file(alone, killed, "checkpoints/best.json");
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "checkpoints/step-%lld/%s", (long long)(k ? best : end), weights);
            assert_same_file(alone, killed, path);
        }
        assert_checkpoints(alone, best, end);
        assert_checkpoints(killed, best, end);
        char *x = metrics_of(alone), *y = metrics_of(killed);
        assert_string_equal(x, y);
        free(x);
        free(y);
    }
    assert_true(kills >= 4);
}

static void put_file(const char *name, const char *file, const char *bytes, size_t n)
{
    char *dir = run_dir(name), *path = path_join(dir, file);
    if (bytes)
        assert_ok(file_write(path, bytes, n, e));
    else
        assert_ok(file_remove_tree(path, e));
    free(path);
    free(dir);
}

// As a kill between the checkpoint and the word about it leaves it: the next life says it, and makes no step that the run
// left alone would not have made. The file may also be of an earlier best.
static void what_a_kill_has_left_unsaid_is_said_when_resuming(void **state)
{
    size_t n;
    char *said = bytes_of("patient-3", "checkpoints/best.json", &n), *before = metrics_of("patient-3");
    const struct run_status was = status_of("patient-3");
    const struct run_best best = read_best("patient-3");
    for (int i = 0; i < 2; i++) {
        if (i == 0) {
            put_file("patient-3", "checkpoints/best.json", NULL, 0);
        } else {
            struct run_best older = best;
            char *dir = run_dir("patient-3");
            older.step -= 4;
            assert_ok(run_best_write(dir, &older, e));
            free(dir);
        }
        run_to_end("patient-3");
        size_t m;
        char *again = bytes_of("patient-3", "checkpoints/best.json", &m), *after = metrics_of("patient-3");
        assert_int_equal(n, m);
        assert_memory_equal(said, again, n);
        assert_string_equal(before, after);
        assert_int_equal(status_of("patient-3").step, was.step);
        assert_int_equal(status_of("patient-3").state, RUN_DONE);
        assert_string_equal(status_of("patient-3").message, was.message);
        assert_checkpoints("patient-3", best.step, was.step);
        free(again);
        free(after);
    }
    free(said);
    free(before);
}

// Wherever the disk is full, the word about the best names a checkpoint that is there, and the run ends the same.
static void a_full_disk_leaves_a_best_that_is_there(void **state)
{
    int failed = 0;
    char *dir;
    add_overfitting("full", "keep-best=eval/loss patience=3");
    dir = run_dir("full");
    for (int fault = 3; fault < 400; fault += fault / 4 + 1) {
        struct run_best b;
        const int status = finish(start("full", fault));
        if (run_best_read(dir, &b, NULL) == 0) {
            struct str path = {0};
            str_addf(&path, "%s/checkpoints/step-%lld/state.json", dir, (long long)b.step);
            assert_true(file_exists(str_text(&path)));
            str_fini(&path);
        }
        if (status == 0)
            break;
        failed++;
    }
    assert_true(failed >= 3);
    run_to_end("full");
    assert_int_equal(status_of("full").step, status_of("patient-3").step);
    assert_same_file("full", "patient-3", "checkpoints/best.json");
    char *x = metrics_of("full"), *y = metrics_of("patient-3");
    assert_string_equal(x, y);
    free(x);
    free(y);
    free(dir);
}

static void a_metric_that_is_not_there_ends_the_run_before_its_first_step(void **state)
{
    static const struct {
        const char *objective, *settings, *why;
    } rows[] = {
        {"dpo", "keep-best=min:eval/odd", "it has: eval/loss, "},
        {"sft", "keep-best=eval/rewards/accuracies", "it has: eval/loss, "},
        {"dpo", "keep-best=eval/loss eval-share=0.0001", "no row is held out"},
        {"dpo", "keep-best=loss", "the held-out one is eval/loss"},
        {"paft", "keep-best=eval/loss", "merge RUN@best"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[20];
        snprintf(name, sizeof name, "odd-%zu", i);
        add_run(name, rows[i].objective, rows[i].settings);
        assert_int_equal(finish(start(name, 0)), err_exit_status(ERR_USAGE));
        const struct run_status s = status_of(name);
        assert_int_equal(s.state, RUN_FAILED);
        assert_int_equal(s.step, 0);
        if (!strstr(s.message, rows[i].why))
            fail_msg("%s", s.message);
        assert_int_equal(count_events(name, "best", "none of the usual"), i == 0);
    }
}

// What a run measures by probes alone, of a reward model, of stages.
static void other_runs_have_a_best_as_well(void **state)
{
    static const struct {
        const char *objective, *settings, *key;
        double sign;
    } rows[] = {
        {"rm", "keep-best=eval/rewards/accuracies patience=2", "eval/rewards/accuracies", -1},
        {"dpo", "keep-best=max:kl eval-every=7 probe-every=9", "kl", -1},
        {"sdpo", "stages=2 keep-best=eval/logps/chosen eval-every=10", "eval/logps/chosen", -1},
        {"sft", "keep-best=max:eval/entropy patience=1 eval-every=5 probe-every=3", "eval/entropy", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[20];
        int end;
        snprintf(name, sizeof name, "other-%zu", i);
        add_run(name, rows[i].objective, rows[i].settings);
        run_to_end(name);
        const struct course c = course_of(name, rows[i].key);
        const int patience = strstr(rows[i].settings, "patience=2") ? 2 : strstr(rows[i].settings, "patience=1") ? 1 : 0;
        const int best = best_of(&c, rows[i].sign, patience, &end);
        assert_int_equal(end, c.n - 1);
        assert_int_equal(read_best(name).step, c.steps[best]);
        assert_int_equal(status_of(name).step, patience ? c.steps[end] : 60);
    }
}

static void the_reward_that_is_raised_is_warned_of(void **state)
{
    struct str extra = {0};
    add_run("judge", "rm", "steps=2 eval-every=0");
    run_to_end("judge");
    char *dir = run_dir("judge");
    str_addf(&extra, "steps=4 samples=2 max-new-tokens=6 probe-every=2 eval-every=0 reward-model=%s/checkpoints/step-2 "
                     "keep-best=eval/reward", dir);
    add_run("raised", "rloo", str_text(&extra));
    run_to_end("raised");
    assert_int_equal(count_events("raised", "best", "the reward that rloo is given to raise"), 1);
    const struct course c = course_of("raised", "eval/reward");
    int end;
    assert_int_equal(c.n, 3);
    assert_int_equal(read_best("raised").step, c.steps[best_of(&c, -1, 0, &end)]);
    str_fini(&extra);
    free(dir);
}

static int make_both(void **state)
{
    make_world(state);
    make_held_out();
    return 0;
}

static int remove_both(void **state)
{
    free(eval_path);
    return remove_world(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_stays_and_patience_ends_the_run),
        cmocka_unit_test(little_is_no_improvement),
        cmocka_unit_test(killed_runs_know_the_same_best_and_end_at_the_same_step),
        cmocka_unit_test(what_a_kill_has_left_unsaid_is_said_when_resuming),
        cmocka_unit_test(a_full_disk_leaves_a_best_that_is_there),
        cmocka_unit_test(a_metric_that_is_not_there_ends_the_run_before_its_first_step),
        cmocka_unit_test(other_runs_have_a_best_as_well),
        cmocka_unit_test(the_reward_that_is_raised_is_warned_of),
    };
    return cmocka_run_group_tests(tests, make_both, remove_both);
}
