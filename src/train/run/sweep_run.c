#include "config.h"

#include "train/run/sweep_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/run/experiment.h"
#include "train/run/sweep_rule.h"

enum { MAX_PARTS = 100 };

static const struct param params[] = {
    {.name = "sweep", .type = PARAM_TEXT, .fallback = "", .group = "sweep", .help = "What is varied."},
    {0}};

struct end {
    char how[16]; // "beaten", "skipped", "failed"; "" while it may still go on
    int64_t step;
    char why[300];
};
struct work {
    struct experiment x;
    struct part *parts;  // (x.n)
    struct end *ends;    // (x.n)
    struct sweep_curve *curves; // (x.n) of the metric
    int64_t *cursors;           // points that were read of each
    size_t *caps;
    int *judged; // evaluations of each that the rule has seen
    const json_t *plan;
    struct best by; // on: the metric and its direction
    bool stop_early;
    int grace;
    double looked_s; // at the queue and the metrics
};

// ---- settings ----

int sweep_open_settings(struct run *r, const json_t *settings, struct err *e)
{
    json_t *own = json_is_object(settings) ? json_copy((json_t *)settings) : json_object();
    r->plan = json_incref(json_object_get(own, "plan"));
    json_object_del(own, "plan");
    r->tables = (struct run_tables){{params, run_params}};
    settings_init(&r->settings, r->tables.list);
    int code = settings_from_json(&r->settings, own, e);
    const size_t n = json_array_size(json_object_get(r->plan, "parts"));
    if (!code && (n == 0 || n > MAX_PARTS || !json_string_value(json_object_get(r->plan, "objective"))))
        code = err_set(e, ERR_INPUT, "run %s holds no sweep: start one with attune sweep", r->name);
    json_decref(own);
    return code;
}

static const json_t *part_plan(const struct work *w, int i)
{
    return json_array_get(json_object_get(w->plan, "parts"), (size_t)i);
}

// ---- how parts ended ----

static char *ends_path(const struct run *r)
{
    return path_join(r->dir, "sweep.json");
}

static int write_ends(const struct work *w, struct err *e)
{
    json_t *all = json_object();
    char *path = ends_path(w->x.r);
    for (int i = 0; i < w->x.n; i++)
        if (w->ends[i].how[0])
            json_object_set_new(all, w->parts[i].name, json_pack("{s:s, s:I, s:s}", "how", w->ends[i].how, "step",
                                                                 (json_int_t)w->ends[i].step, "why", w->ends[i].why));
    int code = json_write(path, all, e);
    json_decref(all);
    free(path);
    return code;
}

static int read_ends(struct work *w, struct err *e)
{
    char *path = ends_path(w->x.r);
    json_t *all = NULL;
    int code = file_exists(path) ? json_read(path, 1 << 20, &all, e) : 0;
    for (int i = 0; i < w->x.n && !code; i++) {
        const json_t *one = json_object_get(all, w->parts[i].name);
        const char *how = json_string_value(json_object_get(one, "how")),
                   *why = json_string_value(json_object_get(one, "why"));
        text_copy(w->ends[i].how, sizeof w->ends[i].how, how ? how : "");
        text_copy(w->ends[i].why, sizeof w->ends[i].why, why ? why : "");
        w->ends[i].step = json_integer_value(json_object_get(one, "step"));
        w->x.parts[i].left_out = w->ends[i].how[0] != '\0';
    }
    json_decref(all);
    free(path);
    return code;
}

static int end_part(struct work *w, int i, const char *how, const char *why, struct err *e)
{
    struct end *end = &w->ends[i];
    struct run *r = w->x.r;
    text_copy(end->how, sizeof end->how, how);
    text_copy(end->why, sizeof end->why, why);
    end->step = w->parts[i].status.step;
    recorder_event(r->recorder, r->status.step, strcmp(how, "failed") == 0 ? "warn" : "info", "part", 0,
                   "%s is %s at step %lld: %s", w->parts[i].name, how, (long long)end->step, why);
    return write_ends(w, e);
}

// ---- while they work ----

static int prepare(struct experiment *x, int part, struct err *e)
{
    return 0; // all are there from the beginning
}

static bool rested(struct experiment *x, int i)
{
    struct work *w = x->with;
    struct err why = {0}, ignored = {0};
    if (w->ends[i].how[0]) // we have asked it to
        return true;
    const bool failed = w->parts[i].status.state != RUN_STOPPED;
    if (failed)
        part_fault(&w->parts[i], &why);
    end_part(w, i, failed ? "failed" : "skipped", failed ? why.text : "it was stopped by hand", &ignored);
    return true;
}

static bool is_queued(const struct part *p)
{
    return !p->works && !p->left_out && !p->was_started && p->status.state == RUN_QUEUED;
}

