/* Which values of a whole model are told singly: a report cannot tell thousands. */
#ifndef ASSAY_REPORTS_LEVEL_LAYERS_H
#define ASSAY_REPORTS_LEVEL_LAYERS_H

#include <stddef.h>

#include "harness/judge/model_findings.h"

/* At most `most` of them, into index[most] in the order of execution: those that diverge, the first ones, then those that use most of
 * their bounds. How many. */
size_t assay_level_layers(const struct assay_model_search *search, size_t most, size_t *index);
/* Its outcome by its own bound: fail, pass, or not checked where nothing could be said. */
enum assay_outcome assay_level_layer_outcome(const struct assay_model_layer *layer);

#endif
