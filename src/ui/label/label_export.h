// Judged pairs as data that training reads.
#pragma once

#include "base/str.h"
#include "store/label_sets.h"

enum label_shape {
    LABELS_AS_PAIRS,  // prompt, chosen, rejected, votes of several annotators, margin (1 slightly, 2, 3 much better)
    LABELS_AS_SHARES, // prompt, chosen, rejected, share of votes with its 95 % interval, by who can be relied on
                      // (stats/annotators.h)
    LABELS_AS_BINARY, // prompt, completion, label: each answer on its own, good or bad; both bad: two bad ones
    LABELS_AS_TEXTS,  // prompt, completion: the better answer, to be imitated
    LABELS_AS_JUDGEMENTS, // every judgement that stands with all that was recorded; "attune label --stdin" reads it
};
struct label_export {
    const char *run, *set; // whose pairs; both NULL: all of the project
    bool ties;             // pairs without a better answer as well (with LABELS_AS_PAIRS and LABELS_AS_SHARES)
    enum label_shape shape;
    bool checks;           // attention checks as well, which are no data
};
struct label_exported {
    int64_t written, ties, both_bad, cannot, flagged,
        skipped, checks; // pairs (with LABELS_AS_JUDGEMENTS judgements); left out, as what they are
};
// Writes the file as a whole or not at all. ERR_NOT_FOUND where nothing is to be written.
int label_export(struct store *s, const struct label_export *what, const char *path, struct label_exported *count,
                 struct err *e);
// "2 ties, 1 both bad", or nothing.
void label_exported_text(const struct label_exported *c, bool ties, struct str *out);
