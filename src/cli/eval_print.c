#include "config.h"

#include "cli/eval_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/print.h"

static const struct row {
    const char *name, *meaning;
} rows[] = {
    {"reward", "mean score of the answers"},
    {"reward/std", "and how far they are apart"},
    {"win_rate", "against the reference's answers, ties half"},
    {"pm_divergence", "from what the reward says of two answers"},
    {"eval/pm", "(reward gap - log pi gap)^2, as the paper's code"},
    {"gold/reward", "mean score by the gold model"},
    {"gold/reward/std", "and how far they are apart"},
    {"gold/win_rate", "by the gold model"},
    {"kl/k1", "log pi - log ref of an answer, nats"},
    {"kl/k1/token", "of a token"},
    {"kl/k3", "the same, never negative"},
    {"kl/k3/token", "of a token"},
    {"kl/exact", "the same over the whole vocabulary"},
    {"kl/exact/token", "of a token"},
    {"entropy/sampled", "-log pi of a token that was drawn, nats"},
    {"entropy", "of the distribution at a token, nats"},
    {"perplexity", "of its own answers"},
    {"data/perplexity", "of the data's answers, by tokens"},
    {"length", "tokens of an answer"},
    {"truncated", "share of answers that were cut off"},
    {"distinct/1", "different tokens / tokens"},
    {"distinct/2", "different pairs of tokens"},
    {"distinct/3", "different triples of tokens"},
    {"style/none", "share of answers without a style"},
    {"style/tv", "total variation from the true shares"},
    {"style/kl", "KL from the true shares, nats"},
};

static const char *meaning_of(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].meaning;
    return strncmp(name, "style/", 6) == 0 ? "share among answers with a style" : "";
}

double eval_number(const json_t *evaluation, const char *measure, const char *which)
{
    const json_t *value = json_object_get(json_object_get(json_object_get(evaluation, "measures"), measure), which);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void add_number(struct print_table *t, double value)
{
    char text[32];
    print_table_cell(t, -1, "%s", isnan(value) ? "-" : print_number(text, sizeof text, value));
}

static void add_interval(struct print_table *t, double low, double high)
{
    char from[32], to[32];
    if (isnan(low) || isnan(high))
        print_table_cell(t, -1, "-");
    else
        print_table_cell(t, -1, "%s to %s", print_number(from, sizeof from, low), print_number(to, sizeof to, high));
}

static double how_number(const json_t *evaluation, const char *name)
{
    return json_number_value(json_object_get(json_object_get(evaluation, "how"), name));
}

void eval_print(const json_t *evaluation)
{
    const json_t *of = json_object_get(evaluation, "of"), *one;
    const char *name;
    struct print_table t;
    printf("%.0f prompts of ", how_number(evaluation, "rows"));
    print_visible(stdout, json_string_value(json_object_get(of, "data")), 0);
    printf("%s, %.0f %s to each, temperature %g, top-p %g, seed %.0f, beta %g\n\n",
           json_is_true(json_object_get(of, "held_out")) ? " (held out by the run)" : "", how_number(evaluation, "samples"),
           how_number(evaluation, "samples") == 1 ? "answer" : "answers", how_number(evaluation, "temperature"),
           how_number(evaluation, "top_p"), how_number(evaluation, "seed"), how_number(evaluation, "beta"));
    print_table_init(&t, "lrrL");
    print_table_cell(&t, PRINT_DIM, "measure");
    print_table_cell(&t, PRINT_DIM, "value");
    print_table_cell(&t, PRINT_DIM, "95%% interval");
    print_table_cell(&t, PRINT_DIM, "what it is");
    json_object_foreach((json_t *)json_object_get(evaluation, "measures"), name, one) {
        print_table_cell(&t, -1, "%s", name);
        add_number(&t, eval_number(evaluation, name, "value"));
        add_interval(&t, eval_number(evaluation, name, "low"), eval_number(evaluation, name, "high"));
        print_table_cell(&t, PRINT_DIM, "%s", meaning_of(name));
    }
    print_table_end(&t, stdout, print_width(stdout));
}

void eval_print_list(const json_t *list)
{
    static const struct {
        const char *title, *name;
    } columns[] = {{"reward", "reward"}, {"gold", "gold/reward"}, {"wins", "win_rate"}, {"PM div", "pm_divergence"},
                   {"KL", "kl/k1"}, {"KL/token", "kl/k1/token"}, {"entropy", "entropy"}, {"perplexity", "perplexity"}, {"length", "length"}};
    enum { N = sizeof columns / sizeof *columns };
    const json_t *one;
    struct print_table t;
    size_t i;
    print_table_init(&t, "lrlrrrrrrrrr");
    t.spare = "--5----34123";
    print_table_cell(&t, PRINT_DIM, "run");
    print_table_cell(&t, PRINT_DIM, "step");
    print_table_cell(&t, PRINT_DIM, "measured on");
    for (int c = 0; c < N; c++)
        print_table_cell(&t, PRINT_DIM, "%s", columns[c].title);
    json_array_foreach(list, i, one) {
        const json_t *how = json_object_get(one, "how");
        const char *prompts = json_string_value(json_object_get(how, "prompts"));
        print_table_cell(&t, -1, "%s", json_string_value(json_object_get(one, "run")));
        print_table_cell(&t, -1, "%lld", (long long)json_integer_value(json_object_get(one, "step")));
        print_table_cell(&t, -1, "%.6s %.0fx%.0f, seed %.0f", prompts ? prompts : "", how_number(one, "rows"),
                         how_number(one, "samples"), how_number(one, "seed"));
        for (int c = 0; c < N; c++)
            add_number(&t, eval_number(one, columns[c].name, "value"));
    }
    print_table_end(&t, stdout, print_width(stdout));
}

void eval_print_curve(const json_t *list)
{
    static const char *const titles[] = {"step", "sqrt(KL)", "reward", "+-", "gold", "+-"};
    const json_t *one;
    struct print_table t;
    size_t i;
    print_table_init(&t, "rrrrrr");
    for (size_t c = 0; c < sizeof titles / sizeof *titles; c++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[c]);
    json_array_foreach(list, i, one) {
        const double exact = eval_number(one, "kl/exact", "value");
        print_table_cell(&t, -1, "%lld", (long long)json_integer_value(json_object_get(one, "step")));
        add_number(&t, sqrt(isnan(exact) ? fmax(0, eval_number(one, "kl/k3", "value")) : exact));
        for (int k = 0; k < 2; k++) {
            const char *name = k ? "gold/reward" : "reward";
            add_number(&t, eval_number(one, name, "value"));
            add_number(&t, eval_number(one, name, "high") - eval_number(one, name, "value"));
        }
    }
    print_table_end(&t, stdout, print_width(stdout));
}
