// The decoder against an independent autograd (tests/golden/make_decoder_golden.py), against itself in other
// arrangements of the same batch, and against real models.
#include "testing.h"

#include <malloc.h>
#include <sys/resource.h>

#include "golden_decoder.h"
#include "model/decoder.h"

// Relative to the largest expected value of a tensor (gradients) or absolute (log-probabilities).
static const double LOGPROB_BOUND = 5e-6, GRAD_BOUND = 2e-5;

static struct golden golden;
static const struct backend_ops *cpu;
static struct backend *backend;

static int set_up(void **state)
{
    golden_open(&golden);
    cpu = backend_find("cpu");
    assert_non_null(cpu);
    assert_ok(cpu->open(&backend, &(struct backend_options){.n_threads = 2}, e));
    return 0;
}

static int tear_down(void **state)
{
    cpu->close(backend);
    golden_close(&golden);
    return 0;
}

// What one forward and backward gives.
struct result {
    float *logprobs, *scores, *grads;
    int n_targets, n_seqs;
    size_t n_grads;
};

static void result_fini(struct result *r)
{
    free(r->logprobs);
    free(r->scores);
    free(r->grads);
}

static struct result run(struct model *m, const struct seq_batch *batch, const float *coef, const float *score_coef,
                         bool recompute)
{
    struct decoder *d;
    struct result r = {.n_targets = batch->n_targets, .n_seqs = batch->n_seqs};
    r.logprobs = mem_alloc((size_t)r.n_targets + 1, sizeof(float));
    r.scores = mem_alloc((size_t)r.n_seqs + 1, sizeof(float));
    bool scored = score_coef && model_tensor(m, T_SCORE_W, -1);
    float *grads = m->grads ? m->grads : m->lora_grads;
    r.n_grads = m->grads ? m->n_floats : m->n_lora_floats;
    m->ops->zero(m->backend, grads, r.n_grads * sizeof(float));
    assert_ok(decoder_new(&d, m, recompute, e));
    assert_ok(decoder_forward(d, batch, true, e));
    assert_ok(decoder_logprobs(d, batch, r.logprobs, NULL, NULL, e));
    if (scored)
        assert_ok(decoder_scores(d, batch, r.scores, e));
    assert_ok(decoder_backward(d, batch, coef, scored ? score_coef : NULL, e));
    r.grads = golden_download(m, grads, r.n_grads);
    decoder_free(d);
    return r;
}

static void assert_same_bits(const struct result *a, const struct result *b)
{
    assert_memory_equal(a->logprobs, b->logprobs, (size_t)a->n_targets * sizeof(float));
    assert_memory_equal(a->scores, b->scores, (size_t)a->n_seqs * sizeof(float));
    assert_memory_equal(a->grads, b->grads, a->n_grads * sizeof(float));
}

// Tensor by tensor, relative to the largest element that is expected in it.
static void assert_grads_close(const struct model *m, const float *got, const float *want, double bound, const char *name)
{
    for (int i = 0; i < m->n_tensors; i++) {
        const struct tensor *t = &m->tensors[i];
        double largest = 0, worst = 0;
        for (size_t j = t->offset; j < t->offset + (size_t)t->rows * (size_t)t->cols; j++) {
            largest = fmax(largest, fabs(want[j]));
            worst = fmax(worst, fabs((double)got[j] - want[j]));
            if (isnan(got[j]))
                worst = INFINITY;
        }
        // The gradient of a key's bias is zero in exact arithmetic: softmax does not see it. (Rotation makes it
        // visible.) What remains is rounding, which is compared with gradients of order one.
        if (largest < 1e-6)
            largest = 1;
        if (!(worst <= bound * largest))
            fail_msg("%s: gradient of tensor kind %d, layer %d is off by %.3g of %.3g", name, (int)t->kind, t->layer, worst,
                     largest);
    }
}

