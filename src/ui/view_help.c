// Every command of the page that help was asked on, straight from the table, and where alerts are seen what they mean.
#include "config.h"

#include <string.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/eval_names.h"
#include "ui/health.h"
#include "ui/view.h"

struct help_state {
    int scroll, lines, height;
};

static int open_help(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct help_state));
    return 0;
}

static void close_help(struct view *v)
{
    free(v->state);
}

static void shown_help(struct view *v)
{
    struct help_state *s = v->state;
    s->scroll = 0;
}

static int draw_row(struct canvas *c, struct rect r, const char *keys, const char *name, const char *arg,
                    const char *help)
{
    int column = r.width >= 100 ? 48 : r.width >= 70 ? 40 : 14;
    canvas_text(c, r.x + 1, r.y, 14, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), keys);
    if (column > 14)
        canvas_textf(c, r.x + 16, r.y, column - 17, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), "%s %s", name, arg);
    struct rect text = {r.x + column, r.y, r.width - column - 1, 100};
    int lines = canvas_paragraph(c, text, 0, STYLE(COLOR_DEFAULT), help, strlen(help));
    return lines > 0 ? lines : 1;
}

// What the list says in the column ALERT, and the curves above them.
static int draw_alerts(struct canvas *c, struct rect r)
{
    const int top = r.y;
    canvas_text(c, r.x + 1, r.y + 1, r.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Alerts");
    r.y += 2;
    for (const struct health_rule *rule = health_rules; rule->name; rule++)
        r.y += draw_row(c, r, rule->word, rule->name, "", rule->help);
    return r.y - top;
}

// What the columns of the evaluations are, and of which something is the best.
static int draw_measures(struct canvas *c, struct rect r)
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
        r.y += draw_row(c, r, marks[i][0], "", "", marks[i][1]);
    for (const struct eval_name *m = eval_names; m->name; m++) {
        struct str text = {0};
        str_addf(&text, "%s.%s", m->meaning, m->better > 0 ? " More is better." : m->better < 0 ? " Less is better." : "");
        r.y += draw_row(c, r, m->title, m->name, "", str_text(&text));
        str_fini(&text);
    }
    return r.y - top;
}

static int draw_data_fields(struct canvas *c, struct rect r)
{
    static const char *const rows[][2] = {
        {"words", "Somewhere in the prompt or an answer; \"two words\", wo*rd?, /pattern/."},
        {"prompt chosen rejected response system", "The texts: chosen:sorry, -rejected:sure."},
        {"prompt-length chosen-length rejected-length response-length gap", "Lengths in the unit that the page says; gap is chosen - rejected: gap>200."},
        {"side", "The chosen answer is longer, shorter or equal, or neither is better: side=tie."},
        {"flag", "same (as an earlier row), opposite (of another row), prompt (another row has it), tie, shared (held out as well)."},
        {"label share score answers turns row line file", "label is good or bad, share that of the votes."},
    };
    const int top = r.y;
    canvas_text(c, r.x + 1, r.y + 1, r.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "What filter and find know of a row");
    r.y += 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        r.y += draw_row(c, r, "", rows[i][0], "", rows[i][1]);
    return r.y - top;
}

static void draw_help(struct view *v, struct canvas *c, struct rect area)
{
    static const char *const about[PAGE_N] = {
        [PAGE_RUNS] = "the list of runs", [PAGE_CURVES] = "the curves", [PAGE_SAMPLES] = "the samples", [PAGE_LOG] = "the log",
        [PAGE_DATA] = "a data set", [PAGE_LAUNCH] = "the form of a new run", [PAGE_RECIPES] = "the recipes",
        [PAGE_EVALS] = "the evaluations"};
    struct help_state *s = v->state;
    enum page page = ui_help_page(v->ui);
    struct rect head = rect_cut_top(&area, 1);
    canvas_textf(c, head.x + 1, head.y, head.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Keys and commands of %s", about[page]);
    struct rect note = rect_cut_bottom(&area, area.height > 6 ? 1 : 0);
    canvas_text(c, note.x + 1, note.y, note.width - 2, STYLE(COLOR_MUTED),
                "Each name works after : and in scripts (attune -e 'open a; snapshot -').");
    struct rect old = canvas_clip(c, area), at = area;
    at.y -= s->scroll;
    s->height = area.height;
    for (const struct command_row *row = command_rows; row->id; row++) {
        if (!(row->pages >> page & 1))
            continue;
        at.y += draw_row(c, at, row->keys, row->name, row->arg ? row->arg : "", row->help);
    }
    if (page == PAGE_RUNS || page == PAGE_CURVES)
        at.y += draw_alerts(c, at);
    if (page == PAGE_DATA)
        at.y += draw_data_fields(c, at);
    if (page == PAGE_EVALS)
        at.y += draw_measures(c, at);
    s->lines = at.y + s->scroll - area.y;
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

const struct view_ops view_help = {
    .title = "Help",
    .open = open_help,
    .close = close_help,
    .shown = shown_help,
    .draw = draw_help,
    .command = command_help,
};
