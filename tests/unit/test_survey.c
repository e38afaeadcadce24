// A data set in numbers: lengths, the longer answer, rows that are there twice or say the opposite.
#include "config.h"

#include "testing.h"

#include <math.h>

#include "base/mem.h"
#include "corpus/survey.h"
#include "text/tokenizer.h"

static void expect_near(double have, double want, double bound)
{
    if (!(fabs(have - want) <= bound))
        fail_msg("%.17g, not %.17g", have, want);
}

static struct corpus *parse(const char *text)
{
    struct corpus *c;
    assert_ok(corpus_parse(&c, "data.jsonl", text, strlen(text), 0, e));
    return c;
}

static const char pairs[] = "{\"prompt\": \"Why?\", \"chosen\": \"So it is\", \"rejected\": \"No\"}\n"
                            "{\"prompt\": \"why?\", \"chosen\": \"so  it IS \", \"rejected\": \"no\"}\n"
                            "{\"prompt\": \"Why?\", \"chosen\": \"No\", \"rejected\": \"So it is\"}\n"
                            "{\"prompt\": \"Who?\", \"chosen\": \"me\", \"rejected\": \"you\"}\n"
                            "{\"prompt\": \"Ünd?\", \"chosen\": \"äbc\", \"rejected\": \"xyz\"}\n"
                            "{\"prompt\": \"Tie\", \"chosen\": \"abcde\", \"rejected\": \"b\", \"votes\": [1, 1, 0]}\n";

static void rows_that_are_there_again_or_say_the_opposite_are_found(void **state)
{
    struct corpus *c = parse(pairs);
    struct survey *s = survey_new(c, NULL);
    assert_int_equal(s->n, 6);
    assert_int_equal(s->rows[0].flags, SURVEY_OPPOSITE | SURVEY_PROMPT);
    assert_int_equal(s->rows[1].flags, SURVEY_SAME | SURVEY_OPPOSITE | SURVEY_PROMPT);
    assert_int_equal(s->rows[2].flags, SURVEY_OPPOSITE | SURVEY_PROMPT);
    assert_int_equal(s->rows[3].flags, 0);
    assert_int_equal(s->rows[5].flags, SURVEY_TIE);
    assert_int_equal(s->n_same, 1);
    assert_int_equal(s->n_opposite, 3);
    assert_int_equal(s->n_prompts, 4);
    assert_int_equal(s->n_ties, 1);
    survey_free(s);
    corpus_free(c);
}

// 8-2, 9-2 (a blank more at the end counts), 2-8, 2-3, 3-3; the tie is left out.
static void the_longer_answer_is_counted_without_ties(void **state)
{
    struct corpus *c = parse(pairs);
    struct survey *s = survey_new(c, NULL);
    double low, high;
    assert_int_equal(s->n_longer, 2);
    assert_int_equal(s->n_shorter, 2);
    assert_int_equal(s->n_equal, 1);
    expect_near(s->mean_gap, (6 + 8 - 6 - 1 + 0) / 5.0, 1e-12);
    expect_near(survey_longer(s, &low, &high), 0.5, 1e-12);
    // Wilson's interval of 2.5 of 5: 0.5 -+ z sqrt(1/20 + z^2/100) / (1 + z^2/5)
    expect_near(low, 0.170423581, 1e-9);
    expect_near(high, 0.829576419, 1e-9);
    assert_int_equal(s->gap_step, 2);
    assert_int_equal(s->gaps[9], 1); // 8: >= 4 w
    assert_int_equal(s->gaps[8], 1); // 6
    assert_int_equal(s->gaps[5], 1); // 0
    assert_int_equal(s->gaps[4], 1); // -1
    assert_int_equal(s->gaps[2], 1); // -6
    survey_free(s);
    corpus_free(c);
}

static void the_longer_side_is_the_chosen_one(void **state)
{
    struct corpus *c = parse("{\"prompt\": \"a\", \"chosen\": \"long\", \"rejected\": \"no\"}\n"
                             "{\"prompt\": \"b\", \"chosen\": \"longer\", \"rejected\": \"no\"}\n"
                             "{\"prompt\": \"c\", \"chosen\": \"no\", \"rejected\": \"longest\"}\n");
    struct survey *s = survey_new(c, NULL);
    double low, high;
    assert_int_equal(s->n_longer, 2);
    assert_int_equal(s->n_shorter, 1);
    expect_near(survey_longer(s, &low, &high), 2.0 / 3, 1e-12);
    survey_free(s);
    corpus_free(c);
}

static int64_t twice(void *with, const char *text, size_t n_bytes)
{
    return *(int *)with * (int64_t)n_bytes;
}

static bool until(void *with, size_t n_rows)
{
    return n_rows < *(size_t *)with;
}

