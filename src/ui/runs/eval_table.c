#include "config.h"

#include "ui/runs/eval_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const fixed[EVAL_MEASURES] = {[EVAL_RUN] = "run", [EVAL_STEP] = "step", [EVAL_SET] = "set"};

void eval_table_free(struct eval_table *t)
{
    if (!t)
        return;
    free(t->rows);
    free(t->columns);
    free(t->best);
    json_decref(t->list);
    free(t);
}

// ---- columns ----

static int count(const struct eval_table *t, const char *measure)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        n += !isnan(eval_number(t->rows[i].evaluation, measure, "value"));
    return n;
}

static bool has_column(const struct eval_table *t, const char *name)
{
    return eval_table_find(t, name) >= EVAL_MEASURES;
}

static void add_column(struct eval_table *t, int *cap, const char *name)
{
    MEM_GROW(t->columns, t->n_columns, *cap);
    t->columns[t->n_columns++] = eval_name_of(name);
}

// Those of the table of names, then what else there is. Measures that few have stand behind those of most.
static void find_columns(struct eval_table *t)
{
    int cap = 0;
    for (int few = 0; few < 2; few++) {
        for (const struct eval_name *row = eval_names; row->name; row++) {
            const int n = count(t, row->name);
            if (n && (2 * n < t->n) == few)
                add_column(t, &cap, row->name);
        }
    }
    for (int i = 0; i < t->n; i++) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)json_object_get(t->rows[i].evaluation, "measures"), name,
                            value) if (!has_column(t, name) && count(t, name)) add_column(t, &cap, name);
    }
}

// ---- what may be compared ----

// Numbers the rows by their class, from 0; `measure` NULL: by the prompts alone. Returns how many there are.
static int classify(const struct eval_table *t, const struct eval_name *measure, int *class_of)
{
    int *first = mem_alloc((size_t)t->n + 1, sizeof *first), n = 0;
    for (int i = 0; i < t->n; i++) {
        const json_t *one = t->rows[i].evaluation;
        int k = 0;
        while (k < n) {
            const json_t *other = t->rows[first[k]].evaluation;
            if (measure ? eval_comparable(one, other, measure) : eval_same_prompts(one, other))
                break;
            k++;
        }
        if (k == n)
            first[n++] = i;
        class_of[i] = k;
    }
    free(first);
    return n;
}

// 1 is the largest set; of equal ones that which is listed first.
static void number_sets(struct eval_table *t)
{
    int *class_of = mem_alloc((size_t)t->n + 1, sizeof *class_of), *size = mem_alloc((size_t)t->n + 1, sizeof *size);
    t->n_sets = classify(t, NULL, class_of);
    for (int i = 0; i < t->n; i++)
        size[class_of[i]]++;
    for (int i = 0; i < t->n; i++) {
        const int own = class_of[i];
        t->rows[i].set = 1;
        for (int k = 0; k < t->n_sets; k++)
            t->rows[i].set += size[k] > size[own] || (size[k] == size[own] && k < own);
    }
    free(class_of);
    free(size);
}

// The rows stand as they are listed. What is alone is the best of nothing.
static void find_best(struct eval_table *t)
{
    int *class_of = mem_alloc((size_t)t->n + 1, sizeof *class_of), *n_in = mem_alloc((size_t)t->n + 1, sizeof *n_in);
    double *best = mem_alloc((size_t)t->n + 1, sizeof *best);
    t->best = mem_alloc((size_t)t->n * (size_t)t->n_columns + 1, sizeof *t->best);
    for (int c = 0; c < t->n_columns; c++) {
        const struct eval_name *what = t->columns + c;
        if (!what->better)
            continue;
        const int n = classify(t, what, class_of);
        for (int k = 0; k < n; k++) {
            best[k] = -INFINITY;
            n_in[k] = 0;
        }
        for (int i = 0; i < t->n; i++) {
            const double value = what->better * eval_table_value(t, i, c, "value");
            n_in[class_of[i]] += !isnan(value);
            best[class_of[i]] = fmax(best[class_of[i]], value);
        }
        for (int i = 0; i < t->n; i++) {
            const double value = what->better * eval_table_value(t, i, c, "value");
            t->best[i * t->n_columns + c] = n_in[class_of[i]] > 1 && value == best[class_of[i]];
        }
    }
    free(class_of);
    free(n_in);
    free(best);
}

