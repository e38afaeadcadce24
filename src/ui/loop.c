// The one place where the console waits: for keys, for signals and finished jobs (a byte in a pipe), and for the next
// look at the run store (10 times a second while runs are live, else once). Nothing else wakes it.
//
// A key is served before data, and its frame is drawn at once. Frames that only data asked for are limited to 30 a
// second and to a budget of bytes, so that a slow link carries keys and not numbers that nobody can read so fast.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/term/keys.h"
#include "ui/term/screen.h"
#include "ui/session.h"
#include "ui/runs/alert_call.h"
#include "ui/ui_internal.h"

static volatile sig_atomic_t got_end, got_resize, got_continue, got_stop;
static int wake_fd = -1;

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGWINCH)
        got_resize = 1;
    else if (number == SIGCONT)
        got_continue = 1;
    else if (number == SIGTSTP)
        got_stop = 1;
    else
        got_end = number;
    ssize_t n = write(wake_fd, "s", 1);
    (void)n;
    errno = saved;
}

// The terminal is given back first, then the fault takes its usual course (a core file, the exit status).
static void on_fault(int number)
{
    screen_rescue();
    signal(number, SIG_DFL);
    raise(number);
}

void loop_take_signals(struct ui *ui)
{
    wake_fd = ui->wake_fd[1];
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    static const int caught[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGCONT, SIGTSTP};
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &ours, NULL);
    struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_RESETHAND | SA_NODEFER};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigemptyset(&fault.sa_mask);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigaction(faults[i], &fault, NULL);
    signal(SIGPIPE, SIG_IGN);
}

struct input {
    char bytes[4096];
    size_t n;
    double escape_s; // when an unfinished sequence is taken as it is; 0: nothing waits
    bool pasting;    // between the marks that the terminal sets around a paste
    struct str pasted;
};

enum { MAX_PASTED = 64 * 1024, PASTE_PATIENCE_S = 2, ANSWER_PATIENCE_S = 1 };
#define ESCAPE_PATIENCE_S 0.025

// Moves what belongs to the paste from bytes[at..n) to `pasted`; returns where the keys go on. `all`: the terminal has
// sent nothing for long, so the end mark was lost.
static size_t take_pasted(struct ui *ui, struct input *in, size_t at, bool all)
{
    const size_t n_mark = strlen(KEYS_PASTE_END), left = in->n - at;
    const char *end = memmem(in->bytes + at, left, KEYS_PASTE_END, n_mark);
    size_t n = end ? (size_t)(end - (in->bytes + at)) : left;
    if (!end && !all) // the mark may have arrived in part
        for (size_t k = n_mark - 1; k > 0; k--)
            if (k <= left && memcmp(in->bytes + in->n - k, KEYS_PASTE_END, k) == 0) {
                n = left - k;
                break;
            }
    str_addn(&in->pasted, in->bytes + at, in->pasted.len + n > MAX_PASTED ? MAX_PASTED - in->pasted.len : n);
    if (end || all) {
        ui_paste(ui, str_text(&in->pasted), in->pasted.len);
        str_clear(&in->pasted);
        in->pasting = false;
    }
    return at + n + (end ? n_mark : 0);
}

static void take_reply(struct ui *ui, const char *bytes, size_t n)
{
    const enum terminal_said said = screen_take_reply(bytes, n);
    if (said == SAID_BACKGROUND || said == SAID_PICTURES || (said == SAID_PONG && !ui->link.answers))
        ui->dirty = true;
    if (said == SAID_PONG)
        link_answered(&ui->link, clock_seconds());
}

