#include "harness/verify/faults/kinds.h"

#include <string.h>

#include "assay/banned.h"

#define RMS "times the root mean square of the output"
#define RELATIVE "relative"
#define LEAST 0x1p-26

#define MATRIX ASSAY_FAULT_MATRIX
#define SUMS ASSAY_FAULT_SUMS
#define PRODUCT ASSAY_FAULT_PRODUCT
#define BIAS ASSAY_FAULT_BIAS
#define ATTENTION ASSAY_FAULT_ATTENTION
#define CAUSAL ASSAY_FAULT_CAUSAL
#define NORM ASSAY_FAULT_NORM
#define CENTRED ASSAY_FAULT_CENTRED
#define REDUCTION ASSAY_FAULT_REDUCTION
#define MAX ASSAY_FAULT_MAX
#define F32 ASSAY_FAULT_F32
#define FULL ASSAY_FAULT_FULL
#define BYTES ASSAY_FAULT_BYTES
#define WIDE ASSAY_FAULT_WIDE
#define FEW ASSAY_FAULT_FEW
#define SIZE(u, lo, hi) .unit = u, .low = lo, .high = hi
#define COUNT(u, lo, hi) .unit = u, .low = lo, .high = hi, .flags = ASSAY_FAULT_WHOLE
#define OUT(f) .outputs = assay_fault_outputs_##f
#define IN(f) .operands = assay_fault_operands_##f
#define NODE(f) .node = assay_fault_node_##f
#define BY(f) .paper = assay_fault_paper_##f
#define WIDE_BOUND "where the mean is 110 times the deviation, the worst case of subtracting it is wider than that"
#define MAY_BE_SMALL "the element, or what it is mistaken for, is within its bound of what is right"

