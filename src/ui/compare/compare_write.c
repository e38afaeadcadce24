// The answers that stand side by side as JSON lines: a line a side, with how it was asked and how each token was said.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "ui/compare/compare_page.h"

static void put_number(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

// Texts that models wrote are UTF-8 by now, but a name or prompt from elsewhere may hold anything.
static json_t *text_or_shown(const char *text)
{
    json_t *plain = json_string(text);
    if (plain)
        return plain;
    struct str shown = {0};
    str_add_visible(&shown, text, strlen(text), true);
    plain = json_string(str_text(&shown));
    str_fini(&shown);
    return plain;
}

static json_t *tokens_json(const struct compare_answer *x)
{
    json_t *list = json_array();
    for (int i = 0; i < x->n_tokens; i++) {
        const struct compare_token *t = &x->tokens[i];
        json_t *one = json_pack("{s:i, s:i}", "id", t->id, "bytes", t->n_bytes);
        put_number(one, "logp", t->logp);
        put_number(one, "entropy", t->entropy);
        put_number(one, "ref", t->reference);
        put_number(one, "other", t->other);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *side_json(struct compare *c, const struct compare_side *s)
{
    json_t *line = json_object();
    json_object_set_new(line, "prompt", text_or_shown(c->prompt));
    const char *history = compare_history(c, s);
    if (history)
        json_object_set_new(line, "history", json_loads(history, 0, NULL));
    json_object_set_new(line, "model", text_or_shown(s->model.label));
    if (s->model.folder) {
        json_object_set_new(line, "folder", text_or_shown(s->model.folder));
        json_object_set_new(line, "seed", json_integer(c->seed));
        json_object_set_new(line, "temperature", json_real(c->temperature));
        json_object_set_new(line, "top_p", json_real(c->top_p));
    }
    json_object_set_new(line, "answer", text_or_shown(str_text(&s->answer.text)));
    put_number(line, "score", s->answer.score);
    json_object_set_new(line, "tokens", tokens_json(&s->answer));
    return line;
}

int compare_write(struct compare *c, const char *path, struct err *e)
{
    struct str text = {0};
    int n = 0;
    if (file_exists(path))
        return err_set(e, ERR_STATE, "there is a file %s already: choose another name", path);
    for (int i = 0; i < c->n && c->prompt; i++) {
        const struct compare_side *s = compare_at(c, i);
        if (s->answer.state != SIDE_WHOLE)
            continue;
        json_t *line = side_json(c, s);
        char *dumped = json_dumps(line, JSON_COMPACT);
        str_addf(&text, "%s\n", dumped ? dumped : "{}");
        free(dumped);
        json_decref(line);
        n++;
    }
    const int code = n == 0 ? err_set(e, ERR_STATE, "nobody has answered yet: there is nothing to write")
                            : file_write(path, str_text(&text), text.len, e);
    str_fini(&text);
    return code ? code : n;
}
