// attune credit: which tokens of a response a tuned model came to like, and which to dislike.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/child_lines.h"
#include "cli/look.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "cli/source.h"
#include "launch/engine.h"

static const struct param options[] = {
    SOURCE_OPTIONS,
    {.name = "reference", .type = PARAM_PATH, .fallback = "", .group = "model",
     .help = "The model to compare with; of a run, the one that it started from."},
    {.name = "data", .type = PARAM_PATH, .fallback = "", .help = "A file whose responses are looked at."},
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9,
     .help = "At most so many rows of it; 0: all."},
    {.name = "prompt", .type = PARAM_TEXT, .fallback = "", .help = "Instead of a file: a prompt."},
    {.name = "response", .type = PARAM_TEXT, .fallback = "", .help = "The response to it."},
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "", .min = 0, .max = 1e6,
     .help = "The factor of the rewards; of a run, the one that it was trained with; else 1, which gives nats."},
    {.name = "alpha", .type = PARAM_FLOAT, .fallback = "", .min = 1e-6, .max = 1e6,
     .help = "The factor of the model's own log-probabilities, where it is not beta; of a run of spl, the one that it was "
             "trained with."},
    TEXT_OPTIONS,
    {0},
};

static int run(int argc, char **argv);

const struct command command_credit = {
    .name = "credit",
    .synopsis = "attune credit (--model DIR --reference DIR | --run NAME[@STEP]) (--data FILE | --response TEXT)",
    .summary = "Says which tokens of a response earned their reward.",
    .help = "The implicit reward of a token is beta times how much more likely it is than under the reference, as a "
            "logarithm; the rewards of a response's tokens add up to DPO's reward of the response (arXiv:2404.12358). Of "
            "spl it is alpha times the one logarithm less beta times the other. --json prints text, id, log-probabilities "
            "and reward of every token.\n\n"
            "  attune credit --run dpo-1 --prompt \"Once upon a time\" --response \" there was a fox.\"\n"
            "  attune credit --model tuned --reference base --data pairs.jsonl --limit 10 --json",
    .options = options,
    .json = true,
    .run = run,
};

// What the rewards are made with.
struct given {
    char *reference, *beta, *alpha; // on the heap; NULL: not known
};

static void take_number(char **out, const json_t *settings, const char *name)
{
    const json_t *value = json_object_get(settings, name);
    struct str text = {0};
    if (*out || !json_is_number(value))
        return;
    str_addf(&text, "%.17g", json_number_value(value));
    *out = str_take(&text);
}

// An objective that weighs entropy by itself has a parameter for it.
static int take_alpha(char **alpha, const struct run_info *info, struct err *e)
{
    struct engine_description *d;
    int code = engine_describe(&d, e);
    if (code)
        return code;
    const struct engine_objective *o = engine_find_objective(d, info->objective);
    if (o && *o->entropy_weight)
        take_number(alpha, info->settings, o->entropy_weight);
    engine_description_free(d);
    return 0;
}

// What a run says of them, where the person did not; who says a beta alone means it for both.
static int ask_run(const struct args *a, struct given *g, struct err *e)
{
    const char *name = args_text(a, "run");
    struct store *s = NULL;
    struct run_info info = {0};
    char *run_name = mem_strndup(name, strcspn(name, "@"));
    int code = look_project(a, false, &s, e);
    if (!code)
        code = store_find_run(s, run_name, &info, e);
    if (!code) {
        if (!g->reference)
            g->reference = mem_strdup(info.model);
        if (!g->beta)
            code = take_alpha(&g->alpha, &info, e);
        if (g->alpha || json_number_value(json_object_get(info.settings, "beta")) > 0) // else nats
            take_number(&g->beta, info.settings, "beta");
        run_info_fini(&info);
    }
    store_close(s);
    free(run_name);
    return code;
}

static void print_response(const json_t *response)
{
    size_t i;
    json_t *token;
    char number[32];
    printf("%sreward %s%s, log-probability %.2f, under the reference %.2f\n", print_on(stdout, PRINT_BOLD),
           print_number(number, sizeof number, json_number_value(json_object_get(response, "reward"))), print_off(stdout),
           json_number_value(json_object_get(response, "logp")), json_number_value(json_object_get(response, "ref")));
    json_array_foreach(json_object_get(response, "tokens"), i, token) {
        const double reward = json_number_value(json_object_get(token, "reward"));
        const char *text = json_string_value(json_object_get(token, "text"));
        printf("  %s%+10.4f%s  ", print_on(stdout, reward < 0 ? PRINT_BAD : PRINT_GOOD), reward, print_off(stdout));
        print_visible(stdout, text ? text : "", 60);
        putchar('\n');
    }
}

static int keep_line(void *arg, const json_t *row, struct err *e)
{
    json_array_append(arg, (json_t *)row);
    return 0;
}

static int ask_engine(const struct args *a, const char *model, const struct given *g, json_t *all, struct err *e)
{
    const char *args[18 + TEXT_ARGS] = {"credit",
                                        "--model",
                                        model,
                                        "--reference",
                                        g->reference,
                                        "--beta",
                                        g->beta ? g->beta : "1",
                                        "--alpha",
                                        g->alpha ? g->alpha : "",
                                        "--data",
                                        settings_text(&a->settings, "data"),
                                        "--limit",
                                        settings_text(&a->settings, "limit"),
                                        "--prompt",
                                        settings_text(&a->settings, "prompt"),
                                        "--response",
                                        settings_text(&a->settings, "response")};
    int n = 0;
    while (args[n])
        n++;
    source_pass_text(a, args, n);
    return child_lines(args, keep_line, all, e);
}

static char *copy_of(const struct args *a, const char *name)
{
    return args_text(a, name) ? mem_strdup(args_text(a, name)) : NULL;
}

static int credit(struct args *a, struct err *e)
{
    char *model = NULL;
    struct given g = {copy_of(a, "reference"), copy_of(a, "beta"), copy_of(a, "alpha")};
    json_t *all = json_array(), *line, *response;
    size_t i, k;
    int code = source_folder(a, &model, e);
    if (!code && args_text(a, "run"))
        code = ask_run(a, &g, e);
    if (!code && !g.reference)
        code = err_set(e, ERR_USAGE, "--reference is missing: the model that %s is compared with", model);
    if (!code && !args_text(a, "data") == !args_text(a, "response"))
        code = err_set(e, ERR_USAGE, "give --data FILE, or --prompt TEXT and --response TEXT");
    if (!code)
        code = piped_open(a, false, e);
    if (!code && g.reference[0] != '/' && !file_exists(g.reference)) {
        char *shared = path_share(g.reference);
        if (shared && file_exists(shared)) {
            free(g.reference);
            g.reference = mem_strdup(shared);
        }
        free(shared);
    }
    if (!code)
        code = ask_engine(a, model, &g, all, e);
    if (!code && args_json(a))
        look_print_json(json_incref(all));
    else if (!code)
        json_array_foreach(all, i, line)
            json_array_foreach(json_object_get(line, "responses"), k, response)
                print_response(response);
    json_decref(all);
    free(model);
    free(g.reference);
    free(g.beta);
    free(g.alpha);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_credit, argc, argv, 0, 0, &status))
        return status;
    if (credit(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
