/* A device on paper: one op of a small graph, computed as a matrix unit adds up (reference/unit) and in float where rows are
 * normalized, so that what the judge is shown has the roundings of an honest device, or of one of a lower class. */
#ifndef ASSAY_FAULTS_PAPER_H
#define ASSAY_FAULTS_PAPER_H

#include <stdbool.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "reference/unit/unit.h"

struct assay_paper {
    struct assay_matrix_unit unit;     /* of every sum: products, reductions, statistics */
    bool                     one_pass; /* variances as E[x^2] - E[x]^2 */
};

/* What f32 asks for: one fused multiply-add after another. */
enum assay_code assay_paper_honest(struct assay_paper *out, struct assay_error *err);

/* The graph is inputs, casts of them, and one node. in[v]: value v in double if it is an input of the graph; else NULL is
 * passed over. out[o] gets the o-th output of the graph (room for its elements) before it is rounded to its format: sums are
 * numbers of the accumulator already. */
enum assay_code assay_paper_compute(const struct assay_paper *paper, const struct assay_graph *g, const double *const *in,
                                    double *const *out, struct assay_error *err);

/* rows.c. Softmax, norms and sums along the last axis (sums: along any) in float with the unit's sums; false: the node is none of
 * these, or of another form. in and out are the node's operands in double. */
bool assay_paper_rows(const struct assay_paper *paper, const struct assay_graph *g, const struct assay_node *node,
                      const double *const *in, double *out);

#endif
