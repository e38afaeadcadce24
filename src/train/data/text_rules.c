#include "config.h"

#include "train/data/text_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/data/chat_text.h"

static int read_tokenizer(struct text_rules *r, struct err *e)
{
    const struct tokenizer *t = r->tokenizer;
    int32_t *ids;
    size_t n, n_starts = 0, cap = 0;
    r->bos = tokenizer_bos(t);
    r->eos = tokenizer_eos(t);
    int code = tokenizer_encode(t, "", 0, true, false, &ids, &n, e);
    if (code)
        return code;
    r->adds_bos = n > 0 && ids[0] == r->bos && r->bos >= 0;
    free(ids);
    for (int32_t id = 0; id < tokenizer_vocab_size(t); id++) {
        const char *token = tokenizer_is_special(t, id) ? tokenizer_token(t, id) : NULL;
        if (!token || !*token)
            continue;
        MEM_GROW(r->specials, r->n_specials, cap);
        r->specials[r->n_specials++] = token;
        if (!strchr(r->starts, *token))
            r->starts[n_starts++] = *token;
    }
    if (r->eos >= 0)
        r->stops[r->n_stops++] = r->eos;
    return 0;
}

// What the template writes behind an answer, and the first special token in it, which ends one as eos does.
static int read_template_end(struct text_rules *r, struct err *e)
{
    int32_t *ids;
    size_t n;
    int code = chat_text_behind(r, &r->behind, e);
    if (!code)
        code = tokenizer_encode(r->tokenizer, r->behind, strlen(r->behind), false, true, &ids, &n, e);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        if (tokenizer_is_special(r->tokenizer, ids[i])) {
            if (ids[i] != r->eos)
                r->stops[r->n_stops++] = ids[i];
            break;
        }
    free(ids);
    return 0;
}

// name NULL: the tokenizer's own.
static int open_template(struct text_rules *r, const char *name, struct err *e)
{
    int code = name ? chat_template_by_name(&r->chat, name, e)
                    : chat_template_of(&r->chat, r->tokenizer, e);
    if (!code)
        code = read_template_end(r, e);
    if (code) {
        chat_template_free(r->chat);
        r->chat = NULL;
    }
    return code;
}

int text_rules_open(struct text_rules *r, const struct tokenizer *t, const struct text_rules_options *o, struct err *e)
{
    const bool none = strcmp(o->chat_template, "none") == 0, automatic = strcmp(o->chat_template, "auto") == 0;
    *r = (struct text_rules){.tokenizer = t, .system = mem_strdup(o->system ? o->system : ""),
                             .special_tokens = o->special_tokens, .max_length = o->max_length,
                             .max_prompt_length = o->max_prompt_length, .now = o->now};
    r->own_template = automatic && tokenizer_chat_template(t);
    r->strings_as_messages = automatic ? o->strings_as_messages && r->own_template
                                       : !none && strcmp(o->chat_template, "plain") != 0;
    int code = read_tokenizer(r, e);
    struct err fault = {0};
    if (!code && none) {
        snprintf(r->no_chat, sizeof r->no_chat, "it is a conversation, but the chat template is none");
    } else if (!code && (code = open_template(r, r->own_template ? NULL : automatic ? o->fallback : o->chat_template,
                                              &fault))) {
        if (automatic && !r->strings_as_messages) { // plain prompts need none; conversations will say it
            snprintf(r->no_chat, sizeof r->no_chat, "%.*s", (int)sizeof r->no_chat - 1, fault.text);
            code = 0;
        } else if (e) {
            *e = fault;
        }
    }
    if (code)
        text_rules_fini(r);
    return code;
}

void text_rules_fini(struct text_rules *r)
{
    chat_template_free(r->chat);
    free(r->system);
    free(r->behind);
    free(r->specials);
    *r = (struct text_rules){0};
}

// ---- the file ----

enum { FORMAT = 1 };

json_t *text_rules_to_json(const struct text_rules *r)
{
    json_t *template = r->chat ? json_pack("{s:s, s:s, s:s?}", "name", chat_template_name(r->chat), "text",
                                           chat_template_text(r->chat), "tool_use", chat_template_tool_text(r->chat))
                               : json_null();
    return json_pack("{s:i, s:s, s:o, s:b, s:b, s:b, s:s, s:i, s:i, s:I}", "format", FORMAT, "tokenizer",
                     tokenizer_hash(r->tokenizer), "chat_template", template, "own_template", r->own_template,
                     "strings_as_messages", r->strings_as_messages, "special_tokens", r->special_tokens, "system",
                     r->system, "max_length", r->max_length, "max_prompt_length", r->max_prompt_length, "now",
                     (json_int_t)r->now);
}

