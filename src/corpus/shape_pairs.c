#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
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

static bool same_but_for_blanks(const struct turn *a, const struct turn *b)
{
    static const char blank[] = " \t\r\n";
    const char *x = a->text + strspn(a->text, blank), *y = b->text + strspn(b->text, blank);
    size_t n = strlen(x), m = strlen(y);
    while (n && strchr(blank, x[n - 1]))
        n--;
    while (m && strchr(blank, y[m - 1]))
        m--;
    return strcmp(a->role, b->role) == 0 && n == m && memcmp(x, y, n) == 0;
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
    // A whole dialogue stands for itself, when it is the one that was asked; without its own beginning it goes on from that.
    const int own_system = said.n && strcmp(said.items[0].role, "system") == 0,
              asked_system = before->n && strcmp(before->items[0].role, "system") == 0;
    const int n_asked = before->n - asked_system;
    const bool whole = said.n > own_system && strcmp(said.items[own_system].role, "user") == 0;
    int from = 0; // of what was said
    *side = *before;
    if (n_asked && whole) {
        for (int i = 0; i < n_asked; i++)
            if (own_system + i >= said.n ||
                !same_but_for_blanks(&before->items[asked_system + i], &said.items[own_system + i]))
                return row_refuse(r, "the dialogue of \"%s\" begins otherwise than the prompt", key);
        if (own_system && asked_system && strcmp(before->items[0].text, said.items[0].text) != 0)
            return row_refuse(r, "\"%s\" and the prompt have two system texts that differ", key);
        if (own_system)
            side->n = 0;
        else
            from = n_asked; // what was asked says it, with its system text
    } else if (own_system && before->n) {
        return row_refuse(r, "\"%s\" begins with a system text behind the prompt", key);
    }
    for (int i = from; i < said.n; i++) {
        if (!row_add_turn(r, side, said.items[i].role, said.items[i].text))
            return false;
        side->items[side->n - 1].json = said.items[i].json;
    }
    return true;
}

// Whether a message is the assistant's, in either naming; false for what is none.
static bool of_assistant(const json_t *message, bool *is_message)
{
    const char *name = json_string_value(json_object_get(message, "role"));
    name = name ? name : json_string_value(json_object_get(message, "from"));
    const char *role = name ? message_role(name) : NULL;
    *is_message = name != NULL;
    return role && strcmp(role, "assistant") == 0;
}

// Answers that are whole dialogues stand for themselves, whatever else is beside them.
bool dialogue_repeated(const json_t *answer)
{
    bool is_message;
    const bool assistants = of_assistant(json_array_get(answer, 0), &is_message);
    return json_array_size(answer) > 1 && is_message && !assistants;
}

// The assistant's message and no more: the prompt stands elsewhere.
static bool answers_alone(const json_t *answer)
{
    bool is_message;
    return of_assistant(json_is_array(answer) ? json_array_get(answer, 0) : answer, &is_message);
}

bool read_message_pair(struct row *r, const json_t *object)
{
    bool doubled = json_object_get(object, "chosen_messages") || json_object_get(object, "rejected_messages");
    const char *first = doubled ? "chosen_messages" : "chosen", *second = doubled ? "rejected_messages" : "rejected";
    struct turn_list before = {.n = 0}, chosen, rejected;
    const char *dialogue = dialogue_repeated(json_object_get(object, first)) ? NULL : dialogue_key(object);
    if (!dialogue && json_is_array(json_object_get(object, "prompt")))
        dialogue = "prompt";
    if (!dialogue && json_is_array(json_object_get(object, "trajectory")))
        dialogue = "trajectory";
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

bool is_transcript(const char *text)
{
    return strncmp(text, "\n\nHuman:", 8) == 0 || (strncmp(text, "Human:", 6) == 0 && strstr(text, "\n\nAssistant:"));
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
    if (strncmp(*text, "Human:", 6) == 0) { // some collections cut the empty lines before it
        struct str whole = {0};
        str_addf(&whole, "\n\n%s", *text);
        *text = arena_strdup(&r->corpus->arena, str_text(&whole));
        str_fini(&whole);
    }
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
    return row_transcript(r, chosen, n_chosen, "chosen", &prompt) &&
           emit_pair(r, object, true, &prompt, said(good), said(bad));
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

static const char *said_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && text[strspn(text, " \t\r\n")] ? text : NULL;
}

// Of the members that ask, the one that is the prompt; "prompt" when there is none. NULL, with the row refused, where two
// say different things: nobody knows whether they belong together.
static const char *asking_member(struct row *r, const json_t *object)
{
    static const char *const keys[] = {"question", "prompt", "input"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = said_text(object, keys[i]), *other = found ? said_text(object, found) : NULL;
        if (!text || (other && strstr(other, text)))
            continue;
        if (other && !strstr(text, other)) {
            row_refuse(r, "\"%s\" and \"%s\" both ask something: say with map which is the prompt", found, keys[i]);
            return NULL;
        }
        found = keys[i]; // the longer one, which holds the other
    }
    return found ? found : "prompt";
}

// A member that may be the prompt by another name; NULL when there is none.
static const char *may_be_prompt(const json_t *object)
{
    static const char *const names[] = {"query",   "context", "conversation", "dialogue", "dialog",  "history", "problem",
                                        "task",    "user",    "post",         "article",  "request", "message", "human",
                                        "instructions", "questions", "inputs", "prompts", "user_prompt",
                                        "user_input", "text",
                                        "source_text", "document", "passage", "input_text", "conversations", "messages"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const bool says = said_text(object, key) || json_array_size(value) > 0 || json_object_size(value) > 0;
        for (size_t i = 0; says && i < sizeof names / sizeof *names; i++)
            if (strcasecmp(key, names[i]) == 0)
                return key;
        if (says && strcmp(key, "prompt") != 0 && text_distance("prompt", key) <= 2)
            return key;
    }
    return NULL;
}

// The prompt is used as it stands, without a chat template, unless the row has a system text beside a question. None: two
// whole texts are compared.
bool read_text_pair(struct row *r, const json_t *object)
{
    if (dialogue_key(object) || json_is_array(json_object_get(object, "prompt"))) // other rows among plain ones
        return read_message_pair(r, object);
    const char *chosen = row_text(r, object, "chosen");
    const char *rejected = chosen ? row_text(r, object, "rejected") : NULL;
    const char *key = rejected ? asking_member(r, object) : NULL;
    const char *prompt = key ? row_text_or_empty(r, object, key) : NULL;
    if (!prompt)
        return false;
    if (!prompt[strspn(prompt, " \t\r\n")]) {
        if (said_text(object, "instruction"))
            return read_instruction_pair(r, object);
        if (is_transcript(chosen) && is_transcript(rejected))
            return read_transcript_pair(r, object);
        const char *other = may_be_prompt(object);
        if (other)
            return row_refuse(r, "there is no \"prompt\"; did you mean it by \"%.40s\"? map prompt=%.40s,chosen=chosen,"
                                 "rejected=rejected says so", other, other);
    }
    struct turn_list turns = {.n = 0};
    return row_add_turn(r, &turns, "user", prompt) &&
           emit_pair(r, object, strcmp(key, "prompt") != 0, &turns, said(chosen), said(rejected));
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
