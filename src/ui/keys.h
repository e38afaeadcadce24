// Keys out of the bytes that a terminal sends.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ui/commands.h"

// Decodes the first key of bytes[0..n). Returns the bytes it took, 0 when more are needed to tell (a lone ESC, half a
// sequence); with `all` nothing more is coming and what is there is decoded. *key is KEY_NONE_ for what means nothing.
// KEY_PASTE_ begins a bracketed paste: the bytes up to KEYS_PASTE_END are text and no keys.
#define KEYS_PASTE_END "\033[201~"
size_t key_decode(const char *bytes, size_t n, bool all, int *key);
