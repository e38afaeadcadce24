// People as the reward, in whole runs: one waits for them at next to no cost; what was judged and heard is heard at the same
// updates again by a run that was killed, which ends with the same weights.
#include "config.h"

#include "whole.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/labels.h"
#include "train/run/feedback.h"
#include "train/run/feedback_pairs.h"

#define PERSON "feedback=person max-new-tokens=6 max-length=64 eval-every=0 probe-every=0 "

// One who judges the oldest pair as long as the parent lives, and looks at the next one only when that one was learnt from.
static pid_t start_person(const char *name)
{
    char *dir = run_dir(name);
    const pid_t pid = fork();
    for (int64_t last = 0; pid == 0; wait_ms(5)) {
        struct run_reader *r = NULL;
        struct store *s = NULL;
        struct asked_pair p = {0};
        struct pair_ref *list = NULL;
        struct judgement j = {.verdict = VERDICT_A, .seconds = NAN, .annotator = "ann"};
        int n = 0;
        bool again;
        if (getppid() == 1)
            _exit(0);
        if (run_reader_open(&r, dir, NULL) == 0 && store_open(&s, project, false, NULL) == 0) {
            const bool learnt = last == 0 || (run_reader_pair(r, last, &p, NULL) == 0 && p.state == PAIR_TAKEN);
            asked_pair_fini(&p);
            if (learnt && labels_waiting(s, r, name, "ann", &list, &n, NULL) == 0 && n > 0 &&
                run_reader_pair(r, list[0].id, &p, NULL) == 0) {
                j.verdict = strcmp(p.a, p.b) < 0 ? VERDICT_A : VERDICT_B;
                if (labels_add(s, name, &p, &j, false, &again, NULL) == 0)
                    last = p.id;
                asked_pair_fini(&p);
            }
            free(list);
        }
        store_close(s);
        run_reader_close(r);
    }
    free(dir);
    return pid;
}

static void end_person(pid_t pid)
{
    kill(pid, SIGKILL);
    finish(pid);
}

static void add_person(const char *name, const char *extra)
{
    struct str all = {0};
    str_addf(&all, PERSON "steps=36 save-every=4 %s", extra);
    add_run(name, "online-dpo", str_text(&all));
    str_fini(&all);
}

static int64_t step_now(const char *dir)
{
    struct run_reader *r;
    struct run_status s = {0};
    if (run_reader_open(&r, dir, NULL))
        return 0;
    if (run_reader_status(r, &s, NULL))
        s.step = 0;
    run_reader_close(r);
    return s.step;
}

// Kills the run n times, each time a little after the update that follows a new checkpoint: judgements were heard since. A
// machine is fast or slow: it is updates that are waited for, not a time.
static void kill_after_checkpoints(const char *name, int n)
{
    struct rng rng = rng_make(29, RNG_TEST, 0);
    char *dir = run_dir(name);
    for (int64_t reached = 0; n > 0; n--) {
        const pid_t pid = start(name, 0);
        for (int i = 0; i < 60000 && newest_step(dir) <= reached; i++)
            wait_ms(1);
        reached = newest_step(dir);
        for (int i = 0; i < 60000 && step_now(dir) <= reached; i++)
            wait_ms(1);
        wait_ms((int)rng_below(&rng, 20));
        kill(pid, SIGKILL);
        assert_int_equal(finish(pid), -SIGKILL);
    }
    free(dir);
}

static void killed_runs_hear_the_same_at_the_same_updates(void **state)
{
    add_person("alone", "feedback-open=4 passes=2 save-every=3"); // some of them between the passes
    add_person("killed", "feedback-open=4 passes=2 save-every=3 threads=2");
    pid_t person = start_person("alone");
    run_to_end("alone");
    end_person(person);
    person = start_person("killed");
    kill_after_checkpoints("killed", 3);
    run_to_end("killed");
    end_person(person);
    assert_int_equal(count_events("killed", "resume", "continued from"), 3);
    assert_same_file("alone", "killed", "checkpoints/step-36/model.safetensors");
    assert_same_file("alone", "killed", "checkpoints/step-36/state.safetensors");
    char *a = metrics_of("alone"), *b = metrics_of("killed");
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "feedback/pairs 1:1 3:1 5:1"));
    free(a);
    free(b);
}

