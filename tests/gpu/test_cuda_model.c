// Whole models on the sources of the cuda backend, compiled for the host, beside the cpu backend: gradients, sampling with a
// cache, a copy that another thread asks. The cpu's gradients are checked against differences of a plain decoder in double
// precision (tests/unit/test_decoder_gradient.c).
#include "config.h"

#include "testing.h"

#include <pthread.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "golden_decoder.h"
#include "model/generate.h"
#include "model/decoder.h"

extern const struct backend_ops backend_cuda;
void cuda_host_driver(int version, int n_devices, int major);

static struct golden golden;

static int set_up(void **state)
{
    golden_open(&golden);
    return 0;
}

static int tear_down(void **state)
{
    golden_close(&golden);
    return 0;
}

static double largest_of(const float *x, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

// ---- gradients ----

// What a forward and a backward of the golden batch leave: all that is said and felt.
struct numbers {
    float logprobs[64], scores[16];
    float *grads;
    size_t n;
};

enum { WHOLE, ADAPTER };

// An adapter as if it had been trained: its b is zero in a new one.
static void fill_adapter(struct model *m)
{
    struct rng rng = rng_make(5, RNG_TEST, 1);
    float *values = mem_alloc(m->n_lora_floats, sizeof *values);
    for (size_t i = 0; i < m->n_lora_floats; i++)
        values[i] = (float)(0.2 * rng_normal(&rng));
    m->ops->upload(m->backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
    free(values);
}

static void compute(const struct backend_ops *ops, enum precision precision, const json_t *one, int what, struct numbers *out)
{
    struct backend *b;
    struct decoder *d;
    struct pack pack;
    struct param_block blocks[2];
    *out = (struct numbers){.grads = NULL};
    assert_ok(ops->open(&b, &(struct backend_options){.n_threads = 1, .precision = precision}, e));
    struct model *m = golden_model(one, "weights", ops, b);
    const bool scored = model_tensor(m, T_SCORE_W, -1) != NULL;
    if (what == ADAPTER) {
        assert_ok(model_add_lora(m, 3, 6, "all-linear", 3, e));
        fill_adapter(m);
    }
    assert_ok(model_set_trainable(m, what == ADAPTER ? TRAIN_ADAPTER : TRAIN_ALL, e));
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, true, e));
    assert_ok(decoder_logprobs(d, &pack.batch, out->logprobs, NULL, NULL, e));
    if (scored)
        assert_ok(decoder_scores(d, &pack.batch, out->scores, e));
    assert_ok(decoder_backward(d, &pack.batch, golden.coef, scored ? golden.score_coef : NULL, e));
    const int n_blocks = model_param_blocks(m, blocks);
    for (int i = 0; i < n_blocks; i++) {
        out->grads = mem_realloc(out->grads, out->n + blocks[i].n, sizeof *out->grads);
        ops->download(b, out->grads + out->n, blocks[i].grads, blocks[i].n * sizeof *out->grads);
        out->n += blocks[i].n;
    }
    assert_ok(ops->sync(b, e));
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
    ops->close(b);
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

// Where each tensor's gradients begin, for a bound of its own size; the last is the end of all.
static int tensor_starts(const json_t *one, int what, size_t *starts)
{
    struct backend *b;
    const struct backend_ops *cpu = backend_find("cpu");
    int n = 0;
    assert_ok(cpu->open(&b, &(struct backend_options){.n_threads = 1}, e));
    struct model *m = golden_model(one, "weights", cpu, b);
    if (what == ADAPTER)
        assert_ok(model_add_lora(m, 3, 6, "all-linear", 3, e));
    for (int t = 0; what == WHOLE && t < m->n_tensors; t++)
        starts[n++] = m->tensors[t].offset;
    for (int i = 0; what == ADAPTER && i < m->arch.n_layers * N_LAYER_TENSORS; i++)
        if (m->lora_pairs[i].in > 0) {
            starts[n++] = m->lora_pairs[i].a;
            starts[n++] = m->lora_pairs[i].b;
        }
    starts[n++] = what == WHOLE ? m->n_floats : m->n_lora_floats;
    qsort(starts, (size_t)n, sizeof *starts, by_size);
    model_free(m);
    cpu->close(b);
    return n;
}

// Within `bound` of the largest element of each tensor; *worst: how near it came.
static void expect_gradients(const char *name, int what, const json_t *one, const struct numbers *got, const struct numbers *want,
                             double bound, double *worst)
{
    size_t starts[512];
    int n = tensor_starts(one, what, starts);
    assert_int_equal(got->n, want->n);
    if (starts[n - 1] < want->n) // a score head beside the adapter
        starts[n++] = want->n;
    for (int t = 0; t + 1 < n; t++) {
        double largest = largest_of(want->grads + starts[t], starts[t + 1] - starts[t]);
        largest = largest < 1e-6 ? 1 : largest; // zero in exact arithmetic, as a key's bias
        for (size_t i = starts[t]; i < starts[t + 1]; i++) {
            const double apart = fabs((double)got->grads[i] - (double)want->grads[i]) / largest;
            if (!(apart <= bound))
                fail_msg("%s%s, tensor %d, element %zu: gradient %.9g, on the cpu %.9g", name, what == ADAPTER ? " (adapter)" : "", t,
                         i - starts[t], (double)got->grads[i], (double)want->grads[i]);
            *worst = fmax(*worst, apart);
        }
    }
}

// Sums of 37 products or fewer in another order, and other expf: a few units of 6e-8 at each of some dozen steps.
static void gradients_are_those_of_the_cpu(void **state)
{
    const json_t *one;
    size_t i;
    double worst = 0, worst_said = 0;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        for (int what = WHOLE; what <= ADAPTER; what++) {
            struct numbers got, want;
            compute(backend_find("cpu"), PRECISION_F32, one, what, &want);
            compute(&backend_cuda, PRECISION_F32, one, what, &got);
            for (int k = 0; k < golden.n_targets; k++) {
                assert_close(got.logprobs[k], want.logprobs[k], 2e-6 * (1 + fabs((double)want.logprobs[k])));
                worst_said = fmax(worst_said, fabs((double)got.logprobs[k] - (double)want.logprobs[k]));
            }
            for (int k = 0; k < golden.n_seqs; k++)
                assert_close(got.scores[k], want.scores[k], 5e-6 * (1 + fabs((double)want.scores[k])));
            expect_gradients(json_string_value(json_object_get(one, "name")), what, one, &got, &want, 1e-5, &worst);
            free(got.grads), free(want.grads);
        }
    print_message("          gradients within %.2g of each tensor's largest, log-probabilities within %.2g\n", worst, worst_said);
}

// bf16 keeps 8 bits: products of rounded numbers, of which some dozen follow each other. Measured against f32 on the same
// backend, for the bits that are lost are the same on both.
static void gradients_in_bf16_are_near_those_in_f32(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct numbers exact, rounded;
        double apart = 0, size = 0;
        compute(&backend_cuda, PRECISION_F32, one, WHOLE, &exact);
        compute(&backend_cuda, PRECISION_BF16, one, WHOLE, &rounded);
        for (size_t k = 0; k < exact.n; k++) {
            apart += pow((double)exact.grads[k] - (double)rounded.grads[k], 2);
            size += pow((double)exact.grads[k], 2);
        }
        if (!(sqrt(apart / size) > 1e-4 && sqrt(apart / size) < 0.03))
            fail_msg("%s: gradients in bf16 are off by %g of their length", json_string_value(json_object_get(one, "name")),
                     sqrt(apart / size));
        free(exact.grads), free(rounded.grads);
    }
}

