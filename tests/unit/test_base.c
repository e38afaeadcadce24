#include "config.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/members.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/utf8.h"

static void sha256_matches_fips_examples(void **state)
{
    struct sha256 s;
    char hex[65];
    sha256_init(&s);
    sha256_add(&s, "abc", 3);
    sha256_hex(&s, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_init(&s);
    for (int i = 0; i < 1000000; i += 100) {
        char block[100];
        memset(block, 'a', sizeof block);
        sha256_add(&s, block, sizeof block);
    }
    sha256_hex(&s, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Known answers of Random123 1.14 (kat_vectors, philox4x32 10 rounds).
static void philox_matches_known_answers(void **state)
{
    uint32_t out[4];
    rng_block(0, 0, 0, out);
    assert_int_equal(out[0], 0x6627e8d5);
    assert_int_equal(out[1], 0xe169c58d);
    assert_int_equal(out[2], 0xbc57ac4c);
    assert_int_equal(out[3], 0x9b00dbd8);
    rng_block(0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, out);
    assert_int_equal(out[0], 0x408f276d);
    assert_int_equal(out[1], 0x41c83b0e);
    assert_int_equal(out[2], 0xa20bc7c6);
    assert_int_equal(out[3], 0x6d5451fd);
}

static void rng_normal_has_unit_moments(void **state)
{
    struct rng r = rng_make(7, RNG_TEST, 0);
    double sum = 0, squares = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    assert_close(sum / N, 0, 0.01);
    assert_close(squares / N, 1, 0.02);
}

static void utf8_refuses_what_is_not_utf8(void **state)
{
    static const struct { const char *bytes; bool valid; } rows[] = {
        {"plain", true}, {"h\xc3\xa9llo \xf0\x9f\x9a\x80", true}, {"\xc0\x80", false}, {"\xed\xa0\x80", false},
        {"\xf4\x90\x80\x80", false}, {"\xe2\x82", false}, {"\xff", false}, {"\xe0\x80\x80", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_is_valid(rows[i].bytes, strlen(rows[i].bytes)), rows[i].valid);
    assert_int_equal(utf8_text_columns("\xe6\xbc\xa2\xe5\xad\x97", 6), 4);
}

static void text_from_outside_is_shown_never_sent(void **state)
{
    struct str s = {0};
    static const char evil[] = "a\x1b[2J\xc2\x9b\xff\n";
    str_add_visible(&s, evil, sizeof evil - 1, true);
    assert_string_equal(str_text(&s), "a^[[2J\\x9b\xef\xbf\xbd\n");
    str_fini(&s);
}

static void a_text_is_cut_between_two_characters(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *want;
        bool fits;
    } cases[] = {
        {"abc", 4, "abc", true},       {"abcd", 4, "abc", false},
        {"ab\u00e4", 5, "ab\u00e4", true}, {"ab\u00e4", 4, "ab", false},
        {"a\u6f22", 4, "a", false},     {"a\u6f22", 3, "a", false},
        {"\U0001f600", 4, "", false},   {"\U0001f600b", 5, "\U0001f600", false},
        {"a", 1, "", false},           {"\x80\x80\x80\x80\x80\x80", 6, "\x80\x80", false}, // no text at all: still ends
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[8];
        assert_int_equal(text_copy(out, cases[i].size, cases[i].text), cases[i].fits);
        assert_string_equal(out, cases[i].want);
    }
}

static void quoted_texts_are_one_word_of_a_shell(void **state)
{
    static const char *const rows[][2] = {
        {"build/attune", "build/attune"}, {"a b", "'a b'"}, {"", "''"}, {"it's", "'it'\\''s'"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str s = {0};
        str_add_quoted(&s, rows[i][0]);
        assert_string_equal(str_text(&s), rows[i][1]);
        str_fini(&s);
    }
}

// Else an output of /dev/null, as root, takes that from the whole machine.
static void a_pipe_is_written_to_and_not_replaced(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "pipe"), *temporary = path_join(dir, "pipe.tmp"), bytes[8] = "";
    struct stat s;
    assert_int_equal(mkfifo(path, 0666), 0);
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(file_write(path, "abc", 3, e));
    assert_int_equal(read(fd, bytes, sizeof bytes), 3);
    assert_memory_equal(bytes, "abc", 3);
    assert_int_equal(stat(path, &s), 0);
    assert_true(S_ISFIFO(s.st_mode));
    struct file_out *out;
    assert_ok(file_out_open(&out, path, e));
    file_out_abort(out);
    assert_true(file_exists(path));
    assert_false(file_exists(temporary));
    close(fd);
    free(temporary);
    free(path);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void file_write_replaces_whole_or_not_at_all(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "x");
    char *bytes;
    size_t n;
    assert_ok(file_write(path, "old", 3, e));
    struct file_out *out;
    assert_ok(file_out_open(&out, path, e));
    assert_ok(file_out_write(out, "newer", 5, e));
    file_out_abort(out);
    assert_ok(file_read(path, 100, &bytes, &n, e));
    assert_string_equal(bytes, "old");
    free(bytes);
    struct err fault = {0};
    assert_int_equal(file_read(path, 2, &bytes, &n, &fault), ERR_LIMIT);
    assert_int_equal(file_read("/nonexistent/x", 2, &bytes, &n, &fault), ERR_NOT_FOUND);
    assert_ok(file_remove_tree(dir, e));
    assert_false(file_exists(dir));
    free(dir);
    free(path);
}

static void expect_text(char *got, const char *want)
{
    assert_string_equal(got, want);
    free(got);
}

static void paths_are_put_together_and_taken_apart(void **state)
{
    expect_text(path_join("a", "b"), "a/b");
    expect_text(path_join("a/", "b"), "a/b");
    expect_text(path_join("", "b"), "b");
    expect_text(path_join(".", "b"), "b");
    expect_text(path_join("a", "/b"), "/b");
    expect_text(path_join("/", "b"), "/b");
    expect_text(path_dir("a/b/c"), "a/b");
    expect_text(path_dir("c"), ".");
    expect_text(path_dir("/c"), "/");
    assert_string_equal(path_base("a/b/c"), "c");
    assert_string_equal(path_base("c"), "c");
    assert_string_equal(path_base("/c"), "c");
}

static void json_errors_name_the_place(void **state)
{
    struct err fault = {0};
    json_t *value;
    assert_int_equal(json_parse("{\"a\": 1,\n \"b\" 2}", 16, "data.jsonl:17", &value, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "data.jsonl:17"));
    assert_non_null(strstr(fault.text, "line 2"));
    assert_int_equal(json_parse("{\"a\":1,\"a\":2}", 13, "x", &value, &fault), ERR_INPUT);
}

static void json_numbers_that_nobody_reads_do_no_harm(void **state)
{
    static const char text[] = "{\"big\": 1000000000000000019884624838656, \"no\": [NaN, -Infinity, 1e400, -7], "
                               "\"text\": \"NaN \\\" 1e400\", \"tiny\": 1e-400, \"most\": 9223372036854775807}";
    struct err fault = {0};
    json_t *value;
    double number;
    int64_t whole;
    const char *shown;
    assert_ok(json_parse(text, sizeof text - 1, "x", &value, e));
    assert_ok(json_get_double(value, "big", 0, &number, "x", e));
    assert_true(number == 1e30);
    assert_ok(json_get_int(value, "most", 0, 0, INT64_MAX, &whole, "x", e));
    assert_true(whole == INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(value, "text")), "NaN \" 1e400");
    const json_t *no = json_object_get(value, "no");
    static const char *const texts[] = {"NaN", "-Infinity", "1e400"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_is_unreadable(json_array_get(no, i), &shown));
        assert_string_equal(shown, texts[i]);
    }
    assert_false(json_is_unreadable(json_array_get(no, 3), NULL));
    json_decref(value);
    assert_ok(json_parse("{\"a\": NaN}", 10, "x", &value, e));
    assert_int_equal(json_get_double(value, "a", 0, &number, "x", &fault), ERR_INPUT);
    json_decref(value);
    assert_int_equal(json_parse("{\"a\": 1e400", 11, "x", &value, &fault), ERR_INPUT);
    assert_int_equal(json_parse("{\"a\": nan}", 10, "x", &value, &fault), ERR_INPUT);
}

static const char *const kinds[] = {"linear", "cosine", NULL};
static const struct param table[] = {
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0.001, .max = 10, .help = "strength", .live = true},
    {.name = "schedule", .type = PARAM_CHOICE, .fallback = "cosine", .choices = kinds, .help = "shape"},
    {.name = "model", .type = PARAM_PATH, .help = "the model"},
    {.name = "shuffle", .type = PARAM_BOOL, .fallback = "yes", .help = "order"},
    {0}};

