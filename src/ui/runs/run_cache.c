#include "config.h"

#include "ui/runs/run_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { PIECE = 2000 }; // points read at once: about a millisecond
#define NEVER INT64_MIN // no version of run.db yet

void run_cache_init(struct run_cache *c)
{
    *c = (struct run_cache){.max_bytes = (size_t)48 << 20};
}

static void data_free(struct run_data *d)
{
    for (int i = 0; i < d->n_metrics; i++) {
        series_fini(&d->metrics[i]->series);
        free(d->metrics[i]->key);
        free(d->metrics[i]);
    }
    for (int i = 0; i < d->n_changes; i++)
        free(d->changes[i].text);
    x_map_fini(&d->time);
    x_map_fini(&d->wall);
    x_map_fini(&d->tokens);
    x_map_fini(&d->epochs);
    free(d->metrics);
    free(d->changes);
    free(d->checkpoints);
    free(d);
}

void run_cache_fini(struct run_cache *c)
{
    for (int i = 0; i < c->n; i++)
        data_free(c->runs[i]);
    free(c->runs);
    *c = (struct run_cache){0};
}

struct run_data *run_cache_find(const struct run_cache *c, const struct run_row *row)
{
    for (int i = 0; i < c->n; i++)
        if (c->runs[i]->id == row->info.id)
            return c->runs[i];
    return NULL;
}

struct metric *run_data_metric(const struct run_data *d, const char *key)
{
    for (int i = 0; i < d->n_metrics; i++)
        if (strcmp(d->metrics[i]->key, key) == 0)
            return d->metrics[i];
    return NULL;
}

static struct metric *add_metric(struct run_data *d, char *key)
{
    MEM_GROW(d->metrics, d->n_metrics, d->cap_metrics);
    struct metric *m = d->metrics[d->n_metrics++] = mem_alloc(1, sizeof *m);
    m->key = key;
    m->version = NEVER;
    series_init(&m->series);
    return m;
}

bool run_data_is_read(const struct run_data *d, const char *key)
{
    const struct metric *m = run_data_metric(d, key);
    return !m || m->is_measured || m->version != NEVER;
}

struct metric *run_data_measured(struct run_data *d, const char *key)
{
    struct metric *m = run_data_metric(d, key);
    if (m) {
        const uint32_t rewinds = m->series.n_rewinds;
        series_fini(&m->series);
        m->series.n_rewinds = rewinds + 1;
    } else {
        m = add_metric(d, mem_strdup(key));
    }
    m->is_measured = true;
    return m;
}

size_t run_cache_bytes(const struct run_cache *c)
{
    size_t bytes = 0;
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < c->runs[i]->n_metrics; k++)
            bytes += series_bytes(&c->runs[i]->metrics[k]->series);
    return bytes;
}

static struct run_data *obtain(struct run_cache *c, const struct run_row *row)
{
    struct run_data *d = run_cache_find(c, row);
    if (!d) {
        MEM_GROW(c->runs, c->n, c->cap);
        d = c->runs[c->n++] = mem_alloc(1, sizeof *d);
        d->id = row->info.id;
        d->keys_version = NEVER;
    }
    d->wanted = c->poll;
    return d;
}

// ---- reading ----

static int read_keys(struct run_data *d, struct run_reader *r, struct err *e)
{
    char **names;
    int n;
    int code = run_reader_keys(r, &names, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++) {
        if (run_data_metric(d, names[i])) {
            free(names[i]);
            continue;
        }
        add_metric(d, names[i]);
    }
    free(names);
    return 0;
}

static int read_events(struct run_data *d, struct run_reader *r, struct err *e)
{
    struct run_event *events;
    int n;
    int code = run_reader_events(r, d->last_event, &events, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++) {
        bool is_trouble = strcmp(events[i].level, "error") == 0;
        d->last_event = events[i].id;
        x_map_mark(&d->wall, (double)events[i].step, (double)events[i].at_ms * 1e-3, false);
        if (!is_trouble && strcmp(events[i].kind, "set") != 0 && strcmp(events[i].kind, "stage") != 0)
            continue;
        MEM_GROW(d->changes, d->n_changes, d->cap_changes);
        d->changes[d->n_changes++] = (struct run_change){events[i].step, is_trouble, mem_strdup(events[i].text)};
    }
    run_events_free(events, n);
    return 0;
}

