// A tokenizer.json, then after a NUL a text for it. What loads must encode and decode without a fault.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    size_t n_json = end ? (size_t)(end - data) : n;
    static const char fallback[] = "The lamp,  it's 42 \xe2\x96\x81\xff\xc3\xa9<s> <|x|>\n\n";
    const char *text = end ? (const char *)end + 1 : fallback;
    size_t n_text = end ? n - n_json - 1 : strlen(fallback);
    fuzz_file("tokenizer.json", data, n_json);
    struct err fault = {0};
    struct tokenizer *t;
    if (tokenizer_load(&t, fuzz_folder(), &fault)) {
        MUST(fault.code < 0 && fault.text[0]);
        return 0;
    }
    for (int way = 0; way < 4; way++) {
        int32_t *ids;
        size_t n_ids, n_bytes;
        char *again;
        if (tokenizer_encode(t, text, n_text, way & 1, way & 2, &ids, &n_ids, &fault))
            continue;
        for (size_t i = 0; i < n_ids; i++)
            MUST(tokenizer_token(t, ids[i]));
        if (tokenizer_decode(t, ids, n_ids, way & 1, &again, &n_bytes, &fault) == 0)
            free(again);
        free(ids);
    }
    tokenizer_free(t);
    return 0;
}
