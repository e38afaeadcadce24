#include "config.h"

#include "train/dataset_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int encoder_init(struct encoder *x, const struct dataset_options *o, struct err *e)
{
    const struct tokenizer *t = o->tokenizer;
    int32_t *ids;
    size_t n, n_starts = 0, cap = 0;
    *x = (struct encoder){.o = o, .bos = tokenizer_bos(t), .eos = tokenizer_eos(t)};
    int code = tokenizer_encode(t, "", 0, true, false, &ids, &n, e);
    if (code)
        return code;
    x->adds_bos = n > 0 && ids[0] == x->bos && x->bos >= 0;
    x->adds_eos = n > 0 && ids[n - 1] == x->eos && x->eos >= 0 && (n > 1 || !x->adds_bos);
    free(ids);
    code = tokenizer_encode(t, "a", 1, false, false, &ids, &n, e);
    if (code)
        return code;
    const char *first = n ? tokenizer_token(t, ids[0]) : NULL;
    x->adds_space = first && text_starts(first, "\xe2\x96\x81");
    free(ids);
    for (int32_t id = 0; id < tokenizer_vocab_size(t); id++) {
        const char *token = tokenizer_is_special(t, id) ? tokenizer_token(t, id) : NULL;
        if (!token || !*token)
            continue;
        MEM_GROW(x->specials, x->n_specials, cap);
        x->specials[x->n_specials++] = (char *)token;
        if (!strchr(x->starts, *token))
            x->starts[n_starts++] = *token;
    }
    return 0;
}

void encoder_fini(struct encoder *x)
{
    free(x->specials);
}

// A text from outside may not speak in the template's own control tokens.
static bool holds_control_token(const struct encoder *x, const char *text)
{
    for (const char *at = strpbrk(text, x->starts); at; at = strpbrk(at + 1, x->starts))
        for (int i = 0; i < x->n_specials; i++)
            if (text_starts(at, x->specials[i]))
                return true;
    return false;
}

static const char *token_text(const struct encoder *x, int32_t id)
{
    const char *text = id >= 0 ? tokenizer_token(x->o->tokenizer, id) : NULL;
    return text ? text : "";
}

bool encoder_is_chat(const struct encoder *x, const struct example *ex)
{
    return ex->is_chat || x->o->chat_always;
}

static void add_message(json_t *messages, const char *role, const char *content)
{
    json_t *text = json_string(content); // NULL: bytes that are no UTF-8, which corpora do not let through
    json_array_append_new(messages, json_pack("{ss,so}", "role", role, "content", text ? text : json_string("")));
}

// What the template writes behind an answer ("<|im_end|>\n"): what follows the marker in a conversation whose answer is
// one, without the tokenizer's eos. "" where the template does not show it (it trims, or asks for other roles).
static char *end_of_turn(const struct chat_template *t, const struct tokenizer *k)
{
    static const char marker[] = "ANSWER";
    struct str text = {0};
    json_t *messages = json_array();
    add_message(messages, "user", "QUESTION");
    add_message(messages, "assistant", marker);
    const struct chat_request request = {.messages = messages};
    int code = chat_template_render(t, &request, k, &text, NULL);
    const char *end = code ? NULL : strstr(str_text(&text), marker);
    const char *eos = tokenizer_eos(k) >= 0 ? tokenizer_token(k, tokenizer_eos(k)) : NULL;
    end = end ? end + strlen(marker) : "";
    if (eos && *eos && text_starts(end, eos))
        end += strlen(eos);
    char *copy = mem_strdup(end);
    json_decref(messages);
    str_fini(&text);
    return copy;
}

// Messages of the example, and with `answer` the assistant's, rendered.
static int render(const struct encoder *x, const struct example *ex, const char *answer, struct str *out,
                  struct err *e)
{
    json_t *messages = json_array();
    for (int i = 0; i < ex->n_turns; i++)
        add_message(messages, ex->turns[i].role ? ex->turns[i].role : "user", ex->turns[i].text);
    if (answer)
        add_message(messages, "assistant", answer);
    const struct chat_request request = {.messages = messages, .add_generation_prompt = !answer};
    int code = chat_template_render(x->o->chat, &request, x->o->tokenizer, out, e);
    json_decref(messages);
    return code;
}

static int prompt_ids(const struct encoder *x, const struct example *ex, const char *rendered, int32_t **ids, size_t *n,
                      struct err *e)
{
    const struct tokenizer *t = x->o->tokenizer;
    bool chat = encoder_is_chat(x, ex);
    const char *text = chat ? rendered : ex->n_turns ? ex->turns[0].text : "";
    const char *bos = token_text(x, x->bos);
    bool add = x->adds_bos && !(chat && *bos && text_starts(text, bos));
    int code = tokenizer_encode(t, text, strlen(text), false, chat, ids, n, e);
    if (code)
        return code;
    int32_t start = add ? x->bos : *n == 0 ? (x->bos >= 0 ? x->bos : x->eos) : -1;
    if (start >= 0) {
        *ids = mem_realloc(*ids, *n + 1, sizeof **ids);
        memmove(*ids + 1, *ids, *n * sizeof **ids);
        **ids = start;
        ++*n;
    }
    return 0;
}