int text_rules_from_json(struct text_rules *r, const struct tokenizer *t, const json_t *stored, const char *where,
                         struct err *e)
{
    const char *hash, *system, *name, *text, *tool_text;
    int64_t format, most, prompt_most;
    *r = (struct text_rules){.tokenizer = t};
    const json_t *template = json_object_get(stored, "chat_template");
    int code = json_get_int(stored, "format", 0, FORMAT, FORMAT, &format, where, e);
    if (!code)
        code = json_get_text(stored, "tokenizer", "", &hash, where, e);
    if (!code)
        code = json_get_text(stored, "system", "", &system, where, e);
    if (!code)
        code = json_get_text(template, "name", NULL, &name, where, e);
    if (!code)
        code = json_get_text(template, "text", NULL, &text, where, e);
    if (!code)
        code = json_get_text(template, "tool_use", NULL, &tool_text, where, e);
    if (!code)
        code = json_get_bool(stored, "own_template", false, &r->own_template, where, e);
    if (!code)
        code = json_get_bool(stored, "strings_as_messages", false, &r->strings_as_messages, where, e);
    if (!code)
        code = json_get_bool(stored, "special_tokens", true, &r->special_tokens, where, e);
    if (!code)
        code = json_get_int(stored, "max_length", 1024, 1, INT32_MAX, &most, where, e);
    if (!code)
        code = json_get_int(stored, "max_prompt_length", 512, 1, INT32_MAX, &prompt_most, where, e);
    if (!code)
        code = json_get_int(stored, "now", 0, INT64_MIN, INT64_MAX, &r->now, where, e);
    if (code)
        return code;
    if (strcmp(hash, tokenizer_hash(t)) != 0)
        return err_set(e, ERR_STATE, "%s belongs to another tokenizer (%.12s...) than the one that is there (%.12s...): "
                       "give the run's own with --tokenizer", where, hash, tokenizer_hash(t));
    r->max_length = (int)most;
    r->max_prompt_length = (int)prompt_most;
    r->system = mem_strdup(system);
    code = read_tokenizer(r, e);
    if (!code && text)
        code = chat_template_open(&r->chat, name ? name : "of the run", text, tool_text, e);
    if (!code && text)
        code = read_template_end(r, e);
    if (!text)
        snprintf(r->no_chat, sizeof r->no_chat, "it is a conversation, but the run has no chat template");
    if (code)
        text_rules_fini(r);
    return code;
}

int text_rules_write(const struct text_rules *r, const char *dir, struct err *e)
{
    json_t *rules = text_rules_to_json(r);
    char *path = path_join(dir, TEXT_RULES_FILE);
    int code = json_write(path, rules, e);
    free(path);
    json_decref(rules);
    return code;
}

bool text_rules_read(struct text_rules *r, const struct tokenizer *t, const char *dir, struct err *e)
{
    enum { MOST = 8 << 20 };
    char *path = path_join(dir, TEXT_RULES_FILE);
    json_t *stored = NULL;
    const bool there = file_exists(path);
    int code = there ? json_read(path, MOST, &stored, e) : 0;
    if (there && !code)
        code = text_rules_from_json(r, t, stored, path, e);
    json_decref(stored);
    free(path);
    return there && !code;
}

// ---- tokens ----

bool text_rules_is_chat(const struct text_rules *r, const struct example *x)
{
    return x->is_chat || r->strings_as_messages;
}

void encoded_fini(struct encoded *x)
{
    free(x->ids);
    *x = (struct encoded){0};
}

static void put_first(struct encoded *x, int32_t id)
{
    x->ids = mem_realloc(x->ids, x->n + 1, sizeof *x->ids);
    memmove(x->ids + 1, x->ids, x->n * sizeof *x->ids);
    x->ids[0] = id;
    x->n++;
    x->n_before++;
}

static void put_last(struct encoded *x, int32_t id)
{
    x->ids = mem_realloc(x->ids, x->n + 1, sizeof *x->ids);
    x->ids[x->n++] = id;
}

// The beginning that the tokenizer gives a text, unless the text writes it or a template writes all; and one in any
// case where nothing would stand before the first token to predict.
static void begin(const struct text_rules *r, bool templated, struct encoded *x)
{
    const bool writes = x->n > 0 && x->ids[0] == r->bos;
    if (r->adds_bos && !writes && !(templated && r->own_template))
        put_first(x, r->bos);
    else if (x->n_before == 0 && (r->bos >= 0 || r->eos >= 0) && !writes)
        put_first(x, r->bos >= 0 ? r->bos : r->eos);
    else if (x->n_before == 0 && x->n > 0)
        x->n_before = 1;
}

