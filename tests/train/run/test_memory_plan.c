// The plan of a run's memory, made of an architecture and settings alone, is what is then taken.
#include "fixture.h"

#include "base/mem.h"
#include "model/decoder.h"
#include "model/tape.h"
#include "train/run/memory_plan.h"
#include "train/run/params.h"
#include "train/run/preflight.h"

static struct world world;

static int set_up(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int tear_down(void **state)
{
    world_remove(&world);
    return 0;
}

static double line(const struct memory_plan *p, const char *what)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->lines[i].what, what) == 0)
            return p->lines[i].bytes;
    return 0;
}

static void plan(struct memory_plan *p, const char *objective, const char *name, const char *value, double available,
                 struct err *fault)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings s;
    assert_ok(objective_find(&o, objective, e));
    run_settings_init(&s, &tables, o);
    assert_ok(settings_set(&s, "model", world.model_dir, e));
    assert_ok(settings_set(&s, "device", "cpu", e));
    if (name)
        assert_ok(settings_set(&s, name, value, e));
    assert_ok(preflight_memory(o, &s, p, NULL, e));
    p->available = available;
    if (fault)
        memory_plan_check(p, &s, fault);
    settings_fini(&s);
}

static void a_batch_takes_what_is_planned(void **state)
{
    for (int kind = 0; kind < 8; kind++) {
        const bool bf16 = kind & 1, recompute = kind & 2, adapter = kind & 4;
        const struct backend_ops *ops = backend_find("cpu");
        struct backend *b;
        struct model *m;
        struct decoder *d;
        int32_t tokens[96] = {0}, positions[96], rows[95], ids[95] = {0};
        const struct attn_segment whole = {0, 96, 0, 0};
        const struct seq_span span = {0, 95, 95};
        for (int i = 0; i < 96; i++)
            positions[i] = i;
        for (int i = 0; i < 95; i++)
            rows[i] = i;
        const struct seq_batch batch = {.n_tokens = 96, .tokens = tokens, .positions = positions, .n_segments = 1,
                                        .segments = &whole, .n_targets = 95, .target_rows = rows, .target_ids = ids,
                                        .n_seqs = 1, .seqs = &span};
        assert_ok(ops->open(&b, &(struct backend_options){.n_threads = 1, .precision = bf16 ? PRECISION_BF16 : PRECISION_F32}, e));
        assert_ok(model_load(&m, world.model_dir, ops, b, adapter ? LOAD_FROZEN : 0, e));
        if (adapter)
            assert_ok(model_add_lora(m, 4, 8, "all-linear", 1, e));
        assert_ok(decoder_new(&d, m, recompute, e));
        assert_ok(decoder_forward(d, &batch, true, e));
        const double taken = (double)decoder_bytes(d);
        const double planned = (double)decoder_plan(&m->arch, adapter ? 4 : 0, 96, 95, bf16, true, recompute);
        if (!(fabs(taken - planned) <= 0.01 * taken))
            fail_msg("kind %d: planned %g bytes, took %g", kind, planned, taken);
        decoder_free(d);
        model_free(m);
        ops->close(b);
    }
}

static void each_thing_that_is_kept_has_its_line(void **state)
{
    struct memory_plan p, other;
    const struct backend_ops *ops = backend_find("cpu");
    struct backend *b;
    struct model *m;
    assert_ok(ops->open(&b, &(struct backend_options){.n_threads = 1}, e));
    assert_ok(model_load(&m, world.model_dir, ops, b, 0, e));
    const double params = (double)arch_n_params(&m->arch);
    plan(&p, "dpo", "probe-every", "0", 0, NULL);
    assert_close(line(&p, "weights in f32"), 4 * params, 0);
    assert_close(line(&p, "gradients"), 4 * params, 0);
    assert_close(line(&p, "AdamW's two moments"), 8 * params, 0);
    assert_close(line(&p, "a checkpoint's largest tensor, as it is written"), 4.0 * m->arch.vocab_size * m->arch.d_embed, 0);
    assert_close(p.mapped_bytes, 0, 0); // its reference is computed before
    plan(&other, "tdpo1", "probe-every", "0", 0, NULL);
    assert_true(other.mapped_bytes >= 4 * params); // the file
    assert_true(line(&other, "activations of the reference") > 0);
    plan(&other, "dpo", "lora-rank", "4", 0, NULL);
    assert_close(line(&other, "gradients"), 0, 0);
    assert_true(line(&other, "adapter: weights, gradients, moments") > 0);
    assert_true(line(&other, "adapter: weights, gradients, moments") < line(&p, "gradients"));
    plan(&other, "dro-v", "probe-every", "0", 0, NULL);
    assert_close(line(&other, "value network: weights, gradients, moments"), 16 * params, 0);
    plan(&other, "dpo", "precision", "bf16", 0, NULL);
    assert_close(line(&other, "weights rounded to bf16, to multiply with"), 2 * params, 0);
    plan(&other, "dpo", "recompute", "yes", 0, NULL);
    assert_true(line(&other, "activations of a micro-batch (max-batch-tokens)") <
                line(&p, "activations of a micro-batch (max-batch-tokens)"));
    static const char twin[] = "the policy that answers, and its next weights (rollout-ahead)";
    plan(&other, "grpo", NULL, NULL, 0, NULL);
    assert_close(line(&other, twin), 0, 0);
    plan(&other, "grpo", "rollout-ahead", "3", 0, NULL);
    assert_close(line(&other, twin), 4 * (1 + 3) * params, 0);
    assert_true(line(&other, "activations of the policy that answers") > 0);
    // What is taken for speed alone refuses no run.
    plan(&other, "grpo", "probe-every", "0", 0, NULL);
    static const char tape[] = "answers: what sampling computes, for the update";
    const double said = 16 * 8 * 64, taped = tape_plan(&m->arch, said + 16 * 512, said + 16);
    assert_close(line(&other, "answers: weights laid out for sampling"), 4 * params, 0);
    assert_close(line(&other, tape), taped, 0);
    assert_close(other.spare_bytes, 4 * params + taped, 0);
    struct err fault = {0};
    plan(&p, "grpo", "probe-every", "0", other.bytes, &fault);
    assert_int_equal(fault.code, 0);
    static const char *const without[][3] = {{"grpo", "minibatches", "2"}, {"grpo", "recompute", "yes"}, {"nash-md", "seed", "1"},
                                             {"grpo", "rollout-ahead", "1"}, {"grpo", "precision", "bf16"}};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        plan(&p, without[i][0], without[i][1], without[i][2], 0, NULL);
        assert_close(line(&p, tape), 0, 0);
    }
    double sum = 0;
    for (int i = 0; i < other.n; i++)
        sum += other.lines[i].mapped || other.lines[i].spare ? 0 : other.lines[i].bytes;
    assert_close(sum, other.bytes, 1e-12 * sum);
    // An adapter has as many numbers as planned.
    assert_ok(model_add_lora(m, 4, 8, "", 1, e));
    unsigned kinds;
    assert_ok(lora_read_targets(&m->arch, "", &kinds, e));
    assert_close(lora_n_params(&m->arch, 4, kinds), (double)m->n_lora_floats, 0);
    model_free(m);
    ops->close(b);
}

