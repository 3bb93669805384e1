/* SHA-256 (libsodium) for identity and chains; XXH3-128 (libxxhash) for the bytes of outputs. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

/* Lower-case hex of the SHA-256 of `bytes`, 64 digits and NUL. */
void assay_sha256_hex(const void *data, size_t bytes, char out[65]);
/* The same of a whole file, streamed. ASSAY_IO when it cannot be read or is not a regular file. */
enum assay_code assay_sha256_file(const char *path, char out[65], struct assay_error *err);

/* XXH3-128: fast, and not made to withstand somebody who wants a collision. */
struct assay_hash128 {
    uint64_t low, high;
};
struct assay_hash128 assay_hash_bytes(const void *data, size_t bytes);
/* Order matters: the hash of the 32 bytes low, high of so_far, then of next, each little-endian. */
struct assay_hash128 assay_hash_join(struct assay_hash128 so_far, struct assay_hash128 next);
/* XXH3-64 of text with a seed, for derived streams. */
uint64_t assay_hash_text(const char *text, uint64_t seed);

#endif
