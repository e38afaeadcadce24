// What a person's consoles keep beside any project: $XDG_STATE_HOME/attune, else ~/.local/state/attune. `history`:
// lines that were run from the prompt, the newest last. `console.log`: errors that were said, with time and project.
// Neither is needed by anything: where they cannot be written, nothing is lost but them.
#pragma once

struct ui;

char *state_path(const char *name);     // heap; the folder need not be there
void state_load_history(struct ui *ui); // instead of what the list holds, where there is a file
void state_add_history(const struct ui *ui, const char *line);
void state_log(const struct ui *ui, const char *text);
