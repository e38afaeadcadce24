// generation_config.json: how transformers' generate() samples from a model by default. Attune samples by its own settings
// and reads nothing of it; what would make its answers of another kind is said.
#pragma once

#include "base/err.h"
#include "base/notes.h"

// Notes on the file of a model folder; nothing where there is none.
int generation_config_note(const char *dir, struct notes *notes, struct err *e);
