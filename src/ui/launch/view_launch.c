// A new run: a form made from the engine's own tables. Values are checked while they are typed; the same run as a command
// line stands below.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/term/keys.h"
#include "ui/launch/launch_draw.h"
#include "ui/launch/launch_edit.h"
#include "ui/launch/launch_find.h"
#include "ui/launch/launch_preset.h"
#include "ui/data/data_set.h"
#include "ui/view.h"

static int open_launch(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct launch_state));
    return 0;
}

static void close_launch(struct view *v)
{
    struct launch_state *s = v->state;
    if (s->has_form)
        form_fini(&s->form);
    line_edit_fini(&s->line);
    free(s->before);
    form_memory_fini(&s->memory);
    objective_menu_fini(&s->menu);
    json_decref(s->kept);
    data_source_fini(&s->wish_data);
    json_decref(s->origin);
    free(s);
}

static enum view_result launch_sweep(struct view *v, struct form *f)
{
    struct launch_state *s = v->state;
    const struct engine_sweep sweep = {.objective = f->fields[FORM_OBJECTIVE].text, .name = f->fields[FORM_NAME].text,
                                       .at_most = strtoll(form_text(f, "at-most"), NULL, 10),
                                       .grace = strtoll(form_text(f, "grace"), NULL, 10), .by = form_text(f, "by"),
                                       .stop_early = strcmp(form_text(f, "stop-early"), "yes") == 0};
    if (sweep.stop_early && !*sweep.by) {
        s->cursor = form_find(f, "by");
        ui_say_error(v->ui, "by which held-out metric are runs to be stopped early? eval/rewards/accuracies, for one");
        return VIEW_CHANGED;
    }
    ui_start_sweep(v->ui, &sweep, form_settings(f, true), form_lists(f));
    form_reset(f, FORM_NAME);
    s->typed = false;
    return VIEW_CHANGED;
}

static enum view_result launch(struct view *v)
{
    struct launch_state *s = v->state;
    struct form *f = &s->form;
    int wrong = form_first_fault(f);
    if (wrong >= 0) {
        launch_move(s, wrong); // of the demo's form it is another row
        ui_say_error(v->ui, "%s", f->fields[wrong].fault);
        return VIEW_CHANGED;
    }
    if (form_is_sweep(f))
        return launch_sweep(v, f);
    const struct new_run run = {f->fields[FORM_OBJECTIVE].text, f->fields[FORM_NAME].text, form_settings(f, false)};
    ui_start_runs(v->ui, &run, 1);
    return VIEW_CHANGED;
}

// What was in the form has become a run.
static void take_started(struct launch_state *s, struct ui *ui)
{
    if (!ui_take_started(ui) || !s->has_form)
        return;
    form_reset(&s->form, FORM_NAME);
    s->typed = false;
}

static void start_demo(struct view *v)
{
    struct launch_state *s = v->state;
    struct new_run runs[ENGINE_DEMO_RUNS];
    for (int i = 0; i < ENGINE_DEMO_RUNS; i++) {
        const int which = ENGINE_DEMO_RUNS - 1 - i;
        struct form demo; // its own: the next new run does not begin with the demo's settings
        json_t *settings = engine_demo_settings(which, ENGINE_DEMO_STEPS, 0.1);
        form_init(&demo, s->form.engine);
        form_copy(&demo, engine_demo_objectives[which], NULL, NULL, settings);
        json_decref(settings);
        runs[i] = (struct new_run){engine_demo_objectives[which], "", form_settings(&demo, false)};
        form_fini(&demo);
    }
    ui_start_runs(v->ui, runs, ENGINE_DEMO_RUNS);
}

// The form is to be of another objective: what is being typed is in it already.
static const char *begin_change(struct launch_state *s)
{
    s->typed = s->typed || s->editing;
    s->editing = false;
    return s->form.fields[s->cursor].param->name;
}

static enum view_result copy_run(struct view *v, const char *arg);

