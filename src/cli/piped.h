// Data that comes through a pipe: /dev/stdin, "-", a shell's <(command). It can be read once and by one process, but the
// engine reads it as well, more than once, and a run again when it is resumed. So it becomes a file first.
#pragma once

#include "cli/args.h"

// The options that name data, and words[0] with `word`: where it is a pipe, a temporary file with all that came takes its
// place, /dev/fd/N, which is gone when this process and the engine that it starts have ended.
int piped_open(struct args *a, bool word, struct err *e);
// What piped_open has read is kept as PROJECT/data/piped-HASH, which takes its place: for runs. Returns also what was
// there already; *kept (heap, one a line) names what is new, for piped_forget when there is no run after all.
int piped_keep(struct args *a, const char *project, char **kept, struct err *e);
void piped_forget(char *kept); // frees it; NULL is fine
