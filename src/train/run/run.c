#include "config.h"

#include "train/run/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/run/feedback.h"
#include "train/run/loop.h"
#include "train/run/paft_run.h"
#include "train/run/recipe_run.h"
#include "train/run/sweep_run.h"

static bool due(const struct run *r, const char *setting)
{
    const int64_t every = settings_int(&r->settings, setting);
    return every > 0 && r->trainer->step % every == 0;
}

// ---- live changes ----

static void take_settings(struct run *r)
{
    const struct trainer_options now = run_trainer_options(r);
    r->trainer->options.optimizer = now.optimizer;
    memcpy(r->trainer->options.objective.values, now.objective.values, sizeof now.objective.values);
    r->trainer->options.objective.correction = now.objective.correction;
}

// What was in force at the checkpoint: live settings only, the rest is the run's own.
static int take_live_settings(struct run *r, const json_t *saved, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)saved, name, value) {
        const struct param *p = settings_find(&r->settings, name);
        if (!p || !p->live || json_is_null(value))
            continue;
        json_t *one = json_pack("{s:O}", name, value);
        int code = settings_from_json(&r->settings, one, e);
        json_decref(one);
        if (code)
            return code;
    }
    take_settings(r);
    return 0;
}

// ---- checkpoints ----

static struct checkpoint_facts facts_of(const struct run *r)
{
    return (struct checkpoint_facts){r->objective->name, r->model_key, r->train.hash};
}

static int save(struct run *r, struct err *e)
{
    static const char *const dtypes[] = {"f32", "bf16", "f16"};
    const struct checkpoint_facts facts = facts_of(r);
    const char *dtype = settings_text(&r->settings, "dtype");
    enum save_dtype as = SAVE_F32;
    for (int i = 0; i < 3; i++)
        if (strcmp(dtype, dtypes[i]) == 0)
            as = (enum save_dtype)i;
    if (r->saved_step == r->trainer->step)
        return 0;
    // What was recorded up to this step must be there before the checkpoint is: resuming keeps it.
    int code = recorder_flush(r->recorder, e);
    if (code)
        return code;
    char *name;
    json_t *settings = settings_to_json(&r->settings, true);
    if (r->best.on)
        json_object_set_new(settings, "best", best_to_json(&r->best));
    const enum run_state state = r->status.state;
    run_phase(r, state, "writing the checkpoint of step %lld", (long long)r->trainer->step);
    code = checkpoint_write(r->trainer, r->dir, &facts, settings, &r->rules, as, (int)settings_int(&r->settings, "keep"),
                            &name, e);
    json_decref(settings);
    run_phase(r, state, "%s", state == RUN_RUNNING ? "training" : state == RUN_PAUSED ? "paused" : "");
    if (code)
        return code;
    recorder_checkpoint(r->recorder, r->trainer->step, name);
    recorder_event(r->recorder, r->trainer->step, "info", "checkpoint", 0, "saved checkpoints/%s", name);
    free(r->last_checkpoint);
    r->last_checkpoint = name;
    r->saved_step = r->trainer->step;
    return 0;
}

static int resume(struct run *r, struct run_writer *writer, struct err *e)
{
    int64_t step;
    char *folder = checkpoint_latest(r->dir, &step);
    struct run_status before;
    int code = run_writer_last_status(writer, &before, e);
    if (!code && before.state != RUN_QUEUED) {
        // What a beginning measures, at step 0 or where it forks, is measured again.
        const bool begins = !folder || (r->parent && step == r->parent_step);
        code = run_writer_rewind(writer, !folder ? -1 : begins ? step - 1 : step, e);
        if (!code)
            r->status.control_id = before.control_id;
        r->status.step = folder ? step : 0; // what people see while the engine loads, or when it cannot
        r->status.total_steps = before.total_steps;
    }
    if (!code && folder && before.state == RUN_QUEUED)
        r->status.step = step; // of a fork
    if (!code && !folder && r->parent)
        code = err_set(e, ERR_STATE,
                       "%s goes on from step %lld of %s, but that checkpoint is not in %s/checkpoints: fork %s again",
                       r->name, (long long)r->parent_step, r->parent, r->dir, r->parent);
    if (folder)
        r->last_checkpoint = mem_strdup(path_base(folder));
    free(folder);
    return code;
}

