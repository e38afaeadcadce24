// What a policy has just said has exactly the log-probability that the training forward gives it: the importance ratio of
// an update that changes nothing is 1, not nearly 1, also where top-k, top-p, min-p and a temperature were at work. In f32,
// where products are our own kernels' (AVX2 and AVX-512); a library's round otherwise in other batches.
#include "config.h"

#include "testing.h"

#include <jansson.h>

#include "base/mem.h"
#include "base/rng.h"
#include "cpu/backend_cpu.h"
#include "model/decoder.h"
#include "model/generate.h"
#include "packing.h"

static const struct backend_ops *cpu;
static struct backend *backend;

static int set_up(void **state)
{
    cpu = backend_find("cpu");
    assert_ok(cpu->open(&backend, &(struct backend_options){.n_threads = 2}, e));
    return 0;
}

static int tear_down(void **state)
{
    cpu->close(backend);
    return 0;
}

enum { VOCAB = 517, SAMPLES = 3, PROMPTS = 6 };
static const struct {
    const char *name, *config;
} models[] = {
    {"llama", "\"model_type\": \"llama\", \"hidden_size\": 48, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
              "\"num_hidden_layers\": 2, \"intermediate_size\": 200, \"rms_norm_eps\": 1e-5, \"hidden_act\": \"silu\", "
              "\"max_position_embeddings\": 1024, \"tie_word_embeddings\": false"},
    {"gpt2", "\"model_type\": \"gpt2\", \"n_embd\": 36, \"n_head\": 3, \"n_layer\": 2, \"n_positions\": 1024, "
             "\"activation_function\": \"gelu_new\", \"layer_norm_epsilon\": 1e-5"},
    {"qwen3", "\"model_type\": \"qwen3\", \"hidden_size\": 200, \"num_attention_heads\": 4, \"num_key_value_heads\": 4, "
              "\"head_dim\": 20, \"num_hidden_layers\": 2, \"intermediate_size\": 400, \"rms_norm_eps\": 1e-6, "
              "\"hidden_act\": \"silu\", \"max_position_embeddings\": 1024, \"tie_word_embeddings\": true"},
    {"gemma2", "\"model_type\": \"gemma2\", \"hidden_size\": 48, \"num_attention_heads\": 4, \"num_key_value_heads\": 1, "
               "\"head_dim\": 16, \"num_hidden_layers\": 2, \"intermediate_size\": 100, \"rms_norm_eps\": 1e-6, "
               "\"hidden_activation\": \"gelu_pytorch_tanh\", \"max_position_embeddings\": 1024, \"sliding_window\": 50, "
               "\"query_pre_attn_scalar\": 16, \"attn_logit_softcapping\": 5.0, \"final_logit_softcapping\": 3.0"},
};

static struct model *new_model(size_t which)
{
    char text[1024];
    struct model *m;
    snprintf(text, sizeof text, "{%s, \"vocab_size\": %d, \"initializer_range\": 0.2}", models[which].config, VOCAB);
    json_t *config = json_loads(text, 0, NULL);
    assert_non_null(config);
    assert_ok(model_new(&m, config, cpu, backend, 5 + which, e));
    json_decref(config);
    return m;
}


static const struct gen_options ways[] = {
    {.temperature = 1, .top_p = 1},
    {.temperature = 0.7f, .top_p = 1},
    {.temperature = 0.7f, .top_p = 0.9f},
    {.temperature = 0.7f, .top_p = 1, .top_k = 20},
    {.temperature = 0.7f, .top_p = 1, .min_p = 0.05f},
    {.temperature = 1.3f, .top_p = 0.8f, .top_k = 100, .min_p = 0.01f},
    {.temperature = 1, .top_p = 0.9f},
    {.temperature = 0, .top_p = 0.9f},
};
enum { N_WAYS = sizeof ways / sizeof *ways };
static const int prompt_lengths[PROMPTS] = {1, 31, 32, 63, 65, 250}, answer_lengths[PROMPTS] = {40, 33, 64, 70, 10, 20};

static struct gen_options way(int i)
{
    struct gen_options o = ways[i];
    o.seed = 42;
    o.keep_sets = true;
    o.keep_entropy = true;
    return o;
}

static void make_prompts(struct gen_prompt *prompts)
{
    struct rng r = rng_make(3, RNG_TEST, 1);
    for (int i = 0; i < PROMPTS; i++) {
        int32_t *ids = mem_alloc((size_t)prompt_lengths[i], sizeof *ids);
        for (int k = 0; k < prompt_lengths[i]; k++)
            ids[k] = (int32_t)rng_below(&r, VOCAB);
        prompts[i] = (struct gen_prompt){ids, prompt_lengths[i], SAMPLES};
    }
}

