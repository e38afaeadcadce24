#include "config.h"

#include "ui/launch/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "corpus/corpus.h"
#include "corpus/shards.h"

// A folder or a pattern stands for the files of one data set.
static void check_shards(struct form_field *f, const char *path)
{
    struct shards files = {0};
    struct err fault = {0};
    if (shards_find(&files, path, &fault))
        text_copy(f->fault, sizeof f->fault, fault.text);
    else
        shards_fini(&files);
}

static void check_path(struct form_field *f, const char *text)
{
    char *shared = text[0] != '/' ? path_share(text) : NULL; // Attune's own data, such as models/demo
    const char *path = shared && file_exists(shared) ? shared : text;
    char *config = path_join(path, "config.json");
    const bool is_data = strcmp(f->param->name, "data") == 0;
    if (is_data && file_exists(config))
        snprintf(f->fault, sizeof f->fault,
                 "%.200s is a model's folder: what is learnt from is a file, or a folder of shards", text);
    else if (is_data && shards_named_by(path))
        check_shards(f, path);
    else if (!file_exists(path))
        snprintf(f->fault, sizeof f->fault, "there is no file or folder %.200s", text);
    else if (strcmp(f->param->name, "model") == 0 && file_is_dir(path) && !file_exists(config))
        snprintf(f->fault, sizeof f->fault, "%.200s holds no config.json: a Hugging Face model folder has one", text);
    free(config);
    free(shared);
}

// A file's own name may have a comma.
static bool may_be_list(const struct form_field *f)
{
    return !f->is_own && engine_may_list(f->param) && !(f->param->type == PARAM_PATH && file_exists(f->text));
}

static void check(struct form_field *f)
{
    struct err fault = {0};
    f->fault[0] = '\0';
    f->n_values = 1;
    if (may_be_list(f) ? engine_list_check(f->param, f->text, &f->n_values, &fault)
                       : param_check(f->param, f->text, &fault)) {
        text_copy(f->fault, sizeof f->fault, text_starts(fault.text, "--") ? fault.text + 2 : fault.text);
        return;
    }
    for (const char *at = f->text; f->param->type == PARAM_PATH && *at && !f->fault[0];) {
        const size_t n = f->n_values > 1 ? strcspn(at, ",") : strlen(at);
        char *one = mem_strndup(at, n);
        check_path(f, one);
        free(one);
        at += n + (at[n] == ',');
    }
}

static void add_field(struct form *f, const struct param *p, const char *group)
{
    struct form_field *field = f->fields + f->n++;
    *field = (struct form_field){.param = p, .group = group, .text = mem_strdup(p->fallback ? p->fallback : ""),
                                 .is_own = strcmp(group, "sweep") == 0 || f->n <= FORM_NAME + 1};
    check(field);
}

static int count(const struct param *p)
{
    int n = 0;
    while (p && p[n].name)
        n++;
    return n;
}

// What must be given comes first, then the objective's own settings, then the rest as the engine's table has them.
static void make_fields(struct form *f, const struct engine_objective *o)
{
    f->fields =
        mem_alloc((size_t)(2 + count(o ? o->params : NULL) + count(f->engine->params) + count(engine_sweep_params)),
                  sizeof *f->fields);
    f->n = 0;
    add_field(f, &f->choice_rows[0], "what");
    add_field(f, &f->choice_rows[1], "what");
    for (const struct param *p = f->engine->params; p && p->name; p++)
        if (!p->fallback)
            add_field(f, p, "what");
    for (const struct param *p = o ? o->params : NULL; p && p->name; p++)
        add_field(f, p, "objective");
    for (const struct param *p = f->engine->params; p && p->name; p++)
        if (p->fallback)
            add_field(f, p, p->group ? p->group : "other");
    for (const struct param *p = engine_sweep_params; p->name; p++)
        add_field(f, p, "sweep");
}

static void free_fields(struct form_field *fields, int n)
{
    for (int i = 0; i < n; i++)
        free(fields[i].text);
    free(fields);
}

