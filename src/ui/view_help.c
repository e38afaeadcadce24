// Every command of the page that help was asked on, straight from the table, and where alerts are seen what they mean.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/eval_names.h"
#include "ui/health.h"
#include "ui/view.h"

enum { MAX_ITEMS = 300 };
struct help_state {
    int scroll, lines, height;
    struct help_item { // as drawn last
        int line;
        const char *keys, *name, *help;
    } items[MAX_ITEMS];
    int n_items, chosen; // chosen: found; -1: none
    bool seek;           // it is to be brought into sight
};

static int open_help(struct view *v, struct err *e)
{
    struct help_state *s = v->state = mem_alloc(1, sizeof(struct help_state));
    s->chosen = -1;
    return 0;
}

static void close_help(struct view *v)
{
    free(v->state);
}

static void shown_help(struct view *v)
{
    struct help_state *s = v->state;
    s->scroll = s->n_items = 0;
    s->chosen = -1;
}

static int draw_row(struct help_state *s, int top, struct canvas *c, struct rect r, const char *keys, const char *name, const char *arg,
                    const char *help)
{
    int column = r.width >= 100 ? 48 : r.width >= 70 ? 40 : 14;
    if (s->n_items < MAX_ITEMS)
        s->items[s->n_items++] = (struct help_item){r.y - top + s->scroll, keys, name, help};
    if (s->chosen == s->n_items - 1)
        canvas_put(c, r.x, r.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
    canvas_text(c, r.x + 1, r.y, 14, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), keys);
    if (column > 14)
        canvas_textf(c, r.x + 16, r.y, column - 17, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), "%s %s", name, arg);
    struct rect text = {r.x + column, r.y, r.width - column - 1, 100};
    int lines = canvas_paragraph(c, text, 0, STYLE(COLOR_DEFAULT), help, strlen(help));
    return lines > 0 ? lines : 1;
}

