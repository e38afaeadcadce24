#include "config.h"

#include "ui/series/series.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void series_init(struct series *s)
{
    *s = (struct series){.unit = 1};
}

void series_fini(struct series *s)
{
    free(s->values);
    free(s->bad);
    free(s->marks);
    smooth_window_fini(&s->window);
    steps_fini(&s->steps);
    pyramid_fini(&s->raw);
    pyramid_fini(&s->smooth);
    series_init(s);
}

int64_t series_step(const struct series *s, uint32_t i)
{
    return steps_at(&s->steps, i);
}

float series_value(const struct series *s, uint32_t i)
{
    return s->values[i];
}

uint32_t series_find(const struct series *s, double step)
{
    return steps_find(&s->steps, step);
}

uint32_t series_nearest(const struct series *s, double step)
{
    uint32_t i = series_find(s, step);
    if (i == s->n)
        return s->n - 1;
    if (i > 0 && step - (double)series_step(s, i - 1) <= (double)series_step(s, i) - step)
        return i - 1;
    return i;
}

// ---- smoothing ----

static void smooth_from_mark(const struct series *s, uint32_t block, struct smoother *out)
{
    smoother_init(out, s->weight, s->unit);
    if (block > 0) {
        const struct smooth_mark *mark = &s->marks[block];
        smoother_restart(out, mark->value, mark->remain, (double)series_step(s, block * SMOOTH_BLOCK - 1));
    }
}

static void take_mark(struct series *s)
{
    uint32_t i = s->n_smooth;
    if (i % SMOOTH_BLOCK == 0) {
        uint32_t block = i / SMOOTH_BLOCK;
        if (block >= s->cap_marks) {
            s->cap_marks += s->cap_marks / 8 + 8;
            s->marks = mem_realloc(s->marks, s->cap_marks, sizeof *s->marks);
        }
        s->marks[block] = (struct smooth_mark){s->smoother.value, s->smoother.remain};
    }
}

static uint32_t window_one(struct series *s)
{
    const uint32_t n = smooth_window_add(&s->window, &s->steps, s->values);
    while (s->smooth.n < s->window.n_final)
        pyramid_add(&s->smooth, smooth_window_value(&s->window, s->smooth.n));
    s->n_smooth++;
    return n;
}

// Returns how much work it was, beside that of every point.
static uint32_t smooth_one(struct series *s)
{
    uint32_t i = s->n_smooth;
    if (s->smooth_kind != SMOOTH_EMA)
        return window_one(s);
    take_mark(s);
    double value = smoother_add(&s->smoother, (double)series_step(s, i), s->values[i]);
    pyramid_add(&s->smooth, (float)value);
    s->n_smooth++;
    return 0;
}

// The points of one leaf of the pyramid at once, when they stand as the ones before did; returns how many, 0: one by one.
// The smoother says the same bits either way; this spares it to ask about each point.
static uint32_t smooth_leaf(struct series *s, uint32_t budget)
{
    float out[PYRAMID_LEAF];
    const uint32_t i = s->n_smooth;
    if (s->smooth_kind != SMOOTH_EMA || i == 0 || i % PYRAMID_LEAF != 0 || s->n - i < PYRAMID_LEAF ||
        budget < PYRAMID_LEAF || steps_stride(&s->steps, i) != s->smoother.last_dx ||
        (double)(series_step(s, i) - series_step(s, i - 1)) != s->smoother.last_dx)
        return 0;
    take_mark(s);
    if (!smoother_run(&s->smoother, (double)series_step(s, i + PYRAMID_LEAF - 1), s->values + i, PYRAMID_LEAF, out))
        return 0;
    pyramid_add_leaf(&s->smooth, out);
    s->n_smooth += PYRAMID_LEAF;
    return PYRAMID_LEAF;
}

// From nothing.
static void begin_smoothing(struct series *s)
{
    s->n_smooth = 0;
    s->smooth.n = 0;
    smooth_window_fini(&s->window);
    if (s->smooth_kind == SMOOTH_EMA)
        smoother_init(&s->smoother, s->weight, s->unit);
    else if (s->weight > 0)
        smooth_window_init(&s->window, s->smooth_kind, s->weight);
}

void series_set_smoothing(struct series *s, enum smooth_kind kind, double amount, double unit)
{
    // A window knows no unit: to count points where they are dense would be another curve.
    if (amount == s->weight && (kind == s->smooth_kind ? unit == s->unit || kind != SMOOTH_EMA : amount == 0))
        return;
    s->smooth_kind = kind;
    s->weight = amount;
    s->unit = unit;
    begin_smoothing(s);
    if (amount == 0 || kind != SMOOTH_EMA) {
        free(s->marks);
        s->marks = NULL;
        s->cap_marks = 0;
    }
    if (amount == 0) {
        pyramid_fini(&s->smooth);
    }
}

