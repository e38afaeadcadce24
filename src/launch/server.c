#include "config.h"

#include "launch/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/spawn.h"

enum { MAX_LINE = 16 << 20, MAX_OPTIONS = 32 };

struct engine_server {
    struct engine_child child;
    struct str input; // what has come of the next line, and of those behind it
    size_t at;        // the next line's beginning
    json_int_t id;    // of the last question
};

// The next line of the answers, without its end: NULL with *e, or at the end of the process.
static const char *next_line(struct engine_server *s, size_t *n, struct err *e)
{
    char bytes[16384];
    for (size_t seen = s->at;;) {
        char *newline = s->input.len > seen ? memchr(s->input.data + seen, '\n', s->input.len - seen) : NULL;
        if (newline) {
            const char *line = s->input.data + s->at;
            *newline = '\0';
            *n = (size_t)(newline - line);
            s->at += *n + 1;
            return line;
        }
        if (s->at > 0) { // what has been read is not needed any more
            const size_t left = s->input.len - s->at;
            memmove(s->input.data, s->input.data + s->at, left);
            s->input.len = left;
            s->at = 0;
        }
        seen = s->input.len;
        const ssize_t got = read(s->child.out_fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            err_errno(e, "cannot read the answers of attune-engine");
        if (got <= 0)
            return NULL;
        str_addn(&s->input, bytes, (size_t)got);
        if (s->input.truncated) {
            err_set(e, ERR_LIMIT, "an answer of the engine is longer than %d MiB", MAX_LINE >> 20);
            return NULL;
        }
    }
}

int engine_server_start(struct engine_server **out, const json_t *loaded, struct err *e)
{
    const char *args[2 * MAX_OPTIONS + 2] = {"serve"}, *key;
    char *flags[MAX_OPTIONS] = {0};
    const json_t *value;
    int n = 1, n_flags = 0;
    BUG_IF(json_object_size(loaded) > MAX_OPTIONS);
    json_object_foreach((json_t *)loaded, key, value) {
        struct str flag = {0};
        str_addf(&flag, "--%s", key);
        args[n++] = flags[n_flags++] = str_take(&flag);
        args[n++] = json_string_value(value);
    }
    struct engine_server *s = mem_alloc(1, sizeof *s);
    s->input.max = MAX_LINE;
    int code = engine_child_start(&s->child, args, e);
    for (int i = 0; i < n_flags; i++)
        free(flags[i]);
    if (code) {
        free(s);
        return code;
    }
    *out = s;
    return 0;
}

static int end_of(const json_t *end, struct err *e)
{
    const json_t *code = json_object_get(end, "code");
    const char *text = json_string_value(json_object_get(end, "text"));
    if (!code)
        return 0;
    return err_set(e, json_integer_value(code) < 0 ? (int)json_integer_value(code) : ERR_FAIL, "%s",
                   text ? text : "attune-engine failed without saying why");
}

int engine_server_ask(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                      int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e)
{
    json_t *question = json_pack("{s:I, s:s, s:O?, s:O?}", "id", ++s->id, "ask", what, "options", options, "words", words);
    char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
    struct err fault = {0};
    int code = text ? 0 : err_set(e, ERR_FAIL, "the question is no JSON text");
    bool ended = false;
    json_decref(question);
    if (!code) {
        engine_child_say(&s->child, text, strlen(text));
        engine_child_say(&s->child, "\n", 1);
    }
    free(text);
    while (!code && !ended) {
        json_t *line = NULL;
        size_t n;
        const char *answer = next_line(s, &n, &fault);
        if (!answer) { // what it died of stands in its error text
            code = fault.code ? err_set(e, fault.code, "%s", fault.text) : engine_child_end(&s->child, false, e);
            return code ? code : err_set(e, ERR_FAIL, "attune-engine ended before it had answered");
        }
        code = json_parse(answer, n, "answer of attune-engine serve", &line, e);
        const json_t *row = json_object_get(line, "row"), *end = json_object_get(line, "end");
        const char *note = json_string_value(json_object_get(line, "note"));
        if (!code && json_integer_value(json_object_get(line, "id")) != s->id)
            ; // what it serves, or the end of an earlier question
        else if (!code && row)
            code = take(arg, row, e);
        else if (!code && note && engine_said) {
            struct str said = {0};
            str_addf(&said, "warning: %s", note);
            engine_said(str_text(&said));
            str_fini(&said);
        } else if (!code && end) {
            ended = true;
            code = end_of(end, e);
        }
        json_decref(line);
    }
    return code;
}

int engine_server_end(struct engine_server *s, int code, struct err *e)
{
    int ended = s->child.pid < 0 ? 0 : engine_child_end(&s->child, code != 0, code ? NULL : e);
    str_fini(&s->input);
    free(s);
    return code ? code : ended;
}