static void fill(struct view *v, enum command_id id, const char *arg)
{
    struct launch_state *s = v->state;
    const bool is_new = id == CMD_NEW && arg && arg[0];
    if (id == CMD_DEMO)
        start_demo(v);
    if (id != CMD_COPY && !is_new)
        return;
    const char *field = begin_change(s);
    if (is_new)
        form_set(&s->form, FORM_OBJECTIVE, arg);
    else
        copy_run(v, arg && arg[0] ? arg : NULL);
    launch_hold_cursor(s, field);
}

static void put(struct form *f, const char *name, const char *text)
{
    const int field = form_find(f, name);
    if (field >= 0 && text && *text)
        form_set(f, field, text);
}

// What page Data had open; with the model of the run beside it where none was chosen yet.
static void fill_data(struct view *v)
{
    struct launch_state *s = v->state;
    const struct run_row *r = ui_run(v->ui);
    const int model = form_find(&s->form, "model");
    put(&s->form, "data", s->wish_data.path);
    put(&s->form, "map", s->wish_data.map);
    put(&s->form, "label-from", s->wish_data.label_from);
    if (model >= 0 && !s->form.fields[model].text[0] && r)
        put(&s->form, "model", r->info.model);
    s->typed = true;
    data_source_fini(&s->wish_data);
}

// The data of the form on page Data.
static enum view_result look_at_data(struct view *v, const char *arg)
{
    const struct form *f = &((struct launch_state *)v->state)->form;
    const char *model = form_text(f, "model"), *own = form_text(f, "tokenizer"), *path = arg ? arg : form_text(f, "data");
    if (!*path) {
        ui_say(v->ui, "The form has no data yet.");
        return VIEW_CHANGED;
    }
    ui_show_data(v->ui, &(struct data_source){(char *)path, (char *)form_text(f, "map"), (char *)form_text(f, "label-from"),
                                              (char *)(*own ? own : text_ends(model, ".json") ? "" : model),
                                              (char *)form_text(f, "eval-data")});
    return VIEW_CHANGED;
}

static bool has_form(struct view *v)
{
    struct launch_state *s = v->state;
    const struct engine_description *d = s->has_form ? s->form.engine : ui_want_description(v->ui);
    if (!s->has_form && d) {
        form_init(&s->form, d);
        s->has_form = true;
        s->cursor = form_find(&s->form, "model");
        if (s->cursor < 0)
            s->cursor = FORM_OBJECTIVE;
        if (s->kept)
            launch_take_kept(s);
        enum command_id wish = s->wish;
        s->wish = CMD_NONE;
        fill(v, wish, s->wish_arg);
    }
    if (s->has_form && ui_take_train_on(v->ui, &s->wish_data))
        fill_data(v);
    return s->has_form;
}

static void save_launch(const struct view *v, json_t *into)
{
    take_started(v->state, v->ui);
    launch_save(v->state, into);
}

static void restore_launch(struct view *v, const json_t *from)
{
    launch_restore(v->state, from);
}

static void shown_launch(struct view *v)
{
    take_started(v->state, v->ui);
    has_form(v);
}

// Asks what the run would take whenever it has become another one. True when there is an answer.
static bool follow_memory(struct view *v)
{
    struct launch_state *s = v->state;
    const json_t *plan;
    json_t *settings = NULL;
    const bool answered = ui_take_memory(v->ui, &plan);
    if (answered)
        form_memory_take(&s->memory, plan);
    if (s->editing || s->choosing || ui_is_asking_memory(v->ui) || !form_memory_ask(&s->memory, &s->form, &settings))
        return answered;
    if (settings)
        ui_ask_memory(v->ui, s->form.fields[FORM_OBJECTIVE].text, settings);
    else
        form_memory_take(&s->memory, NULL);
    return true;
}

static enum view_refresh refresh_launch(struct view *v)
{
    struct launch_state *s = v->state;
    if (!has_form(v) || s->planning)
        return REFRESH_DRAW;
    return follow_memory(v) ? REFRESH_DRAW : REFRESH_NOTHING;
}

static void draw_launch(struct view *v, struct canvas *c, struct rect area)
{
    ((struct launch_state *)v->state)->plan = ui_plan(v->ui);
    launch_draw(v->state, c, area);
}

