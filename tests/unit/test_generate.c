// Sampling with a cache against the decoder's forward of the same texts, against itself in other batches, and
// against an independent program's greedy texts.
#include "testing.h"

#include "base/rng.h"
#include "golden_decoder.h"
#include "model/generate.h"
#include "model/kv_cache.h"

static struct golden golden;
static const struct backend_ops *cpu;
static struct backend *backend;

static int set_up(void **state)
{
    golden_open(&golden);
    cpu = backend_find("cpu");
    assert_ok(cpu->open(&backend, &(struct backend_options){.n_threads = 2}, e));
    return 0;
}

static int tear_down(void **state)
{
    cpu->close(backend);
    golden_close(&golden);
    return 0;
}

static const struct gen_options plain = {.max_new_tokens = 12, .temperature = 1, .top_p = 1, .seed = 42};

static int sample(struct model *m, const struct gen_prompt *prompts, int n, const struct gen_options *o,
                  struct gen_sample **out)
{
    int n_out = 0;
    assert_ok(generate(m, prompts, n, o, NULL, NULL, out, &n_out, e));
    return n_out;
}

// The log-probabilities of what was sampled, and the most likely token at each place, by the decoder.
static void check_sample(struct model *m, const struct gen_prompt *prompt, const struct gen_sample *s, bool greedy)
{
    struct decoder *d;
    struct pack pack;
    float logprobs[128], top[128];
    struct pack_group group = {prompt->tokens, prompt->n_tokens, {s->tokens}, {s->n_tokens}, 1};
    pack_init(&pack, &group, 1, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, logprobs, NULL, top, e));
    for (int i = 0; i < s->n_tokens; i++) {
        assert_close(s->logprobs[i], logprobs[i], 1e-4);
        assert_true(!greedy || top[i] == 1);
    }
    decoder_free(d);
    pack_fini(&pack);
}

static void golden_prompts(struct gen_prompt *prompts, int n_samples)
{
    for (int i = 0; i < golden.n_groups; i++)
        prompts[i] = (struct gen_prompt){golden.groups[i].prompt, golden.groups[i].n_prompt, n_samples};
}

static void sampled_logprobs_are_the_decoders(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        for (int variant = 0; variant < 4; variant++) {
            struct model *m = golden_model(one, "weights", cpu, backend);
            struct gen_options o = plain;
            o.temperature = variant == 1 ? 0 : variant == 2 ? 0.6f : 1;
            o.top_k = variant == 2 ? 5 : 0;
            if (variant == 3) { // through an adapter
                assert_ok(model_add_lora(m, 2, 8, "all-linear", 3, e));
                float *values = mem_alloc(m->n_lora_floats, sizeof *values);
                struct rng r = rng_make(8, RNG_TEST, 2);
                for (size_t j = 0; j < m->n_lora_floats; j++)
                    values[j] = (float)(0.1 * rng_normal(&r));
                cpu->upload(backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
                free(values);
            }
            struct gen_prompt prompts[8];
            golden_prompts(prompts, 3);
            struct gen_sample *samples;
            int n = sample(m, prompts, golden.n_groups, &o, &samples);
            assert_int_equal(n, 3 * golden.n_groups);
            for (int j = 0; j < n; j++) {
                assert_int_equal(samples[j].prompt, j / 3);
                assert_int_equal(samples[j].sample, j % 3);
                assert_int_equal(samples[j].n_tokens, 12);
                assert_false(samples[j].stopped);
                check_sample(m, &prompts[j / 3], &samples[j], variant == 1);
            }
            generate_free(samples, n);
            model_free(m);
        }
}

static void neighbours_do_not_change_a_sample(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct model *m = golden_model(one, "weights", cpu, backend);
        struct gen_prompt prompts[8];
        golden_prompts(prompts, 3);
        struct gen_sample *all, *alone;
        int n = sample(m, prompts, golden.n_groups, &plain, &all);
        for (int j = 0; j < golden.n_groups; j++) {
            // Prompt j keeps its number; the others have no samples now.
            for (int k = 0; k < golden.n_groups; k++)
                prompts[k].n_samples = k == j ? 2 : 0;
            assert_int_equal(sample(m, prompts, golden.n_groups, &plain, &alone), 2);
            for (int k = 0; k < 2; k++) {
                assert_int_equal(alone[k].n_tokens, all[3 * j + k].n_tokens);
                assert_memory_equal(alone[k].tokens, all[3 * j + k].tokens, 12 * sizeof(int32_t));
            }
            generate_free(alone, 2);
        }
        // Samples of one prompt differ, and so do those of another seed.
        assert_memory_not_equal(all[0].tokens, all[1].tokens, 12 * sizeof(int32_t));
        struct gen_options other = plain;
        other.seed++;
        golden_prompts(prompts, 3);
        sample(m, prompts, golden.n_groups, &other, &alone);
        assert_memory_not_equal(all[0].tokens, alone[0].tokens, 12 * sizeof(int32_t));
        generate_free(alone, n);
        generate_free(all, n);
        model_free(m);
    }
}

