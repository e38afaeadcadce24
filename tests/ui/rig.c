#include "config.h"

#include "ui/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/utf8.h"

enum { PATIENCE_S = 30 }; // only a failing test waits so long: machines that build beside it are slow at times

static void run_program(const struct rig_options *o)
{
    char *program = o->program ? strdup(o->program) : test_build("attune");
    setenv("ATTUNE_PROJECT", o->project, 1);
    setenv("TERM", o->term ? o->term : "screen-256color", 1);
    setenv("LC_ALL", o->locale ? o->locale : "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    unsetenv("COLORFGBG");
    unsetenv("NO_COLOR");
    unsetenv("ATTUNE_BACKGROUND");
    setenv("ATTUNE_KEYS", o->keys ? o->keys : "/dev/null/none", 1);
    // A machine that stays as it is.
    char *proc = test_source("tests/ui/proc");
    setenv("ATTUNE_PROC", proc, 1);
    setenv("ATTUNE_NVML", "none", 1);
    setenv("XDG_STATE_HOME", o->state ? o->state : "/dev/null/none", 1);
    unsetenv("TMUX");
    unsetenv("STY");
    if (o->clock)
        setenv("ATTUNE_CLOCK", o->clock, 1);
    if (o->set_clock) {
        char *library = test_build("tests/ui/fake_clock.so");
        unsetenv("ATTUNE_CLOCK");
        setenv("FAKE_CLOCK", o->set_clock, 1);
        setenv("LD_PRELOAD", library, 1);
    }
    if (o->no_color)
        setenv("NO_COLOR", "1", 1);
    if (o->background)
        setenv("ATTUNE_BACKGROUND", o->background, 1);
    // A test begins as on the first day, unless it is about coming back.
    char *argv[20] = {"attune"};
    int n = 1;
    for (int i = 0; o->args && o->args[i] && i < 14; i++)
        argv[n++] = (char *)o->args[i];
    if (!o->keeps_session && !o->args)
        argv[n++] = "--fresh";
    if (o->slow)
        argv[n++] = "--slow";
    execv(program, argv);
    _exit(127);
}

void rig_start(struct rig *r, const struct rig_options *o)
{
    struct winsize size = {.ws_row = (unsigned short)o->height, .ws_col = (unsigned short)o->width};
    *r = (struct rig){.width = o->width, .height = o->height};
    r->pid = forkpty(&r->fd, NULL, NULL, &size);
    if (r->pid == 0)
        run_program(o);
    if (r->pid < 0)
        fail_msg("no pseudo-terminal: %s", strerror(errno));
    r->vt = vterm_new(o->height, o->width);
    vterm_set_utf8(r->vt, 1);
    r->screen = vterm_obtain_screen(r->vt);
    vterm_screen_enable_altscreen(r->screen, 1);
    vterm_screen_reset(r->screen, 1);
}

// Without strings of applications (ESC _ to ESC \\), which terminals pass over and libvterm 0.1.4 prints.
static void vterm_write(struct rig *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char c = bytes[i];
        if (r->apart >= 2)
            r->apart = c == '\033' ? 3 : r->apart == 3 && c == '\\' ? 0 : 2;
        else if (r->apart == 1 && c == '_')
            r->apart = 2;
        else {
            if (r->apart == 1)
                vterm_input_write(r->vt, "\033", 1);
            r->apart = c == '\033';
            if (c != '\033')
                vterm_input_write(r->vt, &c, 1);
        }
    }
}

bool rig_read(struct rig *r, double seconds)
{
    char bytes[65536];
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    if (r->has_ended || poll(&p, 1, (int)(seconds * 1000)) <= 0)
        return false;
    ssize_t n = read(r->fd, bytes, sizeof bytes);
    if (n <= 0) {
        r->has_ended = n == 0 || errno == EIO;
        return false;
    }
    r->bytes += (size_t)n;
    if (r->heard)
        r->heard(bytes, (size_t)n);
    if (r->wants_raw)
        str_addn(&r->raw, bytes, (size_t)n);
    vterm_write(r, bytes, (size_t)n);
    return true;
}