// Those that are kept: of what was removed there is nothing to go on from.
static int read_checkpoints(struct run_data *d, struct run_row *row, struct run_reader *r, struct err *e)
{
    struct run_checkpoint *list;
    int n;
    int code = run_reader_checkpoints(r, &list, &n, e);
    if (code)
        return code;
    d->checkpoints = mem_realloc(d->checkpoints, (size_t)n + 1, sizeof *d->checkpoints);
    d->n_checkpoints = 0;
    char *dir = store_run_dir(row->list->store, row->info.name);
    for (int i = 0; i < n; i++) {
        char *folder = path_join(dir, list[i].path);
        if (file_is_dir(folder))
            d->checkpoints[d->n_checkpoints++] = (double)list[i].step;
        free(folder);
    }
    free(dir);
    run_checkpoints_free(list, n);
    return 0;
}

// One piece of one metric. `version` was taken before: what is committed meanwhile is read again next time.
static int read_piece(struct run_data *d, struct metric *m, struct run_reader *r, int64_t version, bool *changed,
                      struct err *e)
{
    struct metric_point *points;
    int n;
    int code = run_reader_points_some(r, m->key, &m->cursor, PIECE, &points, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++)
        series_add(&m->series, points[i].step, points[i].value);
    free(points);
    *changed = *changed || n > 0;
    if (n < PIECE)
        m->version = version;
    return 0;
}

static void update_maps(struct run_data *d, const struct run_status *now)
{
    if (d->wall.n > 0 && now->heartbeat_ms > 0 && (double)now->step >= d->wall.steps[d->wall.n - 1])
        x_map_mark(&d->wall, (double)now->step, (double)now->heartbeat_ms * 1e-3, true);
    struct metric *seconds = run_data_metric(d, "step_s"), *speed = run_data_metric(d, "tokens_per_s");
    if (seconds && seconds->series.n > 0) {
        x_map_update(&d->time, &seconds->series, NULL);
        if (speed && speed->series.n > 0)
            x_map_update(&d->tokens, &seconds->series, &speed->series);
    }
}

// True when all that is wanted of this run has been read.
static bool poll_run(struct run_cache *c, struct run_data *d, struct run_row *row, metric_wish wish, const void *what,
                     double until_s, bool *changed)
{
    struct err fault = {0};
    struct run_reader *r = run_row_reader(row);
    int64_t version = row->version;
    int code = 0;
    if (!r)
        return true; // the next look of the list says why
    if (d->keys_version != version) {
        code = read_keys(d, r, &fault);
        if (!code)
            code = read_events(d, r, &fault);
        if (!code)
            code = read_checkpoints(d, row, r, &fault);
        if (!code)
            d->keys_version = version;
    }
    bool all = true;
    for (int i = 0; i < d->n_metrics && !code; i++) {
        struct metric *m = d->metrics[i];
        if (m->is_measured || !wish(what, m->key))
            continue;
        m->wanted = c->poll;
        while (!code && m->version != version && (c->n_pieces == 0 || clock_seconds() < until_s)) {
            code = read_piece(d, m, r, version, changed, &fault);
            c->n_pieces++;
        }
        all = all && m->version == version;
    }
    if (code && strcmp(d->trouble, fault.text) != 0)
        *changed = true;
    text_copy(d->trouble, sizeof d->trouble, code ? fault.text : "");
    update_maps(d, &row->status);
    // After an error the next look of the list leads here again; asking at once would only spin.
    return all || code;
}

// Series that nobody asked for this time go when memory is short; they are read again when they are.
static void give_up(struct run_cache *c)
{
    bool tight = run_cache_bytes(c) > c->max_bytes;
    for (int i = 0; i < c->n && tight; i++) {
        for (int k = 0; k < c->runs[i]->n_metrics; k++) {
            struct metric *m = c->runs[i]->metrics[k];
            if (m->wanted == c->poll || m->series.n == 0 || m->is_measured)
                continue;
            series_fini(&m->series);
            m->cursor = 0;
            m->version = NEVER;
        }
    }
}

bool run_cache_poll(struct run_cache *c, struct run_row *const *rows, int n, metric_wish wish, const void *what,
                    double until_s, bool *changed)
{
    bool all = true;
    *changed = false;
    c->poll++;
    c->n_pieces = 0;
    c->first = n > 0 ? (c->first + 1) % n : 0; // so that a long run does not keep the others waiting
    for (int k = 0; k < n; k++) {
        struct run_row *row = rows[(c->first + k) % n];
        struct run_data *d = obtain(c, row);
        if (row->has_db && !poll_run(c, d, row, wish, what, until_s, changed))
            all = false;
    }
    give_up(c);
    return all;
}
