// Merging: golden numbers of every method, identities, and whole folders in every way that models come.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "cpu/cpu.h"
#include "model/merge_folder.h"
#include "model/model_parts.h"

static char *folder;
static const struct backend_ops *ops;
static struct backend *backend;

// ---- one tensor ----

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static struct merge_options options_of(const json_t *row, int n)
{
    struct merge_options o = {.n = n,
                              .lambda = number(row, "lambda"),
                              .density = number(row, "density"),
                              .drop = number(row, "drop"),
                              .seed = (uint64_t)number(row, "seed")};
    while (strcmp(merge_methods[o.method], json_string_value(json_object_get(row, "method"))) != 0)
        o.method++;
    for (int i = 0; i < n; i++)
        o.weights[i] = json_number_value(json_array_get(json_object_get(row, "weights"), (size_t)i));
    assert_ok(merge_check(&o, e));
    return o;
}

static void compare_counts(const struct merge_counts *c, const json_t *want)
{
    assert_close(merge_sparsity(c), number(want, "sparsity"), 1e-15);
    assert_close(c->l1, number(want, "l1"), 1e-12);
    assert_close(merge_conflicts(c), number(want, "conflicts"), 1e-15);
    if (json_object_get(want, "kept"))
        assert_int_equal(c->n_kept, (int64_t)number(want, "kept"));
}

static void compare_row(const json_t *row)
{
    const json_t *tensors = json_object_get(row, "deltas"), *tensor, *merged = json_object_get(row, "merged");
    const int n = (int)json_array_size(json_array_get(tensors, 0));
    const struct merge_options o = options_of(json_object_get(row, "options"), n);
    struct merge_report r = {0};
    double values[MERGE_MAX_INPUTS][16], *deltas[MERGE_MAX_INPUTS];
    size_t number_of;
    json_array_foreach(tensors, number_of, tensor)
    {
        const size_t n_values = json_array_size(json_array_get(tensor, 0));
        assert_true(n_values <= 16);
        for (int i = 0; i < n; i++) {
            deltas[i] = values[i];
            for (size_t j = 0; j < n_values; j++)
                values[i][j] = json_number_value(json_array_get(json_array_get(tensor, (size_t)i), j));
        }
        merge_tensor(&o, (uint32_t)number_of, deltas, n_values, &r);
        for (size_t j = 0; j < n_values; j++) {
            const double want = json_number_value(json_array_get(json_array_get(merged, number_of), j));
            if (!(fabs(values[0][j] - want) <= 1e-14 * (1 + fabs(want))))
                fail_msg("element %zu is %.17g, not %.17g, in %s", j, values[0][j], want, json_dumps(row, 0));
        }
    }
    for (int i = 0; i < n; i++)
        compare_counts(&r.inputs[i], json_array_get(json_object_get(row, "inputs"), (size_t)i));
    compare_counts(&r.result, json_object_get(row, "result"));
}

static void methods_match_golden_numbers(void **state)
{
    char *path = test_source("tests/golden/merge/merge.json");
    json_t *rows, *row;
    size_t i;
    bool seen[4] = {0};
    assert_ok(json_read(path, 1 << 22, &rows, e));
    json_array_foreach(rows, i, row)
    {
        compare_row(row);
        seen[options_of(json_object_get(row, "options"), 2).method] = true;
    }
    for (int m = 0; m < 4; m++)
        assert_true(seen[m]);
    json_decref(rows);
    free(path);
}

