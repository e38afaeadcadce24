// Keys: their names, and keys out of the bytes that a terminal sends.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// A Unicode character, or one of these.
enum key {
    KEY_NONE_ = 0, KEY_TAB_ = 9, KEY_ENTER_ = 13, KEY_ESCAPE_ = 27, KEY_BACKSPACE_ = 127,
    KEY_BASE_ = 0x200000, KEY_UP_, KEY_DOWN_, KEY_LEFT_, KEY_RIGHT_, KEY_HOME_, KEY_END_, KEY_PGUP_, KEY_PGDN_,
    KEY_DELETE_, KEY_INSERT_, KEY_BACKTAB_, KEY_F0_, KEY_F12_ = KEY_F0_ + 12, KEY_RESIZE_,
    KEY_PASTE_, // what follows, up to the bytes KEYS_PASTE_END, was pasted
    KEY_REPLY_, // the bytes are an answer of the terminal (ui/term/terminal.h)
    KEY_ALT_ = 0x400000, // added to a character
    KEY_MOUSE_ = 0x1000000, // added to what key_mouse takes apart
};
// A drag is a move with the first button held; a release ends it.
enum mouse_act { MOUSE_PRESS, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN, MOUSE_DRAG, MOUSE_RELEASE, MOUSE_OTHER };
struct mouse {
    enum mouse_act act;
    int x, y; // the cell, from 0
};
bool key_mouse(int key, struct mouse *out); // false: no mouse
int key_from_mouse(enum mouse_act act, int x, int y);
const char *key_name(int key, char *out, unsigned size); // "Ctrl-l", "Alt-1", "F10", "x"
int key_from_name(const char *name, unsigned n_bytes);   // KEY_NONE_ when it is none

// Decodes the first key of bytes[0..n). Returns the bytes it took, 0 when more are needed to tell (a lone ESC, half a
// sequence); with `all` nothing more is coming and what is there is decoded. *key is KEY_NONE_ for what means nothing.
// KEY_PASTE_ begins a bracketed paste: the bytes up to KEYS_PASTE_END are text and no keys.
#define KEYS_PASTE_END "\033[201~"
size_t key_decode(const char *bytes, size_t n, bool all, int *key);
// Whether bytes[0..n), which key_decode could not tell yet, are the beginning of what no person types: an answer, a report
// of the mouse, a paste's mark. The rest of these may come late over a slow link.
bool key_is_begun(const char *bytes, size_t n);
