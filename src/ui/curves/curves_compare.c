#include "config.h"

#include "ui/curves/curves_compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

// Reads and smooths what the new picture needs, within this frame where that is possible.
static enum view_result show_anew(struct view *v)
{
    bool changed;
    curves_poll(v->state, clock_seconds() + 0.02, &changed);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result need_runs(struct view *v)
{
    ui_say(v->ui, "Only one run is shown: select others on page 1 with Space.");
    return VIEW_CHANGED;
}

// By name or letter; -1: not shown here.
static int find_run(const struct curves *c, const char *arg)
{
    for (int i = 0; i < c->n_runs; i++)
        if (strcmp(c->rows[i]->info.name, arg) == 0 || (arg[0] == c->rows[i]->letter && !arg[1]))
            return i;
    return -1;
}

// ---- which charts ----

static enum view_result set_guides(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    int to = (c->guides + 1) % GUIDES_N;
    if (arg)
        for (to = 0; to < GUIDES_N && strcmp(guides_name((enum guides)to), arg) != 0;)
            to++;
    if (to == GUIDES_N) {
        ui_say_error(v->ui, "guides: off, lines or dots, not %s", arg);
        return VIEW_KEPT;
    }
    c->guides = (enum guides)to;
    if (!isfinite(c->unit)) // no points: nothing is drawn across which they could be seen
        ui_say(v->ui, "Guides: %s.", guides_name(c->guides));
    return VIEW_CHANGED;
}

static void choose_charts(struct curves *c)
{
    c->keys_stamp = 0; // the charts are made anew
    c->full = false;
}

static bool is_matching(const struct run_row *row)
{
    return strstr(row->info.objective, "pm-rlhf") || strcmp(row->info.objective, "spl") == 0;
}

// The newest run of that kind on the same data as `beside` (NULL: any); NULL: none.
static struct run_row *newest(const struct run_list *l, bool matching, const struct run_row *beside)
{
    for (int i = l->n - 1; i >= 0; i--) {
        struct run_row *row = l->rows[i];
        const bool is_kind = matching ? is_matching(row) : strcmp(row->info.objective, "dpo") == 0;
        if (is_kind && (!beside || strcmp(row->info.data, beside->info.data) == 0))
            return row;
    }
    return NULL;
}

// The runs that a layout is about, when only one is shown: what stands beside it, or else the newest two.
static bool select_pair(struct view *v)
{
    const struct run_list *l = ui_runs(v->ui);
    struct run_row *open = ui_run(v->ui);
    struct run_row *dpo =
        open && strcmp(open->info.objective, "dpo") == 0 ? open : newest(l, false, open && is_matching(open) ? open : NULL);
    struct run_row *matching = open && is_matching(open) ? open : dpo ? newest(l, true, dpo) : NULL;
    if (!dpo || !matching)
        return false;
    dpo->selected = matching->selected = true;
    return true;
}

static enum view_result set_layout(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const struct layout *to = arg                              ? layout_find(arg)
                              : c->layout && c->layout[1].name ? c->layout + 1
                              : c->layout                      ? layouts
                                                               : layouts + 1;
    if (!to) {
        struct str names = {0};
        for (const struct layout *l = layouts; l->name; l++)
            str_addf(&names, "%s%s", l == layouts ? "" : ", ", l->name);
        ui_say_error(v->ui, "layout: there is none called %s; there are %s", arg, str_text(&names));
        str_fini(&names);
        return VIEW_KEPT;
    }
    c->layout = to;
    choose_charts(c);
    if (strcmp(to->name, "dpo-pm") == 0 && c->n_runs < 2 && !select_pair(v))
        ui_say(v->ui, "Layout %s; there is no DPO run with one of preference matching (pm-rlhf, spl) on the same data.",
               to->title);
    else
        ui_say(v->ui, "Layout: %s.", to->title);
    return show_anew(v);
}

static enum view_result set_filter(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (!arg) {
        ui_ask_live(v->ui, CMD_FILTER, "charts with (words, !not, a|b, *; empty: all)", c->filter);
        return VIEW_CHANGED;
    }
    if (strlen(arg) >= sizeof c->filter) {
        ui_say_error(v->ui, "filter: longer than %zu bytes", sizeof c->filter - 1);
        return VIEW_KEPT;
    }
    text_copy(c->filter, sizeof c->filter, arg);
    choose_charts(c);
    return show_anew(v);
}

// ---- runs together ----

static enum view_result set_mode(struct view *v, enum curves_mode mode)
{
    struct curves *c = v->state;
    c->mode = mode;
    c->multiples = false;
    return show_anew(v);
}

static enum view_result set_group(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (c->n_runs < 2)
        return need_runs(v);
    if (!arg) {
        ui_ask(v->ui, CMD_GROUP, "group runs by (a setting; seed: alike but for it; off)", c->group_by);
        return VIEW_CHANGED;
    }
    if (strcmp(arg, "off") == 0)
        return set_mode(v, MODE_RUNS);
    if (!curves_has_setting(c, arg)) {
        ui_say_error(v->ui, "group: no run here has a setting %s", arg);
        return VIEW_KEPT;
    }
    text_copy(c->group_by, sizeof c->group_by, arg);
    return set_mode(v, MODE_GROUPS);
}

static void say_groups(struct view *v)
{
    const struct curves *c = v->state;
    static const char *const bands[] = {"the mean alone", "mean, with the least and the most",
                                        "mean, with one standard deviation", "mean, with its 95 % interval (Student's t)",
                                        "mean, with one standard error", "median, with the quartiles"};
    int group[CURVES_RUNS], size[CURVES_RUNS], n = 0;
    curves_groups(c, group, size);
    for (int i = 0; i < c->n_runs; i++)
        n += group[i] == i;
    ui_say(v->ui, "%d runs in %d %s by %s: %s.%s", c->n_runs, n, text_plural(n, "group", "groups"), c->group_by,
           bands[c->band], n == c->n_runs ? " No two are alike: :group SETTING groups by another." : "");
}

// From runs to groups with the band that was chosen last, then through the bands, and back.
static enum view_result next_band(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    // Through them all, with that of most use first and the mean alone last.
    static const enum band next[BAND_N] = {[BAND_SD] = BAND_INTERVAL, [BAND_INTERVAL] = BAND_SE, [BAND_SE] = BAND_RANGE,
                                           [BAND_RANGE] = BAND_QUARTILES, [BAND_QUARTILES] = BAND_NONE};
    if (c->n_runs < 2)
        return need_runs(v);
    if (arg) {
        int i = 0;
        while (i < BAND_N && strcmp(arg, band_words[i]) != 0)
            i++;
        if (i == BAND_N) {
            ui_say_error(v->ui, "bands: mean, range, sd, interval, se or quartiles, not %s", arg);
            return VIEW_KEPT;
        }
        c->band = (enum band)i;
    } else if (c->mode != MODE_GROUPS) {
        c->band = BAND_SD;
    } else if (c->band == BAND_NONE) {
        ui_say(v->ui, "Each run for itself.");
        return set_mode(v, MODE_RUNS);
    } else {
        c->band = next[c->band];
    }
    const enum view_result result = set_mode(v, MODE_GROUPS);
    say_groups(v);
    return result;
}

static enum view_result toggle_delta(struct view *v)
{
    struct curves *c = v->state;
    if (c->n_runs < 2)
        return need_runs(v);
    const struct run_row *pinned = c->rows[curves_pinned(c)];
    const bool on = c->mode != MODE_DELTA;
    if (on)
        ui_say(v->ui, "Each run minus %c %s%s.", pinned->letter, pinned->info.name, c->pinned ? "" : " (P pins another)");
    else
        ui_say(v->ui, "The runs themselves.");
    return set_mode(v, on ? MODE_DELTA : MODE_RUNS);
}

static enum view_result pin_run(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const int to = arg ? find_run(c, arg) : curves_raised(c);
    if (to < 0) {
        ui_say_error(v->ui, "pin: %s is not shown here", arg);
        return VIEW_KEPT;
    }
    if (c->n_runs == 0)
        return VIEW_KEPT;
    const struct run_row *row = c->rows[to];
    c->pinned = c->pinned == row->info.id ? 0 : row->info.id;
    ui_say(v->ui, c->pinned ? "%c %s is pinned: values are shown minus its own." : "%c %s is pinned no longer.", row->letter,
           row->info.name);
    return show_anew(v);
}

// One run after the other over the others, then none.
static enum view_result raise_run(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (c->n_runs < 2)
        return need_runs(v);
    const int named = arg ? find_run(c, arg) : -1;
    if (arg && named < 0 && strcmp(arg, "none") != 0) {
        ui_say_error(v->ui, "raise: %s is not shown here", arg);
        return VIEW_KEPT;
    }
    const int next = curves_raised(c) + 1;
    if (arg ? named < 0 : next == c->n_runs) {
        c->raised = 0;
        ui_say(v->ui, "All runs are drawn alike.");
        return VIEW_CHANGED;
    }
    const struct run_row *row = c->rows[arg ? named : next];
    c->raised = row->info.id;
    if (!arg)
        ui_say(v->ui, "%c %s is on top.", row->letter, row->info.name);
    return VIEW_CHANGED;
}

static enum view_result toggle_multiples(struct view *v)
{
    struct curves *c = v->state;
    if (c->n_runs < 2)
        return need_runs(v);
    c->multiples = !c->multiples;
    c->mode = c->mode == MODE_GROUPS ? MODE_GROUPS : MODE_RUNS; // a panel a group, or a run
    return show_anew(v);
}

static enum view_result toggle_diff(struct view *v)
{
    struct curves *c = v->state;
    if (c->n_runs < 2)
        return need_runs(v);
    c->diff = !c->diff;
    return VIEW_CHANGED;
}

// ---- the best run ----

// Which way is better, by what the metric's name ends in or holds. 1: more, -1: less, 0: nobody can know.
static int better_way(const char *key)
{
    static const struct {
        const char *part;
        int way;
    } words[] = {
        {"loss", -1},          {"rewards/rejected", -1}, {"perplexity", -1}, {"pm_divergence", -1}, {"/ece", -1},
        {"clipped_ratio", -1}, {"grad_norm", -1},        {"step_s", -1},     {"zero_std", -1},      {"accurac", 1},
        {"reward", 1},         {"margins", 1},           {"ndcg", 1},        {"logps/chosen", 1},   {"win_rate", 1},
        {"tokens_per_s", 1},   {"distinct", 1},          {"kl", -1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(key, words[i].part))
            return words[i].way;
    return 0;
}

static bool has_metric(const struct curves *c, const char *key)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->data[i] && run_data_metric(c->data[i], key))
            return true;
    return false;
}

