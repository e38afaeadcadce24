#include "config.h"

#include "train/objective/calibration.h"

#include <math.h>

#include "train/objective/stable.h"

static void add_side(struct calibration *c, double p, double happened)
{
    const int bin = p >= 1 ? CALIBRATION_BINS - 1 : (int)(p * CALIBRATION_BINS);
    c->predicted[bin] += p;
    c->happened[bin] += happened;
    c->n++;
}

void calibration_add(struct calibration *c, double margin, double share)
{
    if (isnan(margin)) // of a run that has left the numbers: its loss says so
        return;
    add_side(c, sigmoid(margin), share);
    add_side(c, sigmoid(-margin), 1 - share);
}

double calibration_error(const struct calibration *c)
{
    double sum = 0;
    for (int b = 0; b < CALIBRATION_BINS; b++)
        sum += fabs(c->happened[b] - c->predicted[b]);
    return c->n > 0 ? sum / c->n : NAN;
}