// ---- sampling ----

static void golden_sample(const struct backend_ops *ops, struct backend *b, const json_t *one, bool adapter,
                          const struct gen_options *o, struct model **m, struct gen_sample **samples)
{
    struct gen_prompt prompts[8];
    int n = 0;
    *m = golden_model(one, "weights", ops, b);
    if (adapter) {
        assert_ok(model_add_lora(*m, 3, 6, "all-linear", 3, e));
        fill_adapter(*m);
    }
    for (int i = 0; i < golden.n_groups; i++)
        prompts[i] = (struct gen_prompt){golden.groups[i].prompt, golden.groups[i].n_prompt, 2};
    assert_ok(generate(*m, prompts, golden.n_groups, o, NULL, NULL, samples, &n, e));
    assert_int_equal(n, 2 * golden.n_groups);
}

// The forward of the whole text says of each token what decoding said.
static void expect_forward(struct model *m, const struct gen_sample *samples)
{
    struct pack_group groups[8] = {{0}};
    struct pack pack;
    struct decoder *d;
    float said[256];
    int n = 0;
    for (int i = 0; i < golden.n_groups; i++) {
        groups[i] = golden.groups[i];
        groups[i].n_responses = 2;
        for (int k = 0; k < 2; k++) {
            groups[i].responses[k] = samples[2 * i + k].tokens;
            groups[i].n_response[k] = samples[2 * i + k].n_tokens;
        }
    }
    pack_init(&pack, groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, said, NULL, NULL, e));
    for (int i = 0; i < 2 * golden.n_groups; i++)
        for (int t = 0; t < samples[i].n_tokens; t++)
            assert_close(samples[i].logprobs[t], said[n++], 1e-5);
    assert_int_equal(n, pack.batch.n_targets);
    decoder_free(d);
    pack_fini(&pack);
}

