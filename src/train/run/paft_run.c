#include "config.h"

#include "train/run/paft_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/merge_folder.h"
#include "train/run/loop.h"
#include "train/run/paft_parts.h"

struct experiment {
    struct run *r;
    struct part parts[N_PARTS];
    bool recorded[N_PARTS]; // the event that the part is done
    bool stopped;           // a part has come to rest before it was done
    int failure;            // of a part; the others are stopped then
    struct err fault;
};

static int64_t step_of(const struct experiment *x)
{
    int64_t sum = 0;
    for (int i = 0; i < N_PARTS; i++)
        sum += x->parts[i].status.step;
    return sum / N_PARTS;
}

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

// ---- steering ----

static void stop_all(struct experiment *x)
{
    x->r->asked_to_stop = true;
    for (int i = 0; i < N_PARTS; i++)
        part_ask_to_stop(&x->parts[i], x->r);
}

static void pass_on(struct run *r, void *with, enum control_kind kind)
{
    struct experiment *x = with;
    if (kind == CONTROL_STOP) {
        stop_all(x);
        return;
    }
    for (int i = 0; i < N_PARTS; i++)
        if (x->parts[i].pid || run_state_is_live(x->parts[i].status.state))
            store_post_control(r->store, x->parts[i].name, kind, "", "", NULL);
}

static int pass_on_checkpoint(struct run *r, void *with, struct err *e)
{
    pass_on(r, with, CONTROL_CHECKPOINT);
    return 0;
}

// A change goes to the parts that know the setting as one that may change; what only judges the result stays here.
static void pass_on_setting(struct run *r, void *with, const char *key, const char *value)
{
    struct experiment *x = with;
    for (int i = 0; i < N_PARTS; i++) {
        const struct objective *o;
        struct run_tables tables;
        struct settings own;
        if (objective_find(&o, part_objective(i), NULL))
            continue;
        run_settings_init(&own, &tables, o);
        if (settings_find(&own, key) && x->parts[i].status.state != RUN_DONE)
            store_post_control(r->store, x->parts[i].name, CONTROL_SET, key, value, NULL);
        settings_fini(&own);
    }
}

// ---- watching ----

static void report(struct experiment *x)
{
    struct run *r = x->r;
    int64_t total = 0;
    double left = 0, tokens = 0;
    for (int i = 0; i < N_PARTS; i++) {
        const struct run_status *s = &x->parts[i].status;
        total = s->total_steps > total ? s->total_steps : total;
        tokens += s->tokens_per_s;
        if (settings_bool(&r->settings, "parallel"))
            left = s->seconds_left > left ? s->seconds_left : left;
        else
            left += s->seconds_left;
    }
    r->status.step = step_of(x);
    r->status.total_steps = total;
    r->status.seconds_left = left;
    r->status.tokens_per_s = tokens;
    run_phase(r, r->paused ? RUN_PAUSED : RUN_RUNNING, "%s step %lld, %s step %lld", x->parts[PART_SFT].name,
              (long long)x->parts[PART_SFT].status.step, x->parts[PART_DPO].name,
              (long long)x->parts[PART_DPO].status.step);
}

// One look at all: *busy when something still works. A part that has ended in any other way than done ends the
// experiment.
static int look(struct experiment *x, bool *busy, struct err *e)
{
    struct run *r = x->r;
    bool may_start = !r->asked_to_stop && !r->paused;
    *busy = false;
    for (int i = 0; i < N_PARTS; i++) {
        struct part *p = &x->parts[i];
        const int works = part_look(p, e);
        if (works < 0)
            return works;
        if (works) {
            *busy = true;
        } else if (p->status.state == RUN_DONE) {
            if (!x->recorded[i])
                recorder_event(r->recorder, step_of(x), "info", "part", 0, "%s is done after %lld %s", p->name,
                               (long long)p->status.step, text_plural(p->status.step, "step", "steps"));
            x->recorded[i] = true;
            continue;
        } else if (p->was_started) {
            if (p->status.state != RUN_STOPPED)
                return part_fault(p, e);
            if (!r->asked_to_stop)
                recorder_event(r->recorder, step_of(x), "info", "stop", 0, "%s was stopped: so is its experiment",
                               p->name);
            x->stopped = true;
        } else if (may_start) {
            int code = part_start(p, r, e);
            if (code)
                return code;
            recorder_event(r->recorder, step_of(x), "info", "part", 0, "%s (%s) was started as process %d", p->name,
                           part_objective(i), (int)p->pid);
            *busy = true;
        } else {
            x->stopped |= r->asked_to_stop;
            *busy |= r->paused && !r->asked_to_stop;
        }
        may_start &= settings_bool(&r->settings, "parallel");
    }
    return 0;
}