void rig_settle(struct rig *r, double quiet_seconds)
{
    while (rig_read(r, quiet_seconds))
        continue;
}

void rig_send(struct rig *r, const char *keys)
{
    size_t n = strlen(keys);
    assert_int_equal(write(r->fd, keys, n), (ssize_t)n);
}

void rig_command(struct rig *r, const char *line)
{
    struct str keys = {0};
    str_addf(&keys, ":%s\r", line);
    rig_send(r, str_text(&keys));
    str_fini(&keys);
}

void rig_resize(struct rig *r, int width, int height)
{
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};
    r->width = width;
    r->height = height;
    vterm_set_size(r->vt, height, width);
    ioctl(r->fd, TIOCSWINSZ, &size);
}

static void add_color(struct str *out, const char *what, const VTermColor *c)
{
    if ((strcmp(what, "fg") == 0 && VTERM_COLOR_IS_DEFAULT_FG(c)) ||
        (strcmp(what, "bg") == 0 && VTERM_COLOR_IS_DEFAULT_BG(c)))
        return;
    if (VTERM_COLOR_IS_INDEXED(c))
        str_addf(out, " %s%d", what, c->indexed.idx);
    else
        str_addf(out, " %srgb", what);
}

static void cell_style(const VTermScreenCell *cell, struct str *out)
{
    str_clear(out);
    add_color(out, "fg", &cell->fg);
    add_color(out, "bg", &cell->bg);
    if (cell->attrs.bold)
        str_add(out, " bold");
    if (cell->attrs.underline)
        str_add(out, " underline");
    if (cell->attrs.reverse)
        str_add(out, " reverse");
}

static void add_styles(struct rig *r, int y, struct str *out)
{
    struct str now = {0}, last = {0};
    int from = 0;
    for (int x = 0; x <= r->width; x++) {
        VTermScreenCell cell;
        str_clear(&now);
        if (x < r->width) {
            vterm_screen_get_cell(r->screen, (VTermPos){.row = y, .col = x}, &cell);
            cell_style(&cell, &now);
        }
        if (x > 0 && strcmp(str_text(&now), str_text(&last)) != 0) {
            if (last.len)
                str_addf(out, "\t%d-%d%s\n", from, x - 1, str_text(&last));
            from = x;
        }
        str_clear(&last);
        str_add(&last, str_text(&now));
    }
    str_fini(&now);
    str_fini(&last);
}

void rig_text(struct rig *r, bool with_styles, struct str *out)
{
    str_clear(out);
    for (int y = 0; y < r->height; y++) {
        size_t line = out->len, end = out->len;
        for (int x = 0; x < r->width; x++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(r->screen, (VTermPos){.row = y, .col = x}, &cell);
            char bytes[4];
            if (cell.chars[0] == (uint32_t)-1)
                continue; // the right half of a wide character
            if (!cell.chars[0])
                str_addc(out, ' ');
            for (int k = 0; k < VTERM_MAX_CHARS_PER_CELL && cell.chars[k]; k++)
                str_addn(out, bytes, utf8_encode(cell.chars[k], bytes));
            if (cell.chars[0] && cell.chars[0] != ' ')
                end = out->len;
        }
        out->len = end > line ? end : line;
        if (out->data)
            out->data[out->len] = '\0';
        str_addc(out, '\n');
        if (with_styles)
            add_styles(r, y, out);
    }
}

void rig_same(const char *want, const char *got)
{
    for (int line = 1; *want || *got; line++) {
        const size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");
        if (n != m || memcmp(want, got, n) != 0)
            fail_msg("line %d of the screen and its styles is\n%.*s\nand should be\n%.*s", line, (int)m, got, (int)n, want);
        want += n + (want[n] == '\n');
        got += m + (got[m] == '\n');
    }
}

