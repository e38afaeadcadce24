// The page of a new run drawn: its fields, and below them what the one under the cursor means and the run as a command.
#include "config.h"

#include "ui/launch/launch_draw.h"

#include <string.h>

#include "base/str.h"
#include "ui/launch/launch_preset.h"

enum { NAME_COLUMNS = 19, VALUE_COLUMN = 20 };

static void draw_field(struct launch_state *s, struct canvas *c, struct rect r, int i)
{
    const struct form_field *f = s->form.fields + i;
    char range[160];
    bool here = i == s->cursor;
    int value_columns = r.width >= 100 ? 48 : f->param->type == PARAM_PATH ? r.width - VALUE_COLUMN - 4 : 24;
    int value_x = r.x + VALUE_COLUMN + 1;
    if (s->origin && form_differs(&s->form, s->origin, i))
        canvas_put(c, r.x + 1, r.y, '*', STYLE(COLOR_WARN, .attr = ATTR_BOLD));
    canvas_text(c, r.x + 2, r.y, NAME_COLUMNS - 1, STYLE(COLOR_DEFAULT, .attr = f->given ? ATTR_BOLD : 0), f->param->name);
    canvas_put(c, value_x - 1, r.y, here ? '[' : ' ', STYLE(COLOR_ACCENT));
    struct style style = f->fault[0] ? STYLE(COLOR_BAD, .attr = ATTR_UNDERLINE)
                                     : f->given ? STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD) : STYLE(COLOR_DEFAULT);
    int end = value_x;
    if (here && s->editing) {
        line_edit_draw(&s->line, c, value_x, r.y, value_columns, style);
        end = value_x + value_columns;
    } else if (f->text[0] && f->param->type == PARAM_PATH) {
        end = canvas_text_end(c, value_x, r.y, value_columns, style, f->text);
    } else if (f->text[0]) {
        end = canvas_text(c, value_x, r.y, value_columns, style, f->text);
    } else {
        end = canvas_text(c, value_x, r.y, value_columns, STYLE(COLOR_MUTED), f->param->fallback ? "-" : "must be given");
    }
    if (here)
        canvas_put(c, end, r.y, ']', STYLE(COLOR_ACCENT));
    int x = value_x + value_columns + 2;
    const char *text = f->param->type == PARAM_PATH || f->param->type == PARAM_TEXT
                           ? ""
                           : param_range_text(f->param, range, sizeof range);
    if (f->n_values > 1)
        text = "a sweep of these";
    if (i == FORM_OBJECTIVE) // too many to name here
        text = "Enter lists all of them";
    if (f->param->live && r.width >= 100)
        x = canvas_text(c, x, r.y, r.x + r.width - x, STYLE(COLOR_MUTED), "live  ");
    canvas_text(c, x, r.y, r.x + r.width - x, STYLE(COLOR_MUTED), text);
    if (here) {
        canvas_put(c, r.x, r.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
        canvas_restyle(c, r, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
    }
}

// Lines of the list: a field or a heading (field -1) before the first of its group.
static int line_of(const struct form *f, int field)
{
    int line = 0;
    for (int i = 0; i <= field; i++)
        line += 1 + (i > 0 && strcmp(f->fields[i].group, f->fields[i - 1].group) != 0);
    return line - 1;
}

static void draw_fields(struct launch_state *s, struct canvas *c, struct rect r)
{
    int cursor = line_of(&s->form, s->cursor);
    s->visible = r.height > 0 ? r.height : 1;
    if (cursor - 1 < s->top)
        s->top = cursor > 0 ? cursor - 1 : 0;
    if (cursor >= s->top + s->visible)
        s->top = cursor - s->visible + 1;
    struct rect old = canvas_clip(c, r);
    int y = r.y - s->top;
    for (int i = 0; i < s->form.n; i++) {
        const struct form_field *f = s->form.fields + i;
        if (i > 0 && strcmp(f->group, f[-1].group) != 0) {
            canvas_hline(c, r.x + 1, y, r.width - 2, STYLE(COLOR_MUTED));
            canvas_textf(c, r.x + 2, y, -1, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), " %s ", f->group);
            y++;
        }
        draw_field(s, c, (struct rect){r.x, y, r.width, 1}, i);
        y++;
    }
    canvas_unclip(c, old);
}

