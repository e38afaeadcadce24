#include "config.h"

#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/look.h"
#include "launch/engine.h"

struct completion {
    FILE *out;
    const char *begun; // the word so far
    char **words;
    int n; // words before it
};

static void offer(const struct completion *c, const char *prefix, const char *word)
{
    struct str s = {0};
    str_addf(&s, "%s%s", prefix, word);
    if (text_starts(str_text(&s), c->begun))
        fprintf(c->out, "%s\n", str_text(&s));
    str_fini(&s);
}

// The project of the line: --project DIR, else the usual one.
static struct store *open_project(const struct completion *c)
{
    const char *given = NULL;
    struct store *s = NULL;
    for (int i = 0; i + 1 < c->n; i++)
        if (strcmp(c->words[i], "--project") == 0)
            given = c->words[i + 1];
    char *dir = store_project_dir(given);
    if (store_open(&s, dir, false, NULL))
        s = NULL;
    free(dir);
    return s;
}

static void offer_runs(const struct completion *c)
{
    struct run_info *runs = NULL;
    struct store *s = open_project(c);
    int n = 0;
    if (s && store_runs(s, &runs, &n, NULL) == 0)
        for (int i = n - 1; i >= 0; i--) // the newest first
            offer(c, "", runs[i].name);
    run_infos_free(runs, n);
    store_close(s);
}

// Metrics of the run that the line names, else of the newest one.
static void offer_metrics(const struct completion *c)
{
    struct run_info *runs = NULL;
    struct store *s = open_project(c);
    const char *name = NULL;
    int n = 0;
    if (s && store_runs(s, &runs, &n, NULL) == 0)
        for (int i = 0; i < n; i++) {
            bool named = false;
            for (int k = 0; k < c->n; k++)
                named = named || strcmp(c->words[k], runs[i].name) == 0;
            name = named || i == n - 1 ? runs[i].name : NULL;
            if (named)
                break;
        }
    struct look l = {0};
    char **keys = NULL;
    int n_keys = 0;
    if (name && look_open(&l, s, name, NULL) == 0 && l.reader && run_reader_keys(l.reader, &keys, &n_keys, NULL) == 0)
        for (int i = 0; i < n_keys; i++) {
            offer(c, "", keys[i]);
            free(keys[i]);
        }
    free(keys);
    look_close(&l);
    run_infos_free(runs, n);
    store_close(s);
}

static void offer_objectives(const struct completion *c)
{
    struct engine_description *d = NULL;
    if (engine_describe(&d, NULL) == 0)
        for (int i = 0; i < d->n_objectives; i++)
            offer(c, "", d->objectives[i].name);
    engine_description_free(d);
}

static const struct param *option_named(const struct param *const *tables, const char *name)
{
    for (const struct param *const *t = tables; *t; t++)
        for (const struct param *p = *t; p->name; p++)
            if (strcmp(p->name, name) == 0)
                return p;
    return NULL;
}

// Behind an option that takes a value: true, with what it may be.
static bool offer_values(const struct completion *c, const struct param *const *tables)
{
    const char *before = c->n > 0 ? c->words[c->n - 1] : "";
    const struct param *p = text_starts(before, "--") ? option_named(tables, before + 2) : NULL;
    if (!p || p->type == PARAM_BOOL)
        return false;
    if (p->type == PARAM_CHOICE)
        for (int i = 0; p->choices[i]; i++)
            offer(c, "", p->choices[i]);
    else if (strcmp(p->name, "run") == 0 || strcmp(p->name, "runs") == 0)
        offer_runs(c);
    else if (strcmp(p->name, "objective") == 0)
        offer_objectives(c);
    else if (strcmp(p->name, "metrics") == 0)
        offer_metrics(c);
    return true;
}

static void offer_options(const struct completion *c, const struct param *const *tables)
{
    for (const struct param *const *t = tables; *t; t++)
        for (const struct param *p = *t; p->name; p++)
            if (option_named(tables, p->name) == p) // the first of several of one name
                offer(c, "--", p->name);
}

// Whether no command before k begins with its first word.
static bool begins_first(const struct command *const *k, size_t n)
{
    for (const struct command *const *other = commands; other < k; other++)
        if (strncmp((*other)->name, (*k)->name, n) == 0 && ((*other)->name[n] == ' ' || !(*other)->name[n]))
            return false;
    return true;
}

// Commands, and of those of two words the second behind the first.
static void offer_commands(const struct completion *c)
{
    const char *first = c->n == 1 ? c->words[0] : NULL;
    for (const struct command *const *k = commands; *k; k++) {
        const size_t n = strcspn((*k)->name, " ");
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)n, (*k)->name);
        if (first && strcmp(first, word) == 0 && (*k)->name[n])
            offer(c, "", (*k)->name + n + 1);
        else if (!c->n && begins_first(k, n))
            offer(c, "", word);
    }
    static const char *const options[] = {"help", "version", "project"};
    for (int i = 0; !c->n && i < 3; i++)
        offer(c, "--", options[i]);
}

void complete_words(char **words, int n, FILE *out)
{
    int n_name = 0;
    struct completion c = {.out = out, .begun = n ? words[n - 1] : "", .words = words, .n = n ? n - 1 : 0};
    const struct command *command = command_match(c.n, words, &n_name);
    struct args a = {0};
    struct err fault = {0};
    if (!command || c.n < 2)
        offer_commands(&c);
    if (!command)
        return;
    args_tables(&a, command, c.n - n_name, words + n_name, &fault);
    if (!a.tables[0] || offer_values(&c, a.tables))
        return;
    if (*c.begun != '-' && (strcmp(command->name, "objectives show") == 0 || strcmp(command->name, "objectives eval") == 0))
        offer_objectives(&c);
    else if (*c.begun != '-' && (strstr(command->synopsis, " RUN") || strstr(command->synopsis, "[RUN")))
        offer_runs(&c);
    if (*c.begun != '-' && strcmp(command->name, "chart") == 0)
        offer_metrics(&c);
    if (!*c.begun || *c.begun == '-')
        offer_options(&c, a.tables);
}
