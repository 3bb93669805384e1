/* assay.AdamW: see update.h. Decay may also shrink P by 1 - R weight_decay before the step, two roundings of P. */
#include "reference/update.h"

#include "assay/banned.h"

enum { R, T, P, G, M, V, SCALE };

static struct assay_bounded next(const struct assay_ref_adam_run *run, size_t i)
{
    const struct assay_arithmetic *a = &run->call->arithmetic;
    struct assay_bounded p = bounded_of(&run->call->in[P], i), u = assay_ref_adam_direction(run->call, &run->adam, P, i);
    struct assay_bounded x = bounded_subtract(a, p, bounded_multiply(a, run->rate, u));
    if (run->adam.decays)
        x.error += 2 * a->accumulate * (fabs(p.value) + p.error);
    return x;
}

static void each(const struct assay_ref_adam_run *run, size_t k)
{
    size_t i = (size_t)run->index[k];
    assay_ref_put(run->call, k,
                  run->part == ASSAY_REF_ADAM_STEP    ? next(run, i)
                  : run->part == ASSAY_REF_ADAM_FIRST ? assay_ref_adam_first(run->call, &run->adam, P, i)
                                                      : assay_ref_adam_second(run->call, &run->adam, P, i),
                  run->value, run->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    static const enum assay_ref_adam_part parts[] = {ASSAY_REF_ADAM_STEP, ASSAY_REF_ADAM_FIRST, ASSAY_REF_ADAM_SECOND};
    struct assay_ref_adam_run run = {.call = call, .adam = assay_ref_adam_of(call, T, SCALE), .part = parts[call->output],
                                     .param = P, .rate = assay_ref_scalar(call, R, 0), .each = each, .index = index,
                                     .value = value, .bound = bound};
    (void)err;
    assay_ref_adam_do(&run, n);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(AdamW) = {.at = at};
