// A model that answers questions: backend, model, tokenizer and how text becomes tokens.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/param.h"
#include "model/model.h"
#include "train/data/dataset.h"

struct session {
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *model;
    struct tokenizer *tokenizer;
    struct text_rules rules;
    struct dataset_options text; // with the rules
    bool rules_of_run; // the folder says how its text became tokens
    bool has_score;
    bool is_served; // backend, model and tokenizer are those of session_serve
    struct needs needs; // of its reward head; nothing without one
};
// Options that the rows of such commands share.
#define SESSION_PARAMS                                                                                                 \
    {.name = "model", .type = PARAM_PATH, .help = "A model or checkpoint folder."},                                     \
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .help = "The tokenizer's folder, when not the model's."}, \
    {.name = "chat-template", .type = PARAM_TEXT, .fallback = "auto",                                                   \
     .help = "How messages become text: a template's name, auto for that of the run or tokenizer, or none."},           \
    {.name = "system", .type = PARAM_TEXT, .fallback = "", .help = "A system message for conversations without one."},  \
    {.name = "special-tokens", .type = PARAM_TEXT, .fallback = "parse",                                                 \
     .help = "What a special token in plain texts is: that token (parse), or text."},                                   \
    {.name = "device", .type = PARAM_TEXT, .fallback = "auto", .help = "Where to compute: auto, cpu, cuda or cuda:1."},  \
    {.name = "precision", .type = PARAM_TEXT, .fallback = "f32", .help = "f32, tf32 (on GPUs) or bf16."},               \
    {.name = "threads", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1024, .help = "0: one per core."}

// The file that a command reads, as its options say (READING_PARAMS).
#define READING_PARAMS                                                                                                 \
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9,                                        \
     .help = "At most so many rows; 0: all."},                                                                         \
    {.name = "map", .type = PARAM_TEXT, .fallback = "",                                                                \
     .help = "Which member of a row is what: prompt=question,chosen=better,rejected=worse."},                          \
    {.name = "label-from", .type = PARAM_TEXT, .fallback = "", .help = "Which of several labels counts."}
// Instead of it one response (GIVEN_PARAMS).
#define GIVEN_PARAMS                                                                                                   \
    {.name = "prompt", .type = PARAM_TEXT, .fallback = "", .help = "Instead of a file: a prompt ..."},                 \
    {.name = "response", .type = PARAM_TEXT, .fallback = "", .help = "... and its response."}
// What was said before the prompt (HISTORY_PARAM).
#define HISTORY_PARAM                                                                                                  \
    {.name = "history", .type = PARAM_TEXT, .fallback = "",                                                            \
     .help = "What was said before the prompt, a JSON list of messages: the prompt is the next one, the user's."}
// A conversation for each prompt, as data with such messages is read; response NULL: prompts alone.
int session_load_conversations(struct corpus **out, const char *history, char *const *prompts, int n, const char *response,
                               struct err *e);
// That of --data, or of --prompt and --response. ERR_USAGE when there is neither.
int session_load_given(struct corpus **out, const struct settings *s, struct err *e);
int session_load_corpus(struct corpus **out, const char *path, const struct settings *s, struct err *e);
// The text rules are those of the run whose checkpoint the folder is, options aside; else by the options.
// strings_as_messages: with a chat model that is no run's, plain prompts are a user's messages.
int session_open(struct session *x, const struct settings *s, bool strings_as_messages, struct err *e);
// What auto means for data of this corpus and a tokenizer without a template. After session_open.
int session_take_corpus(struct session *x, const struct settings *s, const struct corpus *c, struct err *e);
void session_close(struct session *x);
// From now on sessions of x's model folder are opened with what x has loaded; NULL: no more. For a process that serves.
void session_serve(const struct session *x, const char *model);
// A JSON text of bytes that may not be UTF-8: broken ones become U+FFFD.
json_t *json_bytes(const char *bytes, size_t n);
