// A file of the person has a byte for each process that computes: byte k is of GPU k % n. Whoever takes one locks the first
// that is free. So each GPU is taken once before any is taken twice, and what a process had is free the moment it is gone,
// however it ended. It is a hint: where the file cannot be, all take the first.
#include "config.h"

#include "gpu/cards.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_TAKERS = 64 }; // of one GPU

static int taken, held = -1; // held: the descriptor with our lock

static int open_file(void)
{
    char path[PATH_MAX];
    const char *dir = getenv("XDG_RUNTIME_DIR");
    if (dir && *dir)
        snprintf(path, sizeof path, "%s/attune-gpus", dir);
    else
        snprintf(path, sizeof path, "/tmp/attune-gpus-%ld", (long)getuid());
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int card_take(int n, int wanted)
{
    if (held >= 0 && (wanted < 0 || wanted == taken))
        return taken;
    if (held >= 0)
        close(held);
    held = open_file();
    taken = wanted < 0 ? 0 : wanted;
    for (int byte = taken; held >= 0 && byte < n * MOST_TAKERS; byte += wanted < 0 ? 1 : n) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
        if (fcntl(held, F_OFD_SETLK, &lock) == 0) {
            taken = byte % n;
            break;
        }
    }
    return taken;
}

int card_taken(void)
{
    return taken;
}
