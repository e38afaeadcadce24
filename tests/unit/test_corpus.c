#include "config.h"

#include "testing.h"

#include <zlib.h>

#include "corpus/corpus.h"

// What each file of tests/data/corpus must give: counts, and every refused line with a part of its reason.
struct expected_file {
    const char *name;
    enum data_kind kind;
    size_t n_rows, n_examples;
    struct {
        int64_t line;
        const char *reason;
    } refused[12];
};

static const struct expected_file files[] = {
    {"pairs.jsonl", DATA_PAIR, 16, 6,
     {{2, "chosen and rejected are the same text"}, {4, "the rejected answer is empty"},
      {5, "the field \"rejected\" is missing"}, {6, "\"chosen\" is a number, must be a text"}, {7, "not valid JSON"},
      {8, "not an object"}, {9, "\"chosen\" holds a NUL"}, {10, "duplicate object key"}, {12, "not valid UTF-8"},
      {17, "\"chosen\" is a list, must be a text"}}},
    {"hh.jsonl", DATA_PAIR, 10, 2,
     {{2, "prompts of chosen and rejected differ"}, {3, "the same text"}, {4, "the chosen answer is empty"},
      {5, "does not end with the assistant's answer"}, {7, "has no \"\\n\\nAssistant:\""}, {8, "there is no prompt"},
      {9, "does not begin with \"\\n\\nHuman:\""}, {10, "the last message of the user is empty"}}},
    {"sharegpt.json", DATA_PAIR, 7, 3,
     {{9, "does not end with a message of the assistant"}, {11, "does not end with a message of the user"},
      {13, "must be a list"},
      {14, "not valid JSON"}}},
    {"messages.jsonl", DATA_PAIR, 7, 3,
     {{2, "prompts of chosen and rejected differ"}, {4, "does not end with a message of the assistant"},
      {6, "does not end with a message of the assistant"}, {7, "\"content\" is missing"}}},
    {"parts.jsonl", DATA_PAIR, 2, 1, {{2, "a part that is not text"}}},
    {"alpaca.json", DATA_SFT, 6, 2,
     {{3, "the answer is empty"}, {4, "\"output\" is missing"}, {5, "the last message of the user is empty"},
      {6, "round 1 of \"history\""}}},
    {"alpaca-pairs.json", DATA_PAIR, 3, 1, {{2, "the same text"}, {3, "\"input\" is a number"}}},
    {"kto.jsonl", DATA_BINARY, 5, 3, {{3, "does not end with a message of the assistant"}, {4, "true or false"}}},
    {"kto-completions.jsonl", DATA_BINARY, 4, 2, {{3, "the answer is empty"}, {4, "\"label\" is missing"}}},
    {"ultrafeedback.jsonl", DATA_LIST, 5, 1,
     {{2, "the same score"}, {3, "two answers at least"}, {4, "no score that all of them have"}, {5, "is empty"}}},
    {"trees.jsonl", DATA_LIST, 2, 2, {{2, "no message of the tree has two ranked replies"}}},
    {"votes.json", DATA_PAIR, 5, 3, {{4, "\"annotator2\" must be"}, {5, "the chosen answer is empty"}}},
    {"shares.jsonl", DATA_PAIR, 11, 4,
     {{4, "must be a probability"}, {5, "must have two or three"}, {6, "holds no vote"}, {7, "must be counts"},
      {8, "holds no vote"}, {9, "\"votes\" has 1 numbers"},
      {10, "only one of them can say it"}}},
    {"questions.jsonl", DATA_PROMPT, 3, 1, {{2, "does not begin with a text"}, {3, "is empty"}}},
    {"prompts.jsonl", DATA_PROMPT, 3, 2, {{2, "the prompt is empty"}}},
    {"sft-messages.jsonl", DATA_SFT, 3, 3, {{0}}},
    {"stories.txt", DATA_SFT, 2, 2, {{0}}},
    {"marked.txt", DATA_SFT, 2, 2, {{0}}},
    {"texts.jsonl", DATA_SFT, 3, 2, {{2, "the answer is empty"}}},
    {"completions.jsonl", DATA_SFT, 2, 2, {{0}}},
    {"cut.json", DATA_SFT, 2, 1, {{1, "the file ends inside of this element"}}},
    {"commas.json", DATA_SFT, 4, 2, {{1, "a comma without an element"}, {1, "behind the end of the array"}}},
};

