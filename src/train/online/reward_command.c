// A program that scores answers. It is started once and kept; a batch is written to it and read from it at the same time, so
// that neither side waits for the other. One that dies or takes too long is started again, a few times a batch.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/online/reward_kinds.h"

enum { MOST_STARTS = 4, MOST_LINE = 1 << 20 };

static const char too_slow[] = "takes too long";

struct program {
    char *command;
    const char *name; // of it, for people: without the folder that it is run in
    double timeout;
    void (*say)(void *with, const char *text);
    void *with;
    pid_t pid; // 0: none runs
    int fd;    // its standard input and output
    struct str in; // what it has said of a line
    int64_t n_lines; // that it has said since it was started
};

static int start(struct program *p, struct err *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return err_errno(e, "cannot talk to the reward command");
    p->pid = fork();
    if (p->pid < 0) {
        close(ends[0]);
        close(ends[1]);
        p->pid = 0;
        return err_errno(e, "cannot start the reward command");
    }
    if (p->pid == 0) {
        setpgid(0, 0);
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO); // its standard error is the engine's: the run's log
        signal(SIGPIPE, SIG_DFL);
        execl("/bin/sh", "sh", "-c", p->command, (char *)NULL);
        _exit(127);
    }
    setpgid(p->pid, p->pid); // whoever is first
    close(ends[1]);
    p->fd = ends[0];
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    str_clear(&p->in);
    p->n_lines = 0;
    return 0;
}

