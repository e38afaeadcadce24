// tests/golden/stats.json: numbers by independent implementations (its generator says which). Include after testing.h.
#pragma once

#include "base/json.h"

static json_t *golden_stats;

static inline int golden_stats_open(void **state)
{
    char *path = test_source("tests/golden/stats.json");
    struct err e = {0};
    if (json_read(path, 16 << 20, &golden_stats, &e))
        fail_msg("%s", e.text);
    free(path);
    return 0;
}

static inline int golden_stats_close(void **state)
{
    json_decref(golden_stats);
    return 0;
}

static inline const json_t *golden_of(const char *name)
{
    const json_t *part = json_object_get(golden_stats, name);
    if (!part)
        fail_msg("tests/golden/stats.json has no \"%s\"", name);
    return part;
}

static inline double golden_value(const json_t *v)
{
    if (!json_is_null(v) && !json_is_number(v))
        fail_msg("tests/golden/stats.json: a number is missing");
    return json_is_null(v) ? NAN : json_number_value(v);
}

static inline double golden_at(const json_t *row, size_t i)
{
    return golden_value(json_array_get(row, i));
}

static inline double golden_member(const json_t *o, const char *key)
{
    return golden_value(json_object_get(o, key));
}

static inline double *golden_array(const json_t *a, int *n)
{
    *n = (int)json_array_size(a);
    double *values = calloc((size_t)*n + 1, sizeof *values);
    for (int i = 0; i < *n; i++)
        values[i] = golden_at(a, (size_t)i);
    return values;
}

// Within 1e-9 of what is wanted, in units of it where it is large; NaN is NaN.
static inline void assert_golden(double got, double want)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
        fail_msg("got %.15g, want %.15g", got, want);
}

// The same digits also where it is small: within 1e-9 of it.
static inline void assert_golden_relative(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-300))
        fail_msg("got %.15g, want %.15g", got, want);
}
