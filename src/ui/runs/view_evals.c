// The evaluations of all runs' checkpoints: one line each, a column for each measure, the best of a column marked among
// those that were measured alike; below, what the chosen column means and how the one under the cursor was measured.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/kept.h"
#include "ui/runs/evals.h"
#include "ui/runs/run_text.h"
#include "ui/view.h"

static bool is_selected(void *arg, const char *run)
{
    const struct run_row *r = run_list_find(ui_runs(arg), run);
    return r && r->selected;
}

// With the table as it is now: the manager may have another one than last time.
static struct evals_state *state_of(struct view *v)
{
    struct evals_state *s = v->state;
    struct eval_table *t = ui_evals(v->ui, &s->trouble);
    s->is_read = t != NULL;
    s->table = t ? t : &s->none;
    if (!s->table->is_sorted)
        eval_table_sort(s->table, &s->order);
    return s;
}

static int open_evals(struct view *v, struct err *e)
{
    struct evals_state *s = mem_alloc(1, sizeof *s);
    s->asked_s = -1e9;
    s->order = (struct eval_order){.by = "run", .is_first = is_selected, .arg = v->ui};
    v->state = s;
    return 0;
}

static void close_evals(struct view *v)
{
    struct evals_state *s = v->state;
    json_decref(s->at);
    free(s);
}

static void save_evals(const struct view *v, json_t *into)
{
    const struct evals_state *s = v->state;
    json_object_set_new(into, "sort", json_string(s->order.by));
    json_object_set_new(into, "reversed", json_boolean(s->order.reversed));
    json_object_set_new(into, "column", json_string(s->chosen));
    json_object_set_new(into, "left", json_integer(s->left));
    json_object_set_new(into, "intervals", json_integer(s->intervals));
    if (s->at)
        json_object_set(into, "at", s->at);
}

static void restore_evals(struct view *v, const json_t *from)
{
    struct evals_state *s = v->state;
    const json_t *at = kept_object(from, "at");
    text_copy(s->order.by, sizeof s->order.by, kept_text(from, "sort", "run"));
    s->order.reversed = kept_bool(from, "reversed", false);
    text_copy(s->chosen, sizeof s->chosen, kept_text(from, "column", ""));
    s->left = (int)kept_int(from, "left", 0, 10000, 0);
    s->intervals = (int)kept_int(from, "intervals", WHERE_WIDE, NEVER, WHERE_WIDE);
    json_decref(s->at);
    s->at = at ? json_deep_copy(at) : NULL;
}

// ---- the cursor and the chosen column ----

static void put_cursor(struct evals_state *s, int row)
{
    json_decref(s->at);
    s->at = json_incref((json_t *)s->table->rows[row].evaluation);
}

// On the run that is open, where it was measured.
static void follow_run(struct view *v)
{
    struct evals_state *s = v->state;
    const struct run_row *r = ui_run(v->ui);
    if (!r || !s->table->n || strcmp(s->table->rows[evals_cursor(s)].run, r->info.name) == 0)
        return;
    for (int i = 0; i < s->table->n; i++)
        if (strcmp(s->table->rows[i].run, r->info.name) == 0) {
            put_cursor(s, i);
            return;
        }
}

static void shown_evals(struct view *v)
{
    struct evals_state *s = state_of(v);
    eval_table_sort(s->table, &s->order); // others may be selected
    follow_run(v);
}

static enum view_refresh refresh_evals(struct view *v)
{
    struct evals_state *s = v->state;
    const struct eval_table *before = s->table;
    const double now_s = clock_seconds();
    if (now_s - s->asked_s >= 0.9) { // files change seldom, but nothing tells when
        s->asked_s = now_s;
        ui_look_for_evals(v->ui);
    }
    state_of(v);
    if (s->is_read && !s->was_read)
        follow_run(v);
    s->was_read = s->is_read;
    return s->table == before ? REFRESH_NOTHING : REFRESH_DRAW;
}

// ---- drawing ----

enum { DIGITS = 6, NUMBER = 7, MARK = 1, INTERVAL = 14, BOUND = 5, WIDE = 140 };

struct layout {
    int name, step, set; // widths; set 0: there is only one
    int first_x;         // of the measures
    int width;           // of a measure
    int n;               // measures that fit
    bool intervals;
};

