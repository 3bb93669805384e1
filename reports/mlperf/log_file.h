/* Reads a detail log, ours or another's: the value of each key, the first where one repeats, as the submission checker takes them. */
#ifndef ASSAY_MLPERF_LOG_FILE_H
#define ASSAY_MLPERF_LOG_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

struct assay_mlperf_log {
    json_t  *values; /* key to value; owned. A whole number beyond 2^63 - 1 is kept by assay_mlperf_log_u64 alone */
    uint64_t lines, errors; /* marked; those of them with is_error */
};
/* Lines without ":::MLLOG" in front are skipped. ASSAY_DATA with the line: the first is not marked, one is no JSON object with key, value
 * and metadata.is_error; and when the file is larger than 256 MiB. */
enum assay_code assay_mlperf_log_read(const char *path, struct assay_mlperf_log *out, struct assay_error *err);
void            assay_mlperf_log_release(struct assay_mlperf_log *log);

/* false: the key is not there, or its value is of another kind. */
bool assay_mlperf_log_u64(const struct assay_mlperf_log *log, const char *key, uint64_t *out);
bool assay_mlperf_log_f64(const struct assay_mlperf_log *log, const char *key, double *out);
bool assay_mlperf_log_truth(const struct assay_mlperf_log *log, const char *key, bool *out);
/* Borrowed; NULL: there is none. */
const char *assay_mlperf_log_text(const struct assay_mlperf_log *log, const char *key);

#endif
