// Real tokenizers against ids that other programs made: llama.cpp's vocabulary tests, transformers.js' vectors
// and what run.c makes of stories260K's vocabulary.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer.h"

static struct tokenizer *load_asset(const char *name)
{
    char *dir = test_asset(name);
    if (!dir)
        return NULL;
    struct tokenizer *t;
    assert_ok(tokenizer_load(&t, dir, e));
    free(dir);
    return t;
}

// Encodes without what the post-processor adds and compares.
static void assert_ids(const struct tokenizer *t, const char *text, size_t n, bool add_special, const int32_t *want,
                       size_t n_want, const char *what)
{
    int32_t *ids;
    size_t n_ids;
    assert_ok(tokenizer_encode(t, text, n, add_special, true, &ids, &n_ids, e));
    bool same = n_ids == n_want;
    for (size_t i = 0; same && i < n_ids; i++)
        same = ids[i] == want[i];
    if (!same) {
        struct str s = {0};
        for (size_t i = 0; i < n_ids; i++)
            str_addf(&s, " %d", (int)ids[i]);
        str_add(&s, "; want");
        for (size_t i = 0; i < n_want; i++)
            str_addf(&s, " %d", (int)want[i]);
        fail_msg("%s: \"%s\": got%s", what, text, str_text(&s));
    }
    free(ids);
}

