#include "harness/base/hash.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "assay/banned.h"

static void hex_of(const unsigned char digest[crypto_hash_sha256_BYTES], char out[65])
{
    (void)sodium_bin2hex(out, 65, digest, crypto_hash_sha256_BYTES);
}

void assay_sha256_hex(const void *data, size_t bytes, char out[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(digest, data, bytes);
    hex_of(digest, out);
}

enum assay_code assay_sha256_file(const char *path, char out[65], struct assay_error *err)
{
    unsigned char            piece[65536], digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    int                      fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    (void)crypto_hash_sha256_init(&state);
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read '%s'", path);
            (void)close(fd);
            return err->code;
        }
        if (n == 0)
            break;
        (void)crypto_hash_sha256_update(&state, piece, (unsigned long long)n);
    }
    (void)close(fd);
    (void)crypto_hash_sha256_final(&state, digest);
    hex_of(digest, out);
    return ASSAY_OK;
}

struct assay_hash128 assay_hash_bytes(const void *data, size_t bytes)
{
    XXH128_hash_t h = XXH3_128bits(data, bytes);
    return (struct assay_hash128){h.low64, h.high64};
}

struct assay_hash128 assay_hash_join(struct assay_hash128 so_far, struct assay_hash128 next)
{
    uint64_t words[4] = {so_far.low, so_far.high, next.low, next.high};
    return assay_hash_bytes(words, sizeof words);
}

uint64_t assay_hash_text(const char *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text, strlen(text), seed);
}
