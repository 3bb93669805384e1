/* One hand-computed sum for each field, whose value tells whether the field was heeded. Sums of f32 use that 2^24 + 1 is a tie
 * which goes back to 2^24, while 2^24 + 2 is exact; those of f16 the same of 2048. */
#include <math.h>

#include "reference/unit/tests/units.h"

#include "assay/banned.h"

TestSuite(unit, .init = find_source, .timeout = 60);

#define BIG 0x1p24
static const double ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static double sum_of(const struct assay_matrix_unit *u, size_t k, const double *a)
{
    return assay_unit_dot(u, k, a, 1, ones, 1, 0);
}
#define SUM(u, ...) sum_of(u, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__})

Test(unit, begins_with_what_is_given_and_reads_with_strides)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    const double             a[] = {1, 99, 2, 99, 3}, b[] = {10, 99, 99, 20, 99, 99, 30};
    cr_expect_eq(assay_unit_dot(&u, 3, a, 2, b, 3, 7), 147.0);
    cr_expect_eq(assay_unit_dot(&u, 0, a, 2, b, 3, 7), 7.0);
}

Test(unit, rounds_operands_to_its_input_formats)
{
    struct assay_matrix_unit u = unit_named("bf16-fp32");
    cr_expect_eq(SUM(&u, 1 + 0x1p-8), 1.0, "a tie of bf16");
    cr_expect_eq(SUM(&u, 1 + 0x1p-8 + 0x1p-20), 1 + 0x1p-7);
    u.a = assay_unit_format_named("f32");
    cr_expect_eq(SUM(&u, 1 + 0x1p-8), 1 + 0x1p-8);
    const double small[] = {1 + 0x1p-8};
    cr_expect_eq(assay_unit_dot(&u, 1, ones, 1, small, 1, 0), 1.0, "b is still bf16");
}

Test(unit, keeps_or_flushes_subnormal_operands)
{
    struct assay_matrix_unit u = unit_named("fp16-fp32");
    const double             b[] = {0x1p10};
    cr_expect_eq(assay_unit_dot(&u, 1, (double[]){0x1p-24}, 1, b, 1, 0), 0x1p-14);
    u.flush_inputs = true;
    cr_expect_eq(assay_unit_dot(&u, 1, (double[]){0x1p-24}, 1, b, 1, 0), 0.0);
    cr_expect_eq(assay_unit_dot(&u, 1, (double[]){0x1p-14}, 1, b, 1, 0), 0x1p-4);
}

Test(unit, keeps_products_exact_or_rounds_them)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    const double             a[] = {-(1 + 0x1p-11), 1 + 0x1p-12}, b[] = {1, 1 + 0x1p-12};
    cr_expect_eq(assay_unit_dot(&u, 2, a, 1, b, 1, 0), 0x1p-24);
    u.product = assay_unit_format_named("f32");
    cr_expect_eq(assay_unit_dot(&u, 2, a, 1, b, 1, 0), 0.0);
}

Test(unit, accumulates_in_its_format)
{
    struct assay_matrix_unit narrow = unit_named("fp16-fp16"), wide = unit_named("fp16-fp32");
    cr_expect_eq(SUM(&narrow, 2048, 1, 1), 2048.0);
    cr_expect_eq(SUM(&wide, 2048, 1, 1), 2050.0);
    cr_expect_eq(SUM(&narrow, 65504, 65504), (double)INFINITY);
}

Test(unit, rounds_the_accumulator_as_told)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    const double             more = 1.5 * 0x1p-24;
    cr_expect_eq(SUM(&u, 1, more), 1 + 0x1p-23);
    u.accumulator.put.rounding = ASSAY_UNIT_TOWARD_ZERO;
    cr_expect_eq(SUM(&u, 1, more), 1.0);
    cr_expect_eq(SUM(&u, -1, -more), -1.0);
    u.accumulator.put.rounding = ASSAY_UNIT_DOWN;
    cr_expect_eq(SUM(&u, 1, more), 1.0);
    cr_expect_eq(SUM(&u, -1, -0x1p-30), -1 - 0x1p-23);
}

