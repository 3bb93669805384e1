/* Where a graph goes astray on a device: every node judged by itself, from the device's own inputs (assurance `local`), beside
 * the error that had arrived before it.
 *
 * With y what the device holds of a value, e what the reference makes of the node from the device's own inputs, and r what it makes
 * of the whole graph from the graph's inputs,
 *
 *     y - r  =  (y - e)      +  (e - r)
 *     error  =  added here   +  carried: the error of the operands times the condition of the node
 *
 * so that of every node's error it is known which part is its own. Its own part has its own bound, that of one op
 * (reference.h, worst case): a node whose added error is beyond it diverges, however small the error at the end.
 *
 * What a device shows of a value is rounded to the value's type; the next node may have read it before that. So a node that is
 * beyond its bound is judged again with room for one rounding of each operand that a node wrote: within that, it does not diverge,
 * and `wide` says that the device kept its operands wider than it shows them. */
#ifndef ASSAY_VERIFY_LAYERS_H
#define ASSAY_VERIFY_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

/* One value that a node wrote. Errors are root mean squares over the compared elements, relative to the root mean square of r
 * there; NaN where nothing can be said: whole numbers, or no r. */
struct assay_layer {
    uint32_t node;
    int32_t  value;
    uint64_t compared, unknown; /* elements; those whose bound is infinite, which nothing is said of */
    bool     wide;              /* the bound has room for a rounding of each operand; it was needed */
    bool     strange;           /* an element uses over half of a bound that allows many roundings (check.h); not told of a wide one */
    double   ratio;             /* largest |y - e| / bound; NaN: nothing was compared; above 1: diverges */
    double   strain;            /* the same beyond the rounding of the result, h: (|y - e| - h) / (b - h); says more of sums */
    int64_t  worst_index;
    double   observed, expected, bound; /* there */
    double   in;                /* largest error of the values that it reads */
    double   added, carried, out; /* y - e, e - r, y - r */
};

static inline bool assay_layer_diverges(const struct assay_layer *l)
{
    return l->ratio > 1;
}

/* What is known of a graph's values, each array with an entry a value: y as the device's bytes (of inputs, controls, params and
 * states what the harness gave), and r in double, of its first `compared` elements in the order of assay_layer_element. NULL:
 * not known. */
struct assay_layer_values {
    const void *const   *device;
    const double *const *reference;
    const double        *error; /* of each value, as `out` of its layer; 0 for what is given */
};

/* How many elements of a value are looked at when at most `most` are, and the k-th of them: all, or evenly spread ones. */
uint64_t assay_layer_elements(const struct assay_value *v, uint64_t most);
int64_t  assay_layer_element(const struct assay_value *v, uint64_t most, uint64_t k);

/* |y - e| / b of one element: e that is not finite must be met in kind and sign (0 or infinity); where b is 0, y = e. NaN: b is
 * infinite, so that nothing can be said. */
double assay_layer_ratio(double observed, double expected, double bound);

/* Judges every value that node `node` of `g` writes: out[] has room for its outputs, *n are filled. All that the node reads must
 * be known of the device. At most `most` elements of each are compared. */
enum assay_code assay_layer_check(const struct assay_graph *g, uint32_t node, const struct assay_layer_values *known, uint64_t most,
                                  struct assay_layer *out, size_t *n, struct assay_error *err);

/* r of all values with wanted[v], which nodes write and which are outputs of `g`: r[v] is new, n doubles as assay_layer_elements
 * says. given[v]: bytes of what no node writes. */
enum assay_code assay_layer_reference(const struct assay_graph *g, const void *const *given, const bool *wanted, uint64_t most,
                                      double **r, struct assay_error *err);

#endif
