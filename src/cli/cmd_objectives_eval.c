// attune objectives eval NAME: an objective as a calculator, for people who check papers, and us.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/start.h"

static const struct param options[] = {
    {.name = "set", .type = PARAM_TEXT, .fallback = "",
     .help = "Another way to give a parameter: --set beta=0.5. May be repeated."},
    {.name = "state", .type = PARAM_TEXT, .fallback = "",
     .help = "What the objective remembers from earlier steps, such as running means: numbers separated by commas."},
    {.name = "step", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e15,
     .help = "The number of the step, where an objective changes with it."},
    {.name = "seed", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 4294967295.0,
     .help = "The run's seed, where an objective draws something."},
    {0},
};

static struct engine_description *description;
static const struct param *tables[2];
static int run(int argc, char **argv);
static int more_options(int argc, char **argv, const struct param *const **out, struct err *e);

const struct command command_objectives_eval = {
    .name = "objectives eval",
    .synopsis = "attune objectives eval NAME [--PARAMETER VALUE]... [FILE]",
    .summary = "Computes an objective's loss and derivatives on numbers of your own.",
    .help = "Reads FILE or standard input, JSON with one group a line: an object with an array for every number, one "
            "element for each response of the group (of a pair the chosen one first; a plain number counts for all). All "
            "lines together are the batch. This can be pasted:\n\n"
            "  echo '{\"logp\": [-12, -15], \"ref\": [-13, -14], \"n\": [6, 8]}\n"
            "        {\"logp\": [-20, -10], \"ref\": [-18, -11.5], \"n\": [10, 5]}' |\n"
            "      attune objectives eval dpo --beta 0.5\n\n"
            "logp and ref are a response's log-probabilities, summed over its tokens, under the model and under the "
            "reference; n is its length in tokens; label is 1 or 0 of good and bad ones, or the score of a list's. Some "
            "objectives take more: score (of a reward model), kl, sum_squares, rival (sums over tokens), value (of the "
            "value network), tail (what ld-alpha took from logp), prompt_odds, mismatched (1 for another prompt's "
            "response). What an objective does not need is ignored, so the same lines fit several.\n\n"
            "Objectives that learn from the model's own answers take a prompt's answers a line, with an array of the "
            "answer's tokens in each array, and say what every token earned and is worth:\n\n"
            "  echo '{\"score\": [1, 0], \"old_logp\": [[-1, -2], [-1]], \"logp\": [[-1, -2.1], [-2]]}' |\n"
            "      attune objectives eval rloo --beta 0\n\n"
            "score is what an answer earned as a whole; old_logp, logp and reference are its tokens' log-probabilities "
            "under the model that said it, under the model now and under the reference; old_value and value are of the "
            "value network; ended (1 or 0) and longest (what an answer may have of tokens) may be left out. With "
            "is-correction, sampler_logp is what the sampler drew them with.\n\n"
            "It prints one JSON object: the mean loss and the loss of every group, the derivatives of each group's loss by "
            "its numbers (training divides them by the number of groups), the rewards (implicit ones, or every token's), "
            "what a training step would log, and what the objective remembers for the next step.",
    .options = options,
    .run = run,
    .more_options = more_options,
};

// The first word; what options take is none.
static const char *first_word(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || !argv[i][1])
            return argv[i];
        if (strcmp(argv[i], "--") == 0)
            return i + 1 < argc ? argv[i + 1] : NULL;
        if (!strchr(argv[i], '=') && strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
            i++;
    }
    return NULL;
}

// The parameters of the objective that is asked for, as options.
static int more_options(int argc, char **argv, const struct param *const **out, struct err *e)
{
    const char *name = first_word(argc, argv);
    const struct engine_objective *o = NULL;
    tables[0] = NULL;
    *out = tables;
    if (!name)
        return 0;
    int code = description ? 0 : engine_describe(&description, e);
    if (!code)
        code = start_find_objective(description, name, &o, e);
    if (!code)
        tables[0] = o->params;
    return code;
}

static int read_input(const char *path, char **text, size_t *n, struct err *e)
{
    enum { MAX_INPUT = 64 << 20 };
    char bytes[16384];
    struct str s = {.max = MAX_INPUT};
    size_t got;
    if (path)
        return file_read(path, MAX_INPUT, text, n, e);
    while ((got = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        str_addn(&s, bytes, got);
    if (ferror(stdin) || s.truncated) {
        const bool large = s.truncated;
        str_fini(&s);
        return large ? err_set(e, ERR_LIMIT, "standard input holds more than 64 MiB")
                     : err_errno(e, "cannot read standard input");
    }
    *n = s.len;
    str_add(&s, "");
    *text = str_take(&s);
    return 0;
}

static int evaluate(const struct args *a, struct err *e)
{
    static const char *const own[] = {"set", "state", "step", "seed", "project", "help"};
    const char *path = a->n_words > 1 && strcmp(a->words[1], "-") != 0 ? a->words[1] : NULL;
    char *text = NULL;
    size_t n = 0;
    json_t *given = settings_to_json(&a->settings, false), *answer = NULL;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(given, own[i]);
    char *settings = json_dumps(given, JSON_COMPACT);
    json_decref(given);
    int code = read_input(path, &text, &n, e);
    const char *const args[] = {"objective-eval", "--objective", a->words[0], "--settings", settings, "--state",
                                settings_text(&a->settings, "state"), "--step",
                                settings_text(&a->settings, "step"), "--seed",
                                settings_text(&a->settings, "seed"), "--where", path ? path : "standard input", NULL};
    if (!code)
        code = engine_call_with(args, text ? text : "", n, &answer, e);
    if (!code)
        look_print_json(answer);
    free(settings);
    free(text);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_objectives_eval, argc, argv, 1, 2, &status))
        return status;
    if (a.n_words < 2 && isatty(STDIN_FILENO))
        fprintf(stderr, "Reading groups from the keyboard, one JSON object a line; Ctrl-D ends them.\n");
    if (evaluate(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