// Before its own first checkpoint: what stands there is another run's, the settings in force are this one's, and it is
// measured as it stands, so that both branches have the step in common.
static int restore_fork(struct run *r, const char *folder, struct err *e)
{
    const struct checkpoint_facts facts = facts_of(r);
    int code = checkpoint_fork(r->trainer, folder, &facts, e);
    if (!code && r->best.on)
        code = best_publish(&r->best, r->dir, e);
    if (!code)
        code = controls_load_replays(&r->controls, r->dir, r->parent_step, e);
    if (!code)
        code = run_resume_stage(r, e);
    if (code)
        return code;
    recorder_checkpoint(r->recorder, r->parent_step, path_base(folder));
    recorder_event(r->recorder, r->parent_step, "info", "fork", 0, "goes on from step %lld of %s", (long long)r->parent_step,
                   r->parent);
    r->saved_step = r->parent_step;
    return 0;
}

static int restore(struct run *r, struct err *e)
{
    int64_t step;
    json_t *saved = NULL;
    const struct checkpoint_facts facts = facts_of(r);
    char *folder = checkpoint_latest(r->dir, &step);
    if (!folder) {
        int code = r->best.on ? best_publish(&r->best, r->dir, e) : 0;
        if (!code && r->feedback)
            code = feedback_resume(r->feedback, 0, e);
        return code ? code : controls_load_replays(&r->controls, r->dir, 0, e);
    }
    if (r->parent && step == r->parent_step) {
        int code = restore_fork(r, folder, e);
        free(folder);
        return code;
    }
    int code = checkpoint_restore(r->trainer, folder, &facts, &saved, e);
    if (!code)
        code = take_live_settings(r, saved, e);
    if (!code && r->best.on)
        code = best_from_json(&r->best, json_object_get(saved, "best"), folder, e);
    if (!code && r->best.on) // the kill may have come before it was written
        code = best_publish(&r->best, r->dir, e);
    if (!code && r->best.on)
        checkpoint_remove_old(r->dir, (int)settings_int(&r->settings, "keep"));
    if (!code)
        code = controls_load_replays(&r->controls, r->dir, step, e);
    if (!code)
        code = run_resume_stage(r, e);
    if (!code && r->feedback)
        code = feedback_resume(r->feedback, step, e);
    if (!code) {
        recorder_checkpoint(r->recorder, step, path_base(folder));
        recorder_event(r->recorder, step, "info", "resume", 0, "continued from checkpoints/%s", path_base(folder));
        r->saved_step = r->evaluated_step = r->probed_step = step;
    }
    json_decref(saved);
    free(folder);
    return code;
}

// ---- watching ----

// What was just measured, beside the best so far. A better one has its checkpoint before anything names it.
static int look_for_best(struct run *r, const struct metric_list *list, struct err *e)
{
    const struct best was = r->best;
    const int64_t step = r->trainer->step;
    bool improved = false;
    int code = best_look(&r->best, list, step, &improved, e);
    if (code || !improved)
        return code;
    if (was.known)
        recorder_event(r->recorder, step, "info", "best", 0, "%s is %.4g, the best so far (%.4g at step %lld)",
                       was.now.metric, r->best.now.value, was.now.value, (long long)was.now.step);
    code = save(r, e);
    if (!code)
        code = best_publish(&r->best, r->dir, e);
    if (!code)
        checkpoint_remove_old(r->dir, (int)settings_int(&r->settings, "keep"));
    return code;
}

