// The engine's commands: one function each, options as parameter tables.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/param.h"
#include "train/objective/objective.h"

struct engine_command {
    const char *name, *summary;
    const struct param *params; // --NAME VALUE; NULL: none
    // s: checked options; rest: arguments that are no options.
    int (*run)(const struct settings *s, char **rest, int n_rest, struct err *e);
};
extern const struct engine_command engine_commands[]; // ends with a row without name

int engine_describe(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_run(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_check(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_memory(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_sample(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_serve_model(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_score(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_agree(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_doctor(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_model(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_export(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_merge(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_tokenizer_train(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_credit(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_tokens(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_eval(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_objective_eval(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_recipe(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_recipes(const struct settings *s, char **rest, int n_rest, struct err *e);
int engine_bench(const struct settings *s, char **rest, int n_rest, struct err *e);

extern const struct param engine_run_params[], engine_check_params[], engine_memory_params[],
    engine_sample_params[], engine_serve_model_params[], engine_score_params[], engine_export_params[],
    engine_tokenizer_train_params[], engine_bench_params[], engine_agree_params[],
    engine_doctor_params[], engine_eval_params[], engine_recipe_params[], engine_recipes_params[],
    engine_model_params[], engine_objective_eval_params[], engine_credit_params[], engine_merge_params[],
    engine_tokens_params[];

// Everything about an objective that a person or a form may want to know.
json_t *engine_describe_objective(const struct objective *o);
