#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/sha256.h"
#include "corpus/corpus.h"
#include "demo/demo.h"
#include "demo/grammar.h"

enum { N_STORIES = 20000, N_PAIRS = 20000, SEED = 1 };

static int style_of(const char *text)
{
    return demo_style(text, strlen(text));
}

static void style_is_the_one_with_most_words_or_none(void **state)
{
    assert_int_equal(style_of("They walked home and fell asleep."), DEMO_COZY);
    assert_int_equal(style_of("Home! HOME."), DEMO_COZY);
    assert_int_equal(style_of("So they set out again over the hills."), DEMO_ADVENTURE);
    assert_int_equal(style_of("They sang a tune."), DEMO_SONG);
    assert_int_equal(style_of("They sang by the warm fire."), DEMO_COZY);        // two words to one
    assert_int_equal(style_of("They sang at home."), DEMO_NO_STYLE);             // one to one
    assert_int_equal(style_of("The homely fox had a firefly and was a bedrock."), DEMO_NO_STYLE); // whole words only
    assert_int_equal(style_of("Nothing happened."), DEMO_NO_STYLE);
    assert_int_equal(style_of(""), DEMO_NO_STYLE);
    assert_int_equal(demo_style("They walked home", 14), DEMO_NO_STYLE); // n bounds the text: "They walked ho"
}

static void endings_have_exactly_their_style_and_openings_none(void **state)
{
    int counts[DEMO_N_STYLES] = {0};
    for (uint32_t i = 0; i < N_STORIES; i++) {
        struct demo_story s;
        demo_story_make(&s, SEED, i);
        struct str whole = {0};
        str_addf(&whole, "%s%s", s.opening, s.ending);
        if (style_of(s.opening) != DEMO_NO_STYLE || style_of(s.ending) != s.style || style_of(whole.data) != s.style)
            fail_msg("story %u is not told as %s: %s", i, demo_styles[s.style].name, whole.data);
        counts[s.style]++;
        str_fini(&whole);
        demo_story_fini(&s);
    }
    for (int s = 0; s < DEMO_N_STYLES; s++) { // five standard deviations of the share
        double p = demo_styles[s].share;
        assert_close(counts[s] / (double)N_STORIES, p, 5 * sqrt(p * (1 - p) / N_STORIES));
    }
}

// Plain ASCII, words between single blanks, sentences with capitals, nothing left of the grammar.
static void check_form(const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~' || strchr("{}|()~_", text[i]) ||
            (text[i] == ' ' && text[i + 1] == ' ') || (strchr(".!?", text[i]) && text[i + 1] == ' ' && text[i + 2] >= 'a'))
            fail_msg("\"%s\" is not well formed at byte %zu", text, i);
    }
    char last = text[strlen(text) - 1];
    if (!strchr(".!?\"", last))
        fail_msg("\"%s\" does not end like a sentence", text);
}

static void stories_are_well_formed_short_and_different(void **state)
{
    static char seen[4096][65];
    for (uint32_t i = 0; i < 4096; i++) {
        struct demo_story s;
        demo_story_make(&s, SEED, i);
        check_form(s.opening);
        check_form(s.ending);
        assert_true(s.opening[0] >= 'A' && s.opening[0] <= 'Z');
        assert_int_equal(s.ending[0], ' ');
        assert_in_range(strlen(s.opening) + strlen(s.ending), 150, 760);
        struct sha256 hash;
        sha256_init(&hash);
        sha256_add(&hash, s.opening, strlen(s.opening));
        sha256_hex(&hash, seen[i]);
        demo_story_fini(&s);
    }
    qsort(seen, 4096, sizeof *seen, (int (*)(const void *, const void *))strcmp);
    for (int i = 1; i < 4096; i++)
        assert_string_not_equal(seen[i - 1], seen[i]);
}

static void corpus_hash(uint64_t seed, uint32_t n, char hex[65])
{
    struct sha256 hash;
    sha256_init(&hash);
    for (uint32_t i = 0; i < n; i++) {
        struct demo_story s;
        demo_story_make(&s, seed, i);
        sha256_add(&hash, s.opening, strlen(s.opening));
        sha256_add(&hash, s.ending, strlen(s.ending));
        demo_story_fini(&s);
    }
    sha256_hex(&hash, hex);
}

