// What a row means, for rows as people have them: read right, or refused with the reason; never read as something else.
#include "config.h"

#include "testing.h"

#include "base/file.h"
#include "base/str.h"
#include "corpus/corpus.h"

// "system S | user P | a 1 | b 0": the turns of the prompt, then the answers with their scores.
static void write_example(struct str *out, const struct example *x)
{
    for (int i = 0; i < x->n_turns; i++)
        str_addf(out, "%s%s %s", i ? " | " : "", x->is_chat ? x->turns[i].role : "plain", x->turns[i].text);
    for (int i = 0; i < x->n_responses; i++)
        str_addf(out, " | %s %.4g", x->responses[i].text, x->responses[i].score);
}

static const struct {
    const char *rows, *name; // name: of the file, NULL: rows.jsonl
    const char *label_from;
    const char *means; // examples with " / " between them, or a part of the reason behind "refused: "
} readings[] = {
    // a system text counts wherever it stands
    {"{'system': 'S', 'prompt': 'P', 'completion': 'C', 'label': true}", NULL, NULL, "system S | user P | C 1"},
    {"{'system': 'S', 'prompt': 'P', 'completion': 'C'}", NULL, NULL, "system S | user P | C 1"},
    {"{'system': 'S', 'prompt': 'P'}", NULL, NULL, "system S | user P"},
    {"{'system_prompt': null, 'system': 'S', 'question': 'Q', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL,
     "system S | user Q | c 1 | r 0"},
    {"{'system': 'S', 'conversation_a': [{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'a'}], "
     "'conversation_b': [{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'b'}], 'winner': 'model_b'}",
     NULL, NULL, "system S | user q | b 1 | a 0"},
    {"{'system': 'S', 'text': 'T'}", NULL, NULL, "refused: it has a system text, but no prompt"},
    {"{'system': 'S', 'chosen': [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'q'}, {'role': "
     "'assistant', 'content': 'a'}], 'rejected': [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'q'}, "
     "{'role': 'assistant', 'content': 'b'}]}", NULL, NULL, "system S | user q | a 1 | b 0"},
    {"{'system': 'T', 'messages': [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'q'}, {'role': "
     "'assistant', 'content': 'a'}]}", NULL, NULL, "refused: two system texts that differ"},
    // votes under near names
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'annotator_1': 2, 'annotator_2': 2}", NULL, NULL,
     "plain P | r 1 | c 0"},
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'annotators': [2, 2, 1]}", NULL, NULL,
     "plain P | r 0.6667 | c 0.3333"},
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'annotators': ['w1', 'w2']}", NULL, NULL, "plain P | c 1 | r 0"},
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'annotator1': 2.0, 'annotator2': '2'}", NULL, NULL,
     "plain P | r 1 | c 0"},
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'annotator1': 3}", NULL, NULL, "refused: must be 0 (a tie), 1 or 2"},
    {"{'instruction': 'I', 'response1': 'a', 'response2': 'b', 'annotator1': null, 'annotator2': 2}", NULL, NULL,
     "user I | b 1 | a 0"},
    // scores of one kind in a list
    {"{'instruction': 'I', 'completions': [{'response': 'a', 'annotations': {'helpfulness': {'Rating': 5}, 'honesty': "
     "{'Rating': '1'}}}, {'response': 'b', 'annotations': {'helpfulness': {'Rating': '2'}, 'honesty': {'Rating': "
     "'2'}}}]}", NULL, NULL,
     "user I | a 3 | b 2"},
    {"{'instruction': 'I', 'completions': [{'response': 'a', 'overall_score': null, 'fine-grained_score': 5.0}, "
     "{'response': 'b', 'overall_score': 6.0, 'fine-grained_score': 2.0}]}", NULL, NULL, "user I | a 5 | b 2"},
    {"{'instruction': 'I', 'completions': [{'response': 'a', 'overall_score': 5}, {'response': 'b', "
     "'fine-grained_score': 2.0}]}",
     NULL, NULL, "refused: no score that all of them have"},
    // rated responses belong together wherever they stand, and none is lost unsaid
    {"{'prompt': 'p', 'response': 'a', 'helpfulness': 3, 'verbosity': 1}\n{'prompt': 'q', 'response': 'c', 'helpfulness': "
     "3, 'verbosity': 1}\n{'prompt': 'p', 'response': 'b', 'helpfulness': 1, 'verbosity': 4}", NULL, NULL,
     "user p | a 3 | b 1"},
    {"{'prompt': 'p', 'response': 'a', 'helpfulness': 3, 'verbosity': 1}\n{'prompt': 'p', 'response': 'b', 'helpfulness': "
     "1, 'verbosity': 4}", NULL, "verbosity", "user p | a 1 | b 4"},
    {"{'prompt': 'q', 'response': 'c', 'helpfulness': 3, 'verbosity': 1}", NULL, NULL,
     "refused: the only rated response to its prompt"},
    // a label that is asked for must be there
    {"{'prompt': 'p', 'response_0': 'a', 'response_1': 'b', 'better_response_id': 0, 'safer_response_id': 1}", NULL, "safer",
     "user p | b 1 | a 0"},
    {"{'prompt': 'p', 'response_0': 'a', 'response_1': 'b', 'better_response_id': 0, 'safer_response_id': 1}",
     NULL, "safety",
     "refused: has the labels better and safer"},
    {"{'prompt': 'p', 'chosen': 'a', 'rejected': 'b'}", NULL, "safer", "refused: no choice of labels"},
    {"{'prompt': 'p', 'response_0': 'a', 'response_1': 'b', 'safer_response_id': 1}", NULL, NULL, "user p | b 1 | a 0"},
    // what asks
    {"{'prompt': null, 'input': 'I', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL, "user I | c 1 | r 0"},
    {"{'query': 'Q', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL, "refused: did you mean it by \"query\""},
    {"{'promt': 'Q', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL, "refused: did you mean it by \"promt\""},
    {"{'prompt': 'Summarize:', 'input': 'A text.', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL,
     "refused: \"prompt\" and \"input\" both ask something"},
    {"{'prompt': 'Q: x? A:', 'question': 'x?', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL, "plain Q: x? A: | c 1 | r 0"},
    {"{'prompt': 'P', 'question': '', 'chosen': 'c', 'rejected': 'r'}", NULL, NULL, "plain P | c 1 | r 0"},
    {"{'chosen': 'Human: a\\n\\nAssistant: b', 'rejected': 'Human: a\\n\\nAssistant: c'}", NULL, NULL, "user a | b 1 | c 0"},
    {"{'chosen': 'c', 'rejected': 'r', 'source': 'x'}", NULL, NULL, "plain  | c 1 | r 0"},
    // a prompt that the answers repeat, but for blanks or the system text
    {"{'prompt': [{'role': 'user', 'content': 'x '}], 'chosen': [{'role': 'user', 'content': 'x'}, {'role': 'assistant', "
     "'content': 'c'}], 'rejected': [{'role': 'user', 'content': 'x'}, {'role': 'assistant', 'content': 'r'}]}", NULL, NULL,
     "user x  | c 1 | r 0"},
    {"{'conversations': [{'from': 'system', 'value': 'S'}, {'from': 'human', 'value': 'x'}], 'chosen': [{'from': 'gpt', "
     "'value': 'c'}], 'rejected': [{'from': 'gpt', 'value': 'r'}]}", NULL, NULL, "system S | user x | c 1 | r 0"},
    {"{'trajectory': [{'from': 'user', 'value': 'x'}], 'chosen': [{'from': 'assistant', 'value': 'c'}], 'rejected': "
     "[{'from': 'assistant', 'value': 'r'}]}", NULL, NULL, "user x | c 1 | r 0"},
    // messages that stand in a text
    {"{'chosen': '[{\\'role\\': \\'user\\', \\'content\\': \\'x\\'}, {\\'role\\': \\'assistant\\', \\'content\\': "
     "\\'c\\'}]', 'rejected': '[{\\'role\\': \\'user\\', \\'content\\': \\'x\\'}, {\\'role\\': \\'assistant\\', "
     "\\'content\\': \\'r\\'}]'}", NULL,
     NULL, "user x | c 1 | r 0"},
    {"prompt,chosen,rejected\nP,\"[\"\"a\"\"]\",\"[\"\"b\"\", \"\"c\"\"]\"\n", "rows.csv", NULL, "user P | a 1 | b 0 | c 0"},
    {"prompt,chosen,rejected\nP,\"[{`role`: `assistant`}]\",x\n", "rows.csv", NULL, "refused: as Python prints it"},
    // who won
    {"{'prompt': 'P', 'response_a': 'a', 'response_b': 'b', 'model_a': 'gpt', 'model_b': 'badger-7b', 'winner': "
     "'badger-7b'}", NULL,
     NULL, "user P | b 1 | a 0"},
    {"{'prompt': 'P', 'response_a': 'a', 'response_b': 'b', 'winner': 'Tie'}", NULL, NULL, "user P | a 0.5 | b 0.5"},
    {"{'prompt': 'P', 'response_a': 'a', 'response_b': 'b', 'winner': 'model_b (a bad win)'}", NULL, NULL,
     "refused: must be model_a"},
    {"{'prompt': 'P', 'response_a': 'a', 'response_b': 'b', 'winner': 'model_a', 'votes': [0, 3]}", NULL, NULL,
     "refused: its votes contradict"},
    {"{'history': 'H', 'human_ref_A': 'a', 'human_ref_B': 'b', 'labels': 1, 'score_A': 1, 'score_B': 9}", NULL, NULL,
     "refused: contradict its label"},
    // prompts have no answers, and bad answers are not imitated
    {"{'prompt': 'P', 'y_w': 'a', 'y_l': 'b'}", NULL, NULL, "refused: none of the known shapes"},
    {"{'prompt': 'P', 'positive': 'a', 'negative': 'b'}", NULL, NULL, "refused: none of the known shapes"},
    {"{'prompt': 'P', 'reply_a': 'a', 'reply_b': 'b'}", NULL, NULL, "refused: none of the known shapes"},
    {"{'prompt': 'P', 'CHOSEN': 'a', 'REJECTED': 'b'}", NULL, NULL, "refused: none of the known shapes"},
    {"{'prompt': 'P', 'source': 'web', 'id': 7}", NULL, NULL, "plain P"},
    {"{'prompt': 'P', 'response': 'a', 'is_good': false}", NULL, NULL,
     "refused: \"is_good\" says whether the answer is good"},
    {"{'prompt': 'P', 'completion': 'a', 'lable': false}", NULL, NULL, "refused: \"lable\" says whether the answer is good"},
    // trees with a hole
    {"{'message_id': '1', 'parent_id': null, 'role': 'prompter', 'text': 'q'}\n{'message_id': '2', 'parent_id': '1', "
     "'role': 'assistant', 'text': 'a', 'rank': 0}\n{'message_id': '3', 'parent_id': '1', 'role': 'assistant', 'text': 'b', "
     "'rank': 1}", NULL,
     NULL, "user q | a -0 | b -1"},
    {"{'message_id': '1', 'parent_id': 'gone', 'role': 'prompter', 'text': 'q'}\n{'message_id': '2', 'parent_id': '1', "
     "'role': 'assistant', 'text': 'a', 'rank': 0}\n{'message_id': '3', 'parent_id': '1', 'role': 'assistant', 'text': 'b', "
     "'rank': 1}", NULL,
     NULL, "refused: the message that it follows is not in the file"},
    // columns that a table has in every row
    {"{'info': {'post': null, 'article': 'A'}, 'summaries': [{'text': 'x'}, {'text': 'y'}], 'choice': 1}", NULL, NULL,
     "user A | y 1 | x 0"},
    {"{'prompt': 'P', 'chosen': 'c', 'rejected': 'r', 'response_0': null, 'response_1': null, 'better_response_id': "
     "null}", NULL, NULL,
     "plain P | c 1 | r 0"},
    {"{'prompt': 'P', 'completion': null, 'response': 'a'}", NULL, NULL, "plain P | a 1"},
};

static void rows_mean_what_their_owners_mean(void **state)
{
    int n_wrong = 0;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        char *dir = test_folder(), *path = path_join(dir, readings[i].name ? readings[i].name : "rows.jsonl");
        struct str rows = {0}, said = {0};
        struct corpus *c = NULL;
        struct err fault = {0};
        const bool csv = readings[i].name != NULL;
        for (const char *p = readings[i].rows; *p; p++) {
            if (!csv && *p == '\\' && p[1] == '\'') { // a quote inside of a text
                str_add(&rows, "\\\"");
                p++;
            } else {
                str_addc(&rows, !csv && *p == '\'' ? '"' : csv && *p == '`' ? '\'' : *p);
            }
        }
        assert_ok(file_write(path, str_text(&rows), rows.len, e));
        const struct corpus_reading how = {.label_from = readings[i].label_from};
        if (corpus_load_as(&c, path, 0, &how, &fault)) {
            str_addf(&said, "refused: %s", fault.text);
        } else {
            for (size_t k = 0; k < c->n_examples; k++) {
                str_add(&said, k ? " / " : "");
                write_example(&said, &c->examples[k]);
            }
        }
        const bool is_refusal = strncmp(readings[i].means, "refused: ", 9) == 0;
        if (is_refusal ? strncmp(str_text(&said), "refused: ", 9) != 0 || !strstr(str_text(&said), readings[i].means + 9)
                       : strcmp(str_text(&said), readings[i].means) != 0) {
            print_error("%s\n  is read as  %s\n  and means   %s\n", str_text(&rows), str_text(&said), readings[i].means);
            n_wrong++;
        }
        corpus_free(c);
        assert_ok(file_remove_tree(dir, e));
        str_fini(&rows);
        str_fini(&said);
        free(path);
        free(dir);
    }
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_mean_what_their_owners_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
