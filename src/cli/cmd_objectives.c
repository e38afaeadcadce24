// attune objectives, attune objectives show NAME: what a model can be tuned for.
#include "config.h"

#include <stdio.h>

#include "cli/look.h"
#include "cli/print.h"
#include "cli/start.h"

static int run_list(int argc, char **argv);
static int run_show(int argc, char **argv);

const struct command command_objectives = {
    .name = "objectives",
    .synopsis = "attune objectives [--json]",
    .summary = "Lists what a model can be tuned for.",
    .help = "\"attune objectives show NAME\" explains one of them.",
    .json = true,
    .run = run_list,
};

const struct command command_objectives_show = {
    .name = "objectives show",
    .synopsis = "attune objectives show NAME [--json]",
    .summary = "Explains an objective: formula, parameters, pitfalls, paper.",
    .json = true,
    .run = run_show,
};

static int run_list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct engine_description *d = NULL;
    struct print_table t;
    static const char *const titles[] = {"NAME", "TITLE", "LEARNS FROM"};
    int status = 0;
    if (!args_open(&a, &command_objectives, argc, argv, 0, 0, &status))
        return status;
    if (engine_describe(&d, &e)) {
        status = args_fail(&a, &e);
    } else if (args_json(&a)) {
        look_print_json(json_incref(json_object_get(d->json, "objectives")));
    } else {
        print_table_init(&t, "lLl");
        for (int i = 0; i < 3; i++)
            print_table_cell(&t, PRINT_DIM, "%s", titles[i]);
        for (int i = 0; i < d->n_objectives; i++) {
            print_table_cell(&t, PRINT_BOLD, "%s", d->objectives[i].name);
            print_table_cell(&t, -1, "%s", d->objectives[i].title);
            print_table_cell(&t, -1, "%s", d->objectives[i].data_needs);
        }
        print_table_end(&t, stdout, print_width(stdout));
    }
    engine_description_free(d);
    args_close(&a);
    return status;
}

static const json_t *find_json(const struct engine_description *d, const struct engine_objective *o)
{
    return json_array_get(json_object_get(d->json, "objectives"), (size_t)(o - d->objectives));
}

static void print_part(const json_t *json, const char *key, const char *title, int width)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text || !*text)
        return;
    printf("\n%s%s%s\n  ", print_on(stdout, PRINT_BOLD), title, print_off(stdout));
    print_wrapped(stdout, text, 2, 2, width);
}

static void print_objective(const struct engine_description *d, const struct engine_objective *o)
{
    int width = print_width(stdout);
    const json_t *json = find_json(d, o);
    printf("%s%s%s  %s\n\n", print_on(stdout, PRINT_BOLD), o->name, print_off(stdout), o->title);
    print_wrapped(stdout, o->summary, 0, 0, width);
    print_part(json, "formula", "Loss", width);
    print_part(json, "data_needs", "Learns from", width);
    printf("\n%sReference model%s\n  %s\n", print_on(stdout, PRINT_BOLD), print_off(stdout),
           o->needs_reference ? "needed: the model as it was before tuning" : "not needed");
    if (o->params && o->params->name)
        printf("\n%sParameters%s\n", print_on(stdout, PRINT_BOLD), print_off(stdout));
    for (const struct param *p = o->params; p && p->name; p++) {
        char range[200];
        printf("  --%-18s ", p->name);
        print_wrapped(stdout, p->help ? p->help : "", 23, 23, width);
        printf("%23s%s%s\n", "", param_range_text(p, range, sizeof range), p->live ? "; can be changed while a run runs" : "");
    }
    print_part(json, "pitfalls", "Pitfalls", width);
    print_part(json, "paper", "Paper", width);
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
        look_print_json(json_incref((json_t *)find_json(d, o)));
    else
        print_objective(d, o);
    engine_description_free(d);
    args_close(&a);
    return status;
}
