#include "config.h"

#include "testing.h"

#include <unistd.h>

#include "base/json.h"
#include "corpus/corpus.h"
#include "corpus/source.h"

// All rows as lines "LINE JSON" or "LINE damage: WHY"; the error when one ends the file.
static char *rows_of(struct source *s, struct err *fault)
{
    struct str out = {0};
    struct source_row row;
    int code;
    while ((code = source_next(s, &row, fault)) > 0) {
        char *json = row.object ? json_dumps(row.object, JSON_COMPACT) : NULL;
        if (row.damage)
            str_addf(&out, "%lld damage: %s\n", (long long)row.line, row.damage);
        else if (json)
            str_addf(&out, "%lld %s\n", (long long)row.line, json);
        else
            str_addf(&out, "%lld text: %.*s\n", (long long)row.line, (int)row.n_text, row.text);
        free(json);
        json_decref(row.object);
    }
    if (code < 0)
        str_addf(&out, "error: %s\n", fault->text);
    return out.len ? str_take(&out) : mem_strdup("");
}

static const struct {
    const char *name, *file, *bytes, *rows; // rows behind "error: " may be a beginning
} tables[] = {
    {"quotes, doubled quotes, delimiters and line ends in cells", "a.csv",
     "prompt,chosen,rejected\nWhy?,\"Because, I \"\"think\"\".\",no\r\n\"two\nlines\",\"\",x\n",
     "2 {\"prompt\":\"Why?\",\"chosen\":\"Because, I \\\"think\\\".\",\"rejected\":\"no\"}\n"
     "3 {\"prompt\":\"two\\nlines\",\"chosen\":\"\",\"rejected\":\"x\"}\n"},
    {"a byte order mark, CRLF, no newline at the end, empty lines", "a.csv",
     "\xef\xbb\xbf" "prompt,chosen\r\n\r\na,b\r\n\r\nc,d",
     "3 {\"prompt\":\"a\",\"chosen\":\"b\"}\n5 {\"prompt\":\"c\",\"chosen\":\"d\"}\n"},
    {"CR alone", "a.csv", "prompt,chosen\ra,\"b\rb\"\r\rc,d\r",
     "2 {\"prompt\":\"a\",\"chosen\":\"b\\rb\"}\n5 {\"prompt\":\"c\",\"chosen\":\"d\"}\n"},
    {"objects on several lines", "a.json",
     "{\n \"prompt\": \"a } \\\" {\",\n \"x\": {\"y\": [1]}\n}\n{\n \"prompt\": \"b\"} {\"prompt\": \"c\"}\n",
     "1 {\"prompt\":\"a } \\\" {\",\"x\":{\"y\":[1]}}\n5 {\"prompt\":\"b\"}\n6 {\"prompt\":\"c\"}\n"},
    {"the last of them is cut", "a.json", "{\n \"prompt\": \"a\"\n}\n{\n \"prompt\": \"b",
     "1 {\"prompt\":\"a\"}\n4 damage: the file ends inside of this object: it was cut, or a bracket is missing\n"},
    {"a word between them", "a.json", "{\n \"prompt\": \"a\"\n}\n, x\n{\"prompt\": \"b\"}\n",
     "1 {\"prompt\":\"a\"}\n4 damage: text stands between two objects\n5 {\"prompt\":\"b\"}\n"},
    {"a first line that is cut", "a.jsonl", "{\"prompt\": \"a\n{\"prompt\": \"b\"}\n", "1 damage: not valid JSON"},
    {"quotes inside of a plain cell and blanks around texts stay", "a.csv", "prompt,text\n say \"hi\" ,\" x \"\n",
     "2 {\"prompt\":\" say \\\"hi\\\" \",\"text\":\" x \"}\n"},
    {"a column without a name is not read", "a.csv", ",prompt\n0,a\n1,b\n", "2 {\"prompt\":\"a\"}\n3 {\"prompt\":\"b\"}\n"},
    {"tabs", "a.tsv", "prompt\tchosen\na, b\tc;d\n", "2 {\"prompt\":\"a, b\",\"chosen\":\"c;d\"}\n"},
    {"semicolons, as spreadsheets write where the comma is decimal", "a.csv", "prompt;chosen\na,b;c\n",
     "2 {\"prompt\":\"a,b\",\"chosen\":\"c\"}\n"},
    {"no name: the header says it", "/dev/stdin", "prompt,chosen\na,b\n", "2 {\"prompt\":\"a\",\"chosen\":\"b\"}\n"},
    {"the content is stronger than the name", "a.csv", "{\"prompt\": \"a, b\"}\n", "1 {\"prompt\":\"a, b\"}\n"},
    {"texts stay texts, labels are numbers", "a.csv",
     "prompt,chosen,rejected,share,annotator1,label,is_safe\n2+2?,4,5,0.75,2,True,false\n2-2?,true,[1],,,x,\n",
     "2 {\"prompt\":\"2+2?\",\"chosen\":\"4\",\"rejected\":\"5\",\"share\":0.75,"
     "\"annotator1\":2,\"label\":true,\"is_safe\":false}\n"
     "3 {\"prompt\":\"2-2?\",\"chosen\":\"true\",\"rejected\":\"[1]\",\"share\":null,"
     "\"annotator1\":null,\"label\":\"x\",\"is_safe\":null}\n"},
    {"lists in the columns that hold them, messages anywhere", "a.csv",
     "prompt,votes,chosen\n\"[\"\"a\"\"]\",\"[2, 1]\",\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"x\"\"}]\"\n",
     "2 {\"prompt\":\"[\\\"a\\\"]\",\"votes\":[2,1],\"chosen\":[{\"role\":\"user\",\"content\":\"x\"}]}\n"},
    {"rows of another width", "a.csv", "prompt,chosen\na,b,c\nd\ne,f\n",
     "2 damage: the row has 3 cells, the header names 2 (a text with commas in it must stand in quotes)\n"
     "3 damage: the row has 1 cell, the header names 2 (a text with commas in it must stand in quotes)\n"
     "4 {\"prompt\":\"e\",\"chosen\":\"f\"}\n"},
    {"text behind a closing quote", "a.csv", "prompt,chosen\n\"a\"b,c\nd,e\n",
     "2 damage: text stands behind the closing quote of cell 1 (a quote inside of a quoted cell is written twice)\n"
     "3 {\"prompt\":\"d\",\"chosen\":\"e\"}\n"},
    {"broken UTF-8", "a.csv", "prompt,chosen\n\xff,b\nc,d\n",
     "2 damage: the row is not valid UTF-8\n3 {\"prompt\":\"c\",\"chosen\":\"d\"}\n"},
    {"a quote that never closes", "a.csv", "prompt,chosen\na,b\nc,\"d\ne,f\n",
     "2 {\"prompt\":\"a\",\"chosen\":\"b\"}\nerror: cannot read a.csv: the quote that opens at line 3 is never closed"},
    {"JSON lines", "a.jsonl", "{\"a\": 1}\nx\n", "1 {\"a\":1}\n2 damage: not valid JSON"},
    {"plain text", "a.txt", "one\n\ntwo", "1 text: one\n3 text: two\n"},
    {"two columns of one name", "a.csv", "a,b,a\n",
     "open: cannot read a.csv: columns 1 and 3 of its header, line 1, are both named \"a\""},
    {"no header", "a.csv", "\n", "open: cannot use a.csv as data: it holds no rows"},
    {"UTF-16", "a.csv", "\xff\xfe" "p", "open: cannot use a.csv as data: it is UTF-16"},
    {"a pointer of Git LFS", "a.jsonl", "version https://git-lfs.github.com/spec/v1\n",
     "open: cannot use a.jsonl as data: it only points to the data"},
};

