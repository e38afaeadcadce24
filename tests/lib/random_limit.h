// Numbers that an axis may have to hold: of any magnitude and sign, equal ones, close ones and zero.
#pragma once

#include <math.h>

#include "base/rng.h"

static inline double random_limit(struct rng *rng)
{
    double magnitude = pow(10, rng_uniform(rng) * 60 - 30);
    switch (rng_below(rng, 6)) {
    case 0:
        return 0;
    case 1:
        return rng_uniform(rng);
    case 2:
        return 1e6 + rng_uniform(rng);
    case 3:
        return -magnitude;
    default:
        return magnitude;
    }
}
