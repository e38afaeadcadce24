#include "config.h"

#include "train/objective/agreement.h"

#include <math.h>

struct moments {
    double n, x, y, xx, yy, xy;
};

static void add(struct moments *m, double x, double y)
{
    m->n++;
    m->x += x;
    m->y += y;
    m->xx += x * x;
    m->yy += y * y;
    m->xy += x * y;
}

// center: around the means; pairs' differences have no order and are taken around zero, which is the same for any.
static double correlation(const struct moments *m, int center)
{
    const double c = center ? 1 / m->n : 0;
    const double xx = m->xx - c * m->x * m->x, yy = m->yy - c * m->y * m->y, xy = m->xy - c * m->x * m->y;
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

// 1, 0, or a half when it does not decide.
static double right(double difference, double wanted)
{
    return difference == 0 ? 0.5 : (difference > 0) == (wanted > 0);
}

static void add_pair(struct agreement *r, struct moments *margins, double a, double b, double label)
{
    r->n_pairs++;
    add(margins, a, b);
    r->ranked_alike += b == 0 ? 0.5 : right(a, b);
    if (label != 0) {
        r->n_labelled++;
        r->accuracy[0] += right(a, label);
        r->accuracy[1] += right(b, label);
    }
}

struct agreement agreement_of(const double *a, const double *b, const double *labels, const int *first, int n_groups)
{
    struct agreement r = {0};
    struct moments scores = {0}, margins = {0};
    for (int g = 0; g < n_groups; g++)
        for (int i = first[g]; i < first[g + 1]; i++) {
            if (isnan(a[i]) || isnan(b[i]))
                continue;
            r.n_responses++;
            add(&scores, a[i], b[i]);
            for (int j = i + 1; j < first[g + 1]; j++)
                if (!isnan(a[j]) && !isnan(b[j]))
                    add_pair(&r, &margins, a[i] - a[j], b[i] - b[j], labels[i] - labels[j]);
        }
    r.correlation = correlation(&scores, 1);
    r.margin_correlation = correlation(&margins, 0);
    r.ranked_alike = r.n_pairs ? r.ranked_alike / r.n_pairs : NAN;
    for (int i = 0; i < 2; i++)
        r.accuracy[i] = r.n_labelled ? r.accuracy[i] / r.n_labelled : NAN;
    return r;
}
