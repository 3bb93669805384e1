/* A scenario on a modelled device: run whole on each of several devices that fit what is known of it. What differs between them is a
 * range, and has no value where no point exists. */
#ifndef ASSAY_RUN_DRAWN_SCENARIO_H
#define ASSAY_RUN_DRAWN_SCENARIO_H

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/run/course.h"
#include "harness/store/record.h"

#define ASSAY_SCENARIO_DRAWS 40u

struct assay_drawn_scenario;
enum assay_code assay_drawn_scenario_new(struct assay_drawn_scenario **out, struct assay_error *err);
void            assay_drawn_scenario_free(struct assay_drawn_scenario *d);
/* Before each device: no figure of the one before may stand in for what this one lacks. What is the host's own stays, and the number of
 * input sets. */
void assay_drawn_scenario_begin(struct assay_record *record);
/* What the scenario came to on one of the devices: metrics and record->load. At most ASSAY_SCENARIO_DRAWS times. */
void assay_drawn_scenario_add(struct assay_drawn_scenario *d, const struct assay_record *record);
/* Puts ranges, shares of devices and the grade in place of what the last one left in the course's record, and the medians of the
 * devices as its samples. `program`: what the device's certainty is asked about. */
void assay_drawn_scenario_tell(const struct assay_drawn_scenario *d, struct assay_course *course, const struct assay_program *program);

#endif
