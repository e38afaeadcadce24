// attune demo corpus|pairs|truth|style: the demo's data, and what is true about it.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/args.h"
#include "cli/print.h"
#include "demo/demo.h"

static int run_corpus(int argc, char **argv);
static int run_pairs(int argc, char **argv);
static int run_truth(int argc, char **argv);
static int run_style(int argc, char **argv);

static const struct param write_options[] = {
    {.name = "n", .type = PARAM_INT, .fallback = "1000", .min = 1, .max = 10000000, .group = "demo", .help = "How many."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 1e15, .group = "demo",
     .help = "The same seed writes the same texts."},
    {.name = "out", .type = PARAM_PATH, .fallback = NULL, .group = "demo",
     .help = "The file to write: JSON lines, or plain text for stories in a .txt."},
    {0},
};

const struct command command_demo_corpus = {
    .name = "demo corpus",
    .synopsis = "attune demo corpus --out FILE [--n N] [--seed S]",
    .summary = "Writes stories, from which the demo's model was trained.",
    .help = "Every story ends in one of a few styles; \"attune demo truth\" says how often.",
    .options = write_options,
    .run = run_corpus,
};
const struct command command_demo_pairs = {
    .name = "demo pairs",
    .synopsis = "attune demo pairs --out FILE [--n N] [--seed S]",
    .summary = "Writes preference pairs about stories, drawn from known utilities.",
    .help = "A prompt is a story up to its ending; chosen and rejected are two endings. Which one is chosen is drawn "
            "by Bradley-Terry from the utilities of their styles.",
    .options = write_options,
    .run = run_pairs,
};
const struct command command_demo_truth = {
    .name = "demo truth",
    .synopsis = "attune demo truth [--json]",
    .summary = "Says what people prefer in the demo, and what tuning must arrive at.",
    .help = "KL-bound tuning (RLHF and DPO alike) arrives at share * exp(utility / beta): with a model that leans to one "
            "side it exaggerates what people prefer. Preference matching arrives at exp(utility), whatever the model "
            "was like.",
    .json = true,
    .run = run_truth,
};
const struct command command_demo_style = {
    .name = "demo style",
    .synopsis = "attune demo style < TEXTS",
    .summary = "Says the style of each line of its input, or none.",
    .help = "One text a line; one word a line comes out.",
    .run = run_style,
};

static int write_file(const struct command *command, int argc, char **argv,
                      int (*write)(const char *path, uint32_t n, uint64_t seed, struct err *e))
{
    struct args a;
    int status = 0;
    if (!args_open(&a, command, argc, argv, 0, 0, &status))
        return status;
    struct err e = {0};
    if (settings_check_required(&a.settings, &e) ||
        write(args_text(&a, "out"), (uint32_t)settings_int(&a.settings, "n"),
              (uint64_t)settings_int(&a.settings, "seed"), &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}

static int run_corpus(int argc, char **argv)
{
    return write_file(&command_demo_corpus, argc, argv, demo_write_corpus);
}

static int run_pairs(int argc, char **argv)
{
    return write_file(&command_demo_pairs, argc, argv, demo_write_pairs);
}

static void add_shares(struct print_table *t, const char *title, const double shares[DEMO_N_STYLES])
{
    print_table_cell(t, -1, "%s", title);
    for (int s = 0; s < DEMO_N_STYLES; s++)
        print_table_cell(t, -1, "%.1f %%", 100 * shares[s]);
    double main_two = shares[DEMO_COZY] + shares[DEMO_ADVENTURE];
    print_table_cell(t, -1, "%.1f : %.1f", 100 * shares[DEMO_COZY] / main_two, 100 * shares[DEMO_ADVENTURE] / main_two);
}

static void print_truth(void)
{
    for (int s = 0; s < DEMO_N_STYLES; s++)
        printf("%-10s utility %+.4f   %s\n", demo_styles[s].name, demo_styles[s].utility, demo_styles[s].summary);
    printf("People prefer %s to %s %.0f to %.0f.\n\n", demo_styles[DEMO_COZY].name, demo_styles[DEMO_ADVENTURE].name,
           100 * demo_preference(DEMO_COZY, DEMO_ADVENTURE), 100 * demo_preference(DEMO_ADVENTURE, DEMO_COZY));
    struct print_table t;
    print_table_init(&t, "lrrrr");
    print_table_cell(&t, PRINT_BOLD, "shares");
    for (int s = 0; s < DEMO_N_STYLES; s++)
        print_table_cell(&t, PRINT_BOLD, "%s", demo_styles[s].name);
    print_table_cell(&t, PRINT_BOLD, "%s : %s", demo_styles[DEMO_COZY].name, demo_styles[DEMO_ADVENTURE].name);
    double shares[DEMO_N_STYLES];
    demo_shares_reference(shares);
    add_shares(&t, "in the corpus", shares);
    demo_shares_kl(1, shares);
    add_shares(&t, "KL-bound tuning and DPO, beta 1", shares);
    demo_shares_kl(0.1, shares);
    add_shares(&t, "KL-bound tuning and DPO, beta 0.1", shares);
    demo_shares_matching(shares);
    add_shares(&t, "preference matching", shares);
    print_table_end(&t, stdout, print_width(stdout));
}

static int run_truth(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_demo_truth, argc, argv, 0, 0, &status))
        return status;
    if (args_json(&a)) {
        json_t *truth = demo_truth();
        json_dumpf(truth, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
        putchar('\n');
        json_decref(truth);
    } else {
        print_truth();
    }
    args_close(&a);
    return status;
}

static int run_style(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_demo_style, argc, argv, 0, 0, &status))
        return status;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        int style = demo_style(line, (size_t)n);
        puts(style == DEMO_NO_STYLE ? "none" : demo_styles[style].name);
    }
    if (ferror(stdin)) {
        struct err e = {0};
        err_errno(&e, "cannot read the texts from standard input");
        status = args_fail(&a, &e);
    }
    free(line);
    args_close(&a);
    return status;
}
