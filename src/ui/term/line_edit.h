// One line of text being edited: the prompt's and the form's.
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "ui/term/canvas.h"

struct line_edit {
    struct str text;
    size_t at; // byte offset of the cursor, on a character's edge
    bool offered; // the text stands there for a person to take over, and is drawn marked
};
void line_edit_fini(struct line_edit *l);
void line_edit_set(struct line_edit *l, const char *text); // cursor at the end
// The same, as an offer: the first character that is typed replaces the text, any other key begins to edit it. Of names that
// wait for values ("model= data=") nothing is replaced, and the cursor stands behind the first.
void line_edit_offer(struct line_edit *l, const char *text);
bool line_edit_key(struct line_edit *l, int key);          // false: not a key of editing
// Inserts text that was pasted, as one line: line ends and tabs become single blanks, those at its ends are left out, and
// control characters and broken bytes are dropped. False: it would be too long, and nothing was inserted.
bool line_edit_paste(struct line_edit *l, const char *text, size_t n_bytes);
// Draws the text, scrolled so that the cursor shows, and places the canvas' cursor.
void line_edit_draw(const struct line_edit *l, struct canvas *c, int x, int y, int columns, struct style style);
