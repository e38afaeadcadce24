// attune-engine: trains, samples, scores; one process per run or question. It has no screen; people start it
// through attune.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cpu/cpu.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"

const struct engine_command engine_commands[] = {
    {"describe", "what this engine offers, as JSON", NULL, engine_describe},
    {"run", "train a run of the store, or continue it", engine_run_params, engine_run},
    {"check", "whether a run could be, before there is one", engine_check_params, engine_check},
    {"memory", "what training a model would take of memory, as JSON", engine_memory_params, engine_memory},
    {"sample", "answers of a model to prompts, as JSON lines", engine_sample_params, engine_sample},
    {"serve-model",
     "keep a model loaded and answer requests of standard input, JSON lines", engine_serve_model_params, engine_serve_model},
    {"score", "log-probabilities or reward scores of given responses, as JSON lines", engine_score_params, engine_score},
    {"agree", "how far two reward models agree on given responses, as JSON", engine_agree_params, engine_agree},
    {"doctor", "what this machine offers, measured, as JSON", engine_doctor_params, engine_doctor},
    {"model", "what a model folder holds, as JSON", engine_model_params, engine_model},
    {"export", "a checkpoint as a model folder, adapters merged", engine_export_params, engine_export},
    {"merge", "several models or adapters over one base as one model", engine_merge_params, engine_merge},
    {"tokenizer-train", "learn a byte-level BPE vocabulary from a text file", engine_tokenizer_train_params,
     engine_tokenizer_train},
    {"credit", "what each token of given responses earned, as JSON lines", engine_credit_params, engine_credit},
    {"tokens", "how a model reads each token of given answers, as JSON lines", engine_tokens_params, engine_tokens},
    {"eval", "measure a model on held-out prompts, as JSON lines", engine_eval_params, engine_eval},
    {"objective-eval", "an objective's loss and derivatives of numbers from standard input, as JSON",
     engine_objective_eval_params, engine_objective_eval},
    {"recipe", "a recipe checked, and what its stages would take, as JSON", engine_recipe_params, engine_recipe},
    {"recipes", "which recipes there are, as JSON", engine_recipes_params, engine_recipes},
    {"bench", "measure training steps on this machine", engine_bench_params, engine_bench},
    {0}};

static int usage(FILE *to)
{
    fprintf(to, "usage: attune-engine COMMAND [--OPTION VALUE]...\n\n");
    for (const struct engine_command *c = engine_commands; c->name; c++)
        fprintf(to, "  %-16s %s\n", c->name, c->summary);
    fprintf(to, "\nattune-engine COMMAND --help lists the command's options.\n");
    return to == stdout ? 0 : err_exit_status(ERR_USAGE);
}

static int command_help(const struct engine_command *c)
{
    printf("usage: attune-engine %s [--OPTION VALUE]...\n%s.\n\n", c->name, c->summary);
    for (const struct param *p = c->params; p && p->name; p++) {
        char range[200];
        printf("  --%s: %s (%s)\n", p->name, p->help, param_range_text(p, range, sizeof range));
    }
    return 0;
}

// "--name value", "--name=value"; "--name" alone for yes/no options.
static int parse_option(struct settings *s, int argc, char **argv, int *at, struct err *e)
{
    char *name = mem_strdup(argv[*at] + 2), *equals = strchr(name, '=');
    int code;
    if (equals)
        *equals = '\0';
    const struct param *p = settings_find(s, name);
    if (equals)
        code = settings_set(s, name, equals + 1, e);
    else if (p && p->type == PARAM_BOOL && (*at + 1 == argc || text_starts(argv[*at + 1], "--")))
        code = settings_set(s, name, "yes", e);
    else if (p && *at + 1 == argc)
        code = err_set(e, ERR_USAGE, "--%s needs a value: %s", name, p->help);
    else
        code = settings_set(s, name, p ? argv[++*at] : "", e);
    free(name);
    return code;
}

static int run_command(const struct engine_command *c, int argc, char **argv, struct err *e)
{
    const struct param *const tables[] = {c->params, NULL};
    struct settings s;
    char **rest = mem_alloc((size_t)argc + 1, sizeof *rest);
    int n_rest = 0, code = 0;
    bool only_words = false; // after "--"
    settings_init(&s, tables);
    for (int i = 0; i < argc && !code; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && text_starts(argv[i], "--"))
            code = parse_option(&s, argc, argv, &i, e);
        else
            rest[n_rest++] = argv[i];
    }
    if (!code)
        code = settings_check_required(&s, e);
    if (!code)
        code = c->run(&s, rest, n_rest, e);
    settings_fini(&s);
    free(rest);
    return code;
}

// When this process was started (by the kernel's account, to 10 ms): before libraries were loaded and before the
// program executed itself again for OpenBLAS's sake.
static double process_start(void)
{
    char *text, *at;
    size_t n;
    struct timespec now;
    double since_boot = 0;
    clock_gettime(CLOCK_BOOTTIME, &now);
    if (file_read("/proc/self/stat", 1 << 16, &text, &n, NULL))
        return clock_seconds();
    at = strrchr(text, ')'); // field 2 may hold anything; field 22 is the start in clock ticks
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at)
        since_boot = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - atof(at) / (double)sysconf(_SC_CLK_TCK);
    free(text);
    return clock_seconds() - since_boot;
}

int main(int argc, char **argv)
{
    struct err fault = {0};
    engine_started = process_start();
    path_program_set(argv[0]);
    file_fault_init();
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("attune-engine " PACKAGE_VERSION);
        return 0;
    }
    for (const struct engine_command *c = engine_commands; c->name; c++) {
        if (strcmp(argv[1], c->name) != 0)
            continue;
        if (argc > 2 && strcmp(argv[2], "--help") == 0)
            return command_help(c);
        // These compute nothing with matrices; all others need the right kernels from the beginning.
        const bool light = c->run == engine_describe || c->run == engine_model || c->run == engine_objective_eval ||
                           c->run == engine_merge;
        int code = light ? 0 : cpu_blas_prepare(argc, argv, &fault);
        if (!code)
            code = run_command(c, argc - 2, argv + 2, &fault);
        struct notes said = {0}; // once the command has done its work: what stops it says more
        engine_take_notes(&said);
        for (size_t n = 0; !code && n < said.n; n++)
            fprintf(stderr, "attune-engine: warning: %s\n", said.texts[n]);
        notes_fini(&said);
        if (code)
            fprintf(stderr, "attune-engine: %s\n", fault.text);
        return code ? err_exit_status(code) : 0;
    }
    fprintf(stderr, "attune-engine: there is no command %s\n", argv[1]);
    return usage(stderr);
}