// A person took it out of the queue: a stop that came before it was started, or the run was hidden.
static int look_at_queue(struct work *w, int i, struct err *e)
{
    struct control controls[16];
    struct run_info info;
    int code = store_find_run(w->x.r->store, w->parts[i].name, &info, e);
    if (code)
        return code;
    bool out = info.hidden;
    run_info_fini(&info);
    const int n = out ? 0 : store_controls_after(w->x.r->store, w->parts[i].name, 0, controls, 16, NULL);
    for (int k = 0; k < n; k++)
        out |= controls[k].kind == CONTROL_STOP;
    if (!out)
        return 0;
    w->parts[i].left_out = true;
    return end_part(w, i, "skipped", "it was taken out of the queue", e);
}

static int read_curve(struct work *w, int i, struct err *e)
{
    struct sweep_curve *c = &w->curves[i];
    struct metric_point *points = NULL;
    int n = 0;
    if (!w->parts[i].reader)
        return 0;
    int code = run_reader_points(w->parts[i].reader, w->by.now.metric, &w->cursors[i], &points, &n, e);
    for (int k = 0; k < n && !code; k++) {
        while (c->n && c->points[c->n - 1].step >= points[k].step) // it went on from an earlier checkpoint
            c->n--;
        w->judged[i] = w->judged[i] > c->n ? c->n : w->judged[i];
        MEM_GROW(c->points, c->n, w->caps[i]);
        c->points[c->n++] = (struct sweep_point){points[k].step, points[k].value};
    }
    free(points);
    return code;
}

static int read_earlier(struct work *w, int i, struct err *e)
{
    int code = part_look(&w->parts[i], e);
    code = code < 0 ? code : w->by.on ? read_curve(w, i, e) : 0;
    w->judged[i] = w->curves[i].n;
    return code;
}

static int judge(struct work *w, struct err *e)
{
    int code = 0;
    for (int i = 0; i < w->x.n && !code; i++)
        code = read_curve(w, i, e);
    for (int i = 0; i < w->x.n && !code && w->stop_early; i++) {
        struct part *p = &w->parts[i];
        char why[300];
        bool beaten = false;
        for (; w->judged[i] < w->curves[i].n && !beaten; w->judged[i]++) // each once, with what is known then
            beaten = sweep_is_beaten(w->curves, w->x.n, i, w->judged[i], w->by.now.highest, w->grace);
        if (!p->works || w->ends[i].how[0] || !beaten)
            continue;
        snprintf(why, sizeof why, "its best %s is worse than what the others had on average (median stopping rule)",
                 w->by.now.metric);
        code = end_part(w, i, "beaten", why, e);
        part_ask_to_stop(p, w->x.r);
    }
    return code;
}

static int watch(struct experiment *x, struct err *e)
{
    struct work *w = x->with;
    const double now_s = clock_seconds();
    int code = 0;
    if (x->r->asked_to_stop || now_s - w->looked_s < 0.3)
        return 0;
    w->looked_s = now_s;
    for (int i = 0; i < x->n && !code; i++)
        if (is_queued(&w->parts[i]))
            code = look_at_queue(w, i, e);
    return code || !w->by.on ? code : judge(w, e);
}

static void report(struct experiment *x)
{
    struct run *r = x->r;
    int n_done = 0, n_out = 0, n_working = 0, n_known = 0;
    int64_t step = 0, total = 0;
    double tokens = 0, left = 0;
    for (int i = 0; i < x->n; i++) {
        const struct part *p = &x->parts[i];
        const struct run_status *s = &p->status;
        n_done += s->state == RUN_DONE;
        n_out += p->left_out;
        n_working += p->works;
        n_known += s->total_steps > 0 && !p->left_out;
        step += s->step;
        total += p->left_out ? s->step : s->total_steps;
        tokens += p->works ? s->tokens_per_s : 0;
        left = s->seconds_left > left ? s->seconds_left : left;
    }
    const int n_waiting = x->n - n_done - n_out - n_working;
    if (n_known && n_known + n_out < x->n) // as many as the others make, of those that have not begun
        total += (total / (n_known + n_out)) * (x->n - n_known - n_out);
    r->status.step = step;
    r->status.total_steps = total;
    r->status.tokens_per_s = tokens;
    r->status.seconds_left = n_working > 0 ? left * (1 + (double)n_waiting / n_working) : 0; // the others take as long
    run_phase(r, r->paused ? RUN_PAUSED : RUN_RUNNING, "%d of %d done, %d at work, %d waiting, %d left out", n_done,
              x->n, n_working, n_waiting, n_out);
}

// ---- the result ----

static double best_of(const struct sweep_curve *c, bool highest)
{
    double best = NAN;
    for (int i = 0; i < c->n; i++)
        if (isnan(best) || sweep_is_better(c->points[i].value, best, highest))
            best = c->points[i].value;
    return best;
}

