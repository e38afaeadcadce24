#include "config.h"

#include "launch/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/spawn.h"

enum { MAX_LINE = 16 << 20, MAX_OPTIONS = 32, MOST_BYTES = 256 << 10 };

struct question {
    int64_t id;
    struct engine_asker asker;
    struct err fault; // the asker's own, which cancelled it
    bool cancelled;   // rows that are still to come are dropped
};
struct engine_server {
    struct engine_child child; // pid -1: it has ended
    struct str input;          // what has come of the next line, and of those behind it
    size_t at;                 // the next line's beginning
    struct str output;         // what the process has not taken yet
    int64_t last_id;
    struct question questions[ENGINE_SERVER_MOST]; // the oldest first
    int n;
};

// ---- starting and ending ----

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int engine_server_start(struct engine_server **out, const json_t *loaded, struct err *e)
{
    const char *args[2 * MAX_OPTIONS + 2] = {"serve-model"}, *key;
    char *flags[MAX_OPTIONS] = {0};
    const json_t *value;
    int n = 1, n_flags = 0;
    BUG_IF(json_object_size(loaded) > MAX_OPTIONS);
    json_object_foreach((json_t *)loaded, key, value)
    {
        struct str flag = {0};
        str_addf(&flag, "--%s", key);
        args[n++] = flags[n_flags++] = str_take(&flag);
        args[n++] = json_string_value(value);
    }
    struct engine_server *s = mem_alloc(1, sizeof *s);
    s->input.max = MAX_LINE + 2 * MOST_BYTES;
    int code = engine_child_start(&s->child, args, e);
    for (int i = 0; i < n_flags; i++)
        free(flags[i]);
    if (code) {
        free(s);
        return code;
    }
    set_nonblocking(s->child.in_fd);
    set_nonblocking(s->child.out_fd);
    *out = s;
    return 0;
}

int engine_server_end(struct engine_server *s, int code, struct err *e)
{
    int ended = s->child.pid < 0 ? 0 : engine_child_end(&s->child, code != 0, code ? NULL : e);
    str_fini(&s->input);
    str_fini(&s->output);
    free(s);
    return code ? code : ended;
}

// ---- questions ----

static struct question *find(struct engine_server *s, int64_t id)
{
    for (int i = 0; i < s->n; i++)
        if (s->questions[i].id == id)
            return &s->questions[i];
    return NULL;
}

// Takes it off the list first: who is told may ask again.
static void end_question(struct engine_server *s, struct question *q, int code, const struct err *e)
{
    const struct question ended = *q;
    memmove(q, q + 1, (size_t)(s->questions + s->n - (q + 1)) * sizeof *q);
    s->n--;
    if (ended.asker.end)
        ended.asker.end(ended.asker.arg, ended.fault.code ? ended.fault.code : code, ended.fault.code ? &ended.fault : e);
}

static void say_line(struct engine_server *s, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    str_add(&s->output, text ? text : "{}");
    str_addc(&s->output, '\n');
    free(text);
    json_decref(line);
}

int engine_server_ask(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                      const struct engine_asker *asker, int64_t *id, struct err *e)
{
    if (s->child.pid < 0)
        return err_set(e, ERR_STATE, "the process that had the model loaded has ended");
    if (s->n == ENGINE_SERVER_MOST)
        return err_set(e, ERR_LIMIT, "%d questions are being answered: wait for one to end", s->n);
    json_t *line = json_pack("{s:I, s:s, s:O*, s:O*}", "id", (json_int_t)(s->last_id + 1), "ask", what, "options", options,
                             "words", words);
    if (!line)
        return err_set(e, ERR_FAIL, "the question is no JSON text");
    say_line(s, line);
    *id = ++s->last_id;
    s->questions[s->n++] = (struct question){.id = *id, .asker = *asker};
    return 0;
}

void engine_server_cancel(struct engine_server *s, int64_t id)
{
    struct question *q = find(s, id);
    if (!q || q->cancelled)
        return;
    q->cancelled = true;
    say_line(s, json_pack("{s:I}", "cancel", (json_int_t)id));
}

int engine_server_n_asked(const struct engine_server *s)
{
    return s->n;
}

// ---- answers ----

static int end_of(const json_t *end, struct err *e)
{
    const json_t *code = json_object_get(end, "code");
    const char *text = json_string_value(json_object_get(end, "text"));
    if (!code)
        return 0;
    return err_set(e, json_integer_value(code) < 0 ? (int)json_integer_value(code) : ERR_FAIL, "%s",
                   text ? text : "attune-engine failed without saying why");
}

static void say_note(const char *note)
{
    struct str said = {0};
    str_addf(&said, "warning: %s", note);
    engine_said(str_text(&said));
    str_fini(&said);
}

