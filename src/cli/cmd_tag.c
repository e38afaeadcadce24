// attune tag RUN... +hh -debug: words that runs are found by.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/edit.h"
#include "cli/print.h"

static int run(int argc, char **argv);

const struct command command_tag = {
    .changes = true,
    .name = "tag",
    .synopsis = "attune tag RUN... [+TAG...] [-TAG...]",
    .summary = "Gives tags to runs and takes them away.",
    .help = "Tags are words of your own that runs are found by: attune runs --filter tag=hh. +TAG adds one, -TAG takes one "
            "away; "
            "without either the tags are printed. \"attune undo\" takes the change back.\n"
            "  attune tag dpo-1 dpo-2 +hh -debug",
    .dash_words = true,
    .run = run,
};

static bool is_tag(const char *word)
{
    return *word == '+' || *word == '-';
}

static int tag(struct args *a, struct store *s, struct err *e)
{
    struct run_edit *edits = mem_alloc((size_t)a->n_words + 1, sizeof *edits);
    char **tags = mem_alloc((size_t)a->n_words + 1, sizeof *tags);
    struct str words = {0};
    int n = 0, code = 0;
    for (int i = 0; i < a->n_words; i++)
        if (is_tag(a->words[i]))
            str_addf(&words, "%s ", a->words[i]);
    for (int i = 0; i < a->n_words && !code; i++) {
        struct run_info info = {0};
        if (is_tag(a->words[i]))
            continue;
        code = store_find_run(s, a->words[i], &info, e);
        if (!code)
            code = run_tags_change(info.tags, str_text(&words), &tags[n], e);
        run_info_fini(&info);
        edits[n] = (struct run_edit){a->words[i], ATTRIBUTE_TAGS, tags[n]};
        n += !code;
    }
    if (!code && n == 0)
        code = err_set(e, ERR_USAGE, "which run? usage: %s", command_tag.synopsis);
    if (!code && words.len)
        code = store_edit(s, edits, n, e);
    for (int i = 0; i < n; i++) {
        if (!code)
            print_said("%s: %s\n", edits[i].run, *tags[i] ? tags[i] : "no tags");
        free(tags[i]);
    }
    free(edits);
    free(tags);
    str_fini(&words);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_tag, argc, argv, 1, -1, tag);
}