static struct corpus *load_data(const char *name)
{
    struct str path = {0};
    str_addf(&path, "tests/data/corpus/%s", name);
    char *full = test_source(str_text(&path));
    struct corpus *c = NULL;
    assert_ok(corpus_load(&c, full, 0, e));
    free(full);
    str_fini(&path);
    return c;
}

static void every_shape_is_recognized_and_bad_rows_are_refused_with_line_and_reason(void **state)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        const struct expected_file *want = &files[f];
        struct corpus *c = load_data(want->name);
        if (c->kind != want->kind || c->n_rows != want->n_rows || c->n_examples != want->n_examples)
            fail_msg("%s: %s, %zu rows, %zu examples", want->name, data_kind_name(c->kind), c->n_rows, c->n_examples);
        size_t n_refused = 0;
        while (want->refused[n_refused].reason)
            n_refused++;
        for (size_t i = 0; i < n_refused && i < c->n_refused; i++) {
            if (c->refused[i].line != want->refused[i].line || !strstr(c->refused[i].reason, want->refused[i].reason))
                fail_msg("%s: refused line %lld: %s (wanted line %lld: %s)", want->name,
                         (long long)c->refused[i].line, c->refused[i].reason, (long long)want->refused[i].line,
                         want->refused[i].reason);
        }
        if (c->n_refused != n_refused)
            fail_msg("%s: %zu rows are refused, wanted %zu", want->name, c->n_refused, n_refused);
        corpus_free(c);
    }
}

static void assert_turn(const struct example *x, int i, const char *role, const char *text)
{
    assert_true(i < x->n_turns);
    assert_string_equal(x->turns[i].role, role);
    assert_string_equal(x->turns[i].text, text);
}

static void texts_arrive_as_they_are(void **state)
{
    struct corpus *c = load_data("pairs.jsonl");
    assert_false(c->examples[0].is_chat);
    assert_turn(&c->examples[0], 0, "user", "The cat sat on");
    assert_string_equal(c->examples[0].responses[0].text, " the mat.");
    assert_string_equal(c->examples[0].responses[1].text, " the dog.");
    assert_close(c->examples[0].responses[0].score, 1, 0);
    assert_close(c->examples[0].responses[1].score, 0, 0);
    assert_int_equal(c->examples[2].line, 13);
    assert_string_equal(c->examples[2].responses[0].text, " \xc3\xa9");
    corpus_free(c);
    c = load_data("stories.txt");
    assert_string_equal(c->examples[0].responses[0].text, "First text,\non two lines.");
    assert_int_equal(c->examples[0].line, 3);
    assert_string_equal(c->examples[1].responses[0].text, "Second text.");
    assert_int_equal(c->examples[1].line, 7);
    corpus_free(c);
    c = load_data("marked.txt");
    assert_string_equal(c->examples[0].responses[0].text, "One.\n\nStill one.");
    assert_string_equal(c->examples[1].responses[0].text, "Two.");
    corpus_free(c);
}

