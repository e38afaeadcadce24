// An event of TensorBoard's within a record whose checksums fit, so that what is behind them is met.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/crc32c.h"
#include "export/tfevents_read.h"
#include "fuzz.h"

static void put_little(uint8_t *out, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static int scalar(void *arg, const char *tag, int64_t step, double wall_s, double value, struct err *e)
{
    size_t *n = arg;
    (void)wall_s, (void)value, (void)e;
    MUST(tag[0] && step >= 0);
    (*n)++;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err fault = {0};
    size_t n_scalars = 0;
    json_t *settings = json_object();
    const struct tfevents_sink sink = {scalar, &n_scalars, settings};
    uint8_t *record = mem_alloc(n + 16, 1);
    put_little(record, n, 8);
    put_little(record + 8, crc32c_masked(record, 8), 4);
    memcpy(record + 12, data, n);
    put_little(record + 12 + n, crc32c_masked(record + 12, n), 4);
    if (tfevents_read(fuzz_file("events.out.tfevents.1", record, n + 16), &sink, &fault))
        MUST(fault.code < 0 && fault.text[0]);
    MUST(n_scalars <= n / 5); // a scalar has a tag and a value
    if (tfevents_read(fuzz_file("events.out.tfevents.2", data, n), &sink, &fault) == 0)
        MUST(n == 0 || n >= 16);
    json_decref(settings);
    free(record);
    return 0;
}
