#include "config.h"

#include "text/chat_template.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/chat_template_table.h"

enum { MAX_NAMES = 128 };

static const char *names[MAX_NAMES];

static void list_names(void)
{
    BUG_IF(n_chat_templates >= MAX_NAMES);
    for (int i = 0; i < n_chat_templates; i++)
        names[i] = chat_templates[i].name;
}

const char *const *chat_template_names(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, list_names);
    return names;
}

int chat_template_by_name(const struct chat_template **out, const char *name, struct err *e)
{
    for (int i = 0; i < n_chat_templates; i++)
        if (strcmp(chat_templates[i].name, name) == 0) {
            *out = &chat_templates[i];
            return 0;
        }
    struct str list = {0};
    for (int i = 0; i < n_chat_templates; i++)
        str_addf(&list, "%s%s", i ? ", " : "", chat_templates[i].name);
    int code = err_set(e, ERR_NOT_FOUND, "there is no chat template \"%.60s\"; known are %s", name, str_text(&list));
    str_fini(&list);
    return code;
}

const char *chat_template_name(const struct chat_template *t)
{
    return t->name;
}

const char *chat_template_end_of_turn(const struct chat_template *t)
{
    const char *after = t->assistant.after ? t->assistant.after : "", *eos = strrchr(after, EOS[0]);
    return eos ? eos + 1 : after;
}

struct rendering {
    const struct chat_template *t;
    const char *bos, *eos;
    struct str *out;
};

// A row's text with the tokenizer's tokens in place.
static void put(const struct rendering *r, const char *text)
{
    for (; text && *text; text++) {
        if (*text == BOS[0])
            str_add(r->out, r->bos);
        else if (*text == EOS[0])
            str_add(r->out, r->eos);
        else
            str_addc(r->out, *text);
    }
}

// How many bytes at p are one character that Python's strip() takes away, or 0.
static size_t space_at(const char *p)
{
    unsigned char c = (unsigned char)*p;
    if (c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31))
        return 1;
    if (strncmp(p, "\xc2\xa0", 2) == 0 || strncmp(p, "\xc2\x85", 2) == 0)
        return 2;
    if (strncmp(p, "\xe3\x80\x80", 3) == 0)
        return 3;
    if (c == 0xe2 && (unsigned char)p[1] == 0x80) {
        unsigned char d = (unsigned char)p[2];
        return (d >= 0x80 && d <= 0x8a) || d == 0xa8 || d == 0xa9 || d == 0xaf ? 3 : 0;
    }
    return strncmp(p, "\xe2\x81\x9f", 3) == 0 || strncmp(p, "\xe1\x9a\x80", 3) == 0 ? 3 : 0;
}

static void put_trimmed(const struct rendering *r, const char *text, bool trim)
{
    const char *end = text + strlen(text);
    if (trim) {
        size_t used;
        while (*text && (used = space_at(text)))
            text += used;
        end = text;
        for (const char *p = text; *p;) {
            used = space_at(p);
            p += used ? used : 1;
            if (!used)
                end = p;
        }
    }
    str_addn(r->out, text, (size_t)(end - text));
}

static void put_message(const struct rendering *r, struct around around, const char *content, bool trim)
{
    put(r, around.before);
    put_trimmed(r, content, trim);
    put(r, around.after);
}

static bool is_role(const struct message *m, const char *role)
{
    return strcmp(m->role, role) == 0;
}

static int check(const struct chat_template *t, const struct message *messages, int n, struct err *e)
{
    if (n < 1)
        return err_set(e, ERR_INPUT, "a conversation without messages cannot be rendered");
    bool first_system = is_role(&messages[0], "system");
    for (int i = 0; i < n; i++) {
        const char *role = messages[i].role;
        bool system = is_role(&messages[i], "system"), user = is_role(&messages[i], "user");
        if (!system && !user && !is_role(&messages[i], "assistant"))
            return err_set(e, ERR_INPUT, "message %d has the role \"%.40s\"; known are system, user and assistant",
                           i + 1, role);
        if (system && t->place == SYSTEM_REFUSED)
            return err_set(e, ERR_INPUT, "the chat template %s has no place for a system message", t->name);
        if (!(t->flags & ALTERNATE) || (system && i == 0))
            continue;
        if (system || user != ((i - first_system) % 2 == 0))
            return err_set(e, ERR_INPUT,
                           "message %d is from %s: in the chat template %s user and assistant take turns, and a system "
                           "message can only be the first",
                           i + 1, role, t->name);
    }
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && text_ends(text, end);
}