void form_init(struct form *f, const struct engine_description *engine)
{
    *f = (struct form){.engine = engine};
    f->objective_names = mem_alloc((size_t)engine->n_objectives + 1, sizeof *f->objective_names);
    const char *first = engine->n_objectives ? engine->objectives[0].name : "";
    for (int i = 0; i < engine->n_objectives; i++) {
        f->objective_names[i] = engine->objectives[i].name;
        if (strcmp(engine->objectives[i].name, "dpo") == 0)
            first = "dpo";
    }
    f->choice_rows[0] = (struct param){.name = "objective", .type = PARAM_CHOICE, .fallback = first,
                                       .choices = f->objective_names,
                                       .help = "What the run minimizes."};
    f->choice_rows[1] = (struct param){.name = "name", .type = PARAM_TEXT, .fallback = "",
                                       .help = "The run's name; empty: made from the objective, such as dpo-1."};
    make_fields(f, engine_find_objective(engine, first));
}

void form_fini(struct form *f)
{
    free_fields(f->fields, f->n);
    free(f->objective_names);
    *f = (struct form){0};
}

const struct engine_objective *form_objective(const struct form *f)
{
    return engine_find_objective(f->engine, f->fields[FORM_OBJECTIVE].text);
}

int form_search(const struct form *f, const char *typed, int after)
{
    for (int pass = 0; pass < 3; pass++) {
        for (int k = 1; k <= f->n; k++) {
            const int i = (after + k) % f->n;
            const struct param *p = f->fields[i].param;
            if (pass == 0 ? strncasecmp(p->name, typed, strlen(typed)) == 0
                          : strcasestr(pass == 1 ? p->name : p->help, typed) != NULL)
                return i;
        }
    }
    return -1;
}

int form_find(const struct form *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->fields[i].param->name, name) == 0)
            return i;
    return -1;
}

static bool is_yes(const char *text)
{
    return strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

// Whether the text says what the default says: "0.00001" is "1e-5", "false" is "no".
static bool is_fallback(const struct param *p, const char *text)
{
    double a, b;
    const char *fallback = p->fallback ? p->fallback : "";
    if (strcmp(text, fallback) == 0)
        return true;
    if (p->type == PARAM_BOOL)
        return is_yes(text) == is_yes(fallback);
    return (p->type == PARAM_INT || p->type == PARAM_FLOAT) && text_to_double(text, &a) &&
           text_to_double(fallback, &b) && a == b;
}

static void put(struct form *f, int field, const char *text)
{
    struct form_field *at = f->fields + field;
    char *copy = mem_strdup(text);
    free(at->text);
    at->text = copy;
    at->given = !is_fallback(at->param, text);
    check(at);
}

static void change_objective(struct form *f)
{
    struct form_field *old = f->fields;
    int n_old = f->n;
    const struct engine_objective *o = engine_find_objective(f->engine, old[FORM_OBJECTIVE].text);
    if (!o)
        return; // being typed, or unknown: the check has said so
    make_fields(f, o);
    for (int i = 0; i < n_old; i++) {
        int to = form_find(f, old[i].param->name);
        if (to >= 0 && old[i].given)
            put(f, to, old[i].text);
    }
    free_fields(old, n_old);
}

void form_set(struct form *f, int field, const char *text)
{
    put(f, field, text);
    if (field == FORM_OBJECTIVE)
        change_objective(f);
}

void form_reset(struct form *f, int field)
{
    const char *fallback = f->fields[field].param->fallback;
    form_set(f, field, fallback ? fallback : "");
}

bool form_step(struct form *f, int field, int step)
{
    const struct form_field *at = f->fields + field;
    if (at->param->type == PARAM_BOOL) {
        form_set(f, field, is_yes(at->text) ? "no" : "yes");
        return true;
    }
    if (at->param->type != PARAM_CHOICE)
        return false;
    int n = 0, now = -1;
    for (; at->param->choices[n]; n++)
        if (strcmp(at->param->choices[n], at->text) == 0)
            now = n;
    if (n > 0)
        form_set(f, field, at->param->choices[(now + step + n) % n]);
    return true;
}

static void copy_value(struct form *f, const char *name, const json_t *value)
{
    char number[64];
    int field = form_find(f, name);
    if (field < 0)
        return;
    if (json_is_string(value))
        form_set(f, field, json_string_value(value));
    else if (json_is_boolean(value))
        form_set(f, field, json_is_true(value) ? "yes" : "no");
    else if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        form_set(f, field, number);
    } else if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.15g", json_real_value(value));
        form_set(f, field, number);
    }
}

