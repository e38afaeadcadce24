// Folders as transformers 5 saves them (tests/golden/models, with their generator), and those that were found in the world
// (../shared/cases, when it is there): they open, and every token has the log-probability that transformers gives it.
#include "config.h"

#include "hf_folder.h"

#include "base/sha256.h"
#include "cpu/cpu.h"
#include "model/safetensors.h"
#include "text/tokenizer.h"

static const double BOUND = 2e-5, CASE_BOUND = 2e-4;
static char *folder;
static const struct backend_ops *ops;
static struct backend *backend;
static json_t *golden;
static bool own_kernels;

static int set_up(void **state)
{
    struct err fault;
    char *path = test_source("tests/golden/models/expected.json");
    folder = test_folder();
    ops = backend_find("cpu");
    assert_ok(json_read(path, 1 << 22, &golden, e));
    free(path);
    int code = ops->open(&backend, &(struct backend_options){.n_threads = 2}, &fault);
    own_kernels = !code && !strstr(ops->arithmetic(backend), "OpenBLAS");
    return code;
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
                         json_string_value(json_object_get(one, "family")),
                         json_string_value(json_object_get(one, "config")),
                         what, t, i + 1, (double)got[i], value);
        }
        free(got);
        free(ids);
    }
}

// A frozen model has its matrices in bf16, as the file does, and gives the same bits where an element of a product does
// not depend on how the product is cut (our own kernels); it saves the same file.
static void check_frozen(struct model *m, const char *dir)
{
    char *a = path_join(folder, "of-whole"), *b = path_join(folder, "of-frozen");
    char *file_a = path_join(a, "model.safetensors"), *file_b = path_join(b, "model.safetensors"), hash_a[65], hash_b[65];
    const struct tensor *q;
    struct model *frozen;
    int n;
    int32_t *ids = json_ids(json_array_get(json_object_get(golden, "texts"), 1), &n);
    float *want = mem_alloc((size_t)n, sizeof *want), *got = mem_alloc((size_t)n, sizeof *got);
    assert_ok(model_load(&frozen, dir, ops, backend, LOAD_FROZEN, e));
    q = model_tensor(frozen, T_Q_W, 0);
    assert_int_equal(q->as.type, DTYPE_BF16);
    hf_logprobs(m, ids, 1, n, want);
    hf_logprobs(frozen, ids, 1, n, got);
    for (int i = 0; i + 1 < n; i++)
        if (own_kernels ? got[i] != want[i] : !(fabsf(got[i] - want[i]) <= 1e-5f))
            fail_msg("%s, token %d: frozen %.9g, whole %.9g", dir, i + 1, (double)got[i], (double)want[i]);
    assert_ok(model_save(m, a, SAVE_F32, e));
    assert_ok(model_save(frozen, b, SAVE_F32, e));
    assert_ok(sha256_file(file_a, hash_a, e));
    assert_ok(sha256_file(file_b, hash_b, e));
    assert_string_equal(hash_a, hash_b);
    model_free(frozen);
    free(want);
    free(got);
    free(ids);
    free(a);
    free(b);
    free(file_a);
    free(file_b);
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
        assert_ok(model_load(&m, dir, ops, backend, 0, e));
        if (m->notes.n)
            fail_msg("%s: %s", config, m->notes.texts[0]); // nothing that transformers writes is unknown
        check_model(m, one, "as saved by transformers");
        check_frozen(m, dir);
        assert_ok(model_save(m, saved, SAVE_BF16, e)); // which is what they are
        model_free(m);
        assert_ok(model_load(&again, saved, ops, backend, 0, e));
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
            assert_ok(model_load(&m, dir, ops, backend, 0, e));
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

// ---- reward models ----

static void write_config(const char *dir, const char *from, const char *member, const char *value)
{
    char *path = path_join(dir, "config.json");
    json_t *config, *json;
    assert_ok(json_read(from, 1 << 16, &config, e));
    if (member) {
        assert_ok(json_parse(value, strlen(value), "value", &json, e));
        json_object_set_new(config, member, json);
    }
    assert_ok(json_write(path, config, e));
    json_decref(config);
    free(path);
}

// more: a token behind each text; -1: none.
static void check_scores(struct model *m, const json_t *one, int more, const char *what)
{
    const json_t *texts = json_object_get(golden, "texts");
    for (size_t t = 0; t < json_array_size(texts); t++) {
        int n;
        int32_t *ids = json_ids(json_array_get(texts, t), &n);
        if (more >= 0)
            ids[n++] = more;
        const struct pack_group group = {
            .prompt = ids, .n_prompt = 1, .responses = {ids + 1}, .n_response = {n - 1}, .n_responses = 1};
        struct pack pack;
        struct decoder *d;
        float got;
        pack_init(&pack, &group, 1, true);
        assert_ok(decoder_new(&d, m, false, e));
        assert_ok(decoder_forward(d, &pack.batch, false, e));
        assert_ok(decoder_scores(d, &pack.batch, &got, e));
        const double want = json_number_value(json_array_get(json_object_get(one, "scores"), t));
        if (!(fabs((double)got - want) <= BOUND))
            fail_msg("%s (%s), text %zu: %.7f, transformers says %.7f",
                     json_string_value(json_object_get(one, "family")), what, t, (double)got, want);
        decoder_free(d);
        pack_fini(&pack);
        free(ids);
    }
}

static json_t *config_of(const char *dir)
{
    char *path = path_join(dir, "config.json");
    json_t *config;
    assert_ok(json_read(path, 1 << 16, &config, e));
    free(path);
    return config;
}

static void reward_models_of_transformers_give_their_scores(void **state)
{
    char *path = test_source("tests/golden/models/rewards.json"), *saved = path_join(folder, "saved");
    json_t *rewards, *one;
    size_t i;
    assert_ok(json_read(path, 1 << 20, &rewards, e));
    json_array_foreach(json_object_get(rewards, "cases"), i, one)
    {
        struct str name = {0};
        struct model *m;
        struct err fault = {0};
        str_addf(&name, "tests/golden/models/reward/%s", json_string_value(json_object_get(one, "family")));
        char *dir = test_source(str_text(&name));
        assert_ok(model_load(&m, dir, ops, backend, LOAD_SCORE, e));
        check_scores(m, one, -1, "as saved by transformers");
        assert_ok(model_save(m, saved, SAVE_BF16, e));
        model_free(m);
        json_t *config = config_of(saved), *as_read = config_of(dir);
        assert_true(json_equal(json_object_get(config, "tie_word_embeddings"),
                               json_object_get(as_read, "tie_word_embeddings")));
        assert_ok(model_load(&m, saved, ops, backend, LOAD_SCORE, e));
        check_scores(m, one, -1, "saved again");
        model_free(m);
        if (json_is_true(json_object_get(one, "untied"))) { // whose head no file has
            assert_int_equal(model_load(&m, dir, ops, backend, 0, &fault), ERR_UNSUPPORTED);
            assert_non_null(strstr(fault.text, "can score answers, but neither write nor be tuned as a policy"));
        } else {
            assert_ok(model_load(&m, dir, ops, backend, 0, e));
            model_free(m);
        }
        char *padded = path_join(folder, "padded"), *weights = path_join(dir, "model.safetensors"),
             *file = path_join(dir, "config.json");
        free(hf_folder(folder, "padded", weights, NULL));
        write_config(padded, file, "pad_token_id", "2"); // the end token
        assert_ok(model_load(&m, padded, ops, backend, LOAD_SCORE, e));
        check_scores(m, one, 2, "padded with the end token"); // read before it, as transformers does
        model_free(m);
        json_decref(config);
        json_decref(as_read);
        str_fini(&name);
        free(padded);
        free(weights);
        free(file);
        free(dir);
    }
    assert_int_equal(i, 5);
    json_decref(rewards);
    free(saved);
    free(path);
}

// ---- one member or tensor otherwise ----

// The folder's weights with one tensor under another name, of another shape or gone (to NULL), or of another dtype.
static void rewrite(const char *from, const char *dir, const char *tensor, const char *to, int64_t rows)
{
    char *file = path_join(from, "model.safetensors"), *out = path_join(dir, "model.safetensors");
    struct st_file *f;
    struct st_writer *w;
    struct st_spec *specs;
    size_t n = 0;
    assert_ok(st_open(&f, file, e));
    specs = mem_alloc(f->n_tensors, sizeof *specs);
    float *values[64];
    for (size_t i = 0; i < f->n_tensors; i++) {
        const struct st_tensor *t = &f->tensors[i];
        const bool is = strcmp(t->name, tensor) == 0;
        if (is && !to)
            continue;
        specs[n] = (struct st_spec){is ? to : t->name, ST_F32, t->n_dims, {t->dims[0], t->n_dims > 1 ? t->dims[1] : 0}};
        if (is && rows)
            specs[n].dims[0] = rows;
        values[n] = mem_alloc(t->n_elements * (is && rows ? (size_t)rows : 1), sizeof **values);
        assert_ok(st_to_f32(f, t, values[n++], e));
    }
    assert_ok(file_remove_tree(dir, e));
    assert_ok(file_make_dirs(dir, e));
    assert_ok(st_writer_open(&w, out, specs, n, NULL, e));
    for (size_t i = 0; i < n; i++) {
        size_t count = 1;
        for (int k = 0; k < specs[i].n_dims; k++)
            count *= (size_t)specs[i].dims[k];
        assert_ok(st_writer_add_f32(w, values[i], count, ST_F32, e));
        free(values[i]);
    }
    assert_ok(st_writer_commit(w, e));
    st_close(f);
    free(specs);
    free(file);
    free(out);
}

static void heads_are_what_the_files_hold(void **state)
{
    char *dir = path_join(folder, "changed"), *reward = test_source("tests/golden/models/reward/llama");
    char *config = path_join(reward, "config.json"), *plain = test_source("tests/golden/models/llama");
    char *plain_config = path_join(plain, "default.json"), *tied = test_source("tests/golden/models/qwen2");
    char *tied_config = path_join(tied, "default.json");
    static const struct {
        const char *tensor, *to, *text;
        int64_t rows;
    } rows[] = {{"score.weight", "score.weight", "tells 2 classes apart", 2},
                {"score.weight", NULL,
                 "says that the model is a LlamaForSequenceClassification, but the weights hold no", 0}};
    struct model *m;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err fault = {0};
        rewrite(reward, dir, rows[i].tensor, rows[i].to, rows[i].rows);
        write_config(dir, config, NULL, NULL);
        assert_int_not_equal(model_load(&m, dir, ops, backend, LOAD_SCORE, &fault), 0);
        if (!strstr(fault.text, rows[i].text))
            fail_msg("\"%s\" should hold \"%s\"", fault.text, rows[i].text);
    }
    struct err fault = {0};
    rewrite(plain, dir, "lm_head.weight", NULL, 0); // of a model that is to write
    write_config(dir, plain_config, NULL, NULL);
    assert_int_equal(model_load(&m, dir, ops, backend, LOAD_SCORE, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "no tensor \"lm_head.weight\""));
    rewrite(tied, dir, "model.embed_tokens.weight", "lm_head.weight", 0); // one matrix under its other name
    write_config(dir, tied_config, NULL, NULL);
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden, "cases"), i, one)
        if (strcmp(json_string_value(json_object_get(one, "family")), "qwen2") == 0 &&
            strcmp(json_string_value(json_object_get(one, "config")), "default") == 0)
            check_model(m, one, "with lm_head.weight alone");
    model_free(m);
    write_config(dir, tied_config, "pad_token_id", "1000000000000000019884624838656"); // a number that nobody reads
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    model_free(m);
    free(dir);
    free(reward);
    free(config);
    free(plain);
    free(plain_config);
    free(tied);
    free(tied_config);
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
        assert_ok(model_load(&m, dir, ops, backend, 0, e));
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
    static const char prompt[] = "Q0: what colour is the hat?\nA:",
                      text[] = "Q0: what colour is the hat?\nA: The hat is grey.";
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
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
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
        cmocka_unit_test(reward_models_of_transformers_give_their_scores),
        cmocka_unit_test(heads_are_what_the_files_hold),
        cmocka_unit_test(models_of_the_world_give_the_numbers_of_transformers),
        cmocka_unit_test(an_adapter_of_the_world_gives_the_number_of_peft),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
