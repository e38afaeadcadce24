// Small tokenizers of our own against the ids of an independent program (tests/golden/make_tokenizer_golden.py),
// one variant a component; damaged files; learning a vocabulary.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/bpe_train.h"
#include "text/tokenizer.h"

static struct tokenizer *load_source(const char *name)
{
    char *dir = test_source(name);
    struct tokenizer *t;
    assert_ok(tokenizer_load(&t, dir, e));
    free(dir);
    return t;
}

static json_t *read_source(const char *name)
{
    char *path = test_source(name);
    json_t *value;
    assert_ok(json_read(path, 16 << 20, &value, e));
    free(path);
    return value;
}

// The base tokenizer with some of its parts replaced, loaded from a folder of its own.
static int load_changed(struct tokenizer **out, const json_t *base, const json_t *changes, struct err *fault)
{
    json_t *whole = json_deep_copy(base), *value;
    const char *key;
    json_object_foreach((json_t *)changes, key, value) {
        bool in_model = text_starts(key, "model.");
        json_object_set(in_model ? json_object_get(whole, "model") : whole, in_model ? key + 6 : key, value);
    }
    char *dir = test_folder(), *path = path_join(dir, "tokenizer.json");
    assert_ok(json_write(path, whole, e));
    int code = tokenizer_load(out, dir, fault);
    assert_ok(file_remove_tree(dir, e));
    json_decref(whole);
    free(dir);
    free(path);
    return code;
}

static void assert_same_ids(const json_t *want, const int32_t *ids, size_t n, const char *variant, const char *text)
{
    bool same = n == json_array_size(want);
    for (size_t i = 0; same && i < n; i++)
        same = ids[i] == json_integer_value(json_array_get(want, i));
    if (same)
        return;
    struct str s = {0};
    for (size_t i = 0; i < n; i++)
        str_addf(&s, " %d", (int)ids[i]);
    char *list = json_dumps(want, 0);
    fail_msg("%s: \"%s\": got%s, want %s", variant, text, str_text(&s), list);
}

static void check_case(const struct tokenizer *t, const char *variant, const json_t *c)
{
    const json_t *text = json_object_get(c, "text"), *plain = json_object_get(c, "plain"), *whole = NULL;
    static const struct {
        const char *name;
        bool special, parse;
    } ways[] = {{"plain", false, false}, {"parsed", false, true}, {"whole", true, true}};
    for (int i = 0; i < 3; i++) {
        const json_t *want = json_object_get(c, ways[i].name);
        want = want ? want : plain; // written once when equal
        int32_t *ids;
        size_t n;
        assert_ok(tokenizer_encode(t, json_string_value(text), json_string_length(text), ways[i].special, ways[i].parse,
                                   &ids, &n, e));
        assert_same_ids(want, ids, n, variant, json_string_value(text));
        free(ids);
        whole = want;
    }
    size_t n = json_array_size(whole), n_bytes;
    int32_t *ids = mem_alloc(n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(whole, i));
    for (int skip = 0; skip < 2; skip++) {
        const json_t *want = json_object_get(c, skip ? "decoded_skip" : "decoded");
        char *got;
        assert_ok(tokenizer_decode(t, ids, n, skip, &got, &n_bytes, e));
        if (n_bytes != json_string_length(want) || memcmp(got, json_string_value(want), n_bytes) != 0)
            fail_msg("%s: decoded \"%s\", want \"%s\"", variant, got, json_string_value(want));
        free(got);
    }
    free(ids);
}

static void variants_agree_with_golden_ids(void **state)
{
    json_t *golden = read_source("tests/golden/tokenizer.json");
    json_t *bases[] = {read_source("tests/data/tokenizer-bytes/tokenizer.json"),
                       read_source("tests/data/tokenizer-spm/tokenizer.json")};
    size_t i, k, n_cases = 0;
    const json_t *variant, *c;
    json_array_foreach(json_object_get(golden, "variants"), i, variant) {
        const char *name = json_string_value(json_object_get(variant, "name"));
        bool spm = strcmp(json_string_value(json_object_get(variant, "base")), "spm") == 0;
        struct tokenizer *t;
        assert_ok(load_changed(&t, bases[spm], json_object_get(variant, "changes"), e));
        json_array_foreach(json_object_get(variant, "cases"), k, c) {
            check_case(t, name, c);
            n_cases++;
        }
        tokenizer_free(t);
    }
    assert_true(n_cases > 700);
    json_decref(golden);
    json_decref(bases[0]);
    json_decref(bases[1]);
}

