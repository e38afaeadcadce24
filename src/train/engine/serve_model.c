// attune-engine serve-model: one model, kept loaded, and whoever asks it. Requests and answers are JSON lines on the
// standard streams:
//
//     {"id": 1, "ask": "sample", "options": {"samples": 2}, "words": ["Once upon a time"]}
//     {"id": 2, "ask": "score", "options": {"data": "held-out.jsonl"}}
//     {"cancel": 1}
//
//     {"id": 1, "row": {...}}              what the command of that name would print, row by row
//     {"id": 1, "note": "..."}             what a person should know of the files
//     {"id": 1, "end": {"status": 0}}      or {"status": 5, "code": -3, "text": "what is wrong"}
//
// Samplings that are under way are batched together, token by token, and one joins when it comes; each is answered as if it
// were alone. The other questions are answered one after the other, between two tokens. The process ends when its input ends
// and all is answered, or with its parent.
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/generator.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/sampling.h"
#include "train/engine/session.h"

const struct param engine_serve_model_params[] = {
    SESSION_PARAMS,
    {.name = "memory", .type = PARAM_INT, .fallback = "256", .min = 1, .max = 1048576,
     .help = "MiB that the answers of all samplings under way may take; what would be more is refused."},
    {0}};

enum { MAX_LINE = 16 << 20, MAX_WORDS = 65536 };

// A sampling under way.
struct request {
    json_int_t id;
    struct sampling *sampling;
    json_t *line; // which its words are of
    char **words;
    struct settings settings;
    struct request *next;
};

struct server {
    const struct settings *options;
    struct session session;
    struct request *requests; // the oldest first
    struct str input;         // what has come of the next line
    bool input_ended;
    size_t memory;
    int parent;
};

static const struct question {
    const char *name;
    const struct param *params;
    int (*run)(const struct settings *s, char **rest, int n_rest, struct err *e); // NULL: a sampling
} questions[] = {
    {"sample", engine_sample_params, NULL},
    {"score", engine_score_params, engine_score},
    {"credit", engine_credit_params, engine_credit},
    {"tokens", engine_tokens_params, engine_tokens},
    {"agree", engine_agree_params, engine_agree},
    {"eval", engine_eval_params, engine_eval},
};

// ---- answers ----

static int write_line(json_t *value, struct err *e)
{
    engine_answer_for(-1);
    return engine_print(value, e);
}

static int end_request(json_int_t id, int code, const struct err *fault, struct err *e)
{
    struct notes notes = {0};
    int written = 0;
    engine_take_notes(&notes);
    for (size_t i = 0; i < notes.n && !written && !code; i++)
        written = write_line(json_pack("{s:I, s:s}", "id", id, "note", notes.texts[i]), e);
    notes_fini(&notes);
    if (written)
        return written;
    return write_line(code ? json_pack("{s:I, s:{s:i, s:i, s:s}}", "id", id, "end", "status", err_exit_status(code),
                                       "code", code, "text", fault->text)
                           : json_pack("{s:I, s:{s:i}}", "id", id, "end", "status", 0),
                      e);
}

static int say_row(void *arg, json_t *row, struct err *e)
{
    const struct request *r = arg;
    const json_int_t before = engine_answer_for(r->id); // an evaluation, which draws its answers beside the samplings
    int code = engine_print(row, e);
    engine_answer_for(before);
    return code;
}

// ---- requests ----

// The question's options: those of the process, and the request's, which may not name what is loaded.
static int read_options(const struct server *v, const struct question *q, const json_t *given, struct settings *s,
                        struct err *e)
{
    static const char *const loaded[] = {"model", "tokenizer", "device", "precision", "threads"};
    static const char *const of_text[] = {"chat-template", "system", "special-tokens"};
    const struct param *const tables[] = {q->params, NULL};
    int code = 0;
    settings_init(s, tables);
    for (size_t i = 0; i < sizeof loaded / sizeof *loaded && !code; i++) {
        if (json_object_get(given, loaded[i]))
            code = err_set(e, ERR_USAGE, "\"%s\" is what the process was started with: a request cannot change it",
                           loaded[i]);
        else if (settings_given(v->options, loaded[i]))
            code = settings_set(s, loaded[i], settings_text(v->options, loaded[i]), e);
    }
    for (size_t i = 0; i < sizeof of_text / sizeof *of_text && !code; i++)
        if (settings_given(v->options, of_text[i]) && !json_object_get(given, of_text[i]))
            code = settings_set(s, of_text[i], settings_text(v->options, of_text[i]), e);
    if (!code && given && !json_is_object(given))
        code = err_set(e, ERR_INPUT, "\"options\" must be an object");
    if (!code && given)
        code = settings_from_json(s, given, e);
    return code ? code : settings_check_required(s, e);
}

