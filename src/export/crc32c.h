// CRC-32C (Castagnoli, RFC 3720 appendix B.4), and the masked form that TensorFlow's record files carry.
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t n);
// A checksum of bytes that hold checksums themselves would be weak: it is rotated and moved.
uint32_t crc32c_masked(const void *bytes, size_t n);