static void what_is_not_supported_is_named(void **state)
{
    static const struct {
        const char *changes, *says;
    } cases[] = {
        {"{\"model.type\": \"WordPiece\"}", "WordPiece"},
        {"{\"model.dropout\": 0.1}", "dropout"},
        {"{\"model.end_of_word_suffix\": \"</w>\"}", "</w>"},
        {"{\"model.continuing_subword_prefix\": \"##\"}", "##"},
        {"{\"normalizer\": {\"type\": \"Precompiled\"}}", "Precompiled"},
        {"{\"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}}", "UnicodeScripts"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"[a-z&&[^b]]\"}, \"behavior\": "
         "\"Isolated\"}}",
         "classes inside"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\h\"}, \"behavior\": \"Isolated\"}}",
         "\\h"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Sideways\"}}",
         "Sideways"},
        {"{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\"}, {\"type\": "
         "\"Digits\"}]}}",
         "Digits"},
        {"{\"post_processor\": {\"type\": \"Elsewhere\"}}", "Elsewhere"},
        {"{\"decoder\": {\"type\": \"CTC\"}}", "CTC"},
    };
    json_t *base = read_source("tests/data/tokenizer-bytes/tokenizer.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *changes;
        assert_ok(json_parse(cases[i].changes, strlen(cases[i].changes), "the test", &changes, e));
        struct err fault = {0};
        struct tokenizer *t;
        assert_int_equal(load_changed(&t, base, changes, &fault), ERR_UNSUPPORTED);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("\"%s\" does not name %s", fault.text, cases[i].says);
        json_decref(changes);
    }
    json_decref(base);
}

