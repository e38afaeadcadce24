// The chooser of columns over the list of runs: every field that a run has, with a mark at those that are shown. Letters
// narrow the list; of a metric the newest value, the best one, the smallest, the largest or its course can be meant.
#pragma once

#include "ui/term/canvas.h"
#include "ui/runs/runs_table.h"
#include "ui/term/words.h"

struct runs_chooser;
enum chooser_result { CHOOSER_OPEN, CHOOSER_TAKEN, CHOOSER_LEFT };

// `run`: whose metrics are offered; NULL: none but the usual ones.
struct runs_chooser *runs_chooser_new(const struct runs_table *t, const struct run_list *l, struct run_row *run);
// What there is to choose from, and of what kind each is.
void runs_chooser_words(const struct runs_table *t, const struct run_list *l, struct run_row *run, struct words *out);
void runs_chooser_free(struct runs_chooser *c); // NULL is fine
enum chooser_result runs_chooser_key(struct runs_chooser *c, int key);
const char *runs_chooser_text(const struct runs_chooser *c); // as runs_look.columns; "" for the usual ones
void runs_chooser_draw(struct runs_chooser *c, struct canvas *canvas, struct rect area);
extern const char runs_chooser_hints[];
