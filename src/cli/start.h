// Adding a run to the project and starting its engine, as train and the demo do.
#pragma once

#include <jansson.h>

#include "launch/engine.h"
#include "store/store.h"

// All settings of a run, checked, its paths resolved: what the store keeps. A new reference.
int start_settings(const struct engine_description *d, const struct engine_objective *o, const json_t *given, json_t **all,
                   struct err *e);
// `given`: settings by name (as settings_to_json), all others get their defaults. Checks names, values and that the
// files are there before anything is written. *name is on the heap, also when only the engine failed.
// memory: what it takes, as engine_check_run says it; NULL: nobody asks.
int start_run(struct store *s, const struct engine_description *d, const char *objective, const char *name,
              const char *note, const json_t *given, char **name_out, json_t **memory,
              struct err *e);
// ERR_USAGE with the nearest names.
int start_find_objective(const struct engine_description *d, const char *name, const struct engine_objective **out,
                         struct err *e);