// Texts stand between marker lines, the ids of each on one line of the other file.
static void check_llama_cpp(const char *tokenizer, const char *name)
{
    struct str file = {0};
    str_addf(&file, "conformance/llama.cpp-vocab/ggml-vocab-%s.gguf.out", name);
    char *texts_path = test_asset("conformance/llama.cpp-vocab/ggml-vocab.inp"), *ids_path = test_asset(file.data);
    struct tokenizer *t = load_asset(tokenizer);
    if (!texts_path || !ids_path || !t)
        skip();
    char *texts, *lines;
    size_t n;
    assert_ok(file_read(texts_path, 1 << 20, &texts, &n, e));
    assert_ok(file_read(ids_path, 1 << 20, &lines, &n, e));
    static const char marker[] = "\n__ggml_vocab_test__\n";
    int n_cases = 0;
    char *text = texts, *line = lines;
    for (char *end; (end = strstr(text, marker)); text = end + strlen(marker), n_cases++) {
        int32_t want[256];
        size_t n_want = 0;
        char *next = strchr(line, '\n');
        assert_non_null(next);
        *next = '\0';
        for (char *save, *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
            want[n_want++] = (int32_t)atoi(word);
        *end = '\0';
        assert_ids(t, text, strlen(text), false, want, n_want, name);
        line = next + 1;
    }
    assert_int_equal(n_cases, 46);
    free(texts);
    free(lines);
    free(texts_path);
    free(ids_path);
    str_fini(&file);
    tokenizer_free(t);
}

static void gpt2_agrees_with_llama_cpp(void **state)
{
    check_llama_cpp("tokenizers/gpt2", "gpt-2");
}
static void phi3_agrees_with_llama_cpp(void **state)
{
    check_llama_cpp("tokenizers/phi-3", "phi-3");
}
static void phi3_agrees_with_llama_spm(void **state) // the same vocabulary, from SentencePiece's own code
{
    check_llama_cpp("tokenizers/phi-3", "llama-spm");
}
static void qwen_agrees_with_llama_cpp(void **state)
{
    check_llama_cpp("tokenizers/qwen3", "qwen2");
}
static void smollm_agrees_with_llama_cpp(void **state)
{
    check_llama_cpp("tokenizers/smollm2", "smollm");
}

static int32_t *ids_of(const json_t *list, size_t *n)
{
    *n = json_array_size(list);
    int32_t *ids = mem_alloc(*n, sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return ids;
}

// transformers' clean_up_tokenization_spaces, which those vectors' `decoded` went through: these lose their space.
static void clean_up(char *text)
{
    static const char *const signs[] = {" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        for (char *hit = text; (hit = strstr(hit, signs[i]));) {
            memmove(hit, hit + 1, strlen(hit));
            if (strcmp(signs[i], " ' ") == 0)
                memmove(hit + 1, hit + 2, strlen(hit + 1));
        }
}

static void check_transformers_js(const char *tokenizer, const char *name, bool add_special, int least)
{
    char *path = test_asset("conformance/tokenization/transformers_js_vectors.json");
    struct tokenizer *t = load_asset(tokenizer);
    if (!path || !t)
        skip();
    json_t *all;
    assert_ok(json_read(path, 16 << 20, &all, e));
    const json_t *cases = json_object_get(all, name), *c;
    size_t i, n_done = 0;
    json_array_foreach(cases, i, c) {
        const json_t *text = json_object_get(c, "text");
        size_t n;
        int32_t *want = ids_of(json_object_get(c, "ids"), &n);
        assert_ids(t, json_string_value(text), json_string_length(text), add_special, want, n, name);
        char *decoded;
        size_t n_bytes;
        assert_ok(tokenizer_decode(t, want, n, false, &decoded, &n_bytes, e));
        const char *decoded_want = json_string_value(json_object_get(c, "decoded"));
        if (strcmp(decoded, decoded_want) != 0)
            clean_up(decoded);
        assert_string_equal(decoded, decoded_want);
        free(decoded);
        free(want);
        n_done++;
    }
    assert_true((int)n_done >= least);
    json_decref(all);
    free(path);
    tokenizer_free(t);
}

static void gpt2_agrees_with_transformers_js(void **state)
{
    check_transformers_js("tokenizers/gpt2", "Xenova/gpt2", true, 26);
    check_transformers_js("tokenizers/gpt2", "openai-community/gpt2", true, 26);
}

static void qwen_agrees_with_transformers_js(void **state)
{
    check_transformers_js("tokenizers/qwen3", "Xenova/Qwen1.5-0.5B-Chat", true, 25);
}
static void phi3_agrees_with_transformers_js(void **state)
{
    check_transformers_js("tokenizers/phi-3", "Xenova/llama-tokenizer", true, 37);
}

static void stories260k_agrees_with_run_c(void **state)
{
    char *path = test_asset("models/stories260K/tokenization_run_c.json");
    struct tokenizer *t = load_asset("models/stories260K/hf");
    if (!path || !t)
        skip();
    json_t *cases;
    assert_ok(json_read(path, 16 << 20, &cases, e));
    assert_int_equal(json_array_size(cases), 60);
    size_t i;
    const json_t *c;
    json_array_foreach(cases, i, c) {
        const json_t *text = json_object_get(c, "text");
        size_t n;
        int32_t *want = ids_of(json_object_get(c, "ids"), &n);
        assert_ids(t, json_string_value(text), json_string_length(text), true, want, n, "stories260K");
        free(want);
    }
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_int_equal(tokenizer_vocab_size(t), 512);
    json_decref(cases);
    free(path);
    tokenizer_free(t);
}

// vocab.json + merges.txt gives what tokenizer.json gives; OPT's ids are others for the same merges.
// A response is decoded apart from its prompt, and yet the two together are the text.
static void a_text_that_goes_on_keeps_its_first_space(void **state)
{
    static const char *const names[] = {"models/stories260K/hf", "tokenizers/phi-3", "tokenizers/gpt2"};
    int n_seen = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tokenizer *t = load_asset(names[i]);
        int32_t *ids;
        size_t n, n_bytes;
        char *text;
        if (!t)
            continue;
        assert_ok(tokenizer_encode(t, "Once upon a time", 16, false, false, &ids, &n, e));
        size_t first = 1; // behind the token that ends "Once"
        for (; first < n; first++) {
            assert_ok(tokenizer_decode(t, ids, first, true, &text, &n_bytes, e));
            bool whole = strcmp(text, "Once") == 0;
            free(text);
            if (whole)
                break;
        }
        assert_ok(tokenizer_decode_more(t, ids + first, n - first, true, &text, &n_bytes, e));
        assert_string_equal(text, " upon a time");
        assert_int_equal(n_bytes, 12);
        free(text);
        assert_ok(tokenizer_decode_more(t, NULL, 0, true, &text, &n_bytes, e));
        assert_string_equal(text, "");
        free(text);
        free(ids);
        tokenizer_free(t);
        n_seen++;
    }
    if (!n_seen)
        skip();
}

static void old_files_give_the_same_tokens(void **state)
{
    struct tokenizer *gpt2 = load_asset("tokenizers/gpt2"), *opt = load_asset("tokenizers/opt");
    char *vocab = test_asset("tokenizers/gpt2/vocab.json.gz"), *merges = test_asset("tokenizers/gpt2/merges.txt.gz");
    if (!gpt2 || !opt || !vocab || !merges)
        skip();
    char *dir = test_folder();
    char *vocab_link = path_join(dir, "vocab.json.gz"), *merges_link = path_join(dir, "merges.txt.gz");
    char *text, *full_vocab = realpath(vocab, NULL), *full_merges = realpath(merges, NULL);
    size_t n;
    assert_ok(file_read(full_vocab, 64 << 20, &text, &n, e));
    assert_ok(file_write(vocab_link, text, n, e));
    free(text);
    assert_ok(file_read(full_merges, 64 << 20, &text, &n, e));
    assert_ok(file_write(merges_link, text, n, e));
    free(text);
    struct tokenizer *old;
    assert_ok(tokenizer_load(&old, dir, e));
    static const char sample[] =
        "Hello, y'all! It's 3:45 pm,\n\n  and   caf\xc3\xa9 \xf0\x9f\x98\x80 <|endoftext|> ends";
    int32_t *want, *got;
    size_t n_want, n_got;
    assert_ok(tokenizer_encode(gpt2, sample, strlen(sample), true, true, &want, &n_want, e));
    assert_ids(old, sample, strlen(sample), true, want, n_want, "vocab.json + merges.txt");
    assert_int_equal(tokenizer_eos(old), 50256);
    assert_ok(tokenizer_encode(opt, sample, strlen(sample), false, false, &got, &n_got, e));
    for (size_t i = 0; i < n_got; i++)
        if (tokenizer_token_id(gpt2, tokenizer_token(opt, got[i])) < 0)
            fail_msg("token %d", (int)got[i]);
    assert_int_equal(tokenizer_token_id(opt, "\xc4\xa0the"), 5); // OPT numbers tokens by frequency
    assert_ok(file_remove_tree(dir, e));
    free(want);
    free(got);
    free(dir);
    free(vocab);
    free(merges);
    free(full_vocab);
    free(full_merges);
    free(vocab_link);
    free(merges_link);
    tokenizer_free(old);
    tokenizer_free(gpt2);
    tokenizer_free(opt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_agrees_with_llama_cpp),       cmocka_unit_test(phi3_agrees_with_llama_cpp),
        cmocka_unit_test(phi3_agrees_with_llama_spm),       cmocka_unit_test(qwen_agrees_with_llama_cpp),
        cmocka_unit_test(smollm_agrees_with_llama_cpp),     cmocka_unit_test(gpt2_agrees_with_transformers_js),
        cmocka_unit_test(qwen_agrees_with_transformers_js), cmocka_unit_test(phi3_agrees_with_transformers_js),
        cmocka_unit_test(a_text_that_goes_on_keeps_its_first_space),
        cmocka_unit_test(stories260k_agrees_with_run_c),    cmocka_unit_test(old_files_give_the_same_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
