// attune-engine check: whether a run with these settings could be, before there is one.
#include "config.h"

#include <string.h>

#include "base/json.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/params.h"
#include "train/run/preflight.h"
#include "train/run/run_cost.h"

const struct param engine_check_params[] = {
    {.name = "objective", .type = PARAM_TEXT, .help = "What to tune for."},
    {.name = "settings", .type = PARAM_TEXT, .help = "All settings of the run, as a JSON object."},
    {.name = "time", .type = PARAM_BOOL, .fallback = "no",
     .help = "Says also how many steps it makes, and about how long they take."},
    {0}};

// rows, steps: null where only a part of the data was looked at. tokens: of one step.
static json_t *cost_json(const struct objective *o, const struct settings *s, const struct preflight_seen *seen)
{
    bool at_most;
    const int64_t steps = cost_steps(o, s, seen);
    const double tokens = cost_tokens(o, s, seen, &at_most),
                 seconds = cost_seconds(o, s, seen, steps, cost_machine_gflops(), &at_most);
    return json_pack(
        "{s:o, s:o, s:f, s:o, s:b, s:f}", "rows", seen->is_part ? json_null() : json_integer(seen->n_examples), "steps",
        steps ? json_integer(steps) : json_null(), "tokens", tokens, "seconds",
        steps && seconds > 0 ? json_real(seconds) : json_null(), "at_most", at_most, "params", seen->params);
}

int engine_check(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *given = settings_text(s, "settings");
    const struct objective *o;
    struct run_tables tables;
    struct settings run;
    json_t *values = NULL;
    struct memory_plan plan;
    struct notes notes = {0};
    struct preflight_seen seen = {0};
    json_t *cost = NULL;
    int code = objective_find(&o, settings_text(s, "objective"), e);
    if (!code)
        code = json_parse(given, strlen(given), "--settings", &values, e);
    if (code)
        return code;
    run_settings_init(&run, &tables, o);
    code = settings_from_json(&run, values, e);
    if (!code)
        code = preflight_as(o, &run, &(struct preflight_about){0}, &plan, &seen, &notes, e);
    if (!code && settings_bool(s, "time"))
        cost = cost_json(o, &run, &seen);
    settings_fini(&run);
    json_decref(values);
    json_t *memory = code ? NULL : memory_plan_json(&plan, &notes);
    notes_fini(&notes);
    if (code)
        return code;
    return engine_print(json_pack("{s:b, s:o, s:o*, s:s, s:s*}", "possible", 1, "memory", memory, "cost", cost, "device", seen.device,
                                  "no_gpu", seen.no_gpu.code ? seen.no_gpu.text : NULL), e);
}
