#include "config.h"

#include "ui/curves/curves_mouse.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "ui/plot/trace.h"

enum { WIDE = 3, HIGH = 2 }; // cells that a rectangle needs to mean a range of the axis and of values

static int within(int at, int first, int n)
{
    return at < first ? first : at >= first + n ? first + n - 1 : at;
}

struct rect curves_drag_cells(const struct chart_drag *d)
{
    const struct rect f = d->field.cells;
    const bool right = d->x0 < d->x1, down = d->y0 < d->y1;
    const int x0 = within(right ? d->x0 : d->x1, f.x, f.width), x1 = within(right ? d->x1 : d->x0, f.x, f.width);
    const int y0 = within(down ? d->y0 : d->y1, f.y, f.height), y1 = within(down ? d->y1 : d->y0, f.y, f.height);
    // Along a line it is the axis that is meant: all of the height.
    const bool flat = y1 - y0 + 1 < HIGH;
    return (struct rect){x0, flat ? f.y : y0, x1 - x0 + 1, flat ? f.height : y1 - y0 + 1};
}

bool curves_drag_is_wide(const struct chart_drag *d)
{
    return curves_drag_cells(d).width >= WIDE;
}

// The place on the horizontal axis at the left edge of a cell of the field.
static double place_at(const struct curves *c, const struct rect *field, int x)
{
    double x0, x1;
    curves_window(c, &x0, &x1);
    const double part = (double)(x - field->x) / field->width;
    if (!c->x_log || c->x_kind >= X_EPOCHS || x1 <= 1.01 * fmax(x0, TRACE_LOG_FLOOR))
        return x0 + (x1 - x0) * part;
    const double from = log10(fmax(x0, TRACE_LOG_FLOOR));
    return pow(10, from + (log10(x1) - from) * part);
}

static enum view_result zoom_into(struct curves *c, const struct chart_drag *d)
{
    const struct rect r = curves_drag_cells(d), f = d->field.cells;
    const double from = place_at(c, &f, r.x), to = place_at(c, &f, r.x + r.width);
    if (!(to > from) || d->field.chart >= c->n_charts)
        return VIEW_CHANGED;
    if (r.height < f.height) {
        const double high = 1 - (double)(r.y - f.y) / f.height, low = 1 - (double)(r.y + r.height - f.y) / f.height;
        c->zoom.values = (struct span){(float)axis_value(&d->field.y, low), (float)axis_value(&d->field.y, high)};
        text_copy(c->zoom.title, sizeof c->zoom.title, c->charts[d->field.chart].title);
    }
    c->fit = c->follow = c->has_range = false;
    c->x0 = from;
    c->x1 = to;
    return VIEW_CHANGED;
}

static enum view_result press(struct curves *c, int x, int y)
{
    for (int i = 0; i < c->n_fields; i++) {
        const struct rect f = c->fields[i].cells;
        if (x < f.x || x >= f.x + f.width || y < f.y || y >= f.y + f.height)
            continue;
        c->drag = (struct chart_drag){true, c->fields[i], x, y, x, y};
        if (c->focus == c->fields[i].chart || c->multiples)
            return VIEW_KEPT;
        c->focus = c->fields[i].chart;
        return VIEW_CHANGED;
    }
    return VIEW_KEPT;
}

enum view_result curves_drag(struct curves *c, struct mouse m)
{
    const int x = m.x + c->area.x, y = m.y + c->area.y;
    struct chart_drag *d = &c->drag;
    if (m.act == MOUSE_PRESS)
        return press(c, x, y);
    if (!d->is_on)
        return VIEW_KEPT;
    d->x1 = x;
    d->y1 = y;
    d->is_on = m.act == MOUSE_DRAG;
    if (d->is_on)
        return VIEW_CHANGED;
    return curves_drag_is_wide(d) ? zoom_into(c, d) : VIEW_CHANGED;
}
