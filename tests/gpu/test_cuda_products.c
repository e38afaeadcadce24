// How the cuda backend multiplies and launches inside of whole models, on the host: rounded copies that products share and
// recorded calls change no bit, and what they save is counted, as is how often the host waits.
#include "config.h"

#include "testing.h"

#include "golden_decoder.h"
#include "model/decoder.h"
#include "model/generate.h"

extern const struct backend_ops backend_cuda;
size_t cuda_host_launches(const char *part, size_t *n_blocks);
size_t cuda_host_allocations(void);
size_t cuda_host_waits(void);
size_t cuda_host_replays(void);
size_t cuda_host_uploads(size_t *bytes);
void cublaslt_host_refuse_sums(bool refuse);
void cublaslt_host_refuse_rounded(bool refuse);

static struct golden golden;
static struct backend_ops plain; // every product rounds for itself

static void hold_nothing(struct backend *b, const float *x, size_t n, bool rounded, void *copy)
{
}

static void widen(struct backend *b, float *x, const void *copy, size_t n)
{
    backend_cuda.convert(b, x, DTYPE_F32, (struct stored){copy, DTYPE_BF16, NULL}, n);
}

static void release_nothing(struct backend *b, const float *x)
{
}

static int set_up(void **state)
{
    golden_open(&golden);
    plain = backend_cuda;
    plain.hold = hold_nothing;
    plain.recall = widen;
    plain.release = release_nothing;
    return 0;
}

static int tear_down(void **state)
{
    golden_close(&golden);
    return 0;
}

// ---- what a pass and its backward give ----

struct result {
    float *logprobs, *grads;
    size_t n_targets, n;
};

static struct result run(struct model *m, const struct pack *pack, const float *coef, bool recompute)
{
    struct result r = {.n_targets = (size_t)pack->batch.n_targets};
    struct decoder *d;
    struct param_block blocks[2];
    model_param_blocks(m, blocks);
    m->ops->zero(m->backend, blocks[0].grads, blocks[0].n * sizeof(float));
    r.logprobs = calloc(r.n_targets, sizeof *r.logprobs);
    assert_ok(decoder_new(&d, m, recompute, e));
    assert_ok(decoder_forward(d, &pack->batch, true, e));
    assert_ok(decoder_logprobs(d, &pack->batch, r.logprobs, NULL, NULL, e));
    assert_ok(decoder_backward(d, &pack->batch, coef, NULL, e));
    r.n = blocks[0].n;
    r.grads = golden_download(m, blocks[0].grads, r.n);
    decoder_free(d);
    return r;
}

static void free_result(struct result *r)
{
    free(r->logprobs), free(r->grads);
}

// A new one adds nothing to its products.
static void fill_adapter(struct model *m)
{
    struct param_block blocks[2];
    model_param_blocks(m, blocks);
    float *numbers = calloc(blocks[0].n, sizeof *numbers);
    for (size_t i = 0; i < blocks[0].n; i++)
        numbers[i] = (float)(i * 37 % 19) / 190 - 0.047f;
    m->ops->upload(m->backend, blocks[0].weights, numbers, blocks[0].n * sizeof *numbers);
    free(numbers);
}

static struct model *open_case(const json_t *one, const struct backend_ops *ops, struct backend *b, bool adapter)
{
    struct str name = {0};
    struct model *m;
    str_addf(&name, "tests/golden/decoder/%s/weights", json_string_value(json_object_get(one, "name")));
    char *path = test_source(str_text(&name));
    assert_ok(model_load(&m, path, ops, b, adapter ? LOAD_FROZEN : 0, e));
    if (adapter)
        assert_ok(model_add_lora(m, 2, 8, "all-linear", 3, e));
    assert_ok(model_set_trainable(m, adapter ? TRAIN_ADAPTER : TRAIN_ALL, e));
    if (adapter)
        fill_adapter(m);
    free(path);
    str_fini(&name);
    return m;
}

static struct result run_case(const json_t *one, const struct backend_ops *ops, bool adapter, bool recompute)
{
    struct backend *b;
    struct pack pack;
    assert_ok(ops->open(&b, &(struct backend_options){.precision = PRECISION_BF16}, e));
    struct model *m = open_case(one, ops, b, adapter);
    pack_init(&pack, golden.groups, golden.n_groups, true);
    const struct result r = run(m, &pack, golden.coef, recompute);
    pack_fini(&pack);
    model_free(m);
    ops->close(b);
    assert_int_equal(cuda_host_allocations(), 0);
    return r;
}

