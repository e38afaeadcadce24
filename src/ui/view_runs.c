// The list of runs, and the run under its cursor.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/kept.h"
#include "ui/run_columns.h"
#include "ui/run_text.h"
#include "ui/view.h"

struct runs_state {
    int top;               // first line shown
    int visible;           // lines that were shown last: how far a page is
    enum column sort;
    bool descending;
    struct run_row **rows; // as sorted; rebuilt on every refresh
    int n;
};

static double sort_number(const struct run_row *r, enum column by)
{
    switch (by) {
    case COL_STATE:
        return r->status.state;
    case COL_STEP:
        return (double)r->status.step;
    case COL_LOSS:
        return r->values[VALUE_LOSS];
    case COL_MARGIN:
        return r->values[VALUE_MARGIN];
    case COL_ACCURACY:
        return r->values[VALUE_ACCURACY];
    case COL_KL:
        return r->values[VALUE_KL];
    case COL_SPEED:
        return r->status.tokens_per_s;
    case COL_LEFT:
        return r->status.seconds_left;
    case COL_ALERT:
        return r->alert ? (double)(r->alert - health_rules) : 1e9;
    default:
        return (double)-r->info.id;
    }
}

// Runs without the value stand last whichever way the order is; equal ones stay newest first.
static bool stands_before(const struct runs_state *s, const struct run_row *a, const struct run_row *b)
{
    int order = 0;
    if (s->sort == COL_NAME || s->sort == COL_OBJECTIVE) {
        order = s->sort == COL_NAME ? strcmp(a->info.name, b->info.name) : strcmp(a->info.objective, b->info.objective);
    } else {
        double x = sort_number(a, s->sort), y = sort_number(b, s->sort);
        if (isnan(x) || isnan(y)) {
            if (isnan(x) != isnan(y))
                return isnan(y);
        } else {
            order = x < y ? -1 : x > y;
        }
    }
    if (order == 0)
        return a->info.id > b->info.id;
    return s->descending ? order > 0 : order < 0;
}

static void sort_rows(struct view *v)
{
    struct runs_state *s = v->state;
    struct run_list *l = ui_runs(v->ui);
    s->rows = mem_realloc(s->rows, (size_t)l->n + 1, sizeof(struct run_row *));
    s->n = 0;
    for (int i = 0; i < l->n; i++) { // insertion: the list is nearly sorted from one time to the next
        int at = s->n++;
        while (at > 0 && stands_before(s, l->rows[i], s->rows[at - 1])) {
            s->rows[at] = s->rows[at - 1];
            at--;
        }
        s->rows[at] = l->rows[i];
    }
}

static int cursor_of(struct view *v)
{
    struct runs_state *s = v->state;
    struct run_row *run = ui_run(v->ui);
    for (int i = 0; i < s->n; i++)
        if (s->rows[i] == run)
            return i;
    return 0;
}

static int open_runs(struct view *v, struct err *e)
{
    struct runs_state *s = mem_alloc(1, sizeof *s);
    s->sort = COL_AGE;
    v->state = s;
    return 0;
}

static void close_runs(struct view *v)
{
    struct runs_state *s = v->state;
    free(s->rows);
    free(s);
}

static void save_runs(const struct view *v, json_t *into)
{
    const struct runs_state *s = v->state;
    json_object_set_new(into, "sort", json_string(run_columns[s->sort].sort_name));
    json_object_set_new(into, "descending", json_boolean(s->descending));
    json_object_set_new(into, "top", json_integer(s->top));
}

static void restore_runs(struct view *v, const json_t *from)
{
    struct runs_state *s = v->state;
    const char *sort = kept_text(from, "sort", "");
    for (int i = 0; i < COL_N; i++)
        if (run_columns[i].sort_name && strcmp(run_columns[i].sort_name, sort) == 0)
            s->sort = (enum column)i;
    s->descending = kept_bool(from, "descending", s->descending);
    s->top = (int)kept_int(from, "top", 0, 1000000, 0);
}

