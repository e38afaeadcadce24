// A text in the person's own editor, with the terminal lent to it.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/term/screen.h"
#include "ui/ui_internal.h"

enum { MOST_BYTES = 16 << 20 };

static const char *editor_of(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    return visual && *visual ? visual : editor && *editor ? editor : "vi";
}

// $VISUAL may have words of its own ("code --wait"): a shell takes them apart.
static int run_editor(struct ui *ui, const char *path, struct err *e)
{
    struct str line = {0};
    str_addf(&line, "%s ", editor_of());
    str_add_quoted(&line, path);
    if (ui->has_screen)
        screen_suspend();
    const int status = system(str_text(&line));
    if (ui->has_screen)
        screen_return();
    ui->dirty = true;
    str_fini(&line);
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(e, ERR_FAIL, "%s ended with an error: nothing was taken over", editor_of());
    return 0;
}

int ui_edit_file(struct ui *ui, const char *path, const char *before, char **after, struct err *e)
{
    size_t n;
    int code = file_exists(path) ? 0 : file_write(path, before, strlen(before), e);
    if (!code)
        code = run_editor(ui, path, e);
    if (!code)
        code = file_read(path, MOST_BYTES, after, &n, e);
    if (!code && n > 0 && (*after)[n - 1] == '\n' && !text_ends(before, "\n")) // editors end the last line
        (*after)[n - 1] = '\0';
    return code;
}
