// The label page's state: view_label.c changes it, label_draw.c draws it.
#pragma once

#include "ui/label_desk.h"
#include "ui/text_pane.h"
#include "ui/view.h"

enum label_pane { LABEL_PROMPT, LABEL_LEFT, LABEL_RIGHT, LABEL_PANES };
enum { LABEL_QUEUED = 32 };
struct label_state {
    struct label_desk *desk; // with a job while `busy`, else at rest
    bool busy, has_asked;
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
    int width, height; // of the last drawing
};
void label_draw(struct label_state *s, struct canvas *c, struct rect area);
// "left better" of a verdict as it is shown.
const char *label_words(enum verdict shown);
void label_fill_panes(struct label_state *s); // with the texts of what is shown
// Writes the judged pairs of the source into that file; NULL asks for its name.
enum view_result label_write(struct view *v, const struct label_shown *now, const char *path);
