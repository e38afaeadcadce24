#include "config.h"

#include <string.h>

#include "base/json.h"
#include "corpus/labels.h"
#include "corpus/shapes.h"

static bool emit_pair(struct row *r, const json_t *object, bool is_chat, const struct turn_list *prompt,
                      struct response chosen, struct response rejected)
{
    double share;
    return label_share(r, object, LABEL_FIRST, "", &share) && emit_voted(r, is_chat, prompt, chosen, rejected, share);
}

static struct response said(const char *text)
{
    return (struct response){.text = text};
}

bool same_turns(const struct turn_list *a, const struct turn_list *b)
{
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        if (strcmp(a->items[i].role, b->items[i].role) != 0 || strcmp(a->items[i].text, b->items[i].text) != 0)
            return false;
    }
    return true;
}

bool read_side(struct row *r, const json_t *object, const char *key, const struct turn_list *before,
               struct turn_list *side)
{
    const json_t *value = row_member(object, key);
    if (json_is_string(value)) {
        const char *text = row_text(r, object, key);
        *side = *before;
        return text && row_add_turn(r, side, "assistant", text);
    }
    struct turn_list said = {.n = 0};
    if (!row_messages(r, value, key, &said))
        return false;
    struct turn_list head = said;
    head.n = before->n < said.n ? before->n : said.n;
    side->n = 0;
    if (!same_turns(&head, before)) // only what comes after the dialogue
        *side = *before;
    for (int i = 0; i < said.n; i++) {
        if (!row_add_turn(r, side, said.items[i].role, said.items[i].text))
            return false;
        side->items[side->n - 1].json = said.items[i].json;
    }
    return true;
}

// Answers that are whole dialogues stand for themselves, whatever else is beside them.
bool dialogue_repeated(const json_t *answer)
{
    const char *role = json_string_value(json_object_get(json_array_get(answer, 0), "role"));
    return json_array_size(answer) > 1 && role && strcmp(role, "assistant") != 0;
}

// The assistant's message and no more: the prompt stands elsewhere.
static bool answers_alone(const json_t *answer)
{
    const json_t *first = json_is_array(answer) ? json_array_get(answer, 0) : answer;
    const char *role = json_string_value(json_object_get(first, "role"));
    return role && strcmp(role, "assistant") == 0;
}

bool read_message_pair(struct row *r, const json_t *object)
{
    bool doubled = json_object_get(object, "chosen_messages") || json_object_get(object, "rejected_messages");
    const char *first = doubled ? "chosen_messages" : "chosen", *second = doubled ? "rejected_messages" : "rejected";
    struct turn_list before = {.n = 0}, chosen, rejected;
    const char *dialogue = dialogue_repeated(json_object_get(object, first)) ? NULL : dialogue_key(object);
    if (!dialogue && json_is_array(json_object_get(object, "prompt")))
        dialogue = "prompt";
    if (!dialogue && json_is_string(json_object_get(object, first))) // a plain row among message lists
        return read_text_pair(r, object);
    const char *asked = json_string_value(json_object_get(object, "prompt"));
    if (!dialogue && asked && answers_alone(json_object_get(object, first)) && !row_add_turn(r, &before, "user", asked))
        return false;
    if (dialogue && !row_messages(r, json_object_get(object, dialogue), dialogue, &before))
        return false;
    if (!read_side(r, object, first, &before, &chosen) || !read_side(r, object, second, &before, &rejected))
        return false;
    struct response good = {0}, bad = {0};
    if (!take_answer(r, &chosen, first, &good) || !take_answer(r, &rejected, second, &bad))
        return false;
    if (!same_turns(&chosen, &rejected))
        return row_refuse(r, "the prompts of chosen and rejected differ");
    return emit_pair(r, object, true, &chosen, good, bad);
}

// Where the last turn of the assistant begins.
static const char *last_answer(const char *text)
{
    static const char label[] = "\n\nAssistant:";
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, label)); at++)
        last = at;
    return last;
}

static bool read_transcript(struct row *r, const json_t *object, const char *key, const char **text,
                            size_t *prompt_bytes, const char **answer)
{
    *text = row_text(r, object, key);
    if (!*text)
        return false;
    const char *last = last_answer(*text);
    if (!last)
        return row_refuse(r, "\"%s\" has no \"\\n\\nAssistant:\"", key);
    if (strstr(last, "\n\nHuman:"))
        return row_refuse(r, "\"%s\" does not end with the assistant's answer", key);
    *prompt_bytes = (size_t)(last - *text);
    struct turn_list turn = {.n = 0};
    if (!row_transcript(r, last, strlen(last), key, &turn))
        return false;
    *answer = turn.items[0].text;
    return true;
}

