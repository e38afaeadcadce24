// attune runs: the list of runs.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/human.h"
#include "base/str.h"
#include "cli/edit.h"
#include "cli/print.h"
#include "ui/runs/run_fields.h"
#include "ui/runs/runs_table.h"

static const struct param options[] = {
    {.name = "filter",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "Only runs that pass, such as \"objective=dpo loss<0.6 -tag:debug\"."},
    {.name = "columns",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "These in place of the usual ones: settings and metrics, such as beta,lr,kl@max,loss@best."},
    {.name = "sort",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "By this field, what one looks for first; -FIELD and +FIELD say which way."},
    {.name = "group",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "In groups by this field, with mean and standard deviation of each."},
    {.name = "archived", .type = PARAM_BOOL, .fallback = "no", .help = "The archive in place of the list."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_runs = {
    .name = "runs",
    .synopsis = "attune runs [--filter EXPR] [--columns A,B] [--sort C] [--group G] [--archived] [--json]",
    .summary = "Lists the runs of the project with their state and newest numbers.",
    .help =
        "Loss, reward margin, reward accuracy and KL are those of the newest training step.\n\n"
        "A filter is words (somewhere in name, objective, tags, note, model, data), FIELD=VALUE, FIELD!=A,B, FIELD:PART, "
        "FIELD<NUMBER "
        "(1e-5, 20k, 5%, 2h), has:FIELD; a blank is AND, there are OR, ( ) and -NOT; * and ? stand for characters, /.../ is "
        "a pattern. "
        "Fields are name, objective, state (also live), model, data, tag, note, alert, age, elapsed, step, progress, every "
        "setting and "
        "every metric. Of a metric the newest value is meant, METRIC@best, @min, @max, @first or @300 another.\n"
        "  attune runs --filter \"objective=dpo,ipo kl@max<8 age<7d\" --columns beta,lr,loss@best,kl@max --sort loss@best\n"
        "  attune runs --group objective --json",
    .options = options,
    .json = true,
    .run = run,
};

static int state_style(enum run_state state)
{
    switch (state) {
    case RUN_STARTING:
    case RUN_RUNNING:
        return PRINT_GOOD;
    case RUN_PAUSED:
        return PRINT_WARN;
    case RUN_FAILED:
    case RUN_DEAD:
        return PRINT_BAD;
    default:
        return -1;
    }
}

static const enum run_value usual_values[LOOK_N_METRICS] = {VALUE_LOSS, VALUE_MARGIN, VALUE_ACCURACY, VALUE_KL};
static const char *const usual_fields[LOOK_N_METRICS] = {"loss", "margin", "accuracy", "kl"};

// ---- for people ----

static void add_usual(struct print_table *t, const struct run_row *r)
{
    char text[64];
    const struct run_status *s = &r->status;
    print_table_cell(t, PRINT_BOLD, "%s%s", r->info.name, r->info.pinned ? " (pinned)" : "");
    print_table_cell(t, -1, "%s", r->info.objective);
    print_table_cell(t, state_style(s->state), "%s", r->is_missing ? "missing" : run_state_name(s->state));
    if (s->total_steps > 0)
        print_table_cell(t, -1, "%lld/%lld", (long long)s->step, (long long)s->total_steps);
    else
        print_table_cell(t, -1, "-");
    for (int i = 0; i < LOOK_N_METRICS; i++)
        print_table_cell(t, -1, "%s", print_number(text, sizeof text, r->values[usual_values[i]]));
    bool live = run_state_is_live(s->state);
    print_table_cell(t, -1, "%s", live && s->tokens_per_s > 0 ? human_count(text, sizeof text, s->tokens_per_s) : "-");
    print_table_cell(t, -1, "%s", live && s->seconds_left > 0 ? human_seconds(text, sizeof text, s->seconds_left) : "-");
    print_table_cell(t, PRINT_DIM, "%s", print_time(text, sizeof text, r->info.created_ms));
}

static void add_chosen(struct print_table *t, const struct runs_table *table, const struct run_row *r)
{
    char text[300];
    print_table_cell(t, PRINT_BOLD, "%s", r->info.name);
    for (int i = 2; i < table->columns.n; i++) {
        run_field_text(r, table->columns.list[i].field, 10, text, sizeof text);
        print_table_cell(t, -1, "%s", *text ? text : "-");
    }
}

// Means, or standard deviations, of a group below its runs.
static void add_group(struct print_table *t, const struct runs_table *table, const struct run_list *l,
                      const struct run_group *g, bool spread)
{
    static const char *const fields[] = {"", "", "", "loss", "margin", "accuracy", "kl", "", "", ""};
    const int n = table->columns.chosen ? table->columns.n - 2 : (int)(sizeof fields / sizeof *fields);
    char text[64];
    print_table_cell(t, PRINT_DIM, spread ? "  sd" : "  %s %s: mean of %d", table->look.group, g->name, g->n);
    for (int i = 0; i < n; i++) {
        const char *field = table->columns.chosen ? table->columns.list[i + 2].field : fields[i];
        double mean = NAN, sd = NAN;
        if (*field && run_field_is_number(l, field))
            run_group_mean(table, g, field, &mean, &sd);
        const double value = spread ? sd : mean;
        print_table_cell(t, PRINT_DIM, "%s", isnan(value) ? "" : print_number(text, sizeof text, value));
    }
}

static void add_heading(struct print_table *t, const struct runs_table *table)
{
    static const char *const titles[] = {"NAME", "OBJECTIVE", "STATE", "STEP", "LOSS", "MARGIN",
                                         "ACCURACY", "KL", "TOKENS/S", "LEFT", "CREATED"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles && !table->columns.chosen; i++)
        print_table_cell(t, PRINT_DIM, "%s", titles[i]);
    for (int i = 1; i < table->columns.n && table->columns.chosen; i++)
        print_table_cell(t, PRINT_DIM, "%s", table->columns.list[i].title);
}

static void print_text(const struct runs_table *t, const struct run_list *l)
{
    struct print_table table;
    struct str align = {0};
    str_addc(&align, 'l');
    for (int i = 2; i < t->columns.n && t->columns.chosen; i++)
        str_addc(&align, run_field_is_number(l, t->columns.list[i].field) ? 'r' : 'l');
    const bool usual = !t->columns.chosen, terminal = isatty(STDOUT_FILENO); // programs get all
    print_table_init(&table, usual ? terminal ? "Lllrrrrrrrl" : "lllrrrrrrrl" : str_text(&align));
    if (usual && terminal)
        table.spare = "-----5432-1";
    add_heading(&table, t);
    for (int i = 0, g = 0; i < t->n; i++) {
        if (usual)
            add_usual(&table, t->rows[i]);
        else
            add_chosen(&table, t, t->rows[i]);
        if (g < t->n_groups && i + 1 == t->groups[g].first + t->groups[g].n) {
            add_group(&table, t, l, &t->groups[g], false);
            if (t->groups[g].n > 1)
                add_group(&table, t, l, &t->groups[g], true);
            g++;
        }
    }
    print_table_end(&table, stdout, print_width(stdout));
    str_fini(&align);
}

// ---- for programs ----

static json_t *field_json(const struct run_row *r, const char *field)
{
    struct filter_value v;
    if (strcmp(field, "tag") == 0)
        return look_json_text(r->info.tags);
    if (!run_field(r, field, 0, &v))
        return json_null();
    return isnan(v.number) && v.text ? look_json_text(v.text) : look_json_number(v.number);
}

static json_t *run_json(const struct runs_table *t, const struct run_row *r)
{
    const struct look l = {.info = r->info, .status = r->status};
    double values[LOOK_N_METRICS];
    for (int i = 0; i < LOOK_N_METRICS; i++)
        values[i] = r->values[usual_values[i]];
    json_t *o = look_to_json(&l, look_metrics, values, LOOK_N_METRICS);
    if (t->columns.chosen) {
        json_t *fields = json_object();
        for (int i = 2; i < t->columns.n; i++)
            json_object_set_new(fields, t->columns.list[i].field, field_json(r, t->columns.list[i].field));
        json_object_set_new(o, "fields", fields);
    }
    return o;
}

static json_t *group_json(const struct runs_table *t, const struct run_list *l, const struct run_group *g)
{
    json_t *runs = json_array(), *means = json_object(), *sds = json_object();
    const int n = t->columns.chosen ? t->columns.n - 2 : LOOK_N_METRICS;
    for (int i = 0; i < g->n; i++)
        json_array_append_new(runs, run_json(t, t->rows[g->first + i]));
    for (int i = 0; i < n; i++) {
        const char *field = t->columns.chosen ? t->columns.list[i + 2].field : usual_fields[i];
        double mean, sd;
        if (!run_field_is_number(l, field))
            continue;
        run_group_mean(t, g, field, &mean, &sd);
        json_object_set_new(means, field, look_json_number(mean));
        json_object_set_new(sds, field, look_json_number(sd));
    }
    return json_pack("{s:o, s:i, s:o, s:o, s:o}", "group", look_json_text(g->name), "n", g->n, "mean", means, "sd", sds,
                     "runs", runs);
}

static void print_json(const struct runs_table *t, const struct run_list *l)
{
    json_t *array = json_array();
    for (int i = 0; i < t->n && t->n_groups == 0; i++)
        json_array_append_new(array, run_json(t, t->rows[i]));
    for (int g = 0; g < t->n_groups; g++)
        json_array_append_new(array, group_json(t, l, &t->groups[g]));
    look_print_json(array);
}

// ---- the list ----

static int take_look(const struct args *a, struct runs_look *look, struct err *e)
{
    const char *sort = settings_text(&a->settings, "sort"), *field = *sort == '-' || *sort == '+' ? sort + 1 : sort;
    *look = (struct runs_look){.archived = settings_bool(&a->settings, "archived")};
    if (!text_copy(look->filter, sizeof look->filter, settings_text(&a->settings, "filter")) ||
        !text_copy(look->columns, sizeof look->columns, settings_text(&a->settings, "columns")) ||
        !text_copy(look->sort, sizeof look->sort, *field ? field : "age") ||
        !text_copy(look->group, sizeof look->group, settings_text(&a->settings, "group")))
        return err_set(e, ERR_USAGE, "this is longer than a filter or a list of columns can be");
    look->descending = !*field || *sort == '-' || (*sort != '+' && run_field_high_first(field));
    return 0;
}

// What nobody has is no empty list without a word; what cannot be read hides no other.
static void complain(struct runs_table *t, const struct run_list *l)
{
    struct str near = {0};
    const char *unknown = runs_table_unknown(t, l, &near);
    if (unknown)
        fprintf(stderr, "attune runs: no run has %s%s\n", unknown, str_text(&near));
    str_fini(&near);
    for (int i = 0; i < l->n; i++)
        if (l->rows[i]->trouble[0])
            fprintf(stderr, "attune runs: %s\n", l->rows[i]->trouble);
    int kept = 0;
    for (int i = 0; i < t->n; i++)
        if (!t->rows[i]->trouble[0] || t->rows[i]->is_missing)
            t->rows[kept++] = t->rows[i];
    if (kept < t->n && t->n_groups == 0)
        t->n = kept;
}

static bool asks_for_alerts(const struct runs_look *look)
{
    return strstr(look->filter, "alert") || strstr(look->columns, "alert") || strcmp(look->sort, "alert") == 0 ||
           strcmp(look->group, "alert") == 0;
}

static int list(struct args *a, struct store *s, struct err *e)
{
    struct run_list l;
    struct runs_table t;
    struct runs_look look;
    struct err fault = {0};
    runs_table_init(&t);
    run_list_init(&l, s);
    int code = take_look(a, &look, e);
    if (!code)
        code = runs_table_set(&t, &look, e);
    if (!code) {
        l.no_health = !asks_for_alerts(&look);
        run_list_show(&l, look.archived ? SHELF_ARCHIVE : SHELF_LIST);
        run_list_read(&l, &fault); // what there is says which names are settings
        runs_table_update(&t, &l);
        if (l.wants.n && !fault.code) {
            run_list_read(&l, &fault);
            runs_table_update(&t, &l);
        }
        if (fault.code) {
            *e = fault;
            code = fault.code;
        }
    }
    if (!code) {
        complain(&t, &l);
        if (args_json(a))
            print_json(&t, &l);
        else if (t.n_all == 0 && !look.archived)
            printf("There are no runs in %s yet. \"attune train --help\" says how to start one.\n", store_dir(s));
        else if (t.n == 0)
            printf(t.n_all == 0 ? "The archive is empty.\n" : "None of %d %s passes the filter.\n", t.n_all,
                   text_plural(t.n_all, "run", "runs"));
        else
            print_text(&t, &l);
    }
    runs_table_fini(&t);
    run_list_fini(&l);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_runs, argc, argv, 0, 0, list);
}
