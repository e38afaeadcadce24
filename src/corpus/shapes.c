#include "config.h"

#include "corpus/shapes.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

static bool has_text(const json_t *o, const char *key)
{
    return json_is_string(json_object_get(o, key));
}

static bool has_list(const json_t *o, const char *key)
{
    return json_is_array(json_object_get(o, key));
}

static bool has(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return value && !json_is_null(value); // tables have a column in every row
}

static bool is_message(const json_t *value)
{
    const json_t *first = json_is_array(value) ? json_array_get(value, 0) : value;
    return json_is_object(first) && (has(first, "role") || has(first, "from"));
}

static bool has_dialogue(const json_t *o)
{
    return has_list(o, "messages") || has_list(o, "conversations");
}

static bool has_answers(const json_t *o)
{
    return has(o, "chosen") && has(o, "rejected");
}

static bool fits_double_messages(const json_t *o)
{
    return has(o, "chosen_messages") && has(o, "rejected_messages");
}

static bool fits_dialogue_pair(const json_t *o)
{
    return has_answers(o) && has_dialogue(o) && !dialogue_repeated(json_object_get(o, "chosen"));
}

static bool is_text_list(const json_t *value)
{
    return json_is_array(value) && json_is_string(json_array_get(value, 0));
}

static bool fits_chosen_lists(const json_t *o)
{
    return has_answers(o) && is_text_list(json_object_get(o, "chosen")) && is_text_list(json_object_get(o, "rejected"));
}

static bool is_list_in_text(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && text[0] == '[' && text[strlen(text) - 1] == ']';
}

static bool fits_text_lists_pair(const json_t *o)
{
    return is_list_in_text(json_object_get(o, "prompt")) && is_list_in_text(json_object_get(o, "response_a")) &&
           is_list_in_text(json_object_get(o, "response_b")) && has(o, "winner_model_a");
}

static bool fits_message_pair(const json_t *o)
{
    return has_answers(o) && is_message(json_object_get(o, "chosen")) && is_message(json_object_get(o, "rejected"));
}

static bool holds_transcript(const json_t *value)
{
    return json_is_string(value) && is_transcript(json_string_value(value));
}

static bool fits_transcript_pair(const json_t *o)
{
    return has_answers(o) && !has(o, "prompt") && !has(o, "instruction") && !has(o, "question") &&
           (holds_transcript(json_object_get(o, "chosen")) || holds_transcript(json_object_get(o, "rejected")));
}

static bool fits_instruction_pair(const json_t *o)
{
    return has_answers(o) && has_text(o, "instruction");
}

static bool fits_text_pair(const json_t *o)
{
    return has_answers(o) && (has_text(o, "chosen") || has_text(o, "rejected"));
}

static bool fits_voted_pair(const json_t *o)
{
    return has(o, "response1") && has(o, "response2") &&
           label_has_votes(o);
}

static bool fits_scored(const json_t *o)
{
    return has_list(o, "completions") && (has_text(o, "instruction") || has_text(o, "prompt") || has_dialogue(o));
}

static bool fits_tree(const json_t *o)
{
    return has_list(json_object_get(o, "prompt"), "replies");
}

static bool fits_labelled_dialogue(const json_t *o)
{
    return (has(o, "label") || has(o, "kto_tag")) && has_dialogue(o);
}

static bool fits_labelled_completion(const json_t *o)
{
    return has(o, "label") && has(o, "prompt") && (has(o, "completion") || has(o, "response"));
}

static bool fits_dialogue(const json_t *o)
{
    return has_dialogue(o);
}

static bool fits_instruction(const json_t *o)
{
    return has_text(o, "instruction") && has_text(o, "output");
}

static bool fits_completion(const json_t *o)
{
    return has(o, "prompt") && (has(o, "completion") || has(o, "response"));
}

static bool fits_rated_response(const json_t *o)
{
    return has_text(o, "prompt") && has_text(o, "response") && has(o, "helpfulness") && has(o, "verbosity");
}

