// A recipe: stages, each a run of its own, that start from one another's checkpoints. A text file of lines `key = value`:
//
//     title = SFT, then DPO              # before the first section: title, paper, about (may be repeated), config
//     [inputs]                           # what is given when it is started; $model and $data always are such
//     data = demo/pairs.jsonl            # with a default
//     [defaults]                         # settings of all stages whose objective has them
//     data = $data
//     [sft]                              # a stage: objective and its run's parameters
//     objective = sft
//     model = $model
//     [repeat 3]                         # what stands up to [end], three times: policy.1, policy.2, policy.3
//     [policy]
//     objective = dpo
//     model = {policy or sft}            # the checkpoint of the first of them that has run by then
//     [end]
//
// A path, and a program or a folder of rewards, is meant from the folder that the file is in (from there else from where the
// person stands); what is given when it is started, the other way round.
//
// {stage} is the folder of the stage's last checkpoint (with keep-best: of its best), {stage.run} the name of its run. $$ is
// a dollar sign, {{ a brace. A stage can name those before it only, so that the file's order is that of the runs.
//
//   recipe.c        the lines
//   recipe_words.c  $names and {stages} in values
//   recipe_check.c  every stage against its objective's parameters and, as far as is known before, against model and data
//   recipe_plan.c   what they will take
//   recipe_run.c    the experiment
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum { RECIPE_MAX_BYTES = 1 << 18, RECIPE_MAX_STAGES = 64 };

struct recipe_line {
    char *key, *value; // value NULL: an input without a default
    char *where;       // "FILE:12", or what was said on the command line: for errors
    bool typed;        // on the command line or in the form
};
struct recipe_lines {
    struct recipe_line *rows;
    size_t n, cap;
};
struct recipe_stage {
    char *name; // "policy.2"
    char *base; // "policy"
    char *where;
    struct recipe_lines lines; // the objective's among them
};
struct recipe {
    char *path, *text;
    char *title, *paper, *about; // "" where the file has none
    char *config;                // a config.json that stands for the model where there is none; "" without
    struct recipe_lines inputs, defaults;
    struct recipe_stage *stages;
    size_t n_stages, cap_stages;
};

// Errors say FILE:LINE.
int recipe_read(struct recipe *r, const char *path, struct err *e);
int recipe_parse(struct recipe *r, const char *path, const char *text, struct err *e); // path: for errors
void recipe_fini(struct recipe *r);                                                    // zeroed is fine
// "stage.key=value", "inputs.name=value" or "defaults.key=value"; a repeated stage's name means all its rounds.
int recipe_set(struct recipe *r, const char *assignment, struct err *e);
const char *recipe_input(const struct recipe *r, const char *name); // NULL: there is none, or it has no value
// The last line of that key; NULL.
const struct recipe_line *recipe_line(const struct recipe_lines *lines, const char *key);

// ---- words in values ----
// The value as stage `at` has it: inputs put in, {a or b} become {a}, in full names ("{policy.2}"). *missing (may be NULL):
// the input that has no value; without it that is an error. Heap; NULL with *e.
char *recipe_value(const struct recipe *r, size_t at, const struct recipe_line *line, const char **missing, struct err *e);
// The stages' full names, in their order.
struct recipe_names {
    const char *names[RECIPE_MAX_STAGES];
    size_t n;
};
// Whether a value, as recipe_value gave it, names a stage: the first one's index, and "{policy.2}", n_bytes at *from.
bool recipe_names_stage(const struct recipe_names *names, const char *value, size_t *stage, const char **from,
                        size_t *n_bytes, bool *as_run);
// The value with every stage replaced by what `of` says of it (borrowed until the next call; NULL: fails, *e set by it).
typedef const char *(*recipe_of_stage)(void *with, size_t stage, bool as_run, struct err *e);
char *recipe_fill(const struct recipe_names *names, const char *value, recipe_of_stage of, void *with, struct err *e);

// ---- checking ----
struct recipe_asked {
    bool plan; // model and data may be missing, and there may be too little memory
};
// {"recipe", "title", "paper", "path", "text", "inputs": {...}, "stages": [{"name", "objective", "settings": {...}, "steps",
// "rows", "tokens", "seconds", "memory", "missing"}, ...]}: a stage's settings are all of its run's, with {stage} in them;
// what is not known before is null. A new reference.
int recipe_check(const struct recipe *r, const struct recipe_asked *asked, json_t **out, struct err *e);
// The same without objectives and files: what lists show.
json_t *recipe_outline(const struct recipe *r);
