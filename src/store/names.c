#include "config.h"

#include "store/names.h"

#include <string.h>

#include "base/str.h"

int run_name_check(const char *name, struct err *e)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t n = strlen(name);
    if (n > 0 && n <= RUN_NAME_MAX && strspn(name, allowed) == n && !strchr("-_.", name[0]))
        return 0;
    struct str shown = {.max = 200};
    str_add_visible(&shown, name, n, false);
    err_set(e, ERR_USAGE,
            "\"%s\" cannot be the name of a run: letters, digits, \"-\", \"_\" and \".\", starting with a letter or "
            "digit, at most %d of them",
            str_text(&shown), RUN_NAME_MAX);
    str_fini(&shown);
    return ERR_USAGE;
}
