#include "config.h"

#include "cli/show_plot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/print.h"

enum { USUAL_CHARTS = 6, CHART_LINES = 12 };

// Columns of charts as on the page of curves, whose grid this is.
static int chart_columns(int width)
{
    return width >= 150 ? 3 : width >= 70 ? 2 : 1;
}

// Without --size: as wide as the terminal, and so many lines that each chart can be read; one chart fills 24.
static int choose_size(const struct args *a, int n_charts, int *width, int *height, struct err *e)
{
    const char *size = args_text(a, "size");
    if (size)
        return plots_size(size, "columns and lines", 20, 6, 1000, width, height, e);
    *width = isatty(STDOUT_FILENO) ? print_width(stdout) : 80;
    const int columns = chart_columns(*width), rows = (n_charts + columns - 1) / columns;
    *height = rows * CHART_LINES < 24 ? 24 : rows * CHART_LINES > 1000 ? 1000 : rows * CHART_LINES;
    return 0;
}

static void draw_grid(struct plots *p, struct canvas *c, struct rect area)
{
    int columns = chart_columns(area.width);
    columns = columns < p->n_charts ? columns : p->n_charts;
    const int rows = (p->n_charts + columns - 1) / columns;
    for (int i = 0; i < p->n_charts; i++) {
        const int row = i / columns, column = i % columns;
        const int x0 = area.width * column / columns, x1 = area.width * (column + 1) / columns;
        const int y0 = area.height * row / rows, y1 = area.height * (row + 1) / rows;
        curves_draw_chart(&p->curves, &p->curves.charts[i], c,
                          (struct rect){area.x + x0, area.y + y0, x1 - x0, y1 - y0}, false, p->n_charts == 1);
    }
}

// Names of several runs stand above all charts, as many lines as they need.
static struct rect draw_names(const struct plots *p, struct canvas *c)
{
    struct rect area = canvas_area(c);
    int x = 1;
    if (p->curves.n_runs == 1 || p->n_charts == 1 || p->curves.mode == MODE_GROUPS) // groups are named in each chart
        return area;
    struct rect line = rect_cut_top(&area, 1);
    for (int i = 0; i < p->curves.n_runs; i++) {
        const int columns = (int)utf8_text_columns(p->curves.rows[i]->info.name, strlen(p->curves.rows[i]->info.name)) + 2;
        if (x > 1 && x + columns > line.width && area.height > 10) {
            line = rect_cut_top(&area, 1);
            x = 1;
        }
        canvas_put(c, x, line.y, (uint32_t)p->curves.rows[i]->letter, STYLE(COLOR_DEFAULT));
        x = canvas_text(c, x + 2, line.y, -1, STYLE(COLOR_DEFAULT), p->curves.rows[i]->info.name) + 2;
    }
    return area;
}

int show_plot(struct store *s, const struct args *a, struct err *e)
{
    struct plots p;
    int width = 0, height = 0;
    plots_init(&p);
    int code = args_json(a) ? err_set(e, ERR_USAGE, "--plot draws; \"attune chart METRIC --json\" prints what is drawn")
                            : plots_list(&p, s, e);
    for (int i = 0; i < a->n_words && !code; i++)
        code = plots_add_runs(&p, a->words[i], e);
    if (!code)
        code = plots_choose(&p, args_text(a, "metrics"), USUAL_CHARTS, e);
    p.curves.lines_only = true;
    if (!code)
        code = plots_read(&p, a, e);
    if (!code)
        code = choose_size(a, p.n_charts, &width, &height, e);
    if (!code) {
        const enum glyphs glyphs = plots_glyphs(a);
        struct canvas canvas;
        canvas_init(&canvas, width, height, glyphs, glyphs != GLYPHS_ASCII);
        draw_grid(&p, &canvas, draw_names(&p, &canvas));
        plots_print(&canvas);
        canvas_fini(&canvas);
    }
    plots_fini(&p);
    return code;
}
