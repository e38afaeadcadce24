#include "config.h"

#include "corpus/parquet/parquet.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus/parquet/file.h"

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

int parquet_open(struct parquet **out, const char *path, const void *bytes, size_t n, uint64_t max_group_bytes,
                 struct err *e)
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
