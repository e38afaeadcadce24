#include "config.h"

#include "train/commands/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "train/commands/engine_commands.h"
#include "train/run.h"

bool model_folder_has_score(const char *dir)
{
    char *path = path_join(dir, "config.json");
    json_t *config = NULL;
    bool found = false;
    if (json_read(path, 1 << 20, &config, NULL) == 0) {
        const char *name = json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
        found = name && (text_ends(name, "ForSequenceClassification") || text_ends(name, "ForTokenClassification"));
        json_decref(config);
    }
    free(path);
    path = path_join(dir, "adapter_config.json");
    if (!found && json_read(path, 1 << 20, &config, NULL) == 0) {
        const char *task = json_string_value(json_object_get(config, "task_type"));
        found = task && (strcmp(task, "SEQ_CLS") == 0 || strcmp(task, "TOKEN_CLS") == 0);
        json_decref(config);
    }
    free(path);
    return found;
}

static int load_tokenizer(struct tokenizer **t, const char *model, struct err *e)
{
    char *dir = model_find_tokenizer(model);
    int code = tokenizer_load(t, dir, e);
    free(dir);
    return code;
}

int session_open(struct session *x, const struct settings *s, struct err *e)
{
    const char *model = settings_text(s, "model"), *tokenizer = settings_text(s, "tokenizer");
    const char *chat = settings_text(s, "chat-template");
    char key[80];
    *x = (struct session){.has_score = model_folder_has_score(model)};
    int code = load_tokenizer(&x->tokenizer, *tokenizer ? tokenizer : model, e);
    if (!code)
        code = engine_open_backend(&x->ops, &x->backend, settings_text(s, "device"), settings_text(s, "precision"),
                                   (int)settings_int(s, "threads"), e);
    if (!code)
        code = engine_load_model(&x->model, model, x->ops, x->backend, x->has_score, 1, key, e);
    if (!code) {
        engine_note(&x->model->notes);
        x->needs = (x->has_score ? NEED_SCORE : 0) | (x->model->scores_tokens ? NEED_TOKEN_SCORE : 0);
        const bool none = strcmp(chat, "none") == 0, own = strcmp(chat, "auto") == 0;
        const int most = x->model->arch.max_positions;
        x->text = (struct dataset_options){.tokenizer = x->tokenizer, .to_score = true, .max_length = most,
                                           .max_prompt_length = most};
        x->text.chat_always = !none && (!own || tokenizer_chat_template(x->tokenizer));
        if (!none)
            code = dataset_chat_template(&x->text.chat, chat, x->tokenizer, e);
    }
    if (code)
        session_close(x);
    return code;
}

void session_close(struct session *x)
{
    model_free(x->model);
    if (x->backend)
        x->ops->close(x->backend);
    tokenizer_free(x->tokenizer);
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
