// One line of text being edited: the prompt's and the form's.
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "ui/canvas.h"

struct line_edit {
    struct str text;
    size_t at; // byte offset of the cursor, on a character's edge
};
void line_edit_fini(struct line_edit *l);
void line_edit_set(struct line_edit *l, const char *text); // cursor at the end
bool line_edit_key(struct line_edit *l, int key);          // false: not a key of editing
// Draws the text, scrolled so that the cursor shows, and places the canvas' cursor.
void line_edit_draw(const struct line_edit *l, struct canvas *c, int x, int y, int columns, struct style style);
