// SHA-256 (FIPS 180-4): content hashes of models, tokenizers and data, and of checkpoints.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
};
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_hex(struct sha256 *s, char hex[65]); // ends the hash
int sha256_file(const char *path, char hex[65], struct err *e);