static void damaged_files_are_errors(void **state)
{
    static const char *const cases[] = {
        "{\"model\": null}",
        "{\"model.vocab\": {}}",
        "{\"model.vocab\": {\"a\": 0, \"b\": 0}}",
        "{\"model.vocab\": {\"a\": -1}}",
        "{\"model.vocab\": {\"a\": 99999999}}",
        "{\"model.vocab\": {\"a\": \"0\"}}",
        "{\"model.merges\": [\"a\"]}",
        "{\"model.merges\": [\"a b c\"]}",
        "{\"model.merges\": [[\"a\"]]}",
        "{\"model.merges\": [\"zzz a\"]}",
        "{\"model.merges\": 5}",
        "{\"model.unk_token\": \"nowhere\"}",
        "{\"added_tokens\": [{\"content\": \"x\"}]}",
        "{\"added_tokens\": [{\"id\": 5}]}",
        "{\"added_tokens\": [{\"id\": 1, \"content\": \"<|bos|>\"}]}",
        "{\"added_tokens\": [{\"id\": 700, \"content\": \"\"}]}",
        "{\"added_tokens\": {}}",
        "{\"normalizer\": 7}",
        "{\"normalizer\": {\"type\": \"Replace\", \"content\": \"x\", \"pattern\": {\"String\": \"\"}}}",
        "{\"pre_tokenizer\": {\"type\": \"Sequence\"}}",
        "{\"decoder\": {\"type\": \"Strip\", \"content\": \"xy\"}}",
        "{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": []}}",
        "{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"no\"}}]}}",
        "{\"post_processor\": {\"type\": \"BertProcessing\", \"cls\": [\"x\", 4000], \"sep\": [\"x\", 1]}}",
    };
    json_t *base = read_source("tests/data/tokenizer-bytes/tokenizer.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *changes;
        assert_ok(json_parse(cases[i], strlen(cases[i]), "the test", &changes, e));
        struct err fault = {0};
        struct tokenizer *t;
        if (load_changed(&t, base, changes, &fault) != ERR_INPUT || !fault.text[0])
            fail_msg("%s: code %d, \"%s\"", cases[i], fault.code, fault.text);
        json_decref(changes);
    }
    json_decref(base);
    struct err fault = {0};
    struct tokenizer *t;
    char *dir = test_folder();
    assert_int_equal(tokenizer_load(&t, dir, &fault), ERR_NOT_FOUND);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void config_says_the_ends_and_the_template(void **state)
{
    struct tokenizer *t = load_source("tests/data/tokenizer-bytes");
    assert_int_equal(tokenizer_bos(t), 0);
    assert_int_equal(tokenizer_eos(t), 1);
    assert_int_equal(tokenizer_vocab_size(t), 342);
    assert_true(tokenizer_is_special(t, 1));
    assert_false(tokenizer_is_special(t, 340));
    assert_false(tokenizer_is_special(t, -1));
    assert_null(tokenizer_token(t, 342));
    assert_null(tokenizer_token(t, -7));
    assert_string_equal(tokenizer_token(t, 341), "pad");
    assert_int_equal(tokenizer_token_id(t, "nowhere"), -1);
    assert_null(tokenizer_chat_template(t));
    assert_int_equal(strlen(tokenizer_hash(t)), 64);
    tokenizer_free(t);

    char *dir = test_folder(), *from = test_source("tests/data/tokenizer-spm/tokenizer.json"), *text;
    size_t n;
    assert_ok(file_read(from, 1 << 20, &text, &n, e));
    char *to = path_join(dir, "tokenizer.json"), *config = path_join(dir, "tokenizer_config.json");
    char *jinja = path_join(dir, "chat_template.jinja");
    assert_ok(file_write(to, text, n, e));
    static const char settings[] =
        "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_bos_token\": false, \"add_eos_token\": true, \"bos_token\": "
        "null,"
        "\"eos_token\": {\"content\": \"</s>\"}, \"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"},"
        "{\"name\": \"default\", \"template\": \"d\"}]}";
    assert_ok(file_write(config, settings, strlen(settings), e));
    assert_ok(tokenizer_load(&t, dir, e));
    assert_int_equal(tokenizer_bos(t), -1);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_string_equal(tokenizer_chat_template(t), "d");
    assert_string_equal(tokenizer_tool_template(t), "t");
    const json_t *named = tokenizer_special_tokens(t);
    assert_string_equal(json_string_value(json_object_get(named, "eos_token")), "</s>");
    assert_null(json_object_get(named, "bos_token")); // the file says that there is none
    int32_t *ids;
    assert_ok(tokenizer_encode(t, "", 0, true, true, &ids, &n, e));
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], 2);
    free(ids);
    tokenizer_free(t);
    assert_ok(file_write(jinja, "j", 1, e)); // the newer file counts more
    assert_ok(tokenizer_load(&t, dir, e));
    assert_string_equal(tokenizer_chat_template(t), "j");
    tokenizer_free(t);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    free(from);
    free(text);
    free(to);
    free(config);
    free(jinja);
}

// Broken UTF-8 counts as U+FFFD, one for each longest beginning of a sequence.
static void broken_utf8_is_read_as_replacement_characters(void **state)
{
    static const struct {
        const char *bytes;
        int n_marks;
    } cases[] = {{"a\xffz", 1}, {"a\xe2\x96z", 1}, {"a\xe2\x28z", 1}, {"a\xed\xa0\x80z", 3}, {"a\xf0\x9f\x98", 1},
                 {"\xc0\xaf", 2}, {"\xf4\x90\x80\x80", 4}, {"\x80\x80", 2}};
    struct tokenizer *t = load_source("tests/data/tokenizer-bytes");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t *ids;
        size_t n, n_bytes;
        char *text;
        assert_ok(tokenizer_encode(t, cases[i].bytes, strlen(cases[i].bytes), false, false, &ids, &n, e));
        assert_ok(tokenizer_decode(t, ids, n, false, &text, &n_bytes, e));
        assert_true(utf8_is_valid(text, n_bytes));
        int n_marks = 0;
        for (const char *p = text; (p = strstr(p, "\xef\xbf\xbd")); p += 3)
            n_marks++;
        assert_int_equal(n_marks, cases[i].n_marks);
        free(ids);
        free(text);
    }
    tokenizer_free(t);
}