static void shared_copies_change_no_bit(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        for (int way = 0; way < 5; way++) {
            const char *name = json_string_value(json_object_get(one, "name"));
            struct result want = run_case(one, &plain, way & 1, way & 2);
            cublaslt_host_refuse_rounded(way & 4);
            struct result got = run_case(one, &backend_cuda, way & 1, way & 2);
            cublaslt_host_refuse_rounded(false);
            double size = 0;
            for (size_t k = 0; k < want.n; k++)
                size += fabs((double)want.grads[k]);
            if (!(size > 0) || memcmp(want.logprobs, got.logprobs, want.n_targets * sizeof(float)) != 0 ||
                memcmp(want.grads, got.grads, want.n * sizeof(float)) != 0)
                fail_msg("%s%s%s%s: other numbers where products share rounded copies", name, way & 1 ? ", adapter" : "",
                         way & 2 ? ", recomputed" : "", way & 4 ? ", products all in f32" : "");
            free_result(&want), free_result(&got);
        }
    assert_true(i >= 4);
}

// ---- what they save ----

struct counted {
    size_t launches, rounded, n_rounded; // of all kernels; passes that only round or widen, and the numbers that they read
};

static struct counted count_now(void)
{
    struct counted c = {.launches = cuda_host_launches("", NULL)};
    static const char *const passes[] = {"narrow_op", "widen_op", "round_op"};
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        size_t n_blocks;
        c.rounded += cuda_host_launches(passes[i], &n_blocks);
        c.n_rounded += n_blocks * 1024; // numbers a block
    }
    return c;
}

// Of a forward and a backward over a text of T tokens.
static struct counted count_pass(const char *config, int n_layers, const struct backend_ops *ops)
{
    enum { T = 64, VOCAB = 64 };
    struct backend *b;
    struct model *m;
    struct pack pack;
    json_t *json;
    int32_t tokens[T];
    float coef[T];
    for (int i = 0; i < T; i++) {
        tokens[i] = i * 5 % VOCAB;
        coef[i] = 1;
    }
    assert_ok(json_parse(config, strlen(config), "config", &json, e));
    json_object_set_new(json, "vocab_size", json_integer(VOCAB));
    json_object_set_new(json, "num_hidden_layers", json_integer(n_layers));
    json_object_set_new(json, "n_layer", json_integer(n_layers));
    assert_ok(ops->open(&b, &(struct backend_options){.precision = PRECISION_BF16}, e));
    assert_ok(model_new(&m, json, ops, b, 3, e));
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    const struct pack_group group = {tokens, T / 2, {tokens + T / 2}, {T / 2}, 1};
    pack_init(&pack, &group, 1, true);
    const struct counted before = count_now();
    struct result r = run(m, &pack, coef, false);
    const struct counted after = count_now();
    free_result(&r);
    pack_fini(&pack);
    model_free(m);
    json_decref(json);
    ops->close(b);
    return (struct counted){after.launches - before.launches, after.rounded - before.rounded,
                            after.n_rounded - before.n_rounded};
}

static void rounding_passes_of_a_layer_are_counted(void **state)
{
    static const struct {
        const char *name, *config;
        size_t rounded[2], n_rounded[2]; // of a layer, plain and sharing
    } cases[] = {
        {"gpt2", "{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_inner\": 256, \"n_head\": 2, \"n_positions\": 64}",
         {48, 3}, {270336, 12288}},
        {"llama", "{\"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 256, \"num_attention_heads\": 2, "
                  "\"num_key_value_heads\": 2, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5}",
         {54, 0}, {344064, 0}},
    };
    const struct backend_ops *const ways[] = {&plain, &backend_cuda};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int way = 0; way < 2; way++) {
            const struct counted two = count_pass(cases[i].config, 2, ways[way]);
            const struct counted three = count_pass(cases[i].config, 3, ways[way]);
            const size_t rounded = three.rounded - two.rounded, n = three.n_rounded - two.n_rounded;
            print_message("          a layer of %s, forward and backward, %s: %zu launches, %zu of them round or widen "
                          "%zu numbers (%zu bytes)\n", cases[i].name, way ? "copies shared" : "each product rounds",
                          three.launches - two.launches, rounded, n, 6 * n);
            assert_int_equal(rounded, cases[i].rounded[way]);
            assert_int_equal(n, cases[i].n_rounded[way]);
        }
}

