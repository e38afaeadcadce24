// Precision bf16: weights to multiply with and kept activations take half the memory, log-probabilities and gradients stay
// close to those of f32, in every family, with and without recomputation, on CPUs with products of bf16 and without.
#include "testing.h"

#include "golden_decoder.h"
#include "model/decoder.h"

static struct golden golden;
static const struct backend_ops *cpu;

static int set_up(void **state)
{
    golden_open(&golden);
    cpu = backend_find("cpu");
    return 0;
}

static int tear_down(void **state)
{
    golden_close(&golden);
    return 0;
}

struct result {
    float logprobs[64];
    float *grads;
    size_t n, bytes;
};

// What a pass and its backward give; the gradients are the model's, or its adapter's.
static struct result run(struct model *m, bool recompute)
{
    struct result r = {0};
    struct pack pack;
    struct decoder *d;
    struct param_block blocks[2];
    model_param_blocks(m, blocks);
    pack_init(&pack, golden.groups, golden.n_groups, true);
    m->ops->zero(m->backend, blocks[0].grads, blocks[0].n * sizeof(float));
    assert_ok(decoder_new(&d, m, recompute, e));
    assert_ok(decoder_forward(d, &pack.batch, true, e));
    assert_ok(decoder_logprobs(d, &pack.batch, r.logprobs, NULL, NULL, e));
    r.bytes = decoder_bytes(d);
    assert_ok(decoder_backward(d, &pack.batch, golden.coef, NULL, e));
    r.n = blocks[0].n;
    r.grads = golden_download(m, blocks[0].grads, r.n);
    decoder_free(d);
    pack_fini(&pack);
    return r;
}

// Cosine of the angle between two gradients.
static double alike(const struct result *a, const struct result *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < a->n; i++) {
        ab += (double)a->grads[i] * b->grads[i];
        aa += (double)a->grads[i] * a->grads[i];
        bb += (double)b->grads[i] * b->grads[i];
    }
    return ab / sqrt(aa * bb);
}

static struct model *open_model(const json_t *one, struct backend *b, bool adapter)
{
    struct str name = {0};
    struct model *m;
    str_addf(&name, "tests/golden/decoder/%s/weights", json_string_value(json_object_get(one, "name")));
    char *path = test_source(str_text(&name));
    assert_ok(model_load(&m, path, cpu, b, adapter ? LOAD_FROZEN : 0, e));
    if (adapter)
        assert_ok(model_add_lora(m, 2, 8, "all-linear", 3, e));
    assert_ok(model_set_trainable(m, adapter ? TRAIN_ADAPTER : TRAIN_ALL, e));
    free(path);
    str_fini(&name);
    return m;
}

static void check_case(const json_t *one, struct backend *f32, struct backend *bf16, bool adapter)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    struct model *exact = open_model(one, f32, adapter), *rounded = open_model(one, bf16, adapter);
    struct result want = run(exact, false), got[2] = {run(rounded, false), run(rounded, true)};
    const struct tensor *w = model_tensor(rounded, T_Q_W, 0);
    assert_int_equal(w->as.type, DTYPE_BF16);
    for (int i = 0; i < golden.n_targets; i++)
        if (!(fabsf(got[0].logprobs[i] - want.logprobs[i]) <= 0.06f))
            fail_msg("%s: token %d has log-probability %g, in f32 %g", name, i, (double)got[0].logprobs[i],
                     (double)want.logprobs[i]);
    assert_memory_equal(got[0].logprobs, got[1].logprobs, (size_t)golden.n_targets * sizeof(float));
    for (int k = 0; k < 2; k++)
        if (!(alike(&want, &got[k]) >= 0.998))
            fail_msg("%s%s%s: cosine of the gradients %.5f", name, adapter ? ", adapter" : "", k ? ", recomputed" : "",
                     alike(&want, &got[k]));
    for (int k = 0; k < 2; k++)
        free(got[k].grads);
    free(want.grads);
    model_free(exact);
    model_free(rounded);
}