static struct layout layout_of(const struct evals_state *s, int width)
{
    const struct eval_table *t = s->table;
    const int most = width >= WIDE ? 36 : width >= 60 ? 16 : 10;
    struct layout l = {.name = 4,
                       .step = 4,
                       .set = t->n_sets > 1 ? 3 : 0,
                       .intervals = s->intervals == WHERE_WIDE ? width >= WIDE : s->intervals == ALWAYS};
    for (int i = 0; i < t->n; i++) {
        const int name = (int)utf8_text_columns(t->rows[i].run, strlen(t->rows[i].run));
        const int step = snprintf(NULL, 0, "%lld", (long long)t->rows[i].step);
        l.name = name > l.name ? name : l.name;
        l.step = step > l.step ? step : l.step;
    }
    l.name = l.name > most ? most : l.name;
    l.first_x = 4 + l.name + 1 + l.step + (l.set ? 1 + l.set : 0) + 1;
    l.width = NUMBER + MARK + (l.intervals ? INTERVAL : 0);
    l.n = (width - l.first_x) / l.width;
    return l;
}

// The chosen column is seen.
static void scroll_columns(struct evals_state *s, const struct layout *l)
{
    const int at = evals_chosen(s) - EVAL_MEASURES, n = l->n > 0 ? l->n : 1;
    if (at < 0)
        s->left = 0;
    else if (at < s->left)
        s->left = at;
    else if (at >= s->left + n)
        s->left = at - n + 1;
    if (s->left > s->table->n_columns - n)
        s->left = s->table->n_columns > n ? s->table->n_columns - n : 0;
}

// The chosen column is bright, the one that the lines are sorted by is underlined.
static struct style head_style(const struct evals_state *s, int column)
{
    const bool sorted = strcmp(eval_table_column(s->table, column), s->order.by) == 0, here = column == evals_chosen(s);
    return STYLE(here ? COLOR_ACCENT : COLOR_MUTED, .attr = (here ? ATTR_BOLD : 0) | (sorted ? ATTR_UNDERLINE : 0));
}

static void draw_head(const struct evals_state *s, struct canvas *c, struct rect line, const struct layout *l)
{
    int x = line.x + 4;
    canvas_text(c, x, line.y, l->name, head_style(s, EVAL_RUN), "NAME");
    x += l->name + 1;
    canvas_text_right(c, x, line.y, l->step, head_style(s, EVAL_STEP), "STEP");
    if (l->set)
        canvas_text_right(c, x + l->step + 1, line.y, l->set, head_style(s, EVAL_SET), "SET");
    x = line.x + l->first_x;
    for (int i = s->left; i < s->table->n_columns && i < s->left + l->n; i++, x += l->width) {
        canvas_text_right(c, x, line.y, NUMBER, head_style(s, EVAL_MEASURES + i), s->table->columns[i].title);
        if (l->intervals)
            canvas_text(c, x + NUMBER + MARK, line.y, INTERVAL - 1, STYLE(COLOR_MUTED), "  95 %");
    }
    if (s->left > 0)
        canvas_put(c, line.x + l->first_x - 1, line.y, '<', STYLE(COLOR_ACCENT));
    if (s->left + l->n < s->table->n_columns)
        canvas_put(c, line.x + line.width - 1, line.y, '>', STYLE(COLOR_ACCENT));
}

static void draw_measure(const struct evals_state *s, struct canvas *c, int x, int y, const struct layout *l, int row,
                         int measure)
{
    const struct eval_table *t = s->table;
    char text[32], from[32], to[32];
    const double value = eval_table_value(t, row, measure, "value"), low = eval_table_value(t, row, measure, "low"),
                 high = eval_table_value(t, row, measure, "high");
    const bool best = eval_table_is_best(t, row, measure);
    const struct style style = best           ? STYLE(COLOR_GOOD, .attr = ATTR_BOLD)
                               : isnan(value) ? STYLE(COLOR_MUTED)
                                              : STYLE(COLOR_DEFAULT);
    canvas_text_right(c, x, y, NUMBER, style, number_text(text, sizeof text, value, DIGITS));
    if (best)
        canvas_put(c, x + NUMBER, y, '*', style);
    if (l->intervals && !isnan(low) && !isnan(high))
        canvas_textf(c, x + NUMBER + MARK + 1, y, INTERVAL - 1, STYLE(COLOR_MUTED), "%s..%s",
                     number_text(from, sizeof from, low, BOUND), number_text(to, sizeof to, high, BOUND));
}

