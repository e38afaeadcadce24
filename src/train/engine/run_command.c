#include "config.h"

#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/run.h"

const struct param engine_run_params[] = {
    {.name = "project", .type = PARAM_PATH, .fallback = "", .help = "The project folder."},
    {.name = "run", .type = PARAM_TEXT, .help = "The run's name in the store."},
    {0}};

int engine_run(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *project = settings_text(s, "project");
    return run_main(*project ? project : NULL, settings_text(s, "run"), engine_started, e);
}
