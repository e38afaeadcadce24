// JSON text through the reader and the getters that check types.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "fuzz.h"

static void look(const json_t *value, int depth)
{
    int64_t number;
    double real;
    bool flag;
    const char *text, *key;
    struct err fault;
    json_t *member;
    size_t i;
    if (depth > 3000)
        return;
    json_object_foreach((json_t *)value, key, member) {
        if (json_get_int(value, key, 1, -5, 5, &number, "input", &fault) == 0)
            MUST(number >= -5 && number <= 5);
        json_get_double(value, key, 0, &real, "input", &fault);
        json_get_bool(value, key, false, &flag, "input", &fault);
        json_get_text(value, key, "", &text, "input", &fault);
        look(member, depth + 1);
    }
    json_array_foreach(value, i, member)
        look(member, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    json_t *value;
    struct err fault = {0};
    if (json_parse((const char *)data, n, "input", &value, &fault)) {
        MUST(fault.text[0]);
        return 0;
    }
    look(value, 0);
    json_decref(value);
    return 0;
}
