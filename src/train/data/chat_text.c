// A content that looks like a special token ("<|im_end|>") must stay what somebody wrote. Before rendering each such
// piece is replaced by a number between two characters that no content has, and put back behind it: its place in the
// rendered text is then known, whatever the template did around it.
#include "config.h"

#include "train/data/chat_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

void chat_text_fini(struct chat_text *x)
{
    str_fini(&x->text);
    free(x->plain);
    *x = (struct chat_text){0};
}

struct masks {
    const struct text_rules *rules;
    char mark[5]; // the character; "" as long as none is needed
    const char **pieces; // the special tokens' texts that were replaced
    int n, cap;
};

// The longest special token that stands at p, or NULL.
static const char *special_at(const struct text_rules *r, const char *p)
{
    const char *best = NULL;
    for (int i = 0; i < r->n_specials; i++)
        if (text_starts(p, r->specials[i]) && (!best || strlen(r->specials[i]) > strlen(best)))
            best = r->specials[i];
    return best;
}

static bool has_special(const struct text_rules *r, const char *text)
{
    for (const char *p = r->n_specials ? strpbrk(text, r->starts) : NULL; p; p = strpbrk(p + 1, r->starts))
        if (special_at(r, p))
            return true;
    return false;
}

static bool says(const struct example *x, const struct response *answer, const char *what)
{
    for (int i = 0; i < x->n_turns; i++)
        if (strstr(x->turns[i].text, what))
            return true;
    return answer && strstr(answer->text, what);
}

// A private character that the conversation does not have.
static void choose_mark(struct masks *m, const struct example *x, const struct response *answer)
{
    uint32_t code = 0xf0000;
    do {
        m->mark[utf8_encode(code++, m->mark)] = '\0';
    } while (says(x, answer, m->mark));
}

static json_t *masked(struct masks *m, const char *text)
{
    if (!*m->mark || !has_special(m->rules, text))
        return json_string(text);
    struct str out = {0};
    for (const char *p = text; *p;) {
        const char *special = strchr(m->rules->starts, *p) ? special_at(m->rules, p) : NULL;
        if (!special) {
            str_addc(&out, *p++);
            continue;
        }
        MEM_GROW(m->pieces, m->n, m->cap);
        m->pieces[m->n] = special;
        str_addf(&out, "%s%d%s", m->mark, m->n++, m->mark);
        p += strlen(special);
    }
    json_t *value = json_stringn(str_text(&out), out.len);
    str_fini(&out);
    return value;
}

// n: bytes of it.
static void unmask(const struct masks *m, const char *rendered, size_t n, struct chat_text *out)
{
    const size_t n_mark = strlen(m->mark);
    str_clear(&out->text);
    out->n_plain = 0;
    if (m->n == 0) {
        str_addn(&out->text, rendered, n);
        return;
    }
    for (const char *p = rendered; p < rendered + n;) {
        char *end;
        long at;
        if (!n_mark || strncmp(p, m->mark, n_mark) != 0 || (at = strtol(p + n_mark, &end, 10), at < 0 || at >= m->n) ||
            strncmp(end, m->mark, n_mark) != 0) {
            str_addc(&out->text, *p++);
            continue;
        }
        MEM_GROW(out->plain, out->n_plain, out->cap_plain);
        out->plain[out->n_plain++] =
            (struct text_span){out->text.len, out->text.len + strlen(m->pieces[at])};
        str_add(&out->text, m->pieces[at]);
        p = end + n_mark;
    }
}

// A message: what the data has of it, with its content masked.
static json_t *message_json(struct masks *m, const char *role, const char *text, const char *whole)
{
    json_t *message = NULL;
    json_error_t fault;
    if (whole)
        message = json_decode(whole, strlen(whole), &fault);
    if (!json_is_object(message)) {
        json_decref(message);
        message = json_object();
    }
    json_object_set_new(message, "role", json_string(role));
    json_object_set_new(message, "content", masked(m, text));
    return message;
}

static json_t *messages_of(struct masks *m, const struct example *x)
{
    json_t *all = json_array();
    const char *system = m->rules->system;
    if (*system && !(x->n_turns && x->turns[0].role && strcmp(x->turns[0].role, "system") == 0))
        json_array_append_new(all, message_json(m, "system", system, NULL));
    for (int i = 0; i < x->n_turns; i++)
        json_array_append_new(all, message_json(m, x->turns[i].role ? x->turns[i].role : "user", x->turns[i].text,
                                                x->turns[i].json));
    return all;
}