static void dialogues_become_turns(void **state)
{
    struct corpus *c = load_data("hh.jsonl");
    assert_true(c->examples[0].is_chat);
    assert_int_equal(c->examples[0].n_turns, 3);
    assert_turn(&c->examples[0], 0, "user", "Hello?");
    assert_turn(&c->examples[0], 1, "assistant", "Hello. How are you?");
    assert_turn(&c->examples[0], 2, "user", "Fine.");
    assert_string_equal(c->examples[0].responses[0].text, "Good to hear.");
    assert_string_equal(c->examples[0].responses[1].text, "So what?");
    assert_int_equal(c->examples[1].n_turns, 1); // two turns of one speaker become one
    assert_turn(&c->examples[1], 0, "user", "A\n\nB");
    corpus_free(c);

    c = load_data("sharegpt.json");
    assert_string_equal(c->examples[0].responses[0].text, "Blue, \"as the sea\"; [or {green}], \\");
    assert_int_equal(c->examples[0].line, 2);
    assert_int_equal(c->examples[1].line, 7);
    assert_int_equal(c->examples[1].n_turns, 4);
    assert_turn(&c->examples[1], 0, "system", "You are short.");
    assert_turn(&c->examples[1], 3, "user", "Another.");
    assert_int_equal(c->examples[2].line, 15);
    corpus_free(c);

    c = load_data("messages.jsonl");
    assert_int_equal(c->examples[0].n_turns, 1);
    assert_turn(&c->examples[0], 0, "user", "Hi");
    assert_int_equal(c->examples[1].n_turns, 2);
    assert_turn(&c->examples[1], 0, "system", "S");
    assert_string_equal(c->examples[2].responses[1].text, "No");
    corpus_free(c);

    c = load_data("parts.jsonl");
    assert_turn(&c->examples[0], 0, "user", "Tell me.");
    corpus_free(c);

    c = load_data("alpaca.json");
    assert_turn(&c->examples[0], 0, "user", "Add.\n1 and 2");
    assert_int_equal(c->examples[1].n_turns, 4);
    assert_turn(&c->examples[1], 0, "system", "Polite.");
    assert_turn(&c->examples[1], 2, "assistant", "Me.");
    corpus_free(c);
}

static void labels_scores_ranks_and_votes_are_read(void **state)
{
    struct corpus *c = load_data("kto.jsonl");
    assert_close(c->examples[0].responses[0].score, 1, 0);
    assert_close(c->examples[1].responses[0].score, 0, 0);
    assert_close(c->examples[2].responses[0].score, 1, 0);
    corpus_free(c);
    c = load_data("ultrafeedback.jsonl");
    assert_int_equal(c->examples[0].n_responses, 3);
    assert_close(c->examples[0].responses[0].score, 6.5, 0);
    assert_close(c->examples[0].responses[2].score, 3.5, 0);
    corpus_free(c);
    c = load_data("trees.jsonl");
    assert_int_equal(c->examples[0].n_responses, 2);
    assert_string_equal(c->examples[0].responses[1].text, "First.");
    assert_true(c->examples[0].responses[1].score > c->examples[0].responses[0].score);
    assert_int_equal(c->examples[1].n_turns, 3);
    assert_turn(&c->examples[1], 2, "user", "And then?");
    assert_int_equal(c->examples[1].n_responses, 2); // the deleted reply is not there
    corpus_free(c);
    c = load_data("votes.json");
    assert_string_equal(c->examples[0].responses[0].text, "Short.");
    assert_close(c->examples[0].responses[0].score, 2.0 / 3, 1e-15);
    assert_close(c->examples[0].responses[0].score + c->examples[0].responses[1].score, 1, 1e-15);
    assert_true(pair_is_tie(&c->examples[1])); // one vote each, and a tie
    assert_string_equal(c->examples[2].responses[0].text, "Text."); // one vote and two ties
    assert_close(c->examples[2].responses[0].score, 2.0 / 3, 1e-15);
    corpus_free(c);
    c = load_data("shares.jsonl");
    assert_close(c->examples[0].responses[0].score, 0.75, 0);
    assert_string_equal(c->examples[1].responses[0].text, " b"); // more votes than what the row calls chosen
    assert_close(c->examples[1].responses[0].score, 0.75, 1e-15);
    assert_true(pair_is_tie(&c->examples[2]));
    assert_string_equal(c->examples[3].responses[0].text, " a"); // the demo's "preference" is what was drawn from, no vote
    assert_close(c->examples[3].responses[0].score, 1, 0);
    corpus_free(c);
}

