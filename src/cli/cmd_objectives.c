// attune objectives, attune objectives show NAME: what a model can be tuned for.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/look.h"
#include "cli/objective_text.h"
#include "cli/print.h"
#include "cli/start.h"

static int run_list(int argc, char **argv);
static int run_show(int argc, char **argv);

static const struct param list_options[] = {
    {.name = "markdown", .type = PARAM_BOOL, .fallback = "no", .help = "Prints the documentation page, docs/objectives.md."},
    {0},
};

const struct command command_objectives = {
    .name = "objectives",
    .synopsis = "attune objectives [--json | --markdown]",
    .summary = "Lists what a model can be tuned for.",
    .help = "Sorted by what they learn from. \"attune objectives show NAME\" explains one of them, \"attune objectives eval "
            "NAME\" computes its loss and derivatives on numbers of your own.",
    .options = list_options,
    .json = true,
    .run = run_list,
};

const struct command command_objectives_show = {
    .name = "objectives show",
    .synopsis = "attune objectives show NAME [--json]",
    .summary = "Explains an objective: formula, parameters, costs, pitfalls, paper.",
    .json = true,
    .run = run_show,
};

static int columns_of(const char *text)
{
    return (int)utf8_text_columns(text, strlen(text));
}

// Widths over all groups, so that the groups' columns stand under each other. What an objective needs stands at the right:
// the longest lists belong to objectives with short titles.
struct widths {
    int name, line;
};

static struct widths measure(const struct engine_description *d)
{
    const int width = print_width(stdout);
    struct widths w = {0};
    for (int i = 0; i < d->n_objectives; i++) {
        const int name = columns_of(d->objectives[i].name);
        w.name = name > w.name ? name : w.name;
    }
    for (int i = 0; i < d->n_objectives; i++) {
        struct str needs = {0};
        objective_add_needs(&needs, objective_json(d, &d->objectives[i]));
        const int line = w.name + 6 + columns_of(d->objectives[i].title) + (int)needs.len;
        w.line = line > w.line ? line : w.line;
        str_fini(&needs);
    }
    w.line = w.line < width ? w.line : width;
    return w;
}

static void print_row(const struct engine_objective *o, const json_t *json, const struct widths *w)
{
    struct str needs = {0};
    objective_add_needs(&needs, json);
    const int title = columns_of(o->title), most = w->line - w->name - 4 - (needs.len ? (int)needs.len + 2 : 0);
    if (print_is_plain()) {
        print_record(stdout, 3, o->name, o->title, str_text(&needs));
        str_fini(&needs);
        return;
    }
    printf("  %s%-*s%s  ", print_on(stdout, PRINT_BOLD), w->name, o->name, print_off(stdout));
    print_visible(stdout, o->title, most > 8 ? most : 8);
    if (needs.len)
        printf("%*s%s%s%s", 2 + (title < most ? most - title : 0), "", print_on(stdout, PRINT_DIM), str_text(&needs),
               print_off(stdout));
    putchar('\n');
    str_fini(&needs);
}

static void print_group(const struct engine_description *d, enum objective_group group, const struct widths *w)
{
    bool any = false;
    for (int i = 0; i < d->n_objectives; i++) {
        const json_t *json = objective_json(d, &d->objectives[i]);
        if (objective_group_of(json) != group)
            continue;
        if (!any && !print_is_plain())
            printf("%s%s%s\n", print_on(stdout, PRINT_BOLD), objective_group_titles[group], print_off(stdout));
        any = true;
        print_row(&d->objectives[i], json, w);
    }
}

static void print_list(const struct engine_description *d)
{
    const struct widths w = measure(d);
    for (int g = 0; g < N_OBJECTIVE_GROUPS; g++)
        print_group(d, (enum objective_group)g, &w);
    if (!print_is_plain())
        printf("\n\"attune objectives show NAME\" explains one of them. At the\nright: what it needs beside its data.\n");
}