static int take_line(struct engine_server *s, const char *text, size_t n, struct err *e)
{
    json_t *line = NULL;
    struct err fault = {0};
    int code = json_parse(text, n, "answer of attune-engine serve-model", &line, e);
    struct question *q = code ? NULL : find(s, json_integer_value(json_object_get(line, "id")));
    const json_t *row = json_object_get(line, "row"), *end = json_object_get(line, "end");
    const char *note = json_string_value(json_object_get(line, "note"));
    if (q && end) {
        code = end_of(end, &fault);
        // An answer that was whole before the process heard of the cancelling is not told as one: its rows were dropped.
        if (!code && q->cancelled)
            code = err_set(&fault, ERR_INTERRUPTED, "the request was cancelled");
        end_question(s, q, code, &fault);
        code = 0;
    } else if (q && row && !q->cancelled) {
        const int64_t id = q->id;
        if (q->asker.row(q->asker.arg, row, &fault) && (q = find(s, id)) != NULL) {
            if (!fault.code)
                err_set(&fault, ERR_FAIL, "nobody listens to the answer");
            q->fault = fault;
            engine_server_cancel(s, id);
        }
    } else if (q && note && engine_said) {
        say_note(note);
    }
    json_decref(line);
    return code;
}

// All whole lines that have come.
static int take_lines(struct engine_server *s, struct err *e)
{
    int code = 0;
    while (!code && s->at < s->input.len) {
        char *line = s->input.data + s->at, *newline = memchr(line, '\n', s->input.len - s->at);
        if (!newline)
            break;
        *newline = '\0';
        s->at = (size_t)(newline + 1 - s->input.data);
        code = take_line(s, line, (size_t)(newline - line), e);
    }
    if (s->at > 0) { // what has been read is not needed any more
        const size_t left = s->input.len - s->at;
        memmove(s->input.data, s->input.data + s->at, left);
        s->input.len = left;
        s->at = 0;
    }
    if (!code && s->input.len > MAX_LINE)
        code = err_set(e, ERR_LIMIT, "an answer of the engine is longer than %d MiB", MAX_LINE >> 20);
    return code;
}

static void send_output(struct engine_server *s)
{
    while (s->output.len > 0) {
        const ssize_t n = engine_child_write(&s->child, s->output.data, s->output.len);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) { // it is ending: what it says of that is read
            str_clear(&s->output);
            return;
        }
        memmove(s->output.data, s->output.data + n, s->output.len - (size_t)n);
        s->output.len -= (size_t)n;
    }
}

// Reads what is there; *ended: there will be nothing more.
static int read_input(struct engine_server *s, bool *ended, struct err *e)
{
    char bytes[16384];
    for (size_t all = 0; all < MOST_BYTES;) {
        const ssize_t n = read(s->child.out_fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return err_errno(e, "cannot read the answers of attune-engine");
        *ended = n == 0;
        if (n == 0)
            return 0;
        str_addn(&s->input, bytes, (size_t)n);
        all += (size_t)n;
    }
    return 0;
}

// The process is of no more use: everybody is told why.
static int give_up(struct engine_server *s, int code, struct err *e)
{
    struct err fault = {0};
    const bool failed = code != 0;
    if (failed)
        fault = *e;
    const int ended =
        engine_child_end(&s->child, failed, failed ? NULL : &fault); // what it died of stands in its error text
    if (!failed)
        code = ended ? ended : err_set(&fault, ERR_FAIL, "attune-engine ended before it had answered");
    while (s->n > 0)
        end_question(s, &s->questions[0], code, &fault);
    *e = fault;
    return code;
}

int engine_server_take(struct engine_server *s, struct err *e)
{
    struct err fault = {0};
    bool ended = false;
    if (s->child.pid < 0)
        return err_set(e, ERR_STATE, "the process that had the model loaded has ended");
    send_output(s);
    int code = read_input(s, &ended, &fault);
    if (!code)
        code = take_lines(s, &fault);
    send_output(s); // what was asked meanwhile
    if (code || ended) {
        code = give_up(s, code, &fault);
        if (e)
            *e = fault;
    }
    return code;
}

int engine_server_fds(const struct engine_server *s, struct pollfd out[2])
{
    if (s->child.pid < 0)
        return 0;
    out[0] = (struct pollfd){.fd = s->child.out_fd, .events = POLLIN};
    out[1] = (struct pollfd){.fd = s->child.in_fd, .events = POLLOUT};
    return s->output.len > 0 ? 2 : 1;
}

// ---- waiting for an answer ----

struct call {
    int (*take)(void *arg, const json_t *row, struct err *e);
    void *arg;
    bool ended;
    int code;
    struct err fault;
};

static int call_row(void *arg, const json_t *row, struct err *e)
{
    struct call *c = arg;
    const int code = c->take(c->arg, row, e);
    if (code) { // nobody waits for what is left of it
        c->ended = true;
        c->code = code;
        c->fault = *e;
    }
    return code;
}

static void call_end(void *arg, int code, const struct err *e)
{
    struct call *c = arg;
    c->ended = true;
    c->code = code;
    if (code)
        c->fault = *e;
}

int engine_server_call(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                       int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e)
{
    struct call c = {.take = take, .arg = arg};
    struct pollfd fds[2];
    int64_t id;
    int code = engine_server_ask(s, what, options, words, &(struct engine_asker){call_row, call_end, &c}, &id, e);
    if (code)
        return code;
    while (!c.ended) {
        engine_server_take(s, NULL); // what is wrong with the process is how the question ends
        if (!c.ended)
            poll(fds, (nfds_t)engine_server_fds(s, fds), -1);
    }
    struct question *q = find(s, id);
    if (q)
        q->asker = (struct engine_asker){0};
    if (c.code && e)
        *e = c.fault;
    return c.code;
}
