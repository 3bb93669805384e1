/* The raw series of a run: rows of queries in a mapped file of fixed size. When it is full, every second row gives way, one for each new
 * one, so that at the end every k-th query of the whole run is there: k = 1, 2, 4, … */
#ifndef ASSAY_LOAD_SERIES_H
#define ASSAY_LOAD_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "harness/load/drive.h"

struct assay_series {
    struct assay_query_row *rows;     /* touched; borrowed */
    size_t                  capacity;
    size_t                  n, place; /* rows there; where the next one that gives way is looked for */
    uint64_t                every;    /* queries whose number is a multiple of it are kept */
};
void assay_series_init(struct assay_series *s, struct assay_query_row *rows, size_t capacity);
void assay_series_add(struct assay_series *s, const struct assay_query_row *row);
/* Rows of queries that are no multiple of `every` leave, and the others stand in the order of their numbers. */
void assay_series_finish(struct assay_series *s);

#endif
