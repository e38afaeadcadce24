// What an annotator has begun to say of a pair: the note and reasons before the judgement, and an answer that is being
// written.
// Files PROJECT/drafts/KEY.json and KEY-a.txt, KEY-b.txt, where the key follows from annotator and pair. They outlive a
// killed console; a power cut may take the last seconds of one, for they are written while somebody types.
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct label_draft {
    char *note, *reasons; // "" where there is none
};
void label_draft_fini(struct label_draft *d);
// hash: of the pair. What is empty removes the file.
int label_draft_write(const char *project_dir, const char *annotator, const char *hash, const char *note,
                      const char *reasons, struct err *e);
// False: there is none, or none that can be read.
bool label_draft_read(const char *project_dir, const char *annotator, const char *hash, struct label_draft *out);
void label_draft_remove(const char *project_dir, const char *annotator, const char *hash); // of note and reasons
// Where answer a or b is written, on the heap; its folder is there then.
int label_draft_answer(const char *project_dir, const char *annotator, const char *hash, bool b, char **path, struct err *e);
