/* Ops along one axis, row by row: a row is what lies along `axis` of input 0, everything but the place on it. */
#ifndef ASSAY_REFERENCE_ALONG_H
#define ASSAY_REFERENCE_ALONG_H

#include "reference/arithmetic.h"

/* A row's elements side by side. */
struct assay_ref_line {
    double *value, *error;
};

/* One row, of which some elements are wanted. */
struct assay_ref_row {
    const struct assay_ref_call *call;
    struct assay_ref_line        in[2]; /* copies of the inputs' rows: the op may write into them */
    struct assay_ref_line        own;   /* if the op asks for it */
    size_t                       length, count;
    const size_t                *place; /* of each of the `count` wanted elements: where its value goes */
    /* of the call */
    struct assay_ref_axis axis;
    const int64_t        *index;
    double               *value, *bound;
};

/* Where the i-th wanted element stands in the row. */
static inline size_t assay_ref_row_at(const struct assay_ref_row *row, size_t i)
{
    return (size_t)(row->index[row->place[i]] / row->axis.inner % row->axis.length);
}

/* Element k of an input. */
static inline struct assay_bounded assay_ref_row_in(const struct assay_ref_row *row, uint32_t input, size_t k)
{
    return bounded(row->in[input].value[k], row->in[input].error[k]);
}

static inline struct assay_ref_vector assay_ref_row_vector(const struct assay_ref_row *row, uint32_t input)
{
    return (struct assay_ref_vector){row->in[input].value, NULL, row->in[input].error};
}

/* Stores the i-th wanted element. */
static inline void assay_ref_row_put(const struct assay_ref_row *row, size_t i, struct assay_bounded b)
{
    assay_ref_put(row->call, row->place[i], b, row->value, row->bound);
}

struct assay_ref_along {
    uint32_t n_in; /* inputs that are read: 1 or 2 */
    bool     own;
    void (*each)(const struct assay_ref_row *row);
};
/* The `at` of such an op. Rows run on several threads. */
enum assay_code assay_ref_along(const struct assay_ref_along *op, const struct assay_ref_call *call, size_t n, const int64_t *index,
                                double *value, double *bound, struct assay_error *err);

#endif
