/* What the ops' inference shares: types, shapes, axes, attributes. For ops/<op>.c; the pure functions on shapes serve
 * other folders too. */
#ifndef ASSAY_IR_INFER_H
#define ASSAY_IR_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

/* ---- refusing ------------------------------------------------------------------------------------------ */

#define ASSAY_INFER_NONE (-1)

/* Refuses with "Op 'node': input I 'name' f32[2,3] and input J 'name' f32[4]: <sentence>"; ASSAY_INFER_NONE leaves
 * an input out. The macro is ASSAY_CONFIG. */
ASSAY_PRINTF(6, 7)
void assay_infer_refuse(const struct assay_infer *in, struct assay_error *err, const char *where, int first,
                        int second, const char *fmt, ...);
#define ASSAY_INFER_REFUSE(in, err, first, second, ...) \
    (assay_infer_refuse((in), (err), ASSAY_HERE, (first), (second), __VA_ARGS__), ASSAY_CONFIG)

/* ---- types --------------------------------------------------------------------------------------------- */

/* Sets of dtypes: ONNX's type constraints as far as this project has the types. */
#define ASSAY_TYPE(dtype) (1u << (dtype))
#define ASSAY_TYPES_FLOAT \
    (ASSAY_TYPE(ASSAY_F64) | ASSAY_TYPE(ASSAY_F32) | ASSAY_TYPE(ASSAY_BF16) | ASSAY_TYPE(ASSAY_F16))
#define ASSAY_TYPES_WIDE (ASSAY_TYPES_FLOAT | ASSAY_TYPE(ASSAY_I64) | ASSAY_TYPE(ASSAY_I32))
#define ASSAY_TYPES_SIGNED (ASSAY_TYPES_WIDE | ASSAY_TYPE(ASSAY_I8))
#define ASSAY_TYPES_NUMERIC (ASSAY_TYPES_SIGNED | ASSAY_TYPE(ASSAY_U8))
#define ASSAY_TYPES_ORDERED (ASSAY_TYPES_NUMERIC | ASSAY_TYPE(ASSAY_BOOL))
#define ASSAY_TYPES_ANY (~0u)
#define ASSAY_TYPES_INDEX (ASSAY_TYPE(ASSAY_I64) | ASSAY_TYPE(ASSAY_I32))

/* ONNX's numbers of types (TensorProto.DataType), as attributes name them. ASSAY_DTYPE_NONE: a type we do not have; 0:
 * a type it does not have. */
enum assay_dtype assay_onnx_dtype(int64_t number);
int64_t          assay_onnx_number(enum assay_dtype dtype);

/* Input i (if it is there) has a dtype of the set. */
enum assay_code assay_infer_type(const struct assay_infer *in, int i, uint32_t types, struct assay_error *err);
/* Input i (if it is there) has the dtype of input `as`. */
enum assay_code assay_infer_same_type(const struct assay_infer *in, int as, int i, struct assay_error *err);
/* Input i (if it is there) has a rank in min..max. */
enum assay_code assay_infer_rank(const struct assay_infer *in, int i, int32_t min, int32_t max,
                                 struct assay_error *err);

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* The common shape of two by ONNX's (numpy's) rule: aligned at the last axis, lengths equal or 1. false: there is
 * none. out has room for ASSAY_MAX_RANK and may be one of the operands. */
bool assay_shape_broadcast(int32_t rank_a, const int64_t *a, int32_t rank_b, const int64_t *b, int32_t *rank,
                           int64_t *out);
/* Does a shape stretch to `to` without changing it? */
bool assay_shape_stretches(int32_t rank, const int64_t *dims, int32_t rank_to, const int64_t *to);
/* Elements of dims[begin, end). */
uint64_t assay_shape_count(const int64_t *dims, int32_t begin, int32_t end);

/* Input i, if it is there, must stretch to input `to`. */
enum assay_code assay_infer_stretches(const struct assay_infer *in, int i, int to, struct assay_error *err);
/* Input i, if it is there, must have the shape of input `as`. */
enum assay_code assay_infer_same_shape(const struct assay_infer *in, int as, int i, struct assay_error *err);
/* Fills output o, if it is wanted. */
void assay_infer_output(const struct assay_infer *in, int o, enum assay_dtype dtype, int32_t rank, const int64_t *dims);

