// Folders as transformers 5 saves them (tests/golden/models, with their generator), and those that were found in the world
// (../shared/cases, when it is there): they open, and every token has the log-probability that transformers gives it.
#include "config.h"

#include "hf_folder.h"

#include "cpu/cpu.h"
#include "text/tokenizer.h"

static const double BOUND = 2e-5, CASE_BOUND = 2e-4;
static char *folder;
static const struct backend_ops *ops;
static struct backend *backend;
static json_t *golden;

static int set_up(void **state)
{
    struct err fault;
    char *path = test_source("tests/golden/models/expected.json");
    folder = test_folder();
    ops = backend_find("cpu");
    assert_ok(json_read(path, 1 << 22, &golden, e));
    free(path);
    return ops->open(&backend, &(struct backend_options){.n_threads = 2}, &fault);
}

static int tear_down(void **state)
{
    ops->close(backend);
    json_decref(golden);
    int code = file_remove_tree(folder, NULL);
    free(folder);
    return code;
}

static void check_model(struct model *m, const json_t *one, const char *what)
{
    const json_t *texts = json_object_get(golden, "texts"), *want = json_object_get(one, "logprobs");
    for (size_t t = 0; t < json_array_size(texts); t++) {
        int n;
        int32_t *ids = json_ids(json_array_get(texts, t), &n);
        float *got = mem_alloc((size_t)n, sizeof *got);
        hf_logprobs(m, ids, 1, n, got);
        assert_int_equal(json_array_size(json_array_get(want, t)), n - 1);
        for (int i = 0; i + 1 < n; i++) {
            const double value = json_number_value(json_array_get(json_array_get(want, t), (size_t)i));
            if (!(fabs((double)got[i] - value) <= BOUND))
                fail_msg("%s %s (%s), text %zu, token %d: %.7f, transformers says %.7f",
                         json_string_value(json_object_get(one, "family")), json_string_value(json_object_get(one, "config")),
                         what, t, i + 1, (double)got[i], value);
        }
        free(got);
        free(ids);
    }
}

static char *golden_file(const json_t *one, const char *name)
{
    struct str path = {0};
    str_addf(&path, "tests/golden/models/%s/%s", json_string_value(json_object_get(one, "family")), name);
    char *found = test_source(str_text(&path));
    str_fini(&path);
    return found;
}

static void every_folder_of_transformers_5_gives_its_numbers(void **state)
{
    const json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) >= 30);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        struct str name = {0};
        struct model *m, *again;
        str_addf(&name, "%s.json", json_string_value(json_object_get(one, "config")));
        char *weights = golden_file(one, "model.safetensors"), *config = golden_file(one, str_text(&name));
        char *dir = hf_folder(folder, "golden", weights, config), *saved = path_join(folder, "saved");
        assert_ok(model_load(&m, dir, ops, backend, false, e));
        if (m->notes.n)
            fail_msg("%s: %s", config, m->notes.texts[0]); // nothing that transformers writes is unknown
        check_model(m, one, "as saved by transformers");
        assert_ok(model_save(m, saved, SAVE_BF16, e)); // which is what they are
        model_free(m);
        assert_ok(model_load(&again, saved, ops, backend, false, e));
        check_model(again, one, "saved again");
        model_free(again);
        str_fini(&name);
        free(weights);
        free(config);
        free(dir);
        free(saved);
    }
}

// What transformers 4 wrote for the same: rope_theta and rope_scaling beside each other.
static void make_old(json_t *config)
{
    json_t *rope = json_object_get(config, "rope_parameters"), *full = json_object_get(rope, "full_attention");
    if (full) { // Gemma 3
        json_object_set(config, "rope_local_base_freq",
                        json_object_get(json_object_get(rope, "sliding_attention"), "rope_theta"));
        rope = full;
    }
    json_object_set(config, "rope_theta", json_object_get(rope, "rope_theta"));
    json_object_set(config, "torch_dtype", json_object_get(config, "dtype"));
    json_object_del(config, "dtype");
    json_object_del(rope, "rope_theta");
    if (strcmp(json_string_value(json_object_get(rope, "rope_type")), "default") == 0)
        json_object_set_new(config, "rope_scaling", json_null());
    else
        json_object_set(config, "rope_scaling", rope);
}