static struct corpus *load_bytes(const char *name, const char *bytes, size_t n, size_t limit, struct err *fault)
{
    char *dir = test_folder(), *path = path_join(dir, name);
    struct corpus *c = NULL;
    assert_ok(file_write(path, bytes, n, e));
    int code = corpus_load(&c, path, limit, fault);
    assert_true((code == 0) == (c != NULL));
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
    return c;
}

static void load_fails_with_what_to_do_when_nothing_can_be_used(void **state)
{
    static const struct {
        const char *name, *bytes, *words;
    } cases[] = {
        {"a.jsonl", "", "it holds no rows"},
        {"a.json", "[]", "it holds no rows"},
        {"a.txt", " \n\n \n", "it holds no rows"},
        {"a.jsonl", "{\"riddle\": 1, \"solution\": 2}\n", "its fields (riddle, solution) are none of the known shapes"},
        {"a.jsonl", "hello\n", "a.jsonl:1: not valid JSON"},
        {"a.json", "[", "the file ends before the array does"},
        {"a.jsonl", "\n{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"b\"}\n", "a.jsonl:2: chosen and rejected"},
        {"a.jsonl", "\xff\xfe{\0}\0", "it is UTF-16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err fault = {0};
        struct corpus *c = load_bytes(cases[i].name, cases[i].bytes, strlen(cases[i].bytes), 0, &fault);
        if (c || !strstr(fault.text, cases[i].words))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, fault.text, cases[i].words);
        assert_int_equal(fault.code, ERR_INPUT);
    }
    struct corpus *c = NULL;
    struct err fault = {0};
    assert_int_equal(corpus_load(&c, "/nonexistent/x.jsonl", 0, &fault), ERR_NOT_FOUND);
}

static void a_row_beyond_the_maximum_is_refused(void **state)
{
    struct str s = {0};
    str_add(&s, "{\"text\": \"short\"}\n{\"text\": \"");
    for (int i = 0; i < 17 << 10; i++) {
        char kilobyte[1024];
        memset(kilobyte, 'x', sizeof kilobyte);
        str_addn(&s, kilobyte, sizeof kilobyte);
    }
    str_add(&s, "\"}\n");
    struct err fault = {0};
    struct corpus *c = load_bytes("long.jsonl", s.data, s.len, 0, &fault);
    assert_non_null(c);
    assert_int_equal(c->n_examples, 1);
    assert_int_equal(c->refused[0].line, 2);
    assert_non_null(strstr(c->refused[0].reason, "longer than 16 MiB"));
    corpus_free(c);
    str_fini(&s);
}

static void deep_nesting_is_an_error_and_not_a_crash(void **state)
{
    struct str s = {0};
    str_add(&s, "{\"text\": \"a\"}\n{\"prompt\": ");
    for (int i = 0; i < 200000; i++)
        str_add(&s, "{\"replies\": [");
    struct err fault = {0};
    struct corpus *c = load_bytes("deep.jsonl", s.data, s.len, 0, &fault);
    assert_non_null(c);
    assert_int_equal(c->n_refused, 1);
    corpus_free(c);
    str_fini(&s);
}

static void limit_and_gzip_and_hash(void **state)
{
    static const char bytes[] = "\xef\xbb\xbf{\"text\": \"a\"}\n\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n";
    struct err fault = {0};
    struct corpus *plain = load_bytes("a.jsonl", bytes, sizeof bytes - 1, 2, &fault);
    assert_non_null(plain);
    assert_int_equal(plain->n_rows, 2);
    assert_int_equal(plain->n_examples, 2);
    assert_int_equal(plain->examples[1].line, 3);
    char *dir = test_folder(), *path = path_join(dir, "a.jsonl.gz");
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, bytes, sizeof bytes - 1), sizeof bytes - 1);
    gzclose(f);
    struct corpus *packed = NULL;
    assert_ok(corpus_load(&packed, path, 0, e));
    assert_int_equal(packed->n_examples, 3);
    assert_string_equal(packed->hash, plain->hash);
    corpus_free(packed);
    corpus_free(plain);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

