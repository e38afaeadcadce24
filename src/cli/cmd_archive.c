// attune archive RUN...: off the list, with all of their files kept.
#include "config.h"

#include "cli/edit.h"

static const struct param options[] = {
    {.name = "restore", .type = PARAM_BOOL, .fallback = "no", .help = "Puts them back on the list."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_archive = {
    .changes = true,
    .name = "archive",
    .synopsis = "attune archive RUN... [--restore]",
    .summary = "Takes runs from the list; nothing of them is lost.",
    .help =
        "\"attune runs --archived\" lists them, and every command takes them by name. \"attune remove\" is for what is to "
        "be deleted. \"attune undo\" takes the change back.",
    .options = options,
    .run = run,
};

static int archive(struct args *a, struct store *s, struct err *e)
{
    const bool restore = settings_bool(&a->settings, "restore");
    return edit_runs(s, a->words, a->n_words, ATTRIBUTE_ARCHIVED, restore ? "0" : "1",
                     restore ? "is on the list again" : "is in the archive; its files stay where they are", e);
}

static int run(int argc, char **argv)
{
    return look_command(&command_archive, argc, argv, 1, -1, archive);
}
