// attune-engine check: whether a run with these settings could be, before there is one.
#include "config.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/params.h"
#include "train/run/preflight.h"

const struct param engine_check_params[] = {
    {.name = "objective", .type = PARAM_TEXT, .help = "What to tune for."},
    {.name = "settings", .type = PARAM_TEXT, .help = "All settings of the run, as a JSON object."},
    {0}};

int engine_check(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *given = settings_text(s, "settings");
    const struct objective *o;
    struct run_tables tables;
    struct settings run;
    json_t *values = NULL;
    struct memory_plan plan;
    struct notes notes = {0};
    int code = objective_find(&o, settings_text(s, "objective"), e);
    if (!code)
        code = json_parse(given, strlen(given), "--settings", &values, e);
    if (code)
        return code;
    run_settings_init(&run, &tables, o);
    code = settings_from_json(&run, values, e);
    if (!code)
        code = preflight(o, &run, &plan, &notes, e);
    settings_fini(&run);
    json_decref(values);
    json_t *memory = code ? NULL : memory_plan_json(&plan, (double)mem_available(), &notes);
    notes_fini(&notes);
    return code ? code : engine_print(json_pack("{s:b, s:o}", "possible", 1, "memory", memory), e);
}
