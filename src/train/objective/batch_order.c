#include "config.h"

#include "train/objective/batch_order.h"

struct order {
    struct seq *seqs;
    const int *first;
    int slot;
};

static double *place(const struct order *o, int k)
{
    return &o->seqs[o->first[k] + o->slot].reward;
}

static bool before(const struct order *o, double a, double b)
{
    const double x = o->seqs[o->first[(int)a] + o->slot].prepared, y = o->seqs[o->first[(int)b] + o->slot].prepared;
    return x < y || (!(y < x) && a < b);
}

// Lets the group at `k` sink to its place in the heap of places k .. n - 1, whose root is last in order.
static void sink(const struct order *o, int k, int n)
{
    const double group = *place(o, k);
    for (int child; (child = 2 * k + 1) < n; k = child) {
        if (child + 1 < n && before(o, *place(o, child), *place(o, child + 1)))
            child++;
        if (!before(o, group, *place(o, child)))
            break;
        *place(o, k) = *place(o, child);
    }
    *place(o, k) = group;
}

void batch_order(struct seq *seqs, const int *first, int n_groups, int slot)
{
    const struct order o = {seqs, first, slot};
    for (int k = 0; k < n_groups; k++)
        *place(&o, k) = k;
    for (int k = n_groups / 2 - 1; k >= 0; k--)
        sink(&o, k, n_groups);
    for (int n = n_groups - 1; n > 0; n--) {
        const double last = *place(&o, 0);
        *place(&o, 0) = *place(&o, n);
        *place(&o, n) = last;
        sink(&o, 0, n);
    }
}

int batch_order_at(const struct seq *seqs, const int *first, int k, int slot)
{
    return (int)seqs[first[k] + slot].reward;
}