static void a_cache_says_what_a_forward_says_and_draws_as_the_cpu(void **state)
{
    static const struct gen_options ways[] = {{.max_new_tokens = 12, .temperature = 1, .top_p = 1, .seed = 42},
                                              {.max_new_tokens = 12, .temperature = 0, .top_p = 1, .seed = 42},
                                              {.max_new_tokens = 12, .temperature = 0.6f, .top_k = 9, .top_p = 0.9f, .seed = 7}};
    const struct backend_ops *const both[] = {backend_find("cpu"), &backend_cuda};
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        const size_t way = i % 3; // each way with several families
        struct gen_sample *samples[2];
        struct model *models[2];
        struct backend *b[2];
        for (int k = 0; k < 2; k++) {
            assert_ok(both[k]->open(&b[k], &(struct backend_options){.n_threads = 1}, e));
            golden_sample(both[k], b[k], one, i % 2, &ways[way], &models[k], &samples[k]);
        }
        expect_forward(models[1], samples[1]);
        for (int k = 0; k < 2 * golden.n_groups; k++) {
            assert_int_equal(samples[1][k].n_tokens, samples[0][k].n_tokens);
            assert_memory_equal(samples[1][k].tokens, samples[0][k].tokens, (size_t)samples[0][k].n_tokens * sizeof(int32_t));
        }
        for (int k = 0; k < 2; k++) {
            generate_free(samples[k], 2 * golden.n_groups);
            model_free(models[k]);
            both[k]->close(b[k]);
        }
    }
}

// ---- other threads, other devices ----

struct asked {
    struct model *m;
    uint64_t memory_free;
    float logprobs[64];
};

// The other things that a thread may begin with.
static void *clear(void *with)
{
    struct asked *a = with;
    float *x = a->m->grads ? a->m->grads : a->m->lora_grads;
    a->m->ops->zero(a->m->backend, x, sizeof *x);
    assert_ok(a->m->ops->sync(a->m->backend, e));
    return NULL;
}

static void *ask(void *with)
{
    struct asked *a = with;
    struct decoder *d;
    struct pack pack;
    a->memory_free = a->m->ops->memory_free(a->m->backend); // the first that this thread asks of the device
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_ok(decoder_new(&d, a->m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, a->logprobs, NULL, NULL, e));
    decoder_free(d);
    pack_fini(&pack);
    return NULL;
}

// What samples ahead of training is such a twin, on a stream of its own and in a thread of its own; every thread begins on the
// first device.
static void a_twin_in_another_thread_says_the_same(void **state)
{
    const struct backend_options second = {.device = 1};
    struct backend *own, *other;
    struct asked a = {0}, b = {0};
    pthread_t thread;
    cuda_host_driver(13000, 2, 9);
    assert_ok(backend_cuda.open(&own, &second, e));
    assert_string_equal(backend_cuda.device(own), "cuda:1, host 1");
    assert_ok(backend_cuda.open(&other, &second, e));
    a.m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", &backend_cuda, own);
    assert_ok(model_add_lora(a.m, 3, 6, "all-linear", 3, e));
    fill_adapter(a.m);
    assert_ok(model_set_trainable(a.m, TRAIN_ADAPTER, e));
    assert_ok(model_twin(&b.m, a.m, other, e));
    float *trained = mem_alloc(model_n_trained(a.m), sizeof *trained);
    assert_ok(model_get_trained(a.m, trained, e));
    assert_ok(model_put_trained(b.m, trained, e));
    assert_int_equal(pthread_create(&thread, NULL, ask, &b), 0);
    pthread_join(thread, NULL);
    assert_int_equal(pthread_create(&thread, NULL, clear, &a), 0);
    pthread_join(thread, NULL);
    ask(&a);
    assert_true(b.memory_free > 0 && b.memory_free <= (uint64_t)32 << 30); // the second card has half as much
    assert_true(isfinite(a.logprobs[0]) && a.logprobs[0] < 0);
    assert_memory_equal(a.logprobs, b.logprobs, sizeof a.logprobs);
    free(trained);
    model_free(b.m);
    model_free(a.m);
    backend_cuda.close(other);
    backend_cuda.close(own);
    cuda_host_driver(13000, 1, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_cpu),
        cmocka_unit_test(gradients_in_bf16_are_near_those_in_f32),
        cmocka_unit_test(a_cache_says_what_a_forward_says_and_draws_as_the_cpu),
        cmocka_unit_test(a_twin_in_another_thread_says_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