static int watch(struct run *r, bool evaluate_now, bool probe_now, struct err *e)
{
    const int64_t step = r->trainer->step;
    struct metric_list list = {0};
    int code = 0;
    if (evaluate_now && r->evaluator.data && r->evaluated_step != step) {
        run_phase(r, r->status.state, "evaluating %d held-out examples", r->eval.n_groups);
        code = evaluate(&r->evaluator, &list, e);
        r->evaluated_step = step;
    }
    if (!code && probe_now && r->prober && r->probed_step != step) {
        run_phase(r, r->status.state, "sampling responses to held-out prompts");
        code = probe(r->prober, r->recorder, &list, e);
        r->probed_step = step;
    }
    if (!code && list.n) {
        recorder_metrics(r->recorder, step, &list);
        run_phase(r, r->status.state, "training");
    }
    return code || !r->best.on || (step > 0 && !list.n) ? code : look_for_best(r, &list, e);
}

static void report_step(struct run *r, const struct step_result *step)
{
    const double keep = r->seconds_per_step > 0 ? 0.9 : 0;
    r->seconds_per_step = keep * r->seconds_per_step + (1 - keep) * step->seconds;
    r->tokens_per_s = keep * r->tokens_per_s + (1 - keep) * (double)step->n_tokens / step->seconds;
    r->status.step = step->step;
    r->status.tokens_per_s = r->tokens_per_s;
    r->status.seconds_left = (double)(r->total_steps - step->step) * r->seconds_per_step;
    recorder_metrics(r->recorder, step->step, &step->metrics);
    recorder_status(r->recorder, &r->status);
}

// ---- training ----

static int fail_nonfinite(struct run *r, struct err *e)
{
    struct str last = {0};
    if (r->last_checkpoint)
        str_addf(&last, "the last good checkpoint is checkpoints/%s", r->last_checkpoint);
    else
        str_add(&last, "there is no checkpoint yet");
    recorder_event(r->recorder, r->trainer->step + 1, "error", "nonfinite", 0, "%s; %s", e->text, str_text(&last));
    str_add(&last, ": ");
    err_prefix(e, "%s", str_text(&last));
    str_fini(&last);
    return ERR_NUMERIC;
}

static void changed(struct run *r, void *with, const char *key, const char *value)
{
    take_settings(r);
}

static void told(struct run *r, void *with, enum control_kind kind)
{
    if (kind == CONTROL_PAUSE)
        run_phase(r, RUN_PAUSED, "paused");
    else if (kind == CONTROL_RESUME)
        run_phase(r, RUN_RUNNING, "training");
}

static int save_now(struct run *r, void *with, struct err *e)
{
    return save(r, e);
}

static int advance(struct run *r, void *with, bool *done, struct err *e)
{
    struct step_result step;
    *done = r->asked_to_stop;
    if (r->asked_to_stop)
        return 0;
    if (r->paused) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        return 0;
    }
    int code = run_enter_stage(r, e);
    if (code == ERR_INTERRUPTED)
        return 0; // the loop finds out who asked for it
    if (!code)
        code = trainer_step(r->trainer, &step, e);
    if (code == ERR_INTERRUPTED) // while the policy answered: no update was made
        return 0;
    if (code == ERR_NUMERIC)
        return fail_nonfinite(r, e);
    if (code)
        return code;
    if (r->stages.n)
        metric_add(&step.metrics, "stage", r->stages.now + 1);
    report_step(r, &step);
    code = watch(r, due(r, "eval-every"), due(r, "probe-every"), e);
    *done = r->trainer->step == r->total_steps || best_is_over(&r->best);
    return code || *done || !due(r, "save-every") ? code : save(r, e);
}

