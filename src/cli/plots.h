// The plots that commands draw, as the console's page of curves has them: which runs, which charts, smoothing, axes. `attune
// chart`, `attune show --plot`, pictures and reports share it.
#pragma once

#include "cli/args.h"
#include "ui/curves/curves.h"

// The table of --smooth, --x, --x-scale, --y, --clip, --group, --band, --minus, --from and --to, for more_options of a
// command.
int plots_options(int argc, char **argv, const struct param *const **tables, struct err *e);

struct plots {
    struct run_list list;
    struct run_row *rows[CURVES_RUNS];
    int n_rows;
    struct curves curves;
    int n_charts;  // those that were chosen are curves.charts[0 .. n_charts - 1]
};
void plots_init(struct plots *p);
void plots_fini(struct plots *p);
int plots_list(struct plots *p, struct store *s, struct err *e); // reads the project's runs
// Adds runs by their names, separated by commas; of an experiment that has no curves itself, its parts as well.
int plots_add_runs(struct plots *p, const char *names, struct err *e);
// Charts by title or metric, separated by commas; NULL: the first ones, at most `most`; "all": all.
int plots_choose(struct plots *p, const char *charts, int most, struct err *e);
// Reads and smooths what was chosen, under the options of the command line.
int plots_read(struct plots *p, const struct args *a, struct err *e);

// "80x24" within limits; `unit`: what they count ("columns and lines").
int plots_size(const char *text, const char *unit, int min_width, int min_height, int max, int *width, int *height,
               struct err *e);
// What text is drawn with: --glyphs and --ascii where the command has them, else what the locale can show.
enum glyphs plots_glyphs(const struct args *a);
void plots_print(struct canvas *c); // to stdout
