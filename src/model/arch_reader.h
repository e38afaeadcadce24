// Reading a config: getters that remember the first error, so that a long list of members reads well. Between the files
// of the architecture: not for others.
#pragma once

#include "base/json.h"
#include "base/members.h"
#include "model/arch.h"

// Limits that no real model reaches; they keep products of sizes far from overflow.
enum { MAX_WIDTH = 1 << 20, MAX_VOCAB = 1 << 24, MAX_POSITIONS = 1 << 27 };

struct reader {
    const json_t *config;
    const char *where;
    struct notes *notes;
    struct err *e;
    int code;
};

int64_t reader_whole(struct reader *r, const char *key, int64_t fallback, int64_t min, int64_t max);
int reader_needed(struct reader *r, const char *key, int64_t max); // 1 .. max; its absence is an error
double reader_real(struct reader *r, const char *key, double fallback);
double reader_needed_real(struct reader *r, const char *key);
bool reader_flag(struct reader *r, const char *key, bool fallback);
const char *reader_text(struct reader *r, const char *key, const char *fallback); // borrowed
void reader_fail(struct reader *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline bool reader_has(const struct reader *r, const char *key) // and not null
{
    const json_t *value = json_object_get(r->config, key);
    return value && !json_is_null(value);
}

// The rotary settings of all kinds of layers; a->max_positions and a->head_dim are known.
void read_rope(struct reader *r, struct arch *a);

// What each member of a config.json is, for members_check.
const struct member_row *const *arch_members(enum arch_family family);
