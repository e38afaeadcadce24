// What a project remembers of the console's pages: console.json in its folder, one member a page.
#include "config.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "ui/ui_internal.h"

enum { MAX_KEPT = 1 << 20 };

static char *kept_path(struct ui *ui)
{
    return path_join(store_dir(ui->store), "console.json");
}

// A file that is damaged or from another version is no reason to fail: what was remembered is only how things looked.
static json_t *kept_of(struct ui *ui)
{
    if (!ui->kept) {
        char *path = kept_path(ui);
        if (json_read(path, MAX_KEPT, &ui->kept, NULL) || !json_is_object(ui->kept)) {
            json_decref(ui->kept);
            ui->kept = json_object();
        }
        free(path);
    }
    return ui->kept;
}

const json_t *ui_kept(struct ui *ui, const char *page)
{
    return ui->has_screen ? json_object_get(kept_of(ui), page) : NULL;
}

void ui_keep(struct ui *ui, const char *page, json_t *state)
{
    if (!ui->has_screen || json_equal(state, json_object_get(kept_of(ui), page))) {
        json_decref(state);
        return;
    }
    char *path = kept_path(ui);
    json_object_set_new(ui->kept, page, state);
    json_write(path, ui->kept, NULL);
    free(path);
}
