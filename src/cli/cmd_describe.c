// attune describe: what the engine offers.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/look.h"
#include "cli/print.h"
#include "launch/engine.h"

static int run(int argc, char **argv);

const struct command command_describe = {
    .name = "describe",
    .synopsis = "attune describe [--json]",
    .summary = "Says what the engine offers: objectives, architectures, backends.",
    .help = "--json prints all tables: forms, help and checks are made from them.",
    .json = true,
    .run = run,
};

static void print_list(const char *title, const json_t *list)
{
    size_t i;
    json_t *item;
    printf("%-16s", title);
    json_array_foreach(list, i, item)
        printf("%s%s", i ? ", " : "", json_is_string(item) ? json_string_value(item) : "?");
    putchar('\n');
}

static void print_backends(const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        const char *reason = json_string_value(json_object_get(item, "reason"));
        const char *name = json_string_value(json_object_get(item, "name"));
        printf("%-16s%s: %s\n", i ? "" : "backends", name ? name : "?",
               json_is_true(json_object_get(item, "available")) ? "available" : reason ? reason : "not available");
    }
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct engine_description *d = NULL;
    int status = 0;
    if (!args_open(&a, &command_describe, argc, argv, 0, 0, &status))
        return status;
    if (engine_describe(&d, &e)) {
        status = args_fail(&a, &e);
    } else if (args_json(&a)) {
        look_print_json(json_incref(d->json));
    } else {
        const char *version = json_string_value(json_object_get(d->json, "version"));
        printf("%-16s%s\n", "engine", version ? version : "?");
        printf("%-16s", "objectives");
        for (int i = 0; i < d->n_objectives; i++)
            printf("%s%s", i ? ", " : "", d->objectives[i].name);
        putchar('\n');
        print_list("architectures", json_object_get(d->json, "architectures"));
        print_list("learns from", json_object_get(d->json, "data_kinds"));
        print_backends(json_object_get(d->json, "backends"));
    }
    engine_description_free(d);
    args_close(&a);
    return status;
}