static void lengths_are_counted_in_characters_or_as_asked(void **state)
{
    struct corpus *c = parse(pairs);
    struct survey *s = survey_new(c, NULL);
    int factor = 2;
    assert_int_equal(s->n_parts, 3);
    assert_string_equal(s->parts[1].name, "chosen");
    assert_int_equal(s->rows[4].first, 3); // "äbc"
    assert_int_equal(s->parts[0].max, 4);
    assert_int_equal(s->parts[0].median, 4);
    assert_int_equal(s->parts[0].bins[3], 5); // 4 to 7
    assert_int_equal(s->parts[0].bins[2], 1); // "Tie"
    expect_near(s->parts[2].mean, (2 + 2 + 8 + 3 + 3 + 1) / 6.0, 1e-12);
    assert_false(s->tokens);
    survey_free(s);
    s = survey_new(c, &(struct survey_options){.measure = twice, .measure_with = &factor});
    assert_int_equal(s->rows[4].first, 8); // four bytes
    assert_true(s->tokens);
    survey_free(s);
    corpus_free(c);
}

static void a_survey_that_is_told_to_end_gives_nothing(void **state)
{
    struct corpus *c = parse(pairs);
    size_t none = 0;
    assert_null(survey_new(c, &(struct survey_options){.go_on = until, .go_with = &none}));
    corpus_free(c);
}

static void tokens_are_those_of_the_texts_alone(void **state)
{
    struct str dir = {0};
    struct tokenizer *t;
    struct corpus *c = parse(pairs);
    str_addf(&dir, "%s/tests/data/tokenizer-spm", getenv("ATTUNE_SRCDIR") ? getenv("ATTUNE_SRCDIR") : ".");
    assert_ok(tokenizer_load(&t, str_text(&dir), e));
    struct survey *s = survey_new(c, &(struct survey_options){.measure = survey_tokens, .measure_with = t});
    int32_t *ids;
    size_t n;
    assert_ok(tokenizer_encode(t, "So it is", 8, false, false, &ids, &n, e));
    assert_true(n > 0 && n < 9);
    assert_int_equal(s->rows[0].first, n);
    free(ids);
    survey_free(s);
    corpus_free(c);
    tokenizer_free(t);
    str_fini(&dir);
}

static void what_is_good_and_bad_at_once_is_the_opposite(void **state)
{
    struct corpus *c = parse("{\"prompt\": \"a\", \"completion\": \"b\", \"label\": true}\n"
                             "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": false}\n"
                             "{\"prompt\": \"a\", \"completion\": \"c\", \"label\": false}\n");
    struct survey *s = survey_new(c, NULL);
    assert_int_equal(s->n_good, 1);
    assert_int_equal(s->n_opposite, 2);
    assert_int_equal(s->n_same, 0);
    survey_free(s);
    corpus_free(c);
}

static void prompts_that_are_held_out_as_well_are_marked(void **state)
{
    struct corpus *c = parse(pairs), *other = parse("{\"prompt\": \"WHO?\", \"chosen\": \"x\", \"rejected\": \"y\"}\n");
    struct survey *s = survey_new(c, NULL), *theirs = survey_new(other, NULL);
    survey_share(s, theirs);
    assert_int_equal(s->n_shared, 1);
    assert_true(s->rows[3].flags & SURVEY_SHARED);
    survey_free(s);
    survey_free(theirs);
    corpus_free(c);
    corpus_free(other);
}

// Texts without a prompt have nothing in common but that.
static void texts_without_a_prompt_do_not_share_one(void **state)
{
    struct corpus *c = parse("{\"text\": \"one\"}\n{\"text\": \"two\"}\n{\"text\": \"one\"}\n");
    struct survey *s = survey_new(c, NULL), *again = survey_new(c, NULL);
    assert_int_equal(s->n_prompt, 0);
    assert_int_equal(s->n_same, 1);
    assert_int_equal(s->rows[2].flags, SURVEY_SAME);
    survey_share(s, again);
    assert_int_equal(s->n_shared, 0);
    survey_free(s);
    survey_free(again);
    corpus_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_there_again_or_say_the_opposite_are_found),
        cmocka_unit_test(the_longer_answer_is_counted_without_ties),
        cmocka_unit_test(the_longer_side_is_the_chosen_one),
        cmocka_unit_test(lengths_are_counted_in_characters_or_as_asked),
        cmocka_unit_test(a_survey_that_is_told_to_end_gives_nothing),
        cmocka_unit_test(tokens_are_those_of_the_texts_alone),
        cmocka_unit_test(what_is_good_and_bad_at_once_is_the_opposite),
        cmocka_unit_test(prompts_that_are_held_out_as_well_are_marked),
        cmocka_unit_test(texts_without_a_prompt_do_not_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