static bool is_stop(const struct text_rules *r, int32_t id)
{
    for (int i = 0; i < r->n_stops; i++)
        if (r->stops[i] == id)
            return true;
    return false;
}

static bool is_blank(const struct tokenizer *t, int32_t id)
{
    char *text;
    size_t n;
    if (tokenizer_decode_more(t, &id, 1, false, &text, &n, NULL))
        return false;
    const bool blank = strspn(text, " \t\r\n") == n;
    free(text);
    return blank;
}

// Of a plain answer: one end token. Blank text behind one that the answer has is not learnt.
static void end_plain(const struct text_rules *r, struct encoded *x)
{
    size_t n = x->n;
    while (n > x->n_before && !is_stop(r, x->ids[n - 1]) && is_blank(r->tokenizer, x->ids[n - 1]))
        n--;
    if (n > x->n_before && is_stop(r, x->ids[n - 1]))
        x->n = n;
    else if (r->eos >= 0)
        put_last(x, r->eos);
}

// Of a message: up to and with the first special token among those from `end` on.
static void end_message(const struct text_rules *r, size_t end, struct encoded *x)
{
    for (size_t i = end; i < x->n; i++)
        if (tokenizer_is_special(r->tokenizer, x->ids[i])) {
            x->n = i + 1;
            return;
        }
    if (r->eos >= 0)
        put_last(x, r->eos);
}

static int encode_chat(const struct text_rules *r, const struct example *x, const struct response *answer, bool ends,
                       struct encoded *out, struct err *e)
{
    struct chat_text c = {0};
    struct encode_options o = {.parse_special = true};
    int32_t *unused = NULL;
    size_t n_unused, n_to_end = 0;
    int code = chat_text_render(r, x, answer, &c, e);
    if (code)
        return code;
    o.plain = c.plain;
    o.n_plain = c.n_plain;
    if (answer && !ends) { // only the answer's own text
        c.text.len = c.answer_end;
        c.text.data[c.text.len] = '\0';
    }
    o.cut = c.answer_end;
    if (answer && ends && c.marks_within) // then the first one behind the answer's end is meant
        code = tokenizer_encode_cut(r->tokenizer, str_text(&c.text), c.text.len, &o, &unused, &n_unused, &n_to_end, e);
    free(unused);
    o.cut = c.n_prompt;
    if (!code)
        code = tokenizer_encode_cut(r->tokenizer, str_text(&c.text), c.text.len, &o, &out->ids, &out->n, &out->n_before,
                                    e);
    if (!code && answer && ends)
        end_message(r, n_to_end > out->n_before ? n_to_end : out->n_before, out);
    out->plain_specials = c.n_plain > 0;
    chat_text_fini(&c);
    return code;
}

static int encode_plain(const struct text_rules *r, const struct example *x, const struct response *answer, bool ends,
                        struct encoded *out, struct err *e)
{
    const char *prompt = x->n_turns ? x->turns[0].text : "";
    const struct encode_options o = {.parse_special = r->special_tokens, .cut = strlen(prompt)};
    struct str both = {0};
    str_addf(&both, "%s%s", prompt, answer ? answer->text : "");
    int code = both.truncated ? err_set(e, ERR_LIMIT, "a text is too long")
                              : tokenizer_encode_cut(r->tokenizer, str_text(&both), both.len, &o, &out->ids, &out->n,
                                                     &out->n_before, e);
    str_fini(&both);
    if (!code && answer && ends)
        end_plain(r, out);
    return code;
}

static int encode(const struct text_rules *r, const struct example *x, const struct response *answer, bool ends,
                  struct encoded *out, struct err *e)
{
    const bool chat = text_rules_is_chat(r, x);
    *out = (struct encoded){0};
    int code = chat ? encode_chat(r, x, answer, ends, out, e) : encode_plain(r, x, answer, ends, out, e);
    if (code) {
        encoded_fini(out);
        return code;
    }
    begin(r, chat, out);
    return 0;
}

int text_rules_encode(const struct text_rules *r, const struct example *x, const struct response *answer,
                      struct encoded *out, struct err *e)
{
    return encode(r, x, answer, true, out, e);
}

int text_rules_encode_open(const struct text_rules *r, const struct example *x, const struct response *answer,
                           struct encoded *out, struct err *e)
{
    return encode(r, x, answer, false, out, e);
}

void encoded_cut_prompt(struct encoded *x, size_t n, int32_t bos)
{
    const size_t first = x->n > 0 && x->ids[0] == bos && n + 1 < x->n_before ? 1 : 0;
    memmove(x->ids + first, x->ids + first + n, (x->n - first - n) * sizeof *x->ids);
    x->n -= n;
    x->n_before -= n;
}
