// What a chart draws of the runs: their own curves, or what is made of several of them (blend.h).
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/curves/curves.h"

enum { BLEND_PIECE = 2000 }; // steps between two looks at the clock

// A curve made of several runs. What it is made of is named by the metric and the first and second run.
struct derived {
    char key[96];
    int64_t first, second; // of a group: its first run, and 0
    char name[120];        // of a group, for the legend
    int x_run;             // whose horizontal axis it stands on
    uint64_t wanted;
    struct blend blend;
};

// ---- grouping ----

const char *run_setting_text(const struct run_row *row, const char *name, char *out, size_t size)
{
    const json_t *value = json_object_get(row->settings, name);
    out[0] = '\0';
    if (strcmp(name, "objective") == 0)
        text_copy(out, size, row->info.objective);
    else if (strcmp(name, "model") == 0)
        text_copy(out, size, row->info.model);
    else if (strcmp(name, "data") == 0)
        text_copy(out, size, row->info.data);
    else if (json_is_string(value))
        text_copy(out, size, json_string_value(value));
    else if (json_is_integer(value))
        snprintf(out, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        snprintf(out, size, "%.6g", json_number_value(value));
    else if (json_is_boolean(value))
        text_copy(out, size, json_is_true(value) ? "yes" : "no");
    return out;
}

static bool same_but_seed(const struct run_row *a, const struct run_row *b)
{
    static const char *const texts[] = {"objective", "model", "data"};
    char x[300], y[300];
    const char *name;
    json_t *value;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(run_setting_text(a, texts[i], x, sizeof x), run_setting_text(b, texts[i], y, sizeof y)) != 0)
            return false;
    if (json_object_size(a->settings) != json_object_size(b->settings))
        return false;
    json_object_foreach(a->settings, name, value)
        if (strcmp(name, "seed") != 0 &&
            strcmp(run_setting_text(a, name, x, sizeof x), run_setting_text(b, name, y, sizeof y)) != 0)
            return false;
    return true;
}

static bool are_together(const struct curves *c, const struct run_row *a, const struct run_row *b)
{
    char x[300], y[300];
    if (strcmp(c->group_by, GROUP_SEEDS) == 0)
        return same_but_seed(a, b);
    return strcmp(run_setting_text(a, c->group_by, x, sizeof x), run_setting_text(b, c->group_by, y, sizeof y)) == 0;
}

bool curves_has_setting(const struct curves *c, const char *name)
{
    char text[300];
    for (int i = 0; i < c->n_runs; i++)
        if (run_setting_text(c->rows[i], name, text, sizeof text)[0])
            return true;
    return false;
}

void curves_groups(const struct curves *c, int *group, int *size)
{
    for (int i = 0; i < c->n_runs; i++) {
        size[i] = 0;
        group[i] = i;
        for (int k = 0; k < i && group[i] == i; k++)
            if (group[k] == k && are_together(c, c->rows[k], c->rows[i]))
                group[i] = k;
        size[group[i]]++;
    }
}

// ---- what is made of several ----

void curves_free_derived(struct curves *c)
{
    for (int i = 0; i < c->n_derived; i++)
        blend_fini(&c->derived[i].blend);
    free(c->derived);
    c->derived = NULL;
    c->n_derived = c->cap_derived = 0;
}

void curves_begin_deriving(struct curves *c)
{
    c->derived_poll++;
}

void curves_end_deriving(struct curves *c)
{
    int n = 0;
    for (int i = 0; i < c->n_derived; i++) {
        if (c->derived[i].wanted == c->derived_poll)
            c->derived[n++] = c->derived[i];
        else
            blend_fini(&c->derived[i].blend);
    }
    c->n_derived = n;
}

static struct derived *find_derived(const struct curves *c, const char *key, int64_t first, int64_t second)
{
    for (int i = 0; i < c->n_derived; i++) {
        struct derived *d = &c->derived[i];
        if (d->first == first && d->second == second && strcmp(d->key, key) == 0)
            return d;
    }
    return NULL;
}

// By levels of a metric a new point may come anywhere: nothing is held back for it.
static bool grows(const struct curves *c, const struct run_row *row)
{
    return c->x_kind != X_METRIC && (run_state_is_live(row->status.state) || row->status.state == RUN_QUEUED);
}

