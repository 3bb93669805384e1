#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "reference/unit/tests/units.h"

#include "assay/banned.h"

TestSuite(unit_tile, .init = find_source, .timeout = 60);

/* Numbers of many sizes, zeros, numbers that the operands' format does not hold; small whole ones for integers. */
static double draw(const struct assay_matrix_unit *u, struct assay_random *r)
{
    double x = (double)assay_random_u32(r) / 0x1p31 - 1;
    if (!u->a->is_float)
        return (double)(assay_random_u32(r) % 256) - 100;
    switch (assay_random_u32(r) % 16) {
    case 0: return 0;
    case 1: return x * 0x1p-120;
    case 2: return x * 0x1p-15;
    case 3: return x * 64;
    default: return assay_unit_operand(u, u->a, x);
    }
}

static void expect_same_bits(const struct assay_matrix_unit *u, size_t rows, size_t columns, size_t terms, bool by_columns)
{
    size_t                 step = columns + 3;
    double                *x = calloc(rows * terms + 1, sizeof *x), *y = calloc(columns * terms + 1, sizeof *y);
    double                *value = calloc(rows * step + 1, sizeof *value);
    struct assay_random    r;
    struct assay_unit_tile t = {.rows = rows, .columns = columns, .terms = terms, .x = x, .y = y, .x_row = terms, .value = value,
                                .y_term = by_columns ? 1 : columns, .y_column = by_columns ? terms : 1, .step = step};
    assay_random_init(&r, rows * 1000 + columns * 10 + terms);
    for (size_t i = 0; i < rows * terms; i++)
        x[i] = draw(u, &r);
    for (size_t i = 0; i < columns * terms; i++)
        y[i] = draw(u, &r);
    assay_unit_tiles(u, &t);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double one = assay_unit_dot(u, terms, x + i * terms, 1, y + j * t.y_column, t.y_term, 0);
            cr_assert(!memcmp(&one, &value[i * step + j], sizeof one), "%s, %zux%zux%zu at (%zu, %zu): %a, not %a", u->name, rows,
                      columns, terms, i, j, value[i * step + j], one);
        }
    free(value);
    free(y);
    free(x);
}

Test(unit_tile, has_the_bits_of_the_definition_for_every_unit)
{
    for (size_t i = 0; i < UNITS; i++) {
        struct assay_matrix_unit u = unit_named(unit_names[i]);
        expect_same_bits(&u, 9, 50, 70, false);
        expect_same_bits(&u, 3, 7, 300, true);
        expect_same_bits(&u, 1, 1, 1, true);
        expect_same_bits(&u, 2, 3, 0, false);
    }
}

Test(unit_tile, goes_by_tiles_where_sums_are_chains_of_fused_multiply_adds)
{
    static const bool fast[UNITS] = {true, true, true, true, false, false, true};
#ifdef __x86_64__
    bool here = __builtin_cpu_supports("fma");
#else
    bool here = false;
#endif
    for (size_t i = 0; i < UNITS; i++) {
        struct assay_matrix_unit u = unit_named(unit_names[i]);
        cr_expect_eq(assay_unit_is_fast(&u), fast[i] && here, "%s", u.name);
    }
}

Test(unit_tile, cuts_the_terms_where_the_unit_promotes_and_nowhere_else)
{
    static const uint32_t promotions[] = {0, 1, 100, 256, 300, 512};
    struct assay_matrix_unit u = unit_named("bf16-fp32");
    for (size_t i = 0; i < sizeof promotions / sizeof *promotions; i++) {
        u.promotion = promotions[i];
        expect_same_bits(&u, 17, 49, 700, false);
    }
    u.output.format = assay_unit_format_named("bf16");
    expect_same_bits(&u, 17, 49, 700, true);
}

Test(unit_tile, is_not_taken_in_by_units_that_differ_in_one_field)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.accumulator.put.rounding = ASSAY_UNIT_TOWARD_ZERO;
    expect_same_bits(&u, 5, 30, 100, false);
    u = unit_named("fp32-fma");
    u.accumulator.put.flush = true;
    expect_same_bits(&u, 5, 30, 100, false);
    u = unit_named("fp32-fma");
    u.product = u.a;
    expect_same_bits(&u, 5, 30, 100, false);
    u = unit_named("fp32-fma");
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    u.accumulator.chains = 4;
    expect_same_bits(&u, 5, 30, 100, false);
    u = unit_named("fp16-fp32");
    u.flush_inputs = true;
    expect_same_bits(&u, 5, 30, 100, false);
}
