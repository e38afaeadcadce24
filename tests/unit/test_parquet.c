// Parquet files that pyarrow wrote, with every codec, encoding, kind of page and nesting, against the rows that it reads
// from them (tests/golden/parquet, with the generator); and files that are damaged.
#include "config.h"

#include "testing.h"

#include <jansson.h>

#include "base/json.h"
#include "corpus/corpus.h"
#include "corpus/parquet/parquet.h"

// The file and its rows.
static const struct golden {
    const char *file, *rows;
} files[] = {
    {"chats-none-v1-dictionary", "chats"}, {"chats-none-v1-plain", "chats"}, {"chats-none-v2-dictionary", "chats"},
    {"chats-none-v2-plain", "chats"}, {"chats-snappy-v1-dictionary", "chats"}, {"chats-snappy-v1-plain", "chats"},
    {"chats-snappy-v2-dictionary", "chats"}, {"chats-snappy-v2-plain", "chats"}, {"chats-gzip-v1-dictionary", "chats"},
    {"chats-gzip-v1-plain", "chats"}, {"chats-gzip-v2-dictionary", "chats"}, {"chats-gzip-v2-plain", "chats"},
    {"chats-zstd-v1-dictionary", "chats"}, {"chats-zstd-v1-plain", "chats"}, {"chats-zstd-v2-dictionary", "chats"},
    {"chats-zstd-v2-plain", "chats"}, {"dictionary-fallback", "dictionary-fallback"}, {"int96", "int96"},
    {"legacy-lists", "legacy-lists"}, {"numbers-delta-v1", "numbers"}, {"numbers-delta-v2", "numbers"},
    {"numbers-split-v1", "numbers"}, {"numbers-split-v2", "numbers"}, {"types", "types"}, {"types-fixed", "types"},
};

static char *path_of(const char *name, const char *ending)
{
    struct str s = {0};
    str_addf(&s, "tests/golden/parquet/%s.%s", name, ending);
    char *path = test_source(str_text(&s));
    str_fini(&s);
    return path;
}

static void compare(const struct golden *g)
{
    char *path = path_of(g->file, "parquet"), *rows_path = path_of(g->rows, "jsonl"), *text;
    struct parquet *p;
    struct err fault = {0};
    json_error_t place;
    json_t *row;
    size_t n;
    int line = 0, more;
    assert_ok(parquet_open_file(&p, path, PARQUET_MAX_GROUP_BYTES, e));
    assert_ok(file_read(rows_path, 1 << 24, &text, &n, e));
    const char *at = text;
    for (; (more = parquet_next(p, &row, &fault)) > 0; line++) {
        const size_t length = strcspn(at, "\n");
        json_t *want = json_loadb(at, length, 0, &place);
        if (!want)
            fail_msg("%s: there are more than %d rows", g->file, line);
        if (!json_equal(row, want)) {
            char *got = json_dumps(row, JSON_COMPACT);
            fail_msg("%s, row %d: %s, not %.*s", g->file, line + 1, got, (int)length, at);
        }
        json_decref(row);
        json_decref(want);
        at += length + 1;
    }
    if (more < 0)
        fail_msg("%s, row %d: %s", g->file, line + 1, fault.text);
    if (*at)
        fail_msg("%s: there are only %d rows", g->file, line);
    parquet_close(p);
    free(text);
    free(rows_path);
    free(path);
}

static void rows_are_those_that_pyarrow_reads(void **state)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        compare(&files[i]);
}

static void large_texts_and_no_rows(void **state)
{
    char *path = path_of("big-text", "parquet"), *empty = path_of("no-rows", "parquet");
    struct parquet *p;
    json_t *row;
    assert_ok(parquet_open_file(&p, path, PARQUET_MAX_GROUP_BYTES, e));
    const size_t lengths[] = {300000, 0, SIZE_MAX, 300000};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(parquet_next(p, &row, NULL), 1);
        const json_t *text = json_object_get(row, "text");
        if (lengths[i] == SIZE_MAX)
            assert_true(json_is_null(text));
        else
            assert_int_equal(json_string_length(text), lengths[i]);
        json_decref(row);
    }
    assert_int_equal(parquet_next(p, &row, NULL), 0);
    parquet_close(p);
    struct err fault = {0};
    assert_int_equal(parquet_open_file(&p, path, 1000, &fault), 0);
    assert_int_equal(parquet_next(p, &row, &fault), ERR_LIMIT);
    parquet_close(p);
    assert_ok(parquet_open_file(&p, empty, PARQUET_MAX_GROUP_BYTES, e));
    assert_int_equal(parquet_next(p, &row, NULL), 0);
    parquet_close(p);
    free(path);
    free(empty);
}

static void what_is_left_out_is_named(void **state)
{
    static const char *const codecs[] = {"lz4", "brotli"};
    for (int i = 0; i < 2; i++) {
        struct str name = {0};
        struct parquet *p;
        struct err fault = {0};
        json_t *row;
        str_addf(&name, "refused-%s", codecs[i]);
        char *path = path_of(str_text(&name), "parquet");
        int code = parquet_open_file(&p, path, PARQUET_MAX_GROUP_BYTES, &fault);
        if (!code) {
            code = parquet_next(p, &row, &fault);
            parquet_close(p);
        }
        assert_int_equal(code, ERR_UNSUPPORTED);
        for (char *c = fault.text; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        assert_non_null(strstr(fault.text, codecs[i]));
        str_fini(&name);
        free(path);
    }
}

// Cut anywhere, or with any byte changed: rows or an error with words, and nothing else.
static void damaged_files_are_errors(void **state)
{
    static const char *const names[] = {"chats-zstd-v1-dictionary", "legacy-lists", "numbers-delta-v2", "types"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char *path = path_of(names[k], "parquet"), *bytes;
        size_t n, n_faults = 0;
        assert_ok(file_read(path, 1 << 24, &bytes, &n, e));
        for (size_t at = 0; at < n; at += 1 + n / 600) {
            for (int cut = 0; cut < 2; cut++) {
                const size_t length = cut ? at : n;
                char *copy = malloc(length + 1);
                struct parquet *p;
                struct err fault = {0};
                json_t *row;
                memcpy(copy, bytes, length);
                if (!cut)
                    copy[at] = (char)(copy[at] ^ (at % 3 ? 0xff : 1));
                int more = parquet_open(&p, "damaged", copy, length, 1 << 24, &fault);
                if (!more) {
                    while ((more = parquet_next(p, &row, &fault)) > 0)
                        json_decref(row);
                    parquet_close(p);
                }
                if (more < 0)
                    assert_true(fault.text[0] && fault.code == more);
                n_faults += more < 0;
                if (cut)
                    assert_true(more < 0);
                free(copy);
            }
        }
        assert_true(n_faults > 100);
        free(bytes);
        free(path);
    }
}

static void pairs_are_data_as_from_any_file(void **state)
{
    char *path = path_of("pairs", "parquet");
    struct corpus *c;
    assert_ok(corpus_load(&c, path, 0, e));
    assert_int_equal(c->kind, DATA_PAIR);
    assert_int_equal(c->n_examples, 1);
    assert_string_equal(c->examples[0].responses[1].text, "3");
    assert_int_equal(c->n_refused, 1);
    assert_int_equal(c->refused[0].line, 2);
    assert_string_equal(c->unit, "row");
    corpus_free(c);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_that_pyarrow_reads), cmocka_unit_test(large_texts_and_no_rows),
        cmocka_unit_test(what_is_left_out_is_named), cmocka_unit_test(damaged_files_are_errors),
        cmocka_unit_test(pairs_are_data_as_from_any_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