static void free_prompts(struct gen_prompt *prompts)
{
    for (int i = 0; i < PROMPTS; i++)
        free((void *)prompts[i].tokens);
}

static struct token_set set_of(const struct gen_sample *s, int token)
{
    return (struct token_set){s->set_ids + s->set_starts[token], (int)(s->set_starts[token + 1] - s->set_starts[token])};
}

// Sets are in order, hold what was drawn, and are there where something was cut alone. Returns how many tokens have one.
static int check_sets(const struct gen_sample *s, const struct gen_options *o)
{
    int n_sets = 0;
    for (int i = 0; i < s->n_tokens; i++) {
        const struct token_set set = set_of(s, i);
        bool found = set.n == 0;
        for (int k = 0; k < set.n; k++) {
            assert_true(k == 0 || set.ids[k] > set.ids[k - 1]);
            found = found || set.ids[k] == s->tokens[i];
        }
        assert_true(found);
        assert_true(o->temperature > 0 || (set.n == 1 && s->drawn_logprobs[i] == 0));
        assert_true(o->top_k == 0 || (set.n > 0 && set.n <= o->top_k));
        n_sets += set.n > 0;
    }
    return n_sets;
}

// Exactly, or as closely as sums in another order are.
static void expect_same(const char *what, const struct gen_options *o, float got, float want, bool exact)
{
    if (exact ? memcmp(&got, &want, sizeof got) != 0 : !(fabsf(got - want) <= 1e-4f))
        fail_msg("%s at temperature %g, top-k %d, top-p %g, min-p %g: %.9g said, %.9g computed", what,
                 (double)o->temperature, o->top_k, (double)o->top_p, (double)o->min_p, (double)got, (double)want);
}

// The samples of some prompts in one batch of the training forward.
static void check_ratios(struct model *m, const struct gen_prompt *prompts, struct gen_sample *samples, int n_prompts,
                         const struct gen_options *o, bool exact)
{
    struct decoder *d;
    struct pack pack;
    struct pack_group groups[PROMPTS];
    for (int g = 0; g < n_prompts; g++) {
        groups[g] =
            (struct pack_group){.prompt = prompts[g].tokens, .n_prompt = prompts[g].n_tokens, .n_responses = SAMPLES};
        for (int k = 0; k < SAMPLES; k++) {
            groups[g].responses[k] = samples[SAMPLES * g + k].tokens;
            groups[g].n_response[k] = samples[SAMPLES * g + k].n_tokens;
        }
    }
    pack_init(&pack, groups, n_prompts, true);
    const size_t n = (size_t)pack.batch.n_targets;
    float *plain = mem_alloc(n, sizeof *plain), *drawn = mem_alloc(n, sizeof *drawn);
    float *entropy = mem_alloc(n, sizeof *entropy), *hot = mem_alloc(n, sizeof *hot);
    struct token_set *sets = mem_alloc(n, sizeof *sets);
    int at = 0;
    for (int i = 0; i < SAMPLES * n_prompts; i++)
        for (int k = 0; k < samples[i].n_tokens; k++)
            sets[at++] = set_of(&samples[i], k);
    assert_int_equal(at, (int)n);
    pack.batch.sets = sets;
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_head(d, &pack.batch, &(struct head_reads){.logprobs = plain}, e));
    pack.batch.inv_temperature = o->temperature > 0 ? 1 / o->temperature : 0;
    assert_ok(decoder_head(d, &pack.batch,
                           &(struct head_reads){.logprobs = hot, .entropy = entropy, .set_logprobs = drawn}, e));
    for (int i = 0, t = 0; i < SAMPLES * n_prompts; i++) {
        double sum = 0;
        for (int k = 0; k < samples[i].n_tokens; k++, t++) {
            expect_same("the model's log-probability", o, samples[i].logprobs[k], plain[t], exact);
            expect_same("the drawn log-probability", o, samples[i].drawn_logprobs[k], drawn[t], exact);
            sum += (double)entropy[t];
        }
        expect_same("the entropy", o, (float)samples[i].entropy, (float)sum, exact);
    }
    decoder_free(d);
    free(plain), free(drawn), free(entropy), free(hot), free(sets);
    pack_fini(&pack);
}

