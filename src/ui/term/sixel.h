// Pixels as a terminal's sixels (DEC VT330/VT340 programmer reference, volume 2, chapter 14): bands of six rows, a colour at
// a time.
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { SIXEL_COLORS = 32 };
// rgb: (height, width, 3). More colours than SIXEL_COLORS become the nearest of those that suit most pixels. Appends the
// whole sequence.
void sixel_encode(const uint8_t *rgb, int width, int height, struct str *out);