static int train(struct run *r, struct err *e)
{
    static const struct run_work training = {.advance = advance, .changed = changed, .told = told, .checkpoint = save_now};
    int code = r->trainer->step == 0 || r->evaluated_step < 0 ? watch(r, true, true, e) : 0;
    run_phase(r, RUN_RUNNING, "training");
    if (!code)
        recorder_event(r->recorder, r->trainer->step, "info", "start", 0, "step %lld of %lld began %.2f s after the start",
                       (long long)r->trainer->step + 1, (long long)r->total_steps, clock_seconds() - r->started);
    if (!code && r->trainer->step < r->total_steps && !best_is_over(&r->best))
        code = run_loop(r, &training, NULL, e);
    if (!code && !r->asked_to_stop)
        code = watch(r, true, true, e);
    return code ? code : save(r, e);
}

// ---- beginning and end ----

static const struct experiment_kind {
    const char *name; // in the place of an objective's
    int (*open_settings)(struct run *r, const json_t *settings, struct err *e);
    int (*run)(struct run *r, bool *stopped, struct err *e);
} kinds[] = {{RECIPE_KIND, recipe_open_settings, recipe_run}, {SWEEP_KIND, sweep_open_settings, sweep_run}};

static int open_settings(struct run *r, const struct run_info *info, struct err *e)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !r->kind; i++)
        if (strcmp(info->objective, kinds[i].name) == 0)
            r->kind = &kinds[i];
    if (r->kind)
        return r->kind->open_settings(r, info->settings, e);
    int code = objective_find(&r->objective, info->objective, e);
    if (code)
        return code;
    run_settings_init(&r->settings, &r->tables, r->objective);
    json_t *given = json_is_object(info->settings) ? json_copy(info->settings) : json_object();
    json_object_del(given, "objective");
    if (!json_object_get(given, "model") && info->model && *info->model)
        json_object_set_new(given, "model", json_string(info->model));
    if (!json_object_get(given, "data") && info->data && *info->data)
        json_object_set_new(given, "data", json_string(info->data));
    code = settings_from_json(&r->settings, given, e);
    json_decref(given);
    return code ? code : settings_check_required(&r->settings, e);
}

static void describe_start(struct run *r)
{
    char params[32];
    size_t trainable = 0;
    for (int b = 0; b < r->trainer->optimizer.n_blocks; b++)
        trainable += r->trainer->optimizer.blocks[b].n;
    recorder_event(r->recorder, r->trainer->step, "info", "start", 0,
                   "%s: %d %s to learn from, %d held out, %lld %s; %s, %s parameters%s are trained on %s (%s)",
                   r->objective->title, r->train.n_groups, text_plural(r->train.n_groups, "example", "examples"),
                   r->eval.n_groups, (long long)r->total_steps, text_plural(r->total_steps, "step", "steps"),
                   arch_family_name(r->model->arch.family), human_count(params, sizeof params, (double)trainable),
                   r->model->lora_weights ? " of adapters" : "", r->ops->device(r->backend), settings_text(&r->settings, "precision"));
    if (r->no_gpu.code)
        recorder_event(r->recorder, r->trainer->step, "info", "device", 0, "the CPU computes, for %s", r->no_gpu.text);
    for (size_t i = 0; i < r->doubts.n; i++)
        recorder_event(r->recorder, r->trainer->step, "warn", "best", 0, "%s", r->doubts.texts[i]);
}

static int work(struct run *r, bool *stopped, struct err *e)
{
    if (r->kind)
        return r->kind->run(r, stopped, e);
    int code = best_open(&r->best, r->objective, &r->settings, &r->doubts, e);
    if (code)
        return code;
    if (r->objective->of_runs) {
        code = paft_run(r, stopped, e);
        if (!code && !*stopped)
            code = watch(r, true, true, e);
        return code || *stopped ? code : save(r, e);
    }
    code = run_load(r, e);
    if (!code)
        code = restore(r, e);
    if (code)
        return code;
    r->status.total_steps = r->total_steps;
    r->status.step = r->trainer->step;
    if (r->trainer->step == 0 || r->evaluated_step < 0)
        describe_start(r);
    code = train(r, e);
    *stopped = r->asked_to_stop;
    return code;
}

