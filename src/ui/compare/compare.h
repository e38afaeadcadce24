// Two to four models answer one prompt with one seed, all at once: who they are, what they said, and how each reads every
// token. The page draws this and changes it (view_compare.c, compare_draw.c); the answers come from ui_ask_model.
#pragma once

#include "base/word_diff.h"
#include "store/labels.h"
#include "ui/term/text_pane.h"
#include "ui/view.h"

enum { COMPARE_MOST = 4 };

struct compare_model {
    char *folder;    // NULL: no model, what a run wrote down while it trained
    char label[160]; // "dpo-1@200", or the folder's last names
    char *run;       // NULL: a folder that is no run's
    int64_t step;    // of the checkpoint; -1 without a run
    char *reference; // what log pi is compared with, a folder; NULL: nothing is known
    char *base_of;   // the run from whose checkpoints one came here, to what it began from; NULL: came otherwise
};
const char *compare_model_key(const struct compare_model *m); // what votes are kept under: "dpo-1@200", or the whole path
void compare_model_fini(struct compare_model *m);
struct compare_model compare_model_copy(const struct compare_model *m);
struct compare_model compare_model_of_folder(const char *folder); // copied; the label is made

struct compare_token {
    int32_t id;
    int n_bytes;             // of the text
    double logp;             // under the model that said it
    double entropy;          // of what it was chosen from, nats
    double reference, other; // its log-probability under these; each NaN as long as it is not known
};
enum answer_state { SIDE_SILENT, SIDE_WAITING, SIDE_STREAMING, SIDE_WHOLE, SIDE_FAILED };
struct compare_answer {
    enum answer_state state;
    char *key; // what it is a function of: model, prompt, seed, temperature ...
    struct str text;
    struct compare_token *tokens;
    int n_tokens, cap_tokens;
    double score;                     // of the reward model; NaN: none
    double asked_s, first_s, ended_s; // clock_seconds; 0: not yet
    char trouble[400];
    char *other;                                // the folder that token.other is of; NULL: none
    bool has_entropy, has_reference, has_score; // somebody was asked
    bool other_tokens, reference_tokens;        // these models cut texts as the one that said it
};
void compare_answer_fini(struct compare_answer *a);

enum compare_question { ASK_ANSWER, ASK_OWN, ASK_REFERENCE, ASK_OTHER, ASK_SCORE, N_QUESTIONS };
struct compare_side {
    struct compare_model model;
    char *history; // what was said to it before the prompt, where it is not what was said to all; else NULL
    struct compare_answer answer;
    struct {
        uint64_t turn; // of the question under way; 0: none
        int64_t id;
    } asked[N_QUESTIONS];
    struct text_pane pane;
    bool drawn;  // the pane shows the answer as it is
    bool begins; // it is another answer: it is read from its beginning
};

enum compare_look { LOOK_TEXT, LOOK_REFERENCE, LOOK_ENTROPY, LOOK_OTHER, N_LOOKS }; // what a token's style says

struct compare {
    struct ui *ui;
    struct compare_side sides[COMPARE_MOST];
    int n;
    int order[COMPARE_MOST]; // which side stands where
    int focus;               // a place
    char *prompt;            // NULL: none yet
    char *history;           // of all: a JSON list of the messages before the prompt; NULL: it is the first
    int64_t seed;
    double temperature, top_p;
    int max_tokens;
    enum compare_look look;
    bool every_number;               // a token is under the cursor: all that can be said of it is asked
    bool plain;                      // without what differs
    bool blind;                      // names are hidden, and sides are shuffled, until it is judged
    char *reward, reward_label[160]; // the folder of a reward model; NULL: none
    uint64_t last_turn;
    struct compare_answer kept[64]; // answers that were seen before, the oldest first
    int n_kept;
};
void compare_init(struct compare *c, struct ui *ui);
void compare_fini(struct compare *c); // after the console's models have ended their questions

// The side at a place, and the two that are told apart: the first and the one in focus (the second while the first is).
struct compare_side *compare_at(struct compare *c, int place);
int compare_beside(const struct compare *c); // its place; -1 with one side
// The other one of the two, for a side at that place.
struct compare_side *compare_other(struct compare *c, int place);

void compare_put(struct compare *c, int place, struct compare_model model); // taken; place n adds one
void compare_remove(struct compare *c, int place);
// ---- conversations (compare_turns.c) ----
void compare_set_conversation(struct compare *c, const char *history, const char *prompt); // for all; history NULL: none
const char *compare_history(const struct compare *c, const struct compare_side *s); // NULL: the prompt is the first turn
bool compare_same_history(const struct compare *c, const struct compare_side *a, const struct compare_side *b);
int compare_turn(const struct compare *c); // of the side in focus: the user speaks for the n-th time, from 1
// a JSON list; answer NULL: without; heap
char *compare_turns_with(const char *history, const char *prompt, const char *answer);
// as a person reads it, with roles; heap
char *compare_turns_text(const char *turns);
char *compare_asked_text(const struct compare *c, const struct compare_side *s); // heap
// all before the answer
void compare_fill_turns(const struct compare *c, const struct compare_side *s, struct text_pane *pane);

// All sides answer anew, or give what they said before to just this; what they are saying is cancelled.
void compare_ask(struct compare *c);
void compare_ask_side(struct compare *c, int place);
void compare_stop(struct compare *c);
bool compare_is_asked(const struct compare *c); // some side has not said all
// What the model said to just what the side in focus was asked, in a side or kept; NULL: not yet, or not whole.
const struct compare_answer *compare_kept(const struct compare *c, const struct compare_model *m);
// Asks for what the page shows and nobody has said yet: scores, and how tokens are read.
void compare_want(struct compare *c);
void compare_changed(struct compare *c); // all texts are to be drawn anew