static void check_golden(const json_t *one)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    struct model *m = golden_model(one, "weights", cpu, backend), *grads = golden_model(one, "grads", cpu, backend);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_int_equal(pack.batch.n_targets, golden.n_targets);
    struct result r = run(m, &pack.batch, golden.coef, golden.score_coef, false);
    int n;
    float *want = golden_floats(json_object_get(one, "logprobs"), &n);
    assert_int_equal(n, r.n_targets);
    for (int i = 0; i < n; i++)
        assert_close(r.logprobs[i], want[i], LOGPROB_BOUND);
    free(want);
    want = golden_floats(json_object_get(one, "scores"), &n);
    for (int i = 0; i < n; i++)
        assert_close(r.scores[i], want[i], LOGPROB_BOUND);
    free(want);
    want = golden_download(grads, grads->weights, grads->n_floats);
    for (int i = 0; m->arch.norm_plus_one && i < m->n_tensors; i++) // a file of gradients is no file of weights
        for (int j = 0; tensor_is_norm(m->tensors[i].kind) && j < m->tensors[i].cols; j++)
            want[m->tensors[i].offset + (size_t)j] -= 1;
    assert_grads_close(m, r.grads, want, GRAD_BOUND, name);
    free(want);
    result_fini(&r);
    pack_fini(&pack);
    model_free(grads);
    model_free(m);
}

static void decoder_agrees_with_torch(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        check_golden(one);
}

static void sharing_a_prompt_changes_nothing(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct model *m = golden_model(one, "weights", cpu, backend);
        assert_ok(model_set_trainable(m, TRAIN_ALL, e));
        struct pack shared, apart;
        pack_init(&shared, golden.groups, golden.n_groups, true);
        pack_init(&apart, golden.groups, golden.n_groups, false);
        assert_true(shared.batch.n_tokens < apart.batch.n_tokens);
        struct result a = run(m, &shared.batch, golden.coef, golden.score_coef, false);
        struct result b = run(m, &apart.batch, golden.coef, golden.score_coef, false);
        for (int j = 0; j < a.n_targets; j++)
            assert_close(a.logprobs[j], b.logprobs[j], LOGPROB_BOUND);
        assert_grads_close(m, a.grads, b.grads, GRAD_BOUND, json_string_value(json_object_get(one, "name")));
        result_fini(&a);
        result_fini(&b);
        pack_fini(&shared);
        pack_fini(&apart);
        model_free(m);
    }
}

// The gradient of a batch is the sum of its groups' alone, and the numbers of a group do not depend on its neighbours.
static void packing_changes_nothing(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct model *m = golden_model(one, "weights", cpu, backend);
        assert_ok(model_set_trainable(m, TRAIN_ALL, e));
        struct pack pack;
        pack_init(&pack, golden.groups, golden.n_groups, true);
        struct result whole = run(m, &pack.batch, golden.coef, golden.score_coef, false);
        pack_fini(&pack);
        float *sum = mem_alloc(whole.n_grads, sizeof *sum);
        int target = 0, seq = 0;
        for (int g = 0; g < golden.n_groups; g++) {
            pack_init(&pack, &golden.groups[g], 1, true);
            struct result alone = run(m, &pack.batch, golden.coef + target, golden.score_coef + seq, false);
            for (int j = 0; j < alone.n_targets; j++)
                assert_close(alone.logprobs[j], whole.logprobs[target + j], LOGPROB_BOUND);
            for (size_t j = 0; j < whole.n_grads; j++)
                sum[j] += alone.grads[j];
            target += alone.n_targets;
            seq += alone.n_seqs;
            result_fini(&alone);
            pack_fini(&pack);
        }
        assert_grads_close(m, sum, whole.grads, GRAD_BOUND, json_string_value(json_object_get(one, "name")));
        free(sum);
        result_fini(&whole);
        model_free(m);
    }
}

static void recomputation_and_threads_keep_every_bit(void **state)
{
    struct backend *single;
    assert_ok(cpu->open(&single, &(struct backend_options){.n_threads = 1}, e));
    const json_t *one;
    size_t i;
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct model *m = golden_model(one, "weights", cpu, backend), *n = golden_model(one, "weights", cpu, single);
        assert_ok(model_set_trainable(m, TRAIN_ALL, e));
        assert_ok(model_set_trainable(n, TRAIN_ALL, e));
        struct result kept = run(m, &pack.batch, golden.coef, golden.score_coef, false);
        struct result again = run(m, &pack.batch, golden.coef, golden.score_coef, true);
        struct result alone = run(n, &pack.batch, golden.coef, golden.score_coef, false);
        assert_same_bits(&kept, &again);
        assert_same_bits(&kept, &alone);
        result_fini(&kept);
        result_fini(&again);
        result_fini(&alone);
        model_free(m);
        model_free(n);
    }
    pack_fini(&pack);
    cpu->close(single);
}

