// What a person changes about runs from the list: tags, notes, names, pins, the archive and the trash. Each is a row in the
// store that "undo" takes back.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_edits.h"
#include "ui/ui_internal.h"

// The selected runs, else the one under the cursor. rows: room for all runs and one.
static int chosen_runs(struct ui *ui, struct run_row **rows)
{
    int n = run_list_selected(&ui->runs, rows, ui->runs.n);
    struct run_row *r = ui_run(ui);
    if (n == 0 && r)
        rows[n++] = r;
    if (n == 0)
        ui_say(ui, "There is no run here.");
    return n;
}

static const char *name_of(struct run_row *const *rows, int n, char *out, size_t size)
{
    if (n == 1)
        snprintf(out, size, "%s", rows[0]->info.name);
    else
        snprintf(out, size, "%d runs", n);
    return out;
}

static void edit(struct ui *ui, const struct run_edit *edits, int n, const char *said)
{
    struct err fault = {0};
    if (store_edit(ui->store, edits, n, &fault))
        ui_say_error(ui, "%s", fault.text);
    else
        ui_say(ui, "%s  u takes it back.", said);
    ui->runs.next_list_s = 0;
}

// All of them the same value.
static void edit_all(struct ui *ui, struct run_row *const *rows, int n, enum run_attribute what, const char *value,
                     const char *said)
{
    struct run_edit *edits = mem_alloc((size_t)n, sizeof *edits);
    char name[160];
    struct str text = {0};
    for (int i = 0; i < n; i++)
        edits[i] = (struct run_edit){rows[i]->info.name, what, value};
    str_addf(&text, "%s: %s.", name_of(rows, n, name, sizeof name), said);
    edit(ui, edits, n, str_text(&text));
    str_fini(&text);
    free(edits);
}

static void tag(struct ui *ui, struct run_row *const *rows, int n, const char *arg)
{
    struct err fault = {0};
    char name[160], label[300];
    int code = 0;
    if (!arg) {
        snprintf(label, sizeof label, "tags of %s (+add -remove)", name_of(rows, n, name, sizeof name));
        ui_ask(ui, CMD_TAG, label, "");
        return;
    }
    struct run_edit *edits = mem_alloc((size_t)n, sizeof *edits);
    char **tags = mem_alloc((size_t)n, sizeof *tags);
    for (int i = 0; i < n && !code; i++) {
        code = run_tags_change(rows[i]->info.tags, arg, &tags[i], &fault);
        edits[i] = (struct run_edit){rows[i]->info.name, ATTRIBUTE_TAGS, tags[i]};
    }
    if (code) {
        ui_say_error(ui, "%s", fault.text);
    } else {
        struct str said = {0};
        str_addf(&said, "%s: %s.", name_of(rows, n, name, sizeof name),
                 n > 1      ? "the tags are changed"
                 : *tags[0] ? tags[0]
                            : "no tags");
        edit(ui, edits, n, str_text(&said));
        str_fini(&said);
    }
    for (int i = 0; i < n; i++)
        free(tags[i]);
    free(tags);
    free(edits);
}

static void write_note(struct ui *ui, struct run_row *r, const char *arg)
{
    char label[200];
    if (arg) {
        edit_all(ui, &r, 1, ATTRIBUTE_NOTE, arg, *arg ? "the note is written" : "has no note");
        return;
    }
    snprintf(label, sizeof label, "note on %.120s", r->info.name);
    ui_ask_live(ui, CMD_NOTE, label, r->info.note);
}

static void rename_run(struct ui *ui, struct run_row *r, const char *arg)
{
    struct str said = {0};
    char label[200], name[128];
    struct err fault = {0};
    if (!arg) {
        snprintf(label, sizeof label, "new name of %.120s", r->info.name);
        ui_ask(ui, CMD_RENAME, label, r->info.name);
        return;
    }
    text_copy(name, sizeof name, arg);
    if (store_edit(ui->store, &(struct run_edit){r->info.name, ATTRIBUTE_NAME, name}, 1, &fault)) {
        ui_say_error(ui, "%s", fault.text);
        return;
    }
    str_addf(&said, "%s is named %s now.  u takes it back.", r->info.name, name);
    free(r->info.name); // at once, so that nobody looks for the old folder
    r->info.name = mem_strdup(name);
    ui_choose_run(ui, name);
    ui->runs.next_list_s = 0;
    ui_say(ui, "%s", str_text(&said));
    str_fini(&said);
}

// ---- the trash ----

struct size_job {
    char *dir, *name; // of the project; of one run
    int n;            // runs
    int64_t bytes;
    struct str readers, names;
};

static int size_work(void *arg, struct err *e)
{
    struct size_job *j = arg;
    struct store *s;
    int code = store_open(&s, j->dir, false, e);
    if (code)
        return code;
    char *copy = mem_strdup(str_text(&j->names)), *rest = NULL;
    for (char *name = strtok_r(copy, "\n", &rest); name && !code; name = strtok_r(NULL, "\n", &rest)) {
        struct run_info info = {.name = name};
        j->bytes += store_run_bytes(s, &info);
        code = store_dependents(s, name, &j->readers, e);
    }
    free(copy);
    store_close(s);
    return code;
}

