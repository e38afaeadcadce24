// A program behind a slow link: what goes to and from its terminal takes so long, and comes so fast at most.
//
//     tests/tools/slow_link MS BYTES_A_SECOND PROGRAM [WORD...]
//
// Each way has a queue without an end, as a connection has whose buffers are large: what is written too fast comes late, and
// nothing tells the writer. For tests of how the console behaves far away, and for trying it there.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PIECE = 512, MOST_PIECES = 64 * 1024 };

struct piece {
    double due_s;
    size_t n;
    char bytes[PIECE];
};
struct way {
    int from, to;
    struct piece *pieces; // a ring
    size_t first, n;
    double free_s; // when the line has sent all that came so far
    bool ended;
};

static double delay_s, rate;
static struct termios before;
static volatile sig_atomic_t resized;

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

static void take(struct way *w)
{
    struct piece *p = &w->pieces[(w->first + w->n) % MOST_PIECES];
    const ssize_t n = read(w->from, p->bytes, PIECE);
    if (n <= 0) {
        w->ended = n == 0 || errno != EINTR;
        return;
    }
    p->n = (size_t)n;
    w->free_s = fmax(w->free_s, clock_seconds()) + (double)n / rate;
    p->due_s = w->free_s + delay_s;
    w->n++;
}

static void give(struct way *w, double now)
{
    while (w->n > 0 && w->pieces[w->first].due_s <= now) {
        const struct piece *p = &w->pieces[w->first];
        for (size_t at = 0; at < p->n;) {
            const ssize_t n = write(w->to, p->bytes + at, p->n - at);
            if (n < 0 && errno != EINTR)
                break;
            at += n > 0 ? (size_t)n : 0;
        }
        w->first = (w->first + 1) % MOST_PIECES;
        w->n--;
    }
}

static int wait_ms(const struct way *ways, double now)
{
    double until = now + 1;
    for (int i = 0; i < 2; i++)
        if (ways[i].n)
            until = fmin(until, ways[i].pieces[ways[i].first].due_s);
    return until > now ? (int)ceil((until - now) * 1000) : 0;
}

static void take_size(int child)
{
    struct winsize size;
    resized = 0;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(child, TIOCSWINSZ, &size);
}

// Until the program has ended and all that it wrote is there.
static void relay(int child)
{
    struct way ways[2] = {{.from = STDIN_FILENO, .to = child}, {.from = child, .to = STDOUT_FILENO}};
    for (int i = 0; i < 2; i++)
        ways[i].pieces = mem_alloc(MOST_PIECES, sizeof(struct piece));
    while (!ways[1].ended || ways[1].n) {
        struct pollfd fds[2];
        for (int i = 0; i < 2; i++) // a full ring waits
            fds[i] = (struct pollfd){ways[i].ended || ways[i].n == MOST_PIECES ? -1 : ways[i].from, POLLIN, 0};
        const int n = poll(fds, 2, wait_ms(ways, clock_seconds()));
        if (resized)
            take_size(child);
        for (int i = 0; i < 2 && n > 0; i++)
            if (fds[i].revents)
                take(&ways[i]);
        for (int i = 0; i < 2; i++)
            give(&ways[i], clock_seconds());
    }
    for (int i = 0; i < 2; i++)
        free(ways[i].pieces);
}

int main(int argc, char **argv)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int child, status = 0;
    if (argc < 4 || (delay_s = atof(argv[1]) / 1000) < 0 || (rate = atof(argv[2])) <= 0) {
        fprintf(stderr, "slow_link MS BYTES_A_SECOND PROGRAM [WORD...]\n");
        return 2;
    }
    ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    const bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    const pid_t pid = forkpty(&child, NULL, is_terminal ? &before : NULL, &size);
    if (pid == 0) {
        execvp(argv[3], argv + 3);
        fprintf(stderr, "slow_link: %s: %s\n", argv[3], strerror(errno));
        _exit(127);
    }
    if (pid < 0) {
        fprintf(stderr, "slow_link: no pseudo-terminal: %s\n", strerror(errno));
        return 1;
    }
    struct termios raw = before;
    cfmakeraw(&raw);
    if (is_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    signal(SIGWINCH, on_resize);
    relay(child);
    if (is_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
