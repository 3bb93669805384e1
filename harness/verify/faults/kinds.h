/* Kinds of faults: what a wrong device can do, one row each, and how it is planted in an outcome that would have been honest. */
#ifndef ASSAY_FAULTS_KINDS_H
#define ASSAY_FAULTS_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/random.h"
#include "harness/ir/samples.h"
#include "harness/verify/faults/paper.h"

/* What a subject (subjects.h) is; a kind applies where all of its traits are there and none of those it spares. */
enum assay_fault_trait {
    ASSAY_FAULT_ANY = 0,
    ASSAY_FAULT_MATRIX = 1 << 0,     /* an output of several rows and columns */
    ASSAY_FAULT_SUMS = 1 << 1,       /* sums of random terms, made by the unit */
    ASSAY_FAULT_PRODUCT = 1 << 2,    /* A[M,K] B[K,N], both plain */
    ASSAY_FAULT_BIAS = 1 << 3,       /* input 2 is added at the end */
    ASSAY_FAULT_FACTOR = 1 << 4,     /* Gemm with an alpha */
    ASSAY_FAULT_CONV = 1 << 5,       /* 3 x 3, padded by 1, two spatial axes */
    ASSAY_FAULT_ATTENTION = 1 << 6,
    ASSAY_FAULT_CAUSAL = 1 << 7,
    ASSAY_FAULT_NORM = 1 << 8,       /* along the last axis, scale in input 1 */
    ASSAY_FAULT_CENTRED = 1 << 9,    /* a norm that takes the mean away, bias in input 2 */
    ASSAY_FAULT_SOFTMAX = 1 << 10,   /* along the last of two axes */
    ASSAY_FAULT_REDUCTION = 1 << 11, /* along the last of two axes */
    ASSAY_FAULT_MEAN = 1 << 12,
    ASSAY_FAULT_MAX = 1 << 13,
    ASSAY_FAULT_GELU = 1 << 14,
    ASSAY_FAULT_GATHER = 1 << 15,    /* indices in input 1 */
    ASSAY_FAULT_ADAM = 1 << 16,
    ASSAY_FAULT_BYTES = 1 << 17,     /* u8 by i8 */
    ASSAY_FAULT_HALF = 1 << 18,      /* operands are numbers of f16 */
    ASSAY_FAULT_FULL = 1 << 19,      /* operands are of f32 with all their bits */
    ASSAY_FAULT_F32 = 1 << 20,       /* the output is of f32 and takes all its bits */
    ASSAY_FAULT_ROUNDED = 1 << 21,   /* the last rounding is to a format narrower than the accumulator, or the only one */
    ASSAY_FAULT_WIDE = 1 << 22,      /* magnitudes over many powers of two */
    ASSAY_FAULT_FEW = 1 << 23,       /* whole numbers, many alike */
    ASSAY_FAULT_LARGE = 1 << 24,     /* more elements than a witness keeps: the rest stands in sums alone */
};

/* One tensor that an edit may change. */
struct assay_fault_tensor {
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements;
    double          *at;
    const double    *honest; /* as it was, or NULL: the edited node has it in another shape, or the right one has none */
    uint64_t         of_honest; /* elements there are of it */
    const double    *other;  /* the same of another draw of the operands */
};
struct assay_fault_outputs {
    struct assay_fault_tensor y;   /* the first output, rounded to its format */
    const double             *unstored; /* before that */
    double                    rms, largest; /* of its finite elements: root of the mean square, largest magnitude */
    unsigned char            *bytes;        /* of kinds that are raw: as the device leaves them */
    const unsigned char      *poison;       /* what stood there before */
    const bool               *kept;         /* by element: the witness keeps it singly; NULL: all */
    const double *const      *in;           /* operands, as inputs of the node */
    const struct assay_fault_tensor *operand; /* the same with their shapes */
    double                    size;
    struct assay_random      *random;
};
struct assay_fault_operands {
    struct assay_fault_tensor in[8]; /* by input of the node; at NULL: absent or a const */
    size_t                    n;
    double                    size;
    struct assay_random      *random;
};

