#include "config.h"

#include "ui/runs/runs_chooser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/term/keys.h"
#include "ui/term/line_edit.h"
#include "ui/runs/run_fields.h"

const char runs_chooser_hints[] = "Space show or not  Left/Right which value  Enter take  Ctrl-r the usual ones  Esc leave";

static const char *const variants[] = {"", "@best", "@min", "@max", "@first", "@trend"};
static const char *const variant_words[] = {"newest", "best", "smallest", "largest", "first", "course"};
enum { N_VARIANTS = 6, LAST_PLACE = 10000 };

struct item {
    char name[96];
    const char *kind; // "run", "setting", "metric"
    int variant;      // of a metric
    int place;        // in the list of columns, from 1; 0: it is not shown
};

struct runs_chooser {
    struct item *items;
    int n, cap;
    int *shown;       // (n_shown) items that the letters leave
    int n_shown, at, top;
    struct line_edit typed;
    struct str text;
};

static struct item *find_item(struct runs_chooser *c, const char *name)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->items[i].name, name) == 0)
            return &c->items[i];
    return NULL;
}

static struct item *add_item(struct runs_chooser *c, const char *name, const char *kind)
{
    struct item *there = find_item(c, name);
    if (there || strcmp(name, "name") == 0 || strcmp(name, "letter") == 0)
        return there;
    MEM_GROW(c->items, c->n, c->cap);
    c->items[c->n] = (struct item){.kind = kind};
    text_copy(c->items[c->n].name, sizeof c->items[c->n].name, name);
    return &c->items[c->n++];
}

static void add_metrics(struct runs_chooser *c, struct run_row *run)
{
    static const char *const usual[] = {"loss", "margin", "accuracy", "kl", "length"};
    struct run_reader *r = run ? run_row_reader(run) : NULL;
    char **keys = NULL;
    int n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        add_item(c, usual[i], "metric");
    if (!r || run_reader_keys(r, &keys, &n, NULL))
        return;
    for (int i = 0; i < n; i++) {
        // "lr" is what was set; the metric of that name has its curve. The usual ones have their short names.
        if (!run_field_is_setting(run->list, keys[i]) && !run_field_has_short_name(keys[i]))
            add_item(c, keys[i], "metric");
        free(keys[i]);
    }
    free(keys);
}

// Those that are shown now; a column such as "kl@trend" is the item "kl" with its course.
static void mark_shown(struct runs_chooser *c, const struct runs_table *t)
{
    for (int i = 2, place = 1; i < t->columns.n; i++) {
        char name[96];
        const char *field = t->columns.list[i].field;
        const char *at = strrchr(field, '@');
        if (!*field || (!t->columns.chosen && strcmp(field, "tag") == 0))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(at ? (size_t)(at - field) : strlen(field)), field);
        int variant = 0;
        for (int k = 1; k < N_VARIANTS && at; k++)
            variant = strcmp(at, variants[k]) == 0 ? k : variant;
        if (at && !variant) // "kl@300" is an item of its own
            text_copy(name, sizeof name, field);
        struct item *item = add_item(c, name, at ? "metric" : "field");
        if (item) {
            item->variant = variant;
            item->place = place++;
        }
    }
}

static void narrow(struct runs_chooser *c)
{
    const char *typed = str_text(&c->typed.text);
    c->shown = mem_realloc(c->shown, (size_t)c->n + 1, sizeof *c->shown);
    c->n_shown = 0;
    for (int i = 0; i < c->n; i++)
        if (!*typed || strcasestr(c->items[i].name, typed) || strcasestr(c->items[i].kind, typed))
            c->shown[c->n_shown++] = i;
    if (c->at >= c->n_shown)
        c->at = c->n_shown > 0 ? c->n_shown - 1 : 0;
}

struct runs_chooser *runs_chooser_new(const struct runs_table *t, const struct run_list *l, struct run_row *run)
{
    struct runs_chooser *c = mem_alloc(1, sizeof *c);
    const char *key;
    json_t *value;
    for (int i = 0; run_own_fields[i]; i++)
        add_item(c, run_own_fields[i], "run");
    add_metrics(c, run);
    if (l->n)
        json_object_foreach((run ? run : l->rows[l->n - 1])->settings, key, value)
            add_item(c, key, "setting");
    mark_shown(c, t);
    narrow(c);
    return c;
}

void runs_chooser_words(const struct runs_table *t, const struct run_list *l, struct run_row *run, struct words *out)
{
    struct runs_chooser *c = runs_chooser_new(t, l, run);
    for (int i = 0; i < c->n; i++)
        words_add_about(out, c->items[i].name, c->items[i].kind);
    runs_chooser_free(c);
}

