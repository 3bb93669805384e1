/* The judge's arithmetic: every op in double, element by element, with a bound on how far a correct device may be
 * from it. Shares nothing with any back end. One file an op in ops/; readable enough to be the documentation.
 *
 * A bound is running error analysis: given operands x with |error| <= e, an op returns its value and a bound on
 *   |value - what a device computes| =  (propagated operand errors) + (the device's own roundings, by the class of
 *   arithmetic that the data types require) + (the reference's own roundings in double).
 * It depends on formats, reduction lengths and magnitudes, never on who computed. */
#ifndef ASSAY_REFERENCE_H
#define ASSAY_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

/* The arithmetic a device must at least do for a node: what rounds, and by how much. */
struct assay_arithmetic {
    double accumulate; /* unit roundoff of sums and of element-wise steps: 2^-24 for f32 and for 16-bit inputs, 2^-53 for f64 */
    double tiny;       /* absolute error of a step that may flush a subnormal: smallest normal of the accumulator */
    double store;      /* unit roundoff of the output format, 0 for integers */
    double store_tiny; /* the same floor for the output format */
    double deviations; /* sums: so many standard deviations of their roundings in place of the worst; 0: the worst */
    double bridge;     /* with deviations: so many scales of the part of the roundings that hangs on the order; 0: its deviation */
    double quantum;    /* power of two that every term of the op's sum is a multiple of: a sum whose magnitudes add up to no more
                          than quantum / accumulate is exact in any order. 0: not known */
    bool   compensated; /* the reference makes sums with twice double\'s precision: where the accumulator is double */
};
/* From the output's and inputs' dtypes of the node. */
struct assay_arithmetic assay_arithmetic_required(const struct assay_graph *g, const struct assay_node *node);

/* A tensor as the reference holds it. error NULL = exact. */
struct assay_ref_tensor {
    enum assay_dtype dtype; /* the format it has on the device */
    int32_t          rank;
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements;
    const double    *value; /* NULL: an absent optional input, or an output not computed yet */
    const double    *error; /* absolute, >= 0, or NULL */
    double           quantum; /* power of two that all elements are multiples of, all of them exact; 0: none that could matter */
};

struct assay_ref_multiplier;

struct assay_ref_call {
    const struct assay_graph      *graph;
    const struct assay_node       *node;
    const struct assay_ref_tensor *in;  /* n_inputs */
    const struct assay_ref_tensor *out; /* n_outputs: shapes and dtypes */
    uint32_t                       output; /* which output is asked for */
    struct assay_arithmetic        arithmetic;
    bool values_only; /* bounds are thrown away: an op may leave bound[], which is there all the same, as it is */
    const struct assay_ref_multiplier *multiplier; /* NULL: sums in double. With values_only and whole outputs, MatMul, MatMulInteger, Gemm, Conv
                                                      and its gradients, the grouped products and Attention sum by it (dense.h) */
};

struct assay_op_reference {
    /* value[i], bound[i] of the output element with flat row-major index index[i], i < n. */
    enum assay_code (*at)(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err);
    /* Optional, where the op is linear in an operand, so that a sum over one axis of the output is much cheaper than
     * its elements: sum over j of weight[j] * out[.., j, ..] along `axis` (from 0), for n chosen positions given as
     * flat indices into the output's shape with that axis removed. Returns ASSAY_UNSUPPORTED for an axis it does not
     * fold. NULL: never. */
    enum assay_code (*fold)(const struct assay_ref_call *call, int32_t axis, const double *weight, size_t n,
                            const int64_t *index, double *value, double *bound, struct assay_error *err);
    bool exact; /* moves, changes signs and chooses: rounds nothing */
    /* Its elements are one sum each of products of inputs 0 and 1, or of elements of input 0, and perhaps one element of a third
     * input: quantum of the terms, 0: not known. NULL: they are not. The errors of a device that rounds to nearest then have a
     * known distribution. */
    double (*quantum)(const struct assay_ref_call *call);
};

/* The row's constant: ASSAY_OP_REFERENCE(MatMul) = { .at = …, .fold = … }; */
#define ASSAY_OP_REFERENCE(name) const struct assay_op_reference assay_op_reference_##name
#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) \
    extern const struct assay_op_reference assay_op_reference_##name;
#include "harness/ir/ops.def"
#undef ASSAY_OP

const struct assay_op_reference *assay_reference_of(const struct assay_op_row *row);

/* Relative accuracy asked of elementary functions, in units in the last place of the accumulator: the full-profile
 * column of the OpenCL 3.0 C specification, section 7.4 (exp 3, log 3, tanh 5, erf 16, sqrt 3, division 2.5, sin and cos 4,
 * pow 16, …). */
struct assay_ref_ulps {
    double exp, log, tanh, erf, sqrt, divide, reciprocal_sqrt, sin, cos, pow;
};
extern const struct assay_ref_ulps assay_reference_ulps;

/* ---- a whole graph (execute.c) ------------------------------------------------------------------------- */

