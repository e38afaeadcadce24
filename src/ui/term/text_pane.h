// A text in a rectangle: broken into lines, scrolled, with parts in styles of their own, and searched. Its owner keeps
// it between frames: lines are counted again when the text or the width changes, not when it is drawn. A new width
// keeps what is read at the top; a text that is set anew begins at its top.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "ui/term/canvas.h"

struct text_pane_part { // of what is shown, up to `end`
    size_t end;
    struct style style;
};
struct text_pane {    // {0} is empty and ready; only text_pane.c reads it
    struct str shown; // the text made visible
    struct text_pane_part *parts;
    int n_parts, cap_parts;
    size_t *lines; // where each begins; of `width`
    int n_lines, cap_lines, width, height, top;
    char *wanted; // what is searched; NULL: nothing
    size_t *found;
    int n_found, cap_found, at_found; // at_found: -1 before the first step to one
    size_t begin;                     // the byte that the next drawing has at its top; 0: none in particular
    bool cut;                         // the text was longer than a pane holds (16 MiB)
};
void text_pane_fini(struct text_pane *p);

// The text again from nothing. What is searched stays.
void text_pane_clear(struct text_pane *p);
// Adds text behind what is there, made visible (line ends and tabs are kept). Spans are of the bytes given, as those of
// canvas_paragraph_spans: the last one's style goes on.
void text_pane_add(struct text_pane *p, struct style style, const char *text, size_t n_bytes);
void text_pane_add_spans(struct text_pane *p, const struct canvas_span *spans, int n_spans, const char *text,
                         size_t n_bytes);

// The next drawing begins with what is added from here on, such as the last turn of a conversation.
void text_pane_begin_here(struct text_pane *p);

void text_pane_draw(struct text_pane *p, struct canvas *c, struct rect r);
// How many lines it has in this width; also before it was drawn.
int text_pane_lines(struct text_pane *p, int width);

// Of the last drawing. Scrolling ends where the last line is at the bottom; true: the picture changes.
bool text_pane_scroll(struct text_pane *p, int lines);
bool text_pane_scroll_to(struct text_pane *p, int line); // that line at the top; a large number: the end
int text_pane_top(const struct text_pane *p);
int text_pane_page(const struct text_pane *p);  // lines that a page key moves: all but one, at least 1
int text_pane_below(const struct text_pane *p); // lines under the last one that is seen

// Looks for the text in all of it, small and large letters of ASCII alike, and marks what it finds; "" or NULL ends it.
// Returns how many there are.
int text_pane_find(struct text_pane *p, const char *what);
// The next place (step 1) or the one before (-1), round the ends, scrolled into sight: its number from 1; 0: there is
// none. The first step goes to the first place that is in sight or under it.
int text_pane_find_next(struct text_pane *p, int step);
int text_pane_found(const struct text_pane *p); // how many places there are