void runs_chooser_free(struct runs_chooser *c)
{
    if (!c)
        return;
    line_edit_fini(&c->typed);
    str_fini(&c->text);
    free(c->items);
    free(c->shown);
    free(c);
}

const char *runs_chooser_text(const struct runs_chooser *c)
{
    return str_text(&c->text);
}

static void write_text(struct runs_chooser *c)
{
    str_clear(&c->text);
    for (int place = 1, left = c->n; left > 0 && place < LAST_PLACE; place++)
        for (int i = 0; i < c->n; i++)
            if (c->items[i].place == place) {
                str_addf(&c->text, "%s%s%s", c->text.len ? "," : "", c->items[i].name, variants[c->items[i].variant]);
                left--;
            }
}

static struct item *current(struct runs_chooser *c)
{
    return c->n_shown ? &c->items[c->shown[c->at]] : NULL;
}

static void toggle(struct runs_chooser *c)
{
    struct item *item = current(c);
    int last = 0;
    for (int i = 0; i < c->n; i++)
        last = c->items[i].place > last ? c->items[i].place : last;
    if (item)
        item->place = item->place ? 0 : last + 1;
}

static void turn(struct runs_chooser *c, int step)
{
    struct item *item = current(c);
    if (!item || strcmp(item->kind, "metric") != 0 || strchr(item->name, '@'))
        return;
    do
        item->variant = (item->variant + step + N_VARIANTS) % N_VARIANTS;
    while (strcmp(variants[item->variant], "@best") == 0 && run_metric_better(item->name) == 0);
}

static void move(struct runs_chooser *c, int step)
{
    int to = c->at + step;
    c->at = to < 0 ? 0 : to >= c->n_shown ? (c->n_shown > 0 ? c->n_shown - 1 : 0) : to;
}

enum chooser_result runs_chooser_key(struct runs_chooser *c, int key)
{
    switch (key) {
    case KEY_ESCAPE_:
        return CHOOSER_LEFT;
    case KEY_ENTER_:
        write_text(c);
        return CHOOSER_TAKEN;
    case 18: // Ctrl-r
        str_clear(&c->text);
        return CHOOSER_TAKEN;
    case ' ':
        toggle(c);
        break;
    case KEY_LEFT_:
        turn(c, -1);
        break;
    case KEY_RIGHT_:
        turn(c, 1);
        break;
    case KEY_UP_:
        move(c, -1);
        break;
    case KEY_DOWN_:
        move(c, 1);
        break;
    case KEY_PGUP_:
        move(c, -10);
        break;
    case KEY_PGDN_:
        move(c, 10);
        break;
    default:
        if (line_edit_key(&c->typed, key)) {
            c->at = 0;
            narrow(c);
        }
    }
    return CHOOSER_OPEN;
}

void runs_chooser_draw(struct runs_chooser *c, struct canvas *canvas, struct rect area)
{
    struct rect head = rect_cut_top(&area, 1);
    int n_marked = 0;
    for (int i = 0; i < c->n; i++)
        n_marked += c->items[i].place > 0;
    int x = canvas_textf(canvas, head.x + 1, head.y, -1, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "Columns: %d of %d",
                         n_marked, c->n);
    x = canvas_text(canvas, x + 2, head.y, -1, STYLE(COLOR_MUTED), "type to narrow> ");
    line_edit_draw(&c->typed, canvas, x, head.y, head.x + head.width - x - 1, STYLE(COLOR_DEFAULT));
    if (c->at < c->top)
        c->top = c->at;
    if (area.height > 0 && c->at >= c->top + area.height)
        c->top = c->at - area.height + 1;
    if (c->n_shown == 0)
        canvas_text(canvas, area.x + 1, area.y, area.width - 2, STYLE(COLOR_MUTED), "No run has a field of that name.");
    for (int i = c->top; i < c->n_shown && area.height > 0; i++) {
        struct rect line = rect_cut_top(&area, 1);
        const struct item *item = &c->items[c->shown[i]];
        char mark[16] = " ";
        if (item->place)
            snprintf(mark, sizeof mark, "%d", item->place);
        canvas_textf(canvas, line.x + 1, line.y, 5, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), "[%2s]", mark);
        canvas_text(canvas, line.x + 7, line.y, line.width - 30, STYLE(COLOR_DEFAULT), item->name);
        canvas_text(canvas, line.x + line.width - 22, line.y, 10, STYLE(COLOR_MUTED), item->kind);
        if (strcmp(item->kind, "metric") == 0)
            canvas_text(canvas, line.x + line.width - 11, line.y, 10, STYLE(COLOR_DEFAULT), variant_words[item->variant]);
        if (i == c->at) {
            canvas_put(canvas, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(canvas, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
}
