// Examples as rows that corpus_load reads back as the same examples: what `attune data import --out` writes.
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "corpus/corpus.h"

// A message with all that the data had of it.
static json_t *message_json(const char *role, const char *text, const char *json)
{
    json_error_t fault;
    json_t *message = json ? json_decode(json, strlen(json), &fault) : json_object();
    json_object_set_new(message, "role", json_string(role));
    json_object_set_new(message, "content", json_string(text));
    return message;
}

static json_t *messages_json(const struct example *x)
{
    json_t *list = json_array();
    for (int i = 0; i < x->n_turns; i++)
        json_array_append_new(list, message_json(x->turns[i].role, x->turns[i].text, x->turns[i].json));
    return list;
}

// An answer as a text, or as a message where the row has more of its answers than their texts.
static json_t *answer_json(const struct example *x, int i)
{
    bool more = false;
    for (int k = 0; k < x->n_responses; k++)
        more = more || x->responses[k].json;
    if (!more)
        return json_string(x->responses[i].text);
    return json_pack("[o]", message_json("assistant", x->responses[i].text, x->responses[i].json));
}

// Rows of one file have one form, also when some of its prompts are messages and others plain.
static json_t *row_json(enum data_kind kind, bool only_texts, const struct example *x)
{
    json_t *row = json_object();
    if (only_texts) {
        json_object_set_new(row, "text", json_string(x->responses[0].text));
        return row;
    }
    bool dialogue = x->is_chat && (kind == DATA_PAIR || kind == DATA_LIST);
    json_object_set_new(row, dialogue ? "messages" : "prompt",
                        x->is_chat ? messages_json(x) : json_string(x->turns[0].text));
    if (x->tools) {
        json_error_t fault;
        json_t *tools = json_decode(x->tools, strlen(x->tools), &fault);
        json_object_set_new(row, "tools", tools ? tools : json_string(x->tools));
    }
    if (kind == DATA_SFT || kind == DATA_BINARY)
        json_object_set_new(row, "completion", answer_json(x, 0));
    if (kind == DATA_BINARY)
        json_object_set_new(row, "label", json_boolean(x->responses[0].score > 0));
    if (kind == DATA_PAIR) {
        json_object_set_new(row, "chosen", answer_json(x, 0));
        json_object_set_new(row, "rejected", answer_json(x, 1));
        if (x->responses[0].score < 1) // without it the chosen one has all votes
            json_object_set_new(row, "share", json_real(x->responses[0].score));
    }
    if (kind == DATA_LIST) {
        json_t *list = json_array();
        for (int i = 0; i < x->n_responses; i++)
            json_array_append_new(list, json_pack("{s:s, s:f}", "response", x->responses[i].text, "score",
                                                  x->responses[i].score));
        json_object_set_new(row, "completions", list);
    }
    return row;
}

int corpus_write(const struct corpus *c, const char *path, struct err *e)
{
    struct file_out *out;
    int code = file_out_open(&out, path, e);
    if (code)
        return code;
    bool only_texts = c->kind == DATA_SFT;
    for (size_t i = 0; i < c->n_examples && only_texts; i++)
        only_texts = !c->examples[i].is_chat && c->examples[i].turns[0].text[0] == '\0';
    for (size_t i = 0; i < c->n_examples && !code; i++) {
        json_t *row = row_json(c->kind, only_texts, &c->examples[i]);
        char *line = json_dumps(row, JSON_REAL_PRECISION(17));
        BUG_IF(!line); // texts were read as UTF-8
        size_t n = strlen(line);
        line[n] = '\n'; // over the NUL: the writer takes a count
        code = file_out_write(out, line, n + 1, e);
        free(line);
        json_decref(row);
    }
    if (code) {
        file_out_abort(out);
        return code;
    }
    return file_out_commit(out, e);
}
