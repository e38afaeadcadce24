// Sections of a report: with which settings, from which models and data, and by which commands.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/report.h"
#include "ui/launch/form.h"

// ---- settings ----

static char *value_text(const json_t *value)
{
    char number[64];
    if (!value || json_is_null(value))
        return mem_strdup("");
    if (json_is_string(value))
        return mem_strdup(json_string_value(value));
    if (json_is_boolean(value))
        return mem_strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.9g", json_real_value(value));
        return mem_strdup(number);
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    return text ? text : mem_strdup("");
}

static const json_t *setting(const struct run_row *row, const char *name)
{
    return json_object_get(row->settings ? row->settings : row->info.settings, name);
}

// A setting that only some objectives have differs where it is missing, too.
static bool differs(const struct report *r, const char *name)
{
    for (int i = 1; i < r->plots->n_rows; i++) {
        const json_t *a = setting(r->plots->rows[0], name), *b = setting(r->plots->rows[i], name);
        if (!a != !b || (a && !json_equal((json_t *)a, (json_t *)b)))
            return true;
    }
    return false;
}

static void add_head(const struct report *r, struct str *out)
{
    str_add(out, "<div class=\"wide\"><table><tr><th>setting");
    for (int i = 0; i < r->plots->n_rows; i++) {
        str_add(out, "<th>");
        report_name(out, r, r->plots->rows[i]);
    }
    str_add(out, "</tr>\n");
}

static void add_row(const struct report *r, const char *name, struct str *out)
{
    str_add(out, "<tr><td><code>");
    report_text(out, name);
    str_add(out, "</code>");
    for (int i = 0; i < r->plots->n_rows; i++) {
        const struct run_row *row = r->plots->rows[i];
        const json_t *now = setting(row, name), *before = json_object_get(row->info.settings, name);
        char *text = value_text(now);
        str_add(out, "<td class=\"v\">");
        report_text(out, now ? text : "-");
        if (before && now && !json_equal((json_t *)before, (json_t *)now)) {
            char *started = value_text(before);
            str_add(out, "<small>started with ");
            report_text(out, started);
            str_add(out, "</small>");
            free(started);
        }
        free(text);
    }
    str_add(out, "</tr>\n");
}

// The names of all runs' settings, in the order in which they come up first; a new reference.
static json_t *all_names(const struct report *r)
{
    json_t *names = json_object();
    for (int i = 0; i < r->plots->n_rows; i++) {
        const char *name;
        json_t *value;
        json_object_foreach(r->plots->rows[i]->info.settings, name, value)
            if (!json_is_object(value) && !json_object_get(names, name)) // a recipe's whole plan is no row of a table
                json_object_set_new(names, name, json_true());
    }
    return names;
}

void report_settings(const struct report *r, struct str *out)
{
    json_t *names = all_names(r), *value;
    const char *name;
    int n_different = 0;
    str_add(out, "<h2>Settings</h2>\n");
    json_object_foreach(names, name, value)
        if (differs(r, name)) {
            if (n_different++ == 0)
                add_head(r, out);
            add_row(r, name, out);
        }
    if (n_different)
        str_addf(out, "</table></div>\n<p class=\"muted\">%d of %zu settings differ.</p>\n", n_different,
                 json_object_size(names));
    str_add(out, "<details><summary>All settings</summary>");
    add_head(r, out);
    json_object_foreach(names, name, value)
        add_row(r, name, out);
    str_add(out, "</table></div></details>\n");
    json_decref(names);
}

// ---- origins ----

enum { DEEPEST = 12 };

// The run of this project whose folder or name a value holds (".../runs/sft-1/checkpoints/step-100", "sft-1@best"); false:
// none.
static bool find_run(const struct report *r, const char *value, struct run_info *info)
{
    char name[128];
    const char *at = strstr(value, "/runs/");
    const char *from = at ? at + 6 : value;
    const size_t n = strcspn(from, at ? "/" : "@");
    if (n == 0 || n >= sizeof name || (!at && from[n] != '@'))
        return false;
    memcpy(name, from, n);
    name[n] = '\0';
    return store_find_run(r->store, name, info, NULL) == 0;
}

