// A judgement that is on its way to attune.db: written to a small file before anything else, so that the next pair can
// be shown at once and a console that is killed in that moment loses nothing. The commit, which waits for the disk,
// comes after it; then the file is emptied. Who finds such a file without its writer finishes what it says.
//
// A file PROJECT/labels-XXXXXX.pending belongs to one desk, which holds its lock (flock) while it lives; it has one
// judgement at most.
#pragma once

#include "store/labels.h"

struct labels_pending;
int labels_pending_open(struct labels_pending **out, const char *project_dir, struct err *e);
void labels_pending_close(struct labels_pending *p); // removes the file, unless a judgement stands in it; NULL is fine
// As labels_add is going to be called, for the pair with number j->pair of the run, or that a person brought (run
// NULL). When it returns a killed process loses it no more; a power cut may.
int labels_pending_write(struct labels_pending *p, const char *run, const struct judgement *j, struct err *e);
int labels_pending_clear(struct labels_pending *p, struct err *e); // it is in attune.db, or was refused

// Adds what writers that are gone have left; *n (NULL: unasked): how many judgements. What is half written was never
// said to be saved, and is dropped, as is what was said of a pair that is gone.
int labels_recover(struct store *s, int *n, struct err *e);
