#include "config.h"

#include "cli/eval_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/print.h"
#include "store/eval_names.h"

static void add_number(struct print_table *t, double value)
{
    char text[32];
    print_table_cell(t, -1, "%s", isnan(value) ? "-" : print_number(text, sizeof text, value));
}

// "0.22 to 0.4"; "" where there is no interval.
static const char *interval_text(char *out, size_t size, const json_t *evaluation, const char *name)
{
    const double low = eval_number(evaluation, name, "low"), high = eval_number(evaluation, name, "high");
    char from[32], to[32];
    if (isnan(low) || isnan(high))
        return "";
    snprintf(out, size, "%s to %s", print_number(from, sizeof from, low), print_number(to, sizeof to, high));
    return out;
}

static double how_number(const json_t *evaluation, const char *name)
{
    return json_number_value(json_object_get(json_object_get(evaluation, "how"), name));
}

enum { TABLE_COLUMNS = 72 }; // fewer: what a measure is has no room beside its numbers

static void print_measures(const json_t *evaluation, json_t *measures)
{
    static const char *const titles[] = {"measure", "value", "95 % interval", "what it is"};
    struct print_table t;
    const char *name;
    json_t *one;
    print_table_init(&t, "lrrW");
    for (size_t c = 0; c < sizeof titles / sizeof *titles; c++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[c]);
    json_object_foreach(measures, name, one) {
        char text[80];
        const char *interval = interval_text(text, sizeof text, evaluation, name);
        print_table_cell(&t, -1, "%s", name);
        add_number(&t, eval_number(evaluation, name, "value"));
        print_table_cell(&t, -1, "%s", *interval ? interval : "-");
        print_table_cell(&t, PRINT_DIM, "%s", eval_name_of(name).meaning);
    }
    print_table_end(&t, stdout, print_width(stdout));
}

// The same as sentences.
static void print_measures_below(const json_t *evaluation, json_t *measures)
{
    const char *name;
    json_t *one;
    json_object_foreach(measures, name, one) {
        char number[32], text[80];
        const char *interval = interval_text(text, sizeof text, evaluation, name), *meaning = eval_name_of(name).meaning;
        const double value = eval_number(evaluation, name, "value");
        struct str line = {0};
        str_addf(&line, "%s  %s", name, print_number(number, sizeof number, value));
        if (*interval)
            str_addf(&line, " (%s)", interval);
        if (*meaning)
            str_addf(&line, ": %s", meaning);
        print_wrapped(stdout, str_text(&line), 0, 4, print_width(stdout));
        str_fini(&line);
    }
}

void eval_print(const json_t *evaluation)
{
    const json_t *of = json_object_get(evaluation, "of");
    const char *data = json_string_value(json_object_get(of, "data"));
    struct str head = {0};
    str_addf(&head, "%.0f prompts of ", how_number(evaluation, "rows"));
    str_add_visible(&head, data ? data : "", data ? strlen(data) : 0, false);
    str_addf(&head, "%s, %.0f %s to each, temperature %g, top-p %g, seed %.0f, beta %g\n",
             json_is_true(json_object_get(of, "held_out")) ? " (held out by the run)" : "",
             how_number(evaluation, "samples"),
             how_number(evaluation, "samples") == 1 ? "answer" : "answers", how_number(evaluation, "temperature"),
             how_number(evaluation, "top_p"), how_number(evaluation, "seed"), how_number(evaluation, "beta"));
    print_wrapped(stdout, str_text(&head), 0, 0, print_width(stdout));
    putchar('\n');
    str_fini(&head);
    json_t *measures = json_object_get(evaluation, "measures");
    if (print_width(stdout) < TABLE_COLUMNS)
        print_measures_below(evaluation, measures);
    else
        print_measures(evaluation, measures);
}

// How many of them have the measure.
static int count(const json_t *list, const char *measure)
{
    const json_t *one;
    size_t i;
    int n = 0;
    json_array_foreach(list, i, one)
        n += !isnan(eval_number(one, measure, "value"));
    return n;
}

void eval_print_list(const json_t *list, bool with_run)
{
    static const struct {
        const char *title, *name;
        char spare; // as in struct print_table
    } all[] = {{"reward", "reward", '-'}, {"gold", "gold/reward", '-'}, {"wins", "win_rate", '-'},
               {"PM div", "pm_divergence", '-'}, {"KL", "kl/k1", '-'}, {"KL/token", "kl/k1/token", '3'},
               {"entropy", "entropy", '4'}, {"perplexity", "perplexity", '1'}, {"length", "length", '2'}};
    enum { N = sizeof all / sizeof *all };
    int columns[N], n = 0;
    struct str align = {0}, spare = {0};
    const json_t *one;
    struct print_table t;
    size_t i;
    str_add(&align, with_run ? "Lrl" : "rl");
    str_add(&spare, with_run ? "--5" : "-5");
    for (int c = 0; c < N; c++)
        if (count(list, all[c].name)) { // one that nobody has says nothing
            columns[n++] = c;
            str_addc(&align, 'r');
            str_addc(&spare, all[c].spare);
        }
    print_table_init(&t, str_text(&align));
    t.spare = str_text(&spare);
    if (with_run)
        print_table_cell(&t, PRINT_DIM, "run");
    print_table_cell(&t, PRINT_DIM, with_run ? "step" : "  step");
    print_table_cell(&t, PRINT_DIM, "measured on");
    for (int c = 0; c < n; c++)
        print_table_cell(&t, PRINT_DIM, "%s", all[columns[c]].title);
    json_array_foreach(list, i, one) {
        const json_t *how = json_object_get(one, "how");
        const char *prompts = json_string_value(json_object_get(how, "prompts"));
        if (with_run)
            print_table_cell(&t, -1, "%s", json_string_value(json_object_get(one, "run")));
        print_table_cell(&t, -1, "%s%lld", with_run ? "" : "  ",
                         (long long)json_integer_value(json_object_get(one, "step")));
        print_table_cell(&t, -1, "%.6s %.0fx%.0f, seed %.0f", prompts ? prompts : "", how_number(one, "rows"),
                         how_number(one, "samples"), how_number(one, "seed"));
        for (int c = 0; c < n; c++)
            add_number(&t, eval_number(one, all[columns[c]].name, "value"));
    }
    print_table_end(&t, stdout, print_width(stdout));
    str_fini(&align);
    str_fini(&spare);
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