// ---- TF32 ----

static void tf32_products_round_their_factors_alone(void **state)
{
    enum { ROWS = 5, IN = 40, OUT = 7 };
    struct backend *b;
    float x[ROWS * IN], w[OUT * IN], y[ROWS * OUT], largest = 0;
    assert_ok(backend_cuda.open(&b, &(struct backend_options){.precision = PRECISION_TF32}, e));
    assert_non_null(strstr(backend_cuda.arithmetic(b), "tf32"));
    assert_int_equal(backend_cuda.weights_type(b), DTYPE_F32);
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = 1 + ldexpf((float)(i * 37 % 1024), -14); // bits beyond those that are left
    for (int i = 0; i < OUT * IN; i++)
        w[i] = i % 3 ? 1 : -2;
    float *on_x = backend_cuda.alloc(b, sizeof x, "x", NULL), *on_w = backend_cuda.alloc(b, sizeof w, "w", NULL);
    float *on_y = backend_cuda.alloc(b, sizeof y, "y", NULL);
    backend_cuda.upload(b, on_x, x, sizeof x);
    backend_cuda.upload(b, on_w, w, sizeof w);
    backend_cuda.linear(b, on_y, on_x, stored_f32(on_w), NULL, ROWS, IN, OUT, 1, 0);
    backend_cuda.download(b, y, on_y, sizeof y);
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            double sum = 0, exact = 0;
            for (int i = 0; i < IN; i++) {
                const double number = (double)x[r * IN + i];
                sum += nearbyint(number * 1024) / 1024 * (double)w[o * IN + i];
                exact += number * (double)w[o * IN + i];
            }
            assert_close((double)y[r * OUT + o], sum, 1e-5);
            largest = fmaxf(largest, fabsf((float)(sum - exact)));
        }
    assert_true(largest > 1e-3f);
    backend_cuda.free(b, on_x), backend_cuda.free(b, on_w), backend_cuda.free(b, on_y);
    backend_cuda.close(b);
}

static void the_cpu_says_why_it_has_no_tf32(void **state)
{
    struct backend *b = NULL;
    struct err fault = {0};
    const struct backend_options tf32 = {.precision = PRECISION_TF32};
    assert_int_equal(backend_find("cpu")->open(&b, &tf32, &fault), ERR_UNSUPPORTED);
    assert_string_equal(fault.text, "precision tf32 is a format of NVIDIA GPUs; on the CPU take f32, or bf16");
    assert_null(b);
}

// ---- gradients of biases ----

enum { BIAS_T = 70, BIAS_IN = 9, BIAS_OUT = 33 };

// Gradients of a bias and of its matrix from where they were, 1 each; how many kernels summed columns for the bias.
static size_t bias_gradient(enum precision precision, const float *dy, float *gradient, float *matrix)
{
    enum { X = BIAS_T * BIAS_IN, DY = BIAS_T * BIAS_OUT, DW = BIAS_OUT * BIAS_IN };
    struct backend *b;
    float x[X];
    for (int i = 0; i < X; i++)
        x[i] = (float)(i % 7);
    for (int i = 0; i < BIAS_OUT; i++)
        gradient[i] = 1;
    for (int i = 0; i < DW; i++)
        matrix[i] = 1;
    const size_t before = cuda_host_launches("column_sums_kernel", NULL);
    assert_ok(backend_cuda.open(&b, &(struct backend_options){.precision = precision}, e));
    float *on_x = backend_cuda.alloc(b, sizeof x, "x", NULL), *on_dy = backend_cuda.alloc(b, DY * sizeof *dy, "dy", NULL);
    float *dw = backend_cuda.alloc(b, DW * sizeof *dw, "dw", NULL);
    float *dbias = backend_cuda.alloc(b, BIAS_OUT * sizeof *dbias, "dbias", NULL);
    backend_cuda.upload(b, on_x, x, sizeof x);
    backend_cuda.upload(b, on_dy, dy, DY * sizeof *dy);
    backend_cuda.upload(b, dbias, gradient, BIAS_OUT * sizeof *gradient);
    backend_cuda.upload(b, dw, matrix, DW * sizeof *matrix);
    for (int again = 0; again < 2; again++)
        backend_cuda.linear_dw(b, dw, dbias, on_dy, on_x, BIAS_T, BIAS_IN, BIAS_OUT, 0.5f);
    backend_cuda.download(b, gradient, dbias, BIAS_OUT * sizeof *gradient);
    backend_cuda.download(b, matrix, dw, DW * sizeof *matrix);
    assert_ok(backend_cuda.sync(b, e));
    backend_cuda.free(b, on_x), backend_cuda.free(b, on_dy), backend_cuda.free(b, dw), backend_cuda.free(b, dbias);
    backend_cuda.close(b);
    return cuda_host_launches("column_sums_kernel", NULL) - before;
}