static void draw_row(struct view *v, struct canvas *c, struct rect line, const struct layout *l, int row)
{
    const struct evals_state *s = v->state;
    const struct eval_row *one = s->table->rows + row;
    const struct run_row *r = run_list_find(ui_runs(v->ui), one->run);
    int x = line.x + 1;
    if (r) {
        const struct style series = STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS, .attr = ATTR_BOLD);
        canvas_put(c, x, line.y, r->selected ? 0x25a0 : ' ', series);
        canvas_put(c, x + 1, line.y, (uint32_t)r->letter, series);
    }
    x = line.x + 4;
    canvas_text(c, x, line.y, l->name, STYLE(COLOR_DEFAULT), one->run);
    x += l->name + 1;
    canvas_textf(c, x, line.y, l->step, STYLE(COLOR_DEFAULT), "%*lld", l->step, (long long)one->step);
    if (l->set)
        canvas_textf(c, x + l->step + 1, line.y, l->set, STYLE(COLOR_MUTED), "%*d", l->set, one->set);
    x = line.x + l->first_x;
    for (int i = s->left; i < s->table->n_columns && i < s->left + l->n; i++, x += l->width)
        draw_measure(s, c, x, line.y, l, row, i);
}

static void draw_foot(struct view *v, struct canvas *c, struct rect r, int row)
{
    const struct evals_state *s = v->state;
    struct str measure = {0}, how = {0};
    canvas_hline(c, r.x, r.y, r.width, STYLE(COLOR_MUTED));
    canvas_textf(c, r.x + 2, r.y, r.width - 3, STYLE(COLOR_MUTED), " sorted by %s%s ", s->order.by,
                 s->order.reversed ? ", the other way round" : "");
    rect_cut_top(&r, 1);
    r = rect_inset(r, 1, 0);
    evals_describe_measure(s, row, &measure);
    evals_describe_how(store_dir(ui_store(v->ui)), s->table->rows + row, &how);
    rect_cut_top(&r, canvas_paragraph(c, r, 0, STYLE(COLOR_DEFAULT), str_text(&measure), measure.len));
    if (r.height > 0)
        canvas_paragraph(c, r, 0, STYLE(COLOR_MUTED), str_text(&how), how.len);
    str_fini(&measure);
    str_fini(&how);
}

static void draw_empty(struct view *v, struct canvas *c, struct rect area)
{
    const struct evals_state *s = v->state;
    const struct run_row *r = ui_run(v->ui);
    struct str text = {0};
    if (!s->is_read)
        str_add(&text, "Reading ...");
    else
        str_addf(&text,
                 "No checkpoint of these runs has been measured yet.\n\nattune eval --run %s\n\ndoes it, in a shell: the "
                 "checkpoint answers prompts that it has not seen, and of the answers are told rewards, win rate, "
                 "preference matching "
                 "divergence, KL, entropy and more. What comes of it is kept beside the checkpoint and stands here at once.",
                 r ? r->info.name : "NAME");
    canvas_paragraph(c, rect_inset(area, area.width >= 60 ? 2 : 1, area.height > 12), 0, STYLE(COLOR_MUTED), str_text(&text),
                     text.len);
    str_fini(&text);
}

