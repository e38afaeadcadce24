#include "config.h"

#include "train/run/paft_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/merge_folder.h"
#include "train/run/experiment.h"

enum { PART_SFT, PART_DPO, N_PARTS };
static const char *const suffixes[N_PARTS] = {"sft", "dpo"}; // and objectives

struct paft {
    struct experiment x;
    struct part parts[N_PARTS];
};

// ---- before ----

static int check_base(const struct run *r, struct err *e)
{
    const char *model = settings_text(&r->settings, "model");
    char *adapter = path_join(model, "adapter_config.json");
    int code = 0;
    if (text_ends(model, ".json"))
        code = err_set(e, ERR_USAGE, "paft starts from a trained model: give --model a folder, not %s", model);
    else if (file_exists(adapter))
        code = err_set(e, ERR_USAGE,
                       "%s is an adapter: paft merges changes of a whole model; make one first (attune export)", model);
    free(adapter);
    return code;
}

// Threads change no result: two engines at once share what one would take.
static int64_t threads_of(const struct settings *s)
{
    int64_t all = settings_int(s, "threads");
    if (all == 0)
        all = sysconf(_SC_NPROCESSORS_ONLN);
    if (!settings_bool(s, "parallel"))
        return settings_int(s, "threads");
    return all > 1 ? all / N_PARTS : 1;
}

// Whatever the part's objective has as well is the experiment's; changes are merged in f32 whatever is saved in the
// end.
static int part_settings(const struct run *r, int which, json_t **out, struct err *e)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings own;
    char number[32];
    int code = objective_find(&o, suffixes[which], e);
    if (code)
        return code;
    run_settings_init(&own, &tables, o);
    for (size_t i = 0; i < r->settings.n_items && !code; i++) {
        const char *name = r->settings.items[i].param->name;
        if (settings_find(&own, name) && *r->settings.items[i].text)
            code = settings_set(&own, name, r->settings.items[i].text, e);
    }
    snprintf(number, sizeof number, "%lld", (long long)threads_of(&r->settings));
    if (!code)
        code = settings_set(&own, "threads", number, e);
    if (!code)
        code = settings_set(&own, "dtype", "f32", e);
    if (!code && which == PART_SFT && settings_float(&r->settings, "sft-lr") > 0)
        code = settings_set(&own, "lr", settings_text(&r->settings, "sft-lr"), e);
    if (!code)
        *out = settings_to_json(&own, true);
    settings_fini(&own);
    return code;
}

static int open_part(struct paft *x, int which, struct err *e)
{
    struct part *p = &x->parts[which];
    json_t *settings = NULL;
    int code = part_find(p, x->x.r, suffixes[which], suffixes[which], e);
    if (!code && !p->exists && !(code = part_settings(x->x.r, which, &settings, e)))
        code = part_add(p, x->x.r, settings, e);
    json_decref(settings);
    return code;
}

// Both are there from the beginning.
static int prepare(struct experiment *x, int part, struct err *e)
{
    return 0;
}

static void report(struct experiment *x)
{
    struct run *r = x->r;
    int64_t total = 0, sum = 0;
    double left = 0, tokens = 0;
    for (int i = 0; i < x->n; i++) {
        const struct run_status *s = &x->parts[i].status;
        sum += s->step;
        total = s->total_steps > total ? s->total_steps : total;
        tokens += s->tokens_per_s;
        if (settings_bool(&r->settings, "parallel"))
            left = s->seconds_left > left ? s->seconds_left : left;
        else
            left += s->seconds_left;
    }
    r->status.step = sum / x->n;
    r->status.total_steps = total;
    r->status.seconds_left = left;
    r->status.tokens_per_s = tokens;
    run_phase(r, r->paused ? RUN_PAUSED : RUN_RUNNING, "%s step %lld, %s step %lld", x->parts[PART_SFT].name,
              (long long)x->parts[PART_SFT].status.step, x->parts[PART_DPO].name,
              (long long)x->parts[PART_DPO].status.step);
}

// ---- merging ----

static int merge(struct paft *x, const char *const *inputs, const char *out, struct merge_result *result,
                 struct err *e)
{
    const struct settings *s = &x->x.r->settings;
    struct merge_job job = {.base = settings_text(s, "model"),
                            .inputs = inputs,
                            .out = out,
                            .dtype = MERGE_F32,
                            .options = {.n = N_PARTS,
                                        .lambda = settings_float(s, "lambda"),
                                        .density = settings_float(s, "density"),
                                        .drop = settings_float(s, "drop"),
                                        .weights = {settings_float(s, "sft-weight"), settings_float(s, "dpo-weight")},
                                        .seed = (uint64_t)settings_int(s, "seed")}};
    while (strcmp(merge_methods[job.options.method], settings_text(s, "merge")) != 0)
        job.options.method++;
    const double sum = job.options.weights[0] + job.options.weights[1];
    for (int i = 0; i < N_PARTS && job.options.method == MERGE_LINEAR && sum > 0; i++)
        job.options.weights[i] /= sum;
    int code = file_remove_tree(out, e);
    return code ? code : merge_folders(&job, result, e);
}

