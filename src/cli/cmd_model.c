// attune model show DIR: architecture, parameters and tensors of a model folder.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "cli/source.h"
#include "launch/engine.h"

static const struct param options[] = {
    {.name = "all", .type = PARAM_BOOL, .fallback = "no", .help = "Lists every tensor instead of one line for all layers."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_model_show = {
    .name = "model show",
    .synopsis = "attune model show DIR|RUN[@STEP] [--all] [--json]",
    .summary = "Shows what a model folder holds: architecture, parameters, tensors.",
    .help = "The weights are checked, not loaded: this takes no memory to speak of.",
    .options = options,
    .json = true,
    .run = run,
};

static void print_members(const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        char text[64];
        printf("  %-16s", name);
        if (json_is_string(value))
            print_visible(stdout, json_string_value(value), 0);
        else if (json_is_integer(value) && strcmp(name, "params") == 0)
            printf("%lld (%s)", (long long)json_integer_value(value),
                   human_count(text, sizeof text, (double)json_integer_value(value)));
        else if (json_is_boolean(value))
            fputs(json_is_true(value) ? "yes" : "no", stdout);
        else {
            char *other = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            print_visible(stdout, other ? other : "", 0);
            free(other);
        }
        putchar('\n');
    }
}

static const char *string_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

// "model.layers.3.mlp.up_proj.weight" -> "model.layers.*.mlp.up_proj.weight"
static void without_numbers(struct str *s, const char *name)
{
    str_clear(s);
    for (const char *c = name; *c;) {
        bool starts = c == name || c[-1] == '.';
        size_t n = strspn(c, "0123456789");
        if (starts && n > 0 && (c[n] == '.' || !c[n])) {
            str_addc(s, '*');
            c += n;
        } else {
            str_addc(s, *c++);
        }
    }
}

struct kind { // tensors that differ in a number of their name only
    char *name, *shape;
    const char *dtype;
    int n;
};

static void add_kind(struct kind **kinds, int *n, int *cap, const json_t *row, bool all)
{
    struct str name = {0}, shape = {0};
    size_t i;
    json_t *dim;
    if (all)
        str_add(&name, string_of(row, "name"));
    else
        without_numbers(&name, string_of(row, "name"));
    json_array_foreach(json_object_get(row, "shape"), i, dim)
        str_addf(&shape, "%s%lld", i ? " x " : "", (long long)json_integer_value(dim));
    for (int k = 0; k < *n; k++)
        if (strcmp((*kinds)[k].name, str_text(&name)) == 0 && strcmp((*kinds)[k].shape, str_text(&shape)) == 0 &&
            strcmp((*kinds)[k].dtype, string_of(row, "dtype")) == 0) {
            (*kinds)[k].n++;
            str_fini(&name);
            str_fini(&shape);
            return;
        }
    MEM_GROW(*kinds, *n, *cap);
    (*kinds)[(*n)++] = (struct kind){mem_strdup(str_text(&name)), mem_strdup(str_text(&shape)), string_of(row, "dtype"), 1};
    str_fini(&name);
    str_fini(&shape);
}

static void print_tensors(const json_t *tensors, bool all)
{
    struct kind *kinds = NULL;
    int n = 0, cap = 0;
    size_t i;
    json_t *row;
    struct print_table t;
    json_array_foreach(tensors, i, row)
        add_kind(&kinds, &n, &cap, row, all);
    print_table_init(&t, "Lllr");
    for (int k = 0; k < n; k++) {
        print_table_cell(&t, -1, "  %s", kinds[k].name);
        print_table_cell(&t, -1, "%s", kinds[k].dtype);
        print_table_cell(&t, -1, "%s", kinds[k].shape);
        if (kinds[k].n > 1)
            print_table_cell(&t, PRINT_DIM, "%d times", kinds[k].n);
        else
            print_table_cell(&t, -1, "%s", "");
        free(kinds[k].name);
        free(kinds[k].shape);
    }
    free(kinds);
    print_table_end(&t, stdout, print_width(stdout));
}

static void print_files(const json_t *files)
{
    size_t i;
    json_t *row;
    char size[64];
    json_array_foreach(files, i, row) {
        fputs("  ", stdout);
        print_visible(stdout, string_of(row, "name"), 0);
        printf("  %s\n", human_bytes(size, sizeof size, (double)json_integer_value(json_object_get(row, "bytes"))));
    }
}

static void part(const char *title)
{
    printf("%s%s%s\n", print_on(stdout, PRINT_BOLD), title, print_off(stdout));
}

static int show(struct args *a, struct err *e)
{
    char *dir = NULL;
    json_t *answer = NULL;
    char *shared = path_share(a->words[0]);
    int code = 0;
    if (file_is_dir(a->words[0]))
        dir = mem_strdup(a->words[0]);
    else if (a->words[0][0] != '/' && shared && file_is_dir(shared))
        dir = mem_strdup(shared);
    else if (strchr(a->words[0], '/'))
        code = err_set(e, ERR_NOT_FOUND, "there is no model folder %s", a->words[0]);
    else
        code = source_checkpoint(a, a->words[0], &dir, e);
    if (!code)
        code = engine_call((const char *const[]){"model", dir, NULL}, &answer, e);
    if (!code && args_json(a)) {
        look_print_json(json_incref(answer));
    } else if (!code) {
        part(dir);
        print_files(json_object_get(answer, "files"));
        if (json_object_get(answer, "architecture")) {
            part("Architecture");
            print_members(json_object_get(answer, "architecture"));
        }
        if (json_object_get(answer, "adapter")) {
            part("Adapter");
            print_members(json_object_get(answer, "adapter"));
        }
        size_t i;
        json_t *warning;
        json_array_foreach(json_object_get(answer, "warnings"), i, warning) {
            fputs("warning: ", stdout);
            print_visible(stdout, json_string_value(warning), 0);
            fputs("\n", stdout);
        }
        part("Tensors");
        print_tensors(json_object_get(answer, "tensors"), settings_bool(&a->settings, "all"));
    }
    json_decref(answer);
    free(shared);
    free(dir);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_model_show, argc, argv, 1, 1, &status))
        return status;
    if (show(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
