// attune import --tensorboard DIR: what another program recorded becomes a run.
#include "config.h"

#include <stdio.h>

#include "cli/look.h"
#include "cli/print.h"
#include "export/import.h"

static const struct param options[] = {
    {.name = "tensorboard",
     .type = PARAM_PATH,
     .fallback = "",
     .help = "A folder with event files of TensorBoard's; each folder below it that has some is a run of its own."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .help = "What the run is called; else as its folder."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_import = {
    .changes = true,
    .name = "import",
    .synopsis = "attune import --tensorboard DIR [--name NAME] [--json]",
    .summary = "Makes runs of what other programs recorded for TensorBoard.",
    .help = "Scalars become metrics under their tags, hyperparameters become settings, so that curves, tables, "
            "filters, export and the "
            "settings in which runs differ have them beside Attune's own runs. Checksums of all files are compared "
            "before anything is "
            "made; a damaged file is refused. Texts, pictures and histograms are passed over, and there is no "
            "checkpoint to "
            "sample from.\n"
            "  attune import --tensorboard ./logs\n"
            "  attune import --tensorboard ./logs/trl-dpo --name trl",
    .options = options,
    .json = true,
    .run = run,
};

static int import(struct args *a, struct err *e)
{
    const char *dir = args_text(a, "tensorboard");
    struct store *s = NULL;
    struct imported made = {0};
    if (!dir)
        return err_set(e, ERR_USAGE, "what is to be imported? --tensorboard DIR names a folder with event files");
    int code = look_project(a, true, &s, e);
    if (!code)
        code = import_tensorboard(s, dir, args_text(a, "name"), &made, e);
    json_t *names = json_array();
    for (int i = 0; i < made.n; i++) {
        json_array_append_new(names, look_json_text(made.names[i]));
        if (!args_json(a))
            print_said("%s: imported\n", made.names[i]);
    }
    if (!code && args_json(a))
        look_print_json(json_pack("{s:O, s:I}", "runs", names, "points", (json_int_t)made.n_points));
    json_decref(names);
    imported_fini(&made);
    store_close(s);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_import, argc, argv, 0, 0, &status))
        return status;
    if (import(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