// A prompt used by an adapter model: off, it is the base model to the bit; and its gradients leave the base alone.
static void adapter_off_is_the_base_model(void **state)
{
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    struct model *base = golden_model(one, "weights", cpu, backend), *m = golden_model(one, "weights", cpu, backend);
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    assert_ok(model_add_lora(m, 4, 8, "all-linear", 3, e));
    float *random = mem_alloc(m->n_lora_floats, sizeof *random);
    for (size_t i = 0; i < m->n_lora_floats; i++)
        random[i] = 0.05f * (float)((int)(i * 7919 % 13) - 6);
    cpu->upload(backend, m->lora_weights, random, m->n_lora_floats * sizeof *random);
    struct decoder *a, *b;
    assert_ok(decoder_new(&a, base, false, e));
    assert_ok(decoder_new(&b, m, false, e));
    size_t bytes = (size_t)golden.n_targets * sizeof(float);
    float *plain = mem_alloc(1, bytes), *off = mem_alloc(1, bytes), *on = mem_alloc(1, bytes);
    assert_ok(decoder_forward(a, &pack.batch, false, e));
    assert_ok(decoder_logprobs(a, &pack.batch, plain, NULL, NULL, e));
    assert_ok(decoder_forward(b, &pack.batch, false, e));
    assert_ok(decoder_logprobs(b, &pack.batch, on, NULL, NULL, e));
    m->adapter_on = false;
    assert_ok(decoder_forward(b, &pack.batch, false, e));
    assert_ok(decoder_logprobs(b, &pack.batch, off, NULL, NULL, e));
    assert_memory_equal(plain, off, bytes);
    assert_memory_not_equal(plain, on, bytes);
    free(plain);
    free(off);
    free(on);
    free(random);
    decoder_free(a);
    decoder_free(b);
    pack_fini(&pack);
    model_free(m);
    model_free(base);
}

// ---- memory ----

// The sanitizer's allocator keeps and adds memory of its own.
#ifdef __SANITIZE_ADDRESS__
static const bool own_allocator = false;
#else
static const bool own_allocator = true;
#endif

static struct backend_ops counting;
static int n_allocs;
static size_t largest_alloc;

static void *counted_alloc(struct backend *b, size_t bytes, const char *what, struct err *e)
{
    n_allocs++;
    if (bytes > largest_alloc)
        largest_alloc = bytes;
    return cpu->alloc(b, bytes, what, e);
}

static void no_memory_is_taken_after_the_largest_batch(void **state)
{
    counting = *cpu;
    counting.alloc = counted_alloc;
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    struct model *m = golden_model(one, "weights", &counting, backend);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    struct pack large, small;
    pack_init(&large, golden.groups, golden.n_groups, true);
    pack_init(&small, &golden.groups[1], 1, true);
    struct decoder *d;
    assert_ok(decoder_new(&d, m, false, e));
    float logprobs[64], entropy[64], is_top[64];
    size_t held = 0;
    for (int step = 0; step < 4; step++) {
        const struct seq_batch *batch = step % 2 ? &small.batch : &large.batch;
        assert_ok(decoder_forward(d, batch, true, e));
        assert_ok(decoder_logprobs(d, batch, logprobs, entropy, is_top, e));
        assert_ok(decoder_backward(d, batch, golden.coef, NULL, e));
        struct mallinfo2 now = mallinfo2();
        if (step == 1) {
            n_allocs = 0;
            held = now.uordblks + now.hblkhd;
        } else if (step > 1) {
            assert_int_equal(n_allocs, 0);
            if (own_allocator)
                assert_int_equal(now.uordblks + now.hblkhd, held);
        }
    }
    assert_true(decoder_bytes(d) > 0);
    decoder_free(d);
    pack_fini(&large);
    pack_fini(&small);
    model_free(m);
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

static struct model *new_model(const char *config, const struct backend_ops *ops)
{
    json_t *object;
    assert_ok(json_parse(config, strlen(config), "test", &object, e));
    struct model *m = NULL;
    assert_ok(model_new(&m, object, ops, backend, 5, e));
    json_decref(object);
    return m;
}

// 4096 targets of a vocabulary of 49152 are 768 MiB of logits, too many to keep; neither forward nor backward may take
// a twentieth.
static void head_never_stores_all_logits(void **state)
{
    counting = *cpu;
    counting.alloc = counted_alloc;
    struct model *m = new_model("{\"model_type\":\"llama\",\"vocab_size\":49152,\"hidden_size\":16,"
                                "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":16,"
                                "\"max_position_embeddings\":4100,\"tie_word_embeddings\":true}",
                                &counting);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    enum { N = 4096 };
    int32_t *ids = mem_alloc(N, sizeof *ids), first = 1;
    float *coef = mem_alloc(N, sizeof *coef), *logprobs = mem_alloc(N, sizeof *logprobs);
    struct pack_group group = {&first, 1, {0}, {0}, 16};
    for (int i = 0; i < N; i++) {
        ids[i] = i * 11 % 49152;
        coef[i] = 1.0f / N;
    }
    for (int r = 0; r < 16; r++) {
        group.responses[r] = ids + r * (N / 16);
        group.n_response[r] = N / 16;
    }
    struct pack pack;
    pack_init(&pack, &group, 1, true);
    struct decoder *d;
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, true, e));
    size_t logits = (size_t)N * 49152 * sizeof(float), before = peak_bytes();
    largest_alloc = 0;
    assert_ok(decoder_logprobs(d, &pack.batch, logprobs, NULL, NULL, e));
    assert_ok(decoder_backward(d, &pack.batch, coef, NULL, e));
    assert_true(largest_alloc < logits / 20);
    if (own_allocator)
        assert_true(peak_bytes() - before < logits / 20);
    assert_true(decoder_bytes(d) < logits / 20);
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
    free(ids);
    free(coef);
    free(logprobs);
}