// What the list says in the column ALERT, and the curves above them.
static int draw_alerts(struct help_state *s, int first, struct canvas *c, struct rect r)
{
    const int top = r.y;
    canvas_text(c, r.x + 1, r.y + 1, r.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Alerts");
    r.y += 2;
    for (const struct health_rule *rule = health_rules; rule->name; rule++)
        r.y += draw_row(s, first, c, r, rule->word, rule->name, "", rule->help);
    return r.y - top;
}

// What the columns of the evaluations are, and of which something is the best.
static int draw_measures(struct help_state *s, int first, struct canvas *c, struct rect r)
{
    static const char *const marks[][2] = {
        {"*", "The best of its column among those that were measured alike: same prompts, samples, lengths and temperature, and "
              "the same judge, reference and beta where the measure depends on them."},
        {"SET", "Those of one set answered the same prompts in the same way; it is there when there are several."},
    };
    const int top = r.y;
    canvas_text(c, r.x + 1, r.y + 1, r.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "The table");
    r.y += 2;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        r.y += draw_row(s, first, c, r, marks[i][0], "", "", marks[i][1]);
    for (const struct eval_name *m = eval_names; m->name; m++) {
        struct str text = {0};
        str_addf(&text, "%s.%s", m->meaning, m->better > 0 ? " More is better." : m->better < 0 ? " Less is better." : "");
        r.y += draw_row(s, first, c, r, m->title, m->name, "", str_text(&text));
        if (s->n_items > 0)
            s->items[s->n_items - 1].help = m->meaning; // what was drawn lives no longer
        str_fini(&text);
    }
    return r.y - top;
}

static void draw_items(struct help_state *s, enum page page, struct canvas *c, struct rect area)
{
    struct rect at = area;
    at.y -= s->scroll;
    s->n_items = 0;
    for (const struct command_row *row = command_rows; row->id; row++) {
        if (!(row->pages >> page & 1))
            continue;
        at.y += draw_row(s, area.y, c, at, row->keys, row->name, row->arg ? row->arg : "", row->help);
    }
    if (page == PAGE_RUNS || page == PAGE_CURVES)
        at.y += draw_alerts(s, area.y, c, at);
    if (page == PAGE_EVALS)
        at.y += draw_measures(s, area.y, c, at);
    s->lines = at.y + s->scroll - area.y;
}

// The line found stands in the upper part of the page, what belongs to it below it.
static void bring_into_sight(struct help_state *s)
{
    const int most = s->lines > s->height ? s->lines - s->height : 0;
    const int to = s->chosen >= 0 && s->chosen < s->n_items ? s->items[s->chosen].line - s->height / 3 : 0;
    s->scroll = to < 0 ? 0 : to > most ? most : to;
    s->seek = false;
}

static void draw_help(struct view *v, struct canvas *c, struct rect area)
{
    static const char *const about[PAGE_N] = {
        [PAGE_RUNS] = "the list of runs", [PAGE_CURVES] = "the curves", [PAGE_SAMPLES] = "the samples", [PAGE_LOG] = "the log",
        [PAGE_COMPARE] = "", [PAGE_LABEL] = "the pairs to judge", [PAGE_DATA] = "", [PAGE_LAUNCH] = "the form of a new run",
        [PAGE_RECIPES] = "the recipes", [PAGE_EVALS] = "the evaluations", [PAGE_HELP] = ""};
    struct help_state *s = v->state;
    enum page page = ui_help_page(v->ui);
    struct rect head = rect_cut_top(&area, 1);
    canvas_textf(c, head.x + 1, head.y, head.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Keys and commands of %s", about[page]);
    struct rect note = rect_cut_bottom(&area, area.height > 6 ? 1 : 0);
    canvas_text(c, note.x + 1, note.y, note.width - 2, STYLE(COLOR_MUTED),
                "Each name works after : and in scripts (attune -e 'open a; snapshot -').");
    s->height = area.height;
    if (s->seek) { // once for the places of the lines
        struct rect unseen = canvas_clip(c, (struct rect){0});
        draw_items(s, page, c, area);
        canvas_unclip(c, unseen);
        bring_into_sight(s);
    }
    struct rect old = canvas_clip(c, area);
    draw_items(s, page, c, area);
    canvas_unclip(c, old);
}

static enum view_result command_help(struct view *v, enum command_id id, const char *arg)
{
    struct help_state *s = v->state;
    int page = s->height > 1 ? s->height - 1 : 1, most = s->lines > s->height ? s->lines - s->height : 0;
    int to = s->scroll;
    switch (id) {
    case CMD_UP:
        to--;
        break;
    case CMD_DOWN:
        to++;
        break;
    case CMD_PAGE_UP:
        to -= page;
        break;
    case CMD_PAGE_DOWN:
        to += page;
        break;
    case CMD_FIRST:
        to = 0;
        break;
    case CMD_LAST:
        to = most;
        break;
    default:
        return VIEW_IGNORED;
    }
    s->scroll = to < 0 ? 0 : to > most ? most : to;
    return VIEW_CHANGED;
}

static bool item_value(const void *of, const char *name, int i, struct filter_value *out)
{
    const struct help_item *item = of;
    const char *const texts[] = {item->name, item->help, item->keys};
    static const char *const names[] = {"name", "help", "key"};
    *out = (struct filter_value){.number = NAN};
    for (int k = 0; k < 3; k++)
        if (name ? i == 0 && strcmp(name, names[k]) == 0 : k == i)
            out->text = texts[k];
    return out->text;
}

static int find_count(struct view *v, int *at)
{
    struct help_state *s = v->state;
    *at = s->chosen;
    if (s->n_items == 0) { // nothing was drawn yet
        struct canvas unseen;
        canvas_init(&unseen, 80, 24, GLYPHS_ASCII, true);
        draw_items(s, ui_help_page(v->ui), &unseen, canvas_area(&unseen));
        canvas_fini(&unseen);
    }
    return s->n_items;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct help_state *s = v->state;
    return filter_matches(f, item_value, &s->items[i]);
}

static void find_go(struct view *v, int i)
{
    struct help_state *s = v->state;
    s->chosen = i;
    s->seek = true;
}

const struct view_ops view_help = {
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Help",
    .open = open_help,
    .close = close_help,
    .shown = shown_help,
    .draw = draw_help,
    .command = command_help,
};
