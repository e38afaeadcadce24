// Weights that a generator lays out for its tokens: the same samples as without, laid out once while they stay as they are,
// anew after they changed, and given back where they are trained.
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "golden_decoder.h"
#include "model/generate.h"
#include "model/generator_parts.h"

static struct golden golden;
static struct backend_ops cpu; // the cpu's table with a count, and a size of the test's own
static const struct backend_ops *real;
static struct backend *backend;
static int n_packed;
static size_t claimed; // bytes of each matrix; 0: what it really takes

static void pack(struct backend *b, void *packed, struct stored w, int i, int o)
{
    n_packed++;
    real->pack_weights(b, packed, w, i, o);
}

static size_t packed_bytes(struct backend *b, struct stored w, int i, int o)
{
    return claimed ? claimed : real->packed_bytes(b, w, i, o);
}

static size_t nothing(struct backend *b, struct stored w, int i, int o)
{
    return 0;
}

static int set_up(void **state)
{
    golden_open(&golden);
    real = backend_find("cpu");
    cpu = *real;
    cpu.pack_weights = pack;
    cpu.packed_bytes = packed_bytes;
    assert_ok(cpu.open(&backend, &(struct backend_options){.n_threads = 2}, e));
    return 0;
}

static int tear_down(void **state)
{
    cpu.close(backend);
    golden_close(&golden);
    return 0;
}

static bool packs(void) // a backend whose products are a library's gains nothing
{
    return real->packed_bytes(backend, stored_f32(NULL), 16, 16) > 0;
}

static struct model *first_model(void)
{
    return golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", &cpu, backend);
}

// How many matrices were laid out for it.
static int sample(struct model *m, int max_new_tokens, struct gen_sample **out, int *n)
{
    struct gen_prompt prompts[8];
    const struct gen_options o = {.max_new_tokens = max_new_tokens, .temperature = 1, .top_p = 1, .seed = 42};
    const int before = n_packed;
    for (int i = 0; i < golden.n_groups; i++)
        prompts[i] = (struct gen_prompt){golden.groups[i].prompt, golden.groups[i].n_prompt, 3};
    assert_ok(generate(m, prompts, golden.n_groups, &o, NULL, NULL, out, n, e));
    return n_packed - before;
}

static int sample_only(struct model *m, int max_new_tokens)
{
    struct gen_sample *samples;
    int n;
    const int packed = sample(m, max_new_tokens, &samples, &n);
    generate_free(samples, n);
    return packed;
}

static void expect_same(const struct gen_sample *a, const struct gen_sample *b, int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(a[i].n_tokens, b[i].n_tokens);
        assert_memory_equal(a[i].tokens, b[i].tokens, (size_t)a[i].n_tokens * sizeof *a[i].tokens);
        assert_memory_equal(a[i].logprobs, b[i].logprobs, (size_t)a[i].n_tokens * sizeof *a[i].logprobs);
    }
}

// The bits of every family's samples, with an adapter and without.
static void samples_are_the_same_with_packed_weights(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        for (int lora = 0; lora < 2; lora++) {
            struct model *m = golden_model(one, "weights", &cpu, backend);
            struct gen_sample *with, *without;
            int n, n_packed_now;
            if (lora)
                assert_ok(model_add_lora(m, 2, 8, "all-linear", 3, e));
            n_packed_now = sample(m, 12, &with, &n);
            assert_true(packs() ? n_packed_now > m->arch.n_layers * 4 : n_packed_now == 0);
            packed_weights_fini(&m->generator->packed, m);
            cpu.packed_bytes = nothing;
            assert_int_equal(sample(m, 12, &without, &n), 0);
            cpu.packed_bytes = packed_bytes;
            expect_same(with, without, n);
            generate_free(with, n);
            generate_free(without, n);
            model_free(m);
        }
}

