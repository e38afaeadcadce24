// The language of filters: what passes, what is wrong and where.
#include "config.h"

#include "testing.h"

#include "base/filter.h"

struct item {
    const char *name, *note, *tags[4];
    double loss, beta, age;
};

static const struct item items[] = {
    {"dpo-b0.1-s1", "first try", {"hh", "sweep"}, 0.512, 0.1, 60},
    {"dpo-b0.3-s1", "", {"hh", "debug"}, 0.548, 0.3, 7200},
    {"simpo-g1.4", "too long (answers)", {NULL}, 1.31, NAN, 90000},
    {"Kto-1", "lr=1e-5, a|b", {"sweep"}, -0.25, 1e-5, 5},
};
enum { N = sizeof items / sizeof *items };

static bool get(const void *of, const char *field, int i, struct filter_value *out)
{
    const struct item *item = of;
    *out = (struct filter_value){.number = NAN};
    if (!field) {
        out->text = i == 0 ? item->name : item->note;
        return i < 2;
    }
    if (strcmp(field, "tag") == 0) {
        out->text = i < 4 ? item->tags[i] : NULL;
        return out->text;
    }
    if (strcmp(field, "name") == 0 || strcmp(field, "note") == 0) {
        out->text = field[1] == 'a' ? item->name : item->note;
        return i == 0;
    }
    out->number = strcmp(field, "loss") == 0   ? item->loss
                  : strcmp(field, "beta") == 0 ? item->beta
                  : strcmp(field, "age") == 0  ? item->age
                                               : NAN;
    return i == 0 && !isnan(out->number);
}

// Letters of the items that pass: "ab".
static void passes(const char *text, const char *expected)
{
    struct filter *f = NULL;
    char passed[N + 1] = "";
    assert_ok(filter_parse(&f, text, e));
    for (int i = 0; i < N; i++)
        if (filter_matches(f, get, &items[i]))
            strncat(passed, &"abcd"[i], 1);
    if (strcmp(passed, expected) != 0)
        fail_msg("%s: %s passed, not %s", text, passed, expected);
    filter_free(f);
}

static void words_look_through_the_main_texts(void **state)
{
    passes("", "abcd");
    passes("  \t ", "abcd");
    passes("dpo", "ab");
    passes("DPO s1", "ab");
    passes("kto", "d");
    passes("first", "a");
    passes("\"too long\"", "c");
    passes("\"(answers)\"", "c");
    passes("\"lr=1e-5, a|b\"", "d");
    passes("\"say \\\"no\\\"\"", "");
    passes("dpo|simpo", "abc");
    passes("kto,simpo", "cd");
    passes("or", ""); // only OR in capitals is a keyword
}

static void globs_and_patterns(void **state)
{
    passes("dpo*", "ab");
    passes("*s1", "ab");
    passes("dpo", "ab");
    passes("d?o-b0.?-s1", "ab");
    passes("name=dpo*", "ab");
    passes("name=dpo", "");
    passes("name!=dpo*", "cd");
    passes("\"dpo*\"", "");
    passes("/^(dpo|kto)-/", "abd");
    passes("name:/s1$/", "ab");
    passes("/a\\|b/", "d");
    passes("(/^dpo/ tag:debug)|/^simpo/", "bc");
    passes("/no/end", ""); // a path, not a pattern
    assert_true(filter_glob("*a*b*", "xxaxxbxx"));
    assert_true(filter_glob("", ""));
    assert_true(filter_glob("?", "\303\244"));
    assert_false(filter_glob("a?", "a"));
    assert_false(filter_glob("*ab", "abab "));
}

static void fields_are_compared(void **state)
{
    passes("tag:hh", "ab");
    passes("tag:ee", "ad"); // holds
    passes("tag=hh", "ab");
    passes("tag=ee", "");
    passes("tag=HH,debug", "ab");
    passes("tag=debug|sweep", "abd");
    passes("tag!=sweep", "bc");
    passes("-tag:hh", "cd");
    passes("!tag=hh", "cd");
    passes("NOT tag=hh", "cd");
    passes("has:tag", "abd");
    passes("-has:beta", "c");
    passes("loss<0.52", "ad");
    passes("loss<0.512", "d");
    passes("loss < 0.52", "ad");
    passes("loss<=0.512", "ad");
    passes("loss>=0.548", "bc");
    passes("loss>.54", "bc");
    passes("loss<-0.2", "d");
    passes("loss!=0.512", "bcd");
    passes("loss != 0.512", "bcd");
    passes("beta=1e-5", "d");
    passes("beta=0.10", "a");
    passes("beta=0.1,0.3", "ab");
    passes("beta!=0.1", "bcd"); // also what has none
    passes("beta:1e-5", "d");
    passes("beta<1", "abd"); // not what has none
    passes("age<2m", "ad");
    passes("age<=2h age>1m", "b");
    passes("age>1d", "c");
    passes("age>80k", "c");
    passes("loss<50%", "d");
}