// Trimming keeps exactly floor(density n), the largest, the first of equal ones, whatever their size.
static void trimming_keeps_the_largest(void **state)
{
    enum { N = 5000 };
    double *d = mem_alloc(N, sizeof *d), *before = mem_alloc(N, sizeof *d), least = INFINITY, most = 0;
    struct merge_options o = {.method = MERGE_TIES, .n = 1, .weights = {1}, .lambda = 1, .density = 0.1, .drop = 0.5};
    struct merge_report r = {0};
    int kept = 0;
    for (int j = 0; j < N; j++)
        before[j] = d[j] = (j % 2 ? -1 : 1) * pow(10, -20 + (double)((j * 7919) % N) / 200);
    merge_tensor(&o, 0, &d, N, &r);
    for (int j = 0; j < N; j++) {
        kept += d[j] != 0;
        assert_true(d[j] == 0 || d[j] == before[j]);
        if (d[j] != 0)
            least = fmin(least, fabs(d[j]));
        else
            most = fmax(most, fabs(before[j]));
    }
    assert_int_equal(kept, N / 10);
    assert_true(least > most);
    for (int j = 0; j < N; j++)
        d[j] = 1;
    merge_tensor(&o, 0, &d, N, &r);
    for (int j = 0; j < N; j++)
        assert_close(d[j], j < N / 10, 0);
    free(d);
    free(before);
}

// What DARE keeps is scaled so that the change is the same in the mean.
static void dropping_keeps_the_mean(void **state)
{
    enum { N = 40000 };
    double *d = mem_alloc(N, sizeof *d), sum = 0;
    struct merge_options o = {
        .method = MERGE_DARE_TIES, .n = 1, .weights = {1}, .lambda = 1, .density = 1, .drop = 0.75};
    struct merge_report r = {0};
    for (int j = 0; j < N; j++)
        d[j] = 1;
    merge_tensor(&o, 3, &d, N, &r);
    for (int j = 0; j < N; j++) {
        assert_true(d[j] == 0 || d[j] == 4);
        sum += d[j];
    }
    assert_close(sum / N, 1, 0.05); // three standard deviations are 0.026
    free(d);
}

static void expect_bad(struct merge_options o, const char *text)
{
    struct err fault = {0};
    assert_int_equal(merge_check(&o, &fault), ERR_USAGE);
    if (!strstr(fault.text, text))
        fail_msg("\"%s\" should hold \"%s\"", fault.text, text);
}

static void options_out_of_range_are_refused(void **state)
{
    const struct merge_options good = {
        .method = MERGE_TIES, .n = 2, .weights = {1, 1}, .lambda = 1, .density = 0.2, .drop = 0.5};
    struct merge_options o = good;
    struct err fault = {0};
    assert_ok(merge_check(&o, e));
    o.density = 0;
    expect_bad(o, "density 0");
    o.density = 1.5;
    expect_bad(o, "density 1.5");
    o = good;
    o.drop = 1;
    expect_bad(o, "drop rate 1");
    o = good;
    o.weights[1] = -1;
    expect_bad(o, "weight -1 of input 2");
    o = good;
    o.n = MERGE_MAX_INPUTS + 1;
    expect_bad(o, "17 models");
    o = good;
    assert_int_equal(merge_weights(&o, "1", &fault), ERR_USAGE);
    assert_int_equal(merge_weights(&o, "1,2,3", &fault), ERR_USAGE);
    assert_int_equal(merge_weights(&o, "1,two", &fault), ERR_USAGE);
    assert_ok(merge_weights(&o, "0.25, 2", e));
    assert_close(o.weights[0], 0.25, 0);
    assert_close(o.weights[1], 2, 0);
    o.method = MERGE_LINEAR;
    assert_ok(merge_weights(&o, "", e));
    assert_close(o.weights[1], 0.5, 0);
}

// ---- folders ----

static const char *const configs[] = {
    "{\"model_type\":\"llama\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":2,\"intermediate_size\":24,\"max_position_embeddings\":32,\"tie_word_embeddings\":true}",
    "{\"model_type\":\"gpt2\",\"vocab_size\":19,\"n_embd\":16,\"n_layer\":2,\"n_head\":4,\"n_positions\":32}",
    "{\"model_type\":\"opt\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"ffn_dim\":24,\"max_position_embeddings\":32,\"do_layer_norm_before\":false,\"word_embed_proj_dim\":8}",
};

