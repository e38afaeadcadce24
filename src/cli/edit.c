#include "config.h"

#include "cli/edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

int edit_runs(struct store *s, char *const *names, int n, enum run_attribute what, const char *value, const char *said,
              struct err *e)
{
    struct run_edit *edits = mem_alloc((size_t)n + 1, sizeof *edits);
    for (int i = 0; i < n; i++)
        edits[i] = (struct run_edit){names[i], what, value};
    int code = store_edit(s, edits, n, e);
    for (int i = 0; i < n && !code && said; i++)
        printf("%s: %s\n", names[i], said);
    free(edits);
    return code;
}

int edit_command(const struct command *c, int argc, char **argv, int min_words, int max_words,
                 int (*work)(struct args *a, struct store *s, struct err *e))
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, c, argc, argv, min_words, max_words, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = work(&a, s, &e);
    if (code)
        status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
