// What the page of compares holds beside the compare itself, and its parts: drawing (compare_draw.c), the list to choose
// from (compare_choose.c), votes (compare_vote.c).
#pragma once

#include "ui/compare/compare_lists.h"
#include "ui/term/line_edit.h"

enum { MOST_WANTED = 8, MOST_VOTES = 256 };

struct compare_page {
    struct compare c;
    struct view *view;
    char *wanted[MOST_WANTED]; // words of models that are to become sides when the list of checkpoints is there
    int n_wanted;
    char *wanted_reward;
    enum command_id later; // asked for before checkpoints and votes were read: is done when they are; CMD_NONE: nothing
    char *later_arg;

    char *set;     // the path of the prompts that are shown; NULL: the prompt was typed
    uint64_t set_serial; // of the reading that order, marks and gaps are of
    char *marks;    // what was voted on each of them in this sitting: A (who was chosen first), B, =, x; 0: nothing
    int prompt_at; // among them, as the file has them
    enum prompt_order { PROMPTS_OF_FILE, PROMPTS_BY_SCORES, PROMPTS_BY_VOTES, N_ORDERS } prompt_order;
    int *order;    // (of the set) which prompt comes when; NULL: as in the file
    double *gaps;  // (of the set) reward of the side chosen first minus that of the second, NaN: not known; NULL: none is
    char *gaps_of; // what these are of
    bool asks_all; // the prompts are gone through by themselves
    int ask_next;  // from here on, in the file
    int wanted_at; // where it was the last time, once the file is there

    bool choosing;  // the list is shown
    int choose_for; // the place that it is for; c.n: one more
    struct line_edit filter;
    int choice, choice_top, choice_height;

    bool zoomed; // one side alone
    enum compare_panel { PANEL_ANSWERS, PANEL_SETTINGS, PANEL_WINS, PANEL_SCORES } panel;
    int panel_top; // lines of a panel above what is seen
    int token;     // under the cursor in the side in focus; -1: none

    int graded;                // the key of what was voted for these answers; 0: nothing yet
    char graded_other;         // and the letter of the one that A was held against
    bool leaked;               // and an answer had said whose it is: the pair was flagged instead
    bool drew_hidden;          // what is drawn was drawn while names were hidden
    struct compare_said { // judgements of this sitting
        struct judgement j;  // without texts of its own
        char *note;          // "" none
        int prompt_at;       // which prompt of the set it was on; -1: another
        int key;
        char other; // as graded_other
    } votes[MOST_VOTES];
    int n_votes, n_said; // those that stand, and behind them what was taken back and can be said again
    uint64_t shuffle_seed, n_shuffled;
};

bool compare_hides_names(const struct compare_page *p);
// "A", or "A dpo-1@200" where names are not hidden.
void compare_name(struct compare_page *p, int place, struct str *out);

void compare_draw(struct compare_page *p, struct canvas *c, struct rect area);
void compare_draw_choices(struct compare_page *p, struct canvas *c, struct rect area);

// ---- compare_sides.c ----
void compare_begin(struct compare_page *p); // what was said is not what is judged any more
// MODEL words apart by blanks; "@STEP": what the selected runs wrote then; NULL: the selected runs, or the one under the
// cursor beside what it started from.
enum view_result compare_these(struct compare_page *p, const char *words);
enum view_result compare_add_side(struct compare_page *p, const char *word);    // NULL: shows the list
enum view_result compare_change_side(struct compare_page *p, const char *word); // the one in focus
enum view_result compare_set_reference(struct compare_page *p, const char *word);
enum view_result compare_set_reward(struct compare_page *p, const char *word);
enum view_result compare_swap(struct compare_page *p);
void compare_take_wanted(struct compare_page *p); // what waited for the list of checkpoints
// The command follows by itself when checkpoints and votes were read, and this says so.
enum view_result compare_do_later(struct compare_page *p, enum command_id id, const char *arg);

// ---- compare_keep.c ----
void compare_save(const struct view *v, json_t *into);
void compare_restore(struct view *v, const json_t *from);

// ---- compare_write.c ----
// How many answers were written; negative: an error. A file that is there is not written over.
int compare_write(struct compare *c, const char *path, struct err *e);

// ---- compare_choose.c ----
void compare_choose(struct compare_page *p, int place); // opens the list
void compare_complete(struct view *v, enum command_id id, const char *before, struct words *out); // of view.h
enum view_result compare_choose_key(struct compare_page *p, int key);
// The next (step 1: a later step) checkpoint of the run that the side is of.
enum view_result compare_scrub(struct compare_page *p, int step);

// ---- compare_samples.c ----
// The samples of the selected runs at that step, or of the current run then and at first, become the sides.
void compare_samples(struct compare_page *p, int64_t step);

// ---- compare_vote.c ----
bool compare_can_vote(const struct compare_page *p); // two were asked something, whether or not they have answered
// key: '1' (A much better) to '7' (B much better), '8': both bad, of the two that are told apart.
enum view_result compare_vote(struct compare_page *p, int key);
enum view_result compare_unvote(struct compare_page *p);
char compare_other_letter(const struct compare *c); // of the one that A is held against: with more than two the one in focus
struct compare_grade_name {
    char text[32];
};
struct compare_grade_name compare_grade_name(int key, char other); // "A is much better"
// Sides for the next prompt: shuffled while names are hidden, of each eight times four one way.
void compare_shuffle(struct compare_page *p);

enum view_result compare_revote(struct compare_page *p);

// ---- compare_turns.c ----
// The next turn of the conversation: every side goes on from its own answer, or all from that of the side in focus.
// text NULL: asks for it.
enum view_result compare_go_on(struct compare_page *p, bool chosen, const char *text);

// ---- compare_order.c ----
// The prompts that the page has taken; NULL while it has none, or while others were read that it has not seen yet.
const struct prompt_set *compare_prompts(const struct compare_page *p);
enum view_result compare_order(struct compare_page *p, const char *arg); // NULL: the next order
const char *compare_order_name(enum prompt_order o);
void compare_sort(struct compare_page *p); // by what is known now
int compare_prompt_at(const struct compare_page *p, int position); // the prompt that comes there
int compare_position(const struct compare_page *p);                // of the prompt that is shown; -1: none is
void compare_note_gap(struct compare_page *p);                     // of what is answered and scored now
void compare_forget_gaps(struct compare_page *p);
enum view_result compare_ask_all(struct compare_page *p); // or not any more
int compare_next_unknown(struct compare_page *p);         // the prompt to ask now; -1: none now, -2: all were asked

// A run's own prompts, where nothing was asked yet.
void compare_want_prompts(struct compare_page *p, const struct compare_model *m);

// ---- compare_next.c ----
enum view_result compare_next_models(struct compare_page *p);
enum view_result compare_slices(struct compare_page *p, const char *arg); // NULL: asks
void compare_draw_wins(struct compare_page *p, struct canvas *c, struct rect r);

// ---- compare_tell.c ----
bool compare_tell(struct view *v, bool all, struct str *out); // tell of view.h

// ---- compare_leak.c ----
// True when the answer says one of the names, or one that models of the usual families call themselves by, which the prompt
// does not say; *out: that name, cut at size. Names that are NULL or shorter than four bytes are left out.
bool compare_leaks(const char *answer, const char *prompt, const char *const *names, int n_names, char *out, size_t size);
// The same for the two answers that are voted on, by the names of all sides.
bool compare_names_itself(const struct compare_page *p, char *out, size_t size);