// More streams than one wave takes, and prompts longer together than one forward of prompts.
// Prompts draw each for themselves, and samples of a prompt as well: the same text asked twice is answered in two ways.
static void equal_prompts_draw_for_themselves(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    struct gen_prompt prompts[4];
    struct gen_sample *samples;
    struct gen_options warm = plain; // this model repeats itself otherwise
    warm.temperature = 4;
    golden_prompts(prompts, 1);
    prompts[0].n_samples = 3;
    prompts[1] = prompts[2] = prompts[0];
    const int n = sample(m, prompts, 3, &warm, &samples);
    assert_int_equal(n, 9);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(samples[i].tokens, samples[k].tokens, 12 * sizeof *samples[i].tokens);
    generate_free(samples, n);
    model_free(m);
}

static void waves_and_pieces_change_nothing(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    enum { N = 700 };
    struct gen_prompt *prompts = mem_alloc(N, sizeof *prompts);
    struct gen_options o = plain;
    o.max_new_tokens = 3;
    for (int i = 0; i < N; i++)
        prompts[i] = (struct gen_prompt){golden.groups[i % 3].prompt, golden.groups[i % 3].n_prompt, i == 300 ? 30 : 1};
    struct gen_sample *all, *few;
    int n = sample(m, prompts, N, &o, &all);
    assert_int_equal(n, N + 29);
    static const int looked_at[] = {0, 299, 300, 311, 329, 330, 511, 512, 513, 728};
    for (size_t i = 0; i < sizeof looked_at / sizeof *looked_at; i++) {
        const struct gen_sample *s = &all[looked_at[i]];
        for (int k = 0; k < N; k++)
            prompts[k].n_samples = k == s->prompt ? s->sample + 1 : 0;
        int n_few = sample(m, prompts, N, &o, &few);
        assert_int_equal(n_few, s->sample + 1);
        assert_int_equal(s->n_tokens, 3);
        assert_memory_equal(few[n_few - 1].tokens, s->tokens, 3 * sizeof(int32_t));
        generate_free(few, n_few);
    }
    generate_free(all, n);
    free(prompts);
    model_free(m);
}

struct kept {
    struct gen_sample *samples;
    int n_ends, n_tokens, stop_after; // the listener says no after so many tokens; 0: never
    bool whole;
};

static bool keep_token(void *arg, int sample_number, int32_t token, float logprob)
{
    struct kept *k = arg;
    return ++k->n_tokens != k->stop_after;
}

static void keep_samples(void *arg, struct gen_sample *samples, bool whole)
{
    struct kept *k = arg;
    k->samples = samples;
    k->whole = whole;
    k->n_ends++;
}

