// Adapters over a base in 4 and 8 bits (base-precision): they learn, go on as they were, and know what they were trained on.
#include "config.h"

#include "whole.h"

#include "base/json.h"
#include "cpu/cpu.h"
#include "model/quantized.h"
#include "train/run/memory_plan.h"
#include "train/run/preflight.h"

#define LORA "lora-rank=2 lora-targets=all-linear lr=0.005 "

static char *checkpoint_of(const char *name)
{
    char *dir = run_dir(name), *path = path_join(dir, "checkpoints/step-60");
    free(dir);
    return path;
}

// The run over the base as its file has it, which comes first, and those over a quantized one.
static void make_runs(void)
{
    static bool made;
    if (!made) {
        add_run("file", "dpo", LORA);
        add_run("int8", "dpo", LORA "base-precision=int8");
        add_run("nf4", "dpo", LORA "base-precision=nf4");
        run_to_end("file");
        run_to_end("int8");
        run_to_end("nf4");
    }
    made = true;
}

// Policy and reference are the same quantized model before the first step, and it is not that of the file.
static void an_adapter_learns_over_a_quantized_base(void **state)
{
    make_runs();
    const double exact = metric_at("file", "eval/logps/chosen", 0);
    const double int8 = fabs(metric_at("int8", "eval/logps/chosen", 0) - exact), nf4 = fabs(metric_at("nf4", "eval/logps/chosen", 0) - exact);
    print_message("          log-probabilities are off by %.2g (int8) and %.2g (nf4) of %.4g\n", int8, nf4, exact);
    assert_true(int8 > 0 && int8 < nf4 && nf4 < 0.05 * fabs(exact));
    static const char *const names[] = {"int8", "nf4"};
    for (size_t i = 0; i < 2; i++) {
        assert_close(metric_at(names[i], "eval/rewards/chosen", 0), 0, 1e-6);
        assert_close(metric_at(names[i], "kl", 0), 0, 1e-6);
        double first = 0, last = 0, last_file = 0; // what held-out pairs of a world of noise say is chance
        for (int k = 1; k <= 10; k++)
            first += metric_at(names[i], "loss", k) / 10, last += metric_at(names[i], "loss", 50 + k) / 10,
                last_file += metric_at("file", "loss", 50 + k) / 10;
        print_message("          %s: loss from %.3f to %.3f (file: %.3f)\n", names[i], first, last, last_file);
        assert_true(last < 0.9 * first && fabs(last - last_file) < 0.2 * first);
    }
}

static void a_killed_run_goes_on_bit_for_bit(void **state)
{
    make_runs();
    struct rng rng = rng_make(5, RNG_TEST, 0);
    add_run("killed", "dpo", LORA "base-precision=nf4");
    assert_true(harass("killed", &rng, 3) > 0);
    run_to_end("killed");
    assert_same_run("nf4", "killed", "adapter_model.safetensors");
}

// Without being told, whoever goes on with the adapter has the base that it was trained on.
static void an_adapter_knows_its_base(void **state)
{
    struct str extra = {0};
    make_runs();
    char *from = checkpoint_of("nf4");
    str_addf(&extra, "model=%s adapter=continue", from);
    add_run("next", "dpo", str_text(&extra));
    run_to_end("next");
    assert_close(metric_at("next", "eval/logps/chosen", 0), metric_at("nf4", "eval/logps/chosen", 60), 1e-9);
    str_fini(&extra);
    free(from);
}

static float *numbers_of(const struct model *m, const struct tensor *t)
{
    float *host = calloc((size_t)t->rows * (size_t)t->cols, sizeof *host);
    assert_ok(model_read(m, t, 0, t->rows, host, e));
    return host;
}

// |a - b| of all numbers of one kind of tensors.
static double apart(const struct model *a, const struct model *b, bool linear)
{
    double sum = 0;
    for (int i = 0; i < a->n_tensors; i++) {
        const struct tensor *t = &a->tensors[i];
        float *x = numbers_of(a, t), *y = numbers_of(b, model_tensor(b, t->kind, t->layer));
        for (size_t k = 0; tensor_is_linear(t->kind) == linear && k < (size_t)t->rows * (size_t)t->cols; k++)
            sum += fabs((double)x[k] - (double)y[k]);
        free(x), free(y);
    }
    return sum;
}

static void linear_layers_alone_are_quantized_and_merging_dequantizes(void **state)
{
    make_runs();
    const struct backend_ops *ops = backend_find("cpu");
    struct backend *b;
    struct model *frozen, *whole, *base, *merged;
    char *from = checkpoint_of("nf4"), *out = path_join(project, "merged");
    assert_ok(ops->open(&b, &(struct backend_options){.n_threads = 1}, e));
    assert_ok(model_load(&frozen, from, ops, b, LOAD_FROZEN, e));
    assert_ok(model_load(&whole, from, ops, b, 0, e));
    assert_ok(model_load(&base, world.model_dir, ops, b, 0, e));
    for (int i = 0; i < frozen->n_tensors; i++) {
        const struct tensor *t = &frozen->tensors[i];
        assert_int_equal(t->as.type, tensor_is_linear(t->kind) ? DTYPE_NF4 : t->as.type);
        assert_true(tensor_is_linear(t->kind) || !dtype_is_quantized(t->as.type));
        float *all = numbers_of(frozen, t), *last = calloc((size_t)t->cols, sizeof *last);
        assert_ok(model_read(frozen, t, t->rows - 1, 1, last, e)); // from a number in a group's middle
        assert_memory_equal(last, all + (size_t)(t->rows - 1) * (size_t)t->cols, (size_t)t->cols * sizeof *last);
        free(all), free(last);
    }
    assert_true(apart(frozen, whole, true) == 0 && apart(frozen, base, true) > 0); // one that may change has the same numbers
    assert_true(apart(frozen, base, false) == 0);
    assert_ok(model_save_whole(frozen, out, SAVE_F32, e));
    assert_ok(model_load(&merged, out, ops, b, 0, e));
    assert_true(apart(merged, whole, true) > 0);
    assert_ok(model_merge_lora(whole, e));
    assert_true(apart(merged, whole, true) == 0 && !dtype_is_quantized(merged->base_type));
    model_free(frozen), model_free(whole), model_free(base), model_free(merged);
    ops->close(b);
    free(from), free(out);
}

