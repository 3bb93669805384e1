/* The seal of a bundle: the hash of its manifest and, if it is signed, by whom. One form only, so that every byte of it counts. */
#ifndef ASSAY_STORE_BUNDLE_SEAL_H
#define ASSAY_STORE_BUNDLE_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/store/key.h"

#define ASSAY_SEAL_BYTES 512

/* seal.json for a manifest of that SHA-256 (64 hex digits); `key` NULL: not signed. */
void assay_seal_make(const char manifest_sha256[65], const struct assay_key *key, char out[ASSAY_SEAL_BYTES]);
/* Does seal[bytes] seal the manifest of that hash? NULL: yes, and if it is signed the signature holds; else what is wrong. */
const char *assay_seal_check(const char *seal, size_t bytes, const char manifest_sha256[65], char public_hex[65], bool *is_signed,
                             bool *signature_holds);

#endif
