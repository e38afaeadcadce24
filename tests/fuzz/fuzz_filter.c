// Any bytes as a filter: it is refused with a place, or answers, and its opposite answers otherwise. With libFuzzer:
//     tests/fuzz/libfuzzer.sh filter -runs=10000000 -max_len=200
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/filter.h"
#include "base/str.h"
#include "fuzz.h"

static bool get(const void *item, const char *field, int i, struct filter_value *out)
{
    *out = (struct filter_value){.text = item, .number = NAN};
    if (field && strlen(field) % 2) {
        *out = (struct filter_value){.number = (double)strlen(field) - 2.5};
        return i == 0;
    }
    return i < 2 && !(field && field[0] == 'n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct filter *f = NULL, *opposite = NULL;
    struct err e = {0};
    struct str text = {0}, not = {0};
    str_addn(&text, (const char *)data, size);
    int code = filter_parse(&f, str_text(&text), &e);
    if (code) {
        MUST(code == e.code && e.text[0] && !f);
    } else {
        MUST(strcmp(filter_text(f), str_text(&text)) == 0);
        bool answer = filter_matches(f, get, "dpo-b0.1 (hh) 0.5");
        MUST(answer == filter_matches(f, get, "dpo-b0.1 (hh) 0.5"));
        str_addf(&not, "-(%s)", str_text(&text));
        if (!filter_is_empty(f) && filter_parse(&opposite, str_text(&not), &e) == 0)
            MUST(filter_matches(opposite, get, "dpo-b0.1 (hh) 0.5") == !answer);
    }
    filter_free(f);
    filter_free(opposite);
    str_fini(&text);
    str_fini(&not);
    return 0;
}
