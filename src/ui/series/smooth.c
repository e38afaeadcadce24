#include "config.h"

#include "ui/series/smooth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

const char *const smooth_words[] = {"ema", "mean", "gaussian", NULL};

const char *smooth_name(char *out, size_t size, enum smooth_kind kind, double amount)
{
    static const char *const names[] = {"EMA", "mean", "Gaussian"};
    snprintf(out, size, kind == SMOOTH_EMA ? "%s %.3g" : "%s %.6g", names[kind], amount);
    return out;
}

int smooth_read(const char *text, enum smooth_kind *kind, double *amount, struct err *e)
{
    const char *number = text;
    int k = SMOOTH_EMA;
    for (int i = 0; i < SMOOTH_N; i++) {
        const size_t n = strlen(smooth_words[i]);
        if (strncmp(text, smooth_words[i], n) == 0 && (text[n] == ' ' || text[n] == ':')) {
            k = i;
            number = text + n + strspn(text + n, " :");
        }
    }
    const double most = k == SMOOTH_EMA ? 0.999 : SMOOTH_WIDTH_MOST;
    double value;
    if (!text_to_double(number, &value) || value < 0 || value > most)
        return k == SMOOTH_EMA
                   ? err_set(e, ERR_USAGE,
                             "smooth: %s is not from 0 (as recorded) to 0.999, nor mean STEPS or gaussian STEPS", number)
                   : err_set(e, ERR_USAGE, "smooth %s: %s is no number of steps from 0 (as recorded) to %g", smooth_words[k],
                             number, most);
    *kind = (enum smooth_kind)k;
    *amount = value;
    return 0;
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

void smoother_set_distance(struct smoother *s, double dx)
{
    if (dx == s->last_dx)
        return;
    s->last_dx = dx;
    s->last_decay = pow(s->weight, dx / s->unit);
}

static void take(struct smoother *s, double y)
{
    s->remain *= s->last_decay;
    if (s->remain < 1e-18) // 1 - remain is 1 by now; going on would reach denormal numbers, which are slow
        s->remain = 0;
    s->value += (1 - s->last_decay) / (1 - s->remain) * (y - s->value);
}

double smoother_add(struct smoother *s, double x, double y)
{
    double dx = s->started ? x - s->x : s->unit;
    s->started = true;
    s->x = x;
    if (!isfinite(y))
        return s->value;
    smoother_set_distance(s, dx);
    if (isnan(s->value))
        s->value = y;
    take(s, y);
    return s->value;
}
