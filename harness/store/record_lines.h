/* The lines of records.jsonl: one a record, in a chain (chain.h). */
#ifndef ASSAY_STORE_RECORD_LINES_H
#define ASSAY_STORE_RECORD_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/store/record.h"

struct assay_record_lines {
    struct assay_record *records; /* one a line; free */
    size_t               n;
    char                 last[65]; /* SHA-256 of the last whole line, 64 zeroes when there is none */
    uint64_t             bytes;    /* of all whole lines */
    char                *torn;     /* what stands behind them; NULL when nothing does; free */
    size_t               torn_bytes;
};

/* Reads the file at `path`. A torn last line is no error but ends up in `torn`; any other line that is not what its
 * checksums say, or is no record, is ASSAY_DATA and named. */
enum assay_code assay_record_lines_read(const char *path, struct assay_record_lines *out, struct assay_error *err);
void            assay_record_lines_release(struct assay_record_lines *lines);

/* The line of a record that comes after the line whose SHA-256 is `before`, newline included, and its own SHA-256.
 * Free *line. */
enum assay_code assay_record_line_make(const struct assay_record *record, const char before[65], char **line,
                                       size_t *length, char hash[65], struct assay_error *err);

#endif
