// attune score: what a model thinks of given responses.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/child_lines.h"
#include "cli/look.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "cli/source.h"

static const struct param options[] = {
    SOURCE_OPTIONS,
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9,
     .help = "At most so many rows; 0: all."},
    {.name = "tokens", .type = PARAM_BOOL, .fallback = "no",
     .help = "Says of every token its log-probability, or its reward of a token-level reward model."},
    {.name = "judge", .type = PARAM_BOOL, .fallback = "no",
     .help = "Asks a preference model which response of each pair is better, in both orders."},
    TEXT_OPTIONS,
    {0},
};

static int run(int argc, char **argv);

const struct command command_score = {
    .name = "score",
    .synopsis = "attune score (--model DIR | --run NAME[@STEP]) FILE [--tokens | --judge] [--json]",
    .summary = "Says what a model thinks of the responses in a file.",
    .help = "Of a reward model the score of each response, of a preference model (--judge) the probability that the "
            "first response of a pair wins, of any other model the log-probability. FILE is data in any shape that "
            "\"attune data import\" reads; of a pair the chosen response comes first.\n\n"
            "  attune score --run rm-1 held-out.jsonl --json\n"
            "  attune score --run rm-token-1 held-out.jsonl --tokens\n"
            "  attune score --run judge-1 held-out.jsonl --judge",
    .options = options,
    .json = true,
    .run = run,
};

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

// "the 0.3  cat -0.1"
static void print_tokens(const json_t *tokens)
{
    struct str line = {0};
    const json_t *token;
    size_t i;
    json_array_foreach(tokens, i, token) {
        const char *piece = json_string_value(json_array_get(token, 0));
        char value[32];
        str_add(&line, i ? "  " : "");
        str_add_visible(&line, piece ? piece : "", piece ? strlen(piece) : 0, false);
        snprintf(value, sizeof value, " %.3g", json_number_value(json_array_get(token, 1)));
        str_add(&line, value);
    }
    fputs("    ", stdout);
    print_wrapped(stdout, str_text(&line), 4, 4, print_width(stdout));
    str_fini(&line);
}

static void print_row(const json_t *row)
{
    const json_t *responses = json_object_get(row, "responses"), *one;
    size_t i;
    const char *cut = json_is_true(json_object_get(row, "shortened")) ? "  (shortened)" : "";
    printf("line %lld:", (long long)json_integer_value(json_object_get(row, "line")));
    if (!responses) {
        printf("  the first wins with %.3f (shown first %.3f, shown second %.3f)%s\n", number(row, "first_wins"),
               number(row, "as_a"), number(row, "as_b"), cut);
        return;
    }
    json_array_foreach(responses, i, one)
        printf("  %.6g", number(one, json_object_get(one, "score") ? "score" : "logp"));
    puts(cut);
    json_array_foreach(responses, i, one) {
        if (json_object_get(one, "tokens"))
            print_tokens(json_object_get(one, "tokens"));
    }
}

// all: the rows for --json; NULL: each is printed as it comes.
static int take_row(void *arg, const json_t *row, struct err *e)
{
    json_t *all = arg;
    if (all)
        json_array_append(all, (json_t *)row);
    else
        print_row(row);
    return 0;
}

static int score(struct args *a, struct err *e)
{
    static const char *const flags[] = {"--limit", "--tokens", "--judge"};
    const char *argv[16 + TEXT_ARGS] = {"score"};
    char *model = NULL;
    json_t *all = args_json(a) ? json_array() : NULL;
    int n = 1, code = source_folder(a, &model, e);
    if (!code)
        code = piped_open(a, true, e);
    if (!code) {
        argv[n++] = "--model";
        argv[n++] = model;
        argv[n++] = "--data";
        argv[n++] = a->words[0];
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        argv[n++] = flags[i];
        argv[n++] = settings_text(&a->settings, flags[i] + 2);
    }
    source_pass_text(a, argv, n);
    if (!code)
        code = child_lines(argv, take_row, all, e);
    if (!code && all)
        look_print_json(json_incref(all));
    json_decref(all);
    free(model);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_score, argc, argv, 1, 1, &status))
        return status;
    if (score(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