// The merges of a long word by the heap are those of a plain search for the lowest rank.
static void long_words_merge_like_short_ones(void **state)
{
    struct tokenizer *t = load_source("tests/data/tokenizer-bytes");
    char word[400];
    static const char letters[] = "thearnoigsd";
    struct err fault;
    uint32_t seed = 12345;
    for (int round = 0; round < 200; round++) {
        size_t n = 25 + (size_t)round;
        for (size_t i = 0; i < n; i++)
            word[i] = letters[(seed = seed * 1664525u + 1013904223u) >> 24 & 7];
        int32_t *ids;
        size_t n_ids;
        assert_int_equal(tokenizer_encode(t, word, n, false, false, &ids, &n_ids, &fault), 0);
        // By hand: tokens are texts; join the neighbours whose joint token has the lowest id (merge order here).
        struct str parts[400] = {{0}};
        size_t n_parts = n;
        for (size_t i = 0; i < n; i++)
            str_addc(&parts[i], word[i]);
        for (;;) {
            int32_t best = INT32_MAX;
            size_t at = 0;
            for (size_t i = 0; i + 1 < n_parts; i++) {
                char both[800];
                snprintf(both, sizeof both, "%s%s", parts[i].data, parts[i + 1].data);
                int32_t id = tokenizer_token_id(t, both);
                if (id >= 0 && id < 340 && id < best) {
                    best = id;
                    at = i;
                }
            }
            if (best == INT32_MAX)
                break;
            str_add(&parts[at], parts[at + 1].data);
            str_fini(&parts[at + 1]);
            for (size_t i = at + 1; i + 1 < n_parts; i++)
                parts[i] = parts[i + 1];
            parts[--n_parts] = (struct str){0};
        }
        assert_int_equal(n_ids, n_parts);
        for (size_t i = 0; i < n_parts; i++) {
            assert_string_equal(tokenizer_token(t, ids[i]), parts[i].data);
            str_fini(&parts[i]);
        }
        free(ids);
    }
    tokenizer_free(t);
}

// A text of a megabyte without a space takes time in proportion: a quadratic merge would never end here.
static void a_long_text_without_spaces_is_one_word(void **state)
{
    static const char *const names[] = {"tests/data/tokenizer-bytes", "tests/data/tokenizer-spm"};
    size_t n = 1 << 20;
    char *text = mem_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        text[i] = "there"[i % 5];
    for (int k = 0; k < 2; k++) {
        struct tokenizer *t = load_source(names[k]);
        int32_t *ids;
        size_t n_ids, n_bytes;
        char *again;
        assert_ok(tokenizer_encode(t, text, n, false, false, &ids, &n_ids, e));
        assert_ok(tokenizer_decode(t, ids, n_ids, false, &again, &n_bytes, e));
        assert_int_equal(n_bytes, n);
        assert_memory_equal(text, again, n);
        assert_true(n_ids < n);
        free(ids);
        free(again);
        tokenizer_free(t);
    }
    free(text);
}

static void byte_characters_go_both_ways(void **state)
{
    for (int i = 0; i < 256; i++)
        assert_int_equal(bpe_char_byte(bpe_byte_char((unsigned char)i)), i);
    int n = 0;
    for (uint32_t c = 0; c < 2000; c++)
        n += bpe_char_byte(c) >= 0;
    assert_int_equal(n, 256);
    assert_int_equal(bpe_byte_char(' '), 0x120);
    assert_int_equal(bpe_byte_char('\n'), 0x10a);
}

