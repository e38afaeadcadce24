// attune pause RUN...
#include "config.h"

#include "cli/control.h"

static int run(int argc, char **argv);

const struct command command_pause = {
    .changes = true,
    .name = "pause",
    .synopsis = "attune pause RUN...",
    .summary = "Pauses runs after the step they are in; \"attune resume\" goes on.",
    .help = "The engine stays in memory. To free the memory, use \"attune stop\", which writes a checkpoint.",
    .run = run,
};

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_pause, argc, argv, 1, -1, &status))
        return status;
    status = control_each(&a, CONTROL_PAUSE, "pauses after this step");
    args_close(&a);
    return status;
}