static void gradients_are_those_of_f32_but_for_rounding(void **state)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    for (int level = 0; level < 3; level++) {
        struct backend *f32, *bf16;
        struct err fault;
        const json_t *one;
        size_t i;
        setenv("ATTUNE_CPU", levels[level], 1);
        if (cpu->open(&f32, &(struct backend_options){.n_threads = 2}, &fault)) {
            print_message("          %s: not checked\n", fault.text);
            continue;
        }
        assert_ok(cpu->open(&bf16, &(struct backend_options){.n_threads = 2, .precision = PRECISION_BF16}, e));
        assert_string_not_equal(cpu->arithmetic(f32), cpu->arithmetic(bf16));
        json_array_foreach(json_object_get(golden.file, "cases"), i, one)
            for (int adapter = 0; adapter < 2; adapter++)
                check_case(one, f32, bf16, adapter);
        assert_true(i >= 4);
        cpu->close(f32);
        cpu->close(bf16);
    }
    unsetenv("ATTUNE_CPU");
}

// A deeper model than the golden ones, in which a layer's share of the memory counts.
static void kept_activations_take_half_the_memory(void **state)
{
    static const char config[] =
        "{\"model_type\": \"llama\", \"vocab_size\": 64, \"hidden_size\": 32, \"intermediate_size\": 96, "
        "\"num_hidden_layers\": 24, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
        "\"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5}";
    size_t bytes[2][2];
    json_t *json;
    assert_ok(json_parse(config, strlen(config), "config", &json, e));
    for (int precision = 0; precision < 2; precision++) {
        struct backend *b;
        struct model *m;
        assert_ok(cpu->open(&b, &(struct backend_options){.n_threads = 1, .precision = precision ? PRECISION_BF16 : PRECISION_F32}, e));
        assert_ok(model_new(&m, json, cpu, b, 3, e));
        assert_ok(model_set_trainable(m, TRAIN_ALL, e));
        for (int recompute = 0; recompute < 2; recompute++) {
            struct result r = run(m, recompute);
            bytes[precision][recompute] = r.bytes;
            free(r.grads);
        }
        model_free(m);
        cpu->close(b);
    }
    json_decref(json);
    print_message("          24 layers: %zu bytes in f32, %zu in bf16; recomputed %zu and %zu\n", bytes[0][0], bytes[1][0],
                  bytes[0][1], bytes[1][1]);
    assert_true((double)bytes[1][0] < 0.62 * (double)bytes[0][0]);
    assert_true(bytes[1][1] < bytes[0][1] && bytes[1][1] < bytes[1][0]);
}

// The copies to multiply with follow the numbers that are trained, and what is saved are these.
static void rounded_copies_follow_the_weights(void **state)
{
    struct backend *b;
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    float exact[4], copy[4];
    assert_ok(cpu->open(&b, &(struct backend_options){.n_threads = 1, .precision = PRECISION_BF16}, e));
    struct model *m = open_model(one, b, false);
    const struct tensor *t = model_tensor(m, T_Q_W, 0);
    const float values[4] = {1.00390625f, -3, 0.1f, 7.03f}; // the first lies between two of bf16
    m->ops->upload(b, m->weights + t->offset, values, sizeof values);
    model_weights_changed(m);
    m->ops->convert(b, m->grads, DTYPE_F32, t->as, 4); // as room on the device
    m->ops->download(b, copy, m->grads, sizeof copy);
    assert_close(copy[0], 1, 0);
    assert_close(copy[1], -3, 0);
    assert_close(copy[2], 0.1f, 0.0004);
    float *row = mem_alloc((size_t)t->cols, sizeof *row);
    assert_ok(model_read(m, t, 0, 1, row, e));
    memcpy(exact, row, sizeof exact);
    assert_memory_equal(exact, values, sizeof exact);
    free(row);
    model_free(m);
    cpu->close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_f32_but_for_rounding),
        cmocka_unit_test(kept_activations_take_half_the_memory),
        cmocka_unit_test(rounded_copies_follow_the_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