// Why a run that was not stopped has made fewer steps than it might have.
static void say_done(struct run *r)
{
    const int64_t step = r->status.step;
    struct str why = {0};
    if (best_is_over(&r->best) && step < r->total_steps) {
        best_describe(&r->best, &why);
        str_addf(&why, ", and no better in the %lld %s since", (long long)r->best.waited,
                 text_plural(r->best.waited, "evaluation", "evaluations"));
    }
    if (!r->kind) // which has said it
        text_copy(r->status.message, sizeof r->status.message, str_text(&why));
    recorder_event(r->recorder, step, "info", "end", 0, "done after %lld %s%s%s", (long long)step,
                   text_plural(step, "step", "steps"), why.len ? ": " : "", str_text(&why));
    str_fini(&why);
}

// The last word about the run goes to run.db whatever happened, as far as the disk takes it.
static int finish(struct run *r, int code, bool stopped, struct err *e)
{
    struct err fault = {0};
    const int64_t step = r->status.step;
    r->status.ended_ms = clock_wall_ms();
    r->status.seconds_left = 0;
    r->status.phase[0] = '\0';
    if (code == ERR_INTERRUPTED || (!code && stopped)) {
        r->status.state = RUN_STOPPED;
        snprintf(r->status.message, sizeof r->status.message, "stopped at step %lld", (long long)step);
        code = 0;
    } else if (code) {
        r->status.state = RUN_FAILED;
        r->status.failure = code;
        text_copy(r->status.message, sizeof r->status.message, e->text);
        recorder_event(r->recorder, step, "error", "end", 0, "%s", e->text);
    } else {
        r->status.state = RUN_DONE;
        say_done(r);
        if (r->feedback)
            feedback_end(r->feedback, step);
    }
    recorder_status(r->recorder, &r->status);
    int recorded = recorder_stop(r->recorder, &fault);
    if (!code && recorded) {
        *e = fault;
        code = recorded;
    }
    return code;
}

static int open_run(struct run *r, const char *project, struct run_writer **writer, struct err *e)
{
    struct run_info info;
    char *dir = store_project_dir(project);
    int code = store_open(&r->store, dir, false, e);
    free(dir);
    if (code)
        return code;
    code = store_find_run(r->store, r->name, &info, e);
    if (code)
        return code;
    r->dir = store_run_dir(r->store, r->name);
    r->parent = info.parent_name ? mem_strdup(info.parent_name) : NULL;
    r->parent_step = info.parent_step;
    code = open_settings(r, &info, e);
    run_info_fini(&info);
    if (!code)
        code = file_make_dirs(r->dir, e);
    return code ? code : run_writer_open(writer, r->dir, e);
}

int run_main(const char *project, const char *name, double started, struct err *e)
{
    struct run r = {.started = started, .name = mem_strdup(name), .saved_step = -1, .evaluated_step = -1,
                    .probed_step = -1};
    struct run_writer *writer = NULL;
    bool stopped = false;
    signals_watch();
    int code = open_run(&r, project, &writer, e);
    if (!code) {
        r.status = (struct run_status){.state = RUN_STARTING, .started_ms = clock_wall_ms()};
        run_status_self(&r.status);
        code = resume(&r, writer, e);
        controls_init(&r.controls, r.store, r.name, r.status.control_id, r.status.started_ms);
        if (!code)
            code = recorder_start(&r.recorder, writer, &r.status, r.dir, e);
        if (code) {
            run_writer_close(writer);
        } else {
            code = work(&r, &stopped, e);
            code = finish(&r, code, stopped, e);
        }
    }
    run_unload(&r);
    controls_fini(&r.controls);
    json_decref(r.plan);
    if (r.settings.items)
        settings_fini(&r.settings);
    store_close(r.store);
    free(r.name);
    free(r.dir);
    free(r.last_checkpoint);
    free(r.parent);
    notes_fini(&r.doubts);
    return code;
}
