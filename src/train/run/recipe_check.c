// A recipe against what there is: objectives and their parameters first, all of them, then model and data of each stage as
// far as they are known before the stages before it have run. A stage that starts from another one's checkpoint is looked
// at as if it started from what that one starts from: same architecture, same tokenizer.
#include "config.h"

#include "train/run/recipe_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/places.h"
#include "base/str.h"
#include "train/online/reward_kinds.h"

// ---- settings ----

static int unknown_key(const struct recipe_stage *stage, const struct recipe_line *line, const struct settings *s,
                       struct err *e)
{
    const char **names = mem_alloc(s->n_items, sizeof *names);
    struct str near = {.max = 300};
    for (size_t i = 0; i < s->n_items; i++)
        names[i] = s->items[i].param->name;
    str_add_near(&near, line->key, names, s->n_items);
    int code = err_set(e, ERR_INPUT, "%s: stage %s: its objective has no setting \"%.60s\"%s", line->where, stage->name,
                       line->key, str_text(&near));
    str_fini(&near);
    free(names);
    return code;
}

// What stands in the recipe is meant from its folder, and what was typed from where the person stands; each has the other's
// behind it, and Attune's own files.
static struct path_places places_of(const char *dir, bool typed)
{
    return (struct path_places){.folders = {typed ? "." : dir, typed ? dir : "."}, .recipes = true};
}

static int set_value(const struct check *c, size_t at, const struct recipe_line *line, char *value, struct err *e)
{
    struct settings *s = &c->stages[at].settings;
    const struct param *p = settings_find(s, line->key);
    size_t stage, n;
    const char *from;
    bool as_run;
    const bool names_stage = recipe_names_stage(&c->names, value, &stage, &from, &n, &as_run);
    const struct path_places places = places_of(c->dir, line->typed);
    if (names_stage && p->type != PARAM_PATH && p->type != PARAM_TEXT)
        return err_set(e, ERR_INPUT, "%s: %s is no path or text: it cannot name a stage", line->where, line->key);
    if (p->type == PARAM_PATH && *value && !names_stage) {
        char *found = path_find(&places, value);
        int code = found ? settings_set(s, line->key, found, e)
                         : err_set(e, ERR_NOT_FOUND, "%s: there is no file or folder %s%s%s", line->where, value,
                                   *value == '/' || line->typed ? "" : ", seen from the recipe's folder ",
                                   *value == '/' || line->typed ? "" : c->dir);
        if (!code && !file_is_dir(found) && !file_is_regular(found))
            code = err_set(e, ERR_USAGE, "%s: %s is a pipe or a device: a run reads its data again when it is resumed, so "
                           "give a file", line->where, found);
        free(found);
        return code;
    }
    char *meant = p->type == PARAM_PATH ? NULL : path_of_setting(&places, p, value);
    int code = settings_set(s, line->key, meant ? meant : value, e);
    free(meant);
    return code ? err_prefix(e, "%s: ", line->where) : 0;
}

static int set_line(const struct check *c, size_t at, const struct recipe_line *line, struct err *e)
{
    struct check_stage *stage = &c->stages[at];
    const struct param *p = settings_find(&stage->settings, line->key);
    const char *missing = NULL;
    if (!p)
        return unknown_key(&c->recipe->stages[at], line, &stage->settings, e);
    char *value = recipe_value(c->recipe, at, line, c->plan ? &missing : NULL, e);
    int code = value ? 0 : ERR_INPUT;
    if (code && e)
        code = e->code;
    if (!code && !missing)
        code = set_value(c, at, line, value, e);
    else if (!code && strcmp(line->key, "model") == 0)
        stage->no_model = true;
    else if (!code && strcmp(line->key, "data") == 0)
        stage->no_data = true;
    free(value);
    return code;
}

static int read_stage(struct check *c, size_t at, struct err *e)
{
    const struct recipe_stage *from = &c->recipe->stages[at];
    struct check_stage *stage = &c->stages[at];
    const struct recipe_line *name = recipe_line(&from->lines, "objective");
    char *objective = recipe_value(c->recipe, at, name, NULL, e);
    if (!objective)
        return e ? e->code : ERR_INPUT;
    int code = objective_find(&stage->objective, objective, e);
    free(objective);
    if (code)
        return err_prefix(e, "%s: ", name->where);
    run_settings_init(&stage->settings, &stage->tables, stage->objective);
    for (size_t i = 0; i < c->recipe->defaults.n && !code; i++)
        if (settings_find(&stage->settings, c->recipe->defaults.rows[i].key)) {
            c->used[i] = true;
            code = set_line(c, at, &c->recipe->defaults.rows[i], e);
        }
    for (size_t i = 0; i < from->lines.n && !code; i++)
        if (&from->lines.rows[i] != name)
            code = set_line(c, at, &from->lines.rows[i], e);
    if (!code && !stage->no_model && !settings_given(&stage->settings, "model"))
        code = err_set(e, ERR_INPUT,
                       "%s: stage %s does not say its model: model = $model, or {STAGE} for another one's checkpoint",
                       from->where, from->name);
    if (!code && !stage->no_data && !settings_given(&stage->settings, "data"))
        code = err_set(e, ERR_INPUT, "%s: stage %s does not say its data: data = $data", from->where, from->name);
    return code;
}