// The last message of a person, not of a tool; answers after it keep their reasoning.
static int last_query(const struct message *messages, int n)
{
    for (int i = n - 1; i >= 0; i--)
        if (is_role(&messages[i], "user") && !(text_starts(messages[i].content, "<tool_response>") &&
                                               ends_with(messages[i].content, "</tool_response>")))
            return i;
    return n - 1;
}

static char *between(const char *start, const char *end, bool strip_start, bool strip_end)
{
    while (strip_start && start < end && *start == '\n')
        start++;
    while (strip_end && end > start && end[-1] == '\n')
        end--;
    return mem_strndup(start, (size_t)(end - start));
}

// Qwen3: "<think>reasoning</think>answer". Earlier answers lose the reasoning; the last keeps it, also empty.
static void put_thinking(const struct rendering *r, const char *content, bool keeps, bool last)
{
    static const char open_tag[] = "<think>", close_tag[] = "</think>";
    const char *first = strstr(content, close_tag), *answer = content;
    char *reasoning = NULL;
    if (first) {
        for (const char *p = first; (p = strstr(p, close_tag)); answer = p += strlen(close_tag))
            ;
        const char *start = content;
        for (const char *p = content; (p = strstr(p, open_tag)) && p < first; start = p += strlen(open_tag))
            ;
        const char *end = first;
        while (end > start && end[-1] == '\n')
            end--;
        reasoning = between(start, end, true, true);
        while (*answer == '\n')
            answer++;
    }
    put(r, r->t->assistant.before);
    if (keeps && (last || (reasoning && *reasoning))) {
        str_addf(r->out, "<think>\n%s\n</think>\n\n", reasoning ? reasoning : "");
        while (*answer == '\n')
            answer++;
    }
    str_add(r->out, answer);
    put(r, r->t->assistant.after);
    free(reasoning);
}

// The first user's content with the system's before it, trimmed together.
static void put_folded(const struct rendering *r, const char *system, const char *content)
{
    const struct chat_template *t = r->t;
    struct str whole = {0};
    struct rendering inner = {t, r->bos, r->eos, &whole};
    put_message(&inner, t->system, system, t->flags & TRIM_SYSTEM);
    str_add(&whole, content);
    put_message(r, t->user, str_text(&whole), t->flags & TRIM_USER);
    str_fini(&whole);
}

int chat_template_render(const struct chat_template *t, const struct message *messages, int n,
                         bool add_generation_prompt, const char *bos_token, const char *eos_token, struct str *out,
                         struct err *e)
{
    int code = check(t, messages, n, e);
    if (code)
        return code;
    struct rendering r = {t, bos_token ? bos_token : "", eos_token ? eos_token : "", out};
    int query = t->flags & THINK ? last_query(messages, n) : 0;
    const char *folded = NULL;
    put(&r, t->begin);
    if (t->default_system && !is_role(&messages[0], "system"))
        put_message(&r, t->system, t->default_system, false);
    for (int i = 0; i < n; i++) {
        const char *content = messages[i].content;
        if (t->flags & SKIPS_EMPTY && !*content)
            continue;
        if (is_role(&messages[i], "system")) {
            if (t->place == SYSTEM_BLOCK)
                put_message(&r, i && t->later_system.before ? t->later_system : t->system, content,
                            t->flags & TRIM_SYSTEM);
            else if (t->place == SYSTEM_FOLDED || t->place == SYSTEM_IN_LAST)
                folded = content;
        } else if (is_role(&messages[i], "user")) {
            if (folded && t->place == SYSTEM_IN_LAST && i < n - 1)
                put_message(&r, t->user, content, t->flags & TRIM_USER);
            else if (folded)
                put_folded(&r, folded, content);
            else
                put_message(&r, t->user, content, t->flags & TRIM_USER);
            folded = t->place == SYSTEM_IN_LAST ? folded : NULL;
        } else if (t->flags & THINK) {
            put_thinking(&r, content, i > query, i == n - 1);
        } else {
            put_message(&r, t->assistant, content, t->flags & TRIM_ASSISTANT);
        }
    }
    bool asks = add_generation_prompt && !(t->flags & ASKS_USERS && is_role(&messages[n - 1], "assistant"));
    put(&r, asks ? t->generation : t->finish);
    if (out->truncated)
        return err_set(e, ERR_LIMIT, "a conversation is too long to be rendered");
    return 0;
}
