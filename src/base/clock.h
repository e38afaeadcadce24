// Time: monotonic for durations, wall for records. Tests fix the wall clock with ATTUNE_CLOCK=seconds.
#pragma once

#include <stddef.h>
#include <stdint.h>

double clock_seconds(void);      // monotonic
int64_t clock_wall_ms(void);     // milliseconds since 1970, UTC
const char *clock_text(char *out, size_t size, int64_t wall_ms, const char *strftime_format); // local time
