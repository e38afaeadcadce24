// What a console that only reads refuses: commands that change runs, labels or files of the project. Those that only
// look, also the form with its dry run, stay. The store is opened for reading besides, so nothing depends on this list
// being whole.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/manner.h"
#include "base/mem.h"
#include "ui/ui_internal.h"

static bool changes(enum command_id id, enum page page, const char *arg)
{
    switch (id) {
    case CMD_TAG:
    case CMD_NOTE:
    case CMD_RENAME:
    case CMD_PIN:
    case CMD_ARCHIVE:
    case CMD_REMOVE:
    case CMD_REDO:
    case CMD_PAUSE:
    case CMD_STOP:
    case CMD_RESUME:
    case CMD_CHECKPOINT:
    case CMD_SET:
    case CMD_SET_LR:
    case CMD_SET_BETA:
    case CMD_FORK:
    case CMD_UNDO:
    case CMD_LAUNCH:
    case CMD_SAVE_PRESET:
    case CMD_START:
    case CMD_GRADE:
    case CMD_LABEL_SOURCE:
    case CMD_REASONS:
    case CMD_CORRECT:
        return true;
    case CMD_COPY: // of a recipe into the project; of a run's settings into the form it is a look
        return page == PAGE_RECIPES;
    case CMD_GUIDELINE:
    case CMD_PAGE_LABEL: // a file becomes a set
        return arg != NULL;
    default:
        return id >= CMD_JUDGE_MUCH_LEFT && id <= CMD_JUDGE_FLAG;
    }
}

// A file that a command was told to write, in a folder of the project: by the real paths, however it was written.
static bool is_within_project(struct ui *ui, const char *path)
{
    path += *path == '!'; // "may be replaced"
    const char *slash = strrchr(path, '/');
    char *dir = slash == path ? mem_strdup("/") : slash ? mem_strndup(path, (size_t)(slash - path)) : mem_strdup(".");
    char *real = realpath(dir, NULL), *project = realpath(store_dir(ui->store), NULL);
    const size_t n = project ? strlen(project) : 0;
    const bool within = real && n && strncmp(real, project, n) == 0 && (real[n] == '/' || !real[n]);
    free(dir);
    free(real);
    free(project);
    return within;
}

static bool writes_into_project(struct ui *ui, enum command_id id, const char *arg)
{
    const char *path = arg;
    switch (id) {
    case CMD_VIEW: // only "export FILE" writes one
        if (!arg || strncmp(arg, "export ", 7) != 0)
            return false;
        path = arg + 7 + strspn(arg + 7, " ");
        break;
    case CMD_EXPORT: // WHAT FILE
        path = arg ? strchr(arg, ' ') : NULL;
        path = path ? path + strspn(path, " ") : NULL;
        break;
    case CMD_DATA_FILE:
    case CMD_PICTURE:
    case CMD_EXPORT_TO:
    case CMD_WRITE:
    case CMD_SNAPSHOT:
    case CMD_COPY_TEXT:
        break;
    default:
        return false;
    }
    return path && *path && is_within_project(ui, path);
}

bool ui_refuses(struct ui *ui, enum command_id id, const char *arg)
{
    if (!manner_is(MANNER_READ_ONLY))
        return false;
    if (writes_into_project(ui, id, arg)) {
        ui_say_error(
            ui,
            "That file would stand in the project, which this console only reads (--read-only): name one elsewhere.");
        return true;
    }
    if (!changes(id, ui->page, arg))
        return false;
    const struct command_row *row = command_row(id);
    ui_say_error(ui, "%s changes the project, and this console only reads it (--read-only). Nothing was changed.",
                 row ? row->name : "This");
    return true;
}