static void size_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct size_job *j = arg;
    struct str label = {.max = 150};
    char size[32];
    if (code) {
        ui_say_error(ui, "%s", e->text);
    } else if (!ui->prompt.kind) {
        // What is to be typed stands first: it is what must not be cut.
        human_bytes(size, sizeof size, (double)j->bytes);
        if (j->n == 1)
            str_addf(&label, "type %s to remove it, %s", j->name, size);
        else
            str_addf(&label, "type %d to remove so many runs, %s", j->n, size);
        if (j->readers.len)
            str_addf(&label, ", used by %.60s", str_text(&j->readers));
        ui_ask(ui, CMD_REMOVE, str_text(&label), "");
    }
    str_fini(&label);
    str_fini(&j->readers);
    str_fini(&j->names);
    free(j->dir);
    free(j->name);
    free(j);
}

static void ask_size(struct ui *ui, struct run_row *const *rows, int n)
{
    struct size_job *j = mem_alloc(1, sizeof *j);
    j->dir = mem_strdup(store_dir(ui->store));
    j->name = mem_strdup(rows[0]->info.name);
    j->n = n;
    for (int i = 0; i < n; i++)
        str_addf(&j->names, "%s\n", rows[i]->info.name);
    job_start(ui, size_work, size_done, j);
}

static void remove_runs(struct ui *ui, struct run_row *const *rows, int n, const char *arg)
{
    char number[16];
    snprintf(number, sizeof number, "%d", n);
    for (int i = 0; i < n; i++)
        if (run_state_is_live(rows[i]->status.state)) {
            ui_say_error(ui, rows[i] == ui_run(ui) ? "%s is %s: stop it first (s)"
                                                   : "%s, which is selected, is %s: stop it there (s), or deselect all (*)",
                         rows[i]->info.name, run_state_name(rows[i]->status.state));
            return;
        }
    if (!arg)
        ask_size(ui, rows, n);
    else if (strcmp(arg, n == 1 ? rows[0]->info.name : number) != 0)
        ui_say_error(ui, "\"%.60s\" is not %s: nothing was removed", arg, n == 1 ? rows[0]->info.name : number);
    else
        edit_all(ui, rows, n, ATTRIBUTE_TRASHED, "1", "in the trash; \"attune remove --purge\" empties it");
}

// ---- undo ----

static void undo(struct ui *ui, bool back)
{
    struct str said = {.max = 800};
    struct err fault = {0};
    if (back ? store_undo(ui->store, &said, &fault) : store_redo(ui->store, &said, &fault)) {
        if (fault.code == ERR_NOT_FOUND)
            ui_say(ui, "%s.", fault.text);
        else
            ui_say_error(ui, "%s", fault.text);
    } else {
        ui_say(ui, "%s: %s.", back ? "Taken back" : "Done again", str_text(&said));
    }
    str_fini(&said);
    ui->runs.next_list_s = 0;
}

static bool all_have(struct run_row *const *rows, int n, bool pinned)
{
    bool all = true;
    for (int i = 0; i < n; i++)
        all = all && (pinned ? rows[i]->info.pinned : rows[i]->info.hidden);
    return all;
}

static void change(struct ui *ui, enum command_id id, struct run_row *const *rows, int n, const char *arg)
{
    struct run_row *here = ui_run(ui) ? ui_run(ui) : rows[0];
    if (id == CMD_TAG)
        tag(ui, rows, n, arg);
    else if (id == CMD_NOTE)
        write_note(ui, here, arg);
    else if (id == CMD_RENAME)
        rename_run(ui, here, arg);
    else if (id == CMD_PIN && all_have(rows, n, true))
        edit_all(ui, rows, n, ATTRIBUTE_PINNED, "0", "not pinned any more");
    else if (id == CMD_PIN)
        edit_all(ui, rows, n, ATTRIBUTE_PINNED, "1", "pinned, on top");
    else if (id == CMD_ARCHIVE && all_have(rows, n, false))
        edit_all(ui, rows, n, ATTRIBUTE_ARCHIVED, "0", "back on the list");
    else if (id == CMD_ARCHIVE)
        edit_all(ui, rows, n, ATTRIBUTE_ARCHIVED, "1", "in the archive; V shows it");
    else
        remove_runs(ui, rows, n, arg);
}

enum view_result run_edit(struct ui *ui, enum command_id id, const char *arg)
{
    if (id == CMD_UNDO || id == CMD_REDO) {
        undo(ui, id == CMD_UNDO);
        return VIEW_CHANGED;
    }
    if (id != CMD_TAG && id != CMD_NOTE && id != CMD_RENAME && id != CMD_PIN && id != CMD_ARCHIVE && id != CMD_REMOVE)
        return VIEW_IGNORED;
    struct run_row **rows = mem_alloc((size_t)ui->runs.n + 1, sizeof(struct run_row *));
    const int n = chosen_runs(ui, rows);
    if (n > 0)
        change(ui, id, rows, n, arg);
    free(rows);
    return VIEW_CHANGED;
}
