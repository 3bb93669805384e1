/* The programs that a record has witnesses of: one, or one for each size of batch that its scenario had
 * (harness/plan/buckets.h). A verdict is of the record, and so of the worst of them. */
#ifndef ASSAY_JUDGE_PROGRAMS_H
#define ASSAY_JUDGE_PROGRAMS_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/store/record.h"
#include "harness/verify/check.h"

struct assay_judged_program {
    uint32_t samples;                          /* of an execution: with a scenario, else 1 */
    const char *witness_file, *witness_sha256; /* the record's */
};
/* Sizes rise; the last is the largest, whose witness is the record's own. Returns how many, at least 1. */
uint32_t assay_judged_programs(const struct assay_record *record, const struct assay_case *what,
                               struct assay_judged_program out[ASSAY_RECORD_MAX_BUCKETS]);
/* Has the record a row for every program that its case asks for? One that is left out would be proved by nobody. ASSAY_DATA: not. */
enum assay_code assay_judged_programs_check(const struct assay_record *record, const struct assay_case *what,
                                            struct assay_error *err);
/* The graph of one of them. */
enum assay_code assay_judged_program_graph(const struct assay_case *what, uint32_t samples, struct assay_graph **out,
                                           struct assay_error *err);
/* … of the largest, which the record's own witness is of. */
enum assay_code assay_judged_graph(const struct assay_record *record, const struct assay_case *what,
                                   struct assay_graph **out, struct assay_error *err);
/* *all becomes the worse of both (outcome, then assurance); its share of cheating that is found is the larger. An
 * outcome of 0: there is none yet. */
void assay_judged_join(struct assay_check *all, const struct assay_check *one);

#endif