// What attune export says of it.
static void exporting_says_that_it_dequantizes(void **state)
{
    static const struct {
        const char *merge, *words;
    } ways[] = {{"yes", "its linear layers are dequantized"}, {"no", "the adapter was trained on a base in nf4"}};
    make_runs();
    char *from = checkpoint_of("nf4");
    for (size_t i = 0; i < 2; i++) {
        struct str command = {0};
        char said[4096] = "";
        str_addf(&command, "%s export --checkpoint %s --out %s/out-%s --merge %s 2>&1", engine, from, project, ways[i].merge, ways[i].merge);
        FILE *f = popen(str_text(&command), "r");
        assert_non_null(f);
        said[fread(said, 1, sizeof said - 1, f)] = '\0';
        if (pclose(f) != 0 || !strstr(said, ways[i].words))
            fail_msg("\"%s\" says: %s", str_text(&command), said);
        str_fini(&command);
    }
    free(from);
}

static void expect_refusal(const char *name, const char *extra, const char *words)
{
    add_run(name, "dpo", extra);
    assert_int_equal(finish(start(name, 0)), err_exit_status(ERR_USAGE));
    if (count_events(name, "end", words) != 1)
        fail_msg("%s: nothing says \"%s\"", extra, words);
}

static void what_is_trained_is_not_quantized(void **state)
{
    struct str extra = {0};
    expect_refusal("full", "base-precision=nf4", "all weights are trained: train an adapter (--lora-rank 16)");
    str_addf(&extra, "model=%s/config.json tokenizer=%s lora-rank=2 base-precision=int8", world.model_dir, world.model_dir);
    expect_refusal("new", str_text(&extra), "makes new ones");
    str_fini(&extra);
}

// A quantized reward model scores a little differently, in the same run otherwise.
static void reward_models_may_be_quantized(void **state)
{
    add_run("scores", "rm", "lr=0.01");
    run_to_end("scores");
    char *from = checkpoint_of("scores");
    double rewards[2];
    for (int i = 0; i < 2; i++) {
        struct str extra = {0};
        const char *name = i ? "judged-nf4" : "judged";
        str_addf(&extra, "reward-model=%s steps=2 max-new-tokens=6 samples=2 probe-every=0 reward-precision=%s", from, i ? "nf4" : "file");
        add_run(name, "rloo", str_text(&extra));
        run_to_end(name);
        rewards[i] = metric_at(name, "reward", 1);
        str_fini(&extra);
    }
    assert_true(rewards[0] != rewards[1] && fabs(rewards[0] - rewards[1]) < 0.2 * fabs(rewards[0]));
    free(from);
}

// The adapter that is continued says it as well.
static void the_plan_counts_quantized_layers(void **state)
{
    make_runs();
    char *from = checkpoint_of("nf4");
    for (int i = 0; i < 3; i++) {
        const struct objective *o;
        struct run_tables tables;
        struct settings s;
        struct memory_plan p;
        double quantized = 0, mapped = 0;
        assert_ok(objective_find(&o, "dpo", e));
        run_settings_init(&s, &tables, o);
        assert_ok(settings_set(&s, "model", i == 2 ? from : world.model_dir, e));
        assert_ok(settings_set(&s, i == 2 ? "adapter" : "lora-rank", i == 2 ? "continue" : "2", e));
        assert_ok(settings_set(&s, "base-precision", i == 1 ? "nf4" : "file", e));
        assert_ok(preflight_memory(o, &s, &p, NULL, e));
        for (int k = 0; k < p.n; k++) {
            quantized += strcmp(p.lines[k].what, "linear layers in nf4") == 0 ? p.lines[k].bytes : 0;
            mapped += p.lines[k].mapped ? p.lines[k].bytes : 0;
        }
        static double file_bytes, nf4_bytes;
        if (i == 0)
            file_bytes = mapped;
        if (i == 1)
            nf4_bytes = quantized;
        assert_true(i == 0 ? quantized == 0 && file_bytes > 0 : quantized > 0 && quantized < 0.3 * (file_bytes - mapped));
        assert_true(i < 2 || quantized == nf4_bytes);
        settings_fini(&s);
    }
    free(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_learns_over_a_quantized_base),
        cmocka_unit_test(a_killed_run_goes_on_bit_for_bit),
        cmocka_unit_test(an_adapter_knows_its_base),
        cmocka_unit_test(linear_layers_alone_are_quantized_and_merging_dequantizes),
        cmocka_unit_test(exporting_says_that_it_dequantizes),
        cmocka_unit_test(what_is_trained_is_not_quantized),
        cmocka_unit_test(reward_models_may_be_quantized),
        cmocka_unit_test(the_plan_counts_quantized_layers),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
