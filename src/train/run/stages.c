#include "config.h"

#include "train/run/stages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/data/order.h"
#include "train/learn/reference.h"
#include "train/run/run.h"

// ---- chunks ----

struct ease {
    int group;
    double margin;
};

static int easier(const void *a, const void *b)
{
    const struct ease *x = a, *y = b;
    if (x->margin != y->margin)
        return x->margin > y->margin ? -1 : 1;
    return x->group - y->group;
}

static void order_by_margin(struct stages *s, const struct dataset *d)
{
    struct ease *list = mem_alloc((size_t)d->n_groups, sizeof *list);
    for (int g = 0; g < d->n_groups; g++) {
        const double *refs = d->refs + d->groups[g].first_seq;
        list[g] = (struct ease){g, refs[0] - refs[1]};
    }
    qsort(list, (size_t)d->n_groups, sizeof *list, easier);
    for (int g = 0; g < d->n_groups; g++)
        s->groups[g] = list[g].group;
    free(list);
}

int stages_init(struct stages *s, const struct dataset *d, int n, bool easy_first, int64_t total_steps, struct err *e)
{
    if (d->n_groups < n || total_steps < n)
        return err_set(e, ERR_USAGE,
                       "%d examples and %lld steps cannot be cut into %d stages: give more of them, or fewer stages",
                       d->n_groups, (long long)total_steps, n);
    *s = (struct stages){.n = n, .now = -1, .groups = mem_alloc((size_t)d->n_groups, sizeof *s->groups)};
    for (int g = 0; g < d->n_groups; g++)
        s->groups[g] = g;
    if (easy_first)
        order_by_margin(s, d);
    for (int t = 0; t <= n; t++) {
        s->first[t] = (int)((int64_t)d->n_groups * t / n);
        s->begins[t] = (int64_t)llround((double)total_steps * s->first[t] / d->n_groups);
    }
    for (int t = 0; t < n; t++) // rounding must leave no stage without a step
        if (s->begins[t + 1] <= s->begins[t])
            s->begins[t + 1] = s->begins[t] + 1;
    return 0;
}

void stages_fini(struct stages *s)
{
    free(s->groups);
    *s = (struct stages){0};
}

int stages_at(const struct stages *s, int64_t step)
{
    int t = 0;
    while (t + 1 < s->n && step >= s->begins[t + 1])
        t++;
    return t;
}

bool *stages_wanted(const struct stages *s, int stage, int n_groups, int batch_size, uint64_t seed)
{
    const int n = s->first[stage + 1] - s->first[stage];
    const int64_t all = (s->begins[stage + 1] - s->begins[stage]) * batch_size;
    bool *wanted = mem_alloc((size_t)n_groups, sizeof *wanted);
    data_order_reach(n, seed, all, s->groups + s->first[stage], wanted);
    return wanted;
}

// ---- of a run ----

bool run_is_staged(const struct run *r)
{
    return settings_find(&r->settings, "stages") && settings_int(&r->settings, "stages") > 1;
}

static bool *wanted_now(const struct run *r, int stage)
{
    return stages_wanted(&r->stages, stage, r->train.n_groups, (int)settings_int(&r->settings, "batch-size"),
                         (uint64_t)settings_int(&r->settings, "seed"));
}

// References of either dataset from the weights as they are, or as they were kept. name: "reference-train-stage-2.bin".
static int fill(struct run *r, struct dataset *d, const bool *wanted, const char *name, const char *key,
                progress_fn progress, bool kept_only, struct err *e)
{
    char *path = path_join(r->dir, name), *from = NULL;
    const struct reference_options o = {.path = path,
                                        .model_key = key,
                                        .tail_cut = r->stages.tail_cut,
                                        .progress = progress,
                                        .from = key == r->model_key ? &from : NULL,
                                        .arg = r,
                                        .kept_only = kept_only,
                                        .max_batch_tokens = (int)settings_int(&r->settings, "max-batch-tokens")};
    int code = d->n_groups ? reference_fill(d, wanted, r->model, &o, e) : 0;
    run_report_borrowed(r, from);
    free(path);
    return code;
}