static void they_are_packed_once_and_again_when_they_changed(void **state)
{
    struct model *m = first_model();
    struct gen_sample *changed, *fresh;
    int n;
    if (!packs())
        skip();
    const int all = sample_only(m, 12);
    assert_true(all > 0);
    assert_int_equal(sample_only(m, 12), 0);
    m->ops->scale(m->backend, m->weights, 1.5f, m->n_floats);
    model_weights_changed(m);
    assert_int_equal(sample(m, 12, &changed, &n), all);
    struct model *copy;
    assert_ok(model_copy(&copy, m, 0, e));
    cpu.packed_bytes = nothing;
    sample(copy, 12, &fresh, &n);
    cpu.packed_bytes = packed_bytes;
    expect_same(changed, fresh, n);
    generate_free(changed, n);
    generate_free(fresh, n);
    model_free(copy);
    model_free(m);
}

// Their prompts are read before weights are packed: a changed weight must not be read from an old layout there either.
static void short_answers_never_read_old_layouts(void **state)
{
    struct model *m = first_model();
    struct gen_sample *changed, *fresh;
    int n;
    sample_only(m, 12);
    m->ops->scale(m->backend, m->weights, 1.5f, m->n_floats);
    model_weights_changed(m);
    assert_int_equal(sample(m, 3, &changed, &n), 0);
    struct model *copy;
    assert_ok(model_copy(&copy, m, 0, e));
    assert_int_equal(sample(copy, 3, &fresh, &n), 0);
    expect_same(changed, fresh, n);
    generate_free(changed, n);
    generate_free(fresh, n);
    model_free(copy);
    model_free(m);
}

static void a_model_that_is_trained_has_its_memory_back(void **state)
{
    if (!packs())
        skip();
    struct model *m = first_model();
    const int all = sample_only(m, 12);
    assert_non_null(m->generator->packed.block);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    assert_int_equal(sample_only(m, 12), 0); // still there
    assert_null(m->generator->packed.block);
    assert_null(m->generator->parts.packed);
    assert_int_equal(sample_only(m, 12), all);
    assert_null(m->generator->packed.block);
    model_free(m);
}

// Twice the memory and nothing gained: weights of two bytes, read by few rows.
static void halves_are_packed_for_many_streams_alone(void **state)
{
    struct backend *halves;
    assert_ok(cpu.open(&halves, &(struct backend_options){.n_threads = 1, .precision = PRECISION_BF16}, e));
    if (real->packed_bytes(halves, stored_f32(NULL), 16, 16) == 0) {
        cpu.close(halves);
        skip();
    }
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", &cpu, halves);
    const struct gen_options o = {.max_new_tokens = 12, .temperature = 1, .top_p = 1, .seed = 42};
    for (int n_samples = 1; n_samples <= 16; n_samples += 15) {
        const struct gen_prompt prompt = {golden.groups[0].prompt, golden.groups[0].n_prompt, n_samples};
        struct gen_sample *samples;
        int n;
        n_packed = 0;
        assert_ok(generate(m, &prompt, 1, &o, NULL, NULL, &samples, &n, e));
        assert_true((n_packed > 0) == (n_samples == 16));
        generate_free(samples, n);
    }
    model_free(m);
    cpu.close(halves);
}

static void scarce_memory_is_left_alone(void **state)
{
    struct model *m = first_model();
    const uint64_t available = mem_available();
    if (available == 0 || !packs())
        skip();
    const int all = sample_only(m, 12);
    packed_weights_fini(&m->generator->packed, m);
    claimed = (size_t)(available / 3) / (size_t)all; // in all more than a quarter, and no more than there is
    assert_int_equal(sample_only(m, 12), 0);
    assert_null(m->generator->packed.block);
    claimed = 0;
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_the_same_with_packed_weights),
        cmocka_unit_test(they_are_packed_once_and_again_when_they_changed),
        cmocka_unit_test(short_answers_never_read_old_layouts),
        cmocka_unit_test(a_model_that_is_trained_has_its_memory_back),
        cmocka_unit_test(halves_are_packed_for_many_streams_alone),
        cmocka_unit_test(scarce_memory_is_left_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