static enum view_result find_best(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const char *key = arg;
    if (c->n_runs < 2)
        return need_runs(v);
    if (!arg) {
        ui_ask(v->ui, CMD_BEST, "best run by (a metric; min: or max: before it)",
               c->focus < c->n_charts ? c->charts[c->focus].overlay : "");
        return VIEW_CHANGED;
    }
    int way = text_starts(arg, "min:") ? -1 : text_starts(arg, "max:") ? 1 : 0;
    key += way ? 4 : 0;
    way = way ? way : better_way(key);
    if (!has_metric(c, key)) {
        ui_say_error(v->ui, "best: no run here has a metric %s", key);
        return VIEW_KEPT;
    }
    if (!way) {
        ui_say_error(v->ui, "best: is more of %s better, or less? Write max:%s or min:%s", key, key, key);
        return VIEW_KEPT;
    }
    text_copy(c->best_key, sizeof c->best_key, key);
    c->best_highest = way > 0;
    return show_anew(v);
}

// Its best value and where; false when it has none.
static bool best_of(const struct curves *c, int run, double *value, int64_t *step)
{
    const struct metric *m = c->data[run] ? run_data_metric(c->data[run], c->best_key) : NULL;
    *value = NAN;
    for (uint32_t i = 0; m && i < m->series.n; i++) {
        const double x = series_value(&m->series, i);
        if (isfinite(x) && (isnan(*value) || (c->best_highest ? x > *value : x < *value))) {
            *value = x;
            *step = series_step(&m->series, i);
        }
    }
    return !isnan(*value);
}

