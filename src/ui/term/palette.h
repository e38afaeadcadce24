// Which of the terminal's colours our meanings are. Sets of series are colour-blind safe (tests/unit/test_palette_sets.c).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/term/canvas.h"

enum background { BACKGROUND_UNKNOWN, BACKGROUND_DARK, BACKGROUND_LIGHT };

// An index into the terminal's colours: of 256 the fixed ones from 16 on, of 8 or 16 the first 8; -1: its own foreground or
// background. colors: 256, 16, 8 or 0. contrast: nothing is muted, and the cursor's line is shown in reverse.
int palette_color(enum background background, int colors, bool contrast, enum color color);
// 0xRRGGBB of a meaning in pictures, on a dark or a light ground: a run has the same colour there as in a terminal of 256
// colours. palette_paper: the ground itself.
uint32_t palette_ink(enum color color, bool dark);
uint32_t palette_paper(bool dark);
uint32_t palette_rgb(int index); // 0xRRGGBB of an index from 16 to 255, as every terminal with 256 colours has it
// "rgb:RRRR/GGGG/BBBB" with 1 to 4 digits each, or "#RRGGBB", as terminals say their background; UNKNOWN for another text.
enum background palette_background(const char *text);
