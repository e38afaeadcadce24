// What people say of checkpoints side by side: votes as labels, conversations, names that are hidden until the vote.
#include "config.h"

#include <math.h>
#include <unistd.h>

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "corpus/corpus.h"
#include "launch/engine.h"
#include "store/labels.h"
#include "ui/compare_page.h"

static int read_votes(struct judged_pair **out)
{
    struct store *s;
    int n;
    assert_ok(store_open(&s, project, false, e));
    assert_ok(labels_judged(s, NULL, out, &n, e));
    store_close(s);
    return n;
}

static void a_vote_is_a_label_and_is_taken_back(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    json_t *a = compare_answer_of(demo, "1", question), *b = compare_answer_of(changed, "1", question);
    compare_two_sides(&r, 100, 30);
    rig_send(&r, "2");
    rig_wait(&r, "voted: A is better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_string_equal(pairs[0].pair.prompt, question);
    assert_string_equal(pairs[0].pair.a, json_string_value(json_object_get(a, "text")));
    assert_string_equal(pairs[0].pair.b, json_string_value(json_object_get(b, "text")));
    assert_string_equal(pairs[0].pair.model, "dpo-1@100");
    assert_string_equal(pairs[0].pair.model_b, "dpo-1@200");
    assert_int_equal(pairs[0].n_a, 1);
    assert_int_equal((int)pairs[0].grades, -2);
    judged_pairs_free(pairs, 1);
    rig_wait(&r, "A 1  B 0");
    rig_send(&r, "V");
    rig_wait(&r, "A dpo-1@100   B dpo-1@200");
    rig_send(&r, "V");
    rig_send(&r, "s"); // the other way round: the same vote, seen from the other side
    rig_wait(&r, "A 0  B 1");
    rig_send(&r, "1");
    rig_wait(&r, "voted: A is much better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_string_equal(pairs[0].pair.model, "dpo-1@100"); // the pair's A is whoever was chosen first
    assert_int_equal((int)pairs[0].grades, 3);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "u");
    rig_wait(&r, "the one before it stands again"); // B was worse by one grade then
    assert_int_equal(read_votes(&pairs), 1);
    assert_int_equal((int)pairs[0].grades, -2);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "u");
    rig_wait(&r, "The last vote was taken back; U");
    int n = read_votes(&pairs);
    assert_int_equal(n ? pairs[0].n_a + pairs[0].n_b : 0, 0);
    judged_pairs_free(pairs, n);
    rig_send(&r, "U");
    rig_wait(&r, "Saved again: A is better");
    rig_send(&r, "U");
    rig_wait(&r, "Saved again: A is much better");
    rig_wait(&r, "voted: A is much better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_int_equal((int)pairs[0].grades, 3);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "U");
    rig_wait(&r, "No vote was taken back");
    rig_send(&r, "u");
    rig_wait(&r, "stands again");
    rig_send(&r, "4"); // what was taken back before another vote is over
    rig_wait(&r, "voted: about the same");
    rig_send(&r, "U");
    rig_wait(&r, "No vote was taken back");
    n = read_votes(&pairs);
    assert_int_equal(n, 1);
    assert_int_equal(pairs[0].n_ties, 1);
    judged_pairs_free(pairs, n);
    rig_quit(&r);
    json_decref(a);
    json_decref(b);
}

static void vote_on(struct store *s, const char *prompt, const char *who, enum verdict v)
{
    struct asked_pair p = {.prompt = (char *)prompt, .a = "a", .b = "b", .model = "x", .model_b = "y"};
    struct judgement j = {.verdict = v, .seconds = NAN};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, who);
    asked_pair_hash(&p);
    assert_ok(labels_add(s, NULL, &p, &j, false, &again, e));
}

static void prompts_come_where_votes_are_divided(void **state)
{
    struct rig r;
    struct store *s;
    assert_ok(store_open(&s, project, false, e));
    vote_on(s, "The hen said:", "ann", VERDICT_A); // agreed on
    vote_on(s, "The hen said:", "bob", VERDICT_A);
    vote_on(s, "The bear said:", "ann", VERDICT_A); // divided
    vote_on(s, "The bear said:", "bob", VERDICT_B);
    store_close(s);
    compare_two_sides(&r, 100, 30);
    struct str line = {0};
    str_addf(&line, "prompts %s/prompts.txt", project);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "The owl said:");
    rig_command(&r, "order votes");
    rig_send(&r, "g");
    rig_wait(&r, "Prompt 1 of 3  prompts.txt by votes");
    rig_wait(&r, "The bear said:");
    rig_send(&r, "j");
    rig_wait(&r, "The hen said:");
    rig_send(&r, "j"); // nobody judged it
    rig_wait(&r, "The owl said:");
    rig_quit(&r);
    str_fini(&line);
}

// ---- conversations ----