// Decodes all whole keys that were read.
static void take_keys(struct ui *ui, struct input *in, bool all)
{
    size_t at = 0;
    while (at < in->n && !ui->quit) {
        int key;
        if (in->pasting) {
            at = take_pasted(ui, in, at, all);
            if (in->pasting)
                break;
            continue;
        }
        size_t used = key_decode(in->bytes + at, in->n - at, all, &key);
        if (used == 0)
            break;
        at += used;
        struct mouse mouse;
        if (key_mouse(key, &mouse))
            ui_mouse(ui, mouse);
        else if (key == KEY_REPLY_)
            take_reply(ui, in->bytes + at - used, used);
        else if (key == KEY_PASTE_)
            in->pasting = true;
        else
            ui_key(ui, key);
    }
    memmove(in->bytes, in->bytes + at, in->n - at);
    in->n -= at;
    const double patience = in->pasting                      ? PASTE_PATIENCE_S
                            : key_is_begun(in->bytes, in->n) ? ANSWER_PATIENCE_S
                                                             : ESCAPE_PATIENCE_S;
    in->escape_s = in->pasting || in->n ? clock_seconds() + patience : 0;
}

// false when the terminal is gone.
static bool read_keys(struct ui *ui, struct input *in)
{
    ssize_t n = read(STDIN_FILENO, in->bytes + in->n, sizeof in->bytes - in->n);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (n > 0)
        in->n += (size_t)n;
    take_keys(ui, in, in->n == sizeof in->bytes && !in->pasting);
    return true;
}

static void take_size(struct ui *ui)
{
    int width, height;
    got_resize = 0;
    screen_resized();
    screen_size(&width, &height);
    canvas_resize(&ui->canvas, width, height);
    ui->dirty = true;
}

static void serve_signals(struct ui *ui)
{
    char drain[64];
    while (read(ui->wake_fd[0], drain, sizeof drain) > 0)
        continue;
    if (got_end)
        ui->quit = true;
    if (got_stop) {
        got_stop = 0;
        ui_dispatch(ui, CMD_SUSPEND, NULL);
    }
    if (got_continue) {
        got_continue = 0;
        screen_return();
        got_resize = 1;
    }
    if (got_resize)
        take_size(ui);
    jobs_collect(ui);
}

struct frames {
    double next_data_s;  // no frame for data's sake before
    double next_picture_s; // nor a picture; 0: none waits
    double bytes_per_s;
};

enum { SLOW_BYTES_PER_S = 300, PICTURE_BYTES_PER_S = 64000 };

static void draw_frame(struct ui *ui, struct frames *f, double now)
{
    // About 1 byte a second for each cell, at least 500: 2 kB/s at 80 x 24, 7 kB/s from 160 x 44 on. An answer that a person
    // asked for streams at whatever it takes, at most 30 kB/s: it is over soon.
    double cells = (double)ui->canvas.width * ui->canvas.height;
    f->bytes_per_s = fmin(7000, fmax(500, cells * 1.0));
    ui->link_period_s = ui->slow ? 1 : link_period(&ui->link, now);
    if (models_are_asked(ui))
        f->bytes_per_s = 30000;
    if (ui->slow)
        f->bytes_per_s = SLOW_BYTES_PER_S;
    pictures_begin(ui, !ui->dirty && now < f->next_picture_s, now);
    ui_draw(ui);
    pictures_end(ui);
    size_t bytes = screen_show(&ui->canvas);
    const size_t painted = pictures_show(ui);
    if (painted > 0) // at most one a second for data's sake
        f->next_picture_s = now + fmax(1, (double)painted / PICTURE_BYTES_PER_S);
    bool was_data = !ui->dirty;
    ui->dirty = ui->data_dirty = false;
    // What a key emptied for an answer does not put off the answer's first token.
    const double pause = !was_data && models_are_asked(ui) ? 0 : (double)bytes / f->bytes_per_s;
    if (was_data || bytes > 0)
        f->next_data_s = now + fmax(ui->link_period_s, fmin(ui->slow ? 4 : 2, fmax(1.0 / 30, pause)));
    if ((painted > 0 || (bytes > 0 && was_data)) && link_wants_question(&ui->link, now)) {
        screen_ping();
        link_asked(&ui->link, now);
    }
}

