#include "harness/store/bundle_seal.h"

#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

#define DIGITS 64
static const char begins[] = "{\n  \"format\": \"assay-seal/1\",\n  \"manifest_sha256\": \"", named[] = "\",\n  \"public_key\": \"",
                  by[] = "\",\n  \"signature\": \"", ends[] = "\"\n}\n";

static size_t message_of(const char manifest_sha256[65], char out[128])
{
    return (size_t)snprintf(out, 128, "assay bundle 1, SHA-256 of the manifest: %s\n", manifest_sha256);
}

static void print(const char *manifest_sha256, const char *public_hex, const char *signature, char out[ASSAY_SEAL_BYTES])
{
    bool is_signed = *public_hex;
    (void)snprintf(out, ASSAY_SEAL_BYTES, "%s%s%s%s%s%s%s", begins, manifest_sha256, is_signed ? named : "", public_hex,
                   is_signed ? by : "", signature, ends);
}

void assay_seal_make(const char manifest_sha256[65], const struct assay_key *key, char out[ASSAY_SEAL_BYTES])
{
    char message[128], signature[129] = "";
    if (key)
        assay_key_sign(key, message, message_of(manifest_sha256, message), signature);
    print(manifest_sha256, key ? key->public_hex : "", signature, out);
}

/* n hex digits at *at, behind `lead`; false: other text stands there. */
static bool take(const char **at, const char *lead, char *out, size_t n)
{
    size_t length = strlen(lead);
    if (strncmp(*at, lead, length) != 0 || strspn(*at + length, "0123456789abcdef") < n)
        return false;
    memcpy(out, *at + length, n);
    out[n] = 0;
    *at += length + n;
    return true;
}

const char *assay_seal_check(const char *seal, size_t bytes, const char manifest_sha256[65], char public_hex[65], bool *is_signed,
                             bool *signature_holds)
{
    char        text[ASSAY_SEAL_BYTES] = "", again[ASSAY_SEAL_BYTES], stated[DIGITS + 1], signature[2 * DIGITS + 1] = "", message[128];
    const char *at = text;
    *is_signed = *signature_holds = false;
    public_hex[0] = 0;
    if (bytes < sizeof text)
        memcpy(text, seal, bytes);
    if (!take(&at, begins, stated, DIGITS))
        return "seal.json: is no seal as it is written";
    if (take(&at, named, public_hex, DIGITS) && !take(&at, by, signature, sizeof signature - 1))
        return "seal.json: is no seal as it is written";
    print(stated, public_hex, signature, again);
    if (strlen(again) != bytes || memcmp(again, text, bytes) != 0)
        return "seal.json: is no seal as it is written";
    *is_signed = *public_hex;
    *signature_holds = *is_signed && assay_key_verify(public_hex, signature, message, message_of(manifest_sha256, message));
    if (strcmp(stated, manifest_sha256) != 0)
        return *signature_holds ? "seal.json: its hash of the manifest was changed; the signature is that of the manifest"
                                : "manifest.json: is not what seal.json says: one of the two was changed";
    return *is_signed && !*signature_holds ? "seal.json: the signature does not hold: key or signature was changed" : NULL;
}
