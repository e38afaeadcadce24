#include "config.h"

#include "cli/data_summary.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/print.h"
#include "corpus/lists.h"

struct corpus_reading data_reading(const struct args *a)
{
    return (struct corpus_reading){settings_text(&a->settings, "map"), settings_text(&a->settings, "label-from")};
}

// ---- JSON ----

static json_t *lists_json(const struct corpus *c)
{
    struct list_summary s;
    lists_summarize(c, &s);
    return json_pack("{s:I, s:i, s:i, s:I, s:I, s:I}", "responses", (json_int_t)s.n_responses, "shortest", s.shortest,
                     "longest", s.longest, "ordered_pairs", (json_int_t)s.n_pairs, "ties", (json_int_t)s.n_ties,
                     "lists_with_ties", (json_int_t)s.n_with_ties);
}

static json_t *fields_json(const struct corpus *c, bool used)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_fields; i++)
        if (c->fields[i].used == used)
            json_array_append_new(list, json_string(c->fields[i].name));
    return list;
}

static json_t *lengths_json(const struct survey *s)
{
    json_t *all = json_object();
    for (int i = 0; i < s->n_parts; i++) {
        const struct survey_lengths *l = &s->parts[i];
        json_object_set_new(all, l->name, json_pack("{s:f, s:I, s:I, s:I}", "mean", l->mean, "median", (json_int_t)l->median,
                                                    "p95", (json_int_t)l->p95, "max", (json_int_t)l->max));
    }
    return all;
}

static void add_pairs(json_t *root, const struct survey *s)
{
    double low, high;
    const double share = survey_longer(s, &low, &high);
    json_object_set_new(root, "ties", json_integer((json_int_t)s->n_ties));
    json_object_set_new(root, "split_votes", json_integer((json_int_t)s->n_split));
    if (s->n_longer + s->n_shorter + s->n_equal)
        json_object_set_new(root, "longer",
                            json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "chosen", (json_int_t)s->n_longer,
                                      "rejected", (json_int_t)s->n_shorter, "equal", (json_int_t)s->n_equal, "mean_gap",
                                      s->mean_gap, "share", share, "low", low, "high", high));
}

json_t *data_summary_json(const struct corpus *c, const struct survey *s)
{
    json_t *refused = json_array();
    for (size_t i = 0; i < c->n_refused; i++)
        json_array_append_new(refused, json_pack("{s:I, s:s}", "line", (json_int_t)c->refused[i].line, "reason",
                                                 c->refused[i].reason));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:s}", "path", c->path, "shape", c->shape,
                  "kind", data_kind_name(c->kind), "rows", (json_int_t)c->n_rows, "examples", (json_int_t)c->n_examples,
                  s->tokens ? "tokens" : "characters", lengths_json(s), "prompts", (json_int_t)s->n_prompts, "same",
                  (json_int_t)s->n_same, "opposite", (json_int_t)s->n_opposite, "shared", (json_int_t)s->n_shared,
                  "refused", refused, "sha256", c->hash);
    if (c->kind == DATA_PAIR)
        add_pairs(root, s);
    if (c->kind == DATA_LIST)
        json_object_set_new(root, "lists", lists_json(c));
    json_object_set_new(root, "fields_read", fields_json(c, true));
    json_object_set_new(root, "fields_not_read", fields_json(c, false));
    return root;
}

// ---- for people ----

static void print_lists(const struct corpus *c)
{
    struct list_summary s;
    lists_summarize(c, &s);
    if (s.shortest == s.longest)
        printf("%zu %s of %d %s: ", c->n_examples,
               text_plural((int64_t)c->n_examples, "list", "lists"), s.longest,
               text_plural(s.longest, "response", "responses"));
    else
        printf("%zu lists of %d to %d responses, %.1f on average: ", c->n_examples, s.shortest, s.longest,
               (double)s.n_responses / (double)c->n_examples);
    printf("%zu %s with an order, %zu %s in %zu %s\n", s.n_pairs,
           text_plural((int64_t)s.n_pairs, "pair", "pairs"), s.n_ties, text_plural((int64_t)s.n_ties, "tie", "ties"),
           s.n_with_ties, text_plural((int64_t)s.n_with_ties, "list", "lists"));
}