static void training_learns_the_golden_merges(void **state)
{
    json_t *golden = read_source("tests/golden/tokenizer.json");
    const json_t *want = json_object_get(golden, "trained");
    char *path = test_source("tests/data/tokenizer-train.txt"), *dir = test_folder(), *text;
    size_t n;
    assert_ok(file_read(path, 1 << 20, &text, &n, e));
    static const char *const specials[] = {"<|bos|>", "<|eos|>", NULL};
    assert_ok(bpe_train(text, n, (int)json_integer_value(json_object_get(want, "vocab_size")), specials, dir, e));
    char *written = path_join(dir, "tokenizer.json");
    json_t *got;
    assert_ok(json_read(written, 1 << 20, &got, e));
    const json_t *model = json_object_get(got, "model");
    assert_true(json_equal(json_object_get(model, "vocab"), json_object_get(want, "vocab")));
    assert_true(json_equal(json_object_get(model, "merges"), json_object_get(want, "merges")));
    struct tokenizer *t;
    assert_ok(tokenizer_load(&t, dir, e));
    assert_int_equal(tokenizer_bos(t), 0);
    assert_int_equal(tokenizer_eos(t), 1);
    int32_t *ids;
    size_t n_ids, n_bytes;
    char *again;
    assert_ok(tokenizer_encode(t, text, n, true, true, &ids, &n_ids, e));
    assert_ok(tokenizer_decode(t, ids, n_ids, true, &again, &n_bytes, e));
    assert_int_equal(n_bytes, n);
    assert_memory_equal(again, text, n);
    free(ids);
    free(again);
    tokenizer_free(t);
    assert_ok(file_remove_tree(dir, e));
    json_decref(golden);
    json_decref(got);
    free(path);
    free(dir);
    free(text);
    free(written);
}

