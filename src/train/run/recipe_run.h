// A run of a recipe: an experiment (experiment.h) whose parts are the recipe's stages, one after the other. Its settings in
// the store hold the plan that recipe_check made of the recipe; the file that it came from is not read again.
//
// Its folder gets recipe.json: of each stage the run, all settings, what it took in (model and data with their hashes) and
// what it gave out (its last checkpoint, with its hash). Its own only checkpoint is a link to that of the last stage.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "train/run/run.h"

#define RECIPE_KIND "recipe" // in the place of an objective's name
// Of a recipe's own run; the settings of its stages stand in the plan.
extern const struct param recipe_params[];
int recipe_open_settings(struct run *r, const json_t *settings, struct err *e);
int recipe_run(struct run *r, bool *stopped, struct err *e);
