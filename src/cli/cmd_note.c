// attune note RUN TEXT: what a person has to say of a run.
#include "config.h"

#include <stdio.h>

#include "cli/edit.h"
#include "cli/print.h"

static int run(int argc, char **argv);

const struct command command_note = {
    .name = "note",
    .synopsis = "attune note RUN [TEXT]",
    .summary = "Writes a note to a run, or prints the one it has.",
    .help = "The text takes the place of the note before; \"\" removes it. \"attune undo\" takes the change back.\n"
            "  attune note dpo-1 \"answers got longer after step 800\"",
    .run = run,
};

static int note(struct args *a, struct store *s, struct err *e)
{
    struct run_info info = {0};
    if (a->n_words == 2)
        return edit_runs(s, a->words, 1, ATTRIBUTE_NOTE, a->words[1], *a->words[1] ? "the note is written" : "has no note",
                         e);
    int code = store_find_run(s, a->words[0], &info, e);
    if (!code && *info.note) {
        print_visible(stdout, info.note, 0);
        putchar('\n');
    }
    run_info_fini(&info);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_note, argc, argv, 1, 2, note);
}
