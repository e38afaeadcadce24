#include "config.h"

#include "ui/term/palette.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Found by search: Machado 2009 simulation and CIEDE2000 distance of at least 9 between all 16, at least 13.9 between the
// first 8, under normal vision and three deficiencies; a set for backgrounds that are not known has 8 that both can show.
static const short dark_series[] = {39, 196, 230, 244, 154, 181, 63, 123, 163, 65, 71, 205, 186, 40, 146, 224};
static const short light_series[] = {25, 202, 16, 246, 239, 88, 105, 18, 65, 160, 243, 169, 20, 96, 236, 27};
static const short unknown_series[] = {33, 94, 244, 25, 137, 59, 202, 169};

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE };
// Hues that can be read on black and on white: no blue on black.
static const short basic_series[] = {CYAN, RED, GREEN, YELLOW, MAGENTA, WHITE};

static int basic_color(enum background background, enum color color)
{
    //                                  default muted title accent good warn bad cursor
    static const short basic[] = {-1, -1, -1, CYAN, GREEN, YELLOW, RED, -1};
    if (color < COLOR_SERIES)
        return basic[color];
    const int hue = basic_series[(color - COLOR_SERIES) % 6];
    return background == BACKGROUND_LIGHT && hue == WHITE ? BLUE : hue;
}

int palette_color(enum background background, int colors, bool contrast, enum color color)
{
    //                               default muted title accent good warn bad cursor
    static const short dark[] = {-1, 245, -1, 75, 114, 214, 203, 236};
    static const short light[] = {-1, 242, -1, 25, 28, 130, 160, 254};
    static const short unknown[] = {-1, 244, -1, 33, 71, 172, 167, -1};
    const int series = (int)color - COLOR_SERIES;
    if (colors == 0 || (contrast && (color == COLOR_MUTED || color == COLOR_CURSOR)))
        return -1;
    if (colors < 256)
        return basic_color(background, color);
    if (background == BACKGROUND_DARK)
        return series < 0 ? dark[color] : dark_series[series];
    if (background == BACKGROUND_LIGHT)
        return series < 0 ? light[color] : light_series[series];
    return series < 0 ? unknown[color] : unknown_series[series % 8];
}

uint32_t palette_rgb(int index)
{
    if (index >= 232) {
        const uint32_t grey = 8 + 10 * (uint32_t)(index - 232);
        return grey << 16 | grey << 8 | grey;
    }
    uint32_t rgb = 0;
    const int parts[] = {(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6};
    for (int i = 0; i < 3; i++)
        rgb = rgb << 8 | (uint32_t)(parts[i] ? 55 + 40 * parts[i] : 0);
    return rgb;
}

uint32_t palette_ink(enum color color, bool dark)
{
    if (color >= COLOR_SERIES)
        color = (enum color)(COLOR_SERIES + (color - COLOR_SERIES) % N_SERIES_COLORS);
    const int index = palette_color(dark ? BACKGROUND_DARK : BACKGROUND_LIGHT, 256, false, color);
    return index >= 0 ? palette_rgb(index) : dark ? 0xe4e6e9 : 0x1b1e23;
}

uint32_t palette_paper(bool dark)
{
    return dark ? 0x0f1216 : 0xffffff;
}

// The share 0..1 that 1 to 4 hexadecimal digits say; -1 when they are none. *at moves behind them.
static double hex_share(const char **at)
{
    double value = 0, most = 0;
    int n = 0;
    for (; n < 4 && **at && strchr("0123456789abcdefABCDEF", **at); n++, (*at)++) {
        const char digit[] = {**at, '\0'};
        value = value * 16 + (double)strtol(digit, NULL, 16);
        most = most * 16 + 15;
    }
    return n ? value / most : -1;
}

enum background palette_background(const char *text)
{
    double part[3];
    unsigned r, g, b;
    char rest;
    if (sscanf(text, "#%2x%2x%2x%c", &r, &g, &b, &rest) == 3) {
        part[0] = r / 255.0;
        part[1] = g / 255.0;
        part[2] = b / 255.0;
    } else {
        if (strncmp(text, "rgb:", 4) == 0)
            text += 4;
        else if (strncmp(text, "rgba:", 5) == 0)
            text += 5;
        else
            return BACKGROUND_UNKNOWN;
        for (int i = 0; i < 3; i++) {
            part[i] = hex_share(&text);
            if (part[i] < 0 || (i < 2 && *text++ != '/'))
                return BACKGROUND_UNKNOWN;
        }
    }
    // Relative luminance (WCAG 2); half way to white as the eye sees it is 0.18.
    double luminance = 0;
    static const double weight[] = {0.2126, 0.7152, 0.0722};
    for (int i = 0; i < 3; i++)
        luminance += weight[i] * (part[i] <= 0.04045 ? part[i] / 12.92 : pow((part[i] + 0.055) / 1.055, 2.4));
    return luminance > 0.18 ? BACKGROUND_LIGHT : BACKGROUND_DARK;
}
