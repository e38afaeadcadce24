#include "config.h"

#include "ui/runs/run_list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/labels.h"

static const char *const value_keys[VALUE_N] = {
    [VALUE_LOSS] = "loss", [VALUE_MARGIN] = "rewards/margins", [VALUE_ACCURACY] = "rewards/accuracies",
    [VALUE_KL] = "kl", [VALUE_LENGTH] = "completions/mean_length", [VALUE_LR] = "lr",
    [VALUE_DECODE] = "rollout/tokens_per_s",
};

const char *run_value_key(enum run_value value)
{
    return value_keys[value];
}

void run_list_init(struct run_list *l, struct store *s)
{
    *l = (struct run_list){.store = s, .store_stamp = -1};
}

static void close_reader(struct run_row *r)
{
    if (r->reader)
        r->list->n_open--;
    run_reader_close(r->reader);
    r->reader = NULL;
}

static void row_free(struct run_row *r)
{
    close_reader(r);
    free(r->extras);
    run_info_fini(&r->info);
    json_decref(r->settings);
    free(r);
}

void run_list_let_go(struct run_list *l)
{
    for (int i = 0; i < l->n_left; i++)
        row_free(l->left[i]);
    l->n_left = 0;
}

void run_list_fini(struct run_list *l)
{
    run_list_let_go(l);
    free(l->left);
    for (int i = 0; i < l->n; i++)
        row_free(l->rows[i]);
    free(l->rows);
    *l = (struct run_list){0};
}

struct run_row *run_list_find(const struct run_list *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->rows[i]->info.name, name) == 0)
            return l->rows[i];
    return NULL;
}

void run_list_select(struct run_list *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->rows[i]->info.name, name) == 0)
            l->rows[i]->selected = true;
}

int run_list_selected(const struct run_list *l, struct run_row **out, int max)
{
    int n = 0;
    for (int i = 0; i < l->n && n < max; i++)
        if (l->rows[i]->selected)
            out[n++] = l->rows[i];
    return n;
}

int run_list_parts(const struct run_list *l, const struct run_row *run, struct run_row **out, int max)
{
    size_t name = strlen(run->info.name);
    int n = 0;
    for (int i = 0; i < l->n && n < max; i++)
        if (strncmp(l->rows[i]->info.name, run->info.name, name) == 0 && l->rows[i]->info.name[name] == '.')
            out[n++] = l->rows[i];
    return n;
}

// The rows stand in the order of their ids.
static struct run_row *find_id(struct run_row **rows, int n, int64_t id)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (rows[middle]->info.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && rows[low]->info.id == id ? rows[low] : NULL;
}

// Makes the rows those of the store. Rows that stay keep their address, letter and selection.
static int reload(struct run_list *l, struct err *e)
{
    struct run_info *infos;
    int n;
    int code = store_runs_on(l->store, l->shelf, &infos, &n, e);
    if (code)
        return code;
    struct run_row **rows = mem_alloc((size_t)n + 1, sizeof *rows);
    for (int i = 0; i < n; i++) {
        struct run_row *row = find_id(l->rows, l->n, infos[i].id);
        if (!row) {
            row = mem_alloc(1, sizeof *row);
            row->list = l;
            row->used_s = -1e9;
            row->index = (int)((infos[i].id - 1) % 100000);
            row->letter = (char)('a' + row->index % 16);
            row->version = -1;
            row->looked_s = -1e9;
            row->seen_step = -1;
            row->health_version = row->extras_version = -2;
            row->settings = json_copy(infos[i].settings);
            health_init(&row->health);
            for (int v = 0; v < VALUE_N; v++)
                row->values[v] = NAN;
            row->sampling_share = NAN;
        } else {
            run_info_fini(&row->info);
        }
        row->info = infos[i]; // taken over
        rows[i] = row;
    }
    free(infos);
    for (int i = 0; i < l->n; i++)
        if (!find_id(rows, n, l->rows[i]->info.id)) {
            MEM_GROW(l->left, l->n_left, l->left_cap);
            l->left[l->n_left++] = l->rows[i];
        }
    free(l->rows);
    l->rows = rows;
    l->n = n;
    return 0;
}

enum { PIECE = 2048 }; // points read at once: a millisecond or two

static int read_spark(struct run_row *r, double until_s, struct err *e)
{
    bool margin = isfinite(r->values[VALUE_MARGIN]);
    if (r->spark.n == 0 || margin != r->spark_is_margin) {
        r->spark = (struct course){0};
        r->spark_cursor = 0;
        r->spark_is_margin = margin;
    }
    do {
        struct metric_point *points;
        int n;
        int code = run_reader_points_some(r->reader, value_keys[margin ? VALUE_MARGIN : VALUE_LOSS], &r->spark_cursor, PIECE,
                                          &points, &n, e);
        if (code)
            return code;
        for (int i = 0; i < n; i++)
            course_add(&r->spark, points[i].value);
        free(points);
        r->spark_is_behind = n == PIECE;
    } while (r->spark_is_behind && clock_seconds() < until_s);
    return 0;
}

