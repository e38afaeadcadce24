// attune data show: one row of a data file as Attune understands it.
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/data_summary.h"
#include "cli/piped.h"
#include "cli/print.h"

static int run_show(int argc, char **argv);

static const struct param show_options[] = {
    READING_PARAMS,
    {.name = "row", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 1e15, .group = "data",
     .help = "Which of the rows that can be used, counted from 1."},
    {0},
};

const struct command command_data_show = {
    .name = "data show",
    .synopsis = "attune data show FILE [N] [--map NAMES] [--json]",
    .summary = "Shows one row of a data file as Attune understands it.",
    .help = "Rows are counted without the refused ones; \"attune data import\" lists those.",
    .options = show_options,
    .json = true,
    .run = run_show,
};

static void print_block(const char *title, enum print_style style, const char *text)
{
    struct str s = {0};
    str_add_visible(&s, text, strlen(text), true);
    printf("%s%s%s\n%s\n", print_on(stdout, style), title, print_off(stdout), str_text(&s));
    str_fini(&s);
}

static void print_example(const struct corpus *c, size_t i)
{
    const struct example *x = &c->examples[i];
    printf("row %zu of %zu, line %lld\n", i + 1, c->n_examples, (long long)x->line);
    if (x->tools)
        print_block("tools", PRINT_BOLD, x->tools);
    for (int t = 0; t < x->n_turns; t++) {
        if (x->is_chat || x->turns[t].text[0])
            print_block(x->is_chat ? x->turns[t].role : "prompt", PRINT_BOLD, x->turns[t].text);
        if (x->turns[t].json)
            print_block("  with", PRINT_DIM, x->turns[t].json);
    }
    for (int r = 0; r < x->n_responses; r++) {
        double score = x->responses[r].score;
        char title[64] = "text";
        if (c->kind == DATA_PAIR && pair_is_tie(x))
            snprintf(title, sizeof title, "one of a tie");
        else if (c->kind == DATA_PAIR && x->responses[0].score < 1)
            snprintf(title, sizeof title, "%s (%.0f %% of the votes)", r == 0 ? "chosen" : "rejected", 100 * score);
        else if (c->kind == DATA_PAIR)
            snprintf(title, sizeof title, "%s", r == 0 ? "chosen" : "rejected");
        else if (c->kind == DATA_BINARY)
            snprintf(title, sizeof title, "%s", score > 0 ? "good" : "bad");
        else if (c->kind == DATA_LIST)
            snprintf(title, sizeof title, "score %g", score);
        bool low = (c->kind == DATA_PAIR && r == 1) || (c->kind == DATA_BINARY && score <= 0);
        print_block(title, low ? PRINT_BAD : PRINT_GOOD, x->responses[r].text);
        if (x->responses[r].json)
            print_block("  with", PRINT_DIM, x->responses[r].json);
    }
}

static void print_example_json(const struct corpus *c, size_t i)
{
    const struct example *x = &c->examples[i];
    json_t *turns = json_array(), *responses = json_array();
    for (int t = 0; t < x->n_turns; t++)
        json_array_append_new(turns, json_pack("{s:s, s:s}", "role", x->turns[t].role, "content", x->turns[t].text));
    for (int r = 0; r < x->n_responses; r++)
        json_array_append_new(responses, json_pack("{s:s, s:f}", "text", x->responses[r].text, "score",
                                                   x->responses[r].score));
    json_t *root = json_pack("{s:I, s:I, s:b, s:o, s:o}", "row", (json_int_t)i + 1, "line", (json_int_t)x->line, "chat",
                             x->is_chat, "prompt", turns, "responses", responses);
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(root);
}

static int run_show(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_data_show, argc, argv, 1, 2, &status))
        return status;
    struct err e = {0};
    struct corpus *c = NULL;
    const struct corpus_reading how = data_reading(&a);
    int64_t row = settings_int(&a.settings, "row");
    int code = a.n_words > 1 && (!text_to_i64(a.words[1], &row) || row < 1)
                   ? err_set(&e, ERR_USAGE, "\"%s\" is no number of a row: write attune data show FILE 3", a.words[1])
                   : piped_open(&a, true, &e);
    if (!code)
        code = corpus_load_as(&c, a.words[0], 0, &how, &e);
    if (!code && (size_t)row > c->n_examples)
        code = err_set(&e, ERR_USAGE, "%s has no row %lld: %zu can be used", c->path, (long long)row, c->n_examples);
    if (code)
        status = args_fail(&a, &e);
    else if (args_json(&a))
        print_example_json(c, (size_t)row - 1);
    else
        print_example(c, (size_t)row - 1);
    corpus_free(c);
    args_close(&a);
    return status;
}
