// attune sample: what a model answers, as it is made.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/child_lines.h"
#include "cli/look.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "cli/source.h"

static const struct param options[] = {
    SOURCE_OPTIONS,
    {.name = "prompts", .type = PARAM_PATH, .fallback = "",
     .help = "A file of prompts: in any shape that data may have, or a .txt with one a line."},
    {.name = "prompt", .type = PARAM_TEXT, .fallback = "", .help = "A prompt, as one of the words is."},
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9, .help = "At most so many of them; 0: all."},
    {.name = "samples", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 1024, .help = "Answers per prompt."},
    {.name = "max-tokens", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1048576, .unit = "tokens",
     .help = "Longest answer."},
    {.name = "temperature", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100,
     .help = "How freely to choose: 0 always takes the likeliest token."},
    {.name = "top-k", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1000000,
     .help = "Choose among the likeliest k tokens only; 0: all."},
    {.name = "top-p", .type = PARAM_FLOAT, .fallback = "1", .min = 0.0001, .max = 1,
     .help = "Choose among the likeliest tokens that have this share together."},
    {.name = "min-p", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1,
     .help = "Only tokens at least so likely as this share of the likeliest; 0: all."},
    {.name = "stop", .type = PARAM_TEXT, .fallback = "",
     .help = "Texts at which an answer ends, beside the model's own end, separated by commas: \\n\\n,User: (\\, is a "
             "comma)."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0,
     .help = "The same seed gives the same answers."},
    TEXT_OPTIONS,
    {0},
};

static int run(int argc, char **argv);

const struct command command_sample = {
    .name = "sample",
    .synopsis = "attune sample (--model DIR | --run NAME[@STEP]) [PROMPT]... [OPTION]...",
    .summary = "Lets a model answer prompts.",
    .help = "Without a PROMPT and --prompts the prompt is read from standard input.\n\n"
            "  attune sample --run dpo-1 --samples 4 \"Once upon a time\"\n"
            "  attune sample --model ./SmolLM2-135M --prompts held-out.jsonl --json",
    .options = options,
    .json = true,
    .run = run,
};

enum { MAX_ARGS = 4096 };

// The engine's options are ours, but for the model; what was not given it knows itself.
static int engine_args(const struct args *a, const char *model, char **prompts, int n_prompts, bool stream, const char **out,
                       struct err *e)
{
    static const char *const passed[] = {"prompts", "limit", "samples", "max-tokens", "temperature",
                                         "top-k",   "top-p", "min-p",   "stop",       "seed"};
    static const char *const flags[] = {"--prompts", "--limit", "--samples", "--max-tokens", "--temperature", "--top-k",
                                        "--top-p", "--min-p", "--stop", "--seed"};
    int n = 0;
    if (n_prompts > MAX_ARGS - 40)
        return err_set(e, ERR_LIMIT, "%d prompts are too many for a command line; use --prompts FILE", n_prompts);
    out[n++] = "sample";
    out[n++] = "--model";
    out[n++] = model;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (settings_given(&a->settings, passed[i])) {
            out[n++] = flags[i];
            out[n++] = settings_text(&a->settings, passed[i]);
        }
    n = source_pass_text(a, out, n);
    if (stream) {
        out[n++] = "--stream";
        out[n++] = "yes";
    }
    if (n_prompts > 0)
        out[n++] = "--"; // a prompt may begin like an option
    for (int i = 0; i < n_prompts; i++)
        out[n++] = prompts[i];
    out[n] = NULL;
    return 0;
}

struct answers {
    bool json, stream;
    json_t *all;       // with --json
};

static void print_asked(const json_t *row)
{
    const char *asked = json_string_value(json_object_get(row, "asked"));
    printf("%s", print_on(stdout, PRINT_DIM));
    print_visible(stdout, asked ? asked : "", 0);
    printf("%s\n", print_off(stdout));
}

static void print_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    struct str shown = {0};
    str_add_visible(&shown, text ? text : "", text ? strlen(text) : 0, true);
    fputs(str_text(&shown), stdout);
    str_fini(&shown);
}

// One row of the engine: a piece of a text, or a whole answer.
static int take_line(void *arg, const json_t *row, struct err *e)
{
    struct answers *x = arg;
    bool whole = json_is_string(json_object_get(row, "text"));
    if (x->json) {
        if (whole)
            json_array_append(x->all, (json_t *)row);
    } else if (!whole) {
        print_text(row, "piece");
        fflush(stdout);
    } else if (x->stream) {
        putchar('\n'); // its pieces stand there already
    } else {
        print_asked(row);
        print_text(row, "text");
        fputs("\n\n", stdout);
        fflush(stdout);
    }
    return 0;
}

static char *read_stdin(struct err *e)
{
    struct str all = {.max = 1 << 20};
    char bytes[4096];
    size_t n;
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "attune sample: type the prompt, then Ctrl-D\n");
    while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        str_addn(&all, bytes, n);
    while (all.len > 0 && all.data[all.len - 1] == '\n')
        all.data[--all.len] = 0;
    if (all.len == 0 || all.truncated) {
        err_set(e, ERR_USAGE, all.truncated ? "the prompt is longer than 1 MiB" : "there is no prompt");
        str_fini(&all);
        return NULL;
    }
    return str_take(&all);
}

static int sample(struct args *a, struct err *e)
{
    char *model = NULL, *typed = NULL, **words = mem_alloc((size_t)a->n_words + 1, sizeof *words), **prompts = words;
    int n_prompts = 0;
    const char **argv = mem_alloc(MAX_ARGS, sizeof *argv);
    struct answers x = {.json = args_json(a), .all = json_array()};
    if (args_text(a, "prompt"))
        words[n_prompts++] = (char *)args_text(a, "prompt");
    for (int i = 0; i < a->n_words; i++)
        words[n_prompts++] = a->words[i];
    int code = source_folder(a, &model, e);
    if (!code)
        code = piped_open(a, false, e);
    if (!code && n_prompts == 0 && !args_text(a, "prompts")) {
        typed = read_stdin(e);
        prompts = &typed;
        n_prompts = 1;
        code = typed ? 0 : e->code;
    }
    // A single answer appears as it is made; several at once would be a tangle.
    x.stream = !x.json && n_prompts == 1 && settings_int(&a->settings, "samples") == 1 && !args_text(a, "prompts");
    if (!code)
        code = engine_args(a, model, prompts, n_prompts, x.stream, argv, e);
    if (!code && x.stream) {
        struct str shown = {0};
        str_add_visible(&shown, prompts[0], strlen(prompts[0]), true);
        printf("%s%s%s", print_on(stdout, PRINT_DIM), str_text(&shown), print_off(stdout));
        str_fini(&shown);
        fflush(stdout);
    }
    if (!code)
        code = child_lines(argv, take_line, &x, e);
    if (!code && x.json)
        look_print_json(json_incref(x.all));
    json_decref(x.all);
    free(argv);
    free(typed);
    free(words);
    free(model);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_sample, argc, argv, 0, -1, &status))
        return status;
    if (sample(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
