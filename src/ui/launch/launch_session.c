// An unfinished form from one time to the next: the values that a person gave, by name. The fields follow from the objective
// and from what the engine offers, which is known only later: until then the values wait as they were kept.
#include "config.h"

#include "base/str.h"
#include "ui/kept.h"
#include "ui/launch/launch_draw.h"

void launch_save(const struct launch_state *s, json_t *into)
{
    if (!s->has_form) {
        if (s->kept)
            json_object_update(into, s->kept);
        return;
    }
    json_t *values = json_object();
    for (int i = 0; i < s->form.n; i++)
        if (s->form.fields[i].given)
            json_object_set_new(values, s->form.fields[i].param->name, json_string(s->form.fields[i].text));
    // What is being typed is kept as typed.
    if (s->editing)
        json_object_set_new(values, s->form.fields[s->cursor].param->name, json_string(str_text(&s->line.text)));
    json_object_set_new(into, "values", values);
    json_object_set_new(into, "objective", json_string(s->form.fields[FORM_OBJECTIVE].text));
    json_object_set_new(into, "at", json_string(s->form.fields[s->cursor].param->name));
    json_object_set_new(into, "unfinished", json_boolean(s->typed || s->editing));
}

void launch_restore(struct launch_state *s, const json_t *from)
{
    json_decref(s->kept);
    s->kept = json_deep_copy(from);
    if (s->has_form)
        launch_take_kept(s);
}

void launch_take_kept(struct launch_state *s)
{
    const json_t *values = kept_object(s->kept, "values");
    const char *objective = kept_text(s->kept, "objective", ""), *name;
    json_t *value;
    if (engine_find_objective(s->form.engine, objective))
        form_set(&s->form, FORM_OBJECTIVE, objective);
    json_object_foreach((json_t *)values, name, value) {
        const int field = form_find(&s->form, name);
        if (field > FORM_OBJECTIVE && json_is_string(value)) // a parameter may be gone since
            form_set(&s->form, field, json_string_value(value));
    }
    const int at = form_find(&s->form, kept_text(s->kept, "at", ""));
    s->cursor = at >= 0 ? at : s->cursor;
    s->typed = kept_bool(s->kept, "unfinished", false);
    json_decref(s->kept);
    s->kept = NULL;
}
