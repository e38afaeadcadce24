// Sections of a report: what was measured of checkpoints, and what the model wrote.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli/print.h"
#include "cli/report.h"
#include "store/run_db.h"
#include "ui/runs/eval_table.h"

// ---- evaluations ----

static const struct run_row *row_named(const struct report *r, const char *name)
{
    for (int i = 0; i < r->plots->n_rows; i++)
        if (strcmp(r->plots->rows[i]->info.name, name) == 0)
            return r->plots->rows[i];
    return NULL;
}

static void add_cell(const struct eval_table *t, int row, int measure, struct str *out)
{
    char value[32], low[32], high[32];
    const double is = eval_table_value(t, row, measure, "value"), from = eval_table_value(t, row, measure, "low"),
                 to = eval_table_value(t, row, measure, "high");
    if (isnan(is)) {
        str_add(out, "<td class=\"n\">-");
        return;
    }
    const bool best = eval_table_is_best(t, row, measure);
    str_addf(out, "<td class=\"n%s\">%s%s", best ? " best" : "", print_number(value, sizeof value, is), best ? " *" : "");
    if (!isnan(from) && !isnan(to))
        str_addf(out, "<small>%s to %s</small>", print_number(low, sizeof low, from), print_number(high, sizeof high, to));
}

void report_evaluations(const struct report *r, struct str *out)
{
    if (json_array_size(r->evaluations) == 0)
        return;
    struct eval_table *t = eval_table_new(json_incref(r->evaluations));
    str_add(out, "<h2>Evaluations</h2>\n<p class=\"muted\">Below a value its 95 % interval; * is the best among evaluations "
                 "that answered the same prompts in the same way (those of one set).</p>\n<div "
                 "class=\"wide\"><table><tr><th>run<th class=\"n\">step<th class=\"n\">set");
    for (int m = 0; m < t->n_columns; m++) {
        str_add(out, "<th class=\"n\">");
        report_text(out, t->columns[m].title);
    }
    str_add(out, "</tr>\n");
    for (int i = 0; i < t->n; i++) {
        const struct run_row *row = row_named(r, t->rows[i].run);
        str_add(out, "<tr><td>");
        if (row)
            report_name(out, r, row);
        else
            report_text(out, t->rows[i].run);
        str_addf(out, "<td class=\"n\">%lld<td class=\"n\">%d", (long long)t->rows[i].step, t->rows[i].set);
        for (int m = 0; m < t->n_columns; m++)
            add_cell(t, i, m, out);
        str_add(out, "</tr>\n");
    }
    str_add(out, "</table></div>\n<details><summary>What the measures are</summary><table>\n");
    for (int m = 0; m < t->n_columns; m++) {
        str_add(out, "<tr><th>");
        report_text(out, t->columns[m].title);
        str_add(out, "<td><code>");
        report_text(out, t->columns[m].name);
        str_add(out, "</code><td>");
        report_text(out, t->columns[m].meaning ? t->columns[m].meaning : "");
        str_add(out, "</tr>\n");
    }
    str_add(out, "</table></details>\n");
    eval_table_free(t);
}

// ---- samples ----

static void add_answer(const struct run_sample *s, struct str *out)
{
    char text[32];
    str_addf(out, "<div><small>step %lld", (long long)s->step);
    if (!isnan(s->reward))
        str_addf(out, ", reward %s", print_number(text, sizeof text, s->reward));
    if (!isnan(s->logp))
        str_addf(out, ", log-probability %s", print_number(text, sizeof text, s->logp));
    str_add(out, "</small><div class=\"text\">");
    str_add_markup(out, s->response, strlen(s->response), true);
    str_add(out, "</div></div>\n");
}

// The prompt's oldest and newest answer; the list is newest first.
static void add_prompt(const struct run_sample *list, int n, const struct run_sample *newest, struct str *out)
{
    const struct run_sample *oldest = newest;
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].prompt, newest->prompt) == 0 && list[i].step < oldest->step)
            oldest = &list[i];
    str_add(out, "<div class=\"prompt text\">");
    str_add_markup(out, newest->prompt, strlen(newest->prompt), true);
    str_add(out, "</div>\n<div class=\"pair\">\n");
    if (oldest != newest)
        add_answer(oldest, out);
    add_answer(newest, out);
    str_add(out, "</div>\n");
}

static void add_samples(const struct report *r, const struct run_row *row, const struct run_sample *list, int n,
                        struct str *out)
{
    int n_shown = 0;
    str_add(out, "<h3>");
    report_name(out, r, row);
    str_add(out, "</h3>\n");
    for (int i = n - 1; i >= 0 && n_shown < r->n_samples; i--) { // of the newest step, in the order they were written
        if (list[i].step != list[0].step)
            continue;
        add_prompt(list, n, &list[i], out);
        n_shown++;
    }
}

void report_samples(const struct report *r, struct str *out)
{
    bool any = false;
    for (int i = 0; i < r->plots->n_rows && r->n_samples > 0; i++) {
        const struct run_row *row = r->plots->rows[i];
        struct run_sample *list = NULL;
        int n = 0;
        if (row->reader && run_reader_samples(row->reader, INT32_MAX, &list, &n, NULL) == 0 && n > 0) {
            if (!any)
                str_add(out, "<h2>Samples</h2>\n<p class=\"muted\">Each prompt with the model's answer at the start "
                             "and at the end.</p>\n");
            any = true;
            add_samples(r, row, list, n, out);
        }
        run_samples_free(list, n);
    }
}
