// Two networks that speak together: what a mixture draws is of both networks' log-probabilities, and who says nothing
// changes nothing.
#include "testing.h"

#include "base/rng.h"
#include "golden_decoder.h"
#include "model/generator.h"

enum { N_TOKENS = 10 };
static struct golden golden;
static const struct backend_ops *cpu;
static struct backend *backend;
static struct model *first, *second; // one case, the first with an adapter that says something

static int set_up(void **state)
{
    golden_open(&golden);
    cpu = backend_find("cpu");
    assert_ok(cpu->open(&backend, &(struct backend_options){.n_threads = 2}, e));
    const json_t *one = json_array_get(json_object_get(golden.file, "cases"), 0);
    first = golden_model(one, "weights", cpu, backend);
    second = golden_model(one, "weights", cpu, backend);
    assert_ok(model_add_lora(first, 2, 8, "all-linear", 3, e));
    float *values = mem_alloc(first->n_lora_floats, sizeof *values);
    struct rng r = rng_make(8, RNG_TEST, 2);
    for (size_t i = 0; i < first->n_lora_floats; i++)
        values[i] = (float)(0.2 * rng_normal(&r));
    cpu->upload(backend, first->lora_weights, values, first->n_lora_floats * sizeof *values);
    free(values);
    return 0;
}

static int tear_down(void **state)
{
    model_free(first);
    model_free(second);
    cpu->close(backend);
    golden_close(&golden);
    return 0;
}

static void keep(void *arg, struct gen_sample *samples, bool whole)
{
    assert_true(whole);
    *(struct gen_sample **)arg = samples;
}

static struct gen_sample *ask(struct generator *g, int first_sample, int n, float share, bool alone)
{
    struct gen_sample *samples = NULL, *other = NULL;
    struct gen_request q = {.prompt = golden.groups[0].prompt, .n_prompt = golden.groups[0].n_prompt, .n_samples = n,
                            .number = 7, .first_sample = first_sample, .on_end = keep, .arg = &samples,
        .options = {.max_new_tokens = N_TOKENS, .temperature = 1, .top_p = 1, .seed = 5, .second = share}};
    assert_ok(generator_submit(g, &q, NULL, e));
    if (!alone) { // somebody beside it who speaks in another way
        q.number = 8;
        q.options.second = share == 0.25f ? 0 : 0.25f;
        q.options.max_new_tokens = N_TOKENS / 2;
        q.arg = &other;
        assert_ok(generator_submit(g, &q, NULL, e));
    }
    while (generator_is_busy(g))
        assert_ok(generator_step(g, e));
    gen_samples_free(other, n);
    return samples;
}

// log of softmax((1 - share) log p + share log q) for the tokens of a sample.
static void expected(const struct gen_sample *s, double share, double *out)
{
    static const int VOCAB = 37;
    for (int t = 0; t < s->n_tokens; t++) {
        double mixed[37], sum = 0;
        for (int v = 0; v < VOCAB; v++) {
            int32_t said[N_TOKENS];
            float p[N_TOKENS], q[N_TOKENS];
            memcpy(said, s->tokens, (size_t)t * sizeof *said);
            said[t] = v;
            struct pack pack;
            struct pack_group group = {golden.groups[0].prompt, golden.groups[0].n_prompt, {said}, {t + 1}, 1};
            pack_init(&pack, &group, 1, true);
            for (int k = 0; k < 2; k++) {
                struct decoder *d;
                assert_ok(decoder_new(&d, k ? second : first, false, e));
                assert_ok(decoder_forward(d, &pack.batch, false, e));
                assert_ok(decoder_logprobs(d, &pack.batch, k ? q : p, NULL, NULL, e));
                decoder_free(d);
            }
            pack_fini(&pack);
            mixed[v] = (1 - share) * (double)p[t] + share * (double)q[t];
            sum += exp(mixed[v]);
        }
        out[t] = mixed[s->tokens[t]] - log(sum);
    }
}

static void a_mixture_is_of_both(void **state)
{
    struct generator *g;
    assert_ok(generator_of(&g, first, e));
    const struct gen_second with = {.model = second};
    generator_set_second(g, &with);
    static const float shares[] = {0, 0.25f, 0.5f, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        for (int alone = 0; alone < 2; alone++) {
            double want[N_TOKENS];
            struct gen_sample *samples = ask(g, 0, 2, shares[i], alone);
            assert_int_equal(samples[1].n_tokens, N_TOKENS);
            expected(&samples[1], (double)shares[i], want);
            for (int t = 0; t < N_TOKENS; t++)
                assert_close((double)samples[1].logprobs[t], want[t], 1e-4);
            gen_samples_free(samples, 2);
        }
    generator_set_second(g, NULL);
}

static void assert_same(const struct gen_sample *a, const struct gen_sample *b)
{
    assert_int_equal(a->n_tokens, b->n_tokens);
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->n_tokens * sizeof *a->tokens);
    assert_memory_equal(a->logprobs, b->logprobs, (size_t)a->n_tokens * sizeof *a->logprobs);
}

// Bit for bit: without a share the model is alone, with all of it the second one is; with and without others who mix.
static void who_has_no_say_changes_nothing(void **state)
{
    struct generator *g, *of_second;
    assert_ok(generator_of(&g, first, e));
    assert_ok(generator_of(&of_second, second, e));
    struct gen_sample *model = ask(g, 0, 3, 0, true), *other = ask(of_second, 0, 3, 0, true);
    const struct gen_second with = {.model = second};
    generator_set_second(g, &with);
    for (int alone = 0; alone < 2; alone++) {
        struct gen_sample *none = ask(g, 0, 3, 0, alone), *all = ask(g, 0, 3, 1, alone);
        for (int k = 0; k < 3; k++) {
            assert_same(&none[k], &model[k]);
            assert_same(&all[k], &other[k]);
        }
        assert_memory_not_equal(none[0].logprobs, all[0].logprobs, N_TOKENS * sizeof(float));
        gen_samples_free(none, 3);
        gen_samples_free(all, 3);
    }
    generator_set_second(g, NULL);
    gen_samples_free(model, 3);
    gen_samples_free(other, 3);
}

// A prompt's samples may be asked for in parts.
static void samples_have_their_numbers(void **state)
{
    struct generator *g;
    assert_ok(generator_of(&g, first, e));
    struct gen_sample *all = ask(g, 0, 4, 0, true), *later = ask(g, 2, 2, 0, true);
    assert_same(&later[0], &all[2]);
    assert_same(&later[1], &all[3]);
    gen_samples_free(all, 4);
    gen_samples_free(later, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mixture_is_of_both),
        cmocka_unit_test(who_has_no_say_changes_nothing),
        cmocka_unit_test(samples_have_their_numbers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
