/* The reference against MPFR (oracle/): every op, on random small nodes. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "oracle/compare.h"
#include "oracle/number.h"
#include "reference/formats/formats.h"

enum { MAX_OPS = 256 };
static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_F64, ASSAY_BF16, ASSAY_F16, ASSAY_I32, ASSAY_I64, ASSAY_I8, ASSAY_U8};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

/* Node i in every type, with inputs of every kind. */
static void compare_node(size_t i, uint64_t seed, double off, struct oracle_seen *seen, struct assay_text *wrong)
{
    for (size_t d = 0; d < N_DTYPES; d++)
        for (size_t inputs = 0; inputs < oracle_inputs_of(dtypes[d]); inputs++)
            (void)oracle_compare(&(struct oracle_case){oracle_node(i), dtypes[d], inputs, seed}, off, seen, wrong);
}

Test(oracle, every_op_is_within_its_claim_and_a_right_device_within_its_bound, .timeout = 120)
{
    static struct oracle_seen seen[MAX_OPS];
    size_t n_ops;
    const struct assay_op_row *rows = assay_op_rows(&n_ops);
    cr_assert(n_ops <= MAX_OPS);
    for (size_t i = 0; i < oracle_nodes(); i++) {
        char text[800];
        struct assay_text wrong = ASSAY_TEXT(text);
        compare_node(i, 1, 0, seen, &wrong);
        cr_expect(wrong.length == 0, "%s", text);
    }
    for (size_t r = 0; r < n_ops; r++) {
        printf("%-26s %6zu elements; %6zu with a claim, error up to %.2f of it; %6zu with a bound, up to %.2f of it\n", rows[r].name,
               seen[r].elements, seen[r].own, seen[r].worst_own, seen[r].device, seen[r].worst_device);
        cr_expect(seen[r].own > 0 && seen[r].device > 0, "%s: nothing was compared", rows[r].name);
        cr_expect(2 * seen[r].own >= seen[r].elements, "%s: a claim on %zu of %zu elements only", rows[r].name, seen[r].own,
                  seen[r].elements);
    }
    numbers_free();
}

/* A value that is off by twice its claim, which is right to half of it, is seen wherever it is; so is one that claims to be exact
 * and is off by its last bit. */
Test(oracle, a_value_that_is_off_by_twice_its_claim_is_seen, .timeout = 120)
{
    static struct oracle_seen seen[MAX_OPS];
    size_t n_ops;
    const struct assay_op_row *rows = assay_op_rows(&n_ops);
    for (size_t i = 0; i < oracle_nodes(); i++) {
        char text[800];
        struct assay_text wrong = ASSAY_TEXT(text);
        (void)oracle_compare(&(struct oracle_case){oracle_node(i), ASSAY_F32, 0, 2}, 2, seen, &wrong);
        (void)oracle_compare(&(struct oracle_case){oracle_node(i), ASSAY_F64, 0, 2}, -2, seen, &wrong);
    }
    for (size_t r = 0; r < n_ops; r++)
        cr_expect(seen[r].own > 0 && seen[r].beyond == seen[r].own, "%s: %zu of %zu values were seen to be off", rows[r].name,
                  seen[r].beyond, seen[r].own);
    numbers_free();
}

/* The oracle's rounding and that of the formats know nothing of each other. */
Test(oracle, rounds_as_the_formats_do)
{
    static const enum assay_dtype floats[] = {ASSAY_F64, ASSAY_F32, ASSAY_BF16, ASSAY_F16, ASSAY_F8E5M2};
    struct assay_random random;
    assay_random_init(&random, 7);
    for (size_t d = 0; d < sizeof floats / sizeof *floats; d++) {
        const struct assay_number_format *f = assay_format_of(floats[d]);
        for (int i = 0; i < 2000; i++) {
            size_t mark = numbers_mark();
            double size = log2(f->smallest) - 2 + (log2(f->largest) - log2(f->smallest) + 2.5) * assay_random_unit(&random);
            double x = exp2(size) * (i % 2 ? 1 : -1), y = rounded_to(floats[d], num(x), false);
            cr_assert_eq(y, assay_round_to(floats[d], x), "%s of %a: %a", assay_dtype_name(floats[d]), x, y);
            numbers_release(mark);
        }
    }
    cr_expect_eq(rounded_to(ASSAY_F16, num(2049), false), 2048, "a half goes to the even one");
    cr_expect_eq(rounded_to(ASSAY_F16, num(2051), false), 2052);
    cr_expect_eq(rounded_to(ASSAY_F16, num(65519), false), 65504);
    cr_expect(isinf(rounded_to(ASSAY_F16, num(65520), false)));
    cr_expect_eq(rounded_to(ASSAY_F16, num(0x1p-25), false), 0);
    cr_expect_eq(rounded_to(ASSAY_F16, num(0x1.8p-25), false), 0x1p-24);
    cr_expect_eq(rounded_to(ASSAY_F8E4M3, num(1e9), true), 448);
    cr_expect(isnan(rounded_to(ASSAY_F8E4M3, num(1e9), false)));
    numbers_free();
}
