#include "config.h"

#include "ui/runs/runs_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/runs/run_fields.h"

void runs_table_init(struct runs_table *t)
{
    *t = (struct runs_table){0};
    run_columns_usual(&t->columns);
}

void runs_table_fini(struct runs_table *t)
{
    filter_free(t->filter);
    free(t->rows);
    free(t->groups);
    *t = (struct runs_table){0};
}

// ---- what was chosen ----

json_t *runs_look_to_json(const struct runs_look *look)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:b}", "filter", look->filter, "columns", look->columns, "sort", look->sort,
                     "descending", look->descending, "group", look->group, "archived", look->archived);
}

static void take_text(char *out, size_t size, const json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    if (!text || !text_copy(out, size, text))
        out[0] = '\0';
}

void runs_look_from_json(struct runs_look *look, const json_t *value)
{
    *look = (struct runs_look){0};
    take_text(look->filter, sizeof look->filter, value, "filter");
    take_text(look->columns, sizeof look->columns, value, "columns");
    take_text(look->sort, sizeof look->sort, value, "sort");
    take_text(look->group, sizeof look->group, value, "group");
    look->descending = json_is_true(json_object_get(value, "descending"));
    look->archived = json_is_true(json_object_get(value, "archived"));
}

int runs_table_set(struct runs_table *t, const struct runs_look *look, struct err *e)
{
    struct filter *filter = NULL;
    struct run_columns columns;
    run_columns_usual(&columns);
    int code = *look->columns ? run_columns_parse(&columns, look->columns, e) : 0;
    if (!code && *look->sort)
        code = run_field_check(look->sort, e);
    if (!code && *look->group)
        code = run_field_check(look->group, e);
    if (!code)
        code = filter_parse(&filter, look->filter, e);
    for (int i = 0; !code && filter_field(filter, i); i++)
        code = run_field_check(filter_field(filter, i), e);
    if (code) {
        filter_free(filter);
        return code;
    }
    filter_free(t->filter);
    t->filter = filter;
    t->columns = columns;
    t->look = *look;
    return 0;
}

// ---- rows ----

struct sorted {
    struct run_row *row;
    double number;
    const char *text; // heap; NULL: it is a number, or nothing
    char *group;
    double group_number;
};
static bool sorts_descending; // qsort has no argument for it; the console has one thread

static int compare_values(double x, const char *a, double y, const char *b, bool descending)
{
    const bool none_a = isnan(x) && !a, none_b = isnan(y) && !b;
    if (none_a || none_b) // those without the value stand last whichever way the order is
        return none_a - none_b;
    int order = a && b ? strcasecmp(a, b) : a || b ? (a != NULL) - (b != NULL) : (x > y) - (x < y);
    return descending ? -order : order;
}

static int compare(const void *one, const void *other)
{
    const struct sorted *a = one, *b = other;
    int order = compare_values(a->group_number, a->group, b->group_number, b->group, false);
    if (!order)
        order = (int)b->row->info.pinned - (int)a->row->info.pinned;
    if (!order)
        order = compare_values(a->number, a->text, b->number, b->text, sorts_descending);
    return order ? order
                 : (a->row->info.id < b->row->info.id) - (a->row->info.id > b->row->info.id); // else the newest first
}

static char *text_or_number(const struct run_row *r, const char *field, double *number)
{
    struct filter_value v = {.number = NAN};
    *number = NAN;
    if (!*field || !run_field(r, field, 0, &v))
        return NULL;
    *number = v.number;
    return v.text && isnan(v.number) ? mem_strdup(v.text) : NULL;
}

static void add_group(struct runs_table *t, const struct run_row *r, int at)
{
    char name[96];
    run_field_text(r, t->look.group, 10, name, sizeof name);
    if (strcmp(t->look.group, "tag") == 0 && *name)
        text_copy(name, sizeof name, r->info.tags);
    struct run_group *last = t->n_groups ? &t->groups[t->n_groups - 1] : NULL;
    if (!last || strcasecmp(last->name, *name ? name : "none") != 0) {
        MEM_GROW(t->groups, t->n_groups, t->cap_groups);
        last = &t->groups[t->n_groups++];
        *last = (struct run_group){.first = at};
        text_copy(last->name, sizeof last->name, *name ? name : "none");
    }
    last->n++;
}

