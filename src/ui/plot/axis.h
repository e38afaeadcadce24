// The value axis of a plot and the numbers beside axes: ranges that are rounded outwards, so that a growing curve does
// not move the picture at every point, ticks at round values, and labels that are short and of one form.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum scale { SCALE_LINEAR, SCALE_LOG, SCALE_SYMLOG };
const char *scale_name(enum scale scale);

struct axis {
    enum scale scale;
    double low, high; // low < high; both > 0 when SCALE_LOG
    double unit;      // SCALE_SYMLOG: values well under it are drawn linearly, those above by their logarithm
};

// So many percent of the values, the least and the greatest ones, are left out of a range; together below 100. 0: none.
struct clip {
    double low, high;
};

enum { TICKS_MAX = 16 };
struct ticks {
    int n, columns; // of the longest label
    struct tick {
        double value;
        char label[24];
    } at[TICKS_MAX]; // ascending
};

// A range around the values min .. max (min > max: there are none). A logarithmic scale needs values above 0; with
// others it becomes symlog.
void axis_fit(struct axis *a, enum scale wanted, double min, double max);
// Where a value stands: 0 at low, 1 at high, beyond that outside. NaN for what the scale cannot show.
double axis_place(const struct axis *a, double value);
double axis_value(const struct axis *a, double place);
void axis_ticks(const struct axis *a, int max, struct ticks *out); // at most `max` (>= 2) of them, inside of the range

// The same for the horizontal axis: steps or tokens (whole numbers), and seconds ("4:05", "2h10").
void axis_ticks_count(double low, double high, int max, struct ticks *out);
void axis_ticks_time(double low, double high, int max, struct ticks *out);
// By powers of ten, for a logarithmic one that begins at 1 or later; `time`: the numbers are seconds.
void axis_ticks_log(double low, double high, int max, bool time, struct ticks *out);
// The end of a horizontal axis that must reach `end`: 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8 or 10 times a power of ten.
double axis_round_end(double end);

// One value alone, in at most 7 columns: "0.5123", "-12.34", "1.24M", "3.2e-5", "nan".
const char *axis_number(char *out, size_t size, double value);
