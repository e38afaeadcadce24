// Adapters as PEFT saves them (tests/golden/models/adapters, with their generator): loaded over their base, saved again and
// merged into it, they give PEFT's log-probabilities; what asks for another computation is refused by name.
#include "config.h"

#include "hf_folder.h"

#include "cpu/cpu.h"
#include "model/merge_folder.h"

static const double BOUND = 1e-4; // of both sides in f32, with large adapters
static char *folder, *base, *adapter; // the base stands inside of the adapter's folder, as its config names it
static const struct backend_ops *ops;
static struct backend *backend;
static json_t *texts, *cases;

static json_t *read_golden(const char *name)
{
    struct str path = {0};
    json_t *json;
    str_addf(&path, "tests/golden/models/%s", name);
    char *file = test_source(str_text(&path));
    assert_ok(json_read(file, 1 << 22, &json, e));
    str_fini(&path);
    free(file);
    return json;
}

static int set_up(void **state)
{
    struct err fault;
    folder = test_folder();
    adapter = path_join(folder, "adapter");
    base = path_join(adapter, "base");
    ops = backend_find("cpu");
    texts = read_golden("expected.json");
    cases = read_golden("adapters.json");
    return ops->open(&backend, &(struct backend_options){.n_threads = 2}, &fault);
}

static int tear_down(void **state)
{
    ops->close(backend);
    json_decref(texts);
    json_decref(cases);
    int code = file_remove_tree(folder, NULL);
    free(folder);
    free(adapter);
    free(base);
    return code;
}

static void copy(const char *from, const char *dir, const char *name)
{
    char *file = test_source(from), *to = path_join(dir, name), *bytes;
    size_t n;
    assert_ok(file_read(file, 1 << 20, &bytes, &n, e));
    assert_ok(file_write(to, bytes, n, e));
    free(bytes);
    free(file);
    free(to);
}

// The adapter's folder with its base, as a person has it.
static void unpack(const char *family, const char *name)
{
    static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
    struct str path = {0};
    assert_ok(file_remove_tree(adapter, e));
    assert_ok(file_make_dirs(base, e));
    str_addf(&path, "tests/golden/models/%s/model.safetensors", family);
    copy(str_text(&path), base, "model.safetensors");
    str_clear(&path);
    str_addf(&path, "tests/golden/models/%s/default.json", family);
    copy(str_text(&path), base, "config.json");
    for (int i = 0; i < 2; i++) {
        str_clear(&path);
        str_addf(&path, "tests/golden/models/adapters/%s/%s", name, files[i]);
        copy(str_text(&path), adapter, files[i]);
    }
    str_fini(&path);
}

static void check(const char *dir, const json_t *one, const char *what)
{
    const json_t *list = json_object_get(texts, "texts");
    struct model *m;
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    if (m->notes.n)
        fail_msg("%s", m->notes.texts[0]);
    for (size_t t = 0; t < json_array_size(list); t++) {
        int n;
        int32_t *ids = json_ids(json_array_get(list, t), &n);
        float got[256];
        hf_logprobs(m, ids, 1, n, got);
        for (int i = 0; i + 1 < n; i++) {
            const json_t *want = json_array_get(json_array_get(json_object_get(one, "logprobs"), t), (size_t)i);
            if (!(fabs((double)got[i] - json_number_value(want)) <= BOUND))
                fail_msg("%s (%s), text %zu, token %d: %.7f, PEFT says %.7f",
                         json_string_value(json_object_get(one, "adapter")), what, t, i + 1, (double)got[i],
                         json_number_value(want));
        }
        free(ids);
    }
    model_free(m);
}

static void adapters_of_peft_give_its_numbers_loaded_saved_and_merged(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(cases, "cases"), i, one)
    {
        char *again = path_join(folder, "again"), *merged = path_join(folder, "merged"), *whole = path_join(folder, "whole");
        struct model *m;
        struct merge_result r;
        unpack(json_string_value(json_object_get(one, "family")), json_string_value(json_object_get(one, "adapter")));
        check(adapter, one, "loaded");
        assert_ok(model_load(&m, adapter, ops, backend, 0, e));
        assert_ok(model_save(m, again, SAVE_F32, e)); // with its patterns
        model_free(m);
        assert_ok(model_load(&m, adapter, ops, backend, LOAD_FROZEN, e));
        assert_ok(model_save_whole(m, whole, SAVE_F32, e)); // tensor by tensor
        check(whole, one, "saved whole");
        model_free(m);
        assert_ok(model_load(&m, adapter, ops, backend, 0, e));
        check(again, one, "saved again");
        assert_ok(model_merge_lora(m, e));
        assert_ok(model_save(m, whole, SAVE_F32, e));
        model_free(m);
        check(whole, one, "made a whole model");
        struct merge_job job = {.base = base, .inputs = (const char *const[]){adapter}, .out = merged, .dtype = MERGE_F32,
                                .options = {.method = MERGE_LINEAR, .n = 1, .lambda = 1, .density = 1, .seed = 1}};
        assert_ok(merge_weights(&job.options, "", e));
        assert_ok(merge_folders(&job, &r, e)); // tensor by tensor, without loading
        check(merged, one, "merged by files");
        assert_ok(file_remove_tree(merged, e));
        free(again);
        free(merged);
        free(whole);
    }
    assert_true(i >= 7);
}

static void change(const char *member, const char *value)
{
    char *path = path_join(adapter, "adapter_config.json");
    json_t *config, *json;
    assert_ok(json_read(path, 1 << 20, &config, e));
    assert_ok(json_parse(value, strlen(value), "value", &json, e));
    json_object_set_new(config, member, json);
    assert_ok(json_write(path, config, e));
    json_decref(config);
    free(path);
}

