// What the console writes for other programs: w, W and :export. Names are asked here, files are written on a thread.
#include "config.h"

#include "ui/curves/export_kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "export/export.h"
#include "ui/ui_internal.h"

struct export_job {
    enum export_kind_id kind;
    char *project, *path;
    struct str bytes;     // of a picture
    enum table_form form;
    char **runs, **keys;
    int n_runs, n_keys;
    int64_t n;            // rows or runs that were written
};

static void job_free(struct export_job *j)
{
    for (int i = 0; i < j->n_runs; i++)
        free(j->runs[i]);
    for (int i = 0; i < j->n_keys; i++)
        free(j->keys[i]);
    str_fini(&j->bytes);
    free(j->runs);
    free(j->keys);
    free(j->project);
    free(j->path);
    free(j);
}

static int write_report(const struct export_job *j, struct err *e)
{
    const char **args = mem_alloc((size_t)j->n_runs + 8, sizeof *args);
    int n = 0;
    args[n++] = "report";
    args[n++] = "--project";
    args[n++] = j->project;
    args[n++] = "--out";
    args[n++] = j->path;
    args[n++] = "--";
    for (int i = 0; i < j->n_runs; i++)
        args[n++] = j->runs[i];
    const int code = program_call(args, e);
    free(args);
    return code;
}

static int write_recorded(struct export_job *j, struct err *e)
{
    static const enum export_what what[N_EXPORT_KINDS] = {
        [KIND_POINTS] = EXPORT_METRICS, [KIND_METRICS] = EXPORT_METRICS, [KIND_SAMPLES] = EXPORT_SAMPLES,
        [KIND_EVENTS] = EXPORT_EVENTS, [KIND_EVALUATIONS] = EXPORT_EVALUATIONS};
    struct store *own = NULL; // a thread's own
    int n_runs = 0, code = store_open(&own, j->project, false, e);
    const struct export_wish w = {.store = own, .runs = (const char *const *)j->runs, .n_runs = j->n_runs,
                                  .keys = (const char *const *)j->keys, .n_keys = j->n_keys, .wide = j->kind == KIND_POINTS};
    if (!code && j->kind == KIND_TENSORBOARD) {
        code = export_tensorboard(&w, j->path, &n_runs, e);
        j->n = n_runs;
    } else if (!code) {
        code = export_table(&w, what[j->kind], j->form, j->path, &j->n, e);
    }
    store_close(own);
    return code;
}

static int export_work(void *arg, struct err *e)
{
    struct export_job *j = arg;
    if (j->kind == KIND_PLOT)
        return file_write(j->path, str_text(&j->bytes), j->bytes.len, e);
    return j->kind == KIND_REPORT ? write_report(j, e) : write_recorded(j, e);
}

static void export_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct export_job *j = arg;
    if (code)
        ui_say_error(ui, "%s", e->text);
    else if (j->kind == KIND_PLOT || j->kind == KIND_REPORT)
        ui_say(ui, "%s was written", j->path);
    else
        ui_say(ui, "%s: %lld %s", j->path, (long long)j->n, j->kind == KIND_TENSORBOARD ? text_plural(j->n, "run", "runs")
                                                                                        : text_plural(j->n, "row", "rows"));
    job_free(j);
}

// ---- what is asked for ----

static void add_text(char ***list, int *n, const char *text)
{
    *list = mem_realloc(*list, (size_t)*n + 1, sizeof **list);
    (*list)[(*n)++] = mem_strdup(text);
}

// The selected runs and the one under the cursor or open, as everywhere; evaluations without a selection are of all runs.
static void choose_runs(struct ui *ui, struct export_job *j)
{
    struct run_row **selected = mem_alloc((size_t)ui->runs.n + 1, sizeof *selected), *open = ui_run(ui);
    const int n = run_list_selected(&ui->runs, selected, ui->runs.n);
    bool is_selected = j->kind == KIND_EVALUATIONS && n == 0 && ui->page == PAGE_EVALS;
    for (int i = 0; i < n; i++) {
        add_text(&j->runs, &j->n_runs, selected[i]->info.name);
        is_selected = is_selected || selected[i] == open;
    }
    if (open && !is_selected && (n == 0 || ui->page != PAGE_RUNS))
        add_text(&j->runs, &j->n_runs, open->info.name);
    // An experiment's own run has no curves and samples: those are of its parts.
    const int n_parts = n == 0 && open && !is_selected ? run_list_parts(&ui->runs, open, selected, ui->runs.n) : 0;
    for (int i = 0; i < n_parts; i++)
        add_text(&j->runs, &j->n_runs, selected[i]->info.name);
    free(selected);
}

// "~/" at the beginning is the person's own folder, as in a shell. Heap.
static char *whole_path(const char *path)
{
    const char *home = getenv("HOME");
    return text_starts(path, "~/") && home ? path_join(home, path + 2) : mem_strdup(path);
}

