// attune model merge: several fine-tuned models or adapters over one base as one model folder.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "cli/source.h"
#include "launch/engine.h"

static const char *const methods[] = {"linear", "task-arithmetic", "ties", "dare-ties", NULL};
static const char *const dtypes[] = {"base", "f32", "bf16", "f16", NULL};
static const struct param options[] = {
    {.name = "base", .type = PARAM_PATH, .fallback = "",
     .help = "The model that all of them started from. Adapters name it themselves, whole models do not."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .help = "The tokenizer's folder, when it is not the model's."},
    {.name = "out", .type = PARAM_PATH, .help = "The folder to write; it must not exist yet."},
    {.name = "method", .type = PARAM_CHOICE, .fallback = "ties", .choices = methods,
     .help = "How the changes of the base are combined."},
    {.name = "weights", .type = PARAM_TEXT, .fallback = "",
     .help = "One number an input, separated by commas; else 1 each, with linear 1 / inputs."},
    {.name = "lambda", .type = PARAM_FLOAT, .fallback = "1", .min = -100, .max = 100,
     .help = "Scales the merged change."},
    {.name = "density", .type = PARAM_FLOAT, .fallback = "0.2", .min = 0, .max = 1,
     .help = "ties: the share of each tensor's change that is kept, the largest; above 0."},
    {.name = "drop", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0, .max = 1,
     .help = "dare-ties: the probability with which a number of a change is dropped; below 1."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0,
     .help = "dare-ties: fixes what is dropped."},
    {.name = "dtype", .type = PARAM_CHOICE, .fallback = "base", .choices = dtypes,
     .help = "Number format of the weights; base: that of the base."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_model_merge = {
    .name = "model merge",
    .synopsis = "attune model merge INPUT... --out DIR [--base DIR] [--method NAME] [OPTION]...",
    .summary = "Merges fine-tuned models or adapters of one base into one model.",
    .help = "An INPUT is a model folder, an adapter of PEFT, or RUN[@STEP|@best]. What is merged is what each changed of "
            "the base:\n\n"
            "  linear           the weighted mean of the changes\n"
            "  task-arithmetic  their weighted sum, times lambda\n"
            "  ties             the largest of each, and of those the ones with the sign\n"
            "                   that has more weight; their mean, times lambda\n"
            "  dare-ties        numbers dropped at random and the rest scaled up, then\n"
            "                   signs as in ties\n\n"
            "Tensors are merged one at a time: the memory is 8 bytes for each number of the largest one and 8 more for "
            "each "
            "input. For every input and for the result it says how much of the change is zero (sparsity: numbers below "
            "1e-8), how "
            "large it is (l1_norm), and where the inputs disagree in sign (of an input: with the majority).\n\n"
            "  attune model merge sft-1 dpo-1 --base ./SmolLM2-135M --out ./merged\n"
            "  attune model merge a/ b/ --base base/ --method linear --weights 0.7,0.3 --out c/",
    .options = options,
    .json = true,
    .run = run,
};

enum { MAX_INPUTS = 16, MAX_ARGS = 24 + MAX_INPUTS };

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static void print_row(struct print_table *t, const json_t *row, const char *name, bool is_input)
{
    print_table_cell(t, -1, "  %s", name);
    if (is_input) {
        print_table_cell(t, -1, "%.4g", number(row, "weight"));
        print_table_cell(t, -1, "%.1f %%", 100 * number(row, "kept"));
    } else {
        print_table_cell(t, -1, "%s", "");
        print_table_cell(t, -1, "%s", "");
    }
    print_table_cell(t, -1, "%.1f %%", 100 * number(row, "sparsity"));
    print_table_cell(t, -1, "%.4g", number(row, "l1_norm"));
    print_table_cell(t, -1, "%.1f %%", 100 * number(row, "sign_conflicts"));
}

static void print_report(const json_t *answer, char *const *names)
{
    struct print_table t;
    size_t i;
    json_t *row;
    printf("%s: %s of %zu, over %s\n", json_string_value(json_object_get(answer, "path")),
           json_string_value(json_object_get(answer, "method")), json_array_size(json_object_get(answer, "inputs")),
           json_string_value(json_object_get(answer, "base")));
    print_table_init(&t, "Lrrrrr");
    static const char *const titles[] = {"  change of", "weight", "kept", "sparsity", "l1 norm", "conflicts"};
    for (size_t c = 0; c < 6; c++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[c]);
    json_array_foreach(json_object_get(answer, "inputs"), i, row) print_row(&t, row, names[i], true);
    print_row(&t, json_object_get(answer, "result"), "result", false);
    print_table_end(&t, stdout, print_width(stdout));
}

static int merge(struct args *a, struct err *e)
{
    static const char *const flags[] = {"--out",     "--method", "--weights", "--lambda",
                                        "--density", "--drop",   "--seed",    "--dtype",  "--tokenizer"};
    const char *call[MAX_ARGS + 1] = {"merge"};
    char *inputs[MAX_INPUTS + 1] = {0}; // the last one is the base
    json_t *answer = NULL;
    int n = 1, n_inputs = 0;
    int code =
        a->n_words <= MAX_INPUTS
            ? 0
            : err_set(e, ERR_USAGE, "%d models are too many: at most %d can be merged at once", a->n_words, MAX_INPUTS);
    if (!code)
        code = settings_check_required(&a->settings, e);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        call[n++] = flags[i];
        call[n++] = settings_text(&a->settings, flags[i] + 2);
    }
    if (!code && args_text(a, "base") && (code = source_model(a, args_text(a, "base"), &inputs[MAX_INPUTS], e)) == 0) {
        call[n++] = "--base";
        call[n++] = inputs[MAX_INPUTS];
    }
    call[n++] = "--";
    for (; n_inputs < a->n_words && !code; n_inputs++) {
        code = source_model(a, a->words[n_inputs], &inputs[n_inputs], e);
        call[n++] = inputs[n_inputs];
    }
    if (!code)
        code = engine_call(call, &answer, e);
    if (!code && args_json(a))
        look_print_json(json_incref(answer));
    else if (!code)
        print_report(answer, a->words);
    json_decref(answer);
    for (int i = 0; i <= MAX_INPUTS; i++)
        free(inputs[i]);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_model_merge, argc, argv, 1, -1, &status))
        return status;
    if (merge(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
