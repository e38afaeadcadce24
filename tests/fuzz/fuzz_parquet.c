// Any bytes as a Parquet file, within tight limits: rows, or an error with words. With libFuzzer:
//     tests/fuzz/libfuzzer.sh parquet -runs=10000000 -max_len=4096
#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "corpus/parquet/parquet.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST_ROWS = 200 };
    struct parquet *p;
    struct err e = {0};
    json_t *row;
    int more = parquet_open(&p, "fuzz", data, size, 1 << 16, &e), n = 0;
    if (!more) {
        while (n++ < MOST_ROWS && (more = parquet_next(p, &row, &e)) > 0) {
            MUST(json_is_object(row));
            json_decref(row);
        }
        parquet_close(p);
    }
    MUST(more >= 0 || (more == e.code && e.text[0]));
    return 0;
}
