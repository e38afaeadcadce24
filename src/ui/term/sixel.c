#include "config.h"

#include "ui/term/sixel.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Colours are counted by the upper four bits of each part: antialiased lines have hundreds, which nobody tells apart.
enum { BUCKETS = 1 << 12, ROWS = 6, FARTHEST = 1 << 20 };

struct bucket {
    uint32_t n;
    uint32_t sum[3];
    uint32_t away; // squared, from the nearest colour so far
};

struct palette {
    int n;
    uint8_t rgb[SIXEL_COLORS][3];
    uint8_t of_bucket[BUCKETS]; // which colour stands for it
};

static int bucket_of(const uint8_t *pixel)
{
    return pixel[0] >> 4 << 8 | pixel[1] >> 4 << 4 | pixel[2] >> 4;
}

static uint32_t distance(const uint8_t *a, const uint8_t *b)
{
    int sum = 0;
    for (int k = 0; k < 3; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return (uint32_t)sum;
}

static void mean_of(const struct bucket *b, uint8_t out[3])
{
    for (int k = 0; k < 3; k++)
        out[k] = (uint8_t)(b->sum[k] / b->n);
}

static void choose_colors(const uint8_t *rgb, size_t n_pixels, struct palette *p)
{
    struct bucket *buckets = mem_alloc(BUCKETS, sizeof *buckets);
    for (size_t i = 0; i < n_pixels; i++) {
        struct bucket *b = &buckets[bucket_of(rgb + 3 * i)];
        b->n++;
        for (int k = 0; k < 3; k++)
            b->sum[k] = b->sum[k] + rgb[3 * i + (size_t)k];
    }
    for (int i = 0; i < BUCKETS; i++)
        buckets[i].away = FARTHEST;
    // Each time the one that the colours so far are worst for: many pixels, far from all of them.
    for (p->n = 0; p->n < SIXEL_COLORS; p->n++) {
        int worst = 0;
        for (int i = 0; i < BUCKETS; i++)
            if ((uint64_t)buckets[i].n * buckets[i].away > (uint64_t)buckets[worst].n * buckets[worst].away)
                worst = i;
        if (!buckets[worst].n || !buckets[worst].away)
            break;
        mean_of(&buckets[worst], p->rgb[p->n]);
        for (int i = 0; i < BUCKETS; i++) {
            uint8_t own[3];
            if (!buckets[i].n)
                continue;
            mean_of(&buckets[i], own);
            const uint32_t away = distance(own, p->rgb[p->n]);
            if (away < buckets[i].away) {
                buckets[i].away = away;
                p->of_bucket[i] = (uint8_t)p->n;
            }
        }
    }
    free(buckets);
}

static void add_run(struct str *out, char sixel, int n)
{
    if (n > 3)
        str_addf(out, "!%d%c", n, sixel);
    else
        for (int i = 0; i < n; i++)
            str_addc(out, sixel);
}

// One colour's part of a band: columns of up to six bits, the uppermost pixel the lowest bit.
static void add_color(const uint8_t *colors, int width, int rows, int color, struct str *out)
{
    char last = 0;
    int n = 0;
    str_addf(out, "#%d", color);
    for (int x = 0; x < width; x++) {
        int bits = 0;
        for (int y = 0; y < rows; y++)
            bits |= (colors[y * width + x] == color) << y;
        const char sixel = (char)('?' + bits);
        if (n > 0 && sixel != last) {
            add_run(out, last, n);
            n = 0;
        }
        last = sixel;
        n++;
    }
    if (last != '?') // what is left blank at the end needs no word
        add_run(out, last, n);
}

void sixel_encode(const uint8_t *rgb, int width, int height, struct str *out)
{
    struct palette *p = mem_alloc(1, sizeof *p);
    uint8_t *colors = mem_alloc((size_t)width * ROWS, 1); // of a band
    choose_colors(rgb, (size_t)width * (size_t)height, p);
    str_addf(out, "\033P0;1;0q\"1;1;%d;%d", width, height);
    for (int c = 0; c < p->n; c++) // parts are percents
        str_addf(out, "#%d;2;%d;%d;%d", c, (p->rgb[c][0] * 100 + 127) / 255, (p->rgb[c][1] * 100 + 127) / 255,
                 (p->rgb[c][2] * 100 + 127) / 255);
    for (int y = 0; y < height; y += ROWS) {
        const int rows = height - y < ROWS ? height - y : ROWS;
        bool is_used[SIXEL_COLORS] = {false}, is_first = true;
        for (int i = 0; i < rows * width; i++) {
            colors[i] = p->of_bucket[bucket_of(rgb + 3 * ((size_t)y * (size_t)width + (size_t)i))];
            is_used[colors[i]] = true;
        }
        for (int c = 0; c < p->n; c++) {
            if (!is_used[c])
                continue;
            str_add(out, is_first ? "" : "$"); // back to the left edge
            add_color(colors, width, rows, c, out);
            is_first = false;
        }
        str_add(out, y + ROWS < height ? "-" : "");
    }
    str_add(out, "\033\\");
    free(colors);
    free(p);
}
