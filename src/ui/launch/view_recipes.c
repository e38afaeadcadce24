// The recipes: a list, and below it the file of the one under the cursor. What starts one asks for the inputs that it has no
// defaults for; what edits one puts a copy into the project.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/kept.h"
#include "ui/view.h"

struct recipes_state {
    int at, scroll; // the row under the cursor; lines of its file above the window
    char name[256]; // of that row: the list is read again now and then
    bool whole;     // the file alone
    char *given, given_to[256]; // what was typed for the recipe of that name last: it may have been refused; NULL: nothing
    int height;
};

static int open_recipes(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct recipes_state));
    return 0;
}

static void close_recipes(struct view *v)
{
    free(((struct recipes_state *)v->state)->given);
    free(v->state);
}

static void save_recipes(const struct view *v, json_t *into)
{
    const struct recipes_state *s = v->state;
    json_object_set_new(into, "at", json_integer(s->at));
}

static void restore_recipes(struct view *v, const json_t *from)
{
    struct recipes_state *s = v->state;
    s->at = (int)kept_int(from, "at", 0, 10000, 0);
}

static void shown_recipes(struct view *v)
{
    ui_ask_recipes(v->ui); // files of the project may have come
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void stand_at(struct view *v, int at)
{
    struct recipes_state *s = v->state;
    const int n = (int)json_array_size(ui_recipes(v->ui));
    s->at = at >= n ? n - 1 : at;
    s->at = s->at < 0 ? 0 : s->at;
    s->scroll = 0;
    text_copy(s->name, sizeof s->name, text_of(json_array_get(ui_recipes(v->ui), (size_t)s->at), "name"));
}

// The row under the cursor, which stays with its recipe while others come and go. NULL: there is none, or it is gone, which
// is said, and the cursor is on another one then.
static const json_t *current(struct view *v)
{
    const struct recipes_state *s = v->state;
    const json_t *list = ui_recipes(v->ui), *row = json_array_get(list, (size_t)s->at);
    if (row && s->name[0] && strcmp(text_of(row, "name"), s->name) != 0) {
        size_t i = 0;
        while (i < json_array_size(list) && strcmp(text_of(json_array_get(list, i), "name"), s->name) != 0)
            i++;
        if (i == json_array_size(list))
            ui_say(v->ui, "The recipe %s is gone.", s->name);
        stand_at(v, i < json_array_size(list) ? (int)i : s->at);
        return i < json_array_size(list) ? json_array_get(list, i) : NULL;
    }
    if (row && !s->name[0])
        stand_at(v, s->at);
    return row;
}

static void draw_list(struct view *v, struct canvas *c, struct rect area)
{
    const struct recipes_state *s = v->state;
    const int n = (int)json_array_size(ui_recipes(v->ui));
    const int first = s->at >= area.height ? s->at - area.height + 1 : 0;
    const int width = area.width > 60 ? 24 : 16;
    for (int i = first; i < n && i - first < area.height; i++) {
        const json_t *row = json_array_get(ui_recipes(v->ui), (size_t)i);
        const char *problem = text_of(row, "problem");
        const int y = area.y + i - first;
        canvas_text(c, area.x + 1, y, 2, STYLE(COLOR_ACCENT), i == s->at ? ">" : "");
        canvas_text_end(c, area.x + 3, y, width - 1, STYLE(COLOR_DEFAULT, .attr = i == s->at ? ATTR_BOLD : 0),
                        text_of(row, "name"));
        canvas_text(c, area.x + 3 + width, y, area.width - 4 - width, *problem ? STYLE(COLOR_BAD) : STYLE(COLOR_MUTED),
                    *problem ? problem : text_of(row, "title"));
    }
}

static void draw_recipes(struct view *v, struct canvas *c, struct rect area)
{
    struct recipes_state *s = v->state;
    const int n = (int)json_array_size(ui_recipes(v->ui));
    if (!ui_recipes(v->ui)) {
        canvas_text(c, area.x + 1, area.y, area.width - 2, STYLE(COLOR_MUTED), "Asking the engine what there is ...");
        return;
    }
    if (n == 0) {
        canvas_text(c, area.x + 1, area.y, area.width - 2, STYLE(COLOR_MUTED), "There is no recipe.");
        return;
    }
    if (!s->whole) {
        const int most = area.height / 3, rows = n < most ? n : most; // what stands in the file is more than its name
        draw_list(v, c, rect_cut_top(&area, rows > 0 ? rows : 1));
        canvas_hline(c, area.x, area.y, area.width, STYLE(COLOR_MUTED));
        canvas_textf(c, area.x + 2, area.y, area.width - 3, STYLE(COLOR_MUTED), " %d of %d ", s->at + 1, n);
        rect_cut_top(&area, 1);
    }
    s->height = area.height;
    const json_t *row = json_array_get(ui_recipes(v->ui), (size_t)s->at);
    const char *text = *text_of(row, "problem") ? text_of(row, "problem") : text_of(row, "text");
    canvas_paragraph(c, (struct rect){area.x + 1, area.y, area.width - 2, area.height}, s->scroll, STYLE(COLOR_DEFAULT),
                     text, strlen(text));
}

// $model and $data are inputs of all recipes, also of those that do without.
static bool uses_input(const json_t *row, const char *name)
{
    struct str used = {0};
    str_addf(&used, "$%s", name);
    const bool is_used = strstr(text_of(row, "text"), str_text(&used));
    str_fini(&used);
    return is_used;
}

// "model= data=" of the inputs that a person must give; no such, no question but whether to start.
static void ask_inputs(struct view *v, const json_t *row)
{
    const struct recipes_state *s = v->state;
    struct str wanted = {0};
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(row, "inputs"), name, value)
        if (json_is_null(value) && uses_input(row, name))
            str_addf(&wanted, "%s%s=", wanted.len ? " " : "", name);
    const bool again = s->given && strcmp(s->given_to, text_of(row, "name")) == 0;
    if (wanted.len)
        ui_ask(v->ui, CMD_START, "start with (also stage.key=value)", again ? s->given : str_text(&wanted));
    else
        ui_confirm(v->ui, CMD_START, " ", "Start this recipe as it is?");
    str_fini(&wanted);
}