// ---- keys ----

static enum view_result menu_key(struct launch_state *s, int key)
{
    switch (objective_menu_key(&s->menu, key)) {
    case MENU_TAKEN:
        form_set(&s->form, FORM_OBJECTIVE, objective_menu_chosen(&s->menu)->name);
        s->choosing = false;
        return VIEW_CHANGED;
    case MENU_LEFT:
        s->choosing = false;
        return VIEW_CHANGED;
    case MENU_CHANGED:
        return VIEW_CHANGED;
    case MENU_KEPT:
        break;
    }
    return VIEW_KEPT;
}

// On a row of text whatever can stand in one begins it; numbers begin with digits, and letters stay commands there. What
// begins neither a name nor a path (":", "?", Space) is a command everywhere; "/" finds a field, but on a row that waits
// for a path, which most people give from the root.
static bool begins_a_value(const struct form_field *f, int key)
{
    bool is_text = f->param->type == PARAM_PATH || f->param->type == PARAM_TEXT;
    bool is_number = f->param->type == PARAM_INT || f->param->type == PARAM_FLOAT;
    if ((key >= '0' && key <= '9') || key == '.' || key == '-')
        return is_text || is_number;
    if (key == '/')
        return f->param->type == PARAM_PATH && !f->text[0];
    return is_text && (key == '~' || key == '_' || (key >= 'a' && key <= 'z') || (key >= 'A' && key <= 'Z') ||
                       (key >= 0xa0 && key < KEY_BASE_));
}

static enum view_result key_launch(struct view *v, int key)
{
    struct launch_state *s = v->state;
    if (!s->has_form)
        return VIEW_IGNORED;
    ui_more(v->ui); // its memory may be another
    if (s->choosing)
        return menu_key(s, key);
    if (s->editing)
        return launch_edit_key(v, key);
    if (!s->planning && begins_a_value(s->form.fields + s->cursor, key)) {
        launch_begin_edit(s, "");
        return launch_edit_key(v, key);
    }
    return VIEW_IGNORED;
}

// A paste goes into the text that is being typed, or becomes the value of the row under the cursor where that is a text.
static enum view_result paste_launch(struct view *v, const char *text, size_t n_bytes)
{
    struct launch_state *s = v->state;
    if (!s->has_form)
        return VIEW_IGNORED;
    if (s->choosing) {
        objective_menu_paste(&s->menu, text, n_bytes);
        return VIEW_CHANGED;
    }
    enum param_type type = s->form.fields[s->cursor].param->type;
    if (!s->editing && (type == PARAM_CHOICE || type == PARAM_BOOL))
        return VIEW_IGNORED;
    if (!s->editing)
        launch_begin_edit(s, "");
    if (!line_edit_paste(&s->line, text, n_bytes))
        ui_say_error(v->ui, "What was pasted is longer than a value can be (%zu bytes).", n_bytes);
    form_set(&s->form, s->cursor, str_text(&s->line.text));
    return VIEW_CHANGED;
}

static const char *hints_launch(struct view *v)
{
    struct launch_state *s = v->state;
    if (s->planning)
        return "F10 launch  Up/Down scroll  Y copy the command  Esc back";
    if (s->choosing)
        return "Enter take  Up/Down choose  Esc leave";
    if (!s->editing)
        return NULL;
    return s->form.fields[s->cursor].param->type == PARAM_PATH
               ? "Enter keep  Tab complete  Esc as before  Ctrl-u empty  F10 launch"
               : "Enter keep  Esc as before  Ctrl-u empty  F10 launch";
}

// ---- commands ----

