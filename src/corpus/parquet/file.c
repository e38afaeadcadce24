// The bytes of a file, and the memory of the row group that is being read.
#include "config.h"

#include "corpus/parquet/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/human.h"

int pq_read_at(struct parquet *p, uint64_t offset, size_t n, void *out, struct err *e)
{
    if (offset > p->size || n > p->size - offset)
        return err_set(e, ERR_INPUT, "cannot read %s: it ends too early; it was cut: copy it again", p->path);
    if (p->bytes) {
        if (n)
            memcpy(out, p->bytes + offset, n);
        return 0;
    }
    for (size_t done = 0; done < n;) {
        const ssize_t got = pread(p->fd, (char *)out + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR)
            return err_errno(e, "cannot read %s", p->path);
        if (got == 0)
            return err_set(e, ERR_INPUT, "cannot read %s: it became shorter while it was read", p->path);
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

void *pq_alloc(struct parquet *p, size_t n, size_t size, struct err *e)
{
    size_t bytes = 0;
    struct pq_buffer *b = NULL;
    if (mem_mul(n, size, &bytes) && bytes <= p->max_group_bytes && p->group_bytes + bytes <= p->max_group_bytes)
        b = malloc(sizeof *b + bytes + 1);
    if (!b) {
        char most[32];
        err_set(e, ERR_LIMIT, "cannot read %s: row group %zu needs more than %s; write it again with smaller row groups "
                "(row_group_size=10000 in Python)", p->path, p->at_group + 1,
                human_bytes(most, sizeof most, (double)p->max_group_bytes));
        return NULL;
    }
    p->group_bytes += bytes;
    b->next = p->buffers;
    p->buffers = b;
    return b->bytes;
}

void pq_free_group(struct parquet *p)
{
    while (p->buffers) {
        struct pq_buffer *next = p->buffers->next;
        free(p->buffers);
        p->buffers = next;
    }
    p->group_bytes = 0;
    if (p->columns)
        memset(p->columns, 0, (size_t)p->n_leaves * sizeof *p->columns);
}
