// Amounts as people write them.
#pragma once

#include <stddef.h>

// "7.2 GiB", "312 B"; "4:05", "2 d 3 h"; "1.24 M".
const char *human_bytes(char *out, size_t size, double bytes);
const char *human_seconds(char *out, size_t size, double seconds);
const char *human_count(char *out, size_t size, double count);
