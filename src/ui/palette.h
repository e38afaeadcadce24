// The colours behind the palette's meanings (enum color), for terminals of 256 colours and for pictures: a run has the same
// colour in both.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/canvas.h"

// Index into xterm's 256 colours on a dark or a light ground; -1: the foreground's own colour.
short palette_256(enum color color, bool dark);
// 0xRRGGBB of the same, with ink and paper where that is -1.
uint32_t palette_rgb(enum color color, bool dark);
uint32_t palette_paper(bool dark);