static double setting_number(const struct run_row *r, const char *name)
{
    const json_t *value = json_object_get(r->settings, name);
    double number = 0;
    if (json_is_number(value))
        return json_number_value(value);
    return json_is_string(value) && text_to_double(json_string_value(value), &number) ? number : 0;
}

// What the health has not seen yet, a piece of each metric; *whole: all of it was read.
static int read_health(struct run_row *r, bool *whole, struct err *e)
{
    *whole = true;
    for (int m = 0; m < HEALTH_METRICS; m++) {
        struct metric_point *points;
        int n;
        int code = run_reader_points_some(r->reader, health_metric_key((enum health_metric)m), &r->health_cursor[m],
                                          PIECE, &points, &n, e);
        if (code)
            return code;
        bool again = n > 0 && points[0].step <= r->health.step[m];
        for (int i = 0; i < n && !again; i++)
            health_add(&r->health, (enum health_metric)m, points[i].step, points[i].value);
        free(points);
        const bool more = n == PIECE;
        *whole = *whole && !more && !again;
        if (again) { // continued from an earlier checkpoint: what came after it counts no more
            health_init(&r->health);
            memset(r->health_cursor, 0, sizeof r->health_cursor);
            return 0;
        }
        if (more && clock_seconds() >= r->list->health_until_s)
            return 0;
    }
    return 0;
}

static bool is_training(const struct run_row *r)
{
    return r->status.state == RUN_RUNNING && (!r->status.phase[0] || strcmp(r->status.phase, "training") == 0);
}

// True when what is to be said of the run's health changed.
static bool judge(struct run_row *r, double now_s)
{
    struct str why = {0};
    const struct health_rule *before = r->alert;
    if (!is_training(r) || r->status.step != r->seen_step) {
        r->seen_step = r->status.step;
        r->seen_step_s = now_s;
    }
    // Whole tens of seconds, so that an idle screen stays as it is.
    r->health.idle_s = is_training(r) ? floor((now_s - r->seen_step_s) / 10) * 10 : 0;
    double beta = setting_number(r, "beta");
    r->health.beta = beta > 0 ? beta : 0;
    r->alert = health_worst(&r->health, &why, NULL);
    bool changed = r->alert != before || strcmp(str_text(&why), r->alert_text) != 0;
    text_copy(r->alert_text, sizeof r->alert_text, str_text(&why));
    str_fini(&why);
    return changed;
}

static bool folder_is_there(const struct run_list *l, const struct run_row *r)
{
    char *dir = store_run_dir(l->store, r->info.name);
    bool is_there = file_is_dir(dir);
    free(dir);
    return is_there;
}

// Changes when somebody writes to run.db, whether it is open here or not.
static int64_t files_stamp(const struct run_row *r)
{
    static const char *const names[] = {"run.db", "run.db-wal"};
    char *dir = store_run_dir(r->list->store, r->info.name);
    uint64_t stamp = 0; // it wraps
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        char *path = path_join(dir, names[i]);
        if (stat(path, &st) == 0)
            stamp = stamp * 31 + (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
                    (uint64_t)st.st_size;
        free(path);
    }
    free(dir);
    return (int64_t)stamp;
}

static int open_reader(struct run_row *r, struct err *e)
{
    if (r->reader)
        return 0;
    char *dir = store_run_dir(r->list->store, r->info.name);
    int code = run_reader_open(&r->reader, dir, e);
    free(dir);
    if (!code) {
        r->list->n_open++;
        r->n_opened++;
        r->has_db = true;
    }
    return code;
}

struct run_reader *run_row_reader(struct run_row *r)
{
    struct err ignored = {0};
    r->used_s = clock_seconds();
    return r->has_db && open_reader(r, &ignored) == 0 ? r->reader : NULL;
}

// What the database counts starts again with every opening.
static int64_t version_of(struct run_row *r)
{
    return r->reader ? r->n_opened << 32 | (run_reader_version(r->reader) & 0xffffffff) : -1;
}

// The folder was deleted: what an open file still shows of the run is no more.
static void lose(struct run_row *r)
{
    close_reader(r);
    r->has_db = false;
    r->status = (struct run_status){0};
    r->alert = NULL;
    r->n_waiting = 0;
    r->is_missing = true;
    for (int v = 0; v < VALUE_N; v++)
        r->values[v] = NAN;
}