static int run_list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct engine_description *d = NULL;
    int status = 0;
    if (!args_open(&a, &command_objectives, argc, argv, 0, 0, &status))
        return status;
    if (engine_describe(&d, &e))
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(json_incref(json_object_get(d->json, "objectives")));
    else if (settings_bool(&a.settings, "markdown"))
        objective_page(stdout, d);
    else
        print_list(d);
    engine_description_free(d);
    args_close(&a);
    return status;
}

// A title, and its text under it, each line of it a paragraph.
static void print_part(const char *title, const char *text, int width)
{
    if (!text || !*text)
        return;
    printf("\n%s%s%s\n  ", print_on(stdout, PRINT_BOLD), title, print_off(stdout));
    print_wrapped(stdout, text, 2, 2, width);
}

// Lines that fit stand as they are, with their blanks; longer ones are wrapped.
static void print_formula(const char *text, int width)
{
    printf("\n%sLoss%s\n", print_on(stdout, PRINT_BOLD), print_off(stdout));
    while (text && *text) {
        const size_t n = strcspn(text, "\n");
        struct str line = {0};
        str_addn(&line, text, n);
        const int blanks = (int)strspn(str_text(&line), " ");
        printf("  %*s", blanks, "");
        if (columns_of(str_text(&line)) <= width - 2)
            printf("%s\n", str_text(&line) + blanks);
        else
            print_wrapped(stdout, str_text(&line) + blanks, 2 + blanks, 6 + blanks, width);
        str_fini(&line);
        text += n + (text[n] == '\n');
    }
}

static void print_params(const struct param *p, int width)
{
    if (p && p->name)
        printf("\n%sParameters%s\n", print_on(stdout, PRINT_BOLD), print_off(stdout));
    for (; p && p->name; p++) {
        struct str range = {0};
        printf("  --%-18s ", p->name);
        if (strlen(p->name) > 18)
            printf("\n%23s", "");
        print_wrapped(stdout, p->help ? p->help : "", 23, 23, width);
        objective_add_range(&range, p);
        str_addf(&range, "%sdefault %s%s", range.len ? "; " : "", p->fallback && *p->fallback ? p->fallback : "none",
                 p->live ? "; can be changed while a run runs" : "");
        printf("%23s", "");
        print_wrapped(stdout, str_text(&range), 23, 23, width);
        str_fini(&range);
    }
}

static void print_objective(const struct engine_description *d, const struct engine_objective *o)
{
    const int width = print_width(stdout);
    const json_t *json = objective_json(d, o);
    struct str costs = {0}, metrics = {0}, title = {0};
    objective_add_costs(&costs, json);
    objective_add_metrics(&metrics, json);
    str_addf(&title, "%s: %s", o->name, o->title);
    printf("%s%s%s\n\n", print_on(stdout, PRINT_BOLD), str_text(&title), print_off(stdout));
    print_wrapped(stdout, o->summary, 0, 0, width);
    print_formula(json_string_value(json_object_get(json, "formula")), width);
    print_part("Learns from", o->data_needs, width);
    print_part("Costs", costs.len ? str_text(&costs) : "Nothing beside the training itself.", width);
    print_params(o->params, width);
    print_part("Logs", str_text(&metrics), width);
    print_part("Pitfalls", json_string_value(json_object_get(json, "pitfalls")), width);
    print_part("Paper", o->paper, width);
    str_fini(&costs);
    str_fini(&metrics);
    str_fini(&title);
}

static int run_show(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct engine_description *d = NULL;
    const struct engine_objective *o = NULL;
    int status = 0;
    if (!args_open(&a, &command_objectives_show, argc, argv, 1, 1, &status))
        return status;
    if (engine_describe(&d, &e) || start_find_objective(d, a.words[0], &o, &e))
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(json_incref((json_t *)objective_json(d, o)));
    else
        print_objective(d, o);
    engine_description_free(d);
    args_close(&a);
    return status;
}
