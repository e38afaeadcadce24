// The list of runs, and the run under its cursor.
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/runs/run_fields.h"
#include "ui/runs/runs_chooser.h"
#include "ui/runs/runs_draw.h"
#include "ui/kept.h"
#include "ui/view.h"

struct runs_state {
    struct runs_table table;
    struct runs_scene scene;
    struct runs_chooser *chooser; // NULL: closed
    char trouble[300];
};

static void update(struct view *v)
{
    struct runs_state *s = v->state;
    runs_table_update(&s->table, ui_runs(v->ui));
}

static int cursor_of(struct view *v)
{
    struct runs_state *s = v->state;
    struct run_row *run = ui_run(v->ui);
    for (int i = 0; i < s->table.n; i++)
        if (s->table.rows[i] == run)
            return i;
    return -1;
}

static int open_runs(struct view *v, struct err *e)
{
    struct runs_state *s = mem_alloc(1, sizeof *s);
    runs_table_init(&s->table);
    v->state = s;
    return 0;
}

static void close_runs(struct view *v)
{
    struct runs_state *s = v->state;
    runs_chooser_free(s->chooser);
    runs_table_fini(&s->table);
    free(s);
}

static void shown_runs(struct view *v)
{
    update(v);
}

// The run that is open stays so while a filter hides it; where there is none on the list, the first one is.
static enum view_refresh refresh_runs(struct view *v)
{
    update(v);
    return REFRESH_DRAW;
}

static void draw_runs(struct view *v, struct canvas *c, struct rect area)
{
    struct runs_state *s = v->state;
    if (s->chooser) {
        runs_chooser_draw(s->chooser, c, area);
        return;
    }
    s->scene.project = store_dir(ui_store(v->ui));
    s->scene.trouble = s->trouble;
    s->scene.cursor = ui_run(v->ui);
    runs_draw(&s->scene, &s->table, ui_runs(v->ui), c, area);
    ui_runs(v->ui)->want_spark = s->scene.has_spark;
}

// ---- moving ----

static enum view_result move_to(struct view *v, int to)
{
    struct runs_state *s = v->state;
    if (s->table.n == 0)
        return VIEW_IGNORED;
    to = to < 0 ? 0 : to >= s->table.n ? s->table.n - 1 : to;
    if (s->table.rows[to] == ui_run(v->ui))
        return VIEW_IGNORED;
    ui_choose_run(v->ui, s->table.rows[to]->info.name);
    return VIEW_CHANGED;
}

static int find_count(struct view *v, int *at)
{
    *at = cursor_of(v);
    return ((struct runs_state *)v->state)->table.n;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    return filter_matches(f, run_field, ((struct runs_state *)v->state)->table.rows[i]);
}

static void find_go(struct view *v, int i)
{
    move_to(v, i);
}

// ---- what is chosen ----