// Jobs that come while others decode, with options of their own, are answered as if they were alone; one that is stopped
// leaves the others as they are.
static void jobs_join_and_leave_between_tokens(void **state)
{
    enum { N = 6 };
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    struct generator *g;
    struct kept kept[N] = {{0}};
    struct gen_job *jobs[N];
    assert_ok(generator_of(&g, m, e));
    for (int i = 0; i < N; i++) {
        const struct pack_group *group = &golden.groups[i % golden.n_groups];
        struct gen_request r = {.prompt = group->prompt, .n_prompt = group->n_prompt, .n_samples = 1 + i % 3,
                                .number = (uint32_t)i, .options = plain, .on_token = keep_token, .on_end = keep_samples,
            .arg = &kept[i]};
        r.options.temperature = i % 2 ? 0.5f : 1;
        r.options.top_k = i == 3 ? 4 : 0;
        r.options.min_p = i == 4 ? 0.1f : 0;
        r.options.max_new_tokens = 4 + 3 * i;
        kept[i].stop_after = i == 2 ? 5 : 0;
        assert_ok(generator_submit(g, &r, &jobs[i], e));
        for (int step = 0; step < 2; step++)
            assert_ok(generator_step(g, e));
        if (i == 5)
            generator_cancel(g, jobs[5]);
    }
    while (generator_is_busy(g))
        assert_ok(generator_step(g, e));
    for (int i = 0; i < N; i++) {
        const struct pack_group *group = &golden.groups[i % golden.n_groups];
        struct gen_prompt prompts[N] = {{0}};
        struct gen_options o = plain;
        struct gen_sample *alone;
        o.temperature = i % 2 ? 0.5f : 1;
        o.top_k = i == 3 ? 4 : 0;
        o.min_p = i == 4 ? 0.1f : 0;
        o.max_new_tokens = 4 + 3 * i;
        for (int k = 0; k < N; k++)
            prompts[k] = (struct gen_prompt){group->prompt, group->n_prompt, k == i ? 1 + i % 3 : 0};
        assert_int_equal(kept[i].n_ends, 1);
        assert_int_equal(kept[i].whole, i != 2 && i != 5);
        const int n = sample(m, prompts, N, &o, &alone);
        assert_int_equal(n, 1 + i % 3);
        for (int k = 0; k < n; k++) {
            const struct gen_sample *s = &kept[i].samples[k];
            assert_true(kept[i].whole ? s->n_tokens == alone[k].n_tokens : s->n_tokens < alone[k].n_tokens);
            assert_memory_equal(s->tokens, alone[k].tokens, (size_t)s->n_tokens * sizeof(int32_t));
            assert_memory_equal(s->logprobs, alone[k].logprobs, (size_t)s->n_tokens * sizeof(float));
        }
        generate_free(alone, n);
        gen_samples_free(kept[i].samples, n);
    }
    model_free(m);
}

// More waits than the cache holds: rows are given back and taken again.
static void ranges_of_the_cache_do_not_overlap(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    struct parts p;
    struct kv_cache c;
    size_t first[40], length[40];
    bool taken[40] = {0};
    struct rng r = rng_make(4, RNG_TEST, 9);
    parts_init(&p, m);
    kv_cache_init(&c, &p, p.m->arch.n_layers);
    assert_ok(kv_cache_reserve(&c, 100, e));
    for (int round = 0; round < 4000; round++) {
        const int i = (int)rng_below(&r, 40);
        size_t used = 0;
        if (taken[i]) {
            kv_cache_give(&c, first[i]);
            taken[i] = false;
            continue;
        }
        length[i] = 1 + (size_t)rng_below(&r, 12);
        taken[i] = kv_cache_take(&c, length[i], &first[i]);
        for (int k = 0; k < 40; k++) {
            used += taken[k] ? length[k] : 0;
            assert_true(!taken[k] || k == i || !taken[i] || first[k] + length[k] <= first[i] ||
                        first[i] + length[i] <= first[k]);
        }
        assert_true(!taken[i] || first[i] + length[i] <= 100);
        assert_true(taken[i] || used > 0); // an empty cache has room
    }
    kv_cache_fini(&c);
    model_free(m);
}

