// Sweeps seen from outside: one training with several values of some settings, as the plan that the engine's experiment
// keeps (train/run/sweep_run.h).
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"

const struct param engine_sweep_params[] = {
    {.name = "at-most", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 64, .unit = "runs", .group = "sweep",
     .help = "How many runs of the sweep work at once; the others wait. They share the cores, unless threads says how "
             "many."},
    {.name = "by", .type = PARAM_TEXT, .fallback = "", .group = "sweep",
     .help = "The held-out metric that says which run of the sweep is best, such as eval/rewards/accuracies, max:NAME or "
             "min:NAME. Losses of different beta or objectives have different scales: do not compare runs by them."},
    {.name = "stop-early", .type = PARAM_BOOL, .fallback = "no", .group = "sweep",
     .help = "Stops a run of the sweep whose best value of that metric is worse than the median of what the others, as far "
             "as it is, had on average (the median stopping rule)."},
    {.name = "grace", .type = PARAM_INT, .fallback = "3", .min = 0, .max = 1e6, .unit = "evaluations", .group = "sweep",
     .help = "No run of the sweep is stopped early before it was evaluated so often."},
    {0}};

// ---- lists of values ----

bool engine_may_list(const struct param *p)
{
    return p->type != PARAM_TEXT; // whose commas are its own
}

int engine_list_check(const struct param *p, const char *text, int *n, struct err *e)
{
    int code = 0;
    *n = 0;
    if (!engine_may_list(p) || !strchr(text, ',')) {
        *n = 1;
        return param_check(p, text, e);
    }
    for (const char *at = text; !code; at += strcspn(at, ",") + 1) {
        char *one = mem_strndup(at, strcspn(at, ","));
        ++*n;
        if (!*one)
            code = err_set(e, ERR_USAGE,
                           "--%s: \"%.80s\" is a list with a hole: write values with a comma between two of them",
                           p->name, text);
        else
            code = param_check(p, one, e);
        for (const char *before = text; before < at && !code; before += strcspn(before, ",") + 1)
            if (strcspn(before, ",") == strlen(one) && strncmp(before, one, strlen(one)) == 0)
                code = err_set(e, ERR_USAGE, "--%s: %.80s is in the list twice", p->name, one);
        free(one);
        if (!at[strcspn(at, ",")])
            break;
    }
    return code;
}

static char *nth(const char *list, int i)
{
    while (i-- > 0)
        list += strcspn(list, ",") + 1;
    return mem_strndup(list, strcspn(list, ","));
}

// ---- the plan ----

enum { MOST_PARTS = 100, MOST_LISTS = 16 };

struct axis {
    const char *name, *list;
    int n;
};

// What tells the value of a path is its file's name.
static void add_value(struct str *name, const char *value)
{
    const char *from = strchr(value, '/') ? path_base(value) : value;
    for (int i = 0; from[i] && i < 16; i++)
        str_addc(name, isalnum((unsigned char)from[i]) || strchr(".-", from[i]) ? from[i] : '_');
}

static char *part_name(const struct axis *axes, int n_axes, const int *at)
{
    struct str name = {0};
    for (int i = 0; i < n_axes; i++) {
        char *value = nth(axes[i].list, at[i]);
        str_addf(&name, "%s%s", i ? "-" : "", axes[i].name);
        add_value(&name, value);
        free(value);
    }
    return str_take(&name);
}

// Runs at once share the cores; the result does not depend on how many each has.
static int share_cores(struct settings *s, int64_t at_once, struct err *e)
{
    char number[32];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (settings_int(s, "threads") || at_once < 2)
        return 0;
    snprintf(number, sizeof number, "%ld", cores / at_once > 1 ? cores / at_once : 1);
    return settings_set(s, "threads", number, e);
}