int encoder_prompt(const struct encoder *x, const struct example *ex, struct str *rendered, int32_t **ids, size_t *n,
                   struct err *e)
{
    int code = encoder_is_chat(x, ex) ? render(x, ex, NULL, rendered, e) : 0;
    return code ? code : prompt_ids(x, ex, str_text(rendered), ids, n, e);
}

int encoder_response(const struct encoder *x, const struct example *ex, const char *prompt, const char *text,
                     int32_t **ids, size_t *n, struct err *e)
{
    const struct tokenizer *t = x->o->tokenizer;
    struct str whole = {0};
    bool chat = encoder_is_chat(x, ex);
    const char *part = text;
    int code = 0;
    if (x->o->compare) { // a letter alone: what would end it is the same for both
        part += x->adds_space && *part == ' ';
        return tokenizer_encode(t, part, strlen(part), false, false, ids, n, e);
    }
    if (chat) {
        code = render(x, ex, text, &whole, e);
        if (!code && text_starts(str_text(&whole), prompt)) {
            part = str_text(&whole) + strlen(prompt);
        } else if (!code) {
            str_clear(&whole);
            char *end = end_of_turn(x->o->chat, t);
            str_addf(&whole, "%s%s", text, end);
            free(end);
            part = str_text(&whole);
        }
    }
    if (!code) {
        if (x->adds_space && *part == ' ')
            part++;
        code = tokenizer_encode(t, part, strlen(part), false, chat, ids, n, e);
    }
    str_fini(&whole);
    if (code)
        return code;
    if (chat)
        for (size_t i = 0; i < *n; i++)
            if (tokenizer_is_special(t, (*ids)[i])) {
                *n = i + 1;
                return 0;
            }
    if (x->eos >= 0) {
        *ids = mem_realloc(*ids, *n + 1, sizeof **ids);
        (*ids)[(*n)++] = x->eos;
    }
    return 0;
}

int encoder_prompt_room(const struct dataset_options *o)
{
    enum { LETTER_ROOM = 4 };
    if (o->compare)
        return o->max_length - LETTER_ROOM;
    int most = o->max_length - (o->max_length + 3) / 4;
    return o->max_prompt_length < most ? o->max_prompt_length : most;
}

bool encoder_cut_prompt(const struct encoder *x, int32_t *ids, size_t *n)
{
    size_t room = (size_t)encoder_prompt_room(x->o);
    if (*n <= room)
        return false;
    size_t keep_first = ids[0] == x->bos && room > 1 ? 1 : 0;
    memmove(ids + keep_first, ids + *n - (room - keep_first), (room - keep_first) * sizeof *ids);
    *n = room;
    return true;
}

bool encoder_takes(const struct encoder *x, const struct example *ex, const char *text)
{
    return !encoder_is_chat(x, ex) || !holds_control_token(x, text);
}

bool encoder_takes_prompt(const struct encoder *x, const struct example *ex)
{
    for (int i = 0; i < ex->n_turns; i++)
        if (!encoder_takes(x, ex, ex->turns[i].text))
            return false;
    return true;
}

int dataset_chat_template(struct chat_template **out, const char *name, const struct tokenizer *t, struct err *e)
{
    if (strcmp(name, "auto") != 0)
        return chat_template_by_name(out, name, e);
    return tokenizer_chat_template(t) ? chat_template_of(out, t, e) : chat_template_by_name(out, "plain", e);
}

int dataset_prompt_tokens(const struct dataset_options *o, const struct example *ex, int32_t **ids, int *n,
                          struct err *e)
{
    struct encoder x;
    struct str prompt = {0};
    size_t n_ids = 0;
    *ids = NULL;
    int code = encoder_init(&x, o, e);
    if (!code)
        code = encoder_prompt(&x, ex, &prompt, ids, &n_ids, e);
    if (!code && n_ids)
        encoder_cut_prompt(&x, *ids, &n_ids);
    if (!code && n_ids == 0)
        code =
            err_set(e, ERR_INPUT, "the prompt is empty and the tokenizer has no token to begin with: write a prompt");
    encoder_fini(&x);
    str_fini(&prompt);
    if (code) {
        free(*ids);
        *ids = NULL;
    }
    *n = (int)n_ids;
    return code;
}

int dataset_stop_ids(const struct dataset_options *o, int32_t *ids, int max)
{
    int n = 0;
    int32_t eos = tokenizer_eos(o->tokenizer), *turn = NULL;
    size_t n_turn = 0;
    if (eos >= 0 && n < max)
        ids[n++] = eos;
    char *end = o->chat ? end_of_turn(o->chat, o->tokenizer) : mem_strdup("");
    int code = tokenizer_encode(o->tokenizer, end, strlen(end), false, true, &turn, &n_turn, NULL);
    free(end);
    if (code)
        return n;
    for (size_t i = 0; i < n_turn; i++)
        if (tokenizer_is_special(o->tokenizer, turn[i])) {
            if (turn[i] != eos && n < max)
                ids[n++] = turn[i];
            break;
        }
    free(turn);
    return n;
}
