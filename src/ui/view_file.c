// A view that somebody else can open: page, run, selection by names, and what the page keeps (view_ops.save), as a file of
// JSON.
// Those that were saved under a name stand in PROJECT/views/NAME.json. A file is taken whole or refused whole.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/names.h"
#include "ui/kept.h"
#include "ui/ui_internal.h"

enum { MAX_BYTES = 1024 * 1024, VIEW_VERSION = 1, MAX_MISSING = 5 };
enum { VIEW_PAGES = IN_RUNS | IN_RUN | IN_EVALS };

// Runs that a page knows by the numbers of this project: in a file they stand with their names.
static const char *const by_number[] = {"pinned", "raised"};

static const char *name_of(struct ui *ui, int64_t id)
{
    for (int i = 0; i < ui->runs.n; i++)
        if (ui->runs.rows[i]->info.id == id)
            return ui->runs.rows[i]->info.name;
    return "";
}

static json_t *view_now(struct ui *ui)
{
    const struct view *v = &ui->views[ui->page];
    json_t *looks = json_object(), *selected = json_array();
    if (v->ops->save)
        v->ops->save(v, looks);
    for (size_t i = 0; i < sizeof by_number / sizeof *by_number; i++) {
        const json_t *id = json_object_get(looks, by_number[i]);
        if (json_is_integer(id))
            json_object_set_new(looks, by_number[i], json_string(name_of(ui, json_integer_value(id))));
    }
    for (int i = 0; i < ui->runs.n; i++)
        if (ui->runs.rows[i]->selected)
            json_array_append_new(selected, json_string(ui->runs.rows[i]->info.name));
    return json_pack("{s:i, s:s, s:s, s:o, s:o}", "attune_view", VIEW_VERSION, "page", v->ops->title, "run",
                     ui->run_name, "selected", selected, "looks", looks);
}

static enum page page_of(const json_t *view)
{
    const char *title = json_string_value(json_object_get(view, "page"));
    for (int page = 0; page < PAGE_N && title; page++)
        if (VIEW_PAGES >> page & 1 && strcmp(ui_page_title((enum page)page), title) == 0)
            return (enum page)page;
    return PAGE_N;
}

// What can be said of it without a project.
static int check(const json_t *view, const char *path, struct err *e)
{
    const json_t *version = json_object_get(view, "attune_view"), *selected = json_object_get(view, "selected");
    size_t i;
    json_t *name;
    if (!json_is_integer(version))
        return err_set(e, ERR_INPUT, "%s: it is no view of Attune's console (one is written by \":view export FILE\")",
                       path);
    if (json_integer_value(version) != VIEW_VERSION)
        return err_set(e, ERR_INPUT,
                       "%s: it is a view of kind %lld, and this Attune knows %d: a newer Attune may open it", path,
                       (long long)json_integer_value(version), VIEW_VERSION);
    if (page_of(view) == PAGE_N)
        return err_set(e, ERR_INPUT, "%s: its \"page\" is none of Runs, Curves, Samples, Log and Evaluations", path);
    if (!json_is_string(json_object_get(view, "run")) || !json_is_object(json_object_get(view, "looks")) ||
        !json_is_array(selected))
        return err_set(e, ERR_INPUT, "%s: \"run\" (a name), \"selected\" (names) and \"looks\" are not all there", path);
    json_array_foreach((json_t *)selected, i, name)
        if (!json_is_string(name))
            return err_set(e, ERR_INPUT, "%s: \"selected\" has something that is no name of a run", path);
    return 0;
}

int view_file_read(const char *path, json_t **view, struct err *e)
{
    int code = json_read(path, MAX_BYTES, view, e);
    if (!code && (code = check(*view, path, e))) {
        json_decref(*view);
        *view = NULL;
    }
    return code;
}

static json_t *looks_here(struct ui *ui, const json_t *view)
{
    json_t *looks = json_deep_copy(json_object_get(view, "looks"));
    for (size_t i = 0; i < sizeof by_number / sizeof *by_number; i++) {
        const char *name = json_string_value(json_object_get(looks, by_number[i]));
        const struct run_row *row = name ? run_list_find(&ui->runs, name) : NULL;
        if (name)
            json_object_set_new(looks, by_number[i], json_integer(row ? row->info.id : 0));
    }
    return looks;
}

// Selects those that are here; the others are counted and named. *first: one that is here, NULL: none.
static int select_runs(struct ui *ui, const json_t *view, const char **first, struct str *missing)
{
    const json_t *selected = json_object_get(view, "selected");
    const char *run = json_string_value(json_object_get(view, "run"));
    int n_missing = 0;
    size_t i;
    json_t *name;
    for (int k = 0; k < ui->runs.n; k++)
        ui->runs.rows[k]->selected = false;
    *first = run_list_find(&ui->runs, run) ? run : NULL;
    json_array_foreach((json_t *)selected, i, name) {
        run_list_select(&ui->runs, json_string_value(name));
        if (!*first && run_list_find(&ui->runs, json_string_value(name)))
            *first = json_string_value(name);
        if (!run_list_find(&ui->runs, json_string_value(name)) && n_missing++ < MAX_MISSING)
            str_addf(missing, "%s%s", missing->len ? ", " : "", json_string_value(name));
    }
    if (*run && !run_list_find(&ui->runs, run) && n_missing++ < MAX_MISSING)
        str_addf(missing, "%s%s", missing->len ? ", " : "", run);
    if (n_missing > MAX_MISSING)
        str_addf(missing, " and %d more", n_missing - MAX_MISSING);
    return n_missing;
}

