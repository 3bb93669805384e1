/* The levels that a modelled device tells of itself, read after each draw: the parts of a step, the power of a system. Their ranges become
 * counters of the record. */
#ifndef ASSAY_RUN_DRAWN_LEVELS_H
#define ASSAY_RUN_DRAWN_LEVELS_H

#include "assay/error.h"
#include "harness/run/course.h"

struct assay_drawn_levels;
enum assay_code assay_drawn_levels_new(uint32_t draws, struct assay_drawn_levels **out, struct assay_error *err);
void            assay_drawn_levels_free(struct assay_drawn_levels *l);
/* What the case's sessions say now, as draw i's, from 0. A back end without levels says nothing. */
void            assay_drawn_levels_see(struct assay_drawn_levels *l, const struct assay_course *c, uint32_t i);
/* A level on draw i; NaN: there is none of that name. */
double          assay_drawn_level(const struct assay_drawn_levels *l, const char *name, uint32_t i);
/* Low, middle and high of a level, with the reason why there is no point; false: it is none that was seen on every draw. */
bool            assay_drawn_levels_range(const struct assay_drawn_levels *l, const char *name, struct assay_drawn_range *out);

#endif
