// attune compare: the console, with checkpoints side by side.
#include "config.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/look.h"
#include "cli/source.h"
#include "ui/ui.h"

static const struct param options[] = {
    {.name = "prompt", .type = PARAM_TEXT, .fallback = "", .help = "What they answer first."},
    {.name = "prompts",
     .type = PARAM_PATH,
     .fallback = "",
     .help =
         "A data file whose prompts are gone through, or a text file with one a line; else those of the first run's data."},
    {.name = "reward",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "A reward model that scores the answers: RUN[@STEP] or a folder."},
    {.name = "temperature",
     .type = PARAM_FLOAT,
     .fallback = "0.7",
     .min = 0,
     .max = 100,
     .help = "How freely they choose: 0 always takes the likeliest token."},
    {.name = "top-p",
     .type = PARAM_FLOAT,
     .fallback = "1",
     .min = 0.0001,
     .max = 1,
     .help = "They choose among the likeliest tokens that have this share together."},
    {.name = "max-tokens",
     .type = PARAM_INT,
     .fallback = "200",
     .min = 1,
     .max = 100000,
     .unit = "tokens",
     .help = "Longest answer."},
    {.name = "seed",
     .type = PARAM_INT,
     .fallback = "1",
     .min = 0,
     .max = 4294967295.0,
     .help = "The same seed gives the same answers."},
    {.name = "blind",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Hides which model is which until you vote, and shuffles the sides."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_compare = {
    .name = "compare",
    .synopsis = "attune compare [MODEL]... [OPTION]...",
    .summary = "Opens the console with two to four checkpoints side by side.",
    .help =
        "A MODEL is RUN (its newest checkpoint), RUN@STEP, RUN@best, RUN@base (what the run began from) or a model folder. "
        "All answer the same prompt with the same "
        "seed; keys show what differs and how each token is read, and vote: a vote is kept as a label, which \"attune label "
        "export\" writes as data.\n\n"
        "  attune compare dpo-1@base dpo-1@best\n"
        "  attune compare dpo-1 ipo-1 models/demo --prompts held-out.jsonl --blind",
    .options = options,
    .run = run,
};

// A path is the person's, who may stand elsewhere than the console.
static int take_models(struct args *a, char **words, struct err *e)
{
    int code = 0;
    for (int i = 0; i < a->n_words && !code; i++) {
        char *folder = NULL;
        code = source_model(a, a->words[i], &folder, e);
        words[i] = !code && file_is_dir(a->words[i]) ? realpath(folder, NULL) : mem_strdup(a->words[i]);
        free(folder);
    }
    return code;
}

static int compare(struct args *a, struct err *e)
{
    char **words = mem_alloc((size_t)a->n_words + 1, sizeof *words);
    const struct settings *s = &a->settings;
    struct ui_compare how = {.models = (const char *const *)words,
                             .prompt = args_text(a, "prompt"),
                             .prompts = args_text(a, "prompts"),
                             .reward = args_text(a, "reward"),
                             .temperature = settings_text(s, "temperature"),
                             .top_p = settings_text(s, "top-p"),
                             .max_tokens = settings_text(s, "max-tokens"),
                             .seed = settings_text(s, "seed"),
                             .blind = settings_bool(s, "blind")};
    const struct ui_options ui = {.project = args_text(a, "project"), .compare = &how};
    int code = a->n_words > UI_COMPARE_MOST
                   ? err_set(e, ERR_USAGE, "at most %d models are compared, but there are %d", UI_COMPARE_MOST, a->n_words)
                   : take_models(a, words, e);
    if (!code)
        code = ui_console(&ui, e);
    for (int i = 0; i < a->n_words; i++)
        free(words[i]);
    free(words);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_compare, argc, argv, 0, -1, &status))
        return status;
    if (compare(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