static void products_add_gradients_of_biases_where_the_library_can(void **state)
{
    float dy[BIAS_T * BIAS_OUT], got[BIAS_OUT], matrix[BIAS_OUT * BIAS_IN];
    for (int i = 0; i < BIAS_T * BIAS_OUT; i++)
        dy[i] = (float)(i * 13 % 64) / 32 - 0.5f; // bf16 has them
    for (int way = 0; way < 4; way++) {
        cublaslt_host_refuse_sums(way & 1);
        assert_int_equal(bias_gradient(way & 2 ? PRECISION_BF16 : PRECISION_F32, dy, got, matrix), way & 1 ? 2 : 0);
        for (int o = 0; o < BIAS_OUT; o++) {
            double sum = 1;
            for (int t = 0; t < BIAS_T; t++)
                sum += 2 * (double)dy[t * BIAS_OUT + o];
            assert_close((double)got[o], sum, 1e-4);
        }
        for (int i = 0; i < BIAS_OUT * BIAS_IN; i++) { // there as well where the library sums nothing beside it
            double sum = 1;
            for (int t = 0; t < BIAS_T; t++)
                sum += (double)dy[t * BIAS_OUT + i / BIAS_IN] * ((t * BIAS_IN + i % BIAS_IN) % 7);
            assert_close((double)matrix[i], sum, 1e-3);
        }
    }
    cublaslt_host_refuse_sums(false);
}

// ---- waiting ----

static const char small[] = "{\"model_type\": \"llama\", \"vocab_size\": 64, \"hidden_size\": 32, "
                            "\"intermediate_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
                            "\"num_key_value_heads\": 2, \"max_position_embeddings\": 256, \"rms_norm_eps\": 1e-5, \"initializer_range\": 0.3}";

static struct model *open_small(const struct backend_ops *ops, struct backend **b, enum precision precision)
{
    struct model *m;
    json_t *json;
    assert_ok(json_parse(small, strlen(small), "config", &json, e));
    assert_ok(ops->open(b, &(struct backend_options){.precision = precision}, e));
    assert_ok(model_new(&m, json, ops, *b, 3, e));
    json_decref(json);
    return m;
}

static void a_step_waits_for_the_losses_numbers_alone(void **state)
{
    enum { WIDE = 32 };
    struct backend *b;
    struct decoder *d;
    struct pack pack;
    struct param_block blocks[2];
    int32_t tokens[WIDE];
    float coef[WIDE], logprobs[WIDE];
    for (int i = 0; i < WIDE; i++)
        tokens[i] = i, coef[i] = 1;
    struct model *m = open_small(&backend_cuda, &b, PRECISION_BF16);
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    model_param_blocks(m, blocks);
    float *moments = backend_cuda.alloc(b, 2 * blocks[0].n * sizeof *moments, "moments", NULL);
    const struct pack_group group = {tokens, 8, {tokens + 8}, {WIDE - 8}, 1};
    pack_init(&pack, &group, 1, true);
    assert_ok(decoder_new(&d, m, false, e));
    for (int step = 0; step < 3; step++) {
        const size_t before = cuda_host_waits();
        assert_ok(decoder_forward(d, &pack.batch, true, e));
        assert_int_equal(cuda_host_waits() - before, 0);
        assert_ok(decoder_logprobs(d, &pack.batch, logprobs, NULL, NULL, e));
        assert_int_equal(cuda_host_waits() - before, 1);
        assert_ok(decoder_backward(d, &pack.batch, coef, NULL, e));
        backend_cuda.adamw(b, blocks[0].weights, blocks[0].grads, moments, moments + blocks[0].n, blocks[0].n,
                           &(struct adamw){0.01f, 0.9f, 0.99f, 1e-8f, 0, 0.1f, 0.01f, 1});
        model_weights_changed(m);
        assert_int_equal(cuda_host_waits() - before, 1);
    }
    assert_ok(backend_cuda.sync(b, e));
    backend_cuda.free(b, moments);
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
    backend_cuda.close(b);
}

