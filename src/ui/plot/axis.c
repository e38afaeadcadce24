#include "config.h"

#include "ui/plot/axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

const char *scale_name(enum scale scale)
{
    static const char *const names[] = {"linear", "log", "symlog"};
    return names[scale];
}

// ---- numbers ----

// The smallest of 1, 2, 5 times a power of ten that is at least x.
static double nice_step(double x)
{
    double power = pow(10, floor(log10(x)));
    for (int i = 0; i < 2; i++, power *= 10) {
        static const double nice[] = {1, 2, 5};
        for (int k = 0; k < 3; k++)
            if (nice[k] * power >= x * (1 - 1e-9))
                return nice[k] * power;
    }
    return power;
}

static int decimals_for(double step)
{
    int n = (int)ceil(-log10(step) - 1e-6);
    return n < 0 ? 0 : n > 9 ? 9 : n;
}

// All labels of an axis in one form: plain, in k/M/G/T, or with a common exponent; digits as the step needs.
static void label_all(struct ticks *t, double step)
{
    static const struct {
        double from, scale;
        const char *suffix;
    } forms[] = {{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}, {1e-3, 1, ""}};
    double largest = 0;
    for (int i = 0; i < t->n; i++)
        largest = fmax(largest, fabs(t->at[i].value));
    int form = -1;
    for (int i = 4; i >= 0 && largest < 1e15; i--)
        if (largest >= forms[i].from)
            form = i;
    // A fine step on a large value: more digits are needed than k or M would save.
    while (form >= 0 && form < 4 && decimals_for(step / forms[form].scale) > 3)
        form++;
    if (form == 4 && decimals_for(step) > 6)
        form = -1;
    double exponent = largest > 0 ? floor(log10(largest) + 1e-9) : 0;
    t->columns = 0;
    for (int i = 0; i < t->n; i++) {
        double v = t->at[i].value;
        char *label = t->at[i].label;
        if (fabs(v) < step * 1e-6)
            snprintf(label, sizeof t->at[i].label, "0");
        else if (form >= 0)
            snprintf(label, sizeof t->at[i].label, "%.*f%s", decimals_for(step / forms[form].scale),
                     v / forms[form].scale, forms[form].suffix);
        else
            snprintf(label, sizeof t->at[i].label, "%.*fe%d", decimals_for(step / pow(10, exponent)),
                     v / pow(10, exponent), (int)exponent);
        int columns = (int)strlen(label);
        t->columns = columns > t->columns ? columns : t->columns;
    }
}