static int part_settings(const struct engine_description *d, const struct engine_objective *o,
                         const struct engine_sweep *sweep, const struct axis *axes, int n_axes, const int *at,
                         int64_t at_once, json_t **out, struct err *e)
{
    const struct param *const tables[] = {d->params, o->params, NULL};
    struct settings s;
    settings_init(&s, tables);
    int code = settings_from_json(&s, sweep->settings, e);
    for (int i = 0; i < n_axes && !code; i++) {
        char *value = nth(axes[i].list, at[i]);
        code = settings_set(&s, axes[i].name, value, e);
        free(value);
    }
    if (!code)
        code = settings_check_required(&s, e);
    if (!code && *sweep->by && !settings_given(&s, "keep-best")) // its best checkpoint is what it is judged by
        code = settings_set(&s, "keep-best", sweep->by, e);
    if (!code)
        code = share_cores(&s, at_once, e);
    if (!code) {
        engine_resolve_paths(&s);
        *out = settings_to_json(&s, true);
    }
    settings_fini(&s);
    return code;
}

static int read_axes(const struct engine_description *d, const struct engine_objective *o, const struct engine_sweep *sweep,
                     struct axis *axes, int *n_axes, int *n_parts, struct err *e)
{
    const struct param *const tables[] = {d->params, o->params, NULL};
    const char *name;
    json_t *list;
    struct settings s;
    int code = 0, n = 0, all = 1;
    settings_init(&s, tables);
    json_object_foreach((json_t *)sweep->lists, name, list) {
        const struct param *p = settings_find(&s, name);
        struct axis *a = &axes[n];
        if (code)
            break;
        if (!p)
            code = err_set(e, ERR_USAGE, "%s has no setting %s", o->name, name);
        else if (n == MOST_LISTS)
            code = err_set(e, ERR_USAGE, "a sweep varies at most %d settings", MOST_LISTS);
        else if (!(code = engine_list_check(p, json_string_value(list), &a->n, e))) {
            a->name = name;
            a->list = json_string_value(list);
            n++;
            all = all > MOST_PARTS || a->n > MOST_PARTS ? MOST_PARTS + 1 : all * a->n;
        }
    }
    settings_fini(&s);
    if (!code && all < 2)
        code = err_set(e, ERR_USAGE, "nothing is varied: list values of a setting with commas, such as --set beta=0.1,0.3");
    if (!code && all > MOST_PARTS)
        code = err_set(e, ERR_USAGE, "these lists make more than %d runs", MOST_PARTS);
    if (!code && sweep->stop_early && !*sweep->by)
        code = err_set(e, ERR_USAGE,
                       "stop-early needs to know by which metric: name one with by, such as eval/rewards/accuracies");
    *n_axes = n;
    *n_parts = all;
    return code;
}

// Names that are too long, or would be those of two parts, become numbers.
static void shorten_names(json_t *parts, size_t room)
{
    bool number = false;
    json_t *part;
    size_t i;
    json_t *seen = json_object();
    json_array_foreach(parts, i, part) {
        const char *name = json_string_value(json_object_get(part, "name"));
        number |= strlen(name) > room || json_object_get(seen, name);
        json_object_set_new(seen, name, json_true());
    }
    json_decref(seen);
    json_array_foreach(parts, i, part)
        if (number)
            json_object_set_new(part, "name", json_sprintf("%zu", i + 1));
}