// ---- recorded calls ----

static bool records_nothing(const struct backend *b)
{
    return false;
}

enum { N_PROMPTS = 2, MOST_NEW = 90 };

// Samples of two prompts, the second of which has three; streams end at different tokens, and keys pass 64 and 128.
static int say(struct model *m, struct gen_sample **out, int most_new)
{
    static const int32_t words[50] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};
    static const int32_t stop[] = {11};
    const struct gen_prompt prompts[N_PROMPTS] = {{words, 50, 1}, {words + 2, 9, 3}};
    const struct gen_options options = {.max_new_tokens = most_new, .temperature = 1, .top_p = 1, .seed = 5,
                                        .stop_ids = stop, .n_stop = 1};
    int n = 0;
    assert_ok(generate(m, prompts, N_PROMPTS, &options, NULL, NULL, out, &n, e));
    return n;
}

static void recorded_decoding_says_what_calls_say(void **state)
{
    struct backend_ops unrecorded = backend_cuda;
    unrecorded.records = records_nothing;
    for (int way = 0; way < 2; way++) {
        struct backend *plain_b, *b;
        struct model *want = open_small(&unrecorded, &plain_b, way ? PRECISION_BF16 : PRECISION_F32);
        struct model *got = open_small(&backend_cuda, &b, way ? PRECISION_BF16 : PRECISION_F32);
        for (int again = 0; again < 2; again++) { // with other weights in the same place, and recordings of before
            struct gen_sample *said, *as_calls;
            int longest = 0;
            const size_t none = cuda_host_replays();
            const int n = say(want, &as_calls, MOST_NEW);
            assert_int_equal(cuda_host_replays(), none);
            const size_t waits = cuda_host_waits();
            assert_int_equal(say(got, &said, MOST_NEW), n);
            for (int i = 0; i < n; i++) {
                assert_int_equal(said[i].n_tokens, as_calls[i].n_tokens);
                assert_memory_equal(said[i].tokens, as_calls[i].tokens, (size_t)said[i].n_tokens * sizeof(int32_t));
                assert_memory_equal(said[i].logprobs, as_calls[i].logprobs, (size_t)said[i].n_tokens * sizeof(float));
                longest = said[i].n_tokens > longest ? said[i].n_tokens : longest;
            }
            const size_t n_replays = cuda_host_replays() - none, n_waits = cuda_host_waits() - waits;
            print_message("          %d tokens after each other: %zu graphs replayed, %zu waits\n", longest, n_replays,
                          n_waits);
            assert_true(longest > 60 && n_replays >= (size_t)longest / 2);
            assert_true(n_waits <= (size_t)longest + 1);
            generate_free(said, n), generate_free(as_calls, n);
            for (int k = 0; k < 2; k++) {
                struct model *m = k ? want : got;
                m->ops->scale(m->backend, m->weights, 1.25f, m->n_floats);
                model_weights_changed(m);
            }
        }
        model_free(want), model_free(got);
        unrecorded.close(plain_b), backend_cuda.close(b);
    }
    assert_int_equal(cuda_host_allocations(), 0);
}

// What the host does one by one, until now, or between two moments.
struct work {
    size_t launches, uploads, upload_bytes;
};
static struct work work_until_now(void)
{
    struct work w = {.launches = cuda_host_launches("", NULL)};
    w.uploads = cuda_host_uploads(&w.upload_bytes);
    return w;
}

// For the tokens after the first, when all was said before.
static struct work work_of_decoding(struct model *m, int *n_tokens)
{
    struct work w[2];
    for (int i = 0; i < 4; i++) { // what is said twice has been recorded; then the prompts alone, and once more all
        struct gen_sample *said;
        const struct work before = work_until_now();
        const int n = say(m, &said, i == 2 ? 1 : MOST_NEW);
        const struct work after = work_until_now();
        w[i == 3] = (struct work){after.launches - before.launches, after.uploads - before.uploads,
                                  after.upload_bytes - before.upload_bytes};
        *n_tokens = 0;
        for (int k = 0; k < n; k++)
            *n_tokens = said[k].n_tokens > *n_tokens ? said[k].n_tokens : *n_tokens;
        generate_free(said, n);
    }
    (*n_tokens)--;
    return (struct work){w[1].launches - w[0].launches, w[1].uploads - w[0].uploads, w[1].upload_bytes - w[0].upload_bytes};
}

