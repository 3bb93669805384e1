/* What a training left, and whether it is as good as the device said.
 *
 * The witness of a lesson holds the net itself: the params of the evaluation, as they were downloaded behind the last one,
 * in its order, each at a multiple of 8, behind a witness header (witness_file.h) whose magic is "ASSAYNET", `outputs` the
 * number of params, `elements` of all of them and `seen` the steps that were done. The judge evaluates this net in double, on
 * the same unseen data, with bounds, and so needs nothing that the device says. A net must fit into a witness. */
#ifndef ASSAY_VERIFY_LEARNED_H
#define ASSAY_VERIFY_LEARNED_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/workload.h"
#include "harness/ir/graph.h"
#include "harness/verify/check.h"

/* Bytes of the witness of that evaluation; ASSAY_CONFIG with the numbers: it does not fit. */
enum assay_code assay_learned_bytes(const struct assay_graph *evaluation, size_t *out, struct assay_error *err);
/* `params` in the order of assay_lesson_params. */
enum assay_code assay_learned_write(const char *path, const char *case_id, uint64_t seed, uint64_t steps,
                                    const struct assay_graph *evaluation, const void *const *params, struct assay_error *err);

struct assay_learned_claim {
    const char                *path, *case_id;
    const struct assay_lesson *lesson;
    const void                *params;     /* of the workload */
    const struct assay_graph  *step, *evaluation;
    uint64_t                   seed;
    double                     quality;    /* what the device's own evaluation gave; NaN: none */
    double                     first_loss; /* of step 1, from the curve */
    uint64_t                   steps, reached_step; /* 0: the target was not reached, they say */
};
/* Judges the claim; *out is complete also when the outcome is fail. ASSAY_DATA: the witness is torn, of another case, or
 * malformed. `budget_ops` (double operations): what costs more is not checked, and says so. */
enum assay_code assay_learned_check(const struct assay_learned_claim *claim, double budget_ops, struct assay_check *out,
                                    struct assay_error *err);
/* The quality of the net alone, on all unseen data, in double and without bounds: what trainings are compared by, as nothing in
 * it is the device's word. Not finite where the net is not. Of the claim the path, case, lesson, params, evaluation and seed count.
 * ASSAY_UNSUPPORTED: beyond the budget. */
enum assay_code assay_learned_quality(const struct assay_learned_claim *claim, double budget_ops, double *out, struct assay_error *err);

#endif