// A model with a chat template of its own, and no text rules of a run.
static char *chat_model(const char *name, bool damage)
{
    static const char template[] = "{\"chat_template\": \"{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\\n"
                                   "{% endfor %}assistant:\",";
    char *folder = path_join(project, name), *path = path_join(folder, "tokenizer_config.json"), *bytes;
    struct str config = {0};
    size_t n;
    compare_copy_model(folder, damage);
    assert_ok(file_read(path, 1 << 20, &bytes, &n, e));
    assert_int_equal(bytes[0], '{');
    str_addf(&config, "%s%s", template, bytes + 1);
    assert_ok(file_write(path, str_text(&config), config.len, e));
    free(path);
    path = path_join(folder, "text_rules.json");
    assert_int_equal(unlink(path), 0);
    free(path);
    free(bytes);
    str_fini(&config);
    return folder;
}

static char *said_after(const char *model, const char *history, const char *prompt)
{
    json_t *row = NULL;
    assert_ok(engine_call((const char *[]){"sample", "--model", model, "--temperature", "0.7", "--max-tokens", "30",
                                           "--seed", "1", "--history", history, prompt, NULL},
                          &row, e));
    char *text = mem_strdup(json_string_value(json_object_get(row, "text")));
    json_decref(row);
    return text;
}

// The stored pair is data that training reads as this conversation.
static void expect_data(const struct asked_pair *p, int n_turns)
{
    struct str row = {0};
    struct corpus *c;
    json_t *a = json_pack("{s:s, s:s}", "chosen", p->a, "rejected", p->b);
    char *rest = json_dumps(a, JSON_COMPACT);
    str_addf(&row, "{\"prompt\": %s, %s\n", p->turns, rest + 1);
    assert_ok(corpus_parse(&c, "stored.jsonl", str_text(&row), row.len, 0, e));
    assert_int_equal(c->n_examples, 1);
    assert_int_equal(c->examples[0].n_turns, n_turns);
    assert_true(c->examples[0].is_chat);
    assert_string_equal(c->examples[0].turns[n_turns - 1].text, "And then?");
    assert_string_equal(c->examples[0].responses[0].text, p->a);
    corpus_free(c);
    free(rest);
    json_decref(a);
    str_fini(&row);
}

static void a_conversation_goes_on_from_one_answer_or_from_each(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    struct str line = {0};
    char *a = chat_model("chat-a", false), *b = chat_model("chat-b", true);
    compare_start(&r, 120, 40);
    str_addf(&line, "compare %s %s", a, b);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "B chat-b");
    rig_send(&r, "f");
    rig_wait(&r, "no answer to go on from");
    rig_command(&r, "length 30");
    compare_ask(&r, question);
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "FAnd then?\r"); // from A's
    rig_wait(&r, "Prompt, turn 2");
    rig_wait(&r, "4 assistant");
    rig_wait_gone(&r, "tok ...");
    rig_wait(&r, "A and B share");
    rig_send(&r, "2");
    rig_wait(&r, "voted: A is better");
    assert_int_equal(read_votes(&pairs), 1);
    const struct asked_pair *p = &pairs[0].pair;
    expect_data(p, 3);
    json_t *turns = json_loads(p->turns, 0, NULL);
    json_array_remove(turns, 2);
    char *history = json_dumps(turns, JSON_COMPACT), *of_a = said_after(a, history, "And then?"),
         *of_b = said_after(b, history, "And then?");
    assert_string_equal(p->a, of_a); // the engine's template, and A's own first answer before both
    assert_string_equal(p->b, of_b);
    assert_non_null(strstr(p->prompt, "user: Once upon a time there was a fox.\nassistant: "));
    assert_non_null(strstr(p->prompt, "\nuser: And then?"));
    judged_pairs_free(pairs, 1);
    rig_send(&r, "fWhy?\r"); // each from its own
    rig_wait(&r, "Prompt, turn 3");
    rig_wait(&r, "6 assistant"); // below the titles, which say so while it is awaited
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "2");
    rig_wait(&r, "no vote compares");
    assert_int_equal(read_votes(&pairs), 1);
    judged_pairs_free(pairs, 1);
    compare_ask(&r, question); // anew
    rig_wait_gone(&r, ", turn");
    rig_quit(&r);
    json_decref(turns);
    free(history);
    free(of_a);
    free(of_b);
    free(a);
    free(b);
    str_fini(&line);
}

