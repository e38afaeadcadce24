// What a compare chooses from: checkpoints by their names, prompts of a file, votes in numbers.
#include "testing.h"

#include "base/mem.h"
#include "ui/compare/compare_page.h"
#include "ui/compare/win_report.h"

// ---- prompts ----

static int read_prompts(struct prompt_set **out, const char *name, const char *text, struct err *fault)
{
    char *dir = test_folder(), *path = path_join(dir, name);
    assert_ok(file_write(path, text, strlen(text), e));
    const int code = prompt_set_read(out, path, fault);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
    return code;
}

static void a_text_has_a_prompt_a_line(void **state)
{
    struct prompt_set *s;
    assert_ok(read_prompts(&s, "p.txt", "The owl\r\n\n   \nThe hen", e));
    assert_int_equal(s->n, 2);
    assert_string_equal(s->prompts[0], "The owl");
    assert_string_equal(s->prompts[1], "The hen");
    prompt_set_free(s);
}

static void data_gives_its_prompts_and_says_which_it_cannot_ask(void **state)
{
    struct prompt_set *s;
    assert_ok(read_prompts(
        &s, "p.jsonl",
        "{\"prompt\": \"Why?\", \"chosen\": \"Because.\", \"rejected\": \"No.\"}\n"
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello\"}, "
        "{\"role\": \"user\", \"content\": \"Why?\"}], \"chosen\": [{\"role\": \"assistant\", \"content\": \"a\"}], "
        "\"rejected\": [{\"role\": \"assistant\", \"content\": \"b\"}]}\n"
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\", \"name\": \"Jo\"}], \"chosen\": [{\"role\": \"assistant\", "
        "\"content\": \"a\"}], \"rejected\": [{\"role\": \"assistant\", \"content\": \"b\"}]}\n",
        e));
    assert_int_equal(s->n, 2);
    assert_string_equal(s->prompts[0], "Why?");
    assert_null(s->histories[0]);
    assert_string_equal(s->prompts[1], "Why?");
    assert_string_equal(s->histories[1],
                        "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"}]");
    assert_int_equal(s->n_with_tools, 1);
    prompt_set_free(s);
}

static void a_file_without_prompts_is_refused(void **state)
{
    struct prompt_set *s;
    struct err fault = {0};
    assert_int_equal(read_prompts(&s, "p.txt", "\n\n", &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "holds no prompts"));
    assert_int_equal(read_prompts(&s, "p.txt", "\xff\xfe\n", &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "UTF-8"));
    assert_int_equal(prompt_set_read(&s, "/nowhere/p.jsonl", &fault), ERR_NOT_FOUND);
}

static void turns_are_put_together_and_read(void **state)
{
    char *first = compare_turns_with(NULL, "Say \"hi\"", "hi"), *second = compare_turns_with(first, "Again", NULL),
         *text = compare_turns_text(second), *broken = compare_turns_with("{]", "a", NULL);
    assert_string_equal(
        first, "[{\"role\":\"user\",\"content\":\"Say \\\"hi\\\"\"},{\"role\":\"assistant\",\"content\":\"hi\"}]");
    assert_string_equal(text, "user: Say \"hi\"\nassistant: hi\nuser: Again");
    assert_string_equal(broken, "[{\"role\":\"user\",\"content\":\"a\"}]"); // what was kept may be damaged
    free(first);
    free(second);
    free(text);
    free(broken);
}

// ---- checkpoints ----

static struct checkpoint_choice rows[] = {
    {.model = {.folder = "/p/ipo-1/step-50", .label = "ipo-1@50", .run = "ipo-1", .step = 50}, .is_last = true},
    {.model = {.folder = "/p/dpo-1/step-200", .label = "dpo-1@200", .run = "dpo-1", .step = 200}, .is_last = true},
    {.model = {.folder = "/p/dpo-1/step-100", .label = "dpo-1@100", .run = "dpo-1", .step = 100, .reference = "/m"},
     .is_best = true},
};

static void find(const char *word, const char *folder, int expected, const char *words)
{
    const struct checkpoint_list list = {rows, 3, 3};
    struct run_row a = {.info.name = "dpo-1"}, b = {.info.name = "ipo-1"}, c = {.info.name = "new-1"},
                   live = {.info.name = "live-1", .status.state = RUN_RUNNING},
                   dead = {.info.name = "dead-1", .status.state = RUN_DEAD},
                   sweep = {.info.name = "sweep-1", .status.state = RUN_RUNNING}, part = {.info.name = "sweep-1.beta0.3"},
                   *all[] = {&a, &b, &c, &live, &dead, &sweep, &part};
    const struct run_list runs = {.rows = all, .n = sizeof all / sizeof *all};
    struct compare_model m = {0};
    struct err fault = {0};
    assert_int_equal(checkpoint_list_find(&list, &runs, word, &m, &fault), expected);
    if (expected)
        assert_non_null(strstr(fault.text, words));
    else
        assert_string_equal(m.folder, folder);
    compare_model_fini(&m);
}

