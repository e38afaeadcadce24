#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/labels.h"
#include "corpus/shapes.h"

static bool add_history(struct row *r, const json_t *history, struct turn_list *out)
{
    const json_t *round;
    size_t i;
    if (history && !json_is_null(history) && !json_is_array(history))
        return row_refuse(r, "\"history\" must be a list of [question, answer]");
    json_array_foreach(history, i, round) {
        const json_t *asked = json_array_get(round, 0), *answered = json_array_get(round, 1);
        if (!json_is_string(asked) || !json_is_string(answered))
            return row_refuse(r, "round %zu of \"history\" is not [question, answer]", i + 1);
        if (!row_add_turn(r, out, "user", json_string_value(asked)) ||
            !row_add_turn(r, out, "assistant", json_string_value(answered)))
            return false;
    }
    return true;
}

bool instruction_turns(struct row *r, const json_t *object, struct turn_list *out)
{
    const bool context = !json_object_get(object, "input") && json_is_string(json_object_get(object, "context"));
    const char *instruction = row_text(r, object, "instruction");
    const char *input = instruction ? row_text_or_empty(r, object, context ? "context" : "input") : NULL;
    if (!input || !add_history(r, json_object_get(object, "history"), out))
        return false;
    if (!input[0])
        return row_add_turn(r, out, "user", instruction);
    struct str both = {0};
    str_addf(&both, instruction[0] ? "%s\n%s" : "%s%s", instruction, input);
    const char *text = arena_strdup(&r->corpus->arena, str_text(&both));
    str_fini(&both);
    return row_add_turn(r, out, "user", text);
}

bool prompt_turns(struct row *r, const json_t *object, const char *key, struct turn_list *out)
{
    const json_t *value = row_member(object, key);
    const json_t *inner = json_object_get(value, "messages");
    if (strcmp(key, "instruction") == 0)
        return instruction_turns(r, object, out);
    if (inner)
        return row_messages(r, inner, key, out);
    if (json_is_array(value) || json_is_object(value))
        return row_messages(r, value, key, out);
    const char *text = row_text(r, object, key), *end = text ? text + strlen(text) : NULL;
    if (!text || strncmp(text, "\n\nHuman:", 8) != 0)
        return text && row_add_turn(r, out, "user", text);
    static const char waiting[] = "\n\nAssistant:"; // a transcript that stops where the assistant is to speak
    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    if ((size_t)(end - text) >= sizeof waiting - 1 && strncmp(end - (sizeof waiting - 1), waiting, sizeof waiting - 1) == 0)
        end -= sizeof waiting - 1;
    return row_transcript(r, text, (size_t)(end - text), key, out);
}

bool take_answer(struct row *r, struct turn_list *list, const char *name, struct response *answer)
{
    if (list->n == 0 || strcmp(list->items[list->n - 1].role, "assistant") != 0)
        return row_refuse(r, "\"%s\" does not end with a message of the assistant", name);
    const struct turn *last = &list->items[--list->n];
    *answer = (struct response){.text = last->text, .json = last->json};
    return true;
}

// A text to imitate whose row says whether it is good: the label must be read, or the row is none. False: refused.
static bool is_unlabelled(struct row *r, const json_t *object)
{
    static const char *const truths[] = {"label",    "good",     "is_good",      "bad",     "is_bad",     "is_safe",  "safe",
                                         "unsafe",   "is_correct", "correct",    "accepted", "is_accepted", "chosen",
                                         "is_chosen",
                                         "rejected", "is_rejected", "preferred", "is_preferred", "desirable", "is_desirable",
                                         "harmful",  "is_harmful", "toxic",      "is_toxic", "thumbs_up",  "liked",
                                         "upvoted"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const bool near = text_distance("label", key) <= 2 && strlen(key) > 3;
        bool named = near && (json_is_boolean(value) || json_is_number(value) || json_is_string(value));
        for (size_t i = 0; !named && json_is_boolean(value) && i < sizeof truths / sizeof *truths; i++)
            named = strcasecmp(key, truths[i]) == 0;
        if (named)
            return row_refuse(
                r, "\"%.40s\" says whether the answer is good: map prompt=...,completion=...,label=%.40s reads it so",
                key, key);
    }
    return true;
}

