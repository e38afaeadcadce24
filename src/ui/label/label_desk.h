// Labelling without a screen: which pair comes next, on which sides, what was said, undone and said again. A desk has
// its own connections to the store and is used by one thread at a time (the console works at it in jobs); what it shows
// is a copy.
//
// All that it knows follows from attune.db and run.db: after kill -9 and a restart the same pair comes with the same
// sides. A judgement is written down before LABEL_JUDGE returns with the next pair (labels_pending.h: kill -9 does not
// lose it), and is in attune.db and on the disk when LABEL_SAVE returns, which has to come before another key is taken.
#pragma once

#include "store/label_sets.h"
#include "ui/label/label_tally.h"

enum label_kind { LABEL_OF_NOTHING, LABEL_OF_RUN, LABEL_OF_SET };
enum label_order {
    LABEL_RANDOM,    // by lot, the same for all annotators
    LABEL_IN_ORDER,  // as in the file, or as the run asked
    LABEL_UNCERTAIN, // where the annotators' model (the file's own label is one of them) knows least which answer is
                     // better
    LABEL_DISAGREE,  // where they contradict each other most
    LABEL_SKIPPED,   // what this annotator has skipped
    LABEL_DISPUTED,  // adjudication: pairs that annotators disagree on; what is said then is the last word
    LABEL_ORDERS,
};
// "left better" of a verdict as it is shown.
const char *label_words(enum verdict shown);
const char *label_order_name(enum label_order order);                // "random"
bool label_order_from_name(const char *name, enum label_order *out); // also its beginning

enum label_what {
    LABEL_LOOK,  // what is new; the pair that is shown stays while it can
    LABEL_FIRST, // what waits: the run `text` if it asks for anything, else any run that does, else the newest set
    LABEL_RUN,   // pairs of the run `text`
    LABEL_SET,   // the set `text`
    LABEL_FILE,  // the file `text`, as the set `name` (NULL: named as it), with `repeats`, `seed`, `shared`
                 // and `checks`, of which it has the share check_share
    LABEL_JUDGE, // the pair that is shown, refused where that is not `number` (0: whichever it is): verdict, note, reasons,
                 // seconds
    LABEL_SAVE,  // what was judged last; nothing to do is fine
    LABEL_UNDO,
    LABEL_REDO,
    LABEL_GO,    // the pair with that number in its source
    LABEL_ORDER, // order
    LABEL_EDIT,  // `text`, a better wording of answer B (is_b) or A of the pair `number`: becomes a pair with the answer as
                 // it was. name: the file it was written in
    LABEL_FIT,   // the annotators' model, for `abilities`
    LABEL_GUIDE, // `text`, the set's guideline
    LABEL_FILTER,     // `text`: only pairs that pass it come (base/filter.h); "" all
    LABEL_LIST,       // from now on the list of what waits is shown as well; number 0: no more
    LABEL_JUDGE_MANY, // those of the list that are marked, as one act: verdict
};
struct label_mark {
    int64_t number;
    bool swapped; // as label_row says
};
struct label_request {
    enum label_what what;
    char *text, *name, *note, *reasons; // the request's own
    char *checks;                       // LABEL_FILE: a file of pairs whose answers are known; NULL: none
    double repeats, seconds, check_share;
    double shared; // LABEL_FILE: the share of pairs that are judged by one annotator alone
    uint64_t seed;
    enum verdict verdict; // as it is shown: much-A says that the left answer is much better
    enum label_order order;
    int64_t number;
    bool is_b; // LABEL_EDIT
    struct label_mark *marked; // the request's own, (n_marked)
    int n_marked;
};
void label_request_fini(struct label_request *r);

struct label_past { // one of the annotator's judgements
    int64_t number;
    enum verdict verdict; // as it was shown
    double seconds;
    bool noted, is_final;
};
struct label_vote_shown {
    char who[64];
    enum verdict verdict; // as the pair is shown now
};
struct label_ability { // stats/annotators.h: 1 is ordinary, 0 guesses, below 0 says the opposite
    char who[64];      // "": the source's own label
    double ability;
};
struct label_row { // a pair that waits
    int64_t number;
    bool swapped;               // B stands on the left
    char *prompt, *left, *right; // their beginnings, in one line
};
enum { LABEL_HISTORY = 40, LABEL_LIST_MOST = 1000 };
struct label_shown {
    enum label_kind kind;
    char source[128], annotator[64];
    char *guideline;
    enum label_order order;
    bool has_pair;
    struct asked_pair pair;
    bool swapped;        // B stands on the left
    int64_t number;      // of the pair in its source
    bool was_judged;     // by this annotator, before
    enum verdict before; // as it is shown now
    char *note_before, *reasons_before;
    double share;                                // for the answer on the left, as the source says; NaN: it does not
    struct label_vote_shown votes[LABEL_OTHERS]; // of others
    int n_votes;
    int n_waiting; // pairs that wait for this annotator, in this order of theirs
    int n_redo;
    struct label_past past[LABEL_HISTORY]; // the newest first
    int n_past;
    struct label_tally tally;
    struct label_ability abilities[LABEL_OTHERS + 1]; // of the last fit, this annotator first
    int n_abilities;
    char *filter;            // "": all
    struct label_row *list;  // of what waits, the first LABEL_LIST_MOST, by number
    int n_list;
    char said[200]; // what became of the request: "saved #127 left better"
    double save_s;  // how long saving took; NaN: nothing was saved
};
void label_shown_fini(struct label_shown *s);

struct label_desk;
int label_desk_open(struct label_desk **out, const char *project_dir, const char *annotator, struct err *e);
void label_desk_close(struct label_desk *d); // NULL is fine
// Does what is asked and shows how things stand then. After an error *out shows that all is as it was, with 0 or a
// negative ERR_ as the result.
int label_desk_do(struct label_desk *d, const struct label_request *r, struct label_shown *out, struct err *e);
