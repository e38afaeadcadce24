// DPO on a really trained model and real preference pairs: on held-out pairs accuracy and margin rise.
#include "config.h"

#include "fixture.h"

#include "train/learn/reference.h"

static void dpo_on_stories260k_learns_held_out_preferences(void **state)
{
    char *model = test_asset("models/stories260K/hf"),
         *pairs = test_asset("preferences/llms-from-scratch/instruction-data-with-preference.json");
    if (!model || !pairs) {
        free(model);
        free(pairs);
        skip();
    }
    struct world world = {.tokenizer_dir = model, .model_dir = model, .pairs_path = pairs};
    struct bench b;
    struct metric_list before, after;
    struct step_result step;
    // Shortened texts keep this under a few seconds; every fourth of the 1,094 pairs is held out.
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .threads = 1, .steps = 40,
                                                   .settings = "lr=0.001 batch-size=8 schedule=cosine"});
    bench_evaluate(&b, &before);
    for (int i = 0; i < 40; i++)
        assert_ok(trainer_step(b.trainer, &step, e));
    bench_evaluate(&b, &after);
    print_message("          %d pairs, %d held out: loss %.3f -> %.3f, accuracy %.3f -> %.3f, margin %.3f -> %.3f\n",
                  b.train.n_groups, b.held_out.n_groups, metric_value(&before, "eval/loss"),
                  metric_value(&after, "eval/loss"),
                  metric_value(&before, "eval/rewards/accuracies"), metric_value(&after, "eval/rewards/accuracies"),
                  metric_value(&before, "eval/rewards/margins"), metric_value(&after, "eval/rewards/margins"));
    assert_close(metric_value(&before, "eval/loss"), log(2), 1e-5);
    assert_true(metric_value(&after, "eval/loss") < 0.6);
    assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.7);
    assert_true(metric_value(&after, "eval/rewards/margins") > 0.5);
    bench_free(&b);
    free(model);
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dpo_on_stories260k_learns_held_out_preferences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