static void rows_come_out_of_every_kind_of_text(void **state)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct err fault = {0};
        struct source *s = NULL;
        char *rows = NULL;
        if (source_open_bytes(&s, tables[i].file, tables[i].bytes, strlen(tables[i].bytes), &fault)) {
            struct str text = {0};
            str_addf(&text, "open: %s", fault.text);
            rows = str_take(&text);
        }
        for (int round = 0; s && round < 2; round++) { // and once more from the beginning
            free(rows);
            rows = rows_of(s, &fault);
            assert_ok(source_rewind(s, e));
        }
        const bool begins = strstr(tables[i].rows, "error: ") || strstr(tables[i].rows, "open: ") ||
                            strstr(tables[i].rows, "not valid JSON");
        if (begins ? !text_starts(rows, tables[i].rows) : strcmp(rows, tables[i].rows) != 0)
            fail_msg("%s:\n%s\nwanted:\n%s", tables[i].name, rows, tables[i].rows);
        free(rows);
        source_close(s);
    }
}

static char *in_folder(const char *dir, const char *name, const char *bytes)
{
    char *path = path_join(dir, name);
    assert_ok(file_write(path, bytes, strlen(bytes), e));
    return path;
}

static void write_in(const char *dir, const char *name, const char *bytes)
{
    free(in_folder(dir, name, bytes));
}

