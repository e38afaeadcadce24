#include "config.h"

#include "train/engine/session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "train/engine/answers.h"
#include "train/run/open_model.h"

static int make_rules(struct session *x, const struct settings *s, const char *fallback, bool strings_as_messages,
                      struct err *e)
{
    const int most = x->model->arch.max_positions;
    const struct text_rules_options o = {.chat_template = settings_text(s, "chat-template"),
                                         .system = settings_text(s, "system"),
                                         .special_tokens = strcmp(settings_text(s, "special-tokens"), "text") != 0,
                                         .fallback = fallback, .strings_as_messages = strings_as_messages,
                                         .max_length = most, .max_prompt_length = most, .now = (int64_t)time(NULL)};
    return text_rules_open(&x->rules, x->tokenizer, &o, e);
}

static bool says_rules(const struct settings *s)
{
    return settings_given(s, "chat-template") || settings_given(s, "system") || settings_given(s, "special-tokens");
}

// The rules of the run that the folder is a checkpoint of, with what the person says otherwise.
static int open_rules(struct session *x, const struct settings *s, bool strings_as_messages, struct err *e)
{
    struct err fault = {0};
    struct text_rules stored = {0};
    int code = 0;
    x->rules_of_run = text_rules_read(&stored, x->tokenizer, settings_text(s, "model"), &fault);
    if (fault.code) {
        if (e)
            *e = fault;
        return fault.code;
    }
    if (x->rules_of_run && !says_rules(s)) {
        x->rules = stored;
        return 0;
    }
    code = make_rules(x, s, "plain", strings_as_messages, e);
    if (!code && x->rules_of_run) {
        x->rules.max_length = stored.max_length;
        x->rules.max_prompt_length = stored.max_prompt_length;
    }
    text_rules_fini(&stored);
    return code;
}

static int load_tokenizer(struct tokenizer **t, const char *model, struct err *e)
{
    char *dir = model_find_tokenizer(model);
    int code = tokenizer_load(t, dir, e);
    free(dir);
    return code;
}

static const struct session *served;
static const char *served_model;

void session_serve(const struct session *x, const char *model)
{
    served = x;
    served_model = model;
}

int session_open(struct session *x, const struct settings *s, bool strings_as_messages, struct err *e)
{
    const char *model = settings_text(s, "model"), *tokenizer = settings_text(s, "tokenizer");
    int code = 0;
    *x = (struct session){.has_score = model_folder_has_score(model)};
    if (served && strcmp(model, served_model) == 0) {
        x->ops = served->ops;
        x->backend = served->backend;
        x->model = served->model;
        x->tokenizer = served->tokenizer;
        x->is_served = true;
    } else {
        code = load_tokenizer(&x->tokenizer, *tokenizer ? tokenizer : model, e);
    }
    if (!code && !x->is_served)
        code = engine_open_backend(&x->ops, &x->backend, settings_text(s, "device"), settings_text(s, "precision"),
                                   (int)settings_int(s, "threads"), e);
    if (!code && !x->is_served)
        code = engine_load_model(&x->model, model, x->ops, x->backend,
                                 (x->has_score ? LOAD_SCORE : 0) | LOAD_FROZEN, 1, NULL, e);
    if (!code) {
        engine_note(&x->model->notes);
        engine_note(tokenizer_notes(x->tokenizer));
        x->needs.networks = (x->has_score ? NETWORK_SCORE : 0) | (x->model->scores_tokens ? NETWORK_TOKEN_SCORE : 0);
        code = open_rules(x, s, strings_as_messages, e);
    }
    x->text = (struct dataset_options){.rules = &x->rules, .to_score = true};
    if (code)
        session_close(x);
    return code;
}

int session_load_corpus(struct corpus **out, const char *path, const struct settings *s, struct err *e)
{
    const struct corpus_reading how = {settings_text(s, "map"), settings_text(s, "label-from")};
    int code = corpus_load_as(out, path, (size_t)settings_int(s, "limit"), &how, e);
    if (!code && (*out)->n_refused)
        fprintf(stderr, "%zu %s of %s cannot be used; line %lld: %s\n", (*out)->n_refused,
                text_plural((int64_t)(*out)->n_refused, "row", "rows"), path, (long long)(*out)->refused[0].line,
                (*out)->refused[0].reason);
    return code;
}

