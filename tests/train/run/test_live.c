// What is changed while a run runs has its effect from its step on, and only that: short whole runs whose numbers are known.
#include "config.h"

#include "whole.h"

#include <signal.h>
#include <unistd.h>

#include "train/run/checkpoint.h"
#include "train/run/control.h"
#include "train/run/loop.h"

// Four steps, a checkpoint after every other one, nothing in between.
#define SHORT "steps=4 batch-size=1 schedule=constant warmup=0 eval-every=0 probe-every=0 save-every=2 keep=9 "

// As if an earlier life of the run had been told so before that step.
static void record_change(const char *name, int64_t step, const char *key, const char *value)
{
    char text[200], *dir = run_dir(name);
    struct run_writer *w;
    assert_ok(file_make_dirs(dir, e));
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_begin(w, e));
    control_set_text(text, sizeof text, key, value, "0");
    assert_ok(run_writer_event(w, 1, step, "info", "set", text, e));
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    free(dir);
}

static void assert_same_short_run(const char *a, const char *b)
{
    assert_same_file(a, b, "checkpoints/step-4/model.safetensors");
    assert_same_file(a, b, "checkpoints/step-4/state.safetensors");
    char *x = metrics_of(a), *y = metrics_of(b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

// With one pair a step the loss is -log sigmoid of the margin, and the margin beta times what the policy has moved.
static void a_change_of_beta_is_in_the_loss_of_its_step(void **state)
{
    add_run("steady", "dpo", SHORT "beta=0.1");
    add_run("turned", "dpo", SHORT "beta=0.1");
    record_change("turned", 3, "beta", "0.5");
    run_to_end("steady");
    run_to_end("turned");
    for (int64_t step = 1; step <= 2; step++)
        assert_true(metric_at("turned", "loss", step) == metric_at("steady", "loss", step));
    const double before = metric_at("steady", "rewards/margins", 3), after = metric_at("turned", "rewards/margins", 3);
    assert_true(fabs(before) > 1e-4);
    assert_close(after, 5 * before, 1e-9);
    assert_close(metric_at("steady", "loss", 3), log1p(exp(-before)), 1e-9);
    assert_close(metric_at("turned", "loss", 3), log1p(exp(-5 * before)), 1e-9);
}

// What is asked for before the first step is as good as configured, each of the settings that can be changed so.
static void changes_before_the_first_step_are_as_configured(void **state)
{
    static const struct {
        const char *key, *value;
    } rows[] = {{"beta", "0.5"}, {"lr", "0.001"}, {"weight-decay", "0.5"}, {"clip", "0.001"}, {"label-smoothing", "0.2"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char told[20], configured[20], extra[300];
        snprintf(told, sizeof told, "told-%zu", i);
        snprintf(configured, sizeof configured, "configured-%zu", i);
        snprintf(extra, sizeof extra, SHORT "eps=1e-4 %s=%s", rows[i].key, rows[i].value);
        add_run(told, "dpo", SHORT "eps=1e-4");
        add_run(configured, "dpo", extra);
        post(told, CONTROL_SET, rows[i].key, rows[i].value);
        run_to_end(told);
        run_to_end(configured);
        assert_int_equal(step_of_event(told, "set", NULL, 0), 1);
        assert_same_short_run(told, configured);
    }
    // And they are no matter of course: each of them ends elsewhere.
    char *x = metrics_of("told-0"), *y = metrics_of("told-1"), *z = metrics_of("told-2"), *u = metrics_of("told-3");
    assert_string_not_equal(x, y);
    assert_string_not_equal(y, z);
    assert_string_not_equal(z, u);
    free(x);
    free(y);
    free(z);
    free(u);
}

// The checkpoint of step 2 remembers what was changed at step 2, for everything that comes after it.
static void a_resumed_run_goes_on_with_what_was_changed(void **state)
{
    static const char *const files[] = {"model.safetensors", "state.safetensors"};
    char *bytes[2], *again;
    size_t n[2], m;
    add_run("kept", "dpo", SHORT "beta=0.1");
    record_change("kept", 2, "beta", "0.5");
    record_change("kept", 2, "lr", "0.001");
    run_to_end("kept");
    char *dir = run_dir("kept"), *last = path_join(dir, "checkpoints/step-4"), *metrics = metrics_of("kept");
    for (int i = 0; i < 2; i++) {
        char path[60];
        snprintf(path, sizeof path, "checkpoints/step-4/%s", files[i]);
        bytes[i] = bytes_of("kept", path, &n[i]);
    }
    assert_ok(file_remove_tree(last, e));
    run_to_end("kept");
    assert_int_equal(count_events("kept", "resume", "continued from checkpoints/step-2"), 1);
    for (int i = 0; i < 2; i++) {
        char path[60];
        snprintf(path, sizeof path, "checkpoints/step-4/%s", files[i]);
        again = bytes_of("kept", path, &m);
        assert_int_equal(m, n[i]);
        assert_memory_equal(again, bytes[i], m);
        free(again);
        free(bytes[i]);
    }
    again = metrics_of("kept");
    assert_string_equal(again, metrics);
    assert_close(metric_at("kept", "lr", 1), 0.003, 1e-12);
    assert_close(metric_at("kept", "lr", 4), 0.001, 1e-12);
    free(again);
    free(metrics);
    free(last);
    free(dir);
}

// The reference's log-probabilities are made before the first step or not at all; what was there at the start stays.
static void a_change_that_needs_what_was_not_loaded_is_refused(void **state)
{
    add_run("alone", "spl", SHORT "alpha=0.3 beta=0");
    add_run("asked", "spl", SHORT "alpha=0.3 beta=0");
    post("asked", CONTROL_SET, "beta", "0.1");
    run_to_end("alone");
    run_to_end("asked");
    assert_int_equal(count_events("asked", "control", "refused: beta 0.1 takes what this run was not loaded with"), 1);
    assert_same_short_run("alone", "asked");
    add_run("there", "spl", SHORT "alpha=0.3 beta=0.1");
    add_run("and-back", "spl", SHORT "alpha=0.3 beta=0.1");
    record_change("and-back", 2, "beta", "0");
    record_change("and-back", 3, "beta", "0.1");
    run_to_end("there");
    run_to_end("and-back");
    assert_true(metric_at("there", "loss", 1) == metric_at("and-back", "loss", 1));
    assert_true(fabs(metric_at("there", "loss", 2) - metric_at("and-back", "loss", 2)) > 1e-6);
    const double margin = metric_at("and-back", "rewards/margins", 3);
    assert_close(metric_at("and-back", "loss", 3), log1p(exp(-margin)), 1e-9);
    assert_close(margin, metric_at("there", "rewards/margins", 3), 0.05 * fabs(margin)); // with the reference again
}

// What a person asks for anew stands, whatever an earlier life was told about later steps.
static void a_new_change_ends_the_old_ones_of_its_setting(void **state)
{
    add_run("renewed", "dpo", SHORT);
    record_change("renewed", 3, "lr", "0.02");
    record_change("renewed", 3, "beta", "0.7");
    post("renewed", CONTROL_SET, "lr", "0.0005");
    run_to_end("renewed");
    for (int64_t step = 1; step <= 4; step++)
        assert_close(metric_at("renewed", "lr", step), 0.0005, 1e-12);
    add_run("other", "dpo", SHORT "lr=0.0005");
    record_change("other", 3, "beta", "0.7"); // the other setting's is still made
    run_to_end("other");
    assert_same_short_run("renewed", "other");
}

static void note_change(struct run_writer *w, int64_t step, const char *key, const char *value)
{
    char text[200];
    control_set_text(text, sizeof text, key, value, "0");
    assert_ok(run_writer_event(w, 1, step, "info", "set", text, e));
}

static void expect_replay(struct controls *c, int64_t step, const char *key, const char *value)
{
    const struct replay *r = controls_next_replay(c, step);
    assert_non_null(r);
    assert_int_equal(r->step, step);
    assert_string_equal(r->key, key);
    assert_string_equal(r->value, value);
}

// A change made after the run was continued from an earlier checkpoint is the newer one, though its step is smaller.
static void newer_changes_replace_those_of_an_earlier_life(void **state)
{
    struct run_writer *w;
    struct controls c;
    add_run("lives", "dpo", "");
    char *dir = run_dir("lives");
    assert_ok(file_make_dirs(dir, e));
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_begin(w, e));
    note_change(w, 3, "lr", "1"); // before the checkpoint
    note_change(w, 8, "lr", "2");
    note_change(w, 12, "lr", "3");
    note_change(w, 13, "beta", "4");
    note_change(w, 10, "lr", "5"); // in the second life
    note_change(w, 10, "clip", "6");
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    controls_init(&c, NULL, "lives", 0, 0);
    assert_ok(controls_load_replays(&c, dir, 5, e));
    assert_null(controls_next_replay(&c, 7));
    expect_replay(&c, 8, "lr", "2");
    expect_replay(&c, 10, "lr", "5");
    expect_replay(&c, 10, "clip", "6");
    assert_null(controls_next_replay(&c, 12));
    expect_replay(&c, 13, "beta", "4");
    assert_null(controls_next_replay(&c, 100));
    controls_fini(&c);
    // What is changed now stands until it is changed again.
    controls_init(&c, NULL, "lives", 0, 0);
    assert_ok(controls_load_replays(&c, dir, 5, e));
    expect_replay(&c, 8, "lr", "2");
    controls_forget_replays(&c, "lr");
    expect_replay(&c, 10, "clip", "6");
    expect_replay(&c, 13, "beta", "4");
    controls_fini(&c);
    free(dir);
}

// Long work before the first step looks for a stop without taking controls away from the loop.
static void a_stop_is_seen_before_it_is_polled(void **state)
{
    struct store *s;
    struct controls c;
    struct control next;
    add_run("held", "dpo", "");
    assert_ok(store_open(&s, project, false, e));
    controls_init(&c, s, "held", 0, 0);
    post("held", CONTROL_SET, "lr", "0.1");
    assert_false(controls_hold_stop(&c));
    post("held", CONTROL_STOP, "", "");
    assert_true(controls_hold_stop(&c));
    c.started_ms = INT64_MAX; // it was for an earlier engine
    assert_false(controls_hold_stop(&c));
    c.started_ms = 0;
    assert_true(controls_poll(&c, &next));
    assert_int_equal(next.kind, CONTROL_SET);
    assert_true(controls_poll(&c, &next));
    assert_int_equal(next.kind, CONTROL_STOP);
    assert_false(controls_hold_stop(&c));
    controls_fini(&c);
    store_close(s);
}

// Ctrl-C and a system that goes down ask for an end with a checkpoint; a terminal that closes asks for nothing.
static void signals_ask_for_an_end(void **state)
{
    static const struct {
        int number, asks;
    } rows[] = {{SIGTERM, 1}, {SIGINT, 1}, {SIGHUP, 0}, {SIGPIPE, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            signals_watch();
            raise(rows[i].number);
            _exit(signals_asked_to_stop());
        }
        assert_int_equal(finish(pid), rows[i].asks);
    }
}

// Looking and saving happen when they are due, before the first step and after the last, and at no other step.
static void a_run_looks_and_saves_when_it_is_due(void **state)
{
    add_run("watched", "dpo", "steps=7 eval-every=2 probe-every=3 probe-prompts=2 probe-max-tokens=3 save-every=4 keep=9");
    run_to_end("watched");
    for (int64_t step = 0; step <= 7; step++) {
        char part[40];
        assert_int_equal(!isnan(metric_at("watched", "eval/loss", step)), step % 2 == 0 || step == 7);
        assert_int_equal(!isnan(metric_at("watched", "kl", step)), step % 3 == 0 || step == 7);
        assert_int_equal(!isnan(metric_at("watched", "loss", step)), step > 0);
        snprintf(part, sizeof part, "saved checkpoints/step-%d", (int)step);
        assert_int_equal(count_events("watched", "checkpoint", part), step == 4 || step == 7);
    }
}

// ---- stages ----

// At a stage's first step the policy is the reference: exactly there the loss is log 2, and one step later it is not.
static void stages_begin_at_their_steps(void **state)
{
    for (int lora = 0; lora < 2; lora++) {
        const char *name = lora ? "staged-adapter" : "staged";
        add_run(name, "sdpo",
                lora ? "lora-rank=2 steps=6 stages=3 save-every=0 probe-every=0 eval-every=0 eval-share=0 lr=0.02"
                     : "steps=6 stages=3 save-every=0 probe-every=0 eval-every=0 eval-share=0");
        run_to_end(name);
        for (int64_t step = 1; step <= 6; step++) {
            const double away = fabs(metric_at(name, "loss", step) - log(2));
            assert_close(metric_at(name, "stage", step), (double)((step + 1) / 2), 0);
            if (step % 2)
                assert_true(away < 1e-9);
            else
                assert_true(away > 1e-6);
        }
    }
}

// In the middle of a stage, where its reference is one that was kept, and where the next stage begins.
static void a_staged_run_goes_on_in_its_stage(void **state)
{
    static const int saves[] = {3, 4};
    for (size_t i = 0; i < 2; i++) {
        char name[20], extra[120], at[20];
        size_t n, m;
        snprintf(name, sizeof name, "staged-%d", saves[i]);
        snprintf(extra, sizeof extra, "steps=6 stages=3 save-every=%d probe-every=0 eval-every=0 eval-share=0", saves[i]);
        add_run(name, "sdpo", extra);
        run_to_end(name);
        char *dir = run_dir(name), *last = path_join(dir, "checkpoints/step-6"), *metrics = metrics_of(name);
        char *before = bytes_of(name, "checkpoints/step-6/state.safetensors", &n);
        assert_ok(file_remove_tree(last, e));
        run_to_end(name);
        snprintf(at, sizeof at, "step-%d", saves[i]);
        assert_int_equal(count_events(name, "resume", at), 1);
        char *after = bytes_of(name, "checkpoints/step-6/state.safetensors", &m), *again = metrics_of(name);
        assert_int_equal(n, m);
        assert_memory_equal(before, after, n);
        assert_string_equal(metrics, again);
        free(before);
        free(after);
        free(metrics);
        free(again);
        free(last);
        free(dir);
    }
}

// ---- the loop itself, with work that notes what it is told ----

struct noted {
    struct str told;
    int n_rounds;
};

static void note_changed(struct run *r, void *with, const char *key, const char *value)
{
    str_addf(&((struct noted *)with)->told, "%s=%s ", key, value);
}

static void note_told(struct run *r, void *with, enum control_kind kind)
{
    str_addf(&((struct noted *)with)->told, "%s ",
             kind == CONTROL_PAUSE ? "pause" : kind == CONTROL_RESUME ? "resume" : "stop");
}

static int note_checkpoint(struct run *r, void *with, struct err *e)
{
    str_add(&((struct noted *)with)->told, "checkpoint ");
    return 0;
}

// The first look brings what people ask in a moment; the work goes on for three rounds after it was asked to stop.
static int note_round(struct run *r, void *with, bool *done, struct err *e)
{
    struct noted *n = with;
    if (n->n_rounds == 0) {
        post(r->name, CONTROL_PAUSE, "", "");
        post(r->name, CONTROL_SET, "beta", "0.7");
        post(r->name, CONTROL_SET, "seed", "3"); // which cannot be changed
        post(r->name, CONTROL_CHECKPOINT, "", "");
        post(r->name, CONTROL_RESUME, "", "");
        post(r->name, CONTROL_STOP, "", "");
        post(r->name, CONTROL_SET, "beta", "0.9");
    }
    if (n->n_rounds > 0 && !r->asked_to_stop)
        assert_true(n->n_rounds < 1000);
    n->n_rounds++;
    str_add(&n->told, r->asked_to_stop ? "winding-down " : "");
    *done = r->asked_to_stop && text_ends(str_text(&n->told), "winding-down winding-down winding-down ");
    wait_ms(10);
    return 0;
}

static void what_people_ask_is_obeyed_in_order_until_a_stop(void **state)
{
    static const struct run_work work = {.advance = note_round, .changed = note_changed, .told = note_told,
                                         .checkpoint = note_checkpoint, .with_runs = true};
    struct run r;
    struct noted n = {0};
    load_run(&r, "dpo", "steps=4");
    assert_ok(run_loop(&r, &work, &n, e));
    assert_string_equal(str_text(&n.told), "pause beta=0.7 checkpoint resume stop winding-down winding-down winding-down ");
    assert_false(r.paused);
    assert_close(settings_float(&r.settings, "beta"), 0.7, 0);
    str_fini(&n.told);
    unload_run(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_beta_is_in_the_loss_of_its_step),
        cmocka_unit_test(changes_before_the_first_step_are_as_configured),
        cmocka_unit_test(a_resumed_run_goes_on_with_what_was_changed),
        cmocka_unit_test(a_change_that_needs_what_was_not_loaded_is_refused),
        cmocka_unit_test(a_new_change_ends_the_old_ones_of_its_setting),
        cmocka_unit_test(newer_changes_replace_those_of_an_earlier_life),
        cmocka_unit_test(a_stop_is_seen_before_it_is_polled),
        cmocka_unit_test(signals_ask_for_an_end),
        cmocka_unit_test(a_run_looks_and_saves_when_it_is_due),
        cmocka_unit_test(stages_begin_at_their_steps),
        cmocka_unit_test(a_staged_run_goes_on_in_its_stage),
        cmocka_unit_test(what_people_ask_is_obeyed_in_order_until_a_stop),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