static int wait_ms(const struct ui *ui, const struct input *in, const struct frames *f, double next_poll_s, double now)
{
    if (ui->more)
        return 0;
    double until = next_poll_s;
    if (pictures_wait(ui))
        until = fmin(until, f->next_picture_s);
    if (in->escape_s)
        until = fmin(until, in->escape_s);
    if (ui->dirty)
        until = fmin(until, now + 0.02); // the terminal was not ready for a frame
    else if (ui->data_dirty)
        until = fmin(until, fmax(f->next_data_s, now + 0.005));
    double left = (until - now) * 1000;
    return left <= 0 ? 0 : (int)ceil(left);
}

int loop_run(struct ui *ui, struct err *e)
{
    struct input in = {0};
    struct frames frames = {0};
    struct pollfd fds[2 + 2 * MODELS_MOST] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                              {.fd = ui->wake_fd[0], .events = POLLIN}};
    double next_poll_s = 0;
    screen_ask();
    link_asked(&ui->link, clock_seconds());
    take_size(ui); // it may have changed before the signal was ours
    ui->runs.hurries = screen_has_keys;
    while (!ui->quit) {
        double now = clock_seconds();
        if (ui->dirty && screen_is_ready()) { // a key's frame does not wait for data
            if (ui->more)
                ui_follow(ui, now);
            draw_frame(ui, &frames, now);
        }
        bool due = now >= next_poll_s;
        if (due || ui->more) {
            ui_refresh(ui, now, false);
            session_tick(ui, now);
            machine_tick(ui, now);
            alert_calls_look(ui->alert_calls, &ui->runs, now);
            const char *trouble = alert_calls_trouble(ui->alert_calls);
            if (trouble)
                ui_say_error(ui, "%s", trouble);
            if (due)
                next_poll_s = now + (ui->runs.n_behind ? 0.02 : ui->runs.n_live && !ui->frozen ? 0.1 : 1);
        }
        if (pictures_wait(ui) && now >= frames.next_picture_s)
            ui->data_dirty = true;
        if ((ui->dirty || (ui->data_dirty && now >= frames.next_data_s)) && screen_is_ready())
            draw_frame(ui, &frames, now);
        const int n_models = models_fds(ui, fds + 2);
        int n = poll(fds, (nfds_t)(2 + n_models), wait_ms(ui, &in, &frames, next_poll_s, clock_seconds()));
        if (n < 0 && errno != EINTR)
            return err_errno(e, "cannot wait for keys");
        serve_signals(ui);
        ui_quit_tick(ui);
        if (n_models > 0 && n > 0)
            models_serve(ui);
        if (fds[0].revents & POLLIN) {
            if (!read_keys(ui, &in))
                break;
            session_touch(ui, clock_seconds());
        } else if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
            break;
        }
        if (in.escape_s && clock_seconds() >= in.escape_s) {
            if (in.pasting && in.n == 0)
                take_pasted(ui, &in, 0, true);
            take_keys(ui, &in, true);
        }
        fds[0].revents = fds[1].revents = 0;
    }
    str_fini(&in.pasted);
    return 0;
}

// A terminal that vanishes sends SIGHUP more than once; another signal is somebody who does not want to wait.
void loop_finish(struct ui *ui)
{
    enum { PATIENCE_S = 600 };
    const double until = clock_seconds() + PATIENCE_S;
    const char *due = jobs_due(ui);
    got_end = 0;
    if (!due || ui->gives_up)
        return;
    fprintf(stderr, "%s; the console ends after that. Ctrl-c ends it at once, without that.\n", due);
    while (jobs_due(ui) && (got_end == 0 || got_end == SIGHUP) && clock_seconds() < until)
        jobs_wait(ui, 0.05);
    if (jobs_due(ui))
        fprintf(stderr, "The console did not wait any longer: what it waited for may be lost.\n");
    else if (ui->message[0] && ui->message_is_error)
        fprintf(stderr, "%s\n", ui->message);
}
