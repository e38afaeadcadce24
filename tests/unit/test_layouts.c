// The record layouts of popular collections, each with rows of our own (tests/data/layouts): what they are, and that
// the right answer is the better one.
#include "config.h"

#include "testing.h"

#include "corpus/corpus.h"

static const char question[] = "What is ice?", good[] = "Frozen water.", bad[] = "A kind of fire.";

static const struct expected_layout {
    const char *name;
    enum data_kind kind;
    size_t n_examples, n_refused;
    double best, worst; // labels of `good` and `bad` in the first example
} layouts[] = {
    {"alpacafarm", DATA_PAIR, 1, 0, 1, 0},
    {"arena-140k", DATA_PAIR, 2, 0, 1, 0},
    {"arena-55k", DATA_PAIR, 1, 2, 1, 0},
    {"arena-conversations", DATA_PAIR, 2, 0, 1, 0},
    {"argilla-lists", DATA_PAIR, 1, 0, 1, 0},
    {"beavertails", DATA_BINARY, 2, 0, NAN, 0},
    {"chosen-response", DATA_PAIR, 1, 0, 1, 0},
    {"distilabel-ratings", DATA_LIST, 1, 0, 5, 1},
    {"dolly", DATA_SFT, 1, 0, 1, NAN},
    {"helpsteer2", DATA_LIST, 2, 0, 4, 1},
    {"helpsteer2-preference", DATA_PAIR, 1, 1, 1, 0},
    {"helpsteer3", DATA_PAIR, 1, 0, 2.0 / 3, 1.0 / 3},
    {"llmbar", DATA_PAIR, 1, 0, 1, 0},
    {"math-step-dpo", DATA_PAIR, 1, 0, 1, 0},
    {"nectar", DATA_LIST, 1, 0, -1, -2},
    {"oasst-flat", DATA_LIST, 1, 0, 0, -1},
    {"openai-preference", DATA_PAIR, 1, 0, 1, 0},
    {"orca-pairs", DATA_PAIR, 1, 0, 1, 0},
    {"pku-saferlhf", DATA_PAIR, 1, 0, 1, 0},
    {"ranked-responses", DATA_LIST, 1, 0, -1, -3},
    {"question-answer", DATA_SFT, 1, 0, 1, NAN},
    {"rewardbench", DATA_PAIR, 1, 0, 1, 0},
    {"rewardbench-2", DATA_LIST, 1, 0, 1, 0},
    {"shp", DATA_PAIR, 1, 0, 1, 0},
    {"stack-exchange-paired", DATA_PAIR, 1, 0, 1, 0},
    {"summaries", DATA_PAIR, 1, 0, 1, 0},
    {"ultrafeedback-binarized", DATA_PAIR, 1, 1, 1, 0},
    {"ultrainteract", DATA_PAIR, 1, 0, 1, 0},
    {"webgpt", DATA_PAIR, 1, 0, 1, 0},
};

static char *path_of(const char *name)
{
    struct str s = {0};
    str_addf(&s, "tests/data/layouts/%s.jsonl", name);
    char *path = test_source(str_text(&s));
    str_fini(&s);
    return path;
}

static double label_of(const struct example *x, const char *text)
{
    for (int i = 0; i < x->n_responses; i++)
        if (strcmp(x->responses[i].text, text) == 0)
            return x->responses[i].score;
    return NAN;
}

static void layouts_are_what_they_are(void **state)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const struct expected_layout *want = &layouts[i];
        char *path = path_of(want->name);
        struct corpus *c;
        assert_ok(corpus_load(&c, path, 0, e));
        if (c->kind != want->kind || c->n_examples != want->n_examples || c->n_refused != want->n_refused)
            fail_msg("%s: %s (%s), %zu examples, %zu refused", want->name, data_kind_name(c->kind), c->shape, c->n_examples,
                     c->n_refused);
        const struct example *x = &c->examples[0];
        const double best = label_of(x, good), worst = label_of(x, bad);
        const char *asked = x->turns[x->n_turns - 1].text;
        if (strcmp(asked, question) != 0 && strcmp(asked, "Say what this is.\nIce") != 0)
            fail_msg("%s: the prompt is \"%s\"", want->name, asked);
        if ((isnan(want->best) ? !isnan(best) : fabs(best - want->best) > 1e-12) || fabs(worst - want->worst) > 1e-12)
            fail_msg("%s: the labels are %g and %g", want->name, best, worst);
        corpus_free(c);
        free(path);
    }
}