static void first_tokens_follow_the_models_distribution(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    enum { DRAWS = 20000 };
    const struct pack_group *group = &golden.groups[0];
    struct gen_prompt prompt = {group->prompt, group->n_prompt, DRAWS};
    struct gen_options o = plain;
    o.max_new_tokens = 1;
    struct gen_sample *samples;
    int n = sample(m, &prompt, 1, &o, &samples), count[37] = {0}, dof = -1;
    assert_int_equal(n, DRAWS);
    double p[37] = {0}, chi = 0, rest = 1, rest_count = DRAWS;
    for (int i = 0; i < n; i++) {
        count[samples[i].tokens[0]]++;
        p[samples[i].tokens[0]] = exp((double)samples[i].logprobs[0]);
    }
    check_sample(m, &prompt, &samples[0], false);
    for (int v = 0; v < 37; v++)
        if (p[v] * DRAWS >= 5) { // rarer ones are put together
            chi += pow(count[v] - p[v] * DRAWS, 2) / (p[v] * DRAWS);
            rest -= p[v];
            rest_count -= count[v];
            dof++;
        }
    if (rest * DRAWS >= 5) {
        chi += pow(rest_count - rest * DRAWS, 2) / (rest * DRAWS);
        dof++;
    }
    assert_true(dof >= 8);
    assert_true(chi < dof + 4 * sqrt(2.0 * dof)); // four standard deviations of chi-square
    generate_free(samples, n);
    model_free(m);
}

static void streams_end_at_stop_ids_and_limits(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    struct gen_prompt prompts[8];
    golden_prompts(prompts, 40);
    int32_t stops[] = {2, 9, 30};
    struct gen_options o = plain;
    struct gen_sample *free_run, *stopped;
    int n = sample(m, prompts, golden.n_groups, &o, &free_run), n_stopped = 0;
    o.stop_ids = stops;
    o.n_stop = 3;
    assert_int_equal(sample(m, prompts, golden.n_groups, &o, &stopped), n);
    for (int i = 0; i < n; i++) {
        int end = 0; // the free run up to and with the first stop id
        bool stop = false;
        while (end < 12 && !stop) {
            int32_t token = free_run[i].tokens[end++];
            stop = token == 2 || token == 9 || token == 30;
        }
        assert_int_equal(stopped[i].n_tokens, end);
        assert_int_equal(stopped[i].stopped, stop);
        assert_memory_equal(stopped[i].tokens, free_run[i].tokens, (size_t)end * sizeof(int32_t));
        n_stopped += stop;
    }
    assert_in_range(n_stopped, 1, n - 1);
    generate_free(free_run, n);
    generate_free(stopped, n);
    // The model's longest sequence (64) ends a stream, and leaves nothing to a prompt of that length.
    int32_t long_prompt[64] = {0};
    prompts[0] = (struct gen_prompt){long_prompt, 60, 1};
    prompts[1] = (struct gen_prompt){long_prompt, 64, 2};
    prompts[2] = (struct gen_prompt){long_prompt, 1, 1};
    n = sample(m, prompts, 3, &plain, &free_run);
    assert_int_equal(n, 4);
    assert_int_equal(free_run[0].n_tokens, 4);
    assert_int_equal(free_run[1].n_tokens, 0);
    assert_int_equal(free_run[2].n_tokens, 0);
    assert_int_equal(free_run[3].n_tokens, 12);
    check_sample(m, &prompts[0], &free_run[0], false);
    generate_free(free_run, n);
    model_free(m);
}

struct heard {
    int n, limit;
    int32_t last[64];
};

static bool hear(void *arg, int prompt, int sample_number, int32_t token, float logprob)
{
    struct heard *h = arg;
    assert_true(logprob <= 0);
    h->last[prompt * 2 + sample_number] = token;
    return ++h->n < h->limit;
}

static void tokens_are_told_as_they_come_and_may_stop_everything(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 5), "weights", cpu, backend);
    struct gen_prompt prompts[8];
    golden_prompts(prompts, 2);
    struct gen_sample *samples = NULL;
    struct heard heard = {.limit = 1000};
    struct err fault = {0};
    int n = 0;
    assert_ok(generate(m, prompts, 3, &plain, hear, &heard, &samples, &n, e));
    assert_int_equal(heard.n, 6 * 12);
    for (int i = 0; i < n; i++)
        assert_int_equal(heard.last[i], samples[i].tokens[11]);
    generate_free(samples, n);
    samples = NULL;
    for (int limit = 1; limit < 20; limit += 6) {
        heard = (struct heard){.limit = limit};
        assert_int_equal(generate(m, prompts, 3, &plain, hear, &heard, &samples, &n, &fault), ERR_INTERRUPTED);
        assert_int_equal(heard.n, limit);
        assert_null(samples);
    }
    model_free(m);
}

