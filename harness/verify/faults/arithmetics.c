/* Faults of arithmetic: sums of a lower class than the formats require, sold as theirs. */
#include "harness/verify/faults/kinds.h"

#include "assay/banned.h"

#define PAPER(name) enum assay_code assay_fault_paper_##name(struct assay_paper *p, struct assay_error *err)

/* Sums are put as the named unit puts them; operands and products are as they were. */
static enum assay_code sum_as(struct assay_paper *p, const char *unit, struct assay_error *err)
{
    struct assay_matrix_unit other;
    if (assay_unit_find(unit, &other, err))
        return err->code;
    p->unit.accumulator.put = other.accumulator.put;
    return ASSAY_OK;
}

static enum assay_code read_as(struct assay_paper *p, const char *unit, struct assay_error *err)
{
    struct assay_matrix_unit other;
    if (assay_unit_find(unit, &other, err))
        return err->code;
    p->unit.a = other.a;
    p->unit.b = other.b;
    return ASSAY_OK;
}

PAPER(sums_f16)
{
    return sum_as(p, "fp16-fp16", err);
}

PAPER(sums_bf16)
{
    return sum_as(p, "bf16-bf16", err);
}

PAPER(sums_toward_zero)
{
    return sum_as(p, "truncating", err);
}

PAPER(operands_tf32)
{
    return read_as(p, "tf32-fp32", err);
}

PAPER(operands_bf16)
{
    return read_as(p, "bf16-fp32", err);
}

PAPER(products_f16)
{
    p->unit.product = assay_unit_format_named("f16");
    return p->unit.product ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_INTERNAL, "no format f16");
}

PAPER(saturating16)
{
    return assay_unit_find("int8-saturating16", &p->unit, err);
}

PAPER(unit_fp16)
{
    return assay_unit_find("fp16-fp16", &p->unit, err);
}

PAPER(one_pass)
{
    (void)err;
    p->one_pass = true;
    return ASSAY_OK;
}

/* Seven chains, as right as one. */
PAPER(other_order)
{
    (void)err;
    p->unit.accumulator.order = ASSAY_UNIT_CHAINS;
    p->unit.accumulator.chains = 7;
    p->unit.accumulator.join = ASSAY_UNIT_JOIN_SEQUENTIAL;
    return ASSAY_OK;
}