Test(unit, keeps_or_flushes_subnormal_sums)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    cr_expect_eq(SUM(&u, 0x1p-130, 0x1p-130), 0x1p-129);
    u.accumulator.put.flush = true;
    cr_expect_eq(SUM(&u, 0x1p-130, 0x1p-130), 0.0);
}

Test(unit, adds_a_block_before_it_meets_the_accumulator)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG);
    u.block.length = 2;
    u.block.put = u.accumulator.put;
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG + 2);
    cr_expect_eq(SUM(&u, BIG, 0, 1), BIG, "the last block is short");
}

Test(unit, adds_within_a_block_in_its_order_and_format)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.block.length = 4;
    u.block.put = u.accumulator.put;
    cr_expect_eq(SUM(&u, BIG, 1, 1, 1), BIG);
    u.block.order = ASSAY_UNIT_TREE;
    cr_expect_eq(SUM(&u, BIG, 1, 1, 1), BIG + 2);
    u.block.put.format = assay_unit_format_named("f16");
    cr_expect_eq(SUM(&u, 2048, 1, 0, 0), 2048.0);
    u.block.put.rounding = ASSAY_UNIT_TOWARD_ZERO;
    cr_expect_eq(SUM(&u, 2048, 3, 0, 0), 2050.0);
}

Test(unit, saturates_a_block_of_integers_or_wraps)
{
    struct assay_matrix_unit u = unit_named("int8-saturating16");
    double                   a[64], b[64];
    for (int i = 0; i < 64; i++) {
        a[i] = 255;
        b[i] = 127;
    }
    cr_expect_eq(assay_unit_dot(&u, 64, a, 1, b, 1, 0), 1048544.0, "as oneDNN 2.6 does on AVX2");
    u.block.put.overflow = ASSAY_UNIT_WRAP;
    cr_expect_eq(assay_unit_dot(&u, 64, a, 1, b, 1, 0), 32 * (2 * 255 * 127 - 65536.0));
    u.block.length = 1;
    cr_expect_eq(assay_unit_dot(&u, 64, a, 1, b, 1, 0), 2072640.0);
}

Test(unit, aligns_a_block_and_its_accumulator_to_the_largest_exponent)
{
    struct assay_matrix_unit u = unit_named("fp8-promoted");
    u.a = u.b = assay_unit_format_named("f16");
    cr_expect_eq(SUM(&u, 1, 0x1p-13), 1 + 0x1p-13);
    cr_expect_eq(SUM(&u, 1, 0x1p-14), 1.0, "shifted out");
    cr_expect_eq(SUM(&u, 1, 0x1p-14, 0x1p-14), 1.0, "each by itself");
    cr_expect_eq(SUM(&u, 1, -0x1p-14), 1.0, "cut towards zero");
    u.block.put.rounding = ASSAY_UNIT_DOWN;
    cr_expect_eq(SUM(&u, 1, -0x1p-14), 1 - 0x1p-13);
    u.block.fraction_bits = 14;
    cr_expect_eq(SUM(&u, 1, 0x1p-14), 1 + 0x1p-14);
    u.promotion = 0;
    cr_expect_eq(assay_unit_dot(&u, 1, (double[]){0x1p-15}, 1, ones, 1, 1), 1.0, "the accumulator is one of the terms");
}

Test(unit, aligns_by_the_exponents_of_the_operands)
{
    struct assay_matrix_unit u = unit_named("fp8-promoted");
    const double             a[] = {1.5, 0x1p-13}, b[] = {1.5, 1};
    u.a = u.b = assay_unit_format_named("f16");
    cr_expect_eq(assay_unit_dot(&u, 2, a, 1, b, 1, 0), 2.25 + 0x1p-13, "1.5 times 1.5 has exponent 0 here, not 1");
}

