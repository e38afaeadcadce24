// Every command of the page that help was asked on, straight from the table, and where alerts are seen what they mean.
#include "config.h"

#include <string.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/eval_names.h"
#include "ui/runs/health.h"
#include "ui/view.h"

enum { MOST_ROWS = 160 };
struct help_state {
    char typed[64]; // what is looked for; "": everything is shown
    int at;         // row under the cursor, of those that are shown
    int n;
    const struct command_row *rows[MOST_ROWS];
    int y[MOST_ROWS + 1]; // lines of the page where they begin
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

// The rows in the order of the table; those that fit what is typed, the best first.
static void find_rows(struct view *v)
{
    struct help_state *s = v->state;
    const enum page page = ui_help_page(v->ui);
    s->n = 0;
    if (s->typed[0])
        s->n = command_search(s->typed, page, s->rows, MOST_ROWS);
    else
        for (const struct command_row *row = command_rows; row->id && s->n < MOST_ROWS; row++)
            if (row->pages >> page & 1)
                s->rows[s->n++] = row;
    if (s->at >= s->n)
        s->at = s->n ? s->n - 1 : 0;
}

static void shown_help(struct view *v)
{
    struct help_state *s = v->state;
    s->typed[0] = '\0';
    s->at = s->scroll = 0;
    find_rows(v);
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
        {"*", "The best of its column among those that were measured alike: same prompts, samples, lengths and temperature, "
              "and the same judge, reference and beta where the measure depends on them."},
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
        {"prompt-length chosen-length rejected-length response-length gap",
         "Lengths in the unit that the page says; gap is chosen - rejected: gap>200."},
        {"side", "The chosen answer is longer, shorter or equal, or neither is better: side=tie."},
        {"flag",
         "same (as an earlier row), opposite (of another row), prompt (another row has it), tie, shared (held out as "
         "well)."},
        {"label share score answers turns row line file", "label is good or bad, share that of the votes."},
    };
    const int top = r.y;
    canvas_text(c, r.x + 1, r.y + 1, r.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD),
                "What filter and find know of a row");
    r.y += 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        r.y += draw_row(c, r, "", rows[i][0], "", rows[i][1]);
    return r.y - top;
}