static void print_fields(const struct corpus *c, bool used)
{
    struct str line = {0};
    for (size_t i = 0; i < c->n_fields; i++) {
        const struct corpus_field *f = &c->fields[i];
        if (f->used != used)
            continue;
        str_add(&line, line.len ? ", " : "");
        str_add_visible(&line, f->name, strlen(f->name), false);
        if (f->meant)
            str_addf(&line, " (did you mean %s?)", f->meant);
    }
    if (line.len) {
        printf("  %-9s ", used ? "read" : "not read");
        print_wrapped(stdout, str_text(&line), 12, 12, print_width(stdout));
    }
    str_fini(&line);
}

// Where the row is and why it is refused. Names of files inside of an archive are whoever packed it's.
static void print_row(const struct corpus *c, const char *file, int64_t line, const char *reason)
{
    if (file) {
        print_visible(stdout, file, 0);
        printf(", ");
    }
    printf("%s %lld: ", c->unit, (long long)line);
    print_visible(stdout, reason, 0);
    putchar('\n');
}

// A line for a row, or, of many, one for each reason.
static void print_refused(const struct corpus *c)
{
    enum { EACH = 20, MOST = 64 };
    struct refusal reasons[MOST];
    const int n = c->n_refused > EACH ? corpus_refusals(c, reasons, MOST) : 0;
    if (c->n_refused)
        printf("Refused:\n");
    for (size_t i = 0; !n && i < c->n_refused; i++) {
        printf("  ");
        print_row(c, c->refused[i].file, c->refused[i].line, c->refused[i].reason);
    }
    for (int i = 0; i < n; i++) {
        printf("  %zu %s, the first in ", reasons[i].n, text_plural((int64_t)reasons[i].n, "row", "rows"));
        print_row(c, reasons[i].file, reasons[i].line, reasons[i].reason);
    }
    if (c->all_refused)
        printf("Among them are %s.\n", c->all_refused);
}

static void print_same(const struct survey *s)
{
    if (s->n_same)
        printf("  %zu %s an earlier one again, but for case and blanks\n", s->n_same,
               text_plural((int64_t)s->n_same, "row is", "rows are"));
    if (s->n_opposite)
        printf("  %zu %s the opposite of another one\n", s->n_opposite,
               text_plural((int64_t)s->n_opposite, "row says", "rows say"));
    if (s->n_shared)
        printf("  %zu %s a prompt that is in the other file as well\n", s->n_shared,
               text_plural((int64_t)s->n_shared, "row has", "rows have"));
}

static void print_longer(const struct survey *s)
{
    double low, high;
    const size_t n = s->n_longer + s->n_shorter + s->n_equal;
    const double share = survey_longer(s, &low, &high);
    if (n)
        printf("  the chosen answer is the longer one in %zu, the shorter one in %zu and as long in %zu of %zu %s; who "
               "always takes the longer one is right in %.1f %% (95 %%: %.1f to %.1f)\n", s->n_longer, s->n_shorter,
               s->n_equal, n,
               text_plural((int64_t)n, "pair", "pairs"), 100 * share, 100 * low, 100 * high);
}

void data_summary_print(const struct corpus *c, const struct survey *s)
{
    printf("%s%s%s: %s\n", print_on(stdout, PRINT_BOLD), data_kind_name(c->kind), print_off(stdout), c->shape);
    printf("%zu %s read, %zu %s, %zu %s refused\n", c->n_rows, text_plural((int64_t)c->n_rows, "row", "rows"),
           c->n_examples, text_plural((int64_t)c->n_examples, "example", "examples"), c->n_refused,
           text_plural((int64_t)c->n_refused, "row", "rows"));
    if (c->kind == DATA_LIST)
        print_lists(c);
    if (s->n_ties || s->n_split)
        printf("%zu %s and %zu %s; reward models learn from both, other objectives leave ties out\n", s->n_ties,
               text_plural((int64_t)s->n_ties, "tie", "ties"), s->n_split,
               text_plural((int64_t)s->n_split, "split vote", "split votes"));
    for (int i = 0; i < s->n_parts; i++)
        if (s->parts[i].max)
            printf("  %-9s %.0f %s on average, %u at most; half have at most %u, 95 %% at most %u\n", s->parts[i].name,
                   s->parts[i].mean, s->tokens ? "tokens" : "characters", s->parts[i].max, s->parts[i].median,
                   s->parts[i].p95);
    print_longer(s);
    print_same(s);
    print_fields(c, true);
    print_fields(c, false);
    print_refused(c);
}