static void another_label_counts_when_it_is_asked_for(void **state)
{
    char *path = path_of("pku-saferlhf");
    struct corpus *c;
    assert_ok(corpus_load_as(&c, path, 0, &(struct corpus_reading){.label_from = "safer"}, e));
    assert_close(label_of(&c->examples[0], bad), 1, 0);
    for (size_t i = 0; i < c->n_fields; i++)
        assert_int_equal(c->fields[i].used, strcmp(c->fields[i].name, "safer_response_id") == 0 ||
                                                strcmp(c->fields[i].name, "prompt") == 0 ||
                                                strcmp(c->fields[i].name, "response_0") == 0 ||
                                                strcmp(c->fields[i].name, "response_1") == 0);
    corpus_free(c);
    free(path);
    path = path_of("helpsteer2");
    assert_ok(corpus_load_as(&c, path, 2, &(struct corpus_reading){.label_from = "coherence"}, e));
    assert_close(label_of(&c->examples[0], bad), 3, 0);
    corpus_free(c);
    free(path);
}

static void calls_and_tools_go_along_and_come_back_from_the_normal_form(void **state)
{
    char *path = path_of("tools"), *dir = test_folder(), *written = path_join(dir, "normal.jsonl");
    struct corpus *c;
    assert_ok(corpus_load(&c, path, 0, e));
    assert_int_equal(c->n_examples, 1);
    assert_non_null(strstr(c->refused[0].reason, "not text (image)"));
    assert_ok(corpus_write(c, written, e));
    corpus_free(c);
    assert_ok(corpus_load(&c, written, 0, e));
    const struct example *x = &c->examples[0];
    assert_non_null(strstr(x->tools, "\"look\""));
    assert_string_equal(x->responses[0].text, "");
    assert_non_null(strstr(x->responses[0].json, "tool_calls"));
    assert_null(x->responses[1].json);
    corpus_free(c);
    assert_ok(file_remove_tree(dir, e));
    free(written);
    free(path);
    free(dir);
}

static int parse(struct corpus **c, const char *rows, const char *map, struct err *fault)
{
    char *dir = test_folder(), *path = path_join(dir, "rows.jsonl");
    assert_ok(file_write(path, rows, strlen(rows), e));
    int code = corpus_load_as(c, path, 0, &(struct corpus_reading){.map = map}, fault);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
    return code;
}

static void a_map_says_which_member_is_what(void **state)
{
    struct corpus *c;
    struct err fault = {0};
    static const char rows[] = "{\"q\": {\"t\": [\"x\", \"What is ice?\"]}, \"better\": \"Frozen water.\", "
                               "\"worse\": \"A kind of fire.\", \"chosen\": 7}\n";
    assert_int_equal(parse(&c, rows, "prompt=q.t.1,chosen=better,rejected=worse", &fault), 0);
    assert_int_equal(c->kind, DATA_PAIR);
    assert_string_equal(c->examples[0].turns[0].text, question);
    assert_string_equal(c->examples[0].responses[0].text, good);
    corpus_free(c);
    assert_int_equal(parse(&c, rows, "promt=q", &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "did you mean prompt?"));
    assert_int_equal(parse(&c, rows, "prompt", &fault), ERR_USAGE);
}

static void pictures_beside_the_texts_are_not_passed_over(void **state)
{
    struct corpus *c;
    static const char rows[] =
        "{\"question\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\", \"image\": {\"bytes\": \"x\"}}\n"
        "{\"question\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\", \"image\": null, "
        "\"images\": []}\n";
    assert_ok(parse(&c, rows, NULL, e));
    assert_int_equal(c->n_examples, 1);
    assert_int_equal(c->n_refused, 1);
    assert_non_null(strstr(c->refused[0].reason, "it has \"image\""));
    corpus_free(c);
    assert_ok(parse(&c, rows, "prompt=question", e)); // who names the members says what counts
    assert_int_equal(c->n_examples, 2);
    corpus_free(c);
}