static void shown_runs(struct view *v)
{
    sort_rows(v);
}

static enum view_refresh refresh_runs(struct view *v)
{
    sort_rows(v);
    return REFRESH_DRAW;
}

// ---- drawing ----

static void draw_head(struct canvas *c, struct rect line, const struct run_layout *l, const struct runs_state *s)
{
    int x = line.x + 1;
    for (int i = 0; i < COL_N; i++) {
        if (!l->width[i])
            continue;
        bool sorted = s->sort == (enum column)i;
        struct style style = sorted ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD | ATTR_UNDERLINE) : STYLE(COLOR_MUTED);
        if (run_columns[i].right)
            canvas_text_right(c, x, line.y, l->width[i], style, run_columns[i].title);
        else
            canvas_text(c, x, line.y, l->width[i], style, run_columns[i].title);
        x += l->width[i] + 1;
    }
}

static void draw_empty(struct canvas *c, struct rect r, const char *project)
{
    static const struct {
        const char *key, *text;
        bool strong;
    } lines[] = {
        {"d", "Start the demo", true},
        {"", "A small model learns what people prefer (DPO); it and its pairs come", false},
        {"", "with Attune. Curves move within seconds; it takes a minute or two.", false},
        {NULL, "", false},
        {"n", "Tune your own model on your own data", true},
        {"", "A Hugging Face folder; JSONL with prompt, chosen, rejected, HH", false},
        {"", "transcripts, ShareGPT or message lists.", false},
        {NULL, "", false},
        {"?", "All keys", true},
    };
    r = rect_inset(r, r.width >= 70 ? 3 : 1, r.height > 16 ? 2 : 0);
    struct rect line = rect_cut_top(&r, 2);
    canvas_textf(c, line.x, line.y, line.width, STYLE(COLOR_DEFAULT), "There are no runs yet in %s", project);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        line = rect_cut_top(&r, 1);
        if (line.height < 1)
            return;
        if (lines[i].key && lines[i].key[0])
            canvas_textf(c, line.x, line.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD | ATTR_REVERSE), " %s ", lines[i].key);
        canvas_text(c, line.x + 5, line.y, line.width - 5, STYLE(COLOR_DEFAULT, .attr = lines[i].strong ? ATTR_BOLD : 0),
                    lines[i].text);
    }
}

// All settings of the run, down the columns.
static void draw_settings(struct canvas *c, struct rect r, const json_t *settings)
{
    enum { COLUMNS = 38 };
    const char *name;
    json_t *value;
    int x = r.x, y = r.y;
    json_object_foreach((json_t *)settings, name, value) {
        char number[64];
        const char *text = json_is_string(value) ? json_string_value(value) : json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "";
        if (json_is_number(value)) {
            snprintf(number, sizeof number, "%.12g", json_number_value(value));
            text = number;
        }
        if (!*text || strcmp(name, "model") == 0 || strcmp(name, "data") == 0)
            continue;
        if (x + COLUMNS > r.x + r.width)
            return;
        canvas_text(c, x, y, 18, STYLE(COLOR_MUTED), name);
        canvas_text(c, x + 19, y, COLUMNS - 21, STYLE(COLOR_DEFAULT), text);
        if (++y >= r.y + r.height) {
            y = r.y;
            x += COLUMNS;
        }
    }
}

// The run under the cursor, in the lines below the list.
static void draw_detail(struct canvas *c, struct rect r, const struct run_row *run)
{
    struct str text = {0};
    canvas_hline(c, r.x, r.y, r.width, STYLE(COLOR_MUTED));
    run_describe(run, &text);
    bool bad = run_is_bad(run);
    struct rect in = {r.x + 1, r.y + 1, r.width - 2, r.height - 1};
    canvas_text(c, in.x, in.y, in.width, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), run->info.name);
    in.y++;
    in.height--;
    int lines = canvas_paragraph(c, in, 0, STYLE(bad ? COLOR_BAD : COLOR_DEFAULT), str_text(&text), text.len);
    str_fini(&text);
    rect_cut_top(&in, lines);
    if (in.height > 4) {
        canvas_textf(c, in.x, in.y, in.width, STYLE(COLOR_MUTED), "model %s   data %s", run->info.model, run->info.data);
        rect_cut_top(&in, 2);
        draw_settings(c, in, run->settings);
    }
}

