// A data set as training reads it: rows, filter, what is there twice, which answer is longer, what was refused and why.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/data/data_draw.h"
#include "ui/view.h"

#define SLICE_S 5e-3 // between two looks for keys

static const struct data_set *set_of(struct view *v)
{
    size_t n;
    return ui_data(v->ui, &n);
}

static int open_data(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct data_state));
    return 0;
}

static void close_data(struct view *v)
{
    struct data_state *s = v->state;
    data_rows_fini(&s->rows);
    filter_free(s->looking);
    free(s);
}

// ---- what is shown ----

static const char *setting(const json_t *settings, const char *name)
{
    const char *text = json_string_value(json_object_get(settings, name));
    return text ? text : "";
}

static const char *tokenizer_of(const struct run_row *r)
{
    const char *own = setting(r->info.settings, "tokenizer");
    return *own ? own : r->info.model && !text_ends(r->info.model, ".json") ? r->info.model : "";
}

static void show_run(struct view *v, const struct run_row *r, bool again)
{
    struct data_state *s = v->state;
    const json_t *all = r->info.settings;
    const struct data_source from = {r->info.data, (char *)setting(all, "map"), (char *)setting(all, "label-from"),
                                     (char *)tokenizer_of(r), (char *)setting(all, "eval-data")};
    text_copy(s->run, sizeof s->run, r->info.name);
    s->typed_path = false;
    ui_read_data(v->ui, &from, again);
}

static void open_path(struct view *v, const char *given)
{
    struct data_state *s = v->state;
    const struct run_row *r = ui_run(v->ui);
    struct str home = {0};
    if (text_starts(given, "~/") && getenv("HOME"))
        str_addf(&home, "%s/%s", getenv("HOME"), given + 2);
    const char *path = home.len ? str_text(&home) : given;
    char *shared = *path != '/' && !file_exists(path) ? path_share(path) : NULL;
    const struct data_source from = {.path = (char *)(shared && file_exists(shared) ? shared : path),
                                     .tokenizer = (char *)(r ? tokenizer_of(r) : "")};
    s->typed_path = true;
    ui_read_data(v->ui, &from, true);
    free(shared);
    str_fini(&home);
}

static void shown_data(struct view *v)
{
    struct data_state *s = v->state;
    const struct run_row *r = ui_run(v->ui);
    if (ui_take_data_of_form(v->ui))
        s->from_form = s->typed_path = true;
    const struct engine_description *d = ui_want_description(v->ui);
    const struct param *batch = d ? d->params : NULL;
    while (batch && batch->name && strcmp(batch->name, "batch-size") != 0)
        batch++;
    if (batch && batch->name && batch->fallback)
        s->batch = strtoll(batch->fallback, NULL, 10);
    if (!s->typed_path && r && r->info.data && *r->info.data && strcmp(s->run, r->info.name) != 0)
        show_run(v, r, false);
}

static struct filter *parsed(const char *text)
{
    struct filter *f = NULL;
    return *text && filter_parse(&f, text, NULL) == 0 ? f : NULL;
}

static void begin_rows(struct data_state *s, const struct data_set *d)
{
    data_rows_begin(&s->rows, d, parsed(s->filter), s->order, s->is_up);
    s->cursor = s->top = 0;
    filter_free(s->looking); // places have moved
    s->looking = NULL;
}

// Another set, or the same with other lengths, has its rows anew.
static void follow_set(struct data_state *s, const struct data_set *d)
{
    if (s->rows.version != d->version || !s->rows.rows)
        begin_rows(s, d);
}

// The cursor stays on its row where that still passes.
static void find_cursor(struct data_state *s)
{
    for (size_t i = 0; i < s->rows.n; i++)
        if (s->rows.rows[i] == s->row) {
            s->cursor = i;
            return;
        }
    s->cursor = 0;
    s->row = s->rows.n ? s->rows.rows[0] : 0;
}

static void look_on(struct view *v, const struct data_set *d, double until_s);