const char *axis_number(char *out, size_t size, double value)
{
    if (isnan(value))
        snprintf(out, size, "nan");
    else if (isinf(value))
        snprintf(out, size, value > 0 ? "inf" : "-inf");
    else if (value == 0)
        snprintf(out, size, "0");
    else if (fabs(value) >= 1e15 || fabs(value) < 9.995e-4) {
        char mantissa[32];
        snprintf(mantissa, sizeof mantissa, "%.1e", value);
        char *e = strchr(mantissa, 'e');
        int exponent = 0;
        sscanf(e + 1, "%d", &exponent);
        *e = 0;
        snprintf(out, size, "%se%d", mantissa, exponent);
    } else if (fabs(value) >= 99995) {
        static const struct {
            double scale;
            const char *suffix;
        } forms[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
        int i = 0;
        while (fabs(value) < forms[i].scale * 0.9995)
            i++;
        double scaled = value / forms[i].scale;
        snprintf(out, size, "%.*f%s",
                 fabs(scaled) >= 99.95   ? 0
                 : fabs(scaled) >= 9.995 ? 1
                                         : 2,
                 scaled, forms[i].suffix);
    } else {
        int digits = fabs(value) >= 999.95    ? 0
                     : fabs(value) >= 99.995  ? 1
                     : fabs(value) >= 9.9995  ? 2
                     : fabs(value) >= 0.99995 ? 3
                                              : 4;
        snprintf(out, size, "%.*f", digits, value);
    }
    return out;
}

// ---- range and place ----

static double bend(const struct axis *a, double v)
{
    if (a->scale == SCALE_LOG)
        return log10(v);
    if (a->scale == SCALE_SYMLOG)
        return copysign(log10(1 + fabs(v) / a->unit), v);
    return v;
}

static double unbend(const struct axis *a, double t)
{
    if (a->scale == SCALE_LOG)
        return pow(10, t);
    if (a->scale == SCALE_SYMLOG)
        return copysign((pow(10, fabs(t)) - 1) * a->unit, t);
    return t;
}

void axis_fit(struct axis *a, enum scale wanted, double min, double max)
{
    enum { PARTS = 20 }; // the range ends at multiples of about a twentieth of itself
    if (!(min <= max))
        min = 0, max = 1;
    min = fmax(min, -1e300);
    max = fmin(max, 1e300);
    // No range: open one around the value, at least what a float can tell apart.
    double room = fmax(fabs(min), fabs(max)) * 1e-6;
    if (max - min <= room) {
        double around = max == 0 && min == 0 ? 1 : fmax(fabs(min), fabs(max)) * 0.1;
        min -= around;
        max += around;
    }
    *a = (struct axis){.scale = wanted, .unit = 1};
    if (wanted == SCALE_LOG && min <= 0)
        a->scale = SCALE_SYMLOG;
    if (a->scale == SCALE_SYMLOG)
        a->unit = pow(10, floor(log10(fmax(fabs(min), fabs(max)))) - 2);
    double low = bend(a, min), high = bend(a, max);
    double quantum = nice_step((high - low) / PARTS);
    a->low = unbend(a, floor(low / quantum + 1e-9) * quantum);
    a->high = unbend(a, ceil(high / quantum - 1e-9) * quantum);
    // Rounding must not cut off what it should show.
    a->low = fmin(a->low, min);
    a->high = fmax(a->high, max);
}

double axis_place(const struct axis *a, double value)
{
    if (a->scale == SCALE_LOG && !(value > 0))
        return value <= 0 ? -INFINITY : NAN;
    double low = bend(a, a->low), high = bend(a, a->high);
    return (bend(a, value) - low) / (high - low);
}

double axis_value(const struct axis *a, double place)
{
    double low = bend(a, a->low), high = bend(a, a->high);
    return unbend(a, low + place * (high - low));
}

// ---- ticks ----

static void ticks_by_step(double low, double high, double step, struct ticks *out)
{
    out->n = 0;
    for (double k = ceil(low / step - 1e-6); k <= floor(high / step + 1e-6) && out->n < TICKS_MAX; k++)
        out->at[out->n++].value = k * step;
}

// The finest round step that gives at most `max` ticks.
static void ticks_linear(double low, double high, int max, double smallest, struct ticks *out)
{
    double step = fmax(nice_step((high - low) / (2 * max)), smallest);
    while (floor(high / step + 1e-6) - ceil(low / step - 1e-6) + 1 > max)
        step = nice_step(step * 1.5);
    ticks_by_step(low, high, step, out);
    label_all(out, step);
}

static void add_tick(struct ticks *t, double value)
{
    if (t->n >= TICKS_MAX)
        return;
    struct tick *tick = &t->at[t->n++];
    tick->value = value;
    if (value == 0) {
        snprintf(tick->label, sizeof tick->label, "0");
    } else if (fabs(value) < 1e-3 || fabs(value) >= 1e4) {
        // Round values only: "50k", "1e-5".
        double e = floor(log10(fabs(value)) + 1e-9);
        if (e >= 4 && e < 15)
            snprintf(tick->label, sizeof tick->label, "%.0f%s", value / pow(10, floor(e / 3) * 3),
                     e >= 12 ? "T" : e >= 9 ? "G" : e >= 6 ? "M" : "k");
        else
            snprintf(tick->label, sizeof tick->label, "%.0fe%d", value / pow(10, e), (int)e);
    } else {
        snprintf(tick->label, sizeof tick->label, "%g", value);
    }
    int columns = (int)strlen(tick->label);
    t->columns = columns > t->columns ? columns : t->columns;
}

// Powers of ten, every k-th so that they fit; with 2 and 5 between them where there is room.
static void ticks_log(const struct axis *a, int max, struct ticks *out)
{
    int first = (int)ceil(log10(a->low) - 1e-9), last = (int)floor(log10(a->high) + 1e-9);
    out->n = out->columns = 0;
    if (last - first < 1) {
        ticks_linear(a->low, a->high, max, 0, out);
        return;
    }
    int decades = last - first + 1, every = (decades + max - 1) / max;
    bool between = 3 * decades + 2 <= max && 3 * decades + 2 <= TICKS_MAX;
    for (int k = between ? first - 1 : first; k <= last; k += between ? 1 : every) {
        static const double parts[] = {1, 2, 5};
        for (int i = 0; i < (between ? 3 : 1); i++) {
            double value = parts[i] * pow(10, k);
            if (value >= a->low * (1 - 1e-9) && value <= a->high * (1 + 1e-9))
                add_tick(out, value);
        }
    }
}

// 0 and +- unit 10^k from the outside inwards, every k-th so that they fit.
static void ticks_symlog(const struct axis *a, int max, struct ticks *out)
{
    int top = (int)floor(log10(fmax(fabs(a->low), fabs(a->high)) / a->unit) + 1e-9);
    int wanted = 0;
    for (int every = 1; every <= top + 1; every++) {
        out->n = out->columns = wanted = 0;
        for (int i = -top; i <= top; i++) {
            int k = abs(i);
            double value = i == 0 ? 0 : copysign(a->unit * pow(10, k), i);
            if ((i != 0 && (top - k) % every != 0) || value < a->low || value > a->high)
                continue;
            wanted++;
            if (wanted <= max)
                add_tick(out, value);
        }
        if (wanted <= max)
            return;
    }
}

void axis_ticks(const struct axis *a, int max, struct ticks *out)
{
    max = max < 2 ? 2 : max > TICKS_MAX ? TICKS_MAX : max;
    if (a->scale == SCALE_LOG)
        ticks_log(a, max, out);
    else if (a->scale == SCALE_SYMLOG)
        ticks_symlog(a, max, out);
    else
        ticks_linear(a->low, a->high, max, 0, out);
}

void axis_ticks_count(double low, double high, int max, struct ticks *out)
{
    max = max < 2 ? 2 : max > TICKS_MAX ? TICKS_MAX : max;
    ticks_linear(low, high, max, 1, out);
}

void axis_ticks_log(double low, double high, int max, bool time, struct ticks *out)
{
    const struct axis a = {SCALE_LOG, fmax(low, 1), high, 1};
    axis_ticks(&a, max, out);
    out->columns = time ? 0 : out->columns;
    for (int i = 0; i < out->n && time; i++) {
        const double s = out->at[i].value;
        char *label = out->at[i].label;
        if (s < 120)
            snprintf(label, sizeof out->at[i].label, "%.0fs", s);
        else if (s < 7200)
            snprintf(label, sizeof out->at[i].label, "%.0fm", s / 60);
        else
            snprintf(label, sizeof out->at[i].label, "%.0fh", s / 3600);
        const int columns = (int)strlen(label);
        out->columns = columns > out->columns ? columns : out->columns;
    }
}

void axis_ticks_time(double low, double high, int max, struct ticks *out)
{
    static const double steps[] = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200};
    max = max < 2 ? 2 : max > TICKS_MAX ? TICKS_MAX : max;
    double step = 86400;
    for (int i = (int)(sizeof steps / sizeof *steps) - 1; i >= 0; i--)
        if (floor(high / steps[i]) - ceil(low / steps[i]) + 1 <= max)
            step = steps[i];
    while (floor(high / step) - ceil(low / step) + 1 > max)
        step *= 2;
    ticks_by_step(low, high, step, out);
    out->columns = 0;
    for (int i = 0; i < out->n; i++) {
        int s = (int)fmin(fmax(out->at[i].value, -1e9), 1e9);
        char *label = out->at[i].label;
        size_t size = sizeof out->at[i].label;
        if (s == 0)
            snprintf(label, size, "0");
        else if (step < 60 && s < 3600)
            snprintf(label, size, "%d:%02d", s / 60, s % 60);
        else if (step < 60)
            snprintf(label, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
        else if (s < 3600)
            snprintf(label, size, "%dm", s / 60);
        else if (s < 86400 * 2)
            snprintf(label, size, "%dh%02d", s / 3600, s / 60 % 60);
        else
            snprintf(label, size, "%dd%02dh", s / 86400, s / 3600 % 24);
        int columns = (int)strlen(label);
        out->columns = columns > out->columns ? columns : out->columns;
    }
}

double axis_round_end(double end)
{
    static const double nice[] = {1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    if (!(end > 10))
        return 10;
    double power = pow(10, floor(log10(end)));
    for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
        if (nice[i] * power >= end)
            return nice[i] * power;
    return 12.5 * power; // rounding of log10 at a power of ten
}
