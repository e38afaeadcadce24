#include "config.h"

#include "ui/launch/objective_menu.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "ui/term/keys.h"

static bool holds(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return n == 0;
}

static void move(struct objective_menu *m, int to)
{
    m->cursor = to >= m->n ? m->n - 1 : to;
    if (m->cursor < 0)
        m->cursor = 0;
}

// Those whose name, title or data hold what was typed; one or two letters are in most titles, and find names alone. The
// cursor goes to the first name that begins so.
static void find(struct objective_menu *m)
{
    const char *typed = str_text(&m->typed.text);
    int first = -1;
    m->n = 0;
    for (int i = 0; i < m->engine->n_objectives; i++) {
        const struct engine_objective *o = &m->engine->objectives[i];
        if (!holds(o->name, typed) &&
            (strlen(typed) < 3 || (!holds(o->title, typed) && !holds(o->data_needs, typed))))
            continue;
        if (first < 0 && strncasecmp(o->name, typed, strlen(typed)) == 0)
            first = m->n;
        m->found[m->n++] = i;
    }
    m->top = 0;
    move(m, first);
}

void objective_menu_open(struct objective_menu *m, const struct engine_description *engine, const char *name)
{
    objective_menu_fini(m);
    m->engine = engine;
    m->found = mem_alloc((size_t)engine->n_objectives + 1, sizeof *m->found);
    find(m);
    for (int i = 0; i < m->n; i++)
        if (strcmp(engine->objectives[i].name, name) == 0)
            move(m, i);
}

void objective_menu_fini(struct objective_menu *m)
{
    line_edit_fini(&m->typed);
    free(m->found);
    *m = (struct objective_menu){0};
}

const struct engine_objective *objective_menu_chosen(const struct objective_menu *m)
{
    return m->n > 0 ? &m->engine->objectives[m->found[m->cursor]] : NULL;
}

enum menu_answer objective_menu_key(struct objective_menu *m, int key)
{
    switch (key) {
    case KEY_ESCAPE_:
        return MENU_LEFT;
    case KEY_ENTER_:
        return m->n > 0 ? MENU_TAKEN : MENU_KEPT;
    case KEY_UP_:
    case KEY_BACKTAB_:
        move(m, m->cursor - 1);
        return MENU_CHANGED;
    case KEY_DOWN_:
    case KEY_TAB_:
        move(m, m->cursor + 1);
        return MENU_CHANGED;
    case KEY_PGUP_:
        move(m, m->cursor - m->visible);
        return MENU_CHANGED;
    case KEY_PGDN_:
        move(m, m->cursor + m->visible);
        return MENU_CHANGED;
    default:
        if (key == ' ' || !line_edit_key(&m->typed, key)) // Space is what brought a person here from the field
            return MENU_KEPT;
        find(m);
        return MENU_CHANGED;
    }
}

void objective_menu_paste(struct objective_menu *m, const char *text, size_t n_bytes)
{
    if (line_edit_paste(&m->typed, text, n_bytes))
        find(m);
}

static int name_columns(const struct engine_description *d)
{
    size_t most = 0;
    for (int i = 0; i < d->n_objectives; i++)
        if (strlen(d->objectives[i].name) > most)
            most = strlen(d->objectives[i].name);
    return most < 24 ? (int)most : 24;
}

static void draw_rows(struct objective_menu *m, struct canvas *c, struct rect r)
{
    const int names = name_columns(m->engine), x_title = r.x + 2 + names + 2;
    const int titles = r.width >= 120 ? 60 : r.x + r.width - x_title - 1;
    m->visible = r.height > 0 ? r.height : 1;
    if (m->cursor < m->top)
        m->top = m->cursor;
    if (m->cursor >= m->top + m->visible)
        m->top = m->cursor - m->visible + 1;
    for (int i = m->top; i < m->n && i < m->top + r.height; i++) {
        const struct engine_objective *o = &m->engine->objectives[m->found[i]];
        int y = r.y + i - m->top;
        canvas_text(c, r.x + 2, y, names, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), o->name);
        canvas_text(c, x_title, y, titles, STYLE(COLOR_DEFAULT), o->title);
        if (r.width >= 120)
            canvas_text(c, x_title + titles + 2, y, r.x + r.width - x_title - titles - 3, STYLE(COLOR_MUTED),
                        o->data_needs);
        if (i == m->cursor) {
            canvas_put(c, r.x, y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(c, (struct rect){r.x, y, r.width, 1}, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
}

// When to use it, what it needs, what to look out for, and where it is from.
static void explain(const struct engine_objective *o, struct str *out)
{
    str_addf(out, "%s Learns from %s%s. %s", o->summary, o->data_needs,
             o->needs_reference ? ", beside a reference model" : "", o->paper);
    if (o->pitfalls && *o->pitfalls)
        str_addf(out, "\nWatch: %s", o->pitfalls);
}

void objective_menu_draw(struct objective_menu *m, struct canvas *c, struct rect area)
{
    struct rect head = rect_cut_top(&area, 1);
    struct rect foot = rect_cut_bottom(&area, area.height >= 20 ? 10 : area.height >= 16 ? 6 : area.height >= 9 ? 4 : 0);
    int x = canvas_text(c, head.x + 2, head.y, -1, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Objective: ");
    line_edit_draw(&m->typed, c, x, head.y, 13, STYLE(COLOR_DEFAULT, .attr = ATTR_UNDERLINE));
    canvas_textf(c, x + 15, head.y, head.x + head.width - x - 15, STYLE(COLOR_MUTED),
                 "%d of %d  type to find, Enter takes, Esc leaves", m->n, m->engine->n_objectives);
    draw_rows(m, c, area);
    if (foot.height < 1)
        return;
    const struct engine_objective *o = objective_menu_chosen(m);
    struct str text = {0};
    canvas_hline(c, foot.x, foot.y, foot.width, STYLE(COLOR_MUTED));
    rect_cut_top(&foot, 1);
    if (o)
        explain(o, &text);
    else
        str_add(&text, "No objective's name, title or data hold this.");
    canvas_paragraph(c, rect_inset(foot, 1, 0), 0, STYLE(COLOR_DEFAULT), str_text(&text), text.len);
    str_fini(&text);
}
