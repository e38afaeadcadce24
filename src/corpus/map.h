// --map prompt=question,chosen=better,rejected=worse: which member of a row is what, said by the person.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

// Checks the text of a map; ERR_USAGE says what is wrong with it.
int map_check(const char *map, struct err *e);
// A new row of the members that the map names, under the names that shapes know. Others are not read.
json_t *map_apply(const char *map, const json_t *row);
// Whether the row lacks a member that the map names; path receives the first such.
bool map_missing(const char *map, const json_t *row, char *path, size_t size);