static void want_fields(const struct runs_table *t, struct run_list *l)
{
    const char *names[RUN_COLUMNS_MAX + 34], *wanted[WANTS_MAX];
    int n = 0;
    for (int i = 0; t->columns.chosen && i < t->columns.n; i++)
        names[n++] = t->columns.list[i].field;
    names[n++] = t->look.sort;
    names[n++] = t->look.group;
    for (int i = 0; i < 32 && filter_field(t->filter, i); i++)
        names[n++] = filter_field(t->filter, i);
    run_list_want(l, wanted, run_fields_wanted(l, names, n, wanted, WANTS_MAX));
}

void runs_table_update(struct runs_table *t, struct run_list *l)
{
    run_list_show(l, t->look.archived ? SHELF_ARCHIVE : SHELF_LIST);
    want_fields(t, l);
    struct sorted *all = mem_alloc((size_t)l->n + 1, sizeof *all);
    t->rows = mem_realloc(t->rows, (size_t)l->n + 1, sizeof *t->rows);
    t->n = t->n_groups = 0;
    t->n_all = l->n;
    for (int i = 0; i < l->n; i++) {
        struct run_row *r = l->rows[i];
        if (!filter_matches(t->filter, run_field, r))
            continue;
        struct sorted *s = &all[t->n++];
        s->row = r;
        s->text = text_or_number(r, t->look.sort, &s->number);
        s->group = text_or_number(r, t->look.group, &s->group_number);
        if (s->group && strcmp(t->look.group, "tag") == 0) {
            free(s->group);
            s->group = mem_strdup(r->info.tags); // all of them together
        }
    }
    sorts_descending = t->look.descending;
    qsort(all, (size_t)t->n, sizeof *all, compare);
    for (int i = 0; i < t->n; i++) {
        t->rows[i] = all[i].row;
        if (*t->look.group)
            add_group(t, all[i].row, i);
        free((char *)all[i].text);
        free(all[i].group);
    }
    free(all);
}

// ---- what nobody has ----

static bool is_there(const struct run_list *l, const char *name)
{
    struct filter_value v;
    bool all_read = l->n_unread == 0 && l->n_behind == 0;
    for (int i = 0; i < l->n; i++)
        if (run_field(l->rows[i], name, 0, &v))
            return true;
    return run_field_is_own(name) || run_field_is_setting(l, name) || l->n == 0 || !all_read;
}

static void add_near(const struct run_list *l, const char *name, struct str *near)
{
    static const char *const metrics[] = {"loss", "margin", "accuracy", "kl", "length"};
    const char *names[400], *key;
    json_t *value;
    size_t n = 0;
    for (int i = 0; run_own_fields[i]; i++)
        names[n++] = run_own_fields[i];
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        names[n++] = metrics[i];
    if (l->n)
        json_object_foreach(l->rows[l->n - 1]->settings, key, value)
            if (n < sizeof names / sizeof *names)
                names[n++] = key;
    str_add_near(near, name, names, n);
}

const char *runs_table_unknown(const struct runs_table *t, const struct run_list *l, struct str *near)
{
    const char *found = filter_unknown(t->filter);
    found = found && !is_there(l, found) ? found : NULL;
    for (int i = 0; !found && t->columns.chosen && i < t->columns.n; i++)
        if (t->columns.list[i].field[0] && !is_there(l, t->columns.list[i].field))
            found = t->columns.list[i].field;
    if (!found && *t->look.sort && !is_there(l, t->look.sort))
        found = t->look.sort;
    if (!found && *t->look.group && !is_there(l, t->look.group))
        found = t->look.group;
    if (found)
        add_near(l, found, near);
    return found;
}

int run_group_mean(const struct runs_table *t, const struct run_group *g, const char *field, double *mean, double *sd)
{
    double m = 0, squares = 0; // Welford
    int n = 0;
    for (int i = 0; i < g->n; i++) {
        const double x = run_field_number(t->rows[g->first + i], field);
        if (!isfinite(x))
            continue;
        const double before = x - m;
        m += before / ++n;
        squares += before * (x - m);
    }
    *mean = n > 0 ? m : NAN;
    *sd = n > 1 ? sqrt(squares / (n - 1)) : NAN;
    return n;
}
