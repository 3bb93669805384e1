/* The step of a served case by itself: its graph, compiled once more, executed on inputs of the generator, its outputs kept for the judge.
 * What is served goes through programs of the same graph; that they give what a request alone gives is shown after the run. */
#ifndef ASSAY_RUN_SERVE_WITNESS_H
#define ASSAY_RUN_SERVE_WITNESS_H

#include "assay/error.h"
#include "harness/run/course.h"

/* Before the run; leaves no buffers behind. Nothing where no values are computed. */
enum assay_code assay_serve_witness(struct assay_course *course, struct assay_error *err);

#endif
