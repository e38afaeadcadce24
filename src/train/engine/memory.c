// attune-engine memory: what training a model would take of memory, before there are data.
#include "config.h"

#include <string.h>

#include "base/json.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/params.h"
#include "train/run/preflight.h"

const struct param engine_memory_params[] = {
    {.name = "objective", .type = PARAM_TEXT, .fallback = "dpo", .help = "What to tune for."},
    {.name = "settings", .type = PARAM_TEXT, .help = "Settings of the run, the model among them, as a JSON object."},
    {0}};

int engine_memory(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *given = settings_text(s, "settings");
    const struct objective *o;
    struct run_tables tables;
    struct settings run;
    struct memory_plan plan;
    struct notes notes = {0};
    json_t *values = NULL;
    int code = objective_find(&o, settings_text(s, "objective"), e);
    if (!code)
        code = json_parse(given, strlen(given), "--settings", &values, e);
    if (code)
        return code;
    run_settings_init(&run, &tables, o);
    code = settings_from_json(&run, values, e);
    if (!code)
        code = preflight_memory(o, &run, &plan, &notes, e);
    settings_fini(&run);
    json_decref(values);
    json_t *answer = code ? NULL : memory_plan_json(&plan, &notes);
    notes_fini(&notes);
    return code ? code : engine_print(answer, e);
}