static int read_waiting(const struct run_list *l, struct run_row *r, struct err *e)
{
    struct pair_ref *waiting = NULL;
    int code = labels_waiting(l->store, r->reader, r->info.name, labels_annotator(), &waiting, &r->n_waiting, e);
    free(waiting);
    return code;
}

static int read_row(const struct run_list *l, struct run_row *r, bool all, struct err *e)
{
    if (!folder_is_there(l, r)) {
        lose(r);
        return err_set(e, ERR_NOT_FOUND, "its folder runs/%s is gone: D removes it, C makes a new run with its "
                       "settings", r->info.name);
    }
    r->is_missing = false;
    struct err fault = {0};
    int opened = open_reader(r, &fault);
    if (opened == ERR_NOT_FOUND)
        return 0; // queued: nobody has taken it up yet
    if (opened)
        return err_set(e, opened, "%s", fault.text);
    int code = run_reader_status(r->reader, &r->status, e);
    if (!code)
        code = run_reader_latest(r->reader, value_keys, VALUE_N, r->values, e);
    if (!code && isfinite(r->values[VALUE_DECODE]))
        code = run_reader_share(r->reader, "rollout/wait_s", "step_s", &r->sampling_share, e);
    if (!code)
        code = store_changed_settings(l->store, r->info.name, &r->control_id, r->status.control_id, r->settings, e);
    r->n_waiting = 0;
    if (!code && r->status.state != RUN_DONE)
        code = read_waiting(l, r, e);
    if (!code && l->want_spark && (all || l->n_unread == 0))
        code = read_spark(r, all ? INFINITY : l->health_until_s, e);
    return code;
}

// Some of its course is still to be read.
static bool is_behind(const struct run_list *l, const struct run_row *r)
{
    return r->has_db && ((!l->no_health && r->health_version != r->version) ||
                         (l->wants.n && r->extras_version != r->version) || (l->want_spark && r->spark_is_behind));
}

// Of runs that have ended, a file that nobody writes to needs no more than a look at its times now and then.
static bool needs_look(const struct run_list *l, struct run_row *r, double now_s, bool all)
{
    const bool live = run_state_is_live(r->status.state);
    if (r->looked_s < 0)
        return true;
    if (!r->has_db)
        return all || now_s - r->looked_s >= 0.5;
    if (is_behind(l, r) ||
        (l->want_spark && r->spark.n == 0 && (isfinite(r->values[VALUE_LOSS]) || isfinite(r->values[VALUE_MARGIN]))))
        return true;
    if (all)
        return live || r->reader || !folder_is_there(l, r) || files_stamp(r) != r->stamp;
    // A live run whose process is gone writes nothing that would change the version.
    if (live && now_s - r->looked_s >= 1)
        return true;
    if (!live && now_s - r->looked_s < (r->reader ? 0.9 : 5))
        return false;
    if (!folder_is_there(l, r))
        return true;
    if (!live && (!r->reader || now_s - r->looked_s >= 10)) {
        if (files_stamp(r) == r->stamp) {
            r->looked_s = now_s;
            return false;
        }
        return true;
    }
    return version_of(r) != r->version;
}

// What is wanted beside the usual values.
static void read_extras(struct run_list *l, struct run_row *r, int64_t version, struct err *e)
{
    bool whole = false;
    if (!r->extras) {
        r->extras = mem_alloc((size_t)l->wants.n + 1, sizeof *r->extras);
        for (int i = 0; i < l->wants.n; i++)
            r->extras[i] = run_extra_none();
    }
    if (run_extras_read(&l->wants, r->extras, r->reader, l->health_until_s, &whole, e) || whole)
        r->extras_version = version;
}

// Few files stay open: those of live runs, and of the ones that somebody reads.
static void keep_few_open(struct run_list *l, struct run_row *r)
{
    enum { MANY = 48 };
    if (r->reader && l->n_open > MANY && !run_state_is_live(r->status.state) && clock_seconds() - r->used_s > 5)
        close_reader(r);
}