static int read_words(const json_t *list, char ***out, int *n, struct err *e)
{
    const size_t size = json_array_size(list);
    const json_t *word;
    size_t i;
    *n = 0;
    if ((list && !json_is_array(list)) || size > MAX_WORDS)
        return err_set(e, ERR_INPUT, "\"words\" must be a list of at most %d texts", MAX_WORDS);
    *out = mem_alloc(size + 1, sizeof **out);
    json_array_foreach(list, i, word) {
        if (!json_is_string(word) || strlen(json_string_value(word)) != json_string_length(word)) {
            free(*out);
            *out = NULL;
            return err_set(e, ERR_INPUT, "\"words\" must be a list of texts without NUL characters");
        }
        (*out)[(*n)++] = (char *)json_string_value(word);
    }
    return 0;
}

static void request_free(struct request *r)
{
    sampling_free(r->sampling);
    settings_fini(&r->settings);
    free(r->words);
    json_decref(r->line);
    free(r);
}

static size_t memory_used(const struct server *v)
{
    size_t all = 0;
    for (const struct request *r = v->requests; r; r = r->next)
        all += sampling_bytes(r->sampling);
    return all;
}

// Settings and words are the request's from here on, or freed.
static int start_sampling(struct server *v, json_int_t id, json_t *line, const struct settings *s, char **words, int n_words,
                          struct err *e)
{
    struct request *r = mem_alloc(1, sizeof *r), **end = &v->requests;
    *r = (struct request){.id = id, .line = json_incref(line), .words = words, .settings = *s};
    int code = sampling_start(&r->sampling, &r->settings, words, n_words, say_row, r, e);
    const size_t used = memory_used(v);
    if (!code && (sampling_bytes(r->sampling) > v->memory || used > v->memory - sampling_bytes(r->sampling)))
        code = err_set(e, ERR_LIMIT, "the answers would take %zu MiB more, %zu of %zu are in use: ask for fewer or shorter "
                       "ones, or later", sampling_bytes(r->sampling) >> 20, used >> 20, v->memory >> 20);
    if (code) {
        request_free(r);
        return code;
    }
    while (*end)
        end = &(*end)->next;
    *end = r;
    return 0;
}

static int take_request(struct server *v, json_int_t id, json_t *line, struct err *e)
{
    const char *ask = json_string_value(json_object_get(line, "ask"));
    const struct question *q = NULL;
    struct settings s;
    struct err fault = {0};
    char **words = NULL;
    int n_words = 0;
    for (size_t i = 0; ask && i < sizeof questions / sizeof *questions; i++)
        if (strcmp(questions[i].name, ask) == 0)
            q = &questions[i];
    for (const struct request *r = v->requests; r; r = r->next)
        if (r->id == id)
            return end_request(id, ERR_USAGE, &(struct err){.text = "a request of this id is under way"}, e);
    if (!q) {
        err_set(&fault, ERR_USAGE, "\"ask\" must be sample, score, credit, tokens, agree or eval");
        return end_request(id, fault.code, &fault, e);
    }
    int code = read_options(v, q, json_object_get(line, "options"), &s, &fault);
    if (!code)
        code = read_words(json_object_get(line, "words"), &words, &n_words, &fault);
    if (!code && !q->run) {
        code = start_sampling(v, id, line, &s, words, n_words, &fault);
        return code ? end_request(id, code, &fault, e) : 0;
    }
    if (!code) {
        engine_answer_for(id);
        code = q->run(&s, words, n_words, &fault);
        engine_answer_for(-1);
    }
    settings_fini(&s);
    free(words);
    return end_request(id, code, &fault, e);
}

