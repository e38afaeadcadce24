#include "config.h"

#include "cli/memory.h"

#include <stdio.h>

#include "base/human.h"
#include "cli/print.h"

static const char *size_of(char out[32], const json_t *plan, const char *key)
{
    return human_bytes(out, 32, json_number_value(json_object_get(plan, key)));
}

static void add_row(struct print_table *t, int style, const char *size, const char *what)
{
    print_table_cell(t, style, "%s", size);
    print_table_cell(t, style, "%s", what);
}

void memory_print(const json_t *plan)
{
    struct print_table t;
    char size[32];
    const json_t *line;
    size_t i;
    print_table_init(&t, "rl");
    json_array_foreach(json_object_get(plan, "lines"), i, line) {
        const bool apart = json_is_true(json_object_get(line, "mapped")) || json_is_true(json_object_get(line, "spare"));
        add_row(&t, apart ? PRINT_DIM : -1, size_of(size, line, "bytes"), json_string_value(json_object_get(line, "what")));
    }
    add_row(&t, PRINT_BOLD, size_of(size, plan, "bytes"), "in all");
    if (json_number_value(json_object_get(plan, "mapped")) > 0)
        add_row(&t, PRINT_DIM, size_of(size, plan, "mapped"), "mapped from files, best when it is free as well");
    if (json_number_value(json_object_get(plan, "spare")) > 0)
        add_row(&t, PRINT_DIM, size_of(size, plan, "spare"), "for speed, taken only where four times as much is free");
    if (json_number_value(json_object_get(plan, "available")) > 0)
        add_row(&t, -1, size_of(size, plan, "available"),
                json_is_true(json_object_get(plan, "gpu")) ? "free now on the GPU" : "free now");
    print_table_end(&t, stdout, print_width(stdout));
    fflush(stdout);
    memory_print_warnings(plan);
}

void memory_print_warnings(const json_t *plan)
{
    const json_t *text;
    size_t i;
    json_array_foreach(json_object_get(plan, "warnings"), i, text) {
        fputs("attune: warning: ", stderr);
        print_visible(stderr, json_string_value(text), 0);
        fputc('\n', stderr);
    }
}

void memory_print_line(const json_t *plan)
{
    char needs[32], has[32];
    if (json_number_value(json_object_get(plan, "bytes")) > 0)
        printf("memory: about %s, %s are free%s\n", size_of(needs, plan, "bytes"), size_of(has, plan, "available"),
               json_is_true(json_object_get(plan, "gpu")) ? " on the GPU" : "");
}
