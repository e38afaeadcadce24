// What a recipe's stages will take: steps, memory and, roughly, time.
#include "config.h"

#include "train/run/recipe_check.h"

#include <string.h>

#include "train/run/run_cost.h"

static json_t *number_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *stage_json(const struct check *c, size_t at, double gflops)
{
    const struct check_stage *s = &c->stages[at];
    const int64_t steps = cost_steps(s->objective, &s->settings, &s->seen);
    bool at_most = false;
    const double seconds =
        gflops > 0 && steps > 0 ? cost_seconds(s->objective, &s->settings, &s->seen, steps, gflops, &at_most) : 0;
    json_t *missing = json_array();
    if (s->no_model)
        json_array_append_new(missing, json_string("model"));
    if (s->no_data)
        json_array_append_new(missing, json_string("data"));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:f, s:o, s:b, s:o, s:o}", "name", c->recipe->stages[at].name,
                     "objective", s->objective->name, "settings", settings_to_json(&s->settings, true), "steps",
                     steps ? json_integer(steps) : json_null(), "rows",
                     s->seen.n_examples ? json_integer(s->seen.n_examples) : json_null(), "tokens",
                     number_or_null(s->seen.tokens), "epochs", settings_float(&s->settings, "epochs"), "seconds",
                     number_or_null(seconds), "at_most", at_most, "memory",
                     s->has_memory ? memory_plan_json(&s->memory, &s->notes) : json_null(), "missing",
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
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "path", r->path, "title", r->title, "paper", r->paper, "about",
                     r->about, "text", r->text, "inputs", inputs_json(r));
}

json_t *recipe_plan(const struct check *c)
{
    json_t *out = head_json(c->recipe), *stages = json_array();
    const double gflops = c->plan ? cost_machine_gflops() : 0;
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
