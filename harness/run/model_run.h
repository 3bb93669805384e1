/* A whole model on a back end, in the worker: what `assay validate --level model` looks at for one case.
 *
 *     a case                     layer by layer (layers_run.h)
 *     a case of phase decode,    and greedy tokens, where the workload can also score a whole text (phase score)
 *     a case that learns         a net is trained by back end `cpu`, and then: its choices on unseen data, its evaluation layer by
 *                                layer, and, of a workload that decodes, its greedy tokens */
#ifndef ASSAY_RUN_MODEL_RUN_H
#define ASSAY_RUN_MODEL_RUN_H

#include <jansson.h>
#include <stdint.h>

#include "assay/error.h"

/* *out is new: {"outcome", "why", and of "layers", "quality", "tokens" those that apply, each with an outcome and a why of its
 * own}. An error is the back end's, the case's, or memory. */
enum assay_code assay_model_run(const char *backend, const char *case_name, uint64_t seed, json_t **out, struct assay_error *err);

#endif