static void wait_for_phase(const char *name, const char *phase, int64_t step)
{
    char *dir = run_dir(name);
    struct run_status said = {0};
    for (int i = 0; i < 3000; i++, wait_ms(10)) {
        struct run_reader *r;
        if (run_reader_open(&r, dir, NULL) == 0) {
            const int code = run_reader_status(r, &said, NULL);
            run_reader_close(r);
            if (!code && strcmp(said.phase, phase) == 0 && said.step == step)
                break;
        }
    }
    free(dir);
    assert_string_equal(said.phase, phase);
    assert_int_equal(said.step, step);
}

static void judge_run(const char *name, int64_t id, enum verdict verdict)
{
    struct run r = {.name = (char *)name, .dir = run_dir(name)};
    struct run_reader *reader;
    struct asked_pair p;
    struct store *s;
    struct judgement j = {.verdict = verdict, .seconds = NAN, .annotator = "ann"};
    bool again;
    assert_ok(run_reader_open(&reader, r.dir, e));
    assert_ok(run_reader_pair(reader, id, &p, e));
    assert_ok(store_open(&s, project, false, e));
    assert_ok(labels_add(s, name, &p, &j, true, &again, e));
    store_close(s);
    asked_pair_fini(&p);
    run_reader_close(reader);
    free(r.dir);
}

static double cpu_seconds(pid_t pid)
{
    char path[64], *text;
    size_t n;
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text = calloc(1, 4096);
    n = fread(text, 1, 4095, f);
    fclose(f);
    assert_true(n > 0);
    const char *after_name = strrchr(text, ')');
    assert_int_equal(sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    free(text);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// The losses of steps 1 to n, on the heap.
static double *losses_of(const char *name, int64_t n)
{
    struct run_reader *r;
    struct metric_point *points;
    char *dir = run_dir(name);
    double *losses = calloc((size_t)n + 1, sizeof *losses);
    int64_t cursor = 0;
    int n_points;
    for (int64_t i = 0; i <= n; i++)
        losses[i] = NAN;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, "loss", &cursor, &points, &n_points, e));
    for (int i = 0; i < n_points; i++)
        if (points[i].step <= n)
            losses[points[i].step] = points[i].value;
    free(points);
    run_reader_close(r);
    free(dir);
    return losses;
}

