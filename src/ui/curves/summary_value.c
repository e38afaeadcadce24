#include "config.h"

#include "ui/curves/summary_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *summary_split(const char *name, char *key, size_t size)
{
    const char *at = strrchr(name, '@');
    const bool is_word = at && (strcmp(at, "@min") == 0 || strcmp(at, "@max") == 0 || strcmp(at, "@last") == 0);
    snprintf(key, size, "%.*s", (int)(is_word ? at - name : (long)strlen(name)), name);
    return is_word ? at + 1 : "last";
}

double curves_summary_value(const struct curves *c, int run, const char *name)
{
    char key[96], text[300];
    const char *which = summary_split(name, key, sizeof key);
    const struct metric *m = c->data[run] ? run_data_metric(c->data[run], key) : NULL;
    double value;
    if (!m)
        return text_to_double(run_setting_text(c->rows[run], key, text, sizeof text), &value) ? value : NAN;
    const struct span span = series_span(&m->series, 0, m->series.n);
    if (span.min > span.max)
        return NAN;
    if (strcmp(which, "last") != 0)
        return strcmp(which, "min") == 0 ? span.min : span.max;
    for (uint32_t i = m->series.n; i-- > 0;)
        if (isfinite(series_value(&m->series, i)))
            return series_value(&m->series, i);
    return NAN;
}

struct span curves_summary_span(const struct curves *c, const double *values)
{
    struct span span = SPAN_EMPTY;
    for (int i = 0; i < c->n_runs; i++)
        span = span_add(span, (float)values[i]);
    return span;
}
