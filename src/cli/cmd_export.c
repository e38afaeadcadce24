// attune export RUN[@STEP|@best] OUT: a checkpoint as a model folder.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/look.h"
#include "cli/source.h"
#include "launch/engine.h"

static const char *const dtypes[] = {"f32", "bf16", "f16", NULL};
static const struct param options[] = {
    {.name = "dtype", .type = PARAM_CHOICE, .fallback = "f32", .choices = dtypes, .help = "Number format of the weights."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .help = "The tokenizer's folder, when it is not the model's."},
    {.name = "merge", .type = PARAM_BOOL, .fallback = "yes",
     .help = "Merge an adapter into its base model, so that the folder is a whole model."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_export = {
    .name = "export",
    .synopsis = "attune export RUN[@STEP|@best]|DIR OUT [--dtype NAME] [--no-merge] [--tokenizer DIR]",
    .summary = "Writes a run's checkpoint as a Hugging Face model folder.",
    .help = "OUT must not exist yet. The folder loads in transformers, with --no-merge in peft.\n\n"
            "  attune export dpo-1 ./my-model --dtype bf16\n"
            "  attune export dpo-1@200 ./early\n"
            "  attune export dpo-1@best ./best        (of a run with --keep-best)",
    .options = options,
    .json = true,
    .run = run,
};

static int export_model(struct args *a, struct err *e)
{
    char *from = NULL;
    json_t *answer = NULL;
    bool is_folder = file_is_dir(a->words[0]);
    int code = 0;
    if (is_folder)
        from = mem_strdup(a->words[0]);
    else
        code = source_checkpoint(a, a->words[0], &from, e);
    if (!code && file_exists(a->words[1]))
        code = err_set(e, ERR_USAGE, "%s exists already: choose another folder or remove it", a->words[1]);
    if (!code) {
        const char *const call[] = {"export", "--checkpoint", from, "--out", a->words[1], "--dtype",
                                    settings_text(&a->settings, "dtype"), "--tokenizer",
                                    settings_text(&a->settings, "tokenizer"), "--merge",
                                    settings_bool(&a->settings, "merge") ? "yes" : "no", NULL};
        code = engine_call(call, &answer, e);
    }
    if (!code && args_json(a))
        look_print_json(json_incref(answer));
    else if (!code)
        printf("%s: written from %s\n", a->words[1], from);
    json_decref(answer);
    free(from);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_export, argc, argv, 2, 2, &status))
        return status;
    if (export_model(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