static void add_origins(const struct report *r, const struct run_info *run, int depth, struct str *out)
{
    const char *name;
    json_t *value;
    str_add(out, "<ul>\n");
    json_object_foreach(run->settings, name, value) {
        const char *text = json_string_value(value);
        struct run_info from = {0};
        if (!text || !*text)
            continue;
        const bool is_source = strcmp(name, "model") == 0 || strcmp(name, "data") == 0 || strcmp(name, "eval-data") == 0 ||
                               strcmp(name, "reward-model") == 0 || strcmp(name, "recipe") == 0;
        const bool is_run = find_run(r, text, &from);
        if (is_source || is_run) {
            str_add(out, "<li>");
            report_text(out, name);
            str_add(out, " <code>");
            report_text(out, text);
            str_add(out, "</code>");
        }
        if (is_run) {
            str_add(out, ", of the run ");
            report_text(out, from.name);
            str_add(out, " (");
            report_text(out, from.objective);
            str_add(out, ")");
            if (depth < DEEPEST && strcmp(from.name, run->name) != 0)
                add_origins(r, &from, depth + 1, out);
        }
        run_info_fini(&from);
    }
    str_add(out, "</ul>\n");
}

void report_origins(const struct report *r, struct str *out)
{
    str_add(out, "<h2>Where it comes from</h2>\n");
    for (int i = 0; i < r->plots->n_rows; i++) {
        str_add(out, "<h3>");
        report_name(out, r, r->plots->rows[i]);
        str_add(out, "</h3>\n");
        add_origins(r, &r->plots->rows[i]->info, 0, out);
    }
}

// ---- commands ----

static void add_recipe(const struct run_info *info, struct str *command)
{
    const json_t *plan = json_object_get(info->settings, "plan");
    const char *name;
    json_t *value;
    str_add(command, "attune recipe run ");
    const char *path = json_string_value(json_object_get(info->settings, "recipe"));
    str_add_quoted(command, path ? path : "RECIPE");
    json_object_foreach(json_object_get(plan, "inputs"), name, value) {
        char *text = value_text(value);
        struct str word = {0};
        const bool has_option = strcmp(name, "model") == 0 || strcmp(name, "data") == 0;
        str_addf(command, " --%s ", has_option ? name : "set");
        str_addf(&word, "%s%s%s", has_option ? "" : name, has_option ? "" : "=", text);
        str_add_quoted(command, str_text(&word));
        str_fini(&word);
        free(text);
    }
}

// Without an engine to ask for its defaults: every setting that has a value.
static void add_all(const struct run_info *info, struct str *command)
{
    const char *name;
    json_t *value;
    str_add(command, "attune train --objective ");
    str_add_quoted(command, info->objective);
    json_object_foreach(info->settings, name, value) {
        char *text = json_is_object(value) ? NULL : value_text(value);
        if (text && *text) {
            str_addf(command, " --%s ", name);
            str_add_quoted(command, text);
        }
        free(text);
    }
}

static void add_train(const struct report *r, const struct run_info *info, struct str *command)
{
    struct form form;
    if (!r->engine || !engine_find_objective(r->engine, info->objective)) {
        add_all(info, command);
        return;
    }
    form_init(&form, r->engine);
    form_copy(&form, info->objective, info->model, info->data, info->settings);
    form_command_line(&form, command);
    form_fini(&form);
}

void report_commands(const struct report *r, struct str *out)
{
    str_add(out, "<h2>To do it again</h2>\n<p class=\"muted\">The same seed, data and settings give the same numbers. "
                 "Changes that were made while a run ran are not in its command; of a recipe, those that were given with "
                 "--set stand in the commands of its stages.</p>\n");
    for (int i = 0; i < r->plots->n_rows; i++) {
        const struct run_info *info = &r->plots->rows[i]->info;
        struct str command = {0};
        if (json_object_get(info->settings, "plan"))
            add_recipe(info, &command);
        else
            add_train(r, info, &command);
        str_add(out, "<h3>");
        report_name(out, r, r->plots->rows[i]);
        str_add(out, "</h3>\n<pre>");
        str_add_markup(out, str_text(&command), command.len, false);
        str_add(out, "</pre>\n");
        str_fini(&command);
    }
}