// The best of those that were done; -1: none.
static int winner_of(const struct work *w)
{
    int best = -1;
    for (int i = 0; i < w->x.n; i++)
        if (w->parts[i].status.state == RUN_DONE &&
            (best < 0 || sweep_is_better(best_of(&w->curves[i], w->by.now.highest),
                                         best_of(&w->curves[best], w->by.now.highest), w->by.now.highest)))
            best = i;
    return best;
}

static int conclude(struct work *w, struct err *e)
{
    struct run *r = w->x.r;
    int n_done = 0, first_failed = -1, code = 0;
    for (int i = 0; i < w->x.n && !code; i++) {
        n_done += w->parts[i].status.state == RUN_DONE;
        if (first_failed < 0 && strcmp(w->ends[i].how, "failed") == 0)
            first_failed = i;
        code = w->by.on ? read_curve(w, i, e) : 0; // what came after the last look
    }
    if (!code && n_done == 0)
        return err_set(e, ERR_STATE, "none of the %d runs of the sweep was done%s%s", w->x.n, first_failed < 0 ? "" : ": ",
                       first_failed < 0 ? "" : w->ends[first_failed].why);
    if (code || !w->by.on) {
        snprintf(r->status.message, sizeof r->status.message, "%d of %d runs done", n_done, w->x.n);
        return code;
    }
    const int best = winner_of(w);
    snprintf(r->status.message, sizeof r->status.message, "%s is best by %s (%.4g), of %d done", w->parts[best].name,
             w->by.now.metric, best_of(&w->curves[best], w->by.now.highest), n_done);
    recorder_event(r->recorder, r->status.step, "info", "part", 0, "%s", r->status.message);
    return part_link_result(&w->parts[best], r, e);
}

// ---- all ----

static int open_parts(struct work *w, struct err *e)
{
    const char *objective = json_string_value(json_object_get(w->plan, "objective"));
    int code = 0;
    for (int i = 0; i < w->x.n && !code; i++) {
        const char *name = json_string_value(json_object_get(part_plan(w, i), "name"));
        const json_t *settings = json_object_get(part_plan(w, i), "settings");
        code = name && json_is_object(settings) ? part_find(&w->parts[i], w->x.r, name, objective, e)
                                                : err_set(e, ERR_INPUT, "part %d of run %s is damaged", i + 1, w->x.r->name);
        if (!code && !w->parts[i].exists)
            code = part_add(&w->parts[i], w->x.r, settings, e);
    }
    return code;
}

// The metric as keep-best names it in every part, which is checked as that is.
static int open_metric(struct work *w, struct err *e)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings first;
    int code = objective_find(&o, json_string_value(json_object_get(w->plan, "objective")), e);
    if (code || !json_is_string(json_object_get(w->plan, "by")))
        return code;
    run_settings_init(&first, &tables, o);
    code = settings_from_json(&first, json_object_get(part_plan(w, 0), "settings"), e);
    if (!code)
        code = settings_set(&first, "keep-best", json_string_value(json_object_get(w->plan, "by")), e);
    if (!code)
        code = best_open(&w->by, o, &first, NULL, e);
    settings_fini(&first);
    return code;
}

static void close_work(struct work *w)
{
    for (int i = 0; i < w->x.n; i++) {
        part_close(&w->parts[i]);
        free(w->curves[i].points);
    }
    free(w->parts);
    free(w->ends);
    free(w->curves);
    free(w->cursors);
    free(w->caps);
    free(w->judged);
    free(w);
}

int sweep_run(struct run *r, bool *stopped, struct err *e)
{
    static const struct experiment_ops ops = {.prepare = prepare, .rested = rested, .watch = watch, .report = report};
    struct work *w = mem_alloc(1, sizeof *w);
    const size_t n = json_array_size(json_object_get(r->plan, "parts"));
    w->plan = r->plan;
    w->parts = mem_alloc(n, sizeof *w->parts);
    w->ends = mem_alloc(n, sizeof *w->ends);
    w->curves = mem_alloc(n, sizeof *w->curves);
    w->cursors = mem_alloc(n, sizeof *w->cursors);
    w->caps = mem_alloc(n, sizeof *w->caps);
    w->judged = mem_alloc(n, sizeof *w->judged);
    const int64_t at_most = json_integer_value(json_object_get(r->plan, "at-most"));
    w->x = (struct experiment){
        .r = r, .ops = &ops, .with = w, .parts = w->parts, .n = (int)n, .at_most = at_most < 1 ? 1 : (int)at_most};
    w->stop_early = json_is_true(json_object_get(r->plan, "stop-early"));
    w->grace = (int)json_integer_value(json_object_get(r->plan, "grace"));
    int code = open_metric(w, e);
    if (!code)
        code = open_parts(w, e);
    if (!code)
        code = read_ends(w, e);
    for (int i = 0; i < w->x.n && !code; i++) // what an earlier life has judged
        code = read_earlier(w, i, e);
    if (!code)
        code = experiment_train(&w->x, e);
    *stopped = w->x.stopped;
    if (!code && !*stopped)
        code = conclude(w, e);
    close_work(w);
    return code;
}
