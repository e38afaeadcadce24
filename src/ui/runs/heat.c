#include "config.h"

#include "ui/runs/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/runs/run_text.h"

struct style heat_style(enum heat heat)
{
    switch (heat) {
    case HEAT_MUCH_LESS:
        return STYLE(COLOR_BAD, .attr = ATTR_REVERSE | ATTR_UNDERLINE);
    case HEAT_LESS:
        return STYLE(COLOR_BAD, .attr = ATTR_UNDERLINE);
    case HEAT_MORE:
        return STYLE(COLOR_GOOD, .attr = ATTR_BOLD);
    case HEAT_MUCH_MORE:
        return STYLE(COLOR_GOOD, .attr = ATTR_REVERSE | ATTR_BOLD);
    case HEAT_SAME:
    case N_HEATS:
        break;
    }
    return STYLE(COLOR_DEFAULT);
}

enum heat heat_of(double reward, double largest)
{
    const double share = largest > 0 ? reward / largest : 0;
    return share <= -0.5   ? HEAT_MUCH_LESS
           : share <= -0.1 ? HEAT_LESS
           : share >= 0.5  ? HEAT_MUCH_MORE
           : share >= 0.1  ? HEAT_MORE
                           : HEAT_SAME;
}

double heat_largest(const struct run_credit *credits, int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(credits[i].reward));
    return largest;
}

int heat_paragraph(struct canvas *c, struct rect r, const struct run_sample *s)
{
    const double largest = heat_largest(s->credits, s->n_credits);
    const int n = s->n_credits;
    const bool ends = n > 0 && s->credits[n - 1].n_bytes == 0;
    struct canvas_span *spans = mem_alloc((size_t)n + 1, sizeof *spans);
    struct str text = {0};
    size_t known = 0;
    str_add(&text, s->response);
    for (int i = 0; i < n; i++) {
        spans[i] = (struct canvas_span){(size_t)s->credits[i].n_bytes, heat_style(heat_of(s->credits[i].reward, largest))};
        known += spans[i].n_bytes;
    }
    if (ends && known == text.len) {
        str_add(&text, "<end>");
        spans[n - 1].n_bytes = strlen("<end>");
    }
    spans[n] = (struct canvas_span){0, STYLE(COLOR_DEFAULT)}; // what no token has said
    const int lines = canvas_paragraph_spans(c, r, 0, spans, n + 1, str_text(&text), text.len);
    free(spans);
    str_fini(&text);
    return lines;
}

int heat_legend(struct canvas *c, int x, int y, int width, const struct run_sample *s)
{
    static const char *const words[N_HEATS] = {" much less ", " less ", " likely ", " more ", " much more "};
    char number[32], end[80];
    int needed = 0, at = x;
    snprintf(end, sizeof end, " by up to %s ",
             number_text(number, sizeof number, heat_largest(s->credits, s->n_credits), 7));
    for (int i = 0; i < N_HEATS; i++)
        needed += (int)strlen(words[i]);
    if (needed > width)
        return 0;
    for (int i = 0; i < N_HEATS; i++)
        at = canvas_text(c, at, y, -1, heat_style((enum heat)i), words[i]);
    if (at - x + (int)strlen(end) <= width)
        at = canvas_text(c, at, y, -1, STYLE(COLOR_MUTED), end);
    return at - x;
}
