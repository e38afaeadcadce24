// What a compare chooses from, read on threads of their own (compare_jobs.c) and shown by view_compare.c.
#pragma once

#include "stats/win_rate.h"
#include "ui/compare/compare.h"

// The checkpoints of all runs: the newest run first, its newest checkpoint first, then the model that it began from, where
// that is none of these and no newer run began from it.
struct checkpoint_choice {
    struct compare_model model;
    bool is_last, is_best; // of its run
    bool is_base;          // what runs began from: a folder that is no run's
};
const char *checkpoint_choice_word(const struct checkpoint_choice *c); // "newest"; "" nothing
struct checkpoint_list {
    struct checkpoint_choice *rows;
    int n, cap;
};
void checkpoint_list_free(struct checkpoint_list *l);
// The one that RUN, RUN@STEP, RUN@best, RUN@base or a folder names, copied. ERR_NOT_FOUND, ERR_STATE with what there is
// instead.
int checkpoint_list_find(const struct checkpoint_list *l, const struct run_list *runs, const char *word,
                         struct compare_model *out, struct err *e);
int checkpoint_base_find(const struct run_info *run, struct compare_model *out, struct err *e); // RUN@base

// The prompts of a data file: what the user says last, and what was said before it (a JSON list of messages; NULL: nothing).
// Conversations with tools are not among them: nobody here calls any.
struct prompt_set {
    uint64_t serial; // which reading of a file it is: the same path may hold other prompts by now
    char *path, **prompts, **histories;
    int n, cap, cap_histories, n_with_tools;
};
enum { PROMPT_SET_MOST = 100000 };
void prompt_set_free(struct prompt_set *s);
int prompt_set_read(struct prompt_set **out, const char *path, struct err *e);

// Votes between two models, over all pairs that were judged in the project.
struct win_row {
    char *a, *b;           // as compare_model_key has them
    struct win_vote *votes; // those that win_report counts, in the order in which they were given; for a
    double *lengths;        // of the prompt of each, in characters
    int *parts;             // which of the table's parts the prompt of each belongs to; -1: none
    int n, cap, cap_lengths, cap_parts;
    int64_t n_bad;
};
struct prompt_votes { // on one prompt, between whichever answers
    uint64_t hash;    // of its text
    double minority;  // of each pair's votes those for the answer with fewer, ties half; all pairs together
    int n;
};
// What slices of win rates are by.
struct win_cut {
    char by[64];    // "length", or as win_by_make has it
    char data[400]; // a file of rows; "": none
    int n;          // slices
};
// "length 4", "words 5", "beginning", or a member of the rows of `set` or of a file named behind it. Left alone when it
// fails.
int win_cut_read(struct win_cut *out, const char *words, const char *set, struct err *e);
struct win_next { // two models whose order is uncertain by the strengths of Bradley and Terry
    const char *a, *b; // of the rows; a is the stronger as far as is known
    double beats, doubt;
    struct interval interval;
};
struct win_table {
    struct win_row *rows;
    int n, cap;
    struct win_cut cut;
    char **parts; // names of what the cut makes, where that is not by length
    int n_parts;
    struct win_next *next; // all pairs of models, the most doubtful first; none before there are three models
    int n_next;
    struct prompt_votes *prompts; // sorted by hash
    int n_prompts, cap_prompts;
};
// NULL: nobody judged it; t NULL too
const struct prompt_votes *win_table_prompt(const struct win_table *t, const char *prompt);
void win_table_free(struct win_table *t);
// cut NULL: by length, in 3
int win_table_read(struct win_table **out, const char *project, const struct win_cut *cut, struct err *e);
const struct win_row *win_table_find(const struct win_table *t, const char *a, const char *b,
                                     bool *turned); // turned: b stands first
// "A 37  B 18  tie 9   A wins 65 % (53 to 75): A is better": ties are half a win, both bad does not count; the interval is
// over prompts (stats/win_rate.h), and the last word that of a test which may be looked at after every vote
// (stats/sequential.h).
void win_row_text(const struct win_row *r, const char *name_a, const char *name_b, bool turned, struct str *out);

// ", at equal length 61 % (48 to 73)", where that can be told (stats/win_rate.h); of a.
void win_row_add_length(const struct win_row *r, struct str *out);

// ---- win_table.c ----
// "by the prompt's length 12-40: 50 % (20 to 80)  41-88: ...", "by kind maths: ...": parts as the table is cut; of a.
// Nothing where the prompts are too few to be cut.
void win_row_add_slices(const struct win_table *t, const struct win_row *r, struct str *out);
int win_table_fit(struct win_table *t, struct err *e); // makes t->next
// "x against y: 52 % (30 to 71), 45 % that y is the better one"
void win_next_text(const struct win_next *next, struct str *out);

// ---- of the console: asked for, and there at some later refresh ----
const struct checkpoint_list *ui_checkpoints(struct ui *ui); // NULL before they were read
void ui_look_for_checkpoints(struct ui *ui);
bool ui_reads_checkpoints(struct ui *ui); // newer ones than these are on their way
void ui_look_for_prompts(struct ui *ui, const char *path); // trouble is said in the message line
const struct prompt_set *ui_prompts(struct ui *ui);        // those that were read last; NULL: none
const struct win_table *ui_wins(struct ui *ui);            // NULL before they were read
void ui_look_for_wins(struct ui *ui);
void ui_cut_wins(struct ui *ui, const struct win_cut *cut); // from now on, and looks for them
