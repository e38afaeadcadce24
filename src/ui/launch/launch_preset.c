#include "config.h"

#include "ui/launch/launch_preset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int form_load_preset(struct form *f, const char *project_dir, const char *name, struct err *e)
{
    char *objective = NULL;
    json_t *settings = NULL;
    int code = engine_preset_load(project_dir, name, &objective, &settings, e);
    if (!code && !engine_find_objective(f->engine, objective))
        code = err_set(e, ERR_INPUT, "the preset %s is of %s, which this engine does not know", name, objective);
    if (!code)
        form_copy(f, objective, NULL, NULL, settings);
    json_decref(settings);
    free(objective);
    return code;
}

int form_save_preset(const struct form *f, const char *project_dir, const char *name, struct err *e)
{
    json_t *settings = form_settings(f, true), *lists = form_lists(f);
    json_object_update(settings, lists);
    int code = engine_preset_save(project_dir, name, f->fields[FORM_OBJECTIVE].text, settings, e);
    json_decref(lists);
    json_decref(settings);
    return code;
}

void form_copy_sweep(struct form *f, const json_t *plan)
{
    json_t *all = json_copy(json_object_get(plan, "settings"));
    json_object_update(all, json_object_get(plan, "lists"));
    for (const struct param *p = engine_sweep_params; p->name; p++) {
        json_t *value = json_object_get(plan, p->name);
        if (value)
            json_object_set(all, p->name, value);
    }
    form_copy(f, json_string_value(json_object_get(plan, "objective")), NULL, NULL, all);
    json_decref(all);
}

json_t *form_texts(const struct form *f)
{
    json_t *texts = json_object();
    for (int i = 0; i < f->n; i++)
        json_object_set_new(texts, f->fields[i].param->name, json_string(f->fields[i].text));
    return texts;
}

static const char *before_of(const struct form *f, const json_t *before, int field)
{
    const struct param *p = f->fields[field].param;
    const char *text = json_string_value(json_object_get(before, p->name));
    return text ? text : p->fallback ? p->fallback : "";
}

bool form_differs(const struct form *f, const json_t *before, int field)
{
    double a, b;
    const char *now = f->fields[field].text, *was = before_of(f, before, field);
    if (field == FORM_NAME || strcmp(now, was) == 0)
        return false;
    return !(text_to_double(now, &a) && text_to_double(was, &b) && a == b);
}

int form_differences(const struct form *f, const json_t *before, struct str *out)
{
    int n = 0;
    for (int i = 0; i < f->n; i++) {
        if (!form_differs(f, before, i))
            continue;
        const char *was = before_of(f, before, i), *now = f->fields[i].text;
        str_addf(out, "%s%s %s -> %s", n++ ? ", " : "", f->fields[i].param->name, *was ? was : "-", *now ? now : "-");
    }
    return n;
}
