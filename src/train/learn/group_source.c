#include "config.h"

#include "train/learn/group_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "train/data/order.h"

struct dataset_source {
    struct group_source source; // first
    struct data_order order;
    const int *part;  // what the order is an order of; NULL: all groups
    int64_t begins;   // position at which this part's sequence begins
    int64_t position; // of the next group
    int64_t before;   // of the last batch's first one
    int *groups;      // (batch_size)
};

static int next_of_dataset(struct group_source *s, struct group_batch *out, struct err *e)
{
    struct dataset_source *d = (struct dataset_source *)s;
    d->before = d->position;
    for (int i = 0; i < s->batch_size; i++, d->position++) {
        const int at = data_order_at(&d->order, d->position - d->begins);
        d->groups[i] = d->part ? d->part[at] : at;
    }
    *out = (struct group_batch){.data = s->data, .groups = d->groups, .n = s->batch_size};
    return 0;
}

static json_t *save_dataset(const struct group_source *s, bool before_last)
{
    const struct dataset_source *d = (const struct dataset_source *)s;
    return json_pack("{s:I}", "position", (json_int_t)(before_last ? d->before : d->position));
}

static int restore_dataset(struct group_source *s, const json_t *saved, const char *dir, struct err *e)
{
    struct dataset_source *d = (struct dataset_source *)s;
    return json_get_int(saved, "position", 0, 0, INT64_MAX, &d->position, "the state of the data", e);
}

static void close_dataset(struct group_source *s)
{
    struct dataset_source *d = (struct dataset_source *)s;
    data_order_fini(&d->order);
    free(d->groups);
    free(d);
}

static const struct group_source_ops of_dataset = {.name = "dataset", .next = next_of_dataset, .save = save_dataset,
                                                   .restore = restore_dataset, .close = close_dataset};

void group_source_of_dataset(struct group_source **out, const struct dataset *data, int batch_size, uint64_t seed)
{
    struct dataset_source *d = mem_alloc(1, sizeof *d);
    d->source = (struct group_source){&of_dataset, data, batch_size};
    d->groups = mem_alloc((size_t)batch_size, sizeof *d->groups);
    data_order_init(&d->order, data->n_groups, seed);
    *out = &d->source;
}

void group_source_take_part(struct group_source *s, const int *groups, int n, int64_t begins)
{
    struct dataset_source *d = (struct dataset_source *)s;
    const uint64_t seed = d->order.seed;
    BUG_IF(s->ops != &of_dataset);
    data_order_fini(&d->order);
    data_order_init(&d->order, n, seed);
    d->part = groups;
    d->begins = begins;
}

int64_t group_source_position(const struct group_source *s)
{
    BUG_IF(s->ops != &of_dataset);
    return ((const struct dataset_source *)s)->position;
}

void group_source_close(struct group_source *s)
{
    if (s)
        s->ops->close(s);
}
