#include "config.h"

#include "base/param.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const type_names[] = {"bool", "int", "float", "choice", "text", "path"};

static bool has_range(const struct param *p)
{
    return p->min != 0 || p->max != 0;
}

static const char *normal_bool(const char *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, yes[i]) == 0)
            return "true";
        if (strcmp(value, no[i]) == 0)
            return "false";
    }
    return NULL;
}

static int check_number(const struct param *p, const char *value, struct err *e)
{
    double number;
    int64_t whole;
    char range[160];
    bool fits = p->type == PARAM_INT ? text_to_i64(value, &whole) : text_to_double(value, &number);
    if (!fits)
        return err_set(e, ERR_USAGE, "--%s: \"%s\" is not a %s (%s)", p->name, value,
                       p->type == PARAM_INT ? "whole number" : "number", param_range_text(p, range, sizeof range));
    if (p->type == PARAM_INT)
        number = (double)whole;
    if (has_range(p) && (number < p->min || number > p->max))
        return err_set(e, ERR_USAGE, "--%s: %s is out of range (%s)", p->name, value,
                       param_range_text(p, range, sizeof range));
    return 0;
}

int param_check(const struct param *p, const char *value, struct err *e)
{
    if (!*value && p->fallback && !*p->fallback)
        return 0; // unset is allowed
    switch (p->type) {
    case PARAM_BOOL:
        return normal_bool(value) ? 0 : err_set(e, ERR_USAGE, "--%s: \"%s\" is neither yes nor no", p->name, value);
    case PARAM_INT:
    case PARAM_FLOAT:
        return check_number(p, value, e);
    case PARAM_CHOICE: {
        struct str all = {0};
        for (const char *const *c = p->choices; *c; c++) {
            if (strcmp(*c, value) == 0) {
                str_fini(&all);
                return 0;
            }
            str_addf(&all, "%s%s", all.len ? ", " : "", *c);
        }
        int code = err_set(e, ERR_USAGE, "--%s: \"%s\" is not one of: %s", p->name, value, str_text(&all));
        str_fini(&all);
        return code;
    }
    case PARAM_TEXT:
    case PARAM_PATH:
        return 0;
    }
    BUG("parameter %s has no type", p->name);
}

const char *param_range_text(const struct param *p, char *out, size_t size)
{
    struct str s = {0};
    if (p->type == PARAM_CHOICE)
        for (const char *const *c = p->choices; *c; c++)
            str_addf(&s, "%s%s", s.len ? "|" : "", *c);
    else if (p->type == PARAM_BOOL)
        str_add(&s, "yes or no");
    else if (has_range(p))
        str_addf(&s, p->type == PARAM_INT ? "%.15g to %.15g" : "%g to %g", p->min, p->max);
    if (p->unit)
        str_addf(&s, "%s%s", s.len ? " " : "", p->unit);
    if (p->fallback && *p->fallback)
        str_addf(&s, "%sdefault %s", s.len ? ", " : "", p->fallback);
    text_copy(out, size, str_text(&s));
    str_fini(&s);
    return out;
}

void settings_init(struct settings *s, const struct param *const *tables)
{
    size_t n = 0;
    for (const struct param *const *t = tables; *t; t++)
        for (const struct param *p = *t; p->name; p++)
            n++;
    *s = (struct settings){.tables = tables, .items = mem_alloc(n, sizeof *s->items)};
    for (const struct param *const *t = tables; *t; t++)
        for (const struct param *p = *t; p->name; p++)
            s->items[s->n_items++] = (struct setting){.param = p, .text = mem_strdup(p->fallback ? p->fallback : "")};
}

void settings_fini(struct settings *s)
{
    for (size_t i = 0; i < s->n_items; i++)
        free(s->items[i].text);
    free(s->items);
    *s = (struct settings){0};
}

static struct setting *find(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_items; i++)
        if (strcmp(s->items[i].param->name, name) == 0)
            return &s->items[i];
    return NULL;
}

const struct param *settings_find(const struct settings *s, const char *name)
{
    const struct setting *item = find(s, name);
    return item ? item->param : NULL;
}

static int unknown_name(const struct settings *s, const char *name, struct err *e)
{
    const char *nearest = NULL;
    size_t least = 3;
    for (size_t i = 0; i < s->n_items; i++) {
        size_t d = text_distance(name, s->items[i].param->name);
        if (d < least) {
            least = d;
            nearest = s->items[i].param->name;
        }
    }
    return err_set(e, ERR_USAGE, nearest ? "there is no setting \"%s\"; did you mean --%s?" : "there is no setting \"%s\"",
                   name, nearest);
}

int settings_set(struct settings *s, const char *name, const char *value, struct err *e)
{
    struct setting *item = find(s, name);
    if (!item)
        return unknown_name(s, name, e);
    int code = param_check(item->param, value, e);
    if (code)
        return code;
    if (item->param->type == PARAM_BOOL && *value)
        value = normal_bool(value);
    char *text = mem_strdup(value);
    free(item->text);
    item->text = text;
    item->given = true;
    return 0;
}

int settings_check_required(const struct settings *s, struct err *e)
{
    for (size_t i = 0; i < s->n_items; i++)
        if (!s->items[i].param->fallback && !s->items[i].given)
            return err_set(e, ERR_USAGE, "--%s is missing: %s", s->items[i].param->name, s->items[i].param->help);
    return 0;
}

static const struct setting *get(const struct settings *s, const char *name)
{
    const struct setting *item = find(s, name);
    if (!item)
        BUG("no setting %s", name);
    return item;
}

