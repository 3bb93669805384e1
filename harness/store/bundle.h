/* A bundle: an archive (archive.h) with everything that a result rests on, and what shows that nothing in it was changed.
 *
 *     manifest.json   "assay-bundle/1": of every other file its name, size and SHA-256; what the bundle was made of
 *     seal.json       "assay-seal/1": the SHA-256 of manifest.json and, if it is signed, public key and signature (Ed25519, key.h) of
 *                     the text "assay bundle 1, SHA-256 of the manifest: <64 hex>\n"
 *     …               the files themselves
 *
 * Every byte is covered: files by the manifest, the manifest by the seal, the seal and all between files by having one form only.
 * Without a signature whoever changes a file can write manifest and seal anew. */
#ifndef ASSAY_STORE_BUNDLE_H
#define ASSAY_STORE_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/base/file.h"
#include "harness/store/archive.h"
#include "harness/store/key.h"

#define ASSAY_BUNDLE_MANIFEST "manifest.json"
#define ASSAY_BUNDLE_SEAL "seal.json"

/* ---- making ---- */

struct assay_bundle_source {
    char name[ASSAY_ARCHIVE_NAME_BYTES]; /* in the bundle */
    char path[1024];                     /* of the file that it is */
};
struct assay_bundle_sources {
    struct assay_bundle_source *source; /* free with assay_bundle_sources_release */
    size_t                      n, room;
};
/* The file at `path` under `name`. */
enum assay_code assay_bundle_add(struct assay_bundle_sources *to, const char *name, const char *path, struct assay_error *err);
/* Every file below `folder` under `prefix`/…, but for the names[] (up to NULL) directly in it. A link or anything that is neither
 * file nor folder is ASSAY_CONFIG. */
enum assay_code assay_bundle_add_folder(struct assay_bundle_sources *to, const char *prefix, const char *folder,
                                        const char *const *but_for, struct assay_error *err);
void            assay_bundle_sources_release(struct assay_bundle_sources *sources);

/* Writes the bundle to `path`: the old file or the new, never a mixture. `about` are members of the manifest (borrowed; neither
 * "format" nor "files"); `key` NULL: not signed. Sources are sorted. Same files, `about` and key: same bytes. */
enum assay_code assay_bundle_write(const char *path, struct assay_bundle_sources *sources, json_t *about, const struct assay_key *key,
                                   struct assay_error *err);

/* ---- reading ---- */

struct assay_bundle {
    struct assay_mapped_file     map;
    struct assay_archive_member *members; /* in order of names */
    size_t                       n;
    json_t                      *manifest;            /* NULL if its bytes are no manifest any more: a finding says so */
    char                         manifest_sha256[65]; /* of its bytes as they are */
    bool                         is_signed, signature_holds;
    char                         public_hex[65]; /* of the key that the seal names; "" when it is not signed */
    char                       **findings;       /* a sentence each on what is not as it was packed */
    size_t                       n_findings;
};
/* Reads all of it and compares. What differs is a finding; ASSAY_DATA is for what is no bundle at all: truncated, hostile, without
 * manifest or seal. The file must not shrink while it is open. Free with assay_bundle_close, also after failure. */
enum assay_code assay_bundle_open(const char *path, struct assay_bundle *out, struct assay_error *err);
void            assay_bundle_close(struct assay_bundle *bundle);
/* One more, said by who goes on looking. False: out of memory. */
ASSAY_PRINTF(2, 3)
bool assay_bundle_find(struct assay_bundle *bundle, const char *fmt, ...);

/* Writes the members whose names begin with `prefix` below `folder` (made if it is not there), without the prefix. Every file is
 * new: what is there already is never written to, and no link is followed below `folder`. */
enum assay_code assay_bundle_unpack(const struct assay_bundle *bundle, const char *prefix, const char *folder, struct assay_error *err);

#endif