bool rig_shows(struct rig *r, const char *text)
{
    struct str shown = {0};
    rig_text(r, false, &shown);
    bool is_there = strstr(str_text(&shown), text) != NULL;
    str_fini(&shown);
    return is_there;
}

void rig_wait(struct rig *r, const char *text)
{
    double until = clock_seconds() + PATIENCE_S;
    while (!rig_shows(r, text)) {
        if (clock_seconds() > until || r->has_ended) {
            struct str shown = {0};
            rig_text(r, false, &shown);
            fail_msg("the screen does not show \"%s\"%s:\n%s", text, r->has_ended ? " (the program has ended)" : "",
                     str_text(&shown));
        }
        rig_read(r, 0.1);
    }
}

void rig_wait_gone(struct rig *r, const char *text)
{
    double until = clock_seconds() + PATIENCE_S;
    while (rig_shows(r, text)) {
        if (clock_seconds() > until || r->has_ended)
            fail_msg("the screen still shows \"%s\"", text);
        rig_read(r, 0.1);
    }
}

static void masked_text(struct rig *r, bool with_styles, struct str *out)
{
    rig_text(r, with_styles, out);
    if (r->mask)
        r->mask(out);
}

void rig_expect(struct rig *r, const char *name, bool with_styles, const char *ready)
{
    struct str relative = {0}, shown = {0};
    struct err fault = {0};
    str_addf(&relative, "tests/ui/screens/%s", name);
    char *path = test_source(str_text(&relative)), *want = NULL;
    size_t n_bytes;
    rig_wait(r, ready);
    if (getenv("ATTUNE_UPDATE_SCREENS")) {
        rig_settle(r, 2.5); // what is read every two seconds comes or goes
        masked_text(r, with_styles, &shown);
        assert_ok(file_write(path, str_text(&shown), shown.len, e));
    } else {
        if (file_read(path, 1 << 20, &want, &n_bytes, &fault))
            fail_msg("%s", fault.text);
        double until = clock_seconds() + PATIENCE_S;
        do {
            masked_text(r, with_styles, &shown);
        } while (strcmp(str_text(&shown), want) != 0 && clock_seconds() < until && (rig_read(r, 0.1), true));
        if (strcmp(str_text(&shown), want) != 0)
            fail_msg("%s: the screen is\n%s\nand should be\n%s", name, str_text(&shown), want);
    }
    free(want);
    free(path);
    str_fini(&relative);
    str_fini(&shown);
}

void rig_expect_grid(struct rig *r, const char *page, const char *ready)
{
    static const int sizes[][2] = {{40, 12}, {200, 50}, {120, 40}, {80, 24}};
    static const struct {
        const char *name, *on, *off;
    } modes[] = {{"ascii", "glyphs ascii", "glyphs braille"},
                 {"16", "colors 16", "colors auto"},
                 {"mono", "colors mono", "colors auto"}};
    char name[80];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rig_resize(r, sizes[i][0], sizes[i][1]);
        snprintf(name, sizeof name, "%s-%dx%d.txt", page, r->width, r->height);
        rig_expect(r, name, false, ready);
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        rig_command(r, modes[i].on);
        snprintf(name, sizeof name, "%s-80x24-%s.txt", page, modes[i].name);
        rig_expect(r, name, i > 0, ready);
        rig_command(r, modes[i].off);
    }
}

static int finish(struct rig *r)
{
    int status = 0;
    double until = clock_seconds() + PATIENCE_S;
    while (!r->has_ended && clock_seconds() < until)
        rig_read(r, 0.1);
    if (!r->has_ended)
        kill(r->pid, SIGKILL);
    waitpid(r->pid, &status, 0);
    close(r->fd);
    vterm_free(r->vt);
    str_fini(&r->raw);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int rig_end(struct rig *r)
{
    return finish(r);
}

void rig_quit(struct rig *r)
{
    rig_send(r, "\003\003");
    assert_int_equal(rig_end(r), 0);
}

void rig_kill(struct rig *r, int number)
{
    kill(r->pid, number);
}