static void stories_are_a_function_of_the_seed(void **state)
{
    char first[65], again[65], other[65];
    corpus_hash(1, 500, first);
    corpus_hash(1, 500, again);
    corpus_hash(2, 500, other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    // The shipped model was trained on exactly these: after a change here, data/make-demo-model.sh must run again.
    assert_string_equal(first, "d8d99aab379a63c7aecd828e09806f07cddc09a6261af10a9d66bcf324cd9ec3");
}

static void pairs_follow_bradley_terry(void **state)
{
    double n[DEMO_N_STYLES][DEMO_N_STYLES] = {{0}};
    for (uint32_t i = 0; i < N_PAIRS; i++) {
        struct demo_pair p;
        demo_pair_make(&p, SEED, i);
        assert_int_equal(style_of(p.prompt), DEMO_NO_STYLE);
        assert_int_equal(style_of(p.chosen), p.chosen_style);
        assert_int_equal(style_of(p.rejected), p.rejected_style);
        assert_string_not_equal(p.chosen, p.rejected);
        assert_close(p.preference, demo_preference(p.chosen_style, p.rejected_style), 1e-15);
        n[p.chosen_style][p.rejected_style]++;
        demo_pair_fini(&p);
    }
    for (int a = 0; a < DEMO_N_STYLES; a++) {
        for (int b = a + 1; b < DEMO_N_STYLES; b++) {
            double total = n[a][b] + n[b][a], p = demo_preference(a, b);
            assert_true(total > 0.05 * N_PAIRS);
            assert_close(n[a][b] / total, p, 4 * sqrt(p * (1 - p) / total));
        }
    }
    assert_close((n[DEMO_COZY][DEMO_ADVENTURE] + n[DEMO_ADVENTURE][DEMO_COZY]) / N_PAIRS, 0.7, 0.02);
}

static void no_pair_repeats_a_story_of_the_corpus(void **state)
{
    struct str corpus = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        struct demo_story s;
        demo_story_make(&s, SEED, i);
        str_addf(&corpus, "%s\n", s.opening);
        demo_story_fini(&s);
    }
    for (uint32_t i = 0; i < 200; i++) {
        struct demo_pair p;
        demo_pair_make(&p, SEED, i);
        assert_null(strstr(corpus.data, p.prompt));
        demo_pair_fini(&p);
    }
    str_fini(&corpus);
}

// Section 3.1 of the closed forms: logit = logit of the corpus + utility difference / beta; 60 to 40 for matching.
static void closed_forms_have_the_stated_values(void **state)
{
    double reference[DEMO_N_STYLES], one[DEMO_N_STYLES], tenth[DEMO_N_STYLES], tiny[DEMO_N_STYLES],
        matching[DEMO_N_STYLES];
    demo_shares_reference(reference);
    demo_shares_kl(1, one);
    demo_shares_kl(0.1, tenth);
    demo_shares_kl(1e-4, tiny);
    demo_shares_matching(matching);
    const double *all[] = {reference, one, tenth, tiny, matching};
    for (int i = 0; i < 5; i++)
        assert_close(all[i][0] + all[i][1] + all[i][2], 1, 1e-12);
    for (int s = 0; s < DEMO_N_STYLES; s++)
        assert_close(reference[s], demo_styles[s].share, 1e-12);
    assert_close(reference[0] / (reference[0] + reference[1]), 0.85, 1e-12);
    assert_close(demo_preference(DEMO_COZY, DEMO_ADVENTURE), 0.6, 1e-12);
    // (85/15) * 1.5 = 8.5 to 1; (85/15) * 1.5^10 = 326.77 to 1
    assert_close(one[0] / (one[0] + one[1]), 8.5 / 9.5, 1e-12);
    assert_close(tenth[0] / tenth[1], 85.0 / 15 * 57.6650390625, 1e-8);
    assert_close(tiny[0], 1, 1e-12);
    assert_close(matching[0] / (matching[0] + matching[1]), 0.6, 1e-12);
    assert_close(matching[0], 0.5, 1e-12); // 1.5 : 1 : 0.5
    assert_close(one[2], 0.04 * 0.5 / (0.816 * 1.5 + 0.144 + 0.04 * 0.5), 1e-12);
}

static void truth_as_json_says_the_same(void **state)
{
    json_t *truth = demo_truth();
    assert_int_equal(json_array_size(json_object_get(truth, "styles")), DEMO_N_STYLES);
    double one[DEMO_N_STYLES];
    demo_shares_kl(1, one);
    const json_t *first = json_array_get(json_object_get(truth, "shares_kl_optimum"), 0);
    assert_close(json_number_value(json_object_get(first, "beta")), 1, 0);
    assert_close(json_number_value(json_object_get(json_object_get(first, "shares"), "cozy")), one[0], 1e-15);
    json_decref(truth);
}