bool series_smooth_some(struct series *s, uint32_t budget)
{
    if (s->weight == 0)
        return true;
    while (s->n_smooth < s->n && budget > 0) {
        uint32_t work = smooth_leaf(s, budget);
        if (work == 0)
            work = 1 + smooth_one(s) / 4; // a neighbour is less than a point's average
        budget -= work < budget ? work : budget;
    }
    return s->n_smooth == s->n;
}

bool series_is_smooth(const struct series *s)
{
    return s->weight > 0 && s->n_smooth == s->n;
}

double series_smoothed(const struct series *s, uint32_t i)
{
    BUG_IF(i >= s->n_smooth);
    if (s->smooth_kind != SMOOTH_EMA)
        return smooth_window_value(&s->window, i);
    struct smoother walk;
    uint32_t block = i / SMOOTH_BLOCK;
    smooth_from_mark(s, block, &walk);
    for (uint32_t k = block * SMOOTH_BLOCK; k <= i; k++)
        smoother_add(&walk, (double)series_step(s, k), s->values[k]);
    return walk.value;
}

// ---- adding ----

static void push(struct series *s, float value)
{
    if (s->n >= s->cap) {
        s->cap += s->cap / 8 + 32;
        s->values = mem_realloc(s->values, s->cap, sizeof *s->values);
    }
    s->values[s->n] = value;
    pyramid_add(&s->raw, value);
    if (!isfinite(value)) {
        MEM_GROW(s->bad, s->n_bad, s->cap_bad);
        s->bad[s->n_bad++] = s->n;
    }
    s->n++;
}

// Keeps the first n points. The part of a block that remains is added again, so that all levels agree.
static void truncate_to(struct series *s, uint32_t n)
{
    bool followed = series_is_smooth(s);
    s->n_rewinds++;
    uint32_t whole = n / SMOOTH_BLOCK * SMOOTH_BLOCK;
    if (s->smooth_kind != SMOOTH_EMA) {
        begin_smoothing(s); // what is gone was a neighbour of what stays
    } else if (s->weight > 0 && s->n_smooth > whole) {
        smooth_from_mark(s, whole / SMOOTH_BLOCK, &s->smoother);
        pyramid_truncate(&s->smooth, whole);
        s->n_smooth = whole;
    }
    pyramid_truncate(&s->raw, whole);
    steps_truncate(&s->steps, n);
    while (s->n_bad > 0 && s->bad[s->n_bad - 1] >= whole)
        s->n_bad--;
    s->n = whole;
    for (uint32_t i = whole; i < n; i++)
        push(s, s->values[i]);
    if (followed && s->smooth_kind == SMOOTH_EMA)
        series_smooth_some(s, SMOOTH_BLOCK);
}

void series_add(struct series *s, int64_t step, double value)
{
    if (step < 0 || step > STEP_MAX) {
        s->n_refused++;
        return;
    }
    if (s->n > 0 && step <= series_step(s, s->n - 1))
        truncate_to(s, series_find(s, (double)step));
    bool follow = s->weight > 0 && s->n_smooth == s->n;
    float kept = (float)value;
    if (isfinite(value) && !isfinite(kept))
        kept = value > 0 ? FLT_MAX : -FLT_MAX;
    steps_add(&s->steps, step);
    push(s, kept);
    if (follow)
        smooth_one(s);
}

// ---- asking ----

struct span series_span(const struct series *s, uint32_t first, uint32_t end)
{
    struct span span = SPAN_EMPTY;
    while (first < end && first % PYRAMID_LEAF != 0)
        span = span_add(span, s->values[first++]);
    while (first < end && end % PYRAMID_LEAF != 0)
        span = span_add(span, s->values[--end]);
    return span_join(span, pyramid_leaves(&s->raw, first / PYRAMID_LEAF, end / PYRAMID_LEAF));
}