const struct assay_fault_kind assay_fault_kinds[] = {
    /* ---- outputs: by a size ---- */
    {"element-off", "one element is off", SIZE(RMS, LEAST, 64), .flags = ASSAY_FAULT_LOCAL, OUT(element_off)},
    {"element-off-of-terms", "one element of a product is off", SIZE("times the sum of the magnitudes of its terms", LEAST, 64), .needs = PRODUCT, .spares = BYTES, .flags = ASSAY_FAULT_LOCAL, OUT(element_off_of_terms)},
    {"element-off-unsampled", "one element is off that the witness holds in sums alone", SIZE(RMS, LEAST, 64), .needs = ASSAY_FAULT_LARGE, .flags = ASSAY_FAULT_LOCAL, OUT(element_off_unsampled)},
    {"bit-flipped", "one bit of one element is flipped", SIZE("bit from the last place, from 0", 0, 31), .flags = ASSAY_FAULT_WHOLE | ASSAY_FAULT_RAW, OUT(bit_flipped)},
    {"row-off", "one row is off by a factor of 1 + s", SIZE(RELATIVE, LEAST, 64), .needs = MATRIX, .flags = ASSAY_FAULT_LOCAL, OUT(row_off)},
    {"column-off", "one column is off by a factor of 1 + s", SIZE(RELATIVE, LEAST, 64), .needs = MATRIX, .flags = ASSAY_FAULT_LOCAL, OUT(column_off)},
    {"tile-off", "one tile of 8 by 8 is off by a factor of 1 + s", SIZE(RELATIVE, LEAST, 64), .needs = MATRIX, .flags = ASSAY_FAULT_LOCAL, OUT(tile_off)},
    {"scaled", "everything is off by a factor of 1 + s", SIZE(RELATIVE, LEAST, 64), OUT(scaled)},
    {"shifted", "everything is off by one number", SIZE(RMS, LEAST, 64), OUT(shifted)},
    {"noise", "every element is off by a normal number of its own", SIZE("deviation, " RMS, LEAST, 64), OUT(noise)},
    {"flushed", "results below a threshold are stored as zeros", SIZE("threshold, " RMS, LEAST, 64), OUT(flushed)},
    {"cut-off", "results above 1 - s of the largest are stored as that", SIZE("share of the largest that is cut", LEAST, 1), OUT(cut_off)},
    /* ---- outputs: single elements ---- */
    {"sign-lost", "one negative element has lost its sign", .spares = MAX | ASSAY_FAULT_SOFTMAX | ASSAY_FAULT_ADAM, OUT(sign_lost), .why_missed = MAY_BE_SMALL},
    {"element-zero", "one element is zero", OUT(element_zero), .why_missed = MAY_BE_SMALL},
    {"element-nan", "one element is NaN", .spares = BYTES, OUT(element_nan)},
    {"element-infinite", "one element is infinite", .spares = BYTES, OUT(element_infinite)},
    {"all-zero", "everything is zero", OUT(all_zero)},
    {"all-one-value", "everything is the same number", OUT(all_one_value)},
    /* ---- outputs: elsewhere ---- */
    {"elements-swapped", "two elements are swapped", .flags = ASSAY_FAULT_LOCAL, OUT(elements_swapped), .why_missed = MAY_BE_SMALL},
    {"rows-swapped", "two rows are swapped", .needs = MATRIX, OUT(rows_swapped), .why_missed = "the same index was drawn twice, and the rows are the same"},
    {"columns-swapped", "two columns are swapped", .needs = MATRIX, OUT(columns_swapped)},
    {"axes-swapped", "rows are stored as columns", .needs = MATRIX, OUT(axes_swapped)},
    {"tile-of-neighbour", "a tile is its neighbour's", .needs = MATRIX, OUT(tile_of_neighbour)},
    {"moved-by-one", "everything is stored one element early", OUT(moved_by_one)},
    {"previous", "the output is that of the inputs before", OUT(previous)},
    /* ---- outputs: not written ---- */
    {"last-unwritten", "the last element is not written", .flags = ASSAY_FAULT_RAW | ASSAY_FAULT_LOCAL, OUT(last_unwritten)},
    {"tile-unwritten", "a tile is not written", .needs = MATRIX, .flags = ASSAY_FAULT_RAW | ASSAY_FAULT_LOCAL, OUT(tile_unwritten)},
    {"nothing-written", "success is returned and nothing written", .flags = ASSAY_FAULT_RAW, OUT(nothing_written)},
    /* ---- outputs: stored otherwise ---- */
    {"stored-bf16", "results of f32 are stored rounded to bf16", .needs = F32, OUT(stored_bf16), .why_missed = WIDE_BOUND},
    {"stored-f16", "results of f32 are stored rounded to f16", .needs = F32, .spares = WIDE, OUT(stored_f16), .why_missed = WIDE_BOUND},
    {"stored-toward-zero", "results are rounded toward zero when they are stored", .needs = ASSAY_FAULT_ROUNDED, OUT(stored_toward_zero),
     .why_missed = "one rounding toward zero is less than the op's bound, and the op is no sum whose errors have a known distribution"},
    /* ---- arithmetic ---- */
    {"sums-f16", "sums are made in f16", .needs = SUMS, BY(sums_f16)},
    {"sums-bf16", "sums are made in bf16", .needs = SUMS, BY(sums_bf16)},
    {"sums-toward-zero", "sums in f32 are rounded toward zero", .needs = SUMS, .spares = FEW, BY(sums_toward_zero),
     .why_missed = "within the worst case, and the errors have no known distribution: the op is more than one sum, somebody chose its operands, or a short output format hides them"},
    {"operands-tf32", "operands of f32 are cut to tf32", .needs = PRODUCT | FULL, .spares = FEW, BY(operands_tf32)},
    {"operands-bf16", "operands of f32 are cut to bf16", .needs = PRODUCT | FULL, .spares = FEW, BY(operands_bf16)},
    {"products-f16", "products are rounded to f16", .needs = PRODUCT, .spares = BYTES | WIDE | FEW, BY(products_f16),
     .why_missed = "as many roundings as there are products add up to less than the worst case of the sum, and somebody chose the operands"},
    {"unit-f16", "a unit of f16 throughout is sold as one with sums in f32", .needs = ASSAY_FAULT_HALF, BY(unit_fp16)},
    {"int8-saturating16", "pairs of products saturate at 16 bits", .needs = BYTES, BY(saturating16)},
    {"one-pass-variance", "variances are E[x^2] - E[x]^2", .needs = CENTRED, BY(one_pass),
     .why_missed = "as exact as two passes where the mean is not larger than the deviation"},
    {"order-varies", "the order of sums, and with it the bits, change from run to run", .needs = SUMS | FULL, .spares = FEW, .flags = ASSAY_FAULT_AGAIN, BY(other_order)},
    /* ---- operands ---- */
    {"tail-missing", "the last terms of every sum are left out", COUNT("terms", 1, 64), .needs = SUMS, .spares = BIAS | ATTENTION | NORM | ASSAY_FAULT_SOFTMAX, IN(tail_missing)},
    {"term-missing", "one term of every sum is left out", .needs = SUMS, .spares = BIAS | ATTENTION | NORM | ASSAY_FAULT_SOFTMAX, IN(term_missing), .why_missed = "the largest of the missing terms is within its sum's bound"},
    {"term-twice", "one term of every sum is added twice", .needs = SUMS, .spares = BIAS | ATTENTION | NORM | ASSAY_FAULT_SOFTMAX, IN(term_twice), .why_missed = "the largest of the terms that are added twice is within its sum's bound"},
    {"terms-crossed", "two terms of every sum meet each other's partner", .needs = PRODUCT, IN(terms_crossed), .why_missed = "the terms are within their sum's bound"},
    {"row-of-neighbour", "one row of the first operand is its neighbour's", .needs = PRODUCT, IN(row_of_neighbour)},
    {"moved-along", "the first operand is read one element late along the sum", .needs = PRODUCT, IN(moved_along)},
    {"transposed", "the second operand is read as if it lay the other way round", .needs = PRODUCT, IN(transposed)},
    {"operand-off", "one element of the second operand is off", SIZE("times the root mean square of the operand", LEAST, 1024), .needs = PRODUCT, .spares = WIDE | BYTES, IN(operand_off)},
    {"operand-stale", "one row of the second operand is that of the inputs before", .needs = PRODUCT, IN(operand_stale), .why_missed = "the terms of the row are within their sums' bounds"},
    {"bias-missing", "the bias is not added", .needs = BIAS, IN(bias_missing)},
    {"bias-twice", "the bias is added twice", .needs = BIAS, IN(bias_twice)},
    {"alpha-ignored", "Gemm's alpha is ignored", .needs = ASSAY_FAULT_FACTOR, NODE(factor_ignored)},
    /* ---- convolution, attention ---- */
    {"edge-padding", "padding repeats the edge in place of zeros", .needs = ASSAY_FAULT_CONV, NODE(padding_explicit), IN(edge_padding)},
    {"phase-by-one", "windows begin one row late", .needs = ASSAY_FAULT_CONV, NODE(phase_by_one)},
    {"attention-unscaled", "scores are not scaled", .needs = ATTENTION, NODE(unscaled)},
    {"causal-by-one", "a query sees the key after its own", .needs = CAUSAL, NODE(masked), IN(causal_by_one)},
    {"cache-row-stale", "one row of keys and values is that of the inputs before", .needs = ATTENTION, IN(cache_row_stale),
     .why_missed = "queries that see the row are few or give it little weight"},
    {"heads-crossed", "the first two heads of keys and values are crossed", .needs = ATTENTION, IN(heads_crossed)},
    /* ---- norms, softmax, reductions, functions ---- */
    {"epsilon-times", "epsilon is another one", SIZE("times what it should be", 1.1, 0x1p40), .needs = NORM, NODE(epsilon_times)},
    {"variance-by-less", "the variance is divided by n - 1", .needs = NORM, IN(variance_by_less), .why_missed = WIDE_BOUND},
    {"scale-missing", "the norm's scale is not applied", .needs = NORM, IN(scale_missing)},
    {"norm-bias-missing", "the norm's bias is not added", .needs = CENTRED, IN(bias_missing)},
    {"softmax-of-columns", "softmax goes along the other axis", .needs = ASSAY_FAULT_SOFTMAX, NODE(first_axis)},
    {"softmax-term-missing", "the last term is missing in every softmax's sum", .needs = ASSAY_FAULT_SOFTMAX, OUT(softmax_term_missing)},
    {"mean-by-less", "the mean is divided by n - 1", .needs = ASSAY_FAULT_MEAN, OUT(mean_by_less)},
    {"min-for-max", "the least in place of the greatest", .needs = MAX, NODE(min_for_max)},
    {"gelu-by-tanh", "Gelu by tanh in place of erf", .needs = ASSAY_FAULT_GELU, NODE(by_tanh)},
    {"index-by-one", "one index is off by one", .needs = ASSAY_FAULT_GATHER, IN(index_by_one)},
    /* ---- optimizers ---- */
    {"bias-uncorrected", "Adam's moments are not corrected for their start", .needs = ASSAY_FAULT_ADAM, NODE(uncorrected)},
    {"decay-coupled", "weight decay goes through Adam's moments", .needs = ASSAY_FAULT_ADAM, NODE(no_decay), IN(decay_coupled)},
    {"beta-off", "Adam's beta1 is less", SIZE("by how much", LEAST, 0.5), .needs = ASSAY_FAULT_ADAM, NODE(beta_off)},
    {"momentum-shared", "half of the params has the other half's momentum", .needs = ASSAY_FAULT_ADAM, IN(momentum_shared)},
    {"gradient-dropped", "the gradient is lost", .needs = ASSAY_FAULT_ADAM, IN(gradient_dropped)},
    {"rate-off", "the learning rate is another one", SIZE(RELATIVE, LEAST, 64), .needs = ASSAY_FAULT_ADAM, IN(rate_off)},
};
const size_t assay_fault_kinds_n = sizeof assay_fault_kinds / sizeof *assay_fault_kinds;

const struct assay_fault_kind *assay_fault_kind_named(const char *name)
{
    for (size_t i = 0; i < assay_fault_kinds_n; i++)
        if (!strcmp(assay_fault_kinds[i].name, name))
            return &assay_fault_kinds[i];
    return NULL;
}

bool assay_fault_applies(const struct assay_fault_kind *kind, unsigned traits)
{
    if (traits & ASSAY_FAULT_LARGE && !(kind->flags & ASSAY_FAULT_LOCAL))
        return false;
    return (kind->needs & traits) == kind->needs && !(kind->spares & traits);
}