static void terms_are_joined(void **state)
{
    passes("dpo tag:debug", "b");
    passes("dpo AND tag:debug", "b");
    passes("dpo && tag:debug", "b");
    passes("tag:debug OR simpo", "bc");
    passes("tag:debug | simpo", "bc");
    passes("tag:debug || simpo", "bc");
    passes("simpo OR dpo tag:debug", "bc"); // AND binds more closely
    passes("(simpo OR dpo) tag:hh", "ab");
    passes("-(simpo OR dpo)", "d");
    passes("- - simpo", "c");
    passes("NOT (dpo -tag:debug)", "bcd");
    passes("!(tag:hh)!(tag:sweep)", "c");
}

static void refused(const char *text, int place, const char *why)
{
    struct filter *f = NULL;
    struct err fault = {0};
    char at[40];
    assert_int_equal(filter_parse(&f, text, &fault), ERR_USAGE);
    assert_null(f);
    snprintf(at, sizeof at, "at character %d: ", place);
    if (!strstr(fault.text, at) || !strstr(fault.text, why))
        fail_msg("%s: \"%s\", and not %s%s", text, fault.text, at, why);
}

static void errors_say_place_and_remedy(void **state)
{
    refused("loss<", 6, "a value is missing after loss<");
    refused("loss<x", 6, "\"x\" is no number to compare loss with");
    refused("loss<0x10", 6, "no number");
    refused("loss<nan", 6, "no number");
    refused("loss<1,2", 6, "one number only");
    refused("\303\244 loss<", 8, "a value is missing");
    refused("tag: hh", 5, "a value is missing after tag:");
    refused("=hh", 1, "the name of a field is missing before =");
    refused("!=hh", 1, "the name of a field is missing");
    refused("(a b", 1, "the ) that belongs to this ( is missing");
    refused("a b)", 4, "the ( that belongs to this ) is missing");
    refused("a OR", 5, "missing at the end");
    refused("a | )", 5, "missing before )");
    refused("()", 2, "missing before )");
    refused("a,", 3, "another value is missing after ,");
    refused("tag:a,,b", 7, "another value is missing after ,");
    refused("-", 2, "what is not to be is missing");
    refused("x \"abc", 3, "the closing \" is missing");
    refused("/a(/", 1, "the pattern between / and / is none");
    refused("/(a{1,200}){1,200}/", 1, "no {");
    refused("/(a)\\1/", 1, "no { and no \\1");
    refused("has:a,b", 5, "one name");
    char deep[200];
    memset(deep, '(', sizeof deep);
    deep[199] = '\0';
    refused(deep, 41, "nested too deeply");
    char lengthy[3000];
    memset(lengthy, 0x61, sizeof lengthy);
    lengthy[2999] = 0;
    struct filter *f = NULL;
    struct err fault = {0};
    assert_int_equal(filter_parse(&f, lengthy, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "2000 bytes"));
}

static void fields_are_listed_and_unknown_ones_found(void **state)
{
    struct filter *f = NULL;
    assert_ok(filter_parse(&f, "dpo loss<9 lss>0 has:tag", e));
    assert_string_equal(filter_text(f), "dpo loss<9 lss>0 has:tag");
    assert_string_equal(filter_field(f, 0), "loss");
    assert_string_equal(filter_field(f, 1), "lss");
    assert_string_equal(filter_field(f, 2), "tag");
    assert_null(filter_field(f, 3));
    assert_null(filter_unknown(f));
    for (int i = 0; i < N; i++)
        assert_false(filter_matches(f, get, &items[i]));
    assert_string_equal(filter_unknown(f), "lss");
    filter_free(f);
    assert_true(filter_is_empty(NULL));
    assert_true(filter_matches(NULL, get, &items[0]));
    assert_string_equal(filter_text(NULL), "");
    filter_free(NULL);
}

static void numbers_have_units(void **state)
{
    double x = 0;
    assert_true(filter_number("1e-5", &x) && x == 1e-5);
    assert_true(filter_number("-.5", &x) && x == -0.5);
    assert_true(filter_number("20k", &x) && x == 20000);
    assert_true(filter_number("1.5M", &x) && x == 1.5e6);
    assert_true(filter_number("5%", &x) && x == 0.05);
    assert_true(filter_number("30m", &x) && x == 1800);
    assert_true(filter_number("2w", &x) && x == 2 * 7 * 86400);
    assert_false(filter_number("", &x));
    assert_false(filter_number("1e999", &x));
    assert_false(filter_number("1 2", &x));
    assert_false(filter_number("inf", &x));
    assert_false(filter_number("2kk", &x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_look_through_the_main_texts), cmocka_unit_test(globs_and_patterns),
        cmocka_unit_test(fields_are_compared),               cmocka_unit_test(terms_are_joined),
        cmocka_unit_test(errors_say_place_and_remedy),       cmocka_unit_test(fields_are_listed_and_unknown_ones_found),
        cmocka_unit_test(numbers_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
