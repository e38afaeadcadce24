// Members of what a console kept of the last time (ui/session.c). Files may be old, of another version, or edited: a member
// that is missing gives the fallback, one of another kind or out of its range as well, and is remembered for one word about
// it.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

int64_t kept_int(const json_t *from, const char *key, int64_t min, int64_t max, int64_t fallback);
double kept_number(const json_t *from, const char *key, double min, double max, double fallback);
bool kept_bool(const json_t *from, const char *key, bool fallback);
const char *kept_text(const json_t *from, const char *key, const char *fallback); // borrowed
const json_t *kept_object(const json_t *from, const char *key); // NULL when there is none
const json_t *kept_array(const json_t *from, const char *key);
void kept_refuse(const char *key); // also this member could not be used, by what its reader knows of it
// The first that could not be used since the last call, "curves.weight"-like words are the caller's; NULL when all could.
const char *kept_trouble(void);