Test(unit, adds_blocks_in_sequence_as_a_tree_or_in_chains)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    cr_expect_eq(SUM(&u, BIG, 1, 0, 1), BIG);
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG);
    u.accumulator.order = ASSAY_UNIT_TREE;
    cr_expect_eq(SUM(&u, BIG, 1, 0, 1), BIG);
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG + 2);
    cr_expect_eq(SUM(&u, 0, 0, 0, 0, BIG, 1, 1), BIG, "an odd last one waits: (BIG + 1) + 1");
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    u.accumulator.chains = 2;
    cr_expect_eq(SUM(&u, BIG, 1, 0, 1), BIG + 2);
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG);
}

Test(unit, joins_chains_as_told)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    u.accumulator.chains = 4;
    cr_expect_eq(SUM(&u, BIG, 1, 1, 1), BIG);
    u.accumulator.join = ASSAY_UNIT_JOIN_PAIRS;
    cr_expect_eq(SUM(&u, BIG, 1, 1, 1), BIG + 2);
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG + 2);
    u.accumulator.join = ASSAY_UNIT_JOIN_HALVES;
    cr_expect_eq(SUM(&u, BIG, 1, 1, 1), BIG + 2);
    cr_expect_eq(SUM(&u, BIG, 0, 1, 1), BIG);
}

Test(unit, promotes_sections_into_f32)
{
    struct assay_matrix_unit u = unit_named("fp16-fp16");
    u.output.format = assay_unit_format_named("f32");
    cr_expect_eq(SUM(&u, 2048, 0, 1, 1), 2048.0);
    u.promotion = 2;
    cr_expect_eq(SUM(&u, 2048, 0, 1, 1), 2050.0);
    cr_expect_eq(SUM(&u, 2048, 0, 1), 2049.0, "the last section is short");
    cr_expect_eq(assay_unit_dot(&u, 2, (double[]){1, 0}, 1, ones, 1, BIG + 2), BIG + 4, "what it begins with is in f32: a tie to even");
}

Test(unit, rounds_its_output)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.output.format = assay_unit_format_named("f16");
    cr_expect_eq(SUM(&u, 2048, 3), 2052.0);
    u.output.rounding = ASSAY_UNIT_TOWARD_ZERO;
    cr_expect_eq(SUM(&u, 2048, 3), 2050.0);
    cr_expect_eq(SUM(&u, 0x1p-20), 0x1p-20);
    u.output.flush = true;
    cr_expect_eq(SUM(&u, 0x1p-20), 0.0);
}

Test(unit, passes_on_what_is_not_finite)
{
    static const char *const names[] = {"fp32-fma", "tensorcore-aligned"};
    for (size_t i = 0; i < 2; i++) {
        struct assay_matrix_unit u = unit_named(names[i]);
        cr_expect(isnan(SUM(&u, 1, (double)NAN, 1)), "%s", names[i]);
        cr_expect_eq(SUM(&u, 1, (double)INFINITY, 1), (double)INFINITY, "%s", names[i]);
        cr_expect(isnan(SUM(&u, -(double)INFINITY, (double)INFINITY, 1)), "%s", names[i]);
    }
}

Test(unit, takes_the_values_of_its_kind)
{
    struct assay_matrix_unit floats = unit_named("fp32-fma"), integers = unit_named("int8-int32");
    cr_expect(assay_unit_takes(&floats, ASSAY_F32) && assay_unit_takes(&floats, ASSAY_BF16) && !assay_unit_takes(&floats, ASSAY_I8));
    cr_expect(assay_unit_takes(&integers, ASSAY_I8) && !assay_unit_takes(&integers, ASSAY_F32));
    cr_expect(!assay_unit_takes(&floats, ASSAY_F64), "double is more than any unit has");
}