static void check_model(struct model *m)
{
    const struct cpu_kernels *kernels;
    struct gen_prompt prompts[PROMPTS];
    assert_ok(cpu_level(&kernels, e));
    make_prompts(prompts);
    for (int w = 0; w < N_WAYS; w++) {
        const bool cuts = ways[w].temperature == 0 || ways[w].top_k > 0 || ways[w].top_p < 1 || ways[w].min_p > 0;
        struct gen_options o = way(w);
        struct gen_sample *samples;
        int n, n_sets = 0, n_tokens = 0;
        // All together, and the prompts one after the other: other bundles, other batches.
        o.max_new_tokens = 33;
        assert_ok(generate(m, prompts, PROMPTS, &o, NULL, NULL, &samples, &n, e));
        for (int i = 0; i < n; i++) {
            n_sets += check_sets(&samples[i], &o);
            n_tokens += samples[i].n_tokens;
        }
        assert_int_equal(n_sets, cuts ? n_tokens : 0);
        check_ratios(m, prompts, samples, PROMPTS, &o, kernels->gemm != NULL);
        generate_free(samples, n);
        for (int i = w % 3; i < PROMPTS; i += 3) {
            o.max_new_tokens = answer_lengths[i];
            assert_ok(generate(m, prompts + i, 1, &o, NULL, NULL, &samples, &n, e));
            check_ratios(m, prompts + i, samples, 1, &o, kernels->gemm != NULL);
            generate_free(samples, n);
        }
    }
    free_prompts(prompts);
}

static void the_ratio_on_policy_is_one(void **state)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct model *m = new_model(i);
        check_model(m);
        model_free(m);
    }
}

static void the_ratio_on_policy_is_one_through_an_adapter(void **state)
{
    struct model *m = new_model(0);
    assert_ok(model_add_lora(m, 3, 8, "all-linear", 3, e));
    float *values = mem_alloc(m->n_lora_floats, sizeof *values);
    struct rng r = rng_make(8, RNG_TEST, 2);
    for (size_t j = 0; j < m->n_lora_floats; j++)
        values[j] = (float)(0.1 * rng_normal(&r));
    cpu->upload(backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
    free(values);
    check_model(m);
    model_free(m);
}

// What a token is drawn from does not depend on who samples beside it, kept sets or not.
static void neighbours_do_not_change_what_is_left(void **state)
{
    struct model *m = new_model(0);
    struct gen_prompt prompts[PROMPTS];
    struct gen_options o = way(2), silent = o;
    struct gen_sample *all, *alone, *plain;
    int n, n_alone;
    o.max_new_tokens = silent.max_new_tokens = 30;
    silent.keep_sets = silent.keep_entropy = false;
    make_prompts(prompts);
    assert_ok(generate(m, prompts, PROMPTS, &o, NULL, NULL, &all, &n, e));
    assert_ok(generate(m, prompts, PROMPTS, &silent, NULL, NULL, &plain, &n, e));
    for (int p = 0; p < PROMPTS; p++)
        prompts[p].n_samples = p == 3 ? 2 : 0;
    assert_ok(generate(m, prompts, PROMPTS, &o, NULL, NULL, &alone, &n_alone, e));
    for (int k = 0; k < 2; k++) {
        const struct gen_sample *a = &alone[k], *b = &all[3 * SAMPLES + k];
        assert_memory_equal(a->tokens, b->tokens, 30 * sizeof *a->tokens);
        assert_memory_equal(a->set_starts, b->set_starts, 31 * sizeof *a->set_starts);
        assert_memory_equal(a->set_ids, b->set_ids, a->set_starts[30] * sizeof *a->set_ids);
        assert_memory_equal(a->tokens, plain[3 * SAMPLES + k].tokens, 30 * sizeof *a->tokens);
    }
    assert_null(plain[0].set_starts);
    assert_null(plain[0].drawn_logprobs);
    assert_true(plain[0].entropy == 0 && all[0].entropy > 0);
    generate_free(alone, n_alone);
    generate_free(plain, n);
    generate_free(all, n);
    free_prompts(prompts);
    model_free(m);
}

static void a_set_without_its_token_is_refused(void **state)
{
    struct model *m = new_model(0);
    struct decoder *d;
    const int32_t prompt[] = {1, 2}, answer[] = {7}, lacking[] = {3, 9}, unsorted[] = {9, 7}, outside[] = {7, VOCAB};
    const struct token_set bad[] = {{lacking, 2}, {unsorted, 2}, {outside, 2}}, good = {(const int32_t[]){6, 7}, 2};
    struct pack_group group = {prompt, 2, {answer}, {1}, 1};
    struct pack pack;
    struct err fault;
    pack_init(&pack, &group, 1, true);
    assert_ok(decoder_new(&d, m, false, e));
    for (int i = 0; i < 3; i++) {
        pack.batch.sets = &bad[i];
        assert_int_equal(decoder_forward(d, &pack.batch, false, &fault), ERR_INPUT);
        assert_non_null(strstr(fault.text, "token 7"));
    }
    pack.batch.sets = &good;
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    decoder_free(d);
    pack_fini(&pack);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ratio_on_policy_is_one),
        cmocka_unit_test(the_ratio_on_policy_is_one_through_an_adapter),
        cmocka_unit_test(neighbours_do_not_change_what_is_left),
        cmocka_unit_test(a_set_without_its_token_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
