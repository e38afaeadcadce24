// What a recipe's stages will take: steps, memory and, roughly, time.
#include "config.h"

#include "train/run/recipe_check.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cpu/cpu.h"
#include "train/run/run_online.h"

// Rows that are learnt from, as far as they can be counted before.
static double rows_of(const struct check_stage *s)
{
    double rows = (double)s->seen.n_examples;
    if (!*settings_text(&s->settings, "eval-data"))
        rows *= 1 - settings_float(&s->settings, "eval-share");
    return strcmp(settings_text(&s->settings, "part"), "all") == 0 ? rows : rows / 2;
}

// 0: unknown.
static int64_t steps_of(const struct check_stage *s)
{
    const int64_t given = settings_int(&s->settings, "steps"), batch = settings_int(&s->settings, "batch-size");
    if (given)
        return given;
    if (!s->seen.n_examples || s->seen.is_part)
        return 0;
    const double groups = rows_of(s) * (s->seen.groups > 0 ? s->seen.groups : 1);
    const double steps = ceil(settings_float(&s->settings, "epochs") * groups / (double)batch);
    return (int64_t)fmax(steps, 1) * (s->objective->online ? run_updates_of_a_batch(&s->settings) : 1);
}

// Tokens of one step's batch. *at_most: they are not known, and the longest are taken.
static double tokens_of(const struct check_stage *s, bool *at_most)
{
    const struct settings *v = &s->settings;
    const double batch = (double)settings_int(v, "batch-size");
    double one = s->seen.groups > 0 ? s->seen.tokens / s->seen.groups : 0;
    *at_most = one <= 0;
    if (one <= 0)
        one = 2 * (double)settings_int(v, "max-length"); // a pair
    if (s->objective->online) {
        *at_most = true;
        one = (double)settings_int(v, "samples") *
              (fmin(one, (double)settings_int(v, "max-length")) + (double)settings_int(v, "max-new-tokens"));
        one /= (double)settings_int(v, "minibatches");
    }
    return batch * one;
}

// Operations of the large products: forward 2 a parameter and token, backward by activations 2, by weights 2.
static double seconds_of(const struct check_stage *s, int64_t steps, double gflops, bool *at_most)
{
    enum { EFFICIENCY = 2 }; // of what a lone matrix product reaches, training gets about half
    const struct settings *v = &s->settings;
    struct objective_run configured = {0};
    objective_configure(&configured, s->objective, v);
    const struct needs needs = objective_needs(&configured);
    double each = settings_int(v, "lora-rank") > 0 || run_continues_adapter(v) ? 4 : 6;
    each += settings_bool(v, "recompute") ? 2 : 0;
    each += needs.networks & NETWORK_REFERENCE || needs.reads & READ_KL ? 2 : 0;
    each += needs.networks & NETWORK_VALUE ? 6 : 0;
    each += needs.batch_first ? 2 : 0;
    each += s->objective->online ? 4 : 0; // sampled, and scored
    return (double)steps * tokens_of(s, at_most) * s->seen.params * each * EFFICIENCY / (gflops * 1e9);
}

static double speed(void)
{
    json_t *machine = cpu_doctor();
    const double gflops = json_number_value(json_object_get(json_object_get(machine, "gflops"), "sgemm_all"));
    json_decref(machine);
    return gflops;
}

static json_t *number_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *stage_json(const struct check *c, size_t at, double gflops)
{
    const struct check_stage *s = &c->stages[at];
    const int64_t steps = steps_of(s);
    bool at_most = false;
    const double seconds = gflops > 0 && steps > 0 ? seconds_of(s, steps, gflops, &at_most) : 0;
    json_t *missing = json_array();
    if (s->no_model)
        json_array_append_new(missing, json_string("model"));
    if (s->no_data)
        json_array_append_new(missing, json_string("data"));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:f, s:o, s:b, s:o, s:o}", "name", c->recipe->stages[at].name, "objective",
                     s->objective->name, "settings", settings_to_json(&s->settings, true), "steps",
                     steps ? json_integer(steps) : json_null(), "rows", s->seen.n_examples ? json_integer(s->seen.n_examples)
                                                                                            : json_null(),
                     "tokens", number_or_null(s->seen.tokens), "epochs", settings_float(&s->settings, "epochs"), "seconds",
                     number_or_null(seconds), "at_most", at_most, "memory",
                     s->has_memory ? memory_plan_json(&s->memory, (double)mem_available(), &s->notes) : json_null(), "missing",
                     missing);
}

static json_t *inputs_json(const struct recipe *r)
{
    json_t *inputs = json_object();
    for (size_t i = 0; i < r->inputs.n; i++)
        json_object_set_new(inputs, r->inputs.rows[i].key, r->inputs.rows[i].value ? json_string(r->inputs.rows[i].value)
                                                                                    : json_null());
    return inputs;
}

static json_t *head_json(const struct recipe *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "path", r->path, "title", r->title, "paper", r->paper, "about", r->about,
                     "text", r->text, "inputs", inputs_json(r));
}

json_t *recipe_plan(const struct check *c)
{
    json_t *out = head_json(c->recipe), *stages = json_array();
    const double gflops = c->plan ? speed() : 0;
    for (size_t i = 0; i < c->recipe->n_stages; i++)
        json_array_append_new(stages, stage_json(c, i, gflops));
    json_object_set_new(out, "stages", stages);
    return out;
}

json_t *recipe_outline(const struct recipe *r)
{
    json_t *out = head_json(r), *stages = json_array();
    for (size_t i = 0; i < r->n_stages; i++) {
        json_t *settings = json_object();
        const struct recipe_lines *l = &r->stages[i].lines;
        for (size_t k = 0; k < l->n; k++)
            json_object_set_new(settings, l->rows[k].key, json_string(l->rows[k].value));
        json_array_append_new(stages, json_pack("{s:s, s:O?, s:O}", "name", r->stages[i].name, "objective",
                                                json_object_get(settings, "objective"), "lines", settings));
        json_decref(settings);
    }
    json_object_set_new(out, "stages", stages);
    return out;
}
