#include "config.h"

#include "store/eval_names.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

#define RM "reward_model"
#define GOLD "gold_model"
#define REF "reference"

const struct eval_name eval_names[] = {
    {"pm_divergence", "PM DIV", "from what the reward says of two answers", -1, {RM, "beta"}},
    {"win_rate", "WINS", "against the reference's answers, ties half", 1, {RM, REF}},
    {"reward", "REWARD", "mean score of the answers", 1, {RM}},
    {"gold/reward", "GOLD", "mean score by the gold model", 1, {GOLD}},
    {"gold/win_rate", "GOLD W", "by the gold model", 1, {GOLD, REF}},
    {"kl/exact", "KL", "KL to the reference over the whole vocabulary, nats an answer", 0, {REF}},
    {"entropy", "ENTROPY", "of the distribution at a token, nats", 0, {NULL}},
    {"perplexity", "PPL", "of its own answers", 0, {NULL}},
    {"length", "LENGTH", "tokens of an answer", 0, {NULL}},
    {"distinct/1", "DIST 1", "different tokens / tokens", 1, {NULL}},
    {"distinct/2", "DIST 2", "different pairs of tokens", 1, {NULL}},
    {"distinct/3", "DIST 3", "different triples of tokens", 1, {NULL}},
    {"style/tv", "STYLETV", "total variation from the true shares", -1, {NULL}},
    {"style/kl", "STYLEKL", "KL from the true shares, nats", -1, {NULL}},
    {"style/none", "NOSTYLE", "share of answers without a style", 0, {NULL}},
    {"truncated", "CUT", "share of answers that were cut off", -1, {NULL}},
    {"data/perplexity", "DATAPPL", "of the data's answers, by tokens", -1, {NULL}},
    {"reward/std", "SPREAD", "how far the answers' scores are apart", 0, {RM}},
    {"gold/reward/std", "GOLD SD", "how far the gold model's scores are apart", 0, {GOLD}},
    {"eval/pm", "EVAL PM", "(reward gap - log pi gap)^2, as the paper's code", -1, {RM}},
    {"kl/exact/token", "KL/TOK", "the same of a token", 0, {REF}},
    {"kl/k1", "KL K1", "log pi - log ref of an answer, nats", 0, {REF}},
    {"kl/k1/token", "K1/TOK", "the same of a token", 0, {REF}},
    {"kl/k3", "KL K3", "the estimate of KL that is never negative", 0, {REF}},
    {"kl/k3/token", "K3/TOK", "the same of a token", 0, {REF}},
    {"entropy/sampled", "SAMPLED", "-log pi of a token that was drawn, nats", 0, {NULL}},
    {NULL, NULL, NULL, 0, {NULL}},
};

struct eval_name eval_name_of(const char *name)
{
    for (const struct eval_name *row = eval_names; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return *row;
    if (text_starts(name, "style/"))
        return (struct eval_name){.name = name, .title = name + strlen("style/"),
                                  .meaning = "share among answers with a style"};
    return (struct eval_name){.name = name, .title = name, .meaning = ""};
}

double eval_number(const json_t *evaluation, const char *measure, const char *which)
{
    const json_t *value = json_object_get(json_object_get(json_object_get(evaluation, "measures"), measure), which);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

// Numbers by their value: 1 and 1.0 are the same way to ask.
static bool same_how(const json_t *a, const json_t *b, const char *key)
{
    const json_t *x = json_object_get(json_object_get(a, "how"), key), *y = json_object_get(json_object_get(b, "how"), key);
    if (json_is_number(x) && json_is_number(y))
        return json_number_value(x) == json_number_value(y);
    return x == y || (x && y && json_equal(x, y));
}

bool eval_same_prompts(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"prompts", "samples", "max_tokens", "temperature", "top_p"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!same_how(a, b, keys[i]))
            return false;
    return true;
}

bool eval_comparable(const json_t *a, const json_t *b, const struct eval_name *measure)
{
    bool same = eval_same_prompts(a, b);
    for (size_t i = 0; i < sizeof measure->under / sizeof *measure->under && measure->under[i]; i++)
        same = same && same_how(a, b, measure->under[i]);
    return same;
}
