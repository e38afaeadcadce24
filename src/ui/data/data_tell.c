// The page of a data set for who hears it: the set, then the row under the cursor; the numbers and the refused rows as the
// lines that the page has of them.
#include "config.h"

#include "ui/data/data_draw.h"

enum { WIDTH = 100, MOST_LINES = 1000 };

// What is drawn, as text.
static void tell_pane(const struct data_state *s, const struct data_set *d, struct str *out)
{
    struct canvas c;
    const bool refused = s->pane == PANE_REFUSED;
    canvas_init(&c, WIDTH, MOST_LINES, GLYPHS_ASCII, true);
    const struct rect all = canvas_area(&c);
    const int n = refused ? data_refused_draw(d, &c, all, 0) : data_summary_draw(d, s->batch, &c, all, 0);
    canvas_resize(&c, WIDTH, n < 1 ? 1 : n > MOST_LINES ? MOST_LINES : n);
    refused ? data_refused_draw(d, &c, canvas_area(&c), 0) : data_summary_draw(d, s->batch, &c, canvas_area(&c), 0);
    canvas_save(&c, false, out);
    canvas_fini(&c);
    if (n > MOST_LINES)
        str_addf(out, "and %d lines more\n", n - MOST_LINES);
}

static void tell_set(const struct data_state *s, const struct data_set *d, bool all, struct str *out)
{
    const struct corpus *c = d->corpus;
    if (all)
        str_addf(out, "%s: %s, %s, %zu %s to learn from, %zu refused.\n", d->from.path, data_kind_name(c->kind), c->shape,
                 c->n_examples, text_plural((int64_t)c->n_examples, "row", "rows"), c->n_refused);
    if (s->filter[0])
        str_addf(out, "Filter %s: %zu of %zu rows pass.\n", s->filter, s->rows.n, c->n_examples);
    if (s->order)
        str_addf(out, "Sorted by %s, the %s first.\n", data_orders[s->order], s->is_up ? "smallest" : "largest");
}

bool data_tell(const struct data_state *s, const struct data_set *d, bool all, struct str *out)
{
    if (d->fault.code) {
        str_addf(out, "%s\n", d->fault.text);
        return true;
    }
    if (!d->corpus) {
        str_add(out, d->from.path ? "It is still being read; \"repeat\" looks again.\n"
                                  : "No data set is open: \"data FILE\" opens one.\n");
        return true;
    }
    if (s->pane != PANE_ROWS) {
        tell_pane(s, d, out);
        return true;
    }
    tell_set(s, d, all, out);
    if (all)
        str_add(out,
                "\"down\", \"up\", \"find TEXT\" and a row's number go to a row, \"next-pane\" says the set in numbers.\n");
    if (s->rows.n == 0) {
        str_add(out, s->rows.is_done ? "No row passes the filter.\n" : "Still looking; \"repeat\" looks again.\n");
        return true;
    }
    const size_t row = s->rows.rows[s->cursor < s->rows.n ? s->cursor : 0];
    str_addf(out, "Row %zu of %zu.\n", row + 1, d->corpus->n_examples);
    data_row_tell(d, row, out);
    return true;
}