static int check_defaults(const struct check *c, struct err *e)
{
    for (size_t i = 0; i < c->recipe->defaults.n; i++)
        if (!c->used[i])
            return err_set(e, ERR_INPUT, "%s: no stage's objective has a setting \"%.60s\"",
                           c->recipe->defaults.rows[i].where, c->recipe->defaults.rows[i].key);
    return 0;
}

// ---- models and data ----

// The stage whose checkpoint a value names; -1: none.
static long stage_named(const struct check *c, const char *value)
{
    size_t stage, n;
    const char *from;
    bool as_run;
    return recipe_names_stage(&c->names, value, &stage, &from, &n, &as_run) && !as_run ? (long)stage : -1;
}

static long stage_of(const struct check *c, size_t at, const char *key)
{
    return stage_named(c, settings_text(&c->stages[at].settings, key));
}

// Whether what comes out of a stage is an adapter.
static bool makes_adapter(const struct check *c, size_t at)
{
    const struct settings *s = &c->stages[at].settings;
    return (settings_int(s, "lora-rank") > 0 || run_continues_adapter(s)) && !c->stages[at].objective->of_runs;
}

static int check_scorer(void *with, const struct reward_kind *kind, const char *folder, struct err *e)
{
    const struct check *c = with;
    const long from = stage_named(c, folder);
    if (from < 0)
        return 0;
    const struct needs makes = c->stages[from].objective->needs;
    const bool can = kind->compares ? makes.groups & GROUPS_COMPARISON : makes.networks & NETWORK_SCORE;
    return can ? 0 : err_set(e, ERR_INPUT, "answers are scored by %s, which is no %s model (%s)", c->names.names[from],
                             kind->compares ? "preference" : "reward", c->stages[from].objective->name);
}

// What scores answers must have learnt to.
static int check_scorers(const struct check *c, size_t at, struct err *e)
{
    const struct recipe_stage *stage = &c->recipe->stages[at];
    if (!c->stages[at].objective->online)
        return 0;
    int code = rewards_models(&c->stages[at].settings, check_scorer, (void *)c, e);
    return code ? err_prefix(e, "%s: stage %s: ", stage->where, stage->name) : 0;
}

static bool is_made_later(const void *check, const char *folder)
{
    return stage_named(check, folder) >= 0;
}

static int check_start(const struct check *c, size_t at, struct err *e)
{
    const struct recipe_stage *stage = &c->recipe->stages[at];
    const long from = stage_of(c, at, "model");
    if (from < 0)
        return 0;
    const struct objective *before = c->stages[from].objective;
    const bool scores = before->needs.networks & NETWORK_SCORE;
    if (scores && !(c->stages[at].objective->needs.networks & NETWORK_SCORE))
        return err_set(e, ERR_INPUT, "%s: stage %s starts from %s, which is a reward model (%s): it scores answers and does "
                       "not say them", stage->where, stage->name, c->names.names[from], before->name);
    if (!makes_adapter(c, (size_t)from) && run_continues_adapter(&c->stages[at].settings))
        return err_set(e, ERR_INPUT, "%s: stage %s is to continue the adapter of %s, which makes none: give that lora-rank",
                       stage->where, stage->name, c->names.names[from]);
    if (makes_adapter(c, (size_t)from) && settings_int(&c->stages[at].settings, "lora-rank") > 0)
        return err_set(e, ERR_INPUT, "%s: stage %s starts from %s, which is an adapter, and a new adapter cannot stand on "
                       "another one: adapter = continue goes on with it", stage->where, stage->name, c->names.names[from]);
    return 0;
}

