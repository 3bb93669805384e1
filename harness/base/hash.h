/* SHA-256 (libsodium) for identity and chains; XXH3-128 (libxxhash) for the bytes of outputs. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

/* Lower-case hex of the SHA-256 of `bytes`, 64 digits and NUL. */
void assay_sha256_hex(const void *data, size_t bytes, char out[65]);
/* The same of a whole file, streamed. */
enum assay_code assay_sha256_file(const char *path, char out[65], struct assay_error *err);

struct assay_hash128 {
    uint64_t low, high;
};
struct assay_hash128 assay_hash_bytes(const void *data, size_t bytes);
/* Order matters: hash of (so_far, next). */
struct assay_hash128 assay_hash_join(struct assay_hash128 so_far, struct assay_hash128 next);
/* 64-bit hash of text with a seed, for derived streams. */
uint64_t assay_hash_text(const char *text, uint64_t seed);

#endif