static void a_near_name_is_not_passed_over(void **state)
{
    struct corpus *c;
    struct err fault = {0};
    assert_int_equal(parse(&c, "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejcted\": \"c\"}\n", NULL, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "rejected"));
    assert_int_equal(parse(&c, "{\"prompt\": \"a\", \"responce\": \"b\"}\n", NULL, &fault), ERR_INPUT);
}

static void too_many_refused_rows_are_an_error_that_counts_the_reasons(void **state)
{
    struct corpus *c;
    struct err fault = {0};
    struct str rows = {0};
    for (int i = 0; i < 30; i++)
        str_addf(&rows, "{\"prompt\": \"p%d\", \"chosen\": \"a\", \"rejected\": \"%s\", \"language\": \"%s\"}\n", i,
                 i < 3 ? "a" : "b", i < 3 ? "german" : "english");
    assert_int_equal(parse(&c, str_text(&rows), NULL, &fault), 0); // a tenth is not more than a tenth
    assert_int_equal(corpus_check_refused(c, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "all 3 rows in which \"language\" is german"));
    corpus_free(c);
    str_clear(&rows);
    for (int i = 0; i < 20; i++)
        str_addf(&rows, "{\"prompt\": \"p%d\", \"chosen\": %s, \"rejected\": \"b\"}\n", i,
                 i < 2 ? "7" : i < 5 ? "\"b\"" : "\"a\"");
    assert_int_equal(parse(&c, str_text(&rows), NULL, &fault), 0);
    assert_int_equal(corpus_check_refused(c, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "3 rows: line 3: chosen and rejected are the same text; 2 rows: line 1: "));
    corpus_free(c);
    str_clear(&rows);
    for (int i = 0; i < 20; i++)
        str_addf(&rows, "{\"prompt\": \"p%d\", \"chosen\": \"a\", \"rejected\": \"%s\"}\n", i, i < 2 ? "a" : "b");
    assert_int_equal(parse(&c, str_text(&rows), NULL, &fault), 0);
    assert_ok(corpus_check_refused(c, e));
    corpus_free(c);
    str_fini(&rows);
}

static void a_file_that_was_cut_is_not_trained_on_unasked(void **state)
{
    // Twenty rows, so that one is no tenth; then what the last of them says. cut: whether it is an error.
    static const struct {
        const char *first, *between, *last;
        bool cut;
    } files[] = {
        {"", "\n", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rej", true},
        {"", "\n", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}", false}, // only the line's end is missing
        {"", "\n", "no JSON at all", false},                                             // a bad row, but a whole one
        {"", "\n", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rej\n", false},
        {"[", ", ", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rej", true},
        {"[", ", ", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}", true},
        {"[", ", ", "", true},
        {"[", ", ", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}]", false},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct corpus *c;
        struct err fault = {0};
        struct str rows = {0};
        str_add(&rows, files[i].first);
        for (int k = 0; k < 20; k++)
            str_addf(&rows, "{\"prompt\": \"p%d\", \"chosen\": \"a\", \"rejected\": \"b\"}%s", k, files[i].between);
        str_add(&rows, files[i].last);
        assert_int_equal(parse(&c, str_text(&rows), NULL, &fault), 0);
        assert_int_equal(corpus_check_refused(c, &fault), files[i].cut ? ERR_INPUT : 0);
        if (files[i].cut)
            assert_non_null(strstr(fault.text, "was cut: it ends in the middle of line"));
        corpus_free(c);
        str_fini(&rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_what_they_are),
        cmocka_unit_test(another_label_counts_when_it_is_asked_for),
        cmocka_unit_test(calls_and_tools_go_along_and_come_back_from_the_normal_form),
        cmocka_unit_test(a_map_says_which_member_is_what),
        cmocka_unit_test(pictures_beside_the_texts_are_not_passed_over),
        cmocka_unit_test(a_near_name_is_not_passed_over),
        cmocka_unit_test(a_file_that_was_cut_is_not_trained_on_unasked),
        cmocka_unit_test(too_many_refused_rows_are_an_error_that_counts_the_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