// A few kilobytes that want to be a gigabyte are refused while they are read; 32 MiB of spaces are let pass.
static void what_unpacks_without_end_is_refused(void **state)
{
    enum { MIB = 1 << 20 };
    struct err fault = {0};
    char *dir = test_folder(), *spaces = malloc(MIB), *bytes = NULL;
    size_t n;
    memset(spaces, ' ', MIB);
    for (int mib = 32; mib <= 96; mib += 64) {
        char *path = path_join(dir, "spaces.jsonl.gz");
        gzFile f = gzopen(path, "wb1");
        for (int i = 0; i < mib; i++)
            assert_int_equal(gzwrite(f, spaces, MIB), MIB);
        gzclose(f);
        if (mib == 32) {
            assert_ok(file_read(path, (size_t)1 << 40, &bytes, &n, e));
            assert_int_equal(n, 32 * MIB);
            free(bytes);
        } else {
            assert_int_equal(file_read(path, (size_t)1 << 40, &bytes, &n, &fault), ERR_LIMIT);
            assert_non_null(strstr(fault.text, "unpacks to more than 100 times its size"));
        }
        free(path);
    }
    assert_ok(file_remove_tree(dir, e));
    free(spaces);
    free(dir);
}

static struct corpus *numbered_pairs(int n, bool reversed)
{
    struct str s = {0};
    for (int i = 0; i < n; i++) {
        int k = reversed ? n - 1 - i : i;
        str_addf(&s, "{\"prompt\": \"p%d\", \"chosen\": \"c%d\", \"rejected\": \"r%d\"}\n", k / 2, k, k);
    }
    struct err fault = {0};
    struct corpus *c = load_bytes("n.jsonl", s.data, s.len, 0, &fault);
    assert_non_null(c);
    str_fini(&s);
    return c;
}

static void split_depends_on_content_and_seed_alone_and_keeps_prompts_together(void **state)
{
    enum { N = 4000 };
    static bool first[N], again[N], other[N], none[N];
    struct corpus *c = numbered_pairs(N, false), *reversed = numbered_pairs(N, true);
    corpus_split(c, 0.1, 7, first);
    corpus_split(reversed, 0.1, 7, again);
    corpus_split(c, 0.1, 8, other);
    corpus_split(c, 0, 7, none);
    int held = 0, changed = 0;
    for (int i = 0; i < N; i++) {
        assert_int_equal(first[i], again[N - 1 - i]);
        assert_int_equal(first[i], first[i ^ 1]);
        assert_false(none[i]);
        held += first[i];
        changed += first[i] != other[i];
    }
    assert_in_range(held, 320, 480); // 400 expected, standard deviation 27 (pairs of rows move together)
    assert_true(changed > 400);
    corpus_free(c);
    corpus_free(reversed);
}

static void two_parts_are_halves_that_share_no_prompt_with_each_other_or_what_is_held_out(void **state)
{
    enum { N = 4000 };
    static bool held[N], one[N], two[N], again[N];
    struct corpus *c = numbered_pairs(N, false);
    corpus_split(c, 0.1, 7, held);
    for (int i = 0; i < N; i++)
        one[i] = two[i] = again[i] = !held[i];
    corpus_part(c, 1, 7, one);
    corpus_part(c, 2, 7, two);
    corpus_part(c, 1, 7, again);
    int n = 0;
    for (int i = 0; i < N; i++) {
        assert_int_equal(held[i] + one[i] + two[i], 1); // each row in one place
        assert_int_equal(one[i], one[i ^ 1]);           // with its prompt
        assert_int_equal(one[i], again[i]);
        n += one[i];
    }
    assert_in_range(n, 1650, 1950); // 1800 expected, standard deviation 42
    corpus_free(c);
}

