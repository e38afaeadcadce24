// What the mouse does: names of pages and hints are pressed, lists chosen from, and the wheel moves. Everything it can do a
// key can do as well.
#include "config.h"

#include "ui/ui_internal.h"

static bool is_in(struct rect r, struct mouse m)
{
    return m.x >= r.x && m.x < r.x + r.width && m.y >= r.y && m.y < r.y + r.height;
}

static void press_zone(struct ui *ui, const struct zone *z)
{
    const struct zone pressed = *z; // drawing makes others
    ui->message[0] = '\0';
    ui->dirty = true;
    if (pressed.row)
        ui_dispatch(ui, pressed.row->id, NULL);
    else
        ui_show(ui, pressed.page);
}

// A line of the list above the prompt is taken into it; one that needs no more is run.
static void press_prompt(struct ui *ui, struct mouse m)
{
    struct prompt *p = &ui->prompt;
    if (p->kind != PROMPT_COMMAND || !is_in(p->offered, m))
        return;
    struct offers o;
    p->chosen = m.y - p->offered.y;
    offers_find(ui, str_text(&p->line.text), MAX_FOUND, &o);
    const bool more = !o.row && p->chosen < o.n_rows && o.rows[p->chosen]->arg;
    offers_fini(&o);
    ui_key(ui, more ? KEY_TAB_ : KEY_ENTER_);
}

void ui_mouse(struct ui *ui, struct mouse m)
{
    enum { LINES = 3 };
    struct view *v = &ui->views[ui->page];
    const bool wheel = m.act == MOUSE_WHEEL_UP || m.act == MOUSE_WHEEL_DOWN;
    const bool drag = m.act == MOUSE_DRAG || m.act == MOUSE_RELEASE;
    if (m.act == MOUSE_OTHER || (drag && (!v->ops->drags || ui->prompt.kind)))
        return;
    if (ui->prompt.kind) {
        if (wheel)
            ui_key(ui, m.act == MOUSE_WHEEL_UP ? KEY_UP_ : KEY_DOWN_);
        else
            press_prompt(ui, m);
        return;
    }
    for (int i = 0; i < ui->n_zones && m.act == MOUSE_PRESS; i++) {
        if (is_in(ui->zones[i].r, m)) {
            press_zone(ui, &ui->zones[i]);
            return;
        }
    }
    if (!drag && !is_in(ui->page_area, m)) // a drag may end beside it
        return;
    const struct mouse inside = {m.act, m.x - ui->page_area.x, m.y - ui->page_area.y};
    const enum view_result result = v->ops->mouse ? v->ops->mouse(v, inside) : VIEW_IGNORED;
    ui->dirty |= result == VIEW_CHANGED;
    ui_run_wanted(ui);
    for (int i = 0; i < LINES && wheel && result == VIEW_IGNORED; i++)
        ui_dispatch(ui, m.act == MOUSE_WHEEL_UP ? CMD_UP : CMD_DOWN, NULL);
}