bool read_transcript_pair(struct row *r, const json_t *object)
{
    const char *chosen, *rejected, *good, *bad;
    size_t n_chosen, n_rejected;
    if (!read_transcript(r, object, "chosen", &chosen, &n_chosen, &good) ||
        !read_transcript(r, object, "rejected", &rejected, &n_rejected, &bad))
        return false;
    if (n_chosen != n_rejected || memcmp(chosen, rejected, n_chosen) != 0)
        return row_refuse(r, "the prompts of chosen and rejected differ (the dialogues part before the last answer)");
    struct turn_list prompt = {.n = 0};
    if (n_chosen == 0)
        return row_refuse(r, "there is no prompt before the answer");
    return row_transcript(r, chosen, n_chosen, "chosen", &prompt) && emit_pair(r, object, true, &prompt, said(good), said(bad));
}

bool read_instruction_pair(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    if (!instruction_turns(r, object, &prompt))
        return false;
    const char *chosen = row_text(r, object, "chosen");
    const char *rejected = chosen ? row_text(r, object, "rejected") : NULL;
    return rejected && emit_pair(r, object, true, &prompt, said(chosen), said(rejected));
}

// The prompt is used as it stands, without a chat template, unless the row has a system text beside a question.
bool read_text_pair(struct row *r, const json_t *object)
{
    if (dialogue_key(object) || json_is_array(json_object_get(object, "prompt"))) // messages among plain rows
        return read_message_pair(r, object);
    const bool asks = !json_object_get(object, "prompt") && json_is_string(json_object_get(object, "input"));
    const char *key = json_object_get(object, "question") ? "question" : asks ? "input" : "prompt";
    const char *prompt = row_text_or_empty(r, object, key); // none: two whole texts are compared
    const char *chosen = prompt ? row_text(r, object, "chosen") : NULL;
    const char *rejected = chosen ? row_text(r, object, "rejected") : NULL;
    if (!rejected)
        return false;
    struct turn_list turns = {.n = 0};
    const bool is_chat = strcmp(key, "prompt") != 0;
    return row_add_turn(r, &turns, "user", prompt) && emit_pair(r, object, is_chat, &turns, said(chosen), said(rejected));
}

bool read_voted_pair(struct row *r, const json_t *object)
{
    double share;
    struct turn_list prompt = {.n = 0};
    const char *text[2] = {row_text(r, object, "response1"), row_text(r, object, "response2")};
    return text[0] && text[1] && instruction_turns(r, object, &prompt) &&
           label_share(r, object, LABEL_VOTES, "", &share) &&
           emit_voted(r, true, &prompt, said(text[0]), said(text[1]), share);
}

// "[\"first\", \"second\"]" as a list of texts; NULL, with the row refused, when it is none.
static json_t *texts_in(struct row *r, const json_t *object, const char *key)
{
    const char *text = row_text(r, object, key);
    json_error_t fault;
    json_t *list = text ? json_decode(text, strlen(text), &fault) : NULL;
    const json_t *item;
    size_t i;
    bool fine = json_array_size(list) > 0;
    json_array_foreach(list, i, item)
        fine = fine && json_is_string(item) && strlen(json_string_value(item)) == json_string_length(item);
    if (text && !fine) {
        row_refuse(r, "\"%s\" is no list of texts (an answer may be missing)", key);
        json_decref(list);
        list = NULL;
    }
    return list;
}

// Dialogues whose turns are lists of texts within texts: what the user said, and what each model did.
bool read_text_lists_pair(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    json_t *asked = texts_in(r, object, "prompt");
    json_t *a = asked ? texts_in(r, object, "response_a") : NULL, *b = a ? texts_in(r, object, "response_b") : NULL;
    const size_t n = json_array_size(asked);
    double share;
    bool fine = b && label_share(r, object, LABEL_WINNER_FLAGS, "winner_model_a|winner_model_b|winner_tie", &share);
    if (fine && (json_array_size(a) != n || json_array_size(b) != n))
        fine = row_refuse(r, "\"prompt\" has %zu turns, its answers %zu and %zu", n, json_array_size(a), json_array_size(b));
    for (size_t i = 0; fine && i < n; i++) {
        fine = row_add_turn(r, &prompt, "user", json_string_value(json_array_get(asked, i)));
        if (fine && i + 1 < n && !json_equal(json_array_get(a, i), json_array_get(b, i)))
            fine = row_refuse(r, "the dialogues of \"response_a\" and \"response_b\" differ before their last answers");
        if (fine && i + 1 < n)
            fine = row_add_turn(r, &prompt, "assistant", json_string_value(json_array_get(a, i)));
    }
    if (fine)
        fine = emit_voted(r, true, &prompt, said(json_string_value(json_array_get(a, n - 1))),
                          said(json_string_value(json_array_get(b, n - 1))), share);
    json_decref(asked);
    json_decref(a);
    json_decref(b);
    return fine;
}