static struct derived *want(struct curves *c, const char *key, int64_t first, int64_t second)
{
    struct derived *d = find_derived(c, key, first, second);
    if (d && !d->blend.is_difference && d->blend.band != c->band) {
        blend_fini(&d->blend);
        blend_init(&d->blend, false, c->band);
    }
    if (!d) {
        MEM_GROW(c->derived, c->n_derived, c->cap_derived);
        d = &c->derived[c->n_derived++];
        *d = (struct derived){.first = first, .second = second};
        text_copy(d->key, sizeof d->key, key);
        blend_init(&d->blend, second != 0, c->band);
    }
    d->wanted = c->derived_poll;
    return d;
}

static bool update(struct derived *d, const struct blend_source *sources, int n, double until_s)
{
    while (!blend_update(&d->blend, sources, n, BLEND_PIECE))
        if (clock_seconds() >= until_s)
            return false;
    return true;
}

static bool derive_deltas(struct curves *c, const char *key, double until_s)
{
    const int pinned = curves_pinned(c);
    const struct series *base = curves_series(c, pinned, key);
    bool all = true;
    for (int i = 0; i < c->n_runs && base; i++) {
        const struct series *s = curves_series(c, i, key);
        if (!s || i == pinned)
            continue;
        struct derived *d = want(c, key, c->rows[i]->info.id, c->rows[pinned]->info.id);
        const struct blend_source sources[2] = {{s, grows(c, c->rows[i])}, {base, grows(c, c->rows[pinned])}};
        d->x_run = i;
        all = update(d, sources, 2, until_s) && all;
    }
    return all;
}

static void name_group(const struct curves *c, struct derived *d, int first, int size)
{
    char value[37], by[31]; // what a legend has room for
    text_copy(by, sizeof by, c->group_by);
    if (strcmp(c->group_by, GROUP_SEEDS) == 0)
        snprintf(d->name, sizeof d->name, "%.56s (n %d)", c->rows[first]->info.name, size);
    else
        snprintf(d->name, sizeof d->name, "%s %s (n %d)", by,
                 run_setting_text(c->rows[first], c->group_by, value, sizeof value)[0] ? value : "-", size);
}

static bool derive_groups(struct curves *c, const char *key, double until_s)
{
    int group[CURVES_RUNS], size[CURVES_RUNS];
    bool all = true;
    curves_groups(c, group, size);
    for (int g = 0; g < c->n_runs; g++) {
        struct blend_source sources[CURVES_RUNS];
        int n = 0;
        for (int i = 0; i < c->n_runs; i++) {
            const struct series *s = group[i] == g ? curves_series(c, i, key) : NULL;
            if (s)
                sources[n++] = (struct blend_source){s, grows(c, c->rows[i])};
        }
        if (n == 0)
            continue;
        struct derived *d = want(c, key, c->rows[g]->info.id, 0);
        d->x_run = g;
        name_group(c, d, g, n);
        all = update(d, sources, n, until_s) && all;
    }
    return all;
}

bool curves_derive(struct curves *c, const struct chart *chart, double until_s)
{
    if (c->n_runs < 2 || c->mode == MODE_RUNS)
        return true;
    return c->mode == MODE_DELTA ? derive_deltas(c, chart->overlay, until_s) : derive_groups(c, chart->overlay, until_s);
}

// ---- lines ----

// The first of the patterns that fits; after the last one: none does.
static int matching_pattern(const char *patterns, const char *name)
{
    char one[128];
    int n = 0;
    for (const char *at = patterns + strspn(patterns, " "); *at; at += strspn(at, " "), n++) {
        const size_t length = strcspn(at, " ");
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        if (fnmatch(one, name, FNM_NOESCAPE) == 0)
            return n;
        at += length;
    }
    return n;
}