static void what_does_not_fit_is_refused_with_its_largest_lines(void **state)
{
    struct memory_plan p;
    struct err fault = {0};
    plan(&p, "dpo", NULL, NULL, 1e15, &fault);
    assert_int_equal(fault.code, 0);
    plan(&p, "dpo", NULL, NULL, p.bytes - 1, &fault);
    assert_int_equal(fault.code, ERR_LIMIT);
    assert_non_null(strstr(fault.text, "activations of a micro-batch (max-batch-tokens)"));
    assert_non_null(strstr(fault.text, "train adapters (--lora-rank 16)"));
    fault = (struct err){0};
    plan(&p, "dpo", "lora-rank", "2", 1, &fault);
    assert_non_null(strstr(fault.text, "a smaller max-batch-tokens"));
}

// The same of a GPU: nothing is mapped there, nothing laid out for speed, and operations need some of it while they run.
static void on_a_gpu_what_is_mapped_is_a_copy(void **state)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings s;
    struct memory_plan here, gpu;
    struct objective_run configured = {0};
    struct memory_facts facts = {.arch = {.family = ARCH_LLAMA, .vocab_size = 1000, .n_layers = 2, .d_model = 64, .d_embed = 64, .d_ff = 128,
                                          .n_heads = 4, .n_kv_heads = 4, .head_dim = 16, .max_positions = 64, .gated_mlp = true},
                                 .file_bytes = 123456, .is_bf16_file = true, .bf16 = true};
    assert_ok(objective_find(&o, "grpo", e));
    run_settings_init(&s, &tables, o);
    assert_ok(settings_set(&s, "lora-rank", "4", e));
    objective_configure(&configured, o, &s);
    memory_plan_make(&here, &facts, o, objective_needs(&configured), &s);
    facts.on_gpu = true, facts.available = 1e6;
    memory_plan_make(&gpu, &facts, o, objective_needs(&configured), &s);
    assert_close(line(&here, "frozen weights, in the mapped file"), 123456, 0);
    assert_close(line(&gpu, "frozen weights"), 123456, 0);
    assert_true(here.mapped_bytes > 0 && here.spare_bytes > 0);
    assert_close(gpu.mapped_bytes, 0, 0);
    assert_close(gpu.spare_bytes, 0, 0);
    assert_true(line(&gpu, "working memory of operations") >= (64 << 20) + 2 * 128 * 4096.0);
    assert_close(line(&here, "working memory of operations"), 0, 0);
    // Sizes that are rounded up have their memory; those of large batches are what they are.
    assert_int_equal(decoder_most_rows(&facts.arch, 1000), 1024);
    assert_int_equal(decoder_most_rows(&facts.arch, 1 << 24), 1 << 24);
    assert_ok(settings_set(&s, "max-batch-tokens", "1000", e));
    facts.bf16 = false;
    memory_plan_make(&gpu, &facts, o, objective_needs(&configured), &s);
    assert_close(line(&gpu, "activations of a micro-batch (max-batch-tokens)"),
                 (double)decoder_plan(&facts.arch, 4, 1024, 1024, false, true, false), 0);
    facts.available = 1e6;
    struct err fault = {0};
    assert_int_equal(memory_plan_check(&gpu, &s, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.text, " of the GPU's memory ("));
    assert_non_null(strstr(fault.text, ", and 977 KiB are free: "));
    settings_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_takes_what_is_planned),
        cmocka_unit_test(each_thing_that_is_kept_has_its_line),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_largest_lines),
        cmocka_unit_test(on_a_gpu_what_is_mapped_is_a_copy),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