void curves_say_best(struct view *v)
{
    struct curves *c = v->state;
    double values[CURVES_RUNS];
    int64_t steps[CURVES_RUNS];
    int best = -1, second = -1;
    char number[16], other[16];
    if (!c->best_key[0])
        return;
    for (int i = 0; i < c->n_runs; i++) {
        const double sign = c->best_highest ? 1 : -1;
        if (!best_of(c, i, &values[i], &steps[i]))
            continue;
        if (best < 0 || sign * values[i] > sign * values[best]) {
            second = best;
            best = i;
        } else if (second < 0 || sign * values[i] > sign * values[second]) {
            second = i;
        }
    }
    if (best < 0) {
        ui_say(v->ui, "No run here has a finite %s.", c->best_key);
    } else {
        struct str next = {0};
        if (second >= 0)
            str_addf(&next, "; next is %c %s with %s", c->rows[second]->letter, c->rows[second]->info.name,
                     axis_number(other, sizeof other, values[second]));
        ui_say(v->ui, "Best by %s: %c %s, %s at step %lld%s.", c->best_key, c->rows[best]->letter, c->rows[best]->info.name,
               axis_number(number, sizeof number, values[best]), (long long)steps[best], str_text(&next));
        c->raised = c->rows[best]->info.id;
        str_fini(&next);
    }
    c->best_key[0] = '\0';
}