static void split_of_texts_without_prompt_goes_by_the_text(void **state)
{
    struct str s = {0};
    for (int i = 0; i < 1000; i++)
        str_addf(&s, "{\"text\": \"story %d\"}\n", i);
    struct err fault = {0};
    struct corpus *c = load_bytes("t.jsonl", s.data, s.len, 0, &fault);
    assert_non_null(c);
    bool held[1000];
    corpus_split(c, 0.5, 1, held);
    int n = 0;
    for (int i = 0; i < 1000; i++)
        n += held[i];
    assert_in_range(n, 420, 580);
    corpus_free(c);
    str_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); // tests/fuzz/fuzz_corpus.c

// Every beginning of every file, and every file with one byte changed, as the fuzz target sees them.
static void cut_and_damaged_files_never_crash(void **state)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct str name = {0};
        str_addf(&name, "tests/data/corpus/%s", files[f].name);
        char *path = test_source(str_text(&name)), *bytes;
        size_t n;
        assert_ok(file_read(path, 1 << 20, &bytes, &n, e));
        uint8_t *input = malloc(n + 1);
        input[0] = !text_ends(path, ".txt");
        memcpy(input + 1, bytes, n);
        for (size_t i = 0; i <= n; i += 1 + n / 150)
            LLVMFuzzerTestOneInput(input, i + 1);
        for (size_t i = 0; i < n; i += 1 + n / 150) {
            input[i + 1] ^= 1u << i % 8;
            LLVMFuzzerTestOneInput(input, n + 1);
            input[i + 1] = (uint8_t)bytes[i];
        }
        free(input);
        free(bytes);
        free(path);
        str_fini(&name);
    }
}

static void assert_same_example(const struct example *a, const struct example *b)
{
    assert_int_equal(a->is_chat, b->is_chat);
    assert_int_equal(a->n_turns, b->n_turns);
    assert_int_equal(a->n_responses, b->n_responses);
    for (int i = 0; i < a->n_turns; i++)
        assert_turn(a, i, b->turns[i].role, b->turns[i].text);
    for (int i = 0; i < a->n_responses; i++) {
        assert_string_equal(a->responses[i].text, b->responses[i].text);
        assert_close(a->responses[i].score, b->responses[i].score, 0);
    }
}

static void the_normal_form_is_read_back_as_the_same(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "normal.jsonl");
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct corpus *c = load_data(files[f].name), *again = NULL;
        assert_ok(corpus_write(c, path, e));
        assert_ok(corpus_load(&again, path, 0, e));
        if (again->kind != c->kind || again->n_refused || again->n_examples != c->n_examples)
            fail_msg("%s: read back as %s, %zu examples, %zu refused", files[f].name, again->shape, again->n_examples,
                     again->n_refused);
        for (size_t i = 0; i < c->n_examples; i++)
            assert_same_example(&again->examples[i], &c->examples[i]);
        corpus_free(again);
        corpus_free(c);
    }
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