static void draw_evals(struct view *v, struct canvas *c, struct rect area)
{
    struct evals_state *s = state_of(v);
    if (s->trouble) {
        const size_t n = strlen(s->trouble);
        const int lines =
            canvas_paragraph(c, (struct rect){area.x + 1, area.y, area.width - 2, 3}, 0, STYLE(COLOR_BAD), s->trouble, n);
        rect_cut_top(&area, lines < 3 ? lines : 3);
    }
    if (!s->table->n) {
        draw_empty(v, c, area);
        return;
    }
    const struct layout l = layout_of(s, area.width);
    const int cursor = evals_cursor(s);
    s->shown_intervals = l.intervals;
    scroll_columns(s, &l);
    struct rect foot = rect_cut_bottom(&area, area.height >= 16 ? 7 : area.height >= 8 ? 4 : 0);
    draw_head(s, c, rect_cut_top(&area, 1), &l);
    s->visible = area.height > 0 ? area.height : 1;
    s->top = scroll_top(s->top, cursor, s->table->n, s->visible);
    for (int i = s->top; i < s->table->n && area.height > 0; i++) {
        struct rect line = rect_cut_top(&area, 1);
        draw_row(v, c, line, &l, i);
        if (i == cursor) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
    if (foot.height > 0)
        draw_foot(v, c, foot, cursor);
}

// ---- commands ----

static enum view_result move(struct view *v, int to)
{
    struct evals_state *s = v->state;
    if (!s->table->n)
        return VIEW_KEPT;
    to = to < 0 ? 0 : to >= s->table->n ? s->table->n - 1 : to;
    put_cursor(s, to);
    ui_choose_run(v->ui, s->table->rows[to].run);
    return VIEW_CHANGED;
}

static enum view_result choose(struct evals_state *s, int column)
{
    if (column < 0 || column >= EVAL_MEASURES + s->table->n_columns)
        return VIEW_KEPT;
    text_copy(s->chosen, sizeof s->chosen, eval_table_column(s->table, column));
    return VIEW_CHANGED;
}

static enum view_result sort_by(struct view *v, const char *arg)
{
    struct evals_state *s = v->state;
    const int column = arg ? eval_table_find(s->table, arg) : evals_chosen(s);
    if (column < 0) {
        ui_say_error(v->ui, "sort: there is no column %s; a measure's name such as win_rate, or run, step, set", arg);
        return VIEW_KEPT;
    }
    const char *name = eval_table_column(s->table, column);
    s->order.reversed = strcmp(name, s->order.by) == 0 && !s->order.reversed;
    text_copy(s->order.by, sizeof s->order.by, name);
    eval_table_sort(s->table, &s->order);
    choose(s, column);
    return move(v, 0); // the best is looked for, so it is shown
}

static enum view_result select_run(struct view *v)
{
    struct evals_state *s = v->state;
    struct run_row *r = s->table->n ? run_list_find(ui_runs(v->ui), s->table->rows[evals_cursor(s)].run) : NULL;
    if (!r)
        return VIEW_KEPT;
    put_cursor(s, evals_cursor(s)); // it stays on its evaluation
    r->selected = !r->selected;
    eval_table_sort(s->table, &s->order);
    return VIEW_CHANGED;
}

static enum view_result command_evals(struct view *v, enum command_id id, const char *arg)
{
    struct evals_state *s = state_of(v);
    const int at = evals_cursor(s);
    switch (id) {
    case CMD_UP:
        return move(v, at - 1);
    case CMD_DOWN:
        return move(v, at + 1);
    case CMD_PAGE_UP:
        return move(v, at - s->visible);
    case CMD_PAGE_DOWN:
        return move(v, at + s->visible);
    case CMD_FIRST:
        return move(v, 0);
    case CMD_LAST:
        return move(v, s->table->n - 1);
    case CMD_LEFT:
    case CMD_PREVIOUS_PANE:
        return choose(s, evals_chosen(s) - 1);
    case CMD_RIGHT:
    case CMD_NEXT_PANE:
        return choose(s, evals_chosen(s) + 1);
    case CMD_SORT:
        return sort_by(v, arg);
    case CMD_SELECT:
        return select_run(v);
    case CMD_INTERVALS:
        s->intervals = s->shown_intervals ? NEVER : ALWAYS;
        return VIEW_CHANGED;
    case CMD_OPEN:
        if (s->table->n)
            ui_open_run(v->ui, s->table->rows[at].run, PAGE_CURVES);
        return VIEW_CHANGED;
    default:
        return VIEW_IGNORED;
    }
}

static bool eval_value(const void *item, const char *name, int i, struct filter_value *out)
{
    const struct eval_row *row = item;
    *out = (struct filter_value){.number = NAN};
    if (!name || strcmp(name, "run") == 0 || strcmp(name, "name") == 0)
        out->text = i == 0 ? row->run : NULL;
    else if (i == 0)
        out->number = strcmp(name, "step") == 0 ? json_number_value(json_object_get(row->evaluation, "step"))
                                                : eval_number(row->evaluation, name, "value");
    return out->text || !isnan(out->number);
}

static int find_count(struct view *v, int *at)
{
    const struct evals_state *s = state_of(v);
    *at = s->table->n ? evals_cursor(s) : -1;
    return s->table->n;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct evals_state *s = state_of(v);
    return filter_matches(f, eval_value, &s->table->rows[i]);
}

static void find_go(struct view *v, int i)
{
    put_cursor(state_of(v), i);
}

static void complete_evals(struct view *v, enum command_id id, const char *before, struct words *out)
{
    const struct evals_state *s = state_of(v);
    for (int i = 0; id == CMD_SORT && i < EVAL_MEASURES + s->table->n_columns; i++)
        words_add(out, eval_table_column(s->table, i));
}

static bool tell_evals(struct view *v, bool all, struct str *out)
{
    return evals_tell(state_of(v), store_dir(ui_store(v->ui)), all, out);
}

const struct view_ops view_evals = {
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Evaluations",
    .open = open_evals,
    .close = close_evals,
    .shown = shown_evals,
    .draw = draw_evals,
    .command = command_evals,
    .refresh = refresh_evals,
    .patience_s = 0.9,
    .save = save_evals,
    .restore = restore_evals,
    .complete = complete_evals,
    .tell = tell_evals,
};
