#include "config.h"

#include "train/objective/schedule.h"

#include <math.h>
#include <string.h>

#include "base/err.h"

enum schedule_kind schedule_kind(const char *name)
{
    static const char *const names[] = {"cosine", "linear", "constant"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum schedule_kind)i;
    BUG("schedule %s", name);
}

int64_t schedule_warmup_steps(double warmup, int64_t total_steps)
{
    int64_t steps = warmup < 1 ? llround(warmup * (double)total_steps) : llround(warmup);
    return steps < total_steps ? steps : total_steps;
}

double schedule_factor(enum schedule_kind kind, int64_t step, int64_t warmup_steps, int64_t total_steps)
{
    if (step <= warmup_steps)
        return (double)step / (double)warmup_steps;
    const double done = (double)(step - 1 - warmup_steps) / (double)(total_steps - warmup_steps);
    switch (kind) {
    case SCHEDULE_COSINE:
        return 0.1 + 0.9 * 0.5 * (1 + cos(acos(-1) * done));
    case SCHEDULE_LINEAR:
        return 1 - done;
    case SCHEDULE_CONSTANT:
        return 1;
    }
    BUG("schedule %d", (int)kind);
}
