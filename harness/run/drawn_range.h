/* The range of a figure over devices that fit what is known: their 10th, 50th and 90th percentile. */
#ifndef ASSAY_RUN_DRAWN_RANGE_H
#define ASSAY_RUN_DRAWN_RANGE_H

#include "assay/backend.h"
#include "harness/run/course.h"
#include "harness/store/record.h"

/* Sorts `drawn`. One that is no number makes n 0: there is no range. */
struct assay_drawn_range assay_drawn_range_of(double *drawn, uint32_t n);
/* What a back end says of how certain a program's figures are, its texts ended; grade and influences told to the record. `program` NULL, or a
 * back end that says nothing: a point exists, without a grade. Of two devices it is what the less sure one says, and the influences are the
 * largest of both, each named by whose it is: its share is of that one's time. */
struct assay_certainty   assay_drawn_certainty(const struct assay_course *c, const struct assay_program *program);
/* The range as a metric; its middle is the value where a point exists. */
void assay_drawn_range_set(struct assay_record *record, enum assay_metric metric, const struct assay_drawn_range *r, enum assay_clock clock,
                           const struct assay_certainty *certain);

#endif
