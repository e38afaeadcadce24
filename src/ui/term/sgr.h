// What a program wrote for a terminal, as text with styles: of all sequences only SGR (ECMA-48 8.3.117: bold, underline,
// reverse, colours) is understood, as the nearest of our own meanings, so that palettes and NO_COLOR hold. A line that was
// begun again (CR, as progress bars do) is what it was last; "erase in line" is left out. Other control characters stay in
// the text, for who draws it makes them visible.
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "ui/term/canvas.h"

struct sgr_text {
    struct str text;           // no bytes of the sequences
    struct canvas_span *spans; // of all of the text
    int n_spans, cap_spans;
};
void sgr_read(struct sgr_text *out, const char *bytes, size_t n); // what was in it is let go
void sgr_fini(struct sgr_text *t);