static char *save_new(const char *config, uint64_t seed, const char *name, enum save_dtype dtype)
{
    char *dir = path_join(folder, name);
    json_t *json;
    struct model *m;
    assert_ok(json_parse(config, strlen(config), "config", &json, e));
    assert_ok(model_new(&m, json, ops, backend, seed, e));
    assert_ok(model_save(m, dir, dtype, e));
    json_decref(json);
    model_free(m);
    return dir;
}

static struct model *load(const char *dir)
{
    struct model *m;
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    return m;
}

static struct merge_job job_of(const char *base, const char *const *inputs, int n, enum merge_method method,
                               const char *out)
{
    struct merge_job job = {.base = base,
                            .inputs = inputs,
                            .out = out,
                            .options = {.method = method, .n = n, .lambda = 1, .density = 1, .drop = 0, .seed = 1}};
    assert_ok(merge_weights(&job.options, "", e));
    return job;
}

static void assert_merges_to(const struct merge_job *job, const char *want, double bound)
{
    struct merge_result r;
    assert_ok(merge_folders(job, &r, e));
    struct model *have = load(job->out), *like = load(want);
    assert_int_equal(have->n_floats, like->n_floats);
    for (size_t i = 0; i < have->n_floats; i++)
        assert_close(have->weights[i], like->weights[i], bound);
    assert_int_equal(r.n_params, arch_n_params(&have->arch));
    model_free(have);
    model_free(like);
    assert_ok(file_remove_tree(job->out, e));
}

static void one_input_whole_is_the_input_and_nothing_is_the_base(void **state)
{
    char *out = path_join(folder, "out");
    for (size_t c = 0; c < sizeof configs / sizeof *configs; c++) {
        char *base = save_new(configs[c], 1, "base", SAVE_F32), *other = save_new(configs[c], 2, "other", SAVE_F32);
        const char *const inputs[] = {other};
        for (int method = MERGE_LINEAR; method <= MERGE_DARE_TIES; method++) {
            struct merge_job job = job_of(base, inputs, 1, (enum merge_method)method, out);
            assert_merges_to(&job, other, 0);
            job.options.lambda = 0;
            assert_merges_to(&job, base, 0);
        }
        const char *const same[] = {base, base};
        const struct merge_job nothing = job_of(base, same, 2, MERGE_TASK_ARITHMETIC, out);
        assert_merges_to(&nothing, base, 0);
        free(base);
        free(other);
    }
    free(out);
}

static void linear_is_the_average_of_the_models(void **state)
{
    char *base = save_new(configs[0], 1, "base", SAVE_F32), *out = path_join(folder, "average");
    char *a = save_new(configs[0], 2, "a", SAVE_F32), *b = save_new(configs[0], 3, "b", SAVE_F32);
    const char *const inputs[] = {a, b};
    const struct merge_job job = job_of(base, inputs, 2, MERGE_LINEAR, out);
    struct merge_result r;
    assert_ok(merge_folders(&job, &r, e));
    struct model *x = load(a), *y = load(b), *m = load(out);
    for (size_t i = 0; i < m->n_floats; i++)
        assert_close(m->weights[i], 0.5 * ((double)x->weights[i] + (double)y->weights[i]), 1e-8);
    assert_true(r.report.inputs[0].l1 > 0 && r.report.result.n == r.n_params);
    model_free(x);
    model_free(y);
    model_free(m);
    free(base);
    free(out);
    free(a);
    free(b);
}