// Shows it as far as it goes. Returns the member that is wrong, NULL: none.
static const char *show(struct ui *ui, const json_t *view, struct str *missing)
{
    const enum page page = page_of(view);
    const char *first;
    select_runs(ui, view, &first, missing);
    if (first)
        ui_choose_run(ui, first);
    ui_show(ui, page);
    struct view *v = &ui->views[page];
    if (!v->is_open || !v->ops->restore)
        return NULL;
    json_t *looks = looks_here(ui, view);
    kept_trouble();
    v->ops->restore(v, looks);
    json_decref(looks);
    ui_more(ui);
    return kept_trouble();
}

int view_file_show(struct ui *ui, const json_t *view, const char *path, struct err *e)
{
    const enum page page = page_of(view);
    struct str missing = {.max = 600}, none = {0};
    const char *first = NULL;
    json_t *before = view_now(ui);
    int code = 0;
    if (IN_RUN >> page & 1) {
        select_runs(ui, view, &first, &missing);
        if (!first)
            code = err_set(e, ERR_NOT_FOUND, "%s: none of its runs is in this project (%s)", path, str_text(&missing));
        str_clear(&missing);
    }
    const char *wrong = code ? NULL : show(ui, view, &missing);
    if (wrong)
        code = err_set(e, ERR_INPUT, "%s: its \"%s\" is nothing that the page %s can show", path, wrong,
                       ui_page_title(page));
    if (code && page_of(before) != PAGE_N)
        show(ui, before, &none);
    else if (!code && missing.len)
        ui_say(ui, "Not in this project: %s. The view is shown without.", str_text(&missing));
    json_decref(before);
    str_fini(&missing);
    str_fini(&none);
    return code;
}

// ---- the command ----

static int path_of(struct ui *ui, const char *name, char **path, struct err *e)
{
    struct str file = {0};
    const int code = run_name_check(name, e);
    if (code)
        return code;
    str_addf(&file, "%s/views/%s.json", store_dir(ui->store), name);
    *path = str_take(&file);
    return 0;
}

static int write_view(struct ui *ui, const char *path, struct err *e)
{
    if (!(VIEW_PAGES >> ui->page & 1))
        return err_set(e, ERR_STATE,
                       "view: of the page %s there is none; of Runs, Curves, Samples, Log and Evaluations there is",
                       ui_page_title(ui->page));
    json_t *now = view_now(ui);
    const int code = json_write(path, now, e);
    json_decref(now);
    return code;
}

static int save_named(struct ui *ui, const char *name, struct err *e)
{
    char *path = NULL, *dir = path_join(store_dir(ui->store), "views");
    int code = path_of(ui, name, &path, e);
    if (!code)
        code = file_make_dirs(dir, e);
    if (!code)
        code = write_view(ui, path, e);
    if (!code)
        ui_say(ui, "The view is kept as %s: \":view %s\" shows it, \":view export FILE\" writes it for somebody else.",
               name, name);
    free(path);
    free(dir);
    return code;
}

// A name, or a file, which has a slash or .json.
static int open_view(struct ui *ui, const char *what, struct err *e)
{
    char *path = NULL;
    json_t *view = NULL;
    const bool is_file = strchr(what, '/') || text_ends(what, ".json");
    int code = 0;
    if (is_file)
        path = mem_strdup(what);
    else
        code = path_of(ui, what, &path, e);
    if (!code && !file_exists(path))
        code = is_file ? err_set(e, ERR_NOT_FOUND, "view: there is no file %s", path)
                       : err_set(e, ERR_NOT_FOUND, "view: none is kept as %s; \":view save %s\" keeps what is shown",
                                 what, what);
    if (!code)
        code = view_file_read(path, &view, e);
    if (!code)
        code = view_file_show(ui, view, path, e);
    json_decref(view);
    free(path);
    return code;
}

void view_command(struct ui *ui, const char *arg)
{
    struct err fault = {0};
    int code = 0;
    if (!arg) {
        ui_ask(ui, CMD_VIEW, "view (NAME, save NAME, export FILE)", "");
        return;
    }
    if (text_starts(arg, "save "))
        code = save_named(ui, arg + 5 + strspn(arg + 5, " "), &fault);
    else if (text_starts(arg, "export ")) {
        const char *path = arg + 7 + strspn(arg + 7, " ");
        code = write_view(ui, path, &fault);
        if (!code)
            ui_say(ui, "%s has the view: \"attune --view %s\" opens it, in a project with these runs.", path, path);
    } else
        code = open_view(ui, arg, &fault);
    if (code)
        ui_say_error(ui, "%s", fault.text);
}
