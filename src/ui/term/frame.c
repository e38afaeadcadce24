#include "config.h"

#include "ui/term/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int gathered = -1, terminal = -1;

void frame_open(void)
{
    if (terminal >= 0)
        return;
    terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    gathered = terminal < 0 ? -1 : memfd_create("frame", MFD_CLOEXEC);
}

int frame_terminal(void)
{
    return terminal >= 0 ? terminal : STDOUT_FILENO;
}

void frame_begin(void)
{
    fflush(stdout);
    if (gathered >= 0)
        dup2(gathered, STDOUT_FILENO);
}

static void send_all(const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done < 0 && errno == EAGAIN) // another program has set it so, and the terminal is busy
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (done < 0 && errno != EINTR)
            return;
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
}

void frame_end(void)
{
    char bytes[32768]; // most frames are less
    fflush(stdout);
    if (gathered < 0)
        return;
    dup2(terminal, STDOUT_FILENO);
    lseek(gathered, 0, SEEK_SET);
    for (ssize_t n; (n = read(gathered, bytes, sizeof bytes)) > 0;)
        send_all(bytes, (size_t)n);
    lseek(gathered, 0, SEEK_SET);
    if (ftruncate(gathered, 0) != 0) // what is left of a longer frame would be sent again
        gathered = -1;
}
