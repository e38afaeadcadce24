// A Jinja template, then after a NUL the JSON of its context (absent: a conversation of our own). What parses is
// rendered within tight limits; what goes wrong is an error with words, and never more. With libFuzzer:
//     tests/fuzz/libfuzzer.sh jinja -runs=10000000
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "text/jinja/jinja.h"

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": \" \\u00e9 "
    "<b>\\n\"}, {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"function\": {\"name\": \"f\", "
    "\"arguments\": {\"a\": [1, 2.5, true]}}}]}, {\"role\": \"tool\", \"content\": \"<think>x</think>y\"}], \"tools\": "
    "[{\"name\": \"f\", \"b\": {}}], \"add_generation_prompt\": true, \"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct jinja_limits limits = {.steps = 20000, .memory = 1 << 20, .output = 1 << 18, .depth = 60};
    static json_t *usual;
    if (!usual)
        usual = json_decode(conversation, strlen(conversation), &(json_error_t){0});
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    size_t n_template = end ? (size_t)(end - data) : n;
    struct err fault = {0};
    struct jinja *t;
    if (jinja_parse(&t, "fuzz", (const char *)data, n_template, &fault)) {
        MUST(fault.code < 0 && fault.text[0]);
        return 0;
    }
    json_error_t place;
    json_t *given = end ? json_decode((const char *)end + 1, n - n_template - 1, &place) : NULL;
    struct str out = {.max = 1 << 20};
    int code = jinja_render(t, json_is_object(given) ? given : usual, 1700000000, &limits, &out, &fault);
    if (code)
        MUST(code == fault.code && (code == ERR_INPUT || code == ERR_LIMIT) && fault.text[0] && out.len == 0);
    else
        MUST(utf8_is_valid(str_text(&out), out.len));
    str_fini(&out);
    json_decref(given);
    jinja_free(t);
    return 0;
}
