// Parquet as rows; the reader itself is in parquet/.
#include "config.h"

#include "corpus/parquet/parquet.h"
#include "corpus/source_kinds.h"

#include <stdlib.h>

#include "base/mem.h"

struct parquet_rows {
    struct parquet *file;
    int64_t n_rows; // that were read
};

static int next(void *state, struct source_row *out, struct err *e)
{
    struct parquet_rows *s = state;
    int more = parquet_next(s->file, &out->object, e);
    out->line = s->n_rows += more > 0;
    return more;
}

static void close_rows(void *state)
{
    struct parquet_rows *s = state;
    parquet_close(s->file);
    free(s);
}

static const struct source_ops parquet_ops = {.name = "Parquet", .unit = "row", .next = next, .close = close_rows};

static int opened(void **state, const struct source_ops **ops, struct parquet *file)
{
    struct parquet_rows *s = mem_alloc(1, sizeof *s);
    s->file = file;
    *state = s;
    *ops = &parquet_ops;
    return 0;
}

int source_open_parquet_file(void **state, const struct source_ops **ops, const char *path, struct err *e)
{
    struct parquet *file;
    int code = parquet_open_file(&file, path, PARQUET_MAX_GROUP_BYTES, e);
    return code ? code : opened(state, ops, file);
}

int source_open_parquet(void **state, const struct source_ops **ops, const char *path, const char *bytes, size_t n,
                        struct err *e)
{
    struct parquet *file;
    int code = parquet_open(&file, path, bytes, n, PARQUET_MAX_GROUP_BYTES, e);
    return code ? code : opened(state, ops, file);
}