// What was typed into the form is not lost to C without a question.
static enum view_result copy_run(struct view *v, const char *arg)
{
    struct launch_state *s = v->state;
    struct run_row *r = arg ? run_list_find(ui_runs(v->ui), arg) : ui_run(v->ui);
    char question[200];
    if (!r)
        return VIEW_KEPT;
    const bool sweep =
        strcmp(r->info.objective, "sweep") == 0 && json_object_get(json_object_get(r->info.settings, "plan"), "lists");
    if (!sweep && !engine_find_objective(s->form.engine, r->info.objective)) {
        ui_say_error(v->ui, "%s has no settings of its own: start its %s again from the list of runs, with R", r->info.name,
                     r->info.objective);
        return VIEW_CHANGED;
    }
    if (!arg && s->typed) {
        snprintf(question, sizeof question, "Fill the form with the settings of %.100s? What is in it now is given up.",
                 r->info.name);
        ui_confirm(v->ui, CMD_COPY, r->info.name, question);
        return VIEW_CHANGED;
    }
    s->typed = false;
    if (sweep)
        form_copy_sweep(&s->form, json_object_get(r->info.settings, "plan"));
    else
        form_copy(&s->form, r->info.objective, r->info.model, r->info.data, r->info.settings);
    json_decref(s->origin);
    s->origin = form_texts(&s->form);
    text_copy(s->copied, sizeof s->copied, r->info.name);
    return VIEW_CHANGED;
}

static enum view_result edit_command(struct view *v, const char *arg)
{
    struct launch_state *s = v->state;
    char name[64];
    if (!arg && ui_talks(v->ui)) {
        ui_ask(v->ui, CMD_EDIT, "edit (a field's name and its value)", "");
        return VIEW_CHANGED;
    }
    if (!arg && s->cursor == FORM_OBJECTIVE) {
        objective_menu_open(&s->menu, s->form.engine, s->form.fields[FORM_OBJECTIVE].text);
        s->choosing = true;
        return VIEW_CHANGED;
    }
    if (!arg) {
        if (form_step(&s->form, s->cursor, 1))
            s->typed = true;
        else
            launch_begin_edit(s, s->form.fields[s->cursor].text);
        return VIEW_CHANGED;
    }
    size_t n = strcspn(arg, " =");
    snprintf(name, sizeof name, "%.*s", (int)n, arg);
    int field = form_find(&s->form, name);
    if (field < 0) {
        const int near = form_search(&s->form, name, s->form.n - 1);
        ui_say_error(v->ui, "edit: there is no setting %s here%s%s", name, near >= 0 ? ". Near it: " : "",
                     near >= 0 ? s->form.fields[near].param->name : "");
        return VIEW_KEPT;
    }
    s->cursor = field;
    form_set(&s->form, field, arg + n + strspn(arg + n, " ="));
    if (s->form.fields[field].fault[0])
        ui_say_error(v->ui, "%s", s->form.fields[field].fault);
    return VIEW_CHANGED;
}

// What is wrong is said where it is; else the engine is asked.
static enum view_result plan(struct view *v)
{
    struct launch_state *s = v->state;
    const int wrong = form_first_fault(&s->form);
    if (wrong >= 0) {
        s->cursor = wrong;
        ui_say_error(v->ui, "%s", s->form.fields[wrong].fault);
        return VIEW_CHANGED;
    }
    json_t *settings = form_first_settings(&s->form);
    const int at_most = form_is_sweep(&s->form) ? atoi(form_text(&s->form, "at-most")) : 1;
    ui_ask_plan(v->ui, s->form.fields[FORM_OBJECTIVE].text, settings, form_n_runs(&s->form), at_most);
    s->planning = true;
    s->plan_top = 0;
    return VIEW_CHANGED;
}

static enum view_result command_launch(struct view *v, enum command_id id, const char *arg);

// While the dry run has the page: it is scrolled, and what is done in the form leaves it.
static enum view_result command_plan(struct view *v, enum command_id id, const char *arg)
{
    struct launch_state *s = v->state;
    const int page = s->plan_height > 1 ? s->plan_height - 1 : 1;
    const int by = id == CMD_UP || id == CMD_PAN_LEFT      ? -1
                   : id == CMD_DOWN || id == CMD_PAN_RIGHT ? 1
                   : id == CMD_PAGE_UP                     ? -page
                   : id == CMD_PAGE_DOWN                   ? page
                   : id == CMD_FIRST                       ? -s->plan_top
                   : id == CMD_LAST                        ? 1 << 20
                                                           : 0;
    if ((by || id == CMD_FIRST) && !ui_talks(v->ui)) {
        s->plan_top += by;
        return VIEW_CHANGED;
    }
    s->planning = false;
    if (id == CMD_BACK || id == CMD_PLAN)
        return VIEW_CHANGED;
    const enum view_result result = command_launch(v, id, arg);
    s->planning = result == VIEW_IGNORED; // help, a copy and the like are no part of the form
    return result;
}

