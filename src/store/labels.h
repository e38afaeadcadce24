// Pairs of answers that a person judges.
//
// What a run asks stands in its run.db: the engine's recorder offers pairs there, closes those that it has learnt from or
// given up, and is the file's one writer as ever; everybody reads. What people answer stands in attune.db, as all that
// people make: any number of commands and consoles may write it. A judgement keeps the texts that were seen (pairs_judged),
// so that labels outlive the run's folder, and an engine that lost its last moments in a power cut, whose numbers may then
// come again with other texts, never takes a judgement of one pair for another's: number and hash must both agree.
//
// Nothing is deleted: who corrects or takes back adds a row that supersedes. A judgement stands when no row supersedes it;
// there is at most one of each annotator for a pair.
#pragma once

#include "store/run_db.h"
#include "store/store.h"

enum verdict { // the store has these numbers
    // which is better
    VERDICT_MUCH_A = -3, VERDICT_A, VERDICT_SLIGHT_A, VERDICT_TIE, VERDICT_SLIGHT_B, VERDICT_B, VERDICT_MUCH_B,
    VERDICT_BOTH_BAD, // no answer to learn from
    VERDICT_CANNOT,   // not to be told by me: an answer, of which nothing is learnt
    VERDICT_SKIP,     // not now: the pair goes on waiting, for me and others
    VERDICT_FLAG,     // something is wrong with the pair
    VERDICT_UNDO,     // takes back what it supersedes
};
const char *verdict_name(enum verdict v);                        // "much-A"
bool verdict_from_name(const char *name, enum verdict *out);     // what a person may say: not "undo"
bool verdict_is_graded(enum verdict v);                          // much-A to much-B

enum pair_state { PAIR_WAITING, PAIR_TAKEN, PAIR_EXPIRED }; // open; learnt from; given up by the run
struct asked_pair {
    int64_t id, step, at_ms; // id: the number in its run
    enum pair_state state;
    char *prompt, *a, *b;    // as a person reads them
    char *turns;             // the prompt as a JSON list of messages; "": the prompt is a plain text
    char *model, *model_b;   // which weights answered, for the record; model_b: B's where another one than A's, else "" or
                             // NULL
    void *tokens;            // what training needs, in the engine's own form; NULL: nothing
    size_t n_token_bytes;
    char hash[65];           // of the texts; set by the store
};
void asked_pair_fini(struct asked_pair *p);
void asked_pair_hash(struct asked_pair *p); // for pairs that a person brings; offering does it by itself

// ---- the run's side: the recorder thread, between run_writer_begin and commit ----
// id, state and hash of *pair are not read; at_ms is. After a rewind a pair whose step and texts are those of one that was
// offered before gets that one's id back, and with it the judgements it has by now.
int run_writer_offer(struct run_writer *w, const struct asked_pair *pair, int64_t *id, struct err *e);
// state: PAIR_TAKEN or PAIR_EXPIRED. run_writer_rewind opens again what a later step than its own has closed.
int run_writer_close_pair(struct run_writer *w, int64_t id, enum pair_state state, int64_t step, struct err *e);

// ---- reading what a run asks; a run.db of an older version asks for nothing ----
int run_reader_pair(struct run_reader *r, int64_t id, struct asked_pair *out, struct err *e); // ERR_NOT_FOUND
struct pair_ref {
    int64_t id;
    char hash[65];
};
int run_reader_open_pairs(struct run_reader *r, struct pair_ref **out, int *n, struct err *e); // by id
int run_reader_taken_pairs(struct run_reader *r, struct pair_ref **out, int *n, struct err *e); // by id
int run_reader_pair_counts(struct run_reader *r, int64_t counts[PAIR_EXPIRED + 1], struct err *e); // by state

// ---- judgements ----
struct judgement {
    int64_t id, pair, at_ms; // pair: its number in the run, or among those that people brought
    char *run;               // "": a pair that a person brought
    char hash[65];           // of the pair's texts
    char annotator[64];
    enum verdict verdict;    // of the pair's A and B, wherever they stood
    bool swapped;            // B was shown first
    bool is_final;           // settles what annotators disagree on: votes count no more
    int occasion;            // 0: the annotator's vote; 1: the pair came again, to see how steady the judge is; no vote
    double seconds;          // that it took; NaN where unknown
    char *note, *reasons;    // reasons: letters of label_reasons (label_sets.h)
    int64_t supersedes;      // 0: none
    int64_t act;             // of those that were given at once: the first one's id; 0: it was given alone
    int64_t row, length_gap; // set by readers: the pair within the project; how much longer A is than B, in characters
};
void judgement_fini(struct judgement *j);
void judgements_free(struct judgement *list, int n);
const char *labels_annotator(void); // who is at the keyboard: $USER, else the account's name

// Adds a judgement of a run's pair, or with run NULL of one that a person brought (the same texts are the same pair). Of *j
// annotator, verdict, swapped, is_final, occasion, seconds, note and reasons are read and stay the caller's; id, pair, at_ms
// and supersedes are set. When it returns the judgement is on the disk, against a power cut as well. The same said twice
// (who was cut off says it again) is kept once: *again. Another verdict of the same annotator (at the same occasion) is
// ERR_STATE, unless `replace`, or what it replaces was a skip.
int labels_add(struct store *s, const char *run, const struct asked_pair *pair, struct judgement *j, bool replace,
               bool *again, struct err *e);
// The same of several pairs (n) at once, all of them or none; what was said already is passed over. They are one act.
int labels_add_many(struct store *s, const char *run, const struct asked_pair *pairs, struct judgement *list, int n,
                    bool replace, struct err *e);
// Takes back the judgement with that id, which stands and is the annotator's, and those that were given at once with it;
// ERR_NOT_FOUND. *row: the id of the last row that says so.
int labels_take_back(struct store *s, int64_t judgement, const char *annotator, int64_t *row, struct err *e);
// Takes back the annotator's newest judgement that stands: of all, of a run, or of that pair of it (0: any); what was given
// at once with it as well. ERR_NOT_FOUND.
int labels_undo(struct store *s, const char *run, int64_t pair, const char *annotator, struct judgement *undone,
                struct err *e);

// For an engine between two steps: when labels_version has changed, labels_since reads what came behind *cursor, in the
// order in which it was committed, undo rows included. The cursor is a plain number that a checkpoint can hold.
int64_t labels_version(struct store *s); // changes when another connection wrote to attune.db
// run NULL: of all pairs there are.
int labels_since(struct store *s, const char *run, int64_t *cursor, struct judgement **out, int *n, struct err *e);

// The open pairs of a run that nobody has answered and this annotator has not skipped, by id. r NULL: none.
int labels_waiting(struct store *s, struct run_reader *r, const char *run, const char *annotator, struct pair_ref **out,
                   int *n, struct err *e);

// Pairs with the votes that stand (where one is final, that one alone); run NULL: of all runs and those that people brought.
// In the order in which the project came to know them.
struct judged_pair {
    struct asked_pair pair;
    char *run;
    int64_t row;     // as judgement.row
    bool is_settled; // the vote is final
    bool is_check;   // an attention check of some set: its answer is known, and it is no data
    int64_t n_a, n_b, n_ties, n_both_bad, n_cannot, n_skips, n_flags;
    double grades; // the sum of the graded ones, -3 to 3 each: positive for B
};
int labels_judged(struct store *s, const char *run, struct judged_pair **out, int *n, struct err *e);
void judged_pairs_free(struct judged_pair *list, int n);