static void settings_of_transformers_4_say_the_same(void **state)
{
    const json_t *cases = json_object_get(golden, "cases");
    int n = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        struct str name = {0};
        json_t *config;
        str_addf(&name, "%s.json", json_string_value(json_object_get(one, "config")));
        char *weights = golden_file(one, "model.safetensors"), *path = golden_file(one, str_text(&name));
        assert_ok(json_read(path, 1 << 16, &config, e));
        for (int form = 0; form < 3 && json_object_get(config, "rope_parameters"); form++) {
            json_t *changed = json_deep_copy(config);
            char *dir = hf_folder(folder, "old", weights, NULL), *to = path_join(dir, "config.json");
            struct model *m;
            make_old(changed);
            if (form == 1) // both, and they agree
                json_object_set_new(changed, "rope_parameters", json_deep_copy(json_object_get(config, "rope_parameters")));
            else
                json_object_del(changed, "rope_parameters");
            if (form == 2 && json_object_get(json_object_get(config, "rope_parameters"), "full_attention"))
                json_object_set(changed, "rope_parameters", json_object_get(config, "rope_parameters"));
            else if (form == 2) // by kind of layer
                json_object_set_new(changed, "rope_parameters", json_pack("{s:O, s:O}", "full_attention",
                                    json_object_get(config, "rope_parameters"), "sliding_attention",
                                    json_object_get(config, "rope_parameters")));
            assert_ok(json_write(to, changed, e));
            assert_ok(model_load(&m, dir, ops, backend, false, e));
            check_model(m, one, form ? "both forms" : "the old form");
            model_free(m);
            json_decref(changed);
            free(dir);
            free(to);
            n++;
        }
        json_decref(config);
        str_fini(&name);
        free(weights);
        free(path);
    }
    assert_true(n >= 60);
}

// ---- what was found in the world ----

static char *shared_case(const char *name)
{
    struct str path = {0};
    str_addf(&path, "../shared/cases/%s", name);
    char *found = test_source(str_text(&path));
    str_fini(&path);
    if (file_exists(found))
        return found;
    print_message("          case %s is not here: skipped\n", name);
    free(found);
    return NULL;
}

static double answer_logprob(struct model *m, const json_t *prompt_ids, const json_t *ids)
{
    int n_prompt, n;
    int32_t *prompt = json_ids(prompt_ids, &n_prompt), *answer = json_ids(ids, &n);
    int32_t *all = mem_alloc((size_t)(n_prompt + n), sizeof *all);
    float *got = mem_alloc((size_t)n, sizeof *got);
    double sum = 0;
    memcpy(all, prompt, (size_t)n_prompt * sizeof *all);
    memcpy(all + n_prompt, answer, (size_t)n * sizeof *all);
    hf_logprobs(m, all, n_prompt, n_prompt + n, got);
    for (int i = 0; i < n; i++)
        sum += (double)got[i];
    free(prompt);
    free(answer);
    free(all);
    free(got);
    return sum;
}

