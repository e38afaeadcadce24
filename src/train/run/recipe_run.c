#include "config.h"

#include "train/run/recipe_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/run/experiment.h"
#include "train/run/recipe.h"

const struct param recipe_params[] = {
    {.name = "recipe", .type = PARAM_TEXT, .fallback = "", .group = "recipe", .help = "The recipe's file."},
    {0}};

struct work {
    struct experiment x;
    struct part parts[RECIPE_MAX_STAGES];
    struct recipe_names names;
    const json_t *stages; // of the plan
    char *given;          // the text that of_stage said last
};

static const json_t *stage_of(const struct work *w, size_t i)
{
    return json_array_get(w->stages, i);
}

static int64_t planned(const struct work *w, size_t i)
{
    return json_integer_value(json_object_get(stage_of(w, i), "steps"));
}

// ---- settings ----

int recipe_open_settings(struct run *r, const json_t *settings, struct err *e)
{
    json_t *own = json_is_object(settings) ? json_copy((json_t *)settings) : json_object();
    r->plan = json_incref(json_object_get(own, "plan"));
    json_object_del(own, "plan");
    r->tables = (struct run_tables){{recipe_params, run_params}};
    settings_init(&r->settings, r->tables.list);
    int code = settings_from_json(&r->settings, own, e);
    const size_t n = json_array_size(json_object_get(r->plan, "stages"));
    if (!code && (n == 0 || n > RECIPE_MAX_STAGES))
        code = err_set(e, ERR_INPUT, "run %s holds no recipe: start one with attune recipe run", r->name);
    json_decref(own);
    return code;
}

// ---- stages ----

// What a stage gives to a later one: its run's name, or the folder of its last checkpoint.
static const char *of_stage(void *with, size_t stage, bool as_run, struct err *e)
{
    struct work *w = with;
    char *dir = NULL;
    if (as_run)
        return w->parts[stage].name;
    if (part_checkpoint(&w->parts[stage], &dir, e))
        return NULL;
    free(w->given);
    w->given = dir;
    return dir;
}

static int fill_settings(struct work *w, size_t i, json_t **out, struct err *e)
{
    const char *key;
    json_t *value, *settings = json_deep_copy(json_object_get(stage_of(w, i), "settings"));
    void *next;
    int code = 0;
    json_object_foreach_safe(settings, next, key, value) {
        char *text =
            json_is_string(value) && !code ? recipe_fill(&w->names, json_string_value(value), of_stage, w, e) : NULL;
        if (json_is_string(value) && !code && !text)
            code = e ? e->code : ERR_STATE;
        if (text)
            json_object_set_new(settings, key, json_string(text));
        free(text);
    }
    if (code)
        json_decref(settings);
    else
        *out = settings;
    return code;
}

static int prepare(struct experiment *x, int i, struct err *e)
{
    struct work *w = x->with;
    json_t *settings = NULL;
    if (w->parts[i].exists)
        return 0;
    int code = fill_settings(w, (size_t)i, &settings, e);
    if (!code)
        code = part_add(&w->parts[i], x->r, settings, e);
    if (!code)
        recorder_event(x->r->recorder, x->r->status.step, "info", "stage", 0, "stage %s takes the model %s and the data %s",
                       w->names.names[i], json_string_value(json_object_get(settings, "model")),
                       json_string_value(json_object_get(settings, "data")));
    json_decref(settings);
    return code;
}

static void report(struct experiment *x)
{
    struct work *w = x->with;
    struct run *r = x->r;
    int64_t step = 0, total = 0;
    int now = x->n - 1;
    bool known = true;
    for (int i = x->n - 1; i >= 0; i--) {
        const struct run_status *s = &x->parts[i].status;
        const int64_t all = s->total_steps > 0 ? s->total_steps : planned(w, (size_t)i);
        step += s->step;
        total += all;
        known &= all > 0;
        if (s->state != RUN_DONE)
            now = i;
    }
    const struct run_status *s = &x->parts[now].status;
    r->status.step = step;
    r->status.total_steps = known ? total : 0;
    r->status.tokens_per_s = s->tokens_per_s;
    r->status.seconds_left = now == x->n - 1 ? s->seconds_left : 0; // of later stages nothing is known yet
    run_phase(r, r->paused ? RUN_PAUSED : RUN_RUNNING, "stage %s (%d of %d)%s%s", w->names.names[now], now + 1, x->n,
              *s->phase ? ": " : "", s->phase);
}

// ---- what went in and what came out ----

static void add_text(json_t *to, const char *key, const char *text)
{
    json_object_set_new(to, key, text ? json_string(text) : json_null());
}

// The last checkpoint with its hash: the engine's own word, or, where that got lost, made again.
static int output_of(const struct part *p, json_t **out, struct err *e)
{
    struct run_checkpoint *list = NULL;
    int n = 0;
    char *dir = NULL, sha256[65] = "";
    int64_t bytes;
    int code = part_checkpoint(p, &dir, e);
    if (!code && run_reader_checkpoints(p->reader, &list, &n, NULL) == 0)
        for (int i = 0; i < n; i++)
            if (strcmp(path_base(list[i].path), path_base(dir)) == 0)
                text_copy(sha256, sizeof sha256, list[i].sha256);
    if (!code && !*sha256)
        code = checkpoint_digest(dir, sha256, &bytes, e);
    if (!code)
        *out = json_pack("{s:s, s:s, s:I}", "checkpoint", dir, "sha256", sha256, "step",
                         (json_int_t)strtoll(path_base(dir) + strlen("step-"), NULL, 10));
    run_checkpoints_free(list, n);
    free(dir);
    return code;
}