static bool fits_tree_message(const json_t *o)
{
    return has_text(o, "message_id") && json_object_get(o, "parent_id") && has_text(o, "role") && has_text(o, "text");
}

static bool fits_generations(const json_t *o)
{
    return has_list(o, "generations") && (has_list(o, "ratings") || has_list(o, "rating")) &&
           (has_text(o, "instruction") || has_text(o, "input") || has_text(o, "prompt"));
}

static bool fits_plain(const json_t *o)
{
    return has_text(o, "text");
}

static bool fits_question(const json_t *o)
{
    return has_list(o, "turns");
}

// Whether one of the words of a member's name ("y_w", "positive_response") is among the given.
static bool has_word(const char *member, const char *const *words)
{
    for (const char *at = member; *at;) {
        const size_t n = strcspn(at, "_-. ");
        for (size_t i = 0; words[i]; i++)
            if (strlen(words[i]) == n && strncasecmp(at, words[i], n) == 0)
                return true;
        at += n;
        at += *at != '\0';
    }
    return false;
}

// A prompt is only what has no answers in it, also under names that are not known here.
static bool fits_prompt(const json_t *o)
{
    static const char *const parts[] = {"chosen", "reject", "answer", "response", "completion", "output", "summar", "better",
                                        "worse", "winner", "rank", "label", "generation", "choice", "continuation",
                                        "candidate", "prefer", "accepted", "declin", "solution", "reply", "replies", NULL};
    static const char *const words[] = {"w", "l", "positive", "negative", "pos", "neg", "good", "bad", "win", "lose", "won",
                                        "lost", "target", "a", "b", "1", "2", "gold", "text1", "text2", NULL};
    const char *key;
    json_t *value;
    if (!has(o, "prompt") && !has_text(o, "instruction") && !has_text(o, "question"))
        return false;
    json_object_foreach((json_t *)o, key, value) {
        const bool says = json_is_string(value) || json_is_array(value) || json_is_object(value);
        if (says && has_word(key, words))
            return false;
        for (size_t i = 0; !json_is_null(value) && parts[i]; i++)
            if (strcasestr(key, parts[i]) || (strlen(parts[i]) > 5 && text_distance(key, parts[i]) <= 2))
                return false;
    }
    return true;
}

#define VOTES " share votes"

