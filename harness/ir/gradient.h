/* What a gradient rule is given and fills: the derivative of one node, as nodes of the same graph. For ops/<op>.c; the
 * walk over a graph that calls the rules is transform/gradient.h.
 *
 * A rule answers: with dy[o] = d(loss)/d(output o), what is dx[i] = d(loss)/d(input i)? It builds with assay_graph_op
 * like any builder: a mistake stays in the graph. */
#ifndef ASSAY_IR_GRADIENT_H
#define ASSAY_IR_GRADIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

/* Inputs and outputs have ASSAY_OP_MAX_OPERANDS entries whatever the node has. */
struct assay_gradient {
    struct assay_graph      *graph;  /* under construction: pointers into it move with the next node */
    const struct assay_node *node;   /* a copy that stays; with recomputation its operands are the recomputed ones */
    const int32_t           *dy;     /* by output: its gradient, or ASSAY_NO_VALUE when the loss does not hang on it */
    const bool              *wanted; /* by input: somebody asks for it */
    int32_t                 *dx;     /* by input, ASSAY_NO_VALUE at first; left so where the loss does not hang on it */
};

/* A node of the gradient; its output gets a name of its own, derived from the node's. Returns the first output. */
int32_t assay_gradient_op(const struct assay_gradient *q, const char *op, const int32_t *inputs, size_t n_inputs,
                          const struct assay_attr *attrs);
/* The same with several outputs; want[o] false: not wanted, out[o] is ASSAY_NO_VALUE. */
void assay_gradient_op_outputs(const struct assay_gradient *q, const char *op, const int32_t *inputs, size_t n_inputs,
                               const struct assay_attr *attrs, const bool *want, size_t n_outputs, int32_t *out);
/* One and two operands, no attributes. */
int32_t assay_gradient_unary(const struct assay_gradient *q, const char *op, int32_t x);
int32_t assay_gradient_binary(const struct assay_gradient *q, const char *op, int32_t a, int32_t b);
/* A const scalar of the dtype of `like`. */
int32_t assay_gradient_number(const struct assay_gradient *q, int32_t like, double number);
/* A const list of int64 numbers. */
int32_t assay_gradient_i64s(const struct assay_gradient *q, size_t n, const int64_t *numbers);
/* `x` under the shape of `like`: the same elements (Reshape), or x itself when it has that shape. */
int32_t assay_gradient_shape_as(const struct assay_gradient *q, int32_t x, int32_t like);
int32_t assay_gradient_reshape(const struct assay_gradient *q, int32_t x, int32_t rank, const int64_t *dims);
int32_t assay_gradient_transpose(const struct assay_gradient *q, int32_t x, const int64_t *perm);
/* Undoes broadcasting: sums `x` over the axes along which `like` was stretched to x's shape. */
int32_t assay_gradient_sum_to(const struct assay_gradient *q, int32_t x, int32_t like);
/* `x`, of the shape of a Reduce node's output, with the folded axes back as lengths of one: it broadcasts to the input. */
int32_t assay_gradient_kept(const struct assay_gradient *q, int32_t x);
/* What a Reduce node made smaller, at its input's size again: every element of `x` (the output's shape) repeated. */
int32_t assay_gradient_expand_reduced(const struct assay_gradient *q, int32_t x);
/* The gradient of ReduceMax (largest) and ReduceMin. */
int32_t assay_gradient_reduce_extreme(const struct assay_gradient *q, bool largest);
/* Zeros of x's type under a shape: one number, repeated. */
int32_t assay_gradient_zeros(const struct assay_gradient *q, int32_t like, int32_t rank, const int64_t *dims);
/* dy where the mask holds, else 0, or the other way round with `otherwise`; summed to the shape of `like`. */
int32_t assay_gradient_where(const struct assay_gradient *q, int32_t mask, int32_t dy, bool otherwise, int32_t like);
/* An attribute that is a list. */
struct assay_attr assay_gradient_list(const char *name, size_t n, const int64_t *numbers);
/* All attributes of the node, ended: for a gradient op that takes the attributes of its op. `room` has
 * ASSAY_GRADIENT_MAX_ATTRS entries; returns their number, so that more can be appended. */
#define ASSAY_GRADIENT_MAX_ATTRS 24
size_t assay_gradient_attrs(const struct assay_gradient *q, struct assay_attr *room);

/* A rule for ops whose derivative is zero wherever it exists. */
void assay_gradient_zero(const struct assay_gradient *q);

#endif