// Of the model and the data that the checkpoint says it was made of.
static void add_hashes(json_t *took, const char *checkpoint)
{
    enum { MAX_STATE = 1 << 20 };
    char *path = path_join(checkpoint, "state.json");
    json_t *state = NULL;
    if (json_read(path, MAX_STATE, &state, NULL) == 0) {
        add_text(took, "model_hash", json_string_value(json_object_get(state, "model_key")));
        add_text(took, "data_hash", json_string_value(json_object_get(state, "data_hash")));
    }
    json_decref(state);
    free(path);
}

static int record_stage(struct work *w, size_t i, json_t *to, json_t **out, struct err *e)
{
    struct run_info info;
    struct part *p = &w->parts[i];
    json_t *gave = NULL, *took, *from = json_object();
    const char *key;
    json_t *value;
    int code = store_find_run(w->x.r->store, p->name, &info, e);
    if (code)
        return code;
    took = json_pack("{s:s, s:s}", "model", info.model, "data", info.data);
    json_object_foreach(json_object_get(stage_of(w, i), "settings"), key, value) {
        size_t stage, n;
        const char *at;
        bool as_run;
        if (json_is_string(value) && recipe_names_stage(&w->names, json_string_value(value), &stage, &at, &n, &as_run))
            add_text(from, key, json_string_value(value));
    }
    json_object_set_new(took, "from", from);
    if (p->status.state == RUN_DONE)
        code = output_of(p, &gave, e);
    if (gave)
        add_hashes(took, json_string_value(json_object_get(gave, "checkpoint")));
    json_array_append_new(to,
                          json_pack("{s:s, s:s, s:s, s:O, s:o, s:O*}", "stage", w->names.names[i], "run", p->name,
                                    "objective", p->objective, "settings", info.settings, "took", took, "gave", gave));
    if (out)
        *out = json_incref(gave);
    json_decref(gave);
    run_info_fini(&info);
    return code;
}

// recipe.json, anew.
static int record(struct work *w, size_t last, json_t **gave, struct err *e)
{
    struct run *r = w->x.r;
    json_t *stages = json_array();
    char *path = path_join(r->dir, "recipe.json");
    int code = 0;
    for (size_t i = 0; i <= last && !code; i++)
        code = record_stage(w, i, stages, i == last ? gave : NULL, e);
    json_t *all = json_copy(r->plan);
    json_object_set_new(all, "run", json_string(r->name));
    json_object_set_new(all, "stages", stages);
    if (!code)
        code = json_write(path, all, e);
    json_decref(all);
    free(path);
    return code;
}

static int done(struct experiment *x, int i, struct err *e)
{
    struct work *w = x->with;
    struct metric_list list = {0};
    json_t *gave = NULL;
    int64_t step = 0;
    int code = record(w, (size_t)i, &gave, e);
    if (code)
        return code;
    for (int k = 0; k <= i; k++)
        step += x->parts[k].status.step;
    recorder_event(x->r->recorder, step, "info", "stage", 0, "stage %s gave %s (sha256 %s)", w->names.names[i],
                   json_string_value(json_object_get(gave, "checkpoint")),
                   json_string_value(json_object_get(gave, "sha256")));
    metric_add(&list, "stage", i + 1);
    recorder_metrics(x->r->recorder, step, &list);
    json_decref(gave);
    return 0;
}

int recipe_run(struct run *r, bool *stopped, struct err *e)
{
    static const struct experiment_ops ops = {.prepare = prepare, .done = done, .report = report};
    struct work *w = mem_alloc(1, sizeof *w);
    w->stages = json_object_get(r->plan, "stages");
    w->names.n = json_array_size(w->stages);
    w->x = (struct experiment){.r = r, .ops = &ops, .with = w, .parts = w->parts, .n = (int)w->names.n, .at_most = 1};
    int code = 0;
    for (size_t i = 0; i < w->names.n && !code; i++) {
        const char *objective = json_string_value(json_object_get(stage_of(w, i), "objective"));
        w->names.names[i] = json_string_value(json_object_get(stage_of(w, i), "name"));
        code = objective && w->names.names[i] ? part_find(&w->parts[i], r, w->names.names[i], objective, e)
                                              : err_set(e, ERR_INPUT, "stage %zu of run %s is damaged", i + 1, r->name);
    }
    if (!code)
        code = experiment_train(&w->x, e);
    *stopped = w->x.stopped;
    if (!code && !*stopped)
        code = part_link_result(&w->parts[w->x.n - 1], r, e);
    for (size_t i = 0; i < w->names.n; i++)
        part_close(&w->parts[i]);
    free(w->given);
    free(w);
    return code;
}
