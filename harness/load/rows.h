/* Text of whole numbers as traces and tables of lengths are: a header, then lines of so many numbers with commas between. Nothing else may
 * stand in it, no blanks, no signs; a line ends in LF or CRLF, the last one perhaps in neither. */
#ifndef ASSAY_LOAD_ROWS_H
#define ASSAY_LOAD_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_ROWS_COLUMNS 4u

/* What such a file is: its name for people, how its first line may look, and for each look a header. */
struct assay_rows_kind {
    const char *what, *hint;      /* "a trace", "scheduled_ns[,sample_index]" */
    const char *const *headers;   /* ends with NULL */
    const char *const *names;     /* of columns */
    size_t limit_bytes;
};
struct assay_rows {
    char              *bytes; /* the file; free */
    const char        *first; /* the line behind the header */
    const struct assay_rows_kind *kind; /* borrowed */
    unsigned           header, columns; /* which header it is, and how many numbers its lines have */
};

/* ASSAY_DATA with path and line: another header, a byte 0, or a file that is too large. */
enum assay_code assay_rows_open(const char *path, const struct assay_rows_kind *kind, struct assay_rows *out, struct assay_error *err);
/* The line at `at`, and where the next one begins (at a NUL: there is none); unread values are 0. NULL: it is none, and *column the one that
 * is wrong, or as many as there are when it is the end of the line. Whole numbers are below 2^63. */
const char *assay_rows_read(const struct assay_rows *r, const char *at, uint64_t value[ASSAY_ROWS_COLUMNS], unsigned *column);
/* ASSAY_DATA: what is wrong in that column of the line at `at`; `wanted` is what it must be: "a whole number from 1 to 5". */
enum assay_code assay_rows_refuse(const struct assay_rows *r, const char *path, uint64_t line, const char *at, unsigned column, const char *wanted,
                                  struct assay_error *err);

#endif