static void checkpoints_are_found_by_their_names(void **state)
{
    find("dpo-1", "/p/dpo-1/step-200", 0, NULL);
    find("dpo-1@100", "/p/dpo-1/step-100", 0, NULL);
    find("dpo-1@best", "/p/dpo-1/step-100", 0, NULL);
    find("dpo-1@7", NULL, ERR_NOT_FOUND, "there are: 200, 100");
    find("dpo-1@x", NULL, ERR_USAGE, "is no step");
    find("ipo-1@best", NULL, ERR_NOT_FOUND, "keeps no best checkpoint");
    find("new-1", NULL, ERR_STATE, "has not begun: it has no checkpoint yet");
    find("live-1", NULL, ERR_STATE, "c on its page asks for one");
    find("dead-1", NULL, ERR_STATE, "ended without a checkpoint; r on its page");
    find("sweep-1", NULL, ERR_STATE, "several runs and has no checkpoint itself: name one of them, such as sweep-1.beta0.3");
    find("nothing", NULL, ERR_NOT_FOUND, "no run and no model folder nothing");
    find("/tmp", "/tmp", 0, NULL);
}

static void folders_are_called_by_their_last_name(void **state)
{
    struct compare_model m = compare_model_of_folder("/models/SmolLM2-135M//"), copy = compare_model_copy(&m);
    assert_string_equal(copy.label, "SmolLM2-135M");
    assert_string_equal(copy.folder, "/models/SmolLM2-135M");
    assert_null(copy.run);
    assert_string_equal(compare_model_key(&m), "/models/SmolLM2-135M"); // others may be called so, too
    compare_model_fini(&m);
    m = compare_model_of_folder("/models/stories260K/hf");
    assert_string_equal(m.label, "stories260K/hf");
    compare_model_fini(&m);
    m = compare_model_of_folder("/hf");
    assert_string_equal(m.label, "hf");
    compare_model_fini(&m);
    compare_model_fini(&copy);
}

// ---- votes ----

static void vote_of(struct store *s, const char *who, int number, const char *model_a, const char *model_b,
                    enum verdict verdict)
{
    char prompt[32], a[32];
    bool again;
    snprintf(prompt, sizeof prompt, "prompt %d", number);
    snprintf(a, sizeof a, "answer %d", number);
    struct asked_pair p = {.prompt = prompt, .a = a, .b = "another", .model = (char *)model_a, .model_b = (char *)model_b};
    struct judgement j = {.verdict = verdict, .seconds = NAN};
    text_copy(j.annotator, sizeof j.annotator, who);
    asked_pair_hash(&p);
    assert_ok(labels_add(s, NULL, &p, &j, false, &again, e));
}

static void vote(struct store *s, int number, const char *model_a, const char *model_b, enum verdict verdict)
{
    vote_of(s, "me", number, model_a, model_b, verdict);
}

