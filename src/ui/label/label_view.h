// The label page's state: view_label.c and label_ask.c change it, label_draw.c draws it.
#pragma once

#include "ui/label/label_desk.h"
#include "ui/term/text_pane.h"
#include "ui/view.h"

enum label_pane { LABEL_PROMPT, LABEL_LEFT, LABEL_RIGHT, LABEL_PANES };
enum { LABEL_QUEUED = 32 };
struct label_state {
    struct label_desk *desk; // with a job while `busy`, else at rest
    bool busy, has_asked;
    enum label_what doing; // while busy
    char *write_to; // the file that is asked for, until what was judged before is saved; else NULL
    struct label_request queued[LABEL_QUEUED]; // keys that came while saving
    int n_queued;
    struct label_shown now;
    double seen_s; // when the pair was drawn first; 0: not yet
    char *note;    // for the pair that is shown; NULL: none
    char reasons[16];
    bool choosing_reasons; // letters are reasons
    int statistics;        // 0: hidden; 1: shown; 2: those that had no room
    bool with_guideline, is_full, with_diff;
    enum label_pane focus;
    struct text_pane panes[LABEL_PANES], guideline;
    char said[240], revealed[400]; // of the last pair: what was saved, and whose answers they were
    int n_said;                    // judgements of this sitting
    int64_t version;               // of attune.db, at the last look
    double looked_s;
    char trouble[400];
    bool listing;      // what waits is a list
    int row, top;      // of the list: the cursor, the first that is shown
    int range;         // where a range begins; -1: nowhere
    int64_t *marked;   // numbers of pairs, (n_marked)
    int n_marked, cap_marked;
    int width, height; // of the last drawing
};
// Asks the desk, now or when it is free; takes what belongs to r.
void label_ask(struct view *v, struct label_request r);
// The pair that a key is meant for; 0: the one that an earlier key, which is still being served, brings.
int64_t label_meant(const struct label_state *s);
void label_forget_words(struct label_state *s); // what was begun to be said of the pair
void label_note_whose(struct label_state *s);   // whose answers they are, into `revealed`
enum view_result label_read(struct view *v, enum command_id id, const char *arg); // label_read.c
// What is begun and not yet said (label_draft.c). note NULL: the page's own.
void label_keep_draft(struct view *v, const char *note);
void label_take_draft(struct view *v);   // of the pair that is shown now, where there is one
void label_forget_draft(struct view *v); // it was judged
enum view_result label_edit(struct view *v, const char *arg); // label_edit.c
// The list of what waits (label_list.c): its commands, VIEW_IGNORED for those that are not; one judgement of all that is
// marked.
enum view_result label_list_command(struct view *v, enum command_id id);
enum view_result label_list_judge(struct view *v, enum verdict verdict);
void label_list_draw(struct label_state *s, struct canvas *c, struct rect area);
void label_draw(struct label_state *s, struct canvas *c, struct rect area);
void label_fill_panes(struct label_state *s); // with the texts of what is shown
// Writes the judged pairs of the source into that file; NULL asks for its name.
enum view_result label_write(struct view *v, const struct label_shown *now, const char *path);