// ---- forks ----

static enum view_result fork_here(struct view *v, const char *arg)
{
    const struct curves *c = v->state;
    char label[200], at[32] = "";
    if (c->n_runs == 0)
        return VIEW_KEPT;
    const struct run_row *row = c->rows[curves_raised(c)];
    if (arg) {
        ui_fork(v->ui, row->info.name, (int64_t)curves_cursor_step(c), arg);
        return VIEW_CHANGED;
    }
    if (curves_cursor_step(c) >= 0)
        snprintf(at, sizeof at, " at step %.0f", c->cursor);
    snprintf(label, sizeof label, "fork %.40s%s with (lr=1e-5 ...)", row->info.name, at);
    ui_ask(v->ui, CMD_FORK, label, ""); // what is offered goes with the first letter: "lr=" would leave the value alone
    return VIEW_CHANGED;
}

enum view_result curves_compare(struct view *v, enum command_id id, const char *arg)
{
    switch (id) {
    case CMD_LAYOUT:
        return set_layout(v, arg);
    case CMD_FILTER:
        return set_filter(v, arg);
    case CMD_GUIDES:
        return set_guides(v, arg);
    case CMD_GROUP:
        return set_group(v, arg);
    case CMD_BANDS:
        return next_band(v, arg);
    case CMD_DELTA:
        return toggle_delta(v);
    case CMD_PIN_CURVE:
        return pin_run(v, arg);
    case CMD_RAISE:
        return raise_run(v, arg);
    case CMD_MULTIPLES:
        return toggle_multiples(v);
    case CMD_DIFF:
        return toggle_diff(v);
    case CMD_BEST:
        return find_best(v, arg);
    case CMD_FORK:
        return fork_here(v, arg);
    default:
        return VIEW_IGNORED;
    }
}
