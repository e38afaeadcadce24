// A fork is the run it comes from up to its step, and its own settings from there on: short whole runs whose numbers are
// known.
#include "config.h"

#include "whole.h"

#include <sys/stat.h>

#include "launch/engine.h"

#define SHORT "steps=4 batch-size=1 schedule=constant warmup=0 eval-every=0 probe-every=0 save-every=1 keep=9 "

static void fork_of(const char *parent, const char *name, int64_t at, const char *objective, const char *key,
                    const char *value)
{
    struct store *s;
    char *made;
    int64_t step;
    json_t *changes = json_object();
    if (key)
        json_object_set_new(changes, key, json_string(value));
    const struct fork_request q = {.run = parent, .at = at, .name = name, .objective = objective, .changes = changes};
    setenv("ATTUNE_ENGINE", engine, 1);
    assert_ok(store_open(&s, project, false, e));
    assert_ok(engine_fork(s, &q, &made, &step, e));
    assert_int_equal(step, at);
    store_close(s);
    json_decref(changes);
    free(made);
    run_to_end(name);
}

static void a_fork_without_changes_is_its_parent(void **state)
{
    add_run("plain", "dpo", SHORT "schedule=cosine seed=7");
    run_to_end("plain");
    fork_of("plain", "same", 2, NULL, NULL, NULL);
    assert_same_file("plain", "same", "checkpoints/step-4/model.safetensors");
    assert_same_file("plain", "same", "checkpoints/step-4/state.safetensors");
    for (int64_t step = 3; step <= 4; step++) // the same pairs, the same learning rate
        assert_true(metric_at("same", "loss", step) == metric_at("plain", "loss", step) &&
                    metric_at("same", "lr", step) == metric_at("plain", "lr", step));
    assert_true(isnan(metric_at("same", "loss", 2)));
    assert_int_equal(step_of_event("same", "fork", NULL, 0), 2);
}

// With one pair a step the margin is beta times what the policy has moved from the first run's reference.
static void its_settings_hold_from_its_step_on(void **state)
{
    add_run("steady", "dpo", SHORT "beta=0.1");
    run_to_end("steady");
    fork_of("steady", "turned", 2, NULL, "beta", "0.5");
    const double before = metric_at("steady", "rewards/margins", 3), after = metric_at("turned", "rewards/margins", 3);
    assert_true(fabs(before) > 1e-4);
    assert_close(after, 5 * before, 1e-9);
    assert_close(metric_at("turned", "loss", 3), log1p(exp(-5 * before)), 1e-9);
}

// What a checkpoint keeps of an objective (here a running mean of scores) stays with the objective.
static void another_objective_begins_its_own_state(void **state)
{
    add_run("centred", "bco", SHORT "lr=0.003");
    run_to_end("centred");
    fork_of("centred", "kept", 2, NULL, NULL, NULL);
    assert_true(metric_at("kept", "loss", 3) == metric_at("centred", "loss", 3));
    assert_same_file("centred", "kept", "checkpoints/step-4/model.safetensors");
    add_run("other", "dpo", SHORT "lr=0.003");
    run_to_end("other");
    fork_of("other", "crossed", 2, "bco", NULL, NULL);
    assert_true(isfinite(metric_at("crossed", "loss", 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_without_changes_is_its_parent),
        cmocka_unit_test(its_settings_hold_from_its_step_on),
        cmocka_unit_test(another_objective_begins_its_own_state),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
