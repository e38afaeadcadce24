#include "config.h"

#include "export/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/run_metrics.h"
#include "store/eval_file.h"
#include "store/run_db.h"

const char *const export_names[EXPORT_N + 1] = {"metrics", "samples", "events", "evaluations", NULL};

static int export_one(struct store *s, const struct run_info *info, export_run one, void *arg, struct err *e)
{
    struct run_reader *r = NULL;
    struct err fault = {0};
    char *dir = store_run_dir(s, info->name);
    int code = run_reader_open(&r, dir, &fault);
    if (code == ERR_NOT_FOUND)
        code = 0; // no engine has taken it up: there is nothing of it
    else if (code)
        code = err_set(e, code, "run %s: %s", info->name, fault.text);
    else
        code = one(arg, info, dir, r, e);
    run_reader_close(r);
    free(dir);
    return code;
}

int export_each(const struct export_wish *w, export_run one, void *arg, struct err *e)
{
    struct run_info *all = NULL;
    int n = 0, code = 0;
    if (w->n_runs == 0)
        code = store_runs(w->store, &all, &n, e);
    for (int i = 0; i < n && !code; i++)
        code = export_one(w->store, &all[i], one, arg, e);
    run_infos_free(all, n);
    for (int i = 0; i < w->n_runs && !code; i++) {
        struct run_info info = {0};
        code = store_find_run(w->store, w->runs[i], &info, e);
        if (!code)
            code = export_one(w->store, &info, one, arg, e);
        run_info_fini(&info);
    }
    return code;
}

struct job {
    const struct export_wish *wish;
    struct table_file *table;
    char **keys; // columns of a wide table, from 2 on
    int n_keys, cap_keys;
};

// ---- metrics ----

static int metrics_long(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct job *j = arg;
    struct run_metrics m;
    int code = run_metrics_load(&m, r, j->wish->keys, j->wish->n_keys, e);
    for (int i = 0; i < m.n && !code; i++) {
        for (int k = 0; k < m.of[i].n && !code; k++) {
            table_text(j->table, 0, info->name);
            table_text(j->table, 1, m.of[i].key);
            table_int(j->table, 2, m.of[i].points[k].step);
            table_number(j->table, 3, m.of[i].points[k].value);
            code = table_end_row(j->table, e);
        }
    }
    if (!code)
        run_metrics_fini(&m);
    return code;
}

static int column_of(const struct job *j, const char *key)
{
    for (int i = 0; i < j->n_keys; i++)
        if (strcmp(j->keys[i], key) == 0)
            return i;
    return -1;
}

// First the names of all columns, for the head, where the wish does not name them.
static int collect_keys(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct job *j = arg;
    char **names = NULL;
    int n = 0, code = run_reader_keys(r, &names, &n, e);
    for (int i = 0; i < n; i++) {
        if (column_of(j, names[i]) >= 0) {
            free(names[i]);
            continue;
        }
        MEM_GROW(j->keys, j->n_keys, j->cap_keys);
        j->keys[j->n_keys++] = names[i];
    }
    free(names);
    return code;
}

static int metrics_wide(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct job *j = arg;
    struct run_metrics m;
    int64_t step = 0;
    int code = run_metrics_load(&m, r, j->wish->keys, j->wish->n_keys, e);
    if (code)
        return code;
    int *where = mem_alloc((size_t)j->n_keys + 1, sizeof *where); // index in m of each column; -1: none
    for (int c = 0; c < j->n_keys; c++) {
        where[c] = -1;
        for (int i = 0; i < m.n; i++)
            if (strcmp(m.of[i].key, j->keys[c]) == 0)
                where[c] = i;
    }
    while (!code && run_metrics_next(&m, &step)) {
        table_text(j->table, 0, info->name);
        table_int(j->table, 1, step);
        for (int c = 0; c < j->n_keys; c++) {
            double value;
            if (where[c] >= 0 && run_metrics_value(&m, where[c], step, &value))
                table_number(j->table, c + 2, value);
        }
        code = table_end_row(j->table, e);
    }
    free(where);
    run_metrics_fini(&m);
    return code;
}

// ---- the others ----

