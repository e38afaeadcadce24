#include "config.h"

#include "ui/palette.h"

// Colour-blind safe sets (console.md 8): Machado 2009 simulation and CIEDE2000 distance of at least 9.3 for all 16.
static const short dark_series[] = {39, 196, 230, 244, 154, 181, 63, 123, 163, 65, 71, 205, 186, 40, 146, 224};
static const short light_series[] = {25, 202, 16, 246, 239, 88, 105, 18, 65, 160, 243, 169, 20, 96, 236, 27};
//                                  default muted title accent good warn bad cursor
static const short dark_meanings[] = {-1, 245, -1, 75, 114, 214, 203, 236};
static const short light_meanings[] = {-1, 242, -1, 25, 28, 130, 160, 254};

short palette_256(enum color color, bool dark)
{
    if (color < COLOR_SERIES)
        return (dark ? dark_meanings : light_meanings)[color];
    return (dark ? dark_series : light_series)[(color - COLOR_SERIES) % N_SERIES_COLORS];
}

uint32_t palette_paper(bool dark)
{
    return dark ? 0x0f1216 : 0xffffff;
}

// xterm's colours from 16 on: a cube of six levels, then 24 greys.
static uint32_t rgb_of(short index)
{
    if (index >= 232) {
        const uint32_t grey = 8 + 10 * (uint32_t)(index - 232);
        return grey << 16 | grey << 8 | grey;
    }
    static const uint32_t level[] = {0, 95, 135, 175, 215, 255};
    const int at = index - 16;
    return level[at / 36] << 16 | level[at / 6 % 6] << 8 | level[at % 6];
}

uint32_t palette_rgb(enum color color, bool dark)
{
    const short index = palette_256(color, dark);
    return index >= 0 ? rgb_of(index) : dark ? 0xe4e6e9 : 0x1b1e23;
}
