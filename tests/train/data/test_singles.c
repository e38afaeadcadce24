// Learning from single responses: what is good gains and what is bad loses, beside a value network, against the model's
// own answers, and with prompts that weigh differently.
#include "config.h"

#include "fixture.h"

#include "base/rng.h"
#include "train/learn/own_answers.h"
#include "train/learn/udm.h"

static struct world world;

static void train(struct bench *b, int steps)
{
    struct step_result r;
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
}

// Pairs read as single responses: what is good gains and what is bad loses, on held-out prompts.
static void binary_feedback_raises_held_out_margins(void **state)
{
    static const struct {
        const char *objective, *settings, *metric;
    } rows[] = {{"kto", "lr=0.003", "eval/kl_estimate"},
                {"kto", "lr=0.003 loss=apo-zero", "eval/kl_estimate"},
                {"bco", "lr=0.003", "eval/delta"},
                {"dro-v", "lr=0.003 value-lr=0.003", "eval/value"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;
        struct metric_list before, after;
        const struct bench_options o = {.objective = rows[i].objective, .settings = rows[i].settings, .steps = 80};
        bench_make(&b, &world, &o);
        bench_evaluate(&b, &before);
        assert_close(metric_value(&before, "eval/rewards/margins"), 0, 1e-6);
        assert_close(metric_value(&before, "eval/count/chosen"), 20, 0);
        assert_close(metric_value(&before, "eval/count/rejected"), 20, 0);
        assert_close(metric_value(&before, rows[i].metric), 0, 1e-5);
        train(&b, 80);
        bench_evaluate(&b, &after);
        assert_true(metric_value(&after, "eval/rewards/margins") > 0.5);
        assert_true(metric_value(&after, "eval/rewards/chosen") > metric_value(&after, "eval/rewards/rejected"));
        assert_true(metric_value(&after, "eval/loss") < metric_value(&before, "eval/loss"));
        assert_true(isfinite(metric_value(&after, rows[i].metric)));
        bench_free(&b);
    }
}

// Only rejected responses are learnt from; the model's own answers take the good ones' place.
static void d2o_turns_from_bad_responses_to_its_own(void **state)
{
    struct bench b;
    struct metric_list before, after;
    bench_make(&b, &world, &(struct bench_options){.objective = "d2o", .settings = "lr=0.003", .steps = 60});
    assert_int_equal(b.train.n_groups, 60);
    for (int i = 0; i < b.train.n_groups; i++) {
        const struct ds_seq *s = &b.train.seqs[b.train.groups[i].first_seq];
        assert_int_equal(b.train.groups[i].n_seqs, 4);
        assert_close(s->label, 0, 0);
        for (int k = 1; k < 4; k++)
            assert_true(s[k].label == 1 && s[k].n >= 1 && s[k].n <= 8);
    }
    bench_evaluate(&b, &before);
    assert_close(metric_value(&before, "eval/loss"), log(2), 1e-6);
    assert_close(metric_value(&before, "eval/count/chosen"), 60, 0);
    assert_close(metric_value(&before, "eval/count/rejected"), 20, 0);
    train(&b, 60);
    bench_evaluate(&b, &after);
    assert_true(metric_value(&after, "eval/rewards/rejected") < -0.5);
    assert_true(metric_value(&after, "eval/rewards/margins") > 0.5);
    bench_free(&b);
}

// What a value network of the prompts alone can explain of the rewards: here nothing, so it settles at their mean.
static void a_value_network_learns_beside_the_policy(void **state)
{
    struct bench b;
    struct metric_list after;
    struct step_result r;
    size_t n, m;
    const struct bench_options o = {.objective = "dro-v", .settings = "lr=1e-12 value-lr=0.01", .steps = 60};
    bench_make(&b, &world, &o);
    float *policy = bench_weights(&b, &n);
    assert_ok(trainer_step(b.trainer, &r, e));
    assert_close(metric_value(&r.metrics, "value"), 0, 0); // a new head says zero
    assert_true(metric_value(&r.metrics, "value_grad_norm") > 0);
    train(&b, 59);
    bench_evaluate(&b, &after);
    assert_true(metric_value(&after, "eval/value") != 0);
    assert_close(metric_value(&after, "eval/value"), 0, 0.5);
    float *now = bench_weights(&b, &m);
    for (size_t i = 0; i < n; i++)
        assert_close(now[i], policy[i], 1e-6);
    free(policy);
    free(now);
    bench_free(&b);
    // And what it can explain it does: all responses are good, but for their normalisation, which is undone here.
    bench_make(&b, &world, &o);
    for (int i = 0; i < b.train.n_seqs; i++)
        b.train.seqs[i].label = 2;
    train(&b, 60);
    bench_evaluate(&b, &after);
    assert_close(metric_value(&after, "eval/value"), 2, 0.3);
    bench_free(&b);
}

// At the minimum of the regularized loss its slope is zero, whatever way led there.
static void the_classifier_of_prompts_is_at_its_minimum(void **state)
{
    enum { N = 120, D = 5 };
    struct rng rng = rng_make(8, RNG_TEST, 0);
    double x[N * D], y[N], weights[N], w[D + 1];
    for (int i = 0; i < N; i++) {
        double sum = 0.5;
        for (int k = 0; k < D; k++)
            sum += (k - 1) * (x[i * D + k] = rng_normal(&rng));
        y[i] = rng_uniform(&rng) < 1 / (1 + exp(-sum)) ? 1 : -1;
        weights[i] = y[i] > 0 ? 0.5 : 2;
    }
    logistic_fit(x, y, weights, N, D, w);
    for (int k = 0; k <= D; k++) {
        double slope = k < D ? w[k] : 0;
        for (int i = 0; i < N; i++) {
            double z = w[D];
            for (int j = 0; j < D; j++)
                z += w[j] * x[i * D + j];
            slope -= weights[i] * y[i] / (1 + exp(y[i] * z)) * (k < D ? x[i * D + k] : 1);
        }
        assert_close(slope, 0, 1e-6);
    }
    assert_true(w[4] > 1 && w[0] < 0);
}

// Good responses are about rivers and bad ones about trains, but for a few.
static void prompts_weigh_by_how_much_they_look_like_those_of_good_responses(void **state)
{
    struct bench b, again;
    struct metric_list metrics;
    struct world votes = world;
    struct str rows = {0};
    votes.pairs_path = path_join(world.dir, "votes-by-prompt.jsonl");
    for (int i = 0; i < 80; i++) {
        const bool good = i % 2, odd = i % 16 < 2;
        str_addf(&rows, "{\"prompt\": \"Day %d: %s\", \"completion\": \" is it.\", \"label\": %s}\n", i,
                 good != odd ? "the river" : "the train", good ? "true" : "false");
    }
    assert_ok(file_write(votes.pairs_path, str_text(&rows), rows.len, e));
    const struct bench_options o = {.objective = "bco", .settings = "udm=yes lr=0.003", .steps = 8};
    bench_make(&b, &votes, &o);
    double river = 0, train_odds = 0;
    int n_rivers = 0;
    for (int i = 0; i < b.train.n_groups; i++) {
        const char *text = b.corpus->examples[b.train.groups[i].example].turns[0].text;
        n_rivers += strstr(text, "river") != NULL;
        *(strstr(text, "river") ? &river : &train_odds) += b.train.prompt_odds[i];
    }
    assert_true(river / n_rivers > 0.7);
    assert_true(train_odds / (b.train.n_groups - n_rivers) < -0.7);
    bench_make(&again, &votes, &o);
    assert_memory_equal(b.train.prompt_odds, again.train.prompt_odds, (size_t)b.train.n_groups * sizeof(double));
    train(&b, 8);
    bench_evaluate(&b, &metrics);
    assert_true(isfinite(metric_value(&metrics, "eval/loss")));
    bench_free(&again);
    bench_free(&b);
    // Pairs have the same prompts on both sides: nothing can be told apart.
    bench_make(&b, &world, &o);
    for (int i = 0; i < b.train.n_groups; i++)
        assert_close(b.train.prompt_odds[i], 0, 1e-6);
    bench_free(&b);
    str_fini(&rows);
    free(votes.pairs_path);
}

// A batch of good responses alone has no margin, and no number of it is a NaN.
static void an_absent_class_has_no_metrics(void **state)
{
    struct bench b;
    struct step_result r;
    struct world votes = world;
    struct str rows = {0};
    votes.pairs_path = path_join(world.dir, "all-good.jsonl");
    for (int i = 0; i < 24; i++)
        str_addf(&rows, "{\"prompt\": \"Day %d: the moon\", \"completion\": \" is bright today.\", \"label\": true}\n", i);
    assert_ok(file_write(votes.pairs_path, str_text(&rows), rows.len, e));
    bench_make(&b, &votes, &(struct bench_options){.objective = "kto", .settings = "lr=0.003", .steps = 3});
    for (int i = 0; i < 3; i++) {
        assert_ok(trainer_step(b.trainer, &r, e));
        assert_true(isnan(metric_value(&r.metrics, "rewards/rejected")));
        assert_true(isnan(metric_value(&r.metrics, "rewards/margins")));
        assert_close(metric_value(&r.metrics, "count/chosen"), 4, 0);
        assert_close(metric_value(&r.metrics, "count/rejected"), 0, 0);
        for (int k = 0; k < r.metrics.n; k++)
            assert_true(isfinite(r.metrics.items[k].value));
    }
    assert_true(metric_value(&r.metrics, "rewards/chosen") > 0);
    bench_free(&b);
    str_fini(&rows);
    free(votes.pairs_path);
}

struct stopper {
    int calls, stop_at;
};

static bool count_and_stop(void *arg, const char *what, int done, int all)
{
    struct stopper *s = arg;
    return ++s->calls != s->stop_at;
}

static void build_bad(struct dataset *d, const struct bench *b)
{
    struct dataset_options o = b->text;
    o.max_responses = 0;
    o.singly = o.bad_only = o.asks = true;
    assert_ok(dataset_build(d, b->corpus, NULL, 0, &o, e));
}

// Stopped in the middle, cut off in the middle of the file, or drawn in one go: the same answers.
static void own_answers_are_kept_on_disk_and_go_on_where_they_ended(void **state)
{
    struct bench b;
    struct dataset whole, again, other;
    struct err fault = {0};
    struct stopper stopper = {.stop_at = 4};
    const int32_t stop = 0;
    char *path = path_join(world.dir, "samples.bin"), *bytes;
    size_t n;
    bench_make(&b, &world, &(struct bench_options){.objective = "sft", .steps = 1});
    struct own_answers_options o = {.model_key = "key", .per_prompt = 2, .max_tokens = 6, .max_length = 128, .seed = 4,
                                .stop = &stop, .n_stop = 1};
    build_bad(&whole, &b);
    assert_ok(own_answers_add(&whole, NULL, b.model, &o, e));
    assert_int_equal(whole.n_seqs, 3 * whole.n_groups);
    o.path = path;
    o.progress = count_and_stop;
    o.arg = &stopper;
    build_bad(&again, &b);
    assert_int_equal(own_answers_add(&again, NULL, b.model, &o, &fault), ERR_INTERRUPTED);
    assert_int_equal(again.n_seqs, again.n_groups); // untouched
    stopper.stop_at = 0;
    stopper.calls = 0;
    assert_ok(own_answers_add(&again, NULL, b.model, &o, e));
    assert_int_equal(stopper.calls, 2); // of five pieces
    assert_string_equal(again.hash, whole.hash);
    dataset_fini(&again);
    // Nothing is drawn when all is there; what was cut off is.
    for (int cut = 0; cut < 2; cut++) {
        build_bad(&again, &b);
        stopper.calls = 0;
        assert_ok(own_answers_add(&again, NULL, b.model, &o, e));
        assert_int_equal(stopper.calls, 2 * cut);
        assert_string_equal(again.hash, whole.hash);
        dataset_fini(&again);
        assert_ok(file_read(path, 1 << 20, &bytes, &n, e));
        assert_ok(file_write(path, bytes, n * 3 / 4, e));
        free(bytes);
    }
    // Nor is an answer believed that is longer than any that is drawn: group 0 with seven tokens, where six are the most.
    enum { HEAD = 80 };
    const int32_t wild[] = {0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    struct str damaged = {0};
    int32_t lengths[2];
    build_bad(&again, &b);
    assert_ok(own_answers_add(&again, NULL, b.model, &o, e));
    dataset_fini(&again);
    assert_ok(file_read(path, 1 << 20, &bytes, &n, e));
    memcpy(&lengths[0], bytes + HEAD + 4, 4);
    memcpy(&lengths[1], bytes + HEAD + 4 * (2 + lengths[0]), 4);
    const size_t rest = HEAD + 4 * (size_t)(3 + lengths[0] + lengths[1]);
    str_addn(&damaged, bytes, HEAD);
    str_addn(&damaged, (const char *)wild, sizeof wild);
    str_addn(&damaged, bytes + rest, n - rest);
    assert_ok(file_write(path, str_text(&damaged), damaged.len, e));
    str_fini(&damaged);
    free(bytes);
    build_bad(&again, &b);
    assert_ok(own_answers_add(&again, NULL, b.model, &o, e));
    assert_string_equal(again.hash, whole.hash);
    dataset_fini(&again);
    // Another seed, another model: other answers.
    o.seed = 5;
    build_bad(&other, &b);
    assert_ok(own_answers_add(&other, NULL, b.model, &o, e));
    assert_string_not_equal(other.hash, whole.hash);
    dataset_fini(&other);
    dataset_fini(&whole);
    free(path);
    bench_free(&b);
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_feedback_raises_held_out_margins),
        cmocka_unit_test(d2o_turns_from_bad_responses_to_its_own),
        cmocka_unit_test(a_value_network_learns_beside_the_policy),
        cmocka_unit_test(the_classifier_of_prompts_is_at_its_minimum),
        cmocka_unit_test(prompts_weigh_by_how_much_they_look_like_those_of_good_responses),
        cmocka_unit_test(an_absent_class_has_no_metrics),
        cmocka_unit_test(own_answers_are_kept_on_disk_and_go_on_where_they_ended),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
