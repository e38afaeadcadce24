#include "config.h"

#include "corpus/parquet/parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/human.h"
#include "base/str.h"
#include "corpus/parquet/file.h"

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

static int open_it(struct parquet **out, struct parquet *p, const char *path, uint64_t max_group_bytes, struct err *e)
{
    p->path = mem_strdup(path);
    p->max_group_bytes = max_group_bytes;
    int code = pq_read_metadata(p, e);
    if (code) {
        parquet_close(p);
        return code;
    }
    p->columns = mem_alloc((size_t)p->n_leaves + 1, sizeof *p->columns);
    *out = p;
    return 0;
}

int parquet_open_file(struct parquet **out, const char *path, uint64_t max_group_bytes, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        int code = err_errno(e, "cannot open %s", path);
        if (fd >= 0)
            close(fd);
        return code;
    }
    struct parquet *p = mem_alloc(1, sizeof *p);
    p->fd = fd;
    p->size = (uint64_t)st.st_size;
    return open_it(out, p, path, max_group_bytes, e);
}

int parquet_open(struct parquet **out, const char *path, const void *bytes, size_t n, uint64_t max_group_bytes, struct err *e)
{
    struct parquet *p = mem_alloc(1, sizeof *p);
    p->fd = -1;
    p->bytes = bytes;
    p->size = n;
    return open_it(out, p, path, max_group_bytes, e);
}

static int load_group(struct parquet *p, struct err *e)
{
    const struct pq_group *g = &p->groups[p->at_group];
    pq_free_group(p);
    for (int leaf = 0; leaf < p->n_leaves; leaf++) {
        int code = pq_load_column(p, g, leaf, e);
        if (code)
            return code;
    }
    p->rows_left = p->n_leaves ? g->n_rows : 0;
    p->at_group++;
    return 0;
}

static int broken_levels(const struct parquet *p, struct err *e)
{
    return err_set(e, ERR_INPUT, "cannot read %s: row group %zu: its columns contradict each other about lists and empty "
                   "values; the file is damaged: copy it again", p->path, p->at_group);
}

int parquet_next(struct parquet *p, json_t **row, struct err *e)
{
    while (p->rows_left == 0) {
        for (int leaf = 0; leaf < p->n_leaves; leaf++)
            if (p->columns[leaf].at_level < p->columns[leaf].n_levels)
                return broken_levels(p, e);
        if (p->at_group == p->n_groups)
            return 0;
        int code = load_group(p, e);
        if (code)
            return code;
    }
    *row = pq_assemble_row(p);
    if (!*row)
        return broken_levels(p, e);
    p->rows_left--;
    return 1;
}

void parquet_close(struct parquet *p)
{
    if (!p)
        return;
    pq_free_group(p);
    free(p->columns);
    for (size_t i = 0; p->groups && i < p->n_groups; i++)
        free(p->groups[i].chunks);
    free(p->groups);
    for (int i = 0; p->nodes && i < p->n_nodes; i++)
        free(p->nodes[i].name);
    free(p->nodes);
    free(p->leaf_nodes);
    if (p->fd >= 0)
        close(p->fd);
    free(p->path);
    free(p);
}
