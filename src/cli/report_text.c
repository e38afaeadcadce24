// What the sections of a report share.
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "cli/report.h"

void report_text(struct str *out, const char *text)
{
    str_add_markup(out, text, strlen(text), false);
}

void report_name(struct str *out, const struct report *r, const struct run_row *row)
{
    str_add(out, "<span class=\"run\">");
    if (r->plots->n_rows > 1)
        str_addf(out, "<span class=\"key r%d\">%c</span> ", row->index % N_SERIES_COLORS, row->letter);
    report_text(out, row->info.name);
    str_add(out, "</span>");
}