static bool emit_one(struct row *r, bool is_chat, const struct turn_list *prompt, struct response answer, double score)
{
    answer.score = score;
    return row_emit(r, is_chat, prompt, &answer, 1);
}

bool read_instruction(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    const char *output = row_text(r, object, "output");
    return output && is_unlabelled(r, object) && instruction_turns(r, object, &prompt) &&
           emit_one(r, true, &prompt, (struct response){.text = output}, 1);
}

static bool read_messages_answer(struct row *r, const json_t *object, struct turn_list *prompt, struct response *answer)
{
    const char *key = dialogue_key(object);
    if (!key)
        return row_refuse(r, "the field \"messages\" is missing");
    return row_messages(r, json_object_get(object, key), key, prompt) &&
           take_answer(r, prompt, key, answer);
}

bool read_dialogue(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    struct response answer = {0};
    return is_unlabelled(r, object) && read_messages_answer(r, object, &prompt, &answer) &&
           emit_one(r, true, &prompt, answer, 1);
}

static bool read_label(struct row *r, const json_t *object, double *score)
{
    return label_good(r, object, json_object_get(object, "kto_tag") ? "kto_tag" : "label", score);
}

bool read_labelled_dialogue(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    struct response answer = {0};
    double score;
    return read_label(r, object, &score) && read_messages_answer(r, object, &prompt, &answer) &&
           emit_one(r, true, &prompt, answer, score);
}

// prompt and completion, each a text or a message list.
static bool read_prompt_completion(struct row *r, const json_t *object, double score)
{
    const char *key = json_object_get(object, "completion") ? "completion" : "response";
    struct turn_list prompt = {.n = 0};
    struct response answer = {0};
    const json_t *asked = json_object_get(object, "prompt"), *said = json_object_get(object, key);
    if (!json_is_array(asked)) {
        const char *text = row_text(r, object, "prompt");
        answer.text = text ? row_text(r, object, key) : NULL;
        answer.score = score;
        return answer.text && row_emit_text(r, text, &answer, 1);
    }
    if (!row_messages(r, asked, "prompt", &prompt))
        return false;
    if (json_is_string(said)) {
        answer.text = row_text(r, object, key);
        return answer.text && emit_one(r, true, &prompt, answer, score);
    }
    return row_messages(r, said, key, &prompt) && take_answer(r, &prompt, key, &answer) &&
           emit_one(r, true, &prompt, answer, score);
}

bool read_completion(struct row *r, const json_t *object)
{
    return is_unlabelled(r, object) && read_prompt_completion(r, object, 1);
}

bool read_labelled_completion(struct row *r, const json_t *object)
{
    double score;
    return read_label(r, object, &score) && read_prompt_completion(r, object, score);
}

bool read_plain(struct row *r, const json_t *object)
{
    const char *text = row_text(r, object, "text");
    return text && row_emit_text(r, "", &(struct response){.text = text, .score = 1}, 1);
}

// Later turns of a question need the model's own answer to the first: only the first can be asked.
bool read_question(struct row *r, const json_t *object)
{
    const json_t *first = json_array_get(json_object_get(object, "turns"), 0);
    if (!json_is_string(first) || strlen(json_string_value(first)) != json_string_length(first))
        return row_refuse(r, "\"turns\" does not begin with a text");
    struct turn_list prompt = {.n = 0};
    return row_add_turn(r, &prompt, "user", json_string_value(first)) && row_emit(r, true, &prompt, NULL, 0);
}

bool read_prompt(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    if (json_is_array(json_object_get(object, "prompt")))
        return row_messages(r, json_object_get(object, "prompt"), "prompt", &prompt) &&
               row_emit(r, true, &prompt, NULL, 0);
    if (json_is_string(json_object_get(object, "instruction")))
        return instruction_turns(r, object, &prompt) && row_emit(r, true, &prompt, NULL, 0);
    bool asked = json_object_get(object, "question") != NULL;
    const char *text = row_text(r, object, asked ? "question" : "prompt");
    if (!text)
        return false;
    if (text[strspn(text, " \t\r\n")] == '\0')
        return row_refuse(r, "the prompt is empty");
    return asked ? row_add_turn(r, &prompt, "user", text) && row_emit(r, true, &prompt, NULL, 0)
                 : row_emit_text(r, text, NULL, 0);
}