static bool look(struct run_list *l, struct run_row *r, double now_s, bool all)
{
    struct run_status before = r->status;
    int64_t version_before = r->version;
    int n_waiting = r->n_waiting; // changes with attune.db
    bool had_db = r->has_db, was_unread = r->looked_s < 0, was_behind = is_behind(l, r);
    int n_spark = r->spark.n; // it is read first when a wide terminal shows it
    char trouble_before[sizeof r->trouble];
    memcpy(trouble_before, r->trouble, sizeof trouble_before);
    struct err fault = {0};
    r->trouble[0] = '\0';
    // Stamp and version are taken first: what is committed while we read makes the next look read again.
    int64_t stamp = files_stamp(r), version = r->has_db && open_reader(r, &fault) == 0 ? version_of(r) : -1;
    fault = (struct err){0};
    if (r->reader)
        run_reader_begin(r->reader);
    if (read_row(l, r, all, &fault))
        text_copy(r->trouble, sizeof r->trouble, fault.text);
    bool whole = false, judged = false;
    // All rows have their state and newest values before the course of any is read.
    const bool in_time = (all || l->n_unread == 0) && clock_seconds() < l->health_until_s;
    if (r->reader && !r->trouble[0] && l->wants.n && in_time && (r->extras_version != version || !r->extras))
        read_extras(l, r, version, &fault);
    if (r->reader && !r->trouble[0] && in_time && !l->no_health && read_health(r, &whole, &fault) == 0)
        judged = judge(r, now_s);
    if (r->reader)
        run_reader_end(r->reader);
    if (whole || !r->reader || r->trouble[0] || fault.code)
        r->health_version = version;
    if (!r->reader || r->trouble[0])
        r->extras_version = version;
    r->version = version;
    r->stamp = stamp;
    r->looked_s = now_s;
    keep_few_open(l, r);
    return judged || was_unread || was_behind != is_behind(l, r) || n_spark != r->spark.n || n_waiting != r->n_waiting ||
           version != version_before || had_db != r->has_db || before.state != r->status.state ||
           strcmp(trouble_before, r->trouble) != 0;
}

static int64_t stamp_of(const struct run_list *l)
{
    struct stat st;
    char *path = path_join(store_dir(l->store), "attune.db");
    int64_t stamp = 0;
    if (stat(path, &st) == 0)
        stamp = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec + (int64_t)st.st_size;
    free(path);
    return stamp;
}

bool run_list_poll(struct run_list *l, double now_s, bool all, struct err *e)
{
    bool changed = false;
    if (all || now_s >= l->next_list_s) {
        l->next_list_s = now_s + 0.95;
        int64_t stamp = stamp_of(l);
        if (all || stamp != l->store_stamp) {
            int n = l->n;
            if (reload(l, e) == 0)
                l->store_stamp = stamp;
            changed = true;
            if (l->n != n)
                l->next_row = 0;
        }
    }
    l->n_unread = 0;
    for (int i = 0; i < l->n; i++)
        l->n_unread += l->rows[i]->looked_s < 0;
    const bool first = l->n_unread == l->n; // what can be there at once is shown at once
    double until = clock_seconds() + (first ? 0.01 : 0.005);
    l->health_until_s = clock_seconds() + (all ? 0.1 : first ? 0.01 : 0.005); // the rest between keys
    for (int k = 0; k < (first ? 2 * l->n : l->n); k++) {
        if (l->next_row >= l->n)
            l->next_row = 0;
        struct run_row *r = l->rows[l->n - 1 - l->next_row++]; // the newest first
        const bool unread = r->looked_s < 0;
        if (needs_look(l, r, now_s, all))
            changed |= look(l, r, now_s, all);
        l->n_unread -= unread;
        if (!all && (clock_seconds() > until || (l->hurries && l->hurries())))
            break;
    }
    l->n_live = l->n_behind = 0;
    for (int i = 0; i < l->n; i++) {
        l->n_live += l->rows[i]->has_db && run_state_is_live(l->rows[i]->status.state);
        l->n_behind += is_behind(l, l->rows[i]);
    }
    if (changed)
        l->generation++;
    return changed;
}

void run_list_read(struct run_list *l, struct err *e)
{
    run_list_poll(l, clock_seconds(), true, e);
    while (l->n_unread + l->n_behind > 0 && !e->code)
        run_list_poll(l, clock_seconds(), false, e);
}

void run_list_show(struct run_list *l, enum run_shelf shelf)
{
    if (l->shelf == shelf)
        return;
    l->shelf = shelf;
    l->next_list_s = 0;
    l->store_stamp = -1;
}

void run_list_want(struct run_list *l, const char *const *names, int n)
{
    struct err ignored = {0};
    if (run_wants_same(&l->wants, names, n))
        return;
    l->wants.n = 0;
    l->next_row = 0; // the newest are read first
    for (int i = 0; i < n && l->wants.n < WANTS_MAX; i++)
        if (run_want_parse(names[i], &l->wants.list[l->wants.n], &ignored) == 0)
            l->wants.n++;
    for (int i = 0; i < l->n; i++) {
        free(l->rows[i]->extras);
        l->rows[i]->extras = NULL;
        l->rows[i]->extras_version = -2;
    }
    l->generation++;
}
