#include "config.h"

#include "ui/series/smooth.h"

#include <math.h>
#include <stdio.h>

#include "base/err.h"

const char *const smooth_words[] = {"ema", "mean", "gaussian", NULL};

const char *smooth_name(char *out, size_t size, enum smooth_kind kind, double amount)
{
    static const char *const names[] = {"EMA", "mean", "Gaussian"};
    snprintf(out, size, kind == SMOOTH_EMA ? "%s %.3g" : "%s %.6g", names[kind], amount);
    return out;
}

void smoother_init(struct smoother *s, double weight, double unit)
{
    BUG_IF(!(weight >= 0 && weight < 1) || !(unit > 0));
    *s = (struct smoother){.weight = weight, .unit = unit, .value = NAN, .remain = 1};
    s->last_dx = unit;
    s->last_decay = weight;
}

void smoother_restart(struct smoother *s, double value, double remain, double x)
{
    s->value = value;
    s->remain = remain;
    s->x = x;
    s->started = true;
}

double smoother_add(struct smoother *s, double x, double y)
{
    double dx = s->started ? x - s->x : s->unit;
    s->started = true;
    s->x = x;
    if (!isfinite(y))
        return s->value;
    if (dx != s->last_dx) {
        s->last_dx = dx;
        s->last_decay = pow(s->weight, dx / s->unit);
    }
    if (isnan(s->value))
        s->value = y;
    s->remain *= s->last_decay;
    if (s->remain < 1e-18) // 1 - remain is 1 by now; going on would reach denormal numbers, which are slow
        s->remain = 0;
    s->value += (1 - s->last_decay) / (1 - s->remain) * (y - s->value);
    return s->value;
}
