// An adapter that was loaded is trained on over its frozen base; its reference is the model with the adapter as it came,
// also after a run was killed and resumed.
#include "config.h"

#include "whole.h"

#include "base/json.h"

// The checkpoint of a run that has made an adapter which says something; heap.
static char *first_adapter(void)
{
    static bool made;
    if (!made) {
        add_run("first", "sft", "lora-rank=2 lr=0.05 probe-every=0");
        run_to_end("first");
    }
    made = true;
    char *dir = run_dir("first"), *path = path_join(dir, "checkpoints/step-60");
    free(dir);
    return path;
}

static void add_next(const char *name, const char *objective, const char *extra)
{
    struct str settings = {0};
    char *from = first_adapter();
    str_addf(&settings, "model=%s %s", from, extra);
    add_run(name, objective, str_text(&settings));
    str_fini(&settings);
    free(from);
}

static json_t *config_of(const char *name)
{
    size_t n;
    json_t *out = NULL;
    char *text = bytes_of(name, "checkpoints/step-60/adapter_config.json", &n);
    assert_ok(json_parse(text, n, "adapter_config.json", &out, e));
    free(text);
    return out;
}

// Before the first step policy and reference are the same; and they are what merging the adapter makes.
static void the_reference_is_the_adapter_as_it_came(void **state)
{
    add_next("next", "dpo", "adapter=continue lr=0.02");
    add_next("merged", "dpo", "lr=0.001");
    run_to_end("next");
    run_to_end("merged");
    assert_close(metric_at("next", "eval/rewards/chosen", 0), 0, 1e-5);
    assert_close(metric_at("next", "kl", 0), 0, 1e-5);
    assert_close(metric_at("next", "eval/logps/chosen", 0), metric_at("merged", "eval/logps/chosen", 0), 1e-3);
    assert_true(fabs(metric_at("next", "eval/rewards/chosen", 60)) > 1e-3); // it has learnt
    assert_true(fabs(metric_at("next", "kl", 60)) > 1e-6);
    json_t *a = config_of("first"), *b = config_of("next");
    assert_true(json_equal(json_object_get(a, "r"), json_object_get(b, "r")));
    assert_true(json_equal(json_object_get(a, "base_model_name_or_path"), json_object_get(b, "base_model_name_or_path")));
    json_decref(a);
    json_decref(b);
}

// tdpo2 and the KL of probes ask the reference while they train: what a resumed run compares with is not what it has become.
static void a_resumed_run_has_the_same_reference(void **state)
{
    static const char settings[] = "adapter=continue lr=0.02 probe-every=10";
    add_next("alone", "tdpo2", settings);
    run_to_end("alone");
    add_next("killed", "tdpo2", settings);
    struct rng rng = rng_make(5, RNG_TEST, 0);
    assert_true(harass("killed", &rng, 3) > 0);
    run_to_end("killed");
    assert_same_run("alone", "killed", "adapter_model.safetensors");
}

static void an_adapter_goes_on_as_a_reward_model(void **state)
{
    add_next("scores", "rm", "adapter=continue lr=0.01");
    run_to_end("scores");
    json_t *config = config_of("scores");
    assert_string_equal(json_string_value(json_object_get(config, "task_type")), "SEQ_CLS");
    assert_string_equal(json_string_value(json_array_get(json_object_get(config, "modules_to_save"), 0)), "score");
    json_decref(config);
    struct str extra = {0};
    char *dir = run_dir("scores");
    str_addf(&extra, "model=%s/checkpoints/step-60 adapter=continue lr=0.01", dir); // it is loaded with its score head
    add_run("scores-on", "rm", str_text(&extra));
    run_to_end("scores-on");
    assert_close(metric_at("scores-on", "eval/loss", 0), metric_at("scores", "eval/loss", 60), 1e-5);
    str_fini(&extra);
    free(dir);
}

static void what_cannot_be_continued_is_refused(void **state)
{
    add_run("whole", "dpo", "adapter=continue");
    assert_int_equal(finish(start("whole", 0)), err_exit_status(ERR_USAGE));
    assert_int_equal(count_events("whole", "end", "is no adapter"), 1);
    add_next("both", "dpo", "adapter=continue lora-rank=2");
    assert_int_equal(finish(start("both", 0)), err_exit_status(ERR_USAGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_the_adapter_as_it_came),
        cmocka_unit_test(a_resumed_run_has_the_same_reference),
        cmocka_unit_test(an_adapter_goes_on_as_a_reward_model),
        cmocka_unit_test(what_cannot_be_continued_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
