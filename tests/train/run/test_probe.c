// Probes of models made by hand: the reference finds all 320 tokens equally likely, and the policy says one token and
// nothing else, so that every number of a probe is known.
#include "config.h"

#include "whole.h"

enum { N_PROMPTS = 3, LONGEST = 6, STOP = 0, WORD = 77 };

static char *flat; // the folder of the reference

static void open_run(struct run *r, const char *more)
{
    char settings[300];
    snprintf(settings, sizeof settings,
             "model=%s tokenizer=%s probe-every=1 probe-prompts=%d probe-max-tokens=%d beta=0.5 %s", flat,
             world.tokenizer_dir, N_PROMPTS, LONGEST, more);
    load_run(r, "dpo", settings);
    assert_non_null(r->prober);
}

static void probe_now(struct run *r, struct metric_list *list)
{
    *list = (struct metric_list){0};
    assert_ok(probe(r->prober, r->recorder, list, e));
}

// The mean over the responses of the sum over their tokens: log 320 for each token that the policy is sure of.
static void kl_is_the_mean_over_responses(void **state)
{
    struct run r;
    struct metric_list list;
    open_run(&r, "");
    probe_now(&r, &list); // it is its own reference still
    assert_close(metric_value(&list, "kl"), 0, 1e-4);
    model_say(r.model, WORD);
    probe_now(&r, &list);
    assert_close(metric_value(&list, "kl"), LONGEST * log(320), 1e-4);
    assert_close(metric_value(&list, "completions/mean_length"), LONGEST, 0);
    model_say(r.model, STOP); // which ends a response, as its only token
    probe_now(&r, &list);
    assert_close(metric_value(&list, "kl"), log(320), 1e-4);
    assert_close(metric_value(&list, "completions/mean_length"), 1, 0);
    assert_true(isnan(metric_value(&list, "style/none"))); // nobody asked for it
    unload_run(&r);
    open_run(&r, "probe-styles=yes");
    probe_now(&r, &list);
    assert_close(metric_value(&list, "style/none"), 1, 0);
    unload_run(&r);
}

// The numbers of a step on the model that finds all tokens equally likely, and on the one that is sure.
static void a_flat_model_has_the_entropy_of_its_vocabulary(void **state)
{
    struct run r;
    struct step_result step;
    char settings[200];
    snprintf(settings, sizeof settings, "model=%s tokenizer=%s probe-every=0 lr=1e-9", flat, world.tokenizer_dir);
    load_run(&r, "sft", settings);
    assert_ok(trainer_step(r.trainer, &step, e));
    assert_close(step.loss, log(320), 1e-5);
    assert_close(metric_value(&step.metrics, "entropy"), log(320), 1e-5);
    model_say(r.model, STOP); // of each answer the last token, as it is
    assert_ok(trainer_step(r.trainer, &step, e));
    double n_tokens = 0, n_answers = 0;
    for (int g = 0; g < r.trainer->options.batch_size; g++) {
        n_tokens += r.train.seqs[r.train.groups[r.trainer->groups[g]].first_seq].n;
        n_answers++;
    }
    assert_close(metric_value(&step.metrics, "entropy"), 0, 1e-5);
    assert_close(metric_value(&step.metrics, "mean_token_accuracy"), n_answers / n_tokens, 1e-9);
    unload_run(&r);
}

// A token that has become likelier has earned something: beta (log pi - log ref) is above zero.
static void samples_carry_what_their_tokens_earned(void **state)
{
    struct run r;
    struct metric_list list;
    struct run_reader *reader;
    struct run_sample *samples;
    int n;
    open_run(&r, "eval-share=0.3");
    model_say(r.model, WORD);
    probe_now(&r, &list);
    assert_ok(recorder_flush(r.recorder, e));
    assert_ok(run_reader_open(&reader, r.dir, e));
    assert_ok(run_reader_samples(reader, 10, &samples, &n, e));
    assert_int_equal(n, N_PROMPTS);
    for (int i = 0; i < n; i++) {
        int day = 0, held_out = 0;
        assert_close(samples[i].logp, 0, 1e-4);
        assert_int_equal(samples[i].n_credits, LONGEST);
        for (int k = 0; k < LONGEST; k++)
            assert_close(samples[i].credits[k].reward, 0.5 * log(320), 1e-4);
        assert_close(samples[i].reward, 0.5 * LONGEST * log(320), 1e-3);
        assert_int_equal(sscanf(samples[i].prompt, "Day %d", &day), 1);
        for (size_t x = 0; x < r.corpus->n_examples; x++)
            if (strcmp(r.corpus->examples[x].turns[0].text, samples[i].prompt) == 0)
                held_out += r.held_out[x];
        assert_int_equal(held_out, 1); // and nobody has trained on its prompt
        for (int k = 0; k < i; k++)
            assert_string_not_equal(samples[k].prompt, samples[i].prompt);
    }
    run_samples_free(samples, n);
    run_reader_close(reader);
    unload_run(&r);
}

// With an adapter the reference is the model without it, and afterwards it is on again.
static void the_reference_of_an_adapter_is_its_base(void **state)
{
    struct run r;
    struct step_result step;
    struct metric_list list;
    struct run_reader *reader;
    struct run_sample *samples;
    int n;
    double mean = 0;
    char settings[80];
    snprintf(settings, sizeof settings, "probe-every=1 probe-prompts=%d probe-max-tokens=%d lr=0.05 lora-rank=2 beta=0.5",
             N_PROMPTS, LONGEST);
    load_run(&r, "dpo", settings);
    for (int i = 0; i < 5; i++)
        assert_ok(trainer_step(r.trainer, &step, e));
    probe_now(&r, &list);
    assert_true(r.model->adapter_on);
    assert_ok(recorder_flush(r.recorder, e));
    assert_ok(run_reader_open(&reader, r.dir, e));
    assert_ok(run_reader_samples(reader, 10, &samples, &n, e));
    assert_int_equal(n, N_PROMPTS);
    for (int i = 0; i < n; i++)
        mean += samples[i].reward / 0.5 / n;
    assert_true(fabs(mean) > 1e-3);
    assert_close(metric_value(&list, "kl"), mean, 1e-4);
    run_samples_free(samples, n);
    run_reader_close(reader);
    unload_run(&r);
}

// Probing is looking: the next step is that of the run that was not probed.
static void a_probe_changes_nothing(void **state)
{
    struct run probed, left;
    struct step_result a, b;
    struct metric_list list;
    open_run(&probed, "lr=0.01 lora-rank=2");
    open_run(&left, "lr=0.01 lora-rank=2");
    for (int i = 0; i < 3; i++) {
        probe_now(&probed, &list);
        assert_ok(trainer_step(probed.trainer, &a, e));
        assert_ok(trainer_step(left.trainer, &b, e));
        assert_true(a.loss == b.loss && a.grad_norm == b.grad_norm);
    }
    unload_run(&probed);
    unload_run(&left);
}

static int make_flat_world(void **state)
{
    engine = test_build("attune-engine");
    world_make(&world, "gpt2");
    project = path_join(world.dir, "project");
    flat = world_sayer(&world, "flat", -1);
    return 0;
}

static int remove_flat_world(void **state)
{
    free(flat);
    return remove_world(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kl_is_the_mean_over_responses),
        cmocka_unit_test(a_flat_model_has_the_entropy_of_its_vocabulary),
        cmocka_unit_test(samples_carry_what_their_tokens_earned),
        cmocka_unit_test(the_reference_of_an_adapter_is_its_base),
        cmocka_unit_test(a_probe_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_flat_world, remove_flat_world);
}