int engine_sweep_plan(const struct engine_description *d, const struct engine_sweep *sweep, json_t **plan, struct err *e)
{
    const struct engine_objective *o = engine_find_objective(d, sweep->objective);
    struct axis axes[MOST_LISTS];
    int n_axes = 0, n_parts = 0, at[MOST_LISTS] = {0};
    if (!o)
        return err_set(e, ERR_USAGE, "there is no objective \"%.60s\"", sweep->objective);
    int code = read_axes(d, o, sweep, axes, &n_axes, &n_parts, e);
    json_t *parts = json_array();
    const int64_t at_once = sweep->at_most < n_parts ? sweep->at_most : n_parts;
    for (int k = 0; k < n_parts && !code; k++) {
        json_t *settings = NULL;
        int left = k, n_varied = 0;
        for (int i = n_axes - 1; i >= 0; left /= axes[i--].n) {
            at[i] = left % axes[i].n;
            n_varied += at[i] > 0;
        }
        code = part_settings(d, o, sweep, axes, n_axes, at, at_once, &settings, e);
        char *name = part_name(axes, n_axes, at);
        if (!code) // all values are met in those that differ from the first part in one setting at most
            json_array_append_new(
                parts, json_pack("{s:s, s:o, s:b}", "name", name, "settings", settings, "check", n_varied < 2));
        free(name);
    }
    shorten_names(parts, RUN_NAME_MAX - (sweep->name && *sweep->name ? strlen(sweep->name) : 24) - 1);
    if (code)
        json_decref(parts);
    else
        *plan = json_pack("{s:s, s:o, s:I, s:b, s:I, s:O, s:O, s:s*}", "objective", o->name, "parts", parts, "at-most",
                          (json_int_t)sweep->at_most, "stop-early", sweep->stop_early, "grace",
                          (json_int_t)sweep->grace, "settings",
                          sweep->settings, "lists", sweep->lists, "by", *sweep->by ? sweep->by : NULL);
    return code;
}

// ---- starting one ----

static int check_parts(const json_t *plan, json_t **memory, struct err *e)
{
    const char *objective = json_string_value(json_object_get(plan, "objective"));
    json_t *part;
    size_t i;
    int code = 0;
    json_array_foreach(json_object_get(plan, "parts"), i, part) {
        if (code || !json_is_true(json_object_get(part, "check")))
            continue;
        code = engine_check_run(objective, json_object_get(part, "settings"), i == 0 ? memory : NULL, e);
        if (code)
            err_prefix(e, "%s: ", json_string_value(json_object_get(part, "name")));
    }
    return code;
}

// "dpo-sweep-1", "dpo-sweep-2", ...
static int add_numbered(struct store *s, const char *objective, const char *model, const char *data,
                        const json_t *settings, char **name, struct err *e)
{
    struct err fault = {0};
    int code = ERR_STATE;
    for (int i = 1; code == ERR_STATE && i < 10000; i++) {
        char wanted[RUN_NAME_MAX + 1];
        snprintf(wanted, sizeof wanted, "%.40s-sweep-%d", objective, i);
        fault = (struct err){0};
        code = store_add_run(s, wanted, "sweep", model, data, settings, name, &fault);
    }
    if (code && e)
        *e = fault;
    return code;
}

int engine_sweep_start(struct store *s, const struct engine_description *d, const struct engine_sweep *sweep,
                       char **name_out, json_t **memory, struct err *e)
{
    json_t *plan = NULL;
    int code = engine_sweep_plan(d, sweep, &plan, e);
    if (!code)
        code = check_parts(plan, memory, e);
    if (code) {
        json_decref(plan);
        return code;
    }
    const json_t *first = json_object_get(json_array_get(json_object_get(plan, "parts"), 0), "settings");
    const char *model = json_string_value(json_object_get(first, "model")),
               *data = json_string_value(json_object_get(first, "data"));
    char *lists = json_dumps(sweep->lists, JSON_COMPACT);
    json_t *settings = json_pack("{s:s, s:s*, s:s*, s:O}", "sweep", lists, "model", model, "data", data, "plan", plan);
    const bool named = sweep->name && *sweep->name;
    code = named ? store_add_run(s, sweep->name, "sweep", model ? model : "", data ? data : "", settings, name_out, e)
                 : add_numbered(s, sweep->objective, model ? model : "", data ? data : "", settings, name_out, e);
    if (!code)
        code = engine_start(s, *name_out, e);
    free(lists);
    json_decref(settings);
    json_decref(plan);
    return code;
}