uint32_t series_outside(const struct series *s, uint32_t first, uint32_t end, double low, double high)
{
    uint32_t n = 0;
    while (first < end) {
        // Skip the largest aligned node that lies inside of the range and wholly within bounds.
        uint32_t skip = 0;
        uint64_t covers = PYRAMID_LEAF;
        for (int k = 0; k < PYRAMID_LEVELS && first % covers == 0 && first + covers <= end; k++) {
            struct span span = s->raw.level[k][first / covers];
            if (span.min < low || span.max > high)
                break;
            skip = (uint32_t)covers;
            covers *= PYRAMID_LEAF;
        }
        if (skip > 0) {
            first += skip;
            continue;
        }
        float value = s->values[first++];
        n += isfinite(value) && (value < low || value > high);
    }
    return n;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double series_spacing(const struct series *s)
{
    int64_t gaps[64];
    uint32_t n = 0;
    for (uint32_t i = 1; i < s->n && n < 64; i++)
        gaps[n++] = series_step(s, i) - series_step(s, i - 1);
    if (n == 0)
        return 1;
    qsort(gaps, n, sizeof *gaps, by_size);
    return (double)gaps[n / 2];
}

// ---- columns ----

static void raw_column(const struct series *s, struct series_column *c)
{
    c->span = series_span(s, c->first, c->end);
    c->first_value = s->values[c->first];
    c->last_value = s->values[c->end - 1];
}

static void window_column(const struct series *s, struct series_column *c)
{
    const uint32_t whole = s->smooth.n / PYRAMID_LEAF * PYRAMID_LEAF; // what of the pyramid is whole leaves
    uint32_t first = c->first, end = c->end;
    c->first_value = smooth_window_value(&s->window, first);
    c->last_value = smooth_window_value(&s->window, end - 1);
    while (first < end && (first % PYRAMID_LEAF != 0 || first >= whole))
        c->span = span_add(c->span, smooth_window_value(&s->window, first++));
    while (first < end && (end % PYRAMID_LEAF != 0 || end > whole))
        c->span = span_add(c->span, smooth_window_value(&s->window, --end));
    c->span = span_join(c->span, pyramid_leaves(&s->smooth, first / PYRAMID_LEAF, end / PYRAMID_LEAF));
}

// Walks the smoothed curve over a column. Whole leaves are taken from the pyramid, but the walk itself must end at the
// last point: it is taken up again at the last mark before it. `walk` is the state after point c->first - 1.
static void smooth_column(const struct series *s, struct series_column *c, struct smoother *walk)
{
    c->span = SPAN_EMPTY;
    uint32_t i = c->first;
    while (i < c->end) {
        uint32_t last_block = c->end / SMOOTH_BLOCK;
        if (i % SMOOTH_BLOCK == 0 && i / SMOOTH_BLOCK < last_block) {
            c->span = span_join(c->span, pyramid_leaves(&s->smooth, i / PYRAMID_LEAF,
                                                        last_block * (SMOOTH_BLOCK / PYRAMID_LEAF)));
            i = last_block * SMOOTH_BLOCK;
            if (i < s->n_smooth)
                smooth_from_mark(s, last_block, walk);
            else
                *walk = s->smoother;
            continue;
        }
        float value = (float)smoother_add(walk, (double)series_step(s, i), s->values[i]);
        c->span = span_add(c->span, value);
        if (i == c->first)
            c->first_value = value;
        i++;
    }
    c->last_value = (float)walk->value;
}

void series_columns(const struct series *s, bool smoothed, const double *edges, int n, struct series_column *out)
{
    BUG_IF(smoothed && !series_is_smooth(s));
    struct smoother walk;
    uint32_t at = UINT32_MAX; // the point that `walk` would take next
    uint32_t first = series_find(s, edges[0]);
    for (int i = 0; i < n; i++) {
        uint32_t end = series_find(s, edges[i + 1]);
        struct series_column *c = &out[i];
        *c = (struct series_column){.first = first, .end = end > first ? end : first, .first_value = NAN,
                                    .last_value = NAN, .span = SPAN_EMPTY};
        first = c->end;
        if (c->first == c->end)
            continue;
        if (smoothed && s->smooth_kind != SMOOTH_EMA) {
            window_column(s, c);
            continue;
        }
        if (!smoothed) {
            raw_column(s, c);
            continue;
        }
        if (at != c->first) {
            uint32_t block = c->first / SMOOTH_BLOCK;
            smooth_from_mark(s, block, &walk);
            for (uint32_t k = block * SMOOTH_BLOCK; k < c->first; k++)
                smoother_add(&walk, (double)series_step(s, k), s->values[k]);
        }
        if (c->first % SMOOTH_BLOCK == 0 && c->end - c->first >= SMOOTH_BLOCK) {
            // The leaves are taken whole below: the first point is walked apart.
            struct smoother one = walk;
            c->first_value = (float)smoother_add(&one, (double)series_step(s, c->first), s->values[c->first]);
        }
        smooth_column(s, c, &walk);
        at = c->end;
    }
}

size_t series_bytes(const struct series *s)
{
    return s->cap * sizeof *s->values + s->cap_bad * sizeof *s->bad + s->cap_marks * sizeof *s->marks +
           smooth_window_bytes(&s->window) + steps_bytes(&s->steps) + pyramid_bytes(&s->raw) + pyramid_bytes(&s->smooth);
}
