// attune keys: the console's keys, as the file that changes them.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/args.h"
#include "ui/key_file.h"

static int run(int argc, char **argv);

static const struct param options[] = {
    {.name = "defaults", .type = PARAM_BOOL, .fallback = "no",
     .help = "Prints the keys that come with Attune, whatever the file says."},
    {0},
};

const struct command command_keys = {
    .name = "keys",
    .synopsis = "attune keys [--defaults]",
    .summary = "Prints the console's keys as keys.conf, and checks yours.",
    .help = "Your own keys stand in ~/.config/attune/keys.conf ($XDG_CONFIG_HOME/attune/keys.conf, or the file that "
            "ATTUNE_KEYS names): a section for a page, [everywhere] for all, and a line \"COMMAND = KEYS\" for what is to "
            "be different. A command without keys is still in the palette (:).\n"
            "  attune keys --defaults > ~/.config/attune/keys.conf",
    .options = options,
    .run = run,
};

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct str text = {0};
    int status = 0;
    if (!args_open(&a, &command_keys, argc, argv, 0, 0, &status))
        return status;
    char *path = key_file_path();
    const bool defaults = settings_bool(&a.settings, "defaults");
    if (!defaults && key_file_load(path, &e)) {
        status = args_fail(&a, &e);
    } else {
        printf("# The console's keys%s%s.\n", defaults || !file_exists(path) ? "" : ", with what is different in ",
               defaults || !file_exists(path) ? "" : path);
        key_file_print(&text);
        fputs(str_text(&text), stdout);
    }
    command_bind(NULL);
    str_fini(&text);
    free(path);
    args_close(&a);
    return status;
}