// Behind a long conversation, in panes that are lower than it, from the first token on.
static void an_answer_is_seen_from_its_beginning(void **state)
{
    struct rig r;
    struct str line = {0}, rows = {0}, shown = {0};
    char *a = chat_model("chat-a", false), *b = chat_model("chat-b", true), *file = path_join(project, "talk.jsonl");
    str_add(&rows, "{\"messages\": [{\"role\": \"user\", \"content\": \"");
    for (int i = 0; i < 60; i++)
        str_add(&rows, "Once upon a time there was a fox. ");
    str_add(&rows,
            "\"}, {\"role\": \"assistant\", \"content\": \"It slept.\"}, {\"role\": \"user\", \"content\": \"And then?\"}, "
            "{\"role\": \"assistant\", \"content\": \"It woke.\"}]}\n");
    assert_ok(file_write(file, str_text(&rows), rows.len, e));
    compare_start(&r, 60, 18);
    str_addf(&line, "compare %s %s", a, b);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "B chat-b");
    str_clear(&line);
    str_addf(&line, "prompts %s", file);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    rig_text(&r, false, &shown);
    const char *at = strstr(str_text(&shown), "A chat-a \xe2\x94\x80"); // the pane's frame
    assert_non_null(at);
    at = strchr(at, '\n');
    assert_non_null(at);
    if (!text_starts(at + 1, "\xe2\x94\x82 4 assistant"))
        fail_msg("the answer's beginning is not at the top:\n%s", str_text(&shown));
    rig_quit(&r);
    free(a);
    free(b);
    free(file);
    str_fini(&line);
    str_fini(&rows);
    str_fini(&shown);
}

static void names_are_hidden_until_the_vote(void **state)
{
    struct rig r;
    compare_two_sides(&r, 100, 30);
    rig_send(&r, "b");
    rig_wait(&r, "names are hidden until you vote");
    assert_false(rig_shows(&r, "dpo-1@"));
    rig_command(&r, "tokens reference"); // which tells a tuned model from what it began from
    rig_wait(&r, "hidden until you vote");
    rig_wait_gone(&r, "and B share");
    assert_false(rig_shows(&r, "log pi / pi_ref"));
    assert_false(rig_shows(&r, "is no run's checkpoint"));
    rig_send(&r, "D");
    rig_wait(&r, "Hidden until you vote.");
    rig_send(&r, "D6");
    rig_wait(&r, "voted: B is better");
    rig_wait(&r, "dpo-1@100");
    rig_wait_gone(&r, "hidden until you vote");
    rig_send(&r, "r");
    rig_wait_gone(&r, "dpo-1@");
    rig_quit(&r);
}

// With three sides a vote is on A and the one in focus, and is called so; moving on changes nothing of what was said.
static void a_vote_names_the_side_that_it_is_on(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    compare_two_sides(&r, 100, 30);
    struct str line = {0};
    str_addf(&line, "side %s", changed);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "C changed");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "\t\t"); // from A to C
    rig_wait(&r, "A and C share");
    rig_wait(&r, "7 C much better");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "6");
    rig_wait(&r, "Saved: C is better");
    rig_wait(&r, "voted: C is better   A 0  C 1");
    rig_send(&r, "\033[Z");
    rig_wait(&r, "A and B share");
    rig_wait(&r, "voted: C is better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_int_equal((int)pairs[0].grades, 2);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "u");
    rig_wait(&r, "taken back");
    rig_send(&r, "U");
    rig_wait(&r, "Saved again: C is better");
    str_fini(&line);
    rig_quit(&r);
}

// A model whose folder is called by a word that it says.
static void an_answer_that_names_its_model_is_no_vote(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    json_t *said = compare_answer_of(demo, "1", question);
    char word[64] = "";
    const char *text = json_string_value(json_object_get(said, "text"));
    for (size_t n; *text && strlen(word) < 4; text += n ? n : 1) {
        n = strcspn(text, " .,!?\"\n");
        if (n >= 4 && n < sizeof word)
            snprintf(word, sizeof word, "%.*s", (int)n, text);
        if (strcasestr(question, word))
            word[0] = '\0';
    }
    char *folder = path_join(project, word);
    struct str line = {0};
    compare_copy_model(folder, false);
    str_addf(&line, "compare %s %s", folder, changed);
    compare_start(&r, 120, 30);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "B changed");
    rig_send(&r, "b");
    compare_ask(&r, question);
    rig_wait(&r, "names are hidden until you vote");
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    const int before = read_votes(&pairs);
    judged_pairs_free(pairs, before);
    rig_send(&r, "2");
    rig_wait(&r, "flagged: an answer names its model");
    const int n = read_votes(&pairs);
    assert_int_equal(n, before + 1);
    assert_int_equal(pairs[n - 1].n_flags, 1);
    assert_int_equal(pairs[n - 1].n_a + pairs[n - 1].n_b + pairs[n - 1].n_ties, 0);
    judged_pairs_free(pairs, n);
    rig_send(&r, "u");
    rig_wait(&r, "taken back");
    rig_quit(&r);
    assert_ok(file_remove_tree(folder, e));
    free(folder);
    str_fini(&line);
    json_decref(said);
}

int main(void)
{
    setenv("USER", "tester", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_vote_is_a_label_and_is_taken_back, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(prompts_come_where_votes_are_divided, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(a_conversation_goes_on_from_one_answer_or_from_each, compare_set_up,
                                        compare_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_is_seen_from_its_beginning, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(names_are_hidden_until_the_vote, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(a_vote_names_the_side_that_it_is_on, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_names_its_model_is_no_vote, compare_set_up, compare_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