// All judgements are there when it begins again, and yet each is heard no earlier than it was, also by updates that heard
// none.
static void a_run_that_went_on_hears_nothing_earlier(void **state)
{
    char text[200];
    int64_t heard = -1, first = 0;
    add_run("went-on", "online-dpo", PERSON "feedback-open=4 feedback-idle=go-on steps=100000 save-every=0");
    pid_t pid = start("went-on", 0);
    wait_for_phase("went-on", "waiting for you: 4 pairs", 0);
    for (int64_t id = 1; id <= 3; id++) {
        judge_run("went-on", id, id == 2 ? VERDICT_B : VERDICT_A);
        const int64_t before = heard;
        for (int i = 0; i < 1000 && (heard = step_of_event("went-on", "feedback", text, sizeof text)) == before; i++)
            wait_ms(10);
        assert_true(heard > before);
        first = id == 1 ? heard : first;
    }
    kill(pid, SIGKILL);
    finish(pid);
    assert_true(first == 1 && heard > 3);
    double *before = losses_of("went-on", heard);
    pid = start("went-on", 0);
    char *dir = run_dir("went-on");
    struct run_status said = {0};
    for (int i = 0; i < 3000 && said.step <= heard; i++, wait_ms(10)) {
        struct run_reader *r;
        assert_ok(run_reader_open(&r, dir, e));
        assert_ok(run_reader_status(r, &said, e));
        said.step = said.pid == pid ? said.step : 0; // else the earlier life's
        run_reader_close(r);
    }
    free(dir);
    post("went-on", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    double *after = losses_of("went-on", heard);
    for (int64_t i = 1; i <= heard; i++)
        if (before[i] != after[i])
            fail_msg("step %lld of %lld: %.17g, then %.17g", (long long)i, (long long)heard, before[i], after[i]);
    assert_int_equal(count_events("went-on", "feedback", NULL), 3); // repeated, not heard anew
    free(before);
    free(after);
}

// While it waits it costs next to nothing, hears what people want of it, and stops; what is judged while it is stopped
// counts.
static void a_run_that_waits_can_be_paused_stopped_and_resumed(void **state)
{
    add_person("waits", "feedback-open=3 steps=3");
    pid_t pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 0);
    const double before = cpu_seconds(pid);
    wait_ms(1000);
    assert_true(cpu_seconds(pid) - before < 0.5);
    judge_run("waits", 1, VERDICT_A);
    wait_for_phase("waits", "waiting for you: 2 pairs", 1);
    post("waits", CONTROL_PAUSE, "", "");
    wait_for_phase("waits", "paused", 1);
    judge_run("waits", 2, VERDICT_A);
    wait_ms(300);
    wait_for_phase("waits", "paused", 1);
    post("waits", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    judge_run("waits", 3, VERDICT_B); // while nothing runs
    pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 2); // one update of both, then three new pairs
    assert_true(metric_at("waits", "feedback/pairs", 2) == 2);
    post("waits", CONTROL_CHECKPOINT, "", ""); // with pairs asked for an update that was not made
    for (int i = 0; i < 500 && step_of_event("waits", "checkpoint", NULL, 0) < 2; i++)
        wait_ms(10);
    kill(pid, SIGKILL);
    finish(pid);
    pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 2); // the same ones
    judge_run("waits", 4, VERDICT_A);
    assert_int_equal(finish(pid), 0);
    int64_t counts[PAIR_EXPIRED + 1];
    struct run_reader *r;
    char *dir = run_dir("waits");
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_pair_counts(r, counts, e));
    run_reader_close(r);
    free(dir);
    assert_true(counts[PAIR_WAITING] == 0 && counts[PAIR_TAKEN] == 4 && counts[PAIR_EXPIRED] == 2);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const rows[][3] = {
        {"rloo", "samples=2", "choose online-dpo or best-of-n"},
        {"online-dpo", "samples=4", "give samples 2"},
        {"online-dpo", "dynamic-sampling=yes", "dynamic-sampling"},
        {"online-dpo", "rewards=length:20..60", "leave reward-model, reward-command and rewards out"},
        {"online-dpo", "keep-best=eval/reward", "keep-best: eval/reward is of held-out answers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[20], text[600] = "";
        struct str extra = {0};
        str_addf(&extra, PERSON "probe-every=5 steps=1 %s", rows[i][1]);
        snprintf(name, sizeof name, "refused-%zu", i);
        add_run(name, rows[i][0], str_text(&extra));
        assert_int_equal(finish(start(name, 0)), err_exit_status(ERR_USAGE));
        step_of_event(name, "end", text, sizeof text);
        if (!strstr(text, rows[i][2]))
            fail_msg("%s %s: %s", rows[i][0], rows[i][1], text);
        str_fini(&extra);
    }
    // Rewards of weight 0 may watch.
    add_run("watched", "online-dpo", PERSON "probe-every=5 steps=1 feedback-open=1 rewards=length:20..60@0");
    pid_t person = start_person("watched");
    run_to_end("watched");
    end_person(person);
    assert_true(isfinite(metric_at("watched", "rewards/length/mean", 1)) && isnan(metric_at("watched", "reward", 1)));
    assert_true(isfinite(metric_at("watched", "eval/rewards/length/mean", 1)) &&
                isnan(metric_at("watched", "eval/reward", 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_hear_the_same_at_the_same_updates),
        cmocka_unit_test(a_run_that_went_on_hears_nothing_earlier),
        cmocka_unit_test(a_run_that_waits_can_be_paused_stopped_and_resumed),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