// Takes the look over, and keeps the cursor on a run that is shown.
static enum view_result set_look(struct view *v, const struct runs_look *look)
{
    struct runs_state *s = v->state;
    struct err fault = {0};
    if (runs_table_set(&s->table, look, &fault)) {
        ui_say_error(v->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    s->trouble[0] = '\0';
    s->scene.top = 0;
    update(v);
    if (cursor_of(v) < 0)
        move_to(v, 0);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result set_text(struct view *v, enum command_id id, size_t offset, size_t size, const char *arg,
                                 const char *label)
{
    struct runs_state *s = v->state;
    struct runs_look look = s->table.look;
    char *field = (char *)&look + offset;
    if (!arg) {
        ui_ask_live(v->ui, id, label, field);
        return VIEW_CHANGED;
    }
    if (!text_copy(field, size, arg)) {
        ui_say_error(v->ui, "%s: at most %zu bytes", label, size - 1);
        return VIEW_KEPT;
    }
    return set_look(v, &look);
}

// While a filter is typed the list follows it; what is no filter yet is told where it stands.
static void typed_runs(struct view *v, enum command_id id, const char *text)
{
    struct runs_state *s = v->state;
    struct runs_look look = s->table.look;
    struct err fault = {0};
    s->trouble[0] = '\0';
    if (id != CMD_FILTER)
        return;
    if (text_copy(look.filter, sizeof look.filter, text) && runs_table_set(&s->table, &look, &fault) == 0)
        update(v);
    else
        text_copy(s->trouble, sizeof s->trouble, fault.text);
}

static enum view_result sort_by(struct view *v, const char *arg)
{
    struct runs_state *s = v->state;
    struct runs_look look = s->table.look;
    if (!arg) {
        ui_ask(v->ui, CMD_SORT, "sort by (age, name, loss, margin, kl, any setting or metric)", "");
        return VIEW_CHANGED;
    }
    look.descending = strcmp(look.sort, arg) == 0 ? !look.descending : run_field_high_first(arg);
    text_copy(look.sort, sizeof look.sort, arg);
    return set_look(v, &look);
}

static enum view_result turn_shelf(struct view *v)
{
    struct runs_state *s = v->state;
    struct runs_look look = s->table.look;
    struct err fault = {0};
    look.archived = !look.archived;
    if (set_look(v, &look) == VIEW_KEPT)
        return VIEW_KEPT;
    run_list_poll(ui_runs(v->ui), clock_seconds(), false, &fault); // the next key is about the runs that are shown then
    update(v);
    if (cursor_of(v) < 0)
        move_to(v, 0);
    if (fault.code)
        ui_say_error(v->ui, "%s", fault.text);
    return VIEW_CHANGED;
}

static enum view_result choose_columns(struct view *v, const char *arg)
{
    struct runs_state *s = v->state;
    struct runs_look look = s->table.look;
    if (!arg && ui_talks(v->ui)) {
        ui_ask(v->ui, CMD_COLUMNS, "columns (fields with a comma between two; usual)", look.columns);
        return VIEW_CHANGED;
    }
    if (!arg) {
        s->chooser = runs_chooser_new(&s->table, ui_runs(v->ui), ui_run(v->ui));
        return VIEW_CHANGED;
    }
    if (!text_copy(look.columns, sizeof look.columns, strcmp(arg, "usual") == 0 ? "" : arg)) {
        ui_say_error(v->ui, "columns: at most %zu bytes", sizeof look.columns - 1);
        return VIEW_KEPT;
    }
    return set_look(v, &look);
}

static enum view_result key_runs(struct view *v, int key)
{
    struct runs_state *s = v->state;
    if (!s->chooser)
        return VIEW_IGNORED;
    switch (runs_chooser_key(s->chooser, key)) {
    case CHOOSER_OPEN:
        return VIEW_CHANGED;
    case CHOOSER_TAKEN: {
        struct runs_look look = s->table.look;
        text_copy(look.columns, sizeof look.columns, runs_chooser_text(s->chooser));
        set_look(v, &look);
        break;
    }
    case CHOOSER_LEFT:
        break;
    }
    runs_chooser_free(s->chooser);
    s->chooser = NULL;
    return VIEW_CHANGED;
}

static const char *hints_runs(struct view *v)
{
    struct runs_state *s = v->state;
    return s->chooser ? runs_chooser_hints : NULL;
}

static enum view_result go_to(struct view *v, const char *arg)
{
    int64_t line;
    if (!arg)
        ui_ask(v->ui, CMD_GO, "go to line", "");
    else if (text_to_i64(arg, &line) && line >= 1 && line <= INT32_MAX)
        return move_to(v, (int)line - 1);
    else
        ui_say_error(v->ui, "go: %s is no line: the first one is 1", arg);
    return VIEW_CHANGED;
}

// ---- selecting ----

// A run by its name or its letter; NULL with a message.
static struct run_row *named(struct view *v, const char *name)
{
    struct run_list *l = ui_runs(v->ui);
    struct run_row *r = run_list_find(l, name);
    for (int i = 0; i < l->n && !r && name[0] && !name[1]; i++)
        if (l->rows[i]->letter == name[0])
            r = l->rows[i];
    if (!r)
        ui_say_error(v->ui, "There is no run %s", name);
    return r;
}

static enum view_result select_run(struct view *v, const char *arg)
{
    struct runs_state *s = v->state;
    struct run_row *r = arg ? named(v, arg) : ui_run(v->ui);
    if (!r)
        return arg ? VIEW_KEPT : VIEW_IGNORED;
    r->selected = !r->selected;
    if (!arg && cursor_of(v) + 1 < s->table.n)
        move_to(v, cursor_of(v) + 1);
    return VIEW_CHANGED;
}

// All that are shown, or none when one is selected already.
static enum view_result select_all(struct view *v)
{
    struct runs_state *s = v->state;
    struct run_list *l = ui_runs(v->ui);
    bool any = false;
    if (s->table.n == 0)
        return VIEW_IGNORED;
    for (int i = 0; i < l->n; i++) {
        any = any || l->rows[i]->selected;
        l->rows[i]->selected = false;
    }
    for (int i = 0; i < s->table.n && !any; i++)
        s->table.rows[i]->selected = true;
    return VIEW_CHANGED;
}

static enum view_result command_runs(struct view *v, enum command_id id, const char *arg)
{
    struct runs_state *s = v->state;
    struct run_row *r;
    const int page = s->scene.visible > 0 ? s->scene.visible : 1;
    switch (id) {
    case CMD_UP:
        return move_to(v, cursor_of(v) - 1);
    case CMD_DOWN:
        return move_to(v, cursor_of(v) + 1);
    case CMD_PAGE_UP:
        return move_to(v, cursor_of(v) - page);
    case CMD_PAGE_DOWN:
        return move_to(v, cursor_of(v) + page);
    case CMD_FIRST:
        return move_to(v, 0);
    case CMD_LAST:
        return move_to(v, s->table.n - 1);
    case CMD_GO:
        return go_to(v, arg);
    case CMD_OPEN:
        r = arg ? named(v, arg) : cursor_of(v) >= 0 ? ui_run(v->ui) : NULL;
        if (r)
            ui_open_run(v->ui, r->info.name, PAGE_CURVES);
        return r || arg ? VIEW_CHANGED : VIEW_IGNORED;
    case CMD_SELECT:
        return select_run(v, arg);
    case CMD_SELECT_ALL:
        return select_all(v);
    case CMD_SORT:
        return sort_by(v, arg);
    case CMD_FILTER:
        return set_text(v, id, offsetof(struct runs_look, filter), sizeof s->table.look.filter, arg, "filter");
    case CMD_GROUP:
        return set_text(v, id, offsetof(struct runs_look, group), sizeof s->table.look.group, arg, "group by");
    case CMD_COLUMNS:
        return choose_columns(v, arg);
    case CMD_SHELF:
        return turn_shelf(v);
    default:
        return VIEW_IGNORED;
    }
}

static void save_runs(const struct view *v, json_t *into)
{
    const struct runs_state *s = v->state;
    json_t *look = runs_look_to_json(&s->table.look);
    json_object_update(into, look);
    json_decref(look);
    json_object_set_new(into, "top", json_integer(s->scene.top));
}

static void restore_runs(struct view *v, const json_t *from)
{
    struct runs_state *s = v->state;
    struct runs_look look;
    runs_look_from_json(&look, from);
    set_look(v, &look);
    s->scene.top = (int)kept_int(from, "top", 0, 1000000, 0);
}

// A press on the line under the cursor opens the run.
static enum view_result mouse_runs(struct view *v, struct mouse m)
{
    struct runs_state *s = v->state;
    if (m.act != MOUSE_PRESS || s->chooser)
        return VIEW_IGNORED;
    const struct run_row *run = runs_scene_at(&s->scene, &s->table, m.y);
    if (!run)
        return VIEW_KEPT;
    if (run == ui_run(v->ui))
        return command_runs(v, CMD_OPEN, NULL);
    ui_choose_run(v->ui, run->info.name);
    return VIEW_CHANGED;
}

static bool copy_runs(struct view *v, struct str *out)
{
    const struct run_row *r = ui_run(v->ui);
    if (r)
        str_add(out, r->info.name);
    return r != NULL;
}

static void complete_runs(struct view *v, enum command_id id, const char *before, struct words *out)
{
    struct runs_state *s = v->state;
    struct run_columns usual;
    if (id == CMD_COLUMNS)
        runs_chooser_words(&s->table, ui_runs(v->ui), ui_run(v->ui), out);
    if (id != CMD_SORT && id != CMD_GROUP)
        return;
    run_columns_usual(&usual);
    for (int i = 0; i < usual.n; i++)
        if (usual.list[i].field[0])
            words_add(out, usual.list[i].field);
    for (int i = 0; run_own_fields[i]; i++)
        words_add(out, run_own_fields[i]);
}

static void add_names(struct str *out, const char *what, struct run_row *const *rows, int n)
{
    enum { MOST = 20 };
    str_add(out, what);
    for (int i = 0; i < n && i < MOST; i++)
        str_addf(out, "%s%s", i ? ", " : ": ", rows[i]->info.name);
    if (n > MOST)
        str_addf(out, " and %d more", n - MOST);
    str_add(out, ".\n");
}

// For who hears it: what the list has become. The list itself, as one comes to it, is said by lines.c.
static bool tell_runs(struct view *v, bool all, struct str *out)
{
    struct runs_state *s = v->state;
    const struct runs_look *look = &s->table.look;
    struct run_list *l = ui_runs(v->ui);
    struct run_row **selected = mem_alloc((size_t)l->n + 1, sizeof *selected);
    const int n = run_list_selected(l, selected, l->n);
    update(v);
    str_addf(out, "%d of %d %s, ", s->table.n, s->table.n_all, text_plural(s->table.n_all, "run", "runs"));
    if (look->filter[0])
        str_addf(out, "those that pass %s, ", look->filter);
    if (look->sort[0])
        str_addf(out, "by %s, %s first", look->sort, look->descending ? "the greatest" : "the least");
    else
        str_add(out, "the newest first");
    if (look->group[0])
        str_addf(out, ", in groups by %s", look->group);
    add_names(out, "", s->table.rows, s->table.n);
    str_addf(out, "Columns: %s.\n", look->columns[0] ? look->columns : "the usual ones");
    if (n)
        add_names(out, "Selected", selected, n);
    else
        str_add(out, "No run is selected.\n");
    free(selected);
    return true;
}

const struct view_ops view_runs = {
    .tell = tell_runs,
    .title = "Runs",
    .open = open_runs,
    .close = close_runs,
    .shown = shown_runs,
    .draw = draw_runs,
    .command = command_runs,
    .key = key_runs,
    .hints = hints_runs,
    .refresh = refresh_runs,
    .typed = typed_runs,
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .save = save_runs,
    .restore = restore_runs,
    .complete = complete_runs,
    .mouse = mouse_runs,
    .copy = copy_runs,
};
