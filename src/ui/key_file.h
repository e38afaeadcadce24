// A person's own keys: keys.conf, one section a page, a command's name and its keys a line.
//
//     [curves]
//     zoom-in = + i
//     clip =              # no key
//
// [everywhere] is for all pages where the command is. `attune keys` prints such a file with all there is.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "ui/commands.h"

const char *key_page_name(enum page page); // "runs", "new-run": a section's name
// $ATTUNE_KEYS, else $XDG_CONFIG_HOME/attune/keys.conf, else ~/.config/attune/keys.conf. Heap.
char *key_file_path(void);
// Takes the file's keys for this process. All or nothing: a wrong line is an error with its number, and the keys stay as
// they were. Errors also for a key that two commands of a page would have. A file that is not there is none.
int key_file_load(const char *path, struct err *e);
int key_file_take(const char *text, const char *where, struct err *e); // the same of a text; `where` is in errors
void key_file_print(struct str *out); // the keys as they are now