double settings_float(const struct settings *s, const char *name)
{
    double value = 0;
    const struct setting *item = get(s, name);
    BUG_IF(item->param->type != PARAM_FLOAT && item->param->type != PARAM_INT);
    text_to_double(item->text, &value);
    return value;
}

int64_t settings_int(const struct settings *s, const char *name)
{
    int64_t value = 0;
    const struct setting *item = get(s, name);
    BUG_IF(item->param->type != PARAM_INT);
    text_to_i64(item->text, &value);
    return value;
}

bool settings_bool(const struct settings *s, const char *name)
{
    const struct setting *item = get(s, name);
    BUG_IF(item->param->type != PARAM_BOOL);
    const char *normal = normal_bool(item->text);
    return normal && *normal == 't';
}

const char *settings_text(const struct settings *s, const char *name)
{
    return get(s, name)->text;
}

bool settings_given(const struct settings *s, const char *name)
{
    return get(s, name)->given;
}

static json_t *value_to_json(const struct param *p, const char *text)
{
    double number;
    int64_t whole;
    if (!*text && p->type != PARAM_TEXT && p->type != PARAM_PATH)
        return json_null();
    switch (p->type) {
    case PARAM_BOOL: {
        const char *normal = normal_bool(text);
        return json_boolean(normal && *normal == 't');
    }
    case PARAM_INT:
        return text_to_i64(text, &whole) ? json_integer(whole) : json_null();
    case PARAM_FLOAT:
        return text_to_double(text, &number) ? json_real(number) : json_null();
    default:
        return json_string(text);
    }
}

json_t *settings_to_json(const struct settings *s, bool all)
{
    json_t *object = json_object();
    for (size_t i = 0; i < s->n_items; i++)
        if (all || s->items[i].given)
            json_object_set_new(object, s->items[i].param->name, value_to_json(s->items[i].param, s->items[i].text));
    return object;
}

// The fewest digits that give the same number back: 0.1, not 0.10000000000000001.
static void shortest_text(char *out, size_t size, double number)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

int settings_from_json(struct settings *s, const json_t *object, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        char number[64];
        const char *text = number;
        if (json_is_null(value))
            continue;
        if (json_is_string(value))
            text = json_string_value(value);
        else if (json_is_boolean(value))
            text = json_is_true(value) ? "true" : "false";
        else if (json_is_integer(value))
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        else if (json_is_real(value))
            shortest_text(number, sizeof number, json_real_value(value));
        else
            return err_set(e, ERR_USAGE, "setting \"%s\" must be a text, number or true/false", name);
        int code = settings_set(s, name, text, e);
        if (code)
            return code;
    }
    return 0;
}

json_t *params_to_json(const struct param *table)
{
    json_t *array = json_array();
    for (const struct param *p = table; p && p->name; p++) {
        json_t *row = json_pack("{s:s, s:s, s:s*, s:s*, s:b, s:s*, s:s}", "name", p->name, "type", type_names[p->type],
                                "default", p->fallback, "unit", p->unit, "live", p->live, "group", p->group, "help",
                                p->help ? p->help : "");
        if (has_range(p)) {
            json_object_set_new(row, "min", json_real(p->min));
            json_object_set_new(row, "max", json_real(p->max));
        }
        if (p->choices) {
            json_t *choices = json_array();
            for (const char *const *c = p->choices; *c; c++)
                json_array_append_new(choices, json_string(*c));
            json_object_set_new(row, "choices", choices);
        }
        json_array_append_new(array, row);
    }
    return array;
}

static char *text_member(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? mem_strdup(text) : NULL;
}

int params_from_json(const json_t *array, struct param **out, struct err *e)
{
    size_t n = json_array_size(array);
    struct param *table = mem_alloc(n + 1, sizeof *table);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(array, i);
        const char *type = json_string_value(json_object_get(row, "type"));
        size_t t = 0;
        while (type && t < 6 && strcmp(type, type_names[t]) != 0)
            t++;
        if (!type || t == 6 || !json_is_string(json_object_get(row, "name"))) {
            params_free(table);
            return err_set(e, ERR_INPUT, "parameter %zu of the engine's description is damaged", i + 1);
        }
        struct param *p = &table[i];
        p->name = text_member(row, "name");
        p->type = (enum param_type)t;
        p->fallback = text_member(row, "default");
        p->unit = text_member(row, "unit");
        p->group = text_member(row, "group");
        p->help = text_member(row, "help");
        p->live = json_is_true(json_object_get(row, "live"));
        p->min = json_number_value(json_object_get(row, "min"));
        p->max = json_number_value(json_object_get(row, "max"));
        const json_t *choices = json_object_get(row, "choices");
        if (p->type == PARAM_CHOICE) {
            size_t n_choices = json_array_size(choices);
            const char **list = mem_alloc(n_choices + 1, sizeof *list);
            for (size_t j = 0; j < n_choices; j++) {
                const char *text = json_string_value(json_array_get(choices, j));
                list[j] = mem_strdup(text ? text : "");
            }
            p->choices = list;
        }
    }
    *out = table;
    return 0;
}

void params_free(struct param *table)
{
    for (struct param *p = table; p && p->name; p++) {
        free((char *)p->name);
        free((char *)p->fallback);
        free((char *)p->unit);
        free((char *)p->group);
        free((char *)p->help);
        for (const char *const *c = p->choices; c && *c; c++)
            free((char *)*c);
        free((void *)p->choices);
    }
    free(table);
}