enum assay_fault_flag {
    ASSAY_FAULT_LOCAL = 8,  /* of few elements, anywhere: also planted in subjects that are LARGE, where judging takes long */
    ASSAY_FAULT_RAW = 1,    /* the edit of outputs is of bytes */
    ASSAY_FAULT_WHOLE = 2,  /* sizes are whole numbers */
    ASSAY_FAULT_AGAIN = 4,  /* right, but the next iteration has other bits: nothing to fail, to be told */
};
struct assay_fault_kind {
    char     name[32], sentence[140];
    char     unit[64];         /* what its size means; "": it has none */
    char     why_missed[160];  /* why it may be missed where it is; "": it must not be */
    unsigned needs, spares, flags;
    double   low, high;        /* sizes that are tried; high is the worst */
    void (*outputs)(struct assay_fault_outputs *o);
    void (*operands)(struct assay_fault_operands *o);
    void (*node)(struct assay_sample *s, double size); /* edits its texts; room as in struct assay_sample */
    enum assay_code (*paper)(struct assay_paper *p, struct assay_error *err);
};
extern const struct assay_fault_kind assay_fault_kinds[];
extern const size_t                  assay_fault_kinds_n;

/* NULL: there is none of that name. */
const struct assay_fault_kind *assay_fault_kind_named(const char *name);
bool assay_fault_applies(const struct assay_fault_kind *kind, unsigned traits);

/* ---- what the rows are made of: outputs.c, operands.c, nodes.c, arithmetics.c -------------------------------------- */

#define ASSAY_FAULT_OUTPUTS(X) \
    X(element_off) X(element_off_unsampled) X(element_off_of_terms) X(bit_flipped) X(row_off) X(column_off) X(tile_off) X(scaled) X(shifted) X(noise) \
    X(sign_lost) X(element_zero) X(element_nan) X(element_infinite) X(all_zero) X(all_one_value) X(elements_swapped) X(rows_swapped) \
    X(columns_swapped) X(axes_swapped) X(last_unwritten) X(tile_unwritten) X(nothing_written) X(tile_of_neighbour) X(moved_by_one) \
    X(previous) X(stored_bf16) X(stored_f16) X(stored_toward_zero) X(flushed) X(cut_off) X(softmax_term_missing) X(mean_by_less)
#define ASSAY_FAULT_OPERANDS(X) \
    X(tail_missing) X(term_missing) X(term_twice) X(terms_crossed) X(row_of_neighbour) X(moved_along) X(transposed) X(operand_off) \
    X(operand_stale) X(bias_missing) X(bias_twice) X(edge_padding) X(causal_by_one) X(cache_row_stale) X(heads_crossed) \
    X(variance_by_less) X(scale_missing) X(index_by_one) X(decay_coupled) X(momentum_shared) X(gradient_dropped) X(rate_off)
#define ASSAY_FAULT_NODES(X) \
    X(factor_ignored) X(padding_explicit) X(phase_by_one) X(unscaled) X(masked) X(epsilon_times) X(first_axis) X(by_tanh) X(min_for_max) \
    X(uncorrected) X(no_decay) X(beta_off)
#define ASSAY_FAULT_PAPERS(X) \
    X(sums_f16) X(sums_bf16) X(sums_toward_zero) X(operands_tf32) X(operands_bf16) X(products_f16) X(saturating16) X(one_pass) \
    X(unit_fp16) X(other_order)
#define DECLARE(name) void assay_fault_outputs_##name(struct assay_fault_outputs *o);
ASSAY_FAULT_OUTPUTS(DECLARE)
#undef DECLARE
#define DECLARE(name) void assay_fault_operands_##name(struct assay_fault_operands *o);
ASSAY_FAULT_OPERANDS(DECLARE)
#undef DECLARE
#define DECLARE(name) void assay_fault_node_##name(struct assay_sample *s, double size);
ASSAY_FAULT_NODES(DECLARE)
#undef DECLARE
#define DECLARE(name) enum assay_code assay_fault_paper_##name(struct assay_paper *p, struct assay_error *err);
ASSAY_FAULT_PAPERS(DECLARE)
#undef DECLARE

#endif
