// What recipe_check.c and recipe_plan.c share.
#pragma once

#include "train/run/params.h"
#include "train/run/preflight.h"
#include "train/run/recipe.h"

struct check_stage {
    const struct objective *objective;
    struct run_tables tables;
    struct settings settings; // {stages} in them
    bool no_model, no_data;   // inputs that were not given, in a plan
    bool has_memory;
    struct memory_plan memory;
    struct preflight_seen seen;
    struct notes notes; // what stops nothing, but should be known
};
struct check {
    const struct recipe *recipe;
    struct recipe_names names;
    bool plan;
    char *config; // "" without
    char *dir;    // of the recipe
    bool *used;   // of the defaults
    struct check_stage *stages;
};
// What the stages will take, as JSON (recipe.h).
json_t *recipe_plan(const struct check *c);