static void settings_check_values_and_suggest_names(void **state)
{
    const struct param *const tables[] = {table, NULL};
    struct settings s;
    struct err fault = {0};
    settings_init(&s, tables);
    assert_close(settings_float(&s, "beta"), 0.1, 0);
    assert_true(settings_bool(&s, "shuffle"));
    assert_int_equal(settings_set(&s, "beta", "0", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "0.001 to 10"));
    assert_int_equal(settings_set(&s, "beta", "nan", &fault), ERR_USAGE);
    assert_int_equal(settings_set(&s, "bata", "1", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "--beta"));
    assert_int_equal(settings_set(&s, "schedule", "cubic", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "linear, cosine"));
    assert_int_equal(settings_check_required(&s, &fault), ERR_USAGE);
    assert_ok(settings_set(&s, "model", "m", e));
    assert_ok(settings_set(&s, "beta", "0.5", e));
    assert_ok(settings_check_required(&s, e));

    json_t *json = settings_to_json(&s, true), *description = params_to_json(table);
    struct param *again;
    assert_ok(params_from_json(description, &again, e));
    const struct param *const tables_again[] = {again, NULL};
    struct settings t;
    settings_init(&t, tables_again);
    assert_ok(settings_from_json(&t, json, e));
    assert_close(settings_float(&t, "beta"), 0.5, 0);
    assert_string_equal(settings_text(&t, "model"), "m");
    json_decref(json);
    json_decref(description);
    settings_fini(&s);
    settings_fini(&t);
    params_free(again);
}