static enum view_refresh refresh_data(struct view *v)
{
    struct data_state *s = v->state;
    const struct data_set *d = set_of(v);
    const double until_s = clock_seconds() + SLICE_S;
    if (!s->batch)
        shown_data(v);
    follow_set(s, d);
    if (!d->corpus)
        return REFRESH_DRAW;
    if (!s->rows.is_done) {
        if (data_rows_continue(&s->rows, d, until_s)) {
            const char *unknown = filter_unknown(s->rows.filter);
            find_cursor(s);
            if (unknown && d->corpus->n_examples)
                ui_say(v->ui, "No row has a value \"%s\"; ? lists what rows have.", unknown);
        }
        return REFRESH_MORE;
    }
    if (s->looking)
        look_on(v, d, until_s);
    return s->looking ? REFRESH_MORE : REFRESH_DRAW;
}

static void draw_data_page(struct view *v, struct canvas *c, struct rect area)
{
    struct data_state *s = v->state;
    size_t n_counted;
    const struct data_set *d = ui_data(v->ui, &n_counted);
    follow_set(s, d);
    data_draw(s, d, n_counted, c, area);
}

// ---- moving and looking ----

static enum view_result go(struct data_state *s, size_t to)
{
    if (s->rows.n == 0)
        return VIEW_KEPT;
    s->cursor = to >= s->rows.n ? s->rows.n - 1 : to;
    s->row = s->rows.rows[s->cursor];
    if (s->full)
        s->scroll = 0;
    return VIEW_CHANGED;
}

// The row of that number in the file.
static enum view_result go_to_row(struct view *v, const char *arg)
{
    struct data_state *s = v->state;
    int64_t number;
    if (!arg) {
        ui_ask(v->ui, CMD_GO, "go to the row with number", "");
        return VIEW_CHANGED;
    }
    if (!text_to_i64(arg, &number) || number < 1) {
        ui_say_error(v->ui, "go: the number of a row, not %s", arg);
        return VIEW_KEPT;
    }
    for (size_t i = 0; i < s->rows.n; i++)
        if (s->rows.rows[i] == (uint64_t)number - 1)
            return go(s, i);
    ui_say(v->ui, "Row %lld is not among the %zu that are shown.", (long long)number, s->rows.n);
    return VIEW_CHANGED;
}

static enum view_result scroll(struct data_state *s, int lines)
{
    const int most = s->lines > s->height ? s->lines - s->height : 0, to = s->scroll + lines;
    s->scroll = to < 0 ? 0 : to > most ? most : to;
    return VIEW_CHANGED;
}

static enum view_result move(struct data_state *s, enum command_id id)
{
    const int page = s->full || s->pane ? (s->height > 1 ? s->height - 1 : 1) : s->visible;
    const size_t here = s->cursor;
    const bool pages = id == CMD_PAGE_UP || id == CMD_PAGE_DOWN;
    if (s->pane || (s->full && pages))
        return scroll(s, id == CMD_UP ? -1 : id == CMD_DOWN ? 1 : id == CMD_PAGE_UP ? -page : id == CMD_PAGE_DOWN ? page
                         : id == CMD_FIRST ? -(1 << 28) : 1 << 28);
    switch (id) {
    case CMD_UP:
        return go(s, here ? here - 1 : 0);
    case CMD_DOWN:
        return go(s, here + 1);
    case CMD_PAGE_UP:
        return go(s, here > (size_t)page ? here - (size_t)page : 0);
    case CMD_PAGE_DOWN:
        return go(s, here + (size_t)page);
    case CMD_FIRST:
        return go(s, 0);
    default:
        return go(s, s->rows.n);
    }
}

// From the line after (before) the cursor on, round the end, as long as there is time.
static void look_on(struct view *v, const struct data_set *d, double until_s)
{
    struct data_state *s = v->state;
    while (s->n_looked < s->rows.n) {
        s->look_at = (s->look_at + (s->look_step > 0 ? 1 : s->rows.n - 1)) % s->rows.n;
        s->n_looked++;
        const struct data_item item = {d, s->rows.rows[s->look_at]};
        if (filter_matches(s->looking, data_field, &item)) {
            go(s, s->look_at);
            break;
        }
        if (s->n_looked == s->rows.n)
            ui_say(v->ui, "No row that is shown holds %s", s->find);
        else if (s->n_looked % 64 == 0 && clock_seconds() >= until_s)
            return;
    }
    filter_free(s->looking);
    s->looking = NULL;
}

