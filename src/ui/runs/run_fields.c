#include "config.h"

#include "ui/runs/run_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "ui/runs/run_text.h"

const char *const run_own_fields[] = {"name",  "objective", "state",   "model",   "data",  "tag",      "note",
                                      "alert", "age",       "elapsed", "step",    "steps", "progress", "left",
                                      "speed", "pinned",    "letter",  "waiting", NULL};

// ---- the run itself ----

static bool is_live(const struct run_row *r)
{
    return r->has_db && run_state_is_live(r->status.state);
}

static bool text_value(const char *text, struct filter_value *out)
{
    out->text = text;
    return text && *text;
}

static bool number_value(bool there, double number, struct filter_value *out)
{
    out->number = number;
    return there && !isnan(number);
}

static bool tag_value(const struct run_row *r, int i, struct filter_value *out)
{
    static char tag[80];
    const char *at = r->info.tags;
    while (i-- > 0 && at)
        at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
    if (!at || !*at)
        return false;
    snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at, ","), at);
    out->text = tag;
    return true;
}

static bool elapsed_value(const struct run_row *r, struct filter_value *out)
{
    const int64_t end = is_live(r) ? clock_wall_ms() : r->status.ended_ms;
    return number_value(r->status.started_ms > 0 && end >= r->status.started_ms, (double)(end - r->status.started_ms) / 1000,
                        out);
}

static bool alert_value(const struct run_row *r, int i, struct filter_value *out)
{
    return r->alert && i < 2 && text_value(i ? r->alert->name : r->alert->word, out);
}

static bool own_field(const struct run_row *r, const char *name, int i, struct filter_value *out)
{
    const struct run_status *s = &r->status;
    const bool first = i == 0;
    static char letter[2];
    letter[0] = r->letter;
    if (strcmp(name, "tag") == 0)
        return tag_value(r, i, out);
    if (strcmp(name, "alert") == 0)
        return alert_value(r, i, out);
    if (strcmp(name, "state") == 0) // running is also live
        return i < 1 + is_live(r) && text_value(i ? "live" : run_state_text(r), out);
    if (strcmp(name, "model") == 0 || strcmp(name, "data") == 0) { // whole, and its last part
        const char *path = *name == 'm' ? r->info.model : r->info.data;
        return i < 2 && text_value(i ? path : path_base(path), out);
    }
    if (!first)
        return false;
    if (strcmp(name, "name") == 0)
        return text_value(r->info.name, out);
    if (strcmp(name, "objective") == 0)
        return text_value(r->info.objective, out);
    if (strcmp(name, "note") == 0)
        return text_value(r->info.note, out);
    if (strcmp(name, "letter") == 0)
        return text_value(letter, out);
    if (strcmp(name, "pinned") == 0)
        return r->info.pinned && text_value("yes", out);
    if (strcmp(name, "age") == 0)
        // A run that was begun before the clock was set back is as old as one that begins now.
        return number_value(true, fmax(0, (double)(clock_wall_ms() - r->info.created_ms) / 1000), out);
    if (strcmp(name, "elapsed") == 0)
        return elapsed_value(r, out);
    if (strcmp(name, "step") == 0)
        return number_value(r->has_db, (double)s->step, out);
    if (strcmp(name, "steps") == 0)
        return number_value(s->total_steps > 0, (double)s->total_steps, out);
    if (strcmp(name, "progress") == 0)
        return number_value(s->total_steps > 0, s->total_steps > 0 ? (double)s->step / (double)s->total_steps : 0, out);
    if (strcmp(name, "left") == 0)
        return number_value(is_live(r) && s->seconds_left > 0, s->seconds_left, out);
    if (strcmp(name, "speed") == 0)
        return number_value(is_live(r) && s->tokens_per_s > 0, s->tokens_per_s, out);
    return strcmp(name, "waiting") == 0 && number_value(r->n_waiting > 0, r->n_waiting, out);
}

// ---- settings and metrics ----

static bool setting_value(const struct run_row *r, const char *name, struct filter_value *out)
{
    const json_t *value = json_object_get(r->settings, name);
    double number;
    if (json_is_number(value))
        return number_value(true, json_number_value(value), out);
    if (json_is_boolean(value))
        return text_value(json_is_true(value) ? "yes" : "no", out);
    if (!text_value(json_string_value(value), out))
        return false;
    if (filter_number(out->text, &number))
        out->number = number;
    return true;
}

static bool metric_value(const struct run_row *r, const char *name, struct filter_value *out)
{
    static const struct {
        const char *name;
        enum run_value value;
    } usual[] = {{"margin", VALUE_MARGIN}, {"accuracy", VALUE_ACCURACY}, {"length", VALUE_LENGTH}};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(name, usual[i].name) == 0)
            return number_value(true, r->values[usual[i].value], out);
    for (int v = 0; v < VALUE_N; v++)
        if (v != VALUE_LR && strcmp(name, run_value_key((enum run_value)v)) == 0)
            return number_value(true, r->values[v], out);
    for (int i = 0; r->extras && i < r->list->wants.n; i++)
        if (strcmp(r->list->wants.list[i].name, name) == 0)
            return number_value(r->extras[i].is_known, r->extras[i].value, out);
    return false;
}