static void start(struct ui *ui, enum export_kind_id kind, const char *path)
{
    struct view *v = &ui->views[ui->page];
    struct export_job *j = mem_alloc(1, sizeof *j);
    struct err fault = {0};
    int code = 0;
    *j = (struct export_job){.kind = kind, .project = mem_strdup(store_dir(ui->store)), .path = mem_strdup(path)};
    j->form = text_ends(path, ".jsonl") ? TABLE_JSONL : TABLE_CSV;
    choose_runs(ui, j);
    if (j->n_runs == 0 && kind != KIND_EVALUATIONS)
        code = err_set(&fault, ERR_NOT_FOUND, "There is no run to write anything of");
    else if (kind >= KIND_POINTS && kind <= KIND_EVALUATIONS && !text_ends(path, ".csv") && !text_ends(path, ".jsonl"))
        code = err_set(&fault, ERR_USAGE, "%s: the name of a table ends in .csv or .jsonl", path);
    else if (kind <= KIND_POINTS && !v->ops->picture)
        code = err_set(&fault, ERR_STATE, "Page Curves has what is drawn: press 2 first");
    else if (kind == KIND_PLOT)
        code = v->ops->picture(v, path, &j->bytes, &fault);
    else if (kind == KIND_POINTS) {
        const char *keys[64];
        const int n = v->ops->metrics(v, keys, 64);
        for (int i = 0; i < n; i++)
            add_text(&j->keys, &j->n_keys, keys[i]);
    }
    if (code) {
        ui_say_error(ui, "%s", fault.text);
        job_free(j);
        return;
    }
    job_start_due(ui, "A file is being written", export_work, export_done, j);
}

// PROJECT/dpo-1-samples.jsonl
static void offer_path(struct ui *ui, enum export_kind_id kind, struct str *out)
{
    const struct run_row *open = ui_run(ui);
    str_addf(out, "%s/%s%s%s%s", store_dir(ui->store), open ? open->info.name : "", open ? "-" : "", export_kinds[kind].name,
             export_kinds[kind].ending);
}

static int kind_named(const char *name, size_t n)
{
    for (int i = 0; i < N_EXPORT_KINDS; i++)
        if (n > 0 && strncmp(export_kinds[i].name, name, n) == 0)
            return i;
    return -1;
}

static enum export_kind_id kind_of_page(const struct ui *ui, enum command_id id)
{
    if (id == CMD_PICTURE)
        return KIND_PLOT;
    return ui->page == PAGE_CURVES    ? KIND_POINTS
           : ui->page == PAGE_SAMPLES ? KIND_SAMPLES
           : ui->page == PAGE_EVALS   ? KIND_EVALUATIONS
                                      : KIND_METRICS;
}

// Writes to the path, or asks for one; "!" before it: that the file may be replaced has been said.
static void export_to(struct ui *ui, enum export_kind_id kind, const char *given)
{
    char text[400], *path = given ? whole_path(given) : NULL;
    ui->export_kind = kind; // for the answer
    if (!path || !*path) {
        struct str offer = {0};
        snprintf(text, sizeof text, "write %s to", export_kinds[kind].name);
        offer_path(ui, kind, &offer);
        ui_ask(ui, CMD_EXPORT_TO, text, str_text(&offer));
        str_fini(&offer);
    } else if (*path != '!' && kind != KIND_TENSORBOARD && file_exists(path)) {
        struct str again = {0};
        str_addf(&again, "!%s", path);
        snprintf(text, sizeof text, "%.300s is there already. Replace it?", path);
        ui_confirm(ui, CMD_EXPORT_TO, str_text(&again), text);
        str_fini(&again);
    } else {
        start(ui, kind, path + (*path == '!'));
    }
    free(path);
}

// "metrics all.csv", "plot": what to write and, where it is not to be asked, the file.
static void export_named(struct ui *ui, const char *arg)
{
    const size_t n = arg ? strcspn(arg, " ") : 0;
    const int kind = kind_named(arg ? arg : "", n);
    if (!arg) { // the list of what there is stands above the line
        prompt_open(ui, "export ");
    } else if (kind < 0) {
        struct str names = {0};
        for (int i = 0; i < N_EXPORT_KINDS; i++)
            str_addf(&names, "%s%s", i ? ", " : "", export_kinds[i].name);
        ui_say_error(ui, "export: %.*s is not one of %s", (int)n, arg, str_text(&names));
        str_fini(&names);
    } else {
        export_to(ui, (enum export_kind_id)kind, arg + n + strspn(arg + n, " "));
    }
}

void export_command(struct ui *ui, enum command_id id, const char *arg)
{
    if (id == CMD_EXPORT)
        export_named(ui, arg);
    else
        export_to(ui, id == CMD_EXPORT_TO ? (enum export_kind_id)ui->export_kind : kind_of_page(ui, id), arg);
}
