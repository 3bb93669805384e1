/* A case on a modelled device: not executed over and over, which would say the same each time, but once on each of many devices
 * that fit what is known of it. */
#ifndef ASSAY_RUN_CASE_DRAW_H
#define ASSAY_RUN_CASE_DRAW_H

#include "assay/error.h"
#include "harness/run/course.h"

/* Is it such a device? */
bool            assay_case_is_drawn(const struct assay_course *course);
/* Executes draws 1, 2, … and keeps their times, as samples where the device computes no values, and energies in course->drawn;
 * the device is its middle again afterwards. */
enum assay_code assay_case_draw(struct assay_course *course, struct assay_error *err);
/* Grade and latency, rates and energy with their ranges; no value where no point exists. */
void            assay_case_draw_metrics(const struct assay_course *course);

#endif
