/* The reference against the oracle, element by element, on one small node with random inputs. Two statements are held against
 * the oracle's value t:
 *   own     |reference - t| <= claim. The claim is what the op's own bound leaves when the device rounds nothing: the same
 *           `at`, in an arithmetic whose unit roundoff is 2^-200, without the rounding of its result to double.
 *           It is asked of the value that comes without bounds too; not of f64, where those sums are not compensated.
 *   device  |reference - t rounded once to the output's format| <= bound, with the arithmetic that the node requires: a right
 *           device that rounds but once is never refused. */
#ifndef ASSAY_ORACLE_COMPARE_H
#define ASSAY_ORACLE_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "assay/text.h"
#include "harness/ir/samples.h"
#include "reference/formats/formats.h"

/* The small samples of every op, and nodes.inc behind them. */
size_t                     oracle_nodes(void);
const struct assay_sample *oracle_node(size_t i);

/* How the inputs are drawn: a row of a table, so that tests can walk all. */
struct oracle_inputs {
    const char *name;
    /* A number for a format, from two uniform ones in [0, 1). */
    double (*draw)(const struct assay_number_format *f, bool positive, double u, double v);
};
extern const struct oracle_inputs oracle_inputs[];

/* How many rows of the table there are for inputs of a type: whole numbers are drawn in two ways, small and large. */
size_t oracle_inputs_of(enum assay_dtype dtype);

struct oracle_case {
    const struct assay_sample *sample;
    enum assay_dtype     dtype;
    size_t               inputs; /* row of oracle_inputs, below oracle_inputs_of(dtype) */
    uint64_t             seed;
};

/* What was seen of one op; adds up. */
struct oracle_seen {
    size_t elements; /* of outputs */
    size_t own, device; /* compared: where the claim, where the bound is finite */
    size_t beyond;   /* of own and device together */
    double worst_own, worst_device; /* largest error over claim, over bound */
};

/* Adds to seen[row of ops.def]; the first element beyond goes into `wrong`. `off`: claims by which the reference's values are
 * put off before they are compared, to see that it is seen; 0. False: ir refuses this node in this type. */
bool oracle_compare(const struct oracle_case *c, double off, struct oracle_seen *seen, struct assay_text *wrong);

#endif
