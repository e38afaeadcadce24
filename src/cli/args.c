#include "config.h"

#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/foreign.h"
#include "cli/print.h"

static const struct param project_option[] = {
    {.name = "project", .type = PARAM_PATH, .fallback = "", .group = "common",
     .help = "The project folder; else $ATTUNE_PROJECT, else the nearest folder upwards with a store, else "
             "~/.local/share/attune."},
    {.name = "read-only", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "Changes nothing in the project: what would is refused."},
    {.name = "quiet", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "Prints what was asked for and errors; no progress, no word that something was done."},
    {.name = "no-input", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "Asks nothing: where something would be asked, the command fails and says what to give."},
    {.name = "plain", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "Tables without alignment: one record a line, a tab between fields, nothing cut or left out."},
    {.name = "no-color", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "No colour, as with NO_COLOR in the environment."},
    {.name = "help", .type = PARAM_BOOL, .fallback = "no", .group = "common", .help = "Prints this help."},
    {0},
};
static const struct param json_option[] = {
    {.name = "json", .type = PARAM_BOOL, .fallback = "no", .group = "common",
     .help = "Prints one JSON value instead of text for people."},
    {0},
};

const struct param *const args_common[] = {json_option, project_option, NULL};

static int add_table(struct args *a, const struct param *table)
{
    size_t n = 0;
    while (a->tables[n])
        n++;
    BUG_IF(n == ARGS_MAX_TABLES);
    a->tables[n] = table;
    return 0;
}

int args_tables(struct args *a, const struct command *c, int argc, char **argv, struct err *e)
{
    *a = (struct args){.command = c};
    if (c->options)
        add_table(a, c->options);
    if (c->more_options) {
        const struct param *const *more = NULL;
        int code = c->more_options(argc, argv, &more, e);
        if (code)
            return code;
        for (; more && *more; more++)
            add_table(a, *more);
    }
    if (c->json)
        add_table(a, json_option);
    add_table(a, project_option);
    return 0;
}

static int set_pair(struct args *a, const char *pair, struct err *e)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        return err_set(e, ERR_USAGE, "--set %s: this takes NAME=VALUE, such as --set lr=1e-5", pair);
    char *name = mem_strndup(pair, (size_t)(equals - pair));
    int code = foreign_set(&a->settings, name, equals + 1, e);
    free(name);
    return code;
}

// One option, argv[*i] without its dashes; moves *i past a value that stands in the next word.
static int parse_option(struct args *a, int argc, char **argv, int *i, struct err *e)
{
    const char *option = argv[*i] + 2, *equals = strchr(option, '=');
    char *name = equals ? mem_strndup(option, (size_t)(equals - option)) : mem_strdup(option);
    const struct param *p = settings_find(&a->settings, name);
    const char *value = equals ? equals + 1 : NULL;
    int code = 0;
    if (!p && text_starts(name, "no-") && !value) {
        const struct param *positive = settings_find(&a->settings, name + 3);
        if (positive && positive->type == PARAM_BOOL) {
            code = settings_set(&a->settings, name + 3, "no", e);
            free(name);
            return code;
        }
    }
    if (p && !value) {
        if (p->type == PARAM_BOOL)
            value = "yes";
        else if (*i + 1 < argc)
            value = argv[++*i];
        else
            code = err_set(e, ERR_USAGE, "--%s needs a value: %s", name, p->help ? p->help : "");
    }
    if (!code && p && strcmp(name, "set") == 0 && a->command->collects_set)
        a->sets[a->n_sets++] = value;
    else if (!code && p && strcmp(name, "set") == 0 && !a->command->own_set)
        code = set_pair(a, value, e);
    else if (!code)
        code = foreign_set(&a->settings, name, value ? value : "", e);
    free(name);
    return code;
}

int args_parse(struct args *a, int argc, char **argv, bool *help, struct err *e)
{
    bool only_words = false;
    settings_init(&a->settings, a->tables);
    a->words = mem_alloc((size_t)argc + 1, sizeof *a->words);
    a->sets = mem_alloc((size_t)argc + 1, sizeof *a->sets);
    *help = false;
    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(argv[i], "-h") == 0) {
            *help = true;
        } else if (!only_words && text_starts(argv[i], "--")) {
            int code = parse_option(a, argc, argv, &i, e);
            if (code)
                return code;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] && !a->command->dash_words) {
            return err_set(e, ERR_USAGE, "there is no option %s; options are long: --help lists them", argv[i]);
        } else {
            a->words[a->n_words++] = argv[i];
        }
    }
    if (settings_find(&a->settings, "help") && settings_bool(&a->settings, "help"))
        *help = true;
    return 0;
}

void args_close(struct args *a)
{
    settings_fini(&a->settings);
    free(a->words);
    free(a->sets);
    a->words = NULL;
    a->sets = NULL;
    a->n_words = 0;
}

bool args_json(const struct args *a)
{
    return settings_bool(&a->settings, "json");
}

const char *args_text(const struct args *a, const char *name)
{
    const char *text = settings_text(&a->settings, name);
    return *text ? text : NULL;
}

const char *args_project(const struct args *a)
{
    return args_text(a, "project");
}

const char *args_peek(int argc, char **argv, const char *name)
{
    const char *found = NULL;
    size_t n = strlen(name);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
            const char *pair = argv[++i];
            if (strncmp(pair, name, n) == 0 && pair[n] == '=')
                found = pair + n + 1;
        } else if (text_starts(argv[i], "--") && strncmp(argv[i] + 2, name, n) == 0) {
            if (argv[i][2 + n] == '=')
                found = argv[i] + 3 + n;
            else if (!argv[i][2 + n] && i + 1 < argc)
                found = argv[++i];
        }
    }
    return found;
}

int args_fail(const struct args *a, const struct err *e)
{
    struct str shown = {0};
    str_add_visible(&shown, e->text, strlen(e->text), true);
    fflush(stdout);
    fprintf(stderr, "attune %s: %s\n", a->command->name, str_text(&shown));
    if (e->code == ERR_USAGE)
        fprintf(stderr, "Try: attune %s --help\n", a->command->name);
    str_fini(&shown);
    return err_exit_status(e->code);
}