// An input that the recipe needs and that was not given; NULL: none.
static const char *missing_input(const json_t *row, const json_t *given)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(row, "inputs"), name, value)
        if (json_is_null(value) && uses_input(row, name) && !json_object_get(given, name))
            return name;
    return NULL;
}

// Words name=value: inputs, or stage.key=value.
static void start(struct view *v, const json_t *row, const char *arg)
{
    struct recipes_state *s = v->state;
    json_t *changes = json_array(), *given = json_object();
    const char *missing = NULL, *wrong = NULL;
    bool overrides = false; // a stage's own model or data may do without an input: the engine knows
    free(s->given);
    s->given = mem_strdup(arg);
    text_copy(s->given_to, sizeof s->given_to, text_of(row, "name"));
    char *words = mem_strdup(arg), *save = NULL;
    for (char *word = strtok_r(words, " ", &save); word && !wrong; word = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(word, '=');
        if (!equals || equals == word) {
            wrong = word;
            break;
        }
        *equals = '\0';
        overrides |= strchr(word, '.') != NULL;
        if (strchr(word, '.'))
            json_array_append_new(changes, json_sprintf("%s=%s", word, equals + 1));
        else if (equals[1]) {
            json_array_append_new(changes, engine_recipe_input(word, equals + 1));
            json_object_set_new(given, word, json_true());
        }
    }
    if (wrong)
        ui_say_error(v->ui, "start: \"%s\" is no name=value, such as model=DIR or dpo.beta=0.3", wrong);
    else if (!overrides && (missing = missing_input(row, given)))
        ui_say_error(v->ui, "start: the recipe needs %s: s asks again, and %s=... gives it", missing, missing);
    else
        ui_start_recipe(v->ui, text_of(row, "path"), json_incref(changes));
    json_decref(changes);
    json_decref(given);
    free(words);
}

// Attune's own files are not to be changed: the project gets a copy, which goes before them.
static void copy(struct view *v, const json_t *row)
{
    struct err fault = {0};
    struct str name = {0};
    const char *text = text_of(row, "text");
    char *folder = path_join(store_dir(ui_store(v->ui)), "recipes");
    str_addf(&name, "%s.conf", text_of(row, "name"));
    char *to = path_join(folder, str_text(&name));
    if (!json_is_true(json_object_get(row, "shipped")))
        ui_say(v->ui, "It is the project's own: edit %s", text_of(row, "path"));
    else if (file_exists(to))
        ui_say_error(v->ui, "The project has %s already: edit that", to);
    else if (file_make_dirs(folder, &fault) || file_write(to, text, strlen(text), &fault))
        ui_say_error(v->ui, "%s", fault.text);
    else
        ui_say(v->ui, "Copied to %s: edit it there", to);
    str_fini(&name);
    free(folder);
    free(to);
    ui_ask_recipes(v->ui);
}

static enum view_result move(struct view *v, int by, int lines)
{
    struct recipes_state *s = v->state;
    if (s->whole || lines) {
        s->scroll = s->scroll + (lines ? lines : by) < 0 ? 0 : s->scroll + (lines ? lines : by);
        return VIEW_CHANGED;
    }
    stand_at(v, s->at + by);
    return VIEW_CHANGED;
}

