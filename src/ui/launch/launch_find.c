// A field of the form by its name, its meaning or a filter; and "/" where it begins a path.
#include "config.h"

#include "ui/launch/launch_find.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "ui/launch/launch_draw.h"
#include "ui/launch/launch_edit.h"

// A name, its beginning, a meaning, in this order; what is only in the language of filters is left to the manager. In a
// field for a path, "/data/x" is the path: no field is called so.
enum view_result launch_find_field(struct view *v, const char *arg)
{
    struct launch_state *s = v->state;
    if (!arg) {
        ui_ask(v->ui, CMD_FIND, "find a field", "");
        return VIEW_CHANGED;
    }
    int found = form_search(&s->form, arg, s->cursor);
    if (found >= 0) {
        launch_move(s, found);
        return VIEW_CHANGED;
    }
    if (s->form.fields[s->cursor].param->type == PARAM_PATH && strchr(arg, '/')) {
        struct str path = {0};
        str_addf(&path, "%s%s", arg[0] == '/' ? "" : "/", arg);
        form_set(&s->form, s->cursor, str_text(&path));
        str_fini(&path);
        return VIEW_CHANGED;
    }
    return VIEW_IGNORED;
}

static bool field_value(const void *item, const char *name, int i, struct filter_value *out)
{
    const struct form_field *f = item;
    const char *const texts[] = {f->param->name, f->text, f->param->help ? f->param->help : "", f->group ? f->group : ""};
    static const char *const names[] = {"name", "value", "help", "group"};
    *out = (struct filter_value){.number = NAN};
    for (int k = 0; k < 4; k++)
        if (name ? i == 0 && strcmp(name, names[k]) == 0 : k == i)
            out->text = texts[k];
    double number;
    if (out->text && filter_number(out->text, &number))
        out->number = number;
    return out->text;
}

static int find_count(struct view *v, int *at)
{
    const struct launch_state *s = v->state;
    *at = s->cursor;
    return s->form.n;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct launch_state *s = v->state;
    return filter_matches(f, field_value, &s->form.fields[i]);
}

static void find_go(struct view *v, int i)
{
    launch_move(v->state, i);
}

const struct find_ops launch_find = {find_count, find_matches, find_go};