// The weights of a folder into the run's model, which has the same table.
static int take_weights(struct run *r, const char *dir, struct err *e)
{
    struct model *m;
    int code = model_load(&m, dir, r->ops, r->backend, LOAD_FROZEN, e);
    if (code)
        return code;
    code = model_take(r->model, m, e);
    model_free(m);
    return code;
}

// Held-out accuracy and margin of either part beside those of the result.
static int judge_part(struct paft *x, int which, const char *dir, struct metric_list *out, struct err *e)
{
    static const char *const keys[N_PARTS][2] = {{"eval/sft/rewards/accuracies", "eval/sft/rewards/margins"},
                                                 {"eval/dpo/rewards/accuracies", "eval/dpo/rewards/margins"}};
    struct run *r = x->x.r;
    struct metric_list list = {0};
    if (!r->evaluator.data)
        return 0;
    int code = take_weights(r, dir, e);
    if (!code)
        code = evaluate(&r->evaluator, &list, e);
    if (code)
        return code;
    const double accuracy = metric_value(&list, "eval/rewards/accuracies"),
                 margin = metric_value(&list, "eval/rewards/margins");
    metric_add(out, keys[which][0], accuracy);
    metric_add(out, keys[which][1], margin);
    recorder_event(r->recorder, r->trainer->step, "info", "part", 0, "%s on held-out pairs: accuracy %.4g, margin %.4g",
                   x->parts[which].name, accuracy, margin);
    return 0;
}

static void report_merge(struct paft *x, const struct merge_result *m, struct metric_list *out)
{
    const struct merge_counts *sft = &m->report.inputs[PART_SFT], *dpo = &m->report.inputs[PART_DPO],
                              *all = &m->report.result;
    metric_add(out, "merge/sft/sparsity", merge_sparsity(sft));
    metric_add(out, "merge/dpo/sparsity", merge_sparsity(dpo));
    metric_add(out, "merge/sparsity", merge_sparsity(all));
    metric_add(out, "merge/l1_norm", all->l1);
    metric_add(out, "merge/sign_conflicts", merge_conflicts(all));
    recorder_event(
        x->x.r->recorder, x->x.r->trainer->step, "info", "merge", 0,
        "merged by %s: of %s's change %.1f %% is zero (l1 norm %.4g), of %s's %.1f %% (%.4g), of the merged one "
        "%.1f %% (%.4g); where anything changed they disagree in sign in %.1f %%",
        settings_text(&x->x.r->settings, "merge"), x->parts[PART_SFT].name, 100 * merge_sparsity(sft), sft->l1,
        x->parts[PART_DPO].name, 100 * merge_sparsity(dpo), dpo->l1, 100 * merge_sparsity(all), all->l1,
        100 * merge_conflicts(all));
}

static int merge_and_judge(struct paft *x, struct err *e)
{
    struct run *r = x->x.r;
    char *dirs[N_PARTS] = {0}, *out = path_join(r->dir, "merged");
    const int64_t steps = x->parts[PART_DPO].status.step;
    struct merge_result result;
    struct metric_list list = {0};
    int code = 0;
    for (int i = 0; i < N_PARTS && !code; i++)
        code = part_checkpoint(&x->parts[i], &dirs[i], e);
    run_phase(r, RUN_RUNNING, "merging");
    if (!code)
        code = merge(x, (const char *const *)dirs, out, &result, e);
    if (!code)
        code = run_load(r, e);
    if (!code) {
        r->trainer->step = r->total_steps = r->status.total_steps = r->status.step = steps;
        report_merge(x, &result, &list);
    }
    for (int i = 0; i < N_PARTS && !code; i++)
        code = judge_part(x, i, dirs[i], &list, e);
    if (!code)
        code = take_weights(r, out, e);
    if (!code)
        recorder_metrics(r->recorder, steps, &list);
    file_remove_tree(out, NULL); // the checkpoint will hold it
    for (int i = 0; i < N_PARTS; i++)
        free(dirs[i]);
    free(out);
    return code;
}

int paft_run(struct run *r, bool *stopped, struct err *e)
{
    static const struct experiment_ops ops = {.prepare = prepare, .report = report};
    struct paft x = {
        .x = {.r = r, .ops = &ops, .n = N_PARTS, .at_most = settings_bool(&r->settings, "parallel") ? N_PARTS : 1}};
    x.x.parts = x.parts;
    int code = check_base(r, e);
    for (int i = 0; i < N_PARTS && !code; i++)
        code = open_part(&x, i, e);
    if (!code)
        code = experiment_train(&x.x, e);
    *stopped = x.x.stopped;
    if (!code && !x.x.stopped)
        code = merge_and_judge(&x, e);
    for (int i = 0; i < N_PARTS; i++)
        part_close(&x.parts[i]);
    return code;
}
