// Where a model comes from: a folder, or a run's checkpoint.
#pragma once

#include "cli/args.h"
#include "store/store.h"

// The folder of --model DIR (also one of Attune's own, "models/demo") or of --run NAME[@STEP] (its newest checkpoint,
// that of STEP, @best, that of keep-best, or @base, what it began from); heap. ERR_USAGE unless exactly one is given.
int source_folder(const struct args *a, char **out, struct err *e);
// A word that is a folder (also one of Attune's own), else the run that it names: RUN[@STEP]; heap.
int source_model(const struct args *a, const char *word, char **out, struct err *e);
// The checkpoint that "NAME", "NAME@STEP" or "NAME@best" names, or what "NAME@base" began from; heap.
int source_checkpoint(const struct args *a, const char *name, char **out, struct err *e);
int source_no_checkpoint(const struct run_info *run, struct err *e); // ERR_STATE, with what helps

#define SOURCE_OPTIONS                                                                                        \
    {.name = "model", .type = PARAM_PATH, .fallback = "", .group = "model", .help = "A model folder."},       \
    {.name = "run", .type = PARAM_TEXT, .fallback = "", .group = "model",                                     \
     .help = "A run's newest checkpoint, that of one step, the best, or what it began from: "                 \
             "dpo-1, dpo-1@200, dpo-1@best, dpo-1@base."}

// How text becomes tokens, where it is not as the run's own, and how a file's rows are read.
#define TEXT_OPTIONS                                                                                          \
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .group = "text",                                \
     .help = "The tokenizer's folder, when it is not the model's."},                                          \
    {.name = "chat-template", .type = PARAM_TEXT, .fallback = "auto", .group = "text",                        \
     .help = "How messages become text: a template's name, auto for that of the run or the tokenizer, or none."}, \
    {.name = "system", .type = PARAM_TEXT, .fallback = "", .group = "text",                                   \
     .help = "A system message for conversations that have none."},                                           \
    {.name = "special-tokens", .type = PARAM_TEXT, .fallback = "parse", .group = "text",                      \
     .help = "What a special token such as <|im_end|> in plain texts is: that token (parse), or text."},      \
    {.name = "map", .type = PARAM_TEXT, .fallback = "", .group = "text",                                      \
     .help = "Which member of a row is what: prompt=question,chosen=better,rejected=worse."},                 \
    {.name = "label-from", .type = PARAM_TEXT, .fallback = "", .group = "text",                               \
     .help = "Which of several labels counts, such as safer (instead of better)."}
enum { TEXT_ARGS = 12 }; // the most that source_pass_text adds
// Appends those of them that were given to the engine's arguments; returns the new number.
int source_pass_text(const struct args *a, const char **out, int n);