static int render(const struct text_rules *r, const json_t *messages, const char *tools, bool asks, struct str *out,
                  struct err *e)
{
    json_error_t fault;
    json_t *list = tools ? json_decode(tools, strlen(tools), &fault) : NULL;
    const struct chat_request request = {.messages = messages, .tools = list, .add_generation_prompt = asks,
                                         .now = r->now};
    int code = chat_template_render(r->chat, &request, r->tokenizer, out, e);
    json_decref(list);
    return code;
}

// A template may pass over members that it does not know. Where it writes the same without one, nothing of what the
// member says would be learnt or answered.
static int check_rendered(const struct text_rules *r, json_t *messages, const char *tools, bool asks,
                          const struct str *whole, struct err *e)
{
    static const char *const always[] = {"role", "content"};
    struct str other = {0};
    int code = 0;
    if (tools && !render(r, messages, NULL, asks, &other, NULL) && strcmp(str_text(&other), str_text(whole)) == 0)
        code = err_set(e, ERR_INPUT, "the chat template %s does not write \"tools\"", chat_template_name(r->chat));
    size_t i;
    json_t *message, *value;
    json_array_foreach(messages, i, message) {
        const char *key;
        void *next;
        json_object_foreach_safe(message, next, key, value) {
            if (code || strcmp(key, always[0]) == 0 || strcmp(key, always[1]) == 0)
                continue;
            json_t *without = json_deep_copy(messages);
            json_object_del(json_array_get(without, i), key);
            str_clear(&other);
            if (!render(r, without, tools, asks, &other, NULL) && strcmp(str_text(&other), str_text(whole)) == 0)
                code = err_set(e, ERR_INPUT, "the chat template %s does not write \"%s\" of message %zu",
                               chat_template_name(r->chat), key, i + 1);
            json_decref(without);
        }
    }
    str_fini(&other);
    return code;
}

static bool has_members(const struct example *x, const struct response *answer)
{
    for (int i = 0; i < x->n_turns; i++)
        if (x->turns[i].json)
            return true;
    return x->tools || (answer && answer->json);
}

// What an assistant thought has several names. A message that has it under one which the template does not write gets it
// under the one that it does; where there is none it stays, and check_rendered names it.
static void name_thoughts(const struct text_rules *r, json_t *messages, const char *tools, bool asks)
{
    static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
    enum { N_NAMES = sizeof names / sizeof *names };
    struct str without = {0}, with = {0};
    size_t i;
    json_t *message;
    json_array_foreach(messages, i, message) {
        int has = 0;
        while (has < N_NAMES && !json_object_get(message, names[has]))
            has++;
        if (has == N_NAMES)
            continue;
        const char *chosen = NULL;
        json_t *thought = json_incref(json_object_get(message, names[has]));
        json_object_del(message, names[has]);
        str_clear(&without);
        const bool fails = render(r, messages, tools, asks, &without, NULL) != 0;
        for (int k = 0; k < N_NAMES && !chosen && !fails; k++) {
            const char *name = names[(has + k) % N_NAMES]; // its own first
            if (json_object_get(message, name))
                continue;
            json_object_set(message, name, thought);
            str_clear(&with);
            if (!render(r, messages, tools, asks, &with, NULL) && strcmp(str_text(&with), str_text(&without)) != 0)
                chosen = name;
            json_object_del(message, name);
        }
        json_object_set_new(message, chosen ? chosen : names[has], thought);
    }
    str_fini(&without);
    str_fini(&with);
}

static int render_checked(const struct text_rules *r, json_t *messages, const char *tools, bool asks, bool check,
                          struct str *out, struct err *e)
{
    if (check)
        name_thoughts(r, messages, tools, asks);
    int code = render(r, messages, tools, asks, out, e);
    return code || !check ? code : check_rendered(r, messages, tools, asks, out, e);
}

static const char *last_of(const char *text, const char *what)
{
    const char *last = NULL;
    for (const char *p = *what ? strstr(text, what) : NULL; p; p = strstr(p + 1, what))
        last = p;
    return last;
}

