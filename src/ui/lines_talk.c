// Saying lines and asking for them, at a terminal or from a pipe.
#include "config.h"

#include "ui/lines_talk.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/runs/alert_call.h"

enum { MOST_LINE = 64 * 1024 };

static struct {
    struct str typed; // behind the line that was taken last
    bool ended;
} lines;

void lines_say_text(const char *before, const char *text)
{
    struct str s = {0};
    str_add_visible(&s, text, strlen(text), true);
    printf("%s%s\n", before, str_text(&s));
    fflush(stdout);
    str_fini(&s);
}

void lines_say(const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    lines_say_text("", str_text(&s));
    str_fini(&s);
}

void lines_watch(struct ui *ui)
{
    script_refresh(ui);
    alert_calls_look(ui->alert_calls, &ui->runs, clock_seconds());
}

char *lines_take(void)
{
    const char *text = str_text(&lines.typed), *end = strchr(text, '\n');
    if (!end && !(lines.ended && lines.typed.len))
        return NULL;
    const size_t n = end ? (size_t)(end - text) : lines.typed.len;
    char *line = mem_strndup(text, n), *rest = mem_strdup(end ? end + 1 : "");
    str_clear(&lines.typed);
    str_add(&lines.typed, rest);
    free(rest);
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t\r", line[length - 1]))
        line[--length] = '\0';
    return line;
}

bool lines_read(int ms)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[4096];
    if (lines.ended || poll(&in, 1, ms) <= 0)
        return false;
    const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    lines.ended = n <= 0 || lines.typed.len > MOST_LINE;
    if (n > 0)
        str_addn(&lines.typed, bytes, (size_t)n);
    return true;
}

char *lines_ask(struct ui *ui, const char *prompt)
{
    char *line;
    if (isatty(STDIN_FILENO)) {
        printf("%s", prompt);
        fflush(stdout);
    }
    while (!(line = lines_take()) && !lines.ended)
        if (!lines_read(1000))
            lines_watch(ui); // alerts are called for while a person thinks
    if (line && !isatty(STDIN_FILENO))
        lines_say("%s%s", prompt, line);
    return line;
}

bool lines_ended(void)
{
    return lines.ended;
}

void lines_fini(void)
{
    str_fini(&lines.typed);
}
