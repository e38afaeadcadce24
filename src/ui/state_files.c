#include "config.h"

#include "ui/state_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/ui_internal.h"

enum { MOST_LINES = 50, MOST_HISTORY = 256 * 1024, MOST_LOG = 1024 * 1024 };

static char *state_dir(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/') // the specification says to ignore relative ones
        return path_join(state, "attune");
    return home && *home ? path_join(home, ".local/state/attune") : NULL;
}

char *state_path(const char *name)
{
    char *dir = state_dir(), *path = dir ? path_join(dir, name) : NULL;
    free(dir);
    return path;
}

// One write at the end of a file: consoles beside one another do not cut each other's lines.
static void append(const char *name, const char *line)
{
    char *dir = state_dir(), *path = state_path(name);
    const int fd =
        path && file_make_dirs(dir, NULL) == 0 ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    struct str whole = {0};
    str_addf(&whole, "%s\n", line);
    if (fd >= 0) {
        const ssize_t written = write(fd, str_text(&whole), whole.len);
        (void)written; // a line less is no harm
        close(fd);
    }
    str_fini(&whole);
    free(path);
    free(dir);
}

void state_load_history(struct ui *ui)
{
    char *path = state_path("history"), *text = NULL;
    size_t n_bytes = 0;
    struct words all = {0};
    ui->keeps_state = true;
    if (!path || !file_exists(path)) {
        free(path);
        return;
    }
    const bool too_large = file_size(path) > MOST_HISTORY;
    if (too_large || file_read(path, MOST_HISTORY, &text, &n_bytes, NULL)) {
        unlink(path); // begins anew
        free(path);
        return;
    }
    words_fini(&ui->history);
    for (const char *line = text; line && *line;) {
        const size_t n = strcspn(line, "\n");
        if (n > 0 && utf8_is_valid(line, n))
            words_addn(&all, line, n);
        line += n + (line[n] == '\n');
    }
    for (int i = all.n > MOST_LINES ? all.n - MOST_LINES : 0; i < all.n; i++)
        words_add(&ui->history, all.texts[i]);
    if (all.n > 10 * MOST_LINES) { // the older ones are of no use any more
        struct str kept = {0};
        for (int i = 0; i < ui->history.n; i++)
            str_addf(&kept, "%s\n", ui->history.texts[i]);
        file_write(path, str_text(&kept), kept.len, NULL);
        str_fini(&kept);
    }
    words_fini(&all);
    free(text);
    free(path);
}

void state_add_history(const struct ui *ui, const char *line)
{
    if (ui->keeps_state && !strchr(line, '\n'))
        append("history", line);
}

void state_log(const struct ui *ui, const char *text)
{
    struct str line = {0};
    char at[40], *path = state_path("console.log");
    if (ui->keeps_state && path) {
        if (file_size(path) > MOST_LOG) {
            char *old = state_path("console.log.1");
            if (rename(path, old) != 0)
                unlink(path);
            free(old);
        }
        str_addf(&line, "%s %s: ", clock_text(at, sizeof at, clock_wall_ms(), "%Y-%m-%d %H:%M:%S"),
                 store_dir(ui->store));
        str_add_visible(&line, text, strlen(text), false);
        append("console.log", str_text(&line));
    }
    str_fini(&line);
    free(path);
}