// Four rows at most, and the two ways upload the same.
static void a_recorded_token_is_one_launch_from_embedding_to_draw_and_one_upload(void **state)
{
    struct backend_ops unrecorded = backend_cuda;
    unrecorded.records = records_nothing;
    for (int way = 0; way < 4; way++) {
        struct backend *b;
        struct model *m = open_small(way & 1 ? &unrecorded : &backend_cuda, &b, way & 2 ? PRECISION_BF16 : PRECISION_F32);
        int n = 0;
        size_t replays = cuda_host_replays();
        const struct work w = work_of_decoding(m, &n);
        replays = cuda_host_replays() - replays;
        print_message("          %s, %s: %zu kernels launched one by one for %d tokens, %zu uploads of %zu bytes\n",
                      way & 2 ? "bf16" : "f32", way & 1 ? "as calls" : "recorded", w.launches, n, w.uploads, w.upload_bytes);
        assert_true(n > 60);
        if (way & 1)
            assert_true(replays == 0 && w.launches > 20 * (size_t)n);
        else
            assert_true(replays > (size_t)n && w.launches == 0);
        assert_int_equal(w.uploads, n);
        assert_true(w.upload_bytes <= 640 * (size_t)n);
        model_free(m);
        (way & 1 ? &unrecorded : &backend_cuda)->close(b);
    }
}

static void what_a_replay_could_not_repeat_is_refused(void **state)
{
    static const char key[] = "a key";
    struct backend *b;
    struct err fault = {0};
    assert_ok(backend_cuda.open(&b, &(struct backend_options){0}, e));
    float *x = backend_cuda.alloc(b, sizeof *x, "a number", NULL), one = 1;
    for (int time = 0; time < 2; time++) {
        assert_false(backend_cuda.replay(b, key, sizeof key));
        backend_cuda.upload(b, x, &one, time ? sizeof one : 0);
        backend_cuda.scale(b, x, 2, 1);
        backend_cuda.recorded(b);
    }
    assert_int_equal(backend_cuda.sync(b, &fault), ERR_FAIL);
    assert_non_null(strstr(fault.text, "an upload while calls are recorded"));
    backend_cuda.free(b, x);
    backend_cuda.close(b);
}

static void recordings_end_with_the_memory_that_they_name(void **state)
{
    static const char key[] = "a key";
    struct backend *b;
    float one = 1, got = 0;
    bool replayed[5];
    assert_ok(backend_cuda.open(&b, &(struct backend_options){0}, e));
    float *x = backend_cuda.alloc(b, sizeof *x, "a number", NULL);
    float *other = backend_cuda.alloc(b, sizeof *x, "another", NULL);
    backend_cuda.upload(b, x, &one, sizeof one);
    for (int time = 0; time < 5; time++) {
        if (time == 3)
            backend_cuda.free(b, other);
        replayed[time] = backend_cuda.replay(b, key, sizeof key);
        if (replayed[time])
            continue;
        backend_cuda.scale(b, x, 2, 1);
        backend_cuda.recorded(b);
    }
    assert_true(!replayed[0] && !replayed[1] && replayed[2] && !replayed[3] && !replayed[4]);
    backend_cuda.download(b, &got, x, sizeof got);
    assert_ok(backend_cuda.sync(b, e));
    assert_true(got == 32);
    backend_cuda.free(b, x);
    backend_cuda.close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_copies_change_no_bit),
        cmocka_unit_test(rounding_passes_of_a_layer_are_counted),
        cmocka_unit_test(tf32_products_round_their_factors_alone),
        cmocka_unit_test(the_cpu_says_why_it_has_no_tf32),
        cmocka_unit_test(products_add_gradients_of_biases_where_the_library_can),
        cmocka_unit_test(a_step_waits_for_the_losses_numbers_alone),
        cmocka_unit_test(recorded_decoding_says_what_calls_say),
        cmocka_unit_test(a_recorded_token_is_one_launch_from_embedding_to_draw_and_one_upload),
        cmocka_unit_test(what_a_replay_could_not_repeat_is_refused),
        cmocka_unit_test(recordings_end_with_the_memory_that_they_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
