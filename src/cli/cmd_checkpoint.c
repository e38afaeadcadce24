// attune checkpoint RUN...
#include "config.h"

#include "cli/control.h"

static int run(int argc, char **argv);

const struct command command_checkpoint = {
    .changes = true,
    .name = "checkpoint",
    .synopsis = "attune checkpoint RUN...",
    .summary = "Writes a checkpoint of running runs after the step they are in.",
    .help = "\"attune show RUN\" lists the checkpoints that are kept.",
    .run = run,
};

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_checkpoint, argc, argv, 1, -1, &status))
        return status;
    status = control_each(&a, CONTROL_CHECKPOINT, "writes a checkpoint after this step");
    args_close(&a);
    return status;
}
