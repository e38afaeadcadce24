// What a project remembers of the page of curves between two consoles: how things are shown, and where one was.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/curves/curves.h"
#include "ui/kept.h"

static const char *const modes[] = {"runs", "delta", "groups"};
static const char *const summaries[] = {"none", "scatter", "box", "heat", "parallel"};

void curves_save(const struct curves *c, json_t *into)
{
    json_t *charts = json_object();
    for (int i = 0; i < c->n_looks; i++)
        json_object_set_new(charts, c->looks[i].title,
                            json_pack("{s:s, s:f, s:f}", "y", scale_name(c->looks[i].scale), "clip", c->looks[i].clip.low,
                                      "clip_above", c->looks[i].clip.high));
    for (int i = 0; i < c->n_looks; i++)
        if (c->looks[i].has_budget)
            json_object_set_new(json_object_get(charts, c->looks[i].title), "budget", json_real(c->looks[i].budget));
    json_t *looks = json_pack("{s:s, s:s, s:f, s:s, s:b, s:s, s:s, s:s, s:b, s:I, s:o}", "layout",
                              c->layout ? c->layout->name : "all", "filter", c->filter, "smooth", c->weight, "x",
                              x_kind_name(c->x_kind), "x_log", c->x_log, "mode", modes[c->mode], "band", band_name(c->band),
                              "group_by", c->group_by, "diff", c->diff, "pinned", (json_int_t)c->pinned, "charts", charts);
    json_object_set_new(looks, "guides", json_string(guides_name(c->guides)));
    json_object_set_new(looks, "smooth_kind", json_string(smooth_words[c->smooth_kind]));
    json_object_set_new(looks, "x_metric", json_string(c->x_metric));
    json_object_set_new(looks, "sort", json_string(sort_words[c->sort]));
    json_object_set_new(looks, "sort_up", json_boolean(c->sort_up));
    json_object_set_new(looks, "color_by", json_string(c->color_by));
    json_object_set_new(looks, "summary", json_string(summaries[c->summary]));
    json_object_set_new(looks, "summary_x", json_string(c->summary_x));
    json_object_set_new(looks, "summary_axes", json_string(c->summary_axes));
    json_object_set_new(looks, "summary_y", json_string(c->summary_y));
    json_object_set_new(looks, "grid_rows", json_integer(c->rows_wanted));
    json_object_set_new(looks, "grid_columns", json_integer(c->columns_wanted));
    json_t *place = json_pack("{s:s, s:b, s:b, s:b, s:f, s:f, s:b, s:f, s:I}", "focus",
                              c->focus < c->n_charts ? c->charts[c->focus].title : c->kept_focus, "full", c->full, "whole",
                              c->fit, "follow", c->follow, "from", c->x0, "to", c->x1, "has_cursor", c->has_cursor, "cursor",
                              c->cursor, "raised", (json_int_t)c->raised);
    json_object_update(into, looks);
    json_object_update(into, place);
    json_decref(looks);
    json_decref(place);
}

static void take_text(const json_t *kept, const char *key, char *out, size_t size)
{
    const char *text = kept_text(kept, key, NULL);
    if (text && strlen(text) < size)
        text_copy(out, size, text);
}

// The number of the name that `kept` has under `key`, or `before`.
static int take_choice(const json_t *kept, const char *key, const char *(*name)(int), int n, int before)
{
    const char *text = kept_text(kept, key, NULL);
    for (int i = 0; i < n && text; i++)
        if (strcmp(text, name(i)) == 0)
            return i;
    if (text)
        kept_refuse(key);
    return before;
}

static const char *x_name(int i)
{
    return x_kind_name((enum x_kind)i);
}

static const char *guides_of(int i)
{
    return guides_name((enum guides)i);
}

static const char *mode_name(int i)
{
    return modes[i];
}

static const char *summary_name(int i)
{
    return summaries[i];
}

static const char *band_of(int i)
{
    return band_name((enum band)i);
}

static const char *smoothing_of(int i)
{
    return smooth_words[i];
}

static const char *sort_of(int i)
{
    return sort_words[i];
}

static const char *scale_of(int i)
{
    return scale_name((enum scale)i);
}

static void take_place(struct curves *c, const json_t *from)
{
    text_copy(c->kept_focus, sizeof c->kept_focus, kept_text(from, "focus", ""));
    c->full = kept_bool(from, "full", c->full);
    c->follow = kept_bool(from, "follow", c->follow);
    c->x0 = kept_number(from, "from", -1e15, 1e15, 0);
    c->x1 = kept_number(from, "to", -1e15, 1e15, 0);
    c->fit = kept_bool(from, "whole", c->fit) || c->x1 <= c->x0;
    c->has_cursor = kept_bool(from, "has_cursor", false);
    c->cursor = kept_number(from, "cursor", 0, 1e15, 0);
    c->raised = kept_int(from, "raised", 0, INT64_MAX, 0);
    curves_take_focus(c);
}