// The whole conversation, when it begins as the prompt alone does; else the prompt, the answer and what the template
// writes behind one (templates that write more to open the assistant's turn than they write of a past one).
static void join(const struct text_rules *r, const char *answer, const char *prompt, const char *whole, struct str *out,
                 size_t *end)
{
    const size_t n_behind = strlen(r->behind), n = strlen(whole);
    if (!text_starts(whole, prompt)) {
        str_addf(out, "%s%s", prompt, answer);
        *end = out->len;
        str_add(out, r->behind);
        return;
    }
    str_add(out, whole);
    if (n >= n_behind && n - n_behind >= strlen(prompt) && strcmp(whole + n - n_behind, r->behind) == 0) {
        *end = n - n_behind;
        return;
    }
    const char *last = last_of(whole + strlen(prompt), answer);
    *end = last ? (size_t)(last - whole) + strlen(answer) : n;
}

int chat_text_render(const struct text_rules *r, const struct example *x, const struct response *answer,
                     struct chat_text *out, struct err *e)
{
    struct masks m = {.rules = r};
    struct str prompt = {0}, whole = {0}, both = {0};
    bool masks = answer && has_special(r, answer->text);
    if (!r->chat)
        return err_set(e, ERR_INPUT, "%s", r->no_chat);
    for (int i = 0; i < x->n_turns && !masks; i++)
        masks = has_special(r, x->turns[i].text);
    if (masks)
        choose_mark(&m, x, answer);
    const bool check = has_members(x, answer);
    json_t *messages = messages_of(&m, x);
    int code = render_checked(r, messages, x->tools, true, check && !answer, &prompt, e);
    size_t end = prompt.len;
    if (!code && answer) {
        json_t *message = message_json(&m, "assistant", answer->text, answer->json);
        json_array_append_new(messages, message);
        code = render_checked(r, messages, x->tools, false, check, &whole, e);
        if (!code && answer->json && !text_starts(str_text(&whole), str_text(&prompt)))
            code = err_set(e, ERR_INPUT, "the chat template %s writes the prompt otherwise once an answer follows: what the "
                           "answer has beside its text cannot be put behind it", chat_template_name(r->chat));
        if (!code)
            join(r, json_string_value(json_object_get(message, "content")), str_text(&prompt), str_text(&whole), &both,
                 &end);
    }
    if (!code) {
        unmask(&m, str_text(&prompt), prompt.len, out);
        out->n_prompt = out->answer_end = out->text.len;
    }
    if (!code && answer) {
        unmask(&m, str_text(&both), end, out);
        out->answer_end = out->text.len;
        unmask(&m, str_text(&both), both.len, out);
        if (out->answer_end < out->n_prompt) // the template trims what stands before its own words
            out->answer_end = out->n_prompt;
        char *within = mem_strndup(out->text.data + out->n_prompt, out->answer_end - out->n_prompt);
        out->marks_within = has_special(r, within);
        free(within);
    }
    json_decref(messages);
    free(m.pieces);
    str_fini(&prompt);
    str_fini(&whole);
    str_fini(&both);
    if (code)
        chat_text_fini(out);
    return code;
}

int chat_text_behind(const struct text_rules *r, char **behind, struct err *e)
{
    static const char some_tool[] = "[{\"type\": \"function\", \"function\": {\"name\": \"a\", \"description\": \"a\", "
                                    "\"parameters\": {\"type\": \"object\", \"properties\": {}}}}]";
    static const char mark[] = "\xf3\xb0\x80\x80"; // U+F0000, which no template writes itself
    const struct turn user = {.role = "user", .text = "a"};
    const struct example x = {.is_chat = true, .turns = &user, .n_turns = 1};
    const struct response answer = {.text = mark};
    struct masks m = {.rules = r};
    struct str whole = {0};
    json_t *messages = messages_of(&m, &x);
    json_array_append_new(messages, message_json(&m, "assistant", answer.text, NULL));
    int code = render(r, messages, NULL, false, &whole, e);
    if (code && render(r, messages, some_tool, false, &whole, NULL) == 0) // a template of rows with tools alone
        code = 0;
    const char *at = code ? NULL : last_of(str_text(&whole), mark);
    if (!code)
        *behind = mem_strdup(at ? at + strlen(mark) : "");
    json_decref(messages);
    str_fini(&whole);
    return code;
}