// An adapter: the same as merging it into its base, which the adapter names itself.
static void adapters_are_materialized_over_their_base(void **state)
{
    char *whole = path_join(folder, "whole"), *adapter = path_join(folder, "adapter"),
         *out = path_join(folder, "merged");
    for (size_t c = 0; c < 2; c++) { // GPT-2 stores matrices the other way round, and has a fused q, k, v
        char *base = save_new(configs[c], 1, "base", SAVE_F32), *named;
        struct model *m = load(base);
        assert_ok(model_add_lora(m, 3, 6, "all-linear", 4, e));
        for (size_t i = 0; i < m->n_lora_floats; i++)
            m->lora_weights[i] += 0.01f * (float)(i % 13) - 0.05f;
        assert_ok(model_save(m, adapter, SAVE_F32, e));
        assert_ok(model_merge_lora(m, e));
        assert_ok(model_save(m, whole, SAVE_F32, e));
        model_free(m);
        named = adapter_base(adapter, NULL);
        assert_string_equal(named, base);
        const char *const inputs[] = {adapter};
        const struct merge_job job = job_of(base, inputs, 1, MERGE_LINEAR, out);
        assert_merges_to(&job, whole, 1e-6);
        const char *const both[] = {adapter, whole};
        const struct merge_job mixed = job_of(base, both, 2, MERGE_LINEAR, out);
        assert_merges_to(&mixed, whole, 1e-6);
        free(base);
        free(named);
    }
    free(whole);
    free(adapter);
    free(out);
}

// The same weights in bf16, in shards and without the prefix in their names.
static void formats_mix(void **state)
{
    char *base = save_new(configs[0], 1, "base", SAVE_BF16), *other = save_new(configs[0], 2, "halves", SAVE_F16);
    char *sharded = path_join(folder, "sharded"), *single = path_join(other, "model.safetensors"),
         *out = path_join(folder, "mix");
    char *config = path_join(other, "config.json"), *bytes;
    struct st_file *f;
    size_t n_bytes;
    json_t *map = json_object();
    assert_ok(st_open(&f, single, e));
    assert_ok(file_make_dirs(sharded, e));
    for (int shard = 0; shard < 2; shard++) {
        struct st_spec specs[64];
        struct st_writer *w;
        char name[32];
        size_t n = 0;
        snprintf(name, sizeof name, "model-%d.safetensors", shard);
        char *path = path_join(sharded, name);
        for (size_t i = (size_t)shard; i < f->n_tensors; i += 2) {
            specs[n] = (struct st_spec){f->tensors[i].name + strlen("model."), ST_F16, f->tensors[i].n_dims, {0}};
            memcpy(specs[n].dims, f->tensors[i].dims, sizeof specs[0].dims);
            json_object_set_new(map, specs[n++].name, json_string(name));
        }
        assert_ok(st_writer_open(&w, path, specs, n, NULL, e));
        for (size_t i = (size_t)shard; i < f->n_tensors; i += 2)
            assert_ok(st_writer_add(w, f->tensors[i].bytes, f->tensors[i].n_bytes, e));
        assert_ok(st_writer_commit(w, e));
        free(path);
    }
    st_close(f);
    json_t *index = json_pack("{s:o}", "weight_map", map);
    char *path = path_join(sharded, "model.safetensors.index.json");
    assert_ok(json_write(path, index, e));
    free(path);
    assert_ok(file_read(config, 1 << 20, &bytes, &n_bytes, e));
    path = path_join(sharded, "config.json");
    assert_ok(file_write(path, bytes, n_bytes, e));
    const char *const inputs[] = {sharded};
    struct merge_job job = job_of(base, inputs, 1, MERGE_LINEAR, out);
    job.dtype = MERGE_F32;
    assert_merges_to(&job, other, 1e-8);
    job.dtype = MERGE_AS_BASE; // bf16
    assert_merges_to(&job, other, 1e-3);
    json_decref(index);
    free(path);
    free(bytes);
    free(config);
    free(single);
    free(sharded);
    free(base);
    free(other);
    free(out);
}

static void expect_refusal(const struct merge_job *job, int code, const char *text)
{
    struct merge_result r;
    struct err fault = {0};
    struct str temporary = {0};
    const bool there = file_exists(job->out);
    const int got = merge_folders(job, &r, &fault);
    if (got != code || !strstr(fault.text, text))
        fail_msg("code %d, \"%s\" should be %d and hold \"%s\"", got, fault.text, code, text);
    str_addf(&temporary, "%s.tmp", job->out);
    assert_false(file_exists(str_text(&temporary)));
    assert_int_equal(file_exists(job->out), there);
    str_fini(&temporary);
}