// In the header, which is text; the names are of one length.
static void rename_tensors(const char *from, const char *to)
{
    char *path = path_join(adapter, "adapter_model.safetensors"), *bytes, *at;
    size_t size;
    assert_ok(file_read(path, 1 << 20, &bytes, &size, e));
    for (at = bytes; (at = memmem(at, size - (size_t)(at - bytes), from, strlen(from))); )
        memcpy(at, to, strlen(to));
    assert_ok(file_write(path, bytes, size, e));
    free(bytes);
    free(path);
}

// Loading and merging say the same.
static void expect(const char *text)
{
    struct err fault = {0}, other = {0};
    struct model *m = NULL;
    struct merge_result r;
    char *out = path_join(folder, "refused");
    struct merge_job job = {.base = base, .inputs = (const char *const[]){adapter}, .out = out,
                            .options = {.method = MERGE_LINEAR, .n = 1, .lambda = 1, .density = 1, .seed = 1}};
    assert_ok(merge_weights(&job.options, "", e));
    const int code = model_load(&m, adapter, ops, backend, 0, &fault);
    const int merge = merge_folders(&job, &r, &other);
    if (!code || !strstr(fault.text, text))
        fail_msg("loading: code %d, \"%s\" should hold \"%s\"", code, fault.text, text);
    if (merge != code || !strstr(other.text, text))
        fail_msg("merging: code %d, \"%s\" should be %d and hold \"%s\"", merge, other.text, code, text);
    free(out);
}

static void what_changes_an_adapter_is_refused_by_name(void **state)
{
    static const struct {
        const char *member, *value, *text;
    } rows[] = {{"use_dora", "true", "\"use_dora\" is true"},
                {"bias", "\"lora_only\"", "\"bias\" is \"lora_only\""},
                {"lora_bias", "true", "\"lora_bias\""},
                {"modules_to_save", "[\"lm_head\"]", "\"modules_to_save\" names \"lm_head\""},
                {"init_lora_weights", "\"pissa\"", "changes the weights of the base"},
                {"layer_replication", "[[0, 2]]", "\"layer_replication\""},
                {"trainable_token_indices", "[3]", "\"trainable_token_indices\""},
                {"peft_type", "\"IA3\"", "only adapters of type LORA"},
                {"r", "null", "the rank \"r\" is missing"},
                {"r", "4", "do not have the rank 4"},
                {"rank_pattern", "{\"q_proj\": 2}", "do not have the rank 2"},
                {"rank_pattern", "{\"q_proj\": 0}", "is no rank"},
                {"rank_pattern", "[]", "must be an object"},
                {"alpha_pattern", "{\"q_proj\": \"x\"}", "is no number"},
                {"alpha_pattern", "{\"(?<=q)+_proj[\": 3}", "cannot read"},
                {"alpha_pattern", "{\"(.*_?)*[0-9]{4}\": 3}", "takes too long"},
                {"alpha_pattern", "{\"q_proj(\": 3}", "cannot read"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unpack("llama", "plain");
        change(rows[i].member, rows[i].value);
        expect(rows[i].text);
    }
}

static void what_says_nothing_about_an_adapter_is_passed_over_or_named(void **state)
{
    struct model *m;
    unpack("llama", "plain");
    change("lora_dropout", "0.3");
    change("fan_in_fan_out", "true"); // PEFT knows better for these modules
    change("init_lora_weights", "\"gaussian\"");
    change("use_dora", "false");
    change("novel_setting", "{\"a\": 1}");
    assert_ok(model_load(&m, adapter, ops, backend, 0, e));
    assert_int_equal(m->notes.n, 1);
    assert_non_null(strstr(m->notes.texts[0], "adapter_config.json: \"novel_setting\" is not known"));
    model_free(m);
}

static void tensors_and_config_of_an_adapter_agree(void **state)
{
    struct err fault = {0};
    struct model *m;
    unpack("llama", "plain");
    change("target_modules", "[\"q_proj\"]");
    assert_int_equal(model_load(&m, adapter, ops, backend, 0, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "which \"target_modules\" of adapter_config.json does not name"));
    change("target_modules", "[\"q_proj\", \"down_proj\", \"up_proj\"]");
    assert_int_equal(model_load(&m, adapter, ops, backend, 0, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "mlp.up_proj.lora_A.weight\", which adapter_config.json asks for"));
    unpack("qwen3", "plain"); // of a model with other widths
    expect("fit");
    unpack("llama", "plain");
    rename_tensors("layers.1.self_attn", "layers.9.self_attn");
    change("layers_to_transform", "[0, 1]");
    expect("nothing reads \"base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight\", "
           "\"base_model.model.model.layers.9.self_attn.q_proj.lora_B.weight\", which");
}

static void an_adapter_without_a_tokenizer_has_that_of_its_base(void **state)
{
    unpack("llama", "plain");
    char *found = model_find_tokenizer(adapter), *file = path_join(base, "tokenizer.json");
    assert_string_equal(found, adapter); // nobody has one
    free(found);
    assert_ok(file_write(file, "{}", 2, e));
    found = model_find_tokenizer(adapter);
    assert_string_equal(found, base);
    free(found);
    free(file);
    file = path_join(adapter, "tokenizer.json");
    assert_ok(file_write(file, "{}", 2, e));
    found = model_find_tokenizer(adapter);
    assert_string_equal(found, adapter);
    free(found);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_of_peft_give_its_numbers_loaded_saved_and_merged),
        cmocka_unit_test(what_changes_an_adapter_is_refused_by_name),
        cmocka_unit_test(what_says_nothing_about_an_adapter_is_passed_over_or_named),
        cmocka_unit_test(tensors_and_config_of_an_adapter_agree),
        cmocka_unit_test(an_adapter_without_a_tokenizer_has_that_of_its_base),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