static void shards_are_one_data_set_in_order(void **state)
{
    char *dir = test_folder();
    write_in(dir, "README.md", "# about");
    write_in(dir, "dataset_info.json", "{}");
    write_in(dir, "train-00001-of-00003.jsonl", "{\"prompt\": \"b\", \"chosen\": \"c\", \"rejected\": \"d\"}\n");
    write_in(dir, "train-00000-of-00003.jsonl", "{\"prompt\": \"a\", \"chosen\": \"c\", \"rejected\": \"d\"}\n");
    struct corpus *c = NULL;
    struct err fault = {0};
    assert_int_equal(corpus_load(&c, dir, 0, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "the shard train-00002-of-00003.jsonl is missing"));
    char *last = in_folder(dir, "train-00002-of-00003.jsonl",
                           "\n{\"prompt\": \"c\", \"chosen\": \"c\", \"rejected\": \"c\"}\n{\"prompt\": \"e\", "
                           "\"chosen\": \"c\", \"rejected\": \"d\"}\n");
    assert_ok(corpus_load(&c, dir, 0, e));
    assert_int_equal(c->n_rows, 4);
    assert_int_equal(c->n_examples, 3);
    assert_string_equal(c->examples[0].turns[0].text, "a");
    assert_string_equal(c->examples[1].turns[0].text, "b");
    assert_string_equal(c->examples[1].file, "train-00001-of-00003.jsonl");
    assert_string_equal(c->refused[0].file, "train-00002-of-00003.jsonl");
    assert_int_equal(c->refused[0].line, 2);
    char hash[65];
    memcpy(hash, c->hash, sizeof hash);
    corpus_free(c);

    char *pattern = path_join(dir, "train-*.jsonl"); // what the folder's data set may be asked for as well
    write_in(dir, "test.jsonl", "{\"prompt\": \"t\", \"chosen\": \"c\", \"rejected\": \"d\"}\n");
    assert_int_equal(corpus_load(&c, dir, 0, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "holds 2 data sets"));
    assert_non_null(strstr(fault.text, "/test.jsonl"));
    assert_non_null(strstr(fault.text, "/train*.jsonl'"));
    assert_ok(corpus_load(&c, pattern, 0, e));
    assert_string_equal(c->hash, hash);
    assert_int_equal(c->n_rows, 4);
    corpus_free(c);
    unlink(last);
    assert_int_equal(corpus_load(&c, pattern, 0, &fault), ERR_INPUT);
    free(pattern);
    pattern = path_join(dir, "nothing-*.jsonl");
    assert_int_equal(corpus_load(&c, pattern, 0, &fault), ERR_NOT_FOUND);
    free(pattern);
    free(last);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void a_pipe_is_read_once_and_its_rows_twice(void **state)
{
    static const char rows[] = "prompt,chosen,rejected\na,b,c\nd,e,f\n";
    int fds[2];
    char name[40];
    struct corpus *c = NULL, *same = NULL;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], rows, sizeof rows - 1), sizeof rows - 1);
    close(fds[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", fds[0]);
    // says nothing, and takes nothing
    assert_ok(corpus_check_needs(name, "texts to imitate", false, &(struct corpus_reading){0}, e));
    assert_ok(corpus_load(&c, name, 0, e));
    assert_int_equal(c->n_examples, 2);
    assert_ok(corpus_parse(&same, "x.csv", rows, sizeof rows - 1, 0, e));
    assert_string_equal(c->hash, same->hash);
    corpus_free(c);
    corpus_free(same);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_of_every_kind_of_text),
        cmocka_unit_test(shards_are_one_data_set_in_order),
        cmocka_unit_test(a_pipe_is_read_once_and_its_rows_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
