/* Nodes of every op, from the rows of samples/: SAMPLE(op, inputs, attributes, outputs, fill), small enough to be computed by hand
 * or by slow oracles, and LONG(…), with sums and rows as long as in use, to measure errors on. The texts are those of
 * node_text.h; the type "f" is chosen by the caller, the fill is that of the float inputs. An op without a row does not build. */
#ifndef ASSAY_IR_SAMPLES_H
#define ASSAY_IR_SAMPLES_H

#include "harness/ir/node_text.h"

enum assay_sample_size { ASSAY_SAMPLE_SMALL = 1, ASSAY_SAMPLE_LONG = 2 };
enum assay_sample_fill { ASSAY_SAMPLE_SIGNED = 1, ASSAY_SAMPLE_POSITIVE = 2 };

struct assay_sample {
    char                   op[48], inputs[200], attrs[200];
    int                    n_outputs;
    enum assay_sample_fill fill;
    enum assay_sample_size size;
};

extern const struct assay_sample assay_samples[];
extern const size_t              assay_samples_n;

/* The sample's node in a new graph with its float inputs in `dtype` and filled by `fill`; `out` gets its outputs, `in` its inputs
 * (both with room for ASSAY_OP_MAX_OPERANDS). The caller marks outputs, finishes and frees. NULL: out of memory. */
struct assay_graph *assay_sample_graph(const struct assay_sample *s, enum assay_dtype dtype, struct assay_fill fill, int32_t *in,
                                       size_t *n_in, int32_t *out);
/* By the row's own fill: uniform, signed or positive. */
struct assay_fill assay_sample_fill_of(const struct assay_sample *s);

#endif