static void prompts_that_cannot_be_are_refused(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    int32_t ids[65] = {0};
    struct gen_sample *samples;
    struct err fault = {0};
    int n;
    struct gen_prompt prompt = {ids, 0, 1};
    assert_int_equal(generate(m, &prompt, 1, &plain, NULL, NULL, &samples, &n, &fault), ERR_INPUT);
    prompt.n_tokens = 65;
    assert_int_equal(generate(m, &prompt, 1, &plain, NULL, NULL, &samples, &n, &fault), ERR_INPUT);
    prompt.n_tokens = 3;
    ids[2] = 37;
    assert_int_equal(generate(m, &prompt, 1, &plain, NULL, NULL, &samples, &n, &fault), ERR_INPUT);
    ids[2] = 36;
    prompt.n_samples = 0;
    assert_ok(generate(m, &prompt, 1, &plain, NULL, NULL, &samples, &n, e));
    assert_int_equal(n, 0);
    generate_free(samples, n);
    model_free(m);
}

static void stories260k_tells_the_reference_stories(void **state)
{
    char *dir = test_asset("models/stories260K/hf"), *file = test_asset("models/stories260K/reference.json");
    if (!dir || !file)
        skip();
    struct model *m = NULL;
    json_t *reference;
    assert_ok(model_load(&m, dir, cpu, backend, 0, e));
    assert_ok(json_read(file, 16 << 20, &reference, e));
    const json_t *cases = json_object_get(reference, "cases"), *one;
    struct gen_prompt prompts[16];
    int32_t *want[16];
    float *logprobs[16];
    int n_want[16], n, n_cases = (int)json_array_size(cases);
    size_t i;
    json_array_foreach(cases, i, one)
    {
        want[i] = golden_ids(json_object_get(one, "greedy_ids"), &n_want[i]);
        logprobs[i] = golden_floats(json_object_get(one, "token_logprobs_run_c"), &n);
        prompts[i] = (struct gen_prompt){want[i], (int)json_array_size(json_object_get(one, "prompt_ids")), 1};
    }
    struct gen_options o = {.max_new_tokens = 95, .temperature = 0, .top_p = 1};
    struct gen_sample *samples;
    assert_int_equal(sample(m, prompts, n_cases, &o, &samples), n_cases);
    for (int c = 0; c < n_cases; c++) {
        int n_prompt = prompts[c].n_tokens, n_new = n_want[c] - n_prompt; // it stopped at 96 positions
        assert_true(samples[c].n_tokens >= n_new);
        assert_memory_equal(samples[c].tokens, want[c] + n_prompt, (size_t)n_new * sizeof(int32_t));
        for (int j = 0; j < n_new; j++)
            assert_close(samples[c].logprobs[j], logprobs[c][n_prompt - 1 + j], 2e-4);
        free(want[c]);
        free(logprobs[c]);
    }
    generate_free(samples, n_cases);
    json_decref(reference);
    model_free(m);
    free(dir);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampled_logprobs_are_the_decoders),
        cmocka_unit_test(neighbours_do_not_change_a_sample),
        cmocka_unit_test(equal_prompts_draw_for_themselves),
        cmocka_unit_test(waves_and_pieces_change_nothing),
        cmocka_unit_test(jobs_join_and_leave_between_tokens),
        cmocka_unit_test(ranges_of_the_cache_do_not_overlap),
        cmocka_unit_test(first_tokens_follow_the_models_distribution),
        cmocka_unit_test(streams_end_at_stop_ids_and_limits),
        cmocka_unit_test(tokens_are_told_as_they_come_and_may_stop_everything),
        cmocka_unit_test(prompts_that_cannot_be_are_refused),
        cmocka_unit_test(stories260k_tells_the_reference_stories),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
