/* Comma-separated values after RFC 4180: quoted fields, doubled quotes, line ends within quotes; LF and CR LF; lines that begin
 * with # before the header are remarks. Bounded: a file from outside cannot make it take more than its limit. */
#ifndef ASSAY_MODEL_CSV_H
#define ASSAY_MODEL_CSV_H

#include <stddef.h>

#include "assay/error.h"

#define ASSAY_CSV_LIMIT_BYTES ((size_t)256 << 20)
#define ASSAY_CSV_COLUMNS 256

struct assay_csv {
    char        *bytes;             /* owned; the cells point into it */
    const char **cells;             /* owned; (n_rows + 1) * n_columns, the header first */
    size_t       n_columns, n_rows; /* rows without the header */
};
/* ASSAY_DATA: a row with more or fewer fields than the header (its line is told), a quote that does not end, a name twice. */
enum assay_code assay_csv_read(const char *path, struct assay_csv *out, struct assay_error *err);
enum assay_code assay_csv_parse(const char *text, size_t length, struct assay_csv *out, struct assay_error *err);
void            assay_csv_release(struct assay_csv *csv);
/* n_columns when there is none. */
size_t      assay_csv_column(const struct assay_csv *csv, const char *name);
const char *assay_csv_cell(const struct assay_csv *csv, size_t row, size_t column);

#endif
