// The terminal: puts a canvas on it with few bytes, says its size, gives it back. One screen a process.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ui/term/canvas.h"
#include "ui/term/terminal.h"

// Takes the terminal over, and asks it to mark what is pasted. ERR_UNSUPPORTED, in words, when it is none or cannot
// address its cells.
int screen_open(struct err *e);
void screen_close(void); // gives it back; does nothing when it is not open
// For a fatal signal: as screen_close, by nothing but async-signal-safe calls.
void screen_rescue(void);
void screen_suspend(void); // gives the terminal back for a while; screen_return takes it again
void screen_return(void);
void screen_size(int *width, int *height); // as the terminal says now, at least 1 x 1
void screen_resized(void);                 // the size changed: the next screen_show paints everything
void screen_repaint(void);                 // the next screen_show paints everything

enum glyphs screen_glyphs(void);
bool screen_utf8(void);
// "xterm-256color" where this machine does not know TERM and the terminal was taken for that; else NULL.
const char *screen_taken_for(void);
// "256", "16", "8", "mono", "dark", "light", "contrast", "auto" (as the terminal says); false for another word. Never more
// than the terminal has.
bool screen_set_colors(const char *word);
void screen_ask(void); // the terminal, about itself, where it is one that answers
void screen_ping(void); // asks what is answered at once
// An answer (KEY_REPLY_). SAID_BACKGROUND: the colours are other ones now, draw again.
enum terminal_said screen_take_reply(const char *bytes, size_t n);
bool screen_set_mouse(bool on); // false: the terminal has none
void screen_send(const char *bytes, size_t n); // a sequence that moves nothing, between two frames
// Shows the canvas. Returns about how many bytes that took (0: nothing changed).
size_t screen_show(const struct canvas *c);
// Pictures beside the text, for who paints them by screen_send.
struct screen_pictures {
    bool kitty, sixel;           // as the terminal said
    bool within;                 // a multiplexer, by what the environment says
    bool light;
    int cell_width, cell_height; // pixels; 0: not known
};
void screen_pictures(struct screen_pictures *out);
unsigned screen_paints(void);       // how often everything was painted anew: pictures are gone then
bool screen_wrote(int y, int n);    // whether the last screen_show wrote into one of these lines
void screen_redraw(int y, int n);   // the next screen_show writes these lines whole, over whatever is there
void screen_hold_pictures(bool has); // kitty's: they are taken away when the terminal is given back
bool screen_has_keys(void); // something was typed that nobody has read yet
bool screen_is_ready(void); // the terminal takes bytes now; false: a frame would block
