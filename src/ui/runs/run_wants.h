// Values of runs beside those that every list shows: any metric, its newest value or one of its whole course.
//     grad_norm       the newest        grad_norm@first     grad_norm@300   at that step, or the last before it
//     grad_norm@min   grad_norm@max     grad_norm@best      the one or the other, as the metric's name says which is better
//     grad_norm@trend the whole course in little, for a sparkline; as a number its newest value
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/run_db.h"
#include "ui/series/course.h"

enum { WANTS_MAX = 24 };
struct run_want {
    char name[96], key[96]; // as it was asked for; of run.db
    enum { WANT_LAST, WANT_FIRST, WANT_MIN, WANT_MAX, WANT_AT, WANT_TREND } kind;
    int64_t step;           // WANT_AT
};
struct run_wants {
    struct run_want list[WANTS_MAX];
    int n;
    int64_t version; // changes when they do
};
struct run_extra {
    double value; // NaN: none
    bool is_known; // the run has the metric
    int64_t cursor, last_step;
    struct course course; // WANT_TREND
};

// What a name asks for. ERR_USAGE: what stands behind the @ is nothing of the above.
int run_want_parse(const char *name, struct run_want *out, struct err *e);
int run_metric_better(const char *key); // 1: more is better, -1: less is, 0: nobody knows
bool run_wants_same(const struct run_wants *w, const char *const *names, int n);
struct run_extra run_extra_none(void); // before anything was read
// Reads what is new, at most until `until_s` but at least a piece; *whole: everything was read.
int run_extras_read(const struct run_wants *w, struct run_extra *extras, struct run_reader *r, double until_s, bool *whole,
                    struct err *e);
