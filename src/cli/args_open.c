// How a command begins: its arguments read, or its help said.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/manner.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/print.h"

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

// What holds for the whole program from here on.
static void take_manners(const struct args *a)
{
    static const struct {
        const char *option;
        enum manner manner;
    } known[] = {{"read-only", MANNER_READ_ONLY}, {"quiet", MANNER_QUIET}, {"no-input", MANNER_NO_INPUT},
                 {"plain", MANNER_PLAIN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (settings_bool(&a->settings, known[i].option))
            manner_set(known[i].manner);
    if (settings_bool(&a->settings, "no-color"))
        setenv("NO_COLOR", "1", 1);
}

bool args_open(struct args *a, const struct command *c, int argc, char **argv, int min_words, int max_words,
               int *status)
{
    struct err e = {0};
    bool help = false;
    int code = args_tables(a, c, argc, argv, &e);
    if (wants_help(argc, argv)) { // also on a line that is wrong otherwise, and without an engine
        help_command(stdout, a, code ? &e : NULL, print_width(stdout));
        *status = 0;
        return false;
    }
    if (!code)
        code = args_parse(a, argc, argv, &help, &e);
    if (!code)
        take_manners(a);
    if (!code && c->changes) {
        struct str what = {0};
        str_addf(&what, "attune %s", c->name);
        code = manner_may_change(str_text(&what), &e);
        str_fini(&what);
    }
    if (!code && a->n_words < min_words)
        code = err_set(&e, ERR_USAGE, "something is missing; usage: %s", c->synopsis);
    if (!code && max_words >= 0 && a->n_words > max_words)
        code = err_set(&e, ERR_USAGE, "\"%s\" is too much; usage: %s", a->words[max_words], c->synopsis);
    if (code) {
        *status = args_fail(a, &e);
        args_close(a);
        return false;
    }
    return true;
}