static void models_that_do_not_belong_together_are_refused(void **state)
{
    char *base = save_new(configs[0], 1, "base", SAVE_F32), *gpt2 = save_new(configs[1], 1, "gpt2", SAVE_F32);
    char *wide = save_new("{\"model_type\":\"llama\",\"vocab_size\":20,\"hidden_size\":16,\"num_hidden_layers\":2,"
                          "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"intermediate_size\":24,"
                          "\"max_position_embeddings\":32,\"tie_word_embeddings\":true}",
                          1, "wide", SAVE_F32);
    char *other = save_new(configs[0], 9, "other", SAVE_F32), *adapter = path_join(folder, "stray"),
         *out = path_join(folder, "no");
    const char *const other_kind[] = {gpt2}, *const other_vocabulary[] = {wide}, *const none[] = {"/nonexistent"};
    struct merge_job job = job_of(base, other_kind, 1, MERGE_TIES, out);
    expect_refusal(&job, ERR_USAGE, "is a gpt2 model, the base is a llama model");
    job.inputs = other_vocabulary;
    expect_refusal(&job, ERR_USAGE, "vocabulary (vocab_size) is 20, that of the base 19");
    job.inputs = none;
    expect_refusal(&job, ERR_NOT_FOUND, "there is no model folder /nonexistent");
    struct model *m = load(base);
    assert_ok(model_add_lora(m, 2, 4, "", 4, e));
    assert_ok(model_save(m, adapter, SAVE_F32, e));
    model_free(m);
    const char *const stray[] = {adapter};
    job = job_of(other, stray, 1, MERGE_TIES, out);
    expect_refusal(&job, ERR_USAGE, "their own base only");
    job = job_of(adapter, other_kind, 1, MERGE_TIES, out);
    expect_refusal(&job, ERR_USAGE, "is an adapter");
    job = job_of("/nonexistent", stray, 1, MERGE_TIES, out);
    expect_refusal(&job, ERR_NOT_FOUND, "for the base");
    const char *const fine[] = {other};
    job = job_of(base, fine, 1, MERGE_TIES, base);
    expect_refusal(&job, ERR_USAGE, "exists already");
    // Weight files that do not hold what their config says.
    char *weights = path_join(other, "model.safetensors");
    static const struct {
        const char *tensor, *text;
    } rows[] = {{"model.norm.weight", "holds no tensor \"model.embed_tokens.weight\""},
                {"model.embed_tokens.weight", "has the shape (17), that of the base (19, 16)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct st_spec spec = {rows[i].tensor, ST_F32, 1, {17}};
        const float values[17] = {0};
        struct st_writer *w;
        assert_ok(st_writer_open(&w, weights, &spec, 1, NULL, e));
        assert_ok(st_writer_add(w, values, sizeof values, e));
        assert_ok(st_writer_commit(w, e));
        job = job_of(base, fine, 1, MERGE_TIES, out);
        expect_refusal(&job, ERR_INPUT, rows[i].text);
    }
    free(weights);
    free(base);
    free(gpt2);
    free(wide);
    free(other);
    free(adapter);
    free(out);
}

static int setup(void **state)
{
    folder = test_folder();
    ops = backend_find("cpu");
    const struct backend_options options = {.n_threads = 1, .precision = PRECISION_F32};
    assert_ok(ops->open(&backend, &options, e));
    return 0;
}

static int teardown(void **state)
{
    ops->close(backend);
    assert_ok(file_remove_tree(folder, e));
    free(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_match_golden_numbers),
        cmocka_unit_test(trimming_keeps_the_largest),
        cmocka_unit_test(dropping_keeps_the_mean),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(one_input_whole_is_the_input_and_nothing_is_the_base),
        cmocka_unit_test(linear_is_the_average_of_the_models),
        cmocka_unit_test(adapters_are_materialized_over_their_base),
        cmocka_unit_test(formats_mix),
        cmocka_unit_test(models_that_do_not_belong_together_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