// Why a run failed may take more than the two lines that others have: it gets what the list leaves free.
static int detail_lines(struct rect area, const struct run_row *run, int n_runs)
{
    if (area.height >= 34)
        return 14;
    if (area.height < 14)
        return 0;
    struct str text = {0};
    run_describe(run, &text);
    const size_t columns = (size_t)(area.width > 24 ? area.width - 12 : 12); // words at the lines' ends do not fill them
    int lines = 3 + (int)(utf8_text_columns(str_text(&text), text.len) / columns);
    int free_lines = area.height - 1 - n_runs;
    if ((run_is_bad(run) || run->alert) && free_lines < 8) // what is wrong is told whole, also below a long list
        free_lines = area.height >= 16 ? 8 : 6;
    str_fini(&text);
    return lines <= 4 || free_lines <= 4 ? 4 : free_lines < lines ? free_lines : lines;
}

static void draw_runs(struct view *v, struct canvas *c, struct rect area)
{
    struct runs_state *s = v->state;
    if (s->n == 0) {
        draw_empty(c, area, store_dir(ui_store(v->ui)));
        return;
    }
    bool has_alert = false;
    for (int i = 0; i < s->n; i++)
        has_alert = has_alert || s->rows[i]->alert;
    struct run_layout l = run_columns_fit(area.width, s->rows, s->n, has_alert);
    if (ui_is_slow(v->ui))
        l.width[COL_TREND] = 0;
    ui_runs(v->ui)->want_spark = l.width[COL_TREND] > 0;
    int cursor = cursor_of(v);
    struct rect detail = rect_cut_bottom(&area, detail_lines(area, s->rows[cursor], s->n));
    draw_head(c, rect_cut_top(&area, 1), &l, s);
    s->visible = area.height > 0 ? area.height : 1;
    if (cursor < s->top)
        s->top = cursor;
    if (cursor >= s->top + s->visible)
        s->top = cursor - s->visible + 1;
    if (s->top > s->n - s->visible)
        s->top = s->n > s->visible ? s->n - s->visible : 0;
    for (int i = s->top; i < s->n && area.height > 0; i++) {
        struct rect line = rect_cut_top(&area, 1);
        run_columns_draw(c, line, &l, s->rows[i]);
        if (i == cursor) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            // Not the whole line: a terminal would be sent all of both lines again at every step.
            line.width = 2 + l.width[COL_MARK] + l.width[COL_NAME];
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
    if (detail.height > 0)
        draw_detail(c, detail, s->rows[cursor]);
}

// ---- commands ----

static enum view_result move_to(struct view *v, int to)
{
    struct runs_state *s = v->state;
    if (s->n == 0)
        return VIEW_KEPT;
    to = to < 0 ? 0 : to >= s->n ? s->n - 1 : to;
    if (s->rows[to] == ui_run(v->ui))
        return VIEW_KEPT;
    ui_choose_run(v->ui, s->rows[to]->info.name);
    return VIEW_CHANGED;
}

static enum view_result go_to(struct view *v, const char *arg)
{
    int64_t line;
    if (!arg)
        ui_ask(v->ui, CMD_GO, "go to line", "");
    else if (text_to_i64(arg, &line) && line >= 1 && line <= INT32_MAX)
        return move_to(v, (int)line - 1);
    else
        ui_say_error(v->ui, "go: %s is no line: the first one is 1", arg);
    return VIEW_CHANGED;
}

// A run by its name or its letter; NULL with a message.
static struct run_row *named(struct view *v, const char *name)
{
    struct run_list *l = ui_runs(v->ui);
    struct run_row *r = run_list_find(l, name);
    for (int i = 0; i < l->n && !r && name[0] && !name[1]; i++)
        if (l->rows[i]->letter == name[0])
            r = l->rows[i];
    if (!r)
        ui_say_error(v->ui, "There is no run %s", name);
    return r;
}

static enum view_result sort_by(struct view *v, const char *arg)
{
    struct runs_state *s = v->state;
    if (!arg) {
        ui_ask(v->ui, CMD_SORT, "sort by (age, name, state, step, loss, margin, accuracy, kl)", "");
        return VIEW_CHANGED;
    }
    for (int i = 0; i < COL_N; i++) {
        if (run_columns[i].sort_name && strcmp(run_columns[i].sort_name, arg) == 0) {
            s->descending = s->sort == (enum column)i ? !s->descending : i == COL_MARGIN || i == COL_ACCURACY || i == COL_STEP;
            s->sort = (enum column)i;
            sort_rows(v);
            return VIEW_CHANGED;
        }
    }
    ui_say_error(v->ui, "sort: there is no column %s", arg);
    return VIEW_KEPT;
}

static enum view_result select_run(struct view *v, const char *arg)
{
    struct runs_state *s = v->state;
    struct run_row *r = arg ? named(v, arg) : ui_run(v->ui);
    if (!r)
        return VIEW_KEPT;
    r->selected = !r->selected;
    if (!arg && cursor_of(v) + 1 < s->n)
        move_to(v, cursor_of(v) + 1);
    return VIEW_CHANGED;
}

static enum view_result command_runs(struct view *v, enum command_id id, const char *arg)
{
    struct runs_state *s = v->state;
    struct run_row *r;
    switch (id) {
    case CMD_UP:
        return move_to(v, cursor_of(v) - 1);
    case CMD_DOWN:
        return move_to(v, cursor_of(v) + 1);
    case CMD_PAGE_UP:
        return move_to(v, cursor_of(v) - s->visible);
    case CMD_PAGE_DOWN:
        return move_to(v, cursor_of(v) + s->visible);
    case CMD_FIRST:
        return move_to(v, 0);
    case CMD_LAST:
        return move_to(v, s->n - 1);
    case CMD_GO:
        return go_to(v, arg);
    case CMD_OPEN:
        r = arg ? named(v, arg) : ui_run(v->ui);
        if (r)
            ui_open_run(v->ui, r->info.name, PAGE_CURVES);
        return VIEW_CHANGED;
    case CMD_SELECT:
        return select_run(v, arg);
    case CMD_SELECT_NONE:
        for (int i = 0; i < s->n; i++)
            s->rows[i]->selected = false;
        return VIEW_CHANGED;
    case CMD_SORT:
        return sort_by(v, arg);
    default:
        return VIEW_IGNORED;
    }
}

// The first line is the head. A press on the line under the cursor opens the run.
static enum view_result mouse_runs(struct view *v, struct mouse m)
{
    const struct runs_state *s = v->state;
    const int at = s->top + m.y - 1;
    if (m.act != MOUSE_PRESS)
        return VIEW_IGNORED;
    if (m.y < 1 || m.y > s->visible || at >= s->n)
        return VIEW_KEPT;
    return at == cursor_of(v) ? command_runs(v, CMD_OPEN, NULL) : move_to(v, at);
}

static bool copy_runs(struct view *v, struct str *out)
{
    const struct run_row *r = ui_run(v->ui);
    if (r)
        str_add(out, r->info.name);
    return r != NULL;
}

static void complete_runs(struct view *v, enum command_id id, const char *before, struct words *out)
{
    for (int i = 0; id == CMD_SORT && i < COL_N; i++)
        if (run_columns[i].sort_name)
            words_add(out, run_columns[i].sort_name);
}

const struct view_ops view_runs = {
    .title = "Runs",
    .open = open_runs,
    .close = close_runs,
    .shown = shown_runs,
    .draw = draw_runs,
    .command = command_runs,
    .refresh = refresh_runs,
    .save = save_runs,
    .restore = restore_runs,
    .complete = complete_runs,
    .mouse = mouse_runs,
    .copy = copy_runs,
};
