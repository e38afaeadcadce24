#include "config.h"

#include "ui/series/series.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/series/smooth_lanes.h"

_Static_assert((int)SMOOTH_BLOCK == (int)PYRAMID_LEAF && (int)SMOOTH_LEAF == (int)PYRAMID_LEAF, "each leaf has its mark");

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

static void make_room_for_marks(struct series *s, uint32_t n)
{
    if (n <= s->cap_marks)
        return;
    while (n > s->cap_marks)
        s->cap_marks += s->cap_marks / 8 + 8;
    s->marks = mem_realloc(s->marks, s->cap_marks, sizeof *s->marks);
}

static void take_mark(struct series *s)
{
    const uint32_t block = s->n_smooth / SMOOTH_BLOCK;
    if (s->n_smooth % SMOOTH_BLOCK != 0)
        return;
    make_room_for_marks(s, block + 1);
    s->marks[block] = (struct smooth_mark){s->smoother.value, s->smoother.remain};
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

// The first point from `i` on that is not finite; n when there is none.
static uint32_t next_bad(const struct series *s, uint32_t i)
{
    uint32_t low = 0, high = s->n_bad;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (s->bad[middle] < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_bad ? s->bad[low] : s->n;
}

// How many points from i on are finite and stand dx after the one before, at most `most`.
static uint32_t even_points(const struct series *s, uint32_t i, double dx, uint32_t most)
{
    const uint32_t n = steps_even(&s->steps, i, dx, most), bad = next_bad(s, i) - i;
    return n < bad ? n : bad;
}

// How many leaves of the pyramid can be smoothed at once: their points are finite and stand as the ones before did. The
// smoother says the same bits either way; this spares it to ask about each point.
static uint32_t even_leaves(const struct series *s, uint32_t most)
{
    const uint32_t i = s->n_smooth;
    if (s->smooth_kind != SMOOTH_EMA || i == 0 || i % PYRAMID_LEAF != 0 || isnan(s->smoother.value))
        return 0;
    return even_points(s, i, s->smoother.last_dx, most * PYRAMID_LEAF) / PYRAMID_LEAF;
}

static void smooth_leaves(struct series *const *s, int n, uint32_t n_leaves)
{
    struct smoother *smoothers[SMOOTH_LANES] = {NULL};
    const float *values[SMOOTH_LANES] = {NULL};
    struct smooth_leaves out;
    for (int k = 0; k < n; k++) {
        smoothers[k] = &s[k]->smoother;
        values[k] = s[k]->values + s[k]->n_smooth;
    }
    smoother_run(smoothers, values, n, (int)n_leaves, &out);
    for (int k = 0; k < n; k++) {
        const uint32_t first = s[k]->n_smooth / PYRAMID_LEAF;
        struct span spans[SMOOTH_LEAVES];
        make_room_for_marks(s[k], first + n_leaves);
        for (uint32_t i = 0; i < n_leaves; i++) {
            s[k]->marks[first + i] = (struct smooth_mark){out.value[i][k], out.remain[i][k]};
            spans[i] = (struct span){out.low[i][k], out.high[i][k]};
        }
        pyramid_add_leaves(&s[k]->smooth, spans, n_leaves);
        s[k]->n_smooth += n_leaves * PYRAMID_LEAF;
        s[k]->smoother.x = (double)series_step(s[k], s[k]->n_smooth - 1);
    }
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

// Point by point up to the next leaf; returns how much work it was.
static uint32_t smooth_singly(struct series *s, uint32_t budget)
{
    uint32_t work = 0;
    do {
        work += 1 + smooth_one(s) / 4; // a neighbour is less than a point's average
    } while (work < budget && s->n_smooth < s->n && s->n_smooth % PYRAMID_LEAF != 0);
    return work;
}

bool series_smooth_all(struct series *const *s, int n, uint32_t budget)
{
    for (;;) {
        struct series *lanes[SMOOTH_LANES];
        const uint32_t fair = budget / (PYRAMID_LEAF * SMOOTH_LANES) + 1;
        uint32_t n_leaves = fair < SMOOTH_LEAVES ? fair : SMOOTH_LEAVES, work = 0;
        int n_lanes = 0;
        bool all = true;
        for (int i = 0; i < n && n_lanes < SMOOTH_LANES; i++) {
            if (s[i]->weight == 0 || s[i]->n_smooth == s[i]->n)
                continue;
            all = false;
            if (work >= budget)
                return false;
            const uint32_t even = even_leaves(s[i], n_leaves);
            if (even == 0) {
                work += smooth_singly(s[i], budget - work);
                continue;
            }
            lanes[n_lanes++] = s[i];
            n_leaves = even < n_leaves ? even : n_leaves;
        }
        if (all)
            return true;
        if (n_lanes > 0)
            smooth_leaves(lanes, n_lanes, n_leaves);
        work += n_leaves * PYRAMID_LEAF * (uint32_t)n_lanes;
        budget = work < budget ? budget - work : 0;
    }
}

bool series_smooth_some(struct series *s, uint32_t budget)
{
    return series_smooth_all(&s, 1, budget);
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

// The smoothed curve around the ends of columns: blocks in ascending order, as many side by side as there are lanes, for
// they lie far apart in memory that nobody has touched for long, and do not wait for one another.
struct walk {
    const struct series *series;
    const struct series_column *columns, *end; // those from which blocks are still to be taken, where each ends
    int n, at;                                 // blocks that are walked; the one that was asked for last
    uint32_t block[SMOOTH_LANES];
    float values[SMOOTH_LEAF][SMOOTH_LANES];
};

static void expect_block(struct walk *w, uint32_t block)
{
    if (w->n < SMOOTH_LANES && (w->n == 0 || block > w->block[w->n - 1]) && block * SMOOTH_BLOCK < w->series->n_smooth)
        w->block[w->n++] = block;
}

// Point by point, where the lanes cannot: the first block and the last, values that are missing, steps that are not even.
static void walk_singly(struct walk *w, struct smoother *m, int lane, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        w->values[i][lane] =
            (float)smoother_add(m, (double)series_step(w->series, first + i), w->series->values[first + i]);
}

static void walk_on(struct walk *w, uint32_t block)
{
    const struct series *s = w->series;
    struct smoother m[SMOOTH_LANES], *lanes[SMOOTH_LANES];
    const float *values[SMOOTH_LANES];
    bool alone[SMOOTH_LANES];
    w->n = w->at = 0;
    expect_block(w, block);
    for (; w->columns < w->end && w->n < SMOOTH_LANES; w->columns++)
        if (w->columns->first < w->columns->end) {
            expect_block(w, (w->columns->end - 1) / SMOOTH_BLOCK);
            expect_block(w, w->columns->end / SMOOTH_BLOCK);
        }
    int n_lanes = 0;
    for (int k = 0; k < w->n; k++) {
        const uint32_t first = w->block[k] * SMOOTH_BLOCK;
        const double dx = first > 0 ? (double)(series_step(s, first) - series_step(s, first - 1)) : 0;
        smooth_from_mark(s, w->block[k], &m[k]);
        alone[k] = first == 0 || isnan(m[k].value) || even_points(s, first, dx, SMOOTH_LEAF) < SMOOTH_LEAF;
        lanes[k] = &m[k];
        values[k] = s->values + first;
        if (!alone[k])
            smoother_set_distance(&m[k], dx);
        n_lanes += !alone[k];
    }
    for (int k = 0; k < w->n && n_lanes > 0; k++)
        if (alone[k]) { // its lane does what another does, and is written over below
            int other = 0;
            while (alone[other])
                other++;
            lanes[k] = &m[other];
            values[k] = values[other];
        }
    if (n_lanes > 0)
        smoother_walk(lanes, values, w->n, w->values);
    for (int k = 0; k < w->n; k++) {
        const uint32_t first = w->block[k] * SMOOTH_BLOCK, left = s->n_smooth - first;
        if (alone[k])
            walk_singly(w, &m[k], k, first, left < SMOOTH_BLOCK ? left : SMOOTH_BLOCK);
    }
}

static float smooth_value(const struct series *s, struct walk *w, uint32_t i)
{
    const uint32_t block = i / SMOOTH_BLOCK;
    if (s->smooth_kind != SMOOTH_EMA)
        return smooth_window_value(&s->window, i);
    while (w->at < w->n && w->block[w->at] < block)
        w->at++;
    if (w->at == w->n || w->block[w->at] != block)
        walk_on(w, block);
    return w->values[i % SMOOTH_BLOCK][w->at];
}

static void smooth_column(const struct series *s, struct series_column *c, struct walk *w)
{
    const uint32_t whole = s->smooth.n / PYRAMID_LEAF * PYRAMID_LEAF; // what of the pyramid is whole leaves
    uint32_t first = c->first, end = c->end;
    c->first_value = smooth_value(s, w, first);
    while (first < end && (first % PYRAMID_LEAF != 0 || first >= whole))
        c->span = span_add(c->span, smooth_value(s, w, first++));
    c->last_value = smooth_value(s, w, end - 1);
    while (first < end && (end % PYRAMID_LEAF != 0 || end > whole))
        c->span = span_add(c->span, smooth_value(s, w, --end));
    c->span = span_join(c->span, pyramid_leaves(&s->smooth, first / PYRAMID_LEAF, end / PYRAMID_LEAF));
}

// Asks for what will be read, for all columns before the first of them waits for it.
static void fetch_block(const struct series *s, uint32_t block, bool and_mark)
{
    __builtin_prefetch(s->values + block * SMOOTH_BLOCK);
    __builtin_prefetch(s->values + block * SMOOTH_BLOCK + SMOOTH_BLOCK / 2);
    if (and_mark)
        __builtin_prefetch(&s->marks[block]);
}

void series_columns(const struct series *s, bool smoothed, const double *edges, int n, struct series_column *out)
{
    BUG_IF(smoothed && !series_is_smooth(s));
    uint32_t first = series_find(s, edges[0]);
    for (int i = 0; i < n; i++) {
        const uint32_t end = series_find(s, edges[i + 1]);
        out[i] = (struct series_column){.first = first, .end = end > first ? end : first, .first_value = NAN,
                                        .last_value = NAN, .span = SPAN_EMPTY};
        first = out[i].end;
        if (first > out[i].first)
            fetch_block(s, (first - 1) / SMOOTH_BLOCK, smoothed && s->smooth_kind == SMOOTH_EMA);
    }
    struct walk walk = {.series = s, .columns = out, .end = out + n};
    for (int i = 0; i < n; i++) {
        if (out[i].first == out[i].end)
            continue;
        if (smoothed)
            smooth_column(s, &out[i], &walk);
        else
            raw_column(s, &out[i]);
    }
}

size_t series_bytes(const struct series *s)
{
    return s->cap * sizeof *s->values + s->cap_bad * sizeof *s->bad + s->cap_marks * sizeof *s->marks +
           smooth_window_bytes(&s->window) + steps_bytes(&s->steps) + pyramid_bytes(&s->raw) + pyramid_bytes(&s->smooth);
}