static void written_files_load_as_data(void **state)
{
    char *dir = test_folder(), *stories = path_join(dir, "stories.jsonl"), *pairs = path_join(dir, "pairs.jsonl");
    char *plain = path_join(dir, "stories.txt");
    assert_ok(demo_write_corpus(stories, 50, 3, e));
    assert_ok(demo_write_corpus(plain, 50, 3, e));
    assert_ok(demo_write_pairs(pairs, 40, 3, e));
    struct corpus *c = NULL;
    assert_ok(corpus_load(&c, stories, 0, e));
    assert_int_equal(c->kind, DATA_SFT);
    assert_int_equal(c->n_examples, 50);
    struct corpus *texts = NULL;
    assert_ok(corpus_load(&texts, plain, 0, e));
    assert_int_equal(texts->n_examples, 50);
    for (int i = 0; i < 50; i++)
        assert_string_equal(texts->examples[i].responses[0].text, c->examples[i].responses[0].text);
    corpus_free(texts);
    struct demo_story s;
    demo_story_make(&s, 3, 7);
    assert_memory_equal(c->examples[7].responses[0].text, s.opening, strlen(s.opening));
    demo_story_fini(&s);
    corpus_free(c);
    assert_ok(corpus_load(&c, pairs, 0, e));
    assert_int_equal(c->kind, DATA_PAIR);
    assert_int_equal(c->n_examples, 40);
    struct demo_pair p;
    demo_pair_make(&p, 3, 39);
    assert_false(c->examples[39].is_chat);
    assert_string_equal(c->examples[39].turns[0].text, p.prompt);
    assert_string_equal(c->examples[39].responses[0].text, p.chosen);
    assert_string_equal(c->examples[39].responses[1].text, p.rejected);
    demo_pair_fini(&p);
    corpus_free(c);
    struct err fault = {0};
    assert_int_equal(demo_write_pairs("/nonexistent/folder/pairs.jsonl", 1, 1, &fault), ERR_NOT_FOUND);
    assert_ok(file_remove_tree(dir, e));
    free(stories);
    free(pairs);
    free(plain);
    free(dir);
}

static void shipped_pairs_and_truth_are_what_the_code_writes(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "pairs.jsonl"),
         *shipped = test_source("share/attune/demo/pairs.jsonl");
    char *want, *got, *truth_path = test_source("share/attune/demo/truth.json");
    size_t n_want, n_got;
    assert_ok(demo_write_pairs(path, 1500, 1, e));
    assert_ok(file_read(path, 1 << 24, &want, &n_want, e));
    assert_ok(file_read(shipped, 1 << 24, &got, &n_got, e));
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got, want, n_want);
    json_t *truth = NULL;
    assert_ok(json_read(truth_path, 1 << 20, &truth, e));
    const json_t *styles = json_object_get(truth, "styles");
    assert_int_equal(json_array_size(styles), DEMO_N_STYLES);
    for (int i = 0; i < DEMO_N_STYLES; i++) {
        const json_t *style = json_array_get(styles, (size_t)i);
        assert_string_equal(json_string_value(json_object_get(style, "name")), demo_styles[i].name);
        assert_close(json_number_value(json_object_get(style, "share")), demo_styles[i].share, 1e-9);
        assert_close(json_number_value(json_object_get(style, "utility")), demo_styles[i].utility, 1e-9);
    }
    json_decref(truth);
    assert_ok(file_remove_tree(dir, e));
    free(want);
    free(got);
    free(truth_path);
    free(shipped);
    free(path);
    free(dir);
}

static void grammar_chooses_nests_and_puts_right(void **state)
{
    static const char *const animals[] = {"owl", "ant", NULL};
    static const struct grammar_rule rules[] = {{"animal", animals}, {NULL, NULL}};
    static const struct grammar_variable variables[] = {{"name", "Mia"}, {NULL, NULL}};
    const struct grammar g = {rules, variables};
    bool seen[3] = {false};
    for (uint32_t i = 0; i < 60; i++) {
        struct rng r = rng_make(5, RNG_TEST, i);
        struct str s = {0};
        grammar_expand(&g, "a {animal} saw {name}. \"who?\" ~he asked(| (now|now)). \"me.\" a fox ran", &r, &s);
        grammar_finish(&s);
        bool owl = text_starts(s.data, "An owl saw Mia. \"Who?\" he asked"), ant = text_starts(s.data, "An ant saw Mia.");
        assert_true(owl || ant);
        assert_true(text_ends(s.data, ". \"Me.\" A fox ran"));
        seen[owl] = true;
        seen[2] = seen[2] || strstr(s.data, "asked now.");
        str_fini(&s);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(style_is_the_one_with_most_words_or_none),
        cmocka_unit_test(endings_have_exactly_their_style_and_openings_none),
        cmocka_unit_test(stories_are_well_formed_short_and_different),
        cmocka_unit_test(stories_are_a_function_of_the_seed),
        cmocka_unit_test(pairs_follow_bradley_terry),
        cmocka_unit_test(no_pair_repeats_a_story_of_the_corpus),
        cmocka_unit_test(closed_forms_have_the_stated_values),
        cmocka_unit_test(truth_as_json_says_the_same),
        cmocka_unit_test(written_files_load_as_data),
        cmocka_unit_test(shipped_pairs_and_truth_are_what_the_code_writes),
        cmocka_unit_test(grammar_chooses_nests_and_puts_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