// What words look through.
static bool main_text(const struct run_row *r, int i, struct filter_value *out)
{
    const char *texts[] = {r->info.name,     r->info.objective,        r->info.tags,
                           r->info.note,     path_base(r->info.model), path_base(r->info.data),
                           run_state_text(r)};
    out->text = i < (int)(sizeof texts / sizeof *texts) ? texts[i] : NULL;
    return out->text;
}

static const char *real_name(const char *name)
{
    static const char *const others[][2] = {{"obj", "objective"}, {"tags", "tag"},     {"id", "letter"},
                                            {"status", "state"},  {"acc", "accuracy"}, {"trend", "margin@trend"},
                                            {"bar", "progress"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i][0]) == 0)
            return others[i][1];
    return name;
}

bool run_field_is_own(const char *name)
{
    for (int i = 0; run_own_fields[i]; i++)
        if (strcmp(run_own_fields[i], real_name(name)) == 0)
            return true;
    return false;
}

bool run_field(const void *row, const char *name, int i, struct filter_value *out)
{
    const struct run_row *r = row;
    *out = (struct filter_value){.number = NAN};
    if (!name)
        return main_text(r, i, out);
    name = real_name(name);
    if (text_starts(name, "cfg.") || text_starts(name, "config."))
        return i == 0 && setting_value(r, strchr(name, '.') + 1, out);
    if (run_field_is_own(name))
        return own_field(r, name, i, out);
    return i == 0 && (setting_value(r, name, out) || metric_value(r, name, out));
}

double run_field_number(const struct run_row *r, const char *name)
{
    struct filter_value v;
    return run_field(r, name, 0, &v) ? v.number : NAN;
}

const char *run_field_text(const struct run_row *r, const char *name, int width, char *out, size_t size)
{
    struct filter_value v;
    struct str text = {.max = size};
    if (strcmp(real_name(name), "tag") == 0) {
        str_add(&text, r->info.tags);
    } else if (run_field(r, name, 0, &v)) {
        if (v.text)
            str_add(&text, v.text);
        else
            str_add(&text, number_text(out, size, v.number, width < 5 ? 5 : width));
    }
    text_copy(out, size, str_text(&text));
    str_fini(&text);
    return out;
}

bool run_field_is_setting(const struct run_list *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (json_object_get(l->rows[i]->settings, name))
            return true;
    return text_starts(name, "cfg.") || text_starts(name, "config.");
}

bool run_field_has_short_name(const char *key)
{
    return strcmp(key, run_value_key(VALUE_MARGIN)) == 0 || strcmp(key, run_value_key(VALUE_ACCURACY)) == 0 ||
           strcmp(key, run_value_key(VALUE_LENGTH)) == 0;
}

bool run_field_is_number(const struct run_list *l, const char *name)
{
    struct filter_value v;
    bool is_number = false;
    for (int i = 0; i < l->n; i++) {
        if (!run_field(l->rows[i], name, 0, &v))
            continue;
        if (isnan(v.number) && v.text)
            return false;
        is_number = true;
    }
    return is_number || !(run_field_is_own(name) || run_field_is_setting(l, name));
}

bool run_field_high_first(const char *name)
{
    const char *real = real_name(name);
    static const char *const high[] = {"step", "steps", "progress", "speed", "pinned", "waiting", "elapsed"};
    for (size_t i = 0; i < sizeof high / sizeof *high; i++)
        if (strcmp(real, high[i]) == 0)
            return true;
    return !run_field_is_own(real) && run_metric_better(real) > 0;
}

int run_fields_wanted(const struct run_list *l, const char *const *names, int n, const char **out, int max)
{
    int n_out = 0;
    for (int i = 0; i < n && n_out < max; i++) {
        const char *name = real_name(names[i]);
        bool usual = strcmp(name, "margin") == 0 || strcmp(name, "accuracy") == 0 || strcmp(name, "length") == 0;
        for (int v = 0; v < VALUE_N; v++)
            usual = usual || (v != VALUE_LR && strcmp(name, run_value_key((enum run_value)v)) == 0);
        for (int k = 0; k < n_out; k++)
            usual = usual || strcmp(out[k], name) == 0;
        if (!*name || usual || run_field_is_own(name) || run_field_is_setting(l, name))
            continue;
        out[n_out++] = name;
    }
    return n_out;
}

int run_field_check(const char *name, struct err *e)
{
    struct run_want want;
    name = real_name(name);
    return run_field_is_own(name) ? 0 : run_want_parse(name, &want, e);
}