static void square(void *arg, int block, int thread)
{
    ((double *)arg)[block] = (double)block * block;
}

static void pool_does_every_block_once(void **state)
{
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        struct pool *p;
        assert_ok(pool_new(&p, n_threads, e));
        double out[301];
        for (int round = 0; round < 300; round++) {
            int n = round % 301;
            memset(out, 0, sizeof out);
            pool_run(p, n, square, out);
            for (int i = 0; i < 301; i++)
                assert_close(out[i], i < n ? (double)i * i : 0, 0);
        }
        pool_free(p);
    }
}

static void near_names_are_named_the_nearest_first(void **state)
{
    static const char *const names[] = {"sft", "dpo", "dpop", "ipo", "simpo", "robust-dpo", "length-normalized"};
    static const struct {
        const char *typed, *want;
    } cases[] = {
        {"dpoo", "; did you mean dpo, dpop or ipo?"},
        {"robust", "; did you mean robust-dpo?"},
        {"lenght-normalised", "; did you mean length-normalized?"},
        {"transformer", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = {0};
        str_add_near(&s, cases[i].typed, names, sizeof names / sizeof *names);
        assert_string_equal(str_text(&s), cases[i].want);
        str_fini(&s);
    }
}

static void json_numbers_that_are_not_finite_are_found(void **state)
{
    json_t *fine = json_pack("{s:[o, o], s:{s:o}}", "a", json_computed(1), json_computed(-2.5), "b", "c", json_computed(0));
    json_t *bad = json_pack("{s:[{s:o}, {s:o, s:o}]}", "all", "logp", json_computed(1), "n", json_integer(1), "logp",
                            json_computed(-INFINITY));
    struct str path = {0};
    const char *text = NULL;
    assert_non_null(fine);
    assert_non_null(bad);
    assert_null(json_find_unreadable(fine, &path, &text));
    assert_int_equal(path.len, 0);
    assert_non_null(json_find_unreadable(bad, &path, &text));
    assert_string_equal(str_text(&path), "all[1].logp");
    assert_string_equal(text, "-Infinity");
    str_fini(&path);
    json_t *nan = json_computed(NAN);
    assert_true(json_is_unreadable(nan, &text));
    assert_string_equal(text, "NaN");
    json_decref(nan);
    json_decref(fine);
    json_decref(bad);
}

static void members_are_used_neutral_or_named(void **state)
{
    static const struct member_row own[] = {{"size", MEMBER_USED, NULL}, {"bias", MEMBER_USED, NULL}, {0}};
    static const struct member_row common[] = {{"bias", MEMBER_NEUTRAL, "false"},
                                               {"scale", MEMBER_NEUTRAL, "1 0 none"},
                                               {"extra", MEMBER_NEUTRAL, "{} []"},
                                               {"author", MEMBER_HARMLESS, NULL},
                                               {0}};
    static const struct member_row *const tables[] = {own, common, NULL};
    static const struct {
        const char *text, *refused, *note; // NULL: neither
    } cases[] = {
        {"{\"size\": 3, \"bias\": true, \"author\": [1], \"scale\": 1.0, \"extra\": {}}", NULL, NULL},
        {"{\"scale\": \"none\", \"extra\": []}", NULL, NULL},
        {"{\"scale\": null, \"extra\": null, \"nobody\": null}", NULL, NULL},
        {"{\"scale\": 2}", "f.json: \"scale\" is 2, which changes the result", NULL},
        {"{\"scale\": \"1\"}", NULL, NULL}, // the word, as some writers have numbers
        {"{\"scale\": true}", "\"scale\" is true", NULL},
        {"{\"scale\": NaN}", "\"scale\" is NaN", NULL},
        {"{\"extra\": {\"a\": 1}}", "\"extra\" is {\"a\":1}", NULL},
        {"{\"siez\": 3}", NULL, "f.json: \"siez\" is not known"},
        {"{\"x\": 1, \"y\": 1e400}", NULL, "f.json: \"x\", \"y\" are not known"},
        {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1}", NULL, "\"h\" and 2 more are"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notes notes = {0};
        struct err fault = {0};
        json_t *json;
        assert_ok(json_parse(cases[i].text, strlen(cases[i].text), "f.json", &json, e));
        const int code = members_check(json, tables, "f.json", &notes, &fault);
        assert_int_equal(code, cases[i].refused ? ERR_UNSUPPORTED : 0);
        if (cases[i].refused)
            assert_non_null(strstr(fault.text, cases[i].refused));
        assert_int_equal(notes.n, cases[i].note ? 1 : 0);
        if (cases[i].note)
            assert_non_null(strstr(notes.texts[0], cases[i].note));
        assert_int_equal(members_check(json, tables, "f.json", NULL, &fault), code); // nobody asks for notes
        json_decref(json);
        notes_fini(&notes);
    }
}

static void notes_are_kept_once(void **state)
{
    struct notes a = {0}, b = {0};
    notes_add(&a, "one %d", 1);
    notes_add(&a, "one 1");
    notes_add(&b, "two");
    notes_add(&b, "one 1");
    notes_add(NULL, "nobody asks");
    notes_append(&a, &b);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.texts[1], "two");
    notes_fini(&a);
    notes_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_numbers_that_are_not_finite_are_found),
        cmocka_unit_test(members_are_used_neutral_or_named),
        cmocka_unit_test(notes_are_kept_once),
        cmocka_unit_test(near_names_are_named_the_nearest_first),
        cmocka_unit_test(sha256_matches_fips_examples),
        cmocka_unit_test(philox_matches_known_answers),
        cmocka_unit_test(rng_normal_has_unit_moments),
        cmocka_unit_test(utf8_refuses_what_is_not_utf8),
        cmocka_unit_test(text_from_outside_is_shown_never_sent),
        cmocka_unit_test(a_text_is_cut_between_two_characters),
        cmocka_unit_test(quoted_texts_are_one_word_of_a_shell),
        cmocka_unit_test(file_write_replaces_whole_or_not_at_all),
        cmocka_unit_test(paths_are_put_together_and_taken_apart),
        cmocka_unit_test(a_pipe_is_written_to_and_not_replaced),
        cmocka_unit_test(json_errors_name_the_place),
        cmocka_unit_test(json_numbers_that_nobody_reads_do_no_harm),
        cmocka_unit_test(settings_check_values_and_suggest_names),
        cmocka_unit_test(pool_does_every_block_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
