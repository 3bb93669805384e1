#include "harness/store/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"

#include "assay/banned.h"

#define FORMAT "assay-key/1"
#define LIMIT_BYTES 4096u

static bool from_hex(const char *hex, unsigned char *out, size_t bytes)
{
    size_t      n;
    const char *end;
    return hex && strlen(hex) == 2 * bytes && !sodium_hex2bin(out, bytes, hex, 2 * bytes, NULL, &n, &end) && n == bytes && !*end;
}

static enum assay_code start(struct assay_error *err)
{
    return sodium_init() < 0 ? ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "libsodium does not start: the system gives no random numbers")
                             : ASSAY_OK;
}

void assay_key_forget(struct assay_key *key)
{
    sodium_memzero(key, sizeof *key);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static enum assay_code write_new(const char *path, mode_t mode, const char *text, struct assay_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.200s' is there already", path);
        return assay_error_hint(err, "a key is never written over; choose another name");
    }
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make '%.200s'", path);
    enum assay_code code = assay_file_append(fd, text, strlen(text), path, err);
    (void)close(fd);
    if (code)
        (void)unlink(path);
    return code;
}

static enum assay_code write_pair(const char *path, const struct assay_key *key, struct assay_error *err)
{
    char public_path[1024], text[400], seed_hex[65];
    int  length = snprintf(public_path, sizeof public_path, "%s.pub", path);
    if (length < 0 || (size_t)length >= sizeof public_path)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the path '%.100s…' is too long", path);
    (void)snprintf(text, sizeof text, "{\n  \"format\": \"" FORMAT "\",\n  \"public\": \"%s\"\n}\n", key->public_hex);
    if (write_new(public_path, 0644, text, err))
        return err->code;
    (void)sodium_bin2hex(seed_hex, sizeof seed_hex, key->secret, crypto_sign_SEEDBYTES); /* a secret key begins with its seed */
    (void)snprintf(text, sizeof text, "{\n  \"format\": \"" FORMAT "\",\n  \"public\": \"%s\",\n  \"secret\": \"%s\"\n}\n",
                   key->public_hex, seed_hex);
    if (write_new(path, 0600, text, err))
        (void)unlink(public_path);
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed_hex, sizeof seed_hex);
    return err->code;
}

enum assay_code assay_key_make(const char *path, struct assay_key *out, struct assay_error *err)
{
    if (start(err))
        return err->code;
    (void)crypto_sign_keypair(out->public_key, out->secret);
    (void)sodium_bin2hex(out->public_hex, sizeof out->public_hex, out->public_key, sizeof out->public_key);
    out->has_secret = true;
    if (write_pair(path, out, err))
        assay_key_forget(out);
    return err->code;
}

static enum assay_code check_private(const char *path, struct assay_error *err)
{
    struct stat st;
    if (stat(path, &st))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%.200s'", path);
    if (!(st.st_mode & 077))
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "the key '%.160s' may be read by others: its mode is %03o", path, (unsigned)st.st_mode & 0777);
    return assay_error_hint(err, "chmod 600, and make another if somebody may have read it");
}

static enum assay_code take(const struct assay_json_file *file, const char *path, bool secret, struct assay_key *out, struct assay_error *err)
{
    static const char *const known[] = {"format", "public", "secret"};
    const char              *public_hex = NULL, *seed_hex = NULL;
    unsigned char            seed[crypto_sign_SEEDBYTES], derived[crypto_sign_PUBLICKEYBYTES];
    if (assay_json_known_keys(file, file->root, known, 3, err) || assay_json_text(file, file->root, "public", true, &public_hex, err) ||
        assay_json_text(file, file->root, "secret", false, &seed_hex, err))
        return err->code;
    if (!from_hex(public_hex, out->public_key, sizeof out->public_key))
        return assay_json_fail(file, "public", err, "must be 64 hex digits");
    (void)sodium_bin2hex(out->public_hex, sizeof out->public_hex, out->public_key, sizeof out->public_key);
    if (!secret)
        return ASSAY_OK;
    if (!seed_hex) {
        (void)assay_json_fail(file, NULL, err, "has no secret half, without which nothing can be signed");
        return assay_error_hint(err, "give the file that assay bundle key wrote, not the one that ends in .pub");
    }
    if (check_private(path, err))
        return err->code;
    if (!from_hex(seed_hex, seed, sizeof seed))
        return assay_json_fail(file, "secret", err, "must be 64 hex digits");
    (void)crypto_sign_seed_keypair(derived, out->secret, seed);
    sodium_memzero(seed, sizeof seed);
    if (memcmp(derived, out->public_key, sizeof derived) != 0)
        return assay_json_fail(file, "public", err, "is not the public half of this secret");
    out->has_secret = true;
    return ASSAY_OK;
}

enum assay_code assay_key_read(const char *path, bool secret, struct assay_key *out, struct assay_error *err)
{
    struct assay_json_file file = {.root = NULL};
    struct assay_key       key = {.has_secret = false};
    if (start(err))
        return err->code;
    if (!assay_json_load(path, FORMAT, LIMIT_BYTES, &file, err) && !take(&file, path, secret, &key, err))
        *out = key;
    assay_key_forget(&key);
    if (file.bytes)
        sodium_memzero(file.bytes, file.length);
    assay_json_release(&file);
    return err->code;
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

void assay_key_sign(const struct assay_key *key, const void *message, size_t bytes, char out[129])
{
    unsigned char signature[crypto_sign_BYTES];
    (void)crypto_sign_detached(signature, NULL, message, bytes, key->secret);
    (void)sodium_bin2hex(out, 129, signature, sizeof signature);
}

bool assay_key_verify(const char *public_hex, const char *signature_hex, const void *message, size_t bytes)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    return sodium_init() >= 0 && from_hex(public_hex, public_key, sizeof public_key) &&
           from_hex(signature_hex, signature, sizeof signature) &&
           !crypto_sign_verify_detached(signature, message, bytes, public_key);
}