// Done when all parts are, or when all of them have come to rest after a stop or a failure.
static int advance(struct run *r, void *with, bool *done, struct err *e)
{
    struct experiment *x = with;
    struct err ignored;
    bool busy = true;
    int code = look(x, &busy, x->failure ? &ignored : &x->fault);
    if (code && x->failure) { // said already: wait for what still works
        busy = false;
        for (int i = 0; i < N_PARTS; i++)
            busy |= part_look(&x->parts[i], &ignored) == 1;
    } else if (code) {
        x->failure = code;
        busy = true;
    }
    if ((x->failure || x->stopped) && !r->asked_to_stop)
        stop_all(x);
    report(x);
    if (busy)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    *done = !busy;
    return 0;
}

static int train_parts(struct experiment *x, struct err *e)
{
    static const struct run_work looking = {.advance = advance, .changed = pass_on_setting, .told = pass_on,
                                            .checkpoint = pass_on_checkpoint, .with_runs = true};
    struct err ignored;
    for (int i = 0; i < N_PARTS; i++) { // what an earlier life has left working hears people from the first
        const int works = part_look(&x->parts[i], e);
        if (works < 0)
            return works;
    }
    x->r->status.step = step_of(x);
    int code = run_loop(x->r, &looking, x, e);
    if (code && !x->r->asked_to_stop)
        stop_all(x);
    for (bool busy = code != 0; busy;) { // nothing may go on alone
        busy = false;
        for (int i = 0; i < N_PARTS; i++)
            busy |= part_look(&x->parts[i], &ignored) == 1;
        if (busy)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (x->failure)
        *e = x->fault;
    return x->failure ? x->failure : code;
}

// ---- merging ----

static int merge(struct experiment *x, const char *const *inputs, const char *out, struct merge_result *result,
                 struct err *e)
{
    const struct settings *s = &x->r->settings;
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
static int judge_part(struct experiment *x, int which, const char *dir, struct metric_list *out, struct err *e)
{
    static const char *const keys[N_PARTS][2] = {{"eval/sft/rewards/accuracies", "eval/sft/rewards/margins"},
                                                 {"eval/dpo/rewards/accuracies", "eval/dpo/rewards/margins"}};
    struct run *r = x->r;
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

static void report_merge(struct experiment *x, const struct merge_result *m, struct metric_list *out)
{
    const struct merge_counts *sft = &m->report.inputs[PART_SFT], *dpo = &m->report.inputs[PART_DPO],
                              *all = &m->report.result;
    metric_add(out, "merge/sft/sparsity", merge_sparsity(sft));
    metric_add(out, "merge/dpo/sparsity", merge_sparsity(dpo));
    metric_add(out, "merge/sparsity", merge_sparsity(all));
    metric_add(out, "merge/l1_norm", all->l1);
    metric_add(out, "merge/sign_conflicts", merge_conflicts(all));
    recorder_event(
        x->r->recorder, x->r->trainer->step, "info", "merge", 0,
        "merged by %s: of %s's change %.1f %% is zero (l1 norm %.4g), of %s's %.1f %% (%.4g), of the merged one "
        "%.1f %% (%.4g); where anything changed they disagree in sign in %.1f %%",
        settings_text(&x->r->settings, "merge"), x->parts[PART_SFT].name, 100 * merge_sparsity(sft), sft->l1,
        x->parts[PART_DPO].name, 100 * merge_sparsity(dpo), dpo->l1, 100 * merge_sparsity(all), all->l1,
        100 * merge_conflicts(all));
}

static int merge_and_judge(struct experiment *x, struct err *e)
{
    struct run *r = x->r;
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
    struct experiment x = {.r = r};
    int code = check_base(r, e);
    for (int i = 0; i < N_PARTS && !code; i++)
        code = part_open(&x.parts[i], r, i, e);
    if (!code)
        code = train_parts(&x, e);
    *stopped = x.stopped;
    if (!code && !x.stopped)
        code = merge_and_judge(&x, e);
    for (int i = 0; i < N_PARTS; i++)
        part_close(&x.parts[i]);
    return code;
}
