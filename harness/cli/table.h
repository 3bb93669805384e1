/* A table for a terminal: columns as wide as their widest cell, numbers to the right. Cells are escaped. */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "assay/error.h"

#define ASSAY_TABLE_MAX_COLUMNS 12

struct assay_table {
    const char *title[ASSAY_TABLE_MAX_COLUMNS]; /* a title that begins with '>' is right-aligned (without the '>') */
    size_t      n_columns, n_rows, capacity;
    char      **cell; /* owned */
};

/* Titles up to NULL. */
void assay_table_init(struct assay_table *t, const char *const *titles);
/* One row of as many cells as there are titles; texts are copied and escaped. Out of memory ends the row quietly. */
void assay_table_row(struct assay_table *t, const char *const *cells);
void assay_table_print(const struct assay_table *t, FILE *out);
void assay_table_release(struct assay_table *t);
/* 25557032 as 25,557,032. */
void assay_table_digits(char out[48], uint64_t n);

#endif
