// attune export RUN[@STEP|@best] OUT: a checkpoint as a model folder; with --svg and the like what was recorded
// (export_data.c).
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/export_data.h"
#include "cli/look.h"
#include "cli/plots.h"
#include "cli/source.h"
#include "cli/print.h"
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

static int more_options(int argc, char **argv, const struct param *const **tables, struct err *e)
{
    static const struct param *all[3] = {export_data_options};
    const struct param *const *plots = NULL;
    int code = plots_options(argc, argv, &plots, e);
    all[1] = code ? NULL : plots[0];
    *tables = all;
    return code;
}

const struct command command_export = {
    .name = "export",
    .synopsis = "attune export RUN[@STEP|@best]|DIR OUT [--dtype NAME] [--no-merge] [--tokenizer DIR]\n       "
                "attune export [RUN...] [--svg FILE] [--png FILE] [--csv FILE] [--jsonl FILE] [--tensorboard DIR]",
    .summary = "Writes a checkpoint as a model folder; curves as pictures, what was recorded as tables or for TensorBoard.",
    .help = "OUT must not exist yet. The folder loads in transformers, with --no-merge in peft.\n\n"
            "  attune export dpo-1 ./my-model --dtype bf16\n"
            "  attune export dpo-1@200 ./early\n"
            "  attune export dpo-1@best ./best        (of a run with --keep-best)\n\n"
            "With one of the options below it exports what runs recorded instead. Without a run, tables and TensorBoard get "
            "all runs, and pictures show the newest one; several runs are drawn over one another. A file is there whole or "
            "not at all, and takes the place of one that has its name.\n\n"
            "  attune export dpo-1 dpo-2 --svg curves.svg --metrics loss,rewards,kl --smooth 0.8\n"
            "  attune export dpo-1 dpo-2 --png each.png --metrics loss,kl --multiples\n"
            "  attune export a-1 a-2 b-1 b-2 --svg runs.svg --scatter kl,rewards/margins@max\n"
            "  attune export --csv all.csv --wide\n"
            "  attune export dpo-1 --jsonl - --what samples | jq .response\n"
            "  attune export --tensorboard ./logs && tensorboard --logdir ./logs",
    .options = options,
    .json = true,
    .run = run,
    .more_options = more_options,
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
        print_said("%s: written from %s\n", a->words[1], from);
    json_decref(answer);
    free(from);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_export, argc, argv, 0, -1, &status))
        return status;
    int code = 0;
    if (export_data_wanted(&a))
        code = export_data(&a, &e);
    else if (a.n_words == 2)
        code = export_model(&a, &e);
    else
        code = err_set(&e, ERR_USAGE, "a run and a folder are wanted, or an option that says what to write: --svg, --png, "
                                      "--csv, --jsonl or --tensorboard");
    if (code)
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