static void training_refuses_what_it_cannot_do(void **state)
{
    char *dir = test_folder();
    static const char *const specials[] = {"<s>", NULL}, *const twice[] = {"<s>", "<s>", NULL};
    struct err fault = {0};
    assert_int_equal(bpe_train("abc", 3, 300, specials, dir, &fault), ERR_INPUT);
    assert_int_equal(bpe_train("ab\xff", 3, 258, specials, dir, &fault), ERR_INPUT);
    assert_int_equal(bpe_train("abc", 3, 256, specials, dir, &fault), ERR_USAGE);
    assert_int_equal(bpe_train("abc", 3, 300, twice, dir, &fault), ERR_USAGE);
    char *path = path_join(dir, "tokenizer.json");
    assert_false(file_exists(path));
    assert_ok(bpe_train("", 0, 257, specials, dir, e)); // bytes alone need no text
    assert_ok(bpe_train("abab<s>abab", 11, 258, specials, dir, e));
    struct tokenizer *t;
    assert_ok(tokenizer_load(&t, dir, e));
    assert_string_equal(tokenizer_token(t, 257), "ab"); // ties: the lower ids first
    assert_int_equal(tokenizer_eos(t), 0);
    tokenizer_free(t);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

// tests/golden/make_resaved_tokenizers.py: what transformers 5 writes opens, nothing of it is unknown, and gives its ids.
static void tokenizers_saved_by_transformers_5_give_its_ids(void **state)
{
    json_t *golden = read_source("tests/golden/resaved.json"), *one, *texts = json_object_get(golden, "texts"), *text;
    size_t i, k;
    json_array_foreach(json_object_get(golden, "cases"), i, one) {
        struct str dir = {0};
        const char *name = json_string_value(json_object_get(one, "name"));
        str_addf(&dir, "tests/golden/resaved/%s", name);
        struct tokenizer *t = load_source(str_text(&dir));
        if (tokenizer_notes(t)->n)
            fail_msg("%s", tokenizer_notes(t)->texts[0]);
        assert_int_equal(tokenizer_bos(t), json_integer_value(json_object_get(one, "bos")));
        assert_int_equal(tokenizer_eos(t), json_integer_value(json_object_get(one, "eos")));
        json_array_foreach(texts, k, text)
            for (int plain = 0; plain < 2; plain++) {
                int32_t *ids;
                size_t n;
                assert_ok(tokenizer_encode(t, json_string_value(text), json_string_length(text), !plain, true, &ids, &n, e));
                assert_same_ids(json_array_get(json_array_get(json_object_get(one, "ids"), k), (size_t)plain), ids, n, name,
                                json_string_value(text));
                free(ids);
            }
        tokenizer_free(t);
        str_fini(&dir);
    }
    assert_true(i >= 6);
    json_decref(golden);
}

static void members_of_a_tokenizer_are_known_or_named(void **state)
{
    static const struct {
        const char *file, *text, *refused, *note; // NULL: neither
    } rows[] = {
        {"tokenizer_config.json",
         "{\"model_max_length\": 1000000000000000019884624838656, \"padding_side\": \"left\"}", NULL, NULL},
        {"tokenizer_config.json",
         "{\"model_max_length\": 1e400, \"extra_special_tokens\": {\"x\": \"<|bos|>\"}}", NULL, NULL},
        {"tokenizer_config.json", "{\"extra_special_tokens\": [{\"content\": \"<|eos|>\"}, \"none\"]}", NULL, NULL},
        {"tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"{{ 1 }}\"}]}", NULL, NULL},
        {"tokenizer_config.json", "{\"split_special_tokens\": true}", "\"split_special_tokens\" is true", NULL},
        {"tokenizer_config.json", "{\"brand_new\": 1}", NULL, "tokenizer_config.json: \"brand_new\" is not known"},
        {"tokenizer.json", "{\"brand_new\": 1}", NULL, "tokenizer.json: \"brand_new\" is not known"},
        {"tokenizer.json",
         "{\"decoder\": {\"type\": \"ByteLevel\", \"twist\": 1}}", NULL, "tokenizer.json: \"twist\" is not known"},
    };
    json_t *base = read_source("tests/data/tokenizer-bytes/tokenizer.json");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *dir = test_folder(), *path = path_join(dir, rows[i].file), *main_path = path_join(dir, "tokenizer.json");
        json_t *json, *whole = json_deep_copy(base);
        struct tokenizer *t = NULL;
        struct err fault = {0};
        assert_ok(json_parse(rows[i].text, strlen(rows[i].text), rows[i].file, &json, e));
        if (strcmp(rows[i].file, "tokenizer.json") == 0)
            json_object_update(whole, json);
        assert_ok(json_write(main_path, whole, e));
        if (strcmp(rows[i].file, "tokenizer.json") != 0) // as it is: numbers that no variable holds are not written again
            assert_ok(file_write(path, rows[i].text, strlen(rows[i].text), e));
        const int code = tokenizer_load(&t, dir, &fault);
        if (!rows[i].refused != !code || (code && !strstr(fault.text, rows[i].refused)))
            fail_msg("%s: code %d, \"%s\"", rows[i].text, code, fault.text);
        if (t && rows[i].note) {
            assert_int_equal(tokenizer_notes(t)->n, 1);
            assert_non_null(strstr(tokenizer_notes(t)->texts[0], rows[i].note));
        } else if (t) {
            assert_int_equal(tokenizer_notes(t)->n, 0);
        }
        tokenizer_free(t);
        assert_ok(file_remove_tree(dir, e));
        json_decref(json);
        json_decref(whole);
        free(main_path);
        free(path);
        free(dir);
    }
    json_decref(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokenizers_saved_by_transformers_5_give_its_ids),
        cmocka_unit_test(members_of_a_tokenizer_are_known_or_named),
        cmocka_unit_test(variants_agree_with_golden_ids),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(damaged_files_are_errors),
        cmocka_unit_test(config_says_the_ends_and_the_template),
        cmocka_unit_test(broken_utf8_is_read_as_replacement_characters),
        cmocka_unit_test(long_words_merge_like_short_ones),
        cmocka_unit_test(a_long_text_without_spaces_is_one_word),
        cmocka_unit_test(byte_characters_go_both_ways),
        cmocka_unit_test(training_learns_the_golden_merges),
        cmocka_unit_test(training_refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
