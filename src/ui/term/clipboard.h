// Copying to the clipboard of the terminal that a person sits at (OSC 52), also from another machine.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum multiplexer { MULTIPLEXER_NONE, MULTIPLEXER_TMUX, MULTIPLEXER_SCREEN };
enum { CLIPBOARD_MAX = 74994 }; // bytes of text: more than 100 000 of base64 are dropped by some terminals without a word

void base64_add(const char *bytes, size_t n, struct str *out);
enum multiplexer clipboard_multiplexer(void); // by TMUX, STY and TERM
// The sequence that puts the text there. tmux is told both ways: for set-clipboard and for allow-passthrough. False, and
// nothing is added, for a text that is too long.
bool clipboard_sequence(const char *text, size_t n_bytes, enum multiplexer within, struct str *out);