// Counts found by a separate program that reads the same files with another JSON library.
static void real_collections_give_the_counts_that_were_found_independently(void **state)
{
    static const struct {
        const char *name;
        enum data_kind kind;
        size_t n_rows, n_examples, n_refused;
    } real[] = {
        {"preferences/hh-rlhf/helpful-base/test.jsonl.gz", DATA_PAIR, 2354, 2339, 15},
        {"preferences/llama-factory/dpo_en_demo.json", DATA_PAIR, 300, 300, 0},
        {"preferences/llama-factory/dpo_zh_demo.json", DATA_PAIR, 300, 300, 0},
        {"preferences/llama-factory/v1_dpo_demo.jsonl", DATA_PAIR, 10, 10, 0},
        {"preferences/llama-factory/kto_en_demo.json", DATA_BINARY, 300, 300, 0},
        {"preferences/llms-from-scratch/instruction-data-with-preference.json", DATA_PAIR, 1100, 1094, 6},
        {"preferences/pandalm/testset-v1.json", DATA_PAIR, 999, 939, 60},
        {"preferences/open-assistant/en_100_tree.jsonl", DATA_LIST, 100, 212, 0},
        {"preferences/mt-bench-prompts/question.jsonl", DATA_PROMPT, 80, 80, 0},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        char *path = test_asset(real[i].name);
        if (!path)
            continue;
        any = true;
        struct corpus *c = NULL;
        assert_ok(corpus_load(&c, path, 0, e));
        if (c->kind != real[i].kind || c->n_rows != real[i].n_rows || c->n_examples != real[i].n_examples ||
            c->n_refused != real[i].n_refused)
            fail_msg("%s: %s, %zu rows, %zu examples, %zu refused", real[i].name, c->shape, c->n_rows, c->n_examples,
                     c->n_refused);
        corpus_free(c);
        free(path);
    }
    if (!any)
        skip();
}

static void what_cannot_be_of_use_is_told_apart_by_its_first_rows(void **state)
{
    char *lists = test_source("tests/data/corpus/ultrafeedback.jsonl"),
         *none = test_source("tests/data/corpus/no-such-file");
    struct err fault = {0};
    assert_true(file_exists(lists));
    assert_ok(corpus_check_needs(lists, "preference pairs or ranked lists", false, &(struct corpus_reading){0}, e));
    assert_ok(corpus_check_needs(lists, "preference pairs", true, &(struct corpus_reading){0}, e));
    // not this function's to say
    assert_ok(corpus_check_needs(none, "preference pairs", false, &(struct corpus_reading){0}, e));
    assert_ok(corpus_check_needs(lists, "", false, &(struct corpus_reading){0}, e));
    assert_ok(corpus_check_needs(lists, "prompts, which rows of every kind have", false, &(struct corpus_reading){0}, e));
    assert_int_equal(corpus_check_needs(lists, "preference pairs", false, &(struct corpus_reading){0}, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "pairs-from-lists"));
    fault = (struct err){0};
    assert_int_equal(corpus_check_needs(lists, "answers marked good or bad", true, &(struct corpus_reading){0}, &fault),
                     ERR_USAGE);
    assert_null(strstr(fault.text, "pairs-from-lists"));
    free(lists);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_recognized_and_bad_rows_are_refused_with_line_and_reason),
        cmocka_unit_test(texts_arrive_as_they_are),
        cmocka_unit_test(dialogues_become_turns),
        cmocka_unit_test(labels_scores_ranks_and_votes_are_read),
        cmocka_unit_test(load_fails_with_what_to_do_when_nothing_can_be_used),
        cmocka_unit_test(a_row_beyond_the_maximum_is_refused),
        cmocka_unit_test(deep_nesting_is_an_error_and_not_a_crash),
        cmocka_unit_test(limit_and_gzip_and_hash),
        cmocka_unit_test(what_unpacks_without_end_is_refused),
        cmocka_unit_test(what_cannot_be_of_use_is_told_apart_by_its_first_rows),
        cmocka_unit_test(split_depends_on_content_and_seed_alone_and_keeps_prompts_together),
        cmocka_unit_test(two_parts_are_halves_that_share_no_prompt_with_each_other_or_what_is_held_out),
        cmocka_unit_test(split_of_texts_without_prompt_goes_by_the_text),
        cmocka_unit_test(cut_and_damaged_files_never_crash),
        cmocka_unit_test(the_normal_form_is_read_back_as_the_same),
        cmocka_unit_test(real_collections_give_the_counts_that_were_found_independently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