// What is another than in the run that was copied, and the run as a command.
static void add_command(const struct launch_state *s, struct str *out)
{
    struct str changes = {0};
    const int n = s->origin ? form_differences(&s->form, s->origin, &changes) : 0;
    if (n)
        str_addf(out, "* %s with %s\n", s->copied, str_text(&changes));
    else if (s->origin)
        str_addf(out, "%s again, without changes\n", s->copied);
    if (form_is_sweep(&s->form))
        str_addf(out, "%d runs, at most %s at once\n", form_n_runs(&s->form), form_text(&s->form, "at-most"));
    str_add(out, "$ ");
    form_command_line(&s->form, out);
    str_fini(&changes);
}

// What the field under the cursor means, and the whole run as a command. The text has what the command leaves it, and
// two lines at least.
static void draw_foot(struct launch_state *s, struct canvas *c, struct rect r)
{
    const struct form_field *f = s->form.fields + s->cursor;
    const struct engine_objective *o = form_objective(&s->form);
    struct str text = {0}, command = {0};
    char range[200];
    struct style style = STYLE(f->fault[0] ? COLOR_BAD : COLOR_DEFAULT);
    canvas_hline(c, r.x, r.y, r.width, STYLE(COLOR_MUTED));
    form_memory_draw(&s->memory, c, (struct rect){r.x, r.y, r.width, 1});
    rect_cut_top(&r, 1);
    r = rect_inset(r, 1, 0);
    if (f->fault[0]) {
        str_add(&text, f->fault);
    } else if (s->memory.warning.len && strcmp(f->param->name, "keep-best") == 0) {
        str_addf(&text, "Warning: %s.", str_text(&s->memory.warning));
        style = STYLE(COLOR_WARN);
    } else if (s->cursor == FORM_OBJECTIVE && o) {
        str_addf(&text, "%s: %s Needs %s.", o->title, o->summary, o->data_needs);
    } else {
        str_addf(&text, "%s%s%s", f->param->help, f->param->type == PARAM_CHOICE ? " One of " : "",
                 f->param->type == PARAM_CHOICE ? param_range_text(f->param, range, sizeof range) : "");
    }
    add_command(s, &command);
    const struct rect nothing = {r.x, r.y, r.width, 0};
    int lines = canvas_paragraph(c, nothing, 0, style, str_text(&text), text.len);
    int all = canvas_paragraph(c, nothing, 0, style, str_text(&command), command.len), left = r.height - all;
    lines = lines > left ? left : lines;
    canvas_paragraph(c, rect_cut_top(&r, lines < 2 ? 2 : lines), 0, style, str_text(&text), text.len);
    s->scroll = s->scroll > all - r.height ? all - r.height : s->scroll;
    s->scroll = s->scroll < 0 ? 0 : s->scroll;
    canvas_paragraph(c, r, s->scroll, STYLE(COLOR_MUTED), str_text(&command), command.len);
    if (all > r.height && r.height > 0) { // what is left of it is one key away
        const char *more = s->scroll + r.height < all ? " > more " : " < begin ";
        canvas_text_right(c, r.x, r.y + r.height - 1, r.width, STYLE(COLOR_ACCENT), more);
    }
    str_fini(&text);
    str_fini(&command);
}

// A line, two or more for what the field means, and as many as the command needs, as far as half of the page goes.
static int foot_lines(struct launch_state *s, struct rect area)
{
    struct str command = {0};
    struct canvas none;
    if (area.height < 10)
        return 0;
    if (area.height < 18)
        return 4;
    add_command(s, &command);
    canvas_init(&none, 1, 1, GLYPHS_ASCII, true);
    int lines = 3 + canvas_paragraph(&none, (struct rect){0, 0, area.width - 2, 0}, 0, STYLE(COLOR_DEFAULT),
                                     str_text(&command), command.len);
    canvas_fini(&none);
    str_fini(&command);
    return lines < 6 ? 6 : lines > area.height / 2 ? area.height / 2 : lines;
}

void launch_draw(struct launch_state *s, struct canvas *c, struct rect area)
{
    if (!s->has_form) {
        const char *text = "Asking the engine what it offers ...";
        canvas_text(c, area.x + 2, area.y + 1, area.width - 3, STYLE(COLOR_MUTED), text);
        return;
    }
    if (s->choosing) {
        objective_menu_draw(&s->menu, c, area);
        return;
    }
    if (s->planning) {
        struct str command = {0};
        form_command_line(&s->form, &command);
        s->plan_top = launch_plan_draw(s->plan, str_text(&command), s->plan_top, c, area);
        s->plan_height = area.height - 2;
        str_fini(&command);
        return;
    }
    struct rect foot = rect_cut_bottom(&area, foot_lines(s, area));
    draw_fields(s, c, area);
    if (foot.height > 0)
        draw_foot(s, c, foot);
}