static void models_of_the_world_give_the_numbers_of_transformers(void **state)
{
    static const char *const names[] = {"rope_parameters_llama3", "saved-by-transformers-5", "model_max_length_1e30",
                                        "unknown_chat_template", "tied-but-different-head"};
    static const char *const answers[] = {"chosen", "rejected"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str name = {0};
        str_addf(&name, "models/%s", names[i]);
        char *dir = shared_case(str_text(&name)), *path = dir ? path_join(dir, "expected.json") : NULL;
        struct model *m;
        struct tokenizer *t;
        json_t *rows, *row;
        size_t k;
        str_fini(&name);
        if (!dir)
            skip();
        assert_ok(model_load(&m, dir, ops, backend, false, e));
        assert_ok(tokenizer_load(&t, dir, e)); // opens, whatever its settings say
        assert_ok(json_read(path, 1 << 20, &rows, e));
        json_array_foreach(rows, k, row)
            for (int a = 0; a < 2; a++) {
                const json_t *answer = json_object_get(row, answers[a]);
                const double want = json_number_value(json_object_get(answer, "logp"));
                const double got = answer_logprob(m, json_object_get(row, "prompt_ids"), json_object_get(answer, "ids"));
                if (!(fabs(got - want) <= CASE_BOUND))
                    fail_msg("%s, row %zu, %s: %.6f, transformers says %.6f", names[i], k + 1, answers[a], got, want);
            }
        print_message("          %-28s %zu rows as transformers has them\n", names[i], json_array_size(rows));
        json_decref(rows);
        tokenizer_free(t);
        model_free(m);
        free(dir);
        free(path);
    }
}

// The adapter names its base by name alone: a copy of its folder beside which the base stands.
static char *adapter_beside_base(const char *from, const char *base)
{
    static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
    char *dir = path_join(folder, "adapter"), *link = path_join(dir, "stories260K"), *real = realpath(base, NULL);
    assert_ok(file_make_dirs(dir, e));
    assert_int_equal(symlink(real, link), 0);
    for (int i = 0; i < 2; i++) {
        char *file = path_join(from, files[i]), *to = path_join(dir, files[i]), *target = realpath(file, NULL);
        assert_int_equal(symlink(target, to), 0);
        free(file);
        free(to);
        free(target);
    }
    free(link);
    free(real);
    return dir;
}

static void an_adapter_of_the_world_gives_the_number_of_peft(void **state)
{
    char *from = shared_case("adapters/alpha_pattern"), *base = test_asset("models/stories260K/hf");
    static const char prompt[] = "Q0: what colour is the hat?\nA:", text[] = "Q0: what colour is the hat?\nA: The hat is grey.";
    if (!from || !base) {
        free(from);
        free(base);
        skip();
    }
    char *dir = adapter_beside_base(from, base), *found = model_find_tokenizer(dir);
    struct model *m;
    struct tokenizer *t;
    int32_t *before, *all;
    size_t n_before, n;
    assert_ok(model_load(&m, dir, ops, backend, false, e));
    assert_int_equal(m->notes.n, 0);
    assert_ok(tokenizer_load(&t, found, e)); // of the base: the adapter has none
    assert_ok(tokenizer_encode(t, prompt, strlen(prompt), true, false, &before, &n_before, e));
    assert_ok(tokenizer_encode(t, text, strlen(text), true, false, &all, &n, e)); // as one, as transformers and TRL do
    assert_memory_equal(all, before, n_before * sizeof *all);
    all = mem_realloc(all, n + 1, sizeof *all);
    all[n++] = tokenizer_eos(t);
    float got[64];
    double sum = 0;
    hf_logprobs(m, all, (int)n_before, (int)n, got);
    for (size_t i = 0; i < n - n_before; i++)
        sum += (double)got[i];
    // The weights are large: PEFT's own f32 is 1.3e-3 from its f64 (-108.16611), and each kernel rounds in its own way.
    assert_close(sum, -108.16741, 2e-3);
    free(all);
    free(before);
    tokenizer_free(t);
    model_free(m);
    free(dir);
    free(found);
    free(from);
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_folder_of_transformers_5_gives_its_numbers),
        cmocka_unit_test(settings_of_transformers_4_say_the_same),
        cmocka_unit_test(models_of_the_world_give_the_numbers_of_transformers),
        cmocka_unit_test(an_adapter_of_the_world_gives_the_number_of_peft),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
