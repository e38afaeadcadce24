// What the engine offers, as tables. The program is asked once; its answer is kept.
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/places.h"
#include "base/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *known; // guarded by lock; never changes once it is there

static int ask(json_t **out, struct err *e)
{
    static const char *const args[] = {"describe", NULL};
    int code = 0;
    pthread_mutex_lock(&lock);
    if (!known)
        code = engine_call(args, &known, e);
    if (!code)
        *out = json_deep_copy(known); // a reference count is not safe between threads
    pthread_mutex_unlock(&lock);
    return code;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int read_objective(const json_t *row, struct engine_objective *o, struct err *e)
{
    const json_t *needs = json_object_get(row, "data_needs");
    *o = (struct engine_objective){
        .name = text_of(row, "name"),
        .title = text_of(row, "title"),
        .summary = text_of(row, "summary"),
        .paper = text_of(row, "paper"),
        .pitfalls = text_of(row, "pitfalls"),
        .data_needs = json_is_string(needs) ? json_string_value(needs) : text_of(row, "data"),
        .entropy_weight = text_of(row, "entropy_weight"),
        .of_runs = json_is_true(json_object_get(row, "of_runs")),
        .needs_reference = json_is_true(json_object_get(row, "needs_reference")),
    };
    if (!*o->name)
        return err_set(e, ERR_INPUT,
                       "an objective of the engine's description has no name; are both programs of one version?");
    return params_from_json(json_object_get(row, "params"), &o->params, e);
}

static bool has_row(const struct param *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return true;
    return false;
}

int engine_describe(struct engine_description **out, struct err *e)
{
    json_t *answer = NULL;
    int code = ask(&answer, e);
    if (code)
        return code;
    const json_t *list = json_object_get(answer, "objectives");
    size_t n = json_array_size(list);
    struct engine_description *d = mem_alloc(1, sizeof *d);
    d->json = answer;
    d->objectives = mem_alloc(n + 1, sizeof *d->objectives);
    code = params_from_json(json_object_get(answer, "params"), &d->params, e);
    for (size_t i = 0; !code && i < n; i++) {
        code = read_objective(json_array_get(list, i), &d->objectives[i], e);
        if (!code)
            d->n_objectives++;
    }
    if (!code && n == 0)
        code = err_set(e, ERR_INPUT, "the engine's description names no objectives; are both programs of one version?");
    if (!code && (!has_row(d->params, "model") || !has_row(d->params, "data")))
        code = err_set(e, ERR_INPUT, "the engine's description lacks model or data; are both programs of one version?");
    if (code) {
        engine_description_free(d);
        return code;
    }
    *out = d;
    return 0;
}

void engine_description_free(struct engine_description *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n_objectives; i++)
        params_free(d->objectives[i].params);
    free(d->objectives);
    params_free(d->params);
    json_decref(d->json);
    free(d);
}

const struct engine_objective *engine_find_objective(const struct engine_description *d, const char *name)
{
    for (int i = 0; i < d->n_objectives; i++)
        if (strcmp(d->objectives[i].name, name) == 0)
            return &d->objectives[i];
    return NULL;
}

// What was given is meant from here; the engine of a run stands elsewhere.
void engine_resolve_paths(struct settings *s)
{
    const struct path_places here = {.folders = {"."}};
    for (size_t i = 0; i < s->n_items; i++) {
        struct setting *item = &s->items[i];
        char *found = path_of_setting(&here, item->param, item->text);
        if (found) {
            free(item->text);
            item->text = found;
        }
    }
}

const char *const engine_demo_objectives[ENGINE_DEMO_RUNS] = {"dpo", "conditional-pm-rlhf"};

// With this learning rate 100 steps of DPO bring the shares of endings within two points of its limit, at a KL of about 2
// nats an answer; at 1e-3 the stories themselves break up (KL beyond 100 nats after 30 steps). Matching takes half as many
// steps: the first 25 bring the minority's share near to what people want, the others hold it there. alpha is below the
// probability of what a rare song begins with (4 % times a fifth), and above nearly all that is no story.
json_t *engine_demo_settings(int run, int64_t steps, double beta)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    json_t *settings = json_pack("{s:s, s:s, s:b, s:i, s:i, s:I}", "model", "models/demo", "data", "demo/pairs.jsonl",
                                 "probe-styles", 1, "probe-prompts", 128, "max-length", 256, "threads",
                                 (json_int_t)(cores >= 2 ? cores / 2 : 1));
    json_t *own = run == 0
                      ? json_pack("{s:I, s:f, s:f, s:i, s:i, s:i}", "steps", (json_int_t)steps, "beta", beta, "lr",
                                  2e-4, "probe-every", 10, "eval-every", 10, "batch-size", 32)
                      : json_pack("{s:s, s:I, s:f, s:f, s:f, s:i, s:i, s:i, s:i}", "reward-model", "models/demo-reward",
                                  "steps", (json_int_t)((steps + 1) / 2), "beta", 1.0, "alpha", 0.003, "lr", 3e-4,
                                  "samples", 8, "batch-size", 16, "max-new-tokens", 64, "probe-every", 5);
    json_object_update(settings, own);
    json_decref(own);
    return settings;
}
