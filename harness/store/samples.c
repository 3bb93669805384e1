/* What a launch leaves in files of its own: their names, and its latency samples. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

#define SAMPLES_LIMIT_BYTES ((size_t)8 << 30)

#define BACKEND_SHOWN 60

/* Copies what is safe in a file name on any system; false if something was replaced or cut. */
static bool add_safe(struct assay_text *out, const char *from, size_t limit)
{
    size_t i = 0;
    bool same = true;
    for (; i < limit && from[i]; i++) {
        char c = from[i];
        bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '=';
        same = same && safe;
        assay_text_add(out, "%c", safe ? c : '_');
    }
    return same && !from[i];
}

/* Names of different back ends differ also where letters had to be replaced: then a hash of the name follows. */
void assay_run_folder_file(const char *kind, const char *id, const char *backend, uint32_t launch, char out[160])
{
    struct assay_text text = assay_text_over(out, 160);
    char hash[17];
    assay_text_add(&text, "%.10s/", kind);
    (void)add_safe(&text, id, 16);
    assay_text_add(&text, ".");
    if (!add_safe(&text, backend, BACKEND_SHOWN)) {
        assay_string_hex64(assay_hash_text(backend, 0), hash);
        assay_text_add(&text, "-%s", hash);
    }
    assay_text_add(&text, ".%u.%s", launch, strcmp(kind, "trace") == 0 ? "json" : "bin");
}

/* A record may come from anywhere: it must not lead out of the run folder. */
static bool is_ours(const char *file)
{
    const char *name = file + strlen("samples/");
    return strncmp(file, "samples/", strlen("samples/")) == 0 && *name && *name != '.' && !strchr(name, '/');
}

enum assay_code assay_samples_read(const char *folder, const struct assay_record *record, uint64_t **out, size_t *n,
                                   struct assay_error *err)
{
    char path[4096], sha256[65], *bytes;
    size_t length;
    if (!record->samples_file[0])
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "launch %u of case '%.100s' left no samples", record->launch,
                          record->case_name);
    if (!is_ours(record->samples_file))
        return ASSAY_FAIL(err, ASSAY_DATA, "samples must be a file in 'samples/', not '%.150s'", record->samples_file);
    if (assay_path_join(path, sizeof path, folder, record->samples_file, err) ||
        assay_file_read(path, SAMPLES_LIMIT_BYTES, &bytes, &length, err))
        return err->code;
    assay_sha256_hex(bytes, length, sha256);
    if (record->samples_sha256[0] && strcmp(sha256, record->samples_sha256) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: not the samples that were written: the record has another SHA-256",
                         path);
    else if (length % sizeof(uint64_t) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: %zu bytes are no whole number of samples", path, length);
    else {
        uint64_t *samples = (uint64_t *)(void *)bytes; /* as aligned as malloc's memory is */
        *n = length / sizeof *samples;
        for (size_t i = 0; i < *n; i++)
            samples[i] = le64toh(samples[i]);
        *out = samples;
        return ASSAY_OK;
    }
    free(bytes);
    return err->code;
}