static void votes_are_counted_whichever_model_stood_first(void **state)
{
    struct store *s;
    struct win_table *t;
    struct str text = {0};
    bool turned;
    char *dir = test_folder();
    assert_ok(store_open(&s, dir, true, e));
    vote(s, 1, "x@1", "y@2", VERDICT_MUCH_A);
    vote(s, 2, "y@2", "x@1", VERDICT_SLIGHT_B); // x again
    vote(s, 3, "x@1", "y@2", VERDICT_TIE);
    vote(s, 4, "x@1", "y@2", VERDICT_B);
    vote(s, 5, "x@1", "y@2", VERDICT_BOTH_BAD);
    vote(s, 6, "x@1", "z@3", VERDICT_A);
    vote(s, 7, "", "", VERDICT_A); // of nobody's weights
    store_close(s);
    assert_ok(win_table_read(&t, dir, NULL, e));
    assert_int_equal(t->n, 2);
    const struct win_row *r = win_table_find(t, "y@2", "x@1", &turned);
    assert_non_null(r);
    assert_true(turned);
    win_row_text(r, "X", "Y", false, &text);
    assert_int_equal(strncmp(text.data, "X 2  Y 1  tie 1  both bad 1   X wins 62 % (", 43), 0);
    assert_non_null(strstr(text.data, "undecided"));
    str_clear(&text);
    win_row_text(r, "Y", "X", true, &text);
    assert_int_equal(strncmp(text.data, "Y 1  X 2  tie 1  both bad 1   Y wins 38 % (", 43), 0);
    assert_null(win_table_find(t, "y@2", "z@3", &turned));
    const struct prompt_votes *v = win_table_prompt(t, "prompt 3"); // a tie is a vote half for the fewer
    assert_non_null(v);
    assert_true(v->n == 1 && v->minority == 0.5);
    v = win_table_prompt(t, "prompt 7"); // whoever answered
    assert_true(v && v->n == 1 && v->minority == 0);
    assert_null(win_table_prompt(t, "prompt 5")); // both bad is no grade
    assert_null(win_table_prompt(t, "p"));
    assert_null(win_table_prompt(NULL, "prompt 1"));
    str_clear(&text);
    win_row_add_slices(t, r, &text);
    assert_int_equal(text.len, 0); // all prompts are of one length
    win_table_free(t);
    str_fini(&text);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// The test that may be looked at after every vote takes the first vote on each prompt: also where a later annotator says the
// opposite, and whichever of the two answers was preferred first.
static void the_first_vote_on_a_prompt_is_the_one_that_was_given_first(void **state)
{
    enum { PROMPTS = 30 };
    struct store *s;
    struct win_table *t;
    struct judged_votes votes;
    struct win_report report;
    struct str text = {0};
    char *dir = test_folder();
    assert_ok(store_open(&s, dir, true, e));
    for (int i = 1; i <= PROMPTS; i++)
        vote_of(s, "ann", i, "x@1", "y@2", VERDICT_B);
    for (int i = 1; i <= PROMPTS; i++)
        vote_of(s, "bob", i, "x@1", "y@2", VERDICT_A);
    assert_ok(judged_votes_read(s, NULL, &votes, e));
    assert_ok(win_report_make(&report, &votes, 0.95, e));
    store_close(s);
    assert_ok(win_table_read(&t, dir, NULL, e));
    assert_int_equal(t->n, 1);
    assert_int_equal(t->rows[0].n, 2 * PROMPTS);
    win_row_text(&t->rows[0], "X", "Y", false, &text);
    assert_non_null(strstr(text.data, "X 30  Y 30  tie 0"));
    assert_non_null(strstr(text.data, ": Y is better"));
    // As "attune label wins" has it.
    const struct win_two *two = &report.twos[0];
    const bool y_first = strcmp(votes.models[two->a], "y@2") == 0;
    assert_true(two->sequence.decided_at > 0 && (two->sequence.decided_for > 0.5) == y_first);
    win_report_fini(&report);
    judged_votes_fini(&votes);
    win_table_free(t);
    str_fini(&text);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void many_votes_decide(void **state)
{
    struct win_row r = {.n = 40, .votes = mem_alloc(40, sizeof *r.votes)};
    struct str text = {0};
    for (int i = 0; i < r.n; i++)
        r.votes[i] = (struct win_vote){i % 10 ? 0 : 1, 0, i};
    win_row_text(&r, "A", "B", false, &text);
    assert_non_null(strstr(text.data, ": B is better"));
    str_clear(&text);
    win_row_add_length(&r, &text); // all answers are of one length: nothing to control for
    assert_int_equal(text.len, 0);
    for (int i = 0; i < r.n; i++)
        r.votes[i].length_gap = i % 3; // has nothing to do with the votes
    win_row_add_length(&r, &text);
    assert_non_null(strstr(text.data, "at equal length 1"));
    str_fini(&text);
    free(r.votes);
}

// ---- names in answers ----

static void names_are_found_as_words_that_the_prompt_does_not_say(void **state)
{
    static const char *const names[] = {"dpo-1@200", "dpo-1", NULL, "rm"};
    static const struct {
        const char *answer, *prompt, *name; // name NULL: says none
    } cases[] = {{"I am Claude, made to help.", "Who are you?", "claude"},
                 {"As a LLaMA model I cannot.", "Hi", "llama"},
                 {"I come from DPO-1.", "Hi", "dpo-1"},
                 {"I am dpo-1@200!", "Hi", "dpo-1@200"},
                 {"\"Gemma\"", "Hi", "gemma"},
                 {"Llamas live in Peru.", "Hi", NULL},                   // another word
                 {"The llama spat.", "Tell of a llama.", NULL},          // the prompt's own word
                 {"Anthropic and Llama.", "Say llama", "anthropic"},     // one of two is enough
                 {"The rm is short.", "Hi", NULL},                       // too short a name
                 {"dpo-15 and xdpo-1", "Hi", NULL},
                 {"GPT-4o, \xc3\xa9llama, llama\xc3\xa9", "Hi", NULL},
                 {"", "", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64] = "";
        const bool leaks = compare_leaks(cases[i].answer, cases[i].prompt, names, 4, name, sizeof name);
        if (leaks != (cases[i].name != NULL) || (leaks && strcmp(name, cases[i].name) != 0))
            fail_msg("\"%s\" says %s", cases[i].answer, leaks ? name : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_a_prompt_a_line),
        cmocka_unit_test(data_gives_its_prompts_and_says_which_it_cannot_ask),
        cmocka_unit_test(turns_are_put_together_and_read),
        cmocka_unit_test(a_file_without_prompts_is_refused),
        cmocka_unit_test(checkpoints_are_found_by_their_names),
        cmocka_unit_test(folders_are_called_by_their_last_name),
        cmocka_unit_test(votes_are_counted_whichever_model_stood_first),
        cmocka_unit_test(the_first_vote_on_a_prompt_is_the_one_that_was_given_first),
        cmocka_unit_test(many_votes_decide),
        cmocka_unit_test(names_are_found_as_words_that_the_prompt_does_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