static json_t *conversation_row(const json_t *history, const char *prompt, const char *response)
{
    json_t *said = json_deep_copy(history), *row = json_object();
    json_array_append_new(said, json_pack("{s:s, s:s}", "role", "user", "content", prompt));
    json_object_set_new(row, "prompt", said);
    if (response)
        json_object_set_new(row, "completion", json_pack("[{s:s, s:s}]", "role", "assistant", "content", response));
    return row;
}

int session_load_conversations(struct corpus **out, const char *history, char *const *prompts, int n, const char *response,
                               struct err *e)
{
    json_t *before = NULL;
    struct str rows = {0};
    int code = json_parse(history, strlen(history), "--history", &before, e);
    if (!code && json_array_size(before) == 0)
        code = err_set(e, ERR_INPUT,
                       "--history is a JSON list of messages: [{\"role\": \"user\", \"content\": \"...\"}, ...]");
    for (int i = 0; i < n && !code; i++) {
        json_t *row = conversation_row(before, prompts[i], response);
        char *text = json_dumps(row, JSON_COMPACT);
        str_addf(&rows, "%s\n", text ? text : "{}");
        free(text);
        json_decref(row);
    }
    json_decref(before);
    if (!code)
        code = corpus_parse(out, "the given conversation.jsonl", str_text(&rows), rows.len, 0, e);
    if (!code && (*out)->n_refused) { // each of them was asked about
        code = err_set(e, ERR_INPUT, "--history: %s", (*out)->refused[0].reason);
        corpus_free(*out);
    }
    str_fini(&rows);
    return code;
}

int session_load_given(struct corpus **out, const struct settings *s, struct err *e)
{
    const char *data = settings_text(s, "data"), *response = settings_text(s, "response");
    char *prompt = (char *)settings_text(s, "prompt");
    if (*data)
        return session_load_corpus(out, data, s, e);
    if (!*response)
        return err_set(e, ERR_USAGE, "give --data FILE, or --prompt TEXT and --response TEXT");
    if (settings_find(s, "history") && *settings_text(s, "history"))
        return session_load_conversations(out, settings_text(s, "history"), &prompt, 1, response, e);
    json_t *row = json_pack("{s:s, s:s}", "prompt", settings_text(s, "prompt"), "completion", response);
    if (!row)
        return err_set(e, ERR_INPUT, "the prompt or the response is not UTF-8");
    char *text = json_dumps(row, JSON_COMPACT);
    int code = corpus_parse(out, "the given response.jsonl", text, strlen(text), 0, e);
    free(text);
    json_decref(row);
    return code;
}

int session_take_corpus(struct session *x, const struct settings *s, const struct corpus *c, struct err *e)
{
    if (x->rules_of_run || !c->transcripts || tokenizer_chat_template(x->tokenizer) ||
        strcmp(settings_text(s, "chat-template"), "auto") != 0)
        return 0;
    text_rules_fini(&x->rules);
    return make_rules(x, s, "hh", false, e);
}

void session_close(struct session *x)
{
    text_rules_fini(&x->rules);
    if (!x->is_served) {
        model_free(x->model);
        if (x->backend)
            x->ops->close(x->backend);
        tokenizer_free(x->tokenizer);
    }
    *x = (struct session){0};
}

json_t *json_bytes(const char *bytes, size_t n)
{
    struct str clean = {0};
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t used = utf8_decode(bytes + at, n - at, &code);
        if (code == UTF8_BAD)
            str_add(&clean, "\xef\xbf\xbd");
        else
            str_addn(&clean, bytes + at, used);
        at += used;
    }
    json_t *text = json_stringn(str_text(&clean), clean.len);
    str_fini(&clean);
    return text;
}
