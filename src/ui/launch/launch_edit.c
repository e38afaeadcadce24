#include "config.h"

#include "ui/launch/launch_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/term/keys.h"
#include "ui/launch/launch_draw.h"
#include "ui/launch/launch_preset.h"
#include "ui/launch/path_complete.h"

void launch_begin_edit(struct launch_state *s, const char *text)
{
    free(s->before);
    s->before = mem_strdup(s->form.fields[s->cursor].text);
    // A path is usually made longer or changed at its end; another value is replaced as a whole.
    if (s->form.fields[s->cursor].param->type == PARAM_PATH)
        line_edit_set(&s->line, text);
    else
        line_edit_offer(&s->line, text);
    s->editing = true;
}

static void end_edit(struct launch_state *s, bool keep)
{
    char *text = mem_strdup(keep ? str_text(&s->line.text) : s->before);
    s->editing = false;
    s->typed = s->typed || keep;
    form_set(&s->form, s->cursor, text);
    free(text);
}

void launch_move(struct launch_state *s, int to)
{
    s->cursor = to < 0 ? 0 : to >= s->form.n ? s->form.n - 1 : to;
}

void launch_hold_cursor(struct launch_state *s, const char *field)
{
    const int at = form_find(&s->form, field);
    launch_move(s, at >= 0 ? at : s->cursor);
}

// False when there is nothing to choose.
static bool complete_path(struct view *v)
{
    struct launch_state *s = v->state;
    struct words choices = {0};
    struct str names = {0};
    char *longer = NULL;
    const enum path_completed done = path_complete(str_text(&s->line.text), &longer, &choices);
    if (done == PATH_LONGER)
        line_edit_set(&s->line, longer);
    path_choices_text(&choices, &names);
    if (done == PATH_CHOICES)
        ui_say(v->ui, "%s", str_text(&names));
    str_fini(&names);
    free(longer);
    words_fini(&choices);
    return done != PATH_WHOLE;
}

enum view_result launch_edit_key(struct view *v, int key)
{
    struct launch_state *s = v->state;
    switch (key) {
    case KEY_ESCAPE_:
        end_edit(s, false);
        return VIEW_CHANGED;
    case KEY_ENTER_:
    case KEY_DOWN_:
        end_edit(s, true);
        if (key == KEY_DOWN_ || !s->form.fields[s->cursor].fault[0]) // Enter stays where something is wrong
            launch_move(s, s->cursor + 1);
        return VIEW_CHANGED;
    case KEY_UP_:
    case KEY_BACKTAB_:
        end_edit(s, true);
        launch_move(s, s->cursor - 1);
        return VIEW_CHANGED;
    case KEY_TAB_:
        if (s->form.fields[s->cursor].param->type != PARAM_PATH || !complete_path(v)) {
            end_edit(s, true);
            launch_move(s, s->cursor + 1);
            return VIEW_CHANGED;
        }
        break;
    case KEY_F0_ + 10:
        end_edit(s, true);
        return VIEW_IGNORED; // launches
    default:
        if (!line_edit_key(&s->line, key))
            return VIEW_KEPT;
    }
    form_set(&s->form, s->cursor, str_text(&s->line.text)); // checked as it is typed
    return VIEW_CHANGED;
}

// ---- presets ----

enum view_result launch_load_preset(struct view *v, const char *arg)
{
    struct launch_state *s = v->state;
    struct err fault = {0};
    char **names = NULL, label[160] = "preset";
    int n = 0;
    const char *field = s->form.fields[s->cursor].param->name;
    if (arg && form_load_preset(&s->form, store_dir(ui_store(v->ui)), arg, &fault) == 0) {
        launch_hold_cursor(s, field);
        json_decref(s->origin);
        s->origin = form_texts(&s->form);
        text_copy(s->copied, sizeof s->copied, arg);
        s->typed = false;
        ui_say(v->ui, "The form has the preset %s.", arg);
    } else if (arg || engine_presets(store_dir(ui_store(v->ui)), &names, &n, &fault)) {
        ui_say_error(v->ui, "%s", fault.text);
    } else if (n == 0) {
        ui_say(v->ui, "The project has no presets yet: F2 saves what is in the form as one.");
    } else {
        size_t at = strlen(label);
        for (int i = 0; i < n && at + strlen(names[i]) + 8 < sizeof label; i++)
            at += (size_t)snprintf(label + at, sizeof label - at, "%s%s%s", i ? ", " : " (", names[i],
                                   i == n - 1 ? ")" : "");
        ui_ask(v->ui, CMD_PRESET, label, names[0]);
    }
    engine_presets_free(names, n);
    return VIEW_CHANGED;
}

enum view_result launch_save_preset(struct view *v, const char *arg)
{
    struct launch_state *s = v->state;
    struct err fault = {0};
    for (int i = 0; i < s->form.n; i++)
        if (s->form.fields[i].fault[0] && s->form.fields[i].given) {
            s->cursor = i;
            ui_say_error(v->ui, "%s", s->form.fields[i].fault);
            return VIEW_CHANGED;
        }
    if (!arg)
        ui_ask(v->ui, CMD_SAVE_PRESET, "save as preset", "");
    else if (form_save_preset(&s->form, store_dir(ui_store(v->ui)), arg, &fault))
        ui_say_error(v->ui, "%s", fault.text);
    else
        ui_say(v->ui, "Saved: F3 loads it here, attune train --preset %s begins with it.", arg);
    return VIEW_CHANGED;
}

// ---- what may follow a command ----

static void offer_presets(struct view *v, struct words *out)
{
    struct err ignored = {0};
    char **names = NULL;
    int n = 0;
    if (engine_presets(store_dir(ui_store(v->ui)), &names, &n, &ignored))
        n = 0;
    for (int i = 0; i < n; i++)
        words_add(out, names[i]);
    engine_presets_free(names, n);
}

void launch_complete(struct view *v, enum command_id id, const char *before, struct words *out)
{
    const struct launch_state *s = v->state;
    if (id == CMD_PRESET && ui_talks(v->ui)) // which are on a disk, that may be slow: not while somebody types
        offer_presets(v, out);
    const bool names = s->has_form && (id == CMD_FIND || (id == CMD_EDIT && !*before));
    for (int i = 0; names && i < s->form.n; i++)
        words_add_about(out, s->form.fields[i].param->name, s->form.fields[i].text);
    const size_t n = strcspn(before, " ");
    for (int i = 0; s->has_form && id == CMD_EDIT && n && i < s->form.n; i++) {
        const struct param *p = s->form.fields[i].param;
        for (int k = 0; strncmp(before, p->name, n) == 0 && !p->name[n] && p->choices && p->choices[k]; k++)
            words_add_about(out, p->choices[k], i == FORM_OBJECTIVE ? s->form.engine->objectives[k].title : NULL);
    }
}