int curves_color(const struct curves *c, int run)
{
    char mine[300], other[300];
    int n = 0;
    if (!c->color_by[0])
        return c->rows[run]->index;
    if (!curves_has_setting(c, c->color_by))
        return matching_pattern(c->color_by, c->rows[run]->info.name);
    // Values are counted in the order of the runs; the first run of each stands for it.
    for (int i = 0; i < c->n_runs; i++) {
        bool is_new = true;
        run_setting_text(c->rows[i], c->color_by, mine, sizeof mine);
        for (int k = 0; k < i && is_new; k++)
            is_new = strcmp(run_setting_text(c->rows[k], c->color_by, other, sizeof other), mine) != 0;
        if (is_new && strcmp(run_setting_text(c->rows[run], c->color_by, other, sizeof other), mine) == 0)
            return n;
        n += is_new;
    }
    return n;
}

// How a run looks in every chart.
static struct plot_line dressed(const struct curves *c, int run)
{
    const struct run_row *row = c->rows[run];
    const bool is_raised = run == curves_raised(c);
    return (struct plot_line){.map = curves_map(c, run), .label = row->info.name, .letter = row->letter,
                              .color = (uint8_t)(COLOR_SERIES + curves_color(c, run) % N_SERIES_COLORS),
                              .dash = (enum dash)(curves_color(c, run) % DASH_N), .raised = is_raised,
                              .dim = !is_raised && c->raised == c->rows[curves_raised(c)]->info.id};
}

static int parts_of_one_run(const struct curves *c, const struct chart *chart, struct plot_line *lines)
{
    int n = 0;
    for (int k = 0; k < chart->n_parts; k++) {
        const struct chart_part *part = &chart->parts[k];
        const struct series *s = curves_series(c, 0, part->key);
        if (s && n < RASTER_LINES)
            lines[n++] = (struct plot_line){.series = s, .map = curves_map(c, 0), .label = part->label,
                                            .letter = chart->n_parts > 1 ? part->letter : 0,
                                            .color = (uint8_t)(COLOR_SERIES + k), .dash = DASH_SOLID};
    }
    return n;
}

static int derived_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines)
{
    int n = 0, group[CURVES_RUNS], size[CURVES_RUNS];
    if (c->mode == MODE_GROUPS)
        curves_groups(c, group, size);
    for (int i = 0; i < c->n_runs && n < RASTER_LINES; i++) {
        const int64_t second = c->mode == MODE_DELTA ? c->rows[curves_pinned(c)]->info.id : 0;
        const struct derived *d = find_derived(c, chart->overlay, c->rows[i]->info.id, second);
        if (!d)
            continue;
        lines[n] = dressed(c, i);
        lines[n].series = &d->blend.value;
        if (c->mode == MODE_GROUPS) {
            lines[n].label = d->name;
            lines[n].raised = group[curves_raised(c)] == i;
            lines[n].dim = lines[n].dim && !lines[n].raised;
        }
        if (d->blend.band != BAND_NONE && d->blend.low.n > 0) {
            lines[n].low = &d->blend.low;
            lines[n].high = &d->blend.high;
        }
        n++;
    }
    return n;
}

// Where all are to arrive: the first run's word for it.
static bool goal_line(const struct curves *c, const struct chart *chart, struct plot_line *line)
{
    for (int i = 0; i < c->n_runs && chart->goal[0]; i++) {
        const struct series *s = curves_series(c, i, chart->goal);
        if (!s)
            continue;
        *line = (struct plot_line){.series = s, .map = curves_map(c, i), .label = "goal", .letter = '=',
                                   .color = COLOR_MUTED, .dash = DASH_SOLID};
        return true;
    }
    return false;
}

bool curves_line_of(const struct curves *c, const struct chart *chart, int run, struct plot_line *line)
{
    const struct series *s = curves_series(c, run, chart->overlay);
    if (!s)
        return false;
    *line = dressed(c, run);
    line->series = s;
    line->dim = false;
    return true;
}

int curves_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines)
{
    int n = 0;
    if (c->n_runs == 1)
        return parts_of_one_run(c, chart, lines);
    if (c->mode != MODE_RUNS)
        n = derived_lines(c, chart, lines);
    for (int i = 0; i < c->n_runs && c->mode == MODE_RUNS && n < RASTER_LINES; i++) {
        const struct series *s = curves_series(c, i, chart->overlay);
        if (!s)
            continue;
        lines[n] = dressed(c, i);
        lines[n++].series = s;
    }
    if (c->mode != MODE_DELTA && n < RASTER_LINES)
        n += goal_line(c, chart, &lines[n]);
    return n;
}
