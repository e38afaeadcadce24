// How the rewards of two answers differ over the prompts of a file: a histogram, and who has the higher one.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/histogram.h"
#include "stats/win_rate.h"
#include "ui/compare/compare_settings.h"
#include "ui/runs/run_text.h"

enum { MOST_BINS = 41, LABEL_COLUMNS = 22 };

// "A - B on 40 prompts: mean +0.31, A higher on 61 % (45 to 75)"
static void add_summary(const double *gaps, int n, struct str *out)
{
    struct win_vote *votes = mem_alloc((size_t)n + 1, sizeof *votes);
    double mean = 0;
    int known = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(gaps[i]))
            continue;
        mean += gaps[i];
        votes[known] = (struct win_vote){gaps[i] > 0 ? 1 : gaps[i] < 0 ? 0 : 0.5, 0, known};
        known++;
    }
    const struct win_rate rate = win_rate_of(votes, known, 0.95);
    str_addf(out, "A - B on %d %s: mean %+.3g, A higher on %.0f %% (%.0f to %.0f)", known,
             text_plural(known, "prompt", "prompts"), known ? mean / known : 0, known ? 100 * rate.rate : 0,
             100 * rate.interval.low, 100 * rate.interval.high);
    free(votes);
}

static void draw_bin(struct canvas *c, struct rect line, double low, double high, int count, int most)
{
    char from[16], to[16];
    const int room = line.width - LABEL_COLUMNS - 8;
    canvas_textf(c, line.x + 1, line.y, LABEL_COLUMNS, STYLE(COLOR_MUTED), "%9s to %8s",
                 number_text(from, sizeof from, low, 8), number_text(to, sizeof to, high, 8));
    const int length = most && room > 0 ? (int)lround((double)count * room / most) : 0;
    for (int i = 0; i < (count > 0 && length == 0 ? 1 : length); i++)
        canvas_put(c, line.x + LABEL_COLUMNS + 1 + i, line.y, '#',
                   STYLE(low >= 0    ? COLOR_GOOD
                         : high <= 0 ? COLOR_BAD
                                     : COLOR_MUTED));
    canvas_textf(c, line.x + LABEL_COLUMNS + 2 + (length > 0 ? length : count > 0), line.y, 7, STYLE(COLOR_DEFAULT),
                 "%d", count);
}

void compare_draw_scores(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct prompt_set *set = compare_prompts(p);
    struct rect in = canvas_box(c, r, STYLE(COLOR_MUTED), "Differences of the rewards; H goes back to the answers");
    const char *nothing = compare_hides_names(p) ? "Hidden until you vote."
                          : !p->gaps || !set     ? "None yet: o opens prompts, m names a reward model, A asks them all."
                                                 : NULL;
    if (nothing || in.height < 2) {
        canvas_text(c, in.x + 1, in.y, in.width - 2, STYLE(COLOR_MUTED), nothing ? nothing : "");
        return;
    }
    struct str line = {0};
    int counts[MOST_BINS], most = 0, n_bins = in.height - 1 < MOST_BINS ? in.height - 1 : MOST_BINS;
    n_bins -= n_bins % 2 == 0;
    if (n_bins < 1)
        return;
    add_summary(p->gaps, set->n, &line);
    canvas_text(c, in.x + 1, in.y, in.width - 2, STYLE(COLOR_DEFAULT), str_text(&line));
    str_fini(&line);
    rect_cut_top(&in, 1);
    const double width = histogram_around_zero(p->gaps, set->n, n_bins, counts);
    for (int i = 0; i < n_bins; i++)
        most = counts[i] > most ? counts[i] : most;
    for (int i = n_bins - 1; i >= 0; i--) { // where A is higher is above
        const double middle = (i - n_bins / 2) * width;
        draw_bin(c, rect_cut_top(&in, 1), middle - width / 2, middle + width / 2, counts[i], most);
    }
}
