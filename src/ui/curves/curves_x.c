#include "config.h"

#include "ui/curves/curves_x.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

// Steps of a curve by a metric are levels of it: what stands at a step does not stand there.
static void go_to(struct curves *c, enum x_kind kind)
{
    bool changed;
    if ((kind == X_METRIC) != (c->x_kind == X_METRIC)) {
        c->has_cursor = c->has_range = false;
        c->unit = INFINITY;
    }
    c->x_kind = kind;
    c->fit = true;
    // Reads what the axis is made from before anybody says that it is not known.
    curves_poll(c, clock_seconds() + 0.05, &changed);
}

static bool is_known(const struct curves *c)
{
    return c->n_runs > 0 && curves_has_map(c, curves_raised(c), c->x_kind);
}

static void say_x(struct view *v)
{
    static const char *const counts[] = {[X_STEP] = "counts steps", [X_TIME] = "counts training time",
                                         [X_WALL] = "counts time by the clock since the first of these runs began; hours "
                                                    "are those of events, and steps between two are evenly spread",
                                         [X_TOKENS] = "counts tokens", [X_EPOCHS] = "counts epochs", [X_METRIC] = "is"};
    const struct curves *c = v->state;
    ui_say(v->ui, "The x axis %s%s%s.", counts[c->x_kind], c->x_kind == X_METRIC ? " " : "",
           c->x_kind == X_METRIC ? c->x_metric : "");
}

static enum view_result next_x(struct view *v)
{
    struct curves *c = v->state;
    const enum x_kind before = c->x_kind;
    for (int k = 1; k <= X_N; k++) {
        const enum x_kind kind = (enum x_kind)((before + (enum x_kind)k) % X_N);
        if (kind == X_WALL || (kind == X_METRIC && !c->x_metric[0])) // wall, as coarse as events are, is asked for by name
            continue;
        go_to(c, kind);
        if (is_known(c))
            break;
    }
    if (c->x_kind == before)
        ui_say(v->ui, "Only steps are known: step_s is not recorded yet. :x METRIC and :x wall are other axes.");
    else
        say_x(v);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static bool has_metric(const struct curves *c, const char *key)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->data[i] && run_data_metric(c->data[i], key))
            return true;
    return false;
}

enum view_result curves_set_x(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const enum x_kind before = c->x_kind;
    if (!arg)
        return next_x(v);
    for (int i = 0; i < X_METRIC; i++) {
        if (strcmp(arg, x_kind_name((enum x_kind)i)) != 0)
            continue;
        go_to(c, (enum x_kind)i);
        if (is_known(c)) {
            say_x(v);
        } else {
            go_to(c, before);
            ui_say_error(v->ui,
                         i == X_EPOCHS ? "x: the run says how many steps it makes, not how many epochs"
                         : i == X_WALL ? "x: the run has recorded no two hours at different steps yet"
                                       : "x: the run has not recorded what %s is made from (step_s, tokens_per_s)",
                         arg);
        }
        ui_more(v->ui);
        return VIEW_CHANGED;
    }
    if (!has_metric(c, arg) || !text_copy(c->x_metric, sizeof c->x_metric, arg)) {
        ui_say_error(v->ui, "x: no run here has a metric %s; step, time, wall, tokens or epochs are the others", arg);
        return VIEW_KEPT;
    }
    c->has_cursor = c->has_range = false;
    c->x_line.n = 0;
    go_to(c, X_METRIC);
    say_x(v);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

void curves_complete_x(const struct curves *c, struct words *out)
{
    for (int i = 0; i < X_METRIC; i++)
        words_add(out, x_kind_name((enum x_kind)i));
    for (int i = 0; i < c->n_runs; i++)
        for (int k = 0; c->data[i] && k < c->data[i]->n_metrics; k++)
            words_add(out, c->data[i]->metrics[k]->key);
}
