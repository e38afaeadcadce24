// The few functions that preference losses are made of, in forms that neither overflow nor cancel.
#pragma once

#include <math.h>

// 1 / (1 + e^-z)
static inline double sigmoid(double z)
{
    double t = exp(-fabs(z));
    return z >= 0 ? 1 / (1 + t) : t / (1 + t);
}

// log(1 + e^z) = -log sigmoid(-z)
static inline double softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}
