#include "harness/verify/faults/alarms.h"

#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define AT_ONCE 8u /* draws */

/* ---- orders that are right ----------------------------------------------------------------------------------- */

static enum assay_code by_halves(struct assay_paper *p, struct assay_error *err)
{
    (void)err;
    p->unit.accumulator.order = ASSAY_UNIT_CHAINS;
    p->unit.accumulator.chains = 16;
    p->unit.accumulator.join = ASSAY_UNIT_JOIN_HALVES;
    return ASSAY_OK;
}

static enum assay_code as_tree(struct assay_paper *p, struct assay_error *err)
{
    (void)err;
    p->unit.accumulator.order = ASSAY_UNIT_TREE;
    return ASSAY_OK;
}

static enum assay_code in_sections(struct assay_paper *p, struct assay_error *err)
{
    (void)err;
    p->unit.promotion = 384;
    return ASSAY_OK;
}

static const struct assay_fault_kind orders[] = {
    {"seven chains", "", .paper = assay_fault_paper_other_order},
    {"sixteen chains", "", .paper = by_halves},
    {"a tree", "", .paper = as_tree},
    {"sections", "", .paper = in_sections},
};

/* ---- counting ------------------------------------------------------------------------------------------------ */

static enum assay_code judge(const struct assay_fault_bench *b, size_t draw, const struct assay_fault_kind *order,
                             struct assay_fault_alarms *a, struct assay_error *err)
{
    struct assay_fault_told told;
    if (assay_fault_try(b, draw, order, 0, b->draw[draw].seed, &told, err))
        return err->code;
    a->judged++;
    if (told.found && !a->alarms++)
        (void)assay_string_copy(a->first, sizeof a->first, told.check.why);
    return ASSAY_OK;
}

enum assay_code assay_fault_alarms_add(const struct assay_fault_subject *subject, size_t draws, uint64_t seed,
                                       struct assay_fault_alarms *a, struct assay_error *err)
{
    for (size_t first = 0; first < draws; first += AT_ONCE) {
        struct assay_fault_bench *b;
        size_t                    n = draws - first < AT_ONCE ? draws - first : AT_ONCE;
        if (assay_fault_bench_new(subject, n, seed + first, &b, err))
            return err->code;
        for (size_t d = 0; !err->code && d < n; d++)
            (void)judge(b, d, NULL, a, err);
        for (size_t k = 0; subject->traits & ASSAY_FAULT_SUMS && !err->code && k < sizeof orders / sizeof *orders; k++)
            (void)judge(b, 0, &orders[k], a, err);
        a->draws += n;
        assay_fault_bench_free(b);
        if (err->code)
            return err->code;
    }
    return ASSAY_OK;
}
