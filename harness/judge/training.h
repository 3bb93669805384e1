/* What one recorded training came to (equivalence.h has what many of them say).
 *
 * The rule, fixed before there are data: a training has ended when all steps of its case were done; its quality is that of the
 * net that it left, as the reference evaluates it. It has diverged when its loss became no finite number, or when that quality is
 * worse than the case's target, which for this use is what guessing has. What was not run to its last step, or cannot be
 * judged, is missing. */
#ifndef ASSAY_JUDGE_TRAINING_H
#define ASSAY_JUDGE_TRAINING_H

#include "assay/error.h"
#include "harness/judge/equivalence.h"
#include "harness/plan/plan.h"
#include "harness/store/run_folder.h"

/* Can trainings of this case be compared: a lesson by loss with a floor that is known, evaluated once, behind its last step?
 * ASSAY_CONFIG: no, and why. *floor is its floor. */
enum assay_code assay_training_case(const struct assay_case *what, double *floor, struct assay_error *err);

/* The only training of a run folder, which is of `what` and `seed`. An error is the judge's own; what the folder lacks is in *out. */
enum assay_code assay_training_read(const char *folder, const struct assay_case *what, uint64_t seed, struct assay_training *out,
                                    struct assay_error *err);

#endif