void form_copy(struct form *f, const char *objective, const char *model, const char *data, const json_t *settings)
{
    const char *name;
    json_t *value;
    form_set(f, FORM_OBJECTIVE, objective);
    for (int i = FORM_NAME; i < f->n; i++)
        form_reset(f, i); // what was in the form before is not this run's
    json_object_foreach((json_t *)settings, name, value)
        copy_value(f, name, value);
    int field = form_find(f, "model");
    if (field >= 0 && model && model[0])
        form_set(f, field, model);
    field = form_find(f, "data");
    if (field >= 0 && data && data[0])
        form_set(f, field, data);
}

static void check_kind(const struct form *f, struct form_field *at)
{
    const struct engine_objective *o = form_objective(f);
    int pairs = form_find(f, "pairs-from-lists"), map = form_find(f, "map"), label = form_find(f, "label-from");
    const struct corpus_reading how = {map >= 0 ? f->fields[map].text : NULL, label >= 0 ? f->fields[label].text : NULL};
    struct err fault = {0};
    if (o && o->data_needs && at->text[0] &&
        corpus_check_needs(at->text, o->data_needs, pairs >= 0 && strcmp(f->fields[pairs].text, "no") != 0, &how,
                           &fault))
        snprintf(at->fault, sizeof at->fault, "%s %.250s", o->name, fault.text);
}

int form_first_fault(struct form *f)
{
    for (int i = 0; i < f->n; i++) {
        struct form_field *at = f->fields + i;
        check(at); // files may have come or gone
        if (!at->fault[0] && !at->param->fallback && !at->text[0])
            snprintf(at->fault, sizeof at->fault, "%s must be given: %.200s", at->param->name, at->param->help);
        if (!at->fault[0] && at->n_values == 1 &&
            (strcmp(at->param->name, "data") == 0 || strcmp(at->param->name, "eval-data") == 0))
            check_kind(f, at);
        if (at->fault[0])
            return i;
    }
    return -1;
}

bool form_is_of_sweep(const struct form_field *f)
{
    return strcmp(f->group, "sweep") == 0;
}

int form_n_runs(const struct form *f)
{
    int n = 1;
    for (int i = 0; i < f->n; i++)
        n = n > 10000 ? n : n * f->fields[i].n_values;
    return n;
}

bool form_is_sweep(const struct form *f)
{
    return form_n_runs(f) > 1;
}

const char *form_text(const struct form *f, const char *name)
{
    const int field = form_find(f, name);
    return field >= 0 ? f->fields[field].text : "";
}

json_t *form_lists(const struct form *f)
{
    json_t *lists = json_object();
    for (int i = 0; i < f->n; i++)
        if (f->fields[i].n_values > 1)
            json_object_set_new(lists, f->fields[i].param->name, json_string(f->fields[i].text));
    return lists;
}

void form_command_line(const struct form *f, struct str *out)
{
    const bool sweep = form_is_sweep(f);
    str_add(out, sweep ? "attune sweep" : "attune train");
    for (int i = 0; i < f->n; i++) {
        const struct form_field *at = f->fields + i;
        bool must = i == FORM_OBJECTIVE || !at->param->fallback;
        if ((!at->given && !must) || (form_is_of_sweep(at) && !sweep))
            continue;
        str_addf(out, at->n_values > 1 ? " --set %s=" : " --%s ", at->param->name);
        if (!at->text[0])
            str_add(out, "...");
        else
            str_add_quoted(out, at->text);
    }
}

// first: of lists their first value, else lists are left out.
static json_t *settings_of(const struct form *f, bool given, bool first)
{
    const struct engine_objective *o = form_objective(f);
    const struct param *tables[] = {f->engine->params, o ? o->params : NULL, NULL};
    struct settings s;
    settings_init(&s, tables);
    for (int i = 0; i < f->n; i++) {
        struct err fault = {0};
        const struct form_field *at = f->fields + i;
        if (at->is_own || !at->given || (at->n_values > 1 && !first))
            continue;
        char *value = mem_strndup(at->text, at->n_values > 1 ? strcspn(at->text, ",") : strlen(at->text));
        if (settings_set(&s, at->param->name, value, &fault))
            BUG("a checked value was refused: %s", fault.text);
        free(value);
    }
    engine_resolve_paths(&s);
    json_t *json = settings_to_json(&s, !given);
    settings_fini(&s);
    return json;
}

json_t *form_settings(const struct form *f, bool given)
{
    return settings_of(f, given, false);
}

json_t *form_first_settings(const struct form *f)
{
    return settings_of(f, false, true);
}
