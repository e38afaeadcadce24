// attune model agree: how far two reward models agree.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/child_lines.h"
#include "cli/look.h"
#include "cli/piped.h"
#include "cli/source.h"
#include "launch/engine.h"

static const struct param options[] = {
    {.name = "data", .type = PARAM_PATH, .help = "The file whose responses both score."},
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9,
     .help = "At most so many rows; 0: all."},
    TEXT_OPTIONS,
    {0},
};

static int run(int argc, char **argv);

const struct command command_model_agree = {
    .name = "model agree",
    .synopsis = "attune model agree RM1 RM2 --data FILE [--limit N] [--json]",
    .summary = "Says how far two reward models agree on the same responses.",
    .help = "An RM is a model folder or RUN[@STEP]. Train two on the two halves of one file (--part 1/2 and --part "
            "2/2, with one seed): what a policy that was trained on the one gains in the one but not in the other is "
            "over-optimized. On responses that neither saw the numbers here are what there is to lose: the correlation "
            "of scores, that of score differences inside of pairs, and the share of pairs that both rank alike.\n\n"
            "  attune model agree rm-a rm-b --data held-out.jsonl",
    .options = options,
    .json = true,
    .run = run,
};

static void print_share(const char *what, const json_t *value)
{
    if (json_is_number(value))
        printf("  %-34s %.3f\n", what, json_number_value(value));
}

static int keep_answer(void *arg, const json_t *row, struct err *e)
{
    *(json_t **)arg = json_incref((json_t *)row);
    return 0;
}

static int agree(struct args *a, struct err *e)
{
    char *models[2] = {NULL, NULL};
    json_t *answer = NULL;
    int code = settings_check_required(&a->settings, e);
    for (int i = 0; i < 2 && !code; i++)
        code = source_model(a, a->words[i], &models[i], e);
    if (!code)
        code = piped_open(a, false, e);
    if (!code) {
        const char *data = settings_text(&a->settings, "data"), *limit = settings_text(&a->settings, "limit");
        const char *call[9 + TEXT_ARGS + 1] = {"agree",  "--model", models[0], "--other", models[1],
                                               "--data", data,      "--limit", limit};
        source_pass_text(a, call, 9);
        code = child_lines(call, keep_answer, &answer, e);
    }
    if (!code && args_json(a)) {
        look_print_json(json_incref(answer));
    } else if (!code) {
        const json_t *accuracy = json_object_get(answer, "accuracy");
        printf("%lld responses, %lld pairs of responses to one prompt\n",
               (long long)json_integer_value(json_object_get(answer, "responses")),
               (long long)json_integer_value(json_object_get(answer, "pairs")));
        print_share("correlation of scores", json_object_get(answer, "correlation"));
        print_share("correlation of differences", json_object_get(answer, "margin_correlation"));
        print_share("share of pairs ranked alike", json_object_get(answer, "ranked_alike"));
        print_share("share of pairs ranked as labelled", json_array_get(accuracy, 0));
        print_share("  the same of the second model", json_array_get(accuracy, 1));
    }
    json_decref(answer);
    free(models[0]);
    free(models[1]);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_model_agree, argc, argv, 2, 2, &status))
        return status;
    if (agree(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