/* Values of a graph in double. Made by assay_reference_new; owns everything it computed. */
struct assay_reference;

/* Which bounds. Worst-case bounds hold whatever the signs of all roundings are, and grow by a factor with every op; in a
 * deep graph they say nothing. Statistical bounds hold but for a stated probability (README.md): the graph is computed
 * three more times with every element moved by its own rounding error, up or down by chance. */
enum assay_bounds {
    ASSAY_BOUNDS_AUTO = 0, /* statistical if a path through the graph has over ASSAY_DEEP_NODES nodes that round */
    ASSAY_BOUNDS_WORST_CASE = 1,
    ASSAY_BOUNDS_STATISTICAL = 2,
    ASSAY_BOUNDS_NONE = 3, /* values alone; every bound is infinite */
};
#define ASSAY_DEEP_NODES 8
#define ASSAY_REPLICAS 3
#define ASSAY_FALSE_ALARM 1e-6 /* that a right execution of the graph has any element or sum beyond its statistical bound */
enum assay_bounds assay_bounds_of(const struct assay_graph *g); /* what AUTO means */

/* `bound[v]` gives the bytes bound to value v (as in device memory) or NULL for values that nodes write;
 * consts come from the graph. Inputs are converted on first use and may be released after _free. */
enum assay_code assay_reference_new(const struct assay_graph *g, const void *const *bound, struct assay_reference **out,
                                    struct assay_error *err);
enum assay_code assay_reference_new_with(const struct assay_graph *g, const void *const *bound, enum assay_bounds bounds,
                                         struct assay_reference **out, struct assay_error *err);
enum assay_bounds assay_reference_bounds(const struct assay_reference *r); /* never AUTO */
void            assay_reference_free(struct assay_reference *r);
/* Value v, which is given, stands for numbers that were rounded to its type once, to nearest: each may be off by half a unit in
 * its last place. Of floats, with worst-case bounds, before any element is asked for. */
void            assay_reference_was_rounded(struct assay_reference *r, int32_t value);
/* How many elements and sums will be compared in all, which share ASSAY_FALSE_ALARM: fewer make statistical bounds narrower.
 * Before any element is asked for. Unsaid: all elements of the outputs, and six sums for each. */
void            assay_reference_will_compare(struct assay_reference *r, double comparisons);

/* Chosen elements of value v with bounds. Values before it are computed in full, once, as needed; v itself only at
 * the chosen elements. (With statistical bounds or none, all outputs of the graph at once, in full; what lies between
 * is forgotten when its last reader has read it, and computed again should it be asked for.) Work is spread over threads; results do not depend on how many. */
enum assay_code assay_reference_at(struct assay_reference *r, int32_t value, size_t n, const int64_t *index,
                                   double *out, double *bound, struct assay_error *err);
/* The same where the op of value v makes one sum of products of exact operands (assay_reference_is_sum says which ops do): in place
 * of the worst case of the sum's roundings what those of a device do that rounds to nearest, each of no other's doing, and whose order of
 * summation knows nothing of the terms. With chance 0 their standard deviation, else what they exceed at one element with that
 * probability at most (README.md, probable bounds). Everything else in the bound is as in the worst case. ASSAY_UNSUPPORTED: it does
 * not, or what it is made of is not exact. */
enum assay_code assay_reference_at_probable(struct assay_reference *r, int32_t value, double chance, size_t n, const int64_t *index,
                                            double *out, double *bound, struct assay_error *err);
bool            assay_reference_is_sum(const struct assay_graph *g, int32_t value);
/* A weighted sum along an axis of value v, at chosen positions (as `fold` above); by the op's own fold when it has
 * one, else by its elements. */
enum assay_code assay_reference_fold(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                     size_t n, const int64_t *index, double *out, double *bound,
                                     struct assay_error *err);
/* Sums over the whole of value v, in statistical bounds only: `terms` says for elements [first, first + n) into which sum
 * each goes and with what weight. One pass for all sums. After an element of v was asked for, several threads may make sums. */
enum assay_code assay_reference_sums(struct assay_reference *r, int32_t value, size_t n_sums,
                                     void (*terms)(void *self, uint64_t first, size_t n, size_t *sum, double *weight),
                                     void *self, double *out, double *bound, struct assay_error *err);
/* About how many double operations everything costs that must be computed before an output's elements. */
double assay_reference_preparing_cost(const struct assay_reference *r);
/* About how many bytes the same takes at its height. */
double assay_reference_preparing_bytes(const struct assay_reference *r);
/* About how many double operations `at` of n elements costs, and a fold of n positions. For choosing what to check. */
double assay_reference_at_cost(const struct assay_reference *r, int32_t value, size_t n);
double assay_reference_fold_cost(const struct assay_reference *r, int32_t value, int32_t axis, size_t n);
/* Everything of value v, rounded to its own format into `to` (v's bytes). */
enum assay_code assay_reference_store(struct assay_reference *r, int32_t value, void *to, struct assay_error *err);

#endif
