#include "config.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "base/str.h"

double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    const char *fixed = getenv("ATTUNE_CLOCK");
    int64_t seconds;
    if (fixed && text_to_i64(fixed, &seconds))
        return seconds * 1000;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *clock_text(char *out, size_t size, int64_t wall_ms, const char *strftime_format)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (!localtime_r(&seconds, &parts) || strftime(out, size, strftime_format, &parts) == 0)
        text_copy(out, size, "-");
    return out;
}
