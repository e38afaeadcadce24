// What the page of curves keeps from one time to the next.
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ui/curves.h"
#include "ui/kept.h"

void curves_save(const struct curves *c, json_t *into)
{
    json_t *charts = c->kept ? json_deep_copy(c->kept) : json_object();
    for (int i = 0; i < c->n_charts; i++) {
        json_t *chart = json_object();
        json_object_set_new(chart, "scale", json_integer(c->charts[i].scale));
        json_object_set_new(chart, "clip", json_boolean(c->charts[i].clip));
        json_object_set_new(charts, c->charts[i].title, chart);
    }
    json_object_set_new(into, "charts", charts);
    const char *focus = c->focus < c->n_charts ? c->charts[c->focus].title : c->kept_focus;
    json_object_set_new(into, "focus", json_string(focus));
    json_object_set_new(into, "full", json_boolean(c->full));
    json_object_set_new(into, "x_axis", json_integer(c->x_kind));
    json_object_set_new(into, "smoothing", json_real(c->weight));
    json_object_set_new(into, "whole", json_boolean(c->fit));
    json_object_set_new(into, "follow", json_boolean(c->follow));
    json_object_set_new(into, "from", json_real(c->x0));
    json_object_set_new(into, "to", json_real(c->x1));
    json_object_set_new(into, "has_cursor", json_boolean(c->has_cursor));
    json_object_set_new(into, "cursor", json_real(c->cursor));
    json_object_set_new(into, "raised", json_integer(c->raised));
}

void curves_restore(struct curves *c, const json_t *from)
{
    const json_t *charts = kept_object(from, "charts");
    json_decref(c->kept);
    c->kept = charts ? json_deep_copy(charts) : NULL;
    snprintf(c->kept_focus, sizeof c->kept_focus, "%s", kept_text(from, "focus", ""));
    c->full = kept_bool(from, "full", c->full);
    c->x_kind = (enum x_kind)kept_int(from, "x_axis", X_STEP, X_TOKENS, c->x_kind);
    c->weight = kept_number(from, "smoothing", 0, 0.999, c->weight);
    c->follow = kept_bool(from, "follow", c->follow);
    c->x0 = kept_number(from, "from", -1e15, 1e15, 0);
    c->x1 = kept_number(from, "to", -1e15, 1e15, 0);
    c->fit = kept_bool(from, "whole", c->fit) || c->x1 <= c->x0;
    c->has_cursor = kept_bool(from, "has_cursor", false);
    c->cursor = kept_number(from, "cursor", 0, 1e15, 0);
    c->raised = kept_int(from, "raised", 0, INT64_MAX, 0);
    curves_take_kept(c);
}

void curves_take_kept(struct curves *c)
{
    for (int i = 0; i < c->n_charts; i++) {
        struct chart *chart = &c->charts[i];
        const json_t *kept = kept_object(c->kept, chart->title);
        if (kept) {
            chart->scale = (enum scale)kept_int(kept, "scale", 0, 2, chart->scale);
            chart->clip = kept_bool(kept, "clip", chart->clip);
            json_object_del(c->kept, chart->title); // from now on a person's
        }
        if (c->kept_focus[0] && strcmp(chart->title, c->kept_focus) == 0) {
            c->focus = i;
            c->kept_focus[0] = '\0';
        }
    }
}
