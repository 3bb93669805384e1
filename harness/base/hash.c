#include "harness/base/hash.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "assay/banned.h"

/* crypto_hash_sha256_* is plain C without state of its own, so it does not need sodium_init. */

static void digest_hex(const unsigned char digest[crypto_hash_sha256_BYTES], char out[65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < crypto_hash_sha256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = 0;
}

void assay_sha256_hex(const void *data, size_t bytes, char out[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(digest, data, bytes);
    digest_hex(digest, out);
}

/* A descriptor of the regular file `path`, or -1 and an error; O_NONBLOCK, so that a pipe nobody writes to is refused
 * and not waited for. */
static int open_regular(const char *path, struct assay_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
        return -1;
    }
    if (fstat(fd, &info)) {
        ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%s'", path);
        goto close_file;
    }
    if (!S_ISREG(info.st_mode)) {
        ASSAY_FAIL(err, ASSAY_IO, "'%s' is not a regular file", path);
        goto close_file;
    }
    return fd;
close_file:
    close(fd);
    return -1;
}

enum assay_code assay_sha256_file(const char *path, char out[65], struct assay_error *err)
{
    unsigned char piece[32768], digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    int fd = open_regular(path, err);
    if (fd < 0)
        return err->code;
    (void)crypto_hash_sha256_init(&state);
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read '%s'", path);
            close(fd);
            return err->code;
        }
        if (got == 0)
            break;
        (void)crypto_hash_sha256_update(&state, piece, (unsigned long long)got);
    }
    close(fd);
    (void)crypto_hash_sha256_final(&state, digest);
    digest_hex(digest, out);
    return ASSAY_OK;
}

struct assay_hash128 assay_hash_bytes(const void *data, size_t bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(data, bytes);
    return (struct assay_hash128){.low = hash.low64, .high = hash.high64};
}

static void store_little_endian(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

struct assay_hash128 assay_hash_join(struct assay_hash128 so_far, struct assay_hash128 next)
{
    unsigned char both[32];
    store_little_endian(both, so_far.low);
    store_little_endian(both + 8, so_far.high);
    store_little_endian(both + 16, next.low);
    store_little_endian(both + 24, next.high);
    return assay_hash_bytes(both, sizeof both);
}

uint64_t assay_hash_text(const char *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text, strlen(text), seed);
}