/* Y = f(X) and C = f(A, B) element by element: types checked, shapes broadcast, output filled. */
enum assay_code assay_infer_unary(const struct assay_infer *in, uint32_t types, struct assay_error *err);
enum assay_code assay_infer_binary(const struct assay_infer *in, uint32_t types, struct assay_error *err);
/* The gradient of an element-wise op, from dY and a tensor of its type and shape: nothing broadcasts. */
enum assay_code assay_infer_pair(const struct assay_infer *in, uint32_t types, struct assay_error *err);
/* The same with a bool output. */
enum assay_code assay_infer_comparison(const struct assay_infer *in, uint32_t types, struct assay_error *err);
/* Y = A B as numpy.matmul of inputs 0 and 1: shapes checked, output filled with `out`. A vector on the left is one row, on the
 * right one column, and that axis is dropped again; axes before the last two broadcast. */
enum assay_code assay_infer_product(const struct assay_infer *in, enum assay_dtype out, struct assay_error *err);
/* Reduce*: axes from const input 1, keepdims, noop_with_empty_axes. An empty sum is 0 and an empty extreme is the
 * least or greatest number, but an empty mean is nothing: then `empty` is false. */
enum assay_code assay_infer_reduce(const struct assay_infer *in, uint32_t types, bool empty, struct assay_error *err);
extern const struct assay_attr_row assay_reduce_attrs[];

/* Which axes of input 0 a Reduce node of a built graph folds. */
void assay_reduce_axes(const struct assay_graph *g, const struct assay_node *node, bool folded[ASSAY_MAX_RANK]);

/* ---- attributes and const inputs ----------------------------------------------------------------------- */

/* Reads attribute `name` as an axis of input 0, from -rank to rank-1; it stands in the node as 0..rank-1 afterwards. */
enum assay_code assay_infer_axis(const struct assay_infer *in, const char *name, int32_t *axis,
                                 struct assay_error *err);
/* Integer attribute `name`, if it is there, lies in min..max. */
enum assay_code assay_infer_range(const struct assay_infer *in, const char *name, int64_t min, int64_t max,
                                  struct assay_error *err);
/* The dtype that stash_type names by ONNX's number of it: 1 is f32, 16 is bf16. */
enum assay_code assay_infer_stash(const struct assay_infer *in, enum assay_dtype *stash, struct assay_error *err);
/* Completes or replaces an attribute of the op's table. Lists hold at most ASSAY_ATTR_MAX_LENGTH numbers; text must
 * live as long as the program. */
void assay_infer_set_i64(const struct assay_infer *in, const char *name, int64_t value);
void assay_infer_set_f64(const struct assay_infer *in, const char *name, double value);
void assay_infer_set_text(const struct assay_infer *in, const char *name, const char *value);
void assay_infer_set_i64s(const struct assay_infer *in, const char *name, size_t n, const int64_t *list);

/* Input i must be a const of int64 numbers, a vector of at most `capacity`. The numbers are borrowed from it. */
enum assay_code assay_infer_const_i64s(const struct assay_infer *in, int i, size_t capacity, const int64_t **list,
                                       size_t *n, struct assay_error *err);

/* Const input i as a set of axes of a shape of `rank` axes, each named once; from -rank to rank-1. */
enum assay_code assay_infer_axes(const struct assay_infer *in, int i, int32_t rank, bool marked[ASSAY_MAX_RANK],
                                 struct assay_error *err);
/* Attribute `name` as a shape, of up to ASSAY_MAX_RANK lengths that are not negative. */
enum assay_code assay_infer_shape(const struct assay_infer *in, const char *name, int32_t *rank, int64_t *dims,
                                  struct assay_error *err);

/* ---- cost ---------------------------------------------------------------------------------------------- */

/* Elements of input i, of output o; 0 when absent. */
uint64_t assay_input_elements(const struct assay_graph *g, const struct assay_node *node, uint32_t i);
uint64_t assay_output_elements(const struct assay_graph *g, const struct assay_node *node, uint32_t o);

#endif