static int samples(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct job *j = arg;
    struct run_sample *list = NULL;
    int n = 0, code = run_reader_samples(r, INT32_MAX, &list, &n, e);
    for (int i = n - 1; i >= 0 && !code; i--) { // the oldest first
        table_text(j->table, 0, info->name);
        table_int(j->table, 1, list[i].step);
        table_int(j->table, 2, list[i].at_ms);
        table_text(j->table, 3, list[i].prompt);
        table_text(j->table, 4, list[i].response);
        table_number(j->table, 5, list[i].logp);
        table_number(j->table, 6, list[i].reward);
        code = table_end_row(j->table, e);
    }
    run_samples_free(list, n);
    return code;
}

static int events(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct job *j = arg;
    struct run_event *list = NULL;
    int n = 0, code = run_reader_events(r, 0, &list, &n, e);
    for (int i = 0; i < n && !code; i++) {
        table_text(j->table, 0, info->name);
        table_int(j->table, 1, list[i].step);
        table_int(j->table, 2, list[i].at_ms);
        table_text(j->table, 3, list[i].level);
        table_text(j->table, 4, list[i].kind);
        table_text(j->table, 5, list[i].text);
        code = table_end_row(j->table, e);
    }
    run_events_free(list, n);
    return code;
}

static const char *text_at(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static int evaluations(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    static const char *const numbers[] = {"value", "low", "high"};
    struct job *j = arg;
    json_t *list = json_array(), *one, *measure;
    const char *name;
    size_t i;
    int code = eval_file_list(dir, info->name, list, e);
    json_array_foreach(list, i, one) {
        const json_t *how = json_object_get(one, "how");
        json_object_foreach(json_object_get(one, "measures"), name, measure) {
            if (code)
                break;
            table_text(j->table, 0, info->name);
            table_int(j->table, 1, json_integer_value(json_object_get(one, "step")));
            table_text(j->table, 2, text_at(how, "prompts"));
            table_int(j->table, 3, json_integer_value(json_object_get(how, "seed")));
            table_text(j->table, 4, name);
            for (int k = 0; k < 3; k++)
                if (json_is_number(json_object_get(measure, numbers[k])))
                    table_number(j->table, 5 + k, json_number_value(json_object_get(measure, numbers[k])));
            code = table_end_row(j->table, e);
        }
    }
    json_decref(list);
    return code;
}

static const struct {
    export_run one;
    const char *columns[8];
    int n;
} tables[EXPORT_N] = {
    [EXPORT_METRICS] = {metrics_long, {"run", "metric", "step", "value"}, 4},
    [EXPORT_SAMPLES] = {samples, {"run", "step", "at_ms", "prompt", "response", "logp", "reward"}, 7},
    [EXPORT_EVENTS] = {events, {"run", "step", "at_ms", "level", "kind", "text"}, 6},
    [EXPORT_EVALUATIONS] = {evaluations, {"run", "step", "prompts", "seed", "measure", "value", "low", "high"}, 8},
};

int export_table(const struct export_wish *w, enum export_what what, enum table_form form, const char *path, int64_t *n_rows,
                 struct err *e)
{
    struct job j = {.wish = w};
    const bool wide = what == EXPORT_METRICS && w->wide;
    int code = wide && w->n_keys == 0 ? export_each(w, collect_keys, &j, e) : 0;
    for (int i = 0; wide && i < w->n_keys; i++) {
        MEM_GROW(j.keys, j.n_keys, j.cap_keys);
        j.keys[j.n_keys++] = mem_strdup(w->keys[i]);
    }
    const int n_columns = wide ? j.n_keys + 2 : tables[what].n;
    const char **columns = mem_alloc((size_t)n_columns, sizeof *columns);
    for (int i = 0; i < n_columns; i++)
        columns[i] = !wide ? tables[what].columns[i] : i == 0 ? "run" : i == 1 ? "step" : j.keys[i - 2];
    if (!code)
        code = table_open(&j.table, path, form, columns, n_columns, e);
    if (!code)
        code = export_each(w, wide ? metrics_wide : tables[what].one, &j, e);
    if (!code && j.table) {
        *n_rows = table_rows(j.table);
        code = table_commit(j.table, e);
    } else {
        table_abort(j.table);
    }
    for (int i = 0; i < j.n_keys; i++)
        free(j.keys[i]);
    free(j.keys);
    free(columns);
    return code;
}
