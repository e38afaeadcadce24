// The form for who hears it: a line for each field, or the one under the cursor with what it means; the dry run as the
// lines that its page has.
#include "config.h"

#include <string.h>

#include "ui/launch/launch_draw.h"

enum { WIDTH = 100, PLAN_LINES = 80 };

static void tell_field(const struct form_field *f, struct str *out)
{
    str_addf(out, "%s: %s", f->param->name, f->text[0] ? f->text : f->param->fallback ? "nothing" : "must be given");
    if (f->given)
        str_add(out, ", as you gave it");
    if (f->n_values > 1)
        str_add(out, ", a sweep of these");
    str_add(out, f->fault[0] ? ". " : ".\n");
    if (f->fault[0])
        str_addf(out, "%s\n", f->fault);
}

static void tell_here(const struct launch_state *s, struct str *out)
{
    const struct form_field *f = s->form.fields + s->cursor;
    const struct engine_objective *o = form_objective(&s->form);
    char range[200];
    tell_field(f, out);
    if (s->cursor == FORM_OBJECTIVE && o) {
        str_addf(out, "%s: %s Needs %s.\n", o->title, o->summary, o->data_needs);
        return;
    }
    str_add(out, f->param->help);
    if (f->param->type != PARAM_PATH && f->param->type != PARAM_TEXT && f->param->type != PARAM_BOOL)
        str_addf(out, " %s%s.", f->param->type == PARAM_CHOICE ? "One of " : "From ",
                 param_range_text(f->param, range, sizeof range));
    str_add(out, "\n");
}

static void tell_plan(const struct launch_state *s, struct str *out)
{
    struct canvas c;
    struct str command = {0};
    if (!s->plan || !s->plan->is_there) {
        str_add(out, "The engine is still being asked; \"repeat\" looks again.\n");
        return;
    }
    form_command_line(&s->form, &command);
    canvas_init(&c, WIDTH, PLAN_LINES, GLYPHS_ASCII, true);
    launch_plan_draw_lines(s->plan, str_text(&command), 0, &c, canvas_area(&c));
    canvas_save(&c, false, out);
    canvas_fini(&c);
    str_fini(&command);
}

bool launch_tell(const struct launch_state *s, bool all, struct str *out)
{
    if (!s->has_form || s->choosing)
        return false;
    if (s->planning) {
        tell_plan(s, out);
        return true;
    }
    for (int i = 0; all && i < s->form.n; i++) {
        const struct form_field *f = s->form.fields + i;
        if (i > 0 && strcmp(f->group, f[-1].group) != 0)
            str_addf(out, "%s:\n", f->group);
        tell_field(f, out);
    }
    if (all) {
        form_command_line(&s->form, out);
        str_add(out, "\n\"edit NAME VALUE\" changes a field, \"find NAME\" says what it means, \"plan\" checks all, "
                     "\"launch\" starts the run.\n");
    } else {
        tell_here(s, out);
    }
    return true;
}
