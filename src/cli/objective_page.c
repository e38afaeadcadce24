// The documentation page of the objectives, as Markdown.
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/objective_text.h"

// Prose: what Markdown would take as its own is escaped; "arXiv:2305.18290" becomes a link.
static void prose(FILE *out, const char *text)
{
    for (const char *start = text; *text;) {
        size_t n = 0;
        if (text_starts(text, "arXiv:"))
            n = 6 + strspn(text + 6, "0123456789.");
        while (n > 6 && text[n - 1] == '.')
            n--; // the end of the sentence
        if (n > 6) {
            fprintf(out, "[%.*s](https://arxiv.org/abs/%.*s)", (int)n, text, (int)n - 6, text + 6);
            text += n;
            continue;
        }
        const bool in_word =
            *text == '_' && text > start && isalnum((unsigned char)text[-1]) && isalnum((unsigned char)text[1]);
        if (strchr("*_<|`\\", *text) && !in_word)
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
        text++;
    }
}

static void part(FILE *out, const char *title, const char *text)
{
    if (!text || !*text)
        return;
    fprintf(out, "**%s.** ", title);
    prose(out, text);
    fputs("\n\n", out);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

// Rows [from, to) of a table.
static void params_table(FILE *out, const struct param *p, size_t from, size_t to)
{
    if (from == to)
        return;
    fputs("| parameter | default | range | what it does |\n|---|---|---|---|\n", out);
    p += from;
    for (size_t i = from; i < to && p->name; i++, p++) {
        struct str range = {0};
        objective_add_range(&range, p);
        fprintf(out, "| `--%s` | %s | %s | ", p->name, p->fallback && *p->fallback ? p->fallback : "-", str_text(&range));
        prose(out, p->help ? p->help : "");
        fputs(p->live ? " Can be changed while a run runs. |\n" : " |\n", out);
        str_fini(&range);
    }
    fputc('\n', out);
}

// The rows after these are the same for many objectives.
static size_t own_params(const json_t *o)
{
    return (size_t)json_integer_value(json_object_get(o, "n_own_params"));
}

static void section(FILE *out, const struct engine_description *d, const struct engine_objective *o)
{
    const json_t *json = objective_json(d, o);
    struct str costs = {0}, metrics = {0};
    objective_add_costs(&costs, json);
    objective_add_metrics(&metrics, json);
    fprintf(out, "### %s\n\n%s. ", o->name, o->title);
    prose(out, o->summary);
    fprintf(out, "\n\n```\n%s\n```\n\n", text_of(json, "formula"));
    const size_t n_own = own_params(json);
    params_table(out, o->params, 0, n_own);
    if (o->params[n_own].name && objective_group_of(json) == OBJECTIVES_ONLINE)
        fputs("It also has the [options of answers and rewards](#options-of-answers-and-rewards).\n\n", out);
    else if (o->params[n_own].name)
        fputs(n_own ? "It also has the [options of pairs](#options-of-pairs).\n\n"
                    : "It has the [options of pairs](#options-of-pairs), and no parameters of its own.\n\n", out);
    else if (n_own == 0)
        fputs("It has no parameters of its own.\n\n", out);
    part(out, "Learns from", o->data_needs);
    part(out, "Costs", str_text(&costs));
    fprintf(out, "**Logs.** `%s`\n\n", str_text(&metrics));
    part(out, "Pitfalls", text_of(json, "pitfalls"));
    part(out, "Paper", o->paper);
    str_fini(&costs);
    str_fini(&metrics);
}

static void contents(FILE *out, const struct engine_description *d)
{
    for (int g = 0; g < N_OBJECTIVE_GROUPS; g++) {
        bool any = false;
        for (int i = 0; i < d->n_objectives; i++) {
            const json_t *json = objective_json(d, &d->objectives[i]);
            struct str needs = {0};
            if (objective_group_of(json) != (enum objective_group)g)
                continue;
            if (!any)
                fprintf(out, "| %s | | needs |\n|---|---|---|\n", objective_group_titles[g]);
            any = true;
            objective_add_needs(&needs, json);
            fprintf(out, "| [%s](#%s) | ", d->objectives[i].name, d->objectives[i].name);
            prose(out, d->objectives[i].title);
            fprintf(out, " | %s |\n", str_text(&needs));
            str_fini(&needs);
        }
        if (any)
            fputc('\n', out);
    }
}

// The rows that all objectives of a group share, once.
static void shared_options(FILE *out, const struct engine_description *d, enum objective_group group, const char *title)
{
    for (int i = 0; i < d->n_objectives; i++) {
        const size_t n_own = own_params(objective_json(d, &d->objectives[i]));
        const struct param *p = d->objectives[i].params;
        size_t n = n_own;
        if (objective_group_of(objective_json(d, &d->objectives[i])) != group)
            continue;
        while (p[n].name)
            n++;
        if (n == n_own)
            continue;
        fputs(title, out);
        params_table(out, p, n_own, n);
        return;
    }
}

void objective_page(FILE *out, const struct engine_description *d)
{
    fputs("# Objectives\n\n"
          "What a model can be tuned for, each with its formula, parameters and pitfalls. `attune objectives show "
          "NAME` prints the\n"
          "same, `attune objectives eval NAME` computes it on numbers of your own. This page is made from the "
          "program's own\n"
          "tables by `make docs`; do not edit it.\n\n"
          "In the formulas pi is the model that learns and ref the one that it started from; log pi(y) is summed over the\n"
          "response's tokens, its end included. *reference* in the column \"needs\" means the log-probabilities of the "
          "model that\n"
          "the run started from; the sections say what the other needs cost.\n\n",
          out);
    contents(out, d);
    for (int g = 0; g < N_OBJECTIVE_GROUPS; g++) {
        bool any = false;
        for (int i = 0; i < d->n_objectives; i++) {
            if (objective_group_of(objective_json(d, &d->objectives[i])) != (enum objective_group)g)
                continue;
            if (!any)
                fprintf(out, "## %s\n\n", objective_group_titles[g]);
            if (!any && g == OBJECTIVES_PAIRS)
                shared_options(out, d, OBJECTIVES_PAIRS, "### Options of pairs\n\n"
                               "Objectives whose loss belongs to one pair alone have these as well.\n\n");
            if (!any && g == OBJECTIVES_ONLINE)
                shared_options(out, d, OBJECTIVES_ONLINE, "### Options of answers and rewards\n\n"
                               "Objectives that have the model answer the prompts of the data, and learn from what its "
                               "answers\n"
                               "earn, have these as well. At least one reward is needed.\n\n");
            any = true;
            section(out, d, &d->objectives[i]);
        }
    }
}