const struct shape shapes[] = {
    // pairs of dialogues
    {.name = "message lists (chosen_messages/rejected_messages)", .kind = DATA_PAIR, .fits = fits_double_messages,
     .read = read_message_pair, .uses = "chosen_messages rejected_messages messages conversations prompt" VOTES},
    {.name = "message lists with two answers (chosen/rejected)", .kind = DATA_PAIR, .fits = fits_dialogue_pair,
     .read = read_message_pair, .uses = "messages conversations chosen rejected prompt" VOTES},
    {.name = "two message lists (chosen/rejected)", .kind = DATA_PAIR, .fits = fits_message_pair,
     .read = read_message_pair, .uses = "chosen rejected prompt trajectory" VOTES},
    {.name = "dialogues with two answers (trajectory/chosen/rejected)", .kind = DATA_PAIR, .prompt = "trajectory",
     .first = "chosen", .second = "rejected"},
    {.name = "dialogues with two answers (input/preferred_output/non_preferred_output)", .kind = DATA_PAIR,
     .prompt = "input", .first = "preferred_output", .second = "non_preferred_output"},
    {.name = "dialogues with two answers (context/response1/response2/overall_preference)", .kind = DATA_PAIR,
     .prompt = "context", .first = "response1", .second = "response2", .rule = LABEL_SIGNED_3,
     .keys = "overall_preference"},
    {.name = "two dialogues with a winner (conversation_a/conversation_b/winner)", .kind = DATA_PAIR,
     .first = "conversation_a", .second = "conversation_b", .rule = LABEL_WINNER, .keys = "winner"},
    {.name = "dialogues in lists of texts (prompt/response_a/response_b/winner_model_a)", .kind = DATA_PAIR,
     .fits = fits_text_lists_pair, .read = read_text_lists_pair,
     .uses = "prompt response_a response_b winner_model_a winner_model_b winner_tie"},
    {.name = "HH transcripts (chosen/rejected)", .kind = DATA_PAIR, .fits = fits_transcript_pair,
     .read = read_transcript_pair, .uses = "chosen rejected" VOTES, .transcripts = true},
    // two answers and a label
    {.name = "two answers (prompt/response_0/response_1/better_response_id)", .kind = DATA_PAIR, .prompt = "prompt",
     .first = "response_0", .second = "response_1", .rule = LABEL_ZERO_ONE, .keys = "better_response_id",
     .other = "safer", .other_keys = "safer_response_id"},
    {.name = "two answers (prompt/response_0/response_1/safer_response_id)", .kind = DATA_PAIR, .prompt = "prompt",
     .first = "response_0", .second = "response_1", .rule = LABEL_ZERO_ONE, .keys = "safer_response_id"},
    {.name = "two answers (prompt/response_1/response_2/preference_strength)", .kind = DATA_PAIR, .prompt = "prompt",
     .first = "response_1", .second = "response_2", .rule = LABEL_SIGNED_3, .keys = "preference_strength"},
    {.name = "two answers (prompt/response_a/response_b/winner)", .kind = DATA_PAIR, .prompt = "prompt|question|instruction",
     .first = "response_a", .second = "response_b", .rule = LABEL_WINNER, .keys = "winner"},
    {.name = "two answers (instruction/input/output_1/output_2/preference)", .kind = DATA_PAIR, .prompt = "instruction",
     .first = "output_1", .second = "output_2", .rule = LABEL_ONE_TWO, .keys = "preference"},
    {.name = "two answers (input/output_1/output_2/label)", .kind = DATA_PAIR, .prompt = "input", .first = "output_1",
     .second = "output_2", .rule = LABEL_ONE_TWO, .keys = "label"},
    {.name = "two answers (history/human_ref_A/human_ref_B/labels)", .kind = DATA_PAIR, .prompt = "history",
     .first = "human_ref_A", .second = "human_ref_B", .rule = LABEL_ONE_ZERO, .keys = "labels", .scores = "score_A|score_B"},
    {.name = "two answers with scores (question/answer_0/answer_1/score_0/score_1)", .kind = DATA_PAIR,
     .prompt = "question.full_text|question", .first = "answer_0", .second = "answer_1", .rule = LABEL_SCORES,
     .keys = "score_0|score_1"},
    {.name = "two summaries (info.post/summaries/choice)", .kind = DATA_PAIR, .prompt = "info.post|info.article",
     .first = "summaries.0.text", .second = "summaries.1.text", .rule = LABEL_ZERO_ONE, .keys = "choice"},
    {.name = "pairs with votes (response1/response2/annotator1, ...)", .kind = DATA_PAIR, .fits = fits_voted_pair,
     .read = read_voted_pair, .uses = "instruction input context history response1 response2" VOTES},
    // the better one first
    {.name = "two answers (question/response_j/response_k)", .kind = DATA_PAIR, .prompt = "question",
     .first = "response_j", .second = "response_k"},
    {.name = "two answers (chosen_response/rejected_response)", .kind = DATA_PAIR,
     .prompt = "prompt|instruction|question|messages|conversations", .first = "chosen_response",
     .second = "rejected_response"},
    {.name = "two answers (full_chosen/full_rejected)", .kind = DATA_PAIR, .prompt = "prompt|question",
     .first = "full_chosen", .second = "full_rejected"},
    {.name = "texts in two lists (chosen/rejected)", .kind = DATA_LIST, .fits = fits_chosen_lists,
     .read = read_chosen_lists, .uses = "prompt instruction question chosen rejected"},
    {.name = "instructions with two answers (instruction/input/chosen/rejected)", .kind = DATA_PAIR,
     .fits = fits_instruction_pair, .read = read_instruction_pair,
     .uses = "instruction input context history chosen rejected" VOTES},
    {.name = "texts (prompt/chosen/rejected)", .kind = DATA_PAIR, .fits = fits_text_pair, .read = read_text_pair,
     .uses = "prompt question input chosen rejected" VOTES},
    // lists
    {.name = "ranked answers (prompt/answers)", .kind = DATA_LIST, .prompt = "prompt|question|instruction",
     .answers = "answers", .text = "answer", .keys = "-rank"},
    {.name = "scored answers (prompt/answers)", .kind = DATA_LIST, .prompt = "prompt|question|instruction",
     .answers = "answers", .text = "answer", .keys = "score"},
    {.name = "scored answers (question/answers)", .kind = DATA_LIST, .prompt = "question|prompt|instruction",
     .answers = "answers", .text = "text", .keys = "pm_score"},
    {.name = "ranked responses (prompt/responses)", .kind = DATA_LIST, .prompt = "prompt|question|instruction",
     .answers = "responses", .text = "response", .keys = "-rank"},
    {.name = "scored responses (prompt/responses)", .kind = DATA_LIST, .prompt = "prompt|question|instruction",
     .answers = "responses", .text = "response", .keys = "score"},
    {.name = "generations with ratings (instruction/generations/ratings)", .kind = DATA_LIST, .fits = fits_generations,
     .read = read_generations, .uses = "instruction input context prompt generations ratings rating"},
    {.name = "scored completions (instruction/completions)", .kind = DATA_LIST, .fits = fits_scored,
     .read = read_scored_completions, .uses = "instruction prompt messages conversations completions"},
    {.name = "message trees with ranked replies", .kind = DATA_LIST, .fits = fits_tree, .read = read_message_tree,
     .uses = "prompt"},
    {.name = "messages of trees, one a row (message_id/parent_id/rank)", .kind = DATA_LIST, .fits = fits_tree_message,
     .read = read_tree_message, .finish = finish_tree_messages,
     .uses = "message_id parent_id role text rank deleted"},
    {.name = "rated responses, those of a prompt together (prompt/response/helpfulness)", .kind = DATA_LIST,
     .fits = fits_rated_response, .read = read_rated_response, .finish = finish_rated_responses,
     .uses = "prompt response helpfulness",
     .labels = "helpfulness correctness coherence complexity verbosity"},
    // good or bad
    {.name = "message lists with a label", .kind = DATA_BINARY, .fits = fits_labelled_dialogue,
     .read = read_labelled_dialogue, .uses = "messages conversations label kto_tag"},
    {.name = "answers with a label (prompt/response/is_safe)", .kind = DATA_BINARY, .prompt = "prompt",
     .answer = "response", .keys = "is_safe"},
    {.name = "completions with a label (prompt/completion/label)", .kind = DATA_BINARY,
     .fits = fits_labelled_completion, .read = read_labelled_completion, .uses = "prompt completion response label"},
    // texts, and prompts alone
    {.name = "message lists", .kind = DATA_SFT, .fits = fits_dialogue, .read = read_dialogue,
     .uses = "messages conversations"},
    {.name = "instructions with an answer (instruction/input/output)", .kind = DATA_SFT, .fits = fits_instruction,
     .read = read_instruction, .uses = "instruction input context output history"},
    {.name = "instructions with an answer (instruction/context/response)", .kind = DATA_SFT, .prompt = "instruction",
     .answer = "response", .uses = "context input history"},
    {.name = "questions with an answer (question/answer)", .kind = DATA_SFT, .prompt = "question", .answer = "answer"},
    {.name = "texts (prompt/completion)", .kind = DATA_SFT, .fits = fits_completion, .read = read_completion,
     .uses = "prompt completion response"},
    {.name = "texts (text)", .kind = DATA_SFT, .fits = fits_plain, .read = read_plain, .uses = "text"},
    {.name = "questions (the first of their turns)", .kind = DATA_PROMPT, .fits = fits_question, .read = read_question,
     .uses = "turns"},
    {.name = "prompts", .kind = DATA_PROMPT, .fits = fits_prompt, .read = read_prompt,
     .uses = "prompt instruction input context history question"},
    {0},
};