// Reading other logits takes the memory of those that are kept for the backward: it makes them again.
static void logits_may_be_read_before_the_backward(void **state)
{
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    struct model *m = golden_model(one, "weights", cpu, backend);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    struct result kept = run(m, &pack.batch, golden.coef, NULL, false), again = kept;
    float *logits = mem_alloc((size_t)m->arch.vocab_size, sizeof *logits);
    const int32_t row = 0;
    struct decoder *d;
    again.scores = mem_alloc((size_t)again.n_seqs + 1, sizeof(float));
    again.logprobs = mem_alloc((size_t)again.n_targets + 1, sizeof(float));
    m->ops->zero(m->backend, m->grads, again.n_grads * sizeof(float));
    assert_ok(decoder_new(&d, m, false, e));
    assert_true(decoder_kept_targets(d) >= again.n_targets);
    assert_ok(decoder_forward(d, &pack.batch, true, e));
    assert_ok(decoder_logprobs(d, &pack.batch, again.logprobs, NULL, NULL, e));
    assert_ok(decoder_logits(d, &row, 1, logits, e));
    assert_ok(decoder_backward(d, &pack.batch, golden.coef, NULL, e));
    again.grads = golden_download(m, m->grads, again.n_grads);
    assert_same_bits(&kept, &again);
    result_fini(&kept);
    result_fini(&again);
    free(logits);
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
}

// ---- refusals ----

static void tokens_and_lengths_that_do_not_fit_are_refused(void **state)
{
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    struct model *m = golden_model(one, "weights", cpu, backend);
    int32_t prompt[] = {1, 2}, strange[] = {3, 37}, long_text[70] = {0};
    struct pack_group group = {prompt, 2, {strange}, {2}, 1};
    struct pack pack;
    struct decoder *d;
    struct err fault = {0};
    assert_ok(decoder_new(&d, m, false, e));
    pack_init(&pack, &group, 1, true);
    assert_int_equal(decoder_forward(d, &pack.batch, false, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "token 37"));
    pack_fini(&pack);
    group = (struct pack_group){prompt, 2, {long_text}, {70}, 1};
    pack_init(&pack, &group, 1, true);
    assert_int_equal(decoder_forward(d, &pack.batch, false, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "64 tokens"));
    pack_fini(&pack);
    decoder_free(d);
    model_free(m);
}

static void *no_alloc(struct backend *b, size_t bytes, const char *what, struct err *e)
{
    if (strncmp(what, "the activations", 15) != 0)
        return cpu->alloc(b, bytes, what, e);
    err_set(e, ERR_LIMIT, "%s: no memory", what);
    return NULL;
}

static void memory_that_is_not_there_is_an_error(void **state)
{
    counting = *cpu;
    counting.alloc = no_alloc;
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    struct model *m = golden_model(one, "weights", &counting, backend);
    struct pack pack;
    pack_init(&pack, golden.groups, golden.n_groups, true);
    struct decoder *d;
    struct err fault = {0};
    assert_ok(decoder_new(&d, m, false, e));
    assert_int_equal(decoder_forward(d, &pack.batch, false, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.text, "recomputation"));
    counting.alloc = cpu->alloc;
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
}

// ---- real models ----

