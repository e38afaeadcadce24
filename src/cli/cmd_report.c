// attune report RUN...: an experiment as one HTML file.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/look.h"
#include "cli/report.h"
#include "launch/engine.h"
#include "store/eval_file.h"

static const struct param options[] = {
    {.name = "out", .type = PARAM_PATH, .fallback = "",
     .help = "The file; without it RUN.html in this folder, - prints it."},
    {.name = "metrics", .type = PARAM_TEXT, .fallback = "all",
     .help = "Which curves: metrics or titles of the console's charts, separated by commas."},
    {.name = "samples", .type = PARAM_INT, .fallback = "6", .min = 0, .max = 1000,
     .help = "Of how many prompts the answers are shown."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_report = {
    .name = "report",
    .synopsis = "attune report [RUN...] [--out FILE.html]",
    .summary = "Writes a report of an experiment: one HTML file that opens anywhere.",
    .help = "Settings and what differs in them, what went wrong, curves, evaluations with their intervals, samples at the "
            "start and at the end, where models and data come from, and the commands that do it again. Several runs are "
            "drawn over one another; a recipe's run brings those of its stages. The file loads nothing and runs no script, "
            "and is light or dark as its reader likes it.\n\n"
            "  attune report dpo-1\n"
            "  attune report dpo-1 ipo-1 kto-1 --smooth 0.8 --out compared.html",
    .options = options,
    .json = true,
    .run = run,
    .more_options = plots_options,
};

static int read_evaluations(struct report *r, struct err *e)
{
    int code = 0;
    r->evaluations = json_array();
    for (int i = 0; i < r->plots->n_rows && !code; i++) {
        char *dir = store_run_dir(r->store, r->plots->rows[i]->info.name);
        code = eval_file_list(dir, r->plots->rows[i]->info.name, r->evaluations, e);
        free(dir);
    }
    return code;
}

static int write_report(struct report *r, const struct args *a, struct err *e)
{
    struct str html = {.max = (size_t)512 << 20}, path = {0};
    struct engine_description *engine = NULL;
    int code = read_evaluations(r, e);
    if (code)
        return code;
    if (engine_describe(&engine, NULL) == 0)
        r->engine = engine;
    r->n_samples = (int)settings_int(&a->settings, "samples");
    str_addf(&path, "%s", args_text(a, "out") ? args_text(a, "out") : r->plots->rows[0]->info.name);
    if (!args_text(a, "out"))
        str_add(&path, ".html");
    report_html(r, &html);
    if (html.truncated)
        code = err_set(e, ERR_LIMIT, "the report would be larger than 512 MiB: fewer runs or --samples 0 make it smaller");
    else if (strcmp(str_text(&path), "-") == 0)
        code = fwrite(str_text(&html), 1, html.len, stdout) == html.len ? 0 : err_errno(e, "cannot write the report");
    else
        code = file_write(str_text(&path), str_text(&html), html.len, e);
    if (!code && args_json(a))
        look_print_json(json_pack("{s:o, s:I}", "path", look_json_text(str_text(&path)), "bytes", (json_int_t)html.len));
    else if (!code && strcmp(str_text(&path), "-") != 0)
        printf("%s\n", str_text(&path));
    engine_description_free(engine);
    str_fini(&html);
    str_fini(&path);
    return code;
}

static int report(struct args *a, struct store *s, struct err *e)
{
    struct plots p;
    struct report r = {.store = s, .plots = &p};
    plots_init(&p);
    int code = plots_list(&p, s, e);
    for (int i = 0; i < a->n_words && !code; i++)
        code = plots_add_runs(&p, a->words[i], e);
    if (!code)
        code = plots_choose(&p, args_text(a, "metrics"), 1, e);
    if (!code)
        code = plots_read(&p, a, e);
    if (!code)
        code = write_report(&r, a, e);
    json_decref(r.evaluations);
    plots_fini(&p);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_report, argc, argv, 0, -1, report);
}