// The rows, and under them what the page's words mean; returns how many lines that is.
static int draw_all(struct view *v, struct canvas *c, struct rect at)
{
    struct help_state *s = v->state;
    const enum page page = ui_help_page(v->ui);
    const int top = at.y;
    for (int i = 0; i < s->n; i++) {
        const struct command_row *row = s->rows[i];
        s->y[i] = at.y - top;
        const int lines = draw_row(c, at, row_keys(row, page), row->name, row->arg ? row->arg : "", row->help);
        if (i == s->at)
            canvas_restyle(c, (struct rect){at.x, at.y, at.width, lines}, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        at.y += lines;
    }
    s->y[s->n] = at.y - top;
    if (!s->typed[0] && (page == PAGE_RUNS || page == PAGE_CURVES))
        at.y += draw_alerts(c, at);
    if (!s->typed[0] && page == PAGE_DATA)
        at.y += draw_data_fields(c, at);
    if (!s->typed[0] && page == PAGE_EVALS)
        at.y += draw_measures(c, at);
    return at.y - top;
}

static void draw_help(struct view *v, struct canvas *c, struct rect area)
{
    static const char *const about[PAGE_N] = {
        [PAGE_RUNS] = "the list of runs", [PAGE_CURVES] = "the curves", [PAGE_SAMPLES] = "the samples",
        [PAGE_LOG] = "the log",
        [PAGE_COMPARE] = "checkpoints side by side", [PAGE_LABEL] = "the pairs to judge", [PAGE_DATA] = "a data set",
        [PAGE_LAUNCH] = "the form of a new run",
        [PAGE_RECIPES] = "the recipes", [PAGE_EVALS] = "the evaluations", [PAGE_HELP] = ""};
    struct help_state *s = v->state;
    struct rect head = rect_cut_top(&area, 1);
    int x = canvas_textf(c, head.x + 1, head.y, head.width - 2, STYLE(COLOR_TITLE, .attr = ATTR_BOLD),
                         "Keys and commands of %s", about[ui_help_page(v->ui)]);
    if (s->typed[0])
        canvas_textf(c, x, head.y, head.width - x, STYLE(COLOR_WARN), ": %d with \"%s\"", s->n, s->typed);
    struct rect note = rect_cut_bottom(&area, area.height > 6 ? 1 : 0);
    canvas_text(c, note.x + 1, note.y, note.width - 2, STYLE(COLOR_MUTED),
                "Each name works after : and in scripts (attune -e 'open a; snapshot -').");
    struct rect old = canvas_clip(c, (struct rect){0}), at = area; // its lines are counted first
    s->height = area.height;
    s->lines = draw_all(v, c, at);
    canvas_unclip(c, old);
    s->scroll = scroll_top(s->scroll, -1, s->lines, s->height);
    old = canvas_clip(c, area);
    at.y -= s->scroll;
    draw_all(v, c, at);
    canvas_unclip(c, old);
}

// So far that the row under the cursor is seen whole.
static void follow_cursor(struct help_state *s)
{
    if (s->y[s->at] < s->scroll)
        s->scroll = s->y[s->at];
    else if (s->n && s->y[s->at + 1] > s->scroll + s->height)
        s->scroll = s->y[s->at + 1] - s->height;
}

static enum view_result move_to(struct help_state *s, int to)
{
    s->at = to < 0 ? 0 : to >= s->n ? (s->n ? s->n - 1 : 0) : to;
    follow_cursor(s);
    return VIEW_CHANGED;
}

// Past the last row the page goes on with what its words mean.
static enum view_result scroll_to(struct help_state *s, int to)
{
    const int most = s->lines > s->height ? s->lines - s->height : 0;
    s->scroll = to < 0 ? 0 : to > most ? most : to;
    while (s->at + 1 < s->n && s->y[s->at] < s->scroll)
        s->at++;
    while (s->at > 0 && s->y[s->at + 1] > s->scroll + s->height)
        s->at--;
    return VIEW_CHANGED;
}

static enum view_result find(struct view *v, const char *arg)
{
    struct help_state *s = v->state;
    if (!arg) {
        ui_ask(v->ui, CMD_FIND, "find", "");
        return VIEW_CHANGED;
    }
    text_copy(s->typed, sizeof s->typed, arg);
    s->at = s->scroll = 0;
    find_rows(v);
    return VIEW_CHANGED;
}

static enum view_result command_help(struct view *v, enum command_id id, const char *arg)
{
    struct help_state *s = v->state;
    const int page = s->height > 1 ? s->height - 1 : 1;
    const bool below = s->n == 0 || s->scroll + s->height > s->y[s->n]; // the words are being read
    switch (id) {
    case CMD_UP:
        return below && s->scroll > 0 ? scroll_to(s, s->scroll - 1) : move_to(s, s->at - 1);
    case CMD_DOWN:
        return s->at + 1 < s->n ? move_to(s, s->at + 1) : scroll_to(s, s->scroll + 1);
    case CMD_PAGE_UP:
        return scroll_to(s, s->scroll - page);
    case CMD_PAGE_DOWN:
        return scroll_to(s, s->scroll + page);
    case CMD_FIRST:
        return move_to(s, 0);
    case CMD_LAST:
        return scroll_to(s, s->lines);
    case CMD_FIND:
        return find(v, arg);
    case CMD_OPEN:
        if (s->n)
            ui_run_row(v->ui, s->rows[s->at]);
        return VIEW_CHANGED;
    case CMD_BACK:
        if (!s->typed[0])
            return VIEW_IGNORED;
        s->typed[0] = '\0';
        s->at = s->scroll = 0;
        find_rows(v);
        return VIEW_CHANGED;
    default:
        return VIEW_IGNORED;
    }
}

// A press on the line under the cursor runs it.
static enum view_result mouse_help(struct view *v, struct mouse m)
{
    struct help_state *s = v->state;
    const int y = m.y - 1 + s->scroll; // the first line is the head
    if (m.act != MOUSE_PRESS)
        return VIEW_IGNORED;
    for (int i = 0; i < s->n; i++)
        if (y >= s->y[i] && y < s->y[i + 1])
            return i == s->at ? command_help(v, CMD_OPEN, NULL) : move_to(s, i);
    return VIEW_KEPT;
}

const struct view_ops view_help = {
    .title = "Help",
    .open = open_help,
    .close = close_help,
    .shown = shown_help,
    .draw = draw_help,
    .command = command_help,
    .mouse = mouse_help,
};