// The settings with other models in the place of checkpoints that are not there yet. NULL: nothing stands for its model.
static struct settings *stand_in(const struct check *c, size_t at, struct preflight_about *about, struct run_tables *tables)
{
    const struct check_stage *stage = &c->stages[at];
    struct settings *s = mem_alloc(1, sizeof *s);
    size_t first = at;
    about->any_memory = c->plan;
    about->is_made_later = is_made_later;
    about->with = c;
    for (long from; (from = stage_of(c, first, "model")) >= 0; first = (size_t)from)
        about->trained = true;
    const long from = stage_of(c, at, "model");
    about->adapter = from >= 0 && makes_adapter(c, (size_t)from);
    for (long i = from; i >= 0 && !about->adapter_rank; i = stage_of(c, (size_t)i, "model")) {
        about->adapter_rank = (int)settings_int(&c->stages[i].settings, "lora-rank");
        about->adapter_targets = settings_text(&c->stages[i].settings, "lora-targets");
    }
    run_settings_init(s, tables, stage->objective);
    const struct settings *origin = &c->stages[first].settings;
    const char *model = c->stages[first].no_model ? c->config : settings_text(origin, "model");
    if (c->stages[first].no_model)
        about->trained = true;
    if (!*model) {
        settings_fini(s);
        free(s);
        return NULL;
    }
    for (size_t i = 0; i < s->n_items; i++) {
        const char *text = stage->settings.items[i].text;
        size_t named, n;
        const char *begins;
        bool as_run;
        const bool later = s->items[i].param->type == PARAM_PATH && strcmp(s->items[i].param->group, "rewards") != 0 &&
                           recipe_names_stage(&c->names, text, &named, &begins, &n, &as_run);
        if (*text)
            settings_set(s, s->items[i].param->name, later ? model : text, NULL);
    }
    settings_set(s, "model", model, NULL);
    if (!*settings_text(s, "tokenizer")) // a checkpoint has its run's
        settings_set(s, "tokenizer", settings_text(origin, "tokenizer"), NULL);
    return s;
}

static int look_at_stage(struct check *c, size_t at, struct err *e)
{
    struct check_stage *stage = &c->stages[at];
    struct preflight_about about = {0};
    struct run_tables tables;
    int code = check_start(c, at, e);
    if (!code)
        code = check_scorers(c, at, e);
    struct settings *s = code ? NULL : stand_in(c, at, &about, &tables);
    if (!s)
        return code;
    const bool whole = !stage->no_data && stage_of(c, at, "data") < 0 &&
                       !(about.trained && text_ends(settings_text(s, "model"), ".json") && !*settings_text(s, "tokenizer"));
    code = whole ? preflight_as(stage->objective, s, &about, &stage->memory, &stage->seen, &stage->notes, e)
                 : preflight_memory_as(stage->objective, s, &about, &stage->memory, &stage->seen, &stage->notes, e);
    stage->has_memory = !code;
    settings_fini(s);
    free(s);
    return code ? err_prefix(e, "%s: stage %s: ", c->recipe->stages[at].where, c->recipe->stages[at].name) : 0;
}

// ---- all ----

static int open_check(struct check *c, const struct recipe *r, const struct recipe_asked *asked, struct err *e)
{
    *c = (struct check){.recipe = r, .plan = asked->plan, .stages = mem_alloc(r->n_stages, sizeof *c->stages),
                        .used = mem_alloc(r->defaults.n + 1, sizeof *c->used), .config = mem_strdup(""),
                        .dir = path_dir(r->path), .names.n = r->n_stages};
    for (size_t i = 0; i < r->n_stages; i++)
        c->names.names[i] = r->stages[i].name;
    if (!*r->config)
        return 0;
    free(c->config);
    const struct path_places places = places_of(c->dir, false);
    c->config = path_find(&places, r->config);
    return c->config
               ? 0
               : err_set(e, ERR_NOT_FOUND, "%s: config = %s: there is no such file", r->path, r->config);
}

static void close_check(struct check *c)
{
    for (size_t i = 0; i < c->recipe->n_stages; i++) {
        notes_fini(&c->stages[i].notes);
        if (c->stages[i].settings.items)
            settings_fini(&c->stages[i].settings);
    }
    free(c->stages);
    free(c->used);
    free(c->config);
    free(c->dir);
}

int recipe_check(const struct recipe *r, const struct recipe_asked *asked, json_t **out, struct err *e)
{
    struct check c;
    int code = open_check(&c, r, asked, e);
    for (size_t i = 0; i < r->n_stages && !code; i++)
        code = read_stage(&c, i, e);
    if (!code)
        code = check_defaults(&c, e);
    for (size_t i = 0; i < r->n_stages && !code; i++)
        code = look_at_stage(&c, i, e);
    if (!code)
        *out = recipe_plan(&c);
    close_check(&c);
    return code;
}
