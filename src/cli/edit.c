#include "config.h"

#include "cli/edit.h"
#include "cli/print.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/manner.h"
#include "base/mem.h"

int edit_runs(struct store *s, char *const *names, int n, enum run_attribute what, const char *value, const char *said,
              struct err *e)
{
    int code = manner_may_change("this", e);
    if (code)
        return code;
    struct run_edit *edits = mem_alloc((size_t)n + 1, sizeof *edits);
    for (int i = 0; i < n; i++)
        edits[i] = (struct run_edit){names[i], what, value};
    code = store_edit(s, edits, n, e);
    for (int i = 0; i < n && !code && said; i++)
        print_said("%s: %s\n", names[i], said);
    free(edits);
    return code;
}