static enum view_result command_recipes(struct view *v, enum command_id id, const char *arg)
{
    struct recipes_state *s = v->state;
    const json_t *row = current(v);
    switch (id) {
    case CMD_UP:
        return move(v, -1, 0);
    case CMD_DOWN:
        return move(v, 1, 0);
    case CMD_PAGE_UP:
        return move(v, 0, s->height > 1 ? 1 - s->height : -1);
    case CMD_PAGE_DOWN:
        return move(v, 0, s->height > 1 ? s->height - 1 : 1);
    case CMD_FIRST:
        return move(v, -10000, 0);
    case CMD_LAST:
        return s->whole ? VIEW_KEPT : move(v, 10000, 0);
    case CMD_OPEN:
        s->whole = !s->whole;
        s->scroll = 0;
        return VIEW_CHANGED;
    case CMD_START:
        if (row && *text_of(row, "problem"))
            ui_say_error(v->ui, "%s", text_of(row, "problem"));
        else if (row && !arg)
            ask_inputs(v, row);
        else if (row)
            start(v, row, arg);
        return VIEW_CHANGED;
    case CMD_COPY:
        if (row)
            copy(v, row);
        return VIEW_CHANGED;
    default:
        return VIEW_IGNORED;
    }
}

static enum view_refresh refresh_recipes(struct view *v)
{
    const struct recipes_state *s = v->state;
    if (json_array_size(ui_recipes(v->ui)) && !current(v)) // the last row went
        stand_at(v, s->at);
    return REFRESH_DRAW;
}

// The inputs that are not given yet; what follows one is mostly a path, which the prompt completes.
static void complete_recipes(struct view *v, enum command_id id, const char *before, struct words *out)
{
    const char *name;
    json_t *value;
    if (id != CMD_START || text_ends(before, "="))
        return;
    json_object_foreach(json_object_get(current(v), "inputs"), name, value) {
        struct str word = {0};
        str_addf(&word, "%s=", name);
        if (uses_input(current(v), name) && !strstr(before, str_text(&word)))
            words_add_about(out, str_text(&word), json_is_string(value) ? json_string_value(value) : "must be given");
        str_fini(&word);
    }
}

static bool recipe_value(const void *item, const char *name, int i, struct filter_value *out)
{
    static const char *const names[] = {"name", "title", "problem", "text"};
    *out = (struct filter_value){.number = NAN};
    for (int k = 0; k < 4; k++)
        if (name ? i == 0 && strcmp(name, names[k]) == 0 : k == i)
            out->text = text_of(item, names[k]);
    return out->text;
}

static int find_count(struct view *v, int *at)
{
    *at = ((struct recipes_state *)v->state)->at;
    return (int)json_array_size(ui_recipes(v->ui));
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    return filter_matches(f, recipe_value, json_array_get(ui_recipes(v->ui), (size_t)i));
}

static void find_go(struct view *v, int i)
{
    stand_at(v, i);
}

// ---- for who hears it ----

static void tell_recipe(const struct recipes_state *s, int n, const json_t *row, struct str *out)
{
    const char *name;
    json_t *value;
    str_addf(out, "Recipe %d of %d, %s: %s\n", s->at + 1, n, text_of(row, "name"),
             *text_of(row, "problem") ? text_of(row, "problem") : text_of(row, "title"));
    json_object_foreach(json_object_get(row, "inputs"), name, value)
        if (uses_input(row, name))
            str_addf(out, "Input %s: %s.\n", name, json_is_string(value) ? json_string_value(value) : "must be given");
    if (s->whole)
        str_addf(out, "Its file:\n%s\n", text_of(row, "text"));
}

static bool tell_recipes(struct view *v, bool all, struct str *out)
{
    const struct recipes_state *s = v->state;
    const json_t *list = ui_recipes(v->ui), *row;
    const int n = (int)json_array_size(list);
    size_t i;
    if (!list)
        str_add(out, "The engine is still being asked; \"repeat\" looks again.\n");
    if (!all && n > 0)
        tell_recipe(s, n, json_array_get(list, (size_t)s->at), out);
    if (!all || !list)
        return true;
    str_addf(out, "%d %s, experiments of several stages.\n", n, text_plural(n, "recipe", "recipes"));
    json_array_foreach(list, i, row)
        str_addf(out, "%zu: %s, %s%s\n", i + 1, text_of(row, "name"), *text_of(row, "problem") ? "cannot be used: " : "",
                 *text_of(row, "problem") ? text_of(row, "problem") : text_of(row, "title"));
    str_add(out, "A line's number, \"down\", \"up\" and \"find\" go to a recipe, \"show\" says its file, \"start\" "
                 "starts it, "
                 "\"copy\" puts it into the project.\n");
    return true;
}

const struct view_ops view_recipes = {
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Recipes",
    .open = open_recipes,
    .close = close_recipes,
    .shown = shown_recipes,
    .draw = draw_recipes,
    .command = command_recipes,
    .complete = complete_recipes,
    .refresh = refresh_recipes,
    .save = save_recipes,
    .restore = restore_recipes,
    .tell = tell_recipes,
};
