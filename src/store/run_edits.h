// What people change about runs: name, note, tags, pinned, archived, in the trash. Every change is kept with what was
// before, so that all of them can be undone, also after a restart. What is undone can be done again until something else is
// changed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

enum run_attribute {
    ATTRIBUTE_NAME,
    ATTRIBUTE_NOTE,
    ATTRIBUTE_TAGS,
    ATTRIBUTE_PINNED,
    ATTRIBUTE_ARCHIVED,
    ATTRIBUTE_TRASHED
};

struct run_edit {
    const char *run;
    enum run_attribute what;
    const char *value; // the text; tags as in run_info; "1" or "0" for the last three
};
// One act: all of it or nothing, and one undo takes all of it back. Those that change nothing are left out. A run that an
// engine trains now is neither renamed nor put into the trash (ERR_STATE).
int store_edit(struct store *s, const struct run_edit *edits, int n, struct err *e);
// Takes back the newest act, or does the one again that was taken back last. *said: what is so now, for the person.
// ERR_NOT_FOUND when there is none.
int store_undo(struct store *s, struct str *said, struct err *e);
int store_redo(struct store *s, struct str *said, struct err *e);

// The tags that a run has after "+hh -debug sweep" (blanks or commas between; a word alone is added), on the heap.
int run_tags_change(const char *tags, const char *words, char **out, struct err *e);

// ---- the trash: PROJECT/trash/NAME ----
char *store_trash_dir(const struct store *s, const char *name); // heap
// Frees the disk: the run's folder in the trash is deleted, and its name can be used again. What people judged of its
// answers is kept. ERR_STATE for a run that is not in the trash. *bytes: what was freed.
int store_purge(struct store *s, const char *name, int64_t *bytes, struct err *e);
int64_t store_run_bytes(const struct store *s, const struct run_info *run); // what its folder holds, wherever it is
// Adds the names of runs that read this run's files (its checkpoints are their model or data), separated by commas.
int store_dependents(struct store *s, const char *name, struct str *names, struct err *e);
