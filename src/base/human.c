#include "config.h"

#include "base/human.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

const char *human_bytes(char *out, size_t size, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    while (bytes >= 1024 && i + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        i++;
    }
    snprintf(out, size, i == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
    return out;
}

const char *human_seconds(char *out, size_t size, double seconds)
{
    if (!(seconds >= 0) || seconds > 3.15e9) {
        snprintf(out, size, "-");
        return out;
    }
    long s = (long)(seconds + 0.5);
    if (s >= 86400)
        snprintf(out, size, "%ld d %ld h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s % 3600 / 60, s % 60);
    else
        snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
    return out;
}

const char *human_count(char *out, size_t size, double count)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    size_t i = 0;
    while (fabs(count) >= 1000 && i + 1 < sizeof units / sizeof *units) {
        count /= 1000;
        i++;
    }
    snprintf(out, size, i == 0 ? "%.0f%s" : fabs(count) >= 100 ? "%.0f%s" : "%.2f%s", count, units[i]);
    return out;
}
