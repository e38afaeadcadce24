// What a terminal can do beyond its description: it is asked, and answers among the keys whenever it likes. Nothing waits
// for an answer, and none is needed.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ui/term/palette.h"

struct terminal {
    enum background background; // BACKGROUND_UNKNOWN until it was said
    bool synchronizes;          // shows a frame at once that stands between marks (mode 2026)
    bool sixel;
    int level;                  // what it is a successor of: 62 and more of the VT220, which passes over strings it does not
                                // know
    bool kitty;                 // shows pictures by kitty's protocol
    int cell_width, cell_height; // pixels; 0: not said
    int n_open;                 // questions of the kind that every terminal answers that have no answer yet
};

// Whether a terminal of that name answers, and has a mouse: those that xterm is the model of. The Linux console and the old
// ones would print a part of the question.
bool terminal_is_known(const char *term);
const char *terminal_questions(void); // to be written to it once; the last one is TERMINAL_PING
#define TERMINAL_PING "\033[c"        // "what are you?": its answer says also how long a question takes
// Whether it shows pictures, for one that has said what it is; "": not to be asked, for it might print the question, or, a
// multiplexer, take it for a title.
const char *terminal_picture_questions(const struct terminal *t);
enum terminal_said { SAID_NOTHING, SAID_BACKGROUND, SAID_SYNCHRONIZES, SAID_PONG, SAID_PICTURES };
// One whole answer, as key_decode found it.
enum terminal_said terminal_reply(struct terminal *t, const char *bytes, size_t n);