static enum view_result look(struct view *v, int step, const char *arg)
{
    struct data_state *s = v->state;
    struct err fault = {0};
    struct filter *f = NULL;
    if (!arg && (step == 0 || !s->find[0])) {
        ui_ask(v->ui, CMD_FIND, "find a row", s->find);
        return VIEW_CHANGED;
    }
    if (arg && (filter_parse(&f, arg, &fault) || !text_copy(s->find, sizeof s->find, arg))) {
        filter_free(f);
        ui_say_error(v->ui, "%s", fault.code ? fault.text : "find: that is too long");
        return VIEW_KEPT;
    }
    filter_free(s->looking);
    s->looking = f ? f : parsed(s->find);
    s->look_step = step < 0 ? -1 : 1;
    s->look_at = s->cursor;
    s->n_looked = 0;
    look_on(v, set_of(v), clock_seconds() + SLICE_S); // what is near is found before the next key
    ui_more(v->ui);
    return VIEW_CHANGED;
}

// ---- filter and order ----

static enum view_result set_filter(struct view *v, const char *text)
{
    struct data_state *s = v->state;
    struct filter *f = NULL;
    struct err fault = {0};
    if (filter_parse(&f, text, &fault)) {
        ui_say_error(v->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    filter_free(f);
    text_copy(s->filter, sizeof s->filter, text);
    begin_rows(s, set_of(v));
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result ask_filter(struct view *v, const char *arg)
{
    struct data_state *s = v->state;
    if (arg)
        return set_filter(v, strcmp(arg, "none") == 0 ? "" : arg);
    ui_ask(v->ui, CMD_FILTER, "filter (none: all rows)", s->filter);
    return VIEW_CHANGED;
}

// What is suspicious, and all rows again.
static enum view_result doubles(struct view *v)
{
    static const char suspicious[] = "flag=same,opposite,shared";
    struct data_state *s = v->state;
    return set_filter(v, strcmp(s->filter, suspicious) == 0 ? "" : suspicious);
}

static bool has_order(const struct data_set *d, int order)
{
    struct filter_value value;
    const struct data_item first = {d, 0};
    return d->corpus && d->corpus->n_examples && data_field(&first, data_orders[order], 0, &value);
}

// The same again turns it round: the largest first, the smallest first, and the file's order after the last field.
static enum view_result sort(struct view *v, const char *arg)
{
    struct data_state *s = v->state;
    const struct data_set *d = set_of(v);
    int order = s->order, n = 0;
    while (data_orders[n])
        n++;
    if (arg) {
        for (order = 0; order < n && strcmp(data_orders[order], arg) != 0; order++)
            ;
        if (order == n) {
            ui_say_error(v->ui,
                         "sort: by row, prompt-length, chosen-length, rejected-length, gap or response-length, not %s",
                         arg);
            return VIEW_KEPT;
        }
        s->is_up = order == s->order && !s->is_up;
    } else if (s->order && !s->is_up) {
        s->is_up = true;
    } else {
        do
            order = (order + 1) % n;
        while (order && !has_order(d, order));
        s->is_up = false;
    }
    s->order = order;
    begin_rows(s, d);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

// ---- what is done with it ----

// The rows that are shown, as a file that training reads.
static enum view_result write_rows(struct view *v, const char *arg)
{
    struct data_state *s = v->state;
    const struct data_set *d = set_of(v);
    struct err fault = {0};
    if (!d->corpus || d->is_part || !s->rows.is_done || s->rows.n == 0) {
        ui_say_error(v->ui, d->corpus && s->rows.is_done && !d->is_part ? "There are no rows to write."
                                                                        : "The rows are still being read.");
        return VIEW_KEPT;
    }
    if (!arg) {
        ui_ask(v->ui, CMD_WRITE, "write the rows that are shown to", "rows.jsonl");
        return VIEW_CHANGED;
    }
    if (file_exists(arg)) {
        ui_say_error(v->ui, "%s is there already: nothing is written over", arg);
        return VIEW_KEPT;
    }
    struct corpus part = *d->corpus; // borrows all texts
    part.n_examples = s->rows.n;
    part.examples = mem_alloc(s->rows.n, sizeof *part.examples);
    for (size_t i = 0; i < s->rows.n; i++)
        part.examples[i] = d->corpus->examples[s->rows.rows[i]];
    if (corpus_write(&part, arg, &fault))
        ui_say_error(v->ui, "%s", fault.text);
    else
        ui_say(v->ui, "%zu %s written to %s", s->rows.n, text_plural((int64_t)s->rows.n, "row was", "rows were"), arg);
    free(part.examples);
    return VIEW_CHANGED;
}

static enum view_result train_on_it(struct view *v)
{
    const struct data_set *d = set_of(v);
    if (!d->corpus)
        return VIEW_KEPT;
    ui_new_run_on(v->ui, &d->from);
    return VIEW_CHANGED;
}

static enum view_result leave(struct view *v)
{
    struct data_state *s = v->state;
    if (s->looking) {
        filter_free(s->looking);
        s->looking = NULL;
    } else if (s->full) {
        s->full = false;
    } else if (s->pane) {
        s->pane = PANE_ROWS;
    } else if (s->from_form) {
        s->from_form = false;
        ui_back_to_form(v->ui);
    } else {
        return VIEW_IGNORED;
    }
    s->scroll = 0;
    return VIEW_CHANGED;
}

static enum view_result show_page(struct view *v, const char *arg)
{
    const struct run_row *r = ui_run(v->ui);
    if (arg)
        open_path(v, arg);
    else if (r && r->info.data && *r->info.data)
        show_run(v, r, false);
    return VIEW_CHANGED;
}

static enum view_result command_data(struct view *v, enum command_id id, const char *arg)
{
    struct data_state *s = v->state;
    const struct data_set *d = set_of(v);
    if (!d->corpus || d->corpus->n_examples < s->rows.n_all)
        follow_set(s, d); // keys may come before the page has seen that the set is another
    ui_more(v->ui);
    switch (id) {
    case CMD_UP:
    case CMD_DOWN:
    case CMD_PAGE_UP:
    case CMD_PAGE_DOWN:
    case CMD_FIRST:
    case CMD_LAST:
        return move(s, id);
    case CMD_NEXT_PANE:
    case CMD_PREVIOUS_PANE:
        s->full = false;
        s->scroll = 0;
        s->pane = (s->pane + (id == CMD_NEXT_PANE ? 1 : N_PANES - 1)) % N_PANES;
        return VIEW_CHANGED;
    case CMD_OPEN:
        s->full = !s->full && s->rows.n > 0;
        s->pane = PANE_ROWS;
        s->scroll = 0;
        return VIEW_CHANGED;
    case CMD_GO:
        return go_to_row(v, arg);
    case CMD_FIND:
        return look(v, 0, arg);
    case CMD_FIND_NEXT:
        return look(v, 1, NULL);
    case CMD_FIND_PREVIOUS:
        return look(v, -1, NULL);
    case CMD_FILTER:
        return ask_filter(v, arg);
    case CMD_DOUBLES:
        return doubles(v);
    case CMD_SORT:
        return sort(v, arg);
    case CMD_WRITE:
        return write_rows(v, arg);
    case CMD_TRAIN_ON:
        return train_on_it(v);
    case CMD_PAGE_DATA:
        return show_page(v, arg);
    case CMD_BACK:
        return leave(v);
    default:
        return VIEW_IGNORED;
    }
}

static bool tell_data(struct view *v, bool all, struct str *out)
{
    return data_tell(v->state, set_of(v), all, out);
}

const struct view_ops view_data = {
    .title = "Data",
    .open = open_data,
    .close = close_data,
    .shown = shown_data,
    .draw = draw_data_page,
    .command = command_data,
    .refresh = refresh_data,
    .patience_s = 1, // how far the counting is
    .tell = tell_data,
};
