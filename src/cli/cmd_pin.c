// attune pin RUN...: on top of the list.
#include "config.h"

#include "cli/edit.h"

static const struct param options[] = {
    {.name = "off", .type = PARAM_BOOL, .fallback = "no", .help = "They stand among the others again."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_pin = {
    .changes = true,
    .name = "pin",
    .synopsis = "attune pin RUN... [--off]",
    .summary = "Keeps runs on top of the list, however it is sorted.",
    .help = "\"attune undo\" takes the change back.",
    .options = options,
    .run = run,
};

static int pin(struct args *a, struct store *s, struct err *e)
{
    const bool off = settings_bool(&a->settings, "off");
    return edit_runs(s, a->words, a->n_words, ATTRIBUTE_PINNED, off ? "0" : "1",
                     off ? "is not pinned any more" : "is pinned", e);
}

static int run(int argc, char **argv)
{
    return look_command(&command_pin, argc, argv, 1, -1, pin);
}
