#include "config.h"

#include "base/manner.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[MANNER_N] = {"ATTUNE_READ_ONLY", "ATTUNE_QUIET", "ATTUNE_NO_INPUT", "ATTUNE_PLAIN"};

bool manner_is(enum manner m)
{
    const char *value = getenv(names[m]);
    return value && *value && strcmp(value, "0") != 0;
}

void manner_set(enum manner m)
{
    setenv(names[m], "1", 1);
}

int manner_may_change(const char *what, struct err *e)
{
    if (!manner_is(MANNER_READ_ONLY))
        return 0;
    return err_set(e, ERR_STATE,
                   "%s changes the project, which --read-only (or ATTUNE_READ_ONLY) forbids; nothing was changed",
                   what);
}
