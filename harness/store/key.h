/* Ed25519 keys (libsodium) that bundles are signed with. A key file is JSON:
 *
 *     {"format": "assay-key/1", "public": "<64 hex>"}                          to give away: FILE.pub
 *     {"format": "assay-key/1", "public": "<64 hex>", "secret": "<64 hex>"}    the seed; of mode 0600, and refused otherwise */
#ifndef ASSAY_STORE_KEY_H
#define ASSAY_STORE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"

struct assay_key {
    unsigned char public_key[32], secret[64]; /* libsodium's */
    char          public_hex[65];
    bool          has_secret;
};

/* A new pair, written to `path` (0600) and `path`.pub; neither may be there already. */
enum assay_code assay_key_make(const char *path, struct assay_key *out, struct assay_error *err);
/* Either file. `secret`: the secret half is needed; a file that others may read is then refused. */
enum assay_code assay_key_read(const char *path, bool secret, struct assay_key *out, struct assay_error *err);
void            assay_key_forget(struct assay_key *key);

/* 128 hex digits and NUL. */
void assay_key_sign(const struct assay_key *key, const void *message, size_t bytes, char out[129]);
/* By a public key as hex. False as well for what is no hex of that length. */
bool assay_key_verify(const char *public_hex, const char *signature_hex, const void *message, size_t bytes);

#endif
