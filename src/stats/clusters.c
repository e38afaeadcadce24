#include "config.h"

#include "stats/clusters.h"

#include <stdlib.h>

#include "base/mem.h"

struct seen {
    int cluster, first; // its first observation
};

static int by_cluster(const void *x, const void *y)
{
    const struct seen *a = x, *b = y;
    const int order = (a->cluster > b->cluster) - (a->cluster < b->cluster);
    return order ? order : (a->first > b->first) - (a->first < b->first);
}

int clusters_number(const int *cluster, size_t stride, int n, int *dense)
{
    struct seen *seen = mem_alloc((size_t)n + 1, sizeof *seen);
    int n_clusters = 0, first = 0;
    for (int i = 0; i < n; i++)
        seen[i] = (struct seen){*(const int *)((const char *)cluster + (size_t)i * stride), i};
    qsort(seen, (size_t)n, sizeof *seen, by_cluster);
    for (int i = 0; i < n; i++) { // the first observation, to begin with, that an observation's cluster has
        if (i == 0 || seen[i].cluster != seen[i - 1].cluster)
            first = seen[i].first;
        dense[seen[i].first] = first;
    }
    for (int i = 0; i < n; i++)
        dense[i] = dense[i] == i ? n_clusters++ : dense[dense[i]];
    free(seen);
    return n_clusters;
}