static enum view_result command_launch(struct view *v, enum command_id id, const char *arg)
{
    struct launch_state *s = v->state;
    if (!s->has_form) {
        if (id != CMD_NEW && id != CMD_COPY && id != CMD_DEMO)
            return VIEW_IGNORED;
        s->wish = id;
        text_copy(s->wish_arg, sizeof s->wish_arg, arg ? arg : "");
        return VIEW_KEPT;
    }
    s->choosing = false;
    ui_more(v->ui);
    if (s->planning && id != CMD_LAUNCH)
        return command_plan(v, id, arg);
    s->planning = false;
    switch (id) {
    case CMD_UP:
    case CMD_PREVIOUS_PANE:
        launch_move(s, s->cursor - 1);
        return VIEW_CHANGED;
    case CMD_DOWN:
    case CMD_NEXT_PANE:
        launch_move(s, s->cursor + 1);
        return VIEW_CHANGED;
    case CMD_PAGE_UP:
        launch_move(s, s->cursor - s->visible);
        return VIEW_CHANGED;
    case CMD_PAGE_DOWN:
        launch_move(s, s->cursor + s->visible);
        return VIEW_CHANGED;
    case CMD_FIRST:
        launch_move(s, 0);
        return VIEW_CHANGED;
    case CMD_LAST:
        launch_move(s, s->form.n - 1);
        return VIEW_CHANGED;
    case CMD_LEFT:
        form_step(&s->form, s->cursor, -1);
        return VIEW_CHANGED;
    case CMD_RIGHT:
    case CMD_SELECT:
        form_step(&s->form, s->cursor, 1);
        return VIEW_CHANGED;
    case CMD_RESET:
        form_reset(&s->form, s->cursor);
        return VIEW_CHANGED;
    case CMD_FIND:
        return launch_find_field(v, arg);
    case CMD_PAN_LEFT:
        s->scroll--;
        return VIEW_CHANGED;
    case CMD_PAN_RIGHT:
        s->scroll++;
        return VIEW_CHANGED;
    case CMD_EDIT:
        return edit_command(v, arg);
    case CMD_LAUNCH:
        return launch(v);
    case CMD_PLAN:
        return plan(v);
    case CMD_PRESET:
        return launch_load_preset(v, arg);
    case CMD_SAVE_PRESET:
        return launch_save_preset(v, arg);
    case CMD_PAGE_DATA:
        return look_at_data(v, arg);
    case CMD_COPY:
    case CMD_DEMO:
    case CMD_NEW:
        fill(v, id, arg);
        return VIEW_CHANGED;
    default:
        return VIEW_IGNORED;
    }
}

static bool copy_launch(struct view *v, struct str *out)
{
    const struct launch_state *s = v->state;
    if (s->has_form)
        form_command_line(&s->form, out);
    return s->has_form;
}

static bool tell_launch(struct view *v, bool all, struct str *out)
{
    ((struct launch_state *)v->state)->plan = ui_plan(v->ui);
    return launch_tell(v->state, all, out);
}

const struct view_ops view_launch = {
    .title = "New run",
    .open = open_launch,
    .close = close_launch,
    .shown = shown_launch,
    .draw = draw_launch,
    .command = command_launch,
    .key = key_launch,
    .paste = paste_launch,
    .hints = hints_launch,
    .refresh = refresh_launch,
    .find = &launch_find,
    .save = save_launch,
    .restore = restore_launch,
    .complete = launch_complete,
    .copy = copy_launch,
    .tell = tell_launch,
};