// Ends it, with all that it has started. patient: it may finish by itself, once it reads the end of its input.
static void stop(struct program *p, bool patient)
{
    if (!p->pid)
        return;
    shutdown(p->fd, SHUT_WR);
    for (int i = 0; patient && i < 50 && waitpid(p->pid, NULL, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    kill(-p->pid, SIGTERM);
    for (int i = 0; i < 20 && waitpid(p->pid, NULL, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(p->fd);
    p->pid = 0;
}

// One line that it has said. ERR_INPUT: it cannot be meant.
static int take_line(const struct program *p, const char *line, size_t n, double *scores, bool *known, int n_answers,
                     int *n_known, struct err *e)
{
    json_t *o = NULL;
    const bool is_json = json_parse(line, n, "", &o, NULL) == 0;
    const json_t *id = json_object_get(o, "id"), *score = json_object_get(o, "score");
    const char *wrong = !is_json                             ? "is no JSON"
                        : !json_is_integer(id)               ? "has no whole number \"id\""
                        : !json_is_number(score) ||
                          !isfinite(json_number_value(score)) ? "has no finite number \"score\""
                                                             : NULL;
    int code = wrong ? err_set(e, ERR_INPUT, "the reward command \"%.100s\" said \"%.*s\" as its line %lld, which %s: a "
                               "line is to be such as {\"id\": 0, \"score\": 1.5}, and what is for people belongs on standard "
                               "error", p->name, (int)(n < 200 ? n : 200), line, (long long)p->n_lines, wrong)
                     : 0;
    const json_int_t at = json_integer_value(id);
    if (!code && (at < 0 || at >= n_answers || known[at]))
        code = err_set(e, ERR_INPUT, "the reward command \"%.100s\" scored answer %lld on line %lld, which %s", p->name,
                       (long long)at, (long long)p->n_lines,
                       at >= 0 && at < n_answers ? "it had scored already"
                       : n_answers ? "is none of this batch" : "nobody has asked for yet: it says more than it is asked");
    if (!code) {
        scores[at] = json_number_value(score);
        known[at] = true;
        ++*n_known;
    }
    json_decref(o);
    return code;
}

// 0: read something; 1: it is gone; or an error.
static int read_some(struct program *p, double *scores, bool *known, int n_answers, int *n_known, struct err *e)
{
    char bytes[16384];
    const ssize_t n = read(p->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return 1;
    str_addn(&p->in, bytes, (size_t)n);
    const char *text = str_text(&p->in), *at = text;
    int code = 0;
    for (const char *end; !code && (end = memchr(at, '\n', p->in.len - (size_t)(at - text))); at = end + 1) {
        p->n_lines++;
        if (end > at)
            code = take_line(p, at, (size_t)(end - at), scores, known, n_answers, n_known, e);
    }
    const size_t left = p->in.len - (size_t)(at - text);
    if (!code && left > MOST_LINE)
        code = err_set(e, ERR_LIMIT, "the reward command \"%.100s\" writes a line of more than a megabyte", p->name);
    char *rest = mem_alloc(left + 1, 1);
    memcpy(rest, at, left);
    str_clear(&p->in);
    str_addn(&p->in, rest, left);
    free(rest);
    return code;
}

static void add_question(struct str *out, const struct reward_answers *a, int i)
{
    json_t *o = json_pack("{s:i, s:o, s:o, s:i, s:b}", "id", i, "prompt",
                          json_stringn_nocheck(a->prompts[i], strlen(a->prompts[i])), "response",
                          json_stringn_nocheck(a->texts[i], strlen(a->texts[i])), "tokens", a->batch->data.seqs[i].n,
                          "ended", (int)a->batch->ended[i]);
    char *line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!line) { // text that is not UTF-8, cut within a character
        char *clean = mem_strdup(a->texts[i]);
        for (char *c = clean; *c; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
        json_object_set_new(o, "response", json_string(clean));
        line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
        free(clean);
    }
    str_addf(out, "%s\n", line ? line : "");
    free(line);
    json_decref(o);
}

// Asks for what is not known yet. 0: all is known; 1: the program is gone or too slow, *why says which; or an error.
static int ask(struct program *p, const struct reward_answers *a, double *scores, bool *known, int *n_known,
               const char **why, struct err *e)
{
    struct str out = {0};
    const double until = clock_seconds() + p->timeout;
    struct pollfd early = {.fd = p->fd, .events = POLLIN};
    size_t sent = 0;
    *why = "has ended";
    // What it has said since the last batch was scored would be taken for answers to this one, whose numbers are the same.
    int code = poll(&early, 1, 0) > 0 ? read_some(p, scores, known, 0, n_known, e) : 0;
    for (int i = 0; i < a->n && !code; i++)
        if (!known[i])
            add_question(&out, a, i);
    while (!code && *n_known < a->n) {
        struct pollfd f = {.fd = p->fd, .events = (short)(POLLIN | (sent < out.len ? POLLOUT : 0))};
        const double left = until - clock_seconds();
        *why = too_slow;
        if (left <= 0 || poll(&f, 1, (int)fmin(left * 1000 + 1, 1000)) < 0) {
            code = left <= 0 ? 1 : 0;
            continue;
        }
        *why = "has ended";
        if (f.revents & POLLOUT) {
            const ssize_t n = send(p->fd, str_text(&out) + sent, out.len - sent, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                code = 1;
        }
        if (!code && (f.revents & (POLLIN | POLLHUP | POLLERR)))
            code = read_some(p, scores, known, a->n, n_known, e);
    }
    str_fini(&out);
    return code;
}

static int score(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    struct program *p = with;
    bool *known = mem_alloc((size_t)a->n + 1, sizeof *known);
    const char *why = "";
    int n_known = 0, code = 1, starts = 0;
    while (code == 1 && starts < MOST_STARTS) {
        struct str text = {0};
        if (!p->pid) {
            starts++;
            if ((code = start(p, e)))
                break;
        }
        code = ask(p, a, scores, known, &n_known, &why, e);
        if (code == 0)
            break;
        stop(p, false);
        str_addf(&text, "the reward command \"%.100s\" %s after %d of %d scores%s", p->name, why, n_known, a->n,
                 starts < MOST_STARTS ? "; it is started again" : "");
        if (code == 1 && p->say)
            p->say(p->with, str_text(&text));
        str_fini(&text);
    }
    if (code == 1)
        code = err_set(e, ERR_IO, "the reward command \"%.100s\" %s, after %d of %d scores, also when it was started again: "
                       "what it said stands in the run's log; reward-timeout is %g seconds%s", p->name, why, n_known,
                       a->n, p->timeout, strcmp(why, too_slow) ? ""
                       : ", and each line must be written out at once (in Python print with flush=True)");
    free(known);
    return code;
}

static void close_command(void *with)
{
    struct program *p = with;
    if (!p)
        return;
    stop(p, true);
    str_fini(&p->in);
    free(p->command);
    free(p);
}

// Behind "cd 'FOLDER' && ", which is put before a program that is meant from a folder: it may be longer than what is shown.
static const char *name_of(const char *command)
{
    const char *behind = text_starts(command, "cd '") ? strstr(command, "' && ") : NULL;
    return behind ? behind + strlen("' && ") : command;
}

// A program that is named by its path must be one: the shell would say so to the log alone, once answers are there. Other
// lines are the shell's business.
static int check_program(const struct program *p, struct err *e)
{
    static const char *const special = " \t\n;|&<>()'\"$`\\*?[]{}~=#";
    const char *folder = p->name == p->command ? "" : p->command + strlen("cd '");
    const size_t n = strcspn(p->name, special), n_folder = *folder ? strcspn(folder, "'") : 0;
    const bool is_plain = n > 0 && (!p->name[n] || strchr(" \t\n;|&<>", p->name[n]));
    if (!is_plain || !memchr(p->name, '/', n) || (*folder && strncmp(folder + n_folder, "' && ", 5) != 0))
        return 0;
    char *word = mem_strndup(p->name, n), *in = mem_strndup(folder, n_folder), *path = path_join(in, word);
    int code = 0;
    if (!file_exists(path))
        code = err_set(e, ERR_NOT_FOUND, "the reward command \"%.100s\": there is no program %s", p->name, path);
    else if (!file_is_regular(path) || access(path, X_OK) != 0)
        code = err_set(e, ERR_USAGE, "the reward command \"%.100s\": %s is not a program that may be run: chmod +x %s, or name "
                       "what runs it, such as python3 %s", p->name, path, word, word);
    free(word);
    free(in);
    free(path);
    return code;
}

static int open_command(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    if (!*arg)
        return err_set(e, ERR_USAGE, "rewards: command needs a program, as in command:./score.sh");
    struct program *p = mem_alloc(1, sizeof *p);
    *p = (struct program){.command = mem_strdup(arg),
                          .timeout = settings_float(o->settings, "reward-timeout"),
                          .say = o->say,
                          .with = o->with};
    p->name = name_of(p->command);
    int code = check_program(p, e);
    if (code)
        close_command(p);
    else
        *with = p;
    return code;
}

const struct reward_kind reward_kind_command = {.name = "command", .help = "command:PROGRAM, what a program says of answers",
                                                .wants_texts = true, .open = open_command, .score = score,
                                                .close = close_command};
