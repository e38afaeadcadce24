// Any bytes as CSV or TSV (the first byte says which): every row has its line and its cells, or says what is wrong with
// it. With libFuzzer:
//     tests/fuzz/libfuzzer.sh csv -runs=10000000 -max_len=300
#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "corpus/source.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source *s;
    struct source_row row;
    struct err e = {0};
    if (size == 0)
        return 0;
    int more = source_open_bytes(&s, data[0] & 1 ? "fuzz.tsv" : "fuzz.csv", (const char *)data + 1, size - 1, &e);
    if (!more) {
        int64_t line = 0;
        while ((more = source_next(s, &row, &e)) > 0) {
            MUST(row.line >= line);
            MUST(row.object ? json_is_object(row.object) : row.damage && row.damage[0]);
            line = row.line;
            json_decref(row.object);
        }
        source_close(s);
    }
    MUST(more >= 0 || (more == e.code && e.text[0]));
    return 0;
}