// ---- order ----

static int compare(const void *a, const void *b)
{
    const struct eval_row *x = a, *y = b;
    if (x->is_first != y->is_first)
        return x->is_first ? -1 : 1;
    if (isnan(x->key) != isnan(y->key))
        return isnan(x->key) ? 1 : -1;
    if (x->key < y->key || x->key > y->key)
        return x->key < y->key ? -1 : 1;
    return x->index - y->index;
}

static double key_of(const struct eval_table *t, int row, int column)
{
    const struct eval_row *r = t->rows + row;
    if (column < EVAL_MEASURES)
        return column == EVAL_STEP ? (double)r->step : column == EVAL_SET ? r->set : r->index;
    const int better = t->columns[column - EVAL_MEASURES].better;
    return (better < 0 ? 1 : -1) * eval_table_value(t, row, column - EVAL_MEASURES, "value");
}

void eval_table_sort(struct eval_table *t, const struct eval_order *order)
{
    const int found = eval_table_find(t, order->by), column = found < 0 ? EVAL_RUN : found;
    for (int i = 0; i < t->n; i++) {
        t->rows[i].is_first = order->is_first && order->is_first(order->arg, t->rows[i].run);
        t->rows[i].key = (order->reversed ? -1 : 1) * key_of(t, i, column);
    }
    if (t->n)
        qsort(t->rows, (size_t)t->n, sizeof *t->rows, compare);
    t->is_sorted = true;
}

struct eval_table *eval_table_new(json_t *list)
{
    struct eval_table *t = mem_alloc(1, sizeof *t);
    json_t *one;
    size_t i;
    t->list = list;
    t->rows = mem_alloc(json_array_size(list) + 1, sizeof *t->rows);
    json_array_foreach(list, i, one) {
        const char *run = json_string_value(json_object_get(one, "run"));
        t->rows[t->n] = (struct eval_row){.evaluation = one, .run = run ? run : "", .index = t->n,
                                          .step = json_integer_value(json_object_get(one, "step"))};
        t->n++;
    }
    find_columns(t);
    number_sets(t);
    find_best(t);
    return t;
}

// ---- looking ----

const char *eval_table_column(const struct eval_table *t, int column)
{
    return column < EVAL_MEASURES ? fixed[column] : t->columns[column - EVAL_MEASURES].name;
}

int eval_table_find(const struct eval_table *t, const char *name)
{
    for (int i = 0; i < EVAL_MEASURES; i++)
        if (strcasecmp(fixed[i], name) == 0)
            return i;
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return EVAL_MEASURES + i;
    for (int i = 0; i < t->n_columns; i++)
        if (strcasecmp(t->columns[i].title, name) == 0)
            return EVAL_MEASURES + i;
    return -1;
}

double eval_table_value(const struct eval_table *t, int row, int measure, const char *which)
{
    return eval_number(t->rows[row].evaluation, t->columns[measure].name, which);
}

bool eval_table_is_best(const struct eval_table *t, int row, int measure)
{
    return t->best[t->rows[row].index * t->n_columns + measure];
}

int eval_table_row_of(const struct eval_table *t, const json_t *evaluation)
{
    const char *run = json_string_value(json_object_get(evaluation, "run"));
    for (int i = 0; i < t->n && run; i++)
        if (strcmp(t->rows[i].run, run) == 0 && t->rows[i].step == json_integer_value(json_object_get(evaluation, "step")) &&
            json_equal(json_object_get(t->rows[i].evaluation, "how"), json_object_get(evaluation, "how")))
            return i;
    return -1;
}
