/* Everything that the document says, measured. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/faults/document.h"
#include "harness/verify/witness_file.h"

#include "assay/banned.h"

#define ALARM_DRAWS 64u
#define ALARM_SEED 5000u

const struct assay_fault_cell *assay_fault_cell_of(const struct assay_fault_results *r, size_t kind, size_t subject)
{
    return &r->cell[kind * assay_fault_subjects_n + subject];
}

void assay_fault_results_release(struct assay_fault_results *r)
{
    free(r->cell);
    r->cell = NULL;
}

/* ---- proofs -------------------------------------------------------------------------------------------------- */

/* How errors of a lower class look where the judge has their distribution. */
static enum assay_code prove_class(const char *subject, const char *kind, double *lean, double *over, uint32_t *found, uint32_t *trials,
                                   struct assay_error *err)
{
    struct assay_fault_bench *b;
    if (assay_fault_bench_new(assay_fault_subject_named(subject), 2 * ASSAY_FAULT_FEW_DRAWS, ASSAY_FAULT_SEED, &b, err))
        return err->code;
    *lean = INFINITY;
    for (size_t d = 0; !err->code && d < b->n_draws; d++) {
        struct assay_fault_told told;
        if (assay_fault_try(b, d, assay_fault_kind_named(kind), 0, d, &told, err))
            break;
        *found += told.found;
        ++*trials;
        *lean = fmin(*lean, fabs(told.check.lean));
        *over = fmax(*over, told.check.worst_ratio);
    }
    assay_fault_bench_free(b);
    return err->code;
}

/* Which sums the witness of a product holds that is too large to be kept whole. */
static enum assay_code count_sums(const char *subject, struct assay_fault_proofs *p, struct assay_error *err)
{
    const struct assay_fault_subject *s = assay_fault_subject_named(subject);
    struct assay_witness_layout      *layout = malloc(sizeof *layout);
    struct assay_graph               *g = NULL;
    if (!layout)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a layout");
    if (!assay_fault_graph(s, &s->sample, &g, err) && !assay_witness_layout(g, ASSAY_FAULT_SEED, 1, 2, layout, err)) {
        const struct assay_witness_part *part = assay_witness_parts(layout, ASSAY_WITNESS_FIRST);
        for (uint32_t i = 0; i < part->n_projections; i++) {
            const struct assay_projection *projection = &part->projection[i];
            ++*(projection->stream ? &p->random[projection->axis == 0] : &p->plain[projection->axis == 0]);
        }
    }
    assay_graph_free(g);
    free(layout);
    return err->code;
}

static enum assay_code prove(struct assay_fault_results *r, struct assay_error *err)
{
    static const struct {
        const char *subject;
        int64_t     terms;
    } products[] = {{"MatMul K=64", 64}, {"MatMul K=512", 512}, {"MatMul K=4096", 4096}};
    struct assay_fault_proofs *p = &r->proofs;
    size_t kind = (size_t)(assay_fault_kind_named("element-off-of-terms") - assay_fault_kinds);
    for (size_t i = 0; i < 3; i++) {
        size_t subject = (size_t)(assay_fault_subject_named(products[i].subject) - assay_fault_subjects);
        p->element[i].terms = products[i].terms;
        p->element[i].size = assay_fault_cell_of(r, kind, subject)->rate.size;
    }
    if (prove_class("MatMul K=512, f32 of f16", "sums-f16", &p->half.lean, &p->half.over_worst_case, &p->half.found, &p->half.trials, err) ||
        prove_class("MatMul K=512", "sums-toward-zero", &p->toward_zero.lean, &p->toward_zero.over_worst_case, &p->toward_zero.found,
                    &p->toward_zero.trials, err))
        return err->code;
    return count_sums("MatMul K=64, 300 x 240", p, err);
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

static enum assay_code measure_subject(struct assay_fault_results *r, size_t subject, struct assay_error *err)
{
    const struct assay_fault_subject *s = &assay_fault_subjects[subject];
    struct assay_fault_bench         *b;
    size_t                            draws = s->traits & ASSAY_FAULT_LARGE ? ASSAY_FAULT_FEW_DRAWS : ASSAY_FAULT_DRAWS;
    if (assay_fault_bench_new(s, draws, ASSAY_FAULT_SEED, &b, err))
        return err->code;
    for (size_t k = 0; !err->code && k < assay_fault_kinds_n; k++) {
        struct assay_fault_cell *cell = &r->cell[k * assay_fault_subjects_n + subject];
        cell->applies = assay_fault_applies(&assay_fault_kinds[k], s->traits);
        if (cell->applies)
            (void)assay_fault_smallest(b, &assay_fault_kinds[k], &cell->rate, err);
    }
    assay_fault_bench_free(b);
    return err->code;
}

enum assay_code assay_fault_measure(struct assay_fault_results *out, void (*progress)(const char *what), struct assay_error *err)
{
    *out = (struct assay_fault_results){.cell = calloc(assay_fault_kinds_n * assay_fault_subjects_n, sizeof *out->cell)};
    if (!out->cell)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a table of faults");
    for (size_t s = 0; s < assay_fault_subjects_n; s++) {
        if (progress)
            progress(assay_fault_subjects[s].name);
        if (measure_subject(out, s, err))
            return err->code;
        bool slow = assay_fault_subjects[s].traits & ASSAY_FAULT_LARGE;
        if (assay_fault_alarms_add(&assay_fault_subjects[s], slow ? ALARM_DRAWS / 8 : ALARM_DRAWS, ALARM_SEED, &out->alarms, err))
            return err->code;
    }
    return prove(out, err);
}
