// The label page's file: what was judged, written in a job of its own, for that reads all texts.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_export.h"
#include "ui/label/label_view.h"

struct export_job {
    char *dir, *path, *run, *set;
    struct label_exported count;
};

static int export_work(void *arg, struct err *e)
{
    struct export_job *j = arg;
    struct store *s;
    const struct label_export what = {.run = j->run, .set = j->set};
    int code = store_open(&s, j->dir, false, e);
    if (code)
        return code;
    code = label_export(s, &what, j->path, &j->count, e);
    store_close(s);
    return code;
}

static void export_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct export_job *j = arg;
    struct str left = {0};
    label_exported_text(&j->count, false, &left);
    if (code)
        ui_say_error(ui, "%s", e->text);
    else
        ui_say(ui, "%s: %lld %s%s%s", j->path, (long long)j->count.written,
               text_plural(j->count.written, "pair", "pairs"), left.len ? "; left out: " : "", str_text(&left));
    str_fini(&left);
    free(j->dir);
    free(j->path);
    free(j->run);
    free(j->set);
    free(j);
}

enum view_result label_write(struct view *v, const struct label_shown *now, const char *arg)
{
    char name[160];
    if (now->kind == LABEL_OF_NOTHING)
        return VIEW_KEPT;
    snprintf(name, sizeof name, "%s-labels.jsonl", now->source);
    if (!arg) {
        ui_ask(v->ui, CMD_EXPORT, "write the judged pairs as", name);
        return VIEW_KEPT;
    }
    struct export_job *j = mem_alloc(1, sizeof *j);
    *j = (struct export_job){.dir = mem_strdup(store_dir(ui_store(v->ui))), .path = mem_strdup(arg)};
    if (now->kind == LABEL_OF_RUN)
        j->run = mem_strdup(now->source);
    else
        j->set = mem_strdup(now->source);
    ui_work(v->ui, "The judged pairs are being written", export_work, export_done, j);
    return VIEW_KEPT;
}