static int cancel(struct server *v, json_int_t id, struct err *e)
{
    struct request **at = &v->requests;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    if (!*at)
        return 0; // it has just ended
    struct request *r = *at;
    struct err fault = {0};
    *at = r->next;
    request_free(r);
    return end_request(id, err_set(&fault, ERR_INTERRUPTED, "the request was cancelled"), &fault, e);
}

static int take_line(struct server *v, const char *text, size_t n, struct err *e)
{
    json_t *line = NULL;
    struct err fault = {0};
    int code = 0;
    if (strspn(text, " \t\r") == n)
        return 0;
    if (!json_parse(text, n, "the request", &line, &fault) && !json_is_object(line))
        err_set(&fault, ERR_INPUT, "a request is a JSON object on one line");
    const json_t *id = json_object_get(line, "id"), *cancelled = json_object_get(line, "cancel");
    if (!fault.code && !json_is_integer(cancelled) && (!json_is_integer(id) || json_integer_value(id) < 0))
        err_set(&fault, ERR_INPUT, "a request needs an \"id\", a whole number from 0 on");
    if (fault.code)
        code = end_request(json_is_integer(id) ? json_integer_value(id) : -1, fault.code, &fault, e);
    else if (json_is_integer(cancelled))
        code = cancel(v, json_integer_value(cancelled), e);
    else
        code = take_request(v, json_integer_value(id), line, e);
    json_decref(line);
    return code;
}

// ---- the loop ----

// What has come, at most one read; waits for it when there is nothing else to do.
static int read_input(struct server *v, bool wait, struct err *e)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[65536];
    if (poll(&in, 1, wait ? 1000 : 0) <= 0)
        return 0;
    const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    int code = 0;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return err_errno(e, "cannot read requests");
    if (n == 0)
        v->input_ended = true;
    for (const char *at = bytes, *end = bytes + (n > 0 ? n : 0); at < end && !code;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        str_addn(&v->input, at, (size_t)((newline ? newline : end) - at));
        at = newline ? newline + 1 : end;
        if (v->input.truncated)
            return err_set(e, ERR_LIMIT, "a request is longer than %d MiB", MAX_LINE >> 20);
        if (newline) {
            code = take_line(v, str_text(&v->input), v->input.len, e);
            str_clear(&v->input);
        }
    }
    return code;
}

// A token for every sampling; those that are done are ended.
static int sample_on(struct server *v, struct err *e)
{
    struct generator *g = v->requests ? sampling_generator(v->requests->sampling) : NULL;
    struct err fault = {0};
    int failed = g && generator_is_busy(g) ? generator_step(g, &fault) : 0, code = 0;
    for (struct request **at = &v->requests; *at && !code;) {
        struct request *r = *at;
        struct err own = fault;
        const int wrong = failed ? failed : sampling_fault(r->sampling, &own);
        if (!failed && !sampling_is_done(r->sampling)) {
            at = &r->next;
            continue;
        }
        const json_int_t id = r->id;
        *at = r->next;
        request_free(r);
        code = end_request(id, wrong, &own, e);
    }
    return code;
}

int engine_serve_model(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct server v = {.options = s, .input = {.max = MAX_LINE}, .parent = getppid(),
                       .memory = (size_t)settings_int(s, "memory") << 20};
    int code = session_open(&v.session, s, true, e);
    if (code)
        return code;
    session_serve(&v.session, settings_text(s, "model"));
    code = write_line(json_pack("{s:s}", "serves", settings_text(s, "model")), e);
    while (!code && getppid() == v.parent && !(v.input_ended && !v.requests)) {
        if (!v.input_ended)
            code = read_input(&v, !v.requests, e);
        if (!code)
            code = sample_on(&v, e);
    }
    while (v.requests) {
        struct request *r = v.requests;
        v.requests = r->next;
        request_free(r);
    }
    str_fini(&v.input);
    session_serve(NULL, NULL);
    session_close(&v.session);
    return code;
}
