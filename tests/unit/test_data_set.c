// The rows of a data set as the page shows them: what filters know of a row, and the orders.
#include "config.h"

#include "testing.h"

#include "base/mem.h"
#include "ui/data/data_set.h"

static const char pairs[] = "{\"prompt\": \"Why?\", \"chosen\": \"So it is\", \"rejected\": \"No\"}\n"
                            "{\"prompt\": \"Who are you?\", \"chosen\": \"me\", \"rejected\": \"nobody at all\"}\n"
                            "{\"prompt\": \"why?\", \"chosen\": \"No\", \"rejected\": \"so it is\"}\n"
                            "{\"prompt\": \"Tie\", \"chosen\": \"abc\", \"rejected\": \"abcdef\", \"votes\": [1, 1, 0]}\n";

static void open_set(struct data_set *d, const char *text)
{
    *d = (struct data_set){.version = 7};
    assert_ok(corpus_parse(&d->corpus, "data.jsonl", text, strlen(text), 0, e));
    d->survey = survey_new(d->corpus, NULL);
}

// The rows that pass, as digits in their order.
static void expect_rows(const struct data_set *d, const char *filter, int order, bool is_up, const char *want)
{
    struct data_rows r = {0};
    struct filter *f = NULL;
    char have[20] = "";
    if (filter)
        assert_ok(filter_parse(&f, filter, e));
    data_rows_begin(&r, d, f, order, is_up);
    while (!data_rows_continue(&r, d, 0))
        ;
    for (size_t i = 0; i < r.n; i++)
        have[i] = (char)('1' + r.rows[i]);
    if (strcmp(have, want) != 0)
        fail_msg("%s: rows %s, not %s", filter ? filter : "all", have, want);
    assert_int_equal(r.version, 7);
    data_rows_fini(&r);
}

static int order_of(const char *name)
{
    int i = 0;
    while (data_orders[i] && strcmp(data_orders[i], name) != 0)
        i++;
    assert_non_null(data_orders[i]);
    return i;
}

static void a_filter_knows_texts_lengths_sides_and_flags(void **state)
{
    struct data_set d;
    open_set(&d, pairs);
    expect_rows(&d, NULL, 0, true, "1234");
    expect_rows(&d, "who", 0, true, "2");
    expect_rows(&d, "chosen:\"so it\"", 0, true, "1");
    expect_rows(&d, "rejected:\"so it\"", 0, true, "3");
    expect_rows(&d, "response:no", 0, true, "123");
    expect_rows(&d, "side=longer", 0, true, "1");
    expect_rows(&d, "side=shorter", 0, true, "23");
    expect_rows(&d, "side=tie", 0, true, "4");
    expect_rows(&d, "flag=opposite", 0, true, "13");
    expect_rows(&d, "-flag:prompt", 0, true, "24");
    expect_rows(&d, "gap<-5", 0, true, "23");
    expect_rows(&d, "prompt-length>=4 chosen-length=2", 0, true, "23");
    expect_rows(&d, "row>1 line<4", 0, true, "23");
    expect_rows(&d, "share<1", 0, true, "4");
    expect_rows(&d, "has:response-length", 0, true, "");
    data_set_fini(&d);
}

static void rows_are_sorted_and_those_without_a_value_come_last(void **state)
{
    struct data_set d;
    open_set(&d, pairs); // gaps 6, -11, -6, -3; prompts 4, 12, 4, 3
    expect_rows(&d, NULL, order_of("gap"), false, "1432");
    expect_rows(&d, NULL, order_of("gap"), true, "2341");
    expect_rows(&d, NULL, order_of("prompt-length"), false, "2134"); // equal ones in the order of the file
    expect_rows(&d, NULL, order_of("response-length"), false, "1234");
    expect_rows(&d, "why", order_of("gap"), true, "31");
    data_set_fini(&d);
}

static void other_kinds_have_fields_of_their_own(void **state)
{
    struct data_set d;
    open_set(&d, "{\"prompt\": \"a\", \"completion\": \"good one\", \"label\": true}\n"
                 "{\"prompt\": \"b\", \"completion\": \"no\", \"label\": false}\n");
    expect_rows(&d, "label=bad", 0, true, "2");
    expect_rows(&d, "response-length>2", 0, true, "1");
    expect_rows(&d, "has:gap", 0, true, "");
    data_set_fini(&d);
    open_set(&d, "{\"messages\": [{\"role\": \"system\", \"content\": \"be short\"}, {\"role\": \"user\", \"content\": "
                 "\"hi\"}, {\"role\": \"assistant\", \"content\": \"hello\"}]}\n");
    expect_rows(&d, "system:short", 0, true, "1");
    expect_rows(&d, "prompt:short", 0, true, "");
    expect_rows(&d, "turns=2", 0, true, "1");
    data_set_fini(&d);
}

static void every_field_has_a_name_and_a_source_is_compared_whole(void **state)
{
    for (int i = 0; data_fields[i]; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(data_fields[i], data_fields[k]);
    struct data_source a = data_source_copy(&(struct data_source){.path = "x", .map = "prompt=q"}), b = data_source_copy(&a);
    assert_true(data_source_equal(&a, &b));
    free(b.map);
    b.map = mem_strdup("");
    assert_false(data_source_equal(&a, &b));
    data_source_fini(&a);
    data_source_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_knows_texts_lengths_sides_and_flags),
        cmocka_unit_test(rows_are_sorted_and_those_without_a_value_come_last),
        cmocka_unit_test(other_kinds_have_fields_of_their_own),
        cmocka_unit_test(every_field_has_a_name_and_a_source_is_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