void curves_take_focus(struct curves *c)
{
    for (int i = 0; i < c->n_charts && c->kept_focus[0]; i++)
        if (strcmp(c->charts[i].title, c->kept_focus) == 0) {
            c->focus = i;
            c->kept_focus[0] = '\0';
        }
}

static bool has_two_words(const char *text)
{
    const char *blank = strchr(text, ' ');
    return blank && blank != text && blank[strspn(blank, " ")];
}

void curves_restore(struct curves *c, const json_t *kept)
{
    char layout[32] = "";
    const json_t *chart;
    const char *title;
    take_text(kept, "layout", layout, sizeof layout);
    if (layout[0] && !layout_find(layout))
        kept_refuse("layout");
    c->layout = layout[0] && layout_find(layout) ? layout_find(layout) : c->layout;
    take_text(kept, "filter", c->filter, sizeof c->filter);
    take_text(kept, "color_by", c->color_by, sizeof c->color_by);
    take_text(kept, "group_by", c->group_by, sizeof c->group_by);
    c->smooth_kind = (enum smooth_kind)take_choice(kept, "smooth_kind", smoothing_of, SMOOTH_N, (int)c->smooth_kind);
    c->weight = kept_number(kept, "smooth", 0, c->smooth_kind == SMOOTH_EMA ? 0.999 : SMOOTH_WIDTH_MOST, c->weight);
    c->x_kind = (enum x_kind)take_choice(kept, "x", x_name, X_N, (int)c->x_kind);
    take_text(kept, "x_metric", c->x_metric, sizeof c->x_metric);
    if (c->x_kind == X_METRIC && !c->x_metric[0])
        c->x_kind = X_STEP;
    c->mode = (enum curves_mode)take_choice(kept, "mode", mode_name, 3, (int)c->mode);
    c->band = (enum band)take_choice(kept, "band", band_of, BAND_N, (int)c->band);
    c->guides = (enum guides)take_choice(kept, "guides", guides_of, GUIDES_N, (int)c->guides);
    take_text(kept, "summary_x", c->summary_x, sizeof c->summary_x);
    take_text(kept, "summary_y", c->summary_y, sizeof c->summary_y);
    c->summary = (enum summary)take_choice(kept, "summary", summary_name, SUMMARY_N, (int)c->summary);
    take_text(kept, "summary_axes", c->summary_axes, sizeof c->summary_axes);
    if (c->summary == SUMMARY_PARALLEL ? !has_two_words(c->summary_axes)
                                       : !c->summary_y[0] || (c->summary != SUMMARY_HEAT && !c->summary_x[0]))
        c->summary = SUMMARY_NONE;
    c->x_log = kept_bool(kept, "x_log", c->x_log);
    c->diff = kept_bool(kept, "diff", c->diff);
    c->sort = (enum value_sort)take_choice(kept, "sort", sort_of, SORT_N, (int)c->sort);
    c->sort_up = kept_bool(kept, "sort_up", c->sort_up);
    c->rows_wanted = (int)kept_int(kept, "grid_rows", 0, GRID_MOST, 0);
    c->columns_wanted = (int)kept_int(kept, "grid_columns", 0, GRID_MOST, 0);
    if (!c->rows_wanted || !c->columns_wanted)
        c->rows_wanted = c->columns_wanted = 0;
    c->pinned = kept_int(kept, "pinned", 0, INT64_MAX, c->pinned);
    json_object_foreach(json_object_get(kept, "charts"), title, chart) {
        struct chart look = {0};
        text_copy(look.title, sizeof look.title, title);
        look.scale = (enum scale)take_choice(chart, "y", scale_of, 3, SCALE_LINEAR);
        const double low = kept_number(chart, "clip", 0, 99, 0), high = kept_number(chart, "clip_above", 0, 99, low);
        look.clip = low + high < 100 ? (struct clip){low, high} : (struct clip){0};
        look.budget = kept_number(chart, "budget", -1e300, 1e300, NAN);
        look.has_budget = !isnan(look.budget);
        curves_remember_look(c, &look);
    }
    take_place(c, kept);
}

void curves_remember_look(struct curves *c, const struct chart *chart)
{
    int i = 0;
    while (i < c->n_looks && strcmp(c->looks[i].title, chart->title) != 0)
        i++;
    if (i == c->n_looks)
        MEM_GROW(c->looks, c->n_looks, c->cap_looks);
    c->n_looks += i == c->n_looks;
    text_copy(c->looks[i].title, sizeof c->looks[i].title, chart->title);
    c->looks[i].scale = chart->scale;
    c->looks[i].clip = chart->clip;
    c->looks[i].has_budget = chart->has_budget;
    c->looks[i].budget = chart->budget;
}

void curves_recall_look(const struct curves *c, struct chart *chart)
{
    for (int i = 0; i < c->n_looks; i++)
        if (strcmp(c->looks[i].title, chart->title) == 0) {
            chart->scale = c->looks[i].scale;
            chart->clip = c->looks[i].clip;
            chart->has_budget = c->looks[i].has_budget;
            chart->budget = c->looks[i].budget;
        }
}