static struct model *asset_model(const char *name)
{
    char *path = test_asset(name);
    if (!path)
        skip();
    struct model *m = NULL;
    assert_ok(model_load(&m, path, cpu, backend, 0, e));
    free(path);
    return m;
}

static json_t *asset_json(const char *name)
{
    char *path = test_asset(name);
    json_t *file = NULL;
    assert_non_null(path);
    assert_ok(json_read(path, 16 << 20, &file, e));
    free(path);
    return file;
}

static void stories260k_scores_the_reference_texts(void **state)
{
    struct model *m = asset_model("models/stories260K/hf");
    json_t *file = asset_json("models/stories260K/reference.json");
    struct decoder *d;
    assert_ok(decoder_new(&d, m, false, e));
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, one)
    {
        int n, n_want;
        int32_t *ids = golden_ids(json_object_get(one, "greedy_ids"), &n);
        float *want = golden_floats(json_object_get(one, "token_logprobs_run_c"), &n_want);
        assert_int_equal(n_want, n - 1);
        float got[512], top[512], *logits = mem_alloc((size_t)m->arch.vocab_size, sizeof *logits);
        struct pack_group group = {ids, 1, {ids + 1}, {n - 1}, 1};
        struct pack pack;
        pack_init(&pack, &group, 1, true);
        assert_ok(decoder_forward(d, &pack.batch, false, e));
        assert_ok(decoder_logprobs(d, &pack.batch, got, NULL, top, e));
        int n_prompt = (int)json_array_size(json_object_get(one, "prompt_ids"));
        for (int j = 0; j < n - 1; j++) {
            assert_close(got[j], want[j], 2e-4);
            if (j + 1 >= n_prompt)
                assert_true(top[j] == 1);
        }
        free(want);
        int32_t last = n - 1;
        want = golden_floats(json_object_get(one, "last_logits_run_c"), &n_want);
        assert_ok(decoder_logits(d, &last, 1, logits, e));
        for (int j = 0; j < n_want; j++)
            assert_close(logits[j], want[j], 2e-4);
        free(want);
        free(logits);
        free(ids);
        pack_fini(&pack);
    }
    decoder_free(d);
    json_decref(file);
    model_free(m);
}

static void gpt_nano_sort_gives_the_reference_logits(void **state)
{
    struct model *m = asset_model("models/gpt-nano-sort/hf");
    json_t *file = asset_json("models/gpt-nano-sort/reference.json");
    struct decoder *d;
    assert_ok(decoder_new(&d, m, false, e));
    for (size_t i = 0; i < json_array_size(json_object_get(file, "idx")); i++) {
        int n, n_want;
        int32_t *ids = golden_ids(json_array_get(json_object_get(file, "idx"), i), &n);
        const json_t *rows = json_array_get(json_object_get(file, "logits"), i);
        struct pack_group group = {ids, n - 1, {ids + n - 1}, {1}, 1};
        struct pack pack;
        pack_init(&pack, &group, 1, true);
        assert_ok(decoder_forward(d, &pack.batch, false, e));
        int32_t row_numbers[16];
        float logits[16 * 3];
        for (int j = 0; j < n; j++)
            row_numbers[j] = j;
        assert_ok(decoder_logits(d, row_numbers, n, logits, e));
        for (int j = 0; j < n; j++) {
            float *want = golden_floats(json_array_get(rows, (size_t)j), &n_want);
            for (int v = 0; v < n_want; v++)
                assert_close(logits[j * 3 + v], want[v], 1e-5);
            free(want);
        }
        free(ids);
        pack_fini(&pack);
    }
    decoder_free(d);
    json_decref(file);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoder_agrees_with_torch),
        cmocka_unit_test(sharing_a_prompt_changes_nothing),
        cmocka_unit_test(packing_changes_nothing),
        cmocka_unit_test(recomputation_and_threads_keep_every_bit),
        cmocka_unit_test(adapter_off_is_the_base_model),
        cmocka_unit_test(no_memory_is_taken_after_the_largest_batch),
        cmocka_unit_test(head_never_stores_all_logits),
        cmocka_unit_test(logits_may_be_read_before_the_backward),
        cmocka_unit_test(tokens_and_lengths_that_do_not_fit_are_refused),
        cmocka_unit_test(memory_that_is_not_there_is_an_error),
        cmocka_unit_test(stories260k_scores_the_reference_texts),
        cmocka_unit_test(gpt_nano_sort_gives_the_reference_logits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
