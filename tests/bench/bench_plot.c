// Bar Q8: the time to redraw one chart with 16 long runs, and what it takes to smooth and keep them. `make bench-plot`.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ui/series/blend.h"
#include "ui/plot/plot.h"

enum { RUNS = 16, FRAMES = 60 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(struct series *s, int run, int points)
{
    struct rng rng = rng_make(1, RNG_TEST, (uint32_t)run);
    for (int i = 0; i < points; i++)
        series_add(s, i, (1 + 0.1 * run) * (1 - exp(-4.0 * i / points)) + 0.1 * (rng_uniform(&rng) - 0.5));
}

// p50 and worst of FRAMES redraws, the runs growing by a thousandth of their length between frames.
static void frames(struct series *series, const struct plot *p, int points, const char *what)
{
    double times[FRAMES];
    struct canvas c;
    canvas_init(&c, 200, 50, GLYPHS_BRAILLE, true);
    for (int f = 0; f < FRAMES; f++) {
        for (int k = 0; k < RUNS; k++) {
            int64_t step = series_step(&series[k], series[k].n - 1);
            for (int i = 1; i <= points / 1000; i++)
                series_add(&series[k], step + i, 1 + 0.1 * k);
        }
        double start = clock_seconds();
        struct plot_result result;
        canvas_clear(&c);
        plot_draw(p, &c, canvas_area(&c), &result);
        times[f] = clock_seconds() - start;
    }
    qsort(times, FRAMES, sizeof *times, by_size);
    printf("  %2d x %7d points at 200x50, %-22s p50 %6.2f ms   worst %6.2f ms\n", RUNS, points, what,
           times[FRAMES / 2] * 1e3, times[FRAMES - 1] * 1e3);
    canvas_fini(&c);
}

// The mean of all runs with its band, made from nothing and then a point further.
static void blending(struct series *series)
{
    struct blend b;
    struct blend_source sources[RUNS];
    for (int k = 0; k < RUNS; k++)
        sources[k] = (struct blend_source){&series[k], true};
    blend_init(&b, false, BAND_INTERVAL);
    double start = clock_seconds();
    blend_update(&b, sources, RUNS, UINT32_MAX);
    const double all = clock_seconds() - start;
    const uint32_t n = b.value.n;
    for (int k = 0; k < RUNS; k++)
        for (int i = 1; i <= 100; i++)
            series_add(&series[k], series_step(&series[k], series[k].n - 1) + 1, 1);
    start = clock_seconds();
    blend_update(&b, sources, RUNS, UINT32_MAX);
    printf("  mean of %d runs with its 95 %% interval: %.1f ns a step and run, %.2f us a step as they grow\n", RUNS,
           all / n / RUNS * 1e9, (clock_seconds() - start) / 100 * 1e6);
    blend_fini(&b);
}

int main(void)
{
    for (int points = 100000; points <= 1000000; points *= 10) {
        struct series *series = mem_alloc(RUNS, sizeof *series);
        struct plot_line lines[RUNS];
        double start = clock_seconds();
        for (int k = 0; k < RUNS; k++) {
            series_init(&series[k]);
            fill(&series[k], k, points);
            lines[k] = (struct plot_line){.series = &series[k], .label = "run", .letter = (char)('a' + k),
                                          .color = (uint8_t)(COLOR_SERIES + k), .dash = (enum dash)(k % DASH_N)};
        }
        double filled = clock_seconds() - start;
        struct plot p = {
            .title = "loss", .empty = "", .lines = lines, .n_lines = RUNS, .x1 = 1.2 * points, .cursor = NAN};
        frames(series, &p, points, "raw");
        start = clock_seconds();
        size_t bytes = 0;
        for (int k = 0; k < RUNS; k++) {
            series_set_smoothing(&series[k], SMOOTH_EMA, 0.9, 1);
            series_smooth_some(&series[k], UINT32_MAX);
            bytes += series_bytes(&series[k]);
        }
        double smoothed = clock_seconds() - start;
        p.weight = 0.9;
        frames(series, &p, points, "smoothed");
        lines[3].raised = true;
        p.clip = (struct clip){1, 1};
        frames(series, &p, points, "smoothed, raw, clipped");
        printf("  adding %.1f ns a point, smoothing %.1f ns a point, %.2f bytes a point\n",
               filled / RUNS / points * 1e9, smoothed / RUNS / points * 1e9, (double)bytes / RUNS / series[0].n);
        blending(series);
        for (int k = 0; k < RUNS; k++)
            series_fini(&series[k]);
        free(series);
    }
    return 0;
}