// In the middle of a run: a stop waits for nobody, and the loop then finds it and records it.
static bool go_on(void *arg, const char *what, int done, int all)
{
    struct run *r = arg;
    run_phase(r, r->status.state, "%s of stage %d: %d/%d", what, stages_at(&r->stages, r->trainer->step) + 1, done,
              all);
    return !signals_asked_to_stop() && !controls_hold_stop(&r->controls);
}

static int fill_stage(struct run *r, int stage, bool kept_only, struct err *e)
{
    char train[64], eval[64];
    struct str key = {0};
    snprintf(train, sizeof train, "reference-train-stage-%d.bin", stage + 1);
    snprintf(eval, sizeof eval, "reference-eval-stage-%d.bin", stage + 1);
    str_addf(&key, "%s stage %d", r->model_key, stage + 1);
    char *train_path = path_join(r->dir, train), *eval_path = path_join(r->dir, eval);
    bool *wanted = wanted_now(r, stage);
    // What an earlier life left here may come from other weights (a setting was changed on the way).
    int code = kept_only ? 0 : file_remove_tree(train_path, e);
    if (!code && !kept_only)
        code = file_remove_tree(eval_path, e);
    if (!code)
        code = fill(r, &r->train, wanted, train, str_text(&key), go_on, kept_only, e);
    if (!code)
        code = fill(r, &r->eval, NULL, eval, str_text(&key), go_on, kept_only, e);
    free(wanted);
    free(train_path);
    free(eval_path);
    str_fini(&key);
    return code;
}

int run_load_stages(struct run *r, double tail_cut, struct err *e)
{
    const int n = (int)settings_int(&r->settings, "stages");
    const bool easy_first = strcmp(settings_text(&r->settings, "order"), "easy-first") == 0;
    int code = 0;
    if (easy_first) { // how easy a pair is, the initial model says of all of them
        r->stages.tail_cut = tail_cut;
        code = fill(r, &r->train, NULL, "reference-train.bin", r->model_key, run_loading, false, e);
    }
    if (!code)
        code = stages_init(&r->stages, &r->train, n, easy_first, r->total_steps, e);
    if (code)
        return code;
    r->stages.tail_cut = tail_cut;
    bool *wanted = wanted_now(r, 0);
    code = fill(r, &r->train, wanted, "reference-train.bin", r->model_key, run_loading, false, e);
    free(wanted);
    return code ? code : fill(r, &r->eval, NULL, "reference-eval.bin", r->model_key, run_loading, false, e);
}

static void take_stage(struct run *r, int stage)
{
    struct stages *s = &r->stages;
    group_source_take_part(r->trainer->source, s->groups + s->first[stage], s->first[stage + 1] - s->first[stage],
                     s->begins[stage] * r->trainer->options.batch_size);
    s->now = stage;
}

int run_resume_stage(struct run *r, struct err *e)
{
    struct stages *s = &r->stages;
    const int stage = s->n ? stages_at(s, r->trainer->step) : 0;
    if (!s->n || r->trainer->step == s->begins[stage])
        return 0; // run_enter_stage begins it
    int code = stage > 0 ? fill_stage(r, stage, true, e) : 0;
    if (!code)
        take_stage(r, stage);
    return code;
}

int run_enter_stage(struct run *r, struct err *e)
{
    struct stages *s = &r->stages;
    const int stage = s->n ? stages_at(s, r->trainer->step) : 0;
    if (!s->n || s->now == stage)
        return 0;
    int code = stage > 0 ? fill_stage(r, stage, false, e) : 0;
    if (code)
        return code;
    take_stage(r, stage);
    recorder_event(r->recorder, r->trainer->step + 1, "info", "stage", 0,
                   "stage %d of %d: %d examples, steps %lld to %lld; the reference is %s", stage + 1, s->n,
                   s->first[stage + 1] - s->first[stage], (long long)s->begins[stage] + 1,
                   (long long)s->begins[stage + 1],
                   stage ? "the model as it is now" : "the model that the run started from");
    run_phase(r, RUN_RUNNING, "training");
    return 0;
}
