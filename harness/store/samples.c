/* The latency samples of a launch, as the worker left them. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

#define SAMPLES_LIMIT_BYTES ((size_t)8 << 30)

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
